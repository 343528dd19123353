"""Extras: what is missing is said in one line, with the command that brings it."""

from __future__ import annotations

import sys

import pytest

from midikit.errors import ConversionError
from midikit.extras import need_extra


def test_a_missing_extra_is_told_in_a_line(monkeypatch: pytest.MonkeyPatch) -> None:
    """The package, what it is for, and how to get it."""
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(ConversionError, match=r"for pictures run: .*'midikit\[plot\]'\Z"):
        need_extra("plot")
