"""Every column that can hold words, numbers or files is either erased with a person, or can't say
anything of a person who is called. A new column fails this test until someone has decided which."""

from sqlalchemy import Column, LargeBinary, String
from sqlalchemy.dialects.postgresql import JSONB

from phonebank.models import Base

# Columns that `test_no_store_holds_the_person_after_an_erasure` and `test_retention` search, or
# whose row goes.
ERASED = {
    "answer.value",
    "call.contact_before",
    "call.household",
    "call.note",
    "call.phone",
    "call_correction.after",
    "call_correction.before",
    "contact.email",
    "contact.external_id",
    "contact.fields",
    "contact.first_name",
    "contact.language",
    "contact.last_name",
    "contact.name_key",
    "contact.other_phones",
    "contact.phone",
    "contact.phone_original",
    "contact.postcode",
    "contact.zone_key",
    "contact_list.mark_counts",
    "dead_number.phone",
    "erasure.person",
    "export_piece.data",
    "refused_row.cells",
    "refused_row.message",
    "set_aside_call.after",
    "set_aside_call.before",
    "suppression.phone",
    "suppression_batch.data",
    "suppression_source.phone",
    "upload_check.found",
    "upload_chunk.data",
}
# Tables of organisers, hosts, callers, volunteers and scripts, and of figures.
HARMLESS_TABLES = {
    "account",
    "address_sight",
    "blocked_guest",
    "account_session",
    "api_token",
    "call_out",
    "call_out_sheet",
    "call_out_sheet_line",
    "call_out_sign_up",
    "caller",
    "caller_action",
    "campaign",
    "chapter",
    "consent",
    "door_stop",
    "dial_decision",
    "email_confirmation",
    "experiment",
    "experiment_arm",
    "export",
    "guest",
    "guest_mail",
    "host_offer",
    "line_event",
    "listing",
    "listing_report",
    "near_alert",
    "pace_flag",
    "people_filter",  # values of columns, chosen by organisers
    "party",
    "phone_session",  # a caller's own number, until they finish
    "pledge",
    "phone_settings",  # a campaign's own number
    "place",
    "role",
    "scoped_role",
    "script",
    "script_version",
    "set_aside",
    "trained_mark",
    "trainee",
    "training",
    "volunteer",
    "volunteer_role",
    "webhook",  # addresses of other software
    "webhook_delivery",  # names people by ids
}
# States, keys of the software, settings of a file, and records that name people by their ids.
HARMLESS = {
    "answer.step_id",
    "answer_count.answer",  # keys of choices and numbers, and never typed words
    "answer_count.step_id",
    "audit_entry.action",
    "audit_entry.after",
    "audit_entry.before",
    "audit_entry.subject_id",
    "audit_entry.subject_kind",
    "call.ending",
    "call.outcome",
    "contact.last_outcome",
    "outcome_count.outcome",
    "contact.state",
    "contact_list.dialect",
    "contact_list.fault",
    "contact_list.filename",
    "contact_list.headers",
    "contact_list.languages",
    "contact_list.mapping",
    "contact_list.mark_actions",
    "contact_list.name",
    "contact_list.purpose",
    "contact_list.reason",
    "contact_list.screening_reason",
    "contact_list.state",
    "contact_list.update_targets",
    "contact_list.zone_keys",
    "erasure.state",
    "hashed_number.hashed",
    "hashed_number.key_id",
    "hashed_number.reason",
    "hashed_number.source",
    "refused_row.column",
    "refused_row.reason",
    "set_aside_call.lifted_reason",
    "suppression.reason",
    "suppression.source",
    "suppression_batch.columns",
    "suppression_batch.country",
    "suppression_batch.filename",
    "suppression_batch.lifted_reason",
    "suppression_batch.reason",
    "suppression_batch.source",
    "suppression_batch.state",
    "upload_check.choices",
    "upload_check.fault",
    "upload_check.plan",
    "upload_check.token",
}


def _may_say_something(column: Column) -> bool:
    return isinstance(column.type, String | JSONB | LargeBinary) and not column.system


def test_somebody_has_decided_about_every_column() -> None:
    # Rows that refer to a contact go with the person (`privacy.erase`).
    about_people = {
        key.parent.table.name
        for table in Base.metadata.sorted_tables
        for key in table.foreign_keys
        if key.column.table.name == "contact"
    } - {"call"}
    columns = {
        f"{table.name}.{column.name}"
        for table in Base.metadata.sorted_tables
        if table.name not in HARMLESS_TABLES | about_people
        for column in table.columns
        if _may_say_something(column)
    }
    assert columns - ERASED - HARMLESS == set(), "decide whether this is erased with a person"
    assert (ERASED | HARMLESS) - columns == set(), "these columns are gone"
