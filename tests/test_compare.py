"""Comparing songs: matching by brute force, tracks by hand, words by reading them."""

from __future__ import annotations

import json
import math
import pickle
import tracemalloc
from dataclasses import replace
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from midikit.errors import DifferenceError
from midikit.model.notes import as_notes, shift
from midikit.model.song import Song, Track
from midikit.verify.compare import compare
from midikit.verify.match import GUARD, Onsets, match_onsets
from midikit.verify.pairing import pair_tracks

if TYPE_CHECKING:
    from collections.abc import Sequence

Row: TypeAlias = tuple[float, float, int, int]

# Onsets on a grid of a millisecond, a few pitches: every note has several candidates.
rows = st.lists(
    st.tuples(st.integers(0, 12), st.integers(0, 40), st.integers(60, 61), st.integers(1, 127)).map(
        lambda row: (row[0] / 1000, (row[0] + row[1]) / 1000, row[2], row[3])
    ),
    max_size=9,
)
songs = st.lists(st.tuples(st.sampled_from(["Koto", "Bass", "Drums", ""]), rows), max_size=4)


def one(*table: Row, name: str = "Koto") -> Song:
    """Make a song of one track."""
    return Song((Track(name, notes=as_notes(table)),))


def song_of(parts: Sequence[tuple[str, Sequence[Row]]]) -> Song:
    """Make a song of named tables."""
    return Song(tuple(Track(name, notes=as_notes(table)) for name, table in parts))


def most_pairs(left: Sequence[float], right: Sequence[float], reach: float) -> tuple[int, float]:
    """Try every assignment: the most pairs, and the least sum of differences of those."""
    best = (0, 0.0)

    def search(i: int, used: int, count: int, cost: float) -> None:
        nonlocal best
        if i == len(left):
            best = min(best, (-count, cost))
            return
        search(i + 1, used, count, cost)
        for j, other in enumerate(right):
            if not used >> j & 1 and abs(other - left[i]) <= reach:
                search(i + 1, used | 1 << j, count + 1, cost + abs(other - left[i]))

    search(0, 0, 0, 0.0)
    return -best[0], best[1]


onsets = st.lists(st.integers(0, 9).map(lambda step: step / 1000), max_size=6).map(sorted)


@settings(max_examples=400)
@given(onsets, onsets, st.sampled_from([0.0, 0.001, 0.003]))
def test_no_matching_is_larger_or_nearer(
    left: list[float], right: list[float], tolerance: float
) -> None:
    """As many pairs as brute force finds, no note twice, and no smaller sum of differences."""
    sides = [
        Onsets(np.zeros(len(side), np.int64), np.array(side), np.array(side) + 1)
        for side in (left, right)
    ]
    a, b = match_onsets(sides[0], sides[1], tolerance=tolerance)
    found = np.abs(sides[0].start[a] - sides[1].start[b])
    count, cost = most_pairs(left, right, tolerance + GUARD)
    assert len(a) == len(b) == count
    assert len(set(a.tolist())) == len(set(b.tolist())) == count
    assert (found <= tolerance + GUARD).all()
    assert found.sum() == pytest.approx(cost, abs=1e-5)
    assert a.tolist() == sorted(a.tolist())


@given(rows, rows)
def test_pitches_match_only_themselves(left: list[Row], right: list[Row]) -> None:
    """The matches of a song are those of each pitch on its own."""
    report = compare(one(*left), one(*right))
    expected = 0
    for pitch in (60, 61):
        sides = [[row[0] for row in table if row[2] == pitch] for table in (left, right)]
        expected += most_pairs(sides[0], sides[1], 0.003 + GUARD)[0]
    assert report.matched == expected
    reference, estimate = report.reference_song[0].notes, report.estimate_song[0].notes
    ours = reference[report.pairs["reference_note"]]
    theirs = estimate[report.pairs["estimate_note"]]
    assert np.array_equal(ours["pitch"], theirs["pitch"])
    assert np.array_equal(report.onset_errors, theirs["start"] - ours["start"])
    assert np.array_equal(report.offset_errors, theirs["end"] - ours["end"])
    assert np.array_equal(report.velocity_differences, theirs["velocity"] - ours["velocity"])


