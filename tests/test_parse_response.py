"""The reader of answers: the documented example, every rule with its message, then properties."""

from __future__ import annotations

import gzip
import json
import math
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from midikit.errors import AnswerError, InputError, LimitError, PendingError, ProviderError
from midikit.model.song import Song
from midikit.parse import document, response, sound
from midikit.parse.document import MAX_DEPTH, shallow
from midikit.parse.faults import MAX_ROWS
from midikit.parse.response import read_fast, read_json, read_tolerant
from tests.fuzz.invariants import check_same, is_one_safe_line
from tests.strategies import instruments, json_values

if TYPE_CHECKING:
    import random

ANSWERS = Path(__file__).parent.parent / "fixtures" / "answers"
FIRST = '{"start": 0.0, "end": 0.5, "pitch": 60, "velocity": 0.8}'
LAST = '{"start": 1.0, "end": 1.5, "pitch": 64, "velocity": 0.6}'


def answer(notes: str, *, name: str = '"Piano"', before: str = "", url: str = "") -> bytes:
    """Write an answer of one instrument."""
    return (
        f'{{"code": 200, {before}"data": {{{url}"instruments": '
        f'[{{"name": {name}, "notes": [{notes}]}}]}}}}'
    ).encode()


def between(note: str) -> bytes:
    """Write an answer in which a note stands between two sound ones."""
    return answer(f"{FIRST}, {note}, {LAST}")


def note(start: str = "0.5", end: str = "1.0", pitch: str = "62", velocity: str = "0.7") -> str:
    """Write a note."""
    return f'{{"start": {start}, "end": {end}, "pitch": {pitch}, "velocity": {velocity}}}'


def rows(song: Song) -> list[str]:
    """Return the repairs of a song as they are shown."""
    return [str(repair) for repair in song.repairs]


def refusal(data: bytes | str | dict[str, Any], **options: Any) -> AnswerError:
    """Return the error of an answer that must be refused, in one printable line."""
    with pytest.raises(AnswerError) as caught:
        read_json(data, **options)
    assert is_one_safe_line(str(caught.value))
    return caught.value


# The documented answer and its variants


def test_the_documented_example_is_read_exactly() -> None:
    """Its 20 notes come out to the last bit, with no repair."""
    path = ANSWERS / "example.json"
    song = read_json(path)
    (documented,) = json.loads(path.read_bytes())["data"]["instruments"]
    notes = song["Synth Voice"].notes
    expected = sorted(documented["notes"], key=lambda one: (one["start"], one["pitch"]))
    assert len(notes) == 20
    assert notes["start"].tolist() == [one["start"] for one in expected]
    assert notes["end"].tolist() == [one["end"] for one in expected]
    assert notes["pitch"].tolist() == [one["pitch"] for one in expected]
    assert notes["velocity"].tolist() == [63] * 20
    assert song.midi_url is not None
    assert song.midi_url.startswith("https://cdn.sunoapi.com/")
    assert (song.repairs, song.source, len(song)) == ((), str(path), 1)
    assert (song[0].program, song[0].is_drum, song.tempo.qpm.tolist()) == (None, False, [120.0])


def test_siblings_answers_are_read_without_a_word() -> None:
    """The object form with times as text, and a callback body with equal names."""
    song = read_json(ANSWERS / "names_to_notes.json", strict=True)
    assert [(track.name, track.is_drum) for track in song] == [("Koto", False), ("Drums", True)]
    assert song["Koto"].notes["start"].tolist() == [0.036458333333333336, 0.5364583333333334]
    assert song["Koto"].notes["velocity"].tolist() == [127, 91]
    song = read_json(ANSWERS / "callback.json", strict=True)
    assert [(track.name, len(track)) for track in song] == [
        ("Acoustic Bass", 1),
        ("Acoustic Bass", 1),
        ("Orchestral Harp", 0),
    ]
    assert song.midi_url is None


def test_a_damaged_answer_keeps_its_sound_notes() -> None:
    """Each fault is listed at its path, and nothing else is."""
    song = read_json(ANSWERS / "damaged.json")
    assert rows(song) == [
        (
            "data.midi_url: 'file:///etc/passwd' is no http or https address; "
            "ignored, the song has no midi_url"
        ),
        "data.instruments[1].name: null is no name; expected a text; the track has no name",
        "data.instruments[1].notes: 3 is no list of notes; read as no notes",
        "data.instruments[0].notes[1].start: NaN is not a time in seconds; note dropped",
        "data.instruments[0].notes[2].pitch: 131 is not a MIDI pitch (0 to 127); note dropped",
        "data.instruments[0].notes[3].end: 0.5 is before the start, 1.0; note dropped",
        "data.instruments[0].notes[4].start: -0.25 is before time zero; set to 0",
        "data.instruments[0].notes[5].velocity: 0 would silence the note; set to 1 of 127",
        "data.instruments[0].notes[6].pitch: '65' is text; expected a number; read as a number",
        "data.instruments[0].notes[6].velocity: null is not a velocity (0 to 1); set to 64 of 127",
        "data.instruments[0].notes[7]: null is no note; expected an object; note dropped",
    ]
    assert song[0].notes.tolist() == [
        (0.0, 0.5, 60, 102),
        (0.0, 0.25, 62, 89),
        (0.5, 1.0, 62, 1),
        (0.5, 1.0, 65, 64),
        (1.0, 1.5, 64, 76),
    ]
    assert (song[1].name, len(song[1])) == ("", 0)


ONE = f'[{{"name": "Koto", "notes": [{FIRST}]}}]'


