"""Each way to break an archive, in short; `tests.bench.archive_stress` has the long forms."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.bench.archive_stress import flips, kills, limits, main, races, speed

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def test_no_flipped_bit_goes_unseen_or_pays_twice(tmp_path: Path) -> None:
    """In answers, .mid files, rows, the log, the log of a killed process and anywhere else."""
    assert flips(60, tmp_path, seed=1, clips=24) == []


def test_what_was_acknowledged_survives_kills(tmp_path: Path) -> None:
    """32 threads store while the process is killed; what was sent is known, what was kept is."""
    assert kills(4, tmp_path, seed=1) == []


def test_two_processes_never_both_get_a_clip(tmp_path: Path) -> None:
    """Each clip is granted once to all their threads together."""
    assert races(1, tmp_path, clips=60) == []


def test_a_disk_that_fills_up_loses_nothing(tmp_path: Path) -> None:
    """Whatever the last file that could grow was."""
    assert limits(5, tmp_path, seed=2) == []


def test_the_benchmark_measures(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It says what a second brings, and what was broken by its exit code."""
    assert set(speed(8, tmp_path, jobs=4, size=100)) == {
        "clips a second",
        "seconds to the first grant",
        "seconds to verify",
        "MB of memory",
    }
    assert main(["--flips", "6", "--seed", "3", "--speed", "3"]) == 0
    assert "6 flips: 0 promises broken" in capsys.readouterr().out
