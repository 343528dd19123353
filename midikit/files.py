"""Files as midikit writes them: whole or not at all, and never through somebody's link.

A temporary file in the target folder, created anew (``O_EXCL``), then renamed over the target.
A reader sees the old file or the new one, whatever happens in between.
"""

from __future__ import annotations

import contextlib
import os
import stat
from pathlib import Path

from midikit.errors import InputError, LimitError, MidikitError, OutputError
from midikit.escape import printable

__all__ = [
    "DEFAULT_MAX_BYTES",
    "MIDI_SUFFIXES",
    "check_plain",
    "check_replace",
    "holds",
    "make_folder",
    "read_bytes",
    "reason",
    "write_bytes",
]

_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL
_NEW |= getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)

MIDI_SUFFIXES = frozenset([".mid", ".midi"])
"""Endings, in lower case, of files that are read as .mid."""

_PIPES = frozenset(["/dev/fd", "/proc/self/fd"])
"""Folders of what the shell has opened already, as in ``midikit convert <(curl ...)``."""

DEFAULT_MAX_BYTES = 1 << 26
"""Largest file that is read unless a limit is given (64 MiB)."""


def check_plain(path: str | os.PathLike[str]) -> None:
    """Refuse what is there but no plain file: opening a pipe may wait for ever.

    Parameters
    ----------
    path : str or PathLike
        The file. A pipe that the shell has opened, ``/dev/fd/N``, is as good as one.

    Raises
    ------
    InputError
        If it is a device, a socket or a named pipe.
    """
    try:
        mode = os.stat(path).st_mode  # noqa: PTH116 - as in `write_bytes`
    except (OSError, ValueError):
        return  # said better by what opens it
    if stat.S_ISREG(mode) or stat.S_ISDIR(mode):
        return
    if stat.S_ISFIFO(mode):
        if os.fspath(path) == "/dev/stdin" or str(Path(path).parent) in _PIPES:
            return
        what = "a named pipe"
    else:
        what = "a socket" if stat.S_ISSOCK(mode) else "a device"
    problem = f"is {what}, no plain file"
    raise InputError(printable(path, 200), "", problem)


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
    try:
        with open(path, "rb") as file:  # noqa: PTH123 - as in `write_bytes`
            # Its size is asked for, or room for `max_bytes` would be set aside every time.
            size = os.fstat(file.fileno()).st_size
            data = file.read(size + 1) if size <= max_bytes else b""
            if len(data) > size:  # a pipe, or a file that grows
                data += file.read(max_bytes + 1 - len(data))
    except (OSError, ValueError) as error:
        shown = printable(os.fspath(path), 200)
        raise InputError(shown, "", f"cannot be read: {reason(error)}") from None
    if max(size, len(data)) > max_bytes:
        shown = printable(os.fspath(path), 200)
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
    # Plain strings and system calls: paths as objects would cost as much as the writing.
    target = os.fspath(path)
    name = f".{os.urandom(8).hex()}.tmp"
    temporary = os.path.join(os.path.dirname(target), name)  # noqa: PTH118, PTH120 - text
    try:
        try:
            # Inside, as an interrupt may come when the file is there and not yet open to us.
            descriptor = os.open(temporary, _NEW, 0o666 if mode is None else mode)
            try:
                if mode is not None:
                    os.chmod(temporary, mode)  # noqa: PTH101 - the umask may have taken bits away
                _write_all(descriptor, data)
                if durable:
                    os.fsync(descriptor)
            finally:
                os.close(descriptor)
            os.replace(temporary, target)  # noqa: PTH105
            if durable:
                _sync_folder(Path(target).parent)
        except BaseException:
            with contextlib.suppress(OSError, ValueError):
                os.unlink(temporary)  # noqa: PTH108
            raise
    except (OSError, ValueError) as error:
        # Python 3.13 names the call in a ValueError.
        told = "is a folder" if _is_folder(target) else reason(error).removeprefix("replace: ")
        raise OutputError(f"{printable(target, 200)}: cannot be written: {told}") from None


def make_folder(folder: Path) -> None:
    """Make a folder and those above it, where they are not there.

    Parameters
    ----------
    folder : Path
        The folder.

    Raises
    ------
    OutputError
        If it cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except (OSError, ValueError) as error:
        problem = f"this folder cannot be made: {reason(error)}"
        raise OutputError(f"{printable(str(folder), 200)}: {problem}") from None


def check_replace(path: str | os.PathLike[str], data: bytes) -> None:
    """Refuse to replace a file with other content.

    Parameters
    ----------
    path : str or PathLike
        The target.
    data : bytes
        What is to be written.

    Raises
    ------
    OutputError
        If there is a file with other content, or a symbolic link.
    """
    try:
        found = os.lstat(path)
    except (OSError, ValueError):
        return  # not there, or said better by what writes it
    shown = printable(os.fspath(path), 200)
    if stat.S_ISLNK(found.st_mode):
        raise OutputError(
            f"{shown}: is a symbolic link; pass force=True to replace it, not what it points to"
        )
    if not stat.S_ISDIR(found.st_mode) and not holds(path, data):
        raise OutputError(f"{shown}: exists with other content; pass force=True to replace it")


def holds(path: str | os.PathLike[str], data: bytes) -> bool:
    """Tell whether a plain file is there that holds exactly this.

    Parameters
    ----------
    path : str or PathLike
        The file.
    data : bytes
        What it may hold.

    Returns
    -------
    bool
        False also for a symbolic link to such a file, and for what cannot be read.
    """
    try:
        found = os.lstat(path)
        # A pipe is not opened: that may wait for ever.
        plain = stat.S_ISREG(found.st_mode) and found.st_size == len(data)
        return plain and read_bytes(path, max_bytes=len(data)) == data
    except (OSError, ValueError, MidikitError):
        return False


def _write_all(descriptor: int, data: bytes) -> None:
    """Write everything: the system may take a part at a time."""
    left = memoryview(data)
    while left:
        left = left[os.write(descriptor, left) :]


def _is_folder(target: str) -> bool:
    try:
        return stat.S_ISDIR(os.lstat(target).st_mode)
    except (OSError, ValueError):
        return False


def reason(error: OSError | ValueError) -> str:
    """Say in the system's words why a file or folder cannot be had.

    Parameters
    ----------
    error : OSError or ValueError
        What was raised; a ValueError is about a name that can be none.

    Returns
    -------
    str
        One line.
    """
    return error.strerror or str(error) if isinstance(error, OSError) else str(error)


def _sync_folder(folder: Path) -> None:
    """Make a rename in `folder` survive a power cut, where the system can."""
    if not hasattr(os, "O_DIRECTORY"):
        return
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
