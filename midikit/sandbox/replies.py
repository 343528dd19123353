"""What is sent back, and how: whole, cut short, drop by drop, or not at all."""

from __future__ import annotations

import functools
import itertools
import json
import zlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["BOMB_BYTES", "Manner", "Reply", "blocks", "bomb", "encoded", "message", "page", "said"]

Manner = Literal[
    "whole", "cut", "cut chunked", "drip", "endless", "stall", "hang", "close", "reset"
]
"""How a reply is sent.

``cut``: the length of the whole, half the bytes; ``drip``: a byte every fifth of a second;
``endless``: bytes without an end; ``stall``: the headers, then nothing; ``hang``: nothing at all
until the client leaves; ``close`` and ``reset``: nothing, and the connection ends.
"""

BOMB_BYTES = 200_000_000
"""Size of an unpacked bomb."""

_BLOCK = 1 << 16


@dataclass(frozen=True, slots=True)
class Reply:
    """One reply.

    Parameters
    ----------
    status : int
        HTTP status.
    body : bytes
        Its body.
    headers : tuple of (str, str)
        Further headers.
    kind : str
        Media type.
    manner : Manner
        How it is sent.
    delivers : bool
        Whether it is a complete answer with notes.
    """

    status: int
    body: bytes = field(default=b"", repr=False)
    headers: tuple[tuple[str, str], ...] = ()
    kind: str = "application/json"
    manner: Manner = "whole"
    delivers: bool = False


def message(code: int, text: str) -> dict[str, Any]:
    """Make a body as the endpoint words it.

    Parameters
    ----------
    code : int
        Code, as in the HTTP status.
    text : str
        Message.

    Returns
    -------
    dict
        Both.
    """
    return {"code": code, "message": text}


def encoded(body: Mapping[str, Any]) -> bytes:
    """Write a body.

    Parameters
    ----------
    body : mapping
        Anything fit for JSON.

    Returns
    -------
    bytes
        JSON in UTF-8.
    """
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()


def said(code: int, text: str, *headers: tuple[str, str]) -> Reply:
    """Make a reply that is a message.

    Parameters
    ----------
    code : int
        Status, and code in the body.
    text : str
        Message.
    *headers : tuple of (str, str)
        Further headers.

    Returns
    -------
    Reply
        The reply.

    Examples
    --------
    >>> said(429, "Too Many Requests.", ("Retry-After", "1")).headers
    (('Retry-After', '1'),)
    """
    return Reply(code, encoded(message(code, text)), headers)


def page(status: int, title: str) -> Reply:
    """Make a reply that is a web page.

    Parameters
    ----------
    status : int
        Status.
    title : str
        What it says.

    Returns
    -------
    Reply
        The reply.
    """
    text = f"<!DOCTYPE html><html><head><title>{title}</title></head><body>{title}</body></html>"
    return Reply(status, text.encode(), kind="text/html")


@functools.cache
def bomb(start: bytes) -> bytes:
    """Pack a body of `BOMB_BYTES` into a few hundred kilobytes.

    Parameters
    ----------
    start : bytes
        What it begins with; zeros follow.

    Returns
    -------
    bytes
        The body as gzip.
    """
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    zeros = bytes(1 << 20)
    parts = [packer.compress(start)]
    parts += (packer.compress(zeros) for _ in range(BOMB_BYTES >> 20))
    return b"".join([*parts, packer.flush()])


def blocks(start: bytes) -> Iterator[bytes]:
    """Give a body that never ends.

    Parameters
    ----------
    start : bytes
        What it begins with.

    Yields
    ------
    bytes
        A piece at a time.
    """
    yield start
    yield from itertools.repeat(b"\0" * _BLOCK)
