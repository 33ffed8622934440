//! The tables of the rules for metadata (VMT0101 to VMT0149) and for the package (VMT0151 to VMT0199).

rules! {
    /// The rules for metainfo.xml.
    METADATA, step "Metadata file";

    MISSING_METAINFO = "VMT0101" Error
        "metainfo.xml stands at the root of the template",
        why "without it the platform does not know the template",
        fix "put metainfo.xml beside the image and the script, and pack all three without a folder around them";
    MALFORMED = "VMT0102" Error
        "metainfo.xml is well-formed",
        why "the platform cannot read it, and the template is not there",
        fix "mend the place; `xmllint --noout metainfo.xml` shows it as well";
    NAME = "VMT0103" Error
        "the operating system has a name",
        why "a template with an empty `osname` is invisible to the platform",
        fix "set it: `vmtemplate metainfo FILE --set osname=Windows-Server-2019`";
    VALUE = "VMT0104" Error
        "every value is what its element holds, and is there once",
        why "which one the platform takes, or what it makes of the value, is not known",
        fix "mend the value";
    TYPE = "VMT0105" Error
        "the type is `ostemplate`",
        why "the platform does not offer it as an operating system",
        fix "set it: `vmtemplate metainfo FILE --set type=ostemplate`";
    SUPPORT = "VMT0106" Error
        "VMmgr is among the products that can use the template",
        why "VMmanager does not offer a template that does not name it",
        fix "add it: <support><elem>VMmgr</elem></support>";
    PRODUCT = "VMT0107" Warning
        "every product is one that exists",
        why "no product of that name uses the template",
        fix "write VMmgr, DCImgr or VEmgr, or take it out";
    FAMILY = "VMT0108" Warning
        "the name tells the family of the operating system",
        why "the platform takes the family from a part of the name, and a machine without one gets no addresses",
        fix "have `windows` in the name, as in Windows-Server-2019";
    TAGS = "VMT0109" Note
        "the template has tags",
        why "scripts of the platform are offered for a machine by the tags of its template",
        fix "set them: `vmtemplate metainfo FILE --set tags=windows,windows2019`";
    VERSION = "VMT0110" Note
        "the template has a version",
        why "without one nobody sees which of two templates is the newer one",
        fix "set it: `vmtemplate metainfo FILE --set version=1`";
    ADDRESSES = "VMT0111" Error
        "the main address of a machine may be IPv4 or IPv6",
        why "a machine whose address may be neither cannot be created",
        fix "set at least one: `vmtemplate metainfo FILE --set limit.ipv4=yes`";
    MEMORY = "VMT0112" Warning
        "the least memory is one with which the system runs",
        why "the platform creates machines with less, and their installation ends in an error or takes hours",
        fix "set it in MiB: `vmtemplate metainfo FILE --set limit.mem=2048`";
    DISK = "VMT0113" Error
        "the least disk is not smaller than the image",
        why "the image does not fit on the disk of a machine that the platform lets through",
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
        "the image that metainfo.xml names is there",
        why "the platform has nothing to put on the disk of the machine",
        fix "put the file beside metainfo.xml, or mend `hddimage`";
    SCRIPT_THERE = "VMT0152" Error
        "the setup script that metainfo.xml names is there",
        why "the machine keeps the password and the addresses of the master VM",
        fix "put the file beside metainfo.xml, or mend `installdrive`";
    CASE = "VMT0153" Error
        "files are spelled in the same case in metainfo.xml",
        why "the platform runs on Linux, where case counts: it does not find the file",
        fix "spell both alike";
    NOTHING_ELSE = "VMT0154" Warning
        "nothing else of size is in the template",
        why "every node fetches and unpacks it for every installation",
        fix "leave it out: `vmtemplate pack` packs the files that metainfo.xml names, and no others";
    CONTENT = "VMT0155" Error
        "the image is the raw bytes of a disk, whatever it is called",
        why "the platform copies it to the disk of the machine as it is, and that does not boot",
        fix "convert it: `vmtemplate convert IMAGE OUT.raw`, or let `vmtemplate pack` do so";
    SECTORS = "VMT0156" Error
        "the image is a whole number of sectors of 512 bytes",
        why "the end of the disk is cut off; a file that was cut by a failed copy shows so as well",
        fix "make the image again from the machine";
    ROOM = "VMT0157" Note
        "the virtual disk is not much larger than what is on it",
        why "every machine needs a disk of at least that size, and a smaller one would do",
        fix "make the master VM on a smaller disk; the disk of a machine grows at its first start";
    OTHERS_THERE = "VMT0158" Error
        "the other files that metainfo.xml names are there",
        why "the installer, the machine that starts over the network, or its users look for them in vain",
        fix "put the file beside metainfo.xml, or take its element out";
    INSIDE = "VMT0159" Error
        "the files that metainfo.xml names are files inside the template's folder",
        why "what is named is packed and published: a name or a link that leads out of the folder brings any file of the machine into the archive",
        fix "put the file itself into the folder of metainfo.xml, and name it there";
    NOT_SEEN = "VMT0190" Warning
        "everything could be looked at",
        why "what was not looked at may be wrong",
        fix "check the template where all of it can be read: unpack an archive of another tool first";
}
