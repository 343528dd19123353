"""What became of the clips of a batch: counted, and said in a few lines at the end."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING, Literal, TypeAlias

from midikit.cli.report import MOST_LINES, Report
from midikit.cli.words import count
from midikit.errors import (
    BudgetError,
    ClipRefusedError,
    DeadlineError,
    TokenError,
    UnknownOutcomeError,
    UnsavedError,
)
from midikit.escape import printable

if TYPE_CHECKING:
    from midikit.fetch.archive import Record

__all__ = ["Outcome", "Tally", "outcome_of"]

Outcome: TypeAlias = Literal[
    "fetched", "archive", "failed", "expired", "unknown", "unfinished", "not asked"
]
"""What became of a clip, as ``--json`` says it."""

_SAID: dict[Outcome, str] = {
    "fetched": "fetched",
    "archive": "from the archive",
    "failed": "failed",
    "expired": "not found or expired",
    "unknown": "unknown",
    "unfinished": "not finished",
}
_ALWAYS = ("fetched", "archive")
_GONE = re.compile(
    r"not (?:be )?found|no such|does not exist|expired|too old|older than|24[ -]?h", re.IGNORECASE
)


def outcome_of(error: Exception, record: Record | None) -> Outcome:
    """Tell what became of a clip that did not come.

    Parameters
    ----------
    error : Exception
        What `Client.fetch` raised.
    record : Record or None
        What the ledger says of it now.

    Returns
    -------
    Outcome
        ``expired`` is what the provider says it does not find: it may be older than 24 hours, or
        never have been there.

    Examples
    --------
    >>> outcome_of(ClipRefusedError("29fc9d9e", "the provider answered 400: task not found."), None)
    'expired'
    """
    from midikit.fetch.many import StoppedError  # noqa: PLC0415 - the help needs none of it

    state = "" if record is None else record.state
    if isinstance(error, StoppedError):
        return "unfinished" if error.is_asked else "not asked"
    if isinstance(error, (UnknownOutcomeError, UnsavedError)) or state == "unknown":
        return "unknown"
    if isinstance(error, DeadlineError) or state == "running":
        return "unfinished"
    if isinstance(error, (BudgetError, TokenError)):
        return "not asked"
    if isinstance(error, ClipRefusedError) and _GONE.search(error.problem):
        return "expired"
    return "failed"


class Tally:
    """Counts what became of the clips of a batch.

    Parameters
    ----------
    total : int
        Clips in all.
    """

    def __init__(self, total: int) -> None:
        self._total = total
        self._counts: Counter[Outcome] = Counter()
        self._unknown: list[str] = []
        self.unwritten = self.rebuilt = self.without_midi = 0

    @property
    def done(self) -> int:
        """Clips of which it is known what became of them."""
        return sum(self._counts.values()) - self._counts["not asked"]

    def add(self, outcome: Outcome, clips: int = 1) -> None:
        """Count clips.

        Parameters
        ----------
        outcome : Outcome
            What became of them.
        clips : int, optional
            How many.
        """
        self._counts[outcome] += clips

    def note_unknown(self, clip_id: str, record: Record | None) -> None:
        """Keep a line about a clip of unknown outcome, of the first few.

        Parameters
        ----------
        clip_id : str
            The clip.
        record : Record or None
            What the ledger says of it.
        """
        from midikit.fetch.keeping import moment_of, reason_of  # noqa: PLC0415 - as above

        if len(self._unknown) >= MOST_LINES:
            return
        line = f"clip {printable(clip_id)}"
        if record is not None:
            line += f": asked for on {moment_of(record)}: {reason_of(record)}"
        self._unknown.append(line)

    def tell(self, report: Report, *, spent: int) -> None:
        """Say what became of all.

        Parameters
        ----------
        report : Report
            Where it is printed.
        spent : int
            Calls that may have been charged.
        """
        counts = self._counts
        if counts["unknown"]:
            self._tell_unknown(report, counts["unknown"])
        if self._total > 1:
            parts = [
                f"{counts[each]:,} {said}"
                for each, said in _SAID.items()
                if counts[each] or each in _ALWAYS
            ]
            if self.unwritten:
                parts.append(f"{self.unwritten:,} not written out")
            report.item(f"{count(self._total, 'clip')}: {', '.join(parts)}", 0, style="title")
            self._tell_midis(report)
        certain = counts["fetched"]
        risk = max(0, spent - certain)
        if risk or (self._total > 1 and spent):
            said = f"{count(certain, 'credit')} spent"
            if risk:
                said += (
                    f", up to {risk:,} more at risk: calls without an answer, or of a clip that "
                )
                said += "was not ready"
            report.item(said, 0)
        left = self._total - self.done
        if left:
            again = "the same command goes on with them"
            report.item(f"stopped: {count(left, 'clip')} not asked for; {again}", 0, style="bad")

    def _tell_unknown(self, report: Report, clips: int) -> None:
        """List the clips that may have been charged."""
        they = "it was" if clips == 1 else "they were"
        report.say(
            (f"{count(clips, 'clip')} unknown: nobody can tell whether {they} charged", "bad")
        )
        for line in self._unknown:
            report.item(line)
        if clips > len(self._unknown):
            report.say(f"  and {clips - len(self._unknown):,} more")
        them = "it" if clips == 1 else "them"
        report.item(
            f"never sent again by itself; --resend-unknown asks for {them}, for up to "
            f"{count(clips, 'credit')} more; midikit archive list --state unknown lists all"
        )

    def _tell_midis(self, report: Report) -> None:
        """Say how many hosted files could not be had."""
        if self.rebuilt:
            report.say(f"{self.rebuilt:,} .mid rebuilt from the notes, the hosted one is gone")
        if self.without_midi:
            report.say(f"{self.without_midi:,} without a .mid; midikit archive show ID says why")
