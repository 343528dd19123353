"""Follow no hostile address, and no bomb or drip beyond its bounds.

    python -m tests.bench.net.urls

Every address of `midikit.sandbox.hostile` comes once as ``midi_url`` and once as the redirect of a
hosted file; redirects of the paid call come too. The canary must never be contacted, and every
answer that was paid for must be there. Then bombs, endless bodies, stalls and drips, each in a
process of its own: at most 64 MB more than a good clip takes, and never past the deadline by more
than two seconds. Exit code 1 at any violation. Two minutes.
"""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from midikit.sandbox.hostile import ADDRESSES
from tests.bench.net.fetching import Desk, desk, verdict
from tests.bench.net.serving import serving

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["main", "measure"]

_HEAVY = (
    *("mid-bomb", "mid-endless", "mid-drip", "mid-stall", "mid-hang", "mid-loop"),
    *("bomb", "endless", "drip", "stall-charged", "timeout-charged"),
)
_REDIRECTS = tuple(f"redirect-{status}" for status in (301, 302, 303, 307, 308))
_MOST_BYTES = 64_000_000
_GRACE = 2.0


def measure(
    *, jobs: int = 16, deadline: float = 6.0, heavy: Sequence[str] = _HEAVY
) -> dict[str, Any]:
    """Try all; figures, with ``violations`` in words."""
    with serving() as endpoint:
        with desk(endpoint) as at:
            wrong, followed = _follow(at, jobs, deadline)
        figures: dict[str, Any] = {
            "addresses": len(ADDRESSES),
            "clips": followed,
            "canary_contacts": len(endpoint.ledger()["canary"]),
        }
        if figures["canary_contacts"]:
            seen = endpoint.ledger()["canary"]
            wrong.append(f"the canary was contacted: {seen[:3]}")
        with desk(endpoint) as at:
            bounded, more = _bound(at, heavy, deadline)
        wrong += bounded
    return figures | {"bounds": more, "violations": wrong}


def _follow(at: Desk, jobs: int, deadline: float) -> tuple[list[str], int]:
    """Fetch a clip for each address and redirect."""
    paid = [f"{way}-{name}.clip" for name in ADDRESSES for way in ("url", "mid-to")]
    lost = [f"{mode}.clip" for mode in _REDIRECTS]
    done = at.run(*at.fetch_words([*paid, *lost], jobs=jobs, deadline=deadline))
    wrong = [
        f"{clip_id}: a paid answer is missing" for clip_id in paid if clip_id not in done.delivered
    ]
    accounts = at.endpoint.accounts()
    wrong += [
        f"{clip_id}: {row['posts']} calls, {row['charged']} credits"
        for clip_id, row in accounts.items()
        if (row["posts"], row["charged"]) != (1, int(clip_id in paid))
    ]
    if set(accounts) != {*paid, *lost}:
        wrong.append(f"{len({*paid, *lost} - set(accounts))} clips were not asked for")
    return wrong, len(paid) + len(lost)


def _bound(
    at: Desk, heavy: Sequence[str], deadline: float
) -> tuple[list[str], dict[str, dict[str, float]]]:
    """Fetch a clip for each way to exhaust a client, and one that is good."""
    figures: dict[str, dict[str, float]] = {}
    wrong = []
    usual = 0
    for mode in ("fine", *heavy):
        done = at.run(*at.fetch_words([f"{mode}.bound"], jobs=1, deadline=deadline))
        usual = usual or done.peak
        start = figures.get("fine", {}).get("seconds", 0.0)
        more, seconds = done.peak - usual, done.seconds - start
        figures[mode] = {"more_mb": round(more / 1e6, 1), "seconds": round(seconds, 2)}
        if more > _MOST_BYTES:
            wrong.append(f"{mode}: {more / 1e6:.1f} MB more than a good clip")
        if seconds > deadline + _GRACE:
            wrong.append(f"{mode}: {seconds:.1f} s for a deadline of {deadline:g} s")
        is_there = f"{mode}.bound" in done.delivered
        if is_there != mode.startswith(("fine", "mid-")):
            wrong.append(f"{mode}: {'delivered' if is_there else done.err[-200:]!r}")
    return wrong, figures


def main(arguments: Sequence[str] | None = None) -> int:
    """Run it from the command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.net.urls", description=__doc__)
    parser.add_argument("--jobs", type=int, default=16)
    parser.add_argument("--deadline", type=float, default=6.0)
    chosen = parser.parse_args(arguments)
    figures = measure(**vars(chosen))
    return verdict(figures)


if __name__ == "__main__":
    raise SystemExit(main())
