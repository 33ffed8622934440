/**
 * vmtemplate: OS templates of VMmanager clusters, built, checked, packed and unpacked.
 *
 * SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * Handles. What a function returns as `vmt_x *` is yours: free it with the `_free` of its type, which takes NULL. What it
 * returns as `const vmt_x *` is part of the handle that it came from, and lives as long as that. A function that consumes
 * a handle says so. A handle that was freed or consumed must not be used again; if it was not long ago, such a use is
 * refused with VMT_INVALID_HANDLE.
 *
 * Threads. Any thread may use any handle. Functions that take a `const` handle may run on many threads at once; one that
 * takes another handle must run alone on it, which is checked where two such calls meet.
 *
 * Errors. `err`, always the last argument, may be NULL. It need not be set before the call: each call writes the error
 * there, to be freed with vmt_error_free(), or NULL. Functions that return a pointer return NULL when they fail; those
 * that return a vmt_code return the number of the error. Getters have no `err`: they return NULL, 0 or false where there
 * is nothing, and for NULL. NULL where something must be is an error, and never a crash. Nothing aborts the caller, but
 * memory that has run out.
 *
 * Callbacks. They get the `user_data` that was given with them, and must neither throw nor longjmp. Those of a vmt_source
 * and a vmt_control run on any thread, the former on many at once; the others on the thread that made the call.
 *
 * Text. Arguments are UTF-8 and end with a NUL; paths are any bytes that end with a NUL. What is handed out as `char *` is
 * a pointer to its first byte, and a NUL follows its last; `length`, which may be NULL, gets how many are before that.
 * What is handed out as `uint8_t *` is bytes, behind which nothing follows unless that is said. Both live as long as
 * their handle, and those of one that can be changed until it is.
 *
 * Options. Begin with `VMT_OPTIONS(vmt_x_options, name);`, which declares `name` with all zeros but its size, and set what
 * you need: zero is the default everywhere. So a program works with a library that knows more options, and is refused by
 * one that knows less.
 */

#ifndef VMTEMPLATE_H
#define VMTEMPLATE_H

/* Made by cbindgen of the sources in bindings/c/src. What is changed here is lost. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** The version of this header. vmt_version() is that of the library that is loaded. */
#define VMT_VERSION "0.1.0"
#define VMT_VERSION_MAJOR 0
#define VMT_VERSION_MINOR 1
#define VMT_VERSION_PATCH 0

/** Declares a struct of options, all of them as they are by default. */
#ifdef __cplusplus
#define VMT_OPTIONS(type, name) \
    type name = {};             \
    name.struct_size = sizeof(type)
#else
#define VMT_OPTIONS(type, name) type name = {.struct_size = sizeof(type)}
#endif

/**
 * Every warning counts as an error.
 */
#define VMT_CHECK_DENY_WARNINGS 1

/**
 * Do not look into the disk image.
 */
#define VMT_CHECK_SKIP_IMAGE 2

/**
 * The bytes of every install drive.
 */
#define VMT_DRIVE_SIZE 1048576

/**
 * Replace a file of that name that is there already.
 */
#define VMT_FETCH_OVERWRITE 1

/**
 * Read what the file systems mark free as well.
 */
#define VMT_FREE_SPACE_KEEP 1

/**
 * Leave the contents of page files out too.
 */
#define VMT_FREE_SPACE_DROP_PAGE_FILES 2

/**
 * Replace a file that is there.
 */
#define VMT_WRITE_RAW_OVERWRITE 1

/**
 * Write what the file systems mark free as well.
 */
#define VMT_WRITE_RAW_KEEP_FREE_SPACE 2

/**
 * Leave the contents of page files out too.
 */
#define VMT_WRITE_RAW_DROP_PAGE_FILES 4

/**
 * Replace an archive that is there.
 */
#define VMT_PACK_OVERWRITE 1

/**
 * Leave the holes of the image out of the archive altogether, for nodes that unpack with GNU tar or bsdtar.
 */
#define VMT_PACK_SPARSE 2

/**
 * Pack what the file systems mark free as well.
 */
#define VMT_PACK_KEEP_FREE_SPACE 4

/**
 * Leave the contents of page files out too.
 */
#define VMT_PACK_DROP_PAGE_FILES 8

/**
 * `mtime` is the time of the entries; without it `SOURCE_DATE_EPOCH` or a fixed time is.
 */
#define VMT_PACK_MTIME 16

/**
 * `level` is the level; without it the default is.
 */
#define VMT_PACK_LEVEL 32

/**
 * Do not wait at all for another publisher to end.
 */
#define VMT_PUBLISH_NO_WAIT 1

/**
 * Write `hdd_mib_required` and `min_ram_mib` from the limits of the template.
 */
#define VMT_ENTRY_REQUIREMENTS 1

/**
 * Take the place of the template of the same name, if there is one: for `vmt_repository_add()` and
 * `vmt_repository_push()`.
 */
#define VMT_ENTRY_REPLACE 2

/**
 * Open the archives without reading them to their ends: no checksums.
 */
#define VMT_REPOSITORY_VERIFY_QUICK 1

/**
 * Render as the platform does: values are not quoted, whatever is in them.
 */
#define VMT_RENDER_AS_PLATFORM 1

/**
 * Changes when a program that was linked with an earlier library cannot go on with this one; the number behind
 * `libvmtemplate.so.` is the same.
 */
#define VMT_ABI_VERSION 0

/**
 * An archive that is open. It is never changed; many threads may read from it.
 */
typedef struct vmt_archive vmt_archive;

/**
 * Bytes that a call made, such as a file out of an archive.
 */
typedef struct vmt_bytes vmt_bytes;

/**
 * Watches and stops work whose options name it. It may be freed as soon as that has returned.
 */
typedef struct vmt_control vmt_control;

/**
 * Format, sizes, partitions and free space of a disk. It is never changed; many threads may look at it.
 */
typedef struct vmt_disk_info vmt_disk_info;

/**
 * The disk that carries the setup script into a new machine. It is never changed; many threads may look at it.
 */
typedef struct vmt_drive vmt_drive;

/**
 * Templates of a repository, as its description has them. It is never changed; many threads may look at it.
 */
typedef struct vmt_entries vmt_entries;

/**
 * What went wrong, where, and how to mend it. Whoever received it frees it with `vmt_error_free()`; its texts live as
 * long as it does. Many threads may look at one error.
 */
typedef struct vmt_error vmt_error;

/**
 * An archive that was fetched. It is never changed; many threads may look at it.
 */
typedef struct vmt_fetched vmt_fetched;

/**
 * The files of an archive or a template, by name and size. It is never changed; many threads may look at it.
 */
typedef struct vmt_files vmt_files;

/**
 * The scripts that find the install drive and run what is on it, and `prepare.cmd`, which puts them into a master VM.
 * It is never changed; many threads may look at it.
 */
typedef struct vmt_first_run vmt_first_run;

/**
 * A virtual disk, in whatever format it is stored. It is never changed; many threads may read it.
 */
typedef struct vmt_image vmt_image;

/**
 * The macros in a text, in their order. Many threads may look at them.
 */
typedef struct vmt_macros vmt_macros;

/**
 * The metadata of a template. It is read leniently and edited in place: what is not set keeps its bytes.
 *
 * Texts and problems that it hands out live until it is changed or freed. Many threads may look at one that nobody
 * changes meanwhile.
 */
typedef struct vmt_metainfo vmt_metainfo;

/**
 * What packing did. It is never changed; many threads may look at it.
 */
typedef struct vmt_pack_summary vmt_pack_summary;

/**
 * A public key of minisign. It is never changed; many threads may use it.
 */
typedef struct vmt_public_key vmt_public_key;

/**
 * The findings of a check. It is never changed; many threads may look at it, and texts live as long as it does.
 */
typedef struct vmt_report vmt_report;

/**
 * A folder of archives, and the file that describes them to the platform. Many threads, and many processes, may publish
 * at once.
 */
typedef struct vmt_repository vmt_repository;

/**
 * A script. It is never changed; many threads may look at it, and texts live as long as it does.
 */
typedef struct vmt_script vmt_script;

/**
 * Makes a setup script for Windows. One thread at a time may use it.
 */
typedef struct vmt_setup vmt_setup;

/**
 * A secret key of minisign. It is never changed; many threads may use it.
 */
typedef struct vmt_signing_key vmt_signing_key;

/**
 * A template: metadata, script, image. It is never changed; many threads may use it at once.
 */
typedef struct vmt_template vmt_template;

/**
 * Builds a template. One thread at a time may use it.
 *
 * Its setters return a code, which need not be looked at: what could not be set is told by
 * `vmt_template_builder_build()`, together with all else that is wrong. Setting something again replaces it.
 */
typedef struct vmt_template_builder vmt_template_builder;

/**
 * Values of macros, each checked against what its macro holds. Texts that it hands out live until it is changed or
 * freed. Many threads may look at one that nobody changes meanwhile.
 */
typedef struct vmt_values vmt_values;

/**
 * An archive that is sound: its checksum, and those of its files. It is never changed; many threads may look at it.
 */
typedef struct vmt_verified vmt_verified;

/**
 * Bounds on what an archive may hold. Zeros are defaults, which let an image of 2 TiB and more pass.
 */
typedef struct {
    /**
     * `sizeof(vmt_unpack_limits)`.
     */
    size_t struct_size;
    /**
     * Files and folders; 1000.
     */
    uint64_t entries;
    /**
     * Bytes of all files together, holes included; 16 TiB.
     */
    uint64_t total_size;
    /**
     * Bytes of the name of one file or folder; 255.
     */
    uint64_t name_length;
    /**
     * Folders inside folders; 16.
     */
    uint64_t path_depth;
    /**
     * Bytes of the tar stream for each byte of the archive; 1100.
     */
    uint64_t ratio;
    /**
     * Headers that describe the next entry, in a row; 8.
     */
    uint32_t header_chain;
    /**
     * Bytes of one such header; 1 MiB.
     */
    uint64_t header_size;
} vmt_unpack_limits;

/**
 * Fills `buffer` with the `length` bytes at `offset`, all of which are there. Returns 0, or an `errno`.
 */
typedef int32_t (*vmt_read_at_fn)(void *user_data, uint8_t *buffer, size_t length, uint64_t offset);

/**
 * What is known of a part of a disk.
 */
typedef uint32_t vmt_extent_kind;

/**
 * Says how many bytes from `offset` on are of one kind, in `*length`, and of which, in `*kind`. Returns 0, or an
 * `errno`.
 */
