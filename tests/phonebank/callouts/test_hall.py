"""A call-out on the phones in the hall, and its figures on the projector."""

import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select

from phonebank.callouts import call_outs, pledges, sign_ups
from phonebank.callouts.areas import find_area
from phonebank.callouts.board import state_of
from phonebank.callouts.sign_ups import Reach
from phonebank.core.db import db
from phonebank.models import Caller, CallOutStep, Pledge, PledgeSeat, SignUp, now
from tests.at_once import at_once
from tests.phonebank.callouts.conftest import Hall, sign_in

NewPhone = Callable[..., FlaskClient]
SOON = (datetime.now(UTC) + timedelta(days=7)).date()


def figures(hall: Hall) -> dict[str, Any]:
    """What the projector shows, which must equal the rows."""
    db.session.expire_all()
    state = state_of(hall.call_out)
    rows = {
        name: db.session.scalar(select(func.count()).select_from(table))
        for name, table in (
            ("signed_in", SignUp),
            ("parties", Pledge),
            ("places_taken", PledgeSeat),
        )
    }
    assert {name: state[name] for name in rows} == rows
    return state


def pledge(phone: FlaskClient, hall: Hall, **more: Any) -> Any:
    sent = {"day": SOON.isoformat(), "at": "19:30", "chairs": "8", "postcode": ""}
    return phone.post(f"{hall.address}/host", data=sent | more)


def test_a_hall_signs_in_pledges_and_takes_places(hall: Hall, new_phone: NewPhone) -> None:
    ana, ben, cleo = new_phone("Ana"), new_phone("Ben", "M14 5RQ"), new_phone("Cleo", "se1 7pb")
    assert pledge(ana, hall).location == f"{hall.address}/next"
    pledge(ben, hall, postcode="Leeds")
    near = cleo.get(f"{hall.address}/parties").text
    assert near.index("Ana, SW9") < near.index("Ben, Leeds")
    assert "8 of 8 places left" in near
    assert "Ana" not in ana.get(f"{hall.address}/parties").text.split("<h1")[1].split("Ben")[0]
    first = db.session.scalars(select(Pledge).order_by(Pledge.id)).first()
    for _ in range(2):  # a second tap takes no second place
        cleo.post(f"{hall.address}/parties/{first.id}/take")
    state = figures(hall)
    assert (state["signed_in"], state["parties"], state["places_taken"]) == (3, 2, 1)
    assert [row["name"] for row in state["latest"]] == ["Ben", "Ana"]
    assert "You're going to Ana's" in cleo.get(f"{hall.address}/next").text.replace("&#39;", "'")
    cleo.post(f"{hall.address}/parties/{first.id}/leave")
    assert figures(hall)["places_taken"] == 0
    ana.post(f"{hall.address}/host/take-back")
    assert figures(hall)["parties"] == 1


def test_the_projector_shows_first_names_and_areas_and_nothing_else(
    hall: Hall, new_phone: NewPhone, client: FlaskClient
) -> None:
    phone = new_phone("Ana", "SW9 8JJ", "020 7946 0123")
    pledge(phone, hall)
    page = client.get(f"/call-out/{hall.call_out.projector_token}").text
    assert "<strong>Ana</strong> SW9" in page
    for secret in ("8JJ", "7946", hall.call_out.remote_token):
        assert secret not in page
    board = client.get(
        f"/call-out/{hall.call_out.projector_token}", headers={"Accept": "application/json"}
    )
    assert set(board.json["board"]["latest"][0]) == {"name", "area"}
    tag = board.headers["ETag"]
    again = client.get(
        f"/call-out/{hall.call_out.projector_token}",
        headers={"Accept": "application/json", "If-None-Match": tag},
    )
    assert again.status_code == 304
    person = db.session.scalars(select(SignUp)).one()
    assert "8JJ" not in repr(vars(person)), "half the postcode is forgotten"