@given(songs)
def test_a_song_is_the_same_as_itself(parts: list[tuple[str, list[Row]]]) -> None:
    """Nothing is missing or extra, and every error is zero."""
    song = song_of(parts)
    report = compare(song, song).raise_if_different()
    assert report.matched == song.note_count
    assert report.same
    assert report.precision == report.recall == report.f1 == 1.0
    assert not report.onset_errors.any()
    assert not report.offset_errors.any()
    assert not report.velocity_differences.any()
    assert report.differences() == []


@given(songs, songs)
def test_swapping_the_roles_swaps_missing_and_extra(
    left: list[tuple[str, list[Row]]], right: list[tuple[str, list[Row]]]
) -> None:
    """The number of matches is the same from either side, and never above either side's notes."""
    a, b = song_of(left), song_of(right)
    there, back = compare(a, b), compare(b, a)
    assert (there.matched, there.missing, there.extra) == (back.matched, back.extra, back.missing)
    assert there.matched + there.missing == a.note_count
    assert there.matched + there.extra == b.note_count
    assert (there.precision, there.recall) == (back.recall, back.precision)
    for name in ("matched", "missing", "extra"):
        assert sum(getattr(track, name) for track in there.tracks) == getattr(there, name)


@given(songs, st.randoms(use_true_random=False), st.floats(0, 0.01))
def test_the_order_of_differently_named_tracks_does_not_matter(
    parts: list[tuple[str, list[Row]]], random: np.random.Generator, late: float
) -> None:
    """Tracks find each other by name."""
    tracks = list(song_of(list(dict(parts).items())).tracks)
    moved = [replace(track, notes=shift(track.notes, late)) for track in tracks]
    shuffled = list(moved)
    random.shuffle(shuffled)
    a = compare(Song(tuple(tracks)), Song(tuple(moved)))
    b = compare(Song(tuple(tracks)), Song(tuple(shuffled)))
    assert [track.to_dict() | {"estimate": 0} for track in a.tracks] == [
        track.to_dict() | {"estimate": 0} for track in b.tracks
    ]


@given(st.lists(st.tuples(onsets, st.integers(60, 62)), min_size=1, max_size=4))
def test_one_instrument_over_several_tracks_loses_nothing(
    parts: list[tuple[list[float], int]],
) -> None:
    """However a name's notes are divided over tracks, the song has the same notes."""
    divided = song_of([("Bass", [(t, t + 1, pitch, 80) for t in times]) for times, pitch in parts])
    whole = song_of(
        [("Bass", divided.note_array()[["start", "end", "pitch", "velocity"]].tolist())]
    )
    assert compare(divided, whole).same
    assert compare(whole, divided).same


@pytest.mark.parametrize(
    ("reference", "estimate", "expected"),
    [
        (["a", "b"], ["b", "a"], [((0,), (1,)), ((1,), (0,))]),
        (["a", "a"], ["a", "a"], [((0,), (0,)), ((1,), (1,))]),
        (["a", "x"], ["y", "a"], [((0,), (1,)), ((1,), (0,))]),
        (["a", "a"], ["a"], [((0, 1), (0,))]),
        (["a"], ["a", "a", "a"], [((0,), (0, 1, 2))]),
        (["a", "a"], ["a", "x"], [((0,), (0,)), ((1,), (1,))]),
        (["a", "a", "b"], ["a", "b", "b"], [((0, 1), (0,)), ((2,), (1, 2))]),
        (["a"], [], [((0,), ())]),
        ([], ["a"], [((), (0,))]),
        (["a", "x", "z"], ["a", "y"], [((0,), (0,)), ((1,), (1,)), ((2,), ())]),
        (["x", "kit!"], ["drums!", "y"], [((0,), (1,)), ((1,), (0,))]),
        (["x", "kit!"], ["y", "z"], [((0,), (0,)), ((1,), (1,))]),
        ([], [], []),
    ],
)
def test_tracks_pair_by_name_then_order(
    reference: list[str], estimate: list[str], expected: list[tuple[tuple[int, ...], ...]]
) -> None:
    """Names first, renamed drums with drums, divided instruments as one, the rest alone."""
    sides = [
        Song(tuple(Track(name, is_drum=name.endswith("!")) for name in names))
        for names in (reference, estimate)
    ]
    assert [tuple(pair) for pair in pair_tracks(sides[0], sides[1])] == expected


