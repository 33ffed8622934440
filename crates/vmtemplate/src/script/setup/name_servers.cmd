
rem --- The name servers: the first one, then the others, each on the interface from above.
set "FIRST=($NAMESERVER)"
set "SERVERS=($NAMESERVERS)"
if "%FIRST:~0,1%"=="(" set "FIRST="
rem The list may come in quotes.
if defined SERVERS set "SERVERS=%SERVERS:"=%"
if "%SERVERS:~0,1%"=="(" set "SERVERS="
set "DONE="
set "SERVERS4=0"
set "SERVERS6=0"
if not defined NIC >> "%LOG%" echo name-servers: left alone, there is no connected interface
if defined NIC for %%S in (%FIRST% %SERVERS%) do call :name_server %%S
