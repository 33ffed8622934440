
rem --- The password of the administrator.
rem Its output goes to NUL, here and below: the log never holds the password.
set "VMT_ACCOUNT={ADMINISTRATOR}"
set "VMT_PASSWORD=($PASS)"
set "DOLLAR=$"
if not defined VMT_PASSWORD goto password_missing
rem The two copies have no quotes and can be compared; they differ if the password has one.
set "PLAIN=%VMT_PASSWORD:"=%"
set "MARKED=%VMT_PASSWORD:"=/%"
if "%PLAIN%"=="()" goto password_missing
if "%PLAIN%"=="(%DOLLAR%PASS)" goto password_missing
rem What a command line, or `net user` itself, would take for something else goes another way.
if not "%PLAIN%"=="%MARKED%" goto password_unusual
if "%PLAIN%"=="*" goto password_unusual
if "%PLAIN:~0,1%"=="/" goto password_unusual
if "%PLAIN:~0,1%"=="=" goto password_unusual
if "%PLAIN:~-1%"=="\" goto password_unusual
rem A variable of `for` is the one kind whose value cmd.exe does not read again. /y answers the question that
rem `net user` asks about passwords of more than 14 characters.
for /f "tokens=1* delims==" %%A in ('set VMT_PASSWORD') do if "%%A"=="VMT_PASSWORD" net user "%VMT_ACCOUNT%" "%%B" /y > nul 2>&1
call :done password
goto password_end
:password_unusual
powershell -NoProfile -NonInteractive -Command "([ADSI]('WinNT://./' + $env:VMT_ACCOUNT + ',user')).SetPassword($env:VMT_PASSWORD)" > nul 2>&1
call :done password
goto password_end
:password_missing
>> "%LOG%" echo password: none was given
:password_end
rem What is started from here on does not inherit it.
set "VMT_PASSWORD="
set "PLAIN="
set "MARKED="
