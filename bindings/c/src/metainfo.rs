//! metainfo.xml.

use std::collections::BTreeMap;
use std::ffi::c_char;
use std::ptr;
use std::sync::{Mutex, PoisonError};

use vmtemplate::Metainfo;
use vmtemplate::metainfo::{MetainfoKey, SshPublicKey};

use crate::boundary::{
    Failure, Outcome, Slot, Structs, Text, build, bytes_in, call, edit, free, get, handle, json, look, named,
    output, path_in, status, str_in, str_or_none, text, write,
};
use crate::error::{VMT_INVALID_VALUE, vmt_code, vmt_error, vmt_error_info};
use crate::limits::{self, vmt_limits, vmt_unmet};

/// The metadata of a template. It is read leniently and edited in place: everything that is not set keeps its bytes.
///
/// Texts and problems that it returns live until it is changed or freed. Any number of threads may read it while no
/// thread changes it.
pub struct vmt_metainfo(Slot<MetainfoValue>);
handle!(vmt_metainfo, MetainfoValue);

#[derive(Debug)]
pub(crate) struct MetainfoValue {
    pub(crate) metainfo: Metainfo,
    made: Mutex<Made>,
}

/// The texts that were returned since the last change.
#[derive(Debug, Default)]
struct Made {
    texts: BTreeMap<String, Box<Text>>,
    problems: Option<Structs<vmt_error_info>>,
}

impl From<Metainfo> for MetainfoValue {
    fn from(metainfo: Metainfo) -> Self {
        Self { metainfo, made: Mutex::default() }
    }
}

impl vmt_metainfo {
    pub(crate) fn lent(metainfo: &Metainfo) -> Self {
        Self(Slot::lent(metainfo.clone().into()))
    }
}

impl MetainfoValue {
    fn change(&mut self, change: impl FnOnce(&mut Metainfo) -> Outcome<()>) -> Outcome<()> {
        change(&mut self.metainfo)?;
        self.made = Mutex::default();
        Ok(())
    }
}

/// A text that is made once and then kept under a name that is unique to its getter.
fn kept(
    metainfo: *const vmt_metainfo,
    length: *mut usize,
    name: &str,
    make: impl FnOnce(&Metainfo) -> Outcome<Option<Vec<u8>>>,
) -> *const c_char {
    let (text, bytes) = look((ptr::null(), 0), || kept_text(metainfo, name, make));
    output(length, bytes);
    text
}

fn kept_text(
    metainfo: *const vmt_metainfo,
    name: &str,
    make: impl FnOnce(&Metainfo) -> Outcome<Option<Vec<u8>>>,
) -> Outcome<(*const c_char, usize)> {
    let value = get(metainfo)?;
    let mut known = value.made.lock().unwrap_or_else(PoisonError::into_inner);
    // An absent text is not kept: the caller could ask for any number of names.
    if !known.texts.contains_key(name)
        && let Some(bytes) = make(&value.metainfo)?
    {
        known.texts.insert(name.to_owned(), Box::new(Text::new(bytes)));
    }
    Ok(known.texts.get(name).map_or((ptr::null(), 0), |text| (text.pointer(), text.len())))
}

fn key(name: *const c_char) -> Outcome<MetainfoKey> {
    Ok(str_in(name, "key")?.parse()?)
}

/// Make new metadata with the name of the operating system and only what is required.
///
/// Fails with `VMT_INVALID_VALUE` if the name is empty or contains characters that XML does not allow.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_metainfo_new(os_name: *const c_char, err: *mut *mut vmt_error) -> *mut vmt_metainfo {
    build(err, || Ok(Metainfo::new(str_in(os_name, "os_name")?)?.into()))
}

/// Parse the bytes of a metainfo.xml. Fails with `VMT_INVALID_METAINFO`, with line and column.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_metainfo_parse(
    bytes: *const u8,
    length: usize,
    err: *mut *mut vmt_error,
) -> *mut vmt_metainfo {
    build(err, || Ok(Metainfo::parse(bytes_in(bytes, length, "bytes")?)?.into()))
}

/// Read metadata from a file, or from the metainfo.xml in a folder.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_metainfo_from_file(path: *const c_char, err: *mut *mut vmt_error) -> *mut vmt_metainfo {
    build(err, || Ok(Metainfo::from_file(path_in(path, "path")?)?.into()))
}

