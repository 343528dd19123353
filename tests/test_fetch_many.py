"""Many clips: a few at a time, results as they come, an orderly end, in threads and in a loop."""

from __future__ import annotations

import asyncio
import contextlib
import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pytest

from midikit import errors
from midikit.fetch.async_client import AsyncClient
from midikit.fetch.client import Client, Clip
from midikit.fetch.disk.sqlite import SqliteArchive
from midikit.fetch.memory import MemoryArchive
from midikit.fetch.net import async_wire

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator
    from pathlib import Path

NOTES = [{"start": 0.0, "end": 0.5, "pitch": 60, "velocity": 0.8}]
RAW = json.dumps({"instruments": [{"name": "Piano", "notes": NOTES}]}).encode()
RUNNING = b'{"code":200,"data":{"state":"running"}}'
TOKEN = "sk-Zq7-do-not-show-me-4411"


class Service:
    """Counts POSTs a clip and how many are out at once; answers with what `act` gives."""

    def __init__(self) -> None:
        self.posts: dict[str, int] = {}
        self.out = self.most_out = 0
        self.act: Callable[[str], tuple[int, bytes]] = lambda _: (200, RAW)
        self.lock = threading.Lock()
        service = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                clip_id = json.loads(body)["clip_id"]
                with service.lock:
                    service.posts[clip_id] = service.posts.get(clip_id, 0) + 1
                    service.out += 1
                    service.most_out = max(service.most_out, service.out)
                try:
                    status, body = service.act(clip_id)
                finally:
                    with service.lock:
                        service.out -= 1
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        class Quiet(ThreadingHTTPServer):
            request_queue_size = 128

            def handle_error(self, *_: object) -> None:
                pass

        self.server = Quiet(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.02,))
        self.thread.start()

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.thread.join(5)


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Service]:
    """Run a service that delivers at once, and point midikit at it."""
    service = Service()
    monkeypatch.setenv("MIDIKIT_TOKEN", TOKEN)
    monkeypatch.setenv("MIDIKIT_BASE_URL", f"http://127.0.0.1:{service.server.server_port}")
    monkeypatch.setenv("MIDIKIT_HOME", str(tmp_path / "home"))
    yield service
    service.close()


class Counted:
    """Clip ids that say how many of them were taken."""

    def __init__(self, count: int) -> None:
        self.count = count
        self.taken = 0

    def __iter__(self) -> Iterator[str]:
        for number in range(self.count):
            self.taken += 1
            yield f"clip-{number}"

    async def __aiter__(self) -> AsyncIterator[str]:
        for clip_id in self:
            yield clip_id


Results = list[tuple[str, Clip | Exception]]


def fetch_many(kind: str, ids: Any, jobs: int, most: int = 10**9, **options: Any) -> Results:
    """Fetch with either client, and stop after so many results."""
    results: Results = []
    if kind == "sync":
        with Client(**options) as client:
            stream = client.fetch_many(ids, jobs=jobs)
            for result in stream:
                results.append(result)
                if len(results) == most:
                    stream.close()
        return results

    async def main() -> None:
        async with AsyncClient(max_concurrency=jobs, **options) as client:
            stream = client.fetch_many(ids)
            async for result in stream:
                results.append(result)
                if len(results) == most:
                    await stream.aclose()  # type: ignore[attr-defined]

    asyncio.run(main())
    return results


async def until(is_so: Callable[[], bool]) -> None:
    """Look on, without blocking, until something is so."""
    while not is_so():  # noqa: ASYNC110 - it happens in a thread
        await asyncio.sleep(0.01)


KINDS = pytest.mark.parametrize("kind", ["sync", "async"])


@KINDS
def test_every_clip_comes_once_and_no_more_are_out_than_allowed(
    service: Service, kind: str
) -> None:
    """Results as they come, the archive on disk, and ids taken no faster than clips are done."""
    ids = Counted(60)
    ahead = 0

    def act(clip_id: str) -> tuple[int, bytes]:
        nonlocal ahead
        ahead = max(ahead, ids.taken - len(service.posts))
        return 200, RAW

    service.act = act
    results = fetch_many(kind, ids, 4)
    assert sorted(clip_id for clip_id, _ in results) == sorted(f"clip-{n}" for n in range(60))
    assert all(isinstance(clip, Clip) and clip.raw == RAW for _, clip in results)
    assert set(service.posts.values()) == {1}
    assert service.most_out <= 4
    assert ahead <= 4
    with SqliteArchive() as archive:
        assert {record.state for record in archive.list()} == {"delivered"}
        assert len(list(archive.list())) == 60


