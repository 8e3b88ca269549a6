/* SPDX-License-Identifier: GPL-2.0-only */
/* util.c - see util.h. */
#include <hv/util.h>
#include <hv/x86/regs.h>

#ifndef HV_HOST_TEST
void *memcpy(void *to, const void *from, size_t bytes)
{
	void *d = to;
	size_t words = bytes / 8, rest = bytes % 8;

	__asm__ volatile("rep movsq" : "+D"(d), "+S"(from), "+c"(words) : : "memory");
	__asm__ volatile("rep movsb" : "+D"(d), "+S"(from), "+c"(rest) : : "memory");
	return to;
}

void *memmove(void *to, const void *from, size_t bytes)
{
	uint8_t *d = to;
	const uint8_t *s = from;

	if (d <= s || d >= s + bytes)
		return memcpy(to, from, bytes);
	while (bytes % 8 != 0) {
		bytes--;
		d[bytes] = s[bytes];
	}
	while (bytes != 0) {
		bytes -= 8;
		*(uint64_t *)(void *)(d + bytes) = *(const uint64_t *)(const void *)(s + bytes);
	}
	return to;
}

void *memset(void *to, int value, size_t bytes)
{
	void *d = to;
	size_t words = bytes / 8, rest = bytes % 8;
	uint64_t pattern = 0x0101010101010101ull * (uint8_t)value;

	__asm__ volatile("rep stosq" : "+D"(d), "+c"(words) : "a"(pattern) : "memory");
	__asm__ volatile("rep stosb" : "+D"(d), "+c"(rest) : "a"(pattern) : "memory");
	return to;
}

int memcmp(const void *a, const void *b, size_t bytes)
{
	const uint8_t *x = a, *y = b;

	for (size_t i = 0; i < bytes; i++) {
		if (x[i] != y[i])
			return x[i] < y[i] ? -1 : 1;
	}
	return 0;
}
#endif

void lock_acquire(struct lock *l)
{
	uint32_t ticket = __atomic_fetch_add(&l->next, 1, __ATOMIC_ACQ_REL);

	while (__atomic_load_n(&l->owner, __ATOMIC_ACQUIRE) != ticket)
		cpu_pause();
}

void lock_release(struct lock *l)
{
	__atomic_store_n(&l->owner, l->owner + 1, __ATOMIC_RELEASE);
}
