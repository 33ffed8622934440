/* For nulls.c: a handle of each type, and assertions after each call. */
#include "support.h"

static const char *at; /* the call that is being made */
static bool panics;
static const char *const texts[1] = {"x"};
static uint8_t buffer[16];
static size_t calls;

static void stop(const char *why)
{
    fprintf(stderr, "%s: %s\n", at, why);
    if (err != NULL)
        fprintf(stderr, "%s\n", vmt_error_text(err));
    exit(1);
}

/* After a call with an error: it failed if and only if the error is set, and a required NULL has its own code. */
static void after(bool failed, bool refused)
{
    calls++;
    if (panics && !failed)
        stop("came back from a panic as if nothing had been");
    if (failed != (err != NULL))
        stop(failed ? "failed without an error" : "succeeded with an error");
    if (panics) {
        unsetenv("VMT_TEST_PANICS");
        if (vmt_error_code(err) != VMT_PANIC || strstr(vmt_error_text(err), "a panic that a test asked for") == NULL)
            stop("lost the message of a panic");
        setenv("VMT_TEST_PANICS", "1", 1);
    } else if (refused && (!failed || vmt_error_code(err) != VMT_NULL_ARGUMENT)) {
        stop("took NULL for something");
    }
    if (panics)
        unsetenv("VMT_TEST_PANICS");
    vmt_error_free(err);
    if (panics)
        setenv("VMT_TEST_PANICS", "1", 1);
    err = NULL;
}

/* The same for a call whose `err` was NULL. */
static void bare(vmt_code code, bool refused)
{
    calls++;
    if (panics ? code != VMT_PANIC : refused && code != VMT_NULL_ARGUMENT)
        stop("returned another code");
}

/* After a getter. */
static void nothing(bool nothing, bool refused)
{
    calls++;
    if ((panics || refused) && !nothing)
        stop("gave something where there is nothing");
}

static int32_t sample_vmt_progress_fn(void *data, uint64_t bytes, uint64_t total)
{
    (void)data, (void)bytes, (void)total;
    return 0;
}
static int32_t sample_vmt_extent_fn(void *data, const vmt_extent *extent)
{
    (void)data, (void)extent;
    return 0;
}
static ptrdiff_t sample_vmt_read_fn(void *data, uint8_t *bytes, size_t length)
{
    (void)data, (void)bytes, (void)length;
    return 0;
}

static int32_t sample_vmt_write_fn(void *data, const uint8_t *bytes, size_t length)
{
    (void)data, (void)bytes, (void)length;
    return 0;
}

