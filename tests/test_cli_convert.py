"""``midikit convert``: sources of each kind, options, checks, and what is printed about them."""

from __future__ import annotations

import io
import json
import os
import re
import socket
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from midikit.__main__ import main
from midikit.cli import checks
from midikit.cli.exits import BrokenPromiseError
from midikit.convert.arrange.plan import MidiPlan, plan_midi
from midikit.model.beats import BeatGrid
from midikit.model.notes import as_notes
from midikit.model.song import Song, Track
from midikit.parse.midi import read_midi
from midikit.rhythm.quantize import quantize

REPAIR_WORDS = re.compile(r"warn|repair|dropp|skipp|fixed|clipp|ignored", re.IGNORECASE)
NOTES = [
    {"start": 0.5, "end": 0.75, "pitch": 60, "velocity": 63 / 127},
    {"start": 1.0, "end": 1.25, "pitch": 64, "velocity": 63 / 127},
]


def answer(notes: list[Any] | None = None, *, name: str = "Koto", **data: Any) -> bytes:
    """Make the bytes of an answer with one instrument."""
    instruments = [{"name": name, "notes": NOTES if notes is None else notes}]
    body = {"code": 200, "message": "success", "data": {"instruments": instruments, **data}}
    return json.dumps(body).encode()


@pytest.fixture
def song_json(tmp_path: Path) -> Path:
    """Save an answer of two notes as song.json."""
    path = tmp_path / "song.json"
    path.write_bytes(answer())
    return path


def test_one_answer_becomes_a_mid_in_this_folder(cli: Any, song_json: Path) -> None:
    """The first thing a user types does what it looks like."""
    run = cli("convert", "song.json")
    assert run.code == 0
    assert run.out == ""
    assert "song.json: 1 track, 2 notes, 0:01.2" in run.err
    assert "Koto: plays Koto (program 107), by its name" in run.err
    assert "  tempo: " in run.err
    assert "wrote song.mid" in run.err
    assert not REPAIR_WORDS.search(run.text)
    assert read_midi(song_json.with_suffix(".mid"))[0].notes["start"].tolist() == [0.5, 1.0]


