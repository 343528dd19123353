"""``convert --clean`` and ``--melody``: what is written, said, counted and checked."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from midikit.cleaning.report import CleanReport
from midikit.parse.midi import read_midi
from tests.test_cli_convert import REPAIR_WORDS

if TYPE_CHECKING:
    from pathlib import Path

    from midikit.model.song import Song

TUNE = [(0.5 * i, 0.5 * i + 0.4, 60 + (0, 2, 4, 5)[i % 4]) for i in range(32)]
GHOSTS = [(1.6, 1.61, 67), (4.008, 4.4, 60), (5.1, 5.2, 110)]


def instrument(name: str, rows: list[tuple[float, float, int]]) -> dict[str, Any]:
    """Write an instrument of an answer."""
    columns = ("start", "end", "pitch")
    return {
        "name": name,
        "notes": [{**dict(zip(columns, row, strict=True)), "velocity": 80 / 127} for row in rows],
    }


def save(path: Path, *instruments: dict[str, Any]) -> None:
    """Write an answer."""
    path.write_text(json.dumps({"data": {"instruments": instruments}}), encoding="utf-8")


@pytest.fixture
def song_json(tmp_path: Path) -> Path:
    """Save an answer with a click, an echo and a stray note as song.json."""
    path = tmp_path / "song.json"
    save(path, instrument("Koto", [*TUNE, *GHOSTS]))
    return path


def test_cleaning_is_off_unless_asked_for(cli: Any, song_json: Path) -> None:
    """Every note is written, and nothing is said."""
    run = cli("convert", "song.json")
    assert len(read_midi("song.mid")[0]) == len(TUNE) + 3
    assert "clean" not in run.err


@pytest.mark.parametrize("profile", ["light", "strong", "auto"])
def test_what_nobody_played_is_taken_out_and_listed(
    cli: Any, song_json: Path, profile: str
) -> None:
    """A change a rule, with its count and the tracks; the sum; the heading says what was read."""
    run = cli("convert", "song.json", "--clean", profile)
    assert run.code == 0
    assert "song.json: 1 track, 35 notes" in run.err
    assert "    retriggered: 1 note taken out, struck twice within a moment: Koto 1\n" in run.err
    assert "    short: 1 note taken out, too short to be meant: Koto 1\n" in run.err
    assert "    stray: 1 note taken out, far from its part's range and rhythm: Koto 1\n" in run.err
    assert f"  cleaned ({profile}): 3 of 35 notes taken out; the others as they came\n" in run.err
    assert not REPAIR_WORDS.search(run.text)
    notes = read_midi("song.mid")[0].notes
    assert notes["pitch"].tolist() == [pitch for _, _, pitch in TUNE]


def test_json_counts_by_rule(cli: Any, song_json: Path) -> None:
    """Beside the changes; null where nothing was asked for."""
    run = cli("convert", "song.json", "--clean", "light", "--json")
    row = json.loads(run.out)
    assert row["notes"] == 35
    assert row["melody"] is None
    assert row["cleaned"] == {
        "profile": "light",
        "removed": 3,
        "altered": 0,
        "rules": [
            {"rule": "retriggered", "notes": 1},
            {"rule": "short", "notes": 1},
            {"rule": "stray", "notes": 1},
        ],
    }
    assert [one["count"] for one in row["changes"] if one["kind"] == "clean"] == [1, 1, 1]
    assert json.loads(cli("convert", "song.json", "--json", "--force").out)["cleaned"] is None


def test_a_clean_song_is_said_to_be(cli: Any, song_json: Path) -> None:
    """Cleaning the result finds nothing."""
    cli("convert", "song.json", "--clean", "strong", "-o", "clean.mid")
    for word in ("light", "strong", "auto"):
        run = cli("convert", "clean.mid", "--clean", word, "-o", "again.mid", "--force")
        assert f"  cleaned ({word}): as it came\n" in run.err


def test_the_check_is_of_the_notes_that_came(cli: Any, song_json: Path) -> None:
    """No note was lost on the way to the list: the hosted file holds what came in."""
    cli("convert", "song.json", "-o", "hosted.mid", "--tempo", "source")
    run = cli("convert", "song.json", "--clean", "light", "--check", "hosted.mid")
    assert run.code == 0
    told = "the answer, before cleaning, has the same notes as hosted.mid: 35 notes, starts"
    assert told in run.err
    assert "the .mid was read back: it holds every note as meant" in run.err
    assert cli("convert", "hosted.mid", "--check", "song.mid", "-o", "x.mid").code == 5


def test_a_list_that_does_not_add_up_is_a_fault_of_ours(
    cli: Any, song_json: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is written is held against what came in."""

    def forgetful(self: CleanReport, song: Song) -> Song:
        return song

    monkeypatch.setattr(CleanReport, "restore", forgetful)
    run = cli("convert", "song.json", "--clean", "light")
    assert run.code == 70
    assert "cleaning altered notes that it did not list" in run.err
    assert not song_json.with_suffix(".mid").exists()


