"""``convert --clean`` and ``--melody``: what they take out, made sure of and said."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from midikit.cli.beat_words import wrapped
from midikit.escape import printable, quoted

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from midikit.cleaning.report import CleanReport
    from midikit.cli.settings import Settings
    from midikit.model.song import Song

__all__ = ["CLEAN_OPTIONS", "clean_lines", "clean_row", "cleaned"]

_MOST_VOICES = 128


def _read_voices(_: click.Context, __: click.Parameter, values: Sequence[str]) -> dict[str, int]:
    """Read the --voices options, each ``NAME=NUMBER``."""
    chosen: dict[str, int] = {}
    for value in values:
        name, _sign, number = value.rpartition("=")
        is_number = number.isascii() and number.isdigit() and len(number) < 4
        if not (name and is_number and 1 <= int(number) <= _MOST_VOICES):
            raise click.BadParameter(
                f"{printable(value, 80)}: expected NAME=NUMBER, a track's name and 1 to "
                f"{_MOST_VOICES} voices"
            )
        if name in chosen:
            raise click.BadParameter(f"{quoted(name)} is given twice; pass one number a name")
        chosen[name] = int(number)
    return chosen


CLEAN_OPTIONS: tuple[Callable[[Any], Any], ...] = (
    click.option(
        "--clean",
        type=click.Choice(["off", "light", "strong", "auto"]),
        default="off",
        help="Take out notes that nobody played: light is careful, auto is strong where much "
        "is wrong.",
    ),
    click.option(
        "--voices",
        multiple=True,
        callback=_read_voices,
        metavar="NAME=NUMBER",
        help="Notes at once that tracks of a name can play; repeatable.",
    ),
    click.option(
        "--melody",
        type=click.Choice(["off", "top", "strongest"]),
        default="off",
        help="Make vocal parts one line of their highest or loudest notes.",
    ),
)
"""The options, for the help's section of their own."""


def cleaned(song: Song, settings: Settings) -> tuple[Song, CleanReport | None, CleanReport | None]:
    """Clean a song as it was asked for.

    Parameters
    ----------
    song : Song
        As it was read.
    settings : Settings
        What was asked for.

    Returns
    -------
    song : Song
        The song to go on with.
    report : CleanReport or None
        What ``--clean`` did, None if it is off.
    line : CleanReport or None
        What ``--melody`` did, None if it is off.

    Raises
    ------
    ConversionError
        If an option does not go with the song.
    BrokenPromiseError
        If what came out is not what came in less the list.
    """
    report = line = None
    if settings.clean != "off":
        from midikit.cleaning.cleaning import clean  # noqa: PLC0415 - loads numpy

        before = song
        names = {track.name for track in song.tracks}
        voices = {name: most for name, most in settings.voices.items() if name in names}
        song, report = clean(song, profile=settings.clean, voices=voices)
        _make_sure(before, song, report)
    if settings.melody != "off":
        from midikit.cleaning.melody import melodies, melody  # noqa: PLC0415 - loads numpy
        from midikit.model.report import Change  # noqa: PLC0415 - the help needs none of it

        before = song
        song, line = melody(song, tracks=melodies(song), pick=settings.melody)
        if not melodies(song):
            what = "no part is known to be a melody by its name; all are left as they came"
            song = song.with_tracks(song.tracks, Change("melody", "", what))
        _make_sure(before, song, line)
    return song, report, line


def _make_sure(before: Song, after: Song, report: CleanReport) -> None:
    """Put back what is listed, and see whether that is what came in."""
    from midikit.cli.exits import BrokenPromiseError  # noqa: PLC0415 - only if it is needed

    for old, new in zip(before.tracks, report.restore(after).tracks, strict=True):
        if old.notes.tobytes() != new.notes.tobytes():
            raise BrokenPromiseError("cleaning altered notes that it did not list")


def clean_lines(report: CleanReport | None, line: CleanReport | None) -> list[str]:
    """Say how many notes were taken out.

    Parameters
    ----------
    report : CleanReport or None
        What ``--clean`` did.
    line : CleanReport or None
        What ``--melody`` did.

    Returns
    -------
    list of str
        Lines of at most 80 characters.
    """
    lines = []
    for word, one in (("cleaned", report), ("melody", line)):
        if one is not None:
            said = f"{one.summary}; the others as they came" if len(one.edits) else "as it came"
            lines += wrapped(f"{word} ({one.profile})", said)
    return lines


def clean_row(report: CleanReport | None) -> dict[str, Any] | None:
    """Put what was taken out into plain values for JSON.

    Parameters
    ----------
    report : CleanReport or None
        The report.

    Returns
    -------
    dict or None
        Its counts; None where nothing was asked for.
    """
    return None if report is None else report.to_dict()
