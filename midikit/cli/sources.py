"""What a SOURCE word on the command line means, and reading it.

A word is, in this order: ``-`` for standard input; ``clip:ID``; an existing file or folder; a UUID,
which is a clip id; else it is refused. A folder stands for the .json and .mid files in it, sorted.
A clip comes from the archive; only where the caller allows it one that is not there is fetched.
"""

from __future__ import annotations

import errno
import re
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

from midikit.errors import InputError, LimitError
from midikit.escape import printable, quoted
from midikit.files import DEFAULT_MAX_BYTES, MIDI_SUFFIXES, check_plain, read_bytes, reason

if TYPE_CHECKING:
    from collections.abc import Iterable

    from midikit.cli.calls import Fetcher
    from midikit.errors import MidikitError
    from midikit.model.song import Song

__all__ = [
    "Opened",
    "Source",
    "canonical_id",
    "check_ids",
    "open_source",
    "read_stdin",
    "resolve",
]

STDIN = "-"
_CLIP = "clip:"
_ID = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9_.-]{0,127}")
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_SUFFIXES = MIDI_SUFFIXES | {".json"}
_MAGIC_WITHIN = 132
_SHOWN = 120


@dataclass(frozen=True, slots=True)
class Source:
    """One input.

    Parameters
    ----------
    shown : str
        How messages call it, fit for a terminal.
    stem : str
        What its outputs are called, before it is made safe.
    kind : {"stdin", "clip", "file", "refused", "merged"}
        What it is; ``merged`` stands for several that are one song.
    path : Path or None, optional
        The file.
    clip_id : str, optional
        The clip.
    folder : Path or None, optional
        The folder it was found in, where that is what the user named.
    error : MidikitError or None, optional
        Why it is refused.
    word : str, optional
        The file as it was named, whatever is in the name.
    """

    shown: str
    stem: str
    kind: Literal["stdin", "clip", "file", "refused", "merged"]
    path: Path | None = None
    clip_id: str = ""
    folder: Path | None = None
    error: MidikitError | None = field(default=None, compare=False)
    word: str = ""

    @property
    def exactly(self) -> str:
        """The input as it was named: for JSON, not for a terminal."""
        return self.word or self.shown

    @property
    def name(self) -> str:
        """The file's name without its folders, or how messages call it."""
        return self.shown if self.path is None else printable(self.path.name, _SHOWN)


@dataclass(frozen=True, slots=True)
class Opened:
    """An input that was read.

    Parameters
    ----------
    song : Song
        The song.
    hosted : bytes or None, optional
        The hosted .mid, where it came with the clip.
    is_answer : bool, optional
        Whether it was an answer of the service and not a .mid.
    """

    song: Song
    hosted: bytes | None = None
    is_answer: bool = True


def resolve(words: Iterable[str]) -> list[Source]:
    """Find out what the words stand for.

    Parameters
    ----------
    words : iterable of str
        The words.

    Returns
    -------
    list of Source
        One an input, in order; what cannot be an input is there as ``refused``.

    Raises
    ------
    click.UsageError
        If a word is empty, which would stand for the current folder.
    """
    sources: list[Source] = []
    for word in words:
        if not word:
            raise click.UsageError("SOURCE is empty; is a variable unset?")
        sources += _resolve_one(word)
    return sources


def canonical_id(word: str) -> str:
    """Write a clip id in one way, so that no clip is fetched twice under two spellings.

    Parameters
    ----------
    word : str
        A clip id.

    Returns
    -------
    str
        A UUID in lower case, anything else as it is.

    Examples
    --------
    >>> canonical_id("5B0E7A52-3C1D-4F68-9A47-61D2C8E0B913")
    '5b0e7a52-3c1d-4f68-9a47-61d2c8e0b913'
    """
    return word.lower() if _UUID.fullmatch(word) else word


def check_ids(ids: Iterable[str]) -> None:
    """Refuse what cannot be a clip id, before anything is asked or paid for.

    Parameters
    ----------
    ids : iterable of str
        The ids.

    Raises
    ------
    click.UsageError
        If one is of another shape.

    Examples
    --------
    >>> check_ids(["5b0e7a52-3c1d-4f68-9a47-61d2c8e0b913", "429-secs.3"])
    """
    for clip_id in ids:
        if problem := _id_problem(clip_id):
            raise click.UsageError(problem)


def _id_problem(clip_id: str) -> str:
    """Say why a text can be no clip id; empty if it can."""
    if _ID.fullmatch(clip_id):
        return ""
    return (
        f"{quoted(clip_id)} is no clip id; expected letters, digits, '-', '_' and '.', "
        "such as a UUID"
    )


def _resolve_one(word: str) -> list[Source]:
    shown = printable(word, _SHOWN)
    if word == STDIN:
        return [Source("stdin", "stdin", "stdin")]
    if word.startswith(_CLIP):
        clip_id = canonical_id(word.removeprefix(_CLIP))
        if problem := _id_problem(clip_id):
            return [_refused(word, problem)]
        return [Source(f"clip {printable(clip_id)}", clip_id, "clip", clip_id=clip_id)]
    path = Path(word)
    try:
        if path.is_dir():
            return _in_folder(path, word)
        exists = path.exists()
    except (OSError, ValueError) as error:
        return [_refused(word, f"cannot be read: {reason(error)}")]
    if exists:
        return [Source(shown, _stem(path), "file", path, word=word)]
    if _UUID.fullmatch(word):
        return [
            Source(
                f"clip {canonical_id(word)}", canonical_id(word), "clip", None, canonical_id(word)
            )
        ]
    return [
        _refused(word, "no such file; expected a .json, a .mid, a folder, a clip id (a UUID) or -")
    ]