@pytest.mark.parametrize(
    "text",
    [
        f'{{"code": 200, "message": "ok", "data": {{"midi_url": null, "instruments": {ONE}}}}}',
        f'{{"code": "200", "data": {{"instruments": {ONE}}}}}',
        f'{{"code": 200.0, "data": {{"instruments": {ONE}}}}}',
        f'{{"state": "complete", "instruments": {ONE}}}',
        f'{{"data": {{"state": " Complete ", "instruments": {ONE}}}}}',
        f'{{"success": true, "task_id": "t", "data": [{{"state": "done", "instruments": {ONE}}}]}}',
        f'{{"task_id": "t", "code": 200, "msg": "ok", "data": {{"instruments": {ONE}}}}}',
        f'{{"instruments": {ONE}}}',
        f'{{"instruments": {{"Koto": [{FIRST}]}}}}',
        f'{{"data": null, "instruments": {ONE}}}',
        f'{{"state": null, "success": null, "instruments": {ONE}, "error": null}}',
        f'{{"instruments": {ONE}, "extra": [{{"start": 1, "name": "\\ud83c\\udfb9"}}]}}',
        f'{{"instruments": [{{"id": 7, "notes": [{FIRST}], "name": "Koto"}}]}}',
    ],
)
def test_every_envelope_is_accepted(text: str) -> None:
    """Whatever lies around the instruments, they are read, also strictly and from a dict."""
    for song in (read_json(text.encode(), strict=True), read_json(json.loads(text), strict=True)):
        assert song["Koto"].notes.tolist() == [(0.0, 0.5, 60, 102)]
        assert song.repairs == ()


def test_an_answer_without_notes_is_a_song_without_notes() -> None:
    """Nothing detected is a legal answer."""
    for text in (b'{"code":200,"data":{"instruments":[]}}', answer(""), b'{"instruments":{}}'):
        song = read_json(text, strict=True)
        assert (song.note_count, song.repairs) == (0, ())


# Faults inside one note

NOTE_FAULTS = [
    # what stands in the place of the note, the rest of its path, the row, is the note kept
    ("null", "", "null is no note; expected an object; note dropped", False),
    ("[0.0, 0.5, 60, 1]", "", "a list is no note; expected an object; note dropped", False),
    ('"C4"', "", "'C4' is no note; expected an object; note dropped", False),
    ("{}", ".start", "missing; expected a time in seconds; note dropped", False),
    (
        '{"start": 1, "pitch": 3}',
        ".end",
        "missing; expected a time in seconds; note dropped",
        False,
    ),
    (note(start="null"), ".start", "null is not a time in seconds; note dropped", False),
    (note(start="true"), ".start", "true is not a time in seconds; note dropped", False),
    (note(start="[1]"), ".start", "a list is not a time in seconds; note dropped", False),
    (note(start="NaN"), ".start", "NaN is not a time in seconds; note dropped", False),
    (note(end="-Infinity"), ".end", "-Infinity is not a time in seconds; note dropped", False),
    (note(end="1e400"), ".end", "1e400 is not a time in seconds; note dropped", False),
    (note(end='"1e400"'), ".end", "'1e400' is not a time in seconds; note dropped", False),
    (note(end='"NaN"'), ".end", "'NaN' is not a time in seconds; note dropped", False),
    (note(end='"1_0"'), ".end", "'1_0' is not a time in seconds; note dropped", False),
    (note(end='"0x1"'), ".end", "'0x1' is not a time in seconds; note dropped", False),
    (note(end='"0,5"'), ".end", "'0,5' is not a time in seconds; note dropped", False),
    (note(end='""'), ".end", "'' is not a time in seconds; note dropped", False),
    (note(end='"\\u0661"'), ".end", "'\u0661' is not a time in seconds; note dropped", False),
    (note(end='"1\\u00a0"'), ".end", "'1\u00a0' is not a time in seconds; note dropped", False),
    (
        note(start="9" * 5000),
        ".start",
        "a number of 5,000 characters is not a time in seconds; note dropped",
        False,
    ),
    (
        note(start="1e9", end="2e9"),
        ".start",
        "1000000000.0 seconds are beyond 24 hours; note dropped",
        False,
    ),
    (note(end="86400.5"), ".end", "86400.5 seconds are beyond 24 hours; note dropped", False),
    (note(start="-86401"), ".start", "-86401 seconds are beyond 24 hours; note dropped", False),
    (note(start="1.5"), ".end", "1.0 is before the start, 1.5; note dropped", False),
    (note(start="-0.25"), ".start", "-0.25 is before time zero; set to 0", True),
    (note(start="-1", end="0"), ".start", "-1.0 to 0.0 lies before time zero; note dropped", False),
    (
        note(start="-1", end="-1"),
        ".start",
        "-1.0 to -1.0 lies before time zero; note dropped",
        False,
    ),
    (note(start='" 0.5\\n"'), ".start", "' 0.5\\n' is not written as a number; read as 0.5", True),
    (note(start='"+.5"'), ".start", "'+.5' is not written as a number; read as 0.5", True),
    (note(pitch="131"), ".pitch", "131 is not a MIDI pitch (0 to 127); note dropped", False),
    (note(pitch="-1"), ".pitch", "-1 is not a MIDI pitch (0 to 127); note dropped", False),
    (note(pitch="60.5"), ".pitch", "60.5 is not a MIDI pitch (0 to 127); note dropped", False),
    (note(pitch="false"), ".pitch", "false is not a MIDI pitch (0 to 127); note dropped", False),
    (note(pitch='"C4"'), ".pitch", "'C4' is not a MIDI pitch (0 to 127); note dropped", False),
    (note(pitch='"60.5"'), ".pitch", "'60.5' is not a MIDI pitch (0 to 127); note dropped", False),
    (note(pitch='"62"'), ".pitch", "'62' is text; expected a number; read as a number", True),
    (
        note(pitch='{"a": 1}'),
        ".pitch",
        "an object is not a MIDI pitch (0 to 127); note dropped",
        False,
    ),
    (
        note(pitch="1" + "0" * 400),
        ".pitch",
        "a huge number is not a MIDI pitch (0 to 127); note dropped",
        False,
    ),
    (note(velocity="null"), ".velocity", "null is not a velocity (0 to 1); set to 64 of 127", True),
    (note(velocity="true"), ".velocity", "true is not a velocity (0 to 1); set to 64 of 127", True),
    (
        note(velocity="Infinity"),
        ".velocity",
        "Infinity is not a velocity (0 to 1); set to 64 of 127",
        True,
    ),
    (
        '{"start": 0.5, "end": 1.0, "pitch": 62}',
        ".velocity",
        "missing; expected a velocity (0 to 1); set to 64 of 127",
        True,
    ),
    (note(velocity="0"), ".velocity", "0 would silence the note; set to 1 of 127", True),
    (note(velocity="-0.0"), ".velocity", "-0.0 would silence the note; set to 1 of 127", True),
    (note(velocity='"0"'), ".velocity", "'0' would silence the note; set to 1 of 127", True),
    (
        note(velocity="-0.1"),
        ".velocity",
        "-0.1 is not a velocity (0 to 1); clipped to 1 of 127",
        True,
    ),
    (
        note(velocity="500"),
        ".velocity",
        "500 is not a velocity (0 to 1); clipped to 127 of 127",
        True,
    ),
    (
        note(velocity="1.01"),
        ".velocity",
        "1.01 is not a velocity (0 to 1); clipped to 127 of 127",
        True,
    ),
    (
        '{"start": 9, "start": 0.5, "end": 1.0, "pitch": 62, "velocity": 0.7}',
        ".start",
        "the key is given 2 times; expected once; the last one counts: 0.5",
        True,
    ),
]


