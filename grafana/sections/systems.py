"""The systems around the bots: their API, caches, machine, models, and what the business says."""

from __future__ import annotations

from exporter import metrics
from grafana import queries
from grafana.layout import Section, line
from grafana.panels import Draw, Look, Panel, state_timeline, timeseries
from grafana.queries import Query
from grafana.sections.exchanges import UP_OR_DOWN

_RATIO = Look(unit="percentunit", low=0, high=1)
_LINES = Draw(fill=0)


def requests() -> Section:
    """Return the row on the trading system's own API."""
    return Section("Own API", (line(7, _response_time(), _throughput(), _errors()),))


def caches() -> Section:
    """Return the row on caches."""
    return Section(
        "Caches",
        (line(6, (2, _cache_up()), (1, _hit_ratio()), (1, _warming())), line(7, _hits(), _entries(), _cache_memory())),
    )


def machine() -> Section:
    """Return the row on the machine that the exporter runs on."""
    return Section("Machine", (line(7, _cpu(), _memory(), _disk(), _network()),))


def models() -> Section:
    """Return the row on models and business."""
    return Section(
        "Models and business",
        (line(7, _predictions(), _outcomes(), _model_error(), _drift()), line(7, _inference(), _levels(), _sums())),
    )


def _response_time() -> Panel:
    return timeseries(
        "Response time",
        "Time in which half, 95 % and 99 % of the requests were answered. High for all: the machine is busy or a "
        "dependency is slow. High for the last alone: look for single slow routes.",
        *(Query(queries.quantile(q, metrics.APP_REQUEST_DURATION, ()), f"p{q * 100:g}") for q in (0.5, 0.95, 0.99)),
        look=Look(unit="s", low=0),
        draw=_LINES,
    )


def _throughput() -> Panel:
    return timeseries(
        "Requests by app",
        "Requests a second that your own services answered. A fall to nothing: one is away, or does not report.",
        Query(queries.recorded("app:requests:rate1m"), "{{app}}"),
        look=Look(unit="suffix:/s", low=0),
        draw=_LINES,
    )


def _errors() -> Panel:
    return timeseries(
        "Failed requests",
        "Share of requests answered with a 5xx. Above the promise: see the service's log for the route that fails.",
        Query(queries.recorded("app:request_errors:ratio_rate5m"), "{{app}}"),
        look=_RATIO,
        draw=_LINES,
    )


def _cache_up() -> Panel:
    return state_timeline(
        "Cache servers",
        "Whether each cache server answers. Down: the exporter's /health says why; what it caches is slow now.",
        Query(queries.gauge(metrics.CACHE_UP, ("cache", "tier"), how="min"), "{{cache}} {{tier}}"),
        look=UP_OR_DOWN,
    )


def _hit_ratio() -> Panel:
    return timeseries(
        "Hit ratio by tier",
        "Share of requests that the caches of a tier could answer. Low: too little room (see evictions), or keys that "
        "never come twice.",
        Query(queries.recorded("tier:cache_hits:ratio_rate5m"), "{{tier}}"),
        look=_RATIO,
        draw=_LINES,
    )


def _warming() -> Panel:
    warmed = queries.increase(metrics.CACHE_WARMED_ENTRIES, ("cache",))
    hits = queries.increase(metrics.CACHE_WARMED_HITS, ("cache",))
    return timeseries(
        "Warming effectiveness",
        "Share of the entries warmed within the range that were asked for. Low: the wrong entries are warmed.",
        Query(queries.share(hits, warmed), "{{cache}}"),
        look=_RATIO,
        draw=_LINES,
    )


def _hits() -> Panel:
    return timeseries(
        "Cache requests",
        "Hits, misses and evictions a second. Evictions that climb with misses: the cache is too small.",
        Query(queries.rate(metrics.CACHE_HITS, ("cache",)), "{{cache}} hits"),
        Query(queries.rate(metrics.CACHE_MISSES, ("cache",)), "{{cache}} misses"),
        Query(queries.rate(metrics.CACHE_EVICTIONS, ("cache",)), "{{cache}} evictions"),
        look=Look(unit="suffix:/s", low=0),
        draw=_LINES,
    )


def _entries() -> Panel:
    return timeseries(
        "Cache entries",
        "Entries in each cache. A fall to nothing: it was started anew or flushed, and has to be warmed.",
        Query(queries.gauge(metrics.CACHE_ENTRIES, ("cache",)), "{{cache}}"),
        look=Look(unit="short", decimals=0, low=0),
        draw=_LINES,
    )


def _cache_memory() -> Panel:
    return timeseries(
        "Cache memory",
        "Memory that each cache uses, and its limit where it has one. At the limit entries have to go.",
        Query(queries.gauge(metrics.CACHE_MEMORY, ("cache",)), "{{cache}}"),
        Query(queries.gauge(metrics.CACHE_MEMORY_LIMIT, ("cache",)), "{{cache}} limit"),
        look=Look(unit="bytes", low=0),
        draw=_LINES,
    )


