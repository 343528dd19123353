"""What was paid for, on disk: per clip the bytes of the answer and of the hosted .mid.

A folder that only its user can enter, files that only its user can read, each written whole or not
at all and synced. Beside each file lies its SHA-256 as ``sha256sum -c`` reads it, with the clip id
in a comment; every read verifies both. What is damaged is reported and never bought again.

::

    clips/29fc9d9e-…-1f0c33d2aa10.json          the answer, byte for byte
    clips/29fc9d9e-…-1f0c33d2aa10.json.sha256   its digest, written first: an answer has one
    clips/29fc9d9e-…-1f0c33d2aa10.mid           the hosted file
    clips/29fc9d9e-…-1f0c33d2aa10.mid.sha256
    clips/29fc9d9e-…-1f0c33d2aa10.fragment      what came of an answer that was not whole
    clips/29fc9d9e-…-1f0c33d2aa10.fragment-2    what came of the next one
    clips/29fc9d9e-…-1f0c33d2aa10.state         a call without an answer: see `marks`
    clips/29fc9d9e-…-1f0c33d2aa10.lock          while it is being fetched
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING

import platformdirs

from midikit.errors import InputError, OutputError
from midikit.escape import file_stem, printable
from midikit.fetch.locks import release, take
from midikit.fetch.marks import Mark
from midikit.fetch.store import Stored
from midikit.files import read_bytes, write_bytes

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["HOME_VARIABLE", "Archive", "home_folder"]

HOME_VARIABLE = "MIDIKIT_HOME"
"""Environment variable naming the folder in which midikit keeps things."""

_MAX_BYTES = 1 << 27
_MAX_NOTE_BYTES = 4096
_FILE_MODE = 0o600
_FOLDER_MODE = 0o700
_OTHERS = 0o077


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


class Archive:
    """Answers and hosted files in a folder.

    Parameters
    ----------
    home : str, PathLike or None, optional
        The folder in which ``clips`` is made once something is stored; by default
        ``MIDIKIT_HOME``, which is the user's data folder unless set.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     archive = Archive(folder)
    ...     archive.store_answer("29fc9d9e", b"{}")
    ...     archive.list(), "29fc9d9e" in archive, archive.load("29fc9d9e").raw
    (('29fc9d9e',), True, b'{}')
    """

    def __init__(self, home: str | os.PathLike[str] | None = None) -> None:
        self.home = home_folder() if home is None else Path(home)
        self.path = self.home / "clips"

    def __repr__(self) -> str:
        return f"Archive({str(self.home)!r})"

    @contextlib.contextmanager
    def hold(self, clip_id: str) -> Iterator[bool]:
        """Keep a clip from every other fetch on this machine for a ``with`` block.

        Parameters
        ----------
        clip_id : str
            The clip.

        Yields
        ------
        bool
            Whether it is held; False if somebody else holds it.

        Raises
        ------
        OutputError
            If the folder cannot be made, kept from others, written to or locked in.
        """
        path = self._file(clip_id, "lock")
        with self._blaming_home():
            _make_private(self.path)
            held = take(path)
        try:
            yield held is not None
        finally:
            if held is not None:
                release(held, path)

    def load_mark(self, clip_id: str) -> Mark | None:
        """Return what is known of a clip whose answer is not there.

        Parameters
        ----------
        clip_id : str
            The clip.

        Returns
        -------
        Mark or None
            None if nothing was sent for it that may have been charged.

        Raises
        ------
        InputError
            If it is there but cannot be read.
        """
        path = self._file(clip_id, "state")
        if not _exists(path):
            return None
        return Mark.from_bytes(read_bytes(path, max_bytes=_MAX_NOTE_BYTES), clip_id)

    def store_mark(self, clip_id: str, mark: Mark | None) -> None:
        """Replace the mark of a clip; when this returns it survives a power cut.

        Parameters
        ----------
        clip_id : str
            The clip.
        mark : Mark or None
            The mark, None to remove it.

        Raises
        ------
        OutputError
            If the folder cannot be made, kept from others or written to.
        """
        path = self._file(clip_id, "state")
        with self._blaming_home():
            if mark is None:
                path.unlink(missing_ok=True)
                return
            _make_private(self.path)
            write_bytes(path, mark.to_bytes(clip_id), mode=_FILE_MODE, durable=True)

    def load(self, clip_id: str) -> Stored | None:
        """Return what there is of a clip.

        Parameters
        ----------
        clip_id : str
            The clip.

        Returns
        -------
        Stored or None
            With the .mid left out, and the reason said, if that alone is damaged; None if no
            answer of the clip was stored.

        Raises
        ------
        InputError
            If the answer is there but damaged, or cannot be read.
        """
        raw = self._read(clip_id, "json")
        if raw is None:
            return None
        try:
            return Stored(clip_id, raw, self._read(clip_id, "mid"))
        except InputError as error:
            return Stored(clip_id, raw, None, str(error))

    def store_answer(self, clip_id: str, raw: bytes) -> None:
        """Keep a complete answer; when this returns it survives a power cut.

        Parameters
        ----------
        clip_id : str
            The clip.
        raw : bytes
            The body, byte for byte.

        Raises
        ------
        OutputError
            If it cannot be written.
        """
        self._write(clip_id, "json", raw)

    def store_hosted(self, clip_id: str, data: bytes) -> None:
        """Keep the hosted .mid of a clip; when this returns it survives a power cut.

        Parameters
        ----------
        clip_id : str
            The clip.
        data : bytes
            The file.

        Raises
        ------
        OutputError
            If it cannot be written.
        """
        self._write(clip_id, "mid", data)

    def store_fragment(self, clip_id: str, data: bytes) -> str:
        """Keep what came of an answer that was not whole, beside what came before.

        Parameters
        ----------
        clip_id : str
            The clip.
        data : bytes
            As much as came.

        Returns
        -------
        str
            The file, fit for a terminal.

        Raises
        ------
        OutputError
            If it cannot be written.
        InputError
            If the folder cannot be read.
        """
        kind, number = "fragment", 1
        while _exists(self._file(clip_id, kind)):
            number += 1
            kind = f"fragment-{number}"
        self._write(clip_id, kind, data)
        return printable(self._file(clip_id, kind), 300)

    def list(self) -> tuple[str, ...]:
        """Return the ids of the clips whose answer is there.

        Returns
        -------
        tuple of str
            Clip ids, sorted.

        Raises
        ------
        InputError
            If the folder cannot be read, or the digest beside an answer is damaged.
        """
        try:
            names = [entry.name for entry in os.scandir(self.path)]
        except FileNotFoundError:
            return ()
        except OSError as error:
            raise _unreadable(self.path, error) from None
        answers = (self.path / name for name in names if name.endswith(".json"))
        return tuple(sorted(self._clip_of(path) for path in answers))

    def __contains__(self, clip_id: object) -> bool:
        return isinstance(clip_id, str) and _exists(self._file(clip_id, "json"))

    def _file(self, clip_id: str, kind: str) -> Path:
        """Return the path of a file of a clip; two clips never share one."""
        digest = hashlib.sha256(clip_id.encode("utf-8", "surrogatepass")).hexdigest()[:12]
        return self.path / f"{file_stem(clip_id, 'clip')}-{digest}.{kind}"

    def _write(self, clip_id: str, kind: str, data: bytes) -> None:
        """Write the digest, then the file: a file without its digest is never left."""
        path = self._file(clip_id, kind)
        note = f"# clip {clip_id}\n{hashlib.sha256(data).hexdigest()}  {path.name}\n"
        with self._blaming_home():
            _make_private(self.path)
            write_bytes(_beside(path), note.encode(), mode=_FILE_MODE, durable=True)
            write_bytes(path, data, mode=_FILE_MODE, durable=True)

    def _read(self, clip_id: str, kind: str) -> bytes | None:
        """Read a file and compare it with its digest; None if there is none."""
        path = self._file(clip_id, kind)
        if not _exists(path):
            return None
        data = read_bytes(path, max_bytes=_MAX_BYTES)
        found, digest = _read_note(path)
        if found != clip_id or hashlib.sha256(data).hexdigest() != digest:
            raise _damaged(path, "its bytes are not those of its SHA-256")
        return data

    def _clip_of(self, path: Path) -> str:
        """Return the clip id of an answer, from the digest beside it."""
        clip_id, _ = _read_note(path)
        if self._file(clip_id, "json").name != path.name:
            raise _damaged(path, "the clip id beside it is that of another file")
        return clip_id

    @contextlib.contextmanager
    def _blaming_home(self) -> Iterator[None]:
        """Name the variable to set in whatever cannot be written."""
        try:
            yield
        except (OutputError, OSError) as error:
            hint = f"; set {HOME_VARIABLE} to a folder that can be written"
            shown = printable(self.path, 200)
            if isinstance(error, OSError):
                raise OutputError(f"{shown}: cannot be written: {error.strerror}{hint}") from None
            raise OutputError(f"{error}{hint}") from None


def _beside(path: Path) -> Path:
    """Return where the digest of a file is."""
    return path.with_name(f"{path.name}.sha256")


def _read_note(path: Path) -> tuple[str, str]:
    """Read the clip id and the digest beside a file."""
    if not _exists(_beside(path)):
        raise _damaged(path, "its SHA-256 is missing")
    text = read_bytes(_beside(path), max_bytes=_MAX_NOTE_BYTES).decode("utf-8", "replace")
    first, _, rest = text.partition("\n")
    digest, name = rest[:64], rest[64:]
    if not first.startswith("# clip ") or name != f"  {path.name}\n":
        raise _damaged(path, "the note of its SHA-256 is damaged")
    return first.removeprefix("# clip "), digest


def _damaged(path: Path, problem: str) -> InputError:
    """Make the error that reports damage."""
    text = f"damaged: {problem}; restore it from a copy, it is not bought again"
    return InputError(printable(path, 300), "", text)


def _unreadable(path: Path, error: OSError) -> InputError:
    """Make the error for what cannot be looked at; absence is something else."""
    text = f"cannot be read: {error.strerror}; check {HOME_VARIABLE}"
    return InputError(printable(path, 300), "", text)


def _exists(path: Path) -> bool:
    """Tell whether a file is there; not being allowed to look is an error, not absence."""
    try:
        os.stat(path)  # noqa: PTH116 - Path.exists hides errors on some versions
    except FileNotFoundError:
        return False
    except OSError as error:
        raise _unreadable(path, error) from None
    return True


def _make_private(folder: Path) -> None:
    """Make a folder, and those above it, for this user alone, whatever the umask."""
    missing = [folder, *folder.parents]
    missing = missing[: next((i for i, path in enumerate(missing) if path.is_dir()), 0)]
    for path in reversed(missing):
        with contextlib.suppress(FileExistsError):
            path.mkdir(_FOLDER_MODE)
            path.chmod(_FOLDER_MODE)
    if stat.S_IMODE(folder.stat().st_mode) & _OTHERS:
        folder.chmod(_FOLDER_MODE)
