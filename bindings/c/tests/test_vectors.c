/* The cases of tests/vectors, on which all libraries must agree; tests/vectors/README.md describes their format.
   VMT_ROOT is the root of the repository. */
#include <ctype.h>

#include <cjson/cJSON.h>

#include "support.h"

/* --- the parts of a case -------------------------------------------------------------------------------------------- */

struct bytes {
    uint8_t *data;
    size_t length, room;
};

static const cJSON *member(const cJSON *object, const char *name)
{
    return cJSON_GetObjectItemCaseSensitive(object, name);
}

/* The text of a key, or NULL if the case does not have it. */
static const char *string(const cJSON *object, const char *name)
{
    const cJSON *found = member(object, name);
    return cJSON_IsString(found) ? found->valuestring : NULL;
}

static double number(const cJSON *object, const char *name)
{
    const cJSON *found = member(object, name);
    return cJSON_IsNumber(found) ? found->valuedouble : 0;
}

static bool flag(const cJSON *object, const char *name)
{
    return cJSON_IsTrue(member(object, name));
}

/* The texts of an array, at most 16, and their number. */
static size_t texts_of(const cJSON *array, const char **texts)
{
    size_t count = 0;
    const cJSON *one;
    cJSON_ArrayForEach(one, array)
    {
        assert_true(count < 16);
        texts[count++] = one->valuestring;
    }
    return count;
}

static void append(struct bytes *to, const void *data, size_t length)
{
    if (to->room < to->length + length + 1) {
        to->room = 2 * (to->length + length + 1);
        to->data = realloc(to->data, to->room);
    }
    memcpy(to->data + to->length, data, length);
    to->length += length;
    to->data[to->length] = 0;
}

static struct bytes unhex(const char *hex)
{
    struct bytes out = {NULL, 0, 0};
    unsigned value;
    append(&out, "", 0);
    while (*hex != 0) {
        uint8_t byte;
        if (*hex == ' ') {
            hex++;
            continue;
        }
        assert_int_equal(sscanf(hex, "%2x", &value), 1);
        byte = (uint8_t)value;
        append(&out, &byte, 1);
        hex += 2;
    }
    return out;
}

/* The bytes of a script, a file or a disk; the caller frees them. */
static struct bytes content(const cJSON *from)
{
    struct bytes out = {NULL, 0, 0};
    const cJSON *text = member(from, "text"), *run, *line;
    append(&out, "", 0);
    if (text != NULL) {
        size_t times = member(from, "repeat") == NULL ? 1 : (size_t)number(from, "repeat");
        while (times-- > 0) {
            if (cJSON_IsString(text))
                append(&out, text->valuestring, strlen(text->valuestring));
            cJSON_ArrayForEach(line, text) append(&out, line->valuestring, strlen(line->valuestring));
        }
    } else if (string(from, "hex") != NULL) {
        free(out.data);
        out = unhex(string(from, "hex"));
    } else if (string(from, "gzip") != NULL) {
        char command[600], buffer[65536];
        size_t got;
        FILE *pipe;
        snprintf(command, sizeof command, "gzip -dc '%s/%s'", getenv("VMT_ROOT"), string(from, "gzip"));
        pipe = popen(command, "r");
        assert_non_null(pipe);
        while ((got = fread(buffer, 1, sizeof buffer, pipe)) > 0)
            append(&out, buffer, got);
        assert_int_equal(pclose(pipe), 0);
    } else {
        out.length = (size_t)number(from, "size");
        out.room = out.length + 1;
        out.data = realloc(out.data, out.room);
        memset(out.data, 0, out.length + 1);
    }
    cJSON_ArrayForEach(run, member(from, "runs"))
    {
        uint8_t *at = out.data + (size_t)number(run, "at");
        if (string(run, "hex") != NULL) {
            struct bytes some = unhex(string(run, "hex"));
            memcpy(at, some.data, some.length);
            free(some.data);
        } else {
            size_t i, length = (size_t)number(run, "length"), seed = (size_t)number(run, "seed");
            for (i = 0; i < length; i++)
                at[i] = (uint8_t)(seed + i * i / 7);
        }
    }
    return out;
}

static bool is_utf8(const uint8_t *bytes, size_t length)
{
    vmt_macros *macros = vmt_find_macros((const char *)bytes, length, NULL); /* the library reports it */
    vmt_macros_free(macros);
    return macros != NULL;
}

