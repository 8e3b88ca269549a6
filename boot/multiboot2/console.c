/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * console.c - the stub's messages.
 */
#include "console.h"

#include "cpu.h"

/* Registers of a 16550, from its first port. */
#define UART_DATA 0
#define UART_DIVISOR_LOW 0
#define UART_DIVISOR_HIGH 1
#define UART_INTERRUPT_ENABLE 1
#define UART_FIFO_CONTROL 2
#define UART_LINE_CONTROL 3
#define UART_MODEM_CONTROL 4
#define UART_LINE_STATUS 5
#define UART_SCRATCH 7

#define LINE_8N1 0x03
#define LINE_DIVISOR 0x80
#define FIFO_ON_CLEARED 0x07
#define MODEM_DTR_RTS 0x03
#define STATUS_CAN_SEND 0x20
#define UART_CLOCK 115200u

/* At 300 baud a character takes 33 ms; a port read takes about 1 us. */
#define SEND_MAX_POLLS 200000u

#define SCREEN_ATTRIBUTE 0x07
#define SCREEN_MAX_COLUMNS 256u

struct console {
	uint16_t port;
	volatile uint16_t *screen;
	uint32_t columns;
	uint32_t lines;
	uint32_t column;
};

static struct console console;

uint16_t console_serial_open(uint16_t port, uint32_t baud)
{
	uint32_t divisor = UART_CLOCK / baud;

	console.port = 0;
	if (!port)
		return 0;
	cpu_out8((uint16_t)(port + UART_SCRATCH), 0x5a);
	if (cpu_in8((uint16_t)(port + UART_SCRATCH)) != 0x5a)
		return 0;
	cpu_out8((uint16_t)(port + UART_INTERRUPT_ENABLE), 0);
	cpu_out8((uint16_t)(port + UART_LINE_CONTROL), LINE_DIVISOR | LINE_8N1);
	cpu_out8((uint16_t)(port + UART_DIVISOR_LOW), (uint8_t)divisor);
	cpu_out8((uint16_t)(port + UART_DIVISOR_HIGH), (uint8_t)(divisor >> 8));
	cpu_out8((uint16_t)(port + UART_LINE_CONTROL), LINE_8N1);
	cpu_out8((uint16_t)(port + UART_FIFO_CONTROL), FIFO_ON_CLEARED);
	cpu_out8((uint16_t)(port + UART_MODEM_CONTROL), MODEM_DTR_RTS);
	console.port = port;
	return port;
}

void console_screen_open(const struct mbi_framebuffer *framebuffer)
{
	if (!framebuffer->present || framebuffer->type != MBI_FRAMEBUFFER_TEXT || !framebuffer->height ||
	    !framebuffer->width || framebuffer->width > SCREEN_MAX_COLUMNS ||
	    framebuffer->pitch != framebuffer->width * 2)
		return;
	console.screen = (volatile uint16_t *)(uintptr_t)framebuffer->address;
	console.columns = framebuffer->width;
	console.lines = framebuffer->height;
	console.column = 0;
}

static void serial_put(char c)
{
	uint32_t polls = 0;

	if (!console.port)
		return;
	while (!(cpu_in8((uint16_t)(console.port + UART_LINE_STATUS)) & STATUS_CAN_SEND)) {
		/* A port that does not send any more must not keep the machine from booting. */
		if (++polls == SEND_MAX_POLLS) {
			console.port = 0;
			return;
		}
	}
	cpu_out8((uint16_t)(console.port + UART_DATA), (uint8_t)c);
}

static void screen_scroll(void)
{
	uint32_t last = console.columns * (console.lines - 1);

	for (uint32_t i = 0; i < last; i++)
		console.screen[i] = console.screen[i + console.columns];
	for (uint32_t i = 0; i < console.columns; i++)
		console.screen[last + i] = SCREEN_ATTRIBUTE << 8 | ' ';
	console.column = 0;
}

static void screen_put(char c)
{
	if (!console.screen)
		return;
	if (c == '\n' || console.column == console.columns)
		screen_scroll();
	if (c == '\n')
		return;
	console.screen[console.columns * (console.lines - 1) + console.column++] =
	    (uint16_t)(SCREEN_ATTRIBUTE << 8 | (uint8_t)c);
}

static void console_write(const char *text)
{
	for (; *text; text++) {
		if (*text == '\n')
			serial_put('\r');
		serial_put(*text);
		screen_put(*text);
	}
}

void console_say(const char *format, ...)
{
	char line[2 * BOOT_SENTENCE_MAX];
	va_list arguments;

	va_start(arguments, format);
	text_vformat(line, sizeof(line), format, arguments);
	va_end(arguments);
	text_clean(line);
	console_write("ravelin: ");
	console_write(line);
	console_write("\n");
}
