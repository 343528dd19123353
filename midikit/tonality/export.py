"""Give a song its key signatures."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from midikit.errors import ConversionError, NotesError
from midikit.escape import quoted
from midikit.model.events import KEY_SIGNATURE
from midikit.model.key import Key, KeySpan
from midikit.model.report import Change

if TYPE_CHECKING:
    from collections.abc import Sequence

    from midikit.model.events import Event
    from midikit.model.song import Song

__all__ = ["signature_words", "with_key"]


def with_key(song: Song, key: Key | str | Sequence[KeySpan]) -> Song:
    """Give a song the key signature of a key, or those of several, stretch by stretch.

    Parameters
    ----------
    song : Song
        The song; its key signatures, those of its tracks included, are replaced.
    key : Key, str or sequence of KeySpan
        The key, as `estimate_key` finds it, or its name; or its keys one after the other, as
        `estimate_keys` finds them. The first is written at second 0.

    Returns
    -------
    Song
        The song; `changes` tells what is written, and what other key was claimed.

    Raises
    ------
    ConversionError
        If it is no key: `estimate_key` may have found none.

    Examples
    --------
    >>> from midikit.model.song import Song
    >>> keyed = with_key(Song(()), "F# minor")
    >>> keyed.key_signatures, str(keyed.changes[0])
    (((0.0, 3, True),), 'key signature of F# minor (3 sharps) written')
    """
    placed = _placed(key)
    events = [event for event in song.events if event.kind != KEY_SIGNATURE]
    events += [one.event(seconds) for seconds, one in placed]
    events.sort(key=lambda event: event.seconds)
    tracks = tuple(
        replace(track, events=_others(track.events))
        if any(event.kind == KEY_SIGNATURE for event in track.events)
        else track
        for track in song.tracks
    )
    change = Change("key", "", _told(placed) + _claimed(song, placed), len(placed))
    return replace(song, tracks=tracks, events=tuple(events), changes=(*song.changes, change))


def _placed(key: object) -> list[tuple[float, Key]]:
    """Tell which key is to be written where, the first at second 0."""
    if isinstance(key, str):
        try:
            key = Key.from_name(key)
        except NotesError as error:
            raise ConversionError(str(error)) from None
    if isinstance(key, Key):
        return [(0.0, key)]
    if key is None:
        raise ConversionError(
            "key is None: no key was found; pass a Key or a name such as 'F# minor'"
        )
    spans = list(key) if isinstance(key, (tuple, list)) else []
    if not spans or not all(isinstance(span, KeySpan) for span in spans):
        raise ConversionError(
            f"key {quoted(key)}: expected a Key, a name such as 'F# minor', or KeySpans"
        )
    spans.sort(key=lambda span: span.start)
    return [(max(0.0, span.start) if i else 0.0, span.key) for i, span in enumerate(spans)]


def _others(events: tuple[Event, ...]) -> tuple[Event, ...]:
    return tuple(event for event in events if event.kind != KEY_SIGNATURE)


def _told(placed: Sequence[tuple[float, Key]]) -> str:
    """Say what is written."""
    first = placed[0][1]
    if len(placed) == 1:
        return f"key signature of {first} ({signature_words(first)}) written"
    others = ", ".join(f"{key} from {seconds:.3f} s" for seconds, key in placed[1:5])
    more = f" and {len(placed) - 5} more" if len(placed) > 5 else ""
    return f"{len(placed)} key signatures written: {first}, {others}{more}"


def _claimed(song: Song, placed: Sequence[tuple[float, Key]]) -> str:
    """Say which other keys were claimed."""
    events = [*song.events, *(event for track in song.tracks for event in track.events)]
    names = []
    for event in events:
        if event.kind == KEY_SIGNATURE and len(event.data) == 2:
            sharps, minor = int.from_bytes(event.data[:1], signed=True), event.data[1]
            if -7 <= sharps <= 7 and minor <= 1:
                names.append(Key.from_signature(sharps, minor=bool(minor)).name)
    written = {key.name for _, key in placed}
    others = [name for name in dict.fromkeys(names) if name not in written]
    if not others:
        return ""
    more = f" and {len(others) - 1:,} more" if len(others) > 1 else ""
    return f" instead of the {others[0]}{more} that was claimed"


def signature_words(key: Key) -> str:
    """Say the signature of a key.

    Parameters
    ----------
    key : Key
        The key.

    Returns
    -------
    str
        Its sharps or flats.

    Examples
    --------
    >>> [signature_words(Key(tonic, "major")) for tonic in ("C", "F", "E")]
    ['no sharps or flats', '1 flat', '4 sharps']
    """
    count = abs(key.sharps)
    if not count:
        return "no sharps or flats"
    return f"{count} {'flat' if key.sharps < 0 else 'sharp'}{'s' if count > 1 else ''}"
