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
    const vmt_error_info *info;
    (void)state;
    assert_null(vmt_template_open("/no/such/template.tar.gz", NULL, &err));
    assert_int_equal(vmt_error_code(err), VMT_NOT_FOUND);
    assert_string_equal(vmt_code_name(VMT_NOT_FOUND), "not-found");
    assert_string_equal(vmt_code_name(VMT_PANIC), "panic");
    assert_null(vmt_code_name(77777));
    info = vmt_error_get(err);
    assert_int_equal(info->code, VMT_NOT_FOUND);
    assert_string_equal(info->kind, "not-found");
    assert_string_equal(info->path, "/no/such/template.tar.gz");
    assert_ptr_equal(info->text, vmt_error_text(err));
    assert_non_null(strstr(info->text, info->message));
    assert_non_null(strstr(info->text, "/no/such/template.tar.gz: "));
    assert_null(info->entry);
    assert_null(info->field);
    assert_int_equal(info->line, 0);
    assert_int_equal(info->cause_count, 1);
    assert_non_null(strstr(info->causes[0], "No such file"));
    assert_int_equal(info->problem_count, 0);
    assert_null(info->problems);
    vmt_error_free(err);
    err = NULL;
    assert_int_equal(vmt_error_code(NULL), VMT_OK);
    assert_null(vmt_error_get(NULL));
}

static void an_error_in_a_text_has_line_column_field_and_help(void **state)
{
    const char *text = "<doc>\n  <rebootcount>once</rebootcount>\n</doc>";
    vmt_metainfo *metainfo = vmt_metainfo_parse((const uint8_t *)text, strlen(text), &err);
    (void)state;
    fine();
    assert_null(vmt_metainfo_json(metainfo, NULL, &err));
    assert_int_equal(vmt_error_get(err)->line, 2);
    assert_int_equal(vmt_error_get(err)->column, 16);
    assert_string_equal(vmt_error_get(err)->field, "rebootcount");
    failed_with(VMT_INVALID_METAINFO);
    vmt_metainfo_free(metainfo);

    assert_null(vmt_values_from_json("[]", &err));
    assert_non_null(strstr(vmt_error_get(err)->help, "\"IP\""));
    failed_with(VMT_INVALID_VALUE);
}

static void an_error_lists_every_problem(void **state)
{
    const vmt_error_info *info;
    size_t i;
    VMT_STRUCT(vmt_template_spec, spec);
    (void)state;
    spec.name = "";
    assert_null(vmt_template_build(&spec, &err));
    info = vmt_error_get(err);
    assert_int_equal(info->code, VMT_INVALID_TEMPLATE);
    assert_true(info->problem_count >= 2);
    for (i = 0; i < info->problem_count; i++) {
        const vmt_error *problem = info->problems[i];
        vmt_error_free((vmt_error *)problem); /* it is part of the error, so this does nothing */
        assert_int_not_equal(vmt_error_code(problem), VMT_OK);
        assert_int_equal(vmt_error_get(problem)->problem_count, 0);
        assert_non_null(strstr(info->text, vmt_error_get(problem)->message));
    }
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
    assert_string_equal(vmt_error_get(err)->path, path);
    assert_string_equal(vmt_error_get(err)->entry, "no-such");
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
