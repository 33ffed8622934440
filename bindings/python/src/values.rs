//! Converts plain values between the library and the dataclasses of `vmtemplate._values`, field by field.

use std::collections::BTreeMap;
use std::time::Duration;

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedBytes;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyMemoryView, PyTuple};
use vmtemplate as vt;

use crate::enums::{Choice, member};
use crate::errors::OrRaise;
use crate::macro_name::MacroName;

type Made<'py> = PyResult<Bound<'py, PyAny>>;

/// A class of `vmtemplate._values`.
fn class<'py>(py: Python<'py>, name: &str) -> Made<'py> {
    static MODULE: PyOnceLock<Py<PyModule>> = PyOnceLock::new();
    MODULE.get_or_try_init(py, || py.import("vmtemplate._values").map(Bound::unbind))?.bind(py).getattr(name)
}

/// An object of a class of `vmtemplate._values`, with its fields in order.
fn new<'py>(py: Python<'py>, name: &str, fields: impl pyo3::call::PyCallArgs<'py>) -> Made<'py> {
    class(py, name)?.call1(fields)
}

/// A tuple of converted values.
pub(crate) fn tuple<'py, T>(
    py: Python<'py>,
    items: impl IntoIterator<Item = T>,
    make: impl Fn(Python<'py>, T) -> Made<'py>,
) -> PyResult<Bound<'py, PyTuple>> {
    PyTuple::new(py, items.into_iter().map(|item| make(py, item)).collect::<PyResult<Vec<_>>>()?)
}

fn texts(py: Python<'_>, items: impl IntoIterator<Item = impl AsRef<str>>) -> PyResult<Bound<'_, PyTuple>> {
    PyTuple::new(py, items.into_iter().map(|item| item.as_ref().to_owned()).collect::<Vec<_>>())
}

pub(crate) fn progress(py: Python<'_>, progress: vt::progress::Progress) -> Made<'_> {
    new(py, "Progress", (progress.bytes, progress.total))
}

pub(crate) fn position(py: Python<'_>, position: vt::error::Position) -> Made<'_> {
    new(py, "Position", (position.line, position.column))
}

// metainfo.xml

pub(crate) fn limits<'py>(py: Python<'py>, limits: &vt::metainfo::Limits) -> Made<'py> {
    new(py, "Limits", (limits.ipv4, limits.ipv6, limits.memory_mib, limits.disk_mb, limits.other.clone()))
}

/// An argument that is a `Limits`.
#[derive(FromPyObject)]
pub(crate) struct LimitsArgument {
    ipv4: Option<bool>,
    ipv6: Option<bool>,
    memory_mib: Option<u64>,
    disk_mb: Option<u64>,
    other: BTreeMap<String, String>,
}

impl From<LimitsArgument> for vt::metainfo::Limits {
    fn from(limits: LimitsArgument) -> Self {
        let LimitsArgument { ipv4, ipv6, memory_mib, disk_mb, other } = limits;
        Self { ipv4, ipv6, memory_mib, disk_mb, other }
    }
}

/// An argument that is a `VmSpec`.
#[derive(FromPyObject)]
pub(crate) struct VmSpecArgument {
    memory_mib: u64,
    disk_mb: u64,
    primary_address: Choice<vt::metainfo::AddressFamily>,
}

impl From<VmSpecArgument> for vt::metainfo::VmSpec {
    fn from(vm: VmSpecArgument) -> Self {
        Self { memory_mib: vm.memory_mib, disk_mb: vm.disk_mb, primary_address: vm.primary_address.0 }
    }
}

pub(crate) fn unmet_limit<'py>(py: Python<'py>, miss: &vt::metainfo::UnmetLimit) -> Made<'py> {
    let text = miss.to_string();
    match *miss {
        vt::metainfo::UnmetLimit::PrimaryAddress { found } => {
            new(py, "UnmetLimit", ("primary_address", member(py, found)?, None::<u64>, text))
        }
        vt::metainfo::UnmetLimit::Memory { found_mib, required_mib } => {
            new(py, "UnmetLimit", ("memory", found_mib, Some(required_mib), text))
        }
        vt::metainfo::UnmetLimit::Disk { found_mb, required_mb } => {
            new(py, "UnmetLimit", ("disk", found_mb, Some(required_mb), text))
        }
        _ => new(py, "UnmetLimit", ("other", py.None(), None::<u64>, text)),
    }
}