typedef int32_t (*vmt_extent_at_fn)(void *user_data,
                                    uint64_t offset,
                                    uint64_t *length,
                                    vmt_extent_kind *kind);

/**
 * Frees what callbacks need.
 */
typedef void (*vmt_free_fn)(void *user_data);

/**
 * A disk, or an archive, that the caller reads. Its functions are called from many threads at once, and must not throw or longjmp.
 */
typedef struct {
    /**
     * `sizeof(vmt_source)`.
     */
    size_t struct_size;
    /**
     * What the functions get; may be NULL.
     */
    void *user_data;
    /**
     * How many bytes there are.
     */
    uint64_t size;
    /**
     * Reads a part of it. It must be there.
     */
    vmt_read_at_fn read;
    /**
     * Tells what of a disk need not be read; NULL if everything must. Nobody asks it of an archive.
     */
    vmt_extent_at_fn extent;
    /**
     * Called once, when the last handle that needs the source is freed, or when making the first one fails after the
     * source was read; may be NULL. It is not called for a source that is refused as it stands: without `read`, or with a
     * size of 0.
     */
    vmt_free_fn free;
} vmt_source;

/**
 * How an archive is unpacked. Zeros are defaults.
 */
typedef struct {
    /**
     * `sizeof(vmt_unpack_options)`.
     */
    size_t struct_size;
    /**
     * Bounds on what it may hold; may be NULL.
     */
    const vmt_unpack_limits *limits;
    /**
     * Names of the files to unpack, `only_count` of them; NULL for all.
     */
    const char *const *only;
    /**
     * How many.
     */
    size_t only_count;
    /**
     * Threads that decompress; 0 takes as many as the machine has.
     */
    uint32_t threads;
    /**
     * Watches and stops the work; may be NULL.
     */
    const vmt_control *control;
} vmt_unpack_options;

/**
 * What went wrong, as a program asks it. Numbers never change; new ones may come.
 */
typedef int32_t vmt_code;

/**
 * How an image is opened. Zeros are defaults.
 */
typedef struct {
    /**
     * `sizeof(vmt_open_options)`.
     */
    size_t struct_size;
    /**
     * The format, where it shall not be found out: `raw`, `qcow2`, `vhdx`, `vmdk` or `vhd`.
     */
    const char *format;
    /**
     * The folder in which files that are named inside an image (backing files, extents) may be opened. NULL opens none:
     * an image from elsewhere could name any file.
     */
    const char *backing_files;
    /**
     * The largest virtual disk that is accepted, in bytes; 64 TiB for 0.
     */
    uint64_t max_size;
    /**
     * Where a stream is kept while it is worked on; `$TMPDIR` or `/var/tmp` for NULL.
     */
    const char *temporary_folder;
    /**
     * The program that reads `rbd:POOL/IMAGE`; `rbd` for NULL.
     */
    const char *rbd_program;
    /**
     * Watches and stops the reading of a stream; may be NULL.
     */
    const vmt_control *control;
} vmt_open_options;

/**
 * What is checked, and how much it matters. Zeros are defaults.
 */
typedef struct {
    /**
     * `sizeof(vmt_check_options)`.
     */
    size_t struct_size;
    /**
     * The sum of `VMT_CHECK_` numbers.
     */
    uint32_t flags;
    /**
     * Rules that are switched off: `allow_count` codes.
     */
    const char *const *allow;
    /**
     * How many.
     */
    size_t allow_count;
    /**
     * Rules that matter more, or less, than usual: `severity_count` texts such as `VMT0109=error`; the other words are
     * `warning` and `note`. The last one for a code counts.
     */
    const char *const *severities;
    /**
     * How many.
     */
    size_t severity_count;
    /**
     * Stops the work; may be NULL.
     */
    const vmt_control *control;
    /**
     * The format of the disk image, where it shall not be found out, as in `vmt_open_options`.
     */
    const char *format;
    /**
     * The folder in which files that are named inside an image may be opened, as in `vmt_open_options`.
     */
    const char *backing_files;
    /**
     * The language of the setup script, where it shall not be found out, as in `vmt_render_options`.
     */
    const char *language;
} vmt_check_options;

/**
 * Reads a stream: puts at most `length` bytes into `buffer` and returns how many, 0 at the end, or an `errno` as a
 * negative number.
 */
typedef ptrdiff_t (*vmt_read_fn)(void *user_data, uint8_t *buffer, size_t length);

/**
 * Is told how far the work is: `bytes` of `total`, which is 0 while nobody knows it. Returning something else than 0
 * cancels the work. It is called every few MiB, on a thread that does the work, and must not throw or longjmp.
 */
typedef int32_t (*vmt_progress_fn)(void *user_data, uint64_t bytes, uint64_t total);

/**
 * How an archive is fetched. Zeros are defaults.
 */
typedef struct {
    /**
     * `sizeof(vmt_fetch_options)`.
     */
    size_t struct_size;
    /**
     * The sum of `VMT_FETCH_` numbers.
     */
    uint32_t flags;
    /**
     * The description and the checksums must be signed by this key; may be NULL.
     */
    const vmt_public_key *public_key;
    /**
     * Bounds on what the archive may hold; may be NULL.
     */
    const vmt_unpack_limits *limits;
    /**
     * Watches and stops the work; may be NULL.
     */
    const vmt_control *control;
} vmt_fetch_options;

/**
 * A part of a disk.
 */
typedef struct {
    /**
     * Where it begins.
     */
    uint64_t offset;
    /**
     * How many bytes it has.
     */
    uint64_t length;
    /**
     * What is known of it.
     */
    vmt_extent_kind kind;
} vmt_extent;

/**
 * Gets a part of a disk, which is there for this call only. Returning something else than 0 ends the walk.
 */
typedef int32_t (*vmt_extent_fn)(void *user_data, const vmt_extent *extent);

/**
 * How free space is looked for. Zeros are defaults.
 */
typedef struct {
    /**
     * `sizeof(vmt_free_space_options)`.
     */
    size_t struct_size;
    /**
     * The sum of `VMT_FREE_SPACE_` numbers.
     */
    uint32_t flags;
    /**
     * Stops the work; may be NULL.
     */
    const vmt_control *control;
} vmt_free_space_options;

/**
 * How a raw file is written. Zeros are defaults.
 */
typedef struct {
    /**
     * `sizeof(vmt_write_raw_options)`.
     */
    size_t struct_size;
    /**
     * The sum of `VMT_WRITE_RAW_` numbers.
     */
    uint32_t flags;
    /**
     * Threads; 0 takes as many as the machine has.
     */
    uint32_t threads;
    /**
     * Watches and stops the work; may be NULL.
     */
    const vmt_control *control;
} vmt_write_raw_options;

/**
 * Takes the next `length` bytes of what is written: an archive or a disk. Returns 0, or an `errno`.
 */
typedef int32_t (*vmt_write_fn)(void *user_data, const uint8_t *bytes, size_t length);

/**
 * What a template says of a protocol.
 */
typedef uint32_t vmt_support;

/**
 * What a machine must have to be made of a template. Zeros say nothing.
 */
typedef struct {
    /**
     * Whether machines with an IPv4 address as their primary one can be made.
     */
    vmt_support ipv4;
    /**
     * The same for IPv6.
     */
    vmt_support ipv6;
    /**
     * The least memory, in MiB.
     */
    uint64_t memory_mib;
    /**
     * The least disk, in MB.
     */
    uint64_t disk_mb;
} vmt_limits;

/**
 * What a machine lacks: the sum of these.
 */
typedef uint32_t vmt_misses;

/**
 * How much a finding matters.
 */
typedef uint32_t vmt_severity;

/**
 * Which platform reads the description.
 */
typedef uint32_t vmt_repository_format;

/**
 * How a repository is changed. Zeros are defaults.
 */
typedef struct {
    /**
     * `sizeof(vmt_publish_options)`.
     */
    size_t struct_size;
    /**
     * The sum of `VMT_PUBLISH_` numbers.
     */
    uint32_t flags;
    /**
     * How long to wait for another publisher to end, in milliseconds; a minute for 0.
     */
    uint64_t lock_timeout_ms;
    /**
     * Sign the description and the checksums; may be NULL. What is signed is changed only with a key.
     */
    const vmt_signing_key *key;
    /**
     * Watches and stops the work; may be NULL.
     */
    const vmt_control *control;
} vmt_publish_options;

/**
 * What the description says of a template. What is NULL is taken from the archive.
 */
typedef struct {
    /**
     * `sizeof(vmt_entry_options)`.
     */
    size_t struct_size;
    /**
     * The sum of `VMT_ENTRY_` numbers.
     */
    uint32_t flags;
    /**
     * The name that users see.
     */
    const char *name;
    /**
     * The tags, separated by commas.
     */
    const char *tags;
    /**
     * The name of the archive in the repository.
     */
    const char *file_name;
    /**
     * What the image file on a node is called after. KVM only.
     */
    const char *image_name;
    /**
     * The partition that grows with the disk. KVM only.
     */
    const char *expand;
    /**
     * The name of the network device. KVM only.
     */
    const char *network_device;
    /**
     * Bounds on what the archive may hold; may be NULL.
     */
    const vmt_unpack_limits *limits;
    /**
     * Lock, signature, progress; may be NULL.
     */
    const vmt_publish_options *publish;
    /**
     * Keys that the platform has and this library does not know: a JSON object, `{"efi_boot": true}`. Entries get them in
     * its order.
     */
    const char *set;
} vmt_entry_options;

/**
 * How a template is packed. Zeros are defaults.
 */
typedef struct {
    /**
     * `sizeof(vmt_pack_options)`.
     */
    size_t struct_size;
    /**
     * The sum of `VMT_PACK_` numbers.
     */
    uint32_t flags;
    /**
     * How hard to compress, from 1 to 12, with `VMT_PACK_LEVEL`.
     */
    int32_t level;
    /**
     * Threads that compress; 0 takes as many as the machine has.
     */
    uint32_t threads;
    /**
     * The time of the entries in seconds since 1970, with `VMT_PACK_MTIME`.
     */
    uint64_t mtime;
    /**
     * Watches and stops the work; may be NULL.
     */
    const vmt_control *control;
} vmt_pack_options;

/**
 * How a repository is verified. Zeros are defaults.
 */
typedef struct {
    /**
     * `sizeof(vmt_repository_verify_options)`.
     */
    size_t struct_size;
    /**
     * The sum of `VMT_REPOSITORY_VERIFY_` numbers.
     */
    uint32_t flags;
    /**
     * Threads that decompress; 0 takes as many as the machine has.
     */
    uint32_t threads;
    /**
     * The description and the checksums must be signed by this key; may be NULL.
     */
    const vmt_public_key *public_key;
    /**
     * Bounds on what archives may hold; may be NULL.
     */
    const vmt_unpack_limits *limits;
    /**
     * Watches and stops the work; may be NULL.
     */
    const vmt_control *control;
} vmt_repository_verify_options;

