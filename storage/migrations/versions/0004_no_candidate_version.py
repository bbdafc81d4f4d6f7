"""Nobody keeps the candidates in memory any more: the counter of their changes goes.

Frozen, like 0001.
"""

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("DROP TRIGGER documents_change_candidates")
    op.execute("DROP TRIGGER documents_gone_change_candidates")
    op.drop_table("candidate_version")
