"""The writer of Standard MIDI Files: bytes checked by eye, both paths, and by mido and symusic."""

from __future__ import annotations

import io

import mido
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from midikit.errors import LimitError
from midikit.smf import note_tracks
from midikit.smf.encode import Chunk, TickEvent, TickNotes, _mixed, _texts, encode, meta

Row = tuple[int, int, int, int]


def tick_notes(*tracks: list[Row]) -> TickNotes:
    """Make a table of (start, length, pitch, velocity) rows, in the order a plan gives."""
    ordered = [sorted(rows, key=lambda row: (row[0], row[2], row[0] + row[1])) for rows in tracks]
    rows = [row for part in ordered for row in part]
    table = np.array(rows, np.int64).reshape(-1, 4)
    return TickNotes(
        table[:, 0],
        table[:, 0] + table[:, 1],
        table[:, 2].astype(np.int32),
        table[:, 3].astype(np.int32),
        tuple(len(part) for part in ordered),
    )


def test_one_note_byte_for_byte() -> None:
    """Header, track length, delta, running status with velocity 0 as the end, end of track."""
    data = encode([Chunk(channel=2)], tick_notes([(0, 200, 60, 64)]), division=480)
    assert data.hex(" ") == (
        "4d 54 68 64 00 00 00 06 00 01 00 01 01 e0 "  # MThd, 6 bytes, format 1, 1 track, 480
        "4d 54 72 6b 00 00 00 0c "  # MTrk, 12 bytes
        "00 92 3c 40 "  # at once: note on, channel 3, C4, 64
        "81 48 3c 00 "  # 200 ticks later: the same status, velocity 0
        "00 ff 2f 00"
    )


def test_order_within_a_tick() -> None:
    """A longer note ends before the next begins, and a zero-length note ends after it began."""
    data = encode([Chunk()], tick_notes([(0, 5, 60, 1), (5, 0, 60, 2)]), division=96)
    body = data[22:-4].hex(" ")
    assert body == "00 90 3c 01 05 3c 00 00 3c 02 00 3c 00"


def test_notes_that_begin_together_end_in_order() -> None:
    """Of two equal pitches that begin together the one that ends first comes first."""
    data = encode([Chunk()], tick_notes([(0, 9, 60, 10), (0, 4, 60, 99)]), division=96)
    assert data[22:-4].hex(" ") == "00 90 3c 63 00 3c 0a 04 3c 00 05 3c 00"


def test_a_head_stands_before_the_notes() -> None:
    """Name and program come first, at tick 0, each with a zero delta."""
    head = (meta(0x03, b"Koto"), bytes([0xC1, 107]))
    data = encode([Chunk(1, head)], tick_notes([(0, 1, 60, 64)]), division=96)
    assert data[22:33].hex(" ") == "00 ff 03 04 4b 6f 74 6f 00 c1 6b"


def test_a_pause_beyond_the_format_is_divided() -> None:
    """A delta of more than 28 bits has no encoding: empty texts stand in between."""
    longest = (1 << 28) - 1
    data = encode([Chunk()], tick_notes([(longest, 1, 60, 64)]), division=96)
    assert data.count(b"\xff\x01\x00") == 0
    rows = [(longest + 1, 5, 60, 64), (5 * longest, 9 * longest, 62, 64)]
    data = encode([Chunk()], tick_notes(rows), division=96)
    assert heard(data) == [sorted(rows)]
    assert data.count(b"\xff\x01\x00") == 1 + 3 + 8


def test_a_pause_beyond_reason_is_refused() -> None:
    """The message says what to change."""
    with pytest.raises(LimitError, match=r"a pause of 1,099,511,627,776 ticks; use fewer ticks"):
        encode([Chunk()], tick_notes([(1 << 40, 1, 60, 64)]), division=96)


rows = st.lists(
    st.tuples(
        st.sampled_from([0, 1, 5, 127, 128, 16_383, 16_384, 2_097_151, 2_097_152, 1 << 31])
        | st.integers(0, 400),
        st.integers(0, 300),
        st.integers(58, 62),
        st.integers(1, 127),
    ),
    max_size=30,
)


def heard(data: bytes) -> list[list[Row]]:
    """Read notes with mido, first in, first out."""
    tracks = []
    for track in mido.MidiFile(file=io.BytesIO(data)).tracks:
        tick, notes = 0, []
        open_notes: dict[int, list[tuple[int, int]]] = {}
        for message in track:
            tick += message.time
            if message.type == "note_on" and message.velocity:
                open_notes.setdefault(message.note, []).append((tick, message.velocity))
            elif message.type in {"note_on", "note_off"}:
                start, velocity = open_notes[message.note].pop(0)
                notes.append((start, tick - start, message.note, velocity))
        assert not any(open_notes.values())
        tracks.append(sorted(notes))
    return tracks


def sayable(table: list[Row]) -> list[Row]:
    """Leave out notes whose end a first in, first out reader would give to another."""
    kept: list[Row] = []
    latest: dict[int, int] = {}
    for row in sorted(table, key=lambda row: (row[0], row[2], row[0] + row[1])):
        if row[0] + row[1] >= latest.get(row[2], 0):
            latest[row[2]] = row[0] + row[1]
            kept.append(row)
    return kept


