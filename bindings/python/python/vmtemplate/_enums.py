"""The enums of the library.

Each value is the word that the command and the JSON forms use. Every parameter that takes a member also takes its word.
"""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING

from . import _native

if TYPE_CHECKING:
    from ._native import DiskImage


class ErrorKind(enum.Enum):
    """What went wrong, for a program to compare."""

    NOT_FOUND = "not-found"
    PERMISSION_DENIED = "permission-denied"
    ALREADY_EXISTS = "already-exists"
    STORAGE_FULL = "storage-full"
    IO = "io"
    CANCELLED = "cancelled"
    INVALID_VALUE = "invalid-value"
    INVALID_METAINFO = "invalid-metainfo"
    INVALID_MACRO = "invalid-macro"
    INVALID_SCRIPT = "invalid-script"
    INVALID_IMAGE = "invalid-image"
    UNSUPPORTED = "unsupported"
    SOURCE_CHANGED = "source-changed"
    INVALID_TEMPLATE = "invalid-template"
    INVALID_ARCHIVE = "invalid-archive"
    UNSAFE_ARCHIVE = "unsafe-archive"
    LIMIT_EXCEEDED = "limit-exceeded"
    INVALID_REPOSITORY = "invalid-repository"
    LOCKED = "locked"
    INVALID_SIGNATURE = "invalid-signature"
    NETWORK = "network"


class Severity(enum.Enum):
    """The severity of a finding."""

    NOTE = "note"
    """Worth knowing; the template works."""
    WARNING = "warning"
    """The template works, but probably not as intended, or not everywhere."""
    ERROR = "error"
    """A machine made from this template will fail."""


class AddressFamily(enum.Enum):
    """The family of an IP address."""

    IPV4 = "ipv4"
    IPV6 = "ipv6"


class LineEnding(enum.Enum):
    """The line ends of a script."""

    CR_LF = "cr-lf"
    """All CR LF, as on Windows."""
    LF = "lf"
    """All LF, as on Unix. cmd.exe misses labels and cuts lines in such a file."""
    MIXED = "mixed"
    """CR LF at the end of some lines, LF alone or several CRs at the end of others."""
    NONE = "none"
    """No LF: the script is a single line, or empty."""


class ScriptEncoding(enum.Enum):
    """The encoding of a script."""

    ASCII = "ascii"
    UTF8 = "utf8"
    UTF8_BOM = "utf8-bom"
    UTF16_LE = "utf16-le"
    UTF16_BE = "utf16-be"
    UNKNOWN_8BIT = "unknown8bit"
    """A code page; the bytes do not show which one."""


class ScriptLanguage(enum.Enum):
    """The language of a script, which decides how values are quoted in it."""

    BATCH = "batch"
    POWERSHELL = "powershell"
    POSIX = "posix"
    PRESEED = "preseed"
    """Answers for the installer of Debian and Ubuntu; not a script."""
    KICKSTART = "kickstart"
    """Answers for the installer of Red Hat's systems; not a script."""
    CLOUD_CONFIG = "cloud-config"
    """Configuration for cloud-init; not a script."""


class MissingValue(enum.Enum):
    """What happens to a macro that has no value."""

    ERROR = "error"
    """Raises an error that names the macro and its place."""
    PARENS = "parens"
    """Becomes `()`, which existing scripts test for."""
    EMPTY = "empty"
    """Becomes an empty text."""
    KEEP = "keep"
    """Stays as it is."""
    PLATFORM = "platform"
    """Becomes what the platform is known to write: an empty text."""


class MacroKind(enum.Enum):
    """The kind of value of a macro."""

    ADDRESS = "address"
    ADDRESS_V4 = "address-v4"
    ADDRESS_V6 = "address-v6"
    ADDRESS_LIST = "address-list"
    ADDRESS_LIST_V4 = "address-list-v4"
    ADDRESS_LIST_V6 = "address-list-v6"
    NETMASK = "netmask"
    NETMASK_V4 = "netmask-v4"
    PREFIX_LENGTH_V6 = "prefix-length-v6"
    HOST_NAME = "host-name"
    TIME_ZONE = "time-zone"
    PASSWORD = "password"
    PASSWORD_HASH = "password-hash"
    PRODUCT_KEY = "product-key"
    URL = "url"
    BOOLEAN = "boolean"
    NUMBER = "number"
    RAID_LEVEL = "raid-level"
    SSH_KEYS = "ssh-keys"
    TEXT = "text"


class ImageFormat(enum.Enum):
    """A disk image format, by its name in qemu-img."""

    RAW = "raw"
    QCOW2 = "qcow2"
    VHDX = "vhdx"
    VMDK = "vmdk"
    VHD = "vpc"


class ExtentKind(enum.Enum):
    """The kind of a part of a disk."""

    DATA = "data"
    """Data, which must be read."""
    ZERO = "zero"
    """Recorded as zeros by the image."""
    FREE = "free"
    """Clusters that the file system marks free; they read as zeros if free space is left out."""


