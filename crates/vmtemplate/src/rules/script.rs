//! The table of the rules for setup scripts: codes VMT0201 to VMT0299.

rules! {
    /// The rules for setup scripts.
    RULES, step "Initial setup script";

    // What the bytes are.
    LINE_ENDS = "VMT0201" Error
        "every line ends as the interpreter needs it: CR LF in a batch file",
        why "with LF alone cmd.exe misses labels and runs cut lines; with CR LF a shell does not find its interpreter",
        fix "convert the line ends: `unix2dos SCRIPT`, or `dos2unix SCRIPT` for a shell script";
    BYTE_ORDER_MARK = "VMT0202" Error
        "the script has no byte order mark",
        why "the mark becomes part of the first command, which cmd.exe then does not find; a shell does not find its \
             interpreter",
        fix "save the script without a byte order mark";
    UTF_16 = "VMT0203" Error
        "the script is not UTF-16",
        why "cmd.exe does not run it, and the platform, which replaces bytes, does not find the macros in it",
        fix "save the script in ASCII";
    NOT_ASCII = "VMT0204" Warning
        "commands are ASCII",
        why "cmd.exe reads them in the OEM code page of the machine, and Windows PowerShell without a byte order mark \
             in the ANSI code page: on another Windows they mean something else",
        fix "write commands in ASCII";
    TOO_LARGE = "VMT0205" Error
        "the script fits on the install drive",
        why "the install drive has 1048576 bytes; the rest of the script never reaches the machine",
        fix "move large parts into the disk image, or let the script download them";
    EMPTY = "VMT0206" Error
        "the script does something",
        why "the machine keeps the password and the addresses of the master VM",
        fix "start from a working setup script: `vmtemplate script windows`";
    LONG_LINE = "VMT0207" Error
        "no line of a batch file is longer than 8191 characters",
        why "cmd.exe reads at most that much of a line: it refuses the line, or runs the rest as another one",
        fix "split the line into several commands, or put the long value into a file";
    NO_SCRIPT = "VMT0208" Warning
        "the setup script is a script",
        why "an installer or cloud-init reads the file and no interpreter runs it; values are not quoted for their \
             places in it",
        fix "name the file in the element `installcfg` of metainfo.xml, or give its language with `--language`";
    NO_LANGUAGE = "VMT0209" Warning
        "the interpreter of the script is known",
        why "without it, commands are not checked and values cannot be quoted",
        fix "begin the script with a `#!` line, name it with .cmd, .ps1 or .sh, or give `--language`";

    // Macros.
    UNKNOWN_MACRO = "VMT0211" Warning
        "everything that looks like a macro is filled in by the platform or declared in metainfo.xml",
        why "the platform does not know the name, and leaves the text in the script unchanged",
        fix "use the platform's spelling, or declare the macro in the element `macro` of metainfo.xml";
    UNDECLARED_MACRO = "VMT0212" Warning
        "every macro that the user fills in is declared in metainfo.xml",
        why "without the declaration the value does not reach the script",
        fix "declare it in metainfo.xml: `<macro><elem name=\"($PRODUCTKEY)\"/></macro>`";
    UNUSED_MACRO = "VMT0213" Warning
        "the script or metainfo.xml uses every macro that metainfo.xml declares",
        why "the platform asks the user for a value that nothing uses",
        fix "use it in the script, or remove it from the element `macro` of metainfo.xml";
    UNSAFE_PLACE = "VMT0214" Warning
        "a value that a person chooses is in a place where it cannot become a command",
        why "the platform inserts the value unquoted: one with `&` runs another command, one with a blank is cut, and \
             the machine gets another password than the user chose",
        fix "put it into quotes, where delayed expansion is off, and forbid % and \" in `illegal_password_characters`";
    CUT_MACRO = "VMT0215" Warning
        "every macro is complete",
        why "the platform replaces only `($NAME)`",
        fix "write it as `($NAME)`: letters, digits and `_` only";
    QUOTED_PASSWORD = "VMT0216" Note
        "characters that quotes do not protect are forbidden in passwords",
        why "the platform inserts the password unquoted: cmd.exe interprets % and \", and the machine gets another \
             password than the user chose",
        fix "forbid them in metainfo.xml: `<illegal_password_characters>%&quot;</illegal_password_characters>`";

    UNQUOTABLE = "VMT0217" Warning
        "a value that a person chooses is in a place where it can be quoted",
        why "no quoting delivers the value unchanged at this place: one with special characters runs as a command, or \
             rendering refuses the script",
        fix "pass the macro itself, in quotes, to the program that takes the value, not to code and not through a \
             variable";

    // What cmd.exe makes of the lines.
    PARENTHESES = "VMT0221" Error
        "every parenthesis that opens a block is closed, and no other is",
        why "cmd.exe stops at this place, or runs the wrong part, and skips the rest of the setup",
        fix "count the parentheses; inside a block, write those that are text as ^( or ^)";
    OPEN_QUOTE = "VMT0222" Warning
        "no open quote hides the operators after it",
        why "after an open quote the operators & | < > are text: the command after them does not run, or the file is \
             not written",
        fix "close the quote";
    LOOSE_CARET = "VMT0223" Warning
        "a ^ that joins lines is the last character of its line, and another line follows",
        why "otherwise the ^ escapes the blank after it, and the next line runs as a command of its own",
        fix "delete the blanks after the ^";
    NO_LABEL = "VMT0224" Error
        "the label of every goto and call exists",
        why "cmd.exe ends the script at a goto without a label, and skips the rest",
        fix "add the label, `:NAME` on a line of its own outside of blocks, or correct the name";
    UNUSED_LABEL = "VMT0225" Note
        "every label is the target of a goto or call",
        why "an unused label often means that a goto misspells it",
        fix "delete the label, or write a comment with `rem`";

    // What hangs an unattended setup.
    WAITS = "VMT0231" Error
        "no command waits for an answer or a key",
        why "nobody watches the setup: a command that asks a question waits forever, and the machine is never ready; \
             one that needs a keyboard fails at once",
        fix "remove the question, or answer it with an option or with redirected input";
    MAY_WAIT = "VMT0232" Warning
        "no command asks a question under some conditions",
        why "nobody watches the setup: if the command asks, it waits forever",
        fix "add the option that answers the question";

    // What the platform waits for.
    NO_RESTART = "VMT0241" Error
        "the script restarts the machine, since metainfo.xml counts restarts",
        why "the platform considers the system installed after `rebootcount` restarts; without a restart the \
             installation never ends",
        fix "end the script with `shutdown /r /t 5`, or set `rebootcount` to 0";
    TASK_STAYS = "VMT0242" Error
        "the script removes the task vmmgr_firstrun",
        why "the task runs the setup again at every start: it resets the password, and the machine restarts endlessly",
        fix "add `schtasks /Delete /TN vmmgr_firstrun /F`";
    INTO_PADDING = "VMT0243" Warning
        "the script ends before the padding of the install drive",
        why "the copy on the machine has 1048576 bytes: cmd.exe continues with the padding after the script",
        fix "end the script with `exit /b 0` on a line of its own";

    RESTARTS_UNCOUNTED = "VMT0244" Warning
        "metainfo.xml counts the restart of the script",
        why "with a `rebootcount` of 0 the platform considers the system installed before the script has run, and the \
             restart interrupts the first user",
        fix "set it: `vmtemplate metainfo FILE --set rebootcount=1`";

    // What works on the master VM only, or no more.
    OBSOLETE = "VMT0251" Warning
        "the script uses no command that newer versions of Windows lack",
        why "the command prints a warning or does not exist, and the setting is not made",
        fix "use the command that replaced it";
    INTERFACE_NAME = "VMT0252" Warning
        "the script contains no name of a network interface",
        why "the name depends on the language of Windows, the driver and the number of adapters: on another machine \
             the address is not set",
        fix "find the connected interface with `netsh interface show interface`, and use its name";
    PASSWORD_SHOWN = "VMT0253" Warning
        "the script does not print the password or write it to a file",
        why "the log stays on the disk of the machine, where every program and every backup can read it",
        fix "leave the password out of the message";
    LOG_LOST = "VMT0254" Note
        "the script does not overwrite a log that it appended to",
        why "the earlier lines are lost, just when somebody looks for the reason of a failure",
        fix "write `>>` instead of `>`";
}
