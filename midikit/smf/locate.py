"""Byte offsets of channel messages, for reports: found for those that are asked for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from midikit.smf.walk import message_offset

if TYPE_CHECKING:
    from midikit.smf.scan import Places

__all__ = ["Locator"]


@dataclass(frozen=True, slots=True, eq=False)
class Locator:
    """Finds channel messages of one file in its bytes.

    Parameters
    ----------
    data : bytes
        The whole file.
    spans : list of (int, int)
        Byte offsets of the events of each track.
    walked : frozenset of int
        Tracks that were read event by event.
    places : Places
        Where the messages of all other tracks are.
    first : list of int, tracks + 1
        First message of each track as `places` counts.
    """

    data: bytes
    spans: list[tuple[int, int]]
    walked: frozenset[int]
    places: Places
    first: list[int]

    def offset(self, track: int, index: int) -> int:
        """Find one message.

        Parameters
        ----------
        track : int
            Index of the MTrk chunk.
        index : int
            Which of its channel messages.

        Returns
        -------
        int
            Byte offset of its status, or of its first data byte under running status.
        """
        if track in self.walked:
            return message_offset(self.data, *self.spans[track], index)
        return self.places.offset(self.first[track] + index)
