//! Files as they are met in the wild, and edits of them.

use super::*;
use crate::error::ErrorKind;

/// In the layout of the guide's example, with values of our own.
const GUIDE: &str = include_str!("guide.xml");

fn read(text: &str) -> Metainfo {
    Metainfo::parse(text.as_bytes()).unwrap()
}

fn written(metainfo: &Metainfo) -> String {
    String::from_utf8(metainfo.to_bytes()).unwrap()
}

/// Edits `before` and compares the whole file.
#[track_caller]
fn edits(before: &str, edit: impl FnOnce(&mut Metainfo) -> Result<()>, after: &str) {
    let mut metainfo = read(before);
    edit(&mut metainfo).unwrap();
    assert_eq!(written(&metainfo), after);
    assert_eq!(read(after), metainfo, "what is held after an edit is what is read from the file");
}

fn problems(text: &str) -> Vec<String> {
    read(text).problems().iter().map(ToString::to_string).collect()
}

#[test]
fn a_template_in_the_form_of_the_guide_is_understood_in_full() {
    let metainfo = read(GUIDE);
    let fields = metainfo.fields().unwrap();
    let expected = MetainfoFields {
        os_name: Some("Windows-Server-2022".into()),
        limits: Limits {
            ipv4: Some(true),
            ipv6: Some(false),
            memory_mib: Some(2048),
            disk_mb: Some(2),
            ..Limits::default()
        },
        support: "VMmgr".into(),
        tags: "windows,windows2022".into(),
        template_version: Some("3".into()),
        image_file: Some("win2022.hddimage".into()),
        script_file: Some("windows.cmd".into()),
        reboot_count: 1,
        template_type: Some("ostemplate".into()),
        virtio_disk: true,
        virtio_net: true,
        declared_macros: vec!["($PRODUCTKEY)".into()],
        illegal_password_characters: Some("%\"".into()),
        ..MetainfoFields::default()
    };
    assert_eq!(fields, expected);
    assert!(metainfo.problems().is_empty(), "{:?}", metainfo.problems());
    assert_eq!(written(&metainfo), GUIDE);
}

#[test]
fn fields_are_written_in_the_order_and_layout_of_the_guide() {
    let fields = read(GUIDE).fields().unwrap();
    let fresh = written(&Metainfo::from_fields(&fields).unwrap());
    assert_eq!(fresh, GUIDE.replace("<?xml version=\"1.0\"?>", "<?xml version=\"1.0\" encoding=\"UTF-8\"?>"));
}

#[test]
fn a_template_as_hosters_write_it_is_understood() {
    // Four spaces, no version of the file, least versions, references, an attribute of the SSH key, no macros.
    let metainfo = read(
        "<?xml version=\"1.0\"?>\n<doc>\n    <osname>Debian-12</osname>\n    <support>\n        \
         <elem version=\"5.4.0\">VMmgr</elem>\n        <elem version=\"5.45\">DCImgr</elem>\n    </support>\n    \
         <illegal_password_characters>!@#$%^&amp;*()</illegal_password_characters>\n    \
         <sshpublickey base64=\"yes\">yes</sshpublickey>\n    <kernel>linux</kernel>\n    \
         <description lang=\"ru\">Система</description>\n    <date>2026-11-23 09:00:00</date>\n    \
         <install_result>ok</install_result>\n    <externals><elem><url>http://a/</url></elem></externals>\n</doc>\n",
    );
    assert_eq!(metainfo.illegal_password_characters().as_deref(), Some("!@#$%^&*()"));
    assert_eq!(metainfo.ssh_public_key(), SshPublicKey { accepted: true, base64: true });
    assert_eq!(metainfo.support(), "VMmgr:5.4.0,DCImgr:5.45".into());
    assert_eq!(metainfo.template_version(), None);
    assert_eq!(metainfo.reboot_count().unwrap(), 1);
    assert!(metainfo.declared_macros().is_empty());
    assert_eq!(metainfo.get(&MetainfoKey::Kernel).as_deref(), Some("linux"));
    assert_eq!(metainfo.descriptions()[0].text, "Система");
    assert_eq!(metainfo.external_urls(), ["http://a/"]);
    assert!(metainfo.problems().is_empty(), "{:?}", metainfo.problems());
}

#[test]
fn only_the_text_of_the_element_changes() {
    edits(
        "<doc>\n<!-- a --> <osname lang='x' > <!-- b -->\tOld &amp; <![CDATA[<older>]]> <!-- c -->\n</osname></doc>",
        |metainfo| metainfo.set_os_name("A<B"),
        "<doc>\n<!-- a --> <osname lang='x' > <!-- b -->\tA&lt;B  <!-- c -->\n</osname></doc>",
    );
}

