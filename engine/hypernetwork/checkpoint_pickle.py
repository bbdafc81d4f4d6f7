"""Reads the pickle of a reference checkpoint without running it.

A pickle is a program for a machine with a stack. The thirty instructions that torch.save writes are followed
here, on values that are only data: a class is an object's kind, a tensor a description of where its numbers
lie. So a file can call nothing and change nothing, and whatever is not in such files (other names, other
instructions, keys that take for ever to hash) is refused when it is met.
Source: pickletools of the standard library; docs/doc-to-lora-spec.md, section 2.2.
"""

import math
import pickletools
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Any

import torch

from engine.errors import ModelUnavailable

_MAX_AXES = 8
_STORAGES = {
    "FloatStorage": torch.float32,
    "LongStorage": torch.int64,
    "BFloat16Storage": torch.bfloat16,
    "HalfStorage": torch.float16,
}
_OBJECTS = {
    ("ctx_to_lora.modeling.hypernet", "HypernetConfig"),
    ("ctx_to_lora.modeling_utils", "HypernetConfig"),
    ("ctx_to_lora.modeling.aggregator", "AggregatorConfig"),
    ("ctx_to_lora.modeling.aggregator", "AGGREGATOR_TYPE"),
    ("ctx_to_lora.modeling.ctx_encoder", "CTX_ENCODER_TYPE"),
    ("ctx_to_lora.configs", "CtxEncoderArguments"),
    ("peft.tuners.lora.config", "LoraConfig"),
    ("peft.tuners.lora.config", "LoraRuntimeConfig"),
    ("peft.utils.peft_types", "PeftType"),
    ("peft.utils.peft_types", "TaskType"),
}


class _Kind(Enum):
    """What a name in the file stands for."""

    ORDERED_DICT = auto()
    SET = auto()
    TENSOR = auto()
    OBJECT = auto()


_KINDS = {
    ("collections", "OrderedDict"): _Kind.ORDERED_DICT,
    ("__builtin__", "set"): _Kind.SET,
    ("builtins", "set"): _Kind.SET,
    ("torch._utils", "_rebuild_tensor_v2"): _Kind.TENSOR,
    **dict.fromkeys(_OBJECTS, _Kind.OBJECT),
}


@dataclass(frozen=True, slots=True)
class StoredNumbers:
    """An entry of the archive.

    Attributes:
        key: its name.
        n_values: how many numbers the pickle says it has.
    """

    key: str
    dtype: torch.dtype
    n_values: int

    @property
    def n_bytes(self) -> int:
        """Length of the entry."""
        return self.n_values * self.dtype.itemsize


@dataclass(frozen=True, slots=True)
class StoredTensor:
    """Where a tensor's numbers lie; no two of its places are the same, and none is outside of the entry."""

    numbers: StoredNumbers
    offset: int
    shape: tuple[int, ...]
    stride: tuple[int, ...]


@dataclass(slots=True)
class PickledObject:
    """A configuration object.

    Attributes:
        attributes: by name.
        value: of an enum's member, which is pickled by it.
    """

    attributes: dict[str, object] = field(default_factory=dict)
    value: object = None


def read_pickle(program: bytes) -> Mapping[str, object]:
    """What torch.save was given: text, numbers, containers, StoredTensor and PickledObject.

    Args:
        program: of bounded length; time and memory are a multiple of it.

    Raises:
        ModelUnavailable: it names what no checkpoint needs.
        ValueError: it is damaged, or no checkpoint.
    """
    machine = _Machine()
    try:
        with warnings.catch_warnings(action="ignore", category=DeprecationWarning):  # odd escapes in texts
            for opcode, argument, _position in pickletools.genops(program):
                machine.follow(opcode.name, argument)
        content = machine.pop()
    except (IndexError, KeyError, TypeError) as exc:
        raise ValueError(f"its description is damaged: {type(exc).__name__}") from exc
    if not isinstance(content, dict) or not all(isinstance(name, str) for name in content):
        raise ValueError("it holds something else")
    return content


