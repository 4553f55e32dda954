"""What a board says, in figures and words. Pure; nothing here knows a contact."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from phonebank.models.party import ENDED
from phonebank.rules.time_zones import UnknownTimeZone, time_zone

# Places shown. Nobody is ever shown as last, and nobody without a conversation at all: a table of
# everyone lifts the top and makes the others give up.
PLACES = 5
# Callers in one place who are all named; of more, two are, so that the line still fits the board.
NAMES_IN_A_PLACE = 3
NAMES_OF_A_CROWD = 2
FEED_LINES = 5
# Of those who ring now, named at most, and in how many letters; the rest are counted, so that the
# line fits the board.
NAMES_RINGING = 5
LETTERS_RINGING = 20
# The last hour is shown as bars of five minutes.
BARS = 12
NO_CALLS = (0,) * BARS
# What a bar as tall as the board has room for stands for at least: one call is no peak.
TALLEST_BAR = 5
# Conversations that the best hour before must have had, for a better one to be news.
BEST_FROM = 2
QUARTERS = (25, 50, 75, 100)
# A caller without a name on the board: hidden by the host, or removed.
SOMEONE = "Someone"

# Room within one set of figures for 115 days of milliseconds: see `version_of`.
MILLISECONDS = 10**10


@dataclass(frozen=True)
class Score:
    """Callers with the same number of conversations: some of their names, and how many they are."""

    conversations: int
    names: Sequence[str]
    callers: int


@dataclass(frozen=True)
class Recent:
    """A recorded call as the feed may know it. `name` is None for a caller who is not shown."""

    name: str | None
    conversation: bool
    first_call: bool
    first_yes: bool
    at: datetime
    personal_best: bool = False


@dataclass(frozen=True)
class Figures:
    """Everything about one party at one moment, as one statement read it.

    `age` is the party's, in milliseconds by the database's clock. `ringing` are names of some
    of the `active` callers, none whom the host hid.
    """

    party_id: int
    campaign_id: int
    board_token: str
    title: str
    goal: int
    state: str
    paused: bool
    campaign_running: bool
    celebrate: bool
    break_until: datetime | None
    time_zone: str
    code: str
    read_at: datetime
    age: int
    tally_version: int
    calls: int
    reached: int
    conversations: int
    yeses: int
    last_ten: int
    active: int
    ringing: Sequence[str]
    waiting: int
    helping: int
    people: str
    scores: Sequence[Score]
    recent: Sequence[Recent]


@dataclass(frozen=True)
class Together:
    """How many parties of a campaign have had conversations, and how many those are."""

    parties: int = 0
    conversations: int = 0


def version_of(figures: Figures) -> int:
    """Orders the readings of a party: by its tallies, and within the same tallies by time.

    The tallies come first because they cannot go back; time comes second because names, settings
    and the last ten minutes change without a call. Below 2^53, which JavaScript counts exactly, up
    to 900,000 changes a party.
    """
    return figures.tally_version * MILLISECONDS + figures.age


def payload(
    figures: Figures, together: Together | None = None, hour: Sequence[int] = NO_CALLS
) -> dict[str, Any]:
    """The event `board`: JSON types only, and no personal data but callers' first names.

    `together` is what all parties of the campaign have; None where it is not shown. `hour` is the
    calls of each five minutes of the last hour, the oldest first.
    """
    goal, conversations = figures.goal, figures.conversations
    percent = 100 * conversations // goal if goal else 0
    return {
        "version": version_of(figures),
        # Every event is whole, so none can leave a gap behind it.
        "follows": 0,
        "title": figures.title,
        "code": figures.code,
        "ended": figures.state == ENDED,
        "notice": notice(figures),
        "celebrate": figures.celebrate,
        "goal": goal,
        "conversations": conversations,
        "percent": percent,
        "fill": min(percent, 100),
        "to_go": to_go(conversations, goal),
        "milestone": max((quarter for quarter in QUARTERS if percent >= quarter), default=0),
        "calls": figures.calls,
        "yeses": figures.yeses,
        "answered": answered(figures.reached, figures.calls),
        "last_ten": figures.last_ten,
        "all_parties": all_parties(figures, together),
        "active": figures.active,
        "ringing": ringing(figures.ringing, figures.active),
        "hour": bars(hour),
        "hour_words": hour_words(hour),
        "waiting": figures.waiting,
        "helping": figures.helping,
        "people": figures.people,
        "leaders": leaders(figures.scores),
        "feed": [
            {"at": int(call.at.timestamp() * 1000), "text": line(call), "moment": is_moment(call)}
            for call in figures.recent
        ],
        "status": status(figures),
    }


def leaders(scores: Iterable[Score]) -> list[dict[str, Any]]:
    """The top places. Callers with as many conversations share a place, and the next place counts
    them all: 1, 1, 3."""
    rows = []
    place = 1
    for score in sorted(scores, key=lambda score: -score.conversations):
        if place > PLACES:
            break
        rows.append(
            {
                "place": place,
                "names": together(score.names, score.callers),
                "conversations": score.conversations,
            }
        )
        place += score.callers
    return rows


def together(names: Sequence[str], callers: int) -> str:
    """“Ada”, “Ada and Sam”, “Ada, Kit and Sam”, “Ada, Kit and 5 more”."""
    if callers > len(names):
        return f"{', '.join(names[:NAMES_OF_A_CROWD])} and {callers - NAMES_OF_A_CROWD} more"
    if len(names) < 2:
        return "".join(names)
    return f"{', '.join(names[:-1])} and {names[-1]}"


def ringing(names: Sequence[str], active: int) -> str:
    """Who rings now: “Ada, Kit and 12 more”; those without a name are counted, or “Someone”. A name
    that would fill the line, and hide how many more there are, is cut short."""
    shown = [
        name if len(name) <= LETTERS_RINGING else name[: LETTERS_RINGING - 1].rstrip() + "…"
        for name in names
    ]
    while len(shown) > 1 and len(", ".join(shown)) > LETTERS_RINGING:
        shown.pop()
    more = active - len(shown)
    if more <= 0:
        return together(shown, len(shown))
    if not shown:
        return SOMEONE if more == 1 else f"{more} callers"
    return f"{', '.join(shown)} and {more} more"


def bars(hour: Sequence[int]) -> list[int]:
    """The heights of the bars, in percent of the tallest; a single call is seen beside any peak."""
    tallest = max(*hour, TALLEST_BAR)
    return [max(round(100 * calls / tallest), 4) if calls else 0 for calls in hour]


def hour_words(hour: Sequence[int]) -> str:
    """The bars in words, for those who do not see them."""
    return (
        f"{_count(sum(hour), 'call')} in the last hour. The busiest five minutes had {max(hour):,}."
    )


def is_moment(call: Recent) -> bool:
    """Whether the room should hear of this call in particular."""
    return call.first_call or call.first_yes or call.personal_best


def line(call: Recent) -> str:
    """The feed's words for a call: who, and what kind of call. Never to whom."""
    name = call.name or SOMEONE
    if call.first_yes:
        return f"{name} got the first yes"
    if call.personal_best:
        return f"{name} set a personal best"
    if call.first_call and call.conversation:
        return f"{name} had their first conversation"
    if call.first_call:
        return f"{name} made their first call"
    return f"{name} had a conversation" if call.conversation else f"{name} made a call"


