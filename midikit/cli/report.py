"""Printing: what a command says, its tables, its capped lists and its JSON lines.

Data goes to stdout, talk to stderr. Every text is escaped here once more, whatever was done to it
before, and every line and list is bounded: names, paths and messages come from third parties.
"""

from __future__ import annotations

import functools
import json
import os
import shutil
import sys
import textwrap
from collections import Counter
from typing import TYPE_CHECKING, Any, TextIO, TypeAlias

import click

from midikit.cli.exits import explain, traceback_lines
from midikit.cli.rows import error_row
from midikit.cli.table import table_lines
from midikit.cli.words import count
from midikit.escape import printable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from midikit.cli.table import Column
    from midikit.model.report import Change, Repair

__all__ = ["MOST_LINES", "WIDTH", "Part", "Report", "common_options", "is_terminal"]

MOST_LINES = 20
"""Repairs and changes that are printed one by one."""

WIDTH = 80
"""Width of lines where there is no terminal, or none is asked."""

_LONGEST_LINE = 280
_MOST_KINDS = 8
_NARROWEST = 40
_STYLES: dict[str, dict[str, Any]] = {
    "title": {"bold": True},
    "quiet": {"dim": True},
    "good": {"fg": "green"},
    "bad": {"fg": "red"},
    "note": {"fg": "yellow"},
}

Part: TypeAlias = "str | tuple[str, str]"
"""A piece of a line: plain text, or text and one of the styles."""


class Report:
    """Where a command prints.

    Parameters
    ----------
    quiet : bool, optional
        Leave out everything but errors and data.
    as_json : bool, optional
        Print data as JSON lines and leave out the talk.
    debug : bool, optional
        Print tracebacks of errors.
    """

    def __init__(self, *, quiet: bool = False, as_json: bool = False, debug: bool = False) -> None:
        self.quiet = quiet
        self.as_json = as_json
        self.debug = debug

    @property
    def talks(self) -> bool:
        """Whether there is any talk."""
        return not (self.quiet or self.as_json)

    def say(self, *parts: Part) -> None:
        """Print a line of talk to stderr.

        Parameters
        ----------
        *parts : Part
            Its pieces.
        """
        if self.talks:
            _print_line(parts, sys.stderr)

    def failure(self, error: Exception, source: str) -> dict[str, Any]:
        """Print what went wrong with one input, however quiet.

        Parameters
        ----------
        error : Exception
            What was raised.
        source : str
            The input, fit for a terminal.

        Returns
        -------
        dict
            The same for a JSON row.
        """
        shown = "".join(f"{line}\n" for line in traceback_lines(error)) if self.debug else ""
        self.line(f"{shown}Error: {explain(error, source)}", is_error=True)
        return error_row(error, source)

    def line(self, text: str, *, is_error: bool = False) -> None:
        """Print a text that is fit for printing, however quiet.

        Parameters
        ----------
        text : str
            The text.
        is_error : bool, optional
            Print it to stderr, instead of to stdout as data.
        """
        click.echo(text, file=sys.stderr if is_error else sys.stdout)

    def data(self, *parts: Part) -> None:
        """Print a line of data to stdout.

        Parameters
        ----------
        *parts : Part
            Its pieces.
        """
        _print_line(parts, sys.stdout)

    def bullet(self, text: str, *, style: str = "", indent: int = 2, mark: str = "-") -> None:
        """Print a remark as data, wrapped to the width there is.

        Parameters
        ----------
        text : str
            The remark.
        style : str, optional
            Style of its mark.
        indent : int, optional
            Spaces in front of the mark.
        mark : str, optional
            What stands in front of the first line.
        """
        space = " " * indent
        room = _room(sys.stdout) - indent - len(mark) - 1
        shown = _lines(printable(text, _LONGEST_LINE), room) or [""]
        self.data(space, (mark, style), f" {shown[0]}")
        for line in shown[1:]:
            self.data(f"{space}{' ' * len(mark)} {line}")

    def item(self, text: str, indent: int = 2, *, style: str = "", data: bool = False) -> None:
        """Print an item of a list on one line; on a terminal wrapped, the further lines set in.

        Parameters
        ----------
        text : str
            The item.
        indent : int, optional
            Spaces in front.
        style : str, optional
            Its style.
        data : bool, optional
            Print it to stdout as data, instead of to stderr as talk.
        """
        stream = sys.stdout if data else sys.stderr
        put = self.data if data else self.say
        space = " " * indent
        shown = printable(text, _LONGEST_LINE)[:_LONGEST_LINE]
        if not is_terminal(stream):
            put(space, (shown, style))
            return
        room = _room(stream) - indent - 2
        for number, line in enumerate(_lines(shown, room)):
            put(f"{space}{'  ' if number else ''}", (line, style))

    def heading(self, name: str, facts: str, *, data: bool = False) -> None:
        """Print a name and facts about it, on two lines where one would be too long.

        Parameters
        ----------
        name : str
            The name.
        facts : str
            What there is to say in short.
        data : bool, optional
            Print it to stdout as data, instead of to stderr as talk.
        """
        put = self.data if data else self.say
        if len(name) + len(facts) <= WIDTH - 2:
            put((name, "title"), f": {facts}")
        else:
            self.item(f"{name}:", 0, style="title", data=data)
            put(f"  {facts}")

    def row(self, values: dict[str, Any]) -> None:
        """Print one JSON object as a line to stdout.

        Parameters
        ----------
        values : dict
            What it holds; plain ASCII comes out.
        """
        self.line(json.dumps(values, ensure_ascii=True))

    def table(
        self,
        columns: Sequence[Column],
        rows: Iterable[Sequence[str]],
        *,
        talk: bool = False,
        indent: int = 0,
    ) -> None:
        """Print a table, as wide as the terminal at most.

        Parameters
        ----------
        columns : sequence of Column
            Its columns.
        rows : iterable of sequence of str
            The cells.
        talk : bool, optional
            Print it to stderr as talk, instead of to stdout as data.
        indent : int, optional
            Spaces in front of each line.
        """
        if talk and not self.talks:
            return
        stream = sys.stderr if talk else sys.stdout
        cells = [[printable(cell, _LONGEST_LINE) for cell in row] for row in rows]
        terminal = is_terminal(stream)
        room = _room(stream) - indent
        head, rule, *body = (" " * indent + line for line in table_lines(columns, cells, room))
        click.echo(_styled(head, "title", stream), file=stream, color=terminal)
        if terminal:
            click.echo(_styled(rule, "quiet", stream), file=stream, color=True)
        for line in body:
            click.echo(line, file=stream)

    def repairs(self, repairs: Sequence[Repair], *, indent: int = 2, data: bool = False) -> None:
        """Print what was wrong with an input; nothing if nothing was.

        Parameters
        ----------
        repairs : sequence of Repair
            The list.
        indent : int, optional
            Spaces in front of the heading.
        data : bool, optional
            Print it to stdout as data, instead of to stderr as talk.
        """
        if not repairs:
            return
        put = self.data if data else self.say
        total = sum(repair.count for repair in repairs)
        space = " " * indent
        put(space, (f"{count(total, 'repair')}:", "note"))
        for repair in repairs[:MOST_LINES]:
            self.item(f"{repair}", indent + 2, data=data)
        rest = repairs[MOST_LINES:]
        if rest:
            kinds: Counter[str] = Counter()
            for repair in rest:
                kinds[repair.kind] += repair.count
            put(f"{space}  and {sum(kinds.values()):,} more: {_by_kind(kinds)}")

    def changes(self, changes: Sequence[Change], *, indent: int = 2) -> None:
        """Print what a conversion decided; nothing if it decided nothing.

        Parameters
        ----------
        changes : sequence of Change
            The list.
        indent : int, optional
            Spaces in front of the heading.
        """
        if not changes:
            return
        space = " " * indent
        self.say(f"{space}{count(len(changes), 'change')}:")
        alike: dict[str, list[Change]] = {}
        for change in changes:
            alike.setdefault(str(change), []).append(change)
        lines = list(alike.items())
        for line, same in lines[:MOST_LINES]:
            times = f" ({len(same):,} times)" if len(same) > 1 else ""
            self.item(f"{line}{times}", indent + 2)
        kinds = Counter(change.kind for _, same in lines[MOST_LINES:] for change in same)
        if kinds:
            self.say(f"{space}  and {sum(kinds.values()):,} more: {_by_kind(kinds)}")


