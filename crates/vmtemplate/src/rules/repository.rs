//! The table of the rules for repositories: codes VMT0701 to VMT0799.

rules! {
    /// The rules for repositories.
    RULES, step "Loading the template into the repository";

    // The description.
    READABLE = "VMT0701" Error
        "the description is well-formed",
        why "the platform cannot read it, so it shows no template of the repository",
        fix "correct the syntax at this position; after that, edit the file only with `vmtemplate repo`";
    VALUE = "VMT0702" Error
        "every template has a name and a file, and every value is valid for its key",
        why "the platform does not offer the template, or refuses the whole description",
        fix "correct the value";
    NAME_TWICE = "VMT0703" Error
        "every template has a unique name",
        why "users cannot distinguish the templates, and the platform may install either",
        fix "rename one of them, or remove it";
    FILE_TWICE = "VMT0704" Error
        "every template has its own archive",
        why "removing or replacing one of the templates takes the archive from the other",
        fix "remove one of the two entries";
    IMAGE_TWICE = "VMT0705" Warning
        "every template has its own `image_name`",
        why "a node names its copy of the image after it: machines may get the image of the other template",
        fix "give each template its own `image_name`";
    UNSAFE_FILE = "VMT0706" Error
        "every archive is a plain file beside the description",
        why "the platform appends the name to the address of the repository, and does not find the file there",
        fix "put the archive beside the description, and write its plain name";
    FAMILY = "VMT0707" Warning
        "the name contains the family of the operating system",
        why "the platform derives the family from a part of the name; a machine without a family gets no addresses",
        fix "include one of alma, centos, fedora, oracle, redhat, rocky, debian, ubuntu, freebsd, windows in the name";
    MIXED = "VMT0708" Error
        "templates for KVM and for LXD are in separate repositories",
        why "the platform offers all templates of a repository to the clusters that it is connected to, and those of \
             the other kind cannot be installed there",
        fix "move the templates of one kind into another repository";
    LXD_KEYS = "VMT0709" Warning
        "a template for LXD has no keys that only KVM uses",
        why "`image_name`, `expand` and `network_device` mean nothing for LXD: the platform may treat the template as \
             one for KVM",
        fix "remove these keys from the entry";

    // The archives.
    ARCHIVE_THERE = "VMT0711" Error
        "every archive that the description names exists",
        why "the platform offers the template, and its installation fails",
        fix "copy the archive there, or remove the entry: `vmtemplate repo remove FOLDER NAME`";
    ARCHIVE_WHOLE = "VMT0712" Error
        "every archive is complete and can be opened",
        why "the installation fails, or the machine gets a damaged disk",
        fix "publish it again: `vmtemplate repo replace FOLDER NAME ARCHIVE`";
    FORM = "VMT0713" Error
        "the format of an archive matches its name: .xz for Linux, .tar.gz for Windows and LXD",
        why "the platform chooses how to unpack an archive by its name",
        fix "rename the archive, or pack it in the format that its operating system needs";
    SIZE = "VMT0714" Error
        "`archive_size_mib` is the size of the archive in MiB, rounded up",
        why "the platform plans the space on a node with it; a wrong value often means that somebody replaced the \
             archive without updating the entry",
        fix "update the description from the archives: `vmtemplate repo sync FOLDER`";
    OTHER_NAME = "VMT0715" Warning
        "the name is the one in the archive's metainfo.xml",
        why "users see one name, and the logs of the platform show the other",
        fix "use the same name in both";
    OTHER_TAGS = "VMT0716" Warning
        "the tags are those in the archive's metainfo.xml",
        why "the platform offers scripts for a machine by the tags of its template",
        fix "use the same tags in both: `vmtemplate repo replace FOLDER NAME ARCHIVE`, with an archive that has the \
             tags";
    OTHER_TIME = "VMT0717" Note
        "`utcmtime` is the time at which the archive changed",
        why "the platform fetches an archive again if its time is later than before",
        fix "update the description from the archives: `vmtemplate repo sync FOLDER`";
    UNDESCRIBED = "VMT0718" Note
        "the description lists every archive in the folder",
        why "the archive takes space, and the platform does not offer it",
        fix "add it: `vmtemplate repo add FOLDER ARCHIVE`, or delete it";

    // Checksums and signatures.
    CHECKSUM = "VMT0721" Error
        "every checksum in SHA256SUMS matches its file",
        why "the file was damaged or replaced after it was published",
        fix "publish it again; if it was replaced on purpose: `vmtemplate repo sync FOLDER`";
    NO_CHECKSUM = "VMT0722" Note
        "SHA256SUMS has a checksum for every archive",
        why "without one, users who copy the repository cannot detect a damaged archive",
        fix "add the missing checksums: `vmtemplate repo sync FOLDER`";
    SIGNATURE = "VMT0723" Error
        "the description and the checksums are signed with the given key",
        why "another person may have changed what is installed on the machines",
        fix "find out who changed it; if it was you: `vmtemplate repo sync FOLDER --sign KEY`";

    // The server.
    READERS = "VMT0724" Warning
        "every user who may read the description may read the other files too, and not only the owner may read it",
        why "a server that runs as another user answers 403, and the platform shows no template or fails to install it",
        fix "let others read it: `chmod a+r FILE`, and `chmod a+x FOLDER` for the folder";
}
