"""What needs a package that midikit does not bring on its own."""

from __future__ import annotations

import importlib
from typing import NamedTuple

from midikit.errors import ConversionError

__all__ = ["EXTRAS", "Extra", "how_to_get", "need_extra"]


class Extra(NamedTuple):
    """What an extra brings.

    Parameters
    ----------
    package : str
        Package, as it is installed.
    module : str
        Module, as it is imported.
    use : str
        What it is for, in words.
    """

    package: str
    module: str
    use: str


EXTRAS = {
    "plot": Extra("matplotlib", "matplotlib", "pictures"),
    "audio": Extra("pyfluidsynth", "fluidsynth", "FluidSynth's sounds"),
    "ports": Extra("python-rtmidi", "rtmidi", "MIDI ports"),
}
"""Each extra of the project."""


def need_extra(extra: str) -> None:
    """Load the package of an extra, or say how to get it.

    Parameters
    ----------
    extra : str
        A key of `EXTRAS`.

    Raises
    ------
    ConversionError
        If the package is not installed.

    Examples
    --------
    >>> need_extra("plot")
    """
    module = EXTRAS[extra].module
    try:
        importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name != module:
            raise
        raise ConversionError(how_to_get(extra)) from None


def how_to_get(extra: str) -> str:
    """Say which package is missing and how to get it.

    Parameters
    ----------
    extra : str
        A key of `EXTRAS`.

    Returns
    -------
    str
        One line.

    Examples
    --------
    >>> how_to_get("plot")
    "matplotlib is not there; for pictures run: python3 -m pip install 'midikit[plot]'"
    """
    package, _, use = EXTRAS[extra]
    return f"{package} is not there; for {use} run: python3 -m pip install 'midikit[{extra}]'"
