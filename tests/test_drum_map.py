"""Drum maps: what a producer may write in one, and what it does to a song."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from midikit.convert.arrange.drum_map import map_drums
from midikit.errors import ConversionError, InputError, LimitError
from midikit.gm import DRUM_NAMES
from midikit.model.notes import as_notes
from midikit.model.song import Song, Track
from midikit.parse.drum_map import read_drum_map

if TYPE_CHECKING:
    from pathlib import Path

_pitch = st.integers(0, 127)


# ---------------------------------------------------------------- the file


@pytest.mark.parametrize(
    "text",
    [
        "35 -> 36\n40 = 38\n",
        "35,36\n40,38",
        "from,to\r\n35,36\r\n40,38\r\n",
        "\ufeffDrum;Key\n35;36;\n40;38;;\n",
        '"35"\t"36"\n\n40\t38 # the other snare\n# 41 = 43\n',
        "Acoustic Bass Drum => Bass Drum 1\nELECTRIC  snare \u2192 acoustic-snare\n",
        "acousticbassdrum = 36\nelectric_snare = 38\n35 = 36",
    ],
)
def test_an_editor_and_a_spreadsheet_write_the_same_map(text: str) -> None:
    """Whatever stands between the two, and whatever a spreadsheet adds."""
    assert read_drum_map(text.encode()) == {35: 36, 40: 38}


def test_every_name_of_general_midi_is_known_by_itself() -> None:
    """Also where another one holds it, such as Cowbell or Low Tom."""
    for pitch, name in DRUM_NAMES.items():
        for spelt in (name, name.upper(), name.replace("-", " ").replace(" ", ""), f" {name} "):
            assert read_drum_map(f"{spelt} = 1".encode()) == {pitch: 1}


def test_part_of_a_name_is_enough_where_it_is_one_drum() -> None:
    """Everyday words as well."""
    text = "clap = 1\nopen hat = 2\npedal hihat = 3\nkick 1 = 4\nacoustic kick = 5\n"
    assert read_drum_map(text.encode()) == {39: 1, 46: 2, 44: 3, 36: 4, 35: 5}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("\nsnare = 38", "line 2: 'snare' may be Acoustic Snare (38) or Electric Snare (40); ex"),
        ("\nsnare = 38", "; expected one of them or its number"),
        ("35 = kick", "line 1: 'kick' may be Acoustic Bass Drum (35) or Bass Drum 1 (36); "),
        ("tom = 45", "line 1: 'tom' may be Low Floor Tom (41), High Floor Tom (43), "),
        ("snair = 38", "line 1: 'snair' is no drum of General MIDI; expected a name such as "),
        ("35 = 128", "line 1: '128' is no MIDI pitch; expected 0 to 127"),
        ("-1 = 38", "line 1: '-1' is no MIDI pitch; expected 0 to 127"),
        ("9" * 5000 + " = 1", "is no MIDI pitch; expected 0 to 127"),
        ("35", "line 1: '35'; expected a drum and its key, such as '35 -> 36'"),
        ("35 = ", "line 1: '35 ='; expected a drum and its key"),
        ("= 35", "line 1: '= 35'; expected a drum and its key"),
        ("35, 36, 37", "line 1: '35, 36, 37'; expected a drum and its key"),
        ("35 = 36\nfrom,to", "line 2: 'from' is no drum of General MIDI"),
        (
            "35 = 36\n\n35 = 38",
            "line 3: Acoustic Bass Drum (35) goes to 38, but to 36 by line 1; expected one key a ",
        ),
        ("\x1b[2J = 38", "line 1: '\\x1b[2J' is no drum of General MIDI"),
        ("!? = 38", "line 1: '!?' is no drum of General MIDI"),
    ],
)
def test_a_bad_line_is_told_with_its_number(text: str, said: str, tmp_path: Path) -> None:
    """In one line: where, what was found, what was expected; nothing in it acts."""
    path = tmp_path / "kit.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError) as caught:
        read_drum_map(path)
    message = str(caught.value)
    assert message.startswith(f"{path}: line ")
    assert said in message
    assert "\x1b" not in message
    assert len(message) < 500 + len(str(path))


def test_what_is_no_text_is_told(tmp_path: Path) -> None:
    """A .mid given by mistake, nothing, or too much."""
    with pytest.raises(InputError, match="byte 1: is no text in UTF-8"):
        read_drum_map(b"3\xff")
    assert read_drum_map(b"") == {}
    (tmp_path / "large").write_bytes(bytes(70_000))
    with pytest.raises(LimitError):
        read_drum_map(tmp_path / "large")
    with pytest.raises(InputError, match="No such file"):
        read_drum_map(tmp_path / "missing")


@settings(max_examples=200)
@given(st.dictionaries(_pitch, _pitch, max_size=20), st.sampled_from(["=", " -> ", ",", ";", "\t"]))
def test_any_map_comes_back(mapping: dict[int, int], mark: str) -> None:
    """By numbers and by names."""
    lines = [f"{one}{mark}{other}" for one, other in mapping.items()]
    assert read_drum_map("\n".join(lines).encode()) == mapping
    named = [f"{DRUM_NAMES.get(one, one)}{mark}{other}" for one, other in mapping.items()]
    assert read_drum_map("\n".join(named).encode()) == mapping


@settings(max_examples=200)
@given(st.one_of(st.binary(max_size=80), st.text(max_size=40).map(str.encode)))
def test_any_bytes_are_a_map_or_an_input_error(data: bytes) -> None:
    """Never a traceback."""
    try:
        mapping = read_drum_map(data)
    except InputError:
        return
    assert all(0 <= pitch <= 127 for pair in mapping.items() for pitch in pair)


# ---------------------------------------------------------------- the song


def _song(rows: list[tuple[float, float, int, int]]) -> Song:
    notes = as_notes(rows)
    return Song((Track("Drums", is_drum=True, notes=notes), Track("Koto", notes=notes)))


def test_drums_change_places_and_nothing_else_moves() -> None:
    """All at once; each pitch that moved is counted; melodic tracks stay as they are."""
    song = _song([(0.0, 0.1, 36, 80), (0.5, 0.6, 38, 70), (1.0, 1.1, 36, 60), (1.5, 1.6, 42, 50)])
    mapped = map_drums(song, {36: 38, 38: 36, 42: 42})
    assert mapped[0].notes["pitch"].tolist() == [38, 36, 38, 42]
    for name in ("start", "end", "velocity"):
        assert np.array_equal(mapped[0].notes[name], song[0].notes[name])
    assert mapped[1] is song[1]
    assert [(change.kind, str(change), change.count) for change in mapped.changes] == [
        ("drums", "Drums: 2 notes of 36 (Bass Drum 1) moved to 38 (Acoustic Snare)", 2),
        ("drums", "Drums: 1 note of 38 (Acoustic Snare) moved to 36 (Bass Drum 1)", 1),
    ]


def test_drums_that_fall_together_are_one_hit() -> None:
    """As loud as the louder and as long as the longer; a millisecond apart they are two."""
    rows = [(0.0, 0.1, 35, 60), (0.0005, 0.3, 36, 90), (1.0, 1.1, 35, 70), (1.002, 1.1, 36, 80)]
    mapped = map_drums(_song(rows), {35: 36})
    assert mapped[0].notes.tolist() == [
        (0.0, 0.3, 36, 90),
        (1.0, 1.1, 36, 70),
        (1.002, 1.1, 36, 80),
    ]
    assert str(mapped.changes[-1]) == (
        "Drums: 1 note joined with another that begins with it on 36 (Bass Drum 1)"
    )


def test_what_was_doubled_before_stays_doubled() -> None:
    """Only hits that the map brings together are joined."""
    rows = [(0.0, 0.1, 36, 60), (0.0, 0.1, 36, 70), (0.5, 0.6, 40, 70), (0.5, 0.6, 40, 70)]
    assert map_drums(_song(rows), {})[0].notes.tolist() == as_notes(rows).tolist()
    assert len(map_drums(_song(rows), {36: 35, 40: 38})[0].notes) == 4


@settings(max_examples=200)
@given(
    st.lists(st.tuples(st.integers(0, 40), st.integers(30, 50), st.integers(1, 127)), max_size=30),
    st.dictionaries(st.integers(30, 50), st.integers(30, 50), max_size=10),
)
def test_every_hit_is_there_or_counted(
    hits: list[tuple[int, int, int]], mapping: dict[int, int]
) -> None:
    """At its second on its new pitch; what is missing is in the changes; a bijection loses none."""
    song = _song([(step / 192, step / 192 + 0.1, pitch, v) for step, pitch, v in hits])
    mapped = map_drums(song, mapping)
    wanted = {(row["start"], mapping.get(int(row["pitch"]), row["pitch"])) for row in song[0].notes}
    assert {(row["start"], row["pitch"]) for row in mapped[0].notes} == wanted
    joined = sum(change.count for change in mapped.changes if "joined" in change.what)
    assert len(mapped[0].notes) + joined == len(hits)
    moved = sum(change.count for change in mapped.changes if "moved" in change.what)
    assert moved == sum(mapping.get(pitch, pitch) != pitch for _, pitch, _ in hits)


@pytest.mark.parametrize("pitch", [-1, 128, 1.5, "36", True, None])
def test_what_is_no_pitch_is_refused(pitch: Any) -> None:
    """On either side."""
    for mapping in ({pitch: 36}, {36: pitch}):
        with pytest.raises(ConversionError, match="is no MIDI pitch; expected 0 to 127"):
            map_drums(_song([]), mapping)
