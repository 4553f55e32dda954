"""The movement from end to end in real browsers: a pledge in a hall becomes a party, a stranger
finds it, comes, calls, and reads that they are ready to host.

The Procfile's processes run, and a real mail server in this process takes their e-mails. Every link
is the one that was mailed. The test writes into the database only what came before: the campaign,
its people, the guest's earlier evenings. And it lets days pass, by moving what is to come nearer.
"""

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import icalendar
import pytest
from flask import Flask
from playwright.sync_api import Browser, Page, expect
from sqlalchemy import select, text

from phonebank.callouts import call_outs
from phonebank.callouts.jobs import look_after_call_outs
from phonebank.core.config import Config
from phonebank.core.db import db
from phonebank.core.jobs import enqueue
from phonebank.listings.jobs import send_due_reminders
from phonebank.models import (
    Account,
    AddressSight,
    Caller,
    CallerState,
    CallOut,
    Listing,
    Party,
    RoleName,
    Tally,
)
from phonebank.rules.local_moments import last_midnight
from phonebank.volunteers.volunteers import find_or_create, keep_calls
from scripts_library.library import source_of
from tests.browser.call_page import settle, tap
from tests.browser.conftest import PATIENCE
from tests.factories import (
    create_account,
    create_caller,
    create_campaign,
    create_contact,
    create_list,
    create_party,
    create_script,
)
from tests.mail_server import MailServer, mail_server, text_of
from tests.processes import Processes, within
from tests.signing_in import session_cookie, signed_in
from tests.some_places import ensure_places

pytestmark = [pytest.mark.browser, pytest.mark.pages]

ANA, GIL = "ana@example.org", "gil@example.org"
STREET = "17 Marmalade Terrace"
# What is to come, and the columns that say when.
MOMENTS = {"party": "starts_at", "listing": "starts_at", "guest_mail": "due_at"}
SOON = 60.0  # seconds, on a machine that is busy with other tests


@pytest.fixture
def post() -> Iterator[MailServer]:
    with mail_server() as running:
        yield running


@pytest.fixture
def site(
    app: Flask, clean_stores: None, config: Config, post: MailServer, tmp_path: Path
) -> Iterator[Processes]:
    settings = {"MAIL_SERVER": "127.0.0.1", "MAIL_PORT": str(post.port),
                "MAIL_SENDER": "bank@example.org"}  # fmt: skip
    site = Processes(config, tmp_path / "log.txt", settings=settings)
    site.start_web(workers=1)
    site.start_command("worker")
    yield site
    site.stop()


@pytest.fixture
def person(browser: Browser, site: Processes) -> Iterator[Callable[..., Page]]:
    """A function that gives a person a browser."""
    contexts = []

    def arrive(width: int = 390) -> Page:
        context = browser.new_context(
            base_url=site.url, viewport={"width": width, "height": 844}, locale="en-GB"
        )
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(PATIENCE)
        return page

    yield arrive
    for context in contexts:
        context.close()


def mail_to(post: MailServer, address: str, subject: str) -> EmailMessage:
    """Wait for an e-mail, and return it. There must be one only."""

    def found() -> list[EmailMessage]:
        return [each for each in post.to(address) if str(each["Subject"]).startswith(subject)]

    within(SOON, found, f"{subject} for {address}")
    [message] = found()
    return message


def link_in(message: EmailMessage, site: Processes, path: str) -> str:
    found = re.search(rf"{re.escape(site.url)}({path}\S*)", text_of(message))
    assert found, text_of(message)
    return found[1]


def event_in(message: EmailMessage) -> Any:
    [file] = message.iter_attachments()
    [event] = icalendar.Calendar.from_ical(file.get_content()).walk("VEVENT")
    return event


def let_pass(time: timedelta) -> None:
    """Bring everything that is to come nearer by this time, and let the worker do what is due."""
    for table, column in MOMENTS.items():
        db.session.execute(
            text(f"UPDATE {table} SET {column} = {column} - :time WHERE {column} > now()"),
            {"time": time},
        )
    db.session.commit()
    enqueue(send_due_reminders)


def what_came_before() -> CallOut:
    """A campaign with people to call and a call-out, and Gil's evenings before this one."""
    ensure_places()
    organiser = create_account(RoleName.ORGANISER, email="olive@example.org", name="Olive")
    campaign = create_campaign(merge_values={"candidate": "Jo Marsh"})
    create_script(campaign, source_of("persuasive-conversation", "en"))
    contacts = create_list(campaign)
    for _ in range(3):
        create_contact(contacts)
    earlier = create_party(campaign, organiser)
    caller = create_caller(campaign, earlier, first_name="Gil")
    keep_calls(find_or_create(GIL, "Gil"), caller)
    for days in (9, 2):
        db.session.add(
            Tally(
                campaign_id=campaign.id, party_id=earlier.id, caller_id=caller.id, calls=40,
                conversations=12, hour=datetime.now(UTC).replace(minute=0) - timedelta(days=days),
            )
        )  # fmt: skip
    call_out = call_outs.create_call_out(campaign, organiser, "Riverside", None, "Europe/London")
    db.session.commit()
    return call_out


