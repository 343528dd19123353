"""Reading every byte of an archive, and saying what is wrong with it, all of it."""

from __future__ import annotations

import sqlite3
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from midikit.errors import MidikitError
from midikit.escape import printable
from midikit.fetch.disk.census import take_census
from midikit.fetch.disk.database import open_to_read, told
from midikit.fetch.disk.ledger import (
    ANSWER,
    MIDI,
    clip_ids,
    fragments,
    read_bytes_of,
    read_row,
    sha256,
)

if TYPE_CHECKING:
    from pathlib import Path

    from midikit.fetch.disk.intents import IntentLog

__all__ = ["Checkup", "Damage", "check_up"]

_MOST_MESSAGES = 100


@dataclass(frozen=True, slots=True)
class Damage:
    """Something that is wrong.

    Parameters
    ----------
    clip_id : str
        The clip; empty if it concerns none alone.
    problem : str
        What it is.
    """

    clip_id: str
    problem: str

    def __str__(self) -> str:
        return f"clip {printable(self.clip_id)}: {self.problem}" if self.clip_id else self.problem


@dataclass(frozen=True, slots=True)
class Checkup:
    """What reading every byte found.

    Parameters
    ----------
    clips : int
        Rows in the ledger.
    states : dict of str to int
        How many of the sound ones are in each state; a call in flight counts as that.
    answers, midis, fragments : int
        Sound answers, .mid files and fragments.
    size : int
        Their bytes.
    lines : int
        Lines in the log of what was paid for.
    damage : tuple of Damage
        Everything that is wrong; empty if nothing is.
    """

    clips: int = 0
    states: dict[str, int] | None = None
    answers: int = 0
    midis: int = 0
    fragments: int = 0
    size: int = 0
    lines: int = 0
    damage: tuple[Damage, ...] = ()


class _Reading:
    """A checkup while it is under way."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.states: Counter[str] = Counter()
        self.pieces: Counter[str] = Counter()
        self.clips = self.size = self.lines = 0
        self.damage: dict[Damage, None] = {}

    def note(self, clip_id: str, problem: object) -> None:
        """Note damage, once."""
        text = " ".join(str(problem).split())
        text = text.removeprefix(f"clip {clip_id}: ") if clip_id else text
        self.damage.setdefault(Damage(clip_id, text.partition("; restore it")[0]))

    def fault(self, error: sqlite3.Error | OSError, clip_id: str = "") -> None:
        """Note what the database says of itself."""
        self.note(clip_id, told(error, self.path, writing=False))

    def whole(self, connection: sqlite3.Connection | None, log: IntentLog) -> None:
        """Hold the ledger, the log and the file's own order against each other."""
        try:
            census = take_census(connection, log)
        except sqlite3.Error as error:
            self.fault(error)
        except MidikitError as error:
            self.note("", error)
        else:
            self.lines = census.lines
            for key, taint in census.tainted.items():
                who = "" if taint.clip_id else f"a clip that was paid for (line {key:016x}): "
                self.note(taint.clip_id, f"damaged: {who}{taint.problem}")
            if census.damaged_lines:
                problem = f"damaged: lines of {log.path.name} that are none"
                self.note("", f"{problem}: {census.damaged_lines:,} of {census.lines:,}")
        if connection is None:
            return
        try:
            messages = connection.execute(f"PRAGMA integrity_check({_MOST_MESSAGES})").fetchall()
        except sqlite3.Error as error:
            self.fault(error)
            return
        for (message,) in messages:
            if message != "ok":
                self.note("", f"damaged: {self.path.name}: {printable(message, 200)}")

    def clip(self, connection: sqlite3.Connection, clip_id: str) -> None:
        """Read a row and all its bytes."""
        try:
            row = read_row(connection, clip_id)
        except MidikitError as error:
            self.note(clip_id, error)
            return
        if row is None:
            self.note(clip_id, "damaged: its row is not found by its id")
            return
        record = row.record
        self.states[record.state] += 1
        named = {ANSWER: record.answer_sha256, MIDI: record.midi_sha256}
        if record.state == "delivered" and not record.answer_sha256:
            self.note(clip_id, "damaged: delivered without an answer")
        for kind in (ANSWER, MIDI, *fragments(connection, clip_id)):
            digest = named.get(kind)
            try:
                data = read_bytes_of(connection, clip_id, kind)
            except MidikitError as error:
                self.note(clip_id, error)
                continue
            except sqlite3.Error as error:
                self.fault(error, clip_id)
                continue
            if data is None and digest:
                self.note(clip_id, f"damaged: the bytes of its {kind} are lost")
            elif data is not None and digest is not None and sha256(data) != digest:
                self.note(clip_id, f"damaged: its {kind} is not the one that its row names")
            elif data is not None:
                self.pieces[kind if kind in named else "fragment"] += 1
                self.size += len(data)

    def orphans(self, connection: sqlite3.Connection) -> None:
        """Find bytes whose clip has no row."""
        query = "SELECT clip_id, kind FROM bytes WHERE clip_id NOT IN (SELECT clip_id FROM clips)"
        for clip_id, kind in connection.execute(query):
            self.note(str(clip_id), f"damaged: the bytes of its {printable(kind)} have no row")


def check_up(path: Path, log: IntentLog) -> Checkup:
    """Read every byte; nothing is written, and damage is no error but a result.

    Parameters
    ----------
    path : Path
        The database.
    log : IntentLog
        Its log.

    Returns
    -------
    Checkup
        What was found.
    """
    reading = _Reading(path)
    connection = None
    try:
        connection = open_to_read(path)
    except MidikitError as error:
        reading.note("", error)
    try:
        reading.whole(connection, log)
        if connection is not None:
            for clip_id in clip_ids(connection):
                reading.clips += 1
                try:
                    # One look, so that what somebody writes meanwhile is seen whole or not at all.
                    connection.execute("BEGIN")
                    reading.clip(connection, clip_id)
                except sqlite3.Error as error:
                    reading.fault(error, clip_id)
                finally:
                    if connection.in_transaction:
                        connection.execute("ROLLBACK")
            reading.orphans(connection)
    except sqlite3.Error as error:
        reading.fault(error)
    finally:
        if connection is not None:
            connection.close()
    return Checkup(
        reading.clips,
        dict(reading.states),
        reading.pieces[ANSWER],
        reading.pieces[MIDI],
        reading.pieces["fragment"],
        reading.size,
        reading.lines,
        tuple(reading.damage),
    )
