"""Bytes of the endpoint's JSON answer to a song.

One typed decode reads a sound answer; whatever it refuses goes through a tolerant walk of the same
document, which keeps every note that can be kept. Each fault is one `Repair` (``strict=True`` makes
the first an `AnswerError` at the same JSON path); past 1,000 they are counted, one row a kind.

=================  =====================================================  ======================
kind               fault                                                  what is done
=================  =====================================================  ======================
time-value         start or end is missing or no number                   note dropped
time-limit         start or end beyond 24 hours                           note dropped
end-before-start   end before start                                       note dropped
negative-start     start before time zero, end after it                   start set to 0
note-before-zero   start before time zero and end not after it            note dropped
pitch-value        pitch is missing or no number                          note dropped
pitch-range        pitch is not whole or not 0..127                       note dropped
pitch-text         pitch is text that is a whole number                   read as a number
velocity-value     velocity is missing or no number                       set to 64 of 127
velocity-zero      velocity 0, which would silence the note               set to 1 of 127
velocity-negative  velocity below 0                                       clipped to 1 of 127
velocity-range     velocity above full                                    clipped to 127 of 127
velocity-scale     velocities clearly on the scale 0..127 (one row)       all read on that scale
number-text        text that is a number with spaces or a loose form      read as a number
note-value         a note that is no object                               note dropped
notes-value        notes are missing or no list                           read as no notes
instrument-value   an instrument that is no object                        instrument dropped
name-value         a name is missing or no text                           the track has no name
name-encoding      a name with bytes that are no UTF-8                    those read as Latin-1
name-broken        a name with lone surrogates                            replaced by U+FFFD
repeated-key       a key given more than once in one object               last counts, lists join
repeated-name      a name given twice where names are keys                both kept
two-answers        instruments inside ``data`` and others at the top      those in ``data`` count
midi-url           ``midi_url`` that is no http or https address          no ``midi_url``
text-encoding      bytes that are no UTF-8, outside any name              not read
control-character  a raw control character inside a text                  kept
=================  =====================================================  ======================

Accepted without a word: the envelopes siblings of the endpoint use, unknown keys, whole numbers
written ``60.0``, ASCII text that is a JSON number for times and velocities, a byte order mark,
UTF-16, gzip, any order of the notes. Nesting beyond 200 levels is not read.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import numpy as np

from midikit.errors import InputError, LimitError
from midikit.escape import printable
from midikit.files import DEFAULT_MAX_BYTES, read_bytes
from midikit.gm import is_drum
from midikit.model.notes import notes_by_track, trusted_notes
from midikit.model.song import Song, trusted_track
from midikit.parse.document import decode, unwrap
from midikit.parse.faults import Faults
from midikit.parse.sound import decode_sound
from midikit.parse.tolerant import walk
from midikit.units import velocity_from_unit

if TYPE_CHECKING:
    import numpy.typing as npt

    from midikit.model.notes import Notes
    from midikit.model.report import Repair

__all__ = ["read_json"]


def read_json(
    source: str | os.PathLike[str] | bytes | dict[str, Any],
    *,
    strict: bool = False,
    max_bytes: int = DEFAULT_MAX_BYTES,
) -> Song:
    """Read an answer of the endpoint.

    Parameters
    ----------
    source : str, PathLike, bytes or dict
        Path of a saved answer, its bytes (also gzipped or UTF-16), or the decoded object.
    strict : bool, optional
        Refuse an answer with any fault instead of repairing it.
    max_bytes : int, optional
        Largest answer to read, inflated.

    Returns
    -------
    Song
        One track an instrument, in the order of the answer, with no program. `Song.tempo` is the
        120 quarters a minute of the lattice that the times lie on, not the music's. A finished
        answer without notes gives a song without notes. `Song.repairs` lists every fault.

    Raises
    ------
    PendingError
        If the answer is not ready yet.
    ProviderError
        If the provider refused: a code other than 200, ``success: false``, a failed state.
    AnswerError
        If the document as a whole is no answer, or has any fault and `strict` is set.
    InputError
        If the file cannot be read.
    LimitError
        If it is larger than `max_bytes`.

    Examples
    --------
    >>> note = b'{"start": 0.5, "end": 1.0, "pitch": %d, "velocity": 0.8}'
    >>> answer = b'{"code": 200, "data": {"instruments": [{"name": "Koto", "notes": [%s]}]}}'
    >>> read_json(answer % (note % 60))
    <Song 1 track, 1 note, 1.0 s>
    >>> song = read_json(answer % b", ".join([note % 60, note % 131]))
    >>> song.note_count, str(song.repairs[0])
    (1, 'data.instruments[0].notes[1].pitch: 131 is not a MIDI pitch (0 to 127); note dropped')
    """
    if isinstance(source, dict):
        return _read_slowly(source, Faults("", strict=strict))
    name, data = _load(source, max_bytes)
    shown = printable(name, 200)
    data = unwrap(data, source=shown, max_bytes=max_bytes)
    song = read_fast(data, source=name)
    if song is not None:
        return song
    return read_tolerant(data, source=name, strict=strict)


def _load(source: str | os.PathLike[str] | bytes, max_bytes: int) -> tuple[str, bytes]:
    """Return the name of a source and what is in it."""
    if isinstance(source, (bytes, bytearray, memoryview)):
        data = bytes(source)
        if len(data) > max_bytes:
            raise LimitError(
                f"{len(data):,} bytes, more than {max_bytes:,}; pass max_bytes= to read them"
            )
        return "", data
    path = os.fspath(source)
    try:
        return path, read_bytes(path, max_bytes=max_bytes)
    except InputError:
        if not path.lstrip().startswith("{"):
            raise
    problem = "this is JSON, not the name of a file; pass it as bytes: text.encode()"
    raise InputError("", "", problem)


def read_tolerant(data: bytes, *, source: str = "", strict: bool = False) -> Song:
    """Read an answer note by note, repairing what is wrong.

    Parameters
    ----------
    data : bytes
        JSON text, what `unwrap` returned.
    source : str, optional
        The file or clip it came from.
    strict : bool, optional
        Refuse the first fault.

    Returns
    -------
    Song
        As `read_json` returns it.

    Raises
    ------
    AnswerError
        As `read_json`, subclasses included.
    """
    faults = Faults(printable(source, 200), strict=strict)
    stray = _first_stray_byte(data)
    try:
        return _read_slowly(decode(data, faults), faults, source=source, stray=stray)
    except MemoryError:
        faults.refuse("", f"{len(data):,} bytes of JSON need more memory than there is")


def _read_slowly(root: Any, faults: Faults, *, source: str = "", stray: int | None = None) -> Song:
    """Make a song of a decoded answer."""
    columns = walk(root, faults, damaged_text=stray is not None)
    if stray is not None and not faults.has("name-encoding"):
        found = "bytes that are no UTF-8, outside any name"
        faults.add("text-encoding", f"byte {stray}", found, "not read")
    table: dict[str, npt.NDArray[Any]] = {
        "start": np.array(columns.start, np.float64) + 0.0,  # -0.0 becomes 0.0
        "end": np.array(columns.end, np.float64) + 0.0,
        "pitch": np.array(columns.pitch, np.int32),
        "velocity": velocity_from_unit(columns.velocity),
    }
    notes = notes_by_track(table, columns.counts)
    return _song(columns.names, notes, columns.midi_url, source, faults.repairs())


def _first_stray_byte(data: bytes) -> int | None:
    """Find the first byte that is no UTF-8."""
    if data.isascii():
        return None
    try:
        data.decode()
    except UnicodeDecodeError as error:
        return error.start
    return None


def read_fast(data: bytes, *, source: str = "") -> Song | None:
    """Read an answer without any fault; anything else is left to `read_tolerant`.

    Parameters
    ----------
    data : bytes
        JSON text, what `unwrap` returned.
    source : str, optional
        The file or clip it came from.

    Returns
    -------
    Song or None
        None if there is, or might be, anything to repair or refuse.
    """
    if _first_stray_byte(data) is not None:
        return None
    answer = decode_sound(data)
    if answer is None:
        return None
    notes = trusted_notes(answer.rows, answer.counts)
    return _song(answer.names, notes, answer.midi_url, source, ())


def _song(
    names: list[str],
    notes: list[Notes],
    midi_url: str | None,
    source: str,
    repairs: tuple[Repair, ...],
) -> Song:
    """Make a song of the notes of its tracks."""
    tracks = tuple(
        [
            trusted_track(name, part, is_drum=is_drum(name, None))
            for name, part in zip(names, notes, strict=True)
        ]
    )
    return Song(tracks, source=source, midi_url=midi_url, repairs=repairs)
