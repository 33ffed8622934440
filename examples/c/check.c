/*
 * Checks an archive, a folder, an image or a script, and prints each problem and its fix.
 *
 *     cc check.c $(pkg-config --cflags --libs vmtemplate) -o check
 *     ./check Windows-Server-2019.tar.gz
 */
#include <stdio.h>

#include <vmtemplate.h>

int main(int argc, char **argv)
{
    vmt_error *err = NULL;
    vmt_report *report;
    const vmt_finding *finding;
    size_t i, errors;

    if (argc != 2) {
        fprintf(stderr, "usage: %s PATH\n", argv[0]);
        return 2;
    }
    report = vmt_check(argv[1], NULL, &err); /* NULL: all rules, with their default severities */
    if (report == NULL) {
        fprintf(stderr, "%s\n", vmt_error_text(err));
        vmt_error_free(err);
        return 2;
    }
    for (i = 0; (finding = vmt_report_finding(report, i)) != NULL; i++) {
        printf("%s\n", finding->text);
        if (finding->excerpt != NULL)
            printf("    | %s\n", finding->excerpt);
        printf("    %s\n", finding->fix);
    }
    errors = vmt_report_count(report, VMT_ERROR);
    printf("%zu findings, %zu of them errors\n", i, errors);
    vmt_report_free(report);
    return errors > 0;
}
