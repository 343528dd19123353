"""What an estimated beat grid is worth: the metrics of `tests.bench.beats`.

- Accuracy 1 and 2: the tempo within 4 %, exactly or up to a factor of 2 or 3 (Gouyon et al., "An
  experimental comparison of audio tempo induction algorithms", IEEE TASLP 2006); the same to 0.1 %.
- Beat F, downbeat F (a hit within 70 ms), CMLt and AMLt (share of beats tracked at the right level,
  and at an allowed one) as `mir_eval.beat` defines them (Raffel et al., ISMIR 2014; Davies, Degara,
  Plumbley 2009), the first five seconds left out.
- QPA, quantized position accuracy: the share of notes on their true position, up to one factor of 2
  or 3 and one phase for the whole song.
- QPA-bar: the same at the true level, the phase fixed by the estimated bar lines. It is what
  somebody sees who opens the file in a DAW.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

import mir_eval
import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy.typing as npt

    from tests.bench.beats_songs import Case
    from tests.bench.synthetic import Made

__all__ = ["METRICS", "Bin", "area_under_curve", "calibrate", "calibration_error", "score"]

FloatArray: TypeAlias = "npt.NDArray[np.float64]"

METRICS = {
    "accuracy1": "4 %",
    "accuracy2": "4 % oct",
    "accuracy1_strict": "0.1 %",
    "accuracy2_strict": "0.1 oct",
    "beat_f": "beat F",
    "cmlt": "CMLt",
    "amlt": "AMLt",
    "downbeat_f": "down F",
    "meter": "meter",
    "qpa": "QPA",
    "qpa_bar": "QPA-bar",
}
"""Each metric and the head of its column: tempo first, `oct` up to an octave."""

_OCTAVES = (1.0, 2.0, 0.5, 3.0, 1 / 3)
_LEVELS = (*_OCTAVES, 1.5, 2 / 3, 0.75, 4 / 3)
_NEAR, _EXACT = 0.04, 0.001
_ON_PLACE = 1 / 48
_EDGES = (0.0, 0.2, 0.4, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99, 1.0)
_RIGHT = 0.8
"""Share of notes, beats or bar lines from which on a grid counts as right: half or double the beats
score 2/3, beats between the beats nothing."""


def score(answer: Mapping[str, Any], case: Case) -> dict[str, float]:
    """Measure an answer against the truth.

    Parameters
    ----------
    answer : mapping
        ``beats``, ``downbeats`` (s), ``bpm``, and if known ``positions``, the beat of every note
        from ``beats[0]``; see `tests.bench.beats_adapter`. An empty one is wrong throughout.
    case : Case
        The song.

    Returns
    -------
    dict of str to float
        `METRICS`, each 0 to 1, and ``pulse_right``, ``level_right``, ``bar_right``: 1 if what the
        confidence of that name speaks of is so. What the song cannot tell is left out.
    """
    true = case.made
    if not true.steady:
        return {"pulse_right": 0.0, "level_right": 0.0, "bar_right": 0.0}
    beats, downbeats = _times(answer, "beats"), _times(answer, "downbeats")
    found = _tempo(answer.get("bpm") or np.nan, case)
    found |= _tracking(beats, downbeats, case)
    found |= {"qpa": 0.0, "qpa_bar": 0.0, "pulse_right": 0.0}
    if len(beats) > 1:
        places = answer.get("positions")
        if places is None:
            places = quantized(true.notes["onset"], beats)
        places = np.asarray(places, np.float64)
        found["qpa"] = position_accuracy(places, true)
        found["pulse_right"] = float(position_accuracy(places, true, _LEVELS) >= _RIGHT)
        bars = beat_position(downbeats, beats) if len(downbeats) else downbeats
        found["qpa_bar"] = bar_position_accuracy(places, bars, true)
    found["level_right"] = float(found["beat_f"] >= _RIGHT)
    if case.bars_known:
        bar = found["meter"] == 1 and found["downbeat_f"] >= _RIGHT
        found["bar_right"] = float(found["level_right"] and bar)
    elif len(beats) > 1:
        del found["qpa_bar"]
    return found


def _times(answer: Mapping[str, Any], name: str) -> FloatArray:
    """Take times from second 0 on, each once."""
    times = np.unique(np.asarray(answer.get(name, []), np.float64))
    return times[times >= 0]


def _tempo(bpm: float, case: Case) -> dict[str, float]:
    """Compare tempi."""
    ratio = bpm / case.bpm
    off = [abs(ratio * factor - 1) for factor in _OCTAVES]
    found = {"accuracy1": float(off[0] < _NEAR), "accuracy2": float(min(off) < _NEAR)}
    if case.constant:
        found["accuracy1_strict"] = float(off[0] < _EXACT)
        found["accuracy2_strict"] = float(min(off) < _EXACT)
    return found


def _tracking(beats: FloatArray, downbeats: FloatArray, case: Case) -> dict[str, float]:
    """Compare beats and bar lines, from the sixth second on."""
    trim = mir_eval.beat.trim_beats
    truth, mine = trim(case.made.beats), trim(beats)
    enough = min(len(truth), len(mine)) > 1
    _, cmlt, _, amlt = mir_eval.beat.continuity(truth, mine) if enough else (0.0,) * 4
    found = {
        "beat_f": float(mir_eval.beat.f_measure(truth, mine)) if enough else 0.0,
        "cmlt": float(cmlt),
        "amlt": float(amlt),
    }
    if case.bars_known:
        truth, bars = trim(case.made.downbeats), trim(downbeats)
        enough = min(len(truth), len(bars)) > 1
        found["downbeat_f"] = float(mir_eval.beat.f_measure(truth, bars)) if enough else 0.0
        found["meter"] = 0.0
        if min(len(bars), len(mine)) > 1:
            size = np.median(np.diff(downbeats)) / np.median(np.diff(beats))
            found["meter"] = float(round(float(size)) == case.made.beats_per_bar)
    return found


def beat_position(times: FloatArray, beats: FloatArray) -> FloatArray:
    """Tell the beat, from ``beats[0]``, of each time; beyond the ends at the pace found there."""
    before, after = np.median(np.diff(beats[:5])), np.median(np.diff(beats[-5:]))
    earlier = int(np.ceil(max(0.0, beats[0] - np.min(times)) / before)) + 1
    later = int(np.ceil(max(0.0, np.max(times) - beats[-1]) / after)) + 1
    longer = np.concatenate(
        [
            beats[0] - before * np.arange(earlier, 0, -1),
            beats,
            beats[-1] + after * np.arange(1, later + 1),
        ]
    )
    return np.interp(times, longer, np.arange(len(longer)) - earlier)


def quantized(times: FloatArray, beats: FloatArray) -> FloatArray:
    """Quantize for an estimator that does not: one subdivision a song, the coarsest that fits."""
    places = beat_position(times, beats)
    best, least = places, np.inf
    for lines in (4, 3, 6, 8):
        rounded = np.round(places * lines) / lines
        miss = float(np.mean(np.abs(places - rounded)) * lines)
        if miss < least * 0.8:
            best, least = rounded, miss
    return best


def position_accuracy(places: FloatArray, true: Made, factors: Sequence[float] = _OCTAVES) -> float:
    """Tell the share of notes on their true position up to one factor and one phase (QPA)."""
    places, position, notated = _placed(places, true)
    best = 0.0
    for factor in factors:
        for phase in _commonest(np.round((position - places * factor) * 24) / 24):
            best = max(best, _matched(places * factor + phase, position, notated))
    return best


def bar_position_accuracy(places: FloatArray, bars: FloatArray, true: Made) -> float:
    """Tell the share on their true position when the bars `bars` (in beats) are lined up."""
    places, position, notated = _placed(places, true)
    size = true.beats_per_bar
    phase, count = np.unique(np.round(bars * 12) / 12 % size, return_counts=True)
    if not len(bars) or count.max() <= 0.5 * len(bars):
        return 0.0
    places = places - phase[count.argmax()]
    whole = np.round((position - places) / size) * size
    return max(_matched(places + off, position, notated) for off in _commonest(whole))


def _placed(places: FloatArray, true: Made) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Leave strays out."""
    known = ~np.isnan(true.position)
    return places[known], true.position[known], true.notated[known]


