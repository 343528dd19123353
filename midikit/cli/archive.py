"""``midikit archive``: what was paid for, without network or token."""

from __future__ import annotations

import contextlib
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from midikit.cli.exits import Exit, as_options
from midikit.cli.options import Number
from midikit.cli.records import moment, print_records, record_row
from midikit.cli.report import MOST_LINES, Report, common_options, is_terminal
from midikit.cli.rows import error_row
from midikit.cli.sources import canonical_id, check_ids
from midikit.cli.words import count, size
from midikit.errors import InputError
from midikit.escape import printable

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from midikit.fetch.archive import State
    from midikit.fetch.disk.checkup import Damage
    from midikit.fetch.disk.sqlite import SqliteArchive

__all__ = ["archive"]

# Written out, so that the help loads no ledger; a test holds them against it.
_STATES: tuple[State, ...] = (
    "in flight",
    "running",
    "unknown",
    "refundable",
    "delivered",
    "failed",
)
_PRUNED = ("failed", "refundable", "running")
_HELP = """List, verify, export and prune what was paid for.

\b
Examples:
  midikit archive list --state unknown
  midikit archive verify
  midikit archive export saved/
  midikit archive import saved/

Everything lies in the folder that 'midikit archive path' prints (MIDIKIT_HOME
moves it): the answers byte for byte, the .mid files, and a ledger of every paid
call. Nothing here needs a token or the network, and nothing is paid for.
"""
_LIST = """List clips, their state and their last paid call.

\b
Examples:
  midikit archive list
  midikit archive list --state unknown --state "in flight"
  midikit archive list --json | jq -r .clip_id

A clip is in flight while its call is out, running while the service works,
unknown if nobody knows whether its last call was charged, refundable if nothing
was charged in the end, delivered once its answer is here, or failed.
"""
_SHOW = """Show everything that is known of a clip.

\b
Examples:
  midikit archive show 29fc9d9e-a550-47d9-bfd2-6640a4025acc
"""
_VERIFY = """Read every byte and say what is damaged.

\b
Examples:
  midikit archive verify
  midikit archive verify --json | jq .damage

Every row, answer, .mid and fragment is held against its SHA-256, the ledger
against the log beside it, and the database against its own rules. Nothing is
changed. A damaged clip is never bought again; 'archive import' puts a sound
copy in its place.
"""
_EXPORT = """Write answers and .mid files into a folder.

\b
Examples:
  midikit archive export saved/
  midikit archive export saved/ 29fc9d9e-a550-47d9-bfd2-6640a4025acc

ID.json is the answer byte for byte, ID.mid the file beside it, and
midikit-archive.jsonl the list of them for the way back. Files that are there
already are left; one that holds something else is an error without --force.
"""
_IMPORT = """Take over what an export wrote.

\b
Examples:
  midikit archive import saved/

A clip that is here stays as it is; one that is damaged here is put right. A
folder without midikit-archive.jsonl works too: each ID.json is a clip then.
"""
_PATH = """Print where the archive is.

\b
Examples:
  cp -a "$(midikit archive path)" /backup/
"""
_PRUNE = """Remove clips that have no answer.

\b
Examples:
  midikit archive prune --dry-run
  midikit archive prune --older-than 30 --state failed
  midikit archive prune --delivered --older-than 365

Clips that failed or were refunded go, unless --state says other ones. What may
have been paid for (in flight, unknown) stays, and so does what is delivered
unless --delivered is given: it would have to be paid for again.
"""


@click.group("archive", help=_HELP, context_settings={"help_option_names": ["-h", "--help"]})
def archive() -> None:
    """List, verify, export and prune what was paid for."""


@archive.command("list", help=_LIST)
@click.option("--state", "states", multiple=True, type=click.Choice(_STATES), help="Only these.")
@common_options
@click.pass_context
def list_clips(
    ctx: click.Context, states: tuple[State, ...], as_json: bool, quiet: bool, debug: bool
) -> None:
    """List clips, their state and their last paid call."""
    report = Report(quiet=quiet, as_json=as_json, debug=debug)
    damaged: list[InputError] = []
    with _opened() as opened:
        found = list(opened.records(states or _STATES, on_damage=damaged.append))
    if as_json:
        for record in found:
            report.row(record_row(record) | {"error": None, "exit": 0})
        for error in damaged:
            report.row({"error": error_row(error, ""), "exit": int(Exit.INPUT)})
    elif found:
        print_records(report, found)
    if not (found or damaged):
        report.say(f"{_shown(opened)}: no clip" + (" of these states" if states else ""))
    for error in () if as_json else damaged[:MOST_LINES]:
        report.failure(error, "")
    if damaged:
        report.say((f"{count(len(damaged), 'damaged clip')}; see midikit archive verify", "bad"))
        ctx.exit(Exit.INPUT)


