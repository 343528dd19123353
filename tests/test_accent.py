"""Accents: louder where the meter is strong, and only where nobody has shaped the part."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import midikit as mk
from midikit.errors import ConversionError
from midikit.rhythm.accent import accent, flat_velocity
from midikit.rhythm.given import claimed_grid
from midikit.sandbox.songs import demo_songs


def _part(seconds: list[float], velocity: int = 80) -> mk.Song:
    rows = [(second, second + 0.05, 60, velocity) for second in seconds]
    return mk.Song((mk.Track("Koto", notes=mk.as_notes(rows)),))


def _velocities(song: mk.Song, grid: mk.BeatGrid, **amounts: Any) -> list[int]:
    found: list[int] = accent(song, grid, **amounts)[0].notes["velocity"].tolist()
    return found


def test_sixteenths_of_a_bar_have_the_weights_of_their_levels() -> None:
    """Downbeat, beat, offbeat, sixteenth; also in the bars before the grid and after it."""
    grid = mk.BeatGrid.constant(120.0, offset=0.25)
    bar = [92, 68, 76, 68, 84, 68, 76, 68, 84, 68, 76, 68, 84, 68, 76, 68]
    steps = [0.25 + 0.125 * step for step in range(64)]
    assert _velocities(_part(steps), grid) == 4 * bar
    late = mk.BeatGrid.constant(120.0, offset=4.25)
    assert _velocities(_part(steps), late) == 4 * bar


def test_scatter_does_not_change_a_level() -> None:
    """The nearest line counts, on either side of it."""
    grid = mk.BeatGrid.constant(120.0, offset=1.0)
    scattered = [0.98, 1.02, 1.27, 1.47, 1.53, 2.98]
    assert _velocities(_part(scattered), grid) == [92, 92, 76, 84, 84, 92]


def test_compound_bars_have_thirds_and_a_pickup_is_counted() -> None:
    """In 6/8 an eighth is a third of the beat; the grid's first bar line is where it says."""
    grid = mk.BeatGrid(np.linspace(0.0, 11.4, 20), (6, 8), first_downbeat=1)
    eighths = [0.0, 0.2, 0.4, 0.6, 0.8, 1.0, 1.2, 1.4, 1.6, 1.8]
    assert _velocities(_part(eighths), grid) == [84, 76, 76, 92, 76, 76, 84, 76, 76, 92]
    assert _velocities(_part([0.1, 0.3, 0.7]), grid) == [68, 68, 68]


def test_a_swung_offbeat_is_an_offbeat() -> None:
    """Where the grid says that it falls."""
    grid = mk.BeatGrid(np.linspace(0.0, 4.8, 9), (4, 4), swing_ratio=2 / 3)
    assert _velocities(_part([0.0, 0.4, 0.6, 1.0, 0.2]), grid) == [92, 68, 76, 84, 76]


def test_velocities_stay_in_their_range() -> None:
    """Clamped, not wrapped; and the note stays a note."""
    grid = mk.BeatGrid.constant(120.0)
    assert _velocities(_part([0.0, 0.125], 127), grid) == [127, 115]
    assert _velocities(_part([0.0, 0.125], 3), grid) == [15, 1]


def test_only_flat_parts_are_touched_unless_asked() -> None:
    """What a player has shaped stays; so does a single note; nothing but velocities changes."""
    grid = mk.BeatGrid.constant(120.0)
    shaped = mk.Track("Flute", notes=mk.as_notes([(0.0, 0.1, 60, 80), (0.5, 0.6, 60, 81)]))
    lone = mk.Track("Bell", notes=mk.as_notes([(0.0, 0.1, 60, 80)]))
    empty = mk.Track("None")
    flat = _part([0.0, 0.5])[0]
    song = mk.Song((shaped, lone, empty, flat))
    accented = accent(song, grid)
    assert [accented[index] is song[index] for index in range(4)] == [True, True, True, False]
    for name in ("start", "end", "pitch"):
        assert np.array_equal(accented[3].notes[name], flat.notes[name])
    assert [str(change) for change in accented.changes] == [
        "Koto: 2 of 2 notes accented by their place in the bar: 80 became 84 to 92"
    ]
    every = accent(song, grid, only_flat=False)
    assert [track.notes["velocity"].tolist() for track in every] == [[92, 85], [92], [], [92, 84]]
    assert [change.where for change in every.changes] == ["Flute", "Bell", "Koto"]


