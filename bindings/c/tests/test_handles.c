#include <pthread.h>

#include "support.h"

static void a_handle_that_was_freed_is_refused(void **state)
{
    vmt_template *template = make_template();
    vmt_image *image = vmt_image_from_bytes(disk_bytes(), DISK_SIZE, &err);
    vmt_template_spec spec = make_spec();
    (void)state;
    vmt_template_free(template);
    vmt_template_free(template);
    assert_null(vmt_template_files(template));
    assert_int_equal(vmt_template_pack(template, in_folder("x"), NULL, NULL, &err), VMT_INVALID_HANDLE);
    assert_non_null(strstr(vmt_error_text(err), "was already freed"));
    failed_with(VMT_INVALID_HANDLE);
    vmt_image_free(image);
    assert_null(vmt_image_get(image));
    spec.image = image;
    assert_null(vmt_template_build(&spec, &err));
    failed_with(VMT_INVALID_HANDLE);
}

static void what_is_part_of_a_template_is_neither_freed_nor_changed(void **state)
{
    vmt_template *template = make_template();
    vmt_metainfo *metainfo = (vmt_metainfo *)vmt_template_metainfo(template);
    (void)state;
    vmt_metainfo_free(metainfo);
    assert_int_equal(vmt_metainfo_set(metainfo, "osname", "Other", &err), VMT_INVALID_HANDLE);
    failed_with(VMT_INVALID_HANDLE);
    says("Windows-Server-2019", vmt_metainfo_get(metainfo, "osname", &length));
    vmt_template_free(template);
    /* The memory of the dead template is still kept, and so is that of its parts. */
    assert_null(vmt_metainfo_get(metainfo, "osname", NULL));
}

static void a_struct_has_the_texts_of_its_handle(void **state)
{
    vmt_report *report;
    const vmt_finding *finding;
    vmt_script *script = vmt_script_new((const uint8_t *)"goto a\n", 7, &err);
    (void)state;
    report = vmt_script_check(script, NULL, &err);
    fine();
    finding = vmt_report_finding(report, 0);
    assert_ptr_equal(vmt_report_finding(report, 0), finding);
    assert_ptr_equal(finding->rule, vmt_rule_by_code(finding->rule->code));
    vmt_script_free(script);
    assert_non_null(strstr(finding->text, finding->message)); /* the report does not need the script */
    vmt_report_free(report);
    assert_null(vmt_report_finding(report, 0));
    assert_int_equal(vmt_report_count(report, 0), 0);
}

static void options_of_another_version_are_told_apart(void **state)
{
    vmt_archive *archive = vmt_archive_open(make_archive("versions.tar.gz"), NULL, &err);
    struct {
        vmt_verify_options known;
        uint64_t newer;
    } options;
    vmt_verified *verified;
    (void)state;
    memset(&options, 0, sizeof options);

    options.known.struct_size = 0;
    assert_null(vmt_archive_verify(archive, &options.known, &err));
    failed_with(VMT_INVALID_VALUE);

    /* An older header: the struct is shorter. */
    options.known.struct_size = offsetof(vmt_verify_options, threads);
    options.known.threads = 0xdead;
    verified = vmt_archive_verify(archive, &options.known, &err);
    fine();
    vmt_verified_free(verified);

    /* A newer header whose new field is not used, and one whose new field is used. */
    options.known.threads = 0;
    options.known.struct_size = sizeof options;
    verified = vmt_archive_verify(archive, &options.known, &err);
    fine();
    vmt_verified_free(verified);
    options.newer = 1;
    assert_null(vmt_archive_verify(archive, &options.known, &err));
    failed_with(VMT_UNSUPPORTED);
    vmt_archive_free(archive);
}

static void flags_that_are_not_known_are_refused(void **state)
{
    VMT_STRUCT(vmt_check_options, options);
    vmt_template *template = make_template();
    (void)state;
    options.flags = 1u << 30;
    assert_null(vmt_template_check(template, &options, &err));
    failed_with(VMT_INVALID_VALUE);
    vmt_template_free(template);
}

/* Eight threads: all read one template, and each builds, packs, checks and frees its own handles. */
static vmt_template *shared;
static vmt_archive *shared_archive;

