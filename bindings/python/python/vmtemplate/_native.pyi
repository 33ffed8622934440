import ipaddress
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar, Protocol, TypeVar, final, overload

from typing_extensions import Self, TypeAlias

from ._enums import (
    FileSystem,
    FreeSpaceWord,
    Hibernation,
    ImageFormatWord,
    LineEnding,
    MissingValueWord,
    OsFamily,
    PaddingWord,
    RegistryType,
    RepositoryFormat,
    RepositoryFormatWord,
    ScriptEncoding,
    ScriptLanguage,
    ScriptLanguageWord,
    SetupFirewallWord,
    SetupStepWord,
    SeverityWord,
    TemplateKind,
)
from ._errors import VmTemplateError
from ._methods import Support
from ._values import (
    ArchiveEntry,
    Description,
    DiskInfo,
    Extent,
    Fetched,
    FreeSpaceReport,
    Limits,
    MacroInfo,
    MacroUse,
    MetainfoFields,
    NtfsEntry,
    PackSummary,
    PartitionTable,
    Product,
    Progress,
    Pushed,
    RawSummary,
    Report,
    RepositoryEntry,
    Rule,
    SshPublicKey,
    Synced,
    TemplateInfo,
    UnmetLimit,
    UnpackLimits,
    Verified,
    VmSpec,
    WindowsInfo,
)

_T = TypeVar("_T")
_Path: TypeAlias = str | os.PathLike[str]
_Bytes: TypeAlias = bytes | bytearray | memoryview
_ProgressFn: TypeAlias = Callable[[Progress], object]
_One: TypeAlias = str | int | ipaddress.IPv4Address | ipaddress.IPv6Address
_MacroValue: TypeAlias = _One | list[_One] | list[str] | tuple[_One, ...]
_Values: TypeAlias = MacroValues | Mapping[str, _MacroValue] | Mapping[str, str] | Mapping[str, Any]

class _Readable(Protocol):
    def read(self, size: int, /) -> bytes: ...

class _Writable(Protocol):
    def write(self, data: bytes, /) -> int | None: ...

class _Seekable(_Readable, Protocol):
    def seek(self, offset: int, whence: int = ..., /) -> int: ...

__all__ = [
    "Archive",
    "CancelToken",
    "DiskImage",
    "ExtentIterator",
    "FirstRunKit",
    "InstallDrive",
    "MAX_MACRO_NAME",
    "MacroValues",
    "Metainfo",
    "NtfsFile",
    "NtfsVolume",
    "NtfsWalk",
    "PublicKey",
    "RegistryHive",
    "RegistryKey",
    "RegistryValue",
    "Repository",
    "Script",
    "SetupScript",
    "SigningKey",
    "Template",
    "__version__",
    "all_rules",
    "check",
    "unmet_limits",
    "detect_file_system",
    "entry_family",
    "entry_kind",
    "error_kinds",
    "extent_end",
    "find_macros",
    "free_space_dropped",
    "macro_bare_name",
    "macro_catalogue",
    "macro_lookup",
    "macro_nearest",
    "macro_text",
    "os_family",
    "parse_product",
    "parse_product_version",
    "partition_is_efi_system",
    "partition_is_extended",
    "partition_is_recovery",
    "probe_output",
    "progress_fraction",
    "read_partition_table",
    "read_windows_info",
    "rule_by_code",
    "run_command",
    "support_allows",
    "text",
    "usage_read",
    "usage_total",
]
__version__: str
MAX_MACRO_NAME: int

@final
class Archive:
    """An archive, inspected without unpacking it.

    An archive made by vmtemplate is opened by its index, without reading it; one made by another tool is read
    completely. Iterating over it returns its `entries`, `len` their number, and `name in archive` whether it contains a
    file.
    """

    @staticmethod
    def open(archive: _Path | _Bytes | _Seekable, *, limits: UnpackLimits | None = None) -> Archive:
        """Open an archive: a path, a URL, bytes, or a seekable binary file-like object.

        No other code may use the object at the same time. `limits` bounds what a hostile archive may do.
        """
    @property
    def path(self) -> Path:
        """Its path or URL, or the name of the object that it was opened from."""
    @property
    def entries(self) -> tuple[ArchiveEntry, ...]:
        """Its files, in the order of the archive."""
    def read(self, name: str) -> bytes:
        """Read a small file of the archive as bytes."""
    def disk(self, name: str) -> DiskImage:
        """Open a file of the archive as a disk image, which is read on demand."""
    def template(self) -> Template:
        """The template in it. The image is not read."""

    def unpack(
        self,
        folder: _Path,
        *,
        only: Sequence[str] | None = None,
        threads: int | None = None,
        progress: _ProgressFn | None = None,
        cancel: CancelToken | None = None,
    ) -> tuple[ArchiveEntry, ...]:
        """Unpack it into a folder, and return the unpacked files. Holes are restored as holes.

        `only` names the files to unpack.
        """

    def verify(
        self,
        *,
        threads: int | None = None,
        progress: _ProgressFn | None = None,
        cancel: CancelToken | None = None,
    ) -> Verified:
        """Verify all of it, and return its SHA-256 and those of its files."""
    def check(
        self,
        *,
        allow: Sequence[str] | None = None,
        severities: Mapping[str, SeverityWord] | None = None,
        deny_warnings: bool = False,
        skip_image: bool = False,
        language: ScriptLanguageWord | None = None,
        format: ImageFormatWord | None = None,
        cancel: CancelToken | None = None,
    ) -> Report:
        """Check the template in it against all rules; `vmtemplate.check` describes the options.

        What is missing or cannot be read is a finding.
        """
    def render(
        self,
        values: _Values,
        *,
        missing: MissingValueWord = "error",
        as_platform: bool = False,
        language: ScriptLanguageWord | None = None,
        illegal_password_characters: str | None = None,
        declared: Sequence[str] | None = None,
    ) -> Script:
        """Replace the macros of its setup script, as `Template.render` does."""

    def close(self) -> None:
        """Close the archive. Disk images that were opened in it can still be read."""
    @property
    def closed(self) -> bool:
        """Whether the archive was closed."""
    def __enter__(self) -> Self: ...
    def __exit__(self, _kind: object, _value: object, _trace: object) -> None: ...
    def __iter__(self) -> Iterator[ArchiveEntry]: ...
    def __len__(self) -> int: ...
    def __contains__(self, name: str, /) -> bool: ...

