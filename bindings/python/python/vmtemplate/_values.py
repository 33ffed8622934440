"""Plain values: what goes into the library and what comes out of it, as frozen dataclasses."""

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
    LineEnds,
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
    """How far long work has come."""

    bytes: int
    """The bytes that are done."""
    total: int
    """The bytes that there are; 0 where that is not known."""

    @property
    def fraction(self) -> float:
        """From 0 to 1; 0 where the total is not known.

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
    """A machine that is to be made, as far as limits ask for it."""

    memory_mib: int
    disk_mb: int
    primary_address: AddressFamily = AddressFamily.IPV4


@dataclass(frozen=True)
class LimitMiss:
    """A limit that a machine does not meet."""

    limit: str
    """`primary_address`, `memory` or `disk`."""
    found: int | AddressFamily
    """What the machine has: MiB of memory, MB of disk, or the family of its address."""
    required: int | None
    """What the template needs; None for an address."""
    message: str
    """All of it, for people."""

    def __str__(self) -> str:
        return self.message


@dataclass(frozen=True)
class Limits:
    """What a machine must have for a template. What is None is not limited.

    >>> import vmtemplate as vt
    >>> limits = vt.Limits(ipv4=True, memory_mib=1024)
    >>> [miss.message for miss in limits.check(vt.VmSpec(memory_mib=512, disk_mb=20000))]
    ['the VM has 512 MiB of memory; the template needs at least 1024 MiB']
    """

    ipv4: bool | None = None
    """Whether the main address may be IPv4."""
    ipv6: bool | None = None
    """Whether the main address may be IPv6."""
    memory_mib: int | None = None
    """The least memory, in MiB."""
    disk_mb: int | None = None
    """The least disk, in MB (10^6 bytes)."""
    other: Mapping[str, str] = field(default_factory=dict[str, str], hash=False)
    """Limits of other names, as text."""

    def check(self, vm: VmSpec) -> list[LimitMiss]:
        """What this machine lacks; empty if the template can be used for it."""
        return _native.check_limits(self, vm)


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
        """Read a version as the platform does: missing parts are 0, and what follows the digits and dots is dropped."""
        return ProductVersion(*_native.parse_product_version(text))

    def __str__(self) -> str:
        return f"{self.major}.{self.minor}.{self.patch}"


@dataclass(frozen=True)
class Product:
    """A product that can use a template, and the least version of it that can."""

    name: str
    min_version: ProductVersion | None = None
    """Every version can if it is None."""

    @staticmethod
    def parse(text: str) -> Product:
        """Read `VMmgr` or `VMmgr:5.45`.

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
    """Whether a template takes public SSH keys, and how."""

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
    """Everything that a metainfo.xml says, as plain values; what is not there is None or empty."""

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
    """The elements of a network-install template by their names in the file."""


# Macros and scripts


@dataclass(frozen=True)
class MacroInfo:
    """What is known of a macro of the platform."""

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
        """The macro of this bare name. Case counts, as it does for the platform.

        >>> import vmtemplate as vt
        >>> vt.MacroInfo.lookup("PASS").kind
        <MacroKind.PASSWORD: 'password'>
        """
        return _native.macro_lookup(name)

    @staticmethod
    def nearest(name: str) -> MacroInfo | None:
        """The known macro that was probably meant by an unknown name."""
        return _native.macro_nearest(name)


@dataclass(frozen=True)
class MacroUse:
    """A macro that stands in a text."""

    name: MacroName
    start: int
    """Where it begins, in bytes of the text in UTF-8, or of the script as it is."""
    end: int
    """Where it ends."""
    position: Position


@dataclass(frozen=True)
class ScriptInfo:
    """What there is to know of a script at a glance."""

    line_ends: LineEnds
    encoding: ScriptEncoding
    macros: tuple[str, ...]


# Archives


@dataclass(frozen=True)
class ArchiveEntry:
    """A file of an archive."""

    name: str
    """Its name, with `/` between folders."""
    size: int
    """Its size in bytes, holes included."""


@dataclass(frozen=True)
class UnpackLimits:
    """Bounds on hostile archives."""

    entries: int = 1000
    """Files and folders."""
    total_size: int = 16 << 40
    """Bytes of all files together, holes included."""
    name_length: int = 255
    """Bytes of the name of one file or folder."""
    path_depth: int = 16
    """Folders inside folders."""
    ratio: int = 1100
    """Bytes of the tar stream for each byte of the archive, from its start to any place."""
    header_chain: int = 8
    """Headers that describe the next entry in a row."""
    header_size: int = 1 << 20
    """Bytes of one such header."""


@dataclass(frozen=True)
class VerifiedFile:
    """A file of an archive that was read to its end."""

    name: str
    size: int
    sha256: str
    """64 hexadecimal digits."""


@dataclass(frozen=True)
class Verified:
    """What an archive holds that was read to its end."""

    sha256: str
    """Of the archive itself, 64 hexadecimal digits."""
    archive_bytes: int
    has_index: bool
    """Whether it has the index by which it is opened without being read."""
    files: tuple[VerifiedFile, ...]


