"""Look for the token everywhere it must not be.

    python -m tests.bench.net.leaks

More than forty scenarios, each at the highest verbosity: the command line with ``--debug``, and a
program that logs everything at DEBUG, prints tracebacks with their local variables, and pickles
what it gets. What is searched: both streams, every file the run left, the command lines of the
process while it ran, and all that the host of the .mid and the canary saw; for the token as it is,
in base64 and hex, and for its last 8 characters. Exit code 1 at any hit. Two minutes.
"""

from __future__ import annotations

import argparse
import base64
import json
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.bench.net.fetching import Desk, Running, desk, verdict
from tests.bench.net.serving import TOKEN, serving

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = ["SCENARIOS", "Scenario", "hits", "main", "measure", "needles"]

_PROGRAM = Path(__file__).with_name("verbose.py")
_DEADLINE = 4.0
_BOTH_WAYS = ("fine", "500", "echo-400", "echo-401", "echo-500", "echo-name", "url-echo", "bomb")


@dataclass(frozen=True)
class Scenario:
    """Clips to fetch, how, and with what in the environment."""

    name: str
    clips: tuple[str, ...]
    by: str = "command"
    words: tuple[str, ...] = ()
    variables: dict[str, str] = field(default_factory=dict)
    interrupted: bool = False


def _scenarios() -> Iterator[Scenario]:
    modes = (
        *("fine", "400", "401", "403-credits", "429-day", "500", "504-refunded_forever"),
        *("timeout-charged", "reset-charged", "cut-body", "html-200", "running_forever"),
        *("echo-400", "echo-401", "echo-500", "echo-html", "echo-name", "url-echo"),
        *("mid-404", "mid-to-canary", "url-canary", "redirect-307", "bomb", "mid-loop"),
    )
    ways = ("command", "program")
    for number, mode in enumerate(modes):
        yield Scenario(f"{mode} by {ways[number % 2]}", (f"{mode}.clip",), ways[number % 2])
        if mode in _BOTH_WAYS:
            yield Scenario(
                f"{mode} by {ways[number % 2 - 1]}", (f"{mode}.clip",), ways[number % 2 - 1]
            )
    together = tuple(f"{mode}.clip" for mode in ("fine", "500", "echo-400", "url-echo", "cut-body"))
    yield Scenario("all at once by async", together, "async")
    yield Scenario("echo-401 by async", ("echo-401.clip",), "async")
    clip = ("fine.clip",)
    for name, token in (
        ("a line break after it", f"{TOKEN}\n"),
        ("a line break in it", f"{TOKEN}\r\nX-Injected: 1"),
        ("a space in it", f"{TOKEN} {TOKEN}"),
        ("another script in it", f"{TOKEN}\u00e9"),
    ):
        yield Scenario(name, clip, "program", variables={"MIDIKIT_TOKEN": token})
    with_token = f"https://{TOKEN}@127.0.0.1:1/x"
    yield Scenario("in the base URL", clip, variables={"MIDIKIT_BASE_URL": with_token})
    plain = "http://192.0.2.1/x"
    yield Scenario("a base by plain http", clip, variables={"MIDIKIT_BASE_URL": plain})
    refused = "http://127.0.0.1:9/x"
    yield Scenario("a base that refuses", clip, "program", variables={"MIDIKIT_BASE_URL": refused})
    yield Scenario("a dry run", clip, words=("--dry-run",))
    yield Scenario("interrupted", ("slow.a", "timeout-charged.b"), interrupted=True)
    yield Scenario("doctor", (), "doctor")
    yield Scenario("a batch", tuple(f"flaky.{number}" for number in range(30)))


SCENARIOS: tuple[Scenario, ...] = tuple(_scenarios())
"""What is tried, in order."""


def needles(token: str = TOKEN) -> dict[str, bytes]:
    """Give every form of the token that is searched for, by name."""
    raw = token.encode()
    found = {"as it is": raw, "its last 8 characters": raw[-8:], "hex": raw.hex().encode()}
    for shift in range(3):
        # Base64 writes three bytes in four characters: it depends on what stands before.
        whole = base64.b64encode(b"\0" * shift + raw)
        found[f"base64, {shift} before"] = whole[(shift * 8 + 5) // 6 : len(whole) // 4 * 4 - 4]
    return found


def hits(found: dict[str, bytes]) -> list[str]:
    """Search bytes for every form of the token; what is where."""
    forms = needles().items()
    return [
        f"{name} in {place}"
        for place, data in found.items()
        for name, needle in forms
        if needle in data
    ]


def measure(scenarios: Sequence[Scenario] = SCENARIOS) -> dict[str, Any]:
    """Try all; figures, with ``violations`` in words."""
    wrong: list[str] = []
    searched = 0
    for scenario in scenarios:
        # A service of its own for each, so that what its hosts saw is known to be of this one.
        with serving() as endpoint, desk(endpoint, **scenario.variables) as at:
            found = _play(at, scenario)
            books = endpoint.ledger()
            found["the host of the .mid"] = json.dumps(books["hosted"]).encode()
            found["the canary"] = json.dumps(books["canary"]).encode()
            for path in at.folder.rglob("*"):
                if path.is_file():
                    found[str(path.relative_to(at.folder))] = path.read_bytes()
                found.setdefault("names of files", b"")
                found["names of files"] += str(path).encode() + b"\n"
        searched += sum(map(len, found.values()))
        wrong += [f"{scenario.name}: {hit}" for hit in hits(found)]
        authorized = [visit for visit in books["hosted"] if _is_authorized(visit)]
        if authorized or books["canary"]:
            wrong.append(f"{scenario.name}: {authorized + books['canary']}")
    return {"scenarios": len(scenarios), "bytes_searched": searched, "violations": wrong}


def _play(at: Desk, scenario: Scenario) -> dict[str, bytes]:
    """Run one; its streams and command lines by place."""
    if scenario.by in {"program", "async"}:
        # -P: the folder of the program holds a module named as one of the standard library.
        command = [
            sys.executable,
            "-P",
            str(_PROGRAM),
            scenario.by,
            f"{_DEADLINE:g}",
            *scenario.clips,
        ]
        running = Running(command, at.environment(), at.folder)
    elif scenario.by == "doctor":
        running = at.start("doctor", "--debug")
    else:
        words = [*scenario.clips, "--debug", "--jobs", "2", "--deadline", f"{_DEADLINE:g}"]
        running = at.start("fetch", *words, "-o", "out", *scenario.words)
    if scenario.interrupted:
        while running.process.poll() is None and not at.endpoint.ledger()["totals"]["posts"]:
            time.sleep(0.02)
        running.interrupt()
    done = running.wait(60.0)
    assert done.lines, "no command line was seen"
    lines = b"\n".join(done.lines)
    return {"stdout": done.out, "stderr": done.err, "the command line": lines}


def _is_authorized(visit: dict[str, Any]) -> bool:
    """Tell whether a visit carried what only the service may see."""
    return any(name in {"authorization", "cookie"} for name, _ in visit["headers"])


def main(arguments: Sequence[str] | None = None) -> int:
    """Run it from the command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.net.leaks", description=__doc__)
    parser.parse_args(arguments)
    figures = measure()
    return verdict(figures)


if __name__ == "__main__":
    raise SystemExit(main())
