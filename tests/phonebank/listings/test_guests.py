"""Guests: asking, the host's answer, the waiting list, and who sees the address."""

from datetime import timedelta
from typing import Any

import pytest

from phonebank.core.db import db
from phonebank.core.errors import ConflictError, GoneError, InvalidInputError, NotFoundError
from phonebank.listings import checks, guests, listings
from phonebank.listings.stale import versions_of
from phonebank.models import (
    AddressSight,
    CampaignState,
    Guest,
    GuestMail,
    GuestState,
    Listing,
    ListingKind,
    ListingState,
    MailKind,
    now,
)
from phonebank.parties.services import end_party
from tests.factories import create_account, create_caller, create_campaign, create_party
from tests.phonebank.listings.conftest import STREET, Evening, details, make_evening


def asked(listing: Listing, name: str = "Sam") -> Guest:
    """A guest who has confirmed."""
    guest = guests.ask(listing, name, f"{name.lower()}@example.org")
    guests.confirm(guest)
    return guest


def mails_of(guest: Guest) -> list[str]:
    rows = db.session.query(GuestMail).filter_by(guest_id=guest.id).order_by(GuestMail.id)
    return [mail.kind for mail in rows]


def test_a_guest_gets_the_address_only_when_the_host_lets_them_come(evening: Evening) -> None:
    listing = evening.listing
    guest = guests.ask(listing, " Sam ", "SAM@example.org")
    assert (guest.state, guest.email, guest.first_name) == (
        GuestState.NEW, "sam@example.org", "Sam",
    )  # fmt: skip
    assert guests.guests_of(listing) == []  # the host sees nobody who has not confirmed
    assert guests.address_for(guest, listing, "page") == ""
    with pytest.raises(NotFoundError):
        guests.let_come(listing, guest.id)
    guests.confirm(guest)
    assert guest.state == GuestState.ASKED
    assert guests.address_for(guest, listing, "page") == ""
    guests.let_come(listing, guest.id)
    assert guests.address_for(guest, listing, "page") == STREET
    [sight] = db.session.query(AddressSight)
    assert (sight.guest_id, sight.how) == (guest.id, "page")
    assert mails_of(guest) == [
        MailKind.ACCEPTED, MailKind.DAY_BEFORE, MailKind.SOON, MailKind.THANKS,
    ]  # fmt: skip
    guests.let_come(listing, guest.id)  # a second tap
    assert len(mails_of(guest)) == 4
    # The table has the address encrypted.
    stored = listing.address
    assert stored
    assert "Marmalade" not in stored


def test_a_guest_of_another_event_does_not_get_the_address(evening: Evening) -> None:
    other = make_evening(campaign=evening.campaign, address="9 Elsewhere Road")
    guest = asked(other.listing)
    guests.let_come(other.listing, guest.id)
    assert guests.address_for(guest, evening.listing, "page") == ""
    with pytest.raises(NotFoundError):
        guests.let_come(evening.listing, guest.id)


def test_a_full_event_has_a_waiting_list(evening: Evening) -> None:
    listing = evening.listing
    first, second = asked(listing, "Ann"), asked(listing, "Bob")
    for guest in (first, second):
        guests.let_come(listing, guest.id)
    third, fourth = asked(listing, "Cem"), asked(listing, "Dee")
    assert {third.state, fourth.state} == {GuestState.QUEUED}
    assert [guests.place_in_queue(third), guests.place_in_queue(fourth)] == [1, 2]
    with pytest.raises(ConflictError, match="All places are taken") as full:
        guests.let_come(listing, third.id)
    assert "under “Change the party's details”" in full.value.what_to_do
    listing.state = ListingState.DRAFT  # its page has no heading “Change the party's details”
    with pytest.raises(ConflictError, match="All places are taken") as full:
        guests.let_come(listing, third.id)
    assert "press “Save, but not on the map”" in full.value.what_to_do
    listing.state = ListingState.SHOWN
    guests.cancel(first)
    assert third.state == GuestState.ASKED  # the host decides who comes home
    guests.let_come(listing, third.id)
    assert listings.places_taken(listing) == 2
    with pytest.raises(ConflictError, match="2 guests are coming"):
        listings.change_details(listing, details(places=1))


