//! `vmtemplate repo`

use std::fmt::Write as _;
use std::io::StdinLock;
use std::path::PathBuf;
use std::time::Duration;

use clap::Subcommand;
use vmtemplate::disk::OpenOptions;
use vmtemplate::metainfo::Tags;
use vmtemplate::repository::{
    EntryOptions, FetchOptions, PublicKey, PublishOptions, PushOptions, RepositoryCheckOptions,
    RepositoryEntry, RepositoryFormat, SigningKey,
};
use vmtemplate::source::Spooled;
use vmtemplate::{Repository, Result};

use crate::ExitCode;
use crate::findings;
use crate::pack::{self, Packing};
use crate::parsers::{self, number};
use crate::report::{self, Watch};
use crate::streams::{self, STDIN};

/// Publish templates: manage a folder of archives and the file that describes them to the platform.
///
/// The description (metadata.json; metadata.xml for VMmanager 5) is edited in place. Readers of the folder only ever
/// see complete archives, and publishers wait for each other.
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Create an empty repository
    Init(Init),
    /// List the templates in the description: name, archive, version, size, modification time in UTC, tags
    List(List),
    /// Copy an archive into the repository and describe it. An archive that is already in the folder is not copied
    Add(Add),
    /// Replace the archive of a template. The new archive gets its own file name, so that readers see either the old or
    /// the new archive
    Replace(Replace),
    /// Remove a template from the description, then delete its archive
    Remove(Remove),
    /// Update sizes and checksums after archives were changed by hand. Damaged and missing archives are reported, their
    /// entries stay unchanged, and the exit status is 1
    Sync(Sync),
    /// Check the description, the archives, their checksums and the signatures
    Verify(Verify),
    /// Copy the archive of a template into a folder. An interrupted fetch is resumed, and the archive gets its name
    /// only after it is verified
    Fetch(Fetch),
    /// Pack a template directly into the repository and describe it. Object storage receives the archive while it is
    /// packed
    Push(Push),
}

#[derive(clap::Args)]
struct Folder {
    /// Folder of the repository, or its URL: https://, http://, or s3:// (with the environment variables
    /// AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_REGION, AWS_ENDPOINT, …)
    #[arg(value_name = "FOLDER|URL")]
    path: PathBuf,
    /// vm6 (metadata.json) or vm5 (metadata.xml) [default: the one that the repository has]
    #[arg(long, value_name = "FORMAT", value_parser = parsers::name::<RepositoryFormat>)]
    format: Option<RepositoryFormat>,
    /// Print as JSON
    #[arg(long)]
    json: bool,
}

impl Folder {
    fn open(&self) -> Result<Repository> {
        match self.format {
            Some(format) => Repository::open_as(&self.path, format),
            None => Repository::open(&self.path),
        }
    }
}

#[derive(clap::Args)]
struct Publishing {
    /// Sign the description and the checksums with this minisign secret key. The password of the key, if it has one, is
    /// taken from the environment variable VMTEMPLATE_KEY_PASSWORD
    #[arg(long, value_name = "KEY")]
    sign: Option<PathBuf>,
    /// Maximum time to wait for another publisher
    #[arg(
        long,
        value_name = "SECONDS",
        default_value_t = 60,
        value_parser = number("a time in seconds without a unit", 0, u64::MAX)
    )]
    lock_timeout: u64,
}

impl Publishing {
    fn options(&self, watch: &Watch) -> Result<PublishOptions> {
        let password = std::env::var("VMTEMPLATE_KEY_PASSWORD").ok();
        let read = |path| SigningKey::from_file(path, password.as_deref());
        Ok(PublishOptions {
            key: self.sign.as_ref().map(read).transpose()?,
            lock_timeout: Duration::from_secs(self.lock_timeout),
            control: watch.control(),
        })
    }
}

#[derive(clap::Args)]
struct Entry {
    /// Name of the template that users see [default: from metainfo.xml]
    #[arg(long)]
    name: Option<String>,
    /// Tag; may be given more than once [default: from metainfo.xml]
    #[arg(long = "tag", value_name = "TAG")]
    tags: Vec<String>,
    /// File name of the archive in the repository [default: the archive's own; for standard input, the name of the
    /// template]
    #[arg(long, value_name = "FILE")]
    file_name: Option<String>,
    /// Name from which the node derives the name of the image file; KVM only [default: from metainfo.xml]
    #[arg(long, value_name = "NAME")]
    image_name: Option<String>,
    /// Partition that grows with the disk, such as /dev/sda2; KVM only
    #[arg(long, value_name = "PARTITION")]
    expand: Option<String>,
    /// Name of the network device; KVM only
    #[arg(long, value_name = "NAME")]
    network_device: Option<String>,
    /// Write hdd_mib_required and min_ram_mib from the limits of the template
    #[arg(long)]
    requirements: bool,
    /// Set a key that the platform has and vmtemplate does not know; the value is JSON: --set 'os_group="windows"',
    /// --set efi_boot=true; may be given more than once
    #[arg(long, value_name = "KEY=JSON", value_parser = key_and_json)]
    set: Vec<(String, String)>,
    #[command(flatten)]
    publishing: Publishing,
}

