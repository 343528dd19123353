"""Values of options: numbers in ASCII digits, tempi, programs, and options without effect."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from midikit.escape import printable, quoted

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Number", "WholeNumber", "check_effects", "read_programs", "read_tempo"]

_SLOWEST, _FASTEST = 3.58, 60_000_000
_SHOWN = 40
_NUMBER = re.compile(r"[+-]?([0-9]{1,400}\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]{1,4})?")
_WHOLE = re.compile(r"[+-]?[0-9]{1,18}")
_OF_THE_MID = ("merge", "overlap", "short", "ticks_per_quarter")


class Number(click.FloatRange):
    """A number in ASCII digits within a range; no ``nan``, no ``inf``."""

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """Read the text of an option."""
        if isinstance(value, str) and not _is_number(value):
            self.fail(f"{quoted(value, _SHOWN)} is not a number", param, ctx)
        number: float = super().convert(value, param, ctx)
        return number


class WholeNumber(click.IntRange):
    """A whole number in ASCII digits within a range."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Read the text of an option."""
        if isinstance(value, str) and not _WHOLE.fullmatch(value):
            self.fail(f"{quoted(value, _SHOWN)} is not a whole number", param, ctx)
        number: int = super().convert(value, param, ctx)
        return number


def read_tempo(_: click.Context, __: click.Parameter, value: str) -> float | None:
    """Read --tempo.

    Parameters
    ----------
    value : str
        ``source`` or beats a minute.

    Returns
    -------
    float or None
        Beats a minute, None for the tempo of the source.

    Raises
    ------
    click.BadParameter
        If it is neither.
    """
    if value == "source":
        return None
    if not (_is_number(value) and _SLOWEST <= float(value) <= _FASTEST):
        raise click.BadParameter(
            f"{quoted(value, _SHOWN)} is no tempo; expected 'source' or beats a minute, "
            f"{_SLOWEST:g} to {_FASTEST:,.0f}"
        )
    return float(value)


def read_programs(_: click.Context, __: click.Parameter, values: Sequence[str]) -> dict[str, int]:
    """Read the --program options.

    Parameters
    ----------
    values : sequence of str
        Each ``NAME=NUMBER``.

    Returns
    -------
    dict of str to int
        Programs by track name.

    Raises
    ------
    click.BadParameter
        If one is not of this form, or a name is given twice.
    """
    chosen: dict[str, int] = {}
    for value in values:
        name, _sign, number = value.rpartition("=")
        if not (name and number.isascii() and number.isdigit() and int(number[:4]) <= 127):
            raise click.BadParameter(
                f"{printable(value, 80)}: expected NAME=NUMBER, a track's name and a program 0..127"
            )
        if name in chosen:
            raise click.BadParameter(f"{quoted(name)} is given twice; pass one program a name")
        chosen[name] = int(number)
    return chosen


def check_effects(ctx: click.Context, targets: Sequence[str]) -> None:
    """Refuse options of ``convert`` that would change nothing.

    Parameters
    ----------
    ctx : click.Context
        The command with its options.
    targets : sequence of str
        What is written.

    Raises
    ------
    click.UsageError
        If one has no effect.
    """
    values = ctx.params
    needs = {
        "strength": ("--quantize", values["division"] != "off"),
        "duplicates": ("--merge name", values["merge"] == "name"),
        "fs": ("--to npz", "npz" in targets),
        **dict.fromkeys(_OF_THE_MID, ("--to mid", "mid" in targets)),
    }
    for name, (needed, there) in needs.items():
        if not there and ctx.get_parameter_source(name) is ParameterSource.COMMANDLINE:
            option = f"--{name.replace('_', '-')}"
            raise click.UsageError(f"{option} has no effect without {needed}")
    if values["overrides"] and values["programs"] == "source":
        raise click.UsageError("--program changes what --programs name chooses; pass one of them")


def _is_number(text: str) -> bool:
    return _NUMBER.fullmatch(text) is not None and abs(float(text)) < float("inf")
