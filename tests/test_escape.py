"""What leaves the house as text: nothing acts on a terminal, a disk or a spreadsheet."""

from __future__ import annotations

import json
import re
import unicodedata
from html.parser import HTMLParser
from typing import TYPE_CHECKING

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from midikit.escape import (
    csv_cell,
    each_stem,
    file_stem,
    folded,
    html_text,
    json_text,
    printable,
    quoted,
    script_json,
    unique_stems,
)
from tests.hostile_names import NAMES, acting, longest

if TYPE_CHECKING:
    from collections.abc import Callable

anything = st.text(st.characters(), max_size=60)
names = st.one_of(
    anything,
    st.sampled_from([*NAMES.values()]),
    st.text("aA\u00e9e\u0301\u0130iI\u0131\u00df\u017fsS.-_ ~/\uff41", max_size=6),
    st.text("nNuUlL. _-123", max_size=8),
)
DEVICES = {"con", "prn", "aux", "nul", "conin$", "conout$", "clock$"}
DEVICES |= {f"{port}{n}" for port in ("com", "lpt") for n in "0123456789\u00b9\u00b2\u00b3"}


def upper(name: str) -> str:
    """Fold as NTFS does: each character to the one upper case that it has."""
    return "".join(char.upper() if len(char.upper()) == 1 else char for char in name)


FILE_SYSTEMS: dict[str, Callable[[str], str]] = {
    "ext4": str,
    "ext4, casefold": lambda name: unicodedata.normalize(
        "NFD", unicodedata.normalize("NFD", name).casefold()
    ),
    "APFS": lambda name: unicodedata.normalize("NFD", name).casefold(),
    "HFS+": lambda name: unicodedata.normalize("NFD", name).lower(),
    "NTFS": upper,
    "exFAT": lambda name: upper(name).lower(),
    "wide as narrow": lambda name: unicodedata.normalize("NFKC", name).casefold(),
}
"""What each takes a name for: two are one file where this is the same."""


@given(names)
def test_nothing_printed_can_act(text: str) -> None:
    """No control, C1, format, bidi, surrogate or invisible character, and no pile of marks."""
    assert not acting(printable(text))
    assert not acting(quoted(text))


def test_what_shows_is_shown_as_it_is() -> None:
    """Scripts with marks and wide spaces are no enemies."""
    for text in (
        "Gr\u00fc\u00dfe",
        "\u7434\u3000\u4e00",
        "\u0928\u093f\u0930\u094d",
        "a\u00a0b",
        "\U0001f3b9",
    ):
        assert printable(text) == text


@given(names)
@example("\x7f")
def test_json_comes_back_exactly_from_visible_characters(text: str) -> None:
    """A document that a terminal is shown."""
    document = json.dumps({"name": text}, ensure_ascii=False)
    assert json.loads(json_text(document)) == {"name": text}
    assert not acting(json_text(document), piles=False)


def test_long_text_is_cut() -> None:
    """A name of ten megabytes shows eighty characters and that there is more."""
    assert printable("x" * 10_000_000) == "x" * 80 + "…"


@pytest.mark.parametrize(
    ("value", "shown"),
    [(None, "null"), (True, "true"), ({}, "an object"), (1 << 300, "a huge number"), (1.5, "1.5")],
)
def test_values_are_quoted_as_json_writes_them(value: object, shown: str) -> None:
    """A message shows what stood in the document, not Python's word for it."""
    assert quoted(value) == shown


@given(names)
@example("~-x")
@example("." * 500)
@example("nul.mid")
@example("NUL" + " " * 200 + ".x")
@example("con." + "x" * 200)
def test_a_stem_is_one_harmless_component(name: str) -> None:
    """On Linux, macOS and Windows: no separator, no option, no hidden file, no device, not long."""
    stem = file_stem(name)
    assert stem
    assert stem[0] not in ".-~ "
    assert stem[-1] not in ". "
    assert not re.search(r'[\x00-\x1f<>:"/\\|?*]', stem)
    assert not acting(stem, piles=False)
    assert len(stem.encode("utf-8")) <= 120
    assert unicodedata.is_normalized("NFC", stem)
    assert stem.split(".")[0].rstrip(" ").lower() not in DEVICES
    assert file_stem(stem) == stem


@pytest.mark.parametrize(
    ("name", "stem"),
    [
        ("NUL", "NUL_"),
        ("con.mid", "con_.mid"),
        ("COM1", "COM1_"),
        ("lpt9.tar.gz", "lpt9_.tar.gz"),
        ("aux ", "aux_"),
        ("prn .txt", "prn_.txt"),
        ("COM\u00b9", "COM\u00b9_"),
        ("console", "console"),
    ],
)
def test_device_names_get_a_mark_before_any_ending(name: str, stem: str) -> None:
    """Windows opens a device for these, whatever ending follows."""
    assert file_stem(name) == stem


