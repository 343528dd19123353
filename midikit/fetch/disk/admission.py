"""Answers that come without a call: a callback's body, or a file of an export. Nothing is paid."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Literal, TypeAlias

from midikit.errors import InputError
from midikit.fetch.archive import Record, check_clip_id
from midikit.fetch.disk.checkup import Damage
from midikit.fetch.disk.intents import key_of
from midikit.fetch.disk.ledger import Row, read_row, sha256
from midikit.fetch.disk.operations import Storing, load_clip
from midikit.fetch.disk.transfer import Imported, read_pieces

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable
    from pathlib import Path

    from midikit.fetch.disk.census import Census
    from midikit.fetch.disk.vault import Vault

__all__ = ["Admission", "Admitted", "admit", "admit_folder", "ingest"]

Admitted: TypeAlias = Literal["added", "there", "restored", "other"]
"""What became of an answer: new here, here already, in the place of damage, or not the one here."""


class Admission:
    """An answer that has come.

    Parameters
    ----------
    record : Record
        The row that it would have if the clip was never seen.
    answer : bytes
        The answer.
    midi : bytes or None
        The .mid, where it came with it.
    census : Census
        What must be there.
    seen : callable
        Returns a record with its holder only if that one is alive.
    keep_other : bool
        Keep an answer that is not the one here as a fragment.
    """

    def __init__(
        self,
        record: Record,
        answer: bytes,
        midi: bytes | None,
        *,
        census: Census,
        seen: Callable[[Record], Record],
        keep_other: bool,
    ) -> None:
        self._record = record
        self._answer = answer
        self._midi = midi
        self._census = census
        self._seen = seen
        self._keep_other = keep_other
        self._digest = sha256(answer)

    def work(self, connection: sqlite3.Connection, lines: list[bytes]) -> Admitted:
        """Keep it, unless it is there.

        Parameters
        ----------
        connection : sqlite3.Connection
            The archive, in a transaction.
        lines : list of bytes
            Gets the line for the log.

        Returns
        -------
        Admitted
            What became of it.
        """
        row = self._sound_row(connection)
        before = None if row is None else row.record
        became: Admitted = "added"
        if before is not None and before.answer_sha256:
            if before.answer_sha256 != self._digest:
                if self._keep_other:
                    Storing(before, fragment=self._answer).put(connection, row, lines)
                return "other"
            if self._is_whole(connection):
                return "there"
            became = "restored"
        elif before is None and key_of(self._record.clip_id) in self._census.known:
            became = "restored"
        self._put(connection, row, lines, is_new=became == "added")
        return became

    def _is_whole(self, connection: sqlite3.Connection) -> bool:
        """Tell whether everything that came is there and sound."""
        try:
            there = load_clip(connection, self._record.clip_id, self._seen)
        except InputError:
            return False
        return there is not None and (self._midi is None or there.midi is not None)

    def _put(
        self, connection: sqlite3.Connection, row: Row | None, lines: list[bytes], *, is_new: bool
    ) -> None:
        """Write it, in the place of rows that are damaged."""
        record = self._record
        if row is not None:
            # The ledger knows more than the file: what was sent, and who holds it now.
            named = row.record if self._midi is None else record
            record = replace(
                row.record,
                state="delivered",
                problem="",
                source=record.source if is_new else row.record.source,
                midi_origin=named.midi_origin,
                midi_problem=named.midi_problem,
            )
        key = key_of(record.clip_id)
        if key in self._census.tainted:
            for name in self._census.tainted[key].keys:
                connection.execute("DELETE FROM clips WHERE clip_id = ?", (name,))
        grants = self._census.grants.get(key, 0)
        Storing(record, self._answer, self._midi).put(connection, row, lines, grants)

    def _sound_row(self, connection: sqlite3.Connection) -> Row | None:
        """Return the row, None if there is none or nothing it says can be trusted."""
        try:
            row = read_row(connection, self._record.clip_id)
            self._census.check(self._record.clip_id, row)
        except InputError:
            return None
        return row


def ingest(vault: Vault, clip_id: str, body: bytes) -> Record:
    """Keep the body of a callback.

    Parameters
    ----------
    vault : Vault
        The archive.
    clip_id : str
        The clip.
    body : bytes
        The body.

    Returns
    -------
    Record
        What it says of the clip, without what the archive knows besides.

    Raises
    ------
    InputError
        If it is no clip id, the body neither an answer nor news of one, or what is kept of the
        clip is damaged.
    OutputError
        If it cannot be written.
    """
    check_clip_id(clip_id)
    record = _read_body(clip_id, body)
    if record.state == "delivered":
        admit(vault, record, body, None, keep_other=True)
        return record
    census = vault.census(mend=True)

    def note(connection: sqlite3.Connection, lines: list[bytes]) -> None:
        row = read_row(connection, clip_id)
        census.check(clip_id, row)
        if row is None:
            Storing(record).put(connection, None, lines)
            return
        before = vault.seen(row.record)
        if before.state == "delivered" or before.owner:
            return  # whoever holds it will know better
        state = record.state
        if state == "failed" and before.state in {"running", "unknown"}:
            state = "unknown"  # the call before may have been charged
        news = replace(before, state=state, problem=record.problem)
        Storing(news).put(connection, row, lines)

    vault.write(note)
    return record


def admit(
    vault: Vault, record: Record, answer: bytes, midi: bytes | None, *, keep_other: bool
) -> Admitted:
    """Keep an answer that came without a call.

    Parameters
    ----------
    vault : Vault
        The archive.
    record : Record
        The row that it would have if the clip was never seen.
    answer : bytes
        The answer.
    midi : bytes or None
        The .mid, where it came with it.
    keep_other : bool
        Keep an answer that is not the one here as a fragment.

    Returns
    -------
    Admitted
        What became of it.

    Raises
    ------
    OutputError
        If it cannot be written.
    """
    census = vault.census(mend=True)
    admission = Admission(
        record, answer, midi, census=census, seen=vault.seen, keep_other=keep_other
    )
    became = vault.write(admission.work, paid=True)
    census.heal(record.clip_id)
    return became


def admit_folder(vault: Vault, folder: Path) -> Imported:
    """Keep what an export wrote.

    Parameters
    ----------
    vault : Vault
        The archive.
    folder : Path
        The folder.

    Returns
    -------
    Imported
        What was done, and which files were refused.

    Raises
    ------
    InputError
        If the folder or its list cannot be read.
    OutputError
        If the archive cannot be written.
    """
    became: Counter[Admitted] = Counter()
    refused = []
    for piece in read_pieces(folder):
        if isinstance(piece, Damage):
            refused.append(piece)
            continue
        clip_id = piece.record.clip_id
        try:
            if not piece.is_listed and _read_body(clip_id, piece.answer).state != "delivered":
                raise InputError("", "", "no complete answer")  # noqa: TRY301
        except InputError as error:
            refused.append(Damage(clip_id, f"{piece.shown}: {error}"))
            continue
        done = admit(vault, piece.record, piece.answer, piece.midi, keep_other=False)
        became[done] += 1
        if done == "other":
            problem = "not the answer that the archive has of this clip"
            refused.append(Damage(clip_id, f"{piece.shown}: {problem}"))
    return Imported(became["added"], became["restored"], became["there"], tuple(refused))


def _read_body(clip_id: str, body: bytes) -> Record:
    """Read what a body says of a clip."""
    from midikit.fetch.answers import (  # noqa: PLC0415 - reads notes
        UNSURE,
        Reply,
        Verdict,
        classify,
    )

    outcome = classify(Reply(200, {}, body), wall_seconds=time.time())
    record = Record(clip_id, "failed", problem=outcome.problem, source="callback")
    if outcome.verdict is Verdict.DELIVERED:
        return replace(record, state="delivered", problem="")
    if outcome.verdict is Verdict.RUNNING:
        return replace(record, state="running")
    if outcome.verdict is Verdict.REFUNDED:
        return replace(record, state="refundable")
    if outcome.verdict is Verdict.UNKNOWN:
        what = outcome.problem.removesuffix(f"; {UNSURE}")
        raise InputError(f"clip {clip_id}", "", f"{what}; nothing was changed")
    return record