@given(*[st.lists(st.sampled_from(["a", "b", "c", "d!", "e!"]), max_size=6)] * 2)
def test_every_track_is_in_exactly_one_pair(reference: list[str], estimate: list[str]) -> None:
    """No track is forgotten or compared twice."""
    sides = [
        Song(tuple(Track(name, is_drum=name.endswith("!")) for name in names))
        for names in (reference, estimate)
    ]
    pairs = pair_tracks(sides[0], sides[1])
    assert sorted(i for pair in pairs for i in pair.reference) == [*range(len(reference))]
    assert sorted(j for pair in pairs for j in pair.estimate) == [*range(len(estimate))]


def test_the_tolerance_is_inclusive() -> None:
    """3 ms is within 3 ms although the floats differ by a little more; 3.1 ms is not."""
    assert 10.003 - 10.0 > 0.003
    song = one((10.0, 11.0, 60, 80))
    assert compare(song, one((10.003, 11.0, 60, 80))).same
    assert not compare(song, one((10.0031, 11.0, 60, 80))).same
    assert compare(song, song, tolerance=0).same
    assert not compare(song, one((10.000001, 11.0, 60, 80)), tolerance=0).same


@pytest.mark.parametrize("tolerance", [-0.001, math.nan, math.inf])
def test_an_impossible_tolerance_is_refused(tolerance: float) -> None:
    """It has to be a length of time."""
    with pytest.raises(ValueError, match="is no length of time; expected seconds, 0 or more"):
        compare(one(), one(), tolerance=tolerance)


def test_the_end_decides_between_equal_onsets() -> None:
    """Of two notes struck at once the one that ends alike is the match."""
    report = compare(
        one((0, 1, 60, 80)), one((0, 0.1, 60, 80), (0, 1, 60, 80), (0, 4, 60, 80), (0, 5, 61, 80))
    )
    assert report.pairs["estimate_note"].tolist() == [1]
    crowd = compare(
        one((0, 1, 60, 80), (0, 2, 60, 80)),
        one((0, 0.1, 60, 80), (0, 1, 60, 80), (0, 1.9, 60, 80), (0, 9, 60, 80)),
    )
    assert crowd.pairs["estimate_note"].tolist() == [1, 2]


def test_joined_tracks_pair_the_ends_of_equal_onsets() -> None:
    """Notes struck at once in two tracks of one name find those that end alike."""
    divided = song_of([("Bass", [(0, 2, 40, 80)]), ("Bass", [(0, 1, 40, 80)])])
    report = compare(divided, one((0, 1, 40, 80), (0, 2, 40, 80), name="Bass"))
    assert report.matched == 2
    assert not report.offset_errors.any()
    assert sorted(report.pairs["reference_track"].tolist()) == [0, 1]


def test_a_crowd_of_equal_notes_takes_little_time_and_memory() -> None:
    """Fifty thousand notes in one place all find a partner."""
    many, fewer = (
        Song((Track("x", notes=as_notes(np.tile([[1.0, 2.0, 60.0, 80.0]], (n, 1)))),))
        for n in (50_000, 20_000)
    )
    assert compare(many, many).same
    report = compare(many, fewer)
    assert (report.matched, report.missing, report.extra) == (20_000, 30_000, 0)
    assert not report.onset_errors.any()


def test_memory_grows_with_the_notes_not_with_their_product() -> None:
    """Twenty thousand equal notes twice: a table of all pairs would take 400 MB."""
    many = Song((Track("x", notes=as_notes(np.tile([[1.0, 2.0, 60.0, 80.0]], (20_000, 1)))),))
    tracemalloc.start()
    try:
        assert compare(many, many).same
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 400 * 20_000


def test_a_long_chain_of_near_notes_is_matched() -> None:
    """Ten thousand notes of one pitch, each within reach of the next, every third one lost."""
    start = 0.002 * np.arange(10_000, dtype=np.float64)
    kept = np.flatnonzero(np.arange(10_000) % 3)
    reference, estimate = (
        Onsets(np.zeros(len(times), np.int64), times, times + 0.01)
        for times in (start, start[kept])
    )
    left, right = match_onsets(reference, estimate, tolerance=0.003)
    assert right.tolist() == [*range(len(kept))]
    assert (np.abs(start[left] - start[kept][right]) <= 0.003 + GUARD).all()
    assert len(set(left.tolist())) == len(left)


