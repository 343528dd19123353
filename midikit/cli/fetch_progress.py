"""How far a batch is: a line at the foot of the terminal, and nothing of it anywhere else."""

from __future__ import annotations

import contextlib
import sys
from typing import TYPE_CHECKING, Protocol

from midikit.cli.report import Report, is_terminal
from midikit.cli.words import count

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rich.progress import Task

__all__ = ["Bar", "progress"]

_REFRESHES = 4.0


class Bar(Protocol):
    """What is told how far it is."""

    def __call__(self, done: int) -> None:
        """Tell that so many clips are done."""


@contextlib.contextmanager
def progress(
    report: Report, total: int, done: int, credits_spent: Callable[[], int]
) -> Iterator[Bar]:
    """Show clips done of all, clips a second, time left and credits.

    Parameters
    ----------
    report : Report
        Tells whether anything may be shown.
    total : int
        Clips in all.
    done : int
        Clips that were there from the beginning.
    credits_spent : callable
        Tells the calls so far that may have been charged.

    Yields
    ------
    Bar
        To be called after each clip.
    """
    shares = report.as_json and is_terminal(sys.stdout)  # the lines would run through it
    if report.quiet or shares or not is_terminal(sys.stderr):
        yield lambda _: None
        return
    from rich.console import Console  # noqa: PLC0415 - only a terminal needs it
    from rich.progress import (  # noqa: PLC0415 - as above
        BarColumn,
        Progress,
        ProgressColumn,
        SpinnerColumn,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )
    from rich.text import Text  # noqa: PLC0415 - as above

    class Figures(ProgressColumn):
        """Done of all, rate, credits."""

        def render(self, task: Task) -> Text:
            rate = f", {task.speed:,.1f} a second" if task.speed else ""
            cost = count(credits_spent(), "credit")
            return Text(f"{int(task.completed):,} of {count(total, 'clip')}{rate}, {cost}")

    columns: tuple[ProgressColumn, ...]
    columns = (SpinnerColumn(), TextColumn("fetching"), TimeElapsedColumn())
    if total > 1:
        columns = (BarColumn(20), Figures(), TimeRemainingColumn(elapsed_when_finished=True))
    # Lines for stderr are printed above it; those for stdout stay what they are, data.
    shown = Progress(
        *columns,
        console=Console(file=sys.stderr),
        refresh_per_second=_REFRESHES,
        redirect_stdout=False,
        transient=True,
    )
    with shown:
        task = shown.add_task("", total=total, completed=done)
        yield lambda done: shown.update(task, completed=done)
