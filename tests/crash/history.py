"""Checks whether the ledger's entries keep the promises.

These are plain functions over entries, so that tests can try each with a made-up history. Each
returns sentences, and none when all is well. The judge believes no time that the software wrote
down: it uses PostgreSQL's own times of commits and of rows.
"""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from phonebank.campaigns.services import MOVES
from phonebank.models import CampaignState
from phonebank.rules.outcomes import NOT_AN_ATTEMPT
from tests.crash.ledger import Entry

# Seconds. This covers the time from reading the state under locks to the row of the claim, and from
# a commit's time stamp to its being visible: milliseconds, and more on a busy machine. Rows stay
# locked for longer than that while things change: see `staff.SlowHand`.
ALLOWANCE = 2.0
# The difference between the two web machines' clocks.
CLOCKS_DIFFER = 2.0
# A promise in whole seconds, or by the web machine's clock, may be this much shorter.
PROMISE_ALLOWANCE = CLOCKS_DIFFER + 0.6
# Two such promises may differ by this: one is rounded up and the other down.
LESS_ALLOWANCE = CLOCKS_DIFFER + 1.6
FOR_GOOD = float("inf")
# The actors in the ledger: see `ledger.act_as`.
HOST_OF = "host of "
GUEST = "guest"
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


@dataclass(frozen=True)
class Claim:
    """A contact given to a caller: the call's row as it was first written."""

    call: str
    no: int
    at: float
    committed: float
    row: dict[str, Any]
    person: dict[str, Any]


@dataclass(frozen=True)
class Promise:
    """A 200 that said for how long a contact is this volunteer's. It has the time it was heard, and
    the earliest and latest end, all by the volunteer's clock."""

    heard: float
    until: float
    at_most: float

    @property
    def asked(self) -> float:
        """When the request was sent that this promise answers."""
        return self.heard - (self.at_most - self.until)

    def stands(self, at: float) -> bool:
        """Whether the promise was heard before this time and has not ended."""
        return self.heard < at < self.until - PROMISE_ALLOWANCE


Promises = Mapping[str, Sequence[Promise]]  # by call id


@dataclass
class Timeline:
    """A value over time: `starts[n]` is when `values[n]` was committed."""

    starts: list[float] = field(default_factory=list)
    values: list[Any] = field(default_factory=list)

    def add(self, at: float, value: Any) -> None:
        self.starts.append(at)
        self.values.append(value)

    def during(self, since: float, until: float) -> list[Any]:
        """Every value between the two moments."""
        first = max(0, bisect_right(self.starts, since) - 1)
        return self.values[first : bisect_right(self.starts, until)]


def claims_in(entries: Iterable[Entry]) -> list[Claim]:
    """Every committed claim, in order."""
    return [
        Claim(entry.key, entry.no, entry.at, entry.committed, entry.after, entry.beside or {})
        for entry in entries
        if entry.what == "call" and entry.is_new and entry.after
    ]


def broken(entries: Sequence[Entry]) -> list[str]:
    """Everything that the ledger alone shows, except calling hours."""
    return [
        *overlapping(entries),
        *after_never_again(entries),
        *false_beginnings(entries),
        *while_forbidden(entries),
        *beyond_limits(entries),
        *impossible_changes(entries),
        *beyond_the_door(entries),
        *counted_twice(entries),
    ]


def overlapping(entries: Sequence[Entry]) -> Iterator[str]:
    """Numbers and contacts in two open calls at the same time, by the commits."""
    for name in ("phone", "contact_id"):
        for about, spans in _open_spans(entries, name).items():
            ends, whose = 0.0, ""
            for since, until, call in sorted(spans):
                if since < ends:
                    yield f"in two calls at once, by the commits: {name} {about}, {whose}, {call}"
                if until > ends:
                    ends, whose = until, call


def _open_spans(entries: Iterable[Entry], name: str) -> dict[Any, list[tuple[float, float, str]]]:
    """By number or contact: from when to when which call was open. An undone call is open again."""
    spans: dict[Any, list[tuple[float, float, str]]] = defaultdict(list)
    open_since: dict[str, tuple[float, Any]] = {}
    for entry in sorted(_of("call", entries), key=lambda entry: (entry.committed, entry.no)):
        about = _open_about(entry.after, name)
        since, before = open_since.pop(entry.key, (0.0, None))
        if before is not None and before == about:
            open_since[entry.key] = since, before
            continue
        if before is not None:
            spans[before].append((since, entry.committed, entry.key))
        if about is not None:
            open_since[entry.key] = entry.committed, about
    for key, (since, about) in open_since.items():
        spans[about].append((since, FOR_GOOD, key))
    return spans


