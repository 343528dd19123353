"""Calls of unknown outcome are never repeated unasked: killed processes, two processes, budgets."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
import time
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pytest

from midikit import errors
from midikit.fetch.budget import Budget
from midikit.fetch.client import Client, Clip
from midikit.fetch.disk.sqlite import SqliteArchive
from midikit.fetch.keeping import moment_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from midikit.fetch.archive import Record

CLIP = "29fc9d9e-a550-47d9-bfd2-6640a4025acc"
NOTES = [{"start": 0.0, "end": 0.5, "pitch": 60, "velocity": 0.8}]
RAW = json.dumps({"instruments": [{"name": "Piano", "notes": NOTES}]}).encode()
RUNNING = b'{"code":200,"data":{"state":"running"}}'


class Service:
    """Counts POSTs and answers each with what `act` gives: a status and a body."""

    def __init__(self) -> None:
        self.posts = 0
        self.act: Callable[[int], tuple[int, bytes]] = lambda _: (200, RAW)
        service = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                self.rfile.read(int(self.headers["Content-Length"]))
                service.posts += 1
                status, body = service.act(service.posts)
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        class Quiet(ThreadingHTTPServer):
            def handle_error(self, *_: object) -> None:
                pass

        self.server = Quiet(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.02,))
        self.thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}"

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.thread.join(5)


@pytest.fixture
def service(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Service]:
    """Run a service that delivers at once, and point midikit at it."""
    service = Service()
    monkeypatch.setenv("MIDIKIT_TOKEN", "sk-Zq7-do-not-show-me-4411")
    monkeypatch.setenv("MIDIKIT_BASE_URL", service.url)
    monkeypatch.setenv("MIDIKIT_HOME", str(tmp_path / "home"))
    yield service
    service.close()


def fetch(**options: Any) -> Clip:
    """Fetch with everything from the environment, and no pauses."""
    budget = options.pop("budget", None)
    with Client(sleep=lambda _: None, budget=budget) as client:
        return client.fetch(CLIP, **options)


def known() -> Record:
    """Return what the archive knows of the clip."""
    with SqliteArchive() as archive:
        stored = archive.load(CLIP)
    assert stored is not None
    return stored.record


KILL = "os.kill(os.getpid(), signal.SIGKILL)"
SCRIPT = f"""
import os, signal, sys
from midikit.fetch.net import wire
from midikit.fetch.client import Client
from midikit.fetch.disk.sqlite import SqliteArchive
moment = sys.argv[1]
whole = {{"post": wire.post, "reserve": SqliteArchive.reserve, "store": SqliteArchive.store}}
def post(*args, **options):
    if moment == "before the call": {KILL}
    reply = whole["post"](*args, **options)
    if moment == "after the call": {KILL}
    return reply
def reserve(self, *args, **options):
    if moment == "before the intent": {KILL}
    return whole["reserve"](self, *args, **options)
def store(self, record, **data):
    if moment == "before storing" and data["answer"]: {KILL}
    whole["store"](self, record, **data)
    if moment == "after storing" and data["answer"]: {KILL}
    if moment == "between polls" and record.state == "running": {KILL}
wire.post, SqliteArchive.reserve, SqliteArchive.store = post, reserve, store
Client(sleep=lambda _: None).fetch("{CLIP}")
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="no kill -9 on this system")
@pytest.mark.parametrize(
    ("moment", "posts", "then"),
    [
        ("before the intent", 0, "fetched"),
        ("before the call", 0, "refused"),
        ("after the call", 1, "refused"),
        ("before storing", 1, "refused"),
        ("after storing", 1, "archived"),
        ("between polls", 1, "fetched"),
    ],
)
def test_a_process_killed_at_any_moment_does_not_pay_twice(
    service: Service, moment: str, posts: int, then: str
) -> None:
    """After kill -9 the next fetch pays only if nothing can have been charged without an answer."""
    if moment == "between polls":
        service.act = lambda number: (200, RUNNING if number == 1 else RAW)
    killed = subprocess.run([sys.executable, "-c", SCRIPT, moment], check=False)
    assert killed.returncode == -signal.SIGKILL
    assert service.posts == posts
    if then == "refused":
        with pytest.raises(errors.UnknownOutcomeError, match="ended before its outcome was known"):
            fetch()
        assert service.posts == posts
        assert fetch(resend_unknown=True).raw == RAW
        assert service.posts == posts + 1
    else:
        assert fetch().from_archive == (then == "archived")
        assert service.posts == posts + (then == "fetched")
    assert fetch().from_archive


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="no kill -9 on this system")
def test_a_process_killed_while_it_waits_for_its_answer(service: Service) -> None:
    """The service has the request, nobody has the answer."""
    processes: list[subprocess.Popen[bytes]] = []

    started = threading.Event()

    def act(_: int) -> tuple[int, bytes]:
        started.wait(5)
        processes[0].kill()
        return 200, RAW

    service.act = act
    with subprocess.Popen([sys.executable, "-c", SCRIPT, "never"]) as process:
        processes.append(process)
        started.set()
        assert process.wait(20) == -signal.SIGKILL
    for _ in range(2):
        with pytest.raises(errors.UnknownOutcomeError, match="--resend-unknown"):
            fetch()
    assert service.posts == 1


