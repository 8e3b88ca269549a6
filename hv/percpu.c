/* SPDX-License-Identifier: GPL-2.0-only */
/* percpu.c - see percpu.h. */
#include <hv/percpu.h>
#include <hv/reset.h>
#include <hv/x86/regs.h>

#define APIC_LDR 0xd0
#define SVR_ENABLE (1u << 8)
#define APIC_ISR_LAST 0x170 /* vectors 0xe0 to 0xff */
#define ISR_CLASS_F 0xffff0000u
#define MSR_X2APIC(offset) (0x800u + (offset) / 16)
#define KICK_PATIENCE_US 10000u

extern struct percpu *ap_cpu; /* entry.S */
extern uint64_t ap_stack;

static volatile uint32_t *apic_register(uint32_t offset)
{
	return (volatile uint32_t *)((uintptr_t)pa_pointer(pa_make(rdmsr(MSR_APIC_BASE) & 0xffffff000ull)) + offset);
}

static bool apic_is_x2(void)
{
	return (rdmsr(MSR_APIC_BASE) & APIC_BASE_X2APIC) != 0;
}

static uint32_t apic_read(uint32_t offset)
{
	return apic_is_x2() ? (uint32_t)rdmsr(MSR_X2APIC(offset)) : *apic_register(offset);
}

static void apic_write(uint32_t offset, uint32_t value)
{
	if (apic_is_x2())
		wrmsr(MSR_X2APIC(offset), value);
	else
		*apic_register(offset) = value;
}

uint32_t apic_id(void)
{
	return apic_is_x2() ? apic_read(APIC_ID) : apic_read(APIC_ID) >> 24;
}

uint32_t apic_listen(void)
{
	uint32_t before = apic_read(APIC_SPURIOUS);

	apic_write(APIC_SPURIOUS, before | SVR_ENABLE);
	return before;
}

void apic_eoi(void)
{
	apic_write(APIC_EOI, 0);
}

void apic_unlisten(uint32_t before)
{
	for (uint32_t i = 0; i < 16 && (apic_read(APIC_ISR_LAST) & ISR_CLASS_F); i++)
		apic_eoi();
	apic_write(APIC_SPURIOUS, before);
}

void apic_forget_logical_id(void)
{
	if (!apic_is_x2())
		*apic_register(APIC_LDR) = 0;
}

static void apic_wait(void)
{
	while (*apic_register(APIC_ICR_LOW) & APIC_ICR_BUSY)
		cpu_pause();
}

void apic_send(uint32_t id, uint32_t command)
{
	cpu_fence(); /* WRMSR to an x2APIC register does not serialise earlier stores (pitfall 41) */
	if (apic_is_x2()) {
		wrmsr(MSR_X2APIC_ICR, (uint64_t)id << 32 | command);
		return;
	}
	apic_wait();
	uint32_t guest_destination = *apic_register(APIC_ICR_HIGH);

	*apic_register(APIC_ICR_HIGH) = id << 24;
	*apic_register(APIC_ICR_LOW) = command;
	apic_wait();
	*apic_register(APIC_ICR_HIGH) = guest_destination;
}

/* One NMI for each time that kicked rises: the target clears it when the NMI arrives, and looks at everything after that. */
void percpu_kick(struct percpu *other)
{
	if (__atomic_exchange_n(&other->kicked, 1, __ATOMIC_SEQ_CST) == 0)
		apic_send(other->apic_id, APIC_NMI);
}

/*
 * No wait may be for ever. A kick that does nothing for so long was lost by a reset, or the guest has changed the CPU's xAPIC id:
 * now all CPUs but this one get an NMI, whatever their ids are. They take it for a kick.
 */
static void kick_again(const struct percpu *cpu, uint64_t *when)
{
	uint64_t now = rdtsc();

	cpu_pause();
	if (*when != 0 && now >= *when) {
		for (uint32_t i = 0; i < hv.cpu_count; i++) {
			if (hv.cpu[i] != cpu)
				__atomic_store_n(&hv.cpu[i]->kicked, 1, __ATOMIC_SEQ_CST);
		}
		apic_send(0, APIC_NMI | APIC_ALL_OTHERS);
	}
	if (*when == 0 || now >= *when)
		*when = now + KICK_PATIENCE_US * hv.launch.tsc_khz / 1000;
}

static bool is_in_guest(const struct percpu *other)
{
	return __atomic_load_n(&other->in_guest, __ATOMIC_SEQ_CST) != 0;
}

void percpu_flush_ept(struct percpu *cpu)
{
	uint64_t generation = __atomic_add_fetch(&hv.generation, 1, __ATOMIC_SEQ_CST);

	for (uint32_t i = 0; i < hv.cpu_count; i++) {
		struct percpu *other = hv.cpu[i];

		if (other != cpu && is_in_guest(other) &&
		    __atomic_load_n(&other->seen_generation, __ATOMIC_SEQ_CST) < generation)
			percpu_kick(other);
	}
	for (uint32_t i = 0; i < hv.cpu_count; i++) {
		struct percpu *other = hv.cpu[i];
		uint64_t when = 0;

		while (other != cpu && is_in_guest(other) &&
		       __atomic_load_n(&other->seen_generation, __ATOMIC_SEQ_CST) < generation)
			kick_again(cpu, &when);
	}
}

void percpu_hold_begin(struct percpu *cpu)
{
	/* Who holds may need a CPU that is in root mode to restart it. */
	while (!lock_try(&hv.hold_lock)) {
		reset_help();
		cpu_pause();
	}
	__atomic_store_n(&hv.holder, cpu, __ATOMIC_SEQ_CST);
	__atomic_add_fetch(&hv.generation, 1, __ATOMIC_SEQ_CST);
	for (uint32_t i = 0; i < hv.cpu_count; i++) {
		if (hv.cpu[i] != cpu && is_in_guest(hv.cpu[i]))
			percpu_kick(hv.cpu[i]);
	}
	for (uint32_t i = 0; i < hv.cpu_count; i++) {
		uint64_t when = 0;

		while (hv.cpu[i] != cpu && is_in_guest(hv.cpu[i]))
			kick_again(cpu, &when);
	}
}

void percpu_hold_end(void)
{
	__atomic_store_n(&hv.holder, NULL, __ATOMIC_SEQ_CST);
	lock_release(&hv.hold_lock);
}

void delay_us(uint64_t us)
{
	uint64_t end = rdtsc() + us * hv.launch.tsc_khz / 1000;

	while (rdtsc() < end)
		cpu_pause();
}

int percpu_start(struct percpu *cpu, uint32_t timeout_us)
{
	uint32_t vector = hv.launch.trampoline >> RV_PAGE_SHIFT;

	ap_cpu = cpu;
	ap_stack = (uint64_t)(cpu->stack + HOST_STACK_BYTES);
	cpu->stage = STAGE_NONE;
	apic_send(cpu->apic_id, APIC_INIT);
	delay_us(200);
	for (int try = 0; try < 2; try++) {
		uint64_t end = rdtsc() + (uint64_t)timeout_us / 2 * hv.launch.tsc_khz / 1000;

		apic_send(cpu->apic_id, APIC_SIPI | vector);
		while (rdtsc() < end) {
			if (__atomic_load_n(&cpu->stage, __ATOMIC_ACQUIRE) != STAGE_NONE)
				return 0;
			cpu_pause();
		}
	}
	return -RV_ETIME;
}
