// SPDX-License-Identifier: GPL-2.0-only
/*
 * attack.c - test module: what a guest's kernel can try against Ravelin, on behalf of a program (attack-device.h). Every
 * instruction that may fault has an entry in the exception table, so that the guest lives and the program learns the vector.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/fs.h>
#include <linux/interrupt.h>
#include <linux/io.h>
#include <linux/miscdevice.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/pci.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <asm/asm.h>
#include <asm/extable_fixup_types.h>
#include <asm/trapnr.h>

#include "attack-device.h"

#define DOORBELL_PORT 0xb2
#define MEMORY_MAX (1u << 20)
#define MSR_APIC_BASE 0x1b
#define APIC_BASE_X2APIC (1u << 10)
#define MSR_X2APIC_ICR 0x830
#define XAPIC_BASE 0xfee00000ul
#define XAPIC_ICR_LOW 0x300
#define XAPIC_ICR_HIGH 0x310
#define ICR_PENDING (1u << 12)
#define ICR_PATIENCE 1000000u
#define CR4_VMXE (1ul << 13)

/* RAX is the vector after a fault of the instruction at 1:, ATTACK_NO_TRAP without one. */
#define TRY(instruction) "1: " instruction "\n\tmov $-1, %%rax\n2:\n" _ASM_EXTABLE_TYPE(1b, 2b, EX_TYPE_FAULT)

#define CLAIMS_MAX 4

struct claim {
	struct pci_dev *device; /* NULL: free */
	u32 source_id;
	u32 line;
	int irq;
	atomic_t interrupts;
};

/* What belongs to one open file. */
struct owned {
	void *page;
	unsigned int order;
	struct claim claim[CLAIMS_MAX];
};

static void attack_call(struct attack_call *c)
{
	u64 rax = c->rax, rdi = c->rdi, rsi = c->rsi, rdx = c->rdx;
	u64 trapped = 0;
	register u64 r8 __asm__("r8");

	r8 = c->r8;

	/* The fix-up puts the vector into RAX, which holds a result otherwise: RCX tells the two apart. */
	if (c->doorbell)
		asm volatile("mov $1, %%ecx\n1: out %%al, %[port]\n\txor %%ecx, %%ecx\n2:\n" _ASM_EXTABLE_TYPE(
				 1b, 2b, EX_TYPE_FAULT)
			     : "+a"(rax), "+D"(rdi), "+S"(rsi), "+r"(r8), "+c"(trapped), "+d"(rdx)
			     : [port] "N"(DOORBELL_PORT)
			     : "memory");
	else
		asm volatile(
		    "mov $1, %%ecx\n1: vmcall\n\txor %%ecx, %%ecx\n2:\n" _ASM_EXTABLE_TYPE(1b, 2b, EX_TYPE_FAULT)
		    : "+a"(rax), "+D"(rdi), "+S"(rsi), "+d"(rdx), "+r"(r8), "+c"(trapped)
		    :
		    : "memory");
	c->trap = trapped ? (int)rax : ATTACK_NO_TRAP;
	c->rax = rax;
	c->rdi = rdi;
	c->rsi = rsi;
	c->rdx = rdx;
	c->r8 = r8;
}

static long touch_read(const void *at, u64 *value)
{
	u64 got = *value;
	long trap;

	asm volatile(TRY("mov (%[at]), %[got]") : "=&a"(trap), [got] "+r"(got) : [at] "r"(at) : "memory");
	if (trap == ATTACK_NO_TRAP)
		*value = got;
	return trap;
}

static long touch_write(void *at, u64 value)
{
	long trap;

	asm volatile(TRY("mov %[value], (%[at])") : "=&a"(trap) : [value] "r"(value), [at] "r"(at) : "memory");
	return trap;
}

static void *physical_map(u32 how, u64 address, u64 bytes)
{
	switch (how) {
	case ATTACK_MAP_MEMREMAP:
		return memremap(address, bytes, MEMREMAP_WB);
	case ATTACK_MAP_IOREMAP:
		return (void __force *)ioremap(address, bytes);
	case ATTACK_MAP_IOREMAP_WC:
		return (void __force *)ioremap_wc(address, bytes);
	default:
		return NULL;
	}
}

