#include <errno.h>
#include <sys/stat.h>

#include "support.h"

static void every_field_of_a_spec_is_in_the_template(void **state)
{
    const char *disk = write_file("win.raw", disk_bytes(), DISK_SIZE), *cmd = write_text("mine.cmd", "exit /b\r\n");
    const char *tags[] = {"windows", "ten"}, *macros[] = {"($PRODUCTKEY)"}, *products[] = {"VMmgr:5.45", "DCImgr"};
    vmt_template *template;
    const vmt_metainfo *metainfo;
    const vmt_files *files;
    vmt_limits limits;
    VMT_STRUCT(vmt_template_spec, spec);
    (void)state;
    spec.name = "Windows-10";
    spec.image_path = disk;
    spec.image_name = "w10.hddimage";
    spec.script_path = cmd;
    spec.script_name = "w10.cmd";
    spec.limits.memory_mib = 2048;
    spec.limits.disk_mb = 20000;
    spec.limits.ipv4 = VMT_YES;
    spec.limits.ipv6 = VMT_NO;
    spec.tags = tags;
    spec.tag_count = 2;
    spec.macros = macros;
    spec.macro_count = 1;
    spec.products = products;
    spec.product_count = 2;
    spec.version = "5.57";
    spec.reboot_count = 2;
    spec.virtio_disk = VMT_YES;
    spec.virtio_net = VMT_NO;
    template = vmt_template_build(&spec, &err);
    fine();
    metainfo = vmt_template_metainfo(template);
    says("Windows-10", vmt_metainfo_get(metainfo, "osname", &length));
    says("w10.hddimage", vmt_metainfo_get(metainfo, "hddimage", &length));
    says("w10.cmd", vmt_metainfo_get(metainfo, "installdrive", &length));
    says("5.57", vmt_metainfo_get(metainfo, "version", &length));
    says("windows,ten", vmt_metainfo_get(metainfo, "tags", &length));
    says("($PRODUCTKEY)", vmt_metainfo_get(metainfo, "macro", &length));
    says("VMmgr:5.45.0,DCImgr", vmt_metainfo_get(metainfo, "support", &length));
    says("2", vmt_metainfo_get(metainfo, "rebootcount", &length));
    says("yes", vmt_metainfo_get(metainfo, "virtiodisk", &length));
    says_nothing(vmt_metainfo_get(metainfo, "virtionet", &length)); /* as the platform writes "no" */
    assert_int_equal(vmt_metainfo_limits(metainfo, &limits, &err), VMT_OK);
    assert_true(limits.memory_mib == 2048 && limits.disk_mb == 20000);
    assert_true(limits.ipv4 == VMT_YES && limits.ipv6 == VMT_NO);
    assert_string_equal(vmt_script_get(vmt_template_script(template))->text, "exit /b\r\n");
    assert_int_equal(vmt_image_get(vmt_template_image(template))->size, DISK_SIZE);
    files = vmt_template_files(template);
    assert_int_equal(count_files(files), 3);
    assert_string_equal(vmt_files_at(files, 1)->name, "w10.cmd");
    assert_int_equal(vmt_files_at(files, 2)->size, DISK_SIZE);
    assert_false(vmt_files_at(files, 2)->is_folder);
    assert_null(vmt_files_at(files, 2)->sha256);
    assert_non_null(strstr(vmt_template_json(template, NULL, &err), "\"os_name\": \"Windows-10\""));
    vmt_template_free(template);
}

static void what_a_spec_leaves_out_has_its_default(void **state)
{
    vmt_image *image = vmt_image_from_bytes(disk_bytes(), DISK_SIZE, &err);
    vmt_template *template;
    const vmt_metainfo *metainfo;
    vmt_limits limits;
    VMT_STRUCT(vmt_template_spec, spec);
    (void)state;
    spec.name = "Windows-10";
    spec.image = image;
    template = vmt_template_build(&spec, &err);
    vmt_image_free(image);
    fine();
    metainfo = vmt_template_metainfo(template);
    says("VMmgr", vmt_metainfo_get(metainfo, "support", &length));
    says("1", vmt_metainfo_get(metainfo, "rebootcount", &length));
    says("yes", vmt_metainfo_get(metainfo, "virtiodisk", &length));
    says("yes", vmt_metainfo_get(metainfo, "virtionet", &length));
    says_nothing(vmt_metainfo_get(metainfo, "tags", &length));
    assert_int_equal(vmt_metainfo_limits(metainfo, &limits, &err), VMT_OK);
    assert_true(limits.memory_mib == 0 && limits.disk_mb == 5);
    assert_true(limits.ipv4 == VMT_UNSET && limits.ipv6 == VMT_UNSET);
    assert_non_null(strstr(vmt_script_get(vmt_template_script(template))->text, "slmgr.vbs"));
    vmt_template_free(template);
}