def test_every_kind_of_source_gives_the_same_file(
    cli: Any, song_json: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file, a folder, stdin, a name without an ending and a .mid all come to the same bytes."""
    folder = tmp_path / "saved"
    folder.mkdir()
    (folder / "one.json").write_bytes(song_json.read_bytes())
    (folder / "other.txt").write_text("no song")
    (tmp_path / "bare").write_bytes(song_json.read_bytes())
    assert cli("convert", "song.json", "-o", "a/").code == 0
    assert cli("convert", "saved", "-o", "b/").code == 0
    assert cli("convert", "bare", "-o", "c/").code == 0
    assert cli("convert", "a/song.mid", "-o", "d/").code == 0
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(song_json.read_bytes())))
    assert cli("convert", "-", "-o", "e.mid").code == 0
    made = [Path(p) for p in ("a/song.mid", "b/one.mid", "c/bare.mid", "d/song.mid", "e.mid")]
    assert len({path.read_bytes() for path in made}) == 1
    assert sorted(path.name for path in Path("b").iterdir()) == ["one.mid"]


def test_a_mid_without_its_ending_is_known_by_its_first_bytes(cli: Any, song_json: Path) -> None:
    """A file of any name may be a .mid."""
    cli("convert", "song.json")
    Path("song.mid").rename("recording")
    run = cli("convert", "recording", "-o", "out/")
    assert run.code == 0
    assert len(read_midi(Path("out/recording.mid"))[0].notes) == 2


def test_stdin_without_o_goes_to_stdout(
    song_json: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfdbinary: Any
) -> None:
    """In a pipe the bytes come out of stdout and nothing else does."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(song_json.read_bytes())))
    assert main(["convert", "-"]) == 0
    out, err = capfdbinary.readouterr()
    assert out[:4] == b"MThd"
    assert len(read_midi(out)[0].notes) == 2
    assert b"stdin: 1 track, 2 notes" in err
    assert main(["convert", "song.json", "-o", "-", "--to", "csv", "-q"]) == 0
    out, err = capfdbinary.readouterr()
    assert out.startswith(b"track,name,program,drum,start,end,pitch,velocity,beat,bar\r\n0,Koto,")
    assert err == b""
    assert sorted(path.name for path in tmp_path.iterdir()) == ["song.json"]


def test_a_clip_that_is_not_in_the_archive_is_not_paid_for(cli: Any) -> None:
    """A UUID means the archive; only --fetch asks the service."""
    clip = "5b0e7a52-3c1d-4f68-9a47-61d2c8e0b913"
    for word in (clip, clip.upper(), f"clip:{clip}"):
        run = cli("convert", word)
        assert run.code == 1
        assert f"clip {clip}: not in the archive; pass --fetch to pay for it" in run.err
    assert "clip 429-secs.3: not in the archive" in cli("convert", "clip:429-secs.3").err


@pytest.mark.parametrize("word", ["clip:", "clip:../../x", "clip:any name", "clip:.x", "clip:é"])
def test_a_clip_id_that_cannot_be_one_is_refused_without_a_call(cli: Any, word: str) -> None:
    """Nothing is looked up or paid for under a name that no clip has."""
    run = cli("convert", word, "--fetch")
    assert run.code == 1
    assert f"{word}: '{word[5:]}' is no clip id; expected letters, digits, '-', '_'" in run.err


def test_what_is_no_source_is_refused_by_name(cli: Any, tmp_path: Path) -> None:
    """A typing error gets a sentence that says what could have been meant."""
    (tmp_path / "empty").mkdir()
    run = cli("convert", "sogn.json")
    assert run.code == 1
    assert run.err == (
        "Error: sogn.json: no such file; expected a .json, a .mid, a folder, a clip id (a UUID) "
        "or -\n"
    )
    assert "empty: no .json or .mid file in this folder" in cli("convert", "empty").err
    assert cli("convert", "a\0b").code == 1
    assert cli("convert", "x" * 5000).code == 1


def test_targets_are_chosen_by_to_or_by_the_ending(cli: Any, song_json: Path) -> None:
    """--to takes several with commas; -o song.csv alone is enough for one."""
    assert cli("convert", "song.json", "--to", "mid,npz", "--to", "csv,notes.npz").code == 0
    for ending in (".mid", ".npz", ".notes.npz", ".csv"):
        assert Path(f"song{ending}").is_file()
    for name, begin in (("x.csv", b"track,"), ("x.npz", b"PK"), ("x.midi", b"MThd")):
        assert cli("convert", "song.json", "-o", name).code == 0
        assert Path(name).read_bytes().startswith(begin)
    with np.load("song.npz", allow_pickle=False) as roll:
        assert roll["values"].shape == (1, 128, 125)
        assert roll["program"].tolist() == [107]
    with np.load("song.notes.npz", allow_pickle=False) as notes:
        assert notes["notes"]["pitch"].tolist() == [60, 64]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--to", "mp3"], "--to mp3: no such target; expected one or more of mid, npz"),
        (["-o", "song.ogg"], "-o song.ogg: cannot write .ogg; expected .mid, .npz, "),
        (["-o", "x.foo"], ".svg or a folder/"),
        (["-o", ""], "-o is empty; expected a file, a folder or -"),
        (["-o", "/dev/null"], "-o /dev/null: is no folder and no plain file"),
        (["-o", "/dev/full"], "pass - for standard output"),
        ([""], "SOURCE is empty; is a variable unset?"),
        (["--check", ""], "--check is empty"),
        (["-o", "x.mid", "--to", "mid,csv"], "-o x.mid is one file, but there are 2 targets"),
        (["-o", "x.csv", "--to", "mid"], "-o x.csv: --to mid is written to a .mid file"),
        (["song.json", "-o", "x.mid"], "-o x.mid is one file, but there are 2 inputs"),
        (["--to", "mid,csv", "-o", "-"], "stdout holds one output"),
        (["-o", "-", "--json"], "--json and the output both go to stdout"),
        (["--tempo", "fast"], "'fast' is no tempo; expected auto, constant, source or"),
        (["--tempo", "nan"], "'nan' is no tempo"),
        (["--tempo", ""], "'' is no tempo"),
        (["--tempo", "\uff11\uff12"], "'\uff11\uff12' is no tempo"),
        (["--tempo", "1_20"], "'1_20' is no tempo"),
        (["--program", "Koto"], "Koto: expected NAME=NUMBER"),
        (["--program", "Koto=128"], "expected NAME=NUMBER"),
        (["--program", "Koto=5", "--programs", "source"], "pass one of them"),
        (["--quantize", "1/3"], "'1/3' is not one of"),
        (["--strength", "2"], "is not in the range 0"),
        (["--strength", "nan"], "'nan' is not a number"),
        (["--strength", "0.5"], "--strength has no effect without --quantize"),
        (["--duplicates", "keep"], "--duplicates has no effect without --merge-tracks name"),
        (["--fs", "50"], "--fs has no effect without --to npz"),
        (["--fs", "nan", "--to", "npz"], "'nan' is not a number"),
        (["--fs", "\u0665", "--to", "npz"], "'\u0665' is not a number"),
        (["--overlap", "keep", "--to", "csv"], "--overlap has no effect without --to mid"),
        (["--ticks-per-quarter", "\u0669"], "'\u0669' is not a whole number"),
        (["--program", "Koto=5", "--program", "Koto=6"], "'Koto' is given twice"),
        (["--quantize", "1/16", "--tempo", "source"], "an answer names no tempo; expected --tempo"),
        (["-", "-"], "- is given twice"),
        (["song.json", "--check", "x.mid"], "--check FILE goes with one SOURCE"),
        (["--bad\x1b[2J"], "No such option"),
    ],
)
def test_usage_errors_say_what_was_expected(
    cli: Any, song_json: Path, words: list[str], message: str
) -> None:
    """A wrong option ends with exit code 2 and touches nothing."""
    run = cli("convert", "song.json", *words)
    assert run.code == 2
    assert message in run.err
    assert "Try 'midikit convert --help' for help." in run.err
    assert "\x1b" not in run.err
    assert sorted(path.name for path in Path().iterdir()) == ["song.json"]


