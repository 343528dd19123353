"""The command line as a whole: help, version, exit codes, pipes, and what is loaded for them."""

from __future__ import annotations

import json
import os
import pty
import re
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import click
import pytest

from midikit import errors
from midikit.__main__ import main
from midikit.cli import COMMANDS, exits, midikit
from midikit.cli.report import Report
from midikit.cli.table import Column, table_lines

HEAVY = ("numpy", "httpx", "mido", "pretty_midi", "matplotlib", "rich", "msgspec")
NEEDLESS = ("httpcore", "ssl", "socket", "asyncio", "email", "http", "sqlite3", "multiprocessing")
ANSWER = {
    "instruments": [{"name": "Koto", "notes": [{"start": 0, "end": 1, "pitch": 60, "velocity": 1}]}]
}


def start(*words: str, **options: Any) -> subprocess.Popen[bytes]:
    """Start the command line in a process of its own."""
    command = [sys.executable, "-m", "midikit", *words]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **options)


def loaded_by(*words: str, among: tuple[str, ...]) -> tuple[list[str], bytes]:
    """Run a command in a fresh interpreter: which of these modules it loaded, and its output."""
    code = (
        "import sys; from midikit.__main__ import main; status = main(sys.argv[1:]); "
        f"print(*[name for name in {among} if name in sys.modules], file=sys.stderr); "
        "sys.exit(status)"
    )
    command = [sys.executable, "-c", code, *words]
    done = subprocess.run(command, capture_output=True, check=True)
    return done.stderr.decode().splitlines()[-1].split(), done.stdout


@pytest.mark.parametrize("words", [["--help"], ["-h"], *([name, "-h"] for name in COMMANDS)])
def test_help_loads_nothing_heavy(words: list[str]) -> None:
    """Asking what there is takes a twentieth of a second, not the time to load numpy."""
    loaded, output = loaded_by(*words, among=(*HEAVY, *NEEDLESS, "concurrent"))
    assert loaded == []
    assert output.startswith(b"Usage: midikit")


def test_the_version_loads_nothing_heavy() -> None:
    """Only what reads the version of an installed package."""
    loaded, output = loaded_by("--version", among=HEAVY)
    assert loaded == []
    assert output.startswith(b"midikit 0.")


@pytest.mark.parametrize(
    "words",
    [
        ["convert", "{}", "-o", "out/", "--to", "mid,npz,notes.npz,csv", "--quantize", "auto"],
        ["inspect", "{}"],
        ["compare", "{}", "{}"],
    ],
)
def test_a_file_needs_no_network_and_no_other_library(words: list[str], tmp_path: Path) -> None:
    """Neither httpx nor what it brings, nor threads, nor what only adapters use."""
    source, out = tmp_path / "song.json", str(tmp_path / "out/")
    source.write_text(json.dumps(ANSWER))
    named = [word.replace("{}", str(source)).replace("out/", out) for word in words]
    heavy = [name for name in HEAVY if name not in ("numpy", "msgspec")]
    loaded, _ = loaded_by(*named, among=(*heavy, *NEEDLESS, "concurrent"))
    assert loaded == []


def test_every_command_has_help_with_examples_first(capsys: pytest.CaptureFixture[str]) -> None:
    """Examples come before options, and every command can be loaded."""
    names = [
        "demo",
        "convert",
        "inspect",
        "compare",
        "view",
        "play",
        "fetch",
        "archive",
        "sandbox",
        "doctor",
    ]
    assert list(COMMANDS) == names
    for name in COMMANDS:
        assert main([name, "--help"]) == 0
        text = capsys.readouterr().out
        assert text.startswith(f"Usage: midikit {name} ")
        assert text.index("Examples:") < text.index("Options:")
        assert f"  midikit {name}" in text
        assert max(map(len, text.splitlines())) <= 80
        if name == "archive":  # its subcommands have them: see test_cli_archive
            continue
        for option in ("--json", "-q, --quiet", "--debug", "-h, --help"):
            assert option in text
    assert main(["-h"]) == 0
    text = capsys.readouterr().out
    assert all(line in text for line in COMMANDS.values())
    assert "130 interrupted" in text


