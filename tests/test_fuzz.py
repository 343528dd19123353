"""Any bytes at all: the promises that the coverage-guided fuzzer checks, in a short form."""

from __future__ import annotations

import importlib.util
import random
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from midikit.model.report import Repair
from midikit.model.song import Song, trusted_track
from midikit.parse.midi import read_midi
from tests.fuzz.__main__ import main
from tests.fuzz.invariants import CHECKS, check_answer, check_midi
from tests.fuzz.seeds import SEEDS, WORDS, mutated
from tests.smf_bytes import chunk, header, whole
from tests.strategies import Made, broken_answers, broken_files, claims, events, write

if TYPE_CHECKING:
    from collections.abc import Callable

TARGETS = sorted(CHECKS)


@pytest.mark.parametrize("target", TARGETS)
def test_every_promise_holds_for_the_seeds_and_their_mutations(target: str) -> None:
    """What fuzzing begins with, then several hundred damaged copies with words put in."""
    chance = random.Random(20261126)
    seeds = SEEDS[target]()
    assert sum(isinstance(CHECKS[target](data), Song) for data in seeds) > 10
    for _ in range(400):
        data, word = chance.choice(seeds), chance.choice(WORDS[target])
        at = chance.randrange(len(data) + 1)
        CHECKS[target](mutated(data, chance))
        CHECKS[target](data[:at] + word + data[at:])


@settings(max_examples=300)
@given(broken_files())
def test_every_promise_holds_for_files_with_faults_of_all_sorts(data: bytes) -> None:
    """Edited, cut and spliced tracks under lengths that lie."""
    check_midi(data)


@settings(max_examples=400)
@given(broken_answers())
def test_every_promise_holds_for_answers_with_anything_in_any_place(data: bytes) -> None:
    """Any JSON, or what is no JSON, instead of any value; keys given twice; damaged text."""
    check_answer(data)


@settings(max_examples=200)
@given(st.lists(st.tuples(events, claims), min_size=1, max_size=4))
def test_chunk_lengths_that_lie_cost_no_note(
    tracks: list[tuple[list[Made], Callable[[int], int]]],
) -> None:
    """Whatever the chunks claim to be, the notes are those of the file that tells the truth."""
    bodies = [write(made) for made, _ in tracks]
    head = header(tracks=len(bodies))
    sound = read_midi(head + b"".join(map(chunk, bodies)))
    lies = [chunk(body, claim(len(body))) for body, (_, claim) in zip(bodies, tracks, strict=True)]
    song = read_midi(head + b"".join(lies))
    assert [t.notes.tolist() for t in song] == [t.notes.tolist() for t in sound]


# ---------------------------------------------------------------- the command

_FAKE = """\
#!{python}
import sys
options = dict(word[1:].split("=", 1) for word in sys.argv if word.startswith("-") and "=" in word)
corpus, seeds = sys.argv[-2:]
print("#2 INITED cov: 17 ft: 20 corp: 2/9b", file=sys.stderr)
if {crash!r} == "yes":
    open(options["artifact_prefix"] + "crash-1", "wb").write(b"MThd")
    print("= Uncaught Python exception: =\\nAssertionError: out of order", file=sys.stderr)
print("#" + options["runs"] + " DONE cov: 21 ft: 30", file=sys.stderr)
print("stat::number_of_executed_units: " + options["runs"], file=sys.stderr)
sys.exit({{"yes": 77, "broken": 3, "no": 0}}[{crash!r}])
"""


@pytest.fixture
def fuzzer(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[str], None]:
    """Put a program that prints as libFuzzer does in the place of the fuzzing process."""

    def put(crash: str) -> None:
        program = tmp_path / "fuzzer"
        program.write_text(_FAKE.format(python=sys.executable, crash=crash))
        program.chmod(0o700)
        monkeypatch.setattr(sys, "executable", str(program))
        monkeypatch.setattr(importlib.util, "find_spec", lambda name: name)
        monkeypatch.chdir(tmp_path)

    return put


def test_the_executions_of_all_processes_are_summed(
    fuzzer: Callable[[str], None], capsys: pytest.CaptureFixture[str]
) -> None:
    """Two jobs share them; edges are those of the one that saw most; nothing found is exit 0."""
    fuzzer("no")
    assert main(["midi", "--runs", "2500000", "--jobs", "2", "--corpus", "kept"]) == 0
    assert "midi: 2,500,000 executions, 21 edges, 0 findings, " in capsys.readouterr().out
    assert Path("kept").is_dir()


def test_a_finding_is_kept_and_told_with_its_command(
    fuzzer: Callable[[str], None], capsys: pytest.CaptureFixture[str]
) -> None:
    """The exit code is 1, and the command that is printed checks the very bytes."""
    fuzzer("yes")
    assert main(["midi", "--runs", "9"]) == 1
    out = capsys.readouterr().out
    assert "midi: 9 executions, 21 edges, 1 findings, " in out
    assert "AssertionError: out of order" in out
    command = "uv run python -m tests.fuzz midi --replay fuzz-findings/midi-0-crash-1"
    assert command in out
    assert main(command.split()[5:]) == 0
    assert "MidiError" in capsys.readouterr().out


def test_a_fuzzer_that_does_not_run_is_no_success(
    fuzzer: Callable[[str], None], capsys: pytest.CaptureFixture[str]
) -> None:
    """A process that ends badly without a finding makes the exit code 1, and is shown."""
    fuzzer("broken")
    assert main(["answers", "--runs", "9"]) == 1
    assert "ended with 3: stat::number_of_executed_units: 9" in capsys.readouterr().err


def test_what_is_needed_is_said(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without atheris one line says how to get it."""
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(SystemExit):
        main(["midi"])
    assert "uv run --group fuzz python -m tests.fuzz" in capsys.readouterr().err


# ---------------------------------------------------------------- the checks can fail


def _with_notes(song: Song, change: Callable[[Any], Any]) -> Song:
    """Change the notes behind the back of every check of the model."""
    tracks = tuple(trusted_track(t.name, change(t.notes), channel=t.channel) for t in song.tracks)
    return replace(song, tracks=tracks)


LIES: dict[str, Callable[[Song], Song]] = {
    "lost": lambda song: _with_notes(song, lambda notes: notes[1:]),
    "writable": lambda song: _with_notes(song, lambda notes: notes.copy()),
    "out of order": lambda song: _with_notes(song, lambda notes: notes[::-1]),
    "silent": lambda song: replace(song, repairs=()),
    "acting on the terminal": lambda song: replace(
        song, repairs=(*song.repairs, Repair("data-byte", "byte 3", "\x1b[2J", "clipped", offset=3))
    ),
    "too early": lambda song: replace(
        song, repairs=(*song.repairs, Repair("data-byte", "byte 3", "200", "clipped", offset=3))
    ),
}


@pytest.mark.parametrize("lie", LIES)
def test_a_reader_that_breaks_a_promise_is_caught(
    lie: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each way of breaking one is noticed in a file of two notes and a clipped byte."""
    data = whole("00 903cff 60 803c40 00 903e64 60 803e40")
    check_midi(data)

    def lying(source: bytes, *, strict: bool = False) -> Song:
        return read_midi(source, strict=True) if strict else LIES[lie](read_midi(source))

    monkeypatch.setattr("tests.fuzz.invariants.read_midi", lying)
    with pytest.raises(AssertionError):
        check_midi(data)
