"""One HTML file that shows and plays a song: no network, nothing installed, nothing to start.

The page is hand-written (`midikit/view/page`): a canvas for the roll, WebAudio for the sound, which
is that of the plain synthesizer (notes alone: no bends, no pedals, no volume or pan controls). Its
policy allows the one script and the one style sheet that are in it, by their hashes, and no request
of any kind. Names from the song are shown as `midikit.escape` writes them and are text wherever
they appear.

For tests the page has ``window.midikitState()``, which returns plain values: ``context`` (state of
the AudioContext, ``none`` before the first play), ``playing``, ``head`` and ``end`` in seconds,
``scheduled`` (notes handed to the audio clock since the last start or seek), ``sounding`` (pairs of
track and pitch), ``zoom``, ``loop``, ``tracks`` with ``solo``, ``muted``, ``audible`` and more.
"""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from importlib.resources import files
from pathlib import PurePath
from string import Template
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np

from midikit.errors import LimitError
from midikit.escape import html_text, script_json
from midikit.files import write_bytes
from midikit.model.meter import meter_text
from midikit.rhythm.layout import find_beats
from midikit.verify.compare import compare
from midikit.verify.matches import NOTE_INDEX
from midikit.view.packing import pack_beats, pack_drums, pack_tones, pack_tracks

if TYPE_CHECKING:
    import os

    from midikit.model.beats import BeatGrid
    from midikit.model.song import Song
    from midikit.verify.comparison import Comparison

__all__ = ["to_html", "write_html"]

_SCRIPTS = ("song.js", "sound.js", "roll.js", "player.js")
_MOST_SECONDS = 86_400.0
_EXACT = 2.0**53 / 1000.0
"""Seconds whose milliseconds a script still counts."""
_TITLE = 120
_SURE = 0.6
"""Probability below which a tempo that was found is shown as a guess."""


def to_html(
    song: Song,
    *,
    hosted: Song | None = None,
    grid: BeatGrid | Literal["auto"] | None = "auto",
    title: str | None = None,
    max_seconds: float = _MOST_SECONDS,
) -> str:
    """Make a page that shows and plays a song.

    Parameters
    ----------
    song : Song
        The song.
    hosted : Song or None, optional
        Another version, such as the hosted file: the page switches between the two at the same
        place, plays this one by the programs it claims, and marks notes that only one of them has.
    grid : BeatGrid, "auto" or None, optional
        Beats and bars to show; by default those that `midikit.estimate_beats` finds; None for none.
    title : str or None, optional
        Heading; by default the song's title.
    max_seconds : float, optional
        Longest song to take; 24 hours.

    Returns
    -------
    str
        The page: some 60 KB, and 14 to 20 bytes a note. The same song gives the same page.

    Raises
    ------
    LimitError
        If the song is longer than `max_seconds`, or `grid` has more than 200,000 beats in it.

    Examples
    --------
    >>> from midikit.model.notes import as_notes
    >>> from midikit.model.song import Song, Track
    >>> page = to_html(Song((Track("Koto", notes=as_notes([(0.0, 0.5, 60, 80)])),)))
    >>> page[:15], len(page) < 100_000
    ('<!doctype html>', True)
    """
    end = max(version.end for version in (song, hosted) if version is not None)
    if not end <= min(max_seconds, _EXACT):
        raise LimitError(
            f"a page of {end / 3600:,.4g} hours of notes: the limit is {max_seconds / 3600:,.4g}; "
            "raise it with max_seconds="
        )
    beats = find_beats(song) if grid == "auto" else grid
    name = title or song.title or PurePath(song.source).name or "Song"
    facts = _facts(song, beats)
    page = _page()
    return page.template.substitute(
        policy=page.policy,
        style=page.style,
        script=page.script,
        title=html_text(name, _TITLE),
        facts=html_text(facts),
        data=script_json({"summary": facts, **_data(song, hosted, beats, end)}),
    )


