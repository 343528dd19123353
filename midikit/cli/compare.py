"""``midikit compare``: two songs note by note."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from midikit.cli.exits import Exit
from midikit.cli.options import Number
from midikit.cli.report import Report, common_options
from midikit.cli.sources import open_source, resolve
from midikit.escape import printable

if TYPE_CHECKING:
    from midikit.cli.sources import Source

__all__ = ["compare"]

_HELP = """Compare two songs note by note.

\b
Examples:
  midikit compare hosted.mid song.json
  midikit compare song.json song.mid --tolerance 0.001

REF is what should be there, EST what is there: a .json answer, a .mid, - or a
clip id each. A note matches one of equal pitch in the same track whose start
is at most the tolerance away. The exit code is 5 if any note is missing or
extra, else 0.
"""


@click.command("compare", help=_HELP)
@click.argument("ref")
@click.argument("est")
@click.option(
    "--tolerance",
    type=Number(0.0),
    default=0.003,
    show_default=True,
    metavar="SECONDS",
    help="Largest difference of two starts.",
)
@common_options
@click.pass_context
def compare(
    ctx: click.Context,
    ref: str,
    est: str,
    tolerance: float,
    as_json: bool,
    quiet: bool,
    debug: bool,
) -> None:
    """Compare two songs note by note."""
    from midikit.verify.compare import compare as compare_songs  # noqa: PLC0415 - loads numpy

    report = Report(quiet=quiet, as_json=as_json, debug=debug)
    reference, estimate = _single(ref), _single(est)
    if reference.kind == estimate.kind == "stdin":
        raise click.UsageError("- is given twice; standard input can be read once")
    songs = []
    for source in (reference, estimate):
        try:
            songs.append(open_source(source).song)
        except Exception as error:  # noqa: BLE001 - said with the name of the input
            failed = report.failure(error, source.shown)
            if as_json:
                report.row({"error": failed, "exit": failed["exit"]})
            ctx.exit(failed["exit"])
    result = compare_songs(songs[0], songs[1], tolerance=tolerance)
    code = Exit.DONE if result.same else Exit.DIFFERENT
    if as_json:
        names = {"reference": reference.exactly, "estimate": estimate.exactly}
        report.row({**names, **result.to_dict(), "error": None, "exit": int(code)})
    elif not quiet:
        for number, line in enumerate(str(result).splitlines()):
            style = "" if number else ("good" if result.same else "bad")
            report.item(line, 0, style=style, data=True)
    ctx.exit(code)


def _single(word: str) -> Source:
    """Find out what a word stands for; a folder is no song."""
    sources = resolve([word])
    if len(sources) != 1:
        raise click.UsageError(f"{printable(word)}: compare takes two songs, not a folder of them")
    return sources[0]
