/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * guard.c - what code from Debian's static libraries calls when it was compiled with the stack protector and with
 * _FORTIFY_SOURCE: a failed check ends the FIMCE at that place (vector 6) instead of going on with broken memory.
 */
#include <stdlib.h>
#include <string.h>

_Noreturn void __stack_chk_fail(void);
void *__memcpy_chk(void *restrict to, const void *restrict from, size_t size, size_t room);
void *__memmove_chk(void *to, const void *from, size_t size, size_t room);
void *__memset_chk(void *to, int byte, size_t size, size_t room);

_Noreturn void abort(void)
{
	__builtin_trap();
}

_Noreturn void __stack_chk_fail(void)
{
	abort();
}

void *__memcpy_chk(void *restrict to, const void *restrict from, size_t size, size_t room)
{
	if (size > room)
		abort();
	return memcpy(to, from, size);
}

void *__memmove_chk(void *to, const void *from, size_t size, size_t room)
{
	if (size > room)
		abort();
	return memmove(to, from, size);
}

void *__memset_chk(void *to, int byte, size_t size, size_t room)
{
	if (size > room)
		abort();
	return memset(to, byte, size);
}
