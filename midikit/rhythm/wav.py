"""Samples of a .wav file, block by block.

The standard library's ``wave`` refuses floating point and extensible files before Python 3.12 and
3.15, so the few chunks that matter are read here: RIFF/WAVE with 8, 16, 24 or 32-bit PCM or 32 or
64-bit floats, plain or extensible. A ``data`` chunk that claims more than there is, as streaming
writers leave it, is read to the end of the file.
"""

from __future__ import annotations

import os
import struct
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import numpy as np

from midikit.errors import InputError
from midikit.escape import printable

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy.typing as npt

__all__ = ["Wav", "open_wav"]

_PCM, _FLOAT, _EXTENSIBLE = 1, 3, 0xFFFE
_WIDTHS = {_PCM: (8, 16, 24, 32), _FLOAT: (32, 64)}
_MOST_CHANNELS = 64
_RATES = (1_000, 768_000)
_MOST_CHUNKS = 1_000
_STREAMED = 0x7FFFFF00
"""Bytes of samples from which on a file only says that its writer did not know."""

_SHORTEST_FORMAT, _LONGEST_FORMAT = 16, 64


@dataclass(frozen=True, slots=True)
class Wav:
    """An open .wav file.

    Parameters
    ----------
    rate : int
        Samples a second.
    channels : int
        Channels.
    bits : int
        Bits a sample.
    is_float : bool
        Whether samples are floating point.
    file : file object
        Stands at the first sample.
    size : int
        Bytes of samples, as far as is known.
    is_cut : bool, optional
        Whether the file ends before them.
    """

    rate: int
    channels: int
    bits: int
    is_float: bool
    file: BinaryIO
    size: int
    is_cut: bool = False

    def blocks(self, frames: int = 1 << 16) -> Iterator[npt.NDArray[np.float32]]:
        """Read the samples, once.

        Parameters
        ----------
        frames : int, optional
            Most samples of each channel to hold at a time.

        Yields
        ------
        ndarray of float32, shape (up to frames,)
            The mean of the channels, full scale 1; what is not finite is silence. A last sample
            that is cut off is left out.
        """
        step = self.channels * self.bits // 8
        left = self.size - self.size % step
        while left > 0:
            data = self.file.read(min(left, frames * step))
            whole = len(data) - len(data) % step
            if whole:
                yield self._mono(data[:whole])
            if len(data) < min(left, frames * step):
                return
            left -= len(data)

    def _mono(self, data: bytes) -> npt.NDArray[np.float32]:
        """Turn bytes into samples and mix the channels."""
        samples: npt.NDArray[np.float32]
        if self.is_float:
            floats = np.frombuffer(data, f"<f{self.bits // 8}")
            samples = np.where(np.isfinite(floats), np.clip(floats, -1e3, 1e3), 0.0).astype(
                np.float32
            )
        elif self.bits == 8:
            samples = (np.frombuffer(data, np.uint8).astype(np.float32) - 128.0) / 128.0
        elif self.bits == 24:
            wide = np.zeros((len(data) // 3, 4), np.uint8)
            wide[:, 1:] = np.frombuffer(data, np.uint8).reshape(-1, 3)
            samples = wide.view("<i4")[:, 0].astype(np.float32) / 2.0**31
        else:
            whole = np.frombuffer(data, f"<i{self.bits // 8}")
            samples = whole.astype(np.float32) / 2.0 ** (self.bits - 1)
        return np.asarray(samples.reshape(-1, self.channels).mean(axis=1), np.float32)


@contextmanager
def open_wav(path: str | os.PathLike[str]) -> Iterator[Wav]:
    """Open a .wav file.

    Parameters
    ----------
    path : str or PathLike
        The file.

    Yields
    ------
    Wav
        Open while the context lasts.

    Raises
    ------
    InputError
        If it cannot be read or is no .wav file of a kind named above.
    """
    shown = printable(os.fspath(path), 200)
    try:
        with Path(path).open("rb") as file:
            yield _parsed(file, shown)
    except (OSError, ValueError) as error:
        if isinstance(error, InputError):
            raise
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise InputError(shown, "", f"cannot be read: {reason}") from None


def _parsed(file: BinaryIO, shown: str) -> Wav:
    """Read the chunks up to the samples."""
    head = file.read(12)
    if len(head) < 12 or head[:4] != b"RIFF" or head[8:] != b"WAVE":
        found = f"begins with {head[:12]!r}" if head else "is empty"
        raise InputError(shown, "", f"{found}; expected a RIFF/WAVE file")
    form: tuple[int, int, int, int] | None = None
    for _ in range(_MOST_CHUNKS):
        header = file.read(8)
        if len(header) < 8:
            missing = "fmt" if form is None else "data"
            raise InputError(shown, "", f"ends without a '{missing}' chunk; expected samples")
        kind, size = header[:4], int.from_bytes(header[4:], "little")
        if kind == b"fmt ":
            form = _format(file.read(min(size, _LONGEST_FORMAT)), shown)
            file.seek(max(0, size - _LONGEST_FORMAT) + size % 2, os.SEEK_CUR)
        elif kind == b"data" and form is not None:
            code, channels, rate, bits = form
            there = os.fstat(file.fileno()).st_size - file.tell()
            is_cut = there < size < _STREAMED
            return Wav(rate, channels, bits, code == _FLOAT, file, size or 1 << 62, is_cut)
        else:
            file.seek(size + size % 2, os.SEEK_CUR)
    raise InputError(shown, "", f"no samples in {_MOST_CHUNKS:,} chunks; expected a 'data' chunk")


def _format(data: bytes, shown: str) -> tuple[int, int, int, int]:
    """Read and check the format: code, channels, rate, bits."""
    if len(data) < _SHORTEST_FORMAT:
        raise InputError(shown, "", f"a 'fmt' chunk of {len(data)} bytes; expected 16 or more")
    code, channels, rate, _, block, bits = struct.unpack("<HHIIHH", data[:_SHORTEST_FORMAT])
    if code == _EXTENSIBLE and len(data) >= 26:
        code = int.from_bytes(data[24:26], "little")
    if code not in _WIDTHS or bits not in _WIDTHS[code]:
        raise InputError(
            shown,
            "",
            f"format {code} of {bits} bits; expected PCM of 8, 16, 24 or 32 or floats of 32 or 64",
        )
    if not 1 <= channels <= _MOST_CHANNELS or block != channels * bits // 8:
        raise InputError(
            shown,
            "",
            f"{channels} channels in {block} bytes a sample of {bits} bits; expected 1 "
            f"to {_MOST_CHANNELS} and the bytes they need",
        )
    if not _RATES[0] <= rate <= _RATES[1]:
        expected = f"expected {_RATES[0]:,} to {_RATES[1]:,}"
        raise InputError(shown, "", f"{rate:,} samples a second; {expected}")
    return code, channels, rate, bits
