@echo off
setlocal EnableExtensions DisableDelayedExpansion
rem The setup script of vmtemplate. The platform fills in the macros; see SETUP.LOG for what was done.

set "LOG=%SystemDrive%\setup.log"
set "ADAPTER="
echo setup began %DATE% %TIME% > "%LOG%"

rem The first connected interface is the one that the machine was given.
for /f "skip=3 tokens=2,3,*" %%A in ('netsh interface show interface') do (
  if "%%A" == "Connected" if not defined ADAPTER set "ADAPTER=%%C"
)
echo interface "%ADAPTER%" >> "%LOG%"

rem The output goes to NUL: the log never holds the password.
net user Administrator "($PASS)" /y > nul 2>&1
echo password: exit code %ERRORLEVEL% >> "%LOG%"

rem A macro without a value is left as "()", as nothing, or as it stands.
set "NEXTHOP=($NEXTHOPIPv4)"
if "%NEXTHOP:~0,1%" == "(" set "NEXTHOP="
if defined NEXTHOP (
  netsh interface ipv4 set address name="%ADAPTER%" static ($IP) 255.255.255.255 ($NEXTHOPIPv4) >> "%LOG%" 2>&1
) else (
  netsh interface ipv4 set address name="%ADAPTER%" static ($IP) ($NETMASK) ($GATEWAY) >> "%LOG%" 2>&1
)
netsh interface ipv4 add dnsservers name="%ADAPTER%" ($NAMESERVER) >> "%LOG%" 2>&1

rem The volume of the system grows into the disk of the machine.
(
  echo select volume %SystemDrive:~0,1%
  echo extend noerr
) > "%SystemRoot%\Temp\grow.txt"
diskpart /s "%SystemRoot%\Temp\grow.txt" >> "%LOG%" 2>&1

set "KEY=($PRODUCTKEY)"
if "%KEY:~0,1%" == "(" set "KEY="
if defined KEY (
  cscript //nologo "%SystemRoot%\System32\slmgr.vbs" /ipk %KEY% > nul 2>&1
  cscript //nologo "%SystemRoot%\System32\slmgr.vbs" /ato >> "%LOG%" 2>&1
)

reg add "HKLM\SYSTEM\CurrentControlSet\Control\Terminal Server" /v fDenyTSConnections /t REG_DWORD /d 0 /f >> "%LOG%" 2>&1
netsh advfirewall firewall set rule group="@FirewallAPI.dll,-28752" new enable=yes >> "%LOG%" 2>&1

rem Once is enough: the task goes, and the restart comes.
schtasks /Delete /TN vmmgr_firstrun /F >> "%LOG%" 2>&1
echo setup ended %DATE% %TIME% >> "%LOG%"
shutdown /r /t 5

rem The rest of the install drive is padding: it must not be reached.
exit /b 0
