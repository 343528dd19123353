"""Tempo, bars, lags, quantizing and sync on the command line: files written, words and JSON."""

from __future__ import annotations

import io
import json
import re
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from midikit.model.notes import as_notes
from midikit.model.song import Song, Track
from midikit.parse.midi import read_midi
from midikit.rhythm import layout
from midikit.sandbox.hosted import hosted_midi
from midikit.sandbox.songs import demo_songs

POP, BALLAD, SWING, JIG = (demo_songs()[index] for index in (0, 1, 3, 5))
TICK = 60 / 109.73 / 480
RATE = 16_000


@pytest.fixture
def pop(cli: Any, tmp_path: Path) -> Any:
    """Save the pop song, which has a constant tempo and a lag for each part, as pop.json."""
    (tmp_path / "pop.json").write_text(json.dumps(POP.answer()))
    return cli


def write_answer(path: str, *parts: tuple[str, Any]) -> None:
    """Save instruments as an answer."""
    names = ("start", "end", "pitch", "velocity")
    instruments = [
        {
            "name": name,
            "notes": [dict(zip(names, (*row[:3], row[3] / 127), strict=True)) for row in notes],
        }
        for name, notes in parts
    ]
    Path(path).write_text(json.dumps({"instruments": instruments}))


def gridless() -> list[tuple[float, float, int, int]]:
    """Make 200 notes at random times."""
    rng = np.random.default_rng(3)
    rows = [(t, t + 0.2, int(rng.integers(50, 80)), 80) for t in rng.uniform(0, 100, 200)]
    return [tuple(row) for row in as_notes(rows).tolist()]


def starts(song: Song) -> np.ndarray:
    """Put the starts of all notes in one row, track after track."""
    return np.concatenate([track.notes["start"] for track in song])


def bars_of(song: Song) -> np.ndarray:
    """List the first bar lines of a file in seconds: those of its last time signature."""
    second, numerator, denominator = song.time_signatures[-1]
    first = float(song.tempo.to_quarters(second))
    quarters = first + 4.0 * numerator / denominator * np.arange(60)
    return np.asarray(song.tempo.to_seconds(quarters))


def distance(one: np.ndarray, other: np.ndarray) -> float:
    """Tell how far the farthest of some seconds is from the nearest of others."""
    return float(np.abs(one[:, None] - other[None, :]).min(axis=1).max())


@pytest.mark.parametrize("demo", [POP, BALLAD, SWING], ids=lambda demo: demo.title)
def test_by_default_bars_line_up_and_no_note_moves(cli: Any, demo: Any) -> None:
    """The file read back: seconds to within a tick, bar lines on the true ones, the true tempo."""
    Path("song.json").write_text(json.dumps(demo.answer()))
    run = cli("convert", "song.json", "--json")
    row, song = run.row(), read_midi(Path("song.mid"))
    assert np.abs(starts(song) - starts(demo.song())).max() <= TICK
    assert distance(demo.downbeats[:50], bars_of(song)) < 0.02
    assert song.time_signatures[-1][1:] == demo.meter
    grid = row["grid"]
    assert grid["bpm"] == pytest.approx(demo.bpm, rel=2e-4)
    assert (tuple(grid["meter"]), grid["beats_per_bar"], grid["pickup"]) == (demo.meter, 4, 0)
    assert grid["first_bar"] == pytest.approx(demo.downbeats[0], abs=0.012)
    assert grid["constant"] is (demo is not BALLAD)
    assert set(grid["confidence"]) == {"pulse", "level", "bar"}
    assert grid["alternatives"][0]["meter"]
    lags = np.array([lag["seconds"] for lag in row["lags"]])
    assert np.abs(np.diff(lags) - np.diff(demo.lags)).max() < 0.003
    assert (row["aligned"], row["sync_offset"], row["audio_offset"]) == (False, None, None)
    assert len(song.tempo.qpm) == (2 if demo is not BALLAD else row["tempo"]["events"])