fn product<'py>(py: Python<'py>, product: &vt::metainfo::Product) -> Made<'py> {
    let least = product.min_version.map(|least| {
        let [major, minor, patch] = least.parts();
        new(py, "ProductVersion", (major, minor, patch))
    });
    new(py, "Product", (product.name.as_str(), least.transpose()?))
}

pub(crate) fn support<'py>(py: Python<'py>, support: &vt::metainfo::Support) -> Made<'py> {
    new(py, "Support", (tuple(py, &support.products, product)?,))
}

/// An argument that is a `Product` or its text.
pub(crate) struct ProductArgument(vt::metainfo::Product);

impl FromPyObject<'_, '_> for ProductArgument {
    type Error = PyErr;

    fn extract(object: Borrowed<'_, '_, PyAny>) -> PyResult<Self> {
        if let Ok(text) = object.extract::<String>() {
            return Ok(Self(text.as_str().into()));
        }
        let version: Option<(u64, u64, u64)> = object.getattr("min_version")?.extract()?;
        Ok(Self(vt::metainfo::Product {
            name: object.getattr("name")?.extract()?,
            min_version: version
                .map(|(major, minor, patch)| vt::metainfo::ProductVersion::new(major, minor, patch)),
        }))
    }
}

impl From<ProductArgument> for vt::metainfo::Product {
    fn from(product: ProductArgument) -> Self {
        product.0
    }
}

/// An argument that is a `Support` or any sequence of products.
pub(crate) struct SupportArgument(pub(crate) vt::metainfo::Support);

impl FromPyObject<'_, '_> for SupportArgument {
    type Error = PyErr;

    fn extract(object: Borrowed<'_, '_, PyAny>) -> PyResult<Self> {
        let products: PyResult<Vec<ProductArgument>> =
            object.try_iter()?.map(|product| product?.extract()).collect();
        Ok(Self(products?.into_iter().collect()))
    }
}

pub(crate) fn ssh_public_key(py: Python<'_>, key: vt::metainfo::SshPublicKey) -> Made<'_> {
    new(py, "SshPublicKey", (key.accepted, key.base64))
}

/// An argument that is an `SshPublicKey`.
#[derive(FromPyObject)]
pub(crate) struct SshPublicKeyArgument {
    accepted: bool,
    base64: bool,
}

impl From<SshPublicKeyArgument> for vt::metainfo::SshPublicKey {
    fn from(key: SshPublicKeyArgument) -> Self {
        Self { accepted: key.accepted, base64: key.base64 }
    }
}

pub(crate) fn description<'py>(py: Python<'py>, description: &vt::metainfo::Description) -> Made<'py> {
    new(py, "Description", (description.language.as_deref(), description.text.as_str()))
}

pub(crate) fn tags<'py>(py: Python<'py>, tags: &vt::metainfo::Tags) -> PyResult<Bound<'py, PyTuple>> {
    texts(py, tags.iter())
}

pub(crate) fn metainfo_fields<'py>(py: Python<'py>, fields: &vt::metainfo::MetainfoFields) -> Made<'py> {
    // Tuples in Rust cannot have this many elements.
    let all: [Bound<'py, PyAny>; 18] = [
        fields.os_name.as_deref().into_pyobject(py)?.into_any(),
        limits(py, &fields.limits)?,
        support(py, &fields.support)?,
        tags(py, &fields.tags)?.into_any(),
        fields.template_version.as_deref().into_pyobject(py)?.into_any(),
        fields.image_file.as_deref().into_pyobject(py)?.into_any(),
        fields.script_file.as_deref().into_pyobject(py)?.into_any(),
        fields.reboot_count.into_pyobject(py)?.into_any(),
        fields.template_type.as_deref().into_pyobject(py)?.into_any(),
        fields.virtio_disk.into_pyobject(py)?.to_owned().into_any(),
        fields.virtio_net.into_pyobject(py)?.to_owned().into_any(),
        texts(py, &fields.declared_macros)?.into_any(),
        fields.illegal_password_characters.as_deref().into_pyobject(py)?.into_any(),
        ssh_public_key(py, fields.ssh_public_key)?,
        fields.password_method.as_deref().into_pyobject(py)?.into_any(),
        fields.date.as_deref().into_pyobject(py)?.into_any(),
        fields.install_result.as_deref().into_pyobject(py)?.into_any(),
        fields.network_install.clone().into_pyobject(py)?.into_any(),
    ];
    new(py, "MetainfoFields", PyTuple::new(py, all)?)
}

