@echo off
rem Prepares the master VM, version {VERSION} of vmtemplate: run it there once, as an administrator.
rem It places the first-run scripts and the task that runs them when Windows starts.
setlocal EnableExtensions DisableDelayedExpansion
set "FAILED="

rem --- Only an administrator may do what follows; this command asks for nothing and fails for others.
net session > nul 2>&1
if errorlevel 1 (
  echo FAILED: this is no administrator's prompt. Choose "Run as administrator".
  exit /b 1
)

rem --- The folder and its files. This script may already stand there.
if not exist "C:\vmmgr\" mkdir "C:\vmmgr"
if /i not "%~dp0"=="C:\vmmgr\" for %%F in (firstrun.cmd firstrun.ps1 ddwrap.cmd dd.exe) do if exist "%~dp0%%F" copy /b /y "%~dp0%%F" "C:\vmmgr\%%F" > nul
for %%F in (firstrun.cmd firstrun.ps1 ddwrap.cmd) do call :file %%F
if exist "C:\vmmgr\dd.exe" (
  echo ok: C:\vmmgr\dd.exe
) else (
  echo FAILED: C:\vmmgr\dd.exe is not there. Copy it there from "dd for windows", then run this again.
  set "FAILED=1"
)
rem What comes from a CD is read-only. What a test left behind must not get into the image.
attrib -r "C:\vmmgr\*" > nul
if exist "C:\vmmgr\vmmgr.cmd" del "C:\vmmgr\vmmgr.cmd"

rem --- Scripts without a signature may run, if they come from this machine.
powershell -NoProfile -NonInteractive -Command "Set-ExecutionPolicy -ExecutionPolicy RemoteSigned -Scope LocalMachine -Force" > nul 2>&1
call :step "scripts of PowerShell are allowed: RemoteSigned"

rem --- The task. As SYSTEM it runs whether anyone is logged on or not.
schtasks /Create /TN vmmgr_firstrun /TR C:\vmmgr\firstrun.cmd /SC ONSTART /RU SYSTEM /RL HIGHEST /F > nul 2>&1
call :step "the task vmmgr_firstrun runs C:\vmmgr\firstrun.cmd at start-up, as SYSTEM"

if defined FAILED (
  echo NOT READY: see what failed above, and run this again.
  exit /b 1
)
echo READY: shut Windows down and make the image of its disk.
exit /b 0

:file
if exist "C:\vmmgr\%1" echo ok: C:\vmmgr\%1
if exist "C:\vmmgr\%1" exit /b 0
echo FAILED: C:\vmmgr\%1 could not be copied from %~dp0
set "FAILED=1"
exit /b 0

:step
if not errorlevel 1 echo ok: %~1
if not errorlevel 1 exit /b 0
echo FAILED with exit code %ERRORLEVEL%: %~1
set "FAILED=1"
exit /b 0
