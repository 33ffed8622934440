"""Plain values: arguments and results of the library as frozen dataclasses."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, overload

from . import _native
from ._enums import (
    AddressFamily,
    ExtentKind,
    FreeSpace,
    KeptReason,
    LineEnding,
    MacroKind,
    OsFamily,
    PartitionScheme,
    ScriptEncoding,
    Severity,
    TemplateKind,
)

if TYPE_CHECKING:
    from ._native import DiskImage, MacroName


@dataclass(frozen=True)
class Progress:
    """The progress of long work."""

    bytes: int
    """The number of bytes that are done."""
    total: int
    """The total number of bytes; 0 if it is not known."""

    @property
    def fraction(self) -> float:
        """From 0 to 1; 0 if the total is not known.

        >>> import vmtemplate as vt
        >>> vt.Progress(bytes=512, total=1024).fraction
        0.5
        """
        return min(self.bytes / self.total, 1.0) if self.total else 0.0


class Position(NamedTuple):
    """A place in a text. Both numbers count from 1, columns in characters."""

    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.line}:{self.column}"


# metainfo.xml


@dataclass(frozen=True)
class VmSpec:
    """The properties of a new machine that limits apply to."""

    memory_mib: int
    disk_mb: int
    primary_address: AddressFamily = AddressFamily.IPV4


@dataclass(frozen=True)
class UnmetLimit:
    """A limit that a machine does not meet."""

    limit: str
    """`primary_address`, `memory` or `disk`."""
    found: int | AddressFamily
    """What the machine has: MiB of memory, MB of disk, or the family of its address."""
    required: int | None
    """What the template needs; None for an address."""
    message: str
    """The whole message."""

    def __str__(self) -> str:
        return self.message


@dataclass(frozen=True)
class Limits:
    """What a machine must have to use a template. A field that is None sets no limit.

    >>> import vmtemplate as vt
    >>> limits = vt.Limits(ipv4=True, memory_mib=1024)
    >>> [miss.message for miss in limits.unmet(vt.VmSpec(memory_mib=512, disk_mb=20000))]
    ['the VM has 512 MiB of memory; the template needs at least 1024 MiB']
    """

    ipv4: bool | None = None
    """Whether the main address may be IPv4."""
    ipv6: bool | None = None
    """Whether the main address may be IPv6."""
    memory_mib: int | None = None
    """The minimum memory, in MiB."""
    disk_mb: int | None = None
    """The minimum disk size, in MB (10^6 bytes)."""
    other: Mapping[str, str] = field(default_factory=dict[str, str], hash=False)
    """Limits with other names, as text."""

    def unmet(self, vm: VmSpec) -> list[UnmetLimit]:
        """The limits that this machine does not meet; empty if it can use the template."""
        return _native.unmet_limits(self, vm)


class ProductVersion(NamedTuple):
    """The version of a product, compared part by part.

    >>> import vmtemplate as vt
    >>> vt.ProductVersion.parse("5.10") > vt.ProductVersion.parse("5.9.3")
    True
    """

    major: int
    minor: int = 0
    patch: int = 0

    @staticmethod
    def parse(text: str) -> ProductVersion:
        """Parse a version as the platform does: missing parts are 0, and text after the digits and dots is ignored."""
        return ProductVersion(*_native.parse_product_version(text))

    def __str__(self) -> str:
        return f"{self.major}.{self.minor}.{self.patch}"


@dataclass(frozen=True)
class Product:
    """A product that can use a template, and its minimum version."""

    name: str
    min_version: ProductVersion | None = None
    """None accepts every version."""

    @staticmethod
    def parse(text: str) -> Product:
        """Parse `VMmgr` or `VMmgr:5.45`.

        >>> import vmtemplate as vt
        >>> vt.Product.parse("VMmgr:5.45")
        Product(name='VMmgr', min_version=ProductVersion(major=5, minor=45, patch=0))
        """
        name, version = _native.parse_product(text)
        return Product(name, None if version is None else ProductVersion(*version))

    def __str__(self) -> str:
        return self.name if self.min_version is None else f"{self.name}:{self.min_version}"


@dataclass(frozen=True)
class Support:
    """The products that can use a template, in the order of the file.

    >>> import vmtemplate as vt
    >>> support = vt.Support([vt.Product.parse("VMmgr:5.4")])
    >>> support.allows("vmmgr", "5.10.1"), support.allows("VEmgr", "9")
    (True, False)
    """

    products: tuple[Product, ...] = ()

    def __init__(self, products: Iterable[Product | str] = ()) -> None:
        read = (Product.parse(product) if isinstance(product, str) else product for product in products)
        object.__setattr__(self, "products", tuple(read))

    def allows(self, product: str, version: str | ProductVersion) -> bool:
        """Whether this version of the product can use the template."""
        return _native.support_allows(self, product, str(version))

    def __iter__(self) -> Iterator[Product]:
        return iter(self.products)

    def __len__(self) -> int:
        return len(self.products)

    def __str__(self) -> str:
        return ",".join(map(str, self.products))


@dataclass(frozen=True)
class SshPublicKey:
    """Whether a template takes public SSH keys, and in which form."""

    accepted: bool = False
    base64: bool = False
    """The keys are passed in base64."""


@dataclass(frozen=True)
class Description:
    """A description of a template in one language."""

    language: str | None
    text: str


@dataclass(frozen=True)
class MetainfoFields:
    """All fields of a metainfo.xml as plain values; a missing one is None or empty."""

    os_name: str | None = None
    limits: Limits = Limits()
    support: Support = Support()
    tags: tuple[str, ...] = ()
    template_version: str | None = None
    image_file: str | None = None
    script_file: str | None = None
    reboot_count: int = 1
    template_type: str | None = None
    virtio_disk: bool = False
    virtio_net: bool = False
    declared_macros: tuple[str, ...] = ()
    illegal_password_characters: str | None = None
    ssh_public_key: SshPublicKey = SshPublicKey()
    password_method: str | None = None
    date: str | None = None
    install_result: str | None = None
    network_install: Mapping[str, str] = field(default_factory=dict[str, str], hash=False)
    """The elements of a network-install template by element name."""


# Macros and scripts


@dataclass(frozen=True)
class MacroInfo:
    """A macro that the platform knows."""

    name: str
    """The bare name, as in `($NAME)`."""
    kind: MacroKind
    meaning: str

    @staticmethod
    def catalogue() -> list[MacroInfo]:
        """Every macro that the platform is known to fill in."""
        return _native.macro_catalogue()

    @staticmethod
    def lookup(name: str) -> MacroInfo | None:
        """The macro with this bare name. Case matters, as it does for the platform.

        >>> import vmtemplate as vt
        >>> vt.MacroInfo.lookup("PASS").kind
        <MacroKind.PASSWORD: 'password'>
        """
        return _native.macro_lookup(name)

    @staticmethod
    def nearest(name: str) -> MacroInfo | None:
        """The known macro that an unknown name probably means."""
        return _native.macro_nearest(name)


@dataclass(frozen=True)
class MacroUse:
    """A macro in a text."""

    name: MacroName
    start: int
    """The offset of its first byte in the UTF-8 form of a text, or in the bytes of a script."""
    end: int
    """The offset after its last byte."""
    position: Position


@dataclass(frozen=True)
class ScriptInfo:
    """A summary of a script."""

    line_ending: LineEnding
    encoding: ScriptEncoding
    macros: tuple[str, ...]


# Archives


@dataclass(frozen=True)
class ArchiveEntry:
    """A file of an archive."""

    name: str
    """Its name, with `/` between folders."""
    size: int
    """Its size in bytes, including holes."""


@dataclass(frozen=True)
class UnpackLimits:
    """Bounds on hostile archives."""

    entries: int = 1000
    """The number of files and folders."""
    total_size: int = 16 << 40
    """Bytes of all files together, including holes."""
    name_length: int = 255
    """Bytes in the name of a file or folder."""
    path_depth: int = 16
    """The depth of nested folders."""
    ratio: int = 1100
    """Bytes of the tar stream for each byte of the archive, from its start to any position."""
    header_chain: int = 8
    """Consecutive headers that describe the next entry."""
    header_size: int = 1 << 20
    """Bytes in one such header."""


@dataclass(frozen=True)
class VerifiedFile:
    """A file of a verified archive."""

    name: str
    size: int
    sha256: str
    """The SHA-256 in 64 hexadecimal digits."""


@dataclass(frozen=True)
class Verified:
    """The result of verifying an archive."""

    sha256: str
    """The SHA-256 of the archive in 64 hexadecimal digits."""
    archive_bytes: int
    has_index: bool
    """Whether it has the index that allows opening it without reading all of it."""
    files: tuple[VerifiedFile, ...]


@dataclass(frozen=True)
class KeptVolume:
    """Why the free space of a volume was kept."""

    reason: KeptReason
    detail: str
    """A message: what was found, and what to do about it."""


@dataclass(frozen=True)
class VolumeFreeSpace:
    """What happened to the free space of a volume. All sizes are in bytes."""

    partition: int | None
    """The number of the partition; None if the whole disk is the volume."""
    offset: int
    length: int
    label: str | None
    cluster_size: int | None
    dropped: int
    """How much was left out, including page files."""
    page_files: int
    """How much of that was in page files."""
    shadow_copies: int
    """The number of shadow copies on the volume. Their content is lost if free space is left out."""
    kept: KeptVolume | None
    """Why nothing was left out; None if free space was left out."""


@dataclass(frozen=True)
class FreeSpaceReport:
    """What happened to the free space of a disk."""

    free_space: FreeSpace
    """The option that was given."""
    table_damage: str | None
    """Why the disk was not searched for volumes: the partition table cannot be read."""
    volumes: tuple[VolumeFreeSpace, ...]

    @property
    def dropped(self) -> int:
        """The number of bytes that were left out of all volumes."""
        return sum(volume.dropped for volume in self.volumes)


@dataclass(frozen=True)
class Usage:
    """What the bytes of a disk, or of the files of an archive, are. Every byte is counted once."""

    data: int
    """Bytes that are read and hold something. Where nothing was read yet: bytes that would have to be read."""
    zeros: int
    """Bytes that were read and proved to be complete blocks of zeros."""
    holes: int
    """Bytes that the map of the image records as zero, so that they are not read."""
    free: int
    """Bytes that the file system in the image marks free, so that they are not read."""

    @property
    def read(self) -> int:
        """The bytes that are read: `data` and `zeros`."""
        return self.data + self.zeros

    @property
    def total(self) -> int:
        """All bytes."""
        return self.read + self.holes + self.free


@dataclass(frozen=True)
class PackSummary:
    """A summary of packing. All sizes are in bytes."""

    archive_bytes: int
    """The size of the archive."""
    content_bytes: int
    """The size of all files in it after unpacking."""
    usage: Usage
    """What the bytes of these files are, and which of them had to be read."""
    free_space: FreeSpaceReport
    left_behind: tuple[str, ...]
    """The files of the template's folder that are not in the archive, because the metadata does not name them. A folder
    without named files is listed once, with a slash at its end. At most 1000 are listed."""
    missing: tuple[str, ...]
    """Files, besides image and script, that the metadata names and that do not exist: `pxelinuxcfg: pxe.cfg`."""


# Disks


@dataclass(frozen=True)
class Extent:
    """A part of a disk whose bytes are of one kind."""

    offset: int
    length: int
    kind: ExtentKind

    @property
    def end(self) -> int:
        """The offset after its last byte."""
        return self.offset + self.length


@dataclass(frozen=True)
class RawSummary:
    """A summary of writing a raw file. All sizes are in bytes."""

    size: int
    """The size of the disk, and of the file."""
    usage: Usage
    """What the bytes of the disk are, and which of them had to be read. `usage.data` is what was written."""
    free_space: FreeSpaceReport


@dataclass(frozen=True)
class PartitionKind:
    """What a partition is for: a byte in an MBR, a GUID in a GPT."""

    text: str
    """A description: `NTFS or exFAT (07)`."""
    mbr: int | None
    gpt: uuid.UUID | None
    name: str | None
    """The name of the type, if it is known."""
    is_recovery: bool
    """Whether it is a Windows recovery partition."""
    is_efi_system: bool
    """Whether it contains the boot loaders."""
    is_extended: bool
    """Whether it only contains the logical partitions of an MBR."""

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True)
class Partition:
    """A partition of a disk. Offset and length are in bytes."""

    index: int
    """Its number as operating systems count: the entry in the table from 1; logical partitions from 5."""
    offset: int
    length: int
    kind: PartitionKind
    name: str
    """Its name in a GPT; empty otherwise."""
    active: bool
    id: uuid.UUID | None
    """Its own GUID on a GPT disk."""


@dataclass(frozen=True)
class PartitionTable:
    """The partition table of a disk."""

    scheme: PartitionScheme
    sector_size: int
    """The sector size of the table in bytes: 512 or 4096."""
    disk_id: str | None
    """The GUID of a GPT disk, or the signature of an MBR disk as eight hex digits."""
    partitions: tuple[Partition, ...]
    warnings: tuple[str, ...]
    """Problems of the table that did not prevent reading it."""
    notes: tuple[str, ...]
    """Deviations from the specification that firmware and operating systems accept, such as a GPT whose backup is not
    in the last sector, because the disk was enlarged."""

    @staticmethod
    def read(disk: DiskImage) -> PartitionTable:
        """The partition table of a disk.

        >>> import vmtemplate as vt
        >>> vt.PartitionTable.read(vt.DiskImage.from_bytes(bytes(1 << 20))).scheme
        <PartitionScheme.NONE: 'none'>
        """
        return _native.read_partition_table(disk)


@dataclass(frozen=True)
class DiskInfo:
    """What a disk contains. All sizes are in bytes."""

    format: str
    size: int
    usage: Usage
    """What packing would read, and what it would leave out. Nothing was read for it, so no zeros were found."""
    partitions: PartitionTable | None
    """The partition table; None if it is not known, for the reason in `free_space`."""
    free_space: FreeSpaceReport


@dataclass(frozen=True)
class NtfsEntry:
    """A file or folder in a folder of an NTFS volume."""

    name: str
    is_folder: bool
    size: int


@dataclass(frozen=True)
class WindowsInfo:
    """The Windows that is installed on a disk; what is not known is None."""

    product: str | None = None
    """The name that users see: `Windows Server 2019 Standard`."""
    edition: str | None = None
    installation: str | None = None
    """`Client`, `Server` or `Server Core`."""
    version: str | None = None
    """The version that users see: `1809`, `22H2`."""
    build: str | None = None
    architecture: str | None = None
    language: str | None = None
    image_state: str | None = None
    """The state of Windows Setup: `IMAGE_STATE_COMPLETE`, or another one after Sysprep was run."""
    text: str = ""
    """Everything in one line."""

    @staticmethod
    def read(disk: DiskImage) -> WindowsInfo | None:
        """The Windows that this disk starts; None if none was found.

        >>> import vmtemplate as vt
        >>> vt.WindowsInfo.read(vt.DiskImage.from_bytes(bytes(1 << 20))) is None
        True
        """
        return _native.read_windows_info(disk)

    def __str__(self) -> str:
        return self.text


# Checks


@dataclass(frozen=True)
class Rule:
    """A rule of a check; docs/rules.md lists all of them."""

    code: str
    severity: Severity
    title: str
    """What the rule requires."""
    why: str
    fix: str
    """How to fix what breaks the rule."""
    step: str
    """The step of the platform's guide."""

    @staticmethod
    def all() -> list[Rule]:
        """Every rule, in the order of their codes.

        >>> import vmtemplate as vt
        >>> vt.Rule.all()[0].code
        'VMT0101'
        """
        return _native.all_rules()

    @staticmethod
    def by_code(code: str) -> Rule | None:
        """The rule with this code; case is ignored."""
        return _native.rule_by_code(code)