@KINDS
def test_a_failed_clip_costs_itself_alone(service: Service, kind: str) -> None:
    """Its error is its result."""
    service.act = lambda clip_id: (400, b"{}") if clip_id == "clip-3" else (200, RAW)
    results = dict(fetch_many(kind, Counted(8), 3, archive=MemoryArchive()))
    assert len(results) == 8
    assert isinstance(results.pop("clip-3"), errors.ClipRefusedError)
    assert all(isinstance(clip, Clip) for clip in results.values())


@KINDS
@pytest.mark.parametrize("status", [401, 402, 403, 455])
def test_what_would_meet_every_clip_ends_the_batch(
    service: Service, kind: str, status: int
) -> None:
    """Those that are out still come; the other thousand are neither taken nor asked for."""
    ids = Counted(1000)

    def act(clip_id: str) -> tuple[int, bytes]:
        if clip_id == "clip-5":
            return status, b"{}"
        time.sleep(0.05)
        return 200, RAW

    service.act = act
    results = dict(fetch_many(kind, ids, 4, archive=MemoryArchive()))
    assert isinstance(results.pop("clip-5"), errors.RemoteError)
    assert ids.taken <= 5 + 4 + 1
    assert len(service.posts) <= ids.taken
    for clip_id, result in results.items():
        if clip_id in service.posts:
            assert isinstance(result, Clip)
        else:  # it was its turn just then
            assert "stopped before it was asked for" in str(result)
    assert set(service.posts) - {"clip-5"} <= set(results)


@KINDS
def test_a_running_clip_does_not_hold_the_end_up(service: Service, kind: str) -> None:
    """One that waits between two calls ends, may be asked for again, and nobody holds it."""
    waiting = threading.Event()

    def act(clip_id: str) -> tuple[int, bytes]:
        if clip_id == "clip-0":
            waiting.set()
            return 200, RUNNING
        assert waiting.wait(5)
        time.sleep(0.2)
        return 401, b"{}"

    service.act = act
    archive = MemoryArchive()
    begun = time.monotonic()
    results = dict(fetch_many(kind, Counted(9), 2, archive=archive))
    assert time.monotonic() - begun < 1.2
    assert set(results) == {"clip-0", "clip-1"}
    assert isinstance(results["clip-0"], errors.DeadlineError)
    assert "stopped while it was not ready yet" in str(results["clip-0"])
    stored = archive.load("clip-0")
    assert stored is not None
    assert (stored.record.state, stored.record.owner) == ("running", "")


@KINDS
def test_closing_the_stream_waits_for_what_is_out(service: Service, kind: str) -> None:
    """What is being paid for comes back and is kept; nothing new goes out."""
    first = threading.Event()

    def act(clip_id: str) -> tuple[int, bytes]:
        if clip_id != "clip-0":
            first.wait(5)
            time.sleep(0.3)
        return 200, RAW

    service.act = act
    archive = MemoryArchive()
    first.set()
    results = fetch_many(kind, Counted(1000), 4, most=1, archive=archive)
    assert len(results) == 1
    states = {record.state for record in archive.list()}
    assert states == {"delivered"}
    assert len(list(archive.list())) == len(service.posts) <= 5
    assert set(service.posts.values()) == {1}


def test_a_budget_is_shared_by_a_batch(service: Service) -> None:
    """No more calls than it holds, whatever the number of threads."""
    from midikit.fetch.budget import Budget

    results = fetch_many("sync", Counted(50), 8, budget=Budget(5), archive=MemoryArchive())
    assert sum(service.posts.values()) == 5
    assert sum(isinstance(result, Clip) for _, result in results) == 5
    others = [error for _, error in results if not isinstance(error, Clip)]
    assert {type(error) for error in others} <= {errors.BudgetError, errors.DeadlineError}


def test_a_cancelled_batch_drains(service: Service) -> None:
    """As Ctrl-C does under asyncio.run: calls that are out come back, then the task ends."""
    archive = MemoryArchive()

    def act(_: str) -> tuple[int, bytes]:
        time.sleep(0.3)
        return 200, RAW

    service.act = act

    async def main() -> None:
        async with AsyncClient(archive=archive, max_concurrency=3) as client:
            async for _ in client.fetch_many(Counted(1000)):
                pass

    async def cancel() -> None:
        task = asyncio.create_task(main())
        await until(lambda: service.out == 3)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(cancel())
    assert {record.state for record in archive.list()} == {"delivered"}
    assert len(list(archive.list())) == len(service.posts) == 3


