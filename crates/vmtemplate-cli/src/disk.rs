//! `vmtemplate disk`

use std::fmt::Write as _;
use std::path::PathBuf;

use indicatif::HumanBytes;
use vmtemplate::Result;

use crate::report;
use crate::source::Opening;

/// Show what a disk image contains: format, sizes, partitions, volumes, free space, and what packing would read.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Raw file, block device, qcow2, VHDX, VMDK or VHD; rbd:POOL/IMAGE[@SNAP]; - for standard input
    #[arg(value_name = "SOURCE")]
    source: PathBuf,
    #[command(flatten)]
    opening: Opening,
    /// Print as JSON
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &Args) -> Result<()> {
    let info = args.opening.open(&args.source)?.info()?;
    if args.json {
        return report::print_json(&info);
    }
    let mut text = format!(
        "format      {}\nsize        {} ({} bytes)\nto be read  {}\nholes       {}\nfree space  {}\n",
        info.format,
        HumanBytes(info.size),
        info.size,
        HumanBytes(info.usage.data),
        HumanBytes(info.usage.holes),
        HumanBytes(info.usage.free),
    );
    if let Some(table) = &info.partitions {
        let _ = writeln!(text, "partitions  {}", table.scheme);
        for partition in &table.partitions {
            let _ = writeln!(
                text,
                "  {:>2}  {} at {}  {}{}{}",
                partition.index,
                HumanBytes(partition.length),
                HumanBytes(partition.offset),
                partition.kind,
                if partition.active { ", active" } else { "" },
                if partition.name.is_empty() {
                    String::new()
                } else {
                    format!(", {}", report::shown(&partition.name))
                },
            );
        }
        for warning in &table.warnings {
            let _ = writeln!(text, "  warning: {warning}");
        }
        for note in &table.notes {
            let _ = writeln!(text, "  note: {note}");
        }
    }
    for volume in &info.free_space.volumes {
        let _ = writeln!(
            text,
            "volume at {}: {}, {} free",
            HumanBytes(volume.offset),
            report::shown(volume.label.as_deref().unwrap_or("(no label)")),
            HumanBytes(volume.dropped),
        );
    }
    text.push_str(&report::kept(&info.free_space));
    report::print(text.as_bytes())
}
