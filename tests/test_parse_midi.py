"""From .mid bytes to songs: notes by a plain loop, the mapping to tracks, and any bytes at all."""

from __future__ import annotations

import pickle
from collections import defaultdict, deque
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from midikit.errors import InputError, LimitError, MidiError
from midikit.model.notes import is_canonical
from midikit.parse.midi import read_midi
from midikit.parse.pairing import pair_notes
from midikit.parse.parts import decode_name
from midikit.smf.decode import decode
from tests.smf_bytes import header, whole

if TYPE_CHECKING:
    from midikit.model.song import Song

FIXTURES = Path(__file__).parent.parent / "fixtures" / "midi"
NOTE = bytes.fromhex("00 903c64 8360 803c40")


def name(text: bytes) -> bytes:
    """Make a track name event at tick 0."""
    return b"\0\xff\x03" + bytes([len(text)]) + text


def rows(song: Song) -> list[list[tuple[float, float, int, int]]]:
    """List the notes of each track."""
    return [track.notes.tolist() for track in song.tracks]


# ---------------------------------------------------------------- notes by a plain loop


def paired_by_hand(
    messages: list[tuple[int, str]],
) -> tuple[dict[int, int], list[int], dict[int, int]]:
    """Pair (key, kind) messages first in, first out.

    Returns the off of each on (-1 for a hanging note), the lone offs, and for each on that strikes
    a sounding key again the off of the note before.
    """
    sounding: dict[int, deque[int]] = defaultdict(deque)
    last: dict[int, int] = {}
    off_of, lone, before = {}, [], {}
    for index, (key, kind) in enumerate(messages):
        if kind == "on":
            if sounding[key]:
                before[index] = last[key]
            sounding[key].append(index)
            last[key] = index
            off_of[index] = -1
        elif kind == "off" and sounding[key]:
            off_of[sounding[key].popleft()] = index
        elif kind == "off":
            lone.append(index)
    return off_of, lone, {index: off_of[on] for index, on in before.items()}


@settings(deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(0, 3), st.sampled_from(["on", "on", "off", "off", "other"])),
        max_size=60,
    ),
    st.sampled_from([1, 1 << 16, (1 << 16) + 1, 1 << 26]),
)
def test_pairs_are_those_of_a_plain_loop(messages: list[tuple[int, str]], spread: int) -> None:
    """On keys equal or not in their low bits, with hanging notes and lone note-offs anywhere."""
    key = np.array([row[0] * spread for row in messages], np.int64)
    ons, offs = (
        np.array([i for i, row in enumerate(messages) if row[1] == kind], np.int64)
        for kind in ("on", "off")
    )
    pairs = pair_notes(key, ons, offs)
    off_of, lone, again = paired_by_hand(messages)
    assert dict(zip(ons.tolist(), pairs.off.tolist(), strict=True)) == off_of
    assert pairs.lone.tolist() == lone
    assert dict(zip(pairs.again.tolist(), pairs.until.tolist(), strict=True)) == again


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 40), st.integers(0, 1)), max_size=40))
def test_whole_pairs_need_no_sorting_out(notes: list[tuple[int, int]]) -> None:
    """Where nothing is missing, the fast pairing and the one for all cases give the same."""
    messages = sorted(
        [(2 * start, key, "on") for start, key in notes]
        + [(2 * start + 5, key, "off") for start, key in notes]
    )
    key = np.array([row[1] << 16 for row in messages], np.int64)
    is_on = np.array([row[2] == "on" for row in messages], np.bool_)
    fast = pair_notes(key, np.flatnonzero(is_on), np.flatnonzero(~is_on))
    # One more note-off of another key leaves the fast way.
    slow = pair_notes(
        np.append(key, 9 << 16), np.flatnonzero(is_on), np.flatnonzero(np.append(~is_on, True))
    )
    assert fast.off.tolist() == slow.off.tolist()
    assert (fast.lone.tolist(), slow.lone.tolist()) == ([], [len(messages)])
    assert sorted(fast.again.tolist()) == sorted(slow.again.tolist())


notes_on_wire = st.lists(
    st.tuples(
        st.integers(0, 200),
        st.sampled_from([0x80, 0x90, 0x91, 0x99, 0xB0, 0xC1]),
        st.integers(60, 62),
        st.integers(0, 127),
    ),
    max_size=40,
)