@pytest.mark.parametrize(("faulty", "path", "row", "kept"), NOTE_FAULTS)
def test_a_fault_in_one_note_is_named_and_costs_no_other(
    faulty: str, path: str, row: str, *, kept: bool
) -> None:
    """The row names path, value and deed; strict names the same path; the others stay."""
    song = read_json(between(faulty))
    place = f"data.instruments[0].notes[1]{path}"
    assert rows(song) == [f"{place}: {row}"]
    assert {60, 64} <= set(song[0].notes["pitch"].tolist())
    assert song.note_count == (3 if kept else 2)
    error = refusal(between(faulty), strict=True)
    assert (type(error), error.path) == (AnswerError, place)
    assert row.startswith(error.problem)


@pytest.mark.parametrize(
    "sound",
    [
        note(pitch="62.0"),
        note(pitch="6.2e1"),
        note(start='"0.5"', end='"1e0"', velocity='"0.7"'),
        note(start="-0.0"),
        note(start="0", end="1"),
        note(end="0.5"),
        note(end="0.500000001"),
        note(start="86400", end="86400.0"),
        note(pitch="0", velocity="1"),
        note(pitch="127", velocity="0.001"),
        '{"velocity": 0.7, "id": [1, {"start": null}], "pitch": 62, "end": 1.0, "start": 0.5}',
    ],
)
def test_what_is_no_fault_is_read_without_a_word(sound: str) -> None:
    """Other spellings of numbers, extremes, unknown keys and any order of keys are no faults."""
    song = read_json(between(sound), strict=True)
    assert (song.note_count, song.repairs) == (3, ())
    assert not np.signbit(song[0].notes["start"]).any()


# Velocities


@pytest.mark.parametrize(
    ("velocities", "expected", "row"),
    [
        ("1 1 1", [127, 127, 127], ""),
        ("1 0.5", [127, 64], ""),
        ("64 1 100", [64, 1, 100], "up to 100; expected 0 to 1; all read on the scale 0 to 127 (3"),
        ("64.0 '90'", [64, 90], "up to 90; expected 0 to 1; all read on the scale 0 to 127 (2"),
        (
            "64 1 1 1 100",
            [127, 127, 127, 127, 127],
            "64 is not a velocity (0 to 1); clipped to 127",
        ),
        ("64 0.5 100", [127, 64, 127], "64 is not a velocity (0 to 1); clipped to 127"),
        ("64.5 90", [127, 127], "64.5 is not a velocity (0 to 1); clipped to 127"),
        ("64", [127], "64 is not a velocity (0 to 1); clipped to 127"),
    ],
)
def test_the_scale_of_velocities_is_told_from_all_of_them(
    velocities: str, expected: list[int], row: str
) -> None:
    """Whole numbers above 1 are on the scale 0..127 only where nothing speaks against it."""
    notes = [
        note(start=str(index), end=str(index), velocity=velocity.replace("'", '"'))
        for index, velocity in enumerate(velocities.split())
    ]
    song = read_json(answer(", ".join(notes)))
    assert song[0].notes["velocity"].tolist() == expected
    assert row in (rows(song) or [""])[0]
    assert bool(song.repairs) == bool(row)


def test_faults_on_the_scale_to_127_are_listed_beside_it() -> None:
    """The scale is one row at the first velocity; what does not fit it has rows of its own."""
    velocities = ["99", "0", "200", "-3", "64"]
    song = read_json(answer(", ".join(note(velocity=one) for one in velocities)))
    assert sorted(song[0].notes["velocity"].tolist()) == [1, 1, 64, 99, 127]
    assert [(repair.kind, repair.place[-17:], repair.count) for repair in song.repairs] == [
        ("velocity-scale", "notes[0].velocity", 2),
        ("velocity-zero", "notes[1].velocity", 1),
        ("velocity-range", "notes[2].velocity", 1),
        ("velocity-negative", "notes[3].velocity", 1),
    ]


