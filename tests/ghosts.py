"""Add known ghosts to songs: what transcriptions hear that nobody played, with labels.

Three generators that share no choices. `haunt` draws the ghosts that `midikit.clean` was tuned on
(with other seeds and songs); `haunt_otherwise` makes each kind in another way and was not tuned on:
on the beat, loud, long, consonant, staggered, in passages. `haunt_alike` makes them as hard to tell
as it can: as long and loud as the notes they haunt, on their onsets and in their key.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from midikit.cleaning.limits import voice_limits
from midikit.model.notes import NOTE, as_notes
from midikit.units import LATTICE

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt

    from midikit.cleaning.report import CleanReport
    from midikit.model.song import Song, Track

__all__ = ["KINDS", "Haunted", "Score", "haunt", "haunt_alike", "haunt_otherwise", "score"]

KINDS = ("short", "stray", "doubled", "retriggered", "voices")
"""Kinds of ghosts; label 0 is a true note, label k + 1 a ghost of kind k."""

_SHORTEST_SONG = 30


@dataclass(frozen=True, slots=True, eq=False)
class Haunted:
    """A song with ghosts.

    Parameters
    ----------
    song : Song
        True notes and ghosts together.
    labels : tuple of ndarray of int64
        Of each note of each track: 0 for a true one, else 1 and the index of its kind in `KINDS`.
    """

    song: Song
    labels: tuple[npt.NDArray[np.int64], ...]


@dataclass(frozen=True, slots=True)
class Score:
    """What a cleaning found.

    Parameters
    ----------
    ghosts, found : tuple of int
        Ghosts of each kind, and those of them that were taken out.
    true, lost : int
        True notes, and those of them that were taken out.
    """

    ghosts: tuple[int, ...]
    found: tuple[int, ...]
    true: int
    lost: int

    @property
    def recall(self) -> float:
        """Share of the ghosts that were taken out."""
        return sum(self.found) / max(sum(self.ghosts), 1)

    @property
    def loss(self) -> float:
        """Share of the true notes that were taken out."""
        return self.lost / max(self.true, 1)

    def __add__(self, other: Score) -> Score:
        return Score(
            tuple(a + b for a, b in zip(self.ghosts, other.ghosts, strict=True)),
            tuple(a + b for a, b in zip(self.found, other.found, strict=True)),
            self.true + other.true,
            self.lost + other.lost,
        )


def score(haunted: Haunted, report: CleanReport) -> Score:
    """Hold what a report lists against the labels."""
    first = np.cumsum([0, *(len(labels) for labels in haunted.labels)])
    labels = np.concatenate([*haunted.labels, np.empty(0, np.int64)])
    removed = report.removed
    gone = np.zeros(len(labels), np.bool_)
    gone[first[removed["track"]] + removed["note"]] = True
    kinds = range(1, len(KINDS) + 1)
    return Score(
        tuple(int((labels == kind).sum()) for kind in kinds),
        tuple(int(gone[labels == kind].sum()) for kind in kinds),
        int((labels == 0).sum()),
        int(gone[labels == 0].sum()),
    )


class _Parts:
    """The tracks of a song while ghosts are put into them."""

    def __init__(self, song: Song, seed: int) -> None:
        self.song = song
        self.rng = np.random.default_rng(seed)
        self.tracks = list(song.tracks)
        self.added: list[list[tuple[float, float, int, int, int]]] = [[] for _ in self.tracks]
        self.end = song.end

    @property
    def melodic(self) -> list[int]:
        """Tracks that are no drums and have enough notes to know them by."""
        return [
            i
            for i, track in enumerate(self.song.tracks)
            if not track.is_drum and len(track.notes) >= _SHORTEST_SONG
        ]

    def put(
        self, track: int, start: float, end: float, pitch: float, velocity: float, kind: str
    ) -> None:
        """Add a ghost, on the lattice of the service."""
        first = max(round(start * LATTICE), 0)
        last = max(round(end * LATTICE), first + 1)
        if not 0 <= pitch <= 127:
            return
        loud = int(np.clip(velocity, 1, 127))
        row = (first / LATTICE, last / LATTICE, int(pitch), loud, KINDS.index(kind) + 1)
        self.added[track].append(row)

    def new_track(self, of: int) -> int:
        """Add an empty track like another one; return its index."""
        self.tracks.append(replace(self.song.tracks[of], notes=as_notes([])))
        self.added.append([])
        return len(self.tracks) - 1

    def haunted(self) -> Haunted:
        """Put notes and ghosts together."""
        tracks, labels = [], []
        for track, rows in zip(self.tracks, self.added, strict=True):
            notes, label = _joined(track, rows)
            tracks.append(notes)
            labels.append(label)
        return Haunted(self.song.with_tracks(tuple(tracks)), tuple(labels))


def _joined(
    track: Track, rows: list[tuple[float, float, int, int, int]]
) -> tuple[Track, npt.NDArray[np.int64]]:
    """Put ghosts into a track, and say which of its notes they are."""
    table = np.concatenate([track.notes, np.array([row[:4] for row in rows], NOTE)])
    label = np.concatenate(
        [np.zeros(len(track.notes), np.int64), np.array([row[4] for row in rows], np.int64)]
    )
    order = np.lexsort((label, table["velocity"], table["end"], table["pitch"], table["start"]))
    notes = as_notes(table[order])
    assert notes.tobytes() == table[order].tobytes()
    return replace(track, notes=notes), label[order]


def haunt(song: Song, seed: int, *, share: float = 0.03) -> Haunted:
    """Add ghosts at random times.

    Parameters
    ----------
    song : Song
        A song without ghosts.
    seed : int
        Chooses them.
    share : float, optional
        Ghosts of each kind for a note of the song's melodic tracks.

    Returns
    -------
    Haunted
        The song with its ghosts.
    """
    parts = _Parts(song, seed)
    for make in (_short, _stray, _doubled, _retriggered, _voices):
        make(parts, share)
    return parts.haunted()


def _short(parts: _Parts, share: float) -> None:
    """Blips under 30 ms on pitches near the part's."""
    rng = parts.rng
    for index in parts.melodic:
        notes = parts.song.tracks[index].notes
        for _ in range(rng.poisson(share * len(notes))):
            like = notes[rng.integers(len(notes))]
            at = rng.uniform(0, parts.end)
            length = rng.integers(1, 6) / LATTICE
            loud = like["velocity"] * rng.uniform(0.3, 1.0)
            pitch = like["pitch"] + rng.integers(-12, 13)
            parts.put(index, at, at + length - 1e-4, pitch, loud, "short")


