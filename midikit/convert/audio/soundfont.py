"""FluidSynth playing pretty_midi's SoundFont: better sounds than ours, where both are there."""

from __future__ import annotations

import contextlib
import ctypes
import importlib
import importlib.util
import io
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from midikit.convert.messages import timed_messages
from midikit.extras import how_to_get

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt

    from midikit.model.song import Song

__all__ = ["is_there", "synthesize", "what_is_missing"]

_SOUNDFONT = "TimGM6mb.sf2"
_LIBRARY = "the system's library (libfluidsynth3 on Debian)"
_PIECE = 1 << 18
"""Samples at a time: so long an interrupt may have to wait."""


def is_there() -> bool:
    """Tell whether pyfluidsynth, the library that it loads and the SoundFont are installed."""
    return not what_is_missing()


def what_is_missing() -> str:
    """Say what of FluidSynth is missing, and how to get it.

    Returns
    -------
    str
        One line; empty if nothing is missing.
    """
    if importlib.util.find_spec("fluidsynth") is None:
        return f"{how_to_get('audio')} and install {_LIBRARY}"
    if not _soundfont().is_file():
        return f"{_SOUNDFONT} of pretty_midi is not there; install pretty_midi anew"
    try:
        _fluidsynth()
    except (ImportError, OSError):
        return f"FluidSynth itself is not there; install {_LIBRARY}"
    return ""


def synthesize(song: Song, *, fs: int, frames: int) -> npt.NDArray[np.float32]:
    """Play a song as its .mid is played.

    pretty_midi's own `fluidsynth` plays part by part, each as long as the song: that takes several
    times as long, memory for every part, and gives one channel of the two.

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
        Left and right, at any level.
    """
    fluidsynth = _fluidsynth()
    mixed = np.zeros((2, frames), np.float32)
    synth = fluidsynth.Synth(samplerate=fs, channels=16)
    try:
        synth.sfload(str(_soundfont()), update_midi_preset=1)
        write = _writer(fluidsynth, synth, mixed)
        done = 0
        for seconds, message in timed_messages(song):
            at = min(round(seconds * fs), frames)
            write(done, at)
            done = at
            _send(synth, message)
        write(done, frames)
    finally:
        synth.delete()
    return mixed


def _soundfont() -> Path:
    """Find the SoundFont without importing the package that brings it."""
    spec = importlib.util.find_spec("pretty_midi")
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).with_name(_SOUNDFONT)


def _fluidsynth() -> Any:
    """Import pyfluidsynth, which prints where it found its library if CI is set."""
    with contextlib.redirect_stdout(io.StringIO()):
        return importlib.import_module("fluidsynth")


def _writer(
    fluidsynth: Any, synth: Any, mixed: npt.NDArray[np.float32]
) -> Callable[[int, int], None]:
    """Make a function that plays on from one sample to another.

    pyfluidsynth itself knows 16 bits only, which clip loud songs and roughen quiet ones.
    """
    number, pointer = ctypes.c_int, ctypes.c_void_p
    out = fluidsynth.cfunc(
        "fluid_synth_write_float", number, ("synth", pointer, 1), ("len", number, 1),
        ("lout", pointer, 1), ("loff", number, 1), ("lincr", number, 1),
        ("rout", pointer, 1), ("roff", number, 1), ("rincr", number, 1),
    )  # fmt: skip

    def write(begin: int, end: int) -> None:
        for first in range(begin, end, _PIECE):
            left, right = (row.ctypes.data + first * mixed.itemsize for row in mixed)
            out(synth.synth, min(_PIECE, end - first), left, 0, 1, right, 0, 1)

    return write


def _send(synth: Any, message: Any) -> None:
    """Let the synthesizer do what a message says."""
    match message.type:
        case "note_on" if message.velocity:
            synth.noteon(message.channel, message.note, message.velocity)
        case "note_on" | "note_off":
            synth.noteoff(message.channel, message.note)
        case "control_change":
            synth.cc(message.channel, message.control, message.value)
        case "program_change":
            synth.program_change(message.channel, message.program)
        case "pitchwheel":
            synth.pitch_bend(message.channel, message.pitch)
