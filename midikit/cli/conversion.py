"""What ``convert`` does to one input, from a song to the bytes of every target, writing nothing."""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from midikit.cli.cleaning import cleaned
from midikit.cli.key import write_key
from midikit.errors import InputError
from midikit.escape import printable
from midikit.files import check_plain

if TYPE_CHECKING:
    from midikit.cleaning.report import CleanReport
    from midikit.cli.checks import Moves
    from midikit.cli.key import KeyFound
    from midikit.cli.settings import Settings
    from midikit.cli.sources import Opened
    from midikit.cli.splitting import PartFile
    from midikit.convert.arrange.plan import MidiPlan
    from midikit.model.beats import BeatGrid
    from midikit.model.report import Change
    from midikit.model.song import Song
    from midikit.model.tempo import TempoMap
    from midikit.rhythm.audio import AudioOffset
    from midikit.rhythm.layout import Layout
    from midikit.verify.compare import Comparison

__all__ = ["NO_TEMPO", "Conversion", "run"]

NO_TEMPO = (
    "--quantize with --tempo source: an answer names no tempo; expected --tempo auto, constant or "
    "BPM"
)
"""Why notes of an answer are not moved onto a grid that nobody claimed."""

_LATTICE_TOLERANCE = 0.003
"""Seconds: the lattice of 1/192 s rounds by 2.6 ms."""


@dataclass(frozen=True, slots=True)
class Conversion:
    """What became of one input.

    Parameters
    ----------
    song : Song
        As it was read.
    layout : Layout
        As it is written, with its grid.
    files : dict of str to bytes
        Content of each target.
    changes : tuple of Change
        What was decided.
    moves : Moves or None, optional
        What quantizing did.
    audio : AudioOffset or None, optional
        What the audio was measured to be later by.
    key : KeyFound or None, optional
        The key that was found or given, where it was asked for.
    checked : Comparison or None, optional
        The comparison that was asked for.
    checked_name : str, optional
        What it was compared with.
    parts : tuple of PartFile, optional
        A .mid a part, where the .mid was split.
    cleaned, melody : CleanReport or None, optional
        What was taken out.
    """

    song: Song
    layout: Layout
    files: dict[str, bytes]
    changes: tuple[Change, ...]
    moves: Moves | None = None
    audio: AudioOffset | None = None
    key: KeyFound | None = None
    checked: Comparison | None = None
    checked_name: str = ""
    parts: tuple[PartFile, ...] = ()
    cleaned: CleanReport | None = None
    melody: CleanReport | None = None

    @property
    def tempo(self) -> TempoMap | None:
        """Tempo that the .mid claims, None where none was made."""
        return self.layout.song.tempo if self.has_mid else None

    @property
    def has_mid(self) -> bool:
        """Whether a .mid was made, or one a part."""
        return "mid" in self.files or bool(self.parts)


def run(opened: Opened, settings: Settings, stem: str = "") -> Conversion:
    """Convert one input that was read, writing nothing.

    Parameters
    ----------
    opened : Opened
        The input.
    settings : Settings
        What to do with it.
    stem : str, optional
        Name of the song, of which those of its parts are made.

    Returns
    -------
    Conversion
        The bytes of each target, and what was decided and checked.

    Raises
    ------
    MidikitError
        If it cannot be converted or checked.
    click.UsageError
        If it is to be quantized without a tempo.
    """
    from midikit.cli.checks import check_bytes, check_quantized  # noqa: PLC0415 - loads numpy
    from midikit.cli.splitting import part_files  # noqa: PLC0415 - as above
    from midikit.convert.zipped import to_zip  # noqa: PLC0415 - as above

    if settings.division and settings.tempo == "source" and opened.is_answer:
        raise click.UsageError(NO_TEMPO)
    clean, report, line = cleaned(opened.song, settings)
    audio = _measured(clean, settings)
    layout = _finish(_lay_out(clean, settings, audio), settings, opened)
    layout, key = write_key(layout, settings.key)
    song, moves = layout.song, None
    if layout.unquantized is not None and layout.quantized is not None:
        moves = check_quantized(layout.unquantized, layout.quantized)
    changes = song.changes
    files: dict[str, bytes] = {}
    parts: tuple[PartFile, ...] = ()
    if "mid" in settings.targets:
        resolution, told = _resolution(opened.song, layout, settings)
        plan = _plan(song, settings, resolution)
        if settings.split:
            parts, more = part_files(plan, stem)
        else:
            files["mid"], more = plan.to_bytes(), plan.changes
            check_bytes(plan, files["mid"])
        changes += (*told, *more)
    if settings.zipped:
        files["mid"] = to_zip({part.file: part.data for part in parts})
    others = [target for target in settings.targets if target != "mid"]
    if others:
        dressed, chosen = _with_programs(song, settings)
        changes += () if "mid" in settings.targets else chosen
        files |= {target: _render(target, dressed, layout.grid, settings) for target in others}
        changes += _played_by() if "wav" in others else ()
    checked, name = _check(opened, settings)
    return Conversion(
        opened.song,
        layout,
        {target: files[target] for target in settings.targets if target in files},
        changes,
        moves,
        audio,
        key,
        checked,
        name,
        parts,
        report,
        line,
    )


