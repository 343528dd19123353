"""From a song and its grid to what a file says: tempo map, time signature, bar lines.

Two ways to write a song whose tempo drifts. A tempo map, made here, follows the music: every note
keeps its seconds, and the bar lines of the file lie where the music's are. One constant tempo moves
the notes instead, so that each keeps its beat: `midikit.rhythm.constant`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal, TypeAlias

import numpy as np

from midikit.errors import ConversionError
from midikit.escape import quoted
from midikit.model.events import MARKER, TIME_SIGNATURE, Event
from midikit.model.meter import meter_text, quarters_per_beat
from midikit.model.report import Change
from midikit.model.tempo import TempoMap
from midikit.rhythm.barlines import bar_lines, pickup_bars, sync_offset
from midikit.rhythm.given import check_grid
from midikit.rhythm.leadin import lead_in
from midikit.rhythm.moving import held_back, move_grid, move_song
from midikit.rhythm.polyline import fit_polyline
from midikit.units import written_qpm

if TYPE_CHECKING:
    import numpy.typing as npt

    from midikit.model.beats import BeatGrid
    from midikit.model.song import Song
    from midikit.rhythm.leadin import LeadIn

__all__ = [
    "Sync",
    "bar_markers",
    "signature",
    "with_grid",
    "without_meter",
]

Sync: TypeAlias = Literal["time", "bar"]

_BAR_WITHIN = 0.0015
"""Greatest distance in seconds of a bar line of the map from the grid's."""

_LONGEST = 256
"""Most bars that one tempo is fitted to: in whole microseconds a longer one would be off by more
than half a millisecond at its end."""

_HEARD = 0.002
"""Seconds by which all bar lines may be early without a word."""

_AT_ZERO = 1e-9


@dataclass(frozen=True, slots=True, eq=False)
class _Layout:
    """A tempo map and how it gets to the first bar line.

    Quarters a minute in whole microseconds a quarter, as a file holds them. One tempo where the
    grid is constant and its first bar line is a whole number of bars from second 0. Else one flat
    lead-in puts a bar line on the first at or after second 0, and from there tempi change at bar
    lines only, no more often than needed to keep each bar line within 1.5 ms of the grid's.

    Parameters
    ----------
    tempo : TempoMap
        The map.
    lead : LeadIn
        What comes before the first bar line.
    early : float
        Seconds by which its bar lines come before the grid's.
    bars : int
        Bars before the first bar line.
    """

    tempo: TempoMap
    lead: LeadIn
    early: float
    bars: int

    @classmethod
    def of(cls, grid: BeatGrid) -> _Layout:
        """Lay out lead-in and tempi."""
        bars = bar_lines(grid)
        a_bar = grid.beats_per_bar * quarters_per_beat(grid.meter)
        lead = lead_in(float(bars[0]), float(bars[1] - bars[0]), grid.meter)
        early = lead.missed if lead.missed > _HEARD else 0.0
        bars = bars - early
        if grid.is_constant:
            at = np.array([0.0, float(len(bars) - 1)])
            seconds = np.array([bars[0], bars[-1]])
        else:
            at, seconds = fit_polyline(bars, within=_BAR_WITHIN, longest=_LONGEST)
        quarters = np.concatenate([[0.0], lead.quarters + at * a_bar])
        seconds = np.concatenate([[0.0], seconds])
        if lead.quarters == 0:
            quarters, seconds = quarters[1:], seconds[1:]
            seconds[0] = 0.0
        elif grid.is_constant and lead.is_at_tempo:
            quarters, seconds = np.delete(quarters, 1), np.delete(seconds, 1)
        before = round(lead.quarters / a_bar) if lead.meter == grid.meter else 1
        return cls(_written(quarters, seconds), lead, early, before)


def _written(quarters: npt.NDArray[np.float64], seconds: npt.NDArray[np.float64]) -> TempoMap:
    """Choose whole microseconds a quarter so that no rounding adds up from change to change."""
    starts: list[float] = []
    tempi: list[float] = []
    now = 0.0
    for row in range(len(quarters) - 1):
        length = float(quarters[row + 1] - quarters[row])
        qpm = written_qpm(60.0 * length / max(float(seconds[row + 1]) - now, 1e-9))
        if not tempi or qpm != tempi[-1]:
            starts.append(now)
            tempi.append(qpm)
        now += 60.0 * length / qpm
    return TempoMap(np.array(starts), np.array(tempi))