@settings(deadline=None)
@given(st.lists(notes_on_wire, min_size=1, max_size=3))
def test_songs_are_those_of_a_plain_loop(tracks: list[list[tuple[int, int, int, int]]]) -> None:
    """Starts, ends, pitches and velocities of every track, hanging notes and repairs included."""
    bodies, expected, faults = [], [], 0
    for messages in tracks:
        body = bytearray()
        tick = 0
        sounding: dict[tuple[int, int], deque[tuple[int, int]]] = defaultdict(deque)
        parts: dict[int, list[tuple[float, float, int, int]]] = defaultdict(list)
        for delta, status, pitch, data2 in messages:
            tick += delta
            body += bytes([delta >> 7 | 0x80, delta & 127, status, pitch])
            body += b"" if status >> 4 == 0xC else bytes([data2])
            key = status & 15, pitch
            if status >> 4 == 9 and data2:
                sounding[key].append((tick, data2))
            elif status >> 4 in {8, 9} and sounding[key]:
                start, velocity = sounding[key].popleft()
                parts[key[0]].append((start / 960, tick / 960, pitch, velocity))
            elif status >> 4 in {8, 9}:
                faults += 1
        for (channel, pitch), queue in sounding.items():
            faults += len(queue)
            parts[channel] += [(start / 960, tick / 960, pitch, v) for start, v in queue]
        expected += [
            sorted(parts[c], key=lambda n: (n[0], n[2], n[1], n[3]))
            for c in sorted(parts)
            if parts[c]
        ]
        bodies.append(bytes(body))
    song = read_midi(whole(*bodies))
    assert [part for part in rows(song) if part] == expected
    counted = {"hanging-note", "lone-note-off"}
    assert sum(row.count for row in song.repairs if row.kind in counted) == faults
    assert all(is_canonical(track.notes) for track in song.tracks)


@pytest.mark.parametrize(
    ("body", "notes", "repairs"),
    [
        # velocity 0 is a note-off
        ("00 903c64 8360 903c00", [(0, 0.5, 60, 100)], []),
        # no note-off: to the last tick
        ("00 903c64 8360 b00740", [(0, 0.5, 60, 100)], ["hanging-note"]),
        # a note-off on another channel, or before any note
        ("00 903c64 8360 813c40", [(0, 0.5, 60, 100)], ["hanging-note", "lone-note-off"]),
        ("00 803c40" + NOTE.hex(), [(0, 0.5, 60, 100)], ["lone-note-off"]),
        # two that overlap: first in, first out
        (
            "00 903c01 8360 903c02 8360 803c40 8360 803c40",
            [(0, 1, 60, 1), (0.5, 1.5, 60, 2)],
            ["overlapping-notes"],
        ),
        # struck again at the very tick of its end, on before off: sound
        (
            "00 903c01 8360 903c02 00 803c40 8360 803c40",
            [(0, 0.5, 60, 1), (0.5, 1, 60, 2)],
            [],
        ),
        # of zero length
        ("00 903c64 00 803c40", [(0, 0, 60, 100)], []),
        # struck twice, ended once
        (
            "00 903c01 8360 903c02 8360 803c40",
            [(0, 1, 60, 1), (0.5, 1, 60, 2)],
            ["hanging-note", "overlapping-notes"],
        ),
    ],
)
def test_how_notes_end(
    body: str, notes: list[tuple[float, float, int, int]], repairs: list[str]
) -> None:
    """First in, first out; what is missing is reported once a track, with a byte offset."""
    song = read_midi(whole(body))
    assert rows(song) == [notes]
    assert sorted(row.kind for row in song.repairs) == repairs
    assert all(row.track == 0 and row.offset for row in song.repairs)


def test_many_tracks_keep_their_notes_apart() -> None:
    """One pitch and channel in 70 tracks, each note-off of another tick and one track without."""
    bodies = [f"00 903c40 {tick:02x} {'b0' if tick == 50 else '80'}3c40" for tick in range(1, 71)]
    song = read_midi(whole(*bodies))
    assert [note for part in rows(song) for note in part] == [
        (0, tick / 960, 60, 64) for tick in range(1, 71)
    ]
    assert [(row.kind, row.track) for row in song.repairs] == [("hanging-note", 49)]


