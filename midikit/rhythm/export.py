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
from midikit.model.beats import quarters_per_beat
from midikit.model.events import Event
from midikit.model.report import Change
from midikit.model.tempo import TempoMap
from midikit.rhythm.leadin import lead_in
from midikit.rhythm.moving import held_back, move_grid, move_song
from midikit.rhythm.polyline import fit_polyline
from midikit.units import microseconds_per_quarter

if TYPE_CHECKING:
    import numpy.typing as npt

    from midikit.model.beats import BeatGrid
    from midikit.model.song import Song
    from midikit.rhythm.leadin import LeadIn

__all__ = [
    "Sync",
    "bar_markers",
    "pickup_bars",
    "signature",
    "sync_offset",
    "tempo_map",
    "time_signatures",
    "with_grid",
]

Sync: TypeAlias = Literal["time", "bar"]

_BAR_WITHIN = 0.0015
"""Greatest distance in seconds of a bar line of the map from the grid's."""

_LONGEST = 256
"""Most bars that one tempo is fitted to: in whole microseconds a longer one would be off by more
than half a millisecond at its end."""

_ON_TIME = 0.03
"""Seconds by which a note may come before the first bar line and still be meant to be on it."""

_TIME_SIGNATURE = 0x58
_MARKER = 0x06
_AT_ZERO = 1e-9


def tempo_map(grid: BeatGrid) -> TempoMap:
    """Make the tempo map that follows a grid without moving time zero.

    Parameters
    ----------
    grid : BeatGrid
        Beats and bars.

    Returns
    -------
    TempoMap
        Quarters a minute in whole microseconds a quarter, as a file holds them. One tempo where the
        grid is constant and its first bar line is a whole number of bars from second 0. Else one
        flat lead-in (`midikit.rhythm.leadin`) puts a bar line on the first at or after second 0,
        and from there tempi change at bar lines only, no more often than needed to keep each bar
        line within 1.5 ms of the grid's.

    Raises
    ------
    ConversionError
        If a tempo is too slow or too fast for a .mid.

    Examples
    --------
    >>> from midikit.model.beats import BeatGrid
    >>> tempo_map(BeatGrid.constant(110.0))
    <TempoMap 110.00 qpm>
    >>> tempo_map(BeatGrid.constant(110.0, offset=2.0)).qpm.round(2).tolist()
    [120.0, 110.0]
    """
    return _layout(grid).tempo


@dataclass(frozen=True, slots=True, eq=False)
class _Layout:
    """A tempo map, the bar line it begins with and how it gets there."""

    tempo: TempoMap
    lead: LeadIn


def _layout(grid: BeatGrid) -> _Layout:
    """Lay out lead-in and tempi."""
    bars = _bar_lines(grid)
    a_bar = _quarters_per_bar(grid)
    bar = float(bars[1] - bars[0])
    lead = lead_in(float(bars[0]), bar, grid.meter)
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
    return _Layout(_written(quarters, seconds), lead)


def _quarters_per_bar(grid: BeatGrid) -> float:
    return grid.beats_per_bar * quarters_per_beat(grid.meter)


