"""Templates, archives, scripts and drives, end to end."""

from __future__ import annotations

import io
import subprocess
import tarfile
from pathlib import Path
from typing import Callable

import pytest

import vmtemplate as vt
from support import tool


def test_a_template_goes_out_and_comes_back(small: vt.Template, archive: Path, tmp_path: Path) -> None:
    again = vt.Template.open(archive)
    assert again.metainfo == small.metainfo
    assert again.metainfo.osname == again.metainfo.os_name == "Windows-Server-2019"
    assert again.metainfo.limits == vt.Limits(ipv4=True, ipv6=False, memory_mib=1024, disk_mb=2)
    assert again.script == small.script
    assert again.files == small.files
    assert again.image is not None
    assert again.image.read(0, 4) == b"\0\1\2\3"
    seen: list[vt.Progress] = []
    files = vt.Archive.open(archive).unpack(tmp_path / "out", progress=seen.append, threads=1)
    assert [file.name for file in files] == [file.name for file in small.files]
    assert seen
    folder = vt.Template.open(tmp_path / "out")
    assert folder.metainfo == small.metainfo
    folder.pack(tmp_path / "again.tar.gz")
    assert (tmp_path / "again.tar.gz").read_bytes() == archive.read_bytes()


def test_tar_reads_what_python_packed(archive: Path) -> None:
    listed = subprocess.run([tool("tar"), "tzf", archive], capture_output=True, text=True, check=True)
    with tarfile.open(archive) as read:
        assert listed.stdout.split() == read.getnames() == [entry.name for entry in vt.Archive.open(archive)]


def test_the_parts_of_a_template_come_in_many_forms(tmp_path: Path) -> None:
    text = b"@echo off\r\nexit /b\r\n"
    (tmp_path / "setup.cmd").write_bytes(text)
    (tmp_path / "disk.raw").write_bytes(bytes(4096))
    scripts: list[object] = [tmp_path / "setup.cmd", str(tmp_path / "setup.cmd"), vt.Script(text), text]
    images: list[Callable[[], object]] = [
        lambda: tmp_path / "disk.raw",
        lambda: bytes(4096),
        lambda: io.BytesIO(bytes(4096)),
        lambda: vt.DiskImage.from_bytes(bytes(4096)),
    ]
    options = {"image_name": "disk.hddimage", "script_name": "setup.cmd"}
    built = [
        vt.Template.build("A", image=image(), script=script, **options).metainfo  # type: ignore[arg-type]
        for image in images
        for script in scripts
    ]
    assert len(built) == 16
    assert all(metainfo == built[0] for metainfo in built)
    ours = vt.Template.build("A", image=bytes(4096), script=vt.SetupScript.windows())
    assert ours.script == vt.Template.build("A", image=bytes(4096)).script == vt.Script.default_windows()


def test_every_option_of_a_template_reaches_its_metadata() -> None:
    template = vt.Template.build(
        "Debian-12",
        image=bytes(1 << 20),
        script=vt.Script("#!/bin/sh\n"),
        limits=vt.Limits(ipv4=True, ipv6=True, memory_mib=512, disk_mb=9000, other={"cpu": "2"}),
        tags=("linux", "debian"),
        version="5.57",
        macros=["($PASS)", "($TOKEN)"],
        support=["VMmgr:5.45", vt.Product("DCImgr")],
        reboot_count=2,
        virtio_disk=False,
        virtio_net=True,
        image_name="debian.hddimage",
        script_name="setup.sh",
    )
    assert template.metainfo.fields() == vt.MetainfoFields(
        os_name="Debian-12",
        limits=vt.Limits(True, True, 512, 9000, {"cpu": "2"}),
        support=vt.Support(["VMmgr:5.45", "DCImgr"]),
        tags=("linux", "debian"),
        template_version="5.57",
        image_file="debian.hddimage",
        script_file="setup.sh",
        reboot_count=2,
        template_type="ostemplate",
        virtio_disk=False,
        virtio_net=True,
        declared_macros=("($PASS)", "($TOKEN)"),
    )
    assert [file.name for file in template.files] == [vt.Template.METAINFO, "setup.sh", "debian.hddimage"]


