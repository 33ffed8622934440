#include <errno.h>
#include <sys/stat.h>

#include "support.h"

static void every_setter_of_the_builder_is_in_the_template(void **state)
{
    const char *disk = write_file("win.raw", disk_bytes(), DISK_SIZE), *cmd = write_text("mine.cmd", "exit /b\r\n");
    vmt_template_builder *builder = vmt_template_builder_new("Wrong");
    vmt_template *template;
    const vmt_metainfo *metainfo;
    vmt_limits limits;
    uint32_t reboots;
    (void)state;
    assert_int_equal(vmt_template_builder_name(builder, "Windows-10"), VMT_OK);
    assert_int_equal(vmt_template_builder_image_path(builder, disk), VMT_OK);
    assert_int_equal(vmt_template_builder_image_name(builder, "w10.hddimage"), VMT_OK);
    assert_int_equal(vmt_template_builder_script_path(builder, cmd), VMT_OK);
    assert_int_equal(vmt_template_builder_script_name(builder, "w10.cmd"), VMT_OK);
    assert_int_equal(vmt_template_builder_memory_mib(builder, 2048), VMT_OK);
    assert_int_equal(vmt_template_builder_disk_mb(builder, 20000), VMT_OK);
    assert_int_equal(vmt_template_builder_ipv4(builder, true), VMT_OK);
    assert_int_equal(vmt_template_builder_ipv6(builder, false), VMT_OK);
    assert_int_equal(vmt_template_builder_tag(builder, "windows"), VMT_OK);
    assert_int_equal(vmt_template_builder_tag(builder, "ten"), VMT_OK);
    assert_int_equal(vmt_template_builder_template_version(builder, "5.57"), VMT_OK);
    assert_int_equal(vmt_template_builder_declare_macro(builder, "($PRODUCTKEY)"), VMT_OK);
    assert_int_equal(vmt_template_builder_support(builder, "VMmgr", "5.45"), VMT_OK);
    assert_int_equal(vmt_template_builder_support(builder, "DCImgr", NULL), VMT_OK);
    assert_int_equal(vmt_template_builder_reboot_count(builder, 2), VMT_OK);
    assert_int_equal(vmt_template_builder_virtio_disk(builder, true), VMT_OK);
    assert_int_equal(vmt_template_builder_virtio_net(builder, true), VMT_OK);
    template = vmt_template_builder_build(builder, &err);
    fine();
    metainfo = vmt_template_metainfo(template);
    says("Windows-10", vmt_metainfo_get(metainfo, "osname", &length));
    says("w10.hddimage", vmt_metainfo_get(metainfo, "hddimage", &length));
    says("w10.cmd", vmt_metainfo_get(metainfo, "installdrive", &length));
    says("5.57", vmt_metainfo_get(metainfo, "version", &length));
    says("ten", vmt_metainfo_tag(metainfo, 1, &length));
    says("($PRODUCTKEY)", vmt_metainfo_macro(metainfo, 0, &length));
    says("5.45.0", vmt_metainfo_product_version(metainfo, 0, &length));
    says("DCImgr", vmt_metainfo_product_name(metainfo, 1, &length));
    assert_int_equal(vmt_metainfo_limits(metainfo, &limits, &err), VMT_OK);
    assert_true(limits.memory_mib == 2048 && limits.disk_mb == 20000);
    assert_true(limits.ipv4 == VMT_YES && limits.ipv6 == VMT_NO);
    assert_int_equal(vmt_metainfo_reboot_count(metainfo, &reboots, &err), VMT_OK);
    assert_int_equal(reboots, 2);
    assert_true(vmt_metainfo_virtio_disk(metainfo) && vmt_metainfo_virtio_net(metainfo));
    says("exit /b\r\n", vmt_script_text(vmt_template_script(template), &length));
    assert_int_equal(vmt_image_size(vmt_template_image(template)), DISK_SIZE);
    assert_int_equal(vmt_files_count(vmt_template_files(template)), 3);
    says("w10.cmd", vmt_files_name(vmt_template_files(template), 1, &length));
    assert_int_equal(vmt_files_size(vmt_template_files(template), 2), DISK_SIZE);
    says_nothing(vmt_files_name(vmt_template_files(template), 3, &length));
    assert_int_equal(vmt_files_size(vmt_template_files(template), 3), 0);
    assert_non_null(strstr(vmt_template_json(template, NULL, &err), "\"os_name\": \"Windows-10\""));
    vmt_template_free(template);
}

