//! Build a template from a disk image and pack it, printing the progress.
//!
//! `cargo run --release --example build_and_pack -- win2019.qcow2 Windows-Server-2019.tar.gz`

use vmtemplate::archive::PackOptions;
use vmtemplate::{Control, Template};

fn main() -> vmtemplate::Result<()> {
    let mut arguments = std::env::args_os().skip(1);
    let (Some(image), Some(archive)) = (arguments.next(), arguments.next()) else {
        eprintln!("usage: build_and_pack IMAGE OUT.tar.gz");
        std::process::exit(2);
    };
    let template = Template::builder("Windows-Server-2019")
        .image_path(image)
        .memory_mib(1024)
        .ipv4(true)
        .tag("windows")
        .declare_macro("($PRODUCTKEY)")
        .build()?;
    let control = Control::on_progress(|progress| eprint!("\r{:3.0}%", 100.0 * progress.fraction()));
    let summary = template.pack(archive, &PackOptions { control, ..PackOptions::default() })?;
    eprintln!("\r{} of {} bytes had to be read", summary.usage.read(), summary.content_bytes);
    Ok(())
}
