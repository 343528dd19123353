"""Tracks: one instrument's part, an immutable value whose truth is in seconds."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from midikit.errors import NotesError
from midikit.escape import printable
from midikit.model.events import CONTROL, NO_CONTROLS, Event, as_controls
from midikit.model.notes import NO_NOTES, Notes, as_notes, is_canonical

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

__all__ = ["Track", "trusted_track"]


@dataclass(frozen=True, slots=True, eq=False)
class Track:
    """One instrument's part.

    Parameters
    ----------
    name : str
        As it was given, unchanged; may be empty.
    program : int or None, optional
        General MIDI program 0..127 as claimed, None if nobody said.
    is_drum : bool, optional
        Whether it is a drum kit.
    notes : Notes, optional
        The notes; an array that is not canonical goes through `as_notes`.
    controls : ndarray of `CONTROL`, optional
        Controls, bends, pressure and program changes by time.
    events : tuple of Event, optional
        Texts, lyrics, system exclusive and other events of this track, by time.
    channel : int or None, optional
        Channel 0..15 it had in the file it came from (9 is General MIDI's drum channel).
    port : int, optional
        MIDI port it had in the file it came from.

    Raises
    ------
    NotesError
        If the notes, controls, program or channel are out of range.

    Examples
    --------
    >>> Track("Koto", program=107, notes=as_notes([(0.0, 0.5, 60, 80)]))
    <Track 'Koto' program 107, 1 note>
    """

    name: str
    program: int | None = None
    is_drum: bool = False
    notes: Notes = field(default_factory=lambda: NO_NOTES)
    controls: npt.NDArray[np.void] = field(default_factory=lambda: NO_CONTROLS)
    events: tuple[Event, ...] = ()
    channel: int | None = None
    port: int = 0

    def __post_init__(self) -> None:
        """Bring notes and controls into canonical form and check the small numbers."""
        if not is_canonical(self.notes):
            object.__setattr__(self, "notes", as_notes(self.notes))
        if self.controls.dtype != CONTROL or self.controls.flags.writeable:
            object.__setattr__(self, "controls", as_controls(self.controls))
        for what, value, most in (("program", self.program, 127), ("channel", self.channel, 15)):
            if value is not None and not 0 <= value <= most:
                raise NotesError(f"{what} is {value}; expected 0 to {most} or None")
        object.__setattr__(self, "events", tuple(self.events))

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle through the constructor, so that the arrays come back read-only."""
        return Track, (
            self.name,
            self.program,
            self.is_drum,
            self.notes,
            self.controls,
            self.events,
            self.channel,
            self.port,
        )

    @property
    def end(self) -> float:
        """Second at which the last note ends, 0 without notes."""
        return float(self.notes["end"].max(initial=0.0))

    def __len__(self) -> int:
        """Count the notes."""
        return len(self.notes)

    def __repr__(self) -> str:
        """Name, sound and number of notes."""
        if self.is_drum:
            sound = "drums, "
        else:
            sound = "" if self.program is None else f"program {self.program}, "
        plural = "" if len(self.notes) == 1 else "s"
        return f"<Track '{printable(self.name)}' {sound}{len(self.notes):,} note{plural}>"


def trusted_track(
    name: str,
    notes: Notes,
    *,
    program: int | None = None,
    is_drum: bool = False,
    controls: npt.NDArray[np.void] = NO_CONTROLS,
    events: tuple[Event, ...] = (),
    channel: int | None = None,
    port: int = 0,
) -> Track:
    """Make a track of values that are canonical already, skipping the checks.

    For the parsers, which check a whole song at once (`notes_by_track`); a song of 300 short
    tracks would otherwise pay the fixed cost of the checks 300 times.

    Parameters
    ----------
    name : str
        As for `Track`, as are the others.
    notes : Notes
        One of `notes_by_track`.
    program : int or None, optional
        Checked by the caller.
    is_drum : bool, optional
        Whether it is a drum kit.
    controls : ndarray of `CONTROL`, optional
        One that `as_controls` made.
    events : tuple of Event, optional
        By time.
    channel : int or None, optional
        Checked by the caller.
    port : int, optional
        MIDI port.

    Returns
    -------
    Track
        The track.
    """
    track: Track = object.__new__(Track)
    put = object.__setattr__
    put(track, "name", name)
    put(track, "program", program)
    put(track, "is_drum", is_drum)
    put(track, "notes", notes)
    put(track, "controls", controls)
    put(track, "events", events)
    put(track, "channel", channel)
    put(track, "port", port)
    return track