def _measured(song: Song, settings: Settings) -> AudioOffset | None:
    """Measure how much later the audio is, where there is any."""
    if not settings.audio:
        return None
    from midikit.rhythm.audio import audio_offset  # noqa: PLC0415 - loads numpy

    for path in settings.audio:
        check_plain(Path(path))
    return audio_offset(song, settings.audio)


def _lay_out(song: Song, settings: Settings, audio: AudioOffset | None) -> Layout:
    from midikit.rhythm.layout import Quantizing, lay_out  # noqa: PLC0415 - loads numpy

    quantizing = None
    if settings.division is not None:
        quantizing = Quantizing(
            settings.division,
            settings.strength,
            settings.swing,
            settings.triplets,
            settings.window,
            settings.ends,
        )
    return lay_out(
        song,
        tempo=settings.tempo,
        tempo_hint=settings.tempo_hint,
        beats_per_bar=settings.beats_per_bar,
        downbeat=settings.downbeat,
        align=settings.align,
        quantizing=quantizing,
        offset=_offset(settings, audio),
        sync=settings.sync,
        markers=settings.bar_markers,
    )


def _finish(layout: Layout, settings: Settings, opened: Opened) -> Layout:
    """Move drums to other keys and give flat parts accents, where that is asked for."""
    song = layout.song
    if settings.drum_map:
        from midikit.convert.arrange.drum_map import map_drums  # noqa: PLC0415 - loads numpy
        from midikit.model.report import Change  # noqa: PLC0415 - the help needs none of it

        mapped = map_drums(song, settings.drum_map)
        what = "the drum map moves none of the drums there are"
        none = () if len(mapped.changes) > len(song.changes) else (Change("drums", "", what, 0),)
        song = mapped.with_tracks(mapped.tracks, *none)
    if settings.accent:
        song = _accented(song, layout.grid, settings, opened)
    return layout if song is layout.song else replace(layout, song=song)


def _accented(song: Song, grid: BeatGrid | None, settings: Settings, opened: Opened) -> Song:
    """Give flat parts accents; say so where there is no beat to take them from."""
    from midikit.model.report import Change  # noqa: PLC0415 - the help needs none of it
    from midikit.rhythm.accent import accent  # noqa: PLC0415 - loads numpy
    from midikit.rhythm.given import claimed_grid  # noqa: PLC0415 - as above

    if grid is None and settings.tempo == "source" and not opened.is_answer:
        grid = claimed_grid(song)
    if grid is None:
        why = (
            "an answer names no tempo" if settings.tempo == "source" else "there is no steady beat"
        )
        what = f"no accents: {why} to take them from"
        return song.with_tracks(song.tracks, Change("accent", "", what, 0))
    accented = accent(song, grid)
    if len(accented.changes) > len(song.changes):
        return accented
    what = "no accents: no part has one velocity throughout"
    return song.with_tracks(song.tracks, Change("accent", "", what, 0))


def _offset(settings: Settings, audio: AudioOffset | None) -> float:
    """Tell how far to move the song: by nothing where the measurement is doubtful."""
    if audio is None:
        return settings.audio_offset
    return 0.0 if audio.doubts else audio.seconds


def _programs(song: Song, settings: Settings) -> Any:
    if not settings.overrides:
        return settings.programs
    names = {track.name for track in song.tracks}
    return {name: number for name, number in settings.overrides.items() if name in names}


def _resolution(
    song: Song, layout: Layout, settings: Settings
) -> tuple[int | None, tuple[Change, ...]]:
    """Choose ticks a quarter: the input's own are too coarse once another tempo moves them."""
    from midikit.model.report import Change  # noqa: PLC0415 - the help needs none of it
    from midikit.units import DEFAULT_TICKS_PER_QUARTER  # noqa: PLC0415 - loads numpy

    ours, asked = song.ticks_per_quarter, settings.ticks_per_quarter
    if asked is not None or ours is None or layout.song.tempo is song.tempo:
        return asked, ()
    if ours >= DEFAULT_TICKS_PER_QUARTER:
        return None, ()
    what = f"{DEFAULT_TICKS_PER_QUARTER} ticks a quarter instead of {ours}, for the other tempo"
    return DEFAULT_TICKS_PER_QUARTER, (Change("resolution", "", what),)


