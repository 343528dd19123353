"""Bad input: how long it takes and how much it needs at worst, and whether anything else is raised.

    uv run python -m tests.bench.bad_input
    uv run python -m tests.bench.bad_input --mutations 20000 --seed 7
    uv run python -m tests.bench.bad_input --files FOLDER

Every worst case of `tests.bench.bad_worst` is read in processes of its own at 64 KiB, 1 MiB and
2 MiB, and the processor time of the fastest of three taken; bombs have their own bench,
`tests.bench.bombs`. Mutations of sound and damaged files and answers are held to what
`tests.fuzz.invariants` asserts for any bytes.
A folder of .mid files may hold a ``manifest.jsonl`` with the `id`, `expect` and `notes` of each.
Marks: 64 KiB within 1 s and 64 MB, 2 MiB within 2 s and 200 MB, twice the size at most 2.6 times as
long. Exit code 1 if one is missed. A minute with 5,000 mutations of each kind.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import resource
import signal
import time
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import midikit as mk
from tests.bench.bad_worst import ANSWERS, FILES
from tests.fuzz.invariants import CHECKS, check_midi
from tests.fuzz.seeds import SEEDS, mutated

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["files", "main", "mutations", "worst"]

_SIZES = (1 << 16, 1 << 20, 1 << 21)
_MARKS = ((1.0, 64.0), (2.0, 200.0), (2.0, 200.0))
_RATIO = 2.6
_RATIO_FROM = 0.05
"""Seconds below which a ratio is that of the machine's noise."""

_RUNS = 3
_DEEP_EACH = 8
_HANGS = 30
"""Seconds after which reading is ended and told as a finding."""

_FIXTURES = Path(__file__).parents[2] / "fixtures"
_ADDRESS_SPACE = 1 << 31


class Cost(NamedTuple):
    """Processor seconds, megabytes over what was there, and what came of it."""

    seconds: float
    megabytes: float
    what: str


def _measured(work: Callable[[], str]) -> Cost:
    """Do something in a forked child."""
    read, write = os.pipe()
    child = os.fork()
    if not child:
        try:
            resource.setrlimit(resource.RLIMIT_AS, (_ADDRESS_SPACE, _ADDRESS_SPACE))
            before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
            begin = time.process_time()
            what = work()
            seconds = time.process_time() - begin
            more = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
            os.write(write, json.dumps([seconds, more, what]).encode())
        finally:
            os._exit(0)
    os.close(write)
    with os.fdopen(read, "rb") as pipe:
        told = pipe.read()
    os.waitpid(child, 0)
    return Cost(*json.loads(told)) if told else Cost(float("inf"), float("inf"), "died")


def _best_of(runs: int, work: Callable[[], str]) -> Cost:
    """Do something in several children: the shortest time, the most memory."""
    costs = [_measured(work) for _ in range(runs)]
    most = max(cost.megabytes for cost in costs)
    return Cost(min(cost.seconds for cost in costs), most, costs[0].what)


def _reading(read: Callable[[bytes], mk.Song], data: bytes) -> Callable[[], str]:
    """Say what comes of reading bytes."""

    def work() -> str:
        try:
            song = read(data)
        except mk.MidikitError as error:
            return f"refused: {error}"
        except BaseException as error:  # noqa: BLE001 - as above
            return f"RAISED {error!r}"
        faults = sum(row.count for row in song.repairs)
        return f"{song.note_count:,} notes, {faults:,} repairs"

    return work


def worst(sizes: Sequence[int] = _SIZES) -> tuple[list[str], list[str]]:
    """Read every worst case; lines of a table, and what is over its mark."""
    lines, over = [], []
    for kind, cases, read in (
        (".mid", FILES, mk.read_midi),
        ("answer", ANSWERS, mk.read_json),
    ):
        for name, make in cases.items():
            costs = [_best_of(_RUNS, _reading(read, make(size))) for size in sizes]
            shown = " ".join(f"{c.seconds:6.2f} {c.megabytes:5.0f}" for c in costs)
            lines.append(f"{kind:6} {name[:33]:33} {shown}  {costs[-1].what[:40]}")
            for size, cost, (seconds, megabytes) in zip(sizes, costs, _MARKS, strict=False):
                if cost.seconds > seconds or cost.megabytes > megabytes or "RAISED" in cost.what:
                    over.append(f"{kind} {name}, {size:,} bytes: {cost}")
            if len(costs) > 1 and costs[-1].seconds > _RATIO_FROM:
                ratio = costs[-1].seconds / costs[-2].seconds
                if ratio > _RATIO * sizes[-1] / sizes[-2] / 2:
                    over.append(f"{kind} {name}: {ratio:.2f} times as long for twice the size")
    return lines, over


