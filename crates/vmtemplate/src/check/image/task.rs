//! Scheduled tasks: the XML that the Task Scheduler keeps of each (Microsoft, [MS-TSCH] and "Task Scheduler Schema").

use quick_xml::Reader;
use quick_xml::escape::resolve_xml_entity;
use quick_xml::events::Event;

use crate::error::{Error, ErrorKind, Position, Result};
use crate::shown::Shown;

/// Elements inside elements; tasks have six.
const MAX_DEPTH: usize = 32;

/// Elements of a task: those of Windows have some tens.
const MAX_ELEMENTS: usize = 4096;

/// The text of one element; of the ones that are kept, none is longer than a command line.
const MAX_TEXT: usize = 64 << 10;

/// The system account by SID and by its names.
const SYSTEM: [&str; 4] = ["s-1-5-18", "system", r"nt authority\system", "localsystem"];

/// The accounts of services with fewer rights. Like the system, they need nobody to log on.
const SERVICES: [&str; 6] = [
    "s-1-5-19",
    r"nt authority\localservice",
    r"nt authority\local service",
    "s-1-5-20",
    r"nt authority\networkservice",
    r"nt authority\network service",
];

/// What matters here of a task.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Task {
    pub(super) enabled: bool,
    /// Whether a trigger for the start of Windows is enabled and in force.
    pub(super) starts_at_boot: bool,
    /// Why no such trigger works, of one that is there.
    pub(super) idle_trigger: Option<String>,
    pub(super) user: Option<String>,
    pub(super) logon_type: Option<String>,
    pub(super) is_highest: bool,
    /// What it waits for before it runs, as the element that says so.
    pub(super) waits_for: Option<&'static str>,
    /// Working directory, command and arguments of each program that it starts.
    pub(super) commands: Vec<String>,
}

impl Task {
    /// `now` is the time at which its triggers are to work; it begins with the date, `YYYY-MM-DD`.
    pub(super) fn parse(bytes: &[u8], now: &str) -> Result<Self> {
        let text = decode(bytes)?;
        let mut task = Self {
            enabled: true,
            starts_at_boot: false,
            idle_trigger: None,
            user: None,
            logon_type: None,
            is_highest: false,
            waits_for: None,
            commands: Vec::new(),
        };
        let mut triggers: Vec<BootTrigger> = Vec::new();
        let elements = elements(&text)?;
        if elements.first().is_none_or(|(path, _)| path != "Task") {
            return Err(Error::new(
                ErrorKind::InvalidValue,
                "this is not a task: the root element is not Task",
            ));
        }
        for (path, text) in &elements {
            let text = text.trim();
            match path.as_str() {
                "Task/Settings/Enabled" => task.enabled = is_true(text),
                "Task/Triggers/BootTrigger" => triggers.push(BootTrigger::default()),
                "Task/Triggers/BootTrigger/Enabled" => {
                    edit_last(&mut triggers, |trigger| trigger.is_disabled = !is_true(text));
                }
                "Task/Triggers/BootTrigger/StartBoundary" => {
                    edit_last(&mut triggers, |trigger| trigger.begins = Some(text.to_owned()));
                }
                "Task/Triggers/BootTrigger/EndBoundary" => {
                    edit_last(&mut triggers, |trigger| trigger.ends = Some(text.to_owned()));
                }
                "Task/Principals/Principal/UserId" => task.user = Some(text.to_owned()),
                "Task/Principals/Principal/LogonType" => task.logon_type = Some(text.to_owned()),
                "Task/Principals/Principal/RunLevel" => task.is_highest = text == "HighestAvailable",
                "Task/Settings/RunOnlyIfNetworkAvailable" if is_true(text) => {
                    task.waits_for = Some("RunOnlyIfNetworkAvailable");
                }
                "Task/Settings/RunOnlyIfIdle" if is_true(text) => task.waits_for = Some("RunOnlyIfIdle"),
                "Task/Actions/Exec" => task.commands.push(String::new()),
                "Task/Actions/Exec/Command"
                | "Task/Actions/Exec/Arguments"
                | "Task/Actions/Exec/WorkingDirectory" => {
                    if let Some(command) = task.commands.last_mut() {
                        command.push_str(text);
                        command.push(' ');
                    }
                }
                _ => {}
            }
        }
        // One that works is enough.
        let reasons: Vec<_> = triggers.iter().map(|trigger| trigger.reason_against(now)).collect();
        task.starts_at_boot = reasons.iter().any(Option::is_none);
        task.idle_trigger = reasons.into_iter().flatten().next().filter(|_| !task.starts_at_boot);
        Ok(task)
    }

