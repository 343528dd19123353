"""The piano roll: what stands on its axes, and that any name, length and size can be drawn."""

from __future__ import annotations

import io
from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib import pyplot as plt
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import PathCollection, PolyCollection
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

import midikit as mk
from midikit.errors import ConversionError
from midikit.model.notes import as_notes
from midikit.model.song import Song, Track
from midikit.sandbox.songs import demo_songs
from midikit.view.palette import HUES, part_styles
from tests.hostile_names import NAMES

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy.typing as npt

GRID = mk.BeatGrid.constant(120.0, 0.25, end=20.0)
KOTO = Track("Koto", notes=as_notes([(0.0, 0.5, 60, 127), (0.5, 1.0, 64, 1)]))
DRUMS = Track("Drums", is_drum=True, notes=as_notes([(0.25, 0.3, 36, 100), (0.5, 0.6, 42, 60)]))
SONG = Song((KOTO, DRUMS))


def notes_of(ax: Any) -> list[Any]:
    """Return the collections of notes: those whose label is no private one."""
    return [
        made
        for made in ax.collections
        if isinstance(made, (PolyCollection, PathCollection))
        and not str(made.get_label()).startswith("_")
    ]


def corners(made: Any) -> npt.NDArray[np.float64]:
    """Return the corners of each bar or line, shape (n, k, 2)."""
    return np.array([path.vertices[:4] for path in made.get_paths()])


def private(ax: Any, label: str) -> list[Any]:
    """Return the collections that are no part of the song."""
    return [made for made in ax.collections if made.get_label() == f"_{label}"]


def drawn(song: Song, size: tuple[float, float] = (8.0, 4.0), **options: Any) -> Any:
    """Plot a song on a figure of its own, and draw it."""
    figure = Figure(figsize=size, layout="constrained")
    canvas: Any = FigureCanvasAgg(figure)
    ax = mk.plot(song, ax=figure.subplots(), **options)
    canvas.draw()
    return ax


def labels(ax: Any) -> dict[float, str]:
    """Return the labels of rows that are seen, by where they are."""
    ticks = zip(ax.get_yticks().tolist(), ax.get_yticklabels(), strict=True)
    return {y: label.get_text() for y, label in ticks}


def no_overlap(ax: Any) -> bool:
    """Whether no two labels of an axis or of the legend lie on each other."""
    figure = ax.figure
    legend = ax.get_legend()
    groups = [
        [text for text in ax.get_yticklabels() if text.get_text()],
        [text for text in ax.get_xticklabels() if text.get_text()],
        *([] if legend is None else [legend.get_texts()]),
        *([text for text in axis.get_xticklabels() if text.get_text()] for axis in ax.child_axes),
    ]
    renderer = figure.canvas.get_renderer()
    for group in groups:
        boxes = [text.get_window_extent(renderer) for text in group]
        if any(one.overlaps(other) for i, one in enumerate(boxes) for other in boxes[:i]):
            return False
    return True


def test_a_track_is_one_collection() -> None:
    """Bars of pitches and dots of drums, in the order of the song, each named."""
    bars, dots = notes_of(drawn(SONG))
    assert (type(bars), type(dots)) == (PolyCollection, PathCollection)
    assert (bars.get_label(), dots.get_label()) == ("Koto", "Drums")
    assert corners(bars).tolist() == [
        [[0.0, 59.58], [0.0, 60.42], [0.5, 60.42], [0.5, 59.58]],
        [[0.5, 63.58], [0.5, 64.42], [1.0, 64.42], [1.0, 63.58]],
    ]
    assert dots.get_offsets()[:, 0].tolist() == [0.25, 0.5]


def test_colour_says_the_part_and_opacity_the_velocity() -> None:
    """The hue is that of the palette; the louder, the more opaque; the softest is still seen."""
    (bars, _) = notes_of(drawn(SONG))
    style = part_styles(["Koto"], [False])[0]
    faces = bars.get_facecolor()
    assert np.allclose(faces[:, :3], to_rgb(style.color))
    assert faces[0, 3] == 1.0
    assert 0.3 < faces[1, 3] < 0.4


