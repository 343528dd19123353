"""Take out of a song what nobody played: the rules one after the other, until they find no more."""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import TYPE_CHECKING, Literal, TypeAlias

import numpy as np

from midikit.cleaning.limits import ANY_NUMBER, instruments, is_percussive, voice_limits
from midikit.cleaning.repeats import find_doubled, find_retriggered, find_tails
from midikit.cleaning.report import EDIT, CleanReport
from midikit.cleaning.rules import LIGHT, RULES, STRONG
from midikit.cleaning.sheet import Sheet
from midikit.cleaning.single import find_faint, find_short
from midikit.cleaning.strays import find_strays, loneliness
from midikit.cleaning.voices import find_crowds, find_superfluous
from midikit.errors import ConversionError
from midikit.escape import quoted
from midikit.model.notes import NOTE, as_notes
from midikit.units import LATTICE

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    import numpy.typing as npt

    from midikit.model.song import Song

__all__ = ["PROFILES", "Profile", "clean", "edited"]

Profile: TypeAlias = Literal["auto", "light", "strong"]

PROFILES = ("auto", "light", "strong")

_BAD = 0.05
_LEAST_BAD = 4
_NEVER = 2.0


def clean(
    song: Song,
    *,
    profile: Profile = "light",
    rules: Collection[str] = RULES,
    min_duration: float | None = None,
    voices: Mapping[str, int] | None = None,
) -> tuple[Song, CleanReport]:
    """Take the notes out of a song that nobody played.

    Transcriptions are full of ghosts: clicks, echoes of a stroke, overtones, notes of another
    instrument, and one instrument written to two tracks. Each rule knows one kind by its reason:

    - ``retriggered``: a pitch that is struck again within a moment;
    - ``doubled``: a note that another track of the same instrument holds as well;
    - ``short``: a note too short to be meant (drums and parts played that short are left);
    - ``overlapping``: a note that reaches into the next of its pitch by a hair ends there instead;
    - ``faint``: a note far softer than its part and the notes around it;
    - ``stray``: a single note far from its part's range and rhythm;
    - ``crowded``: more voices at once than the part can play, by its name: one for a lead, two for
      a bass, six for a guitar; the weakest go.

    The rules are applied one after the other, and again until they find no more, so that cleaning
    what is clean changes nothing.

    Parameters
    ----------
    song : Song
        The song; nothing but its notes is touched.
    profile : {"auto", "light", "strong"}, optional
        How strict to be. ``"light"`` takes out what is hardly ever music, ``"strong"`` also what
        seldom is; ``"auto"`` is strong with the parts of which light takes out a twentieth or more,
        and light with the others.
    rules : collection of str, optional
        Those to apply; all if not given.
    min_duration : float or None, optional
        Seconds under which a note is too short; None for 0.03, and 0.04 where strong.
    voices : mapping of str to int or None, optional
        Voices of the parts of a name, instead of what follows from it; these are kept to without
        exception.

    Returns
    -------
    song : Song
        The song less what the report lists; the same object if that is nothing. Its `changes` say
        how many notes each rule found.
    report : CleanReport
        Every note that is gone or ends elsewhere, with its rule.

    Raises
    ------
    ConversionError
        If an option is none of those above, or no part has a name of `voices`.

    Examples
    --------
    >>> from midikit.model.song import Song, Track
    >>> notes = [(0.5 * i, 0.5 * i + 0.4, 60 + i, 80) for i in range(8)]
    >>> song = Song((Track("Koto", notes=as_notes([*notes, (1.2, 1.21, 67, 80)])),))
    >>> cleaned, report = clean(song)
    >>> cleaned, report.counts
    (<Song 1 track, 8 notes, 3.9 s>, {'short': 1})
    >>> print(cleaned.changes[0])
    short: 1 note taken out, too short to be meant: Koto 1
    """
    _check(profile, rules, min_duration)
    sheet = Sheet.of(song.tracks)
    parts = _Parts(song, rules, min_duration, voices)
    strong = np.full(len(song.tracks), profile == "strong")
    if profile == "auto":
        why, _ = _cleaned(sheet, parts, strong, once=True)
        gone = np.bincount(sheet.track[why >= 0], minlength=sheet.tracks)
        strong = gone >= np.maximum(_BAD * sheet.counts, _LEAST_BAD)
    why, ends = _cleaned(sheet, parts, strong)
    return edited(song, sheet, why, ends, sheet.pitch, RULES, profile, strong)


