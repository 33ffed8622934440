"""Plain values: arguments and results of the library.

Generated from the sources of the library by the test `generated`; `UPDATE_PYTHON=1 cargo test -p vmtemplate-python
--test generated` writes it anew.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from . import _methods, _native
from ._enums import (
    AddressFamily,
    ExtentKind,
    FreeSpace,
    KeptReason,
    LineEnding,
    MacroKind,
    PartitionScheme,
    ScriptEncoding,
    Severity,
)
from ._methods import MacroName, ProductVersion, Support

# Work and text


@dataclass(frozen=True)
class Progress(_methods.Progress):
    """The progress of long work."""

    bytes: int
    """Bytes of content that are done. Holes count as soon as they are passed."""
    total: int
    """Bytes of content in all; 0 when that is not known, as with a stream."""


class Position(NamedTuple):
    """A place in a text, as editors count it: the first line is 1, the first column is 1.

    A column counts characters, not bytes.
    """

    line: int
    """The line, from 1."""
    column: int
    """The column in characters, from 1."""

    def __str__(self) -> str:
        return _native.text("Position", self)


# metainfo.xml


@dataclass(frozen=True)
class VmSpec:
    """The VM that a template is meant for."""

    memory_mib: int
    """Its memory, in MiB (2^20 bytes)."""
    disk_mb: int
    """The size of its disk, in MB (10^6 bytes)."""
    primary_address: AddressFamily = AddressFamily.IPV4
    """The family of its first address: the one that the platform gives it when it is created, and that the macro
    `($IP)` stands for. Addresses that it gets besides do not matter for a limit.
    """


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
class Limits(_methods.Limits):
    """The limits of a template. The platform does not create a VM that misses one of them.

    Its JSON form has the same names; what is not set is left out.
    """

    ipv4: bool | None = None
    """`ipv4`: whether the primary address of the VM may be an IPv4 address. Not set: it may."""
    ipv6: bool | None = None
    """`ipv6`: whether the primary address of the VM may be an IPv6 address. Not set: it may."""
    memory_mib: int | None = None
    """`mem`: the least memory, in MiB (2^20 bytes)."""
    disk_mb: int | None = None
    """`disk`: the least size of the disk, in MB (10^6 bytes)."""
    other: Mapping[str, str] = field(default_factory=dict[str, str], hash=False)
    """Limits of any other name, as text. What they mean is not known, and `Limits.unmet` passes over them."""


@dataclass(frozen=True)
class Product(_methods.Product):
    """One product that can use a template, and the least version of it that can.

    As text it is `VMmgr` or `VMmgr:5.4.0`; its JSON form is an object of `name` and `min_version`.
    """

    name: str
    """`VMmgr`, `DCImgr` or `VEmgr`, or another; compared without regard to case."""
    min_version: ProductVersion | None = None
    """The least version that can use the template; every one if there is none."""

    def __str__(self) -> str:
        return _native.text("Product", self)


@dataclass(frozen=True)
class SshPublicKey:
    """Whether a template takes public SSH keys, and how."""

    accepted: bool = False
    """The text of `sshpublickey` is `yes`."""
    base64: bool = False
    """Its attribute `base64` is `yes`: the keys are passed in base64."""


@dataclass(frozen=True)
class Description:
    """A description of the template in one language."""

    language: str | None
    """The attribute `lang`."""
    text: str
    """The text."""


@dataclass(frozen=True)
class MetainfoFields:
    """Everything that a metainfo.xml says, as plain values; what is missing is `None` or empty.

    Its JSON form has the same names. What is missing is left out when it is written, and may be left out when it is
    read; a name that is not known is an error.

    Descriptions and external addresses of network-install templates are not part of it; see `Metainfo.descriptions` and
    `Metainfo.external_urls`.
    """

    os_name: str | None = None
    """The name of the operating system."""
    limits: Limits = Limits()
    """What a VM must have."""
    support: Support = Support()
    """The products that can use the template."""
    tags: tuple[str, ...] = ()
    """The tags."""
    template_version: str | None = None
    """The version of the template."""
    image_file: str | None = None
    """The file name of the disk image."""
    script_file: str | None = None
    """The file name of the setup script."""
    reboot_count: int = 1
    """The reboots after which the operating system counts as installed; 1 if nothing else is said."""
    template_type: str | None = None
    """`ostemplate` for an OS template."""
    virtio_disk: bool = False
    """Whether the system has drivers for virtio disks."""
    virtio_net: bool = False
    """Whether the system has drivers for virtio network cards."""
    declared_macros: tuple[str, ...] = ()
    """The macros that the platform passes to the template, as `($NAME)`."""
    illegal_password_characters: str | None = None
    """The characters that a password must not have."""
    ssh_public_key: SshPublicKey = SshPublicKey()
    """Whether the template takes public SSH keys."""
    password_method: str | None = None
    """How a password is changed, in an installed template."""
    date: str | None = None
    """The time of an installed template, `YYYY-MM-DD hh:mm:ss`."""
    install_result: str | None = None
    """The result of an installed template."""
    network_install: Mapping[str, str] = field(default_factory=dict[str, str], hash=False)
    """The elements of a network-install template by their names in the file: `kernel`, `initrd`, `nfsshare` …."""


# Macros and scripts


@dataclass(frozen=True)
class MacroInfo(_methods.MacroInfo):
    """What is known about one macro of the platform."""

    name: str
    """The bare name, as in `($NAME)`."""
    kind: MacroKind
    """What the value is."""
    meaning: str
    """What the value means, in one line."""


@dataclass(frozen=True)
class MacroUse:
    """A macro in a text."""

    name: MacroName
    """Which macro it is."""
    start: int
    """The offset of its first byte in the UTF-8 form of a text, or in the bytes of a script."""
    end: int
    """The offset after its last byte."""
    position: Position
    """Where its `(` is."""


@dataclass(frozen=True)
class ScriptInfo:
    """What is known of a setup script without running it."""

    line_ending: LineEnding
    """How its lines end."""
    encoding: ScriptEncoding
    """How its characters are encoded."""
    macros: tuple[str, ...]
    """The macros that it uses, each once, in the order of their first use: those that the platform is known to fill in,
    and those that metainfo.xml declares.
    """


# Archives


@dataclass(frozen=True)
class ArchiveEntry:
    """A file in an archive."""

    name: str
    """Its name, with `/` between folders."""
    size: int
    """Its size in bytes, holes included."""


@dataclass(frozen=True)
class UnpackLimits:
    """Bounds on what an archive may hold. The defaults let an image of 2 TiB and more pass."""

    entries: int = 1000
    """Files and folders; 1000 unless set. Most templates have three files."""
    total_size: int = 16 << 40
    """Bytes of all files together, holes included; 16 TiB unless set."""
    name_length: int = 255
    """Bytes of the name of one file or folder; 255 unless set, which is what every usual file system takes."""
    path_depth: int = 16
    """Folders inside folders; 16 unless set."""
    ratio: int = 1100
    """Bytes of the tar stream for each byte of the archive, from its start to any place; 1100 unless set. One layer of
    deflate reaches 1032 on zeros, which is what an empty disk is.
    """
    header_chain: int = 8
    """Headers that describe the next entry (long names, PAX records) in a row; 8 unless set. Tools write three."""
    header_size: int = 1 << 20
    """Bytes of one such header; 1 MiB unless set."""


@dataclass(frozen=True)
class VerifiedFile:
    """A file of a verified archive."""

    name: str
    """Its name, with `/` between folders."""
    size: int
    """Its size in bytes, holes included."""
    sha256: str
    """Its SHA-256, as 64 hexadecimal digits."""


@dataclass(frozen=True)
class Verified:
    """The result of verifying an archive: it is intact, and these are its checksums."""

    sha256: str
    """The SHA-256 of the archive, as 64 hexadecimal digits."""
    archive_bytes: int
    """The size of the archive in bytes."""
    has_index: bool
    """Whether it has the index that makes it possible to open it without reading all of it."""
    files: tuple[VerifiedFile, ...]
    """Its files, in the archive's order."""