def test_a_part_keeps_its_colour_among_fewer() -> None:
    """Tracks that are chosen look as they do in the whole song."""
    demo = demo_songs()[0].song()
    whole = {made.get_label(): made.get_facecolor()[0][:3] for made in notes_of(drawn(demo))}
    for name in demo:
        (one,) = notes_of(drawn(demo, tracks=name.name))
        assert np.allclose(one.get_facecolor()[0][:3], whole[name.name])


def test_rows_are_those_in_use_and_three_more() -> None:
    """Cropped to the pitches, which lie at their numbers, with drums below them."""
    low, high = drawn(Song((KOTO,))).get_ylim()
    assert (low, high) == (56.5, 67.5)
    low, high = drawn(SONG).get_ylim()
    assert low < 56.5 - 2
    assert high == 67.5
    edges = drawn(Song((Track("", notes=as_notes([(0, 1, 0, 1), (0, 1, 127, 1)])),))).get_ylim()
    assert edges == (-0.5, 127.5)


def test_octaves_are_labelled_with_middle_c_as_c4() -> None:
    """C4 stands at pitch 60, and the axis says so."""
    demo = demo_songs()[0].song()
    ax = drawn(demo.select(drums=False), size=(8.0, 3.0))
    assert labels(ax) == {24.0: "C1", 36.0: "C2", 48.0: "C3", 60.0: "C4", 72.0: "C5"}
    assert ax.get_ylabel() == "pitch (C4 = 60)"


def test_few_rows_have_each_white_key_labelled() -> None:
    """One note does not stand in a picture without a name beside it."""
    ax = drawn(Song((Track("", notes=as_notes([(0, 1, 66, 80)])),)))
    assert labels(ax) == {64.0: "E4", 65.0: "F4", 67.0: "G4", 69.0: "A4"}


def test_drums_have_their_general_midi_names() -> None:
    """A row each, below the pitches and in the order of their numbers."""
    ax = drawn(SONG)
    names = [name for y, name in sorted(labels(ax).items()) if y < 56]
    assert names == ["Bass Drum 1", "Closed Hi-Hat"]
    (_, dots) = notes_of(ax)
    rows = [y for y, name in sorted(labels(ax).items()) if y < 56]
    assert np.allclose(dots.get_offsets()[:, 1], rows)


def test_drums_alone_have_no_rows_of_pitches() -> None:
    """Of a kit the axis shows drums and nothing else; a number where there is no name."""
    kit = Track("Drums", is_drum=True, notes=as_notes([(0, 1, 36, 80), (0, 1, 2, 80)]))
    ax = drawn(Song((kit,)))
    assert sorted(labels(ax).values()) == ["Bass Drum 1", "drum 2"]
    assert ax.get_ylabel() == "drums"


def test_black_keys_are_shaded() -> None:
    """A stripe for each black key in range, across the picture whatever it shows."""
    ax = drawn(Song((KOTO,)))
    (stripes,) = private(ax, "black keys")
    assert corners(stripes)[..., 1].mean(axis=1).tolist() == [58.0, 61.0, 63.0, 66.0]
    assert set(corners(stripes)[..., 0].ravel().tolist()) == {0.0, 1.0}
    assert stripes.get_transform() == ax.get_yaxis_transform()


def grid_lines(ax: Any) -> tuple[list[float], list[float]]:
    """Return where the heavy and the light lines of the grid are."""
    (lines,) = private(ax, "grid")
    x = corners(lines)[:, 0, 0]
    heavy = np.asarray(lines.get_linewidth()) == 1.0
    return sorted(x[heavy].tolist()), sorted(x[~heavy].tolist())


@pytest.mark.parametrize(("first", "last"), [(30.0, 40.0), (10.3, 11.9), (0.0, 120.0)])
def test_an_axis_of_beats_numbers_whole_ones(first: float, last: float) -> None:
    """There is no beat 62.5."""
    grid = mk.BeatGrid.constant(124.61, end=140.0)
    ax = mk.plot(
        demo_songs()[0].song(), grid=grid, x="beats", start=first, end=last, ax=Figure().subplots()
    )
    ticks = ax.get_xticks()
    assert len(ticks) > 2
    assert (ticks == np.round(ticks)).all()


