// Counts the calls of the C library by which a program changes files, and disturbs one of them.
//
//     cc -shared -fPIC -O1 -o interpose.so interpose.c -ldl
//     CAMPAIGN_COUNTER=FILE CAMPAIGN_AT=17 CAMPAIGN_ACTION=ENOSPC LD_PRELOAD=./interpose.so PROGRAM …
//
// CAMPAIGN_COUNTER names a file of eight bytes, the number of calls so far, which the processes of a tree share.
// CAMPAIGN_AT is the number of the call that is disturbed, from 1; without it calls are only counted. CAMPAIGN_ACTION is
//
//   kill        SIGKILL before the call
//   kill-after  SIGKILL after the call
//   kill-half   SIGKILL after half of the bytes are written; before the call if it writes none
//   short       half of the bytes are written, and their number is returned; nothing else is disturbed
//   ENOSPC EIO EACCES EINTR   the call fails so, without effect (`close` closes)
//
// CAMPAIGN_LOG names a file to which each call is appended as one line: number, name, path or descriptor, and whether
// the call was disturbed. Writes to standard error do not count: it shows progress, which depends on the clock, and is how the
// program says what happened.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

enum action { COUNT, KILL, KILL_AFTER, KILL_HALF, SHORT, FAIL };
enum ability { PLAIN = 0, INTERRUPTIBLE = 1, PARTIAL = 2 };

static _Atomic long *counter;
static long target;
static enum action action;
static int failure;
static int log_descriptor = -1;

#define REAL(name) ((__typeof__(&name))real(#name))

static void *real(const char *name) {
  void *function = dlsym(RTLD_NEXT, name);
  if (!function) abort();
  return function;
}

