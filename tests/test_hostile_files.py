"""Files and folders as an enemy lays them out: nothing is written but where it was asked for."""

from __future__ import annotations

import json
import os
import socket
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import midikit as mk
from midikit import files
from midikit.escape import folded
from midikit.fetch.archive import Record
from midikit.fetch.disk.sqlite import SqliteArchive
from tests.hostile_names import NAMES, acting, answer

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs names that Windows has not")

LONGEST_NAME = 255
RAW = answer(["Koto"])
STEMS = [
    "\x1b[31mred",
    "a\nb",
    "\u202edim",
    "=cmd",
    "-o",
    "[red]x",
    "CON",
    "nul.tar",
    "a b",
    "a  b",
    " a",
    "a ",
    "a.",
    "\u00e9",
    "e\u0301",
    "bass",
    "BASS",
    "song",
    "song.notes",
    "song_notes",
    "Song.Notes",
    "\udcff\udcfe",
    "\udc9b31m",
    "~tilde",
    "$(touch owned)",
    "n" * 245,
    "\u6f22" * 81,
]
"""Stems of input files, those of Linux at their most liberal."""


@pytest.fixture
def inputs(tmp_path: Path) -> Path:
    """Save an answer under each stem."""
    folder = tmp_path / "in"
    folder.mkdir()
    for stem in STEMS:
        (folder / f"{stem}.json").write_bytes(RAW)
    return folder


