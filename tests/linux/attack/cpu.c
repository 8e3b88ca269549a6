// SPDX-License-Identifier: GPL-2.0-only
/*
 * cpu.c - attacks with instructions: VMX, its MSRs, hypercalls, interrupts.
 */
#include "attack.h"

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define RANDOM_CALLS 5000u
#define RANDOM_SEED 88172645463325252ull
#define PAGE 4096ull
#define MEMORY_BYTES (16 * PAGE)

#define STORM_ROUNDS 40u
#define STORM_EACH 25u

static const char *const instruction_name[ATTACK_INSTRUCTIONS] = {
    "VMXON",  "VMXOFF",  "VMCLEAR", "VMPTRLD", "VMPTRST", "VMLAUNCH", "VMRESUME",
    "VMREAD", "VMWRITE", "INVEPT",  "INVVPID", "VMFUNC",  "GETSEC",   "MOV to CR4 with VMXE"};

static sigjmp_buf trap_return;

static void trap_handler(int number)
{
	siglongjmp(trap_return, number);
}

#define CASE(number, text)                                                                                             \
	case number:                                                                                                   \
		__asm__ volatile(text : : "r"(&operand), "r"(0ul), "a"(0), "c"(0) : "memory", "cc");                   \
		break

/** The same from ring 3. @return the signal that came, or 0 */
static int program_execute(enum attack_instruction which)
{
	static uint64_t operand[2];
	int number = sigsetjmp(trap_return, 1);

	if (number != 0)
		return number;
	switch (which) {
		CASE(ATTACK_VMXON, "vmxon (%0)");
		CASE(ATTACK_VMXOFF, "vmxoff");
		CASE(ATTACK_VMCLEAR, "vmclear (%0)");
		CASE(ATTACK_VMPTRLD, "vmptrld (%0)");
		CASE(ATTACK_VMPTRST, "vmptrst (%0)");
		CASE(ATTACK_VMLAUNCH, "vmlaunch");
		CASE(ATTACK_VMRESUME, "vmresume");
		CASE(ATTACK_VMREAD, "vmread %1, (%0)");
		CASE(ATTACK_VMWRITE, "vmwrite (%0), %1");
		CASE(ATTACK_INVEPT, "invept (%0), %1");
		CASE(ATTACK_INVVPID, "invvpid (%0), %1");
		CASE(ATTACK_VMFUNC, ".byte 0x0f, 0x01, 0xd4");
		CASE(ATTACK_GETSEC, ".byte 0x0f, 0x37");
	default:
		break;
	}
	return 0;
}

static int msr_trap(struct attack *a, uint32_t msr, bool write, uint64_t *value)
{
	struct attack_msr m = {.msr = msr, .write = write, .value = *value};

	if (ioctl(a->device, ATTACK_MSR, &m) != 0)
		return ATTACK_NO_TRAP;
	*value = m.value;
	return m.trap;
}

void attack_instructions(struct attack *a)
{
	struct sigaction action = {.sa_handler = trap_handler};
	unsigned int kernel = 0, program = 0, read = 0, written = 0;
	uint64_t value;

	sigaction(SIGILL, &action, NULL);
	sigaction(SIGSEGV, &action, NULL);
	for (uint32_t i = 0; i < ATTACK_INSTRUCTIONS; i++) {
		struct attack_execute e = {.instruction = i};
		int want = i == ATTACK_SET_VMXE ? VECTOR_GP : VECTOR_UD;

		if (ioctl(a->device, ATTACK_EXECUTE, &e) == 0 && e.trap == want)
			kernel++;
		else
			printf("     %s: vector %d\n", instruction_name[i], e.trap);
		if (i == ATTACK_SET_VMXE || program_execute((enum attack_instruction)i) == SIGILL)
			program++;
		else
			printf("     %s in ring 3: let through or another signal\n", instruction_name[i]);
	}
	attack_report(kernel == ATTACK_INSTRUCTIONS, kernel, "the kernel executes VMX instructions and sets CR4.VMXE");
	attack_report(program == ATTACK_INSTRUCTIONS, program, "a program executes VMX instructions");

	for (uint32_t msr = MSR_VMX_BASIC; msr <= MSR_VMX_LAST; msr++) {
		value = 0;
		read += msr_trap(a, msr, false, &value) != VECTOR_GP;
		written += msr_trap(a, msr, true, &value) != VECTOR_GP;
	}
	attack_report(read == 0, read, "the kernel reads the VMX MSRs");
	attack_report(written == 0, written, "the kernel writes the VMX MSRs");
	attack_report(msr_trap(a, MSR_FEATURE_CONTROL, false, &value) == ATTACK_NO_TRAP && value == 1, (long long)value,
		      "IA32_FEATURE_CONTROL says: locked, without VMX");
	value = 5;
	attack_report(msr_trap(a, MSR_FEATURE_CONTROL, true, &value) == VECTOR_GP, 0,
		      "the kernel switches VMX on in IA32_FEATURE_CONTROL");
	value = 1;
	attack_report(msr_trap(a, MSR_SMM_MONITOR_CTL, true, &value) == VECTOR_GP, 0, "the kernel sets an SMM monitor");
	attack_log_count(a, RV_REASON_APIC_BASE, NULL);
	msr_trap(a, MSR_APIC_BASE, false, &value);
	value += PAGE * 16;
	attack_report(msr_trap(a, MSR_APIC_BASE, true, &value) == VECTOR_GP &&
			  attack_log_count(a, RV_REASON_APIC_BASE, NULL) == 1,
		      0, "the kernel moves its local APIC away");
}

