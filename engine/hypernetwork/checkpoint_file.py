"""The archive that torch.save writes: a pickle, and the numbers of each tensor in an entry of their own.

Nothing is compressed in it, so that nothing is larger inside than the file, and every length is compared with
what is expected before as much memory is taken.
"""

import io
from pathlib import Path
from types import TracebackType
from typing import Self, cast
from zipfile import ZIP_STORED, BadZipFile, ZipExtFile, ZipFile, ZipInfo

import torch
from torch import Tensor

from engine.hypernetwork.checkpoint_pickle import StoredTensor

_PICKLE_NAME = "/data.pkl"
_MAX_PICKLE_BYTES = 1 << 20
"""Of the published checkpoints, which have 140 tensors, 25 thousand."""
_PIECE_BYTES = 1 << 20
_IS_ENCRYPTED = 1


class CheckpointFile:
    """A checkpoint's archive, open for reading.

    Args:
        path: of the file.

    Attributes:
        program: the pickle.
        size_bytes: of the file.

    Raises:
        OSError, BadZipFile, ValueError: it cannot be read, or is no such archive.
    """

    def __init__(self, path: Path) -> None:
        if not path.is_file() and path.exists():  # to open a pipe would wait for ever
            raise ValueError("it is not a file")
        self.size_bytes = path.stat().st_size
        self._file = _ShortReads(io.FileIO(path))
        try:
            self._archive = ZipFile(self._file)
            self._root, self.program = self._find_program()
        except BaseException:
            self._file.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _exc: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self._archive.close()
        self._file.close()

    def read(self, tensor: StoredTensor) -> Tensor:
        """A tensor, on the CPU, in memory of its own.

        Raises:
            KeyError, ValueError, BadZipFile, EOFError: it is not there, or damaged.
        """
        numbers = tensor.numbers
        entry = self._entry(f"{self._root}/data/{numbers.key}")
        if entry.file_size != numbers.n_bytes:
            raise ValueError(f"{entry.filename} has {entry.file_size} bytes, expected {numbers.n_bytes}")
        storage = torch.empty(numbers.n_values, dtype=numbers.dtype)
        if numbers.n_bytes:
            self._read_into(storage.view(torch.uint8).numpy().data, entry)
        return storage.as_strided(tensor.shape, tensor.stride, tensor.offset).contiguous()

    def _find_program(self) -> tuple[str, bytes]:
        names = self._archive.namelist()
        found = [name for name in names if name.endswith(_PICKLE_NAME)]
        if len(found) != 1 or len(set(names)) != len(names):
            raise BadZipFile(f"it has {len(found)} entries data.pkl, expected one, or an entry twice")
        entry = self._entry(found[0])
        if entry.file_size > _MAX_PICKLE_BYTES:
            raise BadZipFile(f"its description has {entry.file_size:,} bytes")
        return found[0].removesuffix(_PICKLE_NAME), self._archive.read(entry)

    def _entry(self, name: str) -> ZipInfo:
        """An entry that takes as many bytes as it has in it."""
        entry = self._archive.getinfo(name)
        is_plain = entry.compress_type == ZIP_STORED and not entry.flag_bits & _IS_ENCRYPTED
        if not is_plain or not 0 <= entry.compress_size == entry.file_size <= self.size_bytes:
            raise BadZipFile(f"{name[:80]} is compressed or encrypted, or longer than the file")
        return entry

    def _read_into(self, memory: memoryview, entry: ZipInfo) -> None:
        with self._archive.open(entry) as opened:
            stream = cast("ZipExtFile", opened)
            n_done = 0
            while n_done < len(memory):
                n_read = stream.readinto(memory[n_done : n_done + _PIECE_BYTES])
                if not n_read:
                    raise EOFError(f"{entry.filename[:80]} is cut off")
                n_done += n_read


class _ShortReads(io.BufferedReader):
    """A file that gives no more than a million bytes at once.

    zipfile reads the archive's table in one piece, however long the file says it is, and makes an object of
    five hundred bytes of every fifty.
    """

    def read(self, size: int | None = -1, /) -> bytes:
        """As any file; raises BadZipFile where more is wanted."""
        if size is None or size < 0:
            position = self.tell()
            size = max(0, self.seek(0, io.SEEK_END) - position)
            self.seek(position)
        if size > _PIECE_BYTES:
            raise BadZipFile(f"its table of contents has {size:,} bytes")
        return super().read(size)