def test_a_file_with_other_content_is_kept_unless_forced(cli: Any, song_json: Path) -> None:
    """What a user made of song.mid is not lost; writing the same again is no conflict."""
    assert cli("convert", "song.json").code == 0
    assert cli("convert", "song.json").code == 0
    made = Path("song.mid").read_bytes()
    Path("song.mid").write_bytes(b"my own work")
    run = cli("convert", "song.json")
    assert run.code == 1
    assert "song.mid: exists with other content; --force replaces it" in run.err
    assert Path("song.mid").read_bytes() == b"my own work"
    assert cli("convert", "song.json", "--force").code == 0
    assert Path("song.mid").read_bytes() == made


def test_none_of_several_outputs_is_written_if_one_may_not_be(cli: Any, song_json: Path) -> None:
    """Half a result would look like a whole one."""
    Path("song.csv").write_text("mine")
    assert cli("convert", "song.json", "--to", "mid,csv").code == 1
    assert not Path("song.mid").exists()


def test_an_input_is_never_written_over(cli: Any, song_json: Path) -> None:
    """A .mid needs -o to be mended beside itself; naming the input itself is refused."""
    cli("convert", "song.json")
    before = Path("song.mid").read_bytes()
    for words in (["song.mid"], ["song.json", "song.mid"], ["song.mid", "-o", "."]):
        run = cli("convert", *words, "--tempo", "90", "--force")
        assert run.code == 2
        assert "song.mid: its output would take the name of an input; pass -o" in run.err
    run = cli("convert", "song.mid", "-o", "song.mid", "--force", "--tempo", "90")
    assert run.code == 1
    assert "song.mid: is the input itself; expected another name for the output" in run.err
    assert cli("convert", "song.mid", "-o", "slow.mid", "--tempo", "90").code == 0
    assert Path("song.mid").read_bytes() == before
    assert {p.name for p in Path().iterdir()} == {"song.json", "song.mid", "slow.mid"}


def test_a_folder_is_not_converted_into_itself(cli: Any, song_json: Path, tmp_path: Path) -> None:
    """However often it is run, outputs are never inputs and no file multiplies."""
    run = cli("convert", ".")
    assert run.code == 2
    assert ".: a folder needs -o, where its outputs go; pass -o DIR" in run.err
    for folder in (".", tmp_path):
        run = cli("convert", ".", "-o", folder)
        assert run.code == 2
        assert "the outputs would be inputs the next time; pass another folder" in run.err
    assert [p.name for p in tmp_path.iterdir()] == ["song.json"]
    for _ in range(3):
        assert cli("convert", ".", "-o", "out").code == 0
        assert cli("convert", ".", "-o", ".", "--to", "csv").code == 0
    assert sorted(p.name for p in tmp_path.iterdir()) == ["out", "song.csv", "song.json"]
    assert [p.name for p in (tmp_path / "out").iterdir()] == ["song.mid"]


def test_a_folder_stands_for_its_plain_files(cli: Any, song_json: Path, tmp_path: Path) -> None:
    """A named pipe in a folder is waited for by nobody; named itself it is refused."""
    os.mkfifo("pipe.json")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("socket.json")
        run = cli("convert", ".", "-o", "out")
        assert run.code == 0
        assert [p.name for p in (tmp_path / "out").iterdir()] == ["song.mid"]
        for name, what in (("pipe.json", "a named pipe"), ("socket.json", "a socket")):
            run = cli("convert", name)
            assert run.code == 1
            assert f"{name}: is {what}, no plain file; pass - to read standard input" in run.err
    assert "/dev/zero: is a device, no plain file" in cli("convert", "/dev/zero").err
    run = cli("convert", "song.json", "--check", "pipe.json", "-o", "x.mid")
    assert run.code == 1
    assert "pipe.json: is a named pipe" in run.err


