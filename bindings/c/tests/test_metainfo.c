#include "support.h"

static const char SAMPLE[] =
    "<?xml version=\"1.0\"?>\n<doc>\n  <osname>Windows-Server-2019</osname>\n"
    "  <!-- kept -->\n  <limit>\n    <elem name=\"mem\">1024</elem>\n    <elem name=\"ipv6\">no</elem>\n"
    "    <elem name=\"cpu\">2</elem>\n  </limit>\n"
    "  <support><elem version=\"5.45\">VMmgr</elem><elem>DCImgr</elem></support>\n"
    "  <tags>windows,gold</tags>\n  <macro><elem name=\"($PRODUCTKEY)\"/></macro>\n"
    "  <virtiodisk>yes</virtiodisk>\n  <sshpublickey base64=\"yes\">yes</sshpublickey>\n"
    "  <description lang=\"en\">A server</description><description>None</description>\n"
    "  <externals><elem><url>http://example.com/a</url></elem></externals>\n</doc>\n";

static vmt_metainfo *sample(void)
{
    vmt_metainfo *metainfo = vmt_metainfo_parse((const uint8_t *)SAMPLE, sizeof SAMPLE - 1, &err);
    fine();
    return metainfo;
}

static void every_value_is_read(void **state)
{
    vmt_metainfo *metainfo = sample();
    vmt_limits limits;
    (void)state;
    says("Windows-Server-2019", vmt_metainfo_get(metainfo, "osname", &length));
    says("2", vmt_metainfo_get(metainfo, "limit.cpu", &length));
    says_nothing(vmt_metainfo_get(metainfo, "version", &length));
    says_nothing(vmt_metainfo_get(metainfo, "no such key", &length));
    assert_int_equal(vmt_metainfo_limits(metainfo, &limits, &err), VMT_OK);
    assert_int_equal(limits.memory_mib, 1024);
    assert_int_equal(limits.disk_mb, 0);
    assert_int_equal(limits.ipv4, VMT_UNSET);
    assert_int_equal(limits.ipv6, VMT_NO);
    says("windows,gold", vmt_metainfo_get(metainfo, "tags", &length));
    says("VMmgr:5.45.0,DCImgr", vmt_metainfo_get(metainfo, "support", &length));
    assert_true(vmt_metainfo_allows(metainfo, "vmmgr", "5.45"));
    assert_false(vmt_metainfo_allows(metainfo, "vmmgr", "5.44"));
    says("($PRODUCTKEY)", vmt_metainfo_get(metainfo, "macro", &length));
    says("yes", vmt_metainfo_get(metainfo, "virtiodisk", &length));
    says_nothing(vmt_metainfo_get(metainfo, "rebootcount", &length));
    says("yes", vmt_metainfo_get(metainfo, "sshpublickey", &length));
    assert_non_null(strstr(vmt_metainfo_json(metainfo, NULL, &err), "\"base64\": true"));
    says("A server", vmt_metainfo_description(metainfo, "en", &length));
    says("None", vmt_metainfo_description(metainfo, NULL, &length));
    says_nothing(vmt_metainfo_description(metainfo, "de", &length));
    says("http://example.com/a", vmt_metainfo_external_url(metainfo, 0, &length));
    says_nothing(vmt_metainfo_external_url(metainfo, 1, &length));
    assert_null(vmt_metainfo_problem(metainfo, 0));
    vmt_metainfo_free(metainfo);
}

static void an_edit_keeps_all_other_bytes(void **state)
{
    vmt_metainfo *metainfo = sample();
    size_t length = 0;
    const char *bytes;
    bool removed = false;
    (void)state;
    assert_int_equal(vmt_metainfo_set(metainfo, "limit.mem", "2048", &err), VMT_OK);
    bytes = (const char *)vmt_metainfo_bytes(metainfo, &length);
    assert_int_equal(length, sizeof SAMPLE - 1);
    assert_memory_equal(bytes, SAMPLE, strstr(SAMPLE, "1024") - SAMPLE);
    assert_string_equal(strstr(bytes, "2048") + 4, strstr(SAMPLE, "1024") + 4);

    assert_int_equal(vmt_metainfo_set(metainfo, "limit.mem", "much", &err), VMT_INVALID_VALUE);
    failed_with(VMT_INVALID_VALUE);
    says("2048", vmt_metainfo_get(metainfo, "limit.mem", &length));
    assert_int_equal(vmt_metainfo_set(metainfo, "nokey", "1", &err), VMT_INVALID_VALUE);
    failed_with(VMT_INVALID_VALUE);

    assert_int_equal(vmt_metainfo_remove(metainfo, "tags", &removed, &err), VMT_OK);
    assert_true(removed);
    assert_int_equal(vmt_metainfo_remove(metainfo, "tags", &removed, &err), VMT_OK);
    assert_false(removed);
    says_nothing(vmt_metainfo_get(metainfo, "tags", &length));
    vmt_metainfo_free(metainfo);
}

