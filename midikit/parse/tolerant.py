"""Instruments and notes out of decoded JSON in which anything may be wrong.

Every fault is noted with its JSON path; one bad note never costs another. `read_json` comes here
when its fast decode refuses a document, and gets the same song from both where both can read it.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from numbers import Real
from typing import TYPE_CHECKING, Any

from midikit.escape import printable
from midikit.parse.document import RepeatedKeys, shown
from midikit.parse.envelope import open_envelope, settle

if TYPE_CHECKING:
    from collections.abc import Iterator

    from midikit.parse.envelope import Envelope
    from midikit.parse.faults import Faults

__all__ = ["LONGEST_SECONDS", "Columns", "walk"]

LONGEST_SECONDS = 24 * 3600.0
"""Times beyond 24 hours are damage, not music."""

_FULL = 127
_UNKNOWN_VELOCITY = 64 / _FULL
"""Velocity of a note that names none: what MIDI 1.0 sends for keys that cannot sense it."""

_DROPPED = "note dropped"
_NOTE_KEYS = ("start", "end", "pitch", "velocity")
_PLAIN_NUMBER = re.compile(r"-?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
_NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_MAX_DIGITS = 400
_STRAY_BYTE = re.compile(r"[\udc80-\udcff]")
_SURROGATE = re.compile(r"[\ud800-\udfff]")
_NAME_IN_PATH = 40


@dataclass(slots=True)
class Columns:
    """The notes of a song, track after track, and what else its answer says.

    Parameters
    ----------
    midi_url : str or None
        Address of the hosted .mid.
    names : list of str
        Name of each track.
    counts : list of int
        Notes of each track.
    start, end : list of float
        Seconds.
    pitch : list of int
        0..127.
    velocity : list of float
        0..1.
    """

    midi_url: str | None
    names: list[str] = field(default_factory=list)
    counts: list[int] = field(default_factory=list)
    start: list[float] = field(default_factory=list)
    end: list[float] = field(default_factory=list)
    pitch: list[int] = field(default_factory=list)
    velocity: list[float] = field(default_factory=list)


@dataclass(slots=True)
class _Part:
    """One instrument, its notes unread."""

    name: str
    notes: list[Any]
    place: str


def walk(root: Any, faults: Faults, *, damaged_text: bool = False) -> Columns:
    """Read a decoded answer note by note.

    Parameters
    ----------
    root : object
        What `decode` returned, or what any other JSON reader did.
    faults : Faults
        Where every fault is noted.
    damaged_text : bool, optional
        Whether lone surrogates in names stand for bytes that were no UTF-8.

    Returns
    -------
    Columns
        Every note that can be read.

    Raises
    ------
    AnswerError
        If the document as a whole is no finished answer; of a subclass that says why.
    """
    envelope = open_envelope(root, faults)
    parts = list(_parts(envelope, faults, damaged_text=damaged_text))
    columns = Columns(envelope.midi_url)
    reader = _NoteReader(faults, columns, _velocity_scale(parts, faults))
    for part in parts:
        before = len(columns.start)
        for index, note in enumerate(part.notes):
            reader.read(note, f"{part.place}[{index}]")
        columns.names.append(part.name)
        columns.counts.append(len(columns.start) - before)
    return columns


def _parts(envelope: Envelope, faults: Faults, *, damaged_text: bool) -> Iterator[_Part]:
    """Go through the instruments, whether in a list or in an object from name to notes."""
    instruments, place = envelope.instruments, envelope.place
    if isinstance(instruments, list):
        for index, instrument in enumerate(instruments):
            where = f"{place}[{index}]"
            if not isinstance(instrument, dict):
                found = f"{shown(instrument)} is no instrument; expected an object"
                faults.add("instrument-value", where, found, "instrument dropped")
                continue
            settle(instrument, where, ("name", "notes"), faults)
            name = _name(instrument, where, faults, damaged_text=damaged_text)
            yield _Part(name, _list_of_notes(instrument, where, faults), f"{where}.notes")
        return
    seen: set[str] = set()
    pairs = instruments.pairs if isinstance(instruments, RepeatedKeys) else instruments.items()
    for key, notes in pairs:
        where = f"{place}[{_key_in_path(key)}]"
        name = _sound_name(key, where, faults, damaged_text=damaged_text)
        if key in seen:
            found = "the name is given again; expected once"
            faults.add("repeated-name", where, found, "kept as a track of its own")
        seen.add(key)
        yield _Part(name, _checked_list(notes, where, faults), where)


def _key_in_path(name: object) -> str:
    """Write a name inside a JSON path."""
    escaped = str(name)[:_NAME_IN_PATH].replace("\\", "\\\\").replace('"', '\\"')
    more = "…" if len(str(name)) > _NAME_IN_PATH else ""
    return f'"{printable(escaped, 2 * _NAME_IN_PATH)}{more}"'


def _name(instrument: dict[str, Any], place: str, faults: Faults, *, damaged_text: bool) -> str:
    """Take an instrument's name, or none."""
    where = f"{place}.name"
    if "name" not in instrument:
        faults.add("name-value", where, "missing; expected a text", "the track has no name")
        return ""
    return _sound_name(instrument["name"], where, faults, damaged_text=damaged_text)


