/* Files of NTFS volumes, and registry hives. */
#include "support.h"

static vmt_image *image;
static vmt_ntfs *ntfs;

static int open_disk(void **state)
{
    if (make_folder(state) != 0)
        return -1;
    image = windows_image();
    ntfs = windows_volume(image);
    return 0;
}

static int close_disk(void **state)
{
    vmt_ntfs_free(ntfs);
    vmt_image_free(image);
    return remove_folder(state);
}

static void a_disk_says_how_it_is_divided(void **state)
{
    vmt_disk *disk = vmt_image_disk(image, &err);
    const vmt_disk_info *info = vmt_disk_get(disk);
    const vmt_partition *partition;
    const vmt_volume *volume;
    (void)state;
    fine();
    assert_string_equal(info->scheme, "mbr");
    assert_int_equal(info->sector_size, 512);
    assert_int_equal(strlen(info->disk_id), 8);
    assert_int_equal(info->warning_count, 0);
    assert_null(info->table_damage);
    assert_true(info->partition_count > 0);
    partition = info->partitions[0];
    assert_int_equal(partition->index, 1);
    assert_true(partition->is_active);
    assert_string_equal(partition->kind, "NTFS or exFAT (07)");
    assert_string_equal(partition->name, "");
    assert_null(partition->id);
    assert_int_equal(info->volume_count, info->partition_count);
    volume = info->volumes[0];
    assert_int_equal(volume->partition, 1);
    assert_int_equal(volume->offset, partition->offset);
    assert_non_null(volume->label);
    assert_true(volume->cluster_size >= 512);
    assert_null(volume->kept);
    assert_null(volume->detail);
    assert_true(volume->dropped > 0);
    assert_int_equal(volume->page_files, 0);
    assert_int_equal(volume->shadow_copies, 0);
    assert_int_equal(info->usage.data + info->usage.holes + info->usage.free, info->size);
    vmt_disk_free(disk);
}

static vmt_ntfs_file *file(const char *path)
{
    vmt_ntfs_file *file = vmt_ntfs_file_open(ntfs, path, &err);
    fine();
    return file;
}

static void a_volume_says_what_it_is(void **state)
{
    const vmt_ntfs_info *info = vmt_ntfs_get(ntfs);
    vmt_hibernation hibernation = 99;
    bool clean = false;
    (void)state;
    assert_true(info->offset > 0 && info->size > 0);
    assert_true(info->offset + info->size <= vmt_image_get(image)->size);
    assert_true(info->cluster_size >= 512);
    assert_true(info->serial_number != 0);
    assert_non_null(info->label);
    assert_int_equal(info->major_version, 3);
    assert_int_equal(info->minor_version, 1);
    assert_false(info->is_dirty);
    assert_int_equal(vmt_ntfs_has_clean_journal(ntfs, &clean, &err), VMT_OK);
    assert_true(clean);
    assert_int_equal(vmt_ntfs_hibernation(ntfs, &hibernation, &err), VMT_OK);
    assert_int_equal(hibernation, VMT_HIBERNATION_NONE);
}

static void where_no_volume_is_none_is_opened(void **state)
{
    (void)state;
    assert_null(vmt_ntfs_open(image, 0, 0, &err)); /* the boot sector of the disk */
    failed_with(VMT_INVALID_IMAGE);
    assert_null(vmt_ntfs_open(image, 0, vmt_image_get(image)->size + 1, &err));
    failed_with(VMT_INVALID_VALUE);
    assert_null(vmt_ntfs_open(image, UINT64_MAX, 2, &err));
    failed_with(VMT_INVALID_VALUE);
}

