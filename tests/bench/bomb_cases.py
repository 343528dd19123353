"""Calls that ask for more than there is: what each is, its usual form, and how it should end."""

from __future__ import annotations

import gzip
import io
import struct
import tempfile
import zipfile
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import midikit as mk
from midikit import convert
from midikit.convert.npz import from_npz
from midikit.files import read_bytes
from midikit.rhythm.audio import audio_offset
from tests.bench.bad_worst import BOMBS, answer_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["CASES", "Case"]

_FINE, _LIMIT, _REFUSED = "fine", "LimitError", "ConversionError"


class Case(NamedTuple):
    """A call.

    Parameters
    ----------
    bomb : callable
        Asks for too much.
    usual : callable
        The same on something tiny.
    ends : tuple of str
        How it may end: ``fine``, or the class of the error.
    """

    bomb: Callable[[], object]
    usual: Callable[[], object]
    ends: tuple[str, ...]


def _song(*notes: tuple[float, float]) -> mk.Song:
    """Make a song of notes by start and end."""
    rows = [(start, end, 60 + row % 12, 90) for row, (start, end) in enumerate(notes)]
    return mk.Song((mk.Track("Piano", notes=mk.as_notes(rows)),))


TINY = _song((0.0, 1.0), (1.0, 2.0), (2.0, 3.0), (3.0, 4.0))
SONGS = {
    "a note at 1e9 s": _song((0.0, 1.0), (1e9, 1e9 + 1.0)),
    "a note of 1e9 s": _song((0.0, 1e9)),
    "a note at 1e15 s": _song((0.0, 1.0), (1e15, 1e15 + 1.0)),
    "a note at 1e300 s": _song((1e300, 2e300)),
    "a note an hour for a month": _song(*((3600.0 * i, 3600.0 * i + 1.0) for i in range(720))),
    **{name: mk.read_midi(data) for name, data in BOMBS.items() if name.endswith(".mid")},
}
"""Songs of few notes that last long."""

_GRID = mk.BeatGrid.constant(120.0)

CALLS: dict[str, tuple[Callable[[mk.Song], object], tuple[str, ...]]] = {
    "estimate_beats": (mk.estimate_beats, (_LIMIT,)),
    "estimate_beats, hinted": (partial(mk.estimate_beats, tempo_hint=300.0), (_LIMIT,)),
    "lay_out": (mk.lay_out, (_FINE,)),
    "lay_out, markers": (partial(mk.lay_out, markers=True), (_FINE,)),
    "lay_out, constant": (partial(mk.lay_out, tempo="constant"), (_FINE,)),
    "lay_out, at 6e7": (partial(mk.lay_out, tempo=6e7), (_FINE,)),
    "lay_out, quantized as claimed": (
        partial(mk.lay_out, tempo="source", quantizing=mk.Quantizing()),
        (_FINE, _LIMIT),
    ),
    "lay_out, quantized at 1000": (
        partial(mk.lay_out, tempo=1000.0, quantizing=mk.Quantizing("1/32")),
        (_FINE,),
    ),
    "quantize": (lambda song: mk.quantize(song, _GRID, division="1/32"), (_FINE,)),
    "align": (lambda song: mk.align(song, _GRID), (_FINE,)),
    "constant_tempo": (lambda song: mk.constant_tempo(song, _GRID), (_FINE, _REFUSED)),
    "with_grid": (lambda song: mk.with_grid(song, _GRID, markers=True), (_FINE, _REFUSED)),
    "from_tempo": (lambda song: mk.BeatGrid.from_tempo(song.tempo, end=song.end), (_FINE, _LIMIT)),
    "to_midi": (mk.to_midi, (_FINE, _LIMIT)),
    "to_midi, finest": (lambda song: mk.plan_midi(song, ticks_per_quarter=32_767), (_FINE, _LIMIT)),
    "to_midi, fastest": (
        lambda song: mk.plan_midi(song, tempo=6e7).to_bytes(),
        (_LIMIT,),
    ),
    "roll": (mk.pianoroll, (_LIMIT,)),
    "roll, a frame a minute": (partial(mk.pianoroll, fs=1 / 60), (_FINE, _LIMIT)),
    "roll, 1e9 frames a second": (partial(mk.pianoroll, fs=1e9), (_LIMIT,)),
    "roll by beats": (lambda song: mk.pianoroll(song, grid=_GRID, per_beat=24), (_LIMIT,)),
    "csv": (convert.to_csv, (_FINE,)),
    "csv with bars": (lambda song: convert.to_csv(song, grid=_GRID), (_FINE,)),
    "notes.npz": (convert.to_notes_npz, (_FINE,)),
    "wav": (partial(convert.to_wav, synth="numpy"), (_LIMIT,)),
    "wav, 8 kHz": (partial(convert.to_wav, fs=8000, synth="numpy"), (_LIMIT,)),
    "to_mido": (convert.to_mido, (_FINE, _LIMIT)),
    "to_pretty_midi": (convert.to_pretty_midi, (_FINE, _LIMIT)),
    "compare": (lambda song: mk.compare(song, song, tolerance=1e9), (_FINE,)),
    "merge_songs": (lambda song: mk.merge_songs([song, song]), (_FINE,)),
    "split_song": (mk.split_song, (_FINE,)),
    "accent": (lambda song: mk.accent(song, _GRID, only_flat=False), (_FINE,)),
}
"""What is done to each of `SONGS`, and how that may end."""