def _sound_name(name: Any, place: str, faults: Faults, *, damaged_text: bool) -> str:
    """Keep a name exactly unless UTF-8 cannot hold it."""
    if not isinstance(name, str):
        found = f"{shown(name)} is no name; expected a text"
        faults.add("name-value", place, found, "the track has no name")
        return ""
    if not _SURROGATE.search(name):
        return name
    found = f"{shown(name)} is not valid Unicode"
    if damaged_text:
        faults.add("name-encoding", place, found, "its stray bytes read as Latin-1")
        name = _STRAY_BYTE.sub(lambda match: chr(ord(match[0]) - 0xDC00), name)
    else:
        faults.add("name-broken", place, found, "lone surrogates replaced by U+FFFD")
    return _SURROGATE.sub("\ufffd", name)


def _list_of_notes(instrument: dict[str, Any], place: str, faults: Faults) -> list[Any]:
    """Take an instrument's notes, or none."""
    where = f"{place}.notes"
    if "notes" in instrument:
        return _checked_list(instrument["notes"], where, faults)
    faults.add("notes-value", where, "missing; expected a list", "read as no notes")
    return []


def _checked_list(notes: Any, place: str, faults: Faults) -> list[Any]:
    """Make sure that notes are a list."""
    if isinstance(notes, (list, tuple)):
        return list(notes) if isinstance(notes, tuple) else notes
    found = f"{shown(notes)} is no list of notes"
    faults.add("notes-value", place, found, "read as no notes")
    return []


def _velocity_scale(parts: list[_Part], faults: Faults) -> int:
    """Tell whether velocities run to 1, as documented, or to 127.

    The latter only where nothing speaks against it: at least two velocities above 1 and more of
    them than of 1, which is full on one scale and nearly silent on the other, all whole, and no
    fraction anywhere. Zeros and what fits neither scale say nothing.
    """
    ones, places = 0, 0
    first, least, most = "", math.inf, 0.0
    for part in parts:
        for index, note in enumerate(part.notes):
            number = _number(note.get("velocity")) if isinstance(note, dict) else None
            if number is None or number <= 0 or number > _FULL:
                continue
            if number != math.floor(number):
                return 1
            if number == 1:
                ones += 1
                continue
            first = first or f"{part.place}[{index}].velocity"
            places += 1
            least, most = min(least, number), max(most, number)
    if places < 2 or places <= ones:
        return 1
    found = f"velocities are whole numbers up to {most:.0f}; expected 0 to 1"
    faults.add(
        "velocity-scale", first, found, "all read on the scale 0 to 127", count=places + ones
    )
    return _FULL


def _number(value: Any) -> float | None:
    """Read a finite number, or text that is one in ASCII; None for everything else."""
    if isinstance(value, str):
        text = value.strip(" \t\r\n") if len(value) <= _MAX_DIGITS else ""
        number = float(text) if _NUMBER.fullmatch(text) else math.nan
    elif type(value) is float or type(value) is int or _is_number(value):
        try:
            number = float(value)
        except OverflowError:
            return None
    else:
        return None
    return number if math.isfinite(number) else None


def _is_number(value: Any) -> bool:
    """Whether a value from another reader than ours is a number; numpy's are."""
    return isinstance(value, Real) and not isinstance(value, bool)


