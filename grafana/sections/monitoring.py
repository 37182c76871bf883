"""The monitoring itself: is it alive, what does it drop, what does it cost, and how Prometheus does."""

from __future__ import annotations

from exporter import metrics
from grafana import foreign, frame, queries
from grafana.layout import Section, line
from grafana.panels import Draw, Look, Panel, bargauge, stat, state_timeline, timeseries
from grafana.queries import Query
from grafana.sections.exchanges import UP_OR_DOWN

_JOBS = f"=~{foreign.EXPORTER_JOB}|{foreign.PROMETHEUS_JOB}|{foreign.ALERTMANAGER_JOB}"
_JOB = "{{job}}"
_BY = ("job",)
_LINES = Draw(fill=0)
_PER_MINUTE = Look(unit="suffix:/min", low=0)
_BYTES = Look(unit="bytes", low=0)


def alive() -> Panel:
    """Return whether each process answers, and whether rules are evaluated."""
    panel = stat(
        "Monitoring",
        "Whether Prometheus reaches the exporter, itself and Alertmanager, whether rules are evaluated (the watchdog "
        "fires), and the exporter's parts that are down. Exporter down: all figures stand still. Alertmanager down: "
        "nobody is told of anything. Rules without data: see rule failures below.",
        *(Query(queries.or_unknown(_is_up(job)), name) for name, job in _processes().items()),
        Query(queries.or_unknown(f"max({frame.WATCHDOG})"), "Rules"),
        Query(queries.or_unknown(_parts_down()), "Parts"),
        look=UP_OR_DOWN,
        series={
            "Rules": Look(words={"1": ("evaluated", "green")}),
            "Parts": Look(unit="suffix: down", steps=((None, "green"), (1, "red")), words={"0": ("all up", "green")}),
        },
    )
    return frame.explained(panel, "operations")


def dropped() -> Panel:
    """Return what was refused, left out or lost within the time that is shown."""
    seen = f"0 * {frame.SCRAPED}"  # for a counter that does not show itself when it has counted nothing
    return stat(
        "Dropped",
        "What was lost in the time range: events refused, samples left out at the series limit, alerts that no "
        "Alertmanager took, messages that a channel refused, and texts that were not sent. Above zero: the row on it "
        "below says which and why.",
        Query(queries.or_unknown(_or_none(queries.increase(metrics.EVENTS_REJECTED), seen)), "Events"),
        Query(queries.or_unknown(_or_none(queries.increase(metrics.SERIES_DROPPED), seen)), "Samples"),
        Query(queries.or_unknown(queries.increase(foreign.ALERTS_DROPPED)), "Alerts"),
        Query(queries.or_unknown(queries.increase(foreign.NOTIFICATIONS_FAILED)), "Messages"),
        Query(queries.or_unknown(queries.increase(metrics.SMS_MESSAGES, result="=~failed|refused")), "Texts"),
        look=Look(unit="short", decimals=0, steps=((None, "green"), (1, "red"))),
    )


def cost() -> Panel:
    """Return what the monitoring needs of the machine."""
    return stat(
        "Cost",
        "Processor cores and memory that the exporter, Prometheus and Alertmanager use together, series in Prometheus' "
        "memory, and bytes of its blocks and of the journal on disk. Too much: fewer symbols, a lower series limit, or "
        "a shorter retention.",
        Query(queries.or_unknown(queries.rate(foreign.PROCESS_CPU, job=_JOBS)), "Cores"),
        Query(queries.or_unknown(queries.gauge(foreign.PROCESS_MEMORY, job=_JOBS)), "Memory"),
        Query(queries.or_unknown(queries.gauge(foreign.HEAD_SERIES)), "Series"),
        Query(queries.or_unknown(_disk()), "Disk"),
        look=Look(unit="short", decimals=1),
        series={"Memory": Look(unit="bytes"), "Cores": Look(decimals=2), "Disk": Look(unit="bytes")},
    )


