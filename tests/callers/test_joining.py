"""Tests joining with a code or a link: who gets in, who waits, and who gets which reason."""

import re

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select, text
from werkzeug.test import TestResponse

from phonebank.calls.claim import claim
from phonebank.contact_queue.redis_queue import redis_queue_of
from phonebank.core.db import db
from phonebank.core.errors import GoneError
from phonebank.models import Call, CallEnding, Caller, CallerState, CampaignState, PartyState
from phonebank.parties.participants import rename_caller
from phonebank.parties.services import change_code
from phonebank.roster.remove import remove as remove_caller
from tests.at_once import at_once
from tests.factories import create_party
from tests.phone_bank import PhoneBank, come_in

JSON = {"Accept": "application/json"}


def count_callers() -> int:
    return db.session.scalar(select(func.count()).select_from(Caller)) or 0


def newest_caller() -> Caller:
    return db.session.scalars(select(Caller).order_by(Caller.id.desc())).first()


def test_code_and_name_on_one_screen(phone_bank: PhoneBank, client: FlaskClient) -> None:
    phone_bank.party.door_open = True
    db.session.commit()
    spelt = phone_bank.party.code[:3].lower() + " - " + phone_bank.party.code[3:].lower()
    page = client.post("/join", data={"code": spelt, "first_name": " Kit "}, follow_redirects=True)
    assert page.request.path == "/calling"
    assert "Give me someone to call" in page.text
    assert (newest_caller().first_name, newest_caller().state) == ("Kit", CallerState.ADMITTED)
    assert newest_caller().party_id == phone_bank.party.id


def test_the_errors_are_in_the_order_of_the_fields(client: FlaskClient) -> None:
    page = client.post("/join", data={}).text
    errors, fields = page.split('class="card"')
    for part in (errors, fields):
        assert 0 < part.index("Type the code.") < part.index("Type your first name.")


def test_who_has_joined_is_led_back_to_calling(phone_bank: PhoneBank, client: FlaskClient) -> None:
    assert "Back to calling" not in client.get("/sign-in").text
    come_in(client, phone_bank)
    filled = r'class="button"[^>]*>([^<]+)<'
    assert re.findall(filled, client.get("/join").text) == ["Go on calling"]
    assert re.findall(filled, client.get("/sign-in").text) == ["Back to calling"]


def test_a_slur_is_refused_and_the_host_has_the_last_word(
    phone_bank: PhoneBank, client: FlaskClient
) -> None:
    before, link = count_callers(), f"/join/{phone_bank.party.code}"
    refused = client.post(link, data={"first_name": "Big Fucker"})
    assert refused.status_code == 422
    assert "We can&#39;t show that name on the board." in refused.text
    assert count_callers() == before
    client.post(link, data={"first_name": "B"})
    rename_caller(newest_caller(), "Big Fucker")
    db.session.commit()
    # A caller who joins again by the name that the host gave them is let in.
    assert client.post(link, data={"first_name": "Big Fucker"}).status_code == 303
    assert client.post(link, data={"first_name": "Bigger Fucker"}).status_code == 422
    assert newest_caller().first_name == "Big Fucker"


def test_the_link_names_the_party_and_the_campaign_it_calls_for(
    phone_bank: PhoneBank, client: FlaskClient
) -> None:
    page = client.get(f"/join/{phone_bank.party.code}").text
    assert phone_bank.party.title in page
    assert phone_bank.campaign.on_behalf_of in page
    assert 'name="code"' not in page


def test_a_shut_door_means_the_lobby_until_the_host_admits_the_caller(
    phone_bank: PhoneBank, client: FlaskClient
) -> None:
    page = client.post(
        f"/join/{phone_bank.party.code}", data={"first_name": "Kit"}, follow_redirects=True
    )
    assert newest_caller().state == CallerState.WAITING
    assert "has to let you in" in page.text
    assert "Give me someone" not in page.text
    refused = client.post("/calling/next", headers=JSON)
    assert refused.status_code == 403
    assert refused.json["error"]["message"].startswith("Nobody has let you in yet")
    newest_caller().state = CallerState.ADMITTED
    db.session.commit()
    assert "Give me someone to call" in client.get("/calling").text