def test_a_template_is_built_on_a_metainfo_that_is_there() -> None:
    base = vt.Metainfo.parse(
        b"<doc>\n  <!-- kept -->\n  <osname>Old</osname>\n  <version>4</version>\n</doc>\n"
    )
    template = vt.Template.build(base=base, image=bytes(4096), version="5")
    assert b"<!-- kept -->" in bytes(template.metainfo)
    assert (template.metainfo.os_name, template.metainfo.template_version) == ("Old", "5")
    assert base.template_version == "4"
    assert vt.Template.build("New", base=base, image=bytes(4096)).metainfo.os_name == "New"


def test_the_metadata_of_a_template_is_a_copy(small: vt.Template) -> None:
    metainfo = small.metainfo
    metainfo.os_name = "Other"
    assert small.metainfo.os_name == "Windows-Server-2019"


def test_a_metainfo_is_edited_in_place() -> None:
    text = "<doc>\n  <!-- mine -->\n  <osname>A</osname>\n  <unknown x='1'/>\n</doc>\n"
    metainfo = vt.Metainfo.parse(text)
    metainfo["limit.mem"] = "2048"
    metainfo.template_version = "5"
    metainfo.tags = ["windows"]
    metainfo.support = ["VMmgr:5.4", vt.Product("DCImgr")]
    metainfo.reboot_count = 3
    metainfo.virtio_disk = metainfo.virtio_net = True
    metainfo.declared_macros = ["($PRODUCTKEY)"]
    metainfo.ssh_public_key = vt.SshPublicKey(accepted=True, base64=True)
    metainfo.osname = "B"
    texts = {
        "image_file": "b.hddimage",
        "script_file": "b.cmd",
        "template_type": "ostemplate",
        "illegal_password_characters": '%"',
        "password_method": "internal",
        "date": "2026-11-24 09:30:00",
        "install_result": "ok",
    }
    for name, value in texts.items():
        setattr(metainfo, name, value)
        assert getattr(metainfo, name) == value
    assert metainfo.support == vt.Support(["VMmgr:5.4", "DCImgr"])
    assert (metainfo.tags, metainfo.reboot_count, metainfo.virtio_disk, metainfo.virtio_net) == (
        ("windows",),
        3,
        True,
        True,
    )
    assert metainfo.declared_macros == ("($PRODUCTKEY)",)
    assert metainfo.ssh_public_key == vt.SshPublicKey(True, True)
    assert metainfo["limit.mem"] == metainfo.get("limit.mem") == "2048"
    assert (metainfo.get("limit.disk"), metainfo.get("kernel", 3)) == (None, 3)
    written = bytes(metainfo).decode()
    assert written.startswith("<doc>\n  <!-- mine -->\n  <osname>B</osname>\n")
    assert written.endswith("  <unknown x='1'/>\n</doc>\n")
    for name in texts:
        setattr(metainfo, name, None)
        assert getattr(metainfo, name) is None
    assert "version" in metainfo
    del metainfo["version"]
    assert "version" not in metainfo
    with pytest.raises(KeyError):
        del metainfo["version"]
    with pytest.raises(KeyError):
        metainfo["version"]
    with pytest.raises(vt.InvalidValueError, match="did you mean `osname`"):
        metainfo["osnam"]
    with pytest.raises(vt.InvalidValueError):
        metainfo.image_file = "../up.img"


def test_a_metainfo_of_a_network_install_tells_its_descriptions_and_addresses() -> None:
    metainfo = vt.Metainfo.parse(
        "<doc><osname>A</osname><description lang='en'>A server</description>"
        "<externals><elem><url>http://example.com/a</url></elem></externals></doc>"
    )
    assert metainfo.descriptions == (vt.Description("en", "A server"),)
    assert metainfo.external_urls == ("http://example.com/a",)
    assert metainfo.fields().os_name == "A"


