// SPDX-License-Identifier: GPL-2.0-only
/*
 * portwatch.c - portwatch READY: a spy on COM2. It looks at all ports of the port again and again while a FIMCE has them, and writes to
 * the scratch register meanwhile, which must be lost. Makes the file READY once it has seen the port, and ends when it has seen it go and come
 * back, or after two minutes.
 *
 * Prints what it has seen; exit status 0 only if the port went, answered nothing but all ones, and came back without a byte in it.
 */
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/io.h>
#include <time.h>
#include <unistd.h>

#define COM2 0x2f8
#define PORTS 8
#define STATUS 5
#define SCRATCH 7
#define STATUS_DATA 1
#define OURS 0x42
#define THEIRS 0x17
#define SECONDS 120

enum phase {
	BEFORE,
	AWAY,
	AFTER
};

/** What one look at all ports gives. */
struct look {
	unsigned int ones; /* ports that answer all ones */
	unsigned char status, scratch;
};

static struct look look(void)
{
	struct look l = {0, 0, 0};
	unsigned char value;

	for (int i = PORTS - 1; i >= 0; i--) {
		/* The data register last: reading it takes a byte out of the port. */
		value = inb((unsigned short)(COM2 + i));
		l.ones += value == 0xff;
		if (i == STATUS)
			l.status = value;
		if (i == SCRATCH)
			l.scratch = value;
	}
	return l;
}

int main(int argc, char **argv)
{
	unsigned int looks[3] = {0}, mixed = 0, bytes = 0;
	struct timespec pause = {0, 200000};
	enum phase phase = BEFORE;
	time_t begin = time(NULL);
	struct look l = {0, 0, 0};

	if (argc != 2 || ioperm(COM2, PORTS, 1) != 0) {
		perror("portwatch READY: ioperm");
		return 2;
	}
	outb(THEIRS, COM2 + SCRATCH);
	while (looks[AFTER] < 20 && time(NULL) - begin < SECONDS) {
		l = look();
		if (phase == BEFORE && looks[BEFORE] == 0)
			close(open(argv[1], O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
		/* A look that goes on while the port leaves or comes back sees something of both. */
		if (l.ones > 0 && l.ones < PORTS)
			mixed++;
		else if (phase == BEFORE && l.ones == PORTS)
			phase = AWAY;
		else if (phase == AWAY && l.ones == 0)
			phase = AFTER;
		looks[phase]++;
		if (phase == AWAY && l.ones == PORTS) {
			outb(OURS, COM2 + SCRATCH);
			/* It came back between the look and the write: then the write is no attack. */
			if (inb(COM2 + SCRATCH) == OURS)
				outb(THEIRS, COM2 + SCRATCH);
		}
		if (phase != AWAY && l.ones == 0)
			bytes += l.status & STATUS_DATA;
		nanosleep(&pause, NULL);
	}
	printf("looks: %u before, %u away, %u after, %u mixed; bytes %u; scratch 0x%02x\n", looks[BEFORE], looks[AWAY],
	       looks[AFTER], mixed, bytes, l.scratch);
	return looks[AWAY] > 0 && looks[AFTER] > 0 && mixed <= 2 && bytes == 0 && l.scratch == THEIRS ? 0 : 1;
}