def test_a_word_that_is_no_command_is_a_usage_error(capsys: pytest.CaptureFixture[str]) -> None:
    """Typing errors and an empty line end with 2."""
    assert main(["covert"]) == 2
    assert "Error: No such command 'covert'." in capsys.readouterr().err
    assert main([]) == 2
    assert "midikit convert song.json" in capsys.readouterr().err
    assert main(["convert"]) == 2
    assert "Missing argument 'SOURCE...'" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (errors.InputError("a", "", "bad"), 1),
        (errors.MidiError("a", "bad"), 1),
        (errors.LimitError("big"), 1),
        (errors.NotesError("bad"), 1),
        (errors.ConversionError("no"), 1),
        (errors.OutputError("full"), 1),
        (OSError(28, "No space left on device"), 1),
        (MemoryError(), 1),
        (click.UsageError("what?"), 2),
        (errors.ProviderError("a", "code", "500", "oops"), 3),
        (errors.TokenError("", "none"), 3),
        (errors.RateLimitedError("c", "later"), 3),
        (errors.DownloadError("", "gone"), 3),
        (errors.PendingError("a", "data.state", "running"), 4),
        (errors.DeadlineError("c", "late"), 4),
        (errors.DifferenceError("differs"), 5),
        (KeyError("surprise"), 70),
        (RecursionError("deep"), 70),
        (KeyboardInterrupt(), 130),
        (click.Abort(), 130),
    ],
)
def test_each_error_has_its_exit_code_and_one_line(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    error: BaseException,
    code: int,
) -> None:
    """Whatever a command raises ends in a sentence and a documented code."""
    command = click.Command("inspect", callback=_raiser(error))
    monkeypatch.setattr(midikit, "get_command", lambda *_: command)
    assert main(["inspect"]) == code
    out, err = capsys.readouterr()
    assert out == ""
    assert len(err.strip().splitlines()) == (4 if code == 2 else 1)
    assert "Traceback" not in err
    assert "MemoryError" not in err
    if code == 70:
        assert f"a bug in midikit: {type(error).__name__}" in err


def _raiser(error: BaseException) -> Any:
    def callback() -> None:
        raise error

    return callback


def test_the_error_tree_has_a_code_for_every_class() -> None:
    """No documented error is ever called a bug of ours."""
    for name in errors.__all__:
        kind = getattr(errors, name)
        arguments = ("", "", "", "")[: 2 if issubclass(kind, errors.RemoteError) else 4]
        if issubclass(kind, errors.PendingError):
            arguments = ("", "", "")
        assert exits.code_of(kind.__new__(kind, *arguments)) in {1, 3, 4, 5}


def test_messages_are_one_line_without_control_characters() -> None:
    """Text of a third party cannot act on the terminal or fill it."""
    text = exits.explain(errors.InputError("a", "b", "x\x1b[2J\r\ny" + "z" * 9000))
    assert "\\x1b[2J" in text
    assert len(text) < 1600
    assert not re.search(r"[\x00-\x1f]", text)
    assert exits.explain(OSError(2, "No such file", "gone")) == "No such file: gone"


def test_messages_to_callers_are_said_in_options() -> None:
    """Names of arguments in the library's messages become options of the command line."""
    for said, shown in (
        ("is a device, no plain file", "is a device, no plain file; pass - to read"),
        ("use fewer ticks_per_quarter or a slower tempo", "use a smaller --ticks-per-quarter or a"),
        ("shorten the names or raise it with max_bytes=", "shorten the names"),
        ("with fs= or per_beat=, or raise it with max_bytes=", "with a smaller --fs"),
        ("pass overlap='trim', 'spill' or 'keep'", "pass --overlap trim, spill or keep"),
    ):
        text = exits.explain(errors.LimitError(said))
        assert text.startswith(shown)
        assert "max_bytes" not in text
    read = exits.explain(errors.LimitError("9 bytes, more than 8; pass max_bytes= to read them"))
    assert read == "9 bytes, more than 8; in Python max_bytes= reads more"


