// SPDX-License-Identifier: GPL-2.0-only
/*
 * check.c - can this machine run Ravelin? First everything is read, then it is judged; the second part needs no machine.
 */
#include "ravelin.h"

#include <cpuid.h>
#include <dirent.h>
#include <fcntl.h>
#include <ravelin/vmx.h>
#include <ravelin/x86.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysinfo.h>
#include <unistd.h>

/* MSRs, Intel SDM vol. 3, appendix A; more of them in ravelin/vmx.h */

/* ---- reading ---- */

static bool msr_read(unsigned int cpu, uint32_t msr, uint64_t *value)
{
	char path[64];
	int file;
	bool ok;

	snprintf(path, sizeof(path), "/dev/cpu/%u/msr", cpu);
	file = open(path, O_RDONLY | O_CLOEXEC);
	if (file < 0)
		return false;
	ok = pread(file, value, sizeof(*value), msr) == (ssize_t)sizeof(*value);
	close(file);
	return ok;
}

static void msrs_read(struct ravelin_machine *m)
{
	uint64_t value;

	m->msrs = msr_read(0, MSR_FEATURE_CONTROL, &m->feature_control);
	if (!m->msrs)
		return;
	for (uint32_t i = 0; i <= MSR_VMX_LAST - MSR_VMX_BASIC; i++) {
		if (!msr_read(0, MSR_VMX_BASIC + i, &m->msr[i]))
			m->msr[i] = 0;
	}
	for (unsigned int cpu = 1; cpu < m->cpus; cpu++) {
		if (msr_read(cpu, MSR_FEATURE_CONTROL, &value) && value != m->feature_control) {
			m->msrs_differ = true;
			/* Locked without VMX on any CPU decides. */
			if ((value & FEATURE_CONTROL_LOCK) && !(value & FEATURE_CONTROL_VMX))
				m->feature_control = value;
		}
		for (uint32_t i = 0; i <= MSR_VMX_LAST - MSR_VMX_BASIC; i++) {
			if (msr_read(cpu, MSR_VMX_BASIC + i, &value) && value != m->msr[i])
				m->msrs_differ = true;
		}
	}
}

/** First line of a file, without its end; "" if it can't be read. */
static void line_read(const char *path, char *line, size_t size)
{
	FILE *file = fopen(path, "re");

	line[0] = '\0';
	if (!file)
		return;
	if (!fgets(line, (int)size, file))
		line[0] = '\0';
	fclose(file);
	line[strcspn(line, "\n")] = '\0';
}

static void cpuinfo_read(struct ravelin_machine *m)
{
	FILE *file = fopen("/proc/cpuinfo", "re");
	char line[8192];

	if (!file)
		return;
	while (fgets(line, sizeof(line), file)) {
		const char *colon = strchr(line, ':');

		if (strncmp(line, "vmx flags", 9) == 0 && colon) {
			snprintf(m->vmx_flags, sizeof(m->vmx_flags), "%.510s ", colon + 1);
			m->vmx_flags[strcspn(m->vmx_flags, "\n")] = ' ';
			break;
		}
	}
	fclose(file);
}

static void cpuid_read(struct ravelin_machine *m)
{
	uint32_t a, b, c, d;

	__cpuid(RV_CPUID_LEAF, a, b, c, d);
	m->ravelin_runs = a == RV_CPUID_SIGNATURE;
	__cpuid(0, a, b, c, d);
	m->intel = b == 0x756e6547 && d == 0x49656e69 && c == 0x6c65746e; /* GenuineIntel */
	__cpuid(1, a, b, c, d);
	m->vmx = c & (1u << 5);
	m->xsave = c & (1u << 26);
	m->hypervisor = c & (1u << 31);
	if (__get_cpuid(0x80000001, &a, &b, &c, &d)) {
		m->long_mode = d & (1u << 29);
		m->rdtscp = d & (1u << 27);
		m->nx = d & (1u << 20);
	}
	if (__get_cpuid_count(7, 0, &a, &b, &c, &d)) {
		m->invpcid = b & (1u << 10);
		m->waitpkg = c & (1u << 5);
	}
	if (__get_cpuid_count(0xd, 1, &a, &b, &c, &d))
		m->xsaves = a & (1u << 3);
}