static void *work(void *number)
{
    char path[300];
    int round;
    for (round = 0; round < 3; round++) {
        vmt_error *mine = NULL;
        vmt_packed *packed = NULL;
        vmt_report *report;
        vmt_values *values = vmt_values_new();
        vmt_script *script;
        vmt_verified *verified;
        VMT_STRUCT(vmt_pack_options, options);
        options.flags = VMT_PACK_OVERWRITE;
        options.threads = 2;
        snprintf(path, sizeof path, "%s/thread-%d.tar.gz", folder, *(int *)number);
        if (vmt_template_pack(shared, path, &options, &packed, &mine) != VMT_OK ||
            vmt_packed_get(packed)->content_bytes < DISK_SIZE ||
            strcmp(vmt_metainfo_get(vmt_template_metainfo(shared), "osname", NULL), "Windows-Server-2019") != 0 ||
            strcmp(vmt_metainfo_get(vmt_template_metainfo(shared), "tags", NULL), "windows") != 0 ||
            vmt_values_set(values, "IP", "192.0.2.1", &mine) != VMT_OK)
            return "pack";
        report = vmt_template_check(shared, NULL, &mine);
        if (report == NULL || strstr(vmt_report_json(report, NULL), "findings") == NULL)
            return "check";
        script = vmt_script_new((const uint8_t *)"echo ($IP)\r\n", 12, &mine);
        if (script == NULL || vmt_script_render(script, NULL, NULL, &mine) != NULL ||
            vmt_error_code(mine) != VMT_NULL_ARGUMENT)
            return "render";
        vmt_error_free(mine);
        verified = vmt_archive_verify(shared_archive, NULL, &mine);
        if (verified == NULL || vmt_verified_get(verified)->file_count != 3)
            return "verify";
        vmt_verified_free(verified);
        vmt_script_free(script);
        vmt_report_free(report);
        vmt_packed_free(packed);
        vmt_values_free(values);
    }
    return NULL;
}

static void eight_threads_use_one_template_at_once(void **state)
{
    pthread_t threads[8];
    int numbers[8], i;
    size_t length, other_length;
    char *bytes, *other;
    (void)state;
    shared = make_template();
    shared_archive = vmt_archive_open(make_archive("shared.tar.gz"), NULL, &err);
    for (i = 0; i < 8; i++) {
        numbers[i] = i;
        assert_int_equal(pthread_create(&threads[i], NULL, work, &numbers[i]), 0);
    }
    for (i = 0; i < 8; i++) {
        void *failed;
        assert_int_equal(pthread_join(threads[i], &failed), 0);
        if (failed != NULL)
            fail_msg("thread %d failed to %s", i, (const char *)failed);
    }
    /* All threads packed the same bytes. */
    bytes = read_all(in_folder("thread-0.tar.gz"), &length);
    other = read_all(in_folder("thread-7.tar.gz"), &other_length);
    assert_int_equal(length, other_length);
    assert_memory_equal(bytes, other, length);
    free(bytes);
    free(other);
    vmt_archive_free(shared_archive);
    vmt_template_free(shared);
}

/* Eight threads change one handle: each call succeeds, or reports that another call is changing the handle. */
static vmt_values *contended;
static int refused;

static void *change(void *number)
{
    char text[32];
    int i;
    for (i = 0; i < 2000; i++) {
        vmt_code code;
        snprintf(text, sizeof text, "NAME%d_%d=x", *(int *)number, i % 100);
        code = vmt_values_assign(contended, text, NULL);
        if (code == VMT_INVALID_HANDLE)
            __sync_fetch_and_add(&refused, 1);
        else if (code != VMT_OK)
            return "assign";
    }
    return NULL;
}

static void a_handle_that_two_threads_change_stays_whole(void **state)
{
    pthread_t threads[8];
    int numbers[8], i;
    (void)state;
    contended = vmt_values_new();
    for (i = 0; i < 8; i++) {
        numbers[i] = i;
        assert_int_equal(pthread_create(&threads[i], NULL, change, &numbers[i]), 0);
    }
    for (i = 0; i < 8; i++) {
        void *failed;
        assert_int_equal(pthread_join(threads[i], &failed), 0);
        assert_null(failed);
    }
    assert_non_null(vmt_values_at(contended, 0));
    assert_null(vmt_values_at(contended, 800));
    assert_int_equal(vmt_values_assign(contended, "LAST=1", &err), VMT_OK);
    vmt_values_free(contended);
    print_message("%d of 16000 calls were refused\n", refused);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_handle_that_was_freed_is_refused),
        cmocka_unit_test(what_is_part_of_a_template_is_neither_freed_nor_changed),
        cmocka_unit_test(a_struct_has_the_texts_of_its_handle),
        cmocka_unit_test(options_of_another_version_are_told_apart),
        cmocka_unit_test(flags_that_are_not_known_are_refused),
        cmocka_unit_test(eight_threads_use_one_template_at_once),
        cmocka_unit_test(a_handle_that_two_threads_change_stays_whole),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