def costs() -> Section:
    """Return the row on what each process costs."""
    return Section("Cost of each", (line(7, _processor(), _memory(), _stored(), _since()),))


def prometheus() -> Section:
    """Return the row on Prometheus."""
    return Section(
        "Prometheus",
        (
            line(7, (1, _targets()), (1, _scrape_time()), (1, _samples())),
            line(7, _rules(), _rule_trouble(), _series()),
            line(7, (2, _handing_over()), (1, _state())),
        ),
    )


def _processes() -> dict[str, str]:
    return {
        "Exporter": foreign.EXPORTER_JOB,
        "Prometheus": foreign.PROMETHEUS_JOB,
        "Alertmanager": foreign.ALERTMANAGER_JOB,
    }


def _is_up(job: str) -> str:
    return queries.gauge(foreign.UP, how="min", job=job)


def _parts_down() -> str:
    return f"sum({queries.gauge(metrics.COMPONENT_UP, ('component',), how='min')} == bool 0)"


def _or_none(counted: str, proof: str) -> str:
    return f"{counted} or {proof}"


def _disk() -> str:
    """Add up what is on disk; Prometheus 2.42 does not say how large its write-ahead log is."""
    blocks, log = queries.gauge(foreign.STORED_BYTES), queries.gauge(foreign.WAL_BYTES)
    journal = queries.gauge(metrics.JOURNAL_SIZE)
    return f"{blocks} + ({log} or 0 * {blocks}) + ({journal} or 0 * {blocks})"


def _processor() -> Panel:
    return timeseries(
        "Cores in use",
        "Processor cores that each process uses. One that stays near a whole core: the exporter can use no more than "
        "that, so give it fewer symbols or events; Prometheus: see which rules take long.",
        Query(queries.rate(foreign.PROCESS_CPU, _BY, job=_JOBS), _JOB),
        look=Look(unit="short", decimals=2, low=0),
        draw=_LINES,
    )


def _memory() -> Panel:
    return timeseries(
        "Memory in use",
        "Memory that each process holds. A line that climbs for days without more series or symbols is a leak: "
        "report it with the version; a restart helps meanwhile.",
        Query(queries.gauge(foreign.PROCESS_MEMORY, _BY, job=_JOBS), _JOB),
        look=_BYTES,
        draw=_LINES,
    )


def _stored() -> Panel:
    return timeseries(
        "On disk",
        "Bytes of Prometheus' blocks and write-ahead log (which older versions do not tell) and of the journal. It "
        "grows until the retention is reached; plan for the journal to go on growing.",
        Query(queries.gauge(foreign.STORED_BYTES), "blocks"),
        Query(queries.gauge(foreign.WAL_BYTES), "write-ahead log"),
        Query(queries.gauge(metrics.JOURNAL_SIZE), "journal"),
        look=_BYTES,
        draw=Draw(stacked=True, fill=30),
    )


def _since() -> Panel:
    return stat(
        "Runs since",
        "When each process started, and the oldest sample that Prometheus has kept. A start that nobody asked for: "
        "see the process' log and the machine's memory. Samples that begin late: the retention is short, or lost.",
        Query(f"1000 * max by (job) ({queries.select(foreign.PROCESS_START, job=_JOBS)})", _JOB),
        Query(f"1000 * {queries.gauge(foreign.OLDEST_SAMPLE, how='min')}", "oldest sample"),
        look=Look(unit="dateTimeAsIso"),
    )


def _targets() -> Panel:
    return state_timeline(
        "Scrapes",
        "Whether Prometheus could scrape each process. Down while its process runs: it took longer than the scrape "
        "timeout, or had more samples than the limit; the page of targets in Prometheus shows the error.",
        Query(queries.gauge(foreign.UP, _BY, how="min", job=_JOBS), _JOB),
        look=UP_OR_DOWN,
    )


