//! Tar headers as we write them.

use crate::error::{Error, ErrorKind, Result};

pub(super) const BLOCK: usize = 512;

/// What a file of ours looks like in the archive: the same for every user and machine.
const MODE: u32 = 0o644;
/// The same of a folder.
const FOLDER_MODE: u32 = 0o755;

/// The default time of all entries: 1980-01-01. GNU tar warns of "implausibly old" times at 0.
pub(super) const DEFAULT_MTIME: u64 = 315_532_800;

/// The header blocks of a file of `size` bytes.
///
/// The form is GNU's: sizes past 8 GiB in base 256, names past 100 bytes in an entry before. GNU tar, bsdtar,
/// busybox and Python read both; a PAX size is passed over by busybox.
pub(super) fn file_header(name: &str, size: u64, mtime: u64) -> Result<Vec<u8>> {
    let mut out = Vec::with_capacity(BLOCK);
    if name.len() > 100 {
        // "././@LongLink" with the name and a NUL as its content, then the file with the first 100 bytes of it.
        let mut long = tar::Header::new_gnu();
        set_name(&mut long, b"././@LongLink");
        long.set_entry_type(tar::EntryType::GNULongName);
        long.set_mode(MODE);
        long.set_size(name.len() as u64 + 1);
        long.set_cksum();
        out.extend_from_slice(long.as_bytes());
        out.extend_from_slice(name.as_bytes());
        out.resize(out.len() + 1 + padding(name.len() as u64 + 1), 0);
    }
    out.extend_from_slice(regular(tar::Header::new_gnu(), name, size, mtime)?.as_bytes());
    Ok(out)
}

/// The header blocks of a folder, whose name ends with a slash.
pub(super) fn folder_header(name: &str, mtime: u64) -> Result<Vec<u8>> {
    let mut out = file_header(name, 0, mtime)?;
    // The last block is that of the entry itself; a long name is before it.
    let at = out.len() - BLOCK;
    let mut header = tar::Header::from_byte_slice(&out[at..]).clone();
    header.set_entry_type(tar::EntryType::Directory);
    header.set_mode(FOLDER_MODE);
    header.set_cksum();
    out[at..].copy_from_slice(header.as_bytes());
    Ok(out)
}

/// The header blocks of a sparse file of `size` bytes, of which `stored` are in the archive, their map included.
///
/// PAX records of form 1.0, "Storing Sparse Files" in the GNU tar manual. The entry itself has a name of its own, so
/// that a reader that does not know the form does not take what is stored for the file.
pub(super) fn sparse_header(name: &str, size: u64, stored: u64, mtime: u64) -> Result<Vec<u8>> {
    let mut records = Vec::new();
    let (size, stored_size) = (size.to_string(), stored.to_string());
    for (key, value) in [
        ("GNU.sparse.major", "1"),
        ("GNU.sparse.minor", "0"),
        ("GNU.sparse.name", name),
        ("GNU.sparse.realsize", &size),
    ] {
        pax_record(&mut records, key, value);
    }
    if stored >= 8 << 30 {
        // Past what the octal digits of the header say (POSIX, pax: `size`).
        pax_record(&mut records, "size", &stored_size);
    }
    let mut pax =
        regular(tar::Header::new_ustar(), &format!("PaxHeaders/{name}"), records.len() as u64, mtime)?;
    pax.set_entry_type(tar::EntryType::XHeader);
    pax.set_cksum();
    let mut out = pax.as_bytes().to_vec();
    let filling = padding(records.len() as u64);
    out.extend_from_slice(&records);
    out.resize(out.len() + filling, 0);
    let entry = regular(tar::Header::new_ustar(), &format!("GNUSparseFile.0/{name}"), stored, mtime)?;
    out.extend_from_slice(entry.as_bytes());
    Ok(out)
}

/// `LENGTH KEY=VALUE\n`, where LENGTH counts its own digits too (POSIX, pax).
fn pax_record(out: &mut Vec<u8>, key: &str, value: &str) {
    let rest = key.len() + value.len() + 3;
    let mut length = rest;
    while length != rest + length.to_string().len() {
        length = rest + length.to_string().len();
    }
    out.extend_from_slice(format!("{length} {key}={value}\n").as_bytes());
}

/// The header block of a file of ours; a name that is too long is cut.
fn regular(mut header: tar::Header, name: &str, size: u64, mtime: u64) -> Result<tar::Header> {
    set_name(&mut header, name.as_bytes());
    header.set_entry_type(tar::EntryType::Regular);
    header.set_mode(MODE);
    header.set_uid(0);
    header.set_gid(0);
    header
        .set_username("root")
        .and_then(|()| header.set_groupname("root"))
        .map_err(|e| Error::new(ErrorKind::Io, "cannot write a tar header").caused_by(e))?;
    header.set_mtime(mtime);
    header.set_size(size);
    header.set_cksum();
    Ok(header)
}

/// Bytes that fill the last block of a content of `size` bytes.
pub(super) fn padding(size: u64) -> usize {
    (BLOCK as u64 - 1 - (size + BLOCK as u64 - 1) % BLOCK as u64) as usize
}

/// The name field unchanged: `Header::set_path` would drop `./` and refuse what is checked elsewhere.
fn set_name(header: &mut tar::Header, name: &[u8]) {
    let field = &mut header.as_old_mut().name;
    let length = name.len().min(field.len());
    field[..length].copy_from_slice(&name[..length]);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn padding_fills_the_last_block() {
        for (size, expected) in [(0, 0), (1, 511), (511, 1), (512, 0), (513, 511)] {
            assert_eq!(padding(size), expected, "{size}");
        }
    }

    #[test]
    fn the_length_of_a_pax_record_counts_its_own_digits() {
        for length in 1..300 {
            let mut out = Vec::new();
            pax_record(&mut out, "k", &"v".repeat(length));
            let stated = out.split(|&b| b == b' ').next().unwrap();
            assert_eq!(std::str::from_utf8(stated).unwrap(), out.len().to_string());
        }
    }

    #[test]
    fn a_size_past_8_gib_and_a_long_name_are_read_back() {
        let name = format!("{}.hddimage", "ä".repeat(60));
        let bytes = file_header(&name, 20 << 30, 7).unwrap();
        assert_eq!(bytes.len(), 3 * BLOCK);
        let header = tar::Header::from_byte_slice(&bytes[2 * BLOCK..]);
        assert_eq!(header.entry_size().unwrap(), 20 << 30);
        assert_eq!((header.mtime().unwrap(), header.mode().unwrap()), (7, 0o644));
        assert_eq!(&bytes[BLOCK..BLOCK + name.len()], name.as_bytes());
    }
}
