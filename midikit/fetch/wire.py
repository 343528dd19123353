"""One request on one connection, over at a deadline whatever the other side does.

httpx limits each read: a server that sends a byte a second keeps it reading for ever. Here every
operation on the socket gets what is left of the deadline, and a connection carries one request, so
that a request cannot be lost in a connection that its server was just closing.

This module imports httpx; import it when there is something to send.
"""

from __future__ import annotations

import contextlib
import functools
from typing import TYPE_CHECKING, Any

import httpcore
import httpx

from midikit.escape import printable
from midikit.fetch.addresses import is_loopback, resolve
from midikit.fetch.answers import Failure, Reply
from midikit.fetch.body import Body

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from midikit.fetch.secret import Secret

__all__ = ["Wire", "get", "post", "warm"]

MAX_ANSWER_BYTES = 1 << 26
"""Most decoded bytes of an answer (64 MiB)."""

_MAX_REFUSAL_BYTES = 1 << 20
_CONNECT_SECONDS = 10.0
_AGENT = "midikit"
_WAITED_FOR = {True: "connection", False: "answer"}
_NOT_SENT = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.ProxyError,
    httpx.UnsupportedProtocol,
    httpx.InvalidURL,
)


def warm(url: str) -> None:
    """Load what calls need, so that no call and no deadline pays for it.

    Parameters
    ----------
    url : str
        Where the calls will go.
    """
    if url.startswith("https:"):
        with contextlib.suppress(OSError):  # the call will tell
            _tls()


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

    def build() -> httpx.Request:
        return httpx.Request(
            "POST",
            url,
            content=content,
            headers={
                **_common("application/json"),
                "Authorization": f"Bearer {token.reveal()}",
                "Content-Type": "application/json",
            },
            extensions=_extensions(left, None),
        )

    def most_bytes(status: int) -> int:
        return MAX_ANSWER_BYTES if 200 <= status < 300 else _MAX_REFUSAL_BYTES

    return _exchange(transport, build, most_bytes, left)


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

    def build() -> httpx.Request:
        extensions = _extensions(left, addresses)
        return httpx.Request("GET", url, headers=_common("*/*"), extensions=extensions)

    return _exchange(transport, build, lambda _: max_bytes, left)


def _common(accept: str) -> dict[str, str]:
    """Return the headers of every request."""
    return {
        "Accept": accept,
        "Accept-Encoding": "identity",
        "Connection": "close",
        "User-Agent": _AGENT,
    }


def _extensions(left: Callable[[], float], addresses: Sequence[str] | None) -> dict[str, Any]:
    """Tell a transport of ours everything, and one of httpx what it understands."""
    seconds = left()
    timeout = {"connect": min(_CONNECT_SECONDS, seconds), "pool": seconds}
    timeout |= {"read": seconds, "write": seconds}
    return {"timeout": timeout, "left": left, "addresses": addresses}


def _exchange(
    transport: httpx.BaseTransport,
    build: Callable[[], httpx.Request],
    most_bytes: Callable[[int], int],
    left: Callable[[], float],
) -> Reply | Failure:
    """Send a request and read its answer; no exception that has seen the request leaves here."""
    interruption: BaseException
    try:
        response = transport.handle_request(build())
        try:
            return _read(response, most_bytes, left)
        finally:
            with contextlib.suppress(Exception):
                response.close()
    except Exception as error:  # noqa: BLE001 - whatever it was, somebody may have been paid
        return _failure(error)
    except BaseException as error:  # noqa: BLE001 - raised again below, without its frames
        interruption = error
    interruption.__context__ = None
    raise interruption.with_traceback(None)


def _failure(error: Exception) -> Failure:
    """Say what went wrong and whether a byte of the request may have left."""
    unsent = isinstance(error, _NOT_SENT)
    detail = ""
    if isinstance(error, (httpx.TransportError, httpx.InvalidURL, OSError)):
        detail = printable(" ".join(str(error).split()), 160)
    if isinstance(error, httpx.TimeoutException):
        return Failure(sent=not unsent, problem=f"no {_WAITED_FOR[unsent]} in time")
    if unsent:
        problem = "no connection"
    elif isinstance(error, httpx.TransportError):
        problem = "the connection broke before the answer"
    else:
        problem = f"an unexpected {type(error).__name__}"
    return Failure(sent=not unsent, problem=f"{problem} ({detail})" if detail else problem)


