
>> "%LOG%" echo setup script {VERSION}: end %DATE% %TIME%
exit /b 0
