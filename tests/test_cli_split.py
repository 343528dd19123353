"""``convert --split`` and its neighbours: parts in a folder or a .zip, other drum keys, accents."""

from __future__ import annotations

import io
import json
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import midikit as mk
from midikit.convert.arrange.split import part_names, split_song
from midikit.convert.zipped import to_zip
from midikit.escape import folded
from midikit.sandbox.hosted import hosted_midi
from midikit.sandbox.songs import demo_songs
from tests.hostile_names import NAMES, acting, answer

POP, BALLAD = demo_songs()[:2]
EXAMPLE = Path(__file__).parent.parent / "fixtures" / "answers" / "example.json"
REPAIR_WORDS = re.compile(r"warn|repair|dropp|skipp|fixed|clipp|ignored")
DRUMS = "pop (Drums).mid"


@pytest.fixture
def pop(tmp_path: Path) -> Path:
    """Save the pop song of the demo."""
    path = tmp_path / "pop.json"
    path.write_text(json.dumps(POP.answer()))
    return path


def tree(folder: Path | str) -> dict[str, bytes]:
    """Read every file of a folder."""
    root = Path(folder)
    return {
        str(path.relative_to(root)): path.read_bytes()
        for path in sorted(root.rglob("*"))
        if path.is_file()
    }


# ---------------------------------------------------------------- files


@pytest.mark.usefixtures("pop")
def test_a_mid_an_instrument_in_the_order_of_the_song(cli: Any) -> None:
    """As exports are named; the same as Python makes; said, and read back."""
    run = cli("convert", "pop.json", "--split", "-o", "parts")
    assert run.code == 0
    laid = mk.lay_out(mk.read_json("pop.json"))
    parts = split_song(laid.song)
    names = [f"{name}.mid" for name in part_names("pop", parts)]
    assert tree("parts") == {
        name: mk.to_midi(part) for name, part in sorted(zip(names, parts, strict=True))
    }
    assert names[0] == DRUMS
    lines = run.err.splitlines()
    assert "  wrote 5 parts to parts/:" in lines
    assert re.search(
        r"^    pop \(Drums\)\.mid \(drum kit, 959 notes, 6\.2 kB\)$", run.err, re.MULTILINE
    )
    assert "drag every part to bar 1, the first note is in bar 2" in " ".join(run.err.split())
    assert not REPAIR_WORDS.search(run.text.replace("ignores tempo maps", ""))


@pytest.mark.usefixtures("pop")
def test_the_check_proves_that_no_note_was_lost(cli: Any, tmp_path: Path) -> None:
    """The input against the hosted file, the parts together against what was meant."""
    (tmp_path / "hosted.mid").write_bytes(hosted_midi(POP))
    for words in (["--split", "-o", "out"], ["--zip"]):
        run = cli("convert", "pop.json", *words, "--check", "hosted.mid")
        assert run.code == 0
        assert "the answer has the same notes as hosted.mid: 2,387 notes" in run.err
        assert "  5 parts read back: together they hold every note as meant" in run.err


@pytest.mark.usefixtures("pop")
def test_json_has_a_key_for_each_file(cli: Any) -> None:
    """Paths that are there, notes that add up, and what a script needs to know of each."""
    row = cli("convert", "pop.json", "--split", "-o", "parts", "--json").row()
    assert [Path(one["path"]).name for one in row["outputs"]] == [p["file"] for p in row["parts"]]
    assert all(Path(o["path"]).stat().st_size == o["bytes"] for o in row["outputs"])
    assert sum(part["notes"] for part in row["parts"]) == row["notes"] == 2387
    assert row["parts"][0] == {
        "file": DRUMS,
        "name": "Drums",
        "notes": 959,
        "drum": True,
        "program": 0,
        "channel": 10,
        "bytes": len(Path("parts", DRUMS).read_bytes()),
    }
    assert row["read_back"] is True
    row = cli("convert", "pop.json", "--zip", "--json").row()
    (one,) = row["outputs"]
    assert (one["target"], one["path"], len(row["parts"])) == ("mid", "pop.zip", 5)
    assert cli("convert", "pop.json", "--json").row()["parts"] is None


