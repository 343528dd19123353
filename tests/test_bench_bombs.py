"""The bench of bombs in a short form: nothing asks for too much, every limit says how to raise it.

How long each takes is for the bench alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import midikit as mk
from tests.bench import bombs
from tests.bench.bomb_cases import CALLS, CASES, SONGS, TINY, Case

if TYPE_CHECKING:
    import pytest

PATIENT = 60.0


def test_calls_end_in_a_result_or_the_documented_error() -> None:
    """Those with options of their own, and every call on some of the songs that last long."""
    names = [*CASES][: len(CALLS) * len(SONGS) : 5] + [*CASES][len(CALLS) * len(SONGS) :]
    lines, over = bombs.calls(names, seconds=PATIENT)
    assert over == []
    assert len(lines) == len(names)


def test_commands_end_in_a_result_or_one_line() -> None:
    """The first two; all of them in the bench."""
    lines, over = bombs.commands(2, seconds=PATIENT)
    assert over == []
    assert len(lines) == 10


def test_what_is_over_its_mark_is_told(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Too much memory or addresses, another error, a limit that does not say how to raise it."""
    wrong = {
        "memory": Case(lambda: [0] * (12 << 20), list, ("fine",)),
        "addresses": Case(lambda: mk.pianoroll(TINY, fs=1e6), list, ("fine",)),
        "error": Case(lambda: mk.read_midi(b""), list, ("fine",)),
        "bug": Case(lambda: int("x"), list, ("fine",)),
        "limit": Case(_unhelpful, list, ("LimitError",)),
    }
    right = {"result": Case(list, list, ("fine",))}
    monkeypatch.setattr(bombs, "CASES", wrong | right)
    assert bombs.main(["--only", ""]) == 1
    assert f"{len(wrong)} over their marks" in capsys.readouterr().out
    assert bombs.main(["--only", "result"]) == 0


def _unhelpful() -> None:
    raise mk.LimitError("too large")
