"""Beats of songs that are performed as real exports of the service look."""

from __future__ import annotations

import pytest

from midikit.rhythm.estimate import estimate_beats
from tests.bench.exports import Export, exports, judged

SONGS = {export.name: export for export in exports(seed=0)}
STEADY = (
    "starts late",
    "no drums",
    "only drums",
    "drums push",
    "lags up to",
    "rests of",
    "constant",
)
MOVING = ("stems 87.15", "slowly varying", "86 to 99", "three steps")


def named(kinds: tuple[str, ...]) -> list[Export]:
    """Pick the songs of some kinds."""
    return [export for name, export in SONGS.items() if name.startswith(kinds)]


def ids(export: Export) -> str:
    """Name a case."""
    return export.name


@pytest.mark.parametrize("export", named(STEADY), ids=ids)
def test_steady_songs(export: Export) -> None:
    """Whatever parts are late, early or missing, every beat is within 3 ms and none is lost."""
    grid = estimate_beats(export.song)
    assert grid is not None
    one = judged(export, grid)
    assert one.greatest < 0.003
    assert abs(one.slipped) < 0.05


@pytest.mark.parametrize("export", named(MOVING), ids=ids)
def test_moving_tempi(export: Export) -> None:
    """A tempo that drifts or steps is followed: half of the beats within 3 ms, none lost."""
    grid = estimate_beats(export.song)
    assert grid is not None
    one = judged(export, grid)
    assert one.median < 0.003
    assert one.greatest < 0.030
    assert abs(one.slipped) < 0.1


@pytest.mark.parametrize("export", named(("fermata",)), ids=ids)
def test_held_beats(export: Export) -> None:
    """Behind a held beat the beats are beats again, not the lines between them."""
    grid = estimate_beats(export.song)
    assert grid is not None
    one = judged(export, grid)
    assert one.median < 0.02
    assert abs(one.slipped - round(one.slipped)) < 0.1
