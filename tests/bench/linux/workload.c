// SPDX-License-Identifier: GPL-2.0-only
/*
 * workload.c - boot, CPU and I/O work counted in TSC ticks, which are instructions in Bochs with one CPU.
 * Prints `TICKS NAME VALUE` lines; "boot" is the TSC at the start of this program, thus everything since power-on. `workload boot` prints only that.
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define PROCESSES 100
#define ROUNDS 2000
#define FILE_BYTES (4u << 20)

static uint64_t ticks(void)
{
	uint32_t a, d;

	__asm__ volatile("rdtsc" : "=a"(a), "=d"(d) : : "memory");
	return (uint64_t)d << 32 | a;
}

static void require(int ok, const char *what)
{
	if (!ok) {
		perror(what);
		exit(1);
	}
}

static void work_cpu(void)
{
	volatile uint64_t sum = 0;

	for (uint64_t i = 0; i < 20000000; i++)
		sum += i * i;
}

static void work_processes(void)
{
	for (int i = 0; i < PROCESSES; i++) {
		int status;
		pid_t child = fork();

		require(child >= 0, "fork");
		if (child == 0) {
			execl("/bin/busybox", "true", (char *)NULL);
			_exit(127);
		}
		require(waitpid(child, &status, 0) == child && status == 0, "child");
	}
}

static void work_files(void)
{
	static char block[65536];
	int fd = open("/tmp/bench", O_RDWR | O_CREAT | O_TRUNC, 0600);

	require(fd >= 0, "open");
	for (uint32_t done = 0; done < FILE_BYTES; done += sizeof(block))
		require(write(fd, block, sizeof(block)) == (ssize_t)sizeof(block), "write");
	require(lseek(fd, 0, SEEK_SET) == 0, "lseek");
	for (uint32_t done = 0; done < FILE_BYTES; done += sizeof(block))
		require(read(fd, block, sizeof(block)) == (ssize_t)sizeof(block), "read");
	close(fd);
	unlink("/tmp/bench");
}

static void work_messages(void)
{
	int pair[2];
	char byte = 'x';
	pid_t child;

	require(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0, "socketpair");
	child = fork();
	require(child >= 0, "fork");
	if (child == 0) {
		close(pair[0]);
		while (read(pair[1], &byte, 1) == 1 && write(pair[1], &byte, 1) == 1)
			;
		_exit(0);
	}
	close(pair[1]);
	for (int i = 0; i < ROUNDS; i++)
		require(write(pair[0], &byte, 1) == 1 && read(pair[0], &byte, 1) == 1, "message");
	close(pair[0]);
	waitpid(child, NULL, 0);
}

static struct {
	const char *name;
	uint64_t ticks;
} results[8];
static unsigned int result_count;

static void result(const char *name, uint64_t value)
{
	results[result_count].name = name;
	results[result_count++].ticks = value;
}

static void measure(const char *name, void (*work)(void))
{
	uint64_t begin = ticks();

	work();
	result(name, ticks() - begin);
}

int main(int argc, char **argv)
{
	result("boot", ticks());
	if (argc < 2 || strcmp(argv[1], "boot") != 0) {
		measure("cpu", work_cpu);
		measure("processes", work_processes);
		measure("files", work_files);
		measure("messages", work_messages);
	}
	/* Not before: what the kernel does now and then would fall into the time of printing in one run, and not in the other. */
	for (unsigned int i = 0; i < result_count; i++)
		printf("TICKS %s %llu\n", results[i].name, (unsigned long long)results[i].ticks);
	return 0;
}
