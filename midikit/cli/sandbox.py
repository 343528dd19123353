"""``midikit sandbox``: a stand-in for the service on this machine."""

from __future__ import annotations

import sys
import threading
from typing import TYPE_CHECKING

import click

from midikit.cli.options import WholeNumber
from midikit.cli.report import Report, common_options
from midikit.cli.table import Column
from midikit.cli.words import length

if TYPE_CHECKING:
    from midikit.sandbox.endpoint import Sandbox

__all__ = ["sandbox"]

_HELP = """Run a free stand-in for the service on this machine.

\b
Examples:
  midikit sandbox
  midikit sandbox --port 8765 --polls 0

It answers as the service does, with songs of its own, and charges nothing.
Paste the three lines it prints into another terminal and fetch one of its
clips there. Ctrl-C ends it.
"""


@click.command("sandbox", help=_HELP)
@click.option("--port", type=WholeNumber(0, 65_535), default=0, help="Port; 0 for any free one.")
@click.option(
    "--polls",
    type=WholeNumber(0, 1000),
    default=2,
    show_default=True,
    help="Calls answered with 'running' before the notes come.",
)
@common_options
def sandbox(port: int, polls: int, as_json: bool, quiet: bool, debug: bool) -> None:
    """Run a free stand-in for the service on this machine."""
    from midikit.sandbox.server import serve  # noqa: PLC0415 - builds its songs

    report = Report(quiet=quiet, as_json=as_json, debug=debug)
    with serve(port=port, polls=polls) as running:
        if as_json:
            clips = {song.id: song.title for song in running.songs}
            report.row({"url": running.url, "environment": running.environment, "clips": clips})
        else:
            _print(report, running)
        sys.stdout.flush()
        wait_for_interrupt()
    report.say("stopped")


def wait_for_interrupt() -> None:
    """Wait until Ctrl-C, which is how a server is meant to end."""
    try:
        threading.Event().wait()
    except KeyboardInterrupt:
        return


def _print(report: Report, running: Sandbox) -> None:
    """Print what there is and how to use it."""
    rows = [
        [song.id, song.title, f"{song.note_count:,}", length(float(song.beats[-1]))]
        for song in running.songs
    ]
    columns = (
        Column("clip id"),
        Column("title", least=8),
        Column("notes", right=True),
        Column("length", right=True),
    )
    report.table(columns, rows, talk=True)
    report.say("")
    report.say("In another terminal, paste:")
    report.say("")
    for name, value in running.environment.items():
        report.data(f"export {name}={value}")
    report.say("")
    report.say("then, for example:")
    report.say(f"midikit fetch {running.clips[0]} -o .")
    report.say("")
    report.say("Ctrl-C ends it.")