static void a_builder_takes_metadata_script_and_format(void **state)
{
    const char *disk = write_file("raw.bin", disk_bytes(), DISK_SIZE);
    vmt_metainfo *base = vmt_metainfo_new("Windows-7", &err);
    vmt_script *script = vmt_script_new((const uint8_t *)"rem\r\n", 5, &err);
    vmt_template_builder *builder;
    vmt_template *template;
    VMT_OPTIONS(vmt_open_options, options);
    (void)state;
    vmt_metainfo_set(base, "chpasswd_method", "internal", &err);
    fine();
    builder = vmt_template_builder_from_metainfo(base, &err);
    fine();
    vmt_metainfo_free(base);
    options.format = "raw";
    assert_int_equal(vmt_template_builder_image_with(builder, disk, &options), VMT_OK);
    assert_int_equal(vmt_template_builder_script(builder, script), VMT_OK);
    vmt_script_free(script);
    template = vmt_template_builder_build(builder, &err);
    fine();
    says("internal", vmt_metainfo_get(vmt_template_metainfo(template), "chpasswd_method", &length));
    says("Windows-7", vmt_metainfo_get(vmt_template_metainfo(template), "osname", &length));
    says("rem\r\n", vmt_script_text(vmt_template_script(template), &length));
    vmt_template_free(template);

    builder = vmt_template_builder_new("Windows-7");
    options.format = "qcow2";
    vmt_template_builder_image_with(builder, disk, &options);
    assert_null(vmt_template_builder_build(builder, &err));
    failed_with(vmt_error_code(err));
    builder = vmt_template_builder_new("Windows-7");
    vmt_template_builder_free(builder);
}

static void the_files_that_are_named_are_packed_and_the_others_are_told(void **state)
{
    vmt_pack_summary *summary = NULL;
    vmt_template *template;
    size_t length;
    char folder[512];
    VMT_OPTIONS(vmt_open_options, options);
    (void)state;
    snprintf(folder, sizeof folder, "%s", in_folder("named"));
    assert_int_equal(mkdir(folder, 0755), 0);
    write_text("named/metainfo.xml",
        "<doc><osname>W</osname><hddimage>w.img</hddimage><installdrive>s.cmd</installdrive>"
        "<installcfg>u.xml</installcfg><kernel>linux</kernel></doc>");
    write_text("named/w.img", "Bochs Virtual HD Image, and so no disk");
    write_text("named/s.cmd", "rem\r\n");
    write_text("named/u.xml", "u");
    write_text("named/notes", "n");
    options.format = "raw";
    template = vmt_template_open(folder, &err);
    assert_null(template);
    failed_with(VMT_UNSUPPORTED);
    template = vmt_template_open_with(folder, &options, &err);
    fine();
    assert_int_equal(vmt_files_count(vmt_template_files(template)), 4);
    assert_int_equal(vmt_template_pack(template, in_folder("named.tar.gz"), NULL, &summary, &err), VMT_OK);
    assert_int_equal(vmt_pack_summary_left_behind_count(summary), 1);
    says("notes", vmt_pack_summary_left_behind(summary, 0, &length));
    assert_null(vmt_pack_summary_left_behind(summary, 1, &length));
    assert_int_equal(vmt_pack_summary_missing_count(summary), 1);
    says("kernel: linux", vmt_pack_summary_missing(summary, 0, &length));
    assert_null(vmt_pack_summary_missing(summary, 1, NULL));
    vmt_pack_summary_free(summary);
    vmt_template_free(template);
    assert_int_equal(vmt_pack_summary_left_behind_count(NULL), 0);
    assert_int_equal(vmt_pack_summary_missing_count(NULL), 0);
}

