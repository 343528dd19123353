"""A small picture of notes as SVG inside a page: no script, no style sheet, a bounded size.

A song may have any number of notes; a notebook is stored with what it showed. So notes are put on
columns, those that touch become one stroke, and columns get wider until there are few enough
strokes. Lines and letters have the colour of the text around, so that light and dark pages show
them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from midikit.escape import html_text
from midikit.model.joined import end_to_end
from midikit.view.rows import Rows, pitch_name

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from midikit.view.parts import Part

__all__ = ["roll_svg"]

_COLUMNS = 1440
"""Columns of the picture, two a pixel; it is as wide whatever the song's length."""

_MARGIN, _FOOT, _SIDE = 64, 36, 24
"""Columns left of the notes, for names; below them, for seconds; and to their right."""

_MOST_STROKES = 7000
_COARSEST = 16
"""Columns that strokes of three shades may begin on; after that all of a part get one."""

_SHADES = (0.5, 0.75, 1.0)
_HIGH, _LEAST_ROW, _MOST_ROW = 360, 3, 12
_TICKS = 6
_SHORTEST = 1e-9


class _Strokes(NamedTuple):
    """Strokes in columns, by what draws them."""

    group: npt.NDArray[np.int64]  # part times shades plus shade
    row: npt.NDArray[np.int64]  # lines of the picture from the top
    first: npt.NDArray[np.int64]
    last: npt.NDArray[np.int64]


