"""The embedded endpoint: what its songs are, what its files carry, how its server behaves."""

from __future__ import annotations

import gc
import hashlib
import http.client
import io
import json
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import mido
import numpy as np
import pretty_midi
import pytest

from midikit.errors import RemoteError
from midikit.sandbox import Sandbox, serve
from midikit.sandbox.hosted import DEFECTS, hosted_midi
from midikit.sandbox.perform import Part, perform
from midikit.sandbox.score import PULSES, Row, chart, comp, drums, riff, tune
from midikit.sandbox.songs import DemoSong, demo_songs

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy.typing as npt

    from midikit.model.notes import Notes

SONGS = {song.title: song for song in demo_songs()}
TITLES = tuple(SONGS)
each_song = pytest.mark.parametrize("song", SONGS.values(), ids=TITLES)
HEARD_WITHIN = 0.0027


def placed(song: DemoSong) -> Iterator[tuple[str, Notes, npt.NDArray[np.float64]]]:
    """Give each track with the positions of its notes."""
    start = 0
    for name, notes in song.instruments:
        yield name, notes, song.positions[start : start + len(notes)]
        start += len(notes)


# Songs


def test_there_are_six_songs_and_they_are_built_once() -> None:
    """The songs are cached, with ids and titles of their own."""
    songs = demo_songs()
    assert songs is demo_songs()
    assert len({song.id for song in songs}) == len({song.title for song in songs}) == 6


@each_song
def test_notes_are_as_the_endpoint_gives_them(song: DemoSong) -> None:
    """500 to 4,000 notes, one to three minutes, times on the lattice, in canonical order."""
    assert 500 <= song.note_count <= 4000
    assert 60 < max(notes["end"].max() for _, notes in song.instruments) < 180
    for _, notes in song.instruments:
        for field in ("start", "end"):
            steps = notes[field] * 192
            assert np.array_equal(steps, np.rint(steps))
            assert np.array_equal(np.rint(steps) / 192, notes[field])
        assert (notes["end"] > notes["start"]).all()
        assert not notes.flags.writeable


@each_song
def test_one_instrument_has_one_velocity_and_the_others_have_shades(song: DemoSong) -> None:
    """Just so that both kinds are there in each song."""
    shades = [len(np.unique(notes["velocity"])) for _, notes in song.instruments]
    assert 1 in shades
    assert max(shades) > 20


@each_song
def test_the_answer_has_the_documented_form(song: DemoSong) -> None:
    """Keys, lattice times and k/127 survive JSON to the last bit."""
    answer = json.loads(json.dumps(song.answer("https://cdn.invalid/x.mid")))
    assert (answer["code"], answer["message"]) == (200, "success")
    assert answer["data"]["midi_url"] == "https://cdn.invalid/x.mid"
    assert "midi_url" not in song.answer()["data"]
    found = answer["data"]["instruments"]
    for instrument, (name, notes) in zip(found, song.instruments, strict=True):
        assert instrument["name"] == name
        assert set(instrument["notes"][0]) == {"start", "end", "pitch", "velocity"}
        columns = {
            key: np.array([n[key] for n in instrument["notes"]]) for key in instrument["notes"][0]
        }
        assert np.array_equal(columns["start"], notes["start"])
        assert np.array_equal(columns["end"], notes["end"])
        assert np.array_equal(columns["pitch"], notes["pitch"])
        assert np.array_equal(columns["velocity"], notes["velocity"] / 127)


@each_song
def test_the_song_has_the_same_tracks(song: DemoSong) -> None:
    """`song()` keeps names, notes and drums, and claims no program."""
    made = song.song()
    assert made.title == song.title
    assert [track.name for track in made] == [name for name, _ in song.instruments]
    assert [track.is_drum for track in made] == list(song.drums)
    assert {track.program for track in made} == {None}
    for track, (_, notes) in zip(made, song.instruments, strict=True):
        assert np.array_equal(track.notes, notes)


DIGESTS = {
    "Late Train Home": "967978d30a05a41c",
    "Harbour Lights": "2050d3406a801963",
    "Valse de l'écluse": "0867be656e493149",
    "Corner Table Blues": "7964221733994f68",
    "Neon Arcade": "2a2cc159b1c7b51d",
    "Greensleeves": "d379f68bdc3a0013",
}


