"""What the tests share: bytes as the shared cases write them, a disk with Windows on it, tools that may be missing."""

from __future__ import annotations

import gzip
import os
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import vmtemplate as vt

if TYPE_CHECKING:
    from collections.abc import Iterator
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
    if "gzip" in spec:
        return gzip.decompress((ROOT / spec["gzip"]).read_bytes())
    disk = bytearray(spec["size"])
    for run in spec["runs"]:
        if "hex" in run:
            held = bytes.fromhex(run["hex"])
        else:
            held = bytes((run.get("seed", 0) + i * i // 7) % 256 for i in range(run["length"]))
        disk[run["at"] : run["at"] + len(held)] = held
    return bytes(disk)


def tool(name: str) -> str:
    """Where a tool is; the test that asks is skipped by name where there is none, and fails where CI is set."""
    found = shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")
    if found is None:
        why = f"`{name}` is not installed"
        if "CI" in os.environ:
            pytest.fail(f"{why}, and CI must not skip this test")
        pytest.skip(why)
    return found


@pytest.fixture(scope="session")
def windows_disk(tmp_path_factory: pytest.TempPathFactory) -> vt.DiskImage:
    """A disk with the files of a Windows that was prepared by the guide."""
    path = tmp_path_factory.mktemp("windows") / "windows.raw"
    path.write_bytes(content({"gzip": "tests/fixtures/windows-uefi.raw.gz"}))
    return vt.DiskImage.open(path)


@pytest.fixture
def small() -> vt.Template:
    """A template of one MiB."""
    return vt.Template.build(
        "Windows-Server-2019",
        image=bytes(range(256)) * 4096,
        limits=vt.Limits(ipv4=True, ipv6=False, memory_mib=1024),
        tags=["windows", "windows2019"],
        version="5",
        macros=["($PRODUCTKEY)"],
    )


@pytest.fixture
def archive(small: vt.Template, tmp_path: Path) -> Path:
    """The same, packed."""
    path = tmp_path / "Windows-Server-2019.tar.gz"
    small.pack(path)
    return path


CALLED: set[str | CodeType] = set()
"""What of the module the tests have called: native functions by their names, others by their code."""


def note(frame: FrameType, event: str, called: object) -> None:
    """Called by the interpreter for every call."""
    if event == "call":
        CALLED.add(frame.f_code)
    elif event == "c_call":
        CALLED.add(getattr(called, "__qualname__", ""))


@pytest.fixture(autouse=True)
def noted(request: pytest.FixtureRequest) -> Iterator[None]:
    """Note what a test calls, unless it counts time or references."""
    if request.path.name == "test_threads.py":
        yield
        return
    sys.setprofile(note)
    yield
    sys.setprofile(None)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What asks for all that was called comes last."""
    items.sort(key=lambda item: item.path.name == "test_surface.py")
