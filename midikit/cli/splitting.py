"""``convert --split`` and ``--zip``: a .mid a part, checked, named and said."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from midikit.cli.words import count, size
from midikit.errors import ConversionError, OutputError
from midikit.escape import folded, printable

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from midikit.cli.outputs import Destination
    from midikit.convert.arrange.plan import MidiPlan
    from midikit.model.report import Change

__all__ = ["PartFile", "part_files", "part_paths", "part_rows", "parts_lines", "with_folders"]

_MOST_LINES = 20
_MID = ".mid"


@dataclass(frozen=True, slots=True)
class PartFile:
    """The .mid of one part.

    Parameters
    ----------
    file : str
        Its name, in a folder or in a .zip.
    name : str
        Name of the instrument, as it is.
    notes : int
        Notes in it.
    drum : bool
        Whether it is a drum kit.
    program : int or None
        Program it plays.
    channel : int
        Channel of 16, from 1.
    data : bytes
        Its content.
    """

    file: str
    name: str
    notes: int
    drum: bool
    program: int | None
    channel: int
    data: bytes


def part_files(plan: MidiPlan, stem: str) -> tuple[tuple[PartFile, ...], tuple[Change, ...]]:
    """Make the .mid of each part, and make sure that together they are the whole.

    Parameters
    ----------
    plan : MidiPlan
        The whole.
    stem : str
        Name of the song.

    Returns
    -------
    parts : tuple of PartFile
        In the order of the tracks.
    changes : tuple of Change
        What was decided. Who shares a channel with whom in the whole is left out.

    Raises
    ------
    ConversionError
        If there are no notes, so that there is no part.
    MidikitError
        If they cannot be made, or a note is lost.
    """
    from midikit.cli.checks import check_bytes, check_parts  # noqa: PLC0415 - loads numpy
    from midikit.convert.arrange.split import part_names, split_plan  # noqa: PLC0415 - as above

    plans = split_plan(plan)
    if not plans:
        raise ConversionError("no notes in it, so there is no part to write")
    check_parts(plan, plans)
    made = []
    names = part_names(stem, [part.source for part in plans])
    for name, part in zip(names, plans, strict=True):
        data = part.to_bytes()
        check_bytes(part, data)
        made.append(
            PartFile(
                f"{name}{_MID}",
                part.source[0].name,
                len(part.notes.start),
                part.source[0].is_drum,
                part.parts[0].program,
                part.parts[0].channel + 1,
                data,
            )
        )
    told = dict.fromkeys(change for part in plans for change in part.changes)
    changes = [change for change in plan.changes if change.kind != "channel"]
    changes += [change for change in told if change.kind == "split"]
    return tuple(made), tuple(changes)


def with_folders(
    made: Sequence[Destination], folder: Path, read: Sequence[Path]
) -> Iterator[Destination]:
    """Choose the folder of each song's parts: a single one needs none of its own.

    Parameters
    ----------
    made : sequence of Destination
        Where the songs go.
    folder : Path
        The folder for all.
    read : sequence of Path
        Files that are read.

    Yields
    ------
    Destination
        The same with the folder of its parts, and those of the files that are in it.
    """
    inside: dict[Path, list[Path]] = {}
    for path in read:
        with contextlib.suppress(OSError, RuntimeError):
            inside.setdefault(path.resolve().parent, []).append(path)
    is_own = len(made) > 1
    for one in made:
        parts = folder / one.stem if is_own else folder
        with contextlib.suppress(OSError, RuntimeError):
            there = tuple(inside.get(parts.resolve(), ()))
            yield replace(one, folder=parts, is_own=is_own, read=there)
            continue
        yield replace(one, folder=parts, is_own=is_own)  # said better by what writes there


def part_paths(parts: tuple[PartFile, ...], destination: Destination) -> dict[Path, bytes]:
    """Say where the files of the parts go.

    Parameters
    ----------
    parts : tuple of PartFile
        The parts.
    destination : Destination
        Where the song goes.

    Returns
    -------
    dict of Path to bytes
        Content by path.

    Raises
    ------
    OutputError
        If one would be written over a file that is read, or through a link in the place of the
        song's folder.
    """
    folder = destination.folder
    assert folder is not None
    if destination.is_own and folder.is_symlink():
        raise OutputError(
            f"{printable(str(folder), 200)}: is a symbolic link; expected a folder for the parts"
        )
    read = {folded(path.name) for path in destination.read}
    for part in parts:
        if folded(part.file) in read:
            shown = printable(str(folder / part.file), 200)
            raise OutputError(f"{shown}: is an input itself; expected another folder for the parts")
    return {folder / part.file: part.data for part in parts}


def parts_lines(parts: tuple[PartFile, ...], written: str) -> list[str]:
    """Say what was written.

    Parameters
    ----------
    parts : tuple of PartFile
        The parts.
    written : str
        Where they went, fit for a terminal.

    Returns
    -------
    list of str
        A line for all and one for each, twenty at most.
    """
    lines = [f"{count(len(parts), 'part')} to {written}"]
    for part in parts[:_MOST_LINES]:
        kind = "drum kit, " if part.drum else ""
        lines.append(
            f"  {printable(part.file, 120)} "
            f"({kind}{count(part.notes, 'note')}, {size(len(part.data))})"
        )
    if len(parts) > _MOST_LINES:
        lines.append(f"  and {len(parts) - _MOST_LINES:,} more")
    return lines


def part_rows(parts: tuple[PartFile, ...]) -> list[dict[str, Any]]:
    """Put the parts into plain values for JSON.

    Parameters
    ----------
    parts : tuple of PartFile
        The parts.

    Returns
    -------
    list of dict
        ``file``, ``name``, ``notes``, ``drum``, ``program``, ``channel`` and ``bytes`` of each.
    """
    names = ("file", "name", "notes", "drum", "program", "channel")
    return [
        {name: getattr(part, name) for name in names} | {"bytes": len(part.data)} for part in parts
    ]