/* The form of bytes in a result: text, split into lines if it has several, or hex. */
static cJSON *of_bytes(const uint8_t *bytes, size_t length)
{
    cJSON *out = cJSON_CreateObject();
    size_t i, start = 0;
    bool is_text = is_utf8(bytes, length) && memchr(bytes, 0, length) == NULL;
    for (i = 0; is_text && i + 3 <= length; i++)
        is_text = memcmp(bytes + i, "\xef\xbb\xbf", 3) != 0;
    if (!is_text) {
        char *hex = malloc(2 * length + 1);
        for (i = 0; i < length; i++)
            sprintf(hex + 2 * i, "%02x", bytes[i]);
        hex[2 * length] = 0;
        cJSON_AddStringToObject(out, "hex", hex);
        free(hex);
        return out;
    }
    if (length == 0 || memchr(bytes, '\n', length - 1) == NULL) {
        char *text = calloc(1, length + 1);
        memcpy(text, bytes, length);
        cJSON_AddStringToObject(out, "text", text);
        free(text);
        return out;
    }
    cJSON_AddArrayToObject(out, "text");
    for (i = 0; i < length; i++) {
        if (bytes[i] == '\n' || i + 1 == length) {
            char *line = malloc(i + 2 - start);
            memcpy(line, bytes + start, i + 1 - start);
            line[i + 1 - start] = 0;
            cJSON_AddItemToArray(cJSON_GetObjectItem(out, "text"), cJSON_CreateString(line));
            free(line);
            start = i + 1;
        }
    }
    return out;
}

/* The SHA-256 in hex, by another program. */
static const char *sha256(const uint8_t *bytes, size_t length)
{
    static char hex[65];
    char command[300];
    FILE *pipe;
    snprintf(command, sizeof command, "sha256sum '%s'", write_file("hashed", bytes, length));
    pipe = popen(command, "r");
    assert_non_null(pipe);
    assert_int_equal(fscanf(pipe, "%64[0-9a-f]", hex), 1);
    assert_int_equal(pclose(pipe), 0);
    return hex;
}

/* --- results -------------------------------------------------------------------------------------------------------- */

static void add_position(cJSON *out, size_t line, size_t column)
{
    if (line != 0) {
        cJSON_AddNumberToObject(out, "line", (double)line);
        cJSON_AddNumberToObject(out, "column", (double)column);
    }
}

static cJSON *of_error(const vmt_error_info *error)
{
    cJSON *out = cJSON_CreateObject(), *problems;
    size_t i;
    cJSON_AddStringToObject(out, "kind", error->kind);
    if (error->field != NULL)
        cJSON_AddStringToObject(out, "field", error->field);
    add_position(out, error->line, error->column);
    if (error->problem_count > 0) {
        problems = cJSON_AddArrayToObject(out, "problems");
        for (i = 0; i < error->problem_count; i++)
            cJSON_AddItemToArray(problems, of_error(vmt_error_get(error->problems[i])));
    }
    return out;
}

static cJSON *of_report(const vmt_report *report)
{
    static const char *const severities[] = {"", "note", "warning", "error"};
    const vmt_finding *found;
    cJSON *out = cJSON_CreateArray(), *finding;
    size_t i;
    for (i = 0; (found = vmt_report_finding(report, i)) != NULL; i++) {
        cJSON_AddItemToArray(out, finding = cJSON_CreateObject());
        cJSON_AddStringToObject(finding, "code", found->rule->code);
        cJSON_AddStringToObject(finding, "severity", severities[found->severity]);
        if (found->file != NULL)
            cJSON_AddStringToObject(finding, "file", found->file);
        if (found->partition != 0)
            cJSON_AddNumberToObject(finding, "partition", found->partition);
        add_position(finding, found->line, found->column);
    }
    return out;
}

/* The keys of a JSON text that a result has under the same names. */
static cJSON *keys_of(const char *json, const char *const *names)
{
    cJSON *all = cJSON_Parse(json), *out = cJSON_CreateObject();
    assert_non_null(all);
    for (; *names != NULL; names++) {
        cJSON *found = cJSON_DetachItemFromObjectCaseSensitive(all, *names);
        cJSON_AddItemToObject(out, *names, found == NULL ? cJSON_CreateNull() : found);
    }
    cJSON_Delete(all);
    return out;
}

/* --- the topics: each returns the result, or NULL and `err` --------------------------------------------------------- */

static cJSON *errors(const cJSON *input)
{
    cJSON *out = cJSON_CreateArray();
    vmt_code code;
    (void)input;
    for (code = 1; vmt_code_name(code) != NULL; code++) {
        cJSON *one = cJSON_CreateObject();
        cJSON_AddStringToObject(one, "name", vmt_code_name(code));
        cJSON_AddNumberToObject(one, "number", code);
        cJSON_AddItemToArray(out, one);
    }
    return out;
}

