/*
 * Builds a template from a disk image and packs it, with a progress bar.
 *
 *     cc pack.c $(pkg-config --cflags --libs vmtemplate) -o pack
 *     ./pack win2019.qcow2 Windows-Server-2019.tar.gz
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <vmtemplate.h>

/* Called every few MiB. Returning 1 would cancel the work, and leave no partial output. */
static int32_t show(void *user_data, uint64_t bytes, uint64_t total)
{
    static const char full[] = "##################################################";
    int done = total == 0 ? 0 : (int)(50 * bytes / total);
    (void)user_data;
    fprintf(stderr, "\r[%-50.*s]", done, full);
    return 0;
}

int main(int argc, char **argv)
{
    vmt_error *err = NULL;
    vmt_packed *packed = NULL;
    vmt_template *template_;
    vmt_control *control;
    static const char *const tags[] = {"windows"};
    int failed;
    VMT_STRUCT(vmt_template_spec, spec);
    VMT_STRUCT(vmt_pack_options, options);

    if (argc != 3) {
        fprintf(stderr, "usage: %s IMAGE OUT.tar.gz\n", argv[0]);
        return 2;
    }
    /* Fields that are not set have their defaults. All problems of the template are reported at once. */
    spec.name = "Windows-Server-2019";
    spec.image_path = argv[1];
    spec.limits.memory_mib = 1024;
    spec.limits.ipv4 = VMT_YES;
    spec.tags = tags;
    spec.tag_count = 1;
    template_ = vmt_template_build(&spec, &err);
    if (template_ == NULL) {
        fprintf(stderr, "%s\n", vmt_error_text(err));
        vmt_error_free(err);
        return 1;
    }
    control = vmt_control_new(show, NULL);
    options.control = control;
    failed = vmt_template_pack(template_, argv[2], &options, &packed, &err) != VMT_OK;
    fputc('\n', stderr);
    if (failed)
        fprintf(stderr, "%s\n", vmt_error_text(err));
    else
        printf("%" PRIu64 " bytes, of which %" PRIu64 " had to be read\n", vmt_packed_get(packed)->content_bytes,
               vmt_packed_get(packed)->usage.data + vmt_packed_get(packed)->usage.zeros);
    vmt_error_free(err);
    vmt_packed_free(packed);
    vmt_control_free(control);
    vmt_template_free(template_);
    return failed;
}
