"""What a run ran on: the machine, and the packages that a score depends on."""

import os
import platform
import sys
from importlib import metadata
from pathlib import Path
from typing import Any

PACKAGES = ("texthawk", "torch", "transformers", "pillow", "numpy", "rapidfuzz")


def machine() -> dict[str, Any]:
    """The processor, its cores (all, and those that this process may use), system and Python."""
    cores = len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count()
    return {
        "cpu": _cpu(),
        "cores": os.cpu_count(),
        "usable_cores": cores,
        "system": platform.platform(),
        "python": platform.python_version(),
    }


def _cpu() -> str:
    information = Path("/proc/cpuinfo")
    if information.is_file():
        for line in information.read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def packages() -> dict[str, str]:
    """Versions of what a score depends on, of those that are installed."""
    installed = {str(d.metadata["Name"]).lower(): d.version for d in metadata.distributions()}
    return {name: installed[name] for name in PACKAGES if name in installed}
