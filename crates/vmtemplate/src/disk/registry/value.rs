use std::fmt;

use super::cells::field;
use super::{RegistryHive, damaged, names};
use crate::error::{Error, ErrorKind, Result};
use crate::le;
use crate::shown::Shown;

/// The fields before the name of a value.
const HEADER: u32 = 20;

/// The longest name of a value, in bytes: 16,383 characters of UTF-16 (Microsoft, "Registry element size limits").
const MAX_NAME: u32 = 2 * 16_383;

/// Data of more bytes than this are not read.
const MAX_DATA: u32 = 64 << 20;

/// In the size of the data: they are in the record itself.
const RESIDENT: u32 = 1 << 31;

/// The bytes of each segment of big data but the last (libyal, "Windows NT Registry File (REGF) format", data block).
const SEGMENT: u32 = 16_344;

/// Flag: the name is Latin-1.
const COMPRESSED_NAME: u32 = 1;

/// The type of a [`RegistryValue`].
///
/// ```
/// assert_eq!(vmtemplate::disk::RegistryType::MultiString.to_string(), "REG_MULTI_SZ");
/// assert_eq!(vmtemplate::disk::RegistryType::from(4), vmtemplate::disk::RegistryType::U32);
/// assert_eq!(u32::from(vmtemplate::disk::RegistryType::U64), 11); // its number in Windows
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RegistryType {
    /// Bytes without a type.
    None,
    /// Text.
    String,
    /// Text with variables such as `%SystemRoot%`.
    ExpandString,
    /// Bytes.
    Binary,
    /// A number of 32 bits.
    U32,
    /// A number of 32 bits, the high byte first.
    U32BigEndian,
    /// The path of another key.
    Link,
    /// A list of texts.
    MultiString,
    /// Hardware resources of a driver.
    ResourceList,
    /// Hardware resources of a device.
    FullResourceDescriptor,
    /// Hardware resources that a device may use.
    ResourceRequirements,
    /// A number of 64 bits.
    U64,
    /// One that Windows has no name for.
    Other(u32),
}

impl RegistryType {
    /// The types that Windows has names for, in the order of their numbers.
    const NAMED: [Self; 12] = [
        Self::None,
        Self::String,
        Self::ExpandString,
        Self::Binary,
        Self::U32,
        Self::U32BigEndian,
        Self::Link,
        Self::MultiString,
        Self::ResourceList,
        Self::FullResourceDescriptor,
        Self::ResourceRequirements,
        Self::U64,
    ];

    /// Its name in Windows; `other` for a type that has none.
    ///
    /// ```
    /// assert_eq!(vmtemplate::disk::RegistryType::MultiString.name(), "REG_MULTI_SZ");
    /// assert_eq!(vmtemplate::disk::RegistryType::Other(0x10).name(), "other");
    /// ```
    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "REG_NONE",
            Self::String => "REG_SZ",
            Self::ExpandString => "REG_EXPAND_SZ",
            Self::Binary => "REG_BINARY",
            Self::U32 => "REG_DWORD",
            Self::U32BigEndian => "REG_DWORD_BIG_ENDIAN",
            Self::Link => "REG_LINK",
            Self::MultiString => "REG_MULTI_SZ",
            Self::ResourceList => "REG_RESOURCE_LIST",
            Self::FullResourceDescriptor => "REG_FULL_RESOURCE_DESCRIPTOR",
            Self::ResourceRequirements => "REG_RESOURCE_REQUIREMENTS_LIST",
            Self::U64 => "REG_QWORD",
            Self::Other(_) => "other",
        }
    }
}

impl From<u32> for RegistryType {
    fn from(number: u32) -> Self {
        Self::NAMED.get(number as usize).copied().unwrap_or(Self::Other(number))
    }
}

impl From<RegistryType> for u32 {
    fn from(kind: RegistryType) -> Self {
        match kind {
            RegistryType::Other(number) => number,
            kind => {
                RegistryType::NAMED.iter().position(|known| *known == kind).map_or(0, |number| number as Self)
            }
        }
    }
}

impl fmt::Display for RegistryType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Other(number) => write!(f, "type {number:#x}"),
            kind => f.write_str(kind.name()),
        }
    }
}

impl serde::Serialize for RegistryType {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_unit_variant("RegistryType", 0, self.name())
    }
}