def _signatures(meter: tuple[int, int], layout: _Layout) -> tuple[Event, ...]:
    if layout.lead.meter == meter:
        return (signature(0.0, meter),)
    first = float(layout.tempo.to_seconds(layout.lead.quarters))
    return signature(0.0, layout.lead.meter), signature(first, meter)


def signature(seconds: float, meter: tuple[int, int]) -> Event:
    r"""Write a time signature: a click each felt beat, eight 32nds a quarter.

    Parameters
    ----------
    seconds : float
        Where.
    meter : tuple of int
        Numerator and denominator.

    Returns
    -------
    Event
        The event.

    Raises
    ------
    ConversionError
        If the numerator does not fit into a .mid.

    Examples
    --------
    >>> signature(0.0, (6, 8)).data
    b'\x06\x03$\x08'
    """
    numerator, denominator = meter
    if numerator > 255:
        raise ConversionError(f"meter {numerator}/{denominator}; a .mid holds up to 255 beats")
    clocks = max(1, round(24 * quarters_per_beat(meter)))
    data = bytes([numerator, denominator.bit_length() - 1, clocks, 8])
    return Event(seconds, TIME_SIGNATURE, data)


def with_grid(song: Song, grid: BeatGrid, *, sync: Sync = "time", markers: bool = False) -> Song:
    r"""Give a song the tempo map, time signature and bar lines of a grid.

    Parameters
    ----------
    song : Song
        The song; its tempo and time signatures are replaced.
    grid : BeatGrid
        Beats and bars.
    sync : {"time", "bar"}, optional
        ``"time"`` leaves every note at its second. Unless the music begins with a bar line, a
        flat lead-in of its own tempo leads to the first; one under 20 ms is left out, and all bar
        lines are so much early. ``"bar"`` moves the whole song so that the first bar line is at
        second 0; or, if notes start more than 30 ms before it, at the end of as many whole bars as
        they need. Notes that are less early begin with it.
    markers : bool, optional
        Whether to put a marker such as ``Bar 17`` at each bar line of the grid, counted as the
        bars of the file are: a lead-in is bar 1.

    Returns
    -------
    Song
        The song; `changes` tells its tempo, what other meter was claimed, and with ``sync="bar"``
        how far it was moved.

    Raises
    ------
    ConversionError
        If `sync` is none of those above, or a tempo does not fit into a .mid.

    Examples
    --------
    >>> from midikit.model.beats import BeatGrid
    >>> from midikit.model.notes import as_notes
    >>> from midikit.model.song import Song, Track
    >>> song = Song((Track("Koto", notes=as_notes([(0.6, 1.0, 60, 80)])),))
    >>> moved = with_grid(song, BeatGrid.constant(100.0, offset=0.6), sync="bar")
    >>> moved[0].notes["start"].tolist(), moved.tempo, moved.time_signatures
    ([0.0], <TempoMap 100.00 qpm>, ((0.0, 4, 4),))
    >>> print(*moved.changes, sep="\n")
    moved 0.600 s earlier, so that the first bar line is at 0.000 s
    tempo of 100.00 bpm in 4/4 written
    """
    check_grid(grid)
    if sync not in {"time", "bar"}:
        raise ConversionError(f"sync {quoted(sync)}: expected time or bar")
    changes = []
    if sync == "bar":
        song, grid, change = _at_bar(song, grid)
        changes = [change]
    layout = _Layout.of(grid)
    events, replaced = without_meter(song, grid.meter)
    events += _signatures(grid.meter, layout)
    if markers:
        events += bar_markers(grid, layout.bars + 1)
    events.sort(key=lambda event: event.seconds)
    changes += [Change("tempo", "", _told(grid, layout), len(layout.tempo.qpm)), *replaced]
    return replace(
        song, tempo=layout.tempo, events=tuple(events), changes=(*song.changes, *changes)
    )


