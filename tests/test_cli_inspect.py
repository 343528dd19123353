"""``midikit inspect`` and ``midikit compare``: what is said about songs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from midikit.__main__ import main
from midikit.cli.remarks import remarks
from midikit.cli.track_rows import describe
from midikit.model.notes import as_notes
from midikit.model.song import Song, Track

NOTES = [
    {"start": i / 4, "end": i / 4 + 0.02, "pitch": 60 + i, "velocity": 91 / 127} for i in range(4)
]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in a folder with an answer of two instruments."""
    monkeypatch.chdir(tmp_path)
    parts = [
        {"name": "Koto", "notes": NOTES},
        {"name": "Drums", "notes": [{**NOTES[0], "pitch": pitch} for pitch in (36, 36, 20, 82)]},
    ]
    (tmp_path / "song.json").write_text(json.dumps({"instruments": parts}))
    return tmp_path


def test_a_row_an_instrument_with_everything_worth_knowing() -> None:
    """Range, sound and how it was found, polyphony, short notes, velocities, doubles, odd drums."""
    koto = [(0.0, 1.0, 60, 91), (0.5, 2.0, 64, 91), (1.5, 1.52, 67, 91), (1.5, 1.6, 67, 91)]
    kit = [(0.0, 0.1, 36, 80), (0.5, 0.6, 84, 90), (1.0, 1.1, 84, 90)]
    song = Song(
        (
            Track("Koto", 1, notes=as_notes(koto), channel=0),
            Track("Drums", is_drum=True, notes=as_notes(kit), channel=0),
            Track("Dark Synth Bass", notes=as_notes(koto)),
            Track("Song (Flute)", notes=as_notes(koto)),
            Track("Zzz", 5, notes=as_notes(koto)),
            Track("Zzz"),
        )
    )
    rows = describe(song)
    first = rows[0]
    assert (first.lowest, first.highest, first.claimed, first.program) == (60, 67, 1, 107)
    assert (first.polyphony, first.short, first.velocities, first.velocity) == (3, 1, 1, 91)
    assert (first.duplicates, first.outside_kit, first.channel) == (1, [], 1)
    assert [row.by for row in rows] == ["name", "kit", "guess", "role", "claim", "none"]
    assert (rows[1].outside_kit, rows[1].outside_kit_notes) == ([84], [2])
    assert (rows[5].lowest, rows[5].polyphony, rows[5].velocity) == (None, 0, None)
    said = remarks(song, rows)
    assert "Koto: one velocity throughout (91)" in said
    assert "Drums: not in the General MIDI kit: 84 (Bell Tree, 2 notes)" in said
    assert "Drums: drums on channel 1, which plays them as an instrument" in said
    assert "Zzz: 2 tracks of this name; convert --merge-tracks name joins them" in said


def test_sounds_and_channels_claimed_for_all_are_told() -> None:
    """One program, one channel, a kit under another program; nothing of it where parts differ."""
    notes = as_notes([(0.0, 1.0, 60, 91), (1.0, 2.0, 62, 90)])

    def said(*parts: tuple[str, int, int]) -> list[str]:
        tracks = [
            Track(name, program, is_drum=name == "Drums", notes=notes, channel=channel)
            for name, program, channel in parts
        ]
        song = Song(tuple(tracks))
        return remarks(song, describe(song))

    assert said(("Koto", 0, 0), ("Bass", 0, 0), ("Drums", 0, 9)) == [
        "all 3 tracks claim program 0 (Acoustic Grand Piano)",
        "2 tracks share channel 1 and cut each other's notes off",
    ]
    assert said(("Koto", 107, 0), ("Bass", 33, 1), ("Drums", 117, 9)) == [
        "Drums: drums that claim program 117 (Melodic Tom)"
    ]
    assert said(("Koto", 107, 0), ("Bass", 33, 1), ("Drums", 16, 9)) == []


def test_many_flat_tracks_are_one_remark() -> None:
    """So that there is room for what else is odd."""
    notes = as_notes([(0.0, 1.0, 60, 91), (1.0, 2.0, 62, 91)])
    song = Song(tuple(Track(f"Part {i}", i, notes=notes, channel=i) for i in range(5)))
    assert remarks(song, describe(song)) == ["5 of 5 tracks have one velocity throughout"]