    /// Whether it runs as the system itself.
    pub(super) fn is_system(&self) -> bool {
        self.runs_as(&SYSTEM)
    }

    /// "Run whether user is logged on or not": as a service, with a password that is kept, or without one.
    pub(super) fn runs_without_logon(&self) -> bool {
        self.runs_as(&SYSTEM)
            || self.runs_as(&SERVICES)
            || matches!(self.logon_type.as_deref(), Some("Password" | "S4U"))
    }

    fn runs_as(&self, accounts: &[&str]) -> bool {
        self.user.as_deref().is_some_and(|user| accounts.contains(&user.to_lowercase().as_str()))
    }
}

/// A trigger for the start of Windows. It is enabled unless it says otherwise.
#[derive(Default)]
struct BootTrigger {
    is_disabled: bool,
    /// The times between which it works.
    begins: Option<String>,
    ends: Option<String>,
}

impl BootTrigger {
    fn reason_against(&self, now: &str) -> Option<String> {
        let is_before =
            |a: &str, b: &str| a.get(..NOW.len()).zip(b.get(..NOW.len())).is_some_and(|(a, b)| a < b);
        if self.is_disabled {
            Some("it is disabled".to_owned())
        } else if let Some(end) = self.ends.as_ref().filter(|end| is_before(end, now)) {
            Some(format!("it ended with its EndBoundary, {}", Shown(end)))
        } else {
            let begin = self.begins.as_ref().filter(|begin| is_before(now, begin))?;
            Some(format!("it begins with its StartBoundary only, {}", Shown(begin)))
        }
    }
}

/// The part of a time that is compared. The zone, which may follow, shifts it by less than a day.
const NOW: &str = "YYYY-MM-DD";

fn edit_last(triggers: &mut [BootTrigger], edit: impl FnOnce(&mut BootTrigger)) {
    if let Some(trigger) = triggers.last_mut() {
        edit(trigger);
    }
}

/// A boolean of XML Schema.
fn is_true(text: &str) -> bool {
    matches!(text, "true" | "1")
}

/// The text: UTF-16 with a byte order mark, as the Task Scheduler writes it, or what the bytes or the XML declaration say
/// it is (XML 1.0, appendix F, "Autodetection of Character Encodings").
fn decode(bytes: &[u8]) -> Result<String> {
    let (encoding, length) =
        encoding_rs::Encoding::for_bom(bytes).unwrap_or_else(|| (without_mark(bytes), 0));
    match encoding.decode_without_bom_handling_and_without_replacement(&bytes[length..]) {
        Some(text) => Ok(text.into_owned()),
        None => {
            Err(Error::new(ErrorKind::InvalidValue, format!("the file is not valid {}", encoding.name())))
        }
    }
}

fn without_mark(bytes: &[u8]) -> &'static encoding_rs::Encoding {
    // XML begins with a character of ASCII, so that of its first unit of UTF-16 one byte is zero.
    match bytes {
        [first, 0, ..] if *first != 0 => return encoding_rs::UTF_16LE,
        [0, second, ..] if *second != 0 => return encoding_rs::UTF_16BE,
        _ => {}
    }
    let start = bytes.get(..bytes.len().min(200)).unwrap_or_default();
    let declaration = start.split(|&byte| byte == b'>').next().unwrap_or_default();
    let declaration = String::from_utf8_lossy(declaration);
    let label = declaration.trim_start().strip_prefix("<?xml").and_then(|rest| {
        let value = rest.split_once("encoding")?.1.trim_start().strip_prefix('=')?.trim_start();
        let quote = value.chars().next().filter(|quote| ['"', '\''].contains(quote))?;
        value[1..].split(quote).next()
    });
    // Units of one byte are no UTF-16, whatever the declaration says.
    let encoding = label.and_then(|label| encoding_rs::Encoding::for_label(label.as_bytes()));
    encoding
        .filter(|encoding| ![encoding_rs::UTF_16LE, encoding_rs::UTF_16BE].contains(encoding))
        .unwrap_or(encoding_rs::UTF_8)
}

