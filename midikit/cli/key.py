"""The key of a song on the command line: the option, what it writes, the words and the JSON."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import click

from midikit.cli.beat_words import wrapped
from midikit.errors import NotesError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from midikit.model.beats import BeatGrid
    from midikit.model.key import Key, KeySpan
    from midikit.model.song import Song
    from midikit.rhythm.layout import Layout

__all__ = [
    "KeyFound",
    "find_keys",
    "key_option",
    "key_row",
    "key_words",
    "span_rows",
    "write_key",
]

_WORDS = ("off", "auto", "sections")
_SURE, _LIKELY = 0.9, 0.6
_LEAST_TOLD = 0.005
_MOST_SPANS = 6


def _read_key(_: click.Context, __: click.Parameter, value: str) -> str | Key:
    """Read --key."""
    if value in _WORDS:
        return value
    from midikit.model.key import Key  # noqa: PLC0415 - the help needs none of it

    try:
        return Key.from_name(value)
    except NotesError as error:
        reason = str(error).removeprefix("key ")
        more = f"; or {', '.join(_WORDS)}" if "such as" in reason else ""
        raise click.BadParameter(reason + more) from None


key_option = click.option(
    "--key",
    callback=_read_key,
    default="off",
    metavar="off|auto|sections|NAME",
    help="Write a key signature. off (default): only what the input has. auto: the key found in "
    "the notes, where it is likely enough. sections: also where it changes. NAME: as you say, "
    "such as 'F# minor'.",
)
"""The option of ``convert``."""


@dataclass(frozen=True, slots=True)
class KeyFound:
    """The key of a song, and its keys by stretches.

    Parameters
    ----------
    key : Key or None
        The key; None where there is none.
    spans : tuple of KeySpan
        Its keys one after the other.
    written : tuple of KeySpan, optional
        What ``convert`` writes of it.
    """

    key: Key | None
    spans: tuple[KeySpan, ...]
    written: tuple[KeySpan, ...] = ()

    def lines(self) -> list[str]:
        """Say it.

        Returns
        -------
        list of str
            Lines of at most 80 characters.
        """
        if self.key is None:
            return wrapped("key", "none found")
        lines = wrapped("key", key_words(self.key))
        if len(self.spans) > 1:
            lines += wrapped("by section", _spans_words(self.spans))
        return lines

    def row(self) -> dict[str, Any]:
        """Put it into plain values for JSON.

        Returns
        -------
        dict
            ``key`` and ``keys``, those of the stretches.
        """
        return {"key": key_row(self.key), "keys": span_rows(self.spans)}


def find_keys(song: Song, grid: BeatGrid | None = None) -> KeyFound:
    """Estimate the key of a song, and where it changes.

    Parameters
    ----------
    song : Song
        The song.
    grid : BeatGrid or None, optional
        Its beats and bars: keys change at bar lines.

    Returns
    -------
    KeyFound
        What was found.
    """
    from midikit.tonality.estimate import estimate_key  # noqa: PLC0415 - loads numpy
    from midikit.tonality.sections import estimate_keys  # noqa: PLC0415 - as above

    key = estimate_key(song)
    return KeyFound(key, () if key is None else estimate_keys(song, grid=grid))


def write_key(layout: Layout, asked: str | Key) -> tuple[Layout, KeyFound | None]:
    """Give a song that was laid out the key signature that is asked for.

    Parameters
    ----------
    layout : Layout
        The song.
    asked : str or Key
        ``off``, ``auto``, ``sections`` or a key.

    Returns
    -------
    layout : Layout
        The song with its key signatures; where the key is not likely enough, as it was, and its
        `changes` say so.
    found : KeyFound or None
        The key that was found or given; None if neither key nor beat was looked for.
    """
    if asked == "off" and not layout.is_estimated:
        return layout, None
    from midikit.model.key import Key, KeySpan  # noqa: PLC0415 - the help needs none of it
    from midikit.tonality.estimate import estimate_key  # noqa: PLC0415 - loads numpy
    from midikit.tonality.export import with_key  # noqa: PLC0415 - as above

    song = layout.song
    if asked == "sections":
        found = find_keys(song, layout.grid)
    else:
        found = KeyFound(asked if isinstance(asked, Key) else estimate_key(song), ())
    if asked == "off":
        return layout, found
    key, spans = found.key, found.spans
    is_by_section = asked == "sections" and bool(spans)
    is_by_section &= all(_is_likely(span.key) for span in spans)
    if key is None or not (isinstance(asked, Key) or is_by_section or _is_likely(key)):
        return replace(layout, song=_without_key(song, key)), found
    if not is_by_section:
        song = _without_sections(song, spans) if asked == "sections" else song
        spans = (KeySpan(0.0, song.end, key),)
    return replace(layout, song=with_key(song, spans)), replace(found, written=spans)


def _is_likely(key: Key) -> bool:
    from midikit.tonality.estimate import SURE_ENOUGH  # noqa: PLC0415 - loads numpy

    return key.confidence is not None and key.confidence >= SURE_ENOUGH


def _without_key(song: Song, key: Key | None) -> Song:
    """Say that no key signature is written, and why."""
    from midikit.model.report import Change  # noqa: PLC0415 - the help needs none of it

    what = "no key found" if key is None else f"{key_words(key)} is not sure enough"
    kept = "; the one that was claimed stays" if song.key_signatures else ""
    what = f"no key signature written: {what}{kept}; --key NAME sets one"
    return song.with_tracks(song.tracks, Change("key", "", what))


def _without_sections(song: Song, spans: Sequence[KeySpan]) -> Song:
    """Say that one key signature is written for all, where the key seems to change."""
    if len(spans) < 2:
        return song
    from midikit.model.report import Change  # noqa: PLC0415 - the help needs none of it

    unsure = min(spans, key=lambda span: span.key.confidence or 0.0)
    what = (
        f"no key signatures by section: {_spans_words(spans)}, but from {unsure.start:.1f} s on "
        f"{key_words(unsure.key)} is not sure enough"
    )
    return song.with_tracks(song.tracks, Change("key", "", what))


def key_words(key: Key) -> str:
    """Say a key, how sure it is and what else it may be.

    Parameters
    ----------
    key : Key
        The key.

    Returns
    -------
    str
        In one line.

    Examples
    --------
    >>> from midikit.model.key import Key
    >>> key_words(Key("D", "major", 0.9312, Key("B", "minor", 0.05)))
    'D major (sure, 0.93; or B minor, 0.05)'
    >>> key_words(Key("D", "major"))
    'D major'
    """
    if key.confidence is None:
        return key.name
    sure = key.confidence
    word = "sure" if sure >= _SURE else "likely" if sure >= _LIKELY else "a guess"
    said, other = f"{word}, {sure:.2f}", key.runner_up
    if other is not None and (other.confidence or 0.0) >= _LEAST_TOLD:
        said += f"; or {other}, {other.confidence:.2f}"
    return f"{key} ({said})"


def _spans_words(spans: Sequence[KeySpan]) -> str:
    first, *others = spans
    said = [f"{first.key}", *(f"{span.key} from {span.start:.1f} s" for span in others)]
    more = len(said) - _MOST_SPANS
    return ", ".join([*said[:_MOST_SPANS], *([f"and {more:,} more"] if more > 0 else [])])


def key_row(key: Key | None) -> dict[str, Any] | None:
    """Put a key into plain values for JSON.

    Parameters
    ----------
    key : Key or None
        The key.

    Returns
    -------
    dict or None
        Its name, tonic, mode, sharps, confidence and runner-up; None without a key.
    """
    if key is None:
        return None
    row = {name: getattr(key, name) for name in ("name", "tonic", "mode", "sharps", "confidence")}
    return row | {"runner_up": key_row(key.runner_up)}


def span_rows(spans: Sequence[KeySpan]) -> list[dict[str, Any]]:
    """Put keys by stretches into plain values for JSON.

    Parameters
    ----------
    spans : sequence of KeySpan
        The keys one after the other.

    Returns
    -------
    list of dict
        ``start``, ``end`` and ``key`` of each.
    """
    return [{"start": s.start, "end": s.end, "key": key_row(s.key)} for s in spans]
