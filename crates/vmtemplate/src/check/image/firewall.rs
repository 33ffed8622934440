//! The rules of the firewall, and whether one lets a connection in.
//!
//! The grammar of a rule is that of [MS-GPFAS], section 2.2.2.19; what the fields mean is in [MS-FASP], section 2.2.37.

/// What a network is to Windows. That of a new machine is public until somebody says otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Profiles(u8);

const PUBLIC: u8 = 4;
const PROFILES: [(&str, u8); 3] = [("Domain", 1), ("Private", 2), ("Public", PUBLIC)];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Action {
    Allow,
    Block,
    /// For connections that IPsec has secured, which those of a customer are not.
    Bypass,
}

/// One rule of the firewall.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct FirewallRule {
    /// The name of its value in the registry, by which PowerShell calls it.
    id: String,
    action: Action,
    is_active: bool,
    is_inbound: bool,
    profiles: Profiles,
    /// `None` is every protocol.
    protocol: Option<u16>,
    /// `None` is every port.
    ports: Option<Vec<(u16, u16)>>,
    /// The program and the service that it is for; `None` is every one.
    app: Option<String>,
    service: Option<String>,
    /// A field that restricts the rule to some connections, unchanged.
    limit: Option<String>,
}

/// Why no connection comes in.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Shut {
    /// No rule names the port.
    NoRule,
    /// A rule names it, but is not active.
    Inactive,
    /// A rule is active for networks of these kinds, but not for public ones.
    Profiles(String),
    /// The rules hold for some connections only: the field that says so.
    Limited(String),
    /// This rule drops every connection, and wins over those that let one in.
    Blocked(String),
}

const TCP: u16 = 6;

impl FirewallRule {
    /// The rule that is in a value called `id`; `None` if it is none.
    pub(super) fn parse(id: &str, text: &str) -> Option<Self> {
        let mut fields = text.split('|');
        fields
            .next()?
            .trim()
            .strip_prefix(['v', 'V'])?
            .starts_with(|c: char| c.is_ascii_digit())
            .then_some(())?;
        let mut rule = Self {
            id: id.to_owned(),
            action: Action::Allow,
            is_active: false,
            is_inbound: false,
            profiles: Profiles(0),
            protocol: None,
            ports: None,
            app: None,
            service: None,
            limit: None,
        };
        let mut remote = Vec::new();
        for field in fields {
            let Some((key, value)) = field.split_once('=') else { continue };
            let value = value.trim();
            match key.trim().to_ascii_lowercase().as_str() {
                "action" => {
                    rule.action = match value.to_ascii_lowercase().as_str() {
                        "allow" => Action::Allow,
                        "block" => Action::Block,
                        _ => Action::Bypass,
                    }
                }
                "active" => rule.is_active = value.eq_ignore_ascii_case("true"),
                "dir" => rule.is_inbound = value.eq_ignore_ascii_case("in"),
                "profile" => rule.profiles.add(value),
                // 256 is every protocol, too (MS-FASP, `wIpProtocol`).
                "protocol" => rule.protocol = value.parse().ok().filter(|&number| number != 256),
                // LPort for one port, LPort2_10 for a range, and both for keywords of services that are not meant here.
                name if name.starts_with("lport") => {
                    let ports = rule.ports.get_or_insert_default();
                    ports.extend(value.split(',').filter_map(|word| range(word.trim())));
                }
                "app" => rule.app = Some(value.to_ascii_lowercase()).filter(|app| !app.is_empty()),
                "svc" => rule.service = Some(value.to_ascii_lowercase()).filter(|name| name != "*"),
                name if name.starts_with("ra4") || name.starts_with("ra6") => {
                    remote.push((name.starts_with("ra4") && is_everywhere(value), field));
                }
                "iftype" if value.eq_ignore_ascii_case("lan") => {}
                // Other addresses, ports, interfaces, packages, users and machines than those of any customer.
                name if name.starts_with("la4")
                    || name.starts_with("la6")
                    || name.starts_with("rport")
                    || name.starts_with("security")
                    || matches!(
                        name,
                        "if" | "iftype" | "apppkgid" | "luauth" | "luown" | "rmauth" | "ruauth"
                    ) =>
                {
                    rule.limit.get_or_insert_with(|| field.to_owned());
                }
                _ => {}
            }
        }
        if !remote.iter().any(|(is_everywhere, _)| *is_everywhere)
            && let Some((_, field)) = remote.first()
        {
            rule.limit.get_or_insert_with(|| (*field).to_owned());
        }
        Some(rule)
    }

