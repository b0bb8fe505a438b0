"""A second opinion: Firefox opens the page, draws a film, hands it the keys and finds its way back, without an error.

Playwright drives no Firefox of a distribution, but every Firefox speaks Marionette, the protocol behind WebDriver: JSON with its length in
front, over a plain connection (https://firefox-source-docs.mozilla.org/testing/marionette/Protocol.html).
"""

from __future__ import annotations

import contextlib
import json
import shutil
import socket
import subprocess
from collections.abc import Iterator

import pytest
from pages import LONG
from until import until

FIREFOX = shutil.which("firefox-esr") or shutil.which("firefox")


class Firefox:
    """A Firefox without a window, and one conversation with it."""

    def __init__(self, profile) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        (profile / "user.js").write_text(f'user_pref("marionette.port", {port});\n', encoding="utf-8")
        self.process = subprocess.Popen(
            [FIREFOX, "--headless", "--marionette", "--remote-allow-system-access", "--no-remote", "--profile", str(profile)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        self.wire, self.number = self._connect(port), 0
        assert self._read()["marionetteProtocol"] == 3
        self.ask("WebDriver:NewSession", timeouts={"script": LONG, "pageLoad": LONG})

    def _connect(self, port: int) -> socket.socket:
        def wire() -> socket.socket | None:
            assert self.process.poll() is None, "firefox has ended"
            with contextlib.suppress(OSError):
                return socket.create_connection(("127.0.0.1", port), timeout=LONG / 1000)
            return None

        return until(wire, LONG / 1000, "Firefox listens to nobody")

    def _read(self):
        size = b""
        while not size.endswith(b":"):
            size += self.wire.recv(1)
        body = b""
        while len(body) < int(size[:-1]):
            body += self.wire.recv(int(size[:-1]) - len(body))
        return json.loads(body)

    def ask(self, command: str, **values):
        self.number += 1
        words = json.dumps([0, self.number, command, values]).encode()
        self.wire.sendall(str(len(words)).encode() + b":" + words)
        _, number, error, answer = self._read()
        assert number == self.number and error is None, error
        return answer.get("value") if isinstance(answer, dict) else answer

    def run(self, script: str):
        """What the page's script returns."""
        return self.ask("WebDriver:ExecuteScript", script=f"return {script}", args=[])

    def until(self, script: str) -> None:
        """Wait until the page says yes."""
        look = f"const done = arguments[0]; (function look() {{ if ({script}) done(true); else requestAnimationFrame(look); }})()"
        self.ask("WebDriver:ExecuteAsyncScript", script=look, args=[])

    def click(self, selector: str) -> None:
        self.until(f"document.querySelector({selector!r})")
        found = self.ask("WebDriver:FindElement", using="css selector", value=selector)
        self.ask("WebDriver:ElementClick", id=next(iter(found.values())))

    def press(self, key: str) -> None:
        keys = [{"type": kind, "value": key} for kind in ("keyDown", "keyUp")]
        self.ask("WebDriver:PerformActions", actions=[{"type": "key", "id": "keyboard", "actions": keys}])

    def errors(self, address: str) -> list[str]:
        """What went wrong in the app's own scripts so far."""
        self.ask("Marionette:SetContext", value="chrome")
        told = self.run("Services.console.getMessageArray().filter(m => m instanceof Ci.nsIScriptError && !(m.flags & 1))"
                        ".map(m => m.sourceName + ' ' + m.errorMessage)")  # fmt: skip
        self.ask("Marionette:SetContext", value="content")
        return [text for text in told if text.startswith(address)]

    def close(self) -> None:
        self.wire.close()
        self.process.kill()
        self.process.wait()


@pytest.fixture
def firefox(tmp_path) -> Iterator[Firefox]:
    if not FIREFOX:
        pytest.skip("no firefox")
    browser = Firefox(tmp_path)
    yield browser
    browser.close()


PLAYER = "[...document.querySelectorAll('.gv-Player')].find(p => p.offsetParent)"


def test_firefox_draws_a_film_and_gives_it_the_keys(app, firefox) -> None:
    firefox.ask("WebDriver:Navigate", url=app)
    firefox.until("document.querySelectorAll('.gv-Start .family').length")
    firefox.click("#tab-diffusion-button")
    firefox.until(f"{PLAYER}?.dataset.state === 'done'")
    firefox.click(".gv-Controls .sample")
    firefox.until("document.activeElement.classList.contains('stage')")
    firefox.until(f"{PLAYER}.dataset.state === 'done'")
    firefox.press("\ue010")  # End
    firefox.until(f"{PLAYER}.querySelector('.step').textContent === 'step 17 of 17'")
    shades = f"new Set({PLAYER}.querySelector('.pane').getContext('2d').getImageData(0, 0, 28, 28).data).size"
    assert firefox.run(shades) > 20
    firefox.press("\ue012")  # left arrow
    firefox.until(f"{PLAYER}.querySelector('.step').textContent === 'step 16 of 17'")
    firefox.until("location.search.includes('step=16')")
    firefox.click("#tab-vae-button")
    firefox.until("location.search.includes('tab=vae')")
    firefox.ask("WebDriver:Back")
    firefox.until("document.querySelector('#tab-diffusion-button').ariaSelected === 'true'")
    firefox.until(f"{PLAYER}.querySelector('.step').textContent === 'step 16 of 17'")
    assert firefox.errors(app) == []