/**
 * How a script is encoded.
 */
typedef uint32_t vmt_encoding;

/**
 * How its lines end.
 */
typedef uint32_t vmt_line_ends;

/**
 * How macros are replaced. Zeros are defaults.
 */
typedef struct {
    /**
     * `sizeof(vmt_render_options)`.
     */
    size_t struct_size;
    /**
     * The sum of `VMT_RENDER_` numbers.
     */
    uint32_t flags;
    /**
     * What becomes of a macro without a value: `error` (the default), `parens`, `empty`, `keep`, or `platform`, which is
     * what the platform is known to do.
     */
    const char *missing;
    /**
     * The language of the script, where it shall not be found out: `batch`, `powershell`, `posix`, `preseed`, `kickstart`
     * or `cloud-config`.
     */
    const char *language;
    /**
     * What a password must not have. For a template, metainfo.xml says it.
     */
    const char *illegal_password_characters;
    /**
     * Macros, such as `($COLOUR)`, beside those that the platform knows and those that have a value: `declared_count`
     * of them. For a template, those that metainfo.xml declares are added. Any other `($name)` stays as it is.
     */
    const char *const *declared;
    /**
     * How many.
     */
    size_t declared_count;
} vmt_render_options;

/**
 * What is known of a script beside its bytes. Zeros are defaults.
 */
typedef struct {
    /**
     * `sizeof(vmt_lint_options)`.
     */
    size_t struct_size;
    /**
     * The metadata of its template: which macros are declared, how many restarts are waited for, and the name of the
     * script. May be NULL.
     */
    const vmt_metainfo *metainfo;
    /**
     * The name of its file, whose ending says the language where neither a `#!` line nor the metadata does.
     */
    const char *file_name;
    /**
     * The language of the script, where it shall not be found out, as in `vmt_render_options`.
     */
    const char *language;
} vmt_lint_options;

/**
 * How an archive is verified. Zeros are defaults.
 */
typedef struct {
    /**
     * `sizeof(vmt_verify_options)`.
     */
    size_t struct_size;
    /**
     * Bounds on what it may hold; may be NULL.
     */
    const vmt_unpack_limits *limits;
    /**
     * Threads that decompress; 0 takes as many as the machine has.
     */
    uint32_t threads;
    /**
     * Watches and stops the work; may be NULL.
     */
    const vmt_control *control;
} vmt_verify_options;

/**
 * Nothing went wrong.
 */
#define VMT_OK 0

/**
 * A file or folder is not there.
 */
#define VMT_NOT_FOUND 1

/**
 * The operating system does not let this user read or write it.
 */
#define VMT_PERMISSION_DENIED 2

/**
 * The output is there already, and overwriting was not asked for.
 */
#define VMT_ALREADY_EXISTS 3

/**
 * The disk that is written to is full, or a quota is used up.
 */
#define VMT_STORAGE_FULL 4

/**
 * Any other failure of reading or writing.
 */
#define VMT_IO 5

/**
 * The caller cancelled the work.
 */
#define VMT_CANCELLED 6

/**
 * A value that the caller gave is outside what it may be, or a text is not UTF-8.
 */
#define VMT_INVALID_VALUE 7

/**
 * metainfo.xml is not well-formed, or an element of it holds what it may not hold.
 */
#define VMT_INVALID_METAINFO 8

/**
 * A macro is not written as `($NAME)`.
 */
#define VMT_INVALID_MACRO 9

/**
 * A script cannot be read as text.
 */
#define VMT_INVALID_SCRIPT 10

/**
 * A disk image, or a structure inside it, contradicts its format.
 */
#define VMT_INVALID_IMAGE 11

/**
 * It is sound, but uses a feature that is not supported.
 */
#define VMT_UNSUPPORTED 12

/**
 * The image changed or shrank while it was read.
 */
#define VMT_IMAGE_CHANGED 13

/**
 * A template is incomplete or contradicts itself; its problems list every reason.
 */
#define VMT_INVALID_TEMPLATE 14

/**
 * An archive is truncated, damaged, or not an archive.
 */
#define VMT_INVALID_ARCHIVE 15

/**
 * An archive holds an entry that is refused because unpacking it could do harm.
 */
#define VMT_UNSAFE_ARCHIVE 16

/**
 * A bound on hostile input was passed: too many, too large, too deep.
 */
#define VMT_LIMIT_EXCEEDED 17

/**
 * The description of a repository is malformed, or does not allow what was asked for.
 */
#define VMT_INVALID_REPOSITORY 18

/**
 * Another process is writing, and did not end in the time that was given.
 */
#define VMT_LOCKED 19

/**
 * A signature is missing, is not one of this key, or is not of this content.
 */
#define VMT_INVALID_SIGNATURE 20

/**
 * A server cannot be reached, or did not answer as it should.
 */
#define VMT_NETWORK 21

/**
 * A pointer is NULL that must not be.
 */
#define VMT_NULL_ARGUMENT 1000

/**
 * A handle was freed or consumed already, is being changed by another thread, or is part of another handle.
 */
#define VMT_INVALID_HANDLE 1001

/**
 * A fault of the library itself, which standard error tells as well. The call was abandoned; other handles can be used
 * further.
 */
#define VMT_PANIC 1002

/**
 * It must be read.
 */
#define VMT_EXTENT_DATA 0

/**
 * It is zero, and need not be read.
 */
#define VMT_EXTENT_ZERO 1

/**
 * A file system marks it free; it counts as zero.
 */
#define VMT_EXTENT_FREE 2

/**
 * Nothing.
 */
#define VMT_UNSET 0

/**
 * It does not support it.
 */
#define VMT_NO 1

/**
 * It supports it.
 */
#define VMT_YES 2

/**
 * The template does not support the family of its primary address.
 */
#define VMT_MISS_PRIMARY_ADDRESS 1

/**
 * It has too little memory.
 */
#define VMT_MISS_MEMORY 2

/**
 * It has too small a disk.
 */
#define VMT_MISS_DISK 4

/**
 * Something that is newer than this list.
 */
#define VMT_MISS_OTHER 2147483648

/**
 * VMmanager 6: metadata.json.
 */
#define VMT_FORMAT_VM6 6

/**
 * VMmanager 5: metadata.xml.
 */
#define VMT_FORMAT_VM5 5

/**
 * Worth knowing.
 */
#define VMT_NOTE 1

/**
 * It may go wrong.
 */
#define VMT_WARNING 2

/**
 * It goes wrong.
 */
#define VMT_ERROR 3

/**
 * ASCII.
 */
#define VMT_ENCODING_ASCII 0

/**
 * UTF-8.
 */
#define VMT_ENCODING_UTF8 1

/**
 * UTF-8 with a byte order mark.
 */
#define VMT_ENCODING_UTF8_BOM 2

/**
 * UTF-16, little-endian.
 */
#define VMT_ENCODING_UTF16LE 3

/**
 * UTF-16, big-endian.
 */
#define VMT_ENCODING_UTF16BE 4

/**
 * An 8-bit code page.
 */
#define VMT_ENCODING_8BIT 5

/**
 * There is one line.
 */
#define VMT_LINE_ENDS_NONE 0

/**
 * CR LF, as Windows has it.
 */
#define VMT_LINE_ENDS_CRLF 1

/**
 * LF, with which cmd.exe may miss labels.
 */
#define VMT_LINE_ENDS_LF 2

/**
 * Both.
 */
#define VMT_LINE_ENDS_MIXED 3

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

/**
 * How many there are.
 */
size_t vmt_files_count(const vmt_files *files);

/**
 * The name of a file; NULL past the end.
 */
const char *vmt_files_name(const vmt_files *files, size_t index, size_t *length);

/**
 * Its bytes; 0 past the end.
 */
uint64_t vmt_files_size(const vmt_files *files, size_t index);

/**
 * Free a list. NULL is taken, and so is one that is part of a template or an archive, which stays.
 */
void vmt_files_free(vmt_files *files);

/**
 * Open an archive, of any tool. One of vmtemplate is open in milliseconds; another is read to its end. `limits` may be
 * NULL.
 *
 * Fails with `VMT_INVALID_ARCHIVE`, `VMT_UNSAFE_ARCHIVE`, `VMT_LIMIT_EXCEEDED`.
 */
vmt_archive *vmt_archive_open(const char *path,
                              const vmt_unpack_limits *limits,
                              vmt_error **err);

/**
 * Open the archive that `source` gives, which is copied. `name` is what errors call it: any bytes. `limits` may be NULL.
 */
vmt_archive *vmt_archive_from_source(const vmt_source *source,
                                     const char *name,
                                     const vmt_unpack_limits *limits,
                                     vmt_error **err);

/**
 * Where it is, as bytes.
 */
const char *vmt_archive_path(const vmt_archive *archive, size_t *length);

/**
 * Its files, which are part of it and are not freed; NULL for NULL.
 */
const vmt_files *vmt_archive_files(const vmt_archive *archive);

/**
 * A small file out of it, such as `metainfo.xml`. Fails with `VMT_NOT_FOUND`, `VMT_LIMIT_EXCEEDED`.
 */
vmt_bytes *vmt_archive_read(const vmt_archive *archive, const char *name, vmt_error **err);

/**
 * A disk image in it, to read without unpacking. Fails with `VMT_UNSUPPORTED` if another tool made the archive.
 *
 * The image may live longer than the archive.
 */
vmt_image *vmt_archive_image(const vmt_archive *archive,
                             const char *name,
                             vmt_error **err);

/**
 * Close it. NULL is taken.
 */
void vmt_archive_free(vmt_archive *archive);

/**
 * Unpack an archive of any tool into a folder, which may be new, and list its files. `options` may be NULL.
 *
 * Holes come back as holes. Nothing is written over: a file that is there already is `VMT_ALREADY_EXISTS`. After an
 * error nothing of the archive is in the folder.
 */
vmt_files *vmt_unpack(const char *archive,
                      const char *folder,
                      const vmt_unpack_options *options,
                      vmt_error **err);

/**
 * A builder for a template with this name. NULL or what is not UTF-8 is told when it is built.
 */
vmt_template_builder *vmt_template_builder_new(const char *name);

/**
 * A builder that begins with the metadata of another template, which stays. What is set goes over it.
 */
vmt_template_builder *vmt_template_builder_from_metainfo(const vmt_metainfo *metainfo,
                                                         vmt_error **err);