@pytest.mark.usefixtures("pop")
def test_a_zip_holds_the_same_files(cli: Any) -> None:
    """By name, the same bytes each time, and `unzip` finds nothing wrong with it."""
    assert cli("convert", "pop.json", "--split", "-o", "parts", "-q").code == 0
    run = cli("convert", "pop.json", "--zip")
    assert run.code == 0
    assert re.search(r"  wrote pop\.zip \([\d.]+ kB\), 5 parts", run.err)
    data = Path("pop.zip").read_bytes()
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert {name: archive.read(name) for name in archive.namelist()} == tree("parts")
        assert archive.testzip() is None
    assert cli("convert", "pop.json", "--zip", "--split", "-o", "named.zip").code == 0
    assert Path("named.zip").read_bytes() == data == to_zip(tree("parts"))
    if shutil.which("unzip"):
        done = subprocess.run(["unzip", "-t", "pop.zip"], capture_output=True, check=False)
        assert done.returncode == 0, done.stdout


@pytest.mark.usefixtures("pop")
def test_other_targets_stay_whole(cli: Any) -> None:
    """A table of the song beside its parts."""
    assert cli("convert", "pop.json", "--split", "--to", "csv,mid", "-o", "out").code == 0
    assert len(tree("out")) == 6
    assert cli("convert", "pop.json", "--zip", "--to", "mid,csv", "-o", "both").code == 0
    assert [*tree("both")] == ["pop.csv", "pop.zip"]


def test_several_songs_have_a_folder_each(cli: Any, tmp_path: Path) -> None:
    """With any number of processes; names that would meet in one folder do not."""
    (tmp_path / "in").mkdir()
    for name, parts in (("a", ["2", "Bass"]), ("a (2)", ["Bass"]), ("A", ["Bass", "bass"])):
        (tmp_path / "in" / f"{name}.json").write_bytes(answer(parts))
    made = []
    for jobs in (1, 2):
        run = cli("convert", "in", "--split", "-o", f"out{jobs}", "--jobs", jobs)
        assert run.code == 0
        made.append(tree(f"out{jobs}"))
    assert made[0] == made[1]
    assert {folded(str(Path(name).parent)) for name in made[0]} == {"a", "a (2)", "a (3)"}
    assert len(made[0]) == 5
    assert re.search(r"-> out2/A/ \(2 parts, \d+ bytes\)", run.err)
    assert cli("convert", "in", "--zip", "-o", "zips", "--jobs", 2).code == 0
    assert len(tree("zips")) == 3


def test_stems_that_were_merged_come_apart_again(cli: Any, tmp_path: Path) -> None:
    """The parts of a merged song are named after it."""
    for name in ("drums", "bass"):
        (tmp_path / f"{name}.json").write_bytes(answer([name]))
    run = cli("convert", "drums.json", "bass.json", "--merge", "--split", "-o", "out")
    assert run.code == 0
    assert sorted(tree("out")) == ["merged (bass).mid", "merged (drums).mid"]


def test_tracks_of_one_name(cli: Any, tmp_path: Path) -> None:
    """A file each, numbered; one where they are joined."""
    (tmp_path / "x.json").write_bytes(answer(["Acoustic Bass", "Acoustic Bass", "acoustic bass"]))
    assert cli("convert", "x.json", "--split", "-o", "apart").code == 0
    names = ["x (Acoustic Bass).mid", "x (Acoustic Bass) (2).mid", "x (acoustic bass) (3).mid"]
    assert sorted(tree("apart")) == sorted(names)
    joined = cli("convert", "x.json", "--split", "-o", "joined", "--merge-tracks", "name")
    assert joined.code == 0
    assert sorted(tree("joined")) == ["x (Acoustic Bass).mid", "x (acoustic bass) (2).mid"]


def test_spilled_notes_stay_with_their_part(cli: Any, tmp_path: Path) -> None:
    """On the channels they have in the whole, and read back as meant."""
    rows = [(0.0, 2.0, 60, 0.5), (0.5, 1.0, 60, 0.6), (0.0, 1.0, 64, 0.7)]
    notes = [dict(zip(("start", "end", "pitch", "velocity"), row, strict=True)) for row in rows]
    parts = [{"name": name, "notes": notes} for name in ("Koto", "Bass")]
    (tmp_path / "x.json").write_text(json.dumps({"instruments": parts}))
    row = cli("convert", "x.json", "--split", "-o", "out", "--overlap", "spill", "--json").row()
    assert [part["notes"] for part in row["parts"]] == [3, 3]
    song = mk.read_midi(Path("out", "x (Bass).mid"))
    assert [(track.channel, len(track)) for track in song] == [(1, 2), (3, 1)]