def test_a_form_that_is_sent_again_is_counted_once(
    hall: Hall, app: Flask, new_phone: NewPhone
) -> None:
    phone, key = app.test_client(), str(uuid.uuid4())
    for _ in range(3):
        sign_in(phone, hall, "Ana", sign_up_id=key)
    # The same person, on another phone or typed in from paper.
    sign_in(app.test_client(), hall, "Anna", reach=" ANA@example.org", postcode="SE1 7PB")
    assert figures(hall)["signed_in"] == 1
    person = db.session.scalars(select(SignUp)).one()
    assert (person.first_name, person.area[:3]) == ("Anna", "SE1")
    # A form that came late, on the way home.
    call_outs.end(hall.call_out)
    db.session.commit()
    assert sign_in(app.test_client(), hall, "Ben").status_code == 303
    hall.call_out.ended_at = now() - call_outs.TAKES_LATE
    db.session.commit()
    assert sign_in(app.test_client(), hall, "Cleo").status_code == 404


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"first_name": ""}, "Type your first name."),
        ({"first_name": "x" * 41}, "41 characters"),
        ({"first_name": "Fuck"}, "name"),
        ({"reach": ""}, "Type your e-mail address or your phone number."),
        ({"reach": "ana@"}, "an e-mail address."),
        ({"reach": "12"}, "neither an e-mail address nor a phone number"),
        ({"postcode": ""}, "Type a postcode or a town."),
        ({"postcode": "Nowhereville"}, "We don"),
        ({"postcode": "newport"}, "There are several places with this name"),
    ],
)
def test_what_cannot_be_used_is_said_beside_the_field(
    hall: Hall, app: Flask, wrong: dict[str, str], words: str
) -> None:
    sent = {"name": "Ana", "reach": "ana@example.org", "postcode": "SW9"}
    sent |= {("name" if key == "first_name" else key): value for key, value in wrong.items()}
    phone = app.test_client()
    answer = phone.post(
        hall.address, data={"first_name": sent.pop("name"), **sent, "sign_up_id": "no uuid"}
    )
    assert answer.status_code == 422
    assert words in answer.text
    assert figures(hall)["signed_in"] == 0
    if "several" in words:
        chosen = answer.text.split('name="place" value="')[1].split('"')[0]
        assert sign_in(phone, hall, "Ana", "newport", place=chosen).status_code == 303
        assert figures(hall)["signed_in"] == 1


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"chairs": "0"}, "Choose from 1 to 100 chairs."),
        ({"chairs": "10000"}, "Choose from 1 to 100 chairs."),
        ({"chairs": "many"}, "Type the number of chairs in digits"),
        ({"day": "2020-01-01"}, "This time has passed."),
        ({"day": "2099-01-01"}, "This day is too far away."),
        ({"day": "soon"}, "date"),
        ({"at": ""}, "Choose a time."),
        ({"postcode": "Nowhereville"}, "We don"),
    ],
)
def test_a_pledge_that_cannot_be_kept_is_refused(
    hall: Hall, new_phone: NewPhone, wrong: dict[str, str], words: str
) -> None:
    answer = pledge(new_phone("Ana"), hall, **wrong)
    assert answer.status_code == 422
    assert words in answer.text
    assert figures(hall)["parties"] == 0


def test_a_name_is_never_html(hall: Hall, new_phone: NewPhone, client: FlaskClient) -> None:
    pledge(new_phone("<b>Ana</b>", reach="ana@example.org"), hall)
    page = client.get(f"/call-out/{hall.call_out.projector_token}").text
    assert "<b>Ana</b>" not in page
    assert "&lt;b&gt;Ana&lt;/b&gt;" in page


def test_the_last_place_goes_to_one_person(hall: Hall, new_phone: NewPhone) -> None:
    ana = new_phone("Ana")
    pledge(ana, hall, chairs="1")
    party = db.session.scalars(select(Pledge)).one()
    take = f"{hall.address}/parties/{party.id}/take"
    new_phone("Ben").post(take)
    late = new_phone("Cleo")
    late.post(take)
    assert "This party has just become full" in late.get(f"{hall.address}/parties").text
    assert figures(hall)["places_taken"] == 1
    ana.post(take)
    assert figures(hall)["places_taken"] == 1, "not at one's own party"
    assert "1 people are coming" not in pledge(ana, hall, chairs="2").text
    assert figures(hall)["chairs"] == 2


def test_many_at_once_lose_and_double_nothing(hall: Hall, app: Flask) -> None:
    call_out_id = hall.call_out.id

    def enter(index: int) -> int:
        with app.app_context():
            call_out = db.session.get_one(type(hall.call_out), call_out_id)
            area = find_area("SW9", "GB")
            reach = Reach(email=f"n{index % 10}@example.org")
            sign_ups.sign_up(call_out, uuid.uuid4(), f"N{index}", reach, area)
            version = call_out.version
            db.session.commit()
            return version

    versions = at_once(*[lambda index=index: enter(index) for index in range(20)])
    assert figures(hall)["signed_in"] == 10
    assert len(set(versions)) == 20, "each change has a version of its own"


def test_practise_now_makes_a_caller_who_waits(hall: Hall, new_phone: NewPhone) -> None:
    phone = new_phone("Ana")
    for _ in range(2):
        assert phone.post(f"{hall.address}/practise").location == "/calling/practice"
    assert phone.get("/calling/practice").status_code == 200
    caller = db.session.scalars(select(Caller)).one()
    assert (caller.first_name, caller.campaign_id, caller.may_call) == (
        "Ana",
        hall.campaign.id,
        False,
    )
    assert figures(hall)["practising"] == 1


