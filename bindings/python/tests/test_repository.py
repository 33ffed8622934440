"""Repositories: published to, signed, verified."""

from __future__ import annotations

import dataclasses
import fcntl
import http.server
import re
import subprocess
import threading
import time
from datetime import datetime, timezone
from pathlib import Path

import pytest

import vmtemplate as vt
from support import tool


def test_templates_are_added_replaced_and_removed(archive: Path, tmp_path: Path) -> None:
    repository = vt.Repository.create(tmp_path / "repo")
    assert repository.folder == tmp_path / "repo"
    assert repository.format is vt.RepositoryFormat.VM6
    assert repository.description_path == tmp_path / "repo" / "metadata.json"
    seen: list[vt.Progress] = []
    entry = repository.add(
        archive,
        name="Windows",
        tags=["windows", "gold"],
        file_name="w.tar.gz",
        expand="/dev/sda2",
        network_device="eth0",
        requirements=True,
        progress=seen.append,
    )
    assert seen
    assert (entry.name, entry.tags, entry.file_name) == ("Windows", ("windows", "gold"), "w.tar.gz")
    assert (entry.min_ram_mib, entry.expand, entry.network_device) == (1024, "/dev/sda2", "eth0")
    assert (entry.kind, entry.family) == (vt.TemplateKind.KVM_TEMPLATE, vt.OsFamily.WINDOWS)
    assert entry.modified == datetime.fromtimestamp(
        int((repository.folder / "w.tar.gz").stat().st_mtime), timezone.utc
    )
    assert repository.list() == list(repository) == [dataclasses.replace(entry, position=vt.Position(4, 5))]
    replaced = repository.replace("Windows", archive, new_name="Windows-2")
    assert replaced.name == "Windows-2"
    assert vt.Repository.open(tmp_path / "repo") == vt.Repository.open(tmp_path / "repo", "vm6") == repository
    assert repository.check(threads=1).summary.errors == 0
    assert repository.sync() == vt.Synced(updated=(), missing=())
    removed = repository.remove("Windows-2")
    assert removed.name == "Windows-2"
    assert repository.list() == []
    with pytest.raises(FileNotFoundError):
        repository.remove("Windows-2")
    with pytest.raises(vt.VmTemplateError):
        vt.Repository.open(tmp_path)


def test_an_archive_is_added_again_where_that_is_asked_for(small: vt.Template, tmp_path: Path) -> None:
    repository = vt.Repository.create(tmp_path / "repo")
    for level in (1, 9):
        small.pack(tmp_path / "w.tar.gz", level=level, overwrite=True)
        entry = repository.add(tmp_path / "w.tar.gz", replace=True, name="Windows-10")
        assert [held.file_name for held in repository] == [entry.file_name]
    assert entry.file_name != "w.tar.gz"
    with pytest.raises(FileExistsError):
        repository.add(tmp_path / "w.tar.gz", name="Windows-10")


def test_an_archive_that_has_no_path_is_called_after_its_template(small: vt.Template, tmp_path: Path) -> None:
    repository = vt.Repository.create(tmp_path / "repo")
    for level, replace in ((1, False), (9, True)):
        small.pack(tmp_path / "w.tar.gz", level=level, overwrite=True)
        entry = repository.add((tmp_path / "w.tar.gz").read_bytes(), replace=replace, name="Windows-10")
        assert (repository.folder / entry.file_name).read_bytes() == (tmp_path / "w.tar.gz").read_bytes()
        assert entry.file_name.startswith("Windows-10")
    with open(tmp_path / "w.tar.gz", "rb") as file:
        replaced = repository.replace("Windows-10", file, new_name="Windows-11", file_name="x.tar.gz")
    assert (replaced.name, len(repository.list())) == ("Windows-11", 1)
    with pytest.raises(TypeError):
        repository.add(1)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["", "../x", "a/b", ".x", "a\nb", "x" * 256, "SHA256SUMS", "metadata.json"])
def test_names_that_lead_elsewhere_are_refused(archive: Path, tmp_path: Path, name: str) -> None:
    repository = vt.Repository.create(tmp_path / "repo")
    for options in ({"image_name": name}, {"file_name": name}):
        with pytest.raises(vt.InvalidValueError) as caught:
            repository.add(archive, **options)  # type: ignore[arg-type]
        assert caught.value.context.field in options
    assert repository.list() == []


