"""The player's page, in a real browser: drawn, heard, driven by mouse and by keys, and harmless."""

from __future__ import annotations

import contextlib
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from midikit.model.beats import BeatGrid
from midikit.model.notes import as_notes
from midikit.model.song import Song, Track
from midikit.sandbox.songs import demo_songs
from midikit.view.html import to_html
from midikit.view.player import Player
from tests.hostile_names import NAMES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.browser import Browser, Page

GRID = BeatGrid.constant(120.0, end=8.0)
HEAD = "midikitState().head"
EACH, ALL = 64, 12 * 64
SHIFT = 8


def band() -> Song:
    """Make 8 s of twelve parts, one of them drums: 8 notes a second each."""
    names = ["Drums", "Electric Bass", "Piano", "Strings", "Koto", "Flute", "Brass", "Organ"]
    names += ["Synth Lead", "Choir", "Harp", "Guitar"]
    tracks = []
    for part, name in enumerate(names):
        pitches = [36, 42, 38, 42] if part == 0 else [40 + 3 * part + i for i in (0, 4, 7, 12)]
        rows = [(i / 8, i / 8 + 0.12, pitches[i % 4], 50 + 5 * (i % 8)) for i in range(EACH)]
        tracks.append(Track(name, is_drum=part == 0, notes=as_notes(rows)))
    return Song(tuple(tracks), title="A band")


@pytest.fixture
def show(browser: Browser, tmp_path: Path) -> Iterator[Callable[..., Page]]:
    """Open pages; whatever a test did, its page asked for nothing and complained of nothing."""
    opened: list[Page] = []

    def run(html: str, **options: Any) -> Page:
        path = tmp_path / f"page{len(opened)}.html"
        path.write_text(html, encoding="utf-8", newline="")
        opened.append(browser.open(path, **options))
        return opened[-1]

    yield run
    for page in opened:
        assert page.requests() == []
        assert page.complaints() == []
        page.close()


@pytest.fixture
def page(show: Callable[..., Page]) -> Page:
    """Open the band's page."""
    return show(to_html(band(), grid=GRID))


def place(page: Page, seconds: float) -> float:
    """Return the x of a second, on the page."""
    state = page.state()
    left = page.eval("document.getElementById('base').getBoundingClientRect().left")
    zoom, area = state["zoom"], state["area"]
    return float(left + area["gutter"] + (seconds - zoom["left"]) * zoom["scale"])


def top(page: Page) -> float:
    """Return the y of the roll's ruler, on the page."""
    return float(page.eval("document.getElementById('base').getBoundingClientRect().top")) + 10


def test_everything_is_drawn_and_nothing_sounds_before_one_asks(page: Page) -> None:
    """The first paint has every note; there is no sound before a gesture."""
    state = page.state()
    assert state["painted"] == ALL
    assert state["firstPaint"] > 0
    assert state["context"] == "none"
    assert not state["playing"]
    assert [track["name"] for track in state["tracks"]] == [track.name for track in band()]
    colors = page.eval(
        """(() => { const c = document.getElementById('base');
        const bits = c.getContext('2d').getImageData(0, 0, c.width, c.height).data;
        return new Set(new Uint32Array(bits.buffer)).size; })()"""
    )
    assert colors > 50


def test_a_whole_play_hands_every_note_to_the_clock(page: Page) -> None:
    """The context runs, the head moves, a few notes are scheduled at a time, and all in the end."""
    page.eval("document.getElementById('speed').value = '4'")
    page.eval("document.getElementById('speed').dispatchEvent(new Event('change'))")
    page.click_on("#play")
    begun = page.when("s.context === 'running' && s.head > 0.3 && s.sounding.length")
    assert begun["playing"]
    assert 0 < begun["scheduled"] < ALL / 2
    done = page.when("!s.playing")
    assert done["scheduled"] == ALL
    assert [track["scheduled"] for track in done["tracks"]] == [EACH] * 12
    assert done["head"] == pytest.approx(done["end"])
    assert done["status"] == "End of the song"
    page.click_on("#play")
    assert page.when("s.head > 0.1")["head"] < 7.0


