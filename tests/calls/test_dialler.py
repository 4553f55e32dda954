"""Whole evenings on real lines: the dialler as a process of its own, Asterisk, and people who
answer."""

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from phonebank.calls.record import record as record_outcome
from phonebank.core.config import Config
from phonebank.core.db import db
from phonebank.models import (
    Call,
    Caller,
    CampaignMode,
    Contact,
    EndCause,
    Line,
    LineSide,
    LineState,
    PhoneSettings,
    now,
)
from phonebank.telephony.asterisk_backend import AsteriskBackend
from phonebank.telephony.backend import LineRef
from phonebank.telephony.events import EventKind, LineEvent
from phonebank.telephony.phases import Phase
from phonebank.telephony.record_events import record_event
from phonebank.telephony.sessions import connect, phone_of, set_ready, want_hang_up
from tests.calls.asterisk import PASSWORD, Asterisk
from tests.calls.test_asterisk_backend import SHOWN, config_for, loudness, record
from tests.factories import create_caller, create_campaign, create_contact, create_list
from tests.processes import Processes, within

pytestmark = [pytest.mark.calls, pytest.mark.usefixtures("clean_stores")]

ENDS = "+44770090%03d%d"
ANSWERS, HANGS_UP, BUSY, UNKNOWN, NOBODY, REFUSES, LATE, VERY_LATE = range(1, 9)


class Evening:
    """A campaign on real lines."""

    def __init__(self, config: Config, asterisk: Asterisk, log: Path) -> None:
        self.asterisk = asterisk
        self.backend = AsteriskBackend(config_for(asterisk))
        self.processes = Processes(
            config,
            log,
            settings={
                "TELEPHONY": "asterisk",
                "ASTERISK_URL": asterisk.url,
                "ASTERISK_PASSWORD": PASSWORD,
                "ASTERISK_SOFTPHONE_URL": asterisk.url.replace("http", "ws") + "/ws",
            },
        )
        self.campaign = create_campaign(mode=CampaignMode.PROGRESSIVE)
        db.session.add(
            PhoneSettings(campaign_id=self.campaign.id, shown_number=SHOWN, ring_seconds=15)
        )
        self.list = create_list(self.campaign)
        self.called_before = len(asterisk.called())
        db.session.commit()

    def people(self, *ends: int) -> list[str]:
        """Add people, each with what happens when they are called. Return their numbers."""
        numbers = [ENDS % (n, end) for n, end in enumerate(ends)]
        for number in numbers:
            create_contact(self.list, phone=number)
        db.session.commit()
        return numbers

    def caller(self, number: str) -> Caller:
        """A caller who has connected their own telephone, and is ready."""
        caller = create_caller(self.campaign, promised_at=datetime.now(UTC))
        connect(caller, number)
        set_ready(caller, True)
        db.session.commit()
        return caller

    def ring_for(self, seconds: int) -> None:
        db.session.get_one(PhoneSettings, self.campaign.id).ring_seconds = seconds
        db.session.commit()

    def start_dialler(self) -> None:
        self.processes.start_command("run-dialler")

    def kill_dialler(self) -> None:
        process = self.processes.running.pop()
        process.kill()
        process.wait()

    def wait(self, is_so: Callable[[], Any], seconds: float = 60) -> Any:
        """Wait until something is so in the tables, and return it."""
        found: Any = None

        def look() -> Any:
            nonlocal found
            db.session.rollback()
            db.session.expire_all()
            found = is_so()
            return found

        within(seconds, look, f"{[(x.side, x.state, x.cause) for x in self.lines()]}")
        return found

    def phase(self, caller: Caller) -> Phase:
        return phone_of(caller.id).phase

    def lines(self, side: LineSide | None = None) -> list[Line]:
        query = select(Line).where(Line.campaign_id == self.campaign.id).order_by(Line.id)
        found = db.session.scalars(query.execution_options(populate_existing=True))
        return [line for line in found if side in (None, line.side)]

    def people_lines(self) -> list[Line]:
        return self.lines(LineSide.PERSON)

    def calls(self) -> dict[str, Call]:
        query = select(Call).where(Call.campaign_id == self.campaign.id)
        found = db.session.scalars(query.execution_options(populate_existing=True))
        return {call.phone: call for call in found}

    def state_of(self, line_id: int) -> str | None:
        """The state of a line's channel in Asterisk, or None if it is gone."""
        channels = self.backend._ari.list_of("/channels")
        return next((x["state"] for x in channels if x["id"] == f"line-{line_id}"), None)

    def called(self) -> list[str]:
        """The people's telephones that were really called this evening, as often as they were."""
        all_called = self.asterisk.called()[self.called_before :]
        return [number for number in all_called if number.startswith("+44770090")]


