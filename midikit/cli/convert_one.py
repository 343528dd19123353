"""``convert`` of one input: read, converted, written, and said; in this process or in another."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from midikit.cli.beat_words import moved_words, short_tempo
from midikit.cli.cleaning import clean_lines
from midikit.cli.conversion import run
from midikit.cli.daw_words import last_lines
from midikit.cli.exits import code_of
from midikit.cli.merging import merge_opened
from midikit.cli.outcome import beat_lines, moves_lines, outcome_row, print_check
from midikit.cli.outputs import typed, write_outputs, write_stdout
from midikit.cli.record import Record
from midikit.cli.report import WIDTH
from midikit.cli.sources import open_source
from midikit.cli.splitting import part_paths, parts_lines
from midikit.cli.words import count, length, size
from midikit.errors import ConversionError
from midikit.escape import printable

if TYPE_CHECKING:
    from pathlib import Path

    from midikit.cli.calls import Fetcher
    from midikit.cli.conversion import Conversion
    from midikit.cli.outputs import Destination
    from midikit.cli.record import Said
    from midikit.cli.report import Report
    from midikit.cli.settings import Settings
    from midikit.cli.sources import Opened, Source
    from midikit.model.song import Song

__all__ = ["Converter", "Job", "Told"]

_WRITTEN = WIDTH - len("  wrote ")


@dataclass(frozen=True, slots=True)
class Job:
    """One song to make.

    Parameters
    ----------
    source : Source
        What it is called.
    inputs : tuple of Source
        What it is made of.
    destination : Destination
        Where it goes.
    """

    source: Source
    inputs: tuple[Source, ...]
    destination: Destination


@dataclass(frozen=True, slots=True)
class Told:
    """What became of a song: small, plain and ready to be printed.

    Parameters
    ----------
    said : list of Said
        What there is to print.
    exit : int
        Its exit code.
    is_done : bool
        Whether it was written.
    names : frozenset of (str, str)
        Options for a name (``--program``, ``--voices``) and the name, of those its tracks have.
    """

    said: list[Said]
    exit: int
    is_done: bool
    names: frozenset[tuple[str, str]] = frozenset()


@dataclass(frozen=True, slots=True)
class Converter:
    """Converts one song after the other; without a fetcher it pickles.

    Parameters
    ----------
    report : Report
        Where it will be printed.
    settings : Settings
        What to do.
    force : bool
        Replace files that are there.
    is_single : bool
        Whether there is one song in all, of which everything is said.
    fetcher : Fetcher or None, optional
        What fetches clips that are not in the archive.
    """

    report: Report
    settings: Settings
    force: bool
    is_single: bool
    fetcher: Fetcher | None = None

    def __call__(self, job: Job) -> Told:
        """Convert one song; whatever is wrong with it does not stop the others."""
        at = job.source.shown
        try:
            read = []
            for one in job.inputs:
                at = one.shown
                read.append(open_source(one, strict=self.settings.strict, fetcher=self.fetcher))
            at = job.source.shown
            opened = merge_opened(job.inputs, read)
            if self.is_single:
                self._check_overrides(opened.song)
            result = run(opened, self.settings, job.destination.stem)
            self._write(result, job.destination)
        except BrokenPipeError:
            raise
        except Exception as error:  # noqa: BLE001 - one bad input never costs the others
            return self.failed(job, error, at)
        record = Record(self.report)
        self._print(record, job, opened, result)
        row = _row(job) | outcome_row(result, self.settings, job.destination)
        if record.as_json:
            record.row(row)
        there = {track.name for track in opened.song.tracks}
        met = frozenset(one for one in self.settings.named if one[1] in there)
        return Told(record.said, row["exit"], is_done=True, names=met)

    def failed(self, job: Job, error: Exception, at: str) -> Told:
        """Say why there is no song.

        Parameters
        ----------
        job : Job
            The song.
        error : Exception
            What was raised.
        at : str
            The input that it was raised at.

        Returns
        -------
        Told
            The same in words.
        """
        record = Record(self.report)
        row = _row(job) | {"error": record.failure(error, at), "exit": int(code_of(error))}
        if record.as_json:
            record.row(row)
        return Told(record.said, row["exit"], is_done=False)

    def _check_overrides(self, song: Song) -> None:
        names = {track.name for track in song.tracks}
        unmet = [one for one in self.settings.named if one[1] not in names]
        if unmet:
            known = ", ".join(f"'{printable(track.name)}'" for track in song.tracks[:20])
            option, name = min(unmet)
            raise ConversionError(
                f"{option}: no track is named '{printable(name)}'; there are {known}"
            )

    def _write(self, result: Conversion, destination: Destination) -> None:
        if destination.is_stdout:
            write_stdout(next(iter(result.files.values())))
            return
        files = {destination.paths[target]: data for target, data in result.files.items()}
        if destination.folder is not None:
            files |= part_paths(result.parts, destination)
        write_outputs(files, force=self.force)

    def _print(self, record: Record, job: Job, opened: Opened, result: Conversion) -> None:
        written = [
            f"{typed(path)} ({size(len(result.files[target]))})"
            for target, path in job.destination.paths.items()
        ]
        if self.settings.zipped and written:
            index = [*result.files].index("mid")
            written[index] += f", {count(len(result.parts), 'part')}"
        folder = job.destination.folder
        if folder is not None and not self.is_single:
            total = size(sum(len(part.data) for part in result.parts))
            written.append(f"{_folder(folder)} ({count(len(result.parts), 'part')}, {total})")
        if self.is_single:
            self._print_one(record, job, opened, result, written)
        else:
            self._print_row(record, job.source, opened, result, written)

    def _print_one(
        self, record: Record, job: Job, opened: Opened, result: Conversion, written: list[str]
    ) -> None:
        """Say everything about the only song, last what a producer needs."""
        song = result.song
        record.heading(job.source.name, f"{_counts(song)}, {length(song.end)}")
        self._print_findings(record, opened, result)
        for line in beat_lines(result, self.settings, opened):
            record.say(line)
        together = ", ".join(written)
        for line in [together] if len(together) <= _WRITTEN else written:
            if line:
                record.say("  wrote ", (line, "good"))
        if job.destination.folder is not None:
            first, *others = parts_lines(result.parts, _folder(job.destination.folder))
            record.say("  wrote ", (first, "good"), ":")
            for line in others:
                record.say(f"  {line}")
        for line in last_lines(result, self.settings, opened):
            record.say(line)

    def _print_row(
        self, record: Record, source: Source, opened: Opened, result: Conversion, written: list[str]
    ) -> None:
        """Say in a line what became of one song of several, and what was wrong with it."""
        layout, facts = result.layout, _counts(result.song)
        if layout.is_estimated and result.song.note_count:
            beat = "no steady beat" if layout.grid is None else short_tempo(layout.grid)
            facts += f", {beat}"
        if layout.sync_offset is not None:
            facts += f", {moved_words(layout.sync_offset)}"
        if result.changes:
            facts += f", {count(len(result.changes), 'change')}"
        together = ", ".join(written)
        if len(f"{source.shown}: {facts} -> {together}") <= WIDTH:
            record.say((source.shown, "title"), f": {facts} -> {together}")
        else:
            record.heading(source.shown, facts)
            for line in [together] if len(together) <= _WRITTEN else written:
                record.say(f"  -> {line}")
        self._print_findings(record, opened, result)

    def _print_findings(self, record: Record, opened: Opened, result: Conversion) -> None:
        song = result.song
        if not song.note_count:
            record.say(f"  no notes in this {'answer' if opened.is_answer else 'file'}")
        record.repairs(song.repairs)
        if self.is_single:
            record.changes(result.changes)
        for line in clean_lines(result.cleaned, result.melody):
            record.say(line)
        if result.moves is not None:
            for line in moves_lines(result.moves, self.settings):
                record.say(line)
        if result.checked is not None:
            print_check(record, result, opened)
            if result.parts:
                parts = count(len(result.parts), "part")
                record.say(f"  {parts} read back: together they hold every note as meant")
            elif result.has_mid:
                record.say("  the .mid was read back: it holds every note as meant")


def _row(job: Job) -> dict[str, Any]:
    """Begin the JSON line of a song."""
    row: dict[str, Any] = {"source": job.source.exactly, "outputs": [], "error": None, "exit": 0}
    if job.source.kind == "merged":
        row["sources"] = [one.exactly for one in job.inputs]
    return row


def _folder(path: Path) -> str:
    shown = typed(path)
    return "this folder" if shown == "." else f"{shown}/"


def _counts(song: Song) -> str:
    return f"{count(len(song.tracks), 'track')}, {count(song.note_count, 'note')}"
