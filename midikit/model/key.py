"""Keys: a tonic, spelled as musicians do, a mode, and the key signature that belongs to them."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, SupportsFloat, TypeAlias

from midikit.errors import NotesError
from midikit.escape import quoted
from midikit.model.events import KEY_SIGNATURE, Event

if TYPE_CHECKING:
    from typing import Final

__all__ = ["MODES", "Key", "KeySpan", "Mode"]

Mode: TypeAlias = Literal["major", "minor"]

MODES: Final[tuple[Mode, Mode]] = ("major", "minor")
"""The modes, in the order of the key signature's mode byte."""

_TONICS = {
    "major": ("Cb", "Gb", "Db", "Ab", "Eb", "Bb", "F", "C", "G", "D", "A", "E", "B", "F#", "C#"),
    "minor": ("Ab", "Eb", "Bb", "F", "C", "G", "D", "A", "E", "B", "F#", "C#", "G#", "D#", "A#"),
}
"""Tonics by sharps, from seven flats to seven sharps."""

_MOST = 7
_FEWEST_ACCIDENTALS = {
    "major": ("C", "Db", "D", "Eb", "E", "F", "Gb", "G", "Ab", "A", "Bb", "B"),
    "minor": ("C", "C#", "D", "Eb", "E", "F", "F#", "G", "G#", "A", "Bb", "B"),
}
_LETTERS = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
_NAME = re.compile(r"([A-Ga-g])\s?([#b]?)[\s:]*(major|maj|M|minor|min|m|)")
_EXPECTED = "expected such as 'F# minor', 'Bb major', 'C' or 'Am'"
_LONGEST_NAME = 40