def test_words_tell_tempo_meter_certainty_alternatives_and_lags(pop: Any) -> None:
    """A musician reads it at 80 columns, in convert as in inspect, and nothing is a repair."""
    for command in ("convert", "inspect"):
        run = pop(command, "pop.json")
        assert (
            "  tempo: 109.73 BPM throughout, in 4/4 (sure); first bar line at 0.616 s" in run.text
        )
        assert "  or: " in run.text
        assert "half time, 54.86 BPM (--tempo-hint 55)" in " ".join(run.text.split())
        lags = re.search(r"  lags: (.*(?:\n      .*)*)", run.text)
        assert lags is not None
        assert "Drums 5 ms early" in lags[1]
        assert "18 ms late" in " ".join(lags[1].split())
        assert "--align puts them" in " ".join(lags[1].split())
        talk = run.text[run.text.index("  tempo: ") :]
        assert max(map(len, talk.splitlines())) <= 80
        assert not re.search(r"warn|repair|dropp|skipp|fixed|clipp|ignored", run.text)


def test_a_drifting_tempo_and_a_swing_are_told(cli: Any) -> None:
    """With the range it drifts in, and how it swings."""
    Path("ballad.json").write_text(json.dumps(BALLAD.answer()))
    Path("swing.json").write_text(json.dumps(SWING.answer()))
    text = cli("inspect", "ballad.json", "swing.json").out
    assert "tempo: 87.36 BPM, nine beats in ten at 87.16 to 87.52, in 4/4 (sure)" in text
    assert "swung, in triplets" in " ".join(text.split())


def test_certainty_is_said_in_three_parts_where_they_differ(cli: Any, tmp_path: Path) -> None:
    """Twenty notes tell a pulse, hardly its level, and the options that ask for another."""
    example = Path(__file__).parent.parent / "fixtures" / "answers" / "example.json"
    run = cli("inspect", example)
    said = " ".join(run.out.split())
    assert "(steady beat: sure, tempo: " in said
    assert "a guess" in said
    assert re.search(r"or: \S.* \(--(tempo-hint|beats-per-bar|downbeat) [\d.]+\)", said)
    row = cli("inspect", example, "--json", "--tempo-hint", "110").row()
    assert row["grid"]["bpm"] == pytest.approx(110.06, abs=0.1)
    assert row["claimed_tempo_findings"] is None


def test_alternatives_come_by_asking_for_them(pop: Any) -> None:
    """What is proposed is what the option then gives."""
    half = pop("convert", "pop.json", "--tempo-hint", "55", "--json").row()["grid"]
    assert half["bpm"] == pytest.approx(POP.bpm / 2, rel=1e-3)
    waltz = pop("convert", "pop.json", "--beats-per-bar", "3", "-o", "x.mid", "--json").row()
    assert waltz["grid"]["meter"] == [3, 4]
    bars = pop("convert", "pop.json", "--downbeat", "1.1", "-o", "y.mid", "--json").row()["grid"]
    assert bars["first_bar"] == pytest.approx(0.616 + 60 / POP.bpm, abs=0.02)
    asked = pop("inspect", "pop.json", "--json").row()["grid"]["ask"]
    assert asked["--tempo-hint 55"] == "half time, 54.86 BPM"


def test_constant_and_quantized_is_straight_on_the_lines(cli: Any) -> None:
    """A drifting song at one tempo: every note on the tick of its score's position."""
    Path("ballad.json").write_text(json.dumps(BALLAD.answer()))
    words = ("--tempo", "constant", "--quantize", "auto")
    run = cli("convert", "ballad.json", *words)
    assert run.code == 0
    assert "moved to a constant 87.36 bpm in 4/4" in run.err
    assert "quantized to what each bar was played on: 2,038 of 2,038 notes moved" in run.err
    assert "tempo: 87.36 BPM throughout, in 4/4 (sure); first bar line at 0.000 s" in run.err
    assert "lags:" not in run.err
    assert "Drums: 14.5 ms early against the other parts; moved later by as much" in run.err
    song = read_midi(Path("ballad.mid"))
    assert len(song.tempo.qpm) == 1
    quarters = song.tempo.to_quarters(starts(song))
    assert (np.abs(quarters - BALLAD.positions) < 1e-6).mean() > 0.99
    row = cli("convert", "ballad.json", *words, "-o", "x.mid", "--no-align", "--json").row()
    assert row["aligned"] is False
    assert row["quantized"]["largest"] > 0.02