fn key_and_json(text: &str) -> std::result::Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, json)) => Ok((key.to_owned(), json.to_owned())),
        None => Err("expected KEY=JSON, such as efi_boot=true".to_owned()),
    }
}

impl Entry {
    fn options(&self, watch: &Watch) -> Result<EntryOptions> {
        Ok(EntryOptions {
            name: self.name.clone(),
            tags: (!self.tags.is_empty()).then(|| self.tags.iter().collect::<Tags>()),
            file_name: self.file_name.clone(),
            image_name: self.image_name.clone(),
            expand: self.expand.clone(),
            network_device: self.network_device.clone(),
            requirements: self.requirements,
            set: self.set.clone(),
            publish: self.publishing.options(watch)?,
            ..EntryOptions::default()
        })
    }
}

#[derive(clap::Args)]
struct Init {
    /// Folder, which is created if it does not exist, or URL in object storage
    #[arg(value_name = "FOLDER|URL")]
    folder: PathBuf,
    /// vm6 (metadata.json) or vm5 (metadata.xml)
    #[arg(
        long,
        value_name = "FORMAT",
        default_value_t = RepositoryFormat::Vm6,
        value_parser = parsers::name::<RepositoryFormat>
    )]
    format: RepositoryFormat,
}

#[derive(clap::Args)]
struct List {
    #[command(flatten)]
    folder: Folder,
}

#[derive(clap::Args)]
struct Add {
    #[command(flatten)]
    folder: Folder,
    /// Archive or its URL; - for standard input
    #[arg(value_name = "ARCHIVE")]
    archive: PathBuf,
    /// Replace the template with the same name, if one exists
    #[arg(long)]
    replace: bool,
    #[command(flatten)]
    entry: Entry,
}

#[derive(clap::Args)]
struct Replace {
    #[command(flatten)]
    folder: Folder,
    /// Name of the template
    #[arg(value_name = "NAME")]
    template: String,
    /// New archive or its URL; - for standard input
    #[arg(value_name = "ARCHIVE")]
    archive: PathBuf,
    #[command(flatten)]
    entry: Entry,
}

#[derive(clap::Args)]
struct Remove {
    #[command(flatten)]
    folder: Folder,
    /// Name of the template
    #[arg(value_name = "NAME")]
    template: String,
    #[command(flatten)]
    publishing: Publishing,
}

#[derive(clap::Args)]
struct Sync {
    #[command(flatten)]
    folder: Folder,
    #[command(flatten)]
    publishing: Publishing,
}

#[derive(clap::Args)]
struct Verify {
    #[command(flatten)]
    folder: Folder,
    /// Public key whose signatures the repository must have: the file minisign.pub
    #[arg(long, value_name = "FILE")]
    public_key: Option<PathBuf>,
    /// Open the archives without reading all of them; checksums are not compared
    #[arg(long)]
    quick: bool,
}

#[derive(clap::Args)]
struct Fetch {
    #[command(flatten)]
    repository: Folder,
    /// Name of the template
    #[arg(value_name = "NAME")]
    template: String,
    /// Folder for the archive; it is created if it does not exist
    #[arg(value_name = "FOLDER")]
    folder: PathBuf,
    /// Public key whose signatures the repository must have: the file minisign.pub
    #[arg(long, value_name = "FILE")]
    public_key: Option<PathBuf>,
    /// Replace the file if it exists
    #[arg(long)]
    force: bool,
}

#[derive(clap::Args)]
struct Push {
    #[command(flatten)]
    repository: Folder,
    /// Folder with metainfo.xml and the files that it names, or an archive made by vmtemplate; - for an archive on
    /// standard input
    #[arg(value_name = "TEMPLATE")]
    template: PathBuf,
    /// Replace the template with the same name, if one exists
    #[arg(long)]
    replace: bool,
    #[command(flatten)]
    packing: Packing,
    #[command(flatten)]
    entry: Entry,
}

pub(crate) fn run(args: &Args) -> Result<ExitCode> {
    match &args.command {
        Command::Init(args) => {
            let made = Repository::create(&args.folder, args.format)?;
            report::print(format!("{}\n", made.description_path().display()).as_bytes())?;
        }
        Command::List(args) => {
            let entries = args.folder.open()?.list()?;
            if args.folder.json {
                report::print_json(&entries)?;
            } else {
                report::print(table(&entries).as_bytes())?;
            }
        }
        Command::Add(args) => {
            let watch = Watch::start("publishing");
            let (repository, options) = (args.folder.open()?, args.entry.options(&watch)?);
            let entry = streams::read(
                &args.archive,
                |archive| {
                    if args.replace {
                        repository.add_or_replace(archive, &options)
                    } else {
                        repository.add(archive, &options)
                    }
                },
                |stdin| {
                    let archive = spooled(stdin, &options)?;
                    if args.replace {
                        repository.add_or_replace_source(archive, STDIN, &options)
                    } else {
                        repository.add_source(archive, STDIN, &options)
                    }
                },
            )?;
            drop(watch);
            published(&args.folder, &entry)?;
        }
        Command::Replace(args) => {
            let watch = Watch::start("publishing");
            let (repository, options) = (args.folder.open()?, args.entry.options(&watch)?);
            let entry = streams::read(
                &args.archive,
                |archive| repository.replace(&args.template, archive, &options),
                |stdin| repository.replace_source(&args.template, spooled(stdin, &options)?, STDIN, &options),
            )?;
            drop(watch);
            published(&args.folder, &entry)?;
        }
        Command::Remove(args) => {
            let watch = Watch::start("removing");
            let entry = args.folder.open()?.remove(&args.template, &args.publishing.options(&watch)?)?;
            drop(watch);
            published(&args.folder, &entry)?;
        }
        Command::Sync(args) => return sync(args),
        Command::Verify(args) => return verify(args),
        Command::Fetch(args) => fetch(args)?,
        Command::Push(args) => push(args)?,
    }
    Ok(ExitCode::SUCCESS)
}

