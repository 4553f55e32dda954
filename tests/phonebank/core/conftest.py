"""What the tests of core share."""

from dataclasses import replace

import pytest
from flask import Flask

from phonebank.app import create_app
from phonebank.core.config import Config


@pytest.fixture(scope="module")
def https_app(app: Flask, config: Config) -> Flask:
    """An app behind a proxy that speaks HTTPS, without form tokens."""
    https = create_app(replace(config, base_url="https://phonebank.example.org", proxies=1))
    https.config["WTF_CSRF_ENABLED"] = False
    return https
