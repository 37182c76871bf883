"""Models: do they predict, how well, how quickly."""

from __future__ import annotations

from exporter import metrics
from grafana import queries
from grafana.layout import Section, line
from grafana.panels import LIMIT, Draw, Look, Panel, timeseries
from grafana.queries import Query

_RATIO = Look(unit="percentunit", low=0, high=1)
_LINES = Draw(fill=0)


def models() -> Section:
    """Return the row on models."""
    return Section(
        "Models",
        (line(7, _inference(), _accuracy(), _drift()), line(7, _predictions(), _model_error(), _outcomes())),
    )


def _predictions() -> Panel:
    return timeseries(
        "Predictions",
        "Predictions a minute by model. A fall to nothing: the model does not run, or does not report.",
        Query(queries.per_minute(metrics.MODEL_PREDICTIONS, ("model",)), "{{model}}"),
        look=Look(unit="suffix:/min", low=0),
        draw=_LINES,
    )


def _accuracy() -> Panel:
    return timeseries(
        "Accuracy",
        "Share of right predictions in an hour, of those whose outcome is known; the dashed line is the least that is "
        "wanted, where it is configured. A fall: compare with the drift beside it.",
        Query(queries.recorded("model:accuracy:ratio_rate1h"), "{{model}}"),
        Query(queries.gauge(metrics.TARGET_MODEL_ACCURACY, how="max"), "least"),
        look=_RATIO,
        draw=_LINES,
        series={"least": LIMIT},
    )


def _outcomes() -> Panel:
    return timeseries(
        "Outcomes",
        "What came true a minute, by model: correct, wrong, or unmatched, of which no prediction is known. Unmatched "
        "that climb: the ids of predictions and outcomes differ, or outcomes come too late.",
        Query(queries.per_minute(metrics.MODEL_OUTCOMES, ("model", "outcome")), "{{model}} {{outcome}}"),
        look=Look(unit="suffix:/min", low=0),
        draw=_LINES,
    )


def _model_error() -> Panel:
    errors = queries.rate(metrics.MODEL_ERRORS, ("model",))
    absolute = queries.rate(metrics.MODEL_ABSOLUTE_ERROR, ("model",))
    squared = queries.rate(metrics.MODEL_SQUARED_ERROR, ("model",))
    return timeseries(
        "Error",
        "How far predictions of numbers were off: the mean, and the root of the mean square, which single large errors "
        "raise. Both climb: train anew; the second alone: look at the inputs of the worst predictions.",
        Query(queries.share(absolute, errors), "{{model}} mean"),
        Query(f"sqrt({queries.share(squared, errors)})", "{{model}} root mean square"),
        look=Look(unit="short", low=0),
        draw=_LINES,
    )


def _drift() -> Panel:
    return timeseries(
        "Model drift",
        "How far the newest values of each feature are from the first ones (population stability index). Above the "
        "dashed line something has changed: look at the feature, then train anew.",
        Query(queries.gauge(metrics.MODEL_DRIFT, ("model", "feature"), how="max"), "{{model}} {{feature}}"),
        Query(queries.gauge(metrics.TARGET_MODEL_DRIFT, how="min"), "limit"),
        look=Look(unit="short", decimals=2, low=0),
        draw=_LINES,
        series={"limit": LIMIT},
    )


def _inference() -> Panel:
    return timeseries(
        "Inference time",
        "Mean time of a prediction, and what 95 % of them did not exceed, over the chosen resolution. High for both: "
        "the model waits for the processor or for its features; for the last alone: few inputs are costly.",
        Query(queries.mean(metrics.MODEL_INFERENCE, ("model",)), "{{model}} mean"),
        Query(queries.quantile(0.95, metrics.MODEL_INFERENCE, ("model",)), "{{model}} p95"),
        look=Look(unit="s", low=0),
        draw=_LINES,
    )
