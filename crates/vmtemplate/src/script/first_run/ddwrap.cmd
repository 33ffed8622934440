@rem The list of disks. dd writes it to standard error, which PowerShell would take for failures.
@C:\vmmgr\dd.exe --list 2>&1
