"""Meet every fault once, and hold calls and credits against the table.

    python -m tests.bench.net.faults

Each fault is met twice: by a service that charges again for a clip it charged before, and by one
that does not. Every clip is fetched, fetched again without permission, and again with
``--resend-unknown``. Exit code 1 if anything differs from the table. Two minutes.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tests.bench.net.fetching import Desk, Done, desk, verdict
from tests.bench.net.serving import serving

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["STOPPING", "TABLE", "Expected", "main", "measure"]

_JOBS = 16
_DEADLINE = 15.0
_UNKNOWN = "UnknownOutcomeError"


@dataclass(frozen=True)
class Expected:
    """What one fetch may do: calls (least and most), net credits, and how it ends."""

    posts: tuple[int, int]
    net: int
    end: str
    """``delivered``, ``unknown`` (listed; asked again only with permission), or ``refused``."""


def _once(net: int, end: str) -> Expected:
    return Expected((1, 1), net, end)


def _again(posts: int) -> Expected:
    return Expected((posts, posts), 1, "delivered")


_LOST = _once(1, "unknown")
_UNCHARGED = _once(0, "unknown")
_REFUSED = _once(0, "refused")
_GOOD = _once(1, "delivered")

_FILES = (
    *("mid-404", "mid-403", "mid-500", "mid-html", "mid-empty", "mid-cut", "mid-reset"),
    *("mid-loop", "mid-drip", "mid-stall", "mid-endless", "mid-bomb", "url-file"),
    *("url-canary", "url-metadata", "url-decimal", "url-userinfo", "mid-to-canary"),
)

TABLE: dict[str, Expected] = {
    "fine": _GOOD,
    "reset-before": _UNCHARGED,
    "reset-charged": _LOST,
    "timeout-charged": _LOST,
    "stall-charged": _LOST,
    "close-charged": _LOST,
    "cut-body": _LOST,
    "cut-chunked": _LOST,
    "drip_1": _LOST,
    "slow": _GOOD,
    "slow-charged": _GOOD,
    "429": _again(2),
    "429_3": _again(4),
    "429-date": _again(2),
    "429-past": _again(2),
    "429-bare": _again(2),
    "429-junk": _again(2),
    "429_forever": Expected((2, 14), 0, "refused"),
    "430": _again(2),
    "500": _UNCHARGED,
    "500_forever": _UNCHARGED,
    "500-charged": _LOST,
    "502-html": _UNCHARGED,
    "503": _UNCHARGED,
    "503-after": _again(2),
    "503-after_forever": Expected((2, 14), 0, "refused"),
    "504-refunded": _again(2),
    "504-refunded_2": _again(3),
    "504-refunded_forever": Expected((3, 3), 0, "refused"),
    "504-gateway": _LOST,
    "429.504-refunded.503-after": _again(4),
    "400": _REFUSED,
    "404": _REFUSED,
    "405": _REFUSED,
    "409": _REFUSED,
    "422": _REFUSED,
    "html-200": _LOST,
    "not-json": _LOST,
    "empty-200": _LOST,
    "bomb": _LOST,
    "endless": _LOST,
    "echo-400": _REFUSED,
    "echo-500": _UNCHARGED,
    "running_2": _again(3),
    "running_forever": Expected((2, 20), 1, "pending"),
    "running_1.500": Expected((2, 2), 1, "unknown"),
    "running_1.reset-charged": Expected((2, 2), 1, "unknown"),
    "failed": _REFUSED,
    **{f"redirect-{status}": _UNCHARGED for status in (301, 302, 303, 307, 308)},
    **dict.fromkeys(_FILES, _GOOD),
}
"""Modes as clip ids write them, and what section 3 of the rules allows."""

STOPPING = (
    "429-day",
    "401",
    "402",
    "403",
    "403-credits",
    "403-in-200",
    "429-credits",
    "455",
    "echo-401",
)
"""Modes that end the batch: nothing charged, and the clip after them not asked for."""

_ENDS = {"delivered": {0}, "unknown": {3}, "refused": {3}, "pending": {4}}


def measure(
    modes: Sequence[str], *, repeat_charges: bool, deadline: float, unsent: bool = True
) -> list[str]:
    """Meet faults; every difference from the table, in words."""
    wrong: list[str] = []
    # Polls that are charged would hide what the table says of them.
    with serving(repeat_charges=repeat_charges) as endpoint:
        with desk(endpoint) as at:
            met = [mode for mode in modes if mode in TABLE]
            wrong += _meet(at, met, repeat_charges=repeat_charges, deadline=deadline)
        for mode in modes:
            if mode in STOPPING:
                with desk(endpoint) as at:
                    wrong += _meet_stopping(at, mode)
        if unsent:
            with desk(endpoint) as at:
                wrong += _meet_unsent(at)
        seen = endpoint.ledger()
        if seen["canary"]:
            wrong.append(f"the canary was contacted: {seen['canary'][:3]}")
    return [f"repeat {'charged' if repeat_charges else 'free'}: {line}" for line in wrong]


def _meet(at: Desk, modes: Sequence[str], *, repeat_charges: bool, deadline: float) -> list[str]:
    """Fetch, fetch again, fetch with permission."""
    ids = {f"{mode}.clip": TABLE[mode] for mode in modes}
    words = at.fetch_words(ids, jobs=_JOBS, deadline=deadline, budget=40 * len(ids))
    first = at.run(*words)
    one = at.endpoint.accounts()
    wrong = _differences(ids, first, one)
    settled = [clip_id for clip_id, row in ids.items() if row.end in {"delivered", "unknown"}]
    words = at.fetch_words(settled, jobs=_JOBS, deadline=deadline, budget=40 * len(ids))
    again = at.run(*words)
    two = at.endpoint.accounts()
    for clip_id in settled:
        if _posts(two, clip_id) != _posts(one, clip_id):
            wrong.append(f"{clip_id}: asked for again without permission")
    lost = {clip_id for clip_id in settled if ids[clip_id].end == "unknown"}
    wrong += [f"{clip_id}: not listed again" for clip_id in lost - _listed(again)]
    last = at.run(*words, "--resend-unknown")
    three = at.endpoint.accounts()
    for clip_id in settled:
        more = _posts(three, clip_id) - _posts(two, clip_id)
        net = _net(three, clip_id) - _net(two, clip_id)
        allowed = int(clip_id in lost)
        if more != allowed and "running" not in clip_id:
            wrong.append(f"{clip_id}: {more} calls with permission, expected {allowed}")
        if net > allowed or (net and not repeat_charges and _net(two, clip_id)):
            wrong.append(f"{clip_id}: {net} credits more with permission")
        if clip_id not in last.delivered and "forever" not in clip_id and "redirect" not in clip_id:
            wrong.append(f"{clip_id}: not delivered with permission: {_row(last, clip_id)}")
    return wrong


def _differences(ids: dict[str, Expected], done: Done, accounts: dict[str, Any]) -> list[str]:
    """Hold the first fetch against the table."""
    wrong = []
    if done.code != 4 and any(row.end == "pending" for row in ids.values()):
        wrong.append(f"the batch ended with {done.code}: {done.err[-300:]!r}")
    listed = _listed(done)
    for clip_id, row in ids.items():
        posts, net = _posts(accounts, clip_id), _net(accounts, clip_id)
        if not row.posts[0] <= posts <= row.posts[1]:
            wrong.append(f"{clip_id}: {posts} calls, expected {row.posts}")
        if net != row.net:
            wrong.append(f"{clip_id}: {net} credits, expected {row.net}")
        found = _row(done, clip_id)
        if found.get("exit") not in _ENDS[row.end]:
            wrong.append(f"{clip_id}: exit {found.get('exit')}, expected {row.end}: {found}")
        if (clip_id in listed) != (row.end == "unknown"):
            said = "listed" if clip_id in listed else "not listed"
            wrong.append(f"{clip_id}: {said} as unknown")
    return wrong


def _meet_stopping(at: Desk, mode: str) -> list[str]:
    """Meet what ends a batch: one call, no credit, and the next clips are left alone."""
    ids = [f"{mode}.stop", f"fine.after-{mode}"]
    done = at.run(*at.fetch_words(ids, jobs=1, deadline=_DEADLINE))
    accounts = at.endpoint.accounts()
    wrong = []
    if (_posts(accounts, ids[0]), _net(accounts, ids[0])) != (1, 0):
        wrong.append(f"{ids[0]}: {accounts.get(ids[0])}, expected one call and no credit")
    if _posts(accounts, ids[1]):
        wrong.append(f"{mode}: the batch went on")
    if done.code != 3:
        wrong.append(f"{mode}: ended with {done.code}, expected 3")
    resumed = at.run(*at.fetch_words(ids[1:], jobs=1, deadline=_DEADLINE))
    if resumed.delivered != {ids[1]}:
        wrong.append(f"{mode}: could not be resumed: {resumed.err[-300:]!r}")
    return wrong


def _meet_unsent(at: Desk) -> list[str]:
    """Meet what never sends a byte: it ends, costs nothing, and leaves nothing unknown."""
    wrong = []
    base = at.endpoint.environment["MIDIKIT_BASE_URL"]
    for name, url in (
        ("refused", "http://127.0.0.1:9/api"),
        ("no TLS", base.replace("http", "https", 1)),
        ("no such host", "https://no-such-host.invalid/api"),
    ):
        clip_id = f"fine.{name.replace(' ', '-')}"
        at.variables["MIDIKIT_BASE_URL"] = url
        done = at.run(*at.fetch_words([clip_id], jobs=1, deadline=_DEADLINE))
        row = _row(done, clip_id)
        if row.get("exit") != 3 or row["error"]["type"] == _UNKNOWN:
            wrong.append(f"{name}: {row}")
        at.variables["MIDIKIT_BASE_URL"] = base
        done = at.run(*at.fetch_words([clip_id], jobs=1, deadline=_DEADLINE))
        if _posts(at.endpoint.accounts(), clip_id) != 1 or done.delivered != {clip_id}:
            wrong.append(f"{name}: not one call afterwards: {_row(done, clip_id)}")
    return wrong


def _row(done: Done, clip_id: str) -> dict[str, Any]:
    """Return what was printed of a clip."""
    return next((row for row in done.rows if row["clip_id"] == clip_id), {})


def _listed(done: Done) -> set[str]:
    """Return the clips that were listed as of unknown outcome."""
    rows = (row for row in done.rows if row.get("error"))
    return {row["clip_id"] for row in rows if row["error"]["type"] == _UNKNOWN}


def _posts(accounts: dict[str, Any], clip_id: str) -> int:
    return int(accounts.get(clip_id, {}).get("posts", 0))


def _net(accounts: dict[str, Any], clip_id: str) -> int:
    return int(accounts.get(clip_id, {}).get("net", 0))


def main(arguments: Sequence[str] | None = None) -> int:
    """Run it from the command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.net.faults", description=__doc__)
    parser.add_argument("--modes", help="comma-separated; all by default")
    parser.add_argument("--deadline", type=float, default=_DEADLINE)
    chosen = parser.parse_args(arguments)
    modes = chosen.modes.split(",") if chosen.modes else [*TABLE, *STOPPING]
    wrong: list[str] = []
    for repeat_charges in (True, False):
        wrong += measure(modes, repeat_charges=repeat_charges, deadline=chosen.deadline)
    return verdict({"faults": len(modes), "runs": 2, "violations": wrong})


if __name__ == "__main__":
    raise SystemExit(main())
