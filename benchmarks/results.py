"""What was measured, kept in docs/benchmarks.json row by row, with the machine that it was measured on."""

import json
import os
import platform
import subprocess
import sysconfig
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

RESULTS = Path("docs/benchmarks.json")
PARTS = ("cargo-static-index", "zlib-ng", "msgspec", "rtoml", "deflate")

Known = Mapping[str, Any]
"""By the name of a row: its figures, and the machine."""


def read_results() -> dict[str, Any]:
    """Give what is kept."""
    found: dict[str, Any] = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    return found


def keep_result(name: str, figures: Mapping[str, Any]) -> None:
    """Keep what was measured of a row, in the place of what was kept of it."""
    known = read_results() | {name: {"figures": figures, "on": machine()}}
    RESULTS.write_text(json.dumps(known, indent=1, sort_keys=True) + "\n")


def machine() -> dict[str, str]:
    """Say on what a row was measured."""
    names = [line.partition(":")[2].strip() for line in _cpuinfo() if line.startswith("model name")]
    return {
        "processor": f"{len(os.sched_getaffinity(0))} × {names[0] if names else platform.machine()}",
        "system": f"{platform.system()} {platform.release().split('-')[0]}",
        "python": _python(),
        "load": f"{os.getloadavg()[0]:.1f}",
        "commit": _commit(),
        "with": ", ".join(f"{name} {version(name)}" for name in PARTS),
    }


def _python() -> str:
    """Name the interpreter and how it was built: without its own profile it takes a tenth longer."""
    flags = sysconfig.get_config_var("CONFIG_ARGS") or ""
    built = [flag for flag in ("--enable-optimizations", "--with-lto") if flag in flags]
    return f"{platform.python_version()} (built {' '.join(built) or 'without optimisation'})"


def _commit() -> str:
    """Give the commit that was measured, with a `+` where files of it were changed."""
    said = subprocess.run(["git", "describe", "--always", "--dirty=+"], capture_output=True, text=True, check=False)
    return said.stdout.strip() or "unknown"


def _cpuinfo() -> list[str]:
    path = Path("/proc/cpuinfo")
    return path.read_text().splitlines() if path.exists() else []
