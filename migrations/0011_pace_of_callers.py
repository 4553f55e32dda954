"""Give campaigns a budget for the pace of their callers."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

BUDGETS = {
    "people_an_hour": "120",
    "people_a_minute": "8",
    "no_calls_in_a_row": "10",
    "unrecorded_an_hour": "20",
    "do_not_calls_an_hour": "10",
    "fast_do_not_calls_an_hour": "3",
    "newcomers_people_an_hour": "300",
}


def upgrade() -> None:
    for name, default in BUDGETS.items():
        op.add_column(
            "campaign", sa.Column(name, sa.Integer(), nullable=False, server_default=default)
        )


def downgrade() -> None:
    for name in BUDGETS:
        op.drop_column("campaign", name)