static void a_template_is_packed_opened_and_unpacked(void **state)
{
    const char *path = in_folder("win.tar.gz"), *only[] = {"metainfo.xml"};
    vmt_template *template = make_template(), *again;
    vmt_pack_summary *summary = NULL;
    vmt_archive *archive;
    vmt_image *image;
    vmt_bytes *bytes;
    vmt_files *files;
    uint8_t buffer[3000];
    size_t length;
    char *text;
    VMT_OPTIONS(vmt_pack_options, options);
    VMT_OPTIONS(vmt_unpack_options, unpack);
    VMT_OPTIONS(vmt_unpack_limits, limits);
    (void)state;
    options.flags = VMT_PACK_LEVEL | VMT_PACK_MTIME;
    options.level = 1;
    options.mtime = 1700000000;
    assert_int_equal(vmt_template_pack(template, path, &options, &summary, &err), VMT_OK);
    text = read_all(path, &length);
    free(text);
    assert_int_equal(vmt_pack_summary_archive_bytes(summary), length);
    assert_true(vmt_pack_summary_content_bytes(summary) > DISK_SIZE);
    assert_true(vmt_pack_summary_data_read(summary) >= DISK_SIZE);
    assert_true(vmt_pack_summary_zeros_found(summary) >= 3u << 20);
    assert_int_equal(vmt_pack_summary_holes(summary), 0);
    assert_int_equal(vmt_pack_summary_free_bytes(summary), 0);
    assert_non_null(strstr(vmt_pack_summary_json(summary, NULL), "\"free_space\""));
    vmt_pack_summary_free(summary);
    assert_int_equal(vmt_template_pack(template, path, NULL, &summary, &err), VMT_ALREADY_EXISTS);
    assert_null(summary);
    failed_with(VMT_ALREADY_EXISTS);
    options.level = 99;
    options.flags |= VMT_PACK_OVERWRITE;
    assert_int_equal(vmt_template_pack(template, path, &options, NULL, &err), VMT_INVALID_VALUE);
    failed_with(VMT_INVALID_VALUE);
    vmt_template_free(template);

    again = vmt_template_open(path, &err);
    fine();
    says("Windows-Server-2019", vmt_metainfo_get(vmt_template_metainfo(again), "osname", &length));
    vmt_template_free(again);

    archive = vmt_archive_open(path, NULL, &err);
    fine();
    says(path, vmt_archive_path(archive, &length));
    assert_int_equal(vmt_files_count(vmt_archive_files(archive)), 3);
    bytes = vmt_archive_read(archive, "metainfo.xml", &err);
    fine();
    assert_non_null(strstr((const char *)vmt_bytes_data(bytes), "<osname>"));
    assert_int_equal(vmt_bytes_length(bytes), vmt_files_size(vmt_archive_files(archive), 0));
    vmt_bytes_free(bytes);
    image = vmt_archive_image(archive, vmt_files_name(vmt_archive_files(archive), 2, NULL), &err);
    fine();
    vmt_archive_free(archive);
    assert_int_equal(vmt_image_read_at(image, buffer, sizeof buffer, 63000, &err), VMT_OK);
    assert_memory_equal(buffer, disk_bytes() + 63000, sizeof buffer);
    vmt_image_free(image);

    unpack.only = only;
    unpack.only_count = 1;
    files = vmt_unpack(path, in_folder("some"), &unpack, &err);
    fine();
    assert_int_equal(vmt_files_count(files), 1);
    vmt_files_free(files);
    files = vmt_unpack(path, in_folder("all"), NULL, &err);
    fine();
    says("metainfo.xml", vmt_files_name(files, 0, &length));
    snprintf((char *)buffer, sizeof buffer, "%s/all/%s", folder, vmt_files_name(files, 2, NULL));
    text = read_all((const char *)buffer, &length);
    assert_int_equal(length, DISK_SIZE);
    assert_memory_equal(text, disk_bytes(), DISK_SIZE);
    free(text);
    vmt_files_free(files);
    assert_null(vmt_unpack(path, in_folder("all"), NULL, &err));
    failed_with(VMT_ALREADY_EXISTS);

    limits.total_size = 1000;
    unpack.limits = &limits;
    assert_null(vmt_unpack(path, in_folder("limited"), &unpack, &err));
    failed_with(VMT_LIMIT_EXCEEDED);
    assert_null(vmt_archive_open(path, &limits, &err));
    failed_with(VMT_LIMIT_EXCEEDED);
}