static cJSON *family(const cJSON *input)
{
    cJSON *out = cJSON_CreateObject();
    const char *found = vmt_os_family(string(input, "template_name"));
    cJSON_AddItemToObject(out, "family", found == NULL ? cJSON_CreateNull() : cJSON_CreateString(found));
    return out;
}

static vmt_metainfo *metainfo_of(const cJSON *file)
{
    struct bytes bytes = content(file);
    vmt_metainfo *metainfo = vmt_metainfo_parse(bytes.data, bytes.length, &err);
    free(bytes.data);
    return metainfo;
}

/* What a machine lacks, in the library's JSON form; C gets it as flags. */
static cJSON *of_misses(vmt_unmet misses, vmt_limits limits, const cJSON *vm)
{
    cJSON *out = cJSON_CreateArray(), *one;
    if (misses & VMT_UNMET_PRIMARY_ADDRESS) {
        cJSON_AddItemToArray(out, one = cJSON_CreateObject());
        cJSON_AddStringToObject(one, "limit", "primary_address");
        cJSON_AddStringToObject(one, "found", string(vm, "primary_address"));
    }
    if (misses & VMT_UNMET_MEMORY) {
        cJSON_AddItemToArray(out, one = cJSON_CreateObject());
        cJSON_AddStringToObject(one, "limit", "memory");
        cJSON_AddNumberToObject(one, "found_mib", number(vm, "memory_mib"));
        cJSON_AddNumberToObject(one, "required_mib", (double)limits.memory_mib);
    }
    if (misses & VMT_UNMET_DISK) {
        cJSON_AddItemToArray(out, one = cJSON_CreateObject());
        cJSON_AddStringToObject(one, "limit", "disk");
        cJSON_AddNumberToObject(one, "found_mb", number(vm, "disk_mb"));
        cJSON_AddNumberToObject(one, "required_mb", (double)limits.disk_mb);
    }
    return out;
}

static cJSON *metainfo(const cJSON *input)
{
    vmt_metainfo *metainfo;
    const cJSON *edit, *vm = member(input, "vm");
    cJSON *out = NULL;
    const uint8_t *bytes;
    size_t length;
    if (member(input, "file") != NULL) {
        metainfo = metainfo_of(member(input, "file"));
    } else if (member(input, "os_name") != NULL) {
        metainfo = vmt_metainfo_new(string(input, "os_name"), &err);
    } else {
        char *json = cJSON_PrintUnformatted(member(input, "fields"));
        metainfo = vmt_metainfo_from_json(json, &err);
        free(json);
    }
    if (metainfo == NULL)
        return NULL;
    cJSON_ArrayForEach(edit, member(input, "edits"))
    {
        const char *value = string(edit, "value");
        vmt_code code = value != NULL ? vmt_metainfo_set(metainfo, string(edit, "key"), value, &err)
                                      : vmt_metainfo_remove(metainfo, string(edit, "key"), NULL, &err);
        if (code != VMT_OK)
            goto done;
    }
    out = cJSON_CreateObject();
    bytes = vmt_metainfo_bytes(metainfo, &length);
    cJSON_AddItemToObject(out, "file", of_bytes(bytes, length));
    if (vmt_metainfo_json(metainfo, NULL, &err) != NULL) {
        cJSON_AddItemToObject(out, "fields", cJSON_Parse(vmt_metainfo_json(metainfo, NULL, &err)));
    } else {
        cJSON_AddItemToObject(out, "fields_error", of_error(vmt_error_get(err)));
        vmt_error_free(err);
        err = NULL;
    }
    if (vm != NULL) {
        vmt_limits limits;
        vmt_unmet misses;
        uint32_t primary = string(vm, "primary_address") != NULL && strcmp(string(vm, "primary_address"), "ipv6") == 0 ? 6 : 4;
        if (vmt_metainfo_limits(metainfo, &limits, &err) != VMT_OK ||
            vmt_metainfo_unmet_limits(metainfo, (uint64_t)number(vm, "memory_mib"), (uint64_t)number(vm, "disk_mb"),
                                       primary, &misses, &err) != VMT_OK) {
            cJSON_Delete(out);
            out = NULL;
            goto done;
        }
        cJSON_AddItemToObject(out, "unmet", of_misses(misses, limits, vm));
    }
done:
    vmt_metainfo_free(metainfo);
    return out;
}

