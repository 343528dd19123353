"""What is said about one input in one process, to be printed by another in its turn."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

from midikit.cli.report import Report

if TYPE_CHECKING:
    from collections.abc import Iterable

    from midikit.cli.report import Part

__all__ = ["Record", "Said", "replay"]

Said: TypeAlias = "tuple[str, tuple[Any, ...], dict[str, Any]]"
"""A method of `Report`, and what it was called with."""


class Record(Report):
    """A report that keeps what it is to print; what is too long has been left out already.

    Parameters
    ----------
    report : Report
        The report that will print it.
    """

    def __init__(self, report: Report) -> None:
        super().__init__(quiet=report.quiet, as_json=report.as_json, debug=report.debug)
        self.said: list[Said] = []

    def say(self, *parts: Part) -> None:
        """Keep a line of talk."""
        if self.talks:
            self.said.append(("say", parts, {}))

    def item(self, text: str, indent: int = 2, *, style: str = "", data: bool = False) -> None:
        """Keep an item of a list."""
        if data or self.talks:
            self.said.append(("item", (text, indent), {"style": style, "data": data}))

    def line(self, text: str, *, is_error: bool = False) -> None:
        """Keep a text."""
        self.said.append(("line", (text,), {"is_error": is_error}))


def replay(said: Iterable[Said], report: Report) -> None:
    """Print what was kept.

    Parameters
    ----------
    said : iterable of Said
        What was kept.
    report : Report
        Where it is printed.
    """
    for method, values, named in said:
        getattr(report, method)(*values, **named)
