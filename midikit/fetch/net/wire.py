"""One request on one connection, over at a deadline whatever the other side does.

httpx limits each read: a server that sends a byte a second keeps it reading for ever. Here every
operation on the socket gets what is left of the deadline, and a connection carries one request, so
that a request cannot be lost in a connection that its server was just closing.

This module imports httpx; import it when there is something to send.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

import httpcore
import httpx

from midikit.fetch.net.addresses import resolve
from midikit.fetch.net.exchange import (
    Exchange,
    as_httpx,
    core_request,
    failure,
    getting,
    posting,
    sending,
    tls,
    warm,
)
from midikit.fetch.net.limits import Limits

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from midikit.fetch.answers import Failure, Reply
    from midikit.fetch.secret import Secret

__all__ = ["Wire", "get", "post", "warm"]


def post(
    transport: httpx.BaseTransport,
    url: str,
    content: bytes,
    *,
    token: Secret,
    left: Callable[[], float],
) -> Reply | Failure:
    """Send the paid call once and follow nothing.

    Parameters
    ----------
    transport : httpx.BaseTransport
        What sends it.
    url : str
        Where to.
    content : bytes
        JSON.
    token : Secret
        Goes into the header of this request and nowhere else.
    left : callable
        Tells the seconds left.

    Returns
    -------
    Reply or Failure
        What came back, or what went wrong and whether the request may have been sent.
    """
    return _exchange(transport, posting(url, content, token=token, left=left))


def get(
    transport: httpx.BaseTransport,
    url: str | httpx.URL,
    *,
    addresses: Sequence[str] | None,
    max_bytes: int,
    left: Callable[[], float],
) -> Reply | Failure:
    """Get a file from a stranger: no token, no cookies, no redirects.

    Parameters
    ----------
    transport : httpx.BaseTransport
        What sends it.
    url : str or httpx.URL
        Where to.
    addresses : sequence of str or None
        The addresses to connect to, whatever the name means now; None to look it up.
    max_bytes : int
        Most decoded bytes.
    left : callable
        Tells the seconds left.

    Returns
    -------
    Reply or Failure
        What came back, or what went wrong.
    """
    exchange = getting(url, addresses=addresses, max_bytes=max_bytes, left=left)
    return _exchange(transport, exchange)


def _exchange(transport: httpx.BaseTransport, exchange: Exchange) -> Reply | Failure:
    """Send a request and read its answer; no exception that has seen the request leaves here."""
    interruption: BaseException
    try:
        response = transport.handle_request(exchange.build())
        try:
            return _read(response, exchange)
        finally:
            with contextlib.suppress(Exception):
                response.close()
    except Exception as error:  # noqa: BLE001 - whatever it was, somebody may have been paid
        return failure(error)
    except BaseException as error:  # noqa: BLE001 - raised again below, without its frames
        interruption = error
    interruption.__context__ = None
    raise interruption.with_traceback(None)


def _read(response: httpx.Response, exchange: Exchange) -> Reply:
    """Read a body up to its limit and the deadline."""
    exchange.begin(response)
    stream = response.stream
    assert isinstance(stream, httpx.SyncByteStream)
    try:
        for piece in stream:
            if not exchange.take(piece):
                break
    except Exception as error:  # noqa: BLE001 - what has come was paid for
        exchange.break_off(error)
    return exchange.finish(response)


class Wire(httpx.BaseTransport):
    """A transport that ends at the deadline its request carries.

    A request may carry ``left``, a function telling the seconds left, and ``addresses``, the
    checked addresses to connect to; the name stays in ``Host`` and in TLS. Proxies of the
    environment are not used.
    """

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send one request on a connection of its own.

        Parameters
        ----------
        request : httpx.Request
            With ``left`` among its extensions.

        Returns
        -------
        httpx.Response
            With the body still to be read.
        """
        core = core_request(request, request.stream)
        limits = Limits(request)
        with sending(limits):
            connection = httpcore.HTTPConnection(
                core.url.origin,
                ssl_context=tls() if request.url.scheme == "https" else None,
                network_backend=_Backend(limits),
            )
            response = connection.handle_request(core)
        stream = _Stream(response, connection)
        return httpx.Response(response.status, headers=response.headers, stream=stream)


class _Stream(httpx.SyncByteStream):
    """The body of a response that closes its connection."""

    def __init__(self, response: httpcore.Response, connection: httpcore.HTTPConnection) -> None:
        self._response = response
        self._connection = connection

    def __iter__(self) -> Iterator[bytes]:
        assert not hasattr(self._response.stream, "__aiter__")
        with as_httpx():
            yield from self._response.iter_stream()

    def close(self) -> None:
        self._connection.close()


class _Backend(httpcore.NetworkBackend):
    """Connects to checked addresses, and hands out sockets that know the deadline."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._sockets = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        """Connect to the first address that answers."""
        problem: Exception = httpcore.ConnectError("no address")
        addresses = self._find(host, port, self._limits.connecting(timeout))
        for number, address in enumerate(addresses):
            share = self._limits.connecting(timeout) / (len(addresses) - number)
            try:
                stream = self._sockets.connect_tcp(
                    address, port, share, local_address, socket_options
                )
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                problem = error
            else:
                return _Socket(stream, self._limits)
        raise problem

    def _find(self, host: str, port: int, seconds: float) -> Sequence[str]:
        """Return the addresses to try."""
        if self._limits.addresses is not None:
            return self._limits.addresses
        try:
            addresses = resolve(host, port, seconds)
        except OSError as error:
            raise httpcore.ConnectError(str(error)) from None
        return self._limits.check(host, addresses)


class _Socket(httpcore.NetworkStream):
    """A socket whose every operation ends at the deadline."""

    def __init__(self, stream: httpcore.NetworkStream, limits: Limits) -> None:
        self._stream = stream
        self._limits = limits

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        del timeout
        return self._stream.read(max_bytes, self._limits.reading())

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        del timeout
        self._stream.write(buffer, self._limits.writing())

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.NetworkStream:
        seconds = self._limits.connecting(timeout)
        return _Socket(self._stream.start_tls(ssl_context, server_hostname, seconds), self._limits)

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)
