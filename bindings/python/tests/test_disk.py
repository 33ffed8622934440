"""Disk images from every kind of source, and their contents."""

from __future__ import annotations

import dataclasses
import io
import os
import subprocess
import threading
from pathlib import Path

import pytest

import vmtemplate as vt
from support import content, tool

DATA = bytes(range(256)) * 4096


def test_a_disk_is_read_from_whatever_holds_it(tmp_path: Path) -> None:
    path = tmp_path / "disk.raw"
    path.write_bytes(DATA)
    disks = [
        vt.DiskImage.open(path),
        vt.DiskImage.open(str(path), format="raw"),
        vt.DiskImage.open(path, format=vt.ImageFormat.RAW, max_size=len(DATA)),
        vt.DiskImage.from_bytes(DATA),
        vt.DiskImage.from_bytes(bytearray(DATA)),
        vt.DiskImage.from_bytes(memoryview(DATA)),
        vt.DiskImage.from_stream(io.BytesIO(DATA), temporary_folder=tmp_path),
        vt.DiskImage.from_seekable(io.BytesIO(DATA)),
    ]
    for disk in disks:
        assert (disk.size, disk.format) == (len(DATA), "raw")
        assert disk.read(255, 3) == b"\xff\x00\x01"
        assert disk.read(len(DATA) - 1, 1) == b"\xff"
        with pytest.raises(vt.InvalidValueError):
            disk.read(len(DATA), 1)
    assert disks[0].path == path
    assert disks[3].path is None
    with pytest.raises(vt.LimitExceededError):
        vt.DiskImage.open(path, max_size=len(DATA) - 1)
    with pytest.raises(vt.LimitExceededError):
        vt.DiskImage.from_stream(io.BytesIO(DATA), max_size=1000)


def test_a_path_that_is_no_text_is_a_path(tmp_path: Path) -> None:
    name = os.fsdecode(b"na\xefve \xff.raw")
    path = tmp_path / name
    path.write_bytes(DATA)
    disk = vt.DiskImage.open(path)
    assert disk.path == path
    template = vt.Template.build("A", image=path, image_name="a.hddimage")
    out = os.path.join(tmp_path, name + ".tar.gz")
    template.pack(out)
    assert vt.Archive.open(out).path == Path(out)
    with pytest.raises(FileNotFoundError) as caught:
        vt.DiskImage.open(path.with_name(name + "x"))
    assert isinstance(caught.value, vt.VmTemplateError)
    assert caught.value.context.path == path.with_name(name + "x")


