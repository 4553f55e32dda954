"""The settings of Flask-Security: which of its parts Phonebank uses, and its messages."""

import base64
import hashlib
from datetime import timedelta
from typing import Any

from phonebank.core.config import Config
from phonebank.site.second_factor_views import SECOND_FACTOR_WITHIN

# A page that changes the second factor asks the person to sign in again if their last sign-in is
# older than this.
FRESH_FOR = timedelta(hours=1)
RECOVERY_CODES = 8
# Seconds by which a phone's clock may be wrong. This is one 30-second step either way, so at any
# moment three of a million codes are valid.
CLOCK_SKEW = 30


def security_settings(config: Config) -> dict[str, Any]:
    """Return, by name, the settings that Flask-Security and Flask-Login read from the app's
    configuration. Some of these settings are Flask-Security's messages, in Phonebank's words."""
    key = base64.urlsafe_b64encode(hashlib.sha256(config.totp_secret.encode()).digest())
    return {
        # The name of the blueprint that has the routes of Flask-Security's pages.
        "SECURITY_BLUEPRINT_NAME": "accounts",
        # This stops Flask-Login from writing the entry `_fresh` into every visitor's session.
        # Nothing reads that entry, because `FRESHNESS` is counted from the time of the sign-in.
        "SESSION_PROTECTION": None,
        "SECURITY_CLI_USERS_NAME": None,
        "SECURITY_CLI_ROLES_NAME": None,
        "SECURITY_PASSWORD_SALT": config.password_salt,
        "SECURITY_API_ENABLED_METHODS": ["session"],
        "SECURITY_POST_LOGIN_VIEW": "accounts.signed_in",
        "SECURITY_FRESHNESS": FRESH_FOR,
        "SECURITY_FRESHNESS_GRACE_PERIOD": timedelta(minutes=10),
        "SECURITY_TWO_FACTOR": True,
        "SECURITY_TWO_FACTOR_REQUIRED": config.require_second_factor,
        "SECURITY_TWO_FACTOR_ENABLED_METHODS": ["authenticator"],
        "SECURITY_TWO_FACTOR_IMPLEMENTATIONS": {"code": "flask_security.twofactor.CodeTfPlugin"},
        "SECURITY_TWO_FACTOR_AUTHENTICATOR_VALIDITY": CLOCK_SKEW,
        "SECURITY_TWO_FACTOR_RESCUE_EMAIL": False,
        "SECURITY_TWO_FACTOR_ERROR_VIEW": "accounts.sign_in",
        "SECURITY_TWO_FACTOR_POST_SETUP_VIEW": "accounts.account",
        "SECURITY_MULTI_FACTOR_RECOVERY_CODES": True,
        "SECURITY_MULTI_FACTOR_RECOVERY_CODES_N": RECOVERY_CODES,
        # These keys encrypt the recovery codes and the authenticator's secrets in the database.
        "SECURITY_MULTI_FACTOR_RECOVERY_CODES_KEYS": [key],
        "SECURITY_TOTP_SECRETS": {"1": config.totp_secret},
        "SECURITY_TOTP_ISSUER": "Phonebank",
        "SECURITY_MSG_TWO_FACTOR_INVALID_TOKEN": (
            "That code isn't right. Wait for the next one, and check that your phone's clock "
            "is right.",
            "error",
        ),
        "SECURITY_MSG_INVALID_RECOVERY_CODE": (
            "That isn't one of your recovery codes, or you've already used it.",
            "error",
        ),
        "SECURITY_MSG_TWO_FACTOR_LOGIN_SUCCESSFUL": ("You're signed in.", "success"),
        "SECURITY_MSG_TWO_FACTOR_CHANGE_METHOD_SUCCESSFUL": (
            "You've set up your authenticator app.",
            "success",
        ),
        "SECURITY_MSG_TWO_FACTOR_DISABLED": (
            "You no longer need an authenticator app to sign in.",
            "success",
        ),
        "SECURITY_MSG_TWO_FACTOR_PERMISSION_DENIED": (
            f"This step works for {SECOND_FACTOR_WITHIN // 60} minutes after you use a sign-in "
            "link. Ask for a new link.",
            "error",
        ),
    }
