"""The .mid of a delivered clip: the hosted one, else one made of the notes and marked as such.

The hosted file is free, and gone in a day. It is asked for right after the answer. Where it cannot
be had the .mid is made of the notes, and the true reason kept. A later fetch asks for it once more,
in one short try, as long as it may still be there: within 24 hours of the paid call.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from midikit.errors import DownloadError
from midikit.fetch.answers import Reply, classify
from midikit.fetch.clip import Clip
from midikit.fetch.download import downloading
from midikit.fetch.keeping import in_one_line
from midikit.fetch.polling import Deadline
from midikit.fetch.steps import Moment, Now, Rebuild, Store, Tell
from midikit.fetch.telling import FetchEvent

if TYPE_CHECKING:
    from midikit.fetch.archive import Record, Stored
    from midikit.fetch.net.addresses import HostPort
    from midikit.fetch.steps import Steps

__all__ = ["clip_of_answer", "clip_of_archive", "download_hosted", "may_be_hosted", "rebuild"]

HOSTED_SECONDS = 86_400.0
"""How long a hosted file is there, by what siblings of the provider say."""

_DOWNLOAD_SECONDS = 60.0
_SECOND_LOOK_SECONDS = 5.0
_NO_ADDRESS = "the answer names no web address of a hosted file"


def rebuild(answer: bytes) -> bytes:
    """Make a .mid of the notes of an answer.

    Parameters
    ----------
    answer : bytes
        The answer.

    Returns
    -------
    bytes
        A Standard MIDI File, the same for the same answer.

    Raises
    ------
    AnswerError
        If it cannot be read.

    Examples
    --------
    >>> rebuild(b'{"instruments": []}')[:4]
    b'MThd'
    """
    from midikit.convert.midi import to_midi  # noqa: PLC0415 - loads numpy; most never need it
    from midikit.parse.response import read_json  # noqa: PLC0415 - as above

    return to_midi(read_json(answer))


def may_be_hosted(record: Record, unix_seconds: float) -> bool:
    """Tell whether the hosted .mid of a clip may still be there.

    Parameters
    ----------
    record : Record
        Its row.
    unix_seconds : float
        Unix time.

    Returns
    -------
    bool
        Whether it was paid for, or came, less than 24 hours ago.

    Examples
    --------
    >>> from midikit.fetch.archive import Record
    >>> record = Record("29fc9d9e", "delivered", sent=1e9)
    >>> may_be_hosted(record, 1e9 + 3600), may_be_hosted(record, 1e9 + 90_000)
    (True, False)
    """
    since = record.sent if record.sent > 0 else record.changed  # NaN is not above 0
    return abs(unix_seconds - since) < HOSTED_SECONDS


def clip_of_answer(
    record: Record,
    raw: bytes,
    url: str | None,
    limit: Deadline,
    allowed: frozenset[HostPort],
    *,
    patient: bool,
) -> Steps[Clip]:
    """Complete a clip whose answer has just been stored.

    Parameters
    ----------
    record : Record
        Its row.
    raw : bytes
        Its answer.
    url : str or None
        Where its .mid is hosted.
    limit : Deadline
        When everything about it ends.
    allowed : frozenset of (str, int)
        Hosts that may be private.
    patient : bool
        Try again after a passing fault.

    Returns
    -------
    Clip
        With the hosted .mid, or one made of the notes.
    """
    data, problem = yield from download_hosted(url, limit, allowed, patient=patient)
    if data is not None:
        problem = yield from _keep_hosted(record, data)
        return Clip(record.clip_id, raw, data, problem or None)
    data, problem = yield from _rebuilt(record, raw, problem)
    return Clip(record.clip_id, raw, data, problem, rebuilt=data is not None)


def clip_of_archive(
    stored: Stored,
    raw: bytes,
    limit: Deadline,
    allowed: frozenset[HostPort],
    *,
    patient: bool,
) -> Steps[Clip]:
    """Make a clip of what is in the archive, with one more try for a .mid that is not.

    Parameters
    ----------
    stored : Stored
        What is there.
    raw : bytes
        Its answer.
    limit : Deadline
        When everything about it ends.
    allowed : frozenset of (str, int)
        Hosts that may be private.
    patient : bool
        Try again after a passing fault, unless it was tried before.

    Returns
    -------
    Clip
        Nothing was paid for it.
    """
    record, midi = stored.record, stored.midi
    rebuilt = midi is not None and record.midi_origin == "rebuilt"
    if midi is not None and not rebuilt:
        return Clip(record.clip_id, raw, midi, from_archive=True)
    moment: Moment = yield Now()
    if rebuilt and not may_be_hosted(record, moment.unix_seconds):
        why = record.midi_problem or None
        return Clip(record.clip_id, raw, midi, why, from_archive=True, rebuilt=True)
    if rebuilt:  # what is in the archive is not waited for
        patient = False
        left = limit.left(moment.seconds)
        limit = Deadline(moment.seconds, min(_SECOND_LOOK_SECONDS, left)) if left > 0 else limit
    url = classify(Reply(200, {}, raw), wall_seconds=moment.unix_seconds).midi_url
    data, problem = yield from download_hosted(url, limit, allowed, patient=patient)
    damage = f"{stored.damage}; " if stored.damage else ""
    if data is not None:
        said = yield from _keep_hosted(record, data)
        if damage:
            said = damage + (said or "downloaded again")
        return Clip(record.clip_id, raw, data, said or None, from_archive=True)
    if rebuilt:
        problem = record.midi_problem or problem
    else:
        midi, problem = yield from _rebuilt(record, raw, damage + problem)
    return Clip(record.clip_id, raw, midi, problem, from_archive=True, rebuilt=midi is not None)


def download_hosted(
    url: str | None, limit: Deadline, allowed: frozenset[HostPort], *, patient: bool
) -> Steps[tuple[bytes | None, str]]:
    """Download a hosted .mid.

    Parameters
    ----------
    url : str or None
        Where it is, None if nobody said.
    limit : Deadline
        When everything about its clip ends.
    allowed : frozenset of (str, int)
        Hosts that may be private.
    patient : bool
        Try again after a passing fault.

    Returns
    -------
    data : bytes or None
        The file.
    problem : str
        Why there is none.
    """
    if url is None:
        return None, _NO_ADDRESS
    moment: Moment = yield Now()
    left = limit.left(moment.seconds)
    if left <= 0:
        return None, "no time was left for the hosted .mid, which is free"
    share = Deadline(moment.seconds, min(_DOWNLOAD_SECONDS, left))
    try:
        data = yield from downloading(url, limit=share, allowed=allowed, patient=patient)
    except DownloadError as error:
        return None, error.problem
    return data, ""


def _keep_hosted(record: Record, data: bytes) -> Steps[str]:
    """Store a hosted .mid; say what went wrong."""
    moment: Moment = yield Now()
    row = replace(record, midi_origin="hosted", midi_problem="", changed=moment.unix_seconds)
    try:
        yield Store(row, midi=data)
    except Exception as error:  # noqa: BLE001 - a store of somebody else may raise anything
        return f"downloaded, but not stored: {in_one_line(error)}"
    yield Tell(FetchEvent(record.clip_id, "hosted", record.state, record.calls))
    return ""


def _rebuilt(record: Record, raw: bytes, problem: str) -> Steps[tuple[bytes | None, str]]:
    """Make a .mid of the notes and store it; say why there is no hosted one."""
    moment: Moment = yield Now()
    row = replace(record, midi_problem=problem, changed=moment.unix_seconds)
    data: bytes | None = None
    try:
        data = yield Rebuild(raw)
    except Exception as error:  # noqa: BLE001 - the answer is stored, whatever is wrong with it
        problem += f"; none could be made of the notes: {in_one_line(error)}"
    else:
        row = replace(row, midi_origin="rebuilt")
    try:
        yield Store(row, midi=data)
    except Exception as error:  # noqa: BLE001 - as above
        problem += f"; not stored: {in_one_line(error)}"
    yield Tell(FetchEvent(record.clip_id, "rebuilt", record.state, record.calls, problem=problem))
    return data, problem
