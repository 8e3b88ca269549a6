// SPDX-License-Identifier: GPL-2.0-only
/*
 * new.c - the function that replaces redis-server's flushallCommand().
 *
 * FLUSHALL of the packaged server removes every key of every database at once. The new function refuses while there is any
 * key. It reads no structure of the server, it only calls functions of the old program, by their names in its dynamic symbol
 * table; the types are those of Redis 7.0's server.h.
 */
struct client;

/* Functions of the old program. */
unsigned long long dbTotalServerKeyCount(void);
void addReplyStatus(struct client *client, const char *status);
void addReplyErrorFormat(struct client *client, const char *format, ...);

void flushallCommand(struct client *client);

void flushallCommand(struct client *client)
{
	unsigned long long keys = dbTotalServerKeyCount();

	if (keys == 0)
		addReplyStatus(client, "OK");
	else
		addReplyErrorFormat(client, "FLUSHALL refused: %llu keys would be lost", keys);
}
