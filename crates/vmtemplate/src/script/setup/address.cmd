
rem --- The address. A macro without a value is left as "()", as nothing, or as it stands.
set "ADDRESS=($IP)"
set "NETMASK=($NETMASK)"
set "GATEWAY=($GATEWAY)"
set "NEXTHOP=($NEXTHOPIPv4)"
if "%ADDRESS:~0,1%"=="(" set "ADDRESS="
if "%NETMASK:~0,1%"=="(" set "NETMASK="
if "%GATEWAY:~0,1%"=="(" set "GATEWAY="
if "%NEXTHOP:~0,1%"=="(" set "NEXTHOP="
rem A next hop is outside the network of the machine, which then is the machine alone.
if defined NEXTHOP set "NETMASK=255.255.255.255"
if defined NEXTHOP set "GATEWAY=%NEXTHOP%"
rem An IPv4 address has dots.
set "PROBLEM=no IPv4 address"
for /f "tokens=2 delims=." %%A in ("%ADDRESS%") do set "PROBLEM="
if not defined NETMASK set "PROBLEM=no mask"
if not defined NIC set "PROBLEM=no connected interface"
if defined PROBLEM >> "%LOG%" echo address: left alone, there is %PROBLEM%
if defined PROBLEM goto address_end
>> "%LOG%" echo address: %ADDRESS% %NETMASK% %GATEWAY%
netsh interface ipv4 set address name="%NIC%" static %ADDRESS% %NETMASK% %GATEWAY% >> "%LOG%" 2>&1
call :done address
:address_end
