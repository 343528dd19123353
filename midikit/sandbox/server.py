"""The endpoint on a loopback address: the same paths, bodies and refusals, with songs of its own.

`serve` starts it for the length of a ``with`` block. What it would have charged is counted, so
that a test can say what a client paid.
"""

from __future__ import annotations

import contextlib
import ipaddress
import json
import socket
import socketserver
import sys
import threading
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

from midikit.errors import RemoteError
from midikit.escape import quoted
from midikit.sandbox.endpoint import BASE, FILES, Sandbox, encoded, message
from midikit.sandbox.songs import demo_songs

if TYPE_CHECKING:
    from collections.abc import Iterator

    from midikit.sandbox.songs import DemoSong

__all__ = ["serve"]

_CALL = f"{BASE}/midi"
_MAX_BODY = 1 << 16
_MAX_PORT = 65_535
_IDLE_SECONDS = 30.0
_CLOSE_SECONDS = 5.0
_POLL_SECONDS = 0.02


@contextlib.contextmanager
def serve(
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    polls: int = 2,
    songs: tuple[DemoSong, ...] | None = None,
) -> Iterator[Sandbox]:
    """Run a sandbox for the length of a ``with`` block.

    Parameters
    ----------
    host : str, optional
        Loopback address or name to listen on.
    port : int, optional
        Port to listen on, 0 for any free one.
    polls : int, optional
        How many calls of each clip are answered with ``running`` before the notes come.
    songs : tuple of DemoSong or None, optional
        Songs to answer, the demo songs by default.

    Yields
    ------
    Sandbox
        Its address, token, clips and counters. Requests are answered in threads of their own.

    Raises
    ------
    RemoteError
        If `host` is no loopback address, or the port cannot be had; the message says why.

    Examples
    --------
    >>> with serve(polls=0) as sandbox:
    ...     sorted(sandbox.environment)
    ['MIDIKIT_ALLOW_HOSTS', 'MIDIKIT_BASE_URL', 'MIDIKIT_TOKEN']
    """
    chosen = demo_songs() if songs is None else songs
    with _listening(host, port) as server:
        server.sandbox = sandbox = Sandbox(server.authority, chosen, polls)
        thread = threading.Thread(
            target=server.serve_forever, args=(_POLL_SECONDS,), name="midikit-sandbox", daemon=True
        )
        thread.start()
        try:
            yield sandbox
        finally:
            server.shutdown()
            thread.join()


@contextlib.contextmanager
def _listening(host: str, port: int) -> Iterator[_Server]:
    """Bind to a loopback address, and close everything at the end."""
    where = f"{host}:{port}" if host.isascii() and host.isprintable() else quoted(host)
    if not 0 <= port <= _MAX_PORT:
        raise RemoteError("", f"{where}: no port; expected 0 (any free one) to {_MAX_PORT}")
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        if not ipaddress.ip_address(address[0]).is_loopback:
            raise RemoteError("", f"{where}: no loopback address; expected such as 127.0.0.1")
        server = _Server(address, family)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise RemoteError(
            "", f"{where}: cannot listen: {reason}; choose another host or port"
        ) from None
    try:
        yield server
    finally:
        server.server_close()


