"""An organiser sets up an experiment, starts it, reads it and stops it."""

import re

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select

from phonebank.core.db import db
from phonebank.experiments.script_choice import script_choice_for
from phonebank.models import (
    Campaign,
    CampaignState,
    Experiment,
    ExperimentArm,
    ExperimentState,
    RoleName,
    Script,
)
from phonebank.scripts.versions import add_version
from scripts_library.library import source_of
from tests.factories import create_account, create_campaign, create_script
from tests.signing_in import sign_in


@pytest.fixture
def campaign_id(app: Flask, client: FlaskClient) -> int:
    """A campaign with three scripts, one never published; an organiser is signed in."""
    with app.app_context():
        organiser = create_account(RoleName.ORGANISER)
        campaign = create_campaign()
        for name in ("Unpublished", "Short", "Long"):
            create_script(campaign, source_of("voter-identification", "en"), name)
        unpublished = db.session.query(Script).filter_by(name="Unpublished").one()
        unpublished.published_version_id = None
        db.session.commit()
        ids = organiser.id, campaign.id
    sign_in(client, ids[0])
    return ids[1]


def keys(client: FlaskClient, campaign_id: int) -> dict[str, str]:
    """Return the scripts that an arm may use: label → value."""
    page = client.get(f"/campaigns/{campaign_id}/experiments/new").text
    first = page[page.index('name="words_1"') : page.index('name="share_1"')]
    return {text: value for value, text in re.findall(r'value="([^"]*)">([^<]*)<', first)}


def set_up(client: FlaskClient, campaign_id: int, **changes: str) -> str:
    """Post the form, and return the new experiment's address or the page with its errors."""
    offered = keys(client, campaign_id)
    form = {
        "name": "Does short do better?",
        "words_1": offered["Short"],
        "share_1": "50",
        "words_2": offered["Long"],
        "share_2": "50",
    }
    answer = client.post(f"/campaigns/{campaign_id}/experiments/new", data=form | changes)
    if answer.status_code == 422:
        return answer.text
    assert answer.status_code == 302
    return str(answer.location)


def state_of(app: Flask) -> list[str]:
    with app.app_context():
        return list(db.session.scalars(select(Experiment.state).order_by(Experiment.id)))


def test_only_published_scripts_may_be_chosen_and_versions_where_there_are_several(
    app: Flask, client: FlaskClient, campaign_id: int
) -> None:
    assert set(keys(client, campaign_id)) == {"Choose a script", "Short", "Long"}
    with app.app_context():
        short = db.session.query(Script).filter_by(name="Short").one()
        add_version(short, source_of("voter-identification", "en"), None)
        db.session.commit()
    assert {"Short, version 1", "Short, version 2"} < set(keys(client, campaign_id))


def test_from_setting_up_to_stopping(app: Flask, client: FlaskClient, campaign_id: int) -> None:
    address = set_up(client, campaign_id, share_1="90", share_2="10", label_2="The new one")
    page = client.get(address).text
    assert "Draft" in page
    assert "The new one" in page
    assert "10%" in page
    with app.app_context():
        assert script_choice_for(campaign_id, 1).experiment_arm_id is None
    client.post(f"{address}/start")
    assert state_of(app) == [ExperimentState.RUNNING]
    with app.app_context():
        arms = [
            script_choice_for(campaign_id, contact_id).experiment_arm_id
            for contact_id in range(300)
        ]
        first, second = db.session.scalars(select(ExperimentArm.id).order_by(ExperimentArm.id))
        assert arms.count(first) > 240 > arms.count(second) > 10
    assert "The first results will appear after midnight UTC" in client.get(address).text
    assert "Running" in client.get(f"/campaigns/{campaign_id}/experiments").text
    assert "Does short do better?" in client.get(f"/campaigns/{campaign_id}/scripts").text
    client.post(f"{address}/stop")
    assert state_of(app) == [ExperimentState.STOPPED]
    with app.app_context():
        assert script_choice_for(campaign_id, 1).experiment_arm_id is None
    assert "Does short do better?" not in client.get(f"/campaigns/{campaign_id}/scripts").text
    page = client.get(address).text
    assert "the final results" in page
    assert "Use this script" in page


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"name": " "}, "Say what you want to find out."),
        ({"words_2": ""}, "Choose the second script."),
        ({"words_2": "999"}, "Not a valid choice"),
        ({"share_1": "0"}, "from 1 to 100"),
        ({"share_1": ""}, "Give the first script a share."),
        ({"share_1": "half"}, "Not a valid integer value"),
    ],
)
def test_a_form_that_will_not_do_says_why(
    app: Flask, client: FlaskClient, campaign_id: int, changes: dict[str, str], why: str
) -> None:
    assert why in set_up(client, campaign_id, **changes)
    assert state_of(app) == []