    /// Whether it is about connections to this port of TCP that Remote Desktop takes.
    fn is_of_remote_desktop(&self, port: u16) -> bool {
        let is_own = |app: &String| app == "system" || app.rsplit('\\').next() == Some("svchost.exe");
        self.is_inbound
            && self.protocol.is_none_or(|protocol| protocol == TCP)
            && self.ports.as_ref().is_none_or(|ports| ports.iter().any(|&(a, b)| (a..=b).contains(&port)))
            && self.app.as_ref().is_none_or(is_own)
            && self.service.as_ref().is_none_or(|service| service == "termservice")
    }
}

impl Profiles {
    fn add(&mut self, value: &str) {
        let known = PROFILES.iter().find(|(name, _)| name.eq_ignore_ascii_case(value));
        // A name that is not known adds nothing, but is not "every profile" either.
        self.0 |= known.map_or(0x80, |(_, bit)| *bit);
    }

    /// A rule that names none holds for all of them.
    fn has_public(self) -> bool {
        self.0 == 0 || self.0 & PUBLIC != 0
    }

    fn names(self) -> String {
        let names = PROFILES.iter().filter(|(_, bit)| self.0 & bit != 0).map(|(name, _)| *name);
        names.collect::<Vec<_>>().join(" and ")
    }
}

/// `3389` or `3380-3390`.
fn range(word: &str) -> Option<(u16, u16)> {
    let (first, last) = word.split_once('-').unwrap_or((word, word));
    Some((first.parse().ok()?, last.parse().ok()?))
}

/// Whether these remote addresses are all there are.
fn is_everywhere(value: &str) -> bool {
    let all = ["*", "any", "internet", "0.0.0.0/0", "0.0.0.0/0.0.0.0", "0.0.0.0-255.255.255.255"];
    all.contains(&value.to_ascii_lowercase().as_str())
}