def test_bars_are_heavy_and_beats_light() -> None:
    """Lines at the seconds of the grid, also before its first beat."""
    heavy, light = grid_lines(drawn(SONG, grid=GRID, start=0.0, end=4.0))
    assert heavy == pytest.approx([0.25, 2.25])
    assert light == pytest.approx([0.75, 1.25, 1.75, 2.75, 3.25, 3.75])
    assert not private(drawn(SONG), "grid")


def test_lines_are_thinned_where_there_is_no_room() -> None:
    """Beats go first, then every other bar line; what is left is bar 1 and so on by powers of 2."""
    long = Song((Track("Koto", notes=as_notes([(0.0, 1200.0, 60, 80)])),))
    heavy, light = grid_lines(drawn(long, grid=mk.BeatGrid.constant(120.0, 0.25)))
    assert light == []
    apart = {round(b - a, 6) for a, b in pairwise(heavy)}
    assert apart == {32.0}
    assert heavy[0] == 0.25
    assert no_overlap(drawn(long, grid=GRID))


def test_lines_come_back_when_one_zooms_in() -> None:
    """They are chosen as the picture is drawn."""
    long = Song((Track("Koto", notes=as_notes([(0.0, 1200.0, 60, 80)])),))
    ax = drawn(long, grid=GRID)
    ax.set_xlim(0.0, 4.0)
    ax.figure.savefig(io.BytesIO())
    assert grid_lines(ax)[0] == pytest.approx([0.25, 2.25])


def test_bars_are_numbered_above() -> None:
    """From 1 at the first bar line; a pickup has no number."""
    grid = mk.BeatGrid(np.arange(0.0, 12.0, 0.5), first_downbeat=3)
    ax = drawn(SONG, grid=grid, start=0.0, end=8.0)
    (above,) = ax.child_axes
    assert above.get_xlabel() == "bar"
    assert above.get_xticks().tolist() == [1.0, 2.0, 3.0, 4.0]
    assert grid_lines(ax)[0] == pytest.approx([1.5, 3.5, 5.5, 7.5])
    late = drawn(SONG, grid=mk.BeatGrid.constant(120.0, 4.5), start=0.0, end=8.0)
    assert late.child_axes[0].get_xticks().tolist() == [1.0, 2.0]
    assert grid_lines(late)[0] == pytest.approx([0.5, 2.5, 4.5, 6.5])


@pytest.mark.parametrize(("x", "label"), [("beats", "beat"), ("bars", "bar")])
def test_the_axis_counts_what_is_asked_for(x: Any, label: str) -> None:
    """Notes lie at the grid's own beats or bars of their seconds, at a changing tempo too."""
    beats = np.cumsum(np.r_[0.3, 60.0 / np.linspace(80.0, 160.0, 30)])
    grid = mk.BeatGrid(beats, first_downbeat=1)
    ax = drawn(SONG, grid=grid, x=x)
    (bars, _) = notes_of(ax)
    at = grid.beat_at if x == "beats" else grid.bar_at
    assert corners(bars)[:, 0, 0].tolist() == pytest.approx(at([0.0, 0.5]).tolist())
    assert ax.get_xlabel() == label
    whole = at(grid.downbeats) if x == "beats" else np.round(at(grid.downbeats))
    assert set(np.round(grid_lines(ax)[0], 6)) <= set(np.round(whole, 6))


def test_a_window_shows_what_sounds_in_it() -> None:
    """Notes held into it count, those that begin at its end do not, and rows fit what is left."""
    ax = drawn(SONG, start=0.4, end=0.5)
    (bars, dots) = notes_of(ax)
    assert len(bars.get_paths()) == 1
    assert len(dots.get_offsets()) == 0
    assert ax.get_xlim() == (0.4, 0.5)
    assert ax.get_ylim() == (56.5, 63.5)


