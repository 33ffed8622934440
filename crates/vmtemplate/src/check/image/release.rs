//! Which release of Windows a name speaks of, and which one an image holds.

use std::fmt;

/// A release, as Microsoft names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Release {
    /// The year, and whether it is the second release of that name.
    Server(u16, bool),
    /// `10`, `8.1`.
    Client(&'static str),
}

/// Years in the names of servers.
const YEARS: [u16; 8] = [2003, 2008, 2012, 2016, 2019, 2022, 2025, 2000];

/// Builds of servers (Microsoft, "Windows Server release information", and the lists of earlier ones). Between them were
/// releases that have no year.
const SERVERS: [(u32, Release); 11] = [
    (3790, Release::Server(2003, false)),
    (6001, Release::Server(2008, false)),
    (6002, Release::Server(2008, false)),
    (7600, Release::Server(2008, true)),
    (7601, Release::Server(2008, true)),
    (9200, Release::Server(2012, false)),
    (9600, Release::Server(2012, true)),
    (14_393, Release::Server(2016, false)),
    (17_763, Release::Server(2019, false)),
    (20_348, Release::Server(2022, false)),
    (26_100, Release::Server(2025, false)),
];

impl Release {
    /// The release of a build; `None` if no name goes with it.
    pub(super) fn of_build(build: u32, is_server: bool) -> Option<Self> {
        if is_server {
            return SERVERS.iter().find(|(known, _)| *known == build).map(|(_, release)| *release);
        }
        Some(Self::Client(match build {
            2600 => "XP",
            6000..=6002 => "Vista",
            7600 | 7601 => "7",
            9200 => "8",
            9600 => "8.1",
            10_240..22_000 => "10",
            22_000.. => "11",
            _ => return None,
        }))
    }

    /// The release that the name of a template speaks of; `None` if it speaks of none, or of several.
    pub(super) fn of_name(name: &str) -> Option<Self> {
        let name = name.to_lowercase();
        let mut found: Vec<Self> = Vec::new();
        let mut at = 0;
        while let Some(start) = name[at..].find(|c: char| c.is_ascii_digit()).map(|start| at + start) {
            let end = name[start..].find(|c: char| !c.is_ascii_digit()).map_or(name.len(), |end| start + end);
            let (before, number, after) = (&name[..start], &name[start..end], &name[end..]);
            at = end;
            if let Some(release) = server(before, number, after).or_else(|| client(before, number, after)) {
                found.push(release);
            }
        }
        found.dedup();
        match found.as_slice() {
            [one] => Some(*one),
            _ => None,
        }
    }

    /// Whether an image of the release `held` may have a name that speaks of this one.
    pub(super) fn covers(self, held: Self) -> bool {
        match (self, held) {
            // "2012" is said of 2012 R2, too.
            (Self::Server(named, false), Self::Server(year, _)) => named == year,
            (named, held) => named == held,
        }
    }
}

/// `2022`, also as `2k22`, and with `R2` behind it.
fn server(before: &str, number: &str, after: &str) -> Option<Release> {
    let number: u16 = number.parse().ok()?;
    let year = if before.ends_with("2k") && number < 100 { 2000 + number } else { number };
    let is_second = after.trim_start_matches([' ', '-', '_', '.']).starts_with("r2");
    YEARS.contains(&year).then_some(Release::Server(year, is_second))
}

/// `10` behind `Windows`, `Win` or `W`.
fn client(before: &str, number: &str, after: &str) -> Option<Release> {
    let word = before.trim_end_matches([' ', '-', '_', '.']);
    let is_windows = ["windows", "win", "w"].iter().any(|name| {
        word.strip_suffix(name).is_some_and(|rest| !rest.ends_with(|c: char| c.is_alphanumeric()))
    });
    let minor = after.strip_prefix(['.', '-', '_']).unwrap_or_default();
    let is_one = minor.starts_with('1') && !minor[1..].starts_with(|c: char| c.is_ascii_digit());
    Some(Release::Client(match number {
        _ if !is_windows => return None,
        "7" => "7",
        "8" if is_one => "8.1",
        "8" => "8",
        "81" => "8.1",
        "10" => "10",
        "11" => "11",
        _ => return None,
    }))
}

impl fmt::Display for Release {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Server(year, false) => write!(f, "Windows Server {year}"),
            Self::Server(year, true) => write!(f, "Windows Server {year} R2"),
            Self::Client(name) => write!(f, "Windows {name}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_speaks_of_the_release_that_people_read_in_it() {
        use Release::{Client, Server};
        for (name, release) in [
            ("Windows-Server-2022", Some(Server(2022, false))),
            ("windows2019", Some(Server(2019, false))),
            ("WIN2K12R2-std", Some(Server(2012, true))),
            ("Windows Server 2008 R2 x64", Some(Server(2008, true))),
            ("ws2k25", Some(Server(2025, false))),
            ("Windows-10-Pro", Some(Client("10"))),
            ("win11", Some(Client("11"))),
            ("Windows-8.1", Some(Client("8.1"))),
            ("Windows-7-64", Some(Client("7"))),
            ("Windows", None),
            ("Windows-Server-2019-2022", None),
            ("Windows-Server-2019 from 2019-11-02", Some(Server(2019, false))),
            ("Debian-12", None),
            ("raw10", None),
            ("Windows-Server-20220", None),
        ] {
            assert_eq!(Release::of_name(name), release, "{name}");
        }
    }

    #[test]
    fn a_build_is_the_release_that_it_was_sold_as() {
        for (build, is_server, release) in [
            (17_763, true, Some("Windows Server 2019")),
            (17_763, false, Some("Windows 10")),
            (9600, true, Some("Windows Server 2012 R2")),
            (26_100, false, Some("Windows 11")),
            (25_398, true, None),
            (2600, false, Some("Windows XP")),
        ] {
            let found = Release::of_build(build, is_server).map(|release| release.to_string());
            assert_eq!(found.as_deref(), release);
        }
        let second = Release::Server(2012, true);
        assert!(Release::Server(2012, false).covers(second) && !second.covers(Release::Server(2012, false)));
    }
}
