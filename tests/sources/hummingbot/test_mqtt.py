"""A bot's MQTT messages through a real broker: what it does, and whether it is there."""

from __future__ import annotations

import base64
import hashlib
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from exporter.events import BookKey
from simulator.stack.ports import LOOPBACK
from tests.sources.hummingbot.conftest import Mosquitto, NewBroker
from tests.sources.hummingbot.test_database import RECORDED_FILLS, RECORDED_TRADES
from tests.sources.hummingbot.world import (
    BOT_ID,
    NAME,
    T0,
    Follower,
    add_fill,
    by_database,
    by_mqtt,
    following,
    recorded_database,
    speaking,
)


async def listening(exporter: Follower) -> None:
    await exporter.reaches(lambda: exporter.component("mqtt").up)


def failures(caplog: pytest.LogCaptureFixture) -> list[str]:
    """What was said of the bot's parts."""
    return [text for record in caplog.records if (text := record.getMessage()).startswith(f"bot/{NAME}")]


def _is_newest(exporter: Follower, trade_id: str) -> bool:
    return exporter.trade_ids[-1] == trade_id


async def test_what_hummingbot_sent_becomes_what_happened(broker: Mosquitto) -> None:
    """The fills are those of the database, word for word, but for the connector, which no message names."""
    async with following(by_mqtt(broker.port)) as exporter, speaking(broker.port) as bot:
        await listening(exporter)
        await bot.replay()
        await exporter.reaches(lambda: len(exporter.fills) == len(RECORDED_FILLS) and exporter.payments)
        for told, recorded in zip(exporter.fills, RECORDED_FILLS, strict=True):
            assert (told.trade_id, told.order_id, told.ts) == (recorded.trade_id, recorded.order_id, recorded.ts)
            assert (told.side, told.liquidity, told.quantity) == (recorded.side, recorded.liquidity, recorded.quantity)
            if told.trade_id == "7001":  # of which the database keeps too few digits
                assert told.price == Decimal("0.00001234")
            else:
                assert (told.price, told.fee) == (recorded.price, recorded.fee)
        (payment,) = exporter.payments
        assert (payment.exchange, payment.symbol) == ("binance_perpetual", "BTC/USDT:USDT")
        assert (payment.funding_id, payment.amount) == (str(int(T0 + 60)), Decimal("-1.23456789"))
        counts = exporter.state.orders.books[BookKey("binance", "default", "BTC/USDT", NAME)]
        assert (list(counts.open), counts.canceled["buy"]) == (["B4"], 2)
        assert exporter.rejected == {}


async def test_with_a_database_messages_only_say_when_to_read_it(broker: Mosquitto, tmp_path: Path) -> None:
    """A fill is read from the record as soon as the bot tells of it, once, however often it is told."""
    database = recorded_database(tmp_path / "bot.sqlite")
    both = by_database(database, poll_interval=3600) | {"mqtt": by_mqtt(broker.port)["mqtt"]}
    async with following(both) as exporter, speaking(broker.port) as bot:
        await listening(exporter)
        await exporter.reaches(lambda: exporter.trade_ids == RECORDED_TRADES)
        await bot.replay()
        for number in range(8004, 8007):
            add_fill(database, str(number))
            await bot.fill(str(number), price=58000.50000001)  # more digits than the record has
            await exporter.reaches(partial(_is_newest, exporter, str(number)))
            assert exporter.fills[-1].price == Decimal("58000.5")
        await bot.say("status_updates", {"type": "availability", "msg": "offline"})
        await exporter.reaches(lambda: exporter.bot.up is False)  # all that was said before is heard
        assert exporter.trade_ids == [*RECORDED_TRADES, "8004", "8005", "8006"]
        assert exporter.repeats() == {"duplicates": 0, "conflicts": 0}


async def test_a_bot_is_there_while_it_is_heard_of(broker: Mosquitto, caplog: pytest.LogCaptureFixture) -> None:
    """It is up with its first heartbeat, gone without any, back with the next; each is said once."""
    async with (
        following(by_mqtt(broker.port, heartbeat_timeout=0.4)) as exporter,
        speaking(broker.port) as bot,
    ):
        await listening(exporter)
        assert exporter.bot.up is None
        await bot.beat()
        await exporter.until("bot_up", 1, bot=NAME)
        await exporter.until("bot_up", 0, bot=NAME)
        assert "nothing was heard of the bot for 0.4 s" in exporter.component("").detail
        assert (await exporter.health())["overall_status"] == "degraded"
        await bot.beat()
        await exporter.reaches(lambda: exporter.bot.up)
    said = [record.getMessage() for record in caplog.records if record.getMessage().startswith(f"bot/{NAME} ")]
    assert said[:2] == [f"bot/{NAME} failed, retrying", f"bot/{NAME} works again"]


