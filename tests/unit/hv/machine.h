/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * machine.h - what root mode's files see in place of the machine: the names of hv/x86/regs.h, hv/vmx/vmcs.h, hv/vtd/registers.h,
 * hv/address.h and hv/util.h as ordinary functions (fake.c, fake_vtd.c). Included before everything else, by the compiler's
 * -include.
 */
#ifndef TESTS_UNIT_HV_MACHINE_H
#define TESTS_UNIT_HV_MACHINE_H

#include <string.h>

#include <hv/address.h>

void *pa_pointer(pa_t a);
void copy_pages(void *to, const void *from, uint32_t pages);

bool vmcs_write_raw(uint64_t field, uint64_t value);
uint64_t vmcs_read(uint64_t field);
bool vmx_on(pa_t region);
void vmx_off(void);
bool vmcs_clear(pa_t vmcs);
bool vmcs_load(pa_t vmcs);
void ept_invalidate(uint64_t eptp);
void vpid_invalidate(uint16_t vpid);

uint32_t vtd_read32(pa_t base, uint32_t offset);
uint64_t vtd_read64(pa_t base, uint32_t offset);
void vtd_write32(pa_t base, uint32_t offset, uint32_t value);
void vtd_write64(pa_t base, uint32_t offset, uint64_t value);

#include <hv/x86/regs.h>

uint64_t rdmsr(uint32_t msr);
void wrmsr(uint32_t msr, uint64_t value);
struct cpuid cpuid(uint32_t leaf, uint32_t subleaf);
uint64_t rdtsc(void);
void outb(uint16_t port, uint8_t value);
uint8_t inb(uint16_t port);
void outw(uint16_t port, uint16_t value);
uint16_t inw(uint16_t port);
void outl(uint16_t port, uint32_t value);
uint32_t inl(uint16_t port);
void cpu_pause(void);
void cpu_fence(void);
void cpu_flush_line(const void *at);
void cpu_halt(void);
void cpu_wbinvd(void);
void xsetbv(uint32_t index, uint64_t value);
uint64_t xgetbv(uint32_t index);
void xsave_all(void *area);
void xrstor_all(const void *area);
uint64_t read_cr0(void);
uint64_t read_cr2(void);
uint64_t read_cr3(void);
uint64_t read_cr4(void);
uint64_t read_cr8(void);
uint64_t read_dr6(void);
uint64_t read_dr7(void);
void write_cr0(uint64_t v);
void write_cr2(uint64_t v);
void write_cr3(uint64_t v);
void write_cr4(uint64_t v);
void write_cr8(uint64_t v);
void write_dr6(uint64_t v);

#endif
