"""Build the wheel and test it: what the targets of the workspace's Makefile do for Python.

    python3 bindings/python/run.py test | stub | lint | fmt | docs | bench | wheel

Everything is made below cargo's target folder: `python/tools` contains the tools of requirements-dev.txt,
`python/fresh` only the wheel. If the tools cannot be installed, this script says so, and fails if CI is set.
"""

from __future__ import annotations

import os
import subprocess
import sys
import venv
from pathlib import Path
from typing import Callable

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
TARGET = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")).absolute()
WORK = TARGET / "python"
TOOLS, FRESH, WHEELS, DOCS = WORK / "tools", WORK / "fresh", WORK / "wheels", WORK / "docs"
REQUIREMENTS = HERE / "requirements-dev.txt"
EXAMPLES = ROOT / "examples" / "python"
BENCH = ROOT / "benches" / "python"


class MissingToolsError(Exception):
    """The tools could not be installed."""


def run(*command: object, **variables: str) -> None:
    """Run a command, and exit if it fails."""
    done = subprocess.run(list(map(str, command)), cwd=HERE, env={**os.environ, **variables}, check=False)
    if done.returncode:
        sys.exit(f"failed: {' '.join(map(str, command))}")


def tools() -> Path:
    """The folder of the tools. They are installed unless they exist in the required versions."""
    wanted = REQUIREMENTS.read_text() + sys.version
    stamp = TOOLS / "installed"
    if not (stamp.exists() and stamp.read_text() == wanted):
        python = str(TOOLS / "bin" / "python")
        install = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        try:
            venv.create(TOOLS, clear=True, with_pip=True)
            subprocess.run([*install, "-r", str(REQUIREMENTS)], check=True)
        except (OSError, subprocess.CalledProcessError) as error:
            raise MissingToolsError(
                f"the tools of {REQUIREMENTS.relative_to(ROOT)} are not installed, and could not be: {error}. "
                "They need a network and the module venv (Debian: python3-venv)"
            ) from error
        stamp.write_text(wanted)
    return TOOLS / "bin"


def wheel(profile: str) -> Path:
    """Build the wheel."""
    bin_folder = tools()
    for old in WHEELS.glob("*.whl"):
        old.unlink()
    # The path of the manifest is given so that the current folder does not matter.
    build = [
        "build",
        "--quiet",
        "--profile",
        profile,
        "--out",
        WHEELS,
        "--manifest-path",
        HERE / "Cargo.toml",
    ]
    run(bin_folder / "maturin", *build, "--interpreter", bin_folder / "python", CARGO_TARGET_DIR=str(TARGET))
    [built] = WHEELS.glob("*.whl")
    return built


def install(built: Path, python: Path) -> None:
    """Install only the wheel into an environment."""
    pip = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-index"]
    run(*pip, "--force-reinstall", "--no-deps", built)


def site_packages(environment: Path) -> Path:
    """The folder of an environment's packages."""
    [found] = environment.glob("lib/python*/site-packages")
    return found


def test() -> None:
    """Check the types, then run all tests with the installed wheel."""
    built = wheel("dev")
    bin_folder = tools()
    install(built, bin_folder / "python")
    run(bin_folder / "python", HERE / "stub.py")
    run(bin_folder / "python", "-m", "mypy.stubtest", "vmtemplate")
    # The modules that the tests share are found as pytest finds them.
    run(
        bin_folder / "mypy",
        "--strict",
        "python/vmtemplate",
        "run.py",
        "stub.py",
        "tests",
        EXAMPLES,
        BENCH,
        MYPYPATH="tests",
    )
    run(bin_folder / "pyright", "--pythonpath", bin_folder / "python", "--warnings", "--project", HERE)
    venv.create(FRESH, clear=True, with_pip=True)
    install(built, FRESH / "bin" / "python")
    # pytest is in the other environment, vmtemplate in this one.
    path = f"{site_packages(FRESH)}:{site_packages(TOOLS)}:{HERE / 'tests'}"
    variables = {"PYTHONPATH": path, "VMTEMPLATE_WHEEL": str(built)}
    variables["PATH"] = f"{FRESH / 'bin'}:{bin_folder}:{os.environ['PATH']}"
    run(FRESH / "bin" / "python", "-X", "dev", "-m", "pytest", "-q", "-rs", "--no-header", **variables)


def stub() -> None:
    """Compare the docstrings of the stub with those of the module; with UPDATE_PYTHON, copy them into the stub."""
    bin_folder = tools()
    install(wheel("dev"), bin_folder / "python")
    update = ["--update"] if "UPDATE_PYTHON" in os.environ else []
    run(bin_folder / "python", HERE / "stub.py", *update)


def lint() -> None:
    """Run the checks that do not need the wheel."""
    bin_folder = tools()
    for folder in (HERE, EXAMPLES, BENCH):
        run(bin_folder / "ruff", "check", "--quiet", "--config", HERE / "pyproject.toml", folder)
        run(bin_folder / "ruff", "format", "--quiet", "--check", "--config", HERE / "pyproject.toml", folder)


def fmt() -> None:
    """Format, and fix what can be fixed automatically."""
    bin_folder = tools()
    for folder in (HERE, EXAMPLES, BENCH):
        run(bin_folder / "ruff", "check", "--quiet", "--fix", "--config", HERE / "pyproject.toml", folder)
        run(bin_folder / "ruff", "format", "--quiet", "--config", HERE / "pyproject.toml", folder)


def docs() -> None:
    """Write the documentation as HTML."""
    bin_folder = tools()
    install(wheel("dev"), bin_folder / "python")
    # tests/test_surface.py runs the examples in it.
    run(bin_folder / "pdoc", "--docformat", "google", "--output-directory", DOCS, "vmtemplate")
    print(f"{DOCS / 'vmtemplate.html'}")


def bench() -> None:
    """Compare Python with Rust, both optimised."""
    bin_folder = tools()
    install(wheel("release"), bin_folder / "python")
    run("cargo", "build", "--release", "--quiet", "-p", "vmtemplate-cli", CARGO_TARGET_DIR=str(TARGET))
    run(bin_folder / "python", BENCH / "overhead.py", TARGET / "release" / "vmtemplate")


def main() -> None:
    """Do what the command line says."""
    jobs: dict[str, Callable[[], None]] = {
        "test": test,
        "stub": stub,
        "lint": lint,
        "fmt": fmt,
        "docs": docs,
        "bench": bench,
        "wheel": lambda: print(wheel("release")),
    }
    if len(sys.argv) != 2 or sys.argv[1] not in jobs:
        sys.exit(f"usage: run.py {' | '.join(jobs)}")
    try:
        jobs[sys.argv[1]]()
    except MissingToolsError as error:
        if "CI" in os.environ:
            sys.exit(f"python: {error}, and CI must not skip this")
        line = f"SKIPPED python {sys.argv[1]}: {error}"
        print(line, file=sys.stderr)
        # The list that tests/run.sh prints at the end.
        if listed := os.environ.get("VMTEMPLATE_SKIPPED"):
            with open(listed, "a") as lines:
                lines.write(f"{line}\n")


if __name__ == "__main__":
    main()
