"""Long work reports progress, and can be cancelled and interrupted without leaving partial output."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

import vmtemplate as vt


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> vt.Template:
    """A template that takes seconds to pack: half a GiB of incompressible data."""
    path = tmp_path_factory.mktemp("large") / "large.raw"
    block = os.urandom(1 << 20)
    with path.open("wb") as file:
        for number in range(512):
            file.write(number.to_bytes(4, "little") + block[4:])
    return vt.Template.build("Windows-Server-2019", image=path)


def test_progress_counts_up_to_the_end_on_the_thread_that_asked(small: vt.Template, tmp_path: Path) -> None:
    seen: list[tuple[vt.Progress, int]] = []
    small.pack(tmp_path / "a.tar.gz", progress=lambda p: seen.append((p, threading.get_ident())))
    counts = [progress.bytes for progress, _ in seen]
    assert counts == sorted(counts)
    assert seen[-1][0].bytes == seen[-1][0].total == sum(entry.size for entry in small.files)
    assert seen[-1][0].fraction == 1.0
    assert {thread for _, thread in seen} == {threading.get_ident()}


def test_an_exception_in_progress_cancels_and_comes_out_unchanged(large: vt.Template, tmp_path: Path) -> None:
    own = RuntimeError("enough")
    calls = 0

    def stop(progress: vt.Progress) -> None:
        nonlocal calls
        calls += 1
        raise own

    with pytest.raises(RuntimeError) as caught:
        large.pack(tmp_path / "a.tar.gz", progress=stop)
    assert caught.value is own
    assert calls == 1
    assert os.listdir(tmp_path) == []


def test_a_token_stops_the_work_of_another_thread(large: vt.Template, tmp_path: Path) -> None:
    cancel = vt.CancelToken()
    timer = threading.Timer(0.2, cancel.cancel)
    timer.start()
    with pytest.raises(vt.CancelledError) as caught:
        large.pack(tmp_path / "a.tar.gz", cancel=cancel, level=12)
    timer.join()
    assert caught.value.kind is vt.ErrorKind.CANCELLED
    assert cancel.is_cancelled
    assert os.listdir(tmp_path) == []


def test_a_token_that_was_thrown_before_stops_at_once(
    small: vt.Template, archive: Path, tmp_path: Path
) -> None:
    cancel = vt.CancelToken()
    cancel.cancel()
    assert "cancelled" in repr(cancel)
    for work in (
        lambda: small.pack(tmp_path / "b.tar.gz", cancel=cancel),
        lambda: vt.Archive.open(archive).unpack(tmp_path / "out", cancel=cancel),
        lambda: vt.Archive.open(archive).verify(cancel=cancel),
        lambda: vt.DiskImage.from_bytes(bytes(1 << 20)).write_raw(tmp_path / "c.raw", cancel=cancel),
    ):
        with pytest.raises(vt.CancelledError):
            work()
    assert os.listdir(tmp_path) == [archive.name]


INTERRUPTED = """
import os, signal, sys
import vmtemplate as vt

# A shell starts what runs in the background with the signal ignored, and a process inherits that.
signal.signal(signal.SIGINT, signal.default_int_handler)
work, image, folder = sys.argv[1:]
calls = {
    "pack": lambda p: vt.Template.build("A", image=image).pack(folder + "/a.tar.gz", level=12, progress=p),
    "quiet": lambda p: vt.Template.build("A", image=image).pack(folder + "/a.tar.gz", level=12),
    "unpack": lambda p: vt.Archive.open(image).unpack(folder + "/out", threads=1, progress=p),
}
try:
    print("ready", flush=True)
    calls[work](lambda p: None)
except KeyboardInterrupt:
    print("interrupted", os.listdir(folder))
"""


@pytest.mark.parametrize("work", ["pack", "quiet", "unpack"])
def test_ctrl_c_stops_the_work_and_leaves_nothing(work: str, large: vt.Template, tmp_path: Path) -> None:
    assert large.image is not None
    source = large.image.path
    folder = tmp_path / "folder"
    folder.mkdir()
    if work == "unpack":
        source = tmp_path / "a.tar.gz"
        large.pack(source, level=1)
    command = [sys.executable, "-X", "dev", "-c", INTERRUPTED, work, str(source), str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        time.sleep(0.1)
        assert process.poll() is None, "it was done before it could be interrupted"
        process.send_signal(signal.SIGINT)
        printed = process.stdout.read()
    assert printed == "interrupted []\n"