def digest(song: DemoSong) -> str:
    """Hash notes, positions, beats and the hosted file."""
    found = hashlib.sha256()
    for name, notes in song.instruments:
        found.update(name.encode())
        found.update((notes["start"] * 192).astype("<i8").tobytes())
        found.update((notes["end"] * 192).astype("<i8").tobytes())
        found.update(notes["pitch"].astype("<i4").tobytes())
        found.update(notes["velocity"].astype("<i4").tobytes())
    found.update(np.rint(song.positions * PULSES).astype("<i8").tobytes())
    found.update(song.beats.astype("<f8").tobytes())
    found.update(hosted_midi(song))
    return found.hexdigest()[:16]


@each_song
def test_every_machine_builds_the_same_bits(song: DemoSong) -> None:
    """Every song hashes to what it hashed to when it was written."""
    assert digest(song) == DIGESTS[song.title]


# Grids


@each_song
def test_every_onset_lies_where_the_grid_says(song: DemoSong) -> None:
    """Position through the beats, plus the lag, is the onset to within the track's scatter."""
    grid = song.grid()
    assert len(song.positions) == song.note_count
    assert len(song.lags) == len(song.scatters) == len(song.instruments)
    for (_, notes, positions), lag, scatter in zip(
        placed(song), song.lags, song.scatters, strict=True
    ):
        off = notes["start"] - grid.time_at(positions) - lag
        assert np.abs(off).max() <= scatter + 1e-9
        assert abs(np.median(off)) < 0.003
        assert np.abs(off).max() > 0.004
        assert np.array_equal(positions * PULSES, np.rint(positions * PULSES))


@each_song
def test_the_grid_covers_the_song(song: DemoSong) -> None:
    """Beats increase, downbeats are every so many of them, no note is written outside."""
    per_bar = {(4, 4): 4, (3, 4): 3, (6, 8): 2}[song.meter]
    assert np.array_equal(song.downbeats, song.beats[::per_bar])
    assert (np.diff(song.beats) > 0).all()
    assert song.positions.min() >= 0
    assert song.positions.max() < len(song.beats) - 1
    assert song.bpm == pytest.approx(60 / np.median(np.diff(song.beats)))
    assert song.qpm == pytest.approx(song.bpm * (1.5 if song.meter == (6, 8) else 1.0))
    assert not song.beats.flags.writeable
    assert not song.positions.flags.writeable


def test_the_tempi_are_what_the_songs_are_for() -> None:
    """A constant tempo that is no whole number, a slow drift, three meters."""
    pop, ballad = SONGS["Late Train Home"], SONGS["Harbour Lights"]
    assert np.diff(pop.beats) == pytest.approx(60 / 109.73)
    assert len(set(pop.lags)) == len(pop.lags)
    tempo = 60 / np.diff(ballad.beats)
    assert (tempo.min(), tempo.max()) == pytest.approx((87.15, 87.55), abs=1e-6)
    assert np.abs(np.diff(tempo)).max() < 0.02
    assert {song.meter for song in SONGS.values()} == {(4, 4), (3, 4), (6, 8)}
    assert [any(song.drums) for song in SONGS.values()] == [True, True, False, True, True, False]


def test_the_blues_swings() -> None:
    """Off-beat notes of the blues lie on the third triplet, and hardly any half way."""
    places = SONGS["Corner Table Blues"].positions % 1
    assert np.mean(np.isclose(places, 2 / 3)) > 0.15
    assert not np.isclose(places, 1 / 2).any()


def test_the_bass_is_split_and_repeats_itself() -> None:
    """Two tracks of one name: exact repeats, repeats a few ms apart, and notes of its own."""
    song = SONGS["Harbour Lights"]
    first, second = (notes for name, notes in song.instruments if name == "Acoustic Bass")
    known = {(row["start"], row["end"], row["pitch"]) for row in first}
    exact = [(row["start"], row["end"], row["pitch"]) in known for row in second]
    apart = [
        np.abs(first["start"][first["pitch"] == row["pitch"]] - row["start"]).min(initial=9)
        for row in second
    ]
    near = (np.array(apart) < 0.06) & ~np.array(exact)
    own = np.array(apart) > 0.3
    assert (sum(exact), int(near.sum()), int(own.sum())) == (21, 15, 24)


