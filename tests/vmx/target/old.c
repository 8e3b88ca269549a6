/* SPDX-License-Identifier: GPL-2.0-only */
/* old.c - a "process" to update: the bare guest loads this executable page by page and calls its function. */

unsigned long target_state[2] = {0x1111, 0x2222};
unsigned char target_big[65536] = {1};

unsigned long target_compute(unsigned long x);

__attribute__((noinline)) unsigned long target_compute(unsigned long x)
{
	return x * 3 + 1;
}

int main(void)
{
	return (int)target_compute(target_big[5] + target_state[0]);
}
