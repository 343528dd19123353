"""An archive in memory: for tests, and for programs that keep what was paid for elsewhere."""

from __future__ import annotations

import secrets
import threading
import time
from dataclasses import replace
from typing import TYPE_CHECKING

from midikit.fetch.archive import (
    Record,
    Reserved,
    Stored,
    check_clip_id,
    granted,
    orphaned,
    settled,
)
from midikit.fetch.disk.ledger import sha256

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["MemoryArchive"]


class MemoryArchive:
    """An archive that ends with its process; see `Archive` for its methods.

    Examples
    --------
    >>> archive = MemoryArchive()
    >>> archive.reserve("29fc9d9e")
    Reserved(granted=True, record=None)
    >>> archive.store(Record("29fc9d9e", "delivered", calls=1), answer=b"{}")
    >>> archive.load("29fc9d9e").answer, archive.reserve("29fc9d9e").granted
    (b'{}', False)
    """

    def __init__(self) -> None:
        self._owner = secrets.token_hex(8)
        self._lock = threading.Lock()
        self._records: dict[str, Record] = {}
        self._bytes: dict[tuple[str, str], bytes] = {}

    def __repr__(self) -> str:
        return f"MemoryArchive({len(self._records)} clips)"

    def load(self, clip_id: str) -> Stored | None:
        """Return what there is of a clip: see `Archive.load`."""
        check_clip_id(clip_id)
        with self._lock:
            record = self._records.get(clip_id)
            if record is None:
                return None
            answer = self._bytes.get((clip_id, "answer"))
            return Stored(_seen(record), answer, self._bytes.get((clip_id, "midi")))

    def reserve(self, clip_id: str, *, resend_unknown: bool = False) -> Reserved:
        """Ask whether a paid call may be sent, and note that it is: see `Archive.reserve`."""
        check_clip_id(clip_id)
        with self._lock:
            found = self._records.get(clip_id)
            before = None if found is None else _seen(found)
            after = granted(
                before,
                clip_id,
                resend_unknown=resend_unknown,
                owner=self._owner,
                now=time.time(),
            )
            if after is not None:
                self._records[clip_id] = after
            return Reserved(after is not None, before)

    def store(
        self,
        record: Record,
        *,
        answer: bytes | None = None,
        midi: bytes | None = None,
        fragment: bytes | None = None,
    ) -> None:
        """Replace a row and keep bytes with it: see `Archive.store`."""
        clip_id = record.clip_id
        check_clip_id(clip_id)
        answer_sha256 = None if answer is None else sha256(answer)
        with self._lock:
            before = self._records.get(clip_id)
            row = settled(
                before,
                record,
                answer=answer_sha256,
                midi=None if midi is None else sha256(midi),
            )
            if answer is not None and row.answer_sha256 == answer_sha256:
                self._bytes[clip_id, "answer"] = answer
            elif answer is not None:
                self._keep_fragment(clip_id, answer)
            if midi is not None:
                self._bytes[clip_id, "midi"] = midi
            if fragment is not None:
                self._keep_fragment(clip_id, fragment)
            self._records[clip_id] = replace(row, changed=time.time())

    def list(self) -> Iterator[Record]:
        """Go through the ledger: see `Archive.list`."""
        with self._lock:
            records = sorted(self._records.values(), key=lambda record: record.clip_id)
        yield from map(_seen, records)

    def fragments(self, clip_id: str) -> tuple[bytes, ...]:
        """Return what came of answers that were not whole, or not the first.

        Parameters
        ----------
        clip_id : str
            The clip.

        Returns
        -------
        tuple of bytes
            The oldest first.
        """
        with self._lock:
            kept = [
                data
                for (clip, kind), data in self._bytes.items()
                if clip == clip_id and kind.startswith("fragment-")
            ]
        return tuple(kept)

    def close(self) -> None:
        """Let go of every clip; what is in flight then is of unknown outcome."""
        with self._lock:
            for clip_id, record in self._records.items():
                self._records[clip_id] = orphaned(record)

    def _keep_fragment(self, clip_id: str, data: bytes) -> None:
        """Keep a fragment beside those before it; one that is there already is not kept twice."""
        number = 1
        while (kept := self._bytes.get((clip_id, f"fragment-{number}"))) is not None:
            if kept == data:
                return
            number += 1
        self._bytes[clip_id, f"fragment-{number}"] = data


def _seen(record: Record) -> Record:
    """Return a row as it is to be read: in flight is only what somebody holds."""
    return record if record.owner else orphaned(record)
