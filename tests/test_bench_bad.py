"""The bench of bad input in a short form: nothing else is raised, and nothing asks for too much."""

from __future__ import annotations

from pathlib import Path

from tests.bench.bad_input import files, mutations, worst

FIXTURES = Path(__file__).parent.parent / "fixtures"


def test_worst_cases_raise_nothing_else() -> None:
    """Small ones; how long large ones take is for the bench."""
    lines, over = worst((4096,))
    assert len(lines) > 80
    assert over == []


def test_mutations_and_files_are_as_promised() -> None:
    """A few of each."""
    assert mutations(60, 20261126) == []
    assert files(FIXTURES / "midi") == (17, [])
    assert files(FIXTURES / "bad" / "midi") == (67, [])
