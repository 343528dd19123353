"""What notebooks show: well-formed HTML without scripts, bounded, names escaped, true to values."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any
from xml.etree import ElementTree as ET

import numpy as np
import pytest

import midikit as mk
from midikit.model.notes import as_notes
from midikit.model.song import Song, Track
from midikit.sandbox.songs import demo_songs
from midikit.view.palette import part_styles
from midikit.view.parts import parts_of
from midikit.view.thumbnail import roll_svg
from tests.hostile_names import NAMES

SVG = "{http://www.w3.org/2000/svg}"
MOST_BYTES = 100_000
KOTO = Track("Koto", notes=as_notes([(0.0, 1.0, 60, 127), (1.0, 2.0, 64, 10)]))
DRUMS = Track("Drums", is_drum=True, notes=as_notes([(0.5, 0.6, 36, 100), (1.5, 1.6, 42, 100)]))
SONG = Song((KOTO, DRUMS))


def noise(tracks: int, notes: int, seed: int = 1) -> Song:
    """Make a song of notes anywhere, the worst there is for a small picture."""
    random = np.random.default_rng(seed)
    made = []
    for index in range(tracks):
        start = np.sort(random.uniform(0.0, 600.0, notes))
        columns = (
            start,
            start + 0.3,
            random.integers(0, 128, notes),
            random.integers(1, 128, notes),
        )
        made.append(Track("x" * 90, is_drum=index == 3, notes=as_notes(np.column_stack(columns))))
    return Song(tuple(made))


def page(value: Any) -> ET.Element:
    """Parse what a notebook shows, and hold it against what must hold for all of it."""
    text = value._repr_html_()
    assert len(text.encode()) < MOST_BYTES
    root = ET.fromstring(text)
    tags = {element.tag.removeprefix(SVG) for element in root.iter()}
    assert tags <= set(
        "div b br table thead tbody tr th td span ul li svg g path polyline text title".split()
    )
    for element in root.iter():
        assert not any(key.startswith("on") or "href" in key for key in element.attrib)
        assert "url(" not in element.get("style", "")
    return root


def words(root: ET.Element) -> str:
    """Return the text of a page."""
    return " ".join(" ".join(root.itertext()).split())


def cells(root: ET.Element) -> list[list[str]]:
    """Return the rows of the table."""
    return [["".join(cell.itertext()) for cell in row] for row in root.iter("tr")]


def strokes(root: ET.Element) -> list[tuple[str, int, int, int]]:
    """Return (colour, x, y, length) of each stroke of the small picture, in order."""
    found = []
    for group in root.iter(f"{SVG}g"):
        for path in group.iter(f"{SVG}path"):
            x = y = 0
            for kind, dx, dy, run in re.findall(r"([Mm])(-?\d+) (-?\d+)h(\d+)", path.attrib["d"]):
                x, y = (int(dx), int(dy)) if kind == "M" else (x + int(dx), y + int(dy))
                found.append((path.attrib["stroke"], x, y, int(run)))
                x += int(run)
    return found


def test_a_song_says_what_is_in_it() -> None:
    """Title, counts and length, and a row a part: name, sound, notes, range."""
    root = page(replace(SONG, title="Rain & sun"))
    assert words(root).startswith("Rain & sun 2 tracks · 4 notes · 2.0 s")
    assert [row[1:] for row in cells(root)] == [
        ["part", "sound", "notes", "range"],
        ["Koto", "Koto (by name)", "2", "C4 to E4"],
        ["Drums", "drum kit", "2", "2 drums"],
    ]


def test_a_song_that_ends_as_it_begins() -> None:
    """Notes of no length at second 0: a picture without length is one all the same."""
    struck = as_notes([(0.0, 0.0, 60, 80)])
    html = Song(
        (Track("Koto", notes=struck), Track("Drums", is_drum=True, notes=struck))
    )._repr_html_()
    titles = [title.text for title in ET.fromstring(html).iter(f"{SVG}title")]
    assert titles == ["Koto", "Drums"]
    assert [text.text for text in ET.fromstring(html).iter(f"{SVG}text")][-1] == "0 s"


def test_a_claimed_program_and_tempo_are_shown() -> None:
    """What the file says; of an answer, which says nothing, no tempo."""
    assert "quarters a minute" not in words(page(SONG))
    read = mk.read_midi(mk.to_midi(mk.with_grid(SONG, mk.BeatGrid.constant(97.0, end=4.0))))
    assert "97.00 quarters a minute" in words(page(read))
    assert cells(page(read))[1][2] == "Koto"
    drift = mk.TempoMap(np.array([0.0, 1.0]), np.array([90.0, 100.0]))
    assert "2 tempi, 90.00 to 100.00" in words(page(replace(SONG, tempo=drift)))


def test_repairs_are_counted_and_not_named_where_there_are_none() -> None:
    """The word appears with the first of them."""
    broken = mk.read_json("fixtures/answers/damaged.json")
    assert f"{len(broken.repairs)} repairs" in words(page(broken))
    assert "repair" not in words(page(SONG))


def test_the_small_picture_has_the_notes_where_they_are() -> None:
    """Strokes in the part's colour, in time order, higher pitches higher, drums as dots below."""
    drawn = strokes(page(SONG))
    koto, kit = (style.color for style in part_styles(["Koto", "Drums"], [False, True]))
    loud, soft = sorted(one for one in drawn if one[0] == koto)[:2]
    assert [loud[1], soft[1]] == [64, 64 + 720]
    assert all(716 <= one[3] <= 720 for one in (loud, soft))
    assert soft[2] < loud[2]
    dots = [one for one in drawn if one[0] == kit]
    assert {one[1] for one in dots} == {64 + 360, 64 + 1080}
    assert {one[3] for one in dots} == {0}
    assert min(one[2] for one in dots) > loud[2]


