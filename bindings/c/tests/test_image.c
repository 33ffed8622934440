#include <errno.h>
#include <pthread.h>

#include "support.h"

/* A disk with callbacks: the calls that it received, and how it answers them. */
struct source {
    pthread_mutex_t lock;
    size_t reads;
    int freed, fail_with;
    uint64_t extent_length;
    vmt_extent_kind extent_kind;
};

static int32_t read_source(void *user_data, uint8_t *buffer, size_t length, uint64_t offset)
{
    struct source *source = user_data;
    pthread_mutex_lock(&source->lock);
    source->reads++;
    pthread_mutex_unlock(&source->lock);
    if (source->fail_with != 0)
        return source->fail_with;
    memcpy(buffer, disk_bytes() + offset, length);
    return 0;
}

static int32_t source_extent(void *user_data, uint64_t offset, uint64_t *length, vmt_extent_kind *kind)
{
    struct source *source = user_data;
    if (source->extent_length != 0) {
        *length = source->extent_length;
        *kind = source->extent_kind;
        return 0;
    }
    *kind = offset < 65536 ? VMT_EXTENT_DATA : VMT_EXTENT_ZERO;
    *length = offset < 65536 ? 65536 - offset : DISK_SIZE - offset;
    return 0;
}

static void free_source(void *user_data)
{
    ((struct source *)user_data)->freed++;
}

static vmt_image *image_of(struct source *source)
{
    vmt_image *image;
    VMT_STRUCT(vmt_source, calls);
    calls.user_data = source;
    calls.size = DISK_SIZE;
    calls.read = read_source;
    calls.extent = source_extent;
    calls.free = free_source;
    image = vmt_image_from_source(&calls, &err);
    fine();
    return image;
}

static void an_image_is_read(void **state)
{
    const char *path = write_file("disk.raw", disk_bytes(), DISK_SIZE);
    vmt_image *image = vmt_image_open(path, NULL, &err);
    uint8_t buffer[1000];
    VMT_STRUCT(vmt_open_options, options);
    (void)state;
    fine();
    assert_int_equal(vmt_image_get(image)->size, DISK_SIZE);
    assert_string_equal(vmt_image_get(image)->format, "raw");
    assert_string_equal(vmt_image_get(image)->path, path);
    assert_int_equal(vmt_image_read_at(image, buffer, sizeof buffer, 777, &err), VMT_OK);
    assert_memory_equal(buffer, disk_bytes() + 777, sizeof buffer);
    assert_int_equal(vmt_image_read_at(image, buffer, sizeof buffer, DISK_SIZE - 999, &err), VMT_INVALID_VALUE);
    failed_with(VMT_INVALID_VALUE);
    assert_int_equal(vmt_image_read_at(image, NULL, 1, 0, &err), VMT_NULL_ARGUMENT);
    failed_with(VMT_NULL_ARGUMENT);
    vmt_image_free(image);

    options.max_size = 4096;
    options.format = "qcow2";
    assert_null(vmt_image_open(path, &options, &err));
    failed_with(VMT_INVALID_IMAGE);
    options.format = "floppy";
    assert_null(vmt_image_open(path, &options, &err));
    failed_with(VMT_INVALID_VALUE);
    assert_null(vmt_image_open("/no/such.img", NULL, &err));
    failed_with(VMT_NOT_FOUND);
}

static void files_that_an_image_names_are_opened_where_they_may_be(void **state)
{
    const char *path = write_text("disk.vmdk", "# Disk DescriptorFile\nversion=1\nparentCID=ffffffff\n"
                                               "RW 8192 FLAT \"disk-flat.vmdk\" 0\n");
    uint8_t buffer[1000];
    vmt_image *image;
    VMT_STRUCT(vmt_open_options, options);
    (void)state;
    write_file("disk-flat.vmdk", disk_bytes(), DISK_SIZE);
    assert_null(vmt_image_open(path, &options, &err));
    failed_with(VMT_UNSUPPORTED);
    options.backing_files = folder;
    image = vmt_image_open(path, &options, &err);
    fine();
    assert_string_equal(vmt_image_get(image)->format, "vmdk");
    assert_int_equal(vmt_image_read_at(image, buffer, sizeof buffer, 777, &err), VMT_OK);
    assert_memory_equal(buffer, disk_bytes() + 777, sizeof buffer);
    vmt_image_free(image);
}