@pytest.fixture
def evening(config: Config, app: Flask, asterisk: Asterisk, tmp_path: Path) -> Iterator[Evening]:
    with app.app_context():
        made = Evening(config, asterisk, tmp_path / "log")
        try:
            yield made
        finally:
            made.processes.stop()
            for channel in made.backend._ari.list_of("/channels"):
                made.backend._ari.ask("DELETE", f"/channels/{channel['id']}")
            print(made.processes.printed()[-3000:])


def talk(evening: Evening, caller: Caller) -> None:
    """Do what a volunteer does until nobody is left: talk, hang up, record."""

    def next_person() -> Any:
        phone = phone_of(caller.id)
        return phone if phone.phase in (Phase.TALKING, Phase.WRAPPING_UP) or phone.notice else None

    while not (phone := evening.wait(next_person, seconds=90)).notice:
        number = db.session.get_one(Call, phone.call_id).phone
        if not number.endswith(str(HANGS_UP)):
            time.sleep(0.5)
            want_hang_up(caller, phone.call_id)
            db.session.commit()
        evening.wait(lambda: evening.phase(caller) == Phase.WRAPPING_UP)
        record_outcome(caller, phone.call_id, "talked")
        db.session.commit()


def test_an_evening_of_progressive_calls(evening):
    numbers = evening.people(ANSWERS, BUSY, HANGS_UP, UNKNOWN, REFUSES, ANSWERS, NOBODY)
    caller = evening.caller("+442079460009")
    evening.start_dialler()
    talk(evening, caller)
    outcomes = {int(n[-1]): call.outcome for n, call in evening.calls().items()}
    assert outcomes == {
        ANSWERS: "talked",
        HANGS_UP: "talked",
        BUSY: "busy",
        REFUSES: "busy",
        UNKNOWN: "disconnected",
        NOBODY: "no_answer",
    }
    assert sorted(evening.called()) == sorted(numbers), "each person was called once"
    assert evening.asterisk.shown() == {SHOWN}
    # One line for the volunteer, which stayed all evening.
    assert len(evening.lines(LineSide.CALLER)) == 1
    for line in evening.people_lines():
        assert line.ended_at is not None
        if line.cause == EndCause.NO_ANSWER:
            assert (line.ended_at - line.dialled_at).total_seconds() >= 14.5
    # Nobody's number is in what the dialler wrote.
    printed = evening.processes.printed()
    assert not any(number[3:] in printed for number in (*numbers, "+442079460009"))


def test_the_dialler_is_killed_while_a_telephone_rings(evening):
    numbers = evening.people(VERY_LATE)
    evening.ring_for(40)
    caller = evening.caller("+442079460009")
    evening.start_dialler()
    evening.wait(lambda: [x for x in evening.people_lines() if x.state == LineState.RINGING])
    evening.kill_dialler()
    # The next dialler puts the person through.
    evening.start_dialler()
    evening.wait(lambda: evening.phase(caller) == Phase.TALKING)
    evening.kill_dialler()
    # Killed in the middle of a call, and the call goes on.
    assert evening.backend._ari.list_of("/bridges")[0]["channels"]
    evening.start_dialler()
    talk(evening, caller)
    assert evening.called() == numbers, "nobody was called twice"
    assert [call.outcome for call in evening.calls().values()] == ["talked"]
    assert all(line.cause for line in evening.people_lines()), "no line is unknown"


def test_a_person_who_answers_while_no_dialler_is_there_hears_who_called(evening):
    evening.people(VERY_LATE)
    evening.ring_for(40)
    caller = evening.caller("+442079460009")
    evening.start_dialler()
    [line] = evening.wait(lambda: [x for x in evening.people_lines() if x.dialled_at])
    caller_line = evening.lines(LineSide.CALLER)[0].id
    evening.wait(lambda: evening.people_lines()[0].state == LineState.RINGING)
    evening.kill_dialler()
    evening.wait(lambda: evening.state_of(line.id) is None, seconds=90)
    evening.start_dialler()
    line = evening.wait(lambda: [x for x in evening.people_lines() if x.ended_at])[0]
    assert (line.joined_at, line.cause) == (None, EndCause.HUNG_UP)
    assert line.message_at == line.answered_at
    assert line.dialled_at < line.answered_at < line.played_at <= line.ended_at
    assert (line.played_at - line.answered_at).total_seconds() >= 1, "all of it was played"
    contact = evening.wait(lambda: next(iter(db.session.scalars(select(Contact)))))
    evening.wait(lambda: contact.callable_at and contact.callable_at > now())
    assert (contact.callable_at - now()).total_seconds() > 71.9 * 3600
    # The caller's own line is still the one that was opened first.
    evening.wait(lambda: evening.phase(caller) in (Phase.WAITING, Phase.RESTING))
    assert [x.id for x in evening.lines(LineSide.CALLER)] == [caller_line]