static cJSON *macros(const cJSON *input)
{
    cJSON *out = cJSON_CreateArray(), *one;
    const vmt_macro *known;
    const vmt_macro_use *use;
    const char *name;
    size_t i;
    if (member(input, "catalogue") != NULL) {
        for (i = 0; (known = vmt_macro_at(i)) != NULL; i++) {
            cJSON_AddItemToArray(out, one = cJSON_CreateObject());
            cJSON_AddStringToObject(one, "name", known->name);
            cJSON_AddStringToObject(one, "kind", known->kind);
        }
        return out;
    }
    if (member(input, "text") != NULL) {
        struct bytes text = content(input);
        vmt_macros *found = vmt_find_macros((const char *)text.data, text.length, &err);
        fine();
        for (i = 0; (use = vmt_macros_at(found, i)) != NULL; i++) {
            cJSON_AddItemToArray(out, one = cJSON_CreateObject());
            cJSON_AddStringToObject(one, "name", use->name);
            add_position(one, use->line, use->column);
        }
        vmt_macros_free(found);
        free(text.data);
        return out;
    }
    cJSON_Delete(out);
    out = cJSON_CreateObject();
    if ((name = string(input, "lookup")) != NULL) {
        known = vmt_macro_lookup(name);
        cJSON_AddItemToObject(out, "kind", known == NULL ? cJSON_CreateNull() : cJSON_CreateString(known->kind));
    } else {
        char text[200];
        bool spelled = (name = string(input, "spelling")) != NULL;
        if (!spelled)
            name = string(input, "bare");
        if (vmt_macro_check(name, spelled, &err) != VMT_OK) {
            cJSON_Delete(out);
            return NULL;
        }
        snprintf(text, sizeof text, spelled ? "%s" : "($%s)", name);
        cJSON_AddStringToObject(out, "spelling", text);
        text[strlen(text) - 1] = 0;
        cJSON_AddStringToObject(out, "name", text + 2);
    }
    return out;
}

static cJSON *values(const cJSON *input)
{
    vmt_values *values = vmt_values_new();
    size_t times = member(input, "repeat") == NULL ? 1 : (size_t)number(input, "repeat");
    struct bytes value = {NULL, 0, 0};
    cJSON *out = NULL;
    append(&value, "", 0);
    while (times-- > 0)
        append(&value, string(input, "value"), strlen(string(input, "value")));
    if (vmt_values_set(values, string(input, "macro"), (const char *)value.data, &err) == VMT_OK)
        cJSON_AddTrueToObject(out = cJSON_CreateObject(), "accepted");
    free(value.data);
    vmt_values_free(values);
    return out;
}

static vmt_script *script_of(const cJSON *from)
{
    struct bytes bytes = content(from);
    vmt_script *script = vmt_script_new(bytes.data, bytes.length, &err);
    fine();
    free(bytes.data);
    return script;
}

/* The rendered script of a case, or NULL and `err`. */
static vmt_script *rendered(const cJSON *input)
{
    vmt_script *script = script_of(member(input, "script")), *out = NULL;
    vmt_values *values = vmt_values_new();
    const cJSON *value;
    const char *declared[16];
    vmt_code code = VMT_OK;
    VMT_STRUCT(vmt_render_options, options);
    options.declared = declared;
    options.declared_count = texts_of(member(input, "declared"), declared);
    options.flags = flag(input, "as_platform") ? VMT_RENDER_AS_PLATFORM : 0;
    options.missing = string(input, "missing");
    options.language = string(input, "language");
    options.illegal_password_characters = string(input, "illegal_password_characters");
    cJSON_ArrayForEach(value, member(input, "values")) if (code == VMT_OK)
        code = vmt_values_set(values, value->string, value->valuestring, &err);
    if (code == VMT_OK)
        out = vmt_script_render(script, values, &options, &err);
    vmt_values_free(values);
    vmt_script_free(script);
    return out;
}

static cJSON *render(const cJSON *input)
{
    vmt_script *script = rendered(input);
    cJSON *out;
    if (script == NULL)
        return NULL;
    out = cJSON_CreateObject();
    cJSON_AddItemToObject(out, "script", of_bytes(vmt_script_get(script)->bytes, vmt_script_get(script)->length));
    vmt_script_free(script);
    return out;
}

static cJSON *lint(const cJSON *input)
{
    vmt_script *script = script_of(member(input, "script"));
    vmt_metainfo *metainfo = member(input, "metainfo") == NULL ? NULL : metainfo_of(member(input, "metainfo"));
    vmt_report *report;
    cJSON *out;
    VMT_STRUCT(vmt_script_check_options, options);
    options.metainfo = metainfo;
    options.file_name = string(input, "file_name");
    options.language = string(input, "language");
    report = vmt_script_check(script, &options, &err);
    out = of_report(report);
    fine();
    vmt_report_free(report);
    vmt_metainfo_free(metainfo);
    vmt_script_free(script);
    return out;
}