async def test_a_bot_that_says_goodbye_is_gone_at_once(broker: Mosquitto) -> None:
    """Hummingbot says that it goes offline, and that it is online."""
    async with following(by_mqtt(broker.port)) as exporter, speaking(broker.port) as bot:
        await listening(exporter)
        await bot.say("status_updates", {"timestamp": 1, "type": "availability", "msg": "online"})
        await exporter.reaches(lambda: exporter.bot.up)
        await bot.say("status_updates", {"timestamp": 1, "type": "availability", "msg": "offline"})
        await exporter.reaches(lambda: exporter.bot.up is False)
        assert exporter.component("").detail == "the bot said that it goes offline"


async def test_a_broker_that_goes_away_is_waited_for(broker: Mosquitto, caplog: pytest.LogCaptureFixture) -> None:
    """The end of a broker is said once, and how the bot is nobody knows; when it is back so is the subscription."""
    async with following(by_mqtt(broker.port)) as exporter:
        await listening(exporter)
        async with speaking(broker.port) as bot:
            await bot.beat()
            await exporter.until("bot_up", 1, bot=NAME)
        broker.end()
        await exporter.reaches(lambda: not exporter.component("mqtt").up)
        assert f"the broker at {LOOPBACK}:{broker.port}" in exporter.component("mqtt").detail
        assert await exporter.value("bot_up", bot=NAME) is None
        await broker.start()
        await listening(exporter)
        assert exporter.component("").detail == "unknown: nothing was heard of the bot yet"
        async with speaking(broker.port) as bot:
            await bot.fill("8004")
            await exporter.reaches(lambda: exporter.trade_ids == ["8004"])
        assert exporter.bot.up
        assert exporter.component("").detail == ""
    assert failures(caplog) == [f"bot/{NAME}/mqtt failed, retrying", f"bot/{NAME}/mqtt works again"]