def tree(folder: Path) -> dict[str, bytes | None]:
    """Tell what is in a folder: content of files, None for what is none."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        if path.is_file() and not path.is_symlink()
        else None
        for path in folder.rglob("*")
    }


@pytest.mark.parametrize("targets", ["mid", "npz,notes.npz,csv"])
def test_outputs_of_hostile_names_stay_in_their_folder(
    cli: Any, inputs: Path, tmp_path: Path, targets: str
) -> None:
    """A file an input and target that no file system takes for another; the rest is as it was."""
    before = tree(inputs)
    run = cli("convert", "in", "-o", "out", "--to", targets, "--tempo", "source")
    assert run.code == 0
    assert not acting(run.text)
    assert tree(inputs) == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in", "out"]
    made = [path.name for path in (tmp_path / "out").iterdir()]
    assert len(made) == len(STEMS) * len(targets.split(","))
    assert len({folded(name) for name in made}) == len(made)
    assert max(len(os.fsencode(name)) for name in made) <= 140


def test_names_of_outputs_are_the_same_whoever_makes_them(
    cli: Any, inputs: Path, tmp_path: Path
) -> None:
    """One process or two, in one go or again, by the command or in Python."""
    made = []
    for number, words in enumerate((["--jobs", "1"], ["--jobs", "2"], ["--jobs", "2", "--force"])):
        folder = tmp_path / f"out{min(number, 1)}"
        assert cli("convert", "in", "-o", folder, "--tempo", "source", *words).code == 0
        made.append(tree(folder))
    assert made[0] == made[1] == made[2]
    sources = sorted(inputs.iterdir())
    for jobs in (1, 2):
        done = list(mk.convert_files(sources, tmp_path / f"again{jobs}", jobs=jobs))
        assert [one.error for one in done] == [None] * len(STEMS)
        assert len({folded(str(one.path)) for one in done}) == len(STEMS)
        assert {one.path.name for one in done if one.path} >= {"song.mid", "CON_.mid"}


def test_json_has_the_names_of_files_exactly(cli: Any, inputs: Path) -> None:
    """Whatever bytes they are made of, so that a script finds them again."""
    rows = [
        json.loads(line)
        for words in (["convert", "in", "-o", "out"], ["inspect", "in"])
        for line in cli(*words, "--json").out.splitlines()
    ]
    assert {Path(row["source"]) for row in rows} == {Path("in") / f"{stem}.json" for stem in STEMS}
    paths = [Path(one["path"]) for row in rows for one in row.get("outputs", ())]
    assert all(path.is_file() for path in paths)
    assert len(paths) == len(STEMS)


def link(path: Path, to: str) -> None:
    """Make a symbolic link and the folder for it."""
    path.parent.mkdir(exist_ok=True)
    path.symlink_to(to)


@pytest.mark.parametrize("to", ["../victim", "missing", "song.mid", "/dev/full", "..", "../in"])
@pytest.mark.parametrize("where", ["out/song.mid", "song.mid"])
def test_links_in_the_place_of_outputs_are_never_followed(
    cli: Any, tmp_path: Path, to: str, where: str
) -> None:
    """To a file, a device, a folder, nowhere or itself: refused, and replaced when forced."""
    (tmp_path / "in").mkdir()
    (tmp_path / "victim").write_text("mine")
    (tmp_path / "song.json").write_bytes(RAW)
    link(tmp_path / where, to)
    is_folder = (tmp_path / where).is_dir()
    output = where if "/" not in where else "out"
    before = tree(tmp_path)
    run = cli("convert", "song.json", "-o", output)
    if where == output and (is_folder or to == "/dev/full"):
        # -o is a folder, or what is no file: the user's word, followed or refused as such.
        assert run.code == (0 if is_folder else 2)
        return
    assert run.code == 1
    assert "is a symbolic link; --force replaces it, not what it points to" in run.err
    assert tree(tmp_path) == before
    assert cli("convert", "song.json", "-o", output, "--force").code == 0
    assert (tmp_path / "victim").read_text() == "mine"
    assert not (tmp_path / where).is_symlink()
    assert mk.read_midi(tmp_path / where).note_count == 1


def test_a_folder_that_is_a_link_is_the_users_word(cli: Any, tmp_path: Path) -> None:
    """-o names it: what is written goes where it leads, and nowhere else."""
    (tmp_path / "away").mkdir()
    (tmp_path / "out").symlink_to("away")
    (tmp_path / "song.json").write_bytes(RAW)
    assert cli("convert", "song.json", "-o", "out").code == 0
    assert [path.name for path in (tmp_path / "away").iterdir()] == ["song.mid"]


@pytest.fixture
def odd(tmp_path: Path) -> Iterator[Path]:
    """Make a folder of what is no plain file but is called one."""
    folder = tmp_path / "odd"
    folder.mkdir()
    os.mkfifo(folder / "pipe.mid")
    os.mkfifo(folder / "pipe.json")
    (folder / "folder.mid").mkdir()
    (folder / "folder.json").mkdir()
    (folder / "loop.mid").symlink_to("loop.mid")
    (folder / "gone.json").symlink_to("nowhere")
    (folder / "long.json").symlink_to("x" * LONGEST_NAME + "y")
    here = Path.cwd()
    os.chdir(folder)  # the name of a socket must be short
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind("socket.mid")
        os.chdir(here)
        yield folder


def test_what_is_no_file_is_never_opened(cli: Any, odd: Path, tmp_path: Path) -> None:
    """As an input: told in a line, and no command waits for it."""
    for path in sorted(odd.iterdir()):
        commands: list[list[object]] = [
            ["convert", path, "-o", "x.mid"],
            ["inspect", path],
            ["compare", path, path],
            ["fetch", "--from", path],
        ]
        for words in commands:
            run = cli(*words)
            assert run.code in {1, 2}
            assert "a bug in midikit" not in run.err
    for options in (["-o", "out"], ["-o", "m.mid", "--merge"]):
        run = cli("convert", "odd", *options)
        assert run.code == 1
        assert "a bug in midikit" not in run.err
    done = list(mk.convert_files(sorted(odd.iterdir()), tmp_path / "out"))
    assert all(isinstance(one.error, mk.InputError) for one in done)
    assert list((tmp_path / "out").iterdir()) == []


def test_what_is_no_file_is_no_output(cli: Any, odd: Path, tmp_path: Path) -> None:
    """A pipe, a socket or a folder in the place of an output: refused, never written into."""
    (tmp_path / "song.json").write_bytes(RAW)
    for path in ("pipe.mid", "socket.mid"):
        run = cli("convert", "song.json", "-o", odd / path)
        assert run.code == 2
        assert "is no folder and no plain file" in run.err
        (tmp_path / path).with_suffix(".json").write_bytes(RAW)
        run = cli("convert", Path(path).with_suffix(".json"), "-o", odd)
        assert run.code == 1
        assert "exists with other content; --force replaces it" in run.err
    (tmp_path / "folder.json").write_bytes(RAW)
    for words in ([], ["--force"]):
        run = cli("convert", "folder.json", "-o", odd, *words)
        assert run.code == 1
        assert "is a folder" in run.err


def test_an_empty_file_is_no_pipe(odd: Path) -> None:
    """Nor is a pipe opened to see whether it holds nothing already."""
    assert not files.holds(odd / "pipe.mid", b"")
    with pytest.raises(mk.OutputError, match="exists with other content"):
        files.check_replace(odd / "pipe.mid", b"")


def test_no_input_is_written_over(cli: Any, tmp_path: Path) -> None:
    """Under its own name, through a link, a hard link or another spelling, forced or not."""
    song = mk.to_midi(mk.read_json(RAW))
    (tmp_path / "song.mid").write_bytes(song + b"trailing")
    (tmp_path / "soft.mid").symlink_to("song.mid")
    os.link(tmp_path / "song.mid", tmp_path / "hard.mid")
    for name in ("e\u0301.mid", "\u00c5.mid", "CON_.mid"):
        (tmp_path / name).write_bytes(song + b"trailing")
    before = tree(tmp_path)
    for words in (
        ["song.mid", "-o", "song.mid"],
        ["song.mid", "-o", "soft.mid"],
        ["soft.mid", "-o", "song.mid"],
        ["song.mid", "-o", "hard.mid"],
        ["song.mid", "-o", "././/song.mid"],
        ["song.mid", "-o", "."],
        ["song.mid"],
        ["e\u0301.mid"],
        ["\u00c5.mid"],
        ["CON_.mid"],
        [".", "-o", "."],
    ):
        run = cli("convert", *words, "--force")
        assert run.code in {1, 2}
        assert tree(tmp_path) == before


def test_a_folder_that_goes_or_takes_nothing_is_told(
    cli: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where no folder can be, and where it vanishes between the making and the writing."""
    (tmp_path / "song.json").write_bytes(RAW)
    (tmp_path / "file").write_text("in the way")
    for output in ("file/", "file/deeper/", "file/song.mid", "/proc/none/", "/proc/none/song.mid"):
        run = cli("convert", "song.json", "-o", output)
        assert run.code == 1
        assert "Error: song.json: " in run.err
        assert "a bug in midikit" not in run.err
    run = cli("convert", "song.json", "-o", "n" * (LONGEST_NAME + 1) + "/")
    assert (run.code, "File name too long" in run.err) == (1, True)
    made = files.make_folder

    def vanishing(folder: Path) -> None:
        made(folder)
        folder.rmdir()

    monkeypatch.setattr("midikit.cli.outputs.make_folder", vanishing)
    run = cli("convert", "song.json", "-o", "out/")
    assert (run.code, "cannot be written: No such file or directory" in run.err) == (1, True)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("clip_id", ["a.hosted", "a", "A", "x" * 118, "X" * 118, "nul", "-o", ".."])