# Faults of instruments, names, addresses and repeated keys


@pytest.mark.parametrize(
    ("instruments", "row"),
    [
        (f"[null, {ONE[1:]}", "[0]: null is no instrument; expected an object; instrument dropped"),
        (f"[{ONE[1:-1]}, 7]", "[1]: 7 is no instrument; expected an object; instrument dropped"),
        (f'[{{"name": "A"}}, {ONE[1:]}', "[0].notes: missing; expected a list; read as no notes"),
        (
            f'[{{"name": "A", "notes": true}}, {ONE[1:]}',
            "[0].notes: true is no list of notes; read as no notes",
        ),
        (
            f'[{{"notes": [{FIRST}]}}]',
            "[0].name: missing; expected a text; the track has no name",
        ),
        (
            f'[{{"name": 5, "notes": [{FIRST}]}}]',
            "[0].name: 5 is no name; expected a text; the track has no name",
        ),
        (
            f'[{{"name": "\\udc00", "notes": [{FIRST}]}}]',
            "[0].name: '\\udc00' is not valid Unicode; lone surrogates replaced by U+FFFD",
        ),
        (f'{{"A": null, "B": [{FIRST}]}}', '["A"]: null is no list of notes; read as no notes'),
        (
            f'{{"a\\"\\u001b\\\\": [{FIRST}, {{}}]}}',
            '["a\\"\\x1b\\\\"][1].start: missing; expected a time in seconds; note dropped',
        ),
        (
            f'{{"{"x" * 60}": [{FIRST}, 3]}}',
            f'["{"x" * 40}…"][1]: 3 is no note; expected an object; note dropped',
        ),
        (
            f'{{"A": [], "A": [{FIRST}]}}',
            '["A"]: the name is given again; expected once; kept as a track of its own',
        ),
    ],
)
def test_a_fault_of_one_instrument_costs_no_other(instruments: str, row: str) -> None:
    """Whatever one instrument is, the notes of the others are read."""
    data = f'{{"data": {{"instruments": {instruments}}}}}'.encode()
    song = read_json(data)
    assert rows(song) == [f"data.instruments{row}"]
    assert song.note_count == 1
    assert row.startswith(refusal(data, strict=True).path.removeprefix("data.instruments"))


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ('"\\u0000\\u001b[2J\\n\\u202e../../x"', "\0\x1b[2J\n\u202e../../x"),
        ('"\\u30d4\\ud83c\\udfb9"', "\u30d4\U0001f3b9"),
        ('""', ""),
        ('"' + "x" * 1_000_000 + '"', "x" * 1_000_000),
    ],
)
def test_names_are_kept_exactly(name: str, expected: str) -> None:
    """No character of a name is changed, hostile or not."""
    song = read_json(answer(FIRST, name=name), strict=True)
    assert [track.name for track in song] == [expected]


def test_bytes_that_are_no_utf8_are_read_as_latin1_and_named() -> None:
    """In a name they are reported at its path, elsewhere at their byte."""
    data = answer(FIRST, name='"Fl*te \u30d4"').replace(b"*", b"\xfb")
    song = read_json(data)
    assert song[0].name == "Fl\xfbte \u30d4"
    place = "data.instruments[0].name"
    assert rows(song) == [
        f"{place}: 'Fl\\udcfbte \u30d4' is not valid Unicode; its stray bytes read as Latin-1"
    ]
    assert refusal(data, strict=True).path == place
    song = read_json(answer(FIRST, before='"note": "*", ').replace(b"*", b"\xfb"))
    assert rows(song) == ["byte 23: bytes that are no UTF-8, outside any name; not read"]


def test_a_raw_control_character_costs_no_note() -> None:
    """JSON forbids it inside a text; the text is read all the same, and it is said where."""
    song = read_json(answer(FIRST, name='"a\tb"'))
    assert (song[0].name, song.note_count) == ("a\tb", 1)
    assert rows(song) == ["byte 50: raw control character '\\t' inside a text; kept as it is"]


@pytest.mark.parametrize(
    ("address", "kept"),
    [
        ('"https://cdn.example/x.mid"', True),
        ('"HTTP://h:8080/x y"', False),
        ('"http://127.0.0.1:9/x.mid"', True),
        ("null", True),
        ("5", False),
        ('""', False),
        ('"https://"', False),
        ('"https://[::1"', False),
        ('"javascript:alert(1)"', False),
        ('"https://h/\\u001b"', False),
    ],
)
def test_midi_url_is_kept_only_if_it_is_an_address(address: str, *, kept: bool) -> None:
    """Anything else is no address, and is named; the notes stay."""
    song = read_json(answer(FIRST, url=f'"midi_url": {address}, '))
    assert song.midi_url == (json.loads(address) if kept else None)
    assert [repair.place for repair in song.repairs] == ([] if kept else ["data.midi_url"])
    assert song.note_count == 1


