"""Picture files: the same bytes for the same song, well-formed, bounded, and `convert --to`."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

import matplotlib as mpl
import numpy as np
import pytest
from click.testing import CliRunner

import midikit as mk
from midikit import cli
from midikit.model.notes import as_notes
from midikit.model.song import Song, Track
from midikit.view import to_png, to_svg, write_png, write_svg
from tests.hostile_names import NAMES

if TYPE_CHECKING:
    from pathlib import Path

SVG = "{http://www.w3.org/2000/svg}"
ANSWER = "fixtures/answers/example.json"
SONG = Song(
    (
        Track("Koto", notes=as_notes([(0.0, 0.5, 60, 127), (0.5, 1.0, 64, 1)])),
        Track("Drums", is_drum=True, notes=as_notes([(0.25, 0.3, 36, 100)])),
    ),
    title="A & B",
)


def texts(svg: str) -> list[str]:
    """Return the words of an SVG."""
    return [element.text or "" for element in ET.fromstring(svg).iter(f"{SVG}text")]


def test_the_same_song_gives_the_same_bytes() -> None:
    """Also with other settings of matplotlib's, and after other pictures."""
    grid = mk.BeatGrid.constant(120.0)
    first = to_svg(SONG, grid=grid), to_png(SONG, grid=grid)
    with mpl.rc_context({"font.size": 20, "svg.hashsalt": "x", "axes.facecolor": "red"}):
        again = to_svg(SONG, grid=grid), to_png(SONG, grid=grid)
    assert first == again


def test_other_processes_give_the_same_bytes() -> None:
    """Nothing depends on hashes of Python's, on a backend or on the folder of settings."""
    code = (
        "import hashlib, sys, midikit as mk; from midikit.view import to_png, to_svg\n"
        f"song = mk.read_json({ANSWER!r})\n"
        "print(hashlib.sha256(to_svg(song).encode() + to_png(song)).hexdigest())\n"
        "print('matplotlib.pyplot' in sys.modules)"
    )
    found = subprocess.run(
        [sys.executable, "-c", code],
        env={"PYTHONHASHSEED": "7", "MPLBACKEND": "svg", "PATH": ""},
        capture_output=True,
        text=True,
        check=True,
    )
    song = mk.read_json(ANSWER)
    expected = hashlib.sha256(to_svg(song).encode() + to_png(song)).hexdigest()
    assert found.stdout.split() == [expected, "False"]


def test_a_png_says_nothing_but_its_pixels() -> None:
    """No program's name, no time; 1440 pixels wide."""
    data = to_png(SONG)
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    assert int.from_bytes(data[16:20]) == 1440
    kinds, at = [], 8
    while at < len(data):
        length = int.from_bytes(data[at : at + 4])
        kinds.append(data[at + 4 : at + 8])
        at += 12 + length
    assert set(kinds) == {b"IHDR", b"pHYs", b"IDAT", b"IEND"}


def test_an_svg_holds_words_as_text() -> None:
    """Names, drums and the title can be read and searched; there is no date and no script."""
    svg = to_svg(SONG, grid=mk.BeatGrid.constant(120.0))
    assert {"Koto", "Drums", "Bass Drum 1", "A & B", "time (s)", "bar"} <= set(texts(svg))
    assert "script" not in svg
    assert "Matplotlib" not in svg
    assert "date" not in svg


@pytest.mark.parametrize("name", ["</svg><script>alert(1)</script>", "a--b-->", "$x$", "\x00", "&"])
def test_any_name_is_text_in_an_svg(name: str) -> None:
    """Names act neither as tags nor as comments nor as formulas."""
    svg = to_svg(Song((Track(name, notes=SONG[0].notes),), title=name))
    ET.fromstring(svg)
    assert "<script" not in svg
    assert sum(name.replace("\x00", r"\x00")[:20] in text for text in texts(svg)) == 2


def test_all_hostile_names_make_one_well_formed_picture() -> None:
    """Together, so that each finds its place in the legend or is counted."""
    song = Song(tuple(Track(name, notes=SONG[0].notes) for name in NAMES.values()))
    ET.fromstring(to_svg(song))


def test_an_svg_of_very_many_notes_is_bounded() -> None:
    """Notes are an image inside then; words stay words."""
    start = np.arange(20_000) / 50.0
    notes = as_notes(
        np.column_stack([start, start + 0.02, 40 + start // 10 % 40, 1 + start // 4 % 127])
    )
    svg = to_svg(Song((Track("Koto", notes=notes),)), grid=mk.BeatGrid.constant(120.0))
    assert len(svg) < 1_500_000
    assert "<image" in svg
    assert "Koto" in texts(svg)


def test_files_hold_what_is_made_in_memory(tmp_path: Path) -> None:
    """`write_png` and `write_svg` write the bytes of `to_png` and `to_svg`."""
    write_png(SONG, tmp_path / "a.png")
    write_svg(SONG, tmp_path / "a.svg")
    assert (tmp_path / "a.png").read_bytes() == to_png(SONG)
    assert (tmp_path / "a.svg").read_text(encoding="utf-8") == to_svg(SONG)


def run(*words: str) -> Any:
    """Run the command line."""
    return CliRunner().invoke(cli.midikit, list(words))


def test_convert_writes_pictures_with_the_bars_that_were_found(tmp_path: Path) -> None:
    """Beside other targets, listed with their sizes, and the same in a second run."""
    done = run("convert", ANSWER, "--to", "mid,png,svg", "-o", f"{tmp_path}/", "--json")
    assert done.exit_code == 0
    outputs = json.loads(done.stdout)["outputs"]
    assert [one["target"] for one in outputs] == ["mid", "png", "svg"]
    assert "bar" in texts((tmp_path / "example.svg").read_text(encoding="utf-8"))
    assert (tmp_path / "example.png").read_bytes()[:4] == b"\x89PNG"
    again = run("convert", ANSWER, "--to", "png,svg", "-o", f"{tmp_path}/")
    assert again.exit_code == 0, again.stderr


def test_convert_takes_the_kind_of_picture_from_the_name(tmp_path: Path) -> None:
    """As for any target."""
    done = run("convert", ANSWER, "-o", str(tmp_path / "song.svg"))
    assert done.exit_code == 0
    ET.parse(tmp_path / "song.svg")


def test_without_matplotlib_convert_says_how_to_get_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One line, exit code 1, and no file."""
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    done = run("convert", ANSWER, "-o", str(tmp_path / "song.png"))
    assert done.exit_code == 1
    assert "matplotlib is not there; for pictures run:" in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert list(tmp_path.iterdir()) == []
