"""A part as one line: which notes it keeps, where they end, and which octaves it mends."""

from __future__ import annotations

import pytest

import midikit as mk
from midikit.cleaning.melody import melodies
from midikit.model.notes import as_notes
from midikit.model.song import Song, Track

TUNE = [(0.5 * i, 0.5 * i + 0.45, 60 + (0, 2, 4, 5, 7, 5, 4, 2)[i % 8], 80) for i in range(32)]


def vocals(*rows: tuple[float, float, int, int]) -> Song:
    """Make a song of one voice."""
    return Song((Track("Vocals", notes=as_notes(rows)), Track("Piano", notes=as_notes(TUNE))))


def test_of_a_chord_the_top_or_the_strongest_is_kept() -> None:
    """Notes within 50 ms begin together."""
    song = vocals((0.0, 1.0, 60, 100), (0.02, 1.0, 67, 80), (0.03, 1.0, 64, 90))
    top, report = mk.melody(song)
    assert top[0].notes["pitch"].tolist() == [67]
    assert report.counts == {"line": 2}
    strongest, _ = mk.melody(song, pick="strongest")
    assert strongest[0].notes["pitch"].tolist() == [60]
    assert top[1] is song[1]


def test_a_higher_note_ends_the_one_before_and_a_lower_one_is_left_out() -> None:
    """Unless the lower one is only slurred."""
    song = vocals((0.0, 2.0, 60, 80), (0.5, 1.5, 64, 80), (0.9, 1.1, 55, 80), (1.4, 2.0, 62, 80))
    line, report = mk.melody(song)
    assert [tuple(note)[:3] for note in line[0].notes.tolist()] == [
        (0.0, 0.5, 60),
        (0.5, 1.4, 64),
        (1.4, 2.0, 62),
    ]
    assert report.removed["pitch"].tolist() == [55]
    assert report.changed["new_end"].tolist() == [0.5, 1.4]
    assert "pitch 60 (C4), ends 1500 ms earlier: one voice at a time" in str(report)


def test_an_octave_slip_is_mended_and_a_leap_is_not() -> None:
    """A single note an octave off comes back; where the line goes to and fro it is meant."""
    slipped = [*TUNE[:10], (5.0, 5.45, TUNE[10][2] + 12, 80), *TUNE[11:]]
    line, report = mk.melody(vocals(*slipped))
    assert line[0].notes["pitch"].tolist() == [row[2] for row in TUNE]
    assert report.changed["new_pitch"].tolist() == [TUNE[10][2]]
    assert "now 64 (E4): an octave off its line" in str(report)
    leaps = [(0.5 * i, 0.5 * i + 0.45, (60, 72, 62, 74)[i % 4], 80) for i in range(32)]
    song = vocals(*leaps)
    assert mk.melody(song)[0] is song
    higher = [*TUNE, *((a + 16, b + 16, p + 12, v) for a, b, p, v in TUNE)]
    song = vocals(*higher)
    assert mk.melody(song)[0] is song


def test_melodies_are_known_by_their_names() -> None:
    """Those that sing, else those of one voice; others must be named."""
    piano, flute, lead = Track("Piano"), Track("Flute"), Track("Lead Vocals")
    assert melodies(Song((piano, flute, lead))) == [2]
    assert melodies(Song((piano, flute))) == [1]
    assert melodies(Song((piano, Track("MELODY", 0)))) == [1]
    with pytest.raises(mk.ConversionError, match="no part is known to be a melody"):
        mk.melody(Song((piano,)))
    with pytest.raises(mk.ConversionError, match="pick 'loudest': expected top or strongest"):
        mk.melody(Song((lead,)), pick="loudest")  # type: ignore[arg-type]
    with pytest.raises(KeyError, match="no track is named 'Alto'"):
        mk.melody(Song((lead,)), tracks="Alto")
    with pytest.raises(IndexError, match="track 3 of 1"):
        mk.melody(Song((lead,)), tracks=3)


def test_parts_are_chosen_by_index_or_name() -> None:
    """Only those are made lines."""
    chord = ((0.0, 1.0, 60, 80), (0.0, 1.0, 64, 80))
    song = Song(tuple(Track(name, notes=as_notes(chord)) for name in ("a", "b", "b")))
    assert [len(t) for t in mk.melody(song, tracks="b")[0]] == [2, 1, 1]
    assert [len(t) for t in mk.melody(song, tracks=[0, -1])[0]] == [1, 2, 1]
    assert [len(t) for t in mk.melody(song, tracks=[])[0]] == [2, 2, 2]


@pytest.mark.parametrize("pick", ["top", "strongest"])
def test_notes_of_no_length_are_no_second_voice(pick: str) -> None:
    """A file makes them a tick long: of those that begin with another note one is left."""
    rows = [(1.0, 1.0, 60, 90), (1.0, 1.5, 64, 80), (2.0, 2.0, 67, 80), (2.0, 2.0, 64, 80)]
    line, report = mk.melody(vocals(*rows), pick=pick)  # type: ignore[arg-type]
    assert len(set(line[0].notes["start"].tolist())) == len(line[0].notes) == 2
    assert report.restore(line)[0].notes.tolist() == vocals(*rows)[0].notes.tolist()
    assert mk.melody(line, pick=pick)[0] is line  # type: ignore[arg-type]
