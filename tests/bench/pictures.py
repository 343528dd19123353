"""Measure how long pictures of songs take and how large they are, beside their marks.

    uv run python -m tests.bench.pictures

Songs are made by chance: twelve parts, one of them drums, notes anywhere in two octaves each and in
three hours at most. A picture is timed from the song to the drawn pixels, on a figure of its own,
with a grid; the marks, for 50,000 notes, are 2 s, and 0.2 s and 100 kB for what a notebook shows.
The fastest of some runs counts. Exit code 1 says that a mark is missed.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

import midikit as mk
from midikit.model.beats import BeatGrid
from midikit.model.notes import as_notes
from midikit.model.song import Song, Track
from midikit.view import to_png, to_svg

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["main"]

_SIZES = (1, 1_000, 10_000, 50_000)
_PARTS = 12
_RUNS = 3
_GRID = BeatGrid.constant(120.0)
_MOST_BYTES = 100_000


class _Task(NamedTuple):
    """What is timed: its name, what does it, and its mark in seconds for the largest song."""

    name: str
    make: Callable[[Song], object]
    mark: float | None


def _song(notes: int) -> Song:
    """Make a song by chance."""
    rng = np.random.default_rng(notes)
    tracks = []
    for part in range(_PARTS):
        count = notes // _PARTS + (part < notes % _PARTS)
        start = np.sort(rng.uniform(0, count / 8, count))
        low = 30 + 4 * part
        rows = np.column_stack(
            [start, start + 0.2, rng.integers(low, low + 24, count), rng.integers(30, 127, count)]
        )
        tracks.append(Track(f"Part {part}", is_drum=part == 0, notes=as_notes(rows)))
    return Song(tuple(tracks))


def _draw(song: Song) -> None:
    figure = Figure(figsize=(10.0, 5.0), layout="constrained")
    FigureCanvasAgg(figure)
    mk.plot(song, grid=_GRID, ax=figure.subplots())
    figure.canvas.draw_idle()
    figure.savefig("/dev/null", format="png")


def _timing(song: Song) -> None:
    figure = Figure(figsize=(8.0, 5.0), layout="constrained")
    mk.plot_timing(song, _GRID, ax=figure.subplots())
    figure.savefig("/dev/null", format="png")


def _shown(song: Song) -> str:
    return str(song._repr_html_())


def _shown_roll(song: Song) -> str:
    return str(mk.pianoroll(song)._repr_html_())


_TASKS = (
    _Task("plot, drawn", _draw, 2.0),
    _Task("plot_timing, drawn", _timing, None),
    _Task("to_png", lambda song: to_png(song, grid=_GRID), None),
    _Task("to_svg", lambda song: to_svg(song, grid=_GRID), None),
    _Task("Song in a notebook", _shown, 0.2),
    _Task("PianoRoll, made and in a notebook", _shown_roll, None),
)


def main() -> int:
    """Print a line a task, with a column a size."""
    songs = [_song(notes) for notes in _SIZES]
    print(f"{'notes':35}" + "".join(f"{notes:>18,}" for notes in _SIZES) + "  mark")
    missed = False
    for task in _TASKS:
        cells, seconds, size = [], 0.0, 0
        for song in songs:
            runs = []
            for _ in range(_RUNS):
                begun = time.perf_counter()
                made = task.make(song)
                runs.append(time.perf_counter() - begun)
            seconds, size = min(runs), len(made) if isinstance(made, (str, bytes)) else 0
            cells.append(
                f"{seconds * 1e3:8.1f} ms" + (f"{size / 1e3:4.0f} kB" if size else " " * 7)
            )
        mark = "" if task.mark is None else f"  {task.mark * 1e3:.0f} ms"
        missed |= task.mark is not None and seconds > task.mark
        missed |= task.make is _shown and size > _MOST_BYTES
        print(f"{task.name:35}" + "".join(cells) + mark)
    return int(missed)


if __name__ == "__main__":
    raise SystemExit(main())
