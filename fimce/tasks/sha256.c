/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * sha256.c - sample task: SHA-256 of the argument. Output: the digest, 32 bytes. Result: 0.
 */
#include <crypto/crypto.h>
#include <task.h>

int64_t task_main(const struct rv_fimce_param *param)
{
	size_t size;
	size_t capacity;
	const void *argument = rv_task_argument(&size);
	uint8_t *output = rv_task_output(&capacity);

	(void)param;
	if (capacity < RV_DIGEST_SIZE)
		return -RV_ENOSPC;
	rv_sha256_digest(argument, size, output);
	rv_task_set_output_bytes(RV_DIGEST_SIZE);
	return 0;
}