def test_a_pipe_that_the_shell_opened_is_read(cli: Any, song_json: Path) -> None:
    """``midikit convert <(curl …)`` passes /dev/fd/N, which is a pipe."""
    receiver, sender = os.pipe()
    os.write(sender, song_json.read_bytes())
    os.close(sender)
    run = cli("convert", f"/dev/fd/{receiver}", "-o", "x.mid")
    os.close(receiver)
    assert run.code == 0
    assert read_midi(Path("x.mid")).note_count == 2


@pytest.mark.parametrize("content", [b"keep me", None])
def test_a_link_is_kept_unless_forced_and_never_followed(
    cli: Any, song_json: Path, tmp_path: Path, content: bytes | None
) -> None:
    """A link in the output folder leads nothing out of it."""
    outside = tmp_path / "outside.txt"
    if content is not None:
        outside.write_bytes(content)
    link = tmp_path / "out" / "song.mid"
    link.parent.mkdir()
    link.symlink_to(outside)
    run = cli("convert", "song.json", "-o", "out")
    assert run.code == 1
    assert "out/song.mid: is a symbolic link; --force replaces it" in run.err
    assert link.is_symlink()
    assert cli("convert", "song.json", "-o", "out", "--force").code == 0
    assert not link.is_symlink()
    assert (outside.read_bytes() if content else outside.exists()) == (content or False)


def test_wrote_says_where(cli: Any, song_json: Path, tmp_path: Path) -> None:
    """Paths are printed as one would type them, and equal names are told apart."""
    assert "wrote out/song.mid (" in cli("convert", "song.json", "-o", "out/").err
    assert (
        "wrote deep/er/x.mid (" in cli("convert", "song.json", "-o", tmp_path / "deep/er/x.mid").err
    )
    elsewhere = tmp_path / "a folder"
    elsewhere.mkdir()
    (elsewhere / "song.json").write_bytes(song_json.read_bytes())
    run = cli("convert", "song.json", "a folder/song.json", "-o", "both", "--tempo", "source")
    assert "song.json: 1 track, 2 notes, 1 change -> both/song.mid (" in run.err
    assert "a folder/song.json: 1 track, 2 notes, 1 change -> both/song (2).mid (" in run.err
    run = cli("inspect", "song.json", "a folder/song.json")
    assert "a folder/song.json: 1 track" in run.out


def test_several_outputs_are_a_line_each_where_one_is_too_long(cli: Any, song_json: Path) -> None:
    """Within 80 columns, for one input and for several."""
    name = "a-song-with-quite-a-long-name"
    (song_json.parent / f"{name}.json").write_bytes(song_json.read_bytes())
    words = ("--to", "mid,csv,npz", "-o", "out", "--tempo", "source")
    run = cli("convert", f"{name}.json", *words)
    said = [line for line in run.err.splitlines() if "wrote" in line]
    assert [line.split(" (")[0] for line in said] == [
        f"  wrote out/{name}.{ending}" for ending in ("mid", "csv", "npz")
    ]
    run = cli("convert", f"{name}.json", "song.json", *words)
    said = [line for line in run.err.splitlines() if "->" in line]
    assert len(said) == 4
    assert max(map(len, run.err.splitlines())) <= 80


def test_dev_stdout_is_stdout(
    song_json: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfdbinary: Any
) -> None:
    """Nothing is renamed over a device."""
    monkeypatch.chdir(tmp_path)
    assert main(["convert", "song.json", "-o", "/dev/stdout"]) == 0
    out, _ = capfdbinary.readouterr()
    assert out[:4] == b"MThd"


def test_errors_speak_of_options_and_not_of_arguments(cli: Any, song_json: Path) -> None:
    """What a library caller passes is not what a user types."""
    over = [NOTES[0], {**NOTES[0], "start": 0.6, "end": 2.0}]
    song_json.write_bytes(answer(over))
    run = cli("convert", "song.json", "--overlap", "error")
    assert "pass --overlap trim, spill or keep" in run.err
    run = cli("convert", "song.json", "-o", "e.npz", "--fs", "1e300")
    assert "ask for fewer frames with a smaller --fs" in run.err
    assert "max_bytes" not in run.err
    with Path("big.json").open("wb") as file:
        file.truncate((1 << 26) + 1)
    run = cli("convert", "big.json")
    assert run.code == 1
    assert "larger than 67,108,864 bytes; in Python max_bytes= reads more" in run.err


