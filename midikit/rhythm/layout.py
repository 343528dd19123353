"""Everything between a song as it was read and one whose bars line up: the whole way in one call.

The beats are estimated, or those that are claimed or given are taken; parts that lag each other are
put together; notes are quantized; the song is moved into sync with its audio or onto bar 1; and the
tempo is written. Each step is a function of its own (`midikit.rhythm`); here is their order.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal, TypeAlias

import numpy as np

from midikit.errors import ConversionError
from midikit.escape import quoted
from midikit.model.beats import BeatGrid
from midikit.model.report import Change
from midikit.model.tempo import TempoMap
from midikit.rhythm.align import align as align_parts
from midikit.rhythm.align import common_lag, part_lags
from midikit.rhythm.barlines import sync_offset
from midikit.rhythm.constant import constant_grid, constant_tempo
from midikit.rhythm.estimate import MOST_SECONDS, estimate_beats, span_of
from midikit.rhythm.export import bar_markers, with_grid
from midikit.rhythm.moving import move_grid, shift_song
from midikit.rhythm.quantize import quantize

if TYPE_CHECKING:
    import numpy.typing as npt

    from midikit.model.song import Song
    from midikit.rhythm.export import Sync
    from midikit.rhythm.quantize import Ends

__all__ = ["MOST_NOTES", "Layout", "Quantizing", "Tempo", "find_beats", "lay_out", "too_large"]

Tempo: TypeAlias = Literal["auto", "constant", "source"] | float

_ESTIMATED = ("auto", "constant")
_NAMED = (*_ESTIMATED, "source")

_AT_ZERO = 1e-9

MOST_NOTES = 1_000_000
"""Notes of a song up to which its beats are looked for; that many take some seconds."""


@dataclass(frozen=True, slots=True)
class Quantizing:
    """How to quantize: the options of `midikit.quantize`.

    Parameters
    ----------
    division : str, optional
        As for `midikit.quantize`, as are the others.
    strength : float, optional
        How much of the way to go.
    swing : float or None, optional
        Where the second eighth lies.
    triplets : {"auto", True, False}, optional
        Whether bars may choose triplets.
    window : float or None, optional
        Farthest move in seconds.
    ends : {"keep", "snap"}, optional
        Keep lengths, or move ends as well.

    Examples
    --------
    >>> Quantizing("1/8").strength
    1.0
    """

    division: str = "auto"
    strength: float = 1.0
    swing: float | None = None
    triplets: bool | Literal["auto"] = "auto"
    window: float | None = None
    ends: Ends = "keep"


@dataclass(frozen=True, slots=True, eq=False)
class Layout:
    """A song that was laid out, and how.

    Parameters
    ----------
    song : Song
        The song to write; its `changes` tell each step.
    grid : BeatGrid or None
        Beats and bars of `song`, in its seconds; None where there are none.
    is_estimated : bool
        Whether `grid` was found in the notes, not claimed or given.
    lags : ndarray of float64, shape (tracks,)
        How late each part was in seconds; NaN where it does not tell, or there is no grid.
    is_aligned : bool
        Whether the lags were taken off.
    unquantized : Song or None
        The song right before it was quantized, None if it was not.
    quantized : Song or None
        The song right after.
    sync_offset : float or None
        How far ``sync="bar"`` moved the song in seconds, positive for later.
    """

    song: Song
    grid: BeatGrid | None
    is_estimated: bool
    lags: npt.NDArray[np.float64]
    is_aligned: bool = False
    unquantized: Song | None = None
    quantized: Song | None = None
    sync_offset: float | None = None


def find_beats(
    song: Song,
    *,
    tempo_hint: float | None = None,
    beats_per_bar: int | None = None,
    downbeat: float | None = None,
) -> BeatGrid | None:
    """Estimate the beats of a song that is not too large for it.

    Parameters
    ----------
    song : Song
        The song.
    tempo_hint : float or None, optional
        As for `midikit.estimate_beats`.
    beats_per_bar : int or None, optional
        As for `midikit.estimate_beats`.
    downbeat : float or None, optional
        As for `midikit.estimate_beats`.

    Returns
    -------
    BeatGrid or None
        The grid; None where there is no steady one, or `too_large` says why none is looked for.

    Raises
    ------
    NotesError
        As `midikit.estimate_beats`.

    Examples
    --------
    >>> from midikit.model.song import Song
    >>> find_beats(Song(())) is None
    True
    """
    if not song.note_count or too_large(song):
        return None
    return estimate_beats(
        song, tempo_hint=tempo_hint, beats_per_bar=beats_per_bar, downbeat=downbeat
    )


def too_large(song: Song) -> str:
    """Say why the beats of a song are not looked for.

    Parameters
    ----------
    song : Song
        The song.

    Returns
    -------
    str
        Such as ``in more than 6 hours``; empty if they are.

    Examples
    --------
    >>> from midikit.model.song import Song
    >>> too_large(Song(()))
    ''
    """
    if song.note_count > MOST_NOTES:
        return f"in more than {MOST_NOTES:,} notes"
    return f"in more than {MOST_SECONDS / 3600:g} hours" if span_of(song) > MOST_SECONDS else ""


def lay_out(
    song: Song,
    *,
    tempo: Tempo = "auto",
    tempo_hint: float | None = None,
    beats_per_bar: int | None = None,
    downbeat: float | None = None,
    align: bool | None = None,
    quantizing: Quantizing | None = None,
    offset: float = 0.0,
    sync: Sync = "time",
    markers: bool = False,
) -> Layout:
    r"""Give a song its tempo and bars, and its notes their places.

    Parameters
    ----------
    song : Song
        As it was read.
    tempo : {"auto", "constant", "source"} or float, optional
        ``"auto"`` estimates the beats and writes them as a tempo map, under which every note keeps
        its second; ``"constant"`` writes their median and moves the notes with it; ``"source"``
        keeps the tempo that is claimed; a number is written as quarters a minute.
    tempo_hint : float or None, optional
        Felt beats a minute that are known, for the estimate.
    beats_per_bar : int or None, optional
        Felt beats a bar that are known, for the estimate.
    downbeat : float or None, optional
        Second of a bar line that is known, for the estimate.
    align : bool or None, optional
        Whether to take off the parts' lags, and lay an estimated grid where they meet; None where
        notes move onto an estimated grid: with ``tempo="constant"``, and with `quantizing` under
        ``"auto"``. How the lines of a claimed or
        given tempo lie against the music is not known; there lags are taken off only if asked.
    quantizing : Quantizing or None, optional
        How to quantize, on the grid that `tempo` names; None for not.
    offset : float, optional
        Move the song so many seconds later, and an estimated grid with it.
    sync : {"time", "bar"}, optional
        As for `midikit.with_grid`, with ``tempo="auto"``.
    markers : bool, optional
        Whether to put a marker at each bar line of an estimated grid.

    Returns
    -------
    Layout
        The song and its grid. Where no steady beat is found the song is neither aligned nor
        quantized, keeps the tempo it claims (the nominal one, for an answer), and `changes` says
        so.

    Raises
    ------
    ConversionError
        If an option is none of those above, or does not go with the meter.
    NotesError
        If a hint is no possible one.

    Examples
    --------
    >>> from midikit.model.notes import as_notes
    >>> from midikit.model.song import Song, Track
    >>> notes = [(0.5 * i + 0.1, 0.5 * i + 0.5, 36 if i % 4 else 48, 90) for i in range(64)]
    >>> song = Song((Track("Bass", notes=as_notes(notes)),))
    >>> laid = lay_out(song, tempo="constant", tempo_hint=120, quantizing=Quantizing("1/8"))
    >>> laid.song.tempo, laid.grid.downbeats[:2].tolist(), laid.song[0].notes["start"][0].item()
    (<TempoMap 120.00 qpm>, [0.0, 2.0], 0.0)
    """
    if isinstance(tempo, str) and tempo not in _NAMED:
        raise ConversionError(f"tempo {quoted(tempo)}: expected auto, constant, source or a number")
    is_estimated = tempo in _ESTIMATED
    if align is None:
        align = is_estimated and (quantizing is not None or tempo == "constant")
    if is_estimated:
        grid = find_beats(
            song, tempo_hint=tempo_hint, beats_per_bar=beats_per_bar, downbeat=downbeat
        )
    elif isinstance(tempo, str):
        is_needed = align or quantizing is not None
        grid = BeatGrid.from_tempo(song.tempo, end=song.end) if is_needed else None
    else:
        grid = BeatGrid.constant(tempo)
    unknown = np.full(len(song), np.nan)
    if grid is None:
        if is_estimated:
            song = song.with_tracks(song.tracks, *_without_beat(song, quantizing, offset))
        return Layout(shift_song(song, offset), None, is_estimated, unknown)
    lags = part_lags(song, grid) if is_estimated or align else unknown
    if align:
        song = align_parts(song, grid)
        if is_estimated:
            # The beat was felt between early and late parts; together they are all on it.
            grid = move_grid(grid, common_lag(song, grid))
    before = after = None
    if quantizing is not None:
        before, after = song, _quantized(song, grid, quantizing)
        song = after
    song, grid = shift_song(song, offset), move_grid(grid, offset)
    moved = sync_offset(song, grid) if tempo == "auto" and sync == "bar" else None
    song, grid = _timed(song, grid, tempo, sync, markers=markers)
    return Layout(song, grid, is_estimated, lags, align, before, after, moved)


def _timed(
    song: Song, grid: BeatGrid, tempo: Tempo, sync: Sync, *, markers: bool
) -> tuple[Song, BeatGrid]:
    """Write the tempo; return where the song and its grid are then."""
    if tempo == "source":
        return song, grid
    if tempo == "auto":
        written = with_grid(song, grid, sync=sync, markers=markers)
        return written, move_grid(grid, sync_offset(song, grid)) if sync == "bar" else grid
    if tempo == "constant":
        even = constant_grid(song, grid)
        if markers:
            # Markers move with the notes: counted as the bars of the file, set on the played ones.
            early = int(np.count_nonzero(grid.downbeats <= -_AT_ZERO))
            number = 2 - round(float(even.bar_at(0.0))) + early
            marks = bar_markers(grid, number)
            events = sorted((*song.events, *marks), key=lambda event: event.seconds)
            song = replace(song, events=tuple(events))
        return constant_tempo(song, grid), even
    return replace(song, tempo=TempoMap.constant(float(tempo))), grid


def _quantized(song: Song, grid: BeatGrid, how: Quantizing) -> Song:
    return quantize(
        song,
        grid,
        division=how.division,
        strength=how.strength,
        swing=how.swing,
        triplets=how.triplets,
        window=how.window,
        ends=how.ends,
    )


def _without_beat(song: Song, quantizing: Quantizing | None, offset: float) -> list[Change]:
    """Say that a song is written as it is, and why."""
    if not song.note_count:
        what = "no notes to find a beat in"
    elif why := too_large(song):
        what = f"no beat looked for {why}"
    else:
        what = "no steady beat found"
    if song.ticks_per_quarter is None:
        what += f": written at a nominal {song.tempo.qpm[0]:g} BPM, whose bar lines mean nothing"
    else:
        what += ": the tempo stays as it was claimed"
    what += "; every note keeps its second" if song.note_count and not offset else ""
    changes = [Change("tempo", "", what)]
    if quantizing is not None and song.note_count:
        what = "nothing was quantized: there is no steady beat to move notes onto"
        changes.append(Change("quantize", "", what))
    return changes
