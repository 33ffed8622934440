#include "support.h"

static vmt_script *script_of(const char *text)
{
    vmt_script *script = vmt_script_new((const uint8_t *)text, strlen(text), &err);
    fine();
    return script;
}

/* The text of a script. */
static const char *text_of(const vmt_script *script)
{
    return vmt_script_get(script)->text;
}

static void macros_are_found_with_their_places(void **state)
{
    const char *text = "a\r\nb ($IP) ($PASS)\r\n";
    vmt_macros *macros = vmt_find_macros(text, strlen(text), &err);
    vmt_script *script = script_of(text);
    (void)state;
    fine();
    assert_string_equal(vmt_macros_at(macros, 0)->name, "IP");
    assert_int_equal(vmt_macros_at(macros, 0)->start, 5);
    assert_int_equal(vmt_macros_at(macros, 0)->end, 10);
    assert_int_equal(vmt_macros_at(macros, 1)->line, 2);
    assert_int_equal(vmt_macros_at(macros, 1)->column, 9);
    assert_null(vmt_macros_at(macros, 2));
    vmt_macros_free(macros);
    macros = vmt_script_macros(script, &err);
    fine();
    assert_string_equal(vmt_macros_at(macros, 1)->name, "PASS");
    vmt_macros_free(macros);
    vmt_script_free(script);
    assert_null(vmt_find_macros("\xff", 1, &err));
    failed_with(VMT_INVALID_VALUE);
}

static void the_catalogue_knows_the_macros(void **state)
{
    const vmt_macro *macro;
    size_t i;
    (void)state;
    for (i = 0; (macro = vmt_macro_at(i)) != NULL; i++) {
        assert_true(strlen(macro->meaning) > 0 && strlen(macro->kind) > 0);
        assert_ptr_equal(vmt_macro_lookup(macro->name), macro);
    }
    assert_true(i > 30);
    assert_null(vmt_macro_lookup("NOSUCH"));
    assert_string_equal(vmt_macro_nearest("PASSS")->name, "PASS");
    assert_string_equal(vmt_macro_lookup("GATEWAYv4")->kind, "address-v4");
    assert_int_equal(vmt_macro_check("IP", false, &err), VMT_OK);
    assert_int_equal(vmt_macro_check("($IP)", true, &err), VMT_OK);
    assert_int_equal(vmt_macro_check("IP", true, &err), VMT_INVALID_MACRO);
    failed_with(VMT_INVALID_MACRO);
}

static void values_are_checked_and_kept(void **state)
{
    vmt_values *values = vmt_values_new(), *others;
    const char *path;
    (void)state;
    assert_int_equal(vmt_values_set(values, "($IP)", "192.0.2.1", &err), VMT_OK);
    assert_int_equal(vmt_values_set(values, "IP", "here", &err), VMT_INVALID_VALUE);
    failed_with(VMT_INVALID_VALUE);
    assert_int_equal(vmt_values_set(values, "a b", "x", &err), VMT_INVALID_MACRO);
    failed_with(VMT_INVALID_MACRO);
    assert_string_equal(vmt_values_get(values, "IP"), "192.0.2.1");
    assert_null(vmt_values_get(values, "PASS"));
    assert_int_equal(vmt_values_assign(values, "PASS=a=b", &err), VMT_OK);
    assert_string_equal(vmt_values_get(values, "PASS"), "a=b");
    assert_int_equal(vmt_values_assign(values, "PASS", &err), VMT_INVALID_VALUE);
    failed_with(VMT_INVALID_VALUE);

    others = vmt_values_from_json("{\"HOSTNAME\": \"web-1\", \"IP\": \"192.0.2.2\"}", &err);
    fine();
    assert_int_equal(vmt_values_extend(values, others, &err), VMT_OK);
    assert_string_equal(vmt_values_at(values, 0)->name, "HOSTNAME");
    assert_string_equal(vmt_values_at(values, 0)->value, "web-1");
    assert_non_null(vmt_values_at(values, 2));
    assert_null(vmt_values_at(values, 3));
    assert_string_equal(vmt_values_get(values, "IP"), "192.0.2.2");
    vmt_values_free(others);
    vmt_values_free(values);

    assert_null(vmt_values_from_json("{\"IP\": \"x\", \"GATEWAY\": \"y\"}", &err));
    assert_int_equal(vmt_error_get(err)->problem_count, 2);
    failed_with(VMT_INVALID_VALUE);
    path = write_text("values.json", "{\"TMPIPv4\": true}");
    values = vmt_values_from_json_file(path, &err);
    fine();
    assert_string_equal(vmt_values_get(values, "TMPIPv4"), "true");
    vmt_values_free(values);
}