def _stray(parts: _Parts, share: float) -> None:
    """Single notes far outside the range, anywhere in the song."""
    rng = parts.rng
    for index in parts.melodic:
        notes = parts.song.tracks[index].notes
        low, high = int(notes["pitch"].min()), int(notes["pitch"].max())
        for _ in range(rng.poisson(share * len(notes) / 2)):
            away = int(rng.integers(10, 31))
            is_above = rng.random() < 0.5 if low - away >= 12 else True
            pitch = high + away if is_above else low - away
            if pitch > 127:
                pitch = low - away
            at = rng.uniform(0, parts.end)
            length = rng.uniform(0.035, 0.25)
            loud = float(np.median(notes["velocity"])) * rng.uniform(0.4, 1.0)
            parts.put(index, at, at + length, pitch, loud, "stray")


def _doubled(parts: _Parts, share: float) -> None:
    """A second track of the name that repeats notes of the first, a few ms off."""
    rng = parts.rng
    for index in parts.melodic:
        track = parts.song.tracks[index]
        if rng.random() < 0.5:
            continue
        twin = parts.new_track(index)
        wanted = max(3, rng.poisson(2 * share * len(track.notes)))
        for row in rng.choice(len(track.notes), min(wanted, len(track.notes)), replace=False):
            note = track.notes[row]
            late = rng.uniform(-0.010, 0.010)
            ends = note["end"] + rng.uniform(-0.03, 0.03)
            parts.put(twin, note["start"] + late, ends, note["pitch"], note["velocity"], "doubled")


def _retriggered(parts: _Parts, share: float) -> None:
    """The same pitch again, 5 to 25 ms after it began."""
    rng = parts.rng
    for index in parts.melodic:
        notes = parts.song.tracks[index].notes
        for _ in range(rng.poisson(share * len(notes) / 2)):
            note = notes[rng.integers(len(notes))]
            late = rng.integers(1, 5) / LATTICE
            end = note["end"] - rng.uniform(0, 0.5) * max(note["end"] - note["start"] - late, 0)
            loud = note["velocity"] * rng.uniform(0.6, 1.0)
            parts.put(index, note["start"] + late, end, note["pitch"], loud, "retriggered")