def test_the_dense_song_is_dense() -> None:
    """Close to 4,000 notes, crossing ones of a pitch, none nested, ghost notes under 30 ms."""
    song = SONGS["Neon Arcade"]
    assert song.note_count > 3500
    assert [name for name, _ in song.instruments].count("Guitar") == 2
    crossing = short = 0
    for _, notes in song.instruments:
        short += int((notes["end"] - notes["start"] < 0.03).sum())
        for pitch in np.unique(notes["pitch"]):
            same = notes[notes["pitch"] == pitch]
            crossing += int((same["start"][1:] < same["end"][:-1]).sum())
            assert (np.diff(same["start"]) > 0).all()
            assert (np.diff(same["end"]) >= 0).all()
    assert crossing > 100
    assert 20 < short < 200


# Music


def test_the_snare_has_the_backbeat() -> None:
    """In each bar of the pop song's first chorus the snare falls on two and four."""
    drums_of = {name: (notes, places) for name, notes, places in placed(SONGS["Late Train Home"])}
    notes, places = drums_of["Drums"]
    loud = (notes["pitch"] == 38) & (notes["velocity"] > 100)
    struck = places[loud] - 16 * 4
    chorus = sorted(struck[(struck >= 0) & (struck < 28)] % 4)
    assert chorus == [1.0] * 7 + [3.0] * 7