def _read(
    response: httpx.Response, most_bytes: Callable[[int], int], left: Callable[[], float]
) -> Reply:
    """Read a body up to its limit and the deadline."""
    body = Body(
        response.headers.get("content-encoding", ""), max_bytes=most_bytes(response.status_code)
    )
    stream = response.stream
    assert isinstance(stream, httpx.SyncByteStream)
    cut = ""
    try:
        for piece in stream:
            if not body.add(piece):
                break
            if left() <= 0:
                cut = "not complete at the deadline"
                break
    except httpx.TimeoutException:
        cut = "not complete at the deadline"
    except Exception:  # noqa: BLE001 - what has come was paid for
        cut = "cut short"
    headers = {name.lower(): value for name, value in response.headers.items()}
    data, fault = body.decoded()
    return Reply(response.status_code, headers, data, cut or fault, body.sent)


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
        url = request.url
        left = request.extensions["left"]
        backend = _Backend(
            left,
            request.extensions.get("addresses"),
            loopback_only=url.scheme == "http" and is_loopback(url.host),
        )
        core = httpcore.URL(
            scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path
        )
        connection = httpcore.HTTPConnection(
            core.origin,
            ssl_context=_tls() if url.scheme == "https" else None,
            network_backend=backend,
        )
        with _as_httpx():
            response = connection.handle_request(
                httpcore.Request(
                    request.method,
                    core,
                    headers=request.headers.raw,
                    content=request.stream,
                    extensions={"timeout": request.extensions["timeout"]},
                )
            )
        stream = _Stream(response, connection)
        return httpx.Response(response.status, headers=response.headers, stream=stream)


@functools.lru_cache(maxsize=1)
def _tls() -> ssl.SSLContext:
    """Load the certificates once; it takes longer than a call."""
    return httpx.create_ssl_context()


@contextlib.contextmanager
def _as_httpx() -> Iterator[None]:
    """Raise the exceptions of httpcore as those of httpx, which have the same names."""
    try:
        yield
    except (httpcore.NetworkError, httpcore.TimeoutException, httpcore.ProtocolError) as error:
        raise getattr(httpx, type(error).__name__)(str(error)) from None


class _Stream(httpx.SyncByteStream):
    """The body of a response that closes its connection."""

    def __init__(self, response: httpcore.Response, connection: httpcore.HTTPConnection) -> None:
        self._response = response
        self._connection = connection

    def __iter__(self) -> Iterator[bytes]:
        assert not hasattr(self._response.stream, "__aiter__")
        with _as_httpx():
            yield from self._response.iter_stream()

    def close(self) -> None:
        self._connection.close()


class _Backend(httpcore.NetworkBackend):
    """Connects to checked addresses, and hands out sockets that know the deadline."""

    def __init__(
        self, left: Callable[[], float], addresses: Sequence[str] | None, *, loopback_only: bool
    ) -> None:
        self._left = left
        self._addresses = addresses
        self._loopback_only = loopback_only
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
        addresses = self._find(host, port, self._bounded(timeout))
        for number, address in enumerate(addresses):
            share = self._bounded(timeout) / (len(addresses) - number)
            try:
                stream = self._sockets.connect_tcp(
                    address, port, share, local_address, socket_options
                )
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                problem = error
            else:
                return _Socket(stream, self._left)
        raise problem

    def _find(self, host: str, port: int, seconds: float) -> Sequence[str]:
        """Return the addresses to try."""
        if self._addresses is not None:
            return self._addresses
        try:
            addresses = resolve(host, port, seconds)
        except OSError as error:
            raise httpcore.ConnectError(str(error)) from None
        if self._loopback_only and not all(map(is_loopback, addresses)):
            raise httpcore.ConnectError(f"{host} is not this machine, and http is not for others")
        return addresses

    def _bounded(self, timeout: float | None) -> float:
        """Return the seconds an operation may take."""
        left = self._left()
        if left <= 0:
            raise httpcore.ConnectTimeout("the deadline has passed")
        return left if timeout is None else min(timeout, left)


class _Socket(httpcore.NetworkStream):
    """A socket whose every operation ends at the deadline."""

    def __init__(self, stream: httpcore.NetworkStream, left: Callable[[], float]) -> None:
        self._stream = stream
        self._left = left
        self._written = False

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        del timeout
        left = self._left()
        if left <= 0:
            raise httpcore.ReadTimeout("the deadline has passed")
        return self._stream.read(max_bytes, left)

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        del timeout
        left = self._left()
        if left <= 0:
            late = httpcore.WriteTimeout if self._written else httpcore.ConnectTimeout
            raise late("the deadline has passed")
        self._written = True
        self._stream.write(buffer, left)

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.NetworkStream:
        left = self._left()
        if left <= 0:
            raise httpcore.ConnectTimeout("the deadline has passed")
        seconds = left if timeout is None else min(timeout, left)
        return _Socket(self._stream.start_tls(ssl_context, server_hostname, seconds), self._left)

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)
