//! The targets: one for each entry through which foreign bytes reach the library.

pub(crate) mod archive;
pub(crate) mod image;
pub(crate) mod script;
pub(crate) mod text;
pub(crate) mod windows;

/// A target and its name, which is also the name of its folder in `corpus/`.
pub type Target = (&'static str, fn(&[u8]));

/// All targets.
pub const TARGETS: [Target; 22] = [
    ("archive", archive::archive),
    ("index", archive::index),
    ("tar", archive::tar),
    ("qcow2", image::qcow2),
    ("vmdk", image::vmdk),
    ("vmdk-descriptor", image::vmdk_descriptor),
    ("vhd", image::vhd),
    ("vhdx", image::vhdx),
    ("rbd-diff", image::rbd_diff),
    ("partitions", image::partitions),
    ("ntfs", windows::ntfs),
    ("fat", windows::fat),
    ("hive", windows::hive),
    ("task", windows::task),
    ("firewall", windows::firewall),
    ("metainfo", text::metainfo),
    ("metadata-json", text::metadata_json),
    ("metadata-xml", text::metadata_xml),
    ("values", text::values),
    ("batch", script::batch),
    ("powershell", script::powershell),
    ("posix", script::posix),
];
