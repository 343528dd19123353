"""``midikit convert``: answers and .mid files in; .mid, rolls and tables out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from midikit.cli.beat_words import moved_words, short_tempo
from midikit.cli.calls import Fetcher, refuse_large_batch
from midikit.cli.conversion import NO_TEMPO, run
from midikit.cli.convert_options import SectionedCommand, convert_options
from midikit.cli.exits import Exit, code_of
from midikit.cli.merging import merge_opened, merged_source
from midikit.cli.options import check_effects
from midikit.cli.outcome import beat_lines, moves_lines, outcome_row, print_check
from midikit.cli.outputs import Destination, parse_targets, typed, write_outputs, write_stdout
from midikit.cli.report import Report
from midikit.cli.settings import Settings
from midikit.cli.sources import open_source, resolve
from midikit.cli.words import count, length, size
from midikit.errors import ConversionError
from midikit.escape import printable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from midikit.cli.conversion import Conversion
    from midikit.cli.sources import Opened, Source
    from midikit.model.song import Song

__all__ = ["convert"]

_WIDTH = 80
_WRITTEN = _WIDTH - len("  wrote ")

_HELP = """Turn answers and .mid files into .mid, rolls and tables.

\b
Examples:
  midikit convert song.json                   song.mid, its bars on the beat
  midikit convert broken.mid -o mended.mid    mend a .mid that will not open
  midikit convert saved/ -o out/ --to mid,csv every .json and .mid of a folder
  midikit convert song.json --tempo constant --quantize auto
  midikit convert drums.json bass.json keys.json -o song.mid --merge
  midikit convert song.json --audio song.wav  in sync with its audio
  midikit convert song.json --check hosted.mid
  curl ... | midikit convert - -o song.mid

SOURCE is a .json answer, a .mid, a folder (its .json and .mid files), - for
standard input, or a clip id from the archive (a UUID, or clip:ID).

The tempo is found in the notes and written so that bar lines of a DAW lie
where the music's are; no note moves unless you ask for it. It is said how
sure that is, and what else it may be. Where no steady beat is found the file
is written as it was played. Whether second 0 is that of the audio is not
known: --audio measures it.

