//! Registry hives, their keys and their values.

use std::ffi::c_char;
use std::ptr;
use std::sync::Arc;

use self_cell::self_cell;
use vmtemplate::disk::{NtfsVolume, RegistryHive, RegistryKey, RegistryKeyPlace, RegistryValue};

use crate::boundary::{
    AsStruct, Failure, Memory, Outcome, Slot, Structs, Text, build, bytes_in, free, get, handle, look,
    status, str_in, text, write,
};
use crate::bytes::vmt_bytes;
use crate::error::{VMT_NOT_FOUND, vmt_code, vmt_error};
use crate::ntfs::vmt_ntfs_file;

/// A hive of the Windows registry, which is only read. It is immutable; any number of threads may use it.
///
/// Changes that Windows has written to a transaction log only are not seen. Handles of hives and keys keep what they
/// need and may be freed in any order.
pub struct vmt_hive(Slot<Arc<Hive>>);
handle!(vmt_hive, Arc<Hive>);

self_cell!(
    pub(crate) struct HiveCell {
        owner: Arc<NtfsVolume>,
        #[covariant]
        dependent: RegistryHive,
    }
);

pub(crate) enum Hive {
    Bytes(RegistryHive<'static>),
    File(HiveCell),
}

impl Hive {
    fn get(&self) -> &RegistryHive<'_> {
        match self {
            Self::Bytes(hive) => hive,
            Self::File(cell) => cell.borrow_dependent(),
        }
    }
}

/// Open the hive in a file of a volume, such as `Windows\System32\config\SOFTWARE`. Only the parts that are asked for
/// are read.
///
/// Fails with `VMT_INVALID_IMAGE` if it is not a hive or is damaged, with `VMT_UNSUPPORTED` for a transaction log, and
/// as `vmt_ntfs_file_read_at()` does.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_hive_open(file: *const vmt_ntfs_file, err: *mut *mut vmt_error) -> *mut vmt_hive {
    build(err, || {
        let (volume, path) = get(file)?.place();
        let cell = HiveCell::try_new(volume, |volume| RegistryHive::open(volume.file(path)?))?;
        Ok(Arc::new(Hive::File(cell)))
    })
}

/// Open the hive in these bytes, which are copied.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_hive_from_bytes(
    bytes: *const u8,
    length: usize,
    err: *mut *mut vmt_error,
) -> *mut vmt_hive {
    build(err, || Ok(Arc::new(Hive::Bytes(RegistryHive::from_bytes(bytes_in(bytes, length, "bytes")?)?))))
}

/// Whether all changes were written to the hive. If not, some may be in the transaction logs beside it. False for NULL.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_hive_is_clean(hive: *const vmt_hive) -> bool {
    look(false, || Ok(get(hive)?.get().is_clean()))
}

/// Look up a key by its path, such as `Microsoft\Windows NT\CurrentVersion`, without regard to case; an empty path is
/// the root. Fails with `VMT_NOT_FOUND`, `VMT_INVALID_IMAGE`.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_hive_key_open(
    hive: *const vmt_hive,
    path: *const c_char,
    err: *mut *mut vmt_error,
) -> *mut vmt_hive_key {
    build(err, || {
        let (hive, path) = (get(hive)?, str_in(path, "path")?);
        match hive.get().key(path)? {
            Some(key) => Ok(KeyValue::new(hive, &key)),
            None => Err(missing(format!("the hive has no key `{path}`"))),
        }
    })
}

/// Close it. NULL is ignored.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_hive_free(hive: *mut vmt_hive) {
    look((), || free(hive));
}

/// A key of a hive. It is immutable; any number of threads may use it.
pub struct vmt_hive_key(Slot<KeyValue>);
handle!(vmt_hive_key, KeyValue);

pub(crate) struct KeyValue {
    hive: Arc<Hive>,
    /// Finds the key again in one step, however many keys are beside it.
    place: RegistryKeyPlace,
    name: Text,
}