@pytest.mark.parametrize(
    ("data", "row", "notes"),
    [
        (
            b'{"code": 500, "code": 200, "instruments": %s}',
            "code: the key is given 2 times; expected once; the last one counts: 200",
            1,
        ),
        (
            b'{"code": 200, "c\\u006fde": 200, "instruments": %s}',
            "code: the key is given 2 times; expected once; all the same, read once",
            1,
        ),
        (
            b'{"instruments": [], "data": {"x": 1}, "instruments": %s}',
            "instruments: the key is given 2 times; expected once; the lists joined",
            1,
        ),
        (
            b'{"instruments": [{"name": "A", "notes": [null], "extra": "\\"", "notes": %s}]}',
            "instruments[0].notes: the key is given 2 times; expected once; the lists joined",
            0,
        ),
        (
            b'{"data": {"instruments": %s}, "instruments": [{"name": "B", "notes": []}]}',
            (
                "instruments: other instruments beside those of data; expected one list; "
                "ignored, those of data count"
            ),
            1,
        ),
    ],
)
def test_what_is_given_twice_is_reported(data: bytes, row: str, notes: int) -> None:
    """The typed decode cannot see a repeated key; it is found all the same."""
    song = read_json(data % ONE.encode())
    assert rows(song)[0] == row
    assert song.note_count == notes


@pytest.mark.parametrize("key", ["start", "st\\u0061rt", "velocity", "end", "pitch"])
@pytest.mark.parametrize("extra", ["", '"id": 3, ', '"a\\"b": "\\"start", '])
def test_a_repeated_key_in_a_note_never_passes_unseen(key: str, extra: str) -> None:
    """Whatever else the note holds, and however the key is written."""
    text = note().replace("{", f'{{{extra}"{key}": 0.25, ')
    place = f"data.instruments[0].notes[1].{json.loads(chr(34) + key + chr(34))}"
    assert [repair.place for repair in read_json(between(text)).repairs] == [place]


def test_a_code_that_is_repeated_and_not_200_is_refused() -> None:
    """The last one counts, as for every other key."""
    error = refusal(b'{"code":200,"code":500,"data":{"instruments":[]}}')
    assert str(error) == "code: the provider answered code 500"


# Faults of the whole document


@pytest.mark.parametrize(
    ("text", "path", "state"),
    [
        ('{"code": 200, "data": {"state": "running"}}', "data.state", "running"),
        ('{"state": "PENDING"}', "state", "pending"),
        ('{"success": true, "data": [{"state": "In Progress"}]}', "data[0].state", "in_progress"),
        (f'{{"state": "queued", "instruments": {ONE}}}', "state", "queued"),
        ('{"code": 200, "message": "success", "data": null}', "data", "no data"),
        ('{"code": 200, "data": []}', "data", "no data"),
        ('{"code": 200, "data": {}}', "data.instruments", "no instruments"),
        ('{"code": 200, "data": {"instruments": null}}', "data.instruments", "no instruments"),
        ('{"code": 200}', "instruments", "no instruments"),
        ('{"task_id": "t"}', "instruments", "no instruments"),
    ],
)
def test_what_is_not_ready_is_its_own_error(text: str, path: str, state: str) -> None:
    """An unfinished answer is never an empty song."""
    error = refusal(text.encode())
    assert isinstance(error, PendingError)
    assert (error.path, error.state) == (path, state)
    assert str(error) == f"{path}: not ready yet, the state is '{state}'; fetch it again"
    assert isinstance(refusal((ANSWERS / "running.json").read_bytes()), PendingError)


