"""Kill a batch at random moments, resume it, and hold the archive against the other side's books.

    python -m tests.bench.net.kills --kills 200 --procs 1 --jobs 32
    python -m tests.bench.net.kills --kills 200 --procs 2 --jobs 32

Each round starts one process, or two on the same clips and archive, and kills them with signal 9.
What they had said was delivered must stay so. After the last round the batch runs to its end
without permission, then with ``--resend-unknown``; then the service stops, the token is taken away,
and ``midikit archive export`` must give every answer and every .mid, byte for byte. Exit code 1 at
any violation. Ten minutes for 200 kills.
"""

from __future__ import annotations

import argparse
import random
import time
from typing import TYPE_CHECKING, Any

from tests.bench.net.fetching import Desk, desk, digests, verdict
from tests.bench.net.serving import serving

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["main", "measure"]

_MODES = ("slow", "slow-charged", "504-refunded.slow", "slow.mid-500", "flaky")
"""Safe faults and waits on either side of the charge: a kill meets each of them."""

_PER_LIFE = 80
"""Clips that a life of one process can begin, about."""

_LIFE = (0.4, 2.2)
_DEADLINE = 30.0


def measure(
    *, kills: int, procs: int, jobs: int, seed: int = 1, clips: int | None = None
) -> dict[str, Any]:
    """Kill so often; figures, with ``violations`` in words."""
    chance = random.Random(seed)
    if clips is None:
        clips = max(jobs * 2, _PER_LIFE * kills * procs * jobs // 32)
    ids = [f"{_MODES[number % len(_MODES)]}.{number}" for number in range(clips)]
    chance.shuffle(ids)
    wrong: list[str] = []
    # Repeated calls are charged, so that every call that should not be shows in the books.
    with serving(repeat_charges=True, seed=seed) as endpoint, desk(endpoint) as at:
        words = at.fetch_words(ids, jobs=jobs, deadline=_DEADLINE, budget=10 * clips)
        all_words = [words]
        for number in range(1, procs):
            # Neighbours in another order: the processes meet at some clips, not at every one.
            places = {
                clip_id: place + chance.uniform(0, 4 * jobs) for place, clip_id in enumerate(ids)
            }
            mixed = sorted(ids, key=places.__getitem__)
            other = at.write_ids(mixed, f"ids-{number}.txt")
            all_words.append([other if word == words[2] else word for word in words])
        said: dict[str, int] = {}
        hit = 0
        for _ in range(kills):
            running = [at.start(*each) for each in all_words]
            time.sleep(chance.uniform(*_LIFE))
            hit += sum([each.kill() for each in running])
            done = [each.wait() for each in running]
            accounts = endpoint.accounts()
            for clip_id in set().union(*(each.delivered for each in done)):
                said.setdefault(clip_id, accounts[clip_id]["posts"])
        ended = [each.wait() for each in [at.start(*each) for each in all_words]]
        without = endpoint.settled()
        twice = [clip_id for clip_id, row in without.items() if row["net"] > 1]
        wrong += [f"{clip_id}: charged twice without permission" for clip_id in twice]
        unknown = {clip_id for clip_id in ids if not any(clip_id in d.delivered for d in ended)}
        last = at.run(*words, "--resend-unknown", seconds=None)
        with_ = endpoint.settled()
        wrong += [
            f"{clip_id}: said to be delivered, then asked for again"
            for clip_id, posts in said.items()
            if with_[clip_id]["posts"] != posts
        ]
        # A kill between the intent on disk and the call leaves a clip nobody was asked for.
        paid = {clip_id: without[clip_id]["net"] if clip_id in without else 0 for clip_id in ids}
        more = {clip_id: with_[clip_id]["net"] - paid[clip_id] for clip_id in ids}
        wrong += [
            f"{clip_id}: {credits_} credits with permission"
            for clip_id, credits_ in more.items()
            if credits_ > (clip_id in unknown)
        ]
        if last.code or len(last.delivered) != clips:
            wrong.append(f"{clips - len(last.delivered)} clips missing: {last.err[-300:]!r}")
        most_at_once = endpoint.ledger()["totals"]["most_at_once"]
        wrong += _exported(at, ids)
        return {
            "kills": kills,
            "kills_that_hit": hit,
            "processes": procs,
            "jobs": jobs,
            "clips": clips,
            "most_at_once": most_at_once,
            "said_delivered_before_a_kill": len(said),
            "unknown_after_kills": len(unknown),
            "charged_twice_without_permission": len(twice),
            "extra_credits_with_permission": sum(more.values()),
            "violations": wrong,
        }


def _exported(at: Desk, ids: Sequence[str]) -> list[str]:
    """Stop the service, export without token, and compare every byte."""
    at.endpoint.stop()
    wrong = []
    verified = at.run("archive", "verify", offline=True)
    if verified.code:
        wrong.append(f"archive verify ended with {verified.code}: {verified.err[-300:]!r}")
    done, found = at.export()
    if done.code:
        wrong.append(f"archive export ended with {done.code}: {done.err[-300:]!r}")
    for ending, expected in (
        (".json", digests(at.endpoint.answer(clip_id) for clip_id in ids)),
        (".mid", digests(at.endpoint.midi(clip_id) for clip_id in ids)),
    ):
        missing, strange = expected - found[ending], found[ending] - expected
        if missing or strange:
            wrong.append(f"{len(missing)} {ending} missing in the export, {len(strange)} other")
    return wrong


def main(arguments: Sequence[str] | None = None) -> int:
    """Run it from the command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.net.kills", description=__doc__)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--procs", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=32)
    parser.add_argument("--clips", type=int)
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args(arguments)
    figures = measure(**vars(chosen))
    return verdict(figures)


if __name__ == "__main__":
    raise SystemExit(main())
