"""How the command line says counts, lengths, sizes, pitches and tempi."""

from __future__ import annotations

from typing import TYPE_CHECKING

from midikit.model.report import counted as count

if TYPE_CHECKING:
    from midikit.model.tempo import TempoMap

__all__ = ["apart", "bpm_text", "count", "length", "pitch_name", "size", "tempo_text"]

_NOTE_NAMES = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")
_NOTHING = 5e-5


def apart(seconds: float) -> str:
    """Say how far the starts of matched notes are apart at most.

    Parameters
    ----------
    seconds : float
        The farthest.

    Returns
    -------
    str
        In milliseconds.

    Examples
    --------
    >>> apart(0.0014), apart(0.0)
    ('starts at most 1.4 ms apart', 'every start equal')
    """
    if seconds < _NOTHING:
        return "every start equal"
    return f"starts at most {seconds * 1e3:.1f} ms apart"


def length(seconds: float) -> str:
    """Say a length of time as a player shows it.

    Parameters
    ----------
    seconds : float
        The length.

    Returns
    -------
    str
        Minutes and seconds, hours where there are any.

    Examples
    --------
    >>> length(182.44), length(7.96), length(3725.0)
    ('3:02.4', '0:08.0', '1:02:05.0')
    """
    tenths = round(seconds * 10)
    minutes, rest = divmod(tenths, 600)
    hours, minutes = divmod(minutes, 60)
    tail = f"{rest // 10:02d}.{rest % 10}"
    return f"{hours}:{minutes:02d}:{tail}" if hours else f"{minutes}:{tail}"


def size(number: int) -> str:
    """Say a number of bytes.

    Parameters
    ----------
    number : int
        How many.

    Returns
    -------
    str
        In bytes, kB or MB.

    Examples
    --------
    >>> size(412), size(41_234), size(3_500_000)
    ('412 bytes', '41.2 kB', '3.5 MB')
    """
    if number < 1000:
        return f"{number} bytes"
    return f"{number / 1e3:.1f} kB" if number < 1_000_000 else f"{number / 1e6:.1f} MB"


def pitch_name(pitch: int) -> str:
    """Name a MIDI pitch.

    Parameters
    ----------
    pitch : int
        0..127.

    Returns
    -------
    str
        Note and octave; 60 is C4.

    Examples
    --------
    >>> pitch_name(60), pitch_name(0), pitch_name(127)
    ('C4', 'C-1', 'G9')
    """
    return f"{_NOTE_NAMES[pitch % 12]}{pitch // 12 - 1}"


def tempo_text(tempo: TempoMap) -> str:
    """Say a tempo map.

    Parameters
    ----------
    tempo : TempoMap
        The map.

    Returns
    -------
    str
        In beats (quarters) a minute.
    """
    low, high = float(tempo.qpm.min()), float(tempo.qpm.max())
    if tempo.is_constant:
        return f"{bpm_text(low)} BPM"
    span = f"{bpm_text(low)} to {bpm_text(high)} BPM" if low < high else f"all {bpm_text(low)} BPM"
    return f"{count(len(tempo.qpm), 'tempo event')}, {span}"


def bpm_text(value: float) -> str:
    """Say a number of beats a minute.

    Parameters
    ----------
    value : float
        The number.

    Returns
    -------
    str
        With two decimals where they say something.

    Examples
    --------
    >>> bpm_text(109.7301), bpm_text(120.0)
    ('109.73', '120')
    """
    return f"{value:,.2f}".rstrip("0").rstrip(".")
