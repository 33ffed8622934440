//! `vmtemplate repo`

use std::fmt::Write as _;
use std::io::StdinLock;
use std::path::PathBuf;
use std::time::Duration;

use clap::Subcommand;
use vmtemplate::{
    EntryOptions, FetchOptions, OpenOptions, PublicKey, PublishOptions, PushOptions, Repository,
    RepositoryEntry, RepositoryFormat, RepositoryVerifyOptions, Result, SigningKey, Spooled, Tags,
};

use crate::ExitCode;
use crate::findings;
use crate::numbers;
use crate::pack::{self, Packing};
use crate::report::{self, Watch};
use crate::streams::{self, STDIN};

/// Publish templates: keep a folder of archives and the file that describes them to the platform.
///
/// The description (metadata.json; metadata.xml for VMmanager 5) is edited in place. Readers of the folder see only whole
/// archives at any time, and publishers wait for each other.
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Begin a repository in a folder, which may be new
    Init(Init),
    /// Show the templates that are described: name, archive, version, size, time of change in UTC, tags
    List(List),
    /// Copy an archive into the repository and describe it; one that is in the folder is described where it is
    Add(Add),
    /// Put another archive in the place of that of a template. The new archive gets a file name of its own, so that
    /// readers see either the old or the new one
    Replace(Replace),
    /// Take a template out of the description, and remove its archive
    Remove(Remove),
    /// Bring sizes and checksums in step with the archives, after files were changed by hand. Archives that are not sound
    /// or not there are reported, keep what is said of them, and make the exit status 1
    Sync(Sync),
    /// Check the description, the archives, their checksums and the signatures
    Verify(Verify),
    /// Copy the archive of a template into a folder. A fetch that was broken off is taken up where it was, and the
    /// archive gets its name when it is proved to be whole
    Fetch(Fetch),
    /// Pack a template straight into the repository and describe it. To object storage the archive is sent while it is
    /// packed
    Push(Push),
}

#[derive(clap::Args)]
struct Folder {
    /// The folder of the repository, or its URL: https://, http://, s3:// (with the variables AWS_ACCESS_KEY_ID,
    /// AWS_SECRET_ACCESS_KEY, AWS_REGION, AWS_ENDPOINT …)
    #[arg(value_name = "FOLDER|URL")]
    path: PathBuf,
    /// vm6 (metadata.json) or vm5 (metadata.xml) [default: what is there]
    #[arg(long, value_name = "FORMAT")]
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
    /// Sign the description and the checksums with this secret key of minisign. Its password, if it has one, is taken
    /// from the variable VMTEMPLATE_KEY_PASSWORD
    #[arg(long, value_name = "KEY")]
    sign: Option<PathBuf>,
    /// How long to wait for another publisher
    #[arg(long, value_name = "SECONDS", value_parser = numbers::whole, default_value_t = 60)]
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
    /// The name that users see [default: from metainfo.xml]
    #[arg(long)]
    name: Option<String>,
    /// A tag; again for more [default: from metainfo.xml]
    #[arg(long = "tag", value_name = "TAG")]
    tags: Vec<String>,
    /// The name of the archive in the repository [default: that of the archive, or of the template if it comes on
    /// standard input]
    #[arg(long, value_name = "FILE")]
    file_name: Option<String>,
    /// What the image file on a node is called after; KVM only [default: from metainfo.xml]
    #[arg(long, value_name = "NAME")]
    image_name: Option<String>,
    /// The partition that grows with the disk, such as /dev/sda2; KVM only
    #[arg(long, value_name = "PARTITION")]
    expand: Option<String>,
    /// The name of the network device; KVM only
    #[arg(long, value_name = "NAME")]
    network_device: Option<String>,
    /// Write hdd_mib_required and min_ram_mib from the limits of the template
    #[arg(long)]
    requirements: bool,
    /// A key that the platform has and vmtemplate does not know, with its value as JSON: --set 'os_group="windows"',
    /// --set efi_boot=true; again for more
    #[arg(long, value_name = "KEY=JSON", value_parser = key_and_json)]
    set: Vec<(String, String)>,
    #[command(flatten)]
    publishing: Publishing,
}

