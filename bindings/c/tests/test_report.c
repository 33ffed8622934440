#include "support.h"

static const vmt_finding *find(const vmt_report *report, const char *code)
{
    const vmt_finding *finding;
    size_t i;
    for (i = 0; (finding = vmt_report_finding(report, i)) != NULL; i++)
        if (strcmp(finding->rule->code, code) == 0)
            return finding;
    fail_msg("there is no finding %s in %s", code, vmt_report_json(report, NULL));
    return NULL;
}

/* The code of the first finding. */
static const char *first(const vmt_report *report)
{
    return vmt_report_finding(report, 0)->rule->code;
}

static void a_lint_says_where_what_and_how_to_fix(void **state)
{
    const char *text = "@echo off\r\ngoto nowhere\r\n";
    vmt_script *script = vmt_script_new((const uint8_t *)text, strlen(text), &err);
    vmt_metainfo *metainfo = vmt_metainfo_new("Windows", &err);
    vmt_report *report;
    const vmt_finding *finding;
    size_t i, errors = 0, nowhere = 0;
    VMT_STRUCT(vmt_script_check_options, options);
    (void)state;
    options.metainfo = metainfo;
    report = vmt_script_check(script, &options, &err);
    fine();
    for (i = 0; (finding = vmt_report_finding(report, i)) != NULL; i++) {
        assert_non_null(strstr(finding->text, finding->rule->code));
        assert_non_null(strstr(finding->text, finding->message));
        assert_true(strlen(finding->fix) > 0);
        errors += finding->severity == VMT_ERROR;
        if (strstr(finding->message, "nowhere") != NULL) {
            nowhere++;
            assert_int_equal(finding->line, 2);
            assert_true(finding->column >= 1);
            assert_string_equal(finding->excerpt, "goto nowhere");
            assert_true(finding->excerpt_column >= 1);
            assert_true(finding->excerpt_length >= 7);
            assert_int_equal(finding->partition, 0);
            assert_null(finding->path);
        }
    }
    assert_true(nowhere > 0);
    assert_int_equal(vmt_report_count(report, 0), i);
    assert_int_equal(vmt_report_count(report, VMT_ERROR), errors);
    assert_int_equal(vmt_report_count(report, VMT_ERROR) + vmt_report_count(report, VMT_WARNING) +
                         vmt_report_count(report, VMT_NOTE), i);
    assert_int_equal(vmt_report_count(report, 77), 0);
    assert_non_null(strstr(vmt_report_json(report, NULL), "\"summary\""));
    assert_non_null(strstr(vmt_report_sarif(report, NULL), "\"version\": \"2.1.0\""));
    assert_ptr_equal(vmt_report_sarif(report, NULL), vmt_report_sarif(report, NULL));
    vmt_report_free(report);
    vmt_metainfo_free(metainfo);
    vmt_script_free(script);
}

static void the_language_of_a_script_is_given_or_read_from_its_name(void **state)
{
    vmt_script *script = vmt_script_new((const uint8_t *)"a\nb\n", 4, &err);
    vmt_report *report;
    const char *path = write_text("setup", "a\nb\n");
    VMT_STRUCT(vmt_script_check_options, options);
    VMT_STRUCT(vmt_check_options, checking);
    (void)state;
    report = vmt_script_check(script, NULL, &err);
    fine();
    assert_string_equal(first(report), "VMT0209");
    vmt_report_free(report);
    options.file_name = "setup.cmd";
    report = vmt_script_check(script, &options, &err);
    fine();
    assert_string_equal(first(report), "VMT0201");
    vmt_report_free(report);
    options.language = "posix";
    report = vmt_script_check(script, &options, &err);
    fine();
    assert_int_equal(vmt_report_count(report, 0), 0);
    vmt_report_free(report);
    options.language = "basic";
    assert_null(vmt_script_check(script, &options, &err));
    failed_with(VMT_INVALID_VALUE);
    checking.language = "posix";
    report = vmt_check(path, &checking, &err);
    fine();
    assert_int_equal(vmt_report_count(report, 0), 0);
    vmt_report_free(report);
    vmt_script_free(script);
}

