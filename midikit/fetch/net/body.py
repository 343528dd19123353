"""The bytes of a body as they come: counted, then decoded, never more than was allowed."""

from __future__ import annotations

import zlib

__all__ = ["Body"]

_GZIP_OR_ZLIB = 32 + zlib.MAX_WBITS
_RAW_DEFLATE = -zlib.MAX_WBITS
_GZIP_MAGIC = b"\x1f\x8b"
_STEP = 4096
_MAX_MEMBERS = 1000
_KEPT = 1 << 20
"""Bytes that are kept of what is too large."""

_DAMAGED = "damaged gzip or deflate data"


class Body:
    """A body of bounded size, filled piece by piece.

    It is asked for without any encoding; gzip and deflate are taken off all the same, never
    further than the limit, so that a small body cannot become a large one. What cannot be decoded
    is handed on as it came: the label may be wrong, and the body may have been paid for. Of one
    that is too large the first MiB is kept, since no more of it is of use.

    Parameters
    ----------
    encoding : str
        The ``Content-Encoding`` of the answer, empty if there is none.
    max_bytes : int
        Most bytes to keep, as sent and as decoded.

    Examples
    --------
    >>> body = Body("", max_bytes=4)
    >>> body.add(b"MTh"), body.add(b"d12"), body.decoded()
    (True, False, (b'MThd', 'larger than 4 bytes'))
    """

    def __init__(self, encoding: str, *, max_bytes: int) -> None:
        self._encoding = encoding.strip().lower()
        self._came = bytearray()  # grows in place: a large body is in memory once
        self._max_bytes = max_bytes
        self._is_larger = False

    @property
    def sent(self) -> bytes:
        """What has come so far, as it was sent; empty if that is what `decoded` returns."""
        return b"" if self._is_plain else bytes(self._came)

    @property
    def _is_plain(self) -> bool:
        return self._encoding in {"", "identity"}

    def add(self, piece: bytes) -> bool:
        """Take the next piece.

        Parameters
        ----------
        piece : bytes
            Bytes as they were sent.

        Returns
        -------
        bool
            Whether more can be taken.
        """
        self._is_larger = len(self._came) + len(piece) > self._max_bytes
        self._came += piece[: max(0, self._max_bytes - len(self._came))]
        if self._is_larger:
            del self._came[_KEPT:]
        return not self._is_larger

    def decoded(self) -> tuple[bytes, str]:
        """Take the encoding off what has come.

        Returns
        -------
        data : bytes
            As far as it can be decoded; as it was sent where that is nowhere.
        fault : str
            Why it is not whole, empty if it is.
        """
        sent = bytes(self._came)
        larger = f"larger than {self._max_bytes:,} bytes" if self._is_larger else ""
        if self._is_plain:
            return sent, larger
        if self._encoding not in {"gzip", "x-gzip", "deflate"}:
            return sent, larger or "sent in an encoding that was not asked for"
        data, fault, _ = _inflate(sent, _GZIP_OR_ZLIB, self._max_bytes)
        if fault == _DAMAGED and not data:
            data, fault, end = _inflate(sent, _RAW_DEFLATE, self._max_bytes)
            if fault.startswith("larger"):
                return data, fault
            if fault or end < len(sent):
                return sent, larger  # neither: the label is wrong
        return data, larger or fault


def _inflate(sent: bytes, window_bits: int, max_bytes: int) -> tuple[bytes, str, int]:
    """Inflate every gzip member, or one other stream; return data, fault and the end of it."""
    data, end = bytearray(), 0
    for _ in range(_MAX_MEMBERS):
        inflater = zlib.decompressobj(window_bits)
        while not inflater.eof and end < len(sent):
            step = sent[end : end + _STEP]
            room = max_bytes - len(data)
            try:
                piece = inflater.decompress(step, room + 1)
            except zlib.error:
                return bytes(data), _DAMAGED, end
            if len(piece) > room:
                data += piece[:room]
                return bytes(data[:_KEPT]), f"larger than {max_bytes:,} bytes", end
            data += piece
            end += len(step) - len(inflater.unused_data)
        if not inflater.eof:
            return bytes(data), "cut short inside its gzip or deflate data", end
        if window_bits == _RAW_DEFLATE or not sent.startswith(_GZIP_MAGIC, end):
            break
    return bytes(data), "", end