static int32_t sum_extents(void *user_data, const vmt_extent *extent)
{
    uint64_t *sums = user_data;
    sums[extent->kind] += extent->length;
    sums[3]++;
    return sums[4] == sums[3];
}

static void a_disk_of_callbacks_is_read_where_it_has_data(void **state)
{
    struct source source = {PTHREAD_MUTEX_INITIALIZER, 0, 0, 0, 0, 0};
    vmt_image *image = image_of(&source), *bytes = vmt_image_from_bytes(disk_bytes(), DISK_SIZE, &err);
    uint64_t sums[5] = {0, 0, 0, 0, 99};
    uint8_t buffer[4096];
    (void)state;
    assert_int_equal(vmt_image_extents(image, sum_extents, sums, &err), VMT_OK);
    assert_int_equal(sums[VMT_EXTENT_DATA], 65536);
    assert_int_equal(sums[VMT_EXTENT_ZERO], DISK_SIZE - 65536);
    assert_int_equal(sums[3], 2);
    sums[3] = 0;
    sums[4] = 1;
    assert_int_equal(vmt_image_extents(image, sum_extents, sums, &err), VMT_CANCELLED);
    failed_with(VMT_CANCELLED);
    assert_int_equal(vmt_image_extents(image, NULL, NULL, &err), VMT_NULL_ARGUMENT);
    failed_with(VMT_NULL_ARGUMENT);
    assert_int_equal(vmt_image_read_at(image, buffer, sizeof buffer, 100, &err), VMT_OK);
    assert_memory_equal(buffer, disk_bytes() + 100, sizeof buffer);
    assert_true(source.reads > 0);
    assert_int_equal(source.freed, 0);
    vmt_image_free(image);
    assert_int_equal(source.freed, 1);
    assert_null(vmt_image_get(bytes)->path);
    vmt_image_free(bytes);
}

static void a_callback_that_fails_or_lies_is_an_error(void **state)
{
    struct source source = {PTHREAD_MUTEX_INITIALIZER, 0, 0, EACCES, 0, 0};
    vmt_image *image = image_of(&source);
    uint64_t sums[5] = {0, 0, 0, 0, 99};
    uint8_t buffer[512];
    VMT_STRUCT(vmt_source, none);
    (void)state;
    assert_int_equal(vmt_image_read_at(image, buffer, sizeof buffer, 0, &err), VMT_PERMISSION_DENIED);
    assert_non_null(strstr(vmt_error_text(err), "read callback"));
    failed_with(VMT_PERMISSION_DENIED);
    source.fail_with = -1;
    assert_int_equal(vmt_image_read_at(image, buffer, sizeof buffer, 0, &err), VMT_IO);
    failed_with(VMT_IO);
    source.extent_length = (uint64_t)DISK_SIZE + 1;
    assert_int_equal(vmt_image_extents(image, sum_extents, sums, &err), VMT_IO);
    failed_with(VMT_IO);
    source.extent_length = 512;
    source.extent_kind = 77;
    assert_int_equal(vmt_image_extents(image, sum_extents, sums, &err), VMT_IO);
    failed_with(VMT_IO);
    vmt_image_free(image);

    none.size = 512;
    none.user_data = &source;
    none.free = free_source;
    source.freed = 0;
    assert_null(vmt_image_from_source(&none, &err));
    failed_with(VMT_NULL_ARGUMENT);
    none.read = read_source;
    none.size = 0;
    assert_null(vmt_image_from_source(&none, &err));
    failed_with(VMT_INVALID_VALUE);
    assert_int_equal(source.freed, 0);
}

