import os
import sys
from pathlib import Path

import pytest

from app.services.ranking import search
from storage.catalog import Catalog
from storage.database import Database
from storage.ingest_queue import IngestQueue
from storage.records import DocumentState, JobState
from tests.storage.library import BASE, HYPERNETWORK, NOTES, Library, count_rows, hash_of, new_chunks


def test_a_new_document_is_queued_enabled_and_named_after_its_file(catalog: Catalog) -> None:
    document = catalog.add_document(NOTES / "Kitchen plans.v2.md", size_bytes=10, mtime_ns=5_000_000_000_123)

    assert document.title == "Kitchen plans.v2"
    assert (document.state, document.enabled) == (DocumentState.QUEUED, True)
    assert (document.content_hash, document.n_chunks, document.folder_id) == (None, 0, None)
    assert (document.size_bytes, document.mtime_ns) == (10, 5_000_000_000_123)
    assert document.added_at.utcoffset() is not None
    assert catalog.document(document.id) == document
    assert catalog.document_by_path(NOTES / "Kitchen plans.v2.md") == document


def test_adding_a_path_again_returns_the_same_document_unchanged(library: Library) -> None:
    learnt = library.learn("a.md", "Text.")

    again = library.catalog.add_document(learnt.path, size_bytes=999, mtime_ns=999)

    assert again == learnt


def test_a_watched_folder_adopts_a_document_that_was_added_by_hand(catalog: Catalog) -> None:
    by_hand = catalog.add_document(NOTES / "a.md")
    folder = catalog.add_folder(NOTES)

    adopted = catalog.add_document(NOTES / "a.md", folder_id=folder.id)

    assert (adopted.id, adopted.folder_id) == (by_hand.id, folder.id)


def test_relative_paths_are_refused(catalog: Catalog) -> None:
    with pytest.raises(ValueError, match=r"absolute path, got a\.md"):
        catalog.add_document(Path("a.md"))


def test_documents_are_listed_by_title_without_regard_to_case(catalog: Catalog) -> None:
    for name in ("zebra.md", "Ärger.md", "apple.md", "Banana.md", "ärger 2.md"):
        catalog.add_document(NOTES / name)

    assert [document.title for document in catalog.documents()] == [
        "apple",
        "Banana",
        "zebra",
        "Ärger",
        "ärger 2",
    ]


def test_removing_a_folder_keeps_its_documents(catalog: Catalog) -> None:
    folder = catalog.add_folder(NOTES)
    assert catalog.add_folder(NOTES) == folder
    document = catalog.add_document(NOTES / "a.md", folder_id=folder.id)
    assert [found.id for found in catalog.documents(folder.id)] == [document.id]

    catalog.remove_folder(folder.id)

    assert catalog.folders() == ()
    assert [found.folder_id for found in catalog.documents()] == [None]


def test_a_learnt_document_is_ready_with_its_chunks_and_adapters(library: Library) -> None:
    document = library.learn("a.md", "First passage.", "Second passage.", note="Read as Windows-1252.")

    assert document.state is DocumentState.READY
    assert (document.n_chunks, document.note) == (2, "Read as Windows-1252.")
    assert document.content_hash == hash_of("First passage.\n\nSecond passage.")
    assert (document.size_bytes, document.mtime_ns) == (len("First passage.Second passage."), 7)
    chunks = library.catalog.chunks_of(document.id)
    assert [(chunk.position, chunk.text, chunk.char_start, chunk.char_end) for chunk in chunks] == [
        (0, "First passage.", 0, 14),
        (1, "Second passage.", 16, 31),
    ]
    first, second = library.catalog.adapters([chunk.id for chunk in chunks], HYPERNETWORK)
    assert first.data == b"adapter of First passage."
    assert second.key == f"{chunks[1].id}:0123456789ab"
    assert (second.codec, second.rank) == ("latents-f16", 8)
    assert [job.state for job in library.queue.jobs()] == [JobState.DONE]