@dataclass(frozen=True)
class KeptWhole:
    """Why the free space of a volume was kept."""

    reason: KeptReason
    detail: str
    """For people: what was found, and what to do about it."""


@dataclass(frozen=True)
class VolumeFreeSpace:
    """What became of the free space of one volume. All sizes are in bytes."""

    partition: int | None
    """None if the whole disk is the volume."""
    offset: int
    length: int
    label: str | None
    cluster_size: int | None
    dropped: int
    """What was left out, page files included."""
    page_files: int
    """What of it were page files."""
    shadow_copies: int
    """How many shadow copies the volume holds. Their content is lost where free space is left out."""
    kept: KeptWhole | None
    """Why nothing was left out."""


@dataclass(frozen=True)
class FreeSpaceReport:
    """What became of the free space of a disk."""

    free_space: FreeSpace
    """What was asked for."""
    table_damage: str | None
    """Why no volume was looked for: the partition table is not readable."""
    volumes: tuple[VolumeFreeSpace, ...]

    @property
    def dropped(self) -> int:
        """The bytes that were left out of all volumes."""
        return sum(volume.dropped for volume in self.volumes)


@dataclass(frozen=True)
class PackSummary:
    """What packing did. All sizes are in bytes."""

    archive_bytes: int
    """The size of the archive."""
    content_bytes: int
    """The size of all files in it, as they will be unpacked."""
    data_read: int
    """What had to be read."""
    zeros_found: int
    """What was read and found to be whole chunks of zeros."""
    holes: int
    """What the map of the image told to be zero, and was not read."""
    free: int
    """What the file system in the image marks free, and was not read."""
    free_space: FreeSpaceReport
    left_behind: tuple[str, ...]
    """The files of the template's folder that the metadata does not name, and that are not in the archive. A folder of
    which nothing is named is told as one, with a slash at its end. At most 1000 are told."""
    missing: tuple[str, ...]
    """What the metadata names beside image and script, and is not there: `pxelinuxcfg: pxe.cfg`."""


# Disks


@dataclass(frozen=True)
class Extent:
    """A part of a disk of which one thing is known before it is read."""

    offset: int
    length: int
    kind: ExtentKind

    @property
    def end(self) -> int:
        """Where it ends."""
        return self.offset + self.length


@dataclass(frozen=True)
class RawSummary:
    """What writing a raw file did. All sizes are in bytes."""

    size: int
    """The size of the disk, and of the file."""
    read: int
    written: int
    """All else is holes."""
    zero: int
    """Read and found to be zeros."""
    hole: int
    """Known to be zeros by the map of the image, so not read."""
    free: int
    """Marked free by the file system, so not read."""
    free_space: FreeSpaceReport


@dataclass(frozen=True)
class PartitionKind:
    """What a partition is for: a byte in an MBR, a GUID in a GPT."""

    text: str
    """For people: `NTFS or exFAT (07)`."""
    mbr: int | None
    gpt: uuid.UUID | None
    name: str | None
    """What the type is called, if that is known."""
    is_recovery: bool
    """Whether it is a Windows recovery partition."""
    is_efi_system: bool
    """Whether it holds the boot loaders."""
    is_extended: bool
    """Whether it only holds the logical partitions of an MBR."""

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True)
class Partition:
    """A partition of a disk. Offset and length are in bytes."""

    index: int
    """Its number as the systems count: the place in the table from 1; logical partitions from 5."""
    offset: int
    length: int
    kind: PartitionKind
    name: str
    """The name that a GPT gives it; empty otherwise."""
    active: bool
    id: uuid.UUID | None
    """Its own GUID on a GPT disk."""


@dataclass(frozen=True)
class PartitionTable:
    """How a disk is divided."""

    scheme: PartitionScheme
    sector_size: int
    """The unit of the table in bytes: 512 or 4096."""
    disk_id: str | None
    """The GUID of a GPT disk, or the signature of an MBR disk as eight hex digits."""
    partitions: tuple[Partition, ...]
    warnings: tuple[str, ...]
    """What is wrong with the table, and did not keep it from being read."""
    notes: tuple[str, ...]
    """How the table deviates from its specification where firmware and systems take it as it is: a GPT whose backup is
    not in the last sector, because the disk was enlarged."""

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
    """What a disk holds. All sizes are in bytes."""

    format: str
    size: int
    data: int
    """What packing would read, with free space left out."""
    holes: int
    free: int
    partitions: PartitionTable | None
    """None if that cannot be told, for the reason that `free_space` gives."""
    free_space: FreeSpaceReport


@dataclass(frozen=True)
class NtfsEntry:
    """A file or folder in a folder of an NTFS volume."""

    name: str
    is_folder: bool
    size: int