def sign_in_by(page: Page, link: str) -> None:
    """Open a mailed link, and tap its button."""
    page.goto(link)
    page.get_by_role("button", name="Sign in").click()


def test_a_pledge_becomes_a_party_and_its_guest_is_ready_to_host(
    app: Flask, site: Processes, post: MailServer, person: Callable[..., Page]
) -> None:
    with app.app_context():
        call_out = what_came_before()
        hall_ends_with_a_pledge(call_out, person)
        ana, party = the_host_gets_a_party(site, post, person)
        ana_puts_it_on_the_map(ana, party, call_out.campaign_id, app, person, site)
        gil = person()
        page = gil_asks_to_come(gil, site, post)
        ana_lets_gil_come(ana, gil, page, site, post)
        ana_moves_it(ana, party, post)
        reminders_come(gil, page, party, post)
        gil_calls_past_the_lobby(gil, page, party)
        gil_reads_that_he_is_ready(ana, gil, party, site, post)
        the_next_day(party, post)


def hall_ends_with_a_pledge(call_out: CallOut, person: Callable[..., Page]) -> None:
    ana = person()
    ana.goto(f"/hall/{call_out.code}")
    ana.get_by_label("Your first name").fill("Ana")
    ana.get_by_label("Your e-mail address or phone number").fill(ANA)
    ana.get_by_label("Your postcode or town").fill("SW9 8JJ")
    ana.get_by_role("button", name="Sign in").click()
    ana.get_by_role("link", name="I will host").click()
    ana.get_by_label("Day").fill((datetime.now(UTC) + timedelta(days=6)).date().isoformat())
    ana.get_by_label("Time").fill("19:30")
    ana.get_by_role("button", name="I will host").click()
    expect(ana.get_by_text("We've saved your pledge.")).to_be_visible()
    remote = person()
    remote.goto(f"/call-out/remote/{call_out.remote_token}")
    remote.get_by_role("button", name="Thank you").click()
    remote.get_by_role("button", name="End the call-out").click()
    expect(remote.get_by_text("This call-out has ended.")).to_be_visible()


def the_host_gets_a_party(
    site: Processes, post: MailServer, person: Callable[..., Page]
) -> tuple[Page, Party]:
    enqueue(look_after_call_outs)
    kit = mail_to(post, ANA, "Your phone party")
    ana = person(1280)
    sign_in_by(ana, link_in(kit, site, "/sign-in/"))
    expect(ana.get_by_role("heading", name="Host's kit")).to_be_visible()
    party = db.session.scalars(select(Party).where(Party.title == "At Ana’s")).one()
    return ana, party


def ana_puts_it_on_the_map(
    ana: Page, party: Party, campaign_id: int, app: Flask, person: Callable[..., Page],
    site: Processes,
) -> None:  # fmt: skip
    ana.goto(f"/parties/{party.id}/guests")
    ana.get_by_label("Postcode or town").fill("SW9 8JJ")
    ana.get_by_label("Address").fill(f"{STREET}\nLondon SW9 8JJ")
    ana.get_by_role("button", name="Put it on the map").click()
    expect(ana.get_by_text("a volunteer who checks parties").first).to_be_visible()
    olive = person(1280)
    organiser = db.session.scalars(select(Account).where(Account.name == "Olive")).one()
    session = signed_in(organiser)
    olive.context.add_cookies(
        [{"name": "session", "value": session_cookie(app, session), "url": site.url}]
    )
    olive.goto(f"/campaigns/{campaign_id}/events")
    olive.get_by_role("button", name="It's fine: show it").click()
    expect(olive.get_by_text("On the map", exact=True)).to_be_visible()
    assert STREET not in olive.content()


def gil_asks_to_come(gil: Page, site: Processes, post: MailServer) -> str:
    """Return the path of Gil's own page."""
    gil.goto("/near")
    gil.get_by_label("Your postcode or town").fill("SE5 8RS")
    gil.get_by_role("button", name="Search").click()
    gil.get_by_role("link", name="At Ana’s").click()
    gil.get_by_label("Your first name").fill("Gil")
    gil.get_by_label("E-mail address").fill(GIL)
    gil.get_by_role("button", name="Ask to come").click()
    expect(gil.get_by_role("heading", name="One more tap")).to_be_visible()
    page = link_in(mail_to(post, GIL, "One more tap"), site, "/guest/")
    gil.goto(page)
    gil.get_by_role("button", name="Yes, ask Ana").click()
    expect(gil.get_by_text("Ana hasn't answered yet.")).to_be_visible()
    assert STREET not in gil.content()
    return page


def ana_lets_gil_come(ana: Page, gil: Page, page: str, site: Processes, post: MailServer) -> None:
    asked = mail_to(post, ANA, "Gil asks to come")
    assert STREET not in text_of(asked)
    ana.goto(link_in(asked, site, "/sign-in/"))  # she is signed in already
    ana.get_by_role("button", name="Let them come").click()
    expect(ana.get_by_text("Coming: 1 of 8")).to_be_visible()
    coming = mail_to(post, GIL, "You're coming")
    assert STREET in text_of(coming)
    event = event_in(coming)
    assert (int(event["sequence"]), STREET in event["location"]) == (0, True)
    gil.goto(page)
    expect(gil.get_by_text(STREET)).to_be_visible()


