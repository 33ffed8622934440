//! Maps the enums of the library to those of Python by the words of their JSON forms.

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::PyDict;
use vmtemplate::disk::{
    ExtentKind, FileSystem, FreeSpace, Hibernation, ImageFormat, KeptReason, PartitionScheme, RegistryType,
};
use vmtemplate::drive::Padding;
use vmtemplate::macros::{MacroKind, MissingValue, ScriptLanguage};
use vmtemplate::metainfo::{AddressFamily, OsFamily};
use vmtemplate::report::Severity;
use vmtemplate::repository::{RepositoryFormat, TemplateKind};
use vmtemplate::script::{LineEnding, ScriptEncoding, SetupFirewall, SetupStep};

use crate::errors::OrRaise;

/// An enum that has a class in `vmtemplate._enums`.
pub(crate) trait Enumeration: Copy + PartialEq + 'static {
    /// The name of the class.
    const CLASS: &'static str;
    /// Every variant with its word.
    const WORDS: &'static [(Self, &'static str)];
    /// The library's own parser of words, if it has one.
    const PARSE: Option<fn(&str) -> vmtemplate::Result<Self>>;
}

macro_rules! parser {
    () => {
        None
    };
    (parsed) => {
        Some(str::parse)
    };
}

macro_rules! enumerations {
    ($($name:ident $($parsed:ident)? { $($variant:ident = $word:literal),* $(,)? })*) => {
        $(impl Enumeration for $name {
            const CLASS: &'static str = stringify!($name);
            const WORDS: &'static [(Self, &'static str)] = &[$((Self::$variant, $word)),*];
            const PARSE: Option<fn(&str) -> vmtemplate::Result<Self>> = parser!($($parsed)?);
        })*

        /// The words of every enum, for the test that compares them with the classes.
        #[pyfunction]
        pub(crate) fn enumerations(py: Python<'_>) -> PyResult<Bound<'_, PyDict>> {
            let all = PyDict::new(py);
            $(all.set_item(stringify!($name), vec![$($word),*])?;)*
            Ok(all)
        }
    };
}

