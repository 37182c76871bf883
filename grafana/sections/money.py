"""Am I making money, from what, and what do I hold: PnL, its causes and parts, positions."""

from __future__ import annotations

from dataclasses import replace

from exporter import metrics
from grafana import queries
from grafana.layout import Section, line
from grafana.panels import Draw, Look, Panel, stat, table, timeseries
from grafana.queries import Query

USD = Look(unit="currencyUSD", decimals=2)
PROFIT = Look(unit="currencyUSD", decimals=2, steps=((None, "red"), (0, "green")))
TINTED = replace(PROFIT, tinted=True)
OF_A_DAY = queries.recorded("exchange_account_symbol_strategy:pnl_total_usd:change1d")
_PARTS = {
    "Total": Look(color="text"),
    "Realised": Look(color="blue"),
    "Unrealised": Look(color="purple"),
    "Fees": Look(color="orange"),
    "Funding": Look(color="red"),
}


def total() -> Panel:
    """Return the figure that a trader looks for first."""
    return stat(
        "PnL",
        "Realised and unrealised PnL less fees plus rebates and funding: since the first fill, within a day, and in "
        "the chosen time range. If it falls, look for the symbol in PnL by symbol and for the reason in its causes. A "
        "day has no data in the first six hours.",
        Query(queries.or_unknown(queries.gauge(metrics.PNL_TOTAL)), "Total"),
        Query(queries.or_unknown(f"sum({OF_A_DAY})"), "In 24 h"),
        Query(queries.or_unknown(queries.change(metrics.PNL_TOTAL)), "In range"),
        look=PROFIT,
    )


def causes() -> Panel:
    """Return what PnL in the time range came from, in three figures that add up to it."""
    caused = {"Spread": "spread", "Price moves": "=~inventory|currency", "Fees, funding": "=~fees|rebates|funding"}
    return stat(
        "Causes of PnL in range",
        "Spread captured at fills, what positions gained as prices moved, and fees, rebates and funding; they add up "
        "to the change of PnL. Moves that lose what the spread earns: the quotes are picked off. Fees that do: trade "
        "less, or get a better fee tier.",
        *(
            Query(queries.or_unknown(queries.change(metrics.PNL_ATTRIBUTION, component=component)), name)
            for name, component in caused.items()
        ),
        look=PROFIT,
    )


def parts() -> Panel:
    """Return the terms that make up total PnL."""
    return stat(
        "Parts of PnL",
        "Total = realised + unrealised - fees + funding; fees are less rebates. Realised good and fees as large: "
        "trade less or get a better fee tier. Unrealised far from zero: the position earns, not the spread.",
        *(Query(queries.or_unknown(expr), name) for name, expr in _terms().items() if name != "Total"),
        look=PROFIT,
        series={"Fees": Look(unit="currencyUSD", steps=((None, "green"), (0, "text")))},
    )


def holding() -> Panel:
    """Return the size of what is held, in USD."""
    by_symbol = queries.gauge(metrics.POSITION_NOTIONAL, ("symbol",))
    return stat(
        "Position",
        "What is held at the market mid: net adds long and short, gross adds sizes, then the largest symbol. "
        "Net near gross means no hedge. Larger than you want: reduce on the exchange first, then ask why.",
        Query(queries.or_unknown(queries.gauge(metrics.POSITION_NOTIONAL)), "Net"),
        Query(queries.or_unknown(f"sum(abs({queries.select(metrics.POSITION_NOTIONAL)}))"), "Gross"),
        Query(f"{by_symbol} and topk(1, abs({by_symbol}))", "{{symbol}}"),
        look=USD,
    )


def total_over_time() -> Panel:
    """Return the curve of total PnL, red below zero."""
    return timeseries(
        "PnL over time",
        "Total PnL of everything chosen above, green above zero and red below. A step comes from a fill or a "
        "jump of the mid, a steady slope from fees or inventory. A gap means that the exporter was not scraped.",
        Query(queries.gauge(metrics.PNL_TOTAL), "Total PnL"),
        look=PROFIT,
        draw=Draw(fill=18, by_value=True, legend=False),
    )


def unpriced() -> str:
    """Return how many books are missing from all sums of PnL, since their price is not known now."""
    books, priced = (queries.gauge(family, how="count") for family in (metrics.POSITION_BASE, metrics.PNL_TOTAL))
    return f"{books} - ({priced} or 0 * {books})"


