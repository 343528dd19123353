"""A stream of answers and .mid files to a folder of .mid files."""

from __future__ import annotations

import os
from contextlib import closing, suppress
from dataclasses import dataclass
from functools import partial
from itertools import tee
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from midikit.batch.engine import run
from midikit.errors import OutputError
from midikit.escape import each_stem, printable
from midikit.files import MIDI_SUFFIXES, check_plain, check_replace, make_folder, write_bytes

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Iterator

    from midikit.batch.engine import Outcome
    from midikit.model.report import Change, Repair
    from midikit.rhythm.layout import Tempo

    _Decided: TypeAlias = "tuple[tuple[Repair, ...], tuple[Change, ...]]"

__all__ = ["ConvertedFile", "convert_files"]


@dataclass(frozen=True, slots=True)
class ConvertedFile:
    """What became of one file.

    Parameters
    ----------
    source : Path
        The file that was read.
    path : Path or None
        The .mid that was written; None where there is an error.
    repairs : tuple of Repair
        What was wrong with the source.
    changes : tuple of Change
        What was decided on the way.
    error : Exception or None
        Why there is no .mid.
    """

    source: Path
    path: Path | None
    repairs: tuple[Repair, ...]
    changes: tuple[Change, ...]
    error: Exception | None


def convert_files(
    sources: Iterable[str | os.PathLike[str]],
    folder: str | os.PathLike[str],
    *,
    tempo: Tempo = "source",
    strict: bool = False,
    force: bool = False,
    jobs: int | None = 1,
    chunk: int | None = None,
) -> Iterator[ConvertedFile]:
    """Convert many answers and .mid files, and tell of each as soon as its .mid is there.

    Parameters
    ----------
    sources : iterable of str or PathLike
        Files. One that ends in ``.mid`` or ``.midi`` is read as such, any other as an answer. Taken
        as they are needed, so there may be any number of them.
    folder : str or PathLike
        Where the .mid files go, named after their sources; it is made. Of two sources of one name
        the second gets ``(2)``.
    tempo : {"source", "auto", "constant"} or float, optional
        As for `midikit.lay_out`. By default the plain conversion: no beats are looked for.
    strict : bool, optional
        Refuse what would be repaired.
    force : bool, optional
        Replace files with other content. Then `folder` should hold no source: of ``song.json`` and
        ``song.mid`` in it the first would replace the second before that is read.
    jobs, chunk : int or None, optional
        Most processes and files handed to one at a time, as for `midikit.batch.run`: by default all
        is done in this one. A script that starts processes has its calls under
        ``if __name__ == "__main__":``. The files are the same with any number.

    Returns
    -------
    iterator of ConvertedFile
        One a source, in order. One bad file never costs the others: its error is in its place.

    Raises
    ------
    OutputError
        If the folder cannot be made.
    ValueError
        If `jobs` or `chunk` is less than 1.
    WorkerError
        If processes cannot be started.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> import midikit as mk
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     song = mk.Song((mk.Track("Koto", notes=mk.as_notes([(0.0, 0.5, 64, 80)])),))
    ...     _ = mk.write_midi(song, f"{folder}/song.mid")
    ...     for one in mk.convert_files([f"{folder}/song.mid", "gone.json"], f"{folder}/out"):
    ...         print(one.source.name, one.path and one.path.name, one.error)
    song.mid song.mid None
    gone.json None gone.json: cannot be read: No such file or directory
    """
    folder = Path(folder)
    make_folder(folder)
    convert = partial(_convert, tempo=tempo, strict=strict, force=force)
    return _told(run(convert, _pairs(sources, folder), jobs=jobs, chunk=chunk))


def _pairs(sources: Iterable[str | os.PathLike[str]], folder: Path) -> Iterator[tuple[str, str]]:
    """Name the .mid of each source. Names as text: they travel at a fifth of the cost of paths."""
    one, other = tee(os.fspath(source) for source in sources)
    for source, stem in zip(one, each_stem(Path(path).stem for path in other), strict=True):
        yield source, os.path.join(folder, f"{stem}.mid")  # noqa: PTH118 - text


def _told(
    outcomes: Generator[Outcome[tuple[str, str], _Decided], None, None],
) -> Iterator[ConvertedFile]:
    with closing(outcomes):
        for outcome in outcomes:
            source, path = map(Path, outcome.item)
            if outcome.value is None:
                yield ConvertedFile(source, None, (), (), outcome.error)
            else:
                repairs, changes = outcome.value
                yield ConvertedFile(source, path, repairs, changes, None)


def _convert(names: tuple[str, str], *, tempo: Tempo, strict: bool, force: bool) -> _Decided:
    """Convert one file, in whatever process."""
    from midikit.convert.arrange.plan import plan_midi  # noqa: PLC0415 - loads numpy
    from midikit.parse.midi import read_midi  # noqa: PLC0415 - loads numpy
    from midikit.parse.response import read_json  # noqa: PLC0415 - loads numpy

    source, target = names
    check_plain(source)
    is_midi = os.path.splitext(source)[1].lower() in MIDI_SUFFIXES  # noqa: PTH122 - text
    song = read_midi(source, strict=strict) if is_midi else read_json(source, strict=strict)
    repairs = song.repairs
    if tempo != "source":
        from midikit.rhythm.layout import lay_out  # noqa: PLC0415 - few ask for it

        song = lay_out(song, tempo=tempo).song
    plan = plan_midi(song)
    data = plan.to_bytes()
    if force:
        _check_source(source, target)
    else:
        check_replace(target, data)
    write_bytes(target, data)
    return repairs, (*song.changes, *plan.changes)


def _check_source(source: str, target: str) -> None:
    with suppress(OSError):
        if os.path.samefile(source, target):  # noqa: PTH121 - text
            shown = printable(source, 200)
            raise OutputError(f"{shown}: its .mid would take its place; pass another folder")
