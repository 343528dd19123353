"""Other readings of a beat grid, and its tempo map."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from midikit.errors import NotesError
from midikit.model.beats import BeatGrid, Confidence

drifting = BeatGrid(
    np.cumsum(np.linspace(0.5, 0.6, 41)).astype(np.float64), (4, 4), 2, subdivision=4
)


@given(phase=st.integers(0, 3), count=st.integers(8, 60))
def test_half_of_double_time(phase: int, count: int) -> None:
    """Half time undoes double time."""
    grid = BeatGrid((0.5 * np.arange(count)).astype(np.float64), (4, 4), phase, subdivision=4)
    again = grid.double_time().half_time()
    assert again.beats == pytest.approx(grid.beats)
    assert (again.pickup, again.subdivision) == (grid.pickup, 4)
    assert grid.double_time().bpm == pytest.approx(2 * grid.bpm)


def test_bar_lines_stay_bar_lines() -> None:
    """Double time adds bar lines to those there are, half time takes from them."""
    assert np.isin(drifting.downbeats, drifting.double_time().downbeats).all()
    assert np.isin(drifting.half_time().downbeats, drifting.downbeats).all()


def test_half_time_of_two_beats() -> None:
    """A grid of two beats has no half time."""
    with pytest.raises(NotesError, match="two or more"):
        BeatGrid([0.0, 0.5]).half_time()  # type: ignore[arg-type]


def test_shift_downbeat_comes_round() -> None:
    """Bar lines moved by a whole bar are where they were."""
    assert drifting.shift_downbeat(1).downbeats[0] == drifting.beats[3]
    assert drifting.shift_downbeat(-4).pickup == drifting.pickup == 2


def test_other_readings_make_no_claims() -> None:
    """What was chosen by hand carries no confidence, margin or alternatives."""
    sure = replace(drifting, confidence=Confidence(1.0, 0.9, 0.8), margin=0.5)
    for other in (sure.half_time(), sure.double_time(), sure.shift_downbeat(1)):
        assert other.confidence is None
        assert other.margin is None
        assert other.alternatives == ()


def test_tempo_map_of_one_tempo() -> None:
    """A constant grid has a single tempo, in quarters."""
    tempo = BeatGrid.constant(60.0, 0.3, meter=(6, 8), end=30.0).tempo_map
    assert tempo.qpm.tolist() == [90.0]


def test_tempo_map_changes_at_bars_only() -> None:
    """A drifting grid has at most one tempo a bar, and its bar lines keep their seconds."""
    tempo = drifting.tempo_map
    assert len(tempo.qpm) <= len(drifting.downbeats) + 1
    quarters = tempo.to_quarters(drifting.downbeats)
    assert np.diff(quarters) == pytest.approx(4.0)
    assert np.isin(tempo.seconds[1:], drifting.beats).all()


def test_tempo_map_before_second_zero() -> None:
    """Beats before second 0 do not break the map."""
    early = BeatGrid(drifting.beats - 1.7, (4, 4), 2)
    assert np.diff(early.tempo_map.to_quarters(early.downbeats[1:])) == pytest.approx(4.0)


def test_repr_says_how_sure() -> None:
    """The confidences are in the repr."""
    sure = replace(drifting, confidence=Confidence(0.99, 0.97, 0.91))
    assert "pulse 0.99 level 0.97 bar 0.91" in repr(sure)
