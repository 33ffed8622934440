//! The values, and how a table of refusals is held against the renderer.

use vmtemplate::{MacroValues, RenderOptions, Script, ScriptLanguage};

/// What they are called here, the macro that they belong to, and they themselves.
pub(crate) const VALUES: [(&str, &str, &str); 25] = [
    ("letters and digits", "PASS", "Xk92mPq4Lw"),
    ("with a dash", "PASS", "Tr0ub4dor-3x_y"),
    ("digits", "PASS", "0042891734"),
    ("symbols", "PASS", "p@ss#W0rd+~"),
    ("exclamation", "PASS", "g0od!Day?*"),
    ("operators", "PASS", "a&b|c<d>e^f"),
    ("percent", "PASS", "100%sure(now)"),
    ("apostrophe", "PASS", "it's$5`now"),
    ("quote", "PASS", "say\"hi\""),
    ("spaces", "PASS", "two words; a=b,c"),
    ("host", "HOSTNAME", "web-1"),
    ("fqdn", "HOSTNAME", "web-1.example.com"),
    ("ipv4", "IPv4", "192.0.2.10"),
    ("ipv6", "IPv6", "2001:db8::10"),
    ("gateway", "GATEWAY", "::1"),
    ("netmask", "NETMASK", "255.255.255.0"),
    ("prefix", "NETMASKv6", "64"),
    ("servers", "NAMESERVERS", "192.0.2.53 2001:db8::53"),
    ("key", "PRODUCTKEY", "AAAAA-BBBBB-CCCCC-DDDDD-12345"),
    ("zone", "TIMEZONE", "W. Europe Standard Time"),
    ("iana", "TIMEZONE", "Europe/Berlin"),
    ("ssh", "SSHPUBKEYS", "ssh-ed25519 AAAAC3Nz/aC1+lZ== me@example.com"),
    ("url", "FINISH", "https://example.com/done?id=5&key=a%20b"),
    ("size", "VOL_SIZE_M", "20480"),
    ("hash", "PASS_CRYPT", "$6$Salt$abc/DEF."),
];

/// A reason, and the values that it is the reason against.
pub(crate) type Refused = (&'static str, &'static [&'static str]);

/// All that are more than one plain word, or have other characters than letters, digits, `.`, `:`, `_` and `-`.
pub(crate) const NOT_PLAIN: &[&str] = &[
    "symbols",
    "exclamation",
    "operators",
    "percent",
    "apostrophe",
    "quote",
    "spaces",
    "zone",
    "iana",
    "ssh",
    "url",
    "hash",
];
/// The same and a list of addresses.
pub(crate) const NOT_A_WORD: &[&str] = &[
    "symbols",
    "exclamation",
    "operators",
    "percent",
    "apostrophe",
    "quote",
    "spaces",
    "servers",
    "zone",
    "iana",
    "ssh",
    "url",
    "hash",
];
/// All but numbers.
pub(crate) const NOT_A_NUMBER: &[&str] = &[
    "letters and digits",
    "with a dash",
    "symbols",
    "exclamation",
    "operators",
    "percent",
    "apostrophe",
    "quote",
    "spaces",
    "host",
    "fqdn",
    "ipv4",
    "ipv6",
    "gateway",
    "netmask",
    "servers",
    "key",
    "zone",
    "iana",
    "ssh",
    "url",
    "hash",
];

/// A line as real scripts have it, `($X)` where a value stands, and what is refused there: the reason, and the values.
pub(crate) struct Construction {
    pub(crate) script: &'static str,
    pub(crate) refused: &'static [Refused],
}

/// Fail unless exactly what the table says is refused, and say what the table has to say.
pub(crate) fn check(language: ScriptLanguage, constructions: &[Construction]) {
    let mut wrong = Vec::new();
    for construction in constructions {
        for (name, of, value) in VALUES {
            let script = Script::from_text(construction.script.replace("($X)", &format!("(${of})")));
            let values = MacroValues::new().with(of, value).unwrap();
            let options = RenderOptions { language: Some(language), ..RenderOptions::default() };
            let expected = construction.refused.iter().find(|(_, values)| values.contains(&name));
            match (script.render(&values, &options), expected) {
                (Ok(_), None) => {}
                (Ok(done), Some((reason, _))) => {
                    wrong.push(format!("{name} passes, refused in the table ({reason}): {}", done.text()));
                }
                (Err(error), Some((reason, _))) if error.to_string().contains(reason) => {
                    let help = error.problems()[0].help();
                    assert!(help.is_some(), "{error:#} says no way out");
                }
                (Err(error), _) => wrong.push(format!("{:?}: {name}: {error}", construction.script)),
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}