def test_an_entry_has_all_that_the_description_says(archive: Path, tmp_path: Path) -> None:
    (tmp_path / "d.tar.gz").write_bytes(archive.read_bytes())
    (tmp_path / "metadata.xml").write_text(
        "<doc>\n  <elem>\n    <osname>Debian-12</osname>\n    <tags>debian,new</tags>\n    <version>7</version>\n"
        "    <support>\n      <elem>VEmgr</elem>\n      <elem version='5.4.0'>VMmgr</elem>\n    </support>\n"
        "    <type>ostemplate</type>\n    <filename>d.tar.gz</filename>\n    <new>1</new>\n"
        "    <externals>\n      <elem>\n        <url>http://a.example/d.tar.gz</url>\n      </elem>\n    </externals>\n"
        "    <utcmtime>2024-05-06 07:08:09</utcmtime>\n  </elem>\n</doc>\n"
    )
    (entry,) = vt.Repository.open(tmp_path)
    assert entry == vt.RepositoryEntry(
        name="Debian-12",
        tags=("debian", "new"),
        file_name="d.tar.gz",
        image_name=None,
        expand=None,
        network_device=None,
        # The size of the archive, which metadata.xml does not contain.
        archive_size_mib=1,
        hdd_mib_required=None,
        min_ram_mib=None,
        template_version="7",
        template_type="ostemplate",
        products=("VEmgr", "VMmgr:5.4.0"),
        modified_utc="2024-05-06 07:08:09",
        urls=("http://a.example/d.tar.gz",),
        other=entry.other,
        position=vt.Position(2, 3),
    )
    assert (entry.kind, entry.family) == (vt.TemplateKind.KVM_TEMPLATE, vt.OsFamily.DEBIAN)
    assert list(entry.other) == ["new"]
    assert entry.modified == datetime(2024, 5, 6, 7, 8, 9, tzinfo=timezone.utc)
    assert vt.Product.parse(entry.products[1]) == vt.Product("VMmgr", vt.ProductVersion(5, 4))


def test_keys_that_are_not_known_are_set(small: vt.Template, archive: Path, tmp_path: Path) -> None:
    repository = vt.Repository.create(tmp_path / "repo")
    entry = repository.add(archive, set={"os_group": "Ж", "kms": {"port": 1688, "on": True}, "a": None})
    assert entry.other == {"os_group": '"Ж"', "kms": '{"port": 1688, "on": true}', "a": "null"}
    text = repository.description_path.read_text(encoding="utf-8")
    assert text.index("os_group") < text.index("kms") < text.index('"a"')
    replaced = repository.replace(entry.name, archive, set={"a": [1.5]})
    assert replaced.other == {**entry.other, "a": "[1.5]"}
    pushed = repository.push(small, replace=True, set={"efi_boot": True})
    assert pushed.entry.other["efi_boot"] == "true"
    assert repository.list()[0].other == pushed.entry.other
    for wrong, why in (
        ({"name": "x"}, "`name` has an option of its own"),
        ({"": 1}, "is empty"),
        ({"x": float("nan")}, "JSON"),
    ):
        with pytest.raises(ValueError, match=why):
            repository.replace(entry.name, archive, set=wrong)
    with pytest.raises(TypeError):
        repository.replace(entry.name, archive, set={"x": object()})


def test_a_template_is_pushed_and_fetched(small: vt.Template, archive: Path, tmp_path: Path) -> None:
    repository = vt.Repository.create(tmp_path / "repo")
    seen: list[vt.Progress] = []
    pushed = repository.push(small, tags=["windows"], progress=seen.append)
    assert isinstance(pushed, vt.Pushed)
    assert seen
    assert pushed.entry.tags == ("windows",)
    assert pushed.sha256 == vt.Archive.open(archive).verify().sha256
    assert pushed.pack.archive_bytes == archive.stat().st_size
    with pytest.raises(FileExistsError):
        repository.push(small)
    assert repository.push(small, replace=True, level=1).sha256 != pushed.sha256
    fetched = repository.fetch("Windows-Server-2019", tmp_path, overwrite=True)
    assert isinstance(fetched, vt.Fetched)
    assert Path(fetched.path).parent == tmp_path
    assert fetched.has_checksum
    assert fetched.archive_bytes == Path(fetched.path).stat().st_size
    with pytest.raises(FileNotFoundError):
        repository.fetch("no such template", tmp_path)


