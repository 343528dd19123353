"""Measure how much later the audio of a song is than its notes.

Where notes start, audio grows louder. The growth is the half-wave rectified difference of log
magnitudes from one spectrum to the next, summed over frequencies (spectral flux: Bello et al. 2005;
with the logarithm Klapuri 1999). Correlated with the starts of the notes, it peaks where the notes
have to be moved to. What is measured is the rise of the sound: soft attacks look later by part of
their length.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from midikit.errors import ConversionError, InputError
from midikit.escape import printable, quoted
from midikit.rhythm.wav import open_wav

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import numpy.typing as npt

    from midikit.model.song import Song, Track
    from midikit.rhythm.wav import Wav

__all__ = ["AudioOffset", "StemOffset", "audio_offset"]

_HOP = 0.005
"""Seconds from one spectrum to the next, about."""

_WINDOW = 0.012
"""Length of a spectrum in seconds: short, so that a rise has a place."""

_LOUDNESS = 1000.0
"""Factor before the logarithm: what is 60 dB below full scale counts as soft."""

_LONGEST = 2 * 3600.0
"""Seconds of audio that are looked at."""

_MOST_SEARCH = 60.0
_LEAST_NOTES = 4
_PARTS = 3


@dataclass(frozen=True, slots=True)
class StemOffset:
    """What one file says.

    Parameters
    ----------
    name : str
        Its file name, fit for a terminal.
    seconds : float
        How much later its audio is than the notes.
    clarity : float
        Height of the peak over the mean of the correlation, in its standard deviations; below
        about 4 the file says little.
    notes : int
        Notes it was compared with: those of the tracks that the file is named after, else all.
    """

    name: str
    seconds: float
    clarity: float
    notes: int


@dataclass(frozen=True, slots=True)
class AudioOffset:
    """How much later the audio is than the notes.

    Parameters
    ----------
    seconds : float
        The median over the files: add it to the notes to put them in sync.
    spread : float
        Greatest distance of a file from the median, in seconds; with one file, of a third of the
        song from it.
    per_stem : tuple of StemOffset
        What each file says.

    Examples
    --------
    >>> AudioOffset(0.24, 0.012, ())
    <AudioOffset 0.240 s, spread 12 ms, 0 files>
    """

    seconds: float
    spread: float
    per_stem: tuple[StemOffset, ...]

    def __repr__(self) -> str:
        """Say offset, spread and number of files."""
        files = len(self.per_stem)
        return (
            f"<AudioOffset {self.seconds:.3f} s, spread {1000 * self.spread:.0f} ms, "
            f"{files} file{'' if files == 1 else 's'}>"
        )


def audio_offset(
    song: Song, wav_paths: Iterable[str | os.PathLike[str]], *, search: float = 1.5
) -> AudioOffset:
    """Measure how much later audio files are than the notes of a song.

    Parameters
    ----------
    song : Song
        The notes.
    wav_paths : iterable of str or PathLike
        .wav files of the whole song or of stems. A file whose name holds the name of a track, or of
        drums for drum tracks, is compared with the tracks so named, else with all notes.
    search : float, optional
        Greatest offset to look for in either direction, in seconds, up to 60.

    Returns
    -------
    AudioOffset
        The median over the files, its spread, and what each file says. Positive where the audio is
        later than the notes. The memory needed does not grow with the files but for 4 bytes each
        5 ms of audio, at most two hours.

    Raises
    ------
    InputError
        If a file is no readable .wav, or holds no sound that could be compared.
    ConversionError
        If there are no files, fewer than 4 notes, or `search` is out of range.
    """
    paths = list(wav_paths)
    if not paths:
        raise ConversionError("no .wav files given; expected one or more")
    if not 0.0 < search <= _MOST_SEARCH:
        raise ConversionError(f"search {quoted(search)}: expected seconds above 0, up to 60")
    if song.note_count < _LEAST_NOTES:
        raise ConversionError(
            f"{song.note_count} notes; expected {_LEAST_NOTES} or more to compare with the audio"
        )
    stems, trains = [], []
    for path in paths:
        rises = _Rises.of(path)
        start, weight = _train(song, Path(path).stem)
        seconds, clarity = rises.offset(start, weight, search)
        name = printable(Path(path).name, 200)
        stems.append(StemOffset(name, seconds, clarity, len(start)))
        trains.append((rises, start, weight))
    seconds = float(np.median([stem.seconds for stem in stems]))
    said = [stem.seconds for stem in stems]
    if len(stems) == 1:
        rises, start, weight = trains[0]
        said = [
            rises.offset(start[part], weight[part], search)[0]
            for part in np.array_split(np.arange(len(start)), _PARTS)
            if len(part) >= _LEAST_NOTES
        ]
    spread = max((abs(one - seconds) for one in said), default=0.0)
    return AudioOffset(seconds, spread, tuple(stems))


def _train(
    song: Song, stem: str
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Return the starts to compare a file with, ascending, and their weights."""
    tracks = [track for track in song if len(track.notes) and _is_named(track, stem)]
    if sum(len(track.notes) for track in tracks) < _LEAST_NOTES:
        tracks = list(song.tracks)
    start = np.concatenate([track.notes["start"] for track in tracks])
    weight = np.concatenate([track.notes["velocity"] for track in tracks]) / 127.0
    order = np.argsort(start, kind="stable")
    return start[order], weight[order]