/** VMCALL in ring 3. @return RAX */
static int64_t program_call(uint64_t number, uint64_t rdi, uint64_t rsi, uint64_t rdx, uint64_t *reason)
{
	register uint64_t r8 __asm__("r8") = 0;
	int64_t result = (int64_t)number;

	__asm__ volatile("vmcall" : "+a"(result), "+d"(rdx), "+r"(r8) : "D"(rdi), "S"(rsi) : "memory");
	*reason = rdx & 0xffffffff;
	return result;
}

static uint64_t random_state = RANDOM_SEED;

/** Marsaglia's xorshift: the same numbers every time. */
static uint64_t random_next(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return random_state;
}

/** A value that somebody who looks for a hole would try. */
static uint64_t random_argument(const struct attack *a, uint64_t own)
{
	switch (random_next() % 10) {
	case 0:
		return own;
	case 1:
		return own + random_next() % (MEMORY_BYTES / PAGE) * PAGE;
	case 2:
		return own + random_next() % MEMORY_BYTES;
	case 3:
		return a->pool + random_next() % a->pool_bytes / PAGE * PAGE;
	case 4:
		return a->pool - PAGE + random_next() % 3 * PAGE;
	case 5:
		return random_next() % 20;
	case 6:
		return ~0ull << random_next() % 64;
	case 7:
		return random_next();
	case 8:
		return 0xfee00000ull;
	default:
		return 0;
	}
}

/** Fills a page with a frame list that is wrong somewhere, or with nothing that makes sense. Only own pages are ever written to. */
static void random_page(const struct attack *a, uint8_t *page, uint64_t own)
{
	struct rv_frames *f = (struct rv_frames *)(void *)page;

	memset(page, 0, PAGE);
	switch (random_next() % 3) {
	case 0:
		f->count = (uint32_t)(random_next() % 4);
		f->bytes = (uint32_t)(random_next() % (5 * PAGE));
		for (uint32_t i = 0; i < 4; i++)
			f->frame[i] = random_next() % 2 ? own + (8 + i) * PAGE : a->pool + random_next() % 64 * PAGE;
		break;
	case 1:
		for (uint32_t i = 0; i < PAGE; i++)
			page[i] = (uint8_t)random_next();
		break;
	default: {
		struct rv_fimce_create *c = (struct rv_fimce_create *)(void *)page;

		c->size = sizeof(*c);
		c->input = random_argument(a, own);
		c->argument_offset = (uint32_t)random_argument(a, own);
		c->load_bytes = (uint32_t)(random_next() % 8 * PAGE);
		c->output_bytes = (uint32_t)(random_next() % 8 * PAGE);
		c->stack_bytes = (uint32_t)(random_next() % 8 * PAGE);
		c->budget_us = random_next() % 3;
		c->targets = random_argument(a, own);
		c->target_count = (uint32_t)(random_next() % 3);
	}
	}
}

/** A number to call. Linux is using CPU 1 itself: to have it taken away would end this guest, which is its own right, not a breach. */
static bool random_call_is_suicide(uint64_t number, uint64_t rdi)
{
	return number == RV_HC_CORE_TAKE && rdi == 1;
}

static void random_calls(struct attack *a)
{
	struct attack_memory m = {.bytes = MEMORY_BYTES};
	unsigned int odd = 0, good = 0;
	uint8_t *page;

	if (ioctl(a->device, ATTACK_MEMORY, &m) != 0) {
		attack_report(false, errno, "memory for random hypercalls");
		return;
	}
	page = mmap(NULL, MEMORY_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, a->device, (off_t)m.address);
	if (page == MAP_FAILED) {
		attack_report(false, errno, "memory for random hypercalls");
		return;
	}
	for (unsigned int i = 0; i < RANDOM_CALLS; i++) {
		uint64_t number = random_next() % 8 ? random_next() % (RV_HC_COUNT + 2) : random_next();
		uint64_t rdi = random_argument(a, m.address), rsi = random_argument(a, m.address);
		struct attack_call c;

		if (random_call_is_suicide(number, rdi))
			continue;
		random_page(a, page + random_next() % 8 * PAGE, m.address);
		c = attack_hypercall(a, number, rdi, rsi, random_argument(a, m.address));
		/* An answer is a small result, or an error with a reason. */
		if (c.trap != ATTACK_NO_TRAP || ((int64_t)c.rax < 0 && ((int64_t)c.rax < -200 || (uint32_t)c.rdx == 0)))
			odd++;
		good += (int64_t)c.rax >= 0;
	}
	/* What a random create has made. */
	for (uint64_t id = 1; id < 2ull * RV_MAX_FIMCES; id++)
		attack_hypercall(a, RV_HC_FIMCE_DESTROY, id, 0, 0);
	attack_report(odd == 0, odd, "%u random hypercalls from the kernel, of which %u were in order", RANDOM_CALLS,
		      good);
	munmap(page, MEMORY_BYTES);
}