/**
 * The name of the operating system, which is that of the template.
 */
vmt_code vmt_template_builder_name(vmt_template_builder *builder, const char *name);

/**
 * The disk image. `image` stays, and may be freed at once.
 */
vmt_code vmt_template_builder_image(vmt_template_builder *builder, const vmt_image *image);

/**
 * The disk image, by its path. It is opened at once; what goes wrong then is told when the template is built.
 */
vmt_code vmt_template_builder_image_path(vmt_template_builder *builder,
                                         const char *path);

/**
 * The disk image, by its path, opened as said.
 */
vmt_code vmt_template_builder_image_with(vmt_template_builder *builder,
                                         const char *path,
                                         const vmt_open_options *options);

/**
 * The name of the image in the template; made from that of the template unless set.
 */
vmt_code vmt_template_builder_image_name(vmt_template_builder *builder, const char *name);

/**
 * The setup script; ours for Windows unless set. `script` stays, and may be freed at once.
 */
vmt_code vmt_template_builder_script(vmt_template_builder *builder, const vmt_script *script);

/**
 * The setup script, by its path.
 */
vmt_code vmt_template_builder_script_path(vmt_template_builder *builder, const char *path);

/**
 * The name of the script in the template; `windows.cmd` or that of the file unless set.
 */
vmt_code vmt_template_builder_script_name(vmt_template_builder *builder, const char *name);

/**
 * The least memory of a machine, in MiB.
 */
vmt_code vmt_template_builder_memory_mib(vmt_template_builder *builder, uint64_t memory_mib);

/**
 * The least disk of a machine, in MB.
 */
vmt_code vmt_template_builder_disk_mb(vmt_template_builder *builder, uint64_t disk_mb);

/**
 * Whether machines with an IPv4 address as their primary one can be made.
 */
vmt_code vmt_template_builder_ipv4(vmt_template_builder *builder, bool supported);

/**
 * The same for IPv6.
 */
vmt_code vmt_template_builder_ipv6(vmt_template_builder *builder, bool supported);

/**
 * The number of reboots after which the system counts as installed.
 */
vmt_code vmt_template_builder_reboot_count(vmt_template_builder *builder, uint32_t count);

/**
 * Whether the image has virtio drivers for disks.
 */
vmt_code vmt_template_builder_virtio_disk(vmt_template_builder *builder, bool installed);

/**
 * Whether the image has virtio drivers for the network.
 */
vmt_code vmt_template_builder_virtio_net(vmt_template_builder *builder, bool installed);

/**
 * One more tag.
 */
vmt_code vmt_template_builder_tag(vmt_template_builder *builder, const char *tag);

/**
 * The version of the template, as any text.
 */
vmt_code vmt_template_builder_template_version(vmt_template_builder *builder, const char *version);

/**
 * One more macro that the user fills in, in the form `($NAME)`.
 */
vmt_code vmt_template_builder_declare_macro(vmt_template_builder *builder, const char *name);

/**
 * One more product that can use the template, such as `VMmgr`, from a version on, or, for NULL, of any version.
 */
vmt_code vmt_template_builder_support(vmt_template_builder *builder,
                                      const char *product,
                                      const char *min_version);

/**
 * The template. It consumes `builder`, also when it fails.
 *
 * Fails with `VMT_INVALID_TEMPLATE`, or what the one thing that is wrong is, with a problem for each thing that is wrong.
 */
vmt_template *vmt_template_builder_build(vmt_template_builder *builder,
                                         vmt_error **err);

/**
 * Free one that is not built. NULL is taken.
 */
void vmt_template_builder_free(vmt_template_builder *builder);

/**
 * The bytes, as long as the handle. One more follows them, which is 0. NULL for NULL.
 */
const uint8_t *vmt_bytes_data(const vmt_bytes *bytes);

/**
 * How many there are.
 */
size_t vmt_bytes_length(const vmt_bytes *bytes);

/**
 * Free them. NULL is taken.
 */
void vmt_bytes_free(vmt_bytes *bytes);

/**
 * Check an archive, a folder with a template, a disk image or a script. `options` may be NULL.
 *
 * What is wrong is in the report. Fails with `VMT_NOT_FOUND`, `VMT_CANCELLED`, and with `VMT_INVALID_VALUE` if the
 * options name a rule that does not exist.
 */
vmt_report *vmt_check(const char *path,
                      const vmt_check_options *options,
                      vmt_error **err);

/**
 * The same of what `read` gives up to its end, as a file of this name, which may say what it is: `setup.cmd`. An archive
 * or an image is kept in a temporary file without a name meanwhile.
 */
vmt_report *vmt_check_stream(vmt_read_fn read,
                             void *user_data,
                             const char *name,
                             const vmt_check_options *options,
                             vmt_error **err);

/**
 * A control that reports to `progress`, which may be NULL, with `user_data`. Never NULL, but for a fault of the library.
 */
vmt_control *vmt_control_new(vmt_progress_fn progress,
                             void *user_data);

/**
 * Ask the work to stop, from any thread. It ends with `VMT_CANCELLED` and leaves nothing half-written. It cannot be
 * undone: later work with this control is cancelled at once.
 */
void vmt_control_cancel(const vmt_control *control);

/**
 * Whether it was asked to stop.
 */
bool vmt_control_is_cancelled(const vmt_control *control);

/**
 * Free a control. NULL is taken.
 */
void vmt_control_free(vmt_control *control);

/**
 * The drive with a rendered script. `padding` is `blank-lines` or `zeros`; NULL is the first of them.
 *
 * Fails with `VMT_LIMIT_EXCEEDED` if the script is too long, and with `VMT_INVALID_SCRIPT` if it cannot stand there.
 */
vmt_drive *vmt_drive_new(const vmt_script *script,
                         const char *padding,
                         vmt_error **err);

/**
 * The drive that these bytes are. They are copied.
 */
vmt_drive *vmt_drive_from_bytes(const uint8_t *bytes, size_t length, vmt_error **err);

/**
 * The drive in a file or on a block device.
 */
vmt_drive *vmt_drive_read(const char *path, vmt_error **err);

/**
 * The script on it, without the padding.
 */
vmt_script *vmt_drive_script(const vmt_drive *drive, vmt_error **err);

/**
 * All of its bytes, as long as it lives. `length`, which may be NULL, gets `VMT_DRIVE_SIZE`.
 */
const uint8_t *vmt_drive_bytes(const vmt_drive *drive, size_t *length);

/**
 * Write it to a file so that it appears whole or not at all, or to a block device. Fails with `VMT_ALREADY_EXISTS`
 * unless `overwrite`.
 */
vmt_code vmt_drive_write(const vmt_drive *drive,
                         const char *path,
                         bool overwrite,
                         vmt_error **err);

/**
 * Free it. NULL is taken.
 */
void vmt_drive_free(vmt_drive *drive);

/**
 * Free an error. NULL is taken.
 */
void vmt_error_free(vmt_error *error);

/**
 * What kind of error it is; `VMT_OK` for NULL.
 */
vmt_code vmt_error_code(const vmt_error *error);

/**
 * The stable name of a code, such as `not-found`; NULL if there is no such code. It lives for ever.
 */
const char *vmt_code_name(vmt_code code);

/**
 * The stable name of that kind, such as `not-found`; NULL for NULL. It lives for ever.
 */
const char *vmt_error_kind(const vmt_error *error);

/**
 * What was found and what was expected, without the place. `length`, which may be NULL, gets its bytes.
 */
const char *vmt_error_message(const vmt_error *error,
                              size_t *length);

/**
 * All of it in one line: place, message, problems, causes, help. This is what a log wants.
 */
const char *vmt_error_text(const vmt_error *error, size_t *length);

/**
 * The file or folder that it happened in, as bytes; NULL if none is known.
 */
const char *vmt_error_path(const vmt_error *error, size_t *length);

/**
 * The entry of an archive, or the file inside an image, that it happened in; NULL if none is known.
 */
const char *vmt_error_entry(const vmt_error *error, size_t *length);

/**
 * The element, key or option that holds the bad value; NULL if none is known.
 */
const char *vmt_error_field(const vmt_error *error, size_t *length);

/**
 * How to mend it; NULL where that cannot be told.
 */
const char *vmt_error_help(const vmt_error *error, size_t *length);

/**
 * The line in a text, from 1; 0 if it did not happen in one.
 */
size_t vmt_error_line(const vmt_error *error);

/**
 * The column in characters, from 1; 0 if it did not happen in a text.
 */
size_t vmt_error_column(const vmt_error *error);

/**
 * How many causes are behind it, such as an error of the system.
 */
size_t vmt_error_cause_count(const vmt_error *error);

/**
 * A cause, from the nearest at 0; NULL past the end.
 */
const char *vmt_error_cause(const vmt_error *error, size_t index, size_t *length);

/**
 * How many problems were found in one go; 0 where it is one error alone.
 */
size_t vmt_error_problem_count(const vmt_error *error);

/**
 * One of these problems, which is part of the error and is not freed; NULL past the end.
 */
const vmt_error *vmt_error_problem(const vmt_error *error, size_t index);

/**
 * Copy the archive of the template with this name into a folder, and compare it with its checksum. A fetch that was
 * broken off goes on where it was. `options` may be NULL.
 *
 * Fails with `VMT_NOT_FOUND`, `VMT_ALREADY_EXISTS`, `VMT_INVALID_ARCHIVE`, `VMT_INVALID_SIGNATURE`, `VMT_NETWORK`.
 */
vmt_fetched *vmt_repository_fetch(const vmt_repository *repository,
                                  const char *name,
                                  const char *folder,
                                  const vmt_fetch_options *options,
                                  vmt_error **err);

/**
 * Where the archive is now, as bytes.
 */
const char *vmt_fetched_path(const vmt_fetched *fetched, size_t *length);

/**
 * Its SHA-256, in hex.
 */
const char *vmt_fetched_sha256(const vmt_fetched *fetched, size_t *length);

/**
 * Whether SHA256SUMS of the repository has this checksum.
 */
bool vmt_fetched_has_checksum(const vmt_fetched *fetched);

/**
 * Its bytes.
 */
uint64_t vmt_fetched_archive_bytes(const vmt_fetched *fetched);

/**
 * How many of them were there already, from a fetch that was broken off.
 */
uint64_t vmt_fetched_resumed_at(const vmt_fetched *fetched);

/**
 * Free it. NULL is taken.
 */
void vmt_fetched_free(vmt_fetched *fetched);

/**
 * The kit. `dd`, which may be NULL, is the path of a `dd.exe` to put beside the scripts.
 */
