"""What was paid for: the values an archive keeps, the rules of its ledger, and the protocol.

Pure: nothing here is written anywhere. `SqliteArchive` keeps the ledger on disk, `MemoryArchive` in
memory; a service with several machines brings its own. All follow the same two rules, which are
functions here: `granted` decides whether a paid call may be sent, `settled` what a row becomes.

=============  =================================================================================
state          what is known of the clip
=============  =================================================================================
in flight      a paid call is being sent, or was when its process ended: then it is unknown
running        the provider is at work; it may be asked again
unknown        nobody knows whether the last call was charged; asked again only with permission
refundable     nothing was charged in the end; it may be asked again
delivered      the answer is here, and stays
failed         the provider refused or failed; a user may ask again
=============  =================================================================================
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from math import nan
from typing import TYPE_CHECKING, Literal, NamedTuple, Protocol, get_args

from midikit.errors import InputError
from midikit.escape import printable, quoted

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = [
    "STATES",
    "Archive",
    "Record",
    "Reserved",
    "State",
    "Stored",
    "check_clip_id",
    "damaged",
    "granted",
    "orphaned",
    "settled",
]

State = Literal["in flight", "running", "unknown", "refundable", "delivered", "failed"]
"""What is known of a clip."""

STATES: tuple[State, ...] = get_args(State)
"""Every state."""

_CLIP_ID = re.compile(r"[\x21-\x7e]{1,200}")
_UNSAVED = "its answer came, but was not stored"
_ENDED = "the program that sent the call ended before its outcome was known"


@dataclass(frozen=True, slots=True)
class Record:
    """The ledger's row of a clip.

    Parameters
    ----------
    clip_id : str
        The clip.
    state : State
        What is known of it.
    calls : int
        Paid calls sent so far, polls too.
    sent : float
        Unix seconds of the last paid call, NaN if none was sent.
    changed : float
        Unix seconds of the last change.
    problem : str
        What happened, with the provider's words, fit for a terminal.
    answer_sha256 : str
        SHA-256 of the answer in hex, empty if none is stored.
    midi_sha256 : str
        SHA-256 of the .mid in hex, empty if none is stored.
    midi_origin : {"", "hosted", "rebuilt"}
        Where the .mid is from.
    midi_problem : str
        Why there is no hosted .mid, empty if there is one.
    source : {"", "call", "callback", "import"}
        How the answer came.
    owner : str
        Who holds the clip now, empty if nobody does.

    Examples
    --------
    >>> Record("29fc9d9e", "running", calls=2).state
    'running'
    """

    clip_id: str
    state: State
    calls: int = 0
    sent: float = nan
    changed: float = nan
    problem: str = ""
    answer_sha256: str = ""
    midi_sha256: str = ""
    midi_origin: Literal["", "hosted", "rebuilt"] = ""
    midi_problem: str = ""
    source: Literal["", "call", "callback", "import"] = ""
    owner: str = ""


@dataclass(frozen=True, slots=True)
class Stored:
    """What an archive has of a clip.

    Parameters
    ----------
    record : Record
        Its row.
    answer : bytes or None
        The answer, byte for byte; None if it was not delivered.
    midi : bytes or None
        The .mid; None if there is none or it is damaged.
    damage : str or None
        What is wrong with the .mid alone, None if nothing is.
    """

    record: Record
    answer: bytes | None = field(default=None, repr=False)
    midi: bytes | None = field(default=None, repr=False)
    damage: str | None = None


class Reserved(NamedTuple):
    """Whether a paid call may be sent.

    Parameters
    ----------
    granted : bool
        Whether it may.
    record : Record or None
        The row as it was before, None if the clip was never seen.
    """

    granted: bool
    record: Record | None


class Archive(Protocol):
    """What the clients ask of an archive; safe to use from several threads at once."""

    def load(self, clip_id: str) -> Stored | None:
        """Return what there is of a clip.

        Parameters
        ----------
        clip_id : str
            The clip.

        Returns
        -------
        Stored or None
            Verified; None if it was never seen.

        Raises
        ------
        InputError
            If its answer or its row is damaged; it is never bought again.
        """

    def reserve(self, clip_id: str, *, resend_unknown: bool = False) -> Reserved:
        """Ask whether a paid call may be sent, and note that it is; atomic and durable.

        Parameters
        ----------
        clip_id : str
            The clip.
        resend_unknown : bool, optional
            Permit a call for a clip of unknown outcome.

        Returns
        -------
        Reserved
            If granted, the row is in flight, one call and one holder richer. Not granted if the
            clip is delivered, held by somebody alive (its record has an owner) or of unknown
            outcome.

        Raises
        ------
        InputError
            If anything kept of the clip is damaged.
        OutputError
            If nothing can be written.
        """

    def store(
        self,
        record: Record,
        *,
        answer: bytes | None = None,
        midi: bytes | None = None,
        fragment: bytes | None = None,
    ) -> None:
        """Replace a row and keep bytes with it; atomic, and durable when it returns.

        Parameters
        ----------
        record : Record
            The row; its two digests and the time of its change are filled in by the archive.
        answer, midi : bytes or None, optional
            The answer and the .mid; by default those that are there stay.
        fragment : bytes or None, optional
            What came of an answer that is not whole; kept beside the fragments before it.

        Raises
        ------
        InputError
            If what is there is damaged.
        OutputError
            If it cannot be written.

        Notes
        -----
        What is delivered stays delivered, with its first answer: see `settled`.
        """

    def list(self) -> Iterator[Record]:
        """Go through the ledger.

        Yields
        ------
        Record
            One row a clip, by clip id.
        """

    def close(self) -> None:
        """Let go of every clip and file; what is in flight then is of unknown outcome."""


def check_clip_id(clip_id: object) -> None:
    """Refuse what can be no clip id.

    Parameters
    ----------
    clip_id : object
        What is to be one.

    Raises
    ------
    InputError
        If it is no text of 1 to 200 visible ASCII characters.

    Examples
    --------
    >>> check_clip_id("29fc9d9e-a550-47d9-bfd2-6640a4025acc")
    """
    if not isinstance(clip_id, str) or not _CLIP_ID.fullmatch(clip_id):
        expected = "expected 1 to 200 visible ASCII characters, such as a UUID"
        raise InputError("", "", f"{quoted(clip_id)} is no clip id; {expected}")


def orphaned(record: Record) -> Record:
    """Say what a row means whose holder has ended.

    Parameters
    ----------
    record : Record
        The row, with a holder that is not alive.

    Returns
    -------
    Record
        Without a holder; what was in flight is of unknown outcome.

    Examples
    --------
    >>> orphaned(Record("29fc9d9e", "in flight", owner="a")).state
    'unknown'
    """
    if record.state != "in flight":
        return replace(record, owner="")
    return replace(record, state="unknown", owner="", problem=record.problem or _ENDED)


def granted(
    before: Record | None, clip_id: str, *, resend_unknown: bool, owner: str, now: float
) -> Record | None:
    """Decide whether a paid call may be sent for a clip.

    Parameters
    ----------
    before : Record or None
        Its row, with an owner only if that one is alive; None if it was never seen.
    clip_id : str
        The clip.
    resend_unknown : bool
        Permit a call for a clip of unknown outcome.
    owner : str
        Who asks.
    now : float
        Unix seconds.

    Returns
    -------
    Record or None
        The row as it has to be written before the call; None if none may be sent.

    Examples
    --------
    >>> granted(None, "29fc9d9e", resend_unknown=False, owner="a", now=1e9).state
    'in flight'
    """
    if before is None:
        return Record(clip_id, "in flight", calls=1, sent=now, changed=now, owner=owner)
    if before.state == "delivered" or before.owner:
        return None
    if before.state in {"unknown", "in flight"} and not resend_unknown:
        return None
    calls = before.calls + 1
    return replace(
        before, state="in flight", calls=calls, sent=now, changed=now, problem="", owner=owner
    )


def settled(
    before: Record | None, record: Record, *, answer: str | None, midi: str | None
) -> Record:
    """Tell what a row becomes when `record` is stored.

    Parameters
    ----------
    before : Record or None
        The row that is there.
    record : Record
        The one to be stored.
    answer, midi : str or None
        SHA-256 of the bytes that come with it, None where none do.

    Returns
    -------
    Record
        `record` with its digests. What is delivered stays delivered, with its first answer: a
        callback may come while a call is out whose outcome then is unknown, or a second answer.
        What is called delivered without an answer is of unknown outcome: it was paid for.

    Examples
    --------
    >>> there = Record("29fc9d9e", "delivered", answer_sha256="aa", source="callback")
    >>> settled(there, Record("29fc9d9e", "unknown", calls=1), answer=None, midi=None)
    ... # doctest: +ELLIPSIS
    Record(clip_id='29fc9d9e', state='delivered', calls=1, ... source='callback', owner='')
    """
    there = "" if before is None else before.answer_sha256
    if midi is None:
        midi = "" if before is None else before.midi_sha256
    record = replace(record, answer_sha256=there or answer or "", midi_sha256=midi)
    if record.state == "delivered" and not record.answer_sha256:
        return replace(record, state="unknown", problem=record.problem or _UNSAVED)
    if before is None or not there:
        return record
    return replace(record, state="delivered", problem=before.problem, source=before.source)


def damaged(where: object, problem: str) -> InputError:
    """Make the error that reports damage.

    Parameters
    ----------
    where : object
        The file or clip.
    problem : str
        What is wrong with it.

    Returns
    -------
    InputError
        Saying that it is not bought again.

    Examples
    --------
    >>> print(damaged("a.mid", "cut short"))
    a.mid: damaged: cut short; restore it from a copy, it is not bought again
    """
    text = f"damaged: {problem}; restore it from a copy, it is not bought again"
    return InputError(printable(where, 300), "", text)
