/** Sends catalog writes from serving processes to the primary, which commits them in groups. */
import type { WriteName, Writer } from '../catalog/writes.ts';
import { Refusal, type RefusalKind, Shortage } from '../domain/errors.ts';
import { GenerationClosed } from '../domain/store-link.ts';

/** One end of a channel between two processes. */
export interface Channel {
  send(message: unknown): void;
  onMessage(take: (message: unknown) => void): void;
}

interface Call {
  readonly id: number;
  readonly name: WriteName;
  readonly args: unknown;
}

interface WireError {
  readonly message: string;
  /** Set for a Refusal: its kind. */
  readonly refusal?: RefusalKind;
  /** Set for a Shortage. The cause is for the log of the calling process. */
  readonly shortage?: { readonly cause: string | undefined; readonly changedNothing: boolean };
  /** Set for a GenerationClosed. */
  readonly closed?: true;
}

type Answer = { readonly id: number } & ({ readonly result: unknown } | { readonly error: WireError });

type LinkMessage =
  | { readonly kind: 'writes'; readonly calls: readonly Call[] }
  | { readonly kind: 'written'; readonly answers: readonly Answer[]; readonly commitNumber: number };

/** A writer whose transactions run in the process at the other end. Calls in one turn of the event loop are sent together. */
export function remoteWriter(channel: Channel): Writer {
  const waiting = new Map<number, { resolve(result: unknown): void; reject(error: unknown): void }>();
  const outbox = batched<Call>((calls) => channel.send({ kind: 'writes', calls } satisfies LinkMessage));
  let lastId = 0;
  let commitNumber = 0;
  channel.onMessage((message) => {
    if (!isLinkMessage(message) || message.kind !== 'written') return;
    commitNumber = Math.max(commitNumber, message.commitNumber);
    for (const answer of message.answers) {
      const call = waiting.get(answer.id);
      waiting.delete(answer.id);
      if ('error' in answer) call?.reject(fromWire(answer.error));
      else call?.resolve(answer.result);
    }
  });
  return {
    run(name, args) {
      return new Promise((resolve, reject) => {
        const id = ++lastId;
        waiting.set(id, { resolve, reject });
        outbox({ id, name, args });
      });
    },
    commitNumber: () => commitNumber,
    async close() {},
  };
}

/** Runs the writes that come over the channel, and sends the answers. */
export function serveWrites(channel: Channel, writer: Writer): void {
  const outbox = batched<Answer>((answers) =>
    channel.send({
      kind: 'written',
      answers,
      commitNumber: writer.commitNumber(),
    } satisfies LinkMessage),
  );
  channel.onMessage((message) => {
    if (!isLinkMessage(message) || message.kind !== 'writes') return;
    for (const { id, name, args } of message.calls) {
      writer.run(name, args).then(
        (result) => outbox({ id, result }),
        (error) => outbox({ id, error: toWire(error) }),
      );
    }
  });
}

/** Collects the items of one turn of the event loop, and sends them at its end. */
function batched<Item>(send: (items: readonly Item[]) => void): (item: Item) => void {
  let items: Item[] = [];
  return (item) => {
    if (items.push(item) > 1) return;
    process.nextTick(() => {
      const batch = items;
      items = [];
      send(batch);
    });
  };
}

function isLinkMessage(message: unknown): message is LinkMessage {
  const kind = (message as { kind?: unknown } | null)?.kind;
  return kind === 'writes' || kind === 'written';
}

function toWire(error: unknown): WireError {
  if (error instanceof GenerationClosed) return { message: error.message, closed: true };
  if (error instanceof Shortage) {
    const { message, cause, changedNothing } = error;
    return { message, shortage: { cause: cause === undefined ? undefined : textOf(cause), changedNothing } };
  }
  if (error instanceof Refusal) return { message: error.message, refusal: error.kind };
  return { message: textOf(error) };
}

function textOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

function fromWire({ message, refusal, shortage, closed }: WireError): Error {
  if (closed) return new GenerationClosed(message);
  if (shortage) {
    const { cause, changedNothing } = shortage;
    const from = cause === undefined ? {} : { cause: new Error(`in the writing process: ${cause}`) };
    return new Shortage(message, { ...from, changedNothing });
  }
  return refusal ? new Refusal(refusal, message) : new Error(`in the writing process: ${message}`);
}
