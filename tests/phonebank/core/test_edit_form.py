"""Two people open the same form. The page tells the second one what the first has changed."""

import html
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from phonebank.core.db import db
from phonebank.models import Caller, Campaign, ContactList, Party, RoleName
from phonebank.scripts import campaign_scripts
from tests.factories import (
    create_account,
    create_caller,
    create_campaign,
    create_list,
    create_party,
    create_script,
)
from tests.signing_in import sign_in

SCRIPT = campaign_scripts.BLANK.read_text("utf-8")


@dataclass(frozen=True)
class Page:
    """A form: where it is shown and sent, what the first changes and the second, how the change of
    each is stored, and how the page says what the first one did."""

    shown_at: str
    sent_to: str
    first: dict[str, Any]
    second: dict[str, Any]
    stored: Callable[[], Any]
    said: str


def of(kind: Any, attribute: str) -> Callable[[], Any]:
    return lambda: getattr(db.session.query(kind).one(), attribute)


PAGES = {
    "campaign": Page(
        "/campaigns/1/edit",
        "/campaigns/1/edit",
        {"name": "First"},
        {"name": "Second"},
        of(Campaign, "name"),
        "“Name” to “First”",
    ),
    "practice": Page(
        "/campaigns/1/edit",
        "/campaigns/1/edit",
        {"practice_first": "y"},
        {"name": "Second"},
        lambda: (of(Campaign, "name")(), of(Campaign, "practice_first")()),
        "to ticked",
    ),
    "hours": Page(
        "/campaigns/1/hours",
        "/campaigns/1/hours",
        {"mon_from": "10:00"},
        {"mon_from": "11:00"},
        lambda: of(Campaign, "hours")().get("mon", ["?"])[0],
        "“Monday from” to “10:00”",
    ),
    "retry rules": Page(
        "/campaigns/1/retry-rules",
        "/campaigns/1/retry-rules",
        {"attempts_at_most": "7"},
        {"attempts_at_most": "8"},
        lambda: of(Campaign, "retry_rules")().get("attempts_at_most"),
        "“Maximum attempts” to “7”",
    ),
    "pace": Page(
        "/campaigns/1/pace",
        "/campaigns/1/pace",
        {"people_an_hour": "41"},
        {"people_an_hour": "42"},
        of(Campaign, "people_an_hour"),
        "to “41”",
    ),
    "party": Page(
        "/parties/1",
        "/parties/1/settings",
        {"goal": "60"},
        {"goal": "70"},
        of(Party, "goal"),
        "“Goal: conversations for the whole party” to “60”",
    ),
    "caller": Page(
        "/campaigns/1/callers/1",
        "/campaigns/1/callers/1",
        {"lists": ["1"]},
        {"lists": ["2"]},
        of(Caller, "list_ids"),
        "“Only people on these lists” to “Ward list”",
    ),
    "merge fields": Page(
        "/campaigns/1/scripts/1",
        "/campaigns/1/scripts/1/values",
        {"value-candidate": "First"},
        {"value-candidate": "Second"},
        lambda: of(Campaign, "merge_values")().get("candidate"),
        "Someone else has changed this to “First”",
    ),
}


@pytest.fixture
def organiser(client: FlaskClient, app: Flask) -> FlaskClient:
    with app.app_context():
        account = create_account(RoleName.ORGANISER)
        campaign = create_campaign(practice_first=False)
        party = create_party(campaign, account)
        create_caller(campaign, party)
        create_list(campaign, name="Ward list")
        create_list(campaign, name="Other list")
        create_script(
            campaign, SCRIPT.replace("steps:", "fields:\n  candidate: Who stands\n\nsteps:", 1)
        )
        db.session.commit()
        account_id = account.id
    sign_in(client, account_id)
    return client


def form_of(client: FlaskClient, page: Page) -> dict[str, Any]:
    """The fields that a browser would send from the form as it was drawn."""
    text = client.get(page.shown_at).text
    forms = re.findall(r"<form[^>]*>.*?</form>", text, re.S)
    own = page.sent_to if page.sent_to != page.shown_at else None
    form = next(
        form
        for form in forms
        if (f'action="{own}"' in form if own else "action=" not in form.split(">")[0])
    )
    fields: dict[str, Any] = {}
    for tag in re.findall(r"<input[^>]*>", form):
        name, value = _attribute(tag, "name"), _attribute(tag, "value")
        if 'type="checkbox"' in tag and " checked" not in tag:
            continue
        fields.setdefault(name, []).append(value)
    for name, words in re.findall(r'<textarea[^>]*name="(\w+)"[^>]*>(.*?)</textarea>', form, re.S):
        fields[name] = html.unescape(words)
    for name, options in re.findall(r'<select[^>]*name="(\w+)"[^>]*>(.*?)</select>', form, re.S):
        chosen = re.search(r"<option selected value=\"([^\"]*)\"", options)
        fields[name] = chosen.group(1) if chosen else ""
    return fields


