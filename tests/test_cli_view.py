"""`midikit view`, and pages from convert and demo."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import click
import pytest

from midikit.cli import outputs

ROOT = Path(__file__).parent.parent
ANSWER = (ROOT / "fixtures" / "answers" / "example.json").read_bytes()


@pytest.fixture
def answer(cli: Any) -> Path:
    """Put an answer into the folder."""
    path = Path("song.json")
    path.write_bytes(ANSWER)
    return path


def data_of(path: str) -> dict[str, Any]:
    """Return what a page knows about its song."""
    text = Path(path).read_text(encoding="utf-8")
    found = re.search(r'<script type="application/json" id="song">(.*?)</script>', text)
    assert found is not None
    data: dict[str, Any] = json.loads(found[1])
    return data


def test_view_writes_a_page_and_says_where(cli: Any, answer: Path) -> None:
    """Named after its input; the same again is no conflict, another needs --force."""
    run = cli("view", "song.json")
    assert run.code == 0
    assert "wrote song.html (" in run.err
    assert run.out == ""
    (version,) = data_of("song.html")["versions"]
    assert len(version["tracks"][0]["notes"]) == 4 * 20
    assert "<title>song</title>" in Path("song.html").read_text(encoding="utf-8")
    assert cli("view", "song.json").code == 0
    Path("song.html").write_text("mine")
    assert cli("view", "song.json").code == 1
    assert Path("song.html").read_text() == "mine"
    assert cli("view", "song.json", "--force", "-q").text == ""


def test_view_says_it_in_json(cli: Any, answer: Path) -> None:
    """One object, with the path and the size, or the error."""
    row = cli("view", "song.json", "-o", "out/", "--json").row()
    page = Path("out/song.html")
    assert row["outputs"] == [{"path": str(page), "bytes": page.stat().st_size}]
    assert (row["source"], row["notes"], row["error"], row["exit"]) == ("song.json", 20, None, 0)
    row = cli("view", "gone.json", "--json").row()
    assert row["exit"] == 1
    assert "no such file" in row["error"]["message"]


def test_view_compares_with_another_version(cli: Any, answer: Path) -> None:
    """--hosted makes the page hold both, and say how they differ."""
    assert cli("convert", "song.json", "-o", "hosted.mid", "-q").code == 0
    assert cli("view", "song.json", "--hosted", "hosted.mid", "-o", "both.html").code == 0
    data = data_of("both.html")
    assert [version["label"] for version in data["versions"]] == ["midikit", "hosted file"]
    assert data["difference"] == "20 notes in both"


def test_view_takes_clips_with_their_hosted_file(cli: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A clip of the archive comes with both versions."""
    from midikit.sandbox.server import serve

    with serve(polls=0) as server:
        for name, value in server.environment.items():
            monkeypatch.setenv(name, value)
        assert cli("fetch", server.clips[0]).code == 0
        assert cli("view", server.clips[0], "-o", "clip.html").code == 0
    data = data_of("clip.html")
    assert [len(version["tracks"]) for version in data["versions"]] == [5, 5]
    assert {track["sound"] for track in data["versions"][1]["tracks"]} == {"Bright Acoustic Piano"}


def test_view_goes_through_pipes(cli: Any, answer: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A song from standard input is a page on standard output."""
    import io
    import sys

    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(ANSWER)))
    run = cli("view", "-")
    assert run.code == 0
    assert run.out.startswith("<!doctype html>")


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["gone.mid"], 1, "no such file"),
        (["."], 2, "view takes one song, not a folder"),
        (["-", "--hosted", "-"], 2, "- is given twice"),
        (["song.json", "-o", "-", "--json"], 2, "--json goes with a file"),
        (["song.json", "-o", "-", "--open"], 2, "--open goes with a file"),
        (["song.json", "-o", "song.txt"], 2, "cannot write .txt"),
        (["song.json", "-o", "song.mid"], 2, ".html file"),
        (["song.json", "--hosted", "gone.mid"], 1, "gone.mid: no such file"),
        (["song.json", "--hosted", "other.html", "-o", "other.html"], 1, "is the input itself"),
    ],
)
def test_view_refuses(cli: Any, answer: Path, words: list[str], code: int, said: str) -> None:
    """What cannot be is said in a line, and nothing is written."""
    Path("other.html").write_bytes(ANSWER)
    Path("more.json").write_bytes(ANSWER)
    run = cli("view", *words)
    assert run.code == code
    assert said in run.err
    assert sorted(path.name for path in Path().glob("*.html")) == ["other.html"]
    assert Path("other.html").read_bytes() == ANSWER


def test_view_opens_nothing_unless_asked(
    cli: Any, answer: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """--open hands the page's address to the system."""
    opened: list[str] = []
    monkeypatch.setattr(click, "launch", opened.append)
    cli("view", "song.json")
    assert opened == []
    cli("view", "song.json", "--open")
    assert opened == [Path("song.html").absolute().as_uri()]


def test_convert_and_demo_write_pages(cli: Any, answer: Path) -> None:
    """--to html and -o *.html show the song as it is written, on its grid."""
    assert "html" in outputs.TARGETS
    assert cli("convert", "song.json", "--to", "mid,html").code == 0
    assert cli("convert", "song.json", "-o", "flat.html", "--tempo", "120").code == 0
    assert data_of("song.html")["versions"] == data_of("flat.html")["versions"]
    assert data_of("flat.html")["beats"][1:3] == [500, 500]
    assert data_of("song.html")["beats"] != data_of("flat.html")["beats"]
    run = cli("demo", "-o", "shown")
    assert run.code == 0
    assert "look and listen" in run.out
    data = data_of("shown/late-train-home.html")
    assert data["difference"] == "2,387 notes in both"
