"""Look for bytes that hurt the parsers, guided by coverage, and for songs that do not come back.

    uv run --group fuzz python -m tests.fuzz midi --runs 10000000 --corpus corpus/midi
    uv run --group fuzz python -m tests.fuzz answers --runs 10000000 --corpus corpus/answers
    uv run python -m tests.fuzz songs --runs 10000
    uv run python -m tests.fuzz midi --replay fuzz-findings/midi-0-crash-…

`tests.fuzz.invariants` says what must hold of any bytes. Every execution checks the song or the
error; one in 128, chosen by a checksum of its bytes, also strict reading, the second way of
reading, a scanner of our own as oracle, and writing and reading again. A finding is saved, the
command that repeats it is printed, and the exit code is 1. A corpus that is kept is where the next
campaign goes on. `midi` and `answers` need atheris, so Linux or macOS and Python 3.11 to 3.13;
`songs` and ``--replay`` do not.
"""

from __future__ import annotations

import argparse
import importlib.util
import shlex
import signal
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from tests.fuzz.campaign import Campaign
from tests.fuzz.invariants import CHECKS
from tests.fuzz.songs import check_songs

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["main"]

_MAX_LEN = {"midi": 256, "answers": 512}
_FOREVER = 1 << 60


def main(arguments: Sequence[str] | None = None) -> int:
    """Read the options, look and say what was found."""
    parser = argparse.ArgumentParser(prog="tests.fuzz", description="Look for bytes that hurt.")
    add = parser.add_argument
    add("target", choices=[*CHECKS, "songs"])
    add("--runs", type=int, help="executions in all (100,000, or without end with --seconds)")
    add("--seconds", type=int, help="longest time to look")
    add("--seed", type=int, default=0, help="makes another campaign (0)")
    add("--corpus", type=Path, help="folder of inputs to go on from and to add to")
    add("--findings", type=Path, default=Path("fuzz-findings"), help="folder for what is found")
    add("--max-len", type=int, help="most bytes of an input (midi 256, answers 512)")
    add("--jobs", type=int, default=1, help="processes that share the executions (1)")
    add("--replay", type=Path, nargs="+", metavar="FILE", help="only check these inputs")
    options = parser.parse_args(arguments)
    if options.target == "songs":
        runs = options.runs or 10_000
        check_songs(runs, seed=options.seed)
        print(f"songs: {runs:,} written and read again, all the same")
        return 0
    if options.replay:
        return _replay(options.target, options.replay)
    if importlib.util.find_spec("atheris") is None:
        parser.error("no atheris; start it with: uv run --group fuzz python -m tests.fuzz …")
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)  # so that figures are printed
    if options.corpus is not None:
        return _fuzz(options, options.corpus)
    with tempfile.TemporaryDirectory() as folder:
        return _fuzz(options, Path(folder))


def _replay(target: str, paths: list[Path]) -> int:
    """Check files without a fuzzer; the first that breaks a promise ends in its traceback."""
    for path in paths:
        print(f"{path}: {CHECKS[target](path.read_bytes())!r}")
    return 0


def _fuzz(options: argparse.Namespace, corpus: Path) -> int:
    """Run a campaign and print its figures."""
    target = options.target
    outcome = Campaign(
        target,
        options.runs or (_FOREVER if options.seconds else 100_000),
        options.seconds,
        options.seed,
        corpus,
        options.findings,
        options.max_len or _MAX_LEN[target],
        options.jobs,
        lambda line: print(f"{target}: {line}", file=sys.stderr, flush=True),
    ).run()
    print(
        f"{target}: {outcome.executions:,} executions, {outcome.edges:,} edges, "
        f"{len(outcome.findings)} findings, {outcome.seconds:,.0f} s"
    )
    for path, words in outcome.findings:
        repeat = ["uv", "run", "python", "-m", "tests.fuzz", target, "--replay", str(path)]
        print(f"  {words}\n  {shlex.join(repeat)}")
    if outcome.problem:
        print(f"  {outcome.problem}", file=sys.stderr)
    return 1 if outcome.findings or outcome.problem else 0


if __name__ == "__main__":
    sys.exit(main())