/// The archive on standard input. The options are validated first, because reading it may take long.
fn spooled(stdin: StdinLock<'_>, options: &EntryOptions) -> Result<Spooled> {
    options.validate()?;
    Spooled::read(stdin, &options.publish.control)
}

fn sync(args: &Sync) -> Result<ExitCode> {
    let watch = Watch::start("reading");
    let synced = args.folder.open()?.sync(&args.publishing.options(&watch)?)?;
    drop(watch);
    // `repo verify` reports these as errors too: VMT0711 and VMT0712.
    let is_sound = synced.missing.is_empty() && synced.damaged.is_empty();
    let code = if is_sound { ExitCode::SUCCESS } else { ExitCode::FAILURE };
    if args.folder.json {
        report::print_json(&synced)?;
        return Ok(code);
    }
    let mut text = String::new();
    for name in &synced.updated {
        let _ = writeln!(text, "updated {}", report::shown(name));
    }
    for name in &synced.missing {
        let _ = writeln!(
            text,
            "missing {}: restore the archive, or remove its template (`vmtemplate repo remove FOLDER NAME`)",
            report::shown(name)
        );
    }
    for (name, reason) in &synced.damaged {
        let _ = writeln!(text, "damaged {}: {}", report::shown(name), report::shown(reason));
    }
    report::print(text.as_bytes())?;
    Ok(code)
}

fn verify(args: &Verify) -> Result<ExitCode> {
    let watch = Watch::start("verifying");
    let options = RepositoryCheckOptions {
        public_key: args.public_key.as_ref().map(PublicKey::from_file).transpose()?,
        quick: args.quick,
        control: watch.control(),
        ..RepositoryCheckOptions::default()
    };
    let found = args.folder.open()?.check(&options)?;
    drop(watch);
    findings::show(&found, &args.folder.path.display().to_string(), args.folder.json)
}

fn fetch(args: &Fetch) -> Result<()> {
    let watch = Watch::start("fetching");
    let options = FetchOptions {
        public_key: args.public_key.as_ref().map(PublicKey::from_file).transpose()?,
        overwrite: args.force.into(),
        control: watch.control(),
        ..FetchOptions::default()
    };
    let fetched = args.repository.open()?.fetch(&args.template, &args.folder, &options)?;
    drop(watch);
    if args.repository.json {
        return report::print_json(&fetched);
    }
    report::print(format!("{}  {}\n", fetched.sha256, fetched.path.display()).as_bytes())
}

fn push(args: &Push) -> Result<()> {
    let watch = Watch::start("publishing");
    let options = PushOptions {
        pack: args.packing.options(&watch)?,
        entry: args.entry.options(&watch)?,
        replace: args.replace,
    };
    // Before the template is opened: that reads all of an archive made by another tool.
    options.pack.validate()?;
    let repository = args.repository.open()?;
    let pushed = repository.push(&pack::open(&args.template, &OpenOptions::default())?, &options)?;
    drop(watch);
    if args.repository.json {
        return report::print_json(&pushed);
    }
    report::print(row(&pushed.entry).as_bytes())
}

fn published(folder: &Folder, entry: &RepositoryEntry) -> Result<()> {
    if folder.json { report::print_json(entry) } else { report::print(row(entry).as_bytes()) }
}

fn table(entries: &[RepositoryEntry]) -> String {
    entries.iter().map(row).collect()
}

fn row(entry: &RepositoryEntry) -> String {
    // Names come from the description: control characters, which a terminal would obey, are escaped.
    let mut text = format!("{}  {}", report::shown(&entry.name), report::shown(&entry.file_name));
    if let Some(version) = &entry.template_version {
        let _ = write!(text, "  version {}", report::shown(version));
    }
    if let Some(mib) = entry.archive_size_mib {
        let _ = write!(text, "  {mib} MiB");
    }
    if let Some(time) = &entry.modified_utc {
        let _ = write!(text, "  {}", report::shown(time));
    }
    if !entry.tags.is_empty() {
        let _ = write!(text, "  {}", report::shown(&entry.tags.to_string()));
    }
    text.push('\n');
    text
}
