//! `vmtemplate build`

use std::io::{IsTerminal, stderr};
use std::path::PathBuf;

use vmtemplate::report::{CheckOptions, Severity};
use vmtemplate::template::TemplateBuilder;
use vmtemplate::{Metainfo, Result, Script, Template};

use crate::parsers::number;
use crate::report::Watch;
use crate::source::Opening;
use crate::streams::{self, is_stream};
use crate::{ExitCode, YesNo, check, findings, pack};

/// Build a template from a disk image, a setup script and options, check it, and pack it.
///
/// Everything is checked before the image is packed, and every problem is reported at once; if there is an error,
/// nothing is packed. Without --script the template gets vmtemplate's own small setup script, which sets the password,
/// the address and the name servers, grows the disk, enables Remote Desktop, and restarts.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Name of the operating system, such as Windows-Server-2019
    #[arg(long, required_unless_present = "metainfo")]
    name: Option<String>,
    /// Disk image, read in place: raw file, block device, qcow2, VHDX, VMDK or VHD; rbd:POOL/IMAGE[@SNAP]; - for
    /// standard input
    #[arg(long, value_name = "SOURCE")]
    image: PathBuf,
    #[command(flatten)]
    opening: Opening,
    /// Setup script, or - for standard input; line ends are changed to CR LF unless the script begins with #!
    #[arg(long, value_name = "FILE")]
    script: Option<PathBuf>,
    /// Minimum memory of a VM in MiB
    #[arg(long, value_name = "N", value_parser = number("the memory in MiB without a unit", 1, u64::MAX))]
    memory_mib: Option<u64>,
    /// Minimum disk size of a VM in MB (10^6 bytes) [default: the size of the image, rounded up]
    #[arg(long, value_name = "N", value_parser = number("the disk size in MB without a unit", 1, u64::MAX))]
    disk_mb: Option<u64>,
    /// Whether the main address may be IPv4
    #[arg(long)]
    ipv4: Option<YesNo>,
    /// Whether the main address may be IPv6
    #[arg(long)]
    ipv6: Option<YesNo>,
    /// Tag; may be given more than once
    #[arg(long = "tag", value_name = "TAG")]
    tags: Vec<String>,
    /// Version of the template, such as 5
    #[arg(long, value_name = "TEXT")]
    template_version: Option<String>,
    /// Macro that the platform passes to the script, such as '($PRODUCTKEY)'; may be given more than once
    #[arg(long = "macro", value_name = "MACRO")]
    macros: Vec<String>,
    /// Product that can use the template, optionally with its minimum version: VMmgr, VMmgr:5.45; may be given more
    /// than once [default: VMmgr]
    #[arg(long = "support", value_name = "PRODUCT")]
    support: Vec<String>,
    /// File name of the image in the template [default: the name of --image, with the extension .hddimage]
    #[arg(long, value_name = "NAME")]
    image_name: Option<String>,
    /// File name of the script in the template [default: the name of --script]
    #[arg(long, value_name = "NAME")]
    script_name: Option<String>,
    /// Number of restarts after which the system counts as installed [default: 1]
    #[arg(long, value_name = "N", value_parser = number("a number of restarts", 0, u32::MAX))]
    reboot_count: Option<u32>,
    /// Whether the image has virtio disk drivers [default: yes]
    #[arg(long)]
    virtio_disk: Option<YesNo>,
    /// Whether the image has virtio network drivers [default: yes]
    #[arg(long)]
    virtio_net: Option<YesNo>,
    /// Start from this metainfo.xml; only the values that other options give are changed
    #[arg(long, value_name = "BASE.xml")]
    metainfo: Option<PathBuf>,
    #[command(flatten)]
    choice: check::Choice,
    /// Pack the template without checking it
    #[arg(long, conflicts_with_all = ["deny", "allow"])]
    no_check: bool,
    #[command(flatten)]
    pack: pack::Output,
}

pub(crate) fn run(args: Args) -> Result<ExitCode> {
    args.pack.probe()?;
    let mut builder = match &args.metainfo {
        Some(path) => {
            let base = streams::read(path, |path| Metainfo::from_file(path), Metainfo::from_reader)?;
            TemplateBuilder::from_metainfo(base)
        }
        None => Template::builder(args.name.as_deref().unwrap_or_default()),
    };
    builder = builder.tags(args.tags);
    // What was not given keeps the default of the library.
    macro_rules! given {
        ($($option:ident => |$value:ident| $set:expr;)*) => {
            $(if let Some($value) = args.$option { builder = $set(builder); })*
        };
    }
    given! {
        name => |name| |b: TemplateBuilder| b.name(name);
        memory_mib => |mib| |b: TemplateBuilder| b.memory_mib(mib);
        disk_mb => |mb| |b: TemplateBuilder| b.disk_mb(mb);
        ipv4 => |answer| |b: TemplateBuilder| b.ipv4(answer == YesNo::Yes);
        ipv6 => |answer| |b: TemplateBuilder| b.ipv6(answer == YesNo::Yes);
        template_version => |text| |b: TemplateBuilder| b.template_version(text);
        image_name => |name| |b: TemplateBuilder| b.image_name(name);
        script_name => |name| |b: TemplateBuilder| b.script_name(name);
        reboot_count => |count| |b: TemplateBuilder| b.reboot_count(count);
        virtio_disk => |answer| |b: TemplateBuilder| b.virtio_disk(answer == YesNo::Yes);
        virtio_net => |answer| |b: TemplateBuilder| b.virtio_net(answer == YesNo::Yes);
    }
    builder = args.macros.into_iter().fold(builder, TemplateBuilder::declare_macro);
    builder = args.support.iter().fold(builder, |b, product| b.support(product.as_str()));
    builder = match &args.script {
        Some(path) if is_stream(path) => builder.script(Script::from_reader(streams::stdin()?)?),
        Some(path) => builder.script_path(path),
        None => builder,
    };
    builder = if is_stream(&args.image) || args.image.to_string_lossy().starts_with("rbd:") {
        // Opening the image reads all of it, so the other options are checked first.
        builder.probe()?;
        builder.image(args.opening.open(&args.image)?)
    } else {
        // By its path, so that a problem with it is reported together with all others.
        builder.image_with(&args.image, &args.opening.options())
    };
    let template = builder.build()?;
    if !args.no_check && !is_good(&template, &args.choice)? {
        return Ok(ExitCode::FAILURE);
    }
    pack::write(&template, &args.pack).map(|()| ExitCode::SUCCESS)
}

/// Check the template before time is spent on packing it. Findings go to standard error.
fn is_good(template: &Template, choice: &check::Choice) -> Result<bool> {
    let watch = Watch::start("checking");
    let report = template.check(&CheckOptions { control: watch.control(), ..choice.options() })?;
    drop(watch);
    if report.findings().is_empty() {
        return Ok(true);
    }
    let color = stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    eprint!("{}", findings::text(&report, "the template", color));
    let is_good = !report.has(Severity::Error);
    if !is_good {
        eprintln!("nothing was packed; --no-check packs the template anyway, --allow CODE disables a rule");
    }
    Ok(is_good)
}
