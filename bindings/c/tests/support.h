/* Helpers of the tests: a separate folder for each, and errors that fail a test with their text. */
#ifndef SUPPORT_H
#define SUPPORT_H

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>
#include <vmtemplate.h>

static vmt_error *err; /* set by every call of a test */

/* Fail unless the last call succeeded. */
#define fine()                                                                                                         \
    do {                                                                                                               \
        if (err != NULL)                                                                                               \
            fail_msg("%s", vmt_error_text(err));                                                                 \
    } while (0)

/* Fail unless the last call failed with this code; frees the error. */
#define failed_with(code)                                                                                              \
    do {                                                                                                               \
        assert_non_null(err);                                                                                          \
        assert_int_equal(vmt_error_code(err), code);                                                                   \
        vmt_error_free(err);                                                                                           \
        err = NULL;                                                                                                    \
    } while (0)

/* Fail unless a text exists, equals this, has this length, and ends with a NUL. */
#define says(expected, call)                                                                                           \
    do {                                                                                                               \
        size_t length = 99999;                                                                                         \
        const char *text = (call);                                                                                     \
        assert_non_null(text);                                                                                         \
        assert_string_equal(text, expected);                                                                           \
        assert_int_equal(length, strlen(expected));                                                                    \
        assert_int_equal(text[length], 0);                                                                             \
    } while (0)

/* The number of files in a list. */
static size_t count_files(const vmt_files *files)
{
    size_t count = 0;
    while (vmt_files_at(files, count) != NULL)
        count++;
    return count;
}

/* Fail unless no text exists. */
#define says_nothing(call)                                                                                             \
    do {                                                                                                               \
        size_t length = 99999;                                                                                         \
        assert_null(call);                                                                                             \
        assert_int_equal(length, 0);                                                                                   \
    } while (0)

static char folder[] = "/tmp/vmt-c-test-XXXXXX";

static int make_folder(void **state)
{
    (void)state;
    return mkdtemp(folder) == NULL;
}

static int remove_folder(void **state)
{
    char command[64];
    (void)state;
    snprintf(command, sizeof command, "rm -rf %s", folder);
    return system(command);
}

/* A path in the test's folder. Sixteen may be in use at the same time. */
static const char *in_folder(const char *name)
{
    static char paths[16][256];
    static int next;
    char *path = paths[next++ % 16];
    snprintf(path, sizeof paths[0], "%s/%s", folder, name);
    return path;
}

static const char *write_file(const char *name, const void *bytes, size_t length)
{
    const char *path = in_folder(name);
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, length, file), length);
    fclose(file);
    return path;
}

static const char *write_text(const char *name, const char *text)
{
    return write_file(name, text, strlen(text));
}

/* The content of a file; the caller frees it. */
static char *read_all(const char *path, size_t *length)
{
    struct stat status;
    FILE *file = fopen(path, "rb");
    char *bytes;
    assert_non_null(file);
    assert_int_equal(fstat(fileno(file), &status), 0);
    bytes = malloc((size_t)status.st_size + 1);
    *length = fread(bytes, 1, (size_t)status.st_size, file);
    bytes[*length] = 0;
    fclose(file);
    return bytes;
}

/* A disk of 4 MiB: 64 KiB of incompressible data, then zeros. */
#define DISK_SIZE (4u << 20)
static const uint8_t *disk_bytes(void)
{
    static uint8_t bytes[DISK_SIZE];
    uint32_t seed = 1;
    size_t i;
    for (i = 0; i < 65536; i++) {
        seed = seed * 1664525u + 1013904223u;
        bytes[i] = (uint8_t)(seed >> 24);
    }
    bytes[510] = bytes[511] = 0; /* no boot sector */
    return bytes;
}

/* What the tests build templates of, but for the image. */
static vmt_template_spec make_spec(void)
{
    static const char *const tags[] = {"windows"}, *const macros[] = {"($PRODUCTKEY)"};
    VMT_STRUCT(vmt_template_spec, spec);
    spec.name = "Windows-Server-2019";
    spec.limits.memory_mib = 1024;
    spec.limits.ipv4 = VMT_YES;
    spec.tags = tags;
    spec.tag_count = 1;
    spec.macros = macros;
    spec.macro_count = 1;
    return spec;
}

/* A template with this disk. */
static vmt_template *make_template(void)
{
    vmt_template_spec spec = make_spec();
    vmt_image *image = vmt_image_from_bytes(disk_bytes(), DISK_SIZE, &err);
    vmt_template *template;
    fine();
    spec.image = image;
    template = vmt_template_build(&spec, &err);
    vmt_image_free(image);
    fine();
    return template;
}

/* The same, packed. */
static const char *make_archive(const char *name)
{
    const char *path = in_folder(name);
    vmt_template *template = make_template();
    assert_int_equal(vmt_template_pack(template, path, NULL, NULL, &err), VMT_OK);
    fine();
    vmt_template_free(template);
    return path;
}

/* Receives output, up to `most` bytes; more bytes do not fit on the device. */
struct sink {
    uint8_t *bytes;
    size_t length, most;
};

static int32_t write_sink(void *user_data, const uint8_t *bytes, size_t length)
{
    struct sink *sink = user_data;
    if (sink->length + length > sink->most)
        return ENOSPC;
    memcpy(sink->bytes + sink->length, bytes, length);
    sink->length += length;
    return 0;
}

/* The disk of a prepared Windows; the file of the image is in the test's folder. VMT_ROOT is the root of the repository. */
static vmt_image *windows_image(void)
{
    char command[600];
    vmt_image *image;
    assert_non_null(getenv("VMT_ROOT"));
    snprintf(command, sizeof command, "gzip -dc '%s/tests/fixtures/windows-bios.raw.gz' > %s", getenv("VMT_ROOT"),
             in_folder("windows.raw"));
    assert_int_equal(system(command), 0);
    image = vmt_image_open(in_folder("windows.raw"), NULL, &err);
    fine();
    return image;
}

/* The NTFS volume on it that contains Windows. */
static vmt_ntfs *windows_volume(const vmt_image *image)
{
    vmt_disk *disk = vmt_image_disk(image, &err);
    const vmt_disk_info *info = vmt_disk_get(disk);
    vmt_ntfs *ntfs = NULL;
    size_t i;
    fine();
    for (i = 0; ntfs == NULL && i < info->partition_count; i++) {
        vmt_ntfs *found = vmt_ntfs_open(image, info->partitions[i]->offset, info->partitions[i]->length, NULL);
        vmt_ntfs_file *windows = vmt_ntfs_file_open(found, "Windows", NULL);
        if (windows != NULL)
            ntfs = found;
        else
            vmt_ntfs_free(found);
        vmt_ntfs_file_free(windows);
    }
    vmt_disk_free(disk);
    assert_non_null(ntfs);
    return ntfs;
}

/* Not every test uses all of these. */
static void (*const unused[])(void) __attribute__((unused)) = {
    (void (*)(void))make_folder, (void (*)(void))remove_folder, (void (*)(void))write_text,
    (void (*)(void))read_all,    (void (*)(void))make_archive,  (void (*)(void))write_sink,
    (void (*)(void))count_files, (void (*)(void))windows_volume, (void (*)(void))windows_image,
};

#endif