@final
class CancelToken:
    """Cancels long work from another thread.

    Pass it as `cancel=` to a method that may take long. Cancelled work raises `CancelledError` and leaves no partial
    output. A token cannot be reset: use a new one for the next work.

    >>> import vmtemplate as vt
    >>> cancel = vt.CancelToken()
    >>> cancel.cancel()
    >>> cancel.is_cancelled
    True
    """

    def __new__(cls) -> Self: ...
    def cancel(self) -> None:
        """Cancel the work that has this token, at its next step."""
    @property
    def is_cancelled(self) -> bool:
        """Whether `cancel` was called."""

@final
class DiskImage:
    """An open, read-only disk image: the bytes of the virtual disk, independent of the image format.

    >>> import vmtemplate as vt
    >>> disk = vt.DiskImage.from_bytes(bytes(512) + b"data" + bytes(508))
    >>> disk.size, disk.read(512, 4)
    (1024, b'data')
    """

    @staticmethod
    def open(
        path: _Path,
        *,
        format: ImageFormatWord | None = None,
        backing_files: _Path | None = None,
        max_size: int | None = None,
        temporary_folder: _Path | None = None,
        rbd_program: _Path | None = None,
    ) -> DiskImage:
        """Open a raw file, a block device, a qcow2, VHDX, VMDK or VHD, or `rbd:POOL/IMAGE[@SNAP]`.

        Without `format`, the format is recognised by content. Files that an image refers to, such as the backing file
        of a qcow2, are opened only in the folder `backing_files`.
        """
    @staticmethod
    def from_bytes(data: _Bytes) -> DiskImage:
        """A raw disk with these bytes."""
    @staticmethod
    def from_stream(
        file: _Readable,
        *,
        format: ImageFormatWord | None = None,
        max_size: int | None = None,
        temporary_folder: _Path | None = None,
        progress: _ProgressFn | None = None,
        cancel: CancelToken | None = None,
    ) -> DiskImage:
        """An image of any format from a binary file-like object, such as a pipe or a response over HTTP.

        The whole object is first copied into a temporary file without a name, in which blocks of zeros take no space.
        """
    @staticmethod
    def from_seekable(file: _Seekable) -> DiskImage:
        """A raw disk in a seekable binary file-like object, which is read on demand.

        No other code may use the object at the same time.
        """
    @property
    def size(self) -> int:
        """The size of the virtual disk in bytes."""
    @property
    def format(self) -> str:
        """The name of the format, as `qemu-img` spells it."""
    @property
    def path(self) -> Path | None:
        """The path of the image, if it was opened by a path."""
    def read(self, offset: int, length: int) -> bytes:
        """Read `length` bytes of the disk from `offset` on."""
    def extents(self) -> ExtentIterator:
        """The parts of the disk in order, each with its kind: data, zeros, or free space. No data is read."""
    def info(self) -> DiskInfo:
        """What the disk contains: its partitions, its volumes, and how much of it packing would read."""
    def without_free_space(
        self,
        *,
        free_space: FreeSpaceWord = "skip",
        drop_page_files: bool = False,
        cancel: CancelToken | None = None,
    ) -> tuple[DiskImage, FreeSpaceReport]:
        """The same disk with free clusters of its NTFS volumes read as zeros, and a report for each volume."""
    def write_raw(
        self,
        path: _Path | _Writable,
        *,
        overwrite: bool = False,
        threads: int = 0,
        free_space: FreeSpaceWord = "skip",
        drop_page_files: bool = False,
        progress: _ProgressFn | None = None,
        cancel: CancelToken | None = None,
    ) -> RawSummary:
        """Write the disk to a sparse raw file, which appears complete or not at all, or to a binary file-like object.

        A device or a named pipe is written to directly; a block device requires `overwrite`.
        """

    def windows(self) -> NtfsVolume:
        """The volume on which Windows is installed: `image.windows().read("Windows/win.ini")`."""
    def hive(self, name: str) -> RegistryHive:
        """A hive of the Windows on the disk: `SYSTEM`, `SOFTWARE`, `SAM`, `SECURITY` or `DEFAULT`."""
    def close(self) -> None:
        """Close the image. Volumes and templates that were made from it can still be read."""
    @property
    def closed(self) -> bool:
        """Whether the image was closed."""
    def __enter__(self) -> Self: ...
    def __exit__(self, _kind: object, _value: object, _trace: object) -> None: ...
    def _repr_html_(self) -> str: ...

@final
class ExtentIterator(Iterator[Extent]):
    """Iterates over the extents of a disk."""

    def __iter__(self) -> Self: ...
    def __next__(self) -> Extent: ...

@final
class FirstRunKit:
    """The scripts that run the setup script in a new machine, and `prepare.cmd`, which installs them in a master VM.

    `dd` is the path of `dd.exe` from "dd for Windows", which the scripts need and which is not part of this package.

    >>> import vmtemplate as vt
    >>> "prepare.cmd" in vt.FirstRunKit().files()
    True
    """

    VERSION: ClassVar[str]
    def __new__(cls, dd: _Path | None = None) -> Self: ...
    def files(self) -> dict[str, bytes]:
        """The contents of the files by name."""
    def write(self, folder: _Path) -> None:
        """Write the files into a folder, which is created if it does not exist."""
    def iso(self) -> bytes:
        """The files as a CD image for "Mount ISO image"."""
    def write_iso(self, path: _Path, *, overwrite: bool = False) -> None:
        """Write the CD image to a file, which appears complete or not at all."""