def test_a_stream_may_be_of_any_format_and_give_few_bytes_at_a_time() -> None:
    class Slow(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            return super().read(min(size or 7, 4093))

    packed = content({"gzip": "tests/fixtures/images/v3.qcow2.gz"})
    seen: list[vt.Progress] = []
    disk = vt.DiskImage.from_stream(Slow(packed), progress=seen.append)
    assert disk.format == "qcow2"
    assert seen
    with pytest.raises(vt.InvalidImageError):
        vt.DiskImage.from_stream(io.BytesIO(b"x" * 512), format="qcow2")


def test_a_file_that_lies_about_its_size_is_an_error_and_not_a_crash() -> None:
    class Short(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            return b""

    class Long(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            return bytes((size or 0) + 1)

    for lying in (Short, Long):
        disk = vt.DiskImage.from_seekable(lying(bytes(4096)))
        with pytest.raises(ValueError, match="file-like object returned"):
            disk.read(0, 512)
    with pytest.raises(ValueError, match="more than n bytes"):
        vt.DiskImage.from_stream(Long(bytes(4096)))


def test_a_seekable_file_is_read_by_many_threads_at_once(tmp_path: Path) -> None:
    with (tmp_path / "disk.raw").open("w+b") as file:
        file.write(DATA)
        disk = vt.DiskImage.from_seekable(file)
        wrong: list[int] = []

        def work(number: int) -> None:
            for at in range(number, len(DATA) - 16, 65537):
                if disk.read(at, 16) != DATA[at : at + 16]:
                    wrong.append(at)

        threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert not wrong
        # Python is called from threads that it did not start.
        summary = vt.Template.build("A", image=disk).pack(tmp_path / "a.tar.gz", threads=4)
        assert summary.usage.read > len(DATA)


def test_backing_files_are_opened_only_where_they_are_allowed(tmp_path: Path) -> None:
    for name in ("base", "overlay"):
        (tmp_path / f"{name}.qcow2").write_bytes(content({"gzip": f"tests/fixtures/images/{name}.qcow2.gz"}))
    with pytest.raises(vt.VmTemplateError):
        vt.DiskImage.open(tmp_path / "overlay.qcow2")
    disk = vt.DiskImage.open(tmp_path / "overlay.qcow2", backing_files=tmp_path)
    assert disk.format == "qcow2"
    # An image from a stream may refer to files of another machine.
    with (
        (tmp_path / "overlay.qcow2").open("rb") as file,
        pytest.raises(vt.UnsupportedError, match="as a file"),
    ):
        vt.DiskImage.from_stream(file)


def test_a_program_stands_in_for_rbd(tmp_path: Path) -> None:
    with pytest.raises(vt.NotFoundError):
        vt.DiskImage.open("rbd:pool/image", rbd_program=tmp_path / "no-such-rbd")


def test_extents_cover_the_disk_in_order(tmp_path: Path) -> None:
    path = tmp_path / "sparse.raw"
    with path.open("wb") as file:
        file.write(DATA)
        file.truncate(8 << 20)
    extents = list(vt.DiskImage.open(path).extents())
    assert [(extent.offset, extent.kind) for extent in extents] == [
        (0, vt.ExtentKind.DATA),
        (1 << 20, vt.ExtentKind.ZERO),
    ]
    assert extents[-1].end == 8 << 20
    walk = vt.DiskImage.open(path).extents()
    assert iter(walk) is walk
    assert isinstance(walk, vt.ExtentIterator)
    assert next(walk).length == 1 << 20


def test_a_raw_file_is_written_sparse_and_equal(windows_disk: vt.DiskImage, tmp_path: Path) -> None:
    seen: list[vt.Progress] = []
    summary = windows_disk.write_raw(tmp_path / "out.raw", free_space="keep", threads=2, progress=seen.append)
    assert summary.size == windows_disk.size == (tmp_path / "out.raw").stat().st_size
    assert seen[-1].bytes == seen[-1].total
    again = vt.DiskImage.open(tmp_path / "out.raw")
    for at in range(0, windows_disk.size, 1 << 20):
        length = min(1 << 20, windows_disk.size - at)
        assert again.read(at, length) == windows_disk.read(at, length)
    with pytest.raises(FileExistsError):
        windows_disk.write_raw(tmp_path / "out.raw")
    skipped = windows_disk.write_raw(tmp_path / "out.raw", overwrite=True, drop_page_files=True)
    assert skipped.usage == vt.Usage(**dataclasses.asdict(skipped.usage))
    assert skipped.usage.free == skipped.free_space.dropped > 0
    assert skipped.free_space.free_space is vt.FreeSpace.SKIP


def test_free_space_reads_as_zeros(windows_disk: vt.DiskImage) -> None:
    disk, report = windows_disk.without_free_space(drop_page_files=True)
    assert report.dropped == sum(volume.dropped for volume in report.volumes) > 0
    free = [extent for extent in disk.extents() if extent.kind is vt.ExtentKind.FREE]
    assert sum(extent.length for extent in free) <= report.dropped
    assert not any(disk.read(free[0].offset, min(free[0].length, 65536)))
    whole, kept = windows_disk.without_free_space(free_space=vt.FreeSpace.KEEP)
    assert (whole.size, kept.dropped) == (disk.size, 0)


def test_partitions_and_file_systems_are_reported(windows_disk: vt.DiskImage) -> None:
    info = windows_disk.info()
    table = vt.PartitionTable.read(windows_disk)
    assert info.partitions == table
    assert table.scheme is vt.PartitionScheme.GPT
    assert info.size == windows_disk.size == info.usage.total
    efi = next(partition for partition in table.partitions if partition.kind.is_efi_system)
    assert str(efi.kind.gpt).upper() == "C12A7328-F81F-11D2-BA4B-00A0C93EC93B"
    assert str(efi.kind).startswith(efi.kind.name or "?")
    found = {vt.FileSystem.detect(windows_disk, partition.offset) for partition in table.partitions}
    assert {vt.FileSystem.NTFS, vt.FileSystem.FAT} <= found
    assert vt.FileSystem.detect(vt.DiskImage.from_bytes(bytes(4096))) is None


def system_volume(disk: vt.DiskImage) -> vt.NtfsVolume:
    for partition in vt.PartitionTable.read(disk).partitions:
        if vt.FileSystem.detect(disk, partition.offset) is vt.FileSystem.NTFS:
            volume = vt.NtfsVolume.open(disk, partition.offset, partition.length)
            if any(entry.name == "Windows" for entry in volume.file("").list()):
                return volume
    raise AssertionError("no volume with Windows")


def test_files_of_a_volume_are_listed_and_read(windows_disk: vt.DiskImage) -> None:
    volume = system_volume(windows_disk)
    assert volume.version == (3, 1)
    assert volume.size > 0
    assert volume.offset > 0
    assert volume.cluster_size in (512, 1024, 2048, 4096)
    assert volume.serial_number > 0
    assert isinstance(volume.label, str)
    assert (volume.is_dirty, volume.has_clean_journal()) == (False, True)
    assert volume.hibernation() is vt.Hibernation.NONE
    folder = volume.file(r"Windows\System32\config")
    assert folder.is_folder
    names = {entry.name.upper(): entry for entry in folder.list()}
    assert {"SYSTEM", "SOFTWARE"} <= set(names)
    hive = volume.file("windows/system32/config/system")
    assert not hive.is_folder
    assert hive.path == "windows/system32/config/system"
    assert hive.size == names["SYSTEM"].size
    whole = hive.read(16 << 20)
    assert whole[:4] == b"regf"
    assert len(whole) == hive.size
    assert hive.read_at(2, 6) == whole[2:8]
    # More bytes than the file has, and an offset past its end.
    assert hive.read_at(hive.size - 3, 1 << 40) == whole[-3:]
    assert hive.read_at(hive.size + 1, 5) == b""
    with pytest.raises(vt.LimitExceededError):
        hive.read(16)
    with pytest.raises(FileNotFoundError):
        volume.file("no such file")
    assert repr(volume).startswith("<NtfsVolume")
    assert "folder" in repr(folder)


def test_the_registry_is_read_from_the_disk_and_from_bytes(windows_disk: vt.DiskImage) -> None:
    volume = system_volume(windows_disk)
    file = volume.file(r"Windows\System32\config\SOFTWARE")
    opened = vt.RegistryHive.open(file)
    # A hive outlives the volume that it was opened from.
    del volume
    for hive in (opened, vt.RegistryHive.from_bytes(file.read(16 << 20))):
        assert hive.is_clean
        root = hive.root()
        assert root.path == ""
        assert "Microsoft" in [key.name for key in root.subkeys()]
        key = hive.key(r"microsoft\WINDOWS NT\CurrentVersion")
        assert key is not None
        assert key.name == "CurrentVersion"
        assert key.string("ProductName")
        assert key.string("NoSuchValue") is None
        assert key.u32("NoSuchValue") is None
        assert key.strings("NoSuchValue") is None
        value = key.value("productname")
        assert value is not None
        assert (value.name, value.kind) == ("ProductName", vt.RegistryType.STRING)
        assert value.string() == key.string("ProductName")
        assert len(value.data()) == value.size
        assert "ProductName" in [held.name for held in key.values()]
        assert hive.key("No\\Such") is None
        below = root.subkey("Microsoft")
        assert below is not None
        assert below.subkey("no such") is None
        assert repr(below) == '<RegistryKey "Microsoft">'
        with pytest.raises(vt.VmTemplateError):
            value.u64()
        assert value.strings() == [value.string()]
        with pytest.raises(vt.VmTemplateError):
            value.u32()
        numbers = [held for held in walk(root) if held.kind is vt.RegistryType.U32]
        assert numbers
        assert numbers[0].u32() == int.from_bytes(numbers[0].data(), "little")
        for held in walk(root):
            if held.kind is vt.RegistryType.MULTI_STRING:
                assert held.strings()
    with pytest.raises(vt.InvalidImageError):
        vt.RegistryHive.from_bytes(bytes(4096))


def walk(key: vt.RegistryKey) -> list[vt.RegistryValue]:
    return [*key.values(), *(value for below in key.subkeys() for value in walk(below))]


def test_windows_is_recognised(windows_disk: vt.DiskImage) -> None:
    info = vt.WindowsInfo.read(windows_disk)
    assert info is not None
    assert info.product
    assert info.product in str(info)
    assert vt.WindowsInfo.read(vt.DiskImage.from_bytes(bytes(1 << 20))) is None


def test_qemu_img_agrees_on_a_disk(windows_disk: vt.DiskImage, tmp_path: Path) -> None:
    windows_disk.write_raw(tmp_path / "a.raw", free_space="keep")
    command = [tool("qemu-img"), "convert", "-f", "raw", "-O", "qcow2", "-c"]
    subprocess.run([*command, tmp_path / "a.raw", tmp_path / "a.qcow2"], check=True)
    disk = vt.DiskImage.open(tmp_path / "a.qcow2")
    assert disk.format == "qcow2"
    assert disk.size == windows_disk.size
    assert disk.info().partitions == windows_disk.info().partitions


def test_a_dynamic_disk_is_kept_and_named() -> None:
    disk = bytearray(2 << 20)
    disk[450] = 0x42
    disk[454:462] = (2048).to_bytes(4, "little") + (2048).to_bytes(4, "little")
    disk[510:512] = b"\x55\xaa"
    view, report = vt.DiskImage.from_bytes(disk).without_free_space()
    (volume,) = report.volumes
    assert volume.kept is not None
    assert volume.kept.reason is vt.KeptReason.DYNAMIC_DISK
    assert "basic disk" in volume.kept.detail
    assert (volume.shadow_copies, report.dropped) == (0, 0)
    assert view.read(0, view.size) == disk


def test_a_file_like_object_gets_every_byte_of_a_disk(tmp_path: Path) -> None:
    out = io.BytesIO()
    summary = vt.DiskImage.from_bytes(DATA).write_raw(out, free_space="keep")
    assert out.getvalue() == DATA
    assert summary.usage.total == len(DATA)


def test_what_is_in_the_way_of_an_output_is_raised_before_the_work(tmp_path: Path) -> None:
    (tmp_path / "there").write_bytes(b"")
    vt.probe_output(tmp_path / "new")
    vt.probe_output(tmp_path / "there", overwrite=True)
    with pytest.raises(FileExistsError):
        vt.probe_output(tmp_path / "there")
    with pytest.raises(FileNotFoundError):
        vt.probe_output(tmp_path / "no" / "such")
