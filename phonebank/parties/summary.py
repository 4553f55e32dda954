"""A party's results: its totals, the callers to thank, and a bar chart of the evening. This module
reads no contacts."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select, text

from phonebank.core.db import db
from phonebank.core.errors import GoneError
from phonebank.core.locks import lock_row
from phonebank.live.board_payload import answered_share, clock_time, in_zone
from phonebank.models import Caller, CallerState, Party
from phonebank.tallies.bars import Bar, day_label
from phonebank.tallies.totals import CallerTotals, Totals, caller_totals, party_totals

# The widths of bars, in minutes. Bars of ten minutes show the breaks of a two-hour evening. A
# longer party gets wider bars, so that there are never more bars than a phone can show.
WIDTHS = (10, 20, 30, 60, 120, 240, 720, 1440)
BARS_AT_MOST = 36
# Bars of this width or more may span more than a day.
DAYS_FROM = 60  # minutes; 36 bars of an hour are more than a day

# Times are seconds since 1970, rounded down to the width of a bar. Bars begin on the hour in every
# time zone that differs from UTC by whole hours. In other zones they begin within half an hour of
# it.
_BARS = text("""
SELECT to_timestamp(floor(extract(epoch FROM recorded_at) / :width) * :width) AS starts_at,
       count(*) AS calls, count(*) FILTER (WHERE conversation) AS conversations
FROM call WHERE party_id = :party_id AND counted AND recorded_at IS NOT NULL
GROUP BY 1 ORDER BY 1
""")
_FROM_TO = text("""
SELECT min(recorded_at), max(recorded_at)
FROM call WHERE party_id = :party_id AND counted AND recorded_at IS NOT NULL
""")


@dataclass(frozen=True)
class Summary:
    """A party's results, as the summary page shows them.

    Each of the `bars` covers `minutes` minutes. If the bars are narrower than an hour, a bar's
    label is the time at which the bar starts, in the party's time zone. Otherwise the label is the
    day. A party without calls has no bars. `thanks` has first names in alphabetical order, so that
    the list does not rank the callers. `others` is the number of callers who made calls but are not
    in `thanks`, because the host or an organiser hid or removed them.
    """

    party: Party
    totals: Totals
    thanks: Sequence[str]
    others: int
    minutes: int
    bars: Sequence[Bar]

    @property
    def answered(self) -> str:
        """The share of all calls in which a person answered, as a percentage. If there are no
        calls, this is a dash."""
        return answered_share(self.totals.reached, self.totals.calls)

    @property
    def thanked(self) -> str:
        """The callers to thank, in words, such as “Ada, Kit, Sam and 2 more”. If none of them can
        be named, the text has only their number, such as “2 callers”."""
        if not self.thanks:
            return f"{self.others} {'caller' if self.others == 1 else 'callers'}"
        more = f" and {self.others} more" if self.others else ""
        return ", ".join(self.thanks) + more

    @property
    def callers(self) -> int:
        """The number of callers who made calls."""
        return len(self.thanks) + self.others

    @property
    def busiest(self) -> Bar | None:
        """The bar with the most calls, or the first such bar if there are several. None if there
        are no bars."""
        return max(self.bars, key=lambda bar: bar.calls, default=None)


def summary_of(party: Party) -> Summary:
    """Return the summary of the party's calls so far. The summary can still change after the party
    has ended, because callers may finish and record their last calls."""
    shares = caller_totals(party.id)
    removed = set(
        db.session.scalars(
            select(Caller.id).where(
                Caller.party_id == party.id, Caller.state == CallerState.REMOVED
            )
        )
    )
    named = [share for share in shares if not share.hidden and share.caller_id not in removed]
    minutes, bars = _evening(party)
    return Summary(
        party,
        party_totals([party.id])[party.id],
        sorted((share.first_name for share in named), key=str.casefold),
        len(shares) - len(named),
        minutes,
        bars,
    )


def party_by_summary_token(token: str) -> Party:
    """Return the party whose summary link has this token. Raises GoneError for any other token."""
    party = db.session.scalars(select(Party).where(Party.summary_token == token)).first()
    if party is None:
        raise GoneError(
            "This link has been replaced.", "Ask the person who sent it for the new link."
        )
    return party


def change_summary_link(party: Party) -> None:
    """Give the summary a new link. The old link no longer works."""
    lock_row(party)
    party.summary_token = secrets.token_urlsafe(24)


def share_of(party: Party, caller_id: int) -> CallerTotals | None:
    """Return one caller's totals in the party, or None if none of the caller's calls counts
    there."""
    return next((s for s in caller_totals(party.id) if s.caller_id == caller_id), None)


def _evening(party: Party) -> tuple[int, list[Bar]]:
    first, last = db.session.execute(_FROM_TO, {"party_id": party.id}).one()
    if first is None:
        return WIDTHS[0], []
    minutes = next(
        (width for width in WIDTHS if _count(first, last, width) <= BARS_AT_MOST), WIDTHS[-1]
    )
    rows = db.session.execute(_BARS, {"party_id": party.id, "width": minutes * 60})
    found = {row.starts_at: row for row in rows}
    # Bars without a call are included, because a break is part of the evening.
    start, bars = min(found), []
    for index in range(min(_count(start, max(found), minutes), BARS_AT_MOST)):
        at = start + timedelta(minutes=index * minutes)
        row = found.get(at)
        bars.append(
            Bar(
                _label(party, at, minutes),
                row.calls if row else 0,
                row.conversations if row else 0,
            )
        )
    return minutes, bars


def _label(party: Party, at: datetime, minutes: int) -> str:
    """Return a bar's label: the time of day at which the bar starts, or the day if the chart may
    span more than a day."""
    if minutes < DAYS_FROM:
        return clock_time(at, party.time_zone)
    local, _ = in_zone(at, party.time_zone)
    return day_label(local)


def _count(first: datetime, last: datetime, minutes: int) -> int:
    """Return the number of bars from the bar that contains `first` to the bar that contains
    `last`."""
    width = minutes * 60
    return int(last.timestamp() // width) - int(first.timestamp() // width) + 1