static cJSON *setup(const cJSON *input)
{
    const vmt_script_info *info;
    const char *without[16];
    vmt_script *script;
    cJSON *out;
    size_t i, lines = 0;
    VMT_STRUCT(vmt_setup_options, options);
    options.without = without;
    options.without_count = texts_of(member(input, "without"), without);
    options.administrator = string(input, "administrator");
    options.log_file = string(input, "log_file");
    options.network_interface = string(input, "interface");
    options.flags = flag(input, "firewall_unchanged") ? VMT_SETUP_KEEP_FIREWALL : 0;
    if (cJSON_IsFalse(member(input, "product_key")))
        options.flags |= VMT_SETUP_KEEP_PRODUCT_KEY;
    script = vmt_script_windows(&options, &err);
    if (script == NULL)
        return NULL;
    info = vmt_script_get(script);
    for (i = 0; i < info->length; i++)
        lines += info->bytes[i] == '\n';
    out = cJSON_CreateObject();
    cJSON_AddNumberToObject(out, "lines", (double)lines);
    cJSON_AddNumberToObject(out, "size", (double)info->length);
    cJSON_AddStringToObject(out, "sha256", sha256(info->bytes, info->length));
    vmt_script_free(script);
    return out;
}

static cJSON *drive(const cJSON *input)
{
    vmt_script *script = rendered(input), *back;
    vmt_drive *drive;
    cJSON *out;
    const uint8_t *bytes;
    char hex[65];
    size_t i, length;
    if (script == NULL)
        return NULL;
    drive = vmt_drive_new(script, string(input, "padding"), &err);
    vmt_script_free(script);
    if (drive == NULL)
        return NULL;
    back = vmt_drive_script(drive, &err);
    fine();
    out = cJSON_CreateObject();
    bytes = vmt_drive_bytes(drive, &length);
    cJSON_AddStringToObject(out, "sha256", sha256(bytes, length));
    for (i = 0; i < 32; i++)
        sprintf(hex + 2 * i, "%02x", bytes[i]);
    cJSON_AddStringToObject(out, "first_32", hex);
    cJSON_AddNumberToObject(out, "script_size", (double)vmt_script_get(back)->length);
    vmt_script_free(back);
    vmt_drive_free(drive);
    return out;
}

static vmt_answer answer(const cJSON *object, const char *name)
{
    return member(object, name) == NULL ? VMT_UNSET : flag(object, name) ? VMT_YES : VMT_NO;
}

static vmt_template *template_of(const cJSON *draft)
{
    const char *tags[16], *macros[16], *products[16];
    vmt_script *script = member(draft, "script") == NULL ? NULL : script_of(member(draft, "script"));
    vmt_image *image = NULL;
    vmt_template *template;
    VMT_STRUCT(vmt_template_spec, spec);
    if (member(draft, "image") != NULL) {
        struct bytes disk = content(member(draft, "image"));
        if (string(draft, "image_file") != NULL)
            spec.image_path = write_file(string(draft, "image_file"), disk.data, disk.length);
        else
            spec.image = image = vmt_image_from_bytes(disk.data, disk.length, &err);
        fine();
        free(disk.data);
    }
    spec.name = string(draft, "name");
    spec.script = script;
    spec.image_name = string(draft, "image_name");
    spec.script_name = string(draft, "script_name");
    spec.limits.memory_mib = (uint64_t)number(draft, "memory_mib");
    spec.limits.disk_mb = (uint64_t)number(draft, "disk_mb");
    spec.limits.ipv4 = answer(draft, "ipv4");
    spec.limits.ipv6 = answer(draft, "ipv6");
    spec.version = string(draft, "version");
    spec.reboot_count = (uint32_t)number(draft, "reboot_count");
    spec.virtio_disk = answer(draft, "virtio_disk");
    spec.virtio_net = answer(draft, "virtio_net");
    spec.tags = tags;
    spec.tag_count = texts_of(member(draft, "tags"), tags);
    spec.macros = macros;
    spec.macro_count = texts_of(member(draft, "macros"), macros);
    spec.products = products;
    spec.product_count = texts_of(member(draft, "support"), products);
    template = vmt_template_build(&spec, &err);
    vmt_image_free(image);
    vmt_script_free(script);
    return template;
}

/* A new folder for each case. */
static const char *new_folder(void)
{
    static int next;
    static char name[300];
    snprintf(name, sizeof name, "case-%d", next++);
    mkdir(in_folder(name), 0755);
    return name;
}