void ravelin_check_read(struct ravelin_machine *machine)
{
	char line[256];
	struct sysinfo info;

	memset(machine, 0, sizeof(*machine));
	cpuid_read(machine);
	machine->cpus = (unsigned int)sysconf(_SC_NPROCESSORS_ONLN);
	msrs_read(machine);
	cpuinfo_read(machine);
	line_read("/sys/module/kvm_intel/refcnt", line, sizeof(line));
	machine->kvm_in_use = atoi(line) > 0;
	machine->dmar = access("/sys/firmware/acpi/tables/DMAR", F_OK) == 0;
	line_read("/sys/class/tpm/tpm0/tpm_version_major", line, sizeof(line));
	machine->tpm = atoi(line);
	if (machine->tpm == 0 && access("/sys/class/tpm/tpm0", F_OK) == 0)
		machine->tpm = 1;
	machine->cgroup2 = access("/sys/fs/cgroup/cgroup.controllers", F_OK) == 0 ||
			   access("/sys/fs/cgroup/unified/cgroup.controllers", F_OK) == 0;
	machine->module_loaded = access(RV_DEVICE, F_OK) == 0;
	if (sysinfo(&info) == 0)
		machine->memory_bytes = (uint64_t)info.totalram * info.mem_unit;
}

/* ---- judging ---- */

struct table {
	struct ravelin_check_row *row;
	unsigned int count;
	bool ready;
};

__attribute__((format(printf, 4, 5))) static void row_add(struct table *t, const char *name,
							  enum ravelin_check_result result, const char *why, ...)
{
	struct ravelin_check_row *row;
	va_list list;

	if (result == RAVELIN_CHECK_MISSING)
		t->ready = false;
	if (t->count == RAVELIN_CHECK_ROWS)
		return;
	row = &t->row[t->count++];
	row->name = name;
	row->result = result;
	va_start(list, why);
	vsnprintf(row->why, sizeof(row->why), why, list);
	va_end(list);
}

static uint64_t capability(const struct ravelin_machine *m, uint32_t msr)
{
	return m->msr[msr - MSR_VMX_BASIC];
}

/** A control that may be set to 1: bits 63:32 of its capability MSR. */
static bool control_allowed(const struct ravelin_machine *m, enum rv_vmx_word word, unsigned int bit)
{
	static const uint32_t msrs[RV_VMX_WORDS] = RV_VMX_WORD_MSRS;

	return capability(m, msrs[word]) >> (32 + bit) & 1;
}

static const struct {
	enum rv_vmx_word word;
	unsigned int bit;
	const char *name, *flag, *purpose;
} needs[] = {
#define NEED(word, bit, users, name, flag, purpose) {word, bit, name, flag, purpose},
    RV_VMX_CONTROLS(NEED)
#undef NEED
};

static bool has_flag(const char *flags, const char *flag)
{
	char word[40];

	snprintf(word, sizeof(word), " %s ", flag);
	return strstr(flags, word) != NULL;
}

static void judge_controls(struct table *t, const struct ravelin_machine *m)
{
	for (size_t i = 0; i < sizeof(needs) / sizeof(needs[0]); i++) {
		const char *from = "";
		bool ok;

		if (m->msrs) {
			ok = control_allowed(m, needs[i].word, needs[i].bit);
		} else if (needs[i].flag[0] != '\0' && m->vmx_flags[0] != '\0') {
			ok = has_flag(m->vmx_flags, needs[i].flag);
			from = " (by /proc/cpuinfo)";
		} else {
			continue;
		}
		row_add(t, needs[i].name, ok ? RAVELIN_CHECK_OK : RAVELIN_CHECK_MISSING, "%s%s", needs[i].purpose,
			from);
	}
	if (!m->msrs)
		row_add(t, "other VMX controls", RAVELIN_CHECK_UNKNOWN,
			"the capability MSRs can't be read; load the module msr (modprobe msr) and run this as root");
}

