"""Plain values can be compared, shown, hashed, pickled and replaced; enums match those of the library."""

from __future__ import annotations

import copy
import dataclasses
import enum
import ipaddress
import json
import pickle
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import get_type_hints

import pytest

import vmtemplate as vt
from vmtemplate import _values


def test_a_member_is_its_word() -> None:
    classes = [item for item in vars(vt).values() if isinstance(item, type) and issubclass(item, enum.Enum)]
    assert len(classes) == 22
    for cls in classes:
        for member in cls:
            assert isinstance(member, str)
            assert (str(member), f"{member:>3}", json.dumps(member)) == (
                member.value,
                f"{member.value:>3}",
                f'"{member.value}"',
            )
            assert cls(member.value) is member
            assert pickle.loads(pickle.dumps(member)) is member
    assert repr(vt.KeptReason.OPEN_JOURNAL) == "<KeptReason.OPEN_JOURNAL: 'open-journal'>"


def test_severities_have_an_order_and_other_enums_that_of_their_words() -> None:
    note, warning, error = vt.Severity
    assert note < warning < error
    assert error >= warning >= warning >= note
    assert sorted([error, note, warning]) == list(vt.Severity)
    assert not warning > error
    assert error <= error
    with pytest.raises(TypeError):
        _ = note < 1


def test_a_member_and_its_word_are_the_same_to_a_call() -> None:
    script = vt.Script("echo ($IP)\r\n")
    for missing in (vt.MissingValue.PARENS, "parens"):
        assert script.render({}, missing=missing).text == "echo ()\r\n"
    with pytest.raises(vt.InvalidValueError, match="error, parens, empty or keep"):
        script.render({}, missing="nothing")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="'fatal' is not a valid Severity"):
        vt.check("/", severities={"VMT0201": "fatal"})  # type: ignore[dict-item]


def plain_values(archive: Path) -> list[object]:
    template = vt.Template.open(archive)
    assert template.script is not None
    report = template.check()
    return [
        template.info(),
        template.metainfo,
        template.metainfo.fields(),
        template.metainfo.limits,
        template.metainfo.support,
        template.script,
        template.install_drive({"PASS": "x"}, missing="parens"),
        report,
        report[0],
        report[0].rule,
        vt.Archive.open(archive).verify(),
        vt.MacroName("IP"),
        vt.MacroInfo.lookup("IP"),
        vt.find_macros("($IP)")[0],
        vt.MacroValues({"IP": "192.0.2.10", "PASS": "secret"}),
        vt.Position(1, 2),
        vt.ProductVersion(5, 4),
        vt.Severity.ERROR,
        vt.DiskImage.from_bytes(bytes(1 << 20)).info(),
        vt.Repository.create(archive.parent / "repo"),
    ]