vmt_first_run *vmt_first_run_new(const char *dd, vmt_error **err);

/**
 * How many files it has.
 */
size_t vmt_first_run_file_count(const vmt_first_run *kit);

/**
 * The name of a file; NULL past the end.
 */
const char *vmt_first_run_file_name(const vmt_first_run *kit, size_t index, size_t *length);

/**
 * Its bytes; NULL past the end.
 */
const uint8_t *vmt_first_run_file_bytes(const vmt_first_run *kit, size_t index, size_t *length);

/**
 * Write the files into a folder, which may be new.
 */
vmt_code vmt_first_run_write(const vmt_first_run *kit, const char *folder, vmt_error **err);

/**
 * The files as a CD image.
 */
vmt_bytes *vmt_first_run_iso(const vmt_first_run *kit, vmt_error **err);

/**
 * Write the CD image as a file. Fails with `VMT_ALREADY_EXISTS` unless `overwrite`.
 */
vmt_code vmt_first_run_write_iso(const vmt_first_run *kit,
                                 const char *path,
                                 bool overwrite,
                                 vmt_error **err);

/**
 * Free it. NULL is taken.
 */
void vmt_first_run_free(vmt_first_run *kit);

/**
 * Open an image: a file or block device of any format that is known, or `rbd:POOL/IMAGE[@SNAP]`. `options` may be NULL.
 *
 * Fails with `VMT_NOT_FOUND`, `VMT_PERMISSION_DENIED`, `VMT_INVALID_IMAGE`, `VMT_UNSUPPORTED`, `VMT_LIMIT_EXCEEDED`.
 */
vmt_image *vmt_image_open(const char *path,
                          const vmt_open_options *options,
                          vmt_error **err);

/**
 * A raw disk of these bytes, which are copied.
 */
vmt_image *vmt_image_from_bytes(const uint8_t *bytes, size_t length, vmt_error **err);

/**
 * A disk that is read by `source`, which is copied; what it points to must live until its `free` is called.
 */
vmt_image *vmt_image_from_source(const vmt_source *source,
                                 vmt_error **err);

/**
 * An image of any format that comes as a stream. It is read to its end, into a temporary file without a name.
 * `options` may be NULL.
 */
vmt_image *vmt_image_from_stream(vmt_read_fn read,
                                 void *user_data,
                                 const vmt_open_options *options,
                                 vmt_error **err);

/**
 * Free an image. NULL is taken, and so is one that is part of a template, which stays.
 */
void vmt_image_free(vmt_image *image);

/**
 * The bytes of the disk; 0 for NULL.
 */
uint64_t vmt_image_size(const vmt_image *image);

/**
 * Its format as `qemu-img` spells it: `raw`, `qcow2`, `vhdx`, `vmdk`, `vpc`. It lives for ever.
 */
const char *vmt_image_format(const vmt_image *image);

/**
 * The path that it was opened by, as bytes; NULL if there is none.
 */
const char *vmt_image_path(const vmt_image *image, size_t *length);

/**
 * Fill `buffer` with the `length` bytes at `offset` of the disk. Fails with `VMT_INVALID_VALUE` if they are not all on
 * it; what is in the buffer then is not told.
 */
vmt_code vmt_image_read_at(const vmt_image *image,
                           uint8_t *buffer,
                           size_t length,
                           uint64_t offset,
                           vmt_error **err);

/**
 * Give each part of the disk to `visit`, from the first to the last. Neighbours of one kind come as one.
 *
 * Fails with `VMT_CANCELLED` when `visit` asked for it.
 */
vmt_code vmt_image_extents(const vmt_image *image,
                           vmt_extent_fn visit,
                           void *user_data,
                           vmt_error **err);

/**
 * The same disk, in which what its NTFS volumes mark free is not read. A volume that cannot be proved consistent is left
 * as it is.
 *
 * `*report`, unless `report` is NULL, gets JSON of what was left out, and of why a volume was kept whole; free it with
 * `vmt_bytes_free()`.
 */
vmt_image *vmt_image_without_free_space(const vmt_image *image,
                                        const vmt_free_space_options *options,
                                        vmt_bytes **report,
                                        vmt_error **err);

/**
 * Write the disk as a sparse raw file, which appears whole or not at all. `options` may be NULL.
 *
 * `*summary`, unless `summary` is NULL, gets JSON of what was read and written; free it with `vmt_bytes_free()`.
 */
vmt_code vmt_image_write_raw(const vmt_image *image,
                             const char *path,
                             const vmt_write_raw_options *options,
                             vmt_bytes **summary,
                             vmt_error **err);

/**
 * The same, with every byte of the disk given to `write` in order, on this thread. What is no data comes as zeros.
 * `threads` and `VMT_WRITE_RAW_OVERWRITE` of the options have no meaning here.
 *
 * What was written before an error is a part of the disk.
 */
vmt_code vmt_image_write_raw_to(const vmt_image *image,
                                vmt_write_fn write,
                                void *user_data,
                                const vmt_write_raw_options *options,
                                vmt_bytes **summary,
                                vmt_error **err);

/**
 * Look at a disk: its tables and file systems are read, and its map. Damage is told in the JSON.
 */
vmt_disk_info *vmt_image_info(const vmt_image *image, vmt_error **err);

/**
 * The format, as `vmt_image_format()` gives it. It lives for ever.
 */
const char *vmt_disk_info_format(const vmt_disk_info *info);

/**
 * The bytes of the disk.
 */
uint64_t vmt_disk_info_size(const vmt_disk_info *info);

/**
 * The bytes that packing reads.
 */
uint64_t vmt_disk_info_data(const vmt_disk_info *info);

/**
 * The bytes that the image tells to be zero.
 */
uint64_t vmt_disk_info_holes(const vmt_disk_info *info);

/**
 * The bytes that file systems mark free.
 */
uint64_t vmt_disk_info_free_bytes(const vmt_disk_info *info);

/**
 * How many partitions there are; 0 without a table.
 */
size_t vmt_disk_info_partition_count(const vmt_disk_info *info);

/**
 * All of it as JSON, as `vmtemplate disk --json` prints it, with partitions, volumes and why one is kept whole.
 */
const char *vmt_disk_info_json(const vmt_disk_info *info,
                               size_t *length);

/**
 * Free it. NULL is taken.
 */
void vmt_disk_info_free(vmt_disk_info *info);

/**
 * Which Windows is installed on a disk, as JSON: `product`, `edition`, `version`, `build`, `architecture`, `language`
 * and others, as far as they are known.
 *
 * NULL if there is none; then `*err` is NULL too. Free it with `vmt_bytes_free()`.
 */
vmt_bytes *vmt_image_windows(const vmt_image *image,
                             vmt_error **err);

/**
 * Find the macros in `length` bytes of UTF-8.
 */
vmt_macros *vmt_find_macros(const char *text, size_t length, vmt_error **err);

/**
 * How many there are.
 */
size_t vmt_macros_count(const vmt_macros *macros);

/**
 * The bare name of a macro, such as `IP` for `($IP)`; NULL past the end.
 */
const char *vmt_macros_name(const vmt_macros *macros, size_t index, size_t *length);

/**
 * The byte at which it begins.
 */
size_t vmt_macros_start(const vmt_macros *macros, size_t index);

/**
 * The byte behind its end.
 */
size_t vmt_macros_end(const vmt_macros *macros, size_t index);

/**
 * Its line, from 1; 0 past the end.
 */
size_t vmt_macros_line(const vmt_macros *macros, size_t index);

/**
 * Its column in characters, from 1; 0 past the end.
 */
size_t vmt_macros_column(const vmt_macros *macros, size_t index);

/**
 * Free them. NULL is taken.
 */
void vmt_macros_free(vmt_macros *macros);

/**
 * How many macros the platform knows.
 */
size_t vmt_catalogue_count(void);

/**
 * The bare name of one of them; NULL past the end. It lives for ever.
 */
const char *vmt_catalogue_name(size_t index);

/**
 * What the macro with this bare name stands for; NULL if the platform does not know it. It lives for ever.
 */
const char *vmt_macro_meaning(const char *name);

/**
 * The macro of the platform whose name is nearest to this one; NULL if none is near. It lives for ever.
 */
const char *vmt_macro_nearest(const char *name);

/**
 * What kind of value that macro holds, such as `address-v4`; NULL if the platform does not know it. It lives for ever.
 */
const char *vmt_macro_kind(const char *name);

/**
 * Whether a text is the name of a macro: bare, such as `IP`, or, if `spelled`, as it stands in a script, such as
 * `($IP)`. Fails with `VMT_INVALID_MACRO`.
 */
vmt_code vmt_macro_check(const char *name,
                         bool spelled,
                         vmt_error **err);

/**
 * A new one with the name of the operating system and nothing else that can be left out.
 *
 * Fails with `VMT_INVALID_VALUE` if the name is empty or cannot stand in XML.
 */
vmt_metainfo *vmt_metainfo_new(const char *os_name, vmt_error **err);

/**
 * Read one from the bytes of a metainfo.xml. Fails with `VMT_INVALID_METAINFO`, with line and column.
 */
vmt_metainfo *vmt_metainfo_parse(const uint8_t *bytes,
                                 size_t length,
                                 vmt_error **err);

/**
 * Read one from a file, or from the metainfo.xml in a folder.
 */
vmt_metainfo *vmt_metainfo_from_file(const char *path, vmt_error **err);

/**
 * Make one of a JSON object with the keys that `vmt_metainfo_json()` writes. Fails with `VMT_INVALID_VALUE`.
 */
vmt_metainfo *vmt_metainfo_from_json(const char *json,
                                     vmt_error **err);

/**
 * A copy, which can be changed. This is how to edit the metadata of a template that is open.
 */
vmt_metainfo *vmt_metainfo_clone(const vmt_metainfo *metainfo, vmt_error **err);

/**
 * Free one. NULL is taken, and so is one that is part of a template, which stays.
 */
void vmt_metainfo_free(vmt_metainfo *metainfo);

/**
 * The bytes of the file, in the encoding that it came in.
 */
const uint8_t *vmt_metainfo_bytes(const vmt_metainfo *metainfo, size_t *length);

/**
 * All of it as a JSON object. Fails with `VMT_INVALID_METAINFO` if a value in it is not what it should be.
 */
const char *vmt_metainfo_json(const vmt_metainfo *metainfo,
                              size_t *length,
                              vmt_error **err);

/**
 * Write the file so that it appears whole or not at all. Fails with `VMT_ALREADY_EXISTS` unless `overwrite`.
 */
