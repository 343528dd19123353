"""A plain synthesizer: each part by the sound of its program, in two channels, with numpy alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from midikit.convert.arrange.programs import choose_programs
from midikit.convert.audio.drums import drum_sound
from midikit.convert.audio.tones import Tone, frequency, tone_of, wave

if TYPE_CHECKING:
    import numpy.typing as npt

    from midikit.model.song import Song, Track

__all__ = ["SPREAD", "TAIL_SECONDS", "synthesize"]

FloatArray: TypeAlias = "npt.NDArray[np.float64]"

TAIL_SECONDS = 1.5
"""What is heard after the last note's end at most."""

_CONTROL, _BEND = 0xB0, 0xE0
_VOLUME, _PAN, _EXPRESSION, _PEDAL = 7, 10, 11, 64
_BEND_SEMITONES = 2.0
_LOUDNESS = 1.7
"""Exponent from velocity and volume to amplitude."""

SPREAD = (0.0, -0.35, 0.35, -0.2, 0.2, -0.5, 0.5)
"""Where parts stand that name no place, one after the other."""

_SHORTEST = 0.03
"""Seconds that every note is held, if its sound takes that long to come up."""

_PIECE = 1 << 18
"""Samples of a long note at a time."""

_KEPT = 1 << 21
"""Samples of one pitch that are kept for all its notes."""


def synthesize(song: Song, *, fs: int, frames: int) -> npt.NDArray[np.float32]:
    """Play a song.

    Parameters
    ----------
    song : Song
        The song.
    fs : int
        Samples a second.
    frames : int
        Samples of the result; what sounds later is left out.

    Returns
    -------
    ndarray of float32, shape (2, frames)
        Left and right, at any level.
    """
    mixed = np.zeros((2, frames), np.float32)
    programs, _ = choose_programs(song.tracks, "name")
    place = 0
    for track, program in zip(song.tracks, programs, strict=True):
        if not len(track):
            continue
        pan = 0.0 if track.is_drum else SPREAD[place % len(SPREAD)]
        place += not track.is_drum
        left, right = _gains(track, pan)
        if track.is_drum:
            _play_drums(track, left, right, mixed, fs)
        else:
            _Part(track, tone_of(program or 0), mixed, fs).play(left, right)
    return mixed


def _in_force(track: Track, number: int, usual: float) -> FloatArray:
    """Give the value of a control at the start of each note."""
    rows = track.controls
    rows = rows[(rows["status"] == _CONTROL) & (rows["data1"] == number)]
    at = np.searchsorted(rows["seconds"], track.notes["start"], side="right")
    values = np.concatenate([[usual], rows["data2"]])
    found: FloatArray = values[at].astype(np.float64)
    return found


def _gains(track: Track, pan: float) -> tuple[FloatArray, FloatArray]:
    """Give the amplitude of each note in either channel, of equal power wherever it stands."""
    loud = track.notes["velocity"] / 127.0
    loud = loud * _in_force(track, _VOLUME, 100.0) / 100.0
    loud = (loud * _in_force(track, _EXPRESSION, 127.0) / 127.0) ** _LOUDNESS
    usual = 64.0 * (1.0 + pan)
    angle = np.clip(_in_force(track, _PAN, usual) / 128.0, 0.0, 1.0) * (np.pi / 2)
    return loud * np.cos(angle), loud * np.sin(angle)


def _add(mixed: npt.NDArray[np.float32], at: int, sound: FloatArray, gain: FloatArray) -> None:
    """Mix a sound in from a sample on."""
    room = mixed.shape[1] - at
    if room > 0:
        mixed[:, at : at + len(sound)] += gain[:, None] * sound[:room]


def _play_drums(
    track: Track, left: FloatArray, right: FloatArray, mixed: npt.NDArray[np.float32], fs: int
) -> None:
    """Play every stroke to its end, however long its note is."""
    begin = np.rint(track.notes["start"] * fs).astype(np.int64)
    gain = np.stack([left, right], axis=1)
    for pitch in np.unique(track.notes["pitch"]).tolist():
        sound = drum_sound(pitch, fs)
        for note in np.flatnonzero(track.notes["pitch"] == pitch).tolist():
            _add(mixed, int(begin[note]), sound, gain[note])


