"""Which bots say what an account holds. Where several do, each may mean a wallet of its own, and no word is right."""

from __future__ import annotations

import logging

from exporter.config import Freqtrade
from exporter.ledger.account import AccountKey
from exporter.sources.freqtrade.convert import Labels
from exporter.state.state import State

log = logging.getLogger(__name__)


class Wallets:
    """The accounts that bots report, shared by the sources of all bots.

    Those that the configuration names are known before a bot is reached, the others when it says what it is.
    """

    def __init__(self, state: State) -> None:
        self._state = state
        self._said: set[AccountKey] = set()
        self._accounts: dict[str, AccountKey] = {
            bot.name: (bot.exchange, bot.account)
            for bot in state.config.freqtrade
            if bot.reports and bot.exchange and bot.account
        }

    def claim(self, bot: Freqtrade, labels: Labels) -> None:
        """Note which account a bot reports; that it is not the only one is said once for each account."""
        if not bot.reports:
            return
        key = self._accounts[bot.name] = labels.exchange, labels.account
        names = self._of(key)
        if len(names) > 1 and key not in self._said:
            self._said.add(key)
            self._forget(key)
            text = "%s report balances of the same account %s/%s, so they are not compared; %s"
            advice = "set account for each, or balances: false for all but one if they trade with one wallet"
            log.warning(text, " and ".join(names), *key, advice)

    def others(self, bot: Freqtrade) -> list[str]:
        """The other bots that report the account of this one."""
        key = self._accounts.get(bot.name)
        return [name for name in self._of(key) if name != bot.name]

    def _of(self, key: AccountKey | None) -> list[str]:
        return sorted(name for name, account in self._accounts.items() if account == key)

    def _forget(self, key: AccountKey) -> None:
        """What the first of them reported before the others came is compared no more."""
        account = self._state.ledger.accounts[key]
        account.balances.clear()
        account.positions.clear()