class FreeSpace(enum.Enum):
    """What happens to clusters that a file system marks free."""

    SKIP = "skip"
    """Free clusters of consistent NTFS volumes read as zeros, so that deleted files do not reach customers."""
    KEEP = "keep"
    """Every byte stays unchanged."""


class KeptReason(enum.Enum):
    """Why the free space of a volume was kept."""

    DIRTY = "dirty"
    OPEN_JOURNAL = "open-journal"
    HIBERNATED = "hibernated"
    INCONSISTENT = "inconsistent"
    OVERLAPPING = "overlapping"
    UNSUPPORTED = "unsupported"
    TOO_LARGE = "too-large"
    UNREADABLE = "unreadable"
    PARTITION_TYPE = "partition-type"
    """The partition type does not guarantee that the volume owns its clusters."""
    OUTSIDE_PARTITION = "outside-partition"
    """The volume is larger than its partition, or the partition ends past the disk."""
    UNPARTITIONED = "unpartitioned"
    """The disk has no partition table, and the volume does not end where its boot sector says."""
    DOUBTFUL_TABLE = "doubtful-table"
    """The partition table is damaged at this place, or a second table contradicts it."""
    DYNAMIC_DISK = "dynamic-disk"
    STORAGE_SPACES = "storage-spaces"
    RAID = "raid"
    LVM = "lvm"
    REFS = "refs"


class PartitionScheme(enum.Enum):
    """The kind of partition table of a disk."""

    NONE = "none"
    MBR = "mbr"
    GPT = "gpt"


class FileSystem(enum.Enum):
    """The file system of a volume."""

    NTFS = "ntfs"
    BITLOCKER = "bitlocker"
    REFS = "refs"
    EXFAT = "exfat"
    FAT = "fat"

    @staticmethod
    def detect(disk: DiskImage, offset: int = 0) -> FileSystem | None:
        """The file system of the volume at `offset` of the disk; None if it is none of these.

        >>> from vmtemplate import DiskImage, FileSystem
        >>> FileSystem.detect(DiskImage.from_bytes(bytes(4096))) is None
        True
        """
        return _native.detect_file_system(disk, offset)


class Hibernation(enum.Enum):
    """Whether a Windows volume belongs to a hibernated machine."""

    NONE = "none"
    RESUMED = "resumed"
    HIBERNATED = "hibernated"


class RegistryType(enum.Enum):
    """The type of a registry value, by its name in Windows."""

    NONE = "REG_NONE"
    STRING = "REG_SZ"
    EXPAND_STRING = "REG_EXPAND_SZ"
    BINARY = "REG_BINARY"
    U32 = "REG_DWORD"
    U32_BIG_ENDIAN = "REG_DWORD_BIG_ENDIAN"
    LINK = "REG_LINK"
    MULTI_STRING = "REG_MULTI_SZ"
    RESOURCE_LIST = "REG_RESOURCE_LIST"
    FULL_RESOURCE_DESCRIPTOR = "REG_FULL_RESOURCE_DESCRIPTOR"
    RESOURCE_REQUIREMENTS = "REG_RESOURCE_REQUIREMENTS_LIST"
    U64 = "REG_QWORD"
    OTHER = "other"
    """A type that Windows has no name for."""


class OsFamily(enum.Enum):
    """The operating system family that the platform recognises by a word in a template name."""

    RED_HAT = "red-hat"
    DEBIAN = "debian"
    FREE_BSD = "free-bsd"
    WINDOWS = "windows"

    @staticmethod
    def of_template_name(name: str) -> OsFamily | None:
        """The family of a template with this name; None if no word in it is known.

        >>> from vmtemplate import OsFamily
        >>> OsFamily.of_template_name("Ubuntu-24.04")
        <OsFamily.DEBIAN: 'debian'>
        """
        return _native.os_family(name)


class RepositoryFormat(enum.Enum):
    """The format of a repository's description."""

    VM6 = "vm6"
    """VMmanager 6: metadata.json."""
    VM5 = "vm5"
    """VMmanager 5: metadata.xml."""


class TemplateKind(enum.Enum):
    """The kind of machine that a template of a repository is for."""

    KVM_TEMPLATE = "kvm-template"
    KVM_IMAGE = "kvm-image"
    LXD = "lxd"


class Padding(enum.Enum):
    """What fills an install drive after its script."""

    BLANK_LINES = "blank-lines"
    ZEROS = "zeros"


class SetupStep(enum.Enum):
    """A step of vmtemplate's own setup script; the steps run in this order."""

    PASSWORD = "password"
    ADDRESS = "address"
    IPV6_ADDRESS = "ipv6"
    NAME_SERVERS = "name-servers"
    GROW_VOLUME = "volume"
    ACTIVATION = "activation"
    REMOTE_DESKTOP = "remote-desktop"
    REMOVE_FIRST_RUN = "first-run"
    RESTART = "restart"


class SetupFirewall(enum.Enum):
    """What vmtemplate's setup script does to the Windows firewall."""

    OPEN_REMOTE_DESKTOP = "open-remote-desktop"
    UNCHANGED = "unchanged"
