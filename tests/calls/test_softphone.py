"""A caller's browser speaks with a person through a real Asterisk, under Phonebank's own policy."""

import os
import threading
import time
from collections.abc import Iterator

import pytest
from flask import Flask, Response, jsonify, render_template_string
from playwright.sync_api import Browser, Page, expect, sync_playwright
from werkzeug.serving import make_server

from phonebank.app import create_app
from phonebank.core.access import ANYONE, open_to
from phonebank.core.assets import vendor
from phonebank.core.config import Config
from phonebank.core.security import allow_connections
from phonebank.telephony.asterisk_backend import AsteriskBackend
from phonebank.telephony.backend import LineRef, Sound
from phonebank.telephony.events import EventKind
from tests.browser.conftest import ARGUMENTS, NO_CHROMIUM, PATIENCE, chromium_on_path
from tests.calls.test_asterisk_backend import (
    ANSWERS,
    SHOWN,
    backend,
    bridges,
    heard,
    loudness,
    new_line,
    record,
    ref,
)
from tests.processes import within

pytestmark = pytest.mark.calls
__all__ = ["backend", "heard"]  # fixtures

WITH_A_MICROPHONE = [
    "--use-fake-ui-for-media-stream",
    "--use-fake-device-for-media-stream",
    "--autoplay-policy=no-user-gesture-required",
    "--disable-features=WebRtcHideLocalIpsWithMdns",
]

PAGE = """<!doctype html><meta name="csrf" content=""><title>Softphone</title>
<button id="start">Start</button>{% include "callers/_softphone.html" %}
<script type="module" src="/try/start.js"></script>"""
START = """import { softphone } from "%s";
const root = document.querySelector("[data-softphone]");
root.dataset.token = "/try/token";
const phone = softphone(root, async () => {});
document.querySelector("#start").addEventListener("click", phone.start);
document.addEventListener("securitypolicyviolation", (event) => {
  document.title = event.violatedDirective;
});
"""


@pytest.fixture(scope="module")
def microphone_browser() -> Iterator[Browser]:
    path = chromium_on_path()
    if path is None:
        pytest.skip(NO_CHROMIUM)
    # A dialler or a browser may take long to start on a machine with much else to do.
    expect.set_options(timeout=2 * PATIENCE)
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(
            executable_path=path, args=[*ARGUMENTS, *WITH_A_MICROPHONE]
        )
        yield launched
        launched.close()


class Site:
    """Phonebank's pages, and one page more that holds nothing but a softphone."""

    def __init__(self, app: Flask, backend: AsteriskBackend, url: str) -> None:
        self.line = new_line()
        app.add_url_rule("/try", "try", open_to(ANYONE)(lambda: self.page(url)))
        app.add_url_rule("/try/start.js", "start", open_to(ANYONE)(lambda: self.start()))
        app.add_url_rule(
            "/try/token",
            "token",
            open_to(ANYONE)(lambda: self.token(backend)),
            methods=["POST"],
        )
        app.config["WTF_CSRF_ENABLED"] = False
        self.server = make_server("127.0.0.1", 0, app, threaded=True)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.address = f"http://127.0.0.1:{self.server.port}/try"

    def page(self, url: str) -> str:
        allow_connections(url)
        return render_template_string(PAGE)

    def start(self) -> Response:
        return Response(START % bundled_module(), mimetype="text/javascript")

    def token(self, backend: AsteriskBackend) -> Response:
        token = backend.softphone_token(1, self.line)
        library = vendor("jssip")
        return jsonify(
            driver=token.driver,
            secret=token.secret,
            settings=token.settings,
            library={"url": library.url, "integrity": library.integrity},
        )


def bundled_module() -> str:
    return "/static/js/softphone.js"


@pytest.fixture
def site(config: Config, app: Flask, backend: AsteriskBackend) -> Iterator[Site]:
    own = create_app(config)
    made = Site(own, backend, backend._config.asterisk_softphone_url)
    yield made
    made.server.shutdown()


