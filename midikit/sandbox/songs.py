"""The demo songs: notes as the endpoint answers them, with the grid they were played on.

The scores (`midikit.sandbox.pieces`) are written out; only lags, scatter and shades are drawn, from
fixed seeds and in whole numbers, so that every machine builds the same songs to the bit.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from midikit.model.beats import BeatGrid, quarters_per_beat
from midikit.model.song import Song, Track
from midikit.sandbox.perform import Part, beats_of, perform
from midikit.sandbox.pieces import ballad, greensleeves, neon, pop, swing, waltz
from midikit.units import velocity_to_unit

if TYPE_CHECKING:
    from collections.abc import Iterable

    import numpy.typing as npt

    from midikit.model.notes import Notes

__all__ = ["DemoSong", "demo_songs"]


@dataclass(frozen=True, slots=True, eq=False)
class DemoSong:
    """One demo song and everything that is true about it.

    Parameters
    ----------
    id : str
        Clip id, a UUID.
    title : str
        Its name.
    instruments : tuple of (str, Notes)
        Name and notes of each track; times are multiples of 1/192 s.
    drums : tuple of bool
        Whether each track is percussion.
    beats : ndarray of float64, shape (k,)
        True felt beats in seconds, from the first bar line to the one that closes the song (dotted
        quarters in 6/8).
    downbeats : ndarray of float64, shape (bars,)
        True bar lines in seconds, each one of `beats`.
    meter : tuple of int
        Time signature.
    bpm : float
        True felt beats a minute, the median where the tempo drifts.
    lags : tuple of float
        Constant latency of each track in seconds.
    scatters : tuple of float
        Greatest distance of an onset of each track from its place and lag in seconds, rounding to
        the lattice included.
    positions : ndarray of float64, shape (n,)
        True position of each note in beats from ``beats[0]``, in flat order: track after track as
        in `instruments`, and within a track in the order of its notes. An onset is
        ``grid().time_at(position) + lag`` to within the scatter of its track.

    Examples
    --------
    >>> song = demo_songs()[0]
    >>> song.title, song.meter, round(song.bpm, 2)
    ('Late Train Home', (4, 4), 109.73)
    """

    id: str
    title: str
    instruments: tuple[tuple[str, Notes], ...]
    drums: tuple[bool, ...]
    beats: npt.NDArray[np.float64]
    downbeats: npt.NDArray[np.float64]
    meter: tuple[int, int]
    bpm: float
    lags: tuple[float, ...]
    scatters: tuple[float, ...]
    positions: npt.NDArray[np.float64]

    @property
    def qpm(self) -> float:
        """True quarters a minute."""
        return self.bpm * quarters_per_beat(self.meter)

    @property
    def note_count(self) -> int:
        """Notes in all tracks."""
        return sum(len(notes) for _, notes in self.instruments)

    def grid(self) -> BeatGrid:
        """Give the true beats as a grid.

        Returns
        -------
        BeatGrid
            `beats` and `meter`; the first beat opens a bar.

        Examples
        --------
        >>> demo_songs()[0].grid().beats_per_bar
        4
        """
        return BeatGrid(self.beats, self.meter)

    def answer(self, midi_url: str | None = None) -> dict[str, Any]:
        """Give the answer of the endpoint.

        Parameters
        ----------
        midi_url : str or None, optional
            Address of the hosted .mid, left out of the answer if None.

        Returns
        -------
        dict
            The documented form, fit for JSON: velocities 0 to 1, times in seconds.

        Examples
        --------
        >>> answer = demo_songs()[0].answer("https://cdn.invalid/late-train.mid")
        >>> answer["code"], sorted(answer["data"]), answer["data"]["instruments"][0]["name"]
        (200, ['instruments', 'midi_url'], 'Drums')
        """
        data: dict[str, Any] = {} if midi_url is None else {"midi_url": midi_url}
        data["instruments"] = [
            {"name": name, "notes": _documented(notes)} for name, notes in self.instruments
        ]
        return {"code": 200, "message": "success", "data": data}

    def song(self) -> Song:
        """Give the notes as a song.

        Returns
        -------
        Song
            The tracks without any program, as an answer has none, at the nominal 120 BPM.

        Examples
        --------
        >>> demo_songs()[2].song()
        <Song 3 tracks, 1,020 notes, 116.0 s>
        """
        rows = zip(self.instruments, self.drums, strict=True)
        tracks = (Track(name, is_drum=is_drum, notes=notes) for (name, notes), is_drum in rows)
        return Song(tuple(tracks), title=self.title)


def _documented(notes: Notes) -> list[dict[str, Any]]:
    """Write notes as the endpoint does."""
    columns = (notes["start"], notes["end"], notes["pitch"], velocity_to_unit(notes["velocity"]))
    return [
        {"start": start, "end": end, "pitch": pitch, "velocity": velocity}
        for start, end, pitch, velocity in zip(*(c.tolist() for c in columns), strict=True)
    ]


@cache
def demo_songs() -> tuple[DemoSong, ...]:
    """Build the demo songs, once.

    Returns
    -------
    tuple of DemoSong
        A pop song with a lag for each stem, a drifting ballad, a waltz and a 6/8 without drums, a
        swung blues and a dense song; 500 to 4,000 notes each, the same bits on every machine.

    Examples
    --------
    >>> [song.title for song in demo_songs()]
    ['Late Train Home', 'Harbour Lights', "Valse de l'écluse", 'Corner Table Blues',
     'Neon Arcade', 'Greensleeves']
    """
    return (
        _built(
            "5b0e7a52-3c1d-4f68-9a47-61d2c8e0b913",
            "Late Train Home",
            pop.score(),
            _grid(pop.BARS, (4, 4), offset=0.61, bpm=[(0, 109.73)]),
        ),
        _built(
            "c7f4d1a8-90b2-4e35-8d6c-2a51f3be7046",
            "Harbour Lights",
            ballad.score(),
            _grid(ballad.BARS, (4, 4), offset=0.68, bpm=ballad.TEMPO),
        ),
        _built(
            "18a93f6d-e5c4-4b70-b2d9-0f7c6e814a35",
            "Valse de l'écluse",
            waltz.score(),
            _grid(waltz.BARS, (3, 4), offset=0.27, bpm=[(0, 138.41)]),
        ),
        _built(
            "e26b50c9-7d1f-4a83-95e0-b84f2d3a6c17",
            "Corner Table Blues",
            swing.score(),
            _grid(swing.BARS, (4, 4), offset=0.52, bpm=[(0, 132.6)]),
        ),
        _built(
            "93d8c4e1-2f5a-4c96-a70b-5e1b8f64d20c",
            "Neon Arcade",
            neon.score(),
            _grid(neon.BARS, (4, 4), offset=0.47, bpm=[(0, 124.61)]),
        ),
        _built(
            "4f71ae06-b8d3-4925-8c1e-d93a60b5f782",
            "Greensleeves",
            greensleeves.score(),
            _grid(greensleeves.BARS, (6, 8), offset=0.18, bpm=greensleeves.TEMPO),
        ),
    )


def _grid(
    bars: int, meter: tuple[int, int], *, offset: float, bpm: Iterable[tuple[int, float]]
) -> BeatGrid:
    """Lay out the beats of so many bars and of the bar line that closes them."""
    per_bar = BeatGrid.constant(60.0, meter=meter).beats_per_bar
    return BeatGrid(beats_of(bars * per_bar + 1, offset=offset, bpm=bpm), meter)


def _built(clip_id: str, title: str, parts: list[Part], grid: BeatGrid) -> DemoSong:
    """Play a score on a grid."""
    played = [perform(part, grid) for part in parts]
    positions = np.concatenate([places for _, places in played])
    positions.flags.writeable = False
    return DemoSong(
        id=clip_id,
        title=title,
        instruments=tuple(
            (part.name, notes) for part, (notes, _) in zip(parts, played, strict=True)
        ),
        drums=tuple(part.is_drum for part in parts),
        beats=grid.beats,
        downbeats=grid.downbeats,
        meter=grid.meter,
        bpm=grid.bpm,
        lags=tuple(part.lag_ms / 1000.0 for part in parts),
        scatters=tuple(part.scatter for part in parts),
        positions=positions,
    )
