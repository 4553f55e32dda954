"""Makes the calls of one campaign. Several times a second, the dialler reads the state of the
campaign's callers and lines from the database, and does what is due. A line is one telephone
connection, either to a caller or to a person."""

import time
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

from phonebank.core.db import db
from phonebank.dialler.conclude import conclude
from phonebank.dialler.connect import end_if_over, follow_caller_line, make_line
from phonebank.dialler.dial import dial, end_here, take_answer
from phonebank.dialler.people import PersonLines
from phonebank.dialler.predictive import Predictive
from phonebank.dialler.progressive import claim_for, is_due
from phonebank.dialler.rows import CallerRow, LineRow, callers_of, open_lines_of, unjoined_of
from phonebank.dialler.switchboard import DIAL, FETCH, PLAY_MESSAGE, Switchboard
from phonebank.live.caller_events import PHONE, emit_to_callers
from phonebank.models import (
    Campaign,
    CampaignMode,
    EndCause,
    LineSide,
    LineState,
    PhoneSettings,
    now,
)
from phonebank.telephony.backend import Backend, BackendUnavailableError, LineRef
from phonebank.telephony.phases import Phase
from phonebank.telephony.record_events import record_event
from phonebank.telephony.sessions import end_session
from phonebank.telephony.spending import spending_of

# How often the provider is asked about all open lines, in seconds, because events may be lost.
FETCHES_EVERY = 5.0
FETCHES_SOON = 1.0  # while a person is being put through to a caller
# How often a campaign with a limit counts what its lines have cost, in seconds.
SPENDING_READ_EVERY = 5.0
SPENDING_READ_SOON = 1.0  # when the limit is near
# The provider is not asked about a line until this long after the line was dialled.
SETTLES_WITHIN = timedelta(seconds=2)


