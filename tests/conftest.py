"""What several test files share: the command line in a folder of its own."""

from __future__ import annotations

import json
import os
import signal
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import settings

from midikit.__main__ import main
from tests.browser import Browser, find_chromium

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

collect_ignore = ["fuzz/worker.py"]  # needs atheris, which not every system has

settings.register_profile("untimed", deadline=None)  # no test fails because a machine is busy
settings.load_profile("untimed")


@pytest.fixture(scope="session", autouse=True)
def interruptible() -> Iterator[None]:
    """Take interrupts, also where a shell's background job was told to ignore them."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


class Run:
    """What one call of the command line came to."""

    def __init__(self, code: int, out: str, err: str) -> None:
        self.code, self.out, self.err = code, out, err
        self.text = out + err

    def row(self) -> dict[str, Any]:
        """Read the one JSON line on stdout."""
        (line,) = self.out.splitlines()
        row: dict[str, Any] = json.loads(line)
        return row


@pytest.fixture
def cli(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Any:
    """Run the command line inside a folder of its own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MIDIKIT_HOME", str(tmp_path / "home"))

    def run(*words: object) -> Run:
        code = main([str(word) for word in words])
        out, err = capfd.readouterr()
        return Run(code, out, err)

    return run


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Start one Chromium for the whole session, where there is one; in CI there is."""
    program = find_chromium()
    if program is None:
        assert not os.environ.get("CI"), "no Chromium; .ci/run installs it"
        pytest.skip("no Chromium on the PATH")
    running = Browser(program)
    yield running
    running.close()
