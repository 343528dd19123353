"""The archive on disk: a SQLite ledger of what was paid for, with the bytes.

::

    HOME/archive.sqlite3    a row a clip, its answer, .mid and fragments, each with its SHA-256
    HOME/intents.log        a line a grant, delivery and first .mid: see `intents`
    HOME/owners/            a locked file for each program that has it open

The folder is for its user alone, the files too. Any number of processes of one machine share it.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Self

from midikit.errors import InputError
from midikit.fetch.archive import STATES, Record, Reserved, State, Stored, check_clip_id
from midikit.fetch.disk.admission import admit_folder, ingest
from midikit.fetch.disk.checkup import check_up
from midikit.fetch.disk.intents import key_of
from midikit.fetch.disk.ledger import clip_ids, read_fragments, read_row
from midikit.fetch.disk.operations import Reservation, Storing, answered, load_clip
from midikit.fetch.disk.pruning import prune
from midikit.fetch.disk.transfer import export_clips
from midikit.fetch.disk.vault import Vault
from midikit.fetch.home import home_folder

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Collection, Iterator, Sequence

    from midikit.fetch.disk.checkup import Checkup
    from midikit.fetch.disk.transfer import Exported, Imported

__all__ = ["SqliteArchive"]


class SqliteArchive:
    """Answers, .mid files and the ledger of what was paid for, in a folder.

    Parameters
    ----------
    home : str, PathLike or None, optional
        The folder, made once something is stored; by default ``MIDIKIT_HOME``, which is the user's
        data folder unless set.

    Notes
    -----
    Safe to use from several threads, not in a process forked from the one that opened it. Writes
    of all threads share commits, so many at once are as fast as the disk allows.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder, SqliteArchive(folder) as archive:
    ...     granted, before = archive.reserve("29fc9d9e")
    ...     archive.store(Record("29fc9d9e", "delivered", calls=1), answer=b"{}")
    ...     archive.load("29fc9d9e").answer, archive.reserve("29fc9d9e").granted
    (b'{}', False)
    """

    def __init__(self, home: str | os.PathLike[str] | None = None) -> None:
        self.home = (home_folder() if home is None else Path(home)).absolute()
        self._vault = Vault(self.home)
        self.path = self._vault.path

    def __repr__(self) -> str:
        return f"SqliteArchive({str(self.home)!r})"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Finish what is being written and let go of every clip and file."""
        self._vault.close()

    def load(self, clip_id: str) -> Stored | None:
        """Return what there is of a clip.

        Parameters
        ----------
        clip_id : str
            The clip.

        Returns
        -------
        Stored or None
            Verified; with the .mid left out, and the damage said, if that alone is damaged; None
            if the clip was never seen.

        Raises
        ------
        InputError
            If it is no clip id, its answer or row is damaged or lost, or nothing can be read.
        """
        check_clip_id(clip_id)
        vault = self._vault
        stored = vault.read(lambda connection: load_clip(connection, clip_id, vault.seen))
        if stored is None:
            vault.census().check(clip_id, None)
        return stored

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
            Whether it may, and the row as it was.

        Raises
        ------
        InputError
            If it is no clip id, or anything kept of the clip is damaged.
        OutputError
            If the archive cannot be written, or another program keeps it locked.
        """
        check_clip_id(clip_id)
        vault = self._vault
        census = vault.census(mend=True)
        owner = vault.owner()
        reservation = Reservation(
            clip_id, resend_unknown=resend_unknown, owner=owner, census=census, seen=vault.seen
        )
        reserved = vault.write(reservation.work, undo=reservation.undo)
        if reserved.granted:
            census.known.add(key_of(clip_id))
        return reserved

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
            The row; its two digests and the time of its change are filled in.
        answer, midi : bytes or None, optional
            The answer and the .mid; by default those that are there stay.
        fragment : bytes or None, optional
            What came of an answer that is not whole; kept beside the fragments before it.

        Raises
        ------
        InputError
            If it is no clip id, or the row that is there is damaged.
        OutputError
            If it cannot be written.

        Notes
        -----
        What is delivered stays delivered with its first answer; another one becomes a fragment.
        """
        check_clip_id(record.clip_id)
        storing = Storing(record, answer, midi, fragment)
        self._vault.write(storing.work, paid=not answer is midi is fragment is None)

    def list(self) -> Iterator[Record]:
        """Go through the ledger.

        Yields
        ------
        Record
            One row a clip, by clip id.

        Raises
        ------
        InputError
            If a row is damaged, or the archive cannot be read.
        """

        def refuse(error: InputError) -> None:
            raise error

        yield from self.records(on_damage=refuse)

    def records(
        self,
        states: Collection[State] = STATES,
        *,
        on_damage: Callable[[InputError], object] | None = None,
    ) -> Iterator[Record]:
        """Go through the rows of some states, past damaged ones.

        Parameters
        ----------
        states : collection of State, optional
            The states, by default every one.
        on_damage : callable or None, optional
            Is told each damaged row.

        Yields
        ------
        Record
            One row a clip, by clip id.

        Raises
        ------
        InputError
            If the archive cannot be read.
        """
        for clip_id in self._vault.read(clip_ids) or ():
            try:
                record = self._record(clip_id)
            except InputError as error:
                if on_damage is not None:
                    on_damage(error)
                continue
            if record is not None and record.state in states:
                yield record

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

        Raises
        ------
        InputError
            If one is damaged, or the archive cannot be read.
        """
        return self._vault.read(lambda connection: read_fragments(connection, clip_id)) or ()

    def ingest(self, clip_id: str, body: bytes) -> Record:
        """Keep the body of a callback; nothing is ever sent or paid for it.

        Parameters
        ----------
        clip_id : str
            The clip it is about, as your records of the callback tell.
        body : bytes
            The body. The same one may come twice. Another complete answer of a clip that is
            delivered becomes a fragment. One that says that the clip is running or failed changes
            the state alone, unless the clip is delivered or somebody is fetching it.

        Returns
        -------
        Record
            The row as it is then.

        Raises
        ------
        InputError
            If it is no clip id, or the body neither an answer nor news of one.
        OutputError
            If it cannot be written.
        """
        record = ingest(self._vault, clip_id, body)
        return self._record(clip_id) or record

    def probe(self) -> None:
        """See that a grant could be written now, without granting anything.

        Raises
        ------
        InputError
            If the archive is damaged.
        OutputError
            If it cannot be written, or another program keeps it locked.
        """
        self._vault.probe()

    def verify(self) -> Checkup:
        """Read every byte and say what is wrong; nothing is written.

        Returns
        -------
        Checkup
            What was found; damage is no error here.
        """
        self._vault.check_process()
        return check_up(self._vault.path, self._vault.log)

    def export(
        self,
        folder: str | os.PathLike[str],
        only: Sequence[str] | None = None,
        *,
        force: bool = False,
    ) -> Exported:
        """Write each delivered clip's answer as NAME.json and its .mid as NAME.mid.

        Parameters
        ----------
        folder : str or PathLike
            The folder, made if it is not there; ``midikit-archive.jsonl`` in it lists the clips.
        only : sequence of str or None, optional
            Clip ids; by default every delivered clip.
        force : bool, optional
            Write over files that hold something else.

        Returns
        -------
        Exported
            What was done, and which clips are damaged.

        Raises
        ------
        InputError
            If the archive or the list in the folder cannot be read.
        OutputError
            If the folder cannot be written.
        """
        chosen = (self._vault.read(answered) or ()) if only is None else only
        return export_clips(chosen, self.load, Path(folder), force=force)

    def import_folder(self, folder: str | os.PathLike[str]) -> Imported:
        """Keep what an export wrote, also in the place of what is damaged here.

        Parameters
        ----------
        folder : str or PathLike
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
        return admit_folder(self._vault, Path(folder))

    def prune(
        self,
        states: Collection[State] = ("failed", "refundable"),
        *,
        older_than_days: float = 0.0,
        delivered: bool = False,
        dry_run: bool = False,
    ) -> tuple[Record, ...]:
        """Remove clips from the ledger, with their bytes; they can be bought anew then.

        Parameters
        ----------
        states : collection of State, optional
            The states to remove; never ``in flight`` or ``unknown``, which may have been paid for.
        older_than_days : float, optional
            Days since the last change, a minute at least.
        delivered : bool, optional
            Has to be said as well where delivered clips are to go: what was paid for is lost.
        dry_run : bool, optional
            Only find them.

        Returns
        -------
        tuple of Record
            The rows that were removed, by clip id.

        Raises
        ------
        ValueError
            If a state is asked for that is never removed, or not without `delivered`.
        InputError
            If the archive is damaged where it is read.
        OutputError
            If it cannot be written.
        """
        return prune(
            self._vault,
            states,
            older_than_days=older_than_days,
            delivered=delivered,
            dry_run=dry_run,
        )

    def _record(self, clip_id: str) -> Record | None:
        """Return the row of a clip."""
        row = self._vault.read(lambda connection: read_row(connection, clip_id))
        return None if row is None else self._vault.seen(row.record)
