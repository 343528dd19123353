"""Several clips of one song, such as its stems, put together."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from midikit.errors import ConversionError
from midikit.escape import printable
from midikit.model.report import Change
from midikit.model.song import Song

if TYPE_CHECKING:
    from collections.abc import Sequence

    from midikit.model.events import Event
    from midikit.model.song import Track

__all__ = ["merge_songs"]

_SIGNATURES = (0x58, 0x59)
"""Time and key signatures, which only one of the songs can set."""


def merge_songs(songs: Sequence[Song], names: Sequence[str] | None = None) -> Song:
    r"""Put several clips of one song together: one song that holds the tracks of all.

    Parameters
    ----------
    songs : sequence of Song
        The clips, such as the stems of a song; second 0 is the same instant in each.
    names : sequence of str or None, optional
        What to call each of them; None for their titles or sources.

    Returns
    -------
    Song
        The tracks of the first, then those of the second and so on, with all notes, controls and
        texts. A name that stands in several of the songs gets the song's in front, as in
        ``"keys - Synth Voice"``; a track without a name is called after its song. Tempo, time and
        key signatures and resolution are those of the first song that is a .mid; where others
        claim another tempo, or two songs hold the same notes, `changes` says so. `repairs`
        name the song they come from.

    Raises
    ------
    ConversionError
        If there are no songs, or not as many names.

    Examples
    --------
    >>> from midikit.model.notes import as_notes
    >>> from midikit.model.song import Track
    >>> koto = Track("Koto", notes=as_notes([(0.0, 0.5, 60, 80)]))
    >>> bass = Track("Bass", notes=as_notes([(0.0, 0.5, 36, 80)]))
    >>> song = merge_songs([Song((koto,)), Song((koto, bass))], ["high", "low"])
    >>> [track.name for track in song]
    ['high - Koto', 'low - Koto', 'Bass']
    """
    if not songs:
        raise ConversionError("no songs to merge; expected one or more")
    if names is None:
        names = [song.title or song.source for song in songs]
    if len(names) != len(songs):
        raise ConversionError(f"{len(names)} names for {len(songs)} songs; expected as many")
    names = _distinct(names)
    first = next((song for song in songs if song.ticks_per_quarter is not None), songs[0])
    holders = Counter(name for song in songs for name in {track.name for track in song.tracks})
    titles = {song.title for song in songs if song.title}
    repairs = tuple(
        replace(repair, place=f"{printable(name)}: {repair.place}")
        for name, song in zip(names, songs, strict=True)
        for repair in song.repairs
    )
    tracks = tuple(
        _named(track, name, is_shared=holders[track.name] > 1)
        for name, song in zip(names, songs, strict=True)
        for track in song.tracks
    )
    return Song(
        tracks,
        first.tempo,
        _events(songs, first),
        titles.pop() if len(titles) == 1 else None,
        first.ticks_per_quarter,
        ", ".join(song.source for song in songs if song.source),
        None,
        repairs,
        (
            *(change for song in songs for change in song.changes),
            *_differences(songs, first),
            *_twins(songs, names),
        ),
    )


def _twins(songs: Sequence[Song], names: Sequence[str]) -> list[Change]:
    """Say which songs hold the same notes: they would all sound twice."""
    seen: dict[tuple[bytes, bytes], int] = {}
    twins: Counter[tuple[int, int]] = Counter()
    for number, song in enumerate(songs):
        for track in song.tracks:
            if not len(track.notes):
                continue
            key = (track.notes["start"].tobytes(), track.notes["pitch"].tobytes())
            first = seen.setdefault(key, number)
            if first != number:
                twins[first, number] += len(track.notes)
    return [
        Change(
            "duplicate",
            printable(names[other]),
            f"{count:,} notes are those of {printable(names[first])}, and sound twice; "
            "one of the two may be meant to stay out",
            count,
        )
        for (first, other), count in twins.items()
    ]


def _distinct(names: Sequence[str]) -> list[str]:
    """Give empty names, and those that come again, a number."""
    found: list[str] = []
    for index, name in enumerate(names):
        chosen = wanted = name.strip() or f"song {index + 1}"
        number = 1
        while chosen in found:
            number += 1
            chosen = f"{wanted} ({number})"
        found.append(chosen)
    return found


def _named(track: Track, song: str, *, is_shared: bool) -> Track:
    if not track.name.strip():
        return replace(track, name=song)
    return replace(track, name=f"{song} - {track.name}") if is_shared else track


def _events(songs: Sequence[Song], first: Song) -> tuple[Event, ...]:
    """Take the signatures of one song, and what else any of them says, once."""
    found = dict.fromkeys(event for event in first.events if event.kind in _SIGNATURES)
    for song in songs:
        found |= dict.fromkeys(event for event in song.events if event.kind not in _SIGNATURES)
    return tuple(sorted(found, key=lambda event: event.seconds))


def _differences(songs: Sequence[Song], first: Song) -> list[Change]:
    """Say how many songs claim another tempo than the one that is taken."""
    others = sum(
        song.ticks_per_quarter is not None
        and not (
            np.array_equal(song.tempo.qpm, first.tempo.qpm)
            and np.array_equal(song.tempo.seconds, first.tempo.seconds)
        )
        for song in songs
    )
    if not others:
        return []
    what = f"{others:,} of {len(songs):,} merged songs claim another tempo than the first"
    return [Change("merge", "", what, others)]