def _voices(parts: _Parts, share: float) -> None:
    """Chords where the part has one voice, or two, or six: as many as it takes to be too many."""
    rng = parts.rng
    limits = voice_limits(parts.song.tracks)
    for index in parts.melodic:
        notes = parts.song.tracks[index].notes
        limit = int(limits[index])
        if limit > 6:
            continue
        low, high = int(notes["pitch"].min()), int(notes["pitch"].max())
        for _ in range(max(1, rng.poisson(share * len(notes) / 3))):
            note = notes[rng.integers(len(notes))]
            taken = {int(note["pitch"])}
            for _ in range(limit + int(rng.integers(0, 3))):
                pitch = int(rng.integers(low - 5, high + 6))
                if pitch in taken:
                    continue
                taken.add(pitch)
                at = note["start"] + rng.uniform(-0.010, 0.015)
                length = (note["end"] - note["start"]) * rng.uniform(0.3, 1.0)
                loud = note["velocity"] * rng.uniform(0.6, 1.0)
                parts.put(index, at, at + max(length, 0.1), pitch, loud, "voices")


def haunt_otherwise(song: Song, seed: int, *, share: float = 0.03) -> Haunted:
    """Add ghosts of the same kinds in other ways.

    Parameters
    ----------
    song : Song
        A song without ghosts.
    seed : int
        Chooses them.
    share : float, optional
        Ghosts of each kind for a note of the song's melodic tracks.

    Returns
    -------
    Haunted
        The song with its ghosts.
    """
    parts = _Parts(song, seed)
    makers: tuple[Callable[[_Parts, float], None], ...] = (
        _short_on_beats,
        _stray_like_notes,
        _doubled_passages,
        _retriggered_alike,
        _voices_in_tune,
    )
    for make in makers:
        make(parts, share)
    return parts.haunted()


def _short_on_beats(parts: _Parts, share: float) -> None:
    """Blips together with true notes: overtones as loud as they are; some near the very ends."""
    rng = parts.rng
    for index in parts.melodic:
        notes = parts.song.tracks[index].notes
        for _ in range(max(2, rng.poisson(share * len(notes)))):
            like = notes[rng.integers(len(notes))]
            at = like["start"] + rng.choice([0.0, 0.0, 0.010, 0.125])
            if rng.random() < 0.1:
                at = rng.choice([0.0, parts.end])
            pitch = like["pitch"] + rng.choice([12, 19, 24, 7, -12, 1])
            loud = min(127, like["velocity"] + int(rng.integers(-10, 20)))
            parts.put(index, at, at + rng.choice([0.006, 0.012, 0.02, 0.026]), pitch, loud, "short")


def _stray_like_notes(parts: _Parts, share: float) -> None:
    """Notes as long and loud as the others, two or three octaves off, alone or in twos."""
    rng = parts.rng
    for index in parts.melodic:
        notes = parts.song.tracks[index].notes
        middle = int(np.median(notes["pitch"]))
        low, high = int(notes["pitch"].min()), int(notes["pitch"].max())
        for _ in range(max(1, rng.poisson(share * len(notes) / 4))):
            like = notes[rng.integers(len(notes))]
            pitch = middle + int(rng.choice([-36, -29, -24, 24, 31, 36]))
            if low - 9 < pitch < high + 9:
                continue
            at = like["start"] + rng.uniform(0.03, 0.4)
            length = float(rng.choice([0.06, 0.1, like["end"] - like["start"]]))
            for step in range(int(rng.choice([1, 1, 1, 2]))):
                late = step * rng.uniform(0.2, 2.0)
                parts.put(
                    index, at + late, at + late + length, pitch + step, like["velocity"], "stray"
                )


def _doubled_passages(parts: _Parts, share: float) -> None:
    """A passage of one part again in a track of its name, to the bit or late by a constant."""
    rng = parts.rng
    melodic = parts.melodic
    index = int(rng.choice(melodic)) if melodic else None
    if index is None:
        return
    track = parts.song.tracks[index]
    rows = len(track.notes)
    length = max(6, int(rows * 4 * share))
    begin = int(rng.integers(0, max(rows - length, 1)))
    twin = parts.new_track(index)
    late = float(rng.choice([0.0, 0.0, 0.005, 0.015]))
    for note in track.notes[begin : begin + length]:
        parts.put(
            twin, note["start"] + late, note["end"] + late, note["pitch"], note["velocity"],
            "doubled",
        )  # fmt: skip