static void judge_instructions(struct table *t, const struct ravelin_machine *m)
{
	static const struct {
		const char *name;
		unsigned int bit;
	} instructions[] = {{"RDTSCP for the guest", 3},
			    {"INVPCID for the guest", 12},
			    {"XSAVES for the guest", 20},
			    {"TPAUSE for the guest", 26}};
	const bool has[] = {m->rdtscp, m->invpcid, m->xsaves, m->waitpkg};

	if (!m->msrs)
		return;
	for (size_t i = 0; i < sizeof(has) / sizeof(has[0]); i++) {
		if (!has[i])
			continue;
		if (control_allowed(m, RV_VMX_SECONDARY, instructions[i].bit))
			row_add(t, instructions[i].name, RAVELIN_CHECK_OK,
				"the CPU has it and VMX lets the guest use it");
		else
			row_add(t, instructions[i].name, RAVELIN_CHECK_OPTIONAL,
				"VMX can't let the guest use it: Ravelin hides it from CPUID");
	}
}

static void judge_ept(struct table *t, const struct ravelin_machine *m)
{
	static const struct {
		unsigned int bit;
		const char *name, *purpose;
	} ept[] = {
#define NEED(bit, name, purpose) {bit, name, purpose},
	    RV_VMX_EPT_NEEDS(NEED)
#undef NEED
	};
	uint64_t cap = capability(m, RV_MSR_VMX_EPT_VPID_CAP);

	if (!m->msrs)
		return;
	for (size_t i = 0; i < sizeof(ept) / sizeof(ept[0]); i++)
		row_add(t, ept[i].name, cap >> ept[i].bit & 1 ? RAVELIN_CHECK_OK : RAVELIN_CHECK_MISSING, "%s",
			ept[i].purpose);
	row_add(t, "EPT 1 GiB pages", cap >> 17 & 1 ? RAVELIN_CHECK_OK : RAVELIN_CHECK_OPTIONAL,
		"fewer TLB misses for the guest");
	row_add(t, "wait-for-SIPI",
		capability(m, RV_MSR_VMX_MISC) & RV_VMX_MISC_WAIT_FOR_SIPI ? RAVELIN_CHECK_OK : RAVELIN_CHECK_MISSING,
		"is the state in which further CPUs start");
}

static void judge_vmx(struct table *t, const struct ravelin_machine *m)
{
	bool locked_off = (m->feature_control & FEATURE_CONTROL_LOCK) && !(m->feature_control & FEATURE_CONTROL_VMX);

	row_add(t, "VMX", m->vmx ? RAVELIN_CHECK_OK : RAVELIN_CHECK_MISSING, "%s",
		m->vmx          ? "CPUID.1:ECX[5] is 1"
		: m->hypervisor ? "CPUID.1:ECX[5] is 0; this is a virtual machine: nested virtualisation is off"
				: "CPUID.1:ECX[5] is 0; Ravelin needs Intel VT-x");
	if (!m->vmx)
		return;
	row_add(t, "XSAVE", m->xsave ? RAVELIN_CHECK_OK : RAVELIN_CHECK_MISSING,
		"switches vector registers between the guest and a FIMCE");
	row_add(t, "NX", m->nx ? RAVELIN_CHECK_OK : RAVELIN_CHECK_MISSING, "%s",
		m->nx ? "keeps data from being executed; firmware that switches it off goes unseen: Linux undoes that"
		      : "CPUID.80000001:EDX[20] is 0; enable execute disable (XD, NX) in the firmware setup");
	if (!m->msrs)
		row_add(t, "VMX enabled", RAVELIN_CHECK_UNKNOWN,
			"IA32_FEATURE_CONTROL can't be read; load the module msr (modprobe msr)");
	else if (locked_off)
		row_add(t, "VMX enabled", RAVELIN_CHECK_MISSING,
			"locked off in IA32_FEATURE_CONTROL (0x%llx); enable VT-x in the firmware setup",
			(unsigned long long)m->feature_control);
	else
		row_add(t, "VMX enabled", RAVELIN_CHECK_OK, "IA32_FEATURE_CONTROL is 0x%llx",
			(unsigned long long)m->feature_control);
	judge_controls(t, m);
	judge_ept(t, m);
	judge_instructions(t, m);
	if (m->msrs_differ)
		row_add(t, "CPUs alike", RAVELIN_CHECK_MISSING, "the VMX capabilities differ from CPU to CPU");
	if (m->kvm_in_use)
		row_add(t, "VMX free", RAVELIN_CHECK_OPTIONAL,
			"kvm_intel runs virtual machines; Ravelin starts before Linux and hides VMX from it");
}

