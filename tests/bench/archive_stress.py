"""Break an archive in every way there is, and count what it loses, sells twice or does not notice.

    uv run python -m tests.bench.archive_stress --flips 500
    uv run python -m tests.bench.archive_stress --kills 200
    uv run python -m tests.bench.archive_stress --races 20 --limits 200 --speed 3000

Each part can be run as often as wanted, from any seed; the suite runs a short form of each. What a
part returns are the promises that were broken, in words: an empty list is what is wanted. Exit
code 1 says that there was one.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import random
import resource
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from midikit.errors import MidikitError
from midikit.fetch.archive import Record, Stored
from midikit.fetch.disk.sqlite import SqliteArchive

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

__all__ = ["flips", "kills", "limits", "main", "races", "speed"]

_CHILD_SECONDS = 60.0
_WINDOW = 48
_HELD = {"delivered", "unknown", "in flight"}

_DATABASE, _WAL, _LOG = "archive.sqlite3", "archive.sqlite3-wal", "intents.log"

Target = Literal["answer", "midi", "ledger", "log", "anywhere", "wal"]
_TARGETS: tuple[Target, ...] = ("answer", "midi", "ledger", "log", "anywhere", "wal")


def clip_of(number: int) -> str:
    """Name a clip."""
    return f"{number:08x}-a550-47d9-bfd2-6640a4025acc"


def body_of(number: int, size: int = 9_000) -> bytes:
    """Make an answer by chance, always the same for a clip."""
    return random.Random(number).randbytes(size)


def fill(home: Path, clips: int) -> tuple[dict[str, Stored], dict[str, bytes]]:
    """Make an archive with a clip of every kind.

    Return what is in it, as it has to be read, and its files as a killed process leaves them.
    """
    with SqliteArchive(home) as archive:
        for number in range(clips):
            clip_id = clip_of(number)
            archive.reserve(clip_id)
            record = Record(clip_id, "delivered", calls=1, sent=1e9 + number, source="call")
            if number % 8 < 4:
                archive.store(record, answer=body_of(number))
                if number % 2:
                    midi = body_of(number + 10_000, 3_000)
                    archive.store(replace(record, midi_origin="hosted"), midi=midi)
            elif number % 8 == 4:
                problem = "no answer in time"
                unknown = replace(record, state="unknown", source="", problem=problem)
                archive.store(unknown, fragment=body_of(number, 500))
            elif number % 8 == 5:
                archive.store(replace(record, state="failed", source="", problem="task not found."))
            elif number % 8 == 6:
                archive.store(replace(record, state="running", source=""))
        left = _files(home)
    with SqliteArchive(home) as archive:
        found = {clip_of(number): archive.load(clip_of(number)) for number in range(clips)}
    return {clip_id: stored for clip_id, stored in found.items() if stored is not None}, left


def _files(home: Path) -> dict[str, bytes]:
    names = [home / name for name in (_DATABASE, _WAL, _LOG)]
    return {path.name: path.read_bytes() for path in names if path.exists()}


def flips(number: int, folder: Path, *, seed: int = 0, clips: int = 48) -> list[str]:
    """Flip one bit of a closed archive, many times over; return the promises that were broken.

    Whatever is read afterwards is what was stored, or an error. No clip is taken for one that was
    never seen, and none that may have been paid for is bought. A bit of an answer, a .mid or a row
    is always noticed by verify.
    """
    chance = random.Random(seed)
    whole, hurt = folder / "whole", folder / "hurt"
    expected, left = fill(whole, clips)
    closed = _files(whole)
    broken = []
    for flip in range(number):
        target = _TARGETS[flip % len(_TARGETS)]
        files = left if target == "wal" else closed
        name = {"log": _LOG, "wal": _WAL}.get(target, _DATABASE)
        position = _position(chance, target, expected, files[name])
        bit = 1 << chance.randrange(8)
        shutil.rmtree(hurt, ignore_errors=True)
        hurt.mkdir(mode=0o700)
        for kept, data in files.items():
            (hurt / kept).write_bytes(data)
        changed = bytearray(files[name])
        changed[position] ^= bit
        (hurt / name).write_bytes(changed)
        where = f"flip {flip} of {target}: bit {bit} of byte {position} of {len(changed)}"
        broken += [f"{where}: {problem}" for problem in _look(hurt, expected, target)]
    return broken


def _position(
    chance: random.Random, target: Target, expected: dict[str, Stored], data: bytes
) -> int:
    """Choose a byte of what is to be hurt."""
    if target in {"log", "anywhere", "wal"}:
        return chance.randrange(len(data))
    while True:
        one = chance.choice(list(expected.values()))
        if target == "ledger":
            # The key of a row, its record and its digest lie together.
            start = data.find(b'{"clip_id":"' + one.record.clip_id.encode())
            return start - 36 + chance.randrange(36 + 32 + 100)
        whole = one.answer if target == "answer" else one.midi
        if whole is None:
            continue
        offset = chance.randrange(len(whole) - _WINDOW)
        start = data.find(whole[offset : offset + _WINDOW])
        if start >= 0:  # else it lies across two pages
            return start + chance.randrange(_WINDOW)


def _look(home: Path, expected: dict[str, Stored], target: Target) -> Iterator[str]:
    """Read everything, then ask to pay for everything; yield what should not be."""
    with SqliteArchive(home) as archive:
        damage = archive.verify().damage
        noticed = [bool(damage)]
        named = {one.clip_id for one in damage}
        for clip_id, was in expected.items():
            try:
                found = archive.load(clip_id)
            except MidikitError:
                noticed.append(True)
                continue
            noticed.append(found != was)
            if not _is_same(found, was, target):
                yield f"{clip_id} is read as something else"
            lost = was.midi is not None and (found is None or found.midi is None)
            if lost and clip_id not in named:
                yield f"{clip_id} has lost its .mid, and verify does not tell"
        if not any(noticed) and target not in {"anywhere", "wal"}:
            yield "nothing was noticed"
        for clip_id, was in expected.items():
            with contextlib.suppress(MidikitError):
                reserved = archive.reserve(clip_id)
                if reserved.record is None:
                    yield f"{clip_id} would be bought as one that was never seen"
                elif reserved.granted and was.record.state in _HELD:
                    yield f"{clip_id}, {was.record.state}, would be bought again"


def _is_same(found: Stored | None, was: Stored, target: Target) -> bool:
    """Tell whether what was read is what was stored, or says what it lacks."""
    if found is None:
        return False
    if found.damage is not None:
        return replace(found, midi=was.midi, damage=None) == was
    if target == "wal" and found != was:
        # The end of the log of a killed process is gone: the outcome of a call, not that it was
        # sent; or a .mid, which is free and told by verify, not its answer.
        return found.record.state == "unknown" or found.answer == was.answer is not None
    return found == was


def kills(rounds: int, folder: Path, *, seed: int = 0, jobs: int = 32) -> list[str]:
    """Kill a process with `jobs` threads that store, again and again; return what was lost."""
    chance = random.Random(seed)
    home = folder / "home"
    broken = []
    sent: set[str] = set()
    kept: dict[str, int] = {}
    for number in range(rounds):
        words = ["--child", "store", str(home), str(number * 100_000), str(jobs)]
        with _start(words) as child:
            assert child.stdout is not None
            lines = [child.stdout.readline()]
            timer = threading.Timer(chance.uniform(0.0, 0.25), child.kill)
            timer.start()
            lines += child.stdout.readlines()
            timer.join()
        for line in lines:
            event, _, rest = line.strip().partition(" ")
            if event == "sent" and rest.isdecimal() and line.endswith("\n"):
                sent.add(rest)
            elif event == "kept" and rest.isdecimal() and line.endswith("\n"):
                kept[rest] = int(rest)
        with SqliteArchive(home) as archive:
            broken += [f"round {number}: {what}" for what in archive.verify().damage]
            for text in sent:
                stored = archive.load(clip_of(int(text)))
                if stored is None or stored.record.state not in {"unknown", "delivered"}:
                    broken.append(f"round {number}: {text} was sent, and the ledger has {stored}")
                elif text in kept and stored.answer != body_of(int(text)):
                    broken.append(f"round {number}: the answer of {text} is lost")
                elif archive.reserve(clip_of(int(text))).granted:
                    broken.append(f"round {number}: {text} would be paid for again")
        sent.clear()
    if not kept:
        broken.append("nothing was ever kept: the kills came too soon")
    return broken


def races(rounds: int, folder: Path, *, clips: int = 100) -> list[str]:
    """Let two processes of 8 threads reserve the same clips; return those not granted once."""
    broken = []
    for number in range(rounds):
        home = folder / f"race-{number}"
        begin = str(time.time() + 1.0)
        words = ["--child", "race", str(home), begin, str(clips)]
        children = [_start(words) for _ in range(2)]
        outs = [child.communicate(timeout=_CHILD_SECONDS)[0].split() for child in children]
        if any(child.returncode for child in children):
            broken.append(f"race {number}: a process did not get to its end")
        for index in range(clips):
            times = sum(out.count(str(index)) for out in outs)
            if times != 1:
                broken.append(f"race {number}: clip {index} was granted {times} times")
    return broken


def limits(rounds: int, folder: Path, *, seed: int = 0) -> list[str]:
    """Let files grow to a limit only, as on a full disk; return what was kept and is not."""
    chance = random.Random(seed)
    broken = []
    for number in range(rounds):
        home = folder / f"limit-{number}"
        most = chance.randrange(0, 600_000)
        child = _start(["--child", "limit", str(home), str(most)])
        out, _ = child.communicate(timeout=_CHILD_SECONDS)
        if child.returncode or "other" in out:
            broken.append(f"limit {most}: {out[-500:]}")
        with SqliteArchive(home) as archive:
            for line in out.splitlines():
                event, _, rest = line.partition(" ")
                stored = archive.load(clip_of(int(rest))) if rest.isdecimal() else None
                if event == "kept" and (stored is None or stored.answer != body_of(int(rest))):
                    broken.append(f"limit {most}: the answer of {rest} is lost")
                if event == "sent" and (stored is None or stored.record.state not in _HELD):
                    broken.append(f"limit {most}: {rest} was sent and the ledger has {stored}")
            broken += [f"limit {most}: {what}" for what in archive.verify().damage]
        shutil.rmtree(home, ignore_errors=True)
    return broken


def speed(clips: int, folder: Path, *, jobs: int = 64, size: int = 40_000) -> dict[str, float]:
    """Measure clips a second (reserve, answer, .mid), opening, and the memory of all that."""
    home = folder / "speed"
    body, midi = random.randbytes(size), random.randbytes(size // 3)
    archive = SqliteArchive(home)
    numbers = iter(range(clips))

    def work() -> None:
        for number in numbers:  # shared: one after the other takes the next
            clip_id = clip_of(number)
            archive.load(clip_id)
            archive.reserve(clip_id)
            record = Record(clip_id, "delivered", calls=1, sent=time.time(), source="call")
            archive.store(record, answer=body)
            archive.store(replace(record, midi_origin="hosted"), midi=midi)

    begun = time.perf_counter()
    with ThreadPoolExecutor(jobs) as pool:
        for future in [pool.submit(work) for _ in range(jobs)]:
            future.result()
    rate = clips / (time.perf_counter() - begun)
    archive.close()
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    begun = time.perf_counter()
    with SqliteArchive(home) as again:
        again.reserve("the-first-one")
        opening = time.perf_counter() - begun
        begun = time.perf_counter()
        again.verify()
        verifying = time.perf_counter() - begun
    return {
        "clips a second": rate,
        "seconds to the first grant": opening,
        "seconds to verify": verifying,
        "MB of memory": memory,
    }


def _start(words: Sequence[str]) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "tests.bench.archive_stress", *words]
    root = Path(__file__).parent.parent.parent
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=root)


def _say(text: str) -> None:
    os.write(1, f"{text}\n".encode())


def _store(home: str, first: str, jobs: str) -> None:
    """Store answers until killed, saying each step once it is durable."""
    archive = SqliteArchive(home)
    numbers = iter(range(int(first), int(first) + 100_000))

    def work() -> None:
        for number in numbers:
            archive.reserve(clip_of(number))
            _say(f"sent {number}")
            record = Record(clip_of(number), "delivered", calls=1, sent=time.time())
            archive.store(record, answer=body_of(number))
            _say(f"kept {number}")

    with ThreadPoolExecutor(int(jobs)) as pool:
        for _ in range(int(jobs)):
            pool.submit(work)


def _race(home: str, begin: str, clips: str) -> None:
    """Reserve every clip from 8 threads at once, saying which were granted."""
    with SqliteArchive(home) as archive:

        def work(seed: int) -> None:
            numbers = list(range(int(clips)))
            random.Random(seed).shuffle(numbers)
            for number in numbers:
                if archive.reserve(clip_of(number)).granted:
                    _say(str(number))

        time.sleep(max(0.0, float(begin) - time.time()))
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(work, range(8)))
        time.sleep(0.5)  # alive while the other one asks: what it holds is held


def _limit(home: str, most: str) -> None:
    """Store until files may grow no further, saying what is durable."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(most), int(most)))
    archive = SqliteArchive(home)
    try:
        for number in range(60):
            archive.reserve(clip_of(number))
            _say(f"sent {number}")
            record = Record(clip_of(number), "delivered", calls=1, sent=time.time())
            archive.store(record, answer=body_of(number))
            _say(f"kept {number}")
    except MidikitError as error:
        _say(f"said {error}")
    except BaseException as error:  # noqa: BLE001 - it is told, and counts as broken
        _say(f"other {error!r}")
    archive.close()


_CHILDREN: dict[str, Callable[..., None]] = {"store": _store, "race": _race, "limit": _limit}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what is asked for and print what was broken."""
    words = sys.argv[1:] if arguments is None else list(arguments)
    if words[:1] == ["--child"]:
        _CHILDREN[words[1]](*words[2:])
        return 0
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parts: dict[str, Callable[..., list[str]]] = {"flips": flips, "kills": kills, "limits": limits}
    for name in (*parts, "races", "speed"):
        parser.add_argument(f"--{name}", type=int, default=0, metavar="N")
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args(words)
    broken: list[str] = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for part, run in parts.items():
            if number := getattr(asked, part):
                begun = time.perf_counter()
                found = run(number, folder, seed=asked.seed)
                took = time.perf_counter() - begun
                print(f"{number:,} {part}: {len(found):,} promises broken, {took:.1f} s")
                broken += found
        if asked.races:
            found = races(asked.races, folder)
            print(f"{asked.races:,} races: {len(found):,} promises broken")
            broken += found
        if asked.speed:
            for what, value in speed(asked.speed, folder).items():
                print(f"{what}: {value:,.2f}")
    for line in broken[:50]:
        print(line)
    return int(bool(broken))


if __name__ == "__main__":
    sys.exit(main())
