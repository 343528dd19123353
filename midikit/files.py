"""Files as midikit writes them: whole or not at all, and never through somebody's link.

A temporary file in the target folder, created anew (``O_EXCL``), then renamed over the target.
A reader sees the old file or the new one, whatever happens in between.
"""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from midikit.errors import InputError, LimitError, OutputError
from midikit.escape import printable

__all__ = ["DEFAULT_MAX_BYTES", "read_bytes", "write_bytes"]

DEFAULT_MAX_BYTES = 1 << 26
"""Largest file that is read unless a limit is given (64 MiB)."""


def read_bytes(path: str | os.PathLike[str], *, max_bytes: int = DEFAULT_MAX_BYTES) -> bytes:
    """Read a file of bounded size.

    Parameters
    ----------
    path : str or PathLike
        The file.
    max_bytes : int, optional
        Most bytes to read.

    Returns
    -------
    bytes
        What is in it.

    Raises
    ------
    InputError
        If it cannot be opened or read, in the system's words.
    LimitError
        If it is larger than `max_bytes`.
    """
    shown = printable(os.fspath(path), 200)
    try:
        with Path(path).open("rb") as file:
            data = file.read(max_bytes + 1)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise InputError(shown, "", f"cannot be read: {reason}") from None
    if len(data) > max_bytes:
        raise LimitError(
            f"{shown}: larger than {max_bytes:,} bytes; pass max_bytes= to read it all the same"
        )
    return data


def write_bytes(
    path: str | os.PathLike[str], data: bytes, *, mode: int | None = None, durable: bool = False
) -> None:
    """Write a file whole or not at all.

    Parameters
    ----------
    path : str or PathLike
        The target; an existing file is replaced, a symbolic link is replaced, not followed.
    data : bytes
        What to write.
    mode : int, optional
        Permissions whatever the umask; by default those of a new file of this user.
    durable : bool, optional
        Also survive a power cut: sync the file and its folder. Costs milliseconds a file.

    Raises
    ------
    OutputError
        If it cannot be written, in the system's words; nothing is left behind.
    """
    target = Path(path)
    shown = printable(str(target), 200)
    if target.is_dir() and not target.is_symlink():
        raise OutputError(f"{shown}: cannot be written: is a folder")
    temporary = target.with_name(f".{os.urandom(8).hex()}.tmp")
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0)
    flags |= getattr(os, "O_BINARY", 0)
    try:
        descriptor = os.open(temporary, flags, 0o666 if mode is None else mode)
        try:
            with os.fdopen(descriptor, "wb") as file:
                if mode is not None:
                    os.chmod(temporary, mode)  # noqa: PTH101 - the umask may have taken bits away
                file.write(data)
                if durable:
                    file.flush()
                    os.fsync(file.fileno())
            temporary.replace(target)
            if durable:
                _sync_folder(target.parent)
        except BaseException:
            with contextlib.suppress(OSError):
                temporary.unlink()
            raise
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise OutputError(f"{shown}: cannot be written: {reason}") from None


def _sync_folder(folder: Path) -> None:
    """Make a rename in `folder` survive a power cut, where the system can."""
    if not hasattr(os, "O_DIRECTORY"):
        return
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