@given(st.lists(rows, min_size=1, max_size=5))
def test_mido_reads_back_what_was_written(tables: list[list[Row]]) -> None:
    """Every note comes back with its ticks, pitch and velocity, whatever the delta lengths."""
    spaced = [[row for row in sayable(table) if row[0] < 1 << 28] for table in tables]
    data = encode([Chunk(i) for i in range(len(spaced))], tick_notes(*spaced), division=480)
    assert heard(data) == [sorted(table) for table in spaced]


@given(st.lists(rows, min_size=1, max_size=4))
def test_both_paths_write_the_same_bytes(tables: list[list[Row]]) -> None:
    """A track goes through the path of mixed tracks with the same result."""
    spaced = [[row for row in table if row[0] < 1 << 27] for table in tables]
    notes = tick_notes(*spaced)
    plain = encode([Chunk(3)] * len(spaced), notes, division=480)
    text = TickEvent(0, 0x01, b"x")
    mixed = encode([Chunk(3, events=(text,))] * len(spaced), notes, division=480)
    heads = encode([Chunk(3, (meta(0x01, b"x"),))] * len(spaced), notes, division=480)
    assert mixed == heads
    assert len(mixed) == len(plain) + 5 * len(spaced)


@given(st.lists(rows, min_size=1, max_size=4))
def test_near_and_far_ticks_are_ordered_alike(tables: list[list[Row]]) -> None:
    """The packed sort and the plain one write the same bytes, twins and instants included."""
    notes = tick_notes(*[[row for row in table if row[0] < 1 << 27] for table in tables])
    chunks = [Chunk(3)] * len(tables)
    packed = encode(chunks, notes, division=480)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(note_tracks, "_sorted_events", note_tracks._sorted_far_events)
        assert encode(chunks, notes, division=480) == packed


@given(st.lists(st.integers(0, 40_000), max_size=8))
def test_texts_alone_are_written_as_among_notes(ticks: list[int]) -> None:
    """A track of events alone, which needs no arrays, has the bytes of the general way."""
    events = tuple(TickEvent(tick, 0x01, b"x" * (tick % 200)) for tick in sorted(ticks))
    chunk = Chunk(events=events)
    nothing = tick_notes([])
    assert _texts(events) == _mixed(chunk, nothing, slice(0, 0))


def test_far_ticks_take_the_general_order() -> None:
    """Ticks beyond what the packed sort holds are ordered by the plain one."""
    far = [(i << 27, 1 << 26, 60 + i % 2, 1 + i) for i in range(20)]
    assert heard(encode([Chunk()], tick_notes(far), division=480)) == [sorted(far)]


def test_other_messages_keep_their_place() -> None:
    """At one tick: ends, then texts and controls in their order, then beginnings."""
    messages = np.array([(10, 0xB0, 64, 127), (10, 0xC0, 5, 0), (10, 0xE0, 0, 64)], np.int64)
    events = (TickEvent(10, 0x05, b"la"), TickEvent(10, 0xF0, b"\x7e\xf7"))
    chunk = Chunk(0, (), messages, events)
    data = encode([chunk], tick_notes([(0, 10, 60, 1), (10, 5, 62, 2)]), division=96)
    assert data[22:-4].hex(" ") == (
        "00 90 3c 01 0a 3c 00 "  # the first note ends under running status
        "00 ff 05 02 6c 61 00 f0 02 7e f7 "
        "00 b0 40 7f 00 c0 05 00 e0 00 40 "
        "00 90 3e 02 05 3e 00"
    )


def test_too_many_tracks_are_refused() -> None:
    """The limit is told before anything is written."""
    with pytest.raises(LimitError, match="32,768 tracks; a file holds at most 32,767"):
        encode([Chunk()] * 32_768, tick_notes(*[[]] * 32_768), division=96)


@given(
    st.lists(st.sampled_from([0x01, 0x21, 0xF0]), max_size=3),
    st.lists(st.tuples(st.sampled_from([0xB0, 0xC0, 0xE0]), st.integers(0, 127)), max_size=6),
    rows,
)
def test_what_opens_a_track_is_written_as_among_notes(
    kinds: list[int], sent: list[tuple[int, int]], table: list[Row]
) -> None:
    """Texts and messages at tick 0 have the bytes of the general way."""
    events = tuple(TickEvent(0, kind, b"x") for kind in kinds)
    messages = np.array([(0, status, value, 0) for status, value in sent], np.int64).reshape(-1, 4)
    chunk = Chunk(0, messages=messages, events=events)
    notes = tick_notes([row for row in table if row[0] < 1 << 27])
    with pytest.MonkeyPatch.context() as patch:
        quick = encode([chunk], notes, division=480)
        patch.setattr("midikit.smf.encode._opening", lambda *_, **__: None)
        assert encode([chunk], notes, division=480) == quick
