"""Bombs: small inputs, and options, that ask for more than there is.

    uv run python -m tests.bench.bombs
    uv run python -m tests.bench.bombs --only roll
    uv run python -m tests.bench.bombs --short

Each of `tests.bench.bomb_cases` runs in a process of its own that may ask for 256 MB of addresses,
after the same on a tiny song, so that imports and caches do not count; then each small file goes
through every command and target. Marks: a result or the documented error within 1 s and 64 MB; an
error of a limit says which it is and how to raise it. Exit code 1 if one is missed. Two minutes on
two cores.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from midikit.errors import LimitError, MidikitError
from tests.bench.bad_worst import BOMBS, answer_of
from tests.bench.bomb_cases import CASES
from tests.bench.fresh import ROOT, forget_peak, resident

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tests.bench.bomb_cases import Case

__all__ = ["TARGETS", "calls", "commands", "main"]

_SECONDS, _MEGABYTES = 1.0, 64.0
_ROOM = 1 << 28
_FINE = "fine"
TARGETS = ("mid", "csv", "notes.npz", "npz", "wav")
"""What a song can be converted to."""

_RUN = """
import json, resource, subprocess, sys, time
begin = time.perf_counter()
done = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
seconds = time.perf_counter() - begin
megabytes = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
print(json.dumps([seconds, megabytes, done.returncode, done.stderr.decode()]))
"""


class Cost(NamedTuple):
    """Seconds, megabytes over what was there, and what came of it."""

    seconds: float
    megabytes: float
    what: str


def calls(
    names: Sequence[str] | None = None, *, seconds: float = _SECONDS
) -> tuple[list[str], list[str]]:
    """Make calls that ask for too much.

    Parameters
    ----------
    names : sequence of str or None, optional
        Of `CASES`; None for all.
    seconds : float, optional
        Most that one may take.

    Returns
    -------
    lines, over : list of str
        A line each, and what is over its mark or ends otherwise than it should.
    """
    lines, over = [], []
    for name in CASES if names is None else names:
        cost = _called(CASES[name])
        lines.append(f"{name[:46]:46} {cost.seconds:5.2f} {cost.megabytes:5.0f}  {cost.what}")
        kind = cost.what.partition(":")[0]
        is_known = kind in CASES[name].ends and (kind != "LimitError" or _says_how(cost.what))
        if cost.seconds > seconds or cost.megabytes > _MEGABYTES or not is_known:
            over.append(lines[-1])
    return lines, over


def _says_how(message: str) -> bool:
    """Tell whether an error of a limit names an argument, or another way."""
    words = ("max_", "fs=", "ticks_per_quarter", "unpack it", "at most")
    return any(word in message for word in words)


def _called(case: Case) -> Cost:
    """Make one call in a forked child."""
    read, write = os.pipe()
    child = os.fork()
    if not child:
        try:
            os.write(write, json.dumps(_measured(case)).encode())
        finally:
            os._exit(0)
    os.close(write)
    with os.fdopen(read, "rb") as pipe:
        told = pipe.read()
    os.waitpid(child, 0)
    return Cost(*json.loads(told)) if told else Cost(float("inf"), float("inf"), "died")


def _measured(case: Case) -> Cost:
    """Make a call in this process, where there is little room."""
    with contextlib.suppress(MidikitError):
        case.usual()
    forget_peak()
    before = resident("VmRSS") or 0
    most = (resident("VmSize") or 1 << 31) + _ROOM
    resource.setrlimit(resource.RLIMIT_AS, (most, most))
    begin = time.perf_counter()
    try:
        case.bomb()
        what = _FINE
    except MidikitError as error:
        kind = LimitError if isinstance(error, LimitError) else type(error)
        what = f"{kind.__name__}: {error}"
    except BaseException as error:  # noqa: BLE001 - whatever it is, it is a finding
        what = f"raised {error!r}"
    seconds = time.perf_counter() - begin
    return Cost(seconds, ((resident("VmHWM") or 0) - before) / 1e6, what)


def _commands() -> Iterator[tuple[str, ...]]:
    """Give every command that takes a song."""
    yield ("inspect", "SONG", "--json")
    yield ("compare", "SONG", "SONG")
    for target in TARGETS:
        yield ("convert", "SONG", "-o", "out", "--force", "--to", target)
    for words in (
        ("--quantize", "1/16"),
        ("--bar-markers",),
        ("--tempo", "constant"),
        ("--tempo", "source"),
        ("--tempo", "source", "--quantize", "1/32"),
        ("--tempo", "1000", "--quantize", "1/32"),
        ("--tempo", "60000000"),
        ("--tempo", "3.6"),
        ("--to", "npz", "--fs", "1e9"),
    ):
        yield ("convert", "SONG", "-o", "out", "--force", *words)


def commands(limit: int | None = None, *, seconds: float = _SECONDS) -> tuple[list[str], list[str]]:
    """Put every small file through every command.

    Parameters
    ----------
    limit : int or None, optional
        The first so many commands; None for all.
    seconds : float, optional
        Most that one may take over what a tiny song takes.

    Returns
    -------
    lines, over : list of str
        As for `calls`; megabytes are over what a tiny song takes.
    """
    lines, over = [], []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        tiny = folder / "tiny.json"
        tiny.write_bytes(answer_of([{"start": 0, "end": 1, "pitch": 60, "velocity": 1}]))
        for words in list(_commands())[:limit]:
            usual = _command(words, tiny)
            for bomb, data in BOMBS.items():
                path = folder / bomb
                path.write_bytes(data)
                cost = _command(words, path)
                shown = " ".join(words[:1] + words[2:]).replace(" -o out --force", "")
                more = cost.megabytes - usual.megabytes
                lines.append(f"{shown[:36]:36} {bomb[:32]:32} {cost.seconds:5.2f} {more:5.0f}")
                slow = cost.seconds > usual.seconds + seconds
                if cost.what or slow or more > _MEGABYTES:
                    over.append(f"{shown}, {bomb}: {cost}, a tiny song {usual}")
    return lines, over


def _command(words: Sequence[str], song: Path) -> Cost:
    """Run a command; what is wrong with its end, in words."""
    typed = [str(song) if word == "SONG" else word for word in words]
    # From a small process: what a child begins with is what its parent had.
    done = subprocess.run(
        [sys.executable, "-c", _RUN, sys.executable, "-m", "midikit", *typed],
        cwd=song.parent,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        check=True,
    )
    seconds, megabytes, code, err = json.loads(done.stdout)
    lines = [line for line in err.splitlines() if line.startswith("Error")]
    fine = code in {0, 5} or (code in {1, 2} and len(lines) == 1 and "memory than" not in err)
    problem = "" if fine and "Traceback" not in err else f"exit code {code}: {err[-300:]}"
    return Cost(seconds, megabytes, problem)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run it from the command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.bombs", description=__doc__)
    parser.add_argument("--short", action="store_true", help="the first command alone")
    parser.add_argument("--only", metavar="WORD", help="calls with this in their name, no command")
    chosen = parser.parse_args(arguments)
    names = [name for name in CASES if chosen.only is None or chosen.only in name]
    lines, over = calls(names)
    print(f"{'calls':46} {'s':>5} {'MB':>5}", *(line[:160] for line in lines), sep="\n")
    if chosen.only is None:
        lines, more = commands(1 if chosen.short else None)
        print(f"\n{'commands':36} {'bomb':32} {'s':>5} {'MB':>5}", *lines, sep="\n")
        over += more
    print(f"\n{len(over)} over their marks", *over, sep="\n  ")
    return int(bool(over))


if __name__ == "__main__":
    raise SystemExit(main())
