"""What needs a package that midikit does not bring on its own."""

from __future__ import annotations

import importlib

from midikit.errors import ConversionError

__all__ = ["EXTRAS", "how_to_get", "need_extra"]

EXTRAS = {"plot": ("matplotlib", "pictures")}
"""Each extra with the package that it brings and what that is for."""


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
    package, _ = EXTRAS[extra]
    try:
        importlib.import_module(package)
    except ModuleNotFoundError as error:
        if error.name != package:
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
    package, use = EXTRAS[extra]
    return f"{package} is not there; for {use} run: python3 -m pip install 'midikit[{extra}]'"
