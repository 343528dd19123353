"""Songs as MIDI messages by second, for whatever plays them."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

from midikit.convert.midi import to_midi

if TYPE_CHECKING:
    from collections.abc import Iterator

    from midikit.model.song import Song

__all__ = ["timed_messages"]


def timed_messages(song: Song) -> Iterator[tuple[float, Any]]:
    """Go through the messages that a player of the song's .mid sends.

    Parameters
    ----------
    song : Song
        The song, with the programs and channels of `to_midi`.

    Yields
    ------
    tuple of float and mido.Message
        Second of the song, and the message then, in order; no meta messages.

    Raises
    ------
    ConversionError
        If the song cannot be written as MIDI.
    """
    import mido  # noqa: PLC0415 - takes longer than all else here

    seconds = 0.0
    for message in mido.MidiFile(file=io.BytesIO(to_midi(song))):
        seconds += message.time
        if not message.is_meta:
            yield seconds, message
