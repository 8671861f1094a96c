"""Logs as one JSON object per line on stderr. They hold no page, no text and no key."""

import json
import logging
import logging.config
from datetime import UTC, datetime
from typing import Any

_OURS = "fields"


class JsonLines(logging.Formatter):
    """time, level, logger, message, and the fields that the record carries."""

    def format(self, record: logging.LogRecord) -> str:
        entry: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        entry |= record.__dict__.get(_OURS, {})
        if record.exc_info:
            entry["exception"] = self.formatException(record.exc_info)
        return json.dumps(entry, ensure_ascii=False, default=str)


def fields(**values: Any) -> dict[str, Any]:
    """`extra` of a log call, for JsonLines."""
    return {_OURS: values}


def log_settings(level: str) -> dict[str, Any]:
    """For logging.config.dictConfig: all that is said goes to stderr in this form, of other libraries only warnings."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"json": {"()": JsonLines}},
        "handlers": {"stderr": {"class": "logging.StreamHandler", "stream": "ext://sys.stderr", "formatter": "json"}},
        "loggers": {
            name: {"handlers": ["stderr"], "level": level.upper(), "propagate": False}
            for name in ("texthawk.serve", "uvicorn", "uvicorn.error")
        },
        "root": {"handlers": ["stderr"], "level": "WARNING"},
    }
