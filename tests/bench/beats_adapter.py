"""What `tests.bench.beats` measures: notes in, beats, bars and note positions out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from midikit.rhythm.align import part_lags
from midikit.rhythm.estimate import estimate_beats
from tests.bench.beats_data import song_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy.typing as npt

    from midikit.model.beats import BeatGrid

__all__ = ["estimate"]


def estimate(notes: Mapping[str, Any]) -> dict[str, Any]:
    """Estimate the grid of a table of notes; no beats where no steady grid is found."""
    song = song_of(notes)
    grid = estimate_beats(song)
    if grid is None:
        return {"beats": [], "downbeats": [], "bpm": None, "confidence": 0.0}
    assert grid.confidence is not None
    late = np.nan_to_num(part_lags(song, grid))
    number = np.searchsorted(np.unique(notes["instrument"]), notes["instrument"])
    before = int(grid.beat_at(0.0)) + grid.beats_per_bar
    after = int(grid.beat_at(float(np.max(notes["onset"])) + 0.05)) + 1
    places = np.arange(-abs(before), max(after, 2))
    beats = grid.time_at(places)
    kept = (beats >= 0) & (beats <= np.max(notes["onset"]) + 0.05)
    places, beats = places[kept], beats[kept]
    opens = (places - grid.pickup) % grid.beats_per_bar == 0
    position = _snapped(grid.beat_at(notes["onset"] - late[number]), grid)
    return {
        "beats": beats,
        "downbeats": beats[opens],
        "bpm": 60.0 / float(np.median(np.diff(beats))) if len(beats) > 1 else grid.bpm,
        "beats_per_bar": grid.beats_per_bar,
        "positions": position - places[0],
        "confidence": grid.confidence.pulse,
        "level": grid.confidence.level,
        "bar": grid.confidence.bar,
    }


def _snapped(place: npt.NDArray[np.float64], grid: BeatGrid) -> npt.NDArray[np.float64]:
    """Put beat positions on the lines of the grid; far from one, on a half or a third of it."""
    lines = grid.subdivision or 4
    if grid.swing_ratio != 0.5 and lines % 3:
        half = lines / 2
        scaled = place * half
        whole = np.floor(scaled)
        near = scaled - whole
        straight = np.where(near < grid.swing_ratio / 2, 0.0, 0.5)
        straight = np.where(near > (1 + grid.swing_ratio) / 2, 1.0, straight)
        return (whole + straight) / half
    scaled = place * lines
    fine = np.round(scaled)
    off = np.abs(scaled - fine)
    far = off > max(0.15, 4.0 * float(np.median(off)))
    options = np.stack([np.round(scaled[far] * q) / q for q in (1, 2, 3)])
    miss = np.abs(options - scaled[far]) * np.array([1.0, 1.6, 2.2])[:, None]
    fine[far] = options[miss.argmin(axis=0), np.arange(int(far.sum()))]
    return fine / lines
