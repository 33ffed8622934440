//! The table of the rules for the image: codes VMT0301 to VMT0699.

rules! {
    /// The rules for the image.
    RULES, step "Image configuration";

    // VMT03xx: what the disk holds, and how it boots.
    NO_WINDOWS = "VMT0301" Error
        "the image contains an installed Windows",
        why "a machine created from it has nothing to start, and no rule of the image can be checked",
        fix "give the image of the disk on which Windows is installed",
        step "Preparing the image";
    UNREAD = "VMT0302" Warning
        "everything the rules need can be read",
        why "what could not be read is not checked, and may be wrong",
        fix "start the virtual machine, run chkdsk /f on the volume, shut the machine down, and check again",
        step "Preparing the image";
    BITLOCKER = "VMT0303" Error
        "no volume is encrypted with BitLocker",
        why "the key is bound to the machine that encrypted the volume, so a copy of the disk does not start \
             elsewhere; and nothing in the volume can be checked",
        fix "in the virtual machine, run: manage-bde -off C: and wait until manage-bde -status says that it is \
             decrypted",
        step "Preparing the image";
    TABLE = "VMT0304" Error
        "the partition table is intact",
        why "the firmware or Windows may refuse the disk, and growing a volume on it can destroy another",
        fix "create the image again from the complete disk of the machine, not from a partition or a part of it",
        step "Image creation";
    NO_BOOT_PARTITION = "VMT0305" Error
        "the disk has a partition to start from: an active one, or an EFI system partition",
        why "the firmware finds nothing to start",
        fix "start the machine from the Windows ISO, choose to repair it, and mark the partition of the boot files: \
             diskpart, select disk 0, select partition N, active",
        step "Preparing the image";
    NO_BOOT_CODE = "VMT0306" Error
        "the first sector of an MBR disk contains boot code",
        why "a BIOS runs that code; without it the machine stops before Windows starts",
        fix "start the machine from the Windows ISO, choose to repair it, and run: bootrec /fixmbr",
        step "Image creation";
    BOOT_FILES = "VMT0307" Error
        "the boot manager of Windows and its configuration are on the partition that the firmware starts from",
        why "the firmware starts a boot manager that does not exist",
        fix "start the machine from the Windows ISO, choose to repair it, and run: bcdboot C:\\Windows",
        step "Preparing the image";
    FALLBACK_LOADER = "VMT0308" Error
        "an EFI system partition contains the loader that firmware without boot entries starts",
        why "the firmware of a new machine has no boot entries, so it starts only \\EFI\\Boot\\bootx64.efi",
        fix "start the machine from the Windows ISO, choose to repair it, and run: bcdboot C:\\Windows /s S: /f UEFI, \
             where S: is the EFI system partition",
        step "Preparing the image";
    NO_LOADER = "VMT0309" Error
        "the loader of Windows for the firmware of the disk exists",
        why "the boot manager hands over to winload.exe on a BIOS and to winload.efi on UEFI; without it Windows does \
             not start",
        fix "start the machine from the Windows ISO, choose to repair it, open a command prompt, and run: sfc /scannow \
             /offbootdir=C:\\ /offwindir=C:\\Windows",
        step "Preparing the image";
    DYNAMIC_DISK = "VMT0310" Error
        "the disk is a basic disk, not a dynamic one",
        why "a volume of a dynamic disk may be spread over several places and disks, so growing it on a new machine \
             fails, its free space cannot be left out, and nothing in it can be checked",
        fix "prepare the image on a basic disk; a partitioning tool removes what an earlier use of the disk left",
        step "Preparing the image";
    STORAGE_SPACES = "VMT0311" Error
        "the disk is not part of a Storage Spaces pool",
        why "a space is spread over the pool in slabs, and Windows does not start from one; nothing in it can be \
             checked",
        fix "prepare the image on a basic disk: Remove-VirtualDisk and Remove-StoragePool, or a disk that was never in \
             a pool",
        step "Preparing the image";
    REFS = "VMT0312" Error
        "no volume is ReFS",
        why "Windows does not start from ReFS, its free space cannot be left out, and nothing in it can be checked",
        fix "format the volume as NTFS in the virtual machine, which erases its content: format D: /fs:ntfs /q",
        step "Preparing the image";
    RAID = "VMT0313" Error
        "no volume of Windows is on a member of a RAID or on a physical volume of LVM",
        why "a machine gets one disk, without the rest of the array; and if only metadata of an earlier use are left, \
             an operating system that finds them may treat the disk as a member",
        fix "create the image from the assembled volume; on a copy of the disk, remove what an earlier use left with: \
             wipefs",
        step "Image creation";
    BEHIND = "VMT0320" Error
        "only unallocated space follows the system volume",
        why "diskpart extends a volume only into free space directly after it: the customer's disk stays as small as \
             the template's",
        fix "remove the partition after C:, or move it to the front of the disk with a partition editor",
        step "Initial setup script";
    WRONG_VOLUME = "VMT0321" Warning
        "the setup script extends the system volume",
        why "the numbers that diskpart gives to volumes depend on the partitions and on whether the machine has a CD \
             drive; extending another volume leaves C: at its size",
        fix "in the script, name the volume by its letter: echo select volume c",
        step "Initial setup script";
    IMAGE = "VMT0322" Error
        "the image can be read to its end",
        why "a part of the disk is missing: Windows may not start, and the missing part was not checked",
        fix "copy the image again from its source, and compare the checksums; qemu-img check shows damage inside an \
             image",
        step "Image creation";
    BACKUP_TABLE = "VMT0323" Warning
        "the backup of the partition table is in the last sector of the disk and agrees with the table",
        why "the disk starts without it, but a damaged table cannot be restored from it, and partitioning tools \
             complain or refuse to work until it is right",
        fix "move or renew the backup in a raw copy of the image: sgdisk --move-second-header IMAGE",
        step "Image creation";
    HIVE = "VMT0324" Error
        "the registry of Windows is complete",
        why "without SYSTEM, SOFTWARE or SAM, Windows stops while it starts; their content was not checked",
        fix "if the machine still starts, shut it down from inside and create the image again: shutdown /s /t 0; if \
             not, use an earlier image or restore the file from a backup",
        step "Preparing the image";
    CONTROL_SET = "VMT0325" Error
        "the registry contains the control set that Windows starts with",
        why "it configures drivers and services: without it Windows stops while it starts (BAD_SYSTEM_CONFIG_INFO)",
        fix "use an earlier image, or restore Windows\\System32\\config\\SYSTEM from a backup",
        step "Preparing the image";

    // VMT04xx: in which state it was left.
    DIRTY = "VMT0401" Error
        "no volume waits for chkdsk",
        why "every machine created from the image starts with a check of the disk, which may take long and remove \
             files",
        fix "in the virtual machine, run: chkdsk /f C: then restart, and shut down",
        step "Shut down the OS";
    JOURNAL = "VMT0402" Error
        "every volume was dismounted",
        why "some changes exist only in the journal: the machine was running, or was switched off, when the image was \
             created",
        fix "shut Windows down from inside: shutdown /s /t 0 and create the image when the machine is off",
        step "Shut down the OS";
    HIBERNATED = "VMT0403" Error
        "Windows is not hibernated",
        why "a machine created from the image wakes with the memory of another one, and damages its disk if that has \
             changed",
        fix "in the virtual machine, run: powercfg /h off then shutdown /s /t 0",
        step "Shut down the OS";
    FAST_STARTUP = "VMT0404" Warning
        "Fast Startup is off",
        why "with it, choosing \"Shut down\" hibernates the kernel: the next image would hold a system that is not \
             shut down",
        fix "in the virtual machine, run: powercfg /h off",
        step "Shut down the OS";
    UNCLEAN_HIVE = "VMT0405" Warning
        "the registry was written completely",
        why "the last changes are in transaction logs, which Windows applies at the next start; this check does not \
             see them, and its findings about them may be wrong",
        fix "start the virtual machine, and shut it down from inside: shutdown /s /t 0",
        step "Shut down the OS";
    UPDATES = "VMT0406" Warning
        "no update waits for a restart",
        why "the first start of every machine continues the update and restarts by itself, in the middle of the setup \
             script",
        fix "restart the virtual machine until nothing is pending, then shut it down",
        step "Shut down the OS";
    RENAMES = "VMT0407" Note
        "no file waits to be replaced at the next start",
        why "an installation is not finished; it continues at the first start of every machine",
        fix "restart the virtual machine once, then shut it down",
        step "Shut down the OS";
    SETUP_STATE = "VMT0408" Error
        "Windows Setup has finished",
        why "the first start continues Setup, or Setup failed and the image never becomes usable",
        fix "finish the installation in the virtual machine; if Sysprep failed, see \
             Windows\\System32\\Sysprep\\Panther\\setuperr.log",
        step "Preparing the image";
    NO_ANSWERS = "VMT0409" Warning
        "a generalized Windows has an answer file",
        why "after Sysprep the first start asks for language, license and password, and waits for an answer before the \
             setup script can run",
        fix "run Sysprep with answers: sysprep /generalize /oobe /shutdown /unattend:C:\\unattend.xml or leave Sysprep \
             out",
        step "Preparing the image";

    // VMT05xx: Windows, its drivers, the agent.
    WINDOWS = "VMT0501" Note
        "the Windows that the image contains",
        why "compare it with the name, the tags and the limits of the template",
        fix "no action is needed",
        step "Preparing the image";
    EVALUATION = "VMT0502" Warning
        "Windows is not an evaluation edition",
        why "it expires after some months, then shuts down every hour, and accepts no retail key",
        fix "install from the media of the full edition, or run in the virtual machine: dism /online \
             /set-edition:ServerStandard /productkey:KEY /accepteula",
        step "Preparing the image";
    MEMORY_LIMIT = "VMT0503" Warning
        "the memory limit of the template is enough for this Windows",
        why "the platform creates machines of that size, and this Windows does not start or hardly works on them",
        fix "raise `<elem name=\"mem\">` in metainfo.xml",
        step "Metadata file";
    NAME = "VMT0504" Warning
        "the name of the template matches the Windows in it",
        why "the customer chooses by the name, and gets another Windows, which needs another license",
        fix "change `<osname>` in metainfo.xml, or use an image of the Windows that it names",
        step "Metadata file";
    NO_DISK_DRIVER = "VMT0510" Error
        "a virtio disk driver is installed: viostor or vioscsi",
        why "Windows stops with INACCESSIBLE_BOOT_DEVICE, because it cannot read the disk that it starts from",
        fix "install the virtio drivers in the virtual machine: mount virtio-win.iso and run \
             virtio-win-guest-tools.exe or virtio-win-gt-x64.msi",
        step "Download and install the Virtio drivers";
    DISK_DRIVER_START = "VMT0511" Error
        "the boot loader starts a virtio disk driver",
        why "a driver that starts later is too late to read the disk that Windows starts from: \
             INACCESSIBLE_BOOT_DEVICE",
        fix "start the virtual machine once with a disk of connection type Virtio, so that Windows sets the driver up; \
             or run: reg add HKLM\\SYSTEM\\CurrentControlSet\\Services\\viostor /v Start /t REG_DWORD /d 0 /f",
        step "Change the disk connection type to Virtio";
    NO_NETWORK_DRIVER = "VMT0512" Error
        "the virtio network driver is installed: netkvm",
        why "the machine has no network interface that the setup script could configure",
        fix "install the virtio drivers in the virtual machine: mount virtio-win.iso and run \
             virtio-win-guest-tools.exe or virtio-win-gt-x64.msi",
        step "Download and install the Virtio drivers";
    NO_BALLOON = "VMT0513" Note
        "the virtio balloon driver is installed",
        why "without it the cluster cannot reclaim unused memory from the machine",
        fix "install the virtio drivers in the virtual machine: mount virtio-win.iso and run \
             virtio-win-guest-tools.exe or virtio-win-gt-x64.msi",
        step "Download and install the Virtio drivers";
    DRIVER_MACHINE = "VMT0514" Error
        "the virtio drivers are for the same processor as Windows",
        why "Windows cannot load a driver for another processor",
        fix "install the virtio drivers from the folder for this processor (amd64, x86 or ARM64)",
        step "Download and install the Virtio drivers";
    NO_AGENT = "VMT0520" Warning
        "the QEMU guest agent is installed",
        why "the cluster cannot change the password, freeze the disk for a backup, or see the addresses of the machine",
        fix "install it in the virtual machine: mount virtio-win.iso and run guest-agent\\qemu-ga-x86_64.msi",
        step "Download and install QEMU Guest Agent";
    AGENT_FILE = "VMT0521" Warning
        "the program of the QEMU guest agent is where its service expects it",
        why "the service is registered, but cannot start",
        fix "install the agent again: mount virtio-win.iso and run guest-agent\\qemu-ga-x86_64.msi",
        step "Download and install QEMU Guest Agent";
    AGENT_START = "VMT0522" Warning
        "the QEMU guest agent starts automatically",
        why "the agent does not answer until somebody starts it by hand",
        fix "in the virtual machine, run: sc config QEMU-GA start= auto",
        step "Download and install QEMU Guest Agent";
    NO_SERIAL = "VMT0523" Warning
        "the virtio serial driver is installed: vioser",
        why "the QEMU guest agent talks to the cluster through it",
        fix "install the virtio drivers in the virtual machine: mount virtio-win.iso and run \
             virtio-win-guest-tools.exe or virtio-win-gt-x64.msi",
        step "Download and install the Virtio drivers";

    // VMT06xx: the first run, and what is left over.
    KIT = "VMT0601" Error
        "the files of the first run are in C:\\vmmgr",
        why "nothing reads the setup script from the install drive: the machine keeps the settings of the master",
        fix "put the file there as the guide describes";
    KIT_LINE_ENDS = "VMT0602" Error
        "the scripts in C:\\vmmgr have Windows line ends (CR LF) and single-byte characters",
        why "cmd.exe misses labels and cuts lines in a file with LF, and does not run UTF-16 at all",
        fix "in the virtual machine, open the file in an editor, choose CR LF and ANSI, and save it";
    KIT_CONTENT = "VMT0603" Error
        "each script in C:\\vmmgr calls the next one",
        why "the chain from the start-up task to the setup script is broken",
        fix "write the script as the guide describes";
    DD = "VMT0604" Error
        "C:\\vmmgr\\dd.exe is a program that this Windows can run",
        why "it reads the setup script from the install drive; without it the setup does not begin",
        fix "unpack the archive of dd for Windows and copy dd.exe itself to C:\\vmmgr";
    NO_TASK = "VMT0610" Error
        "the Task Scheduler has the task vmmgr_firstrun",
        why "nothing starts the first run",
        fix "in the virtual machine, run: schtasks /create /tn vmmgr_firstrun /tr C:\\vmmgr\\firstrun.cmd /sc onstart \
             /ru SYSTEM /rl highest /f";
    TASK_DAMAGED = "VMT0611" Error
        "the task vmmgr_firstrun is well-formed",
        why "the Task Scheduler refuses a task whose file it cannot read",
        fix "create it again in the virtual machine: schtasks /create /tn vmmgr_firstrun /tr C:\\vmmgr\\firstrun.cmd \
             /sc onstart /ru SYSTEM /rl highest /f";
    TASK_TRIGGER = "VMT0612" Error
        "the task vmmgr_firstrun runs at system startup",
        why "on a new machine nobody logs on, and the clock differs from the master's",
        fix "in the properties of the task, set the trigger \"At startup\"";
    TASK_ACTION = "VMT0613" Error
        "the task vmmgr_firstrun runs C:\\vmmgr\\firstrun.cmd",
        why "the task runs something other than the first run",
        fix "in the virtual machine, run: schtasks /change /tn vmmgr_firstrun /tr C:\\vmmgr\\firstrun.cmd";
    TASK_LOGON = "VMT0614" Error
        "the task vmmgr_firstrun runs whether or not anyone is logged on",
        why "on a new machine nobody is logged on, and the task waits",
        fix "in the virtual machine, run: schtasks /change /tn vmmgr_firstrun /ru SYSTEM";
    TASK_PRIVILEGES = "VMT0615" Warning
        "the task vmmgr_firstrun runs with the highest privileges",
        why "without them, setting the address, the password and the size of the disk is denied",
        fix "in the properties of the task, tick \"Run with highest privileges\"";
    TASK_DISABLED = "VMT0616" Error
        "the task vmmgr_firstrun is enabled",
        why "a disabled task never runs",
        fix "in the virtual machine, run: schtasks /change /tn vmmgr_firstrun /enable";
    TASK_UNKNOWN = "VMT0617" Error
        "the task vmmgr_firstrun is registered",
        why "the Task Scheduler starts only what its registry keys list; a file that was copied into the folder does \
             nothing",
        fix "register it in the virtual machine: schtasks /create /tn vmmgr_firstrun /tr C:\\vmmgr\\firstrun.cmd /sc \
             onstart /ru SYSTEM /rl highest /f";
    TASK_WAITS = "VMT0618" Warning
        "the task vmmgr_firstrun waits for nothing",
        why "a new machine has no network before the first run has configured it, and is not idle while it starts",
        fix "in the properties of the task, on the page \"Conditions\", untick the conditions Idle and Network";
    POLICY = "VMT0620" Error
        "PowerShell may run scripts",
        why "firstrun.ps1 is refused, and the setup script is never read",
        fix "in PowerShell, run: Set-ExecutionPolicy RemoteSigned",
        step "Allow running unsigned scripts in PowerShell";
    GROUP_POLICY = "VMT0621" Error
        "no group policy keeps PowerShell from running scripts",
        why "a policy of the machine overrides Set-ExecutionPolicy and the option -ExecutionPolicy; firstrun.ps1 is \
             refused",
        fix "in gpedit.msc, set Computer Configuration, Administrative Templates, Windows Components, Windows \
             PowerShell, \"Turn on Script Execution\" to \"Not Configured\"",
        step "Allow running unsigned scripts in PowerShell";
    REMOTE_DESKTOP = "VMT0630" Warning
        "Remote Desktop is on, or the setup script turns it on",
        why "the customer cannot log on over the network",
        fix "run this, or add it to the setup script: reg add \"HKLM\\SYSTEM\\CurrentControlSet\\Control\\Terminal \
             Server\" /v fDenyTSConnections /t REG_DWORD /d 0 /f",
        step "Initial setup script";
    REMOTE_DESKTOP_BLOCKED = "VMT0631" Warning
        "the firewall lets Remote Desktop in from public networks, or the setup script opens it",
        why "Remote Desktop is on, but the firewall of a new machine, whose network is public, drops connections to it",
        fix "run this, or add it to the setup script: netsh advfirewall firewall set rule \
             group=\"@FirewallAPI.dll,-28752\" new enable=yes",
        step "Initial setup script";
    FIREWALL = "VMT0632" Warning
        "the firewall is on",
        why "every machine created from the image offers all its services to the network from the first second",
        fix "in the virtual machine, run: netsh advfirewall set allprofiles state on";
    ADMINISTRATOR = "VMT0633" Warning
        "the administrator's account is enabled, or the setup script enables it",
        why "the customer cannot log on with the password that the platform sets",
        fix "in the virtual machine, run: net user Administrator /active:yes",
        step "Initial setup script";
    NO_ACCOUNT = "VMT0634" Error
        "the account whose password the setup script sets exists",
        why "\"net user\" fails, and the customer cannot log on; a Windows of another language, or a renamed account, \
             has another name",
        fix "use the name that the account has in this Windows",
        step "Initial setup script";
    PAGE_FILE = "VMT0640" Note
        "the image contains no large page file",
        why "its content is useless to a new machine, and takes time and space in the archive",
        fix "pack with --drop-page-files: the file stays, without its content",
        step "Image creation";
    HIBERNATION_FILE = "VMT0641" Warning
        "no hibernation file exists",
        why "it takes up to three quarters of the memory on the disk of every machine, and virtual machines do not \
             need it",
        fix "in the virtual machine, run: powercfg /h off",
        step "Image creation";
    FREE_SPACE = "VMT0642" Warning
        "the system volume has free space",
        why "if the platform's disk is not larger than the template's, Windows has no room to work in",
        fix "clean the disk up (cleanmgr /sageset:1, cleanmgr /sagerun:1), or make the disk larger before you prepare \
             it",
        step "Image creation";
    PASSWORD_LEFT = "VMT0643" Warning
        "no answer file with a password remains",
        why "every customer can read the password of the master machine",
        fix "delete the file in the virtual machine, or remove the password from it";
    CRASH_DUMP = "VMT0644" Note
        "no crash dumps remain",
        why "they hold memory of the master machine and make the archive larger",
        fix "in the virtual machine, run: del /q C:\\Windows\\MEMORY.DMP C:\\Windows\\Minidump\\*.dmp",
        step "Image creation";
    WINDOWS_OLD = "VMT0645" Note
        "no earlier Windows remains",
        why "it takes many gigabytes in the archive and on every machine",
        fix "remove it in the virtual machine with cleanmgr, \"Previous Windows installation(s)\"",
        step "Image creation";
    DELETED_DATA = "VMT0646" Note
        "free space contains no deleted data",
        why "files deleted on the master machine can be restored from the image, and take time to pack if free space \
             is kept",
        fix "pack or convert without --keep-free-space, which leaves out the free clusters of a clean NTFS volume",
        step "Image creation";
    SCRIPT_LEFT = "VMT0647" Warning
        "no setup script of an earlier machine remains",
        why "it contains the password and the addresses of that machine, and every customer can read it",
        fix "in the virtual machine, run: del C:\\vmmgr\\vmmgr.cmd";
    SHADOW_COPIES = "VMT0648" Warning
        "no volume holds shadow copies",
        why "restore points take space on every machine, and restore the state of the master; their content is lost if \
             free space is left out of the image",
        fix "in the virtual machine, run: vssadmin delete shadows /all /quiet";
}
