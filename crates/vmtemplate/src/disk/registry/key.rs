use super::cells::{NONE, field};
use super::value::RegistryValue;
use super::{RegistryHive, damaged, names, subkeys};
use crate::error::{Error, ErrorKind, Result};

/// The fields before the name of a key.
const HEADER: u32 = 76;

/// The longest name of a key, in bytes: 255 characters of UTF-16 (Microsoft, "Registry element size limits").
const MAX_NAME: u32 = 512;

/// More values of one key than this are not read.
const MAX_VALUES: u32 = 1 << 16;

/// The names of all subkeys or values of one key, in bytes.
const MAX_NAMES: usize = 16 << 20;

/// Flag: the name is Latin-1.
const COMPRESSED_NAME: u32 = 0x20;

/// Where a key is in its hive, for a caller that keeps keys longer than it can borrow the hive, such as a handle of another language.
///
/// ```no_run
/// # use vmtemplate::disk::RegistryHive;
/// # fn example(hive: &RegistryHive<'_>) -> vmtemplate::Result<()> {
/// let places: Vec<_> = hive.root()?.subkeys()?.iter().map(|key| key.place()).collect();
/// assert_eq!(hive.key_at(places[0])?.place(), places[0]);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct RegistryKeyPlace(pub(super) u32);

/// A key of a [`RegistryHive`].
///
/// ```no_run
/// # use vmtemplate::disk::RegistryHive;
/// # fn example(hive: &RegistryHive<'_>) -> vmtemplate::Result<()> {
/// if let Some(service) = hive.key(r"ControlSet001\Services\viostor")? {
///     assert_eq!(service.u32("Start")?, Some(0)); // started by the boot loader
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct RegistryKey<'h> {
    hive: &'h RegistryHive<'h>,
    /// The cell of the key.
    offset: u32,
    name: String,
    subkeys: u32,
    subkey_list: u32,
    values: u32,
    value_list: u32,
}

impl<'h> RegistryKey<'h> {
    /// The key at `offset`, which must be below `parent`.
    pub(super) fn read(hive: &'h RegistryHive<'_>, offset: u32, parent: Option<u32>) -> Result<Self> {
        let record = hive.cells.read(offset, HEADER + MAX_NAME)?;
        if !record.starts_with(b"nk") {
            return Err(damaged(format!("the hive has no key at {offset:#x}")));
        }
        // Each key is below one other, and the root below none: no path leads back.
        if parent.is_some_and(|parent| field(&record, 16).ok() != Some(parent)) || parent == Some(offset) {
            return Err(damaged(format!(
                "the key at {offset:#x} of the hive gives another key as its parent"
            )));
        }
        if parent.is_some() && offset == hive.base.root {
            return Err(damaged("the root key of the hive has a parent"));
        }
        let length = field(&record, 72)? as usize & 0xFFFF;
        let name = record
            .get(HEADER as usize..HEADER as usize + length)
            .ok_or_else(|| damaged(format!("the name of the key at {offset:#x} of the hive is truncated")))?;
        Ok(Self {
            hive,
            offset,
            name: names::decode(name, field(&record, 0)? >> 16 & COMPRESSED_NAME != 0),
            subkeys: field(&record, 20)?,
            subkey_list: field(&record, 28)?,
            values: field(&record, 36)?,
            value_list: field(&record, 40)?,
        })
    }

    /// Its name.
    ///
    /// ```no_run
    /// # fn example(key: &vmtemplate::disk::RegistryKey<'_>) {
    /// println!("{}", key.name());
    /// # }
    /// ```
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Where it is: [`RegistryHive::key_at`] finds it again in one step, however deep it is and however many are
    /// beside it.
    ///
    /// ```no_run
    /// # fn example(key: &vmtemplate::disk::RegistryKey<'_>) {
    /// let place = key.place();
    /// # let _ = place;
    /// # }
    /// ```
    pub fn place(&self) -> RegistryKeyPlace {
        RegistryKeyPlace(self.offset)
    }

