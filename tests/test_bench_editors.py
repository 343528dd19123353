"""What opens our files in editors, without any: its inputs, and how it tells what went wrong."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from midikit.convert.midi import write_midi
from midikit.parse.midi import read_midi
from midikit.parse.response import read_json
from midikit.rhythm.layout import lay_out
from tests.bench.editor_programs import EDITORS, Part, Seen
from tests.bench.editors import cases, differences, expected

if TYPE_CHECKING:
    from pathlib import Path

    from midikit.model.song import Song

OURS = Seen([390.0, 109.73], [(4, 4)], 66, [Part("Koto", 107, is_drum=False, notes=9)])


def read(name: str, data: bytes) -> Song:
    """Read an answer or a .mid."""
    return read_midi(data) if name.endswith(".mid") else read_json(data)


def test_every_input_is_sound(tmp_path: Path) -> None:
    """Each can be read without repairs, and has what it is there for."""
    found = {name: (read(name, data), options) for name, data, options in cases()}
    assert all(song.note_count > 500 and not song.repairs for song, _ in found.values())
    assert len(found["hosted.mid"][0].tempo.qpm) > 150
    path = tmp_path / "jig.mid"
    write_midi(lay_out(found["jig.json"][0]).song, path)
    seen = expected(path)
    assert (seen.meters, len(seen.parts)) == ([(6, 8)], 3)
    assert str(seen).endswith("6/8, 68 bars, 3 instruments, 919 notes")
    write_midi(found["parts.json"][0], path)
    assert len(expected(path).parts) == 16


@pytest.mark.parametrize(
    ("theirs", "told"),
    [
        (OURS, []),
        (replace(OURS, bars=None, tempi=[390.0, 110.0], is_rounded=True), []),
        (replace(OURS, tempi=[390.0]), ["1 tempi, 2 in the file"]),
        (replace(OURS, tempi=[390.0, 109.9]), ["tempi off by up to 0.17 BPM"]),
        (replace(OURS, meters=[(3, 4)]), ["meters [(3, 4)], [(4, 4)] in the file"]),
        (replace(OURS, bars=65), ["65 bars, 66 in the file"]),
        (replace(OURS, parts=[]), ["0 instruments, 1 in the file"]),
        (
            replace(OURS, parts=[Part("Track 1", 0, is_drum=True, notes=8)]),
            [
                "'Track 1' for 'Koto'",
                "'Koto': drums",
                "'Koto': program 0, 107 in the file",
                "'Koto': 8 notes, 9 in the file",
            ],
        ),
    ],
)
def test_what_an_editor_got_wrong_is_told(theirs: Seen, told: list[str]) -> None:
    """Each thing that is compared can differ, and is said."""
    assert list(differences(OURS, theirs)) == told


def test_editors_say_what_they_need(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Where nothing is installed, nothing is started."""
    monkeypatch.setenv("PATH", str(tmp_path))
    needs = {editor.name: editor.missing() for editor in EDITORS}
    assert needs["MuseScore"] == ["musescore3"]
    assert needs["Rosegarden"] == ["rosegarden", "Xvfb", "openbox", "xdotool", "import"]
    assert needs["LMMS"][0] == "lmms"
