"""The command line: parse options, call the rooms below, print, map errors to exit codes.

Each command is a module of its own, imported when it is run.
"""

from __future__ import annotations

import os
from importlib import import_module

import click

__all__ = ["COMMANDS", "midikit"]

COMMANDS = {
    "demo": "See the whole way once: no token, no network.",
    "convert": "Turn answers and .mid files into .mid, rolls and tables.",
    "inspect": "Show what is in a song and what is wrong with it.",
    "compare": "Compare two songs note by note.",
    "view": "Make a page that shows and plays a song.",
    "play": "Play a song to a MIDI port.",
    "fetch": "Fetch clips from the service into the archive.",
    "archive": "List, verify, export and prune what was paid for.",
    "sandbox": "Run a free stand-in for the service on this machine.",
    "doctor": "Check that everything is in order before clips are paid for.",
}
"""Each command and what it does, so that the help of the group loads none of them."""

_HELP = """Turn an AI song's notes into MIDI that opens right.

\b
Examples:
  midikit demo                          see it work, offline
  midikit convert song.json             song.mid, ready for a DAW
  midikit convert broken.mid -o out/    mend a .mid that will not open
  midikit inspect song.json             what is in it, track by track
"""

_EPILOG = """\b
Exit codes: 0 done, 1 an input could not be read or converted, 2 usage,
3 the service or the network, 4 not finished at the deadline,
5 compared and different, 70 a bug of ours, 130 interrupted.
"""


class _LazyGroup(click.Group):
    """A group that knows its commands by name and imports one when it is run."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return list(COMMANDS)

    def get_command(
        self,
        ctx: click.Context,  # noqa: ARG002 - click's signature
        cmd_name: str,
    ) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = getattr(import_module(f"midikit.cli.{cmd_name}"), cmd_name)
        return command

    def format_commands(
        self,
        ctx: click.Context,  # noqa: ARG002 - click's signature
        formatter: click.HelpFormatter,
    ) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


def _print_version(ctx: click.Context, _: click.Parameter, value: bool) -> None:
    if value and not ctx.resilient_parsing:
        from importlib.metadata import version  # noqa: PLC0415 - only this option needs it

        click.echo(f"midikit {version('midikit')}")
        ctx.exit()


@click.group(
    cls=_LazyGroup,
    help=_HELP,
    epilog=_EPILOG,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 80},
)
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_print_version,
    help="Show the version and exit.",
)
def midikit() -> None:
    """Turn an AI song's notes into MIDI that opens right."""
    # Before numpy is loaded. What is multiplied is small: threads of OpenBLAS would double the CPU
    # time of a conversion and save none, and a process without any can be forked.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