def test_chords_are_put_in_order() -> None:
    """By pitch; two that are equal but in velocity, by that; and only within their track."""
    body = "00 904064 00 903c50 00 903c28 8360 803c00 00 803c00 00 804000 00 903b01 01 803b00"
    song = read_midi(whole(body, body))
    assert (
        rows(song)
        == [
            [
                (0, 0.5, 60, 40),
                (0, 0.5, 60, 80),
                (0, 0.5, 64, 100),
                (0.5, 481 / 960, 59, 1),
            ]
        ]
        * 2
    )


def test_faults_of_notes_are_one_row_a_track() -> None:
    """The first of them is named, with its byte; the rest is counted."""
    song = read_midi(whole(NOTE, NOTE + bytes.fromhex("00 814040 00 804040 00 804140")))
    assert [str(row) for row in song.repairs] == [
        "byte 53, track 1: pitch 64 on channel 2 has a note-off but no note; ignored (3 times)"
    ]
    assert whole(NOTE, NOTE + bytes.fromhex("00 814040"))[53] == 0x81


# ---------------------------------------------------------------- seconds and tempo


def test_tempo_events_of_all_tracks_count() -> None:
    """120 BPM before the first; the last of several at one tick; whichever track they are in."""
    song = read_midi(
        whole(
            "8360 ff5103 0f4240 00 ff5103 03d090",  # a quarter later 60 BPM, no: 240
            "8360 903c64 8360 803c40 00 ff5103 07a120",
        )
    )
    assert song.tempo.seconds.tolist() == [0.0, 0.5, 0.75]
    assert song.tempo.qpm.tolist() == [120.0, 240.0, 120.0]
    assert rows(song)[0] == [(0.5, 0.75, 60, 100)]
    assert song.ticks_per_quarter == 480
    assert song.repairs == ()


@pytest.mark.parametrize(
    ("division", "resolution", "end"),
    [
        (0xE804, 48, 480 / 96),  # 24 frames of 4
        (0xE728, 500, 480 / 1000),  # 25 of 40: milliseconds
        (0xE705, 125, 480 / 125),  # 25 of 5: an odd rate is doubled
        (0xE250, 1200, 480 / 2400),  # 30 of 80
        (0xE364, 480, 480 * 1001 / 3_000_000),  # 29.97 of 100
    ],
)
def test_time_in_frames_is_seconds(division: int, resolution: int, end: float) -> None:
    """Ticks are fractions of a frame whatever the tempo events say."""
    song = read_midi(whole("00 ff5103 0f4240" + NOTE.hex(), division=division))
    assert song[0].notes["end"].tolist() == [end]
    assert song.ticks_per_quarter == resolution
    assert song.tempo.qpm.tolist() == [120.0]


@pytest.mark.parametrize("division", [0, 0xE700])
def test_no_division_is_480(division: int) -> None:
    """A division of nothing is reported and read as 480."""
    song = read_midi(whole(NOTE, division=division))
    assert song[0].notes["end"].tolist() == [0.5]
    assert [row.kind for row in song.repairs] == ["header-division"]


def test_ticks_far_out_stay_finite() -> None:
    """A thousand longest pauses: years of music, in order, without overflow."""
    pause = bytes.fromhex("ffffff7f ff0100")
    slow = bytes.fromhex("00 ff5103 ffffff")
    song = read_midi(whole(slow + pause * 3000 + NOTE + slow + pause * 3000 + NOTE, division=1))
    start = song[0].notes["start"]
    assert np.isfinite(start).all()
    assert start[0] == pytest.approx(3000 * ((1 << 28) - 1) * 16.777215)
    assert (np.diff(song.tempo.seconds) > 0).all()


# ---------------------------------------------------------------- tracks, names, events


def test_one_track_for_each_chunk_and_channel() -> None:
    """By chunk, then channel; a channel that only has controls gets a track without notes."""
    song = read_midi(
        whole(
            name(b"Song"),
            name(b"Band") + bytes.fromhex("00 b50740 00 913c64 8360 813c40 00 903e64 8360 803e40"),
            name(b"Solo") + NOTE,
        )
    )
    assert song.title == "Song"
    assert [(t.name, t.channel, len(t)) for t in song.tracks] == [
        ("Band", 0, 1),
        ("Band", 1, 1),
        ("Band", 5, 0),
        ("Solo", 0, 1),
    ]
    assert song[2].controls.tolist() == [(0.0, 0xB0, 7, 64)]