def answered(reached: int, calls: int) -> str:
    """The share of calls in which somebody answered, to whole percents; a dash before any call."""
    return f"{round(100 * reached / calls)}%" if calls else "–"


def to_go(conversations: int, goal: int) -> str:
    """What is left of the goal, in words."""
    left = goal - conversations
    if left <= 0:
        return "Goal reached" if left == 0 else f"Goal reached, and {-left:,} more"
    return f"{left:,} to go"


def all_parties(figures: Figures, together: Together | None) -> str:
    """“All parties: 1,234 conversations”; empty where this party is the only one with any."""
    if together is None or together.parties < 2:
        return ""
    # Read up to two seconds before the party's own: the whole is never less than its part.
    number = max(together.conversations, figures.conversations)
    return f"All parties: {_count(number, 'conversation')}"


def notice(figures: Figures) -> str:
    """What everybody in the room should know now; empty when nothing."""
    if figures.state == ENDED:
        return "The party has ended. Thank you!"
    if figures.break_until and figures.break_until > figures.read_at:
        return f"Break until {clock(figures.break_until, figures.time_zone)}"
    if figures.paused or not figures.campaign_running:
        return "Calling is paused"
    return ""


def clock(moment: datetime, zone: str) -> str:
    """The time of day in a zone, “19:30”; in UTC, and so named, where there is no such zone."""
    try:
        return f"{moment.astimezone(time_zone(zone)):%H:%M}"
    except UnknownTimeZone:
        return f"{moment:%H:%M} UTC"


def status(figures: Figures) -> str:
    """One sentence that says the whole board, for those who hear it."""
    words = (
        f"{figures.conversations:,} of {figures.goal:,} conversations, "
        f"{_count(figures.calls, 'call')}, {_count(figures.active, 'caller')} calling now."
    )
    return f"{notice(figures)}. {words}" if notice(figures) else words


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}" + ("" if number == 1 else "s")
