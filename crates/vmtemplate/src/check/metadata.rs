//! What is checked of metainfo.xml.

use crate::error::{Error, Position};
use crate::metainfo::{Metainfo, MetainfoKey as Key, OsFamily, Product};
use crate::rules::{Finding, Rule, template as rules};
use crate::shown::{Shown, quoted};

/// What a machine with less memory is known to need, by parts of the name; the first part that is in it counts.
///
/// Server: <https://learn.microsoft.com/en-us/windows-server/get-started/hardware-requirements> (without a desktop).
/// Clients: <https://learn.microsoft.com/en-us/windows/whats-new/windows-11-requirements> and
/// <https://learn.microsoft.com/en-us/windows-hardware/design/minimum/minimum-hardware-requirements-overview>.
const LEAST_MEMORY: [(&str, u64); 4] =
    [("server", 512), ("windows-11", 4096), ("windows11", 4096), ("windows", 1024)];

/// More than any machine has: the number is in another unit.
const MOST_MEMORY: u64 = 1 << 20;

/// How many names of products are looked at.
const MAX_PRODUCTS: usize = 20;

const PRODUCTS: [&str; 3] = ["VMmgr", "DCImgr", "VEmgr"];

/// All that metainfo.xml says by itself.
pub(super) fn check(metainfo: &Metainfo) -> Vec<Finding> {
    let mut check = Check {
        metainfo,
        text: String::from_utf8_lossy(&metainfo.to_bytes()).into_owned(),
        findings: vec![],
    };
    check.values();
    check.products();
    check.name();
    check.limits();
    for (key, rule) in [(Key::Tags, rules::TAGS), (Key::Version, rules::VERSION)] {
        if metainfo.get(&key).is_none_or(|value| value.is_empty()) {
            check.add(rule, &key, format!("`{key}` is missing"));
        }
    }
    for (key, is_on) in [(Key::VirtioDisk, metainfo.virtio_disk()), (Key::VirtioNet, metainfo.virtio_net())] {
        if !is_on {
            check.add(rules::VIRTIO, &key, format!("`{key}` is not yes"));
        }
    }
    check.findings
}

/// A finding about an element, with the line that it is on.
pub(super) fn at_element(rule: &'static Rule, metainfo: &Metainfo, key: &Key, message: String) -> Finding {
    let text = metainfo.to_bytes();
    mark(Finding::new(rule, message), &String::from_utf8_lossy(&text), metainfo.position_of(key))
}

/// An error of reading metainfo.xml as a finding.
pub(super) fn unreadable(rule: &'static Rule, bytes: &[u8], error: &Error) -> Finding {
    from_error(rule, &String::from_utf8_lossy(bytes), error)
}

fn from_error(rule: &'static Rule, text: &str, error: &Error) -> Finding {
    let message = match error.field() {
        Some(field) => format!("`{}`: {}", Shown(&field), error.message()),
        None => error.message().to_owned(),
    };
    let mut finding = Finding::new(rule, message);
    if let Some(help) = error.help() {
        finding = finding.with_fix(help);
    }
    match error.position() {
        Some(position) => mark(finding, text, position),
        None => finding,
    }
}

/// Marks the rest of the line, up to the end of the element.
fn mark(finding: Finding, text: &str, position: Position) -> Finding {
    let line = text.lines().nth(position.line - 1).unwrap_or_default();
    let rest: String = line.chars().skip(position.column - 1).collect();
    let rest = rest.trim_end();
    // A value ends where the end tag begins.
    let length = if rest.starts_with('<') { rest.len() } else { rest.find("</").unwrap_or(rest.len()) };
    finding.with_excerpt(text, position, rest[..length].chars().count())
}

struct Check<'a> {
    metainfo: &'a Metainfo,
    text: String,
    findings: Vec<Finding>,
}

impl Check<'_> {
    fn add(&mut self, rule: &'static Rule, key: &Key, message: String) {
        let finding = mark(Finding::new(rule, message), &self.text, self.metainfo.position_of(key));
        self.findings.push(finding);
    }

    fn values(&mut self) {
        for problem in self.metainfo.problems() {
            let rule = match problem.field() {
                Some("osname") => rules::NAME,
                Some("type") => rules::TYPE,
                _ => rules::VALUE,
            };
            self.findings.push(from_error(rule, &self.text, &problem));
        }
        if self.metainfo.template_type().is_none() && self.metainfo.get(&Key::Type).is_none() {
            self.add(rules::TYPE, &Key::Type, "`type` is missing; expected `ostemplate`".to_owned());
        }
    }

    fn products(&mut self) {
        let support = self.metainfo.support();
        if !support.products.iter().any(|product| product.name.eq_ignore_ascii_case("vmmgr")) {
            let message = if support.products.is_empty() {
                "no product is named; expected VMmgr".to_owned()
            } else {
                format!("found {support}; expected VMmgr among them")
            };
            self.add(rules::SUPPORT, &Key::Support, message);
        }
        for Product { name, .. } in support.products.into_iter().take(MAX_PRODUCTS) {
            if !name.is_empty() && !PRODUCTS.iter().any(|known| name.eq_ignore_ascii_case(known)) {
                let message = format!("{} is not a product; expected {}", quoted(&name), PRODUCTS.join(", "));
                self.add(rules::PRODUCT, &Key::Support, message);
            }
        }
    }

    fn name(&mut self) {
        let Some(name) = self.metainfo.os_name() else { return };
        if OsFamily::of_template_name(&name).is_none() {
            let message = format!("the name contains none of {}", OsFamily::parts_of_names());
            self.add(rules::FAMILY, &Key::OsName, message);
        }
    }

    fn limits(&mut self) {
        // A limit that is no number is reported by its own rule.
        let Ok(limits) = self.metainfo.limits() else { return };
        if limits.ipv4 == Some(false) && limits.ipv6 == Some(false) {
            let message = "neither IPv4 nor IPv6 may be the main address".to_owned();
            self.add(rules::ADDRESSES, &Key::Limit("ipv4".to_owned()), message);
        }
        let name = self.metainfo.os_name().unwrap_or_default().to_lowercase().replace([' ', '_'], "-");
        let least = LEAST_MEMORY.iter().find(|(part, _)| name.contains("windows") && name.contains(part));
        let least = least.map_or(0, |&(_, least)| least);
        let message = match limits.memory_mib {
            None => "the limit for memory is missing".to_owned(),
            Some(mib) if mib < least => {
                format!("{mib} MiB are less than the {least} MiB that this Windows needs")
            }
            Some(mib) if mib > MOST_MEMORY => {
                format!("{mib} MiB are more than any machine has; was another unit meant?")
            }
            Some(_) => return,
        };
        self.add(rules::MEMORY, &Key::Limit("mem".to_owned()), message);
    }
}