@pytest.mark.parametrize(
    ("text", "code", "message"),
    [
        (
            '{"code": 403, "message": "no credits", "data": null}',
            "403",
            "code: the provider answered code 403: no credits",
        ),
        ('{"code": "500"}', "500", "code: the provider answered code 500"),
        (
            '{"code": -1, "msg": "\\u001b[2Jx"}',
            "-1",
            "code: the provider answered code -1: \\x1b[2Jx",
        ),
        (f'{{"code": 500, "instruments": {ONE}}}', "500", "code: the provider answered code 500"),
        ('{"code": null, "detail": "x"}', "null", "code: the provider answered 'null': x"),
        ('{"code": true}', "true", "code: the provider answered 'true'"),
        ('{"code": "OK"}', "OK", "code: the provider answered 'OK'"),
        ('{"code": NaN}', "NaN", "code: the provider answered 'NaN'"),
        (
            '{"success": false, "error": {"code": "x", "message": "bad clip"}}',
            "x",
            "success: the provider answered 'x': bad clip",
        ),
        ('{"success": false}', "success false", "success: the provider answered 'success false'"),
        (
            '{"data": {"state": "failed", "message": "too long"}}',
            "failed",
            "data.state: the provider answered 'failed': too long",
        ),
        (
            '{"state": "Cancelled", "error": "x"}',
            "cancelled",
            "state: the provider answered 'cancelled': x",
        ),
        (
            '{"code": 200, "error": "boom", "data": null}',
            "unknown",
            "error: the provider answered 'unknown': boom",
        ),
        (
            '{"detail": "Not Found"}',
            "unknown",
            "detail: the provider answered 'unknown': Not Found",
        ),
        (
            '{"message": "task not found."}',
            "unknown",
            "message: the provider answered 'unknown': task not found.",
        ),
        (
            '{"code": 200, "status": "failed", "data": {}}',
            "failed",
            "status: the provider answered 'failed'",
        ),
    ],
)
def test_what_the_provider_refused_says_so(text: str, code: str, message: str) -> None:
    """Its code and its words reach the user, escaped."""
    error = refusal(text.encode())
    assert isinstance(error, ProviderError)
    assert (error.code, str(error)) == (code, message)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"null", "null is no answer; expected an object with instruments"),
        (b'"ok"', "'ok' is no answer; expected an object with instruments"),
        (b"[]", "a list is no answer; expected an object with instruments"),
        (b"{}", "instruments: missing; expected an answer of the endpoint"),
        (b'{"name": "x"}', "instruments: missing; expected an answer of the endpoint"),
        (b'{"data": 1}', "data: 1 is no object; expected one with instruments"),
        (b'{"data": "x"}', "data: 'x' is no object; expected one with instruments"),
        (b'{"data": [{}, {}]}', "data: a list of 2 answers; expected one"),
        (b'{"data": [3]}', "data[0]: 3 is no object; expected instruments in it"),
        (
            b'{"data": {"state": "xyz"}}',
            "data.state: 'xyz' is no known state; expected complete or running",
        ),
        (b'{"data": {"state": 7}}', "data.state: 7 is no state; expected complete or running"),
        (
            b'{"data": {"instruments": "x"}}',
            "data.instruments: 'x' is no list of instruments; expected a list or an object",
        ),
        (
            b'{"state": "complete"}',
            "instruments: missing although the state is complete; expected a list",
        ),
        (
            b'{"data": {"midi_url": "https://h/x"}}',
            "data.instruments: missing although there is a midi_url; expected a list",
        ),
        (b"", "empty; expected a JSON answer"),
        (b" \n ", "empty; expected a JSON answer"),
        (b"\0" * 64, "this begins with NUL bytes; expected a JSON answer"),
        (
            b"<!DOCTYPE html><title>502\n Bad\x1b Gateway</title>",
            "this is HTML, titled '502 Bad\\x1b Gateway'; expected a JSON answer",
        ),
        (b"<?xml version='1.0'?>", "this is HTML or XML; expected a JSON answer"),
        (b"data: {}\n\n", "this is an event stream, not one document; expected a JSON answer"),
        (
            b"MThd\0\0\0\6",
            "this is a Standard MIDI File, which read_midi reads; expected a JSON answer",
        ),
        (b"PK\3\4", "this is a zip archive; expected a JSON answer"),
        (b"\x1f\x8b\x08rest", "damaged gzip; expected a JSON answer"),
        (gzip.compress(b"{}" * 500)[:-9], "gzip that is cut short; expected a JSON answer"),
        (gzip.compress(b"{}") * 2, "more bytes after the end of the gzip data; expected none"),
        (gzip.compress(gzip.compress(b"{}")), "this is gzip inside gzip; expected a JSON answer"),
        (b"\xff\xfe{", "damaged UTF-16 at byte 2; expected a JSON answer"),
        (b"{", "not JSON: cut short, it ends inside the value at byte 1 (line 1, column 2)"),
        (b'{"a": [1,]}', "not JSON: a comma before ']' at byte 9 (line 1, column 10)"),
        (b'{"a":\n x}', "not JSON: 'x}' at byte 7 (line 2, column 2)"),
        (b"{}\n{}", "two documents: the second begins at byte 3 (line 2, column 1); expected one"),
        (b"{} end", "not JSON: 'end' after the end at byte 3 (line 1, column 4)"),
    ],
)
def test_a_fault_of_the_document_is_one_line(data: bytes, message: str) -> None:
    """It says where, what was found and what was expected, on every version of Python."""
    error = refusal(data)
    assert (type(error), str(error)) == (AnswerError, message)


def test_an_answer_cut_anywhere_is_refused() -> None:
    """Nothing is made of a part of an answer."""
    whole = (ANSWERS / "callback.json").read_bytes().strip()
    for length in range(len(whole)):
        assert type(refusal(whole[:length])) is AnswerError


# What lies around the JSON


@pytest.mark.parametrize(
    "wrap",
    [
        lambda text: b"\xef\xbb\xbf" + text.encode(),
        lambda text: text.encode("utf-16"),
        lambda text: b"\xfe\xff" + text.encode("utf-16-be"),
        lambda text: text.encode("utf-16-le"),
        lambda text: text.encode("utf-32"),
        lambda text: gzip.compress(text.encode()),
        lambda text: b"\n\t " + text.encode() + b"\r\n",
        lambda text: bytearray(text.encode()),
        lambda text: memoryview(text.encode()),
    ],
)
def test_other_encodings_are_read_without_a_word(wrap: Any) -> None:
    """A byte order mark, UTF-16, UTF-32 and gzip are no faults."""
    text = answer(FIRST, name='"Fl\xfbte \u30d4"').decode()
    song = read_json(wrap(text), strict=True)
    assert song["Fl\xfbte \u30d4"].notes.tolist() == [(0.0, 0.5, 60, 102)]


def test_sizes_are_bounded(tmp_path: Path) -> None:
    """More bytes than allowed are refused before they are read, inflated or decoded."""
    data = answer(FIRST)
    path = tmp_path / "clip.json"
    path.write_bytes(data)
    for source in (path, str(path), data, gzip.compress(data)):
        with pytest.raises(LimitError, match="max_bytes="):
            read_json(source, max_bytes=len(data) - 1)
        assert read_json(source, max_bytes=max(len(data), 200)).note_count == 1
    bomb = gzip.compress(b" " * 2_000_000)
    with pytest.raises(LimitError, match="inflates to more than 100,000 bytes"):
        read_json(bomb, max_bytes=100_000)
    told = r"^gzip: [\d,]+ bytes that inflate to more than 100 times as many; unpack it to read"
    with pytest.raises(LimitError, match=told):
        read_json(bomb)
    small = gzip.compress(data + b" " * 900_000)
    assert read_json(small).note_count == 1


def test_a_file_is_named_in_its_errors(tmp_path: Path) -> None:
    """Missing files, and text that was passed for a name, are told apart."""
    path = tmp_path / "clip\x1b.json"
    path.write_bytes(b'{"code": 200}')
    with pytest.raises(PendingError, match=r"clip\\x1b\.json: instruments: not ready yet"):
        read_json(path)
    with pytest.raises(InputError, match=r"none\.json: cannot be read: No such file"):
        read_json(tmp_path / "none.json")
    with pytest.raises(InputError, match="this is JSON, not the name of a file; pass it as bytes"):
        read_json(answer(FIRST).decode())
    with pytest.raises(TypeError):
        read_json(5)  # type: ignore[arg-type]