def test_the_same_script_twice_is_refused(client: FlaskClient, campaign_id: int) -> None:
    short = keys(client, campaign_id)["Short"]
    assert "already in the experiment" in set_up(client, campaign_id, words_2=short)


def test_one_at_a_time(app: Flask, client: FlaskClient, campaign_id: int) -> None:
    first, second = (set_up(client, campaign_id) for _ in range(2))
    client.post(f"{first}/start")
    refused = client.post(f"{second}/start")
    assert refused.status_code == 409
    assert "is running" in refused.text
    client.post(f"{first}/stop")
    assert client.post(f"{first}/start").status_code == 409
    assert client.post(f"{second}/start").status_code == 302
    assert state_of(app) == [ExperimentState.STOPPED, ExperimentState.RUNNING]


def test_nothing_starts_in_a_campaign_that_has_ended(
    app: Flask, client: FlaskClient, campaign_id: int
) -> None:
    address = set_up(client, campaign_id)
    with app.app_context():
        db.session.get_one(Campaign, campaign_id).state = CampaignState.ENDED
        db.session.commit()
    assert client.post(f"{address}/start").status_code == 409


def test_a_draft_can_be_discarded_and_results_cannot(
    app: Flask, client: FlaskClient, campaign_id: int
) -> None:
    address = set_up(client, campaign_id)
    client.post(f"{address}/discard")
    with app.app_context():
        assert db.session.scalar(select(func.count()).select_from(ExperimentArm)) == 0
    assert client.get(address).status_code == 404
    kept = set_up(client, campaign_id)
    client.post(f"{kept}/start")
    assert client.post(f"{kept}/discard").status_code == 409


def test_an_experiment_of_another_campaign_is_not_found(
    app: Flask, client: FlaskClient, campaign_id: int
) -> None:
    address = set_up(client, campaign_id)
    with app.app_context():
        other = create_campaign()
        db.session.commit()
        other_address = address.replace(f"/campaigns/{campaign_id}/", f"/campaigns/{other.id}/")
    assert client.get(other_address).status_code == 404
    assert client.post(f"{other_address}/start").status_code == 404


def test_hosts_and_strangers_stay_out(app: Flask, campaign_id: int) -> None:
    with app.app_context():
        host_id = create_account(RoleName.HOST).id
        db.session.commit()
    stranger, host = app.test_client(), app.test_client()
    sign_in(host, host_id)
    assert host.get(f"/campaigns/{campaign_id}/experiments").status_code == 403
    assert stranger.get(f"/campaigns/{campaign_id}/experiments").status_code in (302, 401)


def test_with_one_script_it_says_what_is_missing(
    app: Flask, client: FlaskClient, campaign_id: int
) -> None:
    with app.app_context():
        short = db.session.query(Script).filter_by(name="Short").one()
        short.published_version_id = None
        db.session.commit()
    page = client.get(f"/campaigns/{campaign_id}/experiments/new").text
    assert "two scripts to compare" in page
