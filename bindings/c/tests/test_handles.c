#include <pthread.h>

#include "support.h"

static void a_builder_that_was_built_is_refused(void **state)
{
    vmt_template_builder *builder = vmt_template_builder_new("Windows");
    vmt_image *image = vmt_image_from_bytes(disk_bytes(), DISK_SIZE, &err);
    vmt_template *template;
    (void)state;
    assert_int_equal(vmt_template_builder_image(builder, image), VMT_OK);
    vmt_image_free(image);
    template = vmt_template_builder_build(builder, &err);
    fine();
    assert_null(vmt_template_builder_build(builder, &err));
    assert_non_null(strstr(vmt_error_message(err, NULL), "freed or consumed"));
    failed_with(VMT_INVALID_HANDLE);
    assert_int_equal(vmt_template_builder_memory_mib(builder, 1), VMT_INVALID_HANDLE);
    vmt_template_builder_free(builder);
    vmt_template_free(template);
    vmt_template_free(template);
    assert_null(vmt_template_files(template));
    assert_int_equal(vmt_template_pack(template, in_folder("x"), NULL, NULL, &err), VMT_INVALID_HANDLE);
    failed_with(VMT_INVALID_HANDLE);
}

static void a_builder_that_failed_is_consumed_too(void **state)
{
    vmt_template_builder *builder = vmt_template_builder_new("");
    (void)state;
    assert_null(vmt_template_builder_build(builder, &err));
    vmt_error_free(err);
    assert_null(vmt_template_builder_build(builder, &err));
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

static void bad_text_is_told_when_a_template_is_built(void **state)
{
    vmt_template_builder *builder = vmt_template_builder_new("Windows\xff");
    vmt_image *image = vmt_image_from_bytes(disk_bytes(), DISK_SIZE, &err);
    (void)state;
    assert_int_equal(vmt_template_builder_tag(builder, NULL), VMT_NULL_ARGUMENT);
    vmt_template_builder_image(builder, image);
    vmt_image_free(image);
    assert_null(vmt_template_builder_build(builder, &err));
    assert_true(vmt_error_problem_count(err) >= 2);
    assert_non_null(strstr(vmt_error_text(err, NULL), "`name` is not UTF-8"));
    assert_non_null(strstr(vmt_error_text(err, NULL), "`tag` is NULL"));
    failed_with(VMT_INVALID_TEMPLATE);
}

static void options_of_another_version_are_told_apart(void **state)
{
    const char *path = make_archive("versions.tar.gz");
    struct {
        vmt_verify_options known;
        uint64_t newer;
    } options;
    vmt_verified *verified;
    (void)state;
    memset(&options, 0, sizeof options);

    options.known.struct_size = 0;
    assert_null(vmt_verify(path, &options.known, &err));
    failed_with(VMT_INVALID_VALUE);

    /* An older header: the struct is shorter. */
    options.known.struct_size = offsetof(vmt_verify_options, threads);
    options.known.threads = 0xdead;
    verified = vmt_verify(path, &options.known, &err);
    fine();
    vmt_verified_free(verified);

    /* A newer header whose new field is not used, and one whose new field is used. */
    options.known.threads = 0;
    options.known.struct_size = sizeof options;
    verified = vmt_verify(path, &options.known, &err);
    fine();
    vmt_verified_free(verified);
    options.newer = 1;
    assert_null(vmt_verify(path, &options.known, &err));
    failed_with(VMT_UNSUPPORTED);
}

static void flags_that_are_not_known_are_refused(void **state)
{
    VMT_OPTIONS(vmt_check_options, options);
    vmt_template *template = make_template();
    (void)state;
    options.flags = 1u << 30;
    assert_null(vmt_template_check(template, &options, &err));
    failed_with(VMT_INVALID_VALUE);
    vmt_template_free(template);
}

/* Eight threads: all read one template, and each builds, packs, checks and frees its own handles. */
static vmt_template *shared;
static const char *shared_archive;

static void *work(void *number)
{
    char path[300];
    int round;
    for (round = 0; round < 3; round++) {
        vmt_error *mine = NULL;
        vmt_pack_summary *summary = NULL;
        vmt_report *report;
        vmt_values *values = vmt_values_new();
        vmt_script *script;
        vmt_verified *verified;
        VMT_OPTIONS(vmt_pack_options, options);
        options.flags = VMT_PACK_OVERWRITE;
        options.threads = 2;
        snprintf(path, sizeof path, "%s/thread-%d.tar.gz", folder, *(int *)number);
        if (vmt_template_pack(shared, path, &options, &summary, &mine) != VMT_OK ||
            vmt_pack_summary_content_bytes(summary) < DISK_SIZE ||
            strcmp(vmt_metainfo_get(vmt_template_metainfo(shared), "osname", NULL), "Windows-Server-2019") != 0 ||
            strcmp(vmt_metainfo_tag(vmt_template_metainfo(shared), 0, NULL), "windows") != 0 ||
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
        verified = vmt_verify(shared_archive, NULL, &mine);
        if (verified == NULL || vmt_verified_file_count(verified) != 3)
            return "verify";
        vmt_verified_free(verified);
        vmt_script_free(script);
        vmt_report_free(report);
        vmt_pack_summary_free(summary);
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
    shared_archive = make_archive("shared.tar.gz");
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
    assert_true(vmt_values_count(contended) > 0 && vmt_values_count(contended) <= 800);
    assert_int_equal(vmt_values_assign(contended, "LAST=1", &err), VMT_OK);
    vmt_values_free(contended);
    print_message("%d of 16000 calls were refused\n", refused);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_builder_that_was_built_is_refused),
        cmocka_unit_test(a_builder_that_failed_is_consumed_too),
        cmocka_unit_test(what_is_part_of_a_template_is_neither_freed_nor_changed),
        cmocka_unit_test(bad_text_is_told_when_a_template_is_built),
        cmocka_unit_test(options_of_another_version_are_told_apart),
        cmocka_unit_test(flags_that_are_not_known_are_refused),
        cmocka_unit_test(eight_threads_use_one_template_at_once),
        cmocka_unit_test(a_handle_that_two_threads_change_stays_whole),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
