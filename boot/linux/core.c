// SPDX-License-Identifier: GPL-2.0-only
/*
 * core.c - gives CPUs from Linux to Ravelin and back.
 *
 * A CPU goes with its hyper-thread siblings: they share its caches and its execution units. CPU 0 stays, because x86 Linux can only
 * park it, not let it go.
 */
#include "ravelin.h"
#include "compat.h"

#include <linux/cpu.h>
#include <linux/printk.h>
#include <linux/slab.h>
#include <linux/topology.h>

/** One physical core that is away. */
struct core {
	struct list_head link;
	const struct file *owner;
	u32 cpu; /* the one that was asked for */
	struct cpumask cpus; /* it and its siblings */
};

static DEFINE_MUTEX(rv_core_lock);
static LIST_HEAD(cores);

int rv_core_linux(u32 apic_id)
{
	unsigned int cpu;

	for_each_present_cpu(cpu)
	{
		if (rv_compat_apic_id(cpu) == apic_id)
			return (int)cpu;
	}
	return -1;
}

int rv_core_index(u32 cpu, struct rv_failure *why)
{
	struct rv_buffer buffer;
	struct rv_stat stat;
	int index, error;

	if (cpu >= nr_cpu_ids || !cpu_present(cpu))
		return rv_refuse(why, -EINVAL, RV_REASON_DRIVER_CPU, cpu);
	error = rv_buffer_alloc(&buffer, sizeof(stat));
	if (error)
		return error;
	for (index = 0; index < (int)RV_MAX_CPUS; index++) {
		if (rv_call(RV_HC_GET_STAT, rv_buffer_address(&buffer), (u64)index, 0, NULL, NULL) < 0)
			break;
		rv_buffer_read(&buffer, &stat, sizeof(stat));
		if (stat.apic_id == rv_compat_apic_id(cpu)) {
			rv_buffer_free(&buffer);
			return index;
		}
	}
	rv_buffer_free(&buffer);
	return rv_refuse(why, -EINVAL, RV_REASON_DRIVER_CPU, cpu);
}

u32 rv_core_count(void)
{
	struct core *core;
	u32 count = 0;

	mutex_lock(&rv_core_lock);
	list_for_each_entry(core, &cores, link) count += cpumask_weight(&core->cpus);
	mutex_unlock(&rv_core_lock);
	return count;
}

static struct core *core_find(u32 cpu)
{
	struct core *core;

	list_for_each_entry(core, &cores, link)
	{
		if (core->cpu == cpu)
			return core;
	}
	return NULL;
}

/** Puts CPUs online again; what fails is reported, because nobody is left to return it to. */
static void cpus_online(const struct cpumask *cpus)
{
	unsigned int cpu;
	int error;

	for_each_cpu(cpu, cpus)
	{
		error = add_cpu(cpu);
		if (error)
			pr_err("CPU %u did not come back online: error %d\n", cpu, error);
	}
}

/** Has Ravelin give back the CPUs of @cpus and puts them online. The first refusal ends it: that CPU and later ones stay in @cpus. */
static int cpus_give(struct cpumask *cpus, struct rv_failure *why)
{
	unsigned int cpu;
	long result;
	int index, error;

	for_each_cpu(cpu, cpus)
	{
		index = rv_core_index(cpu, why);
		if (index < 0)
			return index;
		result = rv_call(RV_HC_CORE_GIVE, (u64)index, 0, 0, NULL, why);
		if (result < 0)
			return (int)result;
		cpumask_clear_cpu(cpu, cpus);
		error = add_cpu(cpu);
		if (error)
			return rv_refuse(why, error, RV_REASON_DRIVER_HOTPLUG, cpu);
	}
	return 0;
}

