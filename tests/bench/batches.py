"""Measure batches: what a process pool costs over one process, and what memory a long stream takes.

    uv run python -m tests.bench.batches --songs 2000 --notes 500
    uv run python -m tests.bench.batches --commands --memory 2000,20000,100000

CPU time is that of this process and of all it started, user and system, starts included; every way
converts the same answers, files to files, one after the other in each round; the least of all
rounds counts. Peak memory is VmHWM of a fresh process and of the largest of its workers, with two
jobs; the answers are linked to their names and removed again as the stream goes. All files lie in
memory where there is such a folder (``--folder``): on a disk the journal of its file system takes
0.2 to 0.6 ms a file, now of one process, now of another, and more is seen of that than of us.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

import midikit as mk

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

__all__ = [
    "MARK",
    "Cost",
    "Peak",
    "command_cost",
    "commands",
    "cost",
    "costs",
    "peak",
    "write_answers",
]

MARK = 1.2
"""Most CPU time a song in a pool over that of one process, for chunks of 16 and more."""

GROWTH_MARK = 0.2
"""Most kB that the parent may keep of each song: its name, so that no two get the same one."""

WORKER_MARK = 1.1
"""Most memory of a worker over that with the shortest stream."""

_IN_MEMORY = Path("/dev/shm")
_DISTINCT = 60
_NAMES = ("Synth Voice", "Electric Bass", "Piano", "Strings", "Pad", "Guitar", "Drums", "Flute")


@dataclass(frozen=True, slots=True)
class Cost:
    """What a song costs, in microseconds of CPU time and of wall time."""

    cpu: float
    wall: float


@dataclass(frozen=True, slots=True)
class Peak:
    """The most memory that the first process and the largest of its workers took, in kB."""

    parent: int
    worker: int


def _use_memory(folder: Path | None) -> None:
    """Put temporary files into a folder, by default one that lies in memory, if there is one."""
    if folder is not None or os.access(_IN_MEMORY, os.W_OK):
        os.environ["TMPDIR"] = tempfile.tempdir = str(folder or _IN_MEMORY)


def write_answers(folder: Path, songs: int, notes: int) -> list[Path]:
    """Write answers; some 60 are different, the others links to them."""
    paths = [folder / f"{number:06d}.json" for number in range(songs)]
    for number, path in enumerate(paths):
        if number < _DISTINCT:
            path.write_bytes(_answer(np.random.default_rng(number), notes))
        else:
            os.link(paths[number % _DISTINCT], path)
    return paths


def _answer(rng: np.random.Generator, notes: int) -> bytes:
    """Make an answer of eight parts on the lattice of 1/192 s."""
    parts = []
    for name, share in zip(_NAMES, np.array_split(np.arange(notes), len(_NAMES)), strict=True):
        start = np.sort(rng.integers(0, 4 * notes, len(share))) / 192 * 24
        end = start + rng.choice([12, 23, 47, 96], len(share)) / 192
        pitch = rng.integers(36, 96, len(share))
        velocity = rng.integers(20, 128, len(share)) / 127
        rows = zip(start.tolist(), end.tolist(), pitch.tolist(), velocity.tolist(), strict=True)
        keys = ("start", "end", "pitch", "velocity")
        parts.append({"name": name, "notes": [dict(zip(keys, row, strict=True)) for row in rows]})
    return json.dumps({"code": 200, "data": {"instruments": parts}}).encode()


def _cpu_seconds() -> float:
    """Return the CPU time of this process and of those it started and has seen end."""
    own, others = (
        resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    )
    return own.ru_utime + own.ru_stime + others.ru_utime + others.ru_stime


def _timed(action: Callable[[], int]) -> Cost:
    """Measure something that returns how many songs it made."""
    cpu, wall = _cpu_seconds(), time.perf_counter()
    number = action()
    cpu, wall = _cpu_seconds() - cpu, time.perf_counter() - wall
    return Cost(cpu / number * 1e6, wall / number * 1e6)


def cost(paths: Sequence[Path], *, jobs: int, chunk: int | None) -> Cost:
    """Convert files with `midikit.convert_files` into a new folder."""
    with tempfile.TemporaryDirectory() as folder:

        def convert() -> int:
            made = mk.convert_files(paths, folder, jobs=jobs, chunk=chunk)
            return sum(one.path is not None for one in made)

        return _timed(convert)


def _least(ways: Mapping[str, Callable[[], Cost]], rounds: int) -> dict[str, Cost]:
    """Measure each way once a round; return the least of each."""
    seen: dict[str, list[Cost]] = {name: [] for name in ways}
    for _ in range(rounds):
        for name, way in ways.items():
            seen[name].append(way())
    return {
        name: Cost(min(one.cpu for one in rows), min(one.wall for one in rows))
        for name, rows in seen.items()
    }


def costs(
    songs: int = 2000, notes: int = 500, *, jobs: int = 2, rounds: int = 5
) -> dict[str, Cost]:
    """Measure one process against a pool with chunks of 1, 16, 64 and of its own choice."""
    with tempfile.TemporaryDirectory() as folder:
        paths = write_answers(Path(folder), songs, notes)
        cost(paths[:1], jobs=1, chunk=None)  # loads the modules
        ways = {"one process": partial(cost, paths, jobs=1, chunk=None)}
        for chunk in (1, 16, 64, None):
            name = f"pool, {'its own' if chunk is None else f'chunk {chunk}'}"
            ways[name] = partial(cost, paths, jobs=jobs, chunk=chunk)
        return _least(ways, rounds)


def command_cost(folder: Path, *words: str) -> Cost:
    """Run ``midikit convert`` on a folder, start included."""
    number = len(list(folder.iterdir()))
    with tempfile.TemporaryDirectory() as out:
        command = [sys.executable, "-m", "midikit", "convert", str(folder), "-o", out, "-q"]
        command += words

        def convert() -> int:
            subprocess.run(command, check=True)
            return number

        return _timed(convert)


def commands(
    songs: int = 300, notes: int = 500, *, jobs: int = 2, rounds: int = 3
) -> dict[str, Cost]:
    """Measure the command with one job and with more, with and without looking for beats."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_answers(folder, songs, notes)
        kinds = [
            (*words, "--jobs", str(n)) for words in ((), ("--tempo", "source")) for n in (1, jobs)
        ]
        ways = {
            " ".join(("convert", *words)): partial(command_cost, folder, *words) for words in kinds
        }
        return _least(ways, rounds)


