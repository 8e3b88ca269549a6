/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * tsc.c - frequency of the time-stamp counter.
 */
#include "tsc.h"

#include "cpu.h"

#define PIT_HZ 1193182u
#define PIT_TICKS 11932u /* 10 ms */
#define PIT_CHANNEL2 0x42
#define PIT_COMMAND 0x43
#define PIT_CHANNEL2_MODE0 0xb0 /* both bytes, interrupt on terminal count */
#define PORT_B 0x61
#define PORT_B_GATE2 0x01
#define PORT_B_SPEAKER 0x02
#define PORT_B_OUT2 0x20
/* Enough for 10 ms with the fastest port reads seen: an emulator's take about as long as a few instructions. */
#define MAX_POLLS 50000000u
#define KHZ_MIN 1000u
#define KHZ_MAX 20000000u

uint64_t tsc_khz_from_cpuid(uint32_t denominator, uint32_t numerator, uint32_t crystal_hz)
{
	if (!denominator || !numerator || !crystal_hz)
		return 0;
	return (uint64_t)crystal_hz * numerator / denominator / 1000;
}

static uint64_t tsc_khz_from_pit(void (*meanwhile)(void))
{
	uint8_t port_b = (uint8_t)(cpu_in8(PORT_B) & ~(PORT_B_GATE2 | PORT_B_SPEAKER));
	uint32_t polls = 0;
	uint64_t start;
	uint64_t end;

	cpu_out8(PORT_B, port_b | PORT_B_GATE2);
	cpu_out8(PIT_COMMAND, PIT_CHANNEL2_MODE0);
	cpu_out8(PIT_CHANNEL2, PIT_TICKS & 0xff);
	cpu_out8(PIT_CHANNEL2, PIT_TICKS >> 8);
	start = cpu_tsc();
	while (!(cpu_in8(PORT_B) & PORT_B_OUT2) && polls < MAX_POLLS) {
		meanwhile();
		polls++;
	}
	end = cpu_tsc();
	cpu_out8(PORT_B, port_b);
	/* Without a PIT the output is stuck: it never rises, or it was up from the start. */
	if (polls == MAX_POLLS || !polls)
		return 0;
	return (end - start) * PIT_HZ / PIT_TICKS / 1000;
}

bool tsc_measure(uint64_t *khz, void (*meanwhile)(void), struct boot_error *error)
{
	*khz = 0;
	if (cpu_id(0, 0).eax >= 0x15) {
		struct cpuid id = cpu_id(0x15, 0);

		*khz = tsc_khz_from_cpuid(id.eax, id.ebx, id.ecx);
	}
	if (!*khz)
		*khz = tsc_khz_from_pit(meanwhile);
	if (*khz < KHZ_MIN || *khz > KHZ_MAX)
		return text_fail(
		    error,
		    "the frequency of the time-stamp counter cannot be measured: CPUID leaf 0x15 does not give "
		    "it, and against the timer (PIT) it is %llu kHz",
		    (unsigned long long)*khz);
	return true;
}
