
rem --- The IPv6 address, where there is one.
set "ADDRESS6=($IPv6)"
set "PREFIX6=($NETMASKv6)"
set "GATEWAY6=($GATEWAYv6)"
if "%ADDRESS6:~0,1%"=="(" set "ADDRESS6="
if "%PREFIX6:~0,1%"=="(" set "PREFIX6="
if "%GATEWAY6:~0,1%"=="(" set "GATEWAY6="
if not defined PREFIX6 set "PREFIX6=64"
set "PROBLEM="
if not defined ADDRESS6 set "PROBLEM=no address"
if not defined NIC set "PROBLEM=no connected interface"
if defined PROBLEM >> "%LOG%" echo ipv6: left alone, there is %PROBLEM%
if defined PROBLEM goto ipv6_end
>> "%LOG%" echo ipv6: %ADDRESS6%/%PREFIX6% %GATEWAY6%
netsh interface ipv6 add address interface="%NIC%" address=%ADDRESS6%/%PREFIX6% >> "%LOG%" 2>&1
call :done ipv6
if not defined GATEWAY6 goto ipv6_end
netsh interface ipv6 add route prefix=::/0 interface="%NIC%" nexthop=%GATEWAY6% >> "%LOG%" 2>&1
call :done ipv6-route
:ipv6_end
