"""What the documents say is so: code runs, commands exist, tables are complete."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
import wave
from pathlib import Path

import click
import pytest
from click.testing import CliRunner
from matplotlib import pyplot as plt

from midikit import cli, read_json, sandbox

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
DOCUMENTED_CLIP = "29fc9d9e-a550-47d9-bfd2-6640a4025acc"


def blocks(language: str) -> list[str]:
    """Return the README's code blocks of one language."""
    return re.findall(rf"^```{language}\n(.*?)^```", README, re.DOTALL | re.MULTILINE)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in an empty folder that holds the fixtures, as a clone does."""
    (tmp_path / "fixtures").symlink_to(ROOT / "fixtures", target_is_directory=True)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MIDIKIT_HOME", str(tmp_path / "home"))
    return tmp_path


def test_python_blocks_run(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every Python block of the README runs in order, the paid call against the sandbox."""
    with sandbox.serve(polls=0) as server:
        for name, value in server.environment.items():
            monkeypatch.setenv(name, value)
        namespace: dict[str, object] = {}
        for block in blocks("python"):
            code = block.replace(DOCUMENTED_CLIP, server.clips[0])
            exec(compile(code, "README.md", "exec"), namespace)
    plt.close("all")
    assert (folder / "song.mid").read_bytes()[:4] == b"MThd"
    assert repr(namespace["back"]) == "<Song 1 track, 20 notes, 7.2 s>"


def test_command_lines_run(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every `midikit` line of the README but the serving one ends as it says."""
    answer = (ROOT / "fixtures" / "answers" / "example.json").read_bytes()
    for name in ("answer", "drums", "bass", "keys"):
        (folder / f"{name}.json").write_bytes(answer)
    convert = [sys.executable, "-m", "midikit", "convert", "answer.json", "-q", "--force", "-o"]
    for name in ("broken.mid", "hosted.mid", "reference.mid", "estimate.mid"):
        subprocess.run([*convert, name], check=True)
    (folder / "kit.csv").write_text(blocks("text")[0])
    lines = [
        line.split("  #")[0].strip()
        for block in blocks("")
        for line in block.splitlines()
        if line.startswith("midikit ")
    ]
    assert len(lines) > 8
    with sandbox.serve(polls=0) as server:
        (folder / "ids.txt").write_text(f"{server.clips[0]}\n")
        for name, value in server.environment.items():
            monkeypatch.setenv(name, value)
        for line in lines:
            words = shlex.split(line.replace(DOCUMENTED_CLIP, server.clips[0]))
            if words[1] in {"play", "sandbox"}:
                continue
            run = subprocess.run(
                [sys.executable, "-m", *words], capture_output=True, text=True, check=False
            )
            assert run.returncode == 0, f"{line}\n{run.stdout}{run.stderr}"


def test_every_command_is_in_the_readme() -> None:
    """No command without a line that shows it, and no line for a command that is gone."""
    context = click.Context(cli.midikit)
    commands = set(cli.midikit.list_commands(context))
    shown = set(re.findall(r"\bmidikit (\w+)", "\n".join(blocks("")))) | {"demo"}
    assert commands == shown


def test_every_variable_is_in_the_readme() -> None:
    """Each MIDIKIT_ variable the code reads is explained, and no other."""
    sources = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "midikit").rglob("*.py"))
    assert set(re.findall(r"MIDIKIT_[A-Z_]+\b", sources)) == set(
        re.findall(r"MIDIKIT_[A-Z_]+\b", README)
    )


def json_table() -> set[tuple[str, str]]:
    """Return the README's (object, key) pairs; of a line itself the object is the command."""
    rows = re.search(r"^\| in \| key \| is \|\n(.*?)\n\n", README, re.DOTALL | re.MULTILINE)
    assert rows is not None
    pairs = set()
    for row in rows[1].splitlines()[1:]:
        _, objects, keys, _, _ = row.split("|")
        names = ["convert", "inspect"] if objects.strip() == "both" else objects.split(",")
        pairs |= {
            (name.strip().strip("`"), key) for name in names for key in re.findall(r"`(\w+)`", keys)
        }
    return pairs


def json_keys(value: object, at: str, command: str) -> set[tuple[str, str]]:
    """Return the (object, key) pairs of a JSON line; a list stands for each of its objects."""
    if isinstance(value, list):
        return set().union(*(json_keys(item, at, command) for item in value))
    if not isinstance(value, dict) or at == "grid.ask":
        return set()
    found = set()
    for key, inner in value.items():
        found |= {(at or command, key)} | json_keys(inner, f"{at}.{key}".lstrip("."), command)
    return found


def table_name(at: str, objects: set[str]) -> str:
    """Return the table's name of an object: the end of its path that tells the most."""
    ends = [name for name in objects if f".{at}".endswith(f".{name}")]
    return max(ends, key=len, default=at)


def test_every_json_key_is_in_the_readme(folder: Path) -> None:
    """Each key of real lines of convert and inspect stands in the table, and no other does."""
    rate, sound = 8000, bytearray(b"\x80" * 8000 * 9)
    for start in read_json("fixtures/answers/example.json")[0].notes["start"].tolist():
        sound[int((start + 0.5) * rate) : int((start + 0.52) * rate)] = b"\xf0\x10" * 80
    with wave.open("song.wav", "wb") as file:
        file.setparams((1, 1, rate, 0, "NONE", ""))
        file.writeframes(bytes(sound))
    answer, damaged = "fixtures/answers/example.json", "fixtures/answers/damaged.json"
    mid = "fixtures/midi/valid-base1.mid"
    lines = (
        ["convert", answer, "-o", "a.mid", "--quantize", "auto", "--audio", "song.wav"],
        ["convert", damaged, mid, "-o", "b.mid", "--merge", "--check", mid],
        ["convert", answer, "-o", "parts/", "--split"],
        ["convert", "missing.json"],
        ["inspect", answer, mid, damaged, "missing.json"],
    )
    found = set()
    for words in lines:
        done = CliRunner().invoke(cli.midikit, [*words, "--json"])
        for line in done.stdout.splitlines():
            found |= json_keys(json.loads(line), "", words[0])
    table = json_table()
    objects = {name for name, _ in table}
    assert {(table_name(at, objects), key) for at, key in found} == table


def test_pictures_of_the_readme_are_there_and_small() -> None:
    """Each stands in the repository and is less than 150 kB."""
    paths = re.findall(r"!\[[^\]]+\]\((.*?)\)", README)
    assert "notebooks/pictures/roll.png" in paths
    assert all((ROOT / path).stat().st_size < 150_000 for path in paths)


def test_every_fixture_has_its_row() -> None:
    """fixtures/README.md names each file and folder beside it."""
    table = (ROOT / "fixtures" / "README.md").read_text(encoding="utf-8")
    folders = [path for path in (ROOT / "fixtures").rglob("*") if path.is_file()]
    missing = [
        str(path.relative_to(ROOT / "fixtures"))
        for path in folders
        if path.name != "README.md" and path.relative_to(ROOT / "fixtures").as_posix() not in table
    ]
    assert missing == []


def test_the_lock_names_no_address() -> None:
    """requirements.lock holds versions and hashes only."""
    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    assert "://" not in lock
    assert "--hash=sha256:" in lock