def test_amounts_are_asked_for() -> None:
    """Each by its name; none at all changes nothing and says nothing."""
    grid = mk.BeatGrid.constant(120.0)
    song = _part([0.0, 0.5, 0.25, 0.125])
    assert _velocities(song, grid, downbeat=1, beat=2, offbeat=3, sixteenth=4) == [81, 84, 83, 82]
    none = accent(song, grid, downbeat=0, beat=0, offbeat=0, sixteenth=0)
    assert none.changes == ()
    for amount in (127, 1.5, "loud", True, None):
        given_amount: Any = amount
        with pytest.raises(ConversionError, match="expected a whole number of velocity steps"):
            accent(song, grid, beat=given_amount)
    nothing: Any = None
    with pytest.raises(ConversionError, match="grid is None: no steady beat was found"):
        accent(song, nothing)


@settings(max_examples=100)
@given(st.lists(st.integers(0, 2000), min_size=2, max_size=40), st.integers(1, 127))
def test_accents_are_the_same_again_and_in_order(steps: list[int], velocity: int) -> None:
    """Deterministic; no stronger line is softer than a weaker one."""
    grid = mk.BeatGrid.constant(97.0, offset=0.3)
    song = _part([step / 192 for step in steps], velocity)
    once = accent(song, grid)
    assert once[0].notes.tobytes() == accent(song, grid)[0].notes.tobytes()
    allowed = {min(max(velocity + amount, 1), 127) for amount in (12, 4, -4, -12)}
    assert set(once[0].notes["velocity"].tolist()) <= allowed
    assert len(once[0].notes) == len(steps)


def test_accents_follow_the_true_beat_of_the_demo_songs() -> None:
    """Where an estimate has found them, the loudest notes are those on the true bar lines."""
    demo = demo_songs()[0]
    laid = mk.lay_out(demo.song(), align=True)
    assert laid.grid is not None
    strings = next(i for i, track in enumerate(laid.song) if flat_velocity(track.notes) is not None)
    accented = accent(laid.song, laid.grid)[strings].notes
    on_bar = np.abs(accented["start"][:, None] - demo.downbeats[None, :]).min(axis=1) < 0.06
    assert on_bar.any()
    assert set(accented["velocity"][on_bar].tolist()) == {75}
    assert accented["velocity"][~on_bar].max() < 75


def test_flat_is_one_velocity_of_several_notes() -> None:
    """A single note has no shape to miss."""
    assert flat_velocity(_part([0.0, 1.0], 63)[0].notes) == 63
    assert flat_velocity(_part([0.0], 63)[0].notes) is None
    assert flat_velocity(mk.as_notes([])) is None


def test_the_claimed_grid_has_its_bar_line_at_the_last_signature() -> None:
    """As a file with a lead-in has it; a signature that is none counts for nothing."""
    meter = mk.Event(1.0, 0x58, bytes([3, 2, 24, 8]))
    lead = mk.Event(0.0, 0x58, bytes([2, 2, 24, 8]))
    notes = mk.as_notes([(0.0, 9.0, 60, 80)])
    song = mk.Song((mk.Track("Koto", notes=notes),), events=(lead, meter))
    grid = claimed_grid(song)
    assert (grid.meter, grid.downbeats[:2].tolist()) == ((3, 4), [1.0, 2.5])
    wrong = mk.Song(song.tracks, events=(mk.Event(0.0, 0x58, bytes([0, 2, 24, 8])),))
    assert claimed_grid(wrong).meter == (4, 4)
