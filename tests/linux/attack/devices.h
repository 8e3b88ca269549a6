/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * devices.h - what attacks by devices need: PCI functions, QEMU's edu device (DMA and MSI on request), the guest's remapping unit,
 * and a FIMCE on a core of its own as the victim. The program drives the hardware by itself, as the guest's kernel can:
 * ports, mappings of physical memory, and for what Linux must not disturb the accesses of attack.ko.
 */
#ifndef ATTACK_DEVICES_H
#define ATTACK_DEVICES_H

#include "attack.h"

#include <ravelin/image.h>
#include <ravelin/pci.h>

#define PAGE 4096ull
#define PAGE_OFFSETS (PAGE - 1)
#define PCI_COMMAND_ON 0x06u /* memory, bus master */
#define MSI_ADDRESS 0xfee00000ull
#define MSI_REMAPPABLE (1u << 4)
#define MSI_SUBHANDLE (1u << 3)
#define MSI_DELIVERY (7u << 8)
#define MSI_NMI (4u << 8) /* delivery modes, in the data */
#define MSI_INIT (5u << 8)
#define CORE 1u /* the CPU that is taken for the victim */
/* Bytes of one DMA: few, so that one that is let through by a broken Ravelin does not end the guest at once. */
#define DMA_BYTES 16u

/** One PCI function of segment 0. */
struct function {
	uint32_t source_id; /* bus in 15:8, device in 7:3, function in 2:0 */
	uint32_t msi, msix; /* offset of the capability; 0: none */
	uint32_t line; /* its interrupt of the IOAPIC */
	uint64_t message_address; /* of its MSI, as Linux has set it */
	uint32_t message_data;
	uint64_t registers; /* BAR 0 */
	volatile uint8_t *bar; /* the same */
	int claim; /* an open /dev/attack that holds it */
};

#define NUMBER_BYTES 256u
#define EXPONENT_MAX 128u

/** A FIMCE with a known result that runs on CPU CORE while it is attacked, again and again: modexp with numbers of this size. */
struct victim {
	uint8_t *image;
	size_t image_bytes;
	uint8_t argument[3 * sizeof(uint32_t) + 2 * NUMBER_BYTES + EXPONENT_MAX];
	size_t argument_bytes;
	uint8_t want[NUMBER_BYTES];
	uint32_t apic_id;
	uint32_t id; /* 0: none runs */
	bool measured; /* the last time that it was looked at: its own code runs, and does not leave before its end */
	uint64_t memory, memory_bytes; /* where it is: in the pool */
	unsigned int runs, wrong; /* that came to their end; whose result was wrong */
};

/** A FIMCE whose image asks for one device. */
struct task {
	struct attack *a;
	uint8_t *image;
	size_t image_bytes;
	struct rv_image_header header;
	const void *argument; /* set by the user */
	size_t argument_bytes;
	uint32_t id;
};

struct devices {
	struct attack *a;
	struct function attacker; /* an edu that reaches all addresses */
	struct function other; /* an edu of somebody else */
	struct function source; /* a virtio entropy device behind a bridge, which can be reset; nobody claims it */
	struct function table; /* an e1000e, for its MSI-X table; source_id 0: there is none */
	uint64_t memory; /* of the attacker, physical */
	volatile uint8_t *page; /* the same */
	uint64_t unit; /* registers of the remapping unit */
	struct victim victim;
	unsigned int interrupt_faults; /* in the log, of all attacks */
	bool denied; /* the last DMA that was tried at a running FIMCE */
};

/* --- machine.c ------------------------------------------------------------------------------------------------------- */

/** Finds the devices, claims them, gets memory. @return false: this is not the machine; says why. */
bool devices_find(struct devices *d, struct attack *a);

/** Claims a function and learns what it is; lets it go, as Linux had it before. @return false: why is in errno */
bool function_claim(struct devices *d, struct function *f, uint32_t source_id);
void function_release(struct function *f);

/** Configuration space through the ports; by 32 bits. */
uint32_t pci_read(uint32_t source_id, uint32_t offset);
void pci_write(uint32_t source_id, uint32_t offset, uint32_t value);

/** Physical memory, for this program. NULL: Linux refuses. */
volatile uint8_t *physical_at(const struct attack *a, uint64_t address, uint64_t bytes);

