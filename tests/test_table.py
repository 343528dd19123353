"""Tables of notes: by eye, read back by csv and numpy, safe to open."""

from __future__ import annotations

import csv
import io
import unicodedata
import zipfile
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from midikit.convert.table import to_csv, to_notes_npz, write_csv, write_notes_npz
from midikit.errors import LimitError, OutputError
from midikit.model.beats import BeatGrid
from midikit.model.notes import NOTE, as_notes
from midikit.model.song import NOTE_ARRAY, Song, Track

if TYPE_CHECKING:
    from pathlib import Path

seconds = st.floats(0, 1e6, allow_nan=False)
rows = st.lists(
    st.tuples(seconds, st.floats(0, 10), st.integers(0, 127), st.integers(1, 127)).map(
        lambda r: (r[0], r[0] + r[1], r[2], r[3])
    ),
    max_size=8,
)
tracks = st.builds(
    Track,
    st.text(st.characters(), max_size=12),
    st.one_of(st.none(), st.integers(0, 127)),
    st.booleans(),
    rows.map(as_notes),
)
songs = st.lists(tracks, max_size=4).map(lambda some: Song(tuple(some)))


def table_of(text: str) -> list[dict[str, str]]:
    """Read CSV text as any program would."""
    return list(csv.DictReader(io.StringIO(text, newline=""), strict=True))


def test_a_tiny_table_by_eye() -> None:
    """Two tracks, in order of time, with every kind of cell."""
    song = Song(
        (
            Track("Koto", program=107, notes=as_notes([(0.5, 1 / 3 + 0.5, 60, 80)])),
            Track("Drums", is_drum=True, notes=as_notes([(0.0, 0.0, 36, 100), (0.5, 1, 38, 1)])),
        )
    )
    assert to_csv(song) == (
        "track,name,program,drum,start,end,pitch,velocity\r\n"
        "1,Drums,,true,0.0,0.0,36,100\r\n"
        "0,Koto,107,false,0.5,0.8333333333333333,60,80\r\n"
        "1,Drums,,true,0.5,1.0,38,1\r\n"
    )


def test_a_grid_adds_beat_and_bar() -> None:
    """Beats from the grid's first, bars from 1, both with fractions."""
    song = Song((Track("x", notes=as_notes([(0.25, 1, 60, 80), (2.75, 3, 60, 80)])),))
    text = to_csv(song, grid=BeatGrid.constant(120.0, 0.5))
    assert text.splitlines() == [
        "track,name,program,drum,start,end,pitch,velocity,beat,bar",
        "0,x,,false,0.25,1.0,60,80,-0.5,0.875",
        "0,x,,false,2.75,3.0,60,80,4.5,2.125",
    ]


