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
        "there is no byte order mark",
        why "the mark becomes part of the first command, which is not found; a shell does not find its interpreter",
        fix "save the script without a byte order mark";
    UTF_16 = "VMT0203" Error
        "the script is not UTF-16",
        why "cmd.exe does not run it, and the platform, which replaces bytes, does not find the macros in it",
        fix "save the script in ASCII";
    NOT_ASCII = "VMT0204" Warning
        "commands are ASCII",
        why "cmd.exe reads them in the OEM code page of the machine, and Windows PowerShell without a mark in the ANSI \
             one: they mean something else on another Windows",
        fix "write commands in ASCII";
    TOO_LARGE = "VMT0205" Error
        "the script fits on the install drive",
        why "the install drive has 1048576 bytes; what is behind them never reaches the machine",
        fix "move what is large into the disk image, or let the script download it";
    EMPTY = "VMT0206" Error
        "the script does something",
        why "the machine keeps the password and the addresses of the master VM",
        fix "print a working setup script to begin with: `vmtemplate script windows`";
    LONG_LINE = "VMT0207" Error
        "no line of a batch file is longer than 8191 characters",
        why "cmd.exe reads no more of a line: it refuses the line, or runs what is left of it",
        fix "write it as several commands, or put the long value into a file";
    NO_SCRIPT = "VMT0208" Warning
        "the setup script is a script",
        why "an installer or cloud-init reads the file, and no interpreter runs it; values are not quoted for their places \
             in it",
        fix "name the file in the element `installcfg` of metainfo.xml, or say with `--language` what it is";
    NO_LANGUAGE = "VMT0209" Warning
        "it can be told which interpreter the script is for",
        why "commands are not checked without it, and values cannot be quoted",
        fix "begin the script with a `#!` line, name it with .cmd, .ps1 or .sh, or give `--language`";

    // Macros.
    UNKNOWN_MACRO = "VMT0211" Warning
        "what looks like a macro is one that the platform fills in, or is declared in metainfo.xml",
        why "the platform does not know the name, and leaves it in the script as it stands",
        fix "spell it as the platform does, or declare it in the element `macro` of metainfo.xml";
    UNDECLARED_MACRO = "VMT0212" Warning
        "a macro that the user fills in is declared in metainfo.xml",
        why "without the declaration the value does not reach the script",
        fix "declare it in metainfo.xml: <macro><elem name=\"($PRODUCTKEY)\"/></macro>";
    UNUSED_MACRO = "VMT0213" Warning
        "every macro that metainfo.xml declares is used, in the script or in metainfo.xml itself",
        why "the user is asked for a value that nothing is done with",
        fix "use it in the script, or take it out of the element `macro` of metainfo.xml";
    UNSAFE_PLACE = "VMT0214" Warning
        "a value that a person chooses stands where it cannot become a command",
        why "the platform puts the value in as it is: one with `&` runs another command, one with a blank is cut, and \
             the password is not the one that was chosen",
        fix "put it into quotes, where delayed expansion is off, and forbid % and \" in `illegal_password_characters`";
    CUT_MACRO = "VMT0215" Warning
        "every macro is written whole",
        why "the platform replaces `($NAME)` and nothing else",
        fix "write it as `($NAME)`: letters, digits and `_` only";
    QUOTED_PASSWORD = "VMT0216" Note
        "characters that no quotes save are forbidden in passwords",
        why "the platform puts the password in as it is: cmd.exe takes % and \" for its own, and the password is not the \
             one that was chosen",
        fix "forbid them in metainfo.xml: <illegal_password_characters>%&quot;</illegal_password_characters>";

    UNQUOTABLE = "VMT0217" Warning
        "a value that a person chooses stands where it can be quoted",
        why "here no way of writing the value makes it arrive as it is: one with special characters runs as a command, \
             or the rendering of the script is refused",
        fix "give the macro itself, in quotes, to the program that takes the value, not to code and not through a variable";

    // What cmd.exe makes of the lines.
    PARENTHESES = "VMT0221" Error
        "parentheses that open a block are closed, and no others are",
        why "cmd.exe stops at such a place, or runs the wrong part, and the rest of the setup is not done",
        fix "count the parentheses; one that is text in a block is written as ^( or ^)";
    OPEN_QUOTE = "VMT0222" Warning
        "no open quote hides the operators behind it",
        why "behind an open quote the operators & | < > are text: what follows is not run, or not written to the file",
        fix "close the quote";
    LOOSE_CARET = "VMT0223" Warning
        "a ^ that is to join lines is the last character of its line, and a line follows",
        why "a blank behind it is what it escapes then: the next line is run as a command of its own",
        fix "delete the blanks behind the ^";
    NO_LABEL = "VMT0224" Error
        "every goto and call has its label",
        why "cmd.exe ends the script at a goto without a label; what is behind it is not done",
        fix "write the label, `:NAME` on a line of its own outside of blocks, or mend the name";
    UNUSED_LABEL = "VMT0225" Note
        "every label is the goal of a goto or call",
        why "a label that nothing goes to is often one whose goto was misspelt",
        fix "delete it, or write a comment as `rem`";

    // What hangs an unattended setup.
    WAITS = "VMT0231" Error
        "nothing waits for an answer or a key",
        why "nobody sees the setup: a command that asks waits forever, and the machine is never ready; one that needs a \
             keyboard fails at once",
        fix "take the question out, or answer it with an option or with redirected input";
    MAY_WAIT = "VMT0232" Warning
        "nothing asks a question under some conditions",
        why "the setup runs where nobody sees it: if the question comes, it waits for ever",
        fix "add the option that answers the question";

    // What the platform waits for.
    NO_RESTART = "VMT0241" Error
        "the machine is restarted, since metainfo.xml counts restarts",
        why "after `rebootcount` restarts the platform takes the system for installed; without one the installation \
             never ends",
        fix "end the script with `shutdown /r /t 5`, or set `rebootcount` to 0";
    TASK_STAYS = "VMT0242" Error
        "the task vmmgr_firstrun is removed",
        why "it runs the setup again at every start: the password is set back, and the machine restarts without end",
        fix "add `schtasks /Delete /TN vmmgr_firstrun /F`";
    INTO_PADDING = "VMT0243" Warning
        "the script ends before the padding of the install drive",
        why "the copy on the machine has 1048576 bytes: cmd.exe goes on with what stands behind the script",
        fix "end the script with `exit /b 0` on a line of its own";

    RESTARTS_UNCOUNTED = "VMT0244" Warning
        "metainfo.xml counts the restart that the script makes",
        why "with a `rebootcount` of 0 the platform takes the system for installed before the script has run, and the \
             restart cuts off the first user",
        fix "set it: `vmtemplate metainfo FILE --set rebootcount=1`";

    // What works on the master VM only, or no more.
    OBSOLETE = "VMT0251" Warning
        "no command is used that newer versions of Windows do without",
        why "the command prints a warning or is not there, and the setting is not made",
        fix "use the command that replaced it";
    INTERFACE_NAME = "VMT0252" Warning
        "no name of a network interface is written into the script",
        why "the name depends on the language of Windows, the driver and the number of adapters: on another machine the \
             address is not set",
        fix "find the connected interface by `netsh interface show interface`, and use its name";
    PASSWORD_SHOWN = "VMT0253" Warning
        "the password is not printed or written to a file",
        why "the log stays on the disk of the machine, where every program and every backup can read it",
        fix "leave the password out of the message";
    LOG_LOST = "VMT0254" Note
        "a log that lines were added to is not begun anew",
        why "what was logged before is lost, just when somebody looks for the reason of a failure",
        fix "write `>>` instead of `>`";
}