static void values_extend_themselves_without_harm(void **state)
{
    vmt_values *values = vmt_values_from_json("{\"HOSTNAME\": \"a\"}", &err);
    (void)state;
    assert_int_equal(vmt_values_extend(values, values, &err), VMT_OK);
    assert_non_null(vmt_values_at(values, 0));
    assert_null(vmt_values_at(values, 1));
    vmt_values_free(values);
}

static void a_script_says_what_it_is(void **state)
{
    vmt_script *script = script_of("@echo off\nnet user Administrator \xc3\xa4\n"), *windows;
    (void)state;
    assert_int_equal(vmt_script_get(script)->encoding, VMT_ENCODING_UTF8);
    assert_int_equal(vmt_script_get(script)->line_ending, VMT_LINE_ENDING_LF);
    assert_string_equal(vmt_script_language(script, NULL), "batch");
    windows = vmt_script_to_windows(script, &err);
    fine();
    assert_int_equal(vmt_script_get(windows)->line_ending, VMT_LINE_ENDING_CRLF);
    assert_string_equal(text_of(windows), "@echo off\r\nnet user Administrator \xc3\xa4\r\n");
    assert_memory_equal(vmt_script_get(windows)->bytes, "@echo off\r\n", 11);
    assert_int_equal(vmt_script_get(windows)->length, 38);
    vmt_script_free(windows);
    vmt_script_free(script);
    script = script_of("echo ($IP)\n");
    assert_null(vmt_script_language(script, NULL));
    assert_string_equal(vmt_script_language(script, "setup.sh"), "posix");
    assert_string_equal(vmt_script_language(script, "ks.cfg"), "kickstart");
    assert_null(vmt_script_language(script, "setup"));
    vmt_script_free(script);
    /* A NUL does not cut the text of a struct. */
    script = vmt_script_new((const uint8_t *)"echo one\0two\r\n", 14, &err);
    assert_string_equal(text_of(script), "echo one two\r\n");
    assert_memory_equal(vmt_script_get(script)->bytes, "echo one\0two\r\n", 14);
    assert_int_equal(vmt_script_get(script)->length, 14);
    vmt_script_free(script);
    script = vmt_script_new((const uint8_t *)"", 0, &err);
    assert_string_equal(text_of(script), "");
    assert_null(vmt_script_get(script)->bytes);
    assert_int_equal(vmt_script_get(script)->length, 0);
    assert_int_equal(vmt_script_get(script)->line_ending, VMT_LINE_ENDING_NONE);
    vmt_script_free(script);
    assert_null(vmt_script_from_file("/no/such.cmd", &err));
    failed_with(VMT_NOT_FOUND);
}

static void values_are_quoted_for_their_places(void **state)
{
    vmt_script *script = script_of("net user Administrator ($PASS)\r\n"), *rendered;
    vmt_values *values = vmt_values_from_json("{\"PASS\": \"a b\"}", &err), *none = vmt_values_new();
    VMT_STRUCT(vmt_render_options, options);
    (void)state;
    rendered = vmt_script_render(script, values, NULL, &err);
    fine();
    assert_string_equal(text_of(rendered), "net user Administrator \"a b\"\r\n");
    vmt_script_free(rendered);

    assert_null(vmt_script_render(script, none, NULL, &err));
    failed_with(VMT_INVALID_VALUE);
    options.missing = "parens";
    rendered = vmt_script_render(script, none, &options, &err);
    fine();
    assert_string_equal(text_of(rendered), "net user Administrator ()\r\n");
    vmt_script_free(rendered);
    options.missing = "perhaps";
    assert_null(vmt_script_render(script, none, &options, &err));
    failed_with(VMT_INVALID_VALUE);
    options.missing = NULL;
    options.flags = VMT_RENDER_AS_PLATFORM;
    rendered = vmt_script_render(script, values, &options, &err);
    fine();
    assert_string_equal(text_of(rendered), "net user Administrator a b\r\n");
    vmt_script_free(rendered);
    options.flags = 0;
    options.illegal_password_characters = " ";
    assert_null(vmt_script_render(script, values, &options, &err));
    failed_with(VMT_INVALID_VALUE);
    options.illegal_password_characters = NULL;
    options.language = "basic";
    assert_null(vmt_script_render(script, values, &options, &err));
    failed_with(VMT_INVALID_VALUE);
    vmt_values_free(none);
    vmt_values_free(values);
    vmt_script_free(script);
}

