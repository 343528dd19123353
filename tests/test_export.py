"""Grids as a file says them: bar lines, tempi, lead-ins, and claims that are judged."""

from __future__ import annotations

import io
from dataclasses import replace
from itertools import pairwise

import mido
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from midikit.convert.midi import to_midi
from midikit.errors import ConversionError
from midikit.model.beats import BeatGrid, Confidence, quarters_per_beat
from midikit.model.events import Event, as_controls
from midikit.model.notes import as_notes
from midikit.model.song import Song, Track
from midikit.model.tempo import TempoMap
from midikit.parse.midi import read_midi
from midikit.rhythm.barlines import bar_lines as grid_lines
from midikit.rhythm.constant import constant_tempo
from midikit.rhythm.export import with_grid
from midikit.rhythm.judge import judge_tempo
from midikit.rhythm.polyline import fit_polyline
from midikit.sandbox.hosted import DEFECTS, hosted_midi
from midikit.sandbox.songs import DemoSong, demo_songs

SONGS = {song.title: song for song in demo_songs()}
each_song = pytest.mark.parametrize("demo", SONGS.values(), ids=list(SONGS))
meters = st.sampled_from([(4, 4), (3, 4), (6, 8), (7, 8), (2, 2), (12, 8), (5, 4)])


def bar_lines(data: bytes, until: float) -> np.ndarray:
    """Compute the bar lines of a file in seconds from its ticks, as mido reads them."""
    file = mido.MidiFile(file=io.BytesIO(data))
    tempi, signatures, tick = [], [], 0
    for message in file.tracks[0]:
        tick += message.time
        if message.type == "set_tempo":
            tempi.append((tick, message.tempo))
        if message.type == "time_signature":
            signatures.append((tick, message.numerator, message.denominator))
    found: list[float] = []
    tempi.append((1 << 60, 0))
    signatures.append((1 << 60, 4, 4))
    passed = [0.0]
    for (begin, micro), (end, _) in pairwise(tempi):
        passed.append(passed[-1] + (end - begin) * micro / 1e6 / file.ticks_per_beat)
    for (begin, numerator, denominator), (end, _, _) in pairwise(signatures):
        step = numerator * 4 * file.ticks_per_beat // denominator
        for line in range(begin, end, step):
            row = max(i for i, (first, _) in enumerate(tempi) if first <= line)
            first, micro = tempi[row]
            second = passed[row] + (line - first) * micro / 1e6 / file.ticks_per_beat
            if second > until:
                break
            found.append(second)
    return np.array(found)


def tempo_map(grid: BeatGrid) -> TempoMap:
    """Tell the tempo map that is written for a grid."""
    return with_grid(Song(()), grid).tempo


def farthest(lines: np.ndarray, wanted: np.ndarray) -> float:
    """Tell the greatest distance of a wanted bar line from the nearest of the file."""
    return float(np.abs(lines[:, None] - wanted[None, :]).min(axis=0).max())


def check_file(song: Song, grid: BeatGrid) -> None:
    """Write and read back: bar lines within 3 ms, every note within a tick, time zero stays."""
    written = with_grid(song, grid)
    data = to_midi(written, overlap="keep")
    wanted = grid.downbeats[grid.downbeats >= 0]
    lines = bar_lines(data, float(wanted[-1]) + 5.0)
    if wanted[0] < 0.02:
        # Too little for a lead-in: the first bar line is second 0, and all are so much early.
        wanted = wanted - wanted[0]
    assert farthest(lines, wanted) < 0.005
    # No bar line too many either: those of the file from the first on are the grid's.
    first = lines[np.argmin(np.abs(lines - wanted[0]))]
    inside = lines[(lines >= first) & (lines < wanted[-1] + 0.003)]
    assert len(inside) == len(wanted)
    back = read_midi(data)
    tick = 60.0 / float(written.tempo.qpm.min()) / 480
    for one, other in zip(song, back, strict=True):
        assert np.abs(one.notes["start"] - other.notes["start"]).max(initial=0.0) <= tick
    bars = wanted[0] + 1e-6
    assert len(back.tempo.qpm) <= 1 + np.count_nonzero(grid.downbeats >= bars) + 1


