"""Every file of ``fixtures/bad/answers``: read in both modes, and converted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

import midikit as mk
from tests.bad_answers import CASES, FOLDER, Case, row_of
from tests.bad_midi import README

if TYPE_CHECKING:
    from pathlib import Path


def case_id(case: Case) -> str:
    """Name a case."""
    return case.name


def test_the_files_are_those_of_the_table() -> None:
    """Byte for byte, each with its row in the README, and none beside them."""
    found = {path.stem: path.read_bytes() for path in FOLDER.glob("*")}
    assert found == {case.name: case.data for case in CASES}, "python -m tests.bad_answers"
    rows = README.read_text("utf-8").splitlines()
    assert [row for row in rows if row.startswith("| `bad/answers/")] == list(map(row_of, CASES))


@pytest.mark.parametrize("case", CASES, ids=case_id)
def test_it_is_read_or_refused_as_expected(case: Case) -> None:
    """Notes to the last bit, kinds and paths; strict mode stops at the first of them."""
    if case.notes is None:
        for strict in (False, True):
            with pytest.raises(mk.AnswerError, match=case.error):
                mk.read_json(case.data, strict=strict)
        return
    song = mk.read_json(case.data)
    assert tuple(song.note_array()[["start", "end", "pitch", "velocity"]].tolist()) == case.notes
    assert tuple((row.place, row.kind) for row in song.repairs) == case.places
    if not case.places:
        assert mk.read_json(case.data, strict=True).note_count == len(case.notes)
        return
    with pytest.raises(mk.AnswerError) as strict_error:
        mk.read_json(case.data, strict=True)
    assert strict_error.value.path == case.places[0][0]


@pytest.mark.parametrize("case", CASES, ids=case_id)
def test_convert_writes_it_or_ends_with_its_code(case: Case, cli: Any, tmp_path: Path) -> None:
    """What comes out has the same notes; what is refused leaves no file."""
    out = tmp_path / "out.mid"
    done = cli("convert", FOLDER / f"{case.name}.json", "-o", out)
    assert done.code == case.code
    assert ("repair" in done.out + done.err) == bool(case.places)
    if case.notes is None:
        assert list(tmp_path.iterdir()) == []
        assert len(done.err.splitlines()) == 1
        assert done.err.isascii() or done.err.strip().isprintable()
        return
    written = mk.read_midi(out, strict=True).note_array()
    assert [tuple(row) for row in written[["pitch", "velocity"]].tolist()] == [
        note[2:] for note in case.notes
    ]
