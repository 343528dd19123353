"""The hosted .mid: fetched from a stranger's host, without the token, from public addresses only.

The address comes out of an answer, so it may be anything. Its host is looked up here, every address
it has must be public, and the connection goes to one of those, at each of at most five redirects
anew. The body is bounded in size and time, and must be a Standard MIDI File.
"""

from __future__ import annotations

import contextlib
import re
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from midikit.errors import DownloadError, MidiError
from midikit.escape import printable
from midikit.fetch.answers import Failure
from midikit.fetch.driver import run
from midikit.fetch.net.addresses import (
    ALLOW_VARIABLE,
    allowed_hosts,
    is_address,
    is_host,
    is_public,
)
from midikit.fetch.net.addresses import (
    resolve as ask_resolver,
)
from midikit.fetch.polling import Deadline
from midikit.fetch.steps import Get, Moment, Now, Request, Resolve, Sleep
from midikit.smf.faults import Faults
from midikit.smf.header import read_header

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    import httpx

    from midikit.fetch.answers import Reply
    from midikit.fetch.net.addresses import HostPort
    from midikit.fetch.steps import Steps

__all__ = ["MAX_MIDI_BYTES", "download", "downloading"]

MAX_MIDI_BYTES = 1 << 24
"""Largest .mid that is downloaded (16 MiB)."""

_MAX_REDIRECTS = 5
_REDIRECTS = frozenset([301, 302, 303, 307, 308])
_PASSING = frozenset([408, 425, 429, 500, 502, 503, 504])
_PAUSES = (0.5, 1.0)
_MAX_URL = 8000
_USER_INFO = re.compile(r"//[^/?#]*@")
_EXCEPT = f"only a host:port named in {ALLOW_VARIABLE} may"
_PORTS = {"https": 443, "http": 80}


class _PassingError(DownloadError):
    """A fault that may be gone in a moment; never leaves this module."""


@dataclass(frozen=True, slots=True)
class _Reach:
    """What may be reached, and until when.

    Parameters
    ----------
    allowed : frozenset of (str, int)
        Hosts that may be private and reached by http.
    limit : Deadline
        Redirects and further tries included.
    """

    allowed: frozenset[HostPort]
    limit: Deadline

    def left(self) -> Steps[float]:
        """Tell the seconds left."""
        moment: Moment = yield Now()
        return self.limit.left(moment.seconds)


def download(
    url: str,
    *,
    deadline: float = 60.0,
    allow_hosts: Iterable[str] | None = None,
    transport: httpx.BaseTransport | None = None,
    resolve: Callable[[str, int, float], Sequence[str]] | None = None,
    clock: Callable[[], float] | None = None,
    sleep: Callable[[float], None] | None = None,
) -> bytes:
    """Download a hosted .mid.

    Parameters
    ----------
    url : str
        Its address: https, or plain http for the hosts of `allow_hosts`.
    deadline : float, optional
        Seconds in all, redirects and the two further tries after a passing fault included.
    allow_hosts : iterable of str or None, optional
        ``host:port`` that may be private and reached by http; by default those of
        ``MIDIKIT_ALLOW_HOSTS``.
    transport : httpx.BaseTransport or None, optional
        What sends the requests, for tests; by default one that connects to the checked address.
    resolve : callable or None, optional
        ``(host, port, seconds) -> addresses``; by default the system's resolver.
    clock, sleep : callable or None, optional
        In the place of `time.monotonic` and `time.sleep`.

    Returns
    -------
    bytes
        The file as it is hosted, damaged or not, but a Standard MIDI File by its header.

    Raises
    ------
    DownloadError
        If it may not be reached, cannot be had in time, or is something else; the message says
        which.
    RemoteError
        If `allow_hosts` holds something that is no ``host:port``.

    Examples
    --------
    >>> download("http://169.254.169.254/latest/meta-data")
    Traceback (most recent call last):
    midikit.errors.DownloadError: http://169.254.169.254/latest/meta-data: scheme http, ...
    """
    from midikit.fetch.net.wire import Wire, get  # noqa: PLC0415 - imports httpx

    now = clock or time.monotonic
    wire = transport or Wire()

    def perform(request: Request) -> Any:
        match request:
            case Now():
                return Moment(now(), 0.0, 0.0)
            case Sleep(seconds):
                return (sleep or time.sleep)(seconds)
            case Resolve(host, port, seconds):
                return (resolve or ask_resolver)(host, port, seconds)
            case Get(where, addresses, max_bytes, limit):
                return get(
                    wire,
                    where,
                    addresses=addresses,
                    max_bytes=max_bytes,
                    left=lambda: limit.left(now()),
                )
        raise AssertionError(request)

    limit = Deadline(now(), deadline)
    return run(downloading(url, limit=limit, allowed=allowed_hosts(allow_hosts)), perform)


