"""Out of an archive into a folder, and back: plain files that every program reads.

::

    NAME.json               the answer of a clip, byte for byte
    NAME.mid                its .mid, where there is one
    midikit-archive.jsonl   a line a clip: its name, its id, its row in the ledger with the digests

No network, no token, and nothing of the archive is changed by an export. NAME is the clip id made
safe for every file system; the list tells the id, so that the way back finds it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from midikit.errors import InputError, MidikitError
from midikit.escape import file_stem, printable, unique_stems
from midikit.fetch.archive import Record, check_clip_id
from midikit.fetch.disk.checkup import Damage
from midikit.fetch.disk.ledger import encode, sha256
from midikit.files import (
    check_plain,
    check_replace,
    holds,
    make_folder,
    read_bytes,
    reason,
    write_bytes,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from midikit.fetch.archive import Stored

__all__ = ["LIST_NAME", "Exported", "Imported", "Piece", "export_clips", "read_pieces"]

LIST_NAME = "midikit-archive.jsonl"
"""The list beside the files of an export."""

_MOST_LIST_BYTES = 1 << 30
_MOST_BYTES = 1 << 27


@dataclass(frozen=True, slots=True)
class Exported:
    """What an export did.

    Parameters
    ----------
    clips : int
        Clips whose files are in the folder now.
    written : int
        Files that were written.
    same : int
        Files that were there already.
    damage : tuple of Damage
        Clips that are not whole in the folder, and why.
    """

    clips: int
    written: int
    same: int
    damage: tuple[Damage, ...]


@dataclass(frozen=True, slots=True)
class Imported:
    """What an import did.

    Parameters
    ----------
    added : int
        Clips whose answer is new here.
    restored : int
        Clips that were damaged here and are whole again.
    same : int
        Clips that were here already.
    damage : tuple of Damage
        Files that were refused, and why.
    """

    added: int
    restored: int
    same: int
    damage: tuple[Damage, ...]


class Piece(NamedTuple):
    """A clip that was found in a folder.

    Parameters
    ----------
    shown : str
        Its file, fit for a terminal.
    record : Record
        Its row.
    answer : bytes
        The answer.
    midi : bytes or None
        The .mid.
    is_listed : bool
        Whether the list names it, by its digest.
    """

    shown: str
    record: Record
    answer: bytes
    midi: bytes | None
    is_listed: bool


class _Entry(NamedTuple):
    """A line of the list."""

    record: Record
    line: bytes


def export_clips(
    clip_ids: Sequence[str],
    load: Callable[[str], Stored | None],
    folder: Path,
    *,
    force: bool,
) -> Exported:
    """Write the answers and .mid files of clips into a folder.

    Parameters
    ----------
    clip_ids : sequence of str
        The clips; one without an answer is told as damage.
    load : callable
        Reads and verifies a clip.
    folder : Path
        The folder, which is made.
    force : bool
        Write over files that hold something else.

    Returns
    -------
    Exported
        What was done; a clip that is damaged does not keep the others from being written.

    Raises
    ------
    InputError
        If the list in the folder cannot be read.
    OutputError
        If the folder or the list cannot be written.
    """
    make_folder(folder)
    listed = _read_list(folder)
    # A clip keeps the name that it had, whatever other clips have come in between.
    names = {entry.record.clip_id: name for name, entry in listed.items()}
    new = [clip_id for clip_id in dict.fromkeys(clip_ids) if clip_id not in names]
    names |= zip(new, unique_stems([*listed, *new], "clip")[len(listed) :], strict=True)
    clips = written = same = 0
    damage = []
    for clip_id in dict.fromkeys(clip_ids):
        try:
            stored = load(clip_id)
            if stored is None or stored.answer is None:
                state = "not in the archive" if stored is None else f"is {stored.record.state}"
                damage.append(Damage(clip_id, f"{state}: there is no answer of it"))
                continue
            for suffix, data in ((".json", stored.answer), (".mid", stored.midi)):
                if data is not None:
                    is_new = _put(folder / f"{names[clip_id]}{suffix}", data, force=force)
                    written += is_new
                    same += not is_new
        except MidikitError as error:
            damage.append(Damage(clip_id, str(error).removeprefix(f"clip {clip_id}: ")))
            continue
        clips += 1
        record = replace(stored.record, owner="")
        if stored.damage is not None:
            problem = stored.damage.removeprefix(f"clip {clip_id}: ")
            damage.append(Damage(clip_id, f"its .mid is left out: {problem}"))
            record = replace(record, midi_sha256="", midi_origin="")
        listed[names[clip_id]] = _Entry(record, _line_of(names[clip_id], record))
    lines = b"".join(listed[name].line for name in sorted(listed))
    write_bytes(folder / LIST_NAME, lines)
    return Exported(clips, written, same, tuple(damage))


def read_pieces(folder: Path) -> Iterator[Piece | Damage]:
    """Read what an export wrote.

    Parameters
    ----------
    folder : Path
        The folder: each .json file in it is an answer. Where the list is missing, its name is the
        clip id.

    Yields
    ------
    Piece or Damage
        A clip, or what is wrong with a file.

    Raises
    ------
    InputError
        If the folder or the list in it cannot be read.
    """
    shown = printable(folder, 200)
    try:
        paths = sorted(path for path in folder.iterdir() if path.suffix.lower() == ".json")
    except (OSError, ValueError) as error:
        raise InputError(shown, "", f"cannot be read: {reason(error)}") from None
    listed = _read_list(folder)
    if not paths:
        raise InputError(shown, "", "no .json file in this folder; expected one of archive export")
    for path in paths:
        try:
            yield _piece(path, listed.get(path.stem))
        except MidikitError as error:
            yield Damage("", str(error))
    there = {path.stem for path in paths}
    for name in sorted(listed.keys() - there):
        yield Damage(listed[name].record.clip_id, f"{printable(name)}.json: on the list, but gone")


def _piece(path: Path, entry: _Entry | None) -> Piece:
    """Read the files of a clip and hold them against the list."""
    shown = printable(path, 200)
    check_plain(path)
    answer = read_bytes(path, max_bytes=_MOST_BYTES)
    beside = path.with_suffix(".mid")
    check_plain(beside)
    midi = read_bytes(beside, max_bytes=_MOST_BYTES) if beside.exists() else None
    if entry is None:
        clip_id = path.stem
        check_clip_id(clip_id)
        if file_stem(clip_id) != clip_id:
            raise InputError(shown, "", f"its name is no clip id, and {LIST_NAME} has none for it")
        record = Record(clip_id, "delivered", source="import")
        if midi is not None:
            record = replace(record, midi_origin="hosted")
        return Piece(shown, record, answer, midi, is_listed=False)
    record = entry.record
    check_clip_id(record.clip_id)
    if sha256(answer) != record.answer_sha256:
        raise InputError(shown, "", f"is not the file that {LIST_NAME} names by its SHA-256")
    if record.midi_sha256:
        if midi is None or sha256(midi) != record.midi_sha256:
            named = printable(beside, 200)
            problem = f"is gone or not the file that {LIST_NAME} names by its SHA-256"
            raise InputError(named, "", problem)
    else:
        midi = None
    record = replace(record, state="delivered", source="import")
    return Piece(shown, record, answer, midi, is_listed=True)


def _put(path: Path, data: bytes, *, force: bool) -> bool:
    """Write a file unless it is there; tell whether it was written."""
    if holds(path, data):
        return False
    if not force:
        check_replace(path, data)
    write_bytes(path, data)
    return True


def _line_of(name: str, record: Record) -> bytes:
    """Write a line of the list."""
    values = {"name": name, **msgspec.json.decode(encode(record))}
    return msgspec.json.encode(values) + b"\n"


def _read_list(folder: Path) -> dict[str, _Entry]:
    """Read the list in a folder; empty if there is none."""
    path = folder / LIST_NAME
    if not path.exists():
        return {}
    entries = {}
    lines = read_bytes(path, max_bytes=_MOST_LIST_BYTES).splitlines(keepends=True)
    for number, line in enumerate(lines, 1):
        try:
            name = msgspec.json.decode(line, type=_Name).name
            if file_stem(name) != name:  # it becomes a path
                raise ValueError("the name is no safe file name")  # noqa: TRY301
            entries[name] = _Entry(msgspec.json.decode(line, type=Record), line)
        except ValueError as error:  # msgspec's errors are ones
            problem = f"no line of an export: {printable(error)}"
            raise InputError(printable(path, 200), f"line {number}", problem) from None
    return entries


class _Name(msgspec.Struct):
    """What a line of the list has beside the row."""

    name: str
