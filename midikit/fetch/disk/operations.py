"""What is done to the ledger in one transaction: read a clip, grant a call, keep its outcome."""

from __future__ import annotations

import time
from dataclasses import replace
from math import nan
from typing import TYPE_CHECKING

from midikit.errors import InputError
from midikit.fetch.archive import Record, Reserved, Stored, damaged, granted, settled
from midikit.fetch.disk.intents import STAGES, line_of, stage_of
from midikit.fetch.disk.ledger import (
    ANSWER,
    MIDI,
    Row,
    add_fragment,
    read_bytes_of,
    read_row,
    rows,
    sha256,
    write_bytes_of,
    write_row,
)

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable

    from midikit.fetch.disk.census import Census

__all__ = ["Reservation", "Storing", "answered", "load_clip"]

_UNSENT = "the call was not sent, its reservation was interrupted"


def load_clip(
    connection: sqlite3.Connection, clip_id: str, seen: Callable[[Record], Record]
) -> Stored | None:
    """Read and verify what there is of a clip.

    Parameters
    ----------
    connection : sqlite3.Connection
        The archive.
    clip_id : str
        The clip.
    seen : callable
        Returns a record with its holder only if that one is alive.

    Returns
    -------
    Stored or None
        None if there is no row.

    Raises
    ------
    InputError
        If the row or the answer is damaged.
    """
    row = read_row(connection, clip_id)
    if row is None:
        return None
    record = seen(row.record)
    answer = midi = damage = None
    if record.answer_sha256 or record.state == "delivered":
        answer = _verified(connection, record.clip_id, ANSWER, record.answer_sha256)
    if record.midi_sha256:
        try:
            midi = _verified(connection, record.clip_id, MIDI, record.midi_sha256)
        except InputError as error:
            damage = str(error)
    return Stored(record, answer, midi, damage)


def answered(connection: sqlite3.Connection) -> list[str]:
    """Name the clips whose answer is there, or may be: those whose row is damaged, too.

    Parameters
    ----------
    connection : sqlite3.Connection
        The archive.

    Returns
    -------
    list of str
        Clip ids, in their order.
    """
    return [
        str(clip_id)
        for clip_id, row, _ in rows(connection)
        if row is None or row.record.answer_sha256
    ]


def _verified(connection: sqlite3.Connection, clip_id: str, kind: str, digest: str) -> bytes:
    """Read bytes that the row says are there."""
    data = read_bytes_of(connection, clip_id, kind)
    if data is None:
        raise damaged(f"clip {clip_id}", f"the bytes of its {kind} are lost")
    if sha256(data) != digest:
        raise damaged(f"clip {clip_id}", f"its {kind} is not the one that its row names")
    return data


class Reservation:
    """A paid call that is asked for.

    Parameters
    ----------
    clip_id : str
        The clip.
    resend_unknown : bool
        Whether it may be sent for a clip of unknown outcome.
    owner : str
        Who asks.
    census : Census
        What must be there.
    seen : callable
        Returns a record with its holder only if that one is alive.
    """

    def __init__(
        self,
        clip_id: str,
        *,
        resend_unknown: bool,
        owner: str,
        census: Census,
        seen: Callable[[Record], Record],
    ) -> None:
        self._clip_id = clip_id
        self._resend_unknown = resend_unknown
        self._owner = owner
        self._census = census
        self._seen = seen
        self._again: Row | None = None

    def work(self, connection: sqlite3.Connection, lines: list[bytes]) -> Reserved:
        """Grant it if the rules do.

        Parameters
        ----------
        connection : sqlite3.Connection
            The archive, in a transaction.
        lines : list of bytes
            Gets the line for the log.

        Returns
        -------
        Reserved
            Whether it was granted, and the row as it was.

        Raises
        ------
        InputError
            If anything kept of the clip is damaged.
        """
        self._again = None
        row = read_row(connection, self._clip_id)
        self._census.check(self._clip_id, row)
        before = None if row is None else self._seen(row.record)
        now = time.time()
        after = granted(
            before, self._clip_id, resend_unknown=self._resend_unknown, owner=self._owner, now=now
        )
        if after is None:
            return Reserved(granted=False, record=before)
        grants = 1 if row is None else row.grants + 1
        again = before or replace(
            after, state="refundable", calls=0, sent=nan, problem=_UNSENT, owner=""
        )
        self._again = Row(grants, again)
        write_row(connection, Row(grants, after))
        lines.append(line_of("R", self._clip_id, grants))
        return Reserved(granted=True, record=before)

    def undo(self, connection: sqlite3.Connection, _: list[bytes]) -> None:
        """Take it back, if it was granted and nothing has happened since.

        Parameters
        ----------
        connection : sqlite3.Connection
            The archive, in a transaction.
        """
        row = read_row(connection, self._clip_id)
        if self._again is None or row is None or row.grants != self._again.grants:
            return
        if row.record.state == "in flight" and row.record.owner == self._owner:
            write_row(connection, self._again)


class Storing:
    """A row and the bytes that come with it.

    Parameters
    ----------
    record : Record
        The row.
    answer, midi, fragment : bytes or None
        The bytes.
    """

    def __init__(
        self,
        record: Record,
        answer: bytes | None = None,
        midi: bytes | None = None,
        fragment: bytes | None = None,
    ) -> None:
        self.record = record
        self._answer = answer
        self._midi = midi
        self._fragment = fragment
        # Here, where the caller's thread does it, not the one that writes for all.
        self._answer_sha256 = None if answer is None else sha256(answer)
        self._midi_sha256 = None if midi is None else sha256(midi)

    def work(self, connection: sqlite3.Connection, lines: list[bytes]) -> None:
        """Keep it.

        Parameters
        ----------
        connection : sqlite3.Connection
            The archive, in a transaction.
        lines : list of bytes
            Gets the line for the log.

        Raises
        ------
        InputError
            If the row that is there is damaged.
        """
        self.put(connection, read_row(connection, self.record.clip_id), lines)

    def put(
        self,
        connection: sqlite3.Connection,
        before: Row | None,
        lines: list[bytes],
        grants: int = 0,
    ) -> None:
        """Write it over a row.

        Parameters
        ----------
        connection : sqlite3.Connection
            The archive, in a transaction.
        before : Row or None
            The row that is there, None if there is none or it does not count.
        lines : list of bytes
            Gets the line for the log.
        grants : int, optional
            How often a call was granted, as far as the log knows.
        """
        clip_id = self.record.clip_id
        old = None if before is None else before.record
        record = settled(old, self.record, answer=self._answer_sha256, midi=self._midi_sha256)
        if self._answer is not None:
            if record.answer_sha256 == self._answer_sha256:
                write_bytes_of(connection, clip_id, ANSWER, self._answer)
            else:
                add_fragment(connection, clip_id, self._answer)
        if self._midi is not None:
            write_bytes_of(connection, clip_id, MIDI, self._midi)
        if self._fragment is not None:
            add_fragment(connection, clip_id, self._fragment)
        grants = max(grants, 0 if before is None else before.grants)
        write_row(connection, Row(grants, replace(record, changed=time.time())))
        stage = stage_of(record)
        if old is None or stage > stage_of(old):
            lines.append(line_of(STAGES[stage], clip_id, grants))
