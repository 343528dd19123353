"""Section by section of the paying rules: calls, ledger and restart after each event, both clients.

One scripted service, answered from a list; the same table drives `Client` and `AsyncClient`.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import logging
import pickle
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from unittest.mock import Mock

import httpx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from midikit import errors
from midikit.convert.midi import to_midi
from midikit.fetch.archive import Record, Reserved
from midikit.fetch.async_client import AsyncClient
from midikit.fetch.budget import Budget
from midikit.fetch.client import Client, Clip, Pending
from midikit.fetch.conversation import conversation
from midikit.fetch.disk.sqlite import SqliteArchive
from midikit.fetch.driver import ARCHIVE, LateInterrupt, Turns, whole
from midikit.fetch.hosting import HOSTED_SECONDS
from midikit.fetch.memory import MemoryArchive
from midikit.fetch.secret import Secret
from midikit.fetch.steps import Moment, Now, Post, Request, Reserve, Sleep
from midikit.parse.response import read_json

if TYPE_CHECKING:
    from pathlib import Path

    from midikit.fetch.archive import Archive, Stored
    from midikit.fetch.telling import FetchEvent

CLIP = "29fc9d9e-a550-47d9-bfd2-6640a4025acc"
TOKEN = "sk-Zq7-do-not-show-me-4411"
MID = bytes.fromhex("4d546864000000060000000101e0 4d54726b0000000400ff2f00")
URL = "https://cdn.test/a.mid"
NOTES = [{"start": 0.0, "end": 0.5, "pitch": 60, "velocity": 0.8}]
DATA = {"midi_url": URL, "instruments": [{"name": "Piano", "notes": NOTES}]}
RAW = json.dumps({"code": 200, "data": DATA}).encode()
RUNNING = (200, b'{"code":200,"data":{"state":"running"}}')
GONE = (404, b"gone")

Answer = tuple[int, bytes] | tuple[int, bytes, dict[str, str]] | type[BaseException]


class World:
    """A service with a script, on a clock that only pauses move; both kinds of client."""

    def __init__(self, kind: str, archive: Archive) -> None:
        self.kind = kind
        self.archive = archive
        self.now = 1000.0
        self.pauses: list[float] = []
        self.posts = self.gets = self.sent = 0
        self.answers: list[Answer] = [(200, RAW)]
        self.hosted: Answer = (200, MID)
        self.events: list[FetchEvent] = []

    def handle(self, request: httpx.Request) -> httpx.Response:
        answer = self.hosted
        if request.method == "POST":
            self.posts += 1
            answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        else:
            self.gets += 1
        unsent = answer is httpx.ConnectError or answer is httpx.ConnectTimeout
        self.sent += request.method == "POST" and not unsent
        if isinstance(answer, type):
            raise answer("the socket's own words")
        status, body = answer[:2]
        return httpx.Response(status, content=body, headers=answer[2] if len(answer) > 2 else {})

    def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.now += seconds

    async def sleep_async(self, seconds: float) -> None:
        self.sleep(seconds)

    def options(self, **options: Any) -> dict[str, Any]:
        options = {"token": TOKEN, "archive": self.archive, **options}
        options |= {"clock": lambda: self.now, "on_event": self.events.append}
        return options | {"transport": httpx.MockTransport(self.handle)}

    def act(self, method: str, *words: Any, **given: Any) -> Any:
        """Call a method of a new client of this kind."""
        names = ("token", "budget")
        options = {name: given.pop(name) for name in names if name in given}
        if self.kind == "sync":
            with Client(sleep=self.sleep, **self.options(**options)) as client:
                return getattr(client, method)(*words, **given)

        async def main() -> Any:
            async with AsyncClient(sleep=self.sleep_async, **self.options(**options)) as client:
                return await getattr(client, method)(*words, **given)

        return asyncio.run(main())

    def fetch(self, clip_id: str = CLIP, **given: Any) -> Clip:
        clip = self.act("fetch", clip_id, **given)
        assert isinstance(clip, Clip)
        return clip

    def poll(self, clip_id: str = CLIP, **given: Any) -> Clip | Pending:
        result: Clip | Pending = self.act("poll", clip_id, **given)
        return result

    def row(self, clip_id: str = CLIP) -> Record:
        stored = self.archive.load(clip_id)
        assert stored is not None
        return stored.record


@pytest.fixture(params=["sync", "async"])
def world(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> World:
    """Make a world for either client, with an archive in memory."""
    for name in ("MIDIKIT_TOKEN", "MIDIKIT_BASE_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("MIDIKIT_ALLOW_HOSTS", "cdn.test:443")
    return World(request.param, MemoryArchive())


NOT_SENT, UNKNOWN = errors.NotSentError, errors.UnknownOutcomeError
LIMITED = errors.RateLimitedError
ONE_SECOND = {"retry-after": "1"}
TABLE: list[tuple[str, list[Answer], int, str, type[Exception] | None]] = [
    # event, what each call is answered with, POSTs, state in the ledger, what is raised
    ("no connection", [httpx.ConnectError], 4, "refundable", NOT_SENT),
    ("no connection in time", [httpx.ConnectTimeout], 4, "refundable", NOT_SENT),
    ("no connection once", [httpx.ConnectError, (200, RAW)], 2, "delivered", None),
    ("429 for a second", [(429, b"", ONE_SECOND), (200, RAW)], 2, "delivered", None),
    ("429 for a day", [(429, b"", {"retry-after": "86400"})], 1, "refundable", LIMITED),
    ("429 with junk", [(429, b"", {"retry-after": "soon"}), (200, RAW)], 2, "delivered", None),
    ("429 for ever", [(429, b"")], 13, "refundable", LIMITED),
    ("430, too fast", [(430, b""), (200, RAW)], 2, "delivered", None),
    ("503 with a time", [(503, b"", ONE_SECOND), (200, RAW)], 2, "delivered", None),
    ("504 refunded once", [(504, b'{"code":504}'), (200, RAW)], 2, "delivered", None),
    ("504 refunded", [(504, b'{"code":504}')], 3, "refundable", errors.TaskFailedError),
    ("504 of a gateway", [(504, b"<h1>Gateway Time-out</h1>")], 1, "unknown", UNKNOWN),
    ("running thrice", [RUNNING, RUNNING, RUNNING, (200, RAW)], 4, "delivered", None),
    ("running, then lost", [RUNNING, httpx.ReadError], 2, "unknown", UNKNOWN),
    ("running, then refused", [RUNNING, (400, b"{}")], 2, "unknown", errors.ClipRefusedError),
    ("refunded, then refused", [RUNNING, (504, b'{"code":504}'), (400, b"{}")], 3, "failed",
     errors.ClipRefusedError),
    ("running, no credits", [RUNNING, (402, b"")], 2, "running", errors.CreditsError),
    ("500", [(500, b"{}")], 1, "unknown", UNKNOWN),
    ("502", [(502, b"<html>")], 1, "unknown", UNKNOWN),
    ("503 alone", [(503, b"")], 1, "unknown", UNKNOWN),
    ("no answer in time", [httpx.ReadTimeout], 1, "unknown", UNKNOWN),
    ("reset", [httpx.ReadError], 1, "unknown", UNKNOWN),
    ("closed", [httpx.RemoteProtocolError], 1, "unknown", UNKNOWN),
    ("cut short", [(200, RAW[:90])], 1, "unknown", UNKNOWN),
    ("HTML with 200", [(200, b"<html>Oops</html>")], 1, "unknown", UNKNOWN),
    ("a redirect", [(307, b"", {"location": "https://x.test/"})], 1, "unknown", UNKNOWN),
    ("400", [(400, b'{"message":"task not found."}')], 1, "failed", errors.ClipRefusedError),
    ("404", [(404, b"")], 1, "failed", errors.ClipRefusedError),
    ("405", [(405, b"")], 1, "failed", errors.ClipRefusedError),
    ("409", [(409, b"")], 1, "failed", errors.ClipRefusedError),
    ("422", [(422, b"")], 1, "failed", errors.ClipRefusedError),
    ("418", [(418, b"")], 1, "failed", errors.ClipRefusedError),
    ("401", [(401, b"")], 1, "refundable", errors.AuthenticationError),
    ("403", [(403, b"")], 1, "refundable", errors.AuthenticationError),
    ("402", [(402, b"")], 1, "refundable", errors.CreditsError),
    ("403, credits", [(403, b"no credits left")], 1, "refundable", errors.CreditsError),
    ("429, credits", [(429, b"no credits left")], 1, "refundable", errors.CreditsError),
    ("455", [(455, b"")], 1, "refundable", errors.MaintenanceError),
    ("200, code 403", [(200, b'{"code":403}')], 1, "refundable", errors.AuthenticationError),
    ("200, code 400", [(200, b'{"code":400}')], 1, "failed", errors.ClipRefusedError),
    ("200, code 500", [(200, b'{"code":500}')], 1, "unknown", UNKNOWN),
    ("200, task failed", [(200, b'{"state":"failed"}')], 1, "unknown", errors.TaskFailedError),
    ("200", [(200, RAW)], 1, "delivered", None),
]  # fmt: skip


@pytest.mark.parametrize(
    ("answers", "posts", "state", "kind"), [row[1:] for row in TABLE], ids=[row[0] for row in TABLE]
)
def test_each_event_costs_what_the_table_says_and_leaves_the_truth(
    world: World, answers: list[Answer], posts: int, state: str, kind: type[Exception] | None
) -> None:
    """POSTs, ledger, exception; then a restart: asked again, unless it is unknown or here."""
    world.answers = list(answers)
    if kind is None:
        assert world.fetch().raw == RAW
    else:
        with pytest.raises(errors.RemoteError) as caught:
            world.fetch()
        assert type(caught.value) is kind
    row = world.row()
    assert (world.posts, row.state, row.owner) == (posts, state, "")
    assert row.calls == world.sent
    assert bool(row.problem) == (kind is not None)
    may_be_charged = kind is not None and state in {"unknown", "running"}
    assert (world.events[-1].credits_at_risk > 0) == may_be_charged
    world.answers = [(200, RAW)]
    if state == "unknown":
        with pytest.raises(errors.UnknownOutcomeError, match="not sent again"):
            world.fetch()
        assert world.posts == posts
        assert world.fetch(resend_unknown=True).raw == RAW
        assert world.posts == posts + 1
    else:
        assert world.fetch().from_archive == (state == "delivered")
        assert world.posts == posts + (state != "delivered")
    assert world.row().state == "delivered"
    assert world.fetch(token=None).from_archive


def test_the_archive_on_disk_serves_both_clients(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The default archive: what one paid for the other finds, and both close it."""
    monkeypatch.setenv("MIDIKIT_HOME", str(tmp_path / "home"))
    clip = world.fetch()
    assert not (tmp_path / "home").exists()
    with SqliteArchive(tmp_path / "home") as archive:
        world.archive = archive
        assert world.fetch().raw == clip.raw
        world.kind = {"sync": "async", "async": "sync"}[world.kind]
        assert world.fetch().from_archive
    assert world.posts == 2