def _refused(word: str, problem: str) -> Source:
    shown = printable(word, _SHOWN)
    return Source(shown, "", "refused", error=InputError(shown, "", problem), word=word)


def _in_folder(folder: Path, word: str) -> list[Source]:
    """List the inputs of a folder: plain files and links, not the folders and pipes in it."""
    try:
        found = sorted(path for path in folder.iterdir() if path.suffix.lower() in _SUFFIXES)
    except OSError as error:
        return [_refused(word, f"cannot be read: {reason(error)}")]
    found = [path for path in found if not path.name.startswith(".") and _may_be_file(path)]
    if not found:
        return [_refused(word, "no .json or .mid file in this folder")]
    return [
        Source(printable(path, _SHOWN), _stem(path), "file", path, folder=folder, word=str(path))
        for path in found
    ]


def _may_be_file(path: Path) -> bool:
    """Whether it is a file, or a link that leads nowhere: that is told by what opens it."""
    try:
        return path.is_file() or not path.exists()
    except OSError:
        return True


def _stem(path: Path) -> str:
    return path.stem if path.suffix.lower() in _SUFFIXES else path.name


def open_source(source: Source, *, strict: bool = False, fetcher: Fetcher | None = None) -> Opened:
    """Read an input.

    Parameters
    ----------
    source : Source
        One of `resolve`.
    strict : bool, optional
        Refuse what would be repaired.
    fetcher : Fetcher or None, optional
        What fetches a clip that is not in the archive; by default none is fetched.

    Returns
    -------
    Opened
        The song, and the hosted .mid of a clip.

    Raises
    ------
    InputError
        If it cannot be read.
    LimitError
        If it is too large.
    RemoteError
        If a clip is fetched and that fails.
    """
    if source.error is not None:
        raise source.error
    if source.kind == "clip":
        return _open_clip(source, fetcher, strict=strict)
    if source.kind == "stdin":
        return _parsed(read_stdin(DEFAULT_MAX_BYTES), strict=strict)
    assert source.path is not None
    check_plain(source.path)
    suffix = source.path.suffix.lower()
    if suffix in MIDI_SUFFIXES:
        return Opened(_read_midi(source.path, strict=strict), is_answer=False)
    if suffix == ".json":
        return Opened(_read_json(source.path, strict=strict))
    return _parsed(read_bytes(source.path), strict=strict)


def read_stdin(max_bytes: int) -> bytes:
    """Read standard input to its end, if it has one in time.

    Parameters
    ----------
    max_bytes : int
        Most bytes to read.

    Returns
    -------
    bytes
        What came.

    Raises
    ------
    InputError
        If it is closed or cannot be read.
    LimitError
        If more than `max_bytes` come.
    """
    try:
        data = sys.stdin.buffer.read(max_bytes + 1)
    except OSError as error:
        problem = "it is closed" if error.errno == errno.EBADF else reason(error)
        raise InputError("stdin", "", f"cannot be read: {problem}") from None
    if len(data) > max_bytes:
        raise LimitError(f"stdin: larger than {max_bytes:,} bytes; pass max_bytes= to read it all")
    return data


def _parsed(data: bytes, *, strict: bool) -> Opened:
    """Read bytes without a telling name: a .mid says so at its beginning."""
    head = data[:_MAGIC_WITHIN]
    if b"MThd" in head or head.startswith((b"RIFF", b"RIFX")):
        return Opened(_read_midi(data, strict=strict), is_answer=False)
    return Opened(_read_json(data, strict=strict))


def _read_midi(source: Path | bytes, *, strict: bool) -> Song:
    from midikit.parse.midi import read_midi  # noqa: PLC0415 - loads numpy

    return read_midi(source, strict=strict)


def _read_json(source: Path | bytes, *, strict: bool) -> Song:
    from midikit.parse.response import read_json  # noqa: PLC0415 - loads numpy

    return read_json(source, strict=strict)


def _open_clip(source: Source, fetcher: Fetcher | None, *, strict: bool) -> Opened:
    """Take a clip from the archive, or fetch it where that is allowed."""
    from midikit.fetch.disk.sqlite import SqliteArchive  # noqa: PLC0415 - a file needs none of it

    with SqliteArchive() as archive:
        stored = archive.load(source.clip_id)
    if stored is not None and stored.answer is not None:
        # What was made of the notes is no reference to check them against.
        hosted = stored.midi if stored.record.midi_origin == "hosted" else None
        return Opened(_read_json(stored.answer, strict=strict), hosted)
    if fetcher is None:
        raise InputError(
            source.shown,
            "",
            "not in the archive; pass --fetch to pay for it, or run midikit fetch first",
        )
    clip = fetcher.fetch(source.clip_id)
    song = _read_json(clip.raw, strict=True) if strict else clip.song
    return Opened(song, None if clip.rebuilt else clip.hosted)
