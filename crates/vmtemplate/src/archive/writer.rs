//! The bytes of an archive in their order: members, runs of zeros, and the index behind them.

use std::io::Write;

use super::index::IndexWriter;
use super::member::{CHUNK, Kind};
use super::zeros::{ZeroMembers, zero_member};
use crate::error::{Error, Result};

/// Writes members, joins runs of zeros, and keeps the index.
pub(super) struct MemberWriter<'a, W> {
    output: &'a mut W,
    index: IndexWriter,
    zeros: ZeroMembers,
    /// Zeros that are not written yet: more may follow.
    zero_run: u64,
}

impl<'a, W: Write> MemberWriter<'a, W> {
    pub(super) fn new(output: &'a mut W) -> Self {
        Self { output, index: IndexWriter::default(), zeros: ZeroMembers::new(), zero_run: 0 }
    }

    fn write(output: &mut W, bytes: &[u8]) -> Result<()> {
        output.write_all(bytes).map_err(|e| Error::io("cannot write the archive", e))
    }

    pub(super) fn member(&mut self, bytes: &[u8], content: u32) -> Result<()> {
        self.flush_zeros()?;
        self.index.add(Kind::Data, bytes.len() as u32, content);
        Self::write(self.output, bytes)
    }

    pub(super) fn zeros(&mut self, length: u64) {
        self.zero_run += length;
    }

    fn flush_zeros(&mut self) -> Result<()> {
        let run = std::mem::take(&mut self.zero_run);
        let odd = (run % CHUNK as u64) as u32;
        for (content, member) in self.zeros.for_run(run - u64::from(odd)) {
            self.index.add(Kind::Zeros, member.len() as u32, content);
            Self::write(self.output, member)?;
        }
        if odd > 0 {
            let member = zero_member(odd);
            self.index.add(Kind::Zeros, member.len() as u32, odd);
            Self::write(self.output, &member)?;
        }
        Ok(())
    }

    pub(super) fn finish(&mut self) -> Result<()> {
        self.flush_zeros()?;
        for member in self.index.members() {
            Self::write(self.output, &member)?;
        }
        self.output.flush().map_err(|e| Error::io("cannot write the archive", e))
    }
}
