"""Find who has a do-not-call number among their others, and take those out of calling."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index(
        "ix_contact_other_phones",
        "contact",
        ["other_phones"],
        postgresql_using="gin",
        postgresql_ops={"other_phones": "jsonb_path_ops"},
        postgresql_where=sa.text("other_phones <> '[]'"),
    )
    op.execute("""
        UPDATE contact SET suppressed_at = now()
        FROM (SELECT DISTINCT contact.id FROM contact
              CROSS JOIN LATERAL jsonb_array_elements_text(other_phones) AS other(number)
              JOIN suppression ON suppression.phone = other.number
              WHERE other_phones <> '[]') AS barred
        WHERE contact.id = barred.id AND suppressed_at IS NULL
    """)


def downgrade() -> None:
    # Whoever was taken out stays out: nobody is rung because a migration was taken back.
    op.drop_index("ix_contact_other_phones", table_name="contact")
