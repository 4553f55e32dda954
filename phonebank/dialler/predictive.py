"""Predictive calling: dials more lines than there are ready callers, as far as `pacing.rule`
allows. Commits.

A call has no caller until the person answers. Then one of the ready callers who may call this
person takes the call: the one who has waited longest.
"""

from datetime import datetime, timedelta

from sqlalchemy import select, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import joinedload

from phonebank.calls.claim import refuse
from phonebank.contact_queue.caller_filters import filter_of, may_get
from phonebank.contact_queue.campaign_hours import rules_of
from phonebank.core.db import db
from phonebank.core.errors import PhonebankError
from phonebank.dialler.claim_people import claim_people
from phonebank.dialler.day_account import account_of
from phonebank.dialler.people import PersonLines
from phonebank.dialler.progressive import is_due, set_notice
from phonebank.dialler.rows import CallerRow, LineRow
from phonebank.dialler.switchboard import Switchboard
from phonebank.dialler.watch import Watch
from phonebank.machine_calls.decisions import keep_decision
from phonebank.models import Caller, Campaign, Contact, LineSide, PhoneSettings, now
from phonebank.pacing.rule import lines_to_dial
from phonebank.pacing.snapshot import Law, Snapshot
from phonebank.telephony.phases import Phase

# How often the rule is asked.
ASKS_EVERY = timedelta(seconds=0.5)
CHOSEN_PEOPLE = (
    "An organiser or your host has chosen which people you call. You can't call only them,"
    " because this campaign calls several people at once. Tell your host or organiser."
)
NOBODY_LEFT = "There's nobody to call right now. We'll try again every few seconds."

_TAKE = text("""
WITH taken AS (
    UPDATE call SET caller_id = :caller_id, party_id = CAST(:party_id AS integer),
        started_at = :at, expires_at = :until, handed_out_no = nextval('call_handed_out_no')
    WHERE id = :call_id AND caller_id IS NULL AND ended_at IS NULL RETURNING id
)
UPDATE line SET caller_id = :caller_id FROM taken WHERE line.call_id = taken.id
RETURNING line.id
""")
_CALLERS = select(Caller).options(joinedload(Caller.campaign), joinedload(Caller.party))