def test_a_metainfo_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    metainfo = vt.Metainfo("A")
    metainfo.write_file(tmp_path / "metainfo.xml")
    assert vt.Metainfo.from_file(tmp_path / "metainfo.xml") == metainfo
    with pytest.raises(FileExistsError):
        vt.Metainfo("B").write_file(tmp_path / "metainfo.xml")
    vt.Metainfo("B").write_file(tmp_path / "metainfo.xml", overwrite=True)
    assert vt.Metainfo.from_file(tmp_path / "metainfo.xml").os_name == "B"
    assert vt.Metainfo.from_fields(vt.MetainfoFields(os_name="A")).os_name == "A"


def test_an_archive_is_looked_into(archive: Path) -> None:
    held = vt.Archive.open(archive)
    template = vt.Template.open(archive)
    assert held.template().metainfo.os_name == template.metainfo.os_name
    assert [found.code for found in held.check()] == [found.code for found in template.check()]
    assert held.render({}, missing="keep").text == template.render({}, missing="keep").text
    assert held.path == archive
    assert len(held) == 3
    assert "metainfo.xml" in held
    assert "other" not in held
    assert held.entries == tuple(held)
    assert b"<osname>" in held.read("metainfo.xml")
    disk = held.disk(held.entries[2].name)
    assert disk.size == 1 << 20
    with pytest.raises(FileNotFoundError):
        held.read("other")


def test_an_archive_is_opened_from_bytes_and_files_and_packed_into_one(
    small: vt.Template, archive: Path
) -> None:
    data = archive.read_bytes()
    with archive.open("rb") as file:
        for source, name in (
            (data, "bytes"),
            (bytearray(data), "bytes"),
            (io.BytesIO(data), "file"),
            (file, archive),
        ):
            held = vt.Archive.open(source)
            assert held.path == Path(name)
            assert [entry.name for entry in held] == [entry.name for entry in small.files]
            again = vt.Template.open(source)
            assert again.metainfo == small.metainfo
            assert again.image is not None
            assert again.image.read(0, 4) == b"\0\1\2\3"
    written = io.BytesIO()
    summary = small.pack(written)
    assert written.getvalue() == data
    assert summary.archive_bytes == len(data)
    with pytest.raises(vt.InvalidArchiveError):
        vt.Archive.open(b"no archive")
    with pytest.raises(TypeError, match="an archive must be a path"):
        vt.Archive.open(3)  # type: ignore[arg-type]


def test_what_a_file_that_is_packed_into_raises_comes_out_unchanged(small: vt.Template) -> None:
    class Full(io.BytesIO):
        def write(self, data: object, /) -> int:
            raise BlockingIOError("full")

    class Silent:
        def write(self, data: bytes, /) -> None:
            return None

    with pytest.raises(BlockingIOError, match="full"):
        small.pack(Full())
    with pytest.raises(ValueError, match="the number of bytes that it wrote"):
        small.pack(Silent())


def test_single_files_are_unpacked_and_checksums_returned(archive: Path, tmp_path: Path) -> None:
    files = vt.Archive.open(archive).unpack(tmp_path / "out", only=["metainfo.xml"])
    assert [file.name for file in files] == ["metainfo.xml"]
    verified = vt.Archive.open(archive).verify(threads=2, progress=lambda p: None)
    assert verified.has_index
    assert verified.archive_bytes == archive.stat().st_size
    assert [len(file.sha256) for file in verified.files] == [64, 64, 64]