@final
class InstallDrive:
    r"""The install drive of a new machine: 1,048,576 bytes that begin with the rendered setup script.

    >>> import vmtemplate as vt
    >>> script = vt.Script("echo ($IP)\r\n").render({"IP": "192.0.2.10"})
    >>> drive = vt.InstallDrive(script)
    >>> len(bytes(drive)), drive.script.text
    (1048576, 'echo 192.0.2.10\r\n')
    """

    SIZE: ClassVar[int]
    def __new__(cls, script: Script, *, padding: PaddingWord = "blank-lines") -> Self: ...
    @staticmethod
    def from_bytes(data: _Bytes) -> InstallDrive:
        """A drive with these bytes."""
    @staticmethod
    def read(path: _Path) -> InstallDrive:
        """Read a drive from its file."""
    @property
    def script(self) -> Script:
        """The script on the drive, without the padding."""
    def write(self, path: _Path, *, overwrite: bool = False) -> None:
        """Write the drive to a file, which appears complete or not at all."""
    def __bytes__(self) -> bytes: ...
    def __eq__(self, other: object, /) -> bool: ...
    def __ne__(self, other: object, /) -> bool: ...
    def __reduce__(self) -> tuple[Any, ...]: ...

@final
class MacroValues:
    """Macro values by bare name. Each value is checked when it is set; `repr()` does not show values.

    A value is a `str`, a number, a `bool`, an address of `ipaddress`, or a list or tuple of these. Every parameter that
    takes values also takes a plain dict.

    >>> import ipaddress, vmtemplate as vt
    >>> values = vt.MacroValues({"IP": ipaddress.ip_address("192.0.2.10"), "TMPIPv4": False})
    >>> values["NAMESERVERS"] = ["192.0.2.53", "2001:db8::53"]
    >>> values["NAMESERVERS"]
    '192.0.2.53 2001:db8::53'
    """

    def __new__(cls, values: _Values | None = None) -> Self: ...
    @staticmethod
    def from_json(json: str) -> MacroValues:
        """Parse a JSON object of values: strings, numbers, booleans, and lists of these."""
    @staticmethod
    def from_json_file(path: _Path) -> MacroValues:
        """The same from a file."""
    def assign(self, assignment: str) -> None:
        """Set a value in the form `NAME=VALUE`."""
    def update(self, values: _Values) -> None:
        """Copy all values of another mapping; they replace existing values."""
    @overload
    def get(self, name: str, default: None = None, /) -> str | None: ...
    @overload
    def get(self, name: str, default: _T, /) -> str | _T: ...
    def keys(self) -> list[str]:
        """The bare names of all macros that have a value."""
    def __getitem__(self, name: str, /) -> str: ...
    def __setitem__(self, name: str, value: _MacroValue, /) -> None: ...
    def __contains__(self, name: str, /) -> bool: ...
    def __len__(self) -> int: ...
    def __iter__(self) -> Iterator[str]: ...
    def __eq__(self, other: object, /) -> bool: ...
    def __reduce__(self) -> tuple[Any, ...]: ...

