"""The songs that `tests.bench.beats` measures on, with their true grids.

Suites of generated songs (`tests.bench.synthetic`, and `tests.bench.band` as ``band``), and
``pop909``: 50 piano arrangements of pop songs (Wang et al., "POP909", ISMIR 2020; MIT licence) with
the beats of their tempo maps, and the bars where both annotations of the data set agree.
"""

from __future__ import annotations

import gzip
import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tests.bench.band import make_band
from tests.bench.synthetic import GROUPS, Made, make_song, seed_of

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["POP909", "SUITES", "Case", "pop909_songs", "suite_songs"]

POP909 = Path(__file__).parents[2] / "fixtures" / "pop909" / "dev.json.gz"
SUITES = (*GROUPS, "pop909", "band")


@dataclass(frozen=True, slots=True, eq=False)
class Case:
    """A song of a suite.

    Parameters
    ----------
    suite : str
        One of `SUITES`.
    name : str
        What tells it from the suite's others.
    made : Made
        Notes and truth.
    constant : bool
        Whether one tempo holds throughout, so that it can be judged to 0.1 %.
    bars_known : bool
        Whether the true bar lines are certain.
    """

    suite: str
    name: str
    made: Made
    constant: bool
    bars_known: bool = True

    @property
    def bpm(self) -> float:
        """True felt beats a minute, the median over the song."""
        return float(60.0 / np.median(np.diff(self.made.beats)))


def suite_songs(suite: str, salt: str, count: int) -> Iterator[Case]:
    """Make the songs of a generated suite, one after the other."""
    for number in range(count):
        seed = seed_of(salt, suite, number)
        made = make_band(seed) if suite == "band" else make_song(seed, suite)
        constant = suite in {"const", "jitter", "sparse"}
        yield Case(suite, f"{salt}/{suite}/{number}", made, constant=constant)


def pop909_songs(path: Path = POP909, count: int | None = None) -> Iterator[Case]:
    """Read the songs of POP909 from a part that was packed as JSON."""
    with gzip.open(path, "rt", encoding="utf-8") as file:
        songs: list[dict[str, Any]] = json.load(file)
    for song in songs[:count]:
        truth = song["truth"]
        made = Made(
            notes={name: np.array(values) for name, values in song["notes"].items()},
            beats=np.array(truth["beats"], np.float64),
            downbeats=np.array(truth["downbeats"], np.float64),
            beats_per_bar=int(truth["beats_per_bar"]),
            position=np.array(truth["pos"], np.float64),
            notated=np.array(truth["pos2"], np.float64),
            steady=bool(truth["steady"]),
        )
        yield Case(
            "pop909",
            song["id"],
            made,
            constant=bool(truth["tags"]["constant"]),
            bars_known=bool(truth.get("downbeats_ok", True)),
        )
