"""What must hold whatever the bytes: shared by the suite and by the coverage-guided fuzzer.

`check_midi` and `check_answer` read bytes and assert every promise of the two parsers that can be
told without knowing what the bytes were meant to be. ``deep=False`` leaves out what costs several
times the reading: strict mode, the second ways of reading, the scanner as oracle, and the way out
through `to_midi` and back.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

from midikit.convert.midi import to_midi
from midikit.errors import AnswerError, ConversionError, InputError, LimitError, MidiError
from midikit.escape import printable
from midikit.model.notes import NOTE
from midikit.model.song import Song
from midikit.parse.document import unwrap
from midikit.parse.midi import read_midi
from midikit.parse.response import read_fast, read_json, read_tolerant
from midikit.smf import decode as decoder
from midikit.smf.decode import decode
from midikit.smf.scan import scan
from midikit.units import DEFAULT_TICKS_PER_QUARTER
from tests.fuzz import oracle

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from midikit.model.notes import Notes
    from midikit.model.report import Repair
    from midikit.smf.scan import Scan

__all__ = [
    "CHECKS",
    "check_answer",
    "check_both_ways",
    "check_midi",
    "check_same",
    "is_one_safe_line",
]

_SMALLEST_ON = 3
"""Bytes of the shortest event that may start a note."""

_SMALLEST_NOTE = len('{"start":1,"end":1,"pitch":1}')
_MOST_ROWS = 200 * 27
"""More rows than any report has: 200 a kind for a .mid, 1,000 and one a kind for an answer."""

_MOST_BYTES = 1 << 24
_LONGEST = 3_000
"""Characters of a message, in which each of 200 of the input may be an escape of ten."""

_ROUNDING = 1e-12


def is_one_safe_line(line: str) -> bool:
    """Whether a terminal shows every character, and not too many of them."""
    return 0 < len(line) < _LONGEST and printable(line, _LONGEST) == line


def check_midi(data: bytes, *, deep: bool = True) -> Song | MidiError:
    """Read bytes as .mid and assert what is promised for any."""
    try:
        song = read_midi(data)
    except MidiError as error:
        _check_midi_error(error, data)
        if deep:
            assert str(_strictly(data)) == str(error), "strict refuses something else"
        return error
    _check_song(song)
    room = len(data)
    assert song.note_count * _SMALLEST_ON <= room, "more notes than bytes hold"
    assert sum(len(t.controls) for t in song.tracks) * 2 <= room, "more controls than bytes hold"
    for row in song.repairs:
        assert row.offset is None or (type(row.offset) is int and 0 <= row.offset <= room), row
        assert row.track is None or 0 <= row.track <= room // 8, row
    if deep:
        _check_strict_midi(song, data)
        check_both_ways(data)
        check_against_oracle(song, data)
        check_way_back(song, on_ticks=decode(data).ticks_per_quarter is not None)
    return song


def _check_midi_error(error: MidiError, data: bytes) -> None:
    assert is_one_safe_line(str(error)), repr(str(error))
    assert error.problem, "an error without words"
    assert type(error.offset) is int, error.offset
    assert 0 <= error.offset <= len(data), error.offset


def _strictly(data: bytes) -> Song | MidiError:
    try:
        return read_midi(data, strict=True)
    except MidiError as error:
        _check_midi_error(error, data)
        return error


def _check_strict_midi(song: Song, data: bytes) -> None:
    """Strict refuses exactly what needs repairs, at the first of them."""
    strict = _strictly(data)
    assert isinstance(strict, MidiError) == bool(song.repairs), "strict and repairs disagree"
    if isinstance(strict, MidiError):
        assert strict.offset == min(row.offset for row in song.repairs if row.offset is not None)


def check_both_ways(data: bytes) -> None:
    """Assert that reading whole arrays and event by event agree in every column and repair."""
    fast = decode(data)
    names = vars(decoder)
    usual, names["scan"] = names["scan"], _scan_nothing
    try:
        slow = decode(data)
    finally:
        names["scan"] = usual
    for name in ("tick", "status", "data1", "data2"):
        assert getattr(fast, name).tolist() == getattr(slow, name).tolist(), name
    for name in ("bounds", "meta_tick", "meta_offset", "meta_before", "meta_kind", "meta_data"):
        assert getattr(fast, name) == getattr(slow, name), name
    assert (fast.meta_bounds, fast.last_tick) == (slow.meta_bounds, slow.last_tick)
    assert fast.repairs == slow.repairs
    for track in range(len(fast)):
        for index in range(fast.bounds[track + 1] - fast.bounds[track]):
            assert fast.locator.offset(track, index) == slow.locator.offset(track, index)


def _scan_nothing(data: bytes, spans: list[tuple[int, int]]) -> Scan:
    """Take no track for regular, so that each is walked."""
    nothing = [0] * len(spans)
    return replace(
        scan(data, []),
        irregular=list(range(len(spans))),
        counts=nothing,
        meta_counts=nothing,
        last_tick=nothing,
    )


def check_against_oracle(song: Song, data: bytes) -> None:
    """Assert that the notes are those of a plain scanner, or that a repair says why not.

    Where every chunk is as long as it claims, the notes must be the same whatever the events.
    """
    try:
        theirs = oracle.scan(data)
    except oracle.NotMidiError:
        assert song.repairs, "the scanner finds no header and nothing is reported"
        return
    if song.repairs == ():
        assert not theirs.faults, "a fault that the scanner sees is not reported"
    if theirs.lies and song.repairs:
        return
    channels = [track.channel for track in song.tracks if len(track)]
    assert channels == [channel for _, channel in theirs.parts], "other parts than the scanner"
    for ours, notes in zip(_parts(song), theirs.parts.values(), strict=True):
        starts = sorted((pitch, start, velocity) for pitch, start, _, velocity in notes)
        _check_near(ours.starts, starts)
        _check_near(ours.ends, sorted((pitch, end) for pitch, _, end, _ in notes))


class _Part(NamedTuple):
    """The notes of one track, put so that the last bits of a time do not change their order."""

    starts: list[tuple[float, ...]]
    ends: list[tuple[float, ...]]


def _parts(song: Song) -> Iterator[_Part]:
    for track in song.tracks:
        if notes := track.notes.tolist():
            yield _Part(
                sorted((pitch, start, velocity) for start, _, pitch, velocity in notes),
                sorted((pitch, end) for _, end, pitch, _ in notes),
            )


def _check_near(
    ours: Sequence[tuple[float, ...]], theirs: Sequence[tuple[float, ...]], tolerance: float = 0.0
) -> None:
    """Assert equal rows but for a tolerance, and the last bits, of the second column, times."""
    assert len(ours) == len(theirs), f"{len(ours)} notes, expected {len(theirs)}"
    for one, other in zip(ours, theirs, strict=True):
        assert one[0] == other[0], (one, other)
        most = tolerance + _ROUNDING * max(1.0, other[1])
        assert abs(one[1] - other[1]) <= most, (one, other)
    if not tolerance:
        assert [row[2:] for row in ours] == [row[2:] for row in theirs], "other velocities"


def _check_song(song: Song) -> None:
    """Notes finite, in order, in range and read-only; repairs in safe words and bounded number."""
    for track in song.tracks:
        notes = track.notes
        assert notes.dtype == NOTE, notes.dtype
        assert not notes.flags.writeable, "notes can be written to"
        before: tuple[Any, ...] = (-1.0,)
        for start, end, pitch, velocity in notes.tolist():
            assert 0.0 <= start <= end < float("inf"), (start, end)
            assert 0 <= pitch <= 127, pitch
            assert 1 <= velocity <= 127, velocity
            row = (start, pitch, end, velocity)
            assert before <= row, "notes out of order"
            before = row
    assert len(song.repairs) <= _MOST_ROWS, "a report without bound"
    for repair in song.repairs:
        _check_repair(repair)


def _check_repair(repair: Repair) -> None:
    assert is_one_safe_line(str(repair)), repr(str(repair))
    assert repair.kind, "a repair without a kind"
    assert repair.place, "a repair without a place"
    assert repair.found, "a repair without a finding"
    assert repair.action, "a repair without an action"
    assert repair.count >= 1, repair.count


def check_way_back(song: Song, *, on_ticks: bool = False) -> None:
    """What was read can be written, and is read again: the same notes, nothing to repair."""
    try:
        kept = to_midi(song, programs="source", overlap="keep", short="keep", tracks="source")
        plain = to_midi(song)
    except (ConversionError, LimitError) as error:
        assert is_one_safe_line(str(error)), repr(str(error))
        return
    back = read_midi(plain)
    if back.repairs:
        # Of notes of one pitch that begin together none can be cut short for the next.
        assert {row.kind for row in back.repairs} == {"overlapping-notes"}, back.repairs[:3]
        assert any(_holds_twins(track.notes) for track in back), "our own file needs repairs"
    back = read_midi(kept)
    assert {row.kind for row in back.repairs} <= {"overlapping-notes"}, back.repairs[:3]
    assert [t.name for t in back if len(t)] == [t.name for t in song if len(t)], "other names"
    tolerance = 0.0
    if not on_ticks:
        resolution = song.ticks_per_quarter or DEFAULT_TICKS_PER_QUARTER
        tolerance = 30.0 / float(song.tempo.qpm.min()) / resolution
    for ours, theirs in zip(_parts(back), _parts(song), strict=True):
        _check_near(ours.starts, theirs.starts, tolerance)
        _check_near(ours.ends, theirs.ends, tolerance)


def _holds_twins(notes: Notes) -> bool:
    """Whether two notes of one pitch begin together."""
    starts = [(start, pitch) for start, _, pitch, _ in notes.tolist()]
    return len(set(starts)) < len(starts)


def check_answer(data: bytes, *, deep: bool = True) -> Song | InputError | LimitError:
    """Read bytes as an answer and assert what is promised for any."""
    try:
        song = read_json(data)
    except (AnswerError, LimitError) as error:
        assert is_one_safe_line(str(error)), repr(str(error))
        if deep:
            assert not isinstance(_strict_answer(data), Song), "strict accepts what was refused"
        return error
    _check_song(song)
    if deep:
        text = unwrap(data, source="", max_bytes=_MOST_BYTES)
        assert song.note_count * _SMALLEST_NOTE <= len(text), "more notes than bytes hold"
        strict = _strict_answer(data)
        assert isinstance(strict, AnswerError) == bool(song.repairs), "strict and repairs disagree"
        fast = read_fast(text)
        if fast is not None:
            assert song.repairs == ()
            check_same(fast, read_tolerant(text, strict=True))
        check_way_back(song)
    return song


def _strict_answer(data: bytes) -> Song | AnswerError | LimitError:
    try:
        return read_json(data, strict=True)
    except (AnswerError, LimitError) as error:
        assert is_one_safe_line(str(error)), repr(str(error))
        return error


def check_same(one: Song, other: Song) -> None:
    """Two songs hold the same tracks and notes to the last bit."""
    assert len(one) == len(other), "not as many tracks"
    for left, right in zip(one.tracks, other.tracks, strict=True):
        assert left.name == right.name, "another name"
        assert left.notes.tobytes() == right.notes.tobytes(), "other notes"
    assert one.midi_url == other.midi_url, "another address"


CHECKS = {"midi": check_midi, "answers": check_answer}
"""The parsers under test by the name of their target."""
