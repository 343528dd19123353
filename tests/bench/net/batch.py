"""A large batch from a flaky service, interrupted and resumed: rate, memory, credits.

    python -m tests.bench.net.batch --clips 20000 --jobs 64 --restarts 10

The service answers 429, 503 or a refunded 504 to three calls of ten. Marks: every clip delivered
with its .mid, as many net credits as clips, 200 clips a second with their downloads, less than
300 MB of memory, the same for twice as many clips. Exit code 1 if a clip is missing, paid twice or
differs, or at 300 MB; the rate depends on the machine and is only told.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import time
from typing import TYPE_CHECKING, Any

from tests.bench.net.fetching import desk, digests, verdict
from tests.bench.net.serving import serving

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["main", "measure"]

_DEADLINE = 60.0
_MOST_BYTES = 300_000_000
_GUESS = 150.0
"""Clips a second, to spread the interrupts over the batch."""

_INTERRUPTED = frozenset([0, 130, -signal.SIGINT])
"""How a life may end: done, interrupted, or interrupted after all was done, as Python shut down."""


def measure(
    *, clips: int, jobs: int, restarts: int, seed: int = 1, export: bool = True
) -> dict[str, Any]:
    """Fetch so many; figures, with ``violations`` in words."""
    chance = random.Random(seed)
    ids = [f"flaky.{number}" for number in range(clips)]
    wrong: list[str] = []
    lives: list[dict[str, float]] = []
    with serving(repeat_charges=True, seed=seed) as endpoint, desk(endpoint) as at:
        words = at.fetch_words(ids, jobs=jobs, deadline=_DEADLINE, budget=5 * clips)
        life = clips / _GUESS / (restarts + 1)
        peak = seconds = 0.0
        before = 0
        for number in range(restarts + 1):
            running = at.start(*words)
            if number < restarts:
                time.sleep(1.0 + life * chance.uniform(0.5, 1.2))
                running.interrupt()
            done = running.wait(None)
            totals = endpoint.ledger()["totals"]
            there, before = totals["delivered"] - before, totals["delivered"]
            lives.append({"clips": there, "seconds": round(done.seconds, 2), "peak": done.peak})
            peak = max(peak, done.peak)
            seconds += done.seconds
            if number < restarts and done.code not in _INTERRUPTED:
                wrong.append(f"life {number}: ended with {done.code}: {done.err[-300:]!r}")
        if done.code:
            wrong.append(f"ended with {done.code}: {done.err[-300:]!r}")
        missing = clips - len(done.delivered)
        if missing:
            wrong.append(f"{missing} clips missing")
        if totals["net"] != clips:
            wrong.append(f"{totals['net']} credits for {clips} clips")
        if peak >= _MOST_BYTES:
            wrong.append(f"{peak / 1e6:.0f} MB at the peak")
        # The rate of the lives that had most of their time for fetching.
        best = max(lives, key=lambda each: each["clips"] / each["seconds"])
        figures = {
            "clips": clips,
            "jobs": jobs,
            "restarts": restarts,
            "cores": os.cpu_count(),
            "seconds": round(seconds, 1),
            "clips_per_second": round(clips / seconds, 1),
            "clips_per_second_best_life": round(best["clips"] / best["seconds"], 1),
            "peak_mb": round(peak / 1e6, 1),
            "first_life_peak_mb": round(lives[0]["peak"] / 1e6, 1),
            "service_peak_mb": round(endpoint.memory() / 1e6, 1),
            "service_processor_seconds": endpoint.processor_seconds(),
            "net_credits": totals["net"],
            "posts": totals["posts"],
            "downloads": totals["downloads"],
            "most_at_once": totals["most_at_once"],
        }
        if export:
            endpoint.stop()
            exported, found = at.export()
            answers = digests(endpoint.answer(clip_id) for clip_id in ids)
            midis = digests(endpoint.midi(clip_id) for clip_id in ids)
            if exported.code or found != {".json": answers, ".mid": midis}:
                counts = {ending: len(each) for ending, each in found.items()}
                wrong.append(f"export ended with {exported.code}, {counts} files")
            figures["export_seconds"] = round(exported.seconds, 1)
    return figures | {"violations": wrong}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run it from the command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.net.batch", description=__doc__)
    parser.add_argument("--clips", type=int, default=20_000)
    parser.add_argument("--jobs", type=int, default=64)
    parser.add_argument("--restarts", type=int, default=10)
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args(arguments)
    figures = measure(**vars(chosen))
    return verdict(figures)


if __name__ == "__main__":
    raise SystemExit(main())
