"""What a conversion to another package's objects rounds: times and tempi."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from midikit.model.report import Change, counted
from midikit.units import microseconds_per_quarter, qpm_from_microseconds, seconds_from_ticks

if TYPE_CHECKING:
    import numpy.typing as npt

    from midikit.convert.arrange.chunks import TempoTicks
    from midikit.model.song import Song

__all__ = ["moved_times", "rounded_tempi"]

_EQUAL = 1e-9
"""Seconds, or a part of a tempo, below which nothing has changed but the last bits of a float."""


_FARTHEST_TICK = 1 << 40


def moved_times(song: Song, tempo: TempoTicks, when: str = "") -> list[Change]:
    """List what does not stand on a tick.

    Parameters
    ----------
    song : Song
        The song.
    tempo : TempoTicks
        The tempo as it will be written.
    when : str, optional
        Words for when this happens.

    Returns
    -------
    list of Change
        At most one, of kind ``time``.
    """
    notes = [track.notes[name] for name in ("start", "end") for track in song.tracks]
    others = [track.controls["seconds"] for track in song.tracks]
    others += [
        np.array([event.seconds for event in events], np.float64)
        for events in (song.events, *(track.events for track in song.tracks))
    ]
    empty: npt.NDArray[np.float64] = np.empty(0)
    note_gaps = _gaps(np.concatenate([empty, *notes]), tempo).reshape(2, -1).max(axis=0)
    other_gaps = _gaps(np.concatenate([empty, *others]), tempo)
    found = [
        counted(number, noun)
        for gaps, noun in ((note_gaps, "note"), (other_gaps, "other event"))
        if (number := int(np.count_nonzero(gaps > _EQUAL)))
    ]
    if not found:
        return []
    most = max(float(note_gaps.max(initial=0.0)), float(other_gaps.max(initial=0.0)))
    what = f"{' and '.join(found)} moved to the nearest tick{when}, by at most {most * 1e3:.3g} ms"
    total = int(np.count_nonzero(note_gaps > _EQUAL) + np.count_nonzero(other_gaps > _EQUAL))
    return [Change("time", "", what, total)]


def _gaps(seconds: npt.NDArray[np.float64], tempo: TempoTicks) -> npt.NDArray[np.float64]:
    """Measure how far times are from their ticks, in seconds."""
    fastest = float(1e6 * tempo.ticks_per_quarter / tempo.micro.min())
    seconds = np.minimum(seconds, _FARTHEST_TICK / fastest)  # nothing further out can be written
    ticks = tempo.at(seconds)
    back = seconds_from_ticks(ticks, tempo.ticks, tempo.micro, tempo.ticks_per_quarter)
    gaps: npt.NDArray[np.float64] = np.abs(back - seconds)
    return gaps


def rounded_tempi(song: Song, tempo: TempoTicks) -> list[Change]:
    """List tempi that are no whole microseconds a quarter, or do not begin on a tick.

    Parameters
    ----------
    song : Song
        The song.
    tempo : TempoTicks
        The tempo as it will be written.

    Returns
    -------
    list of Change
        Of kind ``tempo``.
    """
    qpm, seconds = song.tempo.qpm, song.tempo.seconds
    written = qpm_from_microseconds(microseconds_per_quarter(qpm))
    changed = np.abs(written - qpm) > _EQUAL * qpm
    merged = len(qpm) - len(tempo.micro)
    if not merged:
        changed |= np.abs(tempo.starts - seconds) > _EQUAL
    n = int(np.count_nonzero(changed))
    changes = []
    if merged:
        what = f"{merged:,} of {len(qpm):,} tempi left out: shorter than a tick"
        changes.append(Change("tempo", "", what, merged))
    if n and len(qpm) == 1:
        what = f"tempo {qpm[0]:g} rounded to {written[0]:.9g} qpm, whole microseconds a quarter"
        changes.append(Change("tempo", "", what))
    elif n:
        what = f"{n:,} of {len(qpm):,} tempi rounded to whole ticks and microseconds a quarter"
        changes.append(Change("tempo", "", what, n))
    return changes
