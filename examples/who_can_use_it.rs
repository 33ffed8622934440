//! Print what a virtual machine lacks to use a template.
//!
//! `cargo run --example who_can_use_it -- Windows-Server-2019.tar.gz 2048 40000`

use vmtemplate::Template;
use vmtemplate::metainfo::{AddressFamily, ProductVersion, VmSpec};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [path, memory_mib, disk_mb] = arguments.as_slice() else {
        eprintln!("usage: who_can_use_it TEMPLATE MEMORY_MIB DISK_MB");
        std::process::exit(2);
    };
    let template = Template::open(path)?;
    let metainfo = template.metainfo();
    if !metainfo.support().allows("VMmgr", &ProductVersion::new(6, 0, 0)) {
        println!("VMmanager 6 cannot use it");
    }
    let vm = VmSpec {
        memory_mib: number("MEMORY_MIB", memory_mib)?,
        disk_mb: number("DISK_MB", disk_mb)?,
        primary_address: AddressFamily::Ipv4,
    };
    for miss in metainfo.limits()?.unmet(&vm) {
        println!("{miss}");
    }
    Ok(())
}

fn number(name: &str, text: &str) -> Result<u64, String> {
    text.parse().map_err(|_| format!("{name} is {text:?}; expected a whole number"))
}
