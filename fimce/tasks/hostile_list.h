/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * hostile_list.h - everything that the hostile task tries, and what must happen.
 *
 * X(name, function, expected, sentence). The task's argument is the name.
 * Expected is a list, separated by commas, of the ends that are right (which one may depend on the CPU):
 *
 *     exception:V   DEAD, RV_CAUSE_EXCEPTION, vector V
 *     breach:R      DEAD, RV_CAUSE_BREACH, basic exit reason R (Intel SDM vol. 3, appendix C)
 *     protocol:N    DEAD, RV_CAUSE_PROTOCOL, VMCALL number N
 *     refused       DEAD, RV_CAUSE_REFUSED
 *     watchdog      DEAD, RV_CAUSE_WATCHDOG
 *     done:V        DONE with result V: allowed, and harmless to everyone else
 *
 * In every case the guest goes on as if nothing had happened. An attempt that gets through returns HOSTILE_SURVIVED,
 * which no line expects.
 */
#ifndef HOSTILE_LIST_H
#define HOSTILE_LIST_H

#define HOSTILE_SURVIVED 0x7e57bad
#define HOSTILE_UNKNOWN (-22)

/* clang-format off */
#define HOSTILE_LIST(X) \
	/* control, debug and model-specific registers */ \
	X("write-cr3", hostile_write_cr3, "breach:28", "load another page table") \
	X("read-cr3", hostile_read_cr3, "breach:28", "learn the physical address of its page table") \
	X("clear-cr0-wp", hostile_clear_cr0_wp, "breach:28", "write to read-only pages") \
	X("clear-cr0-pg", hostile_clear_cr0_pg, "breach:28,exception:13", "switch paging off") \
	X("set-cr4", hostile_set_cr4, "breach:28", "toggle CR4.PGE") \
	X("set-cr4-vmxe", hostile_toggle_cr4_vmxe, "breach:28,exception:13", "toggle CR4.VMXE") \
	X("write-cr8", hostile_write_cr8, "breach:28", "open the task priority, which holds back the guest's interrupts") \
	X("write-dr7", hostile_write_dr7, "breach:29", "set a breakpoint that outlives it") \
	X("xsetbv", hostile_xsetbv, "breach:55,exception:6", "change XCR0 of the core") \
	X("rdmsr", hostile_rdmsr, "breach:31", "read EFER") \
	X("wrmsr", hostile_wrmsr, "breach:32", "write EFER") \
	X("wrmsr-apic-base", hostile_wrmsr_apic_base, "breach:32", "move the local APIC") \
	X("rdpmc", hostile_rdpmc, "breach:15,exception:13", "read a performance counter") \
	/* memory that is not its own */ \
	X("read-page-table", hostile_read_page_table, "exception:14", "read its page table through every self-map slot") \
	X("write-page-table", hostile_write_page_table, "exception:14", "write the last self-map slot") \
	X("read-physical", hostile_read_physical, "exception:14", "read guest memory: physical 1 MiB as an address") \
	X("write-physical", hostile_write_physical, "exception:14", "write guest memory") \
	X("read-null", hostile_read_null, "exception:14", "read page 0") \
	X("read-hypervisor", hostile_read_hypervisor, "exception:14", "read the hypervisor where root mode maps it") \
	X("read-linux", hostile_read_linux, "exception:14", "read where Linux maps all memory") \
	X("read-noncanonical", hostile_read_noncanonical, "exception:13", "read a non-canonical address") \
	X("write-manager-text", hostile_write_manager_text, "exception:14", "change the manager that all FIMCEs share") \
	X("write-manager-idt", hostile_write_manager_idt, "exception:14", "change the interrupt table that all share") \
	X("write-param", hostile_write_param, "exception:14", "change its parameters") \
	X("write-input", hostile_write_input, "exception:14", "change its measured input") \
	X("write-text", hostile_write_text, "exception:14", "change its own code") \
	X("write-rodata", hostile_write_rodata, "exception:14", "change its own read-only data") \
	X("past-output", hostile_past_output, "exception:14", "write behind the output buffer") \
	X("past-mailbox", hostile_past_mailbox, "exception:14", "write behind the mailbox") \
	X("stack-overflow", hostile_stack_overflow, "exception:14", "recurse into the guard page") \
	/* code from where none may run */ \
	X("exec-data", hostile_exec_data, "exception:14", "jump into its data") \
	X("exec-stack", hostile_exec_stack, "exception:14", "jump into its stack") \
	X("exec-output", hostile_exec_output, "exception:14", "jump into the output buffer") \
	X("exec-mailbox", hostile_exec_mailbox, "exception:14", "jump into the mailbox") \
	X("exec-physical", hostile_exec_physical, "exception:14", "jump to physical 1 MiB") \
	/* interrupts */ \
	X("ipi-xapic", hostile_ipi_xapic, "exception:14", "send INIT to all others through the APIC page") \
	X("ipi-x2apic", hostile_ipi_x2apic, "breach:32", "send INIT to all others through MSR 0x830") \
	X("sti-wait", hostile_sti_wait, "done:0", "switch interrupts on and wait: the guest must not lose one") \
	X("cli-loop", hostile_cli_loop, "watchdog", "switch interrupts off and loop") \
	X("hlt", hostile_hlt, "breach:12", "halt the core") \
	X("mwait", hostile_mwait, "breach:36,breach:39,exception:6", "halt the core in another way") \
	X("int-32", hostile_int_32, "done:0", "call an empty interrupt handler") \
	X("int-2", hostile_int_2, "breach:12", "call the handler of an exception: it halts") \
	/* ports */ \
	X("port-in", hostile_port_in, "breach:30", "read the keyboard controller") \
	X("port-out", hostile_port_out, "breach:30", "reset the machine through port 0xcf9") \
	X("port-doorbell", hostile_port_doorbell, "breach:30", "ring the doorbell, port 0xb2") \
	X("port-string", hostile_port_string, "breach:30", "OUTS to a port") \
	/* descriptor tables and system instructions */ \
	X("lgdt", hostile_lgdt, "breach:46", "load a descriptor table of its own") \
	X("lidt", hostile_lidt, "breach:46", "load an interrupt table of its own") \
	X("sgdt", hostile_sgdt, "breach:46,done:0", "learn where the descriptor table is") \
	X("lldt", hostile_lldt, "breach:47", "load a local descriptor table") \
	X("ltr", hostile_ltr, "breach:47", "load the task register") \
	X("load-segment", hostile_load_segment, "exception:13", "load a segment beyond the table") \
	X("iret-user", hostile_iret_user, "exception:13", "leave ring 0") \
	X("cpuid", hostile_cpuid, "breach:10", "CPUID") \
	X("invd", hostile_invd, "breach:13", "drop the caches") \
	X("wbinvd", hostile_wbinvd, "breach:54,done:0", "write back the caches") \
	X("invlpg", hostile_invlpg, "breach:14,done:0", "drop a translation of its own") \
	X("rdtsc", hostile_rdtsc, "breach:16,done:0", "read the time") \
	X("swapgs", hostile_swapgs, "done:0", "leave garbage in KERNEL_GS_BASE: the guest must get its own back") \
	X("fpu-garbage", hostile_fpu_garbage, "done:0", "leave garbage in all FPU and SSE registers: as above") \
	X("syscall", hostile_syscall, "exception:6,exception:14", "enter what LSTAR names") \
	X("sysenter", hostile_sysenter, "exception:13,exception:14", "enter what SYSENTER_EIP names") \
	X("getsec", hostile_getsec, "exception:6,breach:11", "GETSEC") \
	X("rsm", hostile_rsm, "exception:6", "leave SMM without being there") \
	/* VMX */ \
	X("vmxoff", hostile_vmxoff, "breach:26", "VMXOFF") \
	X("vmread", hostile_vmread, "breach:23", "VMREAD") \
	X("vmlaunch", hostile_vmlaunch, "breach:20", "VMLAUNCH") \
	X("vmfunc", hostile_vmfunc, "breach:59,exception:6", "VMFUNC: switch an EPT that it does not have") \
	X("vmcall-measured", hostile_vmcall_measured, "protocol:1", "ask for other mappings after it was sealed") \
	X("vmcall-yield", hostile_vmcall_yield, "protocol:2", "yield without a target") \
	X("vmcall-refuse", hostile_vmcall_refuse, "refused,protocol:4", "play the manager that refuses") \
	X("vmcall-unknown", hostile_vmcall_unknown, "protocol:99", "an unknown number") \
	X("vmcall-guest", hostile_vmcall_guest, "protocol:4294967295", "a huge number") \
	X("vmcall-log", hostile_vmcall_log, "done:0", "log 4 GiB of text") \
	X("vmcall-flood", hostile_vmcall_flood, "watchdog", "spend the time in root mode, where the timer stands still") \
	X("vmcall-exit", hostile_vmcall_exit, "done:0,protocol:3", "claim 4 GiB of output") \
	/* faults */ \
	X("divide", hostile_divide, "exception:0", "divide by zero") \
	X("int1", hostile_int1, "exception:1", "INT1") \
	X("int3", hostile_int3, "exception:3", "INT3") \
	X("single-step", hostile_single_step, "exception:1", "set the trap flag") \
	X("ud2", hostile_ud2, "exception:6", "invalid instruction") \
	X("simd", hostile_simd, "exception:19", "SSE exception with all masks off") \
	X("stack-garbage", hostile_stack_garbage, "exception:14,exception:12", "fault without a stack") \
	X("spin", hostile_spin, "watchdog", "loop for ever") \
	X("nothing", hostile_nothing, "done:0", "be good: the other lines mean something")
/* clang-format on */

#endif
