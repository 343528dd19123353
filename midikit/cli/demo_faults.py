"""What ``midikit demo`` says is wrong with the hosted file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from midikit.cli.words import count
from midikit.escape import printable

if TYPE_CHECKING:
    from midikit.model.beats import BeatGrid
    from midikit.model.report import Change
    from midikit.model.song import Song, Track

__all__ = ["changes_of", "faults_of"]


def faults_of(hosted: Song, data: bytes, truth: BeatGrid) -> list[str]:
    """Say what is wrong with a hosted file, as far as it can be seen in it.

    Parameters
    ----------
    hosted : Song
        The file as it was read.
    data : bytes
        The file.
    truth : BeatGrid
        The beats that it was played to.

    Returns
    -------
    list of str
        A line a fault.
    """
    from midikit.gm import DRUM_CHANNEL, PROGRAM_NAMES  # noqa: PLC0415 - compiles patterns
    from midikit.rhythm.judge import judge_tempo  # noqa: PLC0415 - the help needs none of it

    found = []
    if refusal := _mido_says(data):
        found.append(f"mido cannot open it: {refusal}")
    found += judge_tempo(hosted.tempo, truth)
    found += _wrong_sounds(hosted)
    lost = [track for track in hosted.tracks if track.is_drum and track.channel != DRUM_CHANNEL]
    if lost:
        place, sound = (lost[0].channel or 0) + 1, PROGRAM_NAMES[lost[0].program or 0]
        found.append(f"{_named(lost)} on channel {place} instead of 10, played by {sound}")
    melodic = [track for track in hosted.tracks if not track.is_drum and len(track.notes)]
    if len(melodic) > 1 and len({track.channel for track in melodic}) == 1:
        found.append(f"{len(melodic)} instruments on one channel cut each other's notes off")
    if volumes := sum(change.kind == "volume" for change in changes_of(hosted)):
        tracks = count(volumes, "track")
        found.append(f"a lone volume control at the end of {tracks}, imported as a ramp")
    return found


def _wrong_sounds(hosted: Song) -> list[str]:
    """Say which tracks claim a sound that their name contradicts."""
    from midikit.gm import DRUM_CHANNEL, PROGRAM_NAMES  # noqa: PLC0415 - compiles patterns

    wrong = {change.where for change in changes_of(hosted) if change.kind == "program"}
    by_claim: dict[int, list[Track]] = {}
    found = []
    for track in hosted.tracks:
        if track.program is None or printable(track.name) not in wrong:
            continue
        sound = f"program {track.program} ({PROGRAM_NAMES[track.program]})"
        if not track.is_drum:
            by_claim.setdefault(track.program, []).append(track)
        elif track.channel == DRUM_CHANNEL:
            found.append(f"{_named([track])} on {sound}, which is no drum kit")
    for program, tracks in by_claim.items():
        found.append(f"program {program} ({PROGRAM_NAMES[program]}) for {_named(tracks)}")
    return found


def _named(tracks: list[Track]) -> str:
    """List the names of tracks."""
    *most, last = dict.fromkeys(printable(track.name) for track in tracks)
    return f"{', '.join(most)} and {last}" if most else last


def changes_of(hosted: Song) -> tuple[Change, ...]:
    """List what a conversion of a hosted file changes.

    Parameters
    ----------
    hosted : Song
        The file as it was read.

    Returns
    -------
    tuple of Change
        Its changes.
    """
    from midikit.convert.arrange.plan import plan_midi  # noqa: PLC0415 - the help needs none of it

    return plan_midi(hosted).changes


def _mido_says(data: bytes) -> str:
    """Try the hosted file with mido and return its complaint, empty if it has none."""
    import io  # noqa: PLC0415 - as mido

    import mido  # noqa: PLC0415 - only the demo asks it

    try:
        mido.MidiFile(file=io.BytesIO(data))
    except Exception as error:  # noqa: BLE001 - whatever it is, it is what the user would see
        return printable(f"{type(error).__name__}: {error}", 80)
    return ""