static void an_archive_is_verified_and_damage_is_found(void **state)
{
    const char *path = make_archive("verify.tar.gz");
    vmt_verified *verified = vmt_verify(path, NULL, &err);
    size_t length;
    char *bytes;
    (void)state;
    fine();
    assert_int_equal(strlen(vmt_verified_sha256(verified, NULL)), 64);
    bytes = read_all(path, &length);
    assert_int_equal(vmt_verified_archive_bytes(verified), length);
    assert_true(vmt_verified_has_index(verified));
    assert_int_equal(vmt_verified_file_count(verified), 3);
    says("metainfo.xml", vmt_verified_file_name(verified, 0, &length));
    assert_int_equal(vmt_verified_file_size(verified, 2), DISK_SIZE);
    assert_int_equal(strlen(vmt_verified_file_sha256(verified, 2, NULL)), 64);
    says_nothing(vmt_verified_file_name(verified, 3, &length));
    vmt_verified_free(verified);
    length = (size_t)vmt_pack_summary_archive_bytes(NULL); /* 0 */
    free(bytes);
    bytes = read_all(path, &length);
    bytes[length / 2] ^= 1;
    path = write_file("damaged.tar.gz", bytes, length);
    free(bytes);
    assert_null(vmt_verify(path, NULL, &err));
    failed_with(VMT_INVALID_ARCHIVE);
}

static int32_t read_sink(void *user_data, uint8_t *buffer, size_t length, uint64_t offset)
{
    memcpy(buffer, ((struct sink *)user_data)->bytes + offset, length);
    return 0;
}

static void free_sink(void *user_data)
{
    ((struct sink *)user_data)->most++;
}

static void an_archive_goes_to_a_callback_and_comes_from_one(void **state)
{
    struct sink sink = {malloc(1 << 20), 0, 1 << 20};
    vmt_template *template = make_template(), *again;
    vmt_pack_summary *summary;
    vmt_archive *archive;
    size_t length;
    char *bytes = read_all(make_archive("same.tar.gz"), &length);
    VMT_OPTIONS(vmt_source, source);
    (void)state;
    assert_int_equal(vmt_template_pack_to(template, write_sink, &sink, NULL, &summary, &err), VMT_OK);
    assert_int_equal(vmt_pack_summary_archive_bytes(summary), sink.length);
    vmt_pack_summary_free(summary);
    assert_int_equal(sink.length, length);
    assert_memory_equal(sink.bytes, bytes, length);
    free(bytes);

    source.user_data = &sink;
    source.size = sink.length;
    source.read = read_sink;
    source.free = free_sink;
    archive = vmt_archive_from_source(&source, "upload", NULL, &err);
    fine();
    says("upload", vmt_archive_path(archive, &length));
    assert_int_equal(vmt_files_count(vmt_archive_files(archive)), 3);
    vmt_archive_free(archive);
    assert_int_equal(sink.most, (1 << 20) + 1);
    again = vmt_template_from_source(&source, "upload", &err);
    fine();
    says("Windows-Server-2019", vmt_metainfo_get(vmt_template_metainfo(again), "osname", &length));
    vmt_template_free(again);
    assert_int_equal(sink.most, (1 << 20) + 2);
    source.size = 100;
    assert_null(vmt_template_from_source(&source, "upload", &err));
    says("upload", vmt_error_path(err, &length));
    failed_with(VMT_INVALID_ARCHIVE);
    sink.most = sink.length = 1000;
    assert_int_equal(vmt_template_pack_to(template, write_sink, &sink, NULL, NULL, &err), VMT_STORAGE_FULL);
    failed_with(VMT_STORAGE_FULL);
    vmt_template_free(template);
    free(sink.bytes);
}

struct watch {
    vmt_control *control;
    size_t calls;
    uint64_t last, total;
    int32_t stop;
};

static int32_t watch_it(void *user_data, uint64_t bytes, uint64_t total)
{
    struct watch *watch = user_data;
    watch->calls++;
    watch->last = bytes;
    watch->total = total;
    if (watch->control != NULL)
        vmt_control_cancel(watch->control);
    return watch->stop;
}

