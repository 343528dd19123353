"""What a sequencer of any maker has to find in our .mid files, as mido reads them."""

from __future__ import annotations

import io
from itertools import pairwise
from pathlib import Path
from typing import Any

import mido
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from midikit.convert.midi import plan_midi, to_midi
from midikit.errors import ConversionError
from midikit.model.events import Event, as_controls
from midikit.model.notes import as_notes
from midikit.model.song import Song, Track
from midikit.parse.midi import read_midi
from midikit.rhythm.export import signature
from midikit.rhythm.layout import lay_out
from midikit.sandbox.hosted import hosted_midi
from midikit.sandbox.songs import DemoSong, demo_songs

ANSWERS = Path(__file__).parent.parent / "fixtures" / "answers"
ONE = as_notes([(0.0, 0.5, 60, 80)])
DEMOS = pytest.mark.parametrize("demo", demo_songs(), ids=lambda demo: demo.title)


def opened(song: Song, **options: Any) -> mido.MidiFile:
    """Write with these options and read with mido."""
    return mido.MidiFile(file=io.BytesIO(to_midi(song, **options)), charset="utf-8")


def timed(track: mido.MidiTrack) -> list[tuple[int, mido.Message]]:
    """List the messages of a track with their absolute ticks."""
    ticks = np.cumsum([message.time for message in track]).tolist()
    return list(zip(ticks, track, strict=True))


def of_kind(track: mido.MidiTrack, kind: str) -> list[tuple[int, mido.Message]]:
    """List the messages of one kind with their absolute ticks."""
    return [(tick, message) for tick, message in timed(track) if message.type == kind]


def bar_lines(file: mido.MidiFile, until: int) -> list[int]:
    """Count the bar lines of a file as a sequencer does, to one past a tick."""
    changes = of_kind(file.tracks[0], "time_signature")
    lines, tick = [0], 0
    while lines[-1] < until:
        now = [message for at, message in changes if at <= tick]
        beats, unit = (now[-1].numerator, now[-1].denominator) if now else (4, 4)
        tick += file.ticks_per_beat * 4 * beats // unit
        lines.append(tick)
    return lines


def end_of(file: mido.MidiFile) -> int:
    """Return the tick at which all tracks end, after checking that they do."""
    (end,) = {timed(track)[-1][0] for track in file.tracks}
    return end


@DEMOS
def test_every_track_ends_on_the_bar_line_that_follows_the_last_note(demo: DemoSong) -> None:
    """So clips are as long as the song, in whole bars, in any meter and after any lead-in."""
    laid = lay_out(demo.song())
    file = opened(laid.song)
    last = max(tick for track in file.tracks for tick, _ in of_kind(track, "note_on"))
    lines = bar_lines(file, last)
    assert end_of(file) == lines[-1]
    assert lines[-2] < last <= lines[-1]


@given(
    seconds=st.floats(0.0, 60.0),
    length=st.floats(0.0, 5.0),
    meters=st.lists(
        st.tuples(st.integers(1, 13), st.sampled_from([1, 2, 4, 8, 16])), min_size=0, max_size=3
    ),
)
def test_the_last_bar_is_whole_whatever_the_meter(
    seconds: float, length: float, meters: list[tuple[int, int]]
) -> None:
    """Bars are counted from the last time signature on; without one they are of 4/4."""
    events, at = [], 0.0
    for meter in meters:
        events.append(signature(at, meter))
        at += 3 * 2.0 * meter[0] / meter[1]  # three bars at 120
    notes = as_notes([(seconds, seconds + length, 60, 80)])
    file = opened(Song((Track("Koto", notes=notes),), events=tuple(events)))
    last = max(tick for tick, _ in of_kind(file.tracks[1], "note_on"))
    if meters and at > 60.0:
        return
    end = end_of(file)
    assert end >= last
    assert end in bar_lines(file, end)
    assert end - file.ticks_per_beat * 4 * 13 < max(last, round(at * 960))


def test_a_note_that_ends_on_a_bar_line_needs_no_further_bar() -> None:
    """Nor does a song without notes get one."""
    whole = as_notes([(0.0, 2.0, 60, 80)])
    assert end_of(opened(Song((Track("Koto", notes=whole),)))) == 1920
    assert end_of(opened(Song(()))) == 0


