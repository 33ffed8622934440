//! Building templates.

use std::ffi::c_char;

use vmtemplate::{Product, TemplateBuilder};

use crate::boundary::{
    Failure, Outcome, Slot, build, edit, free, get, give, handle, look, path_in, status, str_in, str_or_none,
    take,
};
use crate::error::{VMT_INVALID_TEMPLATE, vmt_code, vmt_error};
use crate::image::{open_options, vmt_image, vmt_open_options};
use crate::metainfo::vmt_metainfo;
use crate::script::vmt_script;
use crate::template::{TemplateValue, vmt_template};

/// Builds a template. One thread at a time may use it.
///
/// Its setters return a code, which need not be looked at: what could not be set is told by
/// `vmt_template_builder_build()`, together with all else that is wrong. Setting something again replaces it.
pub struct vmt_template_builder(Slot<BuilderValue>);
handle!(vmt_template_builder, BuilderValue);

#[derive(Debug)]
pub(crate) struct BuilderValue {
    builder: TemplateBuilder,
    faults: Vec<Failure>,
}

impl From<TemplateBuilder> for BuilderValue {
    fn from(builder: TemplateBuilder) -> Self {
        Self { builder, faults: Vec::new() }
    }
}

/// Change the builder with what `argument` reads, or remember why that could not be read.
fn set<A>(
    builder: *mut vmt_template_builder,
    argument: impl FnOnce() -> Outcome<A>,
    change: impl FnOnce(TemplateBuilder, A) -> TemplateBuilder,
) -> vmt_code {
    status(std::ptr::null_mut(), || {
        let mut held = edit(builder)?;
        match argument() {
            Ok(argument) => {
                held.builder = change(std::mem::take(&mut held.builder), argument);
                Ok(())
            }
            Err(failure) => {
                held.faults.push(failure.clone());
                Err(failure)
            }
        }
    })
}

/// A builder for a template with this name. NULL or what is not UTF-8 is told when it is built.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_template_builder_new(name: *const c_char) -> *mut vmt_template_builder {
    let builder = look(std::ptr::null_mut(), || Ok(give(BuilderValue::from(TemplateBuilder::default()))));
    vmt_template_builder_name(builder, name);
    builder
}

/// A builder that begins with the metadata of another template, which stays. What is set goes over it.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_template_builder_from_metainfo(
    metainfo: *const vmt_metainfo,
    err: *mut *mut vmt_error,
) -> *mut vmt_template_builder {
    build(err, || Ok(TemplateBuilder::from_metainfo(get(metainfo)?.metainfo.clone()).into()))
}

/// The name of the operating system, which is that of the template.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_template_builder_name(
    builder: *mut vmt_template_builder,
    name: *const c_char,
) -> vmt_code {
    set(builder, || str_in(name, "name"), TemplateBuilder::name)
}

/// The disk image. `image` stays, and may be freed at once.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_template_builder_image(
    builder: *mut vmt_template_builder,
    image: *const vmt_image,
) -> vmt_code {
    set(builder, || Ok(get(image)?.disk.clone()), TemplateBuilder::image)
}

/// The disk image, by its path. It is opened at once; what goes wrong then is told when the template is built.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_template_builder_image_path(
    builder: *mut vmt_template_builder,
    path: *const c_char,
) -> vmt_code {
    set(builder, || path_in(path, "path"), TemplateBuilder::image_path)
}

/// The disk image, by its path, opened as said.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_template_builder_image_with(
    builder: *mut vmt_template_builder,
    path: *const c_char,
    options: *const vmt_open_options,
) -> vmt_code {
    set(
        builder,
        || Ok((path_in(path, "path")?, open_options(options)?)),
        |builder, (path, options)| builder.image_with(path, &options),
    )
}

/// The name of the image in the template; made from that of the template unless set.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_template_builder_image_name(
    builder: *mut vmt_template_builder,
    name: *const c_char,
) -> vmt_code {
    set(builder, || str_in(name, "name"), TemplateBuilder::image_name)
}

/// The setup script; ours for Windows unless set. `script` stays, and may be freed at once.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_template_builder_script(
    builder: *mut vmt_template_builder,
    script: *const vmt_script,
) -> vmt_code {
    set(builder, || Ok(get(script)?.script.clone()), TemplateBuilder::script)
}

