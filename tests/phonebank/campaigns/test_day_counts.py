"""The figures of a campaign's tabs equal a recount of its calls, before and after the job."""

import random
from collections import Counter
from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from flask import Flask
from sqlalchemy import select

from phonebank.campaigns import day_counts
from phonebank.campaigns.jobs import count_days
from phonebank.campaigns.outcome_figures import OutcomeFigures, outcome_figures, share_group
from phonebank.campaigns.progress import AnswerFilter, answers_by_question
from phonebank.core.db import db
from phonebank.models import Answer, Call, Caller, Contact, ContactList, Party, now
from phonebank.organisers.campaigns.today import figures_of
from phonebank.roster.campaign_callers import admitted_callers
from phonebank.rules.outcomes import OUTCOMES
from phonebank.tallies import totals
from phonebank.tallies.bars import days_of
from phonebank.tallies.totals import totals_by_hour
from scripts_library.library import source_of
from tests.factories import create_list, create_party, create_script
from tests.phonebank.live.party_room import Room, open_room

LONDON = ZoneInfo("Europe/London")
KEYS = [key for key, outcome in OUTCOMES.items() if key != "skipped"]


class Evenings:
    """Some evenings of calls in two lists and two parties, on both sides of midnight."""

    def __init__(self) -> None:
        self.chance = random.Random(7)
        self.room: Room = open_room()
        self.campaign = self.room.campaign
        self.version = create_script(self.campaign, source_of("persuasive-conversation", "en")).id
        self.lists: list[ContactList] = [self.room.contact_list, create_list(self.campaign)]
        self.parties: list[Party] = [
            self.room.party,
            create_party(self.campaign, self.room.host, title="Barn"),
        ]
        self.callers: list[Caller] = [self.room.join(name) for name in ("Sam", "Priya", "Mo")]
        self.contacts: list[Contact] = [
            Contact(campaign_id=self.campaign.id, contact_list_id=listed.id, phone=f"+99900{n}")
            for n, listed in enumerate(self.lists)
        ]
        db.session.add_all(self.contacts)
        db.session.flush()

    def call(self, at: datetime) -> Call:
        outcome = self.chance.choice(KEYS)
        talked = outcome == "talked"
        call = Call(
            campaign_id=self.campaign.id,
            contact_id=self.chance.choice(self.contacts).id,
            caller_id=self.chance.choice(self.callers).id,
            party_id=self.chance.choice(self.parties).id,
            script_version_id=self.version,
            phone="",
            started_at=at,
            expires_at=at,
            ended_at=at,
            ending="recorded",
            recorded_at=at,
            outcome=outcome,
            reached=OUTCOMES[outcome].reached,
            conversation=talked,
            yes=talked and self.chance.random() < 0.5,
            counted=True,
        )
        db.session.add(call)
        db.session.flush()
        if talked:
            for step, value in (
                ("rating_before", str(self.chance.randrange(11))),
                ("vote_ask", "probably"),
            ):
                db.session.add(Answer(call_id=call.id, step_id=step, value=value))
        totals.add_call(call, 1)
        return call

    def call_for_days(self, calls: int) -> list[Call]:
        begin = now() - timedelta(days=3)
        made = [self.call(begin + self.chance.random() * timedelta(days=3)) for _ in range(calls)]
        db.session.commit()
        return made

    def figures(self) -> OutcomeFigures:
        by_hour = totals_by_hour(self.campaign.id)
        return outcome_figures(self.campaign, by_hour, LONDON)

    def counted(self) -> list[Call]:
        db.session.expire_all()
        return list(db.session.scalars(select(Call).where(Call.counted)))

    def check(self) -> None:
        """Assert that every figure of the tabs equals a recount in plain Python."""
        calls = self.counted()
        list_of = {contact.id: contact.contact_list_id for contact in self.contacts}
        shown = self.figures()
        assert {key: number for share in shown.shares for key, number in share.outcomes} == Counter(
            call.outcome for call in calls
        )
        assert {share.key: share.calls for share in shown.shares if share.calls} == Counter(
            share_group(str(call.outcome)) for call in calls
        )
        rates = Counter(
            (list_of[call.contact_id], _local(call).hour, call.reached) for call in calls
        )
        assert {
            (list_id, hour): (rate.calls, rate.reached)
            for list_id, hours in shown.rates.items()
            for hour, rate in hours.items()
        } == {
            (list_id, hour): (
                rates[list_id, hour, True] + rates[list_id, hour, False],
                rates[list_id, hour, True],
            )
            for list_id, hour, _ in rates
        }
        today = figures_of(self.campaign, now())
        of_today = [
            call for call in calls if _local(call).date() == now().astimezone(LONDON).date()
        ]
        for seen, expected in ((today.totals, calls), (today.over_time.today, of_today)):
            assert (seen.calls, seen.reached, seen.conversations, seen.yeses) == (
                len(expected),
                sum(call.reached for call in expected),
                sum(call.conversation for call in expected),
                sum(call.yes for call in expected),
            )
        self.check_answers(calls, AnswerFilter(), lambda call: True)
        barn, ward = self.parties[1].id, self.lists[0].id
        self.check_answers(calls, AnswerFilter(party_id=barn), lambda call: call.party_id == barn)
        self.check_answers(
            calls, AnswerFilter(list_id=ward), lambda call: list_of[call.contact_id] == ward
        )
        day = _local(calls[0]).date()
        self.check_answers(
            calls, AnswerFilter(day=day, party_id=barn, version_id=self.version),
            lambda call: _local(call).date() == day and call.party_id == barn,
        )  # fmt: skip
        self.check_answers(calls, AnswerFilter(day=date(1999, 1, 1)), lambda call: False)
        for row in admitted_callers(self.campaign, now() - timedelta(days=1), sort="share"):
            own = [call for call in calls if call.caller_id == row.caller.id]
            hours = {totals.hour_of(call.recorded_at) for call in own if call.recorded_at}
            assert (row.calls, row.conversations, row.hours) == (
                len(own),
                sum(call.conversation for call in own),
                len(hours),
            )

    def check_answers(
        self, calls: list[Call], chosen: AnswerFilter, is_chosen: Callable[[Call], bool]
    ) -> None:
        ids = [call.id for call in calls if is_chosen(call)]
        said: Counter[tuple[str, Any]] = Counter(
            (answer.step_id, answer.value)
            for answer in db.session.scalars(select(Answer).where(Answer.call_id.in_(ids)))
        )
        figures = answers_by_question(self.campaign, chosen)
        scale, choice = figures.questions[:3], figures.questions
        numbers = [
            count.number for question in scale if question.is_scale for count in question.answers
        ][:11]
        assert numbers == [said["rating_before", str(number)] for number in range(11)]
        given = sum(question.people for question in choice)
        assert given == said.total()


