"""One file, one holder: a lock that the system takes back when its process ends, however it ends.

Advisory locks of the system on an open file: ``flock`` where there is one, ``msvcrt.locking`` on
Windows. They hold between processes of one machine, and between threads.
"""

from __future__ import annotations

import contextlib
import os
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["release", "take"]

_OWN = 0o600
_BUSY = (BlockingIOError, PermissionError)


def take(path: Path, *, new: bool = False) -> int | None:
    """Lock a file, which is made for it.

    Parameters
    ----------
    path : Path
        The file; its folder must be there.
    new : bool, optional
        Have nothing to do with a file that somebody else has made, or has had in hand meanwhile.

    Returns
    -------
    int or None
        What `release` wants; None if somebody else holds the lock, or `new` cannot be had.

    Raises
    ------
    OSError
        If the file cannot be made, or files cannot be locked there.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder, "lock")
    ...     held = take(path)
    ...     second = take(path)
    ...     release(held, path)
    ...     second, path.exists()
    (None, False)
    """
    flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0)
    if new:
        flags |= os.O_EXCL
    while True:
        try:
            descriptor = os.open(path, flags, _OWN)
        except FileExistsError:
            return None
        try:
            if os.name != "nt" and os.fstat(descriptor).st_mode & _OWN != _OWN:
                os.fchmod(descriptor, _OWN)  # the umask has taken even its owner's bits away
            locked = _lock(descriptor)
            # Whoever held it may have removed the file since it was opened here.
            current = locked and _is_at(descriptor, path)
        except BaseException:
            os.close(descriptor)
            raise
        if current:
            return descriptor
        os.close(descriptor)
        if new or not locked:
            return None


def release(descriptor: int, path: Path) -> None:
    """Give a lock back and remove its file.

    Parameters
    ----------
    descriptor : int
        What `take` gave.
    path : Path
        The file.
    """
    with contextlib.suppress(OSError):  # Windows removes no open file; it lies there unlocked
        path.unlink()
    with contextlib.suppress(OSError):
        os.close(descriptor)


def _is_at(descriptor: int, path: Path) -> bool:
    """Tell whether an open file is still the one of that name."""
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except FileNotFoundError:
        return False


def _lock(descriptor: int) -> bool:
    """Lock an open file without waiting."""
    try:
        if sys.platform == "win32":
            import msvcrt  # noqa: PLC0415 - Windows alone has it

            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        else:
            import fcntl  # noqa: PLC0415 - Windows has none

            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except _BUSY:
        return False
    return True
