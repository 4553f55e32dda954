"""The organiser's campaign pages, as a browser would use them."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient

from phonebank.campaigns import day_counts
from phonebank.campaigns.jobs import count_days
from phonebank.core.db import db
from phonebank.models import (
    CallerState,
    Campaign,
    CampaignState,
    Contact,
    PartyState,
    PeopleFilter,
    now,
)
from phonebank.organisers.campaigns.views import describe_week
from phonebank.organisers.tabs import TABS
from phonebank.rules.week_hours import DAY_NAMES, DAYS
from scripts_library.library import source_of
from tests.factories import (
    create_account,
    create_caller,
    create_campaign,
    create_contact,
    create_list,
    create_party,
    create_script,
)
from tests.phonebank.live.party_room import open_room, party_with
from tests.signing_in import sign_in


@pytest.fixture
def campaign_id(app: Flask, organiser: FlaskClient) -> int:
    with app.app_context():
        campaign = create_campaign()
        contacts = create_list(campaign)
        create_contact(contacts, first_name="Zyxfirst", phone="+442079460123")
        create_script(campaign, source_of("persuasive-conversation", "en"))
        host = create_account("host", name="Hari")
        campaign.hosts.append(host)
        create_party(campaign, host, title="Tuesday <b>night</b>")
        create_caller(campaign, state=CallerState.WAITING, first_name="Wendy")
        db.session.commit()
        return campaign.id


def test_the_first_page_says_what_to_do_when_there_is_nothing(organiser: FlaskClient) -> None:
    page = organiser.get("/campaigns").text
    assert "No campaign yet" in page
    assert "/campaigns/new" in page


@pytest.mark.filterwarnings("error::DeprecationWarning")  # of WTForms, for choices as pairs
def test_a_campaign_is_set_up_and_says_what_it_still_needs(organiser: FlaskClient) -> None:
    answer = organiser.post(
        "/campaigns/new",
        data={
            "name": "Riverside",
            "on_behalf_of": "Riverside Neighbours",
            "country": "GB",
            "language": "en",
            "briefing": "Be *kind*.",
        },
        follow_redirects=True,
    )
    assert "Upload the people to call" in answer.text
    assert "Start calling" not in answer.text


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("name", "", "Give the campaign a name."),
        ("name", "x" * 121, "120"),
        ("on_behalf_of", "", "Enter the organisation"),
        ("country", "XX", "Not a valid choice"),
        ("country", "", "Choose the country of the people you will call."),
    ],
)
def test_a_faulty_form_says_what_is_wrong_and_stores_nothing(
    app: Flask, organiser: FlaskClient, field: str, value: str, message: str
) -> None:
    data = {"name": "R", "on_behalf_of": "R", "country": "GB", "language": "en", field: value}
    answer = organiser.post("/campaigns/new", data=data)
    assert message in answer.text
    with app.app_context():
        assert db.session.query(Campaign).count() == 0


def test_the_campaign_page_shows_everything_but_the_people(
    organiser: FlaskClient, campaign_id: int
) -> None:
    address = f"/campaigns/{campaign_id}"
    for tab, expected in (
        (
            "",
            (
                "Kitchen Table",
                "conversation",
                "<strong>One caller</strong> is waiting to be let in.",
            ),
        ),
        ("/queue", ("Ready to call", "Inbox", "Find a person")),
        ("/lists", ("Ward list",)),
        ("/scripts", ("In use",)),
        ("/callers", ("Wendy", "/c/", "Approval needed")),
        ("/parties", ("Hari", "Tuesday &lt;b&gt;night")),
        ("/answers", ("Download results",)),
        ("/settings", ("Monday", "09:00 to 21:00", "End the campaign")),
    ):
        answer = organiser.get(f"{address}{tab}")
        assert answer.status_code == 200
        for words in expected:
            assert words in answer.text, (tab, words)
        assert f'href="{address}{tab}" aria-current="page"' in answer.text
        assert (
            answer.text.count('aria-current="page">') + answer.text.count('aria-current="true">')
            >= 1
        )
        assert "Zyxfirst" not in answer.text
        assert "9460123" not in answer.text


def test_a_page_below_a_tab_marks_its_tab(organiser: FlaskClient, campaign_id: int) -> None:
    address = f"/campaigns/{campaign_id}"
    for page, tab in (("/hours", "/settings"), ("/downloads", "/answers"), ("/inbox", "/queue")):
        shown = organiser.get(f"{address}{page}").text
        assert f'href="{address}{tab}" aria-current="true"' in shown


def test_each_page_about_a_campaign_has_one_tab(app: Flask) -> None:
    """A new page belongs to a tab, or the campaign's bar marks none."""
    pages = {
        (rule.endpoint, rule.endpoint.split(".")[0])
        for rule in app.url_map.iter_rules()
        if rule.rule.startswith("/campaigns/<int:campaign_id>") and "GET" in (rule.methods or ())
    }
    of_page = {
        endpoint: [tab.name for tab in TABS if not {endpoint, blueprint}.isdisjoint(tab.pages)]
        for endpoint, blueprint in pages
    }
    assert {page: tabs for page, tabs in of_page.items() if len(tabs) != 1} == {}