def test_a_long_song_is_scheduled_in_small_windows(show: Callable[..., Page]) -> None:
    """Every one of a demo song's notes, at sixty times its pace, with bounded voices."""
    song = demo_songs()[2].song()
    page = show(to_html(song))
    page.eval("document.getElementById('speed').add(new Option('60', '60'))")
    page.eval("document.getElementById('speed').value = '60'")
    page.eval("document.getElementById('speed').dispatchEvent(new Event('change'))")
    page.click_on("#play")
    assert page.when("s.scheduled > 100")["voices"] <= 200
    page.wait("!midikitState().playing")
    assert page.state()["scheduled"] == song.note_count


def test_the_sound_is_there(page: Page) -> None:
    """What reaches the loudspeakers is heard, not too loud, and silent when all is muted."""
    page.eval(
        """(() => { const connect = AudioNode.prototype.connect;
        AudioNode.prototype.connect = function (to, ...rest) {
          if (to instanceof AudioDestinationNode) {
            window.tap = this.context.createAnalyser();
            connect.call(this, window.tap);
          }
          return connect.call(this, to, ...rest); };
        window.peak = () => { const bits = new Float32Array(2048);
          window.tap.getFloatTimeDomainData(bits);
          return Math.max(...bits.map(Math.abs)); }; })()"""
    )
    page.click_on("#play")
    page.wait("window.tap && window.peak() > 0.02")
    assert page.eval("window.peak()") < 1.0
    page.eval("document.querySelectorAll('.row').forEach((r) => r.querySelector('button').click())")
    page.wait("window.peak() < 0.005")


def test_seeking_by_ruler_slider_and_roll(page: Page) -> None:
    """A click puts the head where it is, playing or not."""
    page.click(place(page, 1.0), top(page))
    assert page.state()["head"] == pytest.approx(1.0, abs=0.02)
    page.click(place(page, 3.0), top(page) + 200)
    assert page.state()["head"] == pytest.approx(3.0, abs=0.02)
    page.eval("document.getElementById('position').value = 2")
    page.eval("document.getElementById('position').dispatchEvent(new Event('input'))")
    assert page.state()["head"] == pytest.approx(2.0, abs=0.02)
    assert page.state()["sounding"]
    page.click_on("#play")
    page.wait(f"{HEAD} > 2.1")
    page.click(place(page, 0.5), top(page))
    again = page.when("s.head > 0.6")
    assert again["head"] < 2.0
    assert again["playing"]
    page.click_on("#start")
    assert page.state()["head"] < 0.4


def test_a_seek_while_it_plays_counts_from_there(page: Page) -> None:
    """What was handed over for before the seek, and taken back by it, is not taken off twice."""
    page.click_on("#play")
    page.wait(f"{HEAD} > 0.3")
    page.eval(
        """(() => { const slider = document.getElementById('position');
        slider.value = 7; slider.dispatchEvent(new Event('input')); })()"""
    )
    assert page.when("!s.playing")["scheduled"] == ALL // 8


def test_solo_and_mute(page: Page) -> None:
    """A muted part is not scheduled; a solo silences the others; both while it plays."""
    page.click_on(".row:nth-child(1) button", 0)
    page.click_on("#play")
    tracks = page.when("s.scheduled > 20")["tracks"]
    assert tracks[0]["muted"]
    assert tracks[0]["scheduled"] == 0
    assert tracks[1]["scheduled"] > 0
    page.click_on(".row:nth-child(3) button", 1)
    state = page.state()
    assert [track["audible"] for track in state["tracks"]] == [i == 2 for i in range(12)]
    assert {track for track, _ in state["sounding"]} <= {2}
    counts = [track["scheduled"] for track in state["tracks"]]
    page.wait(f"midikitState().tracks[2].scheduled > {counts[2]} + 3")
    later = [track["scheduled"] for track in page.state()["tracks"]]
    assert later[3:] == counts[3:]
    pressed = page.eval("document.querySelectorAll('#rows button[aria-pressed=true]').length")
    assert pressed == 2
    page.click_on("#all")
    assert all(track["audible"] for track in page.state()["tracks"])
    page.wait("midikitState().tracks[0].scheduled > 0")


