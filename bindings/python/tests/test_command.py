"""`python -m vmtemplate` and the installed command."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path

import pytest

import vmtemplate as vt
from vmtemplate import __main__, _native

MODULE = [sys.executable, "-m", "vmtemplate"]


def run(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [*MODULE, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_the_command_does_what_the_module_does(archive: Path) -> None:
    shown = run("inspect", archive)
    assert shown.returncode == 0
    assert "Windows-Server-2019" in shown.stdout
    assert run("verify", archive, "--json").stdout.count("sha256") == 4
    assert run("script", "windows").stdout.encode() == bytes(vt.Script.default_windows()).replace(b"\r", b"")


def test_the_exit_status_tells_how_it_went(archive: Path) -> None:
    assert run("--version").stdout.split()[-1] == vt.__version__
    assert "Usage: vmtemplate" in run("--help").stdout
    refused = run("inspect", "/no/such")
    assert (refused.returncode, refused.stderr.startswith("error: /no/such")) == (1, True)
    wrong = run("no-such-command")
    assert (wrong.returncode, "Usage: vmtemplate" in wrong.stderr) == (2, True)


def test_the_command_is_installed_by_its_name() -> None:
    if sys.version_info >= (3, 10):
        installed = entry_points(group="console_scripts", name="vmtemplate")
        assert [entry.value for entry in installed] == ["vmtemplate.__main__:main"]


def test_the_command_is_a_function(monkeypatch: pytest.MonkeyPatch, archive: Path) -> None:
    monkeypatch.setattr(sys, "argv", ["x", "inspect", str(archive)])
    assert __main__.main() == 0
    assert _native.run_command(["vmtemplate", "inspect", "/no/such"]) == 1
