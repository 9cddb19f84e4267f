/*
 * One thread that does things one after the other, in the order in which they came. libuv's pool would hand each to
 * another of its threads, as often as not on another core, and several at once to cores that are busy.
 */
#ifndef MORAINE_SERIAL_H
#define MORAINE_SERIAL_H

#include <stdbool.h>

/* First member of whatever is to be done. */
typedef struct serial_item {
  struct serial_item *next;
} serial_item;

typedef struct serial serial;

/* Starts the thread, which calls `run` with each item. NULL when there can be no thread. */
serial *serial_begin(void (*run)(serial_item *item));

/* From any thread; returns at once. */
void serial_add(serial *s, serial_item *item);

/* Ends the thread when what it does is done. Returns the items that were not begun, linked by `next`. */
serial_item *serial_end(serial *s);

#endif
