/** The thread of `Checkpointer`: moves the log to the database file at each message. */
import { DatabaseSync } from 'node:sqlite';
import { parentPort, workerData } from 'node:worker_threads';

const { path, busyMs } = workerData as { readonly path: string; readonly busyMs: number };
const database = new DatabaseSync(path, { timeout: busyMs });
// Like the writer: the file must be durable before the log is overwritten.
database.exec('pragma synchronous = full');
// Passive: readers and the writer continue; pages that they block wait for the next checkpoint.
const checkpoint = database.prepare('pragma wal_checkpoint(passive)');

parentPort?.on('message', () => {
  checkpoint.all();
  parentPort?.postMessage('done');
});
