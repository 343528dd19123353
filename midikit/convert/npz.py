"""Arrays as one .npz: without pickle, the same bytes for the same arrays, bounded when read.

``numpy.savez`` writes the operating system into each entry and has no say over padding; here every
field of the zip that is not data is a constant. The compressed bytes are those of zlib.
"""

from __future__ import annotations

import ast
import io
import math
import zipfile
import zlib
from typing import TYPE_CHECKING, Any

import numpy as np

from midikit.convert.zipped import plain_entry
from midikit.errors import ConversionError, InputError, LimitError
from midikit.escape import printable

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import numpy.typing as npt

__all__ = ["DEFAULT_MAX_BYTES", "from_npz", "names_array", "to_npz"]

DEFAULT_MAX_BYTES = 1 << 30
"""Most bytes of arrays that are made or read unless a limit is given (1 GiB)."""

_BLOCK = 1 << 20
_HEADER_AT_MOST = 10_000


def to_npz(arrays: Mapping[str, npt.ArrayLike]) -> bytes:
    """Write arrays as a compressed .npz.

    Parameters
    ----------
    arrays : mapping of str to array_like
        Arrays by name; stored little-endian, in C order, in the order given.

    Returns
    -------
    bytes
        A file that ``numpy.load(..., allow_pickle=False)`` opens.

    Raises
    ------
    ConversionError
        If an array holds objects.

    Examples
    --------
    >>> np.load(io.BytesIO(to_npz({"a": [1.5, 2.5]})), allow_pickle=False)["a"].tolist()
    [1.5, 2.5]
    """
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, values in arrays.items():
            array = np.asarray(values)
            if array.dtype.hasobject:
                raise ConversionError(f"array {name}: holds objects; expected numbers or text")
            little = array.astype(array.dtype.newbyteorder("<"), order="C", copy=False)
            entry = plain_entry(f"{name}.npy", zipfile.ZIP_DEFLATED)
            entry.file_size = little.nbytes + _BLOCK
            with archive.open(entry, "w") as member:
                header = np.lib.format.header_data_from_array_1_0(little)
                np.lib.format.write_array_header_1_0(member, header)
                data = little.reshape(-1).view(np.uint8).data if little.nbytes else b""
                for at in range(0, little.nbytes, _BLOCK):
                    member.write(data[at : at + _BLOCK])
    return buffer.getvalue()


def from_npz(
    data: bytes, names: Iterable[str], *, source: str = "", max_bytes: int = DEFAULT_MAX_BYTES
) -> dict[str, npt.NDArray[Any]]:
    """Read arrays of an .npz, never more than a limit and never objects.

    Parameters
    ----------
    data : bytes
        The file.
    names : iterable of str
        The arrays to read; those that are not there are left out, others are not looked at.
    source : str, optional
        The file's name for messages, fit for a terminal.
    max_bytes : int, optional
        Most bytes of arrays in all.

    Returns
    -------
    dict of str to ndarray
        The arrays found; writable.

    Raises
    ------
    InputError
        If the bytes are no .npz or an array is damaged or holds objects.
    LimitError
        If the arrays are larger than `max_bytes`.

    Examples
    --------
    >>> from_npz(to_npz({"a": [1, 2], "b": [3]}), ["a", "c"])
    {'a': array([1, 2])}
    """
    try:
        archive = zipfile.ZipFile(io.BytesIO(data))
    except (zipfile.BadZipFile, ValueError, EOFError, OSError, NotImplementedError):
        raise InputError(source, "", "is no .npz file; expected one of zipped arrays") from None
    found: dict[str, npt.NDArray[Any]] = {}
    left = max_bytes
    with archive:
        present = {entry.filename: entry for entry in archive.infolist()}
        for name in names:
            entry = present.get(f"{name}.npy")
            if entry is not None:
                raw = _unpack(archive, entry, source=source, left=left, limit=max_bytes)
                left -= len(raw)
                found[name] = _array(raw, name, source)
    return found


