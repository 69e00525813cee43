"""What a process does to others on the same machine."""

import os
import subprocess
import sys

import pytest


@pytest.mark.skipif(not hasattr(os, "nice"), reason="this system knows no nice values")
def test_a_worker_leaves_the_processor_to_others() -> None:
    code = "import os; from app.cli.serving import give_way; give_way(); print(os.nice(0))"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert int(ended.stdout) == min(os.nice(0) + 10, 19)