static void physical_unmap(u32 how, void *at)
{
	if (how == ATTACK_MAP_MEMREMAP)
		memunmap(at);
	else
		iounmap((void __iomem __force *)at);
}

static int attack_touch(struct attack_touch *t)
{
	u64 done;
	long trap;
	u8 *at;

	if (t->step < sizeof(u64) || t->bytes < sizeof(u64) || t->bytes > 1ull << 30)
		return -EINVAL;
	at = physical_map(t->mapping, t->address, t->bytes);
	if (!at)
		return -EFAULT;
	t->touches = 0;
	t->general_protections = 0;
	t->other_traps = 0;
	for (done = 0; done <= t->bytes - sizeof(u64); done += t->step) {
		t->touches++;
		trap = t->write ? touch_write(at + done, t->value) : touch_read(at + done, &t->value);
		if (trap == X86_TRAP_GP) {
			t->general_protections++;
			t->last_trapped = t->address + done;
		} else if (trap != ATTACK_NO_TRAP) {
			t->other_traps++;
		}
		cond_resched();
	}
	physical_unmap(t->mapping, at);
	return 0;
}

#define CASE(number, instruction)                                                                                      \
	case number:                                                                                                   \
		asm volatile(TRY(instruction)                                                                          \
			     : "=&a"(trap)                                                                             \
			     : [m] "r"(operand), [r] "r"(0ul), [z] "c"(0ul)                                            \
			     : "memory");                                                                              \
		break

static int attack_execute(struct attack_execute *e)
{
	u64 *operand = (u64 *)get_zeroed_page(GFP_KERNEL);
	unsigned long flags, cr4;
	long trap = ATTACK_NO_TRAP;

	if (!operand)
		return -ENOMEM;
	operand[0] = virt_to_phys(operand);
	local_irq_save(flags);
	switch (e->instruction) {
		CASE(ATTACK_VMXON, "vmxon (%[m])");
		CASE(ATTACK_VMXOFF, "vmxoff");
		CASE(ATTACK_VMCLEAR, "vmclear (%[m])");
		CASE(ATTACK_VMPTRLD, "vmptrld (%[m])");
		CASE(ATTACK_VMPTRST, "vmptrst (%[m])");
		CASE(ATTACK_VMLAUNCH, "vmlaunch");
		CASE(ATTACK_VMRESUME, "vmresume");
		CASE(ATTACK_VMREAD, "vmread %[r], (%[m])");
		CASE(ATTACK_VMWRITE, "vmwrite (%[m]), %[r]");
		CASE(ATTACK_INVEPT, "invept (%[m]), %[r]");
		CASE(ATTACK_INVVPID, "invvpid (%[m]), %[r]");
		CASE(ATTACK_VMFUNC, ".byte 0x0f, 0x01, 0xd4");
		CASE(ATTACK_GETSEC, ".byte 0x0f, 0x37");
	case ATTACK_SET_VMXE:
		asm volatile("mov %%cr4, %0" : "=r"(cr4));
		asm volatile(TRY("mov %[value], %%cr4") : "=&a"(trap) : [value] "r"(cr4 | CR4_VMXE) : "memory");
		/* Had it been let through, it would have to go again. */
		asm volatile("mov %0, %%cr4" : : "r"(cr4) : "memory");
		break;
	default:
		trap = -EINVAL;
	}
	local_irq_restore(flags);
	free_page((unsigned long)operand);
	e->trap = (int)trap;
	return 0;
}

static void attack_msr(struct attack_msr *m)
{
	u32 low = (u32)m->value, high = (u32)(m->value >> 32);
	u64 trapped = 1, vector = low;

	if (m->write)
		asm volatile("1: wrmsr\n\txor %%esi, %%esi\n2:\n" _ASM_EXTABLE_TYPE(1b, 2b, EX_TYPE_FAULT)
			     : "+a"(vector), "+S"(trapped)
			     : "c"(m->msr), "d"(high)
			     : "memory");
	else
		asm volatile("1: rdmsr\n\txor %%esi, %%esi\n2:\n" _ASM_EXTABLE_TYPE(1b, 2b, EX_TYPE_FAULT)
			     : "+a"(vector), "+S"(trapped), "+d"(high)
			     : "c"(m->msr)
			     : "memory");
	m->trap = trapped ? (int)vector : ATTACK_NO_TRAP;
	if (!m->write && !trapped)
		m->value = (u32)vector | (u64)high << 32;
}

