"""The sandbox in a process of its own, so that it neither dies nor slows down with the fetcher.

    python -m tests.bench.net.serving

reads the options of `midikit.sandbox.serve` as one JSON line from stdin, prints one JSON line with
the environment and the address of the ledger, and serves until stdin closes. The token comes with
the options, because a command line can be read by everybody on the machine.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import time
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from midikit.sandbox import serve
from midikit.sandbox.made import made_answer, made_midi

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["TOKEN", "Endpoint", "serving"]

TOKEN = "tk-9Qv2Zr7Lx4Wm1Ns8Hd5Kc3"
"""A token whose every piece is found nowhere else."""

_ROOT = Path(__file__).parents[3]
_LOOK_SECONDS = 0.1
_REST_SECONDS = 1.5
"""Three times what the slowest fault of the kill harness waits before it charges."""


@dataclass(frozen=True)
class Endpoint:
    """A sandbox in another process: the variables that point at it, and its ledger's address."""

    environment: dict[str, str]
    ledger_url: str
    process: subprocess.Popen[str]

    @property
    def origin(self) -> str:
        """Scheme, host and port."""
        return self.environment["MIDIKIT_BASE_URL"].partition("/api")[0]

    def ledger(self) -> dict[str, Any]:
        """Read totals and what the hosts saw."""
        found: dict[str, Any] = _read(self.ledger_url)
        return found

    def accounts(self) -> dict[str, dict[str, int]]:
        """Read the account of every clip."""
        found: dict[str, dict[str, int]] = _read(f"{self.ledger_url}/clips")
        return found

    def settled(self) -> dict[str, dict[str, int]]:
        """Read the accounts once they are at rest: calls of killed programs are still served."""
        accounts, since = self.accounts(), time.monotonic()
        while time.monotonic() - since < _REST_SECONDS:
            time.sleep(_LOOK_SECONDS)
            if (later := self.accounts()) != accounts:
                accounts, since = later, time.monotonic()
        return accounts

    def answer(self, clip_id: str) -> bytes:
        """Give the answer that a clip is delivered with, unless its faults change it."""
        return made_answer(clip_id, f"{self.origin}/files/{clip_id}.mid")

    def midi(self, clip_id: str) -> bytes:
        """Give the hosted file of a clip."""
        return made_midi(clip_id)

    def memory(self) -> int:
        """Tell the peak of its own memory in bytes, 0 where the system does not tell."""
        return peak_bytes(self.process.pid)

    def processor_seconds(self) -> float:
        """Tell how much processor time it has had, 0 where the system does not tell."""
        try:
            fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            return 0.0
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def stop(self) -> None:
        """End it."""
        if self.process.stdin is not None and not self.process.stdin.closed:
            self.process.stdin.close()
        self.process.wait(30)


def peak_bytes(pid: int) -> int:
    """Read the peak of resident memory of a process; 0 if it is gone or the system tells not."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0
    found = (line.split()[1] for line in lines if line.startswith("VmHWM:"))
    return int(next(found, "0")) * 1024


@contextlib.contextmanager
def serving(**options: Any) -> Iterator[Endpoint]:
    """Run a sandbox for the length of a ``with`` block; any clip is answered, none polls."""
    options = {"any_clip": True, "clips": 1, "polls": 0, "token": TOKEN} | options
    command = [sys.executable, "-m", "tests.bench.net.serving"]
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=_ROOT
    )
    with process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(json.dumps(options) + "\n")
        process.stdin.flush()
        row = json.loads(process.stdout.readline())
        endpoint = Endpoint(row["environment"], row["ledger"], process)
        try:
            yield endpoint
        finally:
            endpoint.stop()


def _read(url: str) -> Any:
    with urllib.request.urlopen(url, timeout=60) as response:
        return json.load(response)


def main() -> None:
    """Serve until stdin closes."""
    options = json.loads(sys.stdin.readline())
    with serve(**options) as sandbox:
        row = {"environment": sandbox.environment, "ledger": sandbox.ledger_url}
        print(json.dumps(row), flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    main()
