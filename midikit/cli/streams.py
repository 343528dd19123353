"""The three standard streams, also where the caller closed some of them."""

from __future__ import annotations

import os
import sys

__all__ = ["open_streams"]


def open_streams() -> None:
    """Put something harmless where a standard stream is closed.

    Otherwise the next file that is opened takes its place, and what is meant for a stream lands in
    that file. Talk for a closed stderr is lost; reading a closed stdin and writing to a closed
    stdout fail as the system says it, with ``EBADF``.
    """
    for descriptor, mode in ((0, os.O_WRONLY), (1, os.O_RDONLY), (2, os.O_WRONLY)):
        _occupy(descriptor, mode)
    if sys.stdin is None:
        sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115 - stays open
    if sys.stdout is None:
        sys.stdout = open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115 - as above
    if sys.stderr is None:
        sys.stderr = open(2, "w", encoding="utf-8", closefd=False)  # noqa: SIM115 - as above
    for stream in (sys.stdout, sys.stderr):
        # Text that the terminal's encoding cannot hold comes out as escapes.
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="backslashreplace")


def _occupy(descriptor: int, mode: int) -> None:
    """Open the null device under a descriptor that is closed."""
    try:
        os.fstat(descriptor)
    except OSError:
        nowhere = os.open(os.devnull, mode)
        if nowhere != descriptor:
            os.dup2(nowhere, descriptor)
            os.close(nowhere)
        os.set_inheritable(descriptor, True)  # as the standard streams are