def _scrape_time() -> Panel:
    return timeseries(
        "Scrape time",
        "Time that a scrape of each process took. The exporter's is to stay well below the scrape timeout of 4 s: "
        "collector time says which collector it is.",
        Query(queries.gauge(foreign.SCRAPE_DURATION, _BY, how="max", job=_JOBS), _JOB),
        look=Look(unit="s", low=0),
        draw=_LINES,
    )


def _samples() -> Panel:
    return timeseries(
        "Samples in a scrape",
        "Samples that each process exposed. The exporter's grow with symbols, accounts and strategies: at the series "
        "limit some are left out, so raise the limit or watch fewer.",
        Query(queries.gauge(foreign.SCRAPE_SAMPLES, _BY, how="max", job=_JOBS), _JOB),
        look=Look(unit="short", decimals=0, low=0),
        draw=_LINES,
    )


def _rules() -> Panel:
    by = ("rule_group",)
    took = queries.gauge(foreign.RULE_DURATION, by, how="max")
    share = queries.share(took, queries.gauge(foreign.RULE_INTERVAL, by, how="max"))
    return bargauge(
        "Time that rules take",
        "The ten groups of rules that took the largest share of the time between two evaluations. At 100 % evaluations "
        "are left out and alerts come late: a faster disk, fewer series, or a longer interval.",
        Query(f'label_replace(topk(10, {share}), "group", "$1", "rule_group", ".*;(.*)")', "{{group}}"),
        look=Look(unit="percentunit", decimals=1, low=0, high=1, steps=((None, "green"), (0.5, "orange"), (1, "red"))),
    )


def _rule_trouble() -> Panel:
    return timeseries(
        "Rules that failed",
        "Rules a minute that could not be evaluated, and evaluations of groups that were left out for want of time. "
        "What they record is missing and their alerts do not fire: Prometheus' page of rules shows the error.",
        Query(queries.per_minute(foreign.RULE_FAILURES), "failed"),
        Query(queries.per_minute(foreign.RULES_MISSED), "left out"),
        look=_PER_MINUTE,
        series={"failed": Look(color="red"), "left out": Look(color="orange")},
    )


def _series() -> Panel:
    return timeseries(
        "Series and samples",
        "Series in Prometheus' memory, and samples a second that it takes in. Series that jump: a label has new "
        "values, such as a new symbol; series that climb for ever: one has values without end.",
        Query(queries.gauge(foreign.HEAD_SERIES), "series"),
        Query(queries.rate(foreign.SAMPLES_APPENDED), "samples"),
        look=Look(unit="short", decimals=0, low=0),
        draw=_LINES,
        series={"samples": Look(unit="suffix:/s")},
    )


def _handing_over() -> Panel:
    return timeseries(
        "Refused by Prometheus",
        "A minute: scrapes with too many samples, samples behind a later one, alerts that no Alertmanager took, and "
        "blocks that could not be put together; and alerts that wait. Anything but zero: Prometheus' log says why.",
        Query(queries.per_minute(foreign.SCRAPES_REFUSED), "scrapes"),
        Query(queries.per_minute(foreign.SAMPLES_OUT_OF_ORDER), "samples"),
        Query(queries.per_minute(foreign.ALERTS_DROPPED), "alerts"),
        Query(queries.per_minute(foreign.COMPACTIONS_FAILED), "blocks"),
        Query(queries.gauge(foreign.ALERTS_QUEUED), "alerts that wait"),
        look=_PER_MINUTE,
        draw=_LINES,
        series={"alerts that wait": Look(unit="short")},
    )


def _state() -> Panel:
    loaded = {"0": ("refused", "red"), "1": ("in use", "green")}
    return stat(
        "Configuration",
        "Whether Prometheus and Alertmanager use their files as they are now. Refused: the last change has an error, "
        "and they go on with what they had; make check says where.",
        Query(queries.or_unknown(queries.gauge(foreign.CONFIG_LOADED, how="min")), "Prometheus"),
        Query(queries.or_unknown(queries.gauge(foreign.CHANNELS_LOADED, how="min")), "Alertmanager"),
        look=Look(unit="none", words=loaded),
    )
