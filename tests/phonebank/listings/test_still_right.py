"""The page on which a host confirms an event without signing in."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from flask.testing import FlaskClient

from phonebank.core.db import db
from phonebank.listings import listings, still_right
from phonebank.models import Listing, ListingState
from tests.phonebank.listings.conftest import STREET, Evening


@pytest.fixture
def evening(evening: Evening) -> Evening:
    """An event that was confirmed nine days ago."""
    evening.listing.checked_at = datetime.now(UTC) - timedelta(days=9)
    db.session.commit()
    return evening


def link_in_mail(listing: Listing) -> str:
    """The path of the link under “Yes” in the e-mail to the host."""
    found = re.search(r"/near/still-right/\S+", still_right.question_to_host(listing).text)
    assert found
    return found[0]


def was_confirmed_today(listing: Listing) -> bool:
    db.session.refresh(listing)
    assert listing.checked_at is not None
    return datetime.now(UTC) - listing.checked_at < timedelta(days=1)


def test_a_host_confirms_with_one_tap_and_without_signing_in(
    client: FlaskClient, evening: Evening
) -> None:
    link = link_in_mail(evening.listing)
    page = client.get(link)
    assert evening.listing.title in page.text
    assert listings.when_of(evening.listing) in page.text
    assert STREET not in page.text, "the link may be forwarded"
    assert not was_confirmed_today(evening.listing), "mail scanners open links too"
    done = client.post(link, follow_redirects=True)
    assert "Thank you. People can now see that your event was confirmed today." in done.text
    assert was_confirmed_today(evening.listing)


def test_a_link_about_other_facts_or_of_nobody_confirms_nothing(
    client: FlaskClient, evening: Evening
) -> None:
    link = link_in_mail(evening.listing)
    assert client.post(link[:-3] + "xyz").status_code == 404
    listings.move(evening.listing, evening.listing.starts_at + timedelta(hours=1))
    db.session.commit()
    assert client.get(link).status_code == 404
    assert client.post(link).status_code == 404
    newer = link_in_mail(evening.listing)
    evening.host.active = False
    db.session.commit()
    assert client.post(newer).status_code == 404
    assert not was_confirmed_today(evening.listing)


def test_an_event_that_is_over_or_hidden_has_no_button(
    client: FlaskClient, evening: Evening
) -> None:
    link = link_in_mail(evening.listing)
    evening.listing.state = ListingState.HIDDEN
    db.session.commit()
    assert "Everything is still right" not in client.get(link).text
    assert client.post(link).status_code == 409
    evening.listing.state = ListingState.SHOWN
    evening.listing.starts_at = datetime.now(UTC) - timedelta(days=1)
    db.session.commit()
    assert "This event is over" in client.get(link).text
    assert client.post(link).status_code == 409
    assert not was_confirmed_today(evening.listing)
