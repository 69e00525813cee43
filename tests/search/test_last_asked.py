from search.last_asked import LastAsked


def test_what_was_asked_for_last_is_not_made_again_and_the_rest_is() -> None:
    made: list[str] = []

    def get(key: str) -> str:
        def make() -> str:
            made.append(key)
            return key.upper()

        return kept.get(key, make)

    kept: LastAsked[str, str] = LastAsked(2)
    assert [get(key) for key in "abacab"] == [*"ABACAB"]
    assert made == [*"abcb"]


def test_one_place_keeps_the_last_one() -> None:
    kept: LastAsked[int, int] = LastAsked(1)
    numbers = iter(range(9))
    assert [kept.get(key, lambda: next(numbers)) for key in (1, 1, 2, 2, 1)] == [0, 0, 1, 1, 2]