static int attack_ipi(const struct attack_ipi *s)
{
	u32 spread = s->spread ? s->spread : 1, i, wait;
	void __iomem *apic = NULL;
	u64 base;

	rdmsrl(MSR_APIC_BASE, base);
	if (!(base & APIC_BASE_X2APIC)) {
		apic = ioremap(XAPIC_BASE, PAGE_SIZE);
		if (!apic)
			return -ENOMEM;
	}
	for (i = 0; i < s->count; i++) {
		u32 low = s->command + i % spread;

		/* The two halves belong together, and Linux sends IPIs from interrupts, too. */
		local_irq_disable();
		if (apic) {
			for (wait = 0; wait < ICR_PATIENCE && (readl(apic + XAPIC_ICR_LOW) & ICR_PENDING); wait++)
				cpu_relax();
			writel(s->apic_id << 24, apic + XAPIC_ICR_HIGH);
			writel(low, apic + XAPIC_ICR_LOW);
		} else {
			wrmsrl(MSR_X2APIC_ICR, low | (u64)s->apic_id << 32);
		}
		local_irq_enable();
		cond_resched();
	}
	if (apic)
		iounmap(apic);
	return 0;
}

static int attack_memory(struct file *file, struct attack_memory *m)
{
	struct owned *owned = file->private_data;

	if (owned->page || m->bytes == 0 || m->bytes > MEMORY_MAX)
		return -EINVAL;
	owned->order = get_order(m->bytes);
	/* Below 16 MiB, because an edu reaches 256 MiB unless it is told otherwise. */
	owned->page = (void *)__get_free_pages(GFP_KERNEL | GFP_DMA | __GFP_ZERO, owned->order);
	if (!owned->page)
		return -ENOMEM;
	m->address = virt_to_phys(owned->page);
	return 0;
}

static u32 access_mapping(u64 address)
{
	return page_is_ram(address >> PAGE_SHIFT) ? ATTACK_MAP_MEMREMAP : ATTACK_MAP_IOREMAP;
}

static void access_do(struct attack_access *a, void *at)
{
	if (a->bytes == 4 && a->write)
		WRITE_ONCE(*(u32 *)at, (u32)a->value);
	else if (a->bytes == 4)
		a->value = READ_ONCE(*(u32 *)at);
	else if (a->write)
		WRITE_ONCE(*(u64 *)at, a->value);
	else
		a->value = READ_ONCE(*(u64 *)at);
}

static int attack_accesses(struct attack_accesses *list)
{
	void *at[ATTACK_ACCESSES_MAX];
	unsigned long flags;
	int error = 0;
	u32 i;

	if (list->count > ATTACK_ACCESSES_MAX)
		return -EINVAL;
	for (i = 0; i < list->count; i++) {
		struct attack_access *a = &list->access[i];

		if ((a->bytes != 4 && a->bytes != 8) || a->address % a->bytes != 0)
			return -EINVAL;
	}
	for (i = 0; i < list->count && !error; i++) {
		at[i] = physical_map(access_mapping(list->access[i].address), list->access[i].address, sizeof(u64));
		error = at[i] ? 0 : -EFAULT;
	}
	if (!error) {
		local_irq_save(flags);
		for (i = 0; i < list->count; i++)
			access_do(&list->access[i], at[i]);
		local_irq_restore(flags);
	}
	while (i-- > 0) {
		if (at[i])
			physical_unmap(access_mapping(list->access[i].address), at[i]);
	}
	return error;
}

static irqreturn_t claim_interrupt(int irq, void *cookie)
{
	struct claim *c = cookie;

	atomic_inc(&c->interrupts);
	return IRQ_HANDLED;
}

static void claim_end(struct claim *c)
{
	if (!c->device)
		return;
	free_irq(c->irq, c);
	pci_free_irq_vectors(c->device);
	pci_dev_put(c->device);
	c->device = NULL;
}

