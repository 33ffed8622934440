//! Registry hives, read only.
//!
//! The format is that of Maxim Suhanov, "Windows registry file format specification" (github.com/msuhanov/regf), which
//! the comments here call "the specification".

mod base_block;
mod cells;
mod key;
mod names;
mod subkeys;
mod value;

use self::base_block::BaseBlock;
use self::cells::Cells;
use super::ntfs::{NtfsFile, NtfsVolume};
use crate::error::{Error, ErrorKind, Result};

pub use key::{RegistryKey, RegistryKeyPlace};
pub use value::{RegistryType, RegistryValue, RegistryValuePlace};

/// The longest path that is followed: Windows allows 512 keys below each other (Microsoft, "Registry element size
/// limits").
const MAX_DEPTH: usize = 512;

/// A registry hive, as Windows keeps it in a file: `Windows\System32\config\SOFTWARE`.
///
/// It is read without trust: every offset is checked against the hive, a key must say that it is below the key that
/// lists it, so that no walk runs in a circle, and no stated number takes memory without bound. Of a hive in a file only
/// the parts that are asked for are read.
///
/// Changes that Windows has noted in a transaction log and not yet carried over are not seen;
/// [`is_clean`](Self::is_clean) shows whether there can be any.
///
/// ```no_run
/// use vmtemplate::disk::{NtfsVolume, RegistryHive};
/// use vmtemplate::DiskImage;
///
/// let disk = DiskImage::open("volume.raw")?;
/// let volume = NtfsVolume::open(&disk, 0..disk.size())?;
/// let hive = RegistryHive::open(volume.file(r"Windows\System32\config\SOFTWARE")?)?;
/// if let Some(key) = hive.key(r"Microsoft\Windows NT\CurrentVersion")? {
///     println!("{:?}", key.string("ProductName")?);
/// }
/// # Ok::<(), vmtemplate::Error>(())
/// ```
#[derive(Debug)]
pub struct RegistryHive<'a> {
    cells: Cells<'a>,
    base: BaseBlock,
}

/// What the hive states is impossible.
fn damaged(what: impl Into<String>) -> Error {
    Error::new(ErrorKind::InvalidImage, what)
        .with_help("start the virtual machine, shut it down, and try again")
}

