"""Songs of POP909 with their annotated keys, whole and in stretches of one key.

The annotations (``key_audio.txt``) were made from the audio: stretches in seconds, whose times are
those of the files. A song with several keys counts as in the one that lasts longest.
"""

from __future__ import annotations

import gzip
import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from midikit.model.key import Key
from midikit.parse.midi import read_midi
from tests.bench.beats_data import song_of
from tests.bench.beats_songs import POP909

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from midikit.model.song import Song

__all__ = [
    "DEV_KEYS",
    "Annotated",
    "Spans",
    "as_key",
    "dev_songs",
    "excerpt",
    "longest",
    "pop909_song",
    "read_keys",
    "stretches",
]

DEV_KEYS = POP909.with_name("dev_keys.json")
"""Annotated keys of the songs that are measured on."""

Spans = list[tuple[float, float, str]]


@dataclass(frozen=True, slots=True, eq=False)
class Annotated:
    """A song, its annotated keys by time, and the one that lasts longest."""

    name: str
    song: Song
    spans: Spans

    @property
    def key(self) -> Key:
        """The key that lasts longest."""
        return longest(self.spans)


def as_key(name: str) -> Key:
    """Read a name of the annotation, such as ``Gb:min``, and spell it as midikit does."""
    tonic, _, mode = name.partition(":")
    return Key.of(Key(tonic, "major").pitch_class, "minor" if mode == "min" else "major")


def longest(spans: Spans) -> Key:
    """Take the key that lasts longest in all."""
    total: dict[str, float] = {}
    for start, end, name in spans:
        total[name] = total.get(name, 0.0) + end - start
    return as_key(max(total, key=lambda name: total[name]))


def read_keys(path: Path) -> Spans:
    """Read an annotation."""
    rows = [line.split() for line in path.read_text("ascii").splitlines() if line.strip()]
    return [(round(float(start), 3), round(float(end), 3), name) for start, end, name in rows]


def pop909_song(folder: Path, number: int) -> Annotated:
    """Read a song of a POP909 clone."""
    name = f"{number:03d}"
    song = read_midi(folder / name / f"{name}.mid")
    return Annotated(f"pop909-{name}", song, read_keys(folder / name / "key_audio.txt"))


def dev_songs() -> Iterator[Annotated]:
    """Read the 50 songs that are measured on and never learnt from."""
    spans = json.loads(DEV_KEYS.read_text("ascii"))
    with gzip.open(POP909, "rt", encoding="utf-8") as file:
        songs = json.load(file)
    for one in songs:
        notes = {name: np.array(values) for name, values in one["notes"].items()}
        yield Annotated(one["id"], song_of(notes), [tuple(row) for row in spans[one["id"]]])


def excerpt(song: Song, start: float, end: float) -> Song:
    """Take the notes that begin within some seconds."""
    tracks = []
    for track in song.tracks:
        begins = track.notes["start"]
        tracks.append(replace(track, notes=track.notes[(begins >= start) & (begins < end)]))
    return song.with_tracks(tuple(tracks))


def stretches(
    one: Annotated, rng: np.random.Generator, lengths: Sequence[float]
) -> Iterator[tuple[Song, Key]]:
    """Cut stretches of some lengths out of an annotated song, each within one key."""
    for length in lengths:
        fits = [span for span in one.spans if span[1] - span[0] > length]
        if not fits:
            continue
        low, high, name = fits[int(rng.integers(len(fits)))]
        start = float(rng.uniform(low, high - length))
        yield excerpt(one.song, start, start + length), as_key(name)
