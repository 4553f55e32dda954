"""Builds the data that a party's board shows: figures and texts, without any data about contacts.
This module runs no queries."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from phonebank.models import CampaignState, PartyState
from phonebank.models.party import seconds_of_break
from phonebank.rules.time_zones import UnknownTimeZoneError, time_zone

# The board shows this many places at the top of the ranking. It does not show the last places or
# callers without a conversation, because a complete ranking discourages most people in it.
PLACES = 5
# Callers who share a place are all named if the list has room for them: at most this many letters
# in the whole list, and at most this many names in one place. Further callers are only counted.
# Each place names at least one caller.
LETTERS_OF_PLACES = 110
NAMES_TOGETHER = 40
# Where a place must fit on one line, it names up to this many callers. A place with more callers
# names two.
NAMES_IN_A_LINE = 3
NAMES_OF_A_CROWD = 2
# How long the board shows the host's message.
MESSAGE_FOR = timedelta(minutes=3)
FEED_LINES = 5
# The board names at most this many of the callers who are calling now, with at most this many
# letters in all. It counts the others, so that the row fits.
NAMES_CALLING = 5
LETTERS_CALLING = 20
# The last hour is shown as bars of five minutes.
BARS = 12
NO_CALLS = (0,) * BARS
# The scale of the bars ends at this many calls or more, so that a single call does not fill it.
TALLEST_BAR = 5
# A caller's best hour is announced only if the hour it beats had this many conversations.
BEST_FROM = 2
QUARTERS = (25, 50, 75, 100)
# This word stands for a caller whose name the board does not show, because the host hid the name or
# the caller was removed.
SOMEONE = "Someone"

# There is room for 115 days of milliseconds within one version of the tallies: see `version_of`.
MILLISECONDS = 10**10


@dataclass(frozen=True)
class Score:
    """A group of callers with the same number of conversations. `callers` is the number of callers
    in the group. In a large group, `names` has only some of their names."""

    conversations: int
    names: Sequence[str]
    callers: int


@dataclass(frozen=True)
class Recent:
    """A recorded call, with only the data that the board may show in its list of recent calls.
    `name` is None if the caller is hidden or was removed."""

    name: str | None
    conversation: bool
    first_call: bool
    first_yes: bool
    at: datetime
    personal_best: bool = False


@dataclass(frozen=True)
class Figures:
    """The figures of one party at one moment, all read by a single statement.

    `age` is the age of the party in milliseconds, by the database's clock. `active` is the number
    of callers who are calling now. `ringing` has the names of some of these callers, but not of
    callers whom the host has hidden.
    """

    party_id: int
    campaign_id: int
    board_token: str
    title: str
    goal: int
    state: str
    paused: bool
    campaign_state: str
    celebrate: bool
    break_until: datetime | None
    time_zone: str
    message: str | None
    message_at: datetime | None
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
    held: int
    helping: int
    people: str
    scores: Sequence[Score]
    recent: Sequence[Recent]

    @property
    def break_left(self) -> int | None:
        """How many seconds of the break are left (see `seconds_of_break`). 0 if the break lasts
        until the host ends it. None if there is no break or the party has ended."""
        if self.state == PartyState.ENDED:
            return None
        return seconds_of_break(self.paused, self.break_until, self.read_at)


@dataclass(frozen=True)
class CampaignTotals:
    """The totals of a campaign's parties. `parties` is the number of parties that have had
    conversations, and `conversations` is the number of these conversations."""

    parties: int = 0
    conversations: int = 0


def version_of(figures: Figures) -> int:
    """Return a version number for these figures. Figures of the same party that were read at least
    a millisecond later have a higher number.

    The number depends first on the version of the party's tallies, which never decreases. For the
    same tallies, the number grows with time, because names, settings and the calls of the last ten
    minutes also change without a new call. JavaScript represents integers exactly up to 2^53. The
    number stays below this limit for 900,000 changes to one party's tallies.
    """
    return figures.tally_version * MILLISECONDS + figures.age


def payload(
    figures: Figures, campaign: CampaignTotals | None = None, hour: Sequence[int] = NO_CALLS
) -> dict[str, Any]:
    """Return the data of the event `board`. The data has only JSON types. Its only personal data
    are callers' first names, and what the host may have written in the title or the message.

    `campaign` has the totals of all the campaign's parties. If `campaign` is None, these totals are
    left out. `hour` has the number of calls in each five-minute period of the last hour, oldest
    first.
    """
    goal, conversations = figures.goal, figures.conversations
    percent = 100 * conversations // goal if goal else 0
    return {
        "version": version_of(figures),
        # Every event is a whole board, so a lost event leaves no gap.
        "follows": 0,
        "title": figures.title,
        "code": figures.code,
        "ended": figures.state == PartyState.ENDED,
        "notice": notice(figures),
        "break_seconds": figures.break_left,
        "message": fresh_message(figures),
        "celebrate": figures.celebrate,
        "goal": goal,
        "conversations": conversations,
        "percent": percent,
        "fill": min(percent, 100),
        "to_go": describe_rest(conversations, goal),
        "milestone": max((quarter for quarter in QUARTERS if percent >= quarter), default=0),
        "calls": figures.calls,
        "yeses": figures.yeses,
        "answered": answered_share(figures.reached, figures.calls),
        "last_ten": figures.last_ten,
        "all_parties": describe_all_parties(figures, campaign),
        "active": figures.active,
        "ringing": name_active_callers(figures.ringing, figures.active),
        "hour": bar_heights(hour),
        "hour_words": describe_hour(hour),
        "waiting": figures.waiting,
        "held": figures.held,
        "helping": figures.helping,
        "people": figures.people,
        "leaders": leaders(figures.scores),
        "feed": [
            {
                "at": int(call.at.timestamp() * 1000),
                "text": feed_text(call),
                "moment": is_moment(call),
            }
            for call in figures.recent
        ],
        "status": describe_board(figures),
    }


def places(scores: Iterable[Score]) -> list[tuple[int, Score]]:
    """Return the groups at the top of the ranking, each with its place number. Callers with the
    same number of conversations share a place. After two callers in place 1, the next place is 3.
    """
    found = []
    place = 1
    for score in sorted(scores, key=lambda score: -score.conversations):
        if place > PLACES:
            break
        found.append((place, score))
        place += score.callers
    return found


def leaders(scores: Iterable[Score]) -> list[dict[str, Any]]:
    """Return the top of the ranking as rows for the board. Callers are named, beginning with first
    place, until there is no room for another name. At each place, at least one caller is named."""
    rows = []
    letters = LETTERS_OF_PLACES
    for place, score in places(scores):
        shown = names_within(score.names, letters)
        letters -= sum(len(name) + 2 for name in shown)
        rows.append(
            {
                "place": place,
                "names": join_names(shown, score.callers),
                "conversations": score.conversations,
            }
        )
    return rows


def names_within(names: Sequence[str], letters: int) -> Sequence[str]:
    """Return as many names from the start of `names` as fit into `letters` characters. A comma and
    a space after each name are counted too. Return at least one name, unless `names` is empty."""
    shown = 0
    for name in names:
        letters -= len(name) + 2
        if letters < 0:
            break
        shown += 1
    return names[: max(shown, 1)]


def join_names(names: Sequence[str], callers: int) -> str:
    """Return the names as text, such as “Ada”, “Ada and Sam” or “Ada, Kit and Sam”. If there are
    more callers than names, return text such as “Ada, Kit and 5 more”."""
    if callers > len(names):
        return f"{', '.join(names)} and {callers - len(names)} more"
    if len(names) < 2:
        return "".join(names)
    return f"{', '.join(names[:-1])} and {names[-1]}"


def name_active_callers(names: Sequence[str], active: int) -> str:
    """Return text that says who is calling now, such as “Ada, Kit and 12 more”. A caller whose name
    is hidden is counted but not named. If no name may be shown, the text is “Someone” or, for
    example, “3 callers”. If nobody is calling, the text is empty.

    A long name is shortened, so that there is room for the number of further callers.
    """
    shown = [
        name if len(name) <= LETTERS_CALLING else name[: LETTERS_CALLING - 1].rstrip() + "…"
        for name in names
    ]
    while len(shown) > 1 and len(", ".join(shown)) > LETTERS_CALLING:
        shown.pop()
    more = active - len(shown)
    if more <= 0:
        return join_names(shown, len(shown))
    if not shown:
        return SOMEONE if more == 1 else f"{more} callers"
    return f"{', '.join(shown)} and {more} more"


def bar_heights(hour: Sequence[int]) -> list[int]:
    """Return the heights of the board's bars in percent: one bar for each number of calls in
    `hour`. The largest number in `hour`, or TALLEST_BAR if that is larger, counts as 100 percent.
    The bar for a number above 0 has at least 4 percent, so that it is visible."""
    tallest = max(*hour, TALLEST_BAR)
    return [max(round(100 * calls / tallest), 4) if calls else 0 for calls in hour]


def describe_hour(hour: Sequence[int]) -> str:
    """Describe in words what the board's bars show, for people who use a screen reader."""
    return (
        f"{_count(sum(hour), 'call')} in the last hour. The busiest five minutes had {max(hour):,}."
    )