/* Write a file, and create the folder in its name. */
static void put_file(const char *parent, const cJSON *file)
{
    char name[400];
    const char *slash = strchr(string(file, "name"), '/');
    struct bytes bytes = content(member(file, "content"));
    if (slash != NULL) {
        snprintf(name, sizeof name, "%s/%.*s", parent, (int)(slash - string(file, "name")), string(file, "name"));
        mkdir(in_folder(name), 0755);
    }
    snprintf(name, sizeof name, "%s/%s", parent, string(file, "name"));
    write_file(name, bytes.data, bytes.length);
    free(bytes.data);
}

/* The template in a folder with these files, or NULL and `err`. */
static vmt_template *opened(const cJSON *files)
{
    const char *parent = new_folder();
    const cJSON *file;
    cJSON_ArrayForEach(file, files) put_file(parent, file);
    return vmt_template_open(in_folder(parent), NULL, &err);
}

static cJSON *pack(const cJSON *input)
{
    vmt_template *template = member(input, "folder") != NULL ? opened(member(input, "folder"))
                                                             : template_of(member(input, "template"));
    static const char *const names[] = {"usage", "left_behind", "missing", NULL};
    vmt_packed *packed;
    vmt_archive *archive;
    const vmt_files *files;
    const vmt_file *file;
    cJSON *out, *entries, *entry;
    const char *path = in_folder("template.tar.gz");
    char *bytes;
    size_t i, length;
    vmt_code code;
    VMT_STRUCT(vmt_pack_options, options);
    if (template == NULL)
        return NULL;
    options.flags = VMT_PACK_OVERWRITE | VMT_PACK_MTIME;
    options.flags |= flag(input, "sparse") ? VMT_PACK_SPARSE : 0;
    options.flags |= flag(input, "keep_free_space") ? VMT_PACK_KEEP_FREE_SPACE : 0;
    options.flags |= flag(input, "drop_page_files") ? VMT_PACK_DROP_PAGE_FILES : 0;
    options.flags |= member(input, "level") != NULL ? VMT_PACK_LEVEL : 0;
    options.level = (int32_t)number(input, "level");
    options.mtime = (uint64_t)number(input, "mtime");
    code = vmt_template_pack(template, path, &options, &packed, &err);
    vmt_template_free(template);
    if (code != VMT_OK)
        return NULL;
    out = keys_of(vmt_packed_get(packed)->json, names);
    bytes = read_all(path, &length);
    cJSON_AddStringToObject(out, "sha256", sha256((const uint8_t *)bytes, length));
    cJSON_AddNumberToObject(out, "size", (double)length);
    assert_int_equal(vmt_packed_get(packed)->archive_bytes, length);
    assert_int_equal(vmt_packed_get(packed)->usage.data, number(member(out, "usage"), "data"));
    free(bytes);
    vmt_packed_free(packed);
    archive = vmt_archive_open(path, NULL, &err);
    fine();
    files = vmt_archive_files(archive, &err);
    fine();
    entries = cJSON_AddArrayToObject(out, "entries");
    for (i = 0; (file = vmt_files_at(files, i)) != NULL; i++) {
        cJSON_AddItemToArray(entries, entry = cJSON_CreateObject());
        cJSON_AddStringToObject(entry, "name", file->name);
        cJSON_AddNumberToObject(entry, "size", (double)file->size);
    }
    vmt_archive_free(archive);
    return out;
}

static cJSON *check(const cJSON *input)
{
    const char *parent = new_folder(), *allow[8];
    char path[400];
    const cJSON *file;
    vmt_report *report;
    cJSON *out;
    VMT_STRUCT(vmt_check_options, options);
    cJSON_ArrayForEach(file, member(input, "folder")) put_file(parent, file);
    snprintf(path, sizeof path, "%s/%s", folder, parent);
    if ((file = member(input, "file")) != NULL) {
        put_file(parent, file);
        snprintf(path, sizeof path, "%s/%s/%s", folder, parent, string(file, "name"));
    }
    options.flags = flag(input, "deny_warnings") ? VMT_CHECK_DENY_WARNINGS : 0;
    options.flags |= flag(input, "skip_image") ? VMT_CHECK_SKIP_IMAGE : 0;
    options.allow = allow;
    options.allow_count = texts_of(member(input, "allow"), allow);
    options.language = string(input, "language");
    report = vmt_check(path, &options, &err);
    if (report == NULL)
        return NULL;
    out = of_report(report);
    vmt_report_free(report);
    return out;
}

