"""How long the server takes to be ready: `python -m bench.startup`.

The yardstick is `python -c "import torch"` on the same machine in the same run, because a server that loads its models
at the start cannot be faster than that. Runs alternate; medians are compared. The last line is one JSON object.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import time

from bench.server import running_server


def import_torch_s() -> float:
    """Return the seconds a fresh interpreter takes to import torch."""
    started = time.perf_counter()
    subprocess.run([sys.executable, "-c", "import torch"], check=True)
    return time.perf_counter() - started


def server_ready_s() -> float:
    """Return the seconds from starting `earshot serve` on a migrated workspace to its first answer."""
    with running_server() as server:
        return server.ready_after_s


def main() -> None:
    """Measure both and print the figures."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--runs", type=int, default=5)
    runs = arguments.parse_args().runs
    import_torch_s(), server_ready_s()  # fill the disk cache
    pairs = [(server_ready_s(), import_torch_s()) for _ in range(runs)]
    ready_s, torch_s = (statistics.median(column) for column in zip(*pairs, strict=True))
    figures = {
        "bench": "startup",
        "runs": runs,
        "ready_to_torch_ratio": round(ready_s / torch_s, 3),
        "ready_s": round(ready_s, 3),
        "import_torch_s": round(torch_s, 3),
    }
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
