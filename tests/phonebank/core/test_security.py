"""What every response and every form must carry, and what no template may contain."""

import io
import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from phonebank.app import create_app
from phonebank.core.access import ANYONE, open_to
from phonebank.core.config import Config
from phonebank.core.db import db
from phonebank.core.security import csrf
from phonebank.models import RoleName
from tests.factories import create_account, create_campaign
from tests.route_addresses import address
from tests.signing_in import sign_in

ROOT = Path(__file__).parents[3]
TEMPLATES = sorted(
    path
    for package in ("phonebank", "callers", "scripts_library")
    for path in (ROOT / package).rglob("*.html")
)


# Forms ---------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def strict_app(app: Flask, config: Config) -> Flask:
    """The app as the public meets it: forms need their token."""
    return create_app(config)


@pytest.fixture
def browser(strict_app: Flask, clean_stores: None) -> FlaskClient:
    return strict_app.test_client()


def token_in(page: str) -> str:
    found = re.search(r'name="csrf_token"[^>]* value="([^"]+)"', page)
    assert found
    return found[1]


def test_a_form_without_its_token_is_refused(browser: FlaskClient) -> None:
    browser.get("/sign-in")
    refused = browser.post("/sign-in", data={"email": "cy@example.org"})
    assert refused.status_code == 400
    assert "This page was open too long" in refused.text
    forged = {"email": "cy@example.org", "csrf_token": "x"}
    assert browser.post("/sign-in", data=forged).status_code == 400


def test_a_form_with_its_token_is_taken(browser: FlaskClient) -> None:
    token = token_in(browser.get("/sign-in").text)
    taken = browser.post("/sign-in", data={"email": "cy@example.org", "csrf_token": token})
    assert taken.status_code == 302


def test_a_token_of_another_browser_is_refused(strict_app: Flask, browser: FlaskClient) -> None:
    token = token_in(strict_app.test_client().get("/sign-in").text)
    browser.get("/sign-in")
    refused = browser.post("/sign-in", data={"email": "cy@example.org", "csrf_token": token})
    assert refused.status_code == 400


