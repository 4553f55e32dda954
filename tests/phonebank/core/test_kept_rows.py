"""A process keeps rows between requests, and notices each change of them."""

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.exc import NoResultFound

from phonebank.core.db import db
from phonebank.core.kept_rows import KeptRows
from phonebank.models import Campaign
from tests.factories import create_campaign


def version_of(campaign_id: int) -> str:
    query = select(Campaign.row_version).where(Campaign.id == campaign_id)
    version: str = db.session.scalars(query).one()
    return version


def test_a_row_is_read_once_until_it_changes(app_context: Flask) -> None:
    campaign = create_campaign(name="Before")
    db.session.commit()
    kept = KeptRows(Campaign)
    first = kept.get(campaign.id, version_of(campaign.id))
    assert kept.get(campaign.id, version_of(campaign.id)) is first
    assert first not in db.session
    assert campaign in db.session
    campaign.name = "After"
    db.session.commit()
    assert kept.get(campaign.id, version_of(campaign.id)).name == "After"
    assert first.name == "Before"  # a request that is under way keeps what it has read


def test_only_so_many_rows_are_kept(app_context: Flask) -> None:
    campaigns = [create_campaign(), create_campaign()]
    db.session.commit()
    kept = KeptRows(Campaign, at_most=1)
    first, _ = (kept.get(one.id, version_of(one.id)) for one in campaigns)
    assert kept.get(first.id, first.row_version) is not first


def test_the_rows_that_were_used_last_stay(app_context: Flask) -> None:
    campaigns = [create_campaign(), create_campaign(), create_campaign()]
    db.session.commit()
    kept = KeptRows(Campaign, at_most=2)
    versions = {one.id: version_of(one.id) for one in campaigns}
    first, second, third = versions
    row = kept.get(first, versions[first])
    for key in (second, first, third):
        kept.get(key, versions[key])
    assert kept.get(first, versions[first]) is row


def test_a_deleted_row_is_refused(app_context: Flask) -> None:
    with pytest.raises(NoResultFound):
        KeptRows(Campaign).get(1, "1")
