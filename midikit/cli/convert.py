"""``midikit convert``: answers and .mid files in; .mid, rolls and tables out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from midikit.cli.calls import Fetcher, refuse_large_batch
from midikit.cli.conversion import NO_TEMPO, Settings, run
from midikit.cli.exits import Exit, code_of
from midikit.cli.options import Number, WholeNumber, check_effects, read_programs, read_tempo
from midikit.cli.outcome import moves_line, outcome_row, print_check, tempo_line
from midikit.cli.outputs import Destination, parse_targets, typed, write_outputs, write_stdout
from midikit.cli.report import Report, common_options
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

_DIVISIONS = ("off", "1/4", "1/8", "1/16", "1/32", "1/8t", "1/16t")
_HELP = """Turn answers and .mid files into .mid, rolls and tables.

\b
Examples:
  midikit convert song.json                   song.mid in this folder
  midikit convert broken.mid -o mended.mid    mend a .mid that will not open
  midikit convert saved/ -o out/ --to mid,csv every .json and .mid of a folder
  midikit convert song.json --quantize 1/16 --tempo 110.06
  midikit convert song.json --check hosted.mid
  curl ... | midikit convert - -o song.mid

SOURCE is a .json answer, a .mid, a folder (its .json and .mid files), - for
standard input, or a clip id from the archive (a UUID, or clip:ID).

