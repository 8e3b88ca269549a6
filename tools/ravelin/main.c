// SPDX-License-Identifier: GPL-2.0-only
/*
 * main.c - the program ravelin; all of it is in cli_main(), so that tests can call it.
 */
#include "cli.h"

int main(int argc, char **argv)
{
	return cli_main(argc, argv);
}
