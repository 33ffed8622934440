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

/* SHA-256 as in FIPS 180-4, in hex. */
static const char *sha256(const uint8_t *bytes, size_t length)
{
    static char hex[65];
    static uint32_t k[64];
    uint32_t h[8], w[64], v[8];
    size_t block, blocks = (length + 9 + 63) / 64, found = 0;
    unsigned n, i;
    /* The constants are the first 32 bits of the fractional parts of the roots of the first primes. */
    for (n = 2; found < 64; n++) {
        bool prime = true;
        for (i = 2; i * i <= n; i++)
            prime &= n % i != 0;
        if (!prime)
            continue;
        {
            /* Newton's method in long double, whose 64 bits are enough for 32 fractional bits. */
            long double cube = n, square = n;
            for (i = 0; i < 100; i++) {
                cube -= (cube * cube * cube - n) / (3 * cube * cube);
                square -= (square * square - n) / (2 * square);
            }
            k[found] = (uint32_t)((cube - (uint32_t)cube) * 4294967296.0L);
            if (found < 8)
                h[found] = (uint32_t)((square - (uint32_t)square) * 4294967296.0L);
            found++;
        }
    }
    for (block = 0; block < blocks; block++) {
        for (i = 0; i < 64; i++) {
            size_t at = 64 * block + i;
            uint8_t byte = at < length ? bytes[at] : at == length ? 0x80 : 0;
            if (block + 1 == blocks && i >= 56)
                byte = (uint8_t)((uint64_t)length * 8 >> (8 * (63 - i)));
            w[i / 4] = i % 4 == 0 ? (uint32_t)byte << 24 : w[i / 4] | (uint32_t)byte << (24 - 8 * (i % 4));
        }
#define ROTATE(x, by) ((x) >> (by) | (x) << (32 - (by)))
        for (i = 16; i < 64; i++)
            w[i] = w[i - 16] + (ROTATE(w[i - 15], 7) ^ ROTATE(w[i - 15], 18) ^ w[i - 15] >> 3) + w[i - 7] +
                   (ROTATE(w[i - 2], 17) ^ ROTATE(w[i - 2], 19) ^ w[i - 2] >> 10);
        memcpy(v, h, sizeof v);
        for (i = 0; i < 64; i++) {
            uint32_t a = v[7] + (ROTATE(v[4], 6) ^ ROTATE(v[4], 11) ^ ROTATE(v[4], 25)) +
                         ((v[4] & v[5]) ^ (~v[4] & v[6])) + k[i] + w[i];
            uint32_t b = (ROTATE(v[0], 2) ^ ROTATE(v[0], 13) ^ ROTATE(v[0], 22)) +
                         ((v[0] & v[1]) ^ (v[0] & v[2]) ^ (v[1] & v[2]));
            memmove(v + 1, v, 7 * sizeof v[0]);
            v[4] += a;
            v[0] = a + b;
        }
        for (i = 0; i < 8; i++)
            h[i] += v[i];
    }
    for (i = 0; i < 8; i++)
        sprintf(hex + 8 * i, "%08x", h[i]);
    return hex;
}

/* --- results -------------------------------------------------------------------------------------------------------- */

static cJSON *of_error(const vmt_error *error)
{
    cJSON *out = cJSON_CreateObject();
    size_t i, count = vmt_error_problem_count(error);
    cJSON_AddStringToObject(out, "kind", vmt_error_kind(error));
    if (vmt_error_field(error, NULL) != NULL)
        cJSON_AddStringToObject(out, "field", vmt_error_field(error, NULL));
    if (vmt_error_line(error) != 0) {
        cJSON_AddNumberToObject(out, "line", (double)vmt_error_line(error));
        cJSON_AddNumberToObject(out, "column", (double)vmt_error_column(error));
    }
    if (count > 0) {
        cJSON *problems = cJSON_AddArrayToObject(out, "problems");
        for (i = 0; i < count; i++)
            cJSON_AddItemToArray(problems, of_error(vmt_error_problem(error, i)));
    }
    return out;
}