def test_what_comes_after_the_last_note_stays_inside() -> None:
    """A pedal, a text and the ends that the source had count as well."""
    pedal = as_controls([(2.5, 0xB0, 64, 0)])
    assert end_of(opened(Song((Track("Koto", notes=ONE, controls=pedal),)))) == 3840
    for kind in (0x05, 0x2F):
        event = Event(4.5, kind, b"")
        assert end_of(opened(Song((Track("Koto", notes=ONE, events=(event,)),)))) == 5760
        assert end_of(opened(Song((Track("Koto", notes=ONE),), events=(event,)))) == 5760


def test_bars_of_no_length_do_not_hang_the_end() -> None:
    """A time signature of 0/4, or of 2**200th notes, gives no bars to fill."""
    for data in (bytes([0, 2, 24, 8]), bytes([4, 200, 24, 8])):
        song = Song((Track("Koto", notes=ONE),), events=(Event(0.0, 0x58, data),))
        assert end_of(opened(song)) == 480


def test_an_empty_instrument_is_left_out_and_told() -> None:
    """A sequencer would show an empty lane; of a .mid that is mended it stays."""
    song = Song((Track("Koto"), Track("Flute", notes=ONE), Track("Drums", is_drum=True)))
    assert [track.name for track in opened(song).tracks] == ["", "Flute"]
    told = [str(change) for change in plan_midi(song).changes if change.kind == "track"]
    assert told == ["Koto: an empty track, left out", "Drums: an empty track, left out"]
    kept = opened(song, tracks="source").tracks
    assert [track.name for track in kept] == ["", "Koto", "Flute", "Drums"]
    assert not [c for c in plan_midi(song, tracks="source").changes if c.kind == "track"]


def test_convert_tells_what_it_left_out(cli: Any, tmp_path: Path) -> None:
    """Of an answer, and of a .mid unless its tempo, and so the file as it is, is to be kept."""
    (tmp_path / "a.json").write_bytes((ANSWERS / "callback.json").read_bytes())
    run = cli("convert", "a.json", "-o", "a.mid")
    assert "Orchestral Harp: an empty track, left out" in run.err
    names = [track.name for track in mido.MidiFile(tmp_path / "a.mid").tracks]
    assert names == ["", "Acoustic Bass", "Acoustic Bass"]
    song = Song((Track("Koto"), Track("Flute", notes=ONE)))
    (tmp_path / "b.mid").write_bytes(to_midi(song, tracks="source"))
    run = cli("convert", "b.mid", "-o", "kept.mid", "--tempo", "source")
    assert "left out" not in run.err
    kept = mido.MidiFile(tmp_path / "kept.mid").tracks
    assert [track.name for track in kept] == ["", "Koto", "Flute"]
    assert [timed(track)[-1][0] for track in kept] == [0, 0, 480]
    run = cli("convert", "b.mid", "-o", "tidy.mid", "--tempo", "120")
    assert "Koto: an empty track, left out" in run.err
    assert end_of(mido.MidiFile(tmp_path / "tidy.mid")) == 1920


def test_a_track_that_says_something_without_notes_is_not_empty() -> None:
    """Lyrics stay, and so do controls, which other tracks of the channel may hear."""
    lyric = Track("Words", events=(Event(0.0, 0x05, b"la"),))
    pedal = Track("Pedal", controls=as_controls([(0.0, 0xB0, 64, 127)]))
    named = Track("Credits", events=(Event(0.0, 0x21, b"\x01"), Event(9.0, 0x2F, b"")))
    song = Song((lyric, pedal, named, Track("Koto", notes=ONE)))
    assert [track.name for track in opened(song).tracks] == ["", "Words", "Pedal", "Koto"]


def test_unknown_ways_to_write_tracks_are_refused() -> None:
    """As any other option is."""
    with pytest.raises(ConversionError, match=r"tracks is 'all'; expected one of 'tidy', 'source'"):
        to_midi(Song(()), tracks="all")  # type: ignore[arg-type]


@DEMOS
def test_the_first_track_is_the_songs(demo: DemoSong) -> None:
    """Format 1 with 480 ticks a quarter: title, meter and tempo at tick 0, and no note."""
    file = opened(lay_out(demo.song()).song)
    assert (file.type, file.ticks_per_beat) == (1, 480)
    kinds = [message.type for tick, message in timed(file.tracks[0]) if tick == 0]
    assert kinds == ["track_name", "time_signature", "set_tempo"]
    assert file.tracks[0].name == demo.title
    for track in file.tracks[1:]:
        assert not of_kind(track, "set_tempo") + of_kind(track, "time_signature")