/// An argument that is a `MetainfoFields`.
#[derive(FromPyObject)]
pub(crate) struct MetainfoFieldsArgument {
    os_name: Option<String>,
    limits: LimitsArgument,
    support: SupportArgument,
    tags: Vec<String>,
    template_version: Option<String>,
    image_file: Option<String>,
    script_file: Option<String>,
    reboot_count: u32,
    template_type: Option<String>,
    virtio_disk: bool,
    virtio_net: bool,
    declared_macros: Vec<String>,
    illegal_password_characters: Option<String>,
    ssh_public_key: SshPublicKeyArgument,
    password_method: Option<String>,
    date: Option<String>,
    install_result: Option<String>,
    network_install: BTreeMap<String, String>,
}

impl From<MetainfoFieldsArgument> for vt::metainfo::MetainfoFields {
    fn from(fields: MetainfoFieldsArgument) -> Self {
        Self {
            os_name: fields.os_name,
            limits: fields.limits.into(),
            support: fields.support.0,
            tags: fields.tags.into(),
            template_version: fields.template_version,
            image_file: fields.image_file,
            script_file: fields.script_file,
            reboot_count: fields.reboot_count,
            template_type: fields.template_type,
            virtio_disk: fields.virtio_disk,
            virtio_net: fields.virtio_net,
            declared_macros: fields.declared_macros,
            illegal_password_characters: fields.illegal_password_characters,
            ssh_public_key: fields.ssh_public_key.into(),
            password_method: fields.password_method,
            date: fields.date,
            install_result: fields.install_result,
            network_install: fields.network_install,
        }
    }
}

// Macros and scripts

pub(crate) fn macro_info<'py>(py: Python<'py>, info: &vt::macros::MacroInfo) -> Made<'py> {
    new(py, "MacroInfo", (info.name, member(py, info.kind)?, info.meaning))
}

pub(crate) fn macro_use(py: Python<'_>, used: vt::macros::MacroUse) -> Made<'_> {
    let range = used.range;
    new(py, "MacroUse", (MacroName(used.name), range.start, range.end, position(py, used.position)?))
}

// Archives

pub(crate) fn archive_entry<'py>(py: Python<'py>, entry: &vt::archive::ArchiveEntry) -> Made<'py> {
    new(py, "ArchiveEntry", (entry.name.as_str(), entry.size))
}

/// An argument that is an `UnpackLimits`.
#[derive(FromPyObject)]
pub(crate) struct UnpackLimitsArgument {
    entries: u64,
    total_size: u64,
    name_length: usize,
    path_depth: usize,
    ratio: u64,
    header_chain: u32,
    header_size: u64,
}

impl From<UnpackLimitsArgument> for vt::archive::UnpackLimits {
    fn from(limits: UnpackLimitsArgument) -> Self {
        let UnpackLimitsArgument {
            entries,
            total_size,
            name_length,
            path_depth,
            ratio,
            header_chain,
            header_size,
        } = limits;
        Self { entries, total_size, name_length, path_depth, ratio, header_chain, header_size }
    }
}

/// The limits of an optional argument.
pub(crate) fn unpack_limits(limits: Option<UnpackLimitsArgument>) -> vt::archive::UnpackLimits {
    limits.map(Into::into).unwrap_or_default()
}