#[test]
fn an_element_that_closes_itself_is_opened_for_its_value() {
    edits("<doc><tags/></doc>", |m| m.set_tags(&"a,b".into()), "<doc><tags>a,b</tags></doc>");
    edits("<doc><tags a='/' /></doc>", |m| m.set_tags(&"a".into()), "<doc><tags a='/'>a</tags></doc>");
    edits(
        "<doc>\n  <limit />\n</doc>",
        |m| m.set_limit("mem", "1"),
        "<doc>\n  <limit>\n    <elem name=\"mem\">1</elem>\n  </limit>\n</doc>",
    );
    edits("<doc/>", |m| m.set_os_name("A"), "<doc>\n  <osname>A</osname>\n</doc>");
}

#[test]
fn a_new_element_gets_the_place_indent_and_line_end_of_its_neighbours() {
    edits(
        "<doc>\r\n\t<osname>A</osname> <!-- A -->\r\n\r\n\t<type>ostemplate</type>\r\n</doc>",
        |m| m.set_limits(&Limits { memory_mib: Some(1), ..Limits::default() }),
        "<doc>\r\n\t<osname>A</osname> <!-- A -->\r\n\t<limit>\r\n\t\t<elem name=\"mem\">1</elem>\r\n\t</limit>\r\n\r\n\t<type>ostemplate</type>\r\n</doc>",
    );
    edits(
        "<doc><version>5</version></doc>",
        |m| m.set_declared_macros(&["($A)"]),
        "<doc><version>5</version><macro><elem name=\"($A)\"/></macro></doc>",
    );
    edits(
        "<doc>\n    <!-- nothing yet -->\n</doc>\n",
        |m| m.set_os_name("A"),
        "<doc>\n    <!-- nothing yet -->\n  <osname>A</osname>\n</doc>\n",
    );
    edits(
        "<doc>\n <limit>\n  <elem name='mem'>1</elem>\n </limit>\n</doc>",
        |m| m.set_limit("cores", "<2>"),
        "<doc>\n <limit>\n  <elem name='mem'>1</elem>\n  <elem name=\"cores\">&lt;2&gt;</elem>\n </limit>\n</doc>",
    );
}

#[test]
fn limits_change_only_where_they_differ() {
    edits(
        "<doc><limit>\n <elem name='mem' why='x'>01024</elem><!-- m -->\n <elem name='disk'>9</elem>\n <elem name='a'>b</elem>\n <other/></limit></doc>",
        |m| {
            m.set_limits(&Limits {
                memory_mib: Some(1024),
                ipv4: Some(false),
                other: [("a".to_owned(), "c".to_owned())].into(),
                ..Limits::default()
            })
        },
        "<doc><limit>\n <elem name='mem' why='x'>01024</elem><!-- m -->\n <elem name='a'>c</elem>\n <other/>\n <elem name=\"ipv4\">no</elem></limit></doc>",
    );
}

#[test]
fn a_limit_that_is_taken_away_does_not_come_back_from_a_second_element() {
    edits(
        "<doc><limit><elem name='mem'>1</elem><elem name='mem'>2</elem></limit></doc>",
        |m| m.set_limits(&Limits::default()),
        "<doc><limit></limit></doc>",
    );
    let mut metainfo = read("<doc><limit><elem name='mem'>1</elem><elem name='mem'>2</elem></limit></doc>");
    assert!(metainfo.remove(&MetainfoKey::Limit("mem".into())));
    assert_eq!(written(&metainfo), "<doc><limit></limit></doc>");
}

#[test]
fn a_limit_with_a_field_of_its_own_is_not_taken_as_another_one() {
    let limits = Limits { other: [("mem".to_owned(), "1".to_owned())].into(), ..Limits::default() };
    let error = Metainfo::new("A").unwrap().set_limits(&limits).unwrap_err();
    assert_eq!((error.kind(), error.field()), (ErrorKind::InvalidValue, Some("limit.mem")));
}

#[test]
fn products_keep_their_elements_and_the_spelling_of_an_equal_version() {
    let before =
        "<doc><support>\n <elem version='5.45' a='b'>VMmgr</elem>\n <elem>DCImgr</elem>\n</support></doc>";
    edits(before, |m| m.set_support(&"VMmgr:5.45.0,DCImgr".into()), before);
    edits(
        before,
        |m| m.set_support(&"VEmgr,VMmgr:6,DCImgr:5".into()),
        "<doc><support>\n <elem>VEmgr</elem>\n <elem version='6.0.0' a='b'>VMmgr</elem>\n <elem version=\"5.0.0\">DCImgr</elem>\n</support></doc>",
    );
    edits(
        before,
        |m| m.set_support(&"DCImgr,vmmgr".into()),
        "<doc><support>\n <elem>DCImgr</elem>\n <elem a='b'>vmmgr</elem>\n</support></doc>",
    );
    let empty =
        read(before).clone().set_support(&Support { products: vec![Product::from(" ")] }).unwrap_err();
    assert_eq!(empty.kind(), ErrorKind::InvalidValue);
}