impl KeyValue {
    fn new(hive: &Arc<Hive>, key: &RegistryKey<'_>) -> Self {
        Self { hive: Arc::clone(hive), place: key.place(), name: Text::new(key.name()) }
    }

    fn key(&self) -> Outcome<RegistryKey<'_>> {
        Ok(self.hive.get().key_at(self.place)?)
    }
}

fn missing(message: String) -> Failure {
    Failure::new(VMT_NOT_FOUND, message)
}

/// Its name.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_hive_key_name(key: *const vmt_hive_key, length: *mut usize) -> *const c_char {
    text(length, || Ok(Some(&get(key)?.name)))
}

/// The key with this name directly below it, without regard to case. Fails with `VMT_NOT_FOUND`, `VMT_INVALID_IMAGE`.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_hive_key_subkey(
    key: *const vmt_hive_key,
    name: *const c_char,
    err: *mut *mut vmt_error,
) -> *mut vmt_hive_key {
    build(err, || {
        let (value, name) = (get(key)?, str_in(name, "name")?);
        match value.key()?.subkey(name)? {
            Some(below) => Ok(KeyValue::new(&value.hive, &below)),
            None => Err(missing(format!("the key has no subkey `{name}`"))),
        }
    })
}

/// A list of keys. It is immutable; any number of threads may use it.
pub struct vmt_hive_keys(Slot<Vec<vmt_hive_key>>);
handle!(vmt_hive_keys, Vec<vmt_hive_key>);

/// List the keys directly below it. Fails with `VMT_INVALID_IMAGE`, and with `VMT_LIMIT_EXCEEDED` past 262,144 keys.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_hive_key_subkeys(
    key: *const vmt_hive_key,
    err: *mut *mut vmt_error,
) -> *mut vmt_hive_keys {
    build(err, || {
        let value = get(key)?;
        let lent = |below: &RegistryKey<'_>| vmt_hive_key(Slot::lent(KeyValue::new(&value.hive, below)));
        Ok(value.key()?.subkeys()?.iter().map(lent).collect())
    })
}

/// A key of the list, which is part of the list and must not be freed; NULL past the end.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_hive_keys_at(keys: *const vmt_hive_keys, index: usize) -> *const vmt_hive_key {
    look(ptr::null(), || Ok(get(keys)?.get(index).map_or(ptr::null(), ptr::from_ref)))
}

/// Free a list. NULL is ignored.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_hive_keys_free(keys: *mut vmt_hive_keys) {
    look((), || free(keys));
}

/// The type of a value, as Windows numbers it. Values may have other types than these.
pub type vmt_hive_type = u32;
/// Bytes without a type.
pub const VMT_REG_NONE: vmt_hive_type = 0;
/// Text.
pub const VMT_REG_SZ: vmt_hive_type = 1;
/// Text with variables such as `%SystemRoot%`.
pub const VMT_REG_EXPAND_SZ: vmt_hive_type = 2;
/// Bytes.
pub const VMT_REG_BINARY: vmt_hive_type = 3;
/// A number of 32 bits.
pub const VMT_REG_DWORD: vmt_hive_type = 4;
/// A number of 32 bits, the high byte first.
pub const VMT_REG_DWORD_BIG_ENDIAN: vmt_hive_type = 5;
/// The path of another key.
pub const VMT_REG_LINK: vmt_hive_type = 6;
/// A list of texts.
pub const VMT_REG_MULTI_SZ: vmt_hive_type = 7;
/// A number of 64 bits.
pub const VMT_REG_QWORD: vmt_hive_type = 11;

/// A value of a key, without its data.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct vmt_hive_value {
    /// Its name; empty for the default value.
    pub name: *const c_char,
    /// Its type.
    pub kind: vmt_hive_type,
    /// The size of its data in bytes.
    pub size: u32,
    /// The name of its type, such as `REG_SZ`.
    pub kind_name: *const c_char,
}

impl AsStruct for RegistryValue<'_> {
    type Struct = vmt_hive_value;

    fn as_struct(&self, memory: &mut Memory) -> vmt_hive_value {
        vmt_hive_value {
            name: memory.text(self.name()),
            kind: self.kind().into(),
            size: self.size(),
            kind_name: memory.text(self.kind().to_string()),
        }
    }
}