static void a_spec_takes_metadata_script_and_format(void **state)
{
    const char *disk = write_file("raw.bin", disk_bytes(), DISK_SIZE);
    vmt_metainfo *base = vmt_metainfo_new("Windows-7", &err);
    vmt_script *script = vmt_script_new((const uint8_t *)"rem\r\n", 5, &err);
    vmt_template *template;
    VMT_STRUCT(vmt_open_options, options);
    VMT_STRUCT(vmt_template_spec, spec);
    (void)state;
    vmt_metainfo_set(base, "chpasswd_method", "internal", &err);
    fine();
    vmt_metainfo_set(base, "version", "4", &err);
    fine();
    spec.metainfo = base;
    spec.image_path = disk;
    spec.open = &options;
    options.format = "raw";
    spec.script = script;
    spec.version = "5";
    template = vmt_template_build(&spec, &err);
    fine();
    vmt_metainfo_free(base);
    vmt_script_free(script);
    says("internal", vmt_metainfo_get(vmt_template_metainfo(template), "chpasswd_method", &length));
    says("Windows-7", vmt_metainfo_get(vmt_template_metainfo(template), "osname", &length));
    says("5", vmt_metainfo_get(vmt_template_metainfo(template), "version", &length));
    assert_string_equal(vmt_script_get(vmt_template_script(template))->text, "rem\r\n");
    vmt_template_free(template);
}

static void a_spec_that_contradicts_itself_is_refused(void **state)
{
    const char *disk = write_file("twice.raw", disk_bytes(), DISK_SIZE), *tags[] = {"windows", NULL};
    vmt_image *image = vmt_image_from_bytes(disk_bytes(), DISK_SIZE, &err);
    vmt_script *script = vmt_script_new((const uint8_t *)"rem\r\n", 5, &err);
    VMT_STRUCT(vmt_open_options, options);
    vmt_template_spec spec = make_spec(), good = make_spec();
    (void)state;
    assert_null(vmt_template_build(NULL, &err)); /* neither name nor image */
    failed_with(VMT_INVALID_TEMPLATE);
    good.image = image;
#define REFUSED(code, ...)                                                                                             \
    spec = good;                                                                                                       \
    __VA_ARGS__;                                                                                                       \
    assert_null(vmt_template_build(&spec, &err));                                                                      \
    failed_with(code)
    REFUSED(VMT_INVALID_VALUE, spec.image_path = disk);
    REFUSED(VMT_INVALID_VALUE, spec.script = script; spec.script_path = "/no/such.cmd");
    REFUSED(VMT_INVALID_VALUE, spec.name = "Windows\xff");
    REFUSED(VMT_INVALID_VALUE, spec.virtio_disk = 3);
    REFUSED(VMT_INVALID_VALUE, spec.limits.ipv4 = 3);
    REFUSED(VMT_NULL_ARGUMENT, spec.tags = tags; spec.tag_count = 2);
    REFUSED(VMT_NULL_ARGUMENT, spec.tags = NULL);
    REFUSED(VMT_INVALID_VALUE, spec.struct_size = 4);
    options.format = "qcow2";
    REFUSED(VMT_INVALID_TEMPLATE, spec.image = NULL; spec.image_path = disk; spec.open = &options);
    REFUSED(VMT_INVALID_TEMPLATE, spec.script_path = "/no/such.cmd");
    spec.image = NULL;
    spec.image_path = "/no/such.raw";
    spec.script_path = "/no/such.cmd";
    assert_null(vmt_template_build(&spec, &err));
    assert_int_equal(vmt_error_get(err)->problem_count, 2);
    assert_int_equal(vmt_error_code(vmt_error_get(err)->problems[0]), VMT_NOT_FOUND);
    assert_int_equal(vmt_error_code(vmt_error_get(err)->problems[1]), VMT_NOT_FOUND);
    failed_with(VMT_INVALID_TEMPLATE);
    vmt_script_free(script);
    vmt_image_free(image);
}