def test_a_file_that_is_gone_is_made_of_the_notes_and_asked_for_once_more_a_day(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Marked, with the true reason; asked for again within 24 hours, in one request each time."""
    world.hosted = (503, b"")
    clip = world.fetch()
    assert (clip.rebuilt, clip.hosted) == (True, to_midi(read_json(RAW)))
    assert clip.hosted_problem == f"{URL}: the host answered 503"
    row = world.row()
    assert (row.midi_origin, row.midi_problem) == ("rebuilt", clip.hosted_problem)
    assert (world.gets, world.events[-1].what) == (3, "rebuilt")
    world.hosted = GONE
    again = world.fetch()
    assert (again.hosted, again.hosted_problem, again.rebuilt) == (
        clip.hosted,
        clip.hosted_problem,
        True,
    )
    assert world.gets == 4
    later = time.time() + HOSTED_SECONDS
    with monkeypatch.context() as clock:
        clock.setattr("time.time", lambda: later)
        assert world.fetch().rebuilt
    assert world.gets == 4
    world.hosted = (200, MID)
    found = world.fetch()
    assert (found.hosted, found.hosted_problem, found.rebuilt) == (MID, None, False)
    assert (world.row().midi_origin, world.row().midi_problem) == ("hosted", "")
    assert (world.posts, world.fetch().hosted, world.gets) == (1, MID, 5)


@pytest.mark.parametrize("hosted", [(403, b"<Error>expired</Error>"), GONE, (200, b"<html>login")])
def test_a_hosted_file_that_is_none_is_not_waited_for(world: World, hosted: Answer) -> None:
    """Expired, gone, or a page in its place: one request, then the notes."""
    world.hosted = hosted
    clip = world.fetch()
    assert (clip.rebuilt, world.gets, world.pauses) == (True, 1, [])
    assert str(clip.hosted_problem).startswith(URL)


def test_an_answer_that_cannot_be_read_keeps_its_bytes(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No .mid can be made of it; the answer is here, and both reasons are said."""

    def fail(answer: bytes) -> bytes:
        raise errors.AnswerError("", "data.instruments", "no notes in it")

    monkeypatch.setattr("midikit.fetch.account.rebuild", fail)
    world.hosted = GONE
    clip = world.fetch()
    assert (clip.raw, clip.hosted, clip.rebuilt) == (RAW, None, False)
    assert world.row().state == "delivered"
    said = str(clip.hosted_problem)
    assert "the host answered 404" in said
    assert said.endswith("none could be made of the notes: data.instruments: no notes in it")
    monkeypatch.undo()
    monkeypatch.setenv("MIDIKIT_ALLOW_HOSTS", "cdn.test:443")
    assert world.fetch().rebuilt


class Narrow(MemoryArchive):
    """An archive that takes no .mid."""

    def store(self, record: Record, **data: bytes | None) -> None:
        if data.get("midi") is not None:
            raise errors.OutputError("disk full")
        super().store(record, **data)


def test_a_file_that_cannot_be_stored_is_handed_over(world: World) -> None:
    """Downloaded, rebuilt, or named by a fragment: the error says so, and the clip is here."""
    world.archive = Narrow()
    assert world.fetch("one").hosted_problem == "downloaded, but not stored: disk full"
    world.hosted = GONE
    clip = world.fetch("two")
    assert clip.rebuilt
    assert str(clip.hosted_problem).endswith("; not stored: disk full")
    world.hosted = (200, MID)
    world.answers = [(200, RAW[:90])]
    with pytest.raises(UNKNOWN, match=r"no hosted \.mid: downloaded, but not stored: disk full"):
        world.fetch("three")


def test_a_budget_ends_polls_too(world: World) -> None:
    """The second call is beyond it; the clip may be asked for again, and nobody holds it."""
    budget = Budget(1)
    world.answers = [RUNNING, (200, RAW)]
    with pytest.raises(errors.BudgetError):
        world.fetch(budget=budget)
    assert (world.posts, budget.spent) == (1, 1)
    assert (world.row().state, world.row().owner) == ("running", "")
    with pytest.raises(errors.BudgetError):
        world.fetch("other", budget=Budget(0))
    assert world.archive.load("other") is None


def test_an_archive_that_lost_an_answer_is_not_paid_again(world: World) -> None:
    """A row that says delivered without bytes is damage."""
    world.archive.store(Record(CLIP, "delivered", calls=1))
    with pytest.raises(errors.MidikitError, match="its answer"):
        world.fetch()
    assert world.posts == 0


def test_polling_takes_one_step_at_a_time(world: World) -> None:
    """At most one call and no pause; not again before it is time; then the clip."""
    world.answers = [RUNNING, RUNNING, (200, RAW)]
    first = world.poll()
    assert isinstance(first, Pending)
    assert (world.posts, world.row().state, world.row().owner) == (1, "running", "")
    assert 0 < first.retry_after <= 1.5
    assert "not ready yet" in first.problem
    early = world.poll()
    assert isinstance(early, Pending)
    assert 0 < early.retry_after <= 1.5
    assert world.posts == 1
    earlier(world, 2.0)
    second = world.poll()
    assert isinstance(second, Pending)
    assert 1.5 < second.retry_after <= 2.4
    earlier(world, 2.4)
    clip = world.poll()
    assert isinstance(clip, Clip)
    assert (clip.raw, clip.hosted, world.posts, world.pauses) == (RAW, MID, 3, [])
    assert isinstance(world.poll(token=None), Clip)


def earlier(world: World, seconds: float) -> None:
    """Let the last call of the clip be longer ago."""
    row = world.row()
    object.__setattr__(row, "sent", row.sent - seconds)
    world.archive.store(row)


@pytest.mark.parametrize(
    ("answer", "result"),
    [
        ((429, b"", {"retry-after": "7"}), 7.0),
        ((503, b"", {"retry-after": "86400"}), 86400.0),
        ((429, b""), 0.5),
        (httpx.ConnectError, NOT_SENT),
        ((504, b'{"code":504}'), errors.TaskFailedError),
        (httpx.ReadError, UNKNOWN),
        ((401, b""), errors.AuthenticationError),
    ],
)
def test_a_poll_never_waits(world: World, answer: Answer, result: float | type[Exception]) -> None:
    """What asks to wait is pending; whatever else is an error, and one call was made."""
    world.answers = [answer]
    if isinstance(result, float):
        pending = world.poll()
        assert isinstance(pending, Pending)
        assert 0.5 * result <= pending.retry_after <= result
    else:
        with pytest.raises(result):
            world.poll()
    assert (world.posts, world.pauses, world.row().owner) == (1, [], "")
    if result is UNKNOWN:
        with pytest.raises(UNKNOWN):
            world.poll()
        assert world.posts == 1


def test_a_clip_in_other_hands_is_pending(world: World) -> None:
    """For a poll; a fetch waits until its deadline, and both leave it there."""
    assert world.archive.reserve(CLIP).granted
    pending = world.poll()
    assert isinstance(pending, Pending)
    assert "still fetching it" in pending.problem
    with pytest.raises(errors.DeadlineError, match="was still fetching it at the deadline"):
        world.fetch(deadline=5.0)
    assert (world.posts, world.row().state) == (0, "in flight")
    assert [event.what for event in world.events] == ["held"] * len(world.events)
    assert world.pauses == [0.1, 0.2, 0.4, 0.8, 1.0, 1.0, 1.0]


@pytest.mark.parametrize("kind", ["sync", "async"])
def test_a_clip_that_others_took_during_a_pause_is_theirs(kind: str, tmp_path: Path) -> None:
    """It is looked at before the next call: who has it now pays, who had it waits."""
    with SqliteArchive(tmp_path / "home") as mine, SqliteArchive(tmp_path / "home") as other:
        world = World(kind, mine)
        world.answers = [(504, b"task failed due to timeout, credits refunded"), (200, RAW)]

        def take_over(seconds: float) -> None:
            world.pauses.append(seconds)
            world.now += seconds
            if len(world.pauses) == 1:
                other.store(replace(world.row(), owner=""))
                assert other.reserve(CLIP).granted
            elif len(world.pauses) == 4:
                other.store(replace(world.row(), state="delivered", owner=""), answer=RAW)

        world.sleep = take_over  # type: ignore[method-assign]
        assert world.fetch().raw == RAW
        assert (world.posts, world.pauses[1:4], world.row().calls) == (1, [0.1, 0.2, 0.4], 2)
        assert "held" in [event.what for event in world.events]


def test_a_clip_whose_outcome_could_not_be_stored_is_told_so(world: World) -> None:
    """It stays with this process, which a later fetch in it does not blame on others alone."""
    store, full = world.archive.store, errors.OutputError("disk full")
    world.archive.store = Mock(side_effect=full)  # type: ignore[method-assign]
    world.answers = [httpx.ReadError]
    with pytest.raises(UNKNOWN):
        world.fetch()
    world.archive.store = store  # type: ignore[method-assign]
    with pytest.raises(errors.DeadlineError, match="or this process could not store how its own"):
        world.fetch(deadline=0.3)
    assert world.posts == 1


def test_events_tell_the_story(world: World) -> None:
    """Each call, its outcome and the pauses between, with what is at risk meanwhile."""
    world.answers = [RUNNING, (429, b"", ONE_SECOND), (200, RAW)]
    world.fetch()
    story = [
        (event.what, event.state, event.calls, event.credits_at_risk) for event in world.events
    ]
    assert story == [
        ("sending", "in flight", 1, 1),
        ("answered", "running", 1, 1),
        ("waiting", "running", 1, 1),
        ("sending", "in flight", 2, 2),
        ("answered", "running", 2, 1),
        ("waiting", "running", 2, 1),
        ("sending", "in flight", 3, 2),
        ("answered", "delivered", 3, 0),
        ("hosted", "delivered", 3, 0),
    ]
    assert {event.clip_id for event in world.events} == {CLIP}
    assert world.events[2].seconds == world.pauses[0]


def test_a_listener_that_fails_costs_no_clip(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    """It is said in the log, and the clip comes."""

    def fail(event: FetchEvent) -> None:
        raise ZeroDivisionError

    world.events = type("Failing", (), {"append": staticmethod(fail)})()
    assert world.fetch().raw == RAW
    assert f"on_event raised ZeroDivisionError for clip {CLIP}" in caplog.text


def test_a_log_handler_that_fails_costs_no_clip(world: World) -> None:
    """Neither the call, nor the lease of a clip whose call was cut off."""

    class Failing(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            raise OSError(record.name)

    logger, handler = logging.getLogger("midikit"), Failing(logging.INFO)
    level = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    try:
        assert world.fetch().raw == RAW
    finally:
        logger.setLevel(level)
        logger.removeHandler(handler)


def test_an_answer_that_comes_while_waiting_saves_the_next_call(world: World) -> None:
    """A callback is stored by somebody else; polls may cost something, and nobody keeps it."""
    world.answers = [RUNNING]

    def ingest(seconds: float) -> None:
        assert not world.pauses
        world.pauses.append(seconds)
        row = world.row()
        assert row.owner
        world.archive.store(replace(row, state="delivered", source="callback"), answer=RAW)

    world.sleep = ingest  # type: ignore[method-assign]
    assert world.fetch().raw == RAW
    assert (world.posts, len(world.pauses)) == (1, 1)
    row = world.row()
    assert (row.state, row.source, row.owner, row.midi_origin) == (
        "delivered",
        "callback",
        "",
        "hosted",
    )


def test_an_archive_that_cannot_be_read_meanwhile_gives_nobody_the_clip(world: World) -> None:
    """While a fetch waits to call again the row keeps its holder, or the fetch ends."""
    archive = world.archive
    load, store, stored = archive.load, archive.store, []

    def fail(clip_id: str) -> Stored | None:
        if world.posts:
            raise errors.InputError("archive", "", f"{clip_id} cannot be read")
        return load(clip_id)

    def note(record: Record, **given: Any) -> None:
        stored.append((record.state, record.owner, world.pauses != []))
        store(record, **given)

    archive.load = fail  # type: ignore[method-assign]
    archive.store = note  # type: ignore[method-assign]
    world.answers = [(429, b"", ONE_SECOND), (200, RAW)]
    with pytest.raises(errors.InputError, match="cannot be read"):
        world.fetch()
    assert (world.posts, stored) == (1, [("refundable", "", True)])


def test_a_clip_id_of_numpy_is_one(world: World, tmp_path: Path) -> None:
    """Its class is one of str that JSON does not know."""
    with SqliteArchive(tmp_path) as archive:
        world.archive = archive
        clip = world.fetch(np.array([CLIP])[0])
        assert (type(clip.clip_id), clip.raw) == (str, RAW)


def test_a_client_that_is_closed_too_early_loses_no_answer(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """What comes after the end of its context is kept where the error says."""
    monkeypatch.setenv("MIDIKIT_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))

    async def main() -> None:
        go, out = asyncio.Event(), asyncio.Event()

        async def answer(_: httpx.Request) -> httpx.Response:
            out.set()
            await go.wait()
            return httpx.Response(200, content=RAW)

        async with AsyncClient(TOKEN, transport=httpx.MockTransport(answer)) as client:
            task = asyncio.create_task(client.fetch(CLIP))
            await out.wait()
        go.set()
        with pytest.raises(errors.UnsavedError, match="archive is closed"):
            await task
        assert client.unsaved == {CLIP: RAW}

    asyncio.run(main())
    assert [path.read_bytes() for path in tmp_path.glob("midikit-*/*.json")] == [RAW]


SCRIPTS: list[list[Answer]] = [
    [(200, RAW)],
    [RUNNING, (200, RAW)],
    [(429, b"", ONE_SECOND), RUNNING, (200, RAW)],
    [(504, b'{"code":504}'), (200, RAW)],
    [(400, b"{}")],
    [(500, b"{}")],
    [(200, RAW[:90])],
    [httpx.ConnectError, (200, RAW)],
]


class Interrupted:
    """Drives one conversation against a memory archive and cuts it off at a step."""

    def __init__(self, script: list[Answer], cut_at: int, *, performed: bool) -> None:
        self.archive = MemoryArchive()
        self.world = World("sync", self.archive)
        self.world.answers = list(script)
        self.client = Client(sleep=self.world.sleep, **self.world.options())
        self.cut_at = cut_at
        self.performed = performed
        self.steps: list[Request] = []
        self.cut: Request | None = None

    def perform(self, request: Request) -> Any:
        self.steps.append(request)
        if len(self.steps) - 1 != self.cut_at:
            return self.client._perform(CLIP, None, request)
        self.cut = request
        if isinstance(request, ARCHIVE):
            # An archive is not cut in half: the interrupt comes with its result, or undoes it.
            value = self.client._perform(CLIP, None, request)
            raise LateInterrupt(KeyboardInterrupt(), value, None)
        if self.performed:
            self.client._perform(CLIP, None, request)
        raise KeyboardInterrupt

    def run(self) -> bool:
        """Go; tell whether it was cut off."""
        turns: Turns[Clip | Pending] = Turns(
            conversation(
                CLIP,
                secret=Secret(TOKEN),
                deadline=300.0,
                allowed=frozenset([("cdn.test", 443)]),
            )
        )
        value: Any = None
        error: BaseException | None = None
        try:
            while (request := turns.next(value, error)) is not None:
                value = error = None
                try:
                    value = self.perform(request)
                except BaseException as caught:  # noqa: BLE001
                    error = caught
        except KeyboardInterrupt:
            assert not turns.is_left_open
            return True
        except errors.MidikitError:
            return False
        return False


@pytest.mark.parametrize("performed", [False, True])
@pytest.mark.parametrize("script", SCRIPTS)
def test_an_interrupt_at_any_step_leaves_the_truth(
    monkeypatch: pytest.MonkeyPatch, script: list[Answer], performed: bool
) -> None:
    """Nobody holds the clip, no call that was out is called free, none is sent again unasked."""
    monkeypatch.setenv("MIDIKIT_ALLOW_HOSTS", "cdn.test:443")
    cut_off = 0
    for cut_at in range(200):
        scene = Interrupted(script, cut_at, performed=performed)
        was_cut = scene.run()
        if scene.cut is None:
            break
        cut_off += was_cut
        stored = scene.archive.load(CLIP)
        record = None if stored is None else stored.record
        assert record is None or record.owner == ""
        if isinstance(scene.cut, Post):
            assert record is not None
            assert record.state == "unknown"
            assert "interrupted before the answer" in record.problem
        else:
            assert record is None or record.state != "in flight"
        # A second client: never a call after one that may have been charged without an answer.
        charged = [step for step in scene.steps if isinstance(step, Post)]
        posts = scene.world.posts
        scene.world.answers = [(200, RAW)]
        try:
            clip = scene.world.fetch()
        except errors.UnknownOutcomeError:
            assert scene.world.posts == posts
        else:
            assert clip.raw == RAW
            assert clip.from_archive == (scene.world.posts == posts)
            assert len(charged) <= len(script)
    else:
        pytest.fail("no end")
    assert cut_off >= 5


def test_a_conversation_that_is_dropped_asks_for_nothing(world: World) -> None:
    """Python closes what nobody finishes, and nobody performs steps any more by then."""
    steps = conversation(CLIP, secret=Secret(TOKEN), deadline=300.0)
    request: Any = steps.send(None)
    while not isinstance(request, Post):
        results = {Now: Moment(0.0, 0.0, 0.5), Reserve: Reserved(granted=True, record=None)}
        request = steps.send(results.get(type(request)))
    steps.close()


def test_ctrl_c_does_not_cut_the_archive_in_half() -> None:
    """It comes with what the archive gave, or raised, and an error alone is that error."""
    for raised in (None, errors.OutputError("disk full")):

        def act(raised: Exception | None = raised) -> int:
            signal.raise_signal(signal.SIGINT)
            time.sleep(0.3)
            if raised is not None:
                raise raised
            return 7

        with pytest.raises(LateInterrupt) as caught:
            whole(act)
        assert isinstance(caught.value.interrupt, KeyboardInterrupt)
        assert (caught.value.value, caught.value.error) == (None if raised else 7, raised)
    with pytest.raises(ZeroDivisionError):
        whole(lambda: 1 // 0)


LOST: list[Answer] = [
    httpx.ReadError,
    (200, RAW[:90]),
    (500, b"{}"),
    (200, b'{"state":"failed"}'),
]
REFUNDED: Answer = (504, b'{"code":504}')
REFUSED: Answer = (400, b"{}")
FREE: list[Answer] = [
    httpx.ConnectError,
    RUNNING,
    (429, b"", ONE_SECOND),
    REFUNDED,
    REFUSED,
    (401, b""),
]
HISTORY = st.lists(st.sampled_from([*LOST, *FREE, (200, RAW)]), max_size=8)


@settings(deadline=None)
@given(HISTORY, st.lists(st.sampled_from(["fetch", "poll"]), min_size=1, max_size=5))
def test_no_history_is_charged_twice(history: list[Answer], methods: list[str]) -> None:
    """Whatever the service does, however often a clip is asked for: no call after a lost one.

    One that the service began on and then refuses is lost too: it may have been charged.
    """
    world = World("sync", MemoryArchive())
    answered: list[Answer] = []

    class Noted(list[Answer]):
        def pop(self, index: Any = -1) -> Answer:
            answered.append(self[index])
            return super().pop(index)

    world.answers = Noted([*history, (200, RAW), (200, RAW)])
    clip = None
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MIDIKIT_ALLOW_HOSTS", "cdn.test:443")
        for method in methods:
            with contextlib.suppress(errors.RemoteError):
                result = world.act(method, CLIP)
                clip = result if isinstance(result, Clip) else clip
    lost, is_begun = [], False
    for number, answer in enumerate(answered):
        if answer in LOST or (is_begun and answer == REFUSED):
            lost.append(number)
        is_begun = answer == RUNNING or (is_begun and answer != REFUNDED)
    assert lost in ([], [len(answered) - 1])  # nothing was sent after a call of unknown outcome
    assert (200, RAW) not in answered[:-1]  # nor after the answer
    stored = world.archive.load(CLIP)
    assert stored is None or stored.record.owner == ""
    if clip is not None:
        assert stored is not None
        assert stored.answer == RAW


def test_nothing_in_the_conversation_reads_a_clock() -> None:
    """Two runs with the same results ask for the same steps."""
    first, second = (Interrupted([RUNNING, (200, RAW)], 10**6, performed=False) for _ in range(2))
    for scene in (first, second):
        moments = iter(range(10**6))
        whole = scene.client._perform

        def perform(
            clip_id: str, stop: Any, request: Request, whole: Any = whole, moments: Any = moments
        ) -> Any:
            if isinstance(request, Now):
                return Moment(float(next(moments)), 1e9, 0.5)
            return whole(clip_id, stop, request)

        scene.client._perform = perform  # type: ignore[method-assign]
        scene.run()
    assert [type(step) for step in first.steps] == [type(step) for step in second.steps]
    assert [s for s in first.steps if isinstance(s, Sleep)] == [
        s for s in second.steps if isinstance(s, Sleep)
    ]


ECHO = f"your token {TOKEN} is bad".encode()
SCENES: list[Answer] = [
    (200, RAW),
    httpx.ConnectError,
    httpx.ReadError,
    RuntimeError,
    KeyboardInterrupt,
    asyncio.CancelledError,
    (401, ECHO),
    (403, b'{"message": "' + b"x" * 290 + ECHO + b'"}'),
    (429, b'{"message": "' + ECHO + b'"}', {"retry-after": "86400"}),
    (500, ECHO),
    (504, b'{"code": 504, "message": "' + ECHO + b'"}'),
    (200, b"<html><title>" + ECHO + b"</title></html>"),
    (200, b'{"code": 400, "message": "' + ECHO + b'"}'),
    (200, b'{"state": "failed", "message": "' + ECHO + b'"}'),
    (200, b'{"state": "' + ECHO + b'"}'),
    (200, RAW[:-1] + b', "echo": "' + ECHO + b'"}'),
    (200, b'{"midi_url": "https://cdn.test/x.mid", "echo": "' + ECHO),
]


@pytest.mark.parametrize("method", ["fetch", "poll"])
@pytest.mark.parametrize("scene", range(len(SCENES)))
def test_the_token_is_nowhere(
    world: World, tmp_path: Path, caplog: pytest.LogCaptureFixture, scene: int, method: str
) -> None:
    """Not in errors, tracebacks with locals, pickles, logs, events, the archive or a repr."""
    caplog.set_level(1)
    world.archive = SqliteArchive(tmp_path / "home")
    world.answers = [SCENES[scene]]
    world.hosted = (404, ECHO)
    said: list[str] = []
    try:
        said.append(repr(world.act(method, CLIP)))
    except (errors.MidikitError, KeyboardInterrupt, asyncio.CancelledError) as error:
        trace = traceback.TracebackException.from_exception(error, capture_locals=True)
        said += [*trace.format(), repr(error.__context__), repr(error.__cause__)]
        said.append(pickle.dumps(error).decode("latin-1"))
        assert not any("httpx" in frame.filename for frame in trace.stack)
    world.archive.close()
    said += [caplog.text, repr(world.events), *map(str, world.events)]
    said += [pickle.dumps(event).decode("latin-1") for event in world.events]
    said += [repr(vars(record)) for record in caplog.records]
    for path in (tmp_path / "home").rglob("*"):
        said.append(path.read_bytes().decode("latin-1") if path.is_file() else str(path))
    text = "".join(said)
    assert CLIP in text
    encoded = base64.b64encode(TOKEN.encode()).decode().rstrip("=")
    assert [form for form in (TOKEN, encoded, TOKEN[-8:]) if form in text] == []


def test_no_client_is_pickled_or_shows_its_token(world: World) -> None:
    """Nor what it is made of."""
    client: Any = Client(TOKEN) if world.kind == "sync" else AsyncClient(TOKEN)
    shown = repr(client) + repr(vars(client)) + repr(vars(client._account))
    assert TOKEN[-8:] not in shown
    with pytest.raises((TypeError, AttributeError)) as caught:
        pickle.dumps(client)
    assert TOKEN[-8:] not in str(caught.value)
    bad = TOKEN + " with a space"
    with pytest.raises(errors.TokenError) as refused:
        (Client if world.kind == "sync" else AsyncClient)(bad)
    trace = refused.value.__traceback__
    assert trace is not None
    frames = traceback.TracebackException(
        type(refused.value), refused.value, trace.tb_next, capture_locals=True
    )
    assert TOKEN[-8:] not in "".join(frames.format())


def test_nothing_is_printed_unless_it_is_asked_for() -> None:
    """A program without logging sees no line of ours, not even of an unknown outcome."""
    code = (
        "from midikit.fetch.telling import FetchEvent, tell;"
        "tell(FetchEvent('clip', 'unsaved', 'unknown', 1, 1), None)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout + done.stderr == ""