static void rules_can_be_read_weighed_and_switched_off(void **state)
{
    vmt_template *template = make_template();
    vmt_report *report = vmt_template_check(template, NULL, &err), *other;
    const char *code, *list[1];
    char severity[32];
    size_t at;
    VMT_STRUCT(vmt_check_options, options);
    (void)state;
    fine();
    for (at = 0; vmt_report_finding(report, at)->severity != VMT_NOTE; at++)
        assert_true(at + 1 < vmt_report_count(report, 0));
    code = vmt_report_finding(report, at)->rule->code;
    snprintf(severity, sizeof severity, "%s=warning", code);
    list[0] = severity;
    options.severities = list;
    options.severity_count = 1;
    other = vmt_template_check(template, &options, &err);
    fine();
    assert_int_equal(find(other, code)->severity, VMT_WARNING);
    assert_int_equal(vmt_report_count(other, VMT_WARNING), vmt_report_count(report, VMT_WARNING) + 1);
    vmt_report_free(other);

    options.flags = VMT_CHECK_DENY_WARNINGS;
    other = vmt_template_check(template, &options, &err);
    fine();
    assert_int_equal(find(other, code)->severity, VMT_ERROR);
    vmt_report_free(other);

    options.flags = VMT_CHECK_SKIP_IMAGE;
    other = vmt_template_check(template, &options, &err);
    fine();
    assert_true(vmt_report_count(other, VMT_ERROR) < vmt_report_count(report, VMT_ERROR));
    vmt_report_free(other);

    options.flags = 0;
    options.severity_count = 0;
    list[0] = code;
    options.allow = list;
    options.allow_count = 1;
    other = vmt_template_check(template, &options, &err);
    fine();
    assert_int_equal(vmt_report_count(other, 0), vmt_report_count(report, 0) - 1);
    vmt_report_free(other);
    options.allow_count = 0;
    options.severity_count = 1;
    list[0] = "VMT0101=loud";
    assert_null(vmt_template_check(template, &options, &err));
    failed_with(VMT_INVALID_VALUE);
    list[0] = "VMT9999=note";
    assert_null(vmt_template_check(template, &options, &err));
    failed_with(VMT_INVALID_VALUE);
    vmt_report_free(report);
    vmt_template_free(template);
}

static void a_path_is_checked(void **state)
{
    const char *path = make_archive("check.tar.gz");
    vmt_report *report = vmt_check(path, NULL, &err);
    size_t i, files = 0;
    (void)state;
    fine();
    assert_true(vmt_report_count(report, 0) > 0);
    for (i = 0; i < vmt_report_count(report, 0); i++)
        files += vmt_report_finding(report, i)->file != NULL;
    assert_true(files > 0);
    vmt_report_free(report);
    assert_null(vmt_check("/no/such", NULL, &err));
    failed_with(VMT_NOT_FOUND);
}

static void every_rule_is_listed(void **state)
{
    const vmt_rule *rule;
    size_t i;
    (void)state;
    for (i = 0; (rule = vmt_rule_at(i)) != NULL; i++) {
        assert_memory_equal(rule->code, "VMT", 3);
        assert_ptr_equal(vmt_rule_by_code(rule->code), rule);
        assert_true(rule->severity >= VMT_NOTE && rule->severity <= VMT_ERROR);
        assert_true(strlen(rule->title) > 0 && strlen(rule->why) > 0);
        assert_true(strlen(rule->fix) > 0 && strlen(rule->step) > 0);
    }
    assert_true(i > 50);
    assert_ptr_equal(vmt_rule_by_code("vmt0101"), vmt_rule_at(0));
    assert_null(vmt_rule_by_code("VMT9999"));
}

static ptrdiff_t read_text(void *user_data, uint8_t *buffer, size_t length)
{
    const char **rest = user_data;
    size_t left = strlen(*rest);
    if (length > left)
        length = left;
    memcpy(buffer, *rest, length);
    *rest += length;
    return (ptrdiff_t)length;
}

static void a_stream_is_checked(void **state)
{
    const char *text = "@echo off\npause\n";
    vmt_report *report = vmt_check_stream(read_text, &text, "setup.cmd", NULL, &err);
    VMT_STRUCT(vmt_check_options, options);
    (void)state;
    fine();
    assert_string_equal(find(report, "VMT0201")->file, "setup.cmd");
    vmt_report_free(report);
    text = "echo ($IP)\n";
    options.language = "posix";
    report = vmt_check_stream(read_text, &text, "setup", &options, &err);
    fine();
    assert_int_equal(vmt_report_count(report, 0), 0);
    vmt_report_free(report);
    assert_null(vmt_check_stream(NULL, NULL, "setup", NULL, &err));
    failed_with(VMT_NULL_ARGUMENT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_lint_says_where_what_and_how_to_fix),
        cmocka_unit_test(the_language_of_a_script_is_given_or_read_from_its_name),
        cmocka_unit_test(rules_can_be_read_weighed_and_switched_off),
        cmocka_unit_test(a_path_is_checked),
        cmocka_unit_test(a_stream_is_checked),
        cmocka_unit_test(every_rule_is_listed),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
