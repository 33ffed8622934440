import ipaddress
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar, Literal, Protocol, TypeVar, final, overload

from typing_extensions import Self, TypeAlias

from ._enums import (
    FileSystem,
    FreeSpace,
    Hibernation,
    ImageFormat,
    LineEnds,
    MissingValue,
    OsFamily,
    Padding,
    RegistryType,
    RepositoryFormat,
    ScriptEncoding,
    ScriptLanguage,
    SetupFirewall,
    SetupStep,
    Severity,
)
from ._errors import VmTemplateError
from ._values import (
    ArchiveEntry,
    Description,
    DiskInfo,
    Extent,
    Fetched,
    FreeSpaceReport,
    LimitMiss,
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
    Support,
    Synced,
    TemplateInfo,
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
_FreeSpace: TypeAlias = FreeSpace | Literal["skip", "keep"]
_Missing: TypeAlias = MissingValue | Literal["error", "parens", "empty", "keep", "platform"]
_Language: TypeAlias = (
    ScriptLanguage | Literal["batch", "powershell", "posix", "preseed", "kickstart", "cloud-config"]
)
_Format: TypeAlias = ImageFormat | Literal["raw", "qcow2", "vhdx", "vmdk", "vpc", "vhd"]
_Padding: TypeAlias = Padding | Literal["blank-lines", "zeros"]
_RepositoryFormat: TypeAlias = RepositoryFormat | Literal["vm6", "vm5"]
_Severity: TypeAlias = Severity | Literal["note", "warning", "error"]
_Step: TypeAlias = SetupStep | str
_Firewall: TypeAlias = SetupFirewall | Literal["open-remote-desktop", "unchanged"]

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
    "MacroName",
    "MacroValues",
    "Metainfo",
    "NtfsFile",
    "NtfsVolume",
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
    "check_limits",
    "detect_file_system",
    "enumerations",
    "error_kinds",
    "find_macros",
    "macro_catalogue",
    "macro_lookup",
    "macro_nearest",
    "os_family",
    "parse_product",
    "parse_product_version",
    "probe_output",
    "read_partition_table",
    "read_windows_info",
    "rule_by_code",
    "run_command",
    "support_allows",
]
__version__: str

@final
class Archive:
    """An archive, looked into without being unpacked.

    One of vmtemplate is opened by its index and not read; one of another tool is read to its end. It iterates over its
    `entries`, has their number as its length, and `name in archive` asks for a file.
    """

    @staticmethod
    def open(archive: _Path | _Bytes | _Seekable, *, limits: UnpackLimits | None = None) -> Archive:
        """Open an archive: a path, a URL, bytes, or a binary file-like object that can seek, of which nobody else may
        make use meanwhile. `limits` bounds what a hostile archive may do.
        """
    @property
    def path(self) -> Path:
        """Where it is, or the name of what it was opened from."""
    @property
    def entries(self) -> tuple[ArchiveEntry, ...]:
        """Its files, in the archive's order."""
    def read(self, name: str) -> bytes:
        """A whole file of it, which must not be a large one."""
    def disk(self, name: str) -> DiskImage:
        """A file of it as a disk image, of which only what is asked for is read."""
    def __iter__(self) -> Iterator[ArchiveEntry]: ...
    def __len__(self) -> int: ...
    def __contains__(self, name: str, /) -> bool: ...

@final
class CancelToken:
    """A switch that stops long work from another thread.

    Give it as `cancel=` to what takes long. Work that was stopped raises `CancelledError` and leaves nothing
    half-written. Once thrown, a switch stays so: take a new one for the next work.

    >>> import vmtemplate as vt
    >>> cancel = vt.CancelToken()
    >>> cancel.cancel()
    >>> cancel.is_cancelled
    True
    """

    def __new__(cls) -> Self: ...
    def cancel(self) -> None:
        """Stop the work that has this token, at its next step."""
    @property
    def is_cancelled(self) -> bool:
        """Whether it was told to stop."""

