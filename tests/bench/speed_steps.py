"""The steps that are timed, each beside a reference and the mark it is to reach.

Before a step is timed its results are held against those of the other libraries; a figure of
something that does other work would be worth nothing.
"""

from __future__ import annotations

import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import mir_eval
import numpy as np
import orjson
import symusic

import midikit as mk
from midikit.verify.match import Onsets, match_onsets
from tests.bench import speed_neighbours as others
from tests.bench.speed_songs import as_json, make_parts
from tests.bench.timing import interleaved

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    import numpy.typing as npt

    from midikit.model.song import Song

__all__ = ["REAL_FILES", "STEPS", "DisagreementError", "Row", "Scale", "read_archive"]

REAL_FILES = Path(__file__).parents[2] / "fixtures" / "pop909" / "dev_midi.zip"

_FS = 100
_ONSET_TOLERANCE = 0.05
_SLOW_UP_TO = 10_000
"""Notes up to which libraries that make an object a note are timed."""


class DisagreementError(Exception):
    """Two libraries make something else of one input."""


@dataclass(frozen=True, slots=True)
class Row:
    """A figure beside its mark.

    Parameters
    ----------
    step : str
        What was done.
    size : str
        With how much.
    beside : str
        What it is compared with.
    value : float
        Our time over theirs; theirs over ours if the mark is a least one.
    mark : float or None
        What it is to reach, None if it is told only.
    at_most : bool
        Whether the mark is a most.
    ours, theirs : float or None
        Seconds.
    """

    step: str
    size: str
    beside: str
    value: float
    mark: float | None = None
    at_most: bool = True
    ours: float | None = None
    theirs: float | None = None

    @property
    def is_reached(self) -> bool | None:
        """Whether the mark is reached, None without one."""
        if self.mark is None:
            return None
        return self.value <= self.mark if self.at_most else self.value >= self.mark


