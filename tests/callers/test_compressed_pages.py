"""The volunteer's pages are sent compressed, and a page of a person repeats no text that a stranger
could have put into the request: see docs/decisions/0030-callers-pages-are-compressed.md."""

import gzip

import pytest
from flask.testing import FlaskClient

from phonebank.core.db import db
from scripts_library.library import source_of
from tests.factories import create_script
from tests.phone_bank import PhoneBank, come_in

GZIP = {"Accept-Encoding": "gzip, deflate, br"}
A_PERSON_AT_MOST = 12_000  # bytes


@pytest.fixture
def sam(client: FlaskClient, phone_bank: PhoneBank) -> FlaskClient:
    create_script(phone_bank.campaign, source_of("persuasive-conversation", "en"))
    db.session.commit()
    come_in(client, phone_bank)
    assert client.post("/calling/next").location == "/calling/person"
    return client


def test_a_phone_gets_a_person_in_twelve_kilobytes(sam: FlaskClient) -> None:
    plain = sam.get("/calling/person")
    compressed = sam.get("/calling/person", headers=GZIP)
    assert "Content-Encoding" not in plain.headers
    assert compressed.headers["Content-Encoding"] == "gzip"
    assert "Accept-Encoding" in compressed.headers["Vary"]
    assert len(compressed.data) == compressed.content_length < A_PERSON_AT_MOST
    page = gzip.decompress(compressed.data).decode()
    assert page.count("tel:+44") == plain.text.count("tel:+44") > 0
    # An answer of a few hundred bytes costs a packet either way.
    small = sam.get("/calling", headers=GZIP | {"Accept": "application/json"})
    assert "Content-Encoding" not in small.headers


def test_a_page_of_a_person_repeats_nothing_of_the_request(sam: FlaskClient) -> None:
    guess = "gue55"
    query = f"?change={guess}&turn={guess}&words={guess}&with={guess}&{guess}={guess}"
    headers = {"Referer": f"http://localhost/{guess}", "User-Agent": guess, "X-Any": guess}
    for path in ("/calling/person", "/calling/wait", "/calling/mine", "/calling"):
        answer = sam.get(path + query, headers=headers, follow_redirects=True)
        assert answer.status_code == 200
        assert guess not in answer.text, path
