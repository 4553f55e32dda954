"""The second factor's codes, each of which signs one browser in, and how organisers reset them.

Both classes replace Flask-Security's own. The transaction of a request uses up the right code
before it signs the account in. If two requests send one code at once, the second request waits for
the first and finds the code used.
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
    """Refuses an authenticator code that was used before, as RFC 6238 section 5.2 demands."""

    def get_last_counter(self, user: Any) -> int | None:
        """The 30-second step of the last used code."""
        last: int | None = user.totp_step_used
        return last

    def set_last_counter(self, user: Any, tmatch: Any) -> None:
        """Use up the code of this step.

        Raises UsedTokenError if this code or a later one was used meanwhile, or the account was
        changed. Flask-Security treats it as a wrong code.
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
            # Two browsers may set up an app at once, and only the first one's app counts.
            used = used.where(Account.tf_totp_secret.is_(None))
        if db.session.scalar(used) is None:
            raise UsedTokenError(expire_time=0)


class SingleUseRecoveryCodes(MfRecoveryCodesUtil):
    """Locks an account while it checks one of its recovery codes."""

    def check_recovery_code(self, user: Any, code: str) -> bool:
        """Whether the code is one of the account's. The account stays locked until the request
        ends, and before that Flask-Security deletes the code."""
        unchanged = select(Account).where(
            Account.id == user.id, Account.active, Account.fs_uniquifier == user.fs_uniquifier
        )
        locked = unchanged.with_for_update(key_share=True).execution_options(populate_existing=True)
        return db.session.scalar(locked) is not None and super().check_recovery_code(user, code)


def reset_second_factor(account: Account) -> None:
    """Forget the account's authenticator app and recovery codes, and sign it out everywhere.

    The next sign-in by an e-mailed link sets up a new app, so first make sure who asks for this.
    """
    lock_row(account)
    datastore().tf_reset(account)
    datastore().mf_set_recovery_codes(account, None)
    account.totp_step_used = None
    sign_out_everywhere(account)


def _is_first_setup() -> bool:
    """Whether this request sets up the account's first app, before the browser is signed in."""
    return session.get("tf_state") == "validating_profile" and "tf_user_id" in session
