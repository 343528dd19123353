"""A headless Chromium for tests, driven by its DevTools protocol over two pipes.

No driver is installed for it: the protocol is JSON between zero bytes on descriptors 3 and 4.
"""

from __future__ import annotations

import base64
import contextlib
import json
import os
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["Browser", "Page", "find_chromium"]

_SECONDS = 30.0
_NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
_START = """
import fcntl, os, sys
ends = [fcntl.fcntl(int(end), fcntl.F_DUPFD, 10) for end in sys.argv[1:3]]
for number, end in enumerate(ends, 3):
    os.dup2(end, number)
os.execv(sys.argv[3], sys.argv[3:])
"""


def find_chromium() -> str | None:
    """Return the program of a Chromium on the PATH, None where there is none."""
    return next(filter(None, map(shutil.which, _NAMES)), None)


class Browser:
    """One browser; pages are opened and closed in it."""

    def __init__(self, program: str) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="chromium-", ignore_cleanup_errors=True)
        theirs_in, self._out = os.pipe()
        self._in, theirs_out = os.pipe()
        self._process = subprocess.Popen(
            [
                *(sys.executable, "-c", _START, str(theirs_in), str(theirs_out)),
                program,
                "--headless=new",
                "--no-sandbox",
                "--disable-gpu",
                "--disable-dev-shm-usage",
                "--no-first-run",
                "--disable-background-networking",
                "--disable-component-update",
                "--force-color-profile=srgb",
                "--hide-scrollbars",
                "--disable-features=IsolateSandboxedIframes",  # a frame is seen with its page
                "--remote-debugging-pipe",
                f"--user-data-dir={self._folder.name}",
                "about:blank",
            ],
            pass_fds=(theirs_in, theirs_out),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        os.close(theirs_in)
        os.close(theirs_out)
        self._buffer = bytearray()
        self._number = 0
        self.events: list[dict[str, Any]] = []

    def close(self) -> None:
        """End the browser and every process of it."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        os.close(self._out)
        os.close(self._in)
        self._folder.cleanup()

    def call(self, method: str, session: str = "", **parameters: Any) -> dict[str, Any]:
        """Call a method of the protocol and wait for its answer."""
        self._number += 1
        message = {"id": self._number, "method": method, "params": parameters}
        if session:
            message["sessionId"] = session
        os.write(self._out, json.dumps(message).encode() + b"\0")
        deadline = time.monotonic() + _SECONDS
        while True:
            answer = self._read(deadline)
            if answer.get("id") != self._number:
                self.events.append(answer)
                continue
            if "error" in answer:
                raise AssertionError(f"{method}: {answer['error']}")
            result: dict[str, Any] = answer["result"]
            return result

    def _read(self, deadline: float) -> dict[str, Any]:
        while (at := self._buffer.find(b"\0")) < 0:
            ready, _, _ = select.select([self._in], [], [], max(0.0, deadline - time.monotonic()))
            data = os.read(self._in, 1 << 20) if ready else b""
            if not data:
                raise AssertionError("the browser does not answer")
            self._buffer += data
        message: dict[str, Any] = json.loads(self._buffer[:at])
        del self._buffer[: at + 1]
        return message

    def open(
        self,
        path: Path,
        *,
        width: int = 1280,
        height: int = 800,
        media: dict[str, str] | None = None,
        ratio: float = 1.0,
        touch: bool = False,
    ) -> Page:
        """Open a file in a page of its own and wait until it is loaded."""
        context = self.call("Target.createBrowserContext")["browserContextId"]
        target = self.call("Target.createTarget", url="about:blank", browserContextId=context)
        session = self.call("Target.attachToTarget", targetId=target["targetId"], flatten=True)[
            "sessionId"
        ]
        page = Page(self, session, context)
        for domain in ("Page", "Runtime", "Network", "Log", "Security"):
            page.call(f"{domain}.enable")
        page.call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=ratio,
            mobile=touch,
        )
        if touch:
            page.call("Emulation.setTouchEmulationEnabled", enabled=True, maxTouchPoints=5)
        features = [{"name": name, "value": value} for name, value in (media or {}).items()]
        page.call("Emulation.setEmulatedMedia", features=features)
        page.call("Page.navigate", url=path.as_uri())
        page.wait("document.readyState === 'complete' && location.protocol === 'file:'")
        return page


class Page:
    """One page."""

    def __init__(self, browser: Browser, session: str, context: str) -> None:
        self._browser, self._session, self._context = browser, session, context
        self._world: int | None = None

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Call a method of the protocol for this page."""
        return self._browser.call(method, self._session, **parameters)

    def close(self) -> None:
        """Close the page and forget what it kept."""
        self._browser.call("Target.disposeBrowserContext", browserContextId=self._context)

    def eval(self, expression: str) -> Any:
        """Evaluate JavaScript and return its value; a promise is waited for."""
        where = {} if self._world is None else {"contextId": self._world}
        answer = self.call(
            "Runtime.evaluate",
            expression=expression,
            returnByValue=True,
            awaitPromise=True,
            **where,
        )
        if "exceptionDetails" in answer:
            raise AssertionError(answer["exceptionDetails"])
        return answer["result"].get("value")

    def state(self) -> dict[str, Any]:
        """Return what the page says of itself."""
        state: dict[str, Any] = self.eval("midikitState()")
        return state

    def wait(self, condition: str, seconds: float = 15.0) -> None:
        """Wait until an expression is true."""
        deadline = time.monotonic() + seconds
        while not self.eval(f"Boolean({condition})"):
            if time.monotonic() > deadline:
                raise AssertionError(f"never came true: {condition}")
            time.sleep(0.02)

    def when(self, condition: str, seconds: float = 15.0) -> dict[str, Any]:
        """Wait until an expression of the state ``s`` is true, and return that very state."""
        state: dict[str, Any] | None = self.eval(
            f"""new Promise((done) => {{ const until = performance.now() + {1000 * seconds};
            (function look() {{ const s = midikitState();
            if ({condition}) done(s);
            else if (performance.now() > until) done(null);
            else setTimeout(look, 5); }})(); }})"""
        )
        assert state is not None, f"never came true: {condition}"
        return state

    def enter_frame(self) -> None:
        """Evaluate inside the page's frame from now on, whose origin is another."""
        tree = self.call("Page.getFrameTree")["frameTree"]
        frame = tree["childFrames"][0]["frame"]["id"]
        self._world = next(
            event["params"]["context"]["id"]
            for event in reversed(self._events("Runtime.executionContextCreated"))
            if event["params"]["context"]["auxData"]["frameId"] == frame
        )

    def key(self, key: str, modifiers: int = 0) -> None:
        """Press and release a key; modifiers: 1 Alt, 2 Ctrl, 4 Meta, 8 Shift."""
        text = {"text": key} if len(key) == 1 else {}
        if key == "Enter":
            text = {"text": "\r"}
        code = {"Tab": 9, "Enter": 13, "Escape": 27, " ": 32}.get(key, 0)
        keys = {"key": key, "modifiers": modifiers, "windowsVirtualKeyCode": code}
        self.call("Input.dispatchKeyEvent", type="keyDown", **keys, **text)
        self.call("Input.dispatchKeyEvent", type="keyUp", **keys)

    def mouse(self, kind: str, x: float, y: float, **more: Any) -> None:
        """Send one event of the mouse: Pressed, Released, Moved or Wheel."""
        pressed = {} if kind in {"Moved", "Wheel"} else {"button": "left", "clickCount": 1}
        self.call("Input.dispatchMouseEvent", type=f"mouse{kind}", x=x, y=y, **pressed, **more)

    def click(self, x: float, y: float) -> None:
        """Click at a place."""
        self.mouse("Pressed", x, y)
        self.mouse("Released", x, y)

    def click_on(self, selector: str, nth: int = 0) -> None:
        """Click the middle of an element."""
        x, y = self.eval(
            f"(() => {{ const box = document.querySelectorAll({json.dumps(selector)})[{nth}]"
            ".getBoundingClientRect(); return [box.x + box.width / 2, box.y + box.height / 2]; })()"
        )
        self.click(x, y)

    def touch(self, kind: str, fingers: list[tuple[float, float]]) -> None:
        """Send one event of a touch screen: touchStart, touchMove or touchEnd."""
        points = [{"x": x, "y": y, "id": number} for number, (x, y) in enumerate(fingers)]
        self.call("Input.dispatchTouchEvent", type=kind, touchPoints=points)

    def screenshot(self, path: Path) -> None:
        """Write what is seen to a .png."""
        data = self.call("Page.captureScreenshot", format="png")["data"]
        path.write_bytes(base64.b64decode(data))

    def requests(self) -> list[str]:
        """List the addresses that were asked for, the page's own file left out."""
        self.eval("1")
        urls = [
            str(event["params"]["request"]["url"])
            for event in self._events("Network.requestWillBeSent")
        ]
        return urls[1:]

    def complaints(self) -> list[str]:
        """List errors and warnings of the console, exceptions, and what the policy refused."""
        self.eval("1")
        said = self._events("Runtime.consoleAPICalled")
        found = [json.dumps(event["params"]) for event in self._events("Runtime.exceptionThrown")]
        found += [
            json.dumps(event["params"]["args"])
            for event in said
            if event["params"]["type"] in {"error", "warning", "assert"}
        ]
        found += [json.dumps(event["params"]["entry"]) for event in self._events("Log.entryAdded")]
        return found

    def refused(self) -> list[str]:
        """List the addresses that the page's policy let nobody ask for."""
        self.eval("1")
        blocked = {
            event["params"]["requestId"]
            for event in self._events("Network.loadingFailed")
            if event["params"].get("blockedReason") == "csp"
        }
        return [
            str(event["params"]["request"]["url"])
            for event in self._events("Network.requestWillBeSent")
            if event["params"]["requestId"] in blocked
        ]

    def forget(self) -> None:
        """Take what was asked and complained of so far for looked at."""
        mine = [event for event in self._browser.events if event.get("sessionId") == self._session]
        keep = next(e for e in mine if e.get("method") == "Network.requestWillBeSent")
        self._browser.events = [e for e in self._browser.events if e not in mine or e is keep]

    def _events(self, method: str) -> list[dict[str, Any]]:
        return [
            event
            for event in self._browser.events
            if event.get("method") == method and event.get("sessionId") == self._session
        ]
