"""Fuzzing processes of one target: start them, follow what they print, add up, say what was found.

A process ends after a number of executions and the next goes on from the corpus on disk, so that
neither a leak of the tracer nor one unlucky start decides a campaign.
"""

from __future__ import annotations

import re
import shlex
import signal
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from tests.fuzz.seeds import SEEDS, WORDS

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Campaign", "Outcome"]

_RUNS_A_PROCESS = 1_000_000
_RSS_MB = 1024
_HANG_SECONDS = 10
_SAY_SECONDS = 60.0
_COUNT = re.compile(r"#(\d+)\s")
_EDGES = re.compile(r"\bcov: (\d+)")
_TOTAL = re.compile(r"stat::number_of_executed_units:\s*(\d+)")


@dataclass(slots=True)
class Outcome:
    """What came of a campaign."""

    executions: int = 0
    edges: int = 0
    seconds: float = 0.0
    findings: list[tuple[Path, str]] = field(default_factory=list)
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Campaign:
    """What to fuzz, how long, and where to keep what."""

    target: str
    runs: int
    seconds: int | None
    seed: int
    corpus: Path
    findings: Path
    max_len: int
    jobs: int
    say: Callable[[str], None]

    def run(self) -> Outcome:
        """Fuzz until the executions are done, the time is up or something is found."""
        begin = time.monotonic()
        for folder in (self.corpus, self.findings):
            folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory() as name:
            inputs = _write_inputs(self.target, Path(name))
            jobs = [_Job(self, index, inputs, begin) for index in range(self.jobs)]
            threads = [threading.Thread(target=job.work) for job in jobs]
            for thread in threads:
                thread.start()
            try:
                _wait(threads, jobs, self.say, begin)
            except KeyboardInterrupt:
                for job in jobs:
                    job.stop()
                for thread in threads:
                    thread.join()
        outcome = Outcome(seconds=time.monotonic() - begin)
        for job in jobs:
            outcome.executions += job.executed
            outcome.edges = max(outcome.edges, job.edges)
            outcome.findings += job.findings
            outcome.problem = outcome.problem or job.problem
        return outcome


def _wait(
    threads: list[threading.Thread], jobs: list[_Job], say: Callable[[str], None], begin: float
) -> None:
    """Wait for all jobs; tell the others when one has found something."""
    said = begin
    while any(thread.is_alive() for thread in threads):
        for thread in threads:
            thread.join(0.5)
        if any(job.findings or job.problem for job in jobs):
            for job in jobs:
                job.stop()
        if time.monotonic() - said > _SAY_SECONDS:
            said = time.monotonic()
            done = sum(job.executed + job.current for job in jobs)
            edges = max(job.edges for job in jobs)
            say(f"{said - begin:,.0f} s: {done:,} executions, {edges:,} edges")


def _write_inputs(target: str, folder: Path) -> tuple[Path, Path]:
    """Write the seeds and the dictionary; return the folder of seeds and the dictionary."""
    seeds, words = folder / "seeds", folder / "words"
    seeds.mkdir()
    for number, data in enumerate(SEEDS[target]()):
        (seeds / f"{number:03}").write_bytes(data)
    lines = ["".join(f"\\x{code:02x}" for code in word) for word in WORDS[target]]
    words.write_text("".join(f'"{line}"\n' for line in lines))
    return seeds, words


class _Job:
    """One process after another, each with a seed of its own."""

    def __init__(
        self, campaign: Campaign, index: int, inputs: tuple[Path, Path], begin: float
    ) -> None:
        self.executed = self.current = self.edges = 0
        self.findings: list[tuple[Path, str]] = []
        self.problem = ""
        self._campaign, self._index, self._begin = campaign, index, begin
        self._seeds, self._words = inputs
        self._process: subprocess.Popen[str] | None = None
        self._stopped = False

    def stop(self) -> None:
        """End the process; libFuzzer prints its figures first."""
        self._stopped = True
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGINT)

    def work(self) -> None:
        """Run this job's share."""
        campaign = self._campaign
        share = -(-campaign.runs // campaign.jobs)
        begins = 0
        while self.executed < share and not (self._stopped or self.problem or self.findings):
            options = [f"-runs={min(share - self.executed, _RUNS_A_PROCESS)}"]
            if campaign.seconds is not None:
                left = campaign.seconds - int(time.monotonic() - self._begin)
                if left <= 0:
                    return
                options.append(f"-max_total_time={left}")
            seed = 1 + 1_000_003 * campaign.seed + 1_009 * self._index + begins
            self._run_one([*options, f"-seed={seed % (1 << 31) or 1}"])
            begins += 1

    def _run_one(self, options: list[str]) -> None:
        """Run one process and read what it prints."""
        campaign = self._campaign
        prefix = f"{campaign.findings}/{campaign.target}-{self._index}-"
        before = set(campaign.findings.glob(f"{campaign.target}-{self._index}-*"))
        command = [
            *(sys.executable, "-m", "tests.fuzz.worker", campaign.target, *options),
            *(f"-max_len={campaign.max_len}", f"-dict={self._words}"),
            *(f"-timeout={_HANG_SECONDS}", f"-rss_limit_mb={_RSS_MB}"),
            *(f"-artifact_prefix={prefix}", "-print_final_stats=1", "-reload=60"),
            *(str(campaign.corpus), str(self._seeds)),
        ]
        self.current = 0
        tail: list[str] = []
        self._process = subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, errors="replace"
        )
        assert self._process.stderr is not None
        with self._process.stderr as lines:
            for line in lines:
                tail = [*tail[-200:], line]
                if found := _COUNT.match(line) or _TOTAL.search(line):
                    self.current = int(found[1])
                if found := _EDGES.search(line):
                    self.edges = max(self.edges, int(found[1]))
        code = self._process.wait()
        self.executed, self.current = self.executed + self.current, 0
        new = sorted(set(campaign.findings.glob(f"{campaign.target}-{self._index}-*")) - before)
        self.findings += [(path, _last_words(tail)) for path in new]
        if code and not new and not self._stopped:
            self.problem = f"{shlex.join(command)} ended with {code}: {_last_words(tail)}"


def _last_words(tail: list[str]) -> str:
    """Return the exception, or what libFuzzer says went wrong."""
    for number, line in enumerate(tail):
        if "Uncaught Python exception" in line and number + 1 < len(tail):
            return tail[number + 1].strip()
    errors = [line.strip() for line in tail if "ERROR: libFuzzer" in line]
    return (errors or [line.strip() for line in tail[-1:]] or ["no output"])[-1]
