"""Sessions: one for each browser in which an account is signed in.

The browser's cookie holds a secret, and the table `account_session` holds the hash of that secret.
A session ends `SIGNED_IN_FOR` after it began. A session ends earlier if the person signs out in
that browser, signs in there again, or ends the session on the account's page. Signing the account
out everywhere also ends it.
"""

import hashlib
import secrets
from datetime import datetime, timedelta

from flask import after_this_request, g, request, session
from flask.typing import ResponseReturnValue
from sqlalchemy import Engine, delete, select, update
from sqlalchemy.orm import joinedload

from phonebank.accounts.browsers import browser_words
from phonebank.accounts.datastore import datastore
from phonebank.core.db import db
from phonebank.core.errors import ConflictError
from phonebank.models import Account, AccountSession, now

# This is long enough for a day's work and an evening's party. A lost laptop is signed out by the
# next day.
SIGNED_IN_FOR = timedelta(hours=12)
# The precision of the time “last used”. With a shorter time, requests would write to the table more
# often.
SEEN_EVERY = timedelta(minutes=5)

_SECRET = "account_session"  # noqa: S105  (the name of a field in the cookie)

# One statement loads the session, its account and the account's roles, at every request.
_WITH_ACCOUNT = select(AccountSession).options(
    joinedload(AccountSession.account).joinedload(Account.roles)
)


def create_session(account: Account, device: str) -> str:
    """Create a session for one more browser of the account, and delete the account's expired
    sessions. Return the secret for the browser's cookie.

    The account's row stays locked until the commit. If the account's role or state is changed after
    the commit, the change ends the new session. Raises ConflictError if the account is deactivated,
    or was signed out everywhere after `account` was loaded.
    """
    unchanged = select(Account.id).where(
        Account.id == account.id,
        Account.active,
        Account.fs_uniquifier == account.fs_uniquifier,
    )
    if db.session.scalar(unchanged.with_for_update(key_share=True)) is None:
        raise ConflictError("Your account has just been changed.", "Ask for a new sign-in link.")
    db.session.execute(
        delete(AccountSession).where(
            AccountSession.account_id == account.id,
            AccountSession.created_at < now() - SIGNED_IN_FOR,
        )
    )
    secret = secrets.token_urlsafe(32)
    db.session.add(
        AccountSession(account_id=account.id, secret_hash=_hash(secret), device=device[:80])
    )
    db.session.flush()
    return secret


def begin(account: Account) -> None:
    """Create a session for this request's browser, and end the browser's earlier session, if there
    is one. Raises the error of `create_session`."""
    _delete(_cookie_secret())
    session[_SECRET] = create_session(account, browser_words(request.user_agent.string))


def find(uniquifier: str) -> Account | None:
    """Return the account that this request's cookie signs in. Return None if the session has ended,
    if the account is deactivated, or if the account no longer has this `uniquifier`. Signing an
    account out everywhere changes its `uniquifier`."""
    found = db.session.scalars(
        _WITH_ACCOUNT.where(
            AccountSession.secret_hash == _hash(_cookie_secret()),
            AccountSession.created_at > now() - SIGNED_IN_FOR,
        )
    ).first()
    if found is None or not found.account.active or found.account.fs_uniquifier != uniquifier:
        return None
    g.account_session = found.id, found.seen_at
    return found.account


def sessions_of(account: Account) -> list[AccountSession]:
    """Return the account's open sessions, most recently used first."""
    return list(
        db.session.scalars(
            select(AccountSession)
            .where(
                AccountSession.account_id == account.id,
                AccountSession.created_at > now() - SIGNED_IN_FOR,
            )
            .order_by(AccountSession.seen_at.desc(), AccountSession.id.desc())
        )
    )


def current_id() -> int | None:
    """Return the session id of this request's browser, or None if the browser is not signed in."""
    known: tuple[int, datetime] | None = g.get("account_session")
    return known[0] if known else None


def is_open(engine: Engine, session_id: int | None) -> bool:
    """Whether a session is still open. Return False if `session_id` is None.

    This check borrows another connection from the pool for a moment. While a streamed response is
    being sent, the request's own connection is already back in the pool.
    """
    open_session = select(AccountSession.id).where(
        AccountSession.id == session_id, AccountSession.created_at > now() - SIGNED_IN_FOR
    )
    with engine.connect() as connection:
        return connection.scalar(open_session) is not None


def end_one(account: Account, session_id: int) -> None:
    """End one session of the account. A session of another account is not ended."""
    db.session.execute(
        delete(AccountSession).where(
            AccountSession.id == session_id, AccountSession.account_id == account.id
        )
    )


def sign_out_everywhere(account: Account) -> None:
    """End the account's sessions in all browsers, its unused sign-in links, and the sign-ins that
    wait for a second factor."""
    datastore().set_uniquifier(account)
    _delete_all(account)


def end_others(account: Account) -> None:
    """Sign the account out everywhere as `sign_out_everywhere` does, except in this request's
    browser. The calling code commits."""
    datastore().set_uniquifier(account)
    session["_user_id"] = account.fs_uniquifier
    _delete_all(account, except_id=current_id())


def end_current() -> None:
    """End the session of this request's browser, and commit after the view has returned its
    response."""
    _delete(_cookie_secret())
    session.pop(_SECRET, None)
    g.pop("account_session", None)
    after_this_request(_commit)


def note_use() -> None:
    """Store the current time as the last use of this browser's session. Do nothing if the stored
    last use is less than SEEN_EVERY ago, or if the browser is not signed in.

    This function commits, so call it before the request changes anything else.
    """
    known: tuple[int, datetime] | None = g.get("account_session")
    if known is None or known[1] > now() - SEEN_EVERY:
        return
    db.session.execute(
        update(AccountSession).where(AccountSession.id == known[0]).values(seen_at=now())
    )
    db.session.commit()


def _commit(response: ResponseReturnValue) -> ResponseReturnValue:
    db.session.commit()
    return response


def _delete_all(account: Account, except_id: int | None = None) -> None:
    sessions = delete(AccountSession).where(AccountSession.account_id == account.id)
    if except_id is not None:
        sessions = sessions.where(AccountSession.id != except_id)
    db.session.execute(sessions)


def _delete(secret: str) -> None:
    db.session.execute(delete(AccountSession).where(AccountSession.secret_hash == _hash(secret)))


def _cookie_secret() -> str:
    secret = session.get(_SECRET)
    return secret if isinstance(secret, str) else ""


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