@dataclass(frozen=True)
class Place:
    """The place of a finding."""

    file: str | None = None
    partition: int | None = None
    path: str | None = None
    """The path inside a volume of the image."""
    position: Position | None = None
    text: str = ""
    """Everything in one line."""

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True)
class Excerpt:
    """The line that a finding concerns."""

    line: str
    column: int
    """The column in it at which the finding begins, in characters from 1."""
    length: int


@dataclass(frozen=True)
class Finding:
    """A problem that a check found."""

    rule: Rule
    severity: Severity
    place: Place
    message: str
    fix: str
    excerpt: Excerpt | None
    text: str
    """Everything in one line."""

    @property
    def code(self) -> str:
        """The code of the rule that it breaks."""
        return self.rule.code

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True)
class Summary:
    """The number of findings of each severity."""

    errors: int
    warnings: int
    notes: int
    text: str
    """As text: `1 error, 2 warnings`."""

    def __str__(self) -> str:
        return self.text


_ORDER = list(Severity)


@dataclass(frozen=True)
class Report:
    """The findings of a check. Iterating over it returns the findings, and `len` returns their number.

    >>> import vmtemplate as vt
    >>> report = vt.Script("@echo off\\necho hello\\n").lint()
    >>> report.has(vt.Severity.ERROR)
    True
    """

    findings: tuple[Finding, ...]
    summary: Summary
    _json: str = field(repr=False)
    _sarif: str = field(repr=False)

    def has(self, severity: Severity | str) -> bool:
        """Whether a finding has this or a higher severity."""
        least = _ORDER.index(Severity(severity))
        return any(_ORDER.index(finding.severity) >= least for finding in self.findings)

    def to_json(self) -> str:
        """The report as JSON, as `vmtemplate check --json` prints it."""
        return self._json

    def to_sarif(self) -> str:
        """The report as SARIF 2.1.0, which code hosts display next to the code."""
        return self._sarif

    def __iter__(self) -> Iterator[Finding]:
        return iter(self.findings)

    def __len__(self) -> int:
        return len(self.findings)

    def __bool__(self) -> bool:
        # A report without findings is still a report.
        return True

    @overload
    def __getitem__(self, index: int) -> Finding: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[Finding, ...]: ...
    def __getitem__(self, index: int | slice) -> Finding | tuple[Finding, ...]:
        return self.findings[index]


