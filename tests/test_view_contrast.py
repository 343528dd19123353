"""The player's text can be read in both schemes, whatever is muted: 4.5 to 1, as WCAG 2.2 asks."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from midikit.sandbox.songs import demo_songs
from midikit.view.html import to_html

if TYPE_CHECKING:
    from pathlib import Path

    from tests.browser import Browser

LEAST = 4.5

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
