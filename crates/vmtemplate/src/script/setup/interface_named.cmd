
rem --- The interface, by name.
set "NIC={INTERFACE}"
>> "%LOG%" echo interface: "%NIC%"