#[test]
fn the_ssh_key_is_set_with_its_attribute() {
    let base64 = SshPublicKey { accepted: true, base64: true };
    edits(
        "<doc/>",
        |m| m.set_ssh_public_key(base64),
        "<doc>\n  <sshpublickey base64=\"yes\">yes</sshpublickey>\n</doc>",
    );
    edits(
        "<doc><sshpublickey a='1' base64 = 'yes' b='2'>yes</sshpublickey></doc>",
        |m| m.set_ssh_public_key(SshPublicKey { accepted: false, base64: false }),
        "<doc><sshpublickey a='1' b='2'>no</sshpublickey></doc>",
    );
    edits("<doc></doc>", |m| m.set_ssh_public_key(SshPublicKey::default()), "<doc></doc>");
}

#[test]
fn no_is_not_written_where_it_is_what_a_missing_element_means() {
    edits("<doc></doc>", |m| m.set_virtio_disk(false), "<doc></doc>");
    edits(
        "<doc><virtionet>yes</virtionet></doc>",
        |m| m.set_virtio_net(false),
        "<doc><virtionet>no</virtionet></doc>",
    );
}

#[test]
fn a_value_is_written_in_the_encoding_of_the_file() {
    let mut metainfo =
        Metainfo::parse(b"<?xml version='1.0' encoding='windows-1251'?><doc><osname/></doc>").unwrap();
    metainfo.set_os_name("ОС € 漢").unwrap();
    // The euro sign is 0x88 there; the Chinese character does not exist at all.
    let expected =
        b"<?xml version='1.0' encoding='windows-1251'?><doc><osname>\xCE\xD1 \x88 &#28450;</osname></doc>";
    assert_eq!(metainfo.to_bytes(), expected);
    assert_eq!(Metainfo::parse(expected).unwrap().os_name().as_deref(), Some("ОС € 漢"));

    let mut metainfo = Metainfo::parse(b"<?xml version='1.0' encoding='iso-8859-1'?><doc/>").unwrap();
    metainfo.set_limit("€", "€").unwrap();
    // 0x80 is the euro sign in windows-1252 only, which is what browsers take ISO 8859-1 for.
    assert!(metainfo.to_bytes().is_ascii());
    assert_eq!(metainfo.limits().unwrap().other["€"], "€");
}

#[test]
fn white_space_at_the_ends_of_password_characters_is_kept() {
    let mut metainfo = Metainfo::new("A").unwrap();
    metainfo.set_illegal_password_characters(" \t<\r\n>' ").unwrap();
    assert_eq!(read(&written(&metainfo)).illegal_password_characters().as_deref(), Some(" \t<\r\n>' "));
}

#[test]
fn a_file_with_cr_lf_stays_so_when_a_value_has_lines() {
    edits(
        "<doc>\r\n<version>1</version>\r\n</doc>",
        |m| m.set_template_version("a\nb"),
        "<doc>\r\n<version>a\r\nb</version>\r\n</doc>",
    );
    assert_eq!(
        read("<doc>\r\n<version>a\r\nb\rc</version>\r\n</doc>").template_version().as_deref(),
        Some("a\nb\nc")
    );
}

#[test]
fn what_cannot_be_set_changes_nothing() {
    for (key, value) in [
        ("osname", ""),
        ("osname", "\u{7}"),
        ("limit.mem", "1 GiB"),
        ("limit.mem", "-1"),
        ("limit.mem", "+1"),
        ("limit.disk", "18446744073709551616"),
        ("limit.disk", ""),
        ("limit.ipv4", "true"),
        ("limit.other", "\u{FFFF}"),
        ("rebootcount", "4294967296"),
        ("virtiodisk", "on"),
        ("hddimage", "a/../b"),
        ("hddimage", "/a"),
        ("hddimage", "a/"),
        ("hddimage", "./"),
        ("hddimage", ".."),
        ("installdrive", "C:\\setup.cmd"),
        ("installdrive", " "),
        ("date", "yesterday"),
        ("macro", "PRODUCTKEY"),
        ("macro", "($A B)"),
        ("kernelcommand", "\0"),
    ] {
        let mut metainfo = read(GUIDE);
        let error = metainfo.set(&key.parse().unwrap(), value).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidValue, "{key}={value:?}: {error}");
        assert_eq!(written(&metainfo), GUIDE);
    }
    let mut metainfo = read(GUIDE);
    let error = metainfo.set_tags(&"x".repeat(document::MAX_BYTES).as_str().into()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::LimitExceeded);
    assert_eq!(written(&metainfo), GUIDE);
}