def test_a_second_cancellation_does_not_wait(service: Service) -> None:
    """What is cut off then is of unknown outcome, held by nobody, and listed."""
    archive = MemoryArchive()
    over = threading.Event()

    def act(_: str) -> tuple[int, bytes]:
        over.wait(5)
        return 200, RAW

    service.act = act

    async def main() -> None:
        async with AsyncClient(archive=archive, max_concurrency=3) as client:
            async for _ in client.fetch_many(Counted(1000)):
                pass

    async def cancel() -> None:
        task = asyncio.create_task(main())
        await until(lambda: service.out == 3)
        task.cancel()
        await asyncio.sleep(0.05)
        assert not task.done()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    begun = time.monotonic()
    asyncio.run(cancel())
    over.set()
    assert time.monotonic() - begun < 3.0
    rows = list(archive.list())
    assert {(row.state, row.owner) for row in rows} == {("unknown", "")}
    assert {row.problem for row in rows} == {"it was interrupted before the answer came"}
    assert len(rows) == 3


class SlowArchive(MemoryArchive):
    """An archive that takes its time, so that a cancellation finds it at work."""

    def __init__(self, slow: str) -> None:
        super().__init__()
        self.slow = slow
        self.at_work = threading.Event()

    def reserve(self, *words: Any, **options: Any) -> Any:
        return self._slowly("reserve", super().reserve, *words, **options)

    def store(self, *words: Any, **options: Any) -> Any:
        return self._slowly("store", super().store, *words, **options)

    def _slowly(self, name: str, act: Callable[..., Any], *words: Any, **options: Any) -> Any:
        if name == self.slow and not self.at_work.is_set():
            self.at_work.set()
            time.sleep(0.3)
        return act(*words, **options)


@pytest.mark.parametrize(
    ("slow", "state", "posts"), [("reserve", "refundable", 0), ("store", "delivered", 1)]
)
def test_a_cancellation_waits_for_the_archive(
    service: Service, slow: str, state: str, posts: int
) -> None:
    """A grant that nobody uses is given back, an answer that is being stored is stored."""
    archive = SlowArchive(slow)

    async def main() -> None:
        async with AsyncClient(archive=archive) as client:
            task = asyncio.create_task(client.fetch("clip"))
            await until(archive.at_work.is_set)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task

    asyncio.run(main())
    (row,) = archive.list()
    assert (row.state, row.owner, sum(service.posts.values())) == (state, "", posts)
    assert [clip for _, clip in fetch_many("async", ["clip"], 1, archive=archive)]
    assert sum(service.posts.values()) == 1


def test_concurrency_is_bounded_for_single_fetches_too(service: Service) -> None:
    """A thousand awaited at once are a few at a time; the deadline begins with their turn."""

    def act(_: str) -> tuple[int, bytes]:
        time.sleep(0.02)
        return 200, RAW

    service.act = act

    async def main() -> list[Clip]:
        async with AsyncClient(archive=MemoryArchive(), max_concurrency=5) as client:
            return await asyncio.gather(*(client.fetch(clip_id) for clip_id in Counted(40)))

    assert len(asyncio.run(main())) == 40
    assert service.most_out <= 5


def test_a_client_outlives_its_loop(service: Service) -> None:
    """One loop after another waits for room in it."""
    client = AsyncClient(archive=MemoryArchive(), max_concurrency=1)

    async def fetch(*ids: str) -> list[bytes]:
        return [clip.raw for clip in await asyncio.gather(*map(client.fetch, ids))]

    assert asyncio.run(fetch("a", "b", "c")) == [RAW] * 3
    assert asyncio.run(fetch("d", "e", "f")) == [RAW] * 3
    assert service.most_out == 1


def test_a_name_is_looked_up_without_blocking(monkeypatch: pytest.MonkeyPatch) -> None:
    """A resolver that hangs ends at the deadline, and the loop goes on meanwhile."""
    over = threading.Event()
    monkeypatch.setattr("socket.getaddrinfo", lambda *_, **__: over.wait(5) and [])

    async def main() -> int:
        ticks = 0
        task = asyncio.create_task(async_wire.resolve("cdn.test", 443, 0.3))
        while not task.done():
            await asyncio.sleep(0.02)
            ticks += 1
        with pytest.raises(TimeoutError, match=r"no address of 'cdn.test' within 0.3 s"):
            await task
        return ticks

    assert asyncio.run(main()) >= 5
    over.set()

    async def ask() -> None:
        await async_wire.resolve("cdn.test", 443, 5.0)

    with pytest.raises(OSError, match="there is no such host"), contextlib.suppress(TimeoutError):
        asyncio.run(ask())
