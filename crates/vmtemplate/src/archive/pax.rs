//! PAX extended headers, as far as templates meet them: long names, large sizes and the sparse forms of GNU tar.
//!
//! The records are those of POSIX pax; the `GNU.sparse.*` keys are described in the GNU tar manual, "Storing Sparse
//! Files".

use super::numbers::decimal;
use super::sparse::Segment;
use crate::error::{Error, ErrorKind, Result};

/// The records of one extended header that matter here.
#[derive(Debug, Default)]
pub(super) struct Pax {
    pub(super) path: Option<Vec<u8>>,
    pub(super) size: Option<u64>,
    pub(super) sparse_major: Option<u64>,
    pub(super) sparse_name: Option<Vec<u8>>,
    pub(super) real_size: Option<u64>,
    /// Forms 0.0 and 0.1 list the segments here; form 1.0 puts them before the content.
    pub(super) segments: Vec<Segment>,
    pending_offset: Option<u64>,
}

impl Pax {
    /// Take up the records `LENGTH KEY=VALUE\n` of one header.
    pub(super) fn read(&mut self, mut records: &[u8]) -> Result<()> {
        let damaged = || Error::new(ErrorKind::InvalidArchive, "a PAX header is damaged");
        // Some writers fill the last block with NULs inside the stated size.
        while records.first().is_some_and(|&b| b != 0) {
            let space = records.iter().take(12).position(|&b| b == b' ').ok_or_else(damaged)?;
            let length = decimal(&records[..space]).ok_or_else(damaged)? as usize;
            if length <= space + 1 || length > records.len() || records[length - 1] != b'\n' {
                return Err(damaged());
            }
            let record = &records[space + 1..length - 1];
            let equals = record.iter().position(|&b| b == b'=').ok_or_else(damaged)?;
            self.take(&record[..equals], &record[equals + 1..]).ok_or_else(damaged)?;
            records = &records[length..];
        }
        Ok(())
    }

    fn take(&mut self, key: &[u8], value: &[u8]) -> Option<()> {
        match key {
            b"path" => self.path = Some(value.to_vec()),
            b"size" => self.size = Some(decimal(value)?),
            b"GNU.sparse.major" => self.sparse_major = Some(decimal(value)?),
            b"GNU.sparse.name" => self.sparse_name = Some(value.to_vec()),
            b"GNU.sparse.size" | b"GNU.sparse.realsize" => self.real_size = Some(decimal(value)?),
            b"GNU.sparse.offset" => self.pending_offset = Some(decimal(value)?),
            b"GNU.sparse.numbytes" => {
                let offset = self.pending_offset.take()?;
                self.segments.push(Segment { offset, length: decimal(value)? });
            }
            b"GNU.sparse.map" => {
                let numbers: Option<Vec<u64>> = value.split(|&b| b == b',').map(decimal).collect();
                for pair in numbers?.chunks(2) {
                    let &[offset, length] = pair else { return None };
                    self.segments.push(Segment { offset, length });
                }
            }
            _ => {}
        }
        Some(())
    }

    pub(super) fn is_sparse(&self) -> bool {
        self.sparse_major.is_some() || self.real_size.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_are_read_by_their_lengths() {
        let mut pax = Pax::default();
        pax.read(b"13 path=a=b\n\n20 size=20000000000\n26 SCHILY.xattr.u=anything\n").unwrap_err();
        let mut pax = Pax::default();
        pax.read(b"12 path=a=b\n20 size=20000000000\n19 mtime=1.5000000\n").unwrap();
        assert_eq!(pax.path.as_deref(), Some(&b"a=b"[..]));
        assert_eq!(pax.size, Some(20_000_000_000));
    }

    #[test]
    fn sparse_maps_of_the_older_forms_are_read() {
        let mut pax = Pax::default();
        pax.read(b"22 GNU.sparse.size=10\n23 GNU.sparse.offset=4\n25 GNU.sparse.numbytes=2\n").unwrap();
        assert_eq!(pax.segments, [Segment { offset: 4, length: 2 }]);
        let mut pax = Pax::default();
        pax.read(b"26 GNU.sparse.map=0,2,8,1\n").unwrap();
        assert_eq!(pax.segments.len(), 2);
    }

    #[test]
    fn records_that_lie_about_their_length_are_errors() {
        for bad in [
            &b"5 path=a\n"[..],
            b"99 path=a\n",
            b"9 path=a",
            b"path=a\n",
            b"99999999999999999999 path=a\n",
            b"0 path=a\n",
            b"10 size=-1\n",
            b"9 pathxa\n",
            b"25 GNU.sparse.numbytes=2\n",
            b"24 GNU.sparse.map=0,2,8\n",
        ] {
            assert!(Pax::default().read(bad).is_err(), "{}", String::from_utf8_lossy(bad));
        }
    }
}
