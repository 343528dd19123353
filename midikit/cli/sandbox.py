"""``midikit sandbox``: a stand-in for the service on this machine."""

from __future__ import annotations

import contextlib
import shlex
import shutil
import signal
import sys
import tempfile
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import click

from midikit.cli.options import WholeNumber
from midikit.cli.outputs import write_outputs
from midikit.cli.report import Report, common_options
from midikit.cli.table import Column
from midikit.cli.words import count, length
from midikit.errors import InputError
from midikit.fetch.home import HOME_VARIABLE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from midikit.sandbox.endpoint import Sandbox

__all__ = ["sandbox"]

_LIST = "list"
_HELP = """Run a free stand-in for the service on this machine.

\b
Examples:
  midikit sandbox
  midikit sandbox --port 8765 --polls 0
  midikit sandbox --fault 429 --fault made-7=cut-body --clips 9
  midikit sandbox --clips 5000 --ids ids.txt --fault flaky

It answers as the service does, with songs of its own, and charges nothing.
Paste the lines it prints into another terminal and fetch one of its clips
there. They name an archive of its own, so that nothing made up ends among
what you paid for. Ctrl-C ends it and removes that archive.

To rehearse what may go wrong, choose faults: --fault MODE for every clip,
--fault CLIP=MODE for one, MODE:TIMES for how often each clip meets it (a number,
or 'forever'); --fault list shows the modes. With --any-clip every clip id is
answered, so that your own list can be rehearsed; ids such as 500.song or
running_3.song choose their faults.

What it would have charged, and what the host of the .mid and a canary saw, is
shown as JSON at /ledger, clip by clip at /ledger/clips.
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
@click.option(
    "--fault",
    "faults",
    multiple=True,
    metavar="[CLIP=]MODE",
    help="Something that goes wrong; may be given several times.",
)
@click.option(
    "--clips",
    type=WholeNumber(0, 1_000_000),
    default=0,
    metavar="N",
    help="Answer N small made-up clips, made-1 and so on.",
)
@click.option("--ids", "id_file", metavar="FILE", help="Write the ids of the clips there.")
@click.option("--force", is_flag=True, help="Replace the FILE of --ids.")
@click.option("--any-clip", is_flag=True, help="Answer every clip id.")
@click.option("--repeat-charges", is_flag=True, help="Charge again for a clip that was delivered.")
@click.option("--poll-charges", is_flag=True, help="Charge calls while a clip is not ready.")
@click.option("--seed", type=WholeNumber(), default=0, help="Seed of --fault flaky.")
@common_options
def sandbox(  # noqa: PLR0917 - click passes one argument an option
    port: int,
    polls: int,
    faults: tuple[str, ...],
    clips: int,
    id_file: str | None,
    force: bool,
    any_clip: bool,
    repeat_charges: bool,
    poll_charges: bool,
    seed: int,
    as_json: bool,
    quiet: bool,
    debug: bool,
) -> None:
    """Run a free stand-in for the service on this machine."""
    from midikit.sandbox.server import serve  # noqa: PLC0415 - builds its songs

    report = Report(quiet=quiet, as_json=as_json, debug=debug)
    if _LIST in faults:
        _print_faults(report)
        return
    _check_faults(faults)
    with (
        _own_archive() as home,
        serve(
            port=port,
            polls=polls,
            clips=clips,
            any_clip=any_clip,
            faults=faults,
            repeat_charges=repeat_charges,
            poll_charges=poll_charges,
            seed=seed,
        ) as running,
    ):
        variables = running.environment | {HOME_VARIABLE: home}
        if id_file is not None:
            text = "".join(f"{clip_id}\n" for clip_id in running.clips)
            write_outputs({Path(id_file): text.encode()}, force=force)
        with contextlib.suppress(KeyboardInterrupt):  # how it is meant to end, at any time
            if as_json:
                titles = {song.id: song.title for song in running.songs}
                row = {"url": running.url, "environment": variables, "clips": titles}
                report.row(row | {"made": clips, "ledger": running.ledger_url})
            else:
                _print(report, running, variables, id_file)
            sys.stdout.flush()
            wait_for_interrupt()
        if not as_json:
            _print_totals(report, running)
    report.say("stopped")


@contextlib.contextmanager
def _own_archive() -> Iterator[str]:
    """Make a folder for what is fetched here: songs under ids of real clips are not to be kept."""
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    folder = tempfile.mkdtemp(prefix="midikit-sandbox-")
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        signal.signal(signal.SIGTERM, before)


def wait_for_interrupt() -> None:
    """Wait until Ctrl-C or SIGTERM."""
    threading.Event().wait()


def _check_faults(faults: tuple[str, ...]) -> None:
    """Refuse what is no fault as a slip of the command line."""
    from midikit.sandbox.rehearsal import read_fault  # noqa: PLC0415 - the help needs none of it

    for word in faults:
        try:
            read_fault(word)
        except InputError as error:
            raise click.UsageError(f"--{error}") from None


def _print_faults(report: Report) -> None:
    """Print every fault with what it does."""
    from midikit.sandbox.faults import FOREVER  # noqa: PLC0415 - see `_check_faults`
    from midikit.sandbox.rehearsal import FAULTS  # noqa: PLC0415 - see `_check_faults`

    rows = []
    for name, fault in FAULTS.items():
        times = "forever" if fault.times == FOREVER else f"{fault.times:,}"
        if report.as_json:
            report.row({"fault": name, "times": times, "tells": fault.tells})
        rows.append([name, times, fault.tells])
    if not report.as_json:
        report.table((Column("fault"), Column("times"), Column("what happens", least=20)), rows)


def _print(
    report: Report, running: Sandbox, variables: dict[str, str], id_file: str | None
) -> None:
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
    if rows:
        report.table(columns, rows, talk=True)
    clips = running.clips
    made = clips[len(rows) :]
    if made:
        names = made[0] if len(made) == 1 else f"{made[0]} to {made[-1]}"
        report.say(f"{count(len(made), 'made-up clip')}: {names}")
    report.say("")
    report.say("In another terminal, paste:")
    report.say("")
    for name, value in variables.items():
        report.data(f"export {name}={shlex.quote(value)}")
    report.say("")
    report.say("then, for example:")
    which = clips[0] if id_file is None else f"--from {shlex.quote(id_file)}"
    report.say(f"midikit fetch {which} -o .")
    report.say("")
    report.say(f"What it would have charged: {running.ledger_url}")
    report.say("Ctrl-C ends it.")


def _print_totals(report: Report, running: Sandbox) -> None:
    """Print what it would have charged."""
    totals = running.ledger.totals()
    if totals["posts"]:
        report.item(
            f"{count(totals['posts'], 'call')} for {count(totals['clips'], 'clip')}: "
            f"{count(totals['charged'], 'credit')} charged, {totals['refunded']:,} refunded, "
            f"{count(totals['delivered'], 'answer')} delivered, "
            f"{count(totals['downloads'], 'download')}",
            0,
        )
