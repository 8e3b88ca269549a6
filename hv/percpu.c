/* SPDX-License-Identifier: GPL-2.0-only */
/* percpu.c - see percpu.h. */
#include <hv/percpu.h>
#include <hv/reset.h>

#define APIC_LDR 0xd0
#define SVR_ENABLE (1u << 8)
#define APIC_ISR_LAST 0x170 /* vectors 0xe0 to 0xff */
#define ISR_CLASS_F 0xffff0000u
#define MSR_X2APIC(offset) (0x800u + (offset) / 16)
#define KICK_PATIENCE_US 100000u

extern struct percpu *ap_cpu; /* entry.S */
extern uint8_t *ap_stack;

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

static bool is_behind(const struct percpu *other, uint64_t generation)
{
	return __atomic_load_n(&other->in_guest, __ATOMIC_SEQ_CST) != 0 &&
	       __atomic_load_n(&other->seen_generation, __ATOMIC_SEQ_CST) < generation;
}

void percpu_flush_ept(struct percpu *cpu)
{
	uint64_t generation = __atomic_add_fetch(&hv.generation, 1, __ATOMIC_SEQ_CST);

	for (uint32_t i = 0; i < hv.cpu_count; i++) {
		if (hv.cpu[i] != cpu && is_behind(hv.cpu[i], generation))
			percpu_kick(hv.cpu[i]);
	}
	for (uint32_t i = 0; i < hv.cpu_count; i++) {
		uint64_t when = 0;

		while (hv.cpu[i] != cpu && is_behind(hv.cpu[i], generation))
			kick_again(cpu, &when);
	}
}

void percpu_hold_begin(struct percpu *cpu)
{
	struct percpu *nobody = NULL;

	/* Who holds may need a CPU that is in root mode to restart it. */
	while (!__atomic_compare_exchange_n(&hv.holder, &nobody, cpu, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST)) {
		nobody = NULL;
		reset_help();
		cpu_pause();
	}
	/* A CPU that has seen the generation that follows sees the holder before it enters its guest (exits.c). */
	percpu_flush_ept(cpu);
}

void percpu_hold_end(void)
{
	__atomic_store_n(&hv.holder, NULL, __ATOMIC_SEQ_CST);
}

void delay_us(uint64_t us)
{
	uint64_t end = rdtsc() + us * hv.launch.tsc_khz / 1000;

	while (rdtsc() < end)
		cpu_pause();
}

int percpu_sipi(struct percpu *cpu, uint8_t *stack_top, uint32_t tries, uint64_t us)
{
	ap_cpu = cpu;
	ap_stack = stack_top;
	for (uint32_t try = 0; try < tries; try++) {
		uint64_t end = rdtsc() + us * hv.launch.tsc_khz / 1000;

		apic_send(cpu->apic_id, APIC_SIPI | hv.launch.trampoline >> RV_PAGE_SHIFT);
		while (rdtsc() < end) {
			if (__atomic_load_n(&cpu->stage, __ATOMIC_ACQUIRE) != STAGE_NONE)
				return 0;
			cpu_pause();
		}
	}
	return -RV_ETIME;
}

int percpu_start(struct percpu *cpu, uint32_t timeout_us)
{
	cpu->stage = STAGE_NONE;
	apic_send(cpu->apic_id, APIC_INIT);
	delay_us(200);
	return percpu_sipi(cpu, cpu->stack + HOST_STACK_BYTES, 2, timeout_us / 2);
}
