"""Other readings of a beat grid, and its tempo map."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from midikit.errors import NotesError
from midikit.model.beats import BeatGrid, Confidence

drifting = BeatGrid(
    np.cumsum(np.linspace(0.5, 0.6, 41)).astype(np.float64), (4, 4), 2, subdivision=4
)


@given(
    phase=st.integers(0, 7),
    count=st.integers(8, 60),
    meter=st.sampled_from([(4, 4), (3, 4), (5, 4), (6, 8)]),
)
def test_half_of_double_time(phase: int, count: int, meter: tuple[int, int]) -> None:
    """Half time undoes double time, in any meter."""
    grid = BeatGrid((0.5 * np.arange(count)).astype(np.float64), meter, phase, subdivision=4)
    again = grid.double_time().half_time()
    assert again.beats == pytest.approx(grid.beats)
    assert (again.pickup, again.subdivision) == (grid.pickup, 4)
    assert grid.double_time().bpm == pytest.approx(2 * grid.bpm)


def test_bar_lines_stay_bar_lines() -> None:
    """Double time adds bar lines to those there are, half time takes from them."""
    assert np.isin(drifting.downbeats, drifting.double_time().downbeats).all()
    assert np.isin(drifting.half_time().downbeats, drifting.downbeats).all()


@pytest.mark.parametrize(("first", "beats"), [(5, [0.5, 1.5, 2.5]), (2, [0.0, 1.0, 2.0])])
def test_half_time_of_a_waltz(first: int, beats: list[float]) -> None:
    """Half time keeps the beat that was named a bar line, though both name the same bar lines."""
    waltz = BeatGrid(0.5 * np.arange(20, dtype=np.float64), (3, 4), first)
    assert waltz.downbeats[0] == 1.0
    half = waltz.half_time()
    assert half.beats[:3].tolist() == beats
    assert waltz.beats[first] in half.downbeats


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"meter": None}, r"meter None: expected two whole numbers, such as \(4, 4\)"),
        ({"meter": (4.5, 4)}, r"meter \(4.5, 4\): expected two whole numbers"),
        ({"meter": "4/4"}, "meter '4/4': expected two whole numbers"),
        ({"meter": (4, 4, 4)}, r"meter \(4, 4, 4\): expected two whole numbers"),
        ({"meter": (4, 3)}, "meter 4/3: expected such as 4/4"),
        ({"meter": (0, 4)}, "meter 0/4: expected such as 4/4"),
        ({"first_downbeat": 1.5}, "first_downbeat 1.5: expected the index of a beat"),
        ({"first_downbeat": None}, "first_downbeat null: expected the index of a beat"),
        ({"beats": None}, "beats null: expected seconds that increase"),
        ({"beats": ["0", "1"]}, "beats a list: expected seconds that increase"),
        ({"beats": [0.0, [1.0]]}, "beats a list: expected seconds that increase"),
        ({"beats": [0.0, np.nan]}, "beats must be finite seconds that increase"),
    ],
)
def test_impossible_grids_are_refused(options: dict[str, Any], message: str) -> None:
    """One line says what was given and what is expected; nothing is a bare TypeError."""
    with pytest.raises(NotesError, match=f"^{message}"):
        BeatGrid(**{"beats": [0.0, 0.5], **options})


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("120",), "bpm '120': expected a number"),
        ((None,), "bpm null: expected a number"),
        ((0,), "bpm 0: expected a number above 0"),
        ((np.inf,), "bpm .*: expected a finite number"),
        ((120.0, "0"), "offset '0': expected a number"),
    ],
)
def test_impossible_tempi_are_refused(arguments: tuple[Any, ...], message: str) -> None:
    """A tempo that is no number is refused as an impossible grid is."""
    with pytest.raises(NotesError, match=f"^{message}"):
        BeatGrid.constant(*arguments)


def test_numbers_of_any_sort_are_taken() -> None:
    """Whole numbers, those of numpy, and a meter as JSON has it are kept as plain ones."""
    grid = BeatGrid(range(8), [np.int32(6), 8], np.int64(3))  # type: ignore[arg-type]
    assert (grid.meter, grid.first_downbeat, grid.pickup) == ((6, 8), 3, 1)
    assert grid.beats.dtype == np.float64


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
