// SPDX-License-Identifier: GPL-2.0-only
/*
 * kexec.c - kexec KERNEL INITRD COMMAND_LINE: starts another kernel from the running one, without firmware in between.
 *
 * The old kernel stops its other CPUs; the new one brings them up with INIT and SIPI, wherever they are.
 */
#include <fcntl.h>
#include <linux/reboot.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	if (argc != 4) {
		fprintf(stderr, "usage: kexec KERNEL INITRD COMMAND_LINE\n");
		return 64;
	}
	int kernel = open(argv[1], O_RDONLY | O_CLOEXEC);
	int initrd = open(argv[2], O_RDONLY | O_CLOEXEC);
	if (kernel < 0 || initrd < 0) {
		perror("kexec: open");
		return EXIT_FAILURE;
	}
	if (syscall(SYS_kexec_file_load, kernel, initrd, strlen(argv[3]) + 1, argv[3], 0ul) != 0) {
		perror("kexec: kexec_file_load");
		return EXIT_FAILURE;
	}
	/* Where a hang would be: the loading above, or the jump below. */
	printf("kexec: loaded, starting the other kernel\n");
	fflush(stdout);
	sync();
	syscall(SYS_reboot, LINUX_REBOOT_MAGIC1, LINUX_REBOOT_MAGIC2, LINUX_REBOOT_CMD_KEXEC, NULL);
	perror("kexec: reboot");
	return EXIT_FAILURE;
}