pub(crate) fn verified<'py>(py: Python<'py>, verified: &vt::archive::Verified) -> Made<'py> {
    let files = tuple(py, &verified.files, |py, file: &vt::archive::VerifiedFile| {
        new(py, "VerifiedFile", (file.name.as_str(), file.size, file.sha256.as_str()))
    })?;
    new(py, "Verified", (verified.sha256.as_str(), verified.archive_bytes, verified.has_index, files))
}

pub(crate) fn free_space_report<'py>(py: Python<'py>, report: &vt::disk::FreeSpaceReport) -> Made<'py> {
    let volumes = tuple(py, &report.volumes, |py, volume: &vt::disk::VolumeFreeSpace| {
        let kept = volume
            .kept
            .as_ref()
            .map(|kept| new(py, "KeptVolume", (member(py, kept.reason)?, kept.detail.as_str())))
            .transpose()?;
        let fields = (
            volume.partition,
            volume.offset,
            volume.length,
            volume.label.as_deref(),
            volume.cluster_size,
            volume.dropped,
            volume.page_files,
            volume.shadow_copies,
            kept,
        );
        new(py, "VolumeFreeSpace", fields)
    })?;
    let fields = (member(py, report.free_space)?, report.table_damage.as_deref(), volumes);
    new(py, "FreeSpaceReport", fields)
}

fn usage(py: Python<'_>, usage: vt::disk::Usage) -> Made<'_> {
    new(py, "Usage", (usage.data, usage.zeros, usage.holes, usage.free))
}

pub(crate) fn pack_summary<'py>(py: Python<'py>, summary: &vt::archive::PackSummary) -> Made<'py> {
    let fields = (
        summary.archive_bytes,
        summary.content_bytes,
        usage(py, summary.usage)?,
        free_space_report(py, &summary.free_space)?,
        texts(py, &summary.left_behind)?,
        texts(py, &summary.missing)?,
    );
    new(py, "PackSummary", fields)
}

// Disks

pub(crate) fn extent(py: Python<'_>, extent: vt::disk::Extent) -> Made<'_> {
    new(py, "Extent", (extent.offset, extent.length, member(py, extent.kind)?))
}

pub(crate) fn raw_summary<'py>(py: Python<'py>, summary: &vt::disk::RawSummary) -> Made<'py> {
    let fields = (summary.size, usage(py, summary.usage)?, free_space_report(py, &summary.free_space)?);
    new(py, "RawSummary", fields)
}

/// A GUID as `uuid.UUID`.
fn uuid(py: Python<'_>, guid: vt::disk::Guid) -> Made<'_> {
    static UUID: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    UUID.import(py, "uuid", "UUID")?.call1((guid.to_string(),))
}

fn partition<'py>(py: Python<'py>, partition: &vt::disk::Partition) -> Made<'py> {
    let kind = partition.kind;
    let (mbr, gpt) = match kind {
        vt::disk::PartitionKind::Mbr(byte) => (Some(byte), None),
        vt::disk::PartitionKind::Gpt(guid) => (None, Some(uuid(py, guid)?)),
        _ => (None, None),
    };
    let is = (kind.is_recovery(), kind.is_efi_system(), kind.is_extended());
    let kind = new(py, "PartitionKind", (kind.to_string(), mbr, gpt, kind.name(), is.0, is.1, is.2))?;
    let fields = (
        partition.index,
        partition.offset,
        partition.length,
        kind,
        partition.name.as_str(),
        partition.active,
        partition.id.map(|id| uuid(py, id)).transpose()?,
    );
    new(py, "Partition", fields)
}

pub(crate) fn partition_table<'py>(py: Python<'py>, table: &vt::disk::PartitionTable) -> Made<'py> {
    let fields = (
        member(py, table.scheme)?,
        table.sector_size,
        table.disk_id.as_deref(),
        tuple(py, &table.partitions, partition)?,
        texts(py, &table.warnings)?,
        texts(py, &table.notes)?,
    );
    new(py, "PartitionTable", fields)
}

