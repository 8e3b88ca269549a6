/* SPDX-License-Identifier: GPL-2.0-only */
/* virtual.c - the guest's remapping units; see virtual.h. */
#include <hv/agent.h>
#include <hv/hypercall.h>

int vtd_virtual_apply(struct vtd *v, struct vtd_virtual *g, const struct agent_unit *m, bool runs)
{
	int error = 0;

	for (uint32_t i = 0; i < m->entries && i < AGENT_ENTRIES; i++) {
		struct vtd_pair to;

		(void)vtd_entry_check(v, g->unit, m->entry[i].index, m->entry[i].pair, &to);
		if (m->entry[i].index < v->entries - VTD_RESERVED_ENTRIES)
			vtd_entry_write(v, g->unit, m->entry[i].index, to);
	}
	if (m->change_eime)
		error = vtd_unit_set_eime(v, g->unit, !g->unit->eime);
	else if (m->entries != 0 && runs)
		error = vtd_flush_interrupts(v);
	for (uint32_t i = 0; !error && i < m->answers && i < AGENT_ANSWERS; i++) {
		uint64_t gpa = m->answer[i].gpa & ~3ull;

		if (hypercall_is_guest_ram(gpa & PAGE_MASK))
			*(volatile uint32_t *)pa_pointer(pa_make(gpa)) = m->answer[i].value;
	}
	g->state = m->state;
	memcpy(pa_pointer(g->page), g->state.file, sizeof(g->state.file));
	return error;
}
