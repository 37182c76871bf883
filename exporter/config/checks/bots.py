"""Bots, whatever program they are."""

from __future__ import annotations

import re
from collections.abc import Iterator

from exporter.config.checks.secrets import secret_problems
from exporter.config.document import Problem
from exporter.config.freqtrade import Freqtrade
from exporter.config.hummingbot import Hummingbot, Mqtt
from exporter.config.nautilus import Nautilus
from exporter.config.schema import Config
from exporter.config.switches import switched_on

_BOTS = ("freqtrade", "hummingbot", "nautilus")  # the lists of them


def problems(config: Config) -> Iterator[Problem]:
    """What is wrong with each of them, and between them."""
    yield from _name_problems(config)
    for index, bot in switched_on(config.freqtrade):
        for path, text in _freqtrade_problems(bot):
            yield ("freqtrade", index, *path), text
    for index, each in switched_on(config.hummingbot):
        for path, text in _hummingbot_problems(each):
            yield ("hummingbot", index, *path), text
    for index, node in switched_on(config.nautilus):
        for path, text in _nautilus_problems(node):
            yield ("nautilus", index, *path), text


def _name_problems(config: Config) -> Iterator[Problem]:
    """Bots of all kinds share one label, so that no two may have the same name."""
    places: dict[str, str] = {}
    for key in _BOTS:
        for index, bot in switched_on(getattr(config, key)):
            if bot.name in places:
                yield (key, index, "name"), f"{bot.name!r} is the name of {places[bot.name]} already; rename one"
            places.setdefault(bot.name, f"{key}[{index}]")


def _freqtrade_problems(bot: Freqtrade) -> Iterator[Problem]:
    if not re.fullmatch(r"https?://[^\s/?#@]+(/[^\s?#@]*)?", bot.url):
        yield ("url",), "this is not the address of a bot; write for example http://127.0.0.1:8080"
    for name, secret in bot.secrets.items():
        yield from secret_problems((name,), secret)


def _hummingbot_problems(bot: Hummingbot) -> Iterator[Problem]:
    if bot.database is None and bot.mqtt is None:
        yield (), f"nothing is known of {bot.name!r}; give the path of its database, or mqtt, or both"
    if bot.mqtt is not None:
        yield from _mqtt_problems(bot.mqtt, has_record=bot.database is not None)


def _mqtt_problems(mqtt: Mqtt, *, has_record: bool) -> Iterator[Problem]:
    if mqtt.market is None and not has_record:
        text = "without a database, say which connector the bot trades through, as market: its messages do not"
        yield ("mqtt",), text
    for key in ("namespace", "bot_id"):
        if set(getattr(mqtt, key)) & set("+#"):
            yield ("mqtt", key), "this is part of a topic, in which + and # are not allowed; write it as the bot has it"
    if mqtt.password is not None and mqtt.username is None:
        yield ("mqtt", "password"), "a password needs a username beside it"
    for name, secret in mqtt.secrets.items():
        yield from secret_problems(("mqtt", name), secret)


def _nautilus_problems(node: Nautilus) -> Iterator[Problem]:
    for name, size in node.contract_sizes.items():
        if name not in node.symbols:
            yield ("contract_sizes", name), f"{name!r} has no symbol; write it into symbols as well"
        if not size.is_finite() or size <= 0:
            yield ("contract_sizes", name), f"{size} is not a size; give a number above 0"
    for name in node.symbols:
        if "." not in name:
            yield ("symbols", name), "an instrument of nautilus has its venue behind a dot, as in BTCUSDT-PERP.BINANCE"
    if node.ca_file is not None and not node.tls:
        yield ("ca_file",), "certificates are for tls; set tls: true as well"
    if node.password is None and node.username is not None:
        yield ("username",), "a username needs a password beside it"
    for name, secret in node.secrets.items():
        yield from secret_problems((name,), secret)