@pytest.mark.parametrize(
    ("title", "lead", "harmony"),
    [
        ("Late Train Home", "Synth Voice", "Electric Piano 1"),
        ("Harbour Lights", "Vocals", "Electric Piano 1"),
        ("Valse de l'écluse", "Koto", "Orchestral Harp"),
        ("Corner Table Blues", "Tenor Sax", "Acoustic Grand Piano"),
        ("Neon Arcade", "Synth Voice", "SynthStrings 1"),
    ],
)
def test_the_tune_agrees_with_the_chords(title: str, lead: str, harmony: str) -> None:
    """Of the notes that open a half bar (3/4: a bar), nine in ten are tones of the chord."""
    song = SONGS[title]
    half = 3 if song.meter == (3, 4) else 2
    tracks = {name: (notes, places) for name, notes, places in placed(song)}
    notes, places = tracks[lead]
    chord, struck = tracks[harmony]
    agreed = []
    for pitch, place in zip(notes["pitch"], places, strict=True):
        sounding = chord["pitch"][struck // half == place // half] % 12
        if place % half == 0 and len(sounding):
            agreed.append(pitch % 12 in sounding)
    assert len(agreed) > 25
    assert np.mean(agreed) > 0.9


def test_a_tune_is_read_as_abc() -> None:
    """Key, octaves, lengths, triplets, rests, and accidentals that hold to the bar line."""
    rows = tune("F C'2 z | ^G,G, (3ABc | =F4", unit=24, bar=96, sharps=1)
    assert [(row.pulse, row.length, row.pitch) for row in rows] == [
        (0, 24, 66),
        (24, 48, 72),
        (96, 24, 56),
        (120, 24, 56),
        (144, 16, 69),
        (160, 16, 71),
        (176, 16, 72),
        (192, 96, 65),
    ]
    assert [row.pitch for row in tune("B E A D", unit=24, bar=96, sharps=-2)] == [70, 63, 69, 62]


@pytest.mark.parametrize(
    ("abc", "message"),
    [("A3", "tune: bar 0 is 72 of 96 pulses long"), ("A2 h", "tune: 'h|' is no note")],
)
def test_a_wrong_tune_is_refused(abc: str, message: str) -> None:
    """A bar that is not full, a letter that is no note."""
    with pytest.raises(ValueError, match=message.replace("|", r"\|")):
        tune(abc, unit=24, bar=96)


def test_charts_and_figures_are_read_as_written() -> None:
    """Slash chords, halves of a bar, riffs with approach notes, voices that lead."""
    chords = chart("C | G7/B Am", 192)
    assert [(span.pulse, span.length, span.chord.bass) for span in chords.spans] == [
        (0, 192, 0),
        (192, 96, 11),
        (288, 96, 9),
    ]
    line = riff(chords, "R-5a R.8.", low=36)
    assert [(row.pulse, row.length, row.pitch) for row in line] == [
        (0, 96, 36),
        (96, 48, 43),
        (144, 48, 46),
        (192, 48, 47),
        (288, 48, 57),
    ]
    struck = comp(chords, "*- *-", low=55)
    assert [row.pitch for row in struck if row.pulse == 0] == [55, 60, 64]
    assert {row.pitch % 12 for row in struck if row.pulse == 192} == {7, 11, 2, 5}
    with pytest.raises(ValueError, match="chord 'H'; expected such as Am7"):
        chart("H", 192)


def test_a_drum_grid_is_read_as_written() -> None:
    """Strengths, and a line of two bars beside a line of one."""
    rows = drums("kick X... | ..x.\nsnare ..g.", bar=192, bars=2)
    assert [(row.pulse, row.pitch, row.velocity) for row in rows] == [
        (0, 36, 114),
        (96, 38, 44),
        (288, 36, 96),
        (288, 38, 44),
    ]


def test_equal_seeds_play_equal_rows_alike() -> None:
    """A repeat is exact within a take and differs in another."""
    grid = SONGS["Late Train Home"].grid()
    rows = [Row(48 * i, 40, 60, 90) for i in range(8)]
    one, two, three = Part("a", 7), Part("b", 7), Part("c", 7)
    one.play(rows, 0)
    two.play(rows[:4], 0)
    three.play(rows, 0, take=1)
    notes, places = perform(one, grid)
    assert places.tolist() == list(range(8))
    assert np.array_equal(perform(two, grid)[0], notes[:4])
    assert not np.array_equal(perform(three, grid)[0], notes)


# Hosted files


@dataclass
class Scanned:
    """One track chunk: its events as (tick, status, data), metas as (tick, 0xFF00 | kind, data)."""

    events: list[tuple[int, int, bytes]]

    def of(self, low: int, high: int) -> list[tuple[int, int, bytes]]:
        """Events of a range of statuses."""
        return [event for event in self.events if low <= event[1] <= high]

    @property
    def name(self) -> str:
        """Track name."""
        return self.of(0xFF03, 0xFF03)[0][2].decode()

    @property
    def channels(self) -> set[int]:
        """Channels in use."""
        return {status & 15 for _, status, _ in self.of(0x80, 0xEF)}

    @property
    def programs(self) -> list[int]:
        """Program bytes."""
        return [data[0] for _, _, data in self.of(0xC0, 0xCF)]


def scan(data: bytes) -> tuple[int, list[Scanned]]:
    """Read a well-formed file by hand: resolution and tracks."""
    assert data[:8] == b"MThd\0\0\0\6"
    count, division = (int.from_bytes(data[i : i + 2], "big") for i in (10, 12))
    tracks, at = [], 14
    while at < len(data):
        assert data[at : at + 4] == b"MTrk"
        end = at + 8 + int.from_bytes(data[at + 4 : at + 8], "big")
        tracks.append(Scanned(scan_events(data[at + 8 : end])))
        at = end
    assert len(tracks) == count
    return division, tracks


def scan_events(data: bytes) -> list[tuple[int, int, bytes]]:
    """Read the events of one track."""
    events, at, tick, status = [], 0, 0, 0

    def quantity() -> int:
        nonlocal at
        value = 0
        while True:
            at += 1
            value = value << 7 | data[at - 1] & 0x7F
            if data[at - 1] < 0x80:
                return value

    while at < len(data):
        tick += quantity()
        if data[at] >= 0x80:
            status, at = data[at], at + 1
        kind, size = status, 1 if 0xC0 <= status < 0xE0 else 2
        if status == 0xFF:
            kind, at = 0xFF00 | data[at], at + 1
            size = quantity()
        events.append((tick, kind, data[at : at + size]))
        at += size
    assert events[-1][1] == 0xFF2F
    return events


def without_keys(data: bytes) -> bytes:
    """Make the key signatures of a file valid, so that mido opens it."""
    parts = data.split(b"\xff\x59\x02")
    return parts[0] + b"".join(b"\xff\x59\x02\0\0" + part[2:] for part in parts[1:])


def heard_by_mido(data: bytes) -> list[list[tuple[float, float, int, int]]]:
    """Read the notes of each instrument with mido, first in, first out."""
    file = mido.MidiFile(file=io.BytesIO(without_keys(data)))
    now = second = 0.0
    micro, tick = 500_000, 0
    marks = []
    for message in file.tracks[0]:
        tick += message.time
        second += message.time * micro / 1e6 / file.ticks_per_beat
        if message.type == "set_tempo":
            micro = message.tempo
            marks.append((tick, second, micro))
    ticks = np.array([mark[0] for mark in marks])
    found = []
    for track in file.tracks[1:]:
        now, notes = 0, []
        open_notes: dict[int, list[tuple[float, int]]] = {}
        for message in track:
            now += message.time
            first, begun, micro = marks[int(np.searchsorted(ticks, now, side="right")) - 1]
            here = begun + (now - first) * micro / 1e6 / file.ticks_per_beat
            if message.type == "note_on" and message.velocity:
                open_notes.setdefault(message.note, []).append((here, message.velocity))
            elif message.type in {"note_on", "note_off"}:
                start, velocity = open_notes[message.note].pop(0)
                notes.append((start, here, message.note, velocity))
        assert not any(open_notes.values())
        found.append(notes)
    return found


@each_song
def test_the_hosted_file_holds_the_answers_notes(song: DemoSong) -> None:
    """mido hears every note within 2.7 ms, and to the bit where the ticks are the lattice."""
    data = hosted_midi(song)
    exact = DEFECTS[song.title].ticks_per_quarter == 96
    for heard, (_, notes) in zip(heard_by_mido(data), song.instruments, strict=True):
        assert len(heard) == len(notes)
        found = np.array(sorted(heard, key=lambda row: (row[2], row[0], row[1])))
        meant = notes[np.lexsort((notes["end"], notes["start"], notes["pitch"]))]
        assert np.array_equal(found[:, 2], meant["pitch"])
        assert np.array_equal(found[:, 3], meant["velocity"])
        off = max(
            np.abs(found[:, 0] - meant["start"]).max(), np.abs(found[:, 1] - meant["end"]).max()
        )
        assert off <= (1e-9 if exact else HEARD_WITHIN)


@each_song
def test_symusic_reads_the_same_notes(song: DemoSong) -> None:
    """A second reader, which does not mind the key signatures, counts the same notes."""
    import symusic

    score: Any = symusic.Score.from_midi(hosted_midi(song))
    score = score.to("second")
    for track, (name, notes) in zip(score.tracks, song.instruments, strict=True):
        assert (track.name, len(track.notes)) == (name, len(notes))
        starts = sorted(note.time for note in track.notes)
        assert np.abs(np.array(starts) - notes["start"]).max() < HEARD_WITHIN


@each_song
def test_programs_and_channels_are_wrong(song: DemoSong) -> None:
    """One program on every melodic track, all on channel 1; drums as the defects say."""
    defects = DEFECTS[song.title]
    _, (conductor, *tracks) = scan(hosted_midi(song))
    assert conductor.name == song.title
    assert [track.name for track in tracks] == [name for name, _ in song.instruments]
    for track, is_drum in zip(tracks, song.drums, strict=True):
        if is_drum:
            claimed = [] if defects.drum_program is None else [defects.drum_program]
            assert (track.channels, track.programs) == ({defects.drum_channel}, claimed)
        else:
            assert (track.channels, track.programs) == ({0}, [defects.program])


@each_song
def test_a_lone_volume_ends_the_track(song: DemoSong) -> None:
    """Where there is a control change at all, it is CC7 = 100 at the last note's end."""
    _, (_, *tracks) = scan(hosted_midi(song))
    for track in tracks:
        controls = track.of(0xB0, 0xBF)
        if not DEFECTS[song.title].volume:
            assert controls == []
            continue
        assert [data for _, _, data in controls] == [bytes([7, 100])]
        assert controls[0][0] == max(tick for tick, _, _ in track.of(0x80, 0x9F))


def test_the_defects_are_spread_over_the_songs() -> None:
    """Each defect is in one of the files, and none in all of them."""
    assert set(DEFECTS) == set(TITLES)
    all_defects = DEFECTS.values()
    assert {sharps for d in all_defects for sharps, _ in d.keys} == {0, 11, 16, 19}
    assert {mode for d in all_defects for _, mode in d.keys} == {0, 1, 255}
    assert {d.drum_channel for d in all_defects} == {0, 9}
    assert {d.drum_program for d in all_defects} == {None, 118}
    assert {d.claimed_qpm for d in all_defects} == {120.0, 133.0, None}
    assert {d.volume for d in all_defects} == {True, False}


@pytest.mark.parametrize("title", [title for title in TITLES if DEFECTS[title].keys])
def test_mido_and_pretty_midi_cannot_open_impossible_keys(title: str) -> None:
    """The files with an impossible key signature are refused by both."""
    data = hosted_midi(SONGS[title])
    with pytest.raises(mido.KeySignatureError):
        mido.MidiFile(file=io.BytesIO(data))
    with pytest.raises(mido.KeySignatureError):
        pretty_midi.PrettyMIDI(io.BytesIO(data))


@pytest.mark.parametrize("title", ["Harbour Lights", "Neon Arcade"])
def test_a_tempo_event_a_beat_jitters_and_misses_beats(title: str) -> None:
    """About the true tempo within 0.5 %, half of it where a beat was missed."""
    song = SONGS[title]
    division, (conductor, *_) = scan(hosted_midi(song))
    tempo = conductor.of(0xFF51, 0xFF51)
    missed = DEFECTS[title].missed
    assert [tick for tick, _, _ in tempo] == [division * i for i in range(len(tempo))]
    assert len(tempo) == len(song.beats) - len(missed)
    share = 60e6 / np.array([int.from_bytes(data, "big") for _, _, data in tempo[1:]]) / song.bpm
    half = share < 0.75
    assert int(half.sum()) == len(missed)
    assert share[half] == pytest.approx(0.5, rel=0.01)
    assert share[~half] == pytest.approx(1.0, rel=0.01)
    assert len(np.unique(share)) > 100


def test_one_tempo_is_claimed_whatever_the_music_does() -> None:
    """120 for a song at 109.73, 133 for one at 132.6."""
    for title, micro in (("Late Train Home", 500_000), ("Corner Table Blues", 451_128)):
        _, (conductor, *_) = scan(hosted_midi(SONGS[title]))
        tempo = conductor.of(0xFF51, 0xFF51)
        assert [int.from_bytes(data, "big") for _, _, data in tempo] == [micro]


# The server


@dataclass
class Reply:
    """Status, headers and body of an answer."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body as JSON."""
        assert self.headers["Content-Type"] == "application/json"
        return json.loads(self.body)


def address(sandbox: Sandbox) -> tuple[str, int]:
    """Host and port of a sandbox."""
    host, _, port = sandbox.url.removeprefix("http://").partition("/")[0].rpartition(":")
    return host.strip("[]"), int(port)


def ask(
    sandbox: Sandbox,
    method: str = "POST",
    path: str = "/api/v1/suno/midi",
    *,
    clip: str | None = None,
    body: bytes | None = None,
    authorization: str | None = "right",
) -> Reply:
    """Send one request over a connection of its own."""
    headers = {}
    if authorization is not None:
        right = f"Bearer {sandbox.token}"
        headers["Authorization"] = right if authorization == "right" else authorization
    if clip is not None:
        body = json.dumps({"clip_id": clip}).encode()
    connection = http.client.HTTPConnection(*address(sandbox), timeout=10)
    try:
        connection.request(method, path, body, headers)
        response = connection.getresponse()
        return Reply(response.status, dict(response.getheaders()), response.read())
    finally:
        connection.close()


def raw(sandbox: Sandbox, request: bytes) -> bytes:
    """Send bytes, and read until the server hangs up."""
    with socket.create_connection(address(sandbox), timeout=10) as connection:
        connection.sendall(request)
        return b"".join(iter(lambda: connection.recv(65536), b""))


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    """Serve for one test."""
    with serve() as running:
        yield running


def test_a_clip_runs_twice_then_comes_and_is_charged_once(sandbox: Sandbox) -> None:
    """The documented sequence, with what it costs."""
    clip = sandbox.clips[0]
    assert (sandbox.charged, sandbox.posts) == (0, {})
    running = {"code": 200, "message": "success", "data": {"state": "running"}}
    assert [ask(sandbox, clip=clip).json for _ in range(2)] == [running, running]
    answer = ask(sandbox, clip=clip)
    url = sandbox.midi_url(clip)
    assert answer.status == 200
    assert answer.json == demo_songs()[0].answer(url)
    assert ask(sandbox, clip=clip).body == answer.body
    assert (sandbox.charged, sandbox.posts) == (1, {clip: 4})
    file = ask(sandbox, "GET", url.partition(sandbox.url.split("/api")[0])[2], authorization=None)
    assert (file.status, file.headers["Content-Type"]) == (200, "audio/midi")
    assert file.body == hosted_midi(demo_songs()[0])
    assert sandbox.downloads == {clip: 1}


@pytest.mark.parametrize(
    ("authorization", "message"),
    [
        (None, "Authorization header is missing."),
        ("Basic dXNlcjpwYXNz", "Invalid authorization format."),
        ("Bearer wrong", "Invalid authorization format."),
        ("Bearer", "Invalid authorization format."),
    ],
)
def test_without_the_token_nothing_is_answered(
    sandbox: Sandbox, authorization: str | None, message: str
) -> None:
    """401 with the documented message, and nothing is charged."""
    reply = ask(sandbox, clip=sandbox.clips[0], authorization=authorization)
    assert (reply.status, reply.json) == (401, {"code": 401, "message": message})
    assert (sandbox.charged, sandbox.posts) == (0, {})


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b'{"clip_id": "29fc9d9e-a550-47d9-bfd2-6640a4025acc"}', "task not found."),
        (b"{}", "clip_id is required."),
        (b'{"clip_id": 5}', "clip_id is required."),
        (b"[1]", "clip_id is required."),
        (b"{", "Request body must be JSON."),
        (b"\xff", "Request body must be JSON."),
        (b"[" * 60_000, "Request body must be JSON."),
        (None, "Request body must be JSON."),
    ],
)
def test_bad_requests_are_refused_in_words(
    sandbox: Sandbox, body: bytes | None, message: str
) -> None:
    """400 with the code in the body, and nothing is charged."""
    reply = ask(sandbox, body=body)
    assert (reply.status, reply.json) == (400, {"code": 400, "message": message})
    assert sandbox.charged == 0


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/api/v1/suno/midi", 405),
        ("PUT", "/api/v1/suno/midi", 405),
        ("GET", "/", 404),
        ("POST", "/api/v1/suno/other", 404),
        ("GET", "/files/unknown.mid", 404),
        ("GET", "/files/../etc/passwd", 404),
        ("POST", "/files/unknown.mid", 404),
        ("DELETE", "/api/v1/suno", 404),
    ],
)
def test_there_is_nothing_else(sandbox: Sandbox, method: str, path: str, status: int) -> None:
    """404 elsewhere, 405 for other methods on the call."""
    reply = ask(sandbox, method, path)
    assert (reply.status, reply.json["code"]) == (status, status)
    assert reply.headers.get("Allow") == ("POST" if status == 405 else None)


