/* SPDX-License-Identifier: GPL-2.0-only */
/* log.c - see log.h. */
#include <hv/percpu.h>

#define UART_LINE_STATUS 5
#define UART_TRANSMIT_EMPTY 0x20
#define UART_PATIENCE 100000u

void log_write(struct percpu *cpu, uint32_t reason, uint64_t v0, uint64_t v1, uint64_t v2, uint64_t v3, uint64_t v4)
{
	struct log *log = &hv.log;

	lock_acquire(&log->lock);
	uint64_t sequence = ++log->next;

	log->record[sequence % LOG_RECORDS] = (struct rv_log_record){
	    .sequence = sequence, .tsc = rdtsc(), .cpu = cpu->index, .reason = reason, .value = {v0, v1, v2, v3, v4}};
	lock_release(&log->lock);
}

uint32_t log_read(struct rv_log_record *to, uint32_t max, uint64_t *first)
{
	struct log *log = &hv.log;
	uint32_t n = 0;

	lock_acquire(&log->lock);
	if (log->next >= LOG_RECORDS && *first <= log->next - LOG_RECORDS)
		*first = log->next - LOG_RECORDS + 1;
	for (*first += *first == 0; *first <= log->next && n < max; (*first)++)
		to[n++] = log->record[*first % LOG_RECORDS];
	lock_release(&log->lock);
	return n;
}

static void console_put(char c)
{
	uint16_t port = hv.launch.serial_port;

	/* A port that never becomes ready must not stop us: drop the character. */
	for (uint32_t i = 0; port != 0 && i < UART_PATIENCE; i++) {
		if (inb((uint16_t)(port + UART_LINE_STATUS)) & UART_TRANSMIT_EMPTY) {
			outb(port, (uint8_t)c);
			return;
		}
	}
}

static void console_text(const char *s)
{
	for (; *s; s++)
		console_put(*s);
}

static void console_hex(uint64_t v)
{
	int shift = 60;

	console_text("0x");
	while (shift > 0 && v >> shift == 0)
		shift -= 4;
	for (; shift >= 0; shift -= 4)
		console_put("0123456789abcdef"[v >> shift & 15]);
}

static const char *reason_text(uint32_t reason)
{
	switch (reason) {
#define CASE(id, name, text)                                                                                           \
	case id:                                                                                                       \
		return text;
		RV_REASONS(CASE)
#undef CASE
	default:
		return "unknown reason";
	}
}

_Noreturn void hv_stop(struct percpu *cpu, uint32_t reason, uint64_t v0, uint64_t v1, uint64_t v2)
{
	bool first = !__atomic_exchange_n(&hv.panicked, true, __ATOMIC_SEQ_CST);
	const uint64_t value[] = {v0, v1, v2};

	__atomic_add_fetch(&hv.generation, 1, __ATOMIC_SEQ_CST);
	/* The others have no exits by themselves. Once: a fault on this way leads here again. Before the first guest runs they are
	 * in root mode and stay there, or have no handler for an NMI yet. */
	if (first && hv.released)
		apic_send(0, APIC_NMI | APIC_ALL_OTHERS);
	/* The console first: what broke may hold the log's lock. */
	console_text("ravelin: CPU ");
	console_hex(cpu->index);
	console_text(": ");
	for (const char *s = reason_text(reason); *s; s++) {
		if (s[0] == '$' && s[1] >= '0' && s[1] <= '2')
			console_hex(value[*++s - '0']);
		else
			console_put(*s);
	}
	console_text("\r\nravelin: stopped. This is a fault of the hypervisor, or a broken CPU; please report it.\r\n");
	log3(cpu, reason, v0, v1, v2);
	for (;;)
		cpu_halt();
}
