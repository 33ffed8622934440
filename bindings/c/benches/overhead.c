/* The C part of the benchmark: `pack IMAGE OUT` or `getters ARCHIVE`. It prints nanoseconds; overhead.rs compares. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <vmtemplate.h>

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return 1e9 * (double)time.tv_sec + (double)time.tv_nsec;
}

static int failed(vmt_error *err)
{
    fprintf(stderr, "%s\n", vmt_error_text(err));
    return 1;
}

static int pack(const char *image, const char *out)
{
    vmt_error *err = NULL;
    vmt_template *template_;
    double start;
    VMT_STRUCT(vmt_template_spec, spec);
    VMT_STRUCT(vmt_pack_options, options);

    spec.name = "Windows-Server-2019";
    spec.image_path = image;
    template_ = vmt_template_build(&spec, &err);
    if (template_ == NULL)
        return failed(err);
    options.flags = VMT_PACK_OVERWRITE;
    /* Once as a warm-up: the Rust part has warm memory and threads too. */
    if (vmt_template_pack(template_, out, &options, NULL, &err) != VMT_OK)
        return failed(err);
    start = now();
    if (vmt_template_pack(template_, out, &options, NULL, &err) != VMT_OK)
        return failed(err);
    printf("%.0f\n", now() - start);
    vmt_template_free(template_);
    return 0;
}

#define ROUNDS 2000000
#define MEASURE(name, call)                                                                                            \
    do {                                                                                                               \
        double start, best = 1e18;                                                                                     \
        int turn, i;                                                                                                   \
        for (turn = 0; turn < 5; turn++) {                                                                             \
            start = now();                                                                                             \
            for (i = 0; i < ROUNDS; i++)                                                                               \
                sink += (size_t)(call);                                                                                \
            start = (now() - start) / ROUNDS;                                                                          \
            best = start < best ? start : best;                                                                        \
        }                                                                                                              \
        printf("%s %.2f\n", name, best);                                                                               \
    } while (0)

static int getters(const char *archive)
{
    vmt_error *err = NULL, *none = NULL;
    vmt_template *template_ = vmt_template_open(archive, NULL, &err);
    const vmt_files *files;
    const vmt_image *image;
    vmt_report *report;
    static volatile size_t sink;

    if (template_ == NULL)
        return failed(err);
    report = vmt_template_check(template_, NULL, &err);
    if (report == NULL)
        return failed(err);
    vmt_template_free(vmt_template_open("/no/such", NULL, &none));
    files = vmt_template_files(template_);
    image = vmt_template_image(template_);
    MEASURE("vmt_template_files", vmt_template_files(template_));
    MEASURE("vmt_files_at", vmt_files_at(files, 2)->size);
    MEASURE("vmt_image_get", vmt_image_get(image)->size);
    MEASURE("vmt_report_finding", vmt_report_finding(report, 0)->message);
    MEASURE("vmt_error_code", vmt_error_code(none));
    MEASURE("vmt_error_get", vmt_error_get(none)->message);
    vmt_error_free(none);
    vmt_report_free(report);
    vmt_template_free(template_);
    return sink == 0;
}

int main(int argc, char **argv)
{
    if (argc == 4 && strcmp(argv[1], "pack") == 0)
        return pack(argv[2], argv[3]);
    if (argc == 3 && strcmp(argv[1], "getters") == 0)
        return getters(argv[2]);
    return 2;
}
