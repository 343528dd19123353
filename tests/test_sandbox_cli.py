"""``midikit sandbox`` with faults and made-up clips."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import urllib.request
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from midikit.cli import sandbox as command
from midikit.sandbox import FAULTS, Ledger


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """End every sandbox as soon as it runs."""
    monkeypatch.setattr(command, "wait_for_interrupt", lambda: None)


def test_the_list_shows_every_fault(cli: Any) -> None:
    """A line each, no wider than 80 columns, or a JSON object each."""
    lines = cli("sandbox", "--fault", "list").out.splitlines()
    assert [line.split()[0] for line in lines[1:]] == list(FAULTS)
    assert max(map(len, lines)) <= 80
    rows = [
        json.loads(line)
        for line in cli("sandbox", "--fault", "list", "--json").out.split("\n")[:-1]
    ]
    assert [row["fault"] for row in rows] == list(FAULTS)
    assert {row["times"] for row in rows} == {"1", "forever"}


def test_a_slip_in_a_fault_is_a_usage_error(cli: Any) -> None:
    """An unknown mode ends with 2, a fault for a clip that is not there with 1."""
    done = cli("sandbox", "--fault", "5000")
    assert done.code == 2
    assert "--fault: got '5000'; expected [CLIP=]MODE[:TIMES]" in done.err
    done = cli("sandbox", "--clips", 2, "--fault", "made-3=500")
    assert done.code == 1
    assert "there is no clip 'made-3'" in done.err


def test_made_up_clips_and_their_ids(cli: Any, tmp_path: Path) -> None:
    """Told on stderr, written to a file, one a line."""
    done = cli("sandbox", "--clips", 2000, "--ids", "ids.txt", "--fault", "flaky")
    assert done.code == 0
    assert "2,000 made-up clips: made-1 to made-2000" in done.err
    assert "What it would have charged: http://127.0.0.1:" in done.err
    ids = (tmp_path / "ids.txt").read_text().splitlines()
    assert (len(ids), ids[0], ids[-1]) == (2000, "made-1", "made-2000")
    assert cli("sandbox", "--clips", 2000, "--json").row()["made"] == 2000


def test_the_list_of_ids_is_replaced_by_force_alone(cli: Any, tmp_path: Path) -> None:
    """As the error says; the example fetches the list, or the first clip where there is none."""
    words = ("sandbox", "--ids", "my ids.txt", "--clips")
    assert "\nmidikit fetch --from 'my ids.txt' -o .\n" in cli(*words, 2).err
    done = cli(*words, 1)
    assert done.code == 1
    assert "my ids.txt: exists with other content; --force replaces it" in done.err
    done = cli(*words, 1, "--force")
    assert done.code == 0
    assert "1 made-up clip: made-1\n" in done.err
    assert (tmp_path / "my ids.txt").read_text() == "made-1\n"
    assert "\nmidikit fetch made-1 -o .\n" in cli("sandbox", "--clips", 1).err


def test_what_it_would_have_charged_fits_a_terminal(
    cli: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In lines of 80 columns at most, whatever the numbers."""
    monkeypatch.setattr("midikit.cli.report.is_terminal", lambda _: True)
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("NO_COLOR", "1")
    totals = ("clips", "posts", "charged", "refunded", "delivered", "downloads")
    monkeypatch.setattr(Ledger, "totals", lambda _: dict.fromkeys(totals, 123_456))
    err = cli("sandbox", "--clips", 50).err
    assert max(map(len, err.splitlines())) <= 80
    assert "123,456 answers delivered, 123,456 downloads" in " ".join(err.split())


def test_it_ends_when_it_is_told_to() -> None:
    """SIGTERM, as of a service manager, is an end as Ctrl-C is: nothing is left behind."""
    start = [sys.executable, "-m", "midikit", "sandbox", "--clips", "1", "--json"]
    with subprocess.Popen(start, stdout=subprocess.PIPE) as process, ExitStack() as stack:
        stack.callback(process.kill)
        assert process.stdout is not None
        home = Path(json.loads(process.stdout.readline())["environment"]["MIDIKIT_HOME"])
        assert home.is_dir()
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0
        assert not home.exists()


def test_a_rehearsal_from_one_terminal_to_the_other(tmp_path: Path) -> None:
    """Start it, fetch through its faults, read its ledger, end it: the totals are told."""
    words = ["sandbox", "--clips", "3", "--polls", "0"]
    words += ["--fault", "504-refunded", "--fault", "made-3=mid-404"]
    start = [sys.executable, "-m", "midikit"]
    pipes: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen([*start, *words], **pipes) as process, ExitStack() as stack:
        stack.callback(process.kill)  # whatever fails below
        assert process.stdout is not None
        lines = [process.stdout.readline().removeprefix("export ").rstrip() for _ in range(4)]
        env = dict(line.split("=", 1) for line in lines) | {"HOME": str(tmp_path)}
        fetch = ["fetch", "made-1", "made-2", "made-3", "--json"]
        done = subprocess.run([*start, *fetch], env=env, **pipes, check=True)
        assert [json.loads(line)["exit"] for line in done.stdout.splitlines()] == [0, 0, 0]
        assert list(tmp_path.iterdir()) == []  # made-up songs are not kept among paid ones
        home = Path(env["MIDIKIT_HOME"])
        assert any(home.iterdir())
        ledger = env["MIDIKIT_BASE_URL"].removesuffix("/api/v1/suno") + "/ledger"
        with urllib.request.urlopen(ledger, timeout=10) as response:
            totals = json.load(response)["totals"]
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=20)
        assert process.returncode == 0
        assert not home.exists()
    assert (totals["posts"], totals["charged"], totals["refunded"], totals["net"]) == (5, 5, 2, 3)
    told = "5 calls for 3 clips: 5 credits charged, 2 refunded, 3 answers delivered, 3 downloads"
    assert err.splitlines()[-2:] == [told, "stopped"]
