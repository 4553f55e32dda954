"""Checks whether calls that a machine dialled followed each rule for such calls. This module uses
only the calls' records and the rules. A line is one telephone connection to a person."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from phonebank.pacing.day_bound import room
from phonebank.pacing.records import DecisionRecord, LineRecord, LineResult, Record
from phonebank.pacing.rule import FEWEST_ANSWERS, FEWEST_CALLERS
from phonebank.pacing.snapshot import DayAccount, Law
from phonebank.rules.countries import MachineCalls

# Moments come from two clocks, the provider's and ours, so two of them may differ by this much.
CLOCKS = timedelta(seconds=0.5)


@dataclass(frozen=True, slots=True)
class Finding:
    """What the records show about one rule for calls dialled by a machine."""

    rule: str  # what the rule requires
    found: str
    source: str
    broken: list[str] = field(default_factory=list)  # what breaks the rule, such as "line 7"

    @property
    def is_kept(self) -> bool:
        return not self.broken


def account_of(lines: Iterable[LineRecord]) -> DayAccount:
    """Count the answered lines by their results. A line with the result OPEN is not counted, even
    if it was answered."""
    counts = Counter(line.result for line in lines)
    return DayAccount(
        people=counts[LineResult.PERSON],
        machines=counts[LineResult.MACHINE],
        abandoned=counts[LineResult.ABANDONED],
        lost=counts[LineResult.LOST],
    )


def prove(records: Iterable[Record], law: MachineCalls) -> list[Finding]:
    """Check a campaign's records against each rule, and return a finding for each rule."""
    lines, decisions = [], []
    for record in records:
        if isinstance(record, LineRecord):
            lines.append(record)
        else:
            decisions.append(record)
    return [
        _share(lines, law),
        _message(lines, law),
        _redial(lines, law),
        _ring(lines, law),
        _shown(lines),
        _decisions(lines, decisions),
    ]


def _share(lines: Sequence[LineRecord], law: MachineCalls) -> Finding:
    days: dict[date, list[LineRecord]] = defaultdict(list)
    for line in lines:
        days[line.day].append(line)
    shares = {day: account_of(of_day).estimated_share() for day, of_day in days.items()}
    ceiling = law.abandoned_ceiling.value
    account = account_of(lines)
    return Finding(
        rule=f"At most {100 * ceiling:g} of 100 people who answer in a day find nobody to talk to",
        found=f"{account.abandoned + account.lost} of {account.answers} answered calls had no "
        "caller, or lost the caller; by Ofcom's estimate "
        f"{100 * max(shares.values(), default=0):.2f} of 100 people"
        + (" on the worst day" if len(days) > 1 else ""),
        source=law.abandoned_ceiling.source,
        broken=[
            f"{day}: {100 * share:.2f} of 100" for day, share in shares.items() if share > ceiling
        ],
    )


def _message(lines: Sequence[LineRecord], law: MachineCalls) -> Finding:
    """Check that people who found no caller free heard in time the message that says who called. A
    call that ended before the message was due does not break this rule."""
    within = timedelta(seconds=law.seconds_to_message.value)
    abandoned = [line for line in lines if line.result == LineResult.ABANDONED]
    heard = [line for line in abandoned if line.message_at is not None]
    return Finding(
        rule=f"Within {law.seconds_to_message.value} seconds, a person who finds nobody free hears "
        "who called",
        found=_who_heard(len(heard), len(abandoned)),
        source=law.seconds_to_message.source,
        broken=_named(
            abandoned,
            lambda line: _later(line.message_at or line.ended_at, line.answered_at, within),
        ),
    )


def _who_heard(heard: int, abandoned: int) -> str:
    if not abandoned:
        return "everyone who answered found a caller"
    some = f"{heard} of {abandoned} heard it"
    return some if heard == abandoned else f"{some}; for the others, the call ended first"


