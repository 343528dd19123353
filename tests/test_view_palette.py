"""The style of each part: safe colours, stable by name."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from midikit.view.palette import DRUM_COLOR, HUES, PATTERNS, PartStyle, part_styles

BAND = ["Vocals", "Piano", "Electric Guitar", "Bass", "Strings", "Synth Lead", "Brass Section"]


def test_the_usual_band_has_a_hue_each() -> None:
    """Seven parts of seven families take all hues, plain."""
    styles = part_styles(BAND, [False] * 7)
    assert {style.color for style in styles} == set(HUES)
    assert {style.pattern for style in styles} == {0}


def test_a_part_of_the_band_looks_alike_alone_and_in_it() -> None:
    """Where nobody asks for the same hue, a name has one style in every song."""
    together = part_styles(BAND, [False] * 7)
    assert [part_styles([name], [False])[0] for name in BAND] == list(together)


def test_the_first_by_name_keeps_its_hue_where_two_ask_for_it() -> None:
    """Of two pianos one is blue, whatever the order of the tracks."""
    styles = part_styles(["Piano", "Electric Piano 1", "Bass"], [False] * 3)
    assert styles[1] == part_styles(["Piano"], [False])[0]
    assert styles[0] not in styles[1:]
    again = part_styles(["Bass", "Electric Piano 1", "Piano"], [False] * 3)
    assert again == styles[::-1]


def test_drums_are_neutral_and_take_no_hue_away() -> None:
    """Every kit is grey, whatever its name."""
    styles = part_styles(["Piano", "Piano", "Drums"], [False, True, True])
    assert [style.color for style in styles] == [HUES[0], DRUM_COLOR, DRUM_COLOR]


def test_unnamed_parts_are_told_apart_up_to_all_patterns() -> None:
    """Parts of one name differ until hues times patterns are used up, and then begin again."""
    most = len(HUES) * PATTERNS
    styles = part_styles([""] * (most + 3), [False] * (most + 3))
    assert len(set(styles[:most])) == most
    assert max(style.pattern for style in styles) == PATTERNS - 1
    assert styles[most] == styles[0]


def test_outlines_stand_out_from_white() -> None:
    """The outline of each hue has a contrast of 3 to 1 or more with white, as for graphics."""
    for hue in (*HUES, DRUM_COLOR):
        assert 1.05 / (_luminance(PartStyle(hue).outline) + 0.05) >= 3


def test_the_hues_of_notes_stand_out_from_dark() -> None:
    """Every fill has a contrast of 3 to 1 or more with a dark page."""
    for hue in (*HUES, DRUM_COLOR):
        assert (_luminance(hue) + 0.05) / (_luminance("#14161A") + 0.05) >= 3


@given(st.lists(st.text(max_size=12), max_size=50))
def test_any_names_get_a_style_each(names: list[str]) -> None:
    """Odd names, lone surrogates and repeated ones included, in an order that plays no role."""
    styles = part_styles(names, [False] * len(names))
    assert len(styles) == len(names)
    by_name = sorted(zip(names, styles, strict=True), key=lambda pair: pair[0])
    back = part_styles([name for name, _ in by_name], [False] * len(names))
    assert back == tuple(style for _, style in by_name)


def test_a_name_of_a_lone_surrogate_has_a_style() -> None:
    """What no encoding takes is still a name."""
    assert part_styles(["\ud800"], [False])[0].color in HUES


def _luminance(color: str) -> float:
    """Return the relative luminance of a colour after WCAG 2."""
    parts = [int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