def test_a_repository_and_an_archive_on_a_server_are_read(archive: Path, tmp_path: Path) -> None:
    repository = vt.Repository.create(tmp_path / "repo")
    entry = repository.add(archive)

    class Ranges(http.server.BaseHTTPRequestHandler):
        """Range requests, which every file server supports except Python's."""

        def do_HEAD(self) -> None:
            self.do_GET()

        def do_GET(self) -> None:
            path = repository.folder / self.path.lstrip("/")
            if not path.is_file():
                self.send_error(404)
                return
            data = path.read_bytes()
            part = re.fullmatch(r"bytes=(\d*)-(\d*)", self.headers.get("Range", ""))
            begin, end = 0, len(data)
            if part is not None and part[1]:
                begin, end = int(part[1]), min(int(part[2]) + 1 if part[2] else end, end)
            elif part is not None:
                begin = max(end - int(part[2]), 0)
            self.send_response(200 if part is None else 206)
            if part is not None:
                self.send_header("Content-Range", f"bytes {begin}-{end - 1}/{len(data)}")
            self.send_header("Content-Length", str(end - begin))
            self.send_header("Last-Modified", self.date_time_string(int(path.stat().st_mtime)))
            self.send_header("ETag", f'"{path.stat().st_mtime_ns}"')
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(data[begin:end])

        def log_message(self, format: str, *args: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Ranges) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}/"
        try:
            remote = vt.Repository.open(url)
            assert [held.name for held in remote] == [entry.name]
            fetched = remote.fetch(entry.name, tmp_path / "fetched")
            assert Path(fetched.path).read_bytes() == archive.read_bytes()
            template = vt.Template.open(url + entry.file_name)
            assert template.metainfo.os_name == "Windows-Server-2019"
        finally:
            server.shutdown()
    with pytest.raises(ConnectionError) as caught:
        vt.Repository.open(url)
    assert isinstance(caught.value, vt.NetworkError)


def test_what_is_wrong_with_a_repository_is_found(archive: Path, tmp_path: Path) -> None:
    repository = vt.Repository.create(tmp_path / "repo")
    entry = repository.add(archive)
    held = repository.folder / entry.file_name
    data = bytearray(held.read_bytes())
    data[len(data) // 2] ^= 1
    held.write_bytes(data)
    assert repository.check(quick=True).summary.errors <= repository.check().summary.errors
    assert repository.check().has("error")
    before = repository.description_path.read_bytes()
    synced = repository.sync()
    assert list(synced.damaged) == [entry.file_name]
    assert (synced.updated, synced.missing) == ((), ())
    assert repository.description_path.read_bytes() == before
    held.unlink()
    assert repository.sync().missing == (entry.file_name,)


def test_a_repository_is_signed_as_minisign_does(archive: Path, tmp_path: Path) -> None:
    minisign = tool("minisign")
    pair = ["-p", str(tmp_path / "key.pub"), "-s", str(tmp_path / "key.sec")]
    subprocess.run([minisign, "-G", "-W", *pair], check=True, capture_output=True)
    signing = vt.SigningKey.from_file(tmp_path / "key.sec")
    public = vt.PublicKey.from_file(tmp_path / "key.pub")
    assert public == vt.PublicKey((tmp_path / "key.pub").read_text().splitlines()[1])
    assert public != vt.PublicKey("RWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3")
    assert repr(signing) == "<SigningKey>"
    repository = vt.Repository.create(tmp_path / "repo")
    repository.add(archive, key=signing)
    assert not repository.check(public_key=public).has("error")
    subprocess.run(
        [minisign, "-V", "-p", tmp_path / "key.pub", "-m", repository.description_path], check=True
    )
    other = vt.PublicKey("RWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3")
    assert repository.check(public_key=other).has("error")
    with pytest.raises(vt.InvalidValueError):
        vt.PublicKey("no key")


def test_waiting_too_long_for_another_publisher_is_an_error(archive: Path, tmp_path: Path) -> None:
    repository = vt.Repository.create(tmp_path / "repo")
    repository.add(archive, name="one", file_name="one.tar.gz")
    with (repository.folder / ".vmtemplate-lock").open("r+b") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        began = time.monotonic()
        with pytest.raises(TimeoutError) as caught:
            repository.add(archive, name="two", file_name="two.tar.gz", lock_timeout=0.3)
        assert isinstance(caught.value, vt.LockedError)
        assert time.monotonic() - began >= 0.3
        # Waiting can be cancelled.
        cancel = vt.CancelToken()
        timer = threading.Timer(0.1, cancel.cancel)
        timer.start()
        with pytest.raises(vt.CancelledError):
            repository.remove("one", cancel=cancel)
        timer.join()
    repository.add(archive, name="two", file_name="two.tar.gz", image_name="two.hddimage")
    assert [entry.name for entry in repository] == ["one", "two"]
