"""Offsets between notes and audio: on synthesized stems, and on files that are none."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

import numpy as np
import pytest

from midikit.cli.audio_words import audio_lines
from midikit.errors import ConversionError, InputError
from midikit.model.notes import as_notes
from midikit.model.song import Song, Track
from midikit.rhythm.audio import AudioOffset, StemOffset, audio_offset
from midikit.rhythm.wav import open_wav
from midikit.sandbox.songs import DemoSong, demo_songs

if TYPE_CHECKING:
    from pathlib import Path

    import numpy.typing as npt

    Samples = npt.NDArray[np.float64]

RATE = 16_000
SHIFTS = (0.1, 0.23, 0.52, 0.31, 0.17, 0.45)
SECONDS = 45.0
"""How much of each demo song is synthesized."""


def wav_bytes(
    samples: Samples,
    *,
    kind: str = "i2",
    rate: int = RATE,
    channels: int = 1,
    extensible: bool = False,
) -> bytes:
    """Write a .wav file by hand: u1, i2, i3, i4, f4 or f8 samples."""
    bits = 8 * int(kind[1])
    full = np.clip(np.repeat(samples, channels), -1, 1)
    if kind[0] == "f":
        data = full.astype("<" + kind).tobytes()
    elif kind == "u1":
        data = np.rint(full * 127 + 128).astype(np.uint8).tobytes()
    else:
        whole = np.rint(full * (2.0 ** (bits - 1) - 1)).astype("<i4")
        data = whole.view(np.uint8).reshape(-1, 4)[:, : bits // 8].tobytes()
    code = 3 if kind[0] == "f" else 1
    step = channels * bits // 8
    form = struct.pack("<HHIIHH", code, channels, rate, rate * step, step, bits)
    if extensible:
        form = struct.pack("<H", 0xFFFE) + form[2:] + struct.pack("<HHI", 22, bits, 0)
        form += struct.pack("<H", code) + b"\0\0\0\0\x10\0\x80\0\0\xaa\0\x38\x9b\x71"
    body = b"WAVEJUNK" + struct.pack("<I", 3) + b"abc\0"
    body += b"fmt " + struct.pack("<I", len(form)) + form
    body += b"data" + struct.pack("<I", len(data)) + data
    return b"RIFF" + struct.pack("<I", len(body)) + body


def synthesized(track: Track, shift: float, attack: float) -> Samples:
    """Play a track: decaying tones with three partials, drums as bursts of noise."""
    rng = np.random.default_rng(7)
    out = np.zeros(int((SECONDS + 2) * RATE))
    for start, end, pitch, velocity in track.notes.tolist():
        if start + shift >= SECONDS:
            break
        count = int((min(end - start, 0.8) + 0.05) * RATE)
        time = np.arange(count) / RATE
        shape = velocity / 127 * 0.2 * np.minimum(time / attack, 1)
        if track.is_drum:
            sound = rng.normal(0, 1, count) * np.exp(-time / 0.05)
        else:
            pace = 2 * np.pi * 440 * 2 ** ((pitch - 69) / 12)
            sound = sum(np.sin(pace * k * time + k) / k for k in (1, 2)) * np.exp(-time / 0.4)
        first = round((start + shift) * RATE)
        out[first : first + count] += (shape * sound)[: len(out) - first]
    return out


@pytest.fixture(
    scope="module",
    params=list(zip(demo_songs(), SHIFTS, strict=True)),
    ids=[song.title for song in demo_songs()],
)
def stems(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[DemoSong, float, list[Path]]:
    """Write four tracks of a demo song and their mix, all later by one shift."""
    demo, shift = request.param
    folder = tmp_path_factory.mktemp("stems")
    noise = np.random.default_rng(1).normal(0, 0.001, int((SECONDS + 2) * RATE))
    paths, mix = [], noise.copy()
    for index, track in enumerate(demo.song().tracks[:4]):
        sound = synthesized(track, shift, attack=0.002 + 0.004 * index)
        mix += sound
        paths.append(folder / f"{index} {demo.title} ({track.name}).wav")
        paths[-1].write_bytes(wav_bytes((sound + noise) / 2))
    paths.append(folder / "mix.wav")
    paths[-1].write_bytes(wav_bytes(mix / np.abs(mix).max()))
    return demo, shift, paths


def test_stems_tell_the_shift_within_10_ms(stems: tuple[DemoSong, float, list[Path]]) -> None:
    """Attacks of 2 to 14 ms, noise at -60 dB; the spread is honest."""
    demo, shift, paths = stems
    found = audio_offset(demo.song(), paths[:-1])
    assert found.seconds == pytest.approx(shift, abs=0.01)
    assert found.seconds == np.median([stem.seconds for stem in found.per_stem])
    assert found.spread == max(abs(s.seconds - found.seconds) for s in found.per_stem)
    assert found.spread < 0.03
    assert found.doubts == ()
    tracks = demo.song().tracks[:4]
    names = [path.name for path in paths[:-1]]
    assert [stem.name for stem in found.per_stem] == names
    assert found.per_stem[0].notes <= sum(len(t) for t in demo.song().tracks if t.is_drum) + len(
        tracks[0]
    )


def test_a_mix_tells_it_too(stems: tuple[DemoSong, float, list[Path]]) -> None:
    """One file, all its notes; the spread is that of its thirds."""
    demo, shift, paths = stems
    song = demo.song().with_tracks(demo.song().tracks[:4])
    found = audio_offset(song, paths[-1:])
    assert found.seconds == pytest.approx(shift, abs=0.01)
    assert found.per_stem[0].notes == song.note_count
    assert found.per_stem[0].clarity > 3


def clicks() -> tuple[Song, Samples]:
    """Make notes at uneven times and audio with a burst 0.2 s after each."""
    rng = np.random.default_rng(2)
    start = np.cumsum(rng.uniform(0.1, 0.5, 40))
    notes = as_notes([(t, t + 0.1, 60, 100) for t in start])
    sound = np.zeros(int((start[-1] + 2) * RATE))
    for second in start:
        first = round((second + 0.2) * RATE)
        sound[first : first + 400] += rng.normal(0, 0.2, 400) * np.exp(-np.arange(400) / 100)
    return Song((Track("Koto", notes=notes),)), sound


@pytest.mark.parametrize("extensible", [False, True])
@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("kind", ["u1", "i2", "i3", "i4", "f4", "f8"])
def test_every_kind_of_samples_is_read(
    tmp_path: Path, kind: str, channels: int, extensible: bool
) -> None:
    """8 to 32 bits and floats, plain and extensible, mono and stereo, after a chunk of junk."""
    song, sound = clicks()
    path = tmp_path / "clicks.wav"
    path.write_bytes(wav_bytes(sound, kind=kind, channels=channels, extensible=extensible))
    with open_wav(path) as wav:
        read = np.concatenate(list(wav.blocks(1000)))
    assert len(read) == len(sound)
    assert np.abs(read - np.clip(sound, -1, 1)).max() < (0.01 if kind == "u1" else 1e-4)
    assert audio_offset(song, [path]).seconds == pytest.approx(0.2, abs=0.006)


@pytest.mark.parametrize("rate", [8_000, 11_025, 44_100, 48_000])
def test_every_rate_gives_the_same(tmp_path: Path, rate: int) -> None:
    """Steps of 5 ms are no whole number of samples at 11,025 and 44,100."""
    song, sound = clicks()
    place = np.arange(0, len(sound) / RATE, 1 / rate)
    path = tmp_path / "clicks.wav"
    path.write_bytes(wav_bytes(np.interp(place, np.arange(len(sound)) / RATE, sound), rate=rate))
    assert audio_offset(song, [path]).seconds == pytest.approx(0.2, abs=0.006)


def test_offsets_may_be_negative_and_are_searched_as_far_as_asked(tmp_path: Path) -> None:
    """The notes moved by 2.5 s are late by 2.3 s, which is beyond the usual search."""
    song, sound = clicks()
    notes = song[0].notes.copy()
    notes["start"] += 2.5
    notes["end"] += 2.5
    late = Song((Track("Koto", notes=as_notes(notes)),))
    path = tmp_path / "clicks.wav"
    path.write_bytes(wav_bytes(sound))
    assert audio_offset(late, [path], search=3.0).seconds == pytest.approx(-2.3, abs=0.006)
    assert abs(audio_offset(late, [path]).seconds) <= 1.5
    assert audio_offset(late, [path]).per_stem[0].clarity < 5


def test_a_cut_off_file_is_read_to_its_end(tmp_path: Path) -> None:
    """As is one whose writer never filled in the length."""
    song, sound = clicks()
    data = wav_bytes(sound)
    path = tmp_path / "cut.wav"
    path.write_bytes(data[: len(data) // 2 + 1])
    found = audio_offset(song, [path])
    assert found.seconds == pytest.approx(0.2, abs=0.006)
    assert found.per_stem[0].is_cut
    assert "cut.wav ends before its time" in " ".join(audio_lines(found))
    place = data.index(b"data") + 4
    for size in (b"\0\0\0\0", b"\xff\xff\xff\xff"):
        path.write_bytes(data[:place] + size + data[place + 4 :])
        found = audio_offset(song, [path])
        assert found.seconds == pytest.approx(0.2, abs=0.006)
        assert not found.per_stem[0].is_cut


_GOOD = wav_bytes(np.zeros(1000))
_FMT = _GOOD.index(b"fmt ") + 8


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "is empty; expected a RIFF/WAVE file"),
        (b"ID3\x1b[2Jmp3 mp3 mp3", "expected a RIFF/WAVE file"),
        (_GOOD[:12], "ends without a 'fmt' chunk; expected samples"),
        (_GOOD[: _GOOD.index(b"data")], "ends without a 'data' chunk; expected samples"),
        (
            _GOOD[:_FMT] + b"\x55\0" + _GOOD[_FMT + 2 :],
            "format 85 of 16 bits; expected PCM of 8, 16, 24 or 32 or floats of 32 or 64",
        ),
        (_GOOD[: _FMT + 2] + b"\0\0" + _GOOD[_FMT + 4 :], "0 channels in 2 bytes a sample"),
        (
            _GOOD[: _FMT + 4] + b"\0\0\0\0" + _GOOD[_FMT + 8 :],
            "0 samples a second; expected 1,000 to 768,000",
        ),
        (_GOOD[: _FMT - 4] + b"\4\0\0\0" + _GOOD[_FMT : _FMT + 4], "a 'fmt' chunk of 4 bytes"),
        (_GOOD, "holds no sound that grows louder; expected music"),
    ],
)
def test_files_that_are_no_music_are_refused_in_one_line(
    tmp_path: Path, data: bytes, said: str
) -> None:
    """Naming the file, what was found and what was expected."""
    song, _ = clicks()
    path = tmp_path / "bad.wav"
    path.write_bytes(data)
    with pytest.raises(InputError) as caught:
        audio_offset(song, [path])
    message = str(caught.value)
    assert said in message
    assert message.startswith(str(path))
    assert "\n" not in message
    assert "\x1b" not in message


def test_a_missing_file_is_refused_in_the_system_s_words(tmp_path: Path) -> None:
    """As is a folder."""
    song, _ = clicks()
    with pytest.raises(InputError, match=r"none\.wav: cannot be read: No such file or directory"):
        audio_offset(song, [tmp_path / "none.wav"])
    with pytest.raises(InputError, match="cannot be read"):
        audio_offset(song, [tmp_path])


def test_nothing_to_compare_is_refused(tmp_path: Path) -> None:
    """No files, no notes, no search."""
    song, _ = clicks()
    with pytest.raises(ConversionError, match=r"no \.wav files given; expected one or more"):
        audio_offset(song, [])
    with pytest.raises(ConversionError, match="0 notes; expected 4 or more"):
        audio_offset(Song(()), [tmp_path / "x.wav"])
    for search in (0.0, -1.0, 61.0, float("nan")):
        with pytest.raises(ConversionError, match=r"search .*: expected seconds above 0, up to 60"):
            audio_offset(song, [tmp_path / "x.wav"], search=search)


def test_files_are_compared_with_the_tracks_they_are_named_after(tmp_path: Path) -> None:
    """By the whole name in any case, drums by their kind, all tracks for any other name."""
    song, sound = clicks()
    drums = Track("", is_drum=True, notes=as_notes(song[0].notes[:20]))
    song = song.with_tracks((song[0], drums))
    notes = []
    for name in ("My Song (KOTO).wav", "My Song - Drums.wav", "My Kotos.wav"):
        path = tmp_path / name
        path.write_bytes(wav_bytes(sound))
        notes.append(audio_offset(song, [path]).per_stem[0].notes)
    assert notes == [40, 20, 60]


def test_an_offset_shows_its_spread() -> None:
    """In seconds and milliseconds."""
    stem = StemOffset("a.wav", 0.24, 9.0, 100)
    shown = repr(AudioOffset(0.24, 0.012, (stem,)))
    assert shown == "<AudioOffset 0.240 s, spread 12 ms, 1 file>"


def test_audio_of_another_song_is_doubted(tmp_path: Path) -> None:
    """The measurement says itself that it cannot be relied on."""
    song, _ = clicks()
    rng = np.random.default_rng(5)
    sound = np.zeros(20 * RATE)
    for first in rng.integers(0, 19 * RATE, 40):
        sound[first : first + 400] += rng.normal(0, 0.2, 400)
    path = tmp_path / "other.wav"
    path.write_bytes(wav_bytes(sound))
    doubts = audio_offset(song, [path]).doubts
    assert any("hardly follows the notes" in doubt for doubt in doubts)
    stems = tuple(StemOffset(name, 0.1, 3.0, 9) for name in ("a", "b", "c"))
    assert AudioOffset(0.1, 0.1, stems).doubts == (
        "the files differ by up to 100 ms",
        "a and 2 more hardly follow the notes",
    )


def test_a_peak_at_the_edge_and_a_rival_are_doubted(tmp_path: Path) -> None:
    """A steady beat fits a beat later as well; what lies beyond the search is not found."""
    start = 0.5 * np.arange(60) + 4.0
    song = Song((Track("Koto", notes=as_notes([(t, t + 0.1, 60, 100) for t in start])),))
    path = tmp_path / "even.wav"
    for shift in (0.25, 3.0):
        sound = np.zeros(38 * RATE)
        for second in start + shift:
            first = round(second * RATE)
            sound[first : first + 400] += np.sin(np.arange(400)) * np.exp(-np.arange(400) / 100)
        path.write_bytes(wav_bytes(sound / 2))
        found = audio_offset(song, [path])
        assert found.rival is not None
        off = (found.rival - found.seconds) / 0.5
        assert off == pytest.approx(round(off), abs=0.02)
        assert any("fits nearly as well" in doubt for doubt in found.doubts)
    assert "no more than 1.5 s was looked for" in found.doubts


def test_files_with_few_rises_do_not_follow_the_notes(tmp_path: Path) -> None:
    """One click, two, or a constant: each matches some note, none the song."""
    song, sound = clicks()
    once = np.zeros(len(sound))
    once[3 * RATE : 3 * RATE + 400] = 0.5
    twice = once + np.roll(once, RATE)
    path = tmp_path / "few.wav"
    for samples in (once, twice, np.full(len(sound), 0.5)):
        path.write_bytes(wav_bytes(samples))
        found = audio_offset(song, [path])
        assert "few.wav hardly follows the notes" in found.doubts
        assert found.per_stem[0].followed < 0.1
    path.write_bytes(wav_bytes(sound))
    assert audio_offset(song, [path]).per_stem[0].followed == 1.0


def test_samples_that_are_not_finite_are_silence(tmp_path: Path) -> None:
    """Infinity is no loud constant: a file of nothing else holds no sound."""
    song, sound = clicks()
    path = tmp_path / "inf.wav"
    data = wav_bytes(sound, kind="f4")
    path.write_bytes(data[: -4 * len(sound)] + np.full(len(sound), np.inf, "<f4").tobytes())
    with pytest.raises(InputError, match="holds no sound that grows louder"):
        audio_offset(song, [path])


def test_the_thirds_of_a_cut_file_are_those_it_holds(tmp_path: Path) -> None:
    """Notes after its end say nothing about its offset."""
    song, sound = clicks()
    path = tmp_path / "cut.wav"
    path.write_bytes(wav_bytes(sound[: len(sound) // 2]))
    assert audio_offset(song, [path]).spread < 0.01
