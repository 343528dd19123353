"""Where outputs go: targets, file names that stay in their folder, and what is not replaced."""

from __future__ import annotations

import contextlib
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias

import click

from midikit.cli.splitting import with_folders
from midikit.errors import OutputError
from midikit.escape import folded, printable, unique_stems
from midikit.files import check_replace, make_folder, write_bytes

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from midikit.cli.sources import Source

__all__ = [
    "TARGETS",
    "Destination",
    "Parts",
    "parse_targets",
    "refuse_same",
    "typed",
    "write_outputs",
    "write_stdout",
]

TARGETS = {
    "mid": ".mid",
    "npz": ".npz",
    "notes.npz": ".notes.npz",
    "csv": ".csv",
    "wav": ".wav",
    "html": ".html",
    "png": ".png",
    "svg": ".svg",
}
"""Each target and the ending of its files."""

ZIP = ".zip"
"""The ending of a file that holds the parts of a song."""

Parts: TypeAlias = Literal["whole", "split", "zip"]
"""What becomes of the .mid: one file, one a part, or one .zip with a file a part."""

STDOUT = "-"
_ALIKE = {".midi": ".mid"}
_STDOUT_PATHS = frozenset(["/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"])


@dataclass(frozen=True, slots=True)
class Destination:
    """Where the outputs of one input go.

    Parameters
    ----------
    paths : dict of str to Path
        The file of each target; empty for stdout.
    stem : str, optional
        The song's name, of which those of its parts are made.
    folder : Path or None, optional
        Where a file a part goes; None where the .mid is one file.
    is_own : bool, optional
        Whether that folder is there for this song alone.
    read : tuple of Path, optional
        Files in that folder that are read.
    """

    paths: dict[str, Path]
    stem: str = ""
    folder: Path | None = None
    is_own: bool = False
    read: tuple[Path, ...] = ()

    @property
    def is_stdout(self) -> bool:
        """Whether the one target is written to stdout."""
        return not self.paths and self.folder is None

    @classmethod
    def of_all(
        cls,
        sources: Sequence[Source],
        targets: Sequence[str],
        output: str | None,
        *,
        inputs: Sequence[Source] | None = None,
        parts: Parts = "whole",
        read: Sequence[Path] = (),
    ) -> list[Destination]:
        """Choose the files of every input before any is written.

        Parameters
        ----------
        sources : sequence of Source
            What there are outputs of.
        targets : sequence of str
            Targets of each.
        output : str or None
            What ``-o`` says.
        inputs : sequence of Source or None, optional
            What is read, where `sources` are made of it.
        parts : {"whole", "split", "zip"}, optional
            What becomes of the .mid. With ``"split"`` the parts of one source go to the folder, of
            several to a folder each in it.
        read : sequence of Path, optional
            What else is read.

        Returns
        -------
        list of Destination
            One an input. No two write one file, and none writes a file that is an input.

        Raises
        ------
        click.UsageError
            If `output` is one file and there are several outputs, or none of the targets, or an
            output would take the name of an input.
        OutputError
            If `output` is an input.
        """
        output = _checked(output)
        inputs = sources if inputs is None else inputs
        stems = _stems(sources)
        endings = {**TARGETS, "mid": ZIP} if parts == "zip" else TARGETS
        if output == STDOUT or (output is None and [s.kind for s in sources] == ["stdin"]):
            _check_stdout(len(sources), targets, parts, asked=output == STDOUT)
            return [cls({}, stem) for stem in stems]
        if output is not None and _names_file(output, endings):
            _check_file(len(sources), targets, output, parts)
            _check_inputs(inputs, Path(output))
            return [cls({targets[0]: Path(output)}, stem) for stem in stems]
        folder = Path(output or ".")
        _check_folders(inputs, targets, output)
        single = [target for target in targets if target != "mid" or parts != "split"]
        made = [cls({t: folder / f"{stem}{endings[t]}" for t in single}, stem) for stem in stems]
        _check_names(inputs, made)
        if parts != "split":
            return made
        known = [source.path for source in inputs if source.path is not None]
        return [*with_folders(made, folder, [*known, *read])]