/// Where a value is in its hive; see [`RegistryKeyPlace`](crate::disk::RegistryKeyPlace).
///
/// ```no_run
/// # use vmtemplate::disk::RegistryHive;
/// # fn example(hive: &RegistryHive<'_>) -> vmtemplate::Result<()> {
/// let places: Vec<_> = hive.root()?.values()?.iter().map(|value| value.place()).collect();
/// assert_eq!(hive.value_at(places[0])?.place(), places[0]);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct RegistryValuePlace(pub(super) u32);

/// A value of a [`RegistryKey`](crate::disk::RegistryKey): a name, a type, and data.
///
/// ```no_run
/// # use vmtemplate::disk::RegistryKey;
/// # fn example(key: &RegistryKey<'_>) -> vmtemplate::Result<()> {
/// for value in key.values()? {
///     println!("{} ({}): {} bytes", value.name(), value.kind(), value.size());
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct RegistryValue<'h> {
    hive: &'h RegistryHive<'h>,
    /// The cell of the value.
    offset: u32,
    name: String,
    kind: RegistryType,
    /// As it is stored, with the mark of resident data.
    size: u32,
    /// Where the data are, or the data.
    data: u32,
}

impl<'h> RegistryValue<'h> {
    pub(super) fn read(hive: &'h RegistryHive<'_>, offset: u32) -> Result<Self> {
        let record = hive.cells.read(offset, HEADER)?;
        if !record.starts_with(b"vk") {
            return Err(damaged(format!("the hive has no value at {offset:#x}")));
        }
        let length = field(&record, 0)? >> 16;
        let record = hive.cells.read(offset, HEADER + length.min(MAX_NAME))?;
        let name = le::slice_at(&record, HEADER as usize, length as usize).ok_or_else(|| {
            damaged(format!("the name of the value at {offset:#x} of the hive is truncated"))
        })?;
        Ok(Self {
            hive,
            offset,
            name: names::decode(name, field(&record, 16)? & COMPRESSED_NAME != 0),
            kind: RegistryType::from(field(&record, 12)?),
            size: field(&record, 4)?,
            data: field(&record, 8)?,
        })
    }

    /// Its name; that of the default value is empty.
    ///
    /// ```no_run
    /// # fn example(value: &vmtemplate::disk::RegistryValue<'_>) {
    /// println!("{}", value.name());
    /// # }
    /// ```
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Where it is: [`RegistryHive::value_at`] finds it again in one step.
    ///
    /// ```no_run
    /// # fn example(value: &vmtemplate::disk::RegistryValue<'_>) {
    /// let place = value.place();
    /// # let _ = place;
    /// # }
    /// ```
    pub fn place(&self) -> RegistryValuePlace {
        RegistryValuePlace(self.offset)
    }

    /// Its type.
    ///
    /// ```no_run
    /// # fn example(value: &vmtemplate::disk::RegistryValue<'_>) {
    /// assert_eq!(value.kind(), vmtemplate::disk::RegistryType::U32);
    /// # }
    /// ```
    pub fn kind(&self) -> RegistryType {
        self.kind
    }

    /// How many bytes of data it states.
    ///
    /// ```no_run
    /// # fn example(value: &vmtemplate::disk::RegistryValue<'_>) {
    /// println!("{} bytes", value.size());
    /// # }
    /// ```
    pub fn size(&self) -> u32 {
        self.size & !RESIDENT
    }