def test_align_moves_parts_only_where_it_is_asked_for(pop: Any) -> None:
    """Under --tempo auto lags stay; --align takes them off and says by how much."""
    run = pop("convert", "pop.json", "--align", "-o", "x.mid")
    assert "Drums: 5.1 ms early against the other parts; moved later by as much" in run.err
    assert "lags:" not in run.err
    lags = [lag["seconds"] for lag in pop("inspect", "x.mid", "--json").row()["lags"]]
    assert max(map(abs, lags)) < 0.001


def test_sync_bar_prints_the_offset(pop: Any) -> None:
    """Bar 1 is the first downbeat, with a marker a bar where they are asked for."""
    run = pop("convert", "pop.json", "--sync", "bar", "--bar-markers")
    assert "  offset: the whole song moved 0.616 s earlier, for --sync bar" in run.err
    song = read_midi(Path("pop.mid"))
    assert song.time_signatures[0][0] == 0
    assert song.markers[0] == (0.0, "Bar 1")
    assert distance(np.array([s for s, _ in song.markers[:40]]), bars_of(song)) < 0.002
    assert song.tempo.is_constant
    row = pop("convert", "pop.json", "--sync", "bar", "-o", "x.mid", "--json").row()
    assert row["sync_offset"] == pytest.approx(-0.6156, abs=1e-3)
    Path("two").mkdir()
    run = pop("convert", "pop.json", "pop.json", "--sync", "bar", "-o", "two")
    assert "109.73 BPM in 4/4, moved 0.616 s earlier, " in run.err


@pytest.mark.parametrize("tempo", ["auto", "constant"])
def test_no_steady_beat_is_an_answer(cli: Any, tempo: str) -> None:
    """Exit code 0, the notes where they were, a nominal tempo, and plain words."""
    write_answer("free.json", ("Koto", gridless()))
    run = cli("convert", "free.json", "--tempo", tempo, "--quantize", "auto")
    assert run.code == 0
    assert "no steady beat found: written at a nominal 120 BPM" in run.err
    assert "nothing was quantized: there is no steady beat to move notes onto" in run.err
    assert "tempo in the .mid: 120 BPM, a nominal one" in run.err
    assert not re.search(r"warn|repair|dropp|skipp|fixed|clipp|ignored", run.text)
    song = read_midi(Path("free.mid"))
    assert song.tempo.qpm.tolist() == [120.0]
    free = np.array([row[0] for row in gridless()])
    assert np.abs(starts(song) - free).max() < 0.5 / 960 + 1e-9
    row = cli("convert", "free.json", "-o", "x.mid", "--json").row()
    assert (row["grid"], row["quantized"], row["exit"]) == (None, None, 0)
    cli("convert", "free.json", "--tempo", "93", "-o", "claim.mid")
    run = cli("convert", "claim.mid", "-o", "y.mid", "--tempo", tempo)
    assert "no steady beat found: the tempo stays as it was claimed" in run.err
    assert read_midi(Path("y.mid")).tempo.qpm == pytest.approx([93.0], abs=1e-3)
    assert "  tempo: no steady beat found" in cli("inspect", "claim.mid").out
    assert cli("inspect", "free.json", "--json").row()["grid"] is None
    assert "no steady beat" in cli("convert", "free.json", "claim.mid", "-o", "two").err


def test_options_of_quantizing_reach_it(pop: Any) -> None:
    """Window, ends, triplets, swing and strength change what is written."""

    def notes(*words: str) -> np.ndarray:
        run = pop("convert", "pop.json", "-o", "x.mid", "--force", "-q", "--quantize", *words)
        assert run.code == 0
        song = read_midi(Path("x.mid"))
        return np.concatenate([track.notes for track in song])

    plain = notes("1/16")
    for words in (
        ("1/16", "--strength", "0.5"),
        ("1/16", "--swing", "0.6"),
        ("1/16", "--window", "0.002"),
        ("1/8", "--triplets", "yes"),
        ("1/8t",),
    ):
        assert (notes(*words)["start"] != plain["start"]).any(), words
    snapped = notes("1/16", "--ends", "snap")
    assert np.array_equal(snapped["start"], plain["start"])
    assert (snapped["end"] != plain["end"]).any()


