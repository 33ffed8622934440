#include "support.h"

static vmt_script *script_of(const char *text)
{
    vmt_script *script = vmt_script_new((const uint8_t *)text, strlen(text), &err);
    fine();
    return script;
}

static void macros_are_found_with_their_places(void **state)
{
    const char *text = "a\r\nb ($IP) ($PASS)\r\n";
    vmt_macros *macros = vmt_find_macros(text, strlen(text), &err);
    vmt_script *script = script_of(text);
    (void)state;
    fine();
    assert_int_equal(vmt_macros_count(macros), 2);
    says("IP", vmt_macros_name(macros, 0, &length));
    assert_int_equal(vmt_macros_start(macros, 0), 5);
    assert_int_equal(vmt_macros_end(macros, 0), 10);
    assert_int_equal(vmt_macros_line(macros, 1), 2);
    assert_int_equal(vmt_macros_column(macros, 1), 9);
    says_nothing(vmt_macros_name(macros, 2, &length));
    assert_int_equal(vmt_macros_line(macros, 2), 0);
    vmt_macros_free(macros);
    macros = vmt_script_macros(script, &err);
    fine();
    says("PASS", vmt_macros_name(macros, 1, &length));
    vmt_macros_free(macros);
    vmt_script_free(script);
    assert_null(vmt_find_macros("\xff", 1, &err));
    failed_with(VMT_INVALID_VALUE);
}

static void the_catalogue_knows_the_macros(void **state)
{
    size_t i, count = vmt_catalogue_count();
    (void)state;
    assert_true(count > 30);
    for (i = 0; i < count; i++)
        assert_non_null(vmt_macro_meaning(vmt_catalogue_name(i)));
    assert_null(vmt_catalogue_name(count));
    assert_null(vmt_macro_meaning("NOSUCH"));
    assert_string_equal(vmt_macro_nearest("PASSS"), "PASS");
    assert_string_equal(vmt_macro_kind("GATEWAYv4"), "address-v4");
    assert_null(vmt_macro_kind("NOSUCH"));
    assert_int_equal(vmt_macro_check("IP", false, &err), VMT_OK);
    assert_int_equal(vmt_macro_check("($IP)", true, &err), VMT_OK);
    assert_int_equal(vmt_macro_check("IP", true, &err), VMT_INVALID_MACRO);
    failed_with(VMT_INVALID_MACRO);
    /* Each call returns the same text. */
    assert_ptr_equal(vmt_catalogue_name(0), vmt_catalogue_name(0));
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
    says("192.0.2.1", vmt_values_get(values, "IP", &length));
    says_nothing(vmt_values_get(values, "PASS", &length));
    assert_int_equal(vmt_values_assign(values, "PASS=a=b", &err), VMT_OK);
    says("a=b", vmt_values_get(values, "PASS", &length));
    assert_int_equal(vmt_values_assign(values, "PASS", &err), VMT_INVALID_VALUE);
    failed_with(VMT_INVALID_VALUE);

    others = vmt_values_from_json("{\"HOSTNAME\": \"web-1\", \"IP\": \"192.0.2.2\"}", &err);
    fine();
    assert_int_equal(vmt_values_extend(values, others, &err), VMT_OK);
    assert_int_equal(vmt_values_count(values), 3);
    says("HOSTNAME", vmt_values_name(values, 0, &length));
    says_nothing(vmt_values_name(values, 3, &length));
    says("192.0.2.2", vmt_values_get(values, "IP", &length));
    vmt_values_free(others);
    vmt_values_free(values);

    assert_null(vmt_values_from_json("{\"IP\": \"x\", \"GATEWAY\": \"y\"}", &err));
    assert_int_equal(vmt_error_problem_count(err), 2);
    failed_with(VMT_INVALID_VALUE);
    path = write_text("values.json", "{\"TMPIPv4\": true}");
    values = vmt_values_from_json_file(path, &err);
    fine();
    says("true", vmt_values_get(values, "TMPIPv4", &length));
    vmt_values_free(values);
}

static void values_extend_themselves_without_harm(void **state)
{
    vmt_values *values = vmt_values_from_json("{\"HOSTNAME\": \"a\"}", &err);
    (void)state;
    assert_int_equal(vmt_values_extend(values, values, &err), VMT_OK);
    assert_int_equal(vmt_values_count(values), 1);
    vmt_values_free(values);
}

