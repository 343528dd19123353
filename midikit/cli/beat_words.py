"""How the command line tells tempo, meter, bars and lags in words that fit a screen.

Tempi are felt beats a minute. How sure an estimate is comes from its three probabilities: that
there is a steady pulse, that the beats are the right ones of it, and that the bars are.
"""

from __future__ import annotations

import math
import re
import textwrap
from typing import TYPE_CHECKING

from midikit.cli.words import bpm_text, count
from midikit.escape import printable

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from midikit.model.beats import BeatGrid, Confidence
    from midikit.model.song import Song

__all__ = [
    "first_bar",
    "grid_lines",
    "lag_lines",
    "moved_words",
    "readings",
    "short_tempo",
    "tempo_range",
    "tempo_words",
    "wrapped",
]

_WIDTH = 80
_TOGETHER = re.compile(r"\(--[a-z-]+ -?[\d.]+\)|[\d.]+ (BPM|ms|s)\b( late| early| in \d+/\d+)?")
"""What stays on one line."""

_SURE, _LIKELY = 0.9, 0.6
_MOST_OTHERS = 3
_REMOTE = 0.005
"""Probability below which a sure song's alternatives are told only if they are its half or double
time, which is a matter of taste."""

_SAME_TEMPO = 0.01
_SLOWEST, _FASTEST = 10, 600
"""Felt beats a minute that --tempo-hint takes."""

_STRAIGHT, _SWUNG_FROM = 0.5, 0.53
_TRIPLET_SWING, _NEAR_TRIPLET = 2 / 3, 0.01
_NEAR_BEAT = 0.1
"""Beats by which a pickup may miss whole beats and count as so many."""

_AUDIBLE = 0.005
"""Seconds of lag from which on a song's lags are told,"""

_SMALL = 0.003
"""and those below which a part counts as one of the others."""

_MOST_PARTS = 8
_LONGEST_NAME = 30
_SIMPLE = {0.5: "half time", 2.0: "double time"}


def wrapped(label: str, text: str, indent: int = 2) -> list[str]:
    """Set a text in lines of at most 80 characters, the further ones under the first.

    Parameters
    ----------
    label : str
        What stands in front.
    text : str
        The text; names in it are fit for a terminal.
    indent : int, optional
        Spaces in front of the label.

    Returns
    -------
    list of str
        The lines.

    Examples
    --------
    >>> wrapped("tempo", "120 BPM")
    ['  tempo: 120 BPM']
    """
    lines = textwrap.wrap(
        _TOGETHER.sub(lambda found: found[0].replace(" ", "\N{NO-BREAK SPACE}"), text),
        _WIDTH,
        initial_indent=f"{' ' * indent}{label}: ",
        subsequent_indent=" " * (indent + 4),
        break_on_hyphens=False,
    )
    return [line.replace("\N{NO-BREAK SPACE}", " ") for line in lines]


def tempo_words(grid: BeatGrid) -> str:
    """Say tempo and meter.

    Parameters
    ----------
    grid : BeatGrid
        Beats and bars.

    Returns
    -------
    str
        Such as ``109.73 BPM throughout, in 4/4``.

    Examples
    --------
    >>> from midikit.model.beats import BeatGrid
    >>> tempo_words(BeatGrid.constant(109.73))
    '109.73 BPM throughout, in 4/4'
    """
    low, high = tempo_range(grid)
    if bpm_text(low) == bpm_text(high):
        tempo = f"{bpm_text(grid.bpm)} BPM{' throughout' if grid.is_constant else ', steady'}"
    else:
        tempo = (
            f"{bpm_text(grid.bpm)} BPM, nine beats in ten at {bpm_text(low)} to {bpm_text(high)}"
        )
    counted = ""
    if _is_compound(grid):
        counted = f", counting dotted quarters, {bpm_text(grid.qpm)} in quarters"
    return f"{tempo}, in {_meter(grid)}{counted}"


