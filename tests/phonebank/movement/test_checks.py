"""Area editors and trainers: they check events, and see no address and nobody's e-mail address."""

import re
from datetime import timedelta
from math import cos, pi, radians, sin

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import insert, select

from phonebank.core.db import db
from phonebank.core.mail import (
    AddressRefusedError,
    Batch,
    MailNotSentError,
    Message,
    MessagePutOffError,
)
from phonebank.listings import checks, editors, guests, jobs, listings, offers
from phonebank.listings.alerts import wait_for_event
from phonebank.listings.jobs import send_due_reminders
from phonebank.listings.stale import versions_of
from phonebank.models import (
    AuditEntry,
    Campaign,
    Listing,
    ListingKind,
    ListingState,
    Place,
    Volunteer,
    VolunteerRole,
    now,
)
from phonebank.places.distance import km_between
from phonebank.volunteers.jobs import forget_volunteers
from phonebank.volunteers.roles import name_editor, name_trainer
from phonebank.volunteers.volunteers import COOKIE_KEY, cookie_for, find_or_create
from tests.factories import create_account
from tests.phonebank.listings.conftest import make_evening, sent, some_places
from tests.phonebank.movement.test_near import Stage, private_in, shown_on, stage, values_of
from tests.signing_in import sign_in
from tests.two_at_once import Act, faults_of_all_pairs, only_from
from tests.two_at_once import Place as Rows

__all__ = ["sent", "some_places", "stage"]  # fixtures

PAGE = "/volunteer/checks"


def place(code: str) -> Place:
    return db.session.scalars(select(Place).where(Place.code == code)).one()


def signed_in_as(app: Flask, email: str) -> FlaskClient:
    """The browser of the volunteer with this address."""
    with app.app_context():
        known = cookie_for(find_or_create(email, "Edi"))
        db.session.commit()
    browser = app.test_client()
    with browser.session_transaction() as session:
        session[COOKIE_KEY] = known
    return browser


@pytest.fixture
def editor(app: Flask, stage: Stage) -> FlaskClient:
    """The browser of an editor of Brixton."""
    with app.app_context():
        campaign = db.session.get_one(Campaign, stage.campaign_id)
        name_editor(campaign, "edi@example.org", "Edi", place("SW9"), 30)
        db.session.commit()
    return signed_in_as(app, "edi@example.org")


def state_of(app: Flask, stage: Stage) -> tuple[ListingState, str | None]:
    with app.app_context():
        listing = db.session.get_one(Listing, stage.listing_id)
        return listing.state, listing.returned_because


def test_an_organiser_names_an_editor_who_opens_the_mailed_link(
    app: Flask, client: FlaskClient, stage: Stage, capsys: pytest.CaptureFixture[str]
) -> None:
    with app.app_context():
        organiser_id = create_account("organiser").id
        db.session.commit()
    sign_in(client, organiser_id)
    page = f"/campaigns/{stage.campaign_id}/events/roles"
    typed = {"kind": "editor", "first_name": "Edi", "email": "Edi@example.org", "km": "10"}
    for wrong, words in (
        ({}, "postcode or a town"),
        ({"place": "nowhere at all"}, "don&#39;t know"),
        ({"place": "SW9", "km": "7"}, "Not a valid choice"),
        ({"place": "SW9", "email": "x"}, "e-mail address"),
    ):
        refused = client.post(page, data=typed | wrong)
        assert (refused.status_code, words in refused.text) == (422, True), wrong
    client.post(page, data=typed | {"place": "sw9 8qq"}).close()
    link = re.search(r"http\S+(/volunteer/link/\S+)", capsys.readouterr().out)
    assert link
    assert "Checks events within 6 miles of SW9 (Brixton)" in client.get(page).text

    phone = app.test_client()
    assert phone.post(link[1]).location == "/volunteer"
    assert "within 6 miles of SW9 (Brixton)" in phone.get("/volunteer").text
    with app.app_context():
        forget_volunteers()  # a role is a reason to keep an address
    assert "Events to check" in phone.get("/volunteer").text
    with app.app_context():
        role_id = db.session.query(VolunteerRole).one().id
    phone.post(f"/volunteer/roles/{role_id}/stop")
    assert "You have no events to check" in phone.get(PAGE).text
    with app.app_context():
        forget_volunteers()
        assert db.session.query(Volunteer).count() == 0