@pytest.mark.parametrize("limit", [1000, 10**6])
@pytest.mark.parametrize("deep", ["[", '{"a":', '[{"a\\"[": "\\\\", "b":'])
def test_nesting_costs_neither_the_stack_nor_the_notes(
    deep: str, limit: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What lies too deep is not read; a raised recursion limit does not change that."""
    monkeypatch.setattr(sys, "getrecursionlimit", lambda: limit)
    shut = "".join({"[": "]", "{": "}"}[char] for char in reversed(deep) if char in "[{")
    shut = "}]" if deep.startswith("[{") else shut
    nested = deep * 30_000 + "1" + shut * 30_000
    song = read_json(between(note().replace("{", f'{{"extra": {nested}, ')), strict=True)
    assert song.note_count == 3
    row = rows(read_json(between(note(start="[" * 30_000 + "]" * 30_000))))
    assert row == [
        "data.instruments[0].notes[1].start: a list is not a time in seconds; note dropped"
    ]
    assert type(refusal(nested.encode())) is AnswerError
    assert "cut short" in str(refusal((deep * 30_000).encode()))


@given(st.text(alphabet='[]{}",\\ a1', max_size=300), st.integers(0, 260))
def test_shallow_keeps_every_byte_in_its_place(text: str, depth: int) -> None:
    """The length never grows, and what is not too deep is untouched."""
    data = b"[" * depth + text.encode()
    cut = shallow(data)
    assert len(cut) <= len(data)
    assert cut[: min(depth, MAX_DEPTH)] == b"[" * min(depth, MAX_DEPTH)
    if data.count(b"[") + data.count(b"{") <= MAX_DEPTH:
        assert cut == data


def test_bulk_faults_are_counted_exactly_in_bounded_rows() -> None:
    """Past the first thousand there is one row a kind, and the counts sum to all of them."""
    bad = ["null", note(pitch="200"), note(velocity="0")] * 2000
    song = read_json(answer(", ".join(bad)))
    assert len(song.repairs) == MAX_ROWS + 3
    counts = dict.fromkeys(("note-value", "pitch-range", "velocity-zero"), 0)
    for repair in song.repairs:
        counts[repair.kind] += repair.count
    assert set(counts.values()) == {2000}
    assert "and further faults of this kind" in song.repairs[-1].found
    assert song.note_count == 2000


# The fast path


def test_packed_notes_lie_where_the_columns_look() -> None:
    """The layout that the fast path reads is the one that the packer writes."""
    notes = [
        sound._Note(0.1, 86400.0, 0, 5e-324),
        sound._Note(1.0, 2.0, 127, 1.0),
        sound._Note(0.0, 0.0, 64, 63 / 127),
    ]
    packed = msgspec.msgpack.encode(notes)[-3 * sound._PACKED.itemsize :]
    table = np.frombuffer(packed, sound._PACKED)
    assert table.tolist() == [(one.start, one.end, one.pitch, one.velocity) for one in notes]


def test_sound_answers_take_the_fast_path() -> None:
    """Also with unknown keys, escapes and every documented envelope."""
    for data in (
        (ANSWERS / "example.json").read_bytes(),
        (ANSWERS / "callback.json").read_bytes(),
        answer(FIRST, before='"unknown": 1, '),
        answer(FIRST, before='"message": "a \\"b\\"", ', name='"\\u30d4"'),
        answer(FIRST.replace("{", '{"id": "\\/", '), name='"a\\"b"'),
        f'{{"instruments": {{"Koto": [{FIRST}]}}}}'.encode(),
    ):
        song = read_fast(data)
        assert song is not None
        check_same(song, read_tolerant(data, strict=True))


def test_the_fast_path_leaves_every_doubt_to_the_walk() -> None:
    """It makes no song of a document in which anything may be wrong."""
    for faulty, _, _, _ in NOTE_FAULTS:
        assert read_fast(between(faulty)) is None


def test_blocks_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """A song that is worked on in many blocks is the song that fits in one."""
    rows = b",".join(
        b'{"start": %d, "end": %d, "pitch": %d, "velocity": 0.5}' % (i % 7, i, i % 128)
        for i in range(7, 40)
    )
    part = b'{"name": "Koto", "notes": [%s]}'
    whole = b",".join([part % rows, part % b"", part % rows, part % b""])
    data = b'{"instruments": [%s]}' % whole
    expected = read_fast(data)
    monkeypatch.setattr(sound, "_BLOCK", 100)
    found = read_fast(data)
    assert expected is not None
    assert found is not None
    assert found.note_count == 66
    for track, other in zip(found, expected, strict=True):
        assert np.array_equal(track.notes, other.notes)


@given(instruments, st.booleans(), st.sampled_from([None, 2]), st.randoms(use_true_random=False))
def test_fast_and_tolerant_make_the_same_song(
    parts: list[dict[str, Any]], ascii_only: bool, indent: int | None, chance: random.Random
) -> None:
    """However it is written, both ways and the decoded object agree to the last bit."""
    for part in parts:
        for one in part["notes"]:
            if chance.random() < 0.1:
                one["id"] = chance.choice([1, "start", {"pitch": 1}])
    root = {"code": 200, "data": {"midi_url": "https://h/x", "instruments": parts}}
    data = json.dumps(root, ensure_ascii=ascii_only, indent=indent).encode()
    tolerant = read_tolerant(data, strict=True)
    check_same(read_json(data, strict=True), tolerant)
    check_same(read_json(json.loads(data), strict=True), tolerant)
    fast = read_fast(data)
    if fast is not None:
        check_same(fast, tolerant)
    if not any("id" in one for part in parts for one in part["notes"]):
        assert fast is not None
    assert tolerant.note_count == sum(len(part["notes"]) for part in parts)


@given(st.from_regex(r"[0-9]{1,4}\.[0-9]{1,60}(e-?[0-9])?", fullmatch=True))
def test_numbers_of_many_digits_are_read_to_the_last_bit(text: str) -> None:
    """The typed decode rounds as Python does, however many digits there are."""
    if text.startswith("0") and not text.startswith("0."):
        text = "1" + text
    data = answer(note(start="0", end=text))
    if float(text) <= 86400:
        for song in (read_json(data), read_tolerant(data)):
            assert song[0].notes["end"][0] == float(text)


@given(instruments, st.randoms(use_true_random=False))
def test_the_order_of_notes_does_not_matter(
    parts: list[dict[str, Any]], chance: random.Random
) -> None:
    """Any order of the notes gives the same song."""
    song = read_json(json.dumps({"instruments": parts}).encode())
    for part in parts:
        chance.shuffle(part["notes"])
    check_same(read_json(json.dumps({"instruments": parts}).encode()), song)


@given(
    st.lists(st.one_of(st.none(), st.sampled_from(NOTE_FAULTS)), min_size=1, max_size=30),
    st.booleans(),
)
def test_faults_at_any_place_cost_no_sound_note(
    plan: list[tuple[str, str, str, bool] | None], as_names: bool
) -> None:
    """Each faulty note has its row at its own path; every sound note is there."""
    sound = '{"start": %d.0, "end": %d.5, "pitch": 1, "velocity": 0.5}'
    texts = [sound % (k, k) if one is None else one[0] for k, one in enumerate(plan)]
    notes = ", ".join(texts)
    text = f'{{"A": [{notes}]}}' if as_names else f'[{{"name": "A", "notes": [{notes}]}}]'
    song = read_json(f'{{"instruments": {text}}}'.encode())
    starts = [k for k, one in enumerate(plan) if one is None]
    kept = song[0].notes
    assert kept["start"][(kept["pitch"] == 1) & (kept["velocity"] == 64)].tolist() == starts
    place = 'instruments["A"]' if as_names else "instruments[0].notes"
    expected = [f"{place}[{k}]{one[1]}" for k, one in enumerate(plan) if one is not None]
    assert [repair.place for repair in song.repairs] == expected


def outcome(source: bytes | dict[str, Any]) -> Song | AnswerError:
    """Read something of which anything may be expected, but nothing unprintable and no crash."""
    result: Song | AnswerError
    try:
        result = read_json(source)
    except AnswerError as error:
        result = error
    shown = [str(result)] if isinstance(result, AnswerError) else rows(result)
    assert all(is_one_safe_line(line) for line in shown)
    return result


@settings(max_examples=400)
@given(json_values)
def test_arbitrary_json_gives_a_song_or_an_answer_error(value: Any) -> None:
    """Nothing else, ever; and the same from bytes as from the decoded object."""
    from_bytes = outcome(json.dumps(value).encode())
    if isinstance(value, dict):
        from_dict = outcome(value)
        if isinstance(from_bytes, Song):
            assert isinstance(from_dict, Song)
            check_same(from_bytes, from_dict)
            assert [r.place for r in from_bytes.repairs] == [r.place for r in from_dict.repairs]
        else:
            assert (type(from_bytes), str(from_bytes)) == (type(from_dict), str(from_dict))


@given(st.binary(max_size=200) | st.binary(max_size=50).map(lambda tail: b"\x1f\x8b\x08" + tail))
def test_arbitrary_bytes_give_an_answer_error(data: bytes) -> None:
    """Nothing else, ever."""
    outcome(data)


def test_a_decoded_answer_may_hold_numbers_of_numpy() -> None:
    """A dict made elsewhere may hold other kinds of real numbers; NaN is none of them."""
    one = {"start": np.float32(0.5), "end": np.int64(1), "pitch": np.int64(60), "velocity": 0.5}
    bad = {**one, "start": math.nan}
    song = read_json({"instruments": [{"name": "A", "notes": [one, bad]}]})
    assert song[0].notes.tolist() == [(0.5, 1.0, 60, 64)]
    assert rows(song) == [
        "instruments[0].notes[1].start: NaN is not a time in seconds; note dropped"
    ]


def test_every_kind_of_repair_is_documented() -> None:
    """The table of the module lists each kind that the code uses."""
    table = (response.__doc__ or "").split("=====\n")[2]
    listed = {line.split()[0] for line in table.splitlines() if line[:1].isalpha()}
    folder = Path(response.__file__).parent
    modules = ("document", "envelope", "tolerant", "response")
    code = "".join((folder / f"{name}.py").read_text() for name in modules)
    used = set(re.findall(r'\.add\(\s*"([a-z-]+)"', code))
    assert len(used) > 15
    assert used | {"time-value", "pitch-value"} == listed


@pytest.mark.parametrize(
    ("failure", "message"),
    [
        (MemoryError, "13 bytes of JSON need more memory than there is"),
        (RecursionError, "nested deeper than there is room for; expected a flat answer"),
    ],
)
def test_running_out_of_room_is_an_answer_error(
    failure: type[Exception], message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither memory nor the stack ends in anything else."""

    def fail(*_: object, **__: object) -> None:
        raise failure

    monkeypatch.setattr(document, "_Decoder", fail)
    assert str(refusal(b'{"code": 200}')) == message