# Templates and repositories


@dataclass(frozen=True)
class TemplateInfo:
    """Everything about a template that is known without reading its image."""

    metainfo: MetainfoFields
    script: ScriptInfo | None
    files: tuple[ArchiveEntry, ...]


@dataclass(frozen=True)
class RepositoryEntry:
    """The entry of a template in a repository's description."""

    name: str
    """The name that users see."""
    tags: tuple[str, ...]
    file_name: str
    """The file name of the archive, in the folder of the description; empty if the entry names none."""
    image_name: str | None
    expand: str | None
    """The partition that grows with the disk, such as `/dev/sda2`."""
    network_device: str | None
    archive_size_mib: int | None
    hdd_mib_required: int | None
    min_ram_mib: int | None
    template_version: str | None
    template_type: str | None
    products: tuple[str, ...]
    """The products that can use it, each in the form of `Product.parse`: `VMmgr`, or `VMmgr:5.4.0` (VMmanager 5)."""
    modified_utc: str | None
    """The modification time of the archive, as `YYYY-MM-DD hh:mm:ss` in UTC."""
    urls: tuple[str, ...]
    other: Mapping[str, str] = field(hash=False)
    """All other keys, each with its value as written in the description."""
    position: Position | None
    """The position of the entry in the description."""
    kind: TemplateKind
    family: OsFamily | None
    """The operating system family that the platform recognises by the name."""

    @property
    def modified(self) -> datetime | None:
        """The modification time of the archive; None if the entry has none, or has it in another form."""
        try:
            read = datetime.strptime(self.modified_utc or "", "%Y-%m-%d %H:%M:%S")
        except ValueError:
            return None
        return read.replace(tzinfo=timezone.utc)


@dataclass(frozen=True)
class Fetched:
    """An archive that was fetched from a repository."""

    entry: RepositoryEntry
    """The entry of the template."""
    path: Path
    """The path of the archive."""
    archive_bytes: int
    """Its size in bytes."""
    resumed_at: int
    """The number of bytes that were kept from an interrupted fetch."""
    sha256: str
    """The SHA-256 in 64 hexadecimal digits."""
    has_checksum: bool
    """Whether SHA256SUMS lists this checksum; if not, only the archive's own checksums were compared."""


@dataclass(frozen=True)
class Pushed:
    """A template that was packed into a repository."""

    entry: RepositoryEntry
    """The new entry of the template."""
    pack: PackSummary
    """The summary of packing."""
    sha256: str
    """The SHA-256 of the archive in 64 hexadecimal digits."""


@dataclass(frozen=True)
class Synced:
    """The result of updating a description."""

    updated: tuple[str, ...]
    """The archives whose size or checksum was updated."""
    missing: tuple[str, ...]
    """The archives that the description names and that do not exist. Their entries stay unchanged."""
    damaged: Mapping[str, str] = field(default_factory=dict[str, str], hash=False)
    """The damaged archives, each with the reason. Their entries stay unchanged."""
