"""Every file of ``fixtures/bad/midi``: read, refused in strict mode, and mended by `convert`."""

from __future__ import annotations

import io
import re
import warnings
from typing import TYPE_CHECKING, Any

import mido
import pretty_midi
import pytest
import symusic

import midikit as mk
from tests.bad_midi import CASES, EXPORTS, FOLDER, README, Case, row_of
from tests.bench.roundtrip import events
from tests.smf_bytes import whole

if TYPE_CHECKING:
    from pathlib import Path


LOSSLESS = "--tempo source --programs source --overlap keep --short keep".split()
"""The options of `convert` that keep every event as it is."""


def case_id(case: Case) -> str:
    """Name a case."""
    return case.name


def test_the_files_are_those_of_the_table() -> None:
    """Byte for byte, each with its row in the README, and none beside them."""
    found = {path.stem: path.read_bytes() for path in FOLDER.glob("*")}
    assert found == {case.name: case.data for case in CASES}, "python -m tests.bad_midi"
    rows = README.read_text("utf-8").splitlines()
    assert [row for row in rows if row.startswith("| `bad/midi/")] == list(map(row_of, CASES))


@pytest.mark.parametrize("case", CASES, ids=case_id)
def test_it_is_read_or_refused_as_expected(case: Case) -> None:
    """Notes, kinds of repairs, and the byte that strict mode names."""
    if case.notes is None:
        with pytest.raises(mk.MidiError, match=case.error) as refused:
            mk.read_midi(case.data)
        assert refused.value.offset == case.offset
        return
    song = mk.read_midi(case.data)
    assert song.note_count == case.notes
    assert tuple(sorted({row.kind for row in song.repairs})) == case.kinds
    offsets = [row.offset for row in song.repairs if row.offset is not None]
    if not case.kinds:
        assert mk.read_midi(case.data, strict=True).note_count == case.notes
        return
    with pytest.raises(mk.MidiError) as strict:
        mk.read_midi(case.data, strict=True)
    assert strict.value.offset == min(offsets)
    assert case.offset in {None, min(offsets)}
    assert 0 <= min(offsets) <= len(case.data)


@pytest.mark.parametrize("case", [case for case in CASES if case.notes is not None], ids=case_id)
def test_convert_mends_it(case: Case, cli: Any, tmp_path: Path) -> None:
    """What comes out has the same notes, opens in mido and needs no repair."""
    broken, mended = tmp_path / "broken.mid", tmp_path / "mended.mid"
    broken.write_bytes(case.data)
    done = cli("convert", broken, "-o", mended, "--tempo", "source")
    assert done.code == 0
    reported = "repair" in done.out + done.err
    assert reported == bool(case.kinds)
    song = mk.read_midi(mended, strict=True)
    assert song.note_count == case.notes
    there = mido.MidiFile(file=io.BytesIO(mended.read_bytes()))
    played = sum(m.type == "note_on" and m.velocity > 0 for track in there.tracks for m in track)
    assert played == case.notes


@pytest.mark.parametrize("case", [case for case in CASES if case.kinds], ids=case_id)
@pytest.mark.parametrize("command", ["convert", "inspect"])
def test_strict_names_the_byte_in_one_line(
    command: str, case: Case, cli: Any, tmp_path: Path
) -> None:
    """Nothing is printed but the error, and nothing is written."""
    (tmp_path / "broken.mid").write_bytes(case.data)
    done = cli(command, "broken.mid", "--strict", *(["-o", "out.mid"] * (command == "convert")))
    assert (done.code, done.out) == (1, "")
    (line,) = done.err.splitlines()
    with pytest.raises(mk.MidiError) as strict:
        mk.read_midi(case.data, strict=True)
    assert line.startswith(f"Error: broken.mid: byte {strict.value.offset}")
    assert not (tmp_path / "out.mid").exists()


