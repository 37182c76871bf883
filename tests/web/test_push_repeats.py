"""Fills that were pushed long ago and come again, in another order."""

from __future__ import annotations

import json
from pathlib import Path
from random import Random

import pytest

from tests.web.pushing import event, fills, lines, pushing, settings

COUNT = 20_000


@pytest.mark.parametrize("form", ["lines", "array"])
async def test_repeats_out_of_order_are_all_answered(tmp_path: Path, form: str) -> None:
    """Though each is looked up elsewhere in the journal, and some say something else, at their own places."""
    async with pushing(settings(tmp_path)) as bot:
        for first in range(0, COUNT, 1000):
            assert (await bot.push(fills(first, first + 1000))).counts == (1000, 0, 0)
        again = [event(number) for number in Random(1).sample(range(COUNT), 400)]
        wrong = [7, 150, 399]
        for place in wrong:
            again[place]["price"] = "1"
        reply = await bot.push(lines(*again) if form == "lines" else json.dumps(again))
        assert (reply.status, reply.counts) == (200, (0, 397, 3))
        assert reply.problems == [(place, "", "conflict") for place in wrong]
        if form == "lines":
            assert [each["line"] for each in reply.body["errors"]] == [place + 1 for place in wrong]
        assert await bot.value("fills_total{") == COUNT
