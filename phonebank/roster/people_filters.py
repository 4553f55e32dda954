"""Filters for a campaign's people. A filter selects people by area, by tag, and by their values in
further columns of the uploaded lists. If a party or a caller has a filter, the callers get only the
people whom the filter selects, and the callbacks that they promised.

A job finds the people of a filter in advance (`count_people`), so that the queue does not have to
check the conditions. The calling code commits.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from sqlalchemy import or_, select, text

from phonebank.contact_queue.redis_queue import redis_queue_of
from phonebank.core.db import after_commit, db
from phonebank.core.errors import InvalidInputError, NotFoundError
from phonebank.csv_input.column_mapping import FIELD, KEPT_AS_FIELDS
from phonebank.models import (
    Caller,
    CallerState,
    Campaign,
    CampaignState,
    ContactList,
    Party,
    PartyState,
    PeopleFilter,
    now,
)
from phonebank.rules.tags import split_values

NAME_AT_MOST = 80
FILTERS_AT_MOST = 100
VALUES_AT_MOST = 200  # in one condition


@dataclass(frozen=True)
class Conditions:
    """The conditions of a filter. `columns` maps the name of a column to the accepted values, in
    lower case. The name is a key of `contact.fields`, which holds further columns of the uploaded
    lists. `areas` are the beginnings of postcodes, in upper case, with only letters and digits.
    `tags` are in lower case.

    A person matches the filter if the person matches at least one value of each condition.
    """

    columns: Mapping[str, Sequence[str]] = field(default_factory=dict)
    areas: Sequence[str] = ()
    tags: Sequence[str] = ()

    @classmethod
    def parse(cls, columns: Mapping[str, str], areas: str, tags: str) -> Conditions:
        """Read the conditions from texts. `split_values` splits each text into values, for example
        at commas and line breaks."""
        given = {name: split_values(words) for name, words in columns.items()}
        return cls(
            {name: values for name, values in given.items() if values},
            [re.sub("[^A-Z0-9]", "", area.upper()) for area in split_values(areas)],
            split_values(tags),
        )

    def describe(self) -> str:
        """Return the conditions in words."""
        parts = [
            f"{name.replace('_', ' ')}: {' or '.join(values)}"
            for name, values in self.columns.items()
        ]
        if self.areas:
            parts.append(f"postcode begins with {' or '.join(self.areas)}")
        if self.tags:
            parts.append(f"tag {' or '.join(self.tags)}")
        return "; ".join(parts)


def filters_of(campaign: Campaign) -> Sequence[PeopleFilter]:
    """Return the campaign's filters, sorted by name."""
    query = select(PeopleFilter).where(PeopleFilter.campaign_id == campaign.id)
    return db.session.scalars(query.order_by(PeopleFilter.name)).all()


def filter_in(campaign: Campaign, filter_id: int) -> PeopleFilter:
    """Return one of the campaign's filters. Raises NotFoundError if the campaign has no such
    filter."""
    found = db.session.get(PeopleFilter, filter_id)
    if found is None or found.campaign_id != campaign.id:
        raise NotFoundError("This campaign doesn't have this filter.", "Choose one of its filters.")
    return found


def columns_to_filter_by(campaign: Campaign) -> list[str]:
    """Return the names of the columns by which people can be filtered, in alphabetical order. The
    values of these columns come from the campaign's uploaded lists, and are in `contact.fields`."""
    query = select(ContactList.mapping).where(ContactList.campaign_id == campaign.id)
    targets = {target for mapping in db.session.scalars(query) for target in mapping}
    kept = {target.removeprefix(FIELD) for target in targets if target.startswith(FIELD)}
    return sorted(kept | (targets & set(KEPT_AS_FIELDS)))