static void every_kind_of_value_is_set_by_its_key(void **state)
{
    static const struct {
        const char *key, *text, *bad;
    } values[] = {
        {"tags", "windows,new", NULL},     {"support", "VMmgr:6.1,DCImgr", NULL}, {"macro", "($A),($B)", "($A),B"},
        {"rebootcount", "3", "often"},     {"virtiodisk", "yes", NULL},           {"virtionet", "yes", NULL},
        {"limit.mem", "2048", "much"},     {"version", "5.57", "\001"},           {"kernel", "linux", "\001"},
        {"hddimage", "win.hddimage", "../win"},
    };
    vmt_metainfo *metainfo = vmt_metainfo_new("Windows", &err);
    vmt_limits limits = {VMT_YES, VMT_NO, 512, 20000};
    const char *json;
    size_t i;
    (void)state;
    fine();
    for (i = 0; i < sizeof values / sizeof values[0]; i++) {
        assert_int_equal(vmt_metainfo_set(metainfo, values[i].key, values[i].text, &err), VMT_OK);
        fine();
        if (values[i].bad != NULL) {
            assert_int_equal(vmt_metainfo_set(metainfo, values[i].key, values[i].bad, &err), VMT_INVALID_VALUE);
            failed_with(VMT_INVALID_VALUE);
        }
        if (strcmp(values[i].key, "support") != 0)
            assert_string_equal(vmt_metainfo_get(metainfo, values[i].key, NULL), values[i].text);
    }
    says("VMmgr:6.1.0,DCImgr", vmt_metainfo_get(metainfo, "support", &length));
    assert_int_equal(vmt_metainfo_set_ssh_public_key(metainfo, true, true, &err), VMT_OK);
    json = vmt_metainfo_json(metainfo, NULL, &err);
    fine();
    assert_non_null(strstr(json, "\"reboot_count\": 3"));
    assert_non_null(strstr(json, "\"virtio_disk\": true"));
    assert_non_null(strstr(json, "\"base64\": true"));

    assert_int_equal(vmt_metainfo_set_limits(metainfo, limits, &err), VMT_OK);
    memset(&limits, 0, sizeof limits);
    assert_int_equal(vmt_metainfo_limits(metainfo, &limits, &err), VMT_OK);
    assert_int_equal(limits.ipv4, VMT_YES);
    assert_int_equal(limits.memory_mib, 512);
    assert_int_equal(limits.disk_mb, 20000);
    limits.ipv4 = 9;
    assert_int_equal(vmt_metainfo_set_limits(metainfo, limits, &err), VMT_INVALID_VALUE);
    failed_with(VMT_INVALID_VALUE);
    vmt_metainfo_free(metainfo);
}

static void a_machine_is_told_what_it_lacks(void **state)
{
    vmt_metainfo *metainfo = sample();
    vmt_unmet misses = 99;
    (void)state;
    assert_int_equal(vmt_metainfo_unmet_limits(metainfo, 1024, 0, 4, &misses, &err), VMT_OK);
    assert_int_equal(misses, 0);
    assert_int_equal(vmt_metainfo_unmet_limits(metainfo, 512, 0, 6, &misses, &err), VMT_OK);
    assert_int_equal(misses, VMT_UNMET_MEMORY | VMT_UNMET_PRIMARY_ADDRESS);
    assert_int_equal(vmt_metainfo_set(metainfo, "limit.disk", "20000", &err), VMT_OK);
    assert_int_equal(vmt_metainfo_unmet_limits(metainfo, 1024, 10, 4, &misses, &err), VMT_OK);
    assert_int_equal(misses, VMT_UNMET_DISK);
    assert_int_equal(vmt_metainfo_unmet_limits(metainfo, 1024, 10, 5, &misses, &err), VMT_INVALID_VALUE);
    failed_with(VMT_INVALID_VALUE);
    vmt_metainfo_free(metainfo);
}

