"""What the client does for each answer that an exporter, or something else at its address, can give."""

from __future__ import annotations

import datetime
import ipaddress
import json
import logging
import ssl
import threading
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from exporter.client import Client
from tests.client.standin import Request, StandIn, standin, until

TOKEN = "s3cret-t0ken-of-a-bot"


def fills(reports: Client, count: int, first: int = 0) -> list[str]:
    """Report so many fills; their trade ids."""
    ids = [str(number) for number in range(first, first + count)]
    for trade_id in ids:
        reports.fill(symbol="BTC/USDT", trade_id=trade_id, side="buy", price="60000.10", quantity="0.012")
    return ids


def client(server: StandIn, spool: Path | None = None, **rest: float) -> Client:
    return Client(server.url, token=TOKEN, exchange="alpha", spool=spool, retry_seconds=0.05, **rest)  # type: ignore[arg-type]  # numbers all


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]


def test_requests_are_ndjson_with_the_token_over_one_connection() -> None:
    """Small bodies go as they are, larger ones compressed, all over the connection that is there."""
    requests: list[Request] = []

    def behave(request: Request) -> None:
        requests.append(request)
        request.accept()

    with standin(behave) as server, client(server) as reports:
        first = fills(reports, 1)
        assert reports.flush(30)
        rest = fills(reports, 2000, 1)
        assert reports.flush(30)
        assert server.ids() == first + rest
        assert server.connections == 1
        assert not requests[0].gzipped
        assert any(request.gzipped for request in requests)
        for request in requests:
            assert request.headers["Authorization"] == f"Bearer {TOKEN}"
            assert request.headers["Content-Type"] == "application/x-ndjson"
        assert reports.statistics.sent == reports.statistics.accepted == 2001
        assert reports.statistics.connected


