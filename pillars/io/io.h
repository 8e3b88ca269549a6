/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * io.h - how code inside a FIMCE reaches its devices: I/O ports, registers in memory, the time stamp counter, the interrupt flag.
 *
 * Only ports and memory of devices that the FIMCE was given answer; any other ends it. Host unit tests define RV_HOST_TEST and bring
 * functions of these names that play the device.
 */
#ifndef PILLARS_IO_H
#define PILLARS_IO_H

#include <stdint.h>

#ifdef RV_HOST_TEST
uint8_t rv_io_in8(uint16_t port);
void rv_io_out8(uint16_t port, uint8_t value);
uint8_t rv_io_read8(const volatile void *address);
void rv_io_write8(volatile void *address, uint8_t value);
uint16_t rv_io_read16(const volatile void *address);
void rv_io_write16(volatile void *address, uint16_t value);
uint32_t rv_io_read32(const volatile void *address);
void rv_io_write32(volatile void *address, uint32_t value);
void rv_io_write64(volatile void *address, uint64_t value);
uint64_t rv_io_ticks(void);
void rv_io_pause(void);
void rv_io_interrupts(int on);
#else
static inline uint8_t rv_io_in8(uint16_t port)
{
	uint8_t value;

	__asm__ volatile("inb %1, %0" : "=a"(value) : "Nd"(port) : "memory");
	return value;
}

static inline void rv_io_out8(uint16_t port, uint8_t value)
{
	__asm__ volatile("outb %0, %1" : : "a"(value), "Nd"(port) : "memory");
}

/** One access of 8, 16, 32 or 64 bits, whatever the compiler thinks of it. */
static inline uint8_t rv_io_read8(const volatile void *address)
{
	uint8_t value;

	__asm__ volatile("movb %1, %0" : "=q"(value) : "m"(*(const volatile uint8_t *)address) : "memory");
	return value;
}

static inline void rv_io_write8(volatile void *address, uint8_t value)
{
	__asm__ volatile("movb %1, %0" : "=m"(*(volatile uint8_t *)address) : "q"(value) : "memory");
}

static inline uint16_t rv_io_read16(const volatile void *address)
{
	uint16_t value;

	__asm__ volatile("movw %1, %0" : "=r"(value) : "m"(*(const volatile uint16_t *)address) : "memory");
	return value;
}

static inline void rv_io_write16(volatile void *address, uint16_t value)
{
	__asm__ volatile("movw %1, %0" : "=m"(*(volatile uint16_t *)address) : "r"(value) : "memory");
}

static inline uint32_t rv_io_read32(const volatile void *address)
{
	uint32_t value;

	__asm__ volatile("movl %1, %0" : "=r"(value) : "m"(*(const volatile uint32_t *)address) : "memory");
	return value;
}

static inline void rv_io_write32(volatile void *address, uint32_t value)
{
	__asm__ volatile("movl %1, %0" : "=m"(*(volatile uint32_t *)address) : "r"(value) : "memory");
}

static inline void rv_io_write64(volatile void *address, uint64_t value)
{
	__asm__ volatile("movq %1, %0" : "=m"(*(volatile uint64_t *)address) : "r"(value) : "memory");
}

/** The time stamp counter: ticks of `ravelin info`'s TSC frequency. A FIMCE has no other clock and does not know the frequency. */
static inline uint64_t rv_io_ticks(void)
{
	uint32_t low;
	uint32_t high;

	__asm__ volatile("rdtsc" : "=a"(low), "=d"(high) : : "memory");
	return (uint64_t)high << 32 | low;
}

/** One turn of a loop that waits. */
static inline void rv_io_pause(void)
{
	__asm__ volatile("pause" : : : "memory");
}

/** Lets interrupts in, or not. */
static inline void rv_io_interrupts(int on)
{
	if (on)
		__asm__ volatile("sti" : : : "memory");
	else
		__asm__ volatile("cli" : : : "memory");
}
#endif

#endif