@final
class DiskImage:
    """An open disk image, read-only: the bytes of the virtual disk, whatever format they are kept in.

    >>> import vmtemplate as vt
    >>> disk = vt.DiskImage.from_bytes(bytes(512) + b"data" + bytes(508))
    >>> disk.size, disk.read(512, 4)
    (1024, b'data')
    """

    @staticmethod
    def open(
        path: _Path,
        *,
        format: _Format | None = None,
        backing_files: _Path | None = None,
        max_size: int | None = None,
        temporary_folder: _Path | None = None,
        rbd_program: _Path | None = None,
    ) -> DiskImage:
        """Open a raw file, a block device, a qcow2, VHDX, VMDK or VHD, or `rbd:POOL/IMAGE[@SNAP]`.

        `format` is recognised by content if it is not given. Files that are named inside an image, such as the backing
        file of a qcow2, are opened in the folder `backing_files` and nowhere else.
        """
    @staticmethod
    def from_bytes(data: _Bytes) -> DiskImage:
        """A raw disk of these bytes."""
    @staticmethod
    def from_stream(
        file: _Readable,
        *,
        format: _Format | None = None,
        max_size: int | None = None,
        temporary_folder: _Path | None = None,
        progress: _ProgressFn | None = None,
        cancel: CancelToken | None = None,
    ) -> DiskImage:
        """An image of any format from a binary file-like object, such as a pipe or a response over HTTP.

        It is read to its end first, into a temporary file without a name where blocks of zeros take no room.
        """
    @staticmethod
    def from_seekable(file: _Seekable) -> DiskImage:
        """A raw disk in a binary file-like object that can seek; only what is asked for is read, when it is asked for.

        Nobody else may use the object meanwhile.
        """
    @property
    def size(self) -> int:
        """The size of the virtual disk in bytes."""
    @property
    def format(self) -> str:
        """The name of the format, as `qemu-img` spells it."""
    @property
    def path(self) -> Path | None:
        """Where the image is, if it was opened by a path."""
    def read(self, offset: int, length: int) -> bytes:
        """The bytes of the disk from `offset` on."""
    def extents(self) -> ExtentIterator:
        """What is known of each part of the disk before it is read, from its start to its end."""
    def info(self) -> DiskInfo:
        """What the disk holds: its partitions, its volumes, and what packing would read of it."""
    def without_free_space(
        self,
        *,
        free_space: _FreeSpace = "skip",
        drop_page_files: bool = False,
        cancel: CancelToken | None = None,
    ) -> tuple[DiskImage, FreeSpaceReport]:
        """The disk with the clusters that its NTFS volumes mark free read as zeros, and what became of each volume."""
    def write_raw(
        self,
        path: _Path | _Writable,
        *,
        overwrite: bool = False,
        threads: int = 0,
        free_space: _FreeSpace = "skip",
        drop_page_files: bool = False,
        progress: _ProgressFn | None = None,
        cancel: CancelToken | None = None,
    ) -> RawSummary:
        """Write the disk to a sparse raw file, which appears whole or not at all, or to a binary file-like object.

        A device or a named pipe is written to as it is, a block device only with `overwrite`.
        """

@final
class ExtentIterator(Iterator[Extent]):
    """The extents of a disk, one by one."""

    def __iter__(self) -> Self: ...
    def __next__(self) -> Extent: ...

@final
class FirstRunKit:
    """The scripts that run the setup script in a new machine, and `prepare.cmd`, which puts them into a master VM.

    `dd` is the path of `dd.exe` from "dd for Windows", which the scripts need and which is not part of this package.

    >>> import vmtemplate as vt
    >>> "prepare.cmd" in vt.FirstRunKit().files()
    True
    """

    VERSION: ClassVar[str]
    def __new__(cls, dd: _Path | None = None) -> Self: ...
    def files(self) -> dict[str, bytes]:
        """The files by their names."""
    def write(self, folder: _Path) -> None:
        """Write the files into a folder, which is made if it is not there."""
    def iso(self) -> bytes:
        """The files as a CD image for "Mount ISO image"."""
    def write_iso(self, path: _Path, *, overwrite: bool = False) -> None:
        """Write the CD image to a file, which appears whole or not at all."""

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
    def __new__(cls, script: Script, *, padding: _Padding = "blank-lines") -> Self: ...
    @staticmethod
    def from_bytes(data: _Bytes) -> InstallDrive:
        """A drive of these bytes."""
    @staticmethod
    def read(path: _Path) -> InstallDrive:
        """Read a drive from its file."""
    @property
    def script(self) -> Script:
        """The script on it, without the padding."""
    def write(self, path: _Path, *, overwrite: bool = False) -> None:
        """Write it to a file, which appears whole or not at all."""
    def __bytes__(self) -> bytes: ...
    def __eq__(self, other: object, /) -> bool: ...
    def __ne__(self, other: object, /) -> bool: ...
    def __reduce__(self) -> tuple[Any, ...]: ...

