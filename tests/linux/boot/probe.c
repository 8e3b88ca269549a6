// SPDX-License-Identifier: GPL-2.0-only
/*
 * probe.c - what an unprivileged program of the guest sees of Ravelin and of VMX.
 *
 * Checks that Ravelin's own CPUID leaf and the information hypercall answer, that VMX is not announced, and that every
 * VMX instruction ends in an invalid-opcode exception. Runs on each CPU in turn.
 */
#include <cpuid.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <ravelin/abi.h>

static sigjmp_buf fault_return;

static void fault_catch(int signal_number)
{
	siglongjmp(fault_return, signal_number);
}

static unsigned failures;

static void report(bool passed, const char *name, const char *why)
{
	if (passed) {
		printf("PASS %s\n", name);
	} else {
		printf("FAIL %s: %s\n", name, why);
		failures++;
	}
}

#define VMX_INSTRUCTIONS(X)                                                                                            \
	X(vmxon, "vmxon %0")                                                                                           \
	X(vmclear, "vmclear %0")                                                                                       \
	X(vmptrld, "vmptrld %0")                                                                                       \
	X(vmptrst, "vmptrst %0")                                                                                       \
	X(vmread, "vmread %%rax, %0")                                                                                  \
	X(vmwrite, "vmwrite %0, %%rax")                                                                                \
	X(vmlaunch, "vmlaunch # %0")                                                                                   \
	X(vmresume, "vmresume # %0")                                                                                   \
	X(vmxoff, "vmxoff # %0")                                                                                       \
	X(invept, "invept %0, %%rax")                                                                                  \
	X(invvpid, "invvpid %0, %%rax")

#define DEFINE_CALL(name, text)                                                                                        \
	static void call_##name(void)                                                                                  \
	{                                                                                                              \
		static uint64_t operand[2];                                                                            \
		__asm__ volatile(text : "+m"(operand) : "a"(0ull) : "cc", "memory");                                   \
	}
VMX_INSTRUCTIONS(DEFINE_CALL)

static const struct {
	const char *name;
	void (*call)(void);
} vmx_instructions[] = {
#define LIST_CALL(name, text) {#name, call_##name},
    VMX_INSTRUCTIONS(LIST_CALL)};

/** Runs @call and returns the signal that it ended with, 0 if it went through. */
static int signal_of(void (*call)(void))
{
	int signal_number = sigsetjmp(fault_return, 1);

	if (signal_number == 0)
		call();
	return signal_number;
}

static uint64_t info_version;
static uint64_t info_features;

static void call_info(void)
{
	uint64_t result = RV_HC_INFO;
	uint64_t second = 0;

	__asm__ volatile("vmcall" : "+a"(result), "+d"(second) : : "cc", "memory");
	info_version = result;
	info_features = second;
}

static uint64_t refused_result;

static void call_privileged(void)
{
	uint64_t result = RV_HC_NULL;
	uint64_t second = 0;

	__asm__ volatile("vmcall" : "+a"(result), "+d"(second) : : "cc", "memory", "r8");
	refused_result = result;
}

static void probe_cpu(int cpu)
{
	char name[80];
	unsigned eax, ebx, ecx, edx;

	__cpuid(RV_CPUID_LEAF, eax, ebx, ecx, edx);
	snprintf(name, sizeof(name), "CPU %d: CPUID leaf of Ravelin", cpu);
	report(eax == RV_CPUID_SIGNATURE && ebx == RV_ABI_VERSION, name, "wrong signature or version: it does not run");

	snprintf(name, sizeof(name), "CPU %d: information hypercall", cpu);
	int signal_number = signal_of(call_info);
	report(signal_number == 0 && info_version == RV_ABI_VERSION && info_features == edx, name,
	       signal_number ? "VMCALL faults" : "version or features differ from CPUID's");

	snprintf(name, sizeof(name), "CPU %d: other hypercalls are refused to a program", cpu);
	signal_number = signal_of(call_privileged);
	report(signal_number == 0 && refused_result == (uint64_t)-RV_EPERM, name,
	       signal_number ? "VMCALL faults" : "the result is not -EPERM");

	__cpuid(1, eax, ebx, ecx, edx);
	snprintf(name, sizeof(name), "CPU %d: VMX is not announced", cpu);
	report((ecx & (1u << 5)) == 0, name, "CPUID.1:ECX.VMX is set");

	for (size_t i = 0; i < sizeof(vmx_instructions) / sizeof(vmx_instructions[0]); i++) {
		snprintf(name, sizeof(name), "CPU %d: %s is an invalid opcode", cpu, vmx_instructions[i].name);
		report(signal_of(vmx_instructions[i].call) == SIGILL, name, "no SIGILL");
	}
}

int main(void)
{
	static const int fault_signals[] = {SIGILL, SIGSEGV, SIGBUS, SIGTRAP};

	for (size_t i = 0; i < sizeof(fault_signals) / sizeof(fault_signals[0]); i++)
		signal(fault_signals[i], fault_catch);

	long count = sysconf(_SC_NPROCESSORS_ONLN);
	for (int cpu = 0; cpu < count; cpu++) {
		cpu_set_t set;

		CPU_ZERO(&set);
		CPU_SET((size_t)cpu, &set);
		if (sched_setaffinity(0, sizeof(set), &set) != 0) {
			char name[40];

			snprintf(name, sizeof(name), "CPU %d: run there", cpu);
			report(false, name, "sched_setaffinity failed");
			continue;
		}
		probe_cpu(cpu);
	}
	return failures ? EXIT_FAILURE : EXIT_SUCCESS;
}