class Scale(NamedTuple):
    """How much to measure: notes, rounds, seconds a figure may take, .mid files, and a seed."""

    sizes: tuple[int, ...]
    rounds: int
    patience: float
    files: dict[str, bytes]
    seed: int = 0

    def time(self, candidates: dict[str, Callable[[], object]]) -> dict[str, float]:
        """Time candidates in turns."""
        return interleaved(candidates, rounds=self.rounds, patience=self.patience)

    def answers(self, notes: int, tracks: int = 8) -> list[bytes]:
        """Make answers, several of a small size so that a run is long enough to time."""
        songs = range(max(1, min(10, 2_000 // notes)))
        return [as_json(make_parts(notes, tracks=tracks, seed=self.seed + i)) for i in songs]


def read_archive(path: Path, limit: int | None = None) -> dict[str, bytes]:
    """Read the first files of a zip."""
    with zipfile.ZipFile(path) as packed:
        return {name: packed.read(name) for name in sorted(packed.namelist())[:limit]}


def _check(same: object, what: str) -> None:
    if not same:
        raise DisagreementError(what)


def _rows(
    step: str,
    size: str,
    seconds: dict[str, float],
    marks: dict[str, tuple[float | None, bool]],
) -> Iterator[Row]:
    """Make a row of each reference: its mark, and whether that is a most."""
    ours = seconds["midikit"]
    for beside, (mark, at_most) in marks.items():
        if beside in seconds:
            theirs = seconds[beside]
            value = ours / theirs if at_most else theirs / ours
            yield Row(step, size, beside, value, mark, at_most, ours, theirs)


def _each(function: Callable[[Any], object], items: Sequence[Any]) -> Callable[[], object]:
    return lambda: [function(item) for item in items]


def _calls(functions: Sequence[Callable[[], object]]) -> Callable[[], object]:
    return lambda: [function() for function in functions]


def _note_rows(song: Song) -> list[tuple[int, ...]]:
    """List the notes of a song on the lattice: start, end, pitch, velocity."""
    table = song.note_array()
    columns = [np.rint(table[name] * 192).astype(int).tolist() for name in ("start", "end")]
    columns += [table[name].tolist() for name in ("pitch", "velocity")]
    return sorted(zip(*columns, strict=True))


def _symusic_rows(data: bytes) -> list[tuple[int, ...]]:
    """List what symusic reads in a file at 120 BPM, on the lattice."""
    score: Any = symusic.Score.from_midi(data)
    scale = 2 * score.ticks_per_quarter / 192
    rows: list[tuple[int, ...]] = []
    for track in score.tracks:
        notes = track.notes.numpy()
        ends = notes["time"] + notes["duration"]
        ticks = [np.rint(column / scale).astype(int).tolist() for column in (notes["time"], ends)]
        rows += zip(*ticks, notes["pitch"].tolist(), notes["velocity"].tolist(), strict=True)
    return sorted(rows)


def json_to_arrays(scale: Scale) -> Iterator[Row]:
    """Time `read_json` beside decoding alone, and beside decoding to unchecked columns."""
    marks = {10_000: 1.3, 50_000: 1.0}
    for size in scale.sizes:
        answers = scale.answers(size)
        for answer in answers:
            found = [column for _, part in others.columns_with_orjson(answer) for column in part]
            song = mk.read_json(answer)
            _check(song.note_count * 4 == sum(map(len, found)), "notes of an answer")
            total = sum(float(column.sum()) for column in found)
            ours = sum(
                float(track.notes[name].sum()) / (127 if name == "velocity" else 1)
                for track in song
                for name in ("start", "end", "pitch", "velocity")
            )
            _check(abs(total - ours) < 1e-6 * total, "columns of an answer")
        seconds = scale.time(
            {
                "midikit": _each(mk.read_json, answers),
                "orjson.loads": _each(orjson.loads, answers),
                "orjson + numpy": _each(others.columns_with_orjson, answers),
            }
        )
        beside: dict[str, tuple[float | None, bool]] = {
            "orjson.loads": (marks.get(size), True),
            "orjson + numpy": (None, True),
        }
        yield from _rows("JSON -> arrays", f"{size:,}", seconds, beside)


def _convert(answer: bytes) -> bytes:
    return mk.to_midi(mk.read_json(answer))


def json_to_midi(scale: Scale) -> Iterator[Row]:
    """Time the whole way from an answer to a .mid."""
    marks = {2_000: 2.1, 10_000: 1.7, 50_000: 1.3}
    for size, tracks in [*((size, 8) for size in scale.sizes), (3_000, 300)]:
        answers = scale.answers(size, tracks)
        for answer in answers:
            kept = mk.to_midi(mk.read_json(answer), overlap="keep")
            same = _symusic_rows(kept) == _symusic_rows(others.convert_with_symusic(answer))
            _check(same, "notes of the .mid of an answer")
        candidates: dict[str, Callable[[], object]] = {
            "midikit": _each(_convert, answers),
            "orjson.loads": _each(orjson.loads, answers),
            "orjson + symusic": _each(others.convert_with_symusic, answers),
        }
        if size <= _SLOW_UP_TO:
            candidates["json + pretty_midi"] = _each(others.convert_with_pretty_midi, answers)
        seconds = scale.time(candidates)
        beside: dict[str, tuple[float | None, bool]] = {
            "orjson.loads": (marks.get(size), True),
            "orjson + symusic": (1.0, True),
            "json + pretty_midi": (65.0 if size == 10_000 else None, False),
        }
        label = f"{size:,}" if tracks == 8 else f"{size:,} in {tracks}"
        yield from _rows("JSON -> .mid", label, seconds, beside)


def writer(scale: Scale) -> Iterator[Row]:
    """Time a song of arrays to a .mid."""
    for size in scale.sizes:
        songs = [mk.read_json(answer) for answer in scale.answers(size)]
        candidates: dict[str, Callable[[], object]] = {
            "midikit": _each(mk.to_midi, songs),
            "symusic": _calls([others.symusic_writer(song) for song in songs]),
        }
        if size <= _SLOW_UP_TO:
            makers = [others.pretty_midi_writer(song) for song in songs]
            candidates["pretty_midi"] = _calls(makers)
        for song in songs:
            theirs = _symusic_rows(others.symusic_writer(song)())
            _check(_symusic_rows(mk.to_midi(song, overlap="keep")) == theirs, "notes written")
        seconds = scale.time(candidates)
        is_marked = size == 10_000
        beside: dict[str, tuple[float | None, bool]] = {
            "symusic": (1.3 if is_marked else None, True),
            "pretty_midi": (200.0 if is_marked else None, False),
        }
        yield from _rows("arrays -> .mid", f"{size:,}", seconds, beside)


def reader(scale: Scale) -> Iterator[Row]:
    """Time .mid files to note arrays, repairs included."""
    groups = {
        f"{size:,}": [_convert(answer) for answer in scale.answers(size)] for size in scale.sizes
    }
    for files in groups.values():
        for file in files:
            _check(_note_rows(mk.read_midi(file)) == _symusic_rows(file), "notes read")
    for name, file in scale.files.items():
        theirs = sum(len(notes["time"]) for notes in others.read_with_symusic(file))
        _check(mk.read_midi(file).note_count == theirs, f"number of notes of {name}")
    real = f"{len(scale.files)} files"
    for label, files in [*groups.items(), (real, list(scale.files.values()))]:
        candidates: dict[str, Callable[[], object]] = {
            "midikit": _each(mk.read_midi, files),
            "symusic": _each(others.read_with_symusic, files),
        }
        if label == real or int(label.replace(",", "")) <= _SLOW_UP_TO:
            candidates["mido"] = _each(others.read_with_mido, files)
            candidates["pretty_midi"] = _each(others.read_with_pretty_midi, files)
        seconds = scale.time(candidates)
        is_marked = label in {"10,000", real}
        beside: dict[str, tuple[float | None, bool]] = {
            "symusic": (2.5 if is_marked else None, True),
            "mido": (None, False),
            "pretty_midi": (45.0 if is_marked else None, False),
        }
        yield from _rows(".mid -> arrays", label, seconds, beside)


def roll(scale: Scale) -> Iterator[Row]:
    """Time piano rolls of 100 frames a second: a matrix a track, pretty_midi's one in all."""
    for size in scale.sizes:
        if size < 2_000:
            continue
        (answer,) = scale.answers(size)
        song = mk.read_json(answer)
        data = mk.to_midi(song, overlap="keep")
        draw = others.roll_with_symusic(data, _FS)
        theirs, ours = draw(), mk.pianoroll(song, fs=_FS).values
        _check(ours.shape[:2] == theirs.shape[:2], "tracks and pitches of a piano roll")
        # symusic rounds where a frame is floored here: a frame more or less a note.
        gap = abs(int(np.count_nonzero(ours)) - int(np.count_nonzero(theirs)))
        _check(gap <= song.note_count, "cells of a piano roll")
        candidates: dict[str, Callable[[], object]] = {
            "midikit": lambda song=song: mk.pianoroll(song, fs=_FS),  # type: ignore[misc]
            "symusic": draw,
        }
        if size <= _SLOW_UP_TO:
            midi = others.read_with_pretty_midi(data)
            candidates["pretty_midi"] = lambda midi=midi: midi.get_piano_roll(fs=_FS)  # type: ignore[misc]
        seconds = scale.time(candidates)
        is_marked = size <= _SLOW_UP_TO
        beside: dict[str, tuple[float | None, bool]] = {
            "symusic": (3.0 if is_marked else None, True),
            "pretty_midi": (15.0 if is_marked else None, False),
        }
        yield from _rows("piano roll, fs=100", f"{size:,}", seconds, beside)


def matching(scale: Scale) -> Iterator[Row]:
    """Time the pairing of notes with those of a version that was played again."""
    songs = {size: _played_again(scale.answers(size)[0]) for size in (2_000, 10_000)}
    (reference, estimate), large = songs[2_000], songs[10_000]
    theirs = _with_mir_eval(reference, estimate)
    pairs = len(match_onsets(reference, estimate, tolerance=_ONSET_TOLERANCE)[0])
    _check(pairs == len(theirs()), "number of notes that match")
    seconds = scale.time(
        {
            "midikit": lambda: match_onsets(reference, estimate, tolerance=_ONSET_TOLERANCE),
            "mir_eval": theirs,
            "large": lambda: match_onsets(*large, tolerance=_ONSET_TOLERANCE),
        }
    )
    yield from _rows("matching", "2,000", seconds, {"mir_eval": (60.0, False)})
    growth = seconds["large"] / seconds["midikit"]
    small = seconds["midikit"]
    yield Row("matching", "10,000", "itself at 2,000", growth, 6.0, True, seconds["large"], small)


def _played_again(answer: bytes) -> tuple[Onsets, Onsets]:
    """Make notes and the same with onsets up to 30 ms away, one in fifty lost and some strays."""
    notes = mk.read_json(answer).note_array()
    rng = np.random.default_rng(len(answer))
    start = notes["start"] + rng.uniform(0, 0.03, len(notes))
    kept = rng.random(len(notes)) > 0.02
    pitch = np.where(rng.random(len(notes)) < 0.02, notes["pitch"] ^ 1, notes["pitch"])
    length = notes["end"] - notes["start"]
    order = np.lexsort((start[kept], pitch[kept]))
    columns = (pitch[kept], start[kept], (start + length)[kept])
    group, begin, end = (column[order] for column in columns)
    reference = Onsets(notes["pitch"].astype(np.int64), notes["start"].copy(), notes["end"].copy())
    return reference, Onsets(group.astype(np.int64), begin, end)


def _with_mir_eval(reference: Onsets, estimate: Onsets) -> Callable[[], list[Any]]:
    """Return what matches with mir_eval, whose pitches are frequencies."""

    def columns(side: Onsets) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
        ends = np.maximum(side.end, side.start + 1e-3)
        return np.column_stack([side.start, ends]), 440.0 * 2.0 ** ((side.group - 69) / 12)

    known, found = columns(reference), columns(estimate)

    def match() -> list[Any]:
        pairs: list[Any] = mir_eval.transcription.match_notes(
            *known, *found, onset_tolerance=_ONSET_TOLERANCE, offset_ratio=None
        )
        return pairs

    return match


STEPS: dict[str, Callable[[Scale], Iterator[Row]]] = {
    "json": json_to_arrays,
    "convert": json_to_midi,
    "write": writer,
    "read": reader,
    "roll": roll,
    "match": matching,
}