def _retriggered_alike(parts: _Parts, share: float) -> None:
    """The same pitch again, as long and loud, within 20 ms; or once more at the same instant."""
    rng = parts.rng
    for index in parts.melodic:
        notes = parts.song.tracks[index].notes
        for _ in range(rng.poisson(share * len(notes) / 3)):
            note = notes[rng.integers(len(notes))]
            late = float(rng.choice([0.0, 0.006, 0.012, 0.02]))
            end = note["end"] + rng.choice([0.0, late, -0.01])
            velocity = note["velocity"]
            parts.put(index, note["start"] + late, end, note["pitch"], velocity, "retriggered")


def _voices_in_tune(parts: _Parts, share: float) -> None:
    """Octaves, fifths and thirds of a true note, that come in while it sounds."""
    rng = parts.rng
    limits = voice_limits(parts.song.tracks)
    for index in parts.melodic:
        notes = parts.song.tracks[index].notes
        limit = int(limits[index])
        if limit > 6:
            continue
        for _ in range(max(1, rng.poisson(share * len(notes) / 4))):
            note = notes[rng.integers(len(notes))]
            span = float(note["end"] - note["start"])
            steps = rng.permutation([12, 7, -12, 4, 3, -5, 19, 16, -8, 9, -17])
            for step in steps[: limit + int(rng.integers(0, 2))].tolist():
                at = note["start"] + rng.uniform(0, 0.4) * span
                end = note["end"] + rng.uniform(-0.2, 0.1) * span
                parts.put(index, at, end, note["pitch"] + step, note["velocity"] * 0.9, "voices")


def haunt_alike(song: Song, seed: int, *, share: float = 0.03) -> Haunted:
    """Add ghosts that are as long and as loud as the notes they haunt, so that little tells them.

    Parameters
    ----------
    song : Song
        A song without ghosts.
    seed : int
        Chooses them.
    share : float, optional
        Ghosts of each kind for a note of the song's melodic tracks.

    Returns
    -------
    Haunted
        The song with its ghosts.
    """
    parts = _Parts(song, seed)
    rng = parts.rng
    onsets = np.concatenate([track.notes["start"] for track in song.tracks])
    limits = voice_limits(song.tracks)
    for index in parts.melodic:
        notes = song.tracks[index].notes
        for _ in range(rng.poisson(share * len(notes))):
            like, at = notes[rng.integers(len(notes))], rng.uniform(0, parts.end)
            end = at + rng.uniform(0.005, 0.0299)
            parts.put(index, at, end, like["pitch"], like["velocity"], "short")
        for _ in range(rng.poisson(share * len(notes) / 2)):
            like, at = notes[rng.integers(len(notes))], float(rng.choice(onsets))
            away = int(rng.integers(13, 25))
            pitch = (
                notes["pitch"].max() + away if rng.random() < 0.5 else notes["pitch"].min() - away
            )
            end = at + like["end"] - like["start"]
            parts.put(index, at, end, pitch, like["velocity"], "stray")
        for like in notes[rng.random(len(notes)) < share / 2]:
            late = rng.uniform(0.005, 0.03)
            end = max(like["end"], like["start"] + late + 0.04)
            parts.put(
                index, like["start"] + late, end, like["pitch"], like["velocity"], "retriggered"
            )
        twin = parts.new_track(index)
        for like in notes[rng.random(len(notes)) < share]:
            late = rng.uniform(-0.02, 0.02)
            times = like["start"] + late, like["end"] + late + rng.uniform(-0.05, 0.05)
            parts.put(twin, *times, like["pitch"], like["velocity"], "doubled")
        _voices_alike(parts, index, int(limits[index]), share)
    return parts.haunted()


def _voices_alike(parts: _Parts, index: int, limit: int, share: float) -> None:
    """Notes of the key within the part's range, that begin and end with a true one."""
    rng, notes = parts.rng, parts.song.tracks[index].notes
    key = {int(p) % 12 for t in parts.song.tracks if not t.is_drum for p in t.notes["pitch"]}
    low, high = int(notes["pitch"].min()) - 3, int(notes["pitch"].max()) + 3
    for _ in range(rng.poisson(share * len(notes) / 3) if limit <= 6 else 0):
        note = notes[rng.integers(len(notes))]
        here = (notes["start"] < note["end"]) & (notes["end"] > note["start"])
        sounding = set(notes["pitch"][here].tolist())
        free = [p for p in range(low, high + 1) if p % 12 in key and p not in sounding]
        wanted = max(1, limit + 1 + int(rng.integers(0, 3)) - len(sounding))
        for pitch in rng.permutation(free)[:wanted].tolist():
            parts.put(index, note["start"], note["end"], pitch, note["velocity"], "voices")