def test_a_new_code_does_not_affect_callers_who_joined_before(
    phone_bank: PhoneBank, client: FlaskClient
) -> None:
    phone_bank.party.door_open = True
    db.session.commit()
    old = phone_bank.party.code
    client.post(f"/join/{old}", data={"first_name": "Kit"})
    change_code(phone_bank.party)
    db.session.commit()
    assert client.application.test_client().get(f"/join/{old}").status_code == 404
    assert "Give me someone to call" in client.get("/calling").text
    assert (newest_caller().party_id, newest_caller().state) == (
        phone_bank.party.id,
        CallerState.ADMITTED,
    )


def test_the_campaigns_own_link_needs_no_party(phone_bank: PhoneBank, client: FlaskClient) -> None:
    phone_bank.campaign.door_open = True
    db.session.commit()
    client.post(f"/c/{phone_bank.campaign.join_token}", data={"first_name": "Kit"})
    assert (newest_caller().party_id, newest_caller().state) == (None, CallerState.ADMITTED)


def test_a_known_device_need_not_join_again(phone_bank: PhoneBank, client: FlaskClient) -> None:
    link = f"/join/{phone_bank.party.code}"
    client.post(link, data={"first_name": "Kit"})
    before = count_callers()
    assert client.get(link).location == "/calling"
    other = create_party(phone_bank.campaign, phone_bank.host, title="Wednesday")
    db.session.commit()
    client.post(f"/join/{other.code}", data={"first_name": "Kit"})
    assert count_callers() == before
    assert newest_caller().party_id == other.id


@pytest.mark.parametrize(
    ("state", "status", "words"),
    [(PartyState.LOCKED, 409, "taking new people"), (PartyState.ENDED, 410, "has ended")],
)
def test_a_locked_and_an_ended_party_say_so(
    phone_bank: PhoneBank, client: FlaskClient, state: PartyState, status: int, words: str
) -> None:
    phone_bank.party.state = state
    db.session.commit()
    before = count_callers()
    asked = {"code": phone_bank.party.code, "first_name": "Kit"}
    page = client.post("/join", data=asked)
    assert page.status_code == status
    assert words in page.text
    assert client.post("/join", data=asked, headers=JSON).status_code == status
    assert count_callers() == before


PASTED = (
    "https://phones.example/join/{}",
    "phones.example/join/{}/?from=whatsapp#x",
    "Join here: http://127.0.0.1:5001/JOIN/{} or go to phones.example/join",
    "https%3A%2F%2Fphones.example%2Fjoin%2F{}",
    "\u200b“{}”.",
    "{} \ufeff",
)


@pytest.mark.parametrize("pasted", PASTED)
def test_a_pasted_link_or_message_means_its_party(
    phone_bank: PhoneBank, client: FlaskClient, pasted: str
) -> None:
    code = pasted.format(phone_bank.party.code.lower())
    page = client.post("/join", data={"code": code, "first_name": "Kit"}, follow_redirects=True)
    assert page.request.path == "/calling"
    assert newest_caller().party_id == phone_bank.party.id


def test_full_width_and_spaced_letters_mean_the_party(
    phone_bank: PhoneBank, client: FlaskClient
) -> None:
    wide = "".join(chr(ord(letter) + 0xFEE0) for letter in phone_bank.party.code)
    for typed in (wide, "\u3000".join(wide), " ".join(phone_bank.party.code)):
        page = client.post("/join", data={"code": typed, "first_name": "Kit"})
        assert page.location == "/calling", typed


def test_a_campaigns_link_pasted_for_a_code_means_the_campaign(
    phone_bank: PhoneBank, client: FlaskClient
) -> None:
    phone_bank.campaign.door_open = True
    db.session.commit()
    link = f"https://phones.example/c/{phone_bank.campaign.join_token}"
    client.post("/join", data={"code": link, "first_name": "Kit"})
    assert newest_caller().party_id is None
    wrong = client.post("/join", data={"code": "https://phones.example/c/x", "first_name": "Kit"})
    assert (wrong.status_code, "This link no longer works." in wrong.text) == (404, True)
    # The field takes a whole link.
    assert "maxlength" not in client.get("/join").text.split('name="code"')[1].split(">")[0]


