"""Helpers of the tests: bytes in the form of the shared cases, and a record of what was called."""

from __future__ import annotations

import gzip
import os
import shutil
from pathlib import Path
from types import GetSetDescriptorType
from typing import TYPE_CHECKING, Any, NoReturn

import pytest

if TYPE_CHECKING:
    from types import CodeType, FrameType, ModuleType

ROOT = Path(__file__).resolve().parents[3]


def content(spec: dict[str, Any]) -> bytes:
    """Bytes in one of the forms of tests/vectors/README.md."""
    if "text" in spec:
        text = spec["text"]
        joined = text if isinstance(text, str) else "".join(text)
        return str(joined * spec.get("repeat", 1)).encode()
    if "hex" in spec:
        return bytes.fromhex(spec["hex"])
    packed = (ROOT / spec["gzip"]).read_bytes() if "gzip" in spec else None
    disk = bytearray(spec["size"] if packed is None else gzip.decompress(packed))
    for run in spec.get("runs", []):
        if "hex" in run:
            held = bytes.fromhex(run["hex"])
        else:
            held = bytes((run.get("seed", 0) + i * i // 7) % 256 for i in range(run["length"]))
        disk[run["at"] : run["at"] + len(held)] = held
    return bytes(disk)


def skip(why: str) -> NoReturn:
    """Skip the calling test by name, or fail it if CI is set."""
    if "CI" in os.environ:
        pytest.fail(f"{why}, and CI must not skip this test")
    pytest.skip(why)


def tool(name: str) -> str:
    """The path of a tool. If it is not installed, the calling test is skipped by name, or fails if CI is set."""
    found = shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")
    if found is None:
        skip(f"`{name}` is not installed")
    return found


SKIPPED: dict[pytest.Item, str] = {}
"""The tests that were skipped, and why."""

CALLED: set[str | CodeType] = set()
"""What the tests have called or read of the module: native functions by name, others by their code."""


class Watched:
    """A property of a native class that records reads; the interpreter reports only calls."""

    def __init__(self, held: GetSetDescriptorType) -> None:
        """Watch a property."""
        self.held = held
        self.name = f"{held.__objclass__.__name__}.{held.__name__}"
        self.__doc__ = held.__doc__

    def __get__(self, instance: object, owner: type | None = None) -> object:
        if instance is None:
            return self.held
        CALLED.add(self.name)
        return self.held.__get__(instance, owner)

    def __set__(self, instance: object, value: object) -> None:
        self.held.__set__(instance, value)


def watch(module: ModuleType) -> None:
    """Watch the properties of all classes of a native module."""
    for kind in vars(module).values():
        if isinstance(kind, type):
            for name, held in list(vars(kind).items()):
                if isinstance(held, GetSetDescriptorType) and not name.startswith("_"):
                    setattr(kind, name, Watched(held))


def note(frame: FrameType, event: str, called: object) -> None:
    """Called by the interpreter for every call."""
    if event == "call":
        CALLED.add(frame.f_code)
    elif event == "c_call":
        CALLED.add(getattr(called, "__qualname__", ""))