@final
class MacroName:
    """The name of a macro, such as `IP`, which a script spells `($IP)`. Upper and lower case differ.

    >>> import vmtemplate as vt
    >>> str(vt.MacroName("IP")), vt.MacroName.parse("($IP)").name
    ('($IP)', 'IP')
    """

    MAX_LENGTH: ClassVar[int]
    def __new__(cls, name: str) -> Self: ...
    @staticmethod
    def parse(text: str) -> MacroName:
        """Read a name from its whole spelling, `($NAME)`."""
    @property
    def name(self) -> str:
        """The bare name."""
    def __eq__(self, other: object, /) -> bool: ...
    def __ne__(self, other: object, /) -> bool: ...
    def __lt__(self, other: MacroName, /) -> bool: ...
    def __le__(self, other: MacroName, /) -> bool: ...
    def __gt__(self, other: MacroName, /) -> bool: ...
    def __ge__(self, other: MacroName, /) -> bool: ...
    def __hash__(self) -> int: ...
    def __reduce__(self) -> tuple[Any, ...]: ...

@final
class MacroValues:
    """The values of macros by their bare names. Each is checked when it is set; `repr()` does not show them.

    A value is text, a number, a truth, an address of `ipaddress`, or a list or tuple of these. Wherever values are
    taken, a plain dict is too.

    >>> import ipaddress, vmtemplate as vt
    >>> values = vt.MacroValues({"IP": ipaddress.ip_address("192.0.2.10"), "TMPIPv4": False})
    >>> values["NAMESERVERS"] = ["192.0.2.53", "2001:db8::53"]
    >>> values["NAMESERVERS"]
    '192.0.2.53 2001:db8::53'
    """

    def __new__(cls, values: _Values | None = None) -> Self: ...
    @staticmethod
    def from_json(json: str) -> MacroValues:
        """The values of a JSON object: strings, numbers, truths, and lists of these."""
    @staticmethod
    def from_json_file(path: _Path) -> MacroValues:
        """The same from a file."""
    def assign(self, assignment: str) -> None:
        """Set a value that is written `NAME=VALUE`."""
    def update(self, values: _Values) -> None:
        """Take over all values of another mapping; they go before those that are there."""
    @overload
    def get(self, name: str, default: None = None, /) -> str | None: ...
    @overload
    def get(self, name: str, default: _T, /) -> str | _T: ...
    def keys(self) -> list[str]:
        """The bare names of all values."""
    def __getitem__(self, name: str, /) -> str: ...
    def __setitem__(self, name: str, value: _MacroValue, /) -> None: ...
    def __contains__(self, name: str, /) -> bool: ...
    def __len__(self) -> int: ...
    def __iter__(self) -> Iterator[str]: ...
    def __eq__(self, other: object, /) -> bool: ...
    def __reduce__(self) -> tuple[Any, ...]: ...

