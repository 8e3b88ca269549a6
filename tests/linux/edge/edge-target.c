// SPDX-License-Identifier: GPL-2.0-only
/*
 * edge-target.c - the process that edge.c updates. Reads one letter per command from standard input and answers each with a number
 * on a line of its own.
 *
 *	a	edge_answer(): 1, by the update 1001, or 1101 by the one that changes data, too
 *	f	forks; the child's number. The child answers to c
 *	c	what the child answers
 *	x	calls exec on itself: 0 when the new program is there
 *	r	puts a copy of the page of edge_answer() in its place: same bytes, another page
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define PAGE 4096u

extern int edge_number;
int edge_number = 1;

static int to_child[2], from_child[2];

int edge_answer(void);
int edge_behind(void);

/* On a page of its own, so that it can be remapped while the rest runs. */
__attribute__((section(".text.edge_answer"), aligned(4096), noipa)) int edge_answer(void)
{
	return edge_number;
}

__attribute__((section(".text.edge_behind"), aligned(4096), noipa)) int edge_behind(void)
{
	return 0;
}

static void child_run(void)
{
	char c;

	while (read(to_child[0], &c, 1) == 1) {
		int value = edge_answer();

		if (write(from_child[1], &value, sizeof(value)) != (ssize_t)sizeof(value))
			break;
	}
	_exit(0);
}

static int child_ask(void)
{
	int value = -1;

	if (write(to_child[1], "a", 1) != 1 || read(from_child[0], &value, sizeof(value)) != (ssize_t)sizeof(value))
		return -1;
	return value;
}

static int page_remap(void)
{
	void *page = (void *)((uintptr_t)edge_answer & ~(uintptr_t)(PAGE - 1));
	void *copy = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (copy == MAP_FAILED)
		return -1;
	memcpy(copy, page, PAGE);
	if (mprotect(copy, PAGE, PROT_READ | PROT_EXEC) != 0 ||
	    mremap(copy, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, page) != page)
		return -1;
	return edge_behind();
}

int main(int argc, char **argv)
{
	char c;
	int value;

	(void)argc;
	if (pipe(to_child) != 0 || pipe(from_child) != 0)
		return 1;
	printf("0\n");
	fflush(stdout);
	while (read(STDIN_FILENO, &c, 1) == 1) {
		value = -1;
		if (c == 'a') {
			value = edge_answer();
		} else if (c == 'f') {
			value = (int)fork();
			if (value == 0)
				child_run();
		} else if (c == 'c') {
			value = child_ask();
		} else if (c == 'r') {
			value = page_remap();
		} else if (c == 'x') {
			execv("/proc/self/exe", argv);
		}
		printf("%d\n", value);
		fflush(stdout);
	}
	return 0;
}
