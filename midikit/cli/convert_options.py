"""The options of ``convert``, in the sections in which its help shows them."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

import click

from midikit.cli.cleaning import CLEAN_OPTIONS
from midikit.cli.daw_options import DAW_OPTIONS
from midikit.cli.key import key_option
from midikit.cli.options import Number, ProcessNumber, WholeNumber, read_programs, read_tempo
from midikit.cli.report import common_options

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["SectionedCommand", "convert_options"]

_DIVISIONS = ("off", "auto", "1/4", "1/8", "1/16", "1/32", "1/8t", "1/16t")

_SECTIONS: dict[str, tuple[Callable[[Any], Any], ...]] = {
    "Options": (
        click.option("-o", "--output", metavar="FILE|DIR", help="File, folder or - for stdout."),
        click.option(
            "--to",
            "targets",
            multiple=True,
            metavar="TARGET",
            help="mid (default), npz (piano roll), notes.npz, csv, wav, html, png, svg; several "
            "with commas.",
        ),
        click.option(
            "--merge", is_flag=True, help="Make one song of all SOURCEs, such as its stems."
        ),
        click.option(
            "--check",
            metavar="hosted|FILE",
            help="Compare with the hosted .mid, or with a file.",
        ),
        click.option("--strict", is_flag=True, help="Refuse damaged input instead of mending it."),
        click.option("--force", is_flag=True, help="Replace files that are there."),
        click.option("--fetch", is_flag=True, help="Pay for clips that are not in the archive."),
        click.option(
            "--deadline",
            type=Number(0.0, min_open=True),
            default=300.0,
            metavar="SECONDS",
            help="Longest wait for a clip.",
        ),
        click.option(
            "--jobs",
            type=ProcessNumber(1),
            default=1,
            metavar="N|auto",
            help="Processes to convert in; auto: one a processor.",
        ),
    ),
    "Tempo and bars": (
        click.option(
            "--tempo",
            callback=read_tempo,
            default="auto",
            metavar="auto|constant|source|BPM",
            help="auto (default): found in the notes, which keep their seconds. constant: one "
            "tempo, the notes moved with it. source: as claimed. BPM: as you say.",
        ),
        click.option(
            "--tempo-hint",
            type=Number(10.0, 600.0),
            metavar="BPM",
            help="About how fast it is; counts felt beats.",
        ),
        click.option(
            "--beats-per-bar",
            type=WholeNumber(1, 16),
            metavar="N",
            help="Felt beats in a bar: 4 in 4/4, 2 in 6/8.",
        ),
        click.option(
            "--downbeat",
            type=Number(-3600.0, 36_000.0),
            metavar="SECONDS",
            help="Where a bar line is, about, if they came out wrong.",
        ),
        click.option(
            "--sync",
            type=click.Choice(["time", "bar"]),
            default="time",
            help="time (default): second 0 stays. bar: the first downbeat becomes bar 1.",
        ),
        click.option(
            "--bar-markers", is_flag=True, help="Write a marker at each bar line, as a DAW counts."
        ),
        click.option(
            "--align/--no-align",
            default=None,
            help="Put parts that lag each other together; done without asking where notes "
            "move onto the beat that was found.",
        ),
    ),
    "Key": (key_option,),
    "Quantizing": (
        click.option(
            "--quantize",
            "division",
            type=click.Choice(_DIVISIONS),
            default="off",
            metavar="off|auto|1/4|...",
            help="Move notes onto lines: 1/4, 1/8, 1/16, 1/32, triplets 1/8t, 1/16t, or "
            "auto: what each bar was played on.",
        ),
        click.option(
            "--strength",
            type=Number(0.0, 1.0),
            default=1.0,
            metavar="SHARE",
            help="How far to move them, 0 to 1.",
        ),
        click.option(
            "--swing",
            type=Number(0.5, 0.75),
            metavar="RATIO",
            help="Where offbeats lie: 0.5 straight to 0.75.",
        ),
        click.option(
            "--triplets",
            type=click.Choice(["auto", "yes", "no"]),
            default="auto",
            help="Whether a bar may be in triplets.",
        ),
        click.option(
            "--window",
            type=Number(0.0),
            metavar="SECONDS",
            help="Leave what is farther from its line.",
        ),
        click.option(
            "--ends",
            type=click.Choice(["keep", "snap"]),
            default="keep",
            help="Keep lengths, or put ends on lines as well.",
        ),
    ),
    "Sync with the audio": (
        click.option(
            "--audio-offset",
            type=Number(-3600.0, 3600.0),
            metavar="SECONDS",
            help="Move everything so much later (negative: earlier).",
        ),
        click.option(
            "--audio",
            multiple=True,
            metavar="FILE.wav",
            help="Measure that from the song or its stems; repeatable. "
            "If in doubt, the song stays.",
        ),
    ),
    "Into a DAW": DAW_OPTIONS,
    "Cleaning": CLEAN_OPTIONS,
    "Sounds, notes and rolls": (
        click.option(
            "--programs",
            type=click.Choice(["name", "source"]),
            default="name",
            help="Sounds by the tracks' names, or as the input claims.",
        ),
        click.option(
            "--program",
            "overrides",
            multiple=True,
            callback=read_programs,
            metavar="NAME=NUMBER",
            help="Sound 0..127 of the tracks of a name; repeatable.",
        ),
        click.option(
            "--merge-tracks",
            type=click.Choice(["off", "name"]),
            default="off",
            help="Join tracks of one name.",
        ),
        click.option(
            "--duplicates",
            type=click.Choice(["collapse", "keep"]),
            default="collapse",
            help="Notes that joined tracks both hold.",
        ),
        click.option(
            "--overlap",
            type=click.Choice(["trim", "spill", "keep", "error"]),
            default="trim",
            help="A pitch that is struck again while it sounds.",
        ),
        click.option(
            "--short",
            type=click.Choice(["tick", "keep"]),
            default="tick",
            help="Notes shorter than a tick.",
        ),
        click.option(
            "--ticks-per-quarter",
            type=WholeNumber(1, 32_767),
            metavar="N",
            help="Resolution of the .mid; 480, or the input's.",
        ),
        click.option(
            "--fs",
            type=Number(0.0, min_open=True),
            default=100.0,
            metavar="N",
            help="Frames a second of the roll.",
        ),
        click.option(
            "--per-beat",
            type=WholeNumber(1, 960),
            metavar="N",
            help="Frames a beat of the roll instead.",
        ),
    ),
}


def convert_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options of ``convert``, and those that every command has.

    Parameters
    ----------
    command : callable
        The command's function.

    Returns
    -------
    callable
        The function with the options.
    """
    options = [option for section in _SECTIONS.values() for option in section]
    return functools.reduce(
        lambda function, option: option(function), reversed(options), common_options(command)
    )


class SectionedCommand(click.Command):
    """A command whose help shows its options in sections."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the options, those of every command at the end of the first section.

        Parameters
        ----------
        ctx : click.Context
            The command.
        formatter : click.HelpFormatter
            Where they are written.
        """
        options = [param for param in self.get_params(ctx) if isinstance(param, click.Option)]
        own = sum(map(len, _SECTIONS.values()))
        of_all, first = options[own:], 0
        for title, decorators in _SECTIONS.items():
            section = options[first : first + len(decorators)]
            first += len(decorators)
            shown = section + (of_all if title == "Options" else [])
            records = [option.get_help_record(ctx) for option in shown]
            with formatter.section(title):
                formatter.write_dl([record for record in records if record is not None])
