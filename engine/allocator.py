"""glibc's allocator, told how the ingest worker uses memory.

By default it gives every large block back to the system when it is freed and asks for it again for the next
tensor: 60,000 page faults for a page of text, a tenth of the time that learning it takes. Elsewhere than on
Linux with glibc these functions do nothing.
"""

import ctypes
import sys

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3  # malloc.h
_NEVER_BYTES = 1 << 30


def keep_freed_memory() -> None:
    """Keep what is freed for the next tensor; call ``return_freed_memory`` before a long pause."""
    libc = _glibc()
    if libc is not None:
        libc.mallopt(_M_MMAP_THRESHOLD, _NEVER_BYTES)
        libc.mallopt(_M_TRIM_THRESHOLD, _NEVER_BYTES)


def return_freed_memory() -> None:
    """Give what is free back to the system."""
    libc = _glibc()
    if libc is not None:
        libc.malloc_trim(0)


def _glibc() -> ctypes.CDLL | None:
    if sys.platform != "linux":
        return None
    libc = ctypes.CDLL(None)
    return libc if hasattr(libc, "malloc_trim") and hasattr(libc, "gnu_get_libc_version") else None
