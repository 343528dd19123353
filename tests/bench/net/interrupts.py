"""Press Ctrl-C at random moments of a batch: nothing may be lost, and it must end in time.

    python -m tests.bench.net.interrupts --times 50 --jobs 32

Each round resumes the batch and interrupts it. It must end within the deadline of a clip and two
seconds, with exit code 130 (or its own, if it was done). Afterwards the batch runs to its end
without any permission: whatever an interrupt had left unknown would be missing then. Exit code 1
at any violation. Three minutes for 50.
"""

from __future__ import annotations

import argparse
import random
import signal
import sys
import time
from typing import TYPE_CHECKING, Any

from tests.bench.net.fetching import desk, verdict
from tests.bench.net.serving import serving

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["main", "measure"]

_MODES = ("slow", "slow-charged", "504-refunded.slow", "running_1.slow", "429.slow", "flaky")
_PER_LIFE = 60
_LIFE = (0.0, 2.5)
_GRACE = 2.0


def measure(
    *,
    times: int,
    jobs: int,
    deadline: float = 15.0,
    seed: int = 1,
    twice: bool = False,
    modes: Sequence[str] = _MODES,
    clips: int | None = None,
) -> dict[str, Any]:
    """Interrupt so often; figures, with ``violations`` in words."""
    chance = random.Random(seed)
    if clips is None:
        clips = max(2 * jobs, _PER_LIFE * times * jobs // 32)
    ids = [f"{modes[number % len(modes)]}.{number}" for number in range(clips)]
    wrong: list[str] = []
    slowest = 0.0
    hit = 0
    codes: dict[int, int] = {}
    with serving(repeat_charges=True, seed=seed) as endpoint, desk(endpoint) as at:
        words = at.fetch_words(ids, jobs=jobs, deadline=deadline, budget=10 * clips)
        told = 0
        for number in range(times):
            for line in wrong[told:]:  # at once: the rounds take minutes
                print(line, file=sys.stderr, flush=True)
            told = len(wrong)
            running = at.start(*words)
            moment = chance.uniform(*_LIFE)
            time.sleep(moment)
            began = time.monotonic()
            was_there = running.interrupt()
            hit += was_there
            if twice:
                time.sleep(0.1)
                running.interrupt()
            done = running.wait(deadline + 4 * _GRACE)
            if done.stuck:
                stacks = done.err.decode("utf-8", "replace")[-6000:]
                wrong.append(f"round {number}: stuck after Ctrl-C at {moment:.2f} s:\n{stacks}")
                continue
            took = time.monotonic() - began
            slowest = max(slowest, took)
            codes[done.code] = codes.get(done.code, 0) + 1
            # The second Ctrl-C leaves the calls that are out behind, and does not wait for them.
            if took > _GRACE + (0.0 if twice else deadline):
                wrong.append(f"round {number}: ended {took:.1f} s after Ctrl-C")
            was_done = done.code == 0 and len(done.delivered) == clips
            # Before Python is up, the system itself ends it; shells call that 130 too.
            if was_there and done.code not in {130, -signal.SIGINT} and not was_done:
                problem = f"ended with {done.code}, interrupted after {moment:.2f} s"
                wrong.append(f"round {number}: {problem}: {done.err[-200:]!r}")
        last = at.run(*words, seconds=None)
        accounts = endpoint.accounts()
        missing = [clip_id for clip_id in ids if clip_id not in last.delivered]
        net = sum(row["net"] for row in accounts.values())
        if not twice:
            wrong += [f"{clip_id}: not there in the end" for clip_id in missing]
            if net != clips:
                wrong.append(f"{net} credits for {clips} clips")
        bad = [clip_id for clip_id, row in accounts.items() if row["net"] > 1]
        wrong += [f"{clip_id}: charged twice" for clip_id in bad]
    return {
        "times": times,
        "interrupts_that_hit": hit,
        "jobs": jobs,
        "clips": clips,
        "deadline": deadline,
        "slowest_end_seconds": round(slowest, 2),
        "exit_codes": {str(code): number for code, number in sorted(codes.items())},
        "unknown": len(missing),
        "net_credits": net,
        "violations": wrong,
    }


def main(arguments: Sequence[str] | None = None) -> int:
    """Run it from the command line."""
    name = "python -m tests.bench.net.interrupts"
    parser = argparse.ArgumentParser(prog=name, description=__doc__)
    parser.add_argument("--times", type=int, default=50)
    parser.add_argument("--jobs", type=int, default=32)
    parser.add_argument("--clips", type=int)
    parser.add_argument("--modes", help="comma-separated, such as fine: many short calls")
    parser.add_argument("--deadline", type=float, default=15.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--twice", action="store_true", help="press it a second time at once")
    chosen = parser.parse_args(arguments)
    chosen.modes = chosen.modes.split(",") if chosen.modes else _MODES
    figures = measure(**vars(chosen))
    return verdict(figures)


if __name__ == "__main__":
    raise SystemExit(main())