def test_the_table_reads_at_80_columns(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Everything is on one screen, plain where there is no terminal."""
    assert main(["inspect", "song.json"]) == 0
    out, err = capsys.readouterr()
    lines = out.splitlines()
    assert err == ""
    assert lines[0] == "song.json: 2 tracks, 8 notes, 0:00.8"
    assert lines[1] == "  no tempo claimed"
    table = lines.index("")
    assert lines[2].startswith("  tempo: ")
    assert lines[table + 1].split() == "# track notes range plays by poly <30ms vel. dup".split()
    assert lines[table + 2].split() == "1 Koto 4 C4-D#4 107 Koto name 1 4 flat 91 -".split()
    assert lines[table + 3].split() == "2 Drums 4 20-82 drum kit kit 4 4 flat 91 1".split()
    assert "  Drums: not in the General MIDI kit: 20 (1 note), 82 (Shaker, 1 note)" in lines
    assert max(map(len, lines)) <= 80
    assert "repair" not in out


def test_a_mid_shows_its_claims_and_repairs(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Tempo, signatures and title as the file claims them; faults with their byte."""
    track = bytes.fromhex(
        "00ff0304536f6e67"  # the title
        "00ff580403020000"  # 3/4
        "00ff5902fe00"  # B flat major
        "00ff59021300"  # 19 sharps
        "00ff510307a120"
        "60ff5103061a80"  # 120, then 150 BPM
        "00ff2f00"
    )
    part = bytes.fromhex("00ff03044b6f746f00903c4060803c4000ff2f00")
    chunks = [b"MTrk" + len(t).to_bytes(4, "big") + t for t in (track, part)]
    Path("song.mid").write_bytes(b"MThd" + bytes.fromhex("00000006000100020060") + b"".join(chunks))
    assert main(["inspect", "song.mid"]) == 0
    out = capsys.readouterr().out
    assert "  'Song', 2 tempo events, 120 to 150 BPM claimed, 3/4, Bb major" in out
    assert "  1 repair:" in out
    assert "byte 45, track 0: key signature of 19 sharps" in out
    assert main(["inspect", "song.mid", "--strict"]) == 1
    assert main(["inspect", "song.mid", "--json"]) == 0
    captured = capsys.readouterr()
    row = json.loads(captured.out)
    assert row["tempo"] == {"events": 2, "first": 120.0, "lowest": 120.0, "highest": 150.0}
    assert row["key_signatures"] == [[0.0, -2, False]]
    assert row["repairs"][0]["offset"] == 45


def test_json_has_a_row_an_input_also_for_a_bad_one(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Scripts read one object a line; a bad input has its error there."""
    assert main(["inspect", "song.json", "gone.mid", "--json"]) == 1
    good, bad = map(json.loads, capsys.readouterr().out.splitlines())
    assert [track["name"] for track in good["tracks"]] == ["Koto", "Drums"]
    assert good["tempo"] is None
    assert (good["error"], good["exit"]) == (None, 0)
    assert bad["error"]["type"] == "InputError"
    assert bad["exit"] == 1


def test_a_song_of_very_many_tracks_is_cut_on_the_screen(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Thousands of instruments do not scroll by; what is left out is counted."""
    parts = [{"name": "Koto", "notes": NOTES[:1]}] * 1000
    Path("many.json").write_text(json.dumps({"instruments": parts}))
    assert main(["inspect", "many.json"]) == 0
    out = capsys.readouterr().out
    assert "  and 872 more tracks; --json lists them all" in out
    assert len(out) < 20_000
    Path("none.json").write_text('{"instruments": []}')
    assert main(["inspect", "none.json"]) == 0
    assert "no notes in this answer" in capsys.readouterr().out


def test_compare_tells_same_from_different(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """0 and 5 for scripts, words for people, numbers for programs."""
    assert main(["convert", "song.json", "-q", "--overlap", "keep"]) == 0
    assert main(["compare", "song.json", "song.mid"]) == 0
    assert capsys.readouterr().out.startswith("8 of 8 notes match within 3 ms.")
    less = {"instruments": [{"name": "Koto", "notes": NOTES[1:]}]}
    Path("less.json").write_text(json.dumps(less))
    assert main(["compare", "song.mid", "less.json"]) == 5
    out = capsys.readouterr().out
    assert "3 of 8 notes match within 3 ms, 5 missing" in out
    assert "Koto: note 0 at 0.000 s, pitch 60 (C4), is missing" in out
    assert main(["compare", "song.mid", "less.json", "-q"]) == 5
    assert capsys.readouterr().out == ""
    assert main(["compare", "song.mid", "less.json", "--json", "--tolerance", "0.01"]) == 5
    row = json.loads(capsys.readouterr().out)
    assert (row["missing"], row["exit"], row["tolerance"]) == (5, 5, 0.01)
    assert (row["reference"], row["estimate"]) == ("song.mid", "less.json")


def test_compare_refuses_what_is_no_song(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A missing file is 1, with its name; a folder of songs is a usage error."""
    assert main(["compare", "song.json", "gone.mid"]) == 1
    assert "Error: gone.mid: no such file" in capsys.readouterr().err
    assert main(["compare", "gone.mid", "song.json", "--json"]) == 1
    row: dict[str, Any] = json.loads(capsys.readouterr().out)
    assert row["exit"] == 1
    (folder / "two").mkdir()
    for name in ("a.json", "b.json"):
        (folder / "two" / name).write_text("{}")
    assert main(["compare", "two", "song.json"]) == 2
    assert "compare takes two songs, not a folder of them" in capsys.readouterr().err
    assert main(["compare", "-", "-"]) == 2
    assert main(["compare", "song.json", "song.json", "--tolerance", "-1"]) == 2


def test_long_names_take_a_line_of_their_own(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What is said of a song stays within 80 columns."""
    Path("a" * 60 + ".json").write_bytes(Path("song.json").read_bytes())
    assert main(["inspect", "a" * 60 + ".json"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[:2] == ["a" * 60 + ".json:", "  2 tracks, 8 notes, 0:00.8"]


def test_remarks_and_differences_are_wrapped_on_a_terminal(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Within its width; in a pipe each stays a line."""
    name = "An Instrument With Quite A Long Name Indeed " * 2
    parts = [{"name": name, "notes": NOTES[:count]} for count in (3, 2)]
    for file, part in zip(("one.json", "two.json"), parts, strict=True):
        Path(file).write_text(json.dumps({"instruments": [part]}))
    said = {}
    for terminal in (False, True):
        monkeypatch.setattr("midikit.cli.report.is_terminal", lambda _, is_one=terminal: is_one)
        monkeypatch.setenv("COLUMNS", "80")
        monkeypatch.setenv("NO_COLOR", "1")
        main(["inspect", "one.json"])
        main(["compare", "one.json", "two.json"])
        said[terminal] = capsys.readouterr().out
    remark = [line for line in said[False].splitlines() if "one velocity throughout" in line]
    assert len(remark[0]) > 80
    assert max(map(len, said[True].splitlines())) <= 80
    assert said[True].split()[-1] == said[False].split()[-1]