def _is_named(track: Track, stem: str) -> bool:
    """Whether a file is named after a track: by its whole name, or as drums."""
    said, name = _words(stem), _words(track.name)
    return bool(name and f" {name} " in f" {said} ") or (
        track.is_drum and bool({"drum", "drums", "percussion"} & set(said.split()))
    )


def _words(text: str) -> str:
    """Reduce a name to its words and numbers, in small letters."""
    return " ".join(re.findall(r"[^\W_]+", text.casefold()))


@dataclass(frozen=True, slots=True, eq=False)
class _Rises:
    """How much louder a file becomes at each step.

    Parameters
    ----------
    flux : ndarray of float32, shape (k,)
        Spectral flux, its mean over the file taken away, with deviation 1.
    step : float
        Seconds from one to the next.
    first : float
        Second of the first.
    """

    flux: npt.NDArray[np.float32]
    step: float
    first: float

    @classmethod
    def of(cls, path: str | os.PathLike[str]) -> _Rises:
        """Read a file."""
        with open_wav(path) as wav:
            hop = max(1, round(wav.rate * _HOP))
            size = max(16, 2 * round(wav.rate * _WINDOW / 2.0))
            flux = np.concatenate([np.zeros(0, np.float32), *_fluxes(wav, hop, size)])
            # A rise shows at full height once it has come to the middle of the window; half of the
            # step before it is lost in the difference.
            first = (size / 2.0 - hop / 2.0) / wav.rate
            step = hop / wav.rate
        if not flux.any():
            shown = printable(os.fspath(path), 200)
            raise InputError(shown, "", "holds no sound that grows louder; expected music")
        flux -= flux.mean()
        return cls(flux / flux.std(), step, first)

    def offset(
        self,
        start: npt.NDArray[np.float64],
        weight: npt.NDArray[np.float64],
        search: float,
    ) -> tuple[float, float]:
        """Return the offset with the highest correlation, and how far that stands out."""
        reach = int(np.ceil(search / self.step))
        place = (start - self.first) / self.step
        kept = (place > -reach - 1) & (place < len(self.flux) + reach)
        train = np.zeros(len(self.flux) + 2 * reach + 2)
        place = place[kept] + reach + 1
        left = np.floor(place).astype(np.int64)
        share = place - left
        known = left + 1 < len(train)
        for row, part in ((left, 1.0 - share), (left + 1, share)):
            np.add.at(train, row[known], (weight[kept] * part)[known])
        # Many notes at one instant are one rise, not many.
        train = np.sqrt(train)
        length = 1 << int(np.ceil(np.log2(len(train) + len(self.flux) + 1)))
        product = np.fft.rfft(self.flux, length) * np.conj(np.fft.rfft(train, length))
        match = np.fft.irfft(product, length)
        lags = np.arange(-reach, reach + 1)
        match = match[(lags - reach - 1) % length]
        best = int(np.argmax(match))
        peak = float(lags[best]) + _vertex(match, best)
        deviation = float(match.std()) or 1.0
        clarity = (float(match[best]) - float(match.mean())) / deviation
        return min(max(peak * self.step, -search), search), clarity


def _vertex(values: npt.NDArray[np.float64], row: int) -> float:
    """Return how far the top of the parabola through a peak and its neighbours is from it."""
    if not 0 < row < len(values) - 1:
        return 0.0
    before, top, after = values[row - 1 : row + 2].tolist()
    bend = before - 2.0 * top + after
    return 0.5 * (before - after) / bend if bend < 0 else 0.0


def _fluxes(wav: Wav, hop: int, size: int) -> Iterable[npt.NDArray[np.float32]]:
    """Yield the spectral flux, block by block."""
    window = np.hanning(size + 1)[:-1].astype(np.float32)
    window /= window.sum() / 2.0
    left = int(_LONGEST * wav.rate / hop)
    held = np.zeros(size // 2, np.float32)
    last: npt.NDArray[np.float32] | None = None
    for block in _then_silence(wav, size):
        held = np.concatenate([held, block])
        count = min((len(held) - size) // hop + 1 if len(held) >= size else 0, left)
        if not count:
            continue
        frames = np.lib.stride_tricks.sliding_window_view(held, size)[: count * hop : hop]
        loud = np.log1p(_LOUDNESS * np.abs(np.fft.rfft(frames * window, axis=1)))
        loud = loud.astype(np.float32)
        before = np.concatenate([loud[:1] if last is None else last, loud[:-1]])
        yield np.maximum(loud - before, 0.0).sum(axis=1, dtype=np.float32)
        last = loud[-1:]
        held = held[count * hop :]
        left -= count
        if not left:
            return


def _then_silence(wav: Wav, size: int) -> Iterable[npt.NDArray[np.float32]]:
    yield from wav.blocks()
    yield np.zeros(size, np.float32)
