"""What a track holds besides notes: channel messages as a table, and meta and sysex events."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from midikit.errors import NotesError

__all__ = [
    "CONTROL",
    "CONTROL_CHANGE",
    "END_OF_TRACK",
    "KEY_SIGNATURE",
    "LYRIC",
    "MARKER",
    "NO_CONTROLS",
    "PROGRAM_CHANGE",
    "SMPTE_OFFSET",
    "TEMPO",
    "TEXT",
    "TIME_SIGNATURE",
    "Event",
    "as_controls",
]

CONTROL_CHANGE = 0xB0
PROGRAM_CHANGE = 0xC0

TEXT, LYRIC, MARKER = 0x01, 0x05, 0x06
END_OF_TRACK, TEMPO, SMPTE_OFFSET, TIME_SIGNATURE, KEY_SIGNATURE = 0x2F, 0x51, 0x54, 0x58, 0x59

CONTROL = np.dtype(
    [("seconds", "f8"), ("status", "i4"), ("data1", "i4"), ("data2", "i4")], align=True
)
"""One channel message that is no note: its second, status without the channel (0xA0 polyphonic
pressure, 0xB0 control change, 0xC0 program change, 0xD0 channel pressure, 0xE0 pitch bend) and its
two data bytes (the second 0 where the message has one)."""

NO_CONTROLS: npt.NDArray[np.void] = np.empty(0, CONTROL)
NO_CONTROLS.flags.writeable = False


@dataclass(frozen=True, slots=True)
class Event:
    """A meta or system exclusive event, kept as it was.

    Parameters
    ----------
    seconds : float
        When, in seconds.
    kind : int
        Meta type 0x00 to 0x7F, or 0xF0 or 0xF7 for system exclusive. 0x2F, the end of a track,
        stands among the events only where a track goes on after its last other event.
    data : bytes
        The payload: text as it was encoded, or the message's bytes after the length.

    Examples
    --------
    >>> Event(0.0, MARKER, "Chorus".encode()).text
    'Chorus'
    """

    seconds: float
    kind: int
    data: bytes

    @property
    def text(self) -> str:
        """The payload as text: UTF-8, else Latin-1."""
        try:
            return self.data.decode("utf-8")
        except UnicodeDecodeError:
            return self.data.decode("latin-1")


def as_controls(rows: npt.ArrayLike) -> npt.NDArray[np.void]:
    """Make a control array: copy, sort by time, freeze.

    Parameters
    ----------
    rows : array_like
        A structured array of dtype `CONTROL`, or rows of (seconds, status, data1, data2).

    Returns
    -------
    ndarray of `CONTROL`, shape (n,)
        Sorted by time; messages of one instant keep their order.

    Raises
    ------
    NotesError
        If a value is out of range.

    Examples
    --------
    >>> as_controls([(1.0, 0xB0, 7, 100)])["data2"].tolist()
    [100]
    """
    if isinstance(rows, np.ndarray) and rows.dtype == CONTROL:
        controls = rows.copy()
    else:
        controls = np.array([tuple(row) for row in np.asarray(rows).tolist()], CONTROL)
    if len(controls) == 0:
        return NO_CONTROLS
    known = np.isin(controls["status"], [0xA0, 0xB0, 0xC0, 0xD0, 0xE0])
    good = known & np.isfinite(controls["seconds"]) & (controls["seconds"] >= 0)
    for name in ("data1", "data2"):
        good &= (controls[name] >= 0) & (controls[name] <= 127)
    if not good.all():
        row = int(np.argmin(good))
        raise NotesError(
            f"control {row}: {controls[row]}; expected (s, 0xA0..0xE0, 0..127, 0..127)"
        )
    if (np.diff(controls["seconds"]) < 0).any():
        controls = controls[np.argsort(controls["seconds"], kind="stable")]
    controls.flags.writeable = False
    return controls