@each_song
def test_bar_lines_of_the_demo_songs_lie_where_the_music_s_are(demo: DemoSong) -> None:
    """By default no note moves, and each bar line of the file is the song's."""
    check_file(demo.song(), demo.grid())


@each_song
def test_a_constant_song_has_one_tempo_besides_its_lead_in(demo: DemoSong) -> None:
    """None starts on a bar line at second 0; drifting ones have far fewer tempi than bars."""
    tempo = tempo_map(demo.grid())
    if demo.grid().is_constant:
        assert len(tempo.qpm) == 2
        assert 60e6 / tempo.qpm[1] == pytest.approx(round(60e6 / demo.qpm), abs=1e-6)
    else:
        assert 2 < len(tempo.qpm) < len(demo.downbeats) / 2
    assert 30 < tempo.qpm[0] <= 960


@each_song
def test_with_sync_bar_the_first_bar_line_opens_a_bar(demo: DemoSong) -> None:
    """All notes move by the same time, which the change tells."""
    song, grid = demo.song(), demo.grid()
    moved = with_grid(song, grid, sync="bar")
    shift = moved[0].notes["start"][-1] - song[0].notes["start"][-1]
    for before, after in zip(song, moved, strict=True):
        expected = np.maximum(before.notes["start"] + shift, 0.0)
        assert after.notes["start"] == pytest.approx(expected, abs=1e-9)
    bar = 4.0 * demo.meter[0] / demo.meter[1]
    first = float(moved.tempo.to_quarters(grid.downbeats[0] + shift)) / bar
    assert first == pytest.approx(round(first), abs=1e-3)
    assert round(first) == 0
    assert moved.changes[0].kind == "sync"
    assert f"{abs(shift):.3f} s {'earlier' if shift < 0 else 'later'}" in moved.changes[0].what
    lines = bar_lines(to_midi(moved), 400.0)
    assert farthest(lines, grid.downbeats + shift) < 0.003
    if grid.is_constant:
        assert moved.tempo.is_constant


@st.composite
def grids(draw: st.DrawFn) -> BeatGrid:
    """Draw a grid that drifts and jitters, of any meter, with any first bar line."""
    seed = draw(st.integers(0, 1 << 30))
    rng = np.random.default_rng(seed)
    count = draw(st.integers(2, 200))
    period = 60 / draw(st.floats(45, 200))
    walk = np.exp(np.cumsum(rng.normal(0, draw(st.sampled_from([0.0, 0.001, 0.01])), count)))
    steps = period * np.clip(walk, 0.5, 2) * (1 + rng.normal(0, 0.002, count).clip(-0.01, 0.01))
    first = draw(st.one_of(st.floats(-3, 6), st.sampled_from([0.0, 0.0001, 0.001, 0.02])))
    beats = first + np.concatenate([[0.0], np.cumsum(steps)])
    return BeatGrid(beats, draw(meters), draw(st.integers(0, 6)))


@given(grids())
@settings(max_examples=80, deadline=None)
def test_bar_lines_of_any_drifting_grid(grid: BeatGrid) -> None:
    """Rubato, pickups, beats before second 0, first bar lines right after it."""
    if not (grid.downbeats >= 0).any():
        return
    rng = np.random.default_rng(len(grid.beats))
    start = np.sort(rng.uniform(0, max(float(grid.beats[-1]), 1.0), 40))
    notes = as_notes(
        {"start": start, "end": start + 0.2, "pitch": np.full(40, 60), "velocity": np.full(40, 80)}
    )
    check_file(Song((Track("x", notes=notes),)), grid)


@given(st.floats(40, 220), st.integers(0, 3), meters)
@settings(max_examples=40, deadline=None)
def test_whole_bars_before_the_first_bar_line_need_no_lead_in(
    bpm: float, bars: int, meter: tuple[int, int]
) -> None:
    """A constant grid has exactly one tempo event then."""
    empty = BeatGrid.constant(bpm, meter=meter)
    offset = bars * empty.beats_per_bar * 60.0 / bpm
    grid = BeatGrid.constant(bpm, offset, meter=meter, end=offset + 30)
    tempo = tempo_map(grid)
    assert tempo.is_constant
    assert tempo.qpm[0] == pytest.approx(grid.qpm, rel=1e-5)


