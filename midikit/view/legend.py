"""The legend beside a roll: as many parts as there is room for, whatever they are called."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from matplotlib import rcParams
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from midikit.view.glyphs import BOX, drawable
from midikit.view.parts import cut
from midikit.view.roll_axes import part_looks
from midikit.view.scales import LETTERS, points_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.legend import Legend

    from midikit.view.parts import Part

__all__ = ["Entry", "add_legend", "part_entries", "unmatched_entries"]

_ROW = 1.5 * LETTERS
_KEY, _LETTER = 32.0, 0.6 * LETTERS
"""Points that the picture of an entry takes, and one letter on average."""

_SHARE, _COLUMNS = 0.36, 2
_LEAST_LETTERS = 11
_LEAST_WIDTH = _KEY + _LEAST_LETTERS * _LETTER


class Entry(NamedTuple):
    """One line of a legend.

    Parameters
    ----------
    picture : Artist
        What it stands for.
    label : str
        Any text that fonts can draw.
    stem : str, optional
        What of the label may be cut; all of it if empty.
    tail : str, optional
        What is said after a stem that was cut.
    """

    picture: Artist
    label: str
    stem: str = ""
    tail: str = ""


def part_entries(parts: Sequence[Part]) -> list[Entry]:
    """Make an entry of each part that has notes.

    Parameters
    ----------
    parts : sequence of Part
        All parts that are drawn.

    Returns
    -------
    list of Entry
        In their order.
    """
    entries = []
    for part, look in zip(parts, part_looks(parts), strict=True):
        edge = look.edge or look.face
        picture: Artist = Patch(fc=look.face, ec=edge, hatch=look.hatch, lw=0.6)
        if part.is_drum:
            picture = Line2D(
                [], [], ls="", marker=look.marker, ms=5.5, mfc=look.face, mec=edge, mew=0.4
            )
        stem, label = drawable(part.name), drawable(part.label)
        if not stem.replace(BOX, "").strip(" ._-…"):
            stem = label = f"track {part.index}"
        elif BOX in stem:  # names that differ may look alike now
            label = f"{stem} (track {part.index})"
        if len(part.notes):
            entries.append(Entry(picture, label, stem, f" ({part.index})"))
    return entries


def unmatched_entries(ax: Axes, missing: Sequence[Part], extra: Sequence[Part]) -> list[Entry]:
    """Make entries of the notes that have no partner.

    Parameters
    ----------
    ax : Axes
        Where they are drawn.
    missing, extra : sequence of Part
        Their parts.

    Returns
    -------
    list of Entry
        One for what is missing, one for what is extra, with their numbers.
    """
    ink, paper = rcParams["text.color"], ax.get_facecolor()
    return [
        Entry(Patch(fc=face, ec=ink, lw=1.0), f"{word}: {sum(len(part.notes) for part in parts):,}")
        for word, face, parts in (("missing", paper, missing), ("extra", ink, extra))
    ]


def add_legend(ax: Axes, entries: Sequence[Entry]) -> Legend | None:
    """Put a legend to the right of axes.

    Parameters
    ----------
    ax : Axes
        The axes.
    entries : sequence of Entry
        What it should say; what finds no room is counted in its last line.

    Returns
    -------
    Legend or None
        The legend, None if there is nothing to say.
    """
    if not entries:
        return None
    width = _SHARE * ax.figure.bbox.width * 72.0 / ax.figure.dpi
    lines = max(int(points_of(ax)[1] / _ROW), 2)
    columns = min(-(-len(entries) // lines), _COLUMNS, max(int(width / _LEAST_WIDTH), 1))
    shown = list(entries)
    if len(entries) > lines * columns:
        shown = [*entries[: lines * columns - 1]]
        rest = f"and {len(entries) - len(shown):,} more"
        shown.append(Entry(Line2D([], [], linestyle=""), rest))
    letters = int((width / columns - _KEY) / _LETTER)
    made = ax.legend(
        [entry.picture for entry in shown],
        ["part"] * len(shown),
        loc="upper left",
        bbox_to_anchor=(1.01, 1.0),
        borderaxespad=0.0,
        ncols=columns,
        fontsize=LETTERS,
        handlelength=1.6,
        columnspacing=1.0,
        frameon=False,
    )
    # Set afterwards: as labels, names would be read as formulas, or left out if they begin with _.
    for text, entry in zip(made.get_texts(), shown, strict=True):
        text.set(text=_fitted(entry, max(letters, _LEAST_LETTERS)), parse_math=False)
        text.set_usetex(False)
    return made


def _fitted(entry: Entry, letters: int) -> str:
    """Cut a label to so many letters, with the number of what it names."""
    if cut(entry.label, letters) == entry.label:
        return entry.label
    return cut(entry.stem or entry.label, letters - len(entry.tail)) + entry.tail