/// Make metadata from a JSON object with the keys that `vmt_metainfo_json()` writes. Fails with `VMT_INVALID_VALUE`.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_metainfo_from_json(json: *const c_char, err: *mut *mut vmt_error) -> *mut vmt_metainfo {
    build(err, || {
        let fields = serde_json::from_str(str_in(json, "json")?).map_err(|error| {
            Failure::new(VMT_INVALID_VALUE, format!("this is not a JSON object of metadata: {error}"))
                .with_help("use the keys that `vmt_metainfo_json()` writes")
        })?;
        Ok(Metainfo::from_fields(&fields)?.into())
    })
}

/// Make a copy, which can be changed: for example to edit the metadata of an open template.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_metainfo_clone(
    metainfo: *const vmt_metainfo,
    err: *mut *mut vmt_error,
) -> *mut vmt_metainfo {
    build(err, || Ok(get(metainfo)?.metainfo.clone().into()))
}

/// Free metadata. NULL, and a handle that is part of a template, are ignored.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_metainfo_free(metainfo: *mut vmt_metainfo) {
    look((), || free(metainfo));
}

/// The bytes of the file, in the encoding that it was read in.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_metainfo_bytes(metainfo: *const vmt_metainfo, length: *mut usize) -> *const u8 {
    kept(metainfo, length, "bytes", |metainfo| Ok(Some(metainfo.to_bytes()))).cast()
}

/// The metadata as a JSON object. Fails with `VMT_INVALID_METAINFO` if a value in it is invalid.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_metainfo_json(
    metainfo: *const vmt_metainfo,
    length: *mut usize,
    err: *mut *mut vmt_error,
) -> *const c_char {
    let make = |metainfo: &Metainfo| Ok(Some(json(&metainfo.fields()?)?));
    let (text, bytes) = call(err, (ptr::null(), 0), || kept_text(metainfo, "json", make));
    output(length, bytes);
    text
}

/// Write the file, which appears complete or not at all. Fails with `VMT_ALREADY_EXISTS` unless `overwrite` is set.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_metainfo_write_file(
    metainfo: *const vmt_metainfo,
    path: *const c_char,
    overwrite: bool,
    err: *mut *mut vmt_error,
) -> vmt_code {
    status(err, || Ok(get(metainfo)?.metainfo.write_file(path_in(path, "path")?, overwrite.into())?))
}

/// The text of an element, by the name of the element: `osname`, `version`, `hddimage`, `installdrive`, `rebootcount`,
/// `virtiodisk`, `virtionet`, `sshpublickey`, `illegal_password_characters` and so on; `limit.NAME` is one limit. Tags
/// (`tags`), products (`support`, each `NAME` or `NAME:VERSION`) and declared macros (`macro`, each `($NAME)`) are
/// separated by commas.
///
/// NULL if the element does not exist or is empty, or if the key does not exist. `vmt_metainfo_json()` has all values
/// with their types.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_metainfo_get(
    metainfo: *const vmt_metainfo,
    key: *const c_char,
    length: *mut usize,
) -> *const c_char {
    let name = look("", || str_in(key, "key"));
    kept(metainfo, length, &format!("key {name}"), |metainfo| {
        Ok(metainfo.get(&name.parse()?).map(|text| text.as_bytes().to_vec()))
    })
}

/// Set the text of an element, by a key of `vmt_metainfo_get()`. Everything else keeps its bytes.
///
/// Fails with `VMT_INVALID_VALUE` if the key does not exist or does not allow this text; then nothing is changed.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_metainfo_set(
    metainfo: *mut vmt_metainfo,
    key: *const c_char,
    text: *const c_char,
    err: *mut *mut vmt_error,
) -> vmt_code {
    status(err, || {
        let mut value = edit(metainfo)?;
        let (key, text) = (self::key(key)?, str_in(text, "text")?);
        value.change(|metainfo| Ok(metainfo.set(&key, text)?))
    })
}

/// Remove an element, by a key of `vmt_metainfo_get()`. `*removed`, which may be NULL, receives whether it existed.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_metainfo_remove(
    metainfo: *mut vmt_metainfo,
    key: *const c_char,
    removed: *mut bool,
    err: *mut *mut vmt_error,
) -> vmt_code {
    status(err, || {
        let mut value = edit(metainfo)?;
        let key = self::key(key)?;
        value.change(|metainfo| {
            output(removed, metainfo.remove(&key));
            Ok(())
        })
    })
}