unsigned int ravelin_check_judge(const struct ravelin_machine *m, struct ravelin_check_row row[RAVELIN_CHECK_ROWS],
				 bool *ready)
{
	struct table t = {row, 0, true};

	row_add(&t, "Intel CPU", m->intel ? RAVELIN_CHECK_OK : RAVELIN_CHECK_MISSING,
		"Ravelin is written for Intel VMX");
	row_add(&t, "64-bit mode", m->long_mode ? RAVELIN_CHECK_OK : RAVELIN_CHECK_MISSING, "CPUID.80000001:EDX[29]");
	if (m->ravelin_runs)
		row_add(&t, "VMX", RAVELIN_CHECK_OK, "Ravelin runs here and uses it; the guest is not shown VMX");
	else
		judge_vmx(&t, m);
	row_add(&t, "CPUs", m->cpus >= 1 && m->cpus <= RV_MAX_CPUS ? RAVELIN_CHECK_OK : RAVELIN_CHECK_MISSING,
		"%u online, at most %u can be used", m->cpus, RV_MAX_CPUS);
	row_add(&t, "second core", m->cpus > 1 ? RAVELIN_CHECK_OK : RAVELIN_CHECK_OPTIONAL,
		"a FIMCE can have a core of its own; with one CPU it borrows that");
	row_add(&t, "memory", m->memory_bytes >= 256u << 20 ? RAVELIN_CHECK_OK : RAVELIN_CHECK_MISSING,
		"%llu MiB seen by Linux; pool and guest want 256 MiB", (unsigned long long)(m->memory_bytes >> 20));
	row_add(&t, "VT-d", m->dmar ? RAVELIN_CHECK_OK : RAVELIN_CHECK_OPTIONAL, "%s",
		m->dmar ? "ACPI table DMAR is there" : "no ACPI table DMAR: devices' DMA can't be confined");
	row_add(&t, "TPM", m->tpm == 2 ? RAVELIN_CHECK_OK : RAVELIN_CHECK_OPTIONAL, "%s",
		m->tpm == 2 ? "TPM 2.0 is there"
		: m->tpm    ? "a TPM, but not 2.0"
			    : "no TPM: what runs can't be proved to others");
	row_add(&t, "cgroup v2", m->cgroup2 ? RAVELIN_CHECK_OK : RAVELIN_CHECK_OPTIONAL,
		"freezes a process while it is updated");
	row_add(&t, "Ravelin", m->ravelin_runs ? RAVELIN_CHECK_OK : RAVELIN_CHECK_OPTIONAL, "%s",
		m->ravelin_runs ? "runs under this Linux" : "does not run at the moment");
	row_add(&t, "module ravelin", m->module_loaded ? RAVELIN_CHECK_OK : RAVELIN_CHECK_OPTIONAL, "%s",
		m->module_loaded ? RV_DEVICE " is there" : RV_DEVICE " is not there: modprobe ravelin");
	*ready = t.ready;
	return t.count;
}
