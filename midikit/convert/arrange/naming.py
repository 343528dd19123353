"""How messages call a track."""

from __future__ import annotations

from typing import TYPE_CHECKING

from midikit.escape import printable

if TYPE_CHECKING:
    from midikit.model.song import Track

__all__ = ["shown"]


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
    return printable(track.name) if track.name.strip() else "(unnamed)"
