"""The wheel and the source package are complete and work with every Python from 3.9 on."""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
import zipfile
from email.parser import Parser
from importlib.metadata import distribution
from pathlib import Path

import pytest

import vmtemplate as vt
from support import ROOT, skip, tool

PROGRAM = """
import sys, vmtemplate as vt, pickle
template = vt.Template.build("A", image=bytes(1 << 20), limits=vt.Limits(memory_mib=512))
template.pack(sys.argv[1], overwrite=True)
assert vt.Template.open(sys.argv[1]).metainfo.limits.memory_mib == 512
try:
    vt.Template.open("/no/such")
except FileNotFoundError as error:
    assert pickle.loads(pickle.dumps(error)).kind is vt.ErrorKind.NOT_FOUND
print(vt.__version__)
"""


def wheel() -> Path:
    if "VMTEMPLATE_WHEEL" not in os.environ:
        skip("these tests are for the wheel: run.py test builds it")
    return Path(os.environ["VMTEMPLATE_WHEEL"])


def interpreters() -> list[Path]:
    """Every CPython from 3.9 on that is installed on this machine, the current one first."""
    folders = [Path(folder) for folder in os.environ.get("PATH", "").split(os.pathsep)]
    folders += sorted((Path.home() / ".pyenv" / "versions").glob("3.*/bin"))
    found = {sys.version_info[:2]: Path(sys.executable)}
    for minor in range(9, 20):
        for folder in folders:
            # pyenv has a shim for every version, but only installed versions run.
            if (path := folder / f"python3.{minor}").is_file() and "shims" not in path.parts:
                found.setdefault((3, minor), path)
    return list(found.values())


def test_one_wheel_is_for_every_version() -> None:
    assert "-cp39-abi3-" in wheel().name


@pytest.mark.parametrize("python", interpreters(), ids=lambda path: path.name)
def test_the_wheel_works_in_every_python_that_is_here(python: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(wheel()) as packed:
        packed.extractall(tmp_path / "wheel")
    program = f"import sys; sys.path.insert(0, {str(tmp_path / 'wheel')!r})\n{PROGRAM}"
    command = [str(python), "-X", "dev", "-I", "-c", program, str(tmp_path / "a.tar.gz")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.stderr, done.stdout) == ("", f"{vt.__version__}\n")


def test_the_wheel_says_what_it_is() -> None:
    with zipfile.ZipFile(wheel()) as packed:
        names = packed.namelist()
        folder = f"vmtemplate-{vt.__version__}.dist-info"
        metadata = Parser().parsestr(packed.read(f"{folder}/METADATA").decode())
    assert {"vmtemplate/py.typed", "vmtemplate/_native.pyi", "vmtemplate/_native.abi3.so"} <= set(names)
    assert {f"{folder}/licenses/licences/LICENSE-{name}" for name in ("MIT", "APACHE")} <= set(names)
    for name in ("LICENSE-MIT", "LICENSE-APACHE"):
        # A package cannot refer to files outside its folder, so these are copies. They are in a separate folder because
        # the source package may contain the originals too.
        assert (ROOT / "bindings" / "python" / "licences" / name).read_bytes() == (ROOT / name).read_bytes()
    assert metadata["Name"] == "vmtemplate"
    assert metadata["Version"] == vt.__version__ == distribution("vmtemplate").version
    assert metadata["License-Expression"] == "MIT OR Apache-2.0"
    assert metadata["Requires-Python"] == ">=3.9"
    assert metadata.get_all("Requires-Dist") is None
    assert "Typing :: Typed" in (metadata.get_all("Classifier") or [])
    readme = (ROOT / "bindings" / "python" / "README.md").read_text()
    assert str(metadata.get_payload()).strip() == readme.strip()


def test_the_source_package_has_all_that_it_is_built_from(tmp_path: Path) -> None:
    wheel()
    manifest = ROOT / "bindings" / "python" / "Cargo.toml"
    command = [tool("maturin"), "sdist", "--out", str(tmp_path), "--manifest-path", str(manifest)]
    subprocess.run(command, check=True, capture_output=True)
    [packed] = tmp_path.glob("*.tar.gz")
    with tarfile.open(packed) as read:
        names = {name.split("/", 1)[1] for name in read.getnames()}
        assert {
            "pyproject.toml",
            "Cargo.lock",
            "bindings/python/src/lib.rs",
            "crates/vmtemplate/src/lib.rs",
            "crates/vmtemplate-cli/src/lib.rs",
        } <= names
        read.extractall(tmp_path)
    folder = tmp_path / packed.name.removesuffix(".tar.gz")
    # Cargo can read all manifests; compiling again would only show that it compiles.
    described = ["cargo", "metadata", "--offline", "--locked", "--format-version=1", "--no-deps"]
    manifest = next(folder.glob("**/bindings/python/Cargo.toml"))
    subprocess.run([*described, "--manifest-path", manifest], check=True, capture_output=True)