def test_a_note_that_sounds_is_muted_at_once_and_taken_up_again(show: Callable[..., Page]) -> None:
    """Its voice ends with the mute; after it, it sounds on, and is not counted again."""
    notes = as_notes([(0.0, 60.0, 60, 80)])
    page = show(to_html(Song((Track("Flute", notes=notes), Track("Organ", notes=notes)))))
    page.click_on("#play")
    assert page.when("s.head > 0.1")["voices"] == 2
    page.click_on(".row:nth-child(1) button")
    assert page.state()["voices"] == 1
    page.click_on(".row:nth-child(1) button")
    assert page.state()["voices"] == 2
    assert page.state()["scheduled"] == 2


def test_zoom_by_wheel_buttons_and_scrolling(page: Page) -> None:
    """The wheel zooms about the pointer, which stays on its second."""
    before = page.state()["zoom"]
    x, y = place(page, 2.0), top(page) + 200
    page.mouse("Wheel", x, y, deltaX=0, deltaY=-300)
    page.wait(f"midikitState().zoom.scale > {before['scale']} * 2")
    assert place(page, 2.0) == pytest.approx(x, abs=1.5)
    assert page.state()["painted"] < ALL or page.eval("new Promise(requestAnimationFrame)")
    left = page.state()["zoom"]["left"]
    page.mouse("Wheel", x, y, deltaX=150, deltaY=0)
    page.wait(f"midikitState().zoom.left > {left}")
    page.mouse("Pressed", x, y)
    left = page.state()["zoom"]["left"]
    page.mouse("Moved", x + 60, y, button="left", buttons=1)
    page.mouse("Released", x + 60, y)
    assert page.state()["zoom"]["left"] < left
    assert page.state()["head"] == 0
    page.click_on("#fit")
    assert page.state()["zoom"]["scale"] == pytest.approx(before["scale"])
    page.click_on("#in")
    assert page.state()["zoom"]["scale"] > before["scale"]


def test_inside_a_bar_the_ruler_says_which(page: Page) -> None:
    """So near that no bar line is in view, its number stands at the left all the same."""
    ruler = """(() => { const { gutter } = midikitState().area;
      const pen = document.getElementById("base").getContext("2d");
      return new Set(pen.getImageData(gutter + 2, 3, 20, 14).data).size; })()"""
    page.click(place(page, 2.9), top(page))
    for _ in range(12):
        page.key("+")
    page.eval("new Promise(requestAnimationFrame)")
    zoom = page.state()["zoom"]
    assert 2.0 < zoom["left"] < zoom["right"] < 4.0
    assert page.eval(ruler) > 10


def test_a_loop_chosen_on_the_ruler_repeats(page: Page) -> None:
    """Dragging on the ruler makes a loop, in which the head stays and notes come again."""
    page.mouse("Pressed", place(page, 1.0), top(page))
    page.mouse("Moved", place(page, 1.2), top(page), button="left", buttons=1)
    page.mouse("Moved", place(page, 1.5), top(page), button="left", buttons=1)
    page.mouse("Released", place(page, 1.5), top(page))
    loop = page.state()["loop"]
    assert loop["on"]
    assert [loop["start"], loop["end"]] == pytest.approx([1.0, 1.5], abs=0.02)
    page.eval("document.getElementById('position').value = 1.2")
    page.eval("document.getElementById('position').dispatchEvent(new Event('input'))")
    page.click_on("#play")
    assert 0.9 < page.when("s.scheduled > 12 * 4 * 2.5")["head"] < 1.6
    page.click_on("#loop")
    page.wait(f"{HEAD} > 1.7")


def test_speed_changes_the_pace(page: Page) -> None:
    """A quarter of the speed takes four times as long."""
    page.eval("document.getElementById('speed').value = '0.25'")
    page.eval("document.getElementById('speed').dispatchEvent(new Event('change'))")
    page.click_on("#play")
    page.wait(f"{HEAD} > 0.05")
    passed = page.eval(
        """(async () => { const at = midikitState().head, from = performance.now();
        await new Promise((done) => setTimeout(done, 500));
        return (midikitState().head - at) / (performance.now() - from) * 1000; })()"""
    )
    assert 0.15 < passed < 0.35


