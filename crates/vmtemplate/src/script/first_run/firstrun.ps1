# First-run script of vmtemplate, version {VERSION}: finds the install drive, copies the setup script from it, runs it.

# dd lists a disk as the name of its device, then what it is, then its size. Whole disks are called Partition0.
# Windows may still be finding its disks: they get two minutes.
$source = $null
for ($try = 0; -not $source -and $try -lt 60; $try++) {
    if ($try -gt 0) { Start-Sleep -Seconds 2 }
    $device = $null
    foreach ($line in (& C:\vmmgr\ddwrap.cmd)) {
        if ($line -match '^\\\\\?\\Device\\Harddisk[0-9]+\\Partition0\s*$') { $device = $line.Trim() }
        elseif ($line -match '^\\\\') { $device = $null }
        elseif ($device -and $line -match '^\s+size is 1048576 bytes\s*$') { $source = $device }
    }
}
if (-not $source) { exit 1 }

& C:\vmmgr\dd.exe "if=$source" of=C:\vmmgr\vmmgr.cmd bs=512 count=2048
& C:\vmmgr\vmmgr.cmd