static cJSON *disk(const cJSON *input)
{
    const char *parent = new_folder();
    char path[400];
    vmt_image *image;
    vmt_disk *disk = NULL;
    const vmt_disk_info *info;
    cJSON *out, *table, *list, *one;
    size_t i;
    put_file(parent, input);
    snprintf(path, sizeof path, "%s/%s/%s", folder, parent, string(input, "name"));
    image = vmt_image_open(path, NULL, &err);
    if (image != NULL)
        disk = vmt_image_disk(image, &err);
    vmt_image_free(image);
    if (disk == NULL)
        return NULL;
    info = vmt_disk_get(disk);
    out = cJSON_CreateObject();
    cJSON_AddStringToObject(out, "format", info->format);
    cJSON_AddNumberToObject(out, "size", (double)info->size);
    if (info->scheme == NULL) {
        cJSON_AddNullToObject(out, "table");
    } else {
        table = cJSON_AddObjectToObject(out, "table");
        cJSON_AddStringToObject(table, "scheme", info->scheme);
        cJSON_AddNumberToObject(table, "sector_size", info->sector_size);
        cJSON_AddNumberToObject(table, "warnings", (double)info->warning_count);
        cJSON_AddNumberToObject(table, "notes", (double)info->note_count);
        list = cJSON_AddArrayToObject(table, "partitions");
        for (i = 0; i < info->partition_count; i++) {
            const vmt_partition *partition = info->partitions[i];
            cJSON_AddItemToArray(list, one = cJSON_CreateObject());
            cJSON_AddNumberToObject(one, "index", partition->index);
            cJSON_AddNumberToObject(one, "offset", (double)partition->offset);
            cJSON_AddNumberToObject(one, "length", (double)partition->length);
            cJSON_AddStringToObject(one, "name", partition->name);
            cJSON_AddBoolToObject(one, "active", partition->is_active);
            cJSON_AddStringToObject(one, "kind", partition->kind);
        }
    }
    list = cJSON_AddArrayToObject(out, "kept");
    for (i = 0; i < info->volume_count; i++) {
        const char *kept = info->volumes[i]->kept;
        cJSON_AddItemToArray(list, kept == NULL ? cJSON_CreateNull() : cJSON_CreateString(kept));
    }
    vmt_disk_free(disk);
    return out;
}

/* Pack the archive of an operation, or return NULL and `err`. */
static const char *archive_of(const cJSON *operation)
{
    const cJSON *archive = member(operation, "archive");
    vmt_template *template = template_of(member(archive, "template"));
    const char *path = in_folder(string(archive, "file_name"));
    vmt_code code;
    VMT_STRUCT(vmt_pack_options, options);
    if (template == NULL)
        return NULL;
    options.flags = VMT_PACK_OVERWRITE | VMT_PACK_MTIME;
    code = vmt_template_pack(template, path, &options, NULL, &err);
    vmt_template_free(template);
    return code == VMT_OK ? path : NULL;
}

static cJSON *of_repository(const vmt_repository *repository)
{
    static const char *const names[] = {"name", "file_name", "tags", "archive_size_mib", NULL};
    vmt_entries *entries = vmt_repository_list(repository, &err);
    const vmt_entry *entry;
    cJSON *out, *list, *one;
    size_t i, length;
    char *bytes;
    if (entries == NULL)
        return NULL;
    out = cJSON_CreateObject();
    bytes = read_all(vmt_repository_get(repository)->description, &length);
    cJSON_AddItemToObject(out, "description", of_bytes((const uint8_t *)bytes, length));
    free(bytes);
    list = cJSON_AddArrayToObject(out, "entries");
    for (i = 0; (entry = vmt_entries_at(entries, i)) != NULL; i++) {
        cJSON_AddItemToArray(list, one = keys_of(entry->json, names));
        cJSON_AddStringToObject(one, "kind", entry->kind);
        assert_string_equal(string(one, "name"), entry->name);
        assert_int_equal(number(one, "archive_size_mib"), entry->archive_size_mib);
    }
    vmt_entries_free(entries);
    return out;
}