static void a_spec_of_an_earlier_header_has_fewer_fields(void **state)
{
    vmt_image *image = vmt_image_from_bytes(disk_bytes(), DISK_SIZE, &err);
    vmt_template_spec spec = make_spec();
    vmt_template *template;
    (void)state;
    spec.image = image;
    spec.virtio_net = 77; /* past the end that this program knows */
    spec.struct_size = offsetof(vmt_template_spec, virtio_net);
    template = vmt_template_build(&spec, &err);
    vmt_image_free(image);
    fine();
    says("yes", vmt_metainfo_get(vmt_template_metainfo(template), "virtionet", &length));
    vmt_template_free(template);
}

static void the_files_that_are_named_are_packed_and_the_others_are_told(void **state)
{
    vmt_packed *packed = NULL;
    const vmt_packed_info *info;
    vmt_template *template;
    char folder[512];
    VMT_STRUCT(vmt_open_options, options);
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
    template = vmt_template_open(folder, NULL, &err);
    assert_null(template);
    failed_with(VMT_UNSUPPORTED);
    template = vmt_template_open(folder, &options, &err);
    fine();
    assert_int_equal(count_files(vmt_template_files(template)), 4);
    assert_int_equal(vmt_template_pack(template, in_folder("named.tar.gz"), NULL, &packed, &err), VMT_OK);
    info = vmt_packed_get(packed);
    assert_int_equal(info->left_behind_count, 1);
    assert_string_equal(info->left_behind[0], "notes");
    assert_int_equal(info->missing_count, 1);
    assert_string_equal(info->missing[0], "kernel: linux");
    vmt_packed_free(packed);
    vmt_template_free(template);
    assert_null(vmt_packed_get(NULL));
}