@given(st.lists(names, max_size=12))
@example(["\u0131", "i", "I", "\u0130"])
def test_stems_never_collide(given_names: list[str]) -> None:
    """On no file system, however it folds case, normal forms and widths."""
    stems = unique_stems(given_names)
    assert len(stems) == len(given_names)
    for system in FILE_SYSTEMS.values():
        assert len({system(stem) for stem in stems}) == len(stems)
    assert all(file_stem(stem) == stem and len(stem.encode()) <= 120 for stem in stems)
    assert list(each_stem(iter(given_names))) == stems
    # What comes later changes no name.
    assert unique_stems(given_names[:5]) == stems[:5]


@given(st.lists(st.text("nots.NOTES_", max_size=9).map(lambda text: f"a{text}"), max_size=8))
@example(["a.notes", "a_notes", "A.NOTES", "a"])
def test_no_stem_takes_the_name_of_another_kind_of_file(given_names: list[str]) -> None:
    """The notes of one song are not the roll of another: a.notes.npz."""
    stems = unique_stems(given_names, reserved=".notes")
    files = [f"{stem}{ending}" for stem in stems for ending in (".npz", ".notes.npz")]
    assert len({folded(file) for file in files}) == len(files)


def test_long_names_that_differ_at_their_end_stay_apart() -> None:
    """Cut names end in a digest of the whole; equal ones are numbered within the same length."""
    name = "\u6f22" * 200
    stems = unique_stems([f"{name}1", f"{name}2", f"{name}1", f"{name}1"])
    assert len(set(stems)) == 4
    assert stems[2].endswith(" (2)")
    assert max(len(stem.encode()) for stem in stems) <= 120


def test_a_name_of_ten_megabytes_costs_nothing_but_in_a_cell() -> None:
    """Only what is kept of it is looked at; a cell holds it whole."""
    name = longest()
    assert len(printable(name)) < 700
    assert len(quoted(name)) < 700
    assert len(file_stem(name).encode()) <= 120
    assert len(csv_cell(name)) > len(name)


def test_thousands_of_equal_names_take_no_time() -> None:
    """Counting goes on where it stopped."""
    assert unique_stems(["Bass"] * 20_000)[-1] == "Bass (20000)"


@pytest.mark.parametrize(
    "cell", ["=1+1", "+A1", "-2", "@x", "\t=1", " =1", "|cmd", "\uff1d1", "\u00a0=1", "\u22121"]
)
def test_no_cell_is_a_formula(cell: str) -> None:
    """An apostrophe in front keeps a spreadsheet from computing."""
    assert csv_cell(cell)[0] in "'\\"


@pytest.mark.parametrize(
    ("cell", "safe"),
    [
        ("a;=1", "a;'=1"),
        ("a, =1", "a, '=1"),
        ('"=1"', '"\'=1"'),
        ('a";"=1', 'a";"\'=1'),
        (";;=1;=2", ";;'=1;'=2"),
        ("Lead -5 dB", "Lead -5 dB"),
        ("rock '-n'-roll", "rock '-n'-roll"),
        ("a; b", "a; b"),
    ],
)
def test_no_cell_begins_a_formula_inside(cell: str, safe: str) -> None:
    """For a program that is set to another separator, or does not honour quotes."""
    assert csv_cell(cell) == safe


@given(st.text())
def test_html_text_is_text(text: str) -> None:
    """A parser finds one text and no tag, also as an attribute."""
    found: list[object] = []

    class Reader(HTMLParser):
        def handle_starttag(self, tag: str, attrs: object) -> None:
            found.append((tag, attrs))

        def handle_data(self, data: str) -> None:
            found.append(data)

    shown = html_text(text, limit=len(text))
    reader = Reader()
    reader.feed(f'<b title="{shown}">{shown}</b>')
    reader.close()
    plain = printable(text, limit=len(text))
    assert found == [("b", [("title", plain)]), *([plain] if plain else [])]


@given(st.recursive(st.text() | st.integers() | st.none(), st.lists))
def test_script_json_comes_back_and_ends_no_script(value: object) -> None:
    """In ASCII, without any character that a tag or a comment begins with."""
    text = script_json(value)
    assert json.loads(text) == value
    assert text.isascii()
    assert not set("<>&") & set(text)


def test_script_json_has_no_number_that_is_none() -> None:
    """NaN is no JSON."""
    with pytest.raises(ValueError, match="JSON compliant"):
        script_json(float("nan"))