class _Part:
    """Plays the notes of a melodic part, pitch by pitch: those of one share their wave."""

    def __init__(self, track: Track, tone: Tone, mixed: npt.NDArray[np.float32], fs: int) -> None:
        self._track, self._tone, self._mixed, self._fs = track, tone, mixed, fs
        rows = track.controls[track.controls["status"] == _BEND]
        self._bend_at = rows["seconds"]
        value = (rows["data1"] + 128 * rows["data2"] - 8192) / 8192.0
        self._bend = np.concatenate([[0.0], value * _BEND_SEMITONES])
        self._rest = np.arange(max(1, round(tone.release * fs)))
        # Five time constants, and to zero at the end.
        share = self._rest / len(self._rest)
        self._fade = np.exp(-5.0 * share) * (1.0 - share)

    def play(self, left: FloatArray, right: FloatArray) -> None:
        """Mix every note in."""
        notes, fs = self._track.notes, self._fs
        begin = np.rint(notes["start"] * fs).astype(np.int64)
        held = np.rint(_pedalled(self._track) * fs).astype(np.int64) - begin
        # Notes without length are struck all the same.
        shortest = max(1, round(min(self._tone.attack, _SHORTEST) * fs))
        held = np.clip(held, shortest, max(shortest, self._mixed.shape[1]))
        gain = np.stack([left, right], axis=1) * self._tone.level
        for pitch in np.unique(notes["pitch"]).tolist():
            mine = np.flatnonzero(notes["pitch"] == pitch)
            short = mine[held[mine] <= _KEPT] if len(self._bend) == 1 else mine[:0]
            if len(short):
                self._play_alike(pitch, short.tolist(), begin, held, gain)
            for note in np.setdiff1d(mine, short).tolist():
                self._play_in_pieces(pitch, int(begin[note]), int(held[note]), gain[note])

    def _play_alike(
        self,
        pitch: int,
        mine: list[int],
        begin: npt.NDArray[np.int64],
        held: npt.NDArray[np.int64],
        gain: FloatArray,
    ) -> None:
        """Play unbent notes of one pitch out of one wave."""
        longest = int(held[mine].max())
        time = np.arange(longest + len(self._rest)) / self._fs
        hertz = float(frequency(pitch))
        raw = wave(self._tone, hertz * time, highest=hertz, fs=self._fs)
        level = self._tone.envelope(time[:longest])
        sound = raw[:longest] * level
        for note in mine:
            length, at = int(held[note]), int(begin[note])
            rest = raw[length : length + len(self._rest)] * (self._fade * level[length - 1])
            _add(self._mixed, at, sound[:length], gain[note])
            _add(self._mixed, at + length, rest, gain[note])

    def _play_in_pieces(self, pitch: int, at: int, length: int, gain: FloatArray) -> None:
        """Play one note that is bent, or very long."""
        total = min(length + len(self._rest), self._mixed.shape[1] - at)
        last = float(self._tone.envelope(np.array([(length - 1) / self._fs]))[0])
        cycles = 0.0
        for first in range(0, total, _PIECE):
            sample = np.arange(first, min(first + _PIECE, total))
            hertz = self._hertz(pitch, (at + sample) / self._fs)
            passed = cycles + np.concatenate([[0.0], np.cumsum(hertz / self._fs)])
            cycles = float(passed[-1])
            sound = wave(self._tone, passed[:-1], highest=float(hertz.max()), fs=self._fs)
            level = self._tone.envelope(sample / self._fs)
            after = np.clip(sample - length, 0, len(self._fade) - 1)
            sound *= np.where(sample < length, level, last * self._fade[after])
            _add(self._mixed, at + first, sound, gain)

    def _hertz(self, pitch: int, seconds: FloatArray) -> FloatArray:
        """Give the frequency at some moments, bends included."""
        return frequency(pitch + self._bend[np.searchsorted(self._bend_at, seconds, side="right")])


def _pedalled(track: Track) -> FloatArray:
    """Give the second at which each note ends, held on while the sustain pedal is down."""
    end: FloatArray = track.notes["end"].copy()
    rows = track.controls
    rows = rows[(rows["status"] == _CONTROL) & (rows["data1"] == _PEDAL)]
    if not len(rows):
        return end
    down = np.concatenate([[False], rows["data2"] >= 64])
    ups = np.append(rows["seconds"][rows["data2"] < 64], max(track.end, rows["seconds"][-1]))
    is_down = down[np.searchsorted(rows["seconds"], end, side="right")]
    released = ups[np.minimum(np.searchsorted(ups, end, side="left"), len(ups) - 1)]
    held: FloatArray = np.where(is_down, np.maximum(released, end), end)
    return held