def test_tables_and_rolls_count_beats_of_the_grid(pop: Any) -> None:
    """The csv names bar and beat of each note as the .mid has them; a roll may have N a beat."""
    words = ("--tempo", "constant", "--quantize", "1/16", "--to", "csv,npz", "--per-beat", "4")
    assert pop("convert", "pop.json", *words).code == 0
    lines = Path("pop.csv").read_text().splitlines()
    assert lines[0].endswith(",velocity,beat,bar")
    bars = np.array([float(line.rsplit(",", 1)[1]) for line in lines[1:]])
    assert bars.min() == pytest.approx(1.0)
    assert np.abs(bars * 16 - np.rint(bars * 16)).max() < 1e-6
    with np.load("pop.npz", allow_pickle=False) as roll:
        sounding = np.flatnonzero(roll["values"].any(axis=(0, 1)))
        assert (sounding.min(), sounding.max()) == (0, roll["values"].shape[2] - 1)
        assert roll["values"].shape[2] == pytest.approx(64 * 4 * 4, abs=4)


def _clicks(name: str, notes: Any, late: float) -> None:
    """Write a .wav with a burst of noise `late` seconds after each note."""
    rng = np.random.default_rng(1)
    sound = np.zeros(int(45 * RATE))
    for start in notes["start"][notes["start"] < 43].tolist():
        first = round((start + late) * RATE)
        sound[first : first + 400] += rng.normal(0, 0.2, 400) * np.exp(-np.arange(400) / 100)
    data = np.rint(np.clip(sound, -1, 1) * 32767).astype("<i2").tobytes()
    form = b"fmt \x10\0\0\0\x01\0\x01\0" + RATE.to_bytes(4, "little")
    form += (2 * RATE).to_bytes(4, "little") + b"\x02\0\x10\0"
    body = b"WAVE" + form + b"data" + len(data).to_bytes(4, "little") + data
    Path(name).write_bytes(b"RIFF" + len(body).to_bytes(4, "little") + body)


def test_audio_is_measured_told_and_moved_to(pop: Any) -> None:
    """The song and its bars move by the offset, which is told with its spread."""
    for track in POP.song().tracks[:2]:
        _clicks(f"Song ({track.name}).wav", track.notes, 0.24)
    names = [str(path) for path in sorted(Path().glob("*.wav"))]
    words = [word for name in names for word in ("--audio", name)]
    run = pop("convert", "pop.json", *words)
    assert run.code == 0
    assert re.search(r"audio: 0\.2[34]\d s later than the notes, 2 files within \d+ ms\n", run.err)
    assert "Doubtful" not in run.err
    song = read_midi(Path("pop.mid"))
    assert np.median(starts(song) - starts(POP.song())) == pytest.approx(0.24, abs=0.006)
    assert distance(POP.downbeats[:40] + 0.24, bars_of(song)) < 0.02
    row = pop("convert", "pop.json", *words, "-o", "x.mid", "--json").row()["audio_offset"]
    assert (row["measured"], row["doubts"], len(row["files"])) == (True, [], 2)
    assert row["seconds"] == pytest.approx(0.24, abs=0.006)


def test_a_doubtful_measurement_is_called_so(pop: Any) -> None:
    """Audio of other music gives a number, and the sentence that it may be worth nothing."""
    other = as_notes([row for row in gridless() if row[0] < 40])
    _clicks("other.wav", other, 0.0)
    run = pop("convert", "pop.json", "--audio", "other.wav")
    assert run.code == 0
    said = " ".join(run.err.split())
    assert "Doubtful: " in said
    assert "hardly follows the notes" in said
    assert re.search(r"The song stays where it is; to move .* pass --audio-offset -?[\d.]+ ", said)
    assert np.abs(starts(read_midi(Path("pop.mid"))) - starts(POP.song())).max() <= TICK
    row = pop("convert", "pop.json", "--audio", "other.wav", "-o", "x.mid", "--json").row()
    assert row["audio_offset"]["applied"] is False
    assert row["audio_offset"]["doubts"]
    assert pop("convert", "pop.json", "--audio", "gone.wav").code == 1


