"""``midikit archive``: what it prints, its exit codes, and that nothing is made for looking."""

from __future__ import annotations

import contextlib
import json
import sqlite3
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from midikit.cli import archive as command
from midikit.fetch.archive import STATES, Record
from midikit.fetch.disk.sqlite import SqliteArchive

RAW = (Path(__file__).parent.parent / "fixtures" / "answers" / "example.json").read_bytes()
CLIP = "29fc9d9e-a550-47d9-bfd2-6640a4025acc"
DELIVERED = Record(CLIP, "delivered", calls=1, sent=1e9, source="call", midi_origin="hosted")
SUBCOMMANDS = ("list", "show", "verify", "export", "import", "path", "prune")


@pytest.fixture
def filled(tmp_path: Path) -> Path:
    """Make an archive with a clip of three states."""
    with SqliteArchive(tmp_path / "home") as archive:
        archive.store(DELIVERED, answer=RAW, midi=b"MThd")
        problem = "no answer in time\x1b[2J; it may have been charged"
        archive.store(Record("unknown-1", "unknown", 1, 1e9, problem=problem), fragment=b"abc")
        archive.store(Record("failed-1", "failed", 1, 1e9, problem="task not found."))
    return tmp_path / "home"


def hurt(home: Path, statement: str) -> None:
    """Do something to the database behind the archive's back."""
    with contextlib.closing(sqlite3.connect(home / "archive.sqlite3")) as connection:
        connection.execute(statement)
        connection.commit()


def test_each_subcommand_has_help_with_examples(cli: Any) -> None:
    """Examples first, 80 columns, the states as the ledger has them."""
    assert command._STATES == STATES
    for name in SUBCOMMANDS:
        done = cli("archive", name, "-h")
        assert done.code == 0
        assert done.out.index("Examples:") < done.out.index("Options:")
        for option in ("--json", "-q, --quiet", "--debug", "-h, --help"):
            assert option in done.out
        assert max(map(len, done.out.splitlines())) <= 80
    assert cli("archive").code == 2
    assert cli("archive", "list", "--state", "lost").code == 2
    assert cli("archive", "export", "").code == 2
    assert cli("archive", "show", "a b").code == 2


def test_looking_makes_nothing(cli: Any, tmp_path: Path) -> None:
    """Where there is no archive yet there is none afterwards, and that is no error."""
    for words in (["list"], ["verify"], ["path"], ["prune"], ["export", tmp_path / "out"]):
        assert cli("archive", *words).code == 0
    assert not (tmp_path / "home").exists()
    done = cli("archive", "show", CLIP)
    assert (done.code, done.err) == (1, f"Error: clip {CLIP}: not in the archive\n")
    assert cli("archive", "path").out == f"{tmp_path / 'home'}\n"
    assert cli("archive", "path", "--json").row() == {"home": str(tmp_path / "home"), "exit": 0}


