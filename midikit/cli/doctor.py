"""``midikit doctor``: is everything in order, and if not, what to do."""

from __future__ import annotations

import click

from midikit.cli.exits import Exit
from midikit.cli.report import Report, common_options

__all__ = ["doctor"]

_STYLES = {"ok": "good", "note": "note", "fix": "bad"}
_HELP = """Check that everything is in order before clips are paid for.

\b
Examples:
  midikit doctor
  midikit doctor --json

It looks at Python, the packages and extras, the token (which is never shown),
the service, the archive and the disk. Each line says ok, a note, or what to fix.
The service is only connected to: no call is made, and nothing is paid.

The exit code is 0 if there is nothing to fix, else 1.
"""


@click.command("doctor", help=_HELP)
@common_options
@click.pass_context
def doctor(ctx: click.Context, as_json: bool, quiet: bool, debug: bool) -> None:
    """Check that everything is in order before clips are paid for."""
    from midikit.cli.checkup import check_up  # noqa: PLC0415 - the help needs none of it

    report = Report(quiet=quiet, as_json=as_json, debug=debug)
    to_fix = 0
    for check in check_up():
        is_wrong = check.state == "fix"
        to_fix += is_wrong
        if as_json:
            row = {"check": check.name, "state": check.state, "text": check.text}
            report.row(row | {"exit": int(Exit.INPUT if is_wrong else Exit.DONE)})
        elif is_wrong or not quiet:
            mark = f"{check.state:<5}{check.name:<10}"
            report.bullet(check.text, style=_STYLES[check.state], indent=0, mark=mark)
    if to_fix:
        ctx.exit(Exit.INPUT)
    report.say("nothing to fix")
