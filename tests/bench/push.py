"""A million fills pushed over HTTP, each on disk before it is acknowledged; statsd_exporter beside it."""

from __future__ import annotations

import http.client
import os
import random
import re
import shutil
import socket
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from simulator.stack.ports import free_port
from tests.bench.figure import Figure, quantile
from tests.bench.processes import TOKEN, exporter, pin, until_listening

FILLS = int(os.environ.get("BENCH_PUSH_FILLS", "1000000"))
BATCH = 2000
SENDERS = 2
BOOKS = 20
PROBES = 200
_CACHE = Path.home() / ".cache" / "trading-exporter" / "go"
_STATSD = "github.com/prometheus/statsd_exporter@v0.28.0"
_CONFIG = """
web: {{listen: "127.0.0.1:{port}"}}
currency: {{pegs: {{USDT: 1}}}}
journal: {{path: "{folder}/journal"}}
push: {{tokens: [{{name: bench, token: {{env: BENCH_TOKEN}}}}]}}
log: {{level: warning}}
"""


def measure() -> Iterator[Figure]:
    """The exporter has one core to itself, the senders the other."""
    with exporter(_CONFIG) as (port, process):
        _push(port, _books())
        _push(port, fills(FILLS, 1))
        per_fill = _series_of_a_fill(port)
        rates, seconds = _flood(port)
        memory = process.memory_info().rss
        yield Figure("push: fills, acknowledged on disk", FILLS, "fills")
        yield Figure("push: durable fills/s on one core", FILLS / seconds, "1/s", ">= 100000")
        yield Figure("push: durable fills/s, best second", max(rates), "1/s")
        yield Figure("push: series that one fill changes", per_fill, "series")
        yield Figure("push: metric updates/s", FILLS / seconds * per_fill, "1/s", ">= 10000")
        yield Figure("push: memory after it", memory / 1e6, "MB", "<= 150")
        latencies = [_probe(port, FILLS + 2 * BOOKS + number) for number in range(PROBES)]
        yield Figure("push: POST to /metrics, p50", quantile(latencies, 0.5) * 1000, "ms", "<= 10")
        yield Figure("push: POST to /metrics, p99", quantile(latencies, 0.99) * 1000, "ms", "<= 100")
    yield from _peer(FILLS / seconds * per_fill, per_fill)


def _books() -> bytes:
    lines = (
        f'{{"type":"book","exchange":"bench","symbol":"C{number}/USDT","ts":{time.time():.3f},'
        '"bid":59999.0,"bid_quantity":1,"ask":60001.0,"ask_quantity":1}'
        for number in range(BOOKS)
    )
    return "\n".join(lines).encode()


def fills(first: int, count: int) -> bytes:
    """So many fills as they are pushed, with ids from ``first`` on."""
    drawn, now = random.Random(first), time.time()
    return "\n".join(_fill(number, now + number * 1e-7, drawn) for number in range(first, first + count)).encode()


