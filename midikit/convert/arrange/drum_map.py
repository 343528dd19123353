"""Drums on other keys: pitches of drum tracks moved to those that a kit plays them on."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from midikit.convert.arrange.naming import shown
from midikit.errors import ConversionError
from midikit.escape import quoted
from midikit.gm import DRUM_NAMES
from midikit.model.notes import as_notes
from midikit.model.report import Change

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy.typing as npt

    from midikit.model.notes import Notes
    from midikit.model.song import Song, Track

__all__ = ["map_drums"]

_TOGETHER = 0.001
"""Seconds within which two hits of one drum are heard as one."""


def map_drums(song: Song, mapping: Mapping[int, int]) -> Song:
    r"""Move the pitches of drum tracks, all at once, so that two can change places.

    Parameters
    ----------
    song : Song
        The song; tracks that are no drum kit stay as they are.
    mapping : mapping of int to int
        MIDI pitches 0..127 and where to move them, such as `midikit.read_drum_map` reads; pitches
        that are not in it stay.

    Returns
    -------
    Song
        The song; `changes` count the notes of each pitch that was moved. Where that puts two
        different drums onto one pitch within a millisecond they become one hit, which begins with
        the first, ends with the last and is as loud as the louder one; these are counted too.

    Raises
    ------
    ConversionError
        If a pitch is no whole number 0 to 127.

    Examples
    --------
    >>> from midikit.model.notes import as_notes
    >>> from midikit.model.song import Song, Track
    >>> hits = as_notes([(0.0, 0.1, 35, 80), (0.0, 0.1, 36, 90), (0.5, 0.6, 35, 70)])
    >>> mapped = map_drums(Song((Track("Drums", is_drum=True, notes=hits),)), {35: 36})
    >>> mapped[0].notes["pitch"].tolist(), mapped[0].notes["velocity"].tolist()
    ([36, 36], [90, 70])
    >>> print(*mapped.changes, sep="\n")
    Drums: 2 notes of 35 (Acoustic Bass Drum) moved to 36 (Bass Drum 1)
    Drums: 1 note joined with another that begins with it on 36 (Bass Drum 1)
    """
    for pitch in (*mapping, *mapping.values()):
        if isinstance(pitch, bool) or not isinstance(pitch, int | np.integer):
            raise ConversionError(f"drum map: {quoted(pitch)} is no MIDI pitch; expected 0 to 127")
        if not 0 <= pitch <= 127:
            raise ConversionError(f"drum map: {pitch} is no MIDI pitch; expected 0 to 127")
    table = np.arange(128, dtype=np.int32)
    table[[*mapping]] = [*mapping.values()]
    tracks, changes = [], []
    for track in song.tracks:
        mapped, more = _mapped(track, table) if track.is_drum else (track, [])
        tracks.append(mapped)
        changes += more
    return song.with_tracks(tuple(tracks), *changes)


def _mapped(track: Track, table: npt.NDArray[np.int32]) -> tuple[Track, list[Change]]:
    """Move the pitches of one track, and say which."""
    before = track.notes["pitch"]
    after = table[before]
    counts = np.bincount(before[after != before], minlength=128)
    if not counts.any():
        return track, []
    changes = [
        Change(
            "drums",
            shown(track),
            f"{_notes(count)} of {_drum(pitch)} moved to {_drum(int(table[pitch]))}",
            count,
        )
        for pitch, count in enumerate(counts.tolist())
        if count
    ]
    notes, joined = _joined(track.notes, after)
    changes += [
        Change(
            "drums",
            shown(track),
            f"{_notes(count)} joined with another that begins with it on {_drum(pitch)}",
            count,
        )
        for pitch, count in enumerate(joined.tolist())
        if count
    ]
    return replace(track, notes=notes), changes


def _joined(notes: Notes, pitch: npt.NDArray[np.int32]) -> tuple[Notes, npt.NDArray[np.int64]]:
    """Make one hit of different drums that come to begin together on one pitch.

    Returns the notes, and how many went into another at each pitch.
    """
    order = np.lexsort((notes["start"], pitch))
    was, now, start = notes["pitch"][order], pitch[order], notes["start"][order]
    again = np.zeros(len(order), bool)
    again[1:] = (now[1:] == now[:-1]) & (was[1:] != was[:-1])
    again[1:] &= start[1:] - start[:-1] < _TOGETHER
    first = np.flatnonzero(~again)
    rows = notes[order][first]
    rows["pitch"] = now[first]
    if len(first):
        rows["end"] = np.maximum.reduceat(notes["end"][order], first)
        rows["velocity"] = np.maximum.reduceat(notes["velocity"][order], first)
    return as_notes(rows), np.bincount(now[again], minlength=128)


def _notes(count: int) -> str:
    return f"{count:,} note{'' if count == 1 else 's'}"


def _drum(pitch: int) -> str:
    return f"{pitch} ({DRUM_NAMES[pitch]})" if pitch in DRUM_NAMES else str(pitch)
