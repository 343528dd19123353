"""How messages call a track."""

from __future__ import annotations

from midikit.escape import printable

__all__ = ["shown"]


def shown(name: str) -> str:
    """Name a track in a message.

    Parameters
    ----------
    name : str
        The track's name.

    Returns
    -------
    str
        The name fit for a terminal, or ``(unnamed)``.
    """
    return printable(name) if name.strip() else "(unnamed)"