def test_adapters_come_in_the_order_asked_without_those_that_do_not_exist(library: Library) -> None:
    document = library.learn("a.md", "One.", "Two.", "Three.")
    one, two, three = (chunk.id for chunk in library.catalog.chunks_of(document.id))

    found = library.catalog.adapters([three, 999_999, one, two], HYPERNETWORK)

    assert [adapter.chunk_id for adapter in found] == [three, one, two]
    assert library.catalog.adapters([one], "another hypernetwork") == ()


def test_the_same_content_under_two_paths_is_kept_once_and_answers_once(library: Library) -> None:
    first = library.learn("a.md", "The key is under the mat.")
    copy = library.catalog.add_document(NOTES / "copy.md")

    assert library.catalog.attach_known_content(
        copy.id, hash_of("The key is under the mat."), base_hash=BASE, hypernetwork_hash=HYPERNETWORK
    )

    assert library.catalog.counts().chunks == 1
    assert [chunk.document_id for chunk in search(library.catalog, "key", None).passages] == [first.id]
    library.catalog.set_enabled([first.id], False)
    assert [chunk.document_id for chunk in search(library.catalog, "key", None).passages] == [copy.id]
    library.catalog.forget([first.id])
    assert [chunk.document_title for chunk in search(library.catalog, "key", None).passages] == ["copy"]
    library.catalog.forget([copy.id])
    assert library.catalog.counts().chunks == 0


def test_content_learnt_with_other_models_is_not_known(library: Library) -> None:
    library.learn("a.md", "Text.")
    copy = library.catalog.add_document(NOTES / "copy.md")
    known = hash_of("Text.")

    assert not library.catalog.attach_known_content(
        copy.id, known, base_hash="other", hypernetwork_hash=HYPERNETWORK
    )
    assert not library.catalog.attach_known_content(copy.id, known, base_hash=BASE, hypernetwork_hash="other")
    assert not library.catalog.attach_known_content(
        copy.id, hash_of("unknown"), base_hash=BASE, hypernetwork_hash=HYPERNETWORK
    )
    assert not library.catalog.attach_known_content(
        999, known, base_hash=BASE, hypernetwork_hash=HYPERNETWORK
    )
    still = library.catalog.document(copy.id)
    assert still is not None
    assert still.state is DocumentState.QUEUED


def test_attaching_known_content_cancels_what_was_queued_for_the_document(library: Library) -> None:
    library.learn("a.md", "Version one.")
    running = library.start("a.md", "Version two.")

    assert library.catalog.attach_known_content(
        running.document_id, hash_of("Version one."), base_hash=BASE, hypernetwork_hash=HYPERNETWORK
    )

    assert not library.finish(running, "Version two.")
    assert library.texts() == ["Version one."]
    assert library.queue.pending() == 0


def test_editing_a_document_replaces_its_chunks_adapters_and_search_rows(
    library: Library, catalog_path: Path
) -> None:
    old = library.learn("a.md", "The alarm code is 4711.", "Feed the cat.")
    old_ids = [chunk.id for chunk in library.catalog.chunks_of(old.id)]

    new = library.learn("a.md", "The alarm code is 8080.")

    assert new.id == old.id
    assert library.texts() == ["The alarm code is 8080."]
    assert library.found("4711 cat") == []
    assert library.catalog.adapters(old_ids, HYPERNETWORK) == ()
    assert count_rows(catalog_path, "contents", "chunks", "adapters", "chunk_search") == [1, 1, 1, 1]


def test_chunk_ids_are_never_used_again(library: Library) -> None:
    # The chat worker caches factors under "<chunk id>:<hypernetwork>".
    first = library.learn("a.md", "Secret one.")
    used = [chunk.id for chunk in library.catalog.chunks_of(first.id)]
    library.catalog.forget([first.id])

    second = library.learn("b.md", "Secret two.")
    again = library.learn("b.md", "Secret two.")  # learnt anew with the same models

    fresh = [chunk.id for chunk in library.catalog.chunks_of(again.id)]
    assert second.id == again.id
    assert min(fresh) > max(used) + 1


