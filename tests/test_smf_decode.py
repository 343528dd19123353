"""The reader of Standard MIDI Files: mido as oracle, the walk behind the scan, rules as bytes."""

from __future__ import annotations

import io
import pickle
from pathlib import Path
from typing import TYPE_CHECKING

import mido
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from midikit.errors import MidiError
from midikit.smf.decode import decode
from midikit.smf.scan import scan
from tests.fuzz.invariants import check_both_ways
from tests.smf_bytes import END, chunk, header, meta
from tests.strategies import Made, events, write

if TYPE_CHECKING:
    from collections.abc import Iterator

    from midikit.smf.decode import MidiFile

FIXTURES = Path(__file__).parent.parent / "fixtures" / "midi"
NOTE = bytes.fromhex("00 903c64 60 803c40")


def one_track(body: bytes | str) -> bytes:
    """Make a file of one track."""
    return header() + chunk(body)


def kinds(data: bytes) -> list[str]:
    """List the kinds of repairs of a file."""
    return [row.kind for row in decode(data).repairs]


# ---------------------------------------------------------------- mido as oracle


def as_mido_sees(data: bytes) -> list[list[tuple[int, bytes]]]:
    """Read a file with mido: (tick, bytes) of every event but the ends of tracks."""
    tracks = []
    for track in mido.MidiFile(file=io.BytesIO(data)).tracks:
        tick, rows = 0, []
        for message in track:
            tick += message.time
            if message.type != "end_of_track":
                rows.append((tick, bytes(message.bytes())))
        tracks.append(rows)
    return tracks


def as_we_see(file: MidiFile) -> list[list[tuple[int, bytes]]]:
    """Put channel messages and metas of every track back into file order as (tick, bytes)."""
    return [list(_in_file_order(file, i)) for i in range(len(file))]


def _in_file_order(file: MidiFile, index: int) -> Iterator[tuple[int, bytes]]:
    track = file[index]
    waiting = list(track.metas)
    for i, status in enumerate(track.status.tolist()):
        while waiting and waiting[0].before == i:
            event = waiting.pop(0)
            yield event.tick, _bytes_of(event.kind, event.data)
        size = 1 if 0xC0 <= status < 0xE0 else 2
        data = bytes([status, int(track.data1[i]), int(track.data2[i])])
        yield int(track.tick[i]), data[: 1 + size]
    for event in waiting:
        yield event.tick, _bytes_of(event.kind, event.data)


def _bytes_of(kind: int, data: bytes) -> bytes:
    return b"\xf0" + data if kind == 0xF0 else b"\xff" + meta(kind, data)


@settings(deadline=None)
@given(st.lists(events, min_size=1, max_size=4))
def test_every_event_is_what_mido_reads(tracks: list[list[Made]]) -> None:
    """Ticks, bytes and order of all events equal mido's, and a sound file needs no repair."""
    data = header(tracks=len(tracks)) + b"".join(chunk(write(made)) for made in tracks)
    file = decode(data)
    assert file.repairs == ()
    assert as_we_see(file) == as_mido_sees(data)
    assert decode(data, strict=True).tick.tolist() == file.tick.tolist()


def test_a_long_plain_track_is_what_mido_reads() -> None:
    """Ten thousand messages with and without running status, program changes and bends between."""
    made = [
        Made(
            i * 37 % 260,
            (0x90, 0x80, 0x90, 0xE3, 0xC1)[i % 5],
            bytes([i % 128, i % 127][: 1 if i % 5 == 4 else 2]),
            may_run=i % 3 > 0,
        )
        for i in range(10_000)
    ]
    data = one_track(write(made))
    assert as_we_see(decode(data)) == as_mido_sees(data)


# ---------------------------------------------------------------- the walk behind the scan


@settings(deadline=None, max_examples=60)
@given(st.lists(events, min_size=1, max_size=3), st.data())
def test_scan_and_walk_agree(tracks: list[list[Made]], data: st.DataObject) -> None:
    """Sound tracks beside damaged ones: both readings give the same events and repairs."""
    body = bytearray(header(tracks=len(tracks)) + b"".join(chunk(write(made)) for made in tracks))
    check_both_ways(bytes(body))
    for _ in range(data.draw(st.integers(1, 3))):
        body[data.draw(st.integers(14, len(body) - 1))] = data.draw(st.integers(0, 255))
    check_both_ways(bytes(body))


