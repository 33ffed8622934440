//! The permissions of new files.

use std::fs::{File, Metadata};
use std::io;

/// The users that may read a new file. A replaced file keeps its mode and its owner.
#[derive(Debug, Clone, Default)]
pub(crate) enum Access {
    /// Everybody whom the umask lets, as any new file.
    #[default]
    Umask,
    /// Nobody but its owner: what holds a password.
    Private,
    /// Everybody, whatever the umask: what is made to be served.
    Public,
    /// Everybody who may read the file that these are the attributes of.
    Like(Metadata),
}

impl Access {
    /// The access to a file that takes the place of one with these attributes.
    pub(crate) fn of_replaced(self, found: Option<Metadata>) -> Self {
        found.map_or(self, Self::Like)
    }

    /// The mode to create the file with: at no time may more people open it than may in the end.
    #[cfg(unix)]
    pub(crate) fn mode_at_first(&self) -> u32 {
        match self {
            Self::Umask => 0o666, // less the umask
            Self::Private | Self::Public | Self::Like(_) => 0o600,
        }
    }

    /// Give the file its final owner and mode.
    #[cfg(unix)]
    pub(crate) fn apply(&self, file: &File) -> io::Result<()> {
        use std::os::unix::fs::{MetadataExt, PermissionsExt, fchown};
        let wanted = match self {
            Self::Like(wanted) => wanted,
            Self::Public => return file.set_permissions(PermissionsExt::from_mode(0o644)),
            Self::Umask | Self::Private => return Ok(()),
        };
        let held = file.metadata()?;
        // Without set-user-ID and set-group-ID: new content lends nobody the rights of the owner.
        let mut mode = wanted.mode() & 0o777;
        if (held.uid(), held.gid()) != (wanted.uid(), wanted.gid())
            && fchown(file, Some(wanted.uid()), Some(wanted.gid())).is_err()
            && held.gid() != wanted.gid()
            && fchown(file, None, Some(wanted.gid())).is_err()
        {
            // Only root gives files away. Another group gets no more than everybody has.
            mode &= !0o070 | (mode & 0o007) << 3;
        }
        file.set_permissions(PermissionsExt::from_mode(mode))
    }

    /// The same for a file that somebody else may own, who alone may change its mode. It is left alone if it can be read
    /// by everybody who is to read it.
    #[cfg(unix)]
    pub(crate) fn apply_to_other(&self, file: &File) -> io::Result<()> {
        use std::os::unix::fs::MetadataExt;
        self.apply(file).or_else(|error| {
            let wanted = match self {
                Self::Like(wanted) => wanted.mode(),
                Self::Public => 0o644,
                Self::Umask | Self::Private => 0,
            };
            let held = file.metadata()?.mode();
            if wanted & 0o444 & !held == 0 { Ok(()) } else { Err(error) }
        })
    }

    #[cfg(not(unix))]
    pub(crate) fn apply_to_other(&self, file: &File) -> io::Result<()> {
        self.apply(file)
    }

    /// Windows takes the rights of a new file from its folder.
    #[cfg(not(unix))]
    pub(crate) fn apply(&self, _file: &File) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn a_file_gets_the_rights_of_another_but_lends_nobody_those_of_its_owner() {
        let folder = tempfile::tempdir().unwrap();
        for (mode, expected) in [(0o644, 0o644), (0o600, 0o600), (0o4755, 0o755), (0o440, 0o440)] {
            let model = folder.path().join("model");
            fs::remove_file(&model).ok();
            fs::write(&model, "").unwrap();
            fs::set_permissions(&model, PermissionsExt::from_mode(mode)).unwrap();
            let file = File::create(folder.path().join("file")).unwrap();
            Access::Like(fs::metadata(&model).unwrap()).apply(&file).unwrap();
            assert_eq!(file.metadata().unwrap().permissions().mode() & 0o7777, expected, "{mode:o}");
        }
    }
}
