#include "support.h"

static vmt_repository *repository;

struct bytes {
    char *data;
    size_t length;
};

static int32_t read_bytes(void *user_data, uint8_t *buffer, size_t length, uint64_t offset)
{
    const struct bytes *bytes = user_data;
    memcpy(buffer, bytes->data + offset, length);
    return 0;
}

static void an_archive_that_the_caller_reads_is_published(void **state)
{
    struct bytes bytes;
    vmt_entries *entries;
    VMT_STRUCT(vmt_source, source);
    VMT_STRUCT(vmt_entry_options, options);
    (void)state;
    bytes.data = read_all(make_archive("stream.tar.gz"), &bytes.length);
    mkdir(in_folder("streams"), 0755);
    repository = vmt_repository_create(in_folder("streams"), VMT_FORMAT_VM6, &err);
    fine();
    source.user_data = &bytes;
    source.size = bytes.length;
    source.read = read_bytes;
    entries = vmt_repository_add_source(repository, &source, "upload", NULL, &err);
    fine();
    assert_string_equal(vmt_entries_at(entries, 0)->file_name, "Windows-Server-2019.tar.gz");
    vmt_entries_free(entries);
    assert_null(vmt_repository_add_source(repository, &source, "upload", NULL, &err));
    failed_with(VMT_ALREADY_EXISTS);
    options.flags = VMT_ENTRY_REPLACE;
    entries = vmt_repository_add_source(repository, &source, "upload", &options, &err);
    fine();
    vmt_entries_free(entries);
    options.flags = 0;
    options.tags = "gold";
    entries = vmt_repository_replace_source(repository, "Windows-Server-2019", &source, "upload", &options, &err);
    fine();
    assert_string_equal(vmt_entries_at(entries, 0)->tags, "gold");
    vmt_entries_free(entries);
    options.image_name = "../x";
    assert_null(vmt_repository_add_source(repository, &source, "upload", &options, &err));
    assert_string_equal(vmt_error_get(err)->field, "image_name");
    failed_with(VMT_INVALID_VALUE);
    vmt_repository_free(repository);
    free(bytes.data);
}