def test_a_draft_ticks_its_steps_and_each_page_leads_to_the_next(
    app: Flask, organiser: FlaskClient, clean_stores: None
) -> None:
    unsaid = {"controller": "", "lawful_basis": "", "ends_on": None, "retention_days": None}
    with app.app_context():
        campaign = create_campaign(state=CampaignState.DRAFT, **unsaid)
        db.session.commit()
        address = f"/campaigns/{campaign.id}"
    page = organiser.get(address).text
    assert "0 of 3 steps are done." in page
    assert f'class="button" href="{address}/lists/new">Continue' in page
    assert "0</p>" not in page  # no zeros where there can be no calls yet
    assert f'href="{address}/lists/new">Continue' in organiser.get(f"{address}/scripts").text
    for page_of_the_step in ("lists/new", "lists"):
        assert "Continue" not in organiser.get(f"{address}/{page_of_the_step}").text
    with app.app_context():
        create_list(db.session.get_one(Campaign, 1))
        db.session.commit()
    page = organiser.get(address).text
    assert "1 of 3 steps is done." in page
    assert f'href="{address}/scripts">Continue' in page
    assert "Next: Choose a script" in organiser.get(f"{address}/lists").text


def test_practice_first_is_off_until_ticked_and_says_so_once_it_is_on(
    app: Flask, organiser: FlaskClient, campaign_id: int
) -> None:
    address, shown = f"/campaigns/{campaign_id}/edit", f"/campaigns/{campaign_id}/settings"
    data = {"name": "K", "on_behalf_of": "K", "country": "GB", "language": "en"}
    for more, is_on in (({}, False), ({"practice_first": "y"}, True), ({}, False)):
        organiser.post(address, data=data | more)
        with app.app_context():
            assert db.session.get_one(Campaign, campaign_id).practice_first is is_on
        assert ("make a practice call before" in organiser.get(shown).text) is is_on
        assert (" checked" in organiser.get(address).text) is is_on


def test_the_next_caller_sees_an_earlier_call_until_that_is_switched_off(
    app: Flask, organiser: FlaskClient, campaign_id: int
) -> None:
    address, ticked = f"/campaigns/{campaign_id}/edit", 'checked id="shows_earlier_call"'
    assert ticked in organiser.get("/campaigns/new").text
    assert ticked in organiser.get(address).text
    data = {"name": "K", "on_behalf_of": "K", "country": "GB", "language": "en"}
    organiser.post(address, data=data)
    assert ticked not in organiser.get(address).text
    with app.app_context():
        assert not db.session.get_one(Campaign, campaign_id).shows_earlier_call


def test_a_campaign_pauses_and_goes_on(
    app: Flask, organiser: FlaskClient, campaign_id: int
) -> None:
    for verb, state in (("pause", "paused"), ("resume", "running")):
        organiser.post(f"/campaigns/{campaign_id}/state", data={"verb": verb})
        with app.app_context():
            assert db.session.get_one(Campaign, campaign_id).state == state
    assert organiser.post(
        f"/campaigns/{campaign_id}/state", data={"verb": "start"}
    ).status_code == (409)


def test_the_country_stays_once_there_are_people_to_call(
    app: Flask, organiser: FlaskClient, campaign_id: int
) -> None:
    other = {"name": "R", "on_behalf_of": "R", "country": "US", "language": "en"}
    refused = organiser.post(f"/campaigns/{campaign_id}/edit", data=other)
    assert "set up another campaign" in refused.text
    organiser.post(f"/campaigns/{campaign_id}/edit", data=other | {"country": "GB"})
    with app.app_context():
        campaign = db.session.get_one(Campaign, campaign_id)
        assert (campaign.name, campaign.country) == ("R", "GB")
        empty = create_campaign().id
        db.session.commit()
    organiser.post(f"/campaigns/{empty}/edit", data=other)
    with app.app_context():
        assert db.session.get_one(Campaign, empty).country == "US"