@dataclass(frozen=True, slots=True)
class Key:
    """A major or minor key; two of one tonic and mode are equal, however sure they are.

    Parameters
    ----------
    tonic : str
        Letter, with ``#`` or ``b`` behind it: such that the key has a signature of at most seven
        sharps or flats.
    mode : {"major", "minor"}
        The mode.
    confidence : float or None, optional
        Probability, 0 to 1, that this is the key; None for one that was given.
    runner_up : Key or None, optional
        The next likeliest key, with its own confidence.

    Raises
    ------
    NotesError
        If there is no such key, or the confidence is no probability.

    Examples
    --------
    >>> key = Key("F#", "minor")
    >>> str(key), key.sharps, key.pitch_class, key == Key.from_name("f#m")
    ('F# minor', 3, 6, True)
    """

    tonic: str
    mode: Mode
    confidence: float | None = field(default=None, compare=False)
    runner_up: Key | None = field(default=None, compare=False, repr=False)

    def __post_init__(self) -> None:
        """Check that there is such a key."""
        if self.mode not in MODES:
            raise NotesError(f"mode {quoted(self.mode)}: expected major or minor")
        if self.tonic not in _TONICS[self.mode]:
            known = ", ".join(_TONICS[self.mode])
            what = f"no {self.mode} key of at most seven sharps or flats"
            raise NotesError(f"tonic {quoted(self.tonic)}: {what}; expected {known}")
        if self.confidence is not None and not 0.0 <= self.confidence <= 1.0:
            raise NotesError(f"confidence {self.confidence}: expected a probability, 0 to 1")

    @classmethod
    def from_name(cls, name: str) -> Key:
        """Read the name of a key.

        Parameters
        ----------
        name : str
            A letter, ``#`` or ``b`` (or the signs of music), and ``major``, ``maj``, ``minor``,
            ``min`` or ``m``; none of them is major.

        Returns
        -------
        Key
            The key, spelled as it is named.

        Raises
        ------
        NotesError
            If it is no name of a key, or of one that no key signature can write.

        Examples
        --------
        >>> [str(Key.from_name(name)) for name in ("F# minor", "bb", "Am", "Eb:min")]
        ['F# minor', 'Bb major', 'A minor', 'Eb minor']
        """
        found = _NAME.fullmatch(_spelled(name))
        if found is None:
            raise NotesError(f"key {quoted(name, _LONGEST_NAME)}: {_EXPECTED}")
        letter, sign, word = found[1].upper(), found[2] or "", found[3]
        mode: Mode = "minor" if word == "m" or word.startswith("min") else "major"
        tonic = letter + sign
        if tonic not in _TONICS[mode]:
            other = cls.of(_pitch_class(tonic), mode)
            raise NotesError(
                f"key {quoted(name, _LONGEST_NAME)}: more than seven sharps or flats, which no key "
                f"signature holds; expected {other}"
            )
        return cls(tonic, mode)

    @classmethod
    def from_signature(cls, sharps: int, *, minor: bool = False) -> Key:
        """Name the key of a key signature.

        Parameters
        ----------
        sharps : int
            Number of sharps, of flats if negative: -7 to 7.
        minor : bool, optional
            Whether it is the minor key of that signature.

        Returns
        -------
        Key
            The key.

        Raises
        ------
        NotesError
            If there are more.

        Examples
        --------
        >>> str(Key.from_signature(-3)), str(Key.from_signature(-3, minor=True))
        ('Eb major', 'C minor')
        """
        if not -_MOST <= sharps <= _MOST:
            raise NotesError(f"{sharps} sharps: expected -7 to 7")
        mode = MODES[bool(minor)]
        return cls(_TONICS[mode][sharps + _MOST], mode)

    @classmethod
    def of(
        cls,
        pitch_class: int,
        mode: Mode,
        *,
        confidence: float | None = None,
        runner_up: Key | None = None,
    ) -> Key:
        """Spell the key on a pitch class with the fewest sharps or flats.

        Six of either are as many: Gb major and Eb minor are taken.

        Parameters
        ----------
        pitch_class : int
            0 (C) to 11 (B).
        mode : {"major", "minor"}
            The mode.
        confidence : float or None, optional
            As for the class, as is the next.
        runner_up : Key or None, optional
            The next likeliest key.

        Returns
        -------
        Key
            The key.

        Raises
        ------
        NotesError
            If it is no pitch class, or no mode.

        Examples
        --------
        >>> str(Key.of(10, "major")), str(Key.of(8, "minor"))
        ('Bb major', 'G# minor')
        """
        if mode not in MODES:
            raise NotesError(f"mode {quoted(mode)}: expected major or minor")
        if not 0 <= pitch_class <= 11:
            raise NotesError(f"pitch class {pitch_class}: expected 0 to 11")
        return cls(_FEWEST_ACCIDENTALS[mode][pitch_class], mode, confidence, runner_up)

    @property
    def name(self) -> str:
        """Tonic and mode, such as ``F# minor``."""
        return f"{self.tonic} {self.mode}"

    @property
    def sharps(self) -> int:
        """Sharps of its key signature, -7 to 7; flats are negative."""
        return _TONICS[self.mode].index(self.tonic) - _MOST

    @property
    def is_minor(self) -> bool:
        """Whether it is a minor key."""
        return self.mode == "minor"

    @property
    def pitch_class(self) -> int:
        """Pitch class of the tonic, 0 (C) to 11 (B)."""
        return _pitch_class(self.tonic)

    def event(self, seconds: float = 0.0) -> Event:
        r"""Write its key signature.

        Parameters
        ----------
        seconds : float, optional
            Where.

        Returns
        -------
        Event
            The key signature.

        Examples
        --------
        >>> Key("Bb", "major").event().data
        b'\xfe\x00'
        """
        data = self.sharps.to_bytes(1, signed=True) + bytes([self.is_minor])
        return Event(seconds, KEY_SIGNATURE, data)

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True, slots=True)
class KeySpan:
    """A stretch of a song in one key.

    Parameters
    ----------
    start, end : float
        From this second up to that one.
    key : Key
        Its key.

    Raises
    ------
    NotesError
        If a second is no finite number, or the end is before the start.

    Examples
    --------
    >>> print(KeySpan(0.0, 61.5, Key("G", "major")))
    0.0 to 61.5 s: G major
    """

    start: float
    end: float
    key: Key

    def __post_init__(self) -> None:
        """Check that it is a stretch."""
        for name in ("start", "end"):
            seconds: object = getattr(self, name)
            if not (isinstance(seconds, SupportsFloat) and math.isfinite(seconds)):
                raise NotesError(f"{name} {quoted(seconds)}: expected seconds")
        if self.end < self.start:
            raise NotesError(f"end {self.end:g}: before the start, {self.start:g} s")

    def __str__(self) -> str:
        return f"{self.start:.1f} to {self.end:.1f} s: {self.key}"


def _spelled(name: Any) -> str:
    """Write accidentals and mode as the names here do."""
    if not isinstance(name, str):
        raise NotesError(f"key {quoted(name, _LONGEST_NAME)}: {_EXPECTED}")
    text = name.strip()[:_LONGEST_NAME]
    text = text[:1] + text[1:].replace("\u266f", "#").replace("\u266d", "b")
    for word, sign in (("sharp", "#"), ("flat", "b")):
        text = re.sub(rf"[\s-]*{word}", sign, text, flags=re.IGNORECASE)
    return re.sub(r"(?i)\b(major|maj|minor|min)\b", lambda found: found[0].lower(), text)


def _pitch_class(tonic: str) -> int:
    return (_LETTERS[tonic[0]] + tonic.count("#") - tonic[1:].count("b")) % 12
