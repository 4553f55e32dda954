"""Sign-in links: what a link names, how long and how often it works, and where it may lead."""

import threading
from dataclasses import replace
from datetime import timedelta
from urllib.parse import urljoin, urlsplit

import pytest
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st

from phonebank.accounts import accounts, links
from phonebank.core.config import PRODUCTION
from phonebank.core.db import db
from phonebank.models import Account, RoleName
from tests.factories import create_account


@pytest.fixture
def account(app_context: Flask) -> Account:
    made = create_account(RoleName.HOST, email="cy@example.org")
    db.session.commit()
    return made


def test_a_link_says_who_comes_in_and_where_to(account: Account) -> None:
    link = links.read(links.token_for(account, "/parties/3?tab=people"))
    assert link.account is account
    assert link.next == "/parties/3?tab=people"


def test_a_spent_link_is_over(account: Account) -> None:
    token = links.token_for(account)
    links.spend(links.read(token))
    with pytest.raises(links.LinkExpiredError):
        links.read(token)


def test_using_a_link_ends_the_older_ones_and_not_the_newer(account: Account) -> None:
    oldest, used, newest = (links.token_for(account) for _ in range(3))
    links.spend(links.read(used))
    with pytest.raises(links.LinkExpiredError):
        links.read(oldest)
    assert links.read(newest).account is account


def test_a_link_of_somebody_else_is_untouched(account: Account) -> None:
    other = create_account(RoleName.HOST)
    token = links.token_for(other)
    links.spend(links.read(links.token_for(account)))
    assert links.read(token).account is other


def test_of_two_who_spend_a_link_at_once_one_comes_in(account: Account, app_context: Flask) -> None:
    token = links.token_for(account)
    both_have_read = threading.Barrier(2)
    came_in = []

    def use() -> None:
        with app_context.app_context():
            link = links.read(token)
            both_have_read.wait()
            try:
                links.spend(link)
                db.session.commit()
                came_in.append(True)
            except links.LinkExpiredError:
                came_in.append(False)

    threads = [threading.Thread(target=use) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(came_in) == [False, True]


def test_a_link_expires(account: Account) -> None:
    assert links.read(links.token_for(account, lives_for=timedelta(seconds=1)))
    with pytest.raises(links.LinkExpiredError):
        links.read(links.token_for(account, lives_for=timedelta(0)))


def test_a_link_normally_lives_for_fifteen_minutes() -> None:
    assert timedelta(minutes=15) == links.LIVES_FOR


@pytest.mark.parametrize("token", ["", "x", "a.b.c", "eyJhY2NvdW50IjoiYSJ9.AAAA"])
def test_a_made_up_link_is_over(account: Account, token: str) -> None:
    with pytest.raises(links.LinkExpiredError):
        links.read(token)


def test_a_changed_link_is_over(account: Account) -> None:
    token = links.token_for(account)
    middle = len(token) // 2
    changed = token[:middle] + ("A" if token[middle] != "A" else "B") + token[middle + 1 :]
    with pytest.raises(links.LinkExpiredError):
        links.read(changed)


def test_a_link_to_a_deactivated_account_is_over(account: Account) -> None:
    create_account("organiser")
    token = links.token_for(account)
    accounts.deactivate(account)
    db.session.flush()
    with pytest.raises(links.LinkExpiredError):
        links.read(token)
    accounts.reactivate(account)
    db.session.flush()
    with pytest.raises(links.LinkExpiredError):
        links.read(token)


def test_a_reusable_link_works_again_and_expires(account: Account) -> None:
    token = links.token_for(account, reusable=True)
    links.spend(links.read(token))
    assert links.read(token).account is account
    with pytest.raises(links.LinkExpiredError):
        links.read(links.token_for(account, reusable=True, lives_for=timedelta(0)))


def test_a_reusable_link_does_nothing_in_production(account: Account, app_context: Flask) -> None:
    token = links.token_for(account, reusable=True)
    development = app_context.extensions["phonebank"]
    app_context.extensions["phonebank"] = replace(development, mode=PRODUCTION)
    try:
        with pytest.raises(links.LinkExpiredError):
            links.read(token)
    finally:
        app_context.extensions["phonebank"] = development


@pytest.mark.parametrize(
    ("wanted", "led_to"),
    [
        ("/campaigns/1?tab=lists", "/campaigns/1?tab=lists"),
        (None, "/"),
        ("", "/"),
        ("campaigns", "/"),
        ("https://evil.example/", "/"),
        ("//evil.example/", "/"),
        ("///evil.example/", "/"),
        ("/\\evil.example/", "/"),
        ("\\\\evil.example/", "/"),
        ("/\t/evil.example/", "/"),
        ("/\n/evil.example", "/"),
        ("javascript:alert(1)", "/"),
    ],
)
def test_a_link_leads_to_a_page_here(wanted: str | None, led_to: str) -> None:
    assert links.path_on_this_site(wanted) == led_to


@given(st.text(alphabet="/\\.:@abc%\t\n\r \x00?#", max_size=12) | st.text(max_size=20))
def test_no_address_leads_away(wanted: str) -> None:
    # A browser reads backslashes as slashes, and skips control characters.
    read = links.path_on_this_site(wanted).replace("\\", "/")
    read = "".join(letter for letter in read if letter not in "\t\n\r")
    assert urlsplit(urljoin("https://here.example/sign-in", read)).netloc == "here.example"
