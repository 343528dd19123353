"""Measure speed and memory beside other libraries and beside the marks.

    uv run python -m tests.bench
    uv run python -m tests.bench --steps json,convert --sizes 2000,10000 --json

All candidates of a figure run in turns in one process, and the fastest run of each counts; their
results are held against each other first. Songs are made by chance from a seed (see
`tests.bench.speed_songs`), real files are those of ``fixtures/pop909/dev_midi.zip``. Exit code 1
says that results disagree, not that a mark is missed. Three minutes on two cores.
"""

from __future__ import annotations

import argparse
import json
import platform
import sys
import textwrap
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.bench.speed_costs import batch, growth, memory, startup
from tests.bench.speed_steps import REAL_FILES, STEPS, DisagreementError, Scale, read_archive

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from tests.bench.speed_steps import Row

__all__ = ["main"]

_SIZES = (200, 2_000, 10_000, 50_000)
_SHORT = (200, 2_000)
_MANY = (2_000, 10_000, 50_000, 500_000)
_FEW = (500, 1_000)
"""Sizes at which growth is measured: the last beside the one before it."""

_COSTS = ("memory", "growth", "batch", "startup")
_LIBRARIES = ("numpy", "msgspec", "orjson", "symusic", "mido", "pretty_midi", "mir_eval")


def _machine() -> dict[str, str]:
    """Say where this runs and with what."""
    processor = platform.machine()
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        processor = next(line.split(":")[1].strip() for line in lines if "model name" in line)
    except (OSError, StopIteration):
        pass
    found = {"processor": processor, "python": platform.python_version()}
    return found | {name: version(name) for name in _LIBRARIES}


def _line(row: Row) -> str:
    """Put a row in a line of 80 columns."""
    ours, theirs = (
        "" if seconds is None else f"{seconds * 1e3:.2f}" for seconds in (row.ours, row.theirs)
    )
    mark = ""
    if row.mark is not None:
        held, broken = ("<=", ">") if row.at_most else (">=", "<")
        mark = f" {held} {row.mark:g}" if row.is_reached else f" {broken} {row.mark:g} *"
    place = f"{row.step:<18} {row.size:>12} "
    value = f"{row.value:.2f}" if row.value < 100 else f"{row.value:.0f}"
    if ours or theirs:
        return f"{place}{row.beside:<18}{ours:>7}{theirs:>8}{value:>6}{mark}".rstrip()
    return f"{place}{row.beside:<33}{value:>6}{mark}".rstrip()


def _rows(options: argparse.Namespace) -> Iterator[Row]:
    """Measure one figure after another."""
    short = options.short
    files = read_archive(options.files, 3 if short else None)
    scale = Scale(tuple(options.sizes), options.rounds, 0.0 if short else 20.0, files, options.seed)
    costs: dict[str, Callable[[], Iterator[Row]]] = {
        "memory": lambda: memory(2_000 if short else 50_000),
        "growth": lambda: growth(_FEW, steps=["read_json"]) if short else growth(_MANY),
        "batch": lambda: batch(songs=40, rounds=1) if short else batch(),
        "startup": lambda: startup(rounds=1 if short else 10),
    }
    for name in options.steps:
        yield from STEPS[name](scale) if name in STEPS else costs[name]()


def _words(text: str) -> list[str]:
    known = (*STEPS, *_COSTS)
    words = text.split(",")
    for word in words:
        if word not in known:
            raise argparse.ArgumentTypeError(f"{word!r}; expected {', '.join(known)}")
    return words


def _numbers(text: str) -> list[int]:
    words = text.split(",")
    for word in words:
        if not (word.isdecimal() and int(word) >= 100):
            raise argparse.ArgumentTypeError(f"{word!r}; expected numbers of notes from 100")
    return [int(word) for word in words]


def main(arguments: Sequence[str] | None = None) -> int:
    """Read the options, measure and print."""
    summary = "Measure speed and memory beside other libraries."
    parser = argparse.ArgumentParser(prog="tests.bench", description=summary)
    add = parser.add_argument
    everything = [*STEPS, *_COSTS]
    add("--steps", type=_words, default=everything, help=f"all by default: {', '.join(everything)}")
    add("--sizes", type=_numbers, help="notes of the songs: " + ",".join(map(str, _SIZES)))
    add("--rounds", type=int, help="least number of rounds (9)")
    add("--seed", type=int, default=0, help="makes other songs (0)")
    add("--files", type=Path, default=REAL_FILES, help="a zip of .mid files to read")
    add("--short", action="store_true", help="only see that everything runs")
    add("--json", action="store_true", help="one JSON object")
    options = parser.parse_args(arguments)
    options.sizes = options.sizes or list(_SHORT if options.short else _SIZES)
    options.rounds = options.rounds or (1 if options.short else 9)
    if not options.files.is_file():
        parser.error(f"--files {options.files}: no such file")
    machine = _machine()
    if not options.json:
        words = ", ".join(f"{name} {value}" for name, value in machine.items())
        print(textwrap.fill(words, 80))
        print("ratio: our time over theirs, where a mark is a least one theirs over ours")
        print("ours, theirs: ms of the fastest run; *: the mark is missed\n")
        head = f"{'step':<18} {'notes':>12} {'beside':<18}{'ours':>7}{'theirs':>8}{'ratio':>6}"
        print(head, "mark")
    rows: list[dict[str, Any]] = []
    missed = 0
    try:
        for row in _rows(options):
            rows.append(asdict(row) | {"is_reached": row.is_reached})
            missed += row.is_reached is False
            if not options.json:
                print(_line(row), flush=True)
    except DisagreementError as error:
        print(f"results disagree: {error}", file=sys.stderr)
        return 1
    if options.json:
        print(json.dumps({"machine": machine, "is_short": options.short, "rows": rows}))
    elif options.short:
        print("\nthe short form shows that everything runs; its figures mean nothing")
    else:
        marked = sum(row["mark"] is not None for row in rows)
        print(f"\n{marked - missed} of {marked} marks reached")
    return 0


if __name__ == "__main__":
    sys.exit(main())
