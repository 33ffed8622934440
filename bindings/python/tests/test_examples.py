"""The programs in examples/python do what they claim."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import vmtemplate as vt
from support import ROOT, content

EXAMPLES = ROOT / "examples" / "python"


def run(program: str, *arguments: object, module: str | None = None) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, *(["-m", module] if module else []), EXAMPLES / program, *arguments]
    return subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False)


@pytest.fixture
def images(windows_disk: vt.DiskImage, tmp_path: Path) -> Path:
    """Two images of Windows, and one of something else."""
    folder = tmp_path / "images"
    folder.mkdir()
    assert windows_disk.path is not None
    for name in ("Windows-10", "Windows-Server-2019"):
        shutil.copy(windows_disk.path, folder / f"{name}.raw")
    (folder / "broken.raw").write_bytes(b"")
    return folder


def test_every_example_is_tested() -> None:
    named = Path(__file__).read_text()
    assert [path.name for path in EXAMPLES.glob("*.py") if f'"{path.name}"' not in named] == []


def test_patch_tuesday_packs_and_publishes_what_is_good(images: Path, tmp_path: Path) -> None:
    for version in ("2026.11", "2026.12"):
        done = run("patch_tuesday.py", images, tmp_path / "repo", "--version", version)
        assert done.returncode == 1, done.stderr
        assert "broken.raw: " in done.stderr
        assert "Traceback" not in done.stderr
    repository = vt.Repository.open(tmp_path / "repo")
    assert sorted(entry.name for entry in repository) == ["Windows-10", "Windows-Server-2019"]
    archive = repository.folder / repository.list()[0].file_name
    assert vt.Template.open(archive).metainfo.template_version == "2026.12"


def test_a_dask_cluster_packs_a_fleet(images: Path, tmp_path: Path) -> None:
    done = run("dask_fleet.py", images, tmp_path / "archives")
    assert done.returncode == 1, done.stderr
    assert "invalid-template: the template cannot be built" in done.stderr
    packed = sorted(path.name for path in (tmp_path / "archives").iterdir())
    assert packed == ["Windows-10.tar.gz", "Windows-Server-2019.tar.gz"]
    assert vt.Archive.open(tmp_path / "archives" / packed[0]).verify().has_index


def test_a_template_is_a_test_in_ci(windows_disk: vt.DiskImage, tmp_path: Path) -> None:
    good = vt.Template.build("Windows-Server-2019", image=windows_disk, limits=vt.Limits(memory_mib=2048))
    good.pack(tmp_path / "good.tar.gz")
    base = ["-p", "no:cacheprovider", "-p", "check_in_ci", "-q", "-c", "/dev/null", "--rootdir", tmp_path]

    def pytest_of(archive: Path) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "pytest", *base, "--template", archive, EXAMPLES / "check_in_ci.py"]
        return subprocess.run(
            list(map(str, command)), capture_output=True, text=True, check=False, cwd=EXAMPLES
        )

    done = pytest_of(tmp_path / "good.tar.gz")
    assert (done.returncode, "3 passed" in done.stdout) == (0, True), done.stdout
    bad = vt.Template.build(
        "Windows-Server-2019", image=windows_disk, script=b"@echo off\r\ngoto nowhere\r\n"
    )
    bad.pack(tmp_path / "bad.tar.gz")
    done = pytest_of(tmp_path / "bad.tar.gz")
    assert done.returncode == 1
    assert "VMT02" in done.stdout


def test_asyncio_packs_several_and_stops_one_that_takes_too_long(tmp_path: Path) -> None:
    for name in ("a.raw", "b.raw"):
        (tmp_path / name).write_bytes(content({"gzip": "tests/fixtures/windows-uefi.raw.gz"}))
    done = run("async_pack.py", tmp_path / "a.raw", tmp_path / "b.raw")
    assert (done.returncode, done.stderr) == (0, "")
    assert sorted(path.name for path in tmp_path.glob("*.tar.gz")) == ["a.tar.gz", "b.tar.gz"]
    for path in tmp_path.glob("*.tar.gz"):
        path.unlink()
    done = run("async_pack.py", tmp_path / "a.raw", "--seconds", "0.001")
    assert done.returncode == 1
    assert "stopped at" in done.stderr
    assert list(tmp_path.glob("*.tar.gz")) == []
