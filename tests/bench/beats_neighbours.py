"""What other libraries make of the same notes, in the form of `tests.bench.beats_adapter`.

None of them gives confidence, bars or note positions of its own; where it knows no meter, every
fourth beat is taken for a bar line. One that fails on a song has found nothing in it.
"""

from __future__ import annotations

import functools
import warnings
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import numpy.typing as npt

__all__ = ["NEIGHBOURS"]

FloatArray: TypeAlias = "npt.NDArray[np.float64]"
Answer: TypeAlias = "dict[str, Any]"
Estimator: TypeAlias = "Callable[[Mapping[str, Any]], Answer]"

_RATE, _HOP = 19200, 192


def _tolerant(estimator: Estimator) -> Estimator:
    """Take any failure and any warning for an answer, but no library that is missing."""

    @functools.wraps(estimator)
    def estimate(notes: Mapping[str, Any]) -> Answer:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                return estimator(notes)
            except ImportError:
                raise
            except Exception:  # noqa: BLE001 - whatever another library raises
                return {}

    return estimate


def _claimed(notes: Mapping[str, Any]) -> Answer:
    """Believe what the hosted file claims: 120 BPM in bars of four from second 0."""
    return _every_fourth(np.arange(0, notes["onset"].max() + 0.5, 0.5))


def _pretty_midi(notes: Mapping[str, Any]) -> Answer:
    """Lay a grid from `estimate_tempo` and `estimate_beat_start` (Raffel & Ellis, ISMIR 2014)."""
    import pretty_midi

    midi = pretty_midi.PrettyMIDI(resolution=96, initial_tempo=120)
    for number in np.unique(notes["instrument"]):
        rows = np.flatnonzero(notes["instrument"] == number)
        program, is_drum = int(notes["program"][rows[0]]), bool(notes["is_drum"][rows[0]])
        instrument = pretty_midi.Instrument(program, is_drum)
        columns = (notes[name][rows].tolist() for name in ("velocity", "pitch", "onset", "offset"))
        instrument.notes = [pretty_midi.Note(*row) for row in zip(*columns, strict=True)]
        midi.instruments.append(instrument)
    bpm, start = float(midi.estimate_tempo()), float(midi.estimate_beat_start())
    period = 60 / bpm
    before = int(np.floor(start / period))
    beats = np.arange(start - before * period, notes["onset"].max() + period, period)
    return {"beats": beats, "downbeats": beats[before % 4 :: 4], "bpm": bpm}


def _partitura(notes: Mapping[str, Any]) -> Answer:
    """Ask `estimate_time`, multiple agents (Dixon, JNMR 2001)."""
    from partitura.musicanalysis import estimate_time

    columns = [("onset_sec", "f4"), ("duration_sec", "f4"), ("pitch", "i4"), ("velocity", "i4")]
    table = np.zeros(len(notes["onset"]), dtype=[*columns, ("id", "U8")])
    table["onset_sec"], table["duration_sec"] = notes["onset"], notes["offset"] - notes["onset"]
    table["pitch"], table["velocity"] = notes["pitch"], notes["velocity"]
    found = estimate_time(table)
    beats = np.unique([float(np.ravel(beat)[0]) for beat in found["beats"]])
    size = int(found["meter_numerator"] or 4)
    bpm = float(found["tempo"])
    return {"beats": beats, "downbeats": beats[::size], "bpm": bpm, "beats_per_bar": size}


def _librosa(notes: Mapping[str, Any]) -> Answer:
    """Track beats by dynamic programming (Ellis, JNMR 2007) on an onset curve of the notes."""
    import librosa

    frames = _RATE // _HOP
    strength = _onset_strength(notes, frames).astype(np.float32)
    _, beats = librosa.beat.beat_track(
        onset_envelope=strength, sr=_RATE, hop_length=_HOP, units="time", trim=False
    )
    return _every_fourth(np.asarray(beats, np.float64))


def _onset_strength(notes: Mapping[str, Any], frames: int) -> FloatArray:
    """Sum velocities in each of so many frames a second, compress them and spread them a frame."""
    count = int(notes["onset"].max() * frames) + frames
    number = np.round(notes["onset"] * frames).astype(int)
    strength = np.log1p(np.bincount(number, notes["velocity"] / 100, count))
    around = np.append(0, strength[:-1]) + np.append(strength[1:], 0)
    strength = strength + 0.5 * around
    return np.asarray(strength / strength.max(), np.float64)


def _every_fourth(beats: FloatArray) -> Answer:
    """Take every fourth beat for a bar line, and the median distance for the tempo."""
    bpm = 60 / float(np.median(np.diff(beats))) if len(beats) > 2 else None
    return {"beats": beats, "downbeats": beats[::4], "bpm": bpm}


NEIGHBOURS: dict[str, Estimator] = {
    "claimed": _tolerant(_claimed),
    "pretty_midi": _tolerant(_pretty_midi),
    "partitura": _tolerant(_partitura),
    "librosa": _tolerant(_librosa),
}
