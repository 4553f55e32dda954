"""A campaign. Its row says for which organisation the calls are made. The row also has the
campaign's country, its calling hours, its script, and limits on the pace of its callers."""

import secrets
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Column, ForeignKey, String, Table, false, true
from sqlalchemy.orm import Mapped, mapped_column, relationship

from phonebank.models.account import Account
from phonebank.models.base import Base, Versioned, now
from phonebank.models.state_column import state_check, state_type


class CampaignState(StrEnum):
    """The stages of a campaign."""

    DRAFT = "draft"
    RUNNING = "running"
    PAUSED = "paused"
    ENDED = "ended"


class CampaignMode(StrEnum):
    """The ways in which a campaign's callers reach people."""

    MANUAL = "manual"  # the caller dials on their own phone
    # In this mode and the next two, the caller has one line, on their phone or in the browser. Each
    # person is joined to it. Here the caller sees each person first, and taps "Call".
    PHONE_BRIDGE = "phone_bridge"
    # The server calls the next person as soon as a caller is ready, or shortly before.
    PROGRESSIVE = "progressive"
    PREDICTIVE = "predictive"

    @property
    def shows_numbers(self) -> bool:
        """Whether callers see the numbers that they call."""
        return self == CampaignMode.MANUAL

    @property
    def dials_first(self) -> bool:
        """Whether the server calls people before a caller sees them on the screen."""
        return self in (CampaignMode.PROGRESSIVE, CampaignMode.PREDICTIVE)


class TrainingFor(StrEnum):
    """The people in a campaign who must have a trained mark. The mark shows that somebody was
    trained."""

    NOBODY = "nobody"
    CALLERS = "callers"
    HOSTS = "hosts"  # before strangers can find their parties


# The hosts who may run parties for a campaign; an organiser chooses them.
campaign_host = Table(
    "campaign_host",
    Base.metadata,
    Column("campaign_id", ForeignKey("campaign.id", ondelete="CASCADE"), primary_key=True),
    Column("account_id", ForeignKey("account.id", ondelete="CASCADE"), primary_key=True),
)


