/*
 * Whether a source may go on from what it has recorded: completion belongs to a set of inputs, and
 * an input that isn't read to its end must not be forgotten.
 */
#ifndef INPUTSET_H
#define INPUTSET_H

#include <stdbool.h>
#include <stddef.h>

/* An input that is in the record, or among the operands, or in both. */
struct set_member {
	bool is_known;   /* in the record */
	bool is_given;   /* among the operands */
	bool is_changed; /* it grew, or is another file, since the record */
	bool is_unread;  /* there are bytes in it behind the recorded place */
};

enum set_answer {
	SET_GOES_ON,  /* from the recorded places */
	SET_IS_DONE,  /* complete, and nothing has changed: there is nothing to do */
	SET_IS_NEW,   /* other inputs than those that were completed */
	SET_GOES_NEW, /* what has come to completed inputs since, as new input */
	SET_CHANGED,  /* refused: the member has changed since it was completed */
	SET_OVERLAPS, /* refused: the member was completed with others, or others without it */
	SET_FORGETS,  /* refused: the member has unread bytes and isn't given any more */
};

/*
 * is_complete: the record says that its set was. is_growing: this run takes what is there and will
 * come back (--once, --follow). *which is the member that a refusal is about.
 */
enum set_answer inputset_judge(const struct set_member *members, size_t count, bool is_complete,
	bool is_growing, size_t *which);

#endif