static void a_template_is_packed_opened_and_unpacked(void **state)
{
    const char *path = in_folder("win.tar.gz"), *only[] = {"metainfo.xml"};
    vmt_template *template = make_template(), *again;
    vmt_packed *packed = NULL;
    const vmt_packed_info *info;
    vmt_archive *archive;
    vmt_image *image;
    vmt_bytes *bytes;
    const vmt_files *list;
    vmt_files *files;
    uint8_t buffer[3000];
    size_t length;
    char *text;
    VMT_STRUCT(vmt_pack_options, options);
    VMT_STRUCT(vmt_unpack_options, unpack);
    VMT_STRUCT(vmt_unpack_limits, limits);
    (void)state;
    options.flags = VMT_PACK_LEVEL | VMT_PACK_MTIME;
    options.level = 1;
    options.mtime = 1700000000;
    assert_int_equal(vmt_template_pack(template, path, &options, &packed, &err), VMT_OK);
    text = read_all(path, &length);
    free(text);
    info = vmt_packed_get(packed);
    assert_int_equal(info->archive_bytes, length);
    assert_true(info->content_bytes > DISK_SIZE);
    assert_int_equal(info->usage.data + info->usage.zeros, info->content_bytes);
    assert_true(info->usage.zeros >= 3u << 20);
    assert_int_equal(info->usage.holes + info->usage.free, 0);
    assert_int_equal(info->left_behind_count + info->missing_count + info->volume_count, 0);
    assert_null(info->missing);
    assert_non_null(strstr(info->json, "\"free_space\""));
    vmt_packed_free(packed);
    assert_int_equal(vmt_template_pack(template, path, NULL, &packed, &err), VMT_ALREADY_EXISTS);
    assert_null(packed);
    failed_with(VMT_ALREADY_EXISTS);
    options.level = 99;
    options.flags |= VMT_PACK_OVERWRITE;
    assert_int_equal(vmt_template_pack(template, path, &options, NULL, &err), VMT_INVALID_VALUE);
    failed_with(VMT_INVALID_VALUE);
    vmt_template_free(template);

    again = vmt_template_open(path, NULL, &err);
    fine();
    says("Windows-Server-2019", vmt_metainfo_get(vmt_template_metainfo(again), "osname", &length));
    vmt_template_free(again);

    archive = vmt_archive_open(path, NULL, &err);
    fine();
    says(path, vmt_archive_path(archive, &length));
    list = vmt_archive_files(archive, &err);
    fine();
    assert_ptr_equal(vmt_archive_files(archive, &err), list);
    assert_int_equal(count_files(list), 3);
    bytes = vmt_archive_read(archive, "metainfo.xml", &err);
    fine();
    assert_non_null(strstr((const char *)vmt_bytes_data(bytes, &length), "<osname>"));
    assert_int_equal(length, vmt_files_at(list, 0)->size);
    vmt_bytes_free(bytes);
    image = vmt_archive_image(archive, vmt_files_at(list, 2)->name, &err);
    fine();
    assert_int_equal(vmt_image_read_at(image, buffer, sizeof buffer, 63000, &err), VMT_OK);
    assert_memory_equal(buffer, disk_bytes() + 63000, sizeof buffer);
    vmt_image_free(image);

    unpack.only = only;
    unpack.only_count = 1;
    files = vmt_archive_unpack(archive, in_folder("some"), &unpack, &err);
    fine();
    assert_int_equal(count_files(files), 1);
    vmt_files_free(files);
    files = vmt_archive_unpack(archive, in_folder("all"), NULL, &err);
    fine();
    assert_string_equal(vmt_files_at(files, 0)->name, "metainfo.xml");
    snprintf((char *)buffer, sizeof buffer, "%s/all/%s", folder, vmt_files_at(files, 2)->name);
    text = read_all((const char *)buffer, &length);
    assert_int_equal(length, DISK_SIZE);
    assert_memory_equal(text, disk_bytes(), DISK_SIZE);
    free(text);
    vmt_files_free(files);
    assert_null(vmt_archive_unpack(archive, in_folder("all"), NULL, &err));
    failed_with(VMT_ALREADY_EXISTS);

    vmt_archive_free(archive);

    limits.total_size = 1000;
    archive = vmt_archive_open(path, &limits, &err);
    fine();
    assert_null(vmt_archive_files(archive, &err));
    failed_with(VMT_LIMIT_EXCEEDED);
    assert_null(vmt_archive_unpack(archive, in_folder("limited"), NULL, &err));
    failed_with(VMT_LIMIT_EXCEEDED);
    vmt_archive_free(archive);
    assert_null(vmt_archive_open(write_text("no.tar.gz", "no archive"), NULL, &err));
    failed_with(VMT_INVALID_ARCHIVE);
}