def test_an_offset_that_loses_the_beginning_is_refused(pop: Any) -> None:
    """Notes are not piled up at second 0; it is said what is possible."""
    run = pop("convert", "pop.json", "--audio-offset", "-30")
    assert run.code == 1
    said = r"offset -30\.000 s: [\d,]+ of [\d,]+ notes would start before second 0; "
    said += r"expected -0\.\d+ or more"
    assert re.search(said, run.err)
    assert not Path("pop.mid").exists()


@pytest.mark.parametrize("tempo", ["auto", "source", "110"])
def test_an_audio_offset_moves_every_note(pop: Any, tempo: str) -> None:
    """Whatever the tempo; bars that were found move with the notes."""
    words = ("--audio-offset", "0.25", "--tempo", tempo, "--json")
    row = pop("convert", "pop.json", *words).row()
    song = read_midi(Path("pop.mid"))
    assert np.abs(starts(song) - starts(POP.song()) - 0.25).max() <= TICK
    assert row["audio_offset"] == {"seconds": 0.25, "measured": False, "applied": True}
    assert any("moved 0.250 s later" in change["what"] for change in row["changes"])
    if tempo == "auto":
        assert distance(POP.downbeats[:40] + 0.25, bars_of(song)) < 0.02
        assert row["grid"]["first_bar"] == pytest.approx(POP.downbeats[0] + 0.25, abs=0.012)


def _stems() -> list[str]:
    """Save three stems of the pop song, two of which call their instrument the same."""
    tracks = POP.song().tracks
    for file, name, track in (
        ("drums.json", "Drums", tracks[0]),
        ("bass.json", "Synth", tracks[1]),
        ("keys.json", "Synth", tracks[2]),
    ):
        write_answer(file, (name, track.notes.tolist()))
    return ["drums.json", "bass.json", "keys.json"]


