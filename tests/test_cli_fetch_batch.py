"""``midikit fetch`` for many clips: what is told, counted, skipped, stopped and resumed."""

from __future__ import annotations

import contextlib
import json
import os
import pickle
import re
import signal
import subprocess
import sys
import threading
import time
from math import nan
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from midikit import errors
from midikit.__main__ import main
from midikit.cli.fetch_plan import known_records, most_calls
from midikit.cli.fetch_tally import outcome_of
from midikit.fetch.answers import Outcome, Verdict
from midikit.fetch.archive import Record
from midikit.fetch.attempts import Tally, advance
from midikit.fetch.disk.sqlite import SqliteArchive
from midikit.fetch.many import Stop, StoppedError
from midikit.fetch.net import wire
from midikit.sandbox import serve

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    from midikit.sandbox.endpoint import Sandbox

    Serving = Callable[..., AbstractContextManager[Sandbox]]

AT_RISK = "calls without an answer, or of a clip that was not ready"
MADE = [f"made-{number}" for number in range(1, 31)]
posix_only = pytest.mark.skipif(sys.platform == "win32", reason="terminals and signals of POSIX")


@pytest.fixture
def sandbox(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Serving:
    """Give a function that runs a sandbox and points midikit and a list of 30 clips at it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MIDIKIT_HOME", str(tmp_path / "home"))
    (tmp_path / "ids").write_text("\n".join(MADE))

    @contextlib.contextmanager
    def run(*faults: str, **options: Any) -> Iterator[Sandbox]:
        with serve(clips=30, faults=faults, **{"polls": 0} | options) as running:
            for name, value in running.environment.items():
                monkeypatch.setenv(name, value)
            yield running

    return run


def rows_of(text: str) -> dict[str, dict[str, Any]]:
    """Read JSON lines, by clip."""
    return {row["clip_id"]: row for row in map(json.loads, text.splitlines())}


def test_a_large_batch_tells_failures_and_sums(
    sandbox: Serving, capsys: pytest.CaptureFixture[str]
) -> None:
    """Twenty clips and fewer are told one by one; of more only what failed, and how many."""
    faults = ("made-2=500", "made-3=400", "made-4=failed", "made-5=422", "made-6=mid-404")
    with sandbox(*faults) as endpoint:
        assert main(["fetch", "--from", "ids", "--jobs", "8"]) == 3
        out, err = capsys.readouterr()
        assert out == ""
        lines = err.splitlines()
        assert sum(line.startswith("Error: ") for line in lines) == 4
        assert lines[4] == "2 clips unknown: nobody can tell whether they were charged"
        assert "  clip made-2: asked for on 2" in err
        assert ": the provider answered 500: Internal Server Error." in err
        assert lines[-3:] == [
            "30 clips: 26 fetched, 0 from the archive, 1 failed, 1 not found or expired, 2 unknown",
            "1 .mid rebuilt from the notes, the hosted one is gone",
            f"26 credits spent, up to 2 more at risk: {AT_RISK}",
        ]
        assert main(["fetch", *MADE[:6], "--json"]) == 3
        rows = rows_of(capsys.readouterr().out)
        assert [row["outcome"] for row in rows.values()] == [
            *("archive", "unknown", "expired", "unknown", "failed", "archive")
        ]
        assert rows["made-2"]["calls"] == 1
        assert abs(rows["made-2"]["sent"] - time.time()) < 60
        assert rows["made-6"]["rebuilt"] is True
        assert endpoint.ledger.totals()["charged"] == 26


def test_many_failures_are_capped_on_screen_and_all_in_json(
    sandbox: Serving, capsys: pytest.CaptureFixture[str]
) -> None:
    """The number is exact, and every unknown is in the JSON and in the archive's list."""
    with sandbox("500"):
        assert main(["fetch", "--from", "ids", "--jobs", "8", "--json"]) == 3
        rows = rows_of(capsys.readouterr().out)
        assert {row["outcome"] for row in rows.values()} == {"unknown"}
        assert main(["fetch", "--from", "ids", "--jobs", "8"]) == 3
    err = capsys.readouterr().err
    assert err.count("Error: ") == 20
    assert "and 10 more failures; --json lists each" in err
    assert "30 clips unknown" in err
    assert "  and 10 more\n" in err
    assert main(["archive", "list", "--state", "unknown", "--json"]) == 0
    assert set(rows_of(capsys.readouterr().out)) == set(rows) == set(MADE)


def test_resending_many_says_first_what_it_may_cost(
    sandbox: Serving, capsys: pytest.CaptureFixture[str]
) -> None:
    """Before the first call; some of them one by one, all of them as a number."""
    with sandbox("500-charged", repeat_charges=True) as endpoint:
        main(["fetch", "--from", "ids", "--jobs", "8", "-q"])
        capsys.readouterr()
        assert main(["fetch", "--from", "ids", "--jobs", "8", "--resend-unknown"]) == 0
        err = capsys.readouterr().err
        assert "and 10 more: midikit archive list --state unknown" in err
        assert "asking again for 30 clips" in err
        assert "up to 30 credits more" in err
        assert err.index("asking again") < err.index("30 fetched")
        assert endpoint.ledger.totals()["charged"] == 60


def test_what_is_said_of_a_batch_is_wrapped_on_a_terminal(
    sandbox: Serving, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same words as in a pipe, where each remark is a line, within its 80 columns."""
    faults = ("made-2=reset-charged", "made-3=400", "made-4=failed", "made-5=mid-404")
    fetch = ["fetch", "--from", "ids", "--max-credits", "99"]
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("NO_COLOR", "1")
    said: dict[bool, list[str]] = {}
    for terminal in (False, True):
        monkeypatch.setattr("midikit.cli.report.is_terminal", lambda _, is_one=terminal: is_one)
        monkeypatch.setenv("MIDIKIT_HOME", f"home {terminal}")
        with sandbox(*faults):
            for words in ((), ("--dry-run",), ("--dry-run", "--max-credits", "999")):
                main([*fetch, *words])
            main([*fetch, "--resend-unknown"])
        out, err = capsys.readouterr()
        # Errors stay a line: what an editor or a search finds is whole.
        said[terminal] = [
            line for line in (out + err).splitlines() if not line.startswith("Error: ")
        ]
    assert max(map(len, said[True])) <= 80
    piped, shown = (re.sub(r"[\d:-]+", "", " ".join(said[each])).split() for each in (False, True))
    assert shown == piped
    for part in ("is not documented", "at worst", "never sent again", "at risk", "asking again"):
        assert any(part in line and len(line) > 80 for line in said[False])


def test_a_second_run_skips_what_is_there_without_a_look_at_each(
    sandbox: Serving,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Only what is missing is asked for, and a .mid that may still be had is tried again."""
    loaded: list[str] = []
    load = SqliteArchive.load

    def counting(self: SqliteArchive, clip_id: str) -> Any:
        loaded.append(clip_id)
        return load(self, clip_id)

    with sandbox("made-1=mid-404:1", "made-2=400") as endpoint:
        assert main(["fetch", "--from", "ids", "--jobs", "8", "-q"]) == 3
        monkeypatch.setattr(SqliteArchive, "load", counting)
        assert main(["fetch", "--from", "ids", "--jobs", "8"]) == 3
        assert set(loaded) == {"made-1", "made-2"}
        assert "0 fetched, 29 from the archive, 1 not found" in capsys.readouterr().err
        assert endpoint.downloads["made-1"] >= 2
        stored = load(SqliteArchive(), "made-1")
        assert stored is not None
        assert stored.record.midi_origin == "hosted"
        capsys.readouterr()
        assert main(["fetch", "--from", "ids", "-o", "out", "--json"]) == 3
        rows = rows_of(capsys.readouterr().out)
        assert next(iter(rows)) == "made-2"  # what is missing comes first
        assert set(rows) == set(MADE)
        assert len(list(Path("out").iterdir())) == 58
        monkeypatch.setenv("MIDIKIT_TOKEN", "wrong")
        assert main(["fetch", "--from", "ids", "--json"]) == 3
        assert set(rows_of(capsys.readouterr().out)) == set(MADE)  # what is here needs no token
        assert len(list(endpoint.posts)) == 30


@pytest.mark.parametrize("fault", ["401", "402", "403", "429-credits", "455"])
def test_what_meets_every_clip_stops_the_batch_and_the_next_run_goes_on(
    sandbox: Serving, capsys: pytest.CaptureFixture[str], fault: str
) -> None:
    """No more calls than were out; nothing is lost or unknown."""
    with sandbox(f"made-5={fault}:1") as endpoint:
        assert main(["fetch", "--from", "ids", "--jobs", "4"]) == 3
        err = capsys.readouterr().err
        assert "clips not asked for; the same command goes on with them" in err
        assert len(endpoint.posts) <= 12
        assert main(["fetch", "--from", "ids", "--jobs", "4"]) == 0
        assert endpoint.ledger.totals()["charged"] == 30


def test_a_budget_is_said_once_and_kept(
    sandbox: Serving, capsys: pytest.CaptureFixture[str]
) -> None:
    """However many clips meet its end at once, and the rest goes on with a further one."""
    with sandbox() as endpoint:
        assert main(["fetch", "--from", "ids", "--jobs", "16", "--max-credits", "10"]) == 3
        err = capsys.readouterr().err
        assert err.count("the budget of 10 credits is used up") == 1
        assert "30 clips: 10 fetched, 0 from the archive\n10 credits spent\n" in err
        assert "stopped: 20 clips not asked for" in err
        assert main(["fetch", "--from", "ids", "--max-credits", "20"]) == 0
        assert endpoint.ledger.totals()["charged"] == 30


def test_a_dry_run_prints_the_worst_case(
    sandbox: Serving, capsys: pytest.CaptureFixture[str]
) -> None:
    """Every call while a clip is not ready may be charged; a budget bounds it."""
    words = ["fetch", "made-1", "made-2", "--dry-run"]
    with sandbox("made-2=500") as endpoint:
        main(["fetch", "made-2", "-q"])
        assert main([*words, "--deadline", "10"]) == 0
        out = capsys.readouterr().out
        assert "2 clips: 0 in the archive, 1 to fetch for 1 credit;" in out
        assert "at worst 5 credits, if no clip is ready in 10 s" in out
        assert main([*words, "--resend-unknown", "--max-credits", "3"]) == 0
        out = capsys.readouterr().out
        assert "2 to fetch for 2 credits;" in out
        assert "at worst 3 credits, which --max-credits allows" in out
        assert "1 clip asked for without an answer: asked for again" in out
        assert main([*words, "--deadline", "10", "--json"]) == 0
        rows = rows_of(capsys.readouterr().out)
        assert [row["most_credits"] for row in rows.values()] == [5, 0]
        assert endpoint.posts == {"made-2": 1}


@given(st.floats(0.01, 3000.0), st.floats(0.0, 1.0))
def test_no_fetch_makes_more_calls_than_the_worst_case(deadline: float, jitter: float) -> None:
    """Held against the rules themselves, for a clip that is never ready."""
    outcome = Outcome(Verdict.RUNNING, "not ready", errors.DeadlineError)
    tally, left, pause = Tally(), deadline, 0.0
    while True:
        step = advance(
            tally,
            outcome,
            clip_id="x",
            took_seconds=0.0,
            left_seconds=left,
            deadline_seconds=deadline,
            jitter=jitter,
        )
        tally, pause = step.tally, step.pause
        if step.error is not None:
            break
        left -= pause
    assert tally.posts <= most_calls(deadline) <= 4 + deadline / 1.2


@posix_only
def test_progress_is_for_terminals_alone(sandbox: Serving) -> None:
    """Done of all, rate and credits on stderr; stdout has the JSON lines and nothing else."""
    with sandbox("slow"):
        ours, theirs = os.openpty()
        words = ["fetch", "--from", "ids", "--jobs", "8", "--json"]
        env = os.environ | {"TERM": "xterm", "COLUMNS": "120"}
        done = subprocess.run(
            [sys.executable, "-m", "midikit", *words],
            env=env,
            stdout=subprocess.PIPE,
            stderr=theirs,
            check=True,
        )
        os.close(theirs)
        shown = os.read(ours, 1 << 20).decode()
        os.close(ours)
    assert set(rows_of(done.stdout.decode())) == set(MADE)
    assert "of 30 clips" in shown
    assert "a second" in shown
    assert "credits" in shown


@posix_only
def test_a_second_ctrl_c_does_not_wait(sandbox: Serving) -> None:
    """The first one waits for calls that hang; what a second one leaves behind is unknown."""
    with sandbox("timeout-charged") as endpoint:
        command = [sys.executable, "-m", "midikit", "fetch", *MADE[:3], "--jobs", "2"]
        with subprocess.Popen(command, stderr=subprocess.PIPE) as process:
            while sum(endpoint.posts.values()) < 2:
                time.sleep(0.02)
            process.send_signal(signal.SIGINT)
            time.sleep(0.5)
            assert process.poll() is None
            begun = time.monotonic()
            process.send_signal(signal.SIGINT)
            _, err = process.communicate(timeout=10)
        assert process.returncode == 130
        assert time.monotonic() - begun < 2
        assert err == b"stopping; waiting for the calls that are out (Ctrl-C again to leave)\n"
    with SqliteArchive() as archive:
        assert {record.state for record in archive.list()} == {"unknown"}


def test_ctrl_c_ends_a_clip_that_waits_between_two_calls(
    sandbox: Serving,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Its next call is a new one, and is not made; it is not finished, and no failure."""
    post = wire.post

    def interrupting(*words: Any, **options: Any) -> Any:
        threading.Timer(0.3, os.kill, [os.getpid(), signal.SIGINT]).start()
        return post(*words, **options)

    monkeypatch.setattr(wire, "post", interrupting)
    with sandbox(polls=9) as endpoint:
        assert main(["fetch", *MADE[:2], "--json"]) == 130
        assert endpoint.posts == {"made-1": 1}
    out, err = capsys.readouterr()
    assert rows_of(out)["made-1"]["outcome"] == "unfinished"
    assert "Error" not in err


def test_known_records_are_the_same_for_few_and_for_many(tmp_path: Path) -> None:
    """Looked up one by one, or in one look at the ledger; what was never seen is not there."""
    with SqliteArchive(tmp_path) as archive:
        for clip_id in MADE[:3]:
            archive.reserve(clip_id)
        few = list(known_records(MADE[1:5], archive))
        many = {*MADE[1:5], *map(str, range(100))}
        assert [record.clip_id for record in few] == MADE[1:3]
        assert sorted(known_records(many, archive), key=lambda r: r.clip_id) == few


@pytest.mark.parametrize(
    ("error", "state", "outcome"),
    [
        (errors.UnknownOutcomeError("x", "reset"), "", "unknown"),
        (errors.TaskFailedError("x", "failed"), "unknown", "unknown"),
        (errors.UnsavedError("x", "disk full", "a.json"), "unknown", "unknown"),
        (errors.DeadlineError("x", "late"), "running", "unfinished"),
        (errors.BudgetError("x", "used up"), "running", "unfinished"),
        (errors.BudgetError("x", "used up"), "", "not asked"),
        (errors.TokenError("x", "none"), "", "not asked"),
        (errors.ClipRefusedError("x", "the provider answered 404: Clip not found"), "", "expired"),
        (errors.ClipRefusedError("x", "400: older than 24 hours"), "failed", "expired"),
        (errors.ClipRefusedError("x", "the provider answered 422: bad format"), "", "failed"),
        (errors.NotSentError("x", "no such host"), "refundable", "failed"),
        (StoppedError("x", "stopped"), "", "not asked"),
        (StoppedError("x", "stopped", True), "running", "unfinished"),
        (errors.InputError("x", "", "damaged"), "", "failed"),
    ],
)
def test_what_became_of_a_clip(error: Exception, state: Any, outcome: str) -> None:
    """By the error, and by what the ledger says where that knows more."""
    record = Record("x", state, sent=nan) if state else None
    assert outcome_of(error, record) == outcome


def test_a_stop_may_come_from_a_handler_while_it_is_being_set() -> None:
    """A signal interrupts the thread that holds its lock; and the error crosses processes."""
    stop = Stop()
    with stop._changed:
        stop.set()
    stop.wait(60.0)
    with pytest.raises(StoppedError, match="stopped while it was not ready yet") as caught:
        stop.check("x", is_asked=True)
    copy = pickle.loads(pickle.dumps(caught.value))
    assert (copy.clip_id, copy.is_asked, str(copy)) == ("x", True, str(caught.value))


def test_every_json_key_is_in_the_readme(
    sandbox: Serving, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each key of real lines, with and without an error, and no other."""
    readme = (Path(__file__).parent.parent / "README.md").read_text(encoding="utf-8")
    section = readme.partition("A line of `fetch --json`")[2].partition("\n## ")[0]
    table, _, dry = section.partition("With `--dry-run`")
    keys = [
        re.findall(r"`(\w+)`(\*?)", row.split("|")[1])
        for row in table.splitlines()
        if "`" in row and row[0] == "|"
    ]
    documented = dict(pair for row in keys for pair in row)
    with sandbox("made-2=400"):
        main(["fetch", "made-1", "made-2", "--json"])
        rows = rows_of(capsys.readouterr().out)
        always = {key for key, star in documented.items() if star}
        assert set(rows["made-2"]) == always
        assert set(rows["made-1"]) == set(documented) - {"calls", "sent"}
        main(["fetch", "made-3", "--dry-run", "--json"])
        (row,) = rows_of(capsys.readouterr().out).values()
        assert set(row) - set(documented) == set(re.findall(r"`(\w+)`", dry))
