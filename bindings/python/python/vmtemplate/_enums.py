"""The enums of the library.

Each member is a `str`, the word that the command and the JSON forms use. Every parameter that takes a member also takes
its word.

Generated from the sources of the library by the test `generated`; `UPDATE_PYTHON=1 cargo test -p vmtemplate-python
--test generated` writes it anew.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, Union

from . import _methods

if TYPE_CHECKING:
    from typing_extensions import TypeAlias


class ErrorKind(_methods.Word):
    """What went wrong, for a program to compare."""

    NOT_FOUND = "not-found"
    """A file or folder does not exist."""
    PERMISSION_DENIED = "permission-denied"
    """The operating system does not allow this user to read or write it."""
    ALREADY_EXISTS = "already-exists"
    """The output already exists, and the caller did not ask to overwrite it."""
    STORAGE_FULL = "storage-full"
    """The disk of the output is full, or a quota is used up."""
    IO = "io"
    """Any other failure of reading or writing."""
    CANCELLED = "cancelled"
    """The caller cancelled the work."""
    INVALID_VALUE = "invalid-value"
    """A value from the caller is not valid."""
    INVALID_METAINFO = "invalid-metainfo"
    """metainfo.xml is not well-formed, or an element contains an invalid value."""
    INVALID_MACRO = "invalid-macro"
    """A macro is not written as `($NAME)`."""
    INVALID_SCRIPT = "invalid-script"
    """A script cannot be read as text."""
    INVALID_IMAGE = "invalid-image"
    """A disk image, or a structure inside it, contradicts its format."""
    UNSUPPORTED = "unsupported"
    """An image or a structure inside it is valid, but uses a feature that is not supported."""
    SOURCE_CHANGED = "source-changed"
    """The image changed or shrank while it was read."""
    INVALID_TEMPLATE = "invalid-template"
    """A template is incomplete or contradicts itself; `problems()` lists every reason."""
    INVALID_ARCHIVE = "invalid-archive"
    """An archive is truncated, damaged, or not an archive."""
    UNSAFE_ARCHIVE = "unsafe-archive"
    """An archive holds an entry that is refused because unpacking it could do harm."""
    LIMIT_EXCEEDED = "limit-exceeded"
    """The input exceeds a limit: too many, too large, too deep."""
    INVALID_REPOSITORY = "invalid-repository"
    """The description of a repository is malformed, or does not allow what was asked for."""
    LOCKED = "locked"
    """Another process is writing, and did not end in the time that was given."""
    INVALID_SIGNATURE = "invalid-signature"
    """A signature is missing, is not one of this key, or is not of this content."""
    NETWORK = "network"
    """A server cannot be reached, or its response is not valid."""


class Severity(_methods.OrderedWord):
    """How much a finding matters."""

    NOTE = "note"
    """Worth knowing; the template works."""
    WARNING = "warning"
    """It works, but probably not as it was meant, or not everywhere."""
    ERROR = "error"
    """A machine made of this template will fail."""


class AddressFamily(_methods.Word):
    """The family of the address that a VM is reached at first."""

    IPV4 = "ipv4"
    """An IPv4 address."""
    IPV6 = "ipv6"
    """An IPv6 address."""


class LineEnding(_methods.Word):
    """How the lines of a script end."""

    CR_LF = "cr-lf"
    """All CR LF, as Windows has them."""
    LF = "lf"
    """All LF, as Unix has them. `cmd.exe` misses labels and cuts lines in such a file."""
    MIXED = "mixed"
    """CR LF in some lines, LF alone or several CRs in others."""
    NONE = "none"
    """There is no LF: one line, or none."""


class ScriptEncoding(_methods.Word):
    """How the characters of a script are stored.

    `cmd.exe` reads a batch file in the OEM code page of the machine: ASCII is the same in all of them, anything else
    depends on the machine; a byte order mark is taken for characters of the first command, and UTF-16 does not run at
    all. PowerShell reads UTF-16 behind a byte order mark.
    """

    ASCII = "ascii"
    """ASCII only: the same in every code page."""
    UTF8 = "utf8"
    """UTF-8 without a byte order mark."""
    UTF8_BOM = "utf8-bom"
    """UTF-8 behind the byte order mark `EF BB BF`."""
    UTF16_LE = "utf16-le"
    """UTF-16, low byte first, with or without the mark `FF FE`."""
    UTF16_BE = "utf16-be"
    """UTF-16, high byte first, with or without the mark `FE FF`."""
    UNKNOWN8BIT = "unknown8bit"
    """An 8-bit code page (OEM or ANSI); which one, the bytes do not tell."""


class ScriptLanguage(_methods.Word):
    """The interpreter that a script is written for, and so how values are quoted in it."""

    BATCH = "batch"
    """Batch files of `cmd.exe`."""
    POWERSHELL = "powershell"
    """Windows PowerShell and PowerShell."""
    POSIX = "posix"
    """The shell of POSIX: sh, dash, bash, ksh, busybox."""
    PRESEED = "preseed"
    """Answers for the installer of Debian and Ubuntu: no script."""
    KICKSTART = "kickstart"
    """Answers for Anaconda, the installer of Red Hat's systems: no script."""
    CLOUD_CONFIG = "cloud-config"
    """What cloud-init reads on the first start: no script."""