def test_a_chunk_without_notes_is_kept_for_what_it_says() -> None:
    """Names, texts and controls keep a track; nothing at all does not."""
    song = read_midi(
        whole(
            NOTE,
            name(b"Lyrics") + bytes.fromhex("00 ff0501 61"),
            "00 b30740 00 ff0101 62 00 b20740",
            "",
            "00 843c40",
        )
    )
    assert [(t.name, t.channel, len(t.controls), len(t.events)) for t in song.tracks] == [
        ("", 0, 0, 0),
        ("Lyrics", None, 0, 1),
        ("", 2, 1, 0),
        ("", 3, 1, 1),
    ]


def test_the_conductor_is_no_track() -> None:
    """Its name is the title, its events are the song's; its controls are not lost."""
    song = read_midi(whole(name(b"My Song") + bytes.fromhex("00 ff0603 412042 00 b30740"), NOTE))
    assert song.title == "My Song"
    assert song.markers == ((0.0, "A B"),)
    assert [(t.name, t.channel, len(t.controls)) for t in song.tracks] == [
        ("My Song", 3, 1),
        ("", 0, 0),
    ]


def test_events_go_where_they_belong() -> None:
    """In a single track: what names or sings the instrument stays, the rest is the song's."""
    song = read_midi(
        whole(
            name(b"Koto")
            + bytes.fromhex("00 ff0401 69 00 ff0501 6c 00 ff210102 00 ff0601 6d 00 ff5902 0000")
            + bytes.fromhex("00 f0027ef7 00 ff0301 32")
            + NOTE,
            form=0,
        )
    )
    assert song.title is None
    assert [(e.kind, e.data) for e in song[0].events] == [
        (0x04, b"i"),
        (0x05, b"l"),
        (0x21, b"\2"),
        (0x03, b"2"),
    ]
    assert [(e.kind, e.data) for e in song.events] == [
        (0x06, b"m"),
        (0x59, b"\0\0"),
        (0xF0, b"\x7e\xf7"),
    ]
    assert (song[0].name, song[0].port) == ("Koto", 2)


def test_time_signatures_are_the_songs_and_once() -> None:
    """Of any track, in time order; what several tracks repeat is kept once."""
    four, three = "ff5804 04021808", "ff5804 03021808"
    song = read_midi(whole(f"8360 {three}", f"00 {four} 8360 {three}", f"00 {four}" + NOTE.hex()))
    assert song.time_signatures == ((0.0, 4, 4), (0.5, 3, 4))
    assert [track.events for track in song.tracks] == [()]


def test_events_of_other_tracks_stay_in_order() -> None:
    """Texts and sysex of a track keep their order within one instant, tempo and name left out."""
    song = read_midi(
        whole(
            "",
            bytes.fromhex("00 ff0101 61 00 f70143 00 ff5103 07a120")
            + name(b"n")
            + bytes.fromhex("8360 ff0701 62")
            + NOTE,
        )
    )
    assert [(e.seconds, e.kind, e.data) for e in song[0].events] == [
        (0.0, 0x01, b"a"),
        (0.0, 0xF7, b"C"),
        (0.5, 0x07, b"b"),
    ]


def test_controls_keep_time_and_order() -> None:
    """Program changes, pressure, bends and controls, status without channel, stable in time."""
    song = read_midi(
        whole("00 c00b 00 b00740 00 e07f40 00 d010 00 a03c05" + NOTE.hex() + "00 b00741")
    )
    assert song[0].controls.tolist() == [
        (0.0, 0xC0, 11, 0),
        (0.0, 0xB0, 7, 64),
        (0.0, 0xE0, 127, 64),
        (0.0, 0xD0, 16, 0),
        (0.0, 0xA0, 60, 5),
        (0.5, 0xB0, 7, 65),
    ]
    assert not song[0].controls.flags.writeable


