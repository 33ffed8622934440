/*
 * Plays a Windows command for the tests: it writes down how it was called, and does what its rules say.
 *
 * It is copied under the name of each command that it plays (netsh.exe, dd.exe ...). A batch file could not do this:
 * one that is called without `call` does not come back, and it would parse its arguments a second time.
 *
 * Each call is appended to the file that the environment variable STAND_IN_CALLS names: name, command line, what came
 * in, the variable that STAND_IN_VARIABLE names, count of arguments, arguments; all in UTF-8 and each ended by NUL. The file beside it with `.rules` instead of
 * `.exe` is a list of fields, each ended by NUL, six to a rule: pattern, exit code, standard output, standard error, file
 * to copy, where to. The first rule whose pattern is in the command line holds.
 */
#include <windows.h>
#include <shellapi.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

typedef struct { char *bytes; size_t length; } Buffer;

static void add(Buffer *to, const char *bytes, size_t length)
{
    to->bytes = realloc(to->bytes, to->length + length + 1);
    if (!to->bytes) ExitProcess(250);
    memcpy(to->bytes + to->length, bytes, length);
    to->length += length;
    to->bytes[to->length] = 0;
}

/* Adds the text and the NUL behind it. */
static void add_wide(Buffer *to, const wchar_t *text)
{
    int length = WideCharToMultiByte(CP_UTF8, 0, text, -1, NULL, 0, NULL, NULL);
    char *utf8 = malloc(length ? length : 1);
    if (!utf8 || !length) ExitProcess(251);
    WideCharToMultiByte(CP_UTF8, 0, text, -1, utf8, length, NULL, NULL);
    add(to, utf8, length);
    free(utf8);
}

static void add_file(Buffer *to, HANDLE file)
{
    char chunk[4096];
    DWORD length;
    while (ReadFile(file, chunk, sizeof chunk, &length, NULL) && length)
        add(to, chunk, length);
}

static HANDLE open_to_read(const wchar_t *path)
{
    return CreateFileW(path, GENERIC_READ, FILE_SHARE_READ | FILE_SHARE_WRITE, NULL, OPEN_EXISTING, 0, NULL);
}

/* What the command would read: its standard input if that is a file or a pipe, or the file behind /s (diskpart). */
static Buffer input(int count, wchar_t **arguments)
{
    Buffer read = {0};
    HANDLE in = GetStdHandle(STD_INPUT_HANDLE);
    DWORD type = GetFileType(in);
    add(&read, "", 0);
    if (type == FILE_TYPE_DISK || type == FILE_TYPE_PIPE) add_file(&read, in);
    for (int at = 1; at + 1 < count; at++) {
        if (_wcsicmp(arguments[at], L"/s")) continue;
        HANDLE file = open_to_read(arguments[at + 1]);
        if (file == INVALID_HANDLE_VALUE) continue;
        add_file(&read, file);
        CloseHandle(file);
    }
    for (size_t at = 0; at < read.length; at++) /* NUL ends a field */
        if (!read.bytes[at]) read.bytes[at] = '?';
    return read;
}

static wchar_t *widen(const char *utf8)
{
    int length = MultiByteToWideChar(CP_UTF8, 0, utf8, -1, NULL, 0);
    wchar_t *wide = malloc((length ? length : 1) * sizeof *wide);
    if (!wide) ExitProcess(252);
    *wide = 0;
    MultiByteToWideChar(CP_UTF8, 0, utf8, -1, wide, length);
    return wide;
}

static int obey(const wchar_t *path, const char *command_line)
{
    Buffer rules = {0};
    DWORD length;
    HANDLE file = open_to_read(path);
    if (file == INVALID_HANDLE_VALUE) return 0;
    add_file(&rules, file);
    CloseHandle(file);
    for (char *field = rules.bytes, *end = rules.bytes + rules.length; field && field < end;) {
        char *rule[6];
        for (int at = 0; at < 6; at++) {
            rule[at] = field < end ? field : end;
            field += strlen(rule[at]) + 1;
        }
        if (!strstr(command_line, rule[0])) continue;
        WriteFile(GetStdHandle(STD_OUTPUT_HANDLE), rule[2], strlen(rule[2]), &length, NULL);
        WriteFile(GetStdHandle(STD_ERROR_HANDLE), rule[3], strlen(rule[3]), &length, NULL);
        if (*rule[4] && !CopyFileW(widen(rule[4]), widen(rule[5]), FALSE)) return 253;
        return atoi(rule[1]);
    }
    return 0;
}

int main(void)
{
    wchar_t path[MAX_PATH], calls[MAX_PATH], variable[MAX_PATH], value[8192] = L"", *name, *dot;
    int count = 0;
    wchar_t **arguments = CommandLineToArgvW(GetCommandLineW(), &count);
    Buffer call = {0}, line = {0}, in;
    char number[16];
    DWORD written;

    GetModuleFileNameW(NULL, path, MAX_PATH);
    name = wcsrchr(path, L'\\') + 1;
    dot = wcsrchr(path, L'.');
    *dot = 0;
    in = input(count, arguments);
    add_wide(&line, GetCommandLineW());
    add_wide(&call, name);
    add(&call, line.bytes, line.length);
    add(&call, in.bytes, in.length + 1);
    if (GetEnvironmentVariableW(L"STAND_IN_VARIABLE", variable, MAX_PATH))
        GetEnvironmentVariableW(variable, value, sizeof value / sizeof *value);
    add_wide(&call, value);
    itoa(count, number, 10);
    add(&call, number, strlen(number) + 1);
    for (int at = 0; at < count; at++) add_wide(&call, arguments[at]);

    /* One write to a file that is open for appending only: the halves of a pipe run at the same time. */
    if (GetEnvironmentVariableW(L"STAND_IN_CALLS", calls, MAX_PATH)) {
        HANDLE file = INVALID_HANDLE_VALUE;
        for (int tries = 0; tries < 100 && file == INVALID_HANDLE_VALUE; tries++) {
            if (tries) Sleep(20);
            file = CreateFileW(calls, FILE_APPEND_DATA, FILE_SHARE_READ | FILE_SHARE_WRITE, NULL, OPEN_ALWAYS, 0, NULL);
        }
        if (file == INVALID_HANDLE_VALUE) return 254;
        if (!WriteFile(file, call.bytes, call.length, &written, NULL) || written != call.length) return 255;
        CloseHandle(file);
    }
    wcscpy(dot, L".rules");
    return obey(path, line.bytes);
}
