"""Measure how soon the player's page shows a song in a real browser, and how large it is.

    uv run python -m tests.bench.player

The first paint is told by the page itself: milliseconds from the begin of its navigation until
every note was drawn once. Its mark: a second for 10,000 notes. Needs a Chromium on the PATH.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import numpy as np

from midikit.model.beats import BeatGrid
from midikit.model.notes import as_notes
from midikit.model.song import Song, Track
from midikit.view.html import to_html
from tests.browser import Browser, find_chromium

__all__ = ["main"]

_SIZES = (1_000, 10_000, 50_000)
_PARTS = 12
_RUNS = 5


def _song(notes: int) -> Song:
    """Make a song by chance: twelve parts, eight notes a second each."""
    rng = np.random.default_rng(notes)
    tracks = []
    for part in range(_PARTS):
        count = notes // _PARTS + (part < notes % _PARTS)
        start = np.sort(rng.uniform(0, count / 8, count))
        rows = np.column_stack(
            [start, start + 0.2, rng.integers(30, 90, count), rng.integers(30, 127, count)]
        )
        tracks.append(Track(f"Part {part}", notes=as_notes([tuple(row) for row in rows.tolist()])))
    return Song(tuple(tracks))


def main() -> int:
    """Print a line a size."""
    program = find_chromium()
    if program is None:
        print("no Chromium on the PATH", file=sys.stderr)
        return 1
    browser = Browser(program)
    try:
        with tempfile.TemporaryDirectory() as folder:
            for notes in _SIZES:
                page = to_html(_song(notes), grid=BeatGrid.constant(120.0))
                path = Path(folder) / f"{notes}.html"
                path.write_text(page, encoding="utf-8")
                painted = []
                for _ in range(_RUNS):
                    opened = browser.open(path)
                    painted.append(opened.state()["firstPaint"])
                    opened.close()
                each = (len(page.encode()) - len(to_html(Song(())).encode())) / notes
                size = len(page.encode()) / 1000
                print(
                    f"{notes:6,} notes  {size:6.0f} kB  {each:4.1f} bytes a note"
                    f"  first paint {min(painted):4.0f} to {max(painted):4.0f} ms"
                )
    finally:
        browser.close()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
