"""A scene put on matplotlib's axes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from midikit.escape import printable
from midikit.view.glyphs import drawable
from midikit.view.legend import add_legend, part_entries, unmatched_entries
from midikit.view.roll_axes import RollAxes

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from midikit.view.scene import Scene

__all__ = ["draw"]


def draw(ax: Axes, scene: Scene, *, with_title: bool = False) -> None:
    """Draw a scene.

    Parameters
    ----------
    ax : Axes
        Where to draw.
    scene : Scene
        What to draw.
    with_title : bool, optional
        Whether to write the title of the song above.
    """
    roll = RollAxes(ax, scene.rows, scene.clock)
    roll.frame(scene.first, scene.last)
    roll.draw(scene.parts)
    entries = part_entries(scene.parts)
    if scene.missing is not None and scene.extra is not None:
        roll.draw_unmatched(scene.missing, scene.extra)
        entries += unmatched_entries(ax, scene.missing, scene.extra)
    add_legend(ax, entries)
    if not entries:
        roll.say("no notes")
    if with_title and scene.title:
        title = drawable(printable(scene.title))
        ax.set_title(title, loc="left", parse_math=False, usetex=False)
