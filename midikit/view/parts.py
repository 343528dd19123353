"""What is drawn of a song: its parts with their labels and styles, cut to what is looked at."""

from __future__ import annotations

import unicodedata
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from midikit.errors import ConversionError
from midikit.escape import printable, quoted
from midikit.model.choice import Choice, chosen_tracks
from midikit.model.notes import concatenate
from midikit.view.palette import DRUM_COLOR, PartStyle, part_styles

if TYPE_CHECKING:
    from collections.abc import Sequence

    from midikit.model.notes import Notes
    from midikit.model.song import Song

__all__ = [
    "Choice",
    "Part",
    "bounded",
    "chosen_tracks",
    "cut",
    "in_window",
    "part_labels",
    "parts_of",
    "window",
]

_LETTERS = 24


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """One track as it is drawn.

    Parameters
    ----------
    index : int
        Which track of the song it is.
    name : str
        Its name, fit to be shown; may be empty.
    label : str
        The same, told from the others'.
    style : PartStyle
        Its colour and pattern, those it has in the whole song.
    is_drum : bool
        Whether it is a drum kit.
    notes : Notes
        What of its notes is looked at.
    """

    index: int
    name: str
    label: str
    style: PartStyle
    is_drum: bool
    notes: Notes


def parts_of(song: Song, *, tracks: Choice = None) -> list[Part]:
    """Take the parts of a song that are to be drawn, with the styles of the whole song.

    Parameters
    ----------
    song : Song
        The song.
    tracks : int, str, iterable of int or str, or None, optional
        Which of its tracks; a name stands for every track of that name.

    Returns
    -------
    list of Part
        In the song's order, each once.

    Raises
    ------
    KeyError
        If no track has a name that is asked for.
    IndexError
        If there is no track of an index.

    Examples
    --------
    >>> from midikit.model.song import Song, Track
    >>> song = Song((Track("Bass"), Track("Koto"), Track("Koto")))
    >>> [part.label for part in parts_of(song, tracks="Koto")]
    ['Koto (track 1)', 'Koto (track 2)']
    """
    names = [track.name for track in song.tracks]
    labels = part_labels(names)
    styles = part_styles(names, [track.is_drum for track in song.tracks])
    return [
        Part(i, short(names[i]), labels[i], styles[i], song.tracks[i].is_drum, song.tracks[i].notes)
        for i in chosen_tracks(song, tracks)
    ]


def bounded(parts: Sequence[Part], most: int) -> list[Part]:
    """Keep so many parts, and put the notes of all others together.

    Parameters
    ----------
    parts : sequence of Part
        Any number of parts.
    most : int
        How many to keep.

    Returns
    -------
    list of Part
        The first ones as they are; the notes of the others as at most two parts in grey, one for
        pitches, one for drums, which have the index of the first that is in them.

    Examples
    --------
    >>> from midikit.model.notes import as_notes
    >>> from midikit.model.song import Song, Track
    >>> three = Song(tuple(Track(name, notes=as_notes([(0.0, 1.0, 60, 80)])) for name in "abc"))
    >>> [part.label for part in bounded(parts_of(three), 1)]
    ['a', 'and 2 parts more']
    """
    kept = list(parts[:most])
    for is_drum in (False, True):
        rest = [p for p in parts[most:] if p.is_drum == is_drum and len(p.notes)]
        if rest:
            label = f"and {len(rest):,} part{'' if len(rest) == 1 else 's'} more"
            notes = concatenate(part.notes for part in rest)
            style = PartStyle(DRUM_COLOR)
            kept.append(Part(rest[0].index, label, label, style, is_drum, notes))
    return kept


def part_labels(names: Sequence[str]) -> list[str]:
    r"""Label tracks so that each can be told from the others.

    Parameters
    ----------
    names : sequence of str
        Names of all tracks of a song.

    Returns
    -------
    list of str
        One a track. Names that are equal, or are so once they are cut, and tracks without a name
        have their index.

    Examples
    --------
    >>> part_labels(["Koto", "Bass", "Bass", "", "a\x00b"])
    ['Koto', 'Bass (track 1)', 'Bass (track 2)', 'track 3', 'a\\x00b']
    """
    shown = [short(name) for name in names]
    times = Counter(shown)
    return [
        name if name and times[name] == 1 else f"{name} (track {i})" if name else f"track {i}"
        for i, name in enumerate(shown)
    ]


def short(name: str) -> str:
    """Show a name in at most 24 columns, with what would act escaped.

    Parameters
    ----------
    name : str
        A name from the input.

    Returns
    -------
    str
        Fit to be shown.
    """
    return cut(printable(name.strip(), _LETTERS), _LETTERS)


def cut(text: str, limit: int) -> str:
    """Cut a text to so many columns.

    Parameters
    ----------
    text : str
        Any text.
    limit : int
        Columns; a letter of Chinese or Japanese takes two.

    Returns
    -------
    str
        The text, or its beginning and an ellipsis.

    Examples
    --------
    >>> cut("Electric Piano 1", 9), cut("Koto", 9)
    ('Electric…', 'Koto')
    """
    ends = np.cumsum([2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in text])
    if len(text) == 0 or ends[-1] <= limit:
        return text
    return text[: int(np.searchsorted(ends, limit - 1, side="right"))].rstrip("… ") + "…"


def in_window(notes: Notes, start: float, end: float, *, is_drum: bool = False) -> Notes:
    """Take the notes of which something lies in a window; of drums the strokes.

    Parameters
    ----------
    notes : Notes
        The notes.
    start, end : float
        The window in seconds; what begins at its end is not in it.
    is_drum : bool, optional
        Whether only their starts count.

    Returns
    -------
    ndarray of `NOTE`, shape (k,)
        Those that are seen.
    """
    sounds = notes["start"] >= start
    if not is_drum:
        sounds |= notes["end"] > start
    seen: Notes = notes[sounds & (notes["start"] < end)]
    return seen


def window(song: Song, start: float | None, end: float | None) -> tuple[float, float]:
    """Find the seconds that are looked at.

    Parameters
    ----------
    song : Song
        The song.
    start, end : float or None
        What is asked for; None for the beginning and the end of the song.

    Returns
    -------
    tuple of float
        Seconds, the second after the first.

    Raises
    ------
    ConversionError
        If the start is not before the end, or one is not finite.
    """
    first = 0.0 if start is None else float(start)
    last = song.end if end is None else float(end)
    if end is None and last <= first:
        last = first + 1.0
    if not (np.isfinite(first) and np.isfinite(last) and first < last):
        raise ConversionError(
            f"start {quoted(start)}, end {quoted(end)}: expected seconds, the start before the end"
        )
    return first, last