static cJSON *repository(const cJSON *input)
{
    char parent[300], path[400], tags[300];
    bool vm5 = strcmp(string(input, "format"), "vm5") == 0;
    vmt_repository_format format = vm5 ? VMT_FORMAT_VM5 : VMT_FORMAT_VM6;
    vmt_repository *repository = NULL;
    const cJSON *operation, *tag;
    cJSON *out = NULL;
    if (!vm5 && strcmp(string(input, "format"), "vm6") != 0)
        format = 1; /* not a format */
    snprintf(parent, sizeof parent, "%s/repo", new_folder());
    snprintf(path, sizeof path, "%s/%s", folder, parent);
    if (member(input, "description") == NULL) {
        repository = vmt_repository_create(path, format, &err);
    } else {
        struct bytes bytes = content(member(input, "description"));
        char file[400];
        mkdir(path, 0755);
        snprintf(file, sizeof file, "%s/metadata.%s", parent, vm5 ? "xml" : "json");
        write_file(file, bytes.data, bytes.length);
        free(bytes.data);
        repository = vmt_repository_open(path, format, &err);
    }
    if (repository == NULL)
        return NULL;
    cJSON_ArrayForEach(operation, member(input, "operations"))
    {
        const cJSON *what = operation->child, *given = member(what, "options");
        const char *archive = NULL;
        char *set = NULL;
        vmt_entries *entries = NULL;
        VMT_STRUCT(vmt_entry_options, options);
        if (strcmp(what->string, "remove") != 0 && (archive = archive_of(what)) == NULL)
            goto done;
        options.name = string(given, "name");
        options.file_name = string(given, "file_name");
        options.image_name = string(given, "image_name");
        options.expand = string(given, "expand");
        options.network_device = string(given, "network_device");
        options.flags = flag(given, "requirements") ? VMT_ENTRY_REQUIREMENTS : 0;
        options.flags |= flag(given, "replace") ? VMT_ENTRY_REPLACE : 0;
        if (member(given, "set") != NULL)
            options.set = set = cJSON_PrintUnformatted(member(given, "set"));
        if (member(given, "tags") != NULL) {
            tags[0] = 0;
            cJSON_ArrayForEach(tag, member(given, "tags"))
            {
                strcat(tags, tags[0] == 0 ? "" : ",");
                strcat(tags, tag->valuestring);
            }
            options.tags = tags;
        }
        if (strcmp(what->string, "add") == 0)
            entries = vmt_repository_add(repository, archive, &options, &err);
        else if (strcmp(what->string, "replace") == 0)
            entries = vmt_repository_replace(repository, string(what, "name"), archive, &options, &err);
        else
            entries = vmt_repository_remove(repository, string(what, "name"), NULL, &err);
        free(set);
        if (entries == NULL)
            goto done;
        vmt_entries_free(entries);
    }
    out = of_repository(repository);
done:
    vmt_repository_free(repository);
    return out;
}

/* --- running a topic ------------------------------------------------------------------------------------------------ */

static void topic(const char *name, cJSON *(*run)(const cJSON *))
{
    char path[600], *text;
    size_t length, count = 0, wrong = 0;
    cJSON *cases;
    const cJSON *one;
    assert_non_null(getenv("VMT_ROOT"));
    snprintf(path, sizeof path, "%s/tests/vectors/%s.json", getenv("VMT_ROOT"), name);
    text = read_all(path, &length);
    cases = cJSON_Parse(text);
    free(text);
    assert_non_null(cases);
    cJSON_ArrayForEach(one, cases)
    {
        const cJSON *expected = member(one, "expect");
        cJSON *found = run(member(one, "input"));
        count++;
        if (found == NULL) {
            assert_non_null(err);
            cJSON_AddItemToObject(found = cJSON_CreateObject(), "error", of_error(vmt_error_get(err)));
        }
        vmt_error_free(err);
        err = NULL;
        if (!cJSON_Compare(found, expected, true)) {
            char *shown = cJSON_PrintUnformatted(found), *wanted = cJSON_PrintUnformatted(expected);
            print_error("%s: %s\n  found    %s\n  expected %s\n", name, string(one, "name"), shown, wanted);
            free(shown);
            free(wanted);
            wrong++;
        }
        cJSON_Delete(found);
    }
    cJSON_Delete(cases);
    assert_true(count > 0);
    print_message("%s: %zu cases\n", name, count);
    assert_int_equal(wrong, 0);
}

#define TOPIC(name)                                                                                                    \
    static void the_cases_of_##name(void **state)                                                                      \
    {                                                                                                                  \
        (void)state;                                                                                                   \
        topic(#name, name);                                                                                            \
    }
TOPIC(errors) TOPIC(family) TOPIC(metainfo) TOPIC(macros) TOPIC(values) TOPIC(render) TOPIC(lint) TOPIC(setup)
TOPIC(drive) TOPIC(pack) TOPIC(check) TOPIC(disk) TOPIC(repository)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_cases_of_errors),  cmocka_unit_test(the_cases_of_family),
        cmocka_unit_test(the_cases_of_metainfo), cmocka_unit_test(the_cases_of_macros),
        cmocka_unit_test(the_cases_of_values),  cmocka_unit_test(the_cases_of_render),
        cmocka_unit_test(the_cases_of_lint),    cmocka_unit_test(the_cases_of_setup),
        cmocka_unit_test(the_cases_of_drive),   cmocka_unit_test(the_cases_of_pack),
        cmocka_unit_test(the_cases_of_check),   cmocka_unit_test(the_cases_of_disk),
        cmocka_unit_test(the_cases_of_repository),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
