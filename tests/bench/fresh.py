"""One step in a process of its own: how far its memory rose, and how long it took.

    python -m tests.bench.fresh STEP FILE RUNS

prints one JSON object: `bytes`, by how much the first run raised the peak of resident memory over
what was there before (null where the system does not tell), and `seconds` of the fastest run. The
step has run on a tiny song before, so that imports and caches do not count.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import json
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["ROOT", "STEPS", "Cost", "forget_peak", "measure", "resident"]

ROOT = Path(__file__).parents[2]
_TINY = (
    b'{"code":200,"data":{"instruments":[{"name":"Koto","notes":['
    b'{"end":1,"pitch":60,"start":0.5,"velocity":0.5},'
    b'{"end":2,"pitch":62,"start":1.5,"velocity":0.5}]}]}}'
)


class Cost(NamedTuple):
    """What a step took: bytes (None where the system does not tell) and seconds."""

    bytes: int | None
    seconds: float


def measure(step: str, file: Path, *, runs: int = 1) -> Cost:
    """Run a step in a fresh process.

    Parameters
    ----------
    step : str
        One of `STEPS`.
    file : Path
        The JSON of an answer.
    runs : int, optional
        How often; memory is that of the first.

    Returns
    -------
    Cost
        Its memory and its time.
    """
    words = [sys.executable, "-m", "tests.bench.fresh", step, str(file), str(runs)]
    done = subprocess.run(words, cwd=ROOT, check=True, capture_output=True, text=True)
    return Cost(**json.loads(done.stdout))


def _orjson(answer: bytes) -> Callable[[], Any]:
    import orjson

    return lambda: orjson.loads(answer)


def _read_json(answer: bytes) -> Callable[[], Any]:
    import midikit as mk

    return lambda: mk.read_json(answer)


def _convert(answer: bytes) -> Callable[[], Any]:
    import midikit as mk

    return lambda: mk.to_midi(mk.read_json(answer))


def _with_song(function: Callable[[Any], Any]) -> Callable[[bytes], Callable[[], Any]]:
    """Make a step of a function of a song."""

    def step(answer: bytes) -> Callable[[], Any]:
        import midikit as mk

        song = mk.read_json(answer)
        return lambda: function(song)

    return step


def _read_midi(answer: bytes) -> Callable[[], Any]:
    import midikit as mk

    data = mk.to_midi(mk.read_json(answer))
    return lambda: mk.read_midi(data)


def _pianoroll(song: Any) -> Any:
    import midikit as mk

    return mk.pianoroll(song, fs=100.0)


def _to_midi(song: Any) -> Any:
    import midikit as mk

    return mk.to_midi(song)


def _compare(song: Any) -> Any:
    import midikit as mk

    return mk.compare(song, song)


def _quantize(song: Any) -> Any:
    import midikit as mk

    return mk.quantize(song, mk.BeatGrid.constant(120.0), division="1/16")


def _estimate(song: Any) -> Any:
    import midikit as mk

    return mk.estimate_beats(song)


def _to_csv(song: Any) -> Any:
    from midikit import convert

    return convert.to_csv(song)


STEPS: dict[str, Callable[[bytes], Callable[[], Any]]] = {
    "orjson.loads": _orjson,
    "read_json": _read_json,
    "JSON -> .mid": _convert,
    "to_midi": _with_song(_to_midi),
    "read_midi": _read_midi,
    "pianoroll": _with_song(_pianoroll),
    "compare": _with_song(_compare),
    "quantize": _with_song(_quantize),
    "estimate_beats": _with_song(_estimate),
    "to_csv": _with_song(_to_csv),
}


def resident(name: str) -> int | None:
    """Read a figure of this process's memory, in bytes."""
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
    except OSError:
        return None
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(name))


def forget_peak() -> bool:
    """Set the peak of resident memory back to what is resident now.

    What the set-up freed goes back to the system first: a small song would live off it for nothing.
    """
    gc.collect()
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)
    try:
        Path("/proc/self/clear_refs").write_text("5")
    except OSError:
        return False
    return True


def _main(step: str, file: str, runs: str) -> None:
    answer = Path(file).read_bytes()
    STEPS[step](_TINY)()
    run = STEPS[step](answer)
    before = resident("VmRSS") if forget_peak() else None
    best, peak = float("inf"), None
    for _ in range(int(runs)):
        start = time.perf_counter()
        kept = run()
        best = min(best, time.perf_counter() - start)
        peak = resident("VmHWM") if peak is None else peak
        del kept
    grown = None if before is None or peak is None else max(0, peak - before)
    print(json.dumps({"bytes": grown, "seconds": best}))


if __name__ == "__main__":
    _main(*sys.argv[1:])