def test_a_bar_line_right_after_second_0_gets_a_short_bar_of_its_own() -> None:
    """A whole bar in 20 ms would be 12,000 quarters a minute."""
    song = with_grid(Song(()), BeatGrid.constant(120.0, 0.02, end=20.0))
    assert [(round(s, 6), n, d) for s, n, d in song.time_signatures] == [(0, 1, 64), (0.02, 4, 4)]
    assert song.tempo.qpm.round(1).tolist() == [187.5, 120.0]


def test_compound_meters_count_dotted_quarters() -> None:
    """60 felt beats a minute in 6/8 are 90 quarters; the metronome clicks each dotted one."""
    song = with_grid(Song(()), BeatGrid.constant(60.0, meter=(6, 8)))
    assert song.tempo.qpm.tolist() == pytest.approx([90.0], rel=1e-5)
    assert song.events == (Event(0.0, 0x58, bytes([6, 3, 36, 8])),)


def test_old_time_signatures_go_and_other_events_stay() -> None:
    """Markers are added on request, one a bar."""
    events = (Event(0.0, 0x58, bytes([3, 2, 24, 8])), Event(1.0, 6, b"Chorus"))
    grid = BeatGrid.constant(120.0, 0.5, end=5.0)
    song = with_grid(Song((), events=events), grid, markers=True)
    assert song.time_signatures == ((0.0, 4, 4),)
    assert song.markers == ((0.5, "Bar 2"), (1.0, "Chorus"), (2.5, "Bar 3"), (4.5, "Bar 4"))


def test_changes_tell_the_tempo_in_felt_beats() -> None:
    """Constant, with a lead-in, and drifting."""
    even = with_grid(Song(()), BeatGrid.constant(110.0))
    assert [str(c) for c in even.changes] == ["tempo of 110.00 bpm in 4/4 written"]
    late = with_grid(Song(()), BeatGrid.constant(120.0, 1.0, end=9.0))
    assert str(late.changes[0]) == (
        "tempo of 120.00 bpm in 4/4 written; a lead-in at 240.00 bpm reaches the first bar line at "
        "1.000 s, which is bar 2 of the file"
    )
    beats = np.concatenate([[0.0], np.cumsum(np.repeat([0.75, 1.0], 8))])
    drift = with_grid(Song(()), BeatGrid(beats, (6, 8)))
    assert str(drift.changes[0]) == "tempo map of 2 tempi around 68.57 bpm in 6/8 written"


def test_other_syncs_and_tempi_are_refused() -> None:
    """The message says what was given and what there is."""
    with pytest.raises(ConversionError, match="sync 'beat': expected time or bar"):
        with_grid(Song(()), BeatGrid.constant(120.0), sync="beat")  # type: ignore[arg-type]
    for bpm in (0.0, -1.0, float("nan")):
        with pytest.raises(ConversionError, match=r"bpm .*: expected a number above 0"):
            constant_tempo(Song(()), BeatGrid.constant(120.0), bpm)
    with pytest.raises(ConversionError, match=r"a \.mid holds"):
        constant_tempo(Song(()), BeatGrid.constant(120.0), 1.0)
    with pytest.raises(ConversionError, match=r"a \.mid holds"):
        tempo_map(BeatGrid.constant(1.0))


def test_what_scatters_before_the_first_bar_line_is_no_pickup() -> None:
    """A note 12 ms early begins with the song, and the change says so; one 40 ms early is one."""
    grid = BeatGrid.constant(120.0, 0.5, end=9.0)
    song = Song((Track("x", notes=as_notes([(0.488, 0.6, 60, 80), (1.01, 1.2, 60, 80)])),))
    moved = with_grid(song, grid, sync="bar")
    assert moved[0].notes["start"].tolist() == pytest.approx([0.0, 0.51])
    assert str(moved.changes[0]) == (
        "moved 0.500 s earlier, so that the first bar line is at 0.000 s; 1 note up to 12.0 ms "
        "before second 0 starts there"
    )
    early = Song((Track("x", notes=as_notes([(0.46, 0.6, 60, 80)])),))
    assert with_grid(early, grid, sync="bar")[0].notes["start"].tolist() == pytest.approx([1.96])
    assert constant_tempo(song, grid)[0].notes["start"].tolist() == pytest.approx([0.0, 0.51])


