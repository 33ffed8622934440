
:done
>> "%LOG%" echo %~1: exit code %ERRORLEVEL%
exit /b 0
