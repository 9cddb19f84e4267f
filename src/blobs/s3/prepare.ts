import { FORMAT_KEY } from './keys.ts';
import { ConditionFailed, type Objects } from './objects.ts';

export const FORMAT = { format: 'moraine-objects', version: 3 };

/**
 * Makes a place in a bucket a store, unless it is one already. Call it only after the start has decided that this is the
 * right store. @throws Error for a store of an unknown form, the engine's error.
 */
export async function prepareS3Store(objects: Objects): Promise<void> {
  const text = `${JSON.stringify(FORMAT)}\n`;
  try {
    if ((await readFormat(objects)) === undefined)
      await objects.put(FORMAT_KEY, Buffer.from(text), { absent: true });
  } catch (error) {
    // Another process was first.
    if (!(error instanceof ConditionFailed)) throw error;
  }
  const found = await readFormat(objects);
  if (found && isOurs(found)) return;
  throw new Error(
    `${FORMAT_KEY} in the bucket says ${JSON.stringify(found)}: this version of Moraine serves ${JSON.stringify(FORMAT)} there, ` +
      'and no other. If a newer version made it, start that one',
  );
}

/** What `format.json` says. */
interface FoundFormat {
  readonly format?: unknown;
  readonly version?: unknown;
}

/** Whether this version can serve such a store. */
export function isOurs({ format, version }: FoundFormat): boolean {
  return format === FORMAT.format && version === FORMAT.version;
}

/** Undefined without `format.json`. @throws Error when it is not JSON, the engine's error. */
export async function readFormat(objects: Objects): Promise<FoundFormat | undefined> {
  const found = await objects.get(FORMAT_KEY);
  if (found === undefined) return undefined;
  try {
    return JSON.parse(found.bytes.toString()) as FoundFormat;
  } catch {
    throw new Error(`${FORMAT_KEY} in the bucket is not JSON`);
  }
}