def test_stems_become_one_song_on_one_grid(cli: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every note of three files, names that can be told apart, and a lag for each."""
    files = _stems()
    row = cli("convert", *files, "-o", "song.mid", "--merge", "--json").row()
    assert (row["source"], row["sources"]) == ("drums.json and 2 more", files)
    assert row["grid"]["bpm"] == pytest.approx(POP.bpm, rel=2e-4)
    names = [lag["name"] for lag in row["lags"]]
    assert names == ["Drums", "bass - Synth", "keys - Synth"]
    lags = np.array([lag["seconds"] for lag in row["lags"]])
    assert np.abs(np.diff(lags) - np.diff(POP.lags[:3])).max() < 0.003
    song = read_midi(Path("song.mid"))
    assert [track.name for track in song] == names
    expected = Song(POP.song().tracks[:3])
    assert np.abs(starts(song) - starts(expected)).max() <= TICK
    text = cli("convert", *files, "-o", "song.mid", "--merge").err
    assert text.startswith("drums.json and 2 more: 3 tracks, 2,033 notes")
    assert "Drums 5 ms early" in text
    for track, name in zip(expected, files, strict=True):
        assert len(track.notes) == read_midi(Path("song.mid"))[files.index(name)].notes.size
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(Path(files[0]).read_bytes())))
    assert cli("convert", "-", *files[1:], "-o", "piped.mid", "--merge").code == 0
    assert Path("piped.mid").read_bytes() == Path("song.mid").read_bytes()


def test_a_folder_of_stems_is_merged_under_its_name(cli: Any) -> None:
    """Without -o FILE the song is called after the folder, and never written among its stems."""
    Path("my song").mkdir()
    for name in _stems():
        Path(name).rename(Path("my song") / name)
    assert cli("convert", "my song", "-o", "out/", "--merge", "--to", "mid,csv").code == 0
    assert sorted(path.name for path in Path("out").iterdir()) == ["my song.csv", "my song.mid"]
    run = cli("convert", "my song", "-o", "my song", "--merge")
    assert run.code == 2
    assert "is the folder my song itself" in run.err
    Path("merged.mid").write_bytes(Path("out/my song.mid").read_bytes())
    run = cli("convert", "merged.mid", "my song", "--merge")
    assert run.code == 2
    run = cli("convert", "merged.mid", "my song/keys.json", "--merge", "--force")
    assert run.code == 2
    assert "merged.mid: its output would take the name of an input" in run.err


def test_a_merge_fails_as_one_and_says_which_file(cli: Any) -> None:
    """Half a song is no song; repairs say which stem they are from."""
    files = _stems()
    run = cli("convert", *files, "gone.json", "-o", "song.mid", "--merge", "--json")
    assert run.code == 1
    assert "Error: gone.json: no such file" in run.err
    assert run.row()["exit"] == 1
    assert not Path("song.mid").exists()
    write_answer("bad.json", ("Flute", [(0.0, 1.0, 200, 80), (0.0, 1.0, 60, 80)]))
    run = cli("convert", *files, "bad.json", "-o", "song.mid", "--merge")
    assert "    bad: instruments[0].notes[0].pitch: 200 is not a MIDI pitch" in run.err
    assert cli("convert", *files, "bad.json", "-o", "s.mid", "--merge", "--strict").code == 1
    run = cli("convert", *files, "-o", "x.mid", "--merge", "--program", "Synth=5")
    assert "no track is named 'Synth'; there are 'Drums', 'bass - Synth'" in run.err


def test_a_part_given_twice_is_refused_and_a_copy_is_told(cli: Any) -> None:
    """Every note would sound twice."""
    name, *_ = _stems()
    run = cli("convert", name, f"./{name}", "--merge", "-o", "x.mid")
    assert run.code == 2
    assert f"{name} is given twice; --merge takes each part once" in run.err
    assert not Path("x.mid").exists()
    Path("copy.json").write_bytes(Path(name).read_bytes())
    run = cli("convert", name, "copy.json", "--merge", "-o", "x.mid")
    assert run.code == 0
    assert re.search(rf"copy: \d+ notes are those of {name[:-5]}, and sound twice", run.err)


def test_inspect_says_what_is_wrong_with_a_claimed_tempo(cli: Any) -> None:
    """One event a beat, jittering, with beats missed; a file of ours has nothing wrong."""
    Path("hosted.mid").write_bytes(hosted_midi(BALLAD))
    out = " ".join(cli("inspect", "hosted.mid").out.split())
    assert "the file: 189 tempo events, jittering by 0.1 %, 4 beats missed (at 25.5, 56.4," in out
    row = cli("inspect", "hosted.mid", "--json").row()
    assert row["grid"]["bpm"] == pytest.approx(87.36, rel=2e-4)
    assert len(row["claimed_tempo_findings"]) == 2
    cli("convert", "hosted.mid", "-o", "mended.mid")
    assert "the file: its tempo keeps to the music" in cli("inspect", "mended.mid").out
    assert cli("inspect", "mended.mid", "--json").row()["claimed_tempo_findings"] == []


def test_a_song_too_large_is_converted_without_a_beat(
    pop: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The estimate is bounded, and that it was not tried is told."""
    monkeypatch.setattr(layout, "MOST_NOTES", 1000)
    run = pop("convert", "pop.json")
    assert run.code == 0
    assert "no beat looked for in more than 1,000 notes: written at a nominal 120 BPM" in run.err
    run = pop("inspect", "pop.json")
    assert "  tempo: not looked for in more than 1,000 notes" in run.out


def test_coarse_ticks_of_a_hosted_file_cost_no_accuracy(cli: Any) -> None:
    """Its 96 ticks a quarter lie on the notes only under the tempo it claims."""
    Path("hosted.mid").write_bytes(hosted_midi(POP))
    run = cli("convert", "hosted.mid", "-o", "a.mid")
    assert "480 ticks a quarter instead of 96, for the other tempo" in run.err
    song = read_midi(Path("a.mid"))
    assert song.ticks_per_quarter == 480
    assert np.abs(starts(song) - starts(POP.song())).max() <= TICK
    cli("convert", "hosted.mid", "-o", "b.mid", "--tempo", "source")
    assert read_midi(Path("b.mid")).ticks_per_quarter == 96
    cli("convert", "hosted.mid", "-o", "c.mid", "--ticks-per-quarter", "96")
    assert read_midi(Path("c.mid")).ticks_per_quarter == 96


def test_swing_without_offbeats_is_one_line(cli: Any) -> None:
    """6/8 has no second eighth that could swing: an input error, no traceback."""
    Path("jig.json").write_text(json.dumps(JIG.answer()))
    run = cli("convert", "jig.json", "--quantize", "1/8", "--swing", "0.6")
    assert run.code == 1
    assert re.search(
        r"^Error: jig\.json: swing 0\.6: the quarters of (6|12)/8 have no second", run.err
    )
    assert "Traceback" not in run.err
    assert "counting dotted quarters, 85.3" in " ".join(cli("inspect", "jig.json").out.split())


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--tempo", "quick"], "expected auto, constant, source or beats a minute"),
        (["--sync", "bar", "--tempo", "constant"], "--sync has no effect without --tempo auto"),
        (["--sync", "bar", "--tempo", "120"], "--sync has no effect without --tempo auto"),
        (["--sync", "beat"], "'beat' is not one of"),
        (["--tempo-hint", "90", "--tempo", "source"], "--tempo-hint has no effect without --tempo"),
        (["--beats-per-bar", "3", "--tempo", "90"], "--beats-per-bar has no effect without"),
        (["--bar-markers", "--tempo", "90"], "--bar-markers has no effect without --tempo auto"),
        (["--bar-markers", "--to", "csv"], "--bar-markers has no effect without --to mid"),
        (["--align", "--tempo", "90"], "--align has no effect without --tempo auto or constant"),
        (["--tempo-hint", "5"], "is not in the range 10"),
        (["--tempo-hint", "nan"], "'nan' is not a number"),
        (["--beats-per-bar", "0"], "is not in the range 1"),
        (["--downbeat", "2", "--tempo", "90"], "--downbeat has no effect without --tempo auto"),
        (["--downbeat", "x"], "'x' is not a number"),
        (["--swing", "0.6"], "--swing has no effect without --quantize"),
        (["--swing", "0.4", "--quantize", "1/8"], "is not in the range 0.5"),
        (["--swing", "0.6", "--quantize", "1/8t"], "--swing has no effect on --quantize 1/8t"),
        (["--triplets", "yes"], "--triplets has no effect without --quantize"),
        (["--triplets", "no", "--quantize", "1/16t"], "--quantize 1/16t is a triplet"),
        (["--window", "0.1"], "--window has no effect without --quantize"),
        (["--window", "-1", "--quantize", "1/8"], "is not in the range"),
        (["--ends", "snap"], "--ends has no effect without --quantize"),
        (["--audio-offset", "inf"], "'inf' is not a number"),
        (["--audio-offset", "1e9"], "is not in the range"),
        (["--audio", "a.wav", "--audio-offset", "1"], "--audio measures what --audio-offset says"),
        (["--audio", "a.wav", "--sync", "bar"], "--sync bar moves them from there"),
        (["--audio-offset", "1", "--tempo", "constant"], "--tempo constant moves them from there"),
        (["--per-beat", "4"], "--per-beat has no effect without --to npz"),
        (["--per-beat", "4", "--fs", "9", "--to", "npz"], "--per-beat is instead of --fs"),
        (["--audio", "-"], "--audio - is standard input; expected a FILE.wav"),
        (["--merge"], "--merge makes one song of several SOURCEs; there is only one"),
        (["pop.json", "--merge", "--check", "hosted"], "--check hosted goes without --merge"),
        (["pop.json", "--audio", "a.wav", "-o", "x"], "--audio goes with one SOURCE"),
    ],
)
def test_what_has_no_effect_or_no_sense_is_refused(
    pop: Any, words: list[str], message: str
) -> None:
    """A wrong option ends with exit code 2 and writes nothing."""
    run = pop("convert", "pop.json", *words)
    assert run.code == 2
    assert message in run.err
    assert sorted(path.name for path in Path().iterdir()) == ["pop.json"]


