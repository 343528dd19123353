"""The model's values: tiny tables first, then properties."""

from __future__ import annotations

import pickle
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from midikit.errors import LimitError, NotesError
from midikit.model.beats import BeatGrid
from midikit.model.joined import end_to_end, times
from midikit.model.notes import (
    NO_NOTES,
    NOTE,
    as_notes,
    concatenate,
    greatest_polyphony,
    is_canonical,
    notes_by_track,
    shift,
    transpose,
    trusted_notes,
)
from midikit.model.song import Song, Track
from midikit.model.tempo import TempoMap

lattice = st.integers(0, 192 * 600)
rows = st.lists(
    st.tuples(lattice, st.integers(0, 500), st.integers(0, 127), st.integers(1, 127)).map(
        lambda row: (row[0] / 192, (row[0] + row[1]) / 192, row[2], row[3])
    ),
    max_size=40,
)


def test_note_is_24_aligned_bytes() -> None:
    """Columns of the dtype are aligned, so numpy searches them without copying."""
    assert NOTE.itemsize == 24
    assert as_notes([(0, 1, 60, 80)])["pitch"].flags.aligned


@given(rows)
def test_as_notes_is_idempotent(table: list[tuple[float, float, int, int]]) -> None:
    """Making notes of notes changes nothing."""
    once = as_notes(table)
    assert np.array_equal(as_notes(once), once)
    assert np.array_equal(np.sort(once["start"]), once["start"])


@given(rows, st.randoms(use_true_random=False))
def test_the_order_of_the_input_does_not_matter(
    table: list[tuple[float, float, int, int]], random: np.random.Generator
) -> None:
    """Any permutation of the rows gives the same array."""
    shuffled = list(table)
    random.shuffle(shuffled)
    assert np.array_equal(as_notes(shuffled), as_notes(table))


@given(st.lists(rows, max_size=6))
def test_a_whole_song_at_once_equals_track_by_track(
    tables: list[list[tuple[float, float, int, int]]],
) -> None:
    """notes_by_track is as_notes for each track."""
    flat = [row for table in tables for row in table]
    names = ("start", "end", "pitch", "velocity")
    columns = {name: np.array([row[i] for row in flat]) for i, name in enumerate(names)}
    found = notes_by_track(columns, [len(table) for table in tables])
    assert len(found) == len(tables)
    for notes, table in zip(found, tables, strict=True):
        assert np.array_equal(notes, as_notes(table))
        assert not notes.flags.writeable


@given(st.lists(rows, max_size=6))
def test_trusted_rows_are_brought_into_the_same_order(
    tables: list[list[tuple[float, float, int, int]]],
) -> None:
    """What skips the checks gives what makes them."""
    counts = [len(table) for table in tables]
    flat = np.array([row for table in tables for row in table], NOTE)
    columns = {name: flat[name].copy() for name in NOTE.names or ()}
    found = trusted_notes(flat, counts)
    for notes, expected in zip(found, notes_by_track(columns, counts), strict=True):
        assert np.array_equal(notes, expected)
        assert is_canonical(notes)


@given(st.lists(rows, max_size=4), st.sampled_from([1, 2]))
def test_arrays_joined_as_bytes_are_those_concatenated(
    tables: list[list[tuple[float, float, int, int]]], step: int
) -> None:
    """Whether they lie in one piece or are every other row of one."""
    parts = [as_notes(table)[::step] for table in tables]
    joined = end_to_end(parts)
    assert joined.dtype == NOTE
    assert joined.tolist() == [row for part in parts for row in part.tolist()]
    assert times(joined).tolist() == [joined["start"].tolist(), joined["end"].tolist()]


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ((float("nan"), 1, 60, 80), "note 1: start is nan; expected finite seconds"),
        ((-0.5, 1, 60, 80), "note 1: start is -0.5"),
        ((1, 0.5, 60, 80), "note 1: end is 0.5; expected finite seconds, not before the start"),
        ((0, float("inf"), 60, 80), "note 1: end is inf"),
        ((0, 1, 128, 80), "note 1: pitch is 128; expected a whole number from 0 to 127"),
        ((0, 1, 60.5, 80), "note 1: pitch is 60.5"),
        ((0, 1, 60, 0), "note 1: velocity is 0; expected a whole number from 1 to 127"),
    ],
)
def test_the_first_bad_row_is_named(row: tuple[float, ...], message: str) -> None:
    """A refusal says which note, which field, the value and what was expected."""
    with pytest.raises(NotesError) as caught:
        as_notes([(0, 1, 60, 80), row])
    assert message in str(caught.value)


