"""What the ledger says of a clip after each outcome, and where bytes go that no archive takes.

===========================================  ======================================================
outcome of a call                            row after it
===========================================  ======================================================
delivered                                    delivered
not ready yet                                running
credits refunded                             refundable
not sent, told to wait, refused to everyone  as before the call; refundable if it was never asked
this clip refused                            failed; unknown if the service had begun on it
anything else                                unknown
===========================================  ======================================================

After an earlier call of unknown outcome a call that cost nothing changes nothing: of the first one
still nobody knows. So it is of a clip that was running and then is refused: what began it may have
been charged, and its answer will not come.
"""

from __future__ import annotations

import tempfile
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from midikit.errors import MidikitError, OutputError
from midikit.escape import file_stem, printable
from midikit.fetch.answers import UNSURE, Verdict
from midikit.files import write_bytes

if TYPE_CHECKING:
    from midikit.fetch.answers import Outcome
    from midikit.fetch.archive import Record, State

__all__ = [
    "UNCHARGED",
    "in_one_line",
    "moment_of",
    "not_resent",
    "reason_of",
    "record_after",
    "spill",
]

UNCHARGED = frozenset(
    [Verdict.NOT_SENT, Verdict.LIMITED, Verdict.REFUSED, Verdict.STOPPED, Verdict.REFUNDED]
)
"""Outcomes after which a call has cost nothing."""

_STATES: dict[Verdict, State] = {
    Verdict.DELIVERED: "delivered",
    Verdict.RUNNING: "running",
    Verdict.REFUNDED: "refundable",
    Verdict.NOT_SENT: "refundable",
    Verdict.LIMITED: "refundable",
    Verdict.STOPPED: "refundable",
    Verdict.REFUSED: "failed",
    Verdict.FAILED: "unknown",
    Verdict.UNKNOWN: "unknown",
}
_CHANGES_NOTHING = frozenset([Verdict.NOT_SENT, Verdict.LIMITED, Verdict.STOPPED])
_FOLDER_MODE = 0o700
_FILE_MODE = 0o600


def record_after(outcome: Outcome, before: Record, *, calls: int, unix_seconds: float) -> Record:
    """Tell what the row of a clip says after a call.

    Parameters
    ----------
    outcome : Outcome
        What became of it.
    before : Record
        The row as it was before the call.
    calls : int
        Calls sent for the clip, this one too.
    unix_seconds : float
        Unix time at which it was sent.

    Returns
    -------
    Record
        Held by nobody.

    Examples
    --------
    >>> from midikit.errors import ClipRefusedError
    >>> from midikit.fetch.answers import Outcome
    >>> from midikit.fetch.archive import Record
    >>> refused = Outcome(Verdict.REFUSED, "task not found.", ClipRefusedError)
    >>> before = (Record("29fc9d9e", state, 1) for state in ("refundable", "running", "unknown"))
    >>> [record_after(refused, row, calls=2, unix_seconds=1e9).state for row in before]
    ['failed', 'unknown', 'unknown']
    """
    verdict = outcome.verdict
    if verdict is Verdict.NOT_SENT:
        calls, unix_seconds = calls - 1, before.sent
    rests = before.state == "unknown" and verdict in UNCHARGED
    rests = rests or (before.state == "running" and verdict in _CHANGES_NOTHING)
    if rests:
        return replace(before, calls=calls, owner="")
    is_lost = before.state == "running" and verdict is Verdict.REFUSED
    return replace(
        before,
        state="unknown" if is_lost else _STATES[verdict],
        calls=calls,
        sent=unix_seconds,
        problem=outcome.problem.removesuffix(f"; {UNSURE}"),
        owner="",
    )


def moment_of(record: Record) -> str:
    """Tell when a clip was last asked for, in UTC.

    Parameters
    ----------
    record : Record
        Its row.

    Returns
    -------
    str
        Empty if that is not known.

    Examples
    --------
    >>> from midikit.fetch.archive import Record
    >>> moment_of(Record("29fc9d9e", "unknown", sent=1e9))
    '2001-09-09 01:46:40 UTC'
    """
    try:
        moment = datetime.fromtimestamp(record.sent, UTC)
    except (ValueError, OverflowError, OSError):
        return ""
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC"


def reason_of(record: Record) -> str:
    """Tell why nobody knows whether a clip was charged, in one clause.

    Parameters
    ----------
    record : Record
        Its row.

    Returns
    -------
    str
        What happened.
    """
    return record.problem or "nothing is known of its answer"


def not_resent(record: Record) -> str:
    """Say why a clip is not asked for again, and how it can be.

    Parameters
    ----------
    record : Record
        Its row.

    Returns
    -------
    str
        When it was asked for, what happened, and what sends it again.
    """
    moment = moment_of(record)
    asked = f"asked for on {moment}" if moment else "asked for"
    return (
        f"{asked}, and it may have been charged: {reason_of(record)}; not sent again; "
        "resend_unknown=True, or midikit fetch --resend-unknown, sends it for up to a credit more"
    )


def in_one_line(error: Exception) -> str:
    """Say what a store raised.

    Parameters
    ----------
    error : Exception
        Anything.

    Returns
    -------
    str
        Our own messages as they are, others with their class.

    Examples
    --------
    >>> in_one_line(RuntimeError("locked")), in_one_line(OutputError("disk full"))
    ('RuntimeError: locked', 'disk full')
    """
    if isinstance(error, MidikitError):
        return str(error)
    return printable(" ".join(f"{type(error).__name__}: {error}".split()), 300)


def spill(clip_id: str, raw: bytes) -> Path | None:
    """Keep a paid answer that its archive could not take in the system's temporary folder.

    Parameters
    ----------
    clip_id : str
        The clip.
    raw : bytes
        The answer.

    Returns
    -------
    Path or None
        The file, None if it cannot be written there either.

    Examples
    --------
    >>> path = spill("29fc9d9e", b"{}")
    >>> path.name, path.read_bytes()
    ('29fc9d9e.json', b'{}')
    >>> path.unlink(), path.parent.rmdir()
    (None, None)
    """
    try:
        folder = Path(tempfile.mkdtemp(prefix="midikit-"))
        folder.chmod(_FOLDER_MODE)
        path = folder / f"{file_stem(clip_id, 'clip')}.json"
        write_bytes(path, raw, mode=_FILE_MODE, durable=True)
    except (OSError, OutputError):
        return None
    return path