@pytest.mark.parametrize("hangs_up", [True, False])
def test_who_listens_again_during_asterisks_message_knows_of_it(app, evening, hangs_up):
    evening.people(VERY_LATE)
    evening.ring_for(40)
    evening.caller("+442079460009")
    evening.start_dialler()
    [line] = evening.wait(lambda: [x for x in evening.people_lines() if x.dialled_at])
    evening.wait(lambda: evening.people_lines()[0].state == LineState.RINGING)
    evening.kill_dialler()
    within(60, lambda: evening.state_of(line.id) == "Up", "the person did not answer")

    def tell(event: LineEvent) -> None:
        with app.app_context():
            record_event(event)
            db.session.commit()

    evening.backend.listen(tell)
    try:
        evening.wait(lambda: evening.people_lines()[0].message_at, seconds=1.5)
        [told] = evening.backend.fetch([LineRef(line.id, None)])
        assert told.kind == EventKind.PLAYING
        if hangs_up:
            evening.backend._ari.ask("DELETE", f"/channels/line-{line.id}")
        line = evening.wait(lambda: [x for x in evening.people_lines() if x.ended_at])[0]
    finally:
        evening.backend.close()
    assert line.message_at == line.answered_at < line.ended_at
    assert (line.played_at is None) == hangs_up
    assert (line.joined_at, line.cause) == (None, EndCause.HUNG_UP)


def test_a_caller_who_answers_while_no_dialler_is_there_is_kept(evening):
    caller = evening.caller("+442079460008")
    evening.start_dialler()
    [line] = evening.wait(lambda: [x for x in evening.lines() if x.state == LineState.RINGING])
    evening.kill_dialler()
    evening.wait(lambda: evening.state_of(line.id) == "Up")
    evening.start_dialler()
    evening.wait(lambda: evening.lines()[0].state == LineState.ANSWERED)
    assert [x.id for x in evening.lines()] == [line.id]
    assert evening.phase(caller) != Phase.OFF


def test_asterisk_is_killed_in_the_middle_of_a_call(evening):
    numbers = evening.people(ANSWERS, BUSY)
    caller = evening.caller("+442079460009")
    evening.start_dialler()
    phone = evening.wait(lambda: (p := phone_of(caller.id)).phase == Phase.TALKING and p)
    evening.asterisk.kill()
    evening.asterisk.start()
    # The call is not lost: it waits for how it ended. The lines are known to be gone.
    evening.wait(lambda: evening.phase(caller) == Phase.WRAPPING_UP)
    evening.wait(lambda: all(x.ended_at for x in evening.lines() if x.call_id == phone.call_id))
    record_outcome(caller, phone.call_id, "talked")
    db.session.commit()
    evening.wait(lambda: evening.phase(caller) == Phase.OFF)
    connect(caller, "+442079460009")
    set_ready(caller, True)
    db.session.commit()
    talk(evening, caller)
    assert sorted(evening.called()) == sorted(numbers), "nobody was called twice"
    assert sorted(call.outcome for call in evening.calls().values()) == ["busy", "talked"]
    lost = [line.cause for line in evening.lines() if line.cause == EndCause.LOST]
    assert len(lost) == 2


def test_a_person_for_whom_nobody_is_there_hears_who_called(evening):
    evening.people(LATE)
    # This volunteer's telephone hangs up after two seconds, while the person's still rings.
    evening.caller("+442079460002")
    evening.start_dialler()
    live = LineState.ANSWERED
    [line] = evening.wait(lambda: [x for x in evening.people_lines() if x.state == live])
    name = record(evening.backend, f"line-{line.id}")
    line = evening.wait(lambda: [x for x in evening.people_lines() if x.ended_at])[0]
    assert line.played_at is not None
    assert line.joined_at is None
    assert (line.played_at - line.answered_at).total_seconds() < 2 + 2.5, "it began within two"
    assert loudness(evening.asterisk, name) > 300
    contact = evening.wait(lambda: next(iter(db.session.scalars(select(Contact)))))
    evening.wait(lambda: contact.callable_at and contact.callable_at > now())
    assert (contact.callable_at - now()).total_seconds() > 71.9 * 3600