static void an_archive_is_verified_and_damage_is_found(void **state)
{
    const char *path = make_archive("verify.tar.gz");
    vmt_archive *archive = vmt_archive_open(path, NULL, &err);
    vmt_verified *verified = vmt_archive_verify(archive, NULL, &err);
    const vmt_verified_info *info;
    size_t length;
    char *bytes;
    (void)state;
    fine();
    info = vmt_verified_get(verified);
    assert_int_equal(strlen(info->sha256), 64);
    bytes = read_all(path, &length);
    free(bytes);
    assert_int_equal(info->archive_bytes, length);
    assert_true(info->has_index);
    assert_int_equal(info->file_count, 3);
    assert_string_equal(info->files[0]->name, "metainfo.xml");
    assert_int_equal(info->files[2]->size, DISK_SIZE);
    assert_int_equal(strlen(info->files[2]->sha256), 64);
    assert_non_null(strstr(info->json, info->files[2]->sha256));
    vmt_verified_free(verified);
    bytes = read_all(path, &length);
    bytes[length / 2] ^= 1;
    path = write_file("damaged.tar.gz", bytes, length);
    free(bytes);
    vmt_archive_free(archive);
    archive = vmt_archive_open(path, NULL, &err);
    fine();
    assert_null(vmt_archive_verify(archive, NULL, &err));
    assert_string_equal(vmt_error_get(err)->path, path);
    failed_with(VMT_INVALID_ARCHIVE);
    vmt_archive_free(archive);
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
    vmt_packed *packed;
    vmt_archive *archive;
    vmt_verified *verified;
    vmt_report *report;
    vmt_values *values = vmt_values_new();
    vmt_script *script;
    size_t length;
    char *bytes = read_all(make_archive("same.tar.gz"), &length);
    VMT_STRUCT(vmt_source, source);
    VMT_STRUCT(vmt_render_options, render);
    (void)state;
    assert_int_equal(vmt_template_pack_to(template, write_sink, &sink, NULL, &packed, &err), VMT_OK);
    assert_int_equal(vmt_packed_get(packed)->archive_bytes, sink.length);
    vmt_packed_free(packed);
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
    assert_int_equal(count_files(vmt_archive_files(archive, &err)), 3);
    again = vmt_archive_template(archive, &err);
    fine();
    verified = vmt_archive_verify(archive, NULL, &err);
    fine();
    assert_int_equal(vmt_verified_get(verified)->archive_bytes, sink.length);
    vmt_verified_free(verified);
    report = vmt_archive_check(archive, NULL, &err);
    fine();
    assert_true(vmt_report_count(report, 0) > 0);
    vmt_report_free(report);
    assert_null(vmt_archive_render(archive, values, NULL, &err)); /* values are missing */
    failed_with(VMT_INVALID_VALUE);
    render.missing = "platform";
    script = vmt_archive_render(archive, values, &render, &err);
    fine();
    assert_null(strstr(vmt_script_get(script)->text, "($IP)"));
    vmt_script_free(script);
    vmt_values_free(values);
    vmt_archive_free(archive);
    assert_int_equal(sink.most, 1 << 20); /* the template needs the source */
    says("Windows-Server-2019", vmt_metainfo_get(vmt_template_metainfo(again), "osname", &length));
    vmt_template_free(again);
    assert_int_equal(sink.most, (1 << 20) + 1);
    source.size = 100;
    archive = vmt_archive_from_source(&source, "upload", NULL, &err);
    fine();
    assert_null(vmt_archive_template(archive, &err));
    assert_string_equal(vmt_error_get(err)->path, "upload");
    failed_with(VMT_INVALID_ARCHIVE);
    vmt_archive_free(archive);
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
    vmt_archive *archive;
    const char *path = in_folder("watched.tar.gz");
    VMT_STRUCT(vmt_pack_options, options);
    VMT_STRUCT(vmt_verify_options, verify);
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
    archive = vmt_archive_open(path, NULL, &err);
    fine();
    assert_null(vmt_archive_verify(archive, &verify, &err));
    failed_with(VMT_CANCELLED);
    vmt_archive_free(archive);
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
    VMT_STRUCT(vmt_template_spec, spec);
    (void)state;
    vmt_metainfo_set(metainfo, "illegal_password_characters", "!", &err);
    fine();
    spec.metainfo = metainfo;
    spec.script = script;
    spec.image = image;
    template = vmt_template_build(&spec, &err);
    fine();
    assert_null(vmt_template_render(template, values, NULL, &err));
    failed_with(VMT_INVALID_VALUE);
    vmt_values_set(values, "PASS", "ab", &err);
    rendered = vmt_template_render(template, values, NULL, &err);
    fine();
    assert_string_equal(vmt_script_get(rendered)->text, "echo ab\r\n");
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
        cmocka_unit_test(every_field_of_a_spec_is_in_the_template),
        cmocka_unit_test(what_a_spec_leaves_out_has_its_default),
        cmocka_unit_test(a_spec_takes_metadata_script_and_format),
        cmocka_unit_test(a_spec_that_contradicts_itself_is_refused),
        cmocka_unit_test(a_spec_of_an_earlier_header_has_fewer_fields),
        cmocka_unit_test(the_files_that_are_named_are_packed_and_the_others_are_told),
        cmocka_unit_test(a_template_is_packed_opened_and_unpacked),
        cmocka_unit_test(an_archive_is_verified_and_damage_is_found),
        cmocka_unit_test(an_archive_goes_to_a_callback_and_comes_from_one),
        cmocka_unit_test(work_tells_how_far_it_is_and_stops),
        cmocka_unit_test(a_template_is_rendered_by_its_own_rules),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
