/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * libc_rename.h - included before the libc pillar's sources in a host test: its functions live beside the host's.
 */
#ifndef TEST_LIBC_RENAME_H
#define TEST_LIBC_RENAME_H

#define memcpy fimce_memcpy
#define memmove fimce_memmove
#define memset fimce_memset
#define memcmp fimce_memcmp
#define memchr fimce_memchr
#define strlen fimce_strlen
#define strnlen fimce_strnlen
#define strcmp fimce_strcmp
#define strncmp fimce_strncmp
#define strchr fimce_strchr
#define strrchr fimce_strrchr
#define strncpy fimce_strncpy
#define strstr fimce_strstr
#define snprintf fimce_snprintf
#define vsnprintf fimce_vsnprintf

#endif