def after_never_again(entries: Sequence[Entry]) -> Iterator[str]:
    """Contacts claimed while their number was on the do-not-call list.

    There is no allowance: an entry for a number waits for every claim of its contacts, and every
    later claim waits for the entry.
    """
    listed: dict[str, Timeline] = defaultdict(Timeline)
    for entry in _of("suppression", entries):
        listed[entry.key].add(entry.committed if entry.after else entry.at, entry.after is not None)
    for given in claims_in(entries):
        line = listed.get(str(given.row["phone"]))
        if line and line.starts[0] < given.at and all(line.during(given.at, given.at)):
            yield f"claimed after the number was suppressed: call {given.call}"


def out_of_hours(
    entries: Sequence[Entry], campaign_id: int, opening: tuple[int, int]
) -> Iterator[str]:
    """Contacts of a campaign claimed while no zone that they may be in had calling hours.

    `opening`: the hours in minutes after local midnight, which apply until a ledger entry changes
    them.
    """
    hours = Timeline([0.0], [opening])
    for entry in _of("campaign", entries):
        if entry.key == str(campaign_id) and entry.after and entry.changed("hours"):
            hours.add(entry.committed, _minutes(entry.after["hours"]))
    for given in claims_in(entries):
        if given.row["campaign_id"] != campaign_id:
            continue
        open_at = hours.during(given.at - ALLOWANCE, given.at)
        for zone in given.person["zone_key"].split("|"):
            local = datetime.fromtimestamp(given.at, UTC).astimezone(ZoneInfo(zone))
            minutes = local.hour * 60 + local.minute
            if not any(start <= minutes < end for start, end in open_at):
                yield f"out of hours: call {given.call} at {local:%H:%M:%S} in {zone}"


def false_beginnings(entries: Iterable[Entry]) -> Iterator[str]:
    """Calls whose start in the access ledger is not the time of the claim."""
    for given in claims_in(entries):
        noted = datetime.fromisoformat(str(given.row["started_at"])).timestamp()
        if abs(noted - given.at) > CLOCKS_DIFFER + ALLOWANCE:
            off = noted - given.at
            yield f"a false beginning: call {given.call} is noted {off:+.1f} s from its claim"


def while_forbidden(entries: Sequence[Entry]) -> Iterator[str]:
    """Return the contacts that were claimed after an organiser or a host had forbidden it."""
    stood: dict[tuple[str, str], Timeline] = defaultdict(Timeline)
    for entry in entries:
        forbidden = _forbids(entry)
        if forbidden is not None:
            line = stood[entry.what, entry.key]
            if not line.starts:
                line.add(0.0, "")
            # A change that forbids applies from its commit; a change that allows applies from when
            # it was written.
            line.add(entry.committed if forbidden else entry.at, forbidden)
    for given in claims_in(entries):
        concerns = {
            "campaign": given.row["campaign_id"],
            "party": given.row["party_id"],
            "contact_list": given.person.get("list_id"),
            "caller": given.row["caller_id"],
        }
        for what, key in concerns.items():
            line = stood.get((what, str(key)))
            if line is None:
                continue
            values = line.during(given.at - ALLOWANCE, given.at)
            if all(values):
                yield f"claimed although the {what} was {values[-1]}: call {given.call}"


def beyond_limits(entries: Sequence[Entry]) -> Iterator[str]:
    """Contacts claimed beyond the lists and languages that limit their caller.

    Contacts that the caller called before are left out. They may be the caller's callbacks, which
    no limit takes away.
    """
    limits: dict[str, Timeline] = defaultdict(Timeline)
    for entry in _of("caller", entries):
        if entry.after and (entry.changed("list_ids") or entry.changed("languages")):
            limits[entry.key].add(
                entry.committed, (entry.after["list_ids"], entry.after["languages"] or ["en"])
            )
    had: dict[tuple[str, str], int] = {}
    for entry in _of("call", entries):
        for row in (entry.before, entry.after):
            if row:
                had.setdefault((str(row["caller_id"]), str(row["contact_id"])), entry.no)
    for given in claims_in(entries):
        caller = str(given.row["caller_id"])
        line = limits.get(caller)
        if line is None or had[caller, str(given.row["contact_id"])] < given.no:
            continue
        in_force = line.during(given.at - ALLOWANCE, given.at)
        if in_force and not any(
            (not lists or given.person["list_id"] in lists)
            and (not given.person["language"] or given.person["language"] in languages)
            for lists, languages in in_force
        ):
            yield f"claimed beyond its caller's limits: call {given.call}, {in_force[-1]}"


