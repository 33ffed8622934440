//! Building templates.

use std::ffi::c_char;

use vmtemplate::metainfo::Product;
use vmtemplate::template::TemplateBuilder;

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
/// Its setters return a code, which the caller may ignore: `vmt_template_builder_build()` reports every value that
/// could not be set, together with all other problems. Setting a value again replaces it.
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

/// Change the builder with the value that `argument` reads, or remember why it could not be read.
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

/// Make a builder for a template with this name. If it is NULL or not UTF-8, building reports that.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_template_builder_new(name: *const c_char) -> *mut vmt_template_builder {
    let builder = look(std::ptr::null_mut(), || Ok(give(BuilderValue::from(TemplateBuilder::default()))));
    vmt_template_builder_name(builder, name);
    builder
}

/// Make a builder that starts with a copy of the metadata of another template. Setters replace its values.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_template_builder_from_metainfo(
    metainfo: *const vmt_metainfo,
    err: *mut *mut vmt_error,
) -> *mut vmt_template_builder {
    build(err, || Ok(TemplateBuilder::from_metainfo(get(metainfo)?.metainfo.clone()).into()))
}

/// Set the name of the operating system, which is the name of the template.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_template_builder_name(
    builder: *mut vmt_template_builder,
    name: *const c_char,
) -> vmt_code {
    set(builder, || str_in(name, "name"), TemplateBuilder::name)
}

/// Set the disk image. `image` is not consumed, and may be freed at once.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_template_builder_image(
    builder: *mut vmt_template_builder,
    image: *const vmt_image,
) -> vmt_code {
    set(builder, || Ok(get(image)?.disk.clone()), TemplateBuilder::image)
}

/// Set the disk image by its path. The image is opened at once; if that fails, building reports the error.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_template_builder_image_path(
    builder: *mut vmt_template_builder,
    path: *const c_char,
) -> vmt_code {
    set(builder, || path_in(path, "path"), TemplateBuilder::image_path)
}

/// Set the disk image by its path, opened with these options.
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

/// Set the file name of the image in the template. The default is derived from the name of the template.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_template_builder_image_name(
    builder: *mut vmt_template_builder,
    name: *const c_char,
) -> vmt_code {
    set(builder, || str_in(name, "name"), TemplateBuilder::image_name)
}

/// Set the setup script. The default is vmtemplate's own for Windows. `script` is not consumed, and may be freed at
/// once.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_template_builder_script(
    builder: *mut vmt_template_builder,
    script: *const vmt_script,
) -> vmt_code {
    set(builder, || Ok(get(script)?.script.clone()), TemplateBuilder::script)
}

/// Set the setup script by its path.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_template_builder_script_path(
    builder: *mut vmt_template_builder,
    path: *const c_char,
) -> vmt_code {
    set(builder, || path_in(path, "path"), TemplateBuilder::script_path)
}

/// Set the file name of the script in the template. The default is that of the file, or `windows.cmd`.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_template_builder_script_name(
    builder: *mut vmt_template_builder,
    name: *const c_char,
) -> vmt_code {
    set(builder, || str_in(name, "name"), TemplateBuilder::script_name)
}

/// Set the minimum memory of a machine, in MiB.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_template_builder_memory_mib(
    builder: *mut vmt_template_builder,
    memory_mib: u64,
) -> vmt_code {
    set(builder, || Ok(memory_mib), TemplateBuilder::memory_mib)
}

/// Set the minimum disk size of a machine, in MB.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_template_builder_disk_mb(builder: *mut vmt_template_builder, disk_mb: u64) -> vmt_code {
    set(builder, || Ok(disk_mb), TemplateBuilder::disk_mb)
}

/// Set whether the primary address of a machine may be IPv4.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_template_builder_ipv4(builder: *mut vmt_template_builder, supported: bool) -> vmt_code {
    set(builder, || Ok(supported), TemplateBuilder::ipv4)
}

/// Set whether the primary address of a machine may be IPv6.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_template_builder_ipv6(builder: *mut vmt_template_builder, supported: bool) -> vmt_code {
    set(builder, || Ok(supported), TemplateBuilder::ipv6)
}

/// Set the number of reboots after which the system counts as installed.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_template_builder_reboot_count(
    builder: *mut vmt_template_builder,
    count: u32,
) -> vmt_code {
    set(builder, || Ok(count), TemplateBuilder::reboot_count)
}

/// Set whether the image has virtio drivers for disks.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_template_builder_virtio_disk(
    builder: *mut vmt_template_builder,
    installed: bool,
) -> vmt_code {
    set(builder, || Ok(installed), TemplateBuilder::virtio_disk)
}

/// Set whether the image has virtio drivers for the network.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_template_builder_virtio_net(
    builder: *mut vmt_template_builder,
    installed: bool,
) -> vmt_code {
    set(builder, || Ok(installed), TemplateBuilder::virtio_net)
}

/// Add a tag.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_template_builder_tag(
    builder: *mut vmt_template_builder,
    tag: *const c_char,
) -> vmt_code {
    set(builder, || str_in(tag, "tag"), TemplateBuilder::tag)
}

/// Set the version of the template, which may be any text.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_template_builder_template_version(
    builder: *mut vmt_template_builder,
    version: *const c_char,
) -> vmt_code {
    set(builder, || str_in(version, "version"), TemplateBuilder::template_version)
}

/// Add a macro that the user fills in, in the form `($NAME)`.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_template_builder_declare_macro(
    builder: *mut vmt_template_builder,
    name: *const c_char,
) -> vmt_code {
    set(builder, || str_in(name, "name"), TemplateBuilder::declare_macro)
}

/// Add a product that can use the template, such as `VMmgr`, with its minimum version; NULL accepts any version.
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

/// Build the template. This consumes `builder`, also if it fails.
///
/// If several things are wrong, it fails with `VMT_INVALID_TEMPLATE` and an error that has a problem for each of them;
/// if only one is wrong, with the code of that problem.
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

/// Free a builder that was not built. NULL is ignored.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_template_builder_free(builder: *mut vmt_template_builder) {
    look((), || free(builder));
}
