"""The tags of a person. Organisers and files give tags, and other tags come from the person's
answers. These functions do not commit."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import delete, select, text

from phonebank.audit.record import record_audit
from phonebank.core.db import db
from phonebank.core.errors import InvalidInputError
from phonebank.models import Account, Campaign, Contact, ContactTag
from phonebank.rules.tags import LONGEST_TAG, TAGS_AT_MOST, are_tags, split_values

TAGS_SHOWN = 50
TAGS_TRIED = 500
PEOPLE_TRIED = 50  # of each tag
# The recursion jumps from tag to tag along the index, because a tag may have a million rows. It
# looks at a limited number of tags and people, because these are examples.
_TAGS_IN = text(f"""
WITH RECURSIVE tags AS (
    SELECT min(tag) AS tag, 1 AS place FROM contact_tag
    UNION ALL
    SELECT (SELECT min(tag) FROM contact_tag WHERE contact_tag.tag > tags.tag), place + 1 FROM tags
    WHERE tags.tag IS NOT NULL AND place < {TAGS_TRIED}
)
SELECT tag FROM tags
WHERE tag IS NOT NULL AND EXISTS (
    SELECT FROM (
        SELECT contact_id FROM contact_tag WHERE contact_tag.tag = tags.tag LIMIT {PEOPLE_TRIED}
    ) AS few
    JOIN contact ON contact.id = few.contact_id AND contact.campaign_id = :campaign_id
)
LIMIT {TAGS_SHOWN}
""")  # noqa: S608


@dataclass(frozen=True)
class Tags:
    """A person's tags, sorted. Organisers may change the tags in `given`. The tags in `answered`
    come from the answers in the person's calls."""

    given: Sequence[str]
    answered: Sequence[str]


def tags_of(contact: Contact) -> Tags:
    """Return a person's tags."""
    query = select(ContactTag.tag, ContactTag.call_id.is_not(None)).where(
        ContactTag.contact_id == contact.id
    )
    rows = db.session.execute(query.distinct().order_by(ContactTag.tag)).all()
    return Tags(
        [tag for tag, answered in rows if not answered], [tag for tag, answered in rows if answered]
    )


def tags_in(campaign: Campaign) -> list[str]:
    """Return up to TAGS_SHOWN tags of the campaign's people, sorted, as examples.

    A tag may be missing if many people in other campaigns have it, or if all campaigns together
    have more than TAGS_TRIED tags.
    """
    return list(db.session.scalars(_TAGS_IN, {"campaign_id": campaign.id}))


def set_tags(contact: Contact, campaign: Campaign, words: str, account: Account) -> None:
    """Replace the tags of a person with the tags in `words`. Commas, semicolons, vertical bars or
    line breaks separate the tags. Tags that come from the person's answers stay.

    A tag that a file gave, and that is also in `words`, stays linked to the file. So undoing the
    file's upload removes this tag. Raises InvalidInputError for too many tags, or for a tag that is
    too long.
    """
    tags = split_values(words)
    if not are_tags(tags):
        raise InvalidInputError(
            f"A person can have at most {TAGS_AT_MOST} tags, of at most {LONGEST_TAG} characters "
            "each.",
            "Use fewer or shorter tags.",
        )
    before = tags_of(contact).given
    db.session.execute(
        delete(ContactTag).where(
            ContactTag.contact_id == contact.id,
            ContactTag.call_id.is_(None),
            ContactTag.tag.not_in(tags),
        )
    )
    new = [tag for tag in tags if tag not in before]
    db.session.add_all(ContactTag(contact_id=contact.id, tag=tag) for tag in new)
    db.session.flush()
    record_audit(
        "person tagged",
        account=account,
        campaign=campaign,
        subject_kind="person",
        subject_id=contact.id,
        before={"tags": len(before)},
        after={"tags": len(tags)},
    )
