"""Random songs, written and read again: all that is in them comes back to the last bit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from midikit.convert.midi import to_midi
from midikit.model.events import LYRIC, MARKER, TIME_SIGNATURE, Event, as_controls
from midikit.model.notes import as_notes
from midikit.model.song import Song, Track
from midikit.model.tempo import TempoMap
from midikit.parse.midi import read_midi
from midikit.units import seconds_from_ticks

if TYPE_CHECKING:
    import numpy.typing as npt

    from midikit.model.notes import Notes

__all__ = ["check_songs", "random_song"]

_LETTERS = "aZ7 -./=é光🎹\n\t\x1b"
_CONTROLS = ((0xB0, 1), (0xB0, 11), (0xB0, 64), (0xA0, 60), (0xD0, 9), (0xE0, 0))
"""What no conversion moves: neither volume nor bank nor program."""

_METERS = (bytes((4, 2, 24, 8)), bytes((3, 2, 24, 8)), bytes((6, 3, 36, 8)))


def check_songs(count: int, *, seed: int = 0) -> None:
    """Write and read songs made from a seed; stop at the first that is not the same."""
    rng = np.random.default_rng(seed)
    for number in range(count):
        song = random_song(rng)
        data = to_midi(song, overlap="keep", short="keep", programs="source", tracks="source")
        try:
            _check_equal(read_midi(data), song)
        except AssertionError as error:
            error.add_note(f"song {number} of seed {seed}")
            raise


@dataclass(frozen=True, slots=True)
class _Clock:
    """A tempo map on ticks."""

    ticks: npt.NDArray[np.int64]
    micro: npt.NDArray[np.int64]
    resolution: int

    def seconds(self, ticks: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """Return the seconds of ticks."""
        return seconds_from_ticks(ticks, self.ticks, self.micro, self.resolution)


def random_song(rng: np.random.Generator) -> Song:
    """Make a song of up to 3 tracks with notes, controls, texts, meters and tempo changes."""
    clock = _clock(rng)
    tempo = TempoMap(clock.seconds(clock.ticks), 60e6 / clock.micro)
    tracks = tuple(_track(rng, clock) for _ in range(rng.integers(0, 4)))
    markers = [(MARKER, _text(rng).encode()) for _ in range(rng.integers(0, 3))]
    meters = [(TIME_SIGNATURE, _METERS[i]) for i in range(rng.integers(0, 3))]
    events = _events(rng, clock, [*meters, *markers])
    title = None if rng.random() < 0.5 else _text(rng)
    return Song(tracks, tempo, events, title, clock.resolution)


def _clock(rng: np.random.Generator) -> _Clock:
    """Draw a resolution and up to five tempi, half of the time just 120 BPM."""
    resolution = int(rng.choice([1, 24, 96, 480, 960, 32_767]))
    if rng.random() < 0.5:
        return _Clock(np.zeros(1, np.int64), np.array([500_000]), resolution)
    count = int(rng.integers(1, 6))
    steps = rng.integers(1, 4 * resolution + 1, count - 1)
    micro = rng.integers(60_000, 3_000_000, count)
    return _Clock(np.concatenate([[0], np.cumsum(steps)]), micro, resolution)


def _track(rng: np.random.Generator, clock: _Clock) -> Track:
    is_drum = bool(rng.random() < 0.2)
    rows = []
    for _ in range(rng.integers(0, 4)):
        status, data1 = _CONTROLS[rng.integers(len(_CONTROLS))]
        data2 = 0 if status == 0xD0 else int(rng.integers(128))
        rows.append((float(clock.seconds(rng.integers(0, 400))), status, data1, data2))
    lyrics = [(LYRIC, _text(rng).encode()) for _ in range(rng.integers(0, 3))]
    return Track(
        "part " + _text(rng),
        program=0 if is_drum else int(rng.integers(128)),
        is_drum=is_drum,
        notes=_sayable(_notes(rng, clock)),
        controls=as_controls(sorted(rows, key=lambda row: row[0])),
        events=_events(rng, clock, lyrics),
    )


def _notes(rng: np.random.Generator, clock: _Clock) -> Notes:
    """Draw notes on ticks: dense, overlapping, some of no length."""
    count = int(rng.integers(0, 14))
    start = rng.integers(0, 40 * count + 1, count)
    length = rng.choice([0, 1, 12, 24, 48, 300], count)
    low = int(rng.integers(0, 128))
    pitch = rng.integers(low, int(rng.integers(low, 128)) + 1, count)
    velocity = rng.integers(1, 128, count)
    ends = clock.seconds(start + length)
    return as_notes(
        {"start": clock.seconds(start), "end": ends, "pitch": pitch, "velocity": velocity}
    )


def _sayable(notes: Notes) -> Notes:
    """Leave out notes that lie inside a longer one of their pitch: one channel cannot say them."""
    latest: dict[int, float] = {}
    kept = []
    for row, (end, pitch) in enumerate(zip(notes["end"], notes["pitch"], strict=True)):
        if end >= latest.get(pitch, -1.0):
            latest[pitch] = end
            kept.append(row)
    return as_notes(notes[kept])


def _events(
    rng: np.random.Generator, clock: _Clock, payloads: list[tuple[int, bytes]]
) -> tuple[Event, ...]:
    """Put events on ticks, in order."""
    seconds = np.sort(clock.seconds(rng.integers(0, 600, len(payloads)))).tolist()
    return tuple(Event(at, *payload) for at, payload in zip(seconds, payloads, strict=True))


def _text(rng: np.random.Generator) -> str:
    return "".join(_LETTERS[i] for i in rng.integers(0, len(_LETTERS), rng.integers(0, 6)))


def _check_equal(back: Song, song: Song) -> None:
    """Assert that two songs hold the same, and that only overlaps were worth a word."""
    assert {row.kind for row in back.repairs} <= {"overlapping-notes"}, back.repairs
    assert len(back) == len(song), "not as many tracks"
    assert back.title == song.title
    assert back.events == song.events
    assert back.ticks_per_quarter == song.ticks_per_quarter
    assert back.tempo.seconds.tolist() == song.tempo.seconds.tolist()
    assert back.tempo.qpm.tolist() == song.tempo.qpm.tolist()
    for ours, theirs in zip(back.tracks, song.tracks, strict=True):
        assert ours.notes.tolist() == theirs.notes.tolist()
        assert (ours.name, ours.program, ours.is_drum) == (
            theirs.name,
            theirs.program,
            theirs.is_drum,
        )
        assert ours.events == theirs.events
        played = ours.controls[ours.controls["status"] != 0xC0]
        assert played.tolist() == theirs.controls.tolist()
