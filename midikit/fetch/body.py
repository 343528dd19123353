"""The bytes of a body as they come: decoded, counted, never more than was allowed."""

from __future__ import annotations

import zlib

__all__ = ["Body"]

_GZIP_OR_ZLIB = 32 + zlib.MAX_WBITS


class Body:
    """A body of bounded size, filled piece by piece.

    It is asked for without any encoding; gzip and deflate are taken off all the same, never
    further than the limit, so that a small body cannot become a large one.

    Parameters
    ----------
    encoding : str
        The ``Content-Encoding`` of the answer, empty if there is none.
    max_bytes : int
        Most decoded bytes to keep.

    Examples
    --------
    >>> body = Body("", max_bytes=4)
    >>> body.add(b"MTh"), body.add(b"d12"), body.data, body.fault
    (True, False, b'MThd', 'larger than 4 bytes')
    """

    def __init__(self, encoding: str, *, max_bytes: int) -> None:
        name = encoding.strip().lower()
        self._inflater = None
        self._pieces: list[bytes] = []
        self._room = max_bytes
        self._max_bytes = max_bytes
        self.fault = ""
        if name in {"gzip", "x-gzip", "deflate"}:
            self._inflater = zlib.decompressobj(_GZIP_OR_ZLIB)
        elif name not in {"", "identity"}:
            self.fault = "sent in an encoding that was not asked for"

    @property
    def data(self) -> bytes:
        """What has come so far, decoded."""
        return b"".join(self._pieces)

    def add(self, piece: bytes) -> bool:
        """Take the next piece.

        Parameters
        ----------
        piece : bytes
            Bytes as they were sent.

        Returns
        -------
        bool
            Whether more can be taken; if not, `fault` says why.
        """
        if self._inflater is not None and not self.fault:
            try:
                piece = self._inflater.decompress(piece, self._room + 1)
            except zlib.error:
                self.fault = "damaged gzip or deflate data"
                return False
        kept = piece[: self._room]
        self._pieces.append(kept)
        self._room -= len(kept)
        if len(kept) < len(piece):
            self.fault = f"larger than {self._max_bytes:,} bytes"
            return False
        return True

    def finish(self) -> None:
        """Note, after the last piece, whether the compressed data was whole."""
        if self._inflater is not None and not self.fault and not self._inflater.eof:
            self.fault = "cut short inside its gzip or deflate data"
