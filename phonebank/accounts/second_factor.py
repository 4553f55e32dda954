"""The second factor's codes, each of which lets one browser in, also when it is sent twice at once.

Both classes take the place of Flask-Security's own. A code that is right is used up in the
transaction of its request, before the sign-in: of two requests, the second waits for the first, and
finds the code used.
"""

from typing import Any

from flask import session
from flask_security import Totp
from flask_security.recovery_codes import MfRecoveryCodesUtil
from passlib.exc import UsedTokenError
from sqlalchemy import or_, select, update

from phonebank.core.db import db
from phonebank.models import Account


class EachCodeOnce(Totp):
    """Refuses an authenticator code that was used already, as RFC 6238 section 5.2 demands."""

    def get_last_counter(self, user: Any) -> int | None:
        """The 30-second step of the last code used."""
        last: int | None = user.totp_step_used
        return last

    def set_last_counter(self, user: Any, tmatch: Any) -> None:
        """Use the code of this step up. Raises UsedTokenError, which Flask-Security takes for a
        wrong code, when it or a later one was used meanwhile, or when the account was changed."""
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
        if _sets_up_at_sign_in():
            # Of two browsers that set up an app at once, one has the account's.
            used = used.where(Account.tf_totp_secret.is_(None))
        if db.session.scalar(used) is None:
            raise UsedTokenError(expire_time=0)


class EachRecoveryCodeOnce(MfRecoveryCodesUtil):
    """Looks at an account's recovery codes while nobody else can use one."""

    def check_recovery_code(self, user: Any, code: str) -> bool:
        """Whether the code is one of the account's. It and the others are locked until the
        request's end; Flask-Security deletes it before that."""
        as_it_was = select(Account).where(
            Account.id == user.id, Account.active, Account.fs_uniquifier == user.fs_uniquifier
        )
        locked = as_it_was.with_for_update(key_share=True).execution_options(populate_existing=True)
        return db.session.scalar(locked) is not None and super().check_recovery_code(user, code)


def _sets_up_at_sign_in() -> bool:
    """Whether this request's browser, not yet signed in, sets up the account's first app."""
    return session.get("tf_state") == "validating_profile" and "tf_user_id" in session