def test_strokes_of_one_path_are_where_their_notes_are() -> None:
    """Each begins from the end of the one before: right and up or down by so many rows."""
    rows = [(0.0, 1.0, 60, 90), (1.0, 2.0, 65, 90), (2.0, 4.0, 62, 90)]
    drawn = sorted(strokes(page(Song((Track("Koto", notes=as_notes(rows)),)))), key=lambda s: s[1])
    assert [one[1] for one in drawn] == [64, 64 + 360, 64 + 720]
    first, second, third = (one[2] for one in drawn)
    assert second < third < first
    assert (first - second) / (first - third) == 5 / 2


def test_velocity_is_opacity() -> None:
    """Loud notes are drawn apart from soft ones."""
    paths = [path for path in page(SONG).iter(f"{SVG}path") if path.get("stroke-opacity")]
    shades = {path.attrib["stroke-opacity"] for path in paths if "M64 " in path.attrib["d"]}
    assert shades == {"1"}
    assert {path.attrib["stroke-opacity"] for path in paths} == {"0.5", "1"}


@pytest.mark.parametrize("name", NAMES.values())
def test_any_name_is_inert(name: str) -> None:
    """Nothing of a name or title becomes a tag, an attribute or an address."""
    song = Song((replace(KOTO, name=name), replace(DRUMS, name=name)), title=name)
    page(song)
    page(mk.compare(song, Song((replace(KOTO, name=name + "!"),))))
    page(mk.pianoroll(song, fs=1))


@pytest.mark.parametrize(
    ("tracks", "notes"), [(1, 50_000), (10, 5_000), (30, 1_700), (300, 170), (1, 1), (4, 0), (0, 0)]
)
def test_the_size_is_bounded(tracks: int, notes: int) -> None:
    """Whatever the number of notes and tracks; parts past the thirtieth are counted."""
    root = page(noise(tracks, notes))
    assert len(cells(root)) == (1 + min(tracks, 31) if tracks else 0)
    if tracks > 30:
        assert f"and {tracks - 30} tracks more" in words(root)
    assert len(strokes(root)) <= 7_000


def test_a_coarser_picture_keeps_to_its_place() -> None:
    """However few strokes there may be, they cover the times of the notes and nothing before."""
    song = noise(8, 3_000)
    late = Song(
        tuple(replace(track, notes=mk.shift(track.notes, 600.0)) for track in song), title="late"
    )
    drawn = strokes(page(late))
    half = 64 + 720
    assert min(one[1] for one in drawn) >= half - 96
    assert max(one[1] + one[3] for one in drawn) <= 64 + 1440


@pytest.mark.parametrize("end", [1e-9, 1e-3, 7.0, 1e5, 1e300])
def test_any_length_has_round_seconds_below(end: float) -> None:
    """At most six, the first 0, each where it is."""
    svg = ET.fromstring(
        roll_svg(parts_of(Song((replace(KOTO, notes=as_notes([(0, end, 60, 80)])),))), end)
    )
    ticks = [text.text or "" for text in svg.iter(f"{SVG}text") if (text.text or "").endswith(" s")]
    assert ticks[0] == "0 s"
    assert 1 <= len(ticks) <= 12


