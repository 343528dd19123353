"""What sockets do: a server on loopback that resets, cuts, drips and stays silent."""

from __future__ import annotations

import asyncio
import contextlib
import io
import json
import logging
import socket
import struct
import threading
import time
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from midikit import errors
from midikit.fetch.answers import Failure, Reply
from midikit.fetch.async_client import AsyncClient
from midikit.fetch.client import Client, Clip
from midikit.fetch.download import download
from midikit.fetch.memory import MemoryArchive
from midikit.fetch.net import async_wire, exchange
from midikit.fetch.net.wire import Wire, get

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

TOKEN = "sk-Zq7-do-not-show-me-4411"
MID = bytes.fromhex("4d546864000000060000000101e0 4d54726b0000000400ff2f00")
NOTES = [{"start": 0.0, "end": 0.5, "pitch": 60, "velocity": 0.8}]


class Server:
    """One thread a connection; `act` gets the socket and the request, then it is closed."""

    def __init__(self, kind: str = "sync") -> None:
        self.kind = kind
        self.act: Callable[[socket.socket, bytes], None] = lambda connection, _: self.answer(
            connection
        )
        self.seen: list[bytes] = []
        self.over = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.settimeout(0.05)
        self.port = self._listener.getsockname()[1]
        self.origin = f"http://127.0.0.1:{self.port}"
        self.raw = json.dumps(
            {"midi_url": f"{self.origin}/a.mid", "instruments": [{"name": "A", "notes": NOTES}]}
        ).encode()
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()

    def _accept(self) -> None:
        while not self.over.is_set():
            with contextlib.suppress(OSError):
                connection, _ = self._listener.accept()
                thread = threading.Thread(target=self._serve, args=(connection,))
                self._threads.append(thread)
                thread.start()

    def _serve(self, connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            connection.settimeout(5)
            request = b""
            while b"\r\n\r\n" not in request or request.startswith(b"POST") > request.endswith(
                b"}"
            ):
                piece = connection.recv(65536)
                request += piece
                if not piece or not request.startswith((b"POST", b"GET")):
                    break
            self.seen.append(request)
            if request.startswith(b"GET"):
                self.answer(connection, MID)
            elif not self.over.is_set():
                self.act(connection, request)

    def answer(self, connection: socket.socket, body: bytes | None = None) -> None:
        body = self.raw if body is None else body
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)

    def close(self) -> None:
        self.over.set()
        for thread in self._threads:
            thread.join(5)
        self._listener.close()

    def fetch(self, deadline: float = 20.0) -> Clip:
        """Fetch with everything from the environment, and no pauses."""
        if self.kind == "sync":
            with Client(sleep=lambda _: None) as client:
                return client.fetch("clip", deadline=deadline)

        async def main() -> Clip:
            async with AsyncClient(sleep=lambda _: asyncio.sleep(0)) as client:
                return await client.fetch("clip", deadline=deadline)

        return asyncio.run(main())

    def get(self, url: str, **options: Any) -> Reply | Failure:
        """Get a file by the wire of this kind."""
        if self.kind == "sync":
            return get(Wire(), url, **options)
        return asyncio.run(async_wire.get(async_wire.AsyncWire(), url, **options))

    @property
    def posts(self) -> int:
        return sum(request.startswith(b"POST ") for request in self.seen)