static void a_script_says_what_it_is(void **state)
{
    vmt_script *script = script_of("@echo off\nnet user Administrator \xc3\xa4\n"), *windows;
    size_t length;
    (void)state;
    assert_int_equal(vmt_script_encoding(script), VMT_ENCODING_UTF8);
    assert_int_equal(vmt_script_line_ending(script), VMT_LINE_ENDING_LF);
    assert_string_equal(vmt_script_language(script), "batch");
    windows = vmt_script_to_windows(script, &err);
    fine();
    assert_int_equal(vmt_script_line_ending(windows), VMT_LINE_ENDING_CRLF);
    says("@echo off\r\nnet user Administrator \xc3\xa4\r\n", vmt_script_text(windows, &length));
    assert_memory_equal(vmt_script_bytes(windows, &length), "@echo off\r\n", 11);
    assert_int_equal(length, 38);
    vmt_script_free(windows);
    vmt_script_free(script);
    script = script_of("echo ($IP)\n");
    assert_null(vmt_script_language(script));
    assert_string_equal(vmt_script_language_as(script, "setup.sh"), "posix");
    assert_string_equal(vmt_script_language_as(script, "ks.cfg"), "kickstart");
    assert_null(vmt_script_language_as(script, "setup"));
    vmt_script_free(script);
    assert_null(vmt_script_from_file("/no/such.cmd", &err));
    failed_with(VMT_NOT_FOUND);
}

static void values_are_quoted_for_their_places(void **state)
{
    vmt_script *script = script_of("net user Administrator ($PASS)\r\n"), *rendered;
    vmt_values *values = vmt_values_from_json("{\"PASS\": \"a b\"}", &err), *none = vmt_values_new();
    VMT_OPTIONS(vmt_render_options, options);
    (void)state;
    rendered = vmt_script_render(script, values, NULL, &err);
    fine();
    says("net user Administrator \"a b\"\r\n", vmt_script_text(rendered, &length));
    vmt_script_free(rendered);

    assert_null(vmt_script_render(script, none, NULL, &err));
    failed_with(VMT_INVALID_VALUE);
    options.missing = "parens";
    rendered = vmt_script_render(script, none, &options, &err);
    fine();
    says("net user Administrator ()\r\n", vmt_script_text(rendered, &length));
    vmt_script_free(rendered);
    options.missing = "perhaps";
    assert_null(vmt_script_render(script, none, &options, &err));
    failed_with(VMT_INVALID_VALUE);
    options.missing = NULL;
    options.flags = VMT_RENDER_AS_PLATFORM;
    rendered = vmt_script_render(script, values, &options, &err);
    fine();
    says("net user Administrator a b\r\n", vmt_script_text(rendered, &length));
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
    VMT_OPTIONS(vmt_render_options, options);
    (void)state;
    options.missing = "platform";
    rendered = vmt_script_render(script, none, &options, &err);
    fine();
    says("@echo off\r\necho ($COLOUR) ($nic) \r\n", vmt_script_text(rendered, &length));
    vmt_script_free(rendered);
    options.declared = declared;
    options.declared_count = 1;
    rendered = vmt_script_render(script, none, &options, &err);
    fine();
    says("@echo off\r\necho  ($nic) \r\n", vmt_script_text(rendered, &length));
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
    says("echo 192.0.2.1\r\n", vmt_script_text(rendered, &length));
    /* The script that it was rendered from is no place for it. */
    assert_int_equal(vmt_script_write_file(rendered, path, true, &err), VMT_INVALID_VALUE);
    failed_with(VMT_INVALID_VALUE);
    path = write_text("other.cmd", "");
    assert_int_equal(vmt_script_write_file(rendered, path, false, &err), VMT_ALREADY_EXISTS);
    failed_with(VMT_ALREADY_EXISTS);
    assert_int_equal(vmt_script_write_file(rendered, path, true, &err), VMT_OK);
    read = vmt_script_from_file(path, &err);
    fine();
    says("echo 192.0.2.1\r\n", vmt_script_text(read, &length));
    vmt_script_free(read);
    vmt_script_free(rendered);
    vmt_values_free(values);
}