static void a_template_is_added_listed_replaced_and_removed(void **state)
{
    const char *archive = make_archive("Windows-Server-2019.tar.gz");
    vmt_entries *entries;
    const vmt_entry *entry;
    vmt_report *report;
    vmt_bytes *synced;
    size_t length;
    VMT_STRUCT(vmt_entry_options, options);
    VMT_STRUCT(vmt_publish_options, publish);
    VMT_STRUCT(vmt_repository_check_options, verify);
    (void)state;
    mkdir(in_folder("repo"), 0755);
    repository = vmt_repository_create(in_folder("repo"), VMT_FORMAT_VM6, &err);
    fine();
    assert_string_equal(vmt_repository_get(repository)->folder, in_folder("repo"));
    assert_string_equal(vmt_repository_get(repository)->description, in_folder("repo/metadata.json"));
    assert_int_equal(vmt_repository_get(repository)->format, VMT_FORMAT_VM6);
    assert_null(vmt_repository_create(in_folder("repo"), VMT_FORMAT_VM6, &err));
    failed_with(VMT_ALREADY_EXISTS);
    assert_null(vmt_repository_create(in_folder("repo"), 7, &err));
    failed_with(VMT_INVALID_VALUE);

    publish.lock_timeout_ms = 5000;
    options.publish = &publish;
    options.tags = "gold,windows";
    options.image_name = "win2019";
    entries = vmt_repository_add(repository, archive, &options, &err);
    fine();
    assert_non_null(vmt_entries_at(entries, 0));
    assert_null(vmt_entries_at(entries, 1));
    assert_string_equal(vmt_entries_at(entries, 0)->name, "Windows-Server-2019");
    vmt_entries_free(entries);
    assert_null(vmt_repository_add(repository, archive, NULL, &err));
    failed_with(VMT_ALREADY_EXISTS);

    entries = vmt_repository_list(repository, &err);
    fine();
    assert_non_null(vmt_entries_at(entries, 0));
    assert_null(vmt_entries_at(entries, 1));
    assert_string_equal(vmt_entries_at(entries, 0)->tags, "gold,windows");
    assert_string_equal(vmt_entries_at(entries, 0)->file_name, "Windows-Server-2019.tar.gz");
    assert_string_equal(vmt_entries_at(entries, 0)->image_name, "win2019");
    entry = vmt_entries_at(entries, 0);
    assert_int_equal(entry->archive_size_mib, 1);
    assert_string_equal(entry->family, "Windows");
    assert_string_equal(entry->kind, "kvm-template");
    assert_non_null(strstr(entry->json, "\"name\": \"Windows-Server-2019\""));
    assert_null(entry->expand);
    assert_null(entry->network_device);
    assert_int_equal(entry->disk_mib + entry->memory_mib, 0);
    /* The template has no version; the modification time of the archive is always known. */
    assert_null(entry->version);
    assert_int_equal(strlen(entry->modified), strlen("2026-03-01 09:05:00"));
    vmt_entries_free(entries);

    report = vmt_repository_check(repository, NULL, &err);
    fine();
    assert_int_equal(vmt_report_count(report, VMT_ERROR), 0);
    vmt_report_free(report);

    synced = vmt_repository_sync(repository, &publish, &err);
    fine();
    assert_non_null(strstr((const char *)vmt_bytes_data(synced, NULL), "\"missing\": []"));
    assert_non_null(strstr((const char *)vmt_bytes_data(synced, NULL), "\"damaged\": {}"));
    vmt_bytes_free(synced);

    options.flags = VMT_ENTRY_REPLACE;
    options.set = "{\"os_group\": \"windows\", \"efi_boot\": true}";
    entries = vmt_repository_add(repository, archive, &options, &err);
    fine();
    assert_non_null(strstr(vmt_entries_at(entries, 0)->json, "\"efi_boot\": \"true\""));
    vmt_entries_free(entries);
    options.set = "{\"name\": \"x\"}";
    assert_null(vmt_repository_add(repository, archive, &options, &err));
    failed_with(VMT_INVALID_VALUE);
    options.set = "[]";
    assert_null(vmt_repository_add(repository, archive, &options, &err));
    failed_with(VMT_INVALID_VALUE);
    options.set = NULL;
    options.flags = 4;
    assert_null(vmt_repository_add(repository, archive, &options, &err));
    failed_with(VMT_INVALID_VALUE);
    options.flags = 0;

    options.tags = "silver";
    entries = vmt_repository_replace(repository, "Windows-Server-2019", archive, &options, &err);
    fine();
    assert_string_equal(vmt_entries_at(entries, 0)->tags, "silver");
    vmt_entries_free(entries);
    assert_null(vmt_repository_replace(repository, "Other", archive, NULL, &err));
    failed_with(vmt_error_code(err));

    free(read_all(in_folder("repo/SHA256SUMS"), &length));
    write_text("repo/SHA256SUMS", "");
    verify.flags = VMT_REPOSITORY_CHECK_QUICK;
    report = vmt_repository_check(repository, &verify, &err);
    fine();
    assert_true(vmt_report_count(report, 0) > 0);
    vmt_report_free(report);

    entries = vmt_repository_remove(repository, "Windows-Server-2019", NULL, &err);
    fine();
    vmt_entries_free(entries);
    assert_null(vmt_repository_remove(repository, "Windows-Server-2019", NULL, &err));
    failed_with(vmt_error_code(err));
    vmt_repository_free(repository);
}

static void a_template_is_pushed_and_fetched(void **state)
{
    vmt_template *template = make_template();
    vmt_pushed *pushed;
    vmt_fetched *fetched;
    const vmt_fetched_info *info;
    size_t length;
    VMT_STRUCT(vmt_pack_options, pack);
    VMT_STRUCT(vmt_entry_options, entry);
    VMT_STRUCT(vmt_fetch_options, fetch);
    (void)state;
    mkdir(in_folder("pushed"), 0755);
    mkdir(in_folder("fetched"), 0755);
    repository = vmt_repository_create(in_folder("pushed"), VMT_FORMAT_VM6, &err);
    pack.flags = VMT_PACK_LEVEL;
    pack.level = 1;
    entry.tags = "pushed";
    pushed = vmt_repository_push(repository, template, &pack, &entry, &err);
    fine();
    assert_string_equal(vmt_pushed_get(pushed)->entry->tags, "pushed");
    assert_true(vmt_pushed_get(pushed)->packed->content_bytes > DISK_SIZE);
    assert_int_equal(strlen(vmt_pushed_get(pushed)->sha256), 64);
    assert_non_null(strstr(vmt_pushed_get(pushed)->json, vmt_pushed_get(pushed)->sha256));
    vmt_pushed_free(pushed);
    assert_null(vmt_repository_push(repository, template, NULL, NULL, &err));
    failed_with(VMT_ALREADY_EXISTS);
    entry.flags = VMT_ENTRY_REPLACE;
    pushed = vmt_repository_push(repository, template, NULL, &entry, &err);
    fine();
    fetched = vmt_repository_fetch(repository, "Windows-Server-2019", in_folder("fetched"), NULL, &err);
    fine();
    info = vmt_fetched_get(fetched);
    free(read_all(info->path, &length));
    assert_int_equal(info->archive_bytes, length);
    assert_string_equal(info->sha256, vmt_pushed_get(pushed)->sha256);
    assert_string_equal(info->entry->name, "Windows-Server-2019");
    assert_true(info->has_checksum);
    assert_int_equal(info->resumed_at, 0);
    assert_non_null(strstr(info->json, "\"has_checksum\": true"));
    vmt_pushed_free(pushed);
    vmt_fetched_free(fetched);
    fetch.flags = VMT_FETCH_OVERWRITE;
    fetched = vmt_repository_fetch(repository, "Windows-Server-2019", in_folder("fetched"), &fetch, &err);
    fine();
    vmt_fetched_free(fetched);
    assert_null(vmt_repository_fetch(repository, "Other", in_folder("fetched"), NULL, &err));
    failed_with(vmt_error_code(err));
    vmt_repository_free(repository);
    vmt_template_free(template);
}

