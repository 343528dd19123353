"""Tracks and songs: immutable values whose truth is in seconds."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, overload

import numpy as np
import numpy.typing as npt

from midikit.escape import quoted
from midikit.model.events import (
    KEY_SIGNATURE,
    MARKER,
    TIME_SIGNATURE,
    Event,
)
from midikit.model.notes import NOTE
from midikit.model.tempo import TempoMap, default_tempo
from midikit.model.track import Track, trusted_track

if TYPE_CHECKING:
    from collections.abc import Iterator

    from matplotlib.axes import Axes

    from midikit.model.beats import BeatGrid
    from midikit.model.report import Change, Repair
    from midikit.verify.comparison import Comparison
    from midikit.view.clock import XAxis
    from midikit.view.parts import Choice
    from midikit.view.player import Player

__all__ = ["NOTE_ARRAY", "Song", "Track", "trusted_track"]

NOTE_ARRAY = np.dtype(
    [*((name, NOTE[name]) for name in NOTE.names or ()), ("track", "i4")], align=True
)
"""`NOTE` with the index of the note's track: a row of `Song.note_array`."""

_MOST_NAMES = 20


@dataclass(frozen=True, slots=True, eq=False)
class Song:
    """A song: its tracks, its tempo, and what was wrong with the input it came from.

    Parameters
    ----------
    tracks : tuple of Track
        The parts, in the order of the source.
    tempo : TempoMap, optional
        Tempo as claimed by the source; it does not touch the notes, whose truth is in seconds.
    events : tuple of Event, optional
        What concerns the whole song, by time: time and key signatures, markers, texts.
    title : str or None, optional
        Name of the song, if the source had one.
    ticks_per_quarter : int or None, optional
        Resolution of the .mid it came from, None otherwise.
    source : str, optional
        The file or clip it came from.
    midi_url : str or None, optional
        Address of the hosted .mid that the answer named; nothing contacts it on its own.
    repairs : tuple of Repair, optional
        Faults of the input and what was done about each.
    changes : tuple of Change, optional
        Decisions that made this song out of another one.

    Examples
    --------
    >>> from midikit.model.notes import as_notes
    >>> koto = Track("Koto", notes=as_notes([(0.0, 0.5, 60, 80)]))
    >>> song = Song((koto, Track("Drums", is_drum=True)))
    >>> song, song["Koto"], song[1]
    (<Song 2 tracks, 1 note, 0.5 s>, <Track 'Koto' 1 note>, <Track 'Drums' drums, 0 notes>)
    """

    tracks: tuple[Track, ...]
    tempo: TempoMap = field(default_factory=default_tempo)
    events: tuple[Event, ...] = ()
    title: str | None = None
    ticks_per_quarter: int | None = None
    source: str = ""
    midi_url: str | None = None
    repairs: tuple[Repair, ...] = ()
    changes: tuple[Change, ...] = ()

    def __post_init__(self) -> None:
        """Freeze the sequences."""
        for name in ("tracks", "events", "repairs", "changes"):
            object.__setattr__(self, name, tuple(getattr(self, name)))

    def __len__(self) -> int:
        """Count the tracks."""
        return len(self.tracks)

    def __iter__(self) -> Iterator[Track]:
        """Go through the tracks."""
        return iter(self.tracks)

    @overload
    def __getitem__(self, key: int | str) -> Track: ...
    @overload
    def __getitem__(self, key: slice) -> tuple[Track, ...]: ...
    def __getitem__(self, key: int | str | slice) -> Track | tuple[Track, ...]:
        """Take a track by index or by name.

        Raises
        ------
        KeyError
            If no track or several tracks have that name; the message names their indices.
        IndexError
            If there is no track of that index.
        """
        if isinstance(key, slice):
            return self.tracks[key]
        if not isinstance(key, str):
            if not -len(self.tracks) <= key < len(self.tracks):
                raise IndexError(f"track {key} of {len(self.tracks)}")
            return self.tracks[key]
        found = [i for i, track in enumerate(self.tracks) if track.name == key]
        if len(found) == 1:
            return self.tracks[found[0]]
        if found:
            indices = _listed([str(index) for index in found])
            many = f"{len(found)} tracks are named {quoted(key)}"
            raise KeyError(f"{many}: use one of the indices [{indices}]")
        names = _listed([quoted(track.name) for track in self.tracks[: _MOST_NAMES + 1]])
        raise KeyError(f"no track is named {quoted(key)}; there are {names or 'no tracks'}")

    def select(self, *, name: str | None = None, drums: bool | None = None) -> Song:
        """Take some of the tracks.

        Parameters
        ----------
        name : str or None, optional
            Only tracks of exactly this name.
        drums : bool or None, optional
            True for drums only, False for everything else.

        Returns
        -------
        Song
            The same song with those tracks; with none, if none fits.

        Examples
        --------
        >>> Song((Track("Drums", is_drum=True), Track("Koto"))).select(drums=False)
        <Song 1 track, 0 notes, 0.0 s>
        """
        kept = tuple(
            track
            for track in self.tracks
            if (name is None or track.name == name) and (drums is None or track.is_drum == drums)
        )
        return self.with_tracks(kept)

    def with_tracks(self, tracks: tuple[Track, ...], *changes: Change) -> Song:
        """Make the same song with other tracks.

        Parameters
        ----------
        tracks : tuple of Track
            The new tracks.
        *changes : Change
            What was decided on the way, added to the song's list.

        Returns
        -------
        Song
            The new song; this one stays as it is.
        """
        return Song(
            tracks,
            self.tempo,
            self.events,
            self.title,
            self.ticks_per_quarter,
            self.source,
            self.midi_url,
            self.repairs,
            (*self.changes, *changes),
        )

    @property
    def note_count(self) -> int:
        """Notes in all tracks."""
        return sum(len(track.notes) for track in self.tracks)

    @property
    def end(self) -> float:
        """Second at which the last note ends, 0 without notes."""
        return max((track.end for track in self.tracks), default=0.0)

    @property
    def time_signatures(self) -> tuple[tuple[float, int, int], ...]:
        """(second, numerator, denominator) of each time signature."""
        return tuple(
            (event.seconds, event.data[0], 1 << event.data[1])
            for event in self.events
            if event.kind == TIME_SIGNATURE and len(event.data) >= 2
        )

    @property
    def key_signatures(self) -> tuple[tuple[float, int, bool], ...]:
        """(second, sharps or minus flats, whether minor) of each key signature."""
        return tuple(
            (event.seconds, int.from_bytes(event.data[:1], signed=True), bool(event.data[1]))
            for event in self.events
            if event.kind == KEY_SIGNATURE and len(event.data) >= 2
        )

    @property
    def markers(self) -> tuple[tuple[float, str], ...]:
        """(second, text) of each marker."""
        return tuple((event.seconds, event.text) for event in self.events if event.kind == MARKER)

    def note_array(self) -> npt.NDArray[np.void]:
        """Put all notes in one flat table.

        Returns
        -------
        ndarray of `NOTE_ARRAY`, shape (n,)
            `start`, `end` (s), `pitch`, `velocity` and `track` (index), sorted by start, then
            track, then the order within the track. A copy: changing it changes no song.

        Examples
        --------
        >>> from midikit.model.notes import as_notes
        >>> koto = Track("Koto", notes=as_notes([(0.0, 0.5, 60, 80)]))
        >>> Song((koto,)).note_array()["track"].tolist()
        [0]
        """
        table = np.empty(self.note_count, NOTE_ARRAY)
        row = 0
        for index, track in enumerate(self.tracks):
            part = table[row : row + len(track.notes)]
            for name in NOTE.names or ():
                part[name] = track.notes[name]
            part["track"] = index
            row += len(track.notes)
        return table[np.argsort(table["start"], kind="stable")]

    def player(
        self,
        *,
        hosted: Song | None = None,
        grid: BeatGrid | Literal["auto"] | None = "auto",
        title: str | None = None,
    ) -> Player:
        """Make a player, which a notebook shows and ``.save(path)`` writes.

        Parameters
        ----------
        hosted : Song or None, optional
            As for `midikit.view.to_html`, as are the others.
        grid : BeatGrid, "auto" or None, optional
            See there.
        title : str or None, optional
            See there.

        Returns
        -------
        Player
            The page.

        Raises
        ------
        LimitError
            As `midikit.view.to_html`.

        Examples
        --------
        >>> Song(()).player(title="Silence").page[:15]
        '<!doctype html>'
        """
        from midikit.view.html import to_html  # noqa: PLC0415 - looks at songs from above
        from midikit.view.player import Player  # noqa: PLC0415 - as above

        return Player(to_html(self, hosted=hosted, grid=grid, title=title))

    def plot(
        self,
        *,
        grid: BeatGrid | None = None,
        ax: Axes | None = None,
        tracks: Choice = None,
        start: float | None = None,
        end: float | None = None,
        x: XAxis = "seconds",
        compare: Song | Comparison | None = None,
    ) -> Axes:
        """Draw the song as a piano roll, as `midikit.plot` does.

        Parameters
        ----------
        grid : BeatGrid, optional
            Its beats and bars.
        ax : Axes, optional
            Where to draw.
        tracks : int, str, iterable of int or str, optional
            Only these.
        start, end : float, optional
            From and up to this second.
        x : {"seconds", "beats", "bars"}, optional
            What the horizontal axis counts.
        compare : Song or Comparison, optional
            The reference to compare with.

        Returns
        -------
        Axes
            What was drawn on; nothing is shown.
        """
        from midikit.view.plotting import plot  # noqa: PLC0415 - looks at songs from above

        return plot(
            self, grid=grid, ax=ax, tracks=tracks, start=start, end=end, x=x, compare=compare
        )

    def _repr_html_(self) -> str:
        """Summary, table of the parts and small picture, for notebooks."""
        from midikit.view.summary import song_html  # noqa: PLC0415 - looks at songs from above

        return song_html(self)

    def __repr__(self) -> str:
        """Tracks, notes and length."""
        tracks, notes = len(self.tracks), self.note_count
        return (
            f"<Song {tracks} track{'' if tracks == 1 else 's'}, "
            f"{notes:,} note{'' if notes == 1 else 's'}, {self.end:.1f} s>"
        )


def _listed(words: list[str]) -> str:
    """Say words of a list, the first ones of a long one."""
    more = ", …" if len(words) > _MOST_NAMES else ""
    return ", ".join(words[:_MOST_NAMES]) + more