class Predictive:
    """The predictive calls of one campaign."""

    def __init__(self, campaign_id: int, switchboard: Switchboard, people: PersonLines) -> None:
        self._campaign_id = campaign_id
        self._backend = switchboard.backend.name
        self._people = people
        self._watch: Watch | None = None
        self._asked_at: datetime | None = None

    def assign(self, campaign: Campaign, callers: list[CallerRow], lines: list[LineRow]) -> bool:
        """Give ready callers the people who have answered. A person who has waited longer comes
        first. Each person goes to one of the callers who may call this person: the one who has
        waited longest. Return whether any caller got a person."""
        answered = [line for line in lines if self._is_nobodys(line) and line.is_live]
        answered.sort(key=lambda line: (line.answered_at or line.created_at, line.id))
        ready = self._ready(callers) if answered else []
        given = 0
        for line in answered:
            for caller in ready:
                if self._take(line, caller, campaign):
                    ready.remove(caller)
                    given += 1
                    break
        return given > 0

    def dial(
        self,
        campaign: Campaign,
        settings: PhoneSettings,
        callers: list[CallerRow],
        lines: list[LineRow],
    ) -> None:
        """Learn from the callers and lines. Then ask the pacing rule how many lines to dial now,
        claim up to that many people, and store a line to each person.

        Do not ask the rule if it was last asked less than half a second ago, if the campaign is not
        running, or if no caller is connected. If the rule is asked, also store a notice for each
        ready caller who may not take a call now. If the rule wants lines, but nobody could be
        claimed and no person is being called, store a notice for the other ready callers too.
        """
        at = now()
        self._watch = self._watch or Watch(settings.ring_seconds)
        self._watch.see(callers, lines, at)
        if self._asked_at is not None and at - self._asked_at < ASKS_EVERY:
            return
        self._asked_at = at
        if not campaign.is_running or not any(c.situation.is_connected for c in callers):
            return
        ready_ids = {caller.id for caller in self._ready(callers)}
        waiting = [caller for caller in callers if caller.caller_id in ready_ids]
        self._notify_others(callers, ready_ids, at)
        moment = self._moment(campaign, waiting, callers, lines, at)
        decision = lines_to_dial(moment)
        kept = keep_decision(campaign.id, moment, decision, at)
        db.session.commit()
        wanted, decision_id = decision.lines, kept.id if kept else None
        if wanted and claim_people(campaign, wanted, self._backend, decision_id) == 0:
            for caller in waiting:
                if is_due(caller, at) and not any(self._is_nobodys(line) for line in lines):
                    set_notice(caller.caller_id, NOBODY_LEFT)

    def _moment(
        self,
        campaign: Campaign,
        waiting: list[CallerRow],
        callers: list[CallerRow],
        lines: list[LineRow],
        at: datetime,
    ) -> Snapshot:
        people = [line for line in lines if line.side == LineSide.PERSON]
        ringing = [
            (at - (line.dialled_at or at)).total_seconds() for line in people if not line.is_live
        ]
        # Callers who finish or take a break after this call will take no other call.
        coming_back = [c for c in callers if c.ready_at is not None and not c.finishing]
        talking = [
            (at - caller.joined_at).total_seconds()
            for caller in coming_back
            if caller.situation.phase == Phase.TALKING and caller.joined_at
        ]
        wrapping_up = [
            (at - caller.left_at).total_seconds()
            for caller in coming_back
            if caller.situation.phase == Phase.WRAPPING_UP and caller.left_at
        ]
        unjoined = [
            line
            for line in people
            if line.is_live and line.joined_at is None and not self._people.has_message(line)
        ]
        if self._watch is None:
            raise RuntimeError("The rule was asked before anything was seen.")
        return Snapshot(
            ready=len(waiting),
            talking=talking,
            wrapping_up=wrapping_up,
            ringing=ringing,
            waiting=len(unjoined),
            account=account_of(campaign, at),
            law=law_of(campaign),
            learned=self._watch.learned(at, ringing, talking),
        )

    def _is_nobodys(self, line: LineRow) -> bool:
        is_open = line.side == LineSide.PERSON and line.call_is_open
        return is_open and line.caller_id is None and not self._people.has_message(line)

    def _ready(self, callers: list[CallerRow]) -> list[Caller]:
        """Return the callers who may take a call now, starting with those who have waited
        longest."""
        ids = [
            caller.caller_id
            for caller in callers
            if caller.situation.phase == Phase.WAITING
            and caller.call_id is None
            and not caller.finishing
        ]
        query = _CALLERS.where(Caller.id.in_(ids)).execution_options(populate_existing=True)
        found = {caller.id: caller for caller in db.session.scalars(query)}
        return [found[i] for i in ids if i in found and not _why_not(found[i])]

    def _notify_others(self, callers: list[CallerRow], ready_ids: set[int], at: datetime) -> None:
        """Store a notice for each caller who is ready but may not take a call now. The notice says
        why."""
        for row in callers:
            if row.caller_id in ready_ids or not is_due(row, at):
                continue
            caller = db.session.scalar(_CALLERS.where(Caller.id == row.caller_id))
            if caller is not None and (why := _why_not(caller)):
                set_notice(row.caller_id, why)

    def _take(self, line: LineRow, caller: Caller, campaign: Campaign) -> bool:
        at = now()
        contact = db.session.get(Contact, line.contact_id)
        if contact is None or not may_get(caller, contact, campaign, at):
            return False
        values = {
            "caller_id": caller.id,
            "party_id": caller.party_id,
            "call_id": line.call_id,
            "at": at,
            "until": at + timedelta(seconds=campaign.hold_seconds),
        }
        try:
            taken = db.session.scalar(_TAKE, values) is not None
            db.session.commit()
        except IntegrityError:
            db.session.rollback()  # the caller has got another call at this moment
            return False
        return taken


def law_of(campaign: Campaign) -> Law:
    """Return what the law of the campaign's country requires of calls dialled by a machine."""
    asked = rules_of(campaign).machine_calls
    return Law(asked.abandoned_ceiling.value, asked.seconds_to_message.value)


def _why_not(caller: Caller) -> str:
    """Return a text that says why the caller may not take a call now, or "" if the caller may take
    one."""
    if filter_of(caller) is not None:
        return CHOSEN_PEOPLE
    try:
        refuse(caller)
    except PhonebankError as reason:
        return f"{reason.message} {reason.what_to_do}".strip()
    return ""
