"""What is known of a clip whose answer is not there: the note that outlives a killed process.

Before a paid call goes out a mark says so, on disk. The outcome replaces or removes it::

    before the call                    in flight
    not charged, or refunded           as before the call
    not ready yet                      running: it may be asked for again
    delivered                          removed, after the answer is stored
    anything else                      unknown: it is not asked for again without leave

A mark in flight that nobody holds is that of a process that ended in the middle: unknown as well.
"""

from __future__ import annotations

import hashlib
import json
import math
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Literal

from midikit.escape import printable
from midikit.fetch.answers import UNSURE, Verdict

if TYPE_CHECKING:
    from midikit.fetch.answers import Outcome

__all__ = ["UNCHARGED", "Mark", "mark_after"]

UNCHARGED = frozenset(
    [Verdict.NOT_SENT, Verdict.LIMITED, Verdict.REFUSED, Verdict.STOPPED, Verdict.REFUNDED]
)
"""Outcomes after which a call has cost nothing."""

_LONGEST = 600
_STATES = ("in flight", "running", "unknown")


@dataclass(frozen=True, slots=True)
class Mark:
    """The last call of a clip whose answer was not stored.

    Parameters
    ----------
    state : {"in flight", "running", "unknown"}
        What became of it.
    unix_seconds : float
        When it was sent.
    problem : str
        What happened, fit for a terminal.

    Examples
    --------
    >>> mark = Mark("unknown", 1e9, "no answer in time")
    >>> mark.blocks, mark.moment, Mark.from_bytes(mark.to_bytes("29fc9d9e"), "29fc9d9e") == mark
    (True, '2001-09-09 01:46:40 UTC', True)
    """

    state: Literal["in flight", "running", "unknown"]
    unix_seconds: float
    problem: str = ""

    @property
    def blocks(self) -> bool:
        """Whether the clip may have been paid for without an answer, seen by whoever holds it."""
        return self.state != "running"

    @property
    def moment(self) -> str:
        """When it was, in UTC; empty if that is lost."""
        try:
            moment = datetime.fromtimestamp(self.unix_seconds, UTC)
        except (ValueError, OverflowError, OSError):
            return ""
        return f"{moment:%Y-%m-%d %H:%M:%S} UTC"

    @property
    def reason(self) -> str:
        """What happened, in one clause."""
        if self.state == "in flight":
            return "midikit ended before the answer"
        return self.problem or "nothing is known of its answer"

    def to_bytes(self, clip_id: str) -> bytes:
        """Write the mark with its digest.

        Parameters
        ----------
        clip_id : str
            The clip.

        Returns
        -------
        bytes
            A line with the SHA-256 of the rest, then JSON.
        """
        fields = {"clip_id": clip_id, "state": self.state, "unix_seconds": self.unix_seconds}
        text = json.dumps(fields | {"problem": self.problem[:_LONGEST]}).encode() + b"\n"
        return hashlib.sha256(text).hexdigest().encode() + b"\n" + text

    @classmethod
    def from_bytes(cls, data: bytes, clip_id: str) -> Mark:
        """Read a mark; damage to it makes the outcome unknown, not the clip free.

        Parameters
        ----------
        data : bytes
            What `to_bytes` wrote.
        clip_id : str
            The clip.

        Returns
        -------
        Mark
            The mark, or one that says it is damaged.
        """
        digest, _, text = data.partition(b"\n")
        try:
            fields = json.loads(text)
            state, seconds = fields["state"], float(fields["unix_seconds"])
            sound = fields["clip_id"] == clip_id and state in _STATES
            problem = printable(fields["problem"], _LONGEST)
        except (ValueError, KeyError, TypeError, OverflowError, RecursionError):
            sound = False
        if not sound or digest != hashlib.sha256(text).hexdigest().encode():
            return cls("unknown", math.nan, "the note about it is damaged")
        return cls(state, seconds, problem)


def mark_after(outcome: Outcome, before: Mark | None, *, unix_seconds: float) -> Mark | None:
    """Tell the mark that a clip has after a call that did not deliver.

    Parameters
    ----------
    outcome : Outcome
        What became of the call.
    before : Mark or None
        The mark before the call; an unknown one stays if the call cost nothing.
    unix_seconds : float
        Unix time at which it was sent.

    Returns
    -------
    Mark or None
        The mark, None if the clip needs none.
    """
    if outcome.verdict in UNCHARGED:
        return before
    state: Literal["running", "unknown"] = "unknown"
    if outcome.verdict is Verdict.RUNNING:
        state = "running"
    return Mark(state, unix_seconds, outcome.problem.removesuffix(f"; {UNSURE}"))