@final
class Metainfo:
    """A metainfo.xml: the metadata of a template, which the platform reads.

    Changes edit the file in place: everything that is not set keeps its bytes. Properties are typed values; indexing by
    element name or `limit.NAME` returns the text of an element. Setting a property to None, or deleting an index,
    removes the element.

    >>> import vmtemplate as vt
    >>> metainfo = vt.Metainfo("Windows-Server-2019")
    >>> metainfo.limits = vt.Limits(ipv4=True, memory_mib=1024)
    >>> metainfo["limit.mem"], metainfo.tags
    ('1024', ())
    """

    def __new__(cls, os_name: str) -> Self: ...
    @staticmethod
    def parse(text: str | _Bytes) -> Metainfo:
        """Parse the text of a metainfo.xml. Invalid values are accepted; `check()` reports them."""
    @staticmethod
    def from_file(path: _Path) -> Metainfo:
        """Read a metainfo.xml from its file."""
    @staticmethod
    def from_fields(fields: MetainfoFields) -> Metainfo:
        """Make a new metainfo.xml from these fields."""
    def fields(self) -> MetainfoFields:
        """All fields of the metainfo.xml as plain values."""
    def problems(self) -> list[VmTemplateError]:
        """Return, not raise, all problems: the errors that properties would raise, and more."""
    def write_file(self, path: _Path, *, overwrite: bool = False) -> None:
        """Write the metainfo.xml to a file, which appears complete or not at all."""
    @overload
    def get(self, key: str, default: None = None, /) -> str | None: ...
    @overload
    def get(self, key: str, default: _T, /) -> str | _T: ...
    def __getitem__(self, key: str, /) -> str: ...
    def __setitem__(self, key: str, text: str, /) -> None: ...
    def __delitem__(self, key: str, /) -> None: ...
    def __contains__(self, key: str, /) -> bool: ...
    @property
    def os_name(self) -> str | None:
        """`osname`: the name of the operating system. A template without one is invisible to the platform."""
    @os_name.setter
    def os_name(self, text: str | None) -> None: ...
    @property
    def osname(self) -> str | None:
        """An alias of `os_name`, named like its element."""
    @osname.setter
    def osname(self, text: str | None) -> None: ...
    @property
    def template_version(self) -> str | None:
        """`version`: the version of the template, which may be any text."""
    @template_version.setter
    def template_version(self, text: str | None) -> None: ...
    @property
    def image_file(self) -> str | None:
        """`hddimage`: the file name of the disk image."""
    @image_file.setter
    def image_file(self, text: str | None) -> None: ...
    @property
    def script_file(self) -> str | None:
        """`installdrive`: the file name of the setup script."""
    @script_file.setter
    def script_file(self, text: str | None) -> None: ...
    @property
    def template_type(self) -> str | None:
        """`type`: `ostemplate` for the template of an operating system."""
    @template_type.setter
    def template_type(self, text: str | None) -> None: ...
    @property
    def illegal_password_characters(self) -> str | None:
        """`illegal_password_characters`: the characters that a password must not contain."""
    @illegal_password_characters.setter
    def illegal_password_characters(self, text: str | None) -> None: ...
    @property
    def password_method(self) -> str | None:
        """`chpasswd_method`: how a password is changed; the platform writes it into an installed template."""
    @password_method.setter
    def password_method(self, text: str | None) -> None: ...
    @property
    def date(self) -> str | None:
        """`date`: the time of installation, `YYYY-MM-DD hh:mm:ss`; the platform sets it in an installed template."""
    @date.setter
    def date(self, text: str | None) -> None: ...
    @property
    def install_result(self) -> str | None:
        """`install_result`: the result of the installation, `ok` or `0` for success; the platform writes it into an
        installed template.
        """
    @install_result.setter
    def install_result(self, text: str | None) -> None: ...
    @property
    def limits(self) -> Limits:
        """The limits: what a machine must have."""
    @limits.setter
    def limits(self, limits: Limits) -> None: ...
    @property
    def support(self) -> Support:
        """The products that can use the template."""
    @support.setter
    def support(self, support: Support | Iterable[Product | str]) -> None: ...
    @property
    def tags(self) -> tuple[str, ...]:
        """The tags, in their order."""
    @tags.setter
    def tags(self, tags: Sequence[str]) -> None: ...
    @property
    def reboot_count(self) -> int:
        """The number of restarts after which the system counts as installed."""
    @reboot_count.setter
    def reboot_count(self, count: int) -> None: ...
    @property
    def virtio_disk(self) -> bool:
        """Whether the system has drivers for virtio disks."""
    @virtio_disk.setter
    def virtio_disk(self, has_drivers: bool) -> None: ...
    @property
    def virtio_net(self) -> bool:
        """Whether the system has drivers for virtio network cards."""
    @virtio_net.setter
    def virtio_net(self, has_drivers: bool) -> None: ...
    @property
    def declared_macros(self) -> tuple[str, ...]:
        """The macros that the platform passes to the template, as `($NAME)`."""
    @declared_macros.setter
    def declared_macros(self, macros: Sequence[str]) -> None: ...
    @property
    def ssh_public_key(self) -> SshPublicKey:
        """Whether the template takes public SSH keys, and how."""
    @ssh_public_key.setter
    def ssh_public_key(self, key: SshPublicKey) -> None: ...
    @property
    def descriptions(self) -> tuple[Description, ...]:
        """The descriptions of a network-install template."""
    @property
    def external_urls(self) -> tuple[str, ...]:
        """The external addresses of a network-install template."""
    def __bytes__(self) -> bytes: ...
    def __eq__(self, other: object, /) -> bool: ...
    def __copy__(self) -> Metainfo: ...
    def __deepcopy__(self, _memo: object) -> Metainfo: ...
    def __reduce__(self) -> tuple[Any, ...]: ...

@final
class NtfsFile:
    """A file or folder of an NTFS volume."""

    @property
    def is_folder(self) -> bool:
        """Whether this is a folder."""
    @property
    def size(self) -> int:
        """Its size in bytes."""
    @property
    def path(self) -> str:
        """The path that was used to open it."""
    def read_at(self, offset: int, length: int) -> bytes:
        """Read at most `length` bytes from `offset` on; fewer at the end of the file."""
    def read(self, max: int) -> bytes:
        """Read the whole file, which must not be larger than `max` bytes."""
    def list(self) -> list[NtfsEntry]:
        """The entries of the folder."""

@final
class NtfsVolume:
    """A read-only NTFS volume of a disk."""

    @staticmethod
    def open(disk: DiskImage, offset: int = 0, length: int | None = None) -> NtfsVolume:
        """Open the volume in the partition of `length` bytes at `offset` of the disk."""
    @property
    def offset(self) -> int:
        """The offset of the volume on the disk, in bytes."""
    @property
    def size(self) -> int:
        """Its size in bytes."""
    @property
    def cluster_size(self) -> int:
        """The cluster size in bytes."""
    @property
    def serial_number(self) -> int:
        """Its serial number."""
    @property
    def label(self) -> str:
        """Its label."""
    @property
    def version(self) -> tuple[int, int]:
        """The version of NTFS, such as `(3, 1)`."""
    @property
    def is_dirty(self) -> bool:
        """Whether Windows will check the volume at its next start."""
    def has_clean_journal(self) -> bool:
        """Whether the journal is closed, which it is after a clean shutdown."""
    def hibernation(self) -> Hibernation:
        """Whether Windows is hibernated on the volume."""
    def file(self, path: str) -> NtfsFile:
        r"""The file or folder at this path, with `\` or `/` between folders; `""` is the root. Case is ignored."""

    def read(self, path: str, max: int = 67108864) -> bytes:
        """Read the whole file at this path, which must not be larger than `max` bytes."""
    def hive(self, name: str) -> RegistryHive:
        """A hive of the Windows on the volume: `SYSTEM`, `SOFTWARE`, `SAM`, `SECURITY` or `DEFAULT`."""
    def walk(self, folder: str = "") -> NtfsWalk:
        """Walk the folders from `folder` down, as `os.walk` does. Links are not followed.

        Each step is the path of a folder, the names of the folders in it, and the names of its files.
        """
    def glob(self, pattern: str) -> list[str]:
        """The paths of all files and folders that a pattern matches, in order. Case is ignored.

        `*` stands for any text and `?` for any character of a name, `**` for any number of folders:
        `volume.glob("Windows/**/*.log")`.
        """

@final
class NtfsWalk(Iterator[tuple[str, list[str], list[str]]]):
    """Iterates over the folders of a volume."""

    def __iter__(self) -> Self: ...
    def __next__(self) -> tuple[str, list[str], list[str]]: ...