def test_cleaning_goes_with_the_other_steps(cli: Any, tmp_path: Path) -> None:
    """Quantizing, joining tracks, merging songs, other targets and several processes."""
    save(
        tmp_path / "a.json",
        instrument("Bass", [*TUNE, *GHOSTS]),
        instrument("Bass", [(start + 0.005, end, pitch) for start, end, pitch in TUNE[8:12]]),
    )
    save(tmp_path / "b.json", instrument("Koto", [*TUNE, *GHOSTS]))
    options = ["--clean", "light", "--tempo-hint", "120", "--quantize", "1/8"]
    run = cli(
        "convert", "a.json", "-o", "a.mid", "--merge-tracks", "name", "--to", "mid,csv", *options
    )
    assert run.code == 2  # one FILE for two targets
    run = cli(
        "convert", "a.json", "-o", "out", "--merge-tracks", "name", "--to", "mid,csv", *options
    )
    assert run.code == 0, run.err
    assert "  cleaned (light): 7 of 39 notes taken out" in run.err
    assert [len(track) for track in read_midi("out/a.mid")] == [32]
    assert (tmp_path / "out" / "a.csv").read_text().count("\n") == 33
    run = cli("convert", "a.json", "b.json", "-o", "both.mid", "--merge", *options)
    assert "  cleaned (light): 10 of 74 notes taken out" in run.err
    run = cli("convert", "a.json", "b.json", "-o", "two/", "--jobs", "2", *options, "--json")
    assert [json.loads(row)["cleaned"]["removed"] for row in run.out.splitlines()] == [7, 3]


def test_voices_can_be_set_by_name(cli: Any, tmp_path: Path) -> None:
    """A name that no track has is refused, as for --program."""
    chords = [(start, end, pitch + up) for start, end, pitch in TUNE for up in (0, 7)]
    save(tmp_path / "song.json", instrument("Koto", chords))
    run = cli("convert", "song.json", "--clean", "light", "--voices", "Koto=1")
    assert "crowded: 32 notes taken out, more voices than the part can play: Koto 32" in run.err
    run = cli("convert", "song.json", "--clean", "light", "--voices", "Oud=1", "--force")
    assert (run.code, run.err) == (
        1,
        "Error: song.json: --voices: no track is named 'Oud'; there are 'Koto'\n",
    )
    save(tmp_path / "other.json", instrument("Harp", chords))
    both = ("convert", "song.json", "other.json", "-o", "out", "--clean", "light")
    run = cli(*both, "--voices", "Koto=1", "--voices", "Oud=2", "--program", "Lute=3")
    assert run.code == 1
    assert "Error: --program: no track is named 'Lute'\n" in run.err
    assert "Error: --voices: no track is named 'Oud'\n" in run.err


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--voices", "Koto=1"], "--voices has no effect without --clean"),
        (["--clean", "light", "--voices", "Koto=0"], "expected NAME=NUMBER, a track's name"),
        (["--clean", "light", "--voices", "Koto"], "expected NAME=NUMBER, a track's name"),
        (["--clean", "light", *(["--voices", "K=1"] * 2)], "'K' is given twice"),
        (["--clean", "hard"], "'hard' is not one of 'off', 'light', 'strong', 'auto'"),
    ],
)
def test_usage_errors(cli: Any, song_json: Path, options: list[str], message: str) -> None:
    """Said before anything is read."""
    run = cli("convert", "song.json", *options)
    assert run.code == 2
    assert message in " ".join(run.err.split())


def test_melody_makes_one_line(cli: Any, tmp_path: Path) -> None:
    """Of vocal parts; where no part is one that is said, and nothing is taken out."""
    chords = [(start, end, pitch + up) for start, end, pitch in TUNE for up in (0, 7)]
    save(tmp_path / "song.json", instrument("Vocals", chords), instrument("Koto", chords))
    run = cli("convert", "song.json", "--melody", "top", "--check", "song.mid")
    assert run.code == 1  # there is no such file yet
    run = cli("convert", "song.json", "--melody", "top", "--json")
    assert json.loads(run.out)["melody"]["rules"] == [{"rule": "line", "notes": 32}]
    voice, koto = read_midi("song.mid").tracks
    assert voice.notes["pitch"].tolist() == [pitch + 7 for _, _, pitch in TUNE]
    assert len(koto) == 64
    run = cli("convert", "song.json", "--melody", "top", "--force")
    assert "line: 32 notes taken out, one voice at a time: Vocals 32" in run.err
    assert "  melody (top): 32 of 128 notes taken out; the others as they came\n" in run.err
    save(tmp_path / "other.json", instrument("Koto", chords))
    run = cli("convert", "other.json", "--melody", "strongest")
    assert run.code == 0
    assert "no part is known to be a melody by its name; all are left as they came" in run.err


def test_inspect_says_what_cleaning_would_take_out(cli: Any, song_json: Path) -> None:
    """A remark, where there is anything."""
    run = cli("inspect", "song.json")
    told = "convert --clean light would take out or trim 3 notes: 1 retriggered, 1 short, 1 stray"
    assert told in " ".join(run.out.split())
    cli("convert", "song.json", "--clean", "light")
    assert "--clean" not in cli("inspect", "song.mid").out
