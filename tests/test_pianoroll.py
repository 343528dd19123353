"""Piano rolls: by eye, against a painting loop, against pretty_midi, and as files."""

from __future__ import annotations

import io
import math
import pickle
import zipfile
from typing import TYPE_CHECKING, Any

import numpy as np
import pretty_midi
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from midikit.convert import paint as painting
from midikit.convert.npz import from_npz, names_array, to_npz
from midikit.convert.paint import OVERLAPS, Overlap
from midikit.convert.pianoroll import pianoroll
from midikit.convert.roll import CELL, PianoRoll
from midikit.errors import ConversionError, InputError, LimitError
from midikit.model.beats import BeatGrid
from midikit.model.notes import as_notes
from midikit.model.song import Song, Track
from midikit.model.tempo import TempoMap

if TYPE_CHECKING:
    from pathlib import Path

Row = tuple[float, float, int, int]


def song_of(*tables: list[Row], drums: tuple[int, ...] = ()) -> Song:
    """Make a song of one track a table."""
    return Song(
        tuple(
            Track(f"Track {i}", is_drum=i in drums, notes=as_notes(table))
            for i, table in enumerate(tables)
        )
    )


def frames_of(row: Row, fs: int) -> tuple[int, int]:
    """Tell the frames of a note whose times are multiples of 1/192 s, in whole numbers."""
    first = round(row[0] * 192) * fs // 192
    return first, max(round(row[1] * 192) * fs // 192, first + 1)


def painted_by_hand(song: Song, fs: int, overlap: Overlap, *, onsets: bool = False) -> np.ndarray:
    """Paint cell by cell, as the definition says."""
    spans = [[frames_of(row, fs) for row in track.notes.tolist()] for track in song.tracks]
    width = max((last for track in spans for _, last in track), default=0)
    values = np.zeros((len(song.tracks), 128, width), np.int64)
    for index, track in enumerate(song.tracks):
        for (first, last), (_, _, pitch, velocity) in zip(
            spans[index], track.notes.tolist(), strict=True
        ):
            for frame in range(first, first + 1 if onsets else last):
                old = values[index, pitch, frame]
                new = {"max": max(old, velocity), "sum": old + velocity, "last": velocity}
                values[index, pitch, frame] = min(new[overlap], 255)
    return values


lattice_rows = st.lists(
    st.tuples(
        st.integers(0, 400), st.integers(0, 300), st.sampled_from([0, 60, 127]), st.integers(1, 127)
    ).map(lambda r: (r[0] / 192, (r[0] + r[1]) / 192, r[2], r[3])),
    max_size=12,
)
songs = st.lists(lattice_rows, max_size=3).map(lambda tables: song_of(*tables))
policies = st.sampled_from(OVERLAPS)
rates = st.sampled_from([1, 7, 24, 50, 96, 100, 192])


def test_a_tiny_roll_by_eye() -> None:
    """Two notes and a drum, four frames a second."""
    song = song_of([(0.0, 0.5, 60, 80), (0.5, 1.0, 62, 90)], [(0.75, 0.75, 36, 100)], drums=(1,))
    roll = pianoroll(song, fs=4)
    assert roll.values.shape == (2, 128, 4)
    assert roll.values.dtype == np.uint8
    assert roll.values[0, 60].tolist() == [80, 80, 0, 0]
    assert roll.values[0, 62].tolist() == [0, 0, 90, 90]
    assert roll.values[1, 36].tolist() == [0, 0, 0, 100]
    assert roll.onsets[0, 60].tolist() == [80, 0, 0, 0]
    assert roll.merged()[[36, 60, 62]].tolist() == [[0, 0, 0, 100], [80, 80, 0, 0], [0, 0, 90, 90]]
    assert roll.times.tolist() == [0.0, 0.25, 0.5, 0.75]
    assert (roll.names, roll.drums) == (("Track 0", "Track 1"), (False, True))
    assert repr(roll) == "<PianoRoll 2 tracks x 128 x 4 frames, 4.0 a second>"


def test_a_hundred_frames_a_second_is_the_default() -> None:
    """Without fs and per_beat."""
    roll = pianoroll(song_of([(0.0, 1.0, 60, 80)]))
    assert (roll.fs, roll.per_beat, roll.frames) == (100.0, None, 100)


def test_a_struck_again_note_shows_in_the_onsets() -> None:
    """One long bar in the values, two onsets."""
    roll = pianoroll(song_of([(0.0, 0.5, 60, 80), (0.5, 1.0, 60, 80)]), fs=4)
    assert roll.values[0, 60].tolist() == [80, 80, 80, 80]
    assert roll.onsets[0, 60].tolist() == [80, 0, 80, 0]


def test_times_on_the_lattice_do_not_fall_a_frame_short() -> None:
    """0.29 * 100 is 28.999999999999996 to a float, yet the note starts in frame 29."""
    roll = pianoroll(song_of([(0.29, 0.58, 60, 80)]), fs=100)
    assert np.flatnonzero(roll.values[0, 60])[[0, -1]].tolist() == [29, 57]


@pytest.mark.parametrize(
    ("overlap", "row", "merged"),
    [
        ("max", [100, 100, 90, 90], [100, 100, 127, 90]),
        ("sum", [100, 190, 90, 90], [100, 190, 217, 90]),
        ("last", [100, 90, 90, 90], [100, 90, 127, 90]),
    ],
)
def test_overlaps_by_eye(overlap: Overlap, row: list[int], merged: list[int]) -> None:
    """Velocity 100 in frames 0 and 1, 90 in 1 to 3; in another track 127 in frame 2."""
    song = song_of([(0.0, 0.5, 60, 100), (0.25, 1.0, 60, 90)], [(0.5, 0.75, 60, 127)])
    roll = pianoroll(song, fs=4, overlap=overlap)
    assert roll.values[0, 60].tolist() == row
    assert roll.merged()[60].tolist() == merged


def test_last_means_the_later_start_across_tracks_too() -> None:
    """A quiet note that starts later, in an earlier track, covers a loud one."""
    song = song_of([(0.5, 0.75, 60, 10)], [(0.0, 1.0, 60, 120)])
    assert pianoroll(song, fs=4, overlap="last").merged()[60].tolist() == [120, 120, 10, 120]


def test_sums_stop_at_255() -> None:
    """Three of 127 in one track, and again over two tracks."""
    stack: list[Row] = [(0.0, 0.25, 60, 127)] * 3
    roll = pianoroll(song_of(stack, stack), fs=4, overlap="sum")
    assert roll.values[:, 60, 0].tolist() == [255, 255]
    assert roll.merged()[60].tolist() == [255]


@given(songs, rates, policies)
@settings(max_examples=150, deadline=None)
def test_values_and_onsets_equal_a_painting_loop(song: Song, fs: int, overlap: Overlap) -> None:
    """Cell for cell, whatever overlaps."""
    roll = pianoroll(song, fs=fs, overlap=overlap)
    assert np.array_equal(roll.values, painted_by_hand(song, fs, overlap))
    assert np.array_equal(roll.onsets[:, :, : roll.frames], _onsets_by_hand(song, fs, roll))


def _onsets_by_hand(song: Song, fs: int, roll: PianoRoll) -> np.ndarray:
    """Onsets as wide as the roll."""
    onsets = painted_by_hand(song, fs, roll.overlap, onsets=True)
    return onsets[:, :, : roll.frames]


@given(songs, rates)
@settings(max_examples=60, deadline=None)
def test_every_note_fills_a_frame_and_the_last_note_the_last(song: Song, fs: int) -> None:
    """No note is too short to be seen, and no roll is longer than its notes."""
    roll = pianoroll(song, fs=fs)
    for track, rows in enumerate(song.tracks):
        for row in rows.notes.tolist():
            first, last = frames_of(row, fs)
            assert (roll.values[track, row[2], first:last] >= row[3]).all()
    assert roll.frames == 0 or roll.values[:, :, -1].any()


@pytest.mark.parametrize("overlap", OVERLAPS)
def test_every_way_of_painting_gives_the_same(
    overlap: Overlap, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In order, at once with the shared cells again, in pieces, and by what stays visible."""
    random = np.random.default_rng(7)
    start = random.integers(0, 6000, 400)
    end = start + random.choice([0, 1, 3, 40, 700, 5000], 400)
    pitch, velocity = random.integers(59, 62, 400), random.integers(1, 128, 400)
    table = list(
        zip(
            (start / 192).tolist(),
            (end / 192).tolist(),
            pitch.tolist(),
            velocity.tolist(),
            strict=True,
        )
    )
    song = song_of(table[:300], table[300:])
    expected = painted_by_hand(song, 192, overlap)
    for names in (
        {},
        {"_FEW": 0},
        {"_FEW": 0, "_CHUNK": 64, "_BRUSHES": 3, "_LONG": 4},
        {"_MANY": 0},
        {"_FEW": 0, "_MANY": 10**5},
        {"_FEW": 10**9, "_CHUNK": 500},
    ):
        with monkeypatch.context() as patch:
            painting._counting.cache_clear()
            for name, value in names.items():
                patch.setattr(painting, name, value)
            assert np.array_equal(pianoroll(song, fs=192, overlap=overlap).values, expected), names
    painting._counting.cache_clear()


def test_notes_that_cover_each_other_for_hours_are_painted_at_once() -> None:
    """Two thousand notes of ten minutes on one pitch: found by a sweep, not painted over."""
    table: list[Row] = [(i / 192, 600 + i / 192, 60, 1 + i % 127) for i in range(2000)]
    song = song_of(table)
    values = pianoroll(song, fs=192, overlap="last").values[0, 60]
    assert values[:2000].tolist() == [1 + i % 127 for i in range(2000)]
    assert set(values[2000 : 600 * 192].tolist()) == {1 + 1999 % 127}
    assert pianoroll(song, fs=192).values[0, 60, 2000] == 127


@given(lattice_rows, st.integers(1, 8))
@settings(max_examples=40, deadline=None)
def test_pretty_midi_draws_the_same_where_definitions_agree(table: list[Row], scale: int) -> None:
    """Sums of melodic notes whose ends are whole frames: pretty_midi truncates and sums, too."""
    fs = 2**scale
    table = [(math.floor(s * fs) / fs, (math.floor(e * fs) + 1) / fs, p, v) for s, e, p, v in table]
    instrument = pretty_midi.Instrument(0)
    instrument.notes = [pretty_midi.Note(v, p, s, e) for s, e, p, v in table]
    theirs = instrument.get_piano_roll(fs)
    ours = pianoroll(song_of(table), fs=fs, overlap="sum").merged()
    assert ours.shape == (theirs.shape if table else (128, 0))
    if table:
        assert np.array_equal(ours, np.minimum(theirs, 255))


def test_no_notes_and_no_tracks() -> None:
    """Rolls of no frames keep their tracks."""
    empty = pianoroll(Song((Track("Koto"),)))
    assert empty.values.shape == empty.onsets.shape == (1, 128, 0)
    assert empty.merged().shape == (128, 0)
    assert pianoroll(Song(())).values.shape == (0, 128, 0)
    for overlap in OVERLAPS:
        assert pianoroll(Song(()), overlap=overlap).merged().shape == (128, 0)


def test_per_beat_counts_quarters_of_the_songs_tempo() -> None:
    """A tempo change in the middle of a beat keeps the sixteenths in their frames."""
    song = Song(
        (Track("x", notes=as_notes([(0.0, 0.125, 60, 1), (0.25, 0.5, 60, 2), (0.5, 1, 60, 3)])),),
        tempo=TempoMap(np.array([0.0, 0.25]), np.array([120.0, 60.0])),
    )
    roll = pianoroll(song, per_beat=4)
    assert roll.values[0, 60].tolist() == [1, 0, 2, 3, 3]
    assert roll.times.tolist() == [0.0, 0.125, 0.25, 0.5, 0.75]
    assert repr(roll) == "<PianoRoll 1 track x 128 x 5 frames, 4 a beat>"
    assert (roll.fs, roll.per_beat) == (None, 4)


def test_per_beat_on_a_grid_begins_at_a_bar_line() -> None:
    """The bar line at 0.5 s is frame 8 of a roll that begins one bar earlier, at -1.5 s."""
    grid = BeatGrid.constant(120.0, 0.5)
    roll = pianoroll(song_of([(0.25, 0.5, 59, 9), (0.5, 0.75, 60, 8)]), per_beat=2, grid=grid)
    assert np.flatnonzero(roll.values[0, 59]).tolist() == [7]
    assert np.flatnonzero(roll.values[0, 60]).tolist() == [8]
    assert roll.times[[0, 8]].tolist() == [-1.5, 0.5]


def test_per_beat_on_a_grid_counts_felt_beats() -> None:
    """Six frames a dotted quarter are its sixteenths, and the bar line is that of the grid."""
    grid = BeatGrid(np.array([0.0, 1.0, 2.0, 3.0]), (6, 8), first_downbeat=1)
    roll = pianoroll(song_of([(1.0, 1.5, 60, 8)]), per_beat=6, grid=grid)
    assert np.flatnonzero(roll.values[0, 60]).tolist() == [12, 13, 14]
    assert roll.times[0] == -1.0


@given(songs, st.floats(30, 300), st.floats(0, 10), st.integers(1, 48))
@settings(max_examples=60, deadline=None)
def test_frames_of_a_grid_begin_where_their_times_say(
    song: Song, bpm: float, offset: float, per_beat: int
) -> None:
    """Each note starts in the frame that its second falls in."""
    roll = pianoroll(song, per_beat=per_beat, grid=BeatGrid.constant(bpm, offset))
    for track, rows in enumerate(song.tracks):
        for start, _, pitch, _ in rows.notes.tolist():
            near = 2e-6 * 60 / bpm + 1e-9
            frame = int(np.searchsorted(roll.times, start + near, side="right")) - 1
            assert frame >= 0
            assert roll.onsets[track, pitch, max(frame - 1, 0) : frame + 1].any()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"fs": 0}, "fs 0: expected frames a second, above 0"),
        ({"fs": -1.0}, "fs -1.0: expected"),
        ({"fs": math.nan}, "fs nan: expected"),
        ({"per_beat": 0}, "per_beat 0: expected a whole number of frames from 1"),
        ({"per_beat": 2.5}, "per_beat 2.5: expected a whole number"),
        ({"per_beat": math.inf}, "per_beat inf: expected a whole number"),
        ({"per_beat": math.nan}, "per_beat nan: expected a whole number"),
        ({"fs": 10, "per_beat": 4}, "fs 10 and per_beat 4: expected one of the two"),
        ({"grid": BeatGrid.constant(120.0)}, "grid without per_beat: expected per_beat="),
        ({"overlap": "min\x1b"}, r"overlap 'min\x1b': expected one of max, sum, last"),
    ],
)
def test_what_makes_no_roll_is_refused(options: dict[str, Any], message: str) -> None:
    """Bad options are named with their value and what was expected."""
    with pytest.raises(ConversionError) as caught:
        pianoroll(Song(()), **options)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("end", "options", "message"),
    [
        (4.5e9, {}, "1 tracks x 128 pitches x 450,000,000,000 frames is 57,600,000,000,000 bytes"),
        (1.0, {"fs": 1e9}, "128 pitches x 1,000,000,000 frames is 128,000,000,000 bytes"),
        (1.0, {"fs": 1e300}, "more than 10^18 frames is out of reach, the limit is 1,073,741,824"),
        (1.0, {"fs": math.inf}, "more than 10^18 frames"),
        (1.7e308, {"fs": 1e300}, "more than 10^18 frames"),
        (1.7e308, {"per_beat": 4}, "more than 10^18 frames"),
        (1.0, {"per_beat": 10**400}, "more than 10^18 frames"),
        (1.0, {"per_beat": 4, "grid": BeatGrid(np.array([0, 5e-324]))}, "more than 10^18 frames"),
        (1.0, {"max_bytes": 12_799}, "12,800 bytes, the limit is 12,799; ask for fewer frames"),
    ],
)
def test_the_size_is_judged_before_anything_is_made(
    end: float, options: dict[str, Any], message: str
) -> None:
    """The message names the size, the limit and how to raise it."""
    with pytest.raises(LimitError) as caught:
        pianoroll(song_of([(0.0, end, 60, 80)]), **options)
    assert message in str(caught.value)
    assert "max_bytes=" in str(caught.value)


def test_the_limit_itself_is_allowed() -> None:
    """As many bytes as the limit are fine."""
    assert pianoroll(song_of([(0.0, 1.0, 60, 80)]), max_bytes=12_800).frames == 100


def test_memory_that_is_not_there_is_a_limit() -> None:
    """A raised limit does not end in MemoryError."""
    with pytest.raises(LimitError, match="do not fit into this machine's memory"):
        pianoroll(song_of([(0.0, 1e15, 60, 80)]), max_bytes=1 << 70)


@given(songs, policies, st.booleans())
@settings(max_examples=40, deadline=None)
def test_a_saved_roll_comes_back(song: Song, overlap: Overlap, beats: bool) -> None:
    """Values, onsets, merged, names, times: all equal, and the same bytes again."""
    roll = pianoroll(song, per_beat=4 if beats else None, overlap=overlap)
    data = roll.to_npz()
    assert data == pianoroll(song, per_beat=4 if beats else None, overlap=overlap).to_npz()
    with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
        assert np.array_equal(arrays["values"], roll.values)
        assert "onsets" not in arrays


def test_a_file_of_a_roll_comes_back(tmp_path: Path) -> None:
    """Through a file, with an awkward name, an unknown program and a drum track."""
    song = Song(
        (
            Track("Kö\x00to\n琴", program=107, notes=as_notes([(0.0, 0.5, 60, 80)])),
            Track("", is_drum=True, notes=as_notes([(0.1, 0.2, 36, 100), (0.15, 0.3, 36, 90)])),
        )
    )
    for options in ({"fs": 50.0}, {"per_beat": 4, "overlap": "last"}):
        roll = pianoroll(song, **options)
        roll.save(tmp_path / "roll.npz")
        back = PianoRoll.load(tmp_path / "roll.npz")
        for name in ("values", "onsets", "times", "cells"):
            assert np.array_equal(getattr(back, name), getattr(roll, name)), name
        assert np.array_equal(back.merged(), roll.merged())
        for name in ("names", "programs", "drums", "overlap", "fs", "per_beat"):
            assert getattr(back, name) == getattr(roll, name), name
        back.values[0, 0, 0] = 1


def test_a_file_of_a_roll_needs_no_pickle_and_no_midikit(tmp_path: Path) -> None:
    """The arrays are plain; onsets are there if asked for."""
    roll = pianoroll(song_of([(0.0, 0.5, 60, 80)], drums=(0,)), fs=4)
    roll.save(tmp_path / "r.npz", onsets=True)
    with np.load(tmp_path / "r.npz", allow_pickle=False) as arrays:
        assert arrays["onsets"][0, 60].tolist() == [80, 0]
        assert arrays["names"].tolist() == ["Track 0"]
        assert arrays["program"].tolist() == [-1]
        assert arrays["is_drum"].tolist() == [True]
        assert float(arrays["fs"]) == 4.0
        assert arrays["cells"]["end_frame"].tolist() == [2]


def test_nothing_in_the_zip_tells_when_or_where_it_was_written() -> None:
    """Every entry has the same date, system and rights."""
    data = pianoroll(song_of([(0.0, 0.5, 60, 80)])).to_npz()
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        entries = archive.infolist()
    assert {e.date_time for e in entries} == {(1980, 1, 1, 0, 0, 0)}
    assert {(e.create_system, e.external_attr >> 16, e.compress_type) for e in entries} == {
        (3, 0o644, zipfile.ZIP_DEFLATED)
    }


def test_a_roll_pickles() -> None:
    """Workers can hand it back."""
    roll = pianoroll(song_of([(0.0, 0.5, 60, 80)]), fs=4)
    back = pickle.loads(pickle.dumps(roll))
    assert np.array_equal(back.onsets, roll.onsets)
    assert repr(back) == repr(roll)


GOOD: dict[str, Any] = {
    "values": np.zeros((1, 128, 2), np.uint8),
    "names": np.array(["x"]),
    "program": np.array([-1], np.int32),
    "is_drum": np.array([False]),
    "overlap": np.array("max"),
    "fs": np.float64(100.0),
    "cells": np.array([(0, 2, 0, 60, 80)], CELL),
}


def cell(*values: int) -> np.ndarray:
    """Make a table of one note on frames."""
    return np.array([values], CELL)


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"values": None}, "values: is missing; expected a piano roll that PianoRoll.save wrote"),
        ({"values": np.zeros((128, 2), np.uint8)}, "values: holds uint8 of shape (128, 2); exp"),
        ({"values": np.zeros((1, 128, 2), np.uint16)}, "expected uint8 of shape (tracks, 128"),
        ({"values": np.zeros((1, 88, 2), np.uint8)}, "values: holds uint8 of shape (1, 88, 2)"),
        ({"names": np.array(["x", "y"])}, "names: holds <U1 of shape (2,); expected a name a tr"),
        ({"program": np.array([128])}, "program: holds int64 of shape (1,); expected a program"),
        ({"is_drum": np.array([1])}, "is_drum: holds int64 of shape (1,); expected true or false"),
        ({"overlap": np.array("min")}, "overlap: is min; expected max, sum or last"),
        ({"fs": np.float64(-1)}, "fs: is -1.0; expected frames a second, above 0"),
        ({"fs": np.float64("nan")}, "fs: is nan"),
        ({"fs": None}, "fs: is missing"),
        ({"per_beat": np.int64(0)}, "per_beat: is 0; expected frames a beat, above 0"),
        ({"per_beat": np.int64(4)}, "times: is missing"),
        ({"per_beat": np.int64(4), "times": np.zeros(3)}, "times: holds float64 of shape (3,)"),
        ({"cells": np.zeros(2)}, "cells: holds float64 of shape (2,); expected notes inside"),
        ({"cells": np.zeros(2, "i8,i8")}, "expected notes inside the roll"),
        ({"cells": cell(0, 3, 0, 60, 80)}, "expected notes inside the roll, unlike row 0"),
        ({"cells": cell(-1, 1, 0, 60, 80)}, "unlike row 0"),
        ({"cells": cell(1, 1, 0, 60, 80)}, "unlike row 0"),
        ({"cells": cell(0, 1, 1, 60, 80)}, "unlike row 0"),
        ({"cells": cell(0, 1, 0, 128, 80)}, "unlike row 0"),
        ({"cells": cell(0, 1, 0, 60, 128)}, "unlike row 0"),
        (
            {"cells": np.concatenate([cell(1, 2, 0, 60, 80), cell(0, 1, 0, 60, 80)])},
            "expected notes of one track and pitch in order",
        ),
    ],
)
def test_files_of_something_else_are_refused(
    arrays: dict[str, Any], message: str, tmp_path: Path
) -> None:
    """The message names file and array, what it holds and what was expected."""
    path = tmp_path / "other.npz"
    kept = {name: array for name, array in (GOOD | arrays).items() if array is not None}
    path.write_bytes(to_npz(kept))
    with pytest.raises(InputError) as caught:
        PianoRoll.load(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert message in str(caught.value)


def test_the_good_file_of_these_tests_is_good(tmp_path: Path) -> None:
    """What the refused ones are made of loads."""
    (tmp_path / "good.npz").write_bytes(to_npz(GOOD))
    assert PianoRoll.load(tmp_path / "good.npz").frames == 2


def test_bytes_that_are_no_npz_are_refused(tmp_path: Path) -> None:
    """Text, a missing file, and every cut and every flipped byte of a real one."""
    path = tmp_path / "x.npz"
    with pytest.raises(InputError, match="cannot be read: No such file"):
        PianoRoll.load(path)
    path.write_bytes(b"hello")
    with pytest.raises(InputError, match=r"is no \.npz file; expected one of zipped arrays"):
        PianoRoll.load(path)
    data = to_npz(GOOD)
    outcomes = set()
    for at in range(len(data)):
        for damaged in (data[:at], data[:at] + bytes([data[at] ^ 0x55]) + data[at + 1 :]):
            path.write_bytes(damaged)
            try:
                PianoRoll.load(path)
                outcomes.add("read")
            except (InputError, LimitError) as error:
                outcomes.add(type(error).__name__)
    assert "InputError" in outcomes


def test_a_small_file_cannot_ask_for_much(tmp_path: Path) -> None:
    """Decompression stops at the limit, and so does reading the file itself."""
    path = tmp_path / "bomb.npz"
    path.write_bytes(to_npz({"values": np.zeros((1, 128, 1 << 16), np.uint8)}))
    with pytest.raises(LimitError, match=r"values.npy: more than 1,000,000 bytes of arrays; pass"):
        PianoRoll.load(path, max_bytes=1_000_000)
    with pytest.raises(LimitError, match="larger than 10 bytes"):
        PianoRoll.load(path, max_bytes=10)


def test_headers_are_believed_only_as_far_as_there_are_bytes() -> None:
    """Claimed shapes, objects and other versions are refused, never allocated."""
    for header, message in (
        (
            "{'descr': '|u1', 'fortran_order': False, 'shape': (1099511627776,), }",
            "1 bytes for shape (1099511627776,) of uint8; expected as many as",
        ),
        (
            "{'descr': '|u1', 'fortran_order': False, 'shape': (-1, -1), }",
            "shape (-1, -1) of uint8",
        ),
        (
            "{'descr': '|O', 'fortran_order': False, 'shape': (1,), }",
            "of object; expected without objects",
        ),
        ("{'descr': '|u1', 'fortran_order': False, 'shape': (0, 10**99), }", "is no array"),
        ("[" * 500, "is no array"),
        ("{'descr': '|u1', 'fortran_order': False, 'shape': ('1',), }", "no row of whole numbers"),
        ("{'descr': '|u1', 'fortran_order': False}", "is no array: 'shape'"),
        ("7", "is no array"),
        ("", "is no array"),
        ("{'descr': 'nonsense', 'fortran_order': False, 'shape': (1,), }", "is no array"),
    ):
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w") as archive:
            head = header.encode()
            raw = b"\x93NUMPY\x01\x00" + len(head).to_bytes(2, "little") + head + b"\x00"
            archive.writestr("a.npy", raw)
        with pytest.raises(InputError, match=r"a\.npy") as caught:
            from_npz(buffer.getvalue(), ["a"], source="f.npz")
        assert message in str(caught.value)


def test_other_compression_and_version_are_refused() -> None:
    """What midikit never writes is not unpacked."""
    for method, raw, message in (
        (zipfile.ZIP_BZIP2, b"x", "compression 12; expected deflate"),
        (zipfile.ZIP_STORED, b"\x93NUMPY\x09\x00", "expected a .npy of version 1.0 or 2.0"),
        (zipfile.ZIP_STORED, b"\x93NUMPY\x02\x00\xff\xff\xff\xff", "a header of 4,294,967,295 by"),
        (zipfile.ZIP_STORED, b"PK", "is no array"),
    ):
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w", method) as archive:
            archive.writestr("a.npy", raw)
        with pytest.raises(InputError) as caught:
            from_npz(buffer.getvalue(), ["a"])
        assert message in str(caught.value)


def test_arrays_of_objects_are_not_written() -> None:
    """There is nothing to unpickle because nothing is pickled."""
    with pytest.raises(ConversionError, match="array a: holds objects; expected numbers or text"):
        to_npz({"a": np.array([object()])})


def test_arrays_come_back_in_any_order_of_axes() -> None:
    """Fortran order, scalars, no rows, other byte order."""
    arrays = {
        "fortran": np.asfortranarray(np.arange(6).reshape(2, 3)),
        "scalar": np.array(1.5),
        "none": np.zeros((0, 3), np.int32),
        "big": np.arange(3, dtype=">i4"),
    }
    back = from_npz(to_npz(arrays), arrays)
    assert all(np.array_equal(back[name], array) for name, array in arrays.items())
    buffer = io.BytesIO()
    np.savez(buffer, f=arrays["fortran"])
    assert np.array_equal(from_npz(buffer.getvalue(), ["f"])["f"], arrays["fortran"])


def test_one_long_name_cannot_fill_the_memory() -> None:
    """A unicode array is as wide as its longest name, so its size is judged first."""
    with pytest.raises(LimitError, match=r"names: 300 of up to 100,000 characters are 120,000,000"):
        names_array(["x" * 100_000, *[""] * 299], max_bytes=1 << 20)
    roll = pianoroll(Song((Track("x" * 100), Track(""))), fs=1.0)
    with pytest.raises(LimitError, match=r"names: .* pass max_bytes= to make it all the same"):
        roll.to_npz(max_bytes=799)
    assert from_npz(roll.to_npz(max_bytes=800), ["names"])["names"].tolist() == ["x" * 100, ""]
    assert names_array([], max_bytes=0).shape == (0,)
    assert names_array(["\ud800"], max_bytes=4).tolist() == ["\ud800"]
