from app.services.notices import KEPT_NOTICES, Notice, NoticeBoard, NoticeLevel


def test_notices_published_before_anybody_listens_are_heard_by_the_first_listener() -> None:
    board = NoticeBoard()
    board.warn("Early.", "message", "detail")
    first: list[Notice] = []
    second: list[Notice] = []

    board.subscribe(first.append)
    board.subscribe(second.append)
    board.error("Late.")

    assert first == [
        Notice(NoticeLevel.WARNING, "Early.", "message", "detail"),
        Notice(NoticeLevel.ERROR, "Late."),
    ]
    assert second == [Notice(NoticeLevel.ERROR, "Late.")]


def test_who_left_hears_nothing_more_and_leaving_twice_does_no_harm() -> None:
    board = NoticeBoard()
    heard: list[Notice] = []
    leave = board.subscribe(heard.append)
    leave()
    leave()

    board.info("Nobody hears this.")

    assert heard == []


def test_only_the_last_unheard_notices_are_kept() -> None:
    board = NoticeBoard()
    for number in range(KEPT_NOTICES + 5):
        board.info(f"Number {number}.")
    heard: list[Notice] = []
    board.subscribe(heard.append)

    assert len(heard) == KEPT_NOTICES
    assert heard[0].title == "Number 5."
