//! NTFS volumes and their files.

use std::ffi::c_char;
use std::ptr;
use std::sync::Arc;

use self_cell::self_cell;
use vmtemplate::disk::{Hibernation, NtfsFile, NtfsVolume};

use crate::boundary::{
    AsStruct, Failure, Memory, Outcome, Slot, Structs, Text, build, fill, free, get, handle, look, output,
    status, str_in, write,
};
use crate::bytes::vmt_bytes;
use crate::error::{VMT_INVALID_VALUE, vmt_code, vmt_error};
use crate::files::{vmt_file, vmt_files};
use crate::image::vmt_image;

/// An NTFS volume of a disk, which is only read. It is immutable; any number of threads may use it.
///
/// It keeps what it needs of the image, as its files do of it: handles may be freed in any order.
pub struct vmt_ntfs(Slot<NtfsValue>);
handle!(vmt_ntfs, NtfsValue);

#[derive(Debug)]
pub(crate) struct NtfsValue {
    volume: Arc<NtfsVolume>,
    info: Structs<vmt_ntfs_info>,
}

/// What an NTFS volume says about itself.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct vmt_ntfs_info {
    /// The offset of the volume on the disk in bytes.
    pub offset: u64,
    /// The size of the volume in bytes. Its partition may be larger.
    pub size: u64,
    /// The serial number that formatting gave it.
    pub serial_number: u64,
    /// The label; empty if it has none.
    pub label: *const c_char,
    /// The cluster size in bytes.
    pub cluster_size: u32,
    /// The version of NTFS before the dot: 3 since Windows 2000.
    pub major_version: u8,
    /// The version of NTFS after the dot: 1 since Windows XP.
    pub minor_version: u8,
    /// Whether Windows will check the volume when it starts next.
    pub is_dirty: bool,
}

impl AsStruct for NtfsVolume {
    type Struct = vmt_ntfs_info;

    fn as_struct(&self, memory: &mut Memory) -> vmt_ntfs_info {
        let (major_version, minor_version) = self.version();
        vmt_ntfs_info {
            offset: self.offset(),
            size: self.size(),
            serial_number: self.serial_number(),
            label: memory.text(self.label()),
            cluster_size: self.cluster_size(),
            major_version,
            minor_version,
            is_dirty: self.is_dirty(),
        }
    }
}

/// Open the NTFS volume in the `length` bytes at `offset` of a disk, such as those of a `vmt_partition`; `length` 0
/// means up to the end of the disk.
///
/// Fails with `VMT_INVALID_IMAGE` if there is no NTFS volume or it is damaged, with `VMT_UNSUPPORTED` if it is
/// encrypted by BitLocker, and with `VMT_INVALID_VALUE` if the bytes are not on the disk.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_ntfs_open(
    image: *const vmt_image,
    offset: u64,
    length: u64,
    err: *mut *mut vmt_error,
) -> *mut vmt_ntfs {
    build(err, || {
        let disk = &get(image)?.disk;
        let end = if length == 0 { Some(disk.size()) } else { offset.checked_add(length) };
        let Some(end) = end else {
            let message = format!("{length} bytes at {offset} are not on any disk");
            return Err(Failure::new(VMT_INVALID_VALUE, message));
        };
        let volume = NtfsVolume::open(disk, offset..end)?;
        Ok(NtfsValue { info: Structs::one(&volume), volume: Arc::new(volume) })
    })
}

/// What it says about itself, which lives as long as the handle; NULL for NULL.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_ntfs_get(ntfs: *const vmt_ntfs) -> *const vmt_ntfs_info {
    look(ptr::null(), || Ok(get(ntfs)?.info.pointer()))
}

/// Whether every change in the journal has reached the volume, which it has after a clean shutdown: `*clean` receives
/// it.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_ntfs_has_clean_journal(
    ntfs: *const vmt_ntfs,
    clean: *mut bool,
    err: *mut *mut vmt_error,
) -> vmt_code {
    status(err, || write(clean, get(ntfs)?.volume.has_clean_journal()?, "clean"))
}

/// Whether Windows left its memory on a volume.
pub type vmt_hibernation = u32;
/// Windows did not.
pub const VMT_HIBERNATION_NONE: vmt_hibernation = 0;
/// Windows was hibernated and has resumed since.
pub const VMT_HIBERNATION_RESUMED: vmt_hibernation = 1;
/// Windows is hibernated, or was shut down by Fast Startup. When it resumes, it does not see changes to the volume.
pub const VMT_HIBERNATION_HIBERNATED: vmt_hibernation = 2;