class _Server(ThreadingHTTPServer):
    """A server that closes the connections it holds when it closes."""

    daemon_threads = True
    request_queue_size = 128
    sandbox: Sandbox

    def __init__(self, address: Any, family: int) -> None:
        self.address_family = socket.AddressFamily(family)
        self._connections: set[socket.socket] = set()
        self._changed = threading.Condition()
        super().__init__(address[:2], _Handler)

    def server_bind(self) -> None:
        """Bind without asking any name server who we are."""
        socketserver.TCPServer.server_bind(self)
        host, port = self.server_address[:2]
        self.server_name, self.server_port = str(host), int(port)

    @property
    def authority(self) -> str:
        """Host and port as they stand in a URL."""
        host = f"[{self.server_name}]" if ":" in self.server_name else self.server_name
        return f"{host}:{self.server_port}"

    def process_request(self, request: Any, client_address: Any) -> None:
        """Remember a connection, then serve it in a thread."""
        with self._changed:
            self._connections.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        """Close a connection and forget it."""
        super().shutdown_request(request)
        with self._changed:
            self._connections.discard(request)
            self._changed.notify_all()

    def server_close(self) -> None:
        """Stop listening, hang up on idle clients and wait for the threads that serve them."""
        super().server_close()
        with self._changed:
            for connection in self._connections:
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RD)
            self._changed.wait_for(lambda: not self._connections, _CLOSE_SECONDS)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing about clients that hang up; anything else is a fault of this module."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    server_version = "midikit-sandbox"
    sys_version = ""
    timeout = _IDLE_SECONDS
    wbufsize = -1
    disable_nagle_algorithm = True
    server: _Server

    def do_POST(self) -> None:
        """Answer the call."""
        body = self._body()
        if body is None:
            return
        if self.path != _CALL:
            self._say(404, "Not Found")
            return
        refusal = self._unauthorized()
        if refusal:
            self._say(401, refusal)
            return
        self._call(body)

    def do_GET(self) -> None:
        """Answer a download."""
        if self._body() is None:
            return
        name = self.path.removeprefix(FILES).removesuffix(".mid")
        known = self.path == f"{FILES}{name}.mid"
        count = self.command == "GET"
        data = self.server.sandbox.hosted(name, count=count) if known else None
        if data is None:
            self._refuse()
        else:
            self._reply(200, data, "audio/midi")

    do_HEAD = do_GET  # noqa: N815 - named by http.server

    def _other(self) -> None:
        """Answer any other method."""
        if self._body() is not None:
            self._refuse()

    do_PUT = do_DELETE = do_PATCH = do_OPTIONS = _other  # noqa: N815 - as above

    def _refuse(self) -> None:
        """Say that there is nothing here, or not by this method."""
        if self.path == _CALL:
            self._say(405, "Method Not Allowed", allow="POST")
        else:
            self._say(404, "Not Found")

    def _unauthorized(self) -> str:
        """Tell what is wrong with the authorization, empty if nothing is."""
        header = self.headers.get("Authorization")
        if header is None:
            return "Authorization header is missing."
        scheme, _, token = header.partition(" ")
        right = scheme.lower() == "bearer" and token.strip() == self.server.sandbox.token
        return "" if right else "Invalid authorization format."

    def _call(self, body: bytes) -> None:
        """Answer an authorized call."""
        try:
            request = json.loads(body)
        except (ValueError, RecursionError):
            self._say(400, "Request body must be JSON.")
            return
        clip_id = request.get("clip_id") if isinstance(request, dict) else None
        if not isinstance(clip_id, str) or not clip_id:
            self._say(400, "clip_id is required.")
            return
        answer = self.server.sandbox.answer(clip_id)
        if answer is None:
            self._say(400, "task not found.")
        else:
            self._reply(200, answer, "application/json")

    def _body(self) -> bytes | None:
        """Read the body of a request; None if it was refused, and answered.

        Bodies are read even where nobody looks at them: closing a connection on unread bytes would
        take the answer away from the client.
        """
        if "Transfer-Encoding" in self.headers:
            self.close_connection = True
            self._say(411, "Length Required")
            return None
        length = self.headers.get("Content-Length", "0").strip()
        if not (length.isascii() and length.isdigit() and len(length) < 20):
            self.close_connection = True
            self._say(400, "Bad Content-Length.")
            return None
        if int(length) > _MAX_BODY:
            self.close_connection = True
            self._say(413, "Payload Too Large")
            return None
        return self.rfile.read(int(length))

    def _say(self, code: int, text: str, *, allow: str = "") -> None:
        """Answer with a message of the endpoint."""
        self._reply(code, encoded(message(code, text)), "application/json", allow=allow)

    def _reply(self, code: int, data: bytes, kind: str, *, allow: str = "") -> None:
        """Answer with a body of known length."""
        self.send_response(code)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        if allow:
            self.send_header("Allow", allow)
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    def handle_expect_100(self) -> bool:
        """Ask for the body at once, not when the answer is flushed."""
        go_on = super().handle_expect_100()
        self.wfile.flush()
        return go_on

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """Answer a request that http.server itself refuses."""
        del explain
        self.close_connection = True
        self.command = getattr(self, "command", None) or "GET"
        self._say(code, message or HTTPStatus(code).phrase)

    def log_message(self, *_: Any) -> None:
        """Log nothing."""