def test_adapters_of_another_hypernetwork_are_kept_beside_those_there(library: Library) -> None:
    document = library.learn("a.md", "One.", "Two.")
    ids = [chunk.id for chunk in library.catalog.chunks_of(document.id)]
    assert library.catalog.documents_for_other_models(BASE, HYPERNETWORK) == ()
    assert library.catalog.documents_for_other_models(BASE, "new" * 20) == (document.id,)

    library.learn("a.md", "One.", "Two.", hypernetwork="new" * 20)

    assert [chunk.id for chunk in library.catalog.chunks_of(document.id)] == ids
    assert len(library.catalog.adapters(ids, HYPERNETWORK)) == 2
    assert len(library.catalog.adapters(ids, "new" * 20)) == 2
    assert library.catalog.documents_for_other_models(BASE, HYPERNETWORK) == ()


def test_the_same_hypernetwork_on_another_base_makes_new_chunks(library: Library) -> None:
    # The key of an adapter names the chunk and the hypernetwork only: equal keys must mean equal bytes.
    document = library.learn("a.md", "One.")
    (old,) = library.catalog.chunks_of(document.id)

    library.learn("a.md", "One.", base="another base")

    (new,) = library.catalog.chunks_of(document.id)
    assert new.id != old.id
    assert library.catalog.documents_for_other_models(BASE, HYPERNETWORK) == (document.id,)


def test_chunks_cut_differently_replace_the_old_ones(library: Library, catalog_path: Path) -> None:
    document = library.learn("a.md", "One. Two.")
    job = library.start("a.md", "One. Two.")

    assert library.finish(job, "One.", "Two.", hypernetwork="finer")

    assert [chunk.text for chunk in library.catalog.chunks_of(document.id)] == ["One.", "Two."]
    assert count_rows(catalog_path, "chunks", "adapters", "chunk_search") == [2, 2, 2]


def test_a_document_forgotten_while_it_is_learnt_stores_nothing(library: Library, catalog_path: Path) -> None:
    job = library.start("a.md", "Text.")
    library.catalog.forget([job.document_id])

    assert not library.finish(job, "Text.")
    assert not library.catalog.mark_failed(job.document_id, "No.", "", job.id)

    assert count_rows(catalog_path, "documents", "jobs", "contents", "chunks", "models") == [0, 0, 0, 0, 0]


def test_a_cancelled_job_stores_nothing(library: Library) -> None:
    job = library.start("a.md", "Text.")
    library.queue.cancel(job.document_id)

    assert not library.finish(job, "Text.")
    assert library.catalog.counts().chunks == 0


def test_a_job_cannot_store_for_another_document(library: Library) -> None:
    job = library.start("a.md", "Text.")
    other = library.add("b.md")

    stored = library.catalog.store_content(
        other.id,
        job.content_hash,
        size_bytes=1,
        mtime_ns=1,
        base_hash=BASE,
        hypernetwork_hash=HYPERNETWORK,
        chunks=new_chunks(["Text."]),
        note="",
        job_id=job.id,
    )

    assert not stored
    assert not library.catalog.mark_failed(other.id, "No.", "", job.id)
    assert library.catalog.counts().chunks == 0


def test_a_document_without_chunks_is_refused(library: Library) -> None:
    job = library.start("a.md", "")

    with pytest.raises(ValueError, match="has no chunks"):
        library.finish(job)


def test_a_document_stays_queued_while_a_newer_version_waits(library: Library) -> None:
    running = library.start("a.md", "Version one.")
    library.queue.enqueue(running.document_id, hash_of("Version two."))

    assert library.finish(running, "Version one.")

    document = library.catalog.document(running.document_id)
    assert document is not None
    assert document.state is DocumentState.QUEUED
    assert library.texts() == []


