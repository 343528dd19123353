"""Rounding between units, in one place."""

from __future__ import annotations

import math
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from midikit.errors import ConversionError
from midikit.units import (
    LATTICE,
    MAX_MICROSECONDS,
    check_tempo,
    microseconds_per_quarter,
    qpm_from_microseconds,
    seconds_from_microseconds,
    seconds_from_ticks,
    ticks_from_quarters,
    ticks_from_seconds,
    velocity_from_unit,
    velocity_to_unit,
    written_tempo,
)


def test_every_velocity_survives() -> None:
    """K/127 is K again, for every K that a note can have."""
    every = np.arange(1, 128)
    assert np.array_equal(velocity_from_unit(velocity_to_unit(every)), every)


def test_velocity_zero_becomes_one() -> None:
    """A velocity of 0 would be an end on the wire; beyond 1 is full."""
    assert velocity_from_unit([0.0, 0.001, 1.5]).tolist() == [1, 1, 127]


def test_the_lattice_is_exact_at_480_ticks() -> None:
    """At 120 quarters a minute a lattice step is five ticks, and each second comes back exactly."""
    steps = np.arange(192 * 3600)
    seconds = steps / LATTICE
    tempo = written_tempo(np.zeros(1), np.array([120.0]), 480)
    ticks = ticks_from_seconds(seconds, *tempo, 480)
    assert np.array_equal(ticks, 5 * steps)
    assert np.array_equal(seconds_from_ticks(ticks, tempo[0], tempo[1], 480), seconds)


@pytest.mark.parametrize(("qpm", "micro"), [(120.0, 500_000), (1e9, 1), (0.001, 0xFFFFFF)])
def test_tempo_events_hold_whole_microseconds(qpm: float, micro: int) -> None:
    """Rounded, and kept within what three bytes say."""
    assert microseconds_per_quarter(qpm).tolist() == micro


@given(
    st.lists(st.tuples(st.floats(0.0001, 20), st.floats(4, 900)), max_size=30),
    st.lists(st.floats(0, 600), min_size=1, max_size=30),
    st.sampled_from([24, 96, 480, 960]),
)
def test_seconds_stay_within_half_a_tick(
    changes: list[tuple[float, float]], times: list[float], resolution: int
) -> None:
    """However many tempo changes are rounded to ticks, the error never adds up."""
    seconds = np.concatenate([[0.0], np.cumsum([step for step, _ in changes])])
    qpm = np.array([120.0, *(tempo for _, tempo in changes)])
    ticks, micro, starts = written_tempo(seconds, qpm, resolution)
    assert (np.diff(ticks) > 0).all()
    found = seconds_from_ticks(
        ticks_from_seconds(times, ticks, micro, starts, resolution), ticks, micro, resolution
    )
    longest = micro.max() * 1e-6 / resolution
    assert np.abs(found - times).max() <= longest / 2 + 1e-9


@given(
    st.lists(st.tuples(st.integers(1, 5000), st.integers(1, MAX_MICROSECONDS)), max_size=12),
    st.lists(st.integers(0, 1 << 30), min_size=1, max_size=12),
    st.sampled_from([24, 96, 480, 960]),
)
def test_seconds_are_one_division_of_whole_numbers(
    changes: list[tuple[int, int]], ticks: list[int], resolution: int
) -> None:
    """Microseconds times ticks are counted exactly, whatever the tempo events; rounded once."""
    starts, tempi = [0], [500_000]
    for step, micro in changes:
        starts.append(starts[-1] + step)
        tempi.append(micro)
    expected = []
    for tick in ticks:
        ends = [*starts[1:], tick]
        spans = [min(end, tick) - start for start, end in zip(starts, ends, strict=True)]
        total = sum(max(span, 0) * micro for span, micro in zip(spans, tempi, strict=True))
        expected.append(total / (1e6 * resolution))
    found = seconds_from_ticks(ticks, np.array(starts), np.array(tempi), resolution)
    assert found.tolist() == expected


def test_ticks_beyond_exact_arithmetic_do_not_wrap() -> None:
    """A hostile file's ticks give seconds, not negative ones."""
    far = np.array([1 << 58], np.int64)
    slow = np.array([0xFFFFFF])
    found = seconds_from_ticks(far, np.array([0]), slow, 1)
    assert found[0] == pytest.approx((1 << 58) * 16.777215)


def test_quarters_round_to_the_nearest_tick() -> None:
    """Half a tick goes to the even one, as everywhere in numpy."""
    assert ticks_from_quarters([1.0011, 1.5 / 480], 480).tolist() == [481, 2]


@given(st.integers(1, MAX_MICROSECONDS))
def test_written_tempi_come_back(micro: int) -> None:
    """Whole microseconds a quarter are the same after a way through quarters a minute."""
    qpm = qpm_from_microseconds(micro)
    assert microseconds_per_quarter(qpm) == micro
    assert seconds_from_microseconds(micro) == pytest.approx(60.0 / qpm)
    check_tempo(qpm)


@pytest.mark.parametrize("qpm", [3.57, 60_000_001.0, math.nan])
def test_tempi_that_no_file_holds(qpm: float) -> None:
    """One tempo too slow or too fast for its three bytes refuses the map, and is named."""
    with pytest.raises(ConversionError, match=re.escape(f"tempo of {qpm:g} qpm; a .mid holds")):
        check_tempo([120.0, qpm])
