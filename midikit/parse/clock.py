"""Ticks of a file to seconds of a song."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from midikit import units
from midikit.model.tempo import TempoMap

if TYPE_CHECKING:
    import numpy.typing as npt

    from midikit.smf.decode import MidiFile

__all__ = ["TEMPO", "Clock"]

TEMPO = 0x51
"""Meta type of a tempo event."""

_DEFAULT_MICROSECONDS = 500_000
_DROP_FRAME = 29


@dataclass(frozen=True, slots=True, eq=False)
class Clock:
    """Tempo events of all tracks, or the frame rate, of one file.

    Parameters
    ----------
    ticks : ndarray of int64, shape (k,)
        Tick of each tempo, strictly increasing from 0.
    micro : ndarray of int64, shape (k,)
        Microseconds a quarter from there on.
    resolution : int
        Ticks a quarter that `micro` refers to.
    ticks_per_quarter : int
        Resolution for a song: the file's own, or for frames one that keeps every tick exactly at
        120 BPM where there is one.
    tempo : TempoMap
        The tempi by second.
    """

    ticks: npt.NDArray[np.int64]
    micro: npt.NDArray[np.int64]
    resolution: int
    ticks_per_quarter: int
    tempo: TempoMap

    @classmethod
    def of(cls, file: MidiFile) -> Clock:
        """Read the clock of a file.

        Parameters
        ----------
        file : MidiFile
            A decoded file.

        Returns
        -------
        Clock
            The last of several tempi at one tick counts; 120 BPM before the first.
        """
        if file.ticks_per_quarter is None:
            return cls._of_frames(file.frames_per_second or 25, file.ticks_per_frame or 40)
        ticks, micro = _tempo_events(file)
        resolution = file.ticks_per_quarter
        if len(ticks) == 1:
            constant = TempoMap.constant(60e6 / int(micro[0]))
            return cls(ticks, micro, resolution, resolution, constant)
        seconds = units.seconds_from_ticks(ticks, ticks, micro, resolution)
        qpm = 60e6 / micro
        grows = seconds[1:] > seconds[:-1]
        if not grows.all():
            # Ticks too far out to differ in seconds leave the last tempo.
            seconds, qpm = seconds[np.append(True, grows)], qpm[np.append(grows, True)]
        return cls(ticks, micro, resolution, resolution, TempoMap(seconds, qpm))

    @classmethod
    def _of_frames(cls, frames_per_second: int, ticks_per_frame: int) -> Clock:
        """Make the clock of a file whose ticks are fractions of a film frame."""
        rate = frames_per_second * ticks_per_frame
        micro, resolution = 1_000_000, rate
        song = rate if rate % 2 else rate // 2
        if frames_per_second == _DROP_FRAME:
            # 30,000 / 1,001 frames a second, in whole numbers.
            micro, resolution = 100_100, 3 * ticks_per_frame
            song = units.DEFAULT_TICKS_PER_QUARTER
        zero = np.zeros(1, np.int64)
        return cls(zero, zero + micro, resolution, song, TempoMap.constant())

    def seconds(self, ticks: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
        """Turn ticks into seconds.

        Parameters
        ----------
        ticks : ndarray of int64
            Ticks from the beginning of a track.

        Returns
        -------
        ndarray of float64
            Seconds.
        """
        return units.seconds_from_ticks(ticks, self.ticks, self.micro, self.resolution)


def _tempo_events(file: MidiFile) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Return tick and microseconds a quarter of the tempi of all tracks, one a tick."""
    tempi = {0: _DEFAULT_MICROSECONDS}
    events = [
        (tick, int.from_bytes(data))
        for tick, kind, data in zip(file.meta_tick, file.meta_kind, file.meta_data, strict=True)
        if kind == TEMPO
    ]
    # A stable sort, so that the last of several at one tick stays.
    tempi.update(sorted(events, key=_tick))
    return np.array([*tempi], np.int64), np.array([*tempi.values()], np.int64)


def _tick(event: tuple[int, int]) -> int:
    return event[0]
