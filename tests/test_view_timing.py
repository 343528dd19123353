"""The picture of timing: how far onsets are from their lines, before and after quantizing."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.cbook import is_math_text
from matplotlib.figure import Figure

import midikit as mk
from midikit.errors import ConversionError
from midikit.model.notes import as_notes
from midikit.model.song import Song, Track
from midikit.rhythm.moving import moved_starts
from midikit.sandbox.songs import demo_songs
from midikit.view.timing import deviations

if TYPE_CHECKING:
    from collections.abc import Sequence

GRID = mk.BeatGrid.constant(120.0, end=20.0)


def part(name: str, late: Sequence[float]) -> Track:
    """Make a part of eighths, each as late as is said."""
    rows = [(0.25 * i + 1 + s, 0.25 * i + 1.2 + s, 60, 80) for i, s in enumerate(late)]
    return Track(name, notes=as_notes(rows))


LATE = Song((part("Koto", [0.012] * 16), Track("Silent"), part("Bass", [-0.008] * 16)))


def drawn(song: Song, size: tuple[float, float] = (8.0, 4.0), **options: Any) -> Any:
    """Plot on a figure of its own, and draw it."""
    figure = Figure(figsize=size, layout="constrained")
    canvas: Any = FigureCanvasAgg(figure)
    ax = mk.plot_timing(song, GRID, ax=figure.subplots(), **options)
    canvas.draw()
    return ax


def labels(ax: Any) -> list[str]:
    """Return the words beside the rows."""
    return [text.get_text() for text in ax.get_yticklabels()]


def peaks(made: Any) -> tuple[float, float]:
    """Return between which milliseconds a shape is at its farthest from its row."""
    corners = made.get_paths()[0].vertices
    away = np.abs(corners[:, 1] - corners[0, 1])
    at = corners[away > 0.9 * away.max(), 0]
    return float(at.min()), float(at.max())


def test_each_part_is_measured_against_its_lines() -> None:
    """Seconds late for each note, and none after quantizing; silent parts have no row."""
    koto, bass = deviations(LATE, GRID)
    assert (koto.part.label, bass.part.label) == ("Koto", "Bass")
    assert koto.before == pytest.approx(0.012)
    assert bass.before == pytest.approx(-0.008)
    assert not koto.after.any()
    assert not bass.after.any()


def test_what_was_played_stands_on_the_row_and_what_was_made_of_it_hangs_below() -> None:
    """Late to the right, early to the left, quantized in the middle."""
    ax = drawn(LATE)
    before, after, other, _ = ax.collections
    low, high = peaks(before)
    assert low <= 12.0 <= high
    low, high = peaks(after)
    assert low <= 0.0 <= high
    low, high = peaks(other)
    assert low <= -8.0 <= high
    assert before.get_paths()[0].vertices[:, 1].min() < 0.0  # the axis goes down
    assert after.get_paths()[0].vertices[:, 1].max() > 0.0
    assert after.get_facecolor().size == 0
    assert ax.get_ylim()[0] > ax.get_ylim()[1]


def test_rows_say_how_late_a_part_is() -> None:
    """The median, and how far half of the notes are from it."""
    assert labels(drawn(LATE)) == ["Koto\n12.0 ms late ± 0.0", "Bass\n8.0 ms early ± 0.0"]
    assert labels(drawn(LATE, (4.0, 1.1))) == ["Koto", "Bass"]


def test_another_quantizing_can_be_shown() -> None:
    """To half strength half of the deviation remains; other notes are refused."""
    half = mk.quantize(LATE, GRID, division="1/8", strength=0.5)
    koto, _ = deviations(LATE, GRID, quantized=half)
    assert koto.after == pytest.approx(0.006)
    low, high = peaks(drawn(LATE, quantized=half).collections[1])
    assert low <= 6.0 <= high
    with pytest.raises(ConversionError, match="quantized has 1 tracks and the song 3"):
        drawn(LATE, quantized=Song((LATE[0],)))
    with pytest.raises(ConversionError, match="Koto: quantized has other notes there"):
        drawn(LATE, quantized=Song((LATE[1], LATE[1], LATE[2])))


def test_lags_of_a_demo_song_show() -> None:
    """What is drawn is what the song was made with, part by part."""
    demo = demo_songs()[1]
    rows = deviations(demo.song(), demo.grid())
    medians = [float(np.median(row.before)) for row in rows]
    assert medians == pytest.approx(list(demo.lags), abs=0.003)


def test_no_grid_and_no_notes_are_told() -> None:
    """In words, on the picture or as an error."""
    assert [text.get_text() for text in drawn(Song(())).texts] == ["no notes"]
    with pytest.raises(ConversionError, match="grid is None: no steady beat was found"):
        mk.plot_timing(LATE, None)  # type: ignore[arg-type]


def test_any_name_labels_a_row() -> None:
    """Formulas, escapes and lone surrogates are text."""
    names = ["$x$", r"$\frac{1}{", "_hidden", "\ud800", "\x1b[2J", "x" * 500]
    ax = drawn(Song(tuple(part(name, [0.01] * 4) for name in names)), (4.0, 6.0))
    assert not any(is_math_text(label) for label in labels(ax))
    first = [label.split("\n")[0].replace(r"\$", "$") for label in labels(ax)]
    assert first[:5] == ["$x$", r"$\frac{1}{", "_hidden", r"\ud800", r"\x1b[2J"]
    assert len(first[5]) <= 24


def test_many_parts_have_labels_that_do_not_overlap() -> None:
    """Where there is no room for all, every other one is named."""
    ax = drawn(Song(tuple(part(f"Part {i}", [0.01] * 4) for i in range(60))), (5.0, 4.0))
    boxes = [text.get_window_extent() for text in ax.get_yticklabels()]
    assert 10 < len(boxes) < 60
    assert not any(one.overlaps(two) for one, two in pairwise(boxes))


def test_notes_are_followed_by_pitch_when_starts_become_equal() -> None:
    """A chord that was spread is in the order of its pitches once it is quantized."""
    before = as_notes([(0.0, 1.0, 64, 80), (0.01, 1.0, 60, 80)])
    after = as_notes([(0.5, 1.0, 60, 80), (0.6, 1.0, 64, 80)])
    found = moved_starts(before, after)
    assert found is not None
    assert found.tolist() == [0.6, 0.5]
    assert moved_starts(before, after[:1]) is None
    assert moved_starts(before, mk.transpose(after, 1)) is None
