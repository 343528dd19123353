"""Songs as sound: length, channels, onsets, pitches and levels, held against the notes."""

from __future__ import annotations

import io
import sys
import wave
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest.mock import Mock

import numpy as np
import pytest

from midikit.convert import synthesizer, to_wav, write_wav
from midikit.convert.audio import soundfont
from midikit.convert.audio.drums import drum_sound
from midikit.errors import ConversionError, LimitError
from midikit.gm import DRUM_NAMES
from midikit.model.events import as_controls
from midikit.model.notes import as_notes
from midikit.model.song import Song, Track
from midikit.sandbox.songs import demo_songs

if TYPE_CHECKING:
    import numpy.typing as npt

FS = 22_050
NO_FLUIDSYNTH = pytest.mark.skipif(not soundfont.is_there(), reason="no FluidSynth here")
SYNTHS = ["numpy", pytest.param("fluidsynth", marks=NO_FLUIDSYNTH)]


def heard(data: bytes) -> tuple[npt.NDArray[np.float64], int]:
    """Read a .wav: samples from -1 to 1, shape (frames, channels), and the rate."""
    with wave.open(io.BytesIO(data)) as file:
        assert file.getsampwidth() == 2
        samples = np.frombuffer(file.readframes(file.getnframes()), "<i2").astype(np.float64)
        return samples.reshape(-1, file.getnchannels()) / 32_768, file.getframerate()


def played(song: Song, synth: Any = "numpy", fs: int = FS) -> npt.NDArray[np.float64]:
    """Play a song; both channels, shape (frames, 2)."""
    return heard(to_wav(song, fs=fs, synth=synth))[0]


def song_of(*rows: tuple[float, float, int, int], **track: Any) -> Song:
    """Make a song of one part."""
    return Song((Track(track.pop("name", ""), notes=as_notes(list(rows)), **track),))


def energy(samples: npt.NDArray[np.float64], begin: float, end: float) -> float:
    """Root mean square of a stretch."""
    return float(np.sqrt(np.mean(samples[round(begin * FS) : round(end * FS)] ** 2)))


@pytest.mark.parametrize("synth", SYNTHS)
def test_length_and_channels_are_those_of_the_song(synth: Any) -> None:
    """Two channels, from second 0 to a little after the last note."""
    samples = played(song_of((0.5, 1.0, 60, 90)), synth)
    assert samples.shape[1] == 2
    assert 1.0 < len(samples) / FS < 2.6
    assert 0.85 < np.abs(samples).max() < 0.95


@pytest.mark.parametrize("synth", SYNTHS)
def test_the_end_fades(synth: Any) -> None:
    """What rings longer than the file does not break off."""
    crash = played(song_of((0.5, 1.0, 49, 127), is_drum=True), synth)
    assert np.abs(crash[-1]).max() == 0
    assert np.abs(crash[-100:]).max() < 0.01


@pytest.mark.parametrize("synth", SYNTHS)
def test_parts_stand_apart(synth: Any) -> None:
    """A song that names a place is louder on that side."""
    for place, near in ((0, 0), (127, 1)):
        controls = as_controls([(0.0, 0xB0, 10, place)])
        samples = played(song_of((0, 0.5, 60, 90), controls=controls), synth)
        levels = [energy(samples[:, side], 0, 0.5) for side in (0, 1)]
        assert levels[1 - near] < 0.3 * levels[near]


@pytest.mark.parametrize("synth", SYNTHS)
@pytest.mark.parametrize(
    "demo", [demo for demo in demo_songs() if any(demo.drums)], ids=lambda demo: demo.title
)
def test_whole_songs_grow_loud_at_their_onsets(synth: Any, demo: Any) -> None:
    """Of all shifts of the onsets against the rises of energy, about none fits best."""
    song = demo.song()
    samples = played(song, synth, fs=8_000)
    assert song.end < len(samples) / 8_000 < song.end + 1.6
    step = 40  # 5 ms
    blocks = samples[: len(samples) // step * step].reshape(-1, 2 * step)
    level = np.log(np.sqrt((blocks**2).mean(axis=1)) + 1e-3)
    rise = np.maximum(np.diff(level, prepend=level[0]), 0.0)
    at = (song.note_array()["start"] * 8_000 / step).astype(int)
    fit = [rise[np.clip(at + shift, 0, len(rise) - 1)].sum() for shift in range(-20, 21)]
    assert abs(int(np.argmax(fit)) - 20) <= 2


@pytest.mark.parametrize("synth", SYNTHS)
@pytest.mark.parametrize("track", [{"program": 0}, {"program": 33}, {"is_drum": True}])
def test_notes_are_heard_when_they_begin(synth: Any, track: dict[str, Any]) -> None:
    """By energy, to within ten milliseconds, and not before."""
    starts = [0.25, 1.013, 1.7, 2.519, 3.25]
    samples = played(song_of(*((s, s + 0.1, 45, 100) for s in starts), **track), synth)
    loud = np.abs(samples).max(axis=1)
    for start in starts:
        before = loud[round((start - 0.02) * FS) : round(start * FS)].max()
        after = loud[round(start * FS) : round((start + 0.1) * FS)]
        onset = np.argmax(after > before + 0.1 * (after.max() - before)) / FS
        assert onset < 0.01, start
        assert before < 0.5 * after.max()


@pytest.mark.parametrize("program", range(0, 128, 8))
@pytest.mark.parametrize("pitch", [36, 69, 100])
def test_pitches_are_in_tune(program: int, pitch: int) -> None:
    """The strongest frequency of an octave around it is that of the pitch, within five cents."""
    samples = played(song_of((0.0, 2.0, pitch, 100), program=program))[: 2 * FS].sum(axis=1)
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples)), 1 << 19))
    hertz = np.fft.rfftfreq(1 << 19, 1 / FS)
    expected = 440 * 2 ** ((pitch - 69) / 12)
    near = (hertz > expected / 1.4) & (hertz < expected * 1.4)
    found = hertz[near][np.argmax(spectrum[near])]
    assert abs(1200 * np.log2(found / expected)) < 5