def write_html(
    song: Song,
    path: str | os.PathLike[str],
    *,
    hosted: Song | None = None,
    grid: BeatGrid | Literal["auto"] | None = "auto",
    title: str | None = None,
    max_seconds: float = _MOST_SECONDS,
) -> None:
    """Write a page that shows and plays a song.

    Parameters
    ----------
    song : Song
        The song.
    path : str or PathLike
        The file; replaced as a whole.
    hosted : Song or None, optional
        As for `to_html`, as are the others.
    grid : BeatGrid, "auto" or None, optional
        See there.
    title : str or None, optional
        See there.
    max_seconds : float, optional
        See there.

    Raises
    ------
    LimitError
        As `to_html`.
    OutputError
        If the file cannot be written.

    Examples
    --------
    >>> from midikit.model.song import Song
    >>> import pathlib, tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder, "silence.html")
    ...     write_html(Song(()), path)
    ...     path.read_text()[:15]
    '<!doctype html>'
    """
    page = to_html(song, hosted=hosted, grid=grid, title=title, max_seconds=max_seconds)
    write_bytes(path, page.encode())


class _Page(NamedTuple):
    """What every page has."""

    template: Template
    style: str
    script: str
    policy: str


@cache
def _page() -> _Page:
    """Read the page, and allow its script and its style sheet by what they are."""
    folder = files("midikit.view") / "page"
    style = (folder / "player.css").read_text("utf-8")
    parts = [(folder / name).read_text("utf-8") for name in _SCRIPTS]
    script = "\n".join(['(() => {\n"use strict";', *parts, "})();"])
    policy = "; ".join(
        [
            "default-src 'none'",
            f"script-src '{_hash(script)}'",
            f"style-src '{_hash(style)}'",
            "base-uri 'none'",
            "form-action 'none'",
        ]
    )
    return _Page(Template((folder / "page.html").read_text("utf-8")), style, script, policy)


def _hash(text: str) -> str:
    digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
    return f"sha256-{digest}"


def _data(song: Song, hosted: Song | None, grid: BeatGrid | None, end: float) -> dict[str, Any]:
    """Put everything that the script needs into plain values."""
    none = np.empty(0, NOTE_INDEX)
    if hosted is None:
        versions, labels, difference = [pack_tracks(song, none)], ["midikit"], ""
    else:
        result = compare(hosted, song)
        versions = [
            pack_tracks(song, result.extra_notes),
            pack_tracks(hosted, result.missing_notes, as_claimed=True),
        ]
        labels = ["midikit", "hosted file"]
        difference = _difference(result)
    return {
        "versions": [
            {"label": label, "tracks": tracks}
            for label, tracks in zip(labels, versions, strict=True)
        ],
        "difference": difference,
        "tones": pack_tones(versions),
        "drums": pack_drums(versions),
        "end": round(1000.0 * end),
        **pack_beats(grid, end),
    }


def _difference(result: Comparison) -> str:
    """Say how many notes are in both versions and how many in one alone."""
    parts = [f"{result.matched:,} notes in both"]
    if result.extra:
        parts.append(f"{result.extra:,} in midikit's alone")
    if result.missing:
        parts.append(f"{result.missing:,} in the hosted file alone")
    return " · ".join(parts)


def _facts(song: Song, grid: BeatGrid | None) -> str:
    """Say in a line what there is."""
    tracks, notes = len(song.tracks), song.note_count
    minutes, seconds = divmod(round(song.end), 60)
    hours, minutes = divmod(minutes, 60)
    length = f"{minutes}:{seconds:02}" if minutes else f"{song.end:.1f} s"
    length = f"{hours}:{minutes:02}:{seconds:02}" if hours else length
    facts = [
        f"{tracks:,} instrument{'' if tracks == 1 else 's'}",
        f"{notes:,} note{'' if notes == 1 else 's'}",
        length,
    ]
    if grid is not None:
        sure = 1.0 if grid.confidence is None else min(grid.confidence.pulse, grid.confidence.level)
        about = f"perhaps {grid.bpm:.0f}" if sure < _SURE else f"{grid.bpm:.2f}"
        facts.append(f"{about} BPM in {meter_text(grid.meter)}")
    return " · ".join(facts)
