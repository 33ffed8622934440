
rem --- The restart, which the platform counts. The five seconds are for what is left of this script.
shutdown /r /t 5 >> "%LOG%" 2>&1
call :done restart
