#define _POSIX_C_SOURCE 200809L
#include "serial.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>

struct serial {
  pthread_t thread;
  pthread_mutex_t mutex;
  pthread_cond_t changed;
  void (*run)(serial_item *item);
  /* Protected by the mutex: the waiting items, and whether the thread must end. */
  serial_item *first;
  serial_item **end;
  bool ends;
};

static void *work(void *data) {
  serial *s = data;
  pthread_mutex_lock(&s->mutex);
  while (!s->ends) {
    serial_item *item = s->first;
    if (item == NULL) {
      pthread_cond_wait(&s->changed, &s->mutex);
      continue;
    }
    s->first = item->next;
    if (s->first == NULL) s->end = &s->first;
    pthread_mutex_unlock(&s->mutex);
    s->run(item);
    pthread_mutex_lock(&s->mutex);
  }
  pthread_mutex_unlock(&s->mutex);
  return NULL;
}

serial *serial_begin(void (*run)(serial_item *item)) {
  serial *s = calloc(1, sizeof *s);
  if (s == NULL) return NULL;
  s->run = run;
  s->end = &s->first;
  pthread_mutex_init(&s->mutex, NULL);
  pthread_cond_init(&s->changed, NULL);
  /* Blocks all signals in the new thread, which inherits this mask: other threads handle them. */
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  const int error = pthread_create(&s->thread, NULL, work, s);
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  if (error == 0) return s;
  free(s);
  return NULL;
}

void serial_add(serial *s, serial_item *item) {
  item->next = NULL;
  pthread_mutex_lock(&s->mutex);
  *s->end = item;
  s->end = &item->next;
  pthread_cond_signal(&s->changed);
  pthread_mutex_unlock(&s->mutex);
}

serial_item *serial_end(serial *s) {
  pthread_mutex_lock(&s->mutex);
  s->ends = true;
  pthread_cond_signal(&s->changed);
  pthread_mutex_unlock(&s->mutex);
  pthread_join(s->thread, NULL);
  serial_item *rest = s->first;
  pthread_mutex_destroy(&s->mutex);
  pthread_cond_destroy(&s->changed);
  free(s);
  return rest;
}
