
rem --- The volume of the system grows into the disk of the machine, which is larger than the template's.
set "COMMANDS=%SystemRoot%\Temp\vmtemplate-volume.txt"
> "%COMMANDS%" echo rescan
>> "%COMMANDS%" echo select volume %SystemDrive:~0,1%
>> "%COMMANDS%" echo extend
diskpart /s "%COMMANDS%" >> "%LOG%" 2>&1
call :done volume
del "%COMMANDS%"