# ---------------------------------------------------------------- places that are not ours


def test_hostile_names_cannot_leave_the_folder(cli: Any, tmp_path: Path) -> None:
    """In files and in a .zip; nothing acts on the terminal."""
    (tmp_path / "song.json").write_bytes(answer([*NAMES.values()]))
    for words in (["--split", "-o", "out"], ["--zip"]):
        run = cli("convert", "song.json", *words)
        assert run.code == 0
        assert not acting(run.text)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out", "song.json", "song.zip"]
    made = tree("out")
    assert len({folded(name) for name in made}) == len(NAMES)
    assert not any("/" in name for name in made)
    with zipfile.ZipFile("song.zip") as archive:
        assert {name: archive.read(name) for name in archive.namelist()} == made


@pytest.mark.usefixtures("pop")
def test_files_that_are_there_are_kept(cli: Any, tmp_path: Path) -> None:
    """None of the parts is written if one may not be; --force replaces; the same is no matter."""
    (tmp_path / DRUMS).write_text("mine")
    run = cli("convert", "pop.json", "--split")
    assert run.code == 1
    assert f"{DRUMS}: exists with other content; --force replaces it" in run.err
    assert sorted(tree(tmp_path)) == [DRUMS, "pop.json"]
    (tmp_path / DRUMS).unlink()
    (tmp_path / DRUMS).symlink_to("/dev/full")
    assert "is a symbolic link" in cli("convert", "pop.json", "--split").err
    assert cli("convert", "pop.json", "--split", "--force").code == 0
    assert not (tmp_path / DRUMS).is_symlink()
    assert cli("convert", "pop.json", "--split").code == 0


def test_no_input_is_written_over(cli: Any, tmp_path: Path) -> None:
    """Not even where a part would take the place of another song, forced."""
    (tmp_path / "x.json").write_bytes(answer(["Bass"]))
    (tmp_path / "x").mkdir()
    other = tmp_path / "x" / "x (bass).mid"
    other.write_bytes(mk.to_midi(mk.read_json(answer(["Koto"]))))
    before = other.read_bytes()
    run = cli("convert", "x.json", other, "--split", "-o", ".", "--force")
    assert run.code == 1
    assert "x/x (Bass).mid: is an input itself; expected another folder" in run.err
    assert other.read_bytes() == before
    (tmp_path / "y (Bass).mid").write_bytes(before)
    (tmp_path / "y.json").write_bytes(answer(["Bass"]))
    checked = ("--split", "--force", "--check", "y (Bass).mid")
    assert "is an input itself" in cli("convert", "y.json", *checked).err
    (tmp_path / "kit.csv").write_text("35,36")
    words = ("--to", "csv", "-o", "kit.csv", "--force", "--drum-map", "kit.csv")
    assert "is the input itself" in cli("convert", "x.json", *words).err
    assert (tmp_path / "kit.csv").read_text() == "35,36"


