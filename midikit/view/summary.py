"""What a notebook shows of a value: a summary, a table, a small picture, in pure HTML.

No script and no style sheet, so that it shows in notebooks that are not trusted and where they are
published; names are escaped; under 100 kB whatever the value.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from midikit.escape import html_text
from midikit.gm import PROGRAM_NAMES, find_program
from midikit.model.meter import meter_text
from midikit.model.report import counted
from midikit.model.tempo import default_tempo
from midikit.view.parts import bounded, parts_of
from midikit.view.rows import pitch_name
from midikit.view.runs import song_of
from midikit.view.strips import marks_svg, tempo_svg
from midikit.view.thumbnail import roll_svg

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import numpy.typing as npt

    from midikit.convert.roll import PianoRoll
    from midikit.model.beats import BeatGrid
    from midikit.model.song import Song, Track
    from midikit.verify.comparison import Comparison
    from midikit.view.parts import Part

__all__ = ["comparison_html", "grid_html", "roll_html", "song_html"]

_MOST_PARTS = 30
_MOST_READINGS = 3
_MOST_FRAMES = 1440
_PITCHES = 128
_NAME, _LINE = 24, 300
_LEFT = ' style="text-align:left"'


def song_html(song: Song) -> str:
    """Show a song.

    Parameters
    ----------
    song : Song
        The song.

    Returns
    -------
    str
        HTML: its title, what there is in it, a small piano roll, a row a part.

    Examples
    --------
    >>> from midikit.model.song import Song
    >>> song_html(Song((), title="<i>"))[:22].rstrip("<")
    '<div><b>&lt;i&gt;</b>'
    """
    facts = [
        counted(len(song), "track"),
        counted(song.note_count, "note"),
        f"{song.end:.1f} s",
        *([] if _is_unclaimed(song) else [_tempo(song)]),
        *([counted(len(song.repairs), "repair")] if song.repairs else []),
    ]
    return _page(song.title, facts, _parts(song, [len(track) for track in song]))


def roll_html(roll: PianoRoll) -> str:
    """Show a piano roll.

    Parameters
    ----------
    roll : PianoRoll
        The roll.

    Returns
    -------
    str
        HTML: its shape, a small picture, a row a track.
    """
    pace = f"{roll.fs:g} frames a second" if roll.per_beat is None else f"{roll.per_beat} a beat"
    shape = " x ".join(f"{length:,}" for length in roll.values.shape)
    song = song_of(roll, most_frames=_MOST_FRAMES)
    counts = np.bincount(roll.notes.row // _PITCHES, minlength=len(song)).tolist()
    facts = [f"piano roll of {shape}: tracks, pitches, frames", pace]
    return _page(None, facts, _parts(song, counts))


def grid_html(grid: BeatGrid) -> str:
    """Show beats and bars.

    Parameters
    ----------
    grid : BeatGrid
        The grid.

    Returns
    -------
    str
        HTML: tempo, meter, how sure, the tempo over time, other readings.

    Examples
    --------
    >>> from midikit.model.beats import BeatGrid
    >>> grid_html(BeatGrid.constant(120.0))[:22]
    '<div><b>120.00 bpm</b>'
    """
    facts = [
        meter_text(grid.meter),
        counted(len(grid.beats), "beat"),
        f"first bar line at {_first_bar(grid):.3f} s",
    ]
    if grid.residual is not None:
        facts.append(f"onsets {1e3 * grid.residual:.1f} ms off in the median")
    readings = [grid, *grid.alternatives[:_MOST_READINGS]]
    rows = [
        [
            f"{one.bpm:.2f}",
            meter_text(one.meter),
            f"{_first_bar(one):.2f} s",
            *(f"{sure:.2f}" for sure in (one.confidence.pulse, one.confidence.level)),
            f"{one.confidence.bar:.2f}",
        ]
        for one in readings
        if one.confidence is not None
    ]
    table = (
        _table(["BPM", "meter", "first bar line", "pulse", "level", "bar"], rows) if rows else ""
    )
    return _page(f"{grid.bpm:.2f} bpm", facts, [tempo_svg(grid), table])


def comparison_html(report: Comparison) -> str:
    """Show what a comparison found.

    Parameters
    ----------
    report : Comparison
        The comparison.

    Returns
    -------
    str
        HTML: counts, where notes are missing or extra, a row a pair of tracks, first differences.
    """
    songs = (report.reference_song, report.estimate_song)
    starts = [
        _starts(song, rows)
        for song, rows in zip(songs, (report.missing_notes, report.extra_notes), strict=True)
    ]
    strip = "" if report.same else marks_svg(starts[0], starts[1], max(s.end for s in songs))
    rows = [
        [html_text(track.name.strip() or "(no name)", _NAME)]
        + [f"{number:,}" for number in (track.matched, track.missing, track.extra)]
        + [f"{track.f1:.3f}"]
        for track in report.tracks[:_MOST_PARTS]
    ]
    rows += _and_more(len(report.tracks), "track")
    table = _table(["track", "matched", "missing", "extra", "F1"], rows)
    lines = "".join(f"<li>{html_text(line, _LINE)}</li>" for line in report.differences())
    facts = [report.summary, f"within {1e3 * report.tolerance:g} ms", f"F1 {report.f1:.3f}"]
    return _page(None, facts, [strip, table, f"<ul>{lines}</ul>" if lines else ""])


def _first_bar(grid: BeatGrid) -> float:
    """Return the second of the first bar line; a grid may be too short to have one."""
    return float(grid.time_at(grid.pickup))


def _page(title: str | None, facts: Iterable[str], parts: Iterable[str]) -> str:
    """Put a heading, a line of facts and whatever follows together."""
    head = f"<b>{html_text(title)}</b><br/>" if title else ""
    return f"<div>{head}{html_text(' · '.join(facts), _LINE)}{''.join(parts)}</div>"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Write a table of cells that are HTML already."""
    titles = "".join(f"<th{_LEFT}>{title}</th>" for title in head)
    body = "".join(f"<tr>{''.join(f'<td{_LEFT}>{cell}</td>' for cell in row)}</tr>" for row in rows)
    return f"<table><thead><tr>{titles}</tr></thead><tbody>{body}</tbody></table>"