def test_packing_has_options(small: vt.Template, tmp_path: Path) -> None:
    sizes = {}
    for level in (1, 12):
        small.pack(tmp_path / f"{level}.tar.gz", level=level, threads=1)
        sizes[level] = (tmp_path / f"{level}.tar.gz").stat().st_size
    assert sizes[12] <= sizes[1]
    with pytest.raises(vt.InvalidValueError):
        small.pack(tmp_path / "x.tar.gz", level=13)
    with pytest.raises(ValueError, match="zero"):
        small.pack(tmp_path / "x.tar.gz", threads=0)
    sparse = vt.Template.build("A", image=bytes(1 << 20))
    sparse.pack(tmp_path / "s.tar.gz", sparse=True, free_space="keep")
    assert vt.Template.open(tmp_path / "s.tar.gz").metainfo.os_name == "A"


def test_scripts_are_read_changed_rendered_and_written(tmp_path: Path) -> None:
    script = vt.Script("@echo off\necho ($IP)\n")
    assert (script.encoding, script.line_ending) == (vt.ScriptEncoding.ASCII, vt.LineEnding.LF)
    assert script.language is vt.ScriptLanguage.BATCH
    assert vt.Script("#!/usr/bin/perl\n").language is None
    windows = script.to_windows()
    assert bytes(windows) == b"@echo off\r\necho ($IP)\r\n"
    assert len(windows) == 23
    assert [use.position for use in windows.macros()] == [(2, 6)]
    assert script.render({"IP": "192.0.2.10"}, language="posix", as_platform=True).text.endswith(
        "192.0.2.10\n"
    )
    with pytest.raises(vt.InvalidValueError):
        vt.Script("net user A ($PASS)\r\n").render({"PASS": "a%b"}, illegal_password_characters="%")
    windows.write_file(tmp_path / "setup.cmd")
    assert vt.Script.from_file(tmp_path / "setup.cmd") == windows
    with pytest.raises(FileExistsError):
        windows.write_file(tmp_path / "setup.cmd")
    windows.write_file(tmp_path / "setup.cmd", overwrite=True)
    assert vt.Script.MAX_SIZE == 1 << 20
    assert len({script, vt.Script(b"@echo off\necho ($IP)\n")}) == 1


def test_the_language_of_a_script_is_given_or_read_from_its_name(tmp_path: Path) -> None:
    script = vt.Script("a\nb\n")
    assert script.language is None
    assert script.language_as("setup.sh") is vt.ScriptLanguage.POSIX
    assert vt.Script("#cloud-config\n").language is vt.ScriptLanguage.CLOUD_CONFIG
    assert vt.Script("d-i mirror/country string manual\n").language is vt.ScriptLanguage.PRESEED
    assert vt.Script("%packages\n%end\n").language is vt.ScriptLanguage.KICKSTART
    assert [found.code for found in script.check()] == ["VMT0209"]
    assert list(script.check(language="posix")) == []
    assert list(script.check(file_name="setup.sh")) == []
    as_batch = script.check(file_name="setup.sh", language=vt.ScriptLanguage.BATCH)
    assert as_batch[0].code == "VMT0201"
    (tmp_path / "setup").write_bytes(bytes(script))
    assert [found.code for found in vt.check(tmp_path / "setup")] == ["VMT0209"]
    assert list(vt.check(tmp_path / "setup", language="posix")) == []


def test_only_known_and_declared_names_are_macros() -> None:
    script = vt.Script("@echo off\r\necho ($COLOUR) ($nic) ($IP)\r\n")
    rendered = script.render({}, missing="platform")
    assert rendered.text == "@echo off\r\necho ($COLOUR) ($nic) \r\n"
    rendered = script.render({}, missing=vt.MissingValue.PLATFORM, declared=["($COLOUR)"])
    assert rendered.text == "@echo off\r\necho  ($nic) \r\n"
    with pytest.raises(vt.InvalidMacroError):
        script.render({}, declared=["COLOUR"])
    keys = ["ssh-rsa A a", "ssh-rsa B b"]
    script = vt.Script("#!/bin/sh\ncat <<EOF\n($SSHPUBKEYS)\nEOF\n")
    assert "\nssh-rsa A a\nssh-rsa B b\n" in script.render({"SSHPUBKEYS": keys}).text