/// Read the limits. Fails with `VMT_INVALID_METAINFO` if one is invalid. Limits with other names are read with
/// `vmt_metainfo_get()`, as `limit.NAME`.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_metainfo_limits(
    metainfo: *const vmt_metainfo,
    limits: *mut vmt_limits,
    err: *mut *mut vmt_error,
) -> vmt_code {
    status(err, || {
        let found = get(metainfo)?.metainfo.limits()?;
        write(limits, limits::out(&found), "limits")
    })
}

/// Set the limits; a field that is zero removes its limit. Limits with other names are kept.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_metainfo_set_limits(
    metainfo: *mut vmt_metainfo,
    limits: vmt_limits,
    err: *mut *mut vmt_error,
) -> vmt_code {
    status(err, || {
        edit(metainfo)?.change(|metainfo| {
            let limits = limits::limits_in(&limits, metainfo.limits()?)?;
            Ok(metainfo.set_limits(&limits)?)
        })
    })
}

/// What a machine with this memory, disk and family of its primary address (4 or 6) lacks. `*unmet` receives a
/// combination of `VMT_UNMET_` flags; 0 if it lacks nothing.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_metainfo_unmet_limits(
    metainfo: *const vmt_metainfo,
    memory_mib: u64,
    disk_mb: u64,
    primary_address: u32,
    unmet: *mut vmt_unmet,
    err: *mut *mut vmt_error,
) -> vmt_code {
    status(err, || {
        let limits = get(metainfo)?.metainfo.limits()?;
        write(unmet, limits::unmet(&limits, memory_mib, disk_mb, primary_address)?, "unmet")
    })
}

/// Whether this product of this version can use the template. False for NULL.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_metainfo_allows(
    metainfo: *const vmt_metainfo,
    product: *const c_char,
    version: *const c_char,
) -> bool {
    look(false, || {
        let support = get(metainfo)?.metainfo.support();
        Ok(support.allows(str_in(product, "product")?, &str_in(version, "version")?.into()))
    })
}

/// Set whether the template takes public SSH keys, and whether they are in base64, which is an attribute of the element
/// `sshpublickey`.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_metainfo_set_ssh_public_key(
    metainfo: *mut vmt_metainfo,
    accepted: bool,
    base64: bool,
    err: *mut *mut vmt_error,
) -> vmt_code {
    status(err, || {
        let key = SshPublicKey { accepted, base64 };
        edit(metainfo)?.change(|metainfo| Ok(metainfo.set_ssh_public_key(key)?))
    })
}

/// The description in a language such as `en`; for NULL, the one without a language. NULL if it does not exist.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_metainfo_description(
    metainfo: *const vmt_metainfo,
    language: *const c_char,
    length: *mut usize,
) -> *const c_char {
    let wanted = look(None, || str_or_none(language, "language"));
    kept(metainfo, length, &format!("description {wanted:?}"), |metainfo| {
        let mut all = metainfo.descriptions().into_iter();
        let found = all.find(|description| description.language.as_deref() == wanted);
        Ok(found.map(|description| description.text.into_bytes()))
    })
}

/// A URL from which an archive of VMmanager 5 can be downloaded; NULL past the end.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_metainfo_external_url(
    metainfo: *const vmt_metainfo,
    index: usize,
    length: *mut usize,
) -> *const c_char {
    kept(metainfo, length, &format!("url {index}"), |metainfo| {
        Ok(metainfo.external_urls().get(index).map(|url| url.as_bytes().to_vec()))
    })
}

/// The problem with an invalid value; NULL past the last one.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_metainfo_problem(metainfo: *const vmt_metainfo, index: usize) -> *const vmt_error_info {
    look(ptr::null(), || {
        let value = get(metainfo)?;
        let mut made = value.made.lock().unwrap_or_else(PoisonError::into_inner);
        let problems = made.problems.get_or_insert_with(|| {
            let problems: Vec<_> = value.metainfo.problems().into_iter().map(Failure::from).collect();
            Structs::of(&problems)
        });
        Ok(problems.at(index))
    })
}

/// The operating system family that the platform recognises by this template name: `redhat-based`, `debian-based`,
/// `freebsd-based` or `Windows`. NULL if it recognises none. The text is static.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_os_family(template_name: *const c_char) -> *const c_char {
    text(ptr::null_mut(), || {
        let family =
            vmtemplate::metainfo::OsFamily::of_template_name(str_in(template_name, "template_name")?);
        Ok(family.map(named))
    })
}
