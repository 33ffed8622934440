//! Files on servers: read by ranges over HTTP, read and written in object storage that speaks S3.

#[cfg(feature = "remote")]
mod client;
#[cfg(feature = "remote")]
mod folder;
#[cfg(feature = "remote")]
mod lengthless;
#[cfg(feature = "remote")]
mod source;
#[cfg(feature = "remote")]
mod upload;

use std::path::{Path, PathBuf};
use std::sync::Arc;
#[cfg(feature = "remote")]
use std::time::SystemTime;

#[cfg(feature = "remote")]
pub(crate) use folder::RemoteFolder;
#[cfg(feature = "remote")]
pub(crate) use upload::Upload;

use crate::error::{Error, ErrorKind, Result};
use crate::source::ReadAt;

/// The version of a file: its bytes are the same as long as this is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Version {
    pub(crate) etag: Option<String>,
    pub(crate) version: Option<String>,
}

/// A file in a folder that was listed.
#[cfg(feature = "remote")]
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Listed {
    pub(crate) name: String,
    pub(crate) size: u64,
    /// When it was last changed; the beginning of all times if the server does not state it.
    pub(crate) modified: SystemTime,
}

/// What must hold for a file to be written.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Precondition<'a> {
    /// Nothing: any file of that name is replaced.
    None,
    /// No file has that name.
    Absent,
    /// The file has this version.
    Is(&'a Version),
}

impl<'a> Precondition<'a> {
    /// The file is still as it was read; `None` if it did not exist.
    pub(crate) fn unchanged(version: Option<&'a Version>) -> Self {
        version.map_or(Self::Absent, Self::Is)
    }
}

/// Where something is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Location {
    Path(PathBuf),
    Url(String),
}

impl Location {
    /// A path, or a URL that was given in the place of one. `file://` URLs are paths.
    pub(crate) fn of(path: &Path) -> Result<Self> {
        let Some((scheme, rest)) = path.to_str().and_then(|text| text.split_once("://")) else {
            return Ok(Self::Path(path.to_owned()));
        };
        match scheme.to_ascii_lowercase().as_str() {
            "https" | "http" | "s3" => Ok(Self::Url(format!("{}://{rest}", scheme.to_ascii_lowercase()))),
            "file" => {
                let local = rest.strip_prefix("localhost").unwrap_or(rest);
                match local.starts_with('/').then(|| percent_decoded(local)) {
                    Some(path) => Ok(Self::Path(path)),
                    None => Err(Error::new(
                        ErrorKind::InvalidValue,
                        "the URL does not name a file of this machine",
                    )
                    .with_path(path)
                    .with_help("write it as file:///folder/file, or as a plain path")),
                }
            }
            // A folder may be called `x:`, and slashes may be doubled.
            _ if path.exists() || !is_scheme(scheme) => Ok(Self::Path(path.to_owned())),
            _ => Err(Error::new(ErrorKind::Unsupported, format!("{scheme}:// URLs are not supported"))
                .with_path(path)
                .with_help("give a path, or a URL of https://, http://, s3:// or file://")),
        }
    }
}

/// RFC 3986, 3.1.
fn is_scheme(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_alphabetic())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte))
}

/// The bytes that a part of a URL stands for, as a path.
fn percent_decoded(text: &str) -> PathBuf {
    let bytes = percent_encoding::percent_decode_str(text);
    #[cfg(unix)]
    {
        use std::os::unix::ffi::OsStringExt;
        std::ffi::OsString::from_vec(bytes.collect()).into()
    }
    #[cfg(not(unix))]
    {
        bytes.decode_utf8_lossy().trim_start_matches('/').into()
    }
}

/// The file at a URL, for reading at any offset.
pub(crate) fn open_file(url: &str) -> Result<Arc<dyn ReadAt>> {
    let (folder, name) = split(url)?;
    #[cfg(feature = "remote")]
    let opened = RemoteFolder::open(&folder)?.source(&name);
    #[cfg(not(feature = "remote"))]
    let opened = Err(unsupported(&format!("{folder}/{name}")));
    opened
}

/// The error of a build without servers.
#[cfg(not(feature = "remote"))]
pub(crate) fn unsupported(url: &str) -> Error {
    Error::new(ErrorKind::Unsupported, "this build cannot read URLs")
        .with_path(url)
        .with_help("build it with the feature `remote`, or download the file first")
}

/// The URL of the folder, and the file's name in it.
fn split(url: &str) -> Result<(String, String)> {
    // What follows a `?` stays with the folder, where the client puts names before it: signed URLs are such.
    let (plain, query) = match url.split_once('?') {
        Some((plain, query)) => (plain, Some(query)),
        None => (url, None),
    };
    let split = plain.rsplit_once('/').filter(|(folder, name)| !name.is_empty() && !folder.ends_with('/'));
    let Some((folder, name)) = split else {
        return Err(Error::new(ErrorKind::InvalidValue, "the URL does not name a file")
            .with_path(url)
            .with_help("give the URL of an archive, such as https://host/repo/X.tar.gz"));
    };
    let name = percent_decoded(name).into_os_string().into_string().ok();
    let name =
        name.ok_or_else(|| Error::new(ErrorKind::InvalidValue, "the URL is malformed").with_path(url))?;
    Ok((query.map_or_else(|| folder.to_owned(), |query| format!("{folder}?{query}")), name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_told_from_paths() {
        let url = |text: &str| Location::of(text.as_ref()).unwrap();
        assert_eq!(url("https://h/x.tar.gz"), Location::Url("https://h/x.tar.gz".into()));
        assert_eq!(url("S3://bucket/x"), Location::Url("s3://bucket/x".into()));
        for path in ["x.tar.gz", "/a//b", "./https:/x", "C:\\x", "1a://x"] {
            assert_eq!(url(path), Location::Path(path.into()));
        }
        let error = Location::of("ftp://host/x.tar.gz".as_ref()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported);
    }

    #[cfg(unix)]
    #[test]
    fn file_urls_are_paths() {
        for (text, path) in
            [("file:///srv/a%20b", "/srv/a b"), ("file://localhost/srv", "/srv"), ("FILE:///%C3%A4", "/ä")]
        {
            assert_eq!(Location::of(text.as_ref()).unwrap(), Location::Path(path.into()));
        }
        for text in ["file://host/srv", "file://"] {
            assert_eq!(Location::of(text.as_ref()).unwrap_err().kind(), ErrorKind::InvalidValue, "{text}");
        }
    }

    #[test]
    fn a_url_is_folder_and_name() {
        let split = |url| split(url).ok();
        let pair = |folder: &str, name: &str| Some((folder.to_owned(), name.to_owned()));
        assert_eq!(split("https://h/a/x.tar.gz"), pair("https://h/a", "x.tar.gz"));
        assert_eq!(split("https://h/x%20y?sig=a/b"), pair("https://h?sig=a/b", "x y"));
        for url in ["https://h", "https://h/", "https://h/a/", "s3://"] {
            assert_eq!(split(url), None, "{url}");
        }
    }
}
