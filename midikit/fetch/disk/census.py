"""One look at everything an archive knows, before anything is paid for.

A damaged page can make a row vanish, or stand under another clip's id. So before the first grant
every row is held against its SHA-256 and every line of the log against its row: what is damaged,
lost or older than its line is never bought. Rows whose line is missing get one, so that the next
look sees what is lost.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from midikit.fetch.archive import damaged
from midikit.fetch.disk.intents import STAGES, key_of, line_of, stage_of
from midikit.fetch.disk.ledger import read_row, rows

if TYPE_CHECKING:
    import sqlite3

    from midikit.fetch.disk.intents import IntentLog
    from midikit.fetch.disk.ledger import Row

__all__ = ["Census", "Taint", "mend_log", "take_census"]

_UNSOUND = "its row is not that of its SHA-256"
_LOST = "its row is lost"
_OLD = "its row is older than the log of what was paid for"


class Taint(NamedTuple):
    """Damage to a clip.

    Parameters
    ----------
    clip_id : str
        The clip; empty if only the log knows of it.
    problem : str
        What is wrong.
    keys : list of str
        Keys in the ledger under which damaged rows of it stand.
    """

    clip_id: str
    problem: str
    keys: list[object]


@dataclass(slots=True)
class Census:
    """What is known of every clip.

    Parameters
    ----------
    known : set of int
        Keys of the clips that must have a row.
    tainted : dict of int to Taint
        What is damaged, by the key of the clip.
    grants : dict of int to int
        How often those were granted, as far as the log knows.
    missing : list of str
        Clips whose line is missing in the log.
    damaged_rows : int
        Rows that are damaged.
    damaged_lines : int
        Lines that are damaged.
    lines : int
        Lines in the log.
    """

    known: set[int] = field(default_factory=set)
    tainted: dict[int, Taint] = field(default_factory=dict)
    grants: dict[int, int] = field(default_factory=dict)
    missing: list[str] = field(default_factory=list)
    damaged_rows: int = 0
    damaged_lines: int = 0
    lines: int = 0

    def check(self, clip_id: str, row: Row | None) -> None:
        """Refuse a clip that is damaged.

        Parameters
        ----------
        clip_id : str
            The clip.
        row : Row or None
            What was found under its id.

        Raises
        ------
        InputError
            If it is tainted, or must have a row and has none.
        """
        key = key_of(clip_id)
        if key in self.tainted:
            raise damaged(f"clip {clip_id}", self.tainted[key].problem)
        if row is None and key in self.known:
            raise damaged(f"clip {clip_id}", _LOST)

    def heal(self, clip_id: str) -> None:
        """Note that a clip was restored from a copy.

        Parameters
        ----------
        clip_id : str
            The clip.
        """
        self.known.add(key_of(clip_id))
        self.tainted.pop(key_of(clip_id), None)


def take_census(connection: sqlite3.Connection | None, log: IntentLog) -> Census:
    """Look at every row and every line.

    Parameters
    ----------
    connection : sqlite3.Connection or None
        The archive, None if there is none.
    log : IntentLog
        Its log.

    Returns
    -------
    Census
        What was found.

    Raises
    ------
    InputError
        If the log cannot be read.
    sqlite3.Error
        If the database cannot.
    """
    # The log first: a line is written after its row, so each of these lines has one by now.
    claims = log.read()
    census = Census(lines=claims.lines, damaged_lines=claims.damaged)
    known, tainted = census.known, census.tainted
    for name, row, record in () if connection is None else rows(connection):
        if row is None:
            census.damaged_rows += 1
            for clip_id in {str(name), _id_inside(record)} - {""}:
                taint = Taint(clip_id, _UNSOUND, [])
                tainted.setdefault(key_of(clip_id), taint).keys.append(name)
                known.add(key_of(clip_id))
            continue
        key = key_of(row.record.clip_id)
        known.add(key)
        claimed = claims.grants.get(key, -1)
        stage, reached = stage_of(row.record), claims.stages.get(key, 0)
        if claimed > row.grants or reached > stage:
            tainted[key] = Taint(row.record.clip_id, _OLD, [])
        elif claimed < row.grants or reached < stage:
            census.missing.append(row.record.clip_id)
    lost = claims.grants.keys() - known
    if lost:  # those that somebody has removed in the meantime are not
        lost &= log.read().grants.keys()
    for key in lost:
        tainted.setdefault(key, Taint("", _LOST, []))
    known |= lost
    census.grants = {key: claims.grants.get(key, 0) for key in tainted}
    return census


def mend_log(connection: sqlite3.Connection, log: IntentLog, clip_ids: list[str]) -> None:
    """Write the lines that are missing in the log.

    Parameters
    ----------
    connection : sqlite3.Connection
        The archive, in a transaction, so that nobody removes a row meanwhile.
    log : IntentLog
        Its log.
    clip_ids : list of str
        The clips.

    Raises
    ------
    InputError
        If a row is damaged.
    OSError
        If the log cannot be written.
    """
    lines = []
    for clip_id in clip_ids:
        row = read_row(connection, clip_id)
        if row is not None:
            lines.append(line_of(STAGES[stage_of(row.record)], clip_id, row.grants))
    if lines:
        log.append(lines)


def _id_inside(record: object) -> str:
    """Return the clip id in a damaged record, as far as it can be read."""
    try:
        clip_id = msgspec.json.decode(record, type=dict)["clip_id"]  # type: ignore[call-overload]
    except (msgspec.MsgspecError, KeyError, TypeError, UnicodeError):
        clip_id = ""
    if clip_id or not isinstance(record, bytes):
        return str(clip_id)
    # A damaged record may be no JSON any more; its first field still tells the id.
    head, _, rest = record.partition(b'"clip_id":"')
    return rest.partition(b'"')[0].decode("utf-8", "replace") if len(head) < 3 else ""
