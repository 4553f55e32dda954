"""Makes, renames and deletes chapters (local groups). Also moves a campaign into another chapter or
out of its chapter. These functions do not commit."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import delete, exists, func, select
from sqlalchemy.exc import IntegrityError

from phonebank.audit.record import record_audit
from phonebank.core.db import db
from phonebank.core.errors import ConflictError, InvalidInputError, NotFoundError
from phonebank.core.locks import get_locked, lock_row
from phonebank.models import Account, Campaign, Chapter, ScopedRole

NAME_AT_MOST = 80  # characters, as many as the column holds


@dataclass(frozen=True)
class ChapterSize:
    """A chapter, with the number of its campaigns and the number of people who have a role in
    it."""

    chapter: Chapter
    campaigns: int
    people: int


def chapter_sizes() -> list[ChapterSize]:
    """Return every chapter with its size, sorted by name."""
    campaigns = select(func.count()).where(Campaign.chapter_id == Chapter.id).scalar_subquery()
    people = select(func.count()).where(ScopedRole.chapter_id == Chapter.id).scalar_subquery()
    query = select(Chapter, campaigns, people).order_by(Chapter.name)
    return [ChapterSize(*row) for row in db.session.execute(query)]


def chapter_names() -> dict[int, str]:
    """Return the names of all chapters, by the chapter's id."""
    return {row.id: row.name for row in db.session.execute(select(Chapter.id, Chapter.name))}


def chapter_for(chapter_id: int) -> Chapter:
    """Return the chapter with this id. Raises NotFoundError if there is no such chapter."""
    chapter = db.session.get(Chapter, chapter_id)
    if chapter is None:
        raise NotFoundError("This chapter does not exist.", "Look for it on the page Chapters.")
    return chapter


def chapter_named(name: str) -> Chapter:
    """Return the chapter with this name. Capital and small letters count as the same. Raises
    NotFoundError if there is no such chapter."""
    chapter = _with_name(_clean_name(name))
    if chapter is None:
        raise NotFoundError(f"There is no chapter “{name}”.", "Make it first, or check its name.")
    return chapter


def people_in(chapter: Chapter) -> Sequence[tuple[ScopedRole, Account]]:
    """Return the roles in the chapter, each with the account that has the role, sorted by the
    accounts' names."""
    query = (
        select(ScopedRole, Account)
        .join(Account, Account.id == ScopedRole.account_id)
        .where(ScopedRole.chapter_id == chapter.id)
        .order_by(Account.name, Account.email)
    )
    return db.session.execute(query).all()


def campaigns_in(chapter: Chapter) -> Sequence[Campaign]:
    """Return the chapter's campaigns, newest first."""
    query = select(Campaign).where(Campaign.chapter_id == chapter.id)
    return db.session.scalars(query.order_by(Campaign.id.desc())).all()


def create_chapter(name: str, by: Account | None) -> Chapter:
    """Make a chapter. `by` is the organiser who makes it, or None if a command makes it.

    Raises InvalidInputError if the name is empty or too long, and ConflictError if another chapter
    already has the name.
    """
    chapter = Chapter(name=_free_name(name))
    _store_name(chapter)
    record_audit(
        "chapter made",
        account=by,
        subject_kind="chapter",
        subject_id=chapter.id,
        after={"name": chapter.name},
    )
    return chapter


def rename_chapter(chapter: Chapter, name: str, by: Account | None) -> None:
    """Rename the chapter. Raises the same errors as `create_chapter`. Also raises NotFoundError if
    the chapter was deleted in the meantime."""
    lock_row(chapter)
    before = chapter.name
    chapter.name = _free_name(name, chapter)
    _store_name(chapter)
    if chapter.name != before:
        record_audit(
            "chapter renamed",
            account=by,
            subject_kind="chapter",
            subject_id=chapter.id,
            before={"name": before},
            after={"name": chapter.name},
        )


def delete_chapter(chapter: Chapter, by: Account | None) -> None:
    """Delete a chapter. Raises ConflictError if the chapter has a campaign, or if somebody has a
    role in it."""
    # The lock waits for a transaction that is putting a campaign or a role into the chapter.
    db.session.get(Chapter, chapter.id, with_for_update=True)
    name, chapter_id = chapter.name, chapter.id
    empty = ~exists().where(Campaign.chapter_id == Chapter.id) & ~exists().where(
        ScopedRole.chapter_id == Chapter.id
    )
    statement = delete(Chapter).where(Chapter.id == chapter_id, empty)
    if not db.session.execute(statement.returning(Chapter.id)).all():
        raise ConflictError(
            f"{name} still has campaigns, or people with a role in it.",
            "First remove its campaigns, and take away the roles in it.",
        )
    record_audit(
        "chapter deleted",
        account=by,
        subject_kind="chapter",
        subject_id=chapter_id,
        before={"name": name},
    )


def move_campaign(
    campaign: Campaign, seen: int | None, chapter_id: int | None, by: Account | None
) -> None:
    """Move the campaign to another chapter, or to no chapter if `chapter_id` is None. `seen` is the
    id of the chapter that the campaign was in when the page was shown, or None if it was in no
    chapter.

    Raises ConflictError if the campaign is no longer in `seen`, and NotFoundError if there is no
    chapter with the id `chapter_id`.
    """
    lock_row(campaign)
    if campaign.chapter_id != seen:
        raise ConflictError(
            f"Somebody has just moved “{campaign.name}”.", "Reload the page to see where it is."
        )
    if chapter_id is not None and get_locked(Chapter, chapter_id) is None:
        raise NotFoundError("This chapter does not exist.", "Look for it on the page Chapters.")
    if chapter_id == seen:
        return
    campaign.chapter_id = chapter_id
    db.session.flush()
    record_audit(
        "campaign moved to a chapter",
        account=by,
        campaign=campaign,
        subject_kind="campaign",
        subject_id=campaign.id,
        before={"chapter": seen},
        after={"chapter": chapter_id},
    )


def _clean_name(name: str) -> str:
    return " ".join(name.split())


def _with_name(name: str) -> Chapter | None:
    same = func.lower(Chapter.name) == name.lower()
    return db.session.scalars(select(Chapter).where(same).limit(1)).first()


def _free_name(name: str, but: Chapter | None = None) -> str:
    """Check that the chapter can have this name, and return the name without extra spaces. Raises
    the same errors as `create_chapter`."""
    name = _clean_name(name)
    if not name:
        raise InvalidInputError("The chapter has no name.", "Type a name, such as a town.")
    if len(name) > NAME_AT_MOST:
        raise InvalidInputError(
            "This name is too long.", f"Use up to {NAME_AT_MOST} characters."
        )  # fmt: skip
    with db.session.no_autoflush:
        other = _with_name(name)
    if other is not None and other is not but:
        raise _taken(name)
    return name


def _store_name(chapter: Chapter) -> None:
    """Write the chapter with its name to the database. Raises ConflictError if another transaction
    has just taken that name."""
    name = chapter.name
    try:
        with db.session.begin_nested():
            db.session.add(chapter)
    except IntegrityError:
        raise _taken(name) from None


def _taken(name: str) -> ConflictError:
    return ConflictError(f"There is already a chapter called {name}.", "Choose another name.")
