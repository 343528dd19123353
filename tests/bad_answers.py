"""The damaged and odd answers of ``fixtures/bad/answers``: how each is made, and what is expected.

    python -m tests.bad_answers

writes them, and their rows in ``fixtures/README.md``.
"""

from __future__ import annotations

import gzip
from dataclasses import dataclass

from tests.bad_midi import README, write_rows

__all__ = ["CASES", "FOLDER", "Case", "row_of"]

HEADING = "## Damaged and odd answers"
FOLDER = README.parent / "bad" / "answers"

Note = tuple[float, float, int, int]

FIRST: Note = (0.0, 0.5, 60, 102)
LAST: Note = (1.0, 1.5, 64, 76)
"""The sound notes on either side of what is wrong."""

_FIRST = '{"start": 0.0, "end": 0.5, "pitch": 60, "velocity": 0.8}'
_LAST = '{"start": 1.0, "end": 1.5, "pitch": 64, "velocity": 0.6}'
_PLACE = "data.instruments[0].notes[1]"


@dataclass(frozen=True)
class Case:
    """An answer, what is wrong with it, and what reading it must give.

    `notes` are all of them in order of time, or None where it is refused with `error` in its words;
    `places` are the JSON paths of the repairs with their kinds; `code` is that of the command.
    """

    name: str
    wrong: str
    data: bytes
    notes: tuple[Note, ...] | None
    places: tuple[tuple[str, str], ...] = ()
    error: str = ""
    code: int = 0


def _answer(notes: str, name: str = '"Koto"') -> str:
    instrument = f'{{"name": {name}, "notes": [{notes}]}}'
    return f'{{"code": 200, "message": "success", "data": {{"instruments": [{instrument}]}}}}\n'


def _note(
    start: str = "0.5", end: str = "1.0", pitch: str = "62", velocity: str = "0.5", more: str = ""
) -> str:
    """Write a note whose values may be anything."""
    return f'{{"start": {start}, "end": {end}, "pitch": {pitch}, "velocity": {velocity}{more}}}'


def _with(
    name: str, wrong: str, note: str, kind: str = "", key: str = "", kept: Note | None = None
) -> Case:
    """Put a note between two sound ones: dropped, or kept as something."""
    notes = (FIRST, LAST) if kept is None else tuple(sorted((FIRST, kept, LAST)))
    place = f"{_PLACE}.{key}" if key else _PLACE
    data = _answer(f"{_FIRST}, {note}, {_LAST}").encode()
    return Case(name, wrong, data, notes, ((place, kind),) if kind else ())


def _kept(velocity: int = 64, start: float = 0.5, end: float = 1.0, pitch: int = 62) -> Note:
    return (start, end, pitch, velocity)


_NOTES = [
    _with("start-nan", "a start of NaN", _note("NaN"), "time-value", "start"),
    _with("start-infinity", "a start of Infinity", _note("Infinity"), "time-value", "start"),
    _with("end-1e400", "an end of 1e400", _note(end="1e400"), "time-value", "end"),
    _with("start-digits", "a start of 5,000 digits", _note("9" * 5000), "time-value", "start"),
    _with("start-true", "a start of true", _note("true"), "time-value", "start"),
    _with("start-list", "a start in a list", _note("[0.5]"), "time-value", "start"),
    _with("start-comma", "a start with a decimal comma", _note('"0,5"'), "time-value", "start"),
    _with("start-underscore", 'a start of "1_0"', _note('"1_0"'), "time-value", "start"),
    _with("start-hex", 'a start of "0x1"', _note('"0x1"'), "time-value", "start"),
    _with("start-arabic", "a start in Arabic digits", _note('"\u0660"'), "time-value", "start"),
    _with("end-missing", "no end", '{"start": 0.5, "pitch": 62, "velocity": 0.5}', "time-value",
          "end"),
    _with("end-first", "an end before its start", _note("1.0", "0.5"), "end-before-start", "end"),
    _with("end-25-hours", "an end after 25 hours", _note(end="90000"), "time-limit", "end"),
    _with("start-negative", "a start before zero", _note("-0.25"), "negative-start", "start",
          _kept(start=0.0)),
    _with("before-zero", "a note before time zero", _note("-1", "-0.5"), "note-before-zero",
          "start"),
    _with("pitch-128", "a pitch of 128", _note(pitch="128"), "pitch-range", "pitch"),
    _with("pitch-fraction", "a pitch of 60.5", _note(pitch="60.5"), "pitch-range", "pitch"),
    _with("pitch-null", "a pitch of null", _note(pitch="null"), "pitch-value", "pitch"),
    _with("pitch-text", "a pitch as text", _note(pitch='"62"'), "pitch-text", "pitch", _kept()),
    _with("pitch-twice", "a pitch given twice", _note(more=', "pitch": 65'), "repeated-key",
          "pitch", _kept(pitch=65)),
    _with("velocity-0", "a velocity of 0", _note(velocity="0"), "velocity-zero", "velocity",
          _kept(1)),
    _with("velocity-negative", "a velocity of -0.5", _note(velocity="-0.5"), "velocity-negative",
          "velocity", _kept(1)),
    _with("velocity-500", "a velocity of 500 among fractions", _note(velocity="500"),
          "velocity-range", "velocity", _kept(127)),
    _with("velocity-null", "a velocity of null", _note(velocity="null"), "velocity-value",
          "velocity", _kept(64)),
    _with("note-null", "null among the notes", "null", "note-value"),
    _with("note-list", "a list among the notes", "[0.5, 1.0, 62, 0.5]", "note-value"),
    _with("velocity-1", "a velocity of 1, which is full: legal", _note(velocity="1"),
          kept=_kept(127)),
    _with("times-text", "times and velocity as text: legal", _note('"0.5"', '"1.0"', "62", '"0.5"'),
          kept=_kept(64)),
    _with("pitch-float", "a pitch of 62.0: legal", _note(pitch="62.0"), kept=_kept()),
    _with("no-length", "a note without length: legal", _note(end="0.5"), kept=_kept(end=0.5)),
]  # fmt: skip