    /// The keys directly below it.
    ///
    /// # Errors
    ///
    /// [`InvalidImage`](ErrorKind::InvalidImage) for damage, [`LimitExceeded`](ErrorKind::LimitExceeded) past 262,144 of
    /// them.
    ///
    /// ```no_run
    /// # fn example(key: &vmtemplate::disk::RegistryKey<'_>) -> vmtemplate::Result<()> {
    /// for below in key.subkeys()? {
    ///     println!("{}", below.name());
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn subkeys(&self) -> Result<Vec<RegistryKey<'h>>> {
        let offsets = self.offsets(None)?.into_iter();
        bounded(offsets.map(|at| Self::read(self.hive, at, Some(self.offset))), |key| key.name.len())
    }

    /// The key of this name directly below it, without regard to case.
    ///
    /// ```no_run
    /// # fn example(key: &vmtemplate::disk::RegistryKey<'_>) -> vmtemplate::Result<()> {
    /// assert!(key.subkey("Parameters")?.is_some());
    /// # Ok(())
    /// # }
    /// ```
    pub fn subkey(&self, name: &str) -> Result<Option<RegistryKey<'h>>> {
        for offset in self.offsets(Some(name))? {
            let key = Self::read(self.hive, offset, Some(self.offset))?;
            if names::equal(&key.name, name) {
                return Ok(Some(key));
            }
        }
        Ok(None)
    }

    fn offsets(&self, name: Option<&str>) -> Result<Vec<u32>> {
        if self.subkeys == 0 || self.subkey_list == NONE {
            return Ok(Vec::new());
        }
        subkeys::offsets(&self.hive.cells, self.subkey_list, name)
    }

    /// Its values. Their data are read when they are asked for.
    ///
    /// # Errors
    ///
    /// [`InvalidImage`](ErrorKind::InvalidImage) for damage, [`LimitExceeded`](ErrorKind::LimitExceeded) past 65,536 of
    /// them.
    ///
    /// ```no_run
    /// # fn example(key: &vmtemplate::disk::RegistryKey<'_>) -> vmtemplate::Result<()> {
    /// for value in key.values()? {
    ///     println!("{} ({})", value.name(), value.kind());
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn values(&self) -> Result<Vec<RegistryValue<'h>>> {
        let offsets = self.value_offsets()?.into_iter();
        bounded(offsets.map(|at| RegistryValue::read(self.hive, at)), |value| value.name().len())
    }

    /// The value of this name, without regard to case; `None` if there is none. The default value has an empty name.
    ///
    /// ```no_run
    /// # fn example(key: &vmtemplate::disk::RegistryKey<'_>) -> vmtemplate::Result<()> {
    /// if let Some(value) = key.value("ImagePath")? {
    ///     println!("{}", value.string()?);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn value(&self, name: &str) -> Result<Option<RegistryValue<'h>>> {
        for offset in self.value_offsets()? {
            let value = RegistryValue::read(self.hive, offset)?;
            if names::equal(value.name(), name) {
                return Ok(Some(value));
            }
        }
        Ok(None)
    }

    fn value_offsets(&self) -> Result<Vec<u32>> {
        if self.values == 0 || self.value_list == NONE {
            return Ok(Vec::new());
        }
        if self.values > MAX_VALUES {
            return Err(Error::new(
                ErrorKind::LimitExceeded,
                format!("a key of the hive has more than {MAX_VALUES} values"),
            ));
        }
        let list = self.hive.cells.read_list(self.value_list, 0, self.values, 4)?;
        list.chunks_exact(4).map(|entry| field(entry, 0)).collect()
    }

    /// The text of a value; `None` if the value does not exist. See [`RegistryValue::string`].
    ///
    /// ```no_run
    /// # fn example(key: &vmtemplate::disk::RegistryKey<'_>) -> vmtemplate::Result<()> {
    /// println!("{:?}", key.string("ProductName")?);
    /// # Ok(())
    /// # }
    /// ```
    pub fn string(&self, name: &str) -> Result<Option<String>> {
        self.value(name)?.map(|value| value.string()).transpose()
    }

    /// The number that a value holds; `None` if the value does not exist. See [`RegistryValue::u32`].
    ///
    /// ```no_run
    /// # fn example(key: &vmtemplate::disk::RegistryKey<'_>) -> vmtemplate::Result<()> {
    /// println!("{:?}", key.u32("Start")?);
    /// # Ok(())
    /// # }
    /// ```
    pub fn u32(&self, name: &str) -> Result<Option<u32>> {
        self.value(name)?.map(|value| value.u32()).transpose()
    }

    /// The texts of a value; `None` if the value does not exist. See [`RegistryValue::strings`].
    ///
    /// ```no_run
    /// # fn example(key: &vmtemplate::disk::RegistryKey<'_>) -> vmtemplate::Result<()> {
    /// println!("{:?}", key.strings("PagingFiles")?);
    /// # Ok(())
    /// # }
    /// ```
    pub fn strings(&self, name: &str) -> Result<Option<Vec<String>>> {
        self.value(name)?.map(|value| value.strings()).transpose()
    }
}

/// All of them, unless their names take too much memory together.
fn bounded<T>(items: impl Iterator<Item = Result<T>>, name: impl Fn(&T) -> usize) -> Result<Vec<T>> {
    let (mut all, mut bytes) = (Vec::new(), 0);
    for item in items {
        let item = item?;
        bytes += name(&item);
        if bytes > MAX_NAMES {
            return Err(Error::new(
                ErrorKind::LimitExceeded,
                format!("the names below one key of the hive have more than {MAX_NAMES} bytes"),
            ));
        }
        all.push(item);
    }
    Ok(all)
}
