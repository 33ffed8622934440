//! Templates.

use std::ffi::{c_char, c_void};
use std::ptr;

use vmtemplate::Template;

use crate::boundary::{
    Json, Slot, Structs, build, call, free, get, hand_out, handle, look, output, path_in, status, writer,
};
use crate::check::{check_options, vmt_check_options};
use crate::error::{vmt_code, vmt_error};
use crate::files::vmt_files;
use crate::image::{open_options, vmt_image, vmt_open_options, vmt_write_fn};
use crate::metainfo::vmt_metainfo;
use crate::pack::{pack_options, vmt_pack_options, vmt_packed};
use crate::report::vmt_report;
use crate::script::{render_options, vmt_render_options, vmt_script};
use crate::values::vmt_values;

/// A template: metadata, script, image. It is immutable; any number of threads may use it.
pub struct vmt_template(Slot<TemplateValue>);
handle!(vmt_template, TemplateValue);

pub(crate) struct TemplateValue {
    pub(crate) template: Template,
    metainfo: vmt_metainfo,
    script: Option<vmt_script>,
    image: Option<vmt_image>,
    files: vmt_files,
    json: Json,
}

impl From<Template> for TemplateValue {
    fn from(template: Template) -> Self {
        Self {
            metainfo: vmt_metainfo::lent(template.metainfo()),
            script: template.script().map(vmt_script::lent),
            image: template.image().map(vmt_image::lent),
            files: vmt_files::lent(template.files()),
            template,
            json: Json::default(),
        }
    }
}

/// Open a template: an archive, or a folder with a metainfo.xml. The image is not read. `options`, which may be NULL,
/// are for the image in a folder; they do not affect the image in an archive.
///
/// Fails with `VMT_NOT_FOUND`, `VMT_INVALID_ARCHIVE`, `VMT_UNSAFE_ARCHIVE`, `VMT_INVALID_METAINFO`,
/// `VMT_INVALID_TEMPLATE`.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_template_open(
    path: *const c_char,
    options: *const vmt_open_options,
    err: *mut *mut vmt_error,
) -> *mut vmt_template {
    build(err, || Ok(Template::open_with(path_in(path, "path")?, &open_options(options)?)?.into()))
}

/// Its metadata, which is part of the template and must not be freed; NULL for NULL. `vmt_metainfo_clone()` makes a
/// copy that can be edited.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_template_metainfo(template: *const vmt_template) -> *const vmt_metainfo {
    look(ptr::null(), || Ok(ptr::from_ref(&get(template)?.metainfo)))
}

/// Its setup script, which is part of the template and must not be freed; NULL if it has none.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_template_script(template: *const vmt_template) -> *const vmt_script {
    look(ptr::null(), || Ok(get(template)?.script.as_ref().map_or(ptr::null(), ptr::from_ref)))
}

/// Its disk image, which is part of the template and must not be freed; NULL if it cannot be read in place, as in an
/// archive made by another tool.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_template_image(template: *const vmt_template) -> *const vmt_image {
    look(ptr::null(), || Ok(get(template)?.image.as_ref().map_or(ptr::null(), ptr::from_ref)))
}

/// Its files, which are part of the template and must not be freed; NULL for NULL.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_template_files(template: *const vmt_template) -> *const vmt_files {
    look(ptr::null(), || Ok(ptr::from_ref(&get(template)?.files)))
}

/// The template as JSON, as `vmtemplate inspect --json` prints it. Fails with `VMT_INVALID_METAINFO` if a value in its
/// metadata is invalid.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_template_json(
    template: *const vmt_template,
    length: *mut usize,
    err: *mut *mut vmt_error,
) -> *const c_char {
    let (text, bytes) = call(err, (ptr::null(), 0), || {
        let value = get(template)?;
        let text = value.json.of(|| Ok(value.template.info()?))?;
        Ok(text.map_or((ptr::null(), 0), |text| (text.pointer(), text.len())))
    });
    output(length, bytes);
    text
}

/// Replace the macros of its setup script, as `vmt_script_render()` does. The characters that passwords must not
/// contain are taken from its metadata. `options` may be NULL.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_template_render(
    template: *const vmt_template,
    values: *const vmt_values,
    options: *const vmt_render_options,
    err: *mut *mut vmt_error,
) -> *mut vmt_script {
    build(err, || Ok(get(template)?.template.render(&get(values)?.values, &render_options(options)?)?.into()))
}

/// The same for the template or the script file at `path`.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_render_path(
    path: *const c_char,
    values: *const vmt_values,
    options: *const vmt_render_options,
    err: *mut *mut vmt_error,
) -> *mut vmt_script {
    build(err, || {
        let (values, options) = (&get(values)?.values, render_options(options)?);
        Ok(Template::render_path(path_in(path, "path")?, values, &options)?.into())
    })
}

/// Check a template, as `vmt_check()` does. `options` may be NULL.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_template_check(
    template: *const vmt_template,
    options: *const vmt_check_options,
    err: *mut *mut vmt_error,
) -> *mut vmt_report {
    build(err, || Ok(get(template)?.template.check(&check_options(options)?)?.into()))
}

/// Pack a template as an archive, which appears complete or not at all. `options` may be NULL.
///
/// `*packed`, unless `packed` is NULL, receives a summary; free it with `vmt_packed_free()`. Fails with
/// `VMT_ALREADY_EXISTS`, `VMT_INVALID_TEMPLATE`, `VMT_SOURCE_CHANGED`, `VMT_STORAGE_FULL`, `VMT_CANCELLED`.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_template_pack(
    template: *const vmt_template,
    path: *const c_char,
    options: *const vmt_pack_options,
    packed: *mut *mut vmt_packed,
    err: *mut *mut vmt_error,
) -> vmt_code {
    output(packed, ptr::null_mut());
    status(err, || {
        let done = get(template)?.template.pack(path_in(path, "path")?, &pack_options(options)?)?;
        hand_out(packed, || Structs::one(&done));
        Ok(())
    })
}

/// Pack a template and pass the archive to `write`, from its first byte to its last. `options` may be NULL;
/// `VMT_PACK_OVERWRITE` has no effect.
///
/// `*packed` is as in `vmt_template_pack()`. After an error, `write` has received only a part of the archive.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_template_pack_to(
    template: *const vmt_template,
    write: vmt_write_fn,
    user_data: *mut c_void,
    options: *const vmt_pack_options,
    packed: *mut *mut vmt_packed,
    err: *mut *mut vmt_error,
) -> vmt_code {
    output(packed, ptr::null_mut());
    status(err, || {
        let done = get(template)?.template.pack_to(writer(write, user_data)?, &pack_options(options)?)?;
        hand_out(packed, || Structs::one(&done));
        Ok(())
    })
}

/// Free a template. NULL is ignored.
#[unsafe(no_mangle)]
pub extern "C" fn vmt_template_free(template: *mut vmt_template) {
    look((), || free(template));
}
