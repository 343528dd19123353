"""The fetcher as users run it: ``python -m midikit`` in a process, by documented names alone."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.bench.net.serving import peak_bytes

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from tests.bench.net.serving import Endpoint

__all__ = ["Desk", "Done", "Running", "desk", "digests", "verdict"]

_MIDIKIT = [sys.executable, "-m", "midikit"]
_LOOK_SECONDS = 0.02
_MOST_LINES = 50


@dataclass(frozen=True)
class Done:
    """A run that is over: exit code, both streams, seconds, peak memory, command lines seen.

    Where it was stuck beyond the time it had, stderr ends with the stack of every thread.
    """

    code: int
    out: bytes
    err: bytes
    seconds: float
    peak: int
    lines: frozenset[bytes] = frozenset()
    stuck: bool = False

    @property
    def rows(self) -> list[dict[str, Any]]:
        """The JSON lines; a last one that a kill tore is left out."""
        found = []
        for line in self.out.splitlines():
            with contextlib.suppress(ValueError):
                row = json.loads(line)
                if isinstance(row, dict) and "clip_id" in row:
                    found.append(row)
        return found

    @property
    def delivered(self) -> set[str]:
        """The clips that it says are there."""
        return {row["clip_id"] for row in self.rows if row.get("exit") == 0}


class Running:
    """A run under way. Its streams go to files, so that a kill loses nothing that was written."""

    def __init__(self, command: Sequence[str], env: dict[str, str], folder: Path) -> None:
        self._stack = contextlib.ExitStack()
        self._files = [
            self._stack.enter_context(tempfile.TemporaryFile(dir=folder))  # noqa: SIM115 - closed
            for _ in range(2)
        ]
        self._began = time.monotonic()
        self._ended = 0.0
        self._peak = 0
        self._lines: set[bytes] = set()
        # A group of its own, so that a kill takes everything it started, as a power cut would.
        self.process = subprocess.Popen(
            command,
            env=env,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=self._files[0],
            stderr=self._files[1],
            start_new_session=True,
        )
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def send(self, number: int) -> bool:
        """Send a signal to all of it; tell whether it was still there."""
        if self.process.poll() is not None:
            return False
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, number)
        return True

    def interrupt(self) -> bool:
        """Press Ctrl-C."""
        return self.send(signal.SIGINT)

    def kill(self) -> bool:
        """Kill it as a power cut would."""
        return self.send(signal.SIGKILL)

    def wait(self, seconds: float | None = None) -> Done:
        """Wait for its end; what is stuck is asked for its stacks, and killed."""
        stuck = False
        try:
            self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            stuck = True
            self.send(signal.SIGABRT)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(5)
            self.kill()
            self.process.wait()
        self._thread.join()
        with self._stack:
            for file in self._files:
                file.seek(0)
            out, err = (file.read() for file in self._files)
        seconds_run = self._ended - self._began
        code = self.process.returncode
        return Done(code, out, err, seconds_run, self._peak, frozenset(self._lines), stuck)

    def _watch(self) -> None:
        """Look at memory and command lines until the end."""
        while self.process.poll() is None:
            self._peak = max(self._peak, peak_bytes(self.process.pid))
            with contextlib.suppress(OSError):
                self._lines.add(Path(f"/proc/{self.process.pid}/cmdline").read_bytes())
            time.sleep(_LOOK_SECONDS)
        self._ended = time.monotonic()


@dataclass
class Desk:
    """A user's desk: a folder, an archive in it, and the sandbox as the service."""

    folder: Path
    endpoint: Endpoint
    variables: dict[str, str] = field(default_factory=dict)

    @property
    def home(self) -> Path:
        """Where the archive is."""
        return self.folder / "home"

    def environment(self) -> dict[str, str]:
        """Give the variables: none of this user's own that midikit reads, all of the sandbox."""
        kept = {k: v for k, v in os.environ.items() if not k.startswith("MIDIKIT_")}
        ours = {
            "MIDIKIT_HOME": str(self.home),
            "PYTHONFAULTHANDLER": "1",
        } | self.endpoint.environment
        return kept | ours | self.variables

    def write_ids(self, ids: Iterable[str], name: str = "ids.txt") -> str:
        """Write a list of clips; its path."""
        path = self.folder / name
        path.write_text("".join(f"{clip_id}\n" for clip_id in ids))
        return str(path)

    def start(self, *words: str, offline: bool = False) -> Running:
        """Start a command; offline means without the token."""
        env = self.environment()
        if offline:
            del env["MIDIKIT_TOKEN"]
        return Running([*_MIDIKIT, *words], env, self.folder)

    def run(self, *words: str, seconds: float | None = 600.0, offline: bool = False) -> Done:
        """Run a command to its end."""
        return self.start(*words, offline=offline).wait(seconds)

    def fetch_words(
        self, ids: Iterable[str], *, jobs: int, deadline: float, budget: int | None = None
    ) -> list[str]:
        """Write the ids down, and give the words that fetch them."""
        listed = list(ids)
        credits_ = 5 * len(listed) if budget is None else budget
        words = ["fetch", "--from", self.write_ids(listed), "--json", "--jobs", str(jobs)]
        return [*words, "--deadline", f"{deadline:g}", "--max-credits", str(credits_)]

    def export(self) -> tuple[Done, dict[str, set[str]]]:
        """Export without token; the digests of the files by ending."""
        out = self.folder / "export"
        done = self.run("archive", "export", str(out), offline=True)
        found = {ending: digests(out.rglob(f"*{ending}")) for ending in (".json", ".mid")}
        return done, found


def digests(items: Iterable[Path | bytes]) -> set[str]:
    """Give the SHA-256 of files or bytes."""
    datas = (item.read_bytes() if isinstance(item, Path) else item for item in items)
    return {hashlib.sha256(data).hexdigest() for data in datas}


@contextlib.contextmanager
def desk(endpoint: Endpoint, **variables: str) -> Iterator[Desk]:
    """Give a desk in a folder that is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="midikit-net-") as folder:
        yield Desk(Path(folder), endpoint, variables)


def verdict(figures: dict[str, Any]) -> int:
    """Print the first violations, and all figures with their number; the exit code."""
    wrong = figures["violations"]
    for line in wrong[:_MOST_LINES]:
        print(line)
    print(json.dumps(figures | {"violations": len(wrong)}))
    return int(bool(wrong))
