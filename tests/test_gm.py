"""General MIDI names: what the service calls its instruments, and what that means."""

from __future__ import annotations

import pytest

from midikit.gm import DRUM_NAMES, PROGRAM_NAMES, find_program, is_drum


def test_tables_are_complete() -> None:
    """128 different sounds; the kit of Level 1 begins and ends where the standard says."""
    assert len(PROGRAM_NAMES) == len(set(PROGRAM_NAMES)) == 128
    assert DRUM_NAMES[35] == "Acoustic Bass Drum"
    assert DRUM_NAMES[81] == "Open Triangle"
    assert (min(DRUM_NAMES), max(DRUM_NAMES)) == (27, 87)


@pytest.mark.parametrize("program", range(128))
def test_every_program_is_found_by_its_own_name(program: int) -> None:
    """An exact name gives its program, whatever the case."""
    for name in (PROGRAM_NAMES[program], PROGRAM_NAMES[program].upper()):
        guess = find_program(name)
        assert guess is not None
        assert (guess.program, guess.how) == (program, "exact")


@pytest.mark.parametrize(
    ("name", "program", "how"),
    [
        ("String Ensembles 1", 48, "exact"),
        ("SynthStrings 1", 50, "exact"),
        ("Electric Bass (finger)", 33, "exact"),
        ("koto 2", 107, "exact"),
        ("Vocals", 53, "alias"),
        ("Backing Vocals", 52, "alias"),
        ("Backing_Vocals", 52, "alias"),
        ("Keyboard", 4, "alias"),
        ("Woodwinds", 73, "alias"),
        ("Brass", 61, "alias"),
        ("Guitar", 27, "alias"),
        ("FX", 99, "alias"),
        ("My Song (Bass).mid", 33, "role"),
        ("My Song - Strings", 48, "role"),
        ("Dark Synth Bass", 38, "fuzzy"),
        ("Violins II", 40, "fuzzy"),
    ],
)
def test_the_services_names_are_understood(name: str, program: int, how: str) -> None:
    """Near misses, everyday names, roles in brackets and partial names, each by its step."""
    guess = find_program(name)
    assert guess is not None
    assert (guess.program, guess.how) == (program, how)
    assert guess.is_confident == (how != "fuzzy")
    assert program in guess.compatible


@pytest.mark.parametrize("name", ["", "Track 7", "Other", "???", "🎹", "x" * 10_000_000])
def test_names_that_say_nothing(name: str) -> None:
    """No guess is made where there is nothing to go by, however long the name."""
    assert find_program(name) is None
    assert not is_drum(name, None)


@pytest.mark.parametrize(
    ("name", "program", "expected"),
    [
        ("Drums", None, True),
        ("Drums", 40, True),
        ("Song (Drums).mid", 1, True),
        ("Drum Kit 2", None, True),
        ("Electronic Drums", None, True),
        ("Percussion", None, True),
        ("Percussion", 0, True),
        ("Percussion", 47, False),
        ("Snare", 1, True),
        ("Steel Drums", None, False),
        ("Taiko Drum", None, False),
        ("Synth Drum", None, False),
        ("Timpani", None, False),
        ("Bass", None, False),
        ("Drumline Bass", None, False),
        ("Battery (Guitar)", 30, False),
        ("Kick (Vocals)", None, False),
        ("Drum Machine (Bass).mid", None, False),
        ("Drums - Bass", None, False),
        ("Drums (live)", None, True),
        ("My Guitar Song (Drums)", 0, True),
    ],
)
def test_kits_are_told_from_pitched_drums(name: str, program: int | None, expected: object) -> None:
    """A kit by name always; some percussion only where the claim says nothing."""
    assert is_drum(name, program) is expected