def test_head_gives_headers_alone(sandbox: Sandbox) -> None:
    """HEAD of a file tells its length and is no download."""
    clip = sandbox.clips[1]
    reply = ask(sandbox, "HEAD", f"/files/{clip}.mid")
    assert (reply.status, reply.body) == (200, b"")
    assert int(reply.headers["Content-Length"]) == len(hosted_midi(demo_songs()[1]))
    assert sandbox.downloads.get(clip, 0) == 0
    assert ask(sandbox, "HEAD", "/").status == 404


@pytest.mark.parametrize(
    ("header", "status"),
    [
        ("Content-Length: 70000", b"413 "),
        ("Content-Length: 99999999999999999999999", b"400 "),
        ("Content-Length: -1", b"400 "),
        ("Transfer-Encoding: chunked", b"411 "),
    ],
)
def test_bodies_are_bounded(sandbox: Sandbox, header: str, status: bytes) -> None:
    """What is too long, or has no length, is refused before it is read."""
    request = f"POST /api/v1/suno/midi HTTP/1.1\r\nHost: x\r\n{header}\r\n\r\n"
    answer = raw(sandbox, request.encode())
    assert answer.startswith(b"HTTP/1.1 " + status)
    assert b"Connection: close" in answer


def test_garbage_is_answered_in_json(sandbox: Sandbox) -> None:
    """Even what is no HTTP gets a message, without the name of the machine's Python."""
    answer = raw(sandbox, b"GET / HTTP/9.9 x\r\n\r\n")
    assert b'"code":400' in answer
    assert b"Python" not in ask(sandbox, "GET", "/").headers["Server"].encode()


