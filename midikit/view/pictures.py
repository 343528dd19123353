"""Songs as picture files: PNG and SVG, the same bytes for the same song.

Nothing of the user's own settings of matplotlib counts here, and pyplot has no part in it: what is
made belongs to nobody, and any thread may make it.
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any, Literal

from midikit.extras import need_extra
from midikit.files import write_bytes
from midikit.view.scene import scene_of

if TYPE_CHECKING:
    import os

    from midikit.model.beats import BeatGrid
    from midikit.model.song import Song
    from midikit.view.scene import Scene

__all__ = ["to_png", "to_svg", "write_png", "write_svg"]

_DPI = 144
_SHAPES = 5000
"""Notes up to which each is a shape in an SVG; more of them are an image in it."""

_TOLD = {"png": ["Software"], "svg": ["Creator", "Date", "Format", "Type"]}
"""What matplotlib says in a file on its own: its version, the time."""

_STYLE = {"svg.hashsalt": "midikit", "svg.fonttype": "none"}


def to_png(song: Song, *, grid: BeatGrid | None = None) -> bytes:
    r"""Draw a song as `midikit.plot` does, as a PNG.

    Parameters
    ----------
    song : Song
        What to draw.
    grid : BeatGrid, optional
        Its beats and bars.

    Returns
    -------
    bytes
        The file: 1440 pixels wide.

    Raises
    ------
    ConversionError
        If matplotlib is not installed.

    Examples
    --------
    >>> from midikit.model.song import Song
    >>> to_png(Song(()))[:4]
    b'\x89PNG'
    """
    return _drawn(scene_of(song, grid=grid), "png")


def to_svg(song: Song, *, grid: BeatGrid | None = None) -> str:
    """Draw a song as `midikit.plot` does, as an SVG.

    Parameters
    ----------
    song : Song
        What to draw.
    grid : BeatGrid, optional
        Its beats and bars.

    Returns
    -------
    str
        The file. Letters are text, without a font of their own. Of a song of more than 5,000 notes
        these are an image inside, so that its size is bounded.

    Raises
    ------
    ConversionError
        If matplotlib is not installed.

    Examples
    --------
    >>> from midikit.model.song import Song
    >>> to_svg(Song(()))[:5]
    '<?xml'
    """
    return _drawn(scene_of(song, grid=grid), "svg").decode()


def write_png(song: Song, path: str | os.PathLike[str], *, grid: BeatGrid | None = None) -> None:
    """Write a picture of a song to a PNG file.

    Parameters
    ----------
    song : Song
        As for `to_png`, as is `grid`.
    path : str or PathLike
        Where to; replaced in one step.
    grid : BeatGrid, optional
        See there.

    Raises
    ------
    ConversionError
        As `to_png`.
    OutputError
        If it cannot be written.
    """
    write_bytes(path, to_png(song, grid=grid))


def write_svg(song: Song, path: str | os.PathLike[str], *, grid: BeatGrid | None = None) -> None:
    """Write a picture of a song to an SVG file.

    Parameters
    ----------
    song : Song
        As for `to_svg`, as is `grid`.
    path : str or PathLike
        Where to; replaced in one step.
    grid : BeatGrid, optional
        See there.

    Raises
    ------
    ConversionError
        As `to_svg`.
    OutputError
        If it cannot be written.
    """
    write_bytes(path, to_svg(song, grid=grid).encode())


def _drawn(scene: Scene, kind: Literal["png", "svg"]) -> bytes:
    """Draw on a figure of our own and write it without a date or a program's name."""
    need_extra("plot")
    from matplotlib import style  # noqa: PLC0415 - heavy, and an extra
    from matplotlib.figure import Figure  # noqa: PLC0415 - as above

    from midikit.view.drawing import draw  # noqa: PLC0415 - loads matplotlib

    told: dict[str, Any] = dict.fromkeys(_TOLD[kind])
    file = io.BytesIO()
    with style.context(["default", _STYLE]):
        figure = Figure(figsize=scene.size, layout="constrained")
        ax = figure.subplots()
        draw(ax, scene, with_title=True)
        if sum(len(part.notes) for part in scene.parts) > _SHAPES:
            for collection in ax.collections:
                collection.set_rasterized(True)
        figure.savefig(file, format=kind, dpi=_DPI, metadata=told)
    return file.getvalue()