def _unpack(
    archive: zipfile.ZipFile, entry: zipfile.ZipInfo, *, source: str, left: int, limit: int
) -> bytearray:
    """Decompress one entry until it ends or exceeds what is left of the limit."""
    place = printable(entry.filename)
    if entry.compress_type not in {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}:
        raise InputError(source, place, f"compression {entry.compress_type}; expected deflate")
    raw = bytearray()
    try:
        with archive.open(entry) as member:
            while len(raw) <= left and (block := member.read(_BLOCK)):
                raw += block
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError, RuntimeError) as error:
        raise InputError(source, place, f"is damaged: {printable(error)}") from None
    if len(raw) > left:
        raise LimitError(
            f"{source or 'npz'}: {place}: more than {limit:,} bytes of arrays; "
            "pass max_bytes= to read them all the same"
        )
    return raw


def _array(raw: bytearray, name: str, source: str) -> npt.NDArray[Any]:
    """Read one .npy whose header is believed only as far as there are bytes."""
    place = f"{name}.npy"
    try:
        shape, fortran, dtype, at = _header(raw)
        found, size = len(raw) - at, math.prod(shape) * dtype.itemsize
        fits = not dtype.hasobject and size == found and min(shape, default=0) >= 0
        array = np.zeros(0, dtype)
        if fits:
            flat = np.frombuffer(raw, dtype, offset=at) if size else array
            array = flat.reshape(shape, order="F" if fortran else "C")
    except _NO_ARRAY as error:
        raise InputError(source, place, f"is no array: {printable(error)}") from None
    if not fits:
        problem = f"{found:,} bytes for shape {printable(shape)} of {printable(dtype)}"
        expected = "without objects" if dtype.hasobject else "as many as that takes"
        raise InputError(source, place, f"{problem}; expected {expected}")
    return array


def _header(raw: bytearray) -> tuple[tuple[int, ...], bool, np.dtype[Any], int]:
    """Read what a .npy says it is: shape, whether in Fortran order, dtype, where the data begins.

    numpy's own reader warns about headers of Python 2 and lets errors of the tokenizer through.
    """
    if bytes(raw[:6]) != b"\x93NUMPY" or raw[6] not in {1, 2}:
        raise ValueError("expected a .npy of version 1.0 or 2.0")
    begin = 10 if raw[6] == 1 else 12
    length = int.from_bytes(raw[8:begin], "little")
    if length > _HEADER_AT_MOST:
        raise ValueError(f"a header of {length:,} bytes")
    said = ast.literal_eval(bytes(raw[begin : begin + length]).decode("latin-1").strip())
    shape, fortran = said["shape"], said["fortran_order"]
    if not all(type(axis) is int for axis in (0, *shape)) or not isinstance(fortran, bool):
        raise ValueError("a shape that is no row of whole numbers")
    return tuple(shape), fortran, np.lib.format.descr_to_dtype(said["descr"]), begin + length


_NO_ARRAY = (
    ValueError,
    TypeError,
    KeyError,
    IndexError,
    AttributeError,
    OverflowError,
    SyntaxError,
    RecursionError,
    MemoryError,
)
"""What Python's literals and numpy's dtypes raise for a header that is none."""


def names_array(names: Iterable[str], *, max_bytes: int) -> npt.NDArray[np.str_]:
    r"""Put names into one unicode array.

    Parameters
    ----------
    names : iterable of str
        Any text. NUL characters at a name's end are lost, as numpy has it.
    max_bytes : int
        Most bytes of the array: every name takes as much as the longest.

    Returns
    -------
    ndarray of str, shape (n,)
        The names.

    Raises
    ------
    LimitError
        If the array would be larger than `max_bytes`.

    Examples
    --------
    >>> names_array(["Koto", ""], max_bytes=1000)
    array(['Koto', ''], dtype='<U4')
    """
    listed = list(names)
    longest = max(map(len, listed), default=1) or 1
    if 4 * longest * len(listed) > max_bytes:
        raise LimitError(
            f"names: {len(listed):,} of up to {longest:,} characters are "
            f"{4 * longest * len(listed):,} bytes as an array, more than {max_bytes:,}; "
            "shorten the longest or pass max_bytes= to make it all the same"
        )
    return np.array(listed, np.dtype(("<U", longest)))
