use super::DiskSource;
use super::file::ImageFile;
use super::open::Opener;
use crate::error::Result;
pub(super) fn open(_file: ImageFile, _opener: &Opener<'_>) -> Result<std::sync::Arc<dyn DiskSource>> {
    Err(crate::Error::new(crate::ErrorKind::Unsupported, "todo"))
}