def test_a_waiting_job_is_done_when_the_worker_read_its_bytes_already(library: Library) -> None:
    running = library.start("a.md", "Version one.")
    library.queue.enqueue(running.document_id, hash_of("Version two."))

    assert library.finish(running, "Version two.", content="Version two.")

    assert [job.state for job in library.queue.jobs()] == [JobState.DONE, JobState.DONE]
    assert library.texts() == ["Version two."]


def test_a_failed_document_answers_no_more_with_its_older_text(library: Library) -> None:
    library.learn("a.md", "Old text.")
    job = library.start("a.md", "broken")

    assert library.catalog.mark_failed(job.document_id, "Cannot be read.", "a.md: no text", job.id)

    document = library.catalog.document(job.document_id)
    assert document is not None
    assert document.state is DocumentState.FAILED
    assert (document.reason_title, document.reason_detail) == ("Cannot be read.", "a.md: no text")
    assert (document.content_hash, document.n_chunks) == (None, 0)
    assert library.texts() == []
    assert library.catalog.counts().chunks == 0
    failed = library.queue.jobs()[-1]
    assert (failed.state, failed.error_title) == (JobState.FAILED, "Cannot be read.")
    assert failed.finished_at is not None


def test_a_document_that_failed_before_any_job_can_be_marked(library: Library) -> None:
    document = library.add("gone.md")

    assert library.catalog.mark_failed(document.id, "Gone.", "The file was deleted.")

    assert [found.state for found in library.catalog.documents()] == [DocumentState.FAILED]


def test_a_file_that_fails_before_it_is_queued_again_ends_its_older_jobs(library: Library) -> None:
    running = library.start("a.md", "Version one.")
    library.queue.enqueue(running.document_id, hash_of("Version two."))

    assert library.catalog.mark_failed(running.document_id, "Too large.", "a.md has 50 MB")

    assert library.queue.pending() == 0
    assert not library.finish(running, "Version one.")
    assert [document.state for document in library.catalog.documents()] == [DocumentState.FAILED]


def test_an_old_failure_does_not_hide_a_newer_version_that_waits(library: Library) -> None:
    running = library.start("a.md", "Version one.")
    library.queue.enqueue(running.document_id, hash_of("Version two."))

    assert library.catalog.mark_failed(running.document_id, "Cannot be read.", "", running.id)

    document = library.catalog.document(running.document_id)
    assert document is not None
    assert (document.state, document.reason_title) == (DocumentState.QUEUED, "")


def test_learning_again_clears_the_reason_of_a_failure(library: Library) -> None:
    job = library.start("a.md", "broken")
    library.catalog.mark_failed(job.document_id, "Cannot be read.", "", job.id)

    document = library.learn("a.md", "Good now.")

    assert (document.state, document.reason_title) == (DocumentState.READY, "")


def test_renaming_keeps_what_was_learnt_and_changes_the_title(library: Library) -> None:
    before = library.learn("a.md", "Tiles are blue.")

    library.catalog.rename_document(before.id, NOTES / "sub" / "Bathroom.md", 3, 4)

    after = library.catalog.document(before.id)
    assert after is not None
    assert (after.title, after.path) == ("Bathroom", NOTES / "sub" / "Bathroom.md")
    assert (after.content_hash, after.size_bytes, after.mtime_ns) == (before.content_hash, 3, 4)
    (passage,) = search(library.catalog, "bathroom", None).passages
    assert passage.document_title == "Bathroom"


def test_renaming_over_another_document_forgets_the_one_replaced(library: Library) -> None:
    moved = library.learn("a.md", "New words.")
    replaced = library.learn("b.md", "Old words.")

    assert library.catalog.rename_document(moved.id, replaced.path, 1, 1) == replaced.id

    assert [document.path for document in library.catalog.documents()] == [replaced.path]
    assert library.texts() == ["New words."]
    assert library.catalog.rename_document(999, NOTES / "c.md", 1, 1) is None


