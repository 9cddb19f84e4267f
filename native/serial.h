/*
 * A thread that processes items one after the other, in order of arrival. libuv's pool would give each to a different
 * thread, often on a different core, and several at once to cores that are busy.
 */
#ifndef MORAINE_SERIAL_H
#define MORAINE_SERIAL_H

#include <stdbool.h>

/* First member of every item. */
typedef struct serial_item {
  struct serial_item *next;
} serial_item;

typedef struct serial serial;

/* Starts the thread, which calls `run` with each item. NULL if no thread can be started. */
serial *serial_begin(void (*run)(serial_item *item));

/* Adds an item. May be called on any thread; returns at once. */
void serial_add(serial *s, serial_item *item);

/* Ends the thread after its current item. Returns the items that were not begun, linked by `next`. */
serial_item *serial_end(serial *s);

#endif
