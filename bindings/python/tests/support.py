"""What the tests share that is no fixture: bytes as the shared cases write them, and what was called."""

from __future__ import annotations

import gzip
import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import pytest

if TYPE_CHECKING:
    from types import CodeType, FrameType

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
    """Skip the test that asks, by name; where CI is set it fails instead."""
    if "CI" in os.environ:
        pytest.fail(f"{why}, and CI must not skip this test")
    pytest.skip(why)


def tool(name: str) -> str:
    """Where a tool is; the test that asks is skipped by name where there is none, and fails where CI is set."""
    found = shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")
    if found is None:
        skip(f"`{name}` is not installed")
    return found


SKIPPED: dict[pytest.Item, str] = {}
"""The tests that were skipped, and why."""

CALLED: set[str | CodeType] = set()
"""What of the module the tests have called: native functions by their names, others by their code."""


def note(frame: FrameType, event: str, called: object) -> None:
    """Called by the interpreter for every call."""
    if event == "call":
        CALLED.add(frame.f_code)
    elif event == "c_call":
        CALLED.add(getattr(called, "__qualname__", ""))