def _songs() -> list[bytes]:
    """Return whole files as people have them."""
    with zipfile.ZipFile(_FIXTURES / "pop909" / "dev_midi.zip") as archive:
        names = [name for name in archive.namelist() if name.endswith(".mid")]
        return [archive.read(name) for name in names[:3]]


def _hangs(number: int, frame: object) -> None:
    raise TimeoutError


def mutations(number: int, seed: int) -> list[str]:
    """Read so many mutations of each kind; what does not hold, with the bytes."""
    chance = random.Random(seed)
    wrong = []
    signal.signal(signal.SIGALRM, _hangs)
    for kind, check in CHECKS.items():
        bases = [*filter(None, SEEDS[kind]()), *(_songs() if kind == "midi" else ())]
        for index in range(number):
            data = mutated(chance.choice(bases), chance)
            begin = time.perf_counter()
            signal.alarm(_HANGS)
            try:
                check(data, deep=index % _DEEP_EACH == 0)
            except Exception as error:  # noqa: BLE001 - whatever it is, it is a finding
                wrong.append(f"{kind}: {error!r} for {data.hex()}")
            signal.alarm(0)
            if time.perf_counter() - begin > 1.0 + len(data) / 2**16:
                wrong.append(f"{kind}: longer than a second for {data.hex()}")
    return wrong


def files(folder: Path) -> tuple[int, list[str]]:
    """Read a folder of .mid files: how many, and what does not hold or is not as expected."""
    wrong = []
    manifest = folder / "manifest.jsonl"
    rows = manifest.read_text().splitlines() if manifest.exists() else []
    expected = {row["id"]: row for row in map(json.loads, rows)}
    paths = sorted(folder.glob("*.mid"))
    for path in paths:
        cost = _measured(_reading(mk.read_midi, path.read_bytes()))
        if cost.seconds > 1.0 or cost.megabytes > 64.0 or "RAISED" in cost.what:
            wrong.append(f"{path.name}: {cost}")
        try:
            song = check_midi(path.read_bytes())
        except Exception as error:  # noqa: BLE001 - as above
            wrong.append(f"{path.name}: {error!r}")
            continue
        row = expected.get(path.stem, {"expect": "either"})
        notes = song.note_count if isinstance(song, mk.Song) else None
        less = row["expect"] == "recover" and (notes is None or notes < row["notes"])
        other = row["expect"] == "valid" and notes != row["notes"]
        if (
            less
            or other
            or (row["expect"] == "reject") != (notes is None) != (row["expect"] == "either")
        ):
            wrong.append(f"{path.name}: {notes} notes, expected {row['expect']} {row['notes']}")
    return len(paths), wrong


def main(arguments: Sequence[str] | None = None) -> int:
    """Run it from the command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.bad_input", description=__doc__)
    parser.add_argument("--mutations", type=int, default=5_000, metavar="N", help="of each kind")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--files", type=Path, metavar="FOLDER", help="read these .mid files alone")
    chosen = parser.parse_args(arguments)
    if chosen.files is not None:
        number, wrong = files(chosen.files)
        print(f"{number} files, {len(wrong)} not as promised", *wrong, sep="\n  ")
        return int(bool(wrong))
    print(f"{'':40} " + " ".join(f"{size >> 10:>6} KiB  " for size in _SIZES) + "(s, MB)")
    table, over = worst()
    print(*table, sep="\n")
    wrong = mutations(chosen.mutations, chosen.seed)
    print(
        f"\n2 x {chosen.mutations:,} mutations, {len(wrong)} not as promised",
        *wrong[:20],
        sep="\n  ",
    )
    print(f"{len(over)} over their marks", *over, sep="\n  ")
    return int(bool(over or wrong))


if __name__ == "__main__":
    raise SystemExit(main())
