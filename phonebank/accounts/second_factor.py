"""Accepts each code of the second factor only once, and resets an account's second factor.

The two classes of this module replace Flask-Security's classes for the same codes. A code is used
up in the transaction of the request that sends it. If two requests send the same code at once, the
second waits for the first and then finds that the code has been used.
"""

from typing import Any

from flask import session
from flask_security import Totp
from flask_security.recovery_codes import MfRecoveryCodesUtil
from passlib.exc import UsedTokenError
from sqlalchemy import or_, select, update

from phonebank.accounts.datastore import datastore
from phonebank.accounts.sessions import sign_out_everywhere
from phonebank.core.db import db
from phonebank.core.locks import lock_row
from phonebank.models import Account


class SingleUseTotp(Totp):
    """The codes of an account's authenticator app. Each code works only once, as RFC 6238 section
    5.2 requires."""

    def get_last_counter(self, user: Any) -> int | None:
        """Return the number of the 30-second period whose code the account used last, or None if
        the account has used no code. (An app shows a new code every 30 seconds.)"""
        last: int | None = user.totp_step_used
        return last

    def set_last_counter(self, user: Any, tmatch: Any) -> None:
        """Record that the code of this 30-second period (`tmatch.counter`) has been used.

        Raises UsedTokenError if this code or a later one has been used before. Also raises it if
        the account has been deactivated or signed out everywhere since `user` was loaded. While the
        account's first authenticator app is being set up, also raises it if another browser has
        just set one up. Flask-Security then treats the code as wrong.
        """
        step = tmatch.counter
        used = (
            update(Account)
            .where(
                Account.id == user.id,
                Account.active,
                Account.fs_uniquifier == user.fs_uniquifier,
                or_(Account.totp_step_used.is_(None), Account.totp_step_used < step),
            )
            .values(totp_step_used=step)
            .returning(Account.id)
        )
        if _is_first_setup():
            # Two browsers may set up an app at the same time. Only the app that is confirmed first
            # counts.
            used = used.where(Account.tf_totp_secret.is_(None))
        if db.session.scalar(used) is None:
            raise UsedTokenError(expire_time=0)


class SingleUseRecoveryCodes(MfRecoveryCodesUtil):
    """An account's recovery codes. The account's row is locked before a code is checked."""

    def check_recovery_code(self, user: Any, code: str) -> bool:
        """Whether the code is one of the account's recovery codes. The result is also False if the
        account was deactivated or signed out everywhere after `user` was loaded.

        The account's row stays locked until the request ends, and Flask-Security deletes the code
        before that. So a second request cannot use the code.
        """
        unchanged = select(Account).where(
            Account.id == user.id, Account.active, Account.fs_uniquifier == user.fs_uniquifier
        )
        locked = unchanged.with_for_update(key_share=True).execution_options(populate_existing=True)
        return db.session.scalar(locked) is not None and super().check_recovery_code(user, code)


def reset_second_factor(account: Account) -> None:
    """Forget the account's authenticator app and recovery codes, and sign the account out
    everywhere.

    The next person who signs in with a link e-mailed to the account sets up a new authenticator
    app. So an organiser must first check that the owner of the account is asking for the reset.
    """
    lock_row(account)
    datastore().tf_reset(account)
    datastore().mf_set_recovery_codes(account, None)
    account.totp_step_used = None
    sign_out_everywhere(account)


def _is_first_setup() -> bool:
    """Whether this request sets up the account's first authenticator app, before the browser is
    signed in."""
    return session.get("tf_state") == "validating_profile" and "tf_user_id" in session