def _of(name: str, wrong: str, text: str | bytes, places: tuple[tuple[str, str], ...] = ()) -> Case:
    """Make an answer of both sound notes."""
    data = text.encode() if isinstance(text, str) else text
    return Case(name, wrong, data, (FIRST, LAST), places)


_BOTH = f"{_FIRST}, {_LAST}"
_PARTS = (
    f'{{"code": 200, "data": {{"instruments": [null, {{"name": "Koto", "notes": [{_BOTH}]}}]}}}}'
)
_TO_127 = _answer(f"{_note('0.0', '0.5', '60', '102')}, {_note('1.0', '1.5', '64', '76')}")

_PLACES = [
    _of("instrument-null", "null among the instruments", _PARTS,
        (("data.instruments[0]", "instrument-value"),)),
    _of("name-number", "a name that is a number", _answer(_BOTH, "7"),
        (("data.instruments[0].name", "name-value"),)),
    _of("name-surrogate", "a name with a lone surrogate", _answer(_BOTH, '"K\\ud800"'),
        (("data.instruments[0].name", "name-broken"),)),
    _of("name-latin1", "a name that is no UTF-8", _answer(_BOTH, '"Flöte"').encode("latin-1"),
        (("data.instruments[0].name", "name-encoding"),)),
    _of("velocities-to-127", "velocities from 0 to 127", _TO_127,
        (("data.instruments[0].notes[0].velocity", "velocity-scale"),)),
    _of("name-hostile", "a name with escapes, a path and a tag: legal",
        _answer(_BOTH, '"\\u001b]0;owned\\u0007../../<script>"')),
    _of("bom", "a byte order mark: legal", b"\xef\xbb\xbf" + _answer(_BOTH).encode()),
    _of("utf-16", "UTF-16: legal", _answer(_BOTH).encode("utf-16")),
    _of("gzipped", "a gzip of a sound answer: legal",
        gzip.compress(_answer(_BOTH).encode(), mtime=0)),
    Case("no-notes", "a complete answer without notes: legal", _answer("").encode(), ()),
]  # fmt: skip


def _refused(name: str, wrong: str, text: str | bytes, error: str, code: int = 1) -> Case:
    data = text.encode() if isinstance(text, str) else text
    return Case(name, wrong, data, None, (), error, code)


_REFUSED = [
    _refused("empty", "no byte", b"", "empty; expected a JSON answer"),
    _refused("html", "a page", "<html><title>502 Bad Gateway</title></html>", "502 Bad Gateway"),
    _refused("cut", "cut in the middle", _answer(_BOTH)[:150], "cut short"),
    _refused("two", "two documents", _answer(_BOTH) * 2, "expected"),
    _refused("list", "a list", "[1, 2]", "expected"),
    _refused("deep", "100,000 brackets", "[" * 100_000 + "]" * 100_000, "a list is no"),
    _refused("midi", "a .mid", b"MThd\0\0\0\6\0\1\0\1\1\xe0", "read_midi"),
    _refused("running", "not ready", '{"code": 200, "data": {"state": "running"}}', "not ready", 4),
    _refused("pending-empty", "pending, without notes",
             '{"code": 200, "data": {"state": "pending", "instruments": []}}', "pending", 4),
    _refused("code-402", "refused by the provider",
             '{"code": 402, "message": "no \\u001b[31mcredits"}', "402", 3),
    _refused("state-failed", "a failed task",
             '{"code": 200, "data": {"state": "failed", "error": "too long"}}', "too long", 3),
]  # fmt: skip

CASES = [*_NOTES, *_PLACES, *_REFUSED]


def row_of(case: Case) -> str:
    """Give the row of a file in ``fixtures/README.md``."""
    if case.notes is None:
        expected = f"refused, exit code {case.code}: … {case.error} …"
    else:
        kinds = ", ".join(f"`{kind}`" for _, kind in case.places) or "nothing to report"
        expected = f"{len(case.notes)} notes; {kinds}"
    return f"| `bad/answers/{case.name}.json` | {case.wrong} | {expected} |"


def main() -> None:
    """Write the files and their rows."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for case in CASES:
        (FOLDER / f"{case.name}.json").write_bytes(case.data)
    write_rows(HEADING, "| `bad/answers/", [row_of(case) for case in CASES])


if __name__ == "__main__":
    main()