def test_columns_that_are_no_numbers_are_refused() -> None:
    """Text and missing columns are named."""
    good = {"start": [0], "end": [1], "pitch": [60], "velocity": [80]}
    with pytest.raises(NotesError, match="pitch holds <U2"):
        as_notes(good | {"pitch": ["60"]})
    with pytest.raises(NotesError, match="no 'end' among"):
        as_notes({"start": [0], "pitch": [60], "velocity": [80]})
    with pytest.raises(NotesError, match="different lengths"):
        as_notes(good | {"start": [0, 1]})


def test_the_callers_array_is_copied() -> None:
    """Changing what was passed in changes no notes, and notes cannot be changed."""
    mine = np.array([(0.0, 1.0, 60, 80)], NOTE)
    notes = as_notes(mine)
    mine["pitch"] = 12
    assert notes["pitch"][0] == 60
    with pytest.raises(ValueError, match="read-only"):
        notes["pitch"] = 1


def test_transpose_and_shift_stay_inside_the_model() -> None:
    """Pure functions: the argument stays, a result out of range is refused."""
    notes = as_notes([(0.5, 1.0, 126, 80)])
    with pytest.raises(NotesError, match="pitch is 128"):
        transpose(notes, 2)
    with pytest.raises(NotesError, match=r"start is -0\.5"):
        shift(notes, -1.0)
    assert transpose(notes, -126)["pitch"].tolist() == [0]
    assert notes["pitch"].tolist() == [126]


def test_concatenate_keeps_every_note() -> None:
    """Joining is a union with repetition."""
    a, b = as_notes([(1, 2, 60, 1)]), as_notes([(0, 2, 61, 1), (1, 2, 60, 1)])
    assert concatenate([a, b])["pitch"].tolist() == [61, 60, 60]
    assert len(concatenate([])) == 0


def test_polyphony_counts_what_sounds_together() -> None:
    """Touching notes do not count together; zero-length notes of one instant do."""
    assert greatest_polyphony(NO_NOTES) == 0
    assert greatest_polyphony(as_notes([(0, 1, 60, 80), (1, 2, 60, 80)])) == 1
    assert greatest_polyphony(as_notes([(0, 0, 60, 80), (0, 0, 64, 80)])) == 2


def test_a_track_makes_its_notes_canonical() -> None:
    """Any table becomes a note array; a reversed read-only view is put in order again."""
    track = Track("Koto", notes=as_notes([(0, 1, 60, 80), (1, 2, 62, 80)]))
    backwards = replace(track, notes=track.notes[::-1])
    assert backwards.notes["pitch"].tolist() == [60, 62]
    with pytest.raises(NotesError, match="program is 128"):
        replace(track, program=128)


def test_songs_pickle_with_read_only_arrays() -> None:
    """A song that went through a process is as frozen as before."""
    song = Song(
        (Track("Koto", notes=as_notes([(0, 1, 60, 80)])),),
        TempoMap(np.array([0.0, 2.0]), np.array([93.0, 94.0])),
    )
    copy = pickle.loads(pickle.dumps(song))
    assert np.array_equal(copy["Koto"].notes, song["Koto"].notes)
    assert not copy["Koto"].notes.flags.writeable
    for name in ("seconds", "qpm", "quarters"):
        there, here = getattr(copy.tempo, name), getattr(song.tempo, name)
        assert there.tolist() == here.tolist()
        assert not there.flags.writeable


def test_tracks_are_found_by_name() -> None:
    """A name that is missing or taken twice is refused with what there is."""
    song = Song((Track("Acoustic Bass"), Track("Koto"), Track("Acoustic Bass")))
    assert song["Koto"] is song[1]
    with pytest.raises(KeyError, match=r"indices \[0, 2\]"):
        song["Acoustic Bass"]
    with pytest.raises(KeyError, match="there are 'Acoustic Bass', 'Koto'"):
        song["Flute"]