def test_json_has_the_folder_as_it_is(
    cli: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is talk may be cut and escaped; a program opens what it reads."""
    home = tmp_path / "ä" / ("h" * 200)
    monkeypatch.setenv("MIDIKIT_HOME", str(home))
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / f"{CLIP}.json").write_bytes(RAW)
    for words in (["path"], ["verify"], ["export", "out"], ["import", "in"]):
        assert cli("archive", *words, "--json").row()["home"] == str(home)


def test_list_prints_a_row_a_clip(cli: Any, filled: Path) -> None:
    """As a table within 80 columns and as JSON; what happened is escaped."""
    done = cli("archive", "list")
    assert done.code == 0
    head, *rows = done.out.splitlines()
    assert head.split() == ["clip", "id", "state", "calls", "last", "call", "(UTC)", ".mid"]
    assert rows[0].split() == [CLIP, "delivered", "1", "2001-09-09", "01:46", "hosted"]
    assert [row.split()[0] for row in rows] == [CLIP, "failed-1", "unknown-1"]
    assert r"clip unknown-1: no answer in time\x1b[2J; it may have been charged" in done.err
    assert max(map(len, done.out.splitlines())) <= 80
    lines = cli("archive", "list", "--json").out.splitlines()
    first = json.loads(lines[0])
    assert (first["clip_id"], first["state"], first["held"]) == (CLIP, "delivered", False)
    assert first["exit"] == 0
    only = cli("archive", "list", "--json", "--state", "unknown", "--state", "running")
    assert only.row()["clip_id"] == "unknown-1"
    assert "no clip of these states" in cli("archive", "list", "--state", "running").err


def test_list_tells_damage(cli: Any, filled: Path) -> None:
    """The sound rows are printed, the damaged one is an error."""
    hurt(filled, "UPDATE clips SET digest = x'00' WHERE clip_id = 'failed-1'")
    done = cli("archive", "list")
    assert done.code == 1
    assert CLIP in done.out
    assert "Error: clip failed-1: damaged: its row is not that of its SHA-256; restore" in done.err
    assert "1 damaged clip; see midikit archive verify" in done.err
    lines = [json.loads(line) for line in cli("archive", "list", "--json").out.splitlines()]
    assert [line["exit"] for line in lines] == [0, 0, 1]


def test_show_prints_everything(cli: Any, filled: Path) -> None:
    """Of a delivered clip and of one without an answer."""
    text = cli("archive", "show", f"clip:{CLIP.upper()}").out
    assert text.startswith(f"clip {CLIP}\n  state: delivered\n  answer: 3.6 kB, SHA-256")
    assert "  .mid (hosted): 4 bytes, SHA-256" in text
    assert "  paid calls: 1, last 2001-09-09 01:46:40 UTC" in text
    text = cli("archive", "show", "unknown-1").out
    assert "problem: no answer in time" in text
    assert "fragments: 3 bytes" in text
    row = cli("archive", "show", CLIP, "--json").row()
    assert (row["answer_bytes"], row["midi_bytes"], row["damage"]) == (len(RAW), 4, None)
    assert cli("archive", "show", "unknown-1", "--json").row()["fragments"] == [3]


def test_verify_says_what_is_damaged(cli: Any, filled: Path) -> None:
    """Counts and exit 0, or each fault and exit 1."""
    done = cli("archive", "verify")
    assert (done.code, done.out) == (0, "")
    assert "3 clips; 1 answer, 1 .mid, 1 fragment read and sound, 3.6 kB" in done.err
    assert "no damage" in done.err
    assert cli("archive", "verify", "--json").row()["damage"] == []
    hurt(filled, "UPDATE bytes SET data = x'00'")
    done = cli("archive", "verify", "-q")
    assert done.code == 1
    assert done.err.splitlines() == [
        f"Error: clip {name}: damaged: the bytes of its {kind} are not those of their SHA-256"
        for name, kind in ((CLIP, "answer"), (CLIP, "midi"), ("unknown-1", "fragment-1"))
    ]
    row = cli("archive", "verify", "--json").row()
    assert (row["answers"], row["exit"], len(row["damage"])) == (0, 1, 3)
    (filled / "archive.sqlite3").write_bytes(b"no database at all" * 100)
    done = cli("archive", "verify")
    assert done.code == 1
    assert "file is not a database" in done.err


def test_export_and_import_need_nothing_else(cli: Any, filled: Path, tmp_path: Path) -> None:
    """Out with its .mid beside it, and back into another archive."""
    done = cli("archive", "export", "out")
    assert (done.code, done.err) == (
        0,
        f"out: 1 clip of {filled}; 2 files written, 0 there already\n",
    )
    assert (tmp_path / "out" / f"{CLIP}.json").read_bytes() == RAW
    assert (tmp_path / "out" / f"{CLIP}.mid").read_bytes() == b"MThd"
    row = cli("archive", "export", "out", "--json", CLIP).row()
    assert (row["clips"], row["written"], row["same"], row["exit"]) == (1, 0, 2, 0)
    done = cli("archive", "export", "out", "unknown-1")
    assert done.code == 1
    assert "Error: clip unknown-1: is unknown: there is no answer of it" in done.err
    (tmp_path / "out" / f"{CLIP}.mid").write_bytes(b"mine")
    assert "exists with other content; --force replaces it" in cli("archive", "export", "out").err
    assert cli("archive", "export", "out", "--force").code == 0
    filled.rename(tmp_path / "old")
    done = cli("archive", "import", "out")
    assert done.err == f"{filled}: 1 clip added, 0 put right, 0 there already\n"
    assert cli("archive", "import", "out", "--json").row()["same"] == 1
    assert cli("archive", "import", "missing").code == 1


def test_prune_removes_what_has_no_answer(
    cli: Any, filled: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Failed ones; delivered ones only when it is said; unknown ones never."""
    assert "0 clips removed (failed, refundable)" in cli("archive", "prune").err
    monkeypatch.setattr("midikit.fetch.disk.pruning._YOUNGEST_SECONDS", -1.0)
    done = cli("archive", "prune", "--dry-run")
    assert "failed-1" in done.out
    assert "1 clip would be removed" in done.err
    row = cli("archive", "prune", "--json").row()
    assert (row["clip_id"], row["removed"]) == ("failed-1", True)
    assert cli("archive", "prune", "--state", "unknown").code == 2
    assert "0 clips removed" in cli("archive", "prune", "--delivered", "--older-than", "1").err
    assert "1 clip removed (delivered)" in cli("archive", "prune", "--delivered").err
    with SqliteArchive(filled) as archive:
        assert [record.clip_id for record in archive.list()] == ["unknown-1"]


def test_many_faults_and_problems_are_capped(cli: Any, tmp_path: Path) -> None:
    """Twenty lines, and how many more there are."""
    with SqliteArchive(tmp_path / "home") as archive:
        for number in range(25):
            clip_id = f"clip-{number:02d}"
            record = replace(DELIVERED, clip_id=clip_id, problem="said" * (number % 2))
            archive.store(replace(record, state="failed", problem="task not found."))
            archive.store(record, fragment=b"abc")
    done = cli("archive", "list")
    assert "and 5 more; see midikit archive show ID" in done.err
    hurt(tmp_path / "home", "UPDATE bytes SET data = x'00'")
    done = cli("archive", "verify")
    assert "and 5 more" in done.err
    assert "25 faults" in done.err
