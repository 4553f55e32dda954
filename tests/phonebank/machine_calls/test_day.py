"""A day's records, read from the rows that calls by machine leave."""

import io
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import count

import pytest

from phonebank.core.db import db
from phonebank.dialler import day_account
from phonebank.machine_calls.day import days_of, proof_of, records_of
from phonebank.machine_calls.decisions import keep_decision
from phonebank.models import Call, CallEnding, Campaign, EndCause, Line, LineSide, LineState
from phonebank.pacing.learner import Learner
from phonebank.pacing.records import (
    DecisionRecord,
    LineRecord,
    LineResult,
    read_records,
    write_records,
)
from phonebank.pacing.rule import lines_ahead, progressive
from phonebank.pacing.snapshot import DayAccount, Snapshot
from tests.factories import (
    create_caller,
    create_campaign,
    create_contact,
    create_list,
    own_number,
)

pytestmark = pytest.mark.usefixtures("clean_stores")

DAY = date(2026, 7, 14)
# British summer time: the day begins an hour before midnight in UTC.
_numbers = count()
EVENING = datetime(2026, 7, 14, 18, tzinfo=UTC)


class Rows:
    """A campaign to which a test adds lines."""

    def __init__(self) -> None:
        self.campaign: Campaign = create_campaign()
        self._contact = create_contact(create_list(self.campaign))
        self._caller = create_caller(self.campaign)

    def line(
        self,
        *,
        at: datetime = EVENING,
        answered: float | None = None,
        joined: float | None = None,
        message: float | None = None,
        ended: float | None = 25,
        outcome: str | None = None,
        reached: bool = False,
        phone: str | None = None,
        decision: int | None = None,
    ) -> Line:
        """Add a line to a person; times are seconds after it was dialled."""

        def moment(seconds: float | None) -> datetime | None:
            return None if seconds is None else at + timedelta(seconds=seconds)

        contact, caller = self._contact, self._caller
        call = Call(
            campaign_id=self.campaign.id,
            contact_id=contact.id,
            caller_id=caller.id,
            phone=phone or own_number(next(_numbers)),
            started_at=at,
            expires_at=at + timedelta(minutes=5),
            ended_at=at + timedelta(minutes=2),
            ending=CallEnding.RECORDED if outcome else CallEnding.TAKEN_AWAY,
            outcome=outcome,
            reached=reached,
        )
        db.session.add(call)
        db.session.flush()
        line = Line(
            campaign_id=self.campaign.id,
            call_id=call.id,
            contact_id=contact.id,
            caller_id=caller.id,
            side=LineSide.PERSON,
            backend="simulator",
            state=LineState.ENDED,
            cause=EndCause.HUNG_UP if answered is not None else EndCause.NO_ANSWER,
            decision_id=decision,
            created_at=at,
            dialled_at=at,
            shows_number=True,
            answered_at=moment(answered),
            joined_at=moment(joined),
            message_at=moment(message),
            ended_at=moment(ended),
        )
        db.session.add(line)
        db.session.flush()
        return line

    def vanish(self, line: Line) -> None:
        """The caller's own line ends just before the person's."""
        own = Line(
            campaign_id=self.campaign.id,
            caller_id=line.caller_id,
            side=LineSide.CALLER,
            backend="simulator",
            state=LineState.ENDED,
            created_at=line.created_at,
            ended_at=line.ended_at,
        )
        db.session.add(own)
        db.session.flush()


def results(rows: Rows, day: date = DAY) -> list[LineResult]:
    records = records_of(rows.campaign, day)
    return [record.result for record in records if isinstance(record, LineRecord)]


@pytest.fixture
def rows(app_context) -> Rows:
    return Rows()


def test_each_line_is_one_of_its_ways_to_end(rows: Rows) -> None:
    rows.line()
    rows.line(answered=8, joined=8.1, ended=90, outcome="talked", reached=True)
    rows.line(answered=18, joined=18.1, ended=25, outcome="voicemail")
    rows.line(answered=8, message=10, ended=20)
    rows.vanish(rows.line(at=EVENING + timedelta(hours=1), answered=8, joined=8.1, ended=60))
    rows.line(answered=8, joined=8.1, ended=None)
    rows.line(answered=8, joined=8.1, ended=50)  # nobody has recorded how it ended
    ways = ["unanswered", "person", "machine", "abandoned", "lost", "open", "open"]
    assert results(rows) == ways
    account = DayAccount(people=1, machines=1, abandoned=1, lost=1)
    assert day_account.account_of(rows.campaign, EVENING) == account, "the rule counts the same"