/* The function is not disabled in the end: it belongs to nobody, and what is tried next may want it as it is. */
static int claim_begin(struct claim *c, u32 source_id)
{
	struct pci_dev *device = pci_get_domain_bus_and_slot(0, source_id >> 8 & 0xff, source_id & 0xff);
	int error;

	if (!device)
		return -ENODEV;
	error = pci_enable_device(device);
	if (error)
		goto put;
	pci_set_master(device);
	c->line = device->irq;
	error = pci_alloc_irq_vectors(device, 1, 1, PCI_IRQ_MSI | PCI_IRQ_MSIX);
	if (error < 0)
		goto put;
	c->irq = pci_irq_vector(device, 0);
	c->source_id = source_id;
	atomic_set(&c->interrupts, 0);
	error = request_irq(c->irq, claim_interrupt, 0, KBUILD_MODNAME, c);
	if (error)
		goto vectors;
	c->device = device;
	return 0;

vectors:
	pci_free_irq_vectors(device);
put:
	pci_dev_put(device);
	return error;
}

static int attack_claim(struct file *file, struct attack_claim *request)
{
	struct owned *owned = file->private_data;
	struct claim *c = NULL;
	int error = 0, i;

	for (i = CLAIMS_MAX - 1; i >= 0; i--) {
		if (!owned->claim[i].device && (!c || !c->device))
			c = &owned->claim[i];
		else if (owned->claim[i].device && owned->claim[i].source_id == request->source_id)
			c = &owned->claim[i];
	}
	if (!c)
		return -ENOSPC;
	if (!c->device)
		error = claim_begin(c, request->source_id);
	request->line = c->line;
	request->interrupts = atomic_read(&c->interrupts);
	return error;
}

union argument {
	struct attack_call call;
	struct attack_touch touch;
	struct attack_execute execute;
	struct attack_msr msr;
	struct attack_ipi ipi;
	struct attack_memory memory;
	struct attack_accesses accesses;
	struct attack_claim claim;
};

static int device_dispatch(struct file *file, unsigned int command, union argument *a)
{
	switch (command) {
	case ATTACK_CALL:
		attack_call(&a->call);
		return 0;
	case ATTACK_TOUCH:
		return attack_touch(&a->touch);
	case ATTACK_EXECUTE:
		return attack_execute(&a->execute);
	case ATTACK_MSR:
		attack_msr(&a->msr);
		return 0;
	case ATTACK_IPI:
		return attack_ipi(&a->ipi);
	case ATTACK_MEMORY:
		return attack_memory(file, &a->memory);
	case ATTACK_ACCESS:
		return attack_accesses(&a->accesses);
	case ATTACK_CLAIM:
		return attack_claim(file, &a->claim);
	default:
		return -ENOTTY;
	}
}

static long device_ioctl(struct file *file, unsigned int command, unsigned long address)
{
	void __user *user = (void __user *)address;
	union argument a;
	int error;

	if (_IOC_SIZE(command) > sizeof(a))
		return -ENOTTY;
	if (copy_from_user(&a, user, _IOC_SIZE(command)))
		return -EFAULT;
	error = device_dispatch(file, command, &a);
	if (!error && copy_to_user(user, &a, _IOC_SIZE(command)))
		error = -EFAULT;
	return error;
}

static int device_mmap(struct file *file, struct vm_area_struct *vma)
{
	return remap_pfn_range(vma, vma->vm_start, vma->vm_pgoff, vma->vm_end - vma->vm_start, vma->vm_page_prot);
}

static int device_open(struct inode *inode, struct file *file)
{
	file->private_data = kzalloc(sizeof(struct owned), GFP_KERNEL);
	return file->private_data ? 0 : -ENOMEM;
}

/* Mappings hold the file open, so nobody sees the memory any more. */
static int device_release(struct inode *inode, struct file *file)
{
	struct owned *owned = file->private_data;
	int i;

	for (i = 0; i < CLAIMS_MAX; i++)
		claim_end(&owned->claim[i]);
	if (owned->page)
		free_pages((unsigned long)owned->page, owned->order);
	kfree(owned);
	return 0;
}

static const struct file_operations device_operations = {
    .owner = THIS_MODULE,
    .open = device_open,
    .release = device_release,
    .unlocked_ioctl = device_ioctl,
    .mmap = device_mmap,
};

static struct miscdevice device = {
    .minor = MISC_DYNAMIC_MINOR,
    .name = "attack",
    .fops = &device_operations,
    .mode = 0600,
};

module_misc_device(device);

MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Test module: what a guest can try against Ravelin");