def test_an_editor_sees_what_strangers_see_of_the_events_of_their_area(
    app: Flask, stage: Stage, editor: FlaskClient
) -> None:
    with app.app_context():
        campaign = db.session.get_one(Campaign, stage.campaign_id)
        far = make_evening(code="M1", campaign=campaign).listing
        far.title = "In Manchester"
        make_evening(code="SW9").listing.title = "For another campaign"
        own_host = create_account("host", email="edi@example.org", name="Edi")
        own = make_evening(code="SW9", campaign=campaign, host=own_host).listing
        own.title = "The editor's own"
        guest = guests.ask(db.session.get_one(Listing, stage.listing_id), "Gil", "gil@example.org")
        guests.confirm(guest)
        checks.report(db.session.get_one(Listing, stage.listing_id), "hoax", "somebody")
        db.session.commit()
        ids = far.id, own.id
    page = editor.get(PAGE).text
    assert "with Ada" in page
    assert "Reported:" in page
    assert "Last confirmed on" in page
    assert private_in(page) == []
    for unseen in (
        stage.host_email,
        "Gil",
        "gil@",
        "In Manchester",
        "another campaign",
        "39;s own",
    ):
        assert unseen not in page.split("<main")[1]
    for listing_id in (*ids, 999):
        assert editor.post(f"{PAGE}/{listing_id}/hide").status_code == 404


