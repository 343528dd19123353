"""Songs as .wav: to listen to what is in them, and to hold them against the audio."""

from __future__ import annotations

import io
import wave
from typing import TYPE_CHECKING, Literal, TypeAlias

import numpy as np

from midikit.convert.audio import soundfont
from midikit.convert.audio.synth import TAIL_SECONDS, synthesize
from midikit.errors import ConversionError, LimitError
from midikit.files import write_bytes

if TYPE_CHECKING:
    import os

    import numpy.typing as npt

    from midikit.model.song import Song

__all__ = ["Synthesizer", "synthesizer", "to_wav", "write_wav"]

Synthesizer: TypeAlias = Literal["auto", "fluidsynth", "numpy"]

_RATES = (8_000, 96_000)
_MAX_BYTES = 1 << 30
_FRAME_BYTES = 4
_PEAK = 0.89
"""Loudest sample, one decibel below full."""

_FADE_SECONDS = 0.1
"""What still sounds fades at the end, rather than breaking off."""

_BLOCK = 1 << 20


def synthesizer(asked: Synthesizer = "auto") -> Literal["fluidsynth", "numpy"]:
    """Tell which synthesizer plays.

    Parameters
    ----------
    asked : {"auto", "fluidsynth", "numpy"}, optional
        FluidSynth where it is there, that one, or our own.

    Returns
    -------
    {"fluidsynth", "numpy"}
        The one that `to_wav` takes.

    Raises
    ------
    ConversionError
        If FluidSynth is asked for and not there, or there is none of that name.

    Examples
    --------
    >>> synthesizer("numpy")
    'numpy'
    """
    if asked not in {"auto", "fluidsynth", "numpy"}:
        raise ConversionError(f"synth {asked!r}: expected auto, fluidsynth or numpy")
    if asked == "numpy" or (asked == "auto" and not soundfont.is_there()):
        return "numpy"
    if problem := soundfont.what_is_missing():
        raise ConversionError(f"{problem}; or pass synth='numpy'")
    return "fluidsynth"


def to_wav(
    song: Song,
    *,
    fs: int = 44_100,
    synth: Synthesizer = "auto",
    max_bytes: int = _MAX_BYTES,
) -> bytes:
    """Play a song into the bytes of a .wav.

    Parameters
    ----------
    song : Song
        The song; tracks without a program play what their name says.
    fs : int, optional
        Samples a second, 8,000 to 96,000.
    synth : {"auto", "fluidsynth", "numpy"}, optional
        See `synthesizer`. Only the sounds differ; notes begin at their second with either.
    max_bytes : int, optional
        Largest file to make; four bytes a frame. Making it takes three times as much memory.

    Returns
    -------
    bytes
        16 bits, two channels, its loudest sample one decibel below full.

    Raises
    ------
    LimitError
        If it would be larger than `max_bytes`, or than the memory there is.
    ConversionError
        If the rate is no possible one, or the synthesizer is not there.

    Examples
    --------
    >>> from midikit.model.notes import as_notes
    >>> from midikit.model.song import Song, Track
    >>> song = Song((Track("Flute", notes=as_notes([(0.0, 0.5, 69, 80)])),))
    >>> data = to_wav(song, fs=8000, synth="numpy")
    >>> data[:4], len(data)
    (b'RIFF', 64044)
    """
    if not _RATES[0] <= fs <= _RATES[1] or fs != int(fs):
        raise ConversionError(f"fs {fs}: expected {_RATES[0]:,} to {_RATES[1]:,} samples a second")
    chosen = synthesizer(synth)
    seconds = song.end + TAIL_SECONDS if song.note_count else 0.0
    if seconds * fs * _FRAME_BYTES > max_bytes:
        raise LimitError(
            f"sound of {seconds:,.0f} s is {seconds * fs * _FRAME_BYTES:,.0f} bytes, the limit is "
            f"{max_bytes:,}; ask for less with fs=, or raise it with max_bytes="
        )
    frames = int(np.ceil(seconds * fs))
    play = soundfont.synthesize if chosen == "fluidsynth" else synthesize
    try:
        return _written(play(song, fs=int(fs), frames=frames), int(fs))
    except MemoryError:
        problem = f"sound of {seconds:,.0f} s does not fit into this machine's memory"
        raise LimitError(f"{problem}; ask for less with fs=") from None


def write_wav(
    song: Song,
    path: str | os.PathLike[str],
    *,
    fs: int = 44_100,
    synth: Synthesizer = "auto",
    max_bytes: int = _MAX_BYTES,
) -> None:
    """Play a song into a .wav file.

    Parameters
    ----------
    song : Song
        The song.
    path : str or PathLike
        The file; replaced as a whole.
    fs : int, optional
        As for `to_wav`, as are the others.
    synth : {"auto", "fluidsynth", "numpy"}, optional
        See there.
    max_bytes : int, optional
        See there.

    Raises
    ------
    LimitError
        As `to_wav`.
    ConversionError
        As `to_wav`.
    OutputError
        If the file cannot be written.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> from midikit.model.song import Song
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder, "silence.wav")
    ...     write_wav(Song(()), path, synth="numpy")
    ...     path.stat().st_size
    44
    """
    write_bytes(path, to_wav(song, fs=fs, synth=synth, max_bytes=max_bytes))


def _written(mixed: npt.NDArray[np.float32], fs: int) -> bytes:
    """Fade two channels out at their end, and write them as 16 bits, a block at a time."""
    frames = mixed.shape[1]
    fade = min(frames, round(_FADE_SECONDS * fs))
    mixed[:, frames - fade :] *= np.linspace(1.0, 0.0, fade, dtype=np.float32)
    peak = max(float(mixed.max(initial=0.0)), -float(mixed.min(initial=0.0)))
    scale = np.float32(_PEAK * 32_767 / peak if peak else 0.0)
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(2)
        file.setsampwidth(2)
        file.setframerate(fs)
        file.setnframes(frames)
        for first in range(0, frames, _BLOCK):
            block = np.rint(mixed[:, first : first + _BLOCK] * scale)
            file.writeframesraw(np.ascontiguousarray(block.T).astype("<i2").tobytes())
    return out.getvalue()