def test_our_script_is_made_with_words_or_step_by_step() -> None:
    worded = vt.SetupScript.windows(
        without=["activation", vt.SetupStep.RESTART],
        administrator="root",
        log_file="C:\\log.txt",
        interface="LAN 1",
        firewall="unchanged",
        product_key=False,
    )
    stepped = (
        vt.SetupScript.windows()
        .without(vt.SetupStep.ACTIVATION)
        .without("restart")
        .administrator("root")
        .log_file("C:\\log.txt")
        .interface("LAN 1")
        .firewall(vt.SetupFirewall.UNCHANGED)
        .product_key(False)
    )
    assert worded == stepped
    assert worded.build() == stepped.build() != vt.Script.default_windows()
    assert worded != vt.SetupScript.windows()
    assert f"version {vt.SetupScript.VERSION}" in worded.build().text
    assert "net user" in vt.SetupScript.windows().interface(None).build().text


def test_an_install_drive_carries_the_rendered_script(
    small: vt.Template, archive: Path, tmp_path: Path
) -> None:
    values = {"PASS": "s3cret", "IP": "192.0.2.10"}
    rendered = small.render(values, missing="parens")
    assert rendered == vt.Template.render_path(archive, values, missing="parens")
    drive = small.install_drive(values, missing="parens", padding="zeros")
    assert drive.script == rendered
    assert len(bytes(drive)) == vt.InstallDrive.SIZE == 1 << 20
    assert drive == vt.InstallDrive(rendered, padding=vt.Padding.ZEROS)
    assert drive != vt.InstallDrive(rendered)
    drive.write(tmp_path / "drive.img")
    assert vt.InstallDrive.read(tmp_path / "drive.img") == vt.InstallDrive.from_bytes(bytes(drive)) == drive
    with pytest.raises(FileExistsError):
        drive.write(tmp_path / "drive.img")
    with pytest.raises(vt.InvalidImageError):
        vt.InstallDrive.from_bytes(b"short")


def test_the_first_run_kit_is_written_as_a_folder_and_a_cd(tmp_path: Path) -> None:
    (tmp_path / "dd.exe").write_bytes(b"MZ")
    kit = vt.FirstRunKit(tmp_path / "dd.exe")
    files = kit.files()
    assert files["dd.exe"] == b"MZ"
    assert "dd.exe" not in vt.FirstRunKit().files()
    kit.write(tmp_path / "kit")
    assert {path.name: path.read_bytes() for path in (tmp_path / "kit").iterdir()} == files
    kit.write_iso(tmp_path / "kit.iso")
    assert (tmp_path / "kit.iso").read_bytes() == kit.iso()
    assert vt.FirstRunKit.VERSION
    with pytest.raises(FileExistsError):
        kit.write_iso(tmp_path / "kit.iso")


def test_a_report_is_a_sequence_of_findings_with_rules(tmp_path: Path) -> None:
    (tmp_path / "setup.cmd").write_bytes(b"@echo off\necho ($IPV4)\n")
    report = vt.check(tmp_path / "setup.cmd")
    assert len(report) == len(list(report)) == len(report.findings) > 0
    assert bool(report)
    assert report.has("error")
    assert report.has(vt.Severity.WARNING)
    finding = next(finding for finding in report if finding.code == "VMT0201")
    assert finding.rule == vt.Rule.by_code("vmt0201")
    assert finding.rule in vt.Rule.all()
    assert str(finding).startswith("setup.cmd")
    assert str(finding.place).startswith("setup.cmd")
    assert finding.fix
    assert report[:1] == report.findings[:1]
    assert report.summary.errors == sum(found.severity is vt.Severity.ERROR for found in report)
    assert "error" in str(report.summary)
    assert '"VMT0201"' in report.to_json()
    assert '"version": "2.1.0"' in report.to_sarif()
    spotted = [found for found in report if found.excerpt is not None]
    assert spotted
    assert spotted[0].excerpt is not None
    assert spotted[0].excerpt.line
    without = vt.check(tmp_path / "setup.cmd", allow=["VMT0201"])
    assert "VMT0201" not in [found.code for found in without]
    eased = vt.check(tmp_path / "setup.cmd", severities={"VMT0201": "note"})
    assert next(found for found in eased if found.code == "VMT0201").severity is vt.Severity.NOTE
    with pytest.raises(vt.InvalidValueError):
        vt.check(tmp_path / "setup.cmd", allow=["VMT9999"])
    assert vt.Rule.by_code("VMT9999") is None


