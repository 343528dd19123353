"""Tables as lines of text that fit a width."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Column", "table_lines"]


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table.

    Parameters
    ----------
    header : str
        What stands above it.
    right : bool, optional
        Whether it is set flush right, as numbers are.
    least : int, optional
        Characters below which it is not cut; 0 for a column that is never cut.
    """

    header: str
    right: bool = False
    least: int = 0


def table_lines(columns: Sequence[Column], rows: Sequence[Sequence[str]], room: int) -> list[str]:
    r"""Lay out a table.

    Parameters
    ----------
    columns : sequence of Column
        Its columns.
    rows : sequence of sequence of str
        The cells, fit for a terminal.
    room : int
        Characters a line may take; more only where no column may be cut further.

    Returns
    -------
    list of str
        The header, a rule and a line a row.

    Examples
    --------
    >>> for line in table_lines(
    ...     [Column("track"), Column("notes", right=True)], [["Koto", "7"]], 80
    ... ):
    ...     print(line)
    track  notes
    ────────────
    Koto       7
    """
    widths, gap = _widths(columns, rows, room)
    lines = []
    for row in ([column.header for column in columns], *rows):
        fitted = [
            _fit(cell, width, right=column.right)
            for cell, width, column in zip(row, widths, columns, strict=True)
        ]
        lines.append(gap.join(fitted).rstrip())
    lines.insert(1, "─" * (sum(widths) + len(gap) * (len(widths) - 1)))
    return lines


def _cells_wide(text: str) -> int:
    """Count the terminal cells of a text; wide East Asian characters take two, marks none."""
    if text.isascii():
        return len(text)
    return sum(
        0
        if unicodedata.category(char) in {"Mn", "Me"}
        else 1 + (unicodedata.east_asian_width(char) in "WF")
        for char in text
    )


def _fit(text: str, width: int, *, right: bool) -> str:
    """Cut or pad a text to so many cells."""
    if _cells_wide(text) > width:
        while _cells_wide(text) > width - 1:
            text = text[:-1]
        text += "…"
    space = " " * (width - _cells_wide(text))
    return space + text if right else text + space


def _widths(
    columns: Sequence[Column], rows: Sequence[Sequence[str]], room: int
) -> tuple[list[int], str]:
    """Choose column widths and the gap; of what may be cut the widest gives first."""
    widths = [
        max([len(column.header), *(_cells_wide(row[index]) for row in rows)])
        for index, column in enumerate(columns)
    ]
    gaps = len(widths) - 1
    gap = "  " if sum(widths) + 2 * gaps <= room else " "
    over = sum(widths) + len(gap) * gaps - room
    while over > 0:
        able = [i for i, column in enumerate(columns) if column.least and widths[i] > column.least]
        if not able:
            break
        widest = max(able, key=lambda i: widths[i])
        widths[widest] -= 1
        over -= 1
    return widths, gap
