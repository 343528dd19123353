"""Where outputs go: targets, file names that stay in their folder, and what is not replaced."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from midikit.errors import OutputError
from midikit.escape import printable, unique_stems
from midikit.files import write_bytes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from midikit.cli.sources import Source

__all__ = [
    "TARGETS",
    "Destination",
    "make_folder",
    "parse_targets",
    "write_outputs",
    "write_stdout",
]

TARGETS = {"mid": ".mid", "npz": ".npz", "notes.npz": ".notes.npz", "csv": ".csv"}
"""Each target and the ending of its files."""

STDOUT = "-"
_ALIKE = {".midi": ".mid"}
_OTHER_FORMATS = frozenset(
    ".json .txt .png .jpg .svg .pdf .html .htm .xml .musicxml .mxl .wav .mp3 .flac .ogg .m4a "
    ".parquet .arrow .feather .xlsx .npy .pkl .zip .kar .rmi".split()
)


@dataclass(frozen=True, slots=True)
class Destination:
    """Where the outputs of one input go.

    Parameters
    ----------
    paths : dict of str to Path
        The file of each target; empty for stdout.
    """

    paths: dict[str, Path]

    @property
    def is_stdout(self) -> bool:
        """Whether the one target is written to stdout."""
        return not self.paths

    @classmethod
    def of_all(
        cls, sources: Sequence[Source], targets: Sequence[str], output: str | None
    ) -> list[Destination]:
        """Choose the files of every input before any is written.

        Parameters
        ----------
        sources : sequence of Source
            The inputs.
        targets : sequence of str
            Targets of each.
        output : str or None
            What ``-o`` says.

        Returns
        -------
        list of Destination
            One an input. No two write one file, and none writes a file that is an input.

        Raises
        ------
        click.UsageError
            If `output` is one file and there are several outputs, or none of the targets.
        OutputError
            If `output` is an input.
        """
        if output == STDOUT or (output is None and [s.kind for s in sources] == ["stdin"]):
            _check_stdout(len(sources), targets, asked=output == STDOUT)
            return [cls({}) for _ in sources]
        if output is not None and _names_file(output):
            _check_file(len(sources), targets, output)
            _check_inputs(sources, Path(output))
            return [cls({targets[0]: Path(output)})]
        folder = Path(output or ".")
        stems = _stems(sources, targets, folder)
        return [cls({t: folder / f"{stem}{TARGETS[t]}" for t in targets}) for stem in stems]


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
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise OutputError(
            f"{printable(str(folder), 200)}: this folder cannot be made: {reason}"
        ) from None


def _check_replace(path: Path, data: bytes, *, force: bool) -> None:
    """Refuse to replace a file with other content.

    Parameters
    ----------
    path : Path
        The target.
    data : bytes
        What is to be written.
    force : bool
        Replace it all the same.

    Raises
    ------
    OutputError
        If there is a file with other content. A symbolic link is no content: it is replaced, and
        what it points to stays.
    """
    if force or path.is_symlink() or not path.exists() or path.is_dir():
        return
    try:
        same = path.stat().st_size == len(data) and path.read_bytes() == data
    except OSError:
        same = False
    if not same:
        shown = printable(str(path), 200)
        raise OutputError(f"{shown}: exists with other content; --force replaces it")


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
    for path, data in files.items():
        _check_replace(path, data, force=force)
    for path, data in files.items():
        make_folder(path.parent)
        write_bytes(path, data)


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


def _names_file(output: str) -> bool:
    """Whether ``-o`` names a file and not a folder."""
    if output.endswith(("/", os.sep)) or Path(output).is_dir():
        return False
    suffix = _suffix(output)
    if suffix in _OTHER_FORMATS:
        raise click.UsageError(
            f"-o {printable(output, 80)}: cannot write {suffix}; expected a folder or a file "
            f"ending in {', '.join(TARGETS.values())}"
        )
    return suffix in TARGETS.values()


def _check_stdout(number: int, targets: Sequence[str], *, asked: bool) -> None:
    if number != 1 or len(targets) != 1:
        raise click.UsageError("stdout holds one output: pass one SOURCE and one target, or -o DIR")
    if targets[0] != "csv" and sys.stdout.isatty():
        hint = "" if asked else " (where it goes without -o)"
        raise click.UsageError(f"stdout{hint} is a terminal; pass -o FILE or redirect it")


def _check_file(number: int, targets: Sequence[str], output: str) -> None:
    shown = printable(output, 80)
    if number > 1 or len(targets) > 1:
        what = f"{number} inputs" if number > 1 else f"{len(targets)} targets"
        raise click.UsageError(f"-o {shown} is one file, but there are {what}; pass a folder")
    ending = TARGETS[targets[0]]
    if not (_suffix(output) == ending or _suffix(output).endswith(ending.split(".")[-1])):
        raise click.UsageError(f"-o {shown}: --to {targets[0]} is written to a {ending} file")


def _stems(sources: Sequence[Source], targets: Sequence[str], folder: Path) -> list[str]:
    """Choose a safe name for each input's outputs, past every input that lies in the folder."""
    endings = {TARGETS[target] for target in targets}
    taken = [
        name[: -len(ending)]
        for source in sources
        if source.path is not None and _same_folder(source.path.parent, folder)
        for name in (source.path.name,)
        for ending in endings
        if name.lower().endswith(ending)
    ]
    names = [source.stem for source in sources if source.error is None]
    stems = iter(unique_stems([*taken, *names])[len(taken) :])
    chosen = ["" if source.error is not None else next(stems) for source in sources]
    # "song.notes" + ".npz" is the notes of "song".
    return [stem + "_" if stem.lower().endswith(".notes") else stem for stem in chosen]


def _check_inputs(sources: Sequence[Source], path: Path) -> None:
    """Refuse to write over an input."""
    for source in sources:
        if source.path is None:
            continue
        try:
            same = path.absolute() == source.path.absolute() or path.samefile(source.path)
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
