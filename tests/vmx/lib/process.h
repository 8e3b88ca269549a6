/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * process.h - the process that bare guests have updated: the archive's file "target", an executable made of target/old.c, in pages
 * of its own at PROCESS_BIAS, and the calls that the Linux module would make for it.
 */
#ifndef BARE_PROCESS_H
#define BARE_PROCESS_H

#include "call.h"

#include <ravelin/image.h>

#define PROCESS_BIAS 0x555500000000ull

/** Loads the executable anew: every byte as in the file, new memory zero. */
void process_load(void);
/** target_compute(x), whatever version runs. */
uint64_t process_call(uint64_t x);
/** Its variable target_state[0]. */
volatile uint64_t *process_state(void);
/** The first bytes of target_compute, and the page that they are in. */
volatile uint8_t *process_function(void);
uint64_t process_text_page(void);
/** Guest-physical address of a page of the process, 0 = not there. */
uint64_t process_gpa(uint64_t va);
/** Notes every byte of the process; compares with that, all of it or its code without new memory. */
void process_save(void);
bool process_same(void);
bool process_same_text(void);

/** Fills the create page for an update: a file *.suit, or an image without envelope. New memory becomes zero.
 * @return its address. */
uint64_t update_create_fill(const char *file);
/** CREATE. damage != 0: with one bit changed that many bytes from the end (for a payload) or, below 500, from the start.
 * @return the id, or 0. */
uint64_t update_create_damaged(const char *file, uint32_t damage);
/** CREATE and RUN on this CPU. @return the id, or 0. */
uint64_t update_prepare_run(const char *file);
/** APPLY, with one thread of the process somewhere outside of its code, or at rip. */
struct call_result update_apply(uint64_t id, uint64_t deadline_us);
struct call_result update_apply_at(uint64_t id, uint64_t deadline_us, uint64_t rip);
/** A byte of the input that update_create_fill has filled, by its offset. */
volatile uint8_t *update_input_byte(uint32_t offset);
/** Offset in the input of a byte in the image's last segment. */
uint32_t update_new_code_offset(void);
/** Pages of the target that the update filled last asks for. */
uint32_t update_pages(void);

#endif
