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
    vmt_pack_summary *summary = NULL;
    vmt_template_builder *builder;
    vmt_template *template_;
    vmt_control *control;
    int failed;
    VMT_OPTIONS(vmt_pack_options, options);

    if (argc != 3) {
        fprintf(stderr, "usage: %s IMAGE OUT.tar.gz\n", argv[0]);
        return 2;
    }
    /* Setters do not fail: build reports all invalid values at once, together with every other problem. */
    builder = vmt_template_builder_new("Windows-Server-2019");
    vmt_template_builder_image_path(builder, argv[1]);
    vmt_template_builder_memory_mib(builder, 1024);
    vmt_template_builder_ipv4(builder, true);
    vmt_template_builder_tag(builder, "windows");
    template_ = vmt_template_builder_build(builder, &err); /* consumes the builder */
    if (template_ == NULL) {
        fprintf(stderr, "%s\n", vmt_error_text(err, NULL));
        vmt_error_free(err);
        return 1;
    }
    control = vmt_control_new(show, NULL);
    options.control = control;
    failed = vmt_template_pack(template_, argv[2], &options, &summary, &err) != VMT_OK;
    fputc('\n', stderr);
    if (failed)
        fprintf(stderr, "%s\n", vmt_error_text(err, NULL));
    else
        printf("%" PRIu64 " bytes, of which %" PRIu64 " had to be read\n", vmt_pack_summary_content_bytes(summary),
               vmt_pack_summary_data_read(summary));
    vmt_error_free(err);
    vmt_pack_summary_free(summary);
    vmt_control_free(control);
    vmt_template_free(template_);
    return failed;
}
