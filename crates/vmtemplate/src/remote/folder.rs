//! A folder on a server: files by their names.

use std::fmt;
use std::sync::Arc;

use futures_util::StreamExt as _;
use object_store::path::Path;
use object_store::{
    Error as StoreError, GetOptions, ObjectMeta, ObjectStore, ObjectStoreExt as _, PutMode, PutOptions,
    PutPayload, UpdateVersion,
};

use super::client::{ask, begin, connect, failed, without_secrets};
use super::lengthless::UNKNOWN;
use super::source::RemoteFile;
use super::{Listed, Precondition, Upload, Version};
use crate::error::{Error, ErrorKind, Result};
use crate::progress::Control;
use crate::source::ReadAt;

/// How many files a server is asked about at the same time.
const AT_ONCE: usize = 16;

#[derive(Clone)]
pub(crate) struct RemoteFolder {
    store: Arc<dyn ObjectStore>,
    /// What the names begin with in a bucket.
    prefix: String,
    /// Without credentials, without a slash at the end.
    url: String,
}

impl RemoteFolder {
    /// Nothing is asked of the server yet.
    pub(crate) fn open(url: &str) -> Result<Self> {
        let (store, prefix) = connect(url)?;
        Ok(Self { store, prefix, url: without_secrets(url).trim_end_matches('/').to_owned() })
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    fn url_of(&self, name: &str) -> String {
        format!("{}/{name}", self.url)
    }

    fn path(&self, name: &str) -> Result<Path> {
        let path = if self.prefix.is_empty() { name.to_owned() } else { format!("{}/{name}", self.prefix) };
        // Taken as it is: what must be escaped in a URL is escaped there, and not in names.
        Path::parse(path).map_err(|error| failed(&error.into(), &self.url_of(name)))
    }

    /// Fail unless files can be written here so that concurrent writers notice each other.
    pub(crate) fn check_writable(&self) -> Result<()> {
        if self.url.starts_with("s3://") {
            return Ok(());
        }
        Err(Error::new(ErrorKind::Unsupported, "a repository cannot be written to over HTTP")
            .with_path(&self.url)
            .with_help("publish into the folder that the server serves, or to object storage (s3://)"))
    }

    /// A file for reading at any offset.
    pub(crate) fn source(&self, name: &str) -> Result<Arc<dyn ReadAt>> {
        let file = RemoteFile::open(Arc::clone(&self.store), self.path(name)?, self.url_of(name))?;
        Ok(Arc::new(file))
    }

    /// The bytes of a small file; `None` if it does not exist.
    pub(crate) fn get(&self, name: &str, max: usize) -> Result<Option<(Vec<u8>, Version)>> {
        let (store, path, url) = (Arc::clone(&self.store), self.path(name)?, self.url_of(name));
        let got = ask(&url, None, async move {
            let found = match store.get_opts(&path, GetOptions::default()).await {
                Err(StoreError::NotFound { .. }) => return Ok(None),
                found => found?,
            };
            let version = version_of(&found.meta);
            let mut bytes = Vec::new();
            let mut stream = found.into_stream();
            // The server may state any size, or none: what it sends is counted.
            while let Some(part) = stream.next().await {
                bytes.extend_from_slice(&part?);
                if bytes.len() > max {
                    break;
                }
            }
            Ok(Some((bytes, version)))
        })?;
        match got {
            Some((bytes, _)) if bytes.len() > max => {
                Err(Error::new(ErrorKind::LimitExceeded, format!("the file has more than {max} bytes"))
                    .with_path(url))
            }
            got => Ok(got),
        }
    }

    /// All of a file in order. `take` gets the bytes, and how many there are in all, which is 0 where the server does not
    /// say it. Gives their number.
    pub(crate) fn whole(
        &self,
        name: &str,
        control: &Control,
        take: &mut dyn FnMut(&[u8], u64) -> Result<()>,
    ) -> Result<u64> {
        let (store, path, url) = (Arc::clone(&self.store), self.path(name)?, self.url_of(name));
        let (size, mut stream) = ask(&url, Some(control), async move {
            let found = store.get_opts(&path, GetOptions::default()).await?;
            let size = Some(found.meta.size).filter(|&size| size != UNKNOWN);
            Ok((size, found.into_stream()))
        })?;
        let mut done = 0;
        loop {
            let (next, rest) = begin(async move { (stream.next().await, stream) })?.wait(Some(control))?;
            stream = rest;
            let Some(bytes) = next else { break };
            let bytes = bytes.map_err(|error| failed(&error, &url))?;
            done += bytes.len() as u64;
            take(&bytes, size.unwrap_or(0))?;
        }
        let Some(size) = size.filter(|&size| size != done) else { return Ok(done) };
        Err(Error::new(ErrorKind::Network, format!("the server sent {done} bytes, but announced {size}"))
            .with_path(url)
            .with_help("try again"))
    }

    /// Size, time and version of a file; `None` if it does not exist.
    pub(crate) fn head(&self, name: &str) -> Result<Option<(Listed, Version)>> {
        let (store, path, own) = (Arc::clone(&self.store), self.path(name)?, name.to_owned());
        ask(&self.url_of(name), None, async move {
            match store.head(&path).await {
                Ok(found) => Ok(Some((listing_of(own, &found), version_of(&found)))),
                Err(StoreError::NotFound { .. }) => Ok(None),
                Err(error) => Err(error),
            }
        })
    }

    /// The files in the folder; `None` where the server does not list them, as plain HTTP does not.
    pub(crate) fn files(&self) -> Result<Option<Vec<Listed>>> {
        if !self.url.starts_with("s3://") {
            return Ok(None);
        }
        let (store, prefix) = (Arc::clone(&self.store), self.prefix.clone());
        let listed = ask(&self.url, None, async move {
            let prefix = if prefix.is_empty() { None } else { Some(Path::parse(prefix)?) };
            store.list_with_delimiter(prefix.as_ref()).await
        })?;
        let files = listed.objects.iter().filter_map(|object| {
            let name = object.location.filename()?.to_owned();
            Some(listing_of(name, object))
        });
        Ok(Some(files.collect()))
    }

    /// Size and time of the files that are there of these. What cannot be found out is left out.
    pub(crate) fn look_up(&self, names: &[&str]) -> Result<Vec<Listed>> {
        if let Some(files) = self.files().ok().flatten() {
            return Ok(files);
        }
        let paths = names.iter().filter_map(|name| Some(((*name).to_owned(), self.path(name).ok()?)));
        let (store, paths) = (Arc::clone(&self.store), paths.collect::<Vec<_>>());
        ask(&self.url, None, async move {
            let asked = paths.into_iter().map(|(name, path)| {
                let store = Arc::clone(&store);
                async move {
                    let found = store.head(&path).await.ok()?;
                    Some(listing_of(name, &found))
                }
            });
            let found = futures_util::stream::iter(asked).buffer_unordered(AT_ONCE);
            Ok(found.filter_map(std::future::ready).collect().await)
        })
    }

    /// Write a small file, and give its version; `None` if the precondition does not hold.
    pub(crate) fn put(
        &self,
        name: &str,
        bytes: &[u8],
        precondition: Precondition<'_>,
    ) -> Result<Option<Version>> {
        let (store, path) = (Arc::clone(&self.store), self.path(name)?);
        let mode = match precondition {
            Precondition::None => PutMode::Overwrite,
            Precondition::Absent => PutMode::Create,
            Precondition::Is(Version { etag, version }) => {
                PutMode::Update(UpdateVersion { e_tag: etag.clone(), version: version.clone() })
            }
        };
        let payload = PutPayload::from(bytes.to_vec());
        ask(&self.url_of(name), None, async move {
            match store.put_opts(&path, payload, PutOptions::from(mode)).await {
                Ok(put) => Ok(Some(Version { etag: put.e_tag, version: put.version })),
                Err(StoreError::AlreadyExists { .. } | StoreError::Precondition { .. }) => Ok(None),
                Err(error) => Err(error),
            }
        })
    }

    /// Remove a file; one that does not exist is no error.
    pub(crate) fn delete(&self, name: &str) -> Result<()> {
        let (store, path) = (Arc::clone(&self.store), self.path(name)?);
        ask(&self.url_of(name), None, async move {
            match store.delete(&path).await {
                Ok(()) | Err(StoreError::NotFound { .. }) => Ok(()),
                Err(error) => Err(error),
            }
        })
    }

    /// Begin a file that is sent while it is made; it has at most about `most` bytes, and is there when it is
    /// finished.
    pub(crate) fn upload(&self, name: &str, most: u64, control: &Control) -> Result<Upload> {
        Upload::begin(Arc::clone(&self.store), self.path(name)?, self.url_of(name), most, control)
    }
}

fn listing_of(name: String, found: &ObjectMeta) -> Listed {
    Listed { name, size: found.size, modified: found.last_modified.into() }
}

fn version_of(found: &ObjectMeta) -> Version {
    Version { etag: found.e_tag.clone(), version: found.version.clone() }
}

impl fmt::Debug for RemoteFolder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("RemoteFolder").field(&self.url).finish()
    }
}
