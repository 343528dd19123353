"""The benchmark of the beat grid measures what it says."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from tests.bench.beats import main
from tests.bench.beats_marks import judge
from tests.bench.beats_metrics import (
    METRICS,
    area_under_curve,
    calibrate,
    calibration_error,
    score,
)
from tests.bench.beats_songs import Case, pop909_songs
from tests.bench.synthetic import Made

PERIOD, FIRST, COUNT = 0.5, 0.75, 64


@pytest.fixture
def case() -> Case:
    """Return 16 bars of eighths at 120 BPM, with a stray note."""
    place = np.append(np.arange(0, COUNT - 1, 0.5), np.nan)
    onset = np.append(FIRST + PERIOD * place[:-1], 33.0)
    beats = FIRST + PERIOD * np.arange(COUNT, dtype=np.float64)
    made = Made({"onset": onset}, beats, beats[::4], 4, place, place, steady=True)
    return Case("const", "eighths", made, constant=True)


def answer(
    case: Case, *, factor: float = 1.0, phase: float = 0.0, opens: int = 0, size: int = 4
) -> dict[str, Any]:
    """Lay `factor` beats on each true one, from true beat `phase` on, bars from beat `opens`."""
    beats = FIRST + PERIOD * np.arange(phase, COUNT, 1 / factor)
    return {
        "beats": beats,
        "downbeats": beats[opens::size],
        "bpm": 120.0 * factor,
        "positions": (case.made.position - phase) * factor,
    }


def test_the_true_grid_scores_one(case: Case) -> None:
    """Every metric of the truth is 1, whether or not note positions are handed in."""
    true = answer(case)
    found = score(true, case)
    assert set(METRICS) | {"pulse_right", "level_right", "bar_right"} == set(found)
    assert found == dict.fromkeys(found, 1.0)
    del true["positions"]
    assert score(true, case) == found


def test_no_answer_scores_nothing(case: Case) -> None:
    """A song that is refused is wrong throughout."""
    found = score({"beats": [], "downbeats": [], "bpm": None}, case)
    assert found == dict.fromkeys(found, 0.0)


def test_half_the_tempo_is_right_up_to_an_octave(case: Case) -> None:
    """Every other beat: accuracy 2, AMLt and QPA forgive it, the others do not."""
    found = score(answer(case, factor=0.5), case)
    forgiven = {"accuracy2", "accuracy2_strict", "amlt", "qpa", "meter", "pulse_right"}
    assert {name for name in found if found[name] == 1} == forgiven
    assert found["beat_f"] == pytest.approx(2 / 3, abs=0.01)
    assert found["accuracy1"] == found["level_right"] == 0
    assert max(found["cmlt"], found["qpa_bar"]) < 0.01


def test_a_shifted_bar_costs_the_bar_alone(case: Case) -> None:
    """Bars a beat late: beats and QPA are right, downbeats and QPA-bar are wrong."""
    found = score(answer(case, opens=1), case)
    wrong = {"downbeat_f", "qpa_bar", "bar_right"}
    assert {name for name in found if found[name] == 0} == wrong
    assert {name for name in found if found[name] == 1} == set(found) - wrong


def test_beats_between_the_beats(case: Case) -> None:
    """Off-beats have the tempo and an allowed level, and no beat right."""
    found = score(answer(case, phase=0.5), case)
    assert found["accuracy1"] == found["qpa"] == found["pulse_right"] == 1
    assert found["amlt"] == pytest.approx(1, abs=0.05)
    assert found["beat_f"] == found["cmlt"] == found["qpa_bar"] == found["level_right"] == 0


def test_three_for_two_has_the_pulse_alone(case: Case) -> None:
    """Three beats on two are on the same lines, which only `pulse_right` forgives."""
    found = score(answer(case, factor=1.5, size=3), case)
    assert found["pulse_right"] == 1
    assert found["accuracy2"] == found["level_right"] == found["bar_right"] == 0
    assert found["qpa"] < 0.5


def test_bars_of_another_size(case: Case) -> None:
    """Bars of three where four are right: no meter, few downbeats, no bar phase."""
    found = score(answer(case, size=3), case)
    assert found["beat_f"] == 1
    assert found["meter"] == found["qpa_bar"] == found["bar_right"] == 0
    assert 0 < found["downbeat_f"] < 0.5


def test_the_strict_tempo_is_strict(case: Case) -> None:
    """A tempo 0.5 % off is within 4 %, and not within 0.1 %."""
    found = score(answer(case) | {"bpm": 120.6}, case)
    assert (found["accuracy1"], found["accuracy1_strict"], found["accuracy2_strict"]) == (1, 0, 0)


def test_what_a_song_cannot_tell_is_left_out(case: Case) -> None:
    """No strict tempo where it drifts, no bar where bars are unknown, nothing without a grid."""
    found = score(answer(case), replace(case, constant=False, bars_known=False))
    missing = {
        "accuracy1_strict",
        "accuracy2_strict",
        "downbeat_f",
        "meter",
        "qpa_bar",
        "bar_right",
    }
    assert set(score(answer(case), case)) - set(found) == missing
    stray = replace(case, made=replace(case.made, steady=False))
    assert score(answer(case), stray) == {"pulse_right": 0, "level_right": 0, "bar_right": 0}


def test_swing_may_be_written_as_played_or_in_thirds(case: Case) -> None:
    """A note counts on the half of its beat and on the last third of it."""
    place = case.made.position
    thirds = np.where(place % 1 == 0.5, np.floor(place) + 2 / 3, place)
    swung = replace(case, made=replace(case.made, notated=thirds))
    for positions in (place, thirds):
        assert score(answer(case) | {"positions": positions}, swung)["qpa_bar"] == 1
    assert score(answer(case) | {"positions": thirds}, case)["qpa_bar"] == pytest.approx(
        0.5, abs=0.01
    )


def test_area_under_curve() -> None:
    """Told apart 1, alike 0.5, two of four pairs right and one even 0.625."""
    assert area_under_curve(np.array([0.8, 0.9]), np.array([0.1, 0.2])) == 1
    assert area_under_curve(np.array([0.5]), np.array([0.5])) == 0.5
    assert area_under_curve(np.array([0.2, 0.9]), np.array([0.2, 0.3])) == 0.625
    assert np.isnan(area_under_curve(np.array([0.2]), np.array([])))


def test_calibration() -> None:
    """Bins hold the mean confidence and the share that is right; the error weighs them by size."""
    sure = np.array([0.5, 0.5, 1.0, 1.0, 1.0, 1.0])
    right = np.array([1.0, 0.0, 1.0, 1.0, 1.0, 0.0])
    half, full = calibrate(sure, right)
    assert half == (0.4, 0.6, 2, 0.5, 0.5)
    assert full == (0.99, 1.0, 4, 1.0, 0.75)
    assert calibration_error([half, full]) == pytest.approx(4 / 6 * 0.25)


def test_marks_are_judged_where_their_suites_ran() -> None:
    """A mark takes the mean of its suites and says how much is missing, up or down."""
    suites = {"const": {"accuracy2_strict": 1.0}, "jitter": {"accuracy2_strict": 0.96}}
    tempo, refused = judge(suites, {"refused": 0.03})
    assert (tempo.mark.metric, tempo.figure) == ("accuracy2_strict", 0.98)
    assert tempo.missed_by == pytest.approx(0.01)
    assert refused.mark.metric == "refused"
    assert refused.missed_by == pytest.approx(0.02)
    assert judge(suites, {"refused": 0.0})[1].missed_by == 0
    assert judge({"const": {"accuracy2_strict": 1.0}}, {}) == []


def test_the_songs_of_pop909() -> None:
    """The packed songs are complete: 50, a position a note, beats that increase."""
    songs = list(pop909_songs())
    assert len(songs) == len({song.name for song in songs}) == 50
    assert sum(song.bars_known for song in songs) == 17
    for song in songs:
        assert len(song.made.position) == len(song.made.notes["onset"])
        assert (np.diff(song.made.beats) > 0).all()
        assert np.isin(song.made.downbeats, song.made.beats).all()


def test_a_short_run(capsys: pytest.CaptureFixture[str]) -> None:
    """A few songs: midikit finds their grids, and what files claim is far from them."""
    few = ["--songs", "1", "--pop909-songs", "1", "--groups", "const,drift,negative,pop909"]
    assert main([*few, "--json", "--list", "--neighbours", "claimed,pretty_midi"]) == 0
    out, err = capsys.readouterr()
    ours, claimed, other = (json.loads(line) for line in out.splitlines())
    assert [row["estimator"] for row in (ours, claimed, other)] == [
        "midikit",
        "claimed",
        "pretty_midi",
    ]
    for suite in ("const", "drift", "pop909"):
        assert ours["suites"][suite]["beat_f"] > 0.9
        assert claimed["suites"][suite]["beat_f"] < 0.5
        assert set(other["suites"][suite]) <= {
            *METRICS,
            "seconds_median",
            "seconds_p95",
            "seconds_max",
        }
    assert (ours["totals"]["refused"], ours["totals"]["accepted"]) == (0, 0)
    assert "auc" not in claimed["totals"]
    assert set(ours["calibration"]) == {"all suites", "pop909"}
    assert sum(row["size"] for row in ours["calibration"]["all suites"]["pulse"]["bins"]) == 3
    assert len(err.splitlines()) == 3 * 4


def test_the_tables_read(capsys: pytest.CaptureFixture[str]) -> None:
    """Without --json: a row a suite, the marks that can be judged, and the calibration."""
    assert main(["--songs", "1", "--groups", "const,negative"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines[1:5] if line] == [
        "midikit",
        "suite",
        "const",
        "negative",
    ]
    assert any(line.startswith("beat F, const") and line.endswith("reached") for line in lines)
    assert any(line.startswith("confidence.bar, all suites") for line in lines)


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["--groups", "const,rubato"], "'rubato'; expected const, jitter, drift, step"),
        (["--songs", "0"], "'0'; expected one song or more"),
        (["--pop909", "nowhere.json.gz"], "--pop909 nowhere.json.gz: no such file"),
    ],
)
def test_what_cannot_run_is_refused(
    arguments: list[str], line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """One line says which option is wrong and what is expected."""
    with pytest.raises(SystemExit, match="2"):
        main(arguments)
    assert line in capsys.readouterr().err