@pytest.mark.parametrize(
    ("tracks", "found"),
    [
        (0, ["Bass (track 0)"]),
        (-1, ["Koto"]),
        ("Bass", ["Bass (track 0)", "Bass (track 1)"]),
        (["Koto", 1], ["Bass (track 1)", "Koto"]),
        ([], []),
        (None, ["Bass (track 0)", "Bass (track 1)", "Koto"]),
    ],
)
def test_tracks_are_chosen_by_index_or_name(tracks: Any, found: list[str]) -> None:
    """A name stands for all tracks of that name, as for `Song.select`."""
    song = Song(tuple(replace(KOTO, name=name) for name in ("Bass", "Bass", "Koto")))
    assert [made.get_label() for made in notes_of(drawn(song, tracks=tracks))] == found


def test_what_cannot_be_drawn_is_told() -> None:
    """Each wrong argument in one line that names it and says what is expected."""
    with pytest.raises(ConversionError, match=r"x 'bars' without a grid; pass grid="):
        drawn(SONG, x="bars")
    with pytest.raises(ConversionError, match=r"x 'ticks': expected one of seconds, beats, bars"):
        drawn(SONG, x="ticks")
    for start, end in ((2.0, 1.0), (1.0, 1.0), (float("nan"), None), (0.0, float("inf"))):
        with pytest.raises(ConversionError, match=r"start .*, end .*: expected seconds"):
            drawn(SONG, start=start, end=end)
    with pytest.raises(KeyError, match="no track is named 'Kazoo'"):
        drawn(SONG, tracks="Kazoo")
    with pytest.raises(IndexError, match="track 7 of 2"):
        drawn(SONG, tracks=[0, 7])
    with pytest.raises(ConversionError, match="compare is a comparison of other songs"):
        drawn(SONG, compare=mk.compare(Song(()), Song(())))


def test_no_notes_are_said_to_be_none() -> None:
    """An empty picture says why it is empty, and has no legend."""
    for song in (Song(()), Song((Track("Koto"),))):
        ax = drawn(song)
        assert [text.get_text() for text in ax.texts] == ["no notes"]
        assert ax.get_legend() is None