@archive.command("show", help=_SHOW)
@click.argument("clip_id")
@common_options
def show(clip_id: str, as_json: bool, quiet: bool, debug: bool) -> None:
    """Show everything that is known of a clip."""
    (clip_id,) = _ids([clip_id])
    report = Report(quiet=quiet, as_json=as_json, debug=debug)
    with _opened() as opened:
        stored = opened.load(clip_id)
        fragments = opened.fragments(clip_id)
    if stored is None:
        raise InputError(f"clip {clip_id}", "", "not in the archive")
    record = stored.record
    sizes = [None if data is None else len(data) for data in (stored.answer, stored.midi)]
    if as_json:
        names = {"answer_bytes": sizes[0], "midi_bytes": sizes[1], "damage": stored.damage}
        lengths = [len(data) for data in fragments]
        report.row(record_row(record) | names | {"fragments": lengths, "error": None, "exit": 0})
        return
    origin = f" ({record.midi_origin})" if record.midi_origin else ""
    facts = {
        "state": record.state + (", held by a program that is running" if record.owner else ""),
        "answer": _piece(sizes[0], record.answer_sha256),
        f".mid{origin}": _piece(sizes[1], record.midi_sha256),
        "no .mid": stored.damage or record.midi_problem,
        "came by": record.source,
        "paid calls": f"{record.calls:,}" + (f", last {moment(record.sent)}" * (record.calls > 0)),
        "changed": moment(record.changed),
        "problem": record.problem,
        "fragments": ", ".join(size(len(data)) for data in fragments),
    }
    report.data((f"clip {printable(clip_id)}", "title"))
    for name, fact in facts.items():
        if fact:
            report.bullet(fact, mark=f"{name}:")


@archive.command("verify", help=_VERIFY)
@common_options
@click.pass_context
def verify(ctx: click.Context, as_json: bool, quiet: bool, debug: bool) -> None:
    """Read every byte and say what is damaged."""
    report = Report(quiet=quiet, as_json=as_json, debug=debug)
    with _opened() as opened, _working(report, "reading every byte"):
        found = opened.verify()
    code = Exit.INPUT if found.damage else Exit.DONE
    if as_json:
        report.row({"home": str(opened.home)} | asdict(found) | {"exit": int(code)})
    else:
        pieces = (
            count(found.answers, "answer"),
            f"{found.midis:,} .mid",
            count(found.fragments, "fragment"),
        )
        report.say(
            f"{_shown(opened)}: {count(found.clips, 'clip')}; {', '.join(pieces)} read and sound, "
            f"{size(found.size)}"
        )
        _print_damage(report, found.damage)
        if not found.damage:
            report.say(("no damage", "good"))
    ctx.exit(code)


@archive.command("export", help=_EXPORT)
@click.argument("folder", metavar="DIR")
@click.argument("clip_id", nargs=-1)
@click.option("--force", is_flag=True, help="Write over files that hold something else.")
@common_options
@click.pass_context
def export(
    ctx: click.Context,
    folder: str,
    clip_id: tuple[str, ...],
    force: bool,
    as_json: bool,
    quiet: bool,
    debug: bool,
) -> None:
    """Write answers and .mid files into a folder."""
    only = _ids(clip_id) or None
    report = Report(quiet=quiet, as_json=as_json, debug=debug)
    with _opened() as opened, _working(report, "writing files"):
        done = opened.export(_folder(folder), only, force=force)
    code = Exit.INPUT if done.damage else Exit.DONE
    if as_json:
        report.row(
            {"home": str(opened.home), "output": folder} | asdict(done) | {"exit": int(code)}
        )
    else:
        files = f"{count(done.written, 'file')} written, {done.same:,} there already"
        report.say(
            f"{printable(folder, 200)}: {count(done.clips, 'clip')} of {_shown(opened)}; {files}"
        )
        _print_damage(report, done.damage)
    ctx.exit(code)


