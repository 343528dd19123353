"""The endpoint on a loopback address: the same paths, bodies and refusals, with songs of its own.

`serve` starts it for the length of a ``with`` block. What it would have charged is counted, so
that a test can say what a client paid.
"""

from __future__ import annotations

import contextlib
import ipaddress
import socket
import socketserver
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

from midikit.errors import RemoteError
from midikit.escape import quoted
from midikit.sandbox.endpoint import TOKEN, Sandbox
from midikit.sandbox.handler import CanaryHandler, SandboxHandler
from midikit.sandbox.ledger import Ledger
from midikit.sandbox.rehearsal import Rehearsal
from midikit.sandbox.songs import demo_songs

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from midikit.sandbox.songs import DemoSong

__all__ = ["serve"]

_MAX_PORT = 65_535
_CLOSE_SECONDS = 5.0
_POLL_SECONDS = 0.02


@contextlib.contextmanager
def serve(
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    polls: int = 2,
    songs: tuple[DemoSong, ...] | None = None,
    clips: int = 0,
    any_clip: bool = False,
    faults: Sequence[str] = (),
    repeat_charges: bool = False,
    poll_charges: bool = False,
    token: str = TOKEN,
    seed: int = 0,
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
        Songs to answer; by default the demo songs, none if there are made-up clips.
    clips : int, optional
        How many small made-up clips to answer, ``made-1`` and so on.
    any_clip : bool, optional
        Answer every clip id, those that are not there with made-up notes; ids such as
        ``500.song`` choose their faults, see `midikit.sandbox.rehearsal`.
    faults : sequence of str, optional
        What goes wrong, ``[CLIP=]MODE[:TIMES]`` each: see `midikit.sandbox.rehearsal.FAULTS`.
    repeat_charges : bool, optional
        Charge again for a clip that was delivered before; nobody knows whether the service does.
    poll_charges : bool, optional
        Charge for each call while a clip is not ready; nobody knows that either.
    token : str, optional
        Bearer token to accept.
    seed : int, optional
        Seed of what is left to chance.

    Yields
    ------
    Sandbox
        Its address, token, clips and ledger. Requests are answered in threads of their own.

    Raises
    ------
    RemoteError
        If `host` is no loopback address, or the port cannot be had; the message says why.
    InputError
        If a fault cannot be read, or is meant for a clip that is not there.

    Examples
    --------
    >>> with serve(polls=0) as sandbox:
    ...     sorted(sandbox.environment)
    ['MIDIKIT_ALLOW_HOSTS', 'MIDIKIT_BASE_URL', 'MIDIKIT_TOKEN']
    """
    rehearsal = Rehearsal(faults, polls, by_id=any_clip)
    chosen = songs if songs is not None else () if clips else demo_songs()
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(_listening(host, port, SandboxHandler))
        canaries = []
        if faults or any_clip:
            canaries = [stack.enter_context(_listening("127.0.0.1", 0, CanaryHandler))]
            # The other loopback address; a machine without it cannot be reached by it either.
            with contextlib.suppress(RemoteError):
                second = _listening("::1", canaries[0].server_port, CanaryHandler)
                canaries.append(stack.enter_context(second))
        sandbox = Sandbox(
            server.authority,
            chosen,
            rehearsal,
            clips=clips,
            any_clip=any_clip,
            ledger=Ledger(repeat_charges=repeat_charges, poll_charges=poll_charges),
            token=token,
            seed=seed,
            canary_port=canaries[0].server_port if canaries else 0,
        )
        for each in (server, *canaries):
            each.sandbox = sandbox
            stack.enter_context(_serving(each))
        stack.callback(sandbox.closing.set)
        yield sandbox


@contextlib.contextmanager
def _serving(server: _Server) -> Iterator[None]:
    """Answer requests in threads."""
    thread = threading.Thread(
        target=server.serve_forever, args=(_POLL_SECONDS,), name="midikit-sandbox", daemon=True
    )
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join()


@contextlib.contextmanager
def _listening(host: str, port: int, handler: type[BaseHTTPRequestHandler]) -> Iterator[_Server]:
    """Bind to a loopback address, and close everything at the end."""
    where = f"{host}:{port}" if host.isascii() and host.isprintable() else quoted(host)
    if not 0 <= port <= _MAX_PORT:
        raise RemoteError("", f"{where}: no port; expected 0 (any free one) to {_MAX_PORT}")
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        if not ipaddress.ip_address(address[0]).is_loopback:
            raise RemoteError("", f"{where}: no loopback address; expected such as 127.0.0.1")
        server = _Server(address, family, handler)
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
    request_queue_size = 1024
    sandbox: Sandbox

    def __init__(self, address: Any, family: int, handler: type[BaseHTTPRequestHandler]) -> None:
        self.address_family = socket.AddressFamily(family)
        self._connections: set[socket.socket] = set()
        self._changed = threading.Condition()
        self.resets: set[socket.socket] = set()
        super().__init__(address[:2], handler)

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
        """Close a connection and forget it; one that is to be reset without a farewell."""
        if request in self.resets:
            self.resets.discard(request)
            self.close_request(request)
        else:
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