def test_a_day_is_the_campaigns_own_and_other_campaigns_lines_are_not_in_it(rows: Rows) -> None:
    rows.line(at=datetime(2026, 7, 13, 23, 30, tzinfo=UTC))  # half past midnight in London
    rows.line(at=datetime(2026, 7, 14, 23, 30, tzinfo=UTC))
    Rows().line()
    assert len(results(rows)) == 1
    assert days_of(rows.campaign, DAY + timedelta(days=9)) == [date(2026, 7, 15), DAY]


def broken(rows: Rows) -> list[str]:
    findings = proof_of(rows.campaign, records_of(rows.campaign, DAY))
    return [finding.rule.split(",")[0] for finding in findings if not finding.is_kept]


def test_a_day_that_kept_every_rule(rows: Rows) -> None:
    for _ in range(20):
        rows.line(answered=8, joined=8.1, ended=90, outcome="talked", reached=True)
    rows.line(answered=8, message=10, ended=20)
    rows.line(answered=8, ended=8.5)  # they hung up at once
    rows.line()
    assert broken(rows) == ["At most 3 of 100 people who answer in a day find nobody to talk to"]
    for _ in range(50):
        rows.line(answered=8, joined=8.1, ended=90, outcome="talked", reached=True)
    assert broken(rows) == []


def test_each_rule_is_found_broken_by_the_line_that_breaks_it(rows: Rows) -> None:
    for _ in range(80):
        rows.line(answered=8, joined=8.1, ended=90, outcome="talked", reached=True)
    late = rows.line(answered=8, message=12, ended=20, phone="+441632960001")
    short = rows.line(ended=9)
    hidden = rows.line()
    hidden.shows_number = None
    decision = keep(rows, lines=3)
    again = rows.line(at=EVENING + timedelta(hours=1), phone="+441632960001", decision=decision)
    # A caller is kept free for this one, so the number need not rest.
    rows.line(at=EVENING + timedelta(hours=2), phone="+441632960001")
    found = proof_of(rows.campaign, records_of(rows.campaign, DAY))
    assert [finding.broken for finding in found] == [
        [],
        [f"line {late.id}"],
        [f"line {again.id}"],
        [f"line {short.id}"],
        [f"line {hidden.id}"],
        [],
    ]


def test_a_number_rests_from_a_day_and_a_campaign_before(rows: Rows) -> None:
    elsewhere = Rows()
    elsewhere.line(at=EVENING - timedelta(days=2), answered=5, ended=9, phone="+441632960002")
    again = rows.line(phone="+441632960002", decision=keep(rows, lines=1))
    found = proof_of(rows.campaign, records_of(rows.campaign, DAY))
    assert found[2].broken == [f"line {again.id}"]


def moment_of(account: DayAccount) -> Snapshot:
    learned = Learner(25).learned(0, [], [])
    return Snapshot(8, [60.0] * 12, [5.0], [3.0], 0, account, learned)


def keep(rows: Rows, lines: int | None = None) -> int:
    moment = moment_of(DayAccount(900, 1100, 20))
    decision = lines_ahead(moment, allowed=30)
    if lines is not None:
        decision = replace(decision, lines=lines)
    kept = keep_decision(rows.campaign.id, moment, decision, EVENING)
    assert kept is not None
    return kept.id


def test_a_decision_is_kept_with_what_it_was_made_from(rows: Rows) -> None:
    moment = moment_of(DayAccount(900, 1100, 20, 2))
    decision = lines_ahead(moment, allowed=30)
    keep_decision(rows.campaign.id, moment, decision, EVENING)
    (record,) = records_of(rows.campaign, DAY)
    assert isinstance(record, DecisionRecord)
    assert (record.lines, record.stop) == (decision.lines, decision.stop)
    assert (record.ready, record.talking, record.wrapping_up, record.ringing) == (8, 12, 1, 1)
    assert (record.people, record.machines, record.abandoned, record.lost) == (900, 1100, 20, 2)
    assert (record.limit, record.chance) == (decision.limit, decision.chance)
    assert keep_decision(rows.campaign.id, moment, progressive(moment), EVENING) is None


def test_a_file_has_the_same_records_and_no_number(rows: Rows) -> None:
    keep(rows)
    line = rows.line(answered=8, message=10, ended=20)
    rows.line(phone=db.session.get_one(Call, line.call_id).phone)
    records = records_of(rows.campaign, DAY)
    file = io.StringIO()
    write_records(file, records)
    file.seek(0)
    assert list(read_records(file)) == records
    assert "+44" not in file.getvalue()
    first, second = (record for record in records if not isinstance(record, DecisionRecord))
    assert first.number_key == second.number_key != ""
