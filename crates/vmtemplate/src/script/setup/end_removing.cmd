
rem --- The folder of the first-run scripts, and this script in it, with the password that it holds.
rem This is one line, for cmd.exe reads a script line by line and finds no other one after it.
>> "%LOG%" echo setup script {VERSION}: end %DATE% %TIME%
rmdir /s /q "C:\vmmgr" & (if exist "C:\vmmgr\" (>> "%LOG%" echo folder: still there) else >> "%LOG%" echo folder: removed) & exit /b 0