vmt_code vmt_metainfo_write_file(const vmt_metainfo *metainfo,
                                 const char *path,
                                 bool overwrite,
                                 vmt_error **err);

/**
 * The text of an element by its name, such as `osname`, `hddimage`, `version`, `limit.mem`. NULL if it is not there or
 * empty, or if there is no such key.
 */
const char *vmt_metainfo_get(const vmt_metainfo *metainfo,
                             const char *key,
                             size_t *length);

/**
 * Set that text. All else keeps its bytes.
 *
 * Fails with `VMT_INVALID_VALUE` if there is no such key, or it does not take this text; then nothing is changed.
 */
vmt_code vmt_metainfo_set(vmt_metainfo *metainfo,
                          const char *key,
                          const char *text,
                          vmt_error **err);

/**
 * Remove an element. `*removed`, which may be NULL, says whether it was there.
 */
vmt_code vmt_metainfo_remove(vmt_metainfo *metainfo,
                             const char *key,
                             bool *removed,
                             vmt_error **err);

/**
 * Read the limits. Fails with `VMT_INVALID_METAINFO` if one is not what it should be. Those with other names are read
 * with `vmt_metainfo_get()`, as `limit.NAME`.
 */
vmt_code vmt_metainfo_limits(const vmt_metainfo *metainfo,
                             vmt_limits *limits,
                             vmt_error **err);

/**
 * Set the limits; zeros remove theirs. Those with other names stay.
 */
vmt_code vmt_metainfo_set_limits(vmt_metainfo *metainfo, vmt_limits limits, vmt_error **err);

/**
 * What a machine with this memory, disk and family of its primary address (4 or 6) lacks. `*misses` gets the sum of the
 * `VMT_MISS_` numbers; 0 if it can be made.
 */
vmt_code vmt_metainfo_check_machine(const vmt_metainfo *metainfo,
                                    uint64_t memory_mib,
                                    uint64_t disk_mb,
                                    uint32_t primary_address,
                                    vmt_misses *misses,
                                    vmt_error **err);

/**
 * How many tags it has.
 */
size_t vmt_metainfo_tag_count(const vmt_metainfo *metainfo);

/**
 * A tag; NULL past the end.
 */
const char *vmt_metainfo_tag(const vmt_metainfo *metainfo, size_t index, size_t *length);

/**
 * Set the tags: `count` texts.
 */
vmt_code vmt_metainfo_set_tags(vmt_metainfo *metainfo,
                               const char *const *tags,
                               size_t count,
                               vmt_error **err);

/**
 * How many products it names.
 */
size_t vmt_metainfo_product_count(const vmt_metainfo *metainfo);

/**
 * The name of a product that can use the template, such as `VMmgr`; NULL past the end.
 */
const char *vmt_metainfo_product_name(const vmt_metainfo *metainfo, size_t index, size_t *length);

/**
 * The least version of that product, as `a.b.c`; NULL if any will do.
 */
const char *vmt_metainfo_product_version(const vmt_metainfo *metainfo,
                                         size_t index,
                                         size_t *length);

/**
 * Set the products: `count` texts, each a name, or a name and the least version: `VMmgr:5.45`.
 */
vmt_code vmt_metainfo_set_products(vmt_metainfo *metainfo,
                                   const char *const *products,
                                   size_t count,
                                   vmt_error **err);

/**
 * Whether this product of this version can use the template. False for NULL.
 */
bool vmt_metainfo_allows(const vmt_metainfo *metainfo, const char *product, const char *version);

/**
 * How many macros it declares.
 */
size_t vmt_metainfo_macro_count(const vmt_metainfo *metainfo);

/**
 * A macro that is declared, such as `($PRODUCTKEY)`; NULL past the end.
 */
const char *vmt_metainfo_macro(const vmt_metainfo *metainfo, size_t index, size_t *length);

/**
 * Set the macros that are declared: `count` texts in the form `($NAME)`.
 */
vmt_code vmt_metainfo_set_macros(vmt_metainfo *metainfo,
                                 const char *const *macros,
                                 size_t count,
                                 vmt_error **err);

/**
 * Read the number of reboots after which the system counts as installed; 1 if it is not there.
 */
vmt_code vmt_metainfo_reboot_count(const vmt_metainfo *metainfo, uint32_t *count, vmt_error **err);

/**
 * Set that number.
 */
vmt_code vmt_metainfo_set_reboot_count(vmt_metainfo *metainfo, uint32_t count, vmt_error **err);

/**
 * Whether the image has virtio drivers for disks.
 */
bool vmt_metainfo_virtio_disk(const vmt_metainfo *metainfo);

/**
 * Set whether it has.
 */
vmt_code vmt_metainfo_set_virtio_disk(vmt_metainfo *metainfo, bool has_drivers, vmt_error **err);

/**
 * Whether the image has virtio drivers for the network.
 */
bool vmt_metainfo_virtio_net(const vmt_metainfo *metainfo);

/**
 * Set whether it has.
 */
vmt_code vmt_metainfo_set_virtio_net(vmt_metainfo *metainfo, bool has_drivers, vmt_error **err);

/**
 * Whether the template takes public SSH keys. `*base64`, which may be NULL, says whether they come in base64.
 */
bool vmt_metainfo_ssh_public_key(const vmt_metainfo *metainfo,
                                 bool *base64);

/**
 * Set whether it takes them, and how they come.
 */
vmt_code vmt_metainfo_set_ssh_public_key(vmt_metainfo *metainfo,
                                         bool accepted,
                                         bool base64,
                                         vmt_error **err);

/**
 * A text for people, in a language such as `en`, or, for NULL, in none that it names. NULL if it is not there.
 */
const char *vmt_metainfo_description(const vmt_metainfo *metainfo,
                                     const char *language,
                                     size_t *length);

/**
 * Where an archive of VMmanager 5 can be had from; NULL past the end.
 */
const char *vmt_metainfo_external_url(const vmt_metainfo *metainfo, size_t index, size_t *length);

/**
 * How many values in it are not what they should be.
 */
size_t vmt_metainfo_problem_count(const vmt_metainfo *metainfo);

/**
 * One of these problems, which is part of the metainfo and is not freed; NULL past the end.
 */
const vmt_error *vmt_metainfo_problem(const vmt_metainfo *metainfo, size_t index);

/**
 * The family that the platform takes a template of this name for: `redhat-based`, `debian-based`, `freebsd-based` or
 * `Windows`. NULL if it takes it for none. It lives for ever.
 */
const char *vmt_os_family(const char *template_name);

/**
 * Fail now with what writing to `path` would begin with, and not after what comes before it, such as a check: something
 * is there and `overwrite` is false, its folder is missing or takes no new file, it is a folder. Nothing is written.
 *
 * Fails with `VMT_ALREADY_EXISTS`, `VMT_NOT_FOUND`, `VMT_PERMISSION_DENIED`, `VMT_IO`.
 */
vmt_code vmt_probe_output(const char *path,
                          bool overwrite,
                          vmt_error **err);

/**
 * The bytes of the archive.
 */
uint64_t vmt_pack_summary_archive_bytes(const vmt_pack_summary *summary);

/**
 * The bytes of all files in it.
 */
uint64_t vmt_pack_summary_content_bytes(const vmt_pack_summary *summary);

/**
 * The bytes that were read.
 */
uint64_t vmt_pack_summary_data_read(const vmt_pack_summary *summary);

/**
 * The bytes that were read and turned out to be zero.
 */
uint64_t vmt_pack_summary_zeros_found(const vmt_pack_summary *summary);

/**
 * The bytes that the image told to be zero, and that were not read.
 */
uint64_t vmt_pack_summary_holes(const vmt_pack_summary *summary);

/**
 * The bytes that file systems mark free, and that were not read.
 */
uint64_t vmt_pack_summary_free_bytes(const vmt_pack_summary *summary);

/**
 * How many names of files were left behind, because the metadata does not name them; at most 1000.
 */
size_t vmt_pack_summary_left_behind_count(const vmt_pack_summary *summary);

/**
 * One of them; a folder of which nothing is named ends with a slash. NULL past the end.
 */
const char *vmt_pack_summary_left_behind(const vmt_pack_summary *summary,
                                         size_t index,
                                         size_t *length);

/**
 * How many files the metadata names, beside image and script, that are not there.
 */
size_t vmt_pack_summary_missing_count(const vmt_pack_summary *summary);

/**
 * One of them, such as `pxelinuxcfg: pxe.cfg`. NULL past the end.
 */
const char *vmt_pack_summary_missing(const vmt_pack_summary *summary, size_t index, size_t *length);

/**
 * All of it as JSON, with the volumes, and why one was kept whole.
 */
const char *vmt_pack_summary_json(const vmt_pack_summary *summary, size_t *length);

/**
 * Free it. NULL is taken.
 */
void vmt_pack_summary_free(vmt_pack_summary *summary);

/**
 * How many findings there are.
 */
size_t vmt_report_count(const vmt_report *report);

/**
 * How many of them are errors.
 */
size_t vmt_report_errors(const vmt_report *report);

/**
 * How many of them are warnings.
 */
size_t vmt_report_warnings(const vmt_report *report);

/**
 * How many of them are notes.
 */
size_t vmt_report_notes(const vmt_report *report);

/**
 * Whether there is a finding that matters as much, or more. False for NULL, and for what is no severity.
 */
bool vmt_report_has(const vmt_report *report,
                    vmt_severity severity);

/**
 * All of it as JSON, as `vmtemplate check --json` prints it.
 */
const char *vmt_report_json(const vmt_report *report, size_t *length);

/**
 * All of it as SARIF 2.1.0, which services for code review read.
 */
const char *vmt_report_sarif(const vmt_report *report, size_t *length);

/**
 * The code of the rule of a finding; NULL past the end. It lives for ever. `vmt_rule_title()` and others tell more.
 */
const char *vmt_finding_code(const vmt_report *report,
                             size_t index);

/**
 * How much it matters; 0 past the end.
 */
vmt_severity vmt_finding_severity(const vmt_report *report, size_t index);

/**
 * What was found; NULL past the end.
 */
const char *vmt_finding_message(const vmt_report *report, size_t index, size_t *length);

/**
 * How to mend it; NULL past the end.
 */
const char *vmt_finding_fix(const vmt_report *report, size_t index, size_t *length);

/**
 * Place, severity, code and message in one line; NULL past the end.
 */
const char *vmt_finding_text(const vmt_report *report, size_t index, size_t *length);

/**
 * The file of the template that it is in; NULL if it is in none.
 */
const char *vmt_finding_file(const vmt_report *report, size_t index, size_t *length);

/**
 * The path inside the image that it is at; NULL if it is at none.
 */
