"""Test a template in CI: `pytest check_in_ci.py --template Windows-Server-2019.tar.gz`.

Loaded as a plugin (`pytest -p check_in_ci --template …`), it provides its fixtures to your own test suite.
Findings of severity error fail the test; findings of severity warning become warnings of pytest.
"""

from __future__ import annotations

import warnings
from pathlib import Path

import pytest

import vmtemplate as vt


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option that names the template."""
    parser.addoption("--template", type=Path, help="archive or folder of the template to test")
    parser.addoption("--allow", action="append", default=[], metavar="CODE", help="switch a rule off")


@pytest.fixture(scope="session")
def template_path(request: pytest.FixtureRequest) -> Path:
    """Return the path of the template."""
    path = request.config.getoption("--template")
    if not isinstance(path, Path):
        pytest.fail("give the template: --template FILE.tar.gz")
    return path


@pytest.fixture(scope="session")
def template(template_path: Path) -> vt.Template:
    """Open the template to test."""
    return vt.Template.open(template_path)


@pytest.fixture(scope="session")
def report(request: pytest.FixtureRequest, template_path: Path) -> vt.Report:
    """Check the template against the rules."""
    allow: list[str] = request.config.getoption("--allow") or []
    return vt.check(template_path, allow=allow)


def test_no_rule_is_broken(report: vt.Report) -> None:
    """Fail with the location, the problem and the fix of each error."""
    for finding in report:
        if finding.severity is vt.Severity.WARNING:
            warnings.warn(f"{finding}", stacklevel=1)
    errors = [f"{finding}\n    {finding.fix}" for finding in report if finding.severity is vt.Severity.ERROR]
    assert not errors, "\n".join(errors)


def test_it_is_a_windows_for_small_machines(template: vt.Template) -> None:
    """Check what your own platform requires beyond the rules."""
    limits = template.metainfo.limits
    assert limits.unmet(vt.VmSpec(memory_mib=4096, disk_mb=40_000)) == []


def test_a_machine_gets_its_install_drive(template: vt.Template) -> None:
    """Render the install drive, and check that a value arrives in it."""
    drive = template.install_drive({"PASS": "S3cret pass!", "IP": "192.0.2.10"}, missing="parens")
    assert "192.0.2.10" in drive.script.text
