"""A caller chooses to speak through the browser, so a campaign has no mode for it."""

from alembic import op

revision = "0122"
down_revision = "0121"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("UPDATE campaign SET mode = 'phone_bridge' WHERE mode = 'softphone'")
    op.drop_constraint(op.f("ck_campaign_mode"), "campaign")
    op.create_check_constraint(
        op.f("ck_campaign_mode"),
        "campaign",
        "mode IN ('manual', 'phone_bridge', 'progressive', 'predictive')",
    )


def downgrade() -> None:
    op.drop_constraint(op.f("ck_campaign_mode"), "campaign")
    op.create_check_constraint(
        op.f("ck_campaign_mode"),
        "campaign",
        "mode IN ('manual', 'phone_bridge', 'softphone', 'progressive', 'predictive')",
    )
