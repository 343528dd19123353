"""What leaves the house as text: nothing acts on a terminal, a disk or a spreadsheet."""

from __future__ import annotations

import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from midikit.escape import csv_cell, file_stem, printable, quoted, unique_stems

CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
anything = st.text(st.characters(), max_size=60)


@given(anything)
def test_nothing_printed_can_act(text: str) -> None:
    """No control, C1, bidi or surrogate character reaches the terminal."""
    assert not CONTROL.search(printable(text))
    assert not CONTROL.search(quoted(text))


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


@given(anything)
def test_a_stem_is_one_harmless_component(name: str) -> None:
    """No separator, no leading dot or dash, never empty, never long."""
    stem = file_stem(name)
    assert stem
    assert stem[0] not in ".-~ "
    assert not re.search(r'[\x00-\x1f<>:"/\\|?*]', stem)
    assert len(stem.encode("utf-8")) <= 130


@pytest.mark.parametrize("name", ["NUL", "con.mid", "COM1", "lpt9.tar.gz", "aux "])
def test_device_names_get_a_tail(name: str) -> None:
    """Windows opens a device for these, whatever the suffix."""
    assert file_stem(name).endswith("_")


@given(
    st.lists(st.sampled_from(["Bass", "bass", "BASS", "a/b", "a:b", "\uff41", "a", "", "é", "é"]))
)
def test_stems_never_collide(names: list[str]) -> None:
    """Not on a file system that folds case or normal forms either, and the first keeps its name."""
    stems = unique_stems(names)
    assert len(stems) == len(names)
    assert len({unicodedata.normalize("NFKC", stem).casefold() for stem in stems}) == len(names)
    assert unique_stems(names) == stems


def test_thousands_of_equal_names_take_no_time() -> None:
    """Counting goes on where it stopped."""
    assert unique_stems(["Bass"] * 20_000)[-1] == "Bass (20000)"


@pytest.mark.parametrize("cell", ["=1+1", "+A1", "-2", "@x", "\t=1", " =1", "|cmd", "\uff1d1"])
def test_no_cell_is_a_formula(cell: str) -> None:
    """An apostrophe in front keeps a spreadsheet from computing."""
    assert csv_cell(cell)[0] in "'\\"
