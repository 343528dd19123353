"""Host names to addresses, and which addresses a stranger's link may lead to.

An answer names the host of its .mid. Whoever can write that name could point it at this machine,
at the router, or at the service that hands out a cloud machine's keys; so only addresses that the
registries of IANA give to the public internet are reached, and the connection goes to the address
that was checked, not to whatever the name means a moment later.
"""

from __future__ import annotations

import ipaddress
import os
import re
import socket
import threading
from typing import TYPE_CHECKING

from midikit.errors import RemoteError
from midikit.escape import quoted

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = [
    "ALLOW_VARIABLE",
    "HostPort",
    "allowed_hosts",
    "is_address",
    "is_host",
    "is_loopback",
    "is_public",
    "late",
    "look_up",
    "resolve",
]

ALLOW_VARIABLE = "MIDIKIT_ALLOW_HOSTS"
"""Environment variable naming further ``host:port`` that downloads may reach."""

HostPort = tuple[str, int]
"""A host in lower case and a port."""

# https://www.iana.org/assignments/iana-ipv4-special-registry, and what clouds answer on.
_NOT_PUBLIC_V4 = tuple(
    ipaddress.IPv4Network(network)
    for network in (
        "0.0.0.0/8",  # this network
        "10.0.0.0/8",  # private
        "100.64.0.0/10",  # shared by a provider's customers
        "127.0.0.0/8",  # loopback
        "168.63.129.16/32",  # Azure's own services inside a virtual machine
        "169.254.0.0/16",  # link-local, metadata services
        "172.16.0.0/12",  # private
        "192.0.0.0/24",  # protocol assignments
        "192.0.2.0/24",  # documentation
        "192.88.99.0/24",  # 6to4 relays
        "192.168.0.0/16",  # private
        "198.18.0.0/15",  # benchmarks
        "198.51.100.0/24",  # documentation
        "203.0.113.0/24",  # documentation
        "224.0.0.0/4",  # multicast
        "240.0.0.0/4",  # reserved, broadcast
    )
)
_GLOBAL_UNICAST_V6 = ipaddress.IPv6Network("2000::/3")
_NOT_PUBLIC_V6 = tuple(
    ipaddress.IPv6Network(network)
    for network in (
        "2001::/23",  # protocol assignments, Teredo
        "2001:db8::/32",  # documentation
        "2002::/16",  # 6to4: any IPv4 address inside
        "3fff::/20",  # documentation
    )
)
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
_HOST = re.compile(r"[a-z0-9_](?:[a-z0-9_.-]{0,252})?", re.IGNORECASE)
_NUMBER_AT_END = re.compile(r"(?:.*\.)?(?:[0-9]+|0x[0-9a-f]*)\.?", re.IGNORECASE)


def is_public(address: str) -> bool:
    """Tell whether an address belongs to the public internet.

    Parameters
    ----------
    address : str
        An IPv4 or IPv6 address in its usual form.

    Returns
    -------
    bool
        False for private, loopback, link-local, metadata, multicast, reserved and documentation
        addresses, for IPv6 forms that hide an IPv4 address, and for what is no address.

    Examples
    --------
    >>> is_public("1.1.1.1"), is_public("169.254.169.254"), is_public("::ffff:1.1.1.1")
    (True, False, False)
    """
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return False
    if isinstance(parsed, ipaddress.IPv4Address):
        return not any(parsed in network for network in _NOT_PUBLIC_V4)
    if parsed.scope_id is not None:
        return False
    if parsed in _NAT64:
        return is_public(str(ipaddress.IPv4Address(int(parsed) & 0xFFFF_FFFF)))
    return parsed in _GLOBAL_UNICAST_V6 and not any(parsed in net for net in _NOT_PUBLIC_V6)