def test_pickup_bars_make_room_for_what_comes_before_the_first_bar_line() -> None:
    """Two beats before it: one whole bar, the notes on its third and fourth beat."""
    grid = BeatGrid(np.arange(1, 20) / 2, (4, 4), 2)
    song = Song((Track("x", notes=as_notes([(0.5, 0.6, 60, 80), (1.5, 1.6, 60, 80)])),))
    moved = with_grid(song, grid, sync="bar")
    assert moved[0].notes["start"].tolist() == pytest.approx([1.0, 2.0])
    assert moved.tempo.is_constant
    assert str(moved.changes[0]) == (
        "moved 0.500 s later, so that a pickup bar comes before the first bar line at 2.000 s"
    )


@each_song
@pytest.mark.parametrize("bpm", [None, 100.0])
def test_at_a_constant_tempo_every_note_keeps_its_beat(demo: DemoSong, bpm: float | None) -> None:
    """Counted from the first bar line, which falls on a bar line of the file."""
    song, grid = demo.song(), demo.grid()
    even = constant_tempo(song, grid, bpm)
    assert even.tempo.is_constant
    a_beat = quarters_per_beat(grid.meter)
    zero = None
    for before, after in zip(song, even, strict=True):
        beats = even.tempo.to_quarters(after.notes["start"]) / a_beat
        held = after.notes["start"] == 0.0
        shift = (beats - grid.beat_at(before.notes["start"]))[~held]
        zero = shift[0] if zero is None else zero
        assert shift == pytest.approx(zero, abs=1e-6)
    assert zero is not None
    assert zero / grid.beats_per_bar == pytest.approx(round(zero / grid.beats_per_bar), abs=1e-6)
    assert even.time_signatures == ((0.0, *demo.meter),)
    assert "constant" in even.changes[-1].what


def test_controls_and_markers_move_with_the_beats() -> None:
    """What stood on a beat stands on it still."""
    grid = BeatGrid(np.array([0.0, 0.5, 1.1, 1.6]))
    track = Track("x", controls=as_controls([(1.1, 0xB0, 64, 1)]), events=(Event(1.1, 5, b"la"),))
    even = constant_tempo(Song((track,), events=(Event(1.6, 6, b"B"),)), grid, 120.0)
    assert even[0].controls["seconds"].tolist() == pytest.approx([1.0])
    assert even[0].events[0].seconds == pytest.approx(1.0)
    assert even.events[1].seconds == pytest.approx(1.5)
    assert even.events[1].text == "B"


@given(st.lists(st.floats(0.1, 2), min_size=1, max_size=60), st.floats(1e-4, 0.1))
@settings(max_examples=80, deadline=None)
def test_lines_stay_within_their_tolerance(steps: list[float], within: float) -> None:
    """Everywhere, with corners at whole places and the ends covered."""
    values = np.concatenate([[1.0], 1.0 + np.cumsum(steps)])
    at, line = fit_polyline(values, within=within, longest=20)
    assert (at[0], at[-1], line[0]) == (0.0, len(values) - 1.0, 1.0)
    assert np.diff(at).max() <= 20
    fitted = np.interp(np.arange(len(values)), at, line)
    assert np.abs(fitted - values).max() <= within + 1e-9


def test_a_bar_line_under_20_ms_is_laid_at_second_0() -> None:
    """Instead of a 64th at a wild tempo; the notes stay, and it is told."""
    notes = as_notes([(0.005, 0.4, 60, 80)])
    written = with_grid(Song((Track("x", notes=notes),)), BeatGrid.constant(120.0, 0.005, end=20.0))
    assert written.time_signatures == ((0.0, 4, 4),)
    assert written.tempo.qpm.tolist() == [120.0]
    assert written[0].notes["start"].tolist() == [0.005]
    assert str(written.changes[0]) == (
        "tempo of 120.00 bpm in 4/4 written; all bar lines 5.0 ms early, the first at second 0"
    )