/** The attacker's DMA of DMA_BYTES: from memory into its buffer, or back. @return false if the device did not do it in time. */
bool edu_read(const struct devices *d, uint64_t address);
bool edu_write(const struct devices *d, uint64_t address);
/** Has an edu write DMA_BYTES of its buffer there, and does not wait: it begins EDU_DELAY_MS after this. */
void edu_write_later(const struct function *edu, uint64_t address);
#define EDU_DELAY_MS 100u
/** What is in its buffer: fetched by DMA into a page of our own. */
bool edu_buffer(const struct devices *d, uint8_t buffer[DMA_BYTES]);
bool edu_buffer_set(const struct devices *d, const uint8_t buffer[DMA_BYTES]);

/** Sets the function's MSI, and sends it (an edu), or its INTx if on is false. */
void msi_set(const struct function *f, uint64_t address, uint32_t data, bool on);
void edu_raise(const struct function *edu);

/** Interrupts that have come from it to Linux. */
uint64_t interrupts_of(const struct function *f);

/** Does accesses with the interrupts off. @return false: refused. */
bool accesses_do(const struct attack *a, struct attack_accesses *list);
struct attack_access *access_add(struct attack_accesses *list, uint64_t address, uint32_t bytes, bool write,
				 uint64_t value);

/** Gives what should not happen the time to happen, and the other CPU the time to run. */
void settle(void);

/** The log since the last look: a DMA fault of the attacker in this page. */
bool dma_was_logged(struct devices *d, uint64_t address, bool write);

/* --- dma.c ----------------------------------------------------------------------------------------------------------- */

/** The attacker reads there. @return true if nothing came and the log says so */
bool dma_read_is_denied(struct devices *d, uint64_t address);
/** It writes there. @return true if the log says that it could not */
bool dma_write_is_denied(struct devices *d, uint64_t address);

/* --- victim.c -------------------------------------------------------------------------------------------------------- */

/** Takes the core, and learns the right result of the task from a run that is left alone. @param path  image of the task modexp */
bool victim_begin(struct devices *d, const char *path);
/** Has it run, and says how often it was left so far. @return false: it can't be started. */
bool victim_run(struct devices *d, uint64_t *exits);
/** @return true if it still runs; *exits as above */
bool victim_look(struct devices *d, uint64_t *exits);
/** Waits for its end, and compares. */
void victim_end(struct devices *d);
void victim_give_core(struct devices *d);

/** One attack at a running victim: strike(d, argument) happens while it runs. @return the exits that it caused; ~0: it never ran. */
uint64_t victim_strike(struct devices *d, void (*strike)(struct devices *d, const void *argument),
		       const void *argument);

/* --- task.c ---------------------------------------------------------------------------------------------------------- */

/** Reads the image. @return false: it is none */
bool task_load(struct task *t, struct attack *a, const char *path);
/** Creates the FIMCE with this device, which nobody in Linux may have. @return 0 or a negative errno */
int task_create(struct task *t, const struct function *f);
/** Runs it on CPU CORE. @return RV_FIMCE_RUNNING, or a negative errno */
int task_run(struct task *t);
/** Waits until the manager has verified the image and Ravelin has given it the device. */
bool task_has_device(struct task *t);
bool task_is_running(struct task *t);
/** Waits for its end. @return false if it did not end with result 0 and so much output; says how */
bool task_output(struct task *t, uint8_t *output, uint32_t bytes);
/** Waits for the reset of its device, too. */
bool task_destroy(struct task *t);

/* --- the attacks ----------------------------------------------------------------------------------------------------- */

/** DMA to what is not the guest's. */
void attack_dma(struct devices *d);
/** Messages and IOAPIC entries that would interrupt the core of a FIMCE, or come from somebody else. */
void attack_messages(struct devices *d);
/** The registers, queue and table of the guest's remapping unit. */
void attack_unit(struct devices *d);
/** A device that a FIMCE has, before, while and after it runs: its registers, configuration space, place. @param image  the signed task edu-copy */
void attack_passed(struct devices *d, const char *image);
/** Work that the guest has left in a device before a FIMCE gets it: in the queue of a virtio device. @param random  the signed task */
void attack_armed_source(struct devices *d, const char *random);
/** The same with a transfer of an edu. Needs both CPUs. @param copy  the signed task edu-copy */
void attack_armed_edu(struct devices *d, const char *copy);
/** DMA to a page of process @pid at @address while the update in file @update holds it. */
void attack_frozen(struct devices *d, int pid, uint64_t address, const char *update);

#endif
