"""What ``convert`` does to one input, from a song to the bytes of every target, writing nothing."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from midikit.cli.sources import check_plain
from midikit.errors import InputError
from midikit.escape import printable

if TYPE_CHECKING:
    from midikit.cli.checks import Moves
    from midikit.cli.sources import Opened
    from midikit.convert.arrange.plan import MidiPlan
    from midikit.model.beats import BeatGrid
    from midikit.model.report import Change
    from midikit.model.song import Song
    from midikit.model.tempo import TempoMap
    from midikit.verify.compare import Comparison

__all__ = ["NO_TEMPO", "Conversion", "Settings", "run"]

NO_TEMPO = "--quantize needs --tempo BPM: an answer names no tempo"
"""Why notes of an answer are not moved onto a grid that nobody claimed."""

_LATTICE_TOLERANCE = 0.003
"""Seconds: the lattice of 1/192 s rounds by 2.6 ms."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What to do with each input.

    Parameters
    ----------
    targets : tuple of str, optional
        Keys of `midikit.cli.outputs.TARGETS`.
    bpm : float or None, optional
        Tempo to write and to quantize on; None for the song's own.
    division : str or None, optional
        Grid to quantize on.
    strength : float, optional
        How far to quantize, 0 to 1.
    programs : str, optional
        ``name`` or ``source``.
    overrides : dict of str to int, optional
        Programs by track name.
    merge, duplicates, overlap, short : str, optional
        As for `midikit.convert.arrange.plan.plan_midi`.
    ticks_per_quarter : int or None, optional
        Resolution of the .mid.
    fs : float, optional
        Frames a second of the roll.
    check : str or None, optional
        ``hosted``, or a .mid to compare with.
    strict : bool, optional
        Refuse what would be repaired.
    """

    targets: tuple[str, ...] = ("mid",)
    bpm: float | None = None
    division: str | None = None
    strength: float = 1.0
    programs: str = "name"
    overrides: dict[str, int] = field(default_factory=dict)
    merge: Any = "off"
    duplicates: Any = "collapse"
    overlap: Any = "trim"
    short: Any = "tick"
    ticks_per_quarter: int | None = None
    fs: float = 100.0
    check: str | None = None
    strict: bool = False


@dataclass(frozen=True, slots=True)
class Conversion:
    """What became of one input.

    Parameters
    ----------
    song : Song
        As it was read.
    files : dict of str to bytes
        Content of each target.
    changes : tuple of Change
        What was decided.
    moves : Moves or None, optional
        What quantizing did.
    checked : Comparison or None, optional
        The comparison that was asked for.
    checked_name : str, optional
        What it was compared with.
    tempo : TempoMap or None, optional
        Tempo that the .mid claims, None where none was made.
    """

    song: Song
    files: dict[str, bytes]
    changes: tuple[Change, ...]
    moves: Moves | None = None
    checked: Comparison | None = None
    checked_name: str = ""
    tempo: TempoMap | None = None


def run(opened: Opened, settings: Settings) -> Conversion:
    """Convert one input that was read, writing nothing.

    Parameters
    ----------
    opened : Opened
        The input.
    settings : Settings
        What to do with it.

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
    from midikit.model.tempo import TempoMap  # noqa: PLC0415 - as above

    if settings.division and settings.bpm is None and opened.is_answer:
        raise click.UsageError(NO_TEMPO)
    song, moves = opened.song, None
    grid = _grid(song, settings)
    if settings.division and grid is not None:
        from midikit.rhythm.quantize import quantize  # noqa: PLC0415 - loads numpy

        song = quantize(song, grid, division=settings.division, strength=settings.strength)
        moves = check_quantized(opened.song, song)
    changes = song.changes
    files: dict[str, bytes] = {}
    tempo = None
    if "mid" in settings.targets:
        plan = _plan(song, settings)
        files["mid"] = plan.to_bytes()
        check_bytes(plan, files["mid"])
        changes += plan.changes
        tempo = song.tempo if settings.bpm is None else TempoMap.constant(settings.bpm)
    others = [target for target in settings.targets if target != "mid"]
    if others:
        dressed, chosen = _with_programs(song, settings)
        changes += () if "mid" in settings.targets else chosen
        files |= {target: _render(target, dressed, grid, settings) for target in others}
    checked, name = _check(opened, settings)
    ordered = {target: files[target] for target in settings.targets}
    return Conversion(opened.song, ordered, changes, moves, checked, name, tempo)


def _grid(song: Song, settings: Settings) -> BeatGrid | None:
    """Lay out the beats, where they are asked for: those of --tempo, else those claimed."""
    from midikit.model.beats import BeatGrid  # noqa: PLC0415 - loads numpy

    if settings.bpm is not None:
        return BeatGrid.constant(settings.bpm)
    if settings.division:
        return BeatGrid.from_tempo(song.tempo, end=song.end)
    return None


def _programs(song: Song, settings: Settings) -> Any:
    if not settings.overrides:
        return settings.programs
    names = {track.name for track in song.tracks}
    return {name: number for name, number in settings.overrides.items() if name in names}


def _plan(song: Song, settings: Settings) -> MidiPlan:
    from midikit.convert.arrange.plan import plan_midi  # noqa: PLC0415 - loads numpy

    return plan_midi(
        song,
        programs=_programs(song, settings),
        merge=settings.merge,
        duplicates=settings.duplicates,
        overlap=settings.overlap,
        short=settings.short,
        tempo=settings.bpm,
        ticks_per_quarter=settings.ticks_per_quarter,
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

        return pianoroll(song, fs=settings.fs).to_npz()
    from midikit.convert.table import to_csv, to_notes_npz  # noqa: PLC0415 - loads numpy

    if target == "notes.npz":
        return to_notes_npz(song)
    return to_csv(song, grid=grid).encode("utf-8", "surrogatepass")


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
