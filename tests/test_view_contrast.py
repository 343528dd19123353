"""The player's text can be read in both schemes, whatever is muted, and its notes be seen.

Ratios are those of WCAG 2.2: 4.5 to 1 for text, 3 to 1 for graphics.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from midikit.model.notes import as_notes
from midikit.model.song import Song, Track
from midikit.sandbox.songs import demo_songs
from midikit.view.html import to_html
from midikit.view.palette import HUES, part_styles

if TYPE_CHECKING:
    from pathlib import Path

    from tests.browser import Browser

LEAST, LEAST_DRAWN = 4.5, 3.0

# Ratios of what stands in the page's elements, by their text; disabled buttons are let off by WCAG.
TEXTS = """(() => {
const numbers = (css) => { const found = css.match(/[\\d.]+/g).map(Number);
  return found.length < 4 ? [...found, 1] : found; };
const over = (one, two) => [0, 1, 2].map((i) => one[i] * one[3] + two[i] * (1 - one[3]));
const light = (color) => color.map((value) => value / 255)
  .map((value) => (value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4))
  .reduce((sum, value, i) => sum + value * [0.2126, 0.7152, 0.0722][i], 0);
const ratio = (one, two) => { const [low, high] = [light(one), light(two)].sort((a, b) => a - b);
  return (high + 0.05) / (low + 0.05); };
const up = (element) => (element ? [element, ...up(element.parentElement)] : []);
const behind = (element) => up(element).reverse()
  .map((each) => numbers(getComputedStyle(each).backgroundColor))
  .reduce((under, color) => over(color, under), [255, 255, 255]);
const found = [];
for (const element of document.querySelectorAll("body *")) {
  const words = [...element.childNodes].filter((node) => node.nodeType === 3 && node.data.trim());
  if (!words.length || !element.checkVisibility() || element.disabled) continue;
  const opacity = up(element).reduce((all, each) => all * getComputedStyle(each).opacity, 1);
  const [red, green, blue, alpha] = numbers(getComputedStyle(element).color);
  const color = over([red, green, blue, alpha * opacity], behind(element));
  found.push([element.textContent.trim(), ratio(color, behind(element))]);
}
return found; })()"""

# The same for what is drawn: the colours that roll.js takes for text, on those it takes behind it.
DRAWN = """(() => { const style = getComputedStyle(document.documentElement);
return ["ink", "soft", "panel"].map((name) => style.getPropertyValue("--" + name).trim()); })()"""


def light(color: str) -> float:
    """Return the relative luminance of a colour in hexadecimal digits."""
    values = [int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4 for v in values]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_all_text_stands_out(browser: Browser, tmp_path: Path, scheme: str) -> None:
    """Heading, tools, both versions, and instruments that play, are muted or shut out by a solo."""
    song = demo_songs()[0].song()
    path = tmp_path / "song.html"
    path.write_text(to_html(song, hosted=replace(song, tracks=song.tracks[1:])), encoding="utf-8")
    page = browser.open(path, media={"prefers-color-scheme": scheme})
    page.click_on(".row:nth-child(2) button", 0)
    page.click_on(".row:nth-child(3) button", 1)
    page.key("?")
    found = page.eval(TEXTS)
    assert {"Late Train Home", "hosted file", "Drums", "Electric Piano 1", "Keys and gestures"} <= {
        text for text, _ in found
    }
    assert [(text, round(ratio, 2)) for text, ratio in found if ratio < LEAST] == []
    ink, soft, panel = page.eval(DRAWN)
    for color in (ink, soft):
        low, high = sorted([light(color), light(panel)])
        assert (high + 0.05) / (low + 0.05) >= LEAST
    page.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_notes_of_every_colour_stand_out(browser: Browser, tmp_path: Path, scheme: str) -> None:
    """Soft ones too: their edge has 3 to 1 to the page, which WCAG 2.2 asks of graphics."""
    tracks = [
        Track(f"Part {i}", notes=as_notes([(0.5, 1.5, 40 + 2 * i, 30), (1.8, 2.0, 40, 30)]))
        for i in range(len(HUES))
    ]
    styles = part_styles([track.name for track in tracks], [False] * len(tracks))
    assert {style.color for style in styles} == set(HUES)
    path = tmp_path / "colours.html"
    path.write_text(to_html(Song(tuple(tracks)), grid=None), encoding="utf-8")
    page = browser.open(path, media={"prefers-color-scheme": scheme})
    column = """(({ zoom, area }) => {
      const base = document.getElementById("base"), x = area.gutter + zoom.scale - 4;
      const bits = base.getContext("2d").getImageData(x, 0, 1, base.height).data;
      return [zoom.top, zoom.row, area.ruler, Array.from(bits)]; })(midikitState())"""
    high, row, ruler, bits = page.eval(column)
    seen = [light("#" + bytes(bits[i : i + 3]).hex()) for i in range(0, len(bits), 4)]
    paper = light(page.eval(DRAWN.replace('"ink"', '"bg"'))[0].replace("#fff", "#ffffff"))
    for track in tracks:
        begin = ruler + (high - track.notes["pitch"][0]) * row
        cells = seen[round(begin) : round(begin + row)]
        best = max((max(cell, paper) + 0.05) / (min(cell, paper) + 0.05) for cell in cells)
        assert best >= LEAST_DRAWN, track.name
    page.close()