@dataclass(frozen=True)
class KeptVolume:
    """Why a volume was kept whole."""

    reason: KeptReason
    """As a program asks it."""
    detail: str
    """For people: what was found, and what to do about it."""


@dataclass(frozen=True)
class VolumeFreeSpace:
    """The free space of one volume."""

    partition: int | None
    """The number of its partition; `None` if the whole disk is the volume."""
    offset: int
    """Where it begins, in bytes of the disk."""
    length: int
    """How long its partition is, in bytes."""
    label: str | None
    """Its label, if the volume could be opened."""
    cluster_size: int | None
    """Bytes per cluster, if the volume could be opened."""
    dropped: int
    """The bytes that were left out, page files included."""
    page_files: int
    """The bytes of page files among them."""
    shadow_copies: int
    """How many shadow copies (restore points, "previous versions") the volume holds. A shadow copy consists of old
    contents of clusters that changed, and of all other clusters as they are: what was deleted since is in free ones.
    Where free space is left out, a shadow copy can still be listed, but its content is no longer whole.
    """
    kept: KeptVolume | None
    """Why nothing was left out."""


@dataclass(frozen=True)
class FreeSpaceReport(_methods.FreeSpaceReport):
    """What was left out, and what was kept for which reason."""

    free_space: FreeSpace
    """What was asked for."""
    table_damage: str | None
    """Why no volume was looked for: the partition table is not readable."""
    volumes: tuple[VolumeFreeSpace, ...]
    """The NTFS, BitLocker and ReFS volumes and the partitions of dynamic disks and Storage Spaces, in the order of the
    partition table. Volumes of other file systems are kept as they are and not listed.
    """


