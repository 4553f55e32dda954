"""The roster's jobs, which find the people whom a filter chooses."""

from phonebank.core.db import db
from phonebank.core.jobs import CHORES, job
from phonebank.roster.people_filters import count_people, filters_in_use


@job(CHORES, timeout=300)
def count_filter(filter_id: int) -> None:
    """Find the people whom one filter chooses."""
    count_people(filter_id)
    db.session.commit()


@job(CHORES, timeout=300)
def renew_filters() -> None:
    """Repeat the search for the people of each filter that is in use. Since the last search, people
    may have been added, and the data of other people may have changed."""
    for filter_id in filters_in_use():
        count_people(filter_id)
        db.session.commit()
