//! What a partition is for, by its type.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::Guid;
use crate::error::{Error, Result};

/// The type of a partition: a byte in an MBR, a GUID in a GPT.
///
/// In JSON it is an object: `{"id": "07", "name": "NTFS or exFAT"}`.
///
/// ```
/// use vmtemplate::disk::PartitionKind;
///
/// assert_eq!(PartitionKind::Mbr(0x07).name(), Some("NTFS or exFAT"));
/// assert!(PartitionKind::Mbr(0x27).is_recovery());
/// assert_eq!(PartitionKind::Mbr(0x07).to_string(), "NTFS or exFAT (07)");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "Form", into = "Form")]
#[non_exhaustive]
pub enum PartitionKind {
    /// The type byte of an MBR entry.
    Mbr(u8),
    /// The type GUID of a GPT entry.
    Gpt(Guid),
}

const EFI_SYSTEM: Guid = Guid::from_fields(0xC12A_7328, 0xF81F, 0x11D2, *b"\xBA\x4B\x00\xA0\xC9\x3E\xC9\x3B");
const BASIC_DATA: Guid = Guid::from_fields(0xEBD0_A0A2, 0xB9E5, 0x4433, *b"\x87\xC0\x68\xB6\xB7\x26\x99\xC7");
const RECOVERY: Guid = Guid::from_fields(0xDE94_BBA4, 0x06D1, 0x4D40, *b"\xA1\x6A\xBF\xD5\x01\x79\xD6\xAC");

const LDM_METADATA: Guid =
    Guid::from_fields(0x5808_C8AA, 0x7E8F, 0x42E0, *b"\x85\xD2\xE1\xE9\x04\x34\xCF\xB3");
const LDM_DATA: Guid = Guid::from_fields(0xAF9B_60A0, 0x1431, 0x4F62, *b"\xBC\x68\x33\x11\x71\x4A\x69\xAD");
const SPACES: Guid = Guid::from_fields(0xE75C_AF8F, 0xF680, 0x4CEE, *b"\xAF\xA3\xB0\x01\xE5\x6E\xFC\x2D");
const SPACES_DATA: Guid =
    Guid::from_fields(0xE7AD_DCB4, 0xDC34, 0x4539, *b"\x9A\x76\xEB\xBD\x07\xBE\x6F\x7E");

/// Types that occur on the disks of virtual machines. Sources: UEFI specification 2.10, section 5.3.3; Microsoft,
/// "`PARTITION_INFORMATION_GPT` structure"; UAPI Group, "Discoverable Partitions Specification"; GNU GRUB for BIOS boot.
const GPT_NAMES: &[(Guid, &str)] = &[
    (EFI_SYSTEM, "EFI system"),
    (
        Guid::from_fields(0xE3C9_E316, 0x0B5C, 0x4DB8, *b"\x81\x7D\xF9\x2D\xF0\x02\x15\xAE"),
        "Microsoft reserved",
    ),
    (BASIC_DATA, "Microsoft basic data"),
    (RECOVERY, "Windows recovery"),
    (LDM_METADATA, "Windows dynamic disk metadata"),
    (LDM_DATA, "Windows dynamic disk data"),
    (SPACES, "Windows storage spaces"),
    (SPACES_DATA, "Windows storage spaces data"),
    (
        Guid::from_fields(0x0FC6_3DAF, 0x8483, 0x4772, *b"\x8E\x79\x3D\x69\xD8\x47\x7D\xE4"),
        "Linux file system",
    ),
    (
        Guid::from_fields(0x4F68_BCE3, 0xE8CD, 0x4DB1, *b"\x96\xE7\xFB\xCA\xF9\x84\xB7\x09"),
        "Linux root (x86-64)",
    ),
    (Guid::from_fields(0x0657_FD6D, 0xA4AB, 0x43C4, *b"\x84\xE5\x09\x33\xC8\x4B\x4F\x4F"), "Linux swap"),
    (Guid::from_fields(0xE6D6_D379, 0xF507, 0x44C2, *b"\xA2\x3C\x23\x8F\x2A\x3D\xF9\x28"), "Linux LVM"),
    (Guid::from_fields(0xA19D_880F, 0x05FC, 0x4D3B, *b"\xA0\x06\x74\x3F\x0F\x84\x91\x1E"), "Linux RAID"),
    (Guid::from_fields(0x2168_6148, 0x6449, 0x6E6F, *b"\x74\x4E\x65\x65\x64\x45\x46\x49"), "BIOS boot"),
];