def impossible_changes(entries: Iterable[Entry]) -> Iterator[str]:
    """Changes of state that no button makes: one of two people who pressed at once overruled the
    other, by what they had read before."""
    for entry in entries:
        if entry.is_new or not entry.after or not entry.changed("state") or entry.what == "call":
            # A list that was undone is never called again, whatever its state says.
            if entry.what == "contact_list" and entry.before and entry.after:
                undone = entry.before["state"] == entry.after["state"] == "undone"
                if undone and not entry.after["removed"]:
                    yield f"an undone list was put back into calling: {_who(entry)}"
            continue
        was, is_ = str((entry.before or {})["state"]), str(entry.after["state"])
        possible = True
        if entry.what == "campaign":
            possible = is_ in MOVES[CampaignState(was)].values()
        elif entry.what in ("party", "contact_list"):
            possible = was not in ("ended", "undone")
        elif entry.what == "caller":
            possible = was != "removed"
        if not possible:
            yield f"a {entry.what} that was {was} is {is_}: {_who(entry)}"


def beyond_the_door(entries: Iterable[Entry]) -> Iterator[str]:
    """Return the actions of a host on another host's party or callers, and the callers who joined
    through a closed door."""
    doors: dict[str, Timeline] = defaultdict(Timeline)
    for entry in entries:
        if entry.what == "party" and entry.after and entry.changed("door_open"):
            open_ = bool(entry.after["door_open"])
            doors[entry.key].add(entry.at if open_ else entry.committed, open_)
        if entry.actor.startswith(HOST_OF) and entry.what in ("party", "caller") and entry.before:
            its = entry.key if entry.what == "party" else str(entry.before["party_id"])
            if its != entry.actor.removeprefix(HOST_OF):
                yield f"acted on another host's {entry.what} (party {its}): {_who(entry)}"
        # Hosts and organisers admit anyone; a caller who joins by a link acts under no name here.
        if entry.what == "caller" and entry.after and entry.actor in ("", GUEST):
            admitted = entry.after["state"] == "admitted" and (
                entry.changed("state") or entry.changed("party_id")
            )
            door = doors.get(str(entry.after["party_id"])) if admitted else None
            known = door.during(entry.at - ALLOWANCE, entry.at) if door else []
            # Until its first change, the door is as the party was made.
            if door and door.starts[0] < entry.at - ALLOWANCE and known and not any(known):
                yield f"came in by a door that was shut: {_who(entry)}"


def counted_twice(entries: Sequence[Entry]) -> Iterator[str]:
    """Outcomes that came after another caller had the contact, and still count."""
    given: dict[str, list[Claim]] = defaultdict(list)
    for hand_out in claims_in(entries):
        given[str(hand_out.row["contact_id"])].append(hand_out)
    first = {hand_out.call: hand_out.no for hand_out in claims_in(entries)}
    last_contact: dict[str, Any] = {}
    for entry in _of("call", entries):
        if not entry.after:
            continue
        last_contact[entry.key] = entry.after["contact_id"]
        if not (entry.after["counted"] and entry.changed("counted") and entry.after["late"]):
            continue
        contact = entry.after["contact_id"]
        newer = [
            other.call
            for other in given[str(contact)]
            if first.get(entry.key, entry.no) < other.no < entry.no
            and last_contact[other.call] == contact
        ]
        if newer:
            after = f"call {entry.key}, then {newer[0]}"
            yield f"counted although another caller had them since: {after}"