def test_hostile_and_colliding_names_stay_in_the_folder(cli: Any, tmp_path: Path) -> None:
    """Names of inputs become safe, different names of outputs."""
    folder = tmp_path / "in"
    folder.mkdir()
    names = ["a:b.json", "a?b.json", "CON.json", "x\x1b[2J.json", "-rf.json", "Song.json"]
    names += ["song.json", "song.notes.json", ("n" * 240) + ".json"]
    for name in names:
        (folder / name).write_bytes(answer())
    run = cli("convert", "in", "-o", "out/deep", "--to", "npz,notes.npz")
    assert run.code == 0
    assert "\x1b" not in run.text
    assert f"{len(names)} converted" in run.err
    made = [path.name for path in Path("out/deep").iterdir()]
    assert len({name.casefold() for name in made}) == 2 * len(names)
    assert not [name for name in made if re.search(r'[\x00-\x1f<>:"/\\|?*]|^[.-]|^con\.', name)]
    assert {path.name for path in tmp_path.iterdir()} == {"in", "out"}


def test_folders_that_cannot_be_made_are_an_error_in_words(cli: Any, song_json: Path) -> None:
    """A file in the way of the output folder is exit code 1."""
    Path("out").write_text("a file")
    run = cli("convert", "song.json", "-o", "out")
    assert run.code == 1
    assert "out: this folder cannot be made: File exists" in run.err


def test_repairs_are_listed_with_their_place(cli: Any, song_json: Path) -> None:
    """A bad note is named by its path, and the good ones are kept."""
    song_json.write_bytes(answer([*NOTES, {**NOTES[0], "pitch": 131}]))
    run = cli("convert", "song.json")
    assert run.code == 0
    assert "1 repair:" in run.err
    assert "data.instruments[0].notes[2].pitch: 131 is not a MIDI pitch (0 to 127)" in run.err
    strict = cli("convert", "song.json", "--strict", "-o", "strict/")
    assert strict.code == 1
    assert "song.json: data.instruments[0].notes[2].pitch: 131 is not" in strict.err
    assert not Path("strict").exists()


def test_many_repairs_are_counted_exactly_and_listed_in_json(cli: Any, song_json: Path) -> None:
    """The screen gets twenty lines and the exact rest; --json gets every one."""
    bad = [{**NOTES[0], "pitch": 200}] * 500 + [{**NOTES[0], "velocity": 9}] * 40
    song_json.write_bytes(answer([*NOTES, *bad]))
    run = cli("convert", "song.json", "-o", "a/")
    assert "540 repairs:" in run.err
    assert "and 520 more: 480 pitch-range, 40 velocity-range" in run.err
    assert len(run.text) < 20_000
    row = cli("convert", "song.json", "-o", "b/", "--json").row()
    assert sum(repair["count"] for repair in row["repairs"]) == 540
    assert row["repairs"][0]["place"] == "data.instruments[0].notes[2].pitch"


def test_hostile_names_are_shown_bounded_and_without_control(cli: Any, song_json: Path) -> None:
    """A thousand tracks with names full of escapes come to a screenful."""
    instruments = [
        {"name": "\x1b]52;c;x\x07\u202e\U000e0001" * 40 + str(i), "notes": NOTES}
        for i in range(1000)
    ]
    song_json.write_bytes(json.dumps({"instruments": instruments}).encode())
    run = cli("convert", "song.json")
    assert run.code == 0
    assert len(run.text) < 20_000
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202e\U000e0001]", run.text)
    assert not REPAIR_WORDS.search(run.text)


def test_equal_changes_are_said_once(cli: Any, song_json: Path) -> None:
    """Four tracks of one name do not fill the screen with one sentence."""
    parts = [{"name": "Acoustic Bass", "notes": NOTES}] * 4
    song_json.write_bytes(json.dumps({"instruments": parts}).encode())
    run = cli("convert", "song.json")
    assert "Acoustic Bass: plays Acoustic Bass (program 32), by its name (4 times)" in run.err
    merged = cli("convert", "song.json", "--merge-tracks", "name", "-o", "merged/")
    assert "Acoustic Bass: 4 tracks joined into one" in merged.err
    assert "6 notes that were written twice collapsed into one each" in merged.err


def test_an_answer_without_notes_is_done_and_says_so(cli: Any, song_json: Path) -> None:
    """Nothing detected is an answer too: an empty .mid and exit code 0."""
    song_json.write_bytes(answer([]))
    run = cli("convert", "song.json")
    assert run.code == 0
    assert "no notes in this answer" in run.err
    assert not REPAIR_WORDS.search(run.text)
    assert read_midi(Path("song.mid")).note_count == 0


@pytest.mark.parametrize(
    ("body", "code", "message"),
    [
        ({"data": {"state": "running"}}, 4, "data.state: not ready yet, the state is 'running'"),
        ({"code": 403, "message": "no credits"}, 3, "code: the provider answered code 403"),
        ({"code": 200, "data": "oops"}, 1, "song.json: data"),
        ("text", 1, "song.json"),
    ],
)
def test_documents_that_are_no_answer_have_their_exit_codes(
    cli: Any, song_json: Path, body: Any, code: int, message: str
) -> None:
    """Not ready is 4, refused by the provider 3, no answer at all 1; none leaves a file."""
    song_json.write_text(json.dumps(body))
    run = cli("convert", "song.json")
    assert run.code == code
    assert message in run.err
    assert "Traceback" not in run.err
    assert not Path("song.mid").exists()
    row = cli("convert", "song.json", "--json").row()
    assert row["exit"] == code
    assert message.rpartition(": ")[2] in row["error"]["message"]