@final
class Metainfo:
    """A metainfo.xml: the description of a template that the platform reads.

    It is edited, not rewritten: what is not set keeps its bytes. Properties are the typed values; an index is the text
    of any element, by its name or `limit.NAME`. A property that is set to None, and an index that is deleted, take
    the element away.

    >>> import vmtemplate as vt
    >>> metainfo = vt.Metainfo("Windows-Server-2019")
    >>> metainfo.limits = vt.Limits(ipv4=True, memory_mib=1024)
    >>> metainfo["limit.mem"], metainfo.tags
    ('1024', ())
    """

    def __new__(cls, os_name: str) -> Self: ...
    @staticmethod
    def parse(text: str | _Bytes) -> Metainfo:
        """Read the text of a metainfo.xml, whatever its values are; `check()` says what is wrong with them."""
    @staticmethod
    def from_file(path: _Path) -> Metainfo:
        """Read a metainfo.xml from its file."""
    @staticmethod
    def from_fields(fields: MetainfoFields) -> Metainfo:
        """A new metainfo.xml that says all this."""
    def fields(self) -> MetainfoFields:
        """Everything that it says, as plain values."""
    def check(self) -> list[VmTemplateError]:
        """What is wrong with it: the errors that getters would raise, and more. They are returned, not raised."""
    def write_file(self, path: _Path, *, overwrite: bool = False) -> None:
        """Write it to a file, which appears whole or not at all."""
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
        """The same as `os_name`, by the name of its element."""
    @osname.setter
    def osname(self, text: str | None) -> None: ...
    @property
    def template_version(self) -> str | None:
        """`version`: the version of the template; any text."""
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
        """`illegal_password_characters`: the characters that a password must not have."""
    @illegal_password_characters.setter
    def illegal_password_characters(self, text: str | None) -> None: ...
    @property
    def password_method(self) -> str | None:
        """`chpasswd_method`: how a password is changed, as the platform writes it into an installed template."""
    @password_method.setter
    def password_method(self, text: str | None) -> None: ...
    @property
    def date(self) -> str | None:
        """`date`: the time that the platform writes into an installed template, `YYYY-MM-DD hh:mm:ss`."""
    @date.setter
    def date(self, text: str | None) -> None: ...
    @property
    def install_result(self) -> str | None:
        """`install_result`: what the platform writes into an installed template; `ok` or `0` if it went well."""
    @install_result.setter
    def install_result(self, text: str | None) -> None: ...
    @property
    def limits(self) -> Limits:
        """What a machine must have."""
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
        """The restarts after which the system counts as installed."""
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
        """Whether it is a folder."""
    @property
    def size(self) -> int:
        """Its size in bytes."""
    @property
    def path(self) -> str:
        """The path that it was asked for by."""
    def read_at(self, offset: int, length: int) -> bytes:
        """At most `length` bytes from `offset` on; fewer at the end of the file."""
    def read(self, max: int) -> bytes:
        """The whole file, if it has at most `max` bytes."""
    def list(self) -> list[NtfsEntry]:
        """What is in the folder."""

@final
class NtfsVolume:
    """An NTFS volume of a disk, read-only."""

    @staticmethod
    def open(disk: DiskImage, offset: int = 0, length: int | None = None) -> NtfsVolume:
        """Open the volume that takes `length` bytes of the disk from `offset` on, as its partition says."""
    @property
    def offset(self) -> int:
        """Where it begins, in bytes of the disk."""
    @property
    def size(self) -> int:
        """Its size in bytes."""
    @property
    def cluster_size(self) -> int:
        """Bytes per cluster."""
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
        """Whether Windows will check it at its next start."""
    def has_clean_journal(self) -> bool:
        """Whether its journal is closed: the machine was shut down."""
    def hibernation(self) -> Hibernation:
        """Whether Windows sleeps in it."""
    def file(self, path: str) -> NtfsFile:
        r"""The file or folder of this path, with `\` or `/` between folders; `""` is the root. Case does not matter."""

@final
class PublicKey:
    """The public key that the signatures of a repository are checked with."""

    def __new__(cls, text: str) -> Self: ...
    @staticmethod
    def from_file(path: _Path) -> PublicKey:
        """Read a key from its file."""
    def __eq__(self, other: object, /) -> bool: ...
    def __ne__(self, other: object, /) -> bool: ...

@final
class RegistryHive:
    """A hive of the registry of Windows, read-only."""

    @staticmethod
    def from_bytes(data: _Bytes) -> RegistryHive:
        """A hive of these bytes."""
    @staticmethod
    def open(file: NtfsFile) -> RegistryHive:
        """A hive in a file of an NTFS volume, of which only what is asked for is read."""
    @property
    def is_clean(self) -> bool:
        """Whether all changes have reached it."""
    def root(self) -> RegistryKey:
        """The key at the top."""
    def key(self, path: str) -> RegistryKey | None:
        r"""The key of this path, with `\` between keys; None if it is not there. Case does not matter."""

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
        """The keys below it."""
    def subkey(self, name: str) -> RegistryKey | None:
        """The key of this name below it; None if it is not there."""
    def values(self) -> list[RegistryValue]:
        """Its values."""
    def value(self, name: str) -> RegistryValue | None:
        """The value of this name; None if it is not there. The default value has the name `""`."""
    def string(self, name: str) -> str | None:
        """The text of a value; None if it is not there."""
    def strings(self, name: str) -> list[str] | None:
        """The texts of a list; None if it is not there."""
    def u32(self, name: str) -> int | None:
        """The number of a value; None if it is not there."""

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
        """Its bytes as they stand in the hive."""
    def string(self) -> str:
        """Its text."""
    def strings(self) -> list[str]:
        """Its texts."""
    def u32(self) -> int:
        """Its number, of 32 bits."""
    def u64(self) -> int:
        """Its number, of 64 bits."""