def broken_promises(entries: Sequence[Entry], promised: Promises) -> Iterator[str]:
    """Holds that expired before the time that a 200 had promised."""
    for entry in _of("call", entries):
        if not entry.after or entry.after["ending"] != "expired" or not entry.changed("ending"):
            continue
        stood = [
            promise.until
            for promise in promised.get(entry.key, ())
            if promise.stands(entry.committed)
        ]
        if stood:
            early = max(stood) - entry.committed
            yield f"taken away {early:.1f} s before it was promised: call {entry.key}"


def refused_before_promised(
    entries: Sequence[Entry],
    promised: Promises,
    refused: Mapping[str, Sequence[tuple[float, float]]],
) -> Iterator[str]:
    """Renewals that were refused while a promise stood and nothing had ended the call.

    `refused`: by call id, when each refused renewal was sent, and when the volunteer heard that it
    was refused. The server gave its answer at some moment in between, and it was true then.
    """
    endings: dict[str, Timeline] = defaultdict(Timeline)
    for entry in _of("call", entries):
        if entry.after and entry.changed("ending"):
            endings[entry.key].add(entry.at, entry.after["ending"])
    for call, moments in refused.items():
        for sent, heard in moments:
            stood = any(
                promise.stands(sent) and promise.stands(heard) for promise in promised.get(call, ())
            )
            ends = endings[call].during(sent, heard)
            if stood and not set(ends) - {None, "expired"}:
                yield f"a renewal was refused although the call was still promised: {call}"


def shortened(promised: Promises) -> Iterator[str]:
    """Calls for which a later promise ends before an earlier one, for example after a reload. A
    promise is later if it was asked for after the other had been heard."""
    for call, promises in promised.items():
        for promise in promises:
            earlier = [one.until for one in promises if one.heard < promise.asked]
            longest = max(earlier, default=0.0)
            less = longest - promise.at_most
            if less > LESS_ALLOWANCE and promise.heard < longest:
                yield f"less was promised than before: call {call}, {less:.1f} s less"


def given_after(entries: Iterable[Entry], moments: dict[str, float]) -> Iterator[str]:
    """Contacts claimed after their number was known never to be called again, by number."""
    for given in claims_in(entries):
        if given.at > moments.get(str(given.row["phone"]), FOR_GOOD):
            yield f"claimed after never again was acknowledged: call {given.call}"


def removed_calls(entries: Iterable[Entry]) -> dict[str, float]:
    """When each call was taken from its caller because the caller was removed, by call id."""
    return {
        entry.key: entry.at
        for entry in _of("call", entries)
        if entry.after and entry.after["ending"] == "taken_away" and entry.changed("ending")
    }


def removals(entries: Iterable[Entry]) -> int:
    """How many callers were removed."""
    return sum(
        entry.after["state"] == "removed"
        for entry in _of("caller", entries)
        if entry.after and entry.changed("state")
    )


def due_to_count(outcome: str | None) -> bool:
    """Whether an outcome counts, unless it came too late."""
    return outcome is not None and outcome not in NOT_AN_ATTEMPT


def _of(what: str, entries: Iterable[Entry]) -> Iterator[Entry]:
    return (entry for entry in entries if entry.what == what)


def _open_about(row: dict[str, Any] | None, name: str) -> Any:
    return row[name] if row and row["ended_at"] is None else None


def _forbids(entry: Entry) -> str | None:
    """Why nothing may be claimed from here on; "" if it may be; None if this entry does not say."""
    row = entry.after
    if row is None:
        return None
    if entry.what == "campaign":
        return "" if row["state"] == "running" else str(row["state"])
    if entry.what == "party":
        # The staff end each break long before it would end by itself.
        on_break = row["paused"] or row["break_until"] is not None
        return "ended" if row["state"] == "ended" else "on a break" if on_break else ""
    if entry.what == "contact_list":
        return "taken out of calling" if row["removed"] else ""
    if entry.what == "caller":
        return "" if row["state"] == "admitted" else f"{row['state']}"
    return None


def _minutes(hours: dict[str, Sequence[str]]) -> tuple[int, int]:
    """The hours in minutes after midnight. The soak's campaigns have the same hours each day."""
    start, end = hours[DAYS[0]]
    return _minute(start), _minute(end)


def _minute(clock: str) -> int:
    hours, minutes = clock.split(":")
    return int(hours) * 60 + int(minutes)


def _who(entry: Entry) -> str:
    by = entry.actor or "a request"
    return f"{entry.what} {entry.key} by {by}, {entry.before} -> {entry.after}"