def ana_moves_it(ana: Page, party: Party, post: MailServer) -> None:
    db.session.refresh(party)
    there = (datetime.now(UTC) + timedelta(days=8)).strftime("%Y-%m-%dT18:00")
    ana.get_by_text("Move the party to another time").click()
    ana.get_by_label("New day and hour").fill(there)
    ana.get_by_role("button", name="Move it and tell everybody").click()
    expect(ana.get_by_text("Everyone who is coming or has asked").first).to_be_visible()
    first, moved = (
        event_in(mail_to(post, GIL, "You're coming")),
        event_in(mail_to(post, GIL, "It has changed")),
    )
    assert moved["uid"] == first["uid"]
    assert int(moved["sequence"]) == 1
    db.session.refresh(party)
    assert moved["dtstart"].dt == party.starts_at
    assert moved["dtstart"].dt.strftime("%Y-%m-%dT%H:%M") == there


def reminders_come(gil: Page, page: str, party: Party, post: MailServer) -> None:
    db.session.refresh(party)
    # The party is then tomorrow, at any hour at which this test runs.
    midnight = last_midnight(datetime.now(UTC), ZoneInfo("Europe/London")) + timedelta(days=1)
    before = max(midnight - datetime.now(UTC) + timedelta(hours=1), timedelta(hours=4))
    let_pass(party.starts_at - datetime.now(UTC) - before)
    mail_to(post, GIL, "Tomorrow: At Ana’s")
    gil.goto(page)
    gil.get_by_role("button", name="Yes, I'm still coming").click()
    expect(gil.get_by_text("Good. See you there.")).to_be_visible()
    let_pass(before - timedelta(hours=1, minutes=30))
    soon = mail_to(post, GIL, "Soon: At Ana’s")
    assert STREET in text_of(soon)


def gil_calls_past_the_lobby(gil: Page, page: str, party: Party) -> None:
    let_pass(timedelta(hours=1))
    gil.goto(page)
    gil.get_by_role("button", name="Join now").click()
    gil.get_by_label("Your first name").fill("Gil")
    gil.get_by_role("button", name="Join").click()
    gil.get_by_role("button", name="Give me someone to call").click()
    gil.wait_for_url("**/calling/person")
    caller = db.session.scalars(select(Caller).where(Caller.party_id == party.id)).one()
    assert caller.state == CallerState.ADMITTED
    settle(gil)
    tap(gil, "No answer")
    within(SOON, lambda: _calls_of(caller) == 1, "the call counts")


def _calls_of(caller: Caller) -> int:
    db.session.rollback()
    return sum(db.session.scalars(select(Tally.calls).where(Tally.caller_id == caller.id)))


def gil_reads_that_he_is_ready(
    ana: Page, gil: Page, party: Party, site: Processes, post: MailServer
) -> None:
    ana.goto(f"/parties/{party.id}")
    ana.get_by_text("End the party").click()
    ana.get_by_role("button", name="End it now").click()
    expect(gil.get_by_text("Finish this call and save it")).to_be_visible()
    settle(gil)
    tap(gil, "No answer")
    expect(gil.get_by_role("heading", name="The party has ended")).to_be_visible()
    gil.get_by_label("Your e-mail address").fill(GIL)
    gil.get_by_role("button", name="Send me the link").click()
    expect(gil.get_by_text("We've sent you a link.")).to_be_visible()
    gil.goto(link_in(mail_to(post, GIL, "Keep your calls"), site, "/volunteer/link/"))
    gil.get_by_role("button", name="Keep my calls").click()
    gil.goto("/calling")
    expect(gil.get_by_role("heading", name="The party has ended")).to_be_visible()
    expect(gil.get_by_text("You're ready to host, Gil.")).to_be_visible()
    expect(gil.get_by_text("24 conversations on 3 days")).to_be_visible()


def the_next_day(party: Party, post: MailServer) -> None:
    let_pass(timedelta(days=2))
    thanks = mail_to(post, GIL, "Thank you: At Ana’s")
    assert "You made 2 calls" in text_of(thanks)
    subjects = [str(message["Subject"]).partition(":")[0] for message in post.to(GIL)]
    assert subjects == [
        "One more tap", "You're coming", "It has changed", "Tomorrow", "Soon",
        "Keep your calls", "Thank you",
    ]  # fmt: skip
    # Nobody but Gil was sent the address, and each time is on record.
    told = [message["To"] for message in post.messages if STREET in text_of(message)]
    assert set(told) == {GIL}
    sights = db.session.scalars(select(AddressSight.how)).all()
    assert sights.count("mail") == 4
    listing = db.session.scalars(select(Listing).where(Listing.party_id == party.id)).one()
    assert listing.sequence == 1
