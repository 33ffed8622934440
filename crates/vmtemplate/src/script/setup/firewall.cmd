rem The group of rules by its number: its name is in the language of Windows.
netsh advfirewall firewall set rule group="@FirewallAPI.dll,-28752" new enable=yes >> "%LOG%" 2>&1
call :done firewall
