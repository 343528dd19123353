"""Recover tempo, beats and bars of a song from its notes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from midikit.errors import LimitError, NotesError
from midikit.model.beats import BeatGrid, Confidence
from midikit.rhythm.estimation.accents import accents_of
from midikit.rhythm.estimation.bare import bare_rate, pulse_at
from midikit.rhythm.estimation.confidence import evidence_for
from midikit.rhythm.estimation.network import (
    FEWEST_TO_REFUSE,
    probabilities,
    steadiness,
    weights,
)
from midikit.rhythm.estimation.onsets import Onsets, gather
from midikit.rhythm.estimation.pulses import Pulse, find_pulse
from midikit.rhythm.estimation.readings import Reading, readings_of

if TYPE_CHECKING:
    import numpy.typing as npt

    from midikit.model.song import Song

__all__ = ["MOST_SECONDS", "estimate_beats", "span_of"]

FloatArray: TypeAlias = "npt.NDArray[np.float64]"

MOST_SECONDS = 21_600.0
"""From the first onset to the last end, up to which beats are looked for: memory grows with it."""

_TEMPO_RANGE = (40.0, 220.0)
_HINT_WITHIN = 0.08
_HINT_WIDTH = 0.03
_REFUSED_BELOW = 0.5
_THINNEST = 0.15
"""Strokes a second, after the first minute, below which any course of tempo would fit them."""

_THIN_AFTER = 60.0
_DOWNBEAT_WITHIN = 10.0
_ALTERNATIVES = 6
_SLACK = 0.03
_TRIPLET_WITHIN = 0.025
_RARE = 0.1
_SLOW = 0.55


@dataclass(frozen=True, slots=True, eq=False)
class _Read:
    """A pulse, its readings and how likely each is."""

    onsets: Onsets
    pulse: Pulse
    readings: list[Reading]
    share: FloatArray
    steady: float


def estimate_beats(
    song: Song,
    *,
    tempo_hint: float | None = None,
    tempo_range: tuple[float, float] = _TEMPO_RANGE,
    beats_per_bar: int | None = None,
    downbeat: float | None = None,
    max_seconds: float = MOST_SECONDS,
) -> BeatGrid | None:
    """Recover tempo, beats and bars of a song from its notes alone.

    The pulse is followed by a tempogram and a hidden Markov model over phase and rate, in the
    spirit of the bar pointer [1]_ [2]_ but on exact onset times and at the level of the finest
    pulse; its tempo map is an l1 trend filter [3]_, so constant, drifting and stepping tempi are
    one model. Constant lags between parts are taken off. Which lines are beats and bars is judged
    by accents in the manner of metrical preference rules [4]_, weighed by a small network learnt
    from songs whose grid is known.

    Parameters
    ----------
    song : Song
        Any song; its claimed tempo is not looked at.
    tempo_hint : float or None, optional
        Felt beats a minute that are known: only readings within 8 % of it count, and there is
        always an answer.
    tempo_range : tuple of float, optional
        Slowest and fastest felt beats a minute to consider.
    beats_per_bar : int or None, optional
        Felt beats a bar that are known: 4 in 4/4, 2 in 6/8.
    downbeat : float or None, optional
        Second of a bar line that is known, to within less than half a beat; at most ten seconds
        before the first note or after the last.
    max_seconds : float, optional
        Longest song to look at, from its first onset to its last end; six hours, which take some
        500 MB and a few seconds.

    Returns
    -------
    BeatGrid or None
        The likeliest grid with its confidence and `alternatives`. None if the song has no notes,
        enough of them to tell that they keep to no steady grid, or for minutes so few that they
        would fit many: chords and drums less than some seven seconds apart on average are enough.

    Raises
    ------
    NotesError
        If the hint, the range, the beats a bar or the downbeat are no possible ones.
    LimitError
        If the song is longer than `max_seconds`.

    References
    ----------
    .. [1] N. Whiteley, A. T. Cemgil, S. Godsill, "Bayesian modelling of temporal structure in
       musical audio", ISMIR 2006.
    .. [2] F. Krebs, S. Böck, G. Widmer, "An efficient state-space model for joint tempo and meter
       tracking", ISMIR 2015.
    .. [3] S.-J. Kim, K. Koh, S. Boyd, D. Gorinevsky, "l1 trend filtering", SIAM Review 51, 2009.
    .. [4] D. Temperley, "The Cognition of Basic Musical Structures", MIT Press 2001.

    Examples
    --------
    >>> from midikit.model.notes import as_notes
    >>> from midikit.model.song import Song, Track
    >>> beats = [(0.5 * i, 0.5 * i + 0.4, 48 if i % 4 else 36, 90) for i in range(64)]
    >>> song = Song((Track("Bass", notes=as_notes(beats)),))
    >>> grid = estimate_beats(song, tempo_hint=118)
    >>> round(grid.bpm, 3), grid.meter, grid.downbeats[:2].tolist()
    (120.0, (4, 4), [0.0, 2.0])
    """
    _check(tempo_hint, tempo_range, beats_per_bar)
    span = span_of(song)
    if not span <= max_seconds:
        raise LimitError(
            f"beats of {span / 3600:,.4g} hours of notes: the limit is {max_seconds / 3600:,.4g}; "
            "raise it with max_seconds="
        )
    onsets = gather(song)
    if not len(onsets.time):
        return None if tempo_hint is None else BeatGrid.constant(tempo_hint)
    if downbeat is not None:
        _check_downbeat(downbeat, onsets)
    if tempo_hint is None and _is_thin(onsets.time):
        return None
    if tempo_hint is not None:
        tempo_range = (tempo_hint * (1 - _HINT_WITHIN), tempo_hint * (1 + _HINT_WITHIN))
    pulse = find_pulse(onsets) or pulse_at(onsets, bare_rate(onsets, tempo_range))
    read = _read(onsets, pulse, tempo_range, beats_per_bar)
    if not read.readings:
        middle = tempo_hint or float(np.sqrt(tempo_range[0] * tempo_range[1]))
        pulse = pulse_at(onsets, middle / 60.0)
        read = _read(onsets, pulse, (0.5 * middle, 2.0 * middle), beats_per_bar)
    if downbeat is not None:
        read = _opening(read, downbeat)
    if tempo_hint is not None:
        read = _hinted(read, tempo_hint)
    elif read.steady < _REFUSED_BELOW and len(onsets.time) >= FEWEST_TO_REFUSE:
        return None
    return _answer(read)


def span_of(song: Song) -> float:
    """Measure a song from its first onset to its last end.

    Parameters
    ----------
    song : Song
        The song.

    Returns
    -------
    float
        Seconds; 0 without notes.

    Examples
    --------
    >>> from midikit.model.song import Song
    >>> span_of(Song(()))
    0.0
    """
    starts = [float(track.notes["start"][0]) for track in song.tracks if len(track.notes)]
    return song.end - min(starts) if starts else 0.0


def _check(
    tempo_hint: float | None, tempo_range: tuple[float, float], beats_per_bar: int | None
) -> None:
    """Refuse what cannot be meant."""
    if tempo_hint is not None and not (np.isfinite(tempo_hint) and 10 <= tempo_hint <= 600):
        raise NotesError(f"tempo_hint {tempo_hint}; expected 10 to 600 beats a minute")
    low, high = tempo_range
    if not (np.isfinite([low, high]).all() and low >= 10 and 2 * low <= high <= 600):
        raise NotesError(
            f"tempo_range {low} to {high}; expected beats a minute from 10 to 600, the upper one "
            "at least twice the lower"
        )
    if beats_per_bar is not None and not 1 <= beats_per_bar <= 16:
        raise NotesError(f"beats_per_bar {beats_per_bar}; expected 1 to 16")


def _is_thin(strokes: FloatArray) -> bool:
    """Tell whether strokes are too far apart to follow a tempo that may drift between them."""
    seconds = float(np.ptp(strokes)) - _THIN_AFTER
    return len(strokes) < _THINNEST * seconds


def _check_downbeat(downbeat: float, onsets: Onsets) -> None:
    """Refuse a bar line that is far from all notes."""
    first, last = onsets.origin, onsets.origin + float(onsets.end.max())
    if not first - _DOWNBEAT_WITHIN <= downbeat <= last + _DOWNBEAT_WITHIN:
        raise NotesError(
            f"downbeat {downbeat:g} s; expected a second of the song, whose notes last from "
            f"{first:.1f} to {last:.1f}"
        )


def _read(
    onsets: Onsets,
    pulse: Pulse,
    tempo_range: tuple[float, float],
    beats_per_bar: int | None,
) -> _Read:
    """List the readings of a pulse and weigh them."""
    learnt = weights()
    aligned = onsets.moved(pulse.lag)
    readings, features = readings_of(
        accents_of(aligned, pulse),
        period=pulse.period,
        swung=len(pulse.slots) > 1,
        beat_range=(60.0 / tempo_range[1], 60.0 / tempo_range[0]),
        beats_per_bar=beats_per_bar,
    )
    share = probabilities(features, learnt) if readings else np.zeros(0)
    steady = steadiness(evidence_for(onsets, pulse), learnt, strokes=len(onsets.time))
    return _Read(aligned, pulse, readings, share, steady)


def _hinted(read: _Read, tempo_hint: float) -> _Read:
    """Weigh the readings by their distance from a known tempo."""
    beat = 60.0 / (read.pulse.period * np.array([reading.lines for reading in read.readings]))
    near = np.exp(-0.5 * (np.log(beat / tempo_hint) / _HINT_WIDTH) ** 2) + 1e-12
    share = read.share * near
    return replace(read, share=share / share.sum())


def _opening(read: _Read, downbeat: float) -> _Read:
    """Let the beat nearest to a second open a bar, whatever the beats and the meter."""
    place = float(read.pulse.course.place_at(downbeat - read.onsets.origin))
    share = np.zeros(len(read.readings))
    opens: dict[tuple[int, int, int], int] = {}
    for i, (lines, beats, phase) in enumerate(read.readings):
        late = place * len(read.pulse.slots) - phase
        if int(np.floor(late / lines + 0.5)) % beats == 0:
            opens[lines, beats, phase % lines] = i
    for (lines, beats, phase), value in zip(read.readings, read.share.tolist(), strict=True):
        share[opens[lines, beats, phase % lines]] += value
    return replace(read, share=share)


def _answer(read: _Read) -> BeatGrid:
    """Make the likeliest reading a grid, with the others as alternatives."""
    table = np.array(read.readings)
    best = int(read.share.argmax())
    lines, beats, _ = table[best]
    rivals = (table[:, 0] == lines) & (table[:, 1] == beats)
    rivals[best] = False
    second = float(read.share[rivals].max(initial=0.0))
    others = [_grid(read, i, None) for i in _others(read, best)]
    return replace(_grid(read, best, float(read.share[best]) - second), alternatives=tuple(others))


def _others(read: _Read, best: int) -> list[int]:
    """Choose the alternatives: the best of every other level, then other bars of this one."""
    table = np.array(read.readings)
    order = np.argsort(-read.share, kind="stable")
    chosen: list[tuple[float, int]] = []
    levels = {int(table[best, 0])}
    bars = 0
    for i in order.tolist():
        if i == best:
            continue
        lines = int(table[i, 0])
        if lines not in levels:
            levels.add(lines)
            chosen.append((float(read.share[table[:, 0] == lines].sum()), i))
        elif lines == table[best, 0] and bars < _ALTERNATIVES // 2:
            bars += 1
            chosen.append((float(read.share[i]), i))
    chosen.sort(key=lambda pair: -pair[0])
    return [i for _, i in chosen[:_ALTERNATIVES]]


def _grid(read: _Read, index: int, margin: float | None) -> BeatGrid:
    """Make a grid of one reading."""
    pulse, onsets = read.pulse, read.onsets
    lines, beats, phase = read.readings[index]
    table = np.array(read.readings)
    same = (table[:, 0] == lines) & (table[:, 2] % lines == phase % lines)
    first = pulse.nearest(np.array([onsets.start.min() + _SLACK, onsets.end.max() - _SLACK]))[0]
    low = int((first[0] - phase) // lines) - 1
    high = int(-((phase - first[1]) // lines)) + 1
    number = np.arange(low, max(high, low + 2) + 1)
    time = pulse.line_time(phase + number * lines)
    opening = int(np.searchsorted(time, onsets.start.min() + _SLACK, side="right")) - 1
    closing = int(np.searchsorted(time, onsets.end.max() - _SLACK))
    opening = max(0, min(opening, len(time) - 2))
    kept = slice(opening, max(closing + 1, opening + 2))
    time, number = time[kept], number[kept]
    swung = len(pulse.slots) > 1
    ratio = pulse.slots[1] if swung else 0.5
    early, late = _thirds(read, lines, phase)
    if not swung and late > 0 and early < _RARE * late:
        ratio = 2 / 3
    meter = _meter(
        beats, thirds=swung or late > 0, full=early > 0.5 * late, pace=pulse.period * lines
    )
    if swung and abs(ratio - 2 / 3) < _TRIPLET_WITHIN:
        lines = 3 * lines // 2
    return BeatGrid(
        beats=onsets.origin + time,
        meter=meter,
        first_downbeat=int(-number[0] % beats),
        residual=pulse.residual,
        subdivision=lines,
        swing_ratio=ratio,
        confidence=Confidence(
            pulse=read.steady,
            level=read.steady * float(read.share[same].sum()),
            bar=read.steady * float(read.share[index]),
        ),
        margin=margin,
    )


def _thirds(read: _Read, lines: int, phase: int) -> tuple[int, int]:
    """Count the strokes on the first and second third of a beat; none if it has no thirds."""
    if lines % 3 or len(read.pulse.slots) > 1:
        return 0, 0
    place = (read.pulse.nearest(read.onsets.time)[0] - phase) % lines
    third = lines // 3
    return int((place == third).sum()), int((place == 2 * third).sum())


def _meter(beats: int, *, thirds: bool, full: bool, pace: float) -> tuple[int, int]:
    """Name a bar: dotted quarters if two beats have thirds, or four slow ones all of them."""
    if beats == 2 and thirds:
        return (6, 8)
    if beats == 4 and thirds and full and pace > _SLOW:
        return (12, 8)
    return (beats, 4)
