"""Songs with a known grid for training and measuring `estimate_beats`.

Three sources: songs drawn by chance (`tests.bench.synthetic`), songs in everyday styles
(`tests.bench.band`), and POP909 (Wang et al. 2020, MIT licence; not kept in the project), whose
files carry their beats as ticks and come with annotated bars.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from midikit.model.notes import as_notes
from midikit.model.song import Song, Track
from midikit.parse.midi import read_midi
from tests.bench.band import make_band
from tests.bench.synthetic import make_song, seed_of

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import numpy.typing as npt

__all__ = ["Case", "excerpt", "made_case", "pop909_case", "song_of"]

FloatArray: TypeAlias = "npt.NDArray[np.float64]"

_LATTICE = 192.0
_ANNOTATED = 0.8
_FEWEST = 60


@dataclass(frozen=True, slots=True, eq=False)
class Case:
    """A song and its true grid; no beats if it has none, no downbeats if they are not certain."""

    name: str
    song: Song
    beats: FloatArray
    downbeats: FloatArray
    beats_per_bar: int


def song_of(notes: Mapping[str, Any]) -> Song:
    """Make a song of a table of notes (columns onset, offset, pitch, velocity, instrument …)."""
    tracks = []
    for number in np.unique(notes["instrument"]):
        mine = notes["instrument"] == number
        columns = {
            "start": notes["onset"][mine],
            "end": notes["offset"][mine],
            "pitch": notes["pitch"][mine],
            "velocity": notes["velocity"][mine],
        }
        is_drum = bool(notes["is_drum"][mine][0])
        tracks.append(Track(f"Part {number}", is_drum=is_drum, notes=as_notes(columns)))
    return Song(tuple(tracks))


def made_case(salt: str, group: str, number: int, *, vary: bool) -> Case:
    """Make a song: in everyday styles if the group is ``band``, else by chance.

    If `vary`, some songs lose parts or their velocities, or get lags.
    """
    seed = seed_of(salt, group, number)
    made = make_band(seed) if group == "band" else make_song(seed, group)
    notes = _varied(made.notes, np.random.default_rng([seed, 1])) if vary else made.notes
    return Case(
        name=f"{salt}/{group}/{number}",
        song=song_of(notes),
        beats=made.beats if made.steady else np.zeros(0),
        downbeats=made.downbeats if made.steady else np.zeros(0),
        beats_per_bar=made.beats_per_bar,
    )


def _varied(notes: Mapping[str, Any], rng: np.random.Generator) -> dict[str, Any]:
    """Take parts or velocities away, or let parts lag, each with some chance."""
    columns = {name: np.array(values) for name, values in notes.items()}
    parts = np.unique(columns["instrument"])
    drop, flat, late = rng.random(3)
    if drop < 0.3 and len(parts) > 1:
        kept = parts[rng.random(len(parts)) < 0.6]
        mine = np.isin(columns["instrument"], kept)
        if mine.sum() >= _FEWEST:
            columns = {name: values[mine] for name, values in columns.items()}
    if flat < 0.3:
        columns["velocity"] = np.full(len(columns["pitch"]), 63)
    if late < 0.3:
        lag = rng.normal(0.0, 0.008, 16)[columns["instrument"] % 16]
        onset = np.rint(np.maximum(columns["onset"] + lag, 0.0) * _LATTICE) / _LATTICE
        columns["offset"] = onset + (columns["offset"] - columns["onset"])
        columns["onset"] = onset
    return columns


def excerpt(case: Case, rng: np.random.Generator) -> Case | None:
    """Cut a stretch out of a song, sometimes fewer parts of it, a little faster or slower.

    None if few notes remain. So a few hundred songs teach what holds in all of them.
    """
    tracks = [track for track in case.song.tracks if len(track.notes)]
    share, pace, fewer = rng.uniform(0.25, 0.8), float(np.exp(rng.normal(0, 0.05))), rng.random()
    flat, begins, chosen = rng.random() < 0.35, rng.uniform(0, 1), int(rng.integers(len(tracks)))
    opens = min(float(track.notes["start"][0]) for track in tracks)
    length = max(float(track.notes["start"][-1]) for track in tracks) - opens
    low = opens + begins * (1 - share) * length
    high = low + share * length
    if fewer < 0.15:
        tracks = [tracks[chosen]]
    elif fewer < 0.6 and len(tracks) > 1:
        del tracks[chosen]
    kept = []
    for track in tracks:
        notes = track.notes[(track.notes["start"] >= low) & (track.notes["start"] < high)].copy()
        for name in ("start", "end"):
            notes[name] = np.rint(notes[name] * pace * _LATTICE) / _LATTICE
        notes["end"] = np.maximum(notes["end"], notes["start"] + 1 / _LATTICE)
        if flat:
            notes["velocity"] = 63
        kept.append(replace(track, notes=as_notes(notes)))
    if sum(len(track.notes) for track in kept) < _FEWEST:
        return None
    beats, downbeats = (
        marks[(marks >= low - 1) & (marks <= high + 1)] * pace
        for marks in (case.beats, case.downbeats)
    )
    return replace(case, song=Song(tuple(kept)), beats=beats, downbeats=downbeats)


def pop909_case(folder: Path, number: int) -> Case:
    """Read a song of POP909: beats from its ticks, bars from the annotation where two agree."""
    name = f"{number:03d}"
    played = read_midi(folder / name / f"{name}.mid")
    tracks = []
    for track in played.tracks:
        if len(track.notes):
            columns = {key: np.array(track.notes[key]) for key in ("pitch", "velocity")}
            columns["start"] = np.rint(track.notes["start"] * _LATTICE) / _LATTICE
            end = np.rint(track.notes["end"] * _LATTICE) / _LATTICE
            columns["end"] = np.maximum(end, columns["start"] + 1 / _LATTICE)
            tracks.append(Track(track.name, notes=as_notes(columns)))
    marked = np.loadtxt(folder / name / "beat_midi.txt", ndmin=2)
    phase = float(played.tempo.to_quarters(marked[0, 0])) % 1.0
    count = int(played.tempo.to_quarters(played.end)) + 1
    beats = played.tempo.to_seconds(np.arange(count, dtype=np.float64) + phase)
    rows = np.loadtxt(folder / name / "beat_audio.txt", ndmin=2)
    opens = rows[rows[:, 1] == 1, 0]
    first, share = _phase(beats, opens)
    second, _ = _phase(beats, marked[marked[:, -1] == 1, 0])
    certain = share >= _ANNOTATED and first == second
    return Case(
        f"pop909/{name}", Song(tuple(tracks)), beats, beats[first::4] if certain else beats[:0], 4
    )


def _phase(beats: FloatArray, opens: FloatArray) -> tuple[int, float]:
    """Phase of most annotated bars among the beats, and their share."""
    right = np.clip(np.searchsorted(beats, opens), 1, len(beats) - 1)
    nearest = right - (opens - beats[right - 1] < beats[right] - opens)
    seen = np.bincount(nearest % 4, minlength=4)
    return int(seen.argmax()), float(
        seen.max() / max(len(opens), 1) * min(1.0, 4.4 * len(opens) / len(beats))
    )