def _redial(lines: Sequence[LineRecord], law: MachineCalls) -> Finding:
    rest = timedelta(hours=law.redial_after_hours.value)
    abandoned: dict[str, datetime] = {}
    broken = []
    for line in sorted(lines, key=lambda line: line.line):
        before = max(
            (at for at in (line.last_abandoned_at, abandoned.get(line.number_key)) if at),
            default=None,
        )
        by_machine = line.decision is not None
        if by_machine and before and line.dialled_at and line.dialled_at - before < rest:
            broken.append(f"line {line.line}")
        if line.result == LineResult.ABANDONED and line.number_key and line.answered_at:
            abandoned[line.number_key] = line.answered_at
    return Finding(
        rule=f"For {law.redial_after_hours.value} hours after a person found nobody, no machine "
        "calls the number unless a caller is kept free for it",
        found=f"{_count(len(abandoned), 'number')} had to be left alone",
        source=law.redial_after_hours.source,
        broken=broken,
    )


def _ring(lines: Sequence[LineRecord], law: MachineCalls) -> Finding:
    """Check that every telephone that nobody answered rang for long enough. Only a call that the
    dialler cancelled, or that the provider ended because nobody answered, can break this rule."""
    least = timedelta(seconds=law.ring_at_least_seconds.value)
    ours = [
        line
        for line in lines
        if line.answered_at is None
        and line.dialled_at is not None
        and line.cause in ("no_answer", "cancelled")
    ]
    rang = [line.ended_at - line.dialled_at for line in ours if line.ended_at and line.dialled_at]
    shortest = min(rang, default=least).total_seconds()
    return Finding(
        rule="A call that nobody answers rings for at least "
        f"{law.ring_at_least_seconds.value} seconds",
        found=f"{_count(len(ours), 'call')} rang without an answer, the shortest for "
        f"{shortest:.0f} seconds"
        if ours
        else "no call rang without an answer",
        source=law.ring_at_least_seconds.source,
        broken=_named(
            ours, lambda line: not _later(line.ended_at, line.dialled_at, least - 2 * CLOCKS)
        ),
    )


def _shown(lines: Sequence[LineRecord]) -> Finding:
    dialled = [line for line in lines if line.dialled_at]
    return Finding(
        rule="People see the campaign's number",
        found=f"{sum(line.shown for line in dialled)} of {_count(len(dialled), 'call')} showed it",
        source="our own rule; in the United Kingdom, Privacy and Electronic Communications "
        "Regulations 2003, regulation 21(A1)",
        broken=_named(dialled, lambda line: not line.shown),
    )


def _decisions(lines: Sequence[LineRecord], decisions: Sequence[DecisionRecord]) -> Finding:
    dialled = Counter(line.decision for line in lines if line.decision is not None)
    known = {each.decision: each for each in decisions}
    broken = [f"decision {number}: not recorded" for number in dialled if number not in known]
    for number, each in known.items():
        fault = _fault(each) or ("too many calls" if dialled[number] > each.lines else "")
        if fault:
            broken.append(f"decision {number}: {fault}")
    return Finding(
        rule="We call more people than there are ready callers only on one condition: the day "
        "would stay within its limit even if three times as many people answered",
        found=f"{_count(len(decisions), 'decision')} to dial, with "
        f"{_count(sum(dialled.values()), 'call')}",
        source="our own rule, docs/pacing.md",
        broken=broken,
    )


def _fault(each: DecisionRecord) -> str:
    """Return what is wrong with a decision to dial lines, or "" if nothing is wrong. Only the
    figures in the decision's record are used."""
    callers = each.ready + each.talking + each.wrapping_up
    account = DayAccount(each.people, each.machines, each.abandoned, each.lost)
    if each.lines <= max(0, each.ready - each.ringing - each.waiting):
        return ""  # a ready caller always has a line
    if callers < FEWEST_CALLERS:
        return "too few callers"
    if account.answers < FEWEST_ANSWERS:
        return "too few answers"
    if each.exposure is None or each.exposure > room(account, Law(each.ceiling), callers):
        return "beyond the bound"
    if each.chance is None or each.limit is None or each.chance > each.limit:
        return "beyond the limit"
    return ""


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _named(lines: Iterable[LineRecord], is_broken: Callable[[LineRecord], bool]) -> list[str]:
    return [f"line {line.line}" for line in lines if is_broken(line)]


def _later(at: datetime | None, since: datetime | None, by: timedelta) -> bool:
    """Whether `at` is later than `since` by more than `by` plus CLOCKS, the possible difference
    between two clocks. Also true if `at` or `since` is None."""
    return at is None or since is None or at - since > by + CLOCKS
