"""A campaign with its own copy of a ready-made script, for tests of drafts and versions."""

import pytest
from flask import Flask

from phonebank.core.db import db
from phonebank.models import Campaign, Script
from phonebank.scripts import campaign_scripts, drafts
from tests.factories import create_campaign

SLUG = "voter-identification"


@pytest.fixture
def campaign(app_context: Flask) -> Campaign:
    campaign = create_campaign()
    db.session.commit()
    return campaign


@pytest.fixture
def script(campaign: Campaign) -> Script:
    script = campaign_scripts.use_ready_made(campaign, SLUG, "en", None)
    db.session.commit()
    return script


def reworded(script: Script, old: str, new: str) -> str:
    """The source of the script's draft with other words."""
    source = drafts.working_source(script)
    assert old in source
    return source.replace(old, new)
