"""Build, check, pack, unpack and publish OS templates for VMmanager clusters, reading only the blocks in use.

A template is a disk image, a setup script and a metadata file (metainfo.xml) in a `.tar.gz` archive.

>>> import pathlib, tempfile
>>> import vmtemplate as vt
>>> folder = tempfile.TemporaryDirectory()
>>> archive = pathlib.Path(folder.name, "Windows-Server-2019.tar.gz")

>>> template = vt.Template.build(
...     "Windows-Server-2019",
...     image=bytes(1 << 20),  # or a path: raw, block device, qcow2, VHDX, VMDK, VHD
...     limits=vt.Limits(ipv4=True, memory_mib=1024),
...     tags=["windows", "windows2019"],
...     macros=["($PRODUCTKEY)"],
... )
>>> summary = template.pack(archive)
>>> vt.Template.open(archive).metainfo.limits.memory_mib
1024
>>> drive = template.install_drive({"IP": "192.0.2.10", "PASS": "s3cret"}, missing="parens")
>>> len(bytes(drive))
1048576

>>> folder.cleanup()

- `Template` is the main class; `Archive` inspects an archive without unpacking it.
- `Metainfo` is the metadata, edited in place. `Script` is a setup script; `SetupScript` makes vmtemplate's own.
- `DiskImage` reads the virtual disk of an image in any format; `NtfsVolume` and `RegistryHive` read its contents.
- `check` reports problems before a machine fails, as a `Report` of `Finding`s.
- `Repository` manages a folder of archives and the file that describes them to the platform.
- All exceptions are `VmTemplateError`s; most also derive from the matching built-in exception, such as `ValueError`.

Long work releases the interpreter and calls `progress` on the calling thread. Ctrl-C, a `CancelToken`, and an exception
in `progress` cancel the work, which leaves no partial output.
"""

from __future__ import annotations

from . import _errors
from . import _logging as _logging
from ._enums import (
    AddressFamily,
    ErrorKind,
    ExtentKind,
    FileSystem,
    FreeSpace,
    Hibernation,
    ImageFormat,
    KeptReason,
    LineEnding,
    MacroKind,
    MissingValue,
    OsFamily,
    Padding,
    PartitionScheme,
    RegistryType,
    RepositoryFormat,
    ScriptEncoding,
    ScriptLanguage,
    SetupFirewall,
    SetupStep,
    Severity,
    TemplateKind,
)
from ._errors import (
    AlreadyExistsError,
    CancelledError,
    ErrorContext,
    InputOutputError,
    InvalidArchiveError,
    InvalidImageError,
    InvalidMacroError,
    InvalidMetainfoError,
    InvalidRepositoryError,
    InvalidScriptError,
    InvalidSignatureError,
    InvalidTemplateError,
    InvalidValueError,
    LimitExceededError,
    LockedError,
    NetworkError,
    NotFoundError,
    PermissionDeniedError,
    SourceChangedError,
    StorageFullError,
    UnsafeArchiveError,
    UnsupportedError,
    VmTemplateError,
)
from ._methods import MacroName, ProductVersion, Support
from ._native import (
    Archive,
    CancelToken,
    DiskImage,
    ExtentIterator,
    FirstRunKit,
    InstallDrive,
    MacroValues,
    Metainfo,
    NtfsFile,
    NtfsVolume,
    NtfsWalk,
    PublicKey,
    RegistryHive,
    RegistryKey,
    RegistryValue,
    Repository,
    Script,
    SetupScript,
    SigningKey,
    Template,
    __version__,
    check,
    find_macros,
    probe_output,
)
from ._values import (
    ArchiveEntry,
    Description,
    DiskInfo,
    Excerpt,
    Extent,
    Fetched,
    Finding,
    FreeSpaceReport,
    KeptVolume,
    Limits,
    MacroInfo,
    MacroUse,
    MetainfoFields,
    NtfsEntry,
    PackSummary,
    Partition,
    PartitionKind,
    PartitionTable,
    Place,
    Position,
    Product,
    Progress,
    Pushed,
    RawSummary,
    Report,
    RepositoryEntry,
    Rule,
    ScriptInfo,
    SshPublicKey,
    Summary,
    Synced,
    TemplateInfo,
    UnmetLimit,
    UnpackLimits,
    Usage,
    Verified,
    VerifiedFile,
    VmSpec,
    VolumeFreeSpace,
    WindowsInfo,
)

__all__ = [
    "AddressFamily",
    "AlreadyExistsError",
    "Archive",
    "ArchiveEntry",
    "CancelToken",
    "CancelledError",
    "Description",
    "DiskImage",
    "DiskInfo",
    "ErrorContext",
    "ErrorKind",
    "Excerpt",
    "Extent",
    "ExtentIterator",
    "ExtentKind",
    "Fetched",
    "FileSystem",
    "Finding",
    "FirstRunKit",
    "FreeSpace",
    "FreeSpaceReport",
    "Hibernation",
    "ImageFormat",
    "InputOutputError",
    "InstallDrive",
    "InvalidArchiveError",
    "InvalidImageError",
    "InvalidMacroError",
    "InvalidMetainfoError",
    "InvalidRepositoryError",
    "InvalidScriptError",
    "InvalidSignatureError",
    "InvalidTemplateError",
    "InvalidValueError",
    "KeptReason",
    "KeptVolume",
    "LimitExceededError",
    "Limits",
    "LineEnding",
    "LockedError",
    "MacroInfo",
    "MacroKind",
    "MacroName",
    "MacroUse",
    "MacroValues",
    "Metainfo",
    "MetainfoFields",
    "MissingValue",
    "NetworkError",
    "NotFoundError",
    "NtfsEntry",
    "NtfsFile",
    "NtfsVolume",
    "NtfsWalk",
    "OsFamily",
    "PackSummary",
    "Padding",
    "Partition",
    "PartitionKind",
    "PartitionScheme",
    "PartitionTable",
    "PermissionDeniedError",
    "Place",
    "Position",
    "Product",
    "ProductVersion",
    "Progress",
    "PublicKey",
    "Pushed",
    "RawSummary",
    "RegistryHive",
    "RegistryKey",
    "RegistryType",
    "RegistryValue",
    "Report",
    "Repository",
    "RepositoryEntry",
    "RepositoryFormat",
    "Rule",
    "Script",
    "ScriptEncoding",
    "ScriptInfo",
    "ScriptLanguage",
    "SetupFirewall",
    "SetupScript",
    "SetupStep",
    "Severity",
    "SigningKey",
    "SourceChangedError",
    "SshPublicKey",
    "StorageFullError",
    "Summary",
    "Support",
    "Synced",
    "Template",
    "TemplateInfo",
    "TemplateKind",
    "UnmetLimit",
    "UnpackLimits",
    "UnsafeArchiveError",
    "UnsupportedError",
    "Usage",
    "Verified",
    "VerifiedFile",
    "VmSpec",
    "VmTemplateError",
    "VolumeFreeSpace",
    "WindowsInfo",
    "check",
    "find_macros",
    "probe_output",
    "__version__",
]


# A traceback shows an exception under the name that it is imported by.
def _adopt() -> None:
    for item in list(vars(_errors).values()):
        if isinstance(item, type) and issubclass(item, _errors.VmTemplateError):
            item.__module__ = __name__


_adopt()
del _adopt