@settings(deadline=None, max_examples=60)
@given(st.lists(events, min_size=1, max_size=3))
def test_both_run_on_across_metas(tracks: list[list[Made]]) -> None:
    """Running status that meta and sysex events do not end is read and counted alike."""
    bodies = [chunk(write(made, across=True)) for made in tracks]
    check_both_ways(header(tracks=len(tracks)) + b"".join(bodies))


def test_tracks_of_texts_are_walked() -> None:
    """A track with hardly anything between its texts is read event by event, to the same end."""
    lyrics = one_track(
        bytes.fromhex("00 ff050161 05 903c64 60 803c40 00 903e64 60 803e40") * 200 + END
    )
    dense = one_track(bytes.fromhex("00 ff050161 05 903c64") * 200 + END)
    file = decode(dense)
    assert scan(lyrics, [(22, len(lyrics))]).irregular == []
    assert scan(dense, [(22, len(dense))]).irregular == [0]
    assert (file.repairs, len(file.tick), len(file.meta_data)) == ((), 200, 200)
    check_both_ways(lyrics)
    check_both_ways(dense)


def test_many_equal_faults_are_counted() -> None:
    """A thousand clipped bytes make a bounded report with the exact number."""
    repairs = decode(one_track(bytes.fromhex("00 90 3c ff") * 1000 + END)).repairs
    assert len(repairs) == 201
    assert sum(row.count for row in repairs) == 1000
    assert str(repairs[-1]) == ("further on: more faults of this kind; clipped to 127 (800 times)")


# ---------------------------------------------------------------- each rule as bytes


@pytest.mark.parametrize(
    ("body", "message"),
    [
        # 00 90 3c | the chunk ends inside the message
        ("00 903c", "byte 22, track 0: the track ends inside an event"),
        # 83 | inside a delta-time
        ("00 903c64 83", "byte 26, track 0: the track ends inside a number"),
        # 60 | behind a delta-time
        ("00 903c64 60", "byte 26, track 0: the track ends before an event"),
        # ff | a meta without type; ff 03 05 41 | a name of 5 bytes with 1
        ("00 903c64 00 ff", "byte 27, track 0: the track ends inside a meta event"),
        (
            "00 903c64 00 ff03 05 41",
            "byte 27, track 0: an event of 5 bytes, of which the track has 1",
        ),
        # 81 80 80 80 00 | a delta-time of five bytes
        ("00 903c64 8180808000 803c40", "byte 26, track 0: a number of more than 4 bytes"),
        # 3c 40 | data before any status
        ("00 3c40", "byte 23, track 0: data byte 60 where no status byte was given yet"),
        # f4, fe | no file may hold them
        ("00 903c64 00 f4 00", "byte 27, track 0: system message 0xF4"),
        ("00 903c64 00 fe", "byte 27, track 0: system message 0xFE"),
    ],
)
def test_the_first_event_that_cannot_be_read_ends_the_track(body: str, message: str) -> None:
    """What came before is kept, later tracks are read, and the report names the byte."""
    data = header(tracks=2) + chunk(body) + chunk(NOTE + END)
    file = decode(data)
    assert str(file.repairs[0]).startswith(message)
    assert str(file.repairs[0]).endswith("the rest of the track is ignored")
    assert len(file[0].tick) == body.count("903c64")
    assert len(file[1].tick) == 2
    with pytest.raises(MidiError) as caught:
        decode(data, source="a.mid", strict=True)
    assert str(caught.value).startswith(f"a.mid: {message}")
    assert (caught.value.offset, caught.value.track) == (file.repairs[0].offset, 0)
    again = pickle.loads(pickle.dumps(caught.value))
    assert (str(again), again.offset) == (str(caught.value), caught.value.offset)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        # 90 80 64: pitch 128 | e0 ff 00: bend
        ("00 908064", "byte 24, track 0: data byte 128, expected 0 to 127; clipped to 127"),
        ("00 e0ff00", "byte 24, track 0: data byte 255, expected 0 to 127; clipped to 127"),
        # key signatures of 11 sharps and of mode 255
        ("00 ff59020b00", "byte 23, track 0: key signature of 11 sharps and mode 0, expected"),
        ("00 ff590200ff", "byte 23, track 0: key signature of 0 sharps and mode 255, expected"),
        # sizes: tempo of 2, time signature of 3, SMPTE offset of 6, port of 0, end with a byte
        ("00 ff51020101", "byte 23, track 0: tempo of 2 bytes, expected 3; dropped"),
        ("00 ff5803040218", "byte 23, track 0: time signature of 3 bytes, expected 4; dropped"),
        ("00 ff5406000000000000", "byte 23, track 0: SMPTE offset of 6 bytes, expected 5"),
        ("00 ff2100", "byte 23, track 0: port of 0 bytes, expected 1; dropped"),
        ("00 ff200110", "byte 23, track 0: channel prefix 16, expected 0 to 15; dropped"),
        # a time signature of no beats, a time of day past midnight
        ("00 ff580400021808", "byte 23, track 0: time signature of 0 beats of 1/2^2"),
        ("00 ff5405ffffffffff", "byte 23, track 0: SMPTE offset of bytes ff ff ff ff ff"),
        ("00 ff5103000000", "tempo of 0 microseconds a quarter; repaired, read as 120 BPM"),
        ("00 ff900161", "byte 23, track 0: meta type 0x90, expected 0x00 to 0x7F; dropped"),
        ("00 f000", "byte 23, track 0: a system exclusive event without any byte; dropped"),
        ("00 f00280f7", "byte 23, track 0: status bytes inside a system exclusive event"),
        # 90 3c 64, a text, then 3c 00 under the status from before the text
        ("00 903c64 00 ff010178 60 3c00", "byte 32, track 0: running status across a meta"),
    ],
)
def test_faults_inside_events_cost_nothing_else(body: str, message: str) -> None:
    """The event is clipped or dropped, and what follows is read."""
    file = decode(one_track(bytes.fromhex(body) + NOTE + END))
    assert [row.count for row in file.repairs] == [1]
    assert message in str(file.repairs[0])
    assert file.status.tolist()[-2:] == [0x90, 0x80]
    assert 0x59 not in file.meta_kind