def downloading(
    url: str, *, limit: Deadline, allowed: frozenset[HostPort], patient: bool = True
) -> Steps[bytes]:
    """Ask for what a download needs, step by step.

    Parameters
    ----------
    url : str
        As in `download`.
    limit : Deadline
        When it ends.
    allowed : frozenset of (str, int)
        Hosts that may be private and reached by http.
    patient : bool, optional
        Try again, twice, after a passing fault.

    Returns
    -------
    bytes
        The file, at the end.

    Raises
    ------
    DownloadError
        As `download`.
    """
    reach = _Reach(allowed, limit)
    for pause in (*(_PAUSES if patient else ()), None):
        try:
            return _checked((yield from _follow(url, reach)), url)
        except _PassingError as error:
            problem = error.problem
        if pause is None or pause >= (yield from reach.left()):
            break
        yield Sleep(pause)
    raise DownloadError("", problem)


def _follow(url: str, reach: _Reach) -> Steps[bytes]:
    """Get a file through its redirects."""
    import httpx  # noqa: PLC0415 - most never need it

    here = _parsed(url)
    for _ in range(_MAX_REDIRECTS + 1):
        reply = yield from _get(here, reach)
        if reply.status not in _REDIRECTS:
            return _body(here, reply)
        location = reply.headers.get("location", "")
        try:
            here = here.join(_parsed(location, base=here))
        except (httpx.InvalidURL, ValueError):
            raise _refused(here, "redirects to what is no address") from None
    raise _refused(here, f"redirects more than {_MAX_REDIRECTS} times")


def _parsed(url: str, base: httpx.URL | None = None) -> httpx.URL:
    """Read an address; the same reading decides and connects."""
    import httpx  # noqa: PLC0415 - most never need it

    if url and len(url) <= _MAX_URL and url.isprintable() and not set(url) & set(" \\"):
        with contextlib.suppress(httpx.InvalidURL, ValueError):
            return httpx.URL(url)
    where = _shown(url) if base is None else f"{_shown(base)} redirects to {_shown(url)}"
    raise DownloadError("", f"{where}: no usable web address")


def _get(url: httpx.URL, reach: _Reach) -> Steps[Reply]:
    """Check one address and ask for it."""
    addresses = yield from _check(url, reach)
    if (yield from reach.left()) <= 0:
        raise _refused(url, "not downloaded within the deadline")
    reply: Reply | Failure = yield Get(url, addresses, MAX_MIDI_BYTES, reach.limit)
    if isinstance(reply, Failure):
        raise _PassingError("", f"{_shown(url)}: {reply.problem}")
    return reply


def _check(url: httpx.URL, reach: _Reach) -> Steps[Sequence[str] | None]:
    """Return the public addresses of a host; None for a host that is allowed whatever it has."""
    host = url.host.lower()
    port = url.port or _PORTS.get(url.scheme, 0)
    if url.scheme not in _PORTS or not host:
        raise _refused(url, f"scheme {printable(url.scheme) or 'missing'}, expected https")
    if url.userinfo:
        raise _refused(url, "a user name in the address, expected none")
    if (host, port) in reach.allowed:
        return None
    if url.scheme != "https":
        raise _refused(url, f"scheme http, expected https; {_EXCEPT}")
    if not (is_host(host) and 0 < port < 65536):
        raise _refused(url, "a host or port in a form that is not reached, expected a name")
    addresses: Sequence[str] = [host]
    try:
        if not is_address(host):
            addresses = yield Resolve(host, port, (yield from reach.left()))
    except OSError as error:
        raise _PassingError("", f"{_shown(url)}: {printable(error, 200)}") from None
    private = [address for address in addresses if not is_public(address)]
    if private or not addresses:
        which = printable(private[0]) if private else "none"
        raise _refused(url, f"its address {which} is not public; {_EXCEPT}")
    return addresses


def _body(url: httpx.URL, reply: Reply) -> bytes:
    """Return the body of the last answer, if it is whole."""
    if reply.status != 200:
        problem = f"the host answered {reply.status}"
        if reply.status in _PASSING:
            raise _PassingError("", f"{_shown(url)}: {problem}")
        raise _refused(url, f"{problem}; hosted files may be gone after 24 hours")
    if reply.cut:
        problem = f"{len(reply.body):,} bytes came, then it was {reply.cut}"
        if reply.cut == "cut short":
            raise _PassingError("", f"{_shown(url)}: {problem}")
        raise _refused(url, problem)
    return reply.body


def _checked(data: bytes, url: str) -> bytes:
    """Return a Standard MIDI File as it is, and refuse anything else."""
    try:
        read_header(data, _shown(url), Faults())
    except MidiError as error:
        raise DownloadError("", str(error)) from None
    return data


def _refused(url: httpx.URL, problem: str) -> DownloadError:
    """Make the error for an address that is not tried again."""
    return DownloadError("", f"{_shown(url)}: {problem}")


def _shown(url: object) -> str:
    """Show an address without what may be a key: its user name and its query."""
    address = re.split(r"[?#]", str(url), maxsplit=1)[0]
    return printable(_USER_INFO.sub("//…@", address), 200)
