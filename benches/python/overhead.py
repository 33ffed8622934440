"""The overhead of Python: the same work by the module and by Rust, in one run.

`make bench` runs it with an optimised wheel. Packing is compared with the command `vmtemplate`, whose time includes its
start; small calls are measured in microseconds.
"""

from __future__ import annotations

import argparse
import filecmp
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Callable

import vmtemplate as vt

SCRIPT = vt.Script(
    "@echo off\r\nnet user Administrator ($PASS)\r\nnetsh interface ip set address LAN ($IP)\r\n"
)
VALUES = {"PASS": "a b&c", "IP": "192.0.2.10"}


def pack_both(image: Path, folder: Path, command: Path, rounds: int) -> tuple[float, float]:
    """The seconds of each: the median of several alternating rounds."""
    took: dict[str, list[float]] = {"python": [], "rust": []}
    template = vt.Template.build("A", image=image, script=SCRIPT, script_name="setup.cmd")
    script = folder / "setup.cmd"
    SCRIPT.write_file(script, overwrite=True)
    build = [
        str(command),
        "build",
        "--name",
        "A",
        "--image",
        str(image),
        "--script",
        str(script),
        "--no-check",
    ]
    for _ in range(rounds):
        began = time.perf_counter()
        template.pack(folder / "python.tar.gz", overwrite=True, progress=lambda progress: None)
        took["python"].append(time.perf_counter() - began)
        began = time.perf_counter()
        subprocess.run(
            [*build, "-o", str(folder / "rust.tar.gz"), "--force"], check=True, capture_output=True
        )
        took["rust"].append(time.perf_counter() - began)
    if not filecmp.cmp(folder / "python.tar.gz", folder / "rust.tar.gz", shallow=False):
        sys.exit("Python and Rust packed different archives")
    return statistics.median(took["python"]), statistics.median(took["rust"])


def microseconds(call: Callable[[], object], rounds: int = 2000) -> float:
    """The time of a call: the best of five series."""
    best = float("inf")
    for _ in range(5):
        began = time.perf_counter()
        for _ in range(rounds):
            call()
        best = min(best, (time.perf_counter() - began) / rounds)
    return best * 1e6


def main() -> None:
    """Measure, print the results, and fail if the overhead of Python is too large."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("command", type=Path, help="the command vmtemplate, optimised")
    given = parser.parse_args()
    quick = "BENCH_QUICK" in os.environ
    with tempfile.TemporaryDirectory(dir=os.environ.get("TMPDIR", "/var/tmp")) as name:
        folder = Path(name)
        image = folder / "disk.raw"
        block = os.urandom(1 << 19) + bytes(range(256)) * 2048
        with image.open("wb") as file:
            for number in range(64 if quick else 512):
                file.write(number.to_bytes(4, "little") + block[4:])
        python, rust = pack_both(image, folder, given.command, 5 if quick else 9)
    print(
        f"packing {64 if quick else 512} MiB: Python {python:.3f} s, Rust {rust:.3f} s, {python / rust:.3f} of it"
    )
    disk = vt.DiskImage.from_bytes(bytes(512))
    small = {
        "Script.render": lambda: SCRIPT.render(VALUES),
        "MacroValues": lambda: vt.MacroValues(VALUES),
        "Template.build": lambda: vt.Template.build("A", image=disk, script=SCRIPT),
        "Metainfo.parse": lambda: vt.Metainfo.parse(b"<doc><osname>A</osname></doc>"),
        "Script.check": lambda: SCRIPT.check(),
    }
    for name, call in small.items():
        print(f"{name}: {microseconds(call):.1f} µs")
    if python > rust * 1.02 and not quick:
        sys.exit("packing from Python takes more than 2% longer")


if __name__ == "__main__":
    main()
