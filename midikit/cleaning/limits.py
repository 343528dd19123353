"""How many voices a part can play at once, by its name and General MIDI sound."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING

import numpy as np

from midikit.errors import ConversionError
from midikit.escape import printable, quoted
from midikit.gm import find_program

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy.typing as npt

    from midikit.model.song import Track

__all__ = ["ANY_NUMBER", "instruments", "is_percussive", "is_vocal", "voice_limits"]

ANY_NUMBER = 128
"""No limit: as many voices as there are pitches."""

# First program of each range of General MIDI sounds, and the voices one player has there.
_VOICES = (
    (0, 10),  # pianos and other keyboards: ten fingers
    (8, 10),  # celesta, glockenspiel, music box: keyboards as often as mallets
    (16, 10),  # organs
    (22, 4),  # harmonica
    (23, 10),  # accordion
    (24, 6),  # guitars: six strings
    (32, 2),  # basses: double stops at most
    (40, 2),  # violin to contrabass: double stops
    (44, 10),  # tremolo and pizzicato of a section; harp
    (47, 2),  # timpani: two sticks
    (48, 10),  # string ensembles
    (52, 8),  # choir
    (53, 1),  # a voice
    (55, 10),  # orchestra hit
    (56, 1),  # trumpet, trombone, tuba
    (60, 4),  # french horns, written as one part
    (61, 8),  # brass section
    (64, 1),  # saxophones, oboe to clarinet, flutes, whistles
    (80, 1),  # synth leads
    (88, 10),  # pads
    (96, 10),  # effects
    (104, 6),  # sitar, banjo, shamisen
    (107, 10),  # koto, kalimba
    (109, 4),  # bagpipe with its drones
    (110, 2),  # fiddle
    (111, 1),  # shanai
    (112, 8),  # tinkle bell, steel drums and other percussion
    (120, ANY_NUMBER),  # noises
)
_PERCUSSIVE = 112
_SINGING = frozenset([53, 54, 85])
_TABLE = np.zeros(128, np.int64)
for _first, _voices in _VOICES:
    _TABLE[_first:] = _voices
_LINE = re.compile(r"\b(lead|melody|solo)\b(?!\s+guitar)", re.IGNORECASE)


def voice_limits(
    tracks: Sequence[Track], voices: Mapping[str, int] | None = None
) -> npt.NDArray[np.int64]:
    """Tell how many voices each part can play at once.

    Parameters
    ----------
    tracks : sequence of Track
        The parts.
    voices : mapping of str to int or None, optional
        Voices of the parts of a name, instead of what follows from it.

    Returns
    -------
    ndarray of int64, shape (tracks,)
        Drums, and parts of which neither name nor program says anything, have `ANY_NUMBER`. A name
        says more than a program, which broken exports claim to be the same for all.

    Raises
    ------
    ConversionError
        If no part has a name of `voices`, or a number is none from 1 to 128.

    Examples
    --------
    >>> from midikit.model.song import Track
    >>> names = ["Lead 2 (sawtooth)", "Electric Bass (finger)", "Guitar", "Piano", "Track 7"]
    >>> voice_limits([Track(name) for name in names]).tolist()
    [1, 2, 6, 10, 128]
    """
    given = dict(voices or {})
    for name, number in given.items():
        got: object = number  # callers without a type checker pass anything
        is_whole = isinstance(got, int | np.integer) and not isinstance(got, bool)
        if not (is_whole and 1 <= number <= ANY_NUMBER):
            raise ConversionError(
                f"voices of {quoted(name)}: got {quoted(got)}, expected a number from 1 to "
                f"{ANY_NUMBER}"
            )
    unmet = given.keys() - {track.name for track in tracks}
    if unmet:
        known = ", ".join(f"'{printable(track.name)}'" for track in tracks[:20])
        raise ConversionError(
            f"voices: no track is named {quoted(min(unmet))}; there are {known or 'no tracks'}"
        )
    return np.array([given.get(track.name, _voices_of(track)) for track in tracks], np.int64)


def _voices_of(track: Track) -> int:
    if track.is_drum:
        return ANY_NUMBER
    guess = find_program(track.name)
    if guess is not None:
        return int(_TABLE[guess.program])
    if _LINE.search(track.name[:200]):
        return 1
    return ANY_NUMBER if track.program is None else int(_TABLE[track.program])


def is_percussive(track: Track) -> bool:
    """Tell whether what a part plays may be as short as a click: drums, woodblocks and noises.

    Parameters
    ----------
    track : Track
        The part.

    Returns
    -------
    bool
        True for a drum kit, and for General MIDI's percussion and noises (programs 112 to 127).
    """
    guess = find_program(track.name)
    program = track.program if guess is None else guess.program
    return track.is_drum or (program is not None and program >= _PERCUSSIVE)


def is_vocal(track: Track) -> bool:
    """Tell whether a part is one voice that sings, by its name.

    Parameters
    ----------
    track : Track
        The part.

    Returns
    -------
    bool
        True for vocals, and for a part called melody or lead of which nothing else is known.
    """
    guess = find_program(track.name)
    if guess is None:
        return not track.is_drum and _LINE.search(track.name[:200]) is not None
    return guess.program in _SINGING


def instruments(
    tracks: Sequence[Track],
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Tell which tracks are one instrument.

    Parameters
    ----------
    tracks : sequence of Track
        The parts.

    Returns
    -------
    by_name : ndarray of int64, shape (tracks,)
        Number of the name, negative for one that no other track has. Where the name says nothing
        about the sound, the program counts as well: two tracks "Staff" may be flute and harp.
    by_sound : ndarray of int64, shape (tracks,)
        Number of the family of sounds that the name means (all basses, all guitars), negative for
        one that no other track has, for drums and for names that say nothing.
    """
    names: list[tuple[object, ...] | None] = []
    sounds: list[tuple[object, ...] | None] = []
    for track in tracks:
        guess = find_program(track.name)
        name = track.name.strip().casefold()
        program = track.program if guess is None else None
        names.append((name, track.is_drum, track.port, program) if name else None)
        family = None if guess is None or track.is_drum else (guess.program // 8, track.port)
        sounds.append(family)
    return _numbered(names), _numbered(sounds)


def _numbered(keys: Sequence[tuple[object, ...] | None]) -> npt.NDArray[np.int64]:
    """Give equal keys a number, and negative ones to those that stand alone."""
    count = Counter(keys)
    number = {key: index for index, key in enumerate(count)}
    return np.array(
        [-1 if key is None or count[key] < 2 else number[key] for key in keys], np.int64
    )
