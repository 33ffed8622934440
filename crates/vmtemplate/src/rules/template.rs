//! The tables of the rules for metadata (VMT0101 to VMT0149) and for the package (VMT0151 to VMT0199).

rules! {
    /// The rules for metainfo.xml.
    METADATA, step "Metadata file";

    MISSING_METAINFO = "VMT0101" Error
        "metainfo.xml is at the root of the template",
        why "without it the platform does not know the template",
        fix "put metainfo.xml beside the image and the script, and pack all three without a folder around them";
    MALFORMED = "VMT0102" Error
        "metainfo.xml is well-formed",
        why "the platform cannot read it, so it does not list the template",
        fix "correct the syntax at this position; `xmllint --noout metainfo.xml` reports it as well";
    NAME = "VMT0103" Error
        "the operating system has a name",
        why "the platform does not list a template with an empty `osname`",
        fix "set it: `vmtemplate metainfo FILE --set osname=Windows-Server-2019`";
    VALUE = "VMT0104" Error
        "every value is valid for its element, and appears once",
        why "the platform may ignore the value, misread it, or choose another of the duplicates",
        fix "correct the value";
    TYPE = "VMT0105" Error
        "the type is `ostemplate`",
        why "the platform does not offer it as an operating system",
        fix "set it: `vmtemplate metainfo FILE --set type=ostemplate`";
    SUPPORT = "VMT0106" Error
        "VMmgr is among the products that can use the template",
        why "VMmanager offers only templates that name it",
        fix "add it: `<support><elem>VMmgr</elem></support>`";
    PRODUCT = "VMT0107" Warning
        "every product name is known",
        why "no product with that name exists, so none uses the template for it",
        fix "write VMmgr, DCImgr or VEmgr, or remove the name";
    FAMILY = "VMT0108" Warning
        "the name contains the family of the operating system",
        why "the platform derives the family from a part of the name; a machine without a family gets no addresses",
        fix "include `windows` in the name, as in Windows-Server-2019";
    TAGS = "VMT0109" Note
        "the template has tags",
        why "the platform offers scripts for a machine by the tags of its template",
        fix "set them: `vmtemplate metainfo FILE --set tags=windows,windows2019`";
    VERSION = "VMT0110" Note
        "the template has a version",
        why "without a version, users cannot see which of two templates is newer",
        fix "set it: `vmtemplate metainfo FILE --set version=1`";
    ADDRESSES = "VMT0111" Error
        "the main address of a machine may be IPv4 or IPv6",
        why "a machine that may have neither cannot be created",
        fix "set at least one: `vmtemplate metainfo FILE --set limit.ipv4=yes`";
    MEMORY = "VMT0112" Warning
        "the minimum memory is enough for the system to run",
        why "the platform creates machines with less memory, and their installation fails or takes hours",
        fix "set it in MiB: `vmtemplate metainfo FILE --set limit.mem=2048`";
    DISK = "VMT0113" Error
        "the minimum disk size is not smaller than the image",
        why "the platform accepts a machine whose disk the image does not fit on",
        fix "set it in MB: `vmtemplate metainfo FILE --set limit.disk=MB`";
    VIRTIO = "VMT0114" Note
        "the machine gets virtio devices",
        why "emulated IDE disks and network cards are many times slower",
        fix "install the virtio drivers, and set `virtiodisk` and `virtionet` to yes";
}

rules! {
    /// The rules for the files of the template.
    PACKAGE, step "Loading the template into the repository";

    IMAGE_THERE = "VMT0151" Error
        "the image that metainfo.xml names exists",
        why "the platform has nothing to copy to the disk of the machine",
        fix "put the file beside metainfo.xml, or correct `hddimage`";
    SCRIPT_THERE = "VMT0152" Error
        "the setup script that metainfo.xml names exists",
        why "the machine keeps the password and the addresses of the master VM",
        fix "put the file beside metainfo.xml, or correct `installdrive`";
    CASE = "VMT0153" Error
        "metainfo.xml spells file names in the same case as the files",
        why "the platform runs on Linux, where file names are case-sensitive: it does not find the file",
        fix "use the same spelling for both";
    NOTHING_ELSE = "VMT0154" Warning
        "the template contains no other large files",
        why "every node downloads and unpacks them for every installation",
        fix "leave it out: `vmtemplate pack` packs only the files that metainfo.xml names";
    CONTENT = "VMT0155" Error
        "the image is the raw bytes of a disk, whatever its name",
        why "the platform copies it to the disk of the machine unconverted, and that disk does not boot",
        fix "convert it: `vmtemplate convert IMAGE OUT.raw`, or let `vmtemplate pack` do so";
    SECTORS = "VMT0156" Error
        "the size of the image is a multiple of 512 bytes, one sector",
        why "the end of the disk is lost; a file that a failed copy truncated looks like this too",
        fix "create the image again from the machine";
    ROOM = "VMT0157" Note
        "the virtual disk is not much larger than its content",
        why "every machine needs a disk of at least that size, although a smaller one would do",
        fix "install the master VM on a smaller disk; the disk of a machine grows at its first start";
    OTHERS_THERE = "VMT0158" Error
        "the other files that metainfo.xml names exist",
        why "the installer, the network boot or the users of the template need them",
        fix "put the file beside metainfo.xml, or remove its element";
    INSIDE = "VMT0159" Error
        "the files that metainfo.xml names are inside the template's folder",
        why "named files are packed and published: a name or link that leads out of the folder puts any file of this \
             machine into the archive",
        fix "put the file itself into the folder of metainfo.xml, and use its name there";
    NOT_SEEN = "VMT0190" Warning
        "everything could be checked",
        why "what was not checked may be wrong",
        fix "check the template where all of it can be read: unpack an archive of another tool first";
}
