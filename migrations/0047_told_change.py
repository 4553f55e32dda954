"""What callers were told about people, until an organiser accepts or refuses it."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0047"
down_revision = "0046"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "told_change",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("campaign_id", sa.Integer(), nullable=False),
        sa.Column("contact_id", sa.BigInteger(), nullable=False),
        sa.Column("call_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("said", JSONB(), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("told_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("decided_by_id", sa.Integer(), nullable=True),
        sa.Column("before", JSONB(), nullable=True),
        sa.Column("after", JSONB(), nullable=True),
        sa.CheckConstraint(
            "state IN ('told', 'accepted', 'refused')", name=op.f("ck_told_change_state")
        ),
        sa.CheckConstraint("kind IN ('number', 'name', 'moved')", name=op.f("ck_told_change_kind")),
        *(
            sa.ForeignKeyConstraint(
                [f"{table}_id"],
                [f"{table}.id"],
                name=op.f(f"fk_told_change_{table}_id_{table}"),
                ondelete="CASCADE",
            )
            for table in ("campaign", "contact", "call")
        ),
        sa.ForeignKeyConstraint(
            ["decided_by_id"],
            ["account.id"],
            name=op.f("fk_told_change_decided_by_id_account"),
            ondelete="SET NULL",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_told_change")),
        sa.UniqueConstraint("call_id", "kind", name=op.f("uq_told_change_call_id_kind")),
    )
    op.create_index(
        "ix_told_change_undecided",
        "told_change",
        ["campaign_id", "id"],
        postgresql_where=sa.text("state = 'told'"),
    )
    op.create_index("ix_told_change_contact", "told_change", ["contact_id"])


def downgrade() -> None:
    op.drop_table("told_change")
