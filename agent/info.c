/* SPDX-License-Identifier: GPL-2.0-only */
/* info.c - what the guest may know of Ravelin; see agent.h. */
#include <agent/agent.h>
#include <hv/hypercall.h>
#include <hv/manager.h>

void info_fill(struct rv_info *info)
{
	info->abi_version = RV_ABI_VERSION;
	info->features = HYPERCALL_FEATURES;
	info->cpu_count = hv.cpu_count;
	info->pool_bytes = hv.launch.pool_bytes;
	info->pool_free_bytes = partition_bytes(&hv.partition, OWNER_POOL_FREE);
	info->tsc_khz = hv.launch.tsc_khz;
	memcpy(info->trust_anchor, hv.launch.trust_anchor, RV_DIGEST_SIZE);
	memcpy(info->manager_digest, manager_digest, RV_DIGEST_SIZE);
	memcpy(info->version, RAVELIN_VERSION, sizeof(RAVELIN_VERSION));
	for (uint32_t i = 0; i < RV_MAX_FIMCES; i++) {
		info->fimce_id[i] = hv.fimce[i].id;
		info->fimce_count += hv.fimce[i].id != 0;
	}
}

void stat_fill(const struct percpu *cpu, struct rv_stat *stat)
{
	*stat = cpu->stat;
	for (uint32_t i = 0; i < RV_EXIT_REASONS; i++)
		stat->exits += stat->exit[i];
	stat->state = cpu->state;
	stat->fimce = cpu->fimce;
}
