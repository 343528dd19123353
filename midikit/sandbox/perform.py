"""Play a score as a transcription would hear it: lags, scatter, lattice times, velocities.

All chance is counted out of (seed, take, pulse, pitch) in whole numbers, and all times come from
single additions, multiplications and divisions, so that every machine gives the same bits.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from midikit.model.notes import Notes, as_notes
from midikit.sandbox.chance import drawn, mixed, seeded
from midikit.sandbox.score import PULSES, Row
from midikit.units import LATTICE

if TYPE_CHECKING:
    from collections.abc import Iterable

    import numpy.typing as npt

    from midikit.model.beats import BeatGrid

__all__ = ["Part", "beats_of", "perform"]


@dataclass(slots=True)
class Part:
    """One instrument's score and how it is played.

    Parameters
    ----------
    name : str
        As the answer names it.
    seed : int
        Chooses the scatter; equal seeds play equal rows alike.
    lag_ms : float, optional
        Constant latency against the grid.
    sway_us : int, optional
        Greatest distance of a stroke from its place, in microseconds; its notes share it.
    spread_us : int, optional
        Greatest distance of a note from its stroke, in microseconds.
    gate : int, optional
        Sounding share of a written length in percent.
    velocity : int or None, optional
        One velocity for every note, None for those of the score with a scatter.
    is_drum : bool, optional
        Whether it is percussion.
    rings : bool, optional
        Let a note ring on into the next of the same pitch instead of ending with it.
    """

    name: str
    seed: int
    lag_ms: float = 0.0
    sway_us: int = 12_000
    spread_us: int = 4_000
    gate: int = 94
    velocity: int | None = None
    is_drum: bool = False
    rings: bool = False
    rows: list[Row] = field(default_factory=list)

    def play(
        self, rows: Iterable[Row], at: int, *, louder: int = 0, up: int = 0, take: int = 0
    ) -> None:
        """Write rows into the part from pulse `at` on, with velocities and pitches moved."""
        self.rows += [
            Row(at + row.pulse, row.length, row.pitch + up, row.velocity + louder, take)
            for row in rows
        ]

    @property
    def scatter(self) -> float:
        """Greatest distance of an onset from grid and lag, in seconds, lattice included."""
        return (self.sway_us + self.spread_us) * 1e-6 + 0.5 / LATTICE


def beats_of(
    count: int, *, offset: float, bpm: Iterable[tuple[int, float]]
) -> npt.NDArray[np.float64]:
    """Lay out beats in seconds; between the given beats the tempo changes evenly, beat by beat.

    Parameters
    ----------
    count : int
        Number of beats.
    offset : float
        Second of the first.
    bpm : iterable of (int, float)
        Tempo at some beats, ascending; it stays before the first and after the last.

    Returns
    -------
    ndarray of float64, shape (count,)
        Seconds.
    """
    places, tempi = (np.array(column, np.float64) for column in zip(*bpm, strict=True))
    # Not np.interp: its compiled sum of a product rounds once on some machines, twice on others.
    beat = np.clip(np.arange(count - 1), places[0], places[-1])
    left = np.clip(np.searchsorted(places, beat, side="right") - 1, 0, max(len(places) - 2, 0))
    right = np.minimum(left + 1, len(places) - 1)
    share = (beat - places[left]) / np.maximum(places[right] - places[left], 1.0)
    periods = 60.0 / (tempi[left] + share * (tempi[right] - tempi[left]))
    return np.concatenate([[offset], offset + np.cumsum(periods)])


def perform(part: Part, grid: BeatGrid) -> tuple[Notes, npt.NDArray[np.float64]]:
    """Play a part.

    Parameters
    ----------
    part : Part
        What to play.
    grid : BeatGrid
        Where the beats are.

    Returns
    -------
    notes : Notes, shape (n,)
        Starts and ends are multiples of 1/192 s.
    positions : ndarray of float64, shape (n,)
        Written position of each of these notes, in beats from ``grid.beats[0]``.
    """
    rows = np.array(part.rows, np.int64).reshape(-1, len(Row._fields))
    pulse, length, pitch, velocity, take = rows.T
    stroke = mixed(mixed(seeded(take * 64 + 1) + np.uint64(part.seed)) + seeded(pulse))
    note = mixed(stroke + seeded(pitch))
    late = drawn(stroke, part.sway_us) + drawn(note, part.spread_us)
    lag = part.lag_ms / 1000.0
    start = grid.time_at(pulse / PULSES) + (lag + late / 1e6)
    released = pulse + np.maximum(length * part.gate // 100, 1)
    end = grid.time_at(released / PULSES) + (lag + drawn(mixed(note), part.sway_us) / 1e6)
    first = np.rint(start * LATTICE).astype(np.int64)
    last = np.maximum(np.rint(end * LATTICE).astype(np.int64), first + 1)
    last = _joined(first, last, pitch, rings=part.rings)
    if part.velocity is None:
        loud = np.clip(velocity + drawn(mixed(note + np.uint64(1)), 5), 20, 127)
    else:
        loud = np.full(len(rows), part.velocity)
    order = np.lexsort((loud, last, pitch, first))
    columns = {
        "start": first[order] / LATTICE,
        "end": last[order] / LATTICE,
        "pitch": pitch[order],
        "velocity": loud[order],
    }
    return as_notes(columns), pulse[order] / PULSES


def _joined(
    first: npt.NDArray[np.int64],
    last: npt.NDArray[np.int64],
    pitch: npt.NDArray[np.int64],
    *,
    rings: bool,
) -> npt.NDArray[np.int64]:
    """Let notes of one pitch follow each other: cut short, or crossing but never nested.

    A file cannot tell nested notes of one pitch and channel from crossing ones.
    """
    ends = last.copy()
    order = np.lexsort((last, first, pitch)).tolist()
    for before, after in pairwise(order):
        if pitch[before] != pitch[after]:
            continue
        if rings:
            ends[after] = max(ends[after], ends[before])
        else:
            ends[before] = max(min(ends[before], first[after]), first[before] + 1)
    return ends