def test_a_batch_goes_on_and_the_highest_code_wins(cli: Any, song_json: Path) -> None:
    """One bad input costs itself; the exit code still tells."""
    Path("bad.json").write_text("{")
    Path("wait.json").write_text('{"state": "running"}')
    run = cli("convert", "bad.json", "song.json", "wait.json", "gone.json", "-o", "out", "--json")
    rows = [json.loads(line) for line in run.out.splitlines()]
    assert run.code == 4
    assert [row["exit"] for row in rows] == [1, 0, 4, 1]
    assert [row["source"] for row in rows] == ["bad.json", "song.json", "wait.json", "gone.json"]
    assert rows[1]["outputs"] == [
        {
            "target": "mid",
            "path": str(Path("out/song.mid")),
            "bytes": Path("out/song.mid").stat().st_size,
        }
    ]
    run = cli("convert", "bad.json", "song.json", "-o", "again", "--tempo", "source")
    assert "song.json: 1 track, 2 notes, 1 change -> again/song.mid" in run.err
    assert "1 converted, 1 failed" in run.err


def test_tempo_moves_bars_and_not_notes(cli: Any, song_json: Path) -> None:
    """--tempo writes another tempo under the same seconds."""
    assert cli("convert", "song.json", "--tempo", "93", "-o", "x.mid").code == 0
    song = read_midi(Path("x.mid"))
    assert song.tempo.qpm.tolist() == pytest.approx([93], abs=1e-3)
    assert song[0].notes["start"] == pytest.approx([0.5, 1.0], abs=1e-3)
    run = cli("convert", "x.mid", "-o", "y.mid", "--tempo", "source")
    assert "tempo in the .mid: 93 BPM, as in the input" in run.err
    run = cli("convert", "song.json", "-o", "z.mid", "--tempo", "source")
    assert "tempo in the .mid: 120 BPM, the default: the answer names none" in run.err


def test_quantizing_says_the_largest_move_and_that_nothing_was_lost(
    cli: Any, song_json: Path
) -> None:
    """Notes land on the grid of --tempo, or of the song's own tempo."""
    late = [{**note, "start": note["start"] + 0.012} for note in NOTES]
    song_json.write_bytes(answer(late))
    run = cli("convert", "song.json", "--quantize", "1/16", "--tempo", "120", "-o", "x.mid")
    assert run.code == 0
    assert (
        "quantized to 1/16: 2 of 2 notes moved, at most 12.0 ms; none lost, added or reordered"
        in " ".join(run.err.split())
    )
    assert read_midi(Path("x.mid"))[0].notes["start"].tolist() == [0.5, 1.0]
    words = ("--quantize", "1/8t", "--strength", "0.5", "--json", "-o", "y.mid")
    cli("convert", "song.json", "-o", "late.mid", "--tempo", "source")
    row = cli("convert", "late.mid", "--tempo", "source", *words).row()
    assert row["quantized"]["notes"] == 2
    assert 0 < row["quantized"]["largest"] < 0.084
    Path("bare").write_bytes(song_json.read_bytes())
    run = cli("convert", "bare", "--quantize", "1/16", "--tempo", "source", "-o", "z.mid")
    assert run.code == 2
    assert "bare: --quantize with --tempo source: an answer names no tempo" in run.err
    assert not Path("z.mid").exists()


def test_a_grid_adds_beat_and_bar_to_the_table(cli: Any, song_json: Path) -> None:
    """Beats are told only where they were found or somebody said how fast the music is."""
    cli("convert", "song.json", "-o", "plain.csv", "--tempo", "source")
    cli("convert", "song.json", "-o", "beats.csv", "--tempo", "120")
    assert Path("plain.csv").read_text().splitlines()[0].endswith("velocity")
    assert Path("beats.csv").read_text().splitlines()[1].endswith("60,63,1.0,1.25")