def parse_targets(words: Sequence[str], output: str | None) -> list[str]:
    """Find out what to write.

    Parameters
    ----------
    words : sequence of str
        What the ``--to`` options say, each with commas.
    output : str or None
        What ``-o`` says; its ending decides where ``--to`` says nothing.

    Returns
    -------
    list of str
        Keys of `TARGETS`, each once.

    Raises
    ------
    click.UsageError
        If a word is no target.

    Examples
    --------
    >>> parse_targets(["mid,csv"], None), parse_targets([], "roll.npz")
    (['mid', 'csv'], ['npz'])
    """
    asked = [part.strip().lower().lstrip(".") for word in words for part in word.split(",")]
    if not asked:
        return [_target_of(output or "") or "mid"]
    for target in asked:
        if target not in TARGETS:
            raise click.UsageError(
                f"--to {printable(target, 40)}: no such target; expected one or more of "
                f"{', '.join(TARGETS)}"
            )
    return list(dict.fromkeys(asked))


def write_outputs(files: dict[Path, bytes], *, force: bool) -> None:
    """Write the outputs of one input, none of them if one may not be written.

    Parameters
    ----------
    files : dict of Path to bytes
        The files.
    force : bool
        Replace files with other content.

    Raises
    ------
    OutputError
        If a file is there already, or cannot be written.
    """
    if not force:
        for path, data in files.items():
            check_replace(path, data)
    for path, data in files.items():
        if not path.parent.is_dir():
            make_folder(path.parent)
        write_bytes(path, data)


def typed(path: Path) -> str:
    """Show a path as one would type it: relative inside the current folder.

    Parameters
    ----------
    path : Path
        The path.

    Returns
    -------
    str
        Fit for a terminal.
    """
    with contextlib.suppress(ValueError, OSError):
        path = path.relative_to(Path.cwd())
    return printable(str(path), 200)


def write_stdout(data: bytes) -> None:
    """Write an output to stdout.

    Parameters
    ----------
    data : bytes
        The output.
    """
    sys.stdout.flush()
    sys.stdout.buffer.write(data)
    sys.stdout.buffer.flush()


def _suffix(output: str) -> str:
    """Return the ending that names a format, in lower case."""
    name = Path(output).name.lower()
    if name.endswith(TARGETS["notes.npz"]):
        return TARGETS["notes.npz"]
    suffix = Path(name).suffix
    return _ALIKE.get(suffix, suffix)


def _target_of(output: str) -> str | None:
    """Tell which target an ending means."""
    suffix = _suffix(output)
    return next((target for target, ending in TARGETS.items() if ending == suffix), None)


def _checked(output: str | None) -> str | None:
    """Refuse an -o that is empty or a device; a device that is stdout is stdout."""
    if output is None or output == STDOUT or output in _STDOUT_PATHS:
        return STDOUT if output in _STDOUT_PATHS else output
    if not output:
        raise click.UsageError("-o is empty; expected a file, a folder or -")
    path = Path(output)
    try:
        other = path.exists() and not path.is_file() and not path.is_dir()
    except (OSError, ValueError):
        other = False  # said better by what writes it
    if other:
        raise click.UsageError(
            f"-o {printable(output, 80)}: is no folder and no plain file; pass - for standard "
            "output"
        )
    return output


def _names_file(output: str, endings: Mapping[str, str]) -> bool:
    """Whether ``-o`` names a file and not a folder."""
    if output.endswith(("/", os.sep)) or Path(output).is_dir():
        return False
    suffix = _suffix(output)
    if suffix and suffix not in (*TARGETS.values(), *endings.values()):
        hint = "; --zip writes the parts of a song to one" if suffix == ZIP else ""
        raise click.UsageError(
            f"-o {printable(output, 80)}: cannot write {printable(suffix, 20)}; expected "
            f"{', '.join(TARGETS.values())} or a folder/{hint}"
        )
    return bool(suffix)