static vmt_archive *new_vmt_archive(void) { return vmt_archive_open("sample.tar.gz", NULL, &err); }
static vmt_bytes *new_vmt_bytes(void)
{
    vmt_archive *archive = new_vmt_archive();
    vmt_bytes *bytes = vmt_archive_read(archive, "metainfo.xml", &err);
    vmt_archive_free(archive);
    return bytes;
}
static vmt_control *new_vmt_control(void) { return vmt_control_new(NULL, NULL); }
static vmt_script *new_vmt_script(void) { return vmt_script_new((const uint8_t *)"goto a\n", 7, &err); }
static vmt_drive *new_vmt_drive(void)
{
    vmt_script *script = new_vmt_script();
    vmt_drive *drive = vmt_drive_new(script, NULL, &err);
    vmt_script_free(script);
    return drive;
}
static vmt_repository *new_vmt_repository(void) { return vmt_repository_open("repo", 0, &err); }
static vmt_entries *new_vmt_entries(void)
{
    vmt_repository *repository = new_vmt_repository();
    vmt_entries *entries = vmt_repository_list(repository, &err);
    vmt_repository_free(repository);
    return entries;
}
static vmt_fetched *new_vmt_fetched(void)
{
    vmt_repository *repository = new_vmt_repository();
    vmt_fetched *fetched;
    VMT_STRUCT(vmt_fetch_options, options);
    options.flags = VMT_FETCH_OVERWRITE;
    fetched = vmt_repository_fetch(repository, "Windows-Server-2019", "fetched", &options, &err);
    vmt_repository_free(repository);
    return fetched;
}
static vmt_error *new_vmt_error(void)
{
    vmt_error *error;
    vmt_template_free(vmt_template_open("/no/such", NULL, &error));
    return error;
}
static vmt_files *new_vmt_files(void)
{
    static int next;
    char name[32];
    vmt_archive *archive;
    vmt_files *files;
    snprintf(name, sizeof name, "unpacked-%d", next++);
    archive = new_vmt_archive();
    files = vmt_archive_unpack(archive, name, NULL, &err);
    vmt_archive_free(archive);
    return files;
}
static vmt_first_run *new_vmt_first_run(void) { return vmt_first_run_new(NULL, &err); }
static vmt_image *new_vmt_image(void) { return vmt_image_from_bytes(disk_bytes(), 65536, &err); }
static vmt_disk *new_vmt_disk(void)
{
    vmt_image *image = new_vmt_image();
    vmt_disk *disk = vmt_image_disk(image, &err);
    vmt_image_free(image);
    return disk;
}
static vmt_free_space *new_vmt_free_space(void)
{
    vmt_image *image = new_vmt_image();
    vmt_free_space *report;
    vmt_image_free(vmt_image_without_free_space(image, NULL, &report, &err));
    vmt_image_free(image);
    return report;
}
static vmt_written *new_vmt_written(void)
{
    vmt_image *image = new_vmt_image();
    vmt_written *written;
    VMT_STRUCT(vmt_write_raw_options, options);
    options.flags = VMT_WRITE_RAW_OVERWRITE;
    vmt_image_write_raw(image, "written.raw", &options, &written, &err);
    vmt_image_free(image);
    return written;
}
static vmt_image *windows;
static vmt_ntfs *new_vmt_ntfs(void) { return windows_volume(windows); }
static vmt_ntfs_file *new_vmt_ntfs_file(void)
{
    vmt_ntfs *ntfs = new_vmt_ntfs();
    vmt_ntfs_file *file = vmt_ntfs_file_open(ntfs, "Windows/System32/config/SYSTEM", &err);
    vmt_ntfs_free(ntfs);
    return file;
}
static vmt_hive *new_vmt_hive(void)
{
    vmt_ntfs_file *file = new_vmt_ntfs_file();
    vmt_hive *hive = vmt_hive_open(file, &err);
    vmt_ntfs_file_free(file);
    return hive;
}
static vmt_hive_key *new_vmt_hive_key(void)
{
    vmt_hive *hive = new_vmt_hive();
    vmt_hive_key *key = vmt_hive_key_open(hive, "", &err);
    vmt_hive_free(hive);
    return key;
}
static vmt_hive_keys *new_vmt_hive_keys(void)
{
    vmt_hive_key *key = new_vmt_hive_key();
    vmt_hive_keys *keys = vmt_hive_key_subkeys(key, &err);
    vmt_hive_key_free(key);
    return keys;
}
static vmt_hive_values *new_vmt_hive_values(void)
{
    vmt_hive_key *key = new_vmt_hive_key();
    vmt_hive_values *values = vmt_hive_key_values(key, &err);
    vmt_hive_key_free(key);
    return values;
}
static vmt_macros *new_vmt_macros(void) { return vmt_find_macros("($IP)", 5, &err); }
static vmt_metainfo *new_vmt_metainfo(void) { return vmt_metainfo_new("Windows", &err); }
static vmt_template *new_vmt_template(void) { return vmt_template_open("sample.tar.gz", NULL, &err); }
static vmt_packed *new_vmt_packed(void)
{
    vmt_template *template = new_vmt_template();
    vmt_packed *packed;
    VMT_STRUCT(vmt_pack_options, options);
    options.flags = VMT_PACK_OVERWRITE;
    vmt_template_pack(template, "packed.tar.gz", &options, &packed, &err);
    vmt_template_free(template);
    return packed;
}
static vmt_pushed *new_vmt_pushed(void)
{
    vmt_repository *repository = new_vmt_repository();
    vmt_template *template = new_vmt_template();
    vmt_pushed *pushed;
    VMT_STRUCT(vmt_entry_options, options);
    options.flags = VMT_ENTRY_REPLACE;
    pushed = vmt_repository_push(repository, template, NULL, &options, &err);
    vmt_template_free(template);
    vmt_repository_free(repository);
    return pushed;
}
static vmt_public_key *new_vmt_public_key(void) { return vmt_public_key_from_file("minisign.pub", &err); }
static vmt_signing_key *new_vmt_signing_key(void) { return vmt_signing_key_from_file("minisign.key", NULL, &err); }
static vmt_report *new_vmt_report(void)
{
    vmt_script *script = new_vmt_script();
    vmt_report *report = vmt_script_check(script, NULL, &err);
    vmt_script_free(script);
    return report;
}
static vmt_values *new_vmt_values(void) { return vmt_values_new(); }
static vmt_verified *new_vmt_verified(void)
{
    vmt_archive *archive = new_vmt_archive();
    vmt_verified *verified = vmt_archive_verify(archive, NULL, &err);
    vmt_archive_free(archive);
    return verified;
}

