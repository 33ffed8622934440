//! Macros inside metainfo.xml, and in the files that it names.

use std::collections::HashSet;

use super::Metainfo;
use super::document::{Node, ROOT};
use crate::macros::{MacroName, find_macros};

/// Elements that name files beside the setup script which the platform fills in, or that it lets a machine fetch.
const FILLED_IN: [&str; 5] = ["installcfg", "pxelinuxcfg", "sharedir", "nfsshare", "samba"];

impl Metainfo {
    /// The macros that are in the metadata itself, such as in `kernelcommand`; declarations are no uses.
    pub(crate) fn macro_uses(&self) -> HashSet<MacroName> {
        let mut uses = HashSet::new();
        let mut open: Vec<Node> =
            self.document.children(ROOT).filter(|&node| self.document.name(node) != "macro").collect();
        while let Some(node) = open.pop() {
            for text in self.document.texts(node) {
                uses.extend(find_macros(&text).map(|found| found.name));
            }
            open.extend(self.document.children(node));
        }
        uses
    }

    /// Whether it names other files that may use macros.
    pub(crate) fn has_other_filled_in_files(&self) -> bool {
        self.document.children(ROOT).any(|node| {
            FILLED_IN.contains(&self.document.name(node)) && !self.document.value(node).is_empty()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn macros_in_every_value_are_uses_and_declarations_and_comments_are_none() {
        let metainfo = Metainfo::parse(
            b"<doc><kernelcommand>url=($OSINSTALLINFO_HTTP) ip=($IP)</kernelcommand>\
              <macro><elem name='($MIRROR)'/></macro><!-- ($GATEWAY) -->\
              <externals a='($FINISH)'><elem><url>http://($OWN)/</url></elem></externals></doc>",
        )
        .unwrap();
        let mut names: Vec<_> =
            metainfo.macro_uses().into_iter().map(|name| name.name().to_owned()).collect();
        names.sort();
        assert_eq!(names, ["FINISH", "IP", "OSINSTALLINFO_HTTP", "OWN"]);
    }
}
