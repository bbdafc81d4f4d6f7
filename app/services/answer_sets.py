"""What takes part in one answer: read from the catalog at each question, never remembered."""

from dataclasses import dataclass

from app.services.routing import RoutedChunk, route, shares
from engine.messages import AdapterPart, AnswerMode, Codec
from storage.catalog import Catalog
from storage.records import AdapterRecord, SourceRecord

TOKENS_PER_QUOTE = 384
"""Longest chunk there is; quotes are counted, not measured, so that they surely fit."""

TOKENS_BESIDE_QUOTES = 512
"""Room in the context window for the question and the template."""


@dataclass(frozen=True, slots=True)
class AnswerSet:
    """The notes' part in one answer.

    Attributes:
        parts: adapters with their weights, in the library's order, so that equal sets are equal.
        quotes: passages for the prompt, best first; empty unless the mode asks for them.
        sources: what took part, the greatest share first; the shares add up to 1.
    """

    parts: tuple[AdapterPart, ...] = ()
    quotes: tuple[str, ...] = ()
    sources: tuple[SourceRecord, ...] = ()


def gather(
    catalog: Catalog, question: str, *, mode: AnswerMode, budget: int, hypernetwork_hash: str, max_quotes: int
) -> AnswerSet:
    """Choose from the documents that are ready and enabled at this moment.

    Args:
        catalog: where they are.
        question: the user's words.
        mode: PLAIN gives the empty set, without looking.
        budget: at most this many passages.
        hypernetwork_hash: adapters of other hypernetworks cannot take part.
        max_quotes: at most this many passages in the prompt.

    Raises:
        StorageError: the catalog cannot be read.
    """
    if mode is AnswerMode.PLAIN:
        return AnswerSet()
    chosen = route(catalog.candidate_chunks(question), budget)
    records = catalog.adapters([chunk.candidate.chunk_id for chunk in chosen], hypernetwork_hash)
    adapters = {record.chunk_id: record for record in records}
    # A chunk without an adapter of this hypernetwork would be named as a source and have no say.
    routed = [chunk for chunk in chosen if chunk.candidate.chunk_id in adapters]
    in_order = sorted(routed, key=lambda chunk: (chunk.candidate.document_id, chunk.candidate.position))
    quotes = routed[:max_quotes] if mode is AnswerMode.QUOTES else []
    return AnswerSet(
        parts=tuple(part_of(adapters[chunk.candidate.chunk_id], chunk.weight) for chunk in in_order),
        quotes=tuple(chunk.candidate.text for chunk in quotes),
        sources=_sources(routed),
    )


def parts_of_documents(
    catalog: Catalog, document_ids: list[int], hypernetwork_hash: str, limit: int
) -> tuple[AdapterPart, ...]:
    """Adapters of documents, to be prepared while nobody waits; at most ``limit``."""
    chunk_ids = [chunk.id for id_ in document_ids for chunk in catalog.chunks_of(id_)][:limit]
    return tuple(part_of(record) for record in catalog.adapters(chunk_ids, hypernetwork_hash))


def part_of(record: AdapterRecord, weight: float = 1.0) -> AdapterPart:
    """A stored adapter as the engine takes it."""
    return AdapterPart(record.key, Codec(record.codec), record.data, weight)


def max_quotes(n_ctx: int, max_tokens: int) -> int:
    """How many passages surely fit into the context window beside question and answer; at least one."""
    return max(1, (n_ctx - max_tokens - TOKENS_BESIDE_QUOTES) // TOKENS_PER_QUOTE)


def _sources(routed: list[RoutedChunk]) -> tuple[SourceRecord, ...]:
    pairs = sorted(zip(routed, shares(routed), strict=True), key=lambda pair: -pair[1])
    return tuple(
        SourceRecord(
            document_id=chunk.candidate.document_id,
            document=chunk.candidate.document_title,
            path=str(chunk.candidate.document_path),
            passage=chunk.candidate.text,
            weight=share,
        )
        for chunk, share in pairs
    )
