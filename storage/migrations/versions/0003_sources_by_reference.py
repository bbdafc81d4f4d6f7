"""Sources of answers refer to their passages instead of copying them, so that forgetting a note is enough.

Frozen, like 0001. A source whose passage does not stand in its note any more keeps its share and nothing
else. The table is built anew: that loses the last id that was given out, which is put back.
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_COPY = """
INSERT INTO sources_by_reference (id, turn_id, position, document_id, chunk_id, weight)
SELECT sources.id, sources.turn_id, sources.position, sources.document_id,
  (SELECT min(chunks.id) FROM chunks JOIN documents ON documents.content_id = chunks.content_id
   WHERE documents.id = sources.document_id AND documents.kind = 'note' AND chunks.text = sources.passage),
  sources.weight
FROM sources
"""
# 1 from the start: earlier versions left the words of edited notes in the index.
_UPKEEP = (
    "INSERT INTO search_upkeep (id, is_due) VALUES (1, 1)",
    "DROP TRIGGER chunks_forget_search",
    "CREATE TRIGGER chunks_forget_search AFTER DELETE ON chunks "
    "BEGIN DELETE FROM chunk_search WHERE rowid = old.id; UPDATE search_upkeep SET is_due = 1; END",
    "DROP TRIGGER documents_forget_search",
    "CREATE TRIGGER documents_forget_search AFTER DELETE ON documents "
    "BEGIN DELETE FROM title_search WHERE rowid = old.id; UPDATE search_upkeep SET is_due = 1; END",
    "CREATE TRIGGER documents_forget_title AFTER UPDATE OF title ON documents "
    "WHEN old.title IS NOT new.title BEGIN UPDATE search_upkeep SET is_due = 1; END",
)


def upgrade() -> None:
    connection = op.get_bind()
    last_id = connection.scalar(sa.text("SELECT seq FROM sqlite_sequence WHERE name = 'sources'"))
    _create_sources("sources_by_reference")
    op.execute(_COPY)
    op.drop_table("sources")
    op.rename_table("sources_by_reference", "sources")
    for column in ("document_id", "chunk_id"):
        op.create_index(f"ix_sources_{column}", "sources", [column])
    if last_id is not None:
        op.execute("DELETE FROM sqlite_sequence WHERE name = 'sources'")
        restored = sa.text("INSERT INTO sqlite_sequence (name, seq) VALUES ('sources', :last_id)")
        connection.execute(restored, {"last_id": last_id})
    op.create_table(
        "search_upkeep",
        sa.Column("id", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("is_due", sa.Boolean(), nullable=False),
    )
    for statement in _UPKEEP:
        op.execute(statement)


def _create_sources(name: str) -> None:
    op.create_table(
        name,
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("turn_id", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("document_id", sa.Integer()),
        sa.Column("chunk_id", sa.Integer()),
        sa.Column("weight", sa.Double(), nullable=False),
        sa.UniqueConstraint("turn_id", "position", name="uq_sources_turn_id_position"),
        sa.ForeignKeyConstraint(["turn_id"], ["turns.id"], name="fk_sources_turn_id", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(
            ["document_id"], ["documents.id"], name="fk_sources_document_id", ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(["chunk_id"], ["chunks.id"], name="fk_sources_chunk_id", ondelete="SET NULL"),
        sqlite_autoincrement=True,
    )
