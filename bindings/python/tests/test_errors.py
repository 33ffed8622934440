"""Exceptions: one for each kind, with its context and its built-in base class."""

from __future__ import annotations

import errno
import io
import pickle
import tarfile
from pathlib import Path
from typing import Callable

import pytest

import vmtemplate as vt
from vmtemplate import _errors, _native

# The built-in base class of each kind.
ALSO: dict[vt.ErrorKind, type[BaseException]] = {
    vt.ErrorKind.NOT_FOUND: FileNotFoundError,
    vt.ErrorKind.PERMISSION_DENIED: PermissionError,
    vt.ErrorKind.ALREADY_EXISTS: FileExistsError,
    vt.ErrorKind.STORAGE_FULL: OSError,
    vt.ErrorKind.IO: OSError,
    vt.ErrorKind.CANCELLED: vt.VmTemplateError,
    vt.ErrorKind.INVALID_VALUE: ValueError,
    vt.ErrorKind.INVALID_METAINFO: ValueError,
    vt.ErrorKind.INVALID_MACRO: ValueError,
    vt.ErrorKind.INVALID_SCRIPT: ValueError,
    vt.ErrorKind.INVALID_IMAGE: ValueError,
    vt.ErrorKind.UNSUPPORTED: vt.VmTemplateError,
    vt.ErrorKind.SOURCE_CHANGED: vt.VmTemplateError,
    vt.ErrorKind.INVALID_TEMPLATE: ValueError,
    vt.ErrorKind.INVALID_ARCHIVE: ValueError,
    vt.ErrorKind.UNSAFE_ARCHIVE: ValueError,
    vt.ErrorKind.LIMIT_EXCEEDED: ValueError,
    vt.ErrorKind.INVALID_REPOSITORY: ValueError,
    vt.ErrorKind.LOCKED: TimeoutError,
    vt.ErrorKind.INVALID_SIGNATURE: ValueError,
    vt.ErrorKind.NETWORK: ConnectionError,
}


CLASSES: dict[vt.ErrorKind, type[vt.VmTemplateError]] = {
    vt.ErrorKind.NOT_FOUND: vt.NotFoundError,
    vt.ErrorKind.PERMISSION_DENIED: vt.PermissionDeniedError,
    vt.ErrorKind.ALREADY_EXISTS: vt.AlreadyExistsError,
    vt.ErrorKind.STORAGE_FULL: vt.StorageFullError,
    vt.ErrorKind.IO: vt.InputOutputError,
    vt.ErrorKind.CANCELLED: vt.CancelledError,
    vt.ErrorKind.INVALID_VALUE: vt.InvalidValueError,
    vt.ErrorKind.INVALID_METAINFO: vt.InvalidMetainfoError,
    vt.ErrorKind.INVALID_MACRO: vt.InvalidMacroError,
    vt.ErrorKind.INVALID_SCRIPT: vt.InvalidScriptError,
    vt.ErrorKind.INVALID_IMAGE: vt.InvalidImageError,
    vt.ErrorKind.UNSUPPORTED: vt.UnsupportedError,
    vt.ErrorKind.SOURCE_CHANGED: vt.SourceChangedError,
    vt.ErrorKind.INVALID_TEMPLATE: vt.InvalidTemplateError,
    vt.ErrorKind.INVALID_ARCHIVE: vt.InvalidArchiveError,
    vt.ErrorKind.UNSAFE_ARCHIVE: vt.UnsafeArchiveError,
    vt.ErrorKind.LIMIT_EXCEEDED: vt.LimitExceededError,
    vt.ErrorKind.INVALID_REPOSITORY: vt.InvalidRepositoryError,
    vt.ErrorKind.LOCKED: vt.LockedError,
    vt.ErrorKind.INVALID_SIGNATURE: vt.InvalidSignatureError,
    vt.ErrorKind.NETWORK: vt.NetworkError,
}


def test_every_kind_of_the_library_has_a_member_a_class_and_a_test() -> None:
    words = [word for word, _ in _native.error_kinds()]
    assert [kind.value for kind in vt.ErrorKind] == words
    assert set(vt.ErrorKind) == set(ALSO) == set(CLASSES)
    assert len(set(CLASSES.values())) == len(vt.ErrorKind), "one class for one kind"


@pytest.mark.parametrize("kind", vt.ErrorKind)
def test_an_error_of_each_kind_is_what_python_people_would_catch(kind: vt.ErrorKind) -> None:
    position = vt.Position(4, 7)
    context = ("/srv/x.tar.gz", "metainfo.xml", position, "limit.mem", "fix it", (), ("a cause",))
    error = _errors.make(kind.value, "what", "where: what (fix it)", None, context)
    assert type(error) is CLASSES[kind]
    assert isinstance(error, vt.VmTemplateError)
    assert isinstance(error, ALSO[kind])
    assert error.kind is kind
    assert str(error) == "where: what (fix it)"
    assert error.message == "what"
    held = error.context
    assert isinstance(held, vt.ErrorContext)
    assert (held.entry, held.position, held.field, held.help) == (
        "metainfo.xml",
        position,
        "limit.mem",
        "fix it",
    )
    assert isinstance(error, OSError) == issubclass(ALSO[kind], OSError)
    if isinstance(error, OSError):
        assert error.errno
        assert error.filename == "/srv/x.tar.gz"
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is type(error)
    assert (str(again), again.context, again.kind) == (str(error), held, kind)
    assert getattr(again, "errno", None) == getattr(error, "errno", None)


