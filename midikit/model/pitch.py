"""What a pitch is called."""

from __future__ import annotations

from midikit.gm import DRUM_NAMES

__all__ = ["pitch_words"]

_NAMES = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")


def pitch_words(pitch: int, *, is_drum: bool = False) -> str:
    """Say a pitch with its name.

    Parameters
    ----------
    pitch : int
        0..127.
    is_drum : bool, optional
        Whether a drum kit plays it.

    Returns
    -------
    str
        Number and name: the drum of General MIDI, else the note with middle C (60) as C4.

    Examples
    --------
    >>> pitch_words(64), pitch_words(38, is_drum=True), pitch_words(3, is_drum=True)
    ('64 (E4)', '38 (Acoustic Snare)', '3')
    """
    name = DRUM_NAMES.get(pitch) if is_drum else f"{_NAMES[pitch % 12]}{pitch // 12 - 1}"
    return f"{pitch} ({name})" if name else str(pitch)