@dataclass(frozen=True)
class Usage(_methods.Usage):
    """What the bytes of a disk, or of the files of an archive, are. Every byte is counted once, so `total` is the size
    of the whole.
    """

    data: int
    """Bytes that are read and hold something. Where nothing was read yet: bytes that would have to be read."""
    zeros: int
    """Bytes that were read and proved to be complete blocks of zeros."""
    holes: int
    """Bytes that the map of the image records as zero, so that they are not read."""
    free: int
    """Bytes that the file system in the image marks free, so that they are not read."""


@dataclass(frozen=True)
class PackSummary:
    """The result of packing. All numbers are bytes."""

    archive_bytes: int
    """The size of the archive."""
    content_bytes: int
    """The size of all files in it, as they will be unpacked: the total of `usage`."""
    usage: Usage
    """What the bytes of these files are, and which of them had to be read."""
    free_space: FreeSpaceReport
    """The NTFS volumes of the image, and why the free space of one was kept."""
    left_behind: tuple[str, ...]
    """The files of the template's folder that metainfo.xml does not name, and that are not in the archive. A folder of
    which nothing is named is reported as one, with a slash at its end. At most 1000 are reported.
    """
    missing: tuple[str, ...]
    """The files that metainfo.xml names beside image and script, but that do not exist: `pxelinuxcfg: pxe.cfg`."""


# Disks


@dataclass(frozen=True)
class Extent(_methods.Extent):
    """A stretch of a disk of one kind. Offsets and lengths are in bytes of the virtual disk."""

    offset: int
    """Where it begins."""
    length: int
    """How long it is; never 0."""
    kind: ExtentKind
    """What is there."""


@dataclass(frozen=True)
class RawSummary:
    """The result of writing a raw file. All numbers are bytes of the virtual disk.

    Zeros that are read become holes of the file, so `usage.data` is what was written; of a stream everything is
    written.
    """

    size: int
    """The size of the disk, and of the file."""
    usage: Usage
    """What the bytes of the disk are, and which of them had to be read."""
    free_space: FreeSpaceReport
    """The NTFS volumes, and why the free space of one was kept."""


@dataclass(frozen=True)
class PartitionKind(_methods.PartitionKind):
    """The type of a partition."""

    id: str
    """Two hexadecimal digits for the byte of an MBR; the GUID of a GPT."""
    name: str | None
    """The name of the type, if it is known: `NTFS or exFAT`."""

    def __str__(self) -> str:
        return _native.text("PartitionKind", self)


@dataclass(frozen=True)
class Partition:
    """One partition."""

    index: int
    """Its number as the systems count: the place in the table from 1; logical partitions from 5."""
    offset: int
    """Where it begins, in bytes of the disk."""
    length: int
    """How long it is, in bytes. The table may state more than the disk has."""
    kind: PartitionKind
    """What it is for."""
    name: str
    """The name that a GPT gives it; empty otherwise."""
    active: bool
    """The active flag of an MBR, or "legacy BIOS bootable" of a GPT."""
    id: str | None
    """Its own GUID on a GPT disk."""