@pytest.mark.parametrize(
    ("data", "kind", "notes"),
    [
        (header() + chunk(NOTE), "no-end-of-track", 1),
        (header() + chunk(NOTE + END + END), "after-end-of-track", 1),
        (header() + chunk(NOTE + bytes.fromhex("00 ff2f0100")), "meta-size", 1),
        (header(tracks=5) + chunk(NOTE + END), "header-tracks", 1),
        (header(form=7) + chunk(NOTE + END), "header-format", 1),
        (header(form=0, tracks=2) + 2 * chunk(NOTE + END), "header-format", 2),
        (header(division=0) + chunk(NOTE + END), "header-division", 1),
        (header(division=0xE700) + chunk(NOTE + END), "header-division", 1),
        (header(division=0x8050) + chunk(NOTE + END), "header-division", 1),
        (b"junk" + header() + chunk(NOTE + END), "junk", 1),
        (header() + chunk(NOTE + END) + b"\0\xffgarbage!", "trailing-bytes", 1),
        (header() + chunk(NOTE + END) + b"\0", "trailing-bytes", 1),
        (2 * (header() + chunk(NOTE + END)), "trailing-bytes", 1),
        (2 * header() + chunk(NOTE + END), "trailing-bytes", 1),
        (header() + chunk(NOTE + END, 1 << 31), "chunk-length", 1),
        (header() + chunk(NOTE + END, 5), "chunk-length", 1),
        (header() + chunk(NOTE + END, 0), "chunk-length", 1),
        # The first length runs into the next chunk or past the end: the events tell better.
        (header(tracks=2) + chunk(NOTE + END, 13) + chunk(NOTE + END), "chunk-length", 2),
        (header(tracks=2) + chunk(NOTE + END, 1 << 30) + chunk(NOTE + END), "chunk-length", 2),
        # It reaches over the next track, to the end or to a third; it ends inside a text.
        (header(tracks=2) + chunk(NOTE + END, 32) + chunk(NOTE + END), "chunk-length", 2),
        (header(tracks=3) + chunk(NOTE + END, 32) + 2 * chunk(NOTE + END), "chunk-length", 3),
        (header() + chunk(b"\0\xff\1\x04Koto" + NOTE + END, 4), "chunk-length", 1),
        # A header of 4 bytes cannot be; one of 4 GiB is not there.
        (b"MThd\0\0\0\4" + header()[8:] + chunk(NOTE + END), "header-length", 1),
        (b"MThd\xff\xff\xff\xff" + header()[8:] + chunk(NOTE + END), "header-length", 1),
    ],
)
def test_faults_around_the_tracks(data: bytes, kind: str, notes: int) -> None:
    """Claims are not believed where the bytes say otherwise; each is reported once."""
    file = decode(data)
    assert [row.kind for row in file.repairs] == [kind]
    assert file.status.tolist() == notes * [0x90, 0x80]
    assert np.array_equal(file.tick, notes * [0, 0x60])


