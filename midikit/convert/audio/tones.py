"""The melodic sounds of the plain synthesizer: harmonics under an envelope, one a family."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

__all__ = ["Tone", "frequency", "tone_of", "wave"]

FloatArray: TypeAlias = "npt.NDArray[np.float64]"

_TABLE = 4096
_TURN = 2.0 * np.pi / _TABLE
_HIGHEST = 0.45
"""Share of the sampling rate up to which there are harmonics; those above would fold back."""


@dataclass(frozen=True, slots=True)
class Tone:
    """A sound.

    Parameters
    ----------
    harmonics : tuple of float
        Amplitudes of the first, second … harmonic.
    attack, decay, release : float
        Seconds to the top; time constant down to `sustain`; seconds until silence after the end.
    sustain : float, optional
        Level it decays to.
    level : float, optional
        Loudness beside other sounds.
    """

    harmonics: tuple[float, ...]
    attack: float
    decay: float
    release: float
    sustain: float = 0.0
    level: float = 1.0

    def envelope(self, seconds: FloatArray) -> FloatArray:
        """Give the level at some times after the beginning, while the note is held."""
        held = self.sustain + (1.0 - self.sustain) * np.exp(
            -np.maximum(seconds - self.attack, 0.0) / self.decay
        )
        level: FloatArray = np.minimum(seconds / self.attack, 1.0) * held
        return level


def _falling(count: int, power: float) -> tuple[float, ...]:
    return tuple(float(k**-power) for k in range(1, count + 1))


_PIANO = Tone(_falling(9, 1.5), 0.004, 1.1, 0.18)
_PLUCKED = Tone(_falling(12, 1.2), 0.003, 0.8, 0.12)
_HELD = Tone(_falling(12, 1.3), 0.05, 0.5, 0.18, 0.8, 0.7)
_PAD = Tone(_falling(8, 1.7), 0.15, 1.0, 0.5, 0.8, 0.6)
_FAMILIES = (
    _PIANO,
    Tone((1.0, 0.0, 0.0, 0.45, 0.0, 0.0, 0.1), 0.002, 0.6, 0.3),
    Tone((1.0, 0.8, 0.55, 0.4, 0.0, 0.25, 0.0, 0.2), 0.008, 1.0, 0.06, 1.0, 0.5),
    _PLUCKED,
    Tone(_falling(6, 1.3), 0.005, 1.4, 0.08, 0.25, 1.3),
    _HELD,
    Tone(_falling(10, 1.4), 0.08, 0.6, 0.28, 0.85, 0.6),
    Tone(_falling(12, 0.95), 0.03, 0.3, 0.12, 0.75, 0.5),
    Tone((1.0, 0.15, 0.7, 0.1, 0.45, 0.08, 0.25, 0.05, 0.1), 0.025, 0.4, 0.12, 0.85, 0.6),
    Tone((1.0, 0.25, 0.1, 0.04), 0.03, 0.4, 0.12, 0.9, 0.8),
    Tone(_falling(14, 1.0), 0.006, 0.5, 0.1, 0.7, 0.45),
    _PAD,
    _PAD,
    Tone(_falling(12, 1.1), 0.003, 0.7, 0.15),
    Tone((1.0, 0.0, 0.6, 0.0, 0.3), 0.002, 0.25, 0.2),
    _PAD,
)
"""One for each eight programs of General MIDI."""

_OTHERS = {
    45: Tone(_falling(8, 1.4), 0.004, 0.25, 0.1),  # pizzicato
    46: Tone(_falling(8, 1.5), 0.003, 1.0, 0.5),  # harp
    47: Tone((1.0, 0.5, 0.3, 0.2), 0.003, 0.5, 0.3),  # timpani
}


def tone_of(program: int) -> Tone:
    """Return the sound of a General MIDI program."""
    return _OTHERS.get(program) or _FAMILIES[program // 8]


def frequency(pitch: float | FloatArray) -> FloatArray:
    """Return the hertz of a MIDI pitch, A4 = 69 = 440 Hz."""
    hertz: FloatArray = 440.0 * 2.0 ** ((np.asarray(pitch, np.float64) - 69.0) / 12.0)
    return hertz


@lru_cache(maxsize=256)
def _cycle(harmonics: tuple[float, ...]) -> FloatArray:
    """Return one cycle of a sum of harmonics, of the loudness of a sine."""
    turn = np.arange(_TABLE + 1) * _TURN
    cycle = np.zeros(_TABLE + 1)
    for number, amplitude in enumerate(harmonics, 1):
        cycle += amplitude * np.sin(number * turn)
    cycle /= np.sqrt(sum(amplitude**2 for amplitude in harmonics))
    cycle.flags.writeable = False
    return cycle


def wave(tone: Tone, cycles: FloatArray, *, highest: float, fs: int) -> FloatArray:
    """Sound a tone without its envelope.

    Parameters
    ----------
    tone : Tone
        The sound.
    cycles : ndarray of float64, shape (samples,)
        How many cycles have passed at each sample.
    highest : float
        Highest frequency that is played, hertz.
    fs : int
        Samples a second.

    Returns
    -------
    ndarray of float64, shape (samples,)
        The samples, none of whose harmonics folds back.
    """
    most = max(1, int(_HIGHEST * fs / highest))
    table = _cycle(tone.harmonics[:most])
    place = (cycles % 1.0) * _TABLE
    index = place.astype(np.int64)
    below = table[index]
    samples: FloatArray = below + (place - index) * (table[index + 1] - below)
    return samples