def test_keys_alone_do_everything(page: Page) -> None:
    """From the first Tab on no mouse is needed, and what happens is said."""
    page.key(" ")
    page.wait(f"{HEAD} > 0.1")
    page.key(" ")
    state = page.state()
    assert not state["playing"]
    assert state["status"].startswith("Paused at 0:00, bar 1, beat")
    page.key("Home")
    for key, modifiers, head in (
        ("ArrowRight", 0, 0.5),
        ("ArrowRight", SHIFT, 2.0),
        ("ArrowLeft", 0, 1.5),
        ("ArrowLeft", SHIFT, 0.0),
        ("End", 0, 7.995),
    ):
        page.key(key, modifiers)
        assert page.state()["head"] == pytest.approx(head, abs=0.001), key
    page.key("Home")
    scale = page.state()["zoom"]["scale"]
    page.key("+")
    assert page.state()["zoom"]["scale"] > scale
    page.key("0")
    assert page.state()["zoom"]["scale"] == pytest.approx(scale)
    page.key("l")
    assert page.state()["loop"]["on"]
    page.key("l")
    page.key(".")
    assert page.state()["speed"] == 1.25
    page.key(",")
    assert page.state()["speed"] == 1
    page.key("f")
    assert not page.state()["following"]
    page.key("?")
    assert page.eval("document.getElementById('keys').open")
    page.key("Escape")
    page.wait("!document.getElementById('keys').open")


def test_keys_that_move_say_where_to_and_leave_the_volume_its_own(page: Page) -> None:
    """Once a press, not while it plays; a slider with the focus speaks for itself."""
    page.key("ArrowRight")
    assert page.state()["status"] == "0:00, bar 1, beat 2"
    page.key("End")
    assert page.state()["status"] == "0:07, bar 4, beat 4"
    page.eval("document.getElementById('position').focus()")
    page.key("Home")
    assert page.state()["head"] == 0
    assert page.state()["status"] == "0:07, bar 4, beat 4"
    page.eval("document.getElementById('volume').focus()")
    for key, volume in (("End", 1), ("ArrowLeft", 0.99), ("PageDown", 0.89), ("Home", 0)):
        page.key(key)
        assert page.state()["volume"] == pytest.approx(volume), key
    assert page.state()["head"] == 0


def test_tab_reaches_every_control_and_the_list_is_one_stop(page: Page) -> None:
    """Each stop shows that it has the focus; arrows go through the instruments."""
    seen = []
    for _ in range(20):
        page.key("Tab")
        seen.append(page.eval("document.activeElement.id || document.activeElement.className"))
        outline = page.eval(
            "(({ outlineStyle, outlineWidth }) => [outlineStyle, outlineWidth])"
            "(getComputedStyle(document.activeElement))"
        )
        assert outline == ["solid", "3px"]
        if seen[-1] == "row":
            break
    assert seen == [
        *("play", "start", "loop", "speed", "volume", "out", "in", "fit", "follow", "help"),
        *("position", "row"),
    ]
    page.key("ArrowDown")
    page.key("m")
    page.key("ArrowDown")
    page.key("s")
    state = page.state()
    assert state["tracks"][1]["muted"]
    assert state["tracks"][2]["solo"]
    assert state["status"] == "Piano: solo"
    assert page.eval("document.querySelectorAll('[role=row]').length") == 12
    unnamed = page.eval(
        """[...document.querySelectorAll('button, input, select')].filter((control) => !(
        control.getAttribute('aria-label') || control.textContent.trim() || control.labels.length
        )).length"""
    )
    assert unnamed == 0


def test_a_song_of_hours_counts_them(show: Callable[..., Page]) -> None:
    """In the facts, on the clock, on the ruler's labels and in what is said."""
    notes = as_notes([(0.0, 1.0, 60, 80), (7384.0, 7384.5, 62, 80)])
    page = show(to_html(Song((Track("Koto", notes=notes),)), grid=None))
    page.key("End")
    assert "1 instrument · 2 notes · 2:03:04" in page.eval("document.body.innerText")
    assert page.eval("document.getElementById('now').textContent") == "2:03:04.5"
    assert page.state()["status"] == "2:03:04"


