"""Which tracks of a song are meant."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterable

    from midikit.model.song import Song

__all__ = ["Choice", "chosen_tracks"]

Choice: TypeAlias = "int | str | Iterable[int | str] | None"
"""Tracks by index, by name, or several of them; None for all."""


def chosen_tracks(song: Song, tracks: Choice) -> list[int]:
    """Find the tracks that are asked for.

    Parameters
    ----------
    song : Song
        The song.
    tracks : int, str, iterable of int or str, or None
        Which; a name stands for every track of that name.

    Returns
    -------
    list of int
        Indices from 0, ascending.

    Raises
    ------
    KeyError
        If no track has a name that is asked for.
    IndexError
        If there is no track of an index.
    """
    if tracks is None:
        return list(range(len(song)))
    found: set[int] = set()
    for one in [tracks] if isinstance(tracks, (int, str)) else tracks:
        if isinstance(one, str):
            named = [i for i, track in enumerate(song.tracks) if track.name == one]
            if not named:
                song[one]  # says which names there are
            found.update(named)
        else:
            song[one]  # says how many tracks there are
            found.add(range(len(song))[one])
    return sorted(found)
