//! A file that is sent in parts while it is made.

use std::collections::VecDeque;
use std::fmt;
use std::io::{self, Write};
use std::sync::Arc;

use object_store::path::Path;
use object_store::{
    Error as StoreError, MultipartUpload, ObjectStore, PutMultipartOptions, PutPayload, PutResult,
};

use super::client::{Pending, ask, begin, failed};
use crate::error::Result;
use crate::progress::Control;

/// The smallest part that S3 takes is 5 MiB; it takes 10,000 of them.
const PART: u64 = 8 << 20;
const PARTS: u64 = 9_000;
/// Parts on their way: with the one that is being filled, what memory holds.
const ON_THE_WAY: usize = 3;

pub(crate) struct Upload {
    /// `None` after the end.
    parts: Option<Box<dyn MultipartUpload>>,
    on_the_way: VecDeque<Pending<Result<(), StoreError>>>,
    filling: Vec<u8>,
    /// All parts but the last have this size, as some servers want it.
    part: usize,
    url: String,
    control: Control,
}

impl Upload {
    pub(super) fn begin(
        store: Arc<dyn ObjectStore>,
        path: Path,
        url: String,
        most: u64,
        control: &Control,
    ) -> Result<Self> {
        let parts = ask(&url, Some(control), async move {
            store.put_multipart_opts(&path, PutMultipartOptions::default()).await
        })?;
        let part = PART.max(most.div_ceil(PARTS).next_multiple_of(1 << 20)) as usize;
        Ok(Self {
            parts: Some(parts),
            on_the_way: VecDeque::new(),
            filling: Vec::new(),
            part,
            url,
            control: control.clone(),
        })
    }

    fn send(&mut self) -> Result<()> {
        let Some(parts) = &mut self.parts else { return Ok(()) };
        let sent = parts.put_part(PutPayload::from(std::mem::take(&mut self.filling)));
        self.on_the_way.push_back(begin(sent)?);
        while self.on_the_way.len() > ON_THE_WAY {
            self.wait_for_one()?;
        }
        Ok(())
    }

    fn wait_for_one(&mut self) -> Result<()> {
        let Some(first) = self.on_the_way.pop_front() else { return Ok(()) };
        first.wait(Some(&self.control))?.map_err(|error| failed(&error, &self.url))
    }

    /// Send the rest; from now on the file is there.
    pub(crate) fn finish(mut self) -> Result<()> {
        if !self.filling.is_empty() {
            self.send()?;
        }
        while !self.on_the_way.is_empty() {
            self.wait_for_one()?;
        }
        if let Some(mut parts) = self.parts.take() {
            // Not to be given up half-way: nobody would know whether the file is there.
            let completed: Result<(Box<dyn MultipartUpload>, Result<PutResult, StoreError>)> =
                begin(async move {
                    let completed = parts.complete().await;
                    (parts, completed)
                })?
                .wait(None);
            let (parts, completed) = completed?;
            if let Err(error) = completed {
                self.parts = Some(parts);
                return Err(failed(&error, &self.url));
            }
        }
        Ok(())
    }
}

impl Write for Upload {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        let room = self.part - self.filling.len();
        let count = buf.len().min(room);
        self.filling.extend_from_slice(&buf[..count]);
        if self.filling.len() == self.part {
            self.send()?;
        }
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What was not finished is taken back: servers keep the parts of unfinished files, and bill them.
impl Drop for Upload {
    fn drop(&mut self) {
        self.on_the_way.clear();
        if let Some(mut parts) = self.parts.take()
            && let Ok(aborted) = begin(async move { parts.abort().await })
        {
            aborted.wait(None).ok();
        }
    }
}

impl fmt::Debug for Upload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Upload").field("url", &self.url).field("part", &self.part).finish_non_exhaustive()
    }
}