def test_two_versions_switch_at_the_same_place(show: Callable[..., Page]) -> None:
    """A and B, the same position; a note that only one has is marked in it."""
    ours = band()
    hosted = replace(ours, tracks=(replace(ours[0], notes=ours[0].notes[:-3]), *ours.tracks[1:]))
    page = show(to_html(ours, hosted=hosted, grid=GRID))
    assert page.state()["tracks"][0]["odd"] == 3
    assert "765 notes in both · 3 in midikit's alone" in page.eval("document.body.innerText")
    page.click_on(".row:nth-child(3) button", 1)
    page.key("Home")
    page.key("ArrowRight")
    page.click_on("#play")
    page.wait(f"{HEAD} > 0.7")
    page.key("a")
    state = page.state()
    assert state["version"] == "hosted file"
    assert state["playing"]
    assert 0.6 < state["head"] < 2.5
    assert state["tracks"][2]["solo"]
    assert state["tracks"][0] | {"scheduled": 0} == {
        "name": "Drums",
        "notes": 61,
        "solo": False,
        "muted": False,
        "audible": False,
        "scheduled": 0,
        "odd": 0,
    }
    page.wait("midikitState().tracks[2].scheduled > 3")


ACTING = {
    "script": "</script><script>window.pwned=1</script>",
    "image": "<img src=x onerror=window.pwned=1>",
    "closing": "</script><img src=x onerror=window.pwned=1>",
    "spaced": "</script x><img src=x onerror=window.pwned=1>",
    "comment": "<!-- <script>",
    "quotes": "\"'`${window.pwned=1}",
    "template": "$script $title ${data}",
    "lines": "a\u2028b\u2029c\nd",
    "style": "</style><style>*{display:none}",
    "title": "</title></h1><svg onload=window.pwned=1>",
    "entity": "&lt;b&gt;&#60;img src=x&#62;",
}


def test_names_do_not_act(show: Callable[..., Page]) -> None:
    """Names as an enemy writes them are text, and those that reorder text are shown as escapes."""
    names = [*ACTING.values(), *NAMES.values()]
    notes = as_notes([(0.0, 0.5, 60, 80)])
    song = Song(tuple(Track(name, notes=notes) for name in names), title=" ".join(ACTING.values()))
    page = show(to_html(song))
    assert page.eval("window.pwned === undefined && document.images.length === 0")
    assert page.eval("document.scripts.length") == 2
    assert page.eval("document.querySelectorAll('style').length") == 1
    state = page.state()
    assert len(state["tracks"]) == len(names)
    shown = page.eval("[...document.querySelectorAll('.name')].map((name) => name.textContent)")
    assert shown[:3] == [ACTING["script"], ACTING["image"], ACTING["closing"]]
    text = page.eval("document.documentElement.textContent")
    assert not set("\u202e\u2066\u2028\x1b\x9b\u200b") & set(text)
    page.eval("document.querySelector('.row').focus()")
    page.key("m")
    assert page.eval("document.getElementById('live').textContent").startswith("</script>")


def test_the_policy_refuses_what_is_not_ours(show: Callable[..., Page], tmp_path: Path) -> None:
    """Scripts, styles, images and requests that get in all the same are refused."""
    html = to_html(Song(())).replace("</body>", "<script>window.pwned=1</script></body>")
    page = show(html)
    assert page.eval("window.pwned === undefined")
    assert len(page.complaints()) == 1
    for attempt in (
        "fetch('https://a.invalid/').catch(() => {})",
        "document.body.append(Object.assign(new Image(), { src: 'https://b.invalid/' }))",
        "new WebSocket('wss://c.invalid/')",
    ):
        page.eval(f"void {attempt}")
    page.wait("document.images[0].complete")
    assert page.requests() == page.refused()
    assert all("Content Security Policy" in complaint for complaint in page.complaints())
    page.forget()


