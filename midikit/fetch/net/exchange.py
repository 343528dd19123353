"""One request and its answer, as far as they are the same with and without blocking.

What is sent, what is made of what comes, and which failures may have cost something. The sockets
are in `wire` and `async_wire`. This module imports httpx.
"""

from __future__ import annotations

import contextlib
import functools
from typing import TYPE_CHECKING, Any

import httpcore
import httpx

from midikit.escape import printable
from midikit.fetch.answers import Failure, Reply
from midikit.fetch.net.body import Body

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Iterator, Sequence

    from midikit.fetch.net.limits import Limits
    from midikit.fetch.secret import Secret

__all__ = [
    "MAX_ANSWER_BYTES",
    "Exchange",
    "as_httpx",
    "core_request",
    "failure",
    "getting",
    "posting",
    "sending",
    "tls",
    "warm",
]

MAX_ANSWER_BYTES = 40 << 20
"""Most decoded bytes of an answer, some 500,000 notes: an endless one takes less than 64 MB."""

_MAX_REFUSAL_BYTES = 1 << 20
_CONNECT_SECONDS = 10.0
_AGENT = "midikit"
_WAITED_FOR = {True: "connection", False: "answer"}
_LATE = "not complete at the deadline"
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
            tls()


@functools.lru_cache(maxsize=1)
def tls() -> ssl.SSLContext:
    """Load the certificates once; it takes longer than a call.

    Returns
    -------
    SSLContext
        That of httpx.

    Raises
    ------
    OSError
        If they cannot be read.
    """
    try:
        return httpx.create_ssl_context()
    except OSError as error:
        raise OSError(f"the certificates cannot be read: {error}; check SSL_CERT_FILE") from None


@contextlib.contextmanager
def as_httpx() -> Iterator[None]:
    """Raise the exceptions of httpcore as those of httpx, which have the same names.

    Yields
    ------
    None
        For a ``with`` block.
    """
    try:
        yield
    except (httpcore.NetworkError, httpcore.TimeoutException, httpcore.ProtocolError) as error:
        raise getattr(httpx, type(error).__name__)(str(error)) from None


@contextlib.contextmanager
def sending(limits: Limits) -> Iterator[None]:
    """Raise whatever goes wrong before a byte was written as what it is: no connection.

    Certificates that cannot be read or a thread that cannot be started cost nothing, and would
    otherwise leave every clip of a batch of unknown outcome.

    Parameters
    ----------
    limits : Limits
        Those of the connection; they know whether a byte was written.

    Yields
    ------
    None
        For a ``with`` block.
    """
    try:
        with as_httpx():
            yield
    except Exception as error:
        if limits.has_written or isinstance(error, _NOT_SENT):
            raise
        raise httpx.ConnectError(str(error) or type(error).__name__) from None


class Exchange:
    """A request that is built when it is sent, and the reading of its answer.

    Parameters
    ----------
    build : callable
        Makes the request.
    most_bytes : callable
        ``status -> most decoded bytes``.
    left : callable
        Tells the seconds left.
    """

    def __init__(
        self,
        build: Callable[[], httpx.Request],
        most_bytes: Callable[[int], int],
        left: Callable[[], float],
    ) -> None:
        self.build = build
        self._most_bytes = most_bytes
        self._left = left
        self._cut = ""
        self._body = Body("", max_bytes=0)

    def begin(self, response: httpx.Response) -> None:
        """Look at the head of the answer.

        Parameters
        ----------
        response : httpx.Response
            The answer.
        """
        encoding = response.headers.get("content-encoding", "")
        self._body = Body(encoding, max_bytes=self._most_bytes(response.status_code))

    def take(self, piece: bytes) -> bool:
        """Take a piece of the body.

        Parameters
        ----------
        piece : bytes
            As it was sent.

        Returns
        -------
        bool
            Whether more can be taken.
        """
        if not self._body.add(piece):
            return False
        if self._left() <= 0:
            self._cut = _LATE
        return not self._cut

    def break_off(self, error: Exception) -> None:
        """Say that the body ended before its end; what has come was paid for.

        Parameters
        ----------
        error : Exception
            What happened.
        """
        self._cut = _LATE if isinstance(error, httpx.TimeoutException) else "cut short"

    def finish(self, response: httpx.Response) -> Reply:
        """Return the answer, as far as it came.

        Parameters
        ----------
        response : httpx.Response
            The answer.

        Returns
        -------
        Reply
            Decoded.
        """
        headers = {name.lower(): value for name, value in response.headers.items()}
        data, fault = self._body.decoded()
        return Reply(response.status_code, headers, data, self._cut or fault, self._body.sent)


def posting(url: str, content: bytes, *, token: Secret, left: Callable[[], float]) -> Exchange:
    """Prepare the paid call.

    Parameters
    ----------
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
    Exchange
        To be sent once.
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

    return Exchange(build, most_bytes, left)


def getting(
    url: str | httpx.URL,
    *,
    addresses: Sequence[str] | None,
    max_bytes: int,
    left: Callable[[], float],
) -> Exchange:
    """Prepare to get a file from a stranger: no token, no cookies.

    Parameters
    ----------
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
    Exchange
        To be sent.
    """

    def build() -> httpx.Request:
        extensions = _extensions(left, addresses)
        return httpx.Request("GET", url, headers=_common("*/*"), extensions=extensions)

    return Exchange(build, lambda _: max_bytes, left)


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


def failure(error: Exception) -> Failure:
    """Say what went wrong and whether a byte of the request may have left.

    Parameters
    ----------
    error : Exception
        What a transport raised.

    Returns
    -------
    Failure
        Without the error, which has seen the request.
    """
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


def core_request(request: httpx.Request, stream: Any) -> httpcore.Request:
    """Write a request as httpcore wants it.

    Parameters
    ----------
    request : httpx.Request
        The request.
    stream : object
        Its body.

    Returns
    -------
    httpcore.Request
        The same.
    """
    url = request.url
    core = httpcore.URL(
        scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path
    )
    return httpcore.Request(
        request.method,
        core,
        headers=request.headers.raw,
        content=stream,
        extensions={"timeout": request.extensions["timeout"]},
    )
