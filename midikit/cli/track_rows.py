"""What ``midikit inspect`` says about each track."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from midikit.model.notes import Notes
    from midikit.model.song import Song, Track

__all__ = ["Row", "describe"]

_SHORT = 0.030
_GM_DRUMS = range(35, 82)


@dataclass(frozen=True, slots=True)
class Row:
    """What there is to say about one track.

    Parameters
    ----------
    track : int
        Index, from 0.
    name : str
        Its name as it is.
    notes : int
        Number of notes.
    lowest, highest : int or None
        Range of MIDI pitches, None without notes.
    drum : bool
        Whether it is a drum kit.
    claimed : int or None
        Program the source claims.
    program : int or None
        Program that a conversion chooses.
    by : str
        How: ``claim``, ``name``, ``role``, ``guess``, ``none`` or ``kit``.
    polyphony : int
        Most notes at one time.
    short : int
        Notes under 30 ms.
    velocities : int
        Distinct velocities.
    velocity : int or None
        The velocity, where it is a single one.
    duplicates : int
        Notes that repeat another of their pitch and start.
    outside_kit : list of int
        Drum pitches outside the General MIDI kit.
    outside_kit_notes : list of int
        Notes of each of them.
    channel : int or None
        Channel of 16 it came from, from 1.
    """

    track: int
    name: str
    notes: int
    lowest: int | None
    highest: int | None
    drum: bool
    claimed: int | None
    program: int | None
    by: str
    polyphony: int
    short: int
    velocities: int
    velocity: int | None
    duplicates: int
    outside_kit: list[int]
    outside_kit_notes: list[int]
    channel: int | None


def describe(song: Song, most: int | None = None) -> list[Row]:
    """Look at each track of a song.

    Parameters
    ----------
    song : Song
        The song.
    most : int or None, optional
        Look at so many tracks at most.

    Returns
    -------
    list of Row
        One a track.
    """
    from midikit.convert.arrange.programs import choose_programs  # noqa: PLC0415 - loads numpy

    programs, _ = choose_programs(song.tracks, "name")
    rows = list(zip(song.tracks, programs, strict=True))[:most]
    return [_describe(index, track, program) for index, (track, program) in enumerate(rows)]


def _describe(index: int, track: Track, program: int | None) -> Row:
    import numpy as np  # noqa: PLC0415 - the help needs none of it

    from midikit.model.notes import greatest_polyphony  # noqa: PLC0415 - as above

    notes = track.notes
    pitches: npt.NDArray[np.int32]
    pitches, counts = np.unique(notes["pitch"], return_counts=True)
    velocities = np.unique(notes["velocity"]).tolist()
    outside = {
        pitch: number
        for pitch, number in zip(pitches.tolist(), counts.tolist(), strict=True)
        if track.is_drum and pitch not in _GM_DRUMS
    }
    return Row(
        track=index,
        name=track.name,
        notes=len(notes),
        lowest=int(pitches[0]) if len(pitches) else None,
        highest=int(pitches[-1]) if len(pitches) else None,
        drum=track.is_drum,
        claimed=track.program,
        program=program,
        by=_found_by(track, program),
        polyphony=greatest_polyphony(notes),
        short=int(np.count_nonzero(notes["end"] - notes["start"] < _SHORT)),
        velocities=len(velocities),
        velocity=velocities[0] if len(velocities) == 1 else None,
        duplicates=_duplicates(notes),
        outside_kit=[*outside],
        outside_kit_notes=[*outside.values()],
        channel=None if track.channel is None else track.channel + 1,
    )


def _found_by(track: Track, program: int | None) -> str:
    """Tell how the program was found."""
    from midikit.gm import find_program  # noqa: PLC0415 - compiles patterns

    if track.is_drum:
        return "kit"
    guess = find_program(track.name)
    if guess is not None and guess.program == program and track.program != program:
        return {"exact": "name", "alias": "name", "role": "role"}.get(guess.how, "guess")
    return "none" if track.program is None else "claim"


def _duplicates(notes: Notes) -> int:
    """Count notes that begin with another of their pitch."""
    import numpy as np  # noqa: PLC0415 - the help needs none of it

    pairs = np.stack([notes["start"], notes["pitch"]], axis=1)
    return len(pairs) - len(np.unique(pairs, axis=0))