def _commonest(values: FloatArray) -> FloatArray:
    """List the three commonest values."""
    unique, count = np.unique(values, return_counts=True)
    return unique[np.argsort(-count)[:3]]


def _matched(places: FloatArray, position: FloatArray, notated: FloatArray) -> float:
    """Tell the share of places that are the true one as played or as written."""
    near = np.abs(places - position) < _ON_PLACE
    return float((near | (np.abs(places - notated) < _ON_PLACE)).mean())


def area_under_curve(steady: FloatArray, stray: FloatArray) -> float:
    """Tell how likely a song with a grid gets more confidence than one without (ROC AUC)."""
    if not len(steady) or not len(stray):
        return float("nan")
    higher = steady[:, None] > stray[None]
    return float(np.mean(higher + 0.5 * (steady[:, None] == stray[None])))


class Bin(NamedTuple):
    """Answers of about the same confidence: their mean confidence and the share that is right."""

    low: float
    high: float
    size: int
    confidence: float
    right: float


def calibrate(confidence: FloatArray, right: FloatArray) -> list[Bin]:
    """Sort answers into bins by their confidence; empty ones are left out."""
    number = np.searchsorted(_EDGES[1:-1], confidence, side="right")
    table = []
    for index in np.unique(number).tolist():
        mine = number == index
        means = float(confidence[mine].mean()), float(right[mine].mean())
        table.append(Bin(_EDGES[index], _EDGES[index + 1], int(mine.sum()), *means))
    return table


def calibration_error(table: Sequence[Bin]) -> float:
    """Tell the expected calibration error (Naeini, Cooper, Hauskrecht, AAAI 2015)."""
    total = sum(row.size for row in table)
    if not total:
        return float("nan")
    return sum(row.size * abs(row.right - row.confidence) for row in table) / total
