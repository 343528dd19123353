"""Where the paid endpoint is, and that the token goes nowhere else."""

from __future__ import annotations

import os
from urllib.parse import urlsplit

from midikit.errors import RemoteError
from midikit.escape import quoted
from midikit.fetch.net.addresses import is_host, is_loopback

__all__ = ["BASE_VARIABLE", "DEFAULT_BASE_URL", "checked_base"]

BASE_VARIABLE = "MIDIKIT_BASE_URL"
"""Environment variable that replaces the base of the endpoint."""

DEFAULT_BASE_URL = "https://api.aimusicapi.ai/api/v1/suno"
"""Base of the endpoint; the call is ``POST BASE/midi``."""


def checked_base(base_url: str | None) -> str:
    """Return the base of the endpoint without a slash at its end.

    Parameters
    ----------
    base_url : str or None
        A base, or None for that of the environment or the default.

    Returns
    -------
    str
        https, or http of this machine.

    Raises
    ------
    RemoteError
        If it is anything else; a password in it is not quoted.

    Examples
    --------
    >>> checked_base("http://127.0.0.1:8000/x/")
    'http://127.0.0.1:8000/x'
    """
    if base_url is None:
        base_url = os.environ.get(BASE_VARIABLE, "")
    base = base_url.strip() or DEFAULT_BASE_URL
    if not (base.isascii() and base.isprintable()) or set(base) & set(" \\"):
        raise _bad_base("holds spaces or characters that are no printable ASCII")
    try:
        parts = urlsplit(base)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        raise _bad_base(f"got {quoted(base)}") from None
    if "@" in parts.netloc:
        raise _bad_base("holds a user name, which is not sent")
    if parts.scheme not in {"https", "http"} or not is_host(host) or "?" in base or "#" in base:
        raise _bad_base(f"got {quoted(base)}")
    if parts.scheme == "http" and not is_loopback(host):
        raise _bad_base(f"got {quoted(base)}, and plain http is for this machine alone")
    return base.rstrip("/")


def _bad_base(problem: str) -> RemoteError:
    """Make the error for a base URL that cannot be used."""
    expected = f"expected such as {DEFAULT_BASE_URL}"
    return RemoteError("", f"base URL ({BASE_VARIABLE}): {problem}; {expected}")
