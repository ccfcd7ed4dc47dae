"""Up to a hundred sessions at once."""

from tests.flows.serving import Person, now_iso, session


def some(count: int, **fields: object) -> list[dict[str, object]]:
    return [session(sessionId=f"b{number}", **fields) for number in range(count)]


def test_a_batch_is_recorded_item_by_item(alice: Person) -> None:
    answer = alice.batch(*some(3))
    told = answer.json()
    assert answer.status_code == 201
    assert {name: told["data"][name] for name in ("success", "processed", "succeeded", "failed", "duplicates")} == {
        "success": True,
        "processed": 3,
        "succeeded": 3,
        "failed": 0,
        "duplicates": 0,
    }
    assert [each["index"] for each in told["results"]] == [0, 1, 2]
    assert all(each["success"] and each["sessionId"] and len(each["sessionHash"]) == 16 for each in told["results"])
    assert told["results"] == told["data"]["results"]
    assert alice.totals() == (900, 360, 3)


def test_a_bad_item_costs_its_neighbours_nothing(alice: Person) -> None:
    answer = alice.batch(session(sessionId="a"), session(inputTokens=-1), "nonsense", session(sessionId="b"))
    told = answer.json()
    assert answer.status_code == 201
    assert told["success"] is True
    assert told["data"]["success"] is False
    assert (told["processed"], told["succeeded"], told["failed"], told["duplicates"]) == (4, 2, 2, 0)
    assert [each["success"] for each in told["results"]] == [True, False, False, True]
    assert told["results"][1]["error"].startswith("inputTokens: ")
    assert told["results"][2]["error"] == "a session must be an object"
    assert alice.totals() == (600, 240, 2)


def test_duplicates_are_not_failures(alice: Person) -> None:
    batch = some(3)
    first = alice.batch(*batch).json()
    again = alice.batch(*batch)
    told = again.json()
    assert again.status_code == 200
    assert (told["data"]["success"], told["succeeded"], told["failed"], told["duplicates"]) == (True, 0, 0, 3)
    assert [each["sessionId"] for each in told["results"]] == [each["sessionId"] for each in first["results"]]
    assert alice.totals() == (900, 360, 3)


def test_two_equal_items_of_one_batch_count_once(alice: Person) -> None:
    item = session(sessionId="twin")
    told = alice.batch(item, item, session(sessionId="other")).json()
    assert (told["succeeded"], told["failed"], told["duplicates"]) == (2, 0, 1)
    assert told["results"][0]["sessionId"] == told["results"][1]["sessionId"]
    assert alice.totals() == (600, 240, 2)
    rows = alice.box.ask(
        "SELECT COUNT(*), SUM(t.input_tokens) FROM token_usage t JOIN users u ON u.id = t.user_id WHERE username = :n",
        n=alice.name,
    )
    assert rows == [(2, 600)]


def test_a_session_that_grows_inside_a_batch_ends_with_its_largest_figures(alice: Person) -> None:
    sizes = ((300, 120), (310, 123), (100, 50))
    items = [session(sessionId="g", inputTokens=i, outputTokens=o, endedAt=now_iso(9)) for i, o in sizes]
    assert alice.batch(*items).json()["failed"] == 0
    assert alice.totals() == (310, 123, 1)


def test_a_batch_may_hold_old_history(alice: Person) -> None:
    assert alice.batch(session(endedAt="2025-01-01T00:00:00Z")).status_code == 201


def test_a_hundred_sessions_are_taken_and_one_more_is_not(alice: Person) -> None:
    assert alice.batch(*some(100)).json()["succeeded"] == 100
    answer = alice.batch(*some(101, inputTokens=1_000))
    assert answer.status_code == 400
    assert answer.json()["error"]["details"] == {"errors": {"sessions": ["maximum 100 sessions per batch"]}}
    assert alice.totals() == (30_000, 12_000, 100)


def test_an_empty_batch_is_refused(alice: Person) -> None:
    for body in ({"sessions": []}, {"sessions": None}, {"sessions": {}}, {}, []):
        answer = alice.post("/api/v1/sessions/batch", body)
        assert answer.status_code == 400
        assert answer.json()["error"]["message"] == "sessions: at least one session required"


def test_a_batch_of_which_nothing_was_new_says_so_by_its_status(alice: Person) -> None:
    item = session(sessionId="one")
    alice.batch(item)
    assert alice.batch(item, session(inputTokens=-1)).status_code == 200
    assert alice.batch(session(inputTokens=-1)).status_code == 200