void attack_hypercalls(struct attack *a)
{
	uint64_t reason = 0;
	unsigned int refused = 0;

	attack_report(program_call(RV_HC_INFO, 0, 0, 0, &reason) == RV_ABI_VERSION, 0,
		      "a program may ask for the version, as documented");
	for (uint64_t number = 1; number < RV_HC_COUNT + 2; number++)
		refused += program_call(number, a->pool, 0, 0, &reason) == -RV_EPERM && reason == RV_REASON_HC_CPL;
	attack_report(refused == RV_HC_COUNT + 1, refused, "a program makes every other hypercall");
	random_calls(a);
}

/** @return the FIMCE's state when it was over, its output in @output */
static uint32_t storm_run(struct attack *a, uint32_t apic_id, const uint8_t *input, size_t bytes, uint8_t *output,
			  unsigned int *sent)
{
	struct rv_fimce_status status = {0};
	struct attack_ipi ipi[] = {{apic_id, APIC_NMI, 1, STORM_EACH},
				   {apic_id, APIC_FIXED | 0x20, 0xe0, STORM_EACH},
				   {apic_id, APIC_INIT, 1, 1},
				   {apic_id, APIC_SIPI | 0x99, 1, 2}};
	uint32_t id;

	if (ravelin_fimce_create(a->ravelin, a->image, a->image_bytes, input, bytes, &id))
		return RV_FIMCE_EMPTY;
	if (ravelin_fimce_run(a->ravelin, id, 1) == RV_FIMCE_RUNNING) {
		for (unsigned int i = 0; i < STORM_ROUNDS; i++) {
			if (ravelin_fimce_status(a->ravelin, id, &status) || status.state != RV_FIMCE_RUNNING)
				break;
			for (size_t k = 0; k < sizeof(ipi) / sizeof(ipi[0]); k++) {
				if (ioctl(a->device, ATTACK_IPI, &ipi[k]) == 0)
					*sent += ipi[k].count;
			}
		}
		ravelin_fimce_wait(a->ravelin, id, 60000, &status);
	}
	if (status.state == RV_FIMCE_DONE)
		ravelin_fimce_output(a->ravelin, id, 0, output, RV_DIGEST_SIZE);
	ravelin_fimce_destroy(a->ravelin, id);
	return status.state;
}

void attack_storm(struct attack *a)
{
	/* Long enough that the storm meets it. */
	const size_t bytes = 400000;
	uint8_t *input = calloc(1, bytes), want[RV_DIGEST_SIZE] = {0}, got[RV_DIGEST_SIZE] = {1};
	struct rv_stat stat;
	unsigned int sent = 0;
	uint32_t id, state;
	int cpu, error;

	if (!input || ravelin_fimce_create(a->ravelin, a->image, a->image_bytes, input, bytes, &id) ||
	    ravelin_fimce_run(a->ravelin, id, RV_RUN_HERE) != RV_FIMCE_DONE ||
	    ravelin_fimce_output(a->ravelin, id, 0, want, sizeof(want)) != (int)sizeof(want)) {
		attack_report(false, 0, "a FIMCE that is left alone computes a digest");
		free(input);
		return;
	}
	ravelin_fimce_destroy(a->ravelin, id);
	if (ravelin_stat(a->ravelin, 1, &stat, &cpu) || cpu != 1) {
		attack_report(false, cpu, "Ravelin's CPU 1 is Linux' CPU 1");
		free(input);
		return;
	}
	error = ravelin_core_take(a->ravelin, 1);
	if (error > 0)
		state = storm_run(a, stat.apic_id, input, bytes, got, &sent);
	else
		state = RV_FIMCE_EMPTY;
	attack_report(sent > 100 && state == RV_FIMCE_DONE && memcmp(got, want, sizeof(want)) == 0, state,
		      "%u NMIs, INITs, SIPIs and interrupts at a FIMCE's CPU: its result is right", sent);
	error = error > 0 ? ravelin_core_give(a->ravelin, 1) : error;
	attack_report(error > 0, error, "the CPU comes back to Linux after that");
	if (error > 0) {
		attack_pin(1);
		attack_report(attack_fimce_is_right(a), 0, "and works there");
		attack_pin(0);
	}
	free(input);
}
