"""What Python programmers expect of objects: `with`, indexing, JSON, pickling, notebooks, logging, and clear errors."""

from __future__ import annotations

import dataclasses
import errno
import json
import logging
import pickle
import subprocess
import sys
import uuid
from pathlib import Path
from typing import Any, Callable

import pytest

import vmtemplate as vt

CURRENT_VERSION = r"Microsoft\Windows NT\CurrentVersion"


def printed(*arguments: object) -> str:
    """What the command prints."""
    command = [sys.executable, "-m", "vmtemplate", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout


def set_only(text: str) -> dict[str, Any]:
    """Read JSON without what is not set, which the command leaves out of some values."""

    def is_set(found: dict[str, Any]) -> dict[str, Any]:
        return {key: value for key, value in found.items() if value not in (None, {}, [])}

    read: dict[str, Any] = json.loads(text, object_hook=is_set)
    return read


def test_an_image_is_closed_by_with(tmp_path: Path) -> None:
    (tmp_path / "a.raw").write_bytes(bytes(4096))
    with vt.DiskImage.open(tmp_path / "a.raw") as image:
        assert image.read(0, 1) == b"\0"
        template = vt.Template.build("A", image=image)
        assert not image.closed
    assert image.closed
    assert repr(image) == "<DiskImage, closed>"
    uses: list[Callable[[], object]] = [
        lambda: image.size,
        lambda: image.read(0, 1),
        image.info,
        image.extents,
        image.__enter__,
    ]
    for use in uses:
        with pytest.raises(ValueError, match="closed"):
            use()
    image.close()
    # What was made from it keeps what it needs.
    assert template.image is not None
    assert template.image.size == 4096


def test_an_archive_is_closed_by_with(archive: Path) -> None:
    with vt.Archive.open(archive) as opened:
        name = opened.template().metainfo.image_file
        assert name is not None
        disk = opened.disk(name)
        assert opened.template().metainfo.os_name == "Windows-Server-2019"
        assert not opened.closed
    assert opened.closed
    assert repr(opened) == "<Archive, closed>"
    uses: list[Callable[[], object]] = [
        lambda: opened.entries,
        lambda: len(opened),
        lambda: name in opened,
        opened.__enter__,
    ]
    for use in uses:
        with pytest.raises(ValueError, match="closed"):
            use()
    opened.close()
    assert disk.read(0, 4) == bytes(range(4))


def test_a_repository_is_indexed_by_the_names_of_templates(archive: Path, tmp_path: Path) -> None:
    repository = vt.Repository.create(tmp_path / "repo")
    assert (len(repository), bool(repository), list(repository)) == (0, True, [])
    entry = repository.add(archive)
    assert len(repository) == 1
    [listed] = repository
    assert repository["Windows-Server-2019"] == listed
    assert repository["Windows-Server-2019"].file_name == entry.file_name
    assert "Windows-Server-2019" in repository
    assert listed in repository
    assert "windows-server-2019" not in repository
    assert 1 not in repository
    with pytest.raises(KeyError, match="no such"):
        repository["no such"]


def test_every_value_becomes_json_and_is_pickled(
    small: vt.Template, archive: Path, windows_disk: vt.DiskImage, tmp_path: Path
) -> None:
    repository = vt.Repository.create(tmp_path / "repo")
    windows = vt.WindowsInfo.read(windows_disk)
    known = vt.MacroInfo.lookup("IP")
    values: list[Any] = [
        small.info(),
        small.metainfo.limits,
        small.metainfo.support,
        vt.VmSpec(1, 1),
        vt.Limits(memory_mib=2, ipv4=False).unmet(vt.VmSpec(1, 1))[0],
        vt.UnpackLimits(),
        small.pack(tmp_path / "b.tar.gz"),
        vt.Archive.open(archive).verify(),
        windows_disk.info(),
        windows_disk.write_raw(tmp_path / "c.raw"),
        next(iter(windows_disk.extents())),
        windows_disk.windows().file("").list()[0],
        windows,
        vt.Script("@echo off\necho ($IPP)\n").check(),
        known,
        vt.find_macros("($IP)")[0],
        repository.push(small),
        repository.fetch("Windows-Server-2019", tmp_path / "fetched"),
        repository.sync(),
        vt.Progress(1, 2),
    ]
    assert len({type(value).__name__ for value in values}) == len(values)
    for value in values:
        told = json.loads(json.dumps(dataclasses.asdict(value)))
        assert list(told) == [field.name for field in dataclasses.fields(value)]
        again = pickle.loads(pickle.dumps(value))
        assert again == value
        assert hash(again) == hash(value)


def test_the_json_of_a_value_is_that_of_the_command(small: vt.Template, tmp_path: Path) -> None:
    (tmp_path / "disk.raw").write_bytes(bytes(1 << 20))
    info = dataclasses.asdict(vt.DiskImage.open(tmp_path / "disk.raw").info())
    assert set_only(json.dumps(info)) == set_only(printed("disk", tmp_path / "disk.raw", "--json"))
    small.pack(tmp_path / "a.tar.gz")
    values = dataclasses.asdict(vt.Template.open(tmp_path / "a.tar.gz").info())
    # In the JSON of the command, the products are a list.
    values["metainfo"]["support"] = values["metainfo"]["support"]["products"]
    assert values["metainfo"].pop("ssh_public_key") == {"accepted": False, "base64": False}
    assert set_only(json.dumps(values)) == set_only(printed("inspect", tmp_path / "a.tar.gz", "--json"))


def test_a_report_is_printed_as_the_command_prints_it(tmp_path: Path) -> None:
    script = tmp_path / "setup.cmd"
    script.write_bytes(b"@echo off\necho ($IPP)\n")
    report = vt.check(script)
    assert len(report) > 1
    assert str(report) == printed("check", script)
    assert report.to_json() + "\n" == printed("check", script, "--json")
    assert str(pickle.loads(pickle.dumps(report))) == str(report)


def test_a_notebook_shows_tables_in_which_nothing_is_markup() -> None:
    report = vt.Script("@echo off\necho (<b>$X)\n").check()
    assert report._repr_html_().count("<tr>") == len(report) + 1
    template = vt.Template.build("<script>", image=bytes(4096))
    html = template._repr_html_()
    assert "&lt;script&gt;" in html
    assert "<script>" not in html
    image = template.image
    assert image is not None
    assert "4,096 bytes" in image._repr_html_()
    image.close()
    assert "closed" in image._repr_html_()


def test_a_file_in_an_image_is_read_in_one_line(windows_disk: vt.DiskImage) -> None:
    assert windows_disk.windows().read("Windows/System32/config/SOFTWARE")[:4] == b"regf"
    assert windows_disk.windows().hive("SYSTEM").is_clean
    software = windows_disk.hive("SOFTWARE")
    product = software[CURRENT_VERSION]["ProductName"]
    assert isinstance(product, str)
    assert product.startswith("Windows")
    assert "ProductName" in software[CURRENT_VERSION]
    assert CURRENT_VERSION in software
    assert r"No\Such" not in software
    with pytest.raises(KeyError):
        software[r"No\Such"]
    with pytest.raises(KeyError):
        software[CURRENT_VERSION]["No such"]
    with pytest.raises(FileNotFoundError):
        windows_disk.hive("NOSUCH")
    with pytest.raises(vt.LimitExceededError):
        windows_disk.windows().read("Windows/System32/config/SOFTWARE", max=4)
    with pytest.raises(FileNotFoundError, match="Windows/System32/config"):
        vt.DiskImage.from_bytes(bytes(1 << 20)).windows()


def test_a_kind_of_partition_says_what_it_is_for() -> None:
    recovery = vt.PartitionKind(id="27", name="Windows recovery")
    assert (recovery.mbr, recovery.gpt, str(recovery)) == (0x27, None, "Windows recovery (27)")
    assert (recovery.is_recovery, recovery.is_efi_system, recovery.is_extended) == (True, False, False)
    efi = vt.PartitionKind(id="C12A7328-F81F-11D2-BA4B-00A0C93EC93B", name=None)
    assert (efi.mbr, efi.gpt) == (None, uuid.UUID("c12a7328-f81f-11d2-ba4b-00a0c93ec93b"))
    assert efi.is_efi_system
    assert vt.PartitionKind(id="05", name="extended").is_extended
    with pytest.raises(ValueError, match='"a-" is not a GUID'):
        _ = vt.PartitionKind(id="a-", name=None).is_recovery


def test_the_data_of_registry_values_have_the_types_of_python(windows_disk: vt.DiskImage) -> None:
    kinds: dict[vt.RegistryType, type] = {
        vt.RegistryType.STRING: str,
        vt.RegistryType.EXPAND_STRING: str,
        vt.RegistryType.MULTI_STRING: list,
        vt.RegistryType.U32: int,
        vt.RegistryType.U64: int,
        vt.RegistryType.BINARY: bytes,
    }
    seen: set[vt.RegistryType] = set()
    keys = [windows_disk.hive("SYSTEM").root(), windows_disk.hive("SOFTWARE").root()]
    while keys:
        key = keys.pop()
        keys += key.subkeys()
        for value in key.values():
            assert isinstance(key[value.name], kinds[value.kind])
            seen.add(value.kind)
    assert {vt.RegistryType.STRING, vt.RegistryType.U32, vt.RegistryType.MULTI_STRING} <= seen


def test_folders_are_walked_and_files_found_by_patterns(windows_disk: vt.DiskImage) -> None:
    volume = windows_disk.windows()
    assert isinstance(volume.walk(), vt.NtfsWalk)
    walked = list(volume.walk())
    assert walked[0][0] == ""
    assert "Windows" in walked[0][1]
    paths = [f"{path}/{name}".lstrip("/") for path, _, files in walked for name in files]
    assert len(paths) == len(set(paths)) > 5
    # Each folder stands before those inside it, and is listed once.
    folders = [path for path, _, _ in walked]
    assert len(folders) == len(set(folders))
    assert all(path.rpartition("/")[0] in folders[:index] for index, path in enumerate(folders) if index)
    assert next(iter(volume.walk("windows/system32/config")))[0] == "windows/system32/config"
    everything = volume.glob("**")
    assert everything == sorted(everything, key=str.lower)
    assert set(paths) < set(everything)
    hives = volume.glob("windows/SYSTEM32/config/s*")
    assert "Windows/System32/config/SOFTWARE" in hives
    assert hives == volume.glob(r"**\config\S*")
    assert volume.glob("Windows/System32/config/S?STEM") == ["Windows/System32/config/SYSTEM"]
    assert volume.glob("no/such/*") == volume.glob("Windows/System32/config/SYSTEM/*") == []
    with pytest.raises(FileNotFoundError):
        list(volume.walk("no/such"))


def test_a_missing_image_is_a_file_that_is_not_found_also_out_of_build(tmp_path: Path) -> None:
    missing = tmp_path / "no such.qcow2"
    with pytest.raises(FileNotFoundError) as caught:
        vt.Template.build("A", image=missing)
    error = caught.value
    assert isinstance(error, vt.InvalidTemplateError)
    assert isinstance(error, vt.NotFoundError)
    assert (error.errno, error.filename) == (errno.ENOENT, str(missing))
    assert error.kind is vt.ErrorKind.INVALID_TEMPLATE
    assert isinstance(error.__cause__, vt.NotFoundError)
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is type(error)
    assert (str(again), again.errno) == (str(error), error.errno)
    # Problems of several kinds have no kind in common.
    with pytest.raises(vt.InvalidTemplateError) as both:
        vt.Template.build("A", image=missing, macros=["no macro"])
    assert not isinstance(both.value, OSError)
    assert len(both.value.context.problems) == 2
    assert both.value.__cause__ is None


def test_warnings_of_the_library_are_logged(
    windows_disk: vt.DiskImage, small: vt.Template, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    volume = next(held for held in windows_disk.info().free_space.volumes if held.label is not None)
    broken = bytearray(windows_disk.read(0, windows_disk.size))
    broken[volume.offset + 0x30 : volume.offset + 0x38] = bytes(8)
    with caplog.at_level(logging.WARNING, "vmtemplate"):
        vt.DiskImage.from_bytes(broken).write_raw(tmp_path / "a.raw")
        assert {record.name for record in caplog.records} == {"vmtemplate"}
        assert f"free space of partition {volume.partition} was kept" in caplog.text
        caplog.clear()
        small.pack(tmp_path / "a.tar.gz")
        vt.Archive.open(tmp_path / "a.tar.gz").unpack(tmp_path / "folder")
        (tmp_path / "folder" / "notes.txt").write_text("?")
        vt.Template.open(tmp_path / "folder").pack(tmp_path / "b.tar.gz")
        assert [record.getMessage() for record in caplog.records] == [
            "notes.txt: left behind, since the metadata does not name it"
        ]
        caplog.clear()
        repository = vt.Repository.create(tmp_path / "repo")
        entry = repository.push(small).entry
        (repository.folder / "SHA256SUMS").unlink()
        repository.fetch(entry.name, tmp_path / "fetched")
        assert "SHA256SUMS has no checksum" in caplog.text
        caplog.clear()
        (repository.folder / entry.file_name).unlink()
        repository.sync()
        assert [record.getMessage() for record in caplog.records] == [
            f"{entry.file_name}: the archive does not exist"
        ]


def wrong_calls() -> list[tuple[Callable[[], object], type[Exception], str]]:
    """Calls with a wrong argument, and what their exception says."""
    # Without types, as the callers that make such mistakes have none.
    module: Any = vt
    build, limits = module.Template.build, module.Limits
    return [
        (lambda: build("A", limits=5), TypeError, "limits: expected Limits, found int"),
        (
            lambda: build("A", limits=limits(memory_mib="1")),
            TypeError,
            "limits.memory_mib: expected int or None, found str",
        ),
        (
            lambda: build("A", limits=limits(ipv4=1)),
            TypeError,
            "limits.ipv4: expected bool or None, found int",
        ),
        (
            lambda: build("A", limits=limits(disk_mb=-1)),
            ValueError,
            "limits.disk_mb: -1 is not a number from 0 to 18446744073709551615",
        ),
        (
            lambda: build("A", limits=limits(other={"a": 1})),
            TypeError,
            "limits.other['a']: expected str, found int",
        ),
        (lambda: build("A", tags="windows"), TypeError, "tags: expected a sequence, found str"),
        (lambda: build("A", tags=["a", 1]), TypeError, "tags[1]: expected str, found int"),
        (lambda: build("A", support=[1]), TypeError, "support[0]: expected Product or str, found int"),
        (
            lambda: limits().unmet(module.VmSpec(1, 1, "ipv5")),
            ValueError,
            "vm.primary_address: 'ipv5' is not a valid AddressFamily; expected ipv4 or ipv6",
        ),
        (lambda: limits().unmet(limits()), TypeError, "vm: expected VmSpec, found Limits"),
        (
            lambda: module.Metainfo.from_fields(module.MetainfoFields(limits=limits(ipv6="yes"))),
            TypeError,
            "fields.limits.ipv6: expected bool or None, found str",
        ),
        (
            lambda: setattr(module.Metainfo("A"), "tags", None),
            TypeError,
            "tags: expected a sequence, found None",
        ),
        (
            lambda: module.check("/", severities={"VMT0201": "fatal"}),
            ValueError,
            "severities['VMT0201']: 'fatal' is not a valid Severity; expected note, warning or error",
        ),
        (
            lambda: module.check("/", severities=[1]),
            TypeError,
            "severities: expected a mapping or None, found list",
        ),
        (
            lambda: module.DiskImage.from_bytes(b"").write_raw("x", free_space="no"),
            ValueError,
            "free_space: 'no' is not a valid FreeSpace; expected skip or keep",
        ),
        (
            lambda: module.Script("").render({}, declared="($A)"),
            TypeError,
            "declared: expected a sequence, found str",
        ),
        (lambda: module.DiskImage.from_bytes("text"), TypeError, "expected bytes, found str"),
    ]


@pytest.mark.parametrize(("call", "kind", "message"), wrong_calls())
def test_a_wrong_argument_is_named_in_the_words_of_python(
    call: Callable[[], object], kind: type[Exception], message: str
) -> None:
    with pytest.raises(kind) as caught:
        call()
    assert str(caught.value) == message
    assert isinstance(caught.value, vt.InvalidValueError) == (kind is ValueError)
