
:interface
rem The table of the first command is in the language of Windows; the states of the second are English in all of them,
rem and its number 1 is the loopback.
for /f "tokens=1-3*" %%A in ('netsh interface show interface') do if "%%B"=="Connected" if not defined NIC set "NIC=%%D"
if defined NIC exit /b 0
for /f "tokens=1,4*" %%A in ('netsh interface ipv4 show interfaces') do if "%%B"=="connected" if not "%%A"=="1" if not defined NIC set "NIC=%%C"
if defined NIC exit /b 0
rem Two pings are a second apart; the command `timeout` refuses to work without a keyboard.
ping -n 2 127.0.0.1 > nul
exit /b 0