def _bar_lines(grid: BeatGrid) -> npt.NDArray[np.float64]:
    """List the bar lines from the first at or after second 0 to one past the last beat."""
    per_bar = grid.beats_per_bar
    first = grid.first_downbeat % per_bar
    # A grid may begin after its first bar line, or long before second 0.
    after = int(np.ceil((float(grid.beat_at(-_AT_ZERO)) - first) / per_bar))
    listed = 0 if len(grid.downbeats) else -1
    start = max(after, listed)
    stop = max(start, (len(grid.beats) - 1 - first + per_bar - 1) // per_bar)
    bar = np.arange(start, max(stop, start + 1) + 1)
    return np.maximum(grid.time_at(first + bar * per_bar), 0.0)


def _written(quarters: npt.NDArray[np.float64], seconds: npt.NDArray[np.float64]) -> TempoMap:
    """Choose whole microseconds a quarter so that no rounding adds up from change to change."""
    starts: list[float] = []
    tempi: list[int] = []
    now = 0.0
    for row in range(len(quarters) - 1):
        length = float(quarters[row + 1] - quarters[row])
        qpm = 60.0 * length / max(float(seconds[row + 1]) - now, 1e-9)
        micro = int(microseconds_per_quarter(qpm))
        if abs(60e6 / micro / qpm - 1.0) > 0.01:
            raise ConversionError(f"tempo of {qpm:g} qpm; a .mid holds 3.58 to 60,000,000")
        if not tempi or micro != tempi[-1]:
            starts.append(now)
            tempi.append(micro)
        now += length * micro * 1e-6
    return TempoMap(np.array(starts), 60e6 / np.array(tempi, np.float64))


def time_signatures(grid: BeatGrid) -> tuple[Event, ...]:
    r"""Make the time signature events that go with `tempo_map`.

    Parameters
    ----------
    grid : BeatGrid
        Beats and bars.

    Returns
    -------
    tuple of Event
        That of the meter at second 0; where the lead-in is shorter than a bar, its own there and
        the meter's where it ends.

    Examples
    --------
    >>> from midikit.model.beats import BeatGrid
    >>> [(event.seconds, event.data) for event in time_signatures(BeatGrid.constant(120.0))]
    [(0.0, b'\x04\x02\x18\x08')]
    """
    return _signatures(grid.meter, _layout(grid))


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
    return Event(seconds, _TIME_SIGNATURE, data)


def with_grid(song: Song, grid: BeatGrid, *, sync: Sync = "time", markers: bool = False) -> Song:
    r"""Give a song the tempo map, time signature and bar lines of a grid.

    Parameters
    ----------
    song : Song
        The song; its tempo and time signatures are replaced.
    grid : BeatGrid
        Beats and bars.
    sync : {"time", "bar"}, optional
        ``"time"`` leaves every note at its second; the flat lead-in of `tempo_map` leads to the
        first bar line. ``"bar"`` moves the whole song so that the first bar line is at second 0;
        or, if notes start more than 30 ms before it, at the end of as many whole bars as they
        need. Notes that are less early begin with it.
    markers : bool, optional
        Whether to put a marker such as ``Bar 17`` at each bar line of the grid, counted from its
        first.

    Returns
    -------
    Song
        The song; `changes` tells its tempo, and with ``sync="bar"`` how far it was moved.

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
    if sync not in {"time", "bar"}:
        raise ConversionError(f"sync {quoted(sync)}: expected time or bar")
    changes = []
    if sync == "bar":
        song, grid, change = _at_bar(song, grid)
        changes = [change]
    layout = _layout(grid)
    events = [event for event in song.events if event.kind != _TIME_SIGNATURE]
    events += _signatures(grid.meter, layout)
    if markers:
        events += bar_markers(grid)
    events.sort(key=lambda event: event.seconds)
    changes.append(Change("tempo", "", _told(grid, layout), len(layout.tempo.qpm)))
    return replace(
        song, tempo=layout.tempo, events=tuple(events), changes=(*song.changes, *changes)
    )


def bar_markers(grid: BeatGrid) -> tuple[Event, ...]:
    """Make a marker for each bar line of a grid.

    Parameters
    ----------
    grid : BeatGrid
        Beats and bars.

    Returns
    -------
    tuple of Event
        Markers such as ``Bar 17``, counted from the grid's first bar line; none before second 0.

    Examples
    --------
    >>> from midikit.model.beats import BeatGrid
    >>> [marker.text for marker in bar_markers(BeatGrid.constant(120.0, end=4.0))]
    ['Bar 1', 'Bar 2', 'Bar 3']
    """
    seconds = grid.downbeats[grid.downbeats > -_AT_ZERO].tolist()
    first = len(grid.downbeats) - len(seconds) + 1
    return tuple(
        Event(max(second, 0.0), _MARKER, f"Bar {first + index}".encode())
        for index, second in enumerate(seconds)
    )


def _told(grid: BeatGrid, layout: _Layout) -> str:
    """Say what tempo is written."""
    meter = "/".join(str(number) for number in grid.meter)
    count, lead = len(layout.tempo.qpm), layout.lead
    has_lead_in = lead.quarters > 0 and count > 1
    if count - has_lead_in == 1:
        what = f"tempo of {grid.bpm:.2f} bpm in {meter} written"
    else:
        scale = 1.0 / quarters_per_beat(grid.meter)
        tempi = layout.tempo.qpm[int(has_lead_in) :] * scale
        what = (
            f"tempo map of {count - has_lead_in:,} tempi, {tempi.min():.2f} to {tempi.max():.2f} "
            f"bpm in {meter}, written"
        )
    if has_lead_in:
        qpm = layout.tempo.qpm[0] / quarters_per_beat(grid.meter)
        length = float(layout.tempo.to_seconds(lead.quarters))
        what += f"; a lead-in at {qpm:.2f} bpm reaches the first bar line at {length:.3f} s"
    return what


def sync_offset(song: Song, grid: BeatGrid) -> float:
    """Tell how far ``with_grid(song, grid, sync="bar")`` moves a song.

    Parameters
    ----------
    song : Song
        The song.
    grid : BeatGrid
        Beats and bars.

    Returns
    -------
    float
        Seconds, positive for later: what puts the first bar line at second 0, or at the end of as
        many whole bars as the notes before it need.

    Examples
    --------
    >>> from midikit.model.beats import BeatGrid
    >>> from midikit.model.song import Song
    >>> sync_offset(Song(()), BeatGrid.constant(100.0, offset=0.6))
    -0.6
    """
    first = grid.first_downbeat % grid.beats_per_bar
    return -float(grid.time_at(first - pickup_bars(song, grid) * grid.beats_per_bar))


def _at_bar(song: Song, grid: BeatGrid) -> tuple[Song, BeatGrid, Change]:
    """Move a song so that its first bar line is at second 0, or whole bars after it."""
    seconds = sync_offset(song, grid)
    moved = move_grid(grid, seconds)
    bars = pickup_bars(song, grid)
    at = float(moved.time_at(grid.first_downbeat % grid.beats_per_bar))
    what = f"moved {abs(seconds):.3f} s {'earlier' if seconds < 0 else 'later'}"
    if bars:
        pickup = "a pickup bar comes" if bars == 1 else f"{bars} pickup bars come"
        what += f", so that {pickup} before the first bar line at {at:.3f} s"
    else:
        what += ", so that the first bar line is at 0.000 s"
    what += held_back(song, -seconds)
    song = move_song(song, lambda time: np.maximum(time + seconds, 0.0))
    return song, moved, Change("sync", "", what, song.note_count)


def pickup_bars(song: Song, grid: BeatGrid) -> int:
    """Count the bars needed before the grid's first bar line for the notes that come before it.

    Parameters
    ----------
    song : Song
        The song.
    grid : BeatGrid
        Beats and bars.

    Returns
    -------
    int
        Whole bars. What is early by no more than onsets scatter is meant to be on the bar line.

    Examples
    --------
    >>> from midikit.model.beats import BeatGrid
    >>> from midikit.model.notes import as_notes
    >>> from midikit.model.song import Song, Track
    >>> song = Song((Track("Koto", notes=as_notes([(0.1, 0.4, 60, 80)])),))
    >>> pickup_bars(song, BeatGrid.constant(120.0, offset=0.6))
    1
    """
    starts = [float(track.notes["start"][0]) for track in song if len(track.notes)]
    if not starts:
        return 0
    first = grid.first_downbeat % grid.beats_per_bar
    early = (first - float(grid.beat_at(min(starts) + _ON_TIME))) / grid.beats_per_bar
    return max(0, int(np.ceil(early - _AT_ZERO)))
