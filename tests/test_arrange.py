"""What is decided before a .mid is written: each quick way decides as the thorough one."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from midikit.convert.arrange import channels
from midikit.convert.arrange.overlap import NoteTable, lengthen, overlapping, trim
from midikit.convert.arrange.programs import choose_programs
from midikit.model.notes import as_notes
from midikit.model.song import Track

Row = tuple[int, int, int, int]
"""Part, start, end (ticks) and pitch."""

ONE = as_notes([(0.0, 0.5, 60, 80)])

rows = st.lists(
    st.tuples(st.integers(0, 2), st.integers(0, 12), st.integers(0, 6), st.integers(60, 61)).map(
        lambda row: (row[0], row[1], row[1] + row[2], row[3])
    ),
    max_size=25,
)


def note_table(notes: list[Row]) -> NoteTable:
    """Make a table of the rows as they stand; velocities number them."""
    columns = np.array(notes, np.int64).reshape(-1, 4)
    velocity = np.arange(len(notes), dtype=np.int32) + 1
    pitch = columns[:, 3].astype(np.int32)
    return NoteTable(
        columns[:, 0].copy(), columns[:, 1].copy(), columns[:, 2].copy(), pitch, velocity
    )


def in_order(notes: list[Row]) -> list[Row]:
    """Sort by part, start, pitch and end."""
    return sorted(notes, key=lambda row: (row[0], row[1], row[3], row[2]))


def trimmed_one_by_one(notes: list[Row]) -> tuple[list[int], list[int], list[int]]:
    """Trim with two plain loops: the ends, which rows end earlier, which begin with a later one."""
    ends, cut, together = [], [], []
    for i, (part, start, end, pitch) in enumerate(notes):
        later = [row[1] for row in notes[i + 1 :] if (row[0], row[3]) == (part, pitch)]
        limit = min((begin for begin in later if begin > start), default=end)
        ends.append(min(end, limit))
        cut += [i] if end > limit else []
        together += [i] if start in later else []
    return ends, cut, together


@given(rows)
def test_trimming_ends_each_note_where_the_next_begins(notes: list[Row]) -> None:
    """Nothing else is changed, and nothing is told where nothing overlaps."""
    notes = in_order(notes)
    table = note_table(notes)
    over = overlapping(table)
    cut, together = trim(table)
    ends, expected, twins = trimmed_one_by_one(notes)
    assert table.end.tolist() == ends
    assert sorted(cut.tolist()) == expected
    assert sorted(together.tolist()) == (twins if len(over) else [])


@given(rows)
def test_ties_are_sorted_as_the_whole_is(notes: list[Row]) -> None:
    """Rows in order of part and start only come out as if all were sorted."""
    table = note_table(sorted(notes, key=lambda row: row[:2]))
    quick, thorough = table.sort_ties(), table.sort()
    for name in ("part", "start", "pitch", "end", "velocity"):
        assert getattr(quick, name).tolist() == getattr(thorough, name).tolist()


def test_short_notes_are_named_by_row() -> None:
    """A note of no length gets a tick; a longer one is left alone."""
    table = note_table([(0, 0, 0, 60), (0, 3, 5, 60), (0, 7, 7, 61)])
    assert lengthen(table).tolist() == [0, 2]
    assert table.end.tolist() == [1, 5, 8]


tracks = st.lists(
    st.builds(
        Track,
        st.sampled_from(["Koto", "Drums", "Bass", "", "a very long name " * 20]),
        program=st.sampled_from([None, None, 0, 1, 33]),
        is_drum=st.booleans(),
        notes=st.sampled_from([ONE, ONE, ONE, ONE[:0]]),
        channel=st.sampled_from([None, None, None, 0, 9]),
    ),
    max_size=20,
)


@given(tracks)
def test_channels_given_at_once_are_those_given_one_by_one(song: list[Track]) -> None:
    """Where no track had a channel, the quick way gives what the thorough one would."""
    programs, _ = choose_programs(song, "name")
    quick = channels.assign_channels(song, programs)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(channels, "_are_free", lambda _: False)
        assert channels.assign_channels(song, programs) == quick


@given(tracks)
def test_what_is_remembered_of_a_name_is_what_it_says(song: list[Track]) -> None:
    """Asked again, in any other company and order, a track gets the same program and words."""
    programs, changes = choose_programs(song, "name")
    again, more = choose_programs(song, "name")
    assert (programs, changes) == (again, more)
    alone = [choose_programs([track], {}) for track in song if track.program is None]
    assert [program[0] for program, _ in alone] == [
        program for track, program in zip(song, programs, strict=True) if track.program is None
    ]
