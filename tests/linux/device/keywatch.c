// SPDX-License-Identifier: GPL-2.0-only
/*
 * keywatch.c - keywatch READY: a spy on the keyboard. It reads the controller's two ports again and again while a FIMCE has them, and writes a
 * command that would switch the keyboard off, which must be lost. Makes the file READY once it has seen the controller, and ends when
 * it has seen it go and come back, or after two minutes.
 *
 * Prints what it has seen; exit status 0 only if the controller went, answered nothing but all ones, and came back with no key in it: all that
 * may come then is that Enter, which ended the task, is let go.
 */
#include <fcntl.h>
#include <stdio.h>
#include <sys/io.h>
#include <time.h>
#include <unistd.h>

#define DATA 0x60
#define STATUS 0x64
#define STATUS_DATA 1
#define KEYBOARD_OFF 0xad
#define ABSENT 0xff
#define ENTER_RELEASED 0x9c /* scan code set 1 */
#define SECONDS 120
#define LOOKS_AFTER 50

int main(int argc, char **argv)
{
	unsigned int before = 0, away = 0, after = 0, seen = 0, left = 0;
	struct timespec pause = {0, 200000};
	time_t begin = time(NULL);

	if (argc != 2 || ioperm(DATA, STATUS - DATA + 1, 1) != 0) {
		perror("keywatch READY: ioperm");
		return 2;
	}
	while (after < LOOKS_AFTER && time(NULL) - begin < SECONDS) {
		unsigned char status = inb(STATUS), data;

		if (status != ABSENT && away == 0) {
			if (before++ == 0)
				close(open(argv[1], O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
		} else if (status != ABSENT) {
			after++;
			left += (status & STATUS_DATA) && inb(DATA) != ENTER_RELEASED;
		} else {
			data = inb(DATA);
			/* Away before and after the look: so it was in between. */
			if (inb(STATUS) == ABSENT) {
				away++;
				seen += data != ABSENT;
				outb(KEYBOARD_OFF, STATUS);
			}
		}
		nanosleep(&pause, NULL);
	}
	printf("looks: %u before, %u away, %u after; keys seen %u, left %u\n", before, away, after, seen, left);
	return away > 0 && after == LOOKS_AFTER && seen == 0 && left == 0 ? 0 : 1;
}
