"""Where audio grows louder: spectral flux, read from a file block by block."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from midikit.errors import InputError
from midikit.escape import printable
from midikit.rhythm.wav import open_wav

if TYPE_CHECKING:
    from collections.abc import Iterable

    import numpy.typing as npt

    from midikit.rhythm.wav import Wav

__all__ = ["HOP", "Rises"]

HOP = 0.005
"""Seconds from one spectrum to the next."""

_WINDOW = 0.012
"""Length of a spectrum in seconds: short, so that a rise has a place."""

_RISE = 0.002
"""Seconds from the start of a usual sound to where it rises most."""

_LOUDNESS = 100.0
"""Factor before the logarithm: what is 40 dB below full scale counts as soft."""

_LONGEST = 2 * 3600.0
"""Seconds of audio that are looked at."""


@dataclass(frozen=True, slots=True, eq=False)
class Rises:
    """How much louder a file becomes at each step.

    Parameters
    ----------
    flux : ndarray of float32, shape (k,)
        Spectral flux, a row each 5 ms from second 0, its mean taken away, with deviation 1.
    is_cut : bool, optional
        Whether the file ends before the samples that it announces.
    """

    flux: npt.NDArray[np.float32]
    is_cut: bool = False

    @classmethod
    def of(cls, path: str | os.PathLike[str]) -> Rises:
        """Read a file.

        Parameters
        ----------
        path : str or PathLike
            A .wav file.

        Returns
        -------
        Rises
            How it grows louder.

        Raises
        ------
        InputError
            If it is no readable .wav, or holds no sound that grows louder.
        """
        with open_wav(path) as wav:
            flux = np.concatenate([np.zeros(0, np.float32), *_fluxes(wav)])
        if not flux.any():
            shown = printable(os.fspath(path), 200)
            raise InputError(shown, "", "holds no sound that grows louder; expected music")
        flux -= flux.mean()
        return cls(flux / flux.std(), wav.is_cut)

    def match(
        self,
        start: npt.NDArray[np.float64],
        weight: npt.NDArray[np.float64],
        reach: int,
    ) -> npt.NDArray[np.float64]:
        """Correlate with notes moved by -reach to reach steps.

        Parameters
        ----------
        start : ndarray of float64, shape (n,)
            Where the notes start, in seconds.
        weight : ndarray of float64, shape (n,)
            How much each counts.
        reach : int
            Steps of 5 ms to move them by in either direction.

        Returns
        -------
        ndarray of float64, shape (2 * reach + 1,)
            The correlation, with mean 0 and deviation 1.
        """
        # What grew from one step to the next grew between them: half a step before the second.
        place = (start + _RISE) / HOP + 0.5
        kept = (place > -reach - 1) & (place < len(self.flux) + reach)
        train = np.zeros(len(self.flux) + 2 * reach + 2)
        place = place[kept] + reach + 1
        left = np.floor(place).astype(np.int64)
        share = place - left
        for row, part in ((left, 1.0 - share), (left + 1, share)):
            known = row < len(train)
            np.add.at(train, row[known], (weight[kept] * part)[known])
        # Many notes at one instant are one rise, not many.
        train = np.sqrt(train)
        length = 1 << int(np.ceil(np.log2(len(train) + len(self.flux) + 1)))
        product = np.fft.rfft(self.flux, length) * np.conj(np.fft.rfft(train, length))
        match = np.fft.irfft(product, length)[(np.arange(-2 * reach, 1) - 1) % length]
        match -= match.mean()
        return np.asarray(match / (match.std() or 1.0), np.float64)

    def followed(self, start: npt.NDArray[np.float64]) -> float:
        """Tell at which share of the notes within the file it grows louder than on average.

        Parameters
        ----------
        start : ndarray of float64, shape (n,)
            Where the notes start in the file, in seconds.

        Returns
        -------
        float
            The share, 0 to 1.
        """
        row = np.rint((start + _RISE) / HOP + 0.5).astype(np.int64)
        row = row[(row >= 0) & (row < len(self.flux))]
        if not len(row):
            return 0.0
        near = np.clip(row[:, None] + np.arange(-2, 3), 0, len(self.flux) - 1)
        return float((self.flux[near].max(axis=1) > 0).mean())


def _fluxes(wav: Wav) -> Iterable[npt.NDArray[np.float32]]:
    """Yield the spectral flux in steps of exactly `HOP`, block by block."""
    size = max(16, 2 * round(wav.rate * _WINDOW / 2.0))
    window = np.hanning(size + 1)[:-1].astype(np.float32)
    window /= window.sum() / 2.0
    hop = wav.rate * HOP
    # The middle of the first window is second 0.
    held, begin, row = np.zeros(size // 2, np.float32), -(size // 2), 0
    last = np.zeros((1, size // 2 + 1), np.float32)
    for block in _then_silence(wav, size):
        held = np.concatenate([held, block])
        rows = np.arange(row, int((begin + len(held) - size / 2.0) / hop) + 1)
        first = np.rint(rows * hop).astype(np.int64) - size // 2 - begin
        first = first[(first + size <= len(held)) & (rows * HOP < _LONGEST)]
        if not len(first):
            continue
        frames = np.lib.stride_tricks.sliding_window_view(held, size)[first]
        loud = np.log1p(_LOUDNESS * np.abs(np.fft.rfft(frames * window, axis=1)))
        loud = np.concatenate([last, loud.astype(np.float32)])
        yield np.maximum(np.diff(loud, axis=0), 0.0).sum(axis=1, dtype=np.float32)
        last, row = loud[-1:], row + len(first)
        done = max(0, round(row * hop) - size // 2 - begin - 1)
        held, begin = held[done:], begin + done


def _then_silence(wav: Wav, size: int) -> Iterable[npt.NDArray[np.float32]]:
    yield from wav.blocks()
    yield np.zeros(size, np.float32)