#define EACH_TYPE(X)                                                                                                   \
    X(vmt_archive) X(vmt_bytes) X(vmt_control) X(vmt_script) X(vmt_drive) X(vmt_repository) X(vmt_entries)             \
    X(vmt_error) X(vmt_files) X(vmt_first_run) X(vmt_image) X(vmt_disk) X(vmt_free_space) X(vmt_written) X(vmt_ntfs)   \
    X(vmt_ntfs_file) X(vmt_hive) X(vmt_hive_key) X(vmt_hive_keys) X(vmt_hive_values) X(vmt_macros) X(vmt_metainfo)     \
    X(vmt_template) X(vmt_packed) X(vmt_pushed) X(vmt_public_key) X(vmt_signing_key) X(vmt_report) X(vmt_values)       \
    X(vmt_verified) X(vmt_fetched)

#define FIELD(type) type *type;
static struct {
    EACH_TYPE(FIELD)
} samples;

/* Another handle of a type, for a call that changes, consumes or frees it. */
#define FRESH(type)                                                                                                    \
    static type *fresh_##type(void)                                                                                    \
    {                                                                                                                  \
        type *fresh;                                                                                                   \
        unsetenv("VMT_TEST_PANICS");                                                                                   \
        fresh = new_##type();                                                                                          \
        if (fresh == NULL)                                                                                             \
            stop("no more samples of " #type);                                                                         \
        if (panics)                                                                                                    \
            setenv("VMT_TEST_PANICS", "1", 1);                                                                         \
        return fresh;                                                                                                  \
    }
EACH_TYPE(FRESH)

static const char PUBLIC_KEY[] = "untrusted comment: minisign public key\nRWR2LkzxlDoaPsF/lzl4rBMr3ed5JkPht3L5w7afEu6Wgfy/cnHDD1vp\n";
static const char SECRET_KEY[] = "untrusted comment: minisign secret key\nRWQAAEIyAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAdi5M8ZQ6Gj70rs0T9qXdQxF2nzxs8RjcI4S5AaQZq1bO3io4j9RJvsF/lzl4rBMr3ed5JkPht3L5w7afEu6Wgfy/cnHDD1vpAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n";

static void begin(int count, char **arguments)
{
    vmt_repository *repository;
    at = "begin";
    panics = count > 1 && strcmp(arguments[1], "panics") == 0;
    if (make_folder(NULL) != 0 || chdir(folder) != 0 || mkdir("repo", 0755) != 0 || mkdir("fetched", 0755) != 0)
        stop("cannot make a folder");
    make_archive("sample.tar.gz");
    windows = windows_image();
    write_text("minisign.pub", PUBLIC_KEY);
    write_text("minisign.key", SECRET_KEY);
    repository = vmt_repository_create("repo", VMT_FORMAT_VM6, &err);
    vmt_entries_free(vmt_repository_add(repository, "sample.tar.gz", NULL, &err));
    vmt_repository_free(repository);
#define MAKE(type)                                                                                                     \
    at = "a sample of " #type;                                                                                         \
    samples.type = new_##type();                                                                                       \
    if (samples.type == NULL)                                                                                          \
        stop("failed");
    EACH_TYPE(MAKE)
    if (panics)
        setenv("VMT_TEST_PANICS", "1", 1);
}

static int end(int functions)
{
    unsetenv("VMT_TEST_PANICS");
#define DROP(type) type##_free(samples.type);
    EACH_TYPE(DROP)
    vmt_image_free(windows);
    printf("%d functions in %zu calls%s\n", functions, calls, panics ? ", each of which panicked" : "");
    return chdir("/") != 0 || remove_folder(NULL) != 0;
}