def test_the_remote_moves_the_projector_and_its_link_is_its_key(
    hall: Hall, client: FlaskClient
) -> None:
    projector, remote = hall.call_out.projector_token, hall.call_out.remote_token
    assert "Sign in" in client.get(f"/call-out/remote/{remote}").text
    for step in CallOutStep:
        client.post(f"/call-out/remote/{remote}", data={"step": step.value})
        page = client.get(f"/call-out/{projector}").text
        shown = [part for part in page.split("data-at=")[1:] if " hidden" not in part.split(">")[0]]
        assert [part.split('"')[1] for part in shown] == [step.value]
    assert client.post(f"/call-out/remote/{remote}", data={"step": "party"}).status_code == 422
    for address in (f"/call-out/remote/{projector}", f"/call-out/{remote}", "/call-out/guessed"):
        assert client.get(address).status_code == 410
    assert client.post(f"/call-out/remote/{projector}").status_code == 410
    client.post(f"/call-out/remote/{remote}/end")
    db.session.expire_all()
    assert hall.call_out.has_ended


def test_people_who_have_not_signed_in_are_led_to_the_form(hall: Hall, client: FlaskClient) -> None:
    assert client.get(f"{hall.address}/next").location == hall.address
    assert client.post(f"{hall.address}/practise").status_code == 404
    assert client.post("/hall", data={"code": "XXXXXX"}).status_code == 404
    code = hall.call_out.code.lower()
    assert client.post("/hall", data={"code": f"{code[:3]} {code[3:]}"}).location == hall.address


def test_a_place_says_how_it_will_be_confirmed(hall: Hall, new_phone: NewPhone) -> None:
    pledge(new_phone("Ana", reach="020 7946 0123"), hall)
    pledge(new_phone("Bea"), hall)
    ana, bea = db.session.scalars(select(Pledge).order_by(Pledge.id))
    guest, by_number = new_phone("Cleo"), new_phone("Dee", reach="020 7946 0124")
    for phone in (guest, by_number):
        for party in (ana, bea):
            phone.post(f"{hall.address}/parties/{party.id}/take")
    said = guest.get(f"{hall.address}/parties").text.replace("&#39;", "'")
    assert said.count("Tell Ana tonight how to reach you, because we don't have Ana's e-mail") == 1
    assert said.count("When the party is set up, we'll e-mail you a link") == 1
    said = by_number.get(f"{hall.address}/parties").text.replace("&#39;", "'")
    assert said.count("because we don't have your e-mail address") == 2
    seat = db.session.scalars(select(PledgeSeat).where(PledgeSeat.pledge_id == bea.id)).first()
    assert seat is not None
    seat.invited_at = now()
    db.session.commit()
    assert "We've e-mailed you a link" in guest.get(f"{hall.address}/parties").text


def test_a_place_at_a_far_party_stays_among_the_nearest(
    hall: Hall, new_phone: NewPhone, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pledges, "SHOWN_AT_MOST", 1)
    pledge(new_phone("Far", postcode="M14 5RQ"), hall)
    far = db.session.scalars(select(Pledge)).one()
    guest = new_phone("Cleo")
    guest.post(f"{hall.address}/parties/{far.id}/take")
    pledge(new_phone("Near"), hall)
    page = guest.get(f"{hall.address}/parties").text
    assert page.index("Near,") < page.index("Far,")
    assert "You're going to Far's" in guest.get(f"{hall.address}/next").text.replace("&#39;", "'")


def test_the_only_host_reads_that_nobody_else_has_pledged(hall: Hall, new_phone: NewPhone) -> None:
    ana = new_phone("Ana")
    assert "Nobody has offered to host yet" in ana.get(f"{hall.address}/parties").text
    pledge(ana, hall)
    assert "Nobody else has offered to host yet" in ana.get(f"{hall.address}/parties").text


@pytest.mark.parametrize("lets_host", [True, False])
def test_kits_are_promised_only_where_people_become_hosts(
    hall: Hall, new_phone: NewPhone, client: FlaskClient, lets_host: bool
) -> None:
    hall.call_out.lets_host = lets_host
    db.session.commit()
    form = new_phone("Ana").get(f"{hall.address}/host").text
    assert ("within an hour of the end" in form) == lets_host
    assert ("The organisers will decide" in form) != lets_host
    screen = client.get(f"/call-out/{hall.call_out.projector_token}").text
    assert ("e-mail you soon after" in screen) == lets_host
    remote = f"/call-out/remote/{hall.call_out.remote_token}"
    client.post(remote, data={"step": "thanks"})
    assert ("will get an e-mail within the hour" in client.get(remote).text) == lets_host
    client.post(f"{remote}/end")
    assert ("If a host gave an e-mail address" in client.get(remote).text) == lets_host