/// The values of a key. It is immutable; any number of threads may use it.
pub struct vmt_hive_values(Slot<Structs<vmt_hive_value>>);
handle!(vmt_hive_values, Structs<vmt_hive_value>);

/// List its values. Fails with `VMT_INVALID_IMAGE`, and with `VMT_LIMIT_EXCEEDED` past 65,536 values.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_hive_key_values(
    key: *const vmt_hive_key,
    err: *mut *mut vmt_error,
) -> *mut vmt_hive_values {
    build(err, || Ok(Structs::of(&get(key)?.key()?.values()?)))
}

/// A value of the list, which lives as long as the list; NULL past the end.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_hive_values_at(values: *const vmt_hive_values, index: usize) -> *const vmt_hive_value {
    look(ptr::null(), || Ok(get(values)?.at(index)))
}

/// Free a list. NULL is ignored.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_hive_values_free(values: *mut vmt_hive_values) {
    look((), || free(values));
}

/// The value with this name.
fn value<'a>(key: *const vmt_hive_key, name: *const c_char) -> Outcome<RegistryValue<'a>> {
    let (key, name) = (get(key)?.key()?, str_in(name, "name")?);
    key.value(name)?.ok_or_else(|| missing(format!("the key `{}` has no value `{name}`", key.name())))
}

/// Read the bytes of a value, whatever its type. `name` is its name without regard to case, and empty for the default
/// value.
///
/// Fails with `VMT_NOT_FOUND`, `VMT_INVALID_IMAGE`, and with `VMT_LIMIT_EXCEEDED` past 64 MiB.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_hive_key_data(
    key: *const vmt_hive_key,
    name: *const c_char,
    err: *mut *mut vmt_error,
) -> *mut vmt_bytes {
    build(err, || Ok(Text::new(value(key, name)?.data()?)))
}

/// Read the text of a `VMT_REG_SZ`, `VMT_REG_EXPAND_SZ` or `VMT_REG_LINK`, up to its first NUL, as UTF-8 that ends with
/// a NUL.
///
/// Fails as `vmt_hive_key_data()` does, and with `VMT_INVALID_VALUE` if the value has another type.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_hive_key_string(
    key: *const vmt_hive_key,
    name: *const c_char,
    err: *mut *mut vmt_error,
) -> *mut vmt_bytes {
    build(err, || Ok(Text::new(value(key, name)?.string()?)))
}

/// Read the texts of a `VMT_REG_MULTI_SZ`, as UTF-8 and each with a NUL after it; another NUL follows the last one. A
/// single text counts as a list of one.
///
/// Fails as `vmt_hive_key_string()` does.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_hive_key_strings(
    key: *const vmt_hive_key,
    name: *const c_char,
    err: *mut *mut vmt_error,
) -> *mut vmt_bytes {
    build(err, || {
        let texts = value(key, name)?.strings()?;
        Ok(Text::new(texts.into_iter().map(|text| text + "\0").collect::<String>()))
    })
}

/// Read the number of a `VMT_REG_DWORD`, in either order of bytes. Fails as `vmt_hive_key_string()` does.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_hive_key_u32(
    key: *const vmt_hive_key,
    name: *const c_char,
    number: *mut u32,
    err: *mut *mut vmt_error,
) -> vmt_code {
    status(err, || write(number, value(key, name)?.u32()?, "number"))
}

/// Read the number of a `VMT_REG_QWORD`. Fails as `vmt_hive_key_string()` does.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_hive_key_u64(
    key: *const vmt_hive_key,
    name: *const c_char,
    number: *mut u64,
    err: *mut *mut vmt_error,
) -> vmt_code {
    status(err, || write(number, value(key, name)?.u64()?, "number"))
}

/// Free it. NULL, and a key that is part of a list, are ignored.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_hive_key_free(key: *mut vmt_hive_key) {
    look((), || free(key));
}