static int cpus_take(const struct cpumask *wanted, struct cpumask *taken, struct rv_failure *why)
{
	struct cpumask *offline;
	unsigned int cpu;
	long result;
	int index, error = 0;

	offline = kzalloc(sizeof(*offline), GFP_KERNEL);
	if (!offline)
		return -ENOMEM;
	cpumask_clear(taken);
	for_each_cpu(cpu, wanted)
	{
		error = remove_cpu(cpu);
		if (error) {
			rv_refuse(why, error, RV_REASON_DRIVER_HOTPLUG, cpu);
			goto out;
		}
		cpumask_set_cpu(cpu, offline);
	}
	for_each_cpu(cpu, wanted)
	{
		index = rv_core_index(cpu, why);
		if (index < 0) {
			error = index;
			goto out;
		}
		result = rv_call(RV_HC_CORE_TAKE, (u64)index, 0, 0, NULL, why);
		if (result < 0) {
			error = (int)result;
			goto out;
		}
		cpumask_clear_cpu(cpu, offline);
		cpumask_set_cpu(cpu, taken);
	}
out:
	if (error) {
		struct rv_failure ignored;

		if (cpus_give(taken, &ignored))
			pr_err("Ravelin keeps CPU %u: reason %u\n", cpumask_first(taken), ignored.reason);
		cpus_online(offline);
	}
	kfree(offline);
	return error;
}

int rv_core_take(const struct file *owner, struct rv_ioctl_core *arg)
{
	struct rv_failure *why = &arg->head.failure;
	struct core *core;
	struct cpumask *siblings;
	int error;

	if (arg->cpu >= nr_cpu_ids || !cpu_present(arg->cpu))
		return rv_refuse(why, -EINVAL, RV_REASON_DRIVER_CPU, arg->cpu);
	core = kzalloc(sizeof(*core), GFP_KERNEL);
	siblings = kzalloc(sizeof(*siblings), GFP_KERNEL);
	if (!core || !siblings) {
		error = -ENOMEM;
		goto free;
	}
	core->owner = owner;
	core->cpu = arg->cpu;

	mutex_lock(&rv_core_lock);
	if (!cpu_online(arg->cpu)) {
		error = rv_refuse(why, -EBUSY, RV_REASON_DRIVER_CPU, arg->cpu);
		goto unlock;
	}
	/* A copy: Linux forgets the siblings of a CPU that is offline. */
	cpumask_copy(siblings, topology_sibling_cpumask(arg->cpu));
	if (cpumask_test_cpu(0, siblings)) {
		error = rv_refuse(why, -EINVAL, RV_REASON_DRIVER_CPU_ZERO, arg->cpu);
		goto unlock;
	}
	error = cpus_take(siblings, &core->cpus, why);
	if (error)
		goto unlock;
	arg->siblings = cpumask_weight(&core->cpus);
	list_add_tail(&core->link, &cores);
	core = NULL;
unlock:
	mutex_unlock(&rv_core_lock);
free:
	kfree(siblings);
	kfree(core);
	return error;
}

int rv_core_give(struct rv_ioctl_core *arg)
{
	struct core *core;
	int error;

	mutex_lock(&rv_core_lock);
	core = core_find(arg->cpu);
	if (!core) {
		mutex_unlock(&rv_core_lock);
		return rv_refuse(&arg->head.failure, -ENOENT, RV_REASON_DRIVER_CPU, arg->cpu);
	}
	arg->siblings = cpumask_weight(&core->cpus);
	error = cpus_give(&core->cpus, &arg->head.failure);
	if (cpumask_empty(&core->cpus)) {
		list_del(&core->link);
		kfree(core);
	}
	mutex_unlock(&rv_core_lock);
	return error;
}

void rv_core_close(const struct file *owner)
{
	struct core *core, *next;
	struct rv_failure why;

	mutex_lock(&rv_core_lock);
	list_for_each_entry_safe(core, next, &cores, link)
	{
		if (core->owner != owner)
			continue;
		memset(&why, 0, sizeof(why));
		if (cpus_give(&core->cpus, &why))
			pr_err("CPU %u could not be given back: reason %u, value %llu\n", core->cpu, why.reason,
			       why.value);
		if (cpumask_empty(&core->cpus)) {
			list_del(&core->link);
			kfree(core);
		} else {
			core->owner = NULL; /* RV_IOCTL_CORE_GIVE may still succeed later */
		}
	}
	mutex_unlock(&rv_core_lock);
}