def without_meter(song: Song, meter: tuple[int, int]) -> tuple[list[Event], list[Change]]:
    """Take the time signatures out of a song's events.

    Parameters
    ----------
    song : Song
        The song.
    meter : tuple of int
        The meter that is written instead.

    Returns
    -------
    events : list of Event
        The other events of the song.
    changes : list of Change
        That other meters were claimed; empty if none were.

    Examples
    --------
    >>> from midikit.model.song import Song
    >>> without_meter(Song((), events=(signature(0.0, (5, 4)),)), (4, 4))[1][0].what
    '4/4 written instead of the 5/4 that was claimed'
    """
    events = [event for event in song.events if event.kind != TIME_SIGNATURE]
    claimed = dict.fromkeys(signature[1:] for signature in song.time_signatures)
    others = [meter_text(other) for other in claimed if other != meter]
    if not others:
        return events, []
    more = f" and {len(others) - 1:,} more" if len(others) > 1 else ""
    what = f"{meter_text(meter)} written instead of the {others[0]}{more} that was claimed"
    return events, [Change("meter", "", what)]


def bar_markers(grid: BeatGrid, number: int = 1) -> tuple[Event, ...]:
    """Make a marker for each bar line of a grid.

    Parameters
    ----------
    grid : BeatGrid
        Beats and bars.
    number : int, optional
        Number of the first bar line at or after second 0.

    Returns
    -------
    tuple of Event
        Markers such as ``Bar 17``; none before second 0.

    Examples
    --------
    >>> from midikit.model.beats import BeatGrid
    >>> [marker.text for marker in bar_markers(BeatGrid.constant(120.0, end=4.0))]
    ['Bar 1', 'Bar 2', 'Bar 3']
    """
    seconds = grid.downbeats[grid.downbeats > -_AT_ZERO].tolist()
    return tuple(
        Event(max(second, 0.0), MARKER, f"Bar {number + index}".encode())
        for index, second in enumerate(seconds)
    )


def _told(grid: BeatGrid, layout: _Layout) -> str:
    """Say what tempo is written."""
    meter = meter_text(grid.meter)
    count, lead = len(layout.tempo.qpm), layout.lead
    has_lead_in = lead.quarters > 0 and count > 1
    if count - has_lead_in == 1:
        what = f"tempo of {grid.bpm:.2f} bpm in {meter} written"
    else:
        what = (
            f"tempo map of {count - has_lead_in:,} tempi around {grid.bpm:.2f} bpm in {meter} "
            "written"
        )
    if has_lead_in:
        qpm = layout.tempo.qpm[0] / quarters_per_beat(grid.meter)
        length = float(layout.tempo.to_seconds(lead.quarters))
        what += f"; a lead-in at {qpm:.2f} bpm reaches the first bar line at {length:.3f} s"
    if layout.bars:
        what += (
            f", which is bar {layout.bars + 1} of the file"
            if has_lead_in
            else (f"; its first bar line is bar {layout.bars + 1} of the file")
        )
    if layout.early:
        what += f"; all bar lines {1000.0 * layout.early:.1f} ms early, the first at second 0"
    return what


def _at_bar(song: Song, grid: BeatGrid) -> tuple[Song, BeatGrid, Change]:
    """Move a song so that its first bar line is at second 0, or whole bars after it."""
    seconds = sync_offset(song, grid)
    moved = move_grid(grid, seconds)
    bars = pickup_bars(song, grid)
    at = float(moved.time_at(grid.pickup))
    what = f"moved {abs(seconds):.3f} s {'earlier' if seconds < 0 else 'later'}"
    if bars:
        pickup = "a pickup bar comes" if bars == 1 else f"{bars} pickup bars come"
        what += f", so that {pickup} before the first bar line at {at:.3f} s"
    else:
        what += ", so that the first bar line is at 0.000 s"
    what += held_back(song, -seconds)
    song = move_song(song, lambda time: np.maximum(time + seconds, 0.0))
    return song, moved, Change("sync", "", what, song.note_count)
