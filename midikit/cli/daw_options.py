"""The options of ``convert`` for what goes into a DAW: parts, kits and accents."""

from __future__ import annotations

from typing import Any

import click

__all__ = ["DAW_OPTIONS", "check_daw_options"]

DAW_OPTIONS = (
    click.option("--split", is_flag=True, help="A .mid an instrument: Song (Drums).mid."),
    click.option("--zip", "zipped", is_flag=True, help="The same in one Song.zip."),
    click.option(
        "--drum-map",
        metavar="FILE",
        help="Move drums to other keys: lines such as 35 -> 36, or Electric Snare = 38.",
    ),
    click.option(
        "--accent",
        is_flag=True,
        help="Accents from the beat for parts of one velocity; they stay flat without.",
    ),
)


def check_daw_options(values: dict[str, Any]) -> None:
    """Refuse options that would change nothing, or contradict each other.

    Parameters
    ----------
    values : dict
        The options of ``convert`` by name.

    Raises
    ------
    click.UsageError
        If one does.
    """
    if values["drum_map"] in {"", "-"}:
        raise click.UsageError("--drum-map takes a file; expected a path")