class _Machine:
    """The machine's stack and memory."""

    def __init__(self) -> None:
        self._stack: list[Any] = []
        self._marks: list[int] = []
        self._memo: dict[int, object] = {}
        # Those that only take things from the stack and put one back.
        self._steps: dict[str, Callable[[], object]] = {
            "EMPTY_DICT": dict,
            "EMPTY_LIST": list,
            "EMPTY_TUPLE": tuple,
            "NONE": lambda: None,
            "NEWTRUE": lambda: True,
            "NEWFALSE": lambda: False,
            "TUPLE": lambda: tuple(self._since_mark()),
            "TUPLE1": lambda: self._tuple(1),
            "TUPLE2": lambda: self._tuple(2),
            "TUPLE3": lambda: self._tuple(3),
            "BINPERSID": lambda: _numbers(self.pop()),
            "REDUCE": self._reduce,
            "NEWOBJ": self._new_object,
            "BUILD": self._build,
            "SETITEM": lambda: self._set_items(self._tuple(2)),
            "SETITEMS": lambda: self._set_items(self._since_mark()),
            "APPEND": lambda: self._append([self.pop()]),
            "APPENDS": lambda: self._append(self._since_mark()),
        }

    def pop(self) -> Any:  # noqa: ANN401  whatever was pickled
        """Take the uppermost; not what lies under a mark."""
        if self._marks and len(self._stack) <= self._marks[-1]:
            raise IndexError
        return self._stack.pop()

    def follow(self, name: str, argument: Any) -> None:  # noqa: ANN401  an instruction's argument
        """Do what one instruction says.

        Raises:
            ModelUnavailable, ValueError, IndexError, KeyError, TypeError: as ``read_pickle`` sorts them.
        """
        match name:
            case "PROTO" | "STOP":
                pass
            case "MARK":
                self._marks.append(len(self._stack))
            case "BINPUT" | "LONG_BINPUT":
                self._memo[argument] = self._stack[-1]
            case "BINGET" | "LONG_BINGET":
                self._stack.append(self._memo[argument])
            case "BININT" | "BININT1" | "BININT2" | "LONG1" if -(2**63) <= argument < 2**63:
                self._stack.append(argument)
            case "BINFLOAT" | "BINUNICODE":
                self._stack.append(argument)
            case "GLOBAL" | "INST":  # "module name"
                self._stack.append(_kind_of(*argument.split(" ", 1)))
            case _ if name in self._steps:
                self._stack.append(self._steps[name]())
            case _:
                raise ValueError(f"it has the instruction {name}, which no Doc-to-LoRA checkpoint has")

    def _since_mark(self) -> list[Any]:
        mark = self._marks.pop()
        taken = self._stack[mark:]
        del self._stack[mark:]
        return taken

    def _tuple(self, n_items: int) -> tuple[Any, ...]:
        return tuple(reversed([self.pop() for _ in range(n_items)]))

    def _reduce(self) -> object:
        """A call: of one of four, with arguments that they are pickled with."""
        kind, arguments = self._tuple(2)
        match kind, arguments:
            case _Kind.TENSOR, (numbers, offset, shape, stride, *_gradient):
                return _tensor(numbers, offset, shape, stride)
            case _Kind.ORDERED_DICT, ():
                return {}
            case _Kind.SET, (list() as items,) if all(isinstance(item, str) for item in items):
                return set(items)
            case _Kind.OBJECT, (str() | int() as value,):
                return PickledObject(value=value)
        raise ValueError("its description calls something in an unknown way")

    def _new_object(self) -> object:
        if self._tuple(2) != (_Kind.OBJECT, ()):
            raise ValueError("its description makes an unknown object")
        return PickledObject()

    def _build(self) -> object:
        """Attributes, of a configuration object or of the dict with the tensors, which needs none."""
        made, state = self._tuple(2)
        if not isinstance(made, PickledObject | dict) or not isinstance(state, dict):
            raise ValueError("its description changes what it must not")  # noqa: TRY004  damage is a ValueError
        if isinstance(made, PickledObject):
            made.attributes.update(state)
        return made

    def _set_items(self, items: list[Any] | tuple[Any, ...]) -> object:
        target = self.pop()
        keys, values = items[::2], items[1::2]
        # Nothing but texts: a tuple within tuples takes for ever to hash.
        if (
            not isinstance(target, dict)
            or len(keys) != len(values)
            or any(type(key) is not str for key in keys)
        ):
            raise ValueError("its description has a table with other keys than names")
        target.update(zip(keys, values, strict=True))
        return target

    def _append(self, items: list[Any]) -> object:
        target = self.pop()
        if not isinstance(target, list):
            raise ValueError("its description appends to what is no list")  # noqa: TRY004  damage is a ValueError
        target += items
        return target


def _kind_of(module: str, name: str) -> object:
    if module == "torch" and name in _STORAGES:
        return _STORAGES[name]
    if (module, name) not in _KINDS:
        raise ModelUnavailable(
            "This hypernetwork file is refused, because it could run programs.",
            f"It names {module[:80]}.{name[:80]}, which no Doc-to-LoRA checkpoint needs. "
            "Get the file from its publisher again.",
        )
    return _KINDS[module, name]


def _numbers(pid: object) -> StoredNumbers:
    match pid:
        # Whatever device it names, it lands on the CPU.
        case ("storage", torch.dtype() as dtype, str() as key, str(), int() as n_values) if n_values >= 0:
            return StoredNumbers(key, dtype, n_values)
    raise ValueError("its description of a tensor is damaged")


def _tensor(numbers: object, offset: object, shape: object, stride: object) -> StoredTensor:
    if (
        not isinstance(numbers, StoredNumbers)
        or not isinstance(shape, tuple)
        or not isinstance(stride, tuple)
        or len(shape) != len(stride)
        or len(shape) > _MAX_AXES
        or any(type(n) is not int or n < 0 for n in (offset, *shape, *stride))
    ):
        raise ValueError("its description of a tensor is damaged")
    assert isinstance(offset, int)
    last = offset + sum((n - 1) * step for n, step in zip(shape, stride, strict=True))
    repeats = any(n > 1 and step == 0 for n, step in zip(shape, stride, strict=True))
    if 0 not in shape and (repeats or last >= numbers.n_values or math.prod(shape) > numbers.n_values):
        raise ValueError(f"a tensor of the shape {shape} does not fit its {numbers.n_values} numbers")
    return StoredTensor(numbers, offset, shape, stride)