def test_at_a_video_event_the_place_goes_to_the_next_at_once(
    app_context: object, some_places: None
) -> None:
    listing = make_evening(by_video=True, places=1).listing
    ann, bob = (guests.ask(listing, name, f"{name}@example.org".lower()) for name in ("Ann", "Bob"))
    assert (ann.state, bob.state) == (GuestState.ACCEPTED, GuestState.QUEUED)
    guests.cancel(ann)
    assert bob.state == GuestState.ACCEPTED
    assert mails_of(bob)[:2] == [MailKind.QUEUED, MailKind.ACCEPTED]
    assert MailKind.SOON not in mails_of(ann)
    again = guests.ask(listing, "Ann", "ann@example.org")
    assert (again.id, again.state) == (ann.id, GuestState.QUEUED)


def test_asking_twice_is_asking_once(evening: Evening) -> None:
    first, again = (guests.ask(evening.listing, "Sam", "sam@example.org") for _ in range(2))
    assert first is again
    guests.confirm(first)
    guests.confirm(first)
    assert db.session.query(Guest).count() == 1


def test_nobody_has_more_than_three_open_requests(evening: Evening) -> None:
    for _ in range(3):
        asked(make_evening(campaign=evening.campaign).listing)
    with pytest.raises(ConflictError, match="3 open requests"):
        asked(evening.listing)
    asked(evening.listing, "Somebody")


def test_a_blocked_person_is_not_told_and_the_host_hears_no_more_of_them(evening: Evening) -> None:
    listing = evening.listing
    guest = asked(listing)
    guests.let_come(listing, guest.id)
    guests.block(listing, guest.id)
    assert guest.state == GuestState.BLOCKED
    assert guests.address_for(guest, listing, "page") == ""
    assert guests.guests_of(listing) == []
    assert MailKind.REFUSED not in mails_of(guest)
    elsewhere = make_evening(campaign=create_campaign(name="Another")).listing
    assert asked(elsewhere).state == GuestState.ASKED
    other = make_evening(campaign=evening.campaign).listing
    again = asked(other)
    assert again.state == GuestState.BLOCKED
    assert guests.guests_of(other) == []
    guests.cancel(again)
    assert (again.state, guests.guests_of(other)) == (GuestState.CANCELLED, [])  # as for anybody
    assert asked(other).state == GuestState.BLOCKED  # asking again is no way round it
    video = make_evening(campaign=evening.campaign, by_video=True).listing
    assert guests.ask(video, "Sam", "sam@example.org").state == GuestState.BLOCKED


@pytest.mark.parametrize("is_full", [False, True])
@pytest.mark.parametrize("kind", ["home", "video", "training"])
def test_a_blocked_person_gets_what_any_guest_gets_who_waits(
    evening: Evening, kind: str, is_full: bool
) -> None:
    """Nothing tells Sam apart from Kim, who waits like any other guest: for the host's answer at a
    home with a free place, and elsewhere on the waiting list."""
    listing = evening.listing
    guests.block(listing, asked(listing).id)
    event = make_evening(campaign=evening.campaign, by_video=kind == "video", places=1).listing
    if kind == "training":
        event.party_id, event.kind = None, ListingKind.TRAINING
        db.session.flush()

    def ask(name: str) -> Guest:
        guest = guests.ask(event, name, f"{name.lower()}@example.org")
        guests.confirm(guest)
        return guest

    def fill() -> None:
        first = ask("Ann")
        if kind == "home":
            guests.let_come(event, first.id)

    waits_for_place = kind != "home" or is_full
    if is_full:
        fill()
    sam = ask("Sam")
    if waits_for_place and not is_full:
        fill()
    kim = ask("Kim")
    assert sam.state == GuestState.BLOCKED
    expected = GuestState.QUEUED if waits_for_place else GuestState.ASKED
    assert guests.shown_state(sam, event) == guests.shown_state(kim, event) == expected
    assert mails_of(sam) == mails_of(kim) == ([MailKind.QUEUED] if waits_for_place else [])
    if not waits_for_place:
        fill()  # the host lets somebody else have the last place
        assert guests.shown_state(sam, event) == guests.shown_state(kim, event) == expected
    listings.move(event, event.starts_at + timedelta(hours=1))
    listings.cancel(event)
    assert mails_of(sam) == mails_of(kim)
    assert mails_of(sam)[-2:] == [MailKind.CHANGED, MailKind.CANCELLED]


