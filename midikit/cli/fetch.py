"""``midikit fetch``: clips from the service into the archive."""

from __future__ import annotations

from pathlib import Path

import click

from midikit.cli.calls import LARGE_BATCH, refuse_large_batch
from midikit.cli.fetch_plan import print_plan, print_resent
from midikit.cli.options import Number, WholeNumber
from midikit.cli.report import Report, common_options
from midikit.cli.sources import canonical_id, check_ids, read_stdin
from midikit.files import check_plain, read_bytes

__all__ = ["fetch", "read_ids"]

_MAX_LIST_BYTES = 1 << 24
_MOST_JOBS = 256
_HELP = f"""Fetch clips from the service into the archive.

\b
Examples:
  midikit fetch 29fc9d9e-a550-47d9-bfd2-6640a4025acc -o .
  midikit fetch --from ids.txt --dry-run
  midikit fetch --from ids.txt --max-credits 50 --jobs 8

The token comes from MIDIKIT_TOKEN, else from the private file token in the
folder of MIDIKIT_HOME, never from an option. A clip that is in the archive, in
the same folder, is not paid for again, so the same command goes on where it
ended. What would meet every clip, such as a refused token, an empty account or
a full disk, ends the batch; any other failure costs its own clip alone.
Ctrl-C makes no further call and waits for those that are out; a second one
does not.

A clip whose call may have been charged without an answer is not asked for
again, now or later, unless --resend-unknown allows it: up to a credit more.
More than {LARGE_BATCH} new clips in a script need --max-credits.

Of more than 20 clips only what failed is told, and the sums. --json prints an
object for each clip, as it comes.
"""


@click.command("fetch", help=_HELP)
@click.argument("clip_id", nargs=-1)
@click.option("--from", "id_file", metavar="FILE", help="Clip ids, one a line; - for stdin.")
@click.option(
    "-o",
    "--output",
    metavar="DIR",
    help="Also write ID.json and ID.hosted.mid there (ID.mid, rebuilt, if that is gone).",
)
@click.option(
    "--deadline",
    type=Number(0.0, min_open=True),
    default=300.0,
    show_default=True,
    metavar="SECONDS",
    help="Longest time for each clip.",
)
@click.option(
    "--jobs",
    type=WholeNumber(1, _MOST_JOBS),
    default=1,
    show_default=True,
    help="Clips at a time.",
)
@click.option(
    "--max-credits",
    type=WholeNumber(0),
    metavar="N",
    help="Stop before the call after N calls that may be charged.",
)
@click.option(
    "--resend-unknown",
    is_flag=True,
    help="Ask again for clips that may have been charged without an answer.",
)
@click.option("--dry-run", is_flag=True, help="Say what it would cost and fetch nothing.")
@click.option("--force", is_flag=True, help="Replace files in DIR.")
@common_options
@click.pass_context
def fetch(  # noqa: PLR0917 - click passes one argument an option
    ctx: click.Context,
    clip_id: tuple[str, ...],
    id_file: str | None,
    output: str | None,
    deadline: float,
    jobs: int,
    max_credits: int | None,
    resend_unknown: bool,
    dry_run: bool,
    force: bool,
    as_json: bool,
    quiet: bool,
    debug: bool,
) -> None:
    """Fetch clips from the service into the archive."""
    ids = list(dict.fromkeys(canonical_id(word.removeprefix("clip:")) for word in clip_id))
    if id_file is not None:
        ids = list(dict.fromkeys([*ids, *read_ids(id_file)]))
    if not ids:
        raise click.UsageError("no clip id given; pass some, or --from FILE")
    check_ids(ids)
    if output is not None and not output:
        raise click.UsageError("-o is empty; expected a folder")
    if output == "-":
        raise click.UsageError("-o takes a folder; two files are written for each clip")
    report = Report(quiet=quiet, as_json=as_json, debug=debug)
    if dry_run:
        print_plan(
            report, ids, deadline=deadline, max_credits=max_credits, resend_unknown=resend_unknown
        )
        return
    if max_credits is None:
        refuse_large_batch(ids, "pass --max-credits N")
    if resend_unknown:
        print_resent(report, ids)
    from midikit.cli.fetch_batch import Batch, Wishes  # noqa: PLC0415 - the help needs none of it

    folder = Path(output) if output else None
    wishes = Wishes(deadline, jobs, max_credits, resend_unknown, folder, force)
    batch = Batch(report, ids, wishes)
    batch.run()
    ctx.exit(batch.worst)


def read_ids(source: str) -> list[str]:
    """Read clip ids from a file.

    Parameters
    ----------
    source : str
        The file, or ``-`` for standard input: an id a line, ``#`` begins a comment.

    Returns
    -------
    list of str
        The ids in order.

    Raises
    ------
    InputError
        If it cannot be read.
    """
    if source == "-":
        data = read_stdin(_MAX_LIST_BYTES)
    else:
        check_plain(Path(source))
        data = read_bytes(source, max_bytes=_MAX_LIST_BYTES)
    lines = data.decode("utf-8-sig", "replace").splitlines()
    words = (line.partition("#")[0].strip() for line in lines)
    return [canonical_id(word.removeprefix("clip:")) for word in words if word]
