"""Which browsers an account is signed in with: begin a session, find it, list them, end them.

The cookie holds a secret, the table its hash. A session ends on the server: by signing out, with
the account's sign-ins everywhere, or `SIGNED_IN_FOR` after it began.
"""

import hashlib
import secrets
from datetime import datetime, timedelta

from flask import after_this_request, current_app, g, request, session
from flask.typing import ResponseReturnValue
from sqlalchemy import Engine, delete, select, update
from sqlalchemy.orm import joinedload

from phonebank.accounts.browsers import browser_words
from phonebank.core.db import db
from phonebank.core.errors import ConflictError
from phonebank.models import Account, AccountSession, now

# A day's work and an evening's party; a laptop found tomorrow is signed out.
SIGNED_IN_FOR = timedelta(hours=12)
# How exact “last used” is. Each renewal is a write.
SEEN_EVERY = timedelta(minutes=5)

_SECRET = "account_session"  # noqa: S105  (the name of a field in the cookie)

# The account and its roles come with it: one statement for each request.
_FOUND = select(AccountSession).options(
    joinedload(AccountSession.account).joinedload(Account.roles)
)


def new_session(account: Account, device: str) -> str:
    """Sign the account in with one more browser; the secret for its cookie.

    The account's row stays locked until the commit, so whoever deactivates the account or changes
    its role finds the new session, or comes first. Raises ConflictError when they did.
    """
    as_it_was = select(Account.id).where(
        Account.id == account.id,
        Account.active,
        Account.fs_uniquifier == account.fs_uniquifier,
    )
    if db.session.scalar(as_it_was.with_for_update(key_share=True)) is None:
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
    """Sign the account in with the browser of this request. Raises as `new_session`."""
    _end(_secret())
    session[_SECRET] = new_session(account, browser_words(request.user_agent.string))


def find(uniquifier: str) -> Account | None:
    """The account that this request's cookie is signed in to; None once the session has ended."""
    found = db.session.scalars(
        _FOUND.where(
            AccountSession.secret_hash == _hash(_secret()),
            AccountSession.created_at > now() - SIGNED_IN_FOR,
        )
    ).first()
    if found is None or not found.account.active or found.account.fs_uniquifier != uniquifier:
        return None
    g.account_session = found.id, found.seen_at
    return found.account


def sessions_of(account: Account) -> list[AccountSession]:
    """The browsers that the account is signed in with, the last used first."""
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
    """The id of the session of this request's browser; None where nobody is signed in."""
    known: tuple[int, datetime] | None = g.get("account_session")
    return known[0] if known else None


def goes_on(engine: Engine, session_id: int | None) -> bool:
    """Whether a session has not ended: for an answer that is still being sent when the request's
    own connection has been given back."""
    stands = select(AccountSession.id).where(
        AccountSession.id == session_id, AccountSession.created_at > now() - SIGNED_IN_FOR
    )
    with engine.connect() as connection:
        return connection.scalar(stands) is not None


def end_one(account: Account, session_id: int) -> None:
    """End one session of the account; does nothing for another account's or one that ended."""
    db.session.execute(
        delete(AccountSession).where(
            AccountSession.id == session_id, AccountSession.account_id == account.id
        )
    )


def end_all(account: Account, but: int | None = None) -> None:
    """End every session of the account, `but` one that may stay."""
    ended = delete(AccountSession).where(AccountSession.account_id == account.id)
    db.session.execute(ended if but is None else ended.where(AccountSession.id != but))


def end_others(account: Account) -> None:
    """Sign the account out everywhere but in this request's browser: its other sessions, its unused
    links, and the sign-ins that wait for a second factor. The caller of this commits."""
    current_app.extensions["security"].datastore.set_uniquifier(account)
    session["_user_id"] = account.fs_uniquifier
    end_all(account, but=current_id())


def end_own() -> None:
    """End the session of this request's browser; commits when the request is done."""
    _end(_secret())
    session.pop(_SECRET, None)
    g.pop("account_session", None)
    after_this_request(_commit)


def note_use() -> None:
    """Note that the session of this request's browser is in use, every few minutes.

    Commits, so it belongs before everything else that a request does.
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


def _end(secret: str) -> None:
    db.session.execute(delete(AccountSession).where(AccountSession.secret_hash == _hash(secret)))


def _secret() -> str:
    secret = session.get(_SECRET)
    return secret if isinstance(secret, str) else ""


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