def test_results_are_of_the_types_that_the_stub_says(
    small: vt.Template, archive: Path, windows_disk: vt.DiskImage, tmp_path: Path
) -> None:
    summary = small.pack(tmp_path / "b.tar.gz")
    info = windows_disk.info()
    assert info.partitions is not None
    volume = next(held for held in info.free_space.volumes if held.label is not None)
    opened = vt.NtfsVolume.open(windows_disk, volume.offset, volume.length)
    whole, report = windows_disk.without_free_space(free_space="keep")
    # The free space of a damaged volume is kept, with the reason.
    broken = bytearray(windows_disk.read(0, windows_disk.size))
    broken[volume.offset + 0x30 : volume.offset + 0x38] = bytes(8)
    kept = next(
        held.kept
        for held in vt.DiskImage.from_bytes(broken).info().free_space.volumes
        if held.kept is not None
    )
    checked = small.check()
    verified = vt.Archive.open(archive).verify()
    template_info = small.info()
    missed = vt.Limits(memory_mib=2).unmet(vt.VmSpec(1, 1))[0]
    known = vt.MacroInfo.lookup("IP")
    assert known is not None
    linted = vt.Script("@echo off\r\necho ($IPV4)\r\n").check()
    excerpt = next(found.excerpt for found in linted if found.excerpt is not None)
    entry = vt.Repository.create(tmp_path / "repo").add(archive)
    for value, cls in [
        (summary, vt.PackSummary),
        (summary.free_space, vt.FreeSpaceReport),
        (info, vt.DiskInfo),
        (info.partitions, vt.PartitionTable),
        (info.partitions.partitions[0], vt.Partition),
        (info.partitions.partitions[0].kind, vt.PartitionKind),
        (volume, vt.VolumeFreeSpace),
        (opened.file(""), vt.NtfsFile),
        (opened.file("").list()[0], vt.NtfsEntry),
        (whole, vt.DiskImage),
        (report, vt.FreeSpaceReport),
        (kept, vt.KeptVolume),
        (kept.reason, vt.KeptReason),
        (next(iter(windows_disk.extents())), vt.Extent),
        (windows_disk.write_raw(tmp_path / "c.raw"), vt.RawSummary),
        (checked, vt.Report),
        (checked.summary, vt.Summary),
        (checked[0], vt.Finding),
        (checked[0].place, vt.Place),
        (excerpt, vt.Excerpt),
        (verified, vt.Verified),
        (verified.files[0], vt.VerifiedFile),
        (template_info, vt.TemplateInfo),
        (template_info.script, vt.ScriptInfo),
        (template_info.files[0], vt.ArchiveEntry),
        (missed, vt.UnmetLimit),
        (known.kind, vt.MacroKind),
        (vt.find_macros("($IP)")[0], vt.MacroUse),
        (entry, vt.RepositoryEntry),
    ]:
        assert type(value) is cls
        if dataclasses.is_dataclass(value):
            # Every field has the type of its annotation, if that is a single class.
            hints = get_type_hints(cls, vars(vt) | vars(_values))
            for name, hint in hints.items():
                if isinstance(hint, type):
                    assert isinstance(getattr(value, name), hint), f"{cls.__name__}.{name}"


def test_plain_values_are_pickled_copied_and_equal(archive: Path) -> None:
    for value in plain_values(archive):
        for again in (pickle.loads(pickle.dumps(value)), copy.deepcopy(value)):
            assert type(again) is type(value)
            assert again == value, value
            assert (again != value) is False


def test_a_repr_says_what_it_is_and_no_password(archive: Path) -> None:
    secret = "correct horse"
    template = vt.Template.open(archive)
    assert template.script is not None
    rendered = template.render({"PASS": secret}, missing="parens")
    shown = [
        repr(template),
        repr(template.metainfo),
        repr(rendered),
        repr(template.install_drive({"PASS": secret}, missing="parens")),
        repr(vt.MacroValues({"PASS": secret})),
        repr(vt.Archive.open(archive)),
        repr(vt.DiskImage.from_bytes(bytes(512))),
        repr(vt.SetupScript.windows()),
        repr(vt.FirstRunKit()),
    ]
    assert not any(secret in text for text in shown)
    names = [
        "Template",
        "Metainfo",
        "Script",
        "InstallDrive",
        "MacroValues",
        "Archive",
        "DiskImage",
        "SetupScript",
        "FirstRunKit",
    ]
    for name, text in zip(names, shown):
        assert text.startswith(f"<{name}"), text
    assert "Windows-Server-2019" in shown[0]


def test_values_cannot_be_changed_but_replaced() -> None:
    limits = vt.Limits(memory_mib=1024)
    with pytest.raises(dataclasses.FrozenInstanceError):
        limits.memory_mib = 1  # type: ignore[misc]
    assert dataclasses.replace(limits, disk_mb=1) == vt.Limits(memory_mib=1024, disk_mb=1)
    assert hash(limits) == hash(vt.Limits(memory_mib=1024))
    assert dataclasses.asdict(limits)["memory_mib"] == 1024


def test_versions_and_products_are_compared_as_the_platform_does() -> None:
    parse = vt.ProductVersion.parse
    assert parse("5.10") > parse("5.9.3") > parse("5") == (5, 0, 0)
    assert str(parse("5.4.0-beta")) == "5.4.0"
    product = vt.Product.parse("VMmgr:5.4")
    assert (str(product), product) == ("VMmgr:5.4.0", vt.Product("VMmgr", parse("5.4")))
    support = vt.Support(["VMmgr:5.4", vt.Product("DCImgr")])
    assert str(support) == "VMmgr:5.4.0,DCImgr"
    assert len(support) == len(list(support)) == 2
    assert support.allows("vmmgr", "5.10.1")
    assert support.allows("vmmgr", parse("5.4"))
    assert not support.allows("VMmgr", "5.3.9")