def test_a_blocked_person_who_has_not_confirmed_can_still_do_so(evening: Evening) -> None:
    other = make_evening(campaign=evening.campaign).listing
    guest = guests.ask(other, "Sam", "sam@example.org")
    guests.block(evening.listing, asked(evening.listing).id)
    db.session.refresh(guest)
    assert guest.state == GuestState.NEW
    guests.confirm(guest)
    assert (guest.state, guests.guests_of(other)) == (GuestState.BLOCKED, [])


def test_the_places_of_a_blocked_person_go_to_those_who_wait(evening: Evening) -> None:
    home = make_evening(campaign=evening.campaign, places=1).listing
    video = make_evening(campaign=evening.campaign, places=1, by_video=True).listing
    for listing in (evening.listing, home):
        guests.let_come(listing, asked(listing).id)
    guests.ask(video, "Sam", "sam@example.org")
    waiting = asked(home, "Cy")
    waiting_for_video = guests.ask(video, "Cy", "cy@example.org")
    assert (waiting.state, waiting_for_video.state) == (GuestState.QUEUED, GuestState.QUEUED)
    guests.block(evening.listing, guests.guests_of(evening.listing)[0].id)
    assert waiting.state == GuestState.ASKED, "the host decides"
    assert waiting_for_video.state == GuestState.ACCEPTED
    assert MailKind.ACCEPTED in mails_of(waiting_for_video)
    assert [guest.first_name for guest in guests.guests_of(home)] == ["Cy"]


@pytest.mark.parametrize(
    ("name", "email", "words"),
    [
        ("", "sam@example.org", "empty"),
        ("Sam", "sam at example", "isn't an e-mail"),
        ("x" * 41, "sam@example.org", "41 characters"),
        ("wanker", "sam@example.org", "can't show that name"),
        ("Sam\u202e", "sam@example.org", "can't show"),
    ],
)
def test_a_name_or_address_that_cannot_be_used_is_refused(
    evening: Evening, name: str, email: str, words: str
) -> None:
    with pytest.raises(InvalidInputError, match=words):
        guests.ask(evening.listing, name, email)


def test_nobody_can_ask_to_come_to_an_event_that_is_off(evening: Evening) -> None:
    guest = asked(evening.listing)
    guests.let_come(evening.listing, guest.id)
    listings.cancel(evening.listing)
    db.session.flush()
    with pytest.raises(GoneError):
        guests.ask(evening.listing, "Late", "late@example.org")
    assert mails_of(guest) == [MailKind.ACCEPTED, MailKind.CANCELLED]
    assert guests.address_for(guest, evening.listing, "page") == ""
    assert evening.listing.address is None
    assert evening.party.has_ended
    with pytest.raises(ConflictError, match="cancelled"):
        listings.move(evening.listing, now())


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"places": 0}, "from 1 to 500"),
        ({"places": 10_000}, "from 1 to 500"),
        ({"address": " \n "}, "need an address"),
        ({"address": "x" * 400}, "400 characters"),
        ({"host_name": "wanker"}, "can't show that name"),
    ],
)
def test_details_that_cannot_be_used_are_refused(
    evening: Evening, values: dict[str, Any], words: str
) -> None:
    with pytest.raises(InvalidInputError, match=words):
        listings.change_details(evening.listing, details(**values))


def test_the_title_must_not_say_the_address(evening: Evening) -> None:
    party = create_party(
        evening.campaign, evening.host, title="Calls at 4 Plum Row!",
        starts_at=evening.listing.starts_at,
    )  # fmt: skip
    with pytest.raises(InvalidInputError, match="title has the address"):
        listings.list_party(evening.host, party, details(address="4 Plum Row\nLondon"))