@dataclass(frozen=True)
class PartitionTable(_methods.PartitionTable):
    """The partitions of a disk."""

    scheme: PartitionScheme
    """How the disk is divided."""
    sector_size: int
    """The unit of the table in bytes: 512 or 4096."""
    disk_id: str | None
    """The GUID of a GPT disk, or the signature of an MBR disk as eight hex digits."""
    partitions: tuple[Partition, ...]
    """The partitions in the order of the table: the primary ones of an MBR, then the logical ones."""
    warnings: tuple[str, ...]
    """What is wrong with the table, and did not keep it from being read."""
    notes: tuple[str, ...]
    """How the table deviates from what its specification asks for, where firmware and systems take it as it is: the
    backup of a GPT that is not in the last sector, because the disk was enlarged.
    """


@dataclass(frozen=True)
class DiskInfo:
    """What a disk holds, and what packing would read of it: the form of `vmtemplate disk --json`. Numbers are bytes."""

    format: str
    """The format as `qemu-img` spells it."""
    size: int
    """The size of the virtual disk."""
    usage: Usage
    """What packing would read, and what it would leave out. Nothing was read for it, so no zeros were found."""
    partitions: PartitionTable | None
    """How the disk is divided; `None` if that cannot be determined, for the reason that `free_space` gives."""
    free_space: FreeSpaceReport
    """The NTFS volumes, and why the free space of one would be kept."""


@dataclass(frozen=True)
class NtfsEntry:
    """A file or folder as its folder lists it."""

    name: str
    """The long name; what is not valid UTF-16 in it is shown as U+FFFD."""
    is_folder: bool
    """Whether it is a folder."""
    size: int
    """The size that the folder notes, in bytes. Files with several hard links may have outgrown it."""


@dataclass(frozen=True)
class WindowsInfo(_methods.WindowsInfo):
    """The Windows that is installed on a disk, as its registry states. What it does not tell is `None`."""

    product: str | None
    """The name that is shown: `Windows Server 2019 Standard`."""
    edition: str | None
    """The edition as Windows identifies it: `ServerStandard`."""
    installation: str | None
    """`Client`, `Server` or `Server Core`."""
    version: str | None
    """The version that is shown: `1809`, `22H2`."""
    build: str | None
    """The build, with the number of the update where there is one: `17763.3650`."""
    architecture: str | None
    """The processor that it is made for: `x64`, `x86` or `ARM64`."""
    language: str | None
    """The language that it was installed in: `en-US`."""
    image_state: str | None
    """The state of Windows Setup: `IMAGE_STATE_COMPLETE`, or another if Sysprep was run."""

    def __str__(self) -> str:
        return _native.text("WindowsInfo", self)


# Checks


@dataclass(frozen=True)
class Rule(_methods.Rule):
    """One thing that is checked, with a code that never changes and is never used again for something else."""

    code: str
    """`VMT` and four digits; the first two are the part of the template."""
    severity: Severity
    """How much a finding of this rule matters, unless the caller chooses another severity."""
    title: str
    """What is checked, as a sentence that is true of a correct template: "every line ends with CR LF"."""
    why: str
    """Why it matters: what happens to the machine otherwise."""
    fix: str
    """How to fix it, as an instruction, unless the finding has a more specific one."""
    step: str
    """The step of the platform's guide that asks for it, by its heading; empty if the guide does not mention it."""


@dataclass(frozen=True)
class Place:
    """The place of a finding. Only what is known is set."""

    file: str | None = None
    """The file of the template."""
    partition: int | None = None
    """The number of the partition of a disk image, from 1."""
    path: str | None = None
    """The file or registry key inside that partition."""
    position: Position | None = None
    """Line and column, in the innermost file that is named."""
    text: str = ""
    """Everything in one line."""

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True)
class Excerpt:
    """The line that a finding is about, so that it can be shown with a mark under it."""

    line: str
    """The text of the line without its end, at most `Excerpt.MAX_LENGTH` characters around the mark."""
    column: int
    """Where the mark begins in `line`, in characters from 1."""
    length: int
    """How many characters it is long; at least 1."""


@dataclass(frozen=True)
class Finding(_methods.Finding):
    """A problem that a check found."""

    rule: Rule
    """The rule that it breaks."""
    severity: Severity
    """The severity: that of the rule, unless the caller asked for another."""
    place: Place
    """Where it was found."""
    message: str
    """What was found and what was expected."""
    fix: str
    """How to fix it."""
    excerpt: Excerpt | None
    """The line that it concerns, if it concerns one."""
    text: str
    """Everything in one line."""

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True)
class Summary:
    """How many findings a report has."""

    errors: int
    """Findings of `Severity.ERROR`."""
    warnings: int
    """Findings of `Severity.WARNING`."""
    notes: int
    """Findings of `Severity.NOTE`."""

    def __str__(self) -> str:
        return _native.text("Summary", self)