@pytest.mark.parametrize(
    ("environment", "program"),
    [
        ({"UV": ".uv/bin/uv", "UV_RUN_RECURSION_DEPTH": "1"}, ".uv/bin/uv run midikit"),
        ({"PATH": ""}, "python3 -m midikit"),
    ],
)
def test_what_the_demo_proposes_can_be_pasted(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    environment: dict[str, str],
    program: str,
) -> None:
    """The lines begin as the demo itself was begun and fit 80 columns."""
    monkeypatch.chdir(tmp_path)
    for name in ("UV", "UV_RUN_RECURSION_DEPTH"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, str(tmp_path / value) if name == "UV" else value)
    monkeypatch.setattr(sys, "argv", ["/lib/midikit/__main__.py"])
    assert main(["demo"]) == 0
    lines = capfd.readouterr().out.partition("Try next\n")[2]
    assert max(map(len, lines.splitlines())) <= 80
    commands = [shlex.split(line) for line in lines.replace("\\\n", " ").splitlines()]
    assert len(commands) == 3
    for command in commands:
        assert command[: len(program.split())] == program.split()
    inspect, compare, _ = (command[len(program.split()) :] for command in commands)
    assert main(inspect) == 0
    assert main(compare) == 0


def test_debug_shows_the_traceback(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """--debug is for those who report a bug."""
    options = [click.Option(["--debug"], is_flag=True, expose_value=False)]
    command = click.Command("inspect", callback=_raiser(KeyError("x")), params=[*options])
    monkeypatch.setattr(midikit, "get_command", lambda *_: command)
    assert main(["inspect", "--debug"]) == 70
    assert "Traceback (most recent call last)" in capsys.readouterr().err


def test_a_reader_that_closes_the_pipe_ends_it_quietly(tmp_path: Path) -> None:
    """``midikit inspect … | head -1`` prints no error about the pipe."""
    notes = ANSWER["instruments"][0]["notes"]
    parts = [{"name": f"Track {i}", "notes": notes} for i in range(3000)]
    (tmp_path / "many.json").write_text(json.dumps({"instruments": parts}))
    with start("inspect", "many.json", "many.json", "--json", cwd=tmp_path) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.read(10)
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 0


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has a full device")
def test_a_full_disk_behind_stdout_is_an_error_in_words(tmp_path: Path) -> None:
    """Output that cannot be written is exit code 1, said once."""
    (tmp_path / "song.json").write_text(json.dumps(ANSWER))
    with open("/dev/full", "wb") as full:  # noqa: PTH123 - a device
        command = [sys.executable, "-m", "midikit", "inspect", "song.json"]
        done = subprocess.run(
            command, stdout=full, stderr=subprocess.PIPE, cwd=tmp_path, check=False
        )
    assert done.returncode == 1
    assert done.stderr == b"Error: No space left on device\n"


@pytest.mark.parametrize(
    ("line", "code", "said"),
    [
        ("inspect song.json >&-", 1, "Error: stdout is closed\n"),
        ("--help >&-", 1, "Error: stdout is closed\n"),
        ("convert song.json -o - >&-", 1, "Error: song.json: stdout is closed\n"),
        ("convert song.json -o x.mid -q >&-", 0, ""),
        ("convert song.json -o x.mid 2>&-", 0, ""),
        ("convert gone.json -o x.mid 2>&-", 1, ""),
        ("convert - -o x.mid <&-", 1, "Error: stdin: cannot be read: it is closed\n"),
        ("convert - -o x.mid <&- >&- 2>&-", 1, ""),
        ("convert song.json -o x.mid -q <&- >&-", 0, ""),
    ],
)
def test_closed_streams_are_no_bug(tmp_path: Path, line: str, code: int, said: str) -> None:
    """Daemons and cron jobs may close any of the three; files are written all the same."""
    (tmp_path / "song.json").write_text(json.dumps(ANSWER))
    command = f"{shlex.quote(sys.executable)} -m midikit {line}"
    done = subprocess.run(
        ["/bin/sh", "-c", command], capture_output=True, cwd=tmp_path, check=False
    )
    assert (done.returncode, done.stderr.decode(), done.stdout) == (code, said, b"")
    if code == 0:
        assert (tmp_path / "x.mid").read_bytes().startswith(b"MThd")


def test_ctrl_c_ends_with_130(tmp_path: Path) -> None:
    """An interrupted command says so in one word."""
    with start("convert", "-", cwd=tmp_path, stdin=subprocess.PIPE, bufsize=0) as process:
        assert process.stdin is not None
        process.stdin.write(b" " * (1 << 20))  # comes back once the command reads it
        time.sleep(0.1)
        process.send_signal(signal.SIGINT)
        assert process.stderr is not None
        err = process.stderr.read()
    assert process.returncode == 130
    assert err.decode().strip() == "interrupted"


def test_an_ascii_terminal_gets_escapes_instead_of_a_crash(tmp_path: Path) -> None:
    """Names in any script can be printed anywhere."""
    song = {"instruments": [{"name": "琴", "notes": ANSWER["instruments"][0]["notes"]}]}
    (tmp_path / "song.json").write_text(json.dumps(song))
    process = start(
        "inspect", "song.json", cwd=tmp_path, env={**os.environ, "PYTHONIOENCODING": "ascii"}
    )
    out, err = process.communicate(timeout=30)
    assert (process.returncode, err) == (0, b"")
    assert b"\\u7434" in out


@pytest.mark.parametrize("no_color", ["", "1"])
def test_a_terminal_gets_a_rule_and_colours_unless_no_color(tmp_path: Path, no_color: str) -> None:
    """On a terminal of 80 columns no line is longer; NO_COLOR takes the colours away."""
    (tmp_path / "song.json").write_text(json.dumps(ANSWER))
    parent, child = pty.openpty()
    environment = {**os.environ, "NO_COLOR": no_color, "TERM": "xterm", "COLUMNS": "80"}
    command = [sys.executable, "-m", "midikit", "inspect", "song.json"]
    done = subprocess.run(
        command, stdout=child, stderr=child, cwd=tmp_path, env=environment, check=True
    )
    os.close(child)
    text = os.read(parent, 1 << 16).decode()
    os.close(parent)
    assert done.returncode == 0
    assert ("\x1b[" in text) is (no_color == "")
    assert "─────" in text
    assert max(len(re.sub(r"\x1b\[\d*m", "", line)) for line in text.splitlines()) <= 80


def test_tables_fit_and_measure_wide_characters() -> None:
    """Columns that may be cut are cut, the widest first, and wide characters count twice."""
    columns = [Column("name", least=4), Column("n", right=True)]
    lines = table_lines(columns, [["a" * 30, "1"], ["日本語", "22"]], 20)
    assert lines[0] == "name               n"
    assert lines[2] == "aaaaaaaaaaaaaaaa…  1"
    assert lines[3] == "日本語            22"


def test_quiet_and_json_leave_out_the_talk(capsys: pytest.CaptureFixture[str]) -> None:
    """Talk goes to stderr and only if somebody listens; data always comes."""
    for report, talk in (
        (Report(), "hello\n"),
        (Report(quiet=True), ""),
        (Report(as_json=True), ""),
    ):
        report.say("hello")
        report.table([Column("a")], [["b"]], talk=True)
        report.data("data")
        out, err = capsys.readouterr()
        assert out == "data\n"
        assert err.startswith(talk)
        assert bool(err) is bool(talk)