def _check_stdout(number: int, targets: Sequence[str], parts: Parts, *, asked: bool) -> None:
    if parts == "split":
        raise click.UsageError(
            "--split makes a file a part, stdout holds one; pass -o DIR, or --zip"
        )
    if number != 1 or len(targets) != 1:
        raise click.UsageError("stdout holds one output: pass one SOURCE and one target, or -o DIR")
    if targets[0] != "csv" and sys.stdout.isatty():
        hint = "" if asked else " (where it goes without -o)"
        raise click.UsageError(f"stdout{hint} is a terminal; pass -o FILE or redirect it")


def _check_file(number: int, targets: Sequence[str], output: str, parts: Parts) -> None:
    shown = printable(output, 80)
    if parts == "split" and "mid" in targets:
        raise click.UsageError(
            f"-o {shown} is one file, --split makes one a part; pass a folder, or --zip with -o "
            "FILE.zip"
        )
    if number > 1 or len(targets) > 1:
        what = f"{number} inputs" if number > 1 else f"{len(targets)} targets"
        raise click.UsageError(f"-o {shown} is one file, but there are {what}; pass a folder")
    if parts == "zip" and targets[0] == "mid":
        if _suffix(output) != ZIP:
            raise click.UsageError(f"-o {shown}: --zip writes a {ZIP} file")
        return
    ending = TARGETS[targets[0]]
    if not (_suffix(output) == ending or _suffix(output).endswith(ending.split(".")[-1])):
        raise click.UsageError(f"-o {shown}: --to {targets[0]} is written to a {ending} file")


def _stems(sources: Sequence[Source]) -> list[str]:
    """Choose a safe name for each input's outputs."""
    names = [source.stem for source in sources if source.error is None]
    stems = iter(unique_stems(names, reserved=".notes"))  # "song.notes.npz" is that of "song"
    return ["" if source.error is not None else next(stems) for source in sources]


def _check_folders(sources: Sequence[Source], targets: Sequence[str], output: str | None) -> None:
    """Refuse to convert a folder into itself: the outputs would be inputs the next time."""
    for folder in dict.fromkeys(source.folder for source in sources if source.folder is not None):
        shown = printable(str(folder), 80)
        if output is None:
            raise click.UsageError(f"{shown}: a folder needs -o, where its outputs go; pass -o DIR")
        if "mid" in targets and _same_folder(folder, Path(output)):
            raise click.UsageError(
                f"-o {printable(output, 80)}: is the folder {shown} itself, where the outputs "
                "would be inputs the next time; pass another folder"
            )


def _check_names(sources: Sequence[Source], made: Sequence[Destination]) -> None:
    """Refuse to give an output the name of an input in its folder."""
    outputs = {folded(path.name): path for one in made for path in one.paths.values()}
    for source in sources:
        path = None if source.path is None else outputs.get(folded(source.path.name))
        if source.path is not None and path and _same_folder(source.path.parent, path.parent):
            how = "-o FILE or another folder" if len(sources) == 1 else "-o with another folder"
            problem = f"its output would take the name of an input; pass {how}"
            raise click.UsageError(f"{source.shown}: {problem}")


def _check_inputs(sources: Sequence[Source], path: Path) -> None:
    """Refuse to write over an input."""
    for source in sources:
        if source.path is None:
            continue
        refuse_same(source.path, path)


def refuse_same(read: Path, path: Path) -> None:
    """Refuse to write over a file that is read.

    Parameters
    ----------
    read, path : Path
        The file that is read, and the one to be written.

    Raises
    ------
    OutputError
        If they are the same.
    """
    try:
        same = path.absolute() == read.absolute() or path.samefile(read)
    except OSError:
        same = False
    if same:
        shown = printable(str(path), 200)
        raise OutputError(f"{shown}: is the input itself; expected another name for the output")


def _same_folder(one: Path, other: Path) -> bool:
    try:
        return one.resolve() == other.resolve()
    except (OSError, RuntimeError):
        return False
