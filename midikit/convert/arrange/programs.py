"""Which General MIDI program each track plays, and why.

A name that is known as a whole wins over a claim that contradicts it, because broken exports claim
one program for every track; a name of which only some words are known wins only where all tracks
make the same empty claim. Whatever is not simply the claim is listed as a change.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Literal, TypeAlias

from midikit.convert.arrange.naming import shown_name
from midikit.errors import ConversionError
from midikit.escape import quoted
from midikit.gm import PROGRAM_NAMES, ProgramGuess, find_program
from midikit.model.report import Change

if TYPE_CHECKING:
    from collections.abc import Sequence

    from midikit.model.song import Track

__all__ = ["Programs", "choose_programs"]

Programs: TypeAlias = "Literal['name', 'source'] | Mapping[str, int]"
"""``"name"``, ``"source"``, or programs by track name on top of ``"name"``."""

_KITS = frozenset([0, 8, 16, 24, 25, 26, 32, 40, 48, 56])
_EMPTY_CLAIMS = frozenset([0, 1])
_LONGEST_REMEMBERED = 200
"""Characters of a name; what longer ones say is not kept."""


def choose_programs(
    tracks: Sequence[Track], programs: Programs
) -> tuple[list[int | None], list[Change]]:
    """Choose the program of each track.

    Parameters
    ----------
    tracks : sequence of Track
        The tracks.
    programs : {"name", "source"} or mapping of str to int
        ``"name"``: by the instrument's name, else the claim, else 0. ``"source"``: the claim,
        whatever it is. A mapping gives the program of some names; the others go by name.

    Returns
    -------
    programs : list of (int or None)
        Program 0..127 of each track; None where nothing is to be written.
    changes : list of Change
        Every choice that is not the claim.

    Raises
    ------
    ConversionError
        If the policy is unknown, a name in the mapping is no track's, or a program is out of range.
    """
    if programs == "source":
        return [track.program for track in tracks], []
    given: object = programs  # callers without a type checker pass anything
    if given != "name" and not isinstance(given, Mapping):
        expected = "'name', 'source' or programs by track name"
        raise ConversionError(f"programs is {quoted(given)}; expected {expected}")
    asked = _checked(tracks, programs) if isinstance(programs, Mapping) else {}
    melodic = [track.program for track in tracks if not track.is_drum and len(track.notes)]
    empty = len(melodic) > 1 and len(set(melodic)) == 1 and melodic[0] in _EMPTY_CLAIMS
    chosen: list[int | None] = []
    changes = []
    for track in tracks:
        choose = _choose if len(track.name) <= _LONGEST_REMEMBERED else _choose.__wrapped__
        program, change = choose(
            track.name,
            track.program,
            asked.get(track.name),
            is_drum=track.is_drum,
            is_silent=not len(track.notes),
            empty_claims=empty,
        )
        chosen.append(program)
        if change is not None:
            changes.append(change)
    return chosen, changes


def _checked(tracks: Sequence[Track], asked: Mapping[str, object]) -> dict[str, int]:
    """Make sure that what was asked for can be written."""
    checked = {}
    names = {track.name for track in tracks}
    for name, program in asked.items():
        if name not in names:
            known = ", ".join(quoted(track.name) for track in tracks[:20])
            raise ConversionError(f"no track is named {quoted(name)}; there are {known}")
        if not isinstance(program, int) or not 0 <= program <= 127:
            raise ConversionError(
                f"program {quoted(program)} for {quoted(name)}; expected a whole number, 0 to 127"
            )
        checked[name] = program
    return checked


@lru_cache(maxsize=1024, typed=True)
def _choose(
    name: str,
    claim: int | None,
    asked: int | None,
    *,
    is_drum: bool,
    is_silent: bool,
    empty_claims: bool,
) -> tuple[int | None, Change | None]:
    """Choose one track's program and say why, unless it is the claim; names come again."""
    if is_silent and claim is None and asked is None:
        return None, None
    if asked is not None:
        sound = f"kit {asked}" if is_drum else _sound(asked)
        program, why = asked, "" if asked == claim else f"plays {sound}, as asked"
    elif is_drum:
        program, why = _choose_kit(claim)
    else:
        program, why = _choose_by_name(name, claim, empty_claims=empty_claims)
    return program, Change("program", shown_name(name), why) if why else None


def _choose_by_name(name: str, claim: int | None, *, empty_claims: bool) -> tuple[int, str]:
    """Choose the program of an instrument."""
    guess = find_program(name)
    if guess is None:
        if claim is None:
            return 0, f"plays {_sound(0)}: its name says nothing"
        return claim, ""
    if claim is None:
        return guess.program, f"plays {_sound(guess.program)}, {_by(guess)}"
    if claim == guess.program or not _contradicts(guess, claim, empty_claims=empty_claims):
        return claim, ""
    text = f"plays {_sound(guess.program)}, {_by(guess)}; the file claimed {_sound(claim)}"
    return guess.program, text


def _contradicts(guess: ProgramGuess, claim: int, *, empty_claims: bool) -> bool:
    if guess.how == "exact":
        return True
    if guess.how == "fuzzy" and not empty_claims:
        return False
    return claim not in guess.compatible


def _choose_kit(claim: int | None) -> tuple[int, str]:
    if claim is None or claim in _KITS:
        return claim or 0, ""
    return 0, f"plays the standard kit; the file claimed {_sound(claim)}, which is no kit"


def _by(guess: ProgramGuess) -> str:
    return "by its name" if guess.is_confident else "guessed from its name"


def _sound(program: int) -> str:
    return f"{PROGRAM_NAMES[program]} (program {program})"