const char *vmt_finding_path(const vmt_report *report, size_t index, size_t *length);

/**
 * The number of the partition that it is on; 0 if it is on none.
 */
uint32_t vmt_finding_partition(const vmt_report *report, size_t index);

/**
 * Its line in a text, from 1; 0 if it is in none.
 */
size_t vmt_finding_line(const vmt_report *report, size_t index);

/**
 * Its column in characters, from 1; 0 if it is in no text.
 */
size_t vmt_finding_column(const vmt_report *report, size_t index);

/**
 * The line that it is in, or the part of it around the place; NULL if it is in no text.
 */
const char *vmt_finding_excerpt(const vmt_report *report, size_t index, size_t *length);

/**
 * The column of the place in the excerpt, from 1; 0 if there is none.
 */
size_t vmt_finding_excerpt_column(const vmt_report *report, size_t index);

/**
 * How many characters of the excerpt it is about; 0 if there is none.
 */
size_t vmt_finding_excerpt_length(const vmt_report *report, size_t index);

/**
 * Free a report. NULL is taken.
 */
void vmt_report_free(vmt_report *report);

/**
 * Open a repository; its description tells the format. Fails with `VMT_NOT_FOUND` if there is none, and with
 * `VMT_INVALID_REPOSITORY` if there are two.
 */
vmt_repository *vmt_repository_open(const char *folder,
                                    vmt_error **err);

/**
 * Open a repository of this format.
 */
vmt_repository *vmt_repository_open_as(const char *folder,
                                       vmt_repository_format format,
                                       vmt_error **err);

/**
 * Make a folder a repository, empty as yet. Fails with `VMT_ALREADY_EXISTS` if it is one.
 */
vmt_repository *vmt_repository_create(const char *folder,
                                      vmt_repository_format format,
                                      vmt_error **err);

/**
 * Its folder, as bytes.
 */
const char *vmt_repository_folder(const vmt_repository *repository, size_t *length);

/**
 * The path of its description, as bytes.
 */
const char *vmt_repository_description(const vmt_repository *repository, size_t *length);

/**
 * Its format; 0 for NULL.
 */
vmt_repository_format vmt_repository_format_of(const vmt_repository *repository);

/**
 * Close it. NULL is taken.
 */
void vmt_repository_free(vmt_repository *repository);

/**
 * The templates that the description names.
 */
vmt_entries *vmt_repository_list(const vmt_repository *repository, vmt_error **err);

/**
 * Add an archive: it is read to its end, copied into the folder, and described. The list has the one new entry.
 * `options` may be NULL.
 *
 * Fails with `VMT_ALREADY_EXISTS` if a template of this name is there, `VMT_INVALID_ARCHIVE`, `VMT_LOCKED`,
 * `VMT_INVALID_SIGNATURE`, `VMT_STORAGE_FULL`, `VMT_CANCELLED`.
 */
vmt_entries *vmt_repository_add(const vmt_repository *repository,
                                const char *archive,
                                const vmt_entry_options *options,
                                vmt_error **err);

/**
 * The same for the archive that `source` gives, which is copied. `name` is what errors call it: any bytes. Without a file
 * name in `options` the archive is called after its template.
 */
vmt_entries *vmt_repository_add_source(const vmt_repository *repository,
                                       const vmt_source *source,
                                       const char *name,
                                       const vmt_entry_options *options,
                                       vmt_error **err);

/**
 * Pack a template straight into the repository, and describe it. With `replace` it takes the place of the template with
 * this name, if there is one. The list has the one new entry. Both options may be NULL.
 *
 * Fails as `vmt_template_pack()` and `vmt_repository_add()` do.
 */
vmt_entries *vmt_repository_push(const vmt_repository *repository,
                                 const vmt_template *template_,
                                 bool replace,
                                 const vmt_pack_options *pack,
                                 const vmt_entry_options *entry,
                                 vmt_error **err);

/**
 * Put an archive in the place of the template with this name. Who is downloading the old one gets all of it. What neither
 * `options` nor the metainfo.xml of the new archive says stays as it is described.
 */
vmt_entries *vmt_repository_replace(const vmt_repository *repository,
                                    const char *name,
                                    const char *archive,
                                    const vmt_entry_options *options,
                                    vmt_error **err);

/**
 * The same for the archive that `source` gives, as in `vmt_repository_add_source()`; `source_name` is what errors call it.
 */
vmt_entries *vmt_repository_replace_source(const vmt_repository *repository,
                                           const char *name,
                                           const vmt_source *source,
                                           const char *source_name,
                                           const vmt_entry_options *options,
                                           vmt_error **err);

/**
 * Remove the template with this name, and its archive. The list has what the description said of it.
 */
vmt_entries *vmt_repository_remove(const vmt_repository *repository,
                                   const char *name,
                                   const vmt_publish_options *options,
                                   vmt_error **err);

/**
 * Write sizes and checksums anew where archives were changed by hand. Gives JSON with `updated`, `missing` and `damaged`;
 * free it with `vmt_bytes_free()`. `damaged` has each archive that is not sound with the reason. What is said of those, and
 * of the missing ones, stays as it was.
 */
vmt_bytes *vmt_repository_sync(const vmt_repository *repository,
                               const vmt_publish_options *options,
                               vmt_error **err);

/**
 * Check the description, every archive, every checksum, and the signatures. `options` may be NULL.
 *
 * What is wrong is in the report.
 */
vmt_report *vmt_repository_verify(const vmt_repository *repository,
                                  const vmt_repository_verify_options *options,
                                  vmt_error **err);

/**
 * How many there are.
 */
size_t vmt_entries_count(const vmt_entries *entries);

/**
 * The name that users see; NULL past the end.
 */
const char *vmt_entries_name(const vmt_entries *entries, size_t index, size_t *length);

/**
 * The tags, separated by commas; NULL past the end.
 */
const char *vmt_entries_tags(const vmt_entries *entries, size_t index, size_t *length);

/**
 * The name of the archive; NULL past the end.
 */
const char *vmt_entries_file_name(const vmt_entries *entries, size_t index, size_t *length);

/**
 * What the image file on a node is called after; NULL if the description does not say it.
 */
const char *vmt_entries_image_name(const vmt_entries *entries, size_t index, size_t *length);

/**
 * The version of the template; NULL if neither the description nor the archive says it.
 */
const char *vmt_entries_version(const vmt_entries *entries, size_t index, size_t *length);

/**
 * When the archive changed, as `YYYY-MM-DD hh:mm:ss` in UTC; NULL if that is not known.
 */
const char *vmt_entries_modified(const vmt_entries *entries, size_t index, size_t *length);

/**
 * The size of the archive in MiB; 0 if the description does not say it.
 */
uint64_t vmt_entries_archive_size_mib(const vmt_entries *entries, size_t index);

/**
 * The family that the platform takes it for, as `vmt_os_family()` tells it; NULL for none. It lives for ever.
 */
const char *vmt_entries_family(const vmt_entries *entries,
                               size_t index);

/**
 * What it is by the name of its archive: `kvm-template`, `kvm-image` or `lxd`; NULL past the end. It lives for ever.
 */
const char *vmt_entries_kind(const vmt_entries *entries,
                             size_t index);

/**
 * All of it as JSON, with the keys that are not known here; NULL past the end.
 */
const char *vmt_entries_json(const vmt_entries *entries, size_t index, size_t *length);

/**
 * Free a list. NULL is taken.
 */
void vmt_entries_free(vmt_entries *entries);

/**
 * Read a secret key from its file. `password` may be NULL, for one that was made with `minisign -G -W`.
 *
 * Fails with `VMT_INVALID_VALUE` if it is no secret key, or the password is not the right one.
 */
vmt_signing_key *vmt_signing_key_from_file(const char *path,
                                           const char *password,
                                           vmt_error **err);

/**
 * Free it. NULL is taken.
 */
void vmt_signing_key_free(vmt_signing_key *key);

/**
 * Read a public key from its file.
 */
vmt_public_key *vmt_public_key_from_file(const char *path, vmt_error **err);

/**
 * Read a public key from its text: what is in the file, or its last line alone.
 */
vmt_public_key *vmt_public_key_from_text(const char *text, vmt_error **err);

/**
 * Free it. NULL is taken.
 */
void vmt_public_key_free(vmt_public_key *key);

/**
 * How many rules there are.
 */
size_t vmt_rule_count(void);

/**
 * The code of a rule, such as `VMT0101`, by its number from 0; NULL past the end. It lives for ever.
 */
const char *vmt_rule_code(size_t index);

/**
 * How much a finding of the rule with this code matters; 0 if there is no such rule.
 */
vmt_severity vmt_rule_severity(const char *code);

/**
 * What holds when all is well; NULL if there is no such rule. It lives for ever.
 */
const char *vmt_rule_title(const char *code, size_t *length);

/**
 * What goes wrong otherwise; NULL if there is no such rule. It lives for ever.
 */
const char *vmt_rule_why(const char *code, size_t *length);

/**
 * How to mend it; NULL if there is no such rule. It lives for ever.
 */
const char *vmt_rule_fix(const char *code, size_t *length);

/**
 * The step of the platform's guide that it comes from; NULL if there is no such rule. It lives for ever.
 */
const char *vmt_rule_step(const char *code,
                          size_t *length);

/**
 * The bytes of a script, copied. Any bytes are taken; the lint says what is wrong with them.
 */
vmt_script *vmt_script_new(const uint8_t *bytes, size_t length, vmt_error **err);

/**
 * A script file.
 */
vmt_script *vmt_script_from_file(const char *path, vmt_error **err);

/**
 * Our own setup script for Windows, all steps of it. `vmt_setup_new()` makes others.
 */
vmt_script *vmt_script_default_windows(vmt_error **err);

/**
 * Its bytes.
 */
const uint8_t *vmt_script_bytes(const vmt_script *script, size_t *length);

/**
 * Its text as UTF-8; what is no text in its encoding is replaced.
 */
const char *vmt_script_text(const vmt_script *script, size_t *length);

/**
 * Its encoding.
 */
vmt_encoding vmt_script_encoding(const vmt_script *script);

/**
 * How its lines end.
 */
vmt_line_ends vmt_script_line_ends(const vmt_script *script);

/**
 * Its language, `batch`, `powershell` or `posix`; `preseed`, `kickstart` or `cloud-config` of a file that is no script;
 * NULL if it cannot be told. It lives for ever.
 */
const char *vmt_script_language(const vmt_script *script);

/**
 * The same for a file with this name, whose ending decides where the script has no `#!` line.
 */
const char *vmt_script_language_as(const vmt_script *script, const char *file_name);

