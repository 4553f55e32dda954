"""Twilio's Voice SDK in a real browser, under Phonebank's own policy.

No connection to Twilio can be made here. What is seen is where the SDK wants to connect.
"""

import threading

import pytest
from flask import Flask, Response, jsonify, render_template_string
from playwright.sync_api import sync_playwright
from werkzeug.serving import make_server

from callers.views.softphone import LIBRARIES
from phonebank.app import create_app
from phonebank.core.access import ANYONE, open_to
from phonebank.core.assets import vendor
from phonebank.core.config import Config
from phonebank.core.security import allow_connections
from phonebank.telephony.softphones import browser_addresses
from phonebank.telephony.twilio_backend import TwilioBackend
from tests.browser.conftest import ARGUMENTS, NO_CHROMIUM, chromium_on_path
from tests.phonebank.telephony.test_twilio_backend import twilio_config

pytestmark = pytest.mark.calls
__all__ = ["twilio_config"]  # a fixture

PAGE = """<!doctype html><meta name="csrf" content=""><title>Softphone</title>
<button id="start">Start</button>{% include "callers/_softphone.html" %}
<script type="module" src="/try/start.js"></script>"""
START = """import { softphone } from "/static/js/softphone.js";
window.violations = [];
document.addEventListener("securitypolicyviolation", (event) => {
  window.violations.push(event.violatedDirective + " " + event.blockedURI);
});
const root = document.querySelector("[data-softphone]");
root.dataset.token = "/try/token";
const phone = softphone(root, async () => {});
document.querySelector("#start").addEventListener("click", phone.start);
"""


def site(app: Flask, config: Config) -> None:
    backend = TwilioBackend(config)

    def page() -> str:
        allow_connections(*browser_addresses(config))
        return render_template_string(PAGE)

    def token() -> Response:
        token = backend.softphone_token(1, 7)
        library = vendor(LIBRARIES[token.driver])
        return jsonify(
            driver=token.driver,
            secret=token.secret,
            settings=token.settings,
            library={"url": library.url, "integrity": library.integrity},
        )

    def start() -> Response:
        return Response(START, mimetype="text/javascript")

    app.add_url_rule("/try", "try", open_to(ANYONE)(page))
    app.add_url_rule("/try/start.js", "start", open_to(ANYONE)(start))
    app.add_url_rule("/try/token", "token", open_to(ANYONE)(token), methods=["POST"])
    app.config["WTF_CSRF_ENABLED"] = False


def test_the_sdk_asks_only_for_what_the_policy_allows(app: Flask, twilio_config: Config) -> None:
    path = chromium_on_path()
    if path is None:
        pytest.skip(NO_CHROMIUM)
    served = create_app(twilio_config)
    site(served, twilio_config)
    server = make_server("127.0.0.1", 0, served, threaded=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    asked: list[str] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=path,
            args=[
                *ARGUMENTS,
                "--use-fake-ui-for-media-stream",
                "--use-fake-device-for-media-stream",
                # Every other host is a port at which nobody listens.
                "--host-resolver-rules=MAP * 127.0.0.1:1, EXCLUDE 127.0.0.1",
            ],
        )
        page = browser.new_page()
        page.on("request", lambda request: asked.append(request.url))
        page.on("websocket", lambda socket: asked.append(socket.url))
        page.goto(f"http://127.0.0.1:{server.port}/try")
        with page.expect_websocket(timeout=20000):
            page.locator("#start").click()
        assert page.evaluate("window.violations") == []
        browser.close()
    server.shutdown()
    elsewhere = {url.split("?")[0] for url in asked if "127.0.0.1" not in url}
    assert elsewhere
    for url in elsewhere:
        assert url.startswith(browser_addresses(twilio_config)), url
    own = {url.split("/static/")[1].split("?")[0] for url in asked if "/static/" in url}
    assert {"sounds/key.wav", "sounds/end.wav"} <= own