def test_nothing_is_shown_and_pyplot_has_one_figure_more(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without axes there is a new figure of pyplot's, for a notebook to display; no `show`."""

    def refuse(*_: object) -> None:
        raise AssertionError

    monkeypatch.setattr(plt, "show", refuse)
    mpl.use("Agg")
    plt.close("all")
    settings = dict(mpl.rcParams)
    ax: Any = SONG.plot(grid=GRID)
    try:
        assert len(plt.get_fignums()) == 1
        assert plt.gca() is ax
        assert dict(mpl.rcParams) == settings
    finally:
        plt.close("all")
    drawn(SONG)
    assert plt.get_fignums() == []


def compared() -> tuple[Song, Song]:
    """Return a song, and the same with a note and a stroke missing and an extra of each."""
    koto = as_notes([(0.0, 0.5, 60, 127), (2.0, 2.5, 67, 90)])
    drums = as_notes([(0.25, 0.3, 36, 100), (0.8, 0.9, 38, 60)])
    return SONG, Song((replace(KOTO, notes=koto), replace(DRUMS, notes=drums)))


def test_notes_without_a_partner_are_told_apart_without_colours() -> None:
    """Missing ones are hollow, extra ones solid, both outlined; the rest is drawn as ever."""
    reference, estimate = compared()
    ax = drawn(estimate, compare=reference)
    assert [len(made.get_facecolor()) for made in notes_of(ax)] == [1, 1]
    missing, extra = private(ax, "missing"), private(ax, "extra")
    assert [type(made) for made in missing] == [PolyCollection, PathCollection]
    assert [type(made) for made in extra] == [PolyCollection, PathCollection]
    for made in (*missing, *extra):
        assert np.allclose(made.get_edgecolor()[0], (0, 0, 0, 1))
    assert all(np.allclose(made.get_facecolor()[0], 1.0) for made in missing)
    assert all(np.allclose(made.get_facecolor()[0], (0, 0, 0, 1)) for made in extra)
    assert corners(missing[0])[0, 0].tolist() == [0.5, 63.58]
    assert corners(extra[0])[0, 0].tolist() == [2.0, 66.58]
    words = [text.get_text() for text in ax.get_legend().get_texts()]
    assert words == ["Koto", "Drums", "missing: 2", "extra: 2"]


def test_a_comparison_is_drawn_from_either_side() -> None:
    """The estimate or the reference of a comparison shows the same missing and extra notes."""
    reference, estimate = compared()
    report = mk.compare(reference, estimate)
    for song in (reference, estimate):
        ax = drawn(song, compare=report)
        words = [text.get_text() for text in ax.get_legend().get_texts()]
        assert words[-2:] == ["missing: 2", "extra: 2"]


def test_a_comparison_of_some_tracks_shows_their_differences_alone() -> None:
    """What other tracks lack or have too many is another picture."""
    reference, estimate = compared()
    ax = drawn(estimate, compare=reference, tracks="Koto")
    assert [len(made.get_paths()) for made in private(ax, "missing")] == [1]
    assert [len(made.get_paths()) for made in private(ax, "extra")] == [1]


def test_of_an_instrument_that_is_divided_only_what_is_chosen_shows() -> None:
    """Tracks of one name are compared as one; extra notes of the others are not drawn."""
    split = Song(tuple(replace(KOTO, notes=mk.shift(KOTO.notes, 4.0 * i)) for i in range(3)))
    ax = drawn(split, compare=Song((KOTO,)), tracks=1)
    (extra,) = private(ax, "extra")
    assert corners(extra)[:, 0, 0].tolist() == [4.0, 4.5]


def test_tracks_only_the_reference_has_are_missing() -> None:
    """With all tracks drawn, a whole track without a counterpart shows, up to its end."""
    late = Track("Flute", notes=as_notes([(5.0, 6.0, 90, 80)]))
    ax = drawn(SONG, compare=Song((*SONG.tracks, late)))
    assert len(private(ax, "missing")) == 1
    assert ax.get_xlim()[1] > 6.0
    assert ax.get_ylim()[1] == 93.5


def many(count: int, notes: int = 8, name: str = "Part {}") -> Song:
    """Make a song of many parts, some of them drums."""
    rows = [(0.5 * i, 0.5 * i + 0.4, 40 + 3 * i, 80) for i in range(notes)]
    kit = [(0.5 * i, 0.5 * i + 0.1, 35 + i, 80) for i in range(notes)]
    return Song(
        tuple(
            Track(
                name.format(i), is_drum=i % 12 == 11, notes=as_notes(kit if i % 12 == 11 else rows)
            )
            for i in range(count)
        )
    )


@pytest.mark.parametrize("size", [(10.0, 5.0), (6.0, 3.0), (3.6, 2.4)])
@pytest.mark.parametrize("count", [1, 4, 12, 30])
def test_labels_do_not_overlap(size: tuple[float, float], count: int) -> None:
    """Nor does the legend: drums and parts that find no room are left out or counted."""
    ax = drawn(many(count, 16, "Electric Guitar (overdriven) {}"), size, grid=GRID)
    assert no_overlap(ax)
    legend = ax.get_legend()
    shown = [text.get_text() for text in legend.get_texts()]
    assert len(set(shown)) == len(shown)
    box = legend.get_window_extent(ax.figure.canvas.get_renderer())
    assert not box.overlaps(ax.bbox)
    if len(shown) < count:
        assert shown[-1] == f"and {count - len(shown) + 1} more"
    if size == (10.0, 5.0):
        assert len(shown) == count


def test_all_drums_of_general_midi_are_labelled_as_room_allows() -> None:
    """The most struck are named first, and no name lies on another."""
    kit = [(0.1 * i, 0.1 * i + 0.05, 35 + i % 47, 80) for i in range(300)]
    kit += [(40.0 + i, 40.1 + i, 36, 80) for i in range(9)]
    song = Song((KOTO, Track("Drums", is_drum=True, notes=as_notes(kit))))
    ax = drawn(song, (6.0, 3.0))
    assert no_overlap(ax)
    assert "Bass Drum 1" in labels(ax).values()
    assert 4 < len(labels(ax)) < 30


def test_any_name_is_drawn_as_text() -> None:
    """No name is a formula, a private label or a warning; long ones are cut, and all differ."""
    names = [*NAMES.values(), "$x$", r"$\frac{1}{", "_hidden", r"\$", "%s {0}", "\ud800"]
    song = Song(tuple(replace(KOTO, name=name) for name in names))
    texts = drawn(song, (12.0, 40.0)).get_legend().get_texts()
    shown = [text.get_text() for text in texts]
    assert len(set(shown)) == len(names)
    assert all(0 < len(one) <= 40 for one in shown)
    assert not any(text.get_parse_math() or text.get_usetex() for text in texts)
    assert {"$x$", r"$\frac{1}{", "_hidden", r"\$", "%s {0}", r"\ud800"} <= set(shown)


@pytest.mark.parametrize("name", ["$x$", r"$\frac{1}{$", "_hidden", r"\$", "\x1b[2J$"])
def test_a_legend_of_ones_own_and_the_title_take_any_name(name: str) -> None:
    """What matplotlib makes of the labels of collections is drawn too, and so is the title."""
    ax: Any = mk.plot(Song((replace(KOTO, name=name), DRUMS), title=name))
    try:
        ax.legend()
        ax.figure.canvas.draw()
        assert ax.get_title(loc="left") == name.replace("\x1b", r"\x1b")
    finally:
        plt.close(ax.figure)


def test_a_name_that_no_font_has_is_told_by_its_index() -> None:
    """Boxes tell nothing apart."""
    song = Song((KOTO, replace(KOTO, name="\u30d4\u30a2\u30ce")))
    words = [text.get_text() for text in drawn(song).get_legend().get_texts()]
    assert words == ["Koto", "track 1"]


def test_parts_past_the_hues_have_a_hatch() -> None:
    """The eighth part looks like one of the first seven but for its pattern."""
    made = notes_of(drawn(many(8)))
    colors = [tuple(one.get_facecolor()[0][:3]) for one in made]
    assert len(set(colors)) == len(HUES)
    hatches = [one.get_hatch() or "" for one in made]
    assert sorted(bool(hatch) for hatch in hatches) == [False] * 7 + [True]


def test_of_very_many_tracks_the_last_are_drawn_together() -> None:
    """So that a file of thousands of tracks takes no minutes."""
    made = notes_of(drawn(many(700, 1)))
    assert len(made) <= 302
    assert sum(len(one.get_facecolor()) for one in made) == 700


@pytest.mark.parametrize("end", [1e-9, 1e-3, 1e5, 1e9, 1e300])
def test_any_length_is_drawn(end: float) -> None:
    """A nanosecond as well as more than any song takes."""
    song = Song((Track("Koto", notes=as_notes([(0.0, end, 60, 80), (end / 2, end / 2, 61, 1)])),))
    drawn(song)
    if end < 1e10:
        drawn(song, grid=GRID)
        drawn(song, grid=GRID, x="bars")


def test_a_roll_is_drawn_as_its_values_are() -> None:
    """A bar for each run of equal velocity; what was changed in the roll shows."""
    roll = mk.pianoroll(SONG, fs=10.0)
    roll.values[0, 72, 3:5] = 99
    ax = roll.plot(ax=Figure().subplots(), tracks="Koto")
    (bars,) = notes_of(ax)
    shapes = corners(bars)
    times = [tuple(pair) for pair in shapes[:, ::2, 0].round(6).tolist()]
    assert dict(zip(times, shapes[..., 1].mean(axis=1).round(6).tolist(), strict=True)) == {
        (0.0, 0.5): 60.0,
        (0.5, 1.0): 64.0,
        (0.3, 0.5): 72.0,
    }


def test_a_roll_of_beats_is_drawn_in_seconds() -> None:
    """Its frames lie where its beats do; what is before second 0 begins there."""
    roll = mk.pianoroll(SONG, per_beat=4, grid=GRID)
    (bars, _) = notes_of(roll.plot(ax=Figure().subplots(), grid=GRID))
    assert corners(bars)[:, 0, 0].tolist() == pytest.approx([0.0, 0.5])
    (bars, _) = notes_of(mk.pianoroll(SONG, per_beat=1, grid=GRID).plot(ax=Figure().subplots()))
    assert corners(bars)[:, 0, 0].tolist() == pytest.approx([0.0, 0.25])


@pytest.fixture(autouse=True)
def settings() -> Iterator[None]:
    """Draw with matplotlib's own settings."""
    with mpl.rc_context():
        yield
