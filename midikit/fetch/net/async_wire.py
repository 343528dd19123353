"""One request on one connection without blocking: `wire` for an event loop.

As strict: every operation ends at the deadline, a connection carries one request, a download goes
to the addresses that were checked, no proxy is used. Works in asyncio.

This module imports httpx; import it when there is something to send.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from typing import TYPE_CHECKING, Any

import httpcore
import httpx

from midikit.fetch.net.addresses import is_address, late, look_up
from midikit.fetch.net.exchange import (
    Exchange,
    as_httpx,
    core_request,
    failure,
    getting,
    posting,
    sending,
    tls,
)
from midikit.fetch.net.limits import Limits

if TYPE_CHECKING:
    import ssl
    from collections.abc import AsyncIterator, Callable, Iterable, Sequence

    from midikit.fetch.answers import Failure, Reply
    from midikit.fetch.secret import Secret

__all__ = ["AsyncWire", "get", "post", "resolve"]


async def resolve(host: str, port: int, seconds: float) -> list[str]:
    """Ask for the addresses of a host, for a limited time.

    Parameters
    ----------
    host : str
        A name, or an address without brackets.
    port : int
        The port that will be connected to.
    seconds : float
        How long to wait.

    Returns
    -------
    list of str
        As `midikit.fetch.net.addresses.resolve`.

    Raises
    ------
    OSError
        If there are none, or not in time.

    Examples
    --------
    >>> asyncio.run(resolve("127.0.0.1", 80, 1.0))
    ['127.0.0.1']
    """
    if is_address(host):
        return [host]
    loop = asyncio.get_running_loop()
    answer: asyncio.Future[list[str] | OSError] = loop.create_future()

    def take(found: list[str] | OSError) -> None:
        if not answer.done():
            answer.set_result(found)

    def ask() -> None:
        try:
            found: list[str] | OSError = look_up(host, port)
        except OSError as error:
            found = error
        with contextlib.suppress(RuntimeError):  # the loop has ended meanwhile
            loop.call_soon_threadsafe(take, found)

    # Not a thread of the loop's pool: a resolver that hangs for minutes would keep it from others.
    threading.Thread(target=ask, name="midikit-resolve", daemon=True).start()
    try:
        found = await asyncio.wait_for(answer, seconds)
    except TimeoutError:
        raise late(host, seconds) from None
    if isinstance(found, OSError):
        raise found
    return found


async def post(
    transport: httpx.AsyncBaseTransport,
    url: str,
    content: bytes,
    *,
    token: Secret,
    left: Callable[[], float],
) -> Reply | Failure:
    """Send the paid call once and follow nothing.

    Parameters
    ----------
    transport : httpx.AsyncBaseTransport
        What sends it.
    url : str
        As for `wire.post`.
    content : bytes
        As for `wire.post`.
    token : Secret
        As for `wire.post`.
    left : callable
        As for `wire.post`.

    Returns
    -------
    Reply or Failure
        As of `wire.post`.
    """
    return await _exchange(transport, posting(url, content, token=token, left=left))


async def get(
    transport: httpx.AsyncBaseTransport,
    url: str | httpx.URL,
    *,
    addresses: Sequence[str] | None,
    max_bytes: int,
    left: Callable[[], float],
) -> Reply | Failure:
    """Get a file from a stranger: no token, no cookies, no redirects.

    Parameters
    ----------
    transport : httpx.AsyncBaseTransport
        What sends it.
    url : str or httpx.URL
        As for `wire.get`.
    addresses : sequence of str or None
        As for `wire.get`.
    max_bytes : int
        As for `wire.get`.
    left : callable
        As for `wire.get`.

    Returns
    -------
    Reply or Failure
        As of `wire.get`.
    """
    exchange = getting(url, addresses=addresses, max_bytes=max_bytes, left=left)
    return await _exchange(transport, exchange)


async def _exchange(transport: httpx.AsyncBaseTransport, exchange: Exchange) -> Reply | Failure:
    """Send a request and read its answer; no exception that has seen the request leaves here."""
    interruption: BaseException
    try:
        response = await transport.handle_async_request(exchange.build())
        try:
            return await _read(response, exchange)
        finally:
            with contextlib.suppress(Exception):
                await response.aclose()
    except Exception as error:  # noqa: BLE001 - whatever it was, somebody may have been paid
        return failure(error)
    except BaseException as error:  # noqa: BLE001 - raised again below, without its frames
        interruption = error
    interruption.__context__ = None
    raise interruption.with_traceback(None)


async def _read(response: httpx.Response, exchange: Exchange) -> Reply:
    """Read a body up to its limit and the deadline."""
    exchange.begin(response)
    stream = response.stream
    assert isinstance(stream, httpx.AsyncByteStream)
    try:
        async for piece in stream:
            if not exchange.take(piece):
                break
    except Exception as error:  # noqa: BLE001 - what has come was paid for
        exchange.break_off(error)
    return exchange.finish(response)


class AsyncWire(httpx.AsyncBaseTransport):
    """A transport that ends at the deadline its request carries.

    A request may carry ``left``, a function telling the seconds left, and ``addresses``, the
    checked addresses to connect to; the name stays in ``Host`` and in TLS. Proxies of the
    environment are not used.
    """

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
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
            connection = httpcore.AsyncHTTPConnection(
                core.url.origin,
                ssl_context=tls() if request.url.scheme == "https" else None,
                network_backend=_Backend(limits),
            )
            response = await connection.handle_async_request(core)
        stream = _Stream(response, connection)
        return httpx.Response(response.status, headers=response.headers, stream=stream)


class _Stream(httpx.AsyncByteStream):
    """The body of a response that closes its connection."""

    def __init__(
        self, response: httpcore.Response, connection: httpcore.AsyncHTTPConnection
    ) -> None:
        self._response = response
        self._connection = connection

    async def __aiter__(self) -> AsyncIterator[bytes]:
        with as_httpx():
            async for piece in self._response.aiter_stream():
                yield piece

    async def aclose(self) -> None:
        await self._connection.aclose()


class _Backend(httpcore.AsyncNetworkBackend):
    """Connects to checked addresses, and hands out sockets that know the deadline."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._sockets = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - httpcore's signature
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Connect to the first address that answers."""
        problem: Exception = httpcore.ConnectError("no address")
        addresses = await self._find(host, port, self._limits.connecting(timeout))
        for number, address in enumerate(addresses):
            share = self._limits.connecting(timeout) / (len(addresses) - number)
            try:
                stream = await self._sockets.connect_tcp(
                    address, port, share, local_address, socket_options
                )
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                problem = error
            else:
                return _Socket(stream, self._limits)
        raise problem

    async def _find(self, host: str, port: int, seconds: float) -> Sequence[str]:
        """Return the addresses to try."""
        if self._limits.addresses is not None:
            return self._limits.addresses
        try:
            addresses = await resolve(host, port, seconds)
        except OSError as error:
            raise httpcore.ConnectError(str(error)) from None
        return self._limits.check(host, addresses)


class _Socket(httpcore.AsyncNetworkStream):
    """A socket whose every operation ends at the deadline."""

    def __init__(self, stream: httpcore.AsyncNetworkStream, limits: Limits) -> None:
        self._stream = stream
        self._limits = limits

    async def read(
        self,
        max_bytes: int,
        timeout: float | None = None,  # noqa: ASYNC109 - as above
    ) -> bytes:
        del timeout
        return await self._stream.read(max_bytes, self._limits.reading())

    async def write(
        self,
        buffer: bytes,
        timeout: float | None = None,  # noqa: ASYNC109 - as above
    ) -> None:
        del timeout
        await self._stream.write(buffer, self._limits.writing())

    async def aclose(self) -> None:
        await self._stream.aclose()

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ASYNC109 - httpcore's signature
    ) -> httpcore.AsyncNetworkStream:
        seconds = self._limits.connecting(timeout)
        stream = await self._stream.start_tls(ssl_context, server_hostname, seconds)
        return _Socket(stream, self._limits)

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)
