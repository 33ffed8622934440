//! Say whether a virtual machine has what a template needs.
//!
//! `cargo run --example who_can_use_it -- Windows-Server-2019.tar.gz 2048 40000`

use vmtemplate::{AddressFamily, ProductVersion, Template, VmSpec};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [path, memory_mib, disk_mb] = arguments.as_slice() else {
        eprintln!("use: who_can_use_it TEMPLATE MEMORY_MIB DISK_MB");
        std::process::exit(2);
    };
    let template = Template::open(path)?;
    let metainfo = template.metainfo();
    if !metainfo.support().allows("VMmgr", &ProductVersion::new(6, 0, 0)) {
        println!("VMmanager 6 cannot use it");
    }
    let vm = VmSpec {
        memory_mib: memory_mib.parse()?,
        disk_mb: disk_mb.parse()?,
        primary_address: AddressFamily::Ipv4,
    };
    for miss in metainfo.limits()?.check(&vm) {
        println!("{miss}");
    }
    Ok(())
}