/// Why nothing reaches Remote Desktop on this port of a machine in a public network; `None` if something does.
///
/// `enables` says that the rules for Remote Desktop will be switched on, and `adds` that one more will be added.
pub(super) fn shut(rules: &[FirewallRule], port: u16, enables: bool, adds: bool) -> Option<Shut> {
    let own = || rules.iter().filter(|rule| rule.is_of_remote_desktop(port));
    // A rule that blocks wins over all that allow (Microsoft, "Windows Firewall rules": rule precedence).
    let blocks = |rule: &&FirewallRule| {
        rule.action == Action::Block && rule.is_active && rule.profiles.has_public() && rule.limit.is_none()
    };
    if let Some(rule) = own().find(blocks) {
        return Some(Shut::Blocked(rule.id.clone()));
    }
    let allowing = || own().filter(|rule| rule.action == Action::Allow);
    let is_on = |rule: &&FirewallRule| rule.is_active || enables;
    let public = || allowing().filter(|rule| rule.profiles.has_public());
    if adds || public().filter(is_on).any(|rule| rule.limit.is_none()) {
        return None;
    }
    if let Some(limit) = public().filter(is_on).find_map(|rule| rule.limit.clone()) {
        return Some(Shut::Limited(limit));
    }
    let elsewhere = allowing().filter(is_on).filter(|rule| !rule.profiles.has_public());
    let elsewhere = elsewhere.fold(0, |profiles, rule| profiles | rule.profiles.0);
    Some(if elsewhere != 0 {
        Shut::Profiles(Profiles(elsewhere).names())
    } else if allowing().next().is_some() {
        Shut::Inactive
    } else {
        Shut::NoRule
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULE: &str = "v2.28|Action=Allow|Active=TRUE|Dir=In|Protocol=6|LPort=3389|\
        App=%SystemRoot%\\system32\\svchost.exe|Svc=termservice|Name=@FirewallAPI.dll,-28775|";

    fn why(rules: &[&str]) -> Option<Shut> {
        let rules: Vec<_> = rules.iter().filter_map(|rule| FirewallRule::parse("R", rule)).collect();
        shut(&rules, 3389, false, false)
    }

    /// The rule with more fields, or other ones.
    fn with(change: &str) -> String {
        match change.split_once(" -> ") {
            Some((from, to)) => {
                assert!(RULE.contains(from));
                RULE.replace(from, to)
            }
            None => format!("{RULE}{change}"),
        }
    }

    #[test]
    fn a_rule_lets_remote_desktop_in_where_all_of_its_fields_do() {
        for open in [
            "",
            "Profile=Public|",
            "Profile=Private|Profile=Public|",
            "Edge=FALSE|Defer=App|EmbedCtxt=@FirewallAPI.dll,-28752|",
            "RA4=0.0.0.0-255.255.255.255|",
            "IFType=Lan|",
            "v2.28 -> v2.0",
            "Active=TRUE -> active=true",
            "LPort=3389 -> LPort2_10=3380-3390",
            "LPort=3389 -> LPort=80|LPort=3389",
            "LPort=3389| -> ",
            "Protocol=6|LPort=3389| -> ",
            "Protocol=6 -> Protocol=256",
            "App=%SystemRoot%\\system32\\svchost.exe|Svc=termservice -> App=System",
            "Svc=termservice -> Svc=*",
        ] {
            assert_eq!(why(&[&with(open)]), None, "{open}");
        }
    }

    #[test]
    fn what_shuts_remote_desktop_out_is_named() {
        for (change, reason) in [
            ("Active=TRUE -> Active=FALSE", Shut::Inactive),
            ("Active=TRUE| -> ", Shut::Inactive),
            ("Profile=Domain|Profile=Private|", Shut::Profiles("Domain and Private".into())),
            ("Profile=Private|", Shut::Profiles("Private".into())),
            ("RA4=LocalSubnet|", Shut::Limited("RA4=LocalSubnet".into())),
            ("RA4=LocalSubnet|RA6=LocalSubnet|", Shut::Limited("RA4=LocalSubnet".into())),
            ("RA6=2001:db8::/32|", Shut::Limited("RA6=2001:db8::/32".into())),
            ("LA4=10.0.0.5|", Shut::Limited("LA4=10.0.0.5".into())),
            (
                "IF={00000000-0000-0000-0000-000000000001}|",
                Shut::Limited("IF={00000000-0000-0000-0000-000000000001}".into()),
            ),
            ("Security=Authenticate|", Shut::Limited("Security=Authenticate".into())),
            ("Dir=In -> Dir=Out", Shut::NoRule),
            ("Protocol=6 -> Protocol=17", Shut::NoRule),
            ("LPort=3389 -> LPort=3390", Shut::NoRule),
            ("LPort=3389 -> LPort=RPC", Shut::NoRule),
            ("LPort=3389 -> LPort2_10=1000-2000", Shut::NoRule),
            ("svchost.exe -> other.exe", Shut::NoRule),
            ("Svc=termservice -> Svc=w32time", Shut::NoRule),
            ("Action=Allow -> Action=ByPass", Shut::NoRule),
            ("v2.28 -> 2.28", Shut::NoRule),
        ] {
            assert_eq!(why(&[&with(change)]), Some(reason), "{change}");
        }
        assert_eq!(why(&[]), Some(Shut::NoRule));
    }

    #[test]
    fn a_rule_that_blocks_wins_unless_it_is_for_others() {
        let block = with("Action=Allow -> Action=Block");
        assert_eq!(why(&[RULE, &block]), Some(Shut::Blocked("R".into())));
        for other in ["Profile=Domain|", "RA4=203.0.113.7|"] {
            assert_eq!(why(&[RULE, &format!("{block}{other}")]), None, "{other}");
        }
        for (from, to) in [("TRUE", "FALSE"), ("3389", "445"), ("Dir=In", "Dir=Out"), ("=6", "=17")] {
            assert_eq!(why(&[RULE, &block.replace(from, to)]), None, "{to}");
        }
    }

    #[test]
    fn what_the_script_will_switch_on_or_add_counts() {
        let parse = |text: &str| vec![FirewallRule::parse("R", text).unwrap()];
        let inactive = parse(&with("Active=TRUE -> Active=FALSE"));
        assert_eq!(shut(&inactive, 3389, true, false), None);
        // To switch a group of rules on does not make them hold for other networks.
        let private = parse(&with("Profile=Private|"));
        assert_eq!(shut(&private, 3389, true, false), Some(Shut::Profiles("Private".into())));
        assert_eq!(shut(&private, 3389, true, true), None);
        let block = parse(&with("Action=Allow -> Action=Block"));
        assert_eq!(shut(&block, 3389, true, true), Some(Shut::Blocked("R".into())));
    }
}