static cJSON *of_report(const vmt_report *report)
{
    static const char *const severities[] = {"", "note", "warning", "error"};
    cJSON *out = cJSON_CreateArray();
    size_t i;
    for (i = 0; i < vmt_report_count(report); i++) {
        cJSON *finding = cJSON_CreateObject();
        cJSON_AddStringToObject(finding, "code", vmt_finding_code(report, i));
        cJSON_AddStringToObject(finding, "severity", severities[vmt_finding_severity(report, i)]);
        if (vmt_finding_file(report, i, NULL) != NULL)
            cJSON_AddStringToObject(finding, "file", vmt_finding_file(report, i, NULL));
        if (vmt_finding_partition(report, i) != 0)
            cJSON_AddNumberToObject(finding, "partition", vmt_finding_partition(report, i));
        if (vmt_finding_line(report, i) != 0) {
            cJSON_AddNumberToObject(finding, "line", (double)vmt_finding_line(report, i));
            cJSON_AddNumberToObject(finding, "column", (double)vmt_finding_column(report, i));
        }
        cJSON_AddItemToArray(out, finding);
    }
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
        cJSON_AddItemToObject(out, "fields_error", of_error(err));
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
    const char *name;
    size_t i;
    if (member(input, "catalogue") != NULL) {
        for (i = 0; i < vmt_catalogue_count(); i++) {
            cJSON_AddItemToArray(out, one = cJSON_CreateObject());
            cJSON_AddStringToObject(one, "name", vmt_catalogue_name(i));
            cJSON_AddStringToObject(one, "kind", vmt_macro_kind(vmt_catalogue_name(i)));
        }
        return out;
    }
    if (member(input, "text") != NULL) {
        struct bytes text = content(input);
        vmt_macros *found = vmt_find_macros((const char *)text.data, text.length, &err);
        fine();
        for (i = 0; i < vmt_macros_count(found); i++) {
            cJSON_AddItemToArray(out, one = cJSON_CreateObject());
            cJSON_AddStringToObject(one, "name", vmt_macros_name(found, i, NULL));
            cJSON_AddNumberToObject(one, "line", (double)vmt_macros_line(found, i));
            cJSON_AddNumberToObject(one, "column", (double)vmt_macros_column(found, i));
        }
        vmt_macros_free(found);
        free(text.data);
        return out;
    }
    cJSON_Delete(out);
    out = cJSON_CreateObject();
    if ((name = string(input, "lookup")) != NULL) {
        name = vmt_macro_kind(name);
        cJSON_AddItemToObject(out, "kind", name == NULL ? cJSON_CreateNull() : cJSON_CreateString(name));
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
    const cJSON *name;
    const char *declared[8];
    vmt_code code = VMT_OK;
    VMT_OPTIONS(vmt_render_options, options);
    cJSON_ArrayForEach(name, member(input, "declared")) {
        assert_true(options.declared_count < 8);
        declared[options.declared_count++] = name->valuestring;
    }
    options.declared = declared;
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
    const uint8_t *bytes;
    size_t length;
    if (script == NULL)
        return NULL;
    out = cJSON_CreateObject();
    bytes = vmt_script_bytes(script, &length);
    cJSON_AddItemToObject(out, "script", of_bytes(bytes, length));
    vmt_script_free(script);
    return out;
}

static cJSON *lint(const cJSON *input)
{
    vmt_script *script = script_of(member(input, "script"));
    vmt_metainfo *metainfo = member(input, "metainfo") == NULL ? NULL : metainfo_of(member(input, "metainfo"));
    vmt_report *report;
    cJSON *out;
    VMT_OPTIONS(vmt_lint_options, options);
    options.metainfo = metainfo;
    options.file_name = string(input, "file_name");
    options.language = string(input, "language");
    report = vmt_script_lint_with(script, &options, &err);
    out = of_report(report);
    fine();
    vmt_report_free(report);
    vmt_metainfo_free(metainfo);
    vmt_script_free(script);
    return out;
}

static cJSON *setup(const cJSON *input)
{
    vmt_setup *setup = vmt_setup_new();
    vmt_script *script;
    const cJSON *step;
    cJSON *out;
    const uint8_t *bytes;
    size_t i, length, lines = 0;
    vmt_code code = VMT_OK;
    cJSON_ArrayForEach(step, member(input, "without")) if (code == VMT_OK)
        code = vmt_setup_without(setup, step->valuestring, &err);
    if (code == VMT_OK && string(input, "administrator") != NULL)
        code = vmt_setup_administrator(setup, string(input, "administrator"), &err);
    if (code == VMT_OK && string(input, "log_file") != NULL)
        code = vmt_setup_log_file(setup, string(input, "log_file"), &err);
    if (code == VMT_OK && string(input, "interface") != NULL)
        code = vmt_setup_interface(setup, string(input, "interface"), &err);
    if (code == VMT_OK && flag(input, "firewall_unchanged"))
        code = vmt_setup_open_firewall(setup, false, &err);
    if (code == VMT_OK && member(input, "product_key") != NULL)
        code = vmt_setup_product_key(setup, flag(input, "product_key"), &err);
    if (code != VMT_OK) {
        vmt_setup_free(setup);
        return NULL;
    }
    script = vmt_setup_build(setup, &err);
    if (script == NULL)
        return NULL;
    bytes = vmt_script_bytes(script, &length);
    for (i = 0; i < length; i++)
        lines += bytes[i] == '\n';
    out = cJSON_CreateObject();
    cJSON_AddNumberToObject(out, "lines", (double)lines);
    cJSON_AddNumberToObject(out, "size", (double)length);
    cJSON_AddStringToObject(out, "sha256", sha256(bytes, length));
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
    vmt_script_bytes(back, &length);
    cJSON_AddNumberToObject(out, "script_size", (double)length);
    vmt_script_free(back);
    vmt_drive_free(drive);
    return out;
}

static vmt_template *template_of(const cJSON *draft)
{
    vmt_template_builder *builder = vmt_template_builder_new(string(draft, "name"));
    const cJSON *one;
    if (member(draft, "image") != NULL) {
        struct bytes disk = content(member(draft, "image"));
        if (string(draft, "image_file") != NULL) {
            vmt_template_builder_image_path(builder, write_file(string(draft, "image_file"), disk.data, disk.length));
        } else {
            vmt_image *image = vmt_image_from_bytes(disk.data, disk.length, &err);
            fine();
            vmt_template_builder_image(builder, image);
            vmt_image_free(image);
        }
        free(disk.data);
    }
    if (member(draft, "script") != NULL) {
        vmt_script *script = script_of(member(draft, "script"));
        vmt_template_builder_script(builder, script);
        vmt_script_free(script);
    }
#define SET(name, setter, value)                                                                                       \
    if (member(draft, name) != NULL)                                                                                   \
    vmt_template_builder_##setter(builder, value)
    SET("image_name", image_name, string(draft, "image_name"));
    SET("script_name", script_name, string(draft, "script_name"));
    SET("memory_mib", memory_mib, (uint64_t)number(draft, "memory_mib"));
    SET("disk_mb", disk_mb, (uint64_t)number(draft, "disk_mb"));
    SET("ipv4", ipv4, flag(draft, "ipv4"));
    SET("ipv6", ipv6, flag(draft, "ipv6"));
    SET("version", template_version, string(draft, "version"));
    SET("reboot_count", reboot_count, (uint32_t)number(draft, "reboot_count"));
    SET("virtio_disk", virtio_disk, flag(draft, "virtio_disk"));
    SET("virtio_net", virtio_net, flag(draft, "virtio_net"));
    cJSON_ArrayForEach(one, member(draft, "tags")) vmt_template_builder_tag(builder, one->valuestring);
    cJSON_ArrayForEach(one, member(draft, "macros")) vmt_template_builder_declare_macro(builder, one->valuestring);
    cJSON_ArrayForEach(one, member(draft, "support"))
    {
        char product[100];
        char *version;
        snprintf(product, sizeof product, "%s", one->valuestring);
        if ((version = strchr(product, ':')) != NULL)
            *version++ = 0;
        vmt_template_builder_support(builder, product, version);
    }
    return vmt_template_builder_build(builder, &err);
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
    return vmt_template_open(in_folder(parent), &err);
}

static cJSON *of_names(const vmt_pack_summary *summary, size_t count,
                       const char *(*name)(const vmt_pack_summary *, size_t, size_t *))
{
    cJSON *out = cJSON_CreateArray();
    size_t i;
    for (i = 0; i < count; i++)
        cJSON_AddItemToArray(out, cJSON_CreateString(name(summary, i, NULL)));
    return out;
}

static cJSON *pack(const cJSON *input)
{
    vmt_template *template = member(input, "folder") != NULL ? opened(member(input, "folder"))
                                                             : template_of(member(input, "template"));
    vmt_pack_summary *summary;
    vmt_archive *archive;
    const vmt_files *files;
    cJSON *out, *entries, *entry, *usage;
    const char *path = in_folder("template.tar.gz");
    char *bytes;
    size_t i, length;
    vmt_code code;
    VMT_OPTIONS(vmt_pack_options, options);
    if (template == NULL)
        return NULL;
    options.flags = VMT_PACK_OVERWRITE | VMT_PACK_MTIME;
    options.flags |= flag(input, "sparse") ? VMT_PACK_SPARSE : 0;
    options.flags |= flag(input, "keep_free_space") ? VMT_PACK_KEEP_FREE_SPACE : 0;
    options.flags |= flag(input, "drop_page_files") ? VMT_PACK_DROP_PAGE_FILES : 0;
    options.flags |= member(input, "level") != NULL ? VMT_PACK_LEVEL : 0;
    options.level = (int32_t)number(input, "level");
    options.mtime = (uint64_t)number(input, "mtime");
    code = vmt_template_pack(template, path, &options, &summary, &err);
    vmt_template_free(template);
    if (code != VMT_OK)
        return NULL;
    out = cJSON_CreateObject();
    bytes = read_all(path, &length);
    cJSON_AddStringToObject(out, "sha256", sha256((const uint8_t *)bytes, length));
    cJSON_AddNumberToObject(out, "size", (double)length);
    assert_int_equal(vmt_pack_summary_archive_bytes(summary), length);
    free(bytes);
    usage = cJSON_AddObjectToObject(out, "usage");
    cJSON_AddNumberToObject(usage, "data", (double)(vmt_pack_summary_data_read(summary) -
                                                    vmt_pack_summary_zeros_found(summary)));
    cJSON_AddNumberToObject(usage, "zeros", (double)vmt_pack_summary_zeros_found(summary));
    cJSON_AddNumberToObject(usage, "holes", (double)vmt_pack_summary_holes(summary));
    cJSON_AddNumberToObject(usage, "free", (double)vmt_pack_summary_free_bytes(summary));
    cJSON_AddItemToObject(out, "left_behind", of_names(summary, vmt_pack_summary_left_behind_count(summary),
                                                       vmt_pack_summary_left_behind));
    cJSON_AddItemToObject(out, "missing", of_names(summary, vmt_pack_summary_missing_count(summary),
                                                   vmt_pack_summary_missing));
    vmt_pack_summary_free(summary);
    archive = vmt_archive_open(path, NULL, &err);
    fine();
    files = vmt_archive_files(archive);
    entries = cJSON_AddArrayToObject(out, "entries");
    for (i = 0; i < vmt_files_count(files); i++) {
        cJSON_AddItemToArray(entries, entry = cJSON_CreateObject());
        cJSON_AddStringToObject(entry, "name", vmt_files_name(files, i, NULL));
        cJSON_AddNumberToObject(entry, "size", (double)vmt_files_size(files, i));
    }
    vmt_archive_free(archive);
    return out;
}

static cJSON *check(const cJSON *input)
{
    const char *parent = new_folder(), *allow[16];
    char path[400];
    const cJSON *file, *code;
    vmt_report *report;
    cJSON *out;
    VMT_OPTIONS(vmt_check_options, options);
    cJSON_ArrayForEach(file, member(input, "folder")) put_file(parent, file);
    snprintf(path, sizeof path, "%s/%s", folder, parent);
    if ((file = member(input, "file")) != NULL) {
        put_file(parent, file);
        snprintf(path, sizeof path, "%s/%s/%s", folder, parent, string(file, "name"));
    }
    options.flags = flag(input, "deny_warnings") ? VMT_CHECK_DENY_WARNINGS : 0;
    options.flags |= flag(input, "skip_image") ? VMT_CHECK_SKIP_IMAGE : 0;
    cJSON_ArrayForEach(code, member(input, "allow")) allow[options.allow_count++] = code->valuestring;
    options.allow = allow;
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
    vmt_disk_info *info;
    cJSON *out, *all, *table, *partitions, *one, *kept;
    const cJSON *found;
    put_file(parent, input);
    snprintf(path, sizeof path, "%s/%s/%s", folder, parent, string(input, "name"));
    image = vmt_image_open(path, NULL, &err);
    if (image == NULL)
        return NULL;
    info = vmt_image_info(image, &err);
    vmt_image_free(image);
    if (info == NULL)
        return NULL;
    out = cJSON_CreateObject();
    cJSON_AddStringToObject(out, "format", vmt_disk_info_format(info));
    cJSON_AddNumberToObject(out, "size", (double)vmt_disk_info_size(info));
    all = cJSON_Parse(vmt_disk_info_json(info, NULL));
    assert_non_null(all);
    found = member(all, "partitions");
    if (cJSON_IsNull(found)) {
        cJSON_AddNullToObject(out, "table");
    } else {
        table = cJSON_AddObjectToObject(out, "table");
        cJSON_AddStringToObject(table, "scheme", string(found, "scheme"));
        cJSON_AddNumberToObject(table, "sector_size", number(found, "sector_size"));
        cJSON_AddNumberToObject(table, "warnings", cJSON_GetArraySize(member(found, "warnings")));
        cJSON_AddNumberToObject(table, "notes", cJSON_GetArraySize(member(found, "notes")));
        partitions = cJSON_AddArrayToObject(table, "partitions");
        assert_int_equal(cJSON_GetArraySize(member(found, "partitions")), vmt_disk_info_partition_count(info));
        cJSON_ArrayForEach(found, member(found, "partitions"))
        {
            const cJSON *kind = member(found, "kind");
            char shown[200];
            cJSON_AddItemToArray(partitions, one = cJSON_CreateObject());
            cJSON_AddNumberToObject(one, "index", number(found, "index"));
            cJSON_AddNumberToObject(one, "offset", number(found, "offset"));
            cJSON_AddNumberToObject(one, "length", number(found, "length"));
            cJSON_AddStringToObject(one, "name", string(found, "name"));
            cJSON_AddBoolToObject(one, "active", flag(found, "active"));
            if (string(kind, "name") != NULL)
                snprintf(shown, sizeof shown, "%s (%s)", string(kind, "name"), string(kind, "id"));
            else
                snprintf(shown, sizeof shown, "%s", string(kind, "id"));
            cJSON_AddStringToObject(one, "kind", shown);
        }
    }
    kept = cJSON_AddArrayToObject(out, "kept");
    cJSON_ArrayForEach(found, member(member(all, "free_space"), "volumes"))
    {
        const cJSON *reason = member(found, "kept");
        cJSON_AddItemToArray(kept, cJSON_IsNull(reason) ? cJSON_CreateNull() : cJSON_CreateString(string(reason, "reason")));
    }
    cJSON_Delete(all);
    vmt_disk_info_free(info);
    return out;
}

/* Pack the archive of an operation, or return NULL and `err`. */
static const char *archive_of(const cJSON *operation)
{
    const cJSON *archive = member(operation, "archive");
    vmt_template *template = template_of(member(archive, "template"));
    const char *path = in_folder(string(archive, "file_name"));
    vmt_code code;
    VMT_OPTIONS(vmt_pack_options, options);
    if (template == NULL)
        return NULL;
    options.flags = VMT_PACK_OVERWRITE | VMT_PACK_MTIME;
    code = vmt_template_pack(template, path, &options, NULL, &err);
    vmt_template_free(template);
    return code == VMT_OK ? path : NULL;
}

static cJSON *of_repository(const vmt_repository *repository)
{
    vmt_entries *entries = vmt_repository_list(repository, &err);
    cJSON *out, *list, *one, *all;
    size_t i, length;
    char *bytes;
    if (entries == NULL)
        return NULL;
    out = cJSON_CreateObject();
    bytes = read_all(vmt_repository_description(repository, NULL), &length);
    cJSON_AddItemToObject(out, "description", of_bytes((const uint8_t *)bytes, length));
    free(bytes);
    list = cJSON_AddArrayToObject(out, "entries");
    for (i = 0; i < vmt_entries_count(entries); i++) {
        const cJSON *size;
        all = cJSON_Parse(vmt_entries_json(entries, i, NULL));
        cJSON_AddItemToArray(list, one = cJSON_CreateObject());
        cJSON_AddStringToObject(one, "name", vmt_entries_name(entries, i, NULL));
        cJSON_AddStringToObject(one, "file_name", vmt_entries_file_name(entries, i, NULL));
        cJSON_AddStringToObject(one, "kind", vmt_entries_kind(entries, i));
        cJSON_AddItemToObject(one, "tags", cJSON_Duplicate(member(all, "tags"), true));
        size = member(all, "archive_size_mib");
        assert_int_equal(size == NULL ? 0 : size->valuedouble, vmt_entries_archive_size_mib(entries, i));
        cJSON_AddItemToObject(one, "archive_size_mib", size == NULL ? cJSON_CreateNull() : cJSON_Duplicate(size, true));
        cJSON_Delete(all);
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
        format = 0; /* not a format */
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
        repository = vmt_repository_open_as(path, format, &err);
    }
    if (repository == NULL)
        return NULL;
    cJSON_ArrayForEach(operation, member(input, "operations"))
    {
        const cJSON *what = operation->child, *given = member(what, "options");
        const char *archive = NULL;
        char *set = NULL;
        vmt_entries *entries = NULL;
        VMT_OPTIONS(vmt_entry_options, options);
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
            cJSON_AddItemToObject(found = cJSON_CreateObject(), "error", of_error(err));
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