static void our_setup_script_is_made_step_by_step(void **state)
{
    vmt_script *all = vmt_script_default_windows(&err), *some;
    vmt_setup *setup = vmt_setup_new();
    const char *text;
    (void)state;
    fine();
    assert_non_null(strstr(vmt_script_text(all, NULL), "slmgr.vbs"));
    assert_int_equal(vmt_setup_without(setup, "activation", &err), VMT_OK);
    assert_int_equal(vmt_setup_without(setup, "coffee", &err), VMT_INVALID_VALUE);
    failed_with(VMT_INVALID_VALUE);
    assert_int_equal(vmt_setup_administrator(setup, "Administrateur", &err), VMT_OK);
    assert_int_equal(vmt_setup_log_file(setup, "%SystemRoot%\\Temp\\s.log", &err), VMT_OK);
    assert_int_equal(vmt_setup_interface(setup, "Ethernet 7", &err), VMT_OK);
    assert_int_equal(vmt_setup_open_firewall(setup, false, &err), VMT_OK);
    assert_int_equal(vmt_setup_product_key(setup, false, &err), VMT_OK);
    some = vmt_setup_build(setup, &err);
    fine();
    text = vmt_script_text(some, NULL);
    assert_null(strstr(text, "slmgr.vbs"));
    assert_non_null(strstr(text, "Administrateur"));
    assert_non_null(strstr(text, "%SystemRoot%\\Temp\\s.log"));
    assert_non_null(strstr(text, "Ethernet 7"));
    assert_null(strstr(text, "advfirewall"));
    assert_null(vmt_setup_build(setup, &err));
    failed_with(VMT_INVALID_HANDLE);
    vmt_script_free(some);
    vmt_script_free(all);

    setup = vmt_setup_new();
    vmt_setup_administrator(setup, "a/b", &err);
    fine();
    assert_null(vmt_setup_build(setup, &err));
    failed_with(VMT_INVALID_VALUE);
    setup = vmt_setup_new();
    vmt_setup_free(setup);
}

static void the_first_run_kit_has_its_files(void **state)
{
    const char *dd = write_text("dd.exe", "MZ not quite");
    vmt_first_run *kit = vmt_first_run_new(NULL, &err);
    vmt_bytes *iso;
    size_t i, length = 0;
    char *bytes;
    bool prepare = false;
    (void)state;
    fine();
    for (i = 0; i < vmt_first_run_file_count(kit); i++) {
        prepare |= strcmp(vmt_first_run_file_name(kit, i, NULL), "prepare.cmd") == 0;
        assert_non_null(vmt_first_run_file_bytes(kit, i, &length));
        assert_true(length > 100);
    }
    assert_true(prepare);
    says_nothing(vmt_first_run_file_name(kit, i, &length));
    iso = vmt_first_run_iso(kit, &err);
    fine();
    assert_memory_equal(vmt_bytes_data(iso) + 0x8001, "CD001", 5);
    assert_int_equal(vmt_first_run_write_iso(kit, in_folder("kit.iso"), false, &err), VMT_OK);
    bytes = read_all(in_folder("kit.iso"), &length);
    assert_int_equal(length, vmt_bytes_length(iso));
    assert_memory_equal(bytes, vmt_bytes_data(iso), length);
    free(bytes);
    vmt_bytes_free(iso);
    assert_int_equal(vmt_first_run_write_iso(kit, in_folder("kit.iso"), false, &err), VMT_ALREADY_EXISTS);
    failed_with(VMT_ALREADY_EXISTS);
    assert_int_equal(vmt_first_run_write(kit, in_folder("kit"), &err), VMT_OK);
    free(read_all(in_folder("kit/prepare.cmd"), &length));
    i = vmt_first_run_file_count(kit);
    vmt_first_run_free(kit);
    kit = vmt_first_run_new(dd, &err);
    fine();
    assert_int_equal(vmt_first_run_file_count(kit), i + 1);
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
    says("@echo off\r\nexit /b\r\n", vmt_script_text(read, &length));
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
        cmocka_unit_test(our_setup_script_is_made_step_by_step),
        cmocka_unit_test(the_first_run_kit_has_its_files),
        cmocka_unit_test(the_drive_carries_the_script),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