def _parts(song: Song, counts: Sequence[int]) -> list[str]:
    """Draw the parts, and write a row a part: its colour and name, sound, notes and range."""
    parts = parts_of(song)
    picture = roll_svg(bounded(parts, _MOST_PARTS), song.end) if song.note_count else ""
    rows = [
        [
            f'<span style="color:{part.style.color}">{"●" if part.is_drum else "■"}</span>',
            html_text(part.label),
            _sound(song[part.index]),
            f"{counts[part.index]:,}",
            _range(part),
        ]
        for part in parts[:_MOST_PARTS]
    ]
    rows += _and_more(len(song), "track", before=1)
    table = _table(["", "part", "sound", "notes", "range"], rows) if rows else ""
    return [f"<div>{picture}</div>", table]


def _and_more(number: int, noun: str, before: int = 0) -> list[list[str]]:
    """Count what finds no row."""
    rest = number - _MOST_PARTS
    return [[""] * before + [f"and {counted(rest, noun)} more"]] if rest > 0 else []


def _sound(track: Track) -> str:
    """Name the sound as claimed, or as the name means it."""
    if track.is_drum:
        return "drum kit"
    if track.program is not None:
        return PROGRAM_NAMES[track.program]
    guess = find_program(track.name)
    return "" if guess is None else f"{PROGRAM_NAMES[guess.program]} (by name)"


def _range(part: Part) -> str:
    """Name the lowest and the highest note; of a kit, count its drums."""
    pitches = part.notes["pitch"]
    if len(pitches) == 0:
        return ""
    if part.is_drum:
        return counted(len(np.unique(pitches)), "drum")
    low, high = int(pitches.min()), int(pitches.max())
    return pitch_name(low) if low == high else f"{pitch_name(low)} to {pitch_name(high)}"


def _is_unclaimed(song: Song) -> bool:
    """Whether nobody named a tempo: an answer has none."""
    return song.tempo is default_tempo() and song.ticks_per_quarter is None


def _tempo(song: Song) -> str:
    """Say the tempo that the song claims, in quarters a minute."""
    low, high = float(song.tempo.qpm.min()), float(song.tempo.qpm.max())
    if song.tempo.is_constant:
        return f"{low:.2f} quarters a minute"
    return f"{len(song.tempo.qpm):,} tempi, {low:.2f} to {high:.2f} quarters a minute"


def _starts(song: Song, rows: npt.NDArray[np.void]) -> npt.NDArray[np.float64]:
    """Look up the onsets of notes in seconds."""
    starts = np.empty(len(rows))
    for index in np.unique(rows["track"]).tolist():
        mine = rows["track"] == index
        starts[mine] = song.tracks[index].notes["start"][rows["note"][mine]]
    return starts