def test_a_link_in_the_place_of_a_songs_folder_is_not_followed(cli: Any, tmp_path: Path) -> None:
    """Somebody else's folder gets nothing, even forced."""
    for name in "ab":
        (tmp_path / f"{name}.json").write_bytes(answer(["Bass"]))
    (tmp_path / "victim").mkdir()
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "a").symlink_to("../victim")
    run = cli("convert", "a.json", "b.json", "--split", "-o", "out", "--force")
    assert run.code == 1
    assert "out/a: is a symbolic link; expected a folder for the parts" in run.err
    assert tree("victim") == {}
    assert [*tree("out/b")] == ["b (Bass).mid"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--split", "-o", "-"], "--split makes a file a part, stdout holds one; pass -o DIR"),
        (["--split", "-o", "x.mid"], "-o x.mid is one file, --split makes one a part; pass a fol"),
        (["--split", "-o", "x.zip"], "-o x.zip: cannot write .zip; expected .mid, "),
        (["-o", "x.zip"], "a folder/; --zip writes the parts of a song to one"),
        (["--zip", "-o", "x.mid"], "-o x.mid: --zip writes a .zip file"),
        (["--zip", "-o", "x.zip", "--to", "mid,csv"], "-o x.zip is one file, but there are 2 tar"),
        (["--split", "--to", "csv"], "--split has no effect without --to mid"),
        (["--zip", "--to", "csv"], "--zip has no effect without --to mid"),
        (["--drum-map", "-"], "--drum-map takes a file; expected a path"),
        (["--drum-map", ""], "--drum-map takes a file; expected a path"),
    ],
)
@pytest.mark.usefixtures("pop")
def test_what_cannot_be_is_said_before_anything_is_read(
    cli: Any, words: list[str], said: str
) -> None:
    """Usage, exit code 2."""
    run = cli("convert", "pop.json", *words)
    assert run.code == 2
    assert said in " ".join(run.err.split())
    assert sorted(path.name for path in Path().iterdir()) == ["pop.json"]


def test_a_song_without_notes_has_no_part_to_write(cli: Any, tmp_path: Path) -> None:
    """It fails, and the others are there."""
    (tmp_path / "no.json").write_text('{"instruments": []}')
    (tmp_path / "x.json").write_bytes(answer(["Bass"]))
    for words in (["--split"], ["--zip"]):
        run = cli("convert", "no.json", "x.json", *words, "-o", "out")
        assert run.code == 1
        assert "no.json: no notes in it, so there is no part to write" in run.err
    assert {*tree("out")} == {"x.zip", "x/x (Bass).mid"}


def test_a_zip_goes_to_stdout_and_comes_from_stdin(tmp_path: Path) -> None:
    """In a pipe."""
    done = subprocess.run(
        [sys.executable, "-m", "midikit", "convert", "-", "--zip"],
        input=answer(["Bass"]),
        capture_output=True,
        check=True,
        cwd=tmp_path,
    )
    with zipfile.ZipFile(io.BytesIO(done.stdout)) as archive:
        assert len(archive.namelist()) == 1
        assert archive.namelist()[0].endswith(" (Bass).mid")


# ---------------------------------------------------------------- drums and velocities


def test_drums_go_to_other_keys_and_the_tempo_stays(cli: Any, pop: Path) -> None:
    """Every moved pitch is a change; nothing but pitches of drums differs."""
    plain = cli("convert", pop, "-o", "plain.mid", "--json").row()
    Path("kit.csv").write_text("from,to\nBass Drum 1,48\nclosed hi-hat,61\n")
    run = cli("convert", pop, "-o", "moved.mid", "--drum-map", "kit.csv")
    assert run.code == 0
    assert re.search(r"Drums: \d+ notes of 36 \(Bass Drum 1\) moved to 48 \(Hi-Mid Tom\)", run.err)
    row = cli("convert", pop, "-o", "moved.mid", "--drum-map", "kit.csv", "--json").row()
    assert row["grid"] == plain["grid"]
    old, new = mk.read_midi("plain.mid"), mk.read_midi("moved.mid")
    moves = {36: 48, 42: 61}
    for before, after in zip(old, new, strict=True):
        pitches = before.notes["pitch"].tolist()
        wanted = [moves.get(pitch, pitch) for pitch in pitches] if before.is_drum else pitches
        assert sorted(after.notes["pitch"].tolist()) == sorted(wanted)
        assert after.notes["start"].tolist() == before.notes["start"].tolist()


def test_what_finds_nothing_to_do_says_so(cli: Any, tmp_path: Path) -> None:
    """Neither a map of drums that nobody plays nor accents for shaped parts pass in silence."""
    rows = [(0.5 * i, 0.5 * i + 0.1, 60, 0.3 + 0.01 * i) for i in range(32)]
    notes = [dict(zip(("start", "end", "pitch", "velocity"), row, strict=True)) for row in rows]
    (tmp_path / "x.json").write_text(json.dumps({"instruments": {"Koto": notes}}))
    (tmp_path / "kit.csv").write_text("35,36")
    run = cli("convert", "x.json", "--drum-map", "kit.csv", "--accent")
    assert run.code == 0
    assert "the drum map moves none of the drums there are" in run.err
    assert "no accents: no part has one velocity throughout" in run.err


