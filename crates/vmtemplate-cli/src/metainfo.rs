//! `vmtemplate metainfo`

use std::path::PathBuf;

use vmtemplate::metainfo::MetainfoKey;
use vmtemplate::{Metainfo, Result};

use crate::{inspect, parsers, report, streams};

/// Show or edit a metainfo.xml. Everything that is not set keeps its bytes: order, indents, comments, unknown elements.
///
/// Without --set, show the metadata. With --set, write the edited file to standard output, or to the file given by -o.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// File to read; - for standard input
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Set a value; may be given more than once. Keys: osname, limit.mem, limit.disk, limit.ipv4, limit.ipv6,
    /// limit.NAME, support, tags, version, hddimage, installdrive, rebootcount, type, virtiodisk, virtionet, macro, …
    #[arg(long = "set", value_name = "KEY=VALUE", value_parser = assignment)]
    set: Vec<(MetainfoKey, String)>,
    /// Write the edited file here, which may be FILE itself; - for standard output
    #[arg(short, long, value_name = "OUT", requires = "set")]
    output: Option<PathBuf>,
    /// Replace OUT if it exists; not needed if OUT is FILE itself
    #[arg(long, requires = "output")]
    force: bool,
    /// Show the metadata as JSON
    #[arg(long, conflicts_with = "set")]
    json: bool,
}

fn assignment(text: &str) -> std::result::Result<(MetainfoKey, String), String> {
    let (key, value) = text.split_once('=').ok_or("expected KEY=VALUE, such as limit.mem=2048")?;
    let key = parsers::name(key)?;
    Ok((key, value.to_owned()))
}

pub(crate) fn run(args: &Args) -> Result<()> {
    let overwrite = args.force || args.output.as_ref() == Some(&args.file);
    streams::probe_text(args.output.as_deref(), overwrite)?;
    let mut metainfo = streams::read(&args.file, |path| Metainfo::from_file(path), Metainfo::from_reader)?;
    if args.set.is_empty() {
        let fields = metainfo.fields()?;
        return if args.json {
            report::print_json(&fields)
        } else {
            report::print(inspect::metadata(&fields).as_bytes())
        };
    }
    for (key, value) in &args.set {
        metainfo.set(key, value)?;
    }
    report::print_or_write(args.output.as_deref(), &metainfo.to_bytes(), |output| {
        metainfo.write_file(output, overwrite.into())
    })
}
