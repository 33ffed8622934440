
rem --- The connected interface.
rem A new machine has a new network card, and Windows may still be installing it: it gets a minute.
set "NIC="
for /l %%N in (1,1,60) do if not defined NIC call :interface
>> "%LOG%" echo interface: "%NIC%"