def test_nothing_folds_back() -> None:
    """What lies above half the rate is not there at all, rather than at another pitch."""
    samples = played(song_of((0.0, 1.0, 108, 100), program=81), fs=FS)[:FS].sum(axis=1)
    spectrum = np.abs(np.fft.rfft(samples[2000:20_000] * np.hanning(18_000)))
    hertz = np.fft.rfftfreq(18_000, 1 / FS)
    assert spectrum[hertz < 3900].max() < 0.01 * spectrum.max()


def test_louder_notes_are_louder() -> None:
    """Velocity, volume and expression alike."""
    velocities = [20, 60, 100, 127]
    rows = [(i, i + 0.5, 60, v) for i, v in enumerate(velocities)]
    samples = played(song_of(*rows))
    levels = [energy(samples, i, i + 0.5) for i in range(4)]
    assert levels == sorted(levels)
    assert levels[0] < 0.3 * levels[3]
    for number in (7, 11):
        controls = as_controls([(0.0, 0xB0, number, 127), (1.0, 0xB0, number, 40)])
        samples = played(song_of((0, 0.5, 60, 90), (1, 1.5, 60, 90), controls=controls))
        assert energy(samples, 1, 1.5) < 0.4 * energy(samples, 0, 0.5)


def test_pan_pedal_and_bend_are_heard() -> None:
    """Controls that a file brings along."""
    left = as_controls([(0.0, 0xB0, 10, 0)])
    samples = played(song_of((0, 0.5, 60, 90), controls=left))
    assert np.abs(samples[:, 1]).max() < 0.01 < np.abs(samples[:, 0]).max()
    pedal = as_controls([(0.0, 0xB0, 64, 127), (2.0, 0xB0, 64, 0)])
    rows = ((0.0, 0.3, 60, 90), (2.5, 2.6, 60, 90))
    held, short = (played(song_of(*rows, controls=c)) for c in (pedal, as_controls([])))
    assert energy(short, 1.0, 1.9) < 1e-4 < energy(held, 1.0, 1.9)
    assert energy(held, 2.3, 2.45) < 1e-4
    bend = as_controls([(0.0, 0xE0, 127, 127)])
    bent = played(song_of((0, 1, 69, 90), controls=bend, program=73))[:FS, 0]
    hertz = np.fft.rfftfreq(len(bent), 1 / FS)[np.argmax(np.abs(np.fft.rfft(bent)))]
    assert hertz == pytest.approx(440 * 2 ** (2 / 12), abs=1.5)