@pytest.mark.parametrize(
    ("bodies", "programs"),
    [
        ([NOTE.hex()], [None]),
        (["00 c005" + NOTE.hex()], [5]),
        # the one in force at the first note, not an earlier or a later one
        (["00 c005 00 c006" + NOTE.hex() + "00 c007"], [6]),
        # none before the first note: the first after it
        ([NOTE.hex() + "00 c007 00 c008"], [7]),
        # another track may set it; at one tick the order of the file decides
        (["00 c109", NOTE.hex()], [None]),
        (["00 c009", NOTE.hex()], [9]),
        (["00 c005 60 c009", "8360" + NOTE.hex()[2:]], [9]),
        (["00 c005 60 c009", NOTE.hex()], [5]),
        (["00 c005", "00 c006" + NOTE.hex(), "00 c007"], [6]),
        # tracks of one channel that each choose for themselves keep what they chose
        (["00 c005" + NOTE.hex(), "00 c006" + NOTE.hex()], [5, 6]),
        # another port is another instrument
        (["00 ff210101 00 c009", NOTE.hex()], [None]),
    ],
)
def test_programs_in_force(bodies: list[str], programs: list[int | None]) -> None:
    """The program at the first note: of the track itself, else over all tracks of the port."""
    tracks = read_midi(whole(*bodies)).tracks
    assert [track.program for track in tracks if len(track)] == programs


_changes = st.tuples(st.integers(0, 3), st.integers(0, 2), st.integers(0, 127))
_strokes = st.tuples(st.integers(0, 3), st.integers(0, 2), st.none())


@given(
    st.lists(
        st.tuples(st.integers(0, 2), st.lists(st.one_of(_changes, _strokes), max_size=6)),
        max_size=4,
    )
)
def test_programs_are_those_of_a_plain_loop(
    tracks: list[tuple[int, list[tuple[int, int, int | None]]]],
) -> None:
    """Tracks of a port, of changes (delta, channel, program) and notes (program None)."""
    bodies, said = [], []
    first: dict[tuple[int, int], tuple[int, int, int]] = {}
    for mtrk, (port, messages) in enumerate(tracks):
        tick, body = 0, bytearray([0, 0xFF, 0x21, 1, port])
        for place, (delta, channel, program) in enumerate(messages):
            tick += delta
            if program is None:
                body += bytes([delta, 0x90 | channel, 60, 64, 0, 0x80 | channel, 60, 0])
                first.setdefault((mtrk, channel), (tick, mtrk, place))
            else:
                body += bytes([delta, 0xC0 | channel, program])
                said.append(((tick, mtrk, place), port, mtrk, channel, program))
        bodies.append(bytes(body))
    expected: list[tuple[int, int | None]] = []
    everywhere = {(mtrk, channel) for _, _, mtrk, channel, _ in said}
    for mtrk, channel in sorted({*first, *everywhere}):
        own = [row for row in said if row[2:4] == (mtrk, channel)]
        shared = [row for row in sorted(said) if (row[1], row[3]) == (tracks[mtrk][0], channel)]
        if (mtrk, channel) in first:
            start = first[mtrk, channel]
            before = [row for row in own if row[0] < start]
            before = before or [row for row in shared if row[0] < start] or shared[:1]
        else:
            before = [row for row in own if row[0][0] == own[0][0][0]]
        expected.append((channel, before[-1][4] if before else None))
    found = read_midi(whole(*bodies)).tracks
    assert [
        (track.channel, track.program) for track in found if len(track) or len(track.controls)
    ] == expected


def test_drums_by_channel_or_name() -> None:
    """Channel 10 is a kit, and so is what is called one."""
    drums, melody = "00 992464 60 892440", NOTE
    song = read_midi(whole("", drums, name(b"Drums") + melody, name(b"Koto") + melody))
    assert [track.is_drum for track in song.tracks] == [True, True, False]


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"", ""),
        ("Flûte 光 🎹".encode(), "Flûte 光 🎹"),
        ("ピアノ".encode("shift_jis"), "ピアノ"),
        ("\uff8b\uff9f\uff71\uff89".encode("shift_jis"), "\uff8b\uff9f\uff71\uff89"),
        ("弦楽器 1".encode("shift_jis"), "弦楽器 1"),
        ("Flûte été".encode("latin-1"), "Flûte été"),
        # one accented letter before a plain one would be a kanji in Shift-JIS
        ("Klänge".encode("latin-1"), "Klänge"),
        ("Gérard".encode("latin-1"), "Gérard"),
        (b"\xc3\x28\xff\xfe", "Ã(ÿþ"),
        (b"\x1b]0;owned\x07", "\x1b]0;owned\x07"),
        (b"Pi\0ano", "Pi\0ano"),
    ],
)
def test_names_in_any_encoding(data: bytes, text: str) -> None:
    """UTF-8, else Shift-JIS with kana or kanji, else Latin-1; control characters are kept."""
    assert decode_name(data) == text
    assert read_midi(whole("", name(data) + NOTE))[0].name == text