/// Source: Microsoft, "PARTITION_INFORMATION_MBR structure", and the list of Andries Brouwer that it follows.
const MBR_NAMES: &[(u8, &str)] = &[
    (0x01, "FAT12"),
    (0x04, "FAT16"),
    (0x05, "extended"),
    (0x06, "FAT16"),
    (0x07, "NTFS or exFAT"),
    (0x0B, "FAT32"),
    (0x0C, "FAT32"),
    (0x0E, "FAT16"),
    (0x0F, "extended"),
    (0x11, "hidden FAT12"),
    (0x14, "hidden FAT16"),
    (0x16, "hidden FAT16"),
    (0x17, "hidden NTFS"),
    (0x1B, "hidden FAT32"),
    (0x1C, "hidden FAT32"),
    (0x1E, "hidden FAT16"),
    (0x27, "Windows recovery"),
    (0x42, "Windows dynamic disk"),
    (0x82, "Linux swap"),
    (0x83, "Linux file system"),
    (0x85, "extended (Linux)"),
    (0x8E, "Linux LVM"),
    (0xD7, "Windows storage spaces data"),
    (0xE7, "Windows storage spaces"),
    (0xEE, "GPT protective"),
    (0xEF, "EFI system"),
    (0xFD, "Linux RAID"),
];

impl PartitionKind {
    /// What the type is called, for the types that occur on the disks of virtual machines.
    ///
    /// ```
    /// assert_eq!(vmtemplate::disk::PartitionKind::Mbr(0xC5).name(), None);
    /// ```
    pub fn name(self) -> Option<&'static str> {
        match self {
            Self::Mbr(kind) => MBR_NAMES.iter().find(|(known, _)| *known == kind).map(|(_, name)| *name),
            Self::Gpt(kind) => GPT_NAMES.iter().find(|(known, _)| *known == kind).map(|(_, name)| *name),
        }
    }

    /// Whether it is a Windows recovery partition.
    ///
    /// ```
    /// assert!(!vmtemplate::disk::PartitionKind::Mbr(0x07).is_recovery());
    /// ```
    pub fn is_recovery(self) -> bool {
        matches!(self, Self::Mbr(0x27) | Self::Gpt(RECOVERY))
    }

    /// Whether it is the EFI system partition, which holds the boot loaders.
    ///
    /// ```
    /// assert!(vmtemplate::disk::PartitionKind::Mbr(0xEF).is_efi_system());
    /// ```
    pub fn is_efi_system(self) -> bool {
        matches!(self, Self::Mbr(0xEF) | Self::Gpt(EFI_SYSTEM))
    }

    /// Whether it only holds the logical partitions of an MBR.
    ///
    /// ```
    /// assert!(vmtemplate::disk::PartitionKind::Mbr(0x0F).is_extended());
    /// ```
    pub const fn is_extended(self) -> bool {
        matches!(self, Self::Mbr(0x05 | 0x0F | 0x85))
    }

    /// Whether it is a part of a Windows dynamic disk, whose volumes the database of the Logical Disk Manager describes
    /// (Microsoft, `winioctl.h`: `PARTITION_LDM`, `PARTITION_LDM_METADATA_GUID`, `PARTITION_LDM_DATA_GUID`).
    pub(crate) fn is_dynamic_disk(self) -> bool {
        matches!(self, Self::Mbr(0x42) | Self::Gpt(LDM_METADATA | LDM_DATA))
    }

    /// Whether it is a part of a pool of Windows Storage Spaces (Microsoft, `winioctl.h`: `PARTITION_SPACES` and
    /// `PARTITION_SPACES_DATA`, with their GUIDs).
    pub(crate) fn is_storage_spaces(self) -> bool {
        matches!(self, Self::Mbr(0xD7 | 0xE7) | Self::Gpt(SPACES | SPACES_DATA))
    }

    /// Whether an NTFS volume in a partition of this type has the partition for itself. The list names what is allowed:
    /// clusters behind any other type, known or not, may be somebody else's.
    pub(in super::super) fn has_its_own_clusters(self) -> bool {
        matches!(self, Self::Mbr(0x07 | 0x17 | 0x27) | Self::Gpt(BASIC_DATA | RECOVERY))
    }

    fn id(self) -> String {
        match self {
            Self::Mbr(kind) => format!("{kind:02X}"),
            Self::Gpt(kind) => kind.to_string(),
        }
    }
}

impl fmt::Display for PartitionKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => write!(f, "{name} ({})", self.id()),
            None => f.write_str(&self.id()),
        }
    }
}

/// The type of a partition.
#[derive(Serialize, Deserialize)]
#[serde(rename = "PartitionKind")]
struct Form {
    /// Two hexadecimal digits for the byte of an MBR; the GUID of a GPT.
    id: String,
    /// The name of the type, if it is known: `NTFS or exFAT`.
    name: Option<String>,
}

impl From<PartitionKind> for Form {
    fn from(kind: PartitionKind) -> Self {
        Self { id: kind.id(), name: kind.name().map(str::to_owned) }
    }
}

impl TryFrom<Form> for PartitionKind {
    type Error = Error;

    fn try_from(form: Form) -> Result<Self> {
        match u8::from_str_radix(&form.id, 16) {
            Ok(byte) => Ok(Self::Mbr(byte)),
            Err(_) => form.id.parse().map(Self::Gpt),
        }
    }
}
