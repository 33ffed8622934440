//! The overhead of the C library: the same image packed from Rust and from C in turns, and the cost of a getter.
//!
//! The C program runs with the library that install.sh links, as every C program does. The benchmark needs gcc, and the
//! release build of the library next to this program, which `make bench` makes. `BENCH_QUICK=1` packs less, and less
//! often.

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::Instant;

use vmtemplate::Template;
use vmtemplate::archive::PackOptions;
use vmtemplate::output::Overwrite;

/// The maximum ratio of packing from C to packing from Rust, and the maximum nanoseconds of a getter.
const MOST_OVERHEAD: f64 = 1.02;
const MOST_NANOSECONDS: f64 = 20.0;

type Failure = Box<dyn std::error::Error>;

fn main() -> ExitCode {
    match run() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<bool, Failure> {
    if Command::new("gcc").arg("--version").output().is_err() {
        println!("The overhead of C was not measured: gcc is not installed");
        return Ok(true);
    }
    let (mib, turns) = if std::env::var_os("BENCH_QUICK").is_some() { (64, 5) } else { (384, 9) };
    let folder = std::env::temp_dir().join(format!("vmt-bench-c-{}", std::process::id()));
    std::fs::create_dir_all(&folder)?;
    let measured = measure(&folder, mib, turns);
    std::fs::remove_dir_all(&folder)?;
    measured
}

fn measure(folder: &Path, mib: u32, turns: u32) -> Result<bool, Failure> {
    let program = compile(folder)?;
    let image = folder.join("disk.raw");
    std::fs::write(&image, content(mib))?;
    let (ours, theirs) = (folder.join("rust.tar.gz"), folder.join("c.tar.gz"));
    let (mut rust, mut c) = (f64::MAX, f64::MAX);
    // In turns, so that other load on the machine affects both; the best time of each is affected least.
    for _ in 0..turns {
        let template = Template::builder("Windows-Server-2019").image_path(&image).build()?;
        let options = PackOptions { overwrite: Overwrite::Yes, ..PackOptions::default() };
        // Once as a warm-up, as the C program does.
        template.pack(&ours, &options)?;
        let start = Instant::now();
        template.pack(&ours, &options)?;
        rust = rust.min(start.elapsed().as_secs_f64());
        let said = call(&program, &["pack".as_ref(), &image, &theirs])?;
        c = c.min(said.trim().parse::<f64>()? / 1e9);
    }
    if std::fs::read(&ours)? != std::fs::read(&theirs)? {
        return Err("Rust and C packed different archives of one image".into());
    }
    let ratio = c / rust;
    println!(
        "Packing {mib} MiB: {rust:.3} s from Rust, {c:.3} s from C, {:.1} % more",
        100.0 * (ratio - 1.0)
    );
    let mut good = ratio <= MOST_OVERHEAD;
    for line in call(&program, &["getters".as_ref(), &ours])?.lines() {
        let (name, nanoseconds) = line.split_once(' ').ok_or("the C program printed something else")?;
        let nanoseconds: f64 = nanoseconds.parse()?;
        println!("{name}: {nanoseconds:.1} ns");
        good &= nanoseconds <= MOST_NANOSECONDS;
    }
    if !good {
        println!("That is more than {MOST_OVERHEAD} times, or than {MOST_NANOSECONDS} ns");
    }
    Ok(good)
}

/// The C program, linked with the library that is installed in `folder`.
fn compile(folder: &Path) -> Result<PathBuf, Failure> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let built = std::env::current_exe()?.ancestors().nth(2).ok_or("no target folder")?.to_owned();
    let library = built.join("libvmtemplate_c.a");
    if !library.exists() {
        let path = library.display();
        return Err(format!("{path} is missing; `cargo build --release -p vmtemplate-c` makes it").into());
    }
    let prefix = folder.join("installed");
    let mut install = Command::new("sh");
    install.arg(here.join("install.sh")).env("BUILT", built).env("PREFIX", &prefix);
    finish(install.env("DESTDIR", "").env("LIBDIR", ""))?;
    let (program, libraries) = (folder.join("overhead"), prefix.join("lib"));
    let mut gcc = Command::new("gcc");
    gcc.args(["-O2", "-std=c99", "-D_POSIX_C_SOURCE=200809L", "-I"]).arg(prefix.join("include"));
    gcc.arg(here.join("benches/overhead.c")).arg("-o").arg(&program).arg("-L").arg(&libraries);
    finish(gcc.args(["-lvmtemplate", "-Xlinker", "-rpath", "-Xlinker"]).arg(&libraries))?;
    Ok(program)
}

fn call(program: &Path, arguments: &[&Path]) -> Result<String, Failure> {
    finish(Command::new(program).args(arguments))
}

/// Run the program and return what it prints, or its standard error if it fails.
fn finish(command: &mut Command) -> Result<String, Failure> {
    let done = command.output()?;
    if !done.status.success() {
        let program = command.get_program().display();
        return Err(format!("{program} failed: {}", String::from_utf8_lossy(&done.stderr)).into());
    }
    Ok(String::from_utf8(done.stdout)?)
}

/// Text-like bytes that compress about as well as programs do, and differ in every MiB.
fn content(mib: u32) -> Vec<u8> {
    let mut state = 1_u32;
    let mut bytes = Vec::with_capacity((mib as usize) << 20);
    while bytes.len() < bytes.capacity() {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let word = (state >> 20).to_le_bytes();
        bytes.extend_from_slice(&word[..3]);
        bytes.push(b' ');
    }
    bytes
}