def test_a_wrong_code_and_an_old_link_change_nothing(
    phone_bank: PhoneBank, client: FlaskClient
) -> None:
    before = count_callers()
    page = client.post("/join", data={"code": "ZZZZZZ", "first_name": "Kit"})
    assert page.status_code == 404
    assert "No party has this code." in page.text
    assert 'value="Kit"' in page.text
    by_link = client.get("/join/zzz-zzz")
    assert by_link.status_code == 404
    assert "No party has the code ZZZ\u00a0ZZZ" in by_link.text
    assert 'action="/join"' in by_link.text
    assert 'value="ZZZZZZ"' in by_link.text
    assert "No party has this code" in client.get("/join/Z").text
    assert client.get("/join/ZZZZZZ", headers=JSON).json["error"]["title"] == "Not found"
    assert client.get("/c/no-such-link").status_code == 404
    phone_bank.campaign.state = CampaignState.ENDED
    db.session.commit()
    assert client.get(f"/c/{phone_bank.campaign.join_token}").status_code == 410
    assert count_callers() == before


@pytest.mark.parametrize("name", ["", "   ", "x" * 41, "a\u202eb", "\x00"])
def test_a_name_that_cannot_be_shown_is_refused(
    phone_bank: PhoneBank, client: FlaskClient, name: str
) -> None:
    before = count_callers()
    page = client.post(f"/join/{phone_bank.party.code}", data={"first_name": name})
    assert page.status_code == 422
    assert 'aria-invalid="true"' in page.text
    assert count_callers() == before


def test_markup_in_a_name_is_shown_letter_for_letter(
    phone_bank: PhoneBank, client: FlaskClient
) -> None:
    phone_bank.party.door_open = True
    db.session.commit()
    name = "<b>{{ 7*7 }}</b>"
    page = client.post(
        f"/join/{phone_bank.party.code}", data={"first_name": name}, follow_redirects=True
    )
    assert "<b>{{" not in page.text
    assert "49" not in re.sub(r"<[^>]*>", "", page.text)


def test_guessing_codes_is_limited_and_a_living_room_is_not(
    phone_bank: PhoneBank, client: FlaskClient
) -> None:
    code = phone_bank.party.code
    for _ in range(30):
        room = client.application.test_client()
        assert room.post("/join", data={"code": code, "first_name": "Kit"}).status_code == 303
    statuses = [
        client.post("/join", data={"code": f"ZZZZ{i:02d}", "first_name": "Mallory"}).status_code
        for i in range(50)
    ]
    assert statuses[:20] == [404] * 20
    assert set(statuses[20:]) == {429}
    # Every address that takes a code counts. Another sender has a separate limit.
    assert client.get("/join/ZZZZZZ").status_code == 429
    slowed = client.get(f"/c/{phone_bank.campaign.join_token}")
    assert slowed.status_code == 429
    assert "Wait a minute" in slowed.text
    elsewhere = {"REMOTE_ADDR": "192.0.2.7"}
    assert client.get(f"/join/{code}", environ_overrides=elsewhere).status_code == 200


def test_guesses_that_are_sent_at_once_all_count(phone_bank: PhoneBank, app: Flask) -> None:
    def guess(number: int) -> int:
        return app.test_client().get(f"/join/ZZZZ{number:02d}").status_code

    # Three times as many as one process serves at once.
    guesses = [lambda number=number: guess(number) for number in range(12)]
    statuses = [status for _ in range(3) for status in at_once(*guesses)]
    assert sorted(statuses) == [404] * 20 + [429] * 16
    assert app.test_client().get(f"/join/{phone_bank.party.code}").status_code == 429


def test_a_full_room_joins_at_once_and_a_flood_does_not(
    phone_bank: PhoneBank, client: FlaskClient
) -> None:
    link, before = f"/join/{phone_bank.party.code}", count_callers()

    def join(address: str, name: str = "Kit") -> TestResponse:
        room = client.application.test_client()
        elsewhere = {"REMOTE_ADDR": address}
        return room.post(link, data={"first_name": name}, environ_overrides=elsewhere)

    # Forty people join over one Wi-Fi, and some need a second try.
    for _ in range(10):
        assert join("192.0.2.1", "").status_code == 422
    assert {join("192.0.2.1").status_code for _ in range(40)} == {303}
    # Ten a second.
    statuses = [join("192.0.2.2").status_code for _ in range(100)]
    assert statuses == [303] * 60 + [429] * 40
    assert count_callers() == before + 100
    refused = join("192.0.2.2")
    assert "A lot of people have just joined from your network." in refused.text
    # Our own JavaScript, which gets the next address in a header, counts too.
    by_page = {"REMOTE_ADDR": "192.0.2.9", "HTTP_X_PHONEBANK_SCREEN": "1"}
    room = client.application.test_client()
    joins = [
        room.post(link, data={"first_name": "Kit"}, environ_overrides=by_page) for _ in range(61)
    ]
    assert [answer.status_code for answer in joins] == [200] * 60 + [429]
    assert "Wait a minute" in refused.text
    # Another sender has a separate limit.
    assert join("192.0.2.3").status_code == 303


