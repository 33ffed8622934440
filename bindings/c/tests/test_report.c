#include "support.h"

static size_t find(const vmt_report *report, const char *code)
{
    size_t i;
    for (i = 0; i < vmt_report_count(report); i++)
        if (strcmp(vmt_finding_code(report, i), code) == 0)
            return i;
    fail_msg("there is no finding %s in %s", code, vmt_report_json(report, NULL));
    return 0;
}

static void a_lint_says_where_what_and_how_to_fix(void **state)
{
    const char *text = "@echo off\r\ngoto nowhere\r\n";
    vmt_script *script = vmt_script_new((const uint8_t *)text, strlen(text), &err);
    vmt_metainfo *metainfo = vmt_metainfo_new("Windows", &err);
    vmt_report *report = vmt_script_lint(script, metainfo, &err), *other;
    size_t i, counted = 0;
    (void)state;
    fine();
    assert_true(vmt_report_count(report) > 0);
    assert_int_equal(vmt_report_errors(report) + vmt_report_warnings(report) + vmt_report_notes(report),
                     vmt_report_count(report));
    for (i = 0; i < vmt_report_count(report); i++) {
        const char *code = vmt_finding_code(report, i);
        assert_non_null(vmt_rule_title(code, NULL));
        assert_non_null(vmt_finding_message(report, i, NULL));
        assert_non_null(vmt_finding_fix(report, i, NULL));
        assert_non_null(strstr(vmt_finding_text(report, i, NULL), code));
        counted += vmt_finding_severity(report, i) == VMT_ERROR;
        if (strstr(vmt_finding_message(report, i, NULL), "nowhere") != NULL) {
            assert_int_equal(vmt_finding_line(report, i), 2);
            assert_true(vmt_finding_column(report, i) >= 1);
            says("goto nowhere", vmt_finding_excerpt(report, i, &length));
            assert_true(vmt_finding_excerpt_column(report, i) >= 1);
            assert_true(vmt_finding_excerpt_length(report, i) >= 7);
            assert_int_equal(vmt_finding_partition(report, i), 0);
            says_nothing(vmt_finding_path(report, i, &length));
        }
    }
    assert_int_equal(counted, vmt_report_errors(report));
    assert_int_equal(vmt_report_has(report, VMT_ERROR), counted > 0);
    assert_true(vmt_report_has(report, VMT_NOTE));
    assert_false(vmt_report_has(report, 77));
    assert_null(vmt_finding_code(report, i));
    assert_int_equal(vmt_finding_severity(report, i), 0);
    says_nothing(vmt_finding_message(report, i, &length));
    assert_non_null(strstr(vmt_report_json(report, NULL), "\"summary\""));
    assert_non_null(strstr(vmt_report_sarif(report, NULL), "\"version\": \"2.1.0\""));
    assert_ptr_equal(vmt_report_sarif(report, NULL), vmt_report_sarif(report, NULL));
    other = vmt_script_lint(script, NULL, &err);
    fine();
    vmt_report_free(other);
    vmt_report_free(report);
    vmt_metainfo_free(metainfo);
    vmt_script_free(script);
}

static void the_language_of_a_script_is_given_or_read_from_its_name(void **state)
{
    vmt_script *script = vmt_script_new((const uint8_t *)"a\nb\n", 4, &err);
    vmt_report *report;
    const char *path = write_text("setup", "a\nb\n");
    VMT_OPTIONS(vmt_lint_options, options);
    VMT_OPTIONS(vmt_check_options, checking);
    (void)state;
    report = vmt_script_lint_with(script, NULL, &err);
    fine();
    assert_string_equal(vmt_finding_code(report, 0), "VMT0209");
    vmt_report_free(report);
    options.file_name = "setup.cmd";
    report = vmt_script_lint_with(script, &options, &err);
    fine();
    assert_string_equal(vmt_finding_code(report, 0), "VMT0201");
    vmt_report_free(report);
    options.language = "posix";
    report = vmt_script_lint_with(script, &options, &err);
    fine();
    assert_int_equal(vmt_report_count(report), 0);
    vmt_report_free(report);
    options.language = "basic";
    assert_null(vmt_script_lint_with(script, &options, &err));
    failed_with(VMT_INVALID_VALUE);
    checking.language = "posix";
    report = vmt_check(path, &checking, &err);
    fine();
    assert_int_equal(vmt_report_count(report), 0);
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
    VMT_OPTIONS(vmt_check_options, options);
    (void)state;
    fine();
    for (at = 0; vmt_finding_severity(report, at) != VMT_NOTE; at++)
        assert_true(at < vmt_report_count(report));
    code = vmt_finding_code(report, at);
    snprintf(severity, sizeof severity, "%s=warning", code);
    list[0] = severity;
    options.severities = list;
    options.severity_count = 1;
    other = vmt_template_check(template, &options, &err);
    fine();
    assert_int_equal(vmt_finding_severity(other, find(other, code)), VMT_WARNING);
    assert_int_equal(vmt_report_warnings(other), vmt_report_warnings(report) + 1);
    vmt_report_free(other);

    options.flags = VMT_CHECK_DENY_WARNINGS;
    other = vmt_template_check(template, &options, &err);
    fine();
    assert_int_equal(vmt_finding_severity(other, find(other, code)), VMT_ERROR);
    vmt_report_free(other);

    options.flags = VMT_CHECK_SKIP_IMAGE;
    other = vmt_template_check(template, &options, &err);
    fine();
    assert_true(vmt_report_errors(other) < vmt_report_errors(report));
    vmt_report_free(other);

    options.flags = 0;
    options.severity_count = 0;
    list[0] = code;
    options.allow = list;
    options.allow_count = 1;
    other = vmt_template_check(template, &options, &err);
    fine();
    assert_int_equal(vmt_report_count(other), vmt_report_count(report) - 1);
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
    assert_true(vmt_report_count(report) > 0);
    for (i = 0; i < vmt_report_count(report); i++)
        files += vmt_finding_file(report, i, NULL) != NULL;
    assert_true(files > 0);
    vmt_report_free(report);
    assert_null(vmt_check("/no/such", NULL, &err));
    failed_with(VMT_NOT_FOUND);
}

static void every_rule_is_listed(void **state)
{
    size_t i, count = vmt_rule_count();
    (void)state;
    assert_true(count > 50);
    for (i = 0; i < count; i++) {
        const char *code = vmt_rule_code(i);
        assert_memory_equal(code, "VMT", 3);
        assert_true(vmt_rule_severity(code) >= VMT_NOTE && vmt_rule_severity(code) <= VMT_ERROR);
        assert_true(strlen(vmt_rule_title(code, NULL)) > 0 && strlen(vmt_rule_why(code, NULL)) > 0);
        assert_true(strlen(vmt_rule_fix(code, NULL)) > 0 && strlen(vmt_rule_step(code, NULL)) > 0);
    }
    assert_null(vmt_rule_code(count));
    assert_int_equal(vmt_rule_severity("VMT9999"), 0);
    says_nothing(vmt_rule_title("VMT9999", &length));
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
    VMT_OPTIONS(vmt_check_options, options);
    (void)state;
    fine();
    says("setup.cmd", vmt_finding_file(report, find(report, "VMT0201"), &length));
    vmt_report_free(report);
    text = "echo ($IP)\n";
    options.language = "posix";
    report = vmt_check_stream(read_text, &text, "setup", &options, &err);
    fine();
    assert_int_equal(vmt_report_count(report), 0);
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
