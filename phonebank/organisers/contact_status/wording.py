"""The words for the status of contacts: what each status means, how many contacts can be called,
and when everyone will have been called."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta

from phonebank.campaigns.forecast import Forecast, more_callers, pace_in_words
from phonebank.contact_queue.campaign_hours import first_zone_of
from phonebank.contact_queue.empty_reasons import describe_elsewhere
from phonebank.contact_queue.status_counts import CAPACITY_AT_MOST, Bucket
from phonebank.models import Campaign, CampaignState, Contact
from phonebank.persons.actions import is_finished_by_organiser
from phonebank.rules.outcomes import OUTCOMES
from phonebank.rules.time_zones import city_of

# An experienced caller who dials by hand makes this many calls an hour, including calls that nobody
# answers. US field organisers plan with this figure.
ATTEMPTS_AN_HOUR = 30

# The forecast expects a caller to call for this many hours a day.
HOURS_A_DAY = 2
# The forecast does not name a day that is further away than this.
FAR_AWAY = 730  # days

# The buckets are in the page's order: the contacts that callers get next are first, and removed
# contacts are last.
BUCKET_MEANINGS = {
    "ready": "It's inside their calling hours, and nothing else makes them wait. Callers can get "
    "them now.",
    "held": "They are on a caller's screen or are being called, and nobody has recorded an outcome "
    "yet.",
    "callback": "We promised to call them at a time they chose. They come first when it's time.",
    "elsewhere": "Another campaign called their number not long ago. They wait as long as the "
    "stricter of the two campaigns says.",
    "resting": "They wait for their next try. After a call, the outcome decides how long.",
    "out_of_hours": "It's outside calling hours where they are, or it's a holiday there.",
    "language": "They speak a language that no caller in this campaign speaks.",
    "suppressed": "They are on the do-not-call list. Nobody calls them again, in any campaign.",
    "finished": "They talked, or shouldn't be called again in this campaign. Or we have tried them "
    "as often as the rules allow. Or an organiser has finished with them. Or their details were "
    "erased.",
    "taken_out": "A file took them out, for example because they have voted, joined or moved. Undo "
    "the upload of that file, and they can be called again.",
    "unusable": "Every number we have for them is wrong or not in service, or calls to it keep "
    "failing.",
    "removed": "Callers get nobody from their list: it is paused, or its upload was undone. Once a "
    "paused list is resumed, those who aren't finished can be called again.",
}

# What the people in these two buckets wait for. An organiser can end their wait.
_WAITS_FOR_US = {
    "language": "Some people wait for a caller who speaks their language.",
    "removed": "Some people are in a list that is paused, or was undone.",
}


def describe_why(bucket: str, person: Contact) -> str:
    """Describe why a person is in this bucket (group of contacts with one status). If the person is
    finished and the reason is known, the text has only this reason. Otherwise, it is the general
    text for the bucket."""
    if bucket != "finished":
        return BUCKET_MEANINGS[bucket]
    if is_finished_by_organiser(person):
        return "An organiser has finished with them."
    outcome = OUTCOMES.get(person.last_outcome or "")
    if outcome is not None and outcome.effect == "finish":
        return f"After the outcome “{outcome.label}”, nobody is called again in this campaign."
    if outcome is not None and outcome.effect == "retry":
        return "We have tried them as often as the rules allow."
    return BUCKET_MEANINGS[bucket]


def describe_status(campaign: Campaign, buckets: Sequence[Bucket], at: datetime) -> str:
    """Describe how many contacts can be called at `at`. If no contact can be called, say when the
    next one can be called, or why nobody can be called. If the campaign is not running, also say
    that callers get nobody."""
    count = {bucket.key: bucket.contacts for bucket in buckets if bucket.contacts}
    openings = [bucket.next_at for bucket in buckets if bucket.next_at]
    can = "can" if campaign.is_running else "could"
    if not count:
        return "There is nobody in this campaign yet. An organiser can upload a list."
    if ready := count.get("ready"):
        status = f"{ready:,} {'person' if ready == 1 else 'people'} {can} be called now."
    elif openings:
        first = describe_moment(campaign, min(openings), at)
        status = f"Nobody {can} be called now. The next person {can} be called {first}."
    elif waits := [words for key, words in _WAITS_FOR_US.items() if key in count]:
        status = f"Nobody {can} be called now. {' '.join(waits)}"
    elif "held" in count:
        status = "Nobody is left in the queue. The last people are being called now."
    else:
        status = "Nobody is left to call."
    status = f"{status} {describe_elsewhere(count.get('elsewhere', 0))}".strip()
    if campaign.is_running:
        return status
    stage = {CampaignState.DRAFT: "has not started", CampaignState.ENDED: "has ended"}.get(
        campaign.state, "is paused"
    )
    return f"The campaign {stage}, so callers get nobody to call. {status}"


def describe_capacity(calls: int, is_running: bool = True) -> str:
    """Describe how many calls can be made in the next hour (`calls`).

    The sentence also says how many callers these calls keep busy. If the campaign is not running
    (`is_running`), the sentence says “could” instead of “can”. Return "" if `calls` is 0.
    """
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


def describe_forecast(estimate: Forecast, last_day: date | None, today: date) -> str:
    """Describe when the campaign will have called everyone, at the pace of the last days. Also name
    the campaign's last day, if it has one. If more callers are needed to finish by that day, say
    how many."""
    calls = "1 call is" if estimate.calls_left == 1 else f"{estimate.calls_left:,} calls are"
    it_takes = "it takes" if estimate.calls_left == 1 else "they take"
    pace = pace_in_words(estimate.calls_a_day)
    told = f"About {calls} left. At the pace of the last days ({pace})"
    if estimate.days > FAR_AWAY:
        told += f" {it_takes} more than two years."
    else:
        days = "1 day" if estimate.days == 1 else f"{estimate.days:,} days"
        told += f" {it_takes} {days}, until {_words_of_day(estimate.finished_on)}."
    if last_day is None:
        return told
    if last_day < today:
        return f"{told} The campaign's last day was {_words_of_day(last_day)}."
    told = f"{told} The campaign's last day is {_words_of_day(last_day)}."
    more = more_callers(estimate, last_day, today, HOURS_A_DAY * ATTEMPTS_AN_HOUR)
    if not more:
        return told
    callers = "1 more caller" if more == 1 else f"{more:,} more callers"
    return f"{told} With {callers} for two hours a day you would finish by then."


def _words_of_day(day: date) -> str:
    return f"{day.day} {day:%B %Y}"


def describe_time_of_day(campaign: Campaign, moment: datetime) -> str:
    """Return the time of day with seconds and a city, such as "14:03:05 London time". The time is
    in the first time zone of the campaign's country, and the city names that zone."""
    local, city = _local_time(campaign, moment)
    return f"{local:%H:%M:%S} {city} time"


