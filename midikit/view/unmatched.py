"""Which notes of two songs have no counterpart, for a picture of one of them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from midikit.errors import ConversionError
from midikit.verify.compare import compare as compare_songs
from midikit.verify.comparison import Comparison
from midikit.view.parts import Part, parts_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from midikit.model.song import Song

__all__ = ["split"]


def split(
    song: Song, parts: Sequence[Part], compare: Song | Comparison, *, all_tracks: bool
) -> tuple[list[Part], list[Part], list[Part]]:
    """Tell the notes that have a partner from those that have none.

    Parameters
    ----------
    song : Song
        What is drawn.
    parts : sequence of Part
        The parts of it that are drawn.
    compare : Song or Comparison
        The reference, or a comparison of which `song` is one side.
    all_tracks : bool
        Whether tracks of the other side without a counterpart are drawn too.

    Returns
    -------
    parts : list of Part
        The same with the notes that have a partner.
    missing : list of Part
        What only the reference has, in these parts and their counterparts.
    extra : list of Part
        What only the estimate has there.

    Raises
    ------
    ConversionError
        If the comparison is of other songs.
    """
    report = compare if isinstance(compare, Comparison) else compare_songs(compare, song)
    if song is not report.estimate_song and song is not report.reference_song:
        raise ConversionError(
            "compare is a comparison of other songs; expected one of this song, or the song to "
            "compare it with"
        )
    is_estimate = song is report.estimate_song
    drawn = {part.index for part in parts}
    pairs = [
        pair
        for pair in report.tracks
        if all_tracks or drawn.intersection(pair.estimate if is_estimate else pair.reference)
    ]
    lost = _masks(report.reference_song, [pair.missing_notes for pair in pairs])
    found = _masks(report.estimate_song, [pair.extra_notes for pair in pairs])
    own = found if is_estimate else lost
    for index in own.keys() - drawn:
        del own[index]
    matched = [
        replace(part, notes=part.notes[~own[part.index]]) if part.index in own else part
        for part in parts
    ]
    return matched, _picked(report.reference_song, lost), _picked(report.estimate_song, found)


def _masks(song: Song, rows: Sequence[npt.NDArray[np.void]]) -> dict[int, npt.NDArray[np.bool_]]:
    """Mark notes in each track that has some."""
    masks: dict[int, npt.NDArray[np.bool_]] = {}
    for some in rows:
        for index in np.unique(some["track"]).tolist():
            mask = masks.setdefault(index, np.zeros(len(song.tracks[index].notes), np.bool_))
            mask[some["note"][some["track"] == index]] = True
    return masks


def _picked(song: Song, masks: dict[int, npt.NDArray[np.bool_]]) -> list[Part]:
    """Make parts of the notes that are marked."""
    return [
        replace(part, notes=part.notes[masks[part.index]])
        for part in parts_of(song, tracks=masks.keys())
    ]