/// Whether Windows is hibernated on the volume: `*hibernation` receives it.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_ntfs_hibernation(
    ntfs: *const vmt_ntfs,
    hibernation: *mut vmt_hibernation,
    err: *mut *mut vmt_error,
) -> vmt_code {
    status(err, || {
        let found = match get(ntfs)?.volume.hibernation()? {
            Hibernation::None => VMT_HIBERNATION_NONE,
            Hibernation::Resumed => VMT_HIBERNATION_RESUMED,
            _ => VMT_HIBERNATION_HIBERNATED,
        };
        write(hibernation, found, "hibernation")
    })
}

/// Close it. NULL is ignored.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_ntfs_free(ntfs: *mut vmt_ntfs) {
    look((), || free(ntfs));
}

/// A file, a folder or a named stream of an NTFS volume. It is immutable; any number of threads may use it.
pub struct vmt_ntfs_file(Slot<NtfsFileValue>);
handle!(vmt_ntfs_file, NtfsFileValue);

self_cell!(
    struct FileCell {
        owner: Arc<NtfsVolume>,
        #[covariant]
        dependent: NtfsFile,
    }
);

pub(crate) struct NtfsFileValue {
    cell: FileCell,
    path: String,
    info: Structs<vmt_file>,
}

impl NtfsFileValue {
    fn file(&self) -> &NtfsFile<'_> {
        self.cell.borrow_dependent()
    }

    /// The volume, and the path of the file on it.
    pub(crate) fn place(&self) -> (Arc<NtfsVolume>, &str) {
        (Arc::clone(self.cell.borrow_owner()), &self.path)
    }
}

impl AsStruct for (&str, &NtfsFile<'_>) {
    type Struct = vmt_file;

    fn as_struct(&self, memory: &mut Memory) -> vmt_file {
        let (path, file) = *self;
        vmt_file {
            name: memory.text(path),
            size: file.size(),
            is_folder: file.is_folder(),
            sha256: ptr::null(),
        }
    }
}

/// Look up a file or folder without regard to case. `\` or `/` separates folders, an empty path is the root, and
/// `FILE:STREAM` is a named stream of a file. Fails with `VMT_NOT_FOUND`, `VMT_INVALID_IMAGE`.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_ntfs_file_open(
    ntfs: *const vmt_ntfs,
    path: *const c_char,
    err: *mut *mut vmt_error,
) -> *mut vmt_ntfs_file {
    build(err, || {
        let (volume, path) = (Arc::clone(&get(ntfs)?.volume), str_in(path, "path")?);
        let cell = FileCell::try_new(volume, |volume| volume.file(path))?;
        let info = Structs::one(&(path, cell.borrow_dependent()));
        Ok(NtfsFileValue { cell, path: path.to_owned(), info })
    })
}

/// Its path, its size, and whether it is a folder; NULL for NULL. It lives as long as the handle.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_ntfs_file_get(file: *const vmt_ntfs_file) -> *const vmt_file {
    look(ptr::null(), || Ok(get(file)?.info.pointer()))
}

/// Read the whole file. Fails with `VMT_LIMIT_EXCEEDED` if it is larger than `max` bytes, and as
/// `vmt_ntfs_file_read_at()` does.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_ntfs_file_read(
    file: *const vmt_ntfs_file,
    max: u64,
    err: *mut *mut vmt_error,
) -> *mut vmt_bytes {
    build(err, || Ok(Text::new(get(file)?.file().read(max)?)))
}

/// Fill `buffer` with the `length` bytes at `offset` of the file. `*count`, which may be NULL, receives how many of
/// them there were before its end; the rest of the buffer is filled with zeros.
///
/// Fails with `VMT_UNSUPPORTED` if the data is not on the volume as such: encrypted (EFS), compressed by "Compact OS",
/// deduplicated, in a cloud, or a link; and with `VMT_INVALID_VALUE` for a folder.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_ntfs_file_read_at(
    file: *const vmt_ntfs_file,
    buffer: *mut u8,
    length: usize,
    offset: u64,
    count: *mut usize,
    err: *mut *mut vmt_error,
) -> vmt_code {
    output(count, 0);
    status(err, || {
        let file = get(file)?.file();
        fill(buffer, length, |buffer| -> Outcome<()> {
            output(count, file.read_at(buffer, offset)?);
            Ok(())
        })
    })
}

/// List a folder, in no particular order. Fails with `VMT_INVALID_VALUE` if it is not a folder.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_ntfs_file_list(file: *const vmt_ntfs_file, err: *mut *mut vmt_error) -> *mut vmt_files {
    build(err, || Ok(Structs::of(&get(file)?.file().list()?)))
}

/// Close it. NULL is ignored.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_ntfs_file_free(file: *mut vmt_ntfs_file) {
    look((), || free(file));
}