@pytest.mark.parametrize("case", [case for case in CASES if case.kinds], ids=case_id)
def test_a_repair_points_into_its_track(case: Case) -> None:
    """Its byte lies in the chunk it names, or in the eight bytes of the chunk's head."""
    starts = [match.start() for match in re.finditer(b"MTrk", case.data)]
    for row in mk.read_midi(case.data).repairs:
        if row.track is not None:
            assert row.offset is not None
            assert starts[row.track] <= row.offset < [*starts, len(case.data) + 1][row.track + 1]


def _played(path: Path) -> dict[int, tuple[int, int]]:
    """Tell by mido on which channel, and with which program, each pitch is played."""
    programs, found = {}, {}
    for track in mido.MidiFile(path).tracks:
        for message in track:
            assert message.type != "key_signature"
            if message.type == "program_change":
                programs[message.channel] = message.program
            elif message.type == "note_on" and message.velocity:
                found[message.note] = (message.channel, programs.get(message.channel, 0))
    return found


@pytest.mark.parametrize("tempo", ["auto", "source"])
@pytest.mark.parametrize(
    ("name", "played"),
    [
        ("export", {36: (9, 0), 28: (0, 33), 72: (1, 107)}),
        ("export-drum-program", {38: (9, 0), 67: (0, 46)}),
        ("export-stems", {42: (9, 0), 31: (0, 33), 60: (1, 54), 64: (1, 54)}),
    ],
)
def test_exports_come_out_right(
    name: str, played: dict[int, tuple[int, int]], tempo: str, cli: Any, tmp_path: Path
) -> None:
    """Each part has its sound, drums are on channel 10, and the keys that cannot be are told."""
    done = cli("convert", FOLDER / f"{name}.mid", "-o", "right.mid", "--tempo", tempo)
    assert done.code == 0
    assert "sharps" in done.err
    right = tmp_path / "right.mid"
    assert _played(right) == played
    notes = mk.read_midi(EXPORTS[name]).note_count
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what pretty_midi says to itself
        heard = pretty_midi.PrettyMIDI(str(right))
    assert sum(len(part.notes) for part in heard.instruments) == notes
    score: Any = symusic.Score(right)
    assert sum(len(track.notes) for track in score.tracks) == notes
    again = cli("convert", right, "-o", "again.mid", "--tempo", "source", "--json")
    assert again.row()["repairs"] == []
    assert (tmp_path / "again.mid").read_bytes() == right.read_bytes()


def test_the_readme_shows_what_is_said(cli: Any, tmp_path: Path) -> None:
    """Its example of a mended file, word for word but for line ends."""
    export = FOLDER / "export-stems.mid"
    done = cli("convert", export, "-o", "mended.mid", "--tempo", "source")
    readme = (README.parent.parent / "README.md").read_text("utf-8")
    (shown,) = re.findall(r"^```\n(export-stems.*?)^```", readme, re.DOTALL | re.MULTILINE)
    assert shown.split() == done.err.split()


EVENTS = """
00ff0308 4e69676874204472 00ff5103055555 00ff58040602 2408 00ff590202 00 00ff0602 4131
00c005 00b04040 00e00050 00ff05026f68 00903c64 8360803c40
8700ff5103 0a2c2b 00b04000 00d033 00903e50 8360803e40 10ff0702 6375
"""


@pytest.mark.parametrize("fault", ["ff59020b00", "ff510100", "f000", "804040", "ff80020000"])
def test_mending_keeps_every_event(fault: str, cli: Any, tmp_path: Path) -> None:
    """With the options for it what comes out of a broken file is the sound file, for mido."""
    sound = whole(EVENTS)
    cut = sound.index(b"\0\x90\x3c\x64")
    body = sound[22:cut] + bytes.fromhex("00" + fault) + sound[cut:-4]
    (tmp_path / "broken.mid").write_bytes(whole(body))
    done = cli("convert", "broken.mid", "-o", "mended.mid", *LOSSLESS)
    assert done.code == 0
    assert "1 repair:" in done.err
    mended = (tmp_path / "mended.mid").read_bytes()
    assert events(mended) == events(sound)
    again = cli("convert", "mended.mid", "-o", "again.mid", *LOSSLESS)
    assert "repair" not in again.err
    assert (tmp_path / "again.mid").read_bytes() == mended
