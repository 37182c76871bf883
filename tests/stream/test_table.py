"""The newest state of each thing, in the order in which they changed."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from exporter.stream.table import Labels, Table

PUTS = st.lists(st.tuples(st.integers(0, 7), st.integers(0, 3)), max_size=60)


@given(PUTS, st.integers(0, 60), st.sampled_from([3, 100]))
def test_changes_since_bring_anybody_up_to_date(puts: list[tuple[int, int]], seen_after: int, most: int) -> None:
    """Whoever saw everything up to a number knows all with what changed since, each thing once."""
    table, before, number, now = Table(most), dict[int, bytes](), 0, dict[int, bytes]()
    for index, (key, value) in enumerate(puts):
        if index == seen_after:
            before, number = dict(now), table.number
        body = str(value).encode()
        changed = table.put(key, Labels(), body)
        assert changed == (now.get(key) != body)
        if changed:
            now.pop(key, None)
            now[key] = body
            if len(now) > most:
                del now[next(iter(now))]
    if seen_after >= len(puts):
        before, number = dict(now), table.number
    items = table.since(number)
    numbers = [item.number for item in items]
    assert numbers == sorted(set(numbers))
    assert len(items) <= len(now)
    news = now if number < table.forgotten else {key: body for key, body in now.items() if before.get(key) != body}
    assert len(items) >= len(news)
    assert {item.body for item in items} >= set(news.values())


def test_what_went_is_remembered_as_forgotten() -> None:
    """A full table lets go of what changed longest ago, and says up to where nobody can be brought up to date."""
    table = Table(2)
    for key in range(3):
        table.put(key, Labels(), b"x")
    table.put(1, Labels(), b"y")
    assert [item.body for item in table.since(0)] == [b"x", b"y"]
    assert (table.number, table.forgotten) == (4, 1)
