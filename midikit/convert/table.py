"""Notes as tables: CSV for spreadsheets and data frames, .npz for numpy."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np

from midikit.convert.npz import DEFAULT_MAX_BYTES, names_array, to_npz
from midikit.errors import LimitError
from midikit.escape import csv_cell
from midikit.files import write_bytes
from midikit.model.song import NOTE_ARRAY

if TYPE_CHECKING:
    import os

    import numpy.typing as npt

    from midikit.model.beats import BeatGrid
    from midikit.model.song import Song

__all__ = ["to_csv", "to_notes_npz", "write_csv", "write_notes_npz"]

_COLUMNS = "track,name,program,drum,start,end,pitch,velocity"
_SPECIAL = re.compile(r'[",;\t\r\n]|^ | $')
_BLOCK = 1 << 13
"""Rows of a table that are made at a time."""

_NUMBERS_AT_MOST = 120
"""Characters that the numbers of one row take at most, with beat and bar."""


def to_csv(
    song: Song,
    *,
    grid: BeatGrid | None = None,
    safe: bool = True,
    max_bytes: int = DEFAULT_MAX_BYTES,
) -> str:
    r"""Write the notes as CSV text, a row a note.

    Parameters
    ----------
    song : Song
        What to write.
    grid : BeatGrid, optional
        Adds the columns `beat` (``grid.beat_at(start)``: felt beats from the grid's first, with
        fractions) and `bar` (``grid.bar_at(start)``: 1 at the first bar line, with fractions).
    safe : bool, optional
        Keep names from acting as formulas in a spreadsheet: a leading ``= + - @`` gets an
        apostrophe in front, control characters are escaped. False keeps names exactly.
    max_bytes : int, optional
        Most characters of text, judged before it is made: long names are repeated in every row.

    Returns
    -------
    str
        RFC 4180: a header row, fields in quotes where needed, rows ending in CR LF. `track` is the
        index, `program` is empty where nobody said, `drum` is true or false, `start` and `end` are
        seconds. Rows are in the order of `Song.note_array`: by start, then track, then pitch.
        Numbers with fractions have as many digits as it takes to read them back exactly.

    Raises
    ------
    LimitError
        If the text could be longer than `max_bytes`.

    Examples
    --------
    >>> from midikit.model.notes import as_notes
    >>> from midikit.model.song import Song, Track
    >>> koto = Track("Koto", program=107, notes=as_notes([(0.0, 0.5, 60, 80)]))
    >>> for line in to_csv(Song((koto,))).splitlines():
    ...     print(line)
    track,name,program,drum,start,end,pitch,velocity
    0,Koto,107,false,0.0,0.5,60,80
    """
    heads = [
        f"{index},{_field(csv_cell(track.name) if safe else track.name)},"
        f"{'' if track.program is None else track.program},{'true' if track.is_drum else 'false'},"
        for index, track in enumerate(song.tracks)
    ]
    size = sum(
        (len(head) + _NUMBERS_AT_MOST) * len(track.notes)
        for head, track in zip(heads, song.tracks, strict=True)
    )
    if size > max_bytes:
        raise LimitError(
            f"CSV: {song.note_count:,} rows with names as long as these are up to {size:,} "
            f"characters, the limit is {max_bytes:,}; shorten the names or raise it with max_bytes="
        )
    notes = song.note_array()
    header = _COLUMNS
    places: list[npt.NDArray[np.float64]] = []
    if grid is not None:
        header += ",beat,bar"
        with np.errstate(over="ignore"):
            places = [grid.beat_at(notes["start"]), grid.bar_at(notes["start"])]
    # A block at a time: numbers as objects take several times the room of their text.
    blocks = [
        _rows(heads, notes[row : row + _BLOCK], [place[row : row + _BLOCK] for place in places])
        for row in range(0, len(notes), _BLOCK)
    ]
    return "\r\n".join([header, *blocks, ""])


def _rows(
    heads: list[str], notes: npt.NDArray[np.void], places: list[npt.NDArray[np.float64]]
) -> str:
    """Write some rows of the table, without the end of the last line."""
    columns = [notes[name].tolist() for name in ("track", "start", "end", "pitch", "velocity")]
    rows = [
        f"{heads[track]}{start!r},{end!r},{pitch},{velocity}"
        for track, start, end, pitch, velocity in zip(*columns, strict=True)
    ]
    for place in places:
        rows = [f"{row},{value!r}" for row, value in zip(rows, place.tolist(), strict=True)]
    return "\r\n".join(rows)


def _field(text: str) -> str:
    """Quote a field where a reader of comma- or semicolon-separated text would split or trim it."""
    return '"' + text.replace('"', '""') + '"' if _SPECIAL.search(text) else text


def write_csv(
    song: Song,
    path: str | os.PathLike[str],
    *,
    grid: BeatGrid | None = None,
    safe: bool = True,
    max_bytes: int = DEFAULT_MAX_BYTES,
) -> None:
    """Write the notes to a CSV file in UTF-8.

    Parameters
    ----------
    song : Song
        What to write.
    path : str or PathLike
        The target; an existing file is replaced.
    grid : BeatGrid, optional
        As for `to_csv`.
    safe : bool, optional
        As for `to_csv`. With False half a surrogate pair in a name is written as it is, which
        Python reads back with ``errors="surrogatepass"``.
    max_bytes : int, optional
        As for `to_csv`.

    Raises
    ------
    LimitError
        If the text could be longer than `max_bytes`.
    OutputError
        If the file cannot be written.
    """
    text = to_csv(song, grid=grid, safe=safe, max_bytes=max_bytes)
    write_bytes(path, text.encode("utf-8", "surrogatepass"))


def to_notes_npz(song: Song, *, max_bytes: int = DEFAULT_MAX_BYTES) -> bytes:
    """Write the flat note array and the table of tracks as a compressed .npz in memory.

    Parameters
    ----------
    song : Song
        What to write.
    max_bytes : int, optional
        Most bytes of the array of names, in which each takes as much as the longest.

    Returns
    -------
    bytes
        Arrays `notes` (`Song.note_array`), `names` (unicode), `program` (int32, -1 where nobody
        said) and `is_drum` (bool), the last three one row a track. Loads with
        ``allow_pickle=False``. The same song gives the same bytes.

    Raises
    ------
    LimitError
        If the array of names would be larger than `max_bytes`.

    Examples
    --------
    >>> import io
    >>> from midikit.model.notes import as_notes
    >>> from midikit.model.song import Song, Track
    >>> koto = Track("Koto", program=107, notes=as_notes([(0.0, 0.5, 60, 80)]))
    >>> stored = np.load(io.BytesIO(to_notes_npz(Song((koto,)))), allow_pickle=False)
    >>> stored["names"].tolist(), stored["program"].tolist(), stored["notes"]["pitch"].tolist()
    (['Koto'], [107], [60])
    """
    names = names_array((track.name for track in song.tracks), max_bytes=max_bytes)
    # Of zeros, so that the gaps between aligned fields hold the same bytes every time.
    notes = np.zeros(song.note_count, NOTE_ARRAY)
    table = song.note_array()
    for name in NOTE_ARRAY.names or ():
        notes[name] = table[name]
    programs = [-1 if track.program is None else track.program for track in song.tracks]
    return to_npz(
        {
            "notes": notes,
            "names": names,
            "program": np.array(programs, np.int32),
            "is_drum": np.array([track.is_drum for track in song.tracks], np.bool_),
        }
    )


def write_notes_npz(
    song: Song, path: str | os.PathLike[str], *, max_bytes: int = DEFAULT_MAX_BYTES
) -> None:
    """Write the flat note array and the table of tracks to a compressed .npz.

    Parameters
    ----------
    song : Song
        What to write.
    path : str or PathLike
        The target; an existing file is replaced.
    max_bytes : int, optional
        As for `to_notes_npz`.

    Raises
    ------
    LimitError
        If the array of names would be larger than `max_bytes`.
    OutputError
        If the file cannot be written.
    """
    write_bytes(path, to_notes_npz(song, max_bytes=max_bytes))
