/** Whether connections that the primary hands to its serving processes arrive there. */
import type { Worker } from 'node:cluster';

/** How long a process may take to say that a connection arrived after all. */
const PATIENCE_MS = 5000;

/**
 * Calls `onLost` when a connection could not be handed to a serving process, as happens when it has no descriptor left,
 * and did not arrive when Node.js tried again. Node.js then waits for ever for the answer to it, and sends that process
 * nothing more: no connection and no message.
 * @param patienceMs how long to wait for another try.
 */
export function watchHandovers(worker: Worker, onLost: () => void, patienceMs = PATIENCE_MS): void {
  let lost: NodeJS.Timeout | undefined;
  // Node.js tells of its own messages by this event, as cluster itself relies on.
  worker.process.on('internalMessage' as 'message', (message: unknown) => {
    const command = (message as { cmd?: unknown } | null)?.cmd;
    if (command === 'NODE_HANDLE_ACK') {
      clearTimeout(lost);
      lost = undefined;
    }
    if (command === 'NODE_HANDLE_NACK') lost ??= setTimeout(onLost, patienceMs);
  });
  worker.once('exit', () => clearTimeout(lost));
}
