"""Addresses that no download may follow: ways to this machine, to its network, to its files.

Each is written as an answer or a redirect would write it. ``{port}`` stands for the port of the
canary, a server on this machine that only listens; ``{allowed}`` for the host that may be reached.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["ADDRESSES", "fill"]

ADDRESSES: Mapping[str, str] = {
    "canary": "http://127.0.0.1:{port}/x.mid",
    "https": "https://127.0.0.1:{port}/x.mid",
    "upper": "HTTP://127.0.0.1:{port}/X.MID",
    "localhost": "http://localhost:{port}/x.mid",
    "localhost-dot": "http://localhost.:{port}/x.mid",
    "any": "http://0.0.0.0:{port}/x.mid",
    "decimal": "http://2130706433:{port}/x.mid",
    "hex": "http://0x7f000001:{port}/x.mid",
    "octal": "http://0177.0.0.1:{port}/x.mid",
    "short": "http://127.1:{port}/x.mid",
    "wide": "http://\uff11\uff12\uff17.0.0.1:{port}/x.mid",
    "circled": "http://\u2460\u2461\u2466.0.0.1:{port}/x.mid",
    "loopback-v6": "http://[::1]:{port}/x.mid",
    "mapped": "http://[::ffff:127.0.0.1]:{port}/x.mid",
    "mapped-hex": "http://[::ffff:7f00:1]:{port}/x.mid",
    "mapped-https": "https://[::ffff:127.0.0.1]:{port}/x.mid",
    "nat64": "http://[64:ff9b::7f00:1]:{port}/x.mid",
    "6to4": "https://[2002:7f00:1::]:{port}/x.mid",
    "userinfo": "http://{allowed}@127.0.0.1:{port}/x.mid",
    "userinfo-https": "https://cdn.example@127.0.0.1:{port}/x.mid",
    "userinfo-allowed": "http://user:password@{allowed}/x.mid",
    "backslash": "http://127.0.0.1:{port}\\@{allowed}/x.mid",
    "fragment": "http://127.0.0.1:{port}#@{allowed}/x.mid",
    "query": "http://127.0.0.1:{port}?@{allowed}/x.mid",
    "line-break": "http://127.0.0.1:{port}/x.mid\r\nX-Injected: 1",
    "tab": "http://127.0.0.1:{port}/\tx.mid",
    "no-scheme": "//127.0.0.1:{port}/x.mid",
    "metadata": "http://169.254.169.254/latest/meta-data",
    "metadata-https": "https://169.254.169.254/latest/meta-data",
    "metadata-name": "https://metadata.google.internal/computeMetadata/v1/",
    "private": "https://10.0.0.1/x.mid",
    "link-local-v6": "https://[fe80::1]/x.mid",
    "multicast": "https://224.0.0.1/x.mid",
    "file": "file:///etc/hostname",
    "ftp": "ftp://127.0.0.1:{port}/x.mid",
    "gopher": "gopher://127.0.0.1:{port}/_x",
    "data": "data:audio/midi;base64,TVRoZAAAAAYAAAAAAGA=",
}
"""Addresses by name."""


def fill(name: str, *, port: int, allowed: str) -> str:
    """Write one of the addresses.

    Parameters
    ----------
    name : str
        One of `ADDRESSES`.
    port : int
        Port of the canary.
    allowed : str
        ``host:port`` that may be reached.

    Returns
    -------
    str
        The address.

    Examples
    --------
    >>> fill("userinfo", port=9, allowed="127.0.0.1:8")
    'http://127.0.0.1:8@127.0.0.1:9/x.mid'
    """
    return ADDRESSES[name].replace("{port}", str(port)).replace("{allowed}", allowed)