def _check(profile: str, rules: Collection[str], min_duration: float | None) -> None:
    if profile not in PROFILES:
        raise ConversionError(f"profile {quoted(profile)}: expected {', '.join(PROFILES)}")
    if isinstance(rules, str) or not set(rules) <= set(RULES):
        unknown = rules if isinstance(rules, str) else min(set(rules) - set(RULES), key=str)
        raise ConversionError(f"rules: {quoted(unknown)}; expected some of {', '.join(RULES)}")
    given: object = min_duration  # callers without a type checker pass anything
    is_number = isinstance(given, int | float | np.number)
    if min_duration is not None and not (is_number and 0 <= min_duration < np.inf):
        raise ConversionError(f"min_duration is {quoted(given)}; expected seconds, 0 or more")


class _Parts:
    """What the rules need to know of each track, whatever its notes."""

    def __init__(
        self,
        song: Song,
        rules: Collection[str],
        min_duration: float | None,
        voices: Mapping[str, int] | None,
    ) -> None:
        tracks = song.tracks
        self.rules = frozenset(rules)
        self.min_duration = min_duration
        self.limits = voice_limits(tracks, voices)
        self.is_given = np.array([track.name in (voices or {}) for track in tracks], np.bool_)
        self.is_drum = np.array([track.is_drum for track in tracks], np.bool_)
        self.is_percussive = np.array([is_percussive(track) for track in tracks], np.bool_)
        self.by_name, self.by_sound = instruments(tracks)


def _cleaned(
    sheet: Sheet, parts: _Parts, strong: npt.NDArray[np.bool_], *, once: bool = False
) -> tuple[npt.NDArray[np.int8], npt.NDArray[np.float64]]:
    """Apply the rules, once or until they find no more.

    Returns
    -------
    why : ndarray of int8, shape (n,)
        Index of the rule that took each note out or trimmed it, -1 for none. A note that is gone
        has an end of NaN.
    ends : ndarray of float64, shape (n,)
        Where each note ends.
    """
    why = np.full(len(sheet), -1, np.int8)
    ends = sheet.end.copy()
    now = replace(sheet, end=sheet.end.copy())
    wanted = [rule for rule in RULES if rule in parts.rules]
    settled = 0  # rules in turn that found nothing
    for rule in itertools.islice(itertools.cycle(wanted), len(wanted) if once else None):
        if rule == "overlapping":
            rows, tails = _tails(now, strong)
            now.end[rows] = tails
        else:
            rows, tails = np.flatnonzero(_FINDERS[rule](now, parts, strong)), np.array(np.nan)
        settled = 0 if len(rows) else settled + 1
        why[now.row[rows]], ends[now.row[rows]] = RULES.index(rule), tails
        if rule != "overlapping":
            now = now.without(rows)
        if settled == len(wanted):
            break
    return why, ends


def _each(name: str, strong: npt.NDArray[np.bool_]) -> npt.NDArray[np.float64]:
    """Give every track its threshold."""
    each: npt.NDArray[np.float64] = np.where(strong, getattr(STRONG, name), getattr(LIGHT, name))
    return each


def _retriggered(
    sheet: Sheet, parts: _Parts, strong: npt.NDArray[np.bool_]
) -> npt.NDArray[np.bool_]:
    within, drums = _each("retriggered", strong), _each("retriggered_drums", strong)
    return find_retriggered(sheet, np.where(parts.is_drum, drums, within))


