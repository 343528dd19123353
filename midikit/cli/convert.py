"""``midikit convert``: answers and .mid files in; .mid, rolls and tables out."""

from __future__ import annotations

import itertools
import os
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from midikit.cli.calls import Fetcher, refuse_large_batch
from midikit.cli.conversion import NO_TEMPO
from midikit.cli.convert_one import Converter, Job
from midikit.cli.convert_options import SectionedCommand, convert_options
from midikit.cli.exits import Exit
from midikit.cli.merging import merged_source
from midikit.cli.options import check_effects
from midikit.cli.outputs import Destination, parse_targets, refuse_same
from midikit.cli.record import replay
from midikit.cli.report import Report
from midikit.cli.settings import Settings
from midikit.cli.sources import resolve
from midikit.errors import ConversionError, WorkerError
from midikit.escape import printable

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from midikit.cli.convert_one import Told
    from midikit.cli.outputs import Parts
    from midikit.cli.sources import Source

__all__ = ["convert"]

_HELP = """Turn answers and .mid files into .mid, rolls and tables.

\b
Examples:
  midikit convert song.json                   song.mid, its bars on the beat
  midikit convert broken.mid -o mended.mid    mend a .mid that will not open
  midikit convert saved/ -o out/ --to mid,csv every .json and .mid of a folder
  midikit convert song.json --tempo constant --quantize auto
  midikit convert drums.json bass.json keys.json -o song.mid --merge
  midikit convert song.json --audio song.wav  in sync with its audio
  midikit convert song.json --split -o parts/ a .mid an instrument, for a DAW
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
and a .mid that would take its own name need -o. With --split the parts of
several songs go to a folder each. A file that is there with
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
    read = _also_read(settings, options["drum_map"])
    parts: Parts = "zip" if settings.zipped else "split" if settings.split else "whole"
    destinations = Destination.of_all(
        sources, chosen, output, inputs=inputs, parts=parts, read=read
    )
    for also, one in itertools.product(read, destinations):
        for path in one.paths.values():
            refuse_same(also, path)
    if options["as_json"] and destinations[0].is_stdout:
        raise click.UsageError("--json and the output both go to stdout; pass -o FILE")
    fetcher = None
    if options["fetch"]:
        clips = dict.fromkeys(one.clip_id for one in inputs if one.kind == "clip")
        refuse_large_batch(list(clips), "run midikit fetch with --max-credits N first")
        fetcher = Fetcher(deadline=options["deadline"])
    report = Report(quiet=options["quiet"], as_json=options["as_json"], debug=options["debug"])
    converter = Converter(report, settings, options["force"], len(sources) == 1, fetcher)
    batch = _Batch(converter)
    jobs = (
        Job(one, tuple(inputs) if is_merged else (one,), destination)
        for one, destination in zip(sources, destinations, strict=True)
    )
    # No other process can read our standard input, and paid calls are made one after the other.
    alone = fetcher is not None or any(one.kind == "stdin" for one in inputs)
    batch.run(jobs, 1 if alone or len(sources) == 1 else options["jobs"])
    batch.finish()
    ctx.exit(batch.worst)


def _also_read(settings: Settings, drum_map: str | None) -> list[Path]:
    """List the files that are read beside the inputs: no output may take their places."""
    check = None if settings.check == "hosted" else settings.check
    return [Path(name) for name in (*settings.audio, drum_map, check) if name]


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
        key = source.clip_id if source.path is None else os.path.realpath(source.path)
        if key in seen:
            raise click.UsageError(f"{source.shown} is given twice; --merge takes each part once")
        if key:
            seen.add(key)


class _Batch:
    """Prints what became of each song, in order, and counts."""

    def __init__(self, converter: Converter) -> None:
        self.worst: int = Exit.DONE
        self._converter = converter
        self._report = converter.report
        self._done = self._failed = 0
        self._unmet = set(converter.settings.overrides)

    def run(self, jobs: Iterable[Job], processes: int | None) -> None:
        """Convert every song in as many processes; None is one a processor."""
        converter = self._converter
        if processes == 1:
            for job in jobs:
                self._tell(converter(job))
            return
        from midikit.batch.engine import run  # noqa: PLC0415 - loads multiprocessing

        with closing(run(converter, jobs, jobs=processes)) as outcomes:
            for outcome in outcomes:
                if outcome.value is not None:
                    self._tell(outcome.value)
                elif isinstance(outcome.error, WorkerError):
                    job = outcome.item
                    self._tell(converter.failed(job, outcome.error, job.source.shown))
                else:
                    assert outcome.error is not None
                    raise outcome.error

    def finish(self) -> None:
        """Print how many there were."""
        if self._converter.is_single:
            return
        if self._unmet and self._done:
            names = ", ".join(f"'{printable(name, 40)}'" for name in sorted(self._unmet))
            self._report.failure(ConversionError(f"--program: no track is named {names}"), "")
            self.worst = max(self.worst, Exit.INPUT)
        tail = f", {self._failed:,} failed" if self._failed else ""
        self._report.say((f"{self._done:,} converted{tail}", "title"))

    def _tell(self, told: Told) -> None:
        replay(told.said, self._report)
        self.worst = max(self.worst, told.exit)
        self._done += told.is_done
        self._failed += not told.is_done
        self._unmet -= told.names
