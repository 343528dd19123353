"""Notebooks run from top to bottom, and what is stored in them is what they print."""

from __future__ import annotations

import ast
import contextlib
import functools
import io
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib import pyplot as plt

from midikit import estimate_beats
from midikit.sandbox.songs import demo_songs
from midikit.view.player import Player

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from matplotlib.figure import Figure

ROOT = Path(__file__).parent.parent
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
MOST_BYTES = 400_000
STORE = "store it anew with the command in the README's section on development"


def code_cells(path: Path) -> list[dict[str, Any]]:
    """Return the code cells of a notebook."""
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    return [cell for cell in cells if cell["cell_type"] == "code"]


class Output(NamedTuple):
    """What a cell printed, how many pictures it drew, and what its last line showed."""

    text: str
    pictures: int
    shown: str


def stored(cell: dict[str, Any]) -> Output:
    """Return what came of a cell when it was stored."""
    text, pictures, shown = "", 0, ""
    for output in cell["outputs"]:
        text += "".join(output.get("text", []))
        pictures += "image/png" in output.get("data", {})
        shown += "".join(output.get("data", {}).get("text/html", []))
    return Output(text, pictures, shown)


class Ran(NamedTuple):
    """What a notebook came to: its names, what came of its cells, and the pictures."""

    names: dict[str, Any]
    outputs: list[Output]
    figures: list[Figure]


def run(path: Path) -> Ran:
    """Run a notebook without a screen, collecting the figures in place of showing them."""
    figures: list[Figure] = []

    def show() -> None:
        figures.extend(plt.figure(number) for number in plt.get_fignums())
        plt.close("all")

    namespace: dict[str, Any] = {}
    outputs = []
    with pytest.MonkeyPatch.context() as patch, mpl.rc_context():
        patch.setattr(plt, "show", show)
        for number, cell in enumerate(code_cells(path), start=1):
            before, text = len(figures), io.StringIO()
            with contextlib.redirect_stdout(text):
                value = run_cell("".join(cell["source"]), f"{path.name}, cell {number}", namespace)
            is_page = "page" in cell["metadata"].get("tags", ())  # stored without its outputs
            assert is_page == isinstance(value, Player)
            shown = "" if value is None or is_page else value._repr_html_()
            outputs.append(Output(text.getvalue(), len(figures) - before, shown))
    return Ran(namespace, outputs, figures)


def run_cell(source: str, name: str, namespace: dict[str, Any]) -> Any:
    """Run a cell and return the value of its last line, if that is an expression."""
    tree = ast.parse(source)
    last = tree.body.pop() if isinstance(tree.body[-1], ast.Expr) else None
    exec(compile(tree, name, "exec"), namespace)
    if not isinstance(last, ast.Expr):
        return None
    return eval(compile(ast.Expression(last.value), name, "eval"), namespace)


@pytest.fixture(scope="module")
def ran() -> Iterator[Callable[[str], Ran]]:
    """Run each notebook once for all tests, by its stem."""
    mpl.use("Agg")
    yield functools.cache(lambda stem: run(ROOT / "notebooks" / f"{stem}.ipynb"))
    plt.close("all")