def test_large_clusters_are_matched_like_small_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the least difference is too dear to find, there are still as many pairs."""
    generator = np.random.default_rng(5)
    left, right = (np.sort(generator.uniform(0, 0.05, n)) for n in (60, 50))
    sides = [Onsets(np.zeros(len(t), np.int64), t, t + 1) for t in (left, right)]
    nearest = match_onsets(sides[0], sides[1], tolerance=0.003)
    monkeypatch.setattr("midikit.verify.match._MAX_CELLS", 0)
    walked = match_onsets(sides[0], sides[1], tolerance=0.003)
    assert len(walked[0]) == len(nearest[0])
    sums = [np.abs(left[a] - right[b]).sum() for a, b in (nearest, walked)]
    assert sums[0] < sums[1]


def test_errors_are_summarised_in_seconds() -> None:
    """Median, percentiles and largest leave the sign out; the shift keeps it."""
    reference = one(*((float(i), i + 0.5, 60, 80) for i in range(5)))
    late = one(*((i + 0.001 * (i - 1), i + 0.5, 60, 80 + i) for i in range(1, 5)), (0, 1, 60, 70))
    report = compare(reference, late)
    assert report.onset_errors.tolist() == pytest.approx([0, 0, 0.001, 0.002, 0.003])
    assert report.onset.median == pytest.approx(0.001)
    assert report.onset.max == pytest.approx(0.003)
    assert report.onset.p90 == pytest.approx(0.0026)
    assert report.onset.shift == pytest.approx(0.001)
    assert report.offset.max == pytest.approx(0.5)
    assert (report.velocity.max, report.velocity.shift) == (10, 2)


def test_the_first_differences_are_those_of_all_tracks() -> None:
    """Of three tracks, one without counterpart, the earliest lines by time, whatever the limit."""
    reference = song_of(
        [("A", [(3, 4, 60, 80), (1, 2, 61, 80)]), ("B", [(2, 3, 62, 80)]), ("C", [])]
    )
    estimate = song_of([("A", []), ("B", [(0.5, 1, 63, 80)]), ("C", [(1.5, 2, 64, 80)])])
    lines = [
        "B: note 0 at 0.500 s, pitch 63 (D#4), is extra",
        "A: note 0 at 1.000 s, pitch 61 (C#4), is missing",
        "C: note 0 at 1.500 s, pitch 64 (E4), is extra",
        "B: note 0 at 2.000 s, pitch 62 (D4), is missing",
        "A: note 1 at 3.000 s, pitch 60 (C4), is missing",
    ]
    for limit in range(7):
        assert compare(reference, estimate).differences(limit) == lines[:limit]


def test_nothing_compared_with_nothing() -> None:
    """Empty songs are the same; errors of no notes are not numbers."""
    report = compare(Song(()), Song(()))
    assert report.same
    assert (report.precision, report.recall, report.f1) == (1.0, 1.0, 1.0)
    assert math.isnan(report.onset.max)
    assert str(report) == "No notes on either side."
    assert compare(Song((Track("x"),)), Song(())).same
    against = compare(Song(()), one((0, 1, 60, 80)))
    assert (against.precision, against.recall, against.f1) == (0.0, 1.0, 0.0)


def test_differences_are_said_in_plain_words() -> None:
    """Which note, when, which pitch, and where a missing one may have gone."""
    drums = Track("Drums", is_drum=True, notes=as_notes([(0.5, 0.6, 38, 80)]))
    reference = Song((one((12.344, 13, 64, 80), (1, 2, 60, 80))[0], drums))
    estimate = Song((one((12.36, 13, 64, 80), (1, 2, 60, 80))[0], replace(drums, name="Kit")))
    moved = replace(estimate[1], notes=as_notes([(0.5, 0.6, 39, 80)]))
    report = compare(reference, Song((estimate[0], moved)))
    assert report.differences() == [
        "Drums: note 0 at 0.500 s, pitch 38 (Acoustic Snare), is missing",
        "Kit: note 0 at 0.500 s, pitch 39 (Hand Clap), is extra",
        "Koto: note 1 at 12.344 s, pitch 64 (E4), is missing; an extra one is 16.0 ms later",
        "Koto: note 1 at 12.360 s, pitch 64 (E4), is extra",
    ]
    assert report.differences(1) == report.differences()[:1]
    assert report.differences(0) == []
    assert str(report).splitlines()[:4] == [
        "1 of 3 notes match within 3 ms, 2 missing, 2 extra (F1 0.333).",
        "Starts: equal. Ends: equal. Velocities: equal.",
        "Koto: 1 of 2 notes match, 1 missing, 1 extra.",
        "Drums: 0 of 1 notes match, 1 missing, 1 extra.",
    ]
    assert repr(report) == "<Comparison 1 of 3 notes match, 2 missing, 2 extra>"
    assert (
        repr(report.tracks[1]) == "<TrackComparison 'Drums' 0 of 1 notes match, 1 missing, 1 extra>"
    )


def test_a_track_without_a_counterpart_is_one_line() -> None:
    """Its notes count, but are not listed one by one; same names are told apart."""
    song = song_of([("Bass", [(1, 2, 40, 80), (2, 3, 41, 80)]), ("", [(3, 4, 50, 80)])])
    assert compare(song, Song(())).differences() == [
        "Bass: the whole track is missing, 2 notes from 1.000 s on",
        "track 1: the whole track is missing, 1 note from 3.000 s on",
    ]
    twice = song_of([("Bass", [(1, 2, 40, 80)]), ("Bass", [(2, 3, 41, 80)])])
    assert compare(Song(()), twice).differences() == [
        "Bass (track 0): the whole track is extra, 1 note from 1.000 s on",
        "Bass (track 1): the whole track is extra, 1 note from 2.000 s on",
    ]
    assert compare(Song(()), twice).extra == 2


def test_names_are_escaped_in_messages() -> None:
    """A name cannot act on the terminal."""
    song = replace(one((0, 1, 60, 80), name="Lead\x1b[2J\n"), source="evil\x07.mid")
    other = replace(one(name="Lead\x1b[2J\n"), source="evil\x07.mid")
    with pytest.raises(DifferenceError) as caught:
        compare(song, other).raise_if_different()
    assert str(caught.value) == (
        "evil\\x07.mid: 0 of 1 notes match, 1 missing; first: "
        "Lead\\x1b[2J\\n: note 0 at 0.000 s, pitch 60 (C4), is missing"
    )
    assert "\x1b" not in str(compare(song, other))
    assert "\x1b" not in repr(compare(song, other).tracks[0])


def test_the_report_is_json() -> None:
    """Plain numbers and text; an error of no notes is null."""
    report = compare(one((0, 1, 60, 80), (1, 2, 62, 90)), one((0.002, 1, 60, 81)))
    data = json.loads(json.dumps(report.to_dict(), allow_nan=False))
    assert data["matched"] == 1
    assert data["tolerance"] == 0.003
    assert data["onset"]["max"] == pytest.approx(0.002)
    assert data["tracks"][0]["name"] == "Koto"
    assert data["tracks"][0]["reference"] == [0]
    assert data["differences"] == ["Koto: note 1 at 1.000 s, pitch 62 (D4), is missing"]
    nothing = json.loads(json.dumps(compare(one(), one()).to_dict(), allow_nan=False))
    assert nothing["velocity"] is None


def test_the_arrays_cannot_be_changed_and_pickle() -> None:
    """A report is a value."""
    report = compare(one((0, 1, 60, 80)), one((0, 1, 60, 80)))
    with pytest.raises(ValueError, match="read-only"):
        report.onset_errors[0] = 1.0
    with pytest.raises(ValueError, match="read-only"):
        report.tracks[0].pairs["reference_note"] = 3
    copy = pickle.loads(pickle.dumps(report))
    assert copy.to_dict() == report.to_dict()


def test_many_differing_tracks_are_summed_up() -> None:
    """The text stays short; the rest is counted."""
    tracks = [(f"t{i}", [(i / 10, i / 10 + 1, 60, 80)]) for i in range(20)]
    lines = str(compare(song_of(tracks), song_of([(name, []) for name, _ in tracks]))).splitlines()
    assert "… and 12 more tracks." in lines
    assert len(lines) == 1 + 8 + 1 + 5