def test_errors_of_the_library_come_as_the_class_of_their_kind(tmp_path: Path) -> None:
    """The kinds that a test can cause on any machine; the others take the same path."""
    calls: list[tuple[type[vt.VmTemplateError], Callable[[], object]]] = [
        (vt.InvalidMacroError, lambda: vt.MacroName("MY-KEY")),
        (vt.InvalidScriptError, lambda: vt.InstallDrive(vt.Script(""))),
        (vt.UnsupportedError, lambda: vt.Script("#!/usr/bin/perl\n($IP)").render({"IP": "192.0.2.10"})),
        (vt.InvalidRepositoryError, lambda: vt.Repository.open(tmp_path / "broken").list()),
        (vt.UnsafeArchiveError, lambda: vt.Archive.open(tmp_path / "up.tar.gz").unpack(tmp_path / "out")),
    ]
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "metadata.json").write_text("{")
    with tarfile.open(tmp_path / "up.tar.gz", "w:gz") as file:
        file.addfile(tarfile.TarInfo("../up"))
    for raised, call in calls:
        with pytest.raises(vt.VmTemplateError) as caught:
            call()
        assert type(caught.value) is raised, caught.value


def test_a_missing_file_is_a_file_not_found_error_with_its_number_and_path() -> None:
    with pytest.raises(FileNotFoundError) as caught:
        vt.Template.open("/no/such.tar.gz")
    error = caught.value
    assert isinstance(error, vt.NotFoundError)
    assert error.errno == errno.ENOENT
    assert error.filename == "/no/such.tar.gz"
    assert error.context.path == Path("/no/such.tar.gz")
    assert any("No such file" in cause for cause in error.context.causes)


def test_an_archive_that_is_there_is_kept(small: vt.Template, archive: Path) -> None:
    before = archive.read_bytes()
    with pytest.raises(FileExistsError) as caught:
        small.pack(archive)
    assert isinstance(caught.value, vt.AlreadyExistsError)
    assert archive.read_bytes() == before
    small.pack(archive, overwrite=True, level=1)
    assert archive.read_bytes() != before


def test_all_problems_are_reported_at_once() -> None:
    with pytest.raises(vt.InvalidTemplateError) as caught:
        vt.Template.build("", image="/no/such.qcow2", limits=vt.Limits(memory_mib=0))
    problems = caught.value.context.problems
    assert [type(problem) for problem in problems] == [
        vt.NotFoundError,
        vt.InvalidValueError,
        vt.InvalidTemplateError,
    ]
    assert all(problem.message in str(caught.value) for problem in problems)


def test_a_value_that_its_macro_does_not_take_is_a_value_error_with_help() -> None:
    with pytest.raises(ValueError, match="expected `true`") as caught:
        vt.MacroValues({"TMPIPv4": "maybe"})
    assert isinstance(caught.value, vt.InvalidValueError)
    assert caught.value.context.field == "($TMPIPv4)"


def test_the_place_of_an_error_in_a_metainfo_is_its_line_and_column() -> None:
    metainfo = vt.Metainfo.parse("<doc>\n<limit><elem name='mem'>1 GiB</elem></limit></doc>")
    with pytest.raises(vt.InvalidMetainfoError) as caught:
        _ = metainfo.limits
    assert caught.value.context.position == (2, 25)
    [problem] = [p for p in metainfo.problems() if p.context.field == "limit.mem"]
    assert isinstance(problem, vt.InvalidMetainfoError)


@pytest.mark.parametrize(
    ("data", "raised"),
    [
        (b"not an archive", vt.InvalidArchiveError),
        (b"", vt.InvalidArchiveError),
        (b"\x1f\x8b" + b"\0" * 60, vt.InvalidArchiveError),
    ],
)
def test_what_is_no_archive_is_refused(data: bytes, raised: type[Exception], tmp_path: Path) -> None:
    (tmp_path / "x.tar.gz").write_bytes(data)
    with pytest.raises(raised):
        len(vt.Archive.open(tmp_path / "x.tar.gz"))


def test_an_archive_larger_than_its_bounds_is_refused(archive: Path) -> None:
    with pytest.raises(vt.LimitExceededError):
        len(vt.Archive.open(archive, limits=vt.UnpackLimits(entries=1)))


def test_an_exception_of_a_file_like_object_comes_out_unchanged() -> None:
    class Broken(io.RawIOBase):
        def read(self, size: int = -1, /) -> bytes:
            raise ConnectionResetError("gone")

    with pytest.raises(ConnectionResetError, match="gone"):
        vt.DiskImage.from_stream(Broken())


@pytest.mark.parametrize(
    ("call", "named"),
    [
        (lambda: vt.Template.build("A", image=3), "image must be a path"),  # type: ignore[arg-type]
        (lambda: vt.Template.build("A", image=b"x", script=3), "script must be a path"),  # type: ignore[arg-type]
        (lambda: vt.MacroValues({"IP": object()}), "value of a macro"),
    ],
)
def test_an_argument_of_a_wrong_type_is_a_type_error_that_tells_what_is_taken(
    call: object, named: str
) -> None:
    assert callable(call)
    with pytest.raises(TypeError, match=named):
        call()
