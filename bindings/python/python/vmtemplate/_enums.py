"""The names that the library gives to kinds and choices.

Each value is the word that the command and the JSON forms have for it. Wherever a member is taken, its word is too.
"""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING

from . import _native

if TYPE_CHECKING:
    from ._native import DiskImage


class ErrorKind(enum.Enum):
    """What went wrong, as a program asks it."""

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
    IMAGE_CHANGED = "image-changed"
    INVALID_TEMPLATE = "invalid-template"
    INVALID_ARCHIVE = "invalid-archive"
    UNSAFE_ARCHIVE = "unsafe-archive"
    LIMIT_EXCEEDED = "limit-exceeded"
    INVALID_REPOSITORY = "invalid-repository"
    LOCKED = "locked"
    INVALID_SIGNATURE = "invalid-signature"
    NETWORK = "network"


class Severity(enum.Enum):
    """How much a finding matters."""

    NOTE = "note"
    """Worth knowing; the template works."""
    WARNING = "warning"
    """It works, but probably not as it was meant, or not everywhere."""
    ERROR = "error"
    """A machine made of this template will fail."""


class AddressFamily(enum.Enum):
    """The family of an IP address."""

    IPV4 = "ipv4"
    IPV6 = "ipv6"


class LineEnds(enum.Enum):
    """How the lines of a script end."""

    CR_LF = "cr-lf"
    """All CR LF, as Windows has them."""
    LF = "lf"
    """All LF, as Unix has them. cmd.exe misses labels and cuts lines in such a file."""
    MIXED = "mixed"
    """CR LF in some lines, LF alone or several CRs in others."""
    NONE = "none"
    """There is no LF: one line, or none."""


class ScriptEncoding(enum.Enum):
    """How the characters of a script are written."""

    ASCII = "ascii"
    UTF8 = "utf8"
    UTF8_BOM = "utf8-bom"
    UTF16_LE = "utf16-le"
    UTF16_BE = "utf16-be"
    UNKNOWN_8BIT = "unknown8bit"
    """A code page; which one, the bytes do not tell."""


class ScriptLanguage(enum.Enum):
    """The interpreter that a script is written for, and so how values are quoted in it."""

    BATCH = "batch"
    POWERSHELL = "powershell"
    POSIX = "posix"
    PRESEED = "preseed"
    """Answers for the installer of Debian and Ubuntu: no script."""
    KICKSTART = "kickstart"
    """Answers for the installer of Red Hat's systems: no script."""
    CLOUD_CONFIG = "cloud-config"
    """What cloud-init reads: no script."""


class MissingValue(enum.Enum):
    """What becomes of a macro that has no value."""

    ERROR = "error"
    """An error that names the macro and its place."""
    PARENS = "parens"
    """`()`, as scripts in the wild find it."""
    EMPTY = "empty"
    """Nothing."""
    KEEP = "keep"
    """The macro as it stands."""
    PLATFORM = "platform"
    """What the platform does, as far as it is known: nothing in place of a macro."""


class MacroKind(enum.Enum):
    """What the value of a macro is."""

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
    """A format of disk images, by the name that qemu-img has for it."""

    RAW = "raw"
    QCOW2 = "qcow2"
    VHDX = "vhdx"
    VMDK = "vmdk"
    VHD = "vpc"


class ExtentKind(enum.Enum):
    """What is known of a part of a disk before it is read."""

    DATA = "data"
    """Bytes that must be read to be known."""
    ZERO = "zero"
    """Zeros by the map of the image."""
    FREE = "free"
    """Clusters that the file system marks free, read as zeros because free space is left out."""


class FreeSpace(enum.Enum):
    """What becomes of the clusters that a file system marks free."""

    SKIP = "skip"
    """Those of consistent NTFS volumes read as zeros: what was deleted does not reach the customers."""
    KEEP = "keep"
    """Every byte stays as it is."""


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
    """The type of the partition does not say that its clusters are its own."""
    OUTSIDE_PARTITION = "outside-partition"
    """The volume is larger than its partition, or the partition ends past the disk."""
    UNPARTITIONED = "unpartitioned"
    """There is no partition table, and the volume does not end where its start says."""
    DOUBTFUL_TABLE = "doubtful-table"
    """The partition table is damaged there, or a second table contradicts it."""
    DYNAMIC_DISK = "dynamic-disk"
    STORAGE_SPACES = "storage-spaces"
    RAID = "raid"
    LVM = "lvm"
    REFS = "refs"


class PartitionScheme(enum.Enum):
    """How a disk is divided."""

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
        """The file system of the volume that begins at `offset` of the disk; None if it is none of these.

        >>> from vmtemplate import DiskImage, FileSystem
        >>> FileSystem.detect(DiskImage.from_bytes(bytes(4096))) is None
        True
        """
        return _native.detect_file_system(disk, offset)


class Hibernation(enum.Enum):
    """Whether a Windows volume belongs to a machine that sleeps."""

    NONE = "none"
    RESUMED = "resumed"
    HIBERNATED = "hibernated"


class RegistryType(enum.Enum):
    """The type of a registry value, by the name that Windows has for it."""

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
    """One that Windows has no name for."""


class OsFamily(enum.Enum):
    """What the platform takes a template for, by a word in its name."""

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
    """Whose description a repository has."""

    VM6 = "vm6"
    """VMmanager 6: metadata.json."""
    VM5 = "vm5"
    """VMmanager 5: metadata.xml."""


class TemplateKind(enum.Enum):
    """What kind of machine a template of a repository is for."""

    KVM_TEMPLATE = "kvm-template"
    KVM_IMAGE = "kvm-image"
    LXD = "lxd"


class Padding(enum.Enum):
    """What fills an install drive behind its script."""

    BLANK_LINES = "blank-lines"
    ZEROS = "zeros"


class SetupStep(enum.Enum):
    """A step of our own setup script, in the order in which they are done."""

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
    """What our setup script does to the firewall of Windows."""

    OPEN_REMOTE_DESKTOP = "open-remote-desktop"
    UNCHANGED = "unchanged"
