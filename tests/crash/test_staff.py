"""The soak's staff themselves: what they change only for a while, they change back."""

import random
from collections import Counter
from collections.abc import Callable

import pytest
from flask import Flask
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from phonebank.campaigns.services import change_state
from phonebank.core.db import db
from phonebank.models import Campaign, CampaignState
from tests.crash.staff import Organiser, SlowHand, set_running
from tests.factories import create_campaign

# What PostgreSQL does to the connections that are in a transaction when it is killed.
KILL_TRANSACTIONS = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE datname = current_database() AND xact_start IS NOT NULL AND pid <> pg_backend_pid()
"""


@pytest.fixture
def campaign(app_context: Flask) -> Campaign:
    campaign = create_campaign()
    assert campaign.state == CampaignState.RUNNING
    db.session.commit()
    return campaign


def kill_transactions() -> None:
    with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text(KILL_TRANSACTIONS))


def state_of(campaign: Campaign) -> str:
    db.session.rollback()
    return str(db.session.get_one(Campaign, campaign.id).state)


def test_a_campaign_runs_again_although_postgres_was_killed_while_it_was_held_up(
    campaign: Campaign,
) -> None:
    campaign_id = campaign.id

    class Hand(SlowHand):
        HELD_UP_FOR = 0.5

        def _change(self) -> tuple[Callable[[], None], Callable[[], None], list[int]]:
            return self.pause, lambda: set_running(campaign_id), []

        def pause(self) -> None:
            change_state(db.session.get_one(Campaign, campaign_id), "pause")
            db.session.commit()
            kill_transactions()

    with pytest.raises(OperationalError):
        Hand(None, random.Random(1), Counter()).hold_up()
    assert state_of(campaign) == CampaignState.RUNNING


def test_a_change_is_undone_also_when_the_answer_to_its_commit_is_lost(campaign: Campaign) -> None:
    desk, campaign_id = Organiser(None, random.Random(1), Counter()), campaign.id
    change_state(campaign, "pause")
    db.session.commit()
    db.session.execute(text("SELECT 1"))
    kill_transactions()
    with pytest.raises(OperationalError):
        desk.stand(lambda: set_running(campaign_id))
    assert state_of(campaign) == CampaignState.RUNNING