@pytest.mark.parametrize("first", [7200.005, 3601.2345, 9999.99])
@pytest.mark.parametrize("bpm", [120.0, 109.73])
def test_a_lead_in_of_hours_ends_on_the_first_bar_line(first: float, bpm: float) -> None:
    """Half a microsecond a quarter is 7 ms after two hours."""
    grid = BeatGrid.constant(bpm, first, end=first + 60)
    written = with_grid(Song(()), grid)
    lead = float(written.tempo.to_quarters(first)) / 4
    assert float(written.tempo.to_seconds(4 * round(lead))) == pytest.approx(first, abs=0.0016)
    assert len(written.tempo.qpm) <= 2


def test_markers_number_bars_as_the_file_does() -> None:
    """A lead-in is bar 1 in every sequencer; a song that begins with a bar line has none."""
    grid = BeatGrid.constant(120.0, 4.2, end=9.0)
    for even in (with_grid(Song(()), grid, markers=True),):
        bars = [float(even.tempo.to_quarters(second)) / 4 + 1 for second, _ in even.markers]
        assert [text for _, text in even.markers] == [f"Bar {round(bar)}" for bar in bars]
        assert even.markers[0][1] == "Bar 3"
    moved = with_grid(Song(()), grid, sync="bar", markers=True)
    assert moved.markers[0] == (0.0, "Bar 1")


def test_a_meter_that_is_replaced_is_told() -> None:
    """By a tempo map and by one tempo; the same meter says nothing."""
    song = Song((), events=(Event(0.0, 0x58, bytes([5, 2, 24, 8])),))
    grid = BeatGrid.constant(120.0)
    for written in (with_grid(song, grid), constant_tempo(song, grid)):
        assert str(written.changes[-1]) == "4/4 written instead of the 5/4 that was claimed"
        assert written.changes[-1].kind == "meter"
    assert len(with_grid(song, BeatGrid.constant(120.0, meter=(5, 4))).changes) == 1


def test_the_first_bar_line_is_one_that_a_file_can_have() -> None:
    """None before second 0."""
    grid = BeatGrid.constant(120.0, -0.504, end=19.0)
    assert grid_lines(grid)[0] == pytest.approx(1.496)


def test_one_tempo_tells_the_common_move_from_that_of_single_notes() -> None:
    """An even song only moves as a whole."""
    notes = as_notes([(t, t + 0.1, 60, 80) for t in np.arange(0.6, 9, 0.5)])
    song = Song((Track("x", notes=notes),))
    even = constant_tempo(song, BeatGrid.constant(120.0, 0.6, end=9.0))
    assert str(even.changes[-1]) == (
        "moved to a constant 120.00 bpm in 4/4, the whole song 0.600 s earlier"
    )
    bent = BeatGrid(np.array([*(0.6 + 0.5 * np.arange(9)).tolist(), 5.2]))
    told = str(constant_tempo(song, bent, 120.0).changes[-1])
    assert ", the whole song 0.600 s earlier, notes by up to 0." in told
    assert told.endswith(" s against it")


# Claims


@each_song
def test_claims_of_the_hosted_files_are_seen_through(demo: DemoSong) -> None:
    """One tempo that is not the music's, or an event a beat with beats missed: both are told."""
    defects = DEFECTS[demo.title]
    said = "; ".join(judge_tempo(read_midi(hosted_midi(demo)).tempo, demo.grid()))
    if defects.claimed_qpm is None:
        missed = len(defects.missed)
        assert f"{missed} beats missed (at " in said
        assert "tempo events, jittering by 0." in said
        assert f"its bars are {missed}.0 beats off the music's at the end" in said
    else:
        assert f"claims {defects.claimed_qpm:.2f}, the music plays " in said


@each_song
def test_our_own_tempo_maps_are_found_right(demo: DemoSong) -> None:
    """The map that is written keeps to the music: nothing is wrong with it."""
    grid = BeatGrid(demo.beats - demo.beats[0], demo.meter)
    assert judge_tempo(tempo_map(grid), grid) == ()