def is_moment(call: Recent) -> bool:
    """Whether the board should draw attention to this call."""
    return call.first_call or call.first_yes or call.personal_best


def feed_text(call: Recent) -> str:
    """Return the text for a call in the board's list of recent calls. The text says who made the
    call (“Someone” if `name` is None) and what kind of call it was, and never names the contact."""
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


def answered_share(reached: int, calls: int) -> str:
    """Return the share of calls that a person answered, as a whole percentage. Before the first
    call, return a dash."""
    return f"{round(100 * reached / calls)}%" if calls else "–"


def describe_rest(conversations: int, goal: int) -> str:
    """Return a text that says how many conversations the party needs to reach its goal. Once the
    goal is reached, the text says this, and how many more conversations there are."""
    left = goal - conversations
    if left <= 0:
        return "Goal reached" if left == 0 else f"Goal reached, and {-left:,} more"
    return f"{left:,} to go"


def describe_all_parties(figures: Figures, campaign: CampaignTotals | None) -> str:
    """Return a text with the number of conversations of all the campaign's parties, such as “All
    parties: 1,234 conversations”. Return an empty text if fewer than two parties have had
    conversations, or if `campaign` is None."""
    if campaign is None or campaign.parties < 2:
        return ""
    # The campaign's totals may be two seconds older than the party's. With `max`, all parties never
    # show fewer conversations than this party alone.
    number = max(campaign.conversations, figures.conversations)
    return f"All parties: {_count(number, 'conversation')}"