@archive.command("import", help=_IMPORT)
@click.argument("folder", metavar="DIR")
@common_options
@click.pass_context
def import_folder(ctx: click.Context, folder: str, as_json: bool, quiet: bool, debug: bool) -> None:
    """Take over what an export wrote."""
    report = Report(quiet=quiet, as_json=as_json, debug=debug)
    with _opened() as opened, _working(report, "reading files"):
        done = opened.import_folder(_folder(folder))
    code = Exit.INPUT if done.damage else Exit.DONE
    if as_json:
        report.row({"home": str(opened.home), "input": folder} | asdict(done) | {"exit": int(code)})
    else:
        rest = f"{done.restored:,} put right, {done.same:,} there already"
        report.say(f"{_shown(opened)}: {count(done.added, 'clip')} added, {rest}")
        _print_damage(report, done.damage)
    ctx.exit(code)


@archive.command("path", help=_PATH)
@common_options
def path(as_json: bool, quiet: bool, debug: bool) -> None:
    """Print where the archive is."""
    from midikit.fetch.home import home_folder  # noqa: PLC0415 - the help needs none of it

    report = Report(quiet=quiet, as_json=as_json, debug=debug)
    home = home_folder().absolute()
    if as_json:
        report.row({"home": str(home), "exit": 0})
    else:
        # Exactly for a script; a terminal is shown what it cannot obey.
        report.line(printable(home, 4096) if is_terminal(sys.stdout) else str(home))


@archive.command("prune", help=_PRUNE)
@click.option("--state", "states", multiple=True, type=click.Choice(_PRUNED), help="Only these.")
@click.option(
    "--older-than",
    type=Number(0.0),
    default=0.0,
    metavar="DAYS",
    help="Only what has not changed since.",
)
@click.option("--delivered", is_flag=True, help="Remove delivered clips and their answers.")
@click.option("--dry-run", is_flag=True, help="Say what would go and remove nothing.")
@common_options
def prune(
    states: tuple[State, ...],
    older_than: float,
    delivered: bool,
    dry_run: bool,
    as_json: bool,
    quiet: bool,
    debug: bool,
) -> None:
    """Remove clips that have no answer."""
    report = Report(quiet=quiet, as_json=as_json, debug=debug)
    if delivered:
        states = (*states, "delivered")
    chosen: tuple[State, ...] = states or ("failed", "refundable")
    with _opened() as opened:
        gone = opened.prune(
            chosen, older_than_days=older_than, delivered=delivered, dry_run=dry_run
        )
    if as_json:
        for record in gone:
            report.row(record_row(record) | {"removed": not dry_run, "error": None, "exit": 0})
        return
    if gone and dry_run:
        print_records(report, gone)
    said = "would be removed" if dry_run else "removed"
    report.say(f"{count(len(gone), 'clip')} {said} ({', '.join(chosen)})")


def _opened() -> SqliteArchive:
    """Open the archive."""
    from midikit.fetch.disk.sqlite import SqliteArchive  # noqa: PLC0415 - the help needs none of it

    return SqliteArchive()


def _shown(opened: SqliteArchive) -> str:
    """Name its folder for a terminal; --json has it whole."""
    return printable(opened.home, 200)


@contextlib.contextmanager
def _working(report: Report, what: str) -> Iterator[None]:
    """Show on a terminal that something is going on."""
    if not (report.talks and is_terminal(sys.stderr)):
        yield
        return
    from rich.console import Console  # noqa: PLC0415 - only a terminal needs it

    with Console(file=sys.stderr).status(what):
        yield


def _ids(words: Sequence[str]) -> list[str]:
    """Read clip ids as the other commands do."""
    ids = [canonical_id(word.removeprefix("clip:")) for word in words]
    check_ids(ids)
    return list(dict.fromkeys(ids))


def _folder(word: str) -> Path:
    if not word:
        raise click.UsageError("DIR is empty; is a variable unset?")
    return Path(word)


def _print_damage(report: Report, damage: Sequence[Damage]) -> None:
    """Print what is damaged, however quiet."""
    for item in damage[:MOST_LINES]:
        report.line(f"Error: {printable(as_options(str(item)), 280)}", is_error=True)
    if len(damage) > MOST_LINES:
        report.line(f"and {len(damage) - MOST_LINES:,} more", is_error=True)
    if damage:
        report.say((f"{count(len(damage), 'fault')}", "bad"))


def _piece(number: int | None, digest: str) -> str:
    return "" if number is None else f"{size(number)}, SHA-256 {digest}"
