"""The player's page as text: what it holds, its size, its policy, the same bytes again."""

from __future__ import annotations

import base64
import hashlib
import html
import json
import re
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from midikit.convert.audio.synth import SPREAD
from midikit.errors import LimitError
from midikit.model.beats import BeatGrid
from midikit.model.notes import as_notes
from midikit.model.song import Song, Track
from midikit.sandbox.songs import demo_songs
from midikit.view import Player, to_html, write_html

DEMO = demo_songs()[0]
TIMES = st.floats(0, 80_000)
ROWS = st.tuples(TIMES, TIMES, st.integers(0, 127), st.integers(1, 127))
TRACKS = st.lists(ROWS.map(lambda row: (*sorted(row[:2]), *row[2:])), max_size=20)


def data_of(page: str) -> dict[str, Any]:
    """Return what a page knows about its song."""
    found = re.search(r'<script type="application/json" id="song">(.*?)</script>', page)
    assert found is not None
    data: dict[str, Any] = json.loads(found[1])
    return data


def unpacked(flat: list[int]) -> np.ndarray:
    """Return start and end in milliseconds, pitch and velocity, a row a note."""
    rows = np.array(flat, np.int64).reshape(-1, 4)
    rows[:, 0] = np.cumsum(rows[:, 0])
    rows[:, 1] += rows[:, 0]
    return rows


@given(st.lists(TRACKS, max_size=3))
def test_every_note_is_in_the_page(tracks: list[list[tuple[float, ...]]]) -> None:
    """Times to half a millisecond, pitch and velocity exactly, in order."""
    song = Song(tuple(Track("Koto", notes=as_notes(rows)) for rows in tracks))
    page = to_html(song, grid=None)
    (version,) = data_of(page)["versions"]
    for track, packed in zip(song, version["tracks"], strict=True):
        rows, notes = unpacked(packed["notes"]), track.notes
        assert np.abs(rows[:, 0] - 1000 * notes["start"]).max(initial=0) <= 0.5001
        assert np.abs(rows[:, 1] - 1000 * notes["end"]).max(initial=0) <= 0.5001
        assert (rows[:, 2] == notes["pitch"]).all()
        assert (rows[:, 3] == notes["velocity"]).all()


def test_the_page_is_small_and_the_same_again() -> None:
    """Under 100 KB and 20 bytes a note; nothing in it depends on the day or the machine."""
    song = DEMO.song()
    page = to_html(song, title=DEMO.title)
    assert page == to_html(DEMO.song(), title=DEMO.title)
    assert len(to_html(Song(())).encode()) < 70_000
    assert len(page.encode()) < 100_000
    rng = np.random.default_rng(1)
    rows = [(t, t + 0.3, int(rng.integers(128)), 99) for t in rng.uniform(0, 3600, 20_000)]
    large = Song((Track("Koto", notes=as_notes(rows)),))
    assert len(to_html(large, grid=None).encode()) < 100_000 + 20 * 20_000


def test_the_policy_allows_the_script_and_the_style_alone() -> None:
    """Nothing by default; what runs, by its hash; no attribute that acts."""
    page = to_html(DEMO.song())
    policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]*)"', page)
    assert policy is not None
    rules = dict(rule.split(" ", 1) for rule in policy[1].split("; "))
    assert rules["default-src"] == "'none'"
    assert "unsafe" not in policy[1]
    for kind, tag in (("script-src", "<script>"), ("style-src", "<style>")):
        text = page.split(tag)[1].split(tag.replace("<", "</"))[0]
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert rules[kind] == f"'sha256-{digest}'"
    markup = re.sub(r"<(script|style).*?</\1>", "", page, flags=re.DOTALL)
    assert not re.search(r"\son\w+=|\sstyle=|javascript:|https?:", markup)
    assert not re.search(r"https?://|\beval\(|innerHTML|insertAdjacentHTML", page)