@dataclass(slots=True)
class _NoteReader:
    """Puts notes into columns, one at a time."""

    faults: Faults
    columns: Columns
    full: int
    """The velocity that means full: 1, or 127."""

    def read(self, note: Any, place: str) -> None:
        """Take one note in, or note why not."""
        if type(note) is dict and self._is_sound(note):
            self._keep(note["start"], note["end"], note["pitch"], note["velocity"] / self.full)
            return
        if not isinstance(note, dict):
            found = f"{shown(note)} is no note; expected an object"
            self.faults.add("note-value", place, found, _DROPPED)
            return
        settle(note, place, _NOTE_KEYS, self.faults)
        start = self._time(note, "start", place)
        end = None if start is None else self._time(note, "end", place)
        pitch = None if end is None else self._pitch(note, place)
        if start is None or end is None or pitch is None:
            return
        if end < start:
            # Swapping the two would make up an onset, keeping the start a length of zero: neither
            # number can be trusted, so the note is left out and said to be.
            found = f"{shown(end)} is before the start, {shown(start)}"
            self.faults.add("end-before-start", f"{place}.end", found, _DROPPED)
            return
        if start < 0:
            if end <= 0:
                found = f"{shown(start)} to {shown(end)} lies before time zero"
                self.faults.add("note-before-zero", f"{place}.start", found, _DROPPED)
                return
            found = f"{shown(start)} is before time zero"
            self.faults.add("negative-start", f"{place}.start", found, "set to 0")
            start = 0.0
        self._keep(start, end, pitch, self._velocity(note, place))

    def _is_sound(self, note: dict[str, Any]) -> bool:
        """Tell at a glance whether there is nothing to look at in a note; most have nothing."""
        start, end = note.get("start"), note.get("end")
        pitch, velocity = note.get("pitch"), note.get("velocity")
        return (
            type(start) is float
            and type(end) is float
            and type(pitch) is int
            and type(velocity) is float
            and 0 <= start <= end <= LONGEST_SECONDS
            and 0 <= pitch <= 127
            and 0 < velocity <= self.full
        )

    def _keep(self, start: float, end: float, pitch: int, velocity: float) -> None:
        """Append one note to the columns."""
        self.columns.start.append(start)
        self.columns.end.append(end)
        self.columns.pitch.append(pitch)
        self.columns.velocity.append(velocity)

    def _time(self, note: dict[str, Any], key: str, place: str) -> float | None:
        """Read a time in seconds; None if the note cannot be kept."""
        value = note.get(key)
        number = _number(value)
        if number is None:
            self._no_value(note, key, place, "time in seconds")
            return None
        if not -LONGEST_SECONDS <= number <= LONGEST_SECONDS:
            found = f"{shown(value)} seconds are beyond 24 hours"
            self.faults.add("time-limit", f"{place}.{key}", found, _DROPPED)
            return None
        self._note_text(value, key, place, number)
        return number

    def _pitch(self, note: dict[str, Any], place: str) -> int | None:
        """Read a pitch; None if the note cannot be kept."""
        value = note.get("pitch")
        number = _number(value)
        if number is None:
            self._no_value(note, "pitch", place, "MIDI pitch (0 to 127)")
            return None
        if number != math.floor(number) or not 0 <= number <= 127:
            found = f"{shown(value)} is not a MIDI pitch (0 to 127)"
            self.faults.add("pitch-range", f"{place}.pitch", found, _DROPPED)
            return None
        if isinstance(value, str):
            found = f"{shown(value)} is text; expected a number"
            self.faults.add("pitch-text", f"{place}.pitch", found, "read as a number")
        return int(number)

    def _velocity(self, note: dict[str, Any], place: str) -> float:
        """Read a velocity as 0..1, making the best of a bad one: the note itself is sound."""
        value = note.get("velocity")
        number = _number(value)
        where = f"{place}.velocity"
        if number is None:
            found = f"{shown(value)} is not a velocity (0 to 1)"
            found = found if "velocity" in note else "missing; expected a velocity (0 to 1)"
            self.faults.add("velocity-value", where, found, "set to 64 of 127")
            return _UNKNOWN_VELOCITY
        self._note_text(value, "velocity", place, number)
        if 0 < number <= self.full:
            return number / self.full
        if number == 0:
            found = f"{shown(value)} would silence the note"
            self.faults.add("velocity-zero", where, found, "set to 1 of 127")
        elif number < 0:
            found = f"{shown(value)} is not a velocity (0 to {self.full})"
            self.faults.add("velocity-negative", where, found, "clipped to 1 of 127")
        else:
            found = f"{shown(value)} is not a velocity (0 to {self.full})"
            self.faults.add("velocity-range", where, found, "clipped to 127 of 127")
            return 1.0
        return 0.0

    def _no_value(self, note: dict[str, Any], key: str, place: str, expected: str) -> None:
        """Note that a key is missing or no number, and that this costs the note."""
        kind = f"{'pitch' if key == 'pitch' else 'time'}-value"
        found = f"{shown(note[key])} is not a" if key in note else "missing; expected a"
        self.faults.add(kind, f"{place}.{key}", f"{found} {expected}", _DROPPED)

    def _note_text(self, value: Any, key: str, place: str, number: float) -> None:
        """Note text that is a number, but not as JSON would write it."""
        if isinstance(value, str) and not _PLAIN_NUMBER.fullmatch(value):
            found = f"{shown(value)} is not written as a number"
            self.faults.add("number-text", f"{place}.{key}", found, f"read as {number!r}")