def test_refused_events_are_counted_logged_once_a_reason_and_kept_for_people(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """All of an answered batch is dealt with, and what the exporter refused is in a file, but not sent again."""

    def behave(request: Request) -> None:
        errors = [
            {"index": index, "field": "symbol", "reason": "symbol", "message": "symbol is 'x'; write it so"}
            for index in range(len(request.events))
        ]
        request.answer(200, {"accepted": 0, "duplicates": 0, "errors": errors})

    with standin(behave) as server, client(server, tmp_path) as reports:
        ids = fills(reports, 50)
        reports.book(symbol="x")
        assert reports.flush(30)
        assert (reports.statistics.sent, reports.statistics.refused) == (51, 51)
        assert reports.statistics.last_error == "symbol is 'x'; write it so (symbol)"
    kept = [json.loads(line) for line in (tmp_path / "refused.ndjson").read_text().splitlines()]
    assert [event["trade_id"] for event in kept] == ids
    assert [text for text in warnings(caplog) if "write it so" in text] == warnings(caplog)
    assert len(warnings(caplog)) == 1


def test_a_batch_of_which_every_event_was_refused_is_dealt_with(tmp_path: Path) -> None:
    """An exporter answers that with 400; what comes after it is not held up."""

    def behave(request: Request) -> None:
        if request.events[0]["trade_id"] == "0":
            error = {"index": 0, "field": "", "reason": "size", "message": "too long"}
            request.answer(400, {"accepted": 0, "duplicates": 0, "refused": 1, "errors": [error], "message": "none"})
        else:
            request.accept()

    with standin(behave) as server, client(server, tmp_path) as reports:
        fills(reports, 1)
        assert reports.flush(30)
        ids = fills(reports, 3, 1)
        assert reports.flush(30)
        assert server.ids() == ids
        assert (reports.statistics.refused, reports.statistics.waiting) == (1, 0)
    assert json.loads((tmp_path / "refused.ndjson").read_text())["trade_id"] == "0"


@pytest.mark.parametrize("status", [429, 503])
def test_an_overloaded_exporter_gets_the_rest_later(status: int) -> None:
    """What it took before it gave up is not sent again, the rest is, in order."""
    answers = iter((3, 0, 2, None))

    def behave(request: Request) -> None:
        taken = next(answers, -1)
        if taken == -1:
            request.accept()
        elif taken is None:
            request.answer(status, "busy", Retry_After="0")
        else:
            request.take(0, taken)
            body = {"accepted": taken, "duplicates": 0, "errors": [], "next_index": taken}
            request.answer(status, body, Retry_After="0")

    with standin(behave) as server, client(server) as reports:
        ids = fills(reports, 20)
        assert reports.flush(30)
        assert server.ids() == ids
        assert reports.statistics.accepted == 20


def test_the_exporters_own_words_are_passed_on(caplog: pytest.LogCaptureFixture) -> None:
    """It knows best what to do about its answer."""
    body = {"accepted": 0, "duplicates": 0, "errors": [], "message": "push is off: list a\ntoken"}
    with standin(lambda request: request.answer(404, body)) as server, client(server) as reports:
        fills(reports, 1)
        server.until(lambda: server.requests > 1)
        reports.close(0.0)
    assert "answers 404: push is off: list a token; events are kept" in caplog.text


def test_retry_after_is_obeyed_even_by_flush() -> None:
    """An exporter that asks for an hour is left alone, whoever waits."""
    with standin(lambda request: request.answer(429, "busy", Retry_After="3600")) as server, client(server) as reports:
        fills(reports, 1)
        assert not reports.flush(0.5)
        assert server.requests == 1
        assert reports.statistics.waiting == 1
        assert "429" in reports.statistics.last_error
        reports.close(0.1)


def test_a_batch_that_is_too_large_is_halved(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Down to the one event that the exporter will never take, which is left out, said, and kept for people."""

    def behave(request: Request) -> None:
        if len(request.events) > 7 or any(event["trade_id"] == "13" for event in request.events):
            request.answer(413, "too large")
        else:
            request.accept()

    with standin(behave) as server, client(server, tmp_path) as reports:
        ids = fills(reports, 40)
        assert reports.flush(30)
        assert server.ids() == [trade_id for trade_id in ids if trade_id != "13"]
        assert reports.statistics.dropped == 1
    assert json.loads((tmp_path / "refused.ndjson").read_text())["trade_id"] == "13"
    assert [text for text in warnings(caplog) if "too large" in text] == warnings(caplog)


@pytest.mark.parametrize("status", [301, 400, 401, 403, 404, 405, 415, 500, 502, 507])
def test_nothing_is_lost_to_an_answer_that_a_person_has_to_mend(
    status: int, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """It is kept and tried again, and the log says once what to do and never the token."""
    with standin(lambda request: request.answer(status, "no", Location="/elsewhere")) as server:
        with client(server, tmp_path) as reports:
            ids = fills(reports, 5)
            server.until(lambda: server.requests > 1)
            assert reports.statistics.waiting == 5
            assert not reports.statistics.connected
            server.behave = Request.accept
            assert reports.flush(30)
            assert server.ids() == ids
        told = [text for text in warnings(caplog) if f" {status}" in text]
        assert len(told) == 1 == len(warnings(caplog))
        assert TOKEN not in caplog.text


@pytest.mark.parametrize(
    "body", ["<html>Welcome to the hotel</html>", "[]", '{"accepted": "yes"}', "[" * 100_000, '{"accepted": true}']
)
def test_a_200_from_something_else_is_no_acknowledgement(body: str) -> None:
    """Only an exporter's own answer lets an event go."""
    with standin(lambda request: request.answer(200, body)) as server, client(server) as reports:
        ids = fills(reports, 3)
        server.until(lambda: server.requests > 1)
        assert (reports.statistics.sent, reports.statistics.waiting) == (0, 3)
        server.behave = Request.accept
        assert reports.flush(30)
        assert server.ids() == ids


@pytest.mark.parametrize(
    "garbage",
    [
        b"",
        b"\x00\xff" * 1000,
        b"HTTP/1.1 abc\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"X-Y: z\r\n" * 1000 + b"\r\n",
        b"HTTP/1.1 200 OK\r\nRetry-After: " + b"9" * 100_000,
    ],
)
def test_bytes_that_are_no_answer_are_no_acknowledgement(garbage: bytes) -> None:
    """The events are sent again over a new connection."""
    with standin(lambda request: request.garbage(garbage)) as server, client(server) as reports:
        ids = fills(reports, 3)
        server.until(lambda: server.requests > 2)
        server.behave = Request.accept
        assert reports.flush(30)
        assert server.ids() == ids


def test_an_answer_without_end_is_given_up() -> None:
    """It ends at a bound, not when the bot's memory does."""
    given_up = threading.Event()

    def behave(request: Request) -> None:
        request._handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100000000000\r\n\r\n")
        try:
            while True:
                request._handler.wfile.write(b" " * 65536)
        except OSError:
            given_up.set()

    with standin(behave) as server, client(server) as reports:
        ids = fills(reports, 3)
        assert given_up.wait(30)
        server.behave = Request.accept
        assert reports.flush(30)
        assert server.ids() == ids


def test_a_connection_reset_after_the_batch_was_taken_repeats_it() -> None:
    """At least once: the exporter knows its fills by their identities."""

    def behave(request: Request) -> None:
        request.take()
        request.reset()
        server.behave = Request.accept

    with standin(behave) as server, client(server) as reports:
        ids = fills(reports, 5)
        assert reports.flush(30)
        assert server.ids() == ids * 2
        assert reports.statistics.sent == 5


def test_a_connection_that_was_closed_while_idle_is_no_failure(caplog: pytest.LogCaptureFixture) -> None:
    """A server may close what is not used; the next batch goes over a new connection, and nobody is told."""

    def behave(request: Request) -> None:
        request.accept()
        request._handler.close_connection = True  # without a header that says so

    with standin(behave) as server, client(server) as reports:
        for number in range(5):
            fills(reports, 1, number)
            assert reports.flush(30)
        assert server.ids() == list("01234")
        assert server.connections == 5
    assert warnings(caplog) == []


def test_an_exporter_that_hangs_holds_up_only_the_sending() -> None:
    """Reports go on being taken and spooled, and are delivered after the timeout."""
    with standin(Request.hang) as server, client(server, timeout=0.3) as reports:
        ids = fills(reports, 1)
        server.until(lambda: server.requests == 1)
        server.behave = Request.accept
        ids += fills(reports, 1000, 1)
        assert reports.flush(30)
        assert server.ids() == ids


def test_an_exporter_that_comes_back_gets_all_in_order(caplog: pytest.LogCaptureFixture) -> None:
    """It is said once that it is away and once that it is back."""
    caplog.set_level(logging.INFO)
    with standin() as server, client(server) as reports:
        ids = fills(reports, 3)
        assert reports.flush(30)
        server.stop()
        for number in range(20):
            ids += fills(reports, 10, 3 + number * 10)
            assert not reports.flush(0.01)
        until(lambda: not reports.statistics.connected)
        server.start()
        assert reports.flush(30)
        assert server.ids() == ids
        assert reports.statistics.connected
    assert 1 <= len([text for text in warnings(caplog) if "no answer" in text]) <= 2  # reset, then refused
    assert caplog.text.count("takes events again") == 1


def test_books_and_quotes_give_way_while_the_exporter_is_away(tmp_path: Path) -> None:
    """The oldest are dropped and counted, in their order with the fills; fills are all kept."""
    with standin() as server:
        server.stop()
        with client(server, tmp_path) as reports:
            ids = []
            for number in range(15_000):
                reports.book(symbol="BTC/USDT", bid=number + 1, ask=number + 2)
                if number % 100 == 0:
                    ids += fills(reports, 1, number)
                if number % 1000 == 0:
                    reports.flush(10, to_disk=True)
            reports.flush(10, to_disk=True)
            until(lambda: reports.statistics.last_error != "")
            server.start()
            assert reports.flush(30)
            assert server.ids() == ids
            dropped = reports.statistics.dropped
        books = [event["bid"] for event in server.taken if event["type"] == "book"]
        assert 0 < dropped < 15_000
        assert len(books) == 15_000 - dropped
        assert books[-5000:] == [float(number) for number in range(10_001, 15_001)]
        order = [float(event.get("bid", 0)) or int(event["trade_id"]) + 1.5 for event in server.taken]
        assert order == sorted(order)


@pytest.mark.parametrize(
    ("url", "token", "words"),
    [
        ("nonsense", "t", "write it as http://127.0.0.1:9850"),
        ("ftp://host", "t", "write it as http://127.0.0.1:9850"),
        ("http://host:port", "t", "write it as http://127.0.0.1:9850"),
        ("http://[::1", "t", "write it as http://127.0.0.1:9850"),
        ("http://127.0.0.1:9", "bad\ntoken", "the token has characters"),
        ("http://127.0.0.1:9", "t\u00f6ken", "the token has characters"),
    ],
)
def test_a_wrong_address_or_token_is_said_and_what_is_reported_is_kept(
    url: str, token: str, words: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """No exception, no loss: the next client with a good address sends it."""
    with Client(url, token=token, exchange="alpha", spool=tmp_path) as reports:
        ids = fills(reports, 2)
        until(lambda: words in reports.statistics.last_error)
    assert words in caplog.text
    assert token not in caplog.text or len(token) == 1
    with standin() as server, client(server, tmp_path) as reports:
        assert reports.flush(30)
        assert server.ids() == ids


def test_a_token_that_would_go_over_a_network_in_the_clear_is_warned_of(caplog: pytest.LogCaptureFixture) -> None:
    """Without TLS anybody between could read it."""
    with Client("http://exporter.invalid:9850/?key=hidden", token=TOKEN, exchange="alpha", timeout=0.1):
        until(lambda: "unencrypted" in caplog.text)
    assert TOKEN not in caplog.text
    assert "hidden" not in caplog.text


def test_https_is_checked_against_the_certificates_of_the_machine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A certificate that the machine does not trust gets no token; one that it does is used."""
    certificate, key = self_signed(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    with standin(tls=context) as server:
        with Client(server.url, token=TOKEN, exchange="alpha", spool=tmp_path / "spool") as reports:
            ids = fills(reports, 3)
            until(lambda: "no answer" in reports.statistics.last_error)
        assert server.requests == 0
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        with Client(server.url, token=TOKEN, exchange="alpha", spool=tmp_path / "spool") as reports:
            assert reports.flush(30)
        assert server.ids() == ids
    assert TOKEN not in caplog.text


def self_signed(folder: Path) -> tuple[Path, Path]:
    """A certificate for loopback and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    paths = folder / "certificate.pem", folder / "key.pem"
    paths[0].write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    paths[1].write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return paths