@final
class PublicKey:
    """The public key that verifies the signatures of a repository."""

    def __new__(cls, text: str) -> Self: ...
    @staticmethod
    def from_file(path: _Path) -> PublicKey:
        """Read a key from its file."""
    def __eq__(self, other: object, /) -> bool: ...
    def __ne__(self, other: object, /) -> bool: ...

@final
class RegistryHive:
    """A read-only hive of the Windows registry."""

    @staticmethod
    def from_bytes(data: _Bytes) -> RegistryHive:
        """Open a hive from these bytes."""
    @staticmethod
    def open(file: NtfsFile) -> RegistryHive:
        """Open a hive in a file of an NTFS volume, which is read on demand."""
    @property
    def is_clean(self) -> bool:
        """Whether the hive is clean: all changes were written to it."""
    def root(self) -> RegistryKey:
        """The root key."""
    def key(self, path: str) -> RegistryKey | None:
        r"""The key at this path, with `\` between keys; None if it does not exist. Case is ignored."""

    def __getitem__(self, path: str, /) -> RegistryKey: ...
    def __contains__(self, path: str, /) -> bool: ...

@final
class RegistryKey:
    """A key of a hive."""

    @property
    def name(self) -> str:
        """Its name."""
    @property
    def path(self) -> str:
        """Its path in the hive; empty for the root."""
    def subkeys(self) -> list[RegistryKey]:
        """Its subkeys."""
    def subkey(self, name: str) -> RegistryKey | None:
        """The subkey with this name; None if it does not exist."""
    def values(self) -> list[RegistryValue]:
        """Its values."""
    def value(self, name: str) -> RegistryValue | None:
        """The value with this name; None if it does not exist. The default value has the name `""`."""
    def string(self, name: str) -> str | None:
        """The text of a value; None if it does not exist."""
    def strings(self, name: str) -> list[str] | None:
        """The texts of a multi-string value; None if it does not exist."""
    def u32(self, name: str) -> int | None:
        """The number of a value; None if it does not exist."""

    def __getitem__(self, name: str, /) -> str | int | list[str] | bytes: ...
    def __contains__(self, name: str, /) -> bool: ...

@final
class RegistryValue:
    """A value of a key."""

    @property
    def name(self) -> str:
        """Its name; empty for the default value."""
    @property
    def kind(self) -> RegistryType:
        """Its type."""
    @property
    def size(self) -> int:
        """The size of its data in bytes."""
    def data(self) -> bytes:
        """Its data as bytes, as stored in the hive."""
    def string(self) -> str:
        """Its data as text."""
    def strings(self) -> list[str]:
        """Its data as a list of texts."""
    def u32(self) -> int:
        """Its data as a number of 32 bits."""
    def u64(self) -> int:
        """Its data as a number of 64 bits."""

@final
class Repository:
    """A repository: a folder or URL with archives, and the file that describes them to the platform.

    Iterating over it returns its entries. Several publishers may run at once, and any of them may be killed: readers of
    the folder only ever see complete archives.

    >>> import tempfile, vmtemplate as vt
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     repository = vt.Repository.create(folder)
    ...     print(repository.format, repository.list())
    vm6 []
    """

    @staticmethod
    def open(folder: _Path, format: RepositoryFormatWord | None = None) -> Repository:
        """Open the repository in a folder. `format` is required if both descriptions exist, or none."""
    @staticmethod
    def create(folder: _Path, format: RepositoryFormatWord = "vm6") -> Repository:
        """Create an empty repository in a folder, which is created if it does not exist.

        Regardless of the umask, every user may read it (0644; 0755 for a new folder). Files that are published later
        get the mode and the owner of the description.
        """
    @property
    def folder(self) -> Path:
        """The folder, or the URL."""
    @property
    def format(self) -> RepositoryFormat:
        """The format of its description."""
    @property
    def description_path(self) -> Path:
        """The file that describes the archives."""
    def list(self) -> list[RepositoryEntry]:
        """Its templates in the order of the description, with version, size and modification time.

        If the description lacks one of these, it is taken from the archive, unless the repository is remote.
        """
    def add(
        self,
        archive: _Path | _Bytes | _Seekable,
        *,
        replace: bool = False,
        name: str | None = None,
        tags: Sequence[str] | None = None,
        file_name: str | None = None,
        image_name: str | None = None,
        expand: str | None = None,
        network_device: str | None = None,
        requirements: bool = False,
        set: Mapping[str, Any] | None = None,
        limits: UnpackLimits | None = None,
        key: SigningKey | None = None,
        lock_timeout: timedelta | float | None = None,
        progress: _ProgressFn | None = None,
        cancel: CancelToken | None = None,
    ) -> RepositoryEntry:
        """Verify an archive, copy it into the folder, and describe it.

        `archive` is a path, a URL, bytes, or a seekable binary file-like object. Without a path, the name of the
        archive is derived from the name of its template. Options that are not given are taken from the archive.
        `replace` replaces the template with the same name, if one exists. `requirements` also writes its minimum memory
        and disk size. `set` has keys that the platform has and this module does not know, with JSON values. `key` signs
        the description. `lock_timeout` is the maximum time to wait for another publisher, as a timedelta or in seconds.
        """
    def replace(
        self,
        name: str,
        archive: _Path | _Bytes | _Seekable,
        *,
        new_name: str | None = None,
        tags: Sequence[str] | None = None,
        file_name: str | None = None,
        image_name: str | None = None,
        expand: str | None = None,
        network_device: str | None = None,
        requirements: bool = False,
        set: Mapping[str, Any] | None = None,
        limits: UnpackLimits | None = None,
        key: SigningKey | None = None,
        lock_timeout: timedelta | float | None = None,
        progress: _ProgressFn | None = None,
        cancel: CancelToken | None = None,
    ) -> RepositoryEntry:
        """Replace the archive of the template `name`.

        What neither an option nor the metainfo.xml of the new archive gives keeps its description.
        """
    def push(
        self,
        template: Template,
        *,
        replace: bool = False,
        level: int = 5,
        threads: int | None = None,
        mtime: datetime | int | None = None,
        free_space: FreeSpaceWord = "skip",
        drop_page_files: bool = False,
        sparse: bool = False,
        name: str | None = None,
        tags: Sequence[str] | None = None,
        file_name: str | None = None,
        image_name: str | None = None,
        expand: str | None = None,
        network_device: str | None = None,
        requirements: bool = False,
        set: Mapping[str, Any] | None = None,
        key: SigningKey | None = None,
        lock_timeout: timedelta | float | None = None,
        progress: _ProgressFn | None = None,
        cancel: CancelToken | None = None,
    ) -> Pushed:
        """Pack a template directly into the repository, and describe it. Object storage receives it while it is packed.

        `replace` replaces the template with the same name, if one exists. The other options are those of
        `Template.pack` and of `add`.
        """
    def fetch(
        self,
        name: str,
        folder: _Path,
        *,
        public_key: PublicKey | None = None,
        overwrite: bool = False,
        limits: UnpackLimits | None = None,
        progress: _ProgressFn | None = None,
        cancel: CancelToken | None = None,
    ) -> Fetched:
        """Fetch the archive of a template into a folder, and verify it. An interrupted fetch is resumed."""
    def remove(
        self,
        name: str,
        *,
        key: SigningKey | None = None,
        lock_timeout: timedelta | float | None = None,
        cancel: CancelToken | None = None,
    ) -> RepositoryEntry:
        """Remove a template from the description, then delete its archive."""
    def sync(
        self,
        *,
        key: SigningKey | None = None,
        lock_timeout: timedelta | float | None = None,
        progress: _ProgressFn | None = None,
        cancel: CancelToken | None = None,
    ) -> Synced:
        """Update sizes and checksums of archives that were changed by hand.

        The entries of damaged and missing archives stay unchanged.
        """
    def check(
        self,
        *,
        public_key: PublicKey | None = None,
        quick: bool = False,
        limits: UnpackLimits | None = None,
        threads: int | None = None,
        progress: _ProgressFn | None = None,
        cancel: CancelToken | None = None,
    ) -> Report:
        """Check the description, the archives, the checksums, and with `public_key` the signatures.

        `quick` opens the archives without reading all of them.
        """
    def __len__(self) -> int: ...
    def __bool__(self) -> bool: ...
    def __getitem__(self, name: str, /) -> RepositoryEntry: ...
    def __contains__(self, item: object, /) -> bool: ...
    def __iter__(self) -> Iterator[RepositoryEntry]: ...
    def __eq__(self, other: object, /) -> bool: ...
    def __ne__(self, other: object, /) -> bool: ...
    def __reduce__(self) -> tuple[Any, ...]: ...