/// The setup script, by its path.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_template_builder_script_path(
    builder: *mut vmt_template_builder,
    path: *const c_char,
) -> vmt_code {
    set(builder, || path_in(path, "path"), TemplateBuilder::script_path)
}

/// The name of the script in the template; `windows.cmd` or that of the file unless set.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_template_builder_script_name(
    builder: *mut vmt_template_builder,
    name: *const c_char,
) -> vmt_code {
    set(builder, || str_in(name, "name"), TemplateBuilder::script_name)
}

/// The least memory of a machine, in MiB.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_template_builder_memory_mib(
    builder: *mut vmt_template_builder,
    memory_mib: u64,
) -> vmt_code {
    set(builder, || Ok(memory_mib), TemplateBuilder::memory_mib)
}

/// The least disk of a machine, in MB.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_template_builder_disk_mb(builder: *mut vmt_template_builder, disk_mb: u64) -> vmt_code {
    set(builder, || Ok(disk_mb), TemplateBuilder::disk_mb)
}

/// Whether machines with an IPv4 address as their primary one can be made.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_template_builder_ipv4(builder: *mut vmt_template_builder, supported: bool) -> vmt_code {
    set(builder, || Ok(supported), TemplateBuilder::ipv4)
}

/// The same for IPv6.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_template_builder_ipv6(builder: *mut vmt_template_builder, supported: bool) -> vmt_code {
    set(builder, || Ok(supported), TemplateBuilder::ipv6)
}

/// The number of reboots after which the system counts as installed.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_template_builder_reboot_count(
    builder: *mut vmt_template_builder,
    count: u32,
) -> vmt_code {
    set(builder, || Ok(count), TemplateBuilder::reboot_count)
}

/// Whether the image has virtio drivers for disks.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_template_builder_virtio_disk(
    builder: *mut vmt_template_builder,
    installed: bool,
) -> vmt_code {
    set(builder, || Ok(installed), TemplateBuilder::virtio_disk)
}

/// Whether the image has virtio drivers for the network.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_template_builder_virtio_net(
    builder: *mut vmt_template_builder,
    installed: bool,
) -> vmt_code {
    set(builder, || Ok(installed), TemplateBuilder::virtio_net)
}

/// One more tag.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_template_builder_tag(
    builder: *mut vmt_template_builder,
    tag: *const c_char,
) -> vmt_code {
    set(builder, || str_in(tag, "tag"), TemplateBuilder::tag)
}

/// The version of the template, as any text.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_template_builder_template_version(
    builder: *mut vmt_template_builder,
    version: *const c_char,
) -> vmt_code {
    set(builder, || str_in(version, "version"), TemplateBuilder::template_version)
}

/// One more macro that the user fills in, in the form `($NAME)`.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_template_builder_declare_macro(
    builder: *mut vmt_template_builder,
    name: *const c_char,
) -> vmt_code {
    set(builder, || str_in(name, "name"), TemplateBuilder::declare_macro)
}

/// One more product that can use the template, such as `VMmgr`, from a version on, or, for NULL, of any version.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_template_builder_support(
    builder: *mut vmt_template_builder,
    product: *const c_char,
    min_version: *const c_char,
) -> vmt_code {
    set(
        builder,
        || {
            Ok(Product {
                name: str_in(product, "product")?.to_owned(),
                min_version: str_or_none(min_version, "min_version")?.map(Into::into),
            })
        },
        TemplateBuilder::support,
    )
}

/// The template. It consumes `builder`, also when it fails.
///
/// Fails with `VMT_INVALID_TEMPLATE`, or what the one thing that is wrong is, with a problem for each thing that is wrong.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_template_builder_build(
    builder: *mut vmt_template_builder,
    err: *mut *mut vmt_error,
) -> *mut vmt_template {
    build(err, || {
        let BuilderValue { builder, faults } = take(builder)?;
        let built = builder.build();
        if faults.is_empty() {
            return Ok(TemplateValue::new(built?));
        }
        let mut problems = faults;
        if let Err(error) = built {
            let all = Failure::from(error);
            if all.problems.is_empty() { problems.push(all) } else { problems.extend(all.problems) }
        }
        let message = format!("the template cannot be built: {} problems", problems.len());
        Err(Failure { problems, ..Failure::new(VMT_INVALID_TEMPLATE, message) })
    })
}

/// Free one that is not built. NULL is taken.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_template_builder_free(builder: *mut vmt_template_builder) {
    look((), || free(builder));
}
