/* SPDX-License-Identifier: GPL-2.0-only */
/* fake_ioapic.c - see fake_ioapic.h. */
#include "fake_ioapic.h"

#include <string.h>

struct fake_ioapic fake_ioapic[FAKE_IOAPICS];

void fake_ioapics_reset(void)
{
	memset(fake_ioapic, 0, sizeof(fake_ioapic));
	hv.launch.ioapic_count = FAKE_IOAPICS;
	for (uint32_t n = 0; n < FAKE_IOAPICS; n++) {
		fake_ioapic[n].id = n << 24;
		for (uint32_t line = 0; line < FAKE_IOAPIC_LINES; line++)
			fake_ioapic[n].entry[line][0] = ENTRY_MASKED;
		hv.launch.ioapic[n] = (struct rv_launch_ioapic){.base = FAKE_IOAPIC(n),
								.id = n,
								.source_id = FAKE_IOAPIC_SOURCE(n),
								.gsi_base = n * FAKE_IOAPIC_LINES,
								.line_count = FAKE_IOAPIC_LINES};
	}
}

static struct fake_ioapic *ioapic_at(pa_t base)
{
	for (uint32_t n = 0; n < FAKE_IOAPICS; n++) {
		if (base.v == FAKE_IOAPIC(n))
			return &fake_ioapic[n];
	}
	return NULL;
}

/* NULL: it has no such register, or one that can't be written. */
static uint32_t *selected(struct fake_ioapic *io)
{
	if (io->selected == 0)
		return &io->id;
	if (io->selected < 0x10 || io->selected >= 0x10 + 2 * FAKE_IOAPIC_LINES)
		return NULL;
	return &io->entry[(io->selected - 0x10) / 2][io->selected & 1];
}

bool fake_ioapic_read(pa_t base, uint32_t offset, uint32_t *value)
{
	struct fake_ioapic *io = ioapic_at(base);

	if (io == NULL)
		return false;
	if (offset == 0)
		*value = io->selected;
	else if (offset == 0x10 && io->selected == 1)
		*value = FAKE_IOAPIC_VERSION;
	else if (offset == 0x10 && selected(io) != NULL)
		*value = *selected(io);
	else if (offset == 0x10)
		*value = 0;
	else
		fail_msg("read of the IOAPIC's register %x", offset);
	return true;
}

bool fake_ioapic_write(pa_t base, uint32_t offset, uint32_t value)
{
	struct fake_ioapic *io = ioapic_at(base);
	uint32_t line;

	if (io == NULL)
		return false;
	if (offset == 0) {
		assert_int_equal(value & ~0xffu, 0);
		io->selected = value;
	} else if (offset == 0x10) {
		line = (io->selected - 0x10) / 2;
		if (io->selected >= 0x10 && (io->selected & 1) && (io->watched >> line & 1))
			assert_true(io->entry[line][0] & ENTRY_MASKED);
		if (selected(io) != NULL)
			*selected(io) = value;
	} else if (offset == 0x40) {
		io->eoi = value;
		io->eois++;
	} else {
		fail_msg("write of the IOAPIC's register %x", offset);
	}
	return true;
}