def short_tempo(grid: BeatGrid) -> str:
    """Say tempo and meter in a few characters.

    Parameters
    ----------
    grid : BeatGrid
        Beats and bars.

    Returns
    -------
    str
        Such as ``109.73 BPM in 4/4``.

    Examples
    --------
    >>> from midikit.model.beats import BeatGrid
    >>> short_tempo(BeatGrid.constant(109.73))
    '109.73 BPM in 4/4'
    """
    return f"{bpm_text(grid.bpm)} BPM in {_meter(grid)}"


def tempo_range(grid: BeatGrid) -> tuple[float, float]:
    """Say between which tempi nearly all beats go by.

    Parameters
    ----------
    grid : BeatGrid
        Beats and bars.

    Returns
    -------
    tuple of float
        The 5th and 95th percentile, in felt beats a minute.
    """
    import numpy as np  # noqa: PLC0415 - the help needs none of it

    low, high = np.percentile(60.0 / np.diff(grid.beats), [5, 95])
    return float(low), float(high)


def _is_compound(grid: BeatGrid) -> bool:
    return abs(grid.qpm / grid.bpm - 1.5) < 1e-9


def _meter(grid: BeatGrid) -> str:
    return f"{grid.meter[0]}/{grid.meter[1]}"


def grid_lines(grid: BeatGrid, song: Song, indent: int = 2) -> list[str]:
    """Say tempo, meter, first bar line, swing, how sure that is, and what else it may be.

    Parameters
    ----------
    grid : BeatGrid
        An estimated grid.
    song : Song
        What it is the grid of.
    indent : int, optional
        Spaces in front.

    Returns
    -------
    list of str
        Lines of at most 80 characters.
    """
    facts = tempo_words(grid)
    if grid.confidence is not None:
        facts += f" ({_sure(grid.confidence)})"
    facts += f"; first bar line at {_seconds(first_bar(grid))}{_pickup(grid, song)}"
    if grid.swing_ratio > _SWUNG_FROM:
        is_triplet = abs(grid.swing_ratio - _TRIPLET_SWING) < _NEAR_TRIPLET
        how = "in triplets" if is_triplet else f"{100 * grid.swing_ratio:.0f} %"
        facts += f"; swung, {how}"
    lines = wrapped("tempo", facts, indent)
    others = [f"{said} ({ask})" for said, ask in readings(grid)]
    return lines + (wrapped("or", "; ".join(others), indent) if others else [])


def _seconds(seconds: float) -> str:
    return f"{round(seconds, 3) + 0.0:.3f} s"  # + 0.0: no minus before a zero


def _pickup(grid: BeatGrid, song: Song) -> str:
    """Say how long before the first bar line the notes begin, where that is no scatter."""
    from midikit.rhythm.barlines import ON_TIME  # noqa: PLC0415 - the help needs none of it

    starts = [float(track.notes["start"][0]) for track in song if len(track.notes)]
    bar = first_bar(grid)
    if not starts or min(starts) > bar - ON_TIME:
        return ""
    beats = float(grid.beat_at(bar) - grid.beat_at(min(starts)))
    if abs(beats - grid.beats_per_bar) * 60.0 < ON_TIME * grid.bpm:
        return ""  # it begins right on the bar line before
    near = round(beats)
    if near and abs(beats - near) < _NEAR_BEAT:
        return f", after a pickup of {count(near, 'beat')}"
    return f", after a pickup of {bpm_text(beats)} beats"


def first_bar(grid: BeatGrid) -> float:
    """Tell where the first bar line at or after second 0 is.

    Parameters
    ----------
    grid : BeatGrid
        Beats and bars.

    Returns
    -------
    float
        Seconds.
    """
    from midikit.rhythm.barlines import bar_lines  # noqa: PLC0415 - the help needs none of it

    return float(bar_lines(grid)[0])


def _sure(confidence: Confidence) -> str:
    """Say how sure an estimate is, in a word where one is enough."""
    levels = {
        "steady beat": confidence.pulse,
        "tempo": confidence.level,
        "bar lines": confidence.bar,
    }
    words = {what: _word(probability) for what, probability in levels.items()}
    if len(set(words.values())) == 1:
        return words["tempo"]
    return ", ".join(f"{what}: {word}" for what, word in words.items())


def _word(probability: float) -> str:
    return "sure" if probability >= _SURE else "likely" if probability >= _LIKELY else "a guess"


