"""What values and enums do besides holding fields: the base classes of those in `_values.py` and `_enums.py`.

This is written by hand because it is how Python does things: text, order, iteration, parsing from text, and a view in a
notebook. What the library computes, the library computes here as well.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any, NamedTuple, overload
from uuid import UUID

from . import _html, _native

if TYPE_CHECKING:
    from typing_extensions import Self

    from . import _enums, _values
    from ._native import DiskImage


class Word(str, enum.Enum):
    """The base of all enums: each member is its word, so that JSON, formatting and comparison see that word."""

    def __new__(cls, value: str) -> Self:
        """Make the member of a word; afterwards, `enum` finds it."""
        member = str.__new__(cls, value)
        member._value_ = value
        return member

    def __str__(self) -> str:
        return str(self.value)

    def __format__(self, specification: str) -> str:
        return format(str(self.value), specification)


class OrderedWord(Word):
    """An enum whose members have an order: that of their definition."""

    def _rank(self) -> int:
        return list(type(self)).index(self)

    def __lt__(self, other: object) -> bool:
        return self._rank() < other._rank() if isinstance(other, type(self)) else NotImplemented

    def __le__(self, other: object) -> bool:
        return self._rank() <= other._rank() if isinstance(other, type(self)) else NotImplemented

    def __gt__(self, other: object) -> bool:
        return self._rank() > other._rank() if isinstance(other, type(self)) else NotImplemented

    def __ge__(self, other: object) -> bool:
        return self._rank() >= other._rank() if isinstance(other, type(self)) else NotImplemented


class FileSystem:
    """The methods of `FileSystem`."""

    @staticmethod
    def detect(disk: DiskImage, offset: int = 0) -> _enums.FileSystem | None:
        """The file system of the volume at `offset` of the disk; None if it is none of these.

        >>> from vmtemplate import DiskImage, FileSystem
        >>> FileSystem.detect(DiskImage.from_bytes(bytes(4096))) is None
        True
        """
        return _native.detect_file_system(disk, offset)


class OsFamily:
    """The methods of `OsFamily`."""

    @staticmethod
    def of_template_name(name: str) -> _enums.OsFamily | None:
        """The family of a template with this name; None if no word in it is known.

        >>> from vmtemplate import OsFamily
        >>> OsFamily.of_template_name("Ubuntu-24.04")
        <OsFamily.DEBIAN: 'debian'>
        """
        return _native.os_family(name)


class MacroName(str):
    """The name of a macro, such as `IP`: a `str` as a script spells it, `($IP)`. Names are case-sensitive.

    >>> import vmtemplate as vt
    >>> str(vt.MacroName("IP")), vt.MacroName.parse("($IP)").name
    ('($IP)', 'IP')
    """

    __slots__ = ()
    MAX_LENGTH = _native.MAX_MACRO_NAME
    """The maximum length of a name in characters."""

    def __new__(cls, name: str) -> Self:
        """Make a name of a bare name, without `($` and `)`."""
        return super().__new__(cls, _native.macro_text(name))

    @classmethod
    def parse(cls, text: str) -> Self:
        """Parse a name in the form `($NAME)`."""
        return cls(_native.macro_bare_name(text))

    @property
    def name(self) -> str:
        """The bare name."""
        return self[2:-1]

    def __getnewargs__(self) -> tuple[str]:
        return (self.name,)

    def __repr__(self) -> str:
        return f"MacroName({self.name!r})"


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


class Product:
    """The methods of `Product`."""

    @staticmethod
    def parse(text: str) -> _values.Product:
        """Parse `VMmgr` or `VMmgr:5.45`.

        >>> import vmtemplate as vt
        >>> vt.Product.parse("VMmgr:5.45")
        Product(name='VMmgr', min_version=ProductVersion(major=5, minor=45, patch=0))
        """
        return _native.parse_product(text)


@dataclass(frozen=True)
class Support:
    """The products that can use a template, in the order of the file. It is made of products or their text.

    >>> import vmtemplate as vt
    >>> support = vt.Support(["VMmgr:5.4"])
    >>> support.allows("vmmgr", "5.10.1"), support.allows("VEmgr", "9")
    (True, False)
    """

    products: tuple[_values.Product, ...] = ()

    def __init__(self, products: Iterable[_values.Product | str] = ()) -> None:
        read = (Product.parse(product) if isinstance(product, str) else product for product in products)
        object.__setattr__(self, "products", tuple(read))

    def allows(self, product: str, version: str | ProductVersion) -> bool:
        """Whether this version of the product can use the template."""
        return _native.support_allows(self, product, str(version))

    def __iter__(self) -> Iterator[_values.Product]:
        return iter(self.products)

    def __len__(self) -> int:
        return len(self.products)

    def __str__(self) -> str:
        return _native.text("Support", self)


class Progress:
    """The methods of `Progress`."""

    @property
    def fraction(self) -> float:
        """From 0 to 1; 0 if the total is not known.

        >>> import vmtemplate as vt
        >>> vt.Progress(bytes=512, total=1024).fraction
        0.5
        """
        return _native.progress_fraction(self)


class Limits:
    """The methods of `Limits`."""

    def unmet(self, vm: _values.VmSpec) -> list[_values.UnmetLimit]:
        """The limits that this machine does not meet; empty if it can use the template.

        >>> import vmtemplate as vt
        >>> limits = vt.Limits(ipv4=True, memory_mib=1024)
        >>> [limit.message for limit in limits.unmet(vt.VmSpec(memory_mib=512, disk_mb=20000))]
        ['the VM has 512 MiB of memory; the template needs at least 1024 MiB']
        """
        return _native.unmet_limits(self, vm)


class MacroInfo:
    """The methods of `MacroInfo`."""

    @staticmethod
    def catalogue() -> list[_values.MacroInfo]:
        """Every macro that the platform is known to fill in."""
        return _native.macro_catalogue()

    @staticmethod
    def lookup(name: str) -> _values.MacroInfo | None:
        """The macro with this bare name. Case matters, as it does for the platform.

        >>> import vmtemplate as vt
        >>> vt.MacroInfo.lookup("PASS").kind
        <MacroKind.PASSWORD: 'password'>
        """
        return _native.macro_lookup(name)

    @staticmethod
    def nearest(name: str) -> _values.MacroInfo | None:
        """The known macro that an unknown name probably means."""
        return _native.macro_nearest(name)


class FreeSpaceReport:
    """The methods of `FreeSpaceReport`."""

    @property
    def dropped(self) -> int:
        """The number of bytes that were left out of all volumes."""
        return _native.free_space_dropped(self)


class Usage:
    """The methods of `Usage`."""

    @property
    def read(self) -> int:
        """The bytes that are read: `data` and `zeros`."""
        return _native.usage_read(self)

    @property
    def total(self) -> int:
        """All bytes."""
        return _native.usage_total(self)


class Extent:
    """The methods of `Extent`."""

    @property
    def end(self) -> int:
        """The offset after its last byte."""
        return _native.extent_end(self)


class PartitionKind:
    """The methods of `PartitionKind`."""

    id: str

    @property
    def mbr(self) -> int | None:
        """The byte of a partition of an MBR."""
        return int(self.id, 16) if len(self.id) == 2 else None

    @property
    def gpt(self) -> UUID | None:
        """The GUID of a partition of a GPT."""
        return None if len(self.id) == 2 else UUID(self.id)

    @property
    def is_recovery(self) -> bool:
        """Whether it is a Windows recovery partition."""
        return _native.partition_is_recovery(self)

    @property
    def is_efi_system(self) -> bool:
        """Whether it contains the boot loaders."""
        return _native.partition_is_efi_system(self)

    @property
    def is_extended(self) -> bool:
        """Whether it only contains the logical partitions of an MBR."""
        return _native.partition_is_extended(self)


class PartitionTable:
    """The methods of `PartitionTable`."""

    @staticmethod
    def read(disk: DiskImage) -> _values.PartitionTable:
        """The partition table of a disk.

        >>> import vmtemplate as vt
        >>> vt.PartitionTable.read(vt.DiskImage.from_bytes(bytes(1 << 20))).scheme
        <PartitionScheme.NONE: 'none'>
        """
        return _native.read_partition_table(disk)


class WindowsInfo:
    """The methods of `WindowsInfo`."""

    @staticmethod
    def read(disk: DiskImage) -> _values.WindowsInfo | None:
        """The Windows that this disk starts; None if none was found.

        >>> import vmtemplate as vt
        >>> vt.WindowsInfo.read(vt.DiskImage.from_bytes(bytes(1 << 20))) is None
        True
        """
        return _native.read_windows_info(disk)


class Rule:
    """The methods of `Rule`."""

    @staticmethod
    def all() -> list[_values.Rule]:
        """Every rule, in the order of their codes.

        >>> import vmtemplate as vt
        >>> vt.Rule.all()[0].code
        'VMT0101'
        """
        return _native.all_rules()

    @staticmethod
    def by_code(code: str) -> _values.Rule | None:
        """The rule with this code; case is ignored."""
        return _native.rule_by_code(code)


class Finding:
    """The methods of `Finding`."""

    rule: _values.Rule

    @property
    def code(self) -> str:
        """The code of the rule that it breaks."""
        return self.rule.code


class Report:
    """The methods of `Report`."""

    findings: tuple[_values.Finding, ...]
    # What the command prints for the report; no fields, since they say what the findings say.
    _json = _sarif = _text = ""

    def has(self, severity: _enums.SeverityWord) -> bool:
        """Whether a finding has this or a higher severity.

        >>> import vmtemplate as vt
        >>> report = vt.Script("@echo off\\necho hello\\n").check()
        >>> report.has(vt.Severity.ERROR), report.has("error")
        (True, True)
        """
        return any(finding.severity >= type(finding.severity)(severity) for finding in self.findings)

    def to_json(self) -> str:
        """The report as JSON, as `vmtemplate check --json` prints it."""
        return self._json

    def to_sarif(self) -> str:
        """The report as SARIF 2.1.0, which code hosts display next to the code."""
        return self._sarif

    def __str__(self) -> str:
        return self._text

    def _repr_html_(self) -> str:
        return _html.report(self.findings, str(vars(self)["summary"]))

    def __iter__(self) -> Iterator[_values.Finding]:
        return iter(self.findings)

    def __len__(self) -> int:
        return len(self.findings)

    def __bool__(self) -> bool:
        # A report without findings is still a report.
        return True

    @overload
    def __getitem__(self, index: int) -> _values.Finding: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[_values.Finding, ...]: ...
    def __getitem__(self, index: int | slice) -> Any:
        return self.findings[index]


class RepositoryEntry:
    """The methods of `RepositoryEntry`."""

    modified_utc: str | None

    @property
    def kind(self) -> _enums.TemplateKind:
        """The kind of machine that the template is for."""
        return _native.entry_kind(self)

    @property
    def family(self) -> _enums.OsFamily | None:
        """The operating system family that the platform recognises by the name."""
        return _native.entry_family(self)

    @property
    def modified(self) -> datetime | None:
        """The modification time of the archive; None if the entry has none, or has it in another form."""
        try:
            read = datetime.strptime(self.modified_utc or "", "%Y-%m-%d %H:%M:%S")
        except ValueError:
            return None
        return read.replace(tzinfo=timezone.utc)
