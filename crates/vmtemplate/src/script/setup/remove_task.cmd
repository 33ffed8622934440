
rem --- Once is enough: without the task, the next start is an ordinary one.
schtasks /Delete /TN vmmgr_firstrun /F >> "%LOG%" 2>&1
call :done task
