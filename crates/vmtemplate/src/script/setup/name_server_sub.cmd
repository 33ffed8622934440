
:name_server
rem The list of all names the first one again.
if "%~1"=="%DONE%" exit /b 0
set "DONE=%FIRST%"
rem An IPv4 address has dots. validate=no: what has no answer yet is kept all the same.
for /f "tokens=2 delims=." %%A in ("%~1") do goto name_server_ipv4
set /a SERVERS6+=1
if %SERVERS6%==1 netsh interface ipv6 set dnsservers name="%NIC%" source=static address=%~1 register=primary validate=no >> "%LOG%" 2>&1
if not %SERVERS6%==1 netsh interface ipv6 add dnsservers name="%NIC%" address=%~1 validate=no >> "%LOG%" 2>&1
goto name_server_end
:name_server_ipv4
set /a SERVERS4+=1
if %SERVERS4%==1 netsh interface ipv4 set dnsservers name="%NIC%" source=static address=%~1 register=primary validate=no >> "%LOG%" 2>&1
if not %SERVERS4%==1 netsh interface ipv4 add dnsservers name="%NIC%" address=%~1 validate=no >> "%LOG%" 2>&1
:name_server_end
call :done "name-server %~1"
exit /b 0