pub(crate) fn disk_info<'py>(py: Python<'py>, info: &vt::disk::DiskInfo) -> Made<'py> {
    let fields = (
        info.format,
        info.size,
        usage(py, info.usage)?,
        info.partitions.as_ref().map(|table| partition_table(py, table)).transpose()?,
        free_space_report(py, &info.free_space)?,
    );
    new(py, "DiskInfo", fields)
}

pub(crate) fn ntfs_entry<'py>(py: Python<'py>, entry: &vt::disk::NtfsEntry) -> Made<'py> {
    new(py, "NtfsEntry", (entry.name.as_str(), entry.is_folder, entry.size))
}

pub(crate) fn windows_info<'py>(py: Python<'py>, info: &vt::report::WindowsInfo) -> Made<'py> {
    let fields = (
        info.product.as_deref(),
        info.edition.as_deref(),
        info.installation.as_deref(),
        info.version.as_deref(),
        info.build.as_deref(),
        info.architecture.as_deref(),
        info.language.as_deref(),
        info.image_state.as_deref(),
        info.to_string(),
    );
    new(py, "WindowsInfo", fields)
}

// Checks

pub(crate) fn rule<'py>(py: Python<'py>, rule: &vt::report::Rule) -> Made<'py> {
    new(py, "Rule", (rule.code, member(py, rule.severity)?, rule.title, rule.why, rule.fix, rule.step))
}

fn finding<'py>(py: Python<'py>, finding: &vt::report::Finding) -> Made<'py> {
    let place = finding.place();
    let place = new(
        py,
        "Place",
        (
            place.file.as_deref(),
            place.partition,
            place.path.as_deref(),
            place.position.map(|at| position(py, at)).transpose()?,
            place.to_string(),
        ),
    )?;
    let excerpt = finding
        .excerpt()
        .map(|excerpt| new(py, "Excerpt", (excerpt.line.as_str(), excerpt.column, excerpt.length)))
        .transpose()?;
    let fields = (
        rule(py, finding.rule())?,
        member(py, finding.severity())?,
        place,
        finding.message(),
        finding.fix(),
        excerpt,
        finding.to_string(),
    );
    new(py, "Finding", fields)
}

pub(crate) fn report<'py>(py: Python<'py>, report: &vt::Report) -> Made<'py> {
    let counts = report.summary();
    let summary = new(py, "Summary", (counts.errors, counts.warnings, counts.notes, counts.to_string()))?;
    let fields = (tuple(py, report.findings(), finding)?, summary, json(report)?, json(&report.sarif())?);
    new(py, "Report", fields)
}

/// JSON as the command prints it.
fn json(data: &impl serde::Serialize) -> PyResult<String> {
    serde_json::to_string_pretty(data).map_err(|error| PyValueError::new_err(error.to_string()))
}

// Templates and repositories

pub(crate) fn template_info<'py>(py: Python<'py>, info: &vt::template::TemplateInfo) -> Made<'py> {
    let script = info
        .script
        .as_ref()
        .map(|script| {
            let fields =
                (member(py, script.line_ending)?, member(py, script.encoding)?, texts(py, &script.macros)?);
            new(py, "ScriptInfo", fields)
        })
        .transpose()?;
    let fields = (metainfo_fields(py, &info.metainfo)?, script, tuple(py, &info.files, archive_entry)?);
    new(py, "TemplateInfo", fields)
}