#[test]
fn the_first_of_two_elements_counts() {
    let text =
        "<doc><osname>A</osname><osname>B</osname><limit/><limit><elem name='mem'>1</elem></limit></doc>";
    let metainfo = read(text);
    assert_eq!(metainfo.os_name().as_deref(), Some("A"));
    assert_eq!(metainfo.limits().unwrap(), Limits::default());
    edits(text, |m| m.set_os_name("C"), &text.replace(">A<", ">C<"));
    let found = problems(text);
    assert_eq!(found.len(), 2);
    assert!(found[0].starts_with("line 1, column 24: `osname`: duplicate `osname`"), "{}", found[0]);
    assert!(found[1].starts_with("line 1, column 50: `limit`: "), "{}", found[1]);
}

#[test]
fn check_finds_everything_at_once_and_says_where() {
    let found = problems(
        "<doc>\n<limit><elem name='mem'>much</elem><elem>1</elem><elem name='ipv4'>maybe</elem>\
         <elem name='ipv4'>yes</elem></limit>\n<support><elem/><elem version='x'>VMmgr</elem><elem>vmmgr</elem></support>\n\
         <hddimage>../b.img</hddimage>\n<installdrive><b/>..</installdrive>\n<rebootcount>-1</rebootcount>\n\
         <type>recipe</type>\n<virtionet>on</virtionet>\n<macro><elem/><elem name='X'/><elem name='($X)'/>\
         <elem name='($X)'/></macro>\n<unknown>fine</unknown><date>now</date></doc>",
    );
    let expected = [
        "line 1, column 1: `osname`: `osname` is missing",
        "line 2, column 25: `limit.mem`: found `much`; expected a number of MiB",
        "line 2, column 36: `limit`: the limit has no name",
        "line 2, column 68: `limit.ipv4`: found `maybe`; expected `yes` or `no`",
        "line 2, column 80: `limit.ipv4`: duplicate `limit.ipv4`",
        "line 3, column 10: `support`: found nothing; expected the name of a product",
        "line 3, column 17: `support`: found the version `x`",
        "line 3, column 47: `support`: duplicate `vmmgr`",
        "line 4, column 11: `hddimage`: found `../b.img`",
        "line 5, column 15: `installdrive`: found the element `b`",
        "line 5, column 15: `installdrive`: found `..`",
        "line 6, column 14: `rebootcount`: found `-1`",
        "line 7, column 7: `type`: found `recipe`; expected `ostemplate`",
        "line 8, column 12: `virtionet`: found `on`",
        "line 9, column 8: `macro`: found no name",
        "line 9, column 15: `macro`: found `X`",
        "line 9, column 50: `macro`: duplicate `($X)`",
        "line 10, column 30: `date`: found `now`",
    ];
    assert_eq!(found.len(), expected.len(), "{found:#?}");
    for (found, expected) in found.iter().zip(expected) {
        assert!(found.starts_with(expected), "{found}\n{expected}");
    }
}

#[test]
fn a_file_made_of_mistakes_is_checked_in_bounded_time() {
    let text = format!("<doc><limit>{}</limit></doc>", "<elem name='mem'>x</elem>".repeat(40_000));
    assert_eq!(problems(&text).len(), 100);
    let text = format!("<doc>{}</doc>", "<osname/>".repeat(100_000));
    assert_eq!(problems(&text).len(), 100);
}

#[test]
fn a_long_list_is_edited_in_bounded_time() {
    let names: Vec<String> = (0..20_000).map(|number| format!("($M{number})")).collect();
    let mut metainfo = read("<doc/>");
    metainfo.set_declared_macros(&names).unwrap();
    let reversed: Vec<&String> = names.iter().rev().collect();
    metainfo.set_declared_macros(&reversed).unwrap();
    assert_eq!(metainfo.declared_macros().iter().collect::<Vec<_>>(), reversed);
    // Every other one goes, and as many come between those that stay.
    let mixed: Vec<String> =
        (0..20_000).rev().map(|n| format!("($M{})", if n % 2 == 0 { n } else { n + 50_000 })).collect();
    metainfo.set_declared_macros(&mixed).unwrap();
    assert_eq!(metainfo.declared_macros(), mixed);
}

#[test]
fn removing_takes_the_line_with_it() {
    let mut metainfo = read(GUIDE);
    assert!(metainfo.remove(&MetainfoKey::Macros));
    assert!(metainfo.remove(&MetainfoKey::Limit("mem".into())));
    let without = GUIDE
        .replace("  <macro>\n    <elem name=\"($PRODUCTKEY)\"/>\n  </macro>\n", "")
        .replace("    <elem name=\"mem\">2048</elem>\n", "");
    assert_eq!(written(&metainfo), without);
}