Without -o the outputs go to this folder, named after their inputs; a folder
and a .mid that would take its own name need -o. A file that is there with
other content, or a link, is kept and the input fails; --force replaces it.
No input is ever written over. Nothing is fetched or downloaded unless --fetch
or --check hosted asks for it.
"""


@click.command("convert", help=_HELP)
@click.argument("source", nargs=-1, required=True)
@click.option("-o", "--output", metavar="FILE|DIR", help="File, folder or - for stdout.")
@click.option(
    "--to",
    "targets",
    multiple=True,
    metavar="TARGET",
    help="mid (default), npz (piano roll), notes.npz, csv; several with commas.",
)
@click.option(
    "--tempo",
    callback=read_tempo,
    default="source",
    metavar="source|BPM",
    help="Tempo to write; seconds stay as they are.",
)
@click.option(
    "--quantize",
    "division",
    type=click.Choice(_DIVISIONS),
    default="off",
    help="Move notes onto the grid of --tempo.",
)
@click.option(
    "--strength",
    type=Number(0.0, 1.0),
    default=1.0,
    help="How far to move them, 0 to 1.",
)
@click.option(
    "--programs",
    type=click.Choice(["name", "source"]),
    default="name",
    help="Sounds by the tracks' names, or as the input claims.",
)
@click.option(
    "--program",
    "overrides",
    multiple=True,
    callback=read_programs,
    metavar="NAME=NUMBER",
    help="Sound 0..127 of the tracks of a name; repeatable.",
)
@click.option(
    "--merge",
    type=click.Choice(["off", "name"]),
    default="off",
    help="Join tracks of one name.",
)
@click.option(
    "--duplicates",
    type=click.Choice(["collapse", "keep"]),
    default="collapse",
    help="Notes that joined tracks both hold.",
)
@click.option(
    "--overlap",
    type=click.Choice(["trim", "spill", "keep", "error"]),
    default="trim",
    help="A pitch that is struck again while it sounds.",
)
@click.option(
    "--short",
    type=click.Choice(["tick", "keep"]),
    default="tick",
    help="Notes shorter than a tick.",
)
@click.option(
    "--ticks-per-quarter",
    type=WholeNumber(1, 32_767),
    metavar="N",
    help="Resolution of the .mid; 480, or the input's.",
)
@click.option(
    "--fs",
    type=Number(0.0, min_open=True),
    default=100.0,
    help="Frames a second of the roll.",
)
@click.option(
    "--check",
    metavar="hosted|FILE",
    help="Compare with the hosted .mid, or with a file.",
)
@click.option("--strict", is_flag=True, help="Refuse damaged input instead of mending it.")
@click.option("--fetch", is_flag=True, help="Pay for clips that are not in the archive.")
@click.option(
    "--deadline",
    type=Number(0.0, min_open=True),
    default=300.0,
    metavar="SECONDS",
    help="Longest wait for a clip.",
)
@click.option("--force", is_flag=True, help="Replace files that are there.")
@click.option("--jobs", type=WholeNumber(1), default=1, help="Taken; one at a time so far.")
@common_options
@click.pass_context
def convert(  # noqa: PLR0917 - click passes one argument an option
    ctx: click.Context,
    source: tuple[str, ...],
    output: str | None,
    targets: tuple[str, ...],
    tempo: float | None,
    division: str,
    strength: float,
    programs: str,
    overrides: dict[str, int],
    merge: str,
    duplicates: str,
    overlap: str,
    short: str,
    ticks_per_quarter: int | None,
    fs: float,
    check: str | None,
    strict: bool,
    fetch: bool,
    deadline: float,
    force: bool,
    jobs: int,
    as_json: bool,
    quiet: bool,
    debug: bool,
) -> None:
    """Turn answers and .mid files into .mid, rolls and tables."""
    del jobs  # one after the other so far; the outputs are the same for any number
    chosen = parse_targets(targets, output)
    check_effects(ctx, chosen)
    settings = Settings(
        targets=tuple(chosen),
        bpm=tempo,
        division=None if division == "off" else division,
        strength=strength,
        programs=programs,
        overrides=overrides,
        merge=merge,
        duplicates=duplicates,
        overlap=overlap,
        short=short,
        ticks_per_quarter=ticks_per_quarter,
        fs=fs,
        check=check,
        strict=strict,
    )
    sources = resolve(source)
    _check_batch(sources, settings)
    destinations = Destination.of_all(sources, chosen, output)
    if as_json and destinations[0].is_stdout:
        raise click.UsageError("--json and the output both go to stdout; pass -o FILE")
    fetcher = None
    if fetch:
        clips = dict.fromkeys(one.clip_id for one in sources if one.kind == "clip")
        refuse_large_batch(list(clips), "run midikit fetch with --max-credits N first")
        fetcher = Fetcher(deadline=deadline)
    report = Report(quiet=quiet, as_json=as_json, debug=debug)
    batch = _Batch(report, settings, fetcher, force=force, is_single=len(sources) == 1)
    for one, destination in zip(sources, destinations, strict=True):
        batch.convert(one, destination)
    batch.finish()
    ctx.exit(batch.worst)


def _check_batch(sources: Sequence[Source], settings: Settings) -> None:
    """Refuse what cannot work before anything is read or paid for."""
    if sum(source.kind == "stdin" for source in sources) > 1:
        raise click.UsageError("- is given twice; standard input can be read once")
    if settings.check is not None and not settings.check:
        raise click.UsageError("--check is empty; expected 'hosted' or a .mid")
    if settings.division and settings.bpm is None:
        for source in sources:
            if source.kind == "clip" or (source.path and source.path.suffix.lower() == ".json"):
                raise click.UsageError(NO_TEMPO)
    if settings.check not in (None, "hosted") and len(sources) > 1:
        raise click.UsageError("--check FILE goes with one SOURCE; pass --check hosted for several")


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

    def convert(self, source: Source, destination: Destination) -> None:
        """Convert one input; whatever is wrong with it does not stop the others."""
        row: dict[str, Any] = {"source": source.shown, "outputs": [], "error": None, "exit": 0}
        try:
            opened = open_source(source, strict=self._settings.strict, fetcher=self._fetcher)
            self._unmet -= {track.name for track in opened.song.tracks}
            if self._is_single:
                self._check_overrides(opened.song)
            result = run(opened, self._settings)
            self._write(result, destination)
        except BrokenPipeError:
            raise
        except Exception as error:  # noqa: BLE001 - one bad input never costs the others
            row["error"] = self._report.failure(error, source.shown)
            row["exit"] = int(code_of(error))
            self._failed += 1
        else:
            row |= outcome_row(result, destination)
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
        report, song = self._report, result.song
        written = ", ".join(
            f"{typed(path)} ({size(len(result.files[target]))})"
            for target, path in destination.paths.items()
        )
        counts = f"{count(len(song.tracks), 'track')}, {count(song.note_count, 'note')}"
        if self._is_single:
            report.say((source.name, "title"), f": {counts}, {length(song.end)}")
        else:
            changes = f", {count(len(result.changes), 'change')}" if result.changes else ""
            report.say((source.shown, "title"), f": {counts}{changes} -> {written}")
        if not song.note_count:
            report.say(f"  no notes in this {'answer' if opened.is_answer else 'file'}")
        report.repairs(song.repairs)
        if self._is_single:
            report.changes(result.changes)
        if result.moves is not None:
            report.say(f"  {moves_line(result.moves, self._settings)}")
        if result.checked is not None:
            print_check(report, result, opened)
            if "mid" in result.files:
                report.say("  the .mid was read back: it holds every note as meant")
        if self._is_single and result.tempo is not None:
            report.say(f"  tempo in the .mid: {tempo_line(result.tempo, self._settings, opened)}")
        if self._is_single and written:
            report.say("  wrote ", (written, "good"))