__attribute__((constructor)) static void begin(void) {
  const char *file = getenv("CAMPAIGN_COUNTER"), *at = getenv("CAMPAIGN_AT"), *what = getenv("CAMPAIGN_ACTION");
  const char *log = getenv("CAMPAIGN_LOG");
  if (!file) return;
  int descriptor = (int)syscall(SYS_openat, AT_FDCWD, file, O_RDWR | O_CLOEXEC);
  if (descriptor < 0) abort();
  void *page = mmap(NULL, sizeof(long), PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0);
  if (page == MAP_FAILED) abort();
  syscall(SYS_close, descriptor);
  counter = page;
  target = at ? atol(at) : 0;
  if (log) log_descriptor = (int)syscall(SYS_openat, AT_FDCWD, log, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
  if (!what || !target) return;
  static const struct { const char *name; enum action action; int failure; } actions[] = {
    {"kill", KILL, 0}, {"kill-after", KILL_AFTER, 0}, {"kill-half", KILL_HALF, 0}, {"short", SHORT, 0},
    {"ENOSPC", FAIL, ENOSPC}, {"EIO", FAIL, EIO}, {"EACCES", FAIL, EACCES}, {"EINTR", FAIL, EINTR},
  };
  for (size_t i = 0; i < sizeof actions / sizeof *actions; i++)
    if (!strcmp(what, actions[i].name)) action = actions[i].action, failure = actions[i].failure;
  if (action == COUNT) abort();
}

static void die(void) {
  syscall(SYS_kill, getpid(), SIGKILL);
  for (;;) pause();
}

// Counts a call. Returns what to do with it.
static enum action enter(const char *name, const char *path, int descriptor, int ability) {
  if (!counter || descriptor == 2) return COUNT;
  long number = atomic_fetch_add(counter, 1) + 1;
  enum action now = number == target ? action : COUNT;
  if (now == SHORT && !(ability & PARTIAL)) now = COUNT;
  if (now == KILL_HALF && !(ability & PARTIAL)) now = KILL;
  if (now == FAIL && failure == EINTR && !(ability & INTERRUPTIBLE)) now = COUNT;
  if (log_descriptor >= 0) {
    char line[4400], link[64], target_path[4096] = "";
    if (!path && descriptor >= 0) {
      snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
      ssize_t length = readlink(link, target_path, sizeof target_path - 1);
      target_path[length < 0 ? 0 : length] = 0;
    }
    int length = snprintf(line, sizeof line, "%ld\t%s\t%s\t%d\t%d\n", number, name, path ? path : target_path, ability,
                          now != COUNT);
    syscall(SYS_write, log_descriptor, line, (size_t)length);
  }
  if (now == KILL) die();
  return now;
}

static long leave(enum action now, long result) {
  if (now == KILL_AFTER || now == KILL_HALF) die();
  return result;
}

// A call whose name, path and descriptor are given; fails, or is made.
#define CALL(type, name, path, descriptor, ability, ...)                        \
  do {                                                                          \
    enum action now = enter(#name, path, descriptor, ability);                  \
    if (now == FAIL) { errno = failure; return (type)-1; }                      \
    return (type)leave(now, (long)REAL(name)(__VA_ARGS__));                     \
  } while (0)

static int changes(int flags) { return (flags & O_ACCMODE) != O_RDONLY || flags & (O_CREAT | O_TRUNC); }

#define OPEN(name, path, flags, ...)                                            \
  do {                                                                          \
    mode_t mode = 0;                                                            \
    if ((flags) & (O_CREAT | __O_TMPFILE)) {                                    \
      va_list list;                                                             \
      va_start(list, flags);                                                    \
      mode = (mode_t)va_arg(list, int);                                         \
      va_end(list);                                                             \
    }                                                                           \
    if (!changes(flags)) return REAL(name)(__VA_ARGS__, mode);                  \
    CALL(int, name, path, -1, INTERRUPTIBLE, __VA_ARGS__, mode);                \
  } while (0)

int open(const char *path, int flags, ...) { OPEN(open, path, flags, path, flags); }
int open64(const char *path, int flags, ...) { OPEN(open64, path, flags, path, flags); }
int openat(int folder, const char *path, int flags, ...) { OPEN(openat, path, flags, folder, path, flags); }
int openat64(int folder, const char *path, int flags, ...) { OPEN(openat64, path, flags, folder, path, flags); }
int creat(const char *path, mode_t mode) { CALL(int, creat, path, -1, INTERRUPTIBLE, path, mode); }
int mkstemp(char *path) { CALL(int, mkstemp, path, -1, INTERRUPTIBLE, path); }

FILE *fopen(const char *path, const char *mode) {
  if (!strpbrk(mode, "wa+")) return REAL(fopen)(path, mode);
  enum action now = enter("fopen", path, -1, INTERRUPTIBLE);
  if (now == FAIL) { errno = failure; return NULL; }
  FILE *file = REAL(fopen)(path, mode);
  leave(now, 0);
  return file;
}
FILE *fopen64(const char *path, const char *mode) { return fopen(path, mode); }

#define WRITE(name, size, ...)                                                  \
  do {                                                                          \
    enum action now = enter(#name, NULL, descriptor, INTERRUPTIBLE | PARTIAL);  \
    if (now == FAIL) { errno = failure; return -1; }                            \
    if ((now == SHORT || now == KILL_HALF) && (size) > 1) (size) /= 2;          \
    return (ssize_t)leave(now, REAL(name)(__VA_ARGS__));                        \
  } while (0)

ssize_t write(int descriptor, const void *bytes, size_t size) { WRITE(write, size, descriptor, bytes, size); }
ssize_t pwrite(int descriptor, const void *bytes, size_t size, off_t at) {
  WRITE(pwrite, size, descriptor, bytes, size, at);
}
ssize_t pwrite64(int descriptor, const void *bytes, size_t size, off64_t at) {
  WRITE(pwrite64, size, descriptor, bytes, size, at);
}
ssize_t writev(int descriptor, const struct iovec *parts, int count) {
  WRITE(writev, count, descriptor, parts, count);
}
size_t fwrite(const void *bytes, size_t size, size_t count, FILE *file) {
  enum action now = enter("fwrite", NULL, fileno(file), PARTIAL);
  if (now == FAIL) { errno = failure; return 0; }
  if (now == KILL_HALF) count /= 2;
  size_t written = REAL(fwrite)(bytes, size, count, file);
  if (now == KILL_HALF) fflush(file);
  leave(now, 0);
  return written;
}
int fclose(FILE *file) {
  enum action now = enter("fclose", NULL, fileno(file), PLAIN);
  int result = REAL(fclose)(file);
  if (now == FAIL) { errno = failure; result = EOF; }
  return (int)leave(now, result);
}

int close(int descriptor) {
  int flags = fcntl(descriptor, F_GETFL);
  if (flags < 0 || !changes(flags)) return REAL(close)(descriptor);
  enum action now = enter("close", NULL, descriptor, INTERRUPTIBLE);
  int result = REAL(close)(descriptor);
  if (now == FAIL) { errno = failure; result = -1; }
  return (int)leave(now, result);
}

int rename(const char *old, const char *new) { CALL(int, rename, old, -1, PLAIN, old, new); }
int renameat(int a, const char *old, int b, const char *new) { CALL(int, renameat, old, -1, PLAIN, a, old, b, new); }
int renameat2(int a, const char *old, int b, const char *new, unsigned flags) {
  CALL(int, renameat2, old, -1, PLAIN, a, old, b, new, flags);
}
int link(const char *old, const char *new) { CALL(int, link, new, -1, PLAIN, old, new); }
int linkat(int a, const char *old, int b, const char *new, int flags) {
  CALL(int, linkat, new, -1, PLAIN, a, old, b, new, flags);
}
int symlink(const char *old, const char *new) { CALL(int, symlink, new, -1, PLAIN, old, new); }
int unlink(const char *path) { CALL(int, unlink, path, -1, PLAIN, path); }
int unlinkat(int folder, const char *path, int flags) { CALL(int, unlinkat, path, -1, PLAIN, folder, path, flags); }
int remove(const char *path) { CALL(int, remove, path, -1, PLAIN, path); }
int rmdir(const char *path) { CALL(int, rmdir, path, -1, PLAIN, path); }
int mkdir(const char *path, mode_t mode) { CALL(int, mkdir, path, -1, PLAIN, path, mode); }
int mkdirat(int folder, const char *path, mode_t mode) { CALL(int, mkdirat, path, -1, PLAIN, folder, path, mode); }
int chmod(const char *path, mode_t mode) { CALL(int, chmod, path, -1, PLAIN, path, mode); }
int fchmod(int descriptor, mode_t mode) { CALL(int, fchmod, NULL, descriptor, INTERRUPTIBLE, descriptor, mode); }
int fsync(int descriptor) { CALL(int, fsync, NULL, descriptor, INTERRUPTIBLE, descriptor); }
int fdatasync(int descriptor) { CALL(int, fdatasync, NULL, descriptor, INTERRUPTIBLE, descriptor); }
int truncate(const char *path, off_t size) { CALL(int, truncate, path, -1, INTERRUPTIBLE, path, size); }
int ftruncate(int descriptor, off_t size) { CALL(int, ftruncate, NULL, descriptor, INTERRUPTIBLE, descriptor, size); }
int ftruncate64(int descriptor, off64_t size) {
  CALL(int, ftruncate64, NULL, descriptor, INTERRUPTIBLE, descriptor, size);
}
int fallocate(int descriptor, int mode, off_t at, off_t size) {
  CALL(int, fallocate, NULL, descriptor, INTERRUPTIBLE, descriptor, mode, at, size);
}
int flock(int descriptor, int operation) {
  CALL(int, flock, NULL, descriptor, operation & LOCK_NB ? PLAIN : INTERRUPTIBLE, descriptor, operation);
}
ssize_t sendfile(int out, int in, off_t *at, size_t size) {
  CALL(ssize_t, sendfile, NULL, out, INTERRUPTIBLE, out, in, at, size);
}
ssize_t copy_file_range(int in, off64_t *at, int out, off64_t *to, size_t size, unsigned flags) {
  CALL(ssize_t, copy_file_range, NULL, out, INTERRUPTIBLE, in, at, out, to, size, flags);
}

// A call by number: only `renameat2`, which older C libraries do not have.
long syscall(long number, ...) {
  static long (*original)(long, ...);
  if (!original) original = dlsym(RTLD_NEXT, "syscall");
  va_list list;
  long a[6];
  va_start(list, number);
  for (int i = 0; i < 6; i++) a[i] = va_arg(list, long);
  va_end(list);
  if (number != SYS_renameat2) return original(number, a[0], a[1], a[2], a[3], a[4], a[5]);
  enum action now = enter("renameat2", (const char *)a[1], -1, PLAIN);
  if (now == FAIL) { errno = failure; return -1; }
  return leave(now, original(number, a[0], a[1], a[2], a[3], a[4], a[5]));
}
