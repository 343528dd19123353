"""A song as the player's page holds it: notes as integers, sounds and colours by name.

Times are whole milliseconds: closer than an ear or a screen tells, and short to write. The notes of
a track are one flat list, four integers each: milliseconds since the start of the note before,
length in milliseconds, pitch, velocity.
"""

from __future__ import annotations

from dataclasses import asdict
from itertools import cycle
from typing import TYPE_CHECKING, Any

import numpy as np

from midikit.convert.arrange.programs import choose_programs
from midikit.convert.audio.drums import drum_of
from midikit.convert.audio.synth import SPREAD
from midikit.convert.audio.tones import tone_of
from midikit.errors import LimitError
from midikit.escape import printable
from midikit.gm import DRUM_CHANNEL, DRUM_NAMES, PROGRAM_NAMES
from midikit.view.palette import part_styles

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from midikit.model.beats import BeatGrid
    from midikit.model.song import Song, Track

__all__ = ["pack_beats", "pack_drums", "pack_tones", "pack_tracks"]

_MILLISECONDS = 1000.0
_MOST_BEATS = 200_000


def pack_tracks(
    song: Song, odd: npt.NDArray[np.void], *, as_claimed: bool = False
) -> list[dict[str, Any]]:
    """Pack the tracks of a song.

    Parameters
    ----------
    song : Song
        The song.
    odd : ndarray of `midikit.verify.matches.NOTE_INDEX`, shape (n,)
        Notes to mark as without a partner in the other version.
    as_claimed : bool, optional
        Play what the source claims, as other software would, instead of what the names say.

    Returns
    -------
    list of dict
        One a track, plain values for JSON.
    """
    programs, _ = choose_programs(song.tracks, "source" if as_claimed else "name")
    styles = part_styles([track.name for track in song], [track.is_drum for track in song])
    odd = odd[np.lexsort((odd["note"], odd["track"]))]
    marked = np.split(odd["note"], np.searchsorted(odd["track"], np.arange(1, len(song))))
    return [
        {
            "name": printable(track.name.strip()),
            "sound": _sound(track, program, as_claimed=as_claimed),
            "tone": None if _is_kit(track, as_claimed=as_claimed) else str(program or 0),
            "pan": pan,
            "drum": track.is_drum,
            "color": style.color,
            "pattern": style.pattern,
            "notes": _pack_notes(track),
            "odd": np.diff(notes, prepend=0).tolist(),
        }
        for track, program, style, pan, notes in zip(
            song, programs, styles, _pans(song), marked, strict=False
        )
    ]


def _pans(song: Song) -> list[float]:
    """Say where each track stands, -1 left to 1 right: where the plain synthesizer puts it."""
    places = cycle(SPREAD)
    return [next(places) if len(track) > 0 and not track.is_drum else 0.0 for track in song.tracks]


def _is_kit(track: Track, *, as_claimed: bool) -> bool:
    """Whether a kit plays the track; other software plays drums of another channel by a program."""
    return track.is_drum and not (as_claimed and track.channel not in (None, DRUM_CHANNEL))


def _sound(track: Track, program: int | None, *, as_claimed: bool) -> str:
    if _is_kit(track, as_claimed=as_claimed):
        return "drum kit"
    return PROGRAM_NAMES[program or 0]


def _pack_notes(track: Track) -> list[int]:
    """Write the notes of a track as one flat list."""
    notes = track.notes
    start, end = (
        np.rint(notes[name] * _MILLISECONDS).astype(np.int64) for name in ("start", "end")
    )
    columns = (np.diff(start, prepend=0), end - start, notes["pitch"], notes["velocity"])
    flat: list[int] = np.stack(columns, axis=1, dtype=np.int64).ravel().tolist()
    return flat


def pack_tones(versions: Sequence[Sequence[dict[str, Any]]]) -> dict[str, dict[str, Any]]:
    """Describe the melodic sounds that packed tracks use.

    Parameters
    ----------
    versions : sequence of sequences of dict
        What `pack_tracks` gave.

    Returns
    -------
    dict of str to dict
        By the tracks' ``tone``: the plain synthesizer's.
    """
    used = {track["tone"] for tracks in versions for track in tracks} - {None}
    return {name: asdict(tone_of(int(name))) for name in sorted(used, key=int)}


def pack_drums(versions: Sequence[Sequence[dict[str, Any]]]) -> dict[str, dict[str, Any]]:
    """Describe the drums that packed tracks strike.

    Parameters
    ----------
    versions : sequence of sequences of dict
        What `pack_tracks` gave.

    Returns
    -------
    dict of str to dict
        By pitch: General MIDI name and sound.
    """
    pitches = {
        pitch
        for tracks in versions
        for track in tracks
        if track["drum"]
        for pitch in track["notes"][2::4]
    }
    return {
        str(pitch): {"name": DRUM_NAMES.get(pitch, f"drum {pitch}"), **asdict(drum_of(pitch))}
        for pitch in sorted(pitches)
    }


def pack_beats(grid: BeatGrid | None, end: float) -> dict[str, Any]:
    """Pack the beats from second 0 to the end of a song, and one more on either side.

    Parameters
    ----------
    grid : BeatGrid or None
        The grid; it goes on beyond the beats it lists.
    end : float
        End of the song in seconds.

    Returns
    -------
    dict
        ``beats`` as milliseconds since the beat before, ``first`` the index of a bar line (which
        may lie outside), ``bar`` its number, ``perBar`` beats.

    Raises
    ------
    LimitError
        If there are more than 200,000.
    """
    if grid is None:
        return {"beats": [], "first": 0, "bar": 1, "perBar": 4}
    low, high = np.floor(grid.beat_at([0.0, end])) + np.array([0.0, 1.0])
    if not high - low < _MOST_BEATS:
        raise LimitError(
            f"{high - low:,.0f} beats up to second {end:g}: the limit of a page is "
            f"{_MOST_BEATS:,}; pass grid=None for none"
        )
    seconds = grid.time_at(low + np.arange(int(high - low) + 1))
    milliseconds = np.rint(seconds * _MILLISECONDS).astype(np.int64)
    return {
        "beats": np.diff(milliseconds, prepend=0).tolist(),
        "first": grid.pickup - int(low),
        "bar": 1,
        "perBar": grid.beats_per_bar,
    }