class MissingValue(_methods.Word):
    """How to replace a macro that has no value.

    Only macros count: a `($NAME)` that is neither in the catalogue nor declared nor given a value is none, and stays as
    it is in every mode. In PowerShell it is an expression.
    """

    ERROR = "error"
    """An error that names the macro and its place."""
    PARENS = "parens"
    """`()`, as scripts in the wild find it."""
    EMPTY = "empty"
    """Nothing."""
    KEEP = "keep"
    """The macro unchanged."""
    PLATFORM = "platform"
    """What the platform does, as far as the scripts of its vendor show: they guard against an empty value of a macro
    that the platform knows, and against the spelling that is left of one that it does not know. That is nothing in
    place of a macro.
    """


class MacroKind(_methods.Word):
    """What the value of a macro is, and so what a renderer lets through."""

    ADDRESS = "address"
    """An IPv4 or IPv6 address."""
    ADDRESS_V4 = "address-v4"
    """An IPv4 address."""
    ADDRESS_V6 = "address-v6"
    """An IPv6 address."""
    ADDRESS_LIST = "address-list"
    """Addresses of either family, separated by spaces."""
    ADDRESS_LIST_V4 = "address-list-v4"
    """IPv4 addresses, separated by spaces."""
    ADDRESS_LIST_V6 = "address-list-v6"
    """IPv6 addresses, separated by spaces."""
    NETMASK = "netmask"
    """The mask of an address of either family: dotted (`255.255.255.0`) or a prefix length."""
    NETMASK_V4 = "netmask-v4"
    """An IPv4 mask: dotted, or a prefix length from 0 to 32."""
    PREFIX_LENGTH_V6 = "prefix-length-v6"
    """An IPv6 prefix length from 0 to 128."""
    HOST_NAME = "host-name"
    """A host name: labels of letters, digits and `-`, separated by dots."""
    TIME_ZONE = "time-zone"
    """The name of a time zone, such as `Europe/Madrid`."""
    PASSWORD = "password"
    """A password, in clear."""
    PASSWORD_HASH = "password-hash"
    """The crypt(3) hash of a password."""
    PRODUCT_KEY = "product-key"
    """A Windows product key: five groups of five letters and digits, joined by `-`."""
    URL = "url"
    """A URL with its scheme."""
    BOOLEAN = "boolean"
    """`True` or `False`."""
    NUMBER = "number"
    """A whole number, not negative."""
    RAID_LEVEL = "raid-level"
    """How the disks are put together: `raid_0`, `raid_1`, `raid_5`, `raid_10` or `no_raid`."""
    SSH_KEYS = "ssh-keys"
    """SSH public keys, each on a line of its own."""
    TEXT = "text"
    """Any text of one line."""


class ImageFormat(_methods.Word):
    """A format of disk images."""

    RAW = "raw"
    """The bytes of the disk as they are: a raw file or a block device."""
    QCOW2 = "qcow2"
    """QEMU's qcow2, version 2 or 3."""
    VHDX = "vhdx"
    """Hyper-V's VHDX."""
    VMDK = "vmdk"
    """VMware's VMDK: a sparse or stream-optimised file, or a descriptor with its extents."""
    VHD = "vpc"
    """Virtual PC's and Azure's VHD."""


class ExtentKind(_methods.Word):
    """The kind of content of a stretch of a disk."""

    DATA = "data"
    """Bytes that must be read to be known."""
    ZERO = "zero"
    """Zeros by the map of the image: a hole of a sparse file, an unallocated cluster of a qcow2."""
    FREE = "free"
    """Clusters that the file system marks free, read as zeros because free space is left out."""


