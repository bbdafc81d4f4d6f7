"""The process that takes in a model file of the user's: looks at it, tries it, writes down what it is.

The file is from anywhere. Its header is checked before llama.cpp sees it; then llama.cpp loads it and
computes one token, in this process, which may end by that. Only what has answered is written down.
"""

import logging
import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING

from engine.errors import EngineError, InvalidAdapter, ModelUnavailable
from engine.formats.atomic_files import sha256_of
from engine.formats.gguf_header import GgufHeader
from engine.messages import Shutdown, WorkerFailed
from engine.models.gguf_check import GgufFacts, read_model
from engine.models.messages import AddModel, FetchPhase, FetchProgressed, ModelAdded
from engine.models.own import OwnModel, OwnModels
from engine.models.requirements import CONTEXT_TOKENS, PROCESS_BYTES
from engine.models.store import FileRecord
from engine.prompt_frame import ChatForm

if TYPE_CHECKING:
    from engine.chat.runtime import LlamaRuntime

logger = logging.getLogger(__name__)

TEMPLATE_PATIENCE_S = 60.0
"""A chat template that takes longer never ends; an honest one takes milliseconds."""
_TEMPLATE_BYTES = 1 << 30
"""Memory that a chat template may take, where the system can limit it."""
_TRIAL_TOKENS = 512
"""Window of the trial."""
_TEMPLATE = "tokenizer.chat_template"
_LONGEST_TITLE = 80
_PROGRESS_INTERVAL_S = 0.05


def main(conn: Connection, wanted: AddModel) -> None:
    """Take the file in, tell how it goes and what came of it; see ``engine.client``."""
    threading.Thread(target=_end_at_shutdown, args=(conn,), name="add-commands", daemon=True).start()
    try:
        conn.send(add(wanted, conn))
    except EngineError as exc:
        logger.info("%s was not taken in.", wanted.path, exc_info=True)
        conn.send(WorkerFailed(exc.title, exc.detail))


def _end_at_shutdown(conn: Connection) -> None:
    """Nothing that is half done is left behind, whenever this process ends."""
    try:
        while not isinstance(conn.recv(), Shutdown):
            pass
    except (EOFError, OSError):
        logger.info("Nobody waits for the model any more.")
    os._exit(0)


def add(wanted: AddModel, conn: Connection) -> ModelAdded:
    """Look at the file, try it, and write it down.

    Raises:
        ModelUnavailable: it cannot be used; the detail says why.
    """
    models = OwnModels(wanted.records_dir)
    name = models.name_for(wanted.path, wanted.name)
    header = read_model(wanted.path)
    template = header.values.get(_TEMPLATE)
    if not isinstance(template, str):
        raise ModelUnavailable(
            "This model has no chat template.",
            f"{wanted.path} does not say how it is asked ({_TEMPLATE}): maybe it continues texts and does "
            "not answer. Take a file of its “Instruct” or “Chat” version.",
        )
    try:
        stamp = FileRecord.of(wanted.path, "")
        sha256 = sha256_of(wanted.path, _Progress(conn, wanted.path.name, stamp.size_bytes))
        conn.send(FetchProgressed(FetchPhase.TRYING))
        form = _try(wanted, template, conn)
        file = FileRecord.of(wanted.path, sha256)
        if (file.size_bytes, file.mtime_ns) != (stamp.size_bytes, stamp.mtime_ns):
            raise ModelUnavailable(
                "The file changes.", f"{wanted.path} is still being written. Try it later."
            )
        model = _described(wanted.path, name, header, file, form)
        models.save(model)
    except OSError as exc:
        raise ModelUnavailable(
            "The model could not be taken in.", f"{exc.filename or wanted.path}: {exc.strerror or exc}."
        ) from exc
    return ModelAdded(model.name, model.title, model.path)