def _doubled(sheet: Sheet, parts: _Parts, strong: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    anywhere = np.full(len(strong), np.inf)
    gone = find_doubled(sheet, parts.by_name, _each("doubled", strong), anywhere)
    by_sound = np.where(_each("by_sound", strong) > 0, parts.by_sound, -1)
    if (by_sound >= 0).any():
        exactly = np.full(len(strong), 1.1 / LATTICE)
        rest = ~gone
        gone[rest] = find_doubled(sheet.without(np.flatnonzero(gone)), by_sound, exactly, exactly)
    return gone


def _tails(
    sheet: Sheet, strong: npt.NDArray[np.bool_]
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:
    return find_tails(sheet, _each("hair", strong), _each("tail", strong))


def _short(sheet: Sheet, parts: _Parts, strong: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    shortest, usual = _each("shortest", strong), _each("usual", strong)
    if parts.min_duration is not None:
        shortest = np.full(len(strong), parts.min_duration)
        usual = np.where(strong, parts.min_duration, 2 * parts.min_duration)
    return find_short(sheet, np.where(parts.is_percussive, 0.0, shortest), usual)


def _faint(sheet: Sheet, parts: _Parts, strong: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    return find_faint(sheet, np.where(parts.is_drum, 0.0, _each("faint", strong)))


def _stray(sheet: Sheet, parts: _Parts, strong: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    lonely = loneliness(sheet)
    gone = find_strays(lonely, LIGHT.far)
    if strong.any():
        gone |= find_strays(lonely, STRONG.far) & strong[sheet.track]
    return gone & ~parts.is_drum[sheet.track]


def _crowded(sheet: Sheet, parts: _Parts, strong: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    passage = np.where(parts.is_given, _NEVER, _each("passage", strong))
    times = np.where(parts.is_given, ANY_NUMBER, _each("ceiling", strong))
    crowds = find_crowds(sheet, parts.limits, times, passage)
    return find_superfluous(sheet, crowds, parts.is_drum, _each("bearable", strong))


_Finder: TypeAlias = "Callable[[Sheet, _Parts, npt.NDArray[np.bool_]], npt.NDArray[np.bool_]]"

_FINDERS: dict[str, _Finder] = {
    "retriggered": _retriggered,
    "doubled": _doubled,
    "short": _short,
    "faint": _faint,
    "stray": _stray,
    "crowded": _crowded,
}


def edited(
    song: Song,
    sheet: Sheet,
    why: npt.NDArray[np.int8],
    ends: npt.NDArray[np.float64],
    pitches: npt.NDArray[np.int64],
    rules: Sequence[str],
    profile: str,
    strong: npt.NDArray[np.bool_],
) -> tuple[Song, CleanReport]:
    """Make the song that goes out, and the list of what is not in it as it came in.

    Parameters
    ----------
    song : Song
        What came in.
    sheet : Sheet
        Its notes.
    why : ndarray of int8, shape (n,)
        Index of the rule that concerns each note, -1 for none.
    ends : ndarray of float64, shape (n,)
        Where each note ends in seconds, NaN where it is gone.
    pitches : ndarray of int64, shape (n,)
        Pitch of each note.
    rules : sequence of str
        Names of the rules.
    profile : str
        What the report is called.
    strong : ndarray of bool, shape (tracks,)
        Tracks that were cleaned strongly.

    Returns
    -------
    song : Song
        The song; the same object if nothing is altered.
    report : CleanReport
        The list.
    """
    rows = np.flatnonzero(why >= 0)
    first = np.cumsum(sheet.counts) - sheet.counts
    edits = np.empty(len(rows), EDIT)
    edits["rule"] = np.array(rules)[why[rows]] if len(rows) else ""
    edits["track"] = sheet.track[rows]
    edits["note"] = rows - first[sheet.track[rows]]
    for name in NOTE.names or ():
        edits[name] = getattr(sheet, name)[rows]
    edits["new_end"] = ends[rows]
    edits["new_pitch"] = np.where(np.isnan(ends[rows]), -1, pitches[rows])
    edits.flags.writeable = False
    tracks = song.tracks
    report = CleanReport(
        profile,
        len(sheet),
        tuple(track.name for track in tracks),
        tuple(track.is_drum for track in tracks),
        tuple(strong.tolist()),
        edits,
    )
    if not len(rows):
        return song, report
    altered = list(tracks)
    for index in np.unique(edits["track"]).tolist():
        here = slice(int(first[index]), int(first[index] + sheet.counts[index]))
        notes = tracks[index].notes.copy()
        notes["end"], notes["pitch"] = ends[here], pitches[here]
        kept = as_notes(notes[~np.isnan(ends[here])])
        altered[index] = replace(tracks[index], notes=kept)
    return song.with_tracks(tuple(altered), *report.changes()), report
