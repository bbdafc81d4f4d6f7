"""What takes part in one answer: read from the catalog at each question, never remembered."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from app.services.ranking import coverage, search
from app.services.retrieval import RetrievedChunk, retrieve, shares, take_all
from engine.messages import AdapterPart, AnswerMode, Codec
from engine.models.messages import PreparedModels
from storage.catalog import Catalog
from storage.imported_adapters import ImportedAdapters
from storage.records import AdapterRecord, ImportRecord, SourceRecord

TOKENS_PER_QUOTE = 384
"""Longest chunk there is; quotes are counted, not measured, so that they surely fit."""

TOKENS_BESIDE_QUOTES = 512
"""Room in the context window for the question and the template."""


@dataclass(frozen=True, slots=True)
class AnswerSet:
    """The library's part in one answer.

    Attributes:
        parts: adapters with their weights, in the library's order, so that equal sets are equal; those that
            were imported after those of notes.
        quotes: passages for the prompt, best first; empty unless the mode asks for them.
        sources: what took part, the greatest share first; the shares add up to 1.
        coverage: see ``Evidence``; None if no note was chosen from.
    """

    parts: tuple[AdapterPart, ...] = ()
    quotes: tuple[str, ...] = ()
    sources: tuple[SourceRecord, ...] = ()
    coverage: float | None = None


def gather(
    catalog: Catalog,
    imported: ImportedAdapters,
    question: str,
    *,
    mode: AnswerMode,
    budget: int | None,
    models: PreparedModels,
    max_quotes: int,
    has_copy_bias: bool = True,
) -> AnswerSet:
    """Choose from the documents that are ready and enabled at this moment.

    Imported adapters have no text that a question could be compared with: all that are on take part, each as
    strongly as the passage that fits best.

    Args:
        catalog, imported: where they are.
        question: the user's words.
        mode: PLAIN gives the empty set, without looking.
        budget: at most this many passages; None takes all, equally strong.
        models: adapters of other hypernetworks, and imported ones of other base models, cannot take part. A
            model without one is shown passages alone.
        max_quotes: at most this many passages in the prompt.
        has_copy_bias: whether the parts carry the passages' texts.

    Raises:
        StorageError: the catalog cannot be read.
    """
    if mode is AnswerMode.PLAIN:
        return AnswerSet()
    # One more than may take part tells the retriever whether all of them fit.
    found = search(catalog, question, None if budget is None else budget + 1)
    chosen = take_all(found.passages) if budget is None else retrieve(found.passages, budget)
    if not models.has_hypernetwork:
        return _passages_alone(chosen[:max_quotes])
    records = catalog.adapters([chunk.candidate.chunk_id for chunk in chosen], models.hypernetwork_hash)
    adapters = {record.chunk_id: record for record in records}
    # A chunk without an adapter of this hypernetwork would be named as a source and have no say.
    retrieved = [chunk for chunk in chosen if chunk.candidate.chunk_id in adapters]
    in_order = sorted(retrieved, key=lambda chunk: (chunk.candidate.document_id, chunk.candidate.position))
    quotes = retrieved[:max_quotes] if mode is AnswerMode.QUOTES else []
    imports = imported.switched_on(models.base_hash)
    learnt = (
        part_of(
            adapters[chunk.candidate.chunk_id],
            chunk.weight,
            chunk.candidate.text if has_copy_bias else "",
        )
        for chunk in in_order
    )
    return AnswerSet(
        parts=(*learnt, *(part_of(record) for record in imports)),
        quotes=tuple(chunk.candidate.text for chunk in quotes),
        sources=_sources(retrieved, imports),
        # What an imported adapter knows has no words to compare the question with.
        coverage=coverage(catalog, found) if found.passages and not imports else None,
    )


def _passages_alone(shown: Sequence[RetrievedChunk]) -> AnswerSet:
    """What a model is shown that no note was learnt for."""
    return AnswerSet(
        quotes=tuple(chunk.candidate.text for chunk in shown), sources=_sources(list(shown), imports=())
    )


def parts_of_documents(
    catalog: Catalog,
    imported: ImportedAdapters,
    document_ids: list[int],
    models: PreparedModels,
    limit: int,
) -> tuple[AdapterPart, ...]:
    """Adapters of documents, to be prepared while nobody waits; at most ``limit`` passages of notes."""
    if not models.has_hypernetwork:
        return ()
    chunks = [chunk for id_ in document_ids for chunk in catalog.chunks_of(id_)][:limit]
    texts = {chunk.id: chunk.text for chunk in chunks}
    records = catalog.adapters(list(texts), models.hypernetwork_hash)
    learnt = (part_of(record, text=texts[record.chunk_id]) for record in records)
    imports = (part_of(record) for record in imported.of_documents(document_ids, models.base_hash))
    return (*learnt, *imports)


def part_of(record: AdapterRecord | ImportRecord, weight: float = 1.0, text: str = "") -> AdapterPart:
    """A stored adapter as the engine takes it."""
    return AdapterPart(record.key, Codec(record.codec), record.data, weight, text)


def max_quotes(n_ctx: int, max_tokens: int) -> int:
    """How many passages surely fit into the context window beside question and answer; at least one."""
    return max(1, (n_ctx - max_tokens - TOKENS_BESIDE_QUOTES) // TOKENS_PER_QUOTE)


def _sources(retrieved: list[RetrievedChunk], imports: Sequence[ImportRecord]) -> tuple[SourceRecord, ...]:
    """All that takes part, the greatest share first; an imported adapter has no passage."""
    notes = [
        SourceRecord(
            document_id=chunk.candidate.document_id,
            document=chunk.candidate.document_title,
            path=str(chunk.candidate.document_path),
            chunk_id=chunk.candidate.chunk_id,
            passage=chunk.candidate.text,
            weight=chunk.weight,
        )
        for chunk in retrieved
    ]
    others = [
        SourceRecord(record.document_id, record.title, str(record.path), None, passage="", weight=1.0)
        for record in imports
    ]
    sources = [*notes, *others]
    of_all = shares([source.weight for source in sources])
    shared = [replace(source, weight=share) for source, share in zip(sources, of_all, strict=True)]
    return tuple(sorted(shared, key=lambda source: -source.weight))