def test_a_reported_event_is_shown_even_if_a_hundred_others_were_checked_longer_ago(
    app: Flask, stage: Stage, editor: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(editors, "SHOWN_AT_MOST", 2)
    with app.app_context():
        campaign = db.session.get_one(Campaign, stage.campaign_id)
        for number in range(3):
            other = make_evening(code="SW9", campaign=campaign).listing
            other.title, other.checked_at = f"Long ago {number}", now() - timedelta(days=9)
        reported = db.session.get_one(Listing, stage.listing_id)
        reported.title, reported.checked_at = "Reported party", now()
        checks.report(reported, "hoax", "somebody")
        db.session.commit()
    page = editor.get(PAGE).text
    assert "Reported party" in page
    assert page.count("Long ago") == 1


def test_an_organiser_finds_a_late_event_that_needs_a_check_among_many(
    app: Flask, stage: Stage
) -> None:
    """More events than the page has places for, and the two that need a check start last."""
    with app.app_context():
        campaign = db.session.get_one(Campaign, stage.campaign_id)
        values = values_of(db.session.get_one(Listing, stage.listing_id))
        db.session.execute(insert(Listing), [values] * checks.SHOWN_AT_MOST)
        late = values["starts_at"] + timedelta(days=1)
        reported, cancelled, waiting = (Listing(**values | {"starts_at": late}) for _ in range(3))
        db.session.add_all([reported, cancelled, waiting])
        db.session.flush()
        for listing in (reported, cancelled):
            checks.report(listing, "hoax", "192.0.2.1")
        cancelled.state, waiting.state = ListingState.CANCELLED, ListingState.WAITING
        found = checks.listings_in(campaign)
        assert [one.listing.id for one in found[:2]] == [reported.id, waiting.id]
        assert [one.needs_look for one in found[:3]] == [True, True, False]
        assert len(found) == checks.SHOWN_AT_MOST
        assert cancelled.id not in {one.listing.id for one in found}


def test_an_editor_checks_hides_and_sends_back_with_a_reason(
    app: Flask, client: FlaskClient, stage: Stage, editor: FlaskClient, sent: list[Message]
) -> None:
    with app.app_context():
        listing = db.session.get_one(Listing, stage.listing_id)
        listing.state, listing.checked_at = ListingState.WAITING, None
        db.session.commit()
    one = f"{PAGE}/{stage.listing_id}"
    assert "Nobody has confirmed this event yet" in editor.get(PAGE).text
    editor.post(f"{one}/right", data=shown_on(editor, PAGE))
    assert state_of(app, stage) == (ListingState.SHOWN, None)
    assert f"{now().day} {now():%B}" in client.get(f"/near/event/{stage.listing_id}").text
    for reason, words in (("  ", "Say what"), ("x" * 201, "201 characters")):
        refused = editor.post(f"{one}/back", data={"reason": reason})
        assert (refused.status_code, words in refused.text) == (422, True)
    seen = shown_on(editor, PAGE)
    editor.post(f"{one}/back", data=seen | {"reason": "The <b>hour</b> is missing."}).close()
    assert state_of(app, stage) == (ListingState.WAITING, "The <b>hour</b> is missing.")
    [mail] = [message for message in sent if message.to == stage.host_email]
    assert "hour</b> is missing" in mail.text
    assert client.get(f"/near/event/{stage.listing_id}").status_code == 404

    host = app.test_client()
    sign_in(host, stage.host_id)
    page = f"/parties/{stage.party_id}/guests"
    assert "The &lt;b&gt;hour&lt;/b&gt; is missing." in host.get(page).text
    assert host.post(f"{page}/right").status_code == 409  # a host can't check their own party
    details = {
        "way": "in_person", "host_name": "Ada", "place": "SW9", "address": "4 Plum Row",
        "places": "12", "step_free": "no", "languages": "en",
    }  # fmt: skip
    host.post(page, data=details)
    assert state_of(app, stage) == (ListingState.WAITING, None)
    assert "Waiting for a check" in editor.get(PAGE).text
    editor.post(f"{one}/hide", data=shown_on(editor, PAGE))
    assert state_of(app, stage) == (ListingState.HIDDEN, None)
    with app.app_context():
        recorded = db.session.scalars(select(AuditEntry.action)).all()
        assert {"listing checked", "listing hidden", "listing sent back"} <= set(recorded)


def test_an_editor_has_nothing_to_check_on_a_cancelled_event(
    app: Flask, stage: Stage, editor: FlaskClient
) -> None:
    seen = shown_on(editor, PAGE)
    with app.app_context():
        listings.cancel(db.session.get_one(Listing, stage.listing_id))
        db.session.commit()
    for press in ("right", "hide", "back"):
        data = seen | {"reason": "The hour is missing."}
        assert editor.post(f"{PAGE}/{stage.listing_id}/{press}", data=data).status_code == 404


@pytest.mark.parametrize("action", ["move", "hide", "cancel"])
def test_a_returned_event_waits_for_its_host_only_until_somebody_acts(
    app: Flask, stage: Stage, editor: FlaskClient, action: str
) -> None:
    one = f"{PAGE}/{stage.listing_id}"
    said = {"reason": "Wednesday is the day of the march."}
    editor.post(f"{one}/back", data=shown_on(editor, PAGE) | said).close()
    assert state_of(app, stage) == (ListingState.WAITING, said["reason"])
    host = app.test_client()
    sign_in(host, stage.host_id)
    page = f"/parties/{stage.party_id}/guests"
    if action == "move":
        host.post(f"{page}/move", data={"starts_at": "2036-03-05T19:00"})
    elif action == "hide":
        editor.post(f"{one}/hide", data=shown_on(editor, PAGE))
    else:
        host.post(f"{page}/cancel")
    state = {"move": "waiting", "hide": "hidden", "cancel": "cancelled"}[action]
    assert state_of(app, stage) == (state, None)
    assert "until you have changed" not in host.get(page).text
    if action == "move":
        assert "Waiting for a check" in editor.get(PAGE).text
        with app.app_context():
            told = editors.editors_to_tell(now())
            assert [(editor.email, editor.events) for editor in told] == [("edi@example.org", 1)]


def test_nobody_answers_for_an_event_that_has_changed_since_their_page(
    app: Flask, stage: Stage, editor: FlaskClient
) -> None:
    def change(*reporters: str, **values: object) -> None:
        with app.app_context():
            listing = db.session.get_one(Listing, stage.listing_id)
            for reporter in reporters:
                checks.report(listing, "private", reporter)
            for name, value in values.items():
                setattr(listing, name, value)
            db.session.commit()

    one = f"{PAGE}/{stage.listing_id}"
    said = {"reason": "Say the hour."}
    looks = app.test_client()
    with app.app_context():
        organiser_id = create_account("organiser").id
        db.session.commit()
    sign_in(looks, organiser_id)
    events = f"/campaigns/{stage.campaign_id}/events"
    seen, organiser_saw = shown_on(editor, PAGE), shown_on(looks, events)
    change("a", "b", "c")
    for stale in (seen, {}):
        assert editor.post(f"{one}/right", data=stale).status_code == 409
        assert editor.post(f"{one}/hide", data=stale).status_code == 409
        kept = editor.post(f"{one}/back", data=stale | said)
        assert (kept.status_code, ">Say the hour.<" in kept.text) == (409, True)
    assert "has changed since" in kept.text
    for button in ("show", "hide"):
        address = f"{events}/{stage.listing_id}/{button}"
        assert looks.post(address, data=organiser_saw).status_code == 409
    assert state_of(app, stage) == (ListingState.HIDDEN, None)
    # An editor who has read the reports may show it.
    assert "Reported:" in editor.get(PAGE).text
    editor.post(f"{one}/right", data=shown_on(editor, PAGE))
    assert state_of(app, stage) == (ListingState.SHOWN, None)

    seen = shown_on(editor, PAGE)
    change(title="Something else")
    assert editor.post(f"{one}/right", data=seen).status_code == 409
    looks.post(f"{events}/{stage.listing_id}/hide", data=shown_on(looks, events))
    change("d")  # from a page that shows it still
    page = editor.get(PAGE).text
    assert "Only an organiser can put this event back" in page
    assert "shown" not in page.split("<main")[1]
    with app.app_context():
        shown = versions_of([db.session.get_one(Listing, stage.listing_id)])[stage.listing_id]
    for button in ("right", "back"):
        refused = editor.post(f"{one}/{button}", data=said | {"shown": shown})
        assert (refused.status_code, "Only an organiser" in refused.text) == (409, True)
    assert state_of(app, stage) == (ListingState.HIDDEN, None)


def test_an_editor_and_an_organiser_answer_at_once(app: Flask, stage: Stage) -> None:
    """Of two who answer for the same page, the second is refused if the first changed the state."""

    def made() -> int:
        campaign = db.session.get_one(Campaign, stage.campaign_id)
        listing = make_evening(code="SW9", campaign=campaign).listing
        checks.report(listing, "hoax", "somebody")
        db.session.commit()
        return listing.id

    def read(listing_id: int) -> tuple[Listing, str]:
        listing = db.session.get_one(Listing, listing_id)
        return listing, versions_of([listing])[listing_id]

    def state(listing_id: int) -> dict[str, object]:
        listing = db.session.get_one(Listing, listing_id)
        db.session.refresh(listing)
        reports = len(checks.open_reasons([listing_id]).get(listing_id, []))
        return {"state": listing.state, "reports": reports}

    def shows(event: tuple[Listing, str]) -> None:
        editors.approve(*event)

    def hides(event: tuple[Listing, str]) -> None:
        checks.hide(*event)

    def sends_back(event: tuple[Listing, str]) -> None:
        editors.send_back(event[0], "Say the hour.", event[1])

    def reports(event: tuple[Listing, str]) -> None:
        checks.report(event[0], "private", "another")

    acts = [
        Act("editor shows", shows, only_from("reports", [1], state=ListingState.SHOWN, reports=0)),
        Act("hides", hides, only_from("reports", [1], state=ListingState.HIDDEN, reports=0)),
        Act(
            "editor sends back",
            sends_back,
            only_from("reports", [1], state=ListingState.WAITING, reports=0),
        ),
        Act(
            "stranger reports",
            reports,
            # The same stranger's second report doesn't count.
            lambda at: (
                at | {"reports": 2 if at["reports"] else 1} if at["state"] == "shown" else at
            ),
        ),
    ]
    with app.app_context():
        assert faults_of_all_pairs(app, Rows(made, read, state), acts) == []


def test_an_organisers_own_event_is_never_sent_back(
    app: Flask, stage: Stage, editor: FlaskClient
) -> None:
    with app.app_context():
        known = db.session.get_one(Listing, stage.listing_id)
        known.state = ListingState.HIDDEN
        own = Listing(**values_of(known) | {"kind": ListingKind.TRAINING, "state": "shown"})
        db.session.add(own)
        organiser_id = create_account("organiser").id
        db.session.commit()
        own_id = own.id
    page = editor.get(PAGE).text
    assert "write to the organiser, or hide the event" in page
    assert "Send it back" not in page
    shown = shown_on(editor, PAGE)
    refused = editor.post(f"{PAGE}/{own_id}/back", data=shown | {"reason": "Say the hour."})
    assert (refused.status_code, "Write to the organiser" in refused.text) == (409, True)
    # An organiser can put back one that was sent back before.
    with app.app_context():
        own = db.session.get_one(Listing, own_id)
        own.state, own.returned_because = ListingState.WAITING, "Say the hour."
        db.session.get_one(Listing, stage.listing_id).state = ListingState.CANCELLED
        db.session.commit()
    looks = app.test_client()
    sign_in(looks, organiser_id)
    events = f"/campaigns/{stage.campaign_id}/events"
    assert "fine: show it" in looks.get(events).text
    looks.post(f"{events}/{own_id}/show", data=shown_on(looks, events))
    with app.app_context():
        own = db.session.get_one(Listing, own_id)
        assert (own.state, own.returned_because) == (ListingState.SHOWN, None)


def test_a_trainer_checks_every_event_of_the_campaign(app: Flask, stage: Stage) -> None:
    with app.app_context():
        campaign = db.session.get_one(Campaign, stage.campaign_id)
        name_trainer(campaign, "tess@example.org", "Tess")
        make_evening(code="M1", campaign=campaign).listing.title = "In Manchester"
        db.session.commit()
    page = signed_in_as(app, "tess@example.org").get(PAGE).text
    assert "In Manchester" in page
    assert "SW9 (Brixton)" in page


def test_an_editor_is_told_once_a_day_that_something_waits(
    app: Flask,
    stage: Stage,
    editor: FlaskClient,
    sent: list[Message],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def run() -> list[str]:
        sent.clear()
        with app.app_context():
            send_due_reminders()
        return [message.subject for message in sent if message.to == "edi@example.org"]

    with app.app_context():
        campaign = db.session.get_one(Campaign, stage.campaign_id)
        name_editor(campaign, "edi@example.org", "Edi", place("SE5"), 30)  # two areas, one mail
        name_editor(campaign, "new@example.org", "Neo", place("SW9"), 30)  # has opened no link yet
        db.session.commit()
    assert run() == []
    with app.app_context():
        db.session.get_one(Listing, stage.listing_id).state = ListingState.WAITING
        db.session.commit()
    monkeypatch.setattr(jobs, "WORKS_FOR", 0)
    assert run() == [], "the job has no time left"
    monkeypatch.undo()
    monkeypatch.setattr(Batch, "send", lambda _, message: sent.append(message))
    assert run() == ["An event is waiting for you to check"]
    with app.app_context():
        campaign = db.session.get_one(Campaign, stage.campaign_id)
        name_trainer(campaign, "edi@example.org", "Edi")  # a third role, on the same day
        db.session.commit()
    assert run() == []
    with app.app_context():
        for role in db.session.query(VolunteerRole).filter_by(email="edi@example.org"):
            role.told_at = now() - timedelta(hours=25)
        db.session.commit()
    assert run() == ["An event is waiting for you to check"]
    editor.post(f"{PAGE}/{stage.listing_id}/right", data=shown_on(editor, PAGE))
    assert run() == []


def test_an_editor_is_told_of_their_own_area_only_and_not_of_their_own_event(
    app: Flask, stage: Stage, editor: FlaskClient
) -> None:
    def told() -> list[tuple[str, int]]:
        db.session.flush()
        return [(one.email, one.events) for one in editors.editors_to_tell(now())]

    with app.app_context():
        campaign = db.session.get_one(Campaign, stage.campaign_id)
        [role] = db.session.query(VolunteerRole)
        evenings = [make_evening(campaign=campaign) for _ in range(12)]
        for number, evening in enumerate(evenings):
            evening.listing.state = ListingState.WAITING
            # All around the edge of the area, every second one inside it.
            away = (29.95 if number % 2 else 30.05) / 111.195
            north, east = cos(number * pi / 6), sin(number * pi / 6)
            evening.listing.latitude = role.latitude + away * north
            evening.listing.longitude = role.longitude + away * east / cos(radians(role.latitude))
        covered = [
            km_between(
                (role.latitude, role.longitude), (one.listing.latitude, one.listing.longitude)
            )
            <= 30
            for one in evenings
        ]
        assert 0 < sum(covered) < 12
        assert told() == [("edi@example.org", sum(covered))]
        evenings[covered.index(True)].host.email = "edi@example.org"
        assert told() == [("edi@example.org", sum(covered) - 1)]
        for inside, evening in zip(covered, evenings, strict=True):
            if inside:
                evening.listing.state = ListingState.SHOWN
        assert told() == [], "what waits elsewhere in the campaign is not theirs"
        db.session.rollback()


@pytest.mark.parametrize("error", [AddressRefusedError, MessagePutOffError, MailNotSentError])
def test_an_editor_whose_mail_fails_stops_nobody_else(
    app: Flask,
    stage: Stage,
    editor: FlaskClient,
    monkeypatch: pytest.MonkeyPatch,
    error: type[MailNotSentError],
) -> None:
    tried: list[str] = []

    def send_mail(_: Batch, message: Message) -> None:
        tried.append(message.to)
        if message.to != "far@example.org":
            raise error("no")

    monkeypatch.setattr(Batch, "send", send_mail)
    monkeypatch.setattr(offers, "unsent_kits", lambda: tried.append("the kits") or [])
    with app.app_context():
        campaign = db.session.get_one(Campaign, stage.campaign_id)
        for name in ("Dead", "Fay"):  # somebody who waits for an event, before and after
            wait_for_event(f"{name.lower()}@example.org", place("M1"))
        wait_for_event("far@example.org", place("M1"))
        make_evening(code="M1", campaign=campaign)
        db.session.get_one(Listing, stage.listing_id).state = ListingState.WAITING
        db.session.commit()
        for _ in range(2):
            send_due_reminders()
    once = ["the kits", "dead@example.org"]
    rest = ["fay@example.org", "far@example.org", "edi@example.org"]
    if error is AddressRefusedError:
        assert tried == [*once, *rest, "the kits"]
    elif error is MessagePutOffError:
        assert tried == [*once, *rest, *once, "fay@example.org", "edi@example.org"]
    else:
        assert tried == [*once, "edi@example.org"] * 2
