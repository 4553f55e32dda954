"""Pydantic models of what API clients send and get. The API's description is made from these
models."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field
from pydantic_core import PydanticCustomError

from phonebank.lists.upsert import AT_ONCE as PEOPLE_AT_ONCE
from phonebank.lists.upsert import Upserted
from phonebank.rules.outcomes import OUTCOMES
from phonebank.suppressions.by_token import AT_ONCE as NUMBERS_AT_ONCE

PAGE = 100
PAGE_AT_MOST = 500


def _refuse_null_character(value: str) -> str:
    """Return the text. Raises PydanticCustomError if PostgreSQL cannot store the text, because it
    has a null character."""
    if "\0" in value:
        raise PydanticCustomError(
            "null_character", "This has a null character (U+0000), which cannot be stored."
        )
    return value


_STORABLE = {"pattern": r"^[^\x00]*$"}  # for the API's description
Text = Annotated[
    str,
    Field(max_length=2000, json_schema_extra=_STORABLE),
    AfterValidator(_refuse_null_character),
]
ShortText = Annotated[
    str,
    Field(max_length=250, json_schema_extra=_STORABLE),
    AfterValidator(_refuse_null_character),
]
Cursor = Annotated[
    str | None,
    Field(description="`next_cursor` of the page before. Leave it out for the first page."),
]


class _Sent(BaseModel):
    """The base class of all models that describe what a client sends. A request that has a field
    with an unknown name is refused, because such a name is often a typing error."""

    model_config = ConfigDict(extra="forbid")


class PageQuery(_Sent):
    """The query for a page of people."""

    limit: int = Field(PAGE, ge=1, le=PAGE_AT_MOST, description="The most entries on the page.")
    cursor: Cursor = Field(None, max_length=300)


class OutcomesQuery(PageQuery):
    """The query for a page of outcomes."""

    changed_since: AwareDatetime | None = Field(
        None,
        description="Only outcomes recorded or changed at this moment or later. It counts on the"
        " first page only, because a cursor says where to go on.",
    )


class ContactOut(BaseModel):
    """A person of the campaign."""

    id: int
    external_id: str | None = Field(description="The person's ID in your own list, if it has one.")
    first_name: str
    last_name: str
    phone: str = Field(description="The number to call, in E.164.")
    other_phones: list[str] = Field(description="Further numbers, in the order to try them.")
    postcode: str | None
    email: str | None
    language: str = Field(description="An ISO 639 code; empty if it is the script's.")
    list_name: str = Field(description="The name of the person's contact list.")
    status: str = Field(
        description="on_screen, do_not_call, list_paused, finished, taken_out, unusable,"
        " no_speaker (no caller speaks their language), call_back, resting,"
        " outside_hours or ready. Calls of other campaigns are not looked at, so someone whose"
        " number rests because of one may show as ready."
    )
    last_outcome: str | None
    attempts: int = Field(description="How often the person's phone rang.")
    last_called_at: datetime | None
    callback_at: datetime | None
    added_at: datetime
    fields: dict[str, str] = Field(description="The list's own columns.")
    tags: list[str] = Field(
        description="The person's tags. Organisers, lists and answers give them."
    )


class ContactsPage(BaseModel):
    """A page of people."""

    contacts: list[ContactOut]
    next_cursor: str | None = Field(description="Null if there is nobody after this page.")


class OutcomeOut(BaseModel):
    """A recorded call, or a call whose outcome its caller has undone."""

    call_id: UUID
    contact_id: int
    external_id: str | None = Field(description="The person's ID in your own list, if it has one.")
    outcome: str | None = Field(
        description=f"One of {', '.join(OUTCOMES)}. It is null if the call is undone."
    )
    reached: bool = Field(description="Whether anyone answered.")
    conversation: bool = Field(description="Whether the script's main question was answered.")
    yes: bool = Field(description="Whether an answer counts as a yes.")
    answers: dict[str, Any] = Field(description="The answers by the script's step.")
    note: str
    caller: str | None = Field(
        description="The caller's first name. It is null if a machine called and nobody answered."
    )
    party_id: int | None
    started_at: datetime
    recorded_at: datetime | None = Field(description="It is null if the call is undone.")
    changed_at: datetime = Field(
        description="When it was recorded or, if that came later, corrected, set aside or brought"
        " back by an organiser, or undone by its caller."
    )
    corrected: bool = Field(description="Whether an organiser has corrected it.")
    set_aside: bool = Field(
        description="Whether an organiser set the call aside. It is then in no total."
    )
    undone: bool = Field(
        description="Whether the caller has undone the outcome and not recorded another. The call"
        " is then in no total."
    )


class OutcomesPage(BaseModel):
    """A page of recorded calls, oldest change first. To record a call counts as a change."""

    outcomes: list[OutcomeOut]
    next_cursor: str = Field(
        description="Where to go on, also after the last page: ask again later with it."
    )


class Fault(BaseModel):
    """One wrong value."""

    where: str
    message: str


class ContactIn(_Sent):
    """A person to add or change. Send everything that you know about the person, because fields
    that you leave out are emptied, except `external_id`."""

    phones: list[Text] = Field(
        min_length=1,
        max_length=6,
        description="The numbers, the one to call first in front. Without a country code they are"
        " numbers of the campaign's country.",
    )
    external_id: ShortText | None = Field(None, description="The person's ID in your own list.")
    first_name: ShortText = ""
    last_name: ShortText = ""
    postcode: ShortText = ""
    email: Text = ""
    language: ShortText = Field("", description="An ISO 639 code, or the language's name.")
    time_zone: ShortText = Field("", description="An IANA name such as Europe/London.")
    fields: dict[str, Text] = Field(
        {}, max_length=100, description="Your own columns. Scripts can show them."
    )


class ContactsIn(_Sent):
    """People to add or change."""

    contacts: list[ContactIn] = Field(min_length=1, max_length=PEOPLE_AT_ONCE)


class ContactWritten(BaseModel):
    """What was done with one person of the request."""

    index: int = Field(description="The person's place in the request, from 0.")
    result: Upserted = Field(
        description="do_not_call: one of the numbers is on the do-not-call list, so nothing was"
        " stored. refused: `where` and `message` say why."
    )
    contact_id: int | None
    where: str | None
    message: str | None


class ContactsWritten(BaseModel):
    """What was done with each person, in the order of the request."""

    results: list[ContactWritten]


class DoNotCallIn(_Sent):
    """Numbers that nobody may call again."""

    numbers: list[ShortText] = Field(min_length=1, max_length=NUMBERS_AT_ONCE)
    reason: Literal["asked", "deceased", "register", "other"] = "asked"


class DoNotCallWritten(BaseModel):
    """How many different numbers of the request are now on the do-not-call list, and which texts in
    the request could not be read as numbers."""

    entered: int
    refused: list[Fault]


class Problem(BaseModel):
    """What is wrong, where, and what to do (RFC 9457)."""

    type: str
    title: str
    status: int
    detail: str
    what_to_do: str
    errors: list[Fault]