def test_forgetting_leaves_no_row_behind(library: Library, catalog_path: Path) -> None:
    one = library.learn("a.md", "One.", "Two.")
    other = library.learn("b.md", "Three.")

    library.catalog.forget([one.id, 12345])

    assert library.catalog.document(one.id) is None
    assert [document.id for document in library.catalog.documents()] == [other.id]
    tables = ("documents", "contents", "chunks", "adapters", "jobs", "chunk_search", "title_search")
    assert count_rows(catalog_path, *tables) == [1] * 7
    assert library.catalog.quick_check() == []


def test_a_forgotten_note_leaves_no_bytes_in_the_files(library: Library, catalog_path: Path) -> None:
    library.learn("keep.md", "Harmless words.")
    secret = library.learn("zanzibar.md", "The zucchini password is xylophone.")
    search(library.catalog, "xylophone", None)

    library.catalog.forget([secret.id])
    library.catalog.clean_up()

    for file in catalog_path.parent.iterdir():
        content = file.read_bytes()
        for word in (b"xylophon", b"zucchini", b"zanzibar"):
            assert word not in content, (file.name, word)


def test_a_document_switched_off_does_not_answer(library: Library) -> None:
    on = library.learn("a.md", "The cat is called Mia.")
    off = library.learn("b.md", "The dog is called Rex.")
    assert len(library.texts("called")) == 2

    library.catalog.set_enabled([off.id, 777], False)
    assert library.texts("dog called") == ["The cat is called Mia."]

    library.catalog.set_enabled([on.id, off.id], True)
    assert library.found("dog") == ["The dog is called Rex."]


def test_a_document_being_learnt_does_not_answer(library: Library, queue: IngestQueue) -> None:
    document = library.learn("a.md", "Text.")
    assert library.texts() == ["Text."]

    queue.enqueue(document.id, hash_of("New text."))
    assert library.texts() == []

    library.catalog.mark_learning(document.id)
    assert library.texts() == []


def test_another_open_catalog_sees_and_causes_changes_of_the_candidates(
    library: Library, catalog_path: Path
) -> None:
    first = library.learn("a.md", "One.")
    elsewhere = Database.open(catalog_path)
    try:
        other = Catalog(elsewhere)
        assert [chunk.text for chunk in search(other, "", None).passages] == ["One."]
        other.set_enabled([first.id], False)
        assert library.texts() == []
        library.learn("b.md", "Two.")
        assert [chunk.text for chunk in search(other, "", None).passages] == ["Two."]
    finally:
        elsewhere.close()


def test_counts_add_up(library: Library) -> None:
    library.learn("a.md", "One.", "Two.")
    library.add("b.md")

    counts = library.catalog.counts()

    assert (counts.documents, counts.ready, counts.chunks) == (2, 1, 2)
    assert counts.bytes_of_adapters == len(b"adapter of One.") + len(b"adapter of Two.")


def test_the_file_as_last_seen_is_remembered(library: Library) -> None:
    document = library.add("a.md")

    library.catalog.note_file_seen(document.id, 5_000_000_000, 2**62)

    seen = library.catalog.document(document.id)
    assert seen is not None
    assert (seen.size_bytes, seen.mtime_ns) == (5_000_000_000, 2**62)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows file names are Unicode")
def test_a_file_name_that_is_not_utf_8_comes_back_exactly(library: Library) -> None:
    odd = Path(os.fsdecode(b"/notes/caf\xe9.md"))

    document = library.catalog.add_document(odd)

    assert document.path == odd
    assert document.title == "caf\ufffd"
    found = library.catalog.document_by_path(odd)
    assert found is not None
    assert os.fsencode(found.path) == b"/notes/caf\xe9.md"


def test_text_with_lone_surrogates_and_nul_is_stored(library: Library) -> None:
    job = library.start("a.pdf", "odd")

    assert library.finish(job, "half a pair \ud83d here", "nul \x00 inside", content="odd")

    assert [chunk.text for chunk in library.catalog.chunks_of(job.document_id)] == [
        "half a pair \ufffd here",
        "nul \x00 inside",
    ]