def _attribute(tag: str, name: str) -> str:
    found = re.search(rf'\b{name}="([^"]*)"', tag)
    return html.unescape(found.group(1)) if found else ""


def stored(app: Flask, page: Page) -> Any:
    with app.app_context():
        return page.stored()


@pytest.mark.parametrize("name", PAGES)
def test_who_saves_second_is_told_and_overwrites_nothing(
    organiser: FlaskClient, app: Flask, name: str
) -> None:
    page = PAGES[name]
    first, second = form_of(organiser, page), form_of(organiser, page)
    assert organiser.post(page.sent_to, data=first | page.first).status_code in (302, 303)
    kept = stored(app, page)
    answer = organiser.post(page.sent_to, data=second | page.second)
    assert answer.status_code == 422
    assert html.unescape(answer.text).count(page.said) >= 1
    assert "saved yet" in answer.text
    assert stored(app, page) == kept


@pytest.mark.parametrize("name", PAGES)
def test_saving_once_more_puts_ones_own_in_its_place_and_keeps_the_rest(
    organiser: FlaskClient, app: Flask, name: str
) -> None:
    page = PAGES[name]
    first, second = form_of(organiser, page), form_of(organiser, page)
    organiser.post(page.sent_to, data=first | page.first)
    kept = stored(app, page)
    answer = organiser.post(page.sent_to, data=second | page.second)

    class Again:
        def get(self, _: str) -> Any:
            return answer

    again = form_of(Again(), page)  # type: ignore[arg-type]
    assert organiser.post(page.sent_to, data=again).status_code in (302, 303)
    assert stored(app, page) != kept
    if name == "practice":  # which the second had not touched
        assert stored(app, page) == ("Second", True)


@pytest.mark.parametrize("name", PAGES)
def test_who_changes_it_to_the_same_or_alone_is_not_stopped(
    organiser: FlaskClient, name: str
) -> None:
    page = PAGES[name]
    first, second = form_of(organiser, page), form_of(organiser, page)
    for form in (first, second):
        assert organiser.post(page.sent_to, data=form | page.first).status_code in (302, 303)
    alone = form_of(organiser, page)
    assert organiser.post(page.sent_to, data=alone | page.second).status_code in (302, 303)


def test_the_usual_rules_do_not_come_back_over_somebodys_change(
    organiser: FlaskClient, app: Flask
) -> None:
    page = PAGES["retry rules"]
    organiser.post(page.sent_to, data=form_of(organiser, page) | {"attempts_at_most": "7"})
    seen = form_of(organiser, page)["seen"][0]
    organiser.post(page.sent_to, data=form_of(organiser, page) | {"attempts_at_most": "8"})
    address = f"{page.sent_to}/usual"
    said = organiser.post(address, data={"seen": seen}, follow_redirects=True).text
    assert "yours were not replaced" in said
    assert stored(app, page) == 8
    organiser.post(address, data={"seen": form_of(organiser, page)["seen"][0]})
    assert stored(app, page) is None


def test_a_lists_place_and_a_callers_name_are_not_changed_unseen_either(
    organiser: FlaskClient, app: Flask
) -> None:
    page = Page(
        "/campaigns/1/lists/1",
        "/campaigns/1/lists/1/priority",
        {},
        {},
        lambda: db.session.get_one(ContactList, 1).priority,
        "",
    )
    first, second = form_of(organiser, page), form_of(organiser, page)
    organiser.post(page.sent_to, data=first | {"priority": "1"})
    said = organiser.post(page.sent_to, data=second | {"priority": "-1"}, follow_redirects=True)
    assert "your choice was not saved" in said.text
    assert stored(app, page) == 1

    with app.app_context():
        was = db.session.query(Caller).one().first_name
    for name, expected in (("Kit", "Kit"), ("Lou", "Kit")):
        said = organiser.post(
            "/parties/1/callers/1/name", data={"name": name, "was": was}, follow_redirects=True
        )
        with app.app_context():
            assert db.session.query(Caller).one().first_name == expected
    assert f"{was}&#39;s name was changed to Kit" in said.text


@pytest.mark.parametrize(
    ("address", "kind", "attribute"),
    [
        ("/parties/1/code", Party, "code"),
        ("/parties/1/board-link", Party, "board_token"),
        ("/parties/1/summary-link", Party, "summary_token"),
        ("/campaigns/1/new-link", Campaign, "join_token"),
    ],
)
def test_two_who_replace_a_link_at_once_get_the_same_new_one(
    organiser: FlaskClient, app: Flask, address: str, kind: Any, attribute: str
) -> None:
    def link() -> str:
        with app.app_context():
            return getattr(db.session.query(kind).one(), attribute)

    old = link()
    organiser.post(address, data={"seen": old})
    new = link()
    assert new != old
    said = organiser.post(address, data={"seen": old}, follow_redirects=True).text
    assert "has just" in said
    assert link() == new
    organiser.post(address, data={"seen": new})
    assert link() != new
