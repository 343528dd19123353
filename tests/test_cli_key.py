"""Keys on the command line: what ``inspect`` says and ``convert --key`` writes."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import mido
import pytest

from midikit.cli.key import KeyFound
from midikit.convert.midi import to_midi
from midikit.model.key import Key, KeySpan
from midikit.model.notes import as_notes, transpose
from midikit.model.song import Song, Track
from midikit.parse.midi import read_midi
from midikit.sandbox.songs import demo_songs
from midikit.tonality.export import with_key
from tests.bench.key_songs import atonal

POP = demo_songs()[0]


@pytest.fixture
def pop(cli: Any, tmp_path: Path) -> Any:
    """Save the pop song as pop.json."""
    (tmp_path / "pop.json").write_text(json.dumps(POP.answer()))
    return cli


def signatures(path: str) -> tuple[tuple[float, int, bool], ...]:
    """List the key signatures of a file."""
    return read_midi(Path(path)).key_signatures


def test_inspect_tells_the_key(pop: Any) -> None:
    """In words with its confidence and the runner-up, and in JSON."""
    told = pop("inspect", "pop.json")
    assert told.code == 0
    (line,) = [line for line in told.out.splitlines() if line.startswith("  key:")]
    assert line.startswith("  key: D major (sure, 0.")
    assert "; or " in line
    row = pop("inspect", "pop.json", "--json").row()
    assert (row["key"]["name"], row["key"]["sharps"]) == ("D major", 2)
    assert (row["key"]["tonic"], row["key"]["mode"]) == ("D", "major")
    assert 0.9 < row["key"]["confidence"] <= 1.0
    assert row["key"]["runner_up"]["confidence"] < 0.1
    assert [span["key"]["name"] for span in row["keys"]] == ["D major"]


def test_nothing_is_written_unless_asked(pop: Any) -> None:
    """No key signature by default: the key is said, and how to write it."""
    told = pop("convert", "pop.json")
    assert signatures("pop.mid") == ()
    assert "\n  key: D major (sure, " in told.text
    assert "; --key auto writes it\n  into a DAW: " in told.text
    row = pop("convert", "pop.json", "--force", "--json").row()
    assert (row["key"]["name"], row["keys"]) == ("D major", [])
    row = pop("convert", "pop.json", "--tempo", "source", "--force", "--json").row()
    assert (row["key"], row["keys"]) == (None, [])


def test_auto_writes_the_key_that_was_found(pop: Any) -> None:
    """At tick 0, told among the changes and after the tempo; mido reads it."""
    told = pop("convert", "pop.json", "--key", "auto")
    assert "key signature of D major (2 sharps) written" in told.text
    assert "\n  key: D major (sure, " in told.text
    assert signatures("pop.mid") == ((0.0, 2, False),)
    track = mido.MidiFile("pop.mid").tracks[0]
    (message,) = [m for m in track if m.type == "key_signature"]
    assert message.key == "D"
    row = pop("convert", "pop.json", "--key", "auto", "--force", "--json").row()
    assert row["key"]["name"] == row["keys"][0]["key"]["name"] == "D major"


def test_a_name_sets_it_by_hand(pop: Any) -> None:
    """Whatever the notes say; spelled as it was named."""
    pop("convert", "pop.json", "--key", "F# minor")
    assert signatures("pop.mid") == ((0.0, 3, True),)
    pop("convert", "pop.json", "--key", "Cb", "--force")
    assert signatures("pop.mid") == ((0.0, -7, False),)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("H", "'H': expected such as 'F# minor', 'Bb major', 'C' or 'Am'; or off, auto, sections"),
        ("G# major", "no key signature holds; expected Ab major"),
        ("\x1b[2J", "'\\x1b[2J': expected such as"),
    ],
)
def test_bad_names_give_one_line(pop: Any, name: str, said: str) -> None:
    """Exit code 2, nothing written, what is expected."""
    told = pop("convert", "pop.json", "--key", name)
    assert told.code == 2
    assert said in told.err
    assert len([line for line in told.err.splitlines() if line.startswith("Error")]) == 1
    assert not Path("pop.mid").exists()


def test_a_claimed_key_stays_unless_asked(cli: Any) -> None:
    """Off keeps it; auto and a name replace it, and say what was claimed."""
    Path("in.mid").write_bytes(to_midi(with_key(POP.song(), "Eb minor")))
    cli("convert", "in.mid", "-o", "kept.mid")
    assert signatures("kept.mid") == ((0.0, -6, True),)
    told = cli("convert", "in.mid", "-o", "new.mid", "--key", "auto")
    assert signatures("new.mid") == ((0.0, 2, False),)
    assert "D major (2 sharps) written instead of the Eb minor that was claimed" in " ".join(
        told.text.split()
    )


def test_a_doubtful_key_is_not_written(cli: Any) -> None:
    """That is said, with what to do; a key that was claimed stays."""
    song = atonal(5, "random").song
    Path("in.mid").write_bytes(to_midi(with_key(song, "C minor")))
    told = cli("convert", "in.mid", "-o", "out.mid", "--key", "auto", "--tempo", "source")
    assert told.code == 0
    said = " ".join(told.text.split())
    assert "no key signature written: no key found; the one that was claimed stays" in said
    assert "--key NAME sets one" in said
    assert signatures("out.mid") == ((0.0, -3, True),)
    drums = Song((Track("Drums", is_drum=True, channel=9, notes=as_notes([(0.0, 0.1, 36, 90)])),))
    Path("drums.mid").write_bytes(to_midi(drums))
    told = cli("convert", "drums.mid", "-o", "out2.mid", "--key", "sections", "--json")
    assert told.row()["key"] is None
    assert signatures("out2.mid") == ()


def test_sections_write_each_change(cli: Any) -> None:
    """On bar lines, where the song changes its key; auto writes one key all the same."""
    song = POP.song()
    tracks = []
    for track in song:
        late = track.notes["start"] > 70.0
        up = track.notes if track.is_drum else transpose(track.notes, 3)
        notes = [b if moved else a for a, b, moved in zip(track.notes, up, late, strict=True)]
        tracks.append(replace(track, notes=as_notes([tuple(row) for row in notes])))
    Path("up.mid").write_bytes(to_midi(song.with_tracks(tuple(tracks))))
    row = cli("convert", "up.mid", "-o", "out.mid", "--key", "sections", "--json").row()
    assert [span["key"]["name"] for span in row["keys"]] == ["D major", "F major"]
    (_, first, _), (second, flats, _) = signatures("out.mid")
    assert (first, flats) == (2, -1)
    assert second == pytest.approx(row["keys"][1]["start"], abs=2e-3)
    cli("convert", "up.mid", "-o", "one.mid", "--key", "auto")
    assert len(signatures("one.mid")) <= 1
    told = cli("inspect", "up.mid")
    assert "by section: D major, F major from " in told.out


def test_the_key_needs_a_mid(pop: Any) -> None:
    """Where no .mid is written the option has no effect, and that is said."""
    told = pop("convert", "pop.json", "--to", "csv", "--key", "auto")
    assert told.code == 2
    assert "--key has no effect without --to mid" in told.err
    assert not told.out


def test_several_songs_get_a_key_each(pop: Any) -> None:
    """In one process or two, with the same files; how many changes there were is told."""
    Path("waltz.json").write_text(json.dumps(demo_songs()[2].answer()))
    for folder, jobs in (("one", 1), ("two", 2)):
        told = pop(
            "convert", "pop.json", "waltz.json", "-o", folder, "--key", "auto", "--jobs", jobs
        )
        assert told.code == 0
        assert signatures(f"{folder}/pop.mid") == ((0.0, 2, False),)
        assert signatures(f"{folder}/waltz.mid") == ((0.0, 1, True),)
    assert Path("one/pop.mid").read_bytes() == Path("two/pop.mid").read_bytes()
    pop("convert", "pop.json", "waltz.json", "-o", "named", "--key", "Gb", "--jobs", 2)
    assert signatures("named/waltz.mid") == ((0.0, -6, False),)


def test_a_guess_is_told_but_not_written(cli: Any) -> None:
    """Five notes are too few to be sure of what they suggest."""
    notes = [(0.5 * i, 0.5 * i + 0.4, pitch, 80) for i, pitch in enumerate((60, 64, 67, 65, 60))]
    Path("in.mid").write_bytes(to_midi(Song((Track("Koto", notes=as_notes(notes)),))))
    told = cli("convert", "in.mid", "-o", "out.mid", "--key", "auto")
    said = " ".join(told.text.split())
    assert "no key signature written: C major (a guess, 0." in said
    assert "is not sure enough; --key NAME sets one" in said
    assert signatures("out.mid") == ()
    assert "  key: C major (a guess, 0." in cli("inspect", "in.mid").out


def test_sections_that_are_not_sure_are_told(pop: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """One key signature is written for all, and why."""
    sure, unsure = Key("D", "major", 0.9), Key("B", "minor", 0.5, Key("D", "major", 0.3))
    spans = (KeySpan(0.0, 60.0, sure), KeySpan(60.0, 140.0, unsure))
    monkeypatch.setattr("midikit.cli.key.find_keys", lambda *_: KeyFound(sure, spans))
    told = pop("convert", "pop.json", "--key", "sections", "-o", "out.mid")
    assert (
        "no key signatures by section: D major, B minor from 60.0 s, but from 60.0 s on B minor "
        "(a guess, 0.50; or D major, 0.30) is not sure enough"
    ) in told.err
    assert signatures("out.mid") == ((0.0, 2, False),)
    told = pop("convert", "pop.json", "--key", "auto", "-o", "one.mid")
    assert "by section" not in told.err


def test_notes_of_no_length_have_no_sections(cli: Any) -> None:
    """What keys there may be is said, and none is written; the song is."""
    notes = [{"start": 1.0, "end": 1.0, "pitch": p, "velocity": 0.6} for p in (60, 64, 67)]
    data = {"instruments": [{"name": "Piano", "notes": notes}]}
    Path("clicks.json").write_text(json.dumps({"code": 200, "data": data}))
    told = cli("convert", "clicks.json", "--key", "sections", "-o", "out.mid")
    assert told.code == 0
    assert "no key signature written: C major (a guess, " in told.err
    assert signatures("out.mid") == ()
