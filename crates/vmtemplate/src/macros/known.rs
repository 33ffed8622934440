//! Which `($NAME)` are macros.

use std::collections::BTreeSet;

use super::catalogue::{MacroInfo, edit_distance};
use super::find::MacroUse;
use super::name::MacroName;
use super::options::RenderOptions;
use super::values::MacroValues;

/// The macros that count: those of the catalogue, those that metainfo.xml declares, and those that have a value.
///
/// Every other `($NAME)` is text of the script, which rendering leaves unchanged: the platform replaces what it knows
/// (its vendor's scripts guard against a spelling that is left), and in PowerShell `if ($nic)` is an expression.
#[derive(Debug, Clone, Default)]
pub(crate) struct KnownMacros {
    /// Those of the catalogue among them are declared as well.
    more: BTreeSet<MacroName>,
}

impl KnownMacros {
    /// The catalogue and these.
    pub(crate) fn with(more: impl IntoIterator<Item = MacroName>) -> Self {
        Self { more: more.into_iter().collect() }
    }

    /// The catalogue and what metainfo.xml declares, as far as that is the name of a macro.
    pub(crate) fn declared(names: &[String]) -> Self {
        Self::with(names.iter().filter_map(|name| name.parse().ok()))
    }

    /// What counts when a script is rendered.
    pub(crate) fn of_rendering(values: &MacroValues, options: &RenderOptions) -> Self {
        Self::with(options.declared.iter().chain(values.names()).cloned())
    }

    pub(crate) fn contains(&self, name: &MacroName) -> bool {
        MacroInfo::lookup(name.name()).is_some() || self.more.contains(name)
    }

    /// Whether it was named beside the catalogue.
    pub(crate) fn is_declared(&self, name: &MacroName) -> bool {
        self.more.contains(name)
    }

    /// The macros among these uses.
    pub(crate) fn among(&self, uses: impl Iterator<Item = MacroUse>) -> Vec<MacroUse> {
        uses.filter(|found| self.contains(&found.name)).collect()
    }

    /// The macro that was probably meant by a name that is none.
    ///
    /// A difference of case alone counts, and so does one edit of a name that has three characters; of a name that is
    /// written as the platform writes its own, as many edits as [`MacroInfo::nearest`] takes.
    pub(crate) fn meant_by(&self, name: &MacroName) -> Option<MacroName> {
        if self.contains(name) {
            return None;
        }
        let bare = name.name();
        let all =
            MacroInfo::catalogue().iter().map(|info| info.name).chain(self.more.iter().map(MacroName::name));
        let near = all.filter_map(|known| {
            // A name of two characters becomes anything by one edit, but for one more character.
            let is_long = bare.len() > 2 && known.len() > 1 && known.len().abs_diff(bare.len()) < 2;
            let distance = if known.eq_ignore_ascii_case(bare) {
                0
            } else if is_long {
                edit_distance(bare.as_bytes(), known.as_bytes())
            } else {
                usize::MAX
            };
            (distance < 2).then_some((distance, known))
        });
        match near.min_by_key(|&(distance, _)| distance) {
            Some((_, known)) => Some(MacroName::checked(known.as_bytes())),
            None if is_styled(bare) => MacroInfo::nearest(bare).map(MacroInfo::to_name),
            None => None,
        }
    }
}

/// Whether a name is written as the platform writes its own: capitals, and at most the version of a protocol in others.
pub(crate) fn is_styled(name: &str) -> bool {
    let stem = name.strip_suffix("v4").or_else(|| name.strip_suffix("v6")).unwrap_or(name);
    stem.len() > 2
        && stem.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_')
        && stem.bytes().any(|b| b.is_ascii_uppercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(bare: &str) -> MacroName {
        MacroName::new(bare).unwrap()
    }

    #[test]
    fn what_was_meant_is_one_mistake_away() {
        let known = KnownMacros::with([name("LICENSE"), name("colour")]);
        for (written, meant) in [
            ("pass", Some("PASS")),
            ("Ip", Some("IP")),
            ("IPV4", Some("IPv4")),
            ("IPP", Some("IP")),
            ("NAMESERVR", Some("NAMESERVER")),
            ("PASS_CRYTP", Some("PASS_CRYPT")),
            ("PRODUCT_KEYS", Some("PRODUCTKEY")),
            ("LICENCE", Some("LICENSE")),
            ("Colour", Some("colour")),
            ("colours", Some("colour")),
            ("nic", None),
            ("true", None),
            ("ips", None),
            ("n", None),
            ("i", None),
            ("ID", None),
            ("path", None),
            ("SERVERS", None),
            ("PASS", None),
            ("LICENSE", None),
        ] {
            let found = known.meant_by(&name(written));
            assert_eq!(found.as_ref().map(MacroName::name), meant, "{written}");
        }
    }
}