def test_programs_can_be_chosen(cli: Any, song_json: Path) -> None:
    """By option for one name, or left as the source claims them."""
    run = cli("convert", "song.json", "--program", "Koto=40", "-o", "x.mid")
    assert "Koto: plays Violin (program 40), as asked" in run.err
    assert read_midi(Path("x.mid"))[0].program == 40
    run = cli("convert", "song.json", "--program", "Kotto=40", "-o", "y.mid")
    assert run.code == 1
    assert "song.json: --program: no track is named 'Kotto'; there are 'Koto'" in run.err
    cli("convert", "song.json", "--programs", "source", "-o", "z.mid")
    assert read_midi(Path("z.mid"))[0].program is None
    Path("other.json").write_bytes(answer(name="Flute"))
    run = cli("convert", "song.json", "other.json", "--program", "Flute=5", "-o", "both")
    assert run.code == 0
    assert read_midi(Path("both/other.mid"))[0].program == 5
    run = cli("convert", "song.json", "other.json", "--program", "Fluet=5", "-o", "more")
    assert run.code == 1
    assert "--program: no track is named 'Fluet'" in run.err


def test_overlap_short_and_resolution_reach_the_plan(cli: Any, song_json: Path) -> None:
    """Each policy of the writer is an option of the same name."""
    over = [NOTES[0], {**NOTES[0], "start": 0.6, "end": 2.0}, {**NOTES[1], "end": 1.0}]
    song_json.write_bytes(answer(over))
    words = ("--tempo", "source")
    run = cli("convert", "song.json", "-o", "a.mid", *words)
    assert "1 note ended where the pitch is struck again" in run.err
    assert "1 note shorter than a tick made one" in run.err
    run = cli("convert", "song.json", "-o", "b.mid", "--overlap", "error")
    assert run.code == 1
    assert "still sounds when it is struck again" in run.err
    run = cli("convert", "song.json", "-o", "c.mid", "--overlap", "keep", "--short", "keep", *words)
    assert "changes:" not in run.err
    assert read_midi(Path("c.mid"))[0].notes["end"].tolist() == [0.75, 2.0, 1.0]
    cli("convert", "song.json", "-o", "d.mid", "--ticks-per-quarter", "96")
    assert read_midi(Path("d.mid")).ticks_per_quarter == 96
    run = cli("convert", "song.json", "-o", "e.npz", "--fs", "1e300")
    assert run.code == 1
    assert "ask for fewer frames" in run.err


def test_check_against_a_file_reports_three_things(cli: Any, song_json: Path) -> None:
    """The other file's notes, our own bytes, and what quantizing did."""
    cli("convert", "song.json", "-o", "hosted.mid")
    words = ("--check", "hosted.mid", "--quantize", "1/4", "--tempo", "120", "-o", "x.mid")
    run = cli("convert", "song.json", *words)
    assert run.code == 0
    told = "the answer, before quantizing, has the same notes as hosted.mid: 2 notes, every start"
    assert told in run.err
    assert "the .mid was read back: it holds every note as meant" in run.err
    assert "quantized to 1/4: 0 of 2 notes moved" in run.err
    run = cli("convert", "hosted.mid", "--check", "x.mid", "-o", "z.mid")
    assert "the input has the same notes as x.mid: 2 notes, every start equal" in run.err
    song_json.write_bytes(answer([NOTES[0]]))
    run = cli("convert", "song.json", "--check", "hosted.mid", "-o", "y.mid")
    assert run.code == 5
    assert "the answer does not have the same notes as hosted.mid:" in run.err
    assert "1 of 2 notes match within 3 ms, 1 missing" in run.err
    assert Path("y.mid").is_file()
    row = cli("convert", "song.json", "--check", "hosted.mid", "-o", "y.mid", "--json").row()
    assert (row["exit"], row["check"]["missing"], row["read_back"]) == (5, 1, True)
    assert row["check"]["against"] == "hosted.mid"


def test_check_hosted_needs_somewhere_to_look_and_contacts_nothing_private(
    cli: Any, song_json: Path
) -> None:
    """Without an address it is an input error; a private one is refused as downloads are."""
    run = cli("convert", "song.json", "--check", "hosted")
    assert run.code == 1
    assert "song.json: names no hosted .mid to check against; pass --check FILE.mid" in run.err
    song_json.write_bytes(answer(midi_url="https://127.0.0.1:1/x.mid"))
    assert cli("convert", "song.json", "-o", "x.mid").code == 0
    run = cli("convert", "song.json", "--check", "hosted", "-o", "y.mid")
    assert run.code == 3
    assert "127.0.0.1" in run.err
    assert not Path("y.mid").exists()
    run = cli("convert", "song.json", "--check", "gone.mid")
    assert run.code == 1
    assert "gone.mid: cannot be read" in run.err


def test_any_number_of_jobs_gives_the_same_bytes(cli: Any, song_json: Path) -> None:
    """--jobs changes nothing but the time."""
    assert cli("convert", ".", "-o", "a", "--jobs", "1").code == 0
    assert cli("convert", "song.json", "-o", "b", "--jobs", "4").code == 0
    assert Path("a/song.mid").read_bytes() == Path("b/song.mid").read_bytes()