def is_loopback(host: str) -> bool:
    """Tell whether a host of a URL is this machine, without asking a name server.

    Parameters
    ----------
    host : str
        A name, or an address without brackets.

    Returns
    -------
    bool
        True for ``localhost`` and loopback addresses in their usual form.

    Examples
    --------
    >>> is_loopback("127.0.0.1"), is_loopback("::1"), is_loopback("127.1")
    (True, True, False)
    """
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def is_address(host: str) -> bool:
    """Tell whether a host is an address, in the one form that everybody reads alike.

    Parameters
    ----------
    host : str
        A name, or an address without brackets.

    Returns
    -------
    bool
        True for dotted IPv4 addresses and for IPv6 addresses.

    Examples
    --------
    >>> is_address("127.0.0.1"), is_address("::1"), is_address("127.1")
    (True, True, False)
    """
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def is_host(host: str) -> bool:
    """Tell whether a host is written in a way that means the same to everybody.

    Parameters
    ----------
    host : str
        A name, or an address without brackets.

    Returns
    -------
    bool
        False for other scripts, odd characters, and addresses such as ``2130706433`` or ``0x7f.1``
        that only some programs take for one.

    Examples
    --------
    >>> is_host("cdn.example"), is_host("127.0.0.1"), is_host("::1"), is_host("2130706433")
    (True, True, True, False)
    """
    if is_address(host):
        return True
    return bool(_HOST.fullmatch(host)) and not _NUMBER_AT_END.fullmatch(host)


def allowed_hosts(entries: Iterable[str] | None = None) -> frozenset[HostPort]:
    """Read the hosts that downloads may reach besides public ones.

    Parameters
    ----------
    entries : iterable of str or None, optional
        ``host:port`` each; by default those of ``MIDIKIT_ALLOW_HOSTS``, separated by commas.

    Returns
    -------
    frozenset of (str, int)
        Host in lower case, without brackets, and port.

    Raises
    ------
    RemoteError
        If an entry is no ``host:port``.

    Examples
    --------
    >>> sorted(allowed_hosts(["127.0.0.1:8080", "[::1]:9000"]))
    [('127.0.0.1', 8080), ('::1', 9000)]
    """
    if entries is None:
        entries = os.environ.get(ALLOW_VARIABLE, "").split(",")
    return frozenset(_host_port(entry.strip()) for entry in entries if entry.strip())


def _host_port(entry: str) -> HostPort:
    """Read one ``host:port``."""
    host, _, port = entry.rpartition(":")
    if host.startswith("[") and host.endswith("]"):
        host = host[1:-1]
    if not (is_host(host) and re.fullmatch(r"[0-9]{1,5}", port) and 0 < int(port) < 65536):
        problem = f"got {quoted(entry)}; expected host:port, such as 127.0.0.1:8080"
        raise RemoteError("", f"{ALLOW_VARIABLE}: {problem}")
    return host.lower(), int(port)


def resolve(host: str, port: int, seconds: float) -> list[str]:
    """Ask for the addresses of a host, for a limited time.

    Parameters
    ----------
    host : str
        A name, or an address without brackets.
    port : int
        The port that will be connected to.
    seconds : float
        How long to wait; the system's resolver alone may take minutes.

    Returns
    -------
    list of str
        Addresses in the order the system prefers, without repetitions.

    Raises
    ------
    OSError
        If there are none, or not in time.

    Examples
    --------
    >>> resolve("127.0.0.1", 80, 1.0)
    ['127.0.0.1']
    """
    if is_address(host):
        return [host]
    found: list[str] = []
    problem: list[OSError] = []

    def ask() -> None:
        try:
            found.extend(look_up(host, port))
        except OSError as error:
            problem.append(error)

    thread = threading.Thread(target=ask, name="midikit-resolve", daemon=True)
    thread.start()
    thread.join(seconds)
    if thread.is_alive():
        raise late(host, seconds)
    if problem:
        raise problem[0]
    return found


def look_up(host: str, port: int) -> list[str]:
    """Ask for the addresses of a host, for as long as the system takes.

    Parameters
    ----------
    host : str
        A name, or an address without brackets.
    port : int
        The port that will be connected to.

    Returns
    -------
    list of str
        As `resolve`.

    Raises
    ------
    OSError
        If there are none.

    Examples
    --------
    >>> look_up("127.0.0.1", 80)
    ['127.0.0.1']
    """
    reason = "there is no such host"
    try:
        rows = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        rows, reason = [], getattr(error, "strerror", None) or reason
    if not rows:
        raise OSError(f"no address of {quoted(host)}: {reason}")
    return list(dict.fromkeys(str(row[4][0]) for row in rows))


def late(host: str, seconds: float) -> TimeoutError:
    """Make the error for a name server that does not answer.

    Parameters
    ----------
    host : str
        The name.
    seconds : float
        How long it was waited for.

    Returns
    -------
    TimeoutError
        An `OSError`.

    Examples
    --------
    >>> print(late("cdn.example", 5.0))
    no address of 'cdn.example' within 5 s
    """
    return TimeoutError(f"no address of {quoted(host)} within {seconds:.3g} s")