class FreeSpace(_methods.Word):
    """What becomes of the space that a volume does not use."""

    SKIP = "skip"
    """Free clusters of consistent NTFS volumes read as zeros: what was deleted does not reach the customers."""
    KEEP = "keep"
    """Every byte stays as it is."""


class KeptReason(_methods.Word):
    """Why a volume was kept whole, as a program asks it."""

    DIRTY = "dirty"
    """Windows will check the volume at its next start."""
    OPEN_JOURNAL = "open-journal"
    """The journal holds changes that have not reached the volume, or is that of a mounted volume: the machine was not
    shut down.
    """
    HIBERNATED = "hibernated"
    """Windows is hibernated, or was shut down by Fast Startup, on this volume or on another one of the disk, or whether
    it is cannot be determined, because a place that may hold it does not show what is there.
    """
    INCONSISTENT = "inconsistent"
    """Structures of the volume contradict each other."""
    OVERLAPPING = "overlapping"
    """The volume shares bytes with another partition or with the partition table."""
    UNSUPPORTED = "unsupported"
    """The volume is encrypted, or uses a feature that is not known."""
    TOO_LARGE = "too-large"
    """The volume is larger than the proof has bounds for."""
    UNREADABLE = "unreadable"
    """The disk image could not be read there."""
    PARTITION_TYPE = "partition-type"
    """The partition is of a type that does not say that its clusters are its own."""
    OUTSIDE_PARTITION = "outside-partition"
    """The volume is larger than its partition, or the partition ends past the disk."""
    UNPARTITIONED = "unpartitioned"
    """The disk has no partition table, and the end of the volume is not where its start says."""
    DOUBTFUL_TABLE = "doubtful-table"
    """The partition table is damaged there, or a second table of the disk contradicts it."""
    DYNAMIC_DISK = "dynamic-disk"
    """The disk is, or was, a dynamic disk of Windows: its clusters may belong to any volume of the disk group."""
    STORAGE_SPACES = "storage-spaces"
    """The disk is a part of a pool of Windows Storage Spaces."""
    RAID = "raid"
    """The disk or partition is, or was, a member of a RAID or of what else combines disks or mirrors them."""
    LVM = "lvm"
    """The disk or partition is, or was, a physical volume of LVM."""
    REFS = "refs"
    """The volume is ReFS, which is not read."""


class PartitionScheme(_methods.Word):
    """How a disk is divided."""

    NONE = "none"
    """No table: one volume over the whole disk, or an empty disk."""
    MBR = "mbr"
    """A master boot record."""
    GPT = "gpt"
    """A GUID partition table."""


class FileSystem(_methods.FileSystem, _methods.Word):
    """A file system that its boot sector names."""

    NTFS = "ntfs"
    """NTFS."""
    BITLOCKER = "bitlocker"
    """Any file system, encrypted by BitLocker."""
    REFS = "refs"
    """ReFS."""
    EXFAT = "exfat"
    """exFAT."""
    FAT = "fat"
    """FAT12, FAT16 or FAT32."""


class Hibernation(_methods.Word):
    """Whether Windows left its memory on the volume, to go on where it was."""

    NONE = "none"
    """There is no `hiberfil.sys`, or it holds nothing."""
    RESUMED = "resumed"
    """Windows was hibernated and has resumed since: what the file holds is of no use any more."""
    HIBERNATED = "hibernated"
    """Windows is hibernated, or was shut down by Fast Startup. It will not take note of changes to the volume."""


class RegistryType(_methods.Word):
    """The type of a `RegistryValue`."""

    NONE = "REG_NONE"
    """Bytes without a type."""
    STRING = "REG_SZ"
    """Text."""
    EXPAND_STRING = "REG_EXPAND_SZ"
    """Text with variables such as `%SystemRoot%`."""
    BINARY = "REG_BINARY"
    """Bytes."""
    U32 = "REG_DWORD"
    """A number of 32 bits."""
    U32_BIG_ENDIAN = "REG_DWORD_BIG_ENDIAN"
    """A number of 32 bits, the high byte first."""
    LINK = "REG_LINK"
    """The path of another key."""
    MULTI_STRING = "REG_MULTI_SZ"
    """A list of texts."""
    RESOURCE_LIST = "REG_RESOURCE_LIST"
    """Hardware resources of a driver."""
    FULL_RESOURCE_DESCRIPTOR = "REG_FULL_RESOURCE_DESCRIPTOR"
    """Hardware resources of a device."""
    RESOURCE_REQUIREMENTS = "REG_RESOURCE_REQUIREMENTS_LIST"
    """Hardware resources that a device may use."""
    U64 = "REG_QWORD"
    """A number of 64 bits."""
    OTHER = "other"
    """One that Windows has no name for."""