def test_hours_are_kept_within_the_countrys_and_faults_name_the_day(
    app: Flask, organiser: FlaskClient, campaign_id: int
) -> None:
    url = f"/campaigns/{campaign_id}/hours"
    assert "Monday" in organiser.get(url).text
    closed = {f"{day}_{end}": "" for day in DAYS for end in ("from", "to")}
    monday = closed | {"mon_from": "10:00", "mon_to": "12:00"}
    answer = organiser.post(url, data=monday | {"tue_from": "05:00", "tue_to": "12:00"})
    assert "Tuesday: 05:00" in answer.text
    with app.app_context():
        assert db.session.get_one(Campaign, campaign_id).hours == {}
    organiser.post(url, data=monday)
    with app.app_context():
        hours = db.session.get_one(Campaign, campaign_id).hours
        assert (hours["mon"], hours["tue"]) == (["10:00", "12:00"], [])
    for faulty in ({"mon_from": "ten"}, {"mon_from": "10:00"}, {}):
        assert "error-summary" in organiser.post(url, data=closed | faulty).text


def test_the_door_opens_and_lets_the_waiting_in(
    app: Flask, organiser: FlaskClient, campaign_id: int
) -> None:
    organiser.post(f"/campaigns/{campaign_id}/door", data={"open": "yes"})
    with app.app_context():
        campaign = db.session.get_one(Campaign, campaign_id)
        assert campaign.door_open
        from phonebank.models import Caller

        assert {c.state for c in db.session.query(Caller)} == {CallerState.ADMITTED}


def test_a_new_link_and_a_new_host(app: Flask, organiser: FlaskClient, campaign_id: int) -> None:
    with app.app_context():
        old = db.session.get_one(Campaign, campaign_id).join_token
    organiser.post(f"/campaigns/{campaign_id}/new-link")
    answer = organiser.post(
        f"/campaigns/{campaign_id}/hosts", data={"email": "nia@example.org"}, follow_redirects=True
    )
    assert "nia@example.org can now host" in answer.text
    with app.app_context():
        assert db.session.get_one(Campaign, campaign_id).join_token != old
    refused = organiser.post(f"/campaigns/{campaign_id}/hosts", data={"email": "not an address"})
    assert refused.status_code == 422


def test_answers_are_counted_question_by_question(
    app: Flask, organiser: FlaskClient, campaign_id: int
) -> None:
    from phonebank.calls.answers import save_answer
    from phonebank.calls.claim import claim
    from phonebank.calls.record import record
    from phonebank.scripts.versions import script_of

    with app.app_context():
        campaign = db.session.get_one(Campaign, campaign_id)
        caller = create_caller(campaign)
        hold = claim(caller)
        script = script_of(hold.call.script_version_id)
        save_answer(caller, hold.call.id, script.first_rating, "7")
        record(caller, hold.call.id, "talked")
        db.session.commit()
        assert db.session.query(Contact).one().last_outcome == "talked"
    page = organiser.get(f"/campaigns/{campaign_id}/answers").text
    assert "The average is 7.0 out of 10, from 1 person." in page