def test_a_long_note_is_the_same_in_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pieces are put together without a seam, and give what the whole gives."""
    song = song_of((0.1, 3.0, 57, 90), (0.5, 0.7, 57, 60), program=48)
    whole = played(song)
    monkeypatch.setattr("midikit.convert.audio.synth._KEPT", 0)
    monkeypatch.setattr("midikit.convert.audio.synth._PIECE", 1000)
    assert np.abs(played(song) - whole).max() < 1e-4


@pytest.mark.parametrize("pitch", [*DRUM_NAMES, 0, 127])
def test_every_drum_sounds_and_ends(pitch: int) -> None:
    """Without a click at either end."""
    sound = drum_sound(pitch, FS)
    assert np.abs(sound).max() > 0.05
    assert len(sound) < 5 * FS
    assert np.abs(sound[[0, -1]]).max() < 0.01


def test_songs_of_every_size_are_played() -> None:
    """None, one and all; the same each time."""
    assert heard(to_wav(Song(()), synth="numpy"))[0].shape == (0, 2)
    assert np.abs(played(song_of((0.0, 0.0, 60, 90)))).max() > 0.5
    song = demo_songs()[0].song()
    data = to_wav(song, fs=8_000, synth="numpy")
    assert data == to_wav(song, fs=8_000, synth="numpy")
    assert np.abs(heard(data)[0]).max() < 0.95
    crowd = Song(tuple(song_of((0.0, 1.0, 40 + i, 127), name=f"Part {i}")[0] for i in range(40)))
    assert 0.85 < np.abs(played(crowd)).max() < 0.95


def test_what_is_too_long_is_refused_before_it_is_made(monkeypatch: pytest.MonkeyPatch) -> None:
    """In one line that says how to get it."""
    with pytest.raises(LimitError, match=r"sound of 1,000,002 s is .* fs=, or raise .* max_bytes="):
        to_wav(song_of((0.0, 1e6, 60, 90)), synth="numpy")
    with pytest.raises(LimitError, match="the limit is 100;"):
        to_wav(song_of((0.0, 1.0, 60, 90)), synth="numpy", max_bytes=100)
    monkeypatch.setattr("midikit.convert.audio.wav.synthesize", Mock(side_effect=MemoryError))
    with pytest.raises(LimitError, match="sound of 2 s does not fit into this machine's memory; "):
        to_wav(song_of((0.0, 1.0, 60, 90)), synth="numpy")
    for fs in (0, 7_999, 44_100.5, 96_001, float("nan")):
        with pytest.raises(ConversionError, match="expected 8,000 to 96,000 samples a second"):
            to_wav(Song(()), fs=fs, synth="numpy")  # type: ignore[arg-type]


def test_the_synthesizer_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """FluidSynth where it is there, else ours; asked for and not there is an error."""
    assert synthesizer() == ("fluidsynth" if soundfont.is_there() else "numpy")
    with pytest.raises(ConversionError, match="synth 'piano': expected auto, fluidsynth or numpy"):
        synthesizer("piano")  # type: ignore[arg-type]
    monkeypatch.setitem(sys.modules, "fluidsynth", None)
    assert not soundfont.is_there()
    assert synthesizer() == "numpy"
    with pytest.raises(ConversionError, match=r"midikit\[audio\].*libfluidsynth3.*synth='numpy'"):
        synthesizer("fluidsynth")


@NO_FLUIDSYNTH
def test_what_is_missing_is_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    """The package, the system's library, and the SoundFont; each with what to do."""
    assert soundfont.what_is_missing() == ""
    with monkeypatch.context() as patch:
        patch.setattr(soundfont, "_SOUNDFONT", "none.sf2")
        assert "none.sf2 of pretty_midi is not there" in soundfont.what_is_missing()
    with monkeypatch.context() as patch:
        patch.delitem(sys.modules, "fluidsynth", raising=False)
        patch.setattr("ctypes.util.find_library", lambda _: None)
        told = "FluidSynth itself is not there; install the system's library (libfluidsynth3 on "
        assert soundfont.what_is_missing() == f"{told}Debian)"
    monkeypatch.setitem(sys.modules, "fluidsynth", None)
    assert soundfont.what_is_missing().startswith("pyfluidsynth is not there; for FluidSynth's ")


@NO_FLUIDSYNTH
def test_finding_the_library_prints_nothing(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Data goes to stdout; pyfluidsynth says there what it loads where CI is set."""
    monkeypatch.setenv("CI", "true")
    monkeypatch.delitem(sys.modules, "fluidsynth", raising=False)
    assert soundfont.is_there()
    assert capfd.readouterr() == ("", "")


@NO_FLUIDSYNTH
def test_the_whole_file_is_played_by_fluidsynth() -> None:
    """Whatever a file says to a synthesizer, without a word on stderr."""
    odd = as_controls([
        (0.0, 0xB0, 0, 5), (0.0, 0xC0, 99, 0), (0.1, 0xD0, 44, 0), (0.1, 0xA0, 60, 70),
        (0.2, 0xE0, 127, 127), (0.3, 0xB0, 121, 0),
    ])  # fmt: skip
    rows = [(0.0, 1.0, 36, 90), (0.5, 1.0, 127, 90), (0.6, 0.6, 0, 1)]
    parts = [song_of(*rows, controls=odd, program=i, is_drum=not i % 9)[0] for i in range(40)]
    assert 0.85 < np.abs(played(Song(tuple(parts)), "fluidsynth")).max() < 0.95


def test_convert_writes_it(cli: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`--to wav` says what plays, and never writes over the audio it was measured with."""
    monkeypatch.setattr(soundfont, "is_there", lambda: False)
    answer = Path(__file__).parent.parent / "fixtures" / "answers" / "example.json"
    out = tmp_path / "song.wav"
    done = cli("convert", answer, "-o", out)
    assert done.code == 0
    assert "played by a plain synthesizer; midikit doctor says" in " ".join(done.err.split())
    assert heard(out.read_bytes())[1] == 44_100
    again = cli("convert", answer, "--audio", out, "--to", "wav", "-o", out, "--force")
    assert again.code == 1
    assert "is the input itself" in again.err
    write_wav(Song(()), out, synth="numpy")
    assert len(out.read_bytes()) == 44