static void a_repository_is_opened_by_its_description(void **state)
{
    (void)state;
    mkdir(in_folder("five"), 0755);
    vmt_repository_free(vmt_repository_create(in_folder("five"), VMT_FORMAT_VM5, &err));
    fine();
    repository = vmt_repository_open(in_folder("five"), 0, &err);
    fine();
    assert_int_equal(vmt_repository_get(repository)->format, VMT_FORMAT_VM5);
    vmt_repository_free(repository);
    repository = vmt_repository_open(in_folder("five"), VMT_FORMAT_VM5, &err);
    fine();
    vmt_repository_free(repository);
    assert_null(vmt_repository_open(in_folder("five"), 7, &err));
    failed_with(VMT_INVALID_VALUE);
    assert_null(vmt_repository_open(in_folder("nothing"), 0, &err));
    failed_with(VMT_NOT_FOUND);
}

/* A key pair that was made with `minisign -G -W` for this test and signs nothing else. */
static const char PUBLIC_KEY[] =
    "untrusted comment: minisign public key\nRWR2LkzxlDoaPsF/lzl4rBMr3ed5JkPht3L5w7afEu6Wgfy/cnHDD1vp\n";
static const char SECRET_KEY[] =
    "untrusted comment: minisign secret key\nRWQAAEIyAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAdi5M8ZQ6Gj70rs0T9qXdQxF2nzxs8RjcI4S5AaQZq1bO3io4j9RJvsF/lzl4rBMr3ed5JkPht3L5w7afEu6Wgfy/cnHDD1vpAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n";

static void a_repository_is_signed_and_its_signature_is_asked_for(void **state)
{
    const char *archive = make_archive("signed.tar.gz");
    vmt_signing_key *key = vmt_signing_key_from_file(write_text("minisign.key", SECRET_KEY), NULL, &err);
    vmt_public_key *public_key = vmt_public_key_from_text(PUBLIC_KEY, &err), *other;
    vmt_report *report;
    VMT_STRUCT(vmt_entry_options, options);
    VMT_STRUCT(vmt_publish_options, publish);
    VMT_STRUCT(vmt_repository_check_options, verify);
    (void)state;
    fine();
    other = vmt_public_key_from_file(write_text("minisign.pub", PUBLIC_KEY), &err);
    fine();
    mkdir(in_folder("signed"), 0755);
    repository = vmt_repository_create(in_folder("signed"), VMT_FORMAT_VM6, &err);
    verify.public_key = public_key;
    report = vmt_repository_check(repository, &verify, &err);
    fine();
    assert_true(vmt_report_count(report, VMT_ERROR) > 0);
    vmt_report_free(report);
    publish.key = key;
    options.publish = &publish;
    vmt_entries_free(vmt_repository_add(repository, archive, &options, &err));
    fine();
    report = vmt_repository_check(repository, &verify, &err);
    fine();
    assert_int_equal(vmt_report_count(report, VMT_ERROR), 0);
    vmt_report_free(report);
    assert_null(vmt_repository_remove(repository, "Windows-Server-2019", NULL, &err));
    failed_with(VMT_INVALID_SIGNATURE);
    vmt_repository_free(repository);
    vmt_public_key_free(other);
    vmt_public_key_free(public_key);
    vmt_signing_key_free(key);
    assert_null(vmt_public_key_from_text("no key", &err));
    failed_with(VMT_INVALID_VALUE);
    assert_null(vmt_signing_key_from_file("/no/such.key", NULL, &err));
    failed_with(VMT_NOT_FOUND);
    assert_null(vmt_public_key_from_file("/no/such.pub", &err));
    failed_with(VMT_NOT_FOUND);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_template_is_added_listed_replaced_and_removed),
        cmocka_unit_test(an_archive_that_the_caller_reads_is_published),
        cmocka_unit_test(a_template_is_pushed_and_fetched),
        cmocka_unit_test(a_repository_is_opened_by_its_description),
        cmocka_unit_test(a_repository_is_signed_and_its_signature_is_asked_for),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