static void files_are_listed_and_read(void **state)
{
    vmt_ntfs_file *config = file("Windows\\System32\\config"), *hive = file("windows/system32/config/system");
    vmt_files *list = vmt_ntfs_file_list(config, &err);
    const vmt_file *entry, *stat = vmt_ntfs_file_get(hive);
    vmt_bytes *bytes;
    const uint8_t *data;
    uint8_t buffer[16];
    size_t i, length, count = 99;
    uint64_t listed = 0;
    (void)state;
    fine();
    assert_true(vmt_ntfs_file_get(config)->is_folder);
    for (i = 0; (entry = vmt_files_at(list, i)) != NULL; i++)
        if (strcmp(entry->name, "SYSTEM") == 0) {
            assert_false(entry->is_folder);
            listed = entry->size;
        }
    vmt_files_free(list);
    assert_string_equal(stat->name, "windows/system32/config/system");
    assert_false(stat->is_folder);
    assert_null(stat->sha256);
    assert_true(listed > 0);
    assert_int_equal(stat->size, listed);

    bytes = vmt_ntfs_file_read(hive, 16 << 20, &err);
    fine();
    data = vmt_bytes_data(bytes, &length);
    assert_int_equal(length, stat->size);
    assert_memory_equal(data, "regf", 4);
    assert_int_equal(vmt_ntfs_file_read_at(hive, buffer, sizeof buffer, 4, &count, &err), VMT_OK);
    assert_int_equal(count, sizeof buffer);
    assert_memory_equal(buffer, data + 4, sizeof buffer);
    assert_int_equal(vmt_ntfs_file_read_at(hive, buffer, sizeof buffer, length - 3, &count, &err), VMT_OK);
    assert_int_equal(count, 3);
    assert_memory_equal(buffer, data + length - 3, 3);
    assert_int_equal(vmt_ntfs_file_read_at(hive, buffer, sizeof buffer, length + 1, &count, &err), VMT_OK);
    assert_int_equal(count, 0);
    vmt_bytes_free(bytes);

    assert_null(vmt_ntfs_file_read(hive, 16, &err));
    assert_string_equal(vmt_error_get(err)->entry, "windows/system32/config/system");
    failed_with(VMT_LIMIT_EXCEEDED);
    assert_null(vmt_ntfs_file_read(config, 16, &err));
    failed_with(VMT_INVALID_VALUE);
    count = 99;
    assert_int_equal(vmt_ntfs_file_read_at(config, buffer, 1, 0, &count, &err), VMT_INVALID_VALUE);
    failed_with(VMT_INVALID_VALUE);
    assert_int_equal(count, 0);
    assert_null(vmt_ntfs_file_list(hive, &err));
    failed_with(VMT_INVALID_VALUE);
    assert_null(vmt_ntfs_file_open(ntfs, "no\\such", &err));
    failed_with(VMT_NOT_FOUND);
    vmt_ntfs_file_free(hive);
    vmt_ntfs_file_free(config);
}

/* The hive in a file, which outlives everything that it was opened from. */
static vmt_hive *hive_of(const char *path)
{
    vmt_ntfs *volume = vmt_ntfs_open(image, vmt_ntfs_get(ntfs)->offset, 0, &err);
    vmt_ntfs_file *source = vmt_ntfs_file_open(volume, path, &err);
    vmt_hive *hive;
    fine();
    vmt_ntfs_free(volume);
    hive = vmt_hive_open(source, &err);
    vmt_ntfs_file_free(source);
    fine();
    return hive;
}

static void values_have_types_and_are_read_by_them(void **state)
{
    vmt_hive *hive = hive_of("Windows\\System32\\config\\SOFTWARE");
    vmt_hive_key *key = vmt_hive_key_open(hive, "microsoft\\WINDOWS NT\\CurrentVersion", &err);
    vmt_hive_values *values;
    const vmt_hive_value *value, *product = NULL;
    vmt_bytes *text, *data;
    uint32_t number;
    uint64_t large;
    size_t i, length;
    (void)state;
    fine();
    assert_true(vmt_hive_is_clean(hive));
    vmt_hive_free(hive); /* keys keep what they need */
    says("CurrentVersion", vmt_hive_key_name(key, &length));
    values = vmt_hive_key_values(key, &err);
    fine();
    for (i = 0; (value = vmt_hive_values_at(values, i)) != NULL; i++)
        if (strcmp(value->name, "ProductName") == 0)
            product = value;
    assert_non_null(product);
    assert_int_equal(product->kind, VMT_REG_SZ);
    assert_string_equal(product->kind_name, "REG_SZ");
    text = vmt_hive_key_string(key, "productname", &err);
    fine();
    assert_memory_equal(vmt_bytes_data(text, &length), "Windows", 7);
    assert_int_equal(strlen((const char *)vmt_bytes_data(text, NULL)), length);
    data = vmt_hive_key_data(key, "ProductName", &err);
    fine();
    assert_memory_equal(vmt_bytes_data(data, &length), "W\0i\0n\0", 6);
    assert_int_equal(length, product->size);
    vmt_bytes_free(data);
    data = vmt_hive_key_strings(key, "ProductName", &err); /* a list of one */
    fine();
    assert_string_equal(vmt_bytes_data(data, &length), vmt_bytes_data(text, NULL));
    assert_int_equal(length, strlen((const char *)vmt_bytes_data(text, NULL)) + 1);
    vmt_bytes_free(data);
    vmt_bytes_free(text);
    vmt_hive_values_free(values);
    assert_int_equal(vmt_hive_key_u32(key, "ProductName", &number, &err), VMT_INVALID_VALUE);
    failed_with(VMT_INVALID_VALUE);
    assert_int_equal(vmt_hive_key_u64(key, "ProductName", &large, &err), VMT_INVALID_VALUE);
    failed_with(VMT_INVALID_VALUE);
    assert_null(vmt_hive_key_string(key, "NoSuch", &err));
    assert_non_null(strstr(vmt_error_text(err), "`CurrentVersion` has no value `NoSuch`"));
    failed_with(VMT_NOT_FOUND);
    assert_null(vmt_hive_key_subkey(key, "NoSuch", &err));
    failed_with(VMT_NOT_FOUND);
    vmt_hive_key_free(key);

    hive = hive_of("Windows/System32/config/SYSTEM");
    assert_null(vmt_hive_key_open(hive, "No\\Such", &err));
    failed_with(VMT_NOT_FOUND);
    key = vmt_hive_key_open(hive, "Select", &err);
    fine();
    assert_int_equal(vmt_hive_key_u32(key, "Current", &number, &err), VMT_OK);
    assert_int_equal(number, 1);
    vmt_hive_key_free(key);
    vmt_hive_free(hive);
    assert_null(vmt_hive_from_bytes(disk_bytes(), 4096, &err));
    failed_with(VMT_INVALID_IMAGE);
}