def test_a_template_is_checked_with_its_image(windows_disk: vt.DiskImage) -> None:
    template = vt.Template.build("Windows-Server-2019", image=windows_disk, limits=vt.Limits(memory_mib=2048))
    looked = template.check(deny_warnings=False)
    assert "VMT0301" not in [finding.code for finding in looked]
    assert len(template.check(skip_image=True)) <= len(looked)
    assert "lint" not in template.check(allow=[], severities={}).to_json()


def test_all_named_files_are_packed_and_the_others_are_reported(tmp_path: Path) -> None:
    folder = tmp_path / "t"
    (folder / "files").mkdir(parents=True)
    (folder / "metainfo.xml").write_text(
        "<doc><osname>Windows-10</osname><hddimage>w.img</hddimage><installdrive>setup.cmd</installdrive>"
        "<installcfg>unattend.xml</installcfg><sharedir>files</sharedir><kernel>linux</kernel></doc>"
    )
    for name in ("setup.cmd", "unattend.xml", "files/a.txt", "notes.txt"):
        (folder / name).write_bytes(name.encode())
    (folder / "w.img").write_bytes(b"MSWIM\0\0\0" + bytes(4096))
    with pytest.raises(vt.UnsupportedError, match="WIM"):
        vt.Template.open(folder)
    template = vt.Template.open(folder, format="raw")
    summary = template.pack(tmp_path / "t.tar.gz")
    assert summary.left_behind == ("notes.txt",)
    assert summary.missing == ("kernel: linux",)
    assert "VMT0155" in {finding.code for finding in vt.check(tmp_path / "t.tar.gz", skip_image=True)}
    checked = vt.check(tmp_path / "t.tar.gz", skip_image=True, format="raw")
    assert "VMT0155" not in {finding.code for finding in checked}
    names = [file.name for file in vt.Template.open(tmp_path / "t.tar.gz").files]
    assert names == ["metainfo.xml", "setup.cmd", "files/a.txt", "unattend.xml", "w.img"]


def test_check_takes_a_file_as_well(archive: Path, tmp_path: Path) -> None:
    script = b"@echo off\necho done\n"
    (tmp_path / "setup.cmd").write_bytes(script)
    with (tmp_path / "setup.cmd").open("rb") as file:
        assert vt.check(file) == vt.check(tmp_path / "setup.cmd")
    (finding,) = vt.check(io.BytesIO(b"echo ($IP)\n"))
    assert (finding.code, finding.place.file) == ("VMT0209", "file")
    assert list(vt.check(io.BytesIO(b"echo ($IP)\n"), language="posix")) == []
    assert vt.check(io.BytesIO(archive.read_bytes())) == vt.check(archive)
    with pytest.raises(TypeError):
        vt.check(5)  # type: ignore[arg-type]


def test_check_opens_the_extents_of_a_descriptor_where_it_is_told_to(tmp_path: Path) -> None:
    (tmp_path / "disk-flat.vmdk").write_bytes(bytes(1 << 20))
    path = tmp_path / "disk.vmdk"
    path.write_text('# Disk DescriptorFile\nversion=1\nparentCID=ffffffff\nRW 2048 FLAT "disk-flat.vmdk" 0\n')
    with pytest.raises(vt.UnsupportedError):
        vt.check(path)
    assert "VMT0301" in {finding.code for finding in vt.check(path, backing_files=tmp_path)}