def test_the_grid_is_the_one_found_given_or_none() -> None:
    """Beats from before second 0 to after the end; a bar line is the true one."""
    song = DEMO.song()
    data = data_of(to_html(song, grid=DEMO.grid()))
    beats = np.cumsum(data["beats"]) / 1000
    assert beats[0] <= 0 < beats[1]
    assert beats[-2] <= song.end <= beats[-1] + 1e-3
    bars = beats[data["first"] % data["perBar"] :: data["perBar"]]
    number = DEMO.grid().bar_at(bars)
    assert np.abs(number - np.rint(number)).max() < 0.001
    found = np.cumsum(data_of(to_html(song))["beats"]) / 1000
    assert np.abs(found - beats).max() < 0.02
    assert data_of(to_html(song, grid=None))["beats"] == []


def test_what_has_no_end_is_refused() -> None:
    """A day of music, and more beats than a page can show."""
    long = Song((Track("Koto", notes=as_notes([(90_000.0, 90_001.0, 60, 80)])),))
    with pytest.raises(
        LimitError, match="page of 25 hours of notes: the limit is 24; raise it with max_seconds="
    ):
        to_html(long)
    assert "Koto" in to_html(long, max_seconds=1e5)
    endless = Song((Track("Koto", notes=as_notes([(0.0, 1e300, 60, 80)])),))
    with pytest.raises(LimitError, match="max_seconds="):
        to_html(endless, max_seconds=float("inf"))
    short = Song((Track("Koto", notes=as_notes([(0.0, 3000.0, 60, 80)])),))
    with pytest.raises(LimitError, match="the limit of a page is 200,000; pass grid=None"):
        to_html(short, grid=BeatGrid.constant(6000.0))


def test_the_hosted_version_plays_what_it_claims() -> None:
    """Ours by the names, theirs by their programs; drums off channel 10 are no drums there."""
    notes = as_notes([(0.0, 0.5, 38, 80)])
    ours = Song((Track("Drums", is_drum=True, notes=notes), Track("Koto", notes=notes)))
    theirs = Song(
        (
            Track("Drums", 1, is_drum=True, notes=notes, channel=0),
            Track("Koto", 1, notes=notes[:0], channel=0),
        )
    )
    data = data_of(to_html(ours, hosted=theirs, grid=None))
    sounds = [[track["tone"] for track in version["tracks"]] for version in data["versions"]]
    assert sounds == [[None, "107"], ["1", "1"]]
    assert set(data["tones"]) == {"1", "107"}
    assert data["drums"]["38"]["name"] == "Acoustic Snare"
    assert [track["odd"] for track in data["versions"][0]["tracks"]] == [[], [0]]


def test_a_notebook_shows_it_in_a_sandbox(tmp_path: Any) -> None:
    """One frame whose document is the page, letter for letter; save writes the same."""
    song = DEMO.song()
    player = song.player(title='"><script>')
    assert isinstance(player, Player)
    shown = player._repr_html_()
    found = re.fullmatch(
        r'<iframe sandbox="allow-scripts" [^<>]* srcdoc="([^"<>]*)"></iframe>', shown
    )
    assert found is not None
    assert html.unescape(found[1]) == player.page == to_html(song, title='"><script>')
    player.save(tmp_path / "a.html")
    write_html(song, tmp_path / "b.html", title='"><script>')
    assert (tmp_path / "a.html").read_bytes() == (tmp_path / "b.html").read_bytes()
    assert (tmp_path / "a.html").read_bytes().decode() == player.page


def test_parts_stand_apart_as_in_the_plain_synthesizer() -> None:
    """Drums and empty parts take no place."""
    notes = as_notes([(0.0, 0.5, 60, 80)])
    drums = Track("Drums", is_drum=True, notes=notes)
    parts = [Track("Koto", notes=notes), drums, Track("Flute"), Track("Harp", notes=notes)]
    (version,) = data_of(to_html(Song(tuple(parts)), grid=None))["versions"]
    assert [track["pan"] for track in version["tracks"]] == [SPREAD[0], 0.0, 0.0, SPREAD[1]]
