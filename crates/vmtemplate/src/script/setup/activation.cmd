
rem --- Activation, with the key that the image has.
cscript //nologo "%SystemRoot%\System32\slmgr.vbs" /ato >> "%LOG%" 2>&1
call :done activation
