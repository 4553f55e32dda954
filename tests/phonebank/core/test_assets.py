"""The browser libraries are unchanged and named, light enough for a phone, and from this host."""

import base64
import gzip
import hashlib
import json
import re
from pathlib import Path

import pytest
from flask import Flask, render_template_string, url_for

from phonebank.core import assets

ROOT = Path(__file__).resolve().parents[3]
STATIC = ROOT / "phonebank" / "static"
VENDOR = STATIC / "vendor"


@pytest.fixture
def app():
    app = Flask("phonebank", root_path=str(ROOT / "phonebank"))
    assets.init_app(app)
    return app


@pytest.mark.parametrize("name", sorted(assets.vendored_files()))
def test_a_vendored_file_has_the_sum_in_the_manifest(name):
    file = assets.vendored_files()[name]
    digest = hashlib.sha256((VENDOR / file.path).read_bytes()).digest()
    assert file.integrity == "sha256-" + base64.b64encode(digest).decode()


def test_every_vendored_folder_is_in_the_manifest_with_its_version_and_licence():
    entries = json.loads(assets.MANIFEST.read_text()).values()
    wanted = json.loads((ROOT / "package.json").read_text())["dependencies"]
    assert {entry["package"]: entry["version"] for entry in entries} == wanted
    folders = {Path(entry["path"]).parent.name for entry in entries}
    assert folders == {path.name for path in VENDOR.iterdir() if path.is_dir()}
    notices = (ROOT / "THIRD_PARTY_NOTICES.md").read_text()
    for folder in folders:
        assert (VENDOR / folder / "LICENSE").read_text().strip() in notices


def test_the_lock_file_names_no_registry():
    lock = (ROOT / "package-lock.json").read_text()
    assert '"resolved"' not in lock
    assert not re.search(r"https?://", lock)


def test_templates_get_an_address_and_a_sum(app):
    with app.test_request_context():
        page = render_template_string("{{ vendor('htmx').url }} {{ vendor('htmx').integrity }}")
    url, integrity = page.split(" ", 1)
    assert re.fullmatch(r"/static/vendor/htmx-[\d.]+/htmx\.min\.js", url)
    assert integrity.startswith("sha256-")
    with app.test_client() as client:
        assert client.get(url).status_code == 200


def test_the_address_of_our_own_file_changes_with_its_content(tmp_path, monkeypatch):
    monkeypatch.setattr(assets, "READ_EVERY", 0.0)
    app = Flask("elsewhere", root_path=str(tmp_path))
    (tmp_path / "static").mkdir()
    sheet = tmp_path / "static" / "sheet.css"
    with app.test_request_context():
        sheet.write_text("a{}")
        before = assets.asset("sheet.css")
        sheet.write_text("b{}  ")
        assert assets.asset("sheet.css") != before
        with pytest.raises(FileNotFoundError):
            assets.asset("misspelt.css")


def test_an_address_is_the_one_that_flask_would_make(app):
    with app.test_request_context():
        for path in ("phonebank.css", "maps/germany.svg"):
            version = assets.asset(path).partition("?v=")[2]
            assert assets.asset(path) == url_for("static", filename=path, v=version)
        odd = "a folder/ä?.css"
        assert assets._address(odd, bundle="", v="1") == url_for(
            "static", filename=odd, bundle="", v="1"
        )


def test_browsers_keep_only_what_cannot_change(app):
    with app.test_request_context():
        vendored_url = assets.vendor("pico").url
        ours = assets.asset("phonebank.css")
    with app.test_client() as client:
        for url in (vendored_url, ours):
            assert "immutable" in client.get(url).headers["Cache-Control"]
        # Without its checksum, or with that of a later release, the content may still change.
        for url in ("/static/js/connection.js", "/static/phonebank.css?v=0123456789ab"):
            assert "immutable" not in client.get(url).headers["Cache-Control"]


def test_nothing_of_ours_asks_another_host_or_breaks_the_content_security_policy():
    sources = [*(ROOT / "phonebank" / "templates").rglob("*.html"), *STATIC.glob("*.css")]
    sources += (STATIC / "js").glob("*.js")
    assert len(sources) > 5
    for path in sources:
        text = path.read_text()
        assert not re.search(r"(src|href|url)\s*[=(]\s*[\"']?(https?:)?//", text), path
        assert not re.search(r"\sstyle=|\son[a-z]+=|<style|javascript:|\beval\(", text), path
        for tag in re.findall(r"<script[^>]*>", text):
            assert "src=" in tag or "application/json" in tag, path


def test_style_sheets_and_scripts_are_sent_compressed_and_kept(app):
    with app.test_request_context():
        address = assets.asset("phonebank.css")
    plain = app.test_client().get(address)
    answer = app.test_client().get(address, headers={"Accept-Encoding": "gzip, deflate, br"})
    assert answer.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(answer.data) == plain.data
    assert len(answer.data) < len(plain.data) / 3
    assert "immutable" in answer.headers["Cache-Control"]
    assert "Accept-Encoding" in answer.headers["Vary"]
    again = app.test_client().get(
        address, headers={"Accept-Encoding": "gzip", "If-None-Match": answer.headers["ETag"]}
    )
    assert again.status_code == 304


def test_our_style_sheets_come_with_all_their_rules_shortened(app):
    for path in STATIC.glob("*.css"):
        source, sent = path.read_text(), app.test_client().get(f"/static/{path.name}").text
        assert "/*" in source
        assert "/*" not in sent
        assert (
            sent.count("{")
            == sent.count("}")
            == re.sub(r"/\*.*?\*/", "", source, flags=re.S).count("{")
        )


def test_no_address_leads_out_of_the_static_folder(app):
    for path in ("../app.py", "js/../../app.py", "../../eslint.config.js", "vendor", "js/none.js"):
        for query in ("", "?bundle="):
            assert app.test_client().get(f"/static/{path}{query}").status_code == 404
    (no_module,) = VENDOR.glob("htmx-*/htmx.min.js")
    address = f"/static/{no_module.relative_to(STATIC)}?bundle="
    assert app.test_client().get(address).status_code in (200, 404)


def test_other_pages_are_not_compressed(app):
    app.add_url_rule("/page", view_func=lambda: "<p>words</p>" * 1000)
    answer = app.test_client().get("/page", headers={"Accept-Encoding": "br, gzip"})
    assert "Content-Encoding" not in answer.headers
