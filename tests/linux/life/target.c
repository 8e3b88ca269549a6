// SPDX-License-Identifier: GPL-2.0-only
/*
 * target.c - the process that tests of an update's life play with. Reads one letter per command from standard input and answers
 * each with one line.
 *
 *	a	answer() as it is now
 *	f	forks: the child answers a's from then on with its own line "child N"; the parent says "forked PID"
 *	c	what the child answers
 *	x	calls exec on itself
 *	r	puts a copy of the page of answer() in its place: same bytes, another page
 *	s	starts a process that shares the memory; "shared PID"
 *	h	a thread calls answer(-1), which stays inside until u
 *	d	the same with a deep stack between answer() and where it waits
 *	g	that thread handles a signal on a stack of its own, and stays in that until k
 *	k	lets the handler go on
 *	u	lets that thread go on
 *	q	ends
 */
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "target.h"

#define PAGE 4096u

static int inside[2]; /* pipe that a thread inside answer() reads from */
static int handler_in[2], handler_out[2]; /* pipes of the signal handler: it says that it runs, and waits to go on */
static int deep;
static int to_child[2], from_child[2];

__attribute__((noinline)) static int deep_wait(void)
{
	volatile char room[9u << 20];
	char c;

	room[0] = 0; /* the rest is never touched, and takes no memory */
	return read(inside[0], &c, 1) == 1 ? 1 + room[0] : 0;
}

int target_wait(void)
{
	char c;

	if (deep)
		return deep_wait();
	return read(inside[0], &c, 1) == 1 ? 1 : 0;
}

/* A page of its own, so that it can be replaced while the rest runs. */
__attribute__((section(".text.answer"), aligned(4096), noinline, used)) int answer(int what)
{
	if (what < 0)
		return target_wait() + 1; /* not a tail call: the return address shall be in here */
	return 1 + what;
}

/* The next function begins behind that page. */
__attribute__((section(".text.behind"), aligned(4096), noinline, used)) int behind(void);
int behind(void)
{
	return 0;
}

static void *thread_run(void *unused)
{
	static char signal_stack[64 << 10];
	const stack_t stack = {.ss_sp = signal_stack, .ss_size = sizeof(signal_stack)};

	(void)unused;
	sigaltstack(&stack, NULL);
	answer(-1);
	return NULL;
}

static void handler(int number)
{
	char c = (char)number;

	if (write(handler_out[1], &c, 1) == 1 && read(handler_in[0], &c, 1) != 1)
		_exit(1);
}

static int thread_start(pthread_t *thread)
{
	const struct sigaction action = {.sa_handler = handler, .sa_flags = SA_ONSTACK | SA_RESTART};
	pthread_attr_t attributes;

	sigaction(SIGUSR1, &action, NULL);
	pthread_attr_init(&attributes);
	pthread_attr_setstacksize(&attributes, 16u << 20);
	return pthread_create(thread, &attributes, thread_run, NULL);
}

static int sharer(void *unused)
{
	(void)unused;
	for (;;)
		pause();
	return 0;
}

static void say(const char *what, int number)
{
	printf("%s %d\n", what, number);
	fflush(stdout);
}

static void child_run(void)
{
	char c;

	while (read(to_child[0], &c, 1) == 1) {
		int value = answer(0);

		if (write(from_child[1], &value, sizeof(value)) != (ssize_t)sizeof(value))
			break;
	}
	_exit(0);
}

static void do_fork(void)
{
	pid_t pid = fork();

	if (pid == 0)
		child_run();
	say("forked", (int)pid);
}

static void ask_child(void)
{
	int value = -1;

	if (write(to_child[1], "a", 1) != 1 || read(from_child[0], &value, sizeof(value)) != (ssize_t)sizeof(value))
		value = -1;
	say("child", value);
}

static void remap(void)
{
	void *page = (void *)((uintptr_t)answer & ~(uintptr_t)(PAGE - 1));
	void *copy = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int ok = copy != MAP_FAILED;

	if (ok) {
		memcpy(copy, page, PAGE);
		ok = mprotect(copy, PAGE, PROT_READ | PROT_EXEC) == 0 &&
		     mremap(copy, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, page) == page;
	}
	say("remapped", ok);
}

static void share(void)
{
	static _Alignas(16) char stack[16384];
	int pid = clone(sharer, stack + sizeof(stack), CLONE_VM | SIGCHLD, NULL);

	say("shared", pid);
}

int main(int argc, char **argv)
{
	pthread_t thread = 0;
	char c;

	(void)argc;
	if (pipe(inside) != 0 || pipe(to_child) != 0 || pipe(from_child) != 0 || pipe(handler_in) != 0 ||
	    pipe(handler_out) != 0)
		return 1;
	say("ready", (int)getpid());
	while (read(STDIN_FILENO, &c, 1) == 1) {
		switch (c) {
		case 'a':
			say("answer", answer(0));
			break;
		case 'f':
			do_fork();
			break;
		case 'c':
			ask_child();
			break;
		case 'x':
			execv("/proc/self/exe", argv);
			return 1;
		case 'r':
			remap();
			break;
		case 's':
			share();
			break;
		case 'h':
			deep = 0;
			say("thread", thread_start(&thread));
			break;
		case 'd':
			deep = 1;
			say("deep", thread_start(&thread));
			break;
		case 'g':
			say("signal", pthread_kill(thread, SIGUSR1) == 0 && read(handler_out[0], &c, 1) == 1);
			break;
		case 'k':
			say("handled", write(handler_in[1], "k", 1) == 1);
			break;
		case 'u':
			if (write(inside[1], "u", 1) == 1)
				pthread_join(thread, NULL);
			say("free", 0);
			break;
		default:
			return 0;
		}
	}
	return 0;
}