def _plan(song: Song, settings: Settings, ticks_per_quarter: int | None) -> MidiPlan:
    """Plan the .mid; a file that keeps its tempo keeps its tracks and their ends as well."""
    from midikit.convert.arrange.plan import plan_midi  # noqa: PLC0415 - loads numpy

    is_kept = settings.tempo == "source" and song.ticks_per_quarter is not None
    return plan_midi(
        song,
        programs=_programs(song, settings),
        merge=settings.merge_tracks,
        duplicates=settings.duplicates,
        overlap=settings.overlap,
        short=settings.short,
        tracks="source" if is_kept else "tidy",
        ticks_per_quarter=ticks_per_quarter,
    )


def _with_programs(song: Song, settings: Settings) -> tuple[Song, tuple[Change, ...]]:
    """Give the tracks of rolls and tables the programs that the .mid plays."""
    from midikit.convert.arrange.programs import choose_programs  # noqa: PLC0415 - loads numpy

    chosen, changes = choose_programs(song.tracks, _programs(song, settings))
    tracks = tuple(
        replace(track, program=program) for track, program in zip(song.tracks, chosen, strict=True)
    )
    return song.with_tracks(tracks), tuple(changes)


def _render(target: str, song: Song, grid: BeatGrid | None, settings: Settings) -> bytes:
    """Make the bytes of a target that is no .mid."""
    if target == "npz":
        from midikit.convert.pianoroll import pianoroll  # noqa: PLC0415 - loads numpy

        if settings.per_beat is not None:
            return pianoroll(song, per_beat=settings.per_beat, grid=grid).to_npz()
        return pianoroll(song, fs=settings.fs).to_npz()
    if target == "wav":
        from midikit.convert.audio.wav import to_wav  # noqa: PLC0415 - loads numpy

        return to_wav(song)
    if target == "html":
        from midikit.view.html import to_html  # noqa: PLC0415 - loads numpy

        return to_html(song, grid=grid).encode()
    if target in {"png", "svg"}:
        from midikit.view.pictures import to_png, to_svg  # noqa: PLC0415 - loads numpy

        logging.getLogger("matplotlib").setLevel(logging.ERROR)  # speaks of its caches
        return to_png(song, grid=grid) if target == "png" else to_svg(song, grid=grid).encode()
    from midikit.convert.table import to_csv, to_notes_npz  # noqa: PLC0415 - loads numpy

    if target == "notes.npz":
        return to_notes_npz(song)
    return to_csv(song, grid=grid).encode("utf-8", "surrogatepass")


def _played_by() -> tuple[Change]:
    """Say which synthesizer played."""
    from midikit.convert.audio.wav import synthesizer  # noqa: PLC0415 - loads numpy
    from midikit.model.report import Change  # noqa: PLC0415 - the help needs none of it

    what = "the .wav is played by FluidSynth, with the SoundFont of pretty_midi"
    if synthesizer() == "numpy":
        what = (
            "the .wav is played by a plain synthesizer; midikit doctor says how to get FluidSynth"
        )
    return (Change("sound", "", what),)


def _check(opened: Opened, settings: Settings) -> tuple[Comparison | None, str]:
    """Compare the notes as they came with those of the .mid that --check names."""
    if settings.check is None:
        return None, ""
    from midikit.parse.midi import read_midi  # noqa: PLC0415 - loads numpy
    from midikit.verify.compare import compare  # noqa: PLC0415 - loads numpy

    if settings.check == "hosted":
        reference, name = read_midi(_hosted(opened)), "the hosted file"
    else:
        path = Path(settings.check)
        check_plain(path)
        reference, name = read_midi(path), printable(path.name)
    return compare(reference, opened.song, tolerance=_LATTICE_TOLERANCE), name


def _hosted(opened: Opened) -> bytes:
    """Get the hosted .mid: out of the archive, else by a download."""
    if opened.hosted is not None:
        return opened.hosted
    if opened.song.midi_url is None:
        raise InputError("", "", "names no hosted .mid to check against; pass --check FILE.mid")
    from midikit.fetch.download import download  # noqa: PLC0415 - only this check needs it

    return download(opened.song.midi_url)