def statistics(page: Page) -> dict[str, float]:
    """What the browser sent and got since the line is up: packets, and the energy of the sound."""
    return page.evaluate(
        """async () => {
        const sums = { sent: 0, received: 0, energy: 0 };
        for (const entry of (await window.peer.getStats()).values()) {
          if (entry.type === "outbound-rtp") sums.sent += entry.packetsSent;
          if (entry.type === "inbound-rtp") {
            sums.received += entry.packetsReceived;
            sums.energy += entry.totalAudioEnergy;
          }
        }
        return sums;
      }"""
    )


# The test looks at the browser's own connection. The page's code does not keep it anywhere.
KEEP_THE_CONNECTION = """const Real = window.RTCPeerConnection;
window.RTCPeerConnection = class extends Real {
  constructor(...args) { super(...args); window.peer = this; }
};"""


@pytest.mark.browser
def test_a_browser_hears_a_person_and_is_heard(site, backend, heard, asterisk, microphone_browser):
    if os.environ.get("OWN_NETWORK") != "inside":
        pytest.skip("no real sound: this machine gives no network of one's own (make test-calls)")
    context = microphone_browser.new_context()
    page = context.new_page()
    page.add_init_script(KEEP_THE_CONNECTION)
    frames: list[str] = []

    def keep(frame: str | bytes) -> None:
        frames.append(frame if isinstance(frame, str) else frame.decode("latin1"))

    page.on("websocket", lambda ws: (ws.on("framereceived", keep), ws.on("framesent", keep)))
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on(
        "console", lambda message: errors.append(message.text) if message.type == "error" else None
    )
    page.goto(site.address)
    page.click("#start")
    heard.wait(site.line, EventKind.ANSWERED)
    expect(page.get_by_text("You're connected.")).to_be_visible()
    caller = LineRef(site.line, heard.provider(site.line))
    backend.play(caller, Sound.WAITING)
    person = new_line()
    backend.call_person(person, ANSWERS, SHOWN, 20)
    heard.wait(person, EventKind.ANSWERED)
    backend.join(ref(person), caller)
    heard.wait(site.line, EventKind.JOINED)
    # The person's telephone sends back what it hears: the browser's own beeps.
    before = statistics(page)
    record_name = record(backend, f"line-{person}")
    time.sleep(3)
    after = statistics(page)
    assert after["sent"] - before["sent"] > 100
    assert after["received"] - before["received"] > 100
    assert after["energy"] - before["energy"] > 0.01
    expect(page.locator("[data-softphone-quality]")).to_have_text("Good line")
    # Muted, the person hears nothing.
    page.get_by_role("button", name="Mute").click()
    time.sleep(1)
    silent = statistics(page)["energy"]
    time.sleep(1)
    assert statistics(page)["energy"] - silent < 0.001
    page.get_by_role("button", name="Mute").click()
    page.get_by_text("Keypad").click()
    page.get_by_role("button", name="5", exact=True).click()
    backend.hang_up(ref(person))
    heard.wait(person, EventKind.ENDED)
    assert loudness(asterisk, record_name) > 100
    heard.wait(site.line, EventKind.LEFT)
    assert EventKind.ENDED not in heard.kinds(site.line)
    # Leaving the page would end the line, so the browser asks first.
    asked: list[str] = []
    page.on("dialog", lambda dialog: (asked.append(dialog.type), dialog.dismiss()))
    page.close(run_before_unload=True)
    page.wait_for_timeout(1000)
    assert asked == ["beforeunload"]
    backend.hang_up(caller)
    expect(page.get_by_text("This browser is no longer connected.")).to_be_visible()
    heard.wait(site.line, EventKind.ENDED)
    within(30, lambda: f"bridge-{site.line}" not in bridges(backend), "the bridge is gone")
    [lost] = backend.fetch([LineRef(site.line, None)])
    assert lost.kind == EventKind.ENDED  # the sign-in is gone too
    assert page.title() == "Softphone", "the policy refused something"
    assert not errors
    assert frames
    number = ANSWERS.lstrip("+")
    assert not any(number in frame or number[2:] in frame for frame in frames)
    context.close()
