"""How the command line tells what audio was measured to be later by."""

from __future__ import annotations

from typing import TYPE_CHECKING

from midikit.cli.beat_words import wrapped

if TYPE_CHECKING:
    from midikit.rhythm.audio import AudioOffset

__all__ = ["audio_lines"]


def audio_lines(audio: AudioOffset, indent: int = 2) -> list[str]:
    """Say what the audio was measured to be later by, and how far that can be relied on.

    Parameters
    ----------
    audio : AudioOffset
        The measurement.
    indent : int, optional
        Spaces in front.

    Returns
    -------
    list of str
        Lines of at most 80 characters.
    """
    side = "later" if audio.seconds >= 0 else "earlier"
    told = f"{abs(audio.seconds):.3f} s {side} than the notes, {_spread(audio)}"
    cut = [stem.name for stem in audio.per_stem if stem.is_cut]
    if cut:
        more = f" and {len(cut) - 1:,} more" if len(cut) > 1 else ""
        told += f"; {cut[0]}{more} ends before its time"
    if not audio.doubts:
        return wrapped("audio", told, indent)
    doubt = f"{told}. Doubtful: {'; '.join(audio.doubts)}. The song stays where it is"
    force = f"to move it all the same, pass --audio-offset {audio.seconds:.3f}"
    return wrapped("audio", f"{doubt}; {force}", indent)


def _spread(audio: AudioOffset) -> str:
    files = len(audio.per_stem)
    among = f"{files:,} files" if files > 1 else "the thirds of the song"
    return f"{among} within {1000 * audio.spread:.0f} ms"