# ---------------------------------------------------------------- any bytes at all


def test_a_file_cut_anywhere_keeps_the_notes_before() -> None:
    """Every prefix of a file is a song with the notes so far and a repair, or a MidiError."""
    data = whole(name(b"a") + NOTE + NOTE, NOTE, form=1)
    assert read_midi(data).repairs == ()
    seen = []
    for size in range(len(data)):
        if size < 14:
            with pytest.raises(MidiError, match=r"byte 0: .*(empty|cut short|no Standard)"):
                read_midi(data[:size])
            continue
        song = read_midi(data[:size])
        assert song.repairs
        seen.append(song.note_count)
        with pytest.raises(MidiError, match=r"byte \d+"):
            read_midi(data[:size], strict=True)
    assert seen == sorted(seen)
    assert set(seen) == {0, 1, 2, 3}


@pytest.mark.parametrize(
    ("stem", "notes", "kinds"),
    [
        ("valid-base1", 4, []),
        ("valid-sysex-split", 3, []),
        ("wrap-rmid", 3, []),
        ("smpte-div-24x4", 3, []),
        ("text-sjis", 3, []),
        ("running-across-meta", 1, ["running-status"]),
        ("notes-all-hanging", 20, ["hanging-note"]),
        ("notes-overlap-same-pitch", 2, ["overlapping-notes"]),
        ("eot-missing-2trk", 6, ["no-end-of-track"]),
        ("meta-key-mode-7", 3, ["meta-value"]),
        ("databyte-pitch-128", 7, ["data-byte", "hanging-note"]),
        ("wrap-rmid-lying", 3, ["riff-length"]),
        ("chunklen-4g-1", 3, ["chunk-length"]),
        ("chunklen-short-half", 3, ["chunk-length"]),
        ("header-lenffffffff", 3, ["header-length"]),
        ("system-f4", 3, ["system-message"]),
        ("varint-4k-bytes", 3, ["varint-length"]),
    ],
)
def test_fixtures_keep_every_note(stem: str, notes: int, kinds: list[str]) -> None:
    """The curated files: how many notes each holds, and what is reported."""
    song = read_midi(FIXTURES / f"{stem}.mid")
    assert song.note_count == notes
    assert sorted({row.kind for row in song.repairs}) == kinds
    assert pickle.loads(pickle.dumps(song)).note_count == notes


def test_paths_and_bytes_are_one(tmp_path: Path) -> None:
    """A path, its text and its bytes give the same song; errors name the file."""
    path = tmp_path / "song.mid"
    path.write_bytes(whole(NOTE))
    assert rows(read_midi(path)) == rows(read_midi(str(path))) == rows(read_midi(path.read_bytes()))
    assert read_midi(path).source == str(path)
    with pytest.raises(InputError, match=r"missing\.mid: cannot be read"):
        read_midi(tmp_path / "missing.mid")
    path.write_bytes(b"hello")
    with pytest.raises(MidiError, match=r"song\.mid: byte 0: no Standard MIDI File"):
        read_midi(path)


def test_the_size_is_bounded(tmp_path: Path) -> None:
    """More bytes than allowed are refused before they are read, with the way out."""
    data = whole(NOTE)
    (tmp_path / "big.mid").write_bytes(data)
    for source in (data, tmp_path / "big.mid"):
        with pytest.raises(LimitError, match="max_bytes="):
            read_midi(source, max_bytes=len(data) - 1)
        assert read_midi(source, max_bytes=len(data)).note_count == 1


def test_claims_allocate_nothing() -> None:
    """A sysex of 256 MiB, a track of 4 GiB and 65,535 tracks that are not there."""
    data = header(tracks=65535) + b"MTrk\xff\xff\xff\xff" + NOTE + b"\0\xf0\xff\xff\xff\x7f"
    assert read_midi(data).note_count == 1
    assert decode(data).bounds == [0, 2]
