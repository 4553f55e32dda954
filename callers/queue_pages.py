"""Where everyone of a campaign stands, for its organiser: "why is nobody callable?"

Here and not beside the campaign's pages, because what is callable is this side's to say.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from flask import Blueprint, Flask, render_template, request
from flask.typing import ResponseReturnValue
from flask_security import current_user

from callers.contact_queue.buckets import (
    CAPACITY_AT_MOST,
    Bucket,
    buckets_of,
    capacity_per_hour,
)
from callers.contact_queue.hours import rules_of
from phonebank.access import open_to
from phonebank.campaigns.verbs import campaign_for
from phonebank.models import ORGANISER, Campaign, now
from phonebank.time_zones import time_zone

queue = Blueprint(
    "queue",
    __name__,
    url_prefix="/campaigns/<int:campaign_id>/queue",
    template_folder="templates",
)

# What somebody with practice dials by hand in an hour, whoever answers: the figure that American
# field organisers plan with.
ATTEMPTS_AN_HOUR = 30

# In the order organisers read them: what can be done first, what is over last.
EXPLAINED = {
    "ready": "Rested and inside calling hours: the next who are handed out.",
    "held": "Handed to a caller who has not recorded an outcome yet.",
    "callback": "Promised a call at a time of their own. It goes first when it is due.",
    "resting": "Rung not long ago. How long they rest depends on what came of the call.",
    "out_of_hours": "It is too early, too late, or a holiday where they are.",
    "language": "They speak a language that no admitted caller does.",
    "suppressed": "On the do-not-call list. Nobody rings them again, in any campaign.",
    "finished": "They talked, would rather not, or have been tried as often as your rules allow.",
    "unusable": "Every number we had for them proved wrong or dead.",
    "removed": "Put the list back into calling and they are in line again.",
}


def init_app(app: Flask) -> None:
    """Add the page."""
    app.register_blueprint(queue)


@queue.get("")
@open_to(ORGANISER)
def standing(campaign_id: int) -> ResponseReturnValue:
    """The buckets as a chart and a sentence; with `?part=1` only those, which renew themselves."""
    campaign = campaign_for(current_user, campaign_id)
    by_key = {bucket.key: bucket for bucket in buckets_of(campaign)}
    buckets = [by_key[key] for key in EXPLAINED]
    at = now()
    return render_template(
        "callers/_queue.html" if request.args.get("part") else "callers/queue.html",
        campaign=campaign,
        buckets=[bucket for bucket in buckets if bucket.contacts],
        notes={b.key: f"first {when(campaign, b.next_at, at)}" for b in buckets if b.next_at},
        sentence=in_a_sentence(campaign, buckets, at),
        enough=enough_for(capacity_per_hour(campaign)),
        explained=EXPLAINED,
    )


def in_a_sentence(campaign: Campaign, buckets: Sequence[Bucket], at: datetime) -> str:
    """How the line stands at `at`, and when it moves next."""
    count = {bucket.key: bucket.contacts for bucket in buckets}
    openings = [bucket.next_at for bucket in buckets if bucket.next_at]
    if not any(count.values()):
        return "There is nobody in this campaign yet. Upload a list of people to ring."
    if count["ready"]:
        one = count["ready"] == 1
        standing = f"{count['ready']:,} {'person' if one else 'people'} can be rung now."
    elif openings:
        standing = f"Nobody can be rung now. The next can {when(campaign, min(openings), at)}."
    elif count["held"]:
        standing = "Nobody is left in line: the last are on callers' screens."
    else:
        standing = "Nobody is left to ring."
    if campaign.is_running:
        return standing
    return f"The campaign is {campaign.state}, so nobody is handed out. {standing}"


def enough_for(calls: int) -> str:
    """How many callers so many calls within the hour keep busy; "" for none."""
    callers = calls // ATTEMPTS_AN_HOUR
    if not calls:
        return ""
    if not callers:
        return "That is not enough to keep one caller busy for the next hour."
    if calls >= CAPACITY_AT_MOST:
        return f"Enough for more than {callers:,} callers for the next hour."
    return f"Enough for about {callers:,} caller{'' if callers == 1 else 's'} for the next hour."


def when(campaign: Campaign, moment: datetime, at: datetime) -> str:
    """A coming moment in words, as seen at `at`: how long until then, and the time of day.

    In the first time zone of the campaign's country, named, for an organiser may sit elsewhere.
    """
    zone = time_zone(rules_of(campaign).time_zones.value[0])
    there = moment.astimezone(zone)
    city = zone.key.rsplit("/", 1)[-1].replace("_", " ")
    day = (
        "" if there.date() == at.astimezone(zone).date() else f"{there:%A} {there.day} {there:%B}, "
    )
    return f"{how_long(moment - at)}, {day}{there:%H:%M} {city} time"


def how_long(wait: timedelta) -> str:
    """A wait in words, rounded up: "in 5 minutes", "in 2 hours", "in 3 days"."""
    minutes = max(1, -(-int(wait.total_seconds()) // 60))
    for size, unit in ((24 * 60, "day"), (60, "hour")):
        if minutes >= 2 * size or minutes == size:
            number = -(-minutes // size)
            return f"in {number} {unit}{'' if number == 1 else 's'}"
    return f"in {minutes} minute{'' if minutes == 1 else 's'}"