/* A hive with `count` keys below its root, after Maxim Suhanov's "Windows registry file format specification". Each has
   a number, its own, as the value `n`, and a key `below`; the root also has a list of texts and a large number. */
struct bins {
    uint8_t *data;
    uint32_t length;
};

static void put32(uint8_t *at, uint32_t number)
{
    int i;
    for (i = 0; i < 4; i++)
        at[i] = (uint8_t)(number >> (8 * i));
}

static uint32_t get32(const uint8_t *at)
{
    return at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

static uint32_t cell(struct bins *bins, const void *content, uint32_t length)
{
    uint32_t at = bins->length, size = (length + 4 + 7) / 8 * 8;
    put32(bins->data + at, 0u - size);
    memcpy(bins->data + at + 4, content, length);
    bins->length += size;
    return at;
}

static uint32_t value_cell(struct bins *bins, const char *name, uint32_t kind, uint32_t size, uint32_t data)
{
    uint8_t record[40] = "vk";
    record[2] = (uint8_t)strlen(name);
    put32(record + 4, size);
    put32(record + 8, data);
    put32(record + 12, kind);
    record[16] = 1;
    memcpy(record + 20, name, strlen(name));
    return cell(bins, record, 20 + (uint32_t)strlen(name));
}

static uint32_t key_cell(struct bins *bins, const char *name, uint32_t parent, const uint32_t *values, uint32_t count)
{
    uint8_t record[120] = "nk", list[12];
    uint32_t i;
    for (i = 0; i < count; i++)
        put32(list + 4 * i, values[i]);
    record[2] = parent == 0 ? 0x2c : 0x20;
    put32(record + 16, parent == 0 ? UINT32_MAX : parent);
    put32(record + 28, UINT32_MAX);
    put32(record + 36, count);
    put32(record + 40, count == 0 ? UINT32_MAX : cell(bins, list, 4 * count));
    put32(record + 72, (uint32_t)strlen(name));
    memcpy(record + 76, name, strlen(name));
    return cell(bins, record, 76 + (uint32_t)strlen(name));
}

static void add_subkeys(struct bins *bins, uint32_t key, const uint32_t *subkeys, uint32_t count)
{
    uint8_t *list = calloc(count + 1, 4);
    uint32_t i;
    memcpy(list, "li", 2);
    list[2] = (uint8_t)count;
    list[3] = (uint8_t)(count >> 8);
    for (i = 0; i < count; i++)
        put32(list + 4 + 4 * i, subkeys[i]);
    put32(bins->data + key + 4 + 20, count);
    put32(bins->data + key + 4 + 28, cell(bins, list, 4 + 4 * count));
    free(list);
}

static vmt_hive *make_hive(uint32_t count)
{
    static const char texts[] = "o\0n\0e\0\0\0t\0w\0o\0\0\0\0";
    static const uint8_t large[8] = {8, 7, 6, 5, 4, 3, 2, 1};
    uint8_t *file = calloc(1, 4096 + 512 * (count + 16));
    struct bins bins = {file + 4096, 32};
    uint32_t i, root, checksum = 0, *keys = calloc(count, 4), values[2];
    vmt_hive *hive;
    values[0] = value_cell(&bins, "texts", VMT_REG_MULTI_SZ, sizeof texts - 1, cell(&bins, texts, sizeof texts - 1));
    values[1] = value_cell(&bins, "large", VMT_REG_QWORD, 8, cell(&bins, large, 8));
    root = key_cell(&bins, "root", 0, values, 2);
    for (i = 0; i < count; i++) {
        char name[32];
        uint32_t below;
        snprintf(name, sizeof name, "key %05u", i);
        values[0] = value_cell(&bins, "n", VMT_REG_DWORD, 4 | 1u << 31, i);
        keys[i] = key_cell(&bins, name, root, values, 1);
        below = key_cell(&bins, "below", keys[i], values, 1);
        add_subkeys(&bins, keys[i], &below, 1);
    }
    add_subkeys(&bins, root, keys, count);
    bins.length = (bins.length + 4095) / 4096 * 4096;
    memcpy(file, "regf", 4);
    put32(file + 20, 1);
    put32(file + 24, 5);
    put32(file + 32, 1);
    put32(file + 36, root);
    put32(file + 40, bins.length);
    for (i = 0; i < 508; i += 4)
        checksum ^= get32(file + i);
    put32(file + 508, checksum);
    hive = vmt_hive_from_bytes(file, 4096 + bins.length, &err);
    fine();
    free(keys);
    free(file);
    return hive;
}

static void thousands_of_keys_are_walked(void **state)
{
    vmt_hive *hive = make_hive(5000);
    vmt_hive_key *root = vmt_hive_key_open(hive, "", &err), *last;
    vmt_hive_keys *keys = vmt_hive_key_subkeys(root, &err);
    const vmt_hive_key *key;
    vmt_bytes *texts;
    uint64_t large;
    uint32_t i, number;
    size_t length;
    (void)state;
    fine();
    says("root", vmt_hive_key_name(root, &length));
    for (i = 0; (key = vmt_hive_keys_at(keys, i)) != NULL; i++) {
        vmt_hive_keys *below = vmt_hive_key_subkeys(key, &err);
        vmt_hive_values *values = vmt_hive_key_values(key, &err);
        fine();
        assert_int_equal(vmt_hive_key_u32(key, "N", &number, &err), VMT_OK);
        assert_int_equal(number, i);
        assert_int_equal(vmt_hive_key_u32(vmt_hive_keys_at(below, 0), "n", &number, &err), VMT_OK);
        assert_int_equal(number, i);
        assert_null(vmt_hive_keys_at(below, 1));
        assert_int_equal(vmt_hive_values_at(values, 0)->kind, VMT_REG_DWORD);
        assert_null(vmt_hive_values_at(values, 1));
        vmt_hive_values_free(values);
        vmt_hive_keys_free(below);
    }
    assert_int_equal(i, 5000);
    /* A key of a list is part of it, and one that was looked up is the caller's. */
    vmt_hive_key_free((vmt_hive_key *)vmt_hive_keys_at(keys, 0));
    says("key 00000", vmt_hive_key_name(vmt_hive_keys_at(keys, 0), &length));
    last = vmt_hive_key_subkey(root, "KEY 04999", &err);
    fine();
    vmt_hive_keys_free(keys);
    vmt_hive_free(hive);
    assert_int_equal(vmt_hive_key_u32(last, "n", &number, &err), VMT_OK);
    assert_int_equal(number, 4999);
    vmt_hive_key_free(last);

    texts = vmt_hive_key_strings(root, "texts", &err);
    fine();
    assert_memory_equal(vmt_bytes_data(texts, &length), "one\0two\0", 9);
    assert_int_equal(length, 8);
    vmt_bytes_free(texts);
    assert_int_equal(vmt_hive_key_u64(root, "large", &large, &err), VMT_OK);
    assert_true(large == 0x0102030405060708u);
    vmt_hive_key_free(root);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_disk_says_how_it_is_divided),
        cmocka_unit_test(a_volume_says_what_it_is),
        cmocka_unit_test(where_no_volume_is_none_is_opened),
        cmocka_unit_test(files_are_listed_and_read),
        cmocka_unit_test(values_have_types_and_are_read_by_them),
        cmocka_unit_test(thousands_of_keys_are_walked),
    };
    return cmocka_run_group_tests(tests, open_disk, close_disk);
}
