//! What stands for servers in a build without them: the types are there, and nothing can be made of them.

use std::io::{self, Write};
use std::sync::Arc;
use std::time::SystemTime;

use super::{Expected, Listed, Version};
use crate::error::{Error, ErrorKind, Result};
use crate::progress::Control;
use crate::source::ReadAt;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum RemoteFolder {}

#[derive(Debug)]
pub(crate) enum Upload {}

#[allow(clippy::unused_self)]
impl RemoteFolder {
    pub(crate) fn open(url: &str) -> Result<Self> {
        Err(Error::new(ErrorKind::Unsupported, "this build cannot read URLs")
            .with_path(url)
            .with_help("build it with the feature `remote`, or download the file first"))
    }

    pub(crate) fn url(&self) -> &str {
        match *self {}
    }

    pub(crate) fn check_writable(&self) -> Result<()> {
        match *self {}
    }

    pub(crate) fn source(&self, _name: &str) -> Result<Arc<dyn ReadAt>> {
        match *self {}
    }

    pub(crate) fn get(&self, _name: &str, _max: usize) -> Result<Option<(Vec<u8>, Version)>> {
        match *self {}
    }

    pub(crate) fn whole(
        &self,
        _name: &str,
        _control: &Control,
        _take: &mut dyn FnMut(&[u8], u64) -> Result<()>,
    ) -> Result<u64> {
        match *self {}
    }

    pub(crate) fn modified(&self, _name: &str) -> Result<Option<SystemTime>> {
        match *self {}
    }

    pub(crate) fn files(&self) -> Result<Option<Vec<Listed>>> {
        match *self {}
    }

    pub(crate) fn look_up(&self, _names: &[&str]) -> Result<Vec<Listed>> {
        match *self {}
    }

    pub(crate) fn put(&self, _name: &str, _bytes: &[u8], _expected: Expected<'_>) -> Result<bool> {
        match *self {}
    }

    pub(crate) fn delete(&self, _name: &str) -> Result<()> {
        match *self {}
    }

    pub(crate) fn upload(&self, _name: &str, _most: u64, _control: &Control) -> Result<Upload> {
        match *self {}
    }
}

impl Upload {
    pub(crate) fn finish(self) -> Result<()> {
        match self {}
    }
}

impl Write for Upload {
    fn write(&mut self, _buf: &[u8]) -> io::Result<usize> {
        match *self {}
    }

    fn flush(&mut self) -> io::Result<()> {
        match *self {}
    }
}