def test_there_are_notebooks() -> None:
    """The tests below have something to test."""
    assert [path.stem for path in NOTEBOOKS] == ["01_first_look", "02_true_grid", "03_corpus"]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_stored_outputs_are_those_of_a_run(path: Path, ran: Callable[[str], Ran]) -> None:
    """Every cell runs, and prints and draws what is stored in it."""
    assert ran(path.stem).outputs == [stored(cell) for cell in code_cells(path)], STORE


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_every_axis_has_its_label(path: Path, ran: Callable[[str], Ran]) -> None:
    """Each axis says what it shows, or shares one that does."""
    figures = ran(path.stem).figures
    assert figures
    for axes in (axes for figure in figures for axes in figure.axes):
        assert any(other.get_xlabel() for other in axes.get_shared_x_axes().get_siblings(axes))
        says = any(other.get_ylabel() for other in axes.get_shared_y_axes().get_siblings(axes))
        assert says or any(label.get_text()[:1].isalpha() for label in axes.get_yticklabels())


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebooks_are_stored_clean(path: Path) -> None:
    """Run once from the top, without times, warnings or errors, and small."""
    cells = code_cells(path)
    for number, cell in enumerate(cells, start=1):
        assert cell["execution_count"] == (None if "tags" in cell["metadata"] else number)
    assert all(cell["metadata"] in ({}, {"tags": ["page"]}) for cell in cells)
    outputs = [output for cell in cells for output in cell["outputs"]]
    kinds = {"stream", "display_data", "execute_result"}
    assert {output["output_type"] for output in outputs} <= kinds
    assert {output.get("name", "stdout") for output in outputs} == {"stdout"}
    types = [[output["output_type"] for output in cell["outputs"]] for cell in cells]
    assert all(several.count("stream") <= 1 for several in types), STORE
    assert path.stat().st_size < MOST_BYTES


def test_a_first_look_loses_no_note(ran: Callable[[str], Ran]) -> None:
    """The file written holds the notes of the hosted one, on the bars of the music."""
    names = ran("01_first_look").names
    assert names["report"].same
    truth = demo_songs()[0]
    assert names["clip"].clip_id == truth.id
    assert names["report"].matched == truth.note_count
    assert names["grid"].bpm == pytest.approx(truth.bpm, rel=2e-4)
    first, last = names["ax"].get_xlim()
    assert [first, last] == pytest.approx(names["grid"].downbeats[[40, 48]])
    for notes in (track.notes["start"] for track in names["song"]):
        assert ((notes > first) & (notes < last)).any()


def test_the_corpus_is_that_of_the_demo_songs(ran: Callable[[str], Ran]) -> None:
    """Tempi, counts and windows are those of the songs, and what is said of the waltz is so."""
    names = ran("03_corpus").names
    songs = demo_songs()
    assert len(names["table"]) == sum(song.note_count for song in songs)
    assert len(names["is_drum"]) == len(names["beat"]) == len(names["table"])
    for song, (_, grid) in zip(songs, names["corpus"], strict=True):
        assert grid.qpm == pytest.approx(song.qpm, rel=2e-4)
    waltz, found = names["corpus"][2]
    assert (found.meter, songs[2].meter) == ((6, 8), (3, 4))
    settled = estimate_beats(waltz, beats_per_bar=3)
    assert settled
    assert settled.meter == (3, 4)
    assert names["train"].shape[1:] == names["test"].shape[1:] == (2, 128, 64)
    sounding, struck = names["train"].swapaxes(0, 1)
    assert struck.any()
    assert not (struck & ~sounding).any()
    one = next(names["batches"](names["train"], size=8, seed=0))
    assert (one.shape, one.dtype.name) == ((8, 2, 128, 64), "float32")
    assert not names["folder"].exists()


def test_what_the_true_grid_notebook_says_is_so(ran: Callable[[str], Ran]) -> None:
    """Tempo and beats are the song's, parts are aligned, notes tight, and files keep their word."""
    names = ran("02_true_grid").names
    assert names["grid"].bpm == pytest.approx(names["truth"].bpm, rel=2e-4)
    assert np.abs(names["off"]).max() < 0.010
    assert 60 < np.abs(names["away"]).max() < 100
    assert np.ptp(names["before"]) > 20
    assert np.abs(names["after"]).max() < 0.5
    spread = [np.std(names["off_line"](version)) for version in names["versions"].values()]
    assert spread[0] > 2 * spread[1] > 4 * spread[2]
    tick = 60 / 87.0 / 480
    assert np.abs(names["moved"]).max() < tick / 2 + 0.0001
    assert np.abs(names["miss"]).max() < 0.0016
    assert np.abs(names["drift"]).max() < tick