def _try(wanted: AddModel, template: str, conn: Connection) -> ChatForm:
    """Load the model, see how it is asked, and have it answer with one token.

    Raises:
        ModelUnavailable: it does not load, its template cannot be used, or it does not answer.
    """
    from engine.chat.prompt import build_prompt
    from engine.chat.runtime import LlamaRuntime
    from engine.chat.sampling import Sampling
    from engine.chat.threads import choose_threads

    n_threads = choose_threads(None)
    with LlamaRuntime(
        wanted.path, n_ctx=_TRIAL_TOKENS, n_threads=n_threads, use_gpu=wanted.use_gpu
    ) as runtime:
        form = _read_form(template, runtime, conn)
        prompt = build_prompt(runtime, "Hello.", (), n_ctx=runtime.n_ctx, frame=form.plain)
        try:
            for _piece in runtime.generate(prompt, Sampling(0.0), 1):
                pass
        except InvalidAdapter as exc:  # what else numbers that are not finite mean, where no adapter is set
            detail = f"{wanted.path}: it computes numbers that are not finite. Fetch it again."
            raise ModelUnavailable("This model is damaged.", detail) from exc
        except (EngineError, RuntimeError) as exc:
            raise ModelUnavailable("This model does not answer.", f"{wanted.path}: {exc}") from exc
    return form


def _read_form(template: str, runtime: "LlamaRuntime", conn: Connection) -> ChatForm:
    """What a template says, within bounds of time and memory.

    Raises:
        ModelUnavailable: it cannot be used.
    """
    from engine.chat.template import read_form

    tokens = runtime.template_tokens

    def give_up() -> None:
        detail = "It does not end: the file is damaged, or made to do harm. Take another one."
        conn.send(WorkerFailed("This model's chat template cannot be used.", detail))
        os._exit(0)

    timer = threading.Timer(TEMPLATE_PATIENCE_S, give_up)
    timer.daemon = True
    timer.start()
    try:
        with _memory_limited():
            return read_form(template, tokens)
    finally:
        timer.cancel()


@contextmanager
def _memory_limited() -> Iterator[None]:
    """Let this process take no more than so much further memory; only where the system can do that."""
    if sys.platform != "linux":
        yield
        return
    import resource

    before = resource.getrlimit(resource.RLIMIT_AS)
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    limit = pages * resource.getpagesize() + _TEMPLATE_BYTES
    if before[1] != resource.RLIM_INFINITY:
        limit = min(limit, before[1])
    resource.setrlimit(resource.RLIMIT_AS, (limit, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, before)


def _described(path: Path, name: str, header: GgufHeader, file: FileRecord, form: ChatForm) -> OwnModel:
    facts = GgufFacts.of(header)
    return OwnModel(
        name=name,
        title=_text(header, "general.name") or path.stem,
        licence=_text(header, "general.license"),
        architecture=facts.architecture[:_LONGEST_TITLE],
        n_parameters=facts.n_parameters,
        # Keys and values in 16 bits.
        memory_bytes=2 * 2 * facts.n_layers * facts.d_kv * CONTEXT_TOKENS + PROCESS_BYTES,
        folder=str(path.parent),
        file=file,
        form=form,
    )


def _text(header: GgufHeader, key: str) -> str:
    """A short text for people, in one line; empty if the file has none."""
    found = header.values.get(key)
    if not isinstance(found, str):
        return ""
    visible = "".join(letter if letter.isprintable() else " " for letter in found)
    return " ".join(visible.split())[:_LONGEST_TITLE]


class _Progress:
    """Tells how far the checksum is, at most 20 times a second."""

    def __init__(self, conn: Connection, name: str, n_total: int) -> None:
        self._conn, self._name, self._n_total = conn, name, n_total
        self._told_s = float("-inf")

    def __call__(self, n_done: int) -> None:
        now_s = monotonic()
        if n_done >= self._n_total or now_s - self._told_s >= _PROGRESS_INTERVAL_S:
            self._told_s = now_s
            self._conn.send(FetchProgressed(FetchPhase.CHECKING, self._name, n_done, self._n_total))
