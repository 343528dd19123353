"""``midikit play``: a song to a MIDI port."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from midikit.cli.options import Number
from midikit.cli.report import Report, common_options
from midikit.cli.sources import open_source, resolve
from midikit.cli.words import count, length
from midikit.errors import OutputError
from midikit.escape import printable
from midikit.extras import how_to_get

if TYPE_CHECKING:
    from midikit.cli.sources import Source
    from midikit.model.song import Song

__all__ = ["play"]

_HELP = """Play a song to a MIDI port.

\b
Examples:
  midikit play --list-ports
  midikit play song.mid --port "FLUID Synth"
  midikit play answer.json --port IAC --start 30 --speed 0.5

SOURCE is an answer, a .mid, - or a clip id. NAME is that of a port, or part of
it if no other has it. Notes keep their seconds. Ctrl-C ends it, with every note
ended. Ports need midikit[ports].
"""


@click.command("play", help=_HELP)
@click.argument("source", required=False)
@click.option("--port", "name", metavar="NAME", help="Port to play to; the only one if not given.")
@click.option("--list-ports", is_flag=True, help="List the ports and end.")
@click.option(
    "--start", type=Number(0.0), default=0.0, metavar="SECONDS", help="Where to begin in the song."
)
@click.option(
    "--speed",
    type=Number(0.05, 20.0),
    default=1.0,
    show_default=True,
    help="How many of its seconds pass in one.",
)
@common_options
@click.pass_context
def play(
    ctx: click.Context,
    source: str | None,
    name: str | None,
    list_ports: bool,
    start: float,
    speed: float,
    as_json: bool,
    quiet: bool,
    debug: bool,
) -> None:
    """Play a song to a MIDI port."""
    report = Report(quiet=quiet, as_json=as_json, debug=debug)
    if source is None and not list_ports:
        raise click.UsageError("no SOURCE; expected a song, or --list-ports")
    shown = exactly = "ports"
    try:
        ports = _ports()
        if list_ports:
            _list(report, ports)
            return
        song = _single(source or "")
        shown, exactly = song.shown, song.exactly
        begun = _play(report, open_source(song).song, _chosen(ports, name), start, speed)
    except click.UsageError:
        raise
    except Exception as error:  # noqa: BLE001 - said with the name of the input
        failed = report.failure(error, shown)
        if as_json:
            report.row({"error": failed, "exit": failed["exit"]})
        ctx.exit(failed["exit"])
    if as_json:
        report.row({"source": exactly, "notes": begun, "error": None, "exit": 0})


def _single(word: str) -> Source:
    """Find out what a word stands for; a folder is no song."""
    sources = resolve([word])
    if len(sources) != 1:
        raise click.UsageError(f"{printable(word)}: play takes one song, not a folder of them")
    return sources[0]


def _ports() -> list[str]:
    """Name the ports there are."""
    import mido  # noqa: PLC0415 - the help needs none of it

    try:
        names: list[str] = mido.get_output_names()
    except ImportError:
        raise OutputError(how_to_get("ports")) from None
    except Exception as error:  # noqa: BLE001 - rtmidi raises classes of its own
        raise OutputError(
            f"the system's MIDI ports cannot be reached: {printable(error)}"
        ) from None
    return list(dict.fromkeys(names))


def _list(report: Report, ports: list[str]) -> None:
    """Print a port a line."""
    for name in ports:
        if report.as_json:
            report.row({"port": name})
        else:
            report.data(printable(name))
    if not ports and not report.as_json:
        report.say("no MIDI port; start a synthesizer, or connect an instrument")


def _chosen(ports: list[str], name: str | None) -> str:
    """Find the port that is meant."""
    shown = ", ".join(f"'{printable(port)}'" for port in ports) or "none"
    if name is None:
        if len(ports) == 1:
            return ports[0]
        raise click.UsageError(f"which port? pass --port NAME; there are: {shown}")
    found = [port for port in ports if port == name] or [
        port for port in ports if name.casefold() in port.casefold()
    ]
    if len(found) != 1:
        what = "no such port" if not found else "more than one port has that"
        raise click.UsageError(f"--port {printable(name)}: {what}; there are: {shown}")
    return found[0]


def _play(report: Report, song: Song, name: str, start: float, speed: float) -> int:
    """Open the port and play."""
    import mido  # noqa: PLC0415 - the help needs none of it

    from midikit.convert.play import play as play_song  # noqa: PLC0415 - loads numpy

    report.say(
        f"{count(song.note_count, 'note')}, {length(max(0.0, song.end - start) / speed)}, to "
        f"'{printable(name)}'; Ctrl-C ends it"
    )
    port: Any = None
    try:
        port = mido.open_output(name)
        return play_song(song, port, start=start, speed=speed)
    except OSError as error:
        raise OutputError(f"port '{printable(name)}': {printable(error)}") from None
    finally:
        if port is not None:
            port.close()
