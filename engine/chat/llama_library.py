"""The llama.cpp library as this program uses it: checked at start, its log kept, files opened from memory.

The package's own log callback maps levels wrongly and hides errors; ours keeps them, since they are the only
reason there is behind a NULL. The module imports llama_cpp, so only the chat process may import it.
"""

import ctypes
import logging
import os
import platform
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NewType, TypeAlias

# An abort in ggml would otherwise fork a debugger for seconds, and OpenMP's threads must sleep while waiting.
# Both are read when the library is loaded; so other modules take llama_cpp from here.
os.environ.setdefault("GGML_NO_BACKTRACE", "1")
os.environ.setdefault("OMP_WAIT_POLICY", "passive")

import llama_cpp as llama_cpp
import numpy as np
from numpy.typing import NDArray

from engine.errors import ModelUnavailable

Pointer = NewType("Pointer", int)
"""A model or context of llama.cpp. ctypes gives plain integers, which could be mixed up with anything."""

AdapterPointer: TypeAlias = "ctypes._Pointer[ctypes.c_void_p]"
"""An adapter of llama.cpp, for which the package uses typed pointers."""

logger = logging.getLogger(__name__)

REQUIRED_VERSION = "0.3.36"
_REQUIRED_FUNCTIONS = (
    "llama_adapter_lora_init",
    "llama_adapter_lora_init_from_file_ptr",
    "llama_adapter_lora_free",
    "llama_set_adapters_lora",
    "llama_memory_clear",
    "llama_set_abort_callback",
)
_LEVELS = {1: logging.DEBUG, 2: logging.DEBUG, 3: logging.INFO, 4: logging.ERROR}
"""ggml's levels (debug, info, warning, error) -> ours, lower: it says a lot, and warns of what is normal."""

last_errors: list[str] = []
"""Lines llama.cpp logged as errors since ``forget_errors``."""


def check_library() -> None:
    """Refuse a llama_cpp that is not the one this program was written against.

    Raises:
        ModelUnavailable: another version, or a fork with another API.
    """
    missing = [name for name in _REQUIRED_FUNCTIONS if not hasattr(llama_cpp, name)]
    if llama_cpp.__version__ != REQUIRED_VERSION or missing:
        detail = f"llama-cpp-python {REQUIRED_VERSION} is needed, {llama_cpp.__version__} is installed"
        detail += f" and lacks {', '.join(missing)}." if missing else "."
        raise ModelUnavailable("The chat engine has the wrong version.", detail)


def forget_errors() -> None:
    """Start collecting anew, before a call whose failure is to be explained."""
    last_errors.clear()


def explain_failure() -> str:
    """What llama.cpp logged as errors since ``forget_errors``, in one line."""
    return " ".join(line.strip() for line in last_errors if line.strip()) or "llama.cpp gave no reason"


@llama_cpp.llama_log_callback  # type: ignore[untyped-decorator]  # a ctypes function type
def _on_log(level: int, text: bytes, _user_data: object) -> None:
    line = text.decode("utf-8", errors="replace").rstrip()
    our_level = _LEVELS.get(level, logging.DEBUG)
    if our_level == logging.ERROR:
        last_errors.append(line)
        if _stopper is not None and _stopper.is_on:
            our_level = logging.DEBUG
    if line:
        logger.log(our_level, "llama.cpp: %s", line)


def install_log() -> None:
    """Route llama.cpp's log to ours; called once per process."""
    llama_cpp.llama_log_set(_on_log, ctypes.c_void_p(0))


class AbortSwitch:
    """A flag that llama.cpp looks at between two operations of a running decode. CPU only.

    llama.cpp wants a function ``bool (void *)``. It gets C's own ``strlen`` and a buffer of two bytes: an
    empty text is false, one character is true. So no Python and no interpreter lock is needed in a decode.
    May be flipped from any thread.
    """

    def __init__(self) -> None:
        self._text = ctypes.create_string_buffer(2)
        library = ctypes.CDLL("msvcrt") if platform.system() == "Windows" else ctypes.CDLL(None)
        self._strlen = ctypes.cast(library.strlen, llama_cpp.ggml_abort_callback)

    def attach(self, context: Pointer) -> None:
        """Let decodes of ``context`` look at this switch; it must outlive the context."""
        llama_cpp.llama_set_abort_callback(context, self._strlen, ctypes.cast(self._text, ctypes.c_void_p))

    @property
    def is_on(self) -> bool:
        """Whether decodes are to be aborted."""
        return self._text.raw[0] != 0

    def turn(self, *, on: bool) -> None:
        """Abort decodes from now on, or let them run."""
        self._text[0] = b"\x01" if on else b"\x00"


_stopper: AbortSwitch | None = None
"""The switch of the decode that runs now."""


@contextmanager
def explaining_decode(abort: AbortSwitch) -> Iterator[None]:
    """Collect the errors of a decode anew; what it says because ``abort`` is on is no error in the log.

    llama.cpp logs an abort as three errors, although it is what was asked of it.
    """
    global _stopper
    forget_errors()
    _stopper = abort
    try:
        yield
    finally:
        _stopper = None


def load_adapter(model: Pointer, data: NDArray[np.uint8]) -> "AdapterPointer | None":
    """Hand adapter bytes to llama.cpp, from memory where the system can; None if it refuses them."""
    if platform.system() in ("Linux", "Darwin"):
        with _memory_file(data) as file:
            return _pointer(llama_cpp.llama_adapter_lora_init_from_file_ptr(model, file))
    # Windows: no fmemopen, and a FILE must belong to the C runtime of llama.cpp's own library.
    descriptor, name = tempfile.mkstemp(prefix="loreleaf-", suffix=".gguf")
    try:
        with os.fdopen(descriptor, "wb") as target:
            target.write(data.data)
        return _pointer(llama_cpp.llama_adapter_lora_init(model, name.encode()))
    finally:
        Path(name).unlink()


def _pointer(pointer: AdapterPointer) -> "AdapterPointer | None":
    return pointer if ctypes.cast(pointer, ctypes.c_void_p).value else None


@contextmanager
def _memory_file(data: NDArray[np.uint8]) -> Iterator[ctypes.c_void_p]:
    """A C ``FILE *`` that reads ``data``; closed at the end, while llama.cpp has copied what it read."""
    libc = ctypes.CDLL(None, use_errno=True)
    fmemopen: Callable[..., int | None] = libc.fmemopen
    libc.fmemopen.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_char_p]
    libc.fmemopen.restype = ctypes.c_void_p
    libc.fclose.argtypes = [ctypes.c_void_p]
    file = fmemopen(data.ctypes.data, data.nbytes, b"rb")
    if not file:
        raise OSError(ctypes.get_errno(), "fmemopen failed")
    try:
        yield ctypes.c_void_p(file)
    finally:
        libc.fclose(file)