async def test_a_bot_is_not_down_because_its_broker_is(
    broker: Mosquitto, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Its database is read on, and its silence counts from when it could be heard."""
    broker.end()
    database = recorded_database(tmp_path / "bot.sqlite")
    mqtt = by_mqtt(broker.port, heartbeat_timeout=0.2)["mqtt"]  # less than any pause before a new connection
    async with following(by_database(database) | {"mqtt": mqtt}) as exporter:
        await exporter.reaches(lambda: "refused" in exporter.component("mqtt").detail)
        add_fill(database, "8004")
        await exporter.reaches(lambda: "8004" in exporter.trade_ids)
        part = (await exporter.health())["services"][f"bot/{NAME}"]
        assert (part["state"], part["detail"]) == ("up", "unknown: the broker is away")
        assert await exporter.value("bot_up", bot=NAME) is None
        await broker.start()
        await exporter.reaches(lambda: exporter.bot.up is False)
        assert "nothing was heard of the bot for 0.2 s" in exporter.component("").detail
    assert failures(caplog) == [
        f"bot/{NAME}/mqtt failed, retrying",
        f"bot/{NAME}/mqtt works again",
        f"bot/{NAME} failed, retrying",
    ]


async def test_a_database_is_read_while_the_broker_is_away(tmp_path: Path, broker: Mosquitto) -> None:
    """The one does not need the other."""
    broker.end()
    database = recorded_database(tmp_path / "bot.sqlite")
    async with following(by_database(database) | {"mqtt": by_mqtt(broker.port)["mqtt"]}) as exporter:
        await exporter.reaches(lambda: exporter.trade_ids == RECORDED_TRADES)
        await exporter.reaches(lambda: "refused" in exporter.component("mqtt").detail)


@pytest.fixture
async def guarded(new_broker: NewBroker, tmp_path: Path) -> Mosquitto:
    """A broker that asks for a password."""
    passwords = tmp_path / "passwords"
    hashed = hashlib.pbkdf2_hmac("sha512", b"tr0ub4dor", b"twelve bytes", 101)
    parts = ("7", "101", *(base64.b64encode(part).decode() for part in (b"twelve bytes", hashed)))
    passwords.write_text(f"exporter:${'$'.join(parts)}\n")
    return await new_broker(f"allow_anonymous false\npassword_file {passwords}")


async def test_a_password_opens_the_broker_and_stays_secret(
    guarded: Mosquitto, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A wrong password is said to be one, without showing it; the right one lets in."""
    login = {"username": {"env": "MQTT_USER"}, "password": {"env": "MQTT_PASSWORD"}}
    monkeypatch.setenv("MQTT_USER", "exporter")
    monkeypatch.setenv("MQTT_PASSWORD", "wr0ng-tr0ub4dor")
    async with following(by_mqtt(guarded.port, **login)) as exporter:
        await exporter.reaches(lambda: "check username and password" in exporter.component("mqtt").detail)
        assert "tr0ub4dor" not in str(await exporter.health())
    assert "tr0ub4dor" not in caplog.text
    monkeypatch.setenv("MQTT_PASSWORD", "tr0ub4dor")
    async with (
        following(by_mqtt(guarded.port, **login)) as exporter,
        speaking(guarded.port, username="exporter", password="tr0ub4dor") as bot,
    ):
        await listening(exporter)
        await bot.fill("8004")
        await exporter.reaches(lambda: exporter.trade_ids == ["8004"])


@pytest.fixture
def certificate(tmp_path: Path) -> tuple[Path, Path]:
    """A certificate for loopback that is its own authority, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "broker")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number(), now, now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address(LOOPBACK))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    written, private = tmp_path / "broker.pem", tmp_path / "broker.key"
    written.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    kind, no_password = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    private.write_bytes(key.private_bytes(serialization.Encoding.PEM, kind, no_password))
    return written, private


# The client's library leaves the socket of a failed handshake to the garbage collector, which says so.
@pytest.mark.filterwarnings("ignore:Exception ignored in. <ssl.SSLSocket:pytest.PytestUnraisableExceptionWarning")
async def test_tls_trusts_only_what_it_is_told_to(new_broker: NewBroker, certificate: tuple[Path, Path]) -> None:
    """A certificate of an unknown authority is refused; with its authority's file the broker is listened to."""
    written, private = certificate
    broker = await new_broker(f"allow_anonymous true\ncertfile {written}\nkeyfile {private}")
    async with following(by_mqtt(broker.port, tls=True)) as exporter:
        await exporter.reaches(lambda: "CERTIFICATE_VERIFY_FAILED" in exporter.component("mqtt").detail)
    async with following(by_mqtt(broker.port, tls=True, ca_file=str(written))) as exporter:
        await listening(exporter)


async def test_garbage_is_counted_and_passed_over(broker: Mosquitto) -> None:
    """Whatever stands in a message, what comes after it is heard."""
    async with following(by_mqtt(broker.port)) as exporter, speaking(broker.port) as bot:
        await listening(exporter)
        for payload in (b"\xff\xfe", b"", b"7", b"[" * 100_000, b'{"type": "OrderFilled"', b"{}"):
            await bot.say("events", payload)
        await bot.say("events", {"timestamp": 1, "type": "OrderFilled", "data": 7})
        await bot.say("events", {"timestamp": "sNaN", "type": "OrderFilled", "data": {}})
        await bot.say("events", {"timestamp": 1, "type": "RangePositionLiquidityAdded", "data": {}})
        nonsense: list[dict[str, Any]] = [{"price": "dear"}, {"price": 1e300}, {"amount": None}, {"trade_fee": 3}]
        for number, changes in enumerate([*nonsense, {"trade_type": "LEND"}]):
            await bot.fill(f"bad{number}", **changes)
        await bot.fill("8004")
        await exporter.reaches(lambda: exporter.trade_ids == ["8004"])
        assert exporter.rejected == {
            "payload": 5, "type": 1, "data": 1, "timestamp": 1, "price": 2, "amount": 1, "fee": 1, "side": 1,
        }  # fmt: skip
        assert exporter.bot.up


async def test_fills_wait_for_a_journal_that_takes_no_more(broker: Mosquitto, tmp_path: Path) -> None:
    """Of a message there is no second, so what the journal cannot take yet is kept until it can."""
    journal = {"path": str(tmp_path / "journal.db"), "max_pending": 1}
    async with following(by_mqtt(broker.port), journal=journal) as exporter, speaking(broker.port) as bot:
        await listening(exporter)
        ids = [str(number) for number in range(9000, 9030)]
        for trade_id in ids:
            await bot.fill(trade_id)
        await exporter.reaches(lambda: len(exporter.fills) == len(ids))
        assert exporter.trade_ids == ids


async def test_the_names_of_topics_are_those_of_the_bot(broker: Mosquitto) -> None:
    """Another namespace, and an id with dots as hummingbot wrote them before and after 2026; no other bot's."""
    config = by_mqtt(broker.port, namespace="desk/", bot_id="v2.maker")
    async with following(config) as exporter, speaking(broker.port) as bot:
        await listening(exporter)
        for topic, trade_id in (
            ("hbot/v2.maker", "1"),
            (f"hbot/{BOT_ID}", "2"),
            ("desk/v2.maker", "3"),
            ("desk/v2/maker", "4"),
        ):
            await bot.fill(trade_id, prefix=topic)
        await exporter.reaches(lambda: "4" in exporter.trade_ids)
        assert exporter.trade_ids == ["3", "4"]


async def test_a_trade_between_two_orders_of_the_bot_is_two_fills(broker: Mosquitto) -> None:
    """As in the database, the second side's id says whose it is; and a trade without an id has its order's."""
    async with following(by_mqtt(broker.port)) as exporter, speaking(broker.port) as bot:
        await listening(exporter)
        await bot.fill("8004")
        await bot.fill("8004", order_id="S9", trade_type="TradeType.SELL")
        await bot.fill("", order_id="B10")
        await exporter.reaches(lambda: exporter.trade_ids == ["8004", "8004/S9", "B10"])
