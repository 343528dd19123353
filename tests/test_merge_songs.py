"""Clips of one song put together: nothing is lost, and everything says where it came from."""

from __future__ import annotations

import numpy as np
import pytest

from midikit.convert.arrange.together import merge_songs
from midikit.errors import ConversionError
from midikit.model.events import Event, as_controls
from midikit.model.notes import as_notes
from midikit.model.report import Repair
from midikit.model.song import Song, Track
from midikit.model.tempo import TempoMap

NOTES = as_notes([(0.0, 0.5, 60, 80), (1.0, 1.5, 64, 80)])
METER, KEY, MARKER = 0x58, 0x59, 0x06


def test_tracks_of_stems_can_be_told_apart() -> None:
    """Names that several songs have, and no names, come to say which song they are from."""
    one = Song((Track("Koto", notes=NOTES), Track("Koto", notes=NOTES), Track("Harp")))
    other = Song((Track("Koto", notes=NOTES), Track(" ", notes=NOTES)))
    names = [track.name for track in merge_songs([one, other], ["left", "right"])]
    assert names == ["left - Koto", "left - Koto", "Harp", "right - Koto", "right"]
    names = [track.name for track in merge_songs([other, other, other], ["a", "", "a"])]
    assert names == ["a - Koto", "a", "song 2 - Koto", "song 2", "a (2) - Koto", "a (2)"]
    titled = [Song(other.tracks, title="One"), Song(other.tracks, source="two.json")]
    names = [track.name for track in merge_songs(titled)]
    assert names == ["One - Koto", "One", "two.json - Koto", "two.json"]


def test_notes_controls_and_sounds_are_as_they_were() -> None:
    """A merged track differs from its own in its name alone."""
    controls = as_controls([(0.5, 0xB0, 7, 100)])
    text = (Event(0.1, 0x01, b"solo"),)
    track = Track("Koto", 5, notes=NOTES, controls=controls, events=text, channel=3, port=1)
    drums = Track("Drums", is_drum=True, notes=NOTES)
    merged = merge_songs([Song((track,)), Song((track, drums))], ["a", "b"])
    for made, source in zip(merged, (track, track, drums), strict=True):
        assert np.array_equal(made.notes, source.notes)
        assert np.array_equal(made.controls, source.controls)
        assert (made.program, made.is_drum, made.events) == (
            *(source.program, source.is_drum, source.events),
        )
    assert merged.note_count == 6


def test_repairs_and_changes_keep_their_song() -> None:
    """A fault is found again in the file it is in, even where two files have the same one."""
    fault = Repair("pitch-range", "notes[3].pitch", "200", "dropped", 2, 17, 1)
    songs = [Song((), repairs=(fault,)), Song((), repairs=(fault,))]
    repairs = merge_songs(songs, ["a.json", "b\x1b.json"]).repairs
    places = ["a.json: notes[3].pitch", "b\\x1b.json: notes[3].pitch"]
    assert [repair.place for repair in repairs] == places
    assert {(r.kind, r.found, r.count, r.offset, r.track) for r in repairs} == {
        ("pitch-range", "200", 2, 17, 1)
    }


def test_one_song_says_tempo_and_signatures() -> None:
    """The first .mid does; markers of all are kept once, and other tempi are told."""
    chorus, verse = Event(4.0, MARKER, b"Chorus"), Event(1.0, MARKER, b"Verse")
    four, three = Event(0.0, METER, bytes([4, 2, 24, 8])), Event(0.0, METER, bytes([3, 2, 24, 8]))
    slow, fast = TempoMap.constant(90.0), TempoMap.constant(130.0)
    songs = [
        Song((), source="x.json", events=(chorus,)),
        Song((), slow, (four, chorus), "Name", 96, "y.mid", "https://cdn.invalid/y.mid"),
        Song((), fast, (three, Event(0.0, KEY, b"\0\0"), verse), "Name", 480, "z.mid"),
    ]
    merged = merge_songs(songs)
    assert merged.tempo.qpm.tolist() == [90.0]
    assert merged.events == (four, verse, chorus)
    assert (merged.title, merged.ticks_per_quarter, merged.midi_url) == ("Name", 96, None)
    assert merged.source == "x.json, y.mid, z.mid"
    (change,) = merged.changes
    assert str(change) == "1 of 3 merged songs claim another tempo than the first"
    assert merge_songs(songs[:2]).changes == ()


def test_nothing_to_merge_and_wrong_names_are_refused() -> None:
    """One clear line each."""
    with pytest.raises(ConversionError, match="no songs to merge; expected one or more"):
        merge_songs([])
    with pytest.raises(ConversionError, match="1 names for 2 songs; expected as many"):
        merge_songs([Song(()), Song(())], ["a"])


def test_songs_that_hold_the_same_notes_are_told() -> None:
    """Whatever their tracks are called; how many notes sound twice, and whose they are."""
    one = Song((Track("Koto", notes=NOTES), Track("Empty")))
    other = Song((Track("Harp", notes=NOTES), Track("Empty")))
    (change,) = merge_songs([one, other], ["left", "right"]).changes
    assert str(change) == (
        "right: 2 notes are those of left, and sound twice; one of the two may be meant to stay out"
    )
    assert (change.kind, change.count) == ("duplicate", 2)
    assert merge_songs([Song((*one.tracks, *one.tracks))]).changes == ()