static void only_known_and_declared_names_are_macros(void **state)
{
    const char *declared[] = {"($COLOUR)"}, *wrong[] = {"COLOUR"};
    vmt_script *script = script_of("@echo off\r\necho ($COLOUR) ($nic) ($IP)\r\n"), *rendered;
    vmt_values *none = vmt_values_new();
    VMT_STRUCT(vmt_render_options, options);
    (void)state;
    options.missing = "platform";
    rendered = vmt_script_render(script, none, &options, &err);
    fine();
    assert_string_equal(text_of(rendered), "@echo off\r\necho ($COLOUR) ($nic) \r\n");
    vmt_script_free(rendered);
    options.declared = declared;
    options.declared_count = 1;
    rendered = vmt_script_render(script, none, &options, &err);
    fine();
    assert_string_equal(text_of(rendered), "@echo off\r\necho  ($nic) \r\n");
    vmt_script_free(rendered);
    options.declared = wrong;
    assert_null(vmt_script_render(script, none, &options, &err));
    failed_with(VMT_INVALID_MACRO);
    vmt_values_free(none);
    vmt_script_free(script);
}

static void a_path_is_rendered(void **state)
{
    const char *path = write_text("setup.cmd", "echo ($IP)\r\n");
    vmt_values *values = vmt_values_from_json("{\"IP\": \"192.0.2.1\"}", &err);
    vmt_script *rendered = vmt_render_path(path, values, NULL, &err), *read;
    (void)state;
    fine();
    assert_string_equal(text_of(rendered), "echo 192.0.2.1\r\n");
    /* The script that it was rendered from is no place for it. */
    assert_int_equal(vmt_script_write_file(rendered, path, true, &err), VMT_INVALID_VALUE);
    failed_with(VMT_INVALID_VALUE);
    path = write_text("other.cmd", "");
    assert_int_equal(vmt_script_write_file(rendered, path, false, &err), VMT_ALREADY_EXISTS);
    failed_with(VMT_ALREADY_EXISTS);
    assert_int_equal(vmt_script_write_file(rendered, path, true, &err), VMT_OK);
    read = vmt_script_from_file(path, &err);
    fine();
    assert_string_equal(text_of(read), "echo 192.0.2.1\r\n");
    vmt_script_free(read);
    vmt_script_free(rendered);
    vmt_values_free(values);
}

static void our_setup_script_is_made_as_the_options_say(void **state)
{
    vmt_script *all = vmt_script_windows(NULL, &err), *some;
    const char *text, *without[] = {"activation"};
    VMT_STRUCT(vmt_setup_options, options);
    (void)state;
    fine();
    assert_non_null(strstr(text_of(all), "slmgr.vbs"));
    assert_non_null(strstr(text_of(all), "advfirewall"));
    assert_non_null(strstr(text_of(all), "($PRODUCTKEY)"));
    options.without = without;
    options.without_count = 1;
    options.administrator = "Administrateur";
    options.log_file = "%SystemRoot%\\Temp\\s.log";
    options.network_interface = "Ethernet 7";
    options.flags = VMT_SETUP_KEEP_FIREWALL;
    some = vmt_script_windows(&options, &err);
    fine();
    text = text_of(some);
    assert_null(strstr(text, "slmgr.vbs"));
    assert_non_null(strstr(text, "Administrateur"));
    assert_non_null(strstr(text, "%SystemRoot%\\Temp\\s.log"));
    assert_non_null(strstr(text, "Ethernet 7"));
    assert_null(strstr(text, "advfirewall"));
    vmt_script_free(some);
    vmt_script_free(all);

    options.without_count = 0;
    options.flags = VMT_SETUP_KEEP_PRODUCT_KEY;
    some = vmt_script_windows(&options, &err);
    fine();
    assert_non_null(strstr(text_of(some), "slmgr.vbs"));
    assert_null(strstr(text_of(some), "($PRODUCTKEY)"));
    vmt_script_free(some);
    options.administrator = "a/b";
    assert_null(vmt_script_windows(&options, &err));
    failed_with(VMT_INVALID_VALUE);
    options.administrator = NULL;
    without[0] = "coffee";
    options.without_count = 1;
    assert_null(vmt_script_windows(&options, &err));
    failed_with(VMT_INVALID_VALUE);
    options.without_count = 0;
    options.flags = 4;
    assert_null(vmt_script_windows(&options, &err));
    failed_with(VMT_INVALID_VALUE);
}