def test_a_bad_drum_map_is_told_with_its_line(cli: Any, pop: Path) -> None:
    """Once, before any song is read."""
    Path("kit.csv").write_text("35,36\nsnare,38\n")
    run = cli("convert", pop, pop, "-o", "out", "--drum-map", "kit.csv")
    assert run.code == 1
    assert run.err.count("kit.csv: line 2: 'snare' may be Acoustic Snare (38) or Electric") == 1
    assert "No such file" in cli("convert", pop, "--drum-map", "missing.csv").err


def test_flat_parts_are_said_to_be_flat_and_stay_so_unless_asked(cli: Any, pop: Path) -> None:
    """In words and in JSON, as they are written; accents are a change."""
    run = cli("convert", pop)
    assert "  flat velocities: String Ensembles 1 at 63; --accent gives them accents" in run.err
    row = cli("convert", pop, "--json").row()
    assert row["flat"] == [{"track": 4, "name": "String Ensembles 1", "velocity": 63}]
    assert set(mk.read_midi("pop.mid")[4].notes["velocity"].tolist()) == {63}
    run = cli("convert", pop, "--accent", "-o", "loud.mid")
    assert "120 of 120 notes accented by their place in the bar: 63 became 67 to 75" in run.err
    assert "flat velocities" not in run.err
    assert set(mk.read_midi("loud.mid")[4].notes["velocity"].tolist()) == {67, 75}
    again = cli("convert", pop, "--accent", "-o", "again.mid", "--json").row()
    assert again["flat"] == []
    assert Path("again.mid").read_bytes() == Path("loud.mid").read_bytes()


def test_accents_are_offered_only_where_there_is_a_beat_for_them(cli: Any, pop: Path) -> None:
    """Nor once they were asked for."""
    starts = np.random.default_rng(0).uniform(1.0, 90.0, 120).tolist()
    notes = [{"start": s, "end": s + 0.3, "pitch": 60, "velocity": 0.5} for s in starts]
    data = {"instruments": [{"name": "Piano", "notes": notes}]}
    Path("free.json").write_text(json.dumps({"code": 200, "data": data}))
    for words in ([], ["--accent"], ["--tempo", "source"]):
        run = cli("convert", "free.json", "-o", f"{len(words)}.mid", *words)
        assert "  flat velocities: Piano at 64\n" in run.err
    run = cli("convert", pop, "--accent", "--tempo", "source", "-o", "out.mid")
    assert "no accents: an answer names no tempo to take them from" in run.err
    assert "--accent gives them accents" not in run.err
    cli("convert", pop, "-o", "pop.mid")
    run = cli("convert", "pop.mid", "--tempo", "source", "-o", "again.mid")
    assert "String Ensembles 1 at 63; --accent gives them accents" in run.err


def test_flat_parts_are_named_in_few_words(cli: Any, tmp_path: Path) -> None:
    """All in three words where they are one, at most eight by name, and none that acts."""

    def flat(levels: list[int]) -> str:
        notes = [{"start": t, "end": t + 0.2, "pitch": 60} for t in (0.0, 0.5)]
        parts = [
            {"name": f"P{i}\x1b[2J", "notes": [n | {"velocity": v / 127} for n in notes]}
            for i, v in enumerate(levels)
        ]
        (tmp_path / "x.json").write_text(json.dumps({"instruments": parts}))
        run = cli("convert", "x.json", "--tempo", "120", "--force")
        assert "\x1b" not in run.text
        said = re.search(r"flat velocities: (.*);\s+--accent", run.err, re.DOTALL)
        return "" if said is None else " ".join(said[1].split())

    assert flat([91, 91, 91]) == "every part at 91"
    assert flat([91, 64]) == "P0\\x1b[2J at 91, P1\\x1b[2J at 64"
    assert flat([91]) == "P0\\x1b[2J at 91"
    assert flat([*range(60, 70)]).endswith("P7\\x1b[2J at 67, 2 more")


