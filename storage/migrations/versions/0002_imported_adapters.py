"""Documents get a kind: notes, and adapters that were imported.

Frozen, like 0001. SQLite cannot add a column with a named CHECK, so the table is built anew. That loses its
triggers and the last id that was given out: both are put back, for ids are never used twice.
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_KEPT = (
    "id, path, title, state, enabled, content_id, folder_id, size_bytes, mtime_ns, reason_title, "
    "reason_detail, added_at, updated_at"
)
_TRIGGERS = (
    "CREATE TRIGGER documents_forget_search AFTER DELETE ON documents "
    "BEGIN DELETE FROM title_search WHERE rowid = old.id; END",
    "CREATE TRIGGER documents_change_candidates "
    "AFTER UPDATE OF state, enabled, content_id, title, path ON documents "
    "BEGIN UPDATE candidate_version SET version = version + 1; END",
    "CREATE TRIGGER documents_gone_change_candidates AFTER DELETE ON documents "
    "BEGIN UPDATE candidate_version SET version = version + 1; END",
)


def upgrade() -> None:
    connection = op.get_bind()
    last_id = connection.scalar(sa.text("SELECT seq FROM sqlite_sequence WHERE name = 'documents'"))
    _create_table("documents_with_kind")
    op.execute(f"INSERT INTO documents_with_kind ({_KEPT}) SELECT {_KEPT} FROM documents")
    op.drop_table("documents")
    op.rename_table("documents_with_kind", "documents")
    for column in ("state", "content_id", "folder_id"):
        op.create_index(f"ix_documents_{column}", "documents", [column])
    for statement in _TRIGGERS:
        op.execute(statement)
    if last_id is not None:
        op.execute("DELETE FROM sqlite_sequence WHERE name = 'documents'")
        restored = sa.text("INSERT INTO sqlite_sequence (name, seq) VALUES ('documents', :last_id)")
        connection.execute(restored, {"last_id": last_id})


def _create_table(name: str) -> None:
    op.create_table(
        name,
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("path", sa.String(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("content_id", sa.Integer()),
        sa.Column("folder_id", sa.Integer()),
        sa.Column("size_bytes", sa.Integer()),
        sa.Column("mtime_ns", sa.Integer()),
        sa.Column("reason_title", sa.Text(), nullable=False),
        sa.Column("reason_detail", sa.Text(), nullable=False),
        sa.Column("added_at", sa.DateTime(), nullable=False),
        sa.Column("updated_at", sa.DateTime(), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False, server_default="note"),
        sa.UniqueConstraint("path", name="uq_documents_path"),
        sa.CheckConstraint(
            "state IN ('queued', 'learning', 'ready', 'failed')", name=op.f("ck_documents_state")
        ),
        sa.CheckConstraint("kind IN ('note', 'adapter')", name=op.f("ck_documents_kind")),
        sa.CheckConstraint(
            "state != 'ready' OR content_id IS NOT NULL", name=op.f("ck_documents_ready_has_content")
        ),
        sa.ForeignKeyConstraint(["content_id"], ["contents.id"], name="fk_documents_content_id"),
        sa.ForeignKeyConstraint(
            ["folder_id"], ["folders.id"], name="fk_documents_folder_id", ondelete="SET NULL"
        ),
        sqlite_autoincrement=True,
    )
