"""How a campaign's calls ended, as its page counts them."""

import pytest
from flask import Flask

from phonebank.campaigns.progress import OutcomeCountsCache
from phonebank.core.db import db
from phonebank.tallies.totals import campaign_totals
from tests.phonebank.live.party_room import open_room


@pytest.mark.parametrize(
    ("readings", "seen"),
    [
        (OutcomeCountsCache(), [1, 2]),
        (OutcomeCountsCache(exact_up_to=1), [1, 1]),
        (OutcomeCountsCache(exact_up_to=1, kept_for=0), [1, 2]),
    ],
    ids=["few calls", "many calls", "many calls some time later"],
)
def test_many_calls_are_not_counted_at_every_view(
    app_context: Flask, readings: OutcomeCountsCache, seen: list[int]
) -> None:
    room = open_room()
    sam, campaign_id = room.join("Sam"), room.party.campaign_id

    def shown() -> int:
        db.session.flush()
        counts = readings.of(campaign_id, campaign_totals(campaign_id).calls)
        return sum(count.number for count in counts)

    found = []
    for _ in range(2):
        room.record(sam)
        found.append(shown())
    assert found == seen
    # Another campaign has its own.
    assert readings.of(campaign_id + 1, 0) == []
