"""Perform songs as real exports of the service look, and measure the grid that is found.

    uv run python -m tests.bench.exports [--seed 0]

The scores are those of the demo songs, played anew on other tempi, with other lags, scatter and
lattices. One line a song: the true and the found tempo, how far the found beats are from the true
ones once their common offset is taken off (median and greatest, in ms), beats that were gained or
lost on the way, the median distance of the aligned onsets from the lines, and the confidence.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from midikit.model.beats import BeatGrid
from midikit.model.notes import as_notes
from midikit.model.song import Song, Track
from midikit.rhythm.align import align, common_lag
from midikit.rhythm.estimate import estimate_beats
from midikit.rhythm.moving import move_grid
from midikit.sandbox.songs import DemoSong, demo_songs
from midikit.units import LATTICE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    import numpy.typing as npt

__all__ = ["Export", "Judged", "exports", "judged"]

FloatArray: TypeAlias = "npt.NDArray[np.float64]"

POP, BALLAD, WALTZ, BLUES, DENSE, JIG = range(6)
LEVELS = (1.0, 2.0, 0.5, 3.0, 1 / 3, 1.5, 2 / 3, 4.0, 0.25, 0.75, 4 / 3)
TICKS_PER_BEAT = 480


@dataclass(frozen=True, slots=True, eq=False)
class Export:
    """A performed song and its true beats.

    Parameters
    ----------
    name : str
        What is special about it.
    song : Song
        Its notes.
    beats : ndarray of float64, shape (k,)
        True felt beats in seconds.
    bpm : float
        True felt beats a minute, the median.
    """

    name: str
    song: Song
    beats: FloatArray
    bpm: float


@dataclass(frozen=True, slots=True)
class Judged:
    """How a found grid compares with the true one.

    Parameters
    ----------
    level : float
        Found beats to a true one; a simple ratio where the pulse is right.
    median, greatest : float
        Distance of true beats from the found grid in seconds, without their common offset.
    slipped : float
        Beats gained or lost from the first to the last.
    residual : float
        Median distance of onsets from the lines after `align`, in seconds.
    """

    level: float
    median: float
    greatest: float
    slipped: float
    residual: float


def played(
    demo: DemoSong,
    tempo: Callable[[FloatArray], FloatArray],
    *,
    rng: np.random.Generator,
    start: float = 0.6,
    lags: Mapping[str, float] | None = None,
    scatter: float = 0.0,
    ticks: bool = False,
    parts: tuple[str, ...] | None = None,
    early: float = 0.0,
) -> tuple[Song, FloatArray]:
    """Play a demo song's score on another tempo.

    Parameters
    ----------
    demo : DemoSong
        Whose score.
    tempo : callable
        Felt beats a minute at a share (0 to 1) of the song.
    rng : numpy.random.Generator
        Draws the scatter.
    start : float, optional
        Second of the first beat.
    lags : mapping of str to float, optional
        Seconds that a part is late.
    scatter : float, optional
        Standard deviation of strokes in seconds.
    ticks : bool, optional
        Round to 480 ticks a beat, else to the lattice of the endpoint.
    parts : tuple of str, optional
        Only these parts.
    early : float, optional
        Share of the percussion's strokes that come 45 ms early.

    Returns
    -------
    song : Song
        The notes.
    beats : ndarray of float64, shape (k,)
        Its beats in seconds.
    """
    count = len(demo.beats)
    period = 60.0 / tempo((np.arange(count - 1) + 0.5) / (count - 1))
    grid = BeatGrid(start + np.concatenate([[0.0], np.cumsum(period)]), demo.meter)
    tick = 1.0 / LATTICE if not ticks else float(np.median(period)) / TICKS_PER_BEAT
    tracks, first = [], 0
    for (name, notes), is_drum in zip(demo.instruments, demo.drums, strict=True):
        place = demo.positions[first : first + len(notes)]
        first += len(notes)
        if parts is not None and name not in parts:
            continue
        _, stroke = np.unique(np.round(place, 4), return_inverse=True)
        off = rng.normal(0.0, 1.0, len(place))[stroke] * scatter
        if is_drum:
            off -= 0.045 * (rng.random(len(place)) < early)[stroke]
        length = np.diff(demo.grid().beat_at([notes["start"], notes["end"]]), axis=0)[0]
        on = grid.time_at(place) + (lags or {}).get(name, 0.0) + off
        ends = on + grid.time_at(place + length) - grid.time_at(place)
        on = np.maximum(np.round(on / tick), 0.0) * tick
        columns = {
            "start": on,
            "end": np.maximum(np.round(ends / tick) * tick, on),
            "pitch": notes["pitch"],
            "velocity": notes["velocity"],
        }
        tracks.append(Track(name, is_drum=is_drum, notes=as_notes(columns)))
    return Song(tuple(tracks)), grid.beats


def exports(seed: int = 0) -> Iterator[Export]:
    """Perform one song of every kind that was met.

    Parameters
    ----------
    seed : int, optional
        Chooses tempi, lags and scatter.

    Yields
    ------
    Export
        Kind after kind, in a fixed order.
    """
    rng = np.random.default_rng(seed)
    for kind, which, tempo, how in _kinds(rng):
        demo = demo_songs()[which]
        song, beats = played(demo, tempo, rng=rng, **how)
        bpm = float(60.0 / np.median(np.diff(beats)))
        yield Export(f"{kind}: {demo.title}", song, beats, bpm)
    yield from _rests(rng)


def _steady(bpm: float) -> Callable[[FloatArray], FloatArray]:
    """Keep one tempo."""
    return lambda share: np.full(len(share), bpm)


def _wave(low: float, high: float, turns: float) -> Callable[[FloatArray], FloatArray]:
    """Go to and fro between two tempi."""
    middle, half = (low + high) / 2, (high - low) / 2
    return lambda share: middle - half * np.cos(2 * np.pi * turns * share)


def _ramp(low: float, high: float) -> Callable[[FloatArray], FloatArray]:
    """Go from one tempo to another evenly."""
    return lambda share: low + (high - low) * share


def _steps(*bpm: float) -> Callable[[FloatArray], FloatArray]:
    """Keep each of some tempi for as long as the others."""
    return lambda share: np.array(bpm)[np.minimum((share * len(bpm)).astype(int), len(bpm) - 1)]


def _slowing(bpm: float, last: float) -> Callable[[FloatArray], FloatArray]:
    """Keep a tempo and slow down over the last 5 % of a song."""
    return lambda share: bpm * (1.0 - (1.0 - last) * np.clip((share - 0.95) / 0.05, 0.0, 1.0))


def _lags(rng: np.random.Generator, demo: DemoSong, greatest: float = 0.030) -> dict[str, float]:
    """Draw a lag for every part."""
    return {name: float(rng.uniform(-greatest, greatest)) for name, _ in demo.instruments}


def _stems(demo: DemoSong) -> dict[str, float]:
    """Lags as measured on one song: drums 22 ms early, bass 10 ms early."""
    known = {"drums": -0.022, "bass": -0.010}
    names = [name for name, _ in demo.instruments]
    return {n: next((lag for key, lag in known.items() if key in n.lower()), 0.0) for n in names}


def _kinds(
    rng: np.random.Generator,
) -> Iterator[tuple[str, int, Callable[..., Any], dict[str, Any]]]:
    """List every kind: its name, the score, the tempo, and how else it is played."""
    demos = demo_songs()
    bpm = [demo.bpm for demo in demos]
    for which in (POP, BALLAD, BLUES, DENSE):
        how = {"lags": _stems(demos[which]), "scatter": 0.010, "ticks": bool(rng.integers(2))}
        yield "stems 87.15 to 87.55", which, _wave(87.15, 87.55, rng.uniform(0.7, 2.0)), how
    for which in (POP, DENSE, JIG):
        how = {"lags": _lags(rng, demos[which]), "scatter": 0.005}
        yield "lags up to 30 ms", which, _steady(bpm[which] * rng.uniform(0.9, 1.1)), how
    for which in (BALLAD, WALTZ, JIG):
        yield "constant 90", which, _steady(90.0), {"scatter": 0.001}
    for which in (POP, DENSE):
        tempo = _wave(109.9, 110.13, rng.uniform(0.5, 3.0))
        yield "slowly varying 110.015", which, tempo, {"scatter": 0.004}
    for which in (POP, BALLAD, BLUES, DENSE):
        yield "86 to 99 gradually", which, _ramp(86.0, 99.0), {"scatter": 0.006}
    for which in (POP, BLUES):
        yield "86 to 99 to and fro", which, _wave(86.0, 99.0, 1.5), {"scatter": 0.006}
    for which in (POP, BLUES, DENSE):
        how = {"scatter": 0.004, "early": 0.3}
        yield "drums push 30 %", which, _steady(bpm[which]), how
        tempi = bpm[which] * np.exp(rng.uniform(-0.15, 0.15, 4))
        yield "three steps", which, _steps(*tempi.tolist()), {"scatter": 0.005}
    for which in (POP, BALLAD):
        yield "slows down at the end", which, _slowing(bpm[which], 0.6), {"scatter": 0.005}
    for which in (POP, BLUES, DENSE):
        tempo = _steady(bpm[which])
        drums, others = (_only(demos[which], is_drum=drum) for drum in (True, False))
        yield "only drums", which, tempo, {"scatter": 0.004, "parts": drums}
        yield "no drums", which, tempo, {"scatter": 0.004, "parts": others}
        yield "one melody", which, tempo, {"scatter": 0.004, "parts": others[-1:]}
        yield "starts late", which, tempo, {"start": 47.3}


def _only(demo: DemoSong, *, is_drum: bool) -> tuple[str, ...]:
    """Names of the drums, or of all other parts."""
    pairs = zip(demo.instruments, demo.drums, strict=True)
    return tuple(name for (name, _), drum in pairs if drum == is_drum)


def _rests(rng: np.random.Generator) -> Iterator[Export]:
    """Silence everything for some time twice, and hold the beat for a moment (a fermata)."""
    for which in (POP, BLUES, DENSE, JIG):
        demo = demo_songs()[which]
        song, beats = played(demo, _steady(demo.bpm), rng=rng, scatter=0.004)
        silent = np.array([0.3, 0.6])[:, None] * beats[-1] + [0.0, 10.0]

        def heard(track: Track, silent: FloatArray = silent) -> Track:
            start = track.notes["start"]
            kept = ~((start[:, None] > silent[:, 0]) & (start[:, None] < silent[:, 1])).any(axis=1)
            return replace(track, notes=as_notes(track.notes[kept]))

        rested = replace(song, tracks=tuple(heard(track) for track in song.tracks))
        yield Export(f"rests of 10 s: {demo.title}", rested, beats, demo.bpm)
        at = float(beats[len(beats) // 2 // 4 * 4])
        wait = 60.0 / demo.bpm * rng.uniform(0.3, 1.7)

        def held(track: Track, at: float = at, wait: float = wait) -> Track:
            columns = {name: track.notes[name] for name in ("pitch", "velocity")}
            late = np.where(track.notes["start"] > at - 0.06, wait, 0.0)
            times = {
                name: np.round((track.notes[name] + late) * LATTICE) / LATTICE
                for name in ("start", "end")
            }
            return replace(track, notes=as_notes(columns | times))

        paused = replace(song, tracks=tuple(held(track) for track in song.tracks))
        after = beats + np.where(beats > at - 0.06, wait, 0.0)
        yield Export(f"fermata of {wait:.2f} s: {demo.title}", paused, after, demo.bpm)


def judged(export: Export, grid: BeatGrid) -> Judged:
    """Compare a found grid with the true beats of an export.

    Parameters
    ----------
    export : Export
        The song and its beats.
    grid : BeatGrid
        What was found.

    Returns
    -------
    Judged
        Measures of the beats between the first and the last onset, whatever their level.
    """
    starts = np.concatenate([track.notes["start"] for track in export.song.tracks])
    heard = (export.beats > starts.min() - 0.1) & (export.beats < starts.max() + 0.1)
    place = grid.beat_at(export.beats[heard])
    level = min(LEVELS, key=lambda known: abs(np.log(np.median(np.diff(place)) / known)))
    off = (place - level * np.arange(len(place))) * float(np.median(np.diff(grid.beats)))
    off = off - np.median(off)
    aligned = align(export.song, grid)
    grid = move_grid(grid, common_lag(aligned, grid))
    start = np.concatenate([track.notes["start"] for track in aligned.tracks])
    lines = grid.subdivision or 4
    at = grid.beat_at(start) * lines
    near = np.abs(at - np.round(at))
    if grid.swing_ratio != 0.5:
        half = grid.beat_at(start) * lines / 2
        swung = np.abs(half - np.floor(half) - grid.swing_ratio) * 2
        near = np.minimum(near, swung)
    distance = near * float(np.median(np.diff(grid.beats))) / lines
    slipped = (place[-1] - place[0]) / level - (len(place) - 1)
    return Judged(
        level=float(np.median(np.diff(place))),
        median=float(np.median(np.abs(off))),
        greatest=float(np.abs(off).max()),
        slipped=float(slipped),
        residual=float(np.median(distance)),
    )


def main() -> None:
    """Print a line for every export."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=0)
    seed = parser.parse_args().seed
    print(
        f"{'export':44} {'bpm':>7} {'found':>7} {'meter':>5} {'level':>6} "
        f"{'median':>6} {'worst':>6} {'slip':>5} {'resid':>5} {'pulse':>5} {'lvl':>5}"
    )
    for export in exports(seed):
        grid = estimate_beats(export.song)
        if grid is None or grid.confidence is None:
            print(f"{export.name:44} {export.bpm:7.2f}    none")
            continue
        one = judged(export, grid)
        print(
            f"{export.name:44} {export.bpm:7.2f} {grid.bpm:7.2f} {grid.meter[0]:>3}/{grid.meter[1]}"
            f" {one.level:6.3f} {1000 * one.median:6.1f} {1000 * one.greatest:6.1f}"
            f" {one.slipped:5.2f} {1000 * one.residual:5.1f}"
            f" {grid.confidence.pulse:5.2f} {grid.confidence.level:5.2f}"
        )


if __name__ == "__main__":
    main()