fn key_and_json(text: &str) -> std::result::Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, json)) => Ok((key.to_owned(), json.to_owned())),
        None => Err("there is no `=`; write KEY=JSON, such as efi_boot=true".to_owned()),
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
    /// The folder, or its URL in object storage
    #[arg(value_name = "FOLDER|URL")]
    folder: PathBuf,
    /// vm6 (metadata.json) or vm5 (metadata.xml)
    #[arg(long, value_name = "FORMAT", default_value_t = RepositoryFormat::Vm6)]
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
    /// The archive, or its URL; - for standard input
    #[arg(value_name = "ARCHIVE")]
    archive: PathBuf,
    /// Take the place of the template of the same name, if there is one
    #[arg(long)]
    replace: bool,
    #[command(flatten)]
    entry: Entry,
}

#[derive(clap::Args)]
struct Replace {
    #[command(flatten)]
    folder: Folder,
    /// The name of the template
    #[arg(value_name = "NAME")]
    template: String,
    /// The new archive, or its URL; - for standard input
    #[arg(value_name = "ARCHIVE")]
    archive: PathBuf,
    #[command(flatten)]
    entry: Entry,
}

#[derive(clap::Args)]
struct Remove {
    #[command(flatten)]
    folder: Folder,
    /// The name of the template
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
    /// The public key that it must be signed by: the file minisign.pub
    #[arg(long, value_name = "FILE")]
    public_key: Option<PathBuf>,
    /// Open the archives without reading them to their ends; checksums are not compared
    #[arg(long)]
    quick: bool,
}

#[derive(clap::Args)]
struct Fetch {
    #[command(flatten)]
    repository: Folder,
    /// The name of the template
    #[arg(value_name = "NAME")]
    template: String,
    /// The folder to put the archive in; it may be new
    #[arg(value_name = "FOLDER")]
    folder: PathBuf,
    /// The public key that the repository must be signed by: the file minisign.pub
    #[arg(long, value_name = "FILE")]
    public_key: Option<PathBuf>,
    /// Replace a file of that name that is there already
    #[arg(long)]
    force: bool,
}

#[derive(clap::Args)]
struct Push {
    #[command(flatten)]
    repository: Folder,
    /// The template: a folder with metainfo.xml and the files that it names, or an archive of vmtemplate; -
    /// for an archive on standard input
    #[arg(value_name = "TEMPLATE")]
    template: PathBuf,
    /// Take the place of the template of the same name, if there is one
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

/// An archive on standard input, after a look at the options: it may be read for an hour.
fn spooled(stdin: StdinLock<'_>, options: &EntryOptions) -> Result<Spooled> {
    options.validate()?;
    Spooled::read(stdin, &options.publish.control)
}

fn sync(args: &Sync) -> Result<ExitCode> {
    let watch = Watch::start("reading");
    let synced = args.folder.open()?.sync(&args.publishing.options(&watch)?)?;
    drop(watch);
    // What `repo verify` calls an error, such as VMT0711 and VMT0712.
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
            "missing {}: put the archive back, or remove its template (`vmtemplate repo remove FOLDER NAME`)",
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
    let options = RepositoryVerifyOptions {
        public_key: args.public_key.as_ref().map(PublicKey::from_file).transpose()?,
        quick: args.quick,
        control: watch.control(),
        ..RepositoryVerifyOptions::default()
    };
    let found = args.folder.open()?.verify(&options)?;
    drop(watch);
    findings::show(&found, &args.folder.path.display().to_string(), args.folder.json)
}

fn fetch(args: &Fetch) -> Result<()> {
    let watch = Watch::start("fetching");
    let options = FetchOptions {
        public_key: args.public_key.as_ref().map(PublicKey::from_file).transpose()?,
        overwrite: args.force,
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
        pack: args.packing.options(&watch),
        entry: args.entry.options(&watch)?,
        replace: args.replace,
    };
    // Before the template: the archive of another tool is read to its end.
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
    // Names come from the description: what could steer a terminal is escaped.
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
