"""Notes as one numpy structured array, and pure functions on it.

A note array has the dtype `NOTE`, is sorted by (start, pitch, end, velocity) and is read-only, so
that it can be shared without copying. `as_notes` is the only way to make one. Nothing here changes
its argument: each function returns a new array.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import accumulate
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import numpy.typing as npt

from midikit.errors import NotesError
from midikit.model.order import canonical_order

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

__all__ = [
    "NOTE",
    "NO_NOTES",
    "Notes",
    "as_notes",
    "concatenate",
    "greatest_polyphony",
    "is_canonical",
    "notes_by_track",
    "shift",
    "transpose",
    "trusted_notes",
]

Notes: TypeAlias = npt.NDArray[np.void]
"""A read-only structured array of dtype `NOTE` in canonical order."""

NOTE = np.dtype([("start", "f8"), ("end", "f8"), ("pitch", "i4"), ("velocity", "i4")])
"""One note, 24 aligned bytes: start and end in seconds, pitch 0..127, velocity 1..127.

The integers are signed and wide on purpose: ``pitch - 60`` of pitch 10 is -50, and numpy does not
copy a column before it searches it.
"""

NO_NOTES: Notes = np.empty(0, NOTE)
NO_NOTES.flags.writeable = False

_FIELDS = ("start", "end", "pitch", "velocity")
_MAX_PITCH = 127
_MAX_VELOCITY = 127


def as_notes(
    data: npt.ArrayLike | Mapping[str, npt.ArrayLike] | Iterable[tuple[float, float, int, int]],
) -> Notes:
    """Make a note array: copy, check, sort, freeze.

    Parameters
    ----------
    data : structured array, mapping of columns, or iterable of (start, end, pitch, velocity)
        `start` and `end` in seconds, `pitch` 0..127, `velocity` 1..127. Further fields of an array
        or mapping are left out. Pitches and velocities may be floats if they are whole.

    Returns
    -------
    Notes, shape (n,)
        dtype `NOTE`, sorted by (start, pitch, end, velocity), read-only. ``as_notes(as_notes(x))``
        equals ``as_notes(x)``.

    Raises
    ------
    NotesError
        If a field is missing, the columns differ in length, a value is not finite or out of range,
        or a note ends before it starts; the message names the first bad row.

    Examples
    --------
    >>> notes = as_notes([(0.5, 1.0, 64, 80), (0.0, 1.0, 60, 80)])
    >>> notes["pitch"].tolist()
    [60, 64]
    >>> as_notes({"start": [0.0], "end": [1.0], "pitch": [131], "velocity": [80]})
    Traceback (most recent call last):
    midikit.errors.NotesError: note 0: pitch is 131; expected a whole number from 0 to 127
    """
    columns = _columns(data)
    lengths = {name: len(column) for name, column in columns.items()}
    if len(set(lengths.values())) > 1:
        raise NotesError(f"columns of different lengths: {lengths}; expected one value a note")
    _check(columns)
    return _table(columns, canonical_order(columns, np.array([len(columns["start"])])))


def _columns(data: Any) -> dict[str, npt.NDArray[Any]]:
    """Take the four columns out of whatever shape the notes came in."""
    if isinstance(data, np.ndarray) and data.dtype.names:
        names = data.dtype.names
        source: Any = np.atleast_1d(data)
    elif isinstance(data, Mapping):
        names, source = tuple(data), data
    else:
        rows = data if isinstance(data, np.ndarray) else list(data)
        table = np.empty((0, 4)) if len(rows) == 0 else _numbers("notes", rows)
        if table.ndim != 2 or table.shape[1] != len(_FIELDS):
            raise NotesError(f"notes of shape {table.shape}; expected (n, 4): {', '.join(_FIELDS)}")
        return {name: table[:, i] for i, name in enumerate(_FIELDS)}
    missing = [name for name in _FIELDS if name not in names]
    if missing:
        raise NotesError(f"no {missing[0]!r} among {list(names)}; expected {list(_FIELDS)}")
    columns = {name: _numbers(name, source[name]) for name in _FIELDS}
    for name, column in columns.items():
        if column.ndim != 1:
            raise NotesError(f"{name} has shape {column.shape}; expected one value a note")
    return columns


def _numbers(name: str, values: Any) -> npt.NDArray[Any]:
    """Turn one column into numbers, refusing text, objects, booleans and complex values."""
    try:
        column = np.asarray(values)
    except ValueError:
        raise NotesError(f"{name} is ragged; expected one number a note") from None
    if column.size == 0:
        return column.astype(np.float64)
    if column.dtype.kind not in "iuf":
        raise NotesError(f"{name} holds {column.dtype}; expected numbers")
    return column


def _check(columns: dict[str, npt.NDArray[Any]]) -> None:
    """Refuse the first row that breaks a rule, naming it."""
    if _are_fine(columns):
        return
    start, end = columns["start"], columns["end"]
    pitch, velocity = columns["pitch"], columns["velocity"]
    # Written so that a NaN fails each test.
    rules = (
        ("start", (start >= 0) & np.isfinite(start), "finite seconds, not negative"),
        ("end", (end >= start) & np.isfinite(end), "finite seconds, not before the start"),
        (
            "pitch",
            (pitch >= 0) & (pitch <= _MAX_PITCH) & (np.floor(pitch) == pitch),
            f"a whole number from 0 to {_MAX_PITCH}",
        ),
        (
            "velocity",
            (velocity >= 1) & (velocity <= _MAX_VELOCITY) & (np.floor(velocity) == velocity),
            f"a whole number from 1 to {_MAX_VELOCITY}",
        ),
    )
    for name, good, expected in rules:
        if not good.all():
            row = int(np.argmin(good))
            raise NotesError(f"note {row}: {name} is {columns[name][row]}; expected {expected}")


def _are_fine(columns: dict[str, npt.NDArray[Any]]) -> bool:
    """Whether no row breaks a rule, from the extremes of each column; a NaN fails each test."""
    start, end = columns["start"], columns["end"]
    pitch, velocity = columns["pitch"], columns["velocity"]
    return len(start) == 0 or bool(
        start.min() >= 0
        and end.max() < np.inf
        and (end >= start).all()
        and pitch.min() >= 0
        and pitch.max() <= _MAX_PITCH
        and velocity.min() >= 1
        and velocity.max() <= _MAX_VELOCITY
        and (pitch.dtype.kind != "f" or (np.floor(pitch) == pitch).all())
        and (velocity.dtype.kind != "f" or (np.floor(velocity) == velocity).all())
    )


def _table(
    columns: Mapping[str, npt.NDArray[Any]], order: npt.NDArray[np.integer[Any]] | None
) -> Notes:
    """Copy checked columns into one array in an order, if one is given, and freeze it."""
    notes = np.empty(len(columns["start"]), NOTE)
    for name in _FIELDS:
        notes[name] = columns[name] if order is None else columns[name][order]
    notes.flags.writeable = False
    return notes


def is_canonical(notes: npt.NDArray[Any]) -> bool:
    """Tell whether an array is a note array as `as_notes` makes it.

    Parameters
    ----------
    notes : ndarray
        Any array.

    Returns
    -------
    bool
        True if it has the dtype `NOTE`, is read-only, in order and within range.

    Examples
    --------
    >>> is_canonical(NO_NOTES)
    True
    """
    if notes.dtype != NOTE or notes.flags.writeable or notes.ndim != 1:
        return False
    columns = {name: notes[name] for name in _FIELDS}
    try:
        _check(columns)
    except NotesError:
        return False
    return canonical_order(columns, np.array([len(notes)])) is None


def notes_by_track(columns: Mapping[str, npt.NDArray[Any]], counts: Sequence[int]) -> list[Notes]:
    """Make the note arrays of a whole song in one pass.

    The same copy, checks and order as `as_notes`, but once for all tracks: a song of 300 short
    tracks costs what one long track costs.

    Parameters
    ----------
    columns : mapping of ndarray, each of shape (n,)
        `start`, `end` (s), `pitch`, `velocity` of all notes, track after track.
    counts : sequence of int
        Notes in each track, summing to n.

    Returns
    -------
    list of Notes
        One read-only view a track into one shared array.

    Raises
    ------
    NotesError
        As `as_notes`; the row counts over the whole song.

    Examples
    --------
    >>> columns = {
    ...     "start": [0.5, 0.0, 0.2],
    ...     "end": [1, 1, 1],
    ...     "pitch": [60, 62, 64],
    ...     "velocity": [80, 80, 80],
    ... }
    >>> [track["pitch"].tolist() for track in notes_by_track(columns, [2, 1])]
    [[62, 60], [64]]
    """
    table = {name: _numbers(name, columns[name]) for name in _FIELDS}
    _check(table)
    ends = np.cumsum(np.asarray(counts, np.int64))
    total = int(ends[-1]) if len(ends) else 0
    if any(len(column) != total for column in table.values()):
        raise NotesError(f"counts sum to {total}; expected one value a note in every column")
    return _split(_table(table, canonical_order(table, ends)), counts)


def trusted_notes(
    columns: Mapping[str, npt.NDArray[Any]],
    counts: Sequence[int],
    order: npt.NDArray[np.integer[Any]] | None,
) -> list[Notes]:
    """Make the note arrays of a whole song of columns that are checked already.

    For the reader of .mid files, whose bytes hold nothing out of range.

    Parameters
    ----------
    columns : mapping of ndarray, each of shape (n,)
        As for `notes_by_track`.
    counts : sequence of int
        Notes in each track, summing to n.
    order : ndarray of int, shape (n,), or None
        Rows in canonical order, each track by itself; None if the columns are in it.

    Returns
    -------
    list of Notes
        One read-only view a track into one shared array.
    """
    return _split(_table(columns, order), counts)


def _split(notes: Notes, counts: Sequence[int]) -> list[Notes]:
    """Cut the notes of a song into those of its tracks."""
    ends = accumulate(counts)
    return [notes[end - count : end] for count, end in zip(counts, ends, strict=True)]


def concatenate(parts: Iterable[Notes]) -> Notes:
    """Join note arrays into one, in canonical order.

    Parameters
    ----------
    parts : iterable of Notes
        Any number of note arrays.

    Returns
    -------
    Notes, shape (sum of the lengths,)
        All their notes, duplicates included.

    Examples
    --------
    >>> one = as_notes([(1.0, 2.0, 60, 80)])
    >>> len(concatenate([one, one]))
    2
    """
    arrays = list(parts)
    return as_notes(np.concatenate(arrays)) if arrays else NO_NOTES


def transpose(notes: Notes, semitones: int) -> Notes:
    """Move every pitch.

    Parameters
    ----------
    notes : Notes, shape (n,)
        Notes to move.
    semitones : int
        Half tones up, negative for down.

    Returns
    -------
    Notes, shape (n,)
        The moved notes.

    Raises
    ------
    NotesError
        If a pitch would leave 0..127.

    Examples
    --------
    >>> transpose(as_notes([(0.0, 1.0, 60, 80)]), 12)["pitch"].tolist()
    [72]
    """
    moved = notes.copy()
    moved["pitch"] += semitones
    return as_notes(moved)


def shift(notes: Notes, seconds: float) -> Notes:
    """Move every note in time.

    Parameters
    ----------
    notes : Notes, shape (n,)
        Notes to move.
    seconds : float
        How far, in seconds; negative for earlier.

    Returns
    -------
    Notes, shape (n,)
        The moved notes.

    Raises
    ------
    NotesError
        If a note would start before time zero.

    Examples
    --------
    >>> shift(as_notes([(0.0, 1.0, 60, 80)]), 0.25)["start"].tolist()
    [0.25]
    """
    moved = notes.copy()
    moved["start"] += seconds
    moved["end"] += seconds
    return as_notes(moved)


def greatest_polyphony(notes: Notes) -> int:
    """Count the most notes that sound at one time.

    Parameters
    ----------
    notes : Notes, shape (n,)
        Notes of one track.

    Returns
    -------
    int
        A note that ends where another starts does not count with it; zero-length notes do count
        at their instant among themselves.

    Examples
    --------
    >>> greatest_polyphony(as_notes([(0.0, 1.0, 60, 80), (0.5, 2.0, 64, 80), (1.0, 2.0, 67, 80)]))
    2
    """
    if len(notes) == 0:
        return 0
    long = notes[notes["end"] > notes["start"]]
    starts = np.concatenate([long["start"], long["end"]])
    steps = np.repeat([1, -1], len(long))
    order = np.lexsort((steps, starts))
    sounding = int(np.cumsum(steps[order]).max(initial=0))
    instants = notes["start"][notes["end"] == notes["start"]]
    struck = np.unique(instants, return_counts=True)[1]
    return max(sounding, int(struck.max(initial=0)))
