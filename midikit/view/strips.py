"""Two flat pictures inside a page: the tempo over time, and where notes are missing or extra."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    from midikit.model.beats import BeatGrid

    Seconds = npt.NDArray[np.float64]

__all__ = ["marks_svg", "tempo_svg"]

_WIDTH, _MARGIN = 720, 64
_HIGH, _ROW = 80, 16
_MOST_POINTS = 600


def tempo_svg(grid: BeatGrid) -> str:
    """Draw the tempo of a grid over time, the median of neighbouring beats where there are many.

    Parameters
    ----------
    grid : BeatGrid
        Beats and bars.

    Returns
    -------
    str
        An ``<svg>`` element; nothing where one tempo holds throughout.

    Examples
    --------
    >>> from midikit.model.beats import BeatGrid
    >>> tempo_svg(BeatGrid.constant(120.0))
    ''
    >>> "<polyline" in tempo_svg(BeatGrid([0.0, 0.5, 1.2]))
    True
    """
    if grid.is_constant:
        return ""
    bpm, at = 60.0 / np.diff(grid.beats), (grid.beats[1:] + grid.beats[:-1]) / 2.0
    together = -(-len(bpm) // _MOST_POINTS)
    groups = range(0, len(bpm), together)
    bpm = np.array([np.median(bpm[i : i + together]) for i in groups])
    at = np.array([np.median(at[i : i + together]) for i in groups])
    low, high = float(bpm.min()), float(bpm.max())
    x = _MARGIN + (at - at[0]) / max(float(at[-1] - at[0]), 1e-9) * _WIDTH
    y = 8.0 + (high - bpm) / max(high - low, 1e-9) * (_HIGH - 16.0)
    points = " ".join(f"{a:.1f},{b:.1f}" for a, b in zip(x.tolist(), y.tolist(), strict=True))
    line = f'<polyline points="{points}" stroke="#0072B2" stroke-width="1.5"/>'
    words = _word(14, f"{high:.1f} bpm") + _word(_HIGH - 4, f"{low:.1f} bpm")
    return _svg(_HIGH, "Tempo over time, beats a minute", line + words)


def marks_svg(missing: Seconds, extra: Seconds, seconds: float) -> str:
    """Mark when notes are missing and when they are extra, a row each.

    Parameters
    ----------
    missing, extra : ndarray of float64, shape (n,)
        Onsets in seconds.
    seconds : float
        Length of the song.

    Returns
    -------
    str
        An ``<svg>`` element.

    Examples
    --------
    >>> marks_svg(np.array([1.0, 1.0]), np.array([]), 2.0).count("v12")
    1
    """
    body = _word(14, "missing") + _word(14 + _ROW, "extra")
    for row, (onsets, color) in enumerate(((missing, "#D55E00"), (extra, "#0072B2"))):
        columns = np.unique((onsets / max(seconds, 1e-9) * (_WIDTH - 1)).astype(np.int64))
        marks = "".join(f"M{_MARGIN + x} {2 + _ROW * row}v12" for x in columns.tolist())
        top, right = 1 + _ROW * row, _MARGIN + _WIDTH
        body += f'<path d="M{_MARGIN} {top}H{right}v14H{_MARGIN}z" fill="#808080" opacity=".09"/>'
        body += f'<path d="{marks}" stroke="{color}"/>' if marks else ""
    return _svg(2 * _ROW, f"When notes are missing or extra, over {seconds:.1f} s", body)


def _word(y: int, text: str) -> str:
    return (
        f'<text x="{_MARGIN - 6}" y="{y}" text-anchor="end" font-size="11" opacity=".8" '
        f'font-family="sans-serif" fill="currentColor">{text}</text>'
    )


def _svg(height: int, label: str, body: str) -> str:
    width = _MARGIN + _WIDTH + 8
    return (
        f'<div><svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
        f'width="{width}" height="{height}" role="img" aria-label="{label}" '
        f'style="max-width:100%;height:auto" fill="none">{body}</svg></div>'
    )
