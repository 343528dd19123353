"""What one connection may reach, and how long each operation on it may take.

This module imports httpx.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpcore

from midikit.fetch.net.addresses import is_loopback

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import httpx

__all__ = ["Limits"]

_PASSED = "the deadline has passed"


class Limits:
    """What one connection may reach, and for how long.

    Parameters
    ----------
    request : httpx.Request
        Carries ``left``, a function telling the seconds left, and perhaps ``addresses``, the
        checked addresses to connect to.

    Attributes
    ----------
    has_written : bool
        Whether a byte of the request may have left.
    """

    def __init__(self, request: httpx.Request) -> None:
        self._left: Callable[[], float] = request.extensions["left"]
        self.addresses: Sequence[str] | None = request.extensions.get("addresses")
        self._loopback_only = request.url.scheme == "http" and is_loopback(request.url.host)
        self.has_written = False

    def connecting(self, timeout: float | None) -> float:
        """Return the seconds that connecting may take.

        Parameters
        ----------
        timeout : float or None
            What was asked for.

        Returns
        -------
        float
            At most what is left.
        """
        left = self._left()
        if left <= 0:
            raise httpcore.ConnectTimeout(_PASSED)
        return left if timeout is None else min(timeout, left)

    def reading(self) -> float:
        """Return the seconds that a read may take.

        Returns
        -------
        float
            What is left.
        """
        left = self._left()
        if left <= 0:
            raise httpcore.ReadTimeout(_PASSED)
        return left

    def writing(self) -> float:
        """Return the seconds that a write may take; the first one tells that a request left.

        Returns
        -------
        float
            What is left.
        """
        left = self._left()
        if left <= 0:
            raise (httpcore.WriteTimeout if self.has_written else httpcore.ConnectTimeout)(_PASSED)
        self.has_written = True
        return left

    def check(self, host: str, addresses: Sequence[str]) -> Sequence[str]:
        """Return the addresses of a host that may be tried.

        Parameters
        ----------
        host : str
            Its name.
        addresses : sequence of str
            What a name server says.

        Returns
        -------
        sequence of str
            The same.
        """
        if self._loopback_only and not all(map(is_loopback, addresses)):
            raise httpcore.ConnectError(f"{host} is not this machine, and http is not for others")
        return addresses