# What a board says while the party's campaign has this state.
_CAMPAIGN_NOTICES: dict[str, str] = {
    CampaignState.DRAFT: "Calling hasn't started yet",
    CampaignState.PAUSED: "Calling is paused",
    CampaignState.ENDED: "The campaign has ended",
}


def notice(figures: Figures) -> str:
    """Return the notice that everyone at the party should read now, or an empty text if there is
    none."""
    if figures.state == PartyState.ENDED:
        return "The party has ended. Thank you!"
    if figures.campaign_state != CampaignState.RUNNING:
        return _CAMPAIGN_NOTICES[figures.campaign_state]
    if figures.break_left is None:
        return ""
    if figures.paused or figures.break_until is None:
        return "Break"
    return f"Break until {clock_time(figures.break_until, figures.time_zone)}"


def fresh_message(figures: Figures) -> str:
    """Return the host's message if it is recent enough for the board and the party has not ended.
    Otherwise, return an empty text."""
    if figures.state == PartyState.ENDED or figures.message_at is None:
        return ""
    return (figures.message or "") if figures.read_at - figures.message_at < MESSAGE_FOR else ""


def clock_time(moment: datetime, zone: str) -> str:
    """Return the time of day in a zone, such as “19:30”. For an unknown zone, return the time in
    UTC, such as “18:30 UTC”."""
    local, unknown = in_zone(moment, zone)
    return f"{local:%H:%M} UTC" if unknown else f"{local:%H:%M}"


def in_zone(moment: datetime, zone: str) -> tuple[datetime, bool]:
    """Return the moment in a zone, and False. If the zone is unknown, return the moment in UTC, and
    True."""
    try:
        return moment.astimezone(time_zone(zone)), False
    except UnknownTimeZoneError:
        return moment.astimezone(UTC), True


def describe_board(figures: Figures) -> str:
    """Describe the board in a few sentences, for people who use a screen reader: the notice, the
    conversations and the calls. While the party has not ended, also say how many callers are
    calling now."""
    words = (
        f"{figures.conversations:,} of {figures.goal:,} conversations, "
        f"{_count(figures.calls, 'call')}"
    )
    if figures.state == PartyState.ENDED:
        return f"{notice(figures)} {words}."
    words += f", {_count(figures.active, 'caller')} calling now."
    return f"{notice(figures)}. {words}" if notice(figures) else words


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}" + ("" if number == 1 else "s")