class Campaign(Versioned, Base):
    __tablename__ = "campaign"
    __table_args__ = (
        state_check(CampaignState),
        state_check(CampaignMode, "mode"),
        state_check(TrainingFor, "training_for"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(120))
    # The organisation that the calls are made for. Callers name it in every call.
    on_behalf_of: Mapped[str] = mapped_column(String(200))
    country: Mapped[str] = mapped_column(String(2))
    language: Mapped[str] = mapped_column(String(8), default="en")
    state: Mapped[CampaignState] = mapped_column(
        state_type(CampaignState), default=CampaignState.DRAFT
    )
    mode: Mapped[CampaignMode] = mapped_column(
        state_type(CampaignMode, length=20),
        default=CampaignMode.MANUAL,
        server_default=CampaignMode.MANUAL,
    )
    briefing: Mapped[str] = mapped_column(default="")
    # The campaign's own values for merge fields: {"candidate": "…"}.
    merge_values: Mapped[dict[str, Any]] = mapped_column(default=dict)
    # Weekday → [start, end] in the contact's own time, as `rules.calling_hours` reads it; empty for
    # the country's usual hours.
    hours: Mapped[dict[str, Any]] = mapped_column(default=dict)
    # The hours from which every contact's `callable_at` was computed, and how often all contacts
    # were checked: {"hours": in the form of `hours`, "rounds": 2}. While a check runs, "after" is
    # the id of the last contact checked. `contact_queue.reschedule` compares these hours with
    # `hours`.
    hours_settled: Mapped[dict[str, Any] | None]
    # Changes to the default retry rules, as `rules.retry_rules` reads them.
    retry_rules: Mapped[dict[str, Any]] = mapped_column(default=dict)
    hold_seconds: Mapped[int] = mapped_column(default=300)
    hold_seconds_at_most: Mapped[int] = mapped_column(default=3600)
    # How many people a caller may see before `roster.pace` pauses the caller. `roster.pace` says
    # what each of these limits is for and where its number comes from.
    people_an_hour: Mapped[int] = mapped_column(default=120, server_default="120")
    people_a_minute: Mapped[int] = mapped_column(default=8, server_default="8")
    no_calls_in_a_row: Mapped[int] = mapped_column(default=10, server_default="10")
    unrecorded_an_hour: Mapped[int] = mapped_column(default=20, server_default="20")
    do_not_calls_an_hour: Mapped[int] = mapped_column(default=10, server_default="10")
    fast_do_not_calls_an_hour: Mapped[int] = mapped_column(default=3, server_default="3")
    # A limit on all the callers together who joined from one network address within an hour: how
    # many people they may see in an hour. Callers who join from the address after that wait for an
    # organiser.
    newcomers_people_an_hour: Mapped[int] = mapped_column(default=300, server_default="300")
    # This token is part of the link that callers join with. A new token ends the old link.
    join_token: Mapped[str] = mapped_column(
        String(32), unique=True, default=lambda: secrets.token_urlsafe(12)
    )
    # If this is true, callers who join by the link are admitted at once, unless their network
    # address is blocked (`DoorStop`). If not, an organiser admits each caller.
    door_open: Mapped[bool] = mapped_column(default=False)
    # Whether a caller must complete a practice call before they get a contact.
    practice_first: Mapped[bool] = mapped_column(default=False, server_default=false())
    training_for: Mapped[TrainingFor] = mapped_column(
        state_type(TrainingFor), default=TrainingFor.NOBODY, server_default=TrainingFor.NOBODY
    )
    # Whether a caller sees the notes and answers of an earlier call that was cut short, or in which
    # a call back was promised: see `calls.earlier_call`.
    shows_earlier_call: Mapped[bool] = mapped_column(default=True, server_default=true())
    # From this moment on, callers first get people from the lists whose people answer most at the
    # present hour. None means that this is off. See `contact_queue.answer_order`.
    answer_order_since: Mapped[datetime | None]
    # Whether another campaign has some of this campaign's numbers. A refill sets this column in
    # both campaigns (`contact_queue.number_rest`), and it stays true. Only the claims in such a
    # campaign look for calls in other campaigns.
    shares_numbers: Mapped[bool] = mapped_column(default=False, server_default=false())
    # Whether numbers that are reserved for radio and television drama are accepted. Nobody has such
    # a number. Only the campaign of `phonebank.demo` accepts them.
    allow_drama_numbers: Mapped[bool] = mapped_column(default=False)
    # Who decides what is done with the people's data, and the legal ground for it: a key of
    # `campaigns.data_protection.LAWFUL_BASES`. A campaign can't start without them.
    controller: Mapped[str] = mapped_column(String(200), default="", server_default="")
    lawful_basis: Mapped[str] = mapped_column(String(30), default="", server_default="")
    lawful_basis_note: Mapped[str] = mapped_column(default="", server_default="")
    # The campaign's last day. Its people are kept for `retention_days` days after this day.
    ends_on: Mapped[date | None]
    # How many conversations the campaign wants to have by that day.
    goal: Mapped[int | None]
    retention_days: Mapped[int | None]
    # When a job first saw that the campaign has stored its people as long as is allowed, when the
    # job began to erase them, and when all were erased. A job that has begun continues even if a
    # clock is set back.
    erasure_due_at: Mapped[datetime | None]
    erasing_since: Mapped[datetime | None]
    erased_at: Mapped[datetime | None]
    script_id: Mapped[int | None] = mapped_column(
        ForeignKey("script.id", use_alter=True, ondelete="SET NULL")
    )
    # The local group whose campaign this is. Without a chapter, only people with a role in the
    # whole installation or in this campaign see it.
    chapter_id: Mapped[int | None] = mapped_column(ForeignKey("chapter.id"), index=True)
    created_at: Mapped[datetime] = mapped_column(default=now)
    created_by_id: Mapped[int | None] = mapped_column(ForeignKey("account.id", ondelete="SET NULL"))

    hosts: Mapped[list[Account]] = relationship(secondary=campaign_host)

    @property
    def is_running(self) -> bool:
        return self.state == CampaignState.RUNNING

    @property
    def calls_at_any_hour(self) -> bool:
        """Whether people may be called at any hour. This is so if the campaign accepts the numbers
        that are reserved for drama, because nobody has such a number."""
        return self.allow_drama_numbers