def test_hostile_names_stay_inside_their_lines(cli: Any) -> None:
    """Names of late parts are shown bounded and without control characters."""
    rows = [(0.5 * i, 0.5 * i + 0.3, 60, 90) for i in range(1, 80)]
    late = [(start + 0.03, end, pitch, velocity) for start, end, pitch, velocity in rows]
    write_answer("song.json", ("\x1b[2J" + "long " * 60, late), ("", rows))
    run = cli("inspect", "song.json")
    assert "\x1b" not in run.out
    assert "  lags: \\x1b[2Jlong" in run.out
    assert "track 2 15 ms early" in " ".join(run.out.split())
    lines = run.out.splitlines()
    first = next(i for i, line in enumerate(lines) if "tempo: " in line)
    assert max(map(len, lines[first : lines.index("")])) <= 80


def test_parts_of_one_name_are_told_apart_by_their_number(cli: Any) -> None:
    """As the table of inspect numbers them."""
    rows = [(0.5 * i, 0.5 * i + 0.3, 60, 90) for i in range(1, 80)]
    late = [(start + 0.03, end, pitch, velocity) for start, end, pitch, velocity in rows]
    write_answer("song.json", ("Bass", late), ("Bass", rows))
    said = " ".join(cli("inspect", "song.json").out.split())
    assert "lags: Bass (1) 15 ms late, Bass (2) 15 ms early" in said


