//! `vmtemplate inspect`

use std::fmt::{Display, Write as _};
use std::path::PathBuf;

use indicatif::HumanBytes;
use vmtemplate::Result;
use vmtemplate::disk::OpenOptions;
use vmtemplate::metainfo::MetainfoFields;

use crate::{pack, report};

/// Show what a template contains: name, limits, products, macros, files and sizes.
///
/// An archive made by vmtemplate is inspected without reading its image; one made by another tool is read completely.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Archive, or folder that contains metainfo.xml; - for an archive on standard input
    #[arg(value_name = "PATH")]
    path: PathBuf,
    /// Print as JSON
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &Args) -> Result<()> {
    let info = pack::open(&args.path, &OpenOptions::default())?.info()?;
    if args.json {
        return report::print_json(&info);
    }
    let mut text = metadata(&info.metainfo);
    if let Some(script) = &info.script {
        row(&mut text, "script is", &format_args!("{}, {}", script.encoding, script.line_ending));
        row(&mut text, "script uses", &script.macros.join(" "));
    }
    for (number, file) in info.files.iter().enumerate() {
        let what = if number == 0 { "files" } else { "" };
        row(&mut text, what, &format_args!("{} ({})", report::shown(&file.name), HumanBytes(file.size)));
    }
    report::print(text.as_bytes())
}

/// The metadata as a table for human readers.
pub(crate) fn metadata(fields: &MetainfoFields) -> String {
    let mut text = String::new();
    let limits = &fields.limits;
    let yes_no = |answer| if answer { "yes" } else { "no" };
    let mut show = |what: &str, value: Option<String>| {
        if let Some(value) = value.filter(|value| !value.is_empty()) {
            row(&mut text, what, &report::shown(&value));
        }
    };
    show("name", fields.os_name.clone());
    show("version", fields.template_version.clone());
    show("type", fields.template_type.clone());
    show("memory", limits.memory_mib.map(|mib| format!("{mib} MiB or more")));
    show("disk", limits.disk_mb.map(|mb| format!("{mb} MB or more")));
    show("IPv4", limits.ipv4.map(|answer| yes_no(answer).to_owned()));
    show("IPv6", limits.ipv6.map(|answer| yes_no(answer).to_owned()));
    for (name, value) in &limits.other {
        show(&format!("limit {}", report::shown(name)), Some(value.clone()));
    }
    show("products", Some(fields.support.to_string()));
    show("tags", Some(fields.tags.to_string()));
    show("macros", Some(fields.declared_macros.join(" ")));
    show("image", fields.image_file.clone());
    show("script", fields.script_file.clone());
    show("restarts", Some(fields.reboot_count.to_string()));
    show("virtio disk", Some(yes_no(fields.virtio_disk).to_owned()));
    show("virtio net", Some(yes_no(fields.virtio_net).to_owned()));
    show("not in passwords", fields.illegal_password_characters.clone());
    text
}

fn row(text: &mut String, what: &str, value: &impl Display) {
    let _ = writeln!(text, "{what:<17}{value}");
}