def common_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that every command has.

    Parameters
    ----------
    command : callable
        The command's function, which takes `as_json`, `quiet` and `debug`.

    Returns
    -------
    callable
        The function with the options.
    """
    options = (
        click.option("--json", "as_json", is_flag=True, help="One JSON object a line on stdout."),
        click.option("-q", "--quiet", is_flag=True, help="Print nothing but errors and data."),
        click.option("--debug", is_flag=True, help="Show the traceback of an error."),
    )
    return functools.reduce(lambda function, option: option(function), reversed(options), command)


def is_terminal(stream: TextIO) -> bool:
    """Tell whether a stream is a terminal that can be written to freely.

    Parameters
    ----------
    stream : TextIO
        Such as ``sys.stderr``.

    Returns
    -------
    bool
        False for files, pipes and ``TERM=dumb``.
    """
    try:
        return stream.isatty() and os.environ.get("TERM") != "dumb"
    except ValueError:
        return False


def _room(stream: TextIO) -> int:
    """Return the width that lines may take: the terminal's, 80 where there is none."""
    if not is_terminal(stream):
        return WIDTH
    return max(_NARROWEST, shutil.get_terminal_size((WIDTH, 24)).columns)


def _lines(text: str, width: int) -> list[str]:
    """Wrap a text, at spaces alone where it can be: a name or path with hyphens stays whole."""
    return textwrap.wrap(text, width, break_on_hyphens=False)


def _print_line(parts: Sequence[Part], stream: TextIO) -> None:
    left = _LONGEST_LINE
    pieces = []
    for part in parts:
        text, style = (part, "") if isinstance(part, str) else part
        shown = printable(text, left)
        if len(shown) > left:
            shown = shown[:left].rstrip("…") + "…"
        left = max(0, left - len(shown))
        pieces.append(_styled(shown, style, stream))
        if not left:
            break
    click.echo("".join(pieces), file=stream, color=is_terminal(stream))


def _styled(text: str, style: str, stream: TextIO) -> str:
    """Give a text its style where the stream shows styles and the user wants them."""
    if not style or os.environ.get("NO_COLOR") or not is_terminal(stream):
        return text
    return click.style(text, **_STYLES[style])


def _by_kind(kinds: Counter[str]) -> str:
    """Say counts of kinds, the commonest first."""
    ranked = kinds.most_common()
    said = [f"{number:,} {kind}" for kind, number in ranked[:_MOST_KINDS]]
    rest = sum(number for _, number in ranked[_MOST_KINDS:])
    return ", ".join([*said, f"{rest:,} of other kinds"] if rest else said)
