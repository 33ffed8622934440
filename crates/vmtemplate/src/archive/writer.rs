//! The bytes of an archive in their order: members, runs of zeros, and the index behind them.

use std::io::Write;

use super::index::IndexWriter;
use super::member::{CHUNK, Kind};
use super::zeros::{ZeroMembers, zero_member};
use crate::error::{Error, Result};

/// Writes members, joins runs of zeros, and keeps the index.
pub(super) struct MemberWriter<'a, W> {
    output: Counted<'a, W>,
    index: IndexWriter,
    zeros: ZeroMembers,
    /// Zeros that are not written yet: more may follow.
    zero_run: u64,
}

impl<'a, W: Write> MemberWriter<'a, W> {
    pub(super) fn new(output: &'a mut W) -> Self {
        let output = Counted { output, written: 0 };
        Self { output, index: IndexWriter::default(), zeros: ZeroMembers::new(), zero_run: 0 }
    }

    pub(super) fn member(&mut self, bytes: &[u8], content: u32) -> Result<()> {
        self.flush_zeros()?;
        self.index.add(Kind::Data, bytes.len() as u32, content);
        self.output.write(bytes)
    }

    pub(super) fn zeros(&mut self, length: u64) {
        self.zero_run += length;
    }

    fn flush_zeros(&mut self) -> Result<()> {
        let run = std::mem::take(&mut self.zero_run);
        let odd = (run % CHUNK as u64) as u32;
        for (content, member) in self.zeros.for_run(run - u64::from(odd)) {
            self.index.add(Kind::Zeros, member.len() as u32, content);
            self.output.write(member)?;
        }
        if odd > 0 {
            let member = zero_member(odd);
            self.index.add(Kind::Zeros, member.len() as u32, odd);
            self.output.write(&member)?;
        }
        Ok(())
    }

    /// Write the index, and return how many bytes the archive has.
    pub(super) fn finish(&mut self) -> Result<u64> {
        self.flush_zeros()?;
        for member in self.index.members() {
            self.output.write(&member)?;
        }
        self.output.output.flush().map_err(cannot_write)?;
        Ok(self.output.written)
    }
}

struct Counted<'a, W> {
    output: &'a mut W,
    written: u64,
}

impl<W: Write> Counted<'_, W> {
    fn write(&mut self, bytes: &[u8]) -> Result<()> {
        self.written += bytes.len() as u64;
        self.output.write_all(bytes).map_err(cannot_write)
    }
}

fn cannot_write(error: std::io::Error) -> Error {
    Error::io("cannot write the archive", error)
}