@pytest.mark.parametrize(
    "data",
    [
        b"MThd\0\0\0\x08" + header()[8:] + b"\0\0" + chunk(NOTE + END),  # a longer header
        header() + b"XFIH\0\0\0\5hello" + chunk(NOTE + END),  # an unknown chunk
        header() + chunk(NOTE + END) + b"XFKM\0\0\0\5hello",
        header() + chunk(b"\0\xff\1\x09MTrk Koto" + NOTE + END),  # a text that is a tag
        b"RIFF\x2e\0\0\0RMIDdata\x22\0\0\0" + header() + chunk(NOTE + END) + b"\0",
        b"RIFF\x37\0\0\0RMIDJUNK\0\0\0\0data\x22\0\0\0" + header() + chunk(NOTE + END) + b"\0\0\0",
        header(form=2) + chunk(NOTE + END),
        header(division=0xE728) + chunk(NOTE + END),
    ],
)
def test_unusual_files_are_sound(data: bytes) -> None:
    """Longer headers, unknown chunks, RIFF/RMID, format 2 and SMPTE time need no repair."""
    file = decode(data, strict=True)
    assert file.status.tolist() == [0x90, 0x80]


def test_time_in_frames() -> None:
    """A negative division is frames a second and ticks a frame."""
    file = decode(header(division=0xE728) + chunk(NOTE + END))
    assert (file.ticks_per_quarter, file.frames_per_second, file.ticks_per_frame) == (None, 25, 40)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "byte 0: empty, expected a Standard MIDI File"),
        (b"MThd\0\0", "byte 0: the header is cut short, got 6 of 14 bytes"),
        (b"PK\3\4" + header(), "a zip archive, expected a Standard MIDI File; unpack it first"),
        (b"\x1f\x8b\x08", "gzip data, expected"),
        (b"<html>", "a web page or XML document"),
        (b'{"code": 200}', "JSON, expected a Standard MIDI File"),
        (b"RIFF\0\0\0", "byte 0: the RIFF header is cut short, got 7 of 12 bytes"),
        (b"RIFF\0\0\0\0WAVEfmt ", "byte 8: a RIFF file of type 'WAVE', expected RMID or MThd"),
        (b"RIFF\0\0\0\0RMID", "a RIFF/RMID file without a data chunk"),
        (b"RIFF\x10\0\0\0RMIDdata\4\0\0\0MTrk", "byte 20: the RIFF/RMID wrapper holds no MThd"),
        (b"mthd" + header()[4:], r"begins with 'mthd\x00\x00\x00\x06', expected MThd within"),
        (bytes(129) + header(), "expected MThd within the first 128 bytes"),
    ],
)
def test_other_bytes_are_refused_by_name(data: bytes, message: str) -> None:
    """What is no .mid is refused in words, without a raw control character."""
    with pytest.raises(MidiError) as caught:
        decode(data)
    assert message in str(caught.value)
    assert str(caught.value).isprintable()


def test_junk_of_128_bytes_is_skipped() -> None:
    """A MacBinary header is 128 bytes long."""
    assert kinds(bytes(128) + one_track(NOTE + END)) == ["junk"]


def test_tracks_past_the_limit_are_not_read() -> None:
    """The number of tracks is bounded, and more are reported."""
    file = decode(header(tracks=3) + 3 * chunk(NOTE + END), max_tracks=2)
    assert len(file) == 2
    assert [row.kind for row in file.repairs] == ["header-tracks", "too-many-tracks"]


def test_a_header_alone_is_a_file_without_tracks() -> None:
    """No track is no error."""
    assert len(decode(header(tracks=0))) == 0
    assert kinds(header(tracks=1)) == ["header-tracks"]


@pytest.mark.parametrize("path", sorted(FIXTURES.glob("*.mid")), ids=lambda path: path.stem)
def test_fixtures_read_alike_both_ways(path: Path) -> None:
    """The curated files, sound and damaged: scan and walk agree."""
    check_both_ways(path.read_bytes())
