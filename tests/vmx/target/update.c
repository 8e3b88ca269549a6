/* SPDX-License-Identifier: GPL-2.0-only */
/* update.c - the updates' own code. MODE_... says which of them this is. */
#include <uih/uih.h>

#define NEW_STATE 0x3333ul
#define HALF_STATE 0xbadbadbadul /* never to be seen by the guest */
#define SLOW_TICKS 400000u

#if defined(MODE_BIG)
UIH_TARGET(target_big);

int update_apply(const struct uih *uih)
{
	uint8_t *big = uih_object(uih, uih_address_target_big, 65536);

	if (!big)
		return -RV_EFAULT;
	for (uint32_t i = 0; i < 65536; i += 4096)
		big[i]++;
	return 0;
}
#else
UIH_TARGET(target_state);

static volatile uint64_t *state(const struct uih *uih)
{
	return uih_pointer(uih, uih_address_target_state);
}

int update_apply(const struct uih *uih)
{
	state(uih)[0] = HALF_STATE;
#if defined(MODE_CRASH)
	*(volatile uint64_t *)0x4141000 = 1;
#elif defined(MODE_BREACH)
	__asm__ volatile("rdmsr" : : "c"(0xc0000080u) : "rax", "rdx");
#elif defined(MODE_LOOP)
	for (;;)
		;
#elif defined(MODE_REFUSE)
	return -RV_EBADMSG;
#elif defined(MODE_SLOW)
	for (uint32_t i = 0; i < SLOW_TICKS; i++)
		__asm__ volatile("");
#endif
	state(uih)[0] = NEW_STATE;
	return 0;
}

int update_self_check(const struct uih *uih)
{
#if defined(MODE_SICK)
	(void)uih;
	return -RV_EIO;
#else
	return state(uih)[0] == NEW_STATE ? 0 : -RV_EINVAL;
#endif
}

int update_revert(const struct uih *uih)
{
	state(uih)[0] -= NEW_STATE - 0x1111;
#if defined(MODE_NO_WAY_BACK)
	return -RV_EIO;
#else
	return 0;
#endif
}
#endif
