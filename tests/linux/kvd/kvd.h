/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * kvd.h - the parts of kvd, a small key-value server over TCP that serves as an update target.
 *
 * The server (kvd.c) calls the table through the functions below and nothing else, under one lock that the server takes.
 * Everything that knows the layout of the table is in table.c, so an update that changes the layout replaces exactly these
 * functions. KVD_REPLACEABLE keeps the compiler from inlining, cloning or specialising them: the entry in the symbol table is
 * then the only way in.
 */
#ifndef KVD_H
#define KVD_H

#include <stddef.h>
#include <stdint.h>

/* clang has no noipa; the server itself is built with GCC */
#if defined(__GNUC__) && !defined(__clang__)
#define KVD_REPLACEABLE __attribute__((noipa))
#else
#define KVD_REPLACEABLE __attribute__((noinline))
#endif

#define KVD_SLOTS 256u /* a power of two */
#define KVD_KEY_MAX 31u /* longest key, in characters */
#define KVD_VALUE_MAX 87u /* longest value, in characters */
#define KVD_LINE_MAX 512u /* longest line of the protocol, newline included */
#define KVD_ARENA_BYTES 32768u /* room for the table; see the layouts */

/* What the table functions return. */
enum kvd_result {
	KVD_OK = 0,
	KVD_NONE = -1, /* there is no such key */
	KVD_FULL = -2, /* no slot is free */
	KVD_KEY_LONG = -3, /* the key is longer than KVD_KEY_MAX */
	KVD_VALUE_LONG = -4 /* the value is longer than KVD_VALUE_MAX */
};

/**
 * One slot in version 1. A key is in the first slot from kvd_hash(key) on, circularly, that holds it; a slot whose key
 * begins with NUL was never used and ends the search, one whose key begins with KVD_DELETED is skipped. Both strings end with
 * NUL. Nothing but this definition says how long a stored key may be.
 */
struct kvd_slot_v1 {
	char value[KVD_VALUE_MAX + 1];
	char key[KVD_KEY_MAX + 1];
};
#define KVD_DELETED '\1'

/** The table: an array of KVD_SLOTS slots from the start on, in the layout of the running version; the rest is unused. */
extern unsigned char kvd_arena[KVD_ARENA_BYTES];

/** FNV-1a over the characters of a key; the same in all versions. */
static inline uint32_t kvd_hash(const char *key)
{
	uint32_t hash = 2166136261u;

	for (; *key != '\0'; key++)
		hash = (hash ^ (unsigned char)*key) * 16777619u;
	return hash;
}

/* Table functions. All strings are NUL-terminated, keys are not empty and hold characters above ' ' only, values hold
 * characters from ' ' on; the caller has checked that and holds the table lock. */

/** Stores @value under @key, which need not exist. Returns KVD_OK, KVD_FULL, KVD_VALUE_LONG or (not in version 1, which is
 * its bug) KVD_KEY_LONG. */
KVD_REPLACEABLE int kvd_table_set(const char *key, const char *value);

/** Copies the value of @key to @value, KVD_VALUE_MAX + 1 bytes. Returns KVD_OK or KVD_NONE. */
KVD_REPLACEABLE int kvd_table_get(const char *key, char *value);

/** Removes @key. Returns KVD_OK or KVD_NONE. */
KVD_REPLACEABLE int kvd_table_delete(const char *key);

/** Number of keys. */
KVD_REPLACEABLE unsigned kvd_table_count(void);

/** Looks at every slot. Returns 0 if all are well-formed, otherwise the number of the first bad slot, from 1. */
KVD_REPLACEABLE unsigned kvd_table_check(void);

/** Version of the table code. */
KVD_REPLACEABLE unsigned kvd_version(void);

#endif
