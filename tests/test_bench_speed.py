"""The benchmark of speed runs, compares what is comparable, and says what it found."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import orjson
import pytest

import midikit as mk
from tests.bench import speed_neighbours as others
from tests.bench.__main__ import main
from tests.bench.fresh import measure
from tests.bench.speed_songs import as_json, make_parts
from tests.bench.speed_steps import REAL_FILES, STEPS, DisagreementError, Row, Scale, read_archive
from tests.bench.timing import interleaved

if TYPE_CHECKING:
    from pathlib import Path


def test_the_short_form_measures_every_step(capsys: pytest.CaptureFixture[str]) -> None:
    """Every step gives figures; those of time hold both times and their ratio."""
    assert main(["--short", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    rows = found["rows"]
    steps = ["JSON -> arrays", "JSON -> .mid", "arrays -> .mid", ".mid -> arrays", "matching"]
    steps += ["piano roll, fs=100", "read_json", "import midikit"]
    assert set(steps) <= {row["step"] for row in rows}
    for row in rows:
        if row["ours"] and row["theirs"]:
            quotient = row["ours"] / row["theirs"]
            assert row["value"] == pytest.approx(quotient if row["at_most"] else 1 / quotient)
    (heavy,) = {
        row["value"]
        for row in rows
        if row["step"].endswith("loads") and row["step"].startswith("--")
    }
    assert heavy == 0


def test_the_table_says_which_marks_are_missed(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A line a figure of at most 80 columns, a star behind a missed mark, a count at the end."""
    rows = [
        Row("JSON -> arrays", "10,000", "orjson.loads", 1.2, 1.3, ours=0.12, theirs=0.1),
        Row("matching", "10,000", "mir_eval", 59.0, 60.0, at_most=False, ours=0.01, theirs=0.59),
        Row("arrays -> .mid", "50,000", "symusic", 1.5, ours=0.15, theirs=0.1),
    ]
    monkeypatch.setitem(STEPS, "json", lambda _: iter(rows))
    assert main(["--steps", "json"]) == 0
    lines = capsys.readouterr().out.splitlines()[-5:]
    assert max(map(len, lines)) <= 80
    assert [line.endswith("*") for line in lines[:3]] == [False, True, False]
    assert lines[-1] == "1 of 2 marks reached"


def test_results_that_disagree_are_no_figure(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A step whose results differ from another library's is told, and the exit code is 1."""
    empty = mk.to_midi(mk.Song(()))
    monkeypatch.setattr(others, "convert_with_symusic", lambda _: empty)
    with pytest.raises(DisagreementError):
        list(STEPS["convert"](Scale((200,), 1, 0.0, {})))
    assert main(["--short", "--steps", "convert"]) == 1
    assert "disagree" in capsys.readouterr().err


@pytest.mark.parametrize(("words", "found"), [(["--sizes", "0"], "'0'"), (["--steps", "x"], "'x'")])
def test_a_wrong_option_is_a_usage_error(
    words: list[str], found: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """The message names what was found."""
    with pytest.raises(SystemExit) as caught:
        main(words)
    assert caught.value.code == 2
    assert found in capsys.readouterr().err


def test_candidates_run_in_turns() -> None:
    """Each runs once to warm up and once a round, in another order each round."""
    seen: list[str] = []
    names = "abc"
    candidates = {name: lambda name=name: seen.append(name) for name in names}
    best = interleaved(candidates, rounds=2, patience=0.0)
    assert "".join(seen) == "abc" + "abc" + "bca"
    assert set(best) == set(names)
    assert min(best.values()) > 0


def test_songs_are_what_they_are_said_to_be() -> None:
    """The same size and seed give the same song; no pitch is struck twice at once; repeats do."""
    parts = make_parts(2_000)
    answer = as_json(parts)
    assert as_json(make_parts(2_000)) == answer
    assert as_json(make_parts(2_000, seed=1)) != answer
    notes = sum(len(part.start) for part in parts)
    assert 1_800 < notes <= 2_000
    assert 70 < len(answer) / notes < 90
    for part in parts:
        assert len(np.unique(part.start * 128 + part.pitch)) == len(part.start)
    assert any(row.kind == "overlap" for row in mk.plan_midi(mk.read_json(answer)).changes)
    assert len(make_parts(3_000, tracks=300)) == 300
    assert orjson.loads(answer)["code"] == 200


def test_memory_is_that_of_a_fresh_process(tmp_path: Path) -> None:
    """Decoding 10,000 notes to objects takes more memory than their bytes."""
    file = tmp_path / "song.json"
    file.write_bytes(as_json(make_parts(10_000)))
    cost = measure("orjson.loads", file)
    assert cost.seconds > 0
    assert cost.bytes is None or cost.bytes > file.stat().st_size


def test_real_files_are_read_from_the_archive() -> None:
    """The first of them come by name."""
    assert list(read_archive(REAL_FILES, 2)) == ["004.mid", "010.mid"]