@dataclass(frozen=True)
class Report(_methods.Report):
    """The findings of a check. Iterating over it returns the findings, and `len` returns their number."""

    findings: tuple[Finding, ...]
    summary: Summary


# Templates and repositories


@dataclass(frozen=True)
class TemplateInfo:
    """What a template holds: the form of `vmtemplate inspect --json`."""

    metainfo: MetainfoFields
    """The metadata."""
    script: ScriptInfo | None
    """The setup script, if it is there."""
    files: tuple[ArchiveEntry, ...]
    """The files and their sizes in bytes."""


@dataclass(frozen=True)
class RepositoryEntry(_methods.RepositoryEntry):
    """One template as a repository describes it."""

    name: str
    """`name`, `osname`: the name that users see."""
    tags: tuple[str, ...]
    """`tags`: what scripts of the platform are offered by."""
    file_name: str
    """`file_name`, `filename`: the archive, beside the description; empty if the entry names none."""
    image_name: str | None = None
    """`image_name`: what the image file on a node is called after. KVM only."""
    expand: str | None = None
    """`expand`: the partition that grows with the disk, such as `/dev/sda2`. KVM only."""
    network_device: str | None = None
    """`network_device`: the name of the network device. KVM only."""
    archive_size_mib: int | None = None
    """`archive_size_mib`: the size of the archive in MiB, rounded up. Where the description does not say it,
    `Repository.list` takes it from the archive.
    """
    hdd_mib_required: int | None = None
    """`hdd_mib_required`: the smallest disk, in MiB. The platform's API shows it; it is written only when asked for."""
    min_ram_mib: int | None = None
    """`min_ram_mib`: the least memory, in MiB. As above."""
    template_version: str | None = None
    """`version` (VMmanager 5). VMmanager 6 has no such key; `Repository.list` takes it from the archive's metainfo.xml.
    """
    template_type: str | None = None
    """`type` (VMmanager 5)."""
    products: tuple[str, ...] = ()
    """`support`: the products that can use it, each as `Product` reads it: `VMmgr`, or `VMmgr:5.4.0` with the least
    version (VMmanager 5).
    """
    modified_utc: str | None = None
    """`utcmtime`: when the archive changed, as `YYYY-MM-DD hh:mm:ss` in UTC (VMmanager 5). VMmanager 6 has no such key;
    `Repository.list` takes it from the archive.
    """
    urls: tuple[str, ...] = ()
    """`externals`: URLs of archives elsewhere (VMmanager 5)."""
    other: Mapping[str, str] = field(default_factory=dict[str, str], hash=False)
    """All other keys, each with its value unchanged in the description."""
    position: Position | None = None
    """Where the entry begins in the description."""


@dataclass(frozen=True)
class Fetched:
    """A downloaded archive."""

    entry: RepositoryEntry
    """The entry of the template in the description."""
    path: str
    """The path of the downloaded archive."""
    archive_bytes: int
    """The size of the archive."""
    resumed_at: int
    """How many bytes of it were there already, from a fetch that was broken off or that was whole."""
    sha256: str
    """The SHA-256 of the archive, as 64 hexadecimal digits."""
    has_checksum: bool
    """Whether SHA256SUMS has this checksum. If it has none for the archive, the archive's own checksums are all that
    was compared.
    """


@dataclass(frozen=True)
class Pushed:
    """What was packed and published."""

    entry: RepositoryEntry
    """What the description says now."""
    pack: PackSummary
    """What packing did."""
    sha256: str
    """The SHA-256 of the archive, as 64 hexadecimal digits."""


@dataclass(frozen=True)
class Synced:
    """What `Repository.sync` changed."""

    updated: tuple[str, ...] = ()
    """The archives whose size or checksum was rewritten."""
    missing: tuple[str, ...] = ()
    """The archives that the description names and that do not exist. What is said of them stays as it was, so that they
    can be proved when they come back.
    """
    damaged: Mapping[str, str] = field(default_factory=dict[str, str], hash=False)
    """The archives that are not sound, each with the reason. What is said of them stays as it was: a new checksum would
    make damage look like what was published.
    """
