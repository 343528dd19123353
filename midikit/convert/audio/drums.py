"""The drums of the plain synthesizer: falling sines and filtered noise, one sound a drum pitch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

__all__ = ["Drum", "drum_of", "drum_sound"]

FloatArray: TypeAlias = "npt.NDArray[np.float64]"

_FADE = 6.0
"""Time constants after which a sound is cut: at 1/400 of its level."""


@dataclass(frozen=True, slots=True)
class Drum:
    """A drum's sound.

    Parameters
    ----------
    top, bottom : float, optional
        Hertz at the beginning and the end of a sweep; no sweep where `top` is 0.
    sweep, decay : float, optional
        Time constants in seconds of the sweep's fall and of its level.
    noise : float, optional
        Level of the noise beside it.
    noise_decay : float, optional
        Time constant of the noise in seconds.
    is_bright : bool, optional
        Whether the noise has highs alone.
    level : float, optional
        Loudness beside other sounds.
    """

    top: float = 0.0
    bottom: float = 0.0
    sweep: float = 0.05
    decay: float = 0.1
    noise: float = 0.0
    noise_decay: float = 0.1
    is_bright: bool = True
    level: float = 1.0


_KICK = Drum(150.0, 48.0, 0.04, 0.13, 0.15, 0.006, level=1.6)
_SNARE = Drum(230.0, 180.0, 0.03, 0.07, 0.8, 0.11, is_bright=False)
_CLICK = Drum(1800.0, 1700.0, 0.01, 0.02, 0.3, 0.008, level=0.7)
_CLAP = Drum(noise=1.0, noise_decay=0.09, is_bright=False, level=0.9)
_SHORT_HAT = Drum(noise=1.0, noise_decay=0.035, level=0.5)
_OPEN_HAT = Drum(noise=1.0, noise_decay=0.22, level=0.5)
_CRASH = Drum(noise=1.0, noise_decay=0.7, level=0.6)
_RIDE = Drum(3100.0, 3100.0, 1.0, 0.35, 0.5, 0.35, level=0.4)
_SHAKER = Drum(noise=1.0, noise_decay=0.05, level=0.35)


def _tom(hertz: float) -> Drum:
    return Drum(1.6 * hertz, hertz, 0.05, 0.18, 0.1, 0.02, level=1.2)


def _bell(hertz: float) -> Drum:
    return Drum(hertz, hertz, 1.0, 0.12, level=0.6)


_DRUMS: dict[int, Drum] = {
    35: _KICK, 36: _KICK, 37: _CLICK, 38: _SNARE, 39: _CLAP, 40: _SNARE,
    41: _tom(80), 42: _SHORT_HAT, 43: _tom(95), 44: _SHORT_HAT, 45: _tom(115), 46: _OPEN_HAT,
    47: _tom(135), 48: _tom(160), 49: _CRASH, 50: _tom(190), 51: _RIDE, 52: _CRASH, 53: _RIDE,
    54: _SHAKER, 55: _CRASH, 56: _bell(560), 57: _CRASH, 59: _RIDE, 60: _tom(300), 61: _tom(220),
    62: _tom(330), 63: _tom(280), 64: _tom(200), 65: _tom(350), 66: _tom(260), 67: _bell(900),
    68: _bell(700), 69: _SHAKER, 70: _SHAKER, 75: _CLICK, 76: _bell(1100), 77: _bell(800),
    80: _bell(2600), 81: _bell(2600), 82: _SHAKER,
}  # fmt: skip
_ANY = Drum(400.0, 300.0, 0.03, 0.06, 0.5, 0.05, level=0.6)


def drum_of(pitch: int) -> Drum:
    """Return the drum that a pitch of a kit strikes."""
    return _DRUMS.get(pitch, _ANY)


def drum_sound(pitch: int, fs: int) -> FloatArray:
    """Sound a drum.

    Parameters
    ----------
    pitch : int
        General MIDI drum pitch.
    fs : int
        Samples a second.

    Returns
    -------
    ndarray of float64, shape (samples,)
        One stroke, as long as it takes; the same each time.
    """
    drum = _DRUMS.get(pitch, _ANY)
    longest = max(drum.decay if drum.top else 0.0, drum.noise_decay if drum.noise else 0.0)
    seconds = np.arange(int(_FADE * longest * fs)) / fs
    sound = np.zeros(len(seconds))
    if drum.top:
        fall = drum.sweep * (1.0 - np.exp(-seconds / drum.sweep))
        cycles = drum.bottom * seconds + (drum.top - drum.bottom) * fall
        sound += np.sin(2.0 * np.pi * cycles) * np.exp(-seconds / drum.decay)
    if drum.noise:
        noise = _noise(pitch, len(seconds))
        if drum.is_bright:  # the difference of neighbours: highs alone
            noise = np.diff(noise, prepend=0.0)
        sound += drum.noise * noise * np.exp(-seconds / drum.noise_decay)
    edge = min(len(sound) // 2, max(1, int(0.0005 * fs)))
    sound[:edge] *= np.arange(edge) / edge
    sound[-edge:] *= np.arange(edge)[::-1] / edge
    sound *= drum.level
    return sound


def _noise(seed: int, count: int) -> FloatArray:
    """Make noise that is the same with every version of numpy: of the bits of PCG64 themselves."""
    bits = np.random.PCG64(seed).random_raw(count)
    noise: FloatArray = (bits >> np.uint64(11)).astype(np.float64) / (1 << 52) - 1.0
    return noise
