//! Write the install drive of a new machine: the library's setup script with values, as the platform would make it.
//!
//!     cargo run --example install_drive -- drive.img

use vmtemplate::drive::InstallDrive;
use vmtemplate::macros::{MacroValues, MissingValue, RenderOptions};
use vmtemplate::output::Overwrite;
use vmtemplate::script::SetupScript;

fn main() -> vmtemplate::Result<()> {
    let path = std::env::args().nth(1).unwrap_or_else(|| "drive.img".to_owned());
    let values = MacroValues::new()
        .with("PASS", "correct & battery")?
        .with("IP", "192.0.2.10")?
        .with("NETMASK", "255.255.255.0")?
        .with("GATEWAY", "192.0.2.1")?
        .with("NAMESERVER", "192.0.2.53")?;
    let options = RenderOptions { missing: MissingValue::Parens, ..RenderOptions::default() };
    let script = SetupScript::windows().build()?.render(&values, &options)?;
    InstallDrive::new(&script)?.write(&path, Overwrite::Yes)?;

    let again = InstallDrive::read(&path)?;
    assert_eq!(again.script(), script);
    println!("{path}: {} bytes of script on a drive of {}", script.bytes().len(), again.bytes().len());
    Ok(())
}
