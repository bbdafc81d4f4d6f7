import platform
import subprocess
import sys

import pytest

pytestmark = pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc is told anything")

PROGRAM = """
import resource
import numpy as np
from pathlib import Path
from engine.allocator import keep_freed_memory, return_freed_memory

BLOCKS, BYTES = 8, 5_000_000

def faults():
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt

def work():
    before = faults()
    blocks = [np.ones(BYTES, dtype=np.uint8) for _ in range(BLOCKS)]
    return faults() - before

def resident_pages():
    return int(Path("/proc/self/statm").read_text().split()[1])

if {is_kept}:
    keep_freed_memory()
work()
print(work())
kept = resident_pages()
return_freed_memory()
print(kept - resident_pages())
"""


def measure(*, is_kept: bool) -> tuple[int, int]:
    """Page faults of work done before, and pages that are given back after it."""
    command = [sys.executable, "-c", PROGRAM.format(is_kept=is_kept)]
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    faults, returned = map(int, output.split())
    return faults, returned


def test_kept_memory_is_used_again_and_can_be_given_back() -> None:
    faults, returned = measure(is_kept=True)
    faults_by_default, _ = measure(is_kept=False)

    # Counted in pages (4 KiB or more), of which huge pages take fewer.
    assert faults < faults_by_default / 4
    assert returned * 4096 > 30_000_000