@final
class Script:
    r"""A setup script: its bytes, encoding, line ends, language and macros.

    >>> import vmtemplate as vt
    >>> script = vt.Script("@echo off\necho ($IP)\n")
    >>> script.line_ending, script.to_windows().text
    (<LineEnding.LF: 'lf'>, '@echo off\r\necho ($IP)\r\n')
    >>> script.render({"IP": "192.0.2.10"}).text
    '@echo off\necho 192.0.2.10\n'
    """

    MAX_SIZE: ClassVar[int]
    def __new__(cls, content: str | _Bytes) -> Self: ...
    @staticmethod
    def from_file(path: _Path) -> Script:
        """Read a script from its file."""
    @staticmethod
    def default_windows() -> Script:
        """vmtemplate's own script for Windows, with every step; `SetupScript` makes variants of it."""
    @property
    def text(self) -> str:
        """Its text. Characters of an unknown code page are replaced."""
    @property
    def encoding(self) -> ScriptEncoding:
        """Its encoding."""
    @property
    def line_ending(self) -> LineEnding:
        """Its line ends."""
    @property
    def language(self) -> ScriptLanguage | None:
        """The language of the script; None if it names an unknown interpreter, or the language cannot be detected."""
    def language_as(self, file_name: str) -> ScriptLanguage | None:
        """The language of a file with this name; its extension decides if the script has no `#!` line."""
    def to_windows(self) -> Script:
        """The same script with CR LF line ends."""
    def macros(self) -> list[MacroUse]:
        """Everything in the script that is spelled as a macro, known or not, in order."""
    def render(
        self,
        values: _Values,
        *,
        missing: MissingValueWord = "error",
        as_platform: bool = False,
        language: ScriptLanguageWord | None = None,
        illegal_password_characters: str | None = None,
        declared: Sequence[str] | None = None,
    ) -> Script:
        """Replace the macros of the script; each value is quoted for its place or refused.

        `missing` decides what happens to a macro without a value. `as_platform` replaces macros as the platform does,
        without quoting; it is for comparison only. A `($name)` is a macro if the platform knows it, if it has a value,
        or if it is in `declared`, in the form `($COLOUR)`. Any other `($name)` is left unchanged.
        """
    def check(
        self,
        metainfo: Metainfo | None = None,
        *,
        file_name: str | None = None,
        language: ScriptLanguageWord | None = None,
    ) -> Report:
        """Report what would go wrong with the script on a new machine.

        With the `metainfo` of its template, more can be checked.

        `language` is the language of the script. Without it, the language is detected by the `#!` line, the name in the
        metadata, `file_name`, or the content.
        """
    def write_file(self, path: _Path, *, overwrite: bool = False) -> None:
        """Write the script to a file, which appears complete or not at all."""
    def __bytes__(self) -> bytes: ...
    def __len__(self) -> int: ...
    def __eq__(self, other: object, /) -> bool: ...
    def __ne__(self, other: object, /) -> bool: ...
    def __hash__(self) -> int: ...
    def __reduce__(self) -> tuple[Any, ...]: ...