def test_a_wrong_tempo_is_told_with_the_time_until_a_beat_is_lost() -> None:
    """120 for 109.73: a beat in 5.84 s."""
    grid = BeatGrid.constant(109.73, 1.0, end=60.8)
    assert judge_tempo(TempoMap.constant(120.0), grid) == (
        "claims 120.00, the music plays 109.73: 1 beat off after 5.8 s, 10.2 beats at the end",
    )
    assert judge_tempo(TempoMap.constant(109.8), grid) == (
        "claims 109.80, the music plays 109.73: up to 0.07 beats (38 ms) off",
    )


def test_double_and_half_tempi_are_named() -> None:
    """A level is no drift."""
    grid = BeatGrid.constant(87.25, end=60.0)
    assert judge_tempo(TempoMap.constant(174.5), grid) == (
        "claims 174.50, twice the 87.25 that the music plays",
    )
    assert judge_tempo(TempoMap.constant(43.625), grid) == (
        "claims 43.62, half the 87.25 that the music plays",
    )


def test_bar_lines_beside_the_music_s_are_told() -> None:
    """The right tempo from the wrong second."""
    grid = BeatGrid.constant(120.0, 0.61, end=30.0)
    assert judge_tempo(TempoMap.constant(120.0), grid) == (
        "its bar lines lie 610 ms before the music's",
    )


@given(grids(), st.lists(st.tuples(st.floats(0.01, 3), st.floats(4, 900)), max_size=40))
@settings(max_examples=80, deadline=None)
def test_any_claim_can_be_judged(grid: BeatGrid, claimed: list[tuple[float, float]]) -> None:
    """Sentences of one line, or none."""
    seconds = np.concatenate([[0.0], np.cumsum([step for step, _ in claimed])])
    tempo = TempoMap(seconds, np.array([100.0] + [qpm for _, qpm in claimed]))
    for sentence in judge_tempo(tempo, grid):
        assert sentence
        assert "nan" not in sentence
        assert "\n" not in sentence


@each_song
def test_what_we_write_is_never_faulted(demo: DemoSong) -> None:
    """Neither the few tempi of a drift nor a lead-in at another pace, whatever the pickup."""
    for grid in (demo.grid(), demo.grid().shift_downbeat(1)):
        written = read_midi(to_midi(with_grid(demo.song(), grid)))
        bar_line = written.time_signatures[-1][0]
        assert judge_tempo(written.tempo, grid, bar_line=bar_line) == ()


def test_a_level_and_a_drift_are_one_finding() -> None:
    """Twice the music's tempo, and not quite: no second tempo of the music is named."""
    grid = BeatGrid.constant(62.5, end=96.0)
    (found,) = judge_tempo(TempoMap.constant(120.0), grid)
    assert found == (
        "claims 120.00, twice the 62.50 that the music plays: 1 beat off after 24.0 s, 4.0 beats "
        "at the end"
    )


def test_a_tempo_after_the_music_is_no_claim_about_it() -> None:
    """Nobody hears an event at the last tick."""
    claimed = TempoMap(np.array([0.0, 60.0]), np.array([120.0, 600.0]))
    (found,) = judge_tempo(claimed, BeatGrid.constant(110.0, end=60.0))
    assert found.startswith("claims 120.00, the music plays 110.00: ")


@pytest.mark.parametrize("sure", [0.3, 0.8])
def test_a_guess_is_no_evidence_against_a_claim(sure: float) -> None:
    """Bars that are a guess say nothing about a file's; a level that is one seems so."""
    grid = BeatGrid.constant(60.0, 0.5, end=60.0)
    grid = replace(grid, confidence=Confidence(1.0, sure, sure))
    said = judge_tempo(TempoMap.constant(60.0), grid)
    assert said == (() if sure < 0.6 else ("its bar lines lie 500 ms before the music's",))
    said = judge_tempo(TempoMap.constant(60.0), grid, meter=(5, 4))
    assert said == (() if sure < 0.6 else ("counts bars of 5/4, the music was found to be in 4/4",))
    (level,) = judge_tempo(TempoMap.constant(120.0), grid)
    assert level.endswith("that the music seems to play" if sure < 0.6 else "that the music plays")
