"""The fixtures: a disk with Windows, a small template, and a record of what the tests call."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import vmtemplate as vt
from support import SKIPPED, content, note, watch
from vmtemplate import _native

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

watch(_native)


@pytest.fixture(scope="session")
def windows_disk(tmp_path_factory: pytest.TempPathFactory) -> vt.DiskImage:
    """A disk with the files of a Windows that was prepared as the guide says."""
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


@pytest.fixture(autouse=True)
def noted(request: pytest.FixtureRequest) -> Iterator[None]:
    """Record what a test calls, unless it measures time or counts references."""
    if request.path.name == "test_threads.py":
        yield
        return
    sys.setprofile(note)
    yield
    sys.setprofile(None)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Remember each test that is skipped, for the list that tests/run.sh prints and for test_surface.py."""
    report = yield
    if report.skipped and isinstance(report.longrepr, tuple):
        SKIPPED[item] = report.longrepr[2].removeprefix("Skipped: ")
        if listed := os.environ.get("VMTEMPLATE_SKIPPED"):
            with open(listed, "a") as lines:
                lines.write(f"SKIPPED python {item.name}: {SKIPPED[item]}\n")
    return report


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run the test that needs the record of all calls last."""
    items.sort(key=lambda item: item.path.name == "test_surface.py")
