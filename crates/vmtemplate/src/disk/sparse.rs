//! Writing so that zeros become holes.

use std::fs::File;
use std::io;

/// The grain in which zeros are looked for: what file systems allocate.
const BLOCK: usize = 4096;
static ZEROS: [u8; BLOCK] = [0; BLOCK];

/// Write `buf` at `offset` of a file that holds zeros there, and leave whole blocks of zeros out.
/// Returns the number of bytes written.
pub(super) fn write_sparse(file: &File, buf: &[u8], offset: u64) -> io::Result<u64> {
    let mut written = 0;
    let mut start = 0; // of the run that is not zeros
    let mut at = 0;
    while at < buf.len() {
        let to_boundary = BLOCK - ((offset + at as u64) % BLOCK as u64) as usize;
        let end = (at + to_boundary).min(buf.len());
        let block = &buf[at..end];
        if block == &ZEROS[..block.len()] {
            written += write_at(file, &buf[start..at], offset + start as u64)?;
            start = end;
        }
        at = end;
    }
    Ok(written + write_at(file, &buf[start..], offset + start as u64)?)
}

/// Write all of `buf` at `offset`. Returns its length.
#[cfg(unix)]
pub(super) fn write_at(file: &File, buf: &[u8], offset: u64) -> io::Result<u64> {
    std::os::unix::fs::FileExt::write_all_at(file, buf, offset)?;
    Ok(buf.len() as u64)
}

/// Write all of `buf` at `offset`. Returns its length.
#[cfg(windows)]
pub(super) fn write_at(file: &File, buf: &[u8], offset: u64) -> io::Result<u64> {
    let mut done = 0;
    while done < buf.len() {
        match std::os::windows::fs::FileExt::seek_write(file, &buf[done..], offset + done as u64) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(written) => done += written,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(buf.len() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;

    #[test]
    fn zeros_are_left_out_by_blocks_of_the_file_and_all_else_is_written() {
        let mut file = tempfile::tempfile().unwrap();
        file.set_len(40_000).unwrap();
        let mut buf = vec![0; 30_000];
        buf[0] = 1; // in the block 0..4096 of the file
        buf[20_000] = 2; // at 20 100 of the file: in the block 16384..20480
        buf[29_999] = 3; // at 30 099: in the block 28672.., of which the buffer has 1 428 bytes
        let written = write_sparse(&file, &buf, 100).unwrap();
        assert_eq!(written, (4096 - 100) + 4096 + (30_100 - 28_672));
        let mut found = Vec::new();
        file.read_to_end(&mut found).unwrap();
        assert_eq!(found[100..30_100], buf);
        assert!(found[30_100..].iter().all(|&b| b == 0));
    }
}