def test_limits_tell_what_a_machine_lacks() -> None:
    limits = vt.Limits(ipv4=False, memory_mib=1024, disk_mb=15000)
    misses = limits.unmet(vt.VmSpec(memory_mib=512, disk_mb=15000))
    assert [(miss.limit, miss.found, miss.required) for miss in misses] == [
        ("primary_address", vt.AddressFamily.IPV4, None),
        ("memory", 512, 1024),
    ]
    assert str(misses[1]) == misses[1].message
    assert limits.unmet(vt.VmSpec(1024, 15000, vt.AddressFamily.IPV6)) == []


def test_macro_values_come_as_the_types_that_python_has() -> None:
    values = vt.MacroValues(
        {
            "IP": ipaddress.ip_address("192.0.2.10"),
            "IPv6": ipaddress.IPv6Address("2001:db8::10"),
            "TMPIPv4": True,
            "VOL_SIZE_M": 20480,
            "NAMESERVERS": [ipaddress.ip_address("192.0.2.53"), "2001:db8::53"],
        }
    )
    assert {name: values[name] for name in values} == {
        "IP": "192.0.2.10",
        "IPv6": "2001:db8::10",
        "NAMESERVERS": "192.0.2.53 2001:db8::53",
        "TMPIPv4": "true",
        "VOL_SIZE_M": "20480",
    }
    values.assign("PASS=a=b")
    values.update({"HOSTNAME": "web-1"})
    assert (values.get("PASS"), values.get("PASS_CRYPT"), values.get("NO", 3)) == ("a=b", None, 3)
    assert "HOSTNAME" in values
    assert values.keys() == sorted(values.keys(), key=list(values).index)
    assert dict(values)["HOSTNAME"] == "web-1"
    assert values == vt.MacroValues(dict(values))
    with pytest.raises(KeyError):
        values["NOT_THERE"]


def test_macro_values_come_from_json(tmp_path: Path) -> None:
    text = '{"IP": "192.0.2.10", "NETMASK": 24, "TMPIPv4": false, "NAMESERVERS": ["192.0.2.53"]}'
    (tmp_path / "values.json").write_text(text)
    values = vt.MacroValues.from_json(text)
    assert values == vt.MacroValues.from_json_file(tmp_path / "values.json")
    assert values["NETMASK"] == "24"


def test_names_of_macros_are_ordered_and_found() -> None:
    names = sorted([vt.MacroName("PASS"), vt.MacroName("IP")])
    assert [name.name for name in names] == ["IP", "PASS"]
    assert names[0] < names[1]
    assert {vt.MacroName("IP"): 1}[vt.MacroName.parse("($IP)")] == 1
    assert len(vt.MacroName("X" * vt.MacroName.MAX_LENGTH).name) == 64
    nearest = vt.MacroInfo.nearest("NAMESERVR")
    assert nearest is not None
    assert nearest.name == "NAMESERVER"


def test_times_come_as_datetime_or_seconds(small: vt.Template, tmp_path: Path) -> None:
    when = datetime(2026, 11, 24, 12, 30, tzinfo=timezone.utc)
    small.pack(tmp_path / "a.tar.gz", mtime=when)
    small.pack(tmp_path / "b.tar.gz", mtime=int(when.timestamp()))
    assert (tmp_path / "a.tar.gz").read_bytes() == (tmp_path / "b.tar.gz").read_bytes()
    with pytest.raises(ValueError, match="before 1970"):
        small.pack(tmp_path / "c.tar.gz", mtime=datetime(1969, 1, 1, tzinfo=timezone.utc))
    repository = vt.Repository.create(tmp_path / "repo", "vm5")
    entry = repository.add(tmp_path / "a.tar.gz", lock_timeout=timedelta(seconds=1))
    modified = entry.modified
    assert modified is not None
    assert abs(datetime.now(timezone.utc) - modified) < timedelta(days=1)
    repository.sync(lock_timeout=0.5)


def test_progress_has_a_fraction() -> None:
    assert vt.Progress(0, 0).fraction == 0.0
    assert vt.Progress(1, 4).fraction == 0.25
