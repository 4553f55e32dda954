"""The jobs of the roster: find the people whom a filter chooses."""

from phonebank.core.db import db
from phonebank.core.jobs import CHORES, job
from phonebank.roster.people_filters import count_people, filters_in_use


@job(CHORES, timeout=300)
def count_filter(filter_id: int) -> None:
    """Find the people of one filter."""
    count_people(filter_id)
    db.session.commit()


@job(CHORES, timeout=300)
def renew_filters() -> None:
    """Find again the people of each filter that is in use, because people are added and their data
    changes."""
    for filter_id in filters_in_use():
        count_people(filter_id)
        db.session.commit()