def test_what_sets_up_a_track_comes_in_the_usual_order() -> None:
    """Name, port, bank, program, volume, then the notes: all of it on tick 0."""
    rows = [(0.0, 0xB0, 0, 8), (0.0, 0xB0, 32, 0), (0.0, 0xC0, 107, 0), (0.0, 0xB0, 7, 90)]
    rows += [(0.25, 0xB0, 64, 127)]
    track = Track("Koto", 107, notes=ONE, controls=as_controls(rows), port=1)
    plain = Track("Flute", notes=ONE)
    koto, flute = opened(Song((track, plain))).tracks[1:]
    kinds = [m.type for t, m in timed(koto) if t == 0]
    assert kinds[:2] == ["track_name", "midi_port"]
    assert kinds[2:4] == ["control_change", "control_change"]
    assert kinds[4:] == ["program_change", "control_change", "note_on"]
    assert [m.control for t, m in of_kind(koto, "control_change")] == [0, 32, 7, 64]
    kinds = [m.type for t, m in timed(flute) if t == 0]
    assert kinds == ["track_name", "program_change", "note_on"]


@pytest.mark.parametrize("channel", [None, 9, 3])
def test_no_melody_plays_on_channel_ten(channel: int | None) -> None:
    """However many parts there are, and wherever the source had them."""
    parts = tuple(Track(f"Koto {n}", notes=ONE, channel=channel) for n in range(40))
    song = Song((*parts, Track("Drums", notes=ONE, is_drum=True, channel=channel)))
    for options in ({}, {"programs": "source"}, {"overlap": "spill"}, {"merge": "name"}):
        tracks = opened(song, **options).tracks[1:]
        channels = [{m.channel for m in track if not m.is_meta} for track in tracks]
        assert channels[-1] == {9}
        assert not any(9 in used for used in channels[:-1])
        assert all(len(used) == 1 for used in channels)


@DEMOS
def test_tempo_events_are_few_on_bar_lines_and_before_the_end(demo: DemoSong) -> None:
    """Of the hosted file as well, which may hold an event a beat: at most one a bar, few of them.

    A sequencer reads only as much of the map as notes span.
    """
    counts = []
    for song in (demo.song(), read_midi(hosted_midi(demo))):
        laid = lay_out(song)
        assert laid.grid is not None
        file = opened(laid.song)
        tempi = of_kind(file.tracks[0], "set_tempo")
        last = max(tick for track in file.tracks for tick, _ in of_kind(track, "note_on"))
        lines = bar_lines(file, last)
        assert {tick for tick, _ in tempi} <= set(lines[:-1])
        assert all(one.tempo != two.tempo for (_, one), (_, two) in pairwise(tempi))
        counts.append((len(tempi), len(lines)))
    assert all(tempi <= 2 + bars // 3 for tempi, bars in counts), counts


@pytest.mark.parametrize("demo", demo_songs()[1::4], ids=lambda demo: demo.title)
def test_notes_that_span_tempo_changes_keep_their_ends(demo: DemoSong) -> None:
    """Starts and ends are the song's seconds to half a tick, by mido's own reading of the map."""
    pads = as_notes([(7.0 * n + 1.0, 7.0 * n + 7.5, 40 + n, 80) for n in range(17)])
    song = Song((*demo.song().tracks, Track("Pad 2 (warm)", notes=pads)))
    laid = lay_out(song)
    assert len(laid.song.tempo.qpm) > 5
    file = opened(laid.song)
    assert len(of_kind(file.tracks[-1], "note_on")) == 2 * len(pads)
    heard, now = [], 0.0
    for message in file:
        now += message.time
        if message.type == "note_on" and message.channel == file.tracks[-1][-2].channel:
            heard.append((now, message.velocity > 0))
    starts = [second for second, is_on in heard if is_on]
    ends = [second for second, is_on in heard if not is_on]
    half = 30.0 / float(laid.song.tempo.qpm.min()) / 480 + 1e-6
    assert np.abs(np.array(starts) - pads["start"]).max() <= half
    assert np.abs(np.sort(ends) - np.sort(pads["end"])).max() <= half
