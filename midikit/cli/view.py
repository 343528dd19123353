"""``midikit view``: a page that shows and plays a song."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from midikit.cli.exits import Exit
from midikit.cli.outputs import Destination, refuse_same, typed, write_outputs, write_stdout
from midikit.cli.report import Report, common_options
from midikit.cli.sources import open_source, resolve
from midikit.cli.words import count, length, size
from midikit.escape import printable

if TYPE_CHECKING:
    from pathlib import Path

    from midikit.cli.sources import Opened, Source
    from midikit.model.song import Song

__all__ = ["view"]

_HELP = """Make a page that shows and plays a song.

\b
Examples:
  midikit view song.mid                       song.html, for any browser
  midikit view answer.json -o page.html --open
  midikit view answer.json --hosted hosted.mid

SOURCE is an answer, a .mid, - or a clip id from the archive. The page is one
file: a piano roll with bars and beats, playback with drums, solo, mute, speed,
loop. It asks no server for anything. A clip that came with its hosted .mid, or
--hosted, makes the page switch between the two and mark where they differ.
"""


@click.command("view", help=_HELP)
@click.argument("source")
@click.option("-o", "--output", metavar="FILE|DIR", help="File, folder or - for stdout.")
@click.option("--hosted", metavar="FILE.mid", help="Another version, to switch to and compare.")
@click.option("--open", "is_opened", is_flag=True, help="Open the page in the browser.")
@click.option("--force", is_flag=True, help="Replace a file that is there.")
@common_options
@click.pass_context
def view(
    ctx: click.Context,
    source: str,
    output: str | None,
    hosted: str | None,
    is_opened: bool,
    force: bool,
    as_json: bool,
    quiet: bool,
    debug: bool,
) -> None:
    """Make a page that shows and plays a song."""
    report = Report(quiet=quiet, as_json=as_json, debug=debug)
    one, other = _single(source), None if hosted is None else _single(hosted)
    if other is not None and one.kind == other.kind == "stdin":
        raise click.UsageError("- is given twice; standard input can be read once")
    (destination,) = Destination.of_all([one], ["html"], output)
    path = destination.paths.get("html")
    if path is None and (as_json or is_opened):
        option = "--json" if as_json else "--open"
        raise click.UsageError(f"{option} goes with a file, not with stdout; pass -o FILE")
    at = one.shown
    try:
        opened = open_source(one)
        if other is not None:
            at = other.shown
            if other.path is not None and path is not None:
                refuse_same(other.path, path)
            second: Song | None = open_source(other).song
        else:
            second = _hosted(opened)
        at = one.shown
        page = _page(one, opened, second)
        if path is None:
            write_stdout(page)
        else:
            write_outputs({path: page}, force=force)
    except BrokenPipeError:
        raise
    except Exception as error:  # noqa: BLE001 - said with the name of the input
        failed = report.failure(error, at)
        if as_json:
            report.row({"source": one.exactly, "error": failed, "exit": failed["exit"]})
        ctx.exit(failed["exit"])
    _tell(report, one, opened.song, path, len(page))
    if is_opened and path is not None:
        click.launch(path.absolute().as_uri())


def _single(word: str) -> Source:
    """Find out what a word stands for; a folder is no song."""
    sources = resolve([word])
    if len(sources) != 1:
        raise click.UsageError(f"{printable(word)}: view takes one song, not a folder of them")
    return sources[0]


def _hosted(opened: Opened) -> Song | None:
    """Read the hosted .mid that came with a clip."""
    if opened.hosted is None:
        return None
    from midikit.parse.midi import read_midi  # noqa: PLC0415 - loads numpy

    return read_midi(opened.hosted)


def _page(source: Source, opened: Opened, hosted: Song | None) -> bytes:
    from midikit.view.html import to_html  # noqa: PLC0415 - loads numpy

    title = opened.song.title or source.stem
    return to_html(opened.song, hosted=hosted, title=title).encode()


def _tell(report: Report, source: Source, song: Song, path: Path | None, written: int) -> None:
    """Say what was made, and where it is."""
    if report.as_json:
        row: dict[str, Any] = {
            "source": source.exactly,
            "notes": song.note_count,
            "seconds": song.end,
            "outputs": [] if path is None else [{"path": str(path), "bytes": written}],
            "error": None,
            "exit": int(Exit.DONE),
        }
        report.row(row)
        return
    facts = [count(len(song.tracks), "track"), count(song.note_count, "note"), length(song.end)]
    report.heading(source.name, ", ".join(facts))
    report.repairs(song.repairs)
    if path is not None:
        report.say("  wrote ", (f"{typed(path)} ({size(written)})", "good"))
