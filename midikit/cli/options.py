"""Values of options: numbers in ASCII digits, tempi, programs, and options without effect."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from midikit.cli.daw_options import check_daw_options
from midikit.escape import printable, quoted

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Number", "ProcessNumber", "WholeNumber", "check_effects", "read_programs", "read_tempo"]

_SLOWEST, _FASTEST = 3.58, 60_000_000
_SHOWN = 40
_NUMBER = re.compile(r"[+-]?([0-9]{1,400}\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]{1,4})?")
_WHOLE = re.compile(r"[+-]?[0-9]{1,18}")
_TEMPI = ("auto", "constant", "source")
_OF_THE_MID = (
    "merge_tracks",
    "overlap",
    "short",
    "ticks_per_quarter",
    "bar_markers",
    "split",
    "key",
)
_OF_THE_ESTIMATE = ("tempo_hint", "beats_per_bar", "downbeat", "bar_markers")
_OF_QUANTIZING = ("strength", "swing", "triplets", "window", "ends")
_SPELT = {"zipped": "zip"}
_WITHOUT_SWING = ("1/4", "1/8t", "1/16t")


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


class ProcessNumber(WholeNumber):
    """A number of processes; ``auto`` is None, which stands for one a processor."""

    def convert(  # type: ignore[override]  # None is a value here
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> int | None:
        """Read the text of an option."""
        return None if value == "auto" else super().convert(value, param, ctx)


def read_tempo(_: click.Context, __: click.Parameter, value: str) -> str | float:
    """Read --tempo.

    Parameters
    ----------
    value : str
        ``auto``, ``constant``, ``source`` or quarters a minute.

    Returns
    -------
    str or float
        The word, or quarters a minute.

    Raises
    ------
    click.BadParameter
        If it is neither.
    """
    if value in _TEMPI:
        return value
    if not (_is_number(value) and _SLOWEST <= float(value) <= _FASTEST):
        raise click.BadParameter(
            f"{quoted(value, _SHOWN)} is no tempo; expected {', '.join(_TEMPI)} or beats a "
            f"minute, {_SLOWEST:g} to {_FASTEST:,.0f}"
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
    is_estimated = values["tempo"] in {"auto", "constant"}
    quantizes = values["division"] != "off"
    needs = [
        *((name, "--tempo auto or constant", is_estimated) for name in _OF_THE_ESTIMATE),
        ("sync", "--tempo auto", values["tempo"] == "auto"),
        *((name, "--quantize", quantizes) for name in _OF_QUANTIZING),
        ("duplicates", "--merge-tracks name", values["merge_tracks"] == "name"),
        ("voices", "--clean", values["clean"] != "off"),
        ("fs", "--to npz", "npz" in targets),
        ("per_beat", "--to npz", "npz" in targets),
        *((name, "--to mid", "mid" in targets) for name in _OF_THE_MID),
        ("zipped", "--to mid", "mid" in targets),
    ]
    for name, needed, there in needs:
        if not there and ctx.get_parameter_source(name) is ParameterSource.COMMANDLINE:
            option = f"--{_SPELT.get(name, name).replace('_', '-')}"
            raise click.UsageError(f"{option} has no effect without {needed}")
    if values["align"] and not (is_estimated or quantizes):
        raise click.UsageError(
            "--align has no effect without --tempo auto or constant, or --quantize"
        )
    _check_pairs(values, ctx)


def _check_pairs(values: dict[str, Any], ctx: click.Context) -> None:
    """Refuse two options that contradict each other."""
    if values["overrides"] and values["programs"] == "source":
        raise click.UsageError("--program changes what --programs name chooses; pass one of them")
    if "-" in values["audio"]:
        raise click.UsageError("--audio - is standard input; expected a FILE.wav")
    if values["audio"] and values["audio_offset"] is not None:
        raise click.UsageError("--audio measures what --audio-offset says; pass one of them")
    if values["audio"] or values["audio_offset"] is not None:
        option = "--audio" if values["audio"] else "--audio-offset"
        for other, moves in (
            ("--sync bar", values["sync"] == "bar"),
            ("--tempo constant", values["tempo"] == "constant"),
        ):
            if moves:
                raise click.UsageError(
                    f"{option} puts the notes where the audio has them, {other} moves them from "
                    "there; pass one of them"
                )
    check_daw_options(values)
    division = values["division"]
    if division.endswith("t") and values["triplets"] == "no":
        raise click.UsageError(f"--quantize {division} is a triplet; --triplets no forbids it")
    if values["swing"] is not None and division in _WITHOUT_SWING:
        raise click.UsageError(f"--swing has no effect on --quantize {division}")
    if values["per_beat"] is not None and (
        ctx.get_parameter_source("fs") is ParameterSource.COMMANDLINE
    ):
        raise click.UsageError("--per-beat is instead of --fs; pass one of them")


def _is_number(text: str) -> bool:
    return _NUMBER.fullmatch(text) is not None and abs(float(text)) < float("inf")