def _cpu() -> Panel:
    busy = queries.rate(metrics.HOST_CPU_SECONDS, (), mode="!~idle|iowait")
    return timeseries(
        "Processor",
        "Share of the machine's processors in use. Near 100 %: everything waits; see which process it is.",
        Query(queries.share(busy, queries.rate(metrics.HOST_CPU_SECONDS)), "in use"),
        look=_RATIO,
    )


def _memory() -> Panel:
    return timeseries(
        "Memory",
        "Memory of the machine, and what programs could still get. Near nothing: the system ends processes.",
        Query(queries.gauge(metrics.HOST_MEMORY), "all"),
        Query(queries.gauge(metrics.HOST_MEMORY_AVAILABLE), "available"),
        look=Look(unit="bytes", low=0),
        draw=_LINES,
    )


def _disk() -> Panel:
    return timeseries(
        "Disk",
        "Reads and writes a second, their bytes, and the room left on the journal's disk. Room that shrinks to nothing "
        "stops the journal: make some before.",
        Query(queries.rate(metrics.HOST_DISK_OPERATIONS, ("direction",)), "{{direction}}s"),
        Query(queries.rate(metrics.HOST_DISK_BYTES, (), direction="read"), "bytes read"),
        Query(queries.rate(metrics.HOST_DISK_BYTES, (), direction="write"), "bytes written"),
        Query(queries.gauge(metrics.JOURNAL_DISK_FREE, how="min"), "journal's room"),
        look=Look(unit="suffix:/s", low=0),
        series={
            "journal's room": Look(unit="bytes"),
            "bytes read": Look(unit="Bps"),
            "bytes written": Look(unit="Bps"),
        },
        draw=_LINES,
    )


def _network() -> Panel:
    return timeseries(
        "Network",
        "Bytes a second, but on the loopback interface, and the days since the machine started.",
        Query(queries.rate(metrics.HOST_NETWORK_BYTES, ("direction",)), "{{direction}}"),
        Query(queries.age(metrics.HOST_BOOT), "since the start"),
        look=Look(unit="Bps", low=0),
        series={"since the start": Look(unit="s")},
        draw=_LINES,
    )


def _predictions() -> Panel:
    return timeseries(
        "Predictions",
        "Predictions a minute by model. A fall to nothing: the model does not run, or does not report.",
        Query(queries.per_minute(metrics.MODEL_PREDICTIONS, ("model",)), "{{model}}"),
        look=Look(unit="suffix:/min", low=0),
        draw=_LINES,
    )


def _outcomes() -> Panel:
    right = queries.rate(metrics.MODEL_OUTCOMES, ("model",), outcome="correct")
    judged = queries.rate(metrics.MODEL_OUTCOMES, ("model",), outcome="=~correct|wrong")
    return timeseries(
        "Accuracy",
        "Share of right predictions among those whose outcome is known. A fall: compare with the drift beside it.",
        Query(queries.share(right, judged), "{{model}}"),
        look=_RATIO,
        draw=_LINES,
    )


def _model_error() -> Panel:
    errors = queries.rate(metrics.MODEL_ERRORS, ("model",))
    absolute = queries.rate(metrics.MODEL_ABSOLUTE_ERROR, ("model",))
    squared = queries.rate(metrics.MODEL_SQUARED_ERROR, ("model",))
    return timeseries(
        "Error",
        "How far predictions of numbers were off: the mean, and the root of the mean square, which single large errors "
        "raise.",
        Query(queries.share(absolute, errors), "{{model}} mean"),
        Query(f"sqrt({queries.share(squared, errors)})", "{{model}} root mean square"),
        look=Look(unit="short", low=0),
        draw=_LINES,
    )


def _drift() -> Panel:
    return timeseries(
        "Model drift",
        "How far the newest values of each feature are from the first ones (population stability index). Above the "
        "target something has changed: look at the feature, then train anew.",
        Query(queries.gauge(metrics.MODEL_DRIFT, ("model", "feature"), how="max"), "{{model}} {{feature}}"),
        look=Look(unit="short", decimals=2, low=0),
        draw=_LINES,
    )


def _inference() -> Panel:
    return timeseries(
        "Inference time p95",
        "95 % of the predictions took less than this. High: the model waits for the processor or for its features.",
        Query(queries.quantile(0.95, metrics.MODEL_INFERENCE, ("model",)), "{{model}}"),
        look=Look(unit="s", low=0),
        draw=_LINES,
    )


def _levels() -> Panel:
    return timeseries(
        "Business",
        "Figures that your own systems tell, as they were last told. None: nobody tells any.",
        Query(queries.gauge(metrics.BUSINESS_LEVEL, ("name",)), "{{name}}"),
        look=Look(unit="short"),
        draw=_LINES,
    )


def _sums() -> Panel:
    return timeseries(
        "Business by the minute",
        "What your own systems added to each sum within a minute, such as revenue. None: nobody tells any.",
        Query(queries.per_minute(metrics.BUSINESS_SUM, ("name",)), "{{name}}"),
        look=Look(unit="short"),
        draw=_LINES,
    )
