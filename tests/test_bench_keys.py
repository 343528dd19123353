"""The benchmark of keys measures what it says."""

from __future__ import annotations

from collections import Counter

import pytest

from midikit.model.key import MODES, Key
from tests.bench.key_data import as_key, dev_songs, longest
from tests.bench.key_plain import plain_songs
from tests.bench.key_songs import STYLES, made_song, made_songs, transposed
from tests.bench.keys import main, mirex


@pytest.mark.parametrize(
    ("found", "score"),
    [
        ("A minor", 1.0),
        ("E minor", 0.5),
        ("D minor", 0.5),
        ("C major", 0.3),
        ("A major", 0.2),
        ("F major", 0.0),
        ("B minor", 0.0),
    ],
)
def test_mirex_scores_of_a_minor(found: str, score: float) -> None:
    """A fifth off either way, the relative key and the parallel one count in part."""
    assert mirex(Key.from_name(found), Key("A", "minor")) == score


def test_mirex_scores_relatives_both_ways() -> None:
    """A minor is the relative of C major; nothing is none."""
    assert mirex(Key("A", "minor"), Key("C", "major")) == 0.3
    assert mirex(Key("Eb", "minor"), Key("C", "major")) == 0.0
    assert mirex(None, Key("C", "major")) == 0.0


def test_annotated_keys_are_read() -> None:
    """Names that no key signature can write as well; the key that lasts longest in all counts."""
    assert str(as_key("Gb:min")) == "F# minor"
    assert str(as_key("Db:min")) == "C# minor"
    spans = [(0.0, 40.0, "C:maj"), (40.0, 90.0, "D:maj"), (90.0, 115.0, "C:maj")]
    assert str(longest(spans)) == "C major"
    songs = list(dev_songs())
    assert len(songs) == 50
    assert all(one.spans[0][0] < one.song.end for one in songs)


def test_made_songs_are_in_all_keys() -> None:
    """Each style and salt covers them; the same seed gives the same song."""
    keys = Counter(case.key for case in made_songs("suite", 12))
    assert keys == Counter({Key.of(n, mode): len(STYLES) // 2 for n in range(12) for mode in MODES})
    one, two = (made_song(5, "jazz").song.note_array() for _ in range(2))
    assert (one == two).all()
    up = transposed(made_song(5, "jazz"), 3)
    assert str(up.key) == "Eb major"
    assert len({str(case.key) for case in plain_songs("suite")}) == 24


def test_the_table_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    """Without music21 as well: a row a suite, what was refused, and the calibration."""
    assert main(["--alone", "--songs", "1", "--suites", "made", "demo"]) == 0
    out = capsys.readouterr().out
    for suite in ("made", "demo"):
        assert f"\n{suite}" in out
        assert f"confidence, {suite}: calibration error 0." in out
    assert "ms a song" in out
    with pytest.raises(SystemExit):
        main(["--alone", "--pop909", "nowhere"])
    assert "nowhere: no such folder" in capsys.readouterr().err
