"""What a campaign says about its people's data before it starts."""

import sqlalchemy as sa
from alembic import op

revision = "0032"
down_revision = "0031"
branch_labels = None
depends_on = None

TEXTS = (
    ("controller", sa.String(length=200)),
    ("lawful_basis", sa.String(length=30)),
    ("lawful_basis_note", sa.String()),
)
OTHERS = (
    ("ends_on", sa.Date()),
    ("retention_days", sa.Integer()),
)


def upgrade() -> None:
    for name, kind in TEXTS:
        op.add_column("campaign", sa.Column(name, kind, nullable=False, server_default=""))
    for name, other in OTHERS:
        op.add_column("campaign", sa.Column(name, other, nullable=True))


def downgrade() -> None:
    for name, _ in TEXTS + OTHERS:
        op.drop_column("campaign", name)