def test_the_flat_table_knows_its_tracks() -> None:
    """note_array is sorted by start and refers to tracks by index."""
    song = Song(
        (Track("a", notes=as_notes([(1, 2, 60, 80)])), Track("b", notes=as_notes([(0, 2, 61, 81)])))
    )
    assert song.note_array()["track"].tolist() == [1, 0]
    assert song.note_array().dtype.names == ("start", "end", "pitch", "velocity", "track")


@given(
    st.lists(st.tuples(st.floats(0.01, 30), st.floats(20, 300)), max_size=8),
    st.lists(st.floats(-5, 300), max_size=8),
)
def test_tempo_maps_invert(changes: list[tuple[float, float]], times: list[float]) -> None:
    """to_seconds undoes to_quarters."""
    seconds = np.concatenate([[0.0], np.cumsum([step for step, _ in changes])])
    tempo = TempoMap(seconds, np.array([120.0, *(qpm for _, qpm in changes)]))
    assert np.allclose(tempo.to_seconds(tempo.to_quarters(times)), times, atol=1e-9)


def test_one_tempo_is_a_map_of_one_tempo() -> None:
    """TempoMap.constant is the constructor for one tempo: as checked and as frozen."""
    short, long = TempoMap.constant(93.5), TempoMap(np.zeros(1), np.array([93.5]))
    for name in ("seconds", "qpm", "quarters"):
        one, other = getattr(short, name), getattr(long, name)
        assert (one.tolist(), one.dtype) == (other.tolist(), other.dtype)
        assert not one.flags.writeable
    for qpm in (0.0, -1.0, float("nan"), float("inf")):
        with pytest.raises(NotesError, match="every tempo must be finite and above 0"):
            TempoMap.constant(qpm)
    with pytest.raises(NotesError, match=r"tempi; expected one tempo a second given"):
        TempoMap.constant(np.array([120.0]))  # type: ignore[arg-type]  # as a notebook may


@pytest.mark.parametrize(
    ("seconds", "qpm"),
    [([], []), ([1.0], [120.0]), ([0.0, 0.0], [120.0, 90.0]), ([0.0], [0.0]), ([0.0], [np.nan])],
)
def test_impossible_tempo_maps_are_refused(seconds: list[float], qpm: list[float]) -> None:
    """A map begins at 0, increases, and every tempo is positive."""
    with pytest.raises(NotesError, match="tempo map"):
        TempoMap(np.array(seconds), np.array(qpm))


def test_a_grid_goes_on_beyond_its_beats() -> None:
    """Before the first beat and after the last the pace of the nearest beat holds."""
    grid = BeatGrid(np.array([1.0, 1.5, 2.5]), (3, 4))
    assert grid.time_at([-1, 0, 1.5, 3]).tolist() == [0.5, 1.0, 2.0, 3.5]
    assert grid.beat_at([0.5, 1.0, 2.0, 3.5]).tolist() == [-1, 0, 1.5, 3]
    assert not grid.is_constant


def test_compound_meters_count_dotted_quarters() -> None:
    """6/8 at 60 felt beats a minute is 90 quarters a minute, two beats a bar."""
    grid = BeatGrid.constant(60.0, meter=(6, 8), end=4.0)
    assert (grid.qpm, grid.beats_per_bar) == (90.0, 2)
    assert grid.downbeats.tolist() == [0.0, 2.0, 4.0]
    assert grid.bar_at([3.0]).tolist() == [2.5]


def test_a_grid_is_bounded() -> None:
    """A million beats is the limit, told before anything is allocated."""
    told = r"beats up to second 1e\+\d+: the limit is 1,000,000; raise it with max_beats="
    for end in (1e9, 1e300):
        with pytest.raises(LimitError, match=told):
            BeatGrid.constant(120.0, end=end)
        with pytest.raises(LimitError, match=told):
            BeatGrid.from_tempo(TempoMap.constant(120.0), end=end)
    with pytest.raises(LimitError, match=r"^21 beats up to second 10: the limit is 20; raise"):
        BeatGrid.constant(120.0, end=10.0, max_beats=20)
    assert len(BeatGrid.from_tempo(TempoMap.constant(120.0), end=10.0, max_beats=21).beats) == 21
