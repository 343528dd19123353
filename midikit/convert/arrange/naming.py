"""How messages call a track."""

from __future__ import annotations

from typing import TYPE_CHECKING

from midikit.escape import printable

if TYPE_CHECKING:
    from midikit.model.song import Track

__all__ = ["shown", "shown_name"]


def shown(track: Track) -> str:
    """Name a track in a message.

    Parameters
    ----------
    track : Track
        The track.

    Returns
    -------
    str
        Its name fit for a terminal, or ``(unnamed)``.
    """
    return shown_name(track.name)


def shown_name(name: str) -> str:
    """Write a track's name in a message.

    Parameters
    ----------
    name : str
        The name.

    Returns
    -------
    str
        The name fit for a terminal, or ``(unnamed)``.
    """
    return printable(name) if name.strip() else "(unnamed)"