@pytest.fixture(params=["sync", "async"])
def server(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Iterator[Server]:
    """Run a server that is base and .mid host at once, for either client."""
    server = Server(request.param)
    monkeypatch.setenv("MIDIKIT_TOKEN", TOKEN)
    monkeypatch.setenv("MIDIKIT_BASE_URL", server.origin)
    monkeypatch.setenv("MIDIKIT_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("MIDIKIT_ALLOW_HOSTS", f"127.0.0.1:{server.port}")
    yield server
    server.close()


def test_a_clip_comes_over_real_sockets(server: Server) -> None:
    """One connection for the call, one for the file, and the token in the first alone."""
    logs = io.StringIO()
    handler = logging.StreamHandler(logs)
    root = logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(1)
    try:
        clip = server.fetch()
    finally:
        root.removeHandler(handler)
        root.setLevel(level)
    assert (clip.raw, clip.hosted) == (server.raw, MID)
    post, download_request = server.seen
    assert post.startswith(b"POST /midi HTTP/1.1\r\n")
    assert f"Authorization: Bearer {TOKEN}\r\n".encode() in post
    assert b"Connection: close\r\n" in post
    assert post.endswith(b'\r\n\r\n{"clip_id": "clip"}')
    assert b"uthorization" not in download_request
    assert TOKEN not in logs.getvalue()
    assert "send_request_headers" in logs.getvalue()


def reset(connection: socket.socket, _: bytes) -> None:
    """Answer with a reset."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def close(connection: socket.socket, _: bytes) -> None:
    """Answer with nothing."""


def cut(connection: socket.socket, _: bytes) -> None:
    """Claim more than comes."""
    connection.sendall(b'HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\n{"instruments": [')


def cut_chunks(connection: socket.socket, _: bytes) -> None:
    """Begin a chunk and leave."""
    connection.sendall(b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nff\r\n{"instr')


def no_http(connection: socket.socket, _: bytes) -> None:
    """Speak something else."""
    connection.sendall(b"220 mail.example ESMTP\r\n")


@pytest.mark.parametrize("fault", [reset, close, cut, cut_chunks, no_http])
def test_whatever_breaks_after_the_request_is_unknown(
    server: Server, fault: Callable[[socket.socket, bytes], None]
) -> None:
    """One POST, and nobody is told that nothing was charged."""
    server.act = fault
    with pytest.raises(errors.UnknownOutcomeError, match="may have been charged"):
        server.fetch()
    assert server.posts == 1


def silence(connection: socket.socket, _: bytes) -> None:
    """Say nothing until the other side leaves."""
    connection.recv(1)


def drip_body(connection: socket.socket, _: bytes) -> None:
    """Send a byte at a time."""
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 99999\r\n\r\n")
    drip(connection)


def drip_headers(connection: socket.socket, _: bytes) -> None:
    """Send a header a byte at a time."""
    connection.sendall(b"HTTP/1.1 200 OK\r\nX-Slow: ")
    drip(connection)


def late_drip(connection: socket.socket, _: bytes) -> None:
    """Send a byte just before the deadline, then nothing."""
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 99999\r\n\r\n")
    time.sleep(0.4)
    connection.sendall(b"x")
    connection.recv(1)


def interim(connection: socket.socket, _: bytes) -> None:
    """Send interim answers for ever."""
    while True:
        connection.sendall(b"HTTP/1.1 102 Processing\r\n\r\n")
        time.sleep(0.05)


def drip(connection: socket.socket) -> None:
    """Send bytes until the other side leaves."""
    while True:
        connection.sendall(b"x")
        time.sleep(0.05)


@pytest.mark.parametrize("fault", [silence, drip_body, drip_headers, late_drip, interim])
def test_no_server_holds_a_deadline_up(
    server: Server, fault: Callable[[socket.socket, bytes], None]
) -> None:
    """Half a second is half a second, however the bytes come."""
    server.act = fault
    begun = time.monotonic()
    with pytest.raises(errors.UnknownOutcomeError):
        server.fetch(deadline=0.5)
    assert 0.4 <= time.monotonic() - begun < 2.0
    assert server.posts == 1


def test_a_dripping_file_ends_at_the_deadline(server: Server) -> None:
    """The download as well, and the server sees the other side leave."""

    def answer(connection: socket.socket, body: bytes | None = None) -> None:
        drip_body(connection, b"")

    server.answer = answer  # type: ignore[method-assign]
    begun = time.monotonic()
    with pytest.raises(errors.DownloadError, match="not complete at the deadline"):
        download(f"{server.origin}/a.mid", deadline=0.5)
    assert time.monotonic() - begun < 2.0


def test_a_refused_connection_is_tried_again_and_costs_nothing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Four times in a row, with pauses, then the error that says so."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    pauses: list[float] = []
    client = Client(
        TOKEN,
        base_url=f"http://127.0.0.1:{port}",
        archive=MemoryArchive(),
        sleep=pauses.append,
    )
    with pytest.raises(errors.NotSentError, match=r"refused.*4 calls in a row not sent"):
        client.fetch("clip")
    assert len(pauses) == 3
    assert pauses == sorted(pauses)


def test_failed_tls_is_not_sent(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that cannot prove who it is gets neither the token nor a request."""
    monkeypatch.setenv("MIDIKIT_BASE_URL", server.origin.replace("http", "https"))
    server.act = no_http
    with pytest.raises(errors.NotSentError):
        server.fetch()
    assert len(server.seen) == 4
    assert not any(b"POST" in request or TOKEN.encode() in request for request in server.seen)


def test_what_breaks_before_the_request_is_not_sent(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Certificates that cannot be read and threads that cannot be started cost no clip."""
    monkeypatch.setenv("MIDIKIT_BASE_URL", "https://127.0.0.1:9/")
    monkeypatch.setenv("SSL_CERT_FILE", "/nowhere/certificates.pem")
    exchange.tls.cache_clear()
    with pytest.raises(errors.NotSentError, match=r"certificates cannot be read.*SSL_CERT_FILE"):
        server.fetch()
    exchange.tls.cache_clear()
    monkeypatch.setenv("MIDIKIT_BASE_URL", "http://localhost:9/")
    started = threading.Thread.start

    def start(thread: threading.Thread) -> None:
        if thread.name == "midikit-resolve":
            raise RuntimeError("can't start new thread")
        started(thread)

    monkeypatch.setattr(threading.Thread, "start", start)
    with pytest.raises(errors.NotSentError, match="can't start new thread"):
        server.fetch()


def test_no_redirect_of_the_call_is_followed(server: Server) -> None:
    """The token goes to one address."""
    elsewhere = Server()
    try:
        location = f"{elsewhere.origin}/midi".encode()
        server.act = lambda connection, _: connection.sendall(
            b"HTTP/1.1 307 Go\r\nContent-Length: 0\r\nLocation: " + location + b"\r\n\r\n"
        )
        with pytest.raises(errors.UnknownOutcomeError, match="redirects are not followed"):
            server.fetch()
        assert elsewhere.seen == []
    finally:
        elsewhere.close()


def test_a_name_is_reached_at_the_address_that_was_checked(server: Server) -> None:
    """The name stays in the Host header, and nobody is asked what it means."""
    reply = server.get(
        f"http://cdn.test:{server.port}/a.mid",
        addresses=["127.0.0.1"],
        max_bytes=1000,
        left=lambda: 5.0,
    )
    assert isinstance(reply, Reply)
    assert (reply.status, reply.body) == (200, MID)
    assert f"Host: cdn.test:{server.port}\r\n".encode() in server.seen[0]


def test_the_next_address_is_tried_when_one_is_dead(server: Server) -> None:
    """A host with several addresses is reached at the one that answers."""
    reply = server.get(
        f"http://cdn.test:{server.port}/a.mid",
        addresses=["127.0.0.2", "127.0.0.1"],
        max_bytes=1000,
        left=lambda: 5.0,
    )
    assert isinstance(reply, Reply)
    nobody = server.get("http://cdn.test/", addresses=[], max_bytes=1, left=lambda: 5.0)
    assert isinstance(nobody, Failure)
    assert not nobody.sent


def test_localhost_that_is_elsewhere_is_not_contacted(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Plain http is for this machine, whatever a name server says localhost is."""
    monkeypatch.setenv("MIDIKIT_BASE_URL", "http://localhost:9/")
    row = (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("192.0.2.1", 9))
    monkeypatch.setattr("socket.getaddrinfo", lambda *_, **__: [row])
    with pytest.raises(errors.NotSentError, match="localhost is not this machine"):
        server.fetch()


def test_a_passed_deadline_sends_nothing(server: Server) -> None:
    """No connection is opened when there is no time for it."""
    reply = server.get(f"{server.origin}/", addresses=None, max_bytes=1, left=lambda: 0.0)
    assert reply == Failure(sent=False, problem="no connection in time")
    left = iter([5.0, 5.0, 5.0, 0.0])
    reply = server.get(f"{server.origin}/", addresses=None, max_bytes=1, left=lambda: next(left))
    assert isinstance(reply, Failure)
    assert not reply.sent


def test_a_transport_of_httpx_can_be_used(server: Server) -> None:
    """One with a proxy, for example; the clip is the same."""

    async def main() -> Clip:
        async with AsyncClient(transport=httpx.AsyncHTTPTransport()) as client:
            return await client.fetch("clip")

    if server.kind == "sync":
        with Client(transport=httpx.HTTPTransport()) as client:
            clip = client.fetch("clip")
    else:
        clip = asyncio.run(main())
    assert (clip.raw, clip.hosted) == (server.raw, MID)
