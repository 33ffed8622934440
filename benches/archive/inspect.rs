//! Inspecting a large archive.

use std::sync::Arc;

use vmtemplate::archive::{Level, PackOptions};
use vmtemplate::disk::{DiskSource, Extent, ExtentKind};
use vmtemplate::{DiskImage, Result, Template};

use super::measure::look;
use super::report::Report;
use super::rivals::ours;
use super::settings::{Settings, remove};
use super::table::Table;

pub(crate) fn measure(settings: &Settings, report: &mut Report) {
    let mut table = Table::new("archive", &["seconds", "KiB read"]);
    let largest = if settings.quick { 256 } else { 10 << 10 };
    for mib in [largest / 16, largest] {
        let archive = settings.fresh("inspect.tar.gz");
        let template = Template::builder("Windows-Server-2019")
            .image(DiskImage::from_source(Arc::new(Noise { size: mib << 20 })))
            .image_name(super::IMAGE)
            .build()
            .unwrap();
        template.pack(&archive, &PackOptions { level: Level::FASTEST, ..PackOptions::default() }).unwrap();
        let look = look(|| {
            let mut command = ours(&["inspect"]);
            command.arg(&archive);
            command
        });
        let name = format!("{} MiB", archive.metadata().unwrap().len() >> 20);
        table.row(name, true, &[Some(look.wall.as_secs_f64()), Some(look.read as f64 / 1024.0)]);
        remove(&archive);
    }
    let text = "`vmtemplate inspect` of an archive whose image does not compress. The count includes everything that the \
                process read, also to start.";
    report.section("Inspecting an archive", text, &table);
}

/// A disk of random data that is not stored anywhere.
#[derive(Debug)]
struct Noise {
    size: u64,
}

impl DiskSource for Noise {
    fn format(&self) -> &'static str {
        "raw"
    }

    fn size(&self) -> u64 {
        self.size
    }

    fn read_at(&self, buf: &mut [u8], offset: u64) -> Result<()> {
        // Eight bytes from each offset of eight (splitmix64).
        for (number, part) in buf.chunks_mut(8).enumerate() {
            let mut value = (offset / 8 + number as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15);
            value = (value ^ value >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
            value = (value ^ value >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
            part.copy_from_slice(&(value ^ value >> 31).to_le_bytes()[..part.len()]);
        }
        Ok(())
    }

    fn extent_at(&self, offset: u64) -> Result<Extent> {
        Ok(Extent { offset, length: self.size - offset, kind: ExtentKind::Data })
    }
}