def test_accents_need_a_beat(cli: Any, tmp_path: Path) -> None:
    """Where there is none it is said, and velocities stay; a claimed one will do."""
    times = np.cumsum(np.random.default_rng(3).exponential(0.4, 60)).tolist()
    notes = [{"start": t, "end": t + 0.1, "pitch": 60, "velocity": 0.5} for t in times]
    (tmp_path / "free.json").write_text(json.dumps({"instruments": {"Koto": notes}}))
    run = cli("convert", "free.json", "--accent", "-o", "a.mid")
    assert run.code == 0
    assert "no accents: there is no steady beat to take them from" in run.err
    run = cli("convert", EXAMPLE, "--accent", "--tempo", "source", "-o", "b.mid")
    assert "no accents: an answer names no tempo to take them from" in run.err
    run = cli("convert", "b.mid", "--accent", "--tempo", "source", "-o", "c.mid")
    assert "accented by their place in the bar" in run.err
    run = cli("convert", EXAMPLE, "--accent", "--tempo", "110.06", "-o", "d.mid")
    assert "accented by their place in the bar" in run.err


# ---------------------------------------------------------------- what a producer needs


def _last(cli: Any, *words: object) -> str:
    """Return what convert says after the files that it wrote, on one line."""
    run = cli("convert", *words, "--force")
    assert run.code == 0
    assert max(map(len, run.err.partition("  wrote ")[2].splitlines()[1:]), default=0) <= 80
    said: str = run.err.partition("  wrote ")[2].partition("\n")[2]
    return " ".join(said.split())


def test_the_last_lines_are_tempo_meter_bar_and_what_to_do(cli: Any, pop: Path) -> None:
    """Each said once, and what is advised comes to one tempo."""
    last = _last(cli, pop)
    assert last.startswith("tempo: 109.73 BPM throughout, in 4/4 (sure); first bar line at 0.616 s")
    assert last.endswith(
        "into a DAW: drag it to bar 1, its first note is in bar 2; if your DAW ignores tempo maps, "
        "convert with --sync bar"
    )
    last = _last(cli, pop, "--sync", "bar")
    assert last.endswith("in bar 1; if your DAW keeps its own tempo, set this one")
    assert len(mk.read_midi("pop.mid").tempo.qpm) == 1
    Path("ballad.json").write_text(json.dumps(BALLAD.answer()))
    last = _last(cli, "ballad.json")
    assert "nine beats in ten at 87.16 to 87.52" in last
    assert last.endswith("if your DAW ignores tempo maps, convert with --tempo constant")
    assert _last(cli, "ballad.json", "--tempo", "constant").endswith("set this one")
    assert _last(cli, "ballad.json", "--tempo", "100").endswith("own tempo, set 100 BPM")
    assert _last(cli, pop, "--audio-offset", "1").endswith(
        "without its tempo map it leaves the audio"
    )


def test_felt_beats_that_are_no_quarters_are_told_in_quarters(cli: Any) -> None:
    """A DAW counts quarters, also in 6/8."""
    demo = next(demo for demo in demo_songs() if demo.meter == (6, 8))
    Path("six.json").write_text(json.dumps(demo.answer()))
    last = _last(cli, "six.json", "--tempo", "constant")
    row = cli("convert", "six.json", "--tempo", "constant", "--json").row()["daw"]
    assert row["bpm"] == pytest.approx(demo.qpm, rel=1e-3)
    assert row["meter"] == [6, 8]
    set_to = re.search(r"keeps its own tempo, set ([\d.]+) BPM$", last)
    assert set_to is not None
    assert float(set_to[1]) == pytest.approx(demo.qpm, rel=1e-3)


def test_the_producers_lines_as_keys(cli: Any, pop: Path) -> None:
    """The same in JSON; null where there is nothing to put into a DAW; quiet says nothing."""
    row = cli("convert", pop, "--json").row()["daw"]
    assert row["bpm"] == pytest.approx(109.73, abs=0.01)
    assert (row["one_tempo"], row["meter"], row["first_note_bar"]) == (False, [4, 4], 2)
    assert row["advice"].endswith("convert with --sync bar")
    assert cli("convert", pop, "--to", "csv", "--json").row()["daw"] is None
    assert "into a DAW" not in cli("convert", pop, "--to", "csv").err
    assert cli("convert", pop, "-q").text == ""
    shutil.copy(pop, "other.json")
    assert "into a DAW" not in cli("convert", pop, "other.json", "-o", "out").err