@final
class Repository:
    """A repository: a folder of archives, or a URL, and the file that describes them to the platform.

    It iterates over its entries. Many may publish to one at once, and be killed: who reads the folder sees archives
    that are whole and nothing else.

    >>> import tempfile, vmtemplate as vt
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     repository = vt.Repository.create(folder)
    ...     print(repository.format, repository.list())
    RepositoryFormat.VM6 []
    """

    @staticmethod
    def open(folder: _Path, format: _RepositoryFormat | None = None) -> Repository:
        """Open the repository in a folder. `format` is needed where both descriptions are there, or none."""
    @staticmethod
    def create(folder: _Path, format: _RepositoryFormat = "vm6") -> Repository:
        """Make an empty repository in a folder, which is made if it is not there.

        Whatever the umask, everybody may read it (0644; 0755 for a new folder). Files that are published later take
        mode and owner of the description.
        """
    @property
    def folder(self) -> Path:
        """The folder, or the URL."""
    @property
    def format(self) -> RepositoryFormat:
        """Whose description it has."""
    @property
    def description_path(self) -> Path:
        """The file that describes the archives."""
    def list(self) -> list[RepositoryEntry]:
        """Its templates, in the order of the description, with version, size and time of change.

        What the description does not say of these is taken from the archive, where it stands on this machine.
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
        """Read an archive to its end, copy it into the folder, and describe it.

        It is a path, a URL, bytes, or a binary file-like object that can seek; what has no path is called after its
        template. What is not given is taken from the archive. `replace` takes the place of the template of the same name, if
        there is one. `requirements` writes its least memory and disk as well. `set` has keys that the platform has and
        this module does not know, with values that JSON has. `key` signs the description; `lock_timeout` is how long to
        wait for another publisher, as a timedelta or in seconds.
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
        """The same in the place of the template `name`.

        What neither an option nor the metainfo.xml of the new archive says stays as it is described.
        """
    def push(
        self,
        template: Template,
        *,
        replace: bool = False,
        level: int = 5,
        threads: int | None = None,
        mtime: datetime | int | None = None,
        free_space: _FreeSpace = "skip",
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
        """Pack a template straight into the repository, and describe it. To object storage it is sent as it is packed.

        `replace` takes the place of the template of the same name, if there is one. The other options are those of
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
        """Fetch the archive of a template into a folder, and check it. One that was broken off goes on where it was."""
    def remove(
        self,
        name: str,
        *,
        key: SigningKey | None = None,
        lock_timeout: timedelta | float | None = None,
        cancel: CancelToken | None = None,
    ) -> RepositoryEntry:
        """Take a template out of the description, then its archive out of the folder."""
    def sync(
        self,
        *,
        key: SigningKey | None = None,
        lock_timeout: timedelta | float | None = None,
        progress: _ProgressFn | None = None,
        cancel: CancelToken | None = None,
    ) -> Synced:
        """Bring sizes and checksums up to date with the archives that are there and sound.

        What is said of the others stays as it is.
        """
    def verify(
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

        `quick` opens the archives without reading them to their ends.
        """
    def __iter__(self) -> Iterator[RepositoryEntry]: ...
    def __eq__(self, other: object, /) -> bool: ...
    def __ne__(self, other: object, /) -> bool: ...
    def __reduce__(self) -> tuple[Any, ...]: ...

@final
class Script:
    r"""A setup script: its bytes, and what they say.

    >>> import vmtemplate as vt
    >>> script = vt.Script("@echo off\necho ($IP)\n")
    >>> script.line_ends, script.to_windows().text
    (<LineEnds.LF: 'lf'>, '@echo off\r\necho ($IP)\r\n')
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
        """Our own script for Windows, with every step; `SetupScript` makes others."""
    @property
    def text(self) -> str:
        """Its text. Characters of an unknown code page are replaced."""
    @property
    def encoding(self) -> ScriptEncoding:
        """How its characters are written."""
    @property
    def line_ends(self) -> LineEnds:
        """How its lines end."""
    @property
    def language(self) -> ScriptLanguage | None:
        """The interpreter that it is written for; None if it names one that is not known, or nothing says it."""
    def language_as(self, file_name: str) -> ScriptLanguage | None:
        """The same for a file with this name, whose ending decides where the script has no `#!` line."""
    def to_windows(self) -> Script:
        """The same with CR LF at the ends of its lines."""
    def macros(self) -> list[MacroUse]:
        """What is spelled as a macro in it, known or not, in its order."""
    def render(
        self,
        values: _Values,
        *,
        missing: _Missing = "error",
        as_platform: bool = False,
        language: _Language | None = None,
        illegal_password_characters: str | None = None,
        declared: Sequence[str] = (),
    ) -> Script:
        """The script with its macros replaced, each value quoted for its place or refused.

        `missing` says what becomes of a macro without a value. With `as_platform` nothing is quoted, as the platform
        does it: for comparison only. Macros are the names that the platform knows, those that have a value, and those
        of `declared`, which are written whole: `($COLOUR)`. Any other `($name)` stays as it is.
        """
    def lint(
        self,
        metainfo: Metainfo | None = None,
        *,
        file_name: str | None = None,
        language: _Language | None = None,
    ) -> Report:
        """What would go wrong with it on a new machine; more is found with the metadata of its template.

        `language` says what it is for; without it the `#!` line does, or the name in the metadata, or `file_name`, or
        what stands in it.
        """
    def write_file(self, path: _Path, *, overwrite: bool = False) -> None:
        """Write it to a file, which appears whole or not at all."""
    def __bytes__(self) -> bytes: ...
    def __len__(self) -> int: ...
    def __eq__(self, other: object, /) -> bool: ...
    def __ne__(self, other: object, /) -> bool: ...
    def __hash__(self) -> int: ...
    def __reduce__(self) -> tuple[Any, ...]: ...

@final
class SetupScript:
    """Our own setup script, step by step: what a new machine does once, with the values that the platform fills in.

    Every method returns a changed copy; `build()` gives the script. Wherever a script is taken, this is too.

    >>> import vmtemplate as vt
    >>> setup = vt.SetupScript.windows(without=["activation"], administrator="root")
    >>> "($PRODUCTKEY)" in setup.build().text
    False
    """

    VERSION: ClassVar[str]
    @staticmethod
    def windows(
        *,
        without: Sequence[_Step] = (),
        administrator: str | None = None,
        log_file: str | None = None,
        interface: str | None = None,
        firewall: _Firewall | None = None,
        product_key: bool | None = None,
    ) -> SetupScript:
        """A script for Windows with every step but those of `without`.

        `interface` is the name of the network interface that is set up; None takes the first one that is connected.
        """
    def without(self, step: _Step) -> SetupScript:
        """Leave a step out."""
    def administrator(self, account: str) -> SetupScript:
        """The account whose password is set."""
    def log_file(self, path: str) -> SetupScript:
        """The file of the log."""
    def interface(self, name: str | None) -> SetupScript:
        """The network interface that is set up; None takes the first one that is connected."""
    def firewall(self, firewall: _Firewall) -> SetupScript:
        """What is done to the firewall."""
    def product_key(self, used: bool) -> SetupScript:
        """Whether the script takes a product key."""
    def build(self) -> Script:
        """The script. All that is wrong with the choices is told at once."""
    def __eq__(self, other: object, /) -> bool: ...
    def __ne__(self, other: object, /) -> bool: ...

@final
class SigningKey:
    """The secret key that signs a repository, as `minisign -G` makes it."""

    @staticmethod
    def from_file(path: _Path, password: str | None = None) -> SigningKey:
        """Read a key from its file. `password` is needed if it has one; checking it takes about a second."""

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
        tags: Sequence[str] = (),
        version: str | None = None,
        macros: Sequence[str] = (),
        support: Sequence[Product | str] = (),
        reboot_count: int | None = None,
        virtio_disk: bool | None = None,
        virtio_net: bool | None = None,
        image_name: str | None = None,
        script_name: str | None = None,
        base: Metainfo | None = None,
    ) -> Template:
        """Build a template from its parts; all that is wrong with them is told at once.

        `image` is a path, a `DiskImage`, bytes of a raw disk, or a binary file-like object, which is read to its end.
        `script` is a path, a `Script`, a `SetupScript`, or bytes; without one it is our own. `support` defaults to
        VMmgr, `limits.disk_mb` to the size of the image, and the names of files to those that they have. With `base`
        only what is given changes in that metainfo.xml, and `name` may be left out.
        """
    @staticmethod
    def open(
        path: _Path | _Bytes | _Seekable,
        *,
        format: _Format | None = None,
        backing_files: _Path | None = None,
    ) -> Template:
        """Open an archive, or a folder that holds metainfo.xml. The image is not read.

        An archive is a path, a URL, bytes, or a binary file-like object that can seek, of which nobody else may make
        use meanwhile. `format` and `backing_files` say how the image of a folder is opened, as `DiskImage.open` takes
        them.
        """
    @property
    def metainfo(self) -> Metainfo:
        """A copy of its metadata; to change a template, build another with it as `base`."""
    @property
    def script(self) -> Script | None:
        """Its setup script, if it has one."""
    @property
    def image(self) -> DiskImage | None:
        """Its disk image, if it can be read where it is."""
    @property
    def files(self) -> tuple[ArchiveEntry, ...]:
        """Its files, as they are or will be in the archive."""
    def info(self) -> TemplateInfo:
        """All that can be told of it without reading its image."""
    def render(
        self,
        values: _Values,
        *,
        missing: _Missing = "error",
        as_platform: bool = False,
        language: _Language | None = None,
        illegal_password_characters: str | None = None,
        declared: Sequence[str] = (),
    ) -> Script:
        """The setup script with its macros replaced, as `Script.render` does it. What passwords must not have is taken
        from the metadata if it is not given.
        """
    @staticmethod
    def render_path(
        path: _Path,
        values: _Values,
        *,
        missing: _Missing = "error",
        as_platform: bool = False,
        language: _Language | None = None,
        illegal_password_characters: str | None = None,
        declared: Sequence[str] = (),
    ) -> Script:
        """The same for the template or script at `path`."""
    def install_drive(
        self,
        values: _Values,
        *,
        missing: _Missing = "error",
        as_platform: bool = False,
        language: _Language | None = None,
        illegal_password_characters: str | None = None,
        declared: Sequence[str] = (),
        padding: _Padding = "blank-lines",
    ) -> InstallDrive:
        """The install drive of a new machine: the rendered script on a drive of the right size."""
    def check(
        self,
        *,
        allow: Sequence[str] = (),
        severities: Mapping[str, _Severity] | None = None,
        deny_warnings: bool = False,
        skip_image: bool = False,
        language: _Language | None = None,
        format: _Format | None = None,
        cancel: CancelToken | None = None,
    ) -> Report:
        """Check it by all rules; see `vmtemplate.check` for the options."""
    def pack(
        self,
        path: _Path | _Writable,
        *,
        level: int = 5,
        threads: int | None = None,
        mtime: datetime | int | None = None,
        overwrite: bool = False,
        free_space: _FreeSpace = "skip",
        drop_page_files: bool = False,
        sparse: bool = False,
        progress: _ProgressFn | None = None,
        cancel: CancelToken | None = None,
    ) -> PackSummary:
        """Pack it into an archive, which appears whole or not at all; or into a binary file-like object that can write.

        `level` is the compression from 1 (fastest) to 12 (smallest). `mtime` is the time of all entries, as a datetime
        or in seconds since 1970; without one it is SOURCE_DATE_EPOCH or 1980-01-01, so that the same input gives the
        same bytes. `sparse` leaves the holes of the image out of the archive altogether, which not every tar unpacks.
        `progress` is called with a `Progress` now and then, on this thread; what it raises stops the work.
        """
    @staticmethod
    def unpack(
        archive: _Path,
        folder: _Path,
        *,
        only: Sequence[str] = (),
        limits: UnpackLimits | None = None,
        threads: int | None = None,
        progress: _ProgressFn | None = None,
        cancel: CancelToken | None = None,
    ) -> tuple[ArchiveEntry, ...]:
        """Unpack an archive of any tool into a folder; holes come back as holes.

        `only` names the files to unpack, `limits` bounds what a hostile archive may do. The files that were unpacked
        are returned.
        """
    @staticmethod
    def verify(
        archive: _Path,
        *,
        limits: UnpackLimits | None = None,
        threads: int | None = None,
        progress: _ProgressFn | None = None,
        cancel: CancelToken | None = None,
    ) -> Verified:
        """Read all of an archive, check all of it, and tell its SHA-256 and those of its files."""

def all_rules() -> list[Rule]:
    """Every rule."""

def check(
    path: _Path | _Readable,
    *,
    allow: Sequence[str] = (),
    severities: Mapping[str, _Severity] | None = None,
    deny_warnings: bool = False,
    skip_image: bool = False,
    language: _Language | None = None,
    format: _Format | None = None,
    backing_files: _Path | None = None,
    cancel: CancelToken | None = None,
) -> Report:
    r"""Check what is at `path`: an archive, a folder with metainfo.xml, a disk image, a metainfo.xml or a script.

    A binary file-like object is read to its end and checked as a file with its name; an archive or an image is kept in
    a temporary file without a name meanwhile.

    `allow` switches rules off by their codes, `severities` makes them matter more or less, and with `deny_warnings`
    every warning counts as an error. `skip_image` does not look into the disk image. `language` is that of the setup
    script, where it shall not be found out. `format` and `backing_files` say how the image is opened, as
    `DiskImage.open` takes them; with a `format`, no rule asks what else it looks like.

    >>> import tempfile, pathlib, vmtemplate as vt
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     script = pathlib.Path(folder, "setup.cmd")
    ...     _ = script.write_bytes(b"@echo off\necho done\n")
    ...     report = vt.check(script)
    >>> sorted({finding.code for finding in report})[0]
    'VMT0201'
    """

def check_limits(limits: Limits, vm: VmSpec) -> list[LimitMiss]:
    """What a machine lacks for these limits."""

def detect_file_system(disk: DiskImage, offset: int) -> FileSystem | None:
    """The file system of a volume."""

def error_kinds() -> list[tuple[str, int]]:
    """The word and number of every kind, for the test that compares them with the classes."""

def enumerations() -> dict[str, list[str]]:
    """The words of every enumeration, for the test that compares them with the classes."""

def find_macros(text: str) -> list[MacroUse]:
    """The macros that stand in a text, known or not, in their order.

    >>> import vmtemplate as vt
    >>> [str(use.name) for use in vt.find_macros("($IP)/($NETMASK) ($)")]
    ['($IP)', '($NETMASK)']
    """

def macro_catalogue() -> list[MacroInfo]:
    """Every macro that the platform is known to fill in."""

def macro_lookup(name: str) -> MacroInfo | None:
    """The macro of a name."""

def macro_nearest(name: str) -> MacroInfo | None:
    """The macro that was probably meant."""

def os_family(name: str) -> OsFamily | None:
    """What the platform takes a template of this name for."""

def parse_product(text: str) -> tuple[str, tuple[int, int, int] | None]:
    """The name of a product and the parts of its least version."""

def parse_product_version(text: str) -> tuple[int, int, int]:
    """The parts of a version."""

def probe_output(path: _Path, *, overwrite: bool = False) -> None:
    """Raise now what writing to `path` would raise, and not after what comes before it, such as a check: something is
    there and `overwrite` is not set, its folder is missing or takes no new file, it is a folder. Nothing is written.

    >>> import vmtemplate as vt
    >>> vt.probe_output("/no/such/folder/drive.img")
    Traceback (most recent call last):
        ...
    vmtemplate.NotFoundError: /no/such/folder/drive.img: cannot create a file beside the output: ...
    """

def read_partition_table(disk: DiskImage) -> PartitionTable:
    """The partition table of a disk."""

def read_windows_info(disk: DiskImage) -> WindowsInfo | None:
    """Which Windows is on a disk."""

def rule_by_code(code: str) -> Rule | None:
    """The rule of a code."""

def run_command(arguments: Sequence[str]) -> int:
    """Run the command `vmtemplate` with these arguments, the first of which is its name, and return its exit status."""

def support_allows(support: Support, product: str, version: str) -> bool:
    """Whether a version of a product can use a template."""
