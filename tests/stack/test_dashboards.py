"""Every question of every dashboard has an answer: a real Prometheus, which scrapes an exporter with all sources on."""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

import aiohttp
import pytest

from tests.grafana.asking import Answer, Answers, Question, Reasons, ask, models, problems, questions, reasons, why
from tests.stack.conftest import NewHarness
from tests.stack.harness import Listener
from tests.stack.whole import running

pytestmark = pytest.mark.stack

PATIENCE = 100.0
"""Seconds in which everything has come that comes: charts of a day begin with the next full minute."""

CONNECTIONS = 6


@pytest.mark.timeout(240)
async def test_every_question_of_every_dashboard_is_answered(
    tmp_path: Path, new_harness: NewHarness, listener: Listener
) -> None:
    """None fails, and each has data or a reason why it cannot; no reason is given for what is not so."""
    asked = [each for name, model in models().items() for each in questions(name, model)]
    excused = reasons()
    async with running(tmp_path, new_harness, listener) as whole:
        answers = await answered(whole.session, whole.harness.url("prometheus"), asked, excused)
    print("\n".join(["", *report(answers, excused)]))
    assert problems(answers, excused) == []


async def answered(session: aiohttp.ClientSession, url: str, asked: Iterable[Question], excused: Reasons) -> Answers:
    """Ask until all have answers or time is up, and then all once more; what was answered once counts, as do errors."""
    answers: Answers = {question: Answer() for question in asked}
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        silent = [each for each, answer in answers.items() if not answer.samples and not answer.error]
        await ask_all(session, url, silent, answers)
        if {each.key for each in silent if not answers[each].samples} <= excused.keys():
            break
        await asyncio.sleep(1.0)
    await ask_all(session, url, list(answers), answers)
    return answers


async def ask_all(session: aiohttp.ClientSession, url: str, asked: Iterable[Question], answers: Answers) -> None:
    """Ask each once, as many at a time as a browser would."""
    places = asyncio.Semaphore(CONNECTIONS)

    async def one(question: Question) -> None:
        async with places:
            answer, before = await ask(session, url, question, time.time()), answers[question]
        answers[question] = Answer(max(before.samples, answer.samples), before.error or answer.error)

    await asyncio.gather(*map(one, asked))


def report(answers: Answers, excused: Reasons) -> list[str]:
    """Give a line for each panel: its queries, their samples in all, and what has none, with the reason."""
    panels: defaultdict[tuple[str, str], list[Question]] = defaultdict(list)
    for question in answers:
        panels[question.dashboard, question.panel].append(question)
    lines = [f"{len(answers)} queries of {len(panels)} panels, choices and marks"]
    for (dashboard, panel), asked in panels.items():
        samples = sum(answers[each].samples for each in asked)
        lines.append(f"{dashboard:<12} {panel:<40} {len(asked):>3} queries {samples:>8} samples")
        lines += [f"{'':<12} {each.legend}: {said}" for each in asked if (said := why(each, answers[each], excused))]
    return lines
