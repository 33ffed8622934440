/*
 * Renders the setup script of a template with the values of a new machine, and writes its install drive.
 *
 *     cc drive.c $(pkg-config --cflags --libs vmtemplate) -o drive
 *     ./drive Windows-Server-2019.tar.gz drive.img IP=192.0.2.10 NETMASK=24 GATEWAY=192.0.2.1 PASS='a b&c'
 */
#include <stdio.h>

#include <vmtemplate.h>

int main(int argc, char **argv)
{
    vmt_error *err = NULL;
    vmt_values *values = vmt_values_new();
    vmt_script *script = NULL;
    vmt_drive *drive = NULL;
    vmt_code code = VMT_OK;
    int i;
    VMT_STRUCT(vmt_render_options, options);

    if (argc < 3) {
        fprintf(stderr, "usage: %s TEMPLATE OUT.img NAME=VALUE...\n", argv[0]);
        vmt_values_free(values);
        return 2;
    }
    for (i = 3; i < argc && code == VMT_OK; i++)
        code = vmt_values_assign(values, argv[i], &err);
    if (code == VMT_OK) {
        options.missing = "parens"; /* as the platform leaves a macro without a value */
        script = vmt_render_path(argv[1], values, &options, &err);
        drive = script == NULL ? NULL : vmt_drive_new(script, NULL, &err);
        code = drive == NULL ? vmt_error_code(err) : vmt_drive_write(drive, argv[2], false, &err);
    }
    if (code != VMT_OK)
        fprintf(stderr, "%s\n", vmt_error_text(err));
    else
        printf("%s: %d bytes\n", argv[2], VMT_DRIVE_SIZE);
    vmt_error_free(err);
    vmt_drive_free(drive);
    vmt_script_free(script);
    vmt_values_free(values);
    return code != VMT_OK;
}
