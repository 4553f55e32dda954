"""Where everyone of a campaign stands, for its organiser: "why is nobody callable?"

Here and not beside the campaign's pages, because what is callable is this side's to say.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from flask import Blueprint, Flask, render_template, request
from flask.typing import ResponseReturnValue
from flask_security import current_user

from phonebank.campaigns.services import campaign_for
from phonebank.contact_queue.campaign_hours import rules_of
from phonebank.contact_queue.status_cache import queue_status
from phonebank.contact_queue.status_counts import BUCKETS, CAPACITY_AT_MOST, Bucket
from phonebank.core.access import open_to
from phonebank.models import Campaign, CampaignState, RoleName
from phonebank.rules.time_zones import time_zone

queue = Blueprint(
    "queue",
    __name__,
    url_prefix="/campaigns/<int:campaign_id>/queue",
)

# What somebody with practice dials by hand in an hour, whoever answers: the figure that American
# field organisers plan with.
ATTEMPTS_AN_HOUR = 30

# In the order organisers read them: what can be done first, what is over last.
EXPLAINED = {
    "ready": "They have waited long enough, and it's inside their calling hours. Callers get them "
    "next.",
    "held": "A caller has them on the screen, and has not recorded an outcome yet.",
    "callback": "We promised to call them at a time they chose. They come first when it's time.",
    "resting": "We called them recently. How long they wait depends on the outcome of the call.",
    "out_of_hours": "It's too early, too late or a holiday where they are.",
    "language": "They speak a language that no caller in this campaign speaks.",
    "suppressed": "They are on the do-not-call list. Nobody calls them again, in any campaign.",
    "finished": "They talked, didn't want to talk, or have been tried as often as your rules "
    "allow.",
    "unusable": "Every number we have for them is wrong or not in service, or calls to it keep "
    "failing.",
    "removed": "Resume the list, and they can be called again.",
}


def init_app(app: Flask) -> None:
    """Add the page."""
    app.register_blueprint(queue)


@queue.get("")
@open_to(RoleName.ORGANISER)
def standing(campaign_id: int) -> ResponseReturnValue:
    """The buckets as a chart and a sentence; with `?part=1` only those, which renew themselves.

    All is said as of the moment when it was counted: see `contact_queue.status_cache`.
    """
    campaign = campaign_for(current_user, campaign_id)
    template = "queue/_counts.html" if request.args.get("part") else "queue/show.html"
    figures = queue_status(campaign)
    if figures is None:
        return render_template(
            template, campaign=campaign, counting=True, meanings=EXPLAINED, labels=BUCKETS
        )
    by_key = {bucket.key: bucket for bucket in figures.buckets}
    buckets = [by_key[key] for key in EXPLAINED if by_key[key].contacts]
    at = figures.at
    return render_template(
        template,
        campaign=campaign,
        buckets=buckets,
        notes={b.key: f"first {when(campaign, b.next_at, at)}" for b in buckets if b.next_at},
        sentence=in_a_sentence(campaign, buckets, at),
        enough=enough_for(figures.capacity, campaign.is_running),
        as_of=clock(campaign, at),
        meanings={bucket.key: EXPLAINED[bucket.key] for bucket in buckets},
        labels=BUCKETS,
    )


def in_a_sentence(campaign: Campaign, buckets: Sequence[Bucket], at: datetime) -> str:
    """How the line stands at `at`, and when it moves next."""
    count = {bucket.key: bucket.contacts for bucket in buckets if bucket.contacts}
    openings = [bucket.next_at for bucket in buckets if bucket.next_at]
    can = "can" if campaign.is_running else "could"
    if not count:
        return "There is nobody in this campaign yet. Upload a list of people to call."
    if ready := count.get("ready"):
        standing = f"{ready:,} {'person' if ready == 1 else 'people'} {can} be called now."
    elif openings:
        first = when(campaign, min(openings), at)
        standing = f"Nobody {can} be called now. The next person {can} be called {first}."
    elif "held" in count:
        standing = "Nobody is left in the queue. The last people are on callers' screens."
    else:
        standing = "Nobody is left to call."
    if campaign.is_running:
        return standing
    stage = {CampaignState.DRAFT: "has not started", CampaignState.ENDED: "has ended"}.get(
        campaign.state, "is paused"
    )
    return f"The campaign {stage}, so callers get nobody to call. {standing}"


def enough_for(calls: int, is_running: bool = True) -> str:
    """How many calls the queue can give within the hour, and how many callers they keep busy; ""
    for none."""
    callers = calls // ATTEMPTS_AN_HOUR
    if not calls:
        return ""
    over = "more than " if calls >= CAPACITY_AT_MOST else ""
    made = f"{calls:,} call{'' if calls == 1 else 's'} {'can' if is_running else 'could'} be made"
    if not callers:
        so = "too few to keep one caller busy"
    else:
        so = f"enough for {over or 'about '}{callers:,} caller{'' if callers == 1 else 's'}"
    return f"{over}{made}".capitalize() + f" in the next hour, {so}."


def clock(campaign: Campaign, moment: datetime) -> str:
    """A moment's time of day to the second: "14:03:05 London time"; see `when`."""
    there, city = _there(campaign, moment)
    return f"{there:%H:%M:%S} {city} time"


def when(campaign: Campaign, moment: datetime, at: datetime) -> str:
    """A coming moment in words, as seen at `at`: how long until then, and the time of day.

    In the first time zone of the campaign's country, named, for an organiser may sit elsewhere.
    """
    there, city = _there(campaign, moment)
    today = there.date() == at.astimezone(there.tzinfo).date()
    day = "" if today else f"{there:%A} {there.day} {there:%B}, "
    return f"{how_long(moment - at)}, {day}{there:%H:%M} {city} time"


def _there(campaign: Campaign, moment: datetime) -> tuple[datetime, str]:
    zone = time_zone(rules_of(campaign).time_zones.value[0])
    return moment.astimezone(zone), zone.key.rsplit("/", 1)[-1].replace("_", " ")


def how_long(wait: timedelta) -> str:
    """A wait in words, rounded up: "in 5 minutes", "in 2 hours", "in 3 days"."""
    minutes = max(1, -(-int(wait.total_seconds()) // 60))
    for size, unit in ((24 * 60, "day"), (60, "hour")):
        if minutes >= 2 * size or minutes == size:
            number = -(-minutes // size)
            return f"in {number} {unit}{'' if number == 1 else 's'}"
    return f"in {minutes} minute{'' if minutes == 1 else 's'}"