    /// Its bytes, whatever its type.
    ///
    /// # Errors
    ///
    /// [`InvalidImage`](ErrorKind::InvalidImage) for damage, [`LimitExceeded`](ErrorKind::LimitExceeded) past 64 MiB.
    ///
    /// ```no_run
    /// # fn example(value: &vmtemplate::disk::RegistryValue<'_>) -> vmtemplate::Result<()> {
    /// let bytes = value.data()?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn data(&self) -> Result<Vec<u8>> {
        let size = self.size();
        let short = || damaged(format!("{} has less than its {size} bytes", self.called()));
        if self.size & RESIDENT != 0 {
            return self.data.to_le_bytes().get(..size as usize).map(<[u8]>::to_vec).ok_or_else(short);
        }
        if size == 0 {
            return Ok(Vec::new());
        }
        if size > MAX_DATA {
            return Err(Error::new(
                ErrorKind::LimitExceeded,
                format!("{} has {size} bytes; at most {MAX_DATA} are read", self.called()),
            ));
        }
        let cells = &self.hive.cells;
        if size > SEGMENT {
            let head = cells.read(self.data, 8)?;
            // Hives before version 1.4 have no big data; a plain cell that is long enough says the same.
            if head.starts_with(b"db") && cells.length(self.data)? < size {
                return self.big_data(field(&head, 0)? >> 16, field(&head, 4)?);
            }
        }
        let data = cells.read(self.data, size)?;
        if data.len() < size as usize { Err(short()) } else { Ok(data) }
    }

    fn big_data(&self, segments: u32, list: u32) -> Result<Vec<u8>> {
        let cells = &self.hive.cells;
        let mut left = self.size();
        if segments != left.div_ceil(SEGMENT) {
            return Err(damaged(format!("{} has {left} bytes in {segments} segments", self.called())));
        }
        let mut data = Vec::new();
        for entry in cells.read_list(list, 0, segments, 4)?.chunks_exact(4) {
            let segment = cells.read(field(entry, 0)?, left.min(SEGMENT))?;
            if segment.len() < left.min(SEGMENT) as usize {
                return Err(damaged(format!("a segment of {} is truncated", self.called())));
            }
            left -= segment.len() as u32;
            data.extend(segment);
        }
        Ok(data)
    }

    /// The text of a `REG_SZ`, `REG_EXPAND_SZ` or `REG_LINK`, up to its first NUL.
    ///
    /// # Errors
    ///
    /// [`InvalidValue`](ErrorKind::InvalidValue) if it has another type, and those of [`data`](Self::data).
    ///
    /// ```no_run
    /// # fn example(value: &vmtemplate::disk::RegistryValue<'_>) -> vmtemplate::Result<()> {
    /// println!("{}", value.string()?);
    /// # Ok(())
    /// # }
    /// ```
    pub fn string(&self) -> Result<String> {
        use RegistryType::{ExpandString, Link, String};
        self.expect(&[String, ExpandString, Link])?;
        let text = le::utf16(&self.data()?);
        Ok(text.split('\0').next().unwrap_or_default().to_owned())
    }

    /// The texts of a `REG_MULTI_SZ`, up to the first empty one. A single text counts as a list of one.
    ///
    /// # Errors
    ///
    /// As [`string`](Self::string).
    ///
    /// ```no_run
    /// # fn example(value: &vmtemplate::disk::RegistryValue<'_>) -> vmtemplate::Result<()> {
    /// for text in value.strings()? {
    ///     println!("{text}");
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn strings(&self) -> Result<Vec<String>> {
        use RegistryType::{ExpandString, MultiString, String};
        self.expect(&[MultiString, String, ExpandString])?;
        let text = le::utf16(&self.data()?);
        Ok(text.split('\0').take_while(|text| !text.is_empty()).map(str::to_owned).collect())
    }

    /// The number of a `REG_DWORD`, in either order of bytes.
    ///
    /// # Errors
    ///
    /// As [`string`](Self::string).
    ///
    /// ```no_run
    /// # fn example(value: &vmtemplate::disk::RegistryValue<'_>) -> vmtemplate::Result<()> {
    /// println!("{}", value.u32()?);
    /// # Ok(())
    /// # }
    /// ```
    pub fn u32(&self) -> Result<u32> {
        self.expect(&[RegistryType::U32, RegistryType::U32BigEndian])?;
        let bytes = self.array()?;
        Ok(if self.kind == RegistryType::U32 { u32::from_le_bytes(bytes) } else { u32::from_be_bytes(bytes) })
    }

    /// The number of a `REG_QWORD`.
    ///
    /// # Errors
    ///
    /// As [`string`](Self::string).
    ///
    /// ```no_run
    /// # fn example(value: &vmtemplate::disk::RegistryValue<'_>) -> vmtemplate::Result<()> {
    /// println!("{}", value.u64()?);
    /// # Ok(())
    /// # }
    /// ```
    pub fn u64(&self) -> Result<u64> {
        self.expect(&[RegistryType::U64])?;
        Ok(u64::from_le_bytes(self.array()?))
    }

    /// The text that the value holds, whatever its type says.
    ///
    /// Programs store text as `REG_BINARY` and numbers as text, and leave out the NUL at the end. What is asked for is
    /// there all the same.
    pub(crate) fn lenient_text(&self) -> Result<String> {
        Ok(self.lenient_texts()?.into_iter().next().unwrap_or_default())
    }

    /// The texts that the value holds, whatever its type says.
    pub(crate) fn lenient_texts(&self) -> Result<Vec<String>> {
        match self.texts()? {
            Some(texts) => Ok(texts),
            None => Err(self.unexpected(&[RegistryType::String])),
        }
    }

    /// The number that the value holds, whatever its type says.
    pub(crate) fn lenient_u32(&self) -> Result<u32> {
        let number = match (self.typed_number()?, self.texts()?) {
            (Some(number), _) => Some(number),
            (None, Some(texts)) => texts.first().and_then(|text| number_of(text.trim())),
            // Bytes without a type of their own, low byte first, as Windows stores a number.
            (None, None) => number_of_bytes(&self.data()?),
        };
        let number = number.and_then(|number| u32::try_from(number).ok());
        number.ok_or_else(|| self.unexpected(&[RegistryType::U32]))
    }

    /// The texts; `None` if the value is no text.
    fn texts(&self) -> Result<Option<Vec<String>>> {
        use RegistryType::{ExpandString, Link, MultiString, String};
        if let Some(number) = self.typed_number()? {
            return Ok(Some(vec![number.to_string()]));
        }
        let data = self.data()?;
        let is_text = matches!(self.kind, String | ExpandString | Link | MultiString);
        let text = match one_byte_text(&data) {
            // A text by its type is UTF-16, unless its length rules that out.
            Some(text) if !is_text || data.len() % 2 == 1 => text.to_owned(),
            _ => le::utf16(&data),
        };
        let texts: Vec<_> = match self.kind {
            MultiString => text.split('\0').take_while(|text| !text.is_empty()).map(str::to_owned).collect(),
            _ => vec![text.split('\0').next().unwrap_or_default().to_owned()],
        };
        let is_odd = |c: char| c.is_control() || c == char::REPLACEMENT_CHARACTER;
        let is_readable = texts.iter().all(|text| !text.is_empty() && !text.contains(is_odd));
        Ok(Some(texts).filter(|_| is_text || is_readable))
    }

    /// The number of a value that is stored as one, also where it has fewer or more bytes than its type.
    fn typed_number(&self) -> Result<Option<u64>> {
        if !matches!(self.kind, RegistryType::U32 | RegistryType::U32BigEndian | RegistryType::U64) {
            return Ok(None);
        }
        let mut data = self.data()?;
        if self.kind == RegistryType::U32BigEndian {
            data.reverse();
        }
        Ok(number_of_bytes(&data))
    }

    /// What messages call it.
    fn called(&self) -> String {
        format!("the value \"{}\" of the hive", Shown(&self.name))
    }

    fn array<const N: usize>(&self) -> Result<[u8; N]> {
        let data = self.data()?;
        data.as_slice()
            .try_into()
            .map_err(|_| damaged(format!("{} is a {} of {} bytes", self.called(), self.kind, data.len())))
    }

    fn expect(&self, kinds: &[RegistryType]) -> Result<()> {
        if kinds.contains(&self.kind) { Ok(()) } else { Err(self.unexpected(kinds)) }
    }

    fn unexpected(&self, kinds: &[RegistryType]) -> Error {
        let wanted: Vec<_> = kinds.iter().map(ToString::to_string).collect();
        Error::new(
            ErrorKind::InvalidValue,
            format!(
                "the value \"{}\" is {}; {} was expected",
                Shown(&self.name),
                self.kind,
                wanted.join(" or ")
            ),
        )
    }
}

/// A number of at most eight bytes, low byte first.
fn number_of_bytes(data: &[u8]) -> Option<u64> {
    if data.is_empty() || data.len() > 8 {
        return None;
    }
    Some(data.iter().rev().fold(0, |number, &byte| number << 8 | u64::from(byte)))
}

/// A number in decimal, or in hexadecimal behind `0x`.
fn number_of(text: &str) -> Option<u64> {
    match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        Some(digits) => u64::from_str_radix(digits, 16).ok(),
        None => text.parse().ok(),
    }
}

/// Text of one byte for each character, up to its NUL: UTF-16 in the Latin alphabet has a zero in its second byte.
fn one_byte_text(data: &[u8]) -> Option<&str> {
    let text = data.split(|&byte| byte == 0).next().unwrap_or_default();
    let is_ended = data[text.len()..].iter().all(|&byte| byte == 0);
    let text = std::str::from_utf8(text).ok().filter(|text| text.len() > 1 && is_ended)?;
    text.chars().all(|c| !c.is_control()).then_some(text)
}