def test_quiet_prints_errors_alone(cli: Any, song_json: Path) -> None:
    """-q is for scripts: silence unless something is wrong."""
    song_json.write_bytes(answer([*NOTES, {}]))
    assert cli("convert", "song.json", "-q").text == ""
    assert cli("convert", "gone.json", "-q").err.startswith("Error: gone.json: no such file")


def test_a_file_that_does_not_hold_what_was_meant_is_our_bug(
    cli: Any, song_json: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The bytes are read back each time; a difference is exit code 70 and writes nothing."""
    wrong = Song((Track("Koto", notes=as_notes([(0.5, 0.75, 61, 63), (1.0, 1.25, 64, 63)])),))
    monkeypatch.setattr(MidiPlan, "to_bytes", lambda _: _honest(plan_midi(wrong)))
    run = cli("convert", "song.json")
    assert run.code == 70
    assert (
        "song.json: a bug in midikit: BrokenPromiseError: a track of 2 notes was meant" in run.err
    )
    assert "--debug shows where" in run.err
    assert "Traceback" not in run.err
    assert not Path("song.mid").exists()
    assert "Traceback" in cli("convert", "song.json", "--debug").err


_to_bytes = MidiPlan.to_bytes


def _honest(plan: MidiPlan) -> bytes:
    return _to_bytes(plan)


def test_quantizing_is_checked_for_lost_added_and_reordered_notes() -> None:
    """Each way of breaking the promise is seen."""
    notes = as_notes([(0.1, 0.2, 60, 80), (0.3, 0.4, 64, 80), (0.5, 0.6, 60, 80)])
    before = Song((Track("Koto", notes=notes),))

    def after(rows: list[tuple[float, float, int, int]]) -> Song:
        return before.with_tracks((replace(before[0], notes=as_notes(rows)),))

    moves = checks.check_quantized(
        before, quantize(before, BeatGrid.constant(120.0), division="1/16")
    )
    assert (moves.notes, moves.moved) == (3, 2)
    assert moves.largest == pytest.approx(0.05)
    with pytest.raises(BrokenPromiseError, match="lost or added"):
        checks.check_quantized(before, after([(0.1, 0.2, 60, 80)]))
    with pytest.raises(BrokenPromiseError, match="lost or added"):
        checks.check_quantized(
            before, after([(0.1, 0.2, 60, 80), (0.3, 0.4, 65, 80), (0.5, 0.6, 60, 80)])
        )
    with pytest.raises(BrokenPromiseError, match="order of two notes"):
        checks.check_quantized(
            before, after([(0.1, 0.2, 60, 80), (0.7, 0.8, 64, 80), (0.5, 0.6, 60, 80)])
        )


def test_bytes_are_checked_note_by_note() -> None:
    """Fewer tracks, other notes and damaged bytes are each seen; overlaps kept on purpose pass."""
    rows = [(0.0, 4.0, 60, 80), (1.0, 2.0, 60, 80), (1.0, 1.0, 62, 80)]
    song = Song((Track("Koto", notes=as_notes(rows)), Track("Flute", notes=as_notes(rows))))
    plan = plan_midi(song, overlap="keep", short="keep")
    checks.check_bytes(plan, plan.to_bytes())
    checks.check_bytes(plan_midi(song), plan_midi(song).to_bytes())
    one = plan_midi(Song(song.tracks[:1]), overlap="keep", short="keep")
    with pytest.raises(BrokenPromiseError, match="2 tracks were meant, 1 are"):
        checks.check_bytes(plan, one.to_bytes())
    with pytest.raises(BrokenPromiseError, match="reads with faults"):
        checks.check_bytes(one, one.to_bytes()[:-1])
    slow = plan_midi(song, tempo=60.0, overlap="keep", short="keep")
    with pytest.raises(BrokenPromiseError, match="another tempo was meant"):
        checks.check_bytes(plan, slow.to_bytes())
    named = [plan_midi(Song(song.tracks[:1]), programs={"Koto": program}) for program in (5, 7)]
    with pytest.raises(BrokenPromiseError, match=r"program 5 was meant, the \.mid holds 7"):
        checks.check_bytes(named[0], named[1].to_bytes())
    renamed = plan_midi(Song((replace(song[0], name="Harp"),)), programs={"Harp": 5})
    with pytest.raises(BrokenPromiseError, match=r"name 'Koto' was meant, the .* holds 'Harp'"):
        checks.check_bytes(named[0], renamed.to_bytes())
    fewer = plan_midi(Song((replace(song[0], notes=song[0].notes[:1]),)), programs={"Koto": 5})
    with pytest.raises(BrokenPromiseError, match="holds others"):
        checks.check_bytes(named[0], fewer.to_bytes())
