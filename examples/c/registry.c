/*
 * Prints the values of a registry key of the Windows on a disk image, and the names of the keys below it.
 *
 *     cc registry.c $(pkg-config --cflags --libs vmtemplate) -o registry
 *     ./registry win2019.qcow2 SOFTWARE 'Microsoft\\Windows NT\\CurrentVersion'
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <vmtemplate.h>

static const char CONFIG[] = "Windows\\System32\\config\\";

/* The hive called `name` on the first volume that has it, or NULL. */
static vmt_hive *find(const vmt_image *image, const char *name, vmt_error **err)
{
    vmt_disk *disk = vmt_image_disk(image, err);
    const vmt_disk_info *info = vmt_disk_get(disk);
    vmt_hive *hive = NULL;
    char path[300];
    size_t i;
    snprintf(path, sizeof path, "%s%s", CONFIG, name);
    for (i = 0; info != NULL && hive == NULL && i < info->volume_count; i++) {
        vmt_ntfs *ntfs;
        vmt_ntfs_file *file;
        vmt_error_free(*err); /* of the volume before */
        ntfs = vmt_ntfs_open(image, info->volumes[i]->offset, info->volumes[i]->length, err);
        file = ntfs == NULL ? NULL : vmt_ntfs_file_open(ntfs, path, err);
        hive = file == NULL ? NULL : vmt_hive_open(file, err);
        vmt_ntfs_file_free(file); /* the hive keeps what it needs */
        vmt_ntfs_free(ntfs);
    }
    vmt_disk_free(disk);
    return hive;
}

static void show(const vmt_hive_key *key, const vmt_hive_value *value)
{
    vmt_bytes *text;
    uint32_t small;
    uint64_t large;
    printf("%s (%s)", value->name, value->kind_name);
    if ((text = vmt_hive_key_string(key, value->name, NULL)) != NULL)
        printf(" = %s", (const char *)vmt_bytes_data(text, NULL));
    else if (vmt_hive_key_u32(key, value->name, &small, NULL) == VMT_OK)
        printf(" = %" PRIu32, small);
    else if (vmt_hive_key_u64(key, value->name, &large, NULL) == VMT_OK)
        printf(" = %" PRIu64, large);
    printf("\n");
    vmt_bytes_free(text);
}

int main(int argc, char **argv)
{
    vmt_error *err = NULL;
    vmt_image *image;
    vmt_hive *hive = NULL;
    vmt_hive_key *key = NULL;
    vmt_hive_keys *keys = NULL;
    vmt_hive_values *values = NULL;
    size_t i;
    int failed;

    if (argc != 4) {
        fprintf(stderr, "usage: %s IMAGE HIVE KEY\n", argv[0]);
        return 2;
    }
    image = vmt_image_open(argv[1], NULL, &err);
    if (image != NULL && (hive = find(image, argv[2], &err)) != NULL)
        key = vmt_hive_key_open(hive, argv[3], &err);
    if (key != NULL && (values = vmt_hive_key_values(key, &err)) != NULL)
        keys = vmt_hive_key_subkeys(key, &err);
    failed = keys == NULL;
    if (failed)
        fprintf(stderr, "%s\n", err == NULL ? "the disk has no NTFS volume" : vmt_error_text(err));
    for (i = 0; !failed && vmt_hive_values_at(values, i) != NULL; i++)
        show(key, vmt_hive_values_at(values, i));
    for (i = 0; !failed && vmt_hive_keys_at(keys, i) != NULL; i++)
        printf("%s\\\n", vmt_hive_key_name(vmt_hive_keys_at(keys, i), NULL));
    vmt_error_free(err);
    vmt_hive_keys_free(keys);
    vmt_hive_values_free(values);
    vmt_hive_key_free(key);
    vmt_hive_free(hive);
    vmt_image_free(image);
    return failed;
}
