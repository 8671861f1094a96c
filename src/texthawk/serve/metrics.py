"""Prometheus metrics: what the HTTP side counts, and what the engine and the documents have counted."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import astuple

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from texthawk.serve.engine import Counts, Engine
from texthawk.serve.jobs import Jobs

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_SECONDS = (0.01, 0.05, 0.1, 0.5, 1, 2, 5, 10, 30, 60, 120, 300)


class Metrics:
    """The metrics of one server in a registry of their own."""

    def __init__(self, engines: Callable[[], Sequence[Engine]], jobs: Jobs, requests: Callable[[], int]) -> None:
        self._registry = CollectorRegistry()
        self._registry.register(_Gathered(engines, jobs, requests))
        labels = ("method", "route", "status")
        self.requests = Counter("texthawk_http_requests", "Requests answered", labels, registry=self._registry)
        self.seconds = Histogram(
            "texthawk_http_request_seconds",
            "Time from a request to the end of its answer",
            ("route",),
            buckets=_SECONDS,
            registry=self._registry,
        )

    def text(self) -> bytes:
        return generate_latest(self._registry)


class _Gathered(Collector):
    """Reads the counts of engines and documents when it is asked."""

    def __init__(self, engines: Callable[[], Sequence[Engine]], jobs: Jobs, requests: Callable[[], int]) -> None:
        self._engines, self._jobs, self._requests = engines, jobs, requests

    def collect(self) -> Iterator[Metric]:
        engines = self._engines()
        counts = Counts(*(sum(values) for values in zip(*(astuple(engine.counts) for engine in engines), strict=True)))
        gauges: dict[str, tuple[str, float]] = {
            "texthawk_http_requests_open": ("Requests being answered", self._requests()),
            "texthawk_engine_running": ("Answers being generated", sum(engine.running for engine in engines)),
            "texthawk_engine_waiting": (
                "Answers waiting for a row of the batch",
                sum(engine.waiting for engine in engines),
            ),
            "texthawk_documents": ("Documents held", len(self._jobs.all())),
            "texthawk_documents_unfinished": ("Documents waiting or being read", len(self._jobs.unfinished)),
        }
        counters: dict[str, tuple[str, float]] = {
            "texthawk_engine_steps": ("Decode steps of the batch", counts.steps),
            "texthawk_engine_rows": ("Rows of all decode steps; divided by steps, the mean batch", counts.rows),
            "texthawk_prompt_tokens": ("Tokens of prompts, visual ones included", counts.prompt_tokens),
            "texthawk_image_tokens": ("Visual tokens of prompts", counts.image_tokens),
            "texthawk_generated_tokens": ("Tokens generated", counts.tokens),
            "texthawk_answers_finished": ("Answers completed", counts.finished),
            "texthawk_answers_cancelled": ("Answers given up because their client went away", counts.cancelled),
            "texthawk_answers_failed": ("Answers that failed", counts.failed),
            "texthawk_waited_seconds": ("Time that requests waited for a row", counts.waited_seconds),
            "texthawk_pages_read": ("Pages of documents that were read", self._jobs.read),
        }
        for name, (text, value) in gauges.items():
            yield GaugeMetricFamily(name, text, value=value)
        for name, (text, value) in counters.items():
            yield CounterMetricFamily(name, text, value=value)