static void a_template_of_callbacks_is_packed_as_one_of_bytes(void **state)
{
    struct source source = {PTHREAD_MUTEX_INITIALIZER, 0, 0, 0, 0, 0};
    vmt_image *image = image_of(&source);
    vmt_template_spec spec = make_spec();
    vmt_template *template;
    vmt_packed *packed;
    size_t length, other_length;
    char *bytes, *other;
    (void)state;
    spec.image = image;
    template = vmt_template_build(&spec, &err);
    vmt_image_free(image);
    fine();
    assert_int_equal(vmt_template_pack(template, in_folder("calls.tar.gz"), NULL, &packed, &err), VMT_OK);
    assert_int_equal(vmt_packed_get(packed)->usage.holes, DISK_SIZE - 65536);
    vmt_packed_free(packed);
    assert_int_equal(source.freed, 0);
    vmt_template_free(template);
    assert_int_equal(source.freed, 1);
    bytes = read_all(in_folder("calls.tar.gz"), &length);
    other = read_all(make_archive("bytes.tar.gz"), &other_length);
    assert_int_equal(length, other_length);
    assert_memory_equal(bytes, other, length);
    free(bytes);
    free(other);
}

struct stream {
    size_t at;
    int fail_with;
};

static ptrdiff_t read_stream(void *user_data, uint8_t *buffer, size_t length)
{
    struct stream *stream = user_data;
    size_t rest = DISK_SIZE - stream->at;
    if (stream->fail_with != 0)
        return stream->fail_with;
    if (length > 10007) /* short reads */
        length = 10007;
    if (length > rest)
        length = rest;
    memcpy(buffer, disk_bytes() + stream->at, length);
    stream->at += length;
    return (ptrdiff_t)length;
}

static void a_stream_is_read_to_its_end(void **state)
{
    struct stream stream = {0, 0};
    vmt_image *image = vmt_image_from_stream(read_stream, &stream, NULL, &err);
    uint8_t buffer[5000];
    VMT_STRUCT(vmt_open_options, options);
    (void)state;
    fine();
    assert_int_equal(vmt_image_get(image)->size, DISK_SIZE);
    assert_int_equal(vmt_image_read_at(image, buffer, sizeof buffer, 60000, &err), VMT_OK);
    assert_memory_equal(buffer, disk_bytes() + 60000, sizeof buffer);
    vmt_image_free(image);
    options.max_size = 1 << 20;
    stream.at = 0;
    assert_null(vmt_image_from_stream(read_stream, &stream, &options, &err));
    failed_with(VMT_LIMIT_EXCEEDED);
    stream.fail_with = -EIO;
    assert_null(vmt_image_from_stream(read_stream, &stream, NULL, &err));
    failed_with(VMT_IO);
    assert_null(vmt_image_from_stream(NULL, NULL, NULL, &err));
    failed_with(VMT_NULL_ARGUMENT);
}

static void an_image_tells_what_is_on_it(void **state)
{
    vmt_image *image = vmt_image_from_bytes(disk_bytes(), DISK_SIZE, &err), *same;
    vmt_disk *disk = vmt_image_disk(image, &err);
    const vmt_disk_info *info;
    vmt_free_space *report = NULL;
    VMT_STRUCT(vmt_free_space_options, options);
    (void)state;
    fine();
    info = vmt_disk_get(disk);
    assert_string_equal(info->format, "raw");
    assert_string_equal(info->scheme, "none");
    assert_int_equal(info->size, DISK_SIZE);
    assert_int_equal(info->usage.data, DISK_SIZE);
    assert_int_equal(info->usage.zeros + info->usage.holes + info->usage.free, 0);
    assert_int_equal(info->partition_count, 0);
    assert_null(info->partitions);
    assert_int_equal(info->volume_count, 0);
    assert_null(info->table_damage);
    assert_non_null(strstr(info->json, "\"size\": 4194304"));
    vmt_disk_free(disk);
    assert_null(vmt_image_windows(image, &err));
    fine();
    same = vmt_image_without_free_space(image, NULL, &report, &err);
    fine();
    assert_int_equal(vmt_free_space_get(report)->volume_count, 0);
    assert_int_equal(vmt_free_space_get(report)->dropped, 0);
    assert_null(vmt_free_space_get(report)->table_damage);
    assert_non_null(strstr(vmt_free_space_get(report)->json, "\"volumes\": []"));
    vmt_free_space_free(report);
    vmt_image_free(same);
    options.flags = VMT_FREE_SPACE_KEEP;
    same = vmt_image_without_free_space(image, &options, NULL, &err);
    fine();
    assert_int_equal(vmt_image_get(same)->size, DISK_SIZE);
    vmt_image_free(same);
    vmt_image_free(image);
}