enumerations! {
    AddressFamily { Ipv4 = "ipv4", Ipv6 = "ipv6" }
    ExtentKind { Data = "data", Zero = "zero", Free = "free" }
    FileSystem { Ntfs = "ntfs", BitLocker = "bitlocker", Refs = "refs", ExFat = "exfat", Fat = "fat" }
    FreeSpace { Skip = "skip", Keep = "keep" }
    Hibernation { None = "none", Resumed = "resumed", Hibernated = "hibernated" }
    ImageFormat parsed { Raw = "raw", Qcow2 = "qcow2", Vhdx = "vhdx", Vmdk = "vmdk", Vhd = "vpc" }
    KeptReason {
        Dirty = "dirty", OpenJournal = "open-journal", Hibernated = "hibernated", Inconsistent = "inconsistent",
        Overlapping = "overlapping", Unsupported = "unsupported", TooLarge = "too-large", Unreadable = "unreadable",
        PartitionType = "partition-type", OutsidePartition = "outside-partition", Unpartitioned = "unpartitioned",
        DoubtfulTable = "doubtful-table", DynamicDisk = "dynamic-disk", StorageSpaces = "storage-spaces", Raid = "raid",
        Lvm = "lvm", Refs = "refs",
    }
    LineEnding { CrLf = "cr-lf", Lf = "lf", Mixed = "mixed", None = "none" }
    MacroKind {
        Address = "address", AddressV4 = "address-v4", AddressV6 = "address-v6", AddressList = "address-list",
        AddressListV4 = "address-list-v4", AddressListV6 = "address-list-v6", Netmask = "netmask",
        NetmaskV4 = "netmask-v4", PrefixLengthV6 = "prefix-length-v6", HostName = "host-name",
        TimeZone = "time-zone", Password = "password", PasswordHash = "password-hash", ProductKey = "product-key",
        Url = "url", Boolean = "boolean", Number = "number", RaidLevel = "raid-level", SshKeys = "ssh-keys", Text = "text",
    }
    MissingValue parsed {
        Error = "error", Parens = "parens", Empty = "empty", Keep = "keep", Platform = "platform",
    }
    OsFamily { RedHat = "red-hat", Debian = "debian", FreeBsd = "free-bsd", Windows = "windows" }
    Padding parsed { BlankLines = "blank-lines", Zeros = "zeros" }
    PartitionScheme { None = "none", Mbr = "mbr", Gpt = "gpt" }
    RegistryType {
        None = "REG_NONE", String = "REG_SZ", ExpandString = "REG_EXPAND_SZ", Binary = "REG_BINARY", U32 = "REG_DWORD",
        U32BigEndian = "REG_DWORD_BIG_ENDIAN", Link = "REG_LINK", MultiString = "REG_MULTI_SZ",
        ResourceList = "REG_RESOURCE_LIST", FullResourceDescriptor = "REG_FULL_RESOURCE_DESCRIPTOR",
        ResourceRequirements = "REG_RESOURCE_REQUIREMENTS_LIST", U64 = "REG_QWORD",
    }
    RepositoryFormat parsed { Vm6 = "vm6", Vm5 = "vm5" }
    ScriptEncoding {
        Ascii = "ascii", Utf8 = "utf8", Utf8Bom = "utf8-bom", Utf16Le = "utf16-le", Utf16Be = "utf16-be",
        Unknown8bit = "unknown8bit",
    }
    ScriptLanguage parsed {
        Batch = "batch", PowerShell = "powershell", Posix = "posix", Preseed = "preseed", Kickstart = "kickstart",
        CloudConfig = "cloud-config",
    }
    SetupFirewall { OpenRemoteDesktop = "open-remote-desktop", Unchanged = "unchanged" }
    SetupStep parsed {
        Password = "password", Address = "address", Ipv6Address = "ipv6", NameServers = "name-servers",
        GrowVolume = "volume", Activation = "activation", RemoteDesktop = "remote-desktop",
        RemoveFirstRun = "first-run", Restart = "restart",
    }
    Severity { Note = "note", Warning = "warning", Error = "error" }
    TemplateKind { KvmTemplate = "kvm-template", KvmImage = "kvm-image", Lxd = "lxd" }
}

/// A class of `vmtemplate._enums`.
pub(crate) fn class<'py>(py: Python<'py>, name: &str) -> PyResult<Bound<'py, PyAny>> {
    static MODULE: PyOnceLock<Py<PyModule>> = PyOnceLock::new();
    MODULE.get_or_try_init(py, || py.import("vmtemplate._enums").map(Bound::unbind))?.bind(py).getattr(name)
}

/// Converts a value to Python. A value without a word becomes `OTHER`, if the class has that.
pub(crate) fn member<T: Enumeration>(py: Python<'_>, value: T) -> PyResult<Bound<'_, PyAny>> {
    let word = T::WORDS.iter().find(|(known, _)| *known == value).map_or("other", |(_, word)| word);
    class(py, T::CLASS)?.call1((word,))
}

/// An argument from Python: a member of the class of `T`, or its word.
pub(crate) struct Choice<T>(pub(crate) T);

impl<T: Enumeration> FromPyObject<'_, '_> for Choice<T> {
    type Error = PyErr;

    fn extract(object: Borrowed<'_, '_, PyAny>) -> PyResult<Self> {
        if let (Some(parse), Ok(word)) = (T::PARSE, object.extract::<String>()) {
            return parse(&word).or_raise().map(Self);
        }
        // `Severity("warning")` and `Severity(Severity.WARNING)` both return the member; anything else is a ValueError.
        let member = class(object.py(), T::CLASS)?.call1((object,))?;
        let word: String = member.getattr("value")?.extract()?;
        let found = T::WORDS.iter().find(|(_, known)| *known == word);
        found.map(|(value, _)| Self(*value)).ok_or_else(|| {
            PyValueError::new_err(format!("{member} is only a result and cannot be an argument"))
        })
    }
}
