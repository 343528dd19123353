"""Requests to the sandbox, and replies to them, as badly as they are meant to be."""

from __future__ import annotations

import itertools
import json
import socket
import struct
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING, Any, Protocol

from midikit.sandbox.endpoint import BASE, FILES, LEDGER
from midikit.sandbox.ledger import Visit
from midikit.sandbox.made import made_midi
from midikit.sandbox.replies import Reply, blocks, encoded, said

if TYPE_CHECKING:
    from collections.abc import Iterable

    from midikit.sandbox.endpoint import Sandbox
    from midikit.sandbox.replies import Manner

__all__ = ["CanaryHandler", "SandboxHandler"]

_CALL = f"{BASE}/midi"
_MAX_BODY = 1 << 16
_MAX_SHOWN = 4096
_IDLE_SECONDS = 30.0
_DRIP_SECONDS = 0.2
_NO_LINGER = struct.pack("ii", 1, 0)


class _Served(Protocol):
    """What a handler needs of its server."""

    sandbox: Sandbox
    resets: set[socket.socket]


class _Handler(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    server_version = "midikit-sandbox"
    sys_version = ""
    timeout = _IDLE_SECONDS
    wbufsize = -1
    disable_nagle_algorithm = True
    server: Any

    @property
    def sandbox(self) -> Sandbox:
        """The sandbox this belongs to."""
        served: _Served = self.server
        return served.sandbox

    def body(self) -> bytes | None:
        """Read the body of a request; None if it was refused, and answered.

        Bodies are read even where nobody looks at them: closing a connection on unread bytes would
        take the answer away from the client.
        """
        if "Transfer-Encoding" in self.headers:
            self.close_connection = True
            self.reply(said(411, "Length Required"))
            return None
        length = self.headers.get("Content-Length", "0").strip()
        if not (length.isascii() and length.isdigit() and len(length) < 20):
            self.close_connection = True
            self.reply(said(400, "Bad Content-Length."))
            return None
        if int(length) > _MAX_BODY:
            self.close_connection = True
            self.reply(said(413, "Payload Too Large"))
            return None
        return self.rfile.read(int(length))

    def reply(self, reply: Reply) -> bool:
        """Send a reply; tell whether all of it was written."""
        manner, data = reply.manner, reply.body
        if manner != "whole":
            self.close_connection = True
        if manner in {"close", "reset", "hang"}:
            self._leave(manner)
            return False
        length = ("Content-Length", str(len(data)))
        if manner == "endless":
            length = ("Cache-Control", "no-store")
        elif manner == "cut chunked":
            length = ("Transfer-Encoding", "chunked")
            data = f"{len(data):x}\r\n".encode() + data
        self._head(reply, length)
        if self.command == "HEAD":
            return False
        return self._send(data, manner)

    def _send(self, data: bytes, manner: Manner) -> bool:
        """Send a body in its manner; tell whether all of it was written."""
        if manner == "drip":
            return self._drip(data)
        pieces: Iterable[bytes] = [data]
        if manner in {"cut", "cut chunked"}:
            pieces = [data[: len(data) // 2]]
        elif manner == "endless":
            pieces = itertools.takewhile(lambda _: not self.sandbox.closing.is_set(), blocks(data))
        elif manner == "stall":
            pieces = []
        for piece in pieces:
            self.wfile.write(piece)
        self.wfile.flush()
        if manner == "stall":
            self._leave("hang")
        return manner == "whole"

    def _head(self, reply: Reply, length: tuple[str, str]) -> None:
        """Send status and headers."""
        self.send_response(reply.status)
        self.send_header("Content-Type", reply.kind)
        self.send_header(*length)
        for name, value in reply.headers:
            # A hostile address may hold anything; it is written as it is, in UTF-8.
            self.send_header(name, value.encode().decode("latin-1"))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()

    def _leave(self, manner: Manner) -> None:
        """End a connection without an answer: at once, by a reset, or when the client leaves."""
        if manner == "reset":
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
            self.server.resets.add(self.connection)
        elif manner == "hang":
            while not self._left(_IDLE_SECONDS):
                pass

    def _drip(self, data: bytes) -> bool:
        """Send a byte at a time until the client has enough."""
        for byte in data:
            self.wfile.write(bytes([byte]))
            self.wfile.flush()
            if self._left(_DRIP_SECONDS):
                return False
        return True

    def _left(self, seconds: float) -> bool:
        """Wait, and tell whether the client has left, or the sandbox has ended."""
        self.connection.settimeout(seconds)
        try:
            self.connection.recv(1)
        except TimeoutError:
            return False
        return True

    def visit(self, path: str, body: bytes = b"") -> Visit:
        """Write down a request."""
        headers = ((name.lower(), value) for name, value in self.headers.items())
        rest = tuple(pair for pair in headers if pair[0] != "host")
        return Visit(self.command, path, rest, body[:_MAX_SHOWN].decode("latin-1"))

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
        self.reply(said(code, message or HTTPStatus(code).phrase))

    def log_message(self, *_: Any) -> None:
        """Log nothing."""


class SandboxHandler(_Handler):
    """One connection to the sandbox: calls, hosted files, the ledger."""

    def do_POST(self) -> None:
        """Answer the call."""
        body = self.body()
        if body is None:
            return
        if self.path != _CALL:
            self.reply(said(404, "Not Found"))
            return
        refusal = self._unauthorized()
        if refusal:
            self.reply(said(401, refusal))
            return
        self._call(body)

    def do_GET(self) -> None:
        """Answer a download, or show the ledger."""
        if self.body() is None:
            return
        if self.path == LEDGER:
            self.reply(Reply(200, encoded(self.sandbox.ledger.as_json())))
            return
        if self.path == f"{LEDGER}/clips":
            self.reply(Reply(200, self._accounts()))
            return
        path, _, query = self.path.partition("?")
        name = path.removeprefix(FILES).removesuffix(".mid")
        known = path == f"{FILES}{name}.mid"
        reply = self.sandbox.file(name, count=self.command == "GET") if known else None
        self.sandbox.ledger.see_hosted(
            self.visit(self.path if query or not reply else f"{FILES}*.mid")
        )
        if reply is None:
            self._refuse()
        else:
            self.reply(reply)

    do_HEAD = do_GET  # noqa: N815 - named by http.server

    def _other(self) -> None:
        """Answer any other method."""
        if self.body() is not None:
            self._refuse()

    do_PUT = do_DELETE = do_PATCH = do_OPTIONS = _other  # noqa: N815 - as above

    def _accounts(self) -> bytes:
        """Write the account of every clip."""
        names = ("posts", "charged", "refunded", "net", "delivered", "downloads")
        accounts = self.sandbox.ledger.accounts.items()
        return encoded({key: {n: getattr(value, n) for n in names} for key, value in accounts})

    def _refuse(self) -> None:
        """Say that there is nothing here, or not by this method."""
        if self.path == _CALL:
            self.reply(said(405, "Method Not Allowed", ("Allow", "POST")))
        else:
            self.reply(said(404, "Not Found"))

    def _unauthorized(self) -> str:
        """Tell what is wrong with the authorization, empty if nothing is."""
        header = self.headers.get("Authorization")
        if header is None:
            return "Authorization header is missing."
        scheme, _, token = header.partition(" ")
        right = scheme.lower() == "bearer" and token.strip() == self.sandbox.token
        return "" if right else "Invalid authorization format."

    def _call(self, body: bytes) -> None:
        """Answer an authorized call."""
        try:
            request = json.loads(body)
        except (ValueError, RecursionError):
            self.reply(said(400, "Request body must be JSON."))
            return
        clip_id = request.get("clip_id") if isinstance(request, dict) else None
        if not isinstance(clip_id, str) or not clip_id:
            self.reply(said(400, "clip_id is required."))
            return
        reply = self.sandbox.call(clip_id)
        if reply is None:
            self.reply(said(400, "task not found."))
            return
        whole = False
        try:
            whole = self.reply(reply)
        finally:
            self.sandbox.ledger.end(clip_id, delivered=whole and reply.delivers)


class CanaryHandler(_Handler):
    """One connection to the canary, which writes down whatever comes."""

    def _sing(self) -> None:
        """Write a request down, and answer with a file as if nothing was wrong."""
        body = self.body()
        self.sandbox.ledger.see_canary(self.visit(self.path, body or b""))
        if body is not None:
            self.reply(Reply(200, made_midi("canary"), kind="audio/midi"))

    do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = do_PATCH = do_OPTIONS = _sing  # noqa: N815
