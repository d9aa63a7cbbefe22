/* Time, some seconds later: for a program that asks the C library for it, when this is preloaded. */
#define _GNU_SOURCE
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

int clock_gettime(clockid_t clock, struct timespec *now) {
    long failed = syscall(SYS_clock_gettime, clock, now);
    const char *later = getenv("SECONDS_LATER");
    if (!failed && clock == CLOCK_REALTIME && later) now->tv_sec += atol(later);
    return (int)failed;
}