impl<'a> RegistryHive<'a> {
    /// The hive of these bytes.
    ///
    /// # Errors
    ///
    /// [`InvalidImage`](ErrorKind::InvalidImage) if it is no hive or a damaged one, and
    /// [`Unsupported`](ErrorKind::Unsupported) for a transaction log and for versions that Windows does not write.
    ///
    /// ```
    /// use vmtemplate::disk::RegistryHive;
    /// use vmtemplate::ErrorKind;
    ///
    /// let error = RegistryHive::from_bytes(*b"no hive").unwrap_err();
    /// assert_eq!(error.kind(), ErrorKind::InvalidImage);
    /// ```
    pub fn from_bytes(bytes: impl Into<Vec<u8>>) -> Result<RegistryHive<'static>> {
        RegistryHive::over(Cells::of_bytes(bytes.into()))
    }

    /// The hive in a file of an NTFS volume. A few MiB of it are held in memory at most.
    ///
    /// # Errors
    ///
    /// As [`from_bytes`](Self::from_bytes), and what reading the file gives.
    ///
    /// ```no_run
    /// # use vmtemplate::disk::{NtfsVolume, RegistryHive};
    /// # fn example(volume: &NtfsVolume) -> vmtemplate::Result<()> {
    /// let hive = RegistryHive::open(volume.file(r"Windows\System32\config\SYSTEM")?)?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn open(file: NtfsFile<'a>) -> Result<Self> {
        Self::over(Cells::of_file(file))
    }

    /// A hive of the Windows on a volume, by its name: `SYSTEM`, `SOFTWARE`, `SAM`, `SECURITY`, `DEFAULT`.
    ///
    /// # Errors
    ///
    /// Those of [`open`](Self::open); [`NotFound`](ErrorKind::NotFound) if the volume has no such hive.
    ///
    /// ```no_run
    /// use vmtemplate::DiskImage;
    /// use vmtemplate::disk::RegistryHive;
    ///
    /// let windows = DiskImage::open("win2019.qcow2")?.windows()?;
    /// let software = RegistryHive::of_windows(&windows, "SOFTWARE")?;
    /// # Ok::<(), vmtemplate::Error>(())
    /// ```
    pub fn of_windows(volume: &'a NtfsVolume, name: &str) -> Result<Self> {
        Self::open(volume.file(&format!("Windows/System32/config/{name}"))?)
    }

    fn over(mut cells: Cells<'a>) -> Result<Self> {
        let base = BaseBlock::read(&cells)?;
        cells.limit(base.data_size)?;
        Ok(Self { cells, base })
    }

    /// Whether every change has reached the hive. If not, some may be in the transaction logs beside it only.
    ///
    /// ```no_run
    /// # use vmtemplate::disk::RegistryHive;
    /// # fn example(hive: &RegistryHive<'_>) {
    /// if !hive.is_clean() {
    ///     println!("Windows was not shut down properly");
    /// }
    /// # }
    /// ```
    pub fn is_clean(&self) -> bool {
        // The specification, "Dirty state of a hive".
        self.base.primary_sequence == self.base.secondary_sequence
    }

    /// The key that all others are below.
    ///
    /// ```no_run
    /// # use vmtemplate::disk::RegistryHive;
    /// # fn example(hive: &RegistryHive<'_>) -> vmtemplate::Result<()> {
    /// for key in hive.root()?.subkeys()? {
    ///     println!("{}", key.name());
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn root(&self) -> Result<RegistryKey<'_>> {
        RegistryKey::read(self, self.base.root, None)
    }

    /// Look a key up by its path, without regard to case; `None` if there is none. An empty path is the root.
    ///
    /// # Errors
    ///
    /// [`InvalidImage`](ErrorKind::InvalidImage) for damage, [`InvalidValue`](ErrorKind::InvalidValue) for a path of more
    /// than 512 names.
    ///
    /// ```no_run
    /// # use vmtemplate::disk::RegistryHive;
    /// # fn example(hive: &RegistryHive<'_>) -> vmtemplate::Result<()> {
    /// let agent = hive.key(r"ControlSet001\Services\QEMU-GA")?;
    /// assert!(agent.is_some());
    /// # Ok(())
    /// # }
    /// ```
    pub fn key(&self, path: &str) -> Result<Option<RegistryKey<'_>>> {
        let mut key = self.root()?;
        for (depth, name) in path.split('\\').filter(|name| !name.is_empty()).enumerate() {
            if depth == MAX_DEPTH {
                return Err(Error::new(
                    ErrorKind::InvalidValue,
                    format!("a path of more than {MAX_DEPTH} keys was asked for"),
                ));
            }
            match key.subkey(name)? {
                Some(below) => key = below,
                None => return Ok(None),
            }
        }
        Ok(Some(key))
    }
    /// The key at a place that one of this hive's keys gave. It is read again, and nothing else is.
    ///
    /// # Errors
    ///
    /// [`InvalidImage`](ErrorKind::InvalidImage) for damage, and, if there happens to be no key, for a place in another hive.
    ///
    /// ```no_run
    /// # use vmtemplate::disk::{RegistryHive, RegistryKeyPlace};
    /// # fn example(hive: &RegistryHive<'_>, place: RegistryKeyPlace) -> vmtemplate::Result<()> {
    /// println!("{}", hive.key_at(place)?.name());
    /// # Ok(())
    /// # }
    /// ```
    pub fn key_at(&self, place: RegistryKeyPlace) -> Result<RegistryKey<'_>> {
        RegistryKey::read(self, place.0, None)
    }

    /// The value at a place that one of this hive's values gave.
    ///
    /// # Errors
    ///
    /// As [`key_at`](Self::key_at).
    ///
    /// ```no_run
    /// # use vmtemplate::disk::{RegistryHive, RegistryValuePlace};
    /// # fn example(hive: &RegistryHive<'_>, place: RegistryValuePlace) -> vmtemplate::Result<()> {
    /// println!("{}", hive.value_at(place)?.string()?);
    /// # Ok(())
    /// # }
    /// ```
    pub fn value_at(&self, place: RegistryValuePlace) -> Result<RegistryValue<'_>> {
        RegistryValue::read(self, place.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::steps;

    /// A hive whose root has `count` keys with a value of four bytes each.
    fn hive(count: u32) -> RegistryHive<'static> {
        fn cell(bins: &mut Vec<u8>, content: &[u8]) -> u32 {
            let (at, length) = (bins.len(), (content.len() + 4).next_multiple_of(8));
            bins.extend((length as u32).wrapping_neg().to_le_bytes());
            bins.extend(content);
            bins.resize(at + length, 0);
            at as u32
        }
        fn key(bins: &mut Vec<u8>, parent: u32, name: &str, lists: [u32; 4]) -> u32 {
            let [subkeys, subkey_list, values, value_list] = lists;
            let mut record = [0; HEADER];
            record[..4].copy_from_slice(b"nk\x20\0");
            let fields = [(16, parent), (20, subkeys), (28, subkey_list), (36, values), (40, value_list)];
            for (at, number) in fields.into_iter().chain([(72, name.len() as u32)]) {
                record[at..at + 4].copy_from_slice(&number.to_le_bytes());
            }
            cell(bins, &[&record[..], name.as_bytes()].concat())
        }
        const HEADER: usize = 76;
        const NONE: u32 = u32::MAX;
        let mut bins = vec![0; 32];
        let root = key(&mut bins, 0, "ROOT", [count, NONE, 0, NONE]);
        let mut list = [b"li", &(count as u16).to_le_bytes()[..]].concat();
        for number in 0..count {
            let name = [&b"vk"[..], &1_u16.to_le_bytes()].concat();
            let rest = [4 | 1 << 31, number, 4, 1].map(u32::to_le_bytes).concat();
            let value = cell(&mut bins, &[name, rest, b"V".to_vec()].concat());
            let values = cell(&mut bins, &value.to_le_bytes());
            let below = key(&mut bins, root, &format!("Key {number:05}"), [0, NONE, 1, values]);
            list.extend(below.to_le_bytes());
        }
        let list = cell(&mut bins, &list);
        bins[root as usize + 4 + 28..][..4].copy_from_slice(&list.to_le_bytes());
        bins.resize(bins.len().next_multiple_of(4096), 0);
        let mut base = vec![0; cells::BASE_BLOCK as usize];
        base[..4].copy_from_slice(b"regf");
        let fields = [(20, 1), (24, 5), (32, 1), (36, root), (40, bins.len() as u32)];
        for (at, number) in fields {
            base[at..at + 4].copy_from_slice(&u32::to_le_bytes(number));
        }
        let checksum = base_block::checksum(&base);
        base[508..512].copy_from_slice(&checksum.to_le_bytes());
        RegistryHive::from_bytes([base, bins].concat()).unwrap()
    }

    /// The bytes that a caller reads who keeps the places of keys and values, and asks each for its data.
    fn steps_of_a_walk(count: u32) -> usize {
        let hive = hive(count);
        let keys: Vec<_> = hive.root().unwrap().subkeys().unwrap().iter().map(RegistryKey::place).collect();
        assert_eq!(keys.len(), count as usize);
        steps::of(|| {
            for (number, &key) in keys.iter().enumerate() {
                let values = hive.key_at(key).unwrap().values().unwrap();
                let value = hive.value_at(values[0].place()).unwrap();
                assert_eq!(value.u32().unwrap(), number as u32);
            }
        })
    }

    #[test]
    fn a_walk_by_places_reads_four_times_as_much_of_four_times_as_many_keys() {
        let (one, four) = (steps_of_a_walk(500), steps_of_a_walk(2000));
        assert!(one > 0 && four <= 4 * one + one / 10, "{one} bytes, and {four}");
    }

    #[test]
    fn a_place_where_no_key_or_value_stands_is_damage() {
        let hive = hive(2);
        let key = hive.root().unwrap().subkeys().unwrap().remove(1);
        let value = key.value("v").unwrap().unwrap();
        for error in [
            hive.key_at(RegistryKeyPlace(value.place().0)).unwrap_err(),
            hive.value_at(RegistryValuePlace(key.place().0)).unwrap_err(),
            hive.key_at(RegistryKeyPlace(u32::MAX - 7)).unwrap_err(),
        ] {
            assert_eq!(error.kind(), ErrorKind::InvalidImage);
        }
    }
}
