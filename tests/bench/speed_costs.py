"""Memory, growth, batches and start-up: what is measured in processes of its own."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from tests.bench.batches import MARK
from tests.bench.fresh import ROOT, STEPS, measure
from tests.bench.speed_songs import as_json, make_parts
from tests.bench.speed_steps import Row

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = ["batch", "growth", "memory", "startup"]

_TWICE = 2.0
"""A note of the largest song may cost twice what one of a song of a tenth costs: less of it is in
a cache. What grows with the square would cost ten times as much."""

_HEAVY = ("numpy", "httpx", "mido", "pretty_midi", "matplotlib", "rich", "msgspec")


def memory(notes: int = 50_000) -> Iterator[Row]:
    """Compare the memory of a whole conversion with that of decoding its JSON alone."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "song.json"
        file.write_bytes(as_json(make_parts(notes)))
        theirs, ours = (measure(step, file).bytes for step in ("orjson.loads", "JSON -> .mid"))
    if ours is not None and theirs:
        size = f"{ours / 1e6:.1f} MB"
        beside = f"orjson.loads alone {theirs / 1e6:.1f}"
        yield Row("JSON -> .mid", size, beside, ours / theirs, 0.5)


def growth(
    sizes: Sequence[int], *, steps: Sequence[str] = tuple(STEPS), runs: int = 5
) -> Iterator[Row]:
    """Tell what a note costs in songs of each size, the last beside the one before it."""
    with tempfile.TemporaryDirectory() as folder:
        files = [Path(folder) / f"{size}.json" for size in sizes]
        for size, file in zip(sizes, files, strict=True):
            file.write_bytes(as_json(make_parts(size)))
        for step in steps:
            costs = [measure(step, file, runs=runs) for file in files]
            seconds = [cost.seconds / size for cost, size in zip(costs, sizes, strict=True)]
            yield _grown(step, "us a note", [1e6 * second for second in seconds])
            if all(cost.bytes for cost in costs):
                peaks = [(cost.bytes or 0) / size for cost, size in zip(costs, sizes, strict=True)]
                yield _grown(step, "bytes a note", peaks)


def _grown(step: str, unit: str, costs: list[float]) -> Row:
    """Compare the last of the costs with the one before it."""
    shown = " ".join(f"{cost:.3g}" for cost in costs)
    return Row(step, unit, shown, costs[-1] / costs[-2], _TWICE)


def batch(*, songs: int = 2_000, rounds: int = 5) -> Iterator[Row]:
    """Compare the CPU time of a song in a pool of two with that in one process, files to files."""
    words = ["--songs", str(songs), "--rounds", str(rounds), "--json"]
    done = subprocess.run(
        [sys.executable, "-m", "tests.bench.batches", *words],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    found = {way: one["cpu"] / 1e6 for way, one in json.loads(done.stdout).items()}
    alone = found.pop("one process")
    for way, ours in found.items():
        chunk = way.removeprefix("pool, ")
        mark = None if chunk == "chunk 1" else MARK
        yield Row("files, CPU a song", chunk, "one process", ours / alone, mark, True, ours, alone)


def startup(*, rounds: int = 10) -> Iterator[Row]:
    """Time whole processes in turns, and count the heavy modules that help loads."""
    names = {
        "python": "pass",
        "numpy": "import numpy",
        "midikit": "import midikit",
        "pretty_midi": "import pretty_midi",
        "--help": "from midikit.__main__ import main; main(['--help'])",
        "--version": "from midikit.__main__ import main; main(['--version'])",
    }
    best = dict.fromkeys(names, float("inf"))
    for _ in range(rounds):
        for name, code in names.items():
            start = time.perf_counter()
            subprocess.run([sys.executable, "-c", code], check=True, stdout=subprocess.DEVNULL)
            best[name] = min(best[name], time.perf_counter() - start)
    bare = best["python"]
    for name, beside, mark in (
        ("midikit", "numpy", 1.1),
        ("midikit", "pretty_midi", None),
        ("--help", "numpy", None),
        ("--version", "numpy", None),
    ):
        ours, theirs = best[name] - bare, best[beside] - bare
        step = f"start of {name}" if name.startswith("-") else f"import {name}"
        yield Row(step, "", beside, ours / theirs, mark, ours=ours, theirs=theirs)
    for word in ("--help", "--version"):
        check = f"{names[word]}; import sys; print(*sorted(set({_HEAVY!r}) & set(sys.modules)))"
        done = subprocess.run(
            [sys.executable, "-c", check], check=True, capture_output=True, text=True
        )
        heavy = done.stdout.splitlines()[-1].split()
        yield Row(f"{word} loads", "", " ".join(heavy) or "no heavy module", len(heavy), 0)
