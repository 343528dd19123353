"""Songs in the shape of the endpoint, of any size, made by chance from a seed.

About 60 notes a second over all tracks, times on the lattice of 1/192 s, velocities k/127, every
eighth track a drum kit, notes that repeat a pitch before it has ended. No track strikes a pitch
twice at one time, so that every reader pairs the notes alike.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import orjson

if TYPE_CHECKING:
    import numpy.typing as npt

__all__ = ["Part", "as_json", "make_parts"]

_LATTICE = 192
_NOTES_A_SECOND = 60
_NAMES = (
    "Synth Voice",
    "Electric Bass",
    "Acoustic Grand Piano",
    "String Ensemble 1",
    "Lead 2 (sawtooth)",
    "Pad 4 (choir)",
    "Overdriven Guitar",
    "Drums",
)
_KIT = (36, 38, 42, 46, 49, 51)
_LENGTHS = (12, 23, 24, 47, 48, 96, 157)
_OVERLAPPING = 0.03


class Part(NamedTuple):
    """An instrument: start and end in lattice steps, pitch 0..127, velocity 1..127, each (n,)."""

    name: str
    start: npt.NDArray[np.int64]
    end: npt.NDArray[np.int64]
    pitch: npt.NDArray[np.int64]
    velocity: npt.NDArray[np.int64]


def make_parts(notes: int, *, tracks: int = 8, seed: int = 0) -> list[Part]:
    """Make a song of nearly so many notes (repeats of a start and pitch are left out)."""
    rng = np.random.default_rng([notes, tracks, seed])
    seconds = max(4.0, notes / _NOTES_A_SECOND)
    share = rng.multinomial(notes, rng.dirichlet(np.full(tracks, 4.0)))
    parts = []
    for index, size in enumerate(np.maximum(share, 1).tolist()):
        name = _NAMES[index % len(_NAMES)]
        parts.append(_part(rng, name, size, int(seconds * _LATTICE)))
    return parts


def _part(rng: np.random.Generator, name: str, size: int, steps: int) -> Part:
    is_drum = name == "Drums"
    slot = 12 if is_drum else 24
    start = rng.integers(0, steps // slot, size) * slot
    start = np.maximum(start + rng.choice([0, 0, 0, 0, -2, 1, 3], size), 0)
    if is_drum:
        pitch = rng.choice(_KIT, size)
        length = np.full(size, 12)
    else:
        pitch = np.clip(np.rint(rng.normal(60, 12, size)), 21, 108).astype(np.int64)
        length = rng.choice(_LENGTHS, size)
    _, kept = np.unique(start * 128 + pitch, return_index=True)
    start, pitch, length = start[kept], pitch[kept], length[kept]
    order = np.lexsort((start, pitch))
    following = np.full(len(start), steps * 2)
    same = pitch[order][1:] == pitch[order][:-1]
    following[order[:-1][same]] = start[order[1:]][same]
    end = start + length
    keeps = rng.random(len(start)) < _OVERLAPPING
    end = np.where(keeps, end, np.minimum(end, following))
    return Part(name, start, end, pitch, rng.integers(20, 128, len(start)))


def as_json(parts: list[Part]) -> bytes:
    """Write the answer of the endpoint, compact, with every float as short as it can be."""
    instruments = [
        {
            "name": part.name,
            "notes": [
                {"end": end, "pitch": pitch, "start": start, "velocity": velocity}
                for end, pitch, start, velocity in zip(
                    (part.end / _LATTICE).tolist(),
                    part.pitch.tolist(),
                    (part.start / _LATTICE).tolist(),
                    (part.velocity / 127).tolist(),
                    strict=True,
                )
            ],
        }
        for part in parts
    ]
    address = "https://example.invalid/song.mid"
    return orjson.dumps({"code": 200, "data": {"midi_url": address, "instruments": instruments}})
