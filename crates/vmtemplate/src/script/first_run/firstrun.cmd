@echo off
rem First-run script of vmtemplate, version {VERSION}: the task vmmgr_firstrun runs it when Windows starts.
rem The last line is one line, for the setup script removes this file: cmd.exe finds no other one after it.
powershell.exe -NoProfile -NonInteractive -ExecutionPolicy RemoteSigned -File C:\vmmgr\firstrun.ps1 > nul 2>&1 & exit /b