def readings(grid: BeatGrid) -> list[tuple[str, str]]:
    """Say what else the beats may be, and the options that ask for it.

    Parameters
    ----------
    grid : BeatGrid
        An estimated grid.

    Returns
    -------
    list of (str, str)
        What each is, and the option; three at most.
    """
    seen, found = [(grid.bpm, grid.beats_per_bar)], []
    is_sure = grid.confidence is None or grid.confidence.bar >= _SURE
    for other in grid.alternatives:
        bars = other.beats_per_bar
        is_remote = other.confidence is None or other.confidence.bar < _REMOTE
        if (shifted := _shifted(grid, other)) and not is_remote:
            found.append(shifted)
            continue
        if any(_alike(other.bpm, bpm) and bars == known for bpm, known in seen):
            continue
        if not _SLOWEST <= round(other.bpm) <= _FASTEST:
            continue
        if is_sure and is_remote and round(other.bpm / grid.bpm, 2) not in _SIMPLE:
            continue
        seen.append((other.bpm, bars))
        if _alike(other.bpm, grid.bpm):
            found.append((_meter(other), f"--beats-per-bar {bars}"))
        else:
            ratio = round(other.bpm / grid.bpm, 2)
            tempo = f"{bpm_text(other.bpm)} BPM"
            said = f"{_SIMPLE[ratio]}, {tempo}" if ratio in _SIMPLE else tempo
            said += "" if other.meter == grid.meter else f" in {_meter(other)}"
            found.append((said, f"--tempo-hint {other.bpm:.0f}"))
    return found[:_MOST_OTHERS]


def _shifted(grid: BeatGrid, other: BeatGrid) -> tuple[str, str] | None:
    """Say where the bar lines are in a reading that differs in nothing else; None if it does."""
    alike = _alike(other.bpm, grid.bpm) and other.beats_per_bar == grid.beats_per_bar
    if not alike or first_bar(other) == first_bar(grid):
        return None
    seconds = f"{first_bar(other):.2f}"
    return f"bar lines from {seconds} s", f"--downbeat {seconds}"


def _alike(one: float, other: float) -> bool:
    return abs(one / other - 1.0) < _SAME_TEMPO


def moved_words(seconds: float) -> str:
    """Say how far a song was moved.

    Parameters
    ----------
    seconds : float
        How far, later if positive.

    Returns
    -------
    str
        In seconds, to the millisecond.

    Examples
    --------
    >>> moved_words(-0.6161)
    'moved 0.616 s earlier'
    """
    return f"moved {abs(seconds):.3f} s {'earlier' if seconds < 0 else 'later'}"


def lag_lines(song: Song, lags: npt.NDArray[np.float64], hint: str, indent: int = 2) -> list[str]:
    """Say which parts are early or late against the others, where that can be heard.

    Parameters
    ----------
    song : Song
        The parts.
    lags : ndarray of float64, shape (tracks,)
        Seconds each part is late, NaN where it does not tell.
    hint : str
        What can be done about it.
    indent : int, optional
        Spaces in front.

    Returns
    -------
    list of str
        Lines of at most 80 characters; none where all parts are together.
    """
    names = [printable(track.name.strip(), _LONGEST_NAME) for track in song]
    known = [(i, lag) for i, lag in enumerate(lags.tolist()) if not math.isnan(lag)]
    if not any(abs(lag) >= _AUDIBLE for _, lag in known):
        return []
    far = [(i, lag) for i, lag in known if abs(lag) >= _SMALL]
    said = [
        f"{_part(names, i)} {1000 * abs(lag):.0f} ms {'late' if lag > 0 else 'early'}"
        for i, lag in far[:_MOST_PARTS]
    ]
    if more := len(far) - _MOST_PARTS:
        said += [f"{more:,} more"] if more > 0 else []
    return wrapped("lags", f"{', '.join(said)}; {hint}", indent)


def _part(names: list[str], index: int) -> str:
    """Name a part; where several have the name, with its number as inspect shows it."""
    name = names[index]
    if not name:
        return f"track {index + 1}"
    return f"{name} ({index + 1})" if names.count(name) > 1 else name
