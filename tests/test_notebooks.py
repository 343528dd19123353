"""Notebooks run from top to bottom, and what is stored in them is what they print."""

from __future__ import annotations

import contextlib
import io
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib import pyplot as plt

if TYPE_CHECKING:
    from collections.abc import Iterator

    from matplotlib.figure import Figure

ROOT = Path(__file__).parent.parent
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
MOST_BYTES = 400_000
STORE = "store it anew with the command in the README's section on development"


def code_cells(path: Path) -> list[dict[str, Any]]:
    """Return the code cells of a notebook."""
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    return [cell for cell in cells if cell["cell_type"] == "code"]


def stored(cell: dict[str, Any]) -> tuple[str, int]:
    """Return what a cell printed when it was stored, and how many pictures it drew."""
    text = [
        "".join(output["text"]) for output in cell["outputs"] if output["output_type"] == "stream"
    ]
    return "".join(text), sum("image/png" in output.get("data", {}) for output in cell["outputs"])


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Figure]]:
    """Draw without a screen, and collect the figures in place of showing them."""
    figures: list[Figure] = []

    def show() -> None:
        figures.extend(plt.figure(number) for number in plt.get_fignums())
        plt.close("all")

    mpl.use("Agg")
    monkeypatch.setattr(plt, "show", show)
    with mpl.rc_context():
        yield figures
    plt.close("all")


def run(path: Path, shown: list[Figure]) -> tuple[dict[str, Any], list[tuple[str, int]]]:
    """Run a notebook; return its names, and the text and the pictures of each cell."""
    namespace: dict[str, Any] = {}
    outputs = []
    for number, cell in enumerate(code_cells(path), start=1):
        before, text = len(shown), io.StringIO()
        code = compile("".join(cell["source"]), f"{path.name}, code cell {number}", "exec")
        with contextlib.redirect_stdout(text):
            exec(code, namespace)
        outputs.append((text.getvalue(), len(shown) - before))
    return namespace, outputs


def test_there_are_notebooks() -> None:
    """The tests below have something to test."""
    assert [path.name for path in NOTEBOOKS] == ["beat_grid.ipynb"]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_stored_outputs_are_those_of_a_run(path: Path, shown: list[Figure]) -> None:
    """Every cell runs, and prints and draws what is stored in it."""
    _, outputs = run(path, shown)
    assert outputs == [stored(cell) for cell in code_cells(path)], STORE


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_every_axis_has_its_label(path: Path, shown: list[Figure]) -> None:
    """Each axis says what it shows, or shares one that does."""
    run(path, shown)
    assert shown
    for axes in (axes for figure in shown for axes in figure.axes):
        assert any(other.get_xlabel() for other in axes.get_shared_x_axes().get_siblings(axes))
        assert any(other.get_ylabel() for other in axes.get_shared_y_axes().get_siblings(axes))


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebooks_are_stored_clean(path: Path) -> None:
    """Run once from the top, without times, warnings or errors, and small."""
    cells = code_cells(path)
    assert [cell["execution_count"] for cell in cells] == list(range(1, len(cells) + 1))
    assert [cell["metadata"] for cell in cells] == [{}] * len(cells)
    outputs = [output for cell in cells for output in cell["outputs"]]
    assert {output["output_type"] for output in outputs} <= {"stream", "display_data"}
    assert {output.get("name", "stdout") for output in outputs} == {"stdout"}
    assert path.stat().st_size < MOST_BYTES


def test_what_the_beat_grid_notebook_says_is_so(shown: list[Figure]) -> None:
    """Tempo and beats are the song's, parts are aligned, notes tight, and files keep their word."""
    names, _ = run(ROOT / "notebooks" / "beat_grid.ipynb", shown)
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
