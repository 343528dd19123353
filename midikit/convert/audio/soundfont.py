"""FluidSynth playing pretty_midi's SoundFont: better sounds than ours, where both are there."""

from __future__ import annotations

import importlib.util
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    from midikit.model.song import Song

__all__ = ["is_there", "synthesize"]


def is_there() -> bool:
    """Tell whether pyfluidsynth and the library that it loads are installed."""
    if importlib.util.find_spec("fluidsynth") is None:
        return False
    try:
        import fluidsynth  # noqa: F401, PLC0415 - loading the library is the question
    except (ImportError, OSError):
        return False
    return True


def synthesize(song: Song, *, fs: int, frames: int) -> npt.NDArray[np.float32]:
    """Play a song.

    Parameters
    ----------
    song : Song
        The song.
    fs : int
        Samples a second.
    frames : int
        Samples of the result; what sounds later is left out.

    Returns
    -------
    ndarray of float32, shape (2, frames)
        Both channels alike: pretty_midi asks for one.
    """
    from midikit.convert.objects import to_pretty_midi  # noqa: PLC0415 - imports pretty_midi

    sound = to_pretty_midi(song).fluidsynth(fs=fs)[:frames]
    mixed = np.zeros((2, frames), np.float32)
    mixed[:, : len(sound)] = sound
    return mixed
