/** The thread of `Checkpointer`: moves what is in the log to the database file whenever it is told to. */
import { DatabaseSync } from 'node:sqlite';
import { parentPort, workerData } from 'node:worker_threads';

const { path, busyMs } = workerData as { readonly path: string; readonly busyMs: number };
const database = new DatabaseSync(path, { timeout: busyMs });
// As the writer does: the file must be durable before the log is written over.
database.exec('pragma synchronous = full');
// Passive: readers and the writer go on meanwhile; what they are in the way of stays for the next time.
const checkpoint = database.prepare('pragma wal_checkpoint(passive)');

parentPort?.on('message', () => {
  checkpoint.all();
  parentPort?.postMessage('done');
});