/// The elements in document order: the path of each, without prefixes, and its own text.
fn elements(text: &str) -> Result<Vec<(String, String)>> {
    let fault = |at: u64, message: String| {
        Error::new(ErrorKind::InvalidValue, message).with_position(Position::of_offset(text, at as usize))
    };
    let mut reader = Reader::from_str(text);
    reader.config_mut().enable_all_checks(true);
    let mut elements: Vec<(String, String)> = Vec::new();
    let mut open: Vec<usize> = Vec::new();
    let mut is_done = false;
    loop {
        let at = reader.buffer_position();
        let event =
            reader.read_event().map_err(|error| fault(at, format!("not well-formed XML: {error}")))?;
        let added = match &event {
            Event::Start(tag) | Event::Empty(tag) => {
                if is_done {
                    return Err(fault(at, "a second root element".to_owned()));
                }
                if open.len() == MAX_DEPTH || elements.len() == MAX_ELEMENTS {
                    return Err(fault(at, "more elements, or deeper ones, than a task has".to_owned()));
                }
                let name = tag.local_name();
                let name = name.as_ref();
                let path = match open.last() {
                    Some(&parent) => format!("{}/{name}", elements[parent].0),
                    None => name.to_owned(),
                };
                if path.len() > MAX_TEXT {
                    return Err(fault(at, "a name longer than any of a task".to_owned()));
                }
                elements.push((path, String::new()));
                if matches!(event, Event::Start(_)) {
                    open.push(elements.len() - 1);
                }
                is_done = open.is_empty();
                None
            }
            Event::End(_) => {
                open.pop();
                is_done = open.is_empty();
                None
            }
            Event::Text(data) => Some(data.to_string()),
            Event::CData(data) => Some(data.to_string()),
            Event::GeneralRef(name) => {
                let c = match name.resolve_char_ref() {
                    Ok(Some(c)) => Some(c.to_string()),
                    Ok(None) => resolve_xml_entity(name).map(str::to_owned),
                    Err(_) => None,
                };
                Some(c.ok_or_else(|| fault(at, "an unknown reference".to_owned()))?)
            }
            Event::DocType(_) => {
                return Err(fault(at, "a document type, which a task does not have".to_owned()));
            }
            Event::Eof if open.is_empty() && is_done => return Ok(elements),
            Event::Eof => return Err(fault(at, "the file ends before its root element does".to_owned())),
            Event::Comment(_) | Event::PI(_) | Event::Decl(_) => None,
        };
        if let Some(added) = added {
            match open.last() {
                Some(&element) if elements[element].1.len() + added.len() <= MAX_TEXT => {
                    elements[element].1.push_str(&added);
                }
                Some(_) => return Err(fault(at, "a text longer than any of a task".to_owned())),
                None if added.trim().is_empty() => {}
                None => return Err(fault(at, "text outside the root element".to_owned())),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;

    /// A task as the Task Scheduler writes it.
    const TASK: &str = "<?xml version=\"1.0\" encoding=\"UTF-16\"?>\r\n\
        <Task version=\"1.2\" xmlns=\"http://schemas.microsoft.com/windows/2004/02/mit/task\">\r\n\
        <RegistrationInfo><Author>MASTER\\Größe &amp; Ж&#x41;</Author></RegistrationInfo>\r\n\
        <Triggers><BootTrigger><Enabled>true</Enabled></BootTrigger></Triggers>\r\n\
        <Principals><Principal id=\"Author\"><UserId>MASTER\\Administrator</UserId>\
        <LogonType>Password</LogonType><RunLevel>HighestAvailable</RunLevel></Principal></Principals>\r\n\
        <Settings><!-- as it comes --><Enabled>true</Enabled></Settings>\r\n\
        <Actions Context=\"Author\"><Exec><Command>cmd.exe</Command>\
        <Arguments>/c \"C:\\vmmgr\\firstrun.cmd\"</Arguments></Exec></Actions>\r\n</Task>\r\n";

    fn utf16(text: &str) -> Vec<u8> {
        [0xFEFF].into_iter().chain(text.encode_utf16()).flat_map(u16::to_le_bytes).collect()
    }

    const NOW: &str = "2026-11-28T12:00:00";

    fn parse(text: &str) -> Result<Task> {
        Task::parse(&utf16(text), NOW)
    }

    #[test]
    fn a_task_is_read_in_utf_16_and_in_utf_8() {
        let task = parse(TASK).unwrap();
        assert_eq!(
            task,
            Task {
                enabled: true,
                starts_at_boot: true,
                idle_trigger: None,
                user: Some(r"MASTER\Administrator".into()),
                logon_type: Some("Password".into()),
                is_highest: true,
                waits_for: None,
                commands: vec![r#"cmd.exe /c "C:\vmmgr\firstrun.cmd" "#.into()],
            }
        );
        assert!(task.runs_without_logon() && !task.is_system());
        assert_eq!(Task::parse(TASK.as_bytes(), NOW).unwrap(), task);
    }

    #[test]
    fn what_is_not_said_has_the_value_that_the_schema_gives_it() {
        let task =
            parse("<Task><Triggers><BootTrigger/></Triggers><Actions><Exec/></Actions></Task>").unwrap();
        assert!(task.enabled && task.starts_at_boot && !task.is_highest && !task.runs_without_logon());
        assert_eq!(task.commands, [""]);
        let task =
            parse("<t:Task xmlns:t='x'><t:Settings><t:Enabled>0</t:Enabled></t:Settings></t:Task>").unwrap();
        assert!(!task.enabled && !task.starts_at_boot);
    }

    #[test]
    fn one_trigger_that_works_is_enough() {
        let (on, off) = ("<BootTrigger/>", "<BootTrigger><Enabled>false</Enabled></BootTrigger>");
        let bound = |name: &str, time: &str| format!("<BootTrigger><{name}>{time}</{name}></BootTrigger>");
        for (triggers, reason) in [
            (format!("{on}{off}"), None),
            (format!("{off}{on}"), None),
            (format!("{off}<TimeTrigger><Enabled>true</Enabled></TimeTrigger>"), Some("it is disabled")),
            (format!("{off}{off}"), Some("it is disabled")),
            (bound("EndBoundary", "2026-11-27T23:59:59"), Some("EndBoundary, 2026-11-27")),
            (bound("EndBoundary", "2019-01-01T00:00:00+03:00"), Some("EndBoundary, 2019")),
            (bound("EndBoundary", "2031-01-01T00:00:00Z"), None),
            (bound("StartBoundary", "2019-01-01T00:00:00"), None),
            (bound("StartBoundary", "2031-01-01T00:00:00"), Some("StartBoundary only, 2031")),
            (format!("{}{on}", bound("EndBoundary", "2019-01-01T00:00:00")), None),
            (bound("EndBoundary", "soon"), None),
        ] {
            let task = parse(&format!("<Task><Triggers>{triggers}</Triggers></Task>")).unwrap();
            assert_eq!(task.starts_at_boot, reason.is_none(), "{triggers}");
            let told = task.idle_trigger.unwrap_or_default();
            assert!(told.contains(reason.unwrap_or_default()), "{triggers}: {told}");
        }
        assert!(!parse("<Task><Triggers/></Task>").unwrap().starts_at_boot);
    }

    #[test]
    fn a_task_is_read_in_the_encoding_that_its_bytes_have() {
        let text = |encoding: &str| {
            format!(
                "<?xml version='1.0' encoding='{encoding}'?><Task><Actions><Exec><Command>Ж</Command></Exec></Actions></Task>"
            )
        };
        let utf_16 = text("UTF-16");
        let units = || utf_16.encode_utf16();
        let cyrillic = encoding_rs::WINDOWS_1251.encode(&text("windows-1251")).0.into_owned();
        for bytes in [
            units().flat_map(u16::to_le_bytes).collect(),
            units().flat_map(u16::to_be_bytes).collect(),
            [0xFEFF].into_iter().chain(units()).flat_map(u16::to_be_bytes).collect(),
            text("UTF-8").into_bytes(),
            utf_16.clone().into_bytes(),
            [b"\xEF\xBB\xBF", text("utf-8").as_bytes()].concat(),
            cyrillic,
        ] {
            assert_eq!(Task::parse(&bytes, NOW).unwrap().commands, ["Ж "], "{bytes:?}");
        }
    }

    #[test]
    fn a_service_is_known_by_sid_and_by_name() {
        for (user, is_system) in [
            ("S-1-5-18", true),
            ("NT AUTHORITY\\SYSTEM", true),
            ("SYSTEM", true),
            ("S-1-5-19", false),
            ("S-1-5-21-1-2-3-4-500", false),
        ] {
            let task = parse(&format!(
                "<Task><Principals><Principal><UserId>{user}</UserId></Principal></Principals></Task>"
            ));
            let task = task.unwrap();
            assert_eq!((task.is_system(), task.runs_without_logon()), (is_system, user.len() < 20), "{user}");
        }
    }

    #[test]
    fn what_is_not_a_task_is_refused_with_its_place() {
        let deep = format!("{}{}", "<Task>".repeat(40), "</Task>".repeat(40));
        let many = format!("<Task>{}</Task>", "<a/>".repeat(5000));
        let long = format!("<Task>{}</Task>", "x".repeat(70_000));
        for (text, why) in [
            ("", "the file ends before"),
            ("<Job/>", "the root element is not Task"),
            ("<Task>", "the file ends before"),
            ("<Task></Job>", "not well-formed"),
            ("<Task/><Task/>", "a second root"),
            ("<Task/>text", "text outside"),
            ("<Task>&nothing;</Task>", "an unknown reference"),
            ("<!DOCTYPE Task [<!ENTITY a 'b'>]><Task>&a;</Task>", "a document type"),
            (&deep, "deeper"),
            (&many, "more elements"),
            (&long, "a text longer"),
        ] {
            let error = parse(text).unwrap_err();
            assert!(error.message().contains(why), "{text:.60}: {error}");
        }
        assert_eq!(parse("<Task>\n  <a></b></Task>").unwrap_err().position().unwrap().line, 2);
        assert!(
            Task::parse(b"\xFF\xFE<\0T\0a\0s\0k\0\x00\xD8", NOW).unwrap_err().message().contains("UTF-16LE")
        );
    }

    #[test]
    fn twenty_thousand_mutated_tasks_give_errors_or_tasks() {
        let good = utf16(TASK);
        let mut state = 11_u64;
        let mut below = |bound: usize| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) as usize % bound
        };
        let (begin, mut whole) = (Instant::now(), 0);
        for round in 0..20_000 {
            let mut bent = good.clone();
            for _ in 0..=below(3) {
                let at = below(bent.len());
                match below(6) {
                    0 => bent.truncate(at),
                    1 => bent[at] = below(256) as u8,
                    // Markup where there was none, and none where it was.
                    2 => bent[at / 2 * 2] = b"<>/&;!\"'[]?-"[below(12)],
                    3 => {
                        bent.drain(at..(at + below(40)).min(bent.len()));
                    }
                    4 => {
                        let part = bent[at..(at + below(200)).min(bent.len())].to_vec();
                        let to = below(bent.len());
                        bent.splice(to..to, part);
                    }
                    _ => bent[at] ^= 1 << below(8),
                }
                if bent.is_empty() {
                    break;
                }
            }
            let outcome = std::panic::catch_unwind(|| Task::parse(&bent, NOW).is_ok());
            whole += usize::from(outcome.unwrap_or_else(|_| panic!("round {round}: {bent:?}")));
        }
        assert!(whole > 500 && whole < 19_500, "{whole} were tasks");
        assert!(begin.elapsed() < Duration::from_mins(1), "{:?}", begin.elapsed());
    }
}
