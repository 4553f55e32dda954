"""Makes, finds and revokes tokens of the API. The calling code commits."""

import hashlib
import secrets
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

from sqlalchemy import Row, select, text, update

from phonebank.core.db import db
from phonebank.core.errors import ConflictError, NotAllowedError, NotFoundError
from phonebank.models import Account, ApiToken, Campaign, RoleName, Scope, now

# Programs that search for leaked secrets recognise tokens by this beginning.
PREFIX = "pb_"
# Each token can read people's data, so a campaign has few of them.
TOKENS_AT_MOST = 20
# The precision of the time “last used”. With a shorter time, requests would write more often.
USED_EVERY = timedelta(minutes=5)

# One statement finds out whether the token works. If its account was blocked or lost its role, the
# token does not work.
_FIND = text(f"""
SELECT token.id, token.campaign_id, token.name, token.scopes, token.created_by_id,
       token.last_used_at, campaign.country, whole.is_organiser AS is_of_whole_installation
FROM api_token AS token
JOIN campaign ON campaign.id = token.campaign_id
JOIN account ON account.id = token.created_by_id AND account.active
CROSS JOIN LATERAL (
    SELECT EXISTS (SELECT FROM account_role JOIN role ON role.id = account_role.role_id
                   WHERE account_role.account_id = account.id
                     AND role.name = '{RoleName.ORGANISER}') AS is_organiser
) AS whole
WHERE token.secret_hash = :secret_hash AND token.revoked_at IS NULL AND (
    whole.is_organiser
    OR EXISTS (SELECT FROM scoped_role AS scoped
               WHERE scoped.account_id = account.id AND scoped.role = '{RoleName.ORGANISER}'
                 AND (scoped.campaign_id = campaign.id
                      OR scoped.chapter_id = campaign.chapter_id)))
""")  # noqa: S608


def create_token(
    campaign: Campaign, account: Account, name: str, scopes: Collection[Scope]
) -> tuple[ApiToken, str]:
    """Make a token. Return the token's row and the token itself, which is not stored. The calling
    code must lock the campaign's row first. Otherwise two organisers who make tokens at the same
    time could exceed TOKENS_AT_MOST.

    Raises ConflictError if the campaign has TOKENS_AT_MOST tokens that are not revoked. Raises
    NotAllowedError if `scopes` has a scope that the account may not give (see `may_give`).
    """
    if not may_give(account).issuperset(scopes):
        raise NotAllowedError(
            "The do-not-call list is for all campaigns, and you organise only some of them.",
            "Ask an organiser of all campaigns to make this token.",
        )
    working = [token for token, _ in tokens_of(campaign) if token.revoked_at is None]
    if len(working) >= TOKENS_AT_MOST:
        raise ConflictError(
            f"This campaign has {TOKENS_AT_MOST} tokens already.",
            "Revoke one that no software uses any more.",
        )
    secret = PREFIX + secrets.token_urlsafe(32)
    token = ApiToken(
        campaign_id=campaign.id,
        created_by_id=account.id,
        name=name,
        secret_hash=_hash(secret),
        scopes=sorted(scopes),
    )
    db.session.add(token)
    db.session.flush()
    return token, secret


def may_give(account: Account) -> set[Scope]:
    """Return the scopes that an organiser's account may give to a token. The do-not-call list
    applies to all campaigns, so only organisers of the whole installation may give the scope for
    it."""
    return set(Scope) if account.is_organiser else set(Scope) - {Scope.ADD_DO_NOT_CALL}


def find_token(secret: str) -> Row[tuple[object, ...]] | None:
    """Return the columns of the token's row, its campaign's country, and whether the account that
    made the token is an organiser of the whole installation. Return None if there is no such token,
    or if the token no longer works."""
    if not secret.startswith(PREFIX):
        return None
    return db.session.execute(_FIND, {"secret_hash": _hash(secret)}).one_or_none()


def note_use(token_id: int, last_used_at: datetime | None) -> bool:
    """Store the current time as the token's last use, unless `last_used_at` is less than USED_EVERY
    ago. Return True if the time was stored. In that case, the calling code must commit."""
    if last_used_at is not None and now() - last_used_at < USED_EVERY:
        return False
    db.session.execute(update(ApiToken).where(ApiToken.id == token_id).values(last_used_at=now()))
    return True


def tokens_of(campaign: Campaign) -> Sequence[tuple[ApiToken, Account | None]]:
    """Return the campaign's tokens, newest first, including those that were revoked. With each
    token comes the account that made the token, or None if that account was deleted."""
    query = (
        select(ApiToken, Account)
        .outerjoin(Account, Account.id == ApiToken.created_by_id)
        .where(ApiToken.campaign_id == campaign.id)
        .order_by(ApiToken.id.desc())
    )
    return [(token, account) for token, account in db.session.execute(query)]


def revoke_token(campaign: Campaign, token_id: int) -> ApiToken:
    """Revoke one of the campaign's tokens. The token stops working as soon as the calling code
    commits. Raises NotFoundError if the campaign has no such token."""
    token = db.session.get(ApiToken, token_id)
    if token is None or token.campaign_id != campaign.id:
        raise NotFoundError("This campaign does not have this token.", "Reload the page.")
    db.session.execute(
        update(ApiToken)
        .where(ApiToken.id == token_id, ApiToken.revoked_at.is_(None))
        .values(revoked_at=now())
    )
    return token


def _hash(secret: str) -> str:
    # The token is random, so nobody can guess it from a fast hash.
    return hashlib.sha256(secret.encode()).hexdigest()
