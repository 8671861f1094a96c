"""Prometheus metrics: what the HTTP side counts, and what the engine and the documents have counted."""

from collections.abc import Callable, Iterator

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from texthawk.serve.engine import Engine
from texthawk.serve.jobs import Jobs

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_SECONDS = (0.01, 0.05, 0.1, 0.5, 1, 2, 5, 10, 30, 60, 120, 300)


class Metrics:
    """The metrics of one server in a registry of their own."""

    def __init__(self, engine: Engine, jobs: Jobs, requests: Callable[[], int]) -> None:
        self._registry = CollectorRegistry()
        self._registry.register(_Gathered(engine, jobs, requests))
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
    """Reads the counts of engine and documents when it is asked."""

    def __init__(self, engine: Engine, jobs: Jobs, requests: Callable[[], int]) -> None:
        self._engine, self._jobs, self._requests = engine, jobs, requests

    def collect(self) -> Iterator[Metric]:
        counts = self._engine.counts
        gauges: dict[str, tuple[str, float]] = {
            "texthawk_http_requests_open": ("Requests being answered", self._requests()),
            "texthawk_engine_running": ("Answers being generated", self._engine.running),
            "texthawk_engine_waiting": ("Answers waiting for a row of the batch", self._engine.waiting),
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
