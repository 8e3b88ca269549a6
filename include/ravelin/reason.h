/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * reason.h - every reason that Ravelin gives, in one list.
 *
 * X(id, NAME, "sentence"). In a sentence a mark and a digit stand for value[0..4] of the log record; digit 0 for the single value that comes with
 * a refusal. The marks:
 *     $ hexadecimal   # decimal   ! a result: negative errno or number
 *     @ enum rv_fimce_cause   % enum rv_fimce_state   & enum rv_update_state
 * Sentences of the launch use only $ and #, those with which the hypervisor stops only $: boot stub and hypervisor print no other.
 * Ids are stable: new ones are added at the end of their group, none is used twice.
 */
#ifndef RAVELIN_REASON_H
#define RAVELIN_REASON_H

#define RV_REASON_MARKS "$#!@%&"

/* clang-format off */
#define RV_REASONS(X) \
	X(0, NONE, "no reason given") \
	/* launch */ \
	X(1, LAUNCH_OK, "Ravelin took over this CPU: #0 CPUs, pool at $1, #2 bytes") \
	X(2, LAUNCH_ARGUMENT, "the launch structure is malformed: field at offset $0; build front end and hypervisor from the same tree") \
	X(3, NO_VMX, "the CPU has no VMX (CPUID.1:ECX[5] is 0); Ravelin needs an Intel CPU with VT-x, or nested virtualisation enabled") \
	X(4, VMX_LOCKED, "VMX is switched off and locked in IA32_FEATURE_CONTROL ($0); enable VT-x in the firmware setup") \
	X(5, VMX_IN_USE, "CR4.VMXE is already set: another hypervisor (kvm_intel?) runs on this CPU; unload it first") \
	X(6, VMX_CONTROL, "the CPU lacks a VMX control that Ravelin needs: MSR $0, missing bits $1") \
	X(7, EPT_MISSING, "the CPU's EPT lacks what Ravelin needs: IA32_VMX_EPT_VPID_CAP is $0") \
	X(8, VMXON_FAILED, "VMXON failed on this CPU") \
	X(9, VMCS_FAILED, "writing VMCS field $0 failed, VM-instruction error $1") \
	X(10, VMLAUNCH_FAILED, "the first VM entry failed: exit reason or VM-instruction error $0") \
	X(11, AP_TIMEOUT, "CPU with APIC id $0 did not start within the time limit") \
	X(12, POOL_SMALL, "the pool is too small: $0 bytes are needed; give pool=SIZE a larger value") \
	X(13, POOL_ALIGN, "the pool must be 2 MiB aligned, below 4 GiB and inside RAM: base $0") \
	X(14, CPU_FIXED_BITS, "CR0 or CR4 has bits that VMX does not allow: $0") \
	X(15, NO_XSAVE, "the CPU has no XSAVE (CPUID.1:ECX[26] is 0); Ravelin needs it to switch vector registers") \
	X(16, NO_WAIT_FOR_SIPI, "a guest CPU cannot wait for its start signal (IA32_VMX_MISC is $0, bit 8 is 0); on a virtual machine, update the hypervisor below") \
	X(17, NO_NX, "the CPU has no NX (CPUID.80000001:EDX[20] is 0); switch it on in the firmware setup (execute disable, XD, NX)") \
	/* guest */ \
	X(20, HIDDEN_TOUCH, "the guest touched hidden memory at $0 (access $1, RIP $2) and got #GP") \
	X(21, ISOLATED_TOUCH, "the guest touched isolated target memory at $0 (RIP $1) and waited for the end of the isolation") \
	X(22, MSR_REFUSED, "the guest wrote MSR $0 with value $1 (RIP $2): refused") \
	X(23, TEXT_WRITTEN, "the guest wrote to page $0 of an update target after prepare (RIP $1): the update is stale") \
	X(24, GUEST_SHUTDOWN, "the guest shut down by a triple fault at RIP $0: the machine is reset") \
	X(25, BAD_EXIT, "unexpected VM exit: reason $0, qualification $1, RIP $2") \
	X(26, ENTRY_FAILED, "VM entry failed: reason $0, qualification $1, RIP $2") \
	X(27, INIT_QUIRK, "INITs in a row: CPU $0 left VMX to have a pending one reset it (1: it did, an emulator quirk; 2: none was pending; 0: not tried, no other CPU could help): $1") \
	X(28, APIC_BASE, "the guest tried to move its local APIC to $0: refused") \
	X(29, ROOT_EXCEPTION, "exception $0 in root mode at $1, CR2 $2") \
	/* hypercalls */ \
	X(40, HC_NUMBER, "unknown hypercall #0") \
	X(41, HC_CPL, "hypercall from CPL #0: only RV_HC_INFO is allowed outside the kernel") \
	X(42, HC_FRAMES_ADDRESS, "the frame list or argument page at $0 is not a page-aligned page of guest RAM") \
	X(43, HC_FRAMES_COUNT, "a frame list holds 1 to 511 frames and no more bytes than they have room for: #0") \
	X(44, HC_FRAME, "frame $0 is not a page of guest RAM") \
	X(45, HC_BUFFER_SMALL, "the buffer is too small: #0 bytes are needed") \
	X(46, HC_CPU, "there is no CPU with index #0, or it is not in the state for this call") \
	X(47, HC_ARGUMENT, "argument out of range: $0") \
	X(48, HC_MODE, "hypercalls need 64-bit mode") \
	/* partition table */ \
	X(60, PARTITION_FULL, "the partition table is full: #0 rows") \
	X(61, PARTITION_OWNER, "page $0 does not belong to the guest, or is already lent out") \
	X(62, POOL_EMPTY, "the pool has no run of #0 free pages; end a FIMCE or boot with a larger pool=") \
	X(63, TABLE_PAGES, "no page is left for page tables at $0") \
	X(64, AUDIT_EPT, "audit: the EPT grants $0 (entry $1) and no row does") \
	X(65, AUDIT_FIMCE, "audit: the page table of FIMCE #0 grants $1 (entry $2) and no row does") \
	X(66, AUDIT_VMCS, "audit: the VMCS of a CPU, or a bitmap that it names, is not as set: field $0 is $1") \
	/* FIMCE */ \
	X(80, FIMCE_SLOTS, "all #0 FIMCE slots are in use; destroy one first") \
	X(81, FIMCE_ID, "there is no FIMCE with id #0") \
	X(82, FIMCE_STATE, "the FIMCE is in state %0, which does not allow this call") \
	X(83, FIMCE_SIZE, "a size in the create call is out of range or not a multiple of 4096: $0") \
	X(84, FIMCE_TARGET, "target page entry #0 is malformed, a duplicate, or not in order of address") \
	X(85, FIMCE_SEGMENT, "the manager asked for segment #0, which is outside the load area or both writable and executable") \
	X(86, FIMCE_CAPABILITY, "an unsigned image asked for capabilities $0") \
	X(87, FIMCE_DIED, "FIMCE #0 died: cause @1, detail $2, value $3, RIP $4") \
	X(88, FIMCE_TEXT, "FIMCE: ") \
	X(89, FIMCE_DONE, "FIMCE #0 is done: result !1, output bytes #2") \
	X(90, CORE_BUSY, "CPU #0 is not free: it runs the guest or a FIMCE") \
	X(91, CORE_TAKEN, "CPU #0 left the guest") \
	X(92, CORE_GIVEN, "CPU #0 waits for the guest's SIPI") \
	X(93, MANAGER_DIED, "the manager died while it extended the journal's hash chain, cause @0") \
	X(94, AGENT_DIED, "the part of Ravelin that runs without privilege (the agent) died, cause @0; please report it") \
	/* image and manifest, given by the manager */ \
	X(100, IMAGE_SHORT, "the image is shorter than its header: #0 bytes") \
	X(101, IMAGE_MAGIC, "this is not a FIMCE image: magic $0") \
	X(102, IMAGE_VERSION, "image version #0 is unknown") \
	X(103, IMAGE_FIELD, "the image header is malformed: field at offset $0") \
	X(104, IMAGE_SEGMENT, "segment #0 of the image is malformed, overlaps another, or is both writable and executable") \
	X(105, IMAGE_MEMORY, "the image needs other memory sizes than the create call gave: field at offset $0") \
	X(106, IMAGE_ENTRY, "the entry point $0 is not in an executable segment") \
	X(107, SUIT_CBOR, "the envelope is not well-formed CBOR at offset $0") \
	X(108, SUIT_UNKNOWN, "the manifest uses an element that this profile does not know: key $0") \
	X(109, SUIT_MISSING, "the manifest lacks a required element: key $0") \
	X(110, SUIT_VERSION, "manifest version $0 is unknown") \
	X(111, SUIT_DIGEST, "the digest of the manifest in the authentication wrapper does not match the manifest") \
	X(112, SUIT_SIGNATURE, "the signature of the manifest is wrong") \
	X(113, SUIT_KEY, "the manifest is signed by a key that is not the trust anchor") \
	X(114, SUIT_NO_ANCHOR, "Ravelin was started without trust=: nothing signed can be accepted") \
	X(115, SUIT_PAYLOAD, "the payload does not have the digest that the manifest names") \
	X(116, SUIT_VENDOR, "vendor or class identifier is not ours") \
	X(117, SUIT_COMPONENT, "the component identifier does not name the image's target") \
	X(118, SUIT_ALGORITHM, "algorithm $0 is not allowed; only ES256 and SHA-256 are") \
	X(119, IMAGE_BUDGET, "the create call gives a run time of #0 us, which is more than the signed image asks for") \
	/* update */ \
	X(130, UPDATE_OLD_CONTENT, "the target does not hold the expected old code at $0: another version runs, or it was changed") \
	X(131, UPDATE_SEQUENCE, "sequence number #0 is not above the one already applied") \
	X(132, UPDATE_SELF_CHECK, "the update's own self-check failed with !0; every byte is as before") \
	X(133, UPDATE_STALE, "the guest changed the target's code between prepare and freeze; prepare again") \
	X(134, UPDATE_STATE, "the update is in state &0, which does not allow this call") \
	X(135, UPDATE_DIED, "the update task died while it held the target, cause @0; every byte is as before") \
	X(136, UPDATE_EXPIRED, "no health confirmation in time: update rolled back by Ravelin") \
	X(137, UPDATE_APPLIED, "update of FIMCE #0 applied: #1 pages, sequence #2") \
	X(138, UPDATE_CONFIRMED, "update of FIMCE #0 confirmed, sequence #2") \
	X(139, UPDATE_ROLLED_BACK, "update of FIMCE #0 rolled back: #1 pages restored") \
	X(140, UPDATE_MAPPING, "the update needs target page $0, which is not in the list of target pages") \
	X(141, UPDATE_TARGET, "an image that updates a target needs target pages, and only such an image may have them") \
	X(142, UPDATE_AFTER, "the target does not have the content that the manifest names after the update: range #0") \
	X(143, UPDATE_CODE, "the update code refused with !0") \
	X(144, JOURNAL_FULL, "the update journal is full (#0 records): no update until the next boot") \
	X(145, UPDATE_REVERT, "the update's own way back failed, cause @0; the target still runs the new version") \
	X(146, UPDATE_THREAD, "a thread of the target stands at $0, inside code that the update takes out of use; every byte is as before") \
	X(147, UPDATE_THREADS, "the list of the target's threads can't be right: it has $0") \
	X(148, UPDATE_NOT_READY, "the update task ended before it was ready, cause @0 (none: by itself)") \
	X(149, UPDATE_WITHDRAWN, "the guest destroyed the prepared update of FIMCE #0") \
	X(150, UPDATE_OVERDUE, "no health confirmation in time: the update changed data, so new code and data stay until the guest freezes the target and asks for the rollback") \
	X(151, UPDATE_ABANDONED, "the update of FIMCE #0 was given up after its own way back failed: whoever runs the target runs the new version") \
	/* 152 was given until sequence numbers followed from the journal */ \
	/* Linux module; #0 is the value in decimal */ \
	X(160, DRIVER_ARGUMENT, "the argument of the ioctl is malformed: field at offset #0") \
	X(161, DRIVER_TARGET, "there is no process #0 with memory of its own") \
	X(162, DRIVER_BIAS, "the target's executable is not an ELF file whose load address can be told") \
	X(163, DRIVER_RANGE, "the target has no private mapping of its own executable at $0") \
	X(164, DRIVER_FRESH, "the target uses the address that the update needs for new memory: $0") \
	X(165, DRIVER_PIN, "the target's page at $0 cannot be pinned") \
	X(166, DRIVER_PAGES, "the update needs more pages of the target than a FIMCE may have: #0") \
	X(167, DRIVER_NOT_FROZEN, "thread #0 of the target is not frozen") \
	X(168, DRIVER_STACK, "thread #0 of the target is inside code that is to be replaced") \
	X(169, DRIVER_REMAPPED, "the target's page at $0 is no longer the one that was prepared; prepare again") \
	X(170, DRIVER_HEAP, "the target's heap got other pages since prepare, first at $0; prepare again") \
	X(171, DRIVER_GONE, "the target process #0 has ended or called exec") \
	X(172, DRIVER_SHARED, "process #0 shares the target's memory and can't be frozen with it") \
	X(173, DRIVER_CPU_ZERO, "CPU #0 can't be given away: Linux needs it") \
	X(174, DRIVER_HOTPLUG, "Linux could not take CPU #0 offline or online") \
	X(175, DRIVER_CPU, "CPU #0 is not known to Ravelin, or not in the state for this call") \
	X(176, DRIVER_THREADS, "the target has #0 threads, more than an update can look at") \
	X(177, DRIVER_SIGNAL_STACK, "thread #0 of the target handles a signal on a stack of its own: what it interrupted can't be looked at") \
	X(178, DRIVER_DEEP, "thread #0 of the target has more than 8 MiB above its stack pointer, which is more than is looked at") \
	X(179, DRIVER_DEVICE, "grant #0: a Linux driver has this device, or there is none; unbind the driver first") \
	/* devices of FIMCEs; device: as below */ \
	X(180, DEVICE_GRANT, "grant #0 is malformed, or overlaps another") \
	X(181, DEVICE_NO_UNIT, "a PCI function can only be given away where a VT-d unit guards its DMA") \
	X(182, DEVICE_ID, "there is no such PCI function, or its vendor and device id are not those of the grant: $0") \
	X(183, DEVICE_KIND, "the PCI function can't be given away: it is a bridge, one of several functions, or its requests do not bear its own id ($0)") \
	X(184, DEVICE_BAR, "a BAR, or other registers of the device, lie at $0, where the guest has no device memory of its own, share a page, or are too large") \
	X(185, DEVICE_RESET, "the PCI function $0 has no function level reset, and the image does not say that its task cleans it") \
	X(186, DEVICE_PORTS, "I/O port $0 is Ravelin's own, or given away already") \
	X(187, DEVICE_INTERRUPT, "the interrupt can't be given away: the device has no MSI or MSI-X, there is no such line or another FIMCE has it, or the core's APIC id is too large ($0)") \
	X(188, DEVICE_GRANTS, "the signed image asks for other devices than the create call gave: grant #0") \
	X(189, DEVICE_CORE, "a FIMCE with a device's interrupt needs a dedicated core") \
	X(190, DEVICE_TAKEN, "PCI function $0 left the guest for FIMCE #1") \
	X(191, DEVICE_RETURNED, "PCI function $0 was reset and is the guest's again") \
	X(192, DEVICE_KEPT, "PCI function $0 can't be reset and was not cleaned: it stays away from the guest until the next boot") \
	X(193, DEVICE_CONFIG, "the guest touched configuration space or ports of a FIMCE's device: port or address $0, device $1, RIP $2") \
	/* VT-d: DMA and interrupts; device: bus in bits 15:8, device in 7:3, function in 2:0 */ \
	X(200, VTD_ABSENT, "no usable VT-d unit answers at $1: its version, or the size of its registers, is $0") \
	X(201, VTD_NO_INTERRUPTS, "the VT-d unit at $1 has no interrupt remapping or no queued invalidation: ECAP is $0") \
	X(202, VTD_WRITE_BUFFER, "the VT-d unit at $1 is too old (it has a write buffer that needs flushing): CAP is $0") \
	X(203, VTD_WIDTH, "the VT-d units have no width of page tables (39 or 48 bits) in common; the one at $1 has CAP $0") \
	X(204, VTD_SCALABLE, "the VT-d unit at $1 runs in scalable mode (RTADDR $0); start Linux with intel_iommu=off") \
	X(205, VTD_TIMEOUT, "the VT-d unit at $1 did not answer in time: register and value $0") \
	X(206, VTD_QUEUE, "the VT-d unit at $1 failed to invalidate: fault status $0") \
	X(207, VTD_SEGMENTS, "devices can't be given away on a machine with several PCI segments: $0") \
	X(208, VTD_DEVICES, "no more than $0 devices can be given away") \
	X(209, VTD_ENTRY_FORMAT, "the guest's interrupt entry $0 was refused: posted format, or a reserved bit is set ($1)") \
	X(210, VTD_ENTRY_INDEX, "the guest's interrupt entry $0 was refused: the last entries of the table are Ravelin's") \
	X(211, VTD_ENTRY_DELIVERY, "the guest's interrupt entry $0 was refused: delivery mode or vector ($1)") \
	X(212, VTD_ENTRY_TARGET, "the guest's interrupt entry $0 was refused: it targets a core that the guest does not have ($1)") \
	X(213, VTD_ENTRY_SOURCE, "the guest's interrupt entry $0 was refused: its source is not verified, or not the guest's ($2)") \
	X(214, DMA_READ_FAULT, "device $0 tried to read memory at $1 by DMA: denied, VT-d reason $2, unit $3") \
	X(215, DMA_WRITE_FAULT, "device $0 tried to write memory at $1 by DMA: denied, VT-d reason $2, unit $3") \
	X(216, INTERRUPT_FAULT, "an interrupt of device $0 was blocked: entry $1, VT-d reason $2, unit $3") \
	X(217, FAULTS_LOST, "the VT-d unit at $3 had more faults than it can record") \
	X(218, AUDIT_VTD, "audit: VT-d unit $0 (0: a table): register, device, or 0x10000 + interrupt entry $1 is $2") \
	X(219, VTD_VIRTUAL, "the guest used its VT-d unit in a way that it does not have: register $0, value $1")
/* clang-format on */

enum rv_reason {
#define RV_REASON_ENUM(id, name, text) RV_REASON_##name = (id),
	RV_REASONS(RV_REASON_ENUM)
#undef RV_REASON_ENUM
};

#endif