@final
class SetupScript:
    """vmtemplate's own setup script, step by step. A new machine runs it once, after the platform has filled in values.

    Every method returns a changed copy; `build()` returns the script. Every parameter that takes a script also takes
    this.

    >>> import vmtemplate as vt
    >>> setup = vt.SetupScript.windows(without=["activation"], administrator="root")
    >>> "($PRODUCTKEY)" in setup.build().text
    False
    """

    VERSION: ClassVar[str]
    @staticmethod
    def windows(
        *,
        without: Sequence[SetupStepWord] | None = None,
        administrator: str | None = None,
        log_file: str | None = None,
        interface: str | None = None,
        firewall: SetupFirewallWord | None = None,
        product_key: bool | None = None,
    ) -> SetupScript:
        """A script for Windows with every step except those in `without`.

        `interface` is the name of the network interface to set up; None means the first one that is connected.
        """
    def without(self, step: SetupStepWord) -> SetupScript:
        """Leave a step out."""
    def administrator(self, account: str) -> SetupScript:
        """Set the account whose password is set."""
    def log_file(self, path: str) -> SetupScript:
        """Set the log file."""
    def interface(self, name: str | None) -> SetupScript:
        """Set the network interface to set up; None means the first one that is connected."""
    def firewall(self, firewall: SetupFirewallWord) -> SetupScript:
        """Set what the script does to the firewall."""
    def product_key(self, used: bool) -> SetupScript:
        """Set whether the script uses a product key."""
    def build(self) -> Script:
        """Build the script. An error reports every problem at once."""
    def __eq__(self, other: object, /) -> bool: ...
    def __ne__(self, other: object, /) -> bool: ...

@final
class SigningKey:
    """The secret key that signs a repository, as made by `minisign -G`."""

    @staticmethod
    def from_file(path: _Path, password: str | None = None) -> SigningKey:
        """Read a key from its file. `password` is required if the key has one; checking it takes about a second."""

@final
class Template:
    """A template: a disk image, a setup script and a metainfo.xml.

    >>> import tempfile, pathlib, vmtemplate as vt
    >>> template = vt.Template.build(
    ...     "Windows-Server-2019", image=bytes(1 << 20), limits=vt.Limits(ipv4=True, memory_mib=1024), tags=["windows"]
    ... )
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     summary = template.pack(pathlib.Path(folder, "w2019.tar.gz"))
    ...     again = vt.Template.open(pathlib.Path(folder, "w2019.tar.gz"))
    >>> again.metainfo.os_name, again.metainfo.limits.memory_mib, summary.content_bytes > 1 << 20
    ('Windows-Server-2019', 1024, True)
    """

    METAINFO: ClassVar[str]
    @staticmethod
    def build(
        name: str | None = None,
        *,
        image: _Path | DiskImage | _Bytes | _Readable | None = None,
        script: _Path | Script | SetupScript | _Bytes | None = None,
        limits: Limits | None = None,
        tags: Sequence[str] | None = None,
        version: str | None = None,
        macros: Sequence[str] | None = None,
        support: Support | Iterable[Product | str] | None = None,
        reboot_count: int | None = None,
        virtio_disk: bool | None = None,
        virtio_net: bool | None = None,
        image_name: str | None = None,
        script_name: str | None = None,
        base: Metainfo | None = None,
    ) -> Template:
        """Build a template from its parts. An error reports every problem at once.

        `image` is a path, a `DiskImage`, bytes of a raw disk, or a binary file-like object, which is read completely.
        `script` is a path, a `Script`, a `SetupScript`, or bytes; the default is vmtemplate's own script. `support`
        defaults to VMmgr, `limits.disk_mb` to the size of the image, and file names to the names of the given files.
        `base` is a metainfo.xml in which only the given values are changed; `name` is then optional.
        """
    @staticmethod
    def open(
        path: _Path | _Bytes | _Seekable,
        *,
        format: ImageFormatWord | None = None,
        backing_files: _Path | None = None,
    ) -> Template:
        """Open an archive, or a folder that contains metainfo.xml. The image is not read.

        An archive is a path, a URL, bytes, or a seekable binary file-like object, which no other code may use at the
        same time. `format` and `backing_files` apply to the image in a folder, as in `DiskImage.open`.
        """
    @property
    def metainfo(self) -> Metainfo:
        """A copy of its metadata. To change a template, build another one with this as `base`."""
    @property
    def script(self) -> Script | None:
        """Its setup script, if it has one."""
    @property
    def image(self) -> DiskImage | None:
        """Its disk image, if it can be read in place."""
    @property
    def files(self) -> tuple[ArchiveEntry, ...]:
        """Its files, in the order of the archive."""
    def info(self) -> TemplateInfo:
        """Everything about the template that is known without reading its image."""
    def render(
        self,
        values: _Values,
        *,
        missing: MissingValueWord = "error",
        as_platform: bool = False,
        language: ScriptLanguageWord | None = None,
        illegal_password_characters: str | None = None,
        declared: Sequence[str] | None = None,
    ) -> Script:
        """Replace the macros of the setup script, as `Script.render` does.

        The characters that passwords must not contain are taken from the metadata if they are not given.
        """
    @staticmethod
    def render_path(
        path: _Path,
        values: _Values,
        *,
        missing: MissingValueWord = "error",
        as_platform: bool = False,
        language: ScriptLanguageWord | None = None,
        illegal_password_characters: str | None = None,
        declared: Sequence[str] | None = None,
    ) -> Script:
        """The same for the template or script at `path`."""
    def install_drive(
        self,
        values: _Values,
        *,
        missing: MissingValueWord = "error",
        as_platform: bool = False,
        language: ScriptLanguageWord | None = None,
        illegal_password_characters: str | None = None,
        declared: Sequence[str] | None = None,
        padding: PaddingWord = "blank-lines",
    ) -> InstallDrive:
        """Render the script and make the install drive of a new machine from it."""
    def check(
        self,
        *,
        allow: Sequence[str] | None = None,
        severities: Mapping[str, SeverityWord] | None = None,
        deny_warnings: bool = False,
        skip_image: bool = False,
        language: ScriptLanguageWord | None = None,
        format: ImageFormatWord | None = None,
        cancel: CancelToken | None = None,
    ) -> Report:
        """Check the template against all rules; `vmtemplate.check` describes the options."""
    def pack(
        self,
        path: _Path | _Writable,
        *,
        level: int = 5,
        threads: int | None = None,
        mtime: datetime | int | None = None,
        overwrite: bool = False,
        free_space: FreeSpaceWord = "skip",
        drop_page_files: bool = False,
        sparse: bool = False,
        progress: _ProgressFn | None = None,
        cancel: CancelToken | None = None,
    ) -> PackSummary:
        """Pack the template into an archive, which appears complete or not at all, or into a writable binary file-like
        object.

        `level` is the compression level from 1 (fastest) to 12 (smallest). `mtime` is the time of all entries, as a
        datetime or in seconds since 1970; the default is SOURCE_DATE_EPOCH or 1980-01-01, so that the same input gives
        the same bytes. `sparse` does not store the holes of the image, which not every tar can unpack. `progress` is
        called repeatedly with a `Progress`, on this thread; an exception in it cancels the work.
        """
    def _repr_html_(self) -> str: ...

