"""The folder in which midikit keeps things: where it is, and that nobody else can read it."""

from __future__ import annotations

import contextlib
import os
import stat
from pathlib import Path

import platformdirs

from midikit.errors import OutputError
from midikit.escape import printable

__all__ = ["HOME_VARIABLE", "WRITABLE_HINT", "home_folder", "make_private", "network_file_system"]

HOME_VARIABLE = "MIDIKIT_HOME"
"""Environment variable naming the folder in which midikit keeps things."""

WRITABLE_HINT = f"set {HOME_VARIABLE} to a folder that can be written"
"""What to do where nothing can be kept."""

_FOLDER_MODE = 0o700
_OTHERS = 0o077
_MOUNTS = Path("/proc/mounts")
_NETWORKED = frozenset(
    """9p afs beegfs ceph cifs davfs fuse.davfs fuse.glusterfs fuse.rclone fuse.s3fs fuse.sshfs
    glusterfs gpfs lustre ncpfs nfs nfs3 nfs4 smb smb2 smb3 smbfs""".split()
)


def home_folder() -> Path:
    """Tell where midikit keeps things.

    Returns
    -------
    Path
        ``MIDIKIT_HOME``, or the user's data folder of this system.

    Examples
    --------
    >>> isinstance(home_folder(), Path)
    True
    """
    named = os.environ.get(HOME_VARIABLE, "").strip()
    if named:
        return Path(named).expanduser()
    return platformdirs.user_data_path("midikit", appauthor=False)


def make_private(folder: Path) -> None:
    """Make a folder, and those above it, for this user alone, whatever the umask.

    Parameters
    ----------
    folder : Path
        The folder; one that is there is closed to others, those above it are left.

    Raises
    ------
    OutputError
        If it cannot be made or closed.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     make_private(Path(folder, "some", "home"))
    ...     oct(Path(folder, "some").stat().st_mode & 0o777)
    '0o700'
    """
    try:
        missing = [folder, *folder.parents]
        missing = missing[: next((i for i, path in enumerate(missing) if path.is_dir()), 0)]
        for path in reversed(missing):
            with contextlib.suppress(FileExistsError):
                path.mkdir(_FOLDER_MODE)
                path.chmod(_FOLDER_MODE)
        if stat.S_IMODE(folder.stat().st_mode) & _OTHERS:
            folder.chmod(_FOLDER_MODE)
    except OSError as error:
        shown = printable(folder, 200)
        problem = f"cannot be written: {error.strerror}; {WRITABLE_HINT}"
        raise OutputError(f"{shown}: {problem}") from None


def network_file_system(folder: Path) -> str:
    """Tell whether a folder lies on another machine, as far as this system says so.

    Parameters
    ----------
    folder : Path
        The folder; it need not be there yet.

    Returns
    -------
    str
        The kind of file system, empty for a local one.

    Examples
    --------
    >>> network_file_system(Path("/"))
    ''
    """
    path = os.path.realpath(folder)
    if os.name == "nt":
        return "network share" if path.startswith(("\\\\", "//")) else ""
    try:
        lines = _MOUNTS.read_text("utf-8", "surrogateescape").splitlines()
    except OSError:
        return ""  # a system without the table; SQLite itself refuses where memory is not shared
    best, kind = "", ""
    for line in lines:
        _, _, rest = line.partition(" ")
        point, _, rest = rest.partition(" ")
        point = point.replace("\\040", " ").replace("\\011", "\t").replace("\\134", "\\")
        inside = path == point or path.startswith(point.rstrip("/") + "/")
        if inside and len(point) >= len(best):
            best, kind = point, rest.partition(" ")[0]
    return kind if kind in _NETWORKED else ""