def test_exports_of_any_clip_come_back(tmp_path: Path, clip_id: str) -> None:
    """Names that are devices, options or alike but for case: files of their own, read again."""
    ids = dict.fromkeys([clip_id, clip_id.upper(), clip_id.lower(), f"{clip_id}.mid"])
    with SqliteArchive(tmp_path / "home") as archive:
        for one in ids:
            archive.store(Record(one, "delivered", midi_origin="hosted"), answer=RAW, midi=b"MThd")
        assert archive.export(tmp_path / "out").damage == ()
    made = [path.name for path in (tmp_path / "out").iterdir()]
    assert len({folded(name) for name in made}) == len(made) == 2 * len(ids) + 1
    with SqliteArchive(tmp_path / "other") as other:
        done = other.import_folder(tmp_path / "out")
        assert (done.added, done.damage) == (len(ids), ())


def test_an_import_opens_plain_files_alone(tmp_path: Path) -> None:
    """A pipe among the files of an export is told, not waited for."""
    (tmp_path / "in").mkdir()
    os.mkfifo(tmp_path / "in" / "a.json")
    (tmp_path / "in" / "b.json").write_bytes(RAW)
    os.mkfifo(tmp_path / "in" / "b.mid")
    with SqliteArchive(tmp_path / "home") as archive:
        done = archive.import_folder(tmp_path / "in")
    assert done.added == 0
    assert ["named pipe" in str(each) for each in done.damage] == [True, True]


def test_outputs_named_by_hostile_instruments_do_not_exist(cli: Any, tmp_path: Path) -> None:
    """No target makes a file of an instrument's name."""
    (tmp_path / "song.json").write_bytes(answer([*NAMES.values()]))
    assert cli("convert", "song.json", "-o", "out", "--to", "mid,npz,csv,notes.npz").code == 0
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "song.csv",
        "song.mid",
        "song.notes.npz",
        "song.npz",
    ]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out", "song.json"]