def all_rules() -> list[Rule]:
    """Every rule."""

def check(
    path: _Path | _Readable,
    *,
    allow: Sequence[str] | None = None,
    severities: Mapping[str, SeverityWord] | None = None,
    deny_warnings: bool = False,
    skip_image: bool = False,
    language: ScriptLanguageWord | None = None,
    format: ImageFormatWord | None = None,
    backing_files: _Path | None = None,
    cancel: CancelToken | None = None,
) -> Report:
    r"""Check an archive, a folder with metainfo.xml, a disk image, a metainfo.xml or a script.

    Instead of a path, `path` may be a binary file-like object, which is read completely and checked as a file with its
    name. During the check an archive or an image is kept in a temporary file without a name.

    `allow` disables rules by their codes, `severities` changes the severity of rules, and `deny_warnings` treats every
    warning as an error. `skip_image` does not check the disk image. `language` is the language of the setup script;
    without it, the language is detected. `format` and `backing_files` are as in `DiskImage.open`; with a `format`, no
    rule checks whether the image looks like another format.

    >>> import tempfile, pathlib, vmtemplate as vt
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     script = pathlib.Path(folder, "setup.cmd")
    ...     _ = script.write_bytes(b"@echo off\necho done\n")
    ...     report = vt.check(script)
    >>> sorted({finding.code for finding in report})[0]
    'VMT0201'
    """

def unmet_limits(limits: object, vm: VmSpec) -> list[UnmetLimit]:
    """The limits that a machine does not meet."""

def detect_file_system(disk: DiskImage, offset: int) -> FileSystem | None:
    """The file system of a volume."""

def entry_family(value: object) -> OsFamily | None:
    """`RepositoryEntry.family`."""

def entry_kind(value: object) -> TemplateKind:
    """`RepositoryEntry.kind`."""

def error_kinds() -> list[tuple[str, int]]:
    """The name and number of every kind, for the test that compares them with the classes."""

def extent_end(value: object) -> int:
    """`Extent.end`."""

def find_macros(text: str) -> list[MacroUse]:
    """The macros in a text, known or not, in their order.

    >>> import vmtemplate as vt
    >>> [str(use.name) for use in vt.find_macros("($IP)/($NETMASK) ($)")]
    ['($IP)', '($NETMASK)']
    """

def free_space_dropped(value: object) -> int:
    """`FreeSpaceReport.dropped`."""

def macro_bare_name(text: str) -> str:
    """The bare name in the text of a macro."""

def macro_catalogue() -> list[MacroInfo]:
    """Every macro that the platform is known to fill in."""

def macro_lookup(name: str) -> MacroInfo | None:
    """The macro with a name."""

def macro_nearest(name: str) -> MacroInfo | None:
    """The macro that was probably meant."""

def macro_text(name: str) -> str:
    """The text of a macro with a bare name."""

def os_family(name: str) -> OsFamily | None:
    """The operating system family that the platform recognises by a template name."""

def parse_product(text: str) -> Product:
    """A product and its least version."""

def parse_product_version(text: str) -> tuple[int, int, int]:
    """The parts of a version."""

def partition_is_efi_system(value: object) -> bool:
    """`PartitionKind.is_efi_system`."""

def partition_is_extended(value: object) -> bool:
    """`PartitionKind.is_extended`."""

def partition_is_recovery(value: object) -> bool:
    """`PartitionKind.is_recovery`."""

def probe_output(path: _Path, *, overwrite: bool = False) -> None:
    """Raise early the exception that writing to `path` would raise.

    It raises if the file exists and `overwrite` is not set, if its folder does not exist or does not accept new files,
    or if it is a folder. Nothing is written.

    >>> import vmtemplate as vt
    >>> vt.probe_output("/no/such/folder/drive.img")
    Traceback (most recent call last):
        ...
    vmtemplate.NotFoundError: /no/such/folder/drive.img: cannot create a file beside the output: ...
    """

def progress_fraction(value: object) -> float:
    """`Progress.fraction`."""

def read_partition_table(disk: DiskImage) -> PartitionTable:
    """The partition table of a disk."""

def read_windows_info(disk: DiskImage) -> WindowsInfo | None:
    """The Windows that is installed on a disk."""

def rule_by_code(code: str) -> Rule | None:
    """The rule with a code."""

def run_command(arguments: Sequence[str]) -> int:
    """Run the command `vmtemplate` with these arguments, the first of which is its name, and return its exit status."""

def support_allows(support: object, product: str, version: str) -> bool:
    """Whether a version of a product can use a template."""

def text(name: str, value: object) -> str:
    """The text of a value of the class `name`, as the library shows it."""

def usage_read(value: object) -> int:
    """`Usage.read`."""

def usage_total(value: object) -> int:
    """`Usage.total`."""
