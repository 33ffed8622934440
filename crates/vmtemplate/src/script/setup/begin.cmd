@echo off
rem Setup script of vmtemplate, version {VERSION}, for Windows.
rem It runs once, as SYSTEM, when a new machine starts for the first time. What each step did is in the log below.

rem Delayed expansion stays off: with it, a ! would vanish from every value.
setlocal EnableExtensions DisableDelayedExpansion
set "LOG={LOG}"
> "%LOG%" echo setup script {VERSION}: begin %DATE% %TIME%

rem This script is going to delete the folder that it came from, which must not be the current one then.
cd /d "%SystemRoot%"