def _local(call: Call) -> datetime:
    assert call.recorded_at is not None
    return call.recorded_at.astimezone(LONDON)


@pytest.fixture
def evenings(app_context: Flask) -> Evenings:
    return Evenings()


def test_figures_equal_a_recount_after_any_reader(
    evenings: Evenings, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = evenings.call_for_days(150)
    evenings.check()  # counted by the reader
    count_days()
    monkeypatch.setattr(day_counts, "COUNTED_BY_READERS", 0)
    assert evenings.figures().fresh.is_current
    evenings.check()  # read from the tables
    # A caller undoes a call, and an organiser corrects another: both are of days that were counted.
    totals.add_call(made[0], -1)
    made[0].counted = False
    totals.add_call(made[1], -1)
    made[1].outcome, made[1].reached = "no_answer", False
    made[1].conversation = made[1].yes = False
    totals.add_call(made[1], 1)
    db.session.commit()
    behind = evenings.figures().fresh
    assert not behind.is_current
    assert behind.as_of is not None
    monkeypatch.setattr(day_counts, "REST_TIMES", 0)
    count_days()
    assert evenings.figures().fresh.is_current
    evenings.check()
    count_days()  # a second time changes nothing
    evenings.check()


def test_a_day_that_takes_long_to_count_rests(evenings: Evenings) -> None:
    evenings.call(now())
    db.session.commit()
    count_days()
    at = now()
    days = days_of(totals_by_hour(evenings.campaign.id), LONDON)
    assert day_counts.days_to_count(evenings.campaign.id, days, at) == []
    evenings.call(at)
    db.session.commit()
    days = days_of(totals_by_hour(evenings.campaign.id), LONDON)
    db.session.execute(day_counts._TOOK, {
        "id": evenings.campaign.id, "day": at.astimezone(LONDON).date(), "took": 10_000,
    })  # fmt: skip
    assert day_counts.days_to_count(evenings.campaign.id, days, at) == []
    later = at + timedelta(seconds=10 * day_counts.REST_TIMES + 1)
    assert day_counts.days_to_count(evenings.campaign.id, days, later) == [
        at.astimezone(LONDON).date()
    ]