def test_a_token_ends_after_an_evening(
    browser: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = token_in(browser.get("/sign-in").text)
    began = time.time()
    monkeypatch.setattr(time, "time", lambda: began + 12 * 60 * 60 + 2)
    refused = browser.post("/sign-in", data={"email": "cy@example.org", "csrf_token": token})
    assert refused.status_code == 400
    assert "This page was open too long" in refused.text


def test_the_part_of_a_token_that_stays_the_same_opens_nothing(
    browser: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = token_in(browser.get("/sign-in").text)
    began = time.time()
    monkeypatch.setattr(time, "time", lambda: began + 1)
    second = token_in(browser.get("/sign-in").text)
    same, at, signature = first.split(".")
    _, later, other_signature = second.split(".")
    shared = sum(one == other for one, other in zip(signature, other_signature, strict=True))
    assert shared < 10, "the signatures of two seconds are as unlike as two random texts"
    for forged in (same, f"{same}.{at}", f"{same}.{at}.{other_signature}", f"{same}.{later}.{at}"):
        refused = browser.post("/sign-in", data={"email": "cy@example.org", "csrf_token": forged})
        assert refused.status_code == 400


def test_a_script_sends_its_token_in_a_header(browser: FlaskClient) -> None:
    page = browser.get("/sign-in").text
    token = re.search(r'<meta name="csrf" content="([^"]+)"', page)
    assert token
    taken = browser.post(
        "/sign-in", data={"email": "cy@example.org"}, headers={"X-CSRFToken": token[1]}
    )
    assert taken.status_code == 302


def test_no_route_takes_a_form_without_a_token(strict_app: Flask, browser: FlaskClient) -> None:
    # The search for a place changes nothing, and its page is the same for everybody.
    assert csrf._exempt_views == {"phonebank.movement.near_views.search"}
    assert {blueprint.name for blueprint in csrf._exempt_blueprints} == {"api", "phone_webhooks"}
    asked = 0
    for route in strict_app.url_map.iter_rules():
        for method in ("POST", "PUT", "PATCH", "DELETE"):
            if route.build_only or method not in (route.methods or ()):
                continue
            if route.endpoint.startswith("api."):
                # No cookie opens the API, so no other site can use it in somebody's name.
                assert browser.open(address(route), method=method).status_code == 401
                continue
            if route.endpoint.startswith("phone_webhooks."):
                # Neither does one open these: each request is signed.
                assert browser.open(address(route), method=method).status_code == 403
                continue
            if route.endpoint == "near.search":
                continue
            asked += 1
            answer = browser.open(address(route), method=method)
            stale = "X-Phonebank-Stale-Form" in answer.headers
            assert (answer.status_code, stale) == (400, True), route.rule
    assert asked > 5


@pytest.mark.parametrize("path", ["/sign-in", "/join", "/join/ABCDEF", "/calling/next"])
def test_a_browser_that_keeps_no_cookies_is_told_so_and_what_to_do(
    strict_app: Flask, clean_stores: None, path: str
) -> None:
    blocked = strict_app.test_client(use_cookies=False)
    token = token_in(blocked.get("/sign-in").text)
    refused = blocked.post(path, data={"csrf_token": token, "first_name": "Kit"})
    assert refused.status_code == 400
    assert "keep our cookie" in refused.text
    assert "Open the link in Safari, Chrome or Firefox itself" in refused.text
    assert "open too long" not in refused.text


# Our own answers -----------------------------------------------------------------------------


def test_every_answer_says_that_it_is_ours(app: Flask, client: FlaskClient) -> None:
    """This includes errors, files and unknown addresses: a page trusts no answer without the
    header."""
    for route in app.url_map.iter_rules():
        if route.build_only:
            continue
        for method in sorted(route.methods or ()):
            answer = client.open(address(route), method=method)
            assert answer.headers.get("X-Phonebank"), f"{method} {route.rule}"
    for answer in (client.get("/nothing/here"), client.put("/join"), client.get("/static/none.js")):
        assert (answer.status_code >= 400, answer.headers.get("X-Phonebank")) == (True, "1")


def test_a_fault_of_ours_says_that_it_is_ours(config: Config, clean_stores: None) -> None:
    broken = create_app(config)

    @open_to(ANYONE)
    def fault() -> str:
        raise RuntimeError("a name that no log may hold")

    broken.view_functions["callers.join"] = fault
    answer = broken.test_client().get("/join")
    assert (answer.status_code, answer.headers["X-Phonebank"]) == (500, "1")


# Bodies --------------------------------------------------------------------------------------


def test_strangers_cannot_send_large_bodies(app: Flask, client: FlaskClient) -> None:
    large = b"x" * (2 * 1024 * 1024)
    with app.app_context():
        organiser = create_account(RoleName.ORGANISER).id
        create_campaign()
        db.session.commit()
    for path in ("/sign-in", "/join"):
        body: dict[str, object] = {"file": (io.BytesIO(large), "list.csv")}
        sent = client.post(path, data=body, content_type="multipart/form-data")
        assert sent.status_code == 413, path
        assert "larger than the 1 MB this page takes" in sent.text
    sent = client.post("/join", data=large, content_type="application/json")
    assert sent.status_code == 413
    assert "larger than the 1 MB" in sent.text
    body = {"file": (io.BytesIO(b"x"), "list.csv"), "code": "x" * 600_000}
    sent = client.post("/join", data=body, content_type="multipart/form-data")
    assert sent.status_code == 413
    assert "One of the texts you sent is larger than the 500 kB" in sent.text
    sign_in(client, organiser)
    upload = {"file": (io.BytesIO(b"Phone,Name\n" + b"07700900123,Al\n" * 150_000), "list.csv")}
    taken = client.post("/campaigns/1/lists/new", data=upload, content_type="multipart/form-data")
    assert taken.status_code == 302


ODD_JSON = [
    "[" * 100_000,
    '{"code": 1, "first_name": 2}',
    '{"code": {}, "first_name": {"a": 1}}',
    '{"code": [[1]], "first_name": [null]}',
    '{"code": "\\ud800", "first_name": "Al"}',
    '{"email": 5}',
    "[]",
    "1",
    "null",
    "{",
    "",
    "\xff",
]


@pytest.mark.parametrize("body", ODD_JSON)
@pytest.mark.parametrize("path", ["/join", "/join/ABCDEF", "/sign-in", "/sign-in/link/x"])
def test_json_of_any_shape_is_refused_in_words(client: FlaskClient, path: str, body: str) -> None:
    answer = client.post(path, data=body, content_type="application/json")
    assert answer.status_code in (400, 404, 410, 422)
    assert answer.json["error"]["message"] if answer.is_json else answer.text


# Headers -------------------------------------------------------------------------------------


def answers(app: Flask, client: FlaskClient) -> Iterator[tuple[str, TestResponse]]:
    """An answer of each kind that the app gives."""
    yield "page", client.get("/sign-in")
    yield "redirect", client.get("/account")
    yield "not found", client.get("/nowhere")
    yield "not found, as JSON", client.get("/nowhere", headers={"Accept": "application/json"})
    yield "wrong method", client.get("/sign-out")
    yield "refused form", client.post("/sign-in", data={"email": "x"})
    yield "static file", client.get("/static/phonebank.css")
    yield "static file that is not there", client.get("/static/none.css")
    yield "preflight", client.options("/sign-in")
    for _ in range(11):
        limited = client.post("/sign-in", data={"email": "x"})
    assert limited.status_code == 429
    yield "too often", limited


def test_every_kind_of_answer_carries_the_headers(app: Flask, client: FlaskClient) -> None:
    for kind, answer in answers(app, client):
        policy = answer.headers["Content-Security-Policy"]
        assert "default-src 'self'" in policy, kind
        assert "unsafe" not in policy, kind
        for fenced in ("object-src 'none'", "base-uri 'none'", "frame-ancestors 'none'"):
            assert fenced in policy, kind
        assert "form-action 'self'" in policy, kind
        assert answer.headers["X-Content-Type-Options"] == "nosniff", kind
        assert answer.headers["Referrer-Policy"] == "same-origin", kind
        assert "camera=()" in answer.headers["Permissions-Policy"], kind


def test_the_policy_names_no_other_host(client: FlaskClient) -> None:
    policy = client.get("/").headers["Content-Security-Policy"]
    sources = {word for part in policy.split("; ") for word in part.split()[1:]}
    assert sources == {"'self'", "'none'", "data:"}
    assert re.search(r"img-src [^;]*data:", policy)
    assert len(re.findall("data:", policy)) == 1, "data: addresses are for pictures alone"


def test_no_page_is_kept_and_files_are(client: FlaskClient) -> None:
    assert client.get("/sign-in").headers["Cache-Control"] == "no-store"
    assert client.get("/nowhere").headers["Cache-Control"] == "no-store"
    assert "no-store" not in client.get("/static/phonebank.css").headers["Cache-Control"]


# HTTPS and cookies ---------------------------------------------------------------------------


def cookies(client: FlaskClient, path: str) -> list[str]:
    return client.get(path).headers.getlist("Set-Cookie")


def test_cookies_are_not_for_scripts_nor_for_other_sites(app: Flask, clean_stores: None) -> None:
    with app.app_context():
        host = create_account(RoleName.HOST).id
        db.session.commit()
    client = app.test_client()
    sign_in(client, host)
    client.post("/sign-out")
    [cookie] = cookies(client, "/")
    assert cookie.startswith("session=")
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    assert "Secure" not in cookie, "a laptop without HTTPS could not keep it"


def test_on_https_cookies_stay_there(https_app: Flask, clean_stores: None) -> None:
    client = https_app.test_client()
    [cookie] = cookies(client, "/sign-in")
    assert "Secure" in cookie
    assert "HttpOnly" in cookie
    answer = client.get("/")
    assert answer.headers["Strict-Transport-Security"] == "max-age=31536000"


def test_without_https_browsers_are_not_told_to_insist_on_it(client: FlaskClient) -> None:
    assert "Strict-Transport-Security" not in client.get("/").headers


def test_signing_in_leaves_no_cookie_that_outlives_the_session(
    app: Flask, client: FlaskClient
) -> None:
    with app.app_context():
        host = create_account(RoleName.HOST).id
        db.session.commit()
    sign_in(client, host)
    assert [cookie.key for cookie in client._cookies.values()] == ["session"]
    assert all(cookie.expires is None for cookie in client._cookies.values())


# Links ---------------------------------------------------------------------------------------


def test_a_made_up_host_is_in_no_link(
    app: Flask, client: FlaskClient, capsys: pytest.CaptureFixture[str]
) -> None:
    with app.app_context():
        create_account(RoleName.HOST, email="cy@example.org")
        db.session.commit()
    headers = {"Host": "evil.example", "X-Forwarded-Host": "evil.example"}
    client.post("/sign-in", data={"email": "cy@example.org"}, headers=headers).close()
    printed = capsys.readouterr().out
    assert "http://localhost/sign-in/link/" in printed
    assert "evil" not in printed


# Templates -----------------------------------------------------------------------------------

# The content security policy would stop each of these in the browser.
FORBIDDEN = {
    "a style attribute": r"<[^>]*\sstyle\s*=",
    "a style element": r"<style\b",
    "an event attribute": r"<[^>]*\son[a-z]+\s*=",
    "an htmx event attribute": r"\bhx-on\b",
    "an htmx expression": r"\bhx-(vals|headers)\s*=\s*[\"']\s*js:",
    "an inline script": r"<script\b(?![^>]*\bsrc\s*=)(?![^>]*\btype=\"application/json\")",
    "a script address": r"javascript:",
    "another host's file": r"<(script|link|img|iframe)\b[^>]*(src|href)\s*=\s*[\"']?(https?:)?//",
}


def forbidden_in(template: str) -> list[str]:
    # What Jinja leaves out, and ">" inside its expressions, which would end a tag too early.
    template = re.sub(r"\{#.*?#\}", "", template, flags=re.DOTALL)
    template = re.sub(r"\{\{.*?\}\}|\{%.*?%\}", "…", template, flags=re.DOTALL)
    return [
        what
        for what, pattern in FORBIDDEN.items()
        if re.search(pattern, template, flags=re.IGNORECASE)
    ]


def test_there_are_templates_to_look_at() -> None:
    assert ROOT / "phonebank" / "templates" / "base.html" in TEMPLATES


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_template_has_no_inline_code(path: Path) -> None:
    assert forbidden_in(path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    ("markup", "what"),
    [
        ('<p class="x" style="color: red">', "a style attribute"),
        ('<p\n  STYLE = "color: red">', "a style attribute"),
        ('<p {% if a > b %}class="x"{% endif %} style="color: red">', "a style attribute"),
        ("<style>p { color: red }</style>", "a style element"),
        ('<button onclick="go()">', "an event attribute"),
        ('<body onload="go()">', "an event attribute"),
        ('<div hx-on:click="go()">', "an htmx event attribute"),
        ("<div hx-vals='js:{a: 1}'>", "an htmx expression"),
        ("<script>go()</script>", "an inline script"),
        ('<script type="module">go()</script>', "an inline script"),
        ('<a href="javascript:go()">', "a script address"),
        ('<script src="https://cdn.example/x.js"></script>', "another host's file"),
        ('<link rel="stylesheet" href="//cdn.example/x.css">', "another host's file"),
    ],
)
def test_the_look_finds_inline_code(markup: str, what: str) -> None:
    assert forbidden_in(markup) == [what]


@pytest.mark.parametrize(
    "markup",
    [
        '<script src="{{ asset("a.js") }}" defer></script>',
        '<script type="module" src="{{ asset(file, blueprint) }}"></script>',
        '<script type="application/json" id="data">{{ data | tojson }}</script>',
        '{# never write style="…" #}<p class="lifestyle">on = off</p>',
        '<a href="https://example.org/">there</a>',
        "<p>The option one = two</p>",
    ],
)
def test_the_look_lets_good_markup_be(markup: str) -> None:
    assert forbidden_in(markup) == []