static void the_first_run_kit_has_its_files(void **state)
{
    const char *dd = write_text("dd.exe", "MZ not quite");
    vmt_first_run *kit = vmt_first_run_new(NULL, &err);
    const vmt_first_run_file *file;
    vmt_bytes *iso;
    size_t i, length = 0, iso_length;
    char *bytes;
    bool prepare = false;
    (void)state;
    fine();
    for (i = 0; (file = vmt_first_run_at(kit, i)) != NULL; i++) {
        prepare |= strcmp(file->name, "prepare.cmd") == 0;
        assert_non_null(file->bytes);
        assert_true(file->length > 100);
    }
    assert_true(prepare);
    iso = vmt_first_run_iso(kit, &err);
    fine();
    assert_memory_equal(vmt_bytes_data(iso, &iso_length) + 0x8001, "CD001", 5);
    assert_int_equal(vmt_first_run_write_iso(kit, in_folder("kit.iso"), false, &err), VMT_OK);
    bytes = read_all(in_folder("kit.iso"), &length);
    assert_int_equal(length, iso_length);
    assert_memory_equal(bytes, vmt_bytes_data(iso, NULL), length);
    free(bytes);
    vmt_bytes_free(iso);
    assert_int_equal(vmt_first_run_write_iso(kit, in_folder("kit.iso"), false, &err), VMT_ALREADY_EXISTS);
    failed_with(VMT_ALREADY_EXISTS);
    assert_int_equal(vmt_first_run_write(kit, in_folder("kit"), &err), VMT_OK);
    free(read_all(in_folder("kit/prepare.cmd"), &length));
    vmt_first_run_free(kit);
    kit = vmt_first_run_new(dd, &err);
    fine();
    assert_non_null(vmt_first_run_at(kit, i));
    assert_null(vmt_first_run_at(kit, i + 1));
    vmt_first_run_free(kit);
    assert_null(vmt_first_run_new(in_folder("no.exe"), &err));
    failed_with(VMT_NOT_FOUND);
}

static void the_drive_carries_the_script(void **state)
{
    vmt_script *script = script_of("@echo off\r\nexit /b\r\n"), *read;
    vmt_drive *drive = vmt_drive_new(script, NULL, &err), *again;
    size_t length;
    const uint8_t *bytes;
    (void)state;
    fine();
    bytes = vmt_drive_bytes(drive, &length);
    assert_int_equal(length, VMT_DRIVE_SIZE);
    assert_memory_equal(bytes, "@echo off\r\nexit /b\r\n", 20);
    assert_int_equal(vmt_drive_write(drive, in_folder("drive.img"), false, &err), VMT_OK);
    assert_int_equal(vmt_drive_write(drive, in_folder("drive.img"), false, &err), VMT_ALREADY_EXISTS);
    failed_with(VMT_ALREADY_EXISTS);
    again = vmt_drive_read(in_folder("drive.img"), &err);
    fine();
    read = vmt_drive_script(again, &err);
    fine();
    assert_string_equal(text_of(read), "@echo off\r\nexit /b\r\n");
    vmt_script_free(read);
    vmt_drive_free(again);
    again = vmt_drive_from_bytes(bytes, VMT_DRIVE_SIZE, &err);
    fine();
    vmt_drive_free(again);
    assert_null(vmt_drive_from_bytes(bytes, 512, &err));
    failed_with(VMT_INVALID_IMAGE);
    vmt_drive_free(drive);
    drive = vmt_drive_new(script, "zeros", &err);
    fine();
    assert_int_equal(vmt_drive_bytes(drive, NULL)[VMT_DRIVE_SIZE - 1], 0);
    vmt_drive_free(drive);
    assert_null(vmt_drive_new(script, "sand", &err));
    failed_with(VMT_INVALID_VALUE);
    vmt_script_free(script);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(macros_are_found_with_their_places),
        cmocka_unit_test(the_catalogue_knows_the_macros),
        cmocka_unit_test(values_are_checked_and_kept),
        cmocka_unit_test(values_extend_themselves_without_harm),
        cmocka_unit_test(a_script_says_what_it_is),
        cmocka_unit_test(values_are_quoted_for_their_places),
        cmocka_unit_test(only_known_and_declared_names_are_macros),
        cmocka_unit_test(a_path_is_rendered),
        cmocka_unit_test(our_setup_script_is_made_as_the_options_say),
        cmocka_unit_test(the_first_run_kit_has_its_files),
        cmocka_unit_test(the_drive_carries_the_script),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
