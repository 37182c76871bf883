"""Where each exchange keeps the money of an account, and which of its records tell how it came there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from exporter.config import Exchange
from exporter.ledger.instrument import instrument
from exporter.sources.ccxt.pages import DAY, WEEK

# Exchanges of whose contracts' wallets the total is known to be without unrealised PnL, by ccxt's own reading or
# by ours (see `client`); of the others, settlement currencies are not compared.
_WITHOUT_UNREALISED = {"binance", "binanceusdm", "binancecoinm", "bybit", "okx", "gate", "gateio"}
# Exchanges where one wallet serves spot and contracts.
_UNIFIED = {"bybit", "okx"}
# The most contracts of which positions can be asked for at once, where that is limited.
_POSITIONS_AT_ONCE = {"bybit": 1, "cryptocom": 1, "digifinex": 1, "okx": 10}


@dataclass(frozen=True, slots=True)
class Records:
    """One of the exchange's records of money that came or went.

    ``name`` is for people, ``method`` ccxt's, called with ``params``; ``prefix`` makes ids of several records
    differ, and is the symbol where funding is on record for each; ``sign`` is -1 for what leaves, 1 for what comes,
    and 0 where the entry says so itself. With ``only``, a ledger has other entries too, and these kinds of it count.
    ``step`` is the time (ms) that the exchange answers for at once.
    """

    name: str
    method: str
    prefix: str
    sign: int = 0
    params: Mapping[str, Any] = field(default_factory=dict)
    only: frozenset[str] | None = None
    step: int = WEEK


_DEPOSITS = Records("deposits", "fetch_deposits", "deposit", 1)
_WITHDRAWALS = Records("withdrawals", "fetch_withdrawals", "withdrawal", -1)

# Binance: transfers between the wallets of one account, each direction on its own record.
_BINANCE_WALLETS = ("UMFUTURE", "CMFUTURE", "MARGIN", "FUNDING")
_BINANCE_TRANSFERS = tuple(
    Records(f"transfers {kind}", "fetch_transfers", "transfer", sign, {"type": kind, "limit": 100})
    for wallet in _BINANCE_WALLETS
    for kind, sign in ((f"MAIN_{wallet}", -1), (f"{wallet}_MAIN", 1))
)
# Binance: what changes the balance of a futures wallet, other than trades, their fees and funding.
_BINANCE_INCOME = (
    *("TRANSFER", "WELCOME_BONUS", "INSURANCE_CLEAR", "REFERRAL_KICKBACK", "COMMISSION_REBATE", "API_REBATE"),
    *("AUTO_EXCHANGE", "COIN_SWAP_DEPOSIT", "COIN_SWAP_WITHDRAW"),
)


def _ledger(key: str, *kinds: str, step: int = WEEK, **params: Any) -> tuple[Records, ...]:
    return tuple(
        Records(f"ledger {kind}", "fetch_ledger", f"ledger:{kind}", params={key: kind, **params}, step=step)
        for kind in kinds
    )


# Exchanges whose deposits arrive in another wallet first, or whose ledger tells more.
_LEDGERS = {
    "kraken": _ledger("type", "deposit", "withdrawal", "transfer"),
    "bybit": _ledger("type", "TRANSFER_IN", "TRANSFER_OUT", step=DAY, limit=50),
    "okx": _ledger("bill", "1"),
}
_MOVES = frozenset(("deposit", "withdrawal", "transfer", "deposit/withdraw", "transaction"))


class Wallets:
    """What to ask an exchange for so that balances of these symbols' wallet can be compared.

    ``trouble`` says what keeps balances from being compared; ``balance`` are the parameters of the question for them,
    None where they cannot be; ``own`` are the currencies that the symbols need, and ``left_out`` those whose balance
    cannot be compared.
    """

    def __init__(self, config: Exchange, symbols: Sequence[str], has: Mapping[str, Any]) -> None:
        markets = [instrument(symbol) for symbol in symbols]
        spot = [market for market in markets if market.kind == "spot"]
        contracts = [market for market in markets if market.kind != "spot"]
        self._id = config.id
        self._contracts = [symbol for symbol in symbols if instrument(symbol).kind != "spot"]
        self._kinds = {market.kind for market in contracts}
        self._has_spot = bool(has.get("spot"))
        settled = {market.settle for market in contracts}
        self.own = {name for market in spot for name in (market.base, market.quote)} | settled
        self.left_out = set() if config.id in _WITHOUT_UNREALISED else settled
        self.trouble = self._trouble(is_mixed=bool(spot and contracts), name=config.name)
        self.balance = None if self._is_mixed_up(bool(spot and contracts)) else self._params()

    def _is_mixed_up(self, is_mixed: bool) -> bool:
        separate = self._id == "binance" and len(self._kinds) > 1
        return self._id not in _UNIFIED and (is_mixed or separate)

    def _trouble(self, *, is_mixed: bool, name: str) -> str:
        if self._is_mixed_up(is_mixed):
            return f"{name} keeps spot, linear and inverse contracts in wallets of their own: give each an entry"
        if self.left_out:
            names = ", ".join(sorted(self.left_out))
            return f"balances of {names} are not compared, since unrealised PnL may be contained in them"
        return ""

    def _params(self) -> dict[str, Any]:
        if not self._kinds or not self._has_spot or self._id in _UNIFIED:
            return {}
        if self._id == "binance":
            return {"type": "swap", "subType": next(iter(self._kinds))}
        return {"type": "swap"}

    @property
    def positions(self) -> list[list[str]]:
        """The contracts, those together of whose positions can be asked for at once."""
        most = _POSITIONS_AT_ONCE.get(self._id) or max(1, len(self._contracts))
        return [self._contracts[place : place + most] for place in range(0, len(self._contracts), most)]

    @property
    def records(self) -> tuple[Records, ...]:
        """The records that tell of money that came into the wallet or left it."""
        if self._id in _LEDGERS:
            return _LEDGERS[self._id]
        if self._id.startswith("binance"):
            return self._binance_income() if self._kinds else (_DEPOSITS, _WITHDRAWALS, *_BINANCE_TRANSFERS)
        if self._kinds and self._has_spot:  # deposits arrive in the wallet of spot
            return (Records("ledger", "fetch_ledger", "ledger", params=self._params(), only=_MOVES),)
        return (_DEPOSITS, _WITHDRAWALS)

    @property
    def funding(self) -> tuple[Records, ...]:
        """The records of funding: one for all contracts where the exchange has that, else one for each."""
        if not self._id.startswith("binance"):
            return tuple(Records(f"funding/{each}", "fetch_funding_history", each) for each in self._contracts)
        params = {**self._params(), "limit": 1000}
        return (Records("funding", "fetch_funding_history", "", params=params),) if self._contracts else ()

    def _binance_income(self) -> tuple[Records, ...]:
        return tuple(
            Records(
                f"income {kind}", "fetch_ledger", kind, params={**self._params(), "incomeType": kind, "limit": 1000}
            )
            for kind in _BINANCE_INCOME
        )


def feature(method: str) -> str:
    """ccxt's name in ``has`` of a method."""
    first, *rest = method.split("_")
    return first + "".join(word.capitalize() for word in rest)
