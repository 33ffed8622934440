//! The table of the rules for repositories: codes VMT0701 to VMT0799.

rules! {
    /// The rules for repositories.
    RULES, step "Loading the template into the repository";

    // The description.
    READABLE = "VMT0701" Error
        "the description is well-formed",
        why "the platform cannot read it, and no template of the repository is there",
        fix "mend the place; from then on let `vmtemplate repo` edit the file";
    VALUE = "VMT0702" Error
        "every template has a name and a file, and every value is what its key holds",
        why "the platform does not offer the template, or refuses the whole description",
        fix "mend the value";
    NAME_TWICE = "VMT0703" Error
        "every template has a name of its own",
        why "users cannot tell the two apart, and which one is installed is not known",
        fix "rename one of them, or remove it";
    FILE_TWICE = "VMT0704" Error
        "every template has an archive of its own",
        why "removing or replacing one of them takes the archive from the other",
        fix "remove one of the two entries";
    IMAGE_TWICE = "VMT0705" Warning
        "every template has an `image_name` of its own",
        why "the image on a node is called after it: machines may get the image of the other template",
        fix "give each its own `image_name`";
    UNSAFE_FILE = "VMT0706" Error
        "every archive is a plain file beside the description",
        why "the platform joins the name to the address of the repository, and does not find the file there",
        fix "put the archive beside the description, and write its plain name";
    FAMILY = "VMT0707" Warning
        "the name tells the family of the operating system",
        why "the platform takes the family from a part of the name, and a machine without one gets no addresses",
        fix "have one of alma, centos, fedora, oracle, redhat, rocky, debian, ubuntu, freebsd, windows in the name";
    MIXED = "VMT0708" Error
        "templates for KVM and for LXD are in repositories of their own",
        why "the platform offers all templates of a repository to the clusters that it is connected to, and those of the \
             other kind cannot be installed there",
        fix "move one kind into another repository";
    LXD_KEYS = "VMT0709" Warning
        "what only KVM knows is not said of a template for LXD",
        why "`image_name`, `expand` and `network_device` mean nothing there: the template may be taken for one for KVM",
        fix "remove these keys from the entry";

    // The archives.
    ARCHIVE_THERE = "VMT0711" Error
        "every archive that the description names is there",
        why "the platform offers the template, and its installation fails",
        fix "copy the archive there, or remove the entry: `vmtemplate repo remove FOLDER NAME`";
    ARCHIVE_WHOLE = "VMT0712" Error
        "every archive is whole and can be opened",
        why "the installation fails, or the machine gets a damaged disk",
        fix "publish it anew: `vmtemplate repo replace FOLDER NAME ARCHIVE`";
    FORM = "VMT0713" Error
        "an archive is what its name says: .xz for Linux, .tar.gz for Windows and LXD",
        why "the platform unpacks it by its name",
        fix "rename the archive, or pack it as its system needs it";
    SIZE = "VMT0714" Error
        "`archive_size_mib` is the size of the archive in MiB, rounded up",
        why "the platform plans by it how much room a node needs; a wrong one often means that the archive was replaced \
             and the rest of the entry was not",
        fix "bring the description in step with the archives: `vmtemplate repo sync FOLDER`";
    OTHER_NAME = "VMT0715" Warning
        "the name is that of the archive's metainfo.xml",
        why "users see one name and logs of the platform the other",
        fix "make both the same";
    OTHER_TAGS = "VMT0716" Warning
        "the tags are those of the archive's metainfo.xml",
        why "scripts are offered for a machine by the tags of its template",
        fix "make both the same: `vmtemplate repo replace FOLDER NAME ARCHIVE`, with an archive that states the tags";
    OTHER_TIME = "VMT0717" Note
        "`utcmtime` is the time at which the archive changed",
        why "the platform fetches an archive again when its time is a later one",
        fix "bring the description in step with the archives: `vmtemplate repo sync FOLDER`";
    UNDESCRIBED = "VMT0718" Note
        "every archive in the folder is described",
        why "it takes room, and the platform does not offer it",
        fix "describe it: `vmtemplate repo add FOLDER ARCHIVE`, or delete it";

    // Checksums and signatures.
    CHECKSUM = "VMT0721" Error
        "every checksum in SHA256SUMS is that of its file",
        why "the file was damaged or replaced since it was published",
        fix "publish it anew; if it was replaced on purpose: `vmtemplate repo sync FOLDER`";
    NO_CHECKSUM = "VMT0722" Note
        "every archive has its checksum in SHA256SUMS",
        why "without one, nobody who copies the repository sees that an archive was damaged",
        fix "add what is missing: `vmtemplate repo sync FOLDER`";
    SIGNATURE = "VMT0723" Error
        "the description and the checksums are signed by the given key",
        why "somebody else may have changed what is installed on the machines",
        fix "find out who changed it; if it was you: `vmtemplate repo sync FOLDER --sign KEY`";

    // The server.
    READERS = "VMT0724" Warning
        "whoever may read the description may read the checksums, the signatures and every archive, and more than the owner \
         may read the description",
        why "a server that runs as another user answers 403, and the platform shows no template or fails to install it",
        fix "let others read it: `chmod a+r FILE`, and `chmod a+x FOLDER` for the folder";
}