def test_a_pickup_is_that_of_the_notes(cli: Any) -> None:
    """An eighth before the first bar line of 60 BPM is half a beat; a scatter is none."""
    beats = [0.6 + 0.5 * i for i in range(128)]
    drums = [(t, t + 0.1, (36, 42, 38, 42)[i % 4], 90) for i, t in enumerate(beats)]
    bass = [(t, t + 0.3, 40 + i // 4 % 4 * 2, 90) for i, t in enumerate(beats)]
    write_answer("even.json", ("Drums", drums), ("Bass", bass))
    write_answer("early.json", ("Drums", drums), ("Bass", [(0.1, 0.5, 40, 90), *bass]))
    even, early = (cli("inspect", name).out for name in ("even.json", "early.json"))
    assert "first bar line at 0.600 s\n" in even
    assert "first bar line at 0.600 s, after a pickup of 0.5 beats\n" in early
    moved = cli("convert", "even.json", "--audio-offset", "-0.604").err
    assert "reaches the first bar line at 3.996 s" in moved
    assert "first bar line at 3.996 s\n" in moved


def test_json_has_the_same_keys_for_every_input(cli: Any) -> None:
    """Whether or not there is a beat, scripts find each key."""
    write_answer("free.json", ("Koto", gridless()))
    Path("pop.json").write_text(json.dumps(POP.answer()))
    run = cli("convert", "free.json", "pop.json", "-o", "out", "--json")
    free, found = map(json.loads, run.out.splitlines())
    assert free.keys() == found.keys()
    assert {"grid", "lags", "aligned", "sync_offset", "audio_offset"} <= free.keys()
    assert [lag["seconds"] for lag in free["lags"]] == [None]
    run = cli("inspect", "free.json", "pop.json", "--json")
    free, found = map(json.loads, run.out.splitlines())
    assert free.keys() == found.keys()
    assert {"grid", "lags", "claimed_tempo_findings"} <= free.keys()


def test_a_track_keeps_its_part_in_a_merge_of_mids(cli: Any) -> None:
    """Files of ours merged again: the tempo of the first is claimed, the notes are all there."""
    files = _stems()
    for name, tempo in zip(files[:2], ("90", "120"), strict=True):
        cli("convert", name, "--tempo", tempo, "-o", f"{name[:-5]}.mid")
    run = cli("convert", "drums.mid", "bass.mid", "--merge", "--tempo", "source", "-o", "x.mid")
    assert "1 of 2 merged songs claim another tempo than the first" in run.err
    song = read_midi(Path("x.mid"))
    assert song.tempo.qpm == pytest.approx([90.0], abs=1e-3)
    kit, bass = song.tracks
    assert isinstance(kit, Track)
    assert (kit.is_drum, bass.is_drum) == (True, False)
    assert (len(kit), len(bass)) == tuple(len(track) for track in POP.song().tracks[:2])