/**
 * The same script with every line end as CR LF, which cmd.exe asks for.
 */
vmt_script *vmt_script_to_windows(const vmt_script *script, vmt_error **err);

/**
 * What is spelled as a macro in it, known or not.
 */
vmt_macros *vmt_script_macros(const vmt_script *script, vmt_error **err);

/**
 * The script with its macros replaced, each value quoted for its place, so that none becomes a command.
 *
 * `options` may be NULL. Fails with `VMT_INVALID_VALUE`, with a problem for each value that cannot be written where it
 * is used, and for each macro without one.
 */
vmt_script *vmt_script_render(const vmt_script *script,
                              const vmt_values *values,
                              const vmt_render_options *options,
                              vmt_error **err);

/**
 * What would go wrong with it. `metainfo`, which may be NULL, tells what the template declares.
 */
vmt_report *vmt_script_lint(const vmt_script *script,
                            const vmt_metainfo *metainfo,
                            vmt_error **err);

/**
 * What would go wrong with it, by all that is known. `options` may be NULL.
 */
vmt_report *vmt_script_lint_with(const vmt_script *script,
                                 const vmt_lint_options *options,
                                 vmt_error **err);

/**
 * Write the file so that it appears whole or not at all. Fails with `VMT_ALREADY_EXISTS` unless `overwrite`.
 */
vmt_code vmt_script_write_file(const vmt_script *script,
                               const char *path,
                               bool overwrite,
                               vmt_error **err);

/**
 * Free a script. NULL is taken, and so is one that is part of a template, which stays.
 */
void vmt_script_free(vmt_script *script);

/**
 * All steps, as `vmt_script_default_windows()` has them. Never NULL, but for a fault of the library.
 */
vmt_setup *vmt_setup_new(void);

/**
 * Leave a step out: `password`, `address`, `ipv6`, `name-servers`, `volume`, `activation`, `remote-desktop`, `first-run`
 * or `restart`.
 */
vmt_code vmt_setup_without(vmt_setup *setup,
                           const char *step,
                           vmt_error **err);

/**
 * The account that gets the password; `Administrator` unless set.
 */
vmt_code vmt_setup_administrator(vmt_setup *setup, const char *account, vmt_error **err);

/**
 * The file that the script writes its log to; `C:\setup.log` unless set. `%NAME%` stands for a variable of Windows.
 */
vmt_code vmt_setup_log_file(vmt_setup *setup,
                            const char *path,
                            vmt_error **err);

/**
 * The network interface that gets the addresses, by name; NULL, the default, for the first that is connected.
 */
vmt_code vmt_setup_interface(vmt_setup *setup,
                             const char *name,
                             vmt_error **err);

/**
 * Whether the firewall is opened for Remote Desktop; true unless set.
 */
vmt_code vmt_setup_open_firewall(vmt_setup *setup, bool open, vmt_error **err);

/**
 * Whether the product key of `($PRODUCTKEY)` is installed before Windows is activated.
 */
vmt_code vmt_setup_product_key(vmt_setup *setup, bool used, vmt_error **err);

/**
 * The script. It consumes `setup`, also when it fails.
 */
vmt_script *vmt_setup_build(vmt_setup *setup, vmt_error **err);

/**
 * Free one that is not built. NULL is taken.
 */
void vmt_setup_free(vmt_setup *setup);

/**
 * Open a template: an archive, or a folder with a metainfo.xml. The image is not read.
 *
 * Fails with `VMT_NOT_FOUND`, `VMT_INVALID_ARCHIVE`, `VMT_UNSAFE_ARCHIVE`, `VMT_INVALID_METAINFO`,
 * `VMT_INVALID_TEMPLATE`.
 */
vmt_template *vmt_template_open(const char *path, vmt_error **err);

/**
 * The same, with the image of a folder opened by `options`, which may be NULL. The image in an archive is what it is.
 */
vmt_template *vmt_template_open_with(const char *path,
                                     const vmt_open_options *options,
                                     vmt_error **err);

/**
 * Open the archive that `source` gives, which is copied. `name` is what errors call it: any bytes.
 */
vmt_template *vmt_template_from_source(const vmt_source *source, const char *name, vmt_error **err);

/**
 * Its metadata, which is part of it and is not freed; NULL for NULL. `vmt_metainfo_clone()` gives one that can be edited.
 */
const vmt_metainfo *vmt_template_metainfo(const vmt_template *template_);

/**
 * Its setup script, which is part of it and is not freed; NULL if it has none.
 */
const vmt_script *vmt_template_script(const vmt_template *template_);

/**
 * Its disk image, which is part of it and is not freed; NULL if it cannot be read, as in an archive of another tool.
 */
const vmt_image *vmt_template_image(const vmt_template *template_);

/**
 * Its files, which are part of it and are not freed; NULL for NULL.
 */
const vmt_files *vmt_template_files(const vmt_template *template_);

/**
 * All that is known of it as JSON, as `vmtemplate inspect --json` prints it. Fails with `VMT_INVALID_METAINFO` if a value in
 * its metadata is not what it should be.
 */
const char *vmt_template_json(const vmt_template *template_,
                              size_t *length,
                              vmt_error **err);

/**
 * Its setup script with the macros replaced, as `vmt_script_render()` does it. What passwords must not have is taken from
 * its metadata. `options` may be NULL.
 */
vmt_script *vmt_template_render(const vmt_template *template_,
                                const vmt_values *values,
                                const vmt_render_options *options,
                                vmt_error **err);

/**
 * The same of the template or the script file at `path`.
 */
vmt_script *vmt_render_path(const char *path,
                            const vmt_values *values,
                            const vmt_render_options *options,
                            vmt_error **err);

/**
 * Check it, as `vmt_check()` does. `options` may be NULL.
 */
vmt_report *vmt_template_check(const vmt_template *template_,
                               const vmt_check_options *options,
                               vmt_error **err);

/**
 * Pack it as an archive, which appears whole or not at all. `options` may be NULL.
 *
 * `*summary`, unless `summary` is NULL, gets what was done; free it with `vmt_pack_summary_free()`. Fails with
 * `VMT_ALREADY_EXISTS`, `VMT_INVALID_TEMPLATE`, `VMT_IMAGE_CHANGED`, `VMT_STORAGE_FULL`, `VMT_CANCELLED`.
 */
vmt_code vmt_template_pack(const vmt_template *template_,
                           const char *path,
                           const vmt_pack_options *options,
                           vmt_pack_summary **summary,
                           vmt_error **err);

/**
 * Pack it into whatever `write` writes to, from its first byte to its last. `options` may be NULL; what they say of
 * overwriting is not asked.
 *
 * `*summary` as in `vmt_template_pack()`. After an error a part of the archive was written.
 */
vmt_code vmt_template_pack_to(const vmt_template *template_,
                              vmt_write_fn write,
                              void *user_data,
                              const vmt_pack_options *options,
                              vmt_pack_summary **summary,
                              vmt_error **err);

/**
 * Free a template. NULL is taken.
 */
void vmt_template_free(vmt_template *template_);

/**
 * No values yet. Never NULL, but for a fault of the library.
 */
vmt_values *vmt_values_new(void);

/**
 * The values of a JSON object: strings, numbers, `true` and `false`; lists as strings or as arrays; `null` for no
 * value. Fails with `VMT_INVALID_VALUE`, with a problem for each value that its macro does not take.
 */
vmt_values *vmt_values_from_json(const char *json,
                                 vmt_error **err);

/**
 * The same of a file.
 */
vmt_values *vmt_values_from_json_file(const char *path, vmt_error **err);

/**
 * Set the value of a macro, which is named `IP` or `($IP)`. An earlier value is replaced.
 *
 * Fails with `VMT_INVALID_VALUE` if the macro does not take it, and with `VMT_INVALID_MACRO` if this is no name of a
 * macro. What was set before stays.
 */
vmt_code vmt_values_set(vmt_values *values,
                        const char *name,
                        const char *value,
                        vmt_error **err);

/**
 * Set a value that is written `NAME=VALUE`.
 */
vmt_code vmt_values_assign(vmt_values *values, const char *assignment, vmt_error **err);

/**
 * Take over all values of `others`, which stays; where both have one, the other's.
 */
vmt_code vmt_values_extend(vmt_values *values, const vmt_values *others, vmt_error **err);

/**
 * How many macros have a value.
 */
size_t vmt_values_count(const vmt_values *values);

/**
 * The bare name of a macro that has a value, by name; NULL past the end.
 */
const char *vmt_values_name(const vmt_values *values, size_t index, size_t *length);

/**
 * The value of the macro with this bare name; NULL if it has none.
 */
const char *vmt_values_get(const vmt_values *values, const char *name, size_t *length);

/**
 * Free them. NULL is taken.
 */
void vmt_values_free(vmt_values *values);

/**
 * Read all of an archive: every checksum, header and length, and that the files which metainfo.xml names are there.
 * `options` may be NULL.
 *
 * Fails with `VMT_INVALID_ARCHIVE`, with the entry and the offset of the damage, and with `VMT_INVALID_TEMPLATE`.
 */
vmt_verified *vmt_verify(const char *archive,
                         const vmt_verify_options *options,
                         vmt_error **err);

/**
 * The SHA-256 of the archive, in hex.
 */
const char *vmt_verified_sha256(const vmt_verified *verified, size_t *length);

/**
 * The bytes of the archive.
 */
uint64_t vmt_verified_archive_bytes(const vmt_verified *verified);

/**
 * Whether it has an index, as those of vmtemplate have.
 */
bool vmt_verified_has_index(const vmt_verified *verified);

/**
 * How many files are in it.
 */
size_t vmt_verified_file_count(const vmt_verified *verified);

/**
 * The name of a file; NULL past the end.
 */
const char *vmt_verified_file_name(const vmt_verified *verified, size_t index, size_t *length);

/**
 * Its bytes; 0 past the end.
 */
uint64_t vmt_verified_file_size(const vmt_verified *verified, size_t index);

/**
 * Its SHA-256 in hex; NULL past the end.
 */
const char *vmt_verified_file_sha256(const vmt_verified *verified, size_t index, size_t *length);

/**
 * Free it. NULL is taken.
 */
void vmt_verified_free(vmt_verified *verified);

/**
 * The version of the library that is loaded, such as `0.1.0`. `VMT_VERSION` is that of the header. It lives for ever.
 */
const char *vmt_version(void);

/**
 * `VMT_ABI_VERSION` of the library that is loaded. A program that opened it with `dlopen` compares the two.
 */
uint32_t vmt_abi_version(void);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* VMTEMPLATE_H */
