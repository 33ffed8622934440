rem The group of rules by its number: its name is in the language of Windows.
netsh advfirewall firewall set rule group="@FirewallAPI.dll,-28752" new enable=yes >> "%LOG%" 2>&1
rem These rules may be limited to some kinds of networks; that of a new machine counts as public.
netsh advfirewall firewall add rule name="Remote Desktop (setup)" dir=in action=allow protocol=TCP localport=3389 >> "%LOG%" 2>&1
call :done firewall
