/*
 * How record/shape goes over values that stay the same. Internal to it.
 *
 * Now and then a line is held, and lines after it are compared with it. Values that nobody asked
 * for and that were the same in all of them are joined with the bytes around them: one arc more,
 * tried before those that it runs over, which are kept for the line in which such a value changes.
 * At last all that is joined is dropped, as some of it does not stay the same any more.
 */
#ifndef SHAPEJOIN_H
#define SHAPEJOIN_H

#include "record/shape.h"

/* The joined arcs and their bytes stand behind all others. */
enum { SHAPE_JOINED_MAX = 128, SHAPE_JOINED_TEXT_MAX = 16 << 10 };

void shapejoin_init(struct shape *s);
void shapejoin_release(struct shape *s);

/* What is known is forgotten, and so is what was joined of it. */
void shapejoin_forget(struct shape *s);

/* Looks at a line that was known, when s->join_in says so, which it sets anew. What was joined
 * before may be no more, and with it s->end and what is known of lines ahead. O(len), and when it
 * joins O(what is known). */
void shapejoin_look(struct shape *s, const char *line, size_t len);

#endif