def test_a_grid_says_tempo_meter_and_how_sure() -> None:
    """With other readings, and its tempo over time where that changes."""
    demo = demo_songs()[1]
    grid = mk.estimate_beats(demo.song())
    assert grid is not None
    root = page(grid)
    assert words(root).startswith(f"{grid.bpm:.2f} bpm 4/4 · {len(grid.beats)} beats · first bar")
    assert grid.confidence is not None
    assert cells(root)[1][3:] == [
        f"{sure:.2f}"
        for sure in (grid.confidence.pulse, grid.confidence.level, grid.confidence.bar)
    ]
    assert root.find(f".//{SVG}polyline") is not None


def test_a_steady_grid_that_was_given_is_a_line() -> None:
    """Nothing is drawn of a tempo that does not change, and nobody said how sure it is."""
    root = page(mk.BeatGrid.constant(90.0, 0.5, meter=(3, 4)))
    assert words(root) == "90.00 bpm 3/4 · 2 beats · first bar line at 0.500 s"


def test_the_tempo_of_a_long_song_stays_small() -> None:
    """A point for some beats together."""
    random = np.random.default_rng(1)
    page(mk.BeatGrid(np.cumsum(random.uniform(0.3, 0.6, 100_000))))


def test_a_comparison_counts_and_places_what_differs() -> None:
    """A row a pair of tracks, marks at the seconds of notes that have no partner, and words."""
    less = Song((replace(KOTO, notes=KOTO.notes[:1]), DRUMS))
    root = page(mk.compare(SONG, less))
    assert words(root).startswith("3 of 4 notes match, 1 missing · within 3 ms · F1 0.857")
    assert cells(root)[1] == ["Koto", "1", "1", "0", "0.667"]
    marks = [path.attrib["d"] for path in root.iter(f"{SVG}path") if path.get("stroke")]
    assert marks == ["M423 2v12"]
    assert "note 1 at 1.000 s, pitch 64 (E4), is missing" in words(root)


def test_a_comparison_without_differences_has_no_picture() -> None:
    """There is nothing to place."""
    root = page(mk.compare(SONG, SONG))
    assert root.find(f".//{SVG}svg") is None
    assert words(root).startswith("4 of 4 notes match · within 3 ms · F1 1.000")


def test_a_great_comparison_stays_small() -> None:
    """Tens of thousands of differences in hundreds of tracks."""
    page(mk.compare(noise(200, 100), noise(200, 100, seed=2)))


def test_a_roll_says_its_shape_and_shows_its_values() -> None:
    """What was changed in it shows as well; the notes counted are those that were painted."""
    roll = mk.pianoroll(SONG, fs=100.0)
    root = page(roll)
    assert words(root).startswith(
        "piano roll of 2 x 128 x 200: tracks, pitches, frames · 100 frames"
    )
    assert [row[3] for row in cells(root)[1:]] == ["2", "2"]
    many = len(strokes(root))
    roll.values[0, 70, 10:20] = 90
    assert len(strokes(page(roll))) == many + 1
    assert cells(page(roll))[1][4] == "C4 to A#4"


@pytest.mark.parametrize("frames", [0, 1, 1_441, 60_000])
def test_a_roll_of_any_length_is_shown(frames: int) -> None:
    """Frames are taken together where there are more than columns."""
    song = (
        Song((replace(KOTO, notes=as_notes([(0.0, frames / 100, 60, 80)])),))
        if frames
        else Song(())
    )
    root = page(mk.pianoroll(song, fs=100.0))
    assert len(strokes(root)) == (1 if frames else 0)


def test_reprs_are_short() -> None:
    """One line each, for a terminal."""
    values = [SONG, mk.BeatGrid.constant(120.0), mk.compare(SONG, SONG), mk.pianoroll(SONG)]
    assert [repr(value) for value in values] == [
        "<Song 2 tracks, 4 notes, 2.0 s>",
        "<BeatGrid 120.00 bpm 4/4, 2 beats>",
        "<Comparison 4 of 4 notes match>",
        "<PianoRoll 2 tracks x 128 x 200 frames, 100.0 a second>",
    ]