static void problems_are_listed_until_they_are_fixed(void **state)
{
    const char *text = "<doc><osname>W</osname><rebootcount>x</rebootcount><limit><elem name=\"mem\">y</elem></limit></doc>";
    vmt_metainfo *metainfo = vmt_metainfo_parse((const uint8_t *)text, strlen(text), &err);
    size_t before = 0;
    (void)state;
    fine();
    while (vmt_metainfo_problem(metainfo, before) != NULL)
        before++;
    assert_true(before >= 2);
    assert_int_equal(vmt_metainfo_problem(metainfo, 0)->code, VMT_INVALID_METAINFO);
    assert_true(vmt_metainfo_problem(metainfo, 0)->line == 1);
    says_nothing(vmt_metainfo_json(metainfo, &length, &err));
    failed_with(VMT_INVALID_METAINFO);
    vmt_metainfo_set(metainfo, "rebootcount", "1", &err);
    fine();
    assert_non_null(vmt_metainfo_problem(metainfo, before - 2));
    assert_null(vmt_metainfo_problem(metainfo, before - 1));
    vmt_metainfo_free(metainfo);
}

static void json_goes_both_ways(void **state)
{
    vmt_metainfo *metainfo = sample(), *again;
    const char *json = vmt_metainfo_json(metainfo, NULL, &err);
    (void)state;
    assert_non_null(strstr(json, "\"os_name\": \"Windows-Server-2019\""));
    again = vmt_metainfo_from_json(json, &err);
    fine();
    assert_string_equal(vmt_metainfo_json(again, NULL, &err), json);
    vmt_metainfo_free(again);
    assert_null(vmt_metainfo_from_json("{\"no_such\": 1}", &err));
    failed_with(VMT_INVALID_VALUE);
    vmt_metainfo_free(metainfo);
}

static void files_and_copies(void **state)
{
    vmt_metainfo *metainfo = sample(), *copy, *again;
    const char *path = in_folder("metainfo.xml");
    size_t length, other;
    const uint8_t *bytes;
    (void)state;
    copy = vmt_metainfo_clone(metainfo, &err);
    fine();
    vmt_metainfo_set(copy, "osname", "Other", &err);
    fine();
    says("Windows-Server-2019", vmt_metainfo_get(metainfo, "osname", &length));
    assert_int_equal(vmt_metainfo_write_file(metainfo, path, false, &err), VMT_OK);
    assert_int_equal(vmt_metainfo_write_file(metainfo, path, false, &err), VMT_ALREADY_EXISTS);
    failed_with(VMT_ALREADY_EXISTS);
    again = vmt_metainfo_from_file(path, &err);
    fine();
    bytes = vmt_metainfo_bytes(again, &length);
    assert_memory_equal(bytes, vmt_metainfo_bytes(metainfo, &other), length);
    assert_int_equal(length, other);
    vmt_metainfo_free(again);
    vmt_metainfo_free(copy);
    vmt_metainfo_free(metainfo);
    assert_null(vmt_metainfo_parse((const uint8_t *)"<doc>", 5, &err));
    failed_with(VMT_INVALID_METAINFO);
}

static void the_family_follows_from_the_name(void **state)
{
    (void)state;
    assert_string_equal(vmt_os_family("Windows-Server-2019"), "Windows");
    assert_string_equal(vmt_os_family("AlmaLinux-9"), "redhat-based");
    assert_null(vmt_os_family("TinyCore"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_value_is_read),
        cmocka_unit_test(an_edit_keeps_all_other_bytes),
        cmocka_unit_test(every_kind_of_value_is_set_by_its_key),
        cmocka_unit_test(a_machine_is_told_what_it_lacks),
        cmocka_unit_test(problems_are_listed_until_they_are_fixed),
        cmocka_unit_test(json_goes_both_ways),
        cmocka_unit_test(files_and_copies),
        cmocka_unit_test(the_family_follows_from_the_name),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