Without -o the outputs go to this folder, named after their inputs; a folder
and a .mid that would take its own name need -o. A file that is there with
other content, or a link, is kept and the input fails; --force replaces it.
No input is ever written over. Nothing is fetched or downloaded unless --fetch
or --check hosted asks for it.
"""


@click.command("convert", cls=SectionedCommand, help=_HELP)
@click.argument("source", nargs=-1, required=True)
@convert_options
@click.pass_context
def convert(ctx: click.Context, /, source: tuple[str, ...], **options: Any) -> None:
    """Turn answers and .mid files into .mid, rolls and tables."""
    output: str | None = options["output"]
    chosen = parse_targets(options["targets"], output)
    check_effects(ctx, chosen)
    settings = Settings.of(options, chosen)
    inputs = resolve(source)
    is_merged: bool = options["merge"]
    _check_batch(inputs, settings, is_merged=is_merged)
    sources = [merged_source(inputs)] if is_merged else inputs
    destinations = Destination.of_all(sources, chosen, output, inputs=inputs)
    if options["as_json"] and destinations[0].is_stdout:
        raise click.UsageError("--json and the output both go to stdout; pass -o FILE")
    fetcher = None
    if options["fetch"]:
        clips = dict.fromkeys(one.clip_id for one in inputs if one.kind == "clip")
        refuse_large_batch(list(clips), "run midikit fetch with --max-credits N first")
        fetcher = Fetcher(deadline=options["deadline"])
    report = Report(quiet=options["quiet"], as_json=options["as_json"], debug=options["debug"])
    is_single = len(sources) == 1
    batch = _Batch(report, settings, fetcher, force=options["force"], is_single=is_single)
    for one, destination in zip(sources, destinations, strict=True):
        batch.convert(one, inputs if is_merged else [one], destination)
    batch.finish()
    ctx.exit(batch.worst)


def _check_batch(inputs: Sequence[Source], settings: Settings, *, is_merged: bool) -> None:
    """Refuse what cannot work before anything is read or paid for."""
    if sum(source.kind == "stdin" for source in inputs) > 1:
        raise click.UsageError("- is given twice; standard input can be read once")
    if settings.check is not None and not settings.check:
        raise click.UsageError("--check is empty; expected 'hosted' or a .mid")
    if settings.division and settings.tempo == "source":
        for source in inputs:
            if source.kind == "clip" or (source.path and source.path.suffix.lower() == ".json"):
                raise click.UsageError(NO_TEMPO)
    if is_merged:
        _check_merge(inputs, settings)
    elif len(inputs) > 1:
        if settings.check not in (None, "hosted"):
            raise click.UsageError(
                "--check FILE goes with one SOURCE; pass --check hosted for several"
            )
        if settings.audio:
            raise click.UsageError(
                "--audio goes with one SOURCE, or with --merge where several are one song"
            )


def _check_merge(inputs: Sequence[Source], settings: Settings) -> None:
    if len(inputs) == 1:
        raise click.UsageError("--merge makes one song of several SOURCEs; there is only one")
    if settings.check == "hosted":
        raise click.UsageError("--check hosted goes without --merge: each clip has its own .mid")
    seen: set[object] = set()
    for source in inputs:
        key = source.clip_id if source.path is None else source.path.resolve()
        if key in seen:
            raise click.UsageError(f"{source.shown} is given twice; --merge takes each part once")
        if key:
            seen.add(key)


class _Batch:
    """Converts one input after the other and prints what became of each."""

    def __init__(
        self,
        report: Report,
        settings: Settings,
        fetcher: Fetcher | None,
        *,
        force: bool,
        is_single: bool,
    ) -> None:
        self.worst: int = Exit.DONE
        self._report = report
        self._settings = settings
        self._fetcher = fetcher
        self._force = force
        self._is_single = is_single
        self._done = self._failed = 0
        self._unmet = set(settings.overrides)

    def convert(self, source: Source, inputs: Sequence[Source], destination: Destination) -> None:
        """Convert one song; whatever is wrong with it does not stop the others."""
        row: dict[str, Any] = {"source": source.shown, "outputs": [], "error": None, "exit": 0}
        if source.kind == "merged":
            row["sources"] = [one.shown for one in inputs]
        at = source.shown
        try:
            read = []
            for one in inputs:
                at = one.shown
                read.append(open_source(one, strict=self._settings.strict, fetcher=self._fetcher))
            at = source.shown
            opened = merge_opened(inputs, read)
            self._unmet -= {track.name for track in opened.song.tracks}
            if self._is_single:
                self._check_overrides(opened.song)
            result = run(opened, self._settings)
            self._write(result, destination)
        except BrokenPipeError:
            raise
        except Exception as error:  # noqa: BLE001 - one bad input never costs the others
            row["error"] = self._report.failure(error, at)
            row["exit"] = int(code_of(error))
            self._failed += 1
        else:
            row |= outcome_row(result, self._settings, destination)
            self._print(source, opened, result, destination)
            self._done += 1
        self.worst = max(self.worst, row["exit"])
        if self._report.as_json:
            self._report.row(row)

    def finish(self) -> None:
        """Print how many there were."""
        if self._unmet and not self._is_single and self._done:
            names = ", ".join(f"'{printable(name, 40)}'" for name in sorted(self._unmet))
            self._report.failure(ConversionError(f"--program: no track is named {names}"), "")
            self.worst = max(self.worst, Exit.INPUT)
        if not self._is_single:
            tail = f", {self._failed:,} failed" if self._failed else ""
            self._report.say((f"{self._done:,} converted{tail}", "title"))

    def _check_overrides(self, song: Song) -> None:
        if self._unmet:
            known = ", ".join(f"'{printable(track.name)}'" for track in song.tracks[:20])
            name = printable(min(self._unmet))
            raise ConversionError(f"--program: no track is named '{name}'; there are {known}")

    def _write(self, result: Conversion, destination: Destination) -> None:
        if destination.is_stdout:
            write_stdout(next(iter(result.files.values())))
            return
        files = {destination.paths[target]: data for target, data in result.files.items()}
        write_outputs(files, force=self._force)

    def _print(
        self, source: Source, opened: Opened, result: Conversion, destination: Destination
    ) -> None:
        written = [
            f"{typed(path)} ({size(len(result.files[target]))})"
            for target, path in destination.paths.items()
        ]
        if self._is_single:
            self._print_one(source, opened, result, written)
        else:
            self._print_row(source, opened, result, written)

    def _print_one(
        self, source: Source, opened: Opened, result: Conversion, written: list[str]
    ) -> None:
        """Say everything about the only song."""
        report, song = self._report, result.song
        report.heading(source.name, f"{_counts(song)}, {length(song.end)}")
        self._print_findings(opened, result, is_row=False)
        for line in beat_lines(result, self._settings, opened):
            report.say(line)
        together = ", ".join(written)
        for line in [together] if len(together) <= _WRITTEN else written:
            if line:
                report.say("  wrote ", (line, "good"))

    def _print_row(
        self, source: Source, opened: Opened, result: Conversion, written: list[str]
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
        if len(f"{source.shown}: {facts} -> {together}") <= _WIDTH:
            self._report.say((source.shown, "title"), f": {facts} -> {together}")
        else:
            self._report.heading(source.shown, facts)
            for line in [together] if len(together) <= _WRITTEN else written:
                self._report.say(f"  -> {line}")
        self._print_findings(opened, result, is_row=True)

    def _print_findings(self, opened: Opened, result: Conversion, *, is_row: bool) -> None:
        report, song = self._report, result.song
        if not song.note_count:
            report.say(f"  no notes in this {'answer' if opened.is_answer else 'file'}")
        report.repairs(song.repairs)
        if not is_row:
            report.changes(result.changes)
        if result.moves is not None:
            for line in moves_lines(result.moves, self._settings):
                report.say(line)
        if result.checked is not None:
            print_check(report, result, opened)
            if "mid" in result.files:
                report.say("  the .mid was read back: it holds every note as meant")


def _counts(song: Song) -> str:
    return f"{count(len(song.tracks), 'track')}, {count(song.note_count, 'note')}"