def _fill(number: int, ts: float, drawn: random.Random) -> str:
    quantity, sender = drawn.randint(1, 10**6), (number - 1) // BATCH % SENDERS
    book = number % (BOOKS // SENDERS) * SENDERS + sender  # each sender has books of its own, as a bot does
    return (
        f'{{"type":"fill","exchange":"bench","account":"main","symbol":"C{book}/USDT","strategy":"mm-1",'
        f'"trade_id":"{10**9 + number}","order_id":"{5 * 10**9 + number // 2}",'
        f'"side":"{"sell" if drawn.random() < 0.5 else "buy"}","price":"{59990 + drawn.randint(0, 2000) / 100:.2f}",'
        f'"quantity":"0.{quantity:06}","fee":{{"currency":"USDT","amount":"0.{quantity:09}"}},'
        f'"liquidity":"maker","ts":{ts:.6f}}}'
    )


def prepare(port: int) -> None:
    """Tell the markets of all books, so that what follows can be valued."""
    _push(port, _books())


def _flood(port: int) -> tuple[list[float], float]:
    """Push all fills from several connections; the rate of each second, and the seconds that it took."""
    bodies = [fills(first, min(BATCH, FILLS - first)) for first in range(0, FILLS, BATCH)]
    done: list[tuple[float, int]] = []
    threads = [threading.Thread(target=send, args=(port, bodies[n::SENDERS], done)) for n in range(SENDERS)]
    started = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    seconds = max(at for at, _ in done) - started
    by_second = [0] * (int(seconds) + 1)
    for at, count in done:
        by_second[int(at - started)] += count
    return [float(count) for count in by_second], seconds


def send(port: int, bodies: Sequence[bytes], done: list[tuple[float, int]]) -> None:
    """Push bodies one after the other; ``done`` gets the time and the number of fills of each."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
    for body in bodies:
        while (taken := _post(connection, body)) is None:
            time.sleep(0.05)
        done.append((time.perf_counter(), taken))
    connection.close()


def _post(connection: http.client.HTTPConnection, body: bytes) -> int | None:
    """How many were taken; None when they have to be sent again."""
    connection.request("POST", "/v1/events", body, {"Authorization": f"Bearer {TOKEN}"})
    answer = connection.getresponse()
    text = answer.read().decode()
    if answer.status == http.client.TOO_MANY_REQUESTS:
        return None
    if answer.status != http.client.OK or '"errors":[]' not in text.replace(" ", ""):
        raise RuntimeError(f"{answer.status}: {text[:500]}")
    return body.count(b"\n") + 1


def _push(port: int, body: bytes) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    _post(connection, body)
    connection.close()


def _metrics(port: int) -> str:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request("GET", "/metrics", headers={"Authorization": f"Bearer {TOKEN}"})
    text = connection.getresponse().read().decode()
    connection.close()
    return text


_SAMPLE = re.compile(r'^(trading_\w+\{[^}]*exchange="bench"[^}]*\}) (\S+)$', re.MULTILINE)
_TOTAL = re.compile(r'^trading_fills_total\{[^}]*exchange="bench"[^}]*\} (\d+)$', re.MULTILINE)


def _samples(port: int) -> dict[str, str]:
    return dict(_SAMPLE.findall(_metrics(port)))


def _series_of_a_fill(port: int) -> int:
    """How many series one more fill changes, without those that change by themselves; a histogram is one."""
    start = _samples(port)
    time.sleep(2.0)  # what follows from the fill before is over, and what changes with time alone has changed
    before = _samples(port)
    _push(port, fills(FILLS + BOOKS, 1))
    return len(_changed(before, _samples(port)) - _changed(start, before))


def _changed(before: dict[str, str], after: dict[str, str]) -> set[str]:
    changed = {name for name, value in after.items() if before.get(name) != value}
    return {re.sub(r"_bucket|_sum|_count|,?le=\"[^\"]*\"", "", name) for name in changed}


def _probe(port: int, number: int) -> float:
    """Seconds from the start of a POST with one fill to the end of a scrape that has it."""
    before = sum(map(int, _TOTAL.findall(_metrics(port))))
    body = fills(number, 1)
    started = time.perf_counter()
    _push(port, body)
    while sum(map(int, _TOTAL.findall(_metrics(port)))) == before:
        pass
    return time.perf_counter() - started


# The peer: statsd_exporter, which takes lines such as these and keeps nothing on disk.


def _peer(ours: float, per_fill: int) -> Iterator[Figure]:
    program = _statsd_exporter()
    if program is None:
        print("push: statsd_exporter is left out: it needs Go to be built", file=sys.stderr)
        return
    port, web = free_port(), free_port()
    flags = [f"--statsd.listen-tcp=127.0.0.1:{port}", f"--web.listen-address=127.0.0.1:{web}", "--statsd.listen-udp="]
    with subprocess.Popen([str(program), *flags], stderr=subprocess.DEVNULL) as process:
        try:
            pin(process.pid, {0})
            until_listening(port)
            rate = statistics.median(_lines_per_second(port, web, per_fill) for _ in range(3))
        finally:
            process.terminate()
    yield Figure("push: statsd_exporter, the equivalent lines/s on one core", rate, "1/s")
    yield Figure("push: our metric updates/s over its lines/s", ours / rate, "ratio")


def _lines_per_second(port: int, web: int, per_fill: int) -> float:
    """Send as many lines as 100,000 fills change series, and wait until all are counted."""
    tags = "#exchange:bench,account:main,symbol:C{}/USDT,strategy:mm-1"
    kinds = [f"bench_{number}:{number}.5|{'c' if number % 2 else 'g'}|{tags}" for number in range(per_fill)]
    block = "".join(kind.format(number % BOOKS) + "\n" for number in range(100) for kind in kinds).encode()
    before, started = _counted(web), time.perf_counter()
    with socket.create_connection(("127.0.0.1", port)) as connection:
        for _ in range(1000):
            connection.sendall(block)
    expected = before + 1000 * 100 * per_fill
    while _counted(web) < expected:
        time.sleep(0.01)
    return 1000 * 100 * per_fill / (time.perf_counter() - started)


def _counted(web: int) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", web, timeout=60)
    connection.request("GET", "/metrics")
    text = connection.getresponse().read().decode()
    connection.close()
    found = re.search(r"^statsd_exporter_samples_total (\S+)$", text, re.MULTILINE)
    return int(float(found[1])) if found else 0


def _statsd_exporter() -> Path | None:
    """The program, built once with the ordinary Go client; None where there is no Go."""
    program = _CACHE / "bin" / "statsd_exporter"
    if not program.exists():
        go = shutil.which("go")
        if go is None:
            return None
        _CACHE.mkdir(parents=True, exist_ok=True)
        subprocess.run([go, "install", _STATSD], env={**os.environ, "GOPATH": str(_CACHE)}, check=True)
    return program