pub(crate) fn repository_entry<'py>(py: Python<'py>, entry: &vt::repository::RepositoryEntry) -> Made<'py> {
    let all: [Bound<'py, PyAny>; 18] = [
        entry.name.as_str().into_pyobject(py)?.into_any(),
        tags(py, &entry.tags)?.into_any(),
        entry.file_name.as_str().into_pyobject(py)?.into_any(),
        entry.image_name.as_deref().into_pyobject(py)?.into_any(),
        entry.expand.as_deref().into_pyobject(py)?.into_any(),
        entry.network_device.as_deref().into_pyobject(py)?.into_any(),
        entry.archive_size_mib.into_pyobject(py)?.into_any(),
        entry.hdd_mib_required.into_pyobject(py)?.into_any(),
        entry.min_ram_mib.into_pyobject(py)?.into_any(),
        entry.template_version.as_deref().into_pyobject(py)?.into_any(),
        entry.template_type.as_deref().into_pyobject(py)?.into_any(),
        texts(py, &entry.products)?.into_any(),
        entry.modified_utc.as_deref().into_pyobject(py)?.into_any(),
        texts(py, &entry.urls)?.into_any(),
        entry.other.clone().into_pyobject(py)?.into_any(),
        entry.position.map(|at| position(py, at)).transpose()?.into_pyobject(py)?.into_any(),
        member(py, entry.kind())?,
        entry.family().map(|family| member(py, family)).transpose()?.into_pyobject(py)?.into_any(),
    ];
    new(py, "RepositoryEntry", PyTuple::new(py, all)?)
}

pub(crate) fn fetched<'py>(py: Python<'py>, fetched: &vt::repository::Fetched) -> Made<'py> {
    let fields = (
        repository_entry(py, &fetched.entry)?,
        fetched.path.as_path(),
        fetched.archive_bytes,
        fetched.resumed_at,
        fetched.sha256.as_str(),
        fetched.has_checksum,
    );
    new(py, "Fetched", fields)
}

pub(crate) fn pushed<'py>(py: Python<'py>, pushed: &vt::repository::Pushed) -> Made<'py> {
    let fields =
        (repository_entry(py, &pushed.entry)?, pack_summary(py, &pushed.pack)?, pushed.sha256.as_str());
    new(py, "Pushed", fields)
}

pub(crate) fn synced<'py>(py: Python<'py>, synced: &vt::repository::Synced) -> Made<'py> {
    let fields = (texts(py, &synced.updated)?, texts(py, &synced.missing)?, synced.damaged.clone());
    new(py, "Synced", fields)
}

/// The bytes of `bytes`, `bytearray` or `memoryview`.
pub(crate) fn bytes(object: &Bound<'_, PyAny>) -> PyResult<Vec<u8>> {
    let held = if object.is_instance_of::<PyMemoryView>() {
        object.call_method0("tobytes")?
    } else {
        object.clone()
    };
    Ok(held.extract::<PyBackedBytes>()?.to_vec())
}

/// Bytes or text of the caller as bytes.
pub(crate) fn bytes_or_text(object: &Bound<'_, PyAny>) -> PyResult<Vec<u8>> {
    if let Ok(text) = object.extract::<String>() {
        return Ok(text.into_bytes());
    }
    bytes(object)
}

/// The options of rendering, shared by several methods.
pub(crate) fn render_options(
    missing: Choice<vt::macros::MissingValue>,
    as_platform: bool,
    language: Option<Choice<vt::macros::ScriptLanguage>>,
    illegal_password_characters: Option<String>,
    declared: Vec<String>,
) -> PyResult<vt::macros::RenderOptions> {
    Ok(vt::macros::RenderOptions {
        missing: missing.0,
        as_platform,
        language: language.map(|choice| choice.0),
        illegal_password_characters,
        declared: declared.iter().map(|name| name.parse()).collect::<vt::Result<_>>().or_raise()?,
    })
}

/// A `datetime`, or a number of seconds since 1970, as whole seconds.
pub(crate) fn seconds_since_1970(object: &Bound<'_, PyAny>) -> PyResult<u64> {
    if object.hasattr("timestamp")? {
        let seconds: i64 = object.call_method0("timestamp")?.call_method0("__floor__")?.extract()?;
        return u64::try_from(seconds).map_err(|_| PyValueError::new_err("the time is before 1970"));
    }
    object.extract()
}

/// A `timedelta`, or a number of seconds.
pub(crate) fn duration(object: &Bound<'_, PyAny>) -> PyResult<Duration> {
    let seconds: f64 = if object.hasattr("total_seconds")? {
        object.call_method0("total_seconds")?.extract()?
    } else {
        object.extract()?
    };
    Duration::try_from_secs_f64(seconds).map_err(|error| PyValueError::new_err(error.to_string()))
}