@pytest.mark.parametrize("block", [1, 2, 3, 7, 8])
def test_a_table_of_several_blocks_has_no_seams(
    block: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Seven rows are the same text however many are made at a time."""
    song = Song((Track("Koto", notes=as_notes([(i / 3, i, 60 + i, 80) for i in range(7)])),))
    grid = BeatGrid.constant(97.0, 0.1)
    whole = to_csv(song), to_csv(song, grid=grid)
    monkeypatch.setattr("midikit.convert.table._BLOCK", block)
    assert (to_csv(song), to_csv(song, grid=grid)) == whole
    assert [len(table_of(text)) for text in whole] == [7, 7]


def test_a_song_without_notes_is_a_header() -> None:
    """One line."""
    header = "track,name,program,drum,start,end,pitch,velocity\r\n"
    assert to_csv(Song(())) == to_csv(Song((Track("x"),))) == header


@given(songs)
@settings(max_examples=80, deadline=None)
def test_every_value_reads_back_exactly(song: Song) -> None:
    """Through the csv module, names included, row for row the note array."""
    grid = BeatGrid.constant(97.3, 0.21)
    found = table_of(to_csv(song, grid=grid, safe=False))
    notes = song.note_array()
    assert len(found) == len(notes)
    for row, note in zip(found, notes, strict=True):
        track = song.tracks[int(row["track"])]
        assert int(row["track"]) == note["track"]
        assert row["name"] == track.name
        assert row["program"] == ("" if track.program is None else str(track.program))
        assert row["drum"] == ("true" if track.is_drum else "false")
        assert (float(row["start"]), float(row["end"])) == (note["start"], note["end"])
        assert (int(row["pitch"]), int(row["velocity"])) == (note["pitch"], note["velocity"])
        assert float(row["beat"]) == grid.beat_at(note["start"])
        assert float(row["bar"]) == grid.bar_at(note["start"])


@given(songs)
@settings(max_examples=80, deadline=None)
def test_by_default_no_cell_acts(song: Song) -> None:
    """No cell starts as a formula does or holds a control character, and rows stay rows."""
    text = to_csv(song)
    assert text.count("\r\n") == song.note_count + 1
    acting = {"Cc", "Cf", "Cs", "Zl", "Zp"}
    assert not acting & {unicodedata.category(char) for char in text.replace("\r\n", "")}
    for row in table_of(text):
        assert row["name"].lstrip()[:1] not in ("=", "+", "-", "@")


@pytest.mark.parametrize(
    ("name", "cell"),
    [
        ("=1+1", "'=1+1"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ('say "hi", you', '"say ""hi"", you"'),
        ("a;b", '"a;b"'),
        (" pad ", '" pad "'),
        ("two\nlines", r"two\nlines"),
        ("\x1b[2J", r"\x1b[2J"),
        ("琴", "琴"),
    ],
)
def test_names_in_cells(name: str, cell: str) -> None:
    """Quoted where a reader would split, escaped where a program would act."""
    song = Song((Track(name, notes=as_notes([(0, 1, 60, 80)])),))
    assert to_csv(song).splitlines()[1] == f"0,{cell},,false,0.0,1.0,60,80"


def test_unsafe_names_are_kept_exactly() -> None:
    """Only quoted as RFC 4180 wants it."""
    song = Song((Track('=1\n"x"', notes=as_notes([(0, 1, 60, 80)])),))
    assert '\r\n0,"=1\n""x""",,false,' in to_csv(song, safe=False)


def test_files_hold_the_text_in_utf8(tmp_path: Path) -> None:
    """No byte order mark, no translated line ends, half surrogates allowed."""
    song = Song((Track("Flöte\ud800", notes=as_notes([(0, 1, 60, 80)])),))
    write_csv(song, tmp_path / "a.csv")
    assert (tmp_path / "a.csv").read_bytes() == to_csv(song).encode()
    grid = BeatGrid.constant(120.0)
    write_csv(song, tmp_path / "b.csv", grid=grid, safe=False)
    text = (tmp_path / "b.csv").read_bytes().decode("utf-8", "surrogatepass")
    assert text == to_csv(song, grid=grid, safe=False)
    with pytest.raises(OutputError, match="cannot be written: No such file"):
        write_csv(song, tmp_path / "no" / "a.csv")


def test_long_names_cannot_fill_the_memory() -> None:
    """A name is repeated in every row, so the size is judged first."""
    notes = as_notes([(i, i + 1, 60, 80) for i in range(1000)])
    song = Song((Track("x" * 10_000, notes=notes),))
    with pytest.raises(LimitError) as caught:
        to_csv(song, max_bytes=1 << 20)
    assert "CSV: 1,000 rows with names as long as these are up to 10,1" in str(caught.value)
    assert "the limit is 1,048,576; shorten the names or raise it with max_bytes=" in str(
        caught.value
    )
    assert len(to_csv(song)) < 10_140_000


def test_the_judged_size_is_never_too_small() -> None:
    """The longest numbers there are fit into what a row is judged to take."""
    start = 1.2345678901234567e-300
    end = 1.7976931348623157e308
    song = Song((Track("x", 127, True, as_notes([(start, end, 127, 127)] * 9)),))
    grid = BeatGrid(np.array([1.2345678901234567e-5, 1.334567890123457e-5]), (3, 4))
    text = to_csv(song, grid=grid)
    assert len(text) <= to_csv_size(song)


def to_csv_size(song: Song) -> int:
    """Find the smallest limit that lets a song pass, and add the header."""
    low, high = 0, 1 << 20
    while low < high:
        middle = (low + high) // 2
        try:
            to_csv(song, max_bytes=middle)
            high = middle
        except LimitError:
            low = middle + 1
    return low + len("track,name,program,drum,start,end,pitch,velocity,beat,bar\r\n")


@given(songs)
@settings(max_examples=50, deadline=None)
def test_note_files_read_back_without_pickle(song: Song) -> None:
    """The note array and the table of tracks, and the same bytes twice."""
    data = to_notes_npz(song)
    assert data == to_notes_npz(song)
    with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
        notes = arrays["notes"]
        assert notes.dtype.names == NOTE_ARRAY.names
        for name in (*(NOTE.names or ()), "track"):
            assert np.array_equal(notes[name], song.note_array()[name])
        assert arrays["names"].tolist() == [track.name.rstrip("\0") for track in song.tracks]
        assert arrays["program"].tolist() == [
            -1 if track.program is None else track.program for track in song.tracks
        ]
        assert arrays["is_drum"].tolist() == [track.is_drum for track in song.tracks]


def test_note_files_say_nothing_about_the_machine(tmp_path: Path) -> None:
    """Constant dates and systems in the zip; gaps between fields are zeros."""
    song = Song((Track("x", notes=as_notes([(0, 1, 60, 80)])),))
    write_notes_npz(song, tmp_path / "n.npz")
    with zipfile.ZipFile(tmp_path / "n.npz") as archive:
        assert {(e.date_time[0], e.create_system) for e in archive.infolist()} == {(1980, 3)}
        assert archive.read("notes.npy").endswith(bytes(4))
    assert (tmp_path / "n.npz").read_bytes() == to_notes_npz(song)


def test_a_long_name_in_a_note_file_is_a_limit(tmp_path: Path) -> None:
    """The message says how to raise it."""
    song = Song((Track("x" * 1000), Track("y")))
    with pytest.raises(LimitError, match=r"names: 2 of up to 1,000 .* pass max_bytes="):
        write_notes_npz(song, tmp_path / "n.npz", max_bytes=100)
    assert not (tmp_path / "n.npz").exists()
