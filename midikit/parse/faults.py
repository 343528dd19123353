"""The list of what was wrong with one answer, kept as it is read."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NoReturn

from midikit.errors import AnswerError
from midikit.model.report import Repair

__all__ = ["MAX_ROWS", "Faults"]

MAX_ROWS = 1000
"""Faults listed one by one; those after them are counted, one row a kind."""


@dataclass(slots=True)
class Faults:
    """Faults of one answer in the order they were met; bounded memory, exact counts.

    Parameters
    ----------
    source : str
        The file or clip it came from, for the errors.
    strict : bool
        Whether the first fault is an error.
    """

    source: str
    strict: bool
    _rows: list[Repair] = field(default_factory=list)
    _more: dict[str, tuple[Repair, int]] = field(default_factory=dict)

    def add(self, kind: str, place: str, found: str, action: str, *, count: int = 1) -> None:
        """Note one fault and what is done about it.

        Parameters
        ----------
        kind : str
            Its stable word.
        place : str
            JSON path, fit for a terminal.
        found : str
            What was found, fit for a terminal.
        action : str
            What is done.
        count : int, optional
            How many equal faults this one stands for.

        Raises
        ------
        AnswerError
            If `strict`.
        """
        if self.strict:
            raise AnswerError(self.source, place, found)
        if len(self._rows) < MAX_ROWS:
            self._rows.append(Repair(kind, place, found, action, count))
            return
        first, counted = self._more.get(kind, (None, 0))
        if first is None:
            first = Repair(kind, place, f"{found}, and further faults of this kind", action)
        self._more[kind] = (first, counted + count)

    def has(self, kind: str) -> bool:
        """Tell whether a fault of this kind was noted.

        Parameters
        ----------
        kind : str
            Its stable word.

        Returns
        -------
        bool
            True if there was one.
        """
        return kind in self._more or any(row.kind == kind for row in self._rows)

    def refuse(self, place: str, problem: str) -> NoReturn:
        """Give up on the whole answer.

        Parameters
        ----------
        place : str
            JSON path, empty for the whole.
        problem : str
            What was found and what was expected.

        Raises
        ------
        AnswerError
            Always.
        """
        raise AnswerError(self.source, place, problem)

    def repairs(self) -> tuple[Repair, ...]:
        """Return the rows; their counts sum to the number of faults.

        Returns
        -------
        tuple of Repair
            At most `MAX_ROWS` and one more a kind.
        """
        rest = (
            Repair(first.kind, first.place, first.found, first.action, counted)
            for first, counted in self._more.values()
        )
        return (*self._rows, *rest)