def describe_moment(campaign: Campaign, moment: datetime, at: datetime) -> str:
    """Describe a moment after `at`: the wait from `at` until the moment, the day, and the time of
    day. If the moment is on the same day as `at`, do not name the day.

    The time is in the first time zone of the campaign's country. The text names the city of that
    zone, because an organiser may be in another zone.
    """
    local, city = _local_time(campaign, moment)
    today = local.date() == at.astimezone(local.tzinfo).date()
    day = "" if today else f"{local:%A} {local.day} {local:%B}, "
    return f"{describe_wait(moment - at)}, {day}{local:%H:%M} {city} time"


def describe_wait(wait: timedelta) -> str:
    """Describe a wait, rounded up, such as "in 5 minutes", "in 2 hours" or "in 3 days"."""
    minutes = max(1, -(-int(wait.total_seconds()) // 60))
    for size, unit in ((24 * 60, "day"), (60, "hour")):
        if minutes >= 2 * size or minutes == size:
            number = -(-minutes // size)
            return f"in {number} {unit}{'' if number == 1 else 's'}"
    return f"in {minutes} minute{'' if minutes == 1 else 's'}"


def _local_time(campaign: Campaign, moment: datetime) -> tuple[datetime, str]:
    """Return the moment in the first time zone of the campaign's country, and the name of that
    zone's city."""
    zone = first_zone_of(campaign)
    return moment.astimezone(zone), city_of(zone)
