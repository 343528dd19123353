"""Keeping what was paid for: the mark before a call, then the answer, wherever it can be kept.

After a call nothing here lets go of its bytes: they lie in `Keeping.unsaved` until the archive has
them, whatever a store raises, and what no archive takes goes to the temporary folder.
"""

from __future__ import annotations

import contextlib
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from midikit.errors import MidikitError, OutputError, UnsavedError
from midikit.escape import file_stem, printable
from midikit.fetch.marks import Mark, mark_after
from midikit.files import write_bytes

if TYPE_CHECKING:
    from midikit.fetch.answers import Outcome
    from midikit.fetch.store import Store

__all__ = ["Keeping", "in_one_line", "spill"]

_FOLDER_MODE = 0o700
_FILE_MODE = 0o600


class Keeping:
    """What is kept of one clip while it is fetched.

    Parameters
    ----------
    clip_id : str
        The clip.
    archive : Store
        Where it is kept.
    unsaved : dict of str to bytes
        Where it is as long as it is not kept.
    before : Mark or None
        The mark that the clip has.
    """

    def __init__(
        self, clip_id: str, archive: Store, unsaved: dict[str, bytes], before: Mark | None
    ) -> None:
        self._clip_id = clip_id
        self._archive = archive
        self._unsaved = unsaved
        self._before = before
        self._sent = 0.0

    def intend(self) -> None:
        """Note that a call goes out now.

        Raises
        ------
        OutputError
            If that cannot be written; then an answer could not be kept either.
        """
        self._sent = time.time()
        self._archive.store_mark(self._clip_id, Mark("in flight", self._sent))

    def settle(self, outcome: Outcome) -> None:
        """Note what became of a call that did not deliver.

        A mark that cannot be written stays in flight, which allows no further call.

        Parameters
        ----------
        outcome : Outcome
            What became of it.
        """
        self._before = mark_after(outcome, self._before, unix_seconds=self._sent)
        with contextlib.suppress(Exception):
            self._archive.store_mark(self._clip_id, self._before)

    def answer(self, raw: bytes) -> None:
        """Keep a complete answer.

        Parameters
        ----------
        raw : bytes
            The answer.

        Raises
        ------
        UnsavedError
            If the archive does not take it, whatever it raised.
        """
        self._unsaved[self._clip_id] = raw
        try:
            self._archive.store_answer(self._clip_id, raw)
        except Exception as error:  # noqa: BLE001 - a store of somebody else may raise anything
            problem = in_one_line(error)
        else:
            del self._unsaved[self._clip_id]
            with contextlib.suppress(Exception):  # with the answer there the mark says nothing
                self._archive.store_mark(self._clip_id, None)
            return
        raise self._elsewhere(raw, problem)

    def fragment(self, data: bytes, problem: str) -> str:
        """Keep what came of an answer that is not whole.

        Parameters
        ----------
        data : bytes
            As much as came.
        problem : str
            What happened, for the error.

        Returns
        -------
        str
            Where it is, in words.

        Raises
        ------
        UnsavedError
            If the archive does not take it, whatever it raised.
        """
        self._unsaved[self._clip_id] = data
        try:
            where = self._archive.store_fragment(self._clip_id, data)
        except Exception as error:  # noqa: BLE001 - as above
            problem += f"; what came could not be kept: {in_one_line(error)}"
        else:
            del self._unsaved[self._clip_id]
            return where
        raise self._elsewhere(data, problem)

    def _elsewhere(self, data: bytes, problem: str) -> UnsavedError:
        """Keep what the archive did not take outside it, and make the error that says where."""
        path = spill(self._clip_id, data)
        where = "" if path is None else printable(path, 300)
        note = f"the answer came, but could not be stored; it is in {where or 'Client.unsaved'}"
        with contextlib.suppress(Exception):
            self._archive.store_mark(self._clip_id, Mark("unknown", self._sent, note))
        return UnsavedError(self._clip_id, problem, where)


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
