"""First schema: documents, adapters, jobs, chats, search.

Frozen: it spells out what the tables were then and does not look at storage.schema. There is no way down:
the file is backed up before each step.
"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_STOPS = "tokenize = \"porter unicode61 remove_diacritics 2 categories 'L* M* N* Co'\""
"""English word stems; accents removed; marks are parts of words, or Indic scripts fall to pieces."""

_BY_HAND = (
    f"CREATE VIRTUAL TABLE chunk_search USING fts5(text, {_STOPS})",
    f"CREATE VIRTUAL TABLE title_search USING fts5(title, {_STOPS})",
    # Whatever deletes a chunk or a document, by whichever way, its search row goes with it.
    "CREATE TRIGGER chunks_forget_search AFTER DELETE ON chunks "
    "BEGIN DELETE FROM chunk_search WHERE rowid = old.id; END",
    "CREATE TRIGGER documents_forget_search AFTER DELETE ON documents "
    "BEGIN DELETE FROM title_search WHERE rowid = old.id; END",
    "INSERT INTO candidate_version (id, version) VALUES (1, 0)",
    "CREATE TRIGGER documents_change_candidates "
    "AFTER UPDATE OF state, enabled, content_id, title, path ON documents "
    "BEGIN UPDATE candidate_version SET version = version + 1; END",
    "CREATE TRIGGER documents_gone_change_candidates AFTER DELETE ON documents "
    "BEGIN UPDATE candidate_version SET version = version + 1; END",
)


def upgrade() -> None:
    """Make everything."""
    _library()
    _queue()
    _chats()
    for statement in _BY_HAND:
        op.execute(statement)


def _id() -> sa.Column[int]:
    return sa.Column("id", sa.Integer(), primary_key=True)


def _library() -> None:
    op.create_table(
        "folders",
        _id(),
        sa.Column("path", sa.String(), nullable=False),
        sa.Column("added_at", sa.DateTime(), nullable=False),
        sa.UniqueConstraint("path", name="uq_folders_path"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "contents",
        _id(),
        sa.Column("hash", sa.String(), nullable=False),
        sa.Column("size_bytes", sa.Integer(), nullable=False),
        sa.Column("n_chunks", sa.Integer(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("learnt_at", sa.DateTime(), nullable=False),
        sa.UniqueConstraint("hash", name="uq_contents_hash"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "documents",
        _id(),
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
        sa.UniqueConstraint("path", name="uq_documents_path"),
        sa.CheckConstraint(
            "state IN ('queued', 'learning', 'ready', 'failed')", name=op.f("ck_documents_state")
        ),
        sa.CheckConstraint(
            "state != 'ready' OR content_id IS NOT NULL", name=op.f("ck_documents_ready_has_content")
        ),
        sa.ForeignKeyConstraint(["content_id"], ["contents.id"], name="fk_documents_content_id"),
        sa.ForeignKeyConstraint(
            ["folder_id"], ["folders.id"], name="fk_documents_folder_id", ondelete="SET NULL"
        ),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_documents_state", "documents", ["state"])
    op.create_index("ix_documents_content_id", "documents", ["content_id"])
    op.create_index("ix_documents_folder_id", "documents", ["folder_id"])
    op.create_table(
        "chunks",
        _id(),
        sa.Column("content_id", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("char_start", sa.Integer(), nullable=False),
        sa.Column("char_end", sa.Integer(), nullable=False),
        sa.Column("n_tokens", sa.Integer(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.UniqueConstraint("content_id", "position", name="uq_chunks_content_id_position"),
        sa.ForeignKeyConstraint(
            ["content_id"], ["contents.id"], name="fk_chunks_content_id", ondelete="CASCADE"
        ),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "models",
        _id(),
        sa.Column("base_hash", sa.String(), nullable=False),
        sa.Column("hypernetwork_hash", sa.String(), nullable=False),
        sa.UniqueConstraint("base_hash", "hypernetwork_hash", name="uq_models_base_hash_hypernetwork_hash"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_models_hypernetwork_hash", "models", ["hypernetwork_hash"])
    op.create_table(
        "adapters",
        _id(),
        sa.Column("chunk_id", sa.Integer(), nullable=False),
        sa.Column("model_id", sa.Integer(), nullable=False),
        sa.Column("codec", sa.String(), nullable=False),
        sa.Column("rank", sa.Integer(), nullable=False),
        sa.Column("size_bytes", sa.Integer(), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.UniqueConstraint("chunk_id", "model_id", name="uq_adapters_chunk_id_model_id"),
        sa.ForeignKeyConstraint(["chunk_id"], ["chunks.id"], name="fk_adapters_chunk_id", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["model_id"], ["models.id"], name="fk_adapters_model_id"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_adapters_model_id", "adapters", ["model_id"])
    op.create_table(
        "candidate_version",
        sa.Column("id", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("version", sa.Integer(), nullable=False),
    )


def _queue() -> None:
    op.create_table(
        "jobs",
        _id(),
        sa.Column("document_id", sa.Integer(), nullable=False),
        sa.Column("content_hash", sa.String(), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("error_title", sa.Text(), nullable=False),
        sa.Column("error_detail", sa.Text(), nullable=False),
        sa.Column("queued_at", sa.DateTime(), nullable=False),
        sa.Column("started_at", sa.DateTime()),
        sa.Column("finished_at", sa.DateTime()),
        sa.CheckConstraint(
            "state IN ('queued', 'running', 'done', 'failed', 'cancelled')", name=op.f("ck_jobs_state")
        ),
        sa.ForeignKeyConstraint(
            ["document_id"], ["documents.id"], name="fk_jobs_document_id", ondelete="CASCADE"
        ),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "uq_jobs_live",
        "jobs",
        ["document_id", "content_hash"],
        unique=True,
        sqlite_where=sa.text("state IN ('queued', 'running')"),
    )
    op.create_index("ix_jobs_state_id", "jobs", ["state", "id"])
    op.create_index("ix_jobs_document_id", "jobs", ["document_id"])


def _chats() -> None:
    op.create_table(
        "chats",
        _id(),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.Column("updated_at", sa.DateTime(), nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "turns",
        _id(),
        sa.Column("chat_id", sa.Integer(), nullable=False),
        sa.Column("role", sa.String(16), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.Column("mode", sa.String()),
        sa.Column("stopped", sa.Boolean(), nullable=False),
        sa.Column("prompt_tokens", sa.Integer()),
        sa.Column("completion_tokens", sa.Integer()),
        sa.Column("adapter_rank", sa.Integer()),
        sa.Column("first_token_s", sa.Double()),
        sa.Column("tokens_per_s", sa.Double()),
        sa.Column("device", sa.String()),
        sa.CheckConstraint("role IN ('user', 'assistant')", name=op.f("ck_turns_role")),
        sa.ForeignKeyConstraint(["chat_id"], ["chats.id"], name="fk_turns_chat_id", ondelete="CASCADE"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_turns_chat_id", "turns", ["chat_id"])
    op.create_table(
        "sources",
        _id(),
        sa.Column("turn_id", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("document_id", sa.Integer()),
        sa.Column("document", sa.Text(), nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("passage", sa.Text(), nullable=False),
        sa.Column("weight", sa.Double(), nullable=False),
        sa.UniqueConstraint("turn_id", "position", name="uq_sources_turn_id_position"),
        sa.ForeignKeyConstraint(["turn_id"], ["turns.id"], name="fk_sources_turn_id", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(
            ["document_id"], ["documents.id"], name="fk_sources_document_id", ondelete="SET NULL"
        ),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_sources_document_id", "sources", ["document_id"])
