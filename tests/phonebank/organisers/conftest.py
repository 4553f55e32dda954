"""An organiser's and a host's browser, and a desk to upload lists at."""

import pytest
from flask import Flask
from flask.testing import FlaskClient

from phonebank.models import RoleName
from tests.phonebank.lists.upload_desk import Desk, upload_desk
from tests.phonebank.scripts.script_desk import desk
from tests.signing_in import browser_of

__all__ = ["desk", "upload_desk"]  # fixtures


@pytest.fixture
def organiser(app: Flask, clean_stores: None) -> FlaskClient:
    """An organiser's browser."""
    return browser_of(app, RoleName.ORGANISER)


@pytest.fixture
def host(app: Flask, clean_stores: None) -> FlaskClient:
    """A host's browser."""
    return browser_of(app, RoleName.HOST)


@pytest.fixture
def lists_page(upload_desk: Desk) -> str:
    """The address of the lists of the desk's campaign."""
    return f"/campaigns/{upload_desk.campaign_id}/lists"