def roll_svg(parts: Sequence[Part], seconds: float) -> str:
    """Draw parts as a piano roll with drums below, in at most 60 kB.

    Parameters
    ----------
    parts : sequence of Part
        At most some thirty.
    seconds : float
        Length of what is drawn.

    Returns
    -------
    str
        An ``<svg>`` element; well-formed XML, names escaped.

    Examples
    --------
    >>> from midikit.model.song import Song, Track
    >>> from midikit.model.notes import as_notes
    >>> from midikit.view.parts import parts_of
    >>> koto = Track("Koto", notes=as_notes([(0.0, 1.0, 60, 127), (1.0, 2.0, 62, 127)]))
    >>> svg = roll_svg(parts_of(Song((koto,))), 2.0)
    >>> svg[:5], svg.count("<title>"), "C4" in svg
    ('<svg ', 1, True)
    """
    rows = Rows.of(parts)
    count = (rows.high - rows.low + 1) + (len(rows.drums) + 1 if rows.drums else 0)
    row = int(np.clip(_HIGH // count, _LEAST_ROW, _MOST_ROW))
    height = row * count
    seconds = max(seconds, _SHORTEST)
    strokes = _few(parts, rows, seconds)
    body = [_frame(rows, row, height, seconds)]
    for index, part in enumerate(parts):
        paths = [_path(strokes, len(_SHADES) * index + s, part, row) for s in range(len(_SHADES))]
        if any(paths):
            body.append(f"<g><title>{html_text(part.label)}</title>{''.join(paths)}</g>")
    width, whole = _MARGIN + _COLUMNS + _SIDE, height + _FOOT
    label = f"Piano roll of {len(parts)} part{'' if len(parts) == 1 else 's'}"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {whole}" '
        f'width="{width // 2}" height="{whole // 2}" role="img" aria-label="{label}" '
        f'style="max-width:100%;height:auto" fill="none">{"".join(body)}</svg>'
    )


def _frame(rows: Rows, row: int, height: int, seconds: float) -> str:
    """Draw the ground, the line under each C with its name, and seconds."""
    right = _MARGIN + _COLUMNS
    ground = f'<path d="M{_MARGIN} 0H{right}V{height}H{_MARGIN}z" fill="#808080" opacity=".09"/>'
    pitches = range(rows.low, rows.high + 1)
    octaves = [pitch for pitch in pitches if pitch % 12 == 0]
    lines = "".join(f"M{_MARGIN} {(rows.high - p + 1) * row}H{right}" for p in octaves)
    words = [
        _word(_MARGIN - 8, (rows.high - p + 1) * row - row // 2 + 6, "end", pitch_name(p))
        for p in octaves
        if (rows.high - p + 1) * row > 12
    ]
    if rows.drums:
        top = (rows.high - rows.low + 2) * row
        lines += f"M{_MARGIN} {top - row // 2}H{right}"
        words.append(_word(_MARGIN - 8, (top + height) // 2 + 6, "end", "drums"))
    for tick in _ticks(seconds):
        x = _MARGIN + round(tick / seconds * _COLUMNS)
        lines += f"M{x} {height}v6"
        words.append(_word(x, height + 26, "middle", f"{tick:g} s"))
    rules = f'<path d="{lines}" stroke="currentColor" opacity=".25"/>'
    letters = '<g fill="currentColor" font-size="18" font-family="sans-serif" opacity=".8">'
    return f"{ground}{rules}{letters}{''.join(words)}</g>"


def _ticks(seconds: float) -> list[float]:
    """Choose round seconds from 0 on."""
    step = 10.0 ** np.floor(np.log10(max(seconds, 1e-3)))
    for part in (0.1, 0.2, 0.5, 1.0):
        if seconds / (part * step) <= _TICKS:
            step *= part
            break
    return [round(i * float(step), 6) for i in range(int(seconds / step * (1 + 1e-9)) + 1)]


def _word(x: int, y: int, anchor: str, text: str) -> str:
    """Write a word of ours."""
    return f'<text x="{x}" y="{y}" text-anchor="{anchor}">{text}</text>'


def _path(strokes: _Strokes, group: int, part: Part, row: int) -> str:
    """Write the strokes of one part and shade."""
    mine = slice(*np.searchsorted(strokes.group, [group, group + 1]).tolist())
    if mine.start == mine.stop:
        return ""
    # Each stroke begins where the one before it ended: half the bytes of places in the picture.
    x, y, long = strokes.first[mine], strokes.row[mine], strokes.last[mine] - strokes.first[mine]
    right = np.diff(x) - long[:-1]
    moves = zip(right.tolist(), (np.diff(y) * row).tolist(), long[1:].tolist(), strict=True)
    d = f"M{x[0] + _MARGIN} {y[0] * row + row // 2}h{long[0]}"
    d += "".join([f"m{a} {b}h{c}" for a, b, c in moves])
    shade = _SHADES[group % len(_SHADES)]
    cap = ' stroke-linecap="round"' if part.is_drum else ""
    width = row - 1 if part.is_drum else max(row - 1, 3)
    dashes = f' stroke-dasharray="{2 + 2 * part.style.pattern} 2"' if part.style.pattern else ""
    return (
        f'<path d="{d}" stroke="{part.style.color}" stroke-width="{width}" '
        f'stroke-opacity="{shade:g}"{cap}{dashes}/>'
    )


def _few(parts: Sequence[Part], rows: Rows, seconds: float) -> _Strokes:
    """Put notes on columns, as fine ones as there may be strokes."""
    notes = end_to_end(part.notes for part in parts)
    counts = [len(part.notes) for part in parts]
    part = np.repeat(np.arange(len(parts)), counts)
    is_drum = np.repeat([part.is_drum for part in parts], counts).astype(np.bool_)
    row = rows.high - notes["pitch"].astype(np.int64)
    lanes = np.searchsorted(rows.drums, notes["pitch"][is_drum])
    row[is_drum] = rows.high - rows.low + 1 + len(rows.drums) - lanes
    shade = np.minimum(notes["velocity"] * len(_SHADES) // 128, len(_SHADES) - 1)
    scale = _COLUMNS / seconds
    first = np.clip(notes["start"] * scale, 0, _COLUMNS - 1).astype(np.int64)
    last = np.clip(notes["end"] * scale, 0, _COLUMNS).astype(np.int64)
    # A column stays free before the next note; drums are dots.
    last = np.where(is_drum, first, np.maximum(last - 1, first + 1))
    strokes = _joined(_Strokes(len(_SHADES) * part + shade, row, first, last), 1)
    step = 2
    while len(strokes.row) > _MOST_STROKES and step <= _COLUMNS:
        if step > _COARSEST:
            plain = strokes.group - strokes.group % len(_SHADES) + 1
            strokes = strokes._replace(group=plain)
        strokes = _joined(strokes, step)
        step *= 2
    return strokes


def _joined(strokes: _Strokes, step: int) -> _Strokes:
    """Put strokes on whole columns of a width, and join those of a row that touch."""
    is_dot = strokes.first == strokes.last
    first = strokes.first // step * step
    last = np.minimum(np.maximum(strokes.last // step * step, first + step), _COLUMNS)
    last = np.where(is_dot, first, last)
    order = np.lexsort((last, first, strokes.row, strokes.group))
    group, row = strokes.group[order], strokes.row[order]
    line = np.zeros(len(order), np.int64)
    line[1:] = np.cumsum((np.diff(group) != 0) | (np.diff(row) != 0))
    apart = line * 4 * _COLUMNS
    begins, ends = first[order] + apart, np.maximum.accumulate(last[order] + apart)
    fresh = np.ones(len(order), np.bool_)
    fresh[1:] = begins[1:] > ends[:-1]
    at = np.flatnonzero(fresh)
    until = np.append(at[1:], len(order))[: len(at)] - 1
    return _Strokes(group[at], row[at], (begins - apart)[at], (ends - apart)[until])
