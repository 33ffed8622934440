
rem --- Activation, where there is a key. The command repeats the key, so its output goes to NUL.
set "KEY=($PRODUCTKEY)"
if "%KEY:~0,1%"=="(" set "KEY="
if not defined KEY >> "%LOG%" echo activation: no key was given
if not defined KEY goto activation_end
cscript //nologo "%SystemRoot%\System32\slmgr.vbs" /ipk "%KEY%" > nul 2>&1
call :done product-key
cscript //nologo "%SystemRoot%\System32\slmgr.vbs" /ato >> "%LOG%" 2>&1
call :done activation
:activation_end
set "KEY="