static void work_tells_how_far_it_is_and_stops(void **state)
{
    struct watch watch = {NULL, 0, 0, 0, 0};
    vmt_template *template = make_template();
    vmt_control *control = vmt_control_new(watch_it, &watch);
    const char *path = in_folder("watched.tar.gz");
    VMT_OPTIONS(vmt_pack_options, options);
    VMT_OPTIONS(vmt_verify_options, verify);
    (void)state;
    options.control = control;
    assert_int_equal(vmt_template_pack(template, path, &options, NULL, &err), VMT_OK);
    assert_true(watch.calls > 0);
    assert_int_equal(watch.last, watch.total);
    assert_true(watch.total >= DISK_SIZE);
    assert_false(vmt_control_is_cancelled(control));

    /* Cancelled by the return value of the callback. */
    watch.stop = 1;
    options.flags = VMT_PACK_OVERWRITE;
    assert_int_equal(vmt_template_pack(template, path, &options, NULL, &err), VMT_CANCELLED);
    failed_with(VMT_CANCELLED);
    assert_true(vmt_control_is_cancelled(control));
    /* A cancelled control stays cancelled. */
    watch.stop = 0;
    verify.control = control;
    assert_null(vmt_verify(path, &verify, &err));
    failed_with(VMT_CANCELLED);
    vmt_control_free(control);

    /* Cancelled by a call, from the callback or from elsewhere. */
    options.control = watch.control = control = vmt_control_new(watch_it, &watch);
    assert_int_equal(vmt_template_pack(template, in_folder("not.tar.gz"), &options, NULL, &err), VMT_CANCELLED);
    failed_with(VMT_CANCELLED);
    assert_int_not_equal(access(in_folder("not.tar.gz"), F_OK), 0);
    vmt_control_free(control);
    control = vmt_control_new(NULL, NULL);
    vmt_control_cancel(control);
    options.control = control;
    assert_int_equal(vmt_template_pack(template, in_folder("not.tar.gz"), &options, NULL, &err), VMT_CANCELLED);
    failed_with(VMT_CANCELLED);
    vmt_control_free(control);
    vmt_template_free(template);
}

static void a_template_is_rendered_by_its_own_rules(void **state)
{
    vmt_metainfo *metainfo = vmt_metainfo_new("Windows-7", &err);
    vmt_values *values = vmt_values_from_json("{\"PASS\": \"a!b\"}", &err);
    vmt_script *script = vmt_script_new((const uint8_t *)"echo ($PASS)\r\n", 14, &err), *rendered;
    vmt_image *image = vmt_image_from_bytes(disk_bytes(), DISK_SIZE, &err);
    vmt_template *template;
    vmt_template_builder *builder;
    (void)state;
    vmt_metainfo_set(metainfo, "illegal_password_characters", "!", &err);
    fine();
    builder = vmt_template_builder_from_metainfo(metainfo, &err);
    vmt_template_builder_script(builder, script);
    vmt_template_builder_image(builder, image);
    template = vmt_template_builder_build(builder, &err);
    fine();
    assert_null(vmt_template_render(template, values, NULL, &err));
    failed_with(VMT_INVALID_VALUE);
    vmt_values_set(values, "PASS", "ab", &err);
    rendered = vmt_template_render(template, values, NULL, &err);
    fine();
    says("echo ab\r\n", vmt_script_text(rendered, &length));
    vmt_script_free(rendered);
    vmt_template_free(template);
    vmt_image_free(image);
    vmt_script_free(script);
    vmt_values_free(values);
    vmt_metainfo_free(metainfo);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_setter_of_the_builder_is_in_the_template),
        cmocka_unit_test(a_builder_takes_metadata_script_and_format),
        cmocka_unit_test(the_files_that_are_named_are_packed_and_the_others_are_told),
        cmocka_unit_test(a_template_is_packed_opened_and_unpacked),
        cmocka_unit_test(an_archive_is_verified_and_damage_is_found),
        cmocka_unit_test(an_archive_goes_to_a_callback_and_comes_from_one),
        cmocka_unit_test(work_tells_how_far_it_is_and_stops),
        cmocka_unit_test(a_template_is_rendered_by_its_own_rules),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
