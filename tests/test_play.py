"""Songs out of a MIDI port: what is sent when, and that nothing goes on sounding."""

from __future__ import annotations

import json
import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any

import mido
import pytest

from midikit.convert import play, write_midi
from midikit.errors import ConversionError
from midikit.model.events import as_controls
from midikit.model.notes import as_notes
from midikit.model.song import Song, Track

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

CONTROLS = as_controls([(0.0, 0xB0, 64, 127), (1.0, 0xE0, 0, 80)])
SONG = Song((
    Track("Koto", notes=as_notes([(0.5, 1.0, 60, 80), (2.0, 2.5, 62, 80)]), controls=CONTROLS),
    Track("Drums", is_drum=True, notes=as_notes([(0.0, 0.1, 36, 90), (2.0, 2.1, 38, 90)])),
))  # fmt: skip


class Player:
    """A port, and a clock that sleeps as long as it is told and a little more."""

    def __init__(self, most: int = 1000) -> None:
        self.now, self.most = 100.0, most
        self.sent: list[tuple[float, Any]] = []

    def clock(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        assert seconds > 0
        self.now += seconds + 0.001

    def send(self, message: Any) -> None:
        if len(self.sent) >= self.most:
            raise OSError("unplugged")
        self.sent.append((self.now - 100.0, message))

    def play(self, **options: Any) -> int:
        return play(SONG, self, sleep=self.sleep, clock=self.clock, **options)

    def notes(self) -> list[tuple[float, int]]:
        rows = [(t, m) for t, m in self.sent if m.type == "note_on" and m.velocity]
        return [(round(t, 2), m.note) for t, m in rows]

    def sounding(self) -> set[tuple[int, int]]:
        held = set()
        for _, message in self.sent:
            if message.type == "note_on" and message.velocity:
                held.add((message.channel, message.note))
            elif message.type in {"note_on", "note_off"}:
                held.discard((message.channel, message.note))
            elif message.type == "control_change" and message.control in {120, 123}:
                held = {key for key in held if key[0] != message.channel}
        return held


def test_every_message_comes_at_its_second() -> None:
    """Late sleeps do not add up; drums go to channel 10; the sound comes before its notes."""
    player = Player()
    assert player.play() == 4
    assert player.notes() == [(0.0, 36), (0.5, 60), (2.0, 62), (2.0, 38)] or player.notes() == [
        (0.0, 36), (0.5, 60), (2.0, 38), (2.0, 62)
    ]  # fmt: skip
    messages = [m for _, m in player.sent]
    assert {m.channel for m in messages if m.type == "note_on" and m.note < 40} == {9}
    koto = next(i for i, m in enumerate(messages) if m.type == "program_change" and m.program)
    assert koto < next(i for i, m in enumerate(messages) if m.type == "note_on")


def test_it_begins_in_the_middle_and_at_another_speed() -> None:
    """What was set before is set; notes before are not played."""
    player = Player()
    assert player.play(start=1.5, speed=2.0) == 2
    assert sorted(player.notes()) == [(0.25, 38), (0.25, 62)]
    early = [m.type for t, m in player.sent if t < 0.2]
    assert {"control_change", "pitchwheel", "program_change"} <= set(early)


def test_nothing_sounds_on() -> None:
    """After the end, an interrupt in the middle, or a port that fails."""
    player = Player()
    player.play()
    last = player.sent[-64:]
    assert {(m.channel, getattr(m, "control", "bend")) for _, m in last} == {
        (channel, what) for channel in range(16) for what in (64, 120, 123, "bend")
    }

    def interrupt(_: float) -> None:
        if player.notes() and player.notes()[-1][1] == 60:
            raise KeyboardInterrupt
        player.now += 0.5

    player = Player()
    player.sleep = interrupt  # type: ignore[method-assign, assignment]
    with pytest.raises(KeyboardInterrupt):
        player.play()
    assert player.notes()[-1][1] == 60
    assert player.sounding() == set()
    with pytest.raises(OSError, match="unplugged"):
        Player(most=5).play()


def test_what_cannot_be_is_refused() -> None:
    """In one line."""
    with pytest.raises(ConversionError, match=r"speed 0: expected 0\.05 to 20"):
        Player().play(speed=0)
    with pytest.raises(ConversionError, match="start -1: expected a second from 0 on"):
        Player().play(start=-1)


@pytest.fixture
def backend(monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    """Two ports that keep what they get, as mido's backend."""
    module = ModuleType("fake_ports")

    class Output(mido.ports.BaseOutput):  # type: ignore[misc]
        def _send(self, message: Any) -> None:
            module.sent.append(message)

    module.sent = []  # type: ignore[attr-defined]
    module.Output = Output  # type: ignore[attr-defined]
    names = ["Synth \x1b[1m", "Other"]
    module.get_devices = lambda **_: [  # type: ignore[attr-defined]
        {"name": name, "is_input": False, "is_output": True} for name in names
    ]
    monkeypatch.setitem(sys.modules, "fake_ports", module)
    before = mido.backend
    mido.set_backend("fake_ports")
    yield module
    mido.set_backend(before)


def test_the_command_plays_to_the_port_that_is_meant(
    cli: Any, backend: Any, tmp_path: Path
) -> None:
    """By part of its name; ports are listed, escaped, and named where none is meant."""
    path = tmp_path / "song.mid"
    write_midi(SONG, path)
    assert cli("play", "--list-ports").out == "Synth \\x1b[1m\nOther\n"
    done = cli("play", path, "--port", "synth", "--speed", "20", "--json")
    assert (done.code, json.loads(done.out)["notes"]) == (0, 4)
    assert len([m for m in backend.sent if m.type == "note_on" and m.velocity]) == 4
    for words, said in (
        ([path], "which port? pass --port NAME; there are: 'Synth \\x1b[1m', 'Other'"),
        ([path, "--port", "Piano"], "--port Piano: no such port"),
        ([path, "--port", "t"], "--port t: more than one port has that"),
        ([], "no SOURCE; expected a song, or --list-ports"),
    ):
        done = cli("play", *words)
        assert (done.code, said in " ".join(done.err.split())) == (2, True), done.err
    assert cli("play", tmp_path / "none.mid", "--port", "Other").code == 1


def test_ports_that_are_not_there_are_said(
    cli: Any, backend: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without the extra, without a system for it, and when a port fails."""
    path = tmp_path / "song.mid"
    write_midi(SONG, path)

    def fail(*_: Any, **__: Any) -> None:
        raise OSError("unplugged \x1b")

    monkeypatch.setattr(backend.Output, "_send", fail)
    done = cli("play", path, "--port", "Other")
    assert done.code == 1
    assert "port 'Other': unplugged \\x1b" in done.err
    monkeypatch.setattr(mido, "get_output_names", fail)
    assert "MIDI ports cannot be reached" in cli("play", "--list-ports").err
    monkeypatch.setattr(mido, "get_output_names", _no_rtmidi)
    done = cli("play", path)
    assert (done.code, "pip install 'midikit[ports]'" in " ".join(done.err.split())) == (1, True)


def _no_rtmidi() -> None:
    raise ModuleNotFoundError("No module named 'rtmidi'")
