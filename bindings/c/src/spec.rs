//! Building templates.

use std::ffi::c_char;

use vmtemplate::metainfo::Limits;
use vmtemplate::template::TemplateBuilder;

use crate::boundary::{Failure, Outcome, build, get_or_none, list_in, path_in, read, str_or_none};
use crate::error::{VMT_INVALID_VALUE, vmt_error};
use crate::image::{open_options, vmt_image, vmt_open_options};
use crate::limits::{answer_in, limits_in, vmt_answer, vmt_limits};
use crate::metainfo::vmt_metainfo;
use crate::script::vmt_script;
use crate::template::vmt_template;

/// What a template is made of. Only an image and a name are required; fields that are zero have their defaults. The
/// template keeps what it needs: handles in the spec may be freed when it is built.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct vmt_template_spec {
    /// `sizeof(vmt_template_spec)`.
    pub struct_size: usize,
    /// The name of the operating system, which is the name of the template. NULL takes that of `metainfo`.
    pub name: *const c_char,
    /// Metadata to start with, such as that of another template; NULL starts with none. Fields that are not zero
    /// replace values of it.
    pub metainfo: *const vmt_metainfo,
    /// The disk image; NULL takes `image_path`.
    pub image: *const vmt_image,
    /// The path of the disk image; NULL takes `image`.
    pub image_path: *const c_char,
    /// Options for opening `image_path`; may be NULL.
    pub open: *const vmt_open_options,
    /// The file name of the image in the template. NULL derives it from its path or the name of the template.
    pub image_name: *const c_char,
    /// The setup script. NULL takes `script_path`, and if that is NULL too, vmtemplate's own script for Windows.
    pub script: *const vmt_script,
    /// The path of the setup script; NULL takes `script`.
    pub script_path: *const c_char,
    /// The file name of the script in the template. NULL takes that of `script_path`, or else `setup.cmd` or
    /// `setup.sh`.
    pub script_name: *const c_char,
    /// What a machine must have. `disk_mb` is the size of the image if it is 0.
    pub limits: vmt_limits,
    /// Tags, `tag_count` of them.
    pub tags: *const *const c_char,
    /// The number of `tags`.
    pub tag_count: usize,
    /// Macros that the user fills in, in the form `($NAME)`: `macro_count` of them.
    pub macros: *const *const c_char,
    /// The number of `macros`.
    pub macro_count: usize,
    /// Products that can use the template, each a name, or a name and the minimum version: `VMmgr:5.45`. There are
    /// `product_count` of them; `VMmgr` if that is 0.
    pub products: *const *const c_char,
    /// The number of `products`.
    pub product_count: usize,
    /// The version of the template, which may be any text; may be NULL.
    pub version: *const c_char,
    /// The number of reboots after which the system counts as installed; 1 for 0.
    pub reboot_count: u32,
    /// Whether the image has virtio drivers for disks. `VMT_UNSET` means that it has.
    pub virtio_disk: vmt_answer,
    /// Whether the image has virtio drivers for the network. `VMT_UNSET` means that it has.
    pub virtio_net: vmt_answer,
}

fn only_one<A, B>(one: *const A, one_name: &str, other: *const B, other_name: &str) -> Outcome<()> {
    if one.is_null() || other.is_null() {
        return Ok(());
    }
    Err(Failure::new(
        VMT_INVALID_VALUE,
        format!("both `{one_name}` and `{other_name}` are set; expected one"),
    ))
}

fn builder(spec: &vmt_template_spec) -> Outcome<TemplateBuilder> {
    only_one(spec.image, "image", spec.image_path, "image_path")?;
    only_one(spec.script, "script", spec.script_path, "script_path")?;
    let mut builder = match get_or_none(spec.metainfo)? {
        Some(base) => TemplateBuilder::from_metainfo(base.metainfo.clone()),
        None => TemplateBuilder::default(),
    };
    macro_rules! set {
        ($($setter:ident = $value:expr;)*) => {
            $(if let Some(value) = $value {
                builder = builder.$setter(value);
            })*
        };
    }
    set! {
        name = str_or_none(spec.name, "name")?;
        image = get_or_none(spec.image)?.map(|image| image.disk.clone());
        image_name = str_or_none(spec.image_name, "image_name")?;
        script_name = str_or_none(spec.script_name, "script_name")?;
        script = get_or_none(spec.script)?.map(|script| script.script.clone());
        template_version = str_or_none(spec.version, "version")?;
        reboot_count = (spec.reboot_count > 0).then_some(spec.reboot_count);
        virtio_disk = answer_in(spec.virtio_disk, "virtio_disk")?;
        virtio_net = answer_in(spec.virtio_net, "virtio_net")?;
    }
    for name in list_in(spec.macros, spec.macro_count, "macros")? {
        builder = builder.declare_macro(name);
    }
    for product in list_in(spec.products, spec.product_count, "products")? {
        builder = builder.support(product);
    }
    if !spec.script_path.is_null() {
        builder = builder.script_path(path_in(spec.script_path, "script_path")?);
    }
    if !spec.image_path.is_null() {
        builder = builder.image_with(path_in(spec.image_path, "image_path")?, &open_options(spec.open)?);
    }
    let limits = limits_in(&spec.limits, Limits::default())?;
    Ok(builder.limits(limits).tags(list_in(spec.tags, spec.tag_count, "tags")?))
}

/// Build a template.
///
/// Fails with `VMT_INVALID_TEMPLATE` and an error that has a problem for each thing that is wrong with the template. A
/// field that has no such value, such as a text that is not UTF-8, fails alone, with `VMT_INVALID_VALUE` or
/// `VMT_NULL_ARGUMENT`.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_template_build(
    spec: *const vmt_template_spec,
    err: *mut *mut vmt_error,
) -> *mut vmt_template {
    build(err, || Ok(builder(&read(spec)?)?.build()?.into()))
}
