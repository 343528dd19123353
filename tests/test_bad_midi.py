"""Every file of ``fixtures/bad/midi``: read, refused in strict mode, and mended by `convert`."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import mido
import pytest

import midikit as mk
from tests.bad_midi import CASES, FOLDER, README, Case, row_of

if TYPE_CHECKING:
    from pathlib import Path


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
def test_convert_mends_it(case: Case, cli: object, tmp_path: Path) -> None:
    """What comes out has the same notes, opens in mido and needs no repair."""
    broken, mended = tmp_path / "broken.mid", tmp_path / "mended.mid"
    broken.write_bytes(case.data)
    done = cli("convert", broken, "-o", mended, "--tempo", "source")  # type: ignore[operator]
    assert done.code == 0
    reported = "repair" in done.out + done.err
    assert reported == bool(case.kinds)
    song = mk.read_midi(mended, strict=True)
    assert song.note_count == case.notes
    there = mido.MidiFile(file=io.BytesIO(mended.read_bytes()))
    played = sum(m.type == "note_on" and m.velocity > 0 for track in there.tracks for m in track)
    assert played == case.notes


def test_an_export_comes_out_right(tmp_path: Path) -> None:
    """Drums on channel 10, each part its program, no key that cannot be."""
    (export,) = [case for case in CASES if case.name == "export"]
    song = mk.read_midi(export.data)
    assert [row.found.split(",")[0] for row in song.repairs] != []
    mk.write_midi(song, tmp_path / "right.mid")
    tracks = mido.MidiFile(tmp_path / "right.mid").tracks
    events = [m for track in tracks for m in track]
    assert not [m for m in events if m.type == "key_signature"]
    programs = {m.channel: m.program for m in events if m.type == "program_change"}
    notes = {m.note: m.channel for m in events if m.type == "note_on"}
    assert notes[36] == 9
    assert programs[notes[40]] in range(32, 40)
    assert programs[notes[72]] == 107
