"""What music21 makes of the same notes: each of its key profiles, the same duration by duration."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from midikit.model.key import Key

if TYPE_CHECKING:
    from midikit.model.song import Song

__all__ = ["PROFILES", "as_stream", "key_by"]

PROFILES = (
    "KrumhanslSchmuckler",
    "KrumhanslKessler",
    "AardenEssen",
    "SimpleWeights",
    "BellmanBudge",
    "TemperleyKostkaPayne",
)
"""Classes of `music21.analysis.discrete`; the second is the first under another name."""


def as_stream(song: Song) -> Any:
    """Put the pitched notes of a song in a stream, a quarter a second: only shares count there."""
    from music21 import note, stream

    whole: Any = stream.Stream()
    for track in song.select(drums=False):
        for start, end, pitch, _ in track.notes.tolist():
            one = note.Note(pitch)
            one.quarterLength = end - start
            whole.insert(start, one)
    return whole


def key_by(profile: str, whole: Any) -> Key | None:
    """Ask one of music21's analyses."""
    from music21.analysis import discrete

    if not len(whole.notes):
        return None
    found = getattr(discrete, profile)().getSolution(whole)
    return Key.of(found.tonic.pitchClass, found.mode)
