"""Who holds a clip, and whether it is still alive: a locked file an archive object.

The system takes the lock back when its process ends, however it ends. A holder whose lock can be
taken is dead, and stays so: names are never used twice.
"""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import threading
import weakref
from typing import TYPE_CHECKING

from midikit.fetch.disk.locks import release, take
from midikit.fetch.home import make_private

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["Owners"]

_NAME = re.compile(r"[0-9a-f]{16}")
_ALL: weakref.WeakSet[Owners] = weakref.WeakSet()


class Owners:
    """The holders of an archive, one of which is this object.

    Parameters
    ----------
    folder : Path
        Where the locked files are; it is made when this one needs its name.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     one, other = Owners(pathlib.Path(folder)), Owners(pathlib.Path(folder))
    ...     name = one.name()
    ...     alive = other.is_alive(name)
    ...     one.close()
    ...     alive, other.is_alive(name)
    (True, False)
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._name = ""
        self._descriptor = -1
        self._dead: set[str] = set()
        self._lock = threading.Lock()
        _ALL.add(self)

    def name(self) -> str:
        """Return the name of this holder; the first time its lock is taken.

        Returns
        -------
        str
            The name.

        Raises
        ------
        OutputError
            If the folder cannot be made.
        OSError
            If files cannot be locked there.
        """
        if not self._name:
            make_private(self._folder)
            self._sweep()
            descriptor = None
            while descriptor is None:  # whoever sweeps a new file takes its name for dead
                name = secrets.token_hex(8)
                descriptor = take(self._path(name), new=True)
            self._descriptor, self._name = descriptor, name
        return self._name

    def is_alive(self, name: str) -> bool:
        """Tell whether a holder is alive.

        Parameters
        ----------
        name : str
            The holder.

        Returns
        -------
        bool
            False once its process has ended or it was closed.
        """
        if name in self._dead or not _NAME.fullmatch(name):
            return False
        if name == self._name:
            return True
        with self._lock:  # two threads that try the same lock would keep it from each other
            return self._probe(name)

    def close(self) -> None:
        """End this holder."""
        if self._descriptor >= 0:
            release(self._descriptor, self._path(self._name))
        self._descriptor, self._name = -1, ""

    def _probe(self, name: str) -> bool:
        """Try the lock of a holder."""
        path = self._path(name)
        try:
            descriptor = take(path) if path.exists() else -1
        except OSError:
            return True  # nobody can tell; a clip is rather kept than paid for twice
        if descriptor is None:
            return True
        if descriptor >= 0:
            release(descriptor, path)
        self._dead.add(name)
        return False

    def _path(self, name: str) -> Path:
        return self._folder / f"{name}.lock"

    def _sweep(self) -> None:
        """Remove the files of holders that were killed."""
        with contextlib.suppress(OSError):
            for path in self._folder.glob("*.lock"):
                self.is_alive(path.stem)

    def _forget(self) -> None:
        """Close the copy of the lock that a forked child inherits; the parent's stays."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
        self._descriptor = -1


def _in_child() -> None:
    for owners in tuple(_ALL):
        owners._forget()  # noqa: SLF001 - of this module


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_in_child)