def test_a_client_may_ask_before_it_sends(sandbox: Sandbox) -> None:
    """``Expect: 100-continue`` is answered at once."""
    body = json.dumps({"clip_id": sandbox.clips[0]}).encode()
    head = (
        f"POST /api/v1/suno/midi HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {sandbox.token}\r\n"
        f"Expect: 100-continue\r\nConnection: close\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    with socket.create_connection(address(sandbox), timeout=10) as connection:
        connection.sendall(head.encode())
        assert connection.recv(1000).startswith(b"HTTP/1.1 100 ")
        connection.sendall(body)
        assert b'"running"' in b"".join(iter(lambda: connection.recv(65536), b""))


def test_a_connection_serves_several_requests(sandbox: Sandbox) -> None:
    """HTTP/1.1 keeps it open, after refusals too."""
    connection = http.client.HTTPConnection(*address(sandbox), timeout=10)
    for path, status in (("/", 404), ("/api/v1/suno/midi", 405), ("/nothing", 404)):
        connection.request("GET", path)
        response = connection.getresponse()
        assert (response.status, len(response.read()) > 0) == (status, True)
        assert response.getheader("Connection") is None
    connection.close()


def test_many_clients_are_counted_exactly() -> None:
    """Sixteen threads, 96 calls: `running` exactly as often as asked for, one credit a clip."""
    with serve(polls=3) as sandbox, ThreadPoolExecutor(16) as pool:
        calls = list(sandbox.clips) * 16
        replies = list(pool.map(lambda clip: ask(sandbox, clip=clip), calls))
        running = sum(b'"running"' in reply.body[:200] for reply in replies)
        assert {reply.status for reply in replies} == {200}
        assert running == 3 * len(sandbox.clips)
        assert sandbox.posts == dict.fromkeys(sandbox.clips, 16)
        assert sandbox.charged == len(sandbox.clips)


def test_the_environment_points_at_it() -> None:
    """Token, base address and the host that downloads may come from."""
    with serve(polls=0, songs=demo_songs()[:1]) as sandbox:
        host, port = address(sandbox)
        assert host == "127.0.0.1"
        assert sandbox.environment == {
            "MIDIKIT_TOKEN": "sandbox-token-opens-nothing-else",
            "MIDIKIT_BASE_URL": f"http://127.0.0.1:{port}/api/v1/suno",
            "MIDIKIT_ALLOW_HOSTS": f"127.0.0.1:{port}",
        }
        assert sandbox.songs == demo_songs()[:1]
        assert sandbox.clips == (demo_songs()[0].id,)
        assert ask(sandbox, clip=sandbox.clips[0]).json["data"]["midi_url"] == sandbox.midi_url(
            sandbox.clips[0]
        )


def test_it_closes_while_clients_hold_on() -> None:
    """Idle connections are hung up on; nothing is left listening, running or open."""
    before = threading.active_count()
    with serve() as sandbox:
        where = address(sandbox)
        idle = [socket.create_connection(where, timeout=10) for _ in range(3)]
        ask(sandbox, clip=sandbox.clips[0])
        began = time.monotonic()
    assert time.monotonic() - began < 4
    for connection in idle:
        assert connection.recv(1) == b""
        connection.close()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(where, timeout=1).close()
    for thread in threading.enumerate():
        if "process_request_thread" in thread.name:
            thread.join(5)
    assert threading.active_count() == before
    gc.collect()


def test_it_closes_when_the_block_fails() -> None:
    """An exception in the block passes through, and the port is free again."""
    seen = []

    def fail() -> None:
        with serve() as sandbox:
            seen.append(address(sandbox))
            raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        fail()
    with serve(port=seen[0][1]) as again:
        assert address(again) == seen[0]


def test_a_port_that_is_taken_is_refused(sandbox: Sandbox) -> None:
    """The message names address and reason."""
    port = address(sandbox)[1]
    with (
        pytest.raises(RemoteError, match=rf"^127\.0\.0\.1:{port}: cannot listen: .*; choose"),
        serve(port=port),
    ):
        pass


@pytest.mark.parametrize(
    ("host", "port", "message"),
    [
        ("0.0.0.0", 0, r"^0\.0\.0\.0:0: no loopback address; expected such as 127\.0\.0\.1"),
        ("192.0.2.1", 0, r"^192\.0\.2\.1:0: no loopback address"),
        ("127.0.0.1", 70_000, r"^127\.0\.0\.1:70000: no port; expected 0 "),
        ("no\x1b[31m\0", 0, r"^[^\x1b\0]*: cannot listen: "),
    ],
)
def test_only_loopback_is_served(host: str, port: int, message: str) -> None:
    """Other machines are none of its business, and bad addresses are refused in words."""
    with pytest.raises(RemoteError, match=message), serve(host=host, port=port):
        pass
