//! Writes the seeds into a folder: `cargo run -p vmtemplate-fuzz -- crates/vmtemplate-fuzz/corpus`.

use std::path::Path;
use std::{env, fs, io};

use vmtemplate_fuzz::{TARGETS, seeds};

fn main() -> io::Result<()> {
    let corpus = env::args()
        .nth(1)
        .ok_or_else(|| io::Error::other("give the folder of the corpus as the first argument"))?;
    for (target, _) in TARGETS {
        let folder = Path::new(&corpus).join(target);
        fs::create_dir_all(&folder)?;
        for (name, bytes) in seeds(target) {
            fs::write(folder.join(name), bytes)?;
        }
    }
    Ok(())
}
