"""A stream of files to a folder of .mid files, from a program."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import midikit as mk
from midikit.batch import engine
from midikit.batch.workers import START_SECONDS

FIXTURES = Path(__file__).parent.parent / "fixtures"
ANSWERS = sorted((FIXTURES / "answers").glob("*.json"))
FILES = [*ANSWERS, *sorted((FIXTURES / "midi").glob("*.mid"))]


def test_fixtures_come_out_as_one_by_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same bytes, repairs, changes and errors as by hand, with any number of processes."""
    monkeypatch.setattr(engine, "START_SECONDS", dict.fromkeys(START_SECONDS, 0.0))
    rows = []
    for jobs in (1, 2, 3):
        folder = tmp_path / str(jobs)
        row = []
        for one in mk.convert_files(iter(FILES), folder, jobs=jobs, chunk=3):
            data = one.path and one.path.read_bytes()
            row.append((one.source, data, one.repairs, one.changes, repr(one.error)))
        rows.append(row)
    assert rows[0] == rows[1] == rows[2]
    assert [row[0] for row in rows[0]] == FILES
    for source, data, repairs, changes, error in rows[0]:
        read = mk.read_midi if source.suffix == ".mid" else mk.read_json
        try:
            song = read(source)
        except mk.InputError as refusal:
            expected = repr(refusal)
        else:
            expected = ""
        if expected:
            assert (data, error) == (None, expected)
            continue
        assert (data, repairs, error) == (mk.to_midi(song), song.repairs, "None")
        assert changes == (*song.changes, *mk.plan_midi(song).changes)
    assert {row[1] is None for row in rows[0]} == {True, False}


def test_names_are_safe_and_each_is_used_once(tmp_path: Path) -> None:
    """The second of two that are the same but for case gets a number, whatever its folder."""
    names = [tmp_path / "a" / "Song.json", tmp_path / "b" / "song.json", tmp_path / "b" / "x:y"]
    for path in names:
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(ANSWERS[0].read_bytes())
    out = tmp_path / "deep" / "out"
    made = [one.path.name for one in mk.convert_files(map(str, names), out) if one.path]
    assert made == ["Song.mid", "song (2).mid", "x_y.mid"]
    assert sorted(path.name for path in out.iterdir()) == sorted(made)


def test_other_content_is_kept_unless_forced_and_a_source_always(tmp_path: Path) -> None:
    """A second run writes the same again; somebody else's file is an error in its place."""
    (tmp_path / "song.json").write_bytes(ANSWERS[0].read_bytes())

    def error(source: str, *, force: bool = False) -> str:
        (one,) = mk.convert_files([tmp_path / source], tmp_path, force=force)
        return str(one.error or "")

    assert error("song.json") == error("song.json") == ""
    made = (tmp_path / "song.mid").read_bytes()
    (tmp_path / "song.mid").write_bytes(b"mine")
    assert "song.mid: exists with other content; pass force=True to replace it" in error(
        "song.json"
    )
    assert error("song.json", force=True) == ""
    assert (tmp_path / "song.mid").read_bytes() == made
    assert "its .mid would take its place; pass another folder" in error("song.mid", force=True)
    assert (tmp_path / "song.mid").read_bytes() == made


def test_beats_are_looked_for_and_damage_refused_where_asked(tmp_path: Path) -> None:
    """As with lay_out and strict=."""
    damaged = {"instruments": [{"name": "Koto", "notes": [{"start": 0, "end": 1, "pitch": 131}]}]}
    (tmp_path / "bad.json").write_text(json.dumps(damaged))
    (one,) = mk.convert_files([tmp_path / "bad.json"], tmp_path / "out", strict=True)
    assert isinstance(one.error, mk.AnswerError)
    (one,) = mk.convert_files([ANSWERS[0]], tmp_path / "out", tempo=90.0)
    assert one.path is not None
    assert mk.read_midi(one.path).tempo.qpm.tolist() == pytest.approx([90.0])


def test_a_folder_that_cannot_be_made_is_told_at_once(tmp_path: Path) -> None:
    """Before any file is read."""
    (tmp_path / "out").write_text("a file")
    with pytest.raises(mk.OutputError, match="this folder cannot be made: File exists"):
        mk.convert_files([], tmp_path / "out")