def _of_songs() -> Iterator[tuple[str, Case]]:
    for call, (work, ends) in CALLS.items():
        for name, song in SONGS.items():
            yield f"{call}: {name}", Case(partial(work, song), partial(work, TINY), ends)


def _temporary(data: bytes, read: Callable[[Path], object]) -> object:
    """Read bytes that are in a file."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "file"
        path.write_bytes(data)
        return read(path)


def _sparse(size: int) -> object:
    """Read a file of a size that takes no room on the disk."""
    with tempfile.TemporaryFile() as file:
        file.truncate(size)
        return read_bytes(f"/dev/fd/{file.fileno()}")


def _wav(rate: int, claimed: int, channels: int = 1) -> bytes:
    """Write the head of a .wav that claims so many bytes, and a second of silence."""
    form = struct.pack("<HHIIHH", 1, channels, rate, rate * 2 * channels % 2**32, 2 * channels, 16)
    head = b"WAVEfmt " + struct.pack("<I", 16) + form + b"data" + struct.pack("<I", claimed)
    return b"RIFF" + struct.pack("<I", 0xFFFFFFFF) + head + bytes(16_000)


@cache
def _loud_song() -> mk.Song:
    """Give notes enough to be held against audio."""
    return _song(*((0.1 * i, 0.1 * i + 0.05) for i in range(8)))


def _audio(data: bytes) -> object:
    return _temporary(data, lambda path: audio_offset(_loud_song(), [path]))


def _npz(shape: str, packed: int) -> bytes:
    """Write a .npz of one array that claims a shape and inflates to so many zeros."""
    header = f"{{'descr': '|u1', 'fortran_order': False, 'shape': {shape}, }}".ljust(117) + "\n"
    out = io.BytesIO()
    array = b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode() + bytes(packed)
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        archive.writestr("values.npy", array)
    return out.getvalue()


def _array(data: bytes, max_bytes: int = 1 << 30) -> object:
    return from_npz(data, ["values"], max_bytes=max_bytes)


def _told(tracks: int, size: int) -> mk.Song:
    """Make a song of many tracks with one long text."""
    return mk.Song(TINY.tracks * tracks, events=(mk.Event(0.0, 1, bytes(size)),))


def _long_names(length: int, notes: int) -> mk.Song:
    rows = mk.as_notes([(i * 0.01, i * 0.01 + 1.0, 60, 90) for i in range(notes)])
    long = mk.Track("n" * length, notes=rows)
    return mk.Song((long, *(mk.Track("", notes=rows[:1]) for _ in range(500))))


_NOTE: dict[str, object] = {"start": 0, "end": 1, "pitch": 60, "velocity": 0.5}
_NAMED = _long_names(1_000_000, 2_000)
_ROLL = mk.pianoroll(_NAMED, fs=0.01)
_ZEROS = gzip.compress(answer_of([]).replace(b"[]", b"[" + b"0," * (30 << 20) + b"0]"), 1)

CASES: dict[str, Case] = {
    **dict(_of_songs()),
    "BeatGrid at 1e6, to 1e9 s": Case(
        lambda: mk.BeatGrid.constant(1e6, end=1e9), lambda: mk.BeatGrid.constant(1e6), (_LIMIT,)
    ),
    "BeatGrid at 1e-6, to 1e300 s": Case(
        lambda: mk.BeatGrid.constant(1e-6, end=1e300), lambda: mk.BeatGrid.constant(1e6), (_LIMIT,)
    ),
    "to_midi at 1e-6": Case(
        lambda: mk.plan_midi(TINY, tempo=1e-6), lambda: mk.to_midi(TINY), (_REFUSED,)
    ),
    "to_midi at 1e9": Case(
        lambda: mk.plan_midi(TINY, tempo=1e9), lambda: mk.to_midi(TINY), (_REFUSED,)
    ),
    "to_midi of 1e9 ticks a quarter": Case(
        lambda: mk.plan_midi(TINY, ticks_per_quarter=10**9), lambda: mk.to_midi(TINY), (_REFUSED,)
    ),
    "quantize to 1/4096": Case(
        lambda: mk.quantize(TINY, _GRID, division="1/4096"),
        lambda: mk.quantize(TINY, _GRID),
        (_REFUSED,),
    ),
    "quantize on a million beats": Case(
        lambda: mk.quantize(TINY, mk.BeatGrid.constant(600.0, end=9e4)),
        lambda: mk.quantize(TINY, _GRID),
        (_FINE,),
    ),
    "roll of 1e300 frames a second": Case(
        lambda: mk.pianoroll(TINY, fs=1e300), lambda: mk.pianoroll(TINY), (_LIMIT,)
    ),
    "roll of 1e300 frames a beat": Case(
        lambda: mk.pianoroll(TINY, grid=_GRID, per_beat=10**300),
        lambda: mk.pianoroll(TINY, grid=_GRID, per_beat=2),
        (_LIMIT,),
    ),
    "roll over a limit of a byte": Case(
        lambda: mk.pianoroll(TINY, max_bytes=1), lambda: mk.pianoroll(TINY), (_LIMIT,)
    ),
    "roll of 500 tracks with one long name": Case(
        _ROLL.to_npz, mk.pianoroll(TINY).to_npz, (_LIMIT,)
    ),
    "notes.npz of 500 tracks with one long name": Case(
        lambda: convert.to_notes_npz(_NAMED), lambda: convert.to_notes_npz(TINY), (_LIMIT,)
    ),
    "split 32,000 tracks": Case(
        lambda: mk.split_song(mk.Song(TINY.tracks * 32_000)), lambda: mk.split_song(TINY), (_LIMIT,)
    ),
    "split 1,000 tracks with 2 MiB of text": Case(
        lambda: mk.split_song(_told(1000, 2 << 20)), lambda: mk.split_song(_told(1, 9)), (_LIMIT,)
    ),
    "csv of a long name in 2,000 rows": Case(
        lambda: convert.to_csv(_NAMED), lambda: convert.to_csv(TINY), (_LIMIT,)
    ),
    "estimate_beats of a day in one limit": Case(
        lambda: mk.estimate_beats(TINY, max_seconds=1.0),
        lambda: mk.estimate_beats(TINY),
        (_LIMIT,),
    ),
    "compare 4,000 equal notes within 1e9 s": Case(
        lambda: mk.compare(
            *(mk.Song((mk.Track("", notes=mk.as_notes([(0.0, 1.0, 60, 9)] * 4000)),)),) * 2,
            tolerance=1e9,
        ),
        lambda: mk.compare(TINY, TINY),
        (_FINE,),
    ),
    "a gzip of 60 MiB": Case(
        lambda: mk.read_json(_ZEROS), lambda: mk.read_json(answer_of([_NOTE])), (_LIMIT,)
    ),
    "an answer over its limit": Case(
        lambda: mk.read_json(answer_of([_NOTE]), max_bytes=10),
        lambda: mk.read_json(answer_of([_NOTE])),
        (_LIMIT,),
    ),
    "a file of 100 GB": Case(lambda: _sparse(10**11), lambda: _sparse(10), (_LIMIT,)),
    "a npz that claims 1e18 bytes": Case(
        lambda: _array(_npz("(1000000000, 1000000000)", 0)),
        lambda: _array(_npz("(0,)", 0)),
        ("InputError",),
    ),
    "a npz of 64 MiB of zeros": Case(
        partial(_array, _npz("(67108864,)", 1 << 26), max_bytes=1 << 24),
        lambda: _array(_npz("(0,)", 0)),
        (_LIMIT,),
    ),
    "a wav of 4e9 samples a second": Case(
        lambda: _audio(_wav(4_000_000_000, 0xFFFFFF00)),
        lambda: mk.estimate_beats(_loud_song()),
        ("InputError", _FINE),
    ),
    "a wav that claims 4 GiB": Case(
        lambda: _audio(_wav(8000, 0xFFFFFF00)),
        lambda: mk.estimate_beats(_loud_song()),
        ("InputError", _FINE),
    ),
    "a wav of 65,535 channels": Case(
        lambda: _audio(_wav(8000, 100, channels=65_535 // 2)),
        lambda: mk.estimate_beats(_loud_song()),
        ("InputError",),
    ),
}
"""Every call by name."""