def test_inside_a_sandboxed_frame(show: Callable[..., Page]) -> None:
    """What a notebook shows: the page runs and plays, and reaches nothing outside."""
    player = Player(to_html(band(), grid=GRID))
    page = show(f"<!doctype html><body>{player._repr_html_()}")
    page.enter_frame()
    page.wait(f"typeof midikitState === 'function' && midikitState().painted === {ALL}")
    assert page.eval("location.href") == "about:srcdoc"
    assert (
        page.eval("(() => { try { return parent.document.title; } catch { return null; } })()")
        is None
    )
    x, y = page.eval(
        "(() => { const box = document.getElementById('play').getBoundingClientRect();"
        " return [box.x + 20, box.y + 20]; })()"
    )
    page.click(8 + x, 8 + y)
    page.wait(f"midikitState().context === 'running' && {HEAD} > 0.3")
    assert page.state()["scheduled"] > 20


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(("width", "height"), [(1280, 800), (360, 740), (720, 400)])
def test_no_width_overflows(
    show: Callable[..., Page], scheme: str, width: int, height: int
) -> None:
    """On a phone and on a desk nothing sticks out, however long the names are."""
    tracks = [
        Track("Very long name " * 20, notes=as_notes([(0.0, 1.0, 60, 80)])) for _ in range(30)
    ]
    page = show(
        to_html(Song(tuple(tracks), title="W" * 100), grid=GRID),
        width=width,
        height=height,
        media={"prefers-color-scheme": scheme},
    )
    assert page.eval("document.documentElement.scrollWidth") <= width
    assert page.eval("document.documentElement.scrollHeight") <= max(height, 480)
    state = page.state()
    assert state["area"]["height"] >= 140
    assert state["painted"] == 30
    dark = page.eval("getComputedStyle(document.body).backgroundColor") == "rgb(20, 23, 27)"
    assert dark == (scheme == "dark")


def test_reduced_motion_turns_pages(show: Callable[..., Page]) -> None:
    """The roll glides under the head while it plays, unless motion is unwanted."""
    lefts = {}
    for wish in ("no-preference", "reduce"):
        page = show(to_html(band(), grid=GRID), media={"prefers-reduced-motion": wish})
        for _ in range(4):
            page.key("+")
        page.key("ArrowRight", SHIFT)
        page.click_on("#play")
        page.wait(f"{HEAD} > 2.2")
        lefts[wish] = page.eval(
            """(async () => { const seen = new Set();
            for (let i = 0; i < 30; i++) {
              await new Promise(requestAnimationFrame);
              seen.add(midikitState().zoom.left);
            }
            return seen.size; })()"""
        )
        page.key(" ")
    assert lefts["reduce"] <= 2
    assert lefts["no-preference"] > 8


@pytest.mark.parametrize("count", [0, 1])
def test_songs_of_nothing_and_of_one_note(show: Callable[..., Page], count: int) -> None:
    """There is a page for every song, and playing it comes to its end."""
    tracks = (Track("Koto", notes=as_notes([(0.0, 0.2, 60, 80)])),) * count
    page = show(to_html(Song(tracks)))
    assert page.state()["painted"] == count
    page.click_on("#play")
    page.wait("!midikitState().playing && midikitState().status === 'End of the song'")
    assert page.state()["scheduled"] == count


def test_many_notes_are_usable(show: Callable[..., Page]) -> None:
    """50,000 notes in 300 tracks are drawn, and play and zoom answer."""
    tracks = tuple(
        Track(
            f"Part {k}",
            notes=as_notes([(0.5 * i, 0.5 * i + 0.4, 30 + (k + i) % 70, 80) for i in range(167)]),
        )
        for k in range(300)
    )
    page = show(to_html(Song(tracks), grid=None))
    assert page.state()["painted"] == 300 * 167
    page.click_on("#play")
    page.wait(f"{HEAD} > 0.3")
    page.key("+")
    assert page.state()["voices"] <= 200
    page.key("End")
    assert page.state()["head"] > 80


def test_touch_pinches_and_taps(show: Callable[..., Page]) -> None:
    """Two fingers that part zoom in; a tap seeks."""
    page = show(to_html(band(), grid=GRID), width=360, height=740, touch=True, ratio=2.0)
    with contextlib.suppress(AssertionError):
        page.call("Emulation.setTouchEmulationEnabled", enabled=True, maxTouchPoints=5)
    scale, y = page.state()["zoom"]["scale"], top(page) + 100
    x = 200.0
    page.touch("touchStart", [(x - 20, y), (x + 20, y)])
    page.touch("touchMove", [(x - 60, y), (x + 60, y)])
    page.touch("touchEnd", [])
    assert page.state()["zoom"]["scale"] > 1.8 * scale
    assert page.state()["head"] == 0
    page.touch("touchStart", [(x, y)])
    page.touch("touchEnd", [])
    assert page.state()["head"] > 0
