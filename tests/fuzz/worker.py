"""One fuzzing process: libFuzzer's loop around one parser, by atheris.

Started by ``python -m tests.fuzz``; takes the name of a target, then libFuzzer's own options. Only
branches are traced: what atheris 3.0.0 adds for comparisons costs half the speed again and loses 4
kB of memory an execution, and the dictionary holds the words that it would find.
"""

from __future__ import annotations

import gc
import sys
import time
import zlib

import atheris
from atheris.import_hook import HookManager

with HookManager({"midikit"}, set(), enable_loader_override=True, trace_dataflow=False):
    from tests.fuzz.invariants import CHECKS

_DEEP_ONE_IN = 128
"""Every so manieth execution also goes the costly ways; which ones hangs on the bytes alone."""

_SECONDS = 0.5
_SECONDS_A_BYTE = 1e-4


def main() -> None:
    """Fuzz the target that the first argument names."""
    name, *options = sys.argv[1:]
    check = CHECKS[name]
    digest, clock = zlib.crc32, time.thread_time

    def execute(data: bytes) -> None:
        begin = clock()
        check(data, deep=digest(data) % _DEEP_ONE_IN == 0)
        spent = clock() - begin
        assert spent < _SECONDS + _SECONDS_A_BYTE * len(data), f"{spent:.2f} s, {len(data)} bytes"

    gc.collect()
    gc.freeze()
    atheris.Setup([sys.argv[0], *options], execute)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
