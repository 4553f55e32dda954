"""A body in chunks must keep the same rules as a body that declares its length."""

import re
import threading
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import dataclass
from http.client import HTTPConnection

import pytest
from flask import Flask
from werkzeug.serving import make_server

from phonebank.app import create_app
from phonebank.core.config import Config

JSON_TYPE, FORM_TYPE = "application/json", "application/x-www-form-urlencoded"
BODIES = {
    "no JSON": (JSON_TYPE, "{", 422),
    "no object": (JSON_TYPE, "[]", 422),
    "too deep": (JSON_TYPE, "[" * 100_000, 422),
    "no text": (JSON_TYPE, '{"code": "\\ud800"}', 422),
    "too large": (JSON_TYPE, '{"code": "' + "x" * 2_000_000 + '"}', 413),
    "far too large a form": (FORM_TYPE, "code=" + "x" * 2_000_000, 413),
    "half of that": (FORM_TYPE, "code=" + "x" * 600_000, 422),
    "too large, of no type we take": ("text/plain", "x" * 2_000_000, 413),
    "a code that is none": (JSON_TYPE, '{"code": "ABCDEF"}', 422),
    "the same as a form": (FORM_TYPE, "code=ABCDEF", 422),
}


@dataclass
class Browser:
    """A browser that can send a body with its length or in chunks, to a server that takes both."""

    port: int
    cookie: str = ""
    token: str = ""

    def come(self) -> None:
        with closing(HTTPConnection("127.0.0.1", self.port, timeout=20)) as line:
            line.request("GET", "/join")
            answer = line.getresponse()
            self.cookie = answer.headers["Set-Cookie"].partition(";")[0]
            found = re.search(r'name="csrf_token"[^>]* value="([^"]+)"', answer.read().decode())
        assert found
        self.token = found[1]

    def post(self, body: str, kind: str, chunked: bool, path: str = "/join") -> tuple[int, str]:
        """Status and text of the answer."""
        sent = body.encode()
        headers = {"Content-Type": kind, "Cookie": self.cookie, "Accept": JSON_TYPE}
        if self.token:
            headers["X-CSRFToken"] = self.token
        parts = (sent[at : at + 50_000] for at in range(0, len(sent), 50_000))
        with closing(HTTPConnection("127.0.0.1", self.port, timeout=20)) as line:
            with suppress(BrokenPipeError, ConnectionResetError):
                # A generator has no length, so http.client sends it in chunks.
                line.request("POST", path, parts if chunked else sent, headers)
            answer = line.getresponse()
            return answer.status, answer.read().decode()


@pytest.fixture(scope="module")
def port(app: Flask, config: Config) -> Iterator[int]:
    """The port of the app with form tokens, as on a public server."""
    server = make_server("127.0.0.1", 0, create_app(config), threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server.server_port
    server.shutdown()
    thread.join()


@pytest.mark.parametrize("name", BODIES)
def test_a_body_in_chunks_is_held_to_the_rules_of_one_with_a_length(
    port: int, clean_stores: None, name: str
) -> None:
    kind, body, status = BODIES[name]
    browser = Browser(port)
    assert browser.post(body, kind, chunked=True)[0] in (400, 413), "without the form's token"
    browser.come()
    with_length, in_chunks = (browser.post(body, kind, chunked) for chunked in (False, True))
    assert with_length[0] == status
    assert in_chunks == with_length


def test_only_the_callers_pages_take_json_in_chunks(port: int, clean_stores: None) -> None:
    browser = Browser(port)
    browser.come()
    for chunked in (False, True):
        status, text_of_it = browser.post('{"email": 5}', JSON_TYPE, chunked, "/sign-in")
        assert (status, "takes forms, not JSON" in text_of_it) == (422, True)
