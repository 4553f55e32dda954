"""The tables of the first release."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0026"
down_revision = None
branch_labels = ("default",)
depends_on = None


def upgrade() -> None:
    op.create_table(
        "account",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("email", sa.String(length=255), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("password", sa.String(length=255), nullable=True),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("fs_uniquifier", sa.String(length=64), nullable=False),
        sa.Column("us_totp_secrets", sa.String(), nullable=True),
        sa.Column("us_phone_number", sa.String(length=128), nullable=True),
        sa.Column("tf_primary_method", sa.String(length=64), nullable=True),
        sa.Column("tf_totp_secret", sa.String(length=255), nullable=True),
        sa.Column("tf_phone_number", sa.String(length=128), nullable=True),
        sa.Column("mf_recovery_codes", sa.Text(), nullable=True),
        sa.Column("links_spent_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("totp_step_used", sa.Integer(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_account")),
        sa.UniqueConstraint("email", name=op.f("uq_account_email")),
        sa.UniqueConstraint("fs_uniquifier", name=op.f("uq_account_fs_uniquifier")),
        sa.UniqueConstraint("us_phone_number", name=op.f("uq_account_us_phone_number")),
    )
    op.create_table(
        "role",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_role")),
        sa.UniqueConstraint("name", name=op.f("uq_role_name")),
    )
    op.create_table(
        "account_role",
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("role_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["account.id"],
            name=op.f("fk_account_role_account_id_account"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["role_id"], ["role.id"], name=op.f("fk_account_role_role_id_role"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("account_id", "role_id", name=op.f("pk_account_role")),
    )
    op.create_table(
        "account_session",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("secret_hash", sa.String(length=64), nullable=False),
        sa.Column("device", sa.String(length=80), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["account.id"],
            name=op.f("fk_account_session_account_id_account"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_account_session")),
        sa.UniqueConstraint("secret_hash", name=op.f("uq_account_session_secret_hash")),
    )
    op.create_index(
        op.f("ix_account_session_account_id"), "account_session", ["account_id"], unique=False
    )
    op.create_table(
        "campaign",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("on_behalf_of", sa.String(length=200), nullable=False),
        sa.Column("country", sa.String(length=2), nullable=False),
        sa.Column("language", sa.String(length=8), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("briefing", sa.String(), nullable=False),
        sa.Column("merge_values", JSONB(), nullable=False),
        sa.Column("hours", JSONB(), nullable=False),
        sa.Column("hours_settled", JSONB(), nullable=True),
        sa.Column("retry_rules", JSONB(), nullable=False),
        sa.Column("hold_seconds", sa.Integer(), nullable=False),
        sa.Column("hold_seconds_at_most", sa.Integer(), nullable=False),
        sa.Column("people_an_hour", sa.Integer(), server_default="120", nullable=False),
        sa.Column("people_a_minute", sa.Integer(), server_default="8", nullable=False),
        sa.Column("no_calls_in_a_row", sa.Integer(), server_default="10", nullable=False),
        sa.Column("unrecorded_an_hour", sa.Integer(), server_default="20", nullable=False),
        sa.Column("do_not_calls_an_hour", sa.Integer(), server_default="10", nullable=False),
        sa.Column("fast_do_not_calls_an_hour", sa.Integer(), server_default="3", nullable=False),
        sa.Column("newcomers_people_an_hour", sa.Integer(), server_default="300", nullable=False),
        sa.Column("join_token", sa.String(length=32), nullable=False),
        sa.Column("door_open", sa.Boolean(), nullable=False),
        sa.Column("practice_first", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("allow_drama_numbers", sa.Boolean(), nullable=False),
        sa.Column("script_id", sa.Integer(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_by_id", sa.Integer(), nullable=True),
        sa.CheckConstraint(
            "state IN ('draft', 'running', 'paused', 'ended')", name=op.f("ck_campaign_state")
        ),
        sa.ForeignKeyConstraint(
            ["created_by_id"],
            ["account.id"],
            name=op.f("fk_campaign_created_by_id_account"),
            ondelete="SET NULL",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_campaign")),
        sa.UniqueConstraint("join_token", name=op.f("uq_campaign_join_token")),
    )
    op.create_table(
        "campaign_host",
        sa.Column("campaign_id", sa.Integer(), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["account.id"],
            name=op.f("fk_campaign_host_account_id_account"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["campaign_id"],
            ["campaign.id"],
            name=op.f("fk_campaign_host_campaign_id_campaign"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("campaign_id", "account_id", name=op.f("pk_campaign_host")),
    )
    op.create_table(
        "contact_list",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("campaign_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("filename", sa.String(length=255), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column("removed", sa.Boolean(), nullable=False),
        sa.Column("dialect", JSONB(), nullable=False),
        sa.Column("headers", JSONB(), nullable=False),
        sa.Column("mapping", JSONB(), nullable=False),
        sa.Column("mark_actions", JSONB(), server_default="{}", nullable=False),
        sa.Column("mark_counts", JSONB(), server_default="{}", nullable=False),
        sa.Column("zone_keys", JSONB(), nullable=False),
        sa.Column("languages", JSONB(), nullable=False),
        sa.Column("bytes_total", sa.Integer(), nullable=False),
        sa.Column("rows_total", sa.Integer(), nullable=False),
        sa.Column("rows_read", sa.Integer(), nullable=False),
        sa.Column("rows_stored", sa.Integer(), nullable=False),
        sa.Column("rows_refused", sa.Integer(), nullable=False),
        sa.Column("rows_duplicate", sa.Integer(), nullable=False),
        sa.Column("rows_suppressed", sa.Integer(), nullable=False),
        sa.Column("fault", sa.String(), nullable=True),
        sa.Column("progress_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_by_id", sa.Integer(), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "state IN ('uploaded', 'queued', 'importing', 'ready', 'failed', 'undone')",
            name=op.f("ck_contact_list_state"),
        ),
        sa.ForeignKeyConstraint(
            ["campaign_id"],
            ["campaign.id"],
            name=op.f("fk_contact_list_campaign_id_campaign"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["created_by_id"],
            ["account.id"],
            name=op.f("fk_contact_list_created_by_id_account"),
            ondelete="SET NULL",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_contact_list")),
    )
    op.create_index(
        op.f("ix_contact_list_campaign_id"), "contact_list", ["campaign_id"], unique=False
    )
    op.create_table(
        "experiment",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("campaign_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("salt", sa.String(length=32), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("stopped_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "state IN ('draft', 'running', 'stopped')", name=op.f("ck_experiment_state")
        ),
        sa.ForeignKeyConstraint(
            ["campaign_id"],
            ["campaign.id"],
            name=op.f("fk_experiment_campaign_id_campaign"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_experiment")),
    )
    op.create_index("ix_experiment_campaign_id", "experiment", ["campaign_id"], unique=False)
    op.create_index(
        "uq_experiment_running_campaign",
        "experiment",
        ["campaign_id"],
        unique=True,
        postgresql_where=sa.text("state = 'running'"),
    )
    op.create_table(
        "party",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("campaign_id", sa.Integer(), nullable=False),
        sa.Column("host_id", sa.Integer(), nullable=False),
        sa.Column("title", sa.String(length=120), nullable=False),
        sa.Column("goal", sa.Integer(), nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("time_zone", sa.String(length=64), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("paused", sa.Boolean(), nullable=False),
        sa.Column("door_open", sa.Boolean(), nullable=False),
        sa.Column("celebrate", sa.Boolean(), nullable=False),
        sa.Column("break_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("code", sa.String(length=12), nullable=False),
        sa.Column("board_token", sa.String(length=64), nullable=False),
        sa.Column("summary_token", sa.String(length=64), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("state IN ('open', 'locked', 'ended')", name=op.f("ck_party_state")),
        sa.ForeignKeyConstraint(
            ["campaign_id"],
            ["campaign.id"],
            name=op.f("fk_party_campaign_id_campaign"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(["host_id"], ["account.id"], name=op.f("fk_party_host_id_account")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_party")),
        sa.UniqueConstraint("board_token", name=op.f("uq_party_board_token")),
        sa.UniqueConstraint("summary_token", name=op.f("uq_party_summary_token")),
    )
    op.create_index(op.f("ix_party_campaign_id"), "party", ["campaign_id"], unique=False)
    op.create_index(op.f("ix_party_host_id"), "party", ["host_id"], unique=False)
    op.create_index(
        "uq_party_live_code",
        "party",
        ["code"],
        unique=True,
        postgresql_where=sa.text("state <> 'ended'"),
    )
    op.create_table(
        "script",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("campaign_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("published_version_id", sa.Integer(), nullable=True),
        sa.Column("draft", sa.String(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["campaign_id"],
            ["campaign.id"],
            name=op.f("fk_script_campaign_id_campaign"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_script")),
    )
    op.create_index(op.f("ix_script_campaign_id"), "script", ["campaign_id"], unique=False)
    op.create_table(
        "caller",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("campaign_id", sa.Integer(), nullable=False),
        sa.Column("party_id", sa.Integer(), nullable=True),
        sa.Column("first_name", sa.String(length=40), nullable=False),
        sa.Column("named_by_host", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("hidden", sa.Boolean(), nullable=False),
        sa.Column("device_token", sa.String(length=64), nullable=False),
        sa.Column("list_ids", JSONB(), nullable=False),
        sa.Column("languages", JSONB(), nullable=False),
        sa.Column("promised_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("practised_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("paused_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("pause_kind", sa.String(length=30), server_default="", nullable=False),
        sa.Column("pace_from", sa.DateTime(timezone=True), nullable=True),
        sa.Column("address", sa.String(length=64), nullable=True),
        sa.Column("held", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("help_asked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("help_about", sa.String(length=10), nullable=False),
        sa.Column("help_seen", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "state IN ('waiting', 'admitted', 'removed')", name=op.f("ck_caller_state")
        ),
        sa.ForeignKeyConstraint(
            ["campaign_id"],
            ["campaign.id"],
            name=op.f("fk_caller_campaign_id_campaign"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["party_id"], ["party.id"], name=op.f("fk_caller_party_id_party"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_caller")),
    )
    op.create_index(
        "ix_caller_address",
        "caller",
        ["campaign_id", "address"],
        unique=False,
        postgresql_where=sa.text("address IS NOT NULL"),
    )
    op.create_index("ix_caller_campaign_state", "caller", ["campaign_id", "state"], unique=False)
    op.create_index(op.f("ix_caller_party_id"), "caller", ["party_id"], unique=False)
    op.create_table(
        "party_cohost",
        sa.Column("party_id", sa.Integer(), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["account.id"],
            name=op.f("fk_party_cohost_account_id_account"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["party_id"],
            ["party.id"],
            name=op.f("fk_party_cohost_party_id_party"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("party_id", "account_id", name=op.f("pk_party_cohost")),
    )
    op.create_table(
        "refused_row",
        sa.Column("contact_list_id", sa.Integer(), nullable=False),
        sa.Column("row_number", sa.Integer(), nullable=False),
        sa.Column("column", sa.String(length=255), nullable=False),
        sa.Column("reason", sa.String(length=40), nullable=False),
        sa.Column("message", sa.String(), nullable=False),
        sa.Column("cells", JSONB(), nullable=False),
        sa.ForeignKeyConstraint(
            ["contact_list_id"],
            ["contact_list.id"],
            name=op.f("fk_refused_row_contact_list_id_contact_list"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("contact_list_id", "row_number", name=op.f("pk_refused_row")),
    )
    op.create_table(
        "script_version",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("script_id", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_by_id", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["created_by_id"],
            ["account.id"],
            name=op.f("fk_script_version_created_by_id_account"),
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(
            ["script_id"],
            ["script.id"],
            name=op.f("fk_script_version_script_id_script"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_script_version")),
        sa.UniqueConstraint("script_id", "number", name=op.f("uq_script_version_script_id_number")),
    )
    op.create_table(
        "suppression_batch",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("contact_list_id", sa.Integer(), nullable=True),
        sa.Column("source", sa.String(length=10), nullable=False),
        sa.Column("reason", sa.String(length=40), nullable=False),
        sa.Column("filename", sa.String(length=255), nullable=False),
        sa.Column("country", sa.String(length=2), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=True),
        sa.Column("columns", JSONB(), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("numbers", sa.Integer(), nullable=False),
        sa.Column("lifted_by_id", sa.Integer(), nullable=True),
        sa.Column("lifted_reason", sa.String(length=40), nullable=False),
        sa.Column("lifted_numbers", sa.Integer(), nullable=False),
        sa.Column("lifted_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "state IN ('uploaded', 'entered', 'lifting', 'lifted')",
            name=op.f("ck_suppression_batch_state"),
        ),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["account.id"],
            name=op.f("fk_suppression_batch_account_id_account"),
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(
            ["contact_list_id"],
            ["contact_list.id"],
            name=op.f("fk_suppression_batch_contact_list_id_contact_list"),
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(
            ["lifted_by_id"],
            ["account.id"],
            name=op.f("fk_suppression_batch_lifted_by_id_account"),
            ondelete="SET NULL",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_suppression_batch")),
        sa.UniqueConstraint("contact_list_id", name=op.f("uq_suppression_batch_contact_list_id")),
    )
    op.create_table(
        "upload_chunk",
        sa.Column("contact_list_id", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["contact_list_id"],
            ["contact_list.id"],
            name=op.f("fk_upload_chunk_contact_list_id_contact_list"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("contact_list_id", "number", name=op.f("pk_upload_chunk")),
    )
    op.create_table(
        "caller_action",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("campaign_id", sa.Integer(), nullable=False),
        sa.Column("caller_id", sa.BigInteger(), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=True),
        sa.Column("action", sa.String(length=20), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("figures", JSONB(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["account.id"],
            name=op.f("fk_caller_action_account_id_account"),
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(
            ["caller_id"],
            ["caller.id"],
            name=op.f("fk_caller_action_caller_id_caller"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["campaign_id"],
            ["campaign.id"],
            name=op.f("fk_caller_action_campaign_id_campaign"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_caller_action")),
    )
    op.create_index("ix_caller_action_caller", "caller_action", ["caller_id", "at"], unique=False)
    op.create_table(
        "contact",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("campaign_id", sa.Integer(), nullable=False),
        sa.Column("contact_list_id", sa.Integer(), nullable=False),
        sa.Column("external_id", sa.String(length=120), nullable=True),
        sa.Column("first_name", sa.String(length=120), nullable=False),
        sa.Column("last_name", sa.String(length=120), nullable=False),
        sa.Column("name_key", sa.String(length=250), nullable=False),
        sa.Column("phone", sa.String(length=20), nullable=False),
        sa.Column("phone_original", sa.String(length=120), nullable=False),
        sa.Column("other_phones", JSONB(), nullable=False),
        sa.Column("postcode", sa.String(length=20), nullable=True),
        sa.Column("email", sa.String(length=255), nullable=True),
        sa.Column("language", sa.String(length=8), nullable=False),
        sa.Column("zone_key", sa.String(length=400), nullable=False),
        sa.Column("fields", JSONB(), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("tried", sa.Boolean(), nullable=False),
        sa.Column("callable_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("rested_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("suppressed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("attempts_that_day", sa.Integer(), nullable=False),
        sa.Column("attempts_on", sa.Date(), nullable=True),
        sa.Column("last_outcome", sa.String(length=20), nullable=True),
        sa.Column("last_called_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("callback_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("callback_caller_id", sa.BigInteger(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "state IN ('callable', 'finished', 'unusable')", name=op.f("ck_contact_state")
        ),
        sa.ForeignKeyConstraint(
            ["callback_caller_id"],
            ["caller.id"],
            name=op.f("fk_contact_callback_caller_id_caller"),
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(
            ["campaign_id"],
            ["campaign.id"],
            name=op.f("fk_contact_campaign_id_campaign"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["contact_list_id"],
            ["contact_list.id"],
            name=op.f("fk_contact_contact_list_id_contact_list"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_contact")),
        sa.UniqueConstraint(
            "campaign_id", "phone", "name_key", name=op.f("uq_contact_campaign_id_phone_name_key")
        ),
    )
    op.create_index(
        "ix_contact_callable",
        "contact",
        ["contact_list_id", "zone_key", "language", "tried", "callable_at", "id"],
        unique=False,
        postgresql_where=sa.text("state = 'callable' AND suppressed_at IS NULL"),
    )
    op.create_index(
        "ix_contact_callback",
        "contact",
        ["campaign_id", "callback_at"],
        unique=False,
        postgresql_where=sa.text("callback_at IS NOT NULL"),
    )
    op.create_index("ix_contact_contact_list_id", "contact", ["contact_list_id"], unique=False)
    op.create_index(
        "ix_contact_other_phones",
        "contact",
        ["other_phones"],
        unique=False,
        postgresql_using="gin",
        postgresql_ops={"other_phones": "jsonb_path_ops"},
        postgresql_where=sa.text("other_phones <> '[]'"),
    )
    op.create_index("ix_contact_phone", "contact", ["phone"], unique=False)
    op.create_table(
        "door_stop",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("campaign_id", sa.Integer(), nullable=False),
        sa.Column("caller_id", sa.BigInteger(), nullable=False),
        sa.Column("address", sa.String(length=64), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["caller_id"],
            ["caller.id"],
            name=op.f("fk_door_stop_caller_id_caller"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["campaign_id"],
            ["campaign.id"],
            name=op.f("fk_door_stop_campaign_id_campaign"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_door_stop")),
    )
    op.create_index("ix_door_stop_address", "door_stop", ["campaign_id", "address"], unique=False)
    op.create_table(
        "experiment_arm",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("experiment_id", sa.Integer(), nullable=False),
        sa.Column("script_id", sa.Integer(), nullable=False),
        sa.Column("script_version_id", sa.Integer(), nullable=True),
        sa.Column("label", sa.String(length=80), nullable=False),
        sa.Column("share", sa.Integer(), nullable=False),
        sa.CheckConstraint("share > 0", name=op.f("ck_experiment_arm_share")),
        sa.ForeignKeyConstraint(
            ["experiment_id"],
            ["experiment.id"],
            name=op.f("fk_experiment_arm_experiment_id_experiment"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["script_id"],
            ["script.id"],
            name=op.f("fk_experiment_arm_script_id_script"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["script_version_id"],
            ["script_version.id"],
            name=op.f("fk_experiment_arm_script_version_id_script_version"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_experiment_arm")),
    )
    op.create_index(
        op.f("ix_experiment_arm_experiment_id"), "experiment_arm", ["experiment_id"], unique=False
    )
    op.create_table(
        "pace_flag",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("campaign_id", sa.Integer(), nullable=False),
        sa.Column("caller_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(length=30), nullable=False),
        sa.Column("seen", sa.Integer(), nullable=False),
        sa.Column("budget", sa.Integer(), nullable=False),
        sa.Column("times", sa.Integer(), nullable=False),
        sa.Column("first_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("looked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("looked_by_id", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["caller_id"],
            ["caller.id"],
            name=op.f("fk_pace_flag_caller_id_caller"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["campaign_id"],
            ["campaign.id"],
            name=op.f("fk_pace_flag_campaign_id_campaign"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["looked_by_id"],
            ["account.id"],
            name=op.f("fk_pace_flag_looked_by_id_account"),
            ondelete="SET NULL",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pace_flag")),
    )
    op.create_index("ix_pace_flag_campaign", "pace_flag", ["campaign_id", "last_at"], unique=False)
    op.create_index(
        "uq_pace_flag_open",
        "pace_flag",
        ["caller_id", "kind"],
        unique=True,
        postgresql_where=sa.text("looked_at IS NULL"),
    )
    op.create_table(
        "set_aside",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("campaign_id", sa.Integer(), nullable=False),
        sa.Column("caller_id", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("only_fast", sa.Boolean(), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "state IN ('working', 'done', 'returning', 'returned')", name=op.f("ck_set_aside_state")
        ),
        sa.ForeignKeyConstraint(
            ["caller_id"],
            ["caller.id"],
            name=op.f("fk_set_aside_caller_id_caller"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["campaign_id"],
            ["campaign.id"],
            name=op.f("fk_set_aside_campaign_id_campaign"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_set_aside")),
    )
    op.create_index("ix_set_aside_caller", "set_aside", ["caller_id"], unique=False)
    op.create_index("ix_set_aside_state", "set_aside", ["state"], unique=False)
    op.create_table(
        "tally",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("campaign_id", sa.Integer(), nullable=False),
        sa.Column("party_id", sa.Integer(), nullable=True),
        sa.Column("caller_id", sa.BigInteger(), nullable=False),
        sa.Column("hour", sa.DateTime(timezone=True), nullable=False),
        sa.Column("calls", sa.Integer(), nullable=False),
        sa.Column("reached", sa.Integer(), nullable=False),
        sa.Column("conversations", sa.Integer(), nullable=False),
        sa.Column("yeses", sa.Integer(), nullable=False),
        sa.Column("ranked", sa.Integer(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["caller_id"], ["caller.id"], name=op.f("fk_tally_caller_id_caller"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["campaign_id"],
            ["campaign.id"],
            name=op.f("fk_tally_campaign_id_campaign"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["party_id"], ["party.id"], name=op.f("fk_tally_party_id_party"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tally")),
    )
    op.create_index("ix_tally_caller_id", "tally", ["caller_id"], unique=False)
    op.create_index("ix_tally_party_id", "tally", ["party_id"], unique=False)
    op.create_index(
        "uq_tally_row",
        "tally",
        ["campaign_id", "party_id", "caller_id", "hour"],
        unique=True,
        postgresql_nulls_not_distinct=True,
    )
    op.execute("CREATE SEQUENCE call_recorded_no")
    op.execute("CREATE SEQUENCE call_handed_out_no")
    op.create_table(
        "call",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("campaign_id", sa.Integer(), nullable=False),
        sa.Column("contact_id", sa.BigInteger(), nullable=False),
        sa.Column("caller_id", sa.BigInteger(), nullable=False),
        sa.Column("party_id", sa.Integer(), nullable=True),
        sa.Column("script_version_id", sa.Integer(), nullable=True),
        sa.Column("experiment_arm_id", sa.Integer(), nullable=True),
        sa.Column("phone", sa.String(length=20), nullable=False),
        sa.Column("household", JSONB(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ending", sa.String(length=10), nullable=True),
        sa.Column("outcome", sa.String(length=20), nullable=True),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "recorded_no",
            sa.BigInteger(),
            server_default=sa.text("nextval('call_recorded_no')"),
            nullable=True,
        ),
        sa.Column(
            "handed_out_no",
            sa.BigInteger(),
            server_default=sa.text("nextval('call_handed_out_no')"),
            nullable=True,
        ),
        sa.Column("reached", sa.Boolean(), nullable=False),
        sa.Column("conversation", sa.Boolean(), nullable=False),
        sa.Column("yes", sa.Boolean(), nullable=False),
        sa.Column("counted", sa.Boolean(), nullable=False),
        sa.Column("late", sa.Boolean(), nullable=False),
        sa.Column("note", sa.String(), nullable=False),
        sa.Column("too_fast", sa.Boolean(), nullable=False),
        sa.Column("turn", sa.Integer(), nullable=False),
        sa.Column("reopened_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("set_aside_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("contact_before", JSONB(), nullable=True),
        sa.CheckConstraint(
            "ending IN ('recorded', 'given_back', 'expired', 'taken_away')",
            name=op.f("ck_call_ending"),
        ),
        sa.CheckConstraint(
            "(ended_at IS NULL) = (ending IS NULL)", name=op.f("ck_call_ended_with_an_ending")
        ),
        sa.ForeignKeyConstraint(
            ["caller_id"], ["caller.id"], name=op.f("fk_call_caller_id_caller"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["campaign_id"],
            ["campaign.id"],
            name=op.f("fk_call_campaign_id_campaign"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["contact_id"],
            ["contact.id"],
            name=op.f("fk_call_contact_id_contact"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["experiment_arm_id"],
            ["experiment_arm.id"],
            name=op.f("fk_call_experiment_arm_id_experiment_arm"),
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(
            ["party_id"], ["party.id"], name=op.f("fk_call_party_id_party"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["script_version_id"],
            ["script_version.id"],
            name=op.f("fk_call_script_version_id_script_version"),
            ondelete="SET NULL",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_call")),
    )
    op.create_index("ix_call_caller_started", "call", ["caller_id", "started_at"], unique=False)
    op.create_index(
        "ix_call_campaign_recorded",
        "call",
        ["campaign_id", "recorded_at"],
        unique=False,
        postgresql_where=sa.text("recorded_at IS NOT NULL"),
    )
    op.create_index("ix_call_contact_started", "call", ["contact_id", "started_at"], unique=False)
    op.create_index(
        "ix_call_experiment_arm_recorded",
        "call",
        ["experiment_arm_id", "recorded_at"],
        unique=False,
        postgresql_where=sa.text("experiment_arm_id IS NOT NULL"),
    )
    op.create_index(
        "ix_call_party_recorded",
        "call",
        ["party_id", "recorded_at"],
        unique=False,
        postgresql_where=sa.text("recorded_at IS NOT NULL"),
    )
    op.create_index(
        "ix_call_too_fast",
        "call",
        ["campaign_id", "caller_id"],
        unique=False,
        postgresql_where=sa.text("too_fast"),
    )
    op.create_index(
        "uq_call_open_caller",
        "call",
        ["caller_id"],
        unique=True,
        postgresql_where=sa.text("ended_at IS NULL"),
    )
    op.create_index(
        "uq_call_open_contact",
        "call",
        ["contact_id"],
        unique=True,
        postgresql_where=sa.text("ended_at IS NULL"),
    )
    op.create_index(
        "uq_call_open_phone",
        "call",
        ["phone"],
        unique=True,
        postgresql_where=sa.text("ended_at IS NULL"),
    )
    op.create_table(
        "answer",
        sa.Column("call_id", sa.Uuid(), nullable=False),
        sa.Column("step_id", sa.String(length=80), nullable=False),
        sa.Column("value", JSONB(), nullable=False),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["call_id"], ["call.id"], name=op.f("fk_answer_call_id_call"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("call_id", "step_id", name=op.f("pk_answer")),
    )
    op.create_table(
        "dead_number",
        sa.Column("phone", sa.String(length=20), nullable=False),
        sa.Column("call_id", sa.Uuid(), nullable=True),
        sa.Column("reported_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["call_id"], ["call.id"], name=op.f("fk_dead_number_call_id_call"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("phone", name=op.f("pk_dead_number")),
    )
    op.create_index(op.f("ix_dead_number_call_id"), "dead_number", ["call_id"], unique=False)
    op.create_table(
        "set_aside_call",
        sa.Column("set_aside_id", sa.BigInteger(), nullable=False),
        sa.Column("call_id", sa.Uuid(), nullable=False),
        sa.Column("counted", sa.Boolean(), nullable=False),
        sa.Column("before", JSONB(), nullable=True),
        sa.Column("after", JSONB(), nullable=True),
        sa.Column("lifted_reason", sa.String(length=40), nullable=True),
        sa.ForeignKeyConstraint(
            ["call_id"],
            ["call.id"],
            name=op.f("fk_set_aside_call_call_id_call"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["set_aside_id"],
            ["set_aside.id"],
            name=op.f("fk_set_aside_call_set_aside_id_set_aside"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("set_aside_id", "call_id", name=op.f("pk_set_aside_call")),
    )
    op.create_index(op.f("ix_set_aside_call_call_id"), "set_aside_call", ["call_id"], unique=False)
    op.create_table(
        "suppression",
        sa.Column("phone", sa.String(length=20), nullable=False),
        sa.Column("source", sa.String(length=10), nullable=False),
        sa.Column("reason", sa.String(length=40), nullable=False),
        sa.Column("call_id", sa.Uuid(), nullable=True),
        sa.Column("account_id", sa.Integer(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("entered_singly", sa.Boolean(), server_default=sa.true(), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["account.id"],
            name=op.f("fk_suppression_account_id_account"),
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(
            ["call_id"], ["call.id"], name=op.f("fk_suppression_call_id_call"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("phone", name=op.f("pk_suppression")),
    )
    op.create_index(op.f("ix_suppression_call_id"), "suppression", ["call_id"], unique=False)
    op.create_table(
        "suppression_source",
        sa.Column("batch_id", sa.Integer(), nullable=False),
        sa.Column("phone", sa.String(length=20), nullable=False),
        sa.ForeignKeyConstraint(
            ["batch_id"],
            ["suppression_batch.id"],
            name=op.f("fk_suppression_source_batch_id_suppression_batch"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["phone"],
            ["suppression.phone"],
            name=op.f("fk_suppression_source_phone_suppression"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("batch_id", "phone", name=op.f("pk_suppression_source")),
    )
    op.create_index(
        op.f("ix_suppression_source_phone"), "suppression_source", ["phone"], unique=False
    )
    # These foreign keys close circles: each table of a pair names the other, so they come last.
    op.create_foreign_key(
        "fk_campaign_script_id_script",
        "campaign",
        "script",
        ["script_id"],
        ["id"],
        ondelete="SET NULL",
    )
    op.create_foreign_key(
        "fk_script_published_version_id_script_version",
        "script",
        "script_version",
        ["published_version_id"],
        ["id"],
        ondelete="SET NULL",
    )


def downgrade() -> None:
    op.drop_constraint("fk_script_published_version_id_script_version", "script")
    op.drop_constraint("fk_campaign_script_id_script", "campaign")
    op.drop_table("suppression_source")
    op.drop_table("suppression")
    op.drop_table("set_aside_call")
    op.drop_table("dead_number")
    op.drop_table("answer")
    op.drop_table("call")
    op.drop_table("tally")
    op.drop_table("set_aside")
    op.drop_table("pace_flag")
    op.drop_table("experiment_arm")
    op.drop_table("door_stop")
    op.drop_table("contact")
    op.drop_table("caller_action")
    op.drop_table("upload_chunk")
    op.drop_table("suppression_batch")
    op.drop_table("script_version")
    op.drop_table("refused_row")
    op.drop_table("party_cohost")
    op.drop_table("caller")
    op.drop_table("script")
    op.drop_table("party")
    op.drop_table("experiment")
    op.drop_table("contact_list")
    op.drop_table("campaign_host")
    op.drop_table("campaign")
    op.drop_table("account_session")
    op.drop_table("account_role")
    op.drop_table("role")
    op.drop_table("account")
    op.execute("DROP SEQUENCE call_recorded_no")
    op.execute("DROP SEQUENCE call_handed_out_no")