class OsFamily(_methods.OsFamily, _methods.Word):
    """The family of an operating system: by it the platform chooses how a machine gets its addresses."""

    RED_HAT = "red-hat"
    """AlmaLinux, CentOS, Fedora, Oracle Linux, Red Hat, Rocky Linux."""
    DEBIAN = "debian"
    """Debian, Ubuntu."""
    FREE_BSD = "free-bsd"
    """FreeBSD."""
    WINDOWS = "windows"
    """Windows."""


class RepositoryFormat(_methods.Word):
    """For which generation of the platform a repository is described."""

    VM6 = "vm6"
    """VMmanager 6: metadata.json."""
    VM5 = "vm5"
    """VMmanager 5: metadata.xml."""


class TemplateKind(_methods.Word):
    """What kind of machine a template is for."""

    KVM_TEMPLATE = "kvm-template"
    """A `.tar.gz` with metainfo.xml, image and script, for KVM: Windows."""
    KVM_IMAGE = "kvm-image"
    """An `.xz`, for KVM: Linux."""
    LXD = "lxd"
    """A `.tar.gz` with the files of the system, for containers of LXD."""


class Padding(_methods.Word):
    """The padding of the install drive, after the script."""

    BLANK_LINES = "blank-lines"
    """Blank lines, one to a block of 512 bytes. A script that does not end itself, and a search for a label, run
    through them in no time, under every interpreter; the first LF ends a last line that has no end.
    """
    ZEROS = "zeros"
    """Zeros, as on a new disk. `cmd.exe` reads a zero as the end of the file (Raymond Chen, "Diagnosing why your batch
    file prints a garbage character, one character, and nothing more", The Old New Thing, 2021-07-26); that of wine
    never gets past one.
    """


class SetupStep(_methods.OrderedWord):
    """One step of the setup script."""

    PASSWORD = "password"
    """Sets the administrator's password."""
    ADDRESS = "address"
    """Sets the IPv4 address, with mask and gateway or with a next hop."""
    IPV6_ADDRESS = "ipv6"
    """Adds the IPv6 address and its gateway, where they are given."""
    NAME_SERVERS = "name-servers"
    """Sets the name servers of both families."""
    GROW_VOLUME = "volume"
    """Grows the volume of the system into the disk."""
    ACTIVATION = "activation"
    """Installs the product key, where one is given, and activates Windows."""
    REMOTE_DESKTOP = "remote-desktop"
    """Allows Remote Desktop."""
    REMOVE_FIRST_RUN = "first-run"
    r"""Removes the task `vmmgr_firstrun` and the folder `C:\vmmgr`."""
    RESTART = "restart"
    """Restarts the machine."""


class SetupFirewall(_methods.Word):
    """What the setup script does to the firewall of Windows."""

    OPEN_REMOTE_DESKTOP = "open-remote-desktop"
    """Lets Remote Desktop through, if `SetupStep.REMOTE_DESKTOP` is in."""
    UNCHANGED = "unchanged"
    """Nothing: the image has the rules it needs."""


# A member or its word, for annotations.
SeverityWord: TypeAlias = Union[Severity, Literal["note", "warning", "error"]]
ScriptLanguageWord: TypeAlias = Union[
    ScriptLanguage, Literal["batch", "powershell", "posix", "preseed", "kickstart", "cloud-config"]
]
MissingValueWord: TypeAlias = Union[MissingValue, Literal["error", "parens", "empty", "keep", "platform"]]
ImageFormatWord: TypeAlias = Union[ImageFormat, Literal["raw", "qcow2", "vhdx", "vmdk", "vpc", "vhd"]]
FreeSpaceWord: TypeAlias = Union[FreeSpace, Literal["skip", "keep"]]
RepositoryFormatWord: TypeAlias = Union[RepositoryFormat, Literal["vm6", "vm5"]]
PaddingWord: TypeAlias = Union[Padding, Literal["blank-lines", "zeros"]]
SetupStepWord: TypeAlias = Union[
    SetupStep,
    Literal[
        "password",
        "address",
        "ipv6",
        "name-servers",
        "volume",
        "activation",
        "remote-desktop",
        "first-run",
        "restart",
    ],
]
SetupFirewallWord: TypeAlias = Union[SetupFirewall, Literal["open-remote-desktop", "unchanged"]]
