"""Removing clips from the ledger; what may have been paid for is never among them."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from midikit.fetch.disk.intents import key_of, line_of
from midikit.fetch.disk.ledger import rows

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Collection

    from midikit.fetch.archive import Record, State
    from midikit.fetch.disk.vault import Vault

__all__ = ["prune"]

_KEPT: frozenset[State] = frozenset(["in flight", "unknown"])
_SECONDS_A_DAY = 86_400.0
_YOUNGEST_SECONDS = 60.0


def prune(
    vault: Vault,
    states: Collection[State],
    *,
    older_than_days: float,
    delivered: bool,
    dry_run: bool,
) -> tuple[Record, ...]:
    """Remove clips from the ledger, with their bytes.

    Parameters
    ----------
    vault : Vault
        The archive.
    states : collection of State
        The states to remove.
    older_than_days : float
        Days since the last change, a minute at least.
    delivered : bool
        Permit to remove delivered clips.
    dry_run : bool
        Only find them.

    Returns
    -------
    tuple of Record
        The rows, by clip id.

    Raises
    ------
    ValueError
        If a state is asked for that is never removed, or not without `delivered`.
    InputError
        If the archive is damaged where it is read.
    OutputError
        If it cannot be written.
    """
    for state in states:
        if state in _KEPT or (state == "delivered" and not delivered):
            raise ValueError(f"clips of the state {state!r} are not removed")
    # Not what has just changed: its line in the log may still be on its way.
    youngest = time.time() - max(_YOUNGEST_SECONDS, older_than_days * _SECONDS_A_DAY)

    def is_chosen(record: Record) -> bool:
        record = vault.seen(record)
        return record.state in states and not record.owner and record.changed < youngest

    def work(connection: sqlite3.Connection, _: list[bytes]) -> tuple[Record, ...]:
        found = [row for _, row, _ in rows(connection) if row and is_chosen(row.record)]
        if found and not dry_run:
            # The log first: a line whose row is gone would say that the row is lost.
            vault.log.append([line_of("-", row.record.clip_id, row.grants) for row in found])
            ids = [(row.record.clip_id,) for row in found]
            connection.executemany("DELETE FROM bytes WHERE clip_id = ?", ids)
            connection.executemany("DELETE FROM clips WHERE clip_id = ?", ids)
        return tuple(row.record for row in found)

    if vault.read(lambda _: True) is None:
        return ()  # no archive is made for removing nothing
    if dry_run:
        return vault.read(lambda connection: work(connection, [])) or ()
    known = vault.census().known
    removed = vault.write(work)
    known.difference_update(key_of(record.clip_id) for record in removed)
    if any(record.answer_sha256 for record in removed):
        vault.compact()
    return removed