def test_an_unknown_outcome_stays_unknown(service: Service) -> None:
    """A later fetch says when and why, sends nothing, and may be told to send."""
    service.act = lambda _: (500, b"{}")
    with pytest.raises(errors.UnknownOutcomeError):
        fetch()
    row = known()
    assert (row.state, row.calls, row.owner) == ("unknown", 1, "")
    assert row.problem == "the provider answered 500"
    with pytest.raises(errors.UnknownOutcomeError) as caught:
        fetch()
    assert str(caught.value) == (
        f"clip {CLIP}: asked for on {moment_of(row)}, and it may have been charged: the provider "
        "answered 500; not sent again; resend_unknown=True, or midikit fetch --resend-unknown, "
        "sends it for up to a credit more"
    )
    assert service.posts == 1
    service.act = lambda _: (400, b'{"message": "task not found."}')
    with pytest.raises(errors.ClipRefusedError):
        fetch(resend_unknown=True)
    # The second call cost nothing; of the first still nobody knows.
    assert known() == replace(row, calls=2, changed=known().changed)
    with pytest.raises(errors.UnknownOutcomeError):
        fetch()
    assert service.posts == 2
    service.act = lambda _: (200, RAW)
    assert fetch(resend_unknown=True).raw == RAW
    assert (known().state, known().calls, known().problem) == ("delivered", 3, "")


@pytest.mark.parametrize(
    ("status", "body", "kind", "state"),
    [
        (400, b"{}", errors.ClipRefusedError, "failed"),
        (401, b"{}", errors.AuthenticationError, "refundable"),
        (455, b"{}", errors.MaintenanceError, "refundable"),
        (429, b"{}", errors.RateLimitedError, "refundable"),
        (504, b'{"code":504}', errors.TaskFailedError, "refundable"),
        (200, RUNNING, errors.DeadlineError, "running"),
        (200, b'{"state":"failed"}', errors.TaskFailedError, "unknown"),
        (200, b"<html>", errors.UnknownOutcomeError, "unknown"),
        (307, b"", errors.UnknownOutcomeError, "unknown"),
    ],
)
def test_only_what_may_have_been_charged_is_kept_from_a_second_call(
    service: Service,
    monkeypatch: pytest.MonkeyPatch,
    status: int,
    body: bytes,
    kind: type[errors.RemoteError],
    state: str,
) -> None:
    """After what cost nothing, and while a clip is not ready, a later fetch calls again."""
    monkeypatch.setattr("midikit.fetch.attempts.MAX_LIMITED", 1)
    service.act = lambda _: (status, body)
    with pytest.raises(errors.RemoteError) as caught:
        fetch(deadline=0.5)
    assert type(caught.value) is kind
    assert (known().state, known().owner) == (state, "")
    posts = service.posts
    service.act = lambda _: (200, RAW)
    if state == "unknown":
        with pytest.raises(errors.UnknownOutcomeError, match="not sent again"):
            fetch()
        assert service.posts == posts
    else:
        assert fetch().raw == RAW
        assert service.posts == posts + 1


def test_two_processes_pay_once(service: Service) -> None:
    """One asks, the other waits and takes what the first has stored."""
    here = threading.Event()

    def act(_: int) -> tuple[int, bytes]:
        here.set()
        time.sleep(0.5)
        return 200, RAW

    service.act = act
    with subprocess.Popen([sys.executable, "-c", SCRIPT, "never"]) as process:
        assert here.wait(20)
        with Client() as client:
            clip = client.fetch(CLIP, deadline=20)
        assert process.wait(20) == 0
    assert (clip.from_archive, clip.raw, service.posts) == (True, RAW, 1)


def test_who_waits_for_another_waits_no_longer_than_its_deadline(service: Service) -> None:
    """And nothing is sent."""
    late = pytest.raises(errors.DeadlineError, match="another process or thread was still")
    with SqliteArchive() as archive, Client() as client:
        assert archive.reserve(CLIP).granted
        with late:
            client.fetch(CLIP, deadline=0.3)
    assert service.posts == 0


def test_a_budget_counts_what_may_have_been_charged(service: Service) -> None:
    """Calls that cost nothing are given back, every other one counts, and none is beyond it."""
    budget = Budget(2)
    service.act = lambda number: (429, b"{}") if number < 5 else (200, RUNNING)
    with pytest.raises(errors.BudgetError, match="the budget of 2 credits is used up"):
        fetch(budget=budget)
    assert (service.posts, budget.spent) == (6, 2)
    assert (known().state, known().owner) == ("running", "")
    with pytest.raises(errors.BudgetError):
        fetch(budget=Budget(0))
    assert service.posts == 6