def add_filter(campaign: Campaign, name: str, conditions: Conditions) -> PeopleFilter:
    """Add a filter. Afterwards, the calling code must start the job that finds the filter's people.

    Raises InvalidInputError if the filter's name is empty, too long or taken, or if the filter has
    no condition. Also raises InvalidInputError if an area has neither a letter nor a digit, or if
    there are too many filters or values.
    """
    name = " ".join(name.split())
    present = filters_of(campaign)
    if not name or len(name) > NAME_AT_MOST:
        raise InvalidInputError(
            f"A filter needs a name of 1 to {NAME_AT_MOST} characters.", "Name it."
        )
    if any(other.name.casefold() == name.casefold() for other in present):
        raise InvalidInputError("There is already a filter with this name.", "Choose another name.")
    if not (conditions.columns or conditions.areas or conditions.tags):
        raise InvalidInputError(
            "This filter would fit everyone.", "Fill in at least one of the boxes."
        )
    if "" in conditions.areas:
        # Every postcode begins with "".
        raise InvalidInputError(
            "One of the areas has no letter and no digit.", "Write an area like this: CF10."
        )
    values = [conditions.areas, conditions.tags, *conditions.columns.values()]
    if len(present) >= FILTERS_AT_MOST or max(map(len, values)) > VALUES_AT_MOST:
        raise InvalidInputError(
            f"A campaign can have at most {FILTERS_AT_MOST} filters, with {VALUES_AT_MOST} values "
            "in a box.",
            "Delete a filter, or use fewer values.",
        )
    added = PeopleFilter(campaign_id=campaign.id, name=name, conditions=asdict(conditions))
    db.session.add(added)
    db.session.flush()
    return added


def count_people(filter_id: int) -> None:
    """Find the people who now match a filter, and store them. If the filter has been deleted, do
    nothing.

    If somebody no longer matches the filter, all lanes of the campaign (its lists of the next
    contacts, in Redis) are emptied after the commit.
    """
    found = db.session.get(PeopleFilter, filter_id)
    if found is None:
        return
    campaign_id = found.campaign_id
    fits, values = _fits(Conditions(**found.conditions))
    values |= {"filter_id": found.id, "campaign_id": found.campaign_id}
    left: Any = db.session.execute(text(_LEAVE.format(fits=fits)), values)
    if left.rowcount:
        after_commit(lambda: redis_queue_of(campaign_id).clear_lanes())
    db.session.execute(text(_JOIN.format(fits=fits)), values)
    found.people = db.session.scalar(_COUNT, values) or 0
    found.counted_at = now()


def filters_in_use() -> Sequence[int]:
    """Return the ids of the filters that are in use in running campaigns. A filter is in use if it
    is the filter of an admitted caller, or of a party that has not ended."""
    of_callers = select(Caller.filter_id).where(Caller.state == CallerState.ADMITTED)
    of_parties = select(Party.filter_id).where(Party.state != PartyState.ENDED)
    query = (
        select(PeopleFilter.id)
        .join(Campaign, Campaign.id == PeopleFilter.campaign_id)
        .where(
            Campaign.state == CampaignState.RUNNING,
            or_(PeopleFilter.id.in_(of_callers), PeopleFilter.id.in_(of_parties)),
        )
        .order_by(PeopleFilter.id)
    )
    return db.session.scalars(query).all()


_LEAVE = """
DELETE FROM filter_member USING contact
WHERE filter_member.filter_id = :filter_id AND contact.id = filter_member.contact_id
  AND NOT ({fits})
"""
_JOIN = """
INSERT INTO filter_member (filter_id, contact_id)
SELECT :filter_id, contact.id FROM contact
WHERE contact.campaign_id = :campaign_id AND {fits}
ON CONFLICT DO NOTHING
"""
_COUNT = text("SELECT count(*) FROM filter_member WHERE filter_id = :filter_id")


def _fits(conditions: Conditions) -> tuple[str, dict[str, Any]]:
    """Return an SQL condition on the table `contact`, and the parameters of the condition. The
    condition is true for people who match `conditions` and have not been erased. It is never
    NULL."""
    parts, values = ["contact.phone <> ''"], dict[str, Any]()
    for number, (name, wanted) in enumerate(conditions.columns.items()):
        parts.append(
            f"lower(coalesce(contact.fields ->> :name{number}, ''))"
            f" = ANY (CAST(:values{number} AS text[]))"
        )
        values |= {f"name{number}": name, f"values{number}": list(wanted)}
    if conditions.areas:
        parts.append(
            "regexp_replace(upper(coalesce(contact.postcode, '')), '[^A-Z0-9]', '', 'g')"
            " ^@ ANY (CAST(:areas AS text[]))"
        )
        values["areas"] = list(conditions.areas)
    if conditions.tags:
        parts.append(
            "EXISTS (SELECT FROM contact_tag WHERE contact_tag.contact_id = contact.id"
            " AND contact_tag.tag = ANY (CAST(:tags AS text[])))"
        )
        values["tags"] = list(conditions.tags)
    return " AND ".join(parts), values