def test_a_removed_caller_gets_no_page(phone_bank: PhoneBank, client: FlaskClient) -> None:
    phone_bank.party.door_open = True
    db.session.commit()
    client.post(f"/join/{phone_bank.party.code}", data={"first_name": "Kit"})
    client.post("/calling/next")
    remove_caller(newest_caller())
    db.session.commit()
    for path in ("/calling", "/calling/person", "/calling/mine", "/calling/practice"):
        page = client.get(path)
        assert page.status_code == 401
        assert "an organiser has removed you" in page.text
        assert "Voter" not in page.text
    assert newest_caller().state == CallerState.REMOVED


def test_joining_as_json(phone_bank: PhoneBank, client: FlaskClient) -> None:
    joined = client.post(
        "/join", json={"code": phone_bank.party.code, "first_name": "Kit"}, headers=JSON
    )
    assert (joined.status_code, joined.json["state"]) == (201, "waiting")
    refused = client.post("/join", json={"code": phone_bank.party.code}, headers=JSON)
    assert refused.status_code == 422
    assert refused.json["error"]["message"] == "Type your first name."
    assert client.post("/join", json=["code"], headers=JSON).status_code == 422


def test_a_hosts_name_for_a_caller_stays_when_they_join_again(
    phone_bank: PhoneBank, client: FlaskClient
) -> None:
    link = f"/join/{phone_bank.party.code}"
    client.post(link, data={"first_name": "Sam"})
    rename_caller(newest_caller(), "Sam from Leeds")
    db.session.commit()
    client.post(link, data={"first_name": "Sam"})
    db.session.expire_all()
    assert newest_caller().first_name == "Sam from Leeds"


@pytest.mark.parametrize("door_open", [False, True])
def test_joining_another_party_releases_the_callers_contact(
    phone_bank: PhoneBank, client: FlaskClient, door_open: bool
) -> None:
    caller_id = come_in(client, phone_bank).id
    call_id = claim(phone_bank.sam).call.id
    elsewhere = create_party(phone_bank.campaign, phone_bank.host, door_open=door_open)
    db.session.commit()
    client.post(f"/join/{elsewhere.code}", data={"first_name": "Sam"})
    db.session.expire_all()
    assert db.session.get_one(Caller, caller_id).party_id == elsewhere.id
    assert db.session.get_one(Call, call_id).ending == CallEnding.TAKEN_AWAY
    assert redis_queue_of(phone_bank.campaign.id).held_count() == 0


def test_joining_the_same_party_again_keeps_the_contact(
    phone_bank: PhoneBank, client: FlaskClient
) -> None:
    come_in(client, phone_bank)
    call_id = claim(phone_bank.sam).call.id
    db.session.commit()
    client.post(f"/join/{phone_bank.party.code}", data={"first_name": "Sam"})
    db.session.expire_all()
    assert db.session.get_one(Call, call_id).ended_at is None


def test_an_error_page_outlives_the_database(
    client: FlaskClient, phone_bank: PhoneBank, monkeypatch: pytest.MonkeyPatch
) -> None:
    """PostgreSQL ends the connection between the refusal and its page."""

    def lose_connection(_: object) -> None:
        own = db.session.scalar(text("SELECT pg_backend_pid()"))
        with db.engine.connect() as other:
            other.execute(text("SELECT pg_terminate_backend(:pid)"), {"pid": own})
        raise GoneError("This campaign has ended.")

    token = phone_bank.campaign.join_token
    monkeypatch.setattr("callers.joining._refuse_when_ended", lose_connection)
    assert client.get(f"/c/{token}").status_code == 410