def positions() -> Panel:
    """Return every position with its PnL."""
    market = ("exchange", "symbol")
    return table(
        "Positions",
        "Position in the base currency, its value at the mid and its PnL, for each exchange and symbol. Compare "
        "with the exchange's own page when a figure surprises: a missed fill shows here first.",
        {
            "Value": Query(queries.gauge(metrics.POSITION_NOTIONAL, market)),
            "Position": Query(queries.gauge(metrics.POSITION_BASE, market)),
            "PnL": Query(queries.gauge(metrics.PNL_TOTAL, market)),
        },
        look=Look(unit="none"),
        series={
            "Value": USD,
            "PnL": TINTED,
        },
    )


def section() -> Section:
    """Return the row on PnL: its causes, its parts, and where it was made."""
    return Section(
        "PnL and its causes",
        (
            line(8, (5, _attribution()), (3, _attribution_now())),
            line(8, by("symbol"), by("strategy"), by("exchange")),
            line(8, (5, _parts_over_time()), (3, parts())),
        ),
    )


def inventory() -> Section:
    """Return the row on what is held."""
    return Section("Inventory", (line(8, _inventory(), _entry_prices()),))


def _terms() -> dict[str, str]:
    fees = f"{queries.level(metrics.FEES)} - {queries.level(metrics.REBATES)}"
    return {
        "Total": queries.gauge(metrics.PNL_TOTAL),
        "Realised": queries.gauge(metrics.PNL_REALIZED),
        "Unrealised": queries.gauge(metrics.PNL_UNREALIZED),
        "Fees": fees,
        "Funding": queries.gauge(metrics.FUNDING),
    }


def _parts_over_time() -> Panel:
    return timeseries(
        "Parts of PnL over time",
        "Total = realised + unrealised - fees + funding. Unrealised that swings more than realised grows means that "
        "inventory, not the spread, decides the day: make the quotes lean harder against the position.",
        *(Query(expr, name) for name, expr in _terms().items()),
        look=USD,
        draw=Draw(fill=0),
        series=_PARTS,
    )


_COMPONENTS = {
    "spread": Look(color="green"),
    "inventory": Look(color="purple"),
    "currency": Look(color="dark-yellow"),
    "fees": Look(color="orange"),
    "rebates": Look(color="blue"),
    "funding": Look(color="red"),
}


def _attribution() -> Panel:
    return timeseries(
        "Where PnL comes from",
        "Total PnL by its causes, which add up to it: spread captured at fills against the mid, inventory (position "
        "times moves of the mid), currency, fees, rebates, funding. A maker lives from spread and rebates; inventory "
        "that loses as fast as the spread earns means being picked off.",
        Query(queries.gauge(metrics.PNL_ATTRIBUTION, ("component",)), "{{component}}"),
        look=USD,
        draw=Draw(fill=0),
        series=_COMPONENTS,
    )


def _attribution_now() -> Panel:
    return stat(
        "Causes in range",
        "What each cause of PnL brought in the chosen time range, and funding of contracts since the first event. "
        "Compare spread with the loss on inventory beside it: their sum before fees is what quoting earned.",
        Query(queries.change(metrics.PNL_ATTRIBUTION, ("component",)), "{{component}}"),
        Query(queries.or_unknown(queries.gauge(metrics.FUNDING)), "funding in all"),
        look=PROFIT,
    )


def by(label: str) -> Panel:
    """Return the curves of total PnL by a label."""
    return timeseries(
        f"PnL by {label}",
        f"Total PnL of each {label}. One that falls while the others rise is the one to look at: choose it "
        "above and compare its spread, fills and position.",
        Query(queries.gauge(metrics.PNL_TOTAL, (label,)), f"{{{{{label}}}}}"),
        look=USD,
        draw=Draw(fill=0),
    )


def _inventory() -> Panel:
    return timeseries(
        "Inventory by symbol",
        "Positions valued at the mid, short below zero. A market maker's should cross zero often; one that "
        "drifts to a side is being picked off or quotes off-centre.",
        Query(queries.gauge(metrics.POSITION_NOTIONAL, ("symbol",)), "{{symbol}}"),
        look=USD,
        draw=Draw(fill=10),
    )


def _entry_prices() -> Panel:
    market = ("exchange", "symbol")
    size = f"abs({queries.select(metrics.POSITION_BASE)})"
    weighed = f"sum by (exchange, symbol) ({queries.select(metrics.POSITION_AVERAGE_PRICE)} * {size})"
    return table(
        "Entry price and mid",
        "Average entry price of the open positions, weighted by size, beside the market mid. Long with the mid "
        "below the entry, or short with it above, is an open loss. A flat position has no entry price.",
        {
            "Mid": Query(queries.gauge(metrics.MARKET_MID_PRICE, market, how="max")),
            "Entry": Query(queries.share(weighed, f"sum by (exchange, symbol) ({size})")),
            "Open PnL": Query(queries.gauge(metrics.PNL_UNREALIZED, market)),
        },
        look=Look(unit="none"),
        series={"Open PnL": TINTED},
    )
