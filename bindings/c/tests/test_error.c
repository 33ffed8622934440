#include "support.h"

static void the_version_is_that_of_the_header(void **state)
{
    char numbers[32];
    (void)state;
    assert_string_equal(vmt_version(), VMT_VERSION);
    assert_int_equal(vmt_abi_version(), VMT_ABI_VERSION);
    snprintf(numbers, sizeof numbers, "%d.%d.%d", VMT_VERSION_MAJOR, VMT_VERSION_MINOR, VMT_VERSION_PATCH);
    assert_string_equal(numbers, VMT_VERSION);
}

static void an_error_says_where_what_and_why(void **state)
{
    (void)state;
    assert_null(vmt_template_open("/no/such/template.tar.gz", &err));
    assert_int_equal(vmt_error_code(err), VMT_NOT_FOUND);
    assert_string_equal(vmt_error_kind(err), "not-found");
    assert_string_equal(vmt_code_name(VMT_NOT_FOUND), "not-found");
    assert_string_equal(vmt_code_name(VMT_PANIC), "panic");
    assert_null(vmt_code_name(77777));
    says("/no/such/template.tar.gz", vmt_error_path(err, &length));
    assert_non_null(strstr(vmt_error_text(err, NULL), vmt_error_message(err, NULL)));
    assert_non_null(strstr(vmt_error_text(err, NULL), "/no/such/template.tar.gz: "));
    says_nothing(vmt_error_entry(err, &length));
    says_nothing(vmt_error_field(err, &length));
    assert_int_equal(vmt_error_cause_count(err), 1);
    assert_non_null(strstr(vmt_error_cause(err, 0, NULL), "No such file"));
    says_nothing(vmt_error_cause(err, 1, &length));
    assert_int_equal(vmt_error_problem_count(err), 0);
    assert_null(vmt_error_problem(err, 0));
    assert_int_equal(vmt_error_line(err), 0);
    vmt_error_free(err);
    err = NULL;
}

static void an_error_in_a_text_has_line_column_field_and_help(void **state)
{
    const char *text = "<doc>\n  <rebootcount>once</rebootcount>\n</doc>";
    vmt_metainfo *metainfo = vmt_metainfo_parse((const uint8_t *)text, strlen(text), &err);
    uint32_t count;
    (void)state;
    fine();
    assert_int_equal(vmt_metainfo_reboot_count(metainfo, &count, &err), VMT_INVALID_METAINFO);
    assert_int_equal(vmt_error_line(err), 2);
    assert_int_equal(vmt_error_column(err), 16);
    says("rebootcount", vmt_error_field(err, &length));
    failed_with(VMT_INVALID_METAINFO);
    vmt_metainfo_free(metainfo);

    assert_null(vmt_values_from_json("[]", &err));
    assert_non_null(strstr(vmt_error_help(err, NULL), "\"IP\""));
    failed_with(VMT_INVALID_VALUE);
}

static void an_error_lists_every_problem(void **state)
{
    vmt_template_builder *builder = vmt_template_builder_new("");
    const vmt_error *problem;
    (void)state;
    vmt_template_builder_memory_mib(builder, 0);
    assert_null(vmt_template_builder_build(builder, &err));
    assert_true(vmt_error_problem_count(err) >= 2);
    problem = vmt_error_problem(err, 1);
    assert_non_null(problem);
    assert_non_null(vmt_error_message(problem, NULL));
    assert_int_not_equal(vmt_error_code(problem), VMT_OK);
    /* It is part of the error: freeing it does nothing. */
    vmt_error_free((vmt_error *)problem);
    assert_non_null(vmt_error_message(problem, NULL));
    assert_null(vmt_error_problem(err, vmt_error_problem_count(err)));
    vmt_error_free(err);
    err = NULL;
}

static void a_call_that_succeeds_says_so_in_err(void **state)
{
    vmt_error *garbage = (vmt_error *)1;
    vmt_metainfo *metainfo = vmt_metainfo_new("Windows", &garbage);
    (void)state;
    assert_null(garbage);
    vmt_metainfo_free(metainfo);
}

static void an_entry_of_an_archive_is_named(void **state)
{
    const char *path = make_archive("entry.tar.gz");
    vmt_archive *archive = vmt_archive_open(path, NULL, &err);
    (void)state;
    fine();
    assert_null(vmt_archive_read(archive, "no-such", &err));
    says(path, vmt_error_path(err, &length));
    says("no-such", vmt_error_entry(err, &length));
    failed_with(VMT_NOT_FOUND);
    vmt_archive_free(archive);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_version_is_that_of_the_header),
        cmocka_unit_test(an_error_says_where_what_and_why),
        cmocka_unit_test(an_error_in_a_text_has_line_column_field_and_help),
        cmocka_unit_test(an_error_lists_every_problem),
        cmocka_unit_test(a_call_that_succeeds_says_so_in_err),
        cmocka_unit_test(an_entry_of_an_archive_is_named),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