def test_a_hosts_first_listing_waits_for_a_look_and_the_next_does_not(
    app_context: object, some_places: None
) -> None:
    campaign, host = create_campaign(), create_account("host")
    starts_at = make_evening().listing.starts_at
    first, second = (create_party(campaign, host, starts_at=starts_at) for _ in range(2))
    listing = listings.list_party(host, first, details())
    assert listing.state == ListingState.WAITING
    with pytest.raises(NotFoundError):
        guests.shown_listing(listing.id)
    checks.approve(listing, versions_of([listing])[listing.id])
    assert guests.shown_listing(listing.id) is listing
    assert listings.list_party(host, second, details()).state == ListingState.SHOWN
    with pytest.raises(ConflictError, match="on the map already"):
        listings.list_party(host, second, details())
    ended = create_party(campaign, host, starts_at=starts_at)
    end_party(ended)
    with pytest.raises(ConflictError, match="over"):
        listings.list_party(host, ended, details())


def test_nobody_asks_to_come_to_an_event_of_a_campaign_that_has_ended(evening: Evening) -> None:
    evening.campaign.state = CampaignState.ENDED
    db.session.flush()
    with pytest.raises(GoneError):
        guests.shown_listing(evening.listing.id)
    with pytest.raises(GoneError):
        guests.ask(evening.listing, "Sam", "sam@example.org")
    evening.campaign.state = CampaignState.PAUSED
    db.session.flush()
    assert guests.shown_listing(evening.listing.id) is evening.listing
    guest = guests.ask(evening.listing, "Sam", "sam@example.org")
    evening.campaign.state = CampaignState.ENDED
    db.session.flush()
    with pytest.raises(GoneError):
        guests.confirm(guest)
    assert guest.state == GuestState.NEW


def test_three_people_who_report_a_listing_hide_it(evening: Evening) -> None:
    listing = evening.listing
    for reporter in ("192.0.2.1", "192.0.2.1", "192.0.2.1", "192.0.2.2"):
        checks.report(listing, "hoax", reporter)
    [one] = checks.listings_in(evening.campaign)
    assert (one.listing.state, one.needs_look) == (ListingState.SHOWN, True)
    checks.report(listing, "unsafe", "192.0.2.3")
    assert listing.state == ListingState.HIDDEN
    with pytest.raises(GoneError):
        guests.ask(listing, "Sam", "sam@example.org")
    checks.approve(listing, versions_of([listing])[listing.id])
    [one] = checks.listings_in(evening.campaign)
    assert (one.reasons, one.needs_look) == ([], False)
    assert guests.shown_listing(listing.id) is listing
    with pytest.raises(InvalidInputError):
        checks.report(listing, "<b>", "192.0.2.4")


def test_an_accepted_guest_skips_the_lobby_once(evening: Evening) -> None:
    guest = asked(evening.listing)
    waiting = {"state": "waiting"}
    early = create_caller(evening.campaign, evening.party, **waiting)
    guests.greet_at_door(guest.id, early)
    assert early.state == "waiting"  # not accepted yet
    guests.let_come(evening.listing, guest.id)
    caller = create_caller(evening.campaign, evening.party, **waiting)
    guests.greet_at_door(guest.id, caller)
    db.session.refresh(caller)
    assert (caller.state, guest.caller_id) == ("admitted", caller.id)
    friend = create_caller(evening.campaign, evening.party, **waiting)
    guests.greet_at_door(guest.id, friend)  # the link was passed on
    held = create_caller(evening.campaign, evening.party, held=True, **waiting)
    other = asked(evening.listing, "Other")
    guests.let_come(evening.listing, other.id)
    guests.greet_at_door(other.id, held)
    elsewhere = create_caller(
        evening.campaign, create_party(evening.campaign, evening.host), **waiting
    )
    guests.greet_at_door(other.id, elsewhere)
    for one in (friend, held, elsewhere):
        db.session.refresh(one)
        assert one.state == "waiting"