class CampaignDialler:
    """Makes the calls of one campaign. Each time that `turn` runs, it looks at all callers and
    lines once, and dials, joins or ends lines where that is due. The process that creates this
    object must hold the campaign's lock (see `locks`)."""

    def __init__(self, campaign_id: int, backend: Backend) -> None:
        self._campaign_id = campaign_id
        self._switchboard = Switchboard(backend)
        self._people = PersonLines(self._switchboard)
        self._predictive = Predictive(campaign_id, self._switchboard, self._people)
        self._fetched_at = float("-inf")  # so the first turn asks about the open lines
        self._phases: dict[int, Phase] = {}
        self._spending_read_at = float("-inf")
        self._is_over_budget = self._is_near_budget = False

    def turn(self) -> None:
        """Do what is due now. Commits several times."""
        for verb, line_id, answer in self._switchboard.collect():
            self._take(verb, line_id, answer)
        campaign = db.session.get_one(Campaign, self._campaign_id, populate_existing=True)
        settings = self._settings()
        self._fetch()
        self._read_spending(campaign, settings)
        lines = open_lines_of(self._campaign_id)
        callers = callers_of(self._campaign_id)
        if self._is_predictive(campaign, settings):
            calling = _still_calling(callers)
            self._people.has_callers = any(c.situation.is_connected for c in calling)
            if self._predictive.assign(campaign, calling, lines):
                callers = callers_of(self._campaign_id)
                lines = open_lines_of(self._campaign_id)
        self._follow_lines(lines, settings)
        if campaign.mode.dials_first:
            for row in unjoined_of(self._campaign_id):
                conclude(row)
        # A person who answers may need any caller who is free.
        is_calling = any(line.side == LineSide.PERSON and line.caller_id is None for line in lines)
        for caller in callers:
            over_budget = self._is_over_budget and not is_calling
            if caller.call_id is None and (caller.calling_has_ended or over_budget):
                end_session(caller.caller_id)  # the caller's line costs money too
                db.session.commit()
            else:
                self._follow_caller(caller, campaign, settings)
        if self._is_predictive(campaign, settings) and not self._is_over_budget:
            self._predictive.dial(campaign, settings, _still_calling(callers), lines)
        self._notify_callers(callers)
        db.session.commit()

    def leave_nobody_waiting(self) -> None:
        """Make sure that nobody who has answered stays on a silent line. If a caller was chosen for
        the person's call and is on the telephone, ask the provider to join the two. Otherwise, play
        the information message, because no later turn can find a caller. Commits several times."""
        for line in open_lines_of(self._campaign_id):
            if line.side == LineSide.PERSON and line.is_live:
                self._people.leave_nobody_waiting(line, now())
        db.session.commit()

    def ask_provider(self) -> None:
        """Ask the provider for the states of the open lines that have been dialled. Wait for the
        answer, and store it. If the provider does not answer, store nothing. If the provider sends
        webhooks, don't ask, because webhooks are stored even if no dialler runs. Commits."""
        backend = self._switchboard.backend
        asked = self._dialled_before(now())
        db.session.commit()
        if not asked or backend.sends_webhooks:
            return
        with suppress(BackendUnavailableError):
            self._take(FETCH, 0, backend.fetch(asked))

    def close(self) -> None:
        """Wait until each command that was sent to the telephone provider has been answered or has
        failed."""
        self._switchboard.close()

    def _take(self, verb: str, line_id: int, answer: Any) -> None:
        if verb == FETCH:
            for event in answer if isinstance(answer, list) else ():
                record_event(event)
                db.session.commit()
        elif verb == DIAL:
            take_answer(line_id, answer)
        elif verb == PLAY_MESSAGE:
            self._people.take_message_answer(line_id, isinstance(answer, Exception))

    def _fetch(self) -> None:
        at = time.monotonic()
        every = FETCHES_SOON if self._people.is_waiting(now()) else FETCHES_EVERY
        if self._switchboard.is_fetching or at - self._fetched_at < every:
            return
        asked = self._dialled_before(now() - SETTLES_WITHIN)
        if asked:
            self._fetched_at = at
            self._switchboard.fetch(asked)

    def _dialled_before(self, moment: datetime) -> list[LineRef]:
        """Return the open lines that were dialled before `moment`. Leave out each line for which
        the provider has not answered the request to dial yet."""
        return [
            line.ref
            for line in open_lines_of(self._campaign_id)
            if line.dialled_at is not None
            and line.dialled_at < moment
            and not self._switchboard.is_dialling(line.id)
        ]

    def _follow_lines(self, lines: list[LineRow], settings: PhoneSettings) -> None:
        at = now()
        self._people.forget_ended({line.id for line in lines})
        for line in lines:
            if self._switchboard.is_dialling(line.id):
                continue
            is_new = line.state == LineState.WANTED and line.dialled_at is None
            if line.side == LineSide.CALLER and not is_new:
                follow_caller_line(line, at, lines, self._switchboard)
            elif line.side == LineSide.CALLER and line.is_on:
                if line.number:
                    dial(line, settings, self._switchboard)
                else:
                    follow_caller_line(line, at, lines, self._switchboard)
            elif line.side == LineSide.CALLER:
                end_here(line.id, EndCause.CANCELLED)
            elif not is_new:
                self._people.follow(line, at)
            elif self._may_be_called(line):
                dial(line, settings, self._switchboard)
            else:
                end_here(line.id, EndCause.CANCELLED)

    def _may_be_called(self, line: LineRow) -> bool:
        is_there = line.own_ref is not None or (line.caller_id is None and self._people.has_callers)
        is_wanted = line.call_is_open and is_there and line.end_wanted_at is None
        return is_wanted and not self._is_over_budget

    def _settings(self) -> PhoneSettings:
        settings = db.session.get(PhoneSettings, self._campaign_id, populate_existing=True)
        return settings or PhoneSettings(campaign_id=self._campaign_id, shown_number="")

    @staticmethod
    def _is_predictive(campaign: Campaign, settings: PhoneSettings) -> bool:
        return (
            campaign.mode == CampaignMode.PREDICTIVE
            and settings.law_confirmed_at is not None
            and bool(settings.shown_number)
        )

    def _calls_for_each(self, campaign: Campaign, settings: PhoneSettings) -> bool:
        is_progressive = campaign.mode.dials_first and bool(settings.shown_number)
        return is_progressive and not self._is_predictive(campaign, settings)

    def _read_spending(self, campaign: Campaign, settings: PhoneSettings) -> None:
        at = time.monotonic()
        every = SPENDING_READ_SOON if self._is_near_budget else SPENDING_READ_EVERY
        if settings.day_budget is None:
            self._is_over_budget = self._is_near_budget = False
        elif at - self._spending_read_at >= every:
            self._spending_read_at = at
            spent = spending_of(campaign, settings.day_budget, now())
            self._is_over_budget, self._is_near_budget = spent.is_over, spent.is_near

    def _follow_caller(
        self, caller: CallerRow, campaign: Campaign, settings: PhoneSettings
    ) -> None:
        at = now()
        if campaign.mode == CampaignMode.MANUAL:
            end_session(caller.caller_id)
            db.session.commit()
        elif not end_if_over(caller, at):
            if caller.line_id is None:
                make_line(self._campaign_id, caller, self._switchboard.backend.name)
            elif (
                self._calls_for_each(campaign, settings)
                and is_due(caller, at)
                and not self._is_over_budget
            ):
                claim_for(caller, self._switchboard.backend.name)

    def _notify_callers(self, callers: list[CallerRow]) -> None:
        phases = {caller.caller_id: caller.situation.phase for caller in callers}
        changed = [
            caller_id
            for caller_id in phases.keys() | self._phases.keys()
            if phases.get(caller_id) != self._phases.get(caller_id)
        ]
        self._phases = phases
        if changed:
            emit_to_callers(changed, PHONE)


def _still_calling(callers: list[CallerRow]) -> list[CallerRow]:
    """Return the callers whose campaign and party have not ended. Only they may get a person."""
    return [caller for caller in callers if not caller.calling_has_ended]