@dataclass(frozen=True)
class WindowsInfo:
    """Which Windows is installed on a disk; what cannot be told is None."""

    product: str | None = None
    """The name that is shown: `Windows Server 2019 Standard`."""
    edition: str | None = None
    installation: str | None = None
    """`Client`, `Server` or `Server Core`."""
    version: str | None = None
    """The version that is shown: `1809`, `22H2`."""
    build: str | None = None
    architecture: str | None = None
    language: str | None = None
    image_state: str | None = None
    """The state of Windows Setup: `IMAGE_STATE_COMPLETE`, or another if Sysprep was run."""
    text: str = ""
    """All of it in one line."""

    @staticmethod
    def read(disk: DiskImage) -> WindowsInfo | None:
        """Which Windows this disk starts; None if none was found.

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
    """What is checked: a row of the tables that docs/rules.md shows."""

    code: str
    severity: Severity
    title: str
    """What holds when all is well."""
    why: str
    fix: str
    """How to mend it."""
    step: str
    """The step of the guide."""

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
        """The rule of this code, without regard to case."""
        return _native.rule_by_code(code)


@dataclass(frozen=True)
class Place:
    """Where something was found."""

    file: str | None = None
    partition: int | None = None
    path: str | None = None
    """The path inside a volume of the image."""
    position: Position | None = None
    text: str = ""
    """All of it in one line."""

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True)
class Excerpt:
    """The line that a finding is about."""

    line: str
    column: int
    """Where in it the finding begins, in characters from 1."""
    length: int


@dataclass(frozen=True)
class Finding:
    """Something that a check has to say."""

    rule: Rule
    severity: Severity
    place: Place
    message: str
    fix: str
    excerpt: Excerpt | None
    text: str
    """All of it in one line."""

    @property
    def code(self) -> str:
        """The code of its rule."""
        return self.rule.code

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True)
class Summary:
    """How many findings there are of each severity."""

    errors: int
    warnings: int
    notes: int
    text: str
    """For people: `1 error, 2 warnings`."""

    def __str__(self) -> str:
        return self.text


_ORDER = list(Severity)


@dataclass(frozen=True)
class Report:
    """What a check found. It is iterated as the list of its findings, and has a length as that has.

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
        """Whether there is a finding of this severity or a worse one."""
        least = _ORDER.index(Severity(severity))
        return any(_ORDER.index(finding.severity) >= least for finding in self.findings)

    def to_json(self) -> str:
        """The report as JSON, as `vmtemplate check --json` prints it."""
        return self._json

    def to_sarif(self) -> str:
        """The report as SARIF 2.1.0, which code hosts show beside the code."""
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
    """All that can be told of a template without reading its image."""

    metainfo: MetainfoFields
    script: ScriptInfo | None
    files: tuple[ArchiveEntry, ...]


@dataclass(frozen=True)
class RepositoryEntry:
    """One template as a repository describes it."""

    name: str
    """The name that users see."""
    tags: tuple[str, ...]
    file_name: str
    """The archive, beside the description; empty if the entry names none."""
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
    """The products that can use it, each as `Product.parse` reads it: `VMmgr`, or `VMmgr:5.4.0` (VMmanager 5)."""
    modified_utc: str | None
    """When the archive changed, as `YYYY-MM-DD hh:mm:ss` in UTC."""
    urls: tuple[str, ...]
    other: Mapping[str, str] = field(hash=False)
    """All other keys, each with its value as it stands in the description."""
    position: Position | None
    """Where the entry begins in the description."""
    kind: TemplateKind
    family: OsFamily | None
    """What the platform takes from the name."""

    @property
    def modified(self) -> datetime | None:
        """When the archive changed; None if that is not said, or in another form."""
        try:
            read = datetime.strptime(self.modified_utc or "", "%Y-%m-%d %H:%M:%S")
        except ValueError:
            return None
        return read.replace(tzinfo=timezone.utc)


@dataclass(frozen=True)
class Fetched:
    """An archive that was fetched from a repository."""

    entry: RepositoryEntry
    """What the repository says of the template."""
    path: Path
    """Where the archive is now."""
    archive_bytes: int
    """Its size."""
    resumed_at: int
    """How many bytes of it were there already."""
    sha256: str
    """64 hexadecimal digits."""
    has_checksum: bool
    """Whether SHA256SUMS has this checksum; if not, only the archive's own checksums were compared."""


@dataclass(frozen=True)
class Pushed:
    """A template that was packed into a repository."""

    entry: RepositoryEntry
    """What the description says now."""
    pack: PackSummary
    """What packing did."""
    sha256: str
    """That of the archive, 64 hexadecimal digits."""


@dataclass(frozen=True)
class Synced:
    """What bringing a description up to date did."""

    updated: tuple[str, ...]
    """The archives whose size or checksum was written anew."""
    missing: tuple[str, ...]
    """The archives that the description names and that are not there. What is said of them stays as it was."""
    damaged: Mapping[str, str] = field(default_factory=dict[str, str], hash=False)
    """The archives that are not sound, each with the reason. What is said of them stays as it was."""