def peak(songs: int, notes: int = 500, *, jobs: int = 2) -> Peak:
    """Convert a stream in a fresh process."""
    words = ["--peak", str(songs), "--notes", str(notes), "--jobs", str(jobs)]
    run = subprocess.run(
        [sys.executable, "-m", "tests.bench.batches", *words],
        check=True,
        capture_output=True,
        text=True,
    )
    return Peak(**json.loads(run.stdout))


def _own_peak(songs: int, notes: int, jobs: int) -> Peak:
    """Convert a stream in this process; what was converted is removed at once."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "in").mkdir()
        kinds = write_answers(folder, min(songs, _DISTINCT), notes)

        def stream() -> Iterator[Path]:
            for number in range(songs):
                path = folder / "in" / f"{number}.json"
                os.link(kinds[number % len(kinds)], path)
                yield path

        worker = 0
        made = mk.convert_files(stream(), folder / "out", jobs=jobs)
        for number, one in enumerate(made, 1):
            assert one.path is not None
            one.source.unlink()
            one.path.unlink()
            if number % 1000 == 0 or number == songs - 1:
                found = [_peak_of(child.pid) for child in multiprocessing.active_children()]
                worker = max([worker, *found])
        return Peak(_peak_of(os.getpid()), worker)


def _peak_of(pid: int | None) -> int:
    """Read the peak resident memory of a process in kB."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM"))


def _print_costs(title: str, rows: dict[str, Cost], pairs: int) -> None:
    """Print each way beside the first of its group."""
    print(title)
    for index, (name, one) in enumerate(rows.items()):
        first = list(rows.values())[index - index % pairs]
        ratio = one.cpu / first.cpu
        said = ""
        if index % pairs and not name.endswith("chunk 1"):
            said = f"  mark {MARK}: {'reached' if ratio <= MARK else 'MISSED'}"
        print(
            f"  {name:34} {one.cpu:8.0f} us CPU {one.wall:8.0f} us wall a song"
            f"  {ratio:5.2f} {one.wall / first.wall:5.2f}{said}"
        )


def _print_peaks(sizes: Sequence[int], notes: int, jobs: int) -> None:
    print(f"peak memory of a stream of answers of {notes} notes, {jobs} jobs")
    first: tuple[int, Peak] | None = None
    for songs in sizes:
        one = peak(songs, notes, jobs=jobs)
        before, least = first = first or (songs, one)
        kept = (one.parent - least.parent) / max(songs - before, 1)
        growth = one.worker / max(least.worker, 1)
        reached = kept <= GROWTH_MARK and growth <= WORKER_MARK
        print(
            f"  {songs:8,} songs  parent {one.parent / 1e3:6.1f} MB, {kept:5.2f} kB more a song"
            f"  worker {one.worker / 1e3:6.1f} MB {growth:5.2f}"
            f"  marks {GROWTH_MARK} kB, {WORKER_MARK}: {'reached' if reached else 'MISSED'}"
        )


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--songs", type=int, default=2000, help="answers to convert (2000)")
    parser.add_argument("--notes", type=int, default=500, help="notes of each (500)")
    parser.add_argument("--jobs", type=int, default=2, help="processes of the pool (2)")
    parser.add_argument("--rounds", type=int, default=5, help="times each way is tried (5)")
    parser.add_argument(
        "--commands", action="store_true", help="also midikit convert --jobs; minutes"
    )
    parser.add_argument("--memory", default="2000,20000", help="lengths of streams; empty: none")
    parser.add_argument("--peak", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--json", action="store_true", help="the first table alone, as JSON")
    parser.add_argument("--folder", type=Path, help="where all files lie (/dev/shm if it is there)")
    asked = parser.parse_args(arguments)
    _use_memory(asked.folder)
    if asked.peak is not None:
        one = _own_peak(asked.peak, asked.notes, asked.jobs)
        print(json.dumps({"parent": one.parent, "worker": one.worker}))
        return
    rows = costs(asked.songs, asked.notes, jobs=asked.jobs, rounds=asked.rounds)
    if asked.json:
        print(json.dumps({name: asdict(one) for name, one in rows.items()}))
        return
    title = f"{asked.songs:,} answers of {asked.notes} notes, files to files, {asked.jobs} jobs"
    _print_costs(f"convert_files: {title}; ratios to one process", rows, len(rows))
    if asked.commands:
        songs = max(2, asked.songs // 5)
        rows = commands(songs, asked.notes, jobs=asked.jobs, rounds=max(1, asked.rounds // 2))
        _print_costs(f"the command: {songs:,} answers; ratios to one job", rows, 2)
    if asked.memory:
        _print_peaks([int(one) for one in asked.memory.split(",")], asked.notes, asked.jobs)


if __name__ == "__main__":
    main()