def test_outcomes_counted_before_the_last_call_say_so(
    app: Flask, organiser: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a large campaign the outcomes are not counted for each view, so the page says when they
    were counted."""
    with app.app_context():
        room = open_room()
        sam = room.join("Sam", seen_at=now())
        room.record(sam)
        db.session.commit()
        page = f"/campaigns/{room.campaign.id}"
        assert "Newer calls are not in these figures yet" not in organiser.get(page).text
        monkeypatch.setattr(day_counts, "COUNTED_BY_READERS", 0)
        assert "counted some of the calls yet" in organiser.get(page).text
        count_days()
        assert "Newer calls are not in these figures yet" not in organiser.get(page).text
        room.record(sam)
        db.session.commit()
        part = organiser.get(f"{page}?part=1").text
        assert "Newer calls are not in these figures yet" in part
        assert "2 in all" in part
        assert ">Sam</a>" in part


def test_a_goal_is_set_and_shown(app: Flask, organiser: FlaskClient, campaign_id: int) -> None:
    data = {"name": "K", "on_behalf_of": "K", "country": "GB", "language": "en"}
    address = f"/campaigns/{campaign_id}"
    assert "from 1 to" in organiser.post(f"{address}/edit", data=data | {"goal": "0"}).text
    organiser.post(f"{address}/edit", data=data | {"goal": "1200"})
    running = organiser.get(address).text
    assert "0 of 1,200 conversations. There were no conversations in the 7 days before" in running
    assert "Send your callers the campaign&#39;s link." in running
    organiser.post(f"{address}/state", data={"verb": "end"})
    ended = organiser.get(address).text
    assert "0 of 1,200 conversations." in ended
    assert "There were no conversations" not in ended
    assert "Send your callers" not in ended


def test_every_party_of_a_large_campaign_can_be_reached(
    app: Flask, organiser: FlaskClient, campaign_id: int
) -> None:
    with app.app_context():
        campaign, host = db.session.get_one(Campaign, campaign_id), create_account()
        for number in range(60):
            state = PartyState.OPEN if number == 0 else PartyState.ENDED
            create_party(campaign, host, title=f"Party {number}.", state=state)
        db.session.add(PeopleFilter(campaign_id=campaign_id, name="River", conditions={}))
        db.session.commit()
    address = f"/campaigns/{campaign_id}"
    first = organiser.get(f"{address}/parties").text
    assert "Party 0." in first, "a party that has not ended comes before the others"
    assert "Party 5." not in first
    (more,) = re.findall(r'<a href="([^"]+)">More parties</a>', first)
    second = organiser.get(more.partition("#")[0]).text
    assert "Party 5." in second
    assert ">More parties<" not in second
    assert ">Previous parties<" in second
    answers = organiser.get(f"{address}/answers").text
    assert all(f">Party {number}.</option>" in answers for number in range(60))
    tonight = organiser.get(f"{address}/tonight").text
    assert "Party 0." in tonight
    assert "Party 59." not in tonight


def test_answers_of_some_calls_only(app: Flask, organiser: FlaskClient, campaign_id: int) -> None:
    address = f"/campaigns/{campaign_id}/answers"
    page = organiser.get(address).text
    assert page.count('class="scale-columns"') == 2
    for some in ("?list=1&party=1&day=2026-07-01", "?list=999&party=x&day=31.12.&version=0"):
        assert organiser.get(f"{address}{some}").status_code == 200
    assert '<option value="1" selected>Ward list' in organiser.get(f"{address}?list=1").text
    assert 'value="2026-07-01"' in organiser.get(f"{address}?day=2026-07-01").text


def test_legal_hours_are_said_once() -> None:
    weekday, saturday = ["09:00", "21:00"], ["10:00", "20:00"]
    week = [(name, weekday) for name in DAY_NAMES[:5]]
    assert describe_week([*week, ("Saturday", saturday), ("Sunday", saturday)]) == (
        "Monday to Friday from 09:00 to 21:00, and Saturday and Sunday from 10:00 to 20:00"
    )
    assert describe_week([*week, ("Saturday", []), ("Sunday", [])]) == (
        "Monday to Friday from 09:00 to 21:00"
    )


def test_organisers_see_them_on_the_campaigns_page(client: FlaskClient, app: Flask) -> None:
    with app.app_context():
        room = open_room()
        party_with(room, "Attic", 1)
        party_with(room, "Barn", 2)
        organiser = create_account("organiser")
        db.session.commit()
        campaign_id, organiser_id = room.campaign.id, organiser.id
    sign_in(client, organiser_id)
    page = client.get(f"/campaigns/{campaign_id}/parties").text
    ranking = page.split("Parties with the most conversations")[1]
    assert 0 <= ranking.index("Barn") < ranking.index("Attic")


def test_a_campaign_says_who_is_responsible_why_and_until_when_before_it_starts(
    app: Flask, organiser: FlaskClient, clean_stores: None
) -> None:
    unsaid = {"controller": "", "lawful_basis": "", "ends_on": None, "retention_days": None}
    with app.app_context():
        campaign = create_campaign(state=CampaignState.DRAFT, **unsaid)
        create_list(campaign)
        create_script(campaign, source_of("persuasive-conversation", "en"))
        db.session.commit()
        address = f"/campaigns/{campaign.id}"
    form = f"{address}/data-protection"
    shown = organiser.get(address).text
    assert "Choose the legal ground" in shown
    assert "Start calling" not in shown
    refused = organiser.post(f"{address}/state", data={"verb": "start"})
    assert refused.location == form
    page = organiser.get(form).text
    assert "Choose the legal ground for the calls." in page
    assert "Proposed for United Kingdom: 90 days (our proposal; " in page
    assert "We need no legal ground" not in page
    said = {
        "controller": "K Ltd",
        "lawful_basis": "consent",
        "ends_on": "2020-01-01",
        "retention_days": "30",
    }
    assert organiser.post(form, data=said).status_code == 422
    tomorrow = datetime.now(UTC).date() + timedelta(days=1)
    organiser.post(form, data=said | {"ends_on": tomorrow.isoformat()})
    last = tomorrow + timedelta(days=30)
    shown = organiser.get(f"{address}/settings").text
    assert f"kept until {last.day} {last:%B %Y}." in shown
    organiser.post(f"{address}/state", data={"verb": "start"})
    assert "Pause" in organiser.get(address).text