static void a_raw_file_is_written(void **state)
{
    vmt_image *image = vmt_image_from_bytes(disk_bytes(), DISK_SIZE, &err);
    vmt_written *written = NULL;
    const vmt_written_info *info;
    const char *path = in_folder("out.raw");
    size_t length;
    char *bytes;
    VMT_STRUCT(vmt_write_raw_options, options);
    (void)state;
    assert_int_equal(vmt_image_write_raw(image, path, NULL, &written, &err), VMT_OK);
    info = vmt_written_get(written);
    assert_int_equal(info->size, DISK_SIZE);
    assert_int_equal(info->usage.data + info->usage.zeros, DISK_SIZE);
    assert_true(info->usage.zeros >= 3u << 20);
    assert_int_equal(info->volume_count, 0);
    assert_non_null(strstr(info->json, "\"size\": 4194304"));
    vmt_written_free(written);
    bytes = read_all(path, &length);
    assert_int_equal(length, DISK_SIZE);
    assert_memory_equal(bytes, disk_bytes(), DISK_SIZE);
    free(bytes);
    assert_int_equal(vmt_image_write_raw(image, path, NULL, &written, &err), VMT_ALREADY_EXISTS);
    assert_null(written);
    failed_with(VMT_ALREADY_EXISTS);
    options.flags = VMT_WRITE_RAW_OVERWRITE;
    assert_int_equal(vmt_image_write_raw(image, path, &options, NULL, &err), VMT_OK);
    vmt_image_free(image);
}

static void a_raw_disk_goes_to_a_callback(void **state)
{
    struct sink sink = {malloc(DISK_SIZE), 0, DISK_SIZE};
    vmt_image *image = vmt_image_from_bytes(disk_bytes(), DISK_SIZE, &err);
    vmt_written *written = NULL;
    (void)state;
    assert_int_equal(vmt_image_write_raw_to(image, write_sink, &sink, NULL, &written, &err), VMT_OK);
    fine();
    assert_int_equal(vmt_written_get(written)->size, DISK_SIZE);
    vmt_written_free(written);
    assert_int_equal(sink.length, DISK_SIZE);
    assert_memory_equal(sink.bytes, disk_bytes(), DISK_SIZE);
    sink.length = 0;
    sink.most = DISK_SIZE - 1;
    assert_int_equal(vmt_image_write_raw_to(image, write_sink, &sink, NULL, &written, &err), VMT_STORAGE_FULL);
    assert_null(written);
    failed_with(VMT_STORAGE_FULL);
    assert_memory_equal(sink.bytes, disk_bytes(), sink.length);
    vmt_image_free(image);
    free(sink.bytes);
}

static void an_output_is_probed_before_the_work(void **state)
{
    const char *there = write_text("there.raw", "old");
    size_t length;
    char *bytes;
    (void)state;
    assert_int_equal(vmt_probe_output(in_folder("new.raw"), false, &err), VMT_OK);
    fine();
    assert_int_equal(access(in_folder("new.raw"), F_OK), -1);
    assert_int_equal(vmt_probe_output(there, false, &err), VMT_ALREADY_EXISTS);
    assert_string_equal(vmt_error_get(err)->path, there);
    failed_with(VMT_ALREADY_EXISTS);
    assert_int_equal(vmt_probe_output(there, true, &err), VMT_OK);
    bytes = read_all(there, &length);
    assert_string_equal(bytes, "old");
    free(bytes);
    assert_int_equal(vmt_probe_output(in_folder("no/such"), false, &err), VMT_NOT_FOUND);
    failed_with(VMT_NOT_FOUND);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_image_is_read),
        cmocka_unit_test(files_that_an_image_names_are_opened_where_they_may_be),
        cmocka_unit_test(a_disk_of_callbacks_is_read_where_it_has_data),
        cmocka_unit_test(a_callback_that_fails_or_lies_is_an_error),
        cmocka_unit_test(a_template_of_callbacks_is_packed_as_one_of_bytes),
        cmocka_unit_test(a_stream_is_read_to_its_end),
        cmocka_unit_test(an_image_tells_what_is_on_it),
        cmocka_unit_test(a_raw_file_is_written),
        cmocka_unit_test(a_raw_disk_goes_to_a_callback),
        cmocka_unit_test(an_output_is_probed_before_the_work),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
