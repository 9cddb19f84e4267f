import { quote } from './elements.ts';
import { PolicyError } from './policy-error.ts';

/** Longest policy document (Glacier developer guide: "up to 20 KB"). */
const POLICY_BYTES = 20_480;
const NESTING = 32;

/** An object or array that the scan is in, with the keys seen in it and the scan's position. */
interface Frame {
  readonly keys: Set<string> | undefined;
  at: string | number;
}

/**
 * Parses JSON as a policy must be written: within the size and nesting limits, and without a key twice in one object.
 * JSON.parse silently keeps the last of two equal keys, so a reviewer might read another policy than the one in force.
 * @throws PolicyError for anything else, however broken the text is.
 */
export function parseStrictJson(text: string): unknown {
  const bytes = Buffer.byteLength(text, 'utf8');
  if (bytes > POLICY_BYTES) {
    throw new PolicyError(`The policy has ${bytes} bytes; it may have ${POLICY_BYTES}.`);
  }
  const value = parse(text);
  requireShape(text);
  return value;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    // The reason quotes the text with its line breaks, but a message is one line.
    const reason = (error as Error).message.replace(/[\p{C}\s]+/gu, ' ');
    throw new PolicyError(`The policy is not valid JSON: ${reason}.`);
  }
}

/** `text` is valid JSON here, so four kinds of tokens show its structure. */
function requireShape(text: string): void {
  const frames: Frame[] = [];
  for (const [token, string, colon] of text.matchAll(/("(?:[^"\\]|\\.)*")(\s*:)?|[{}[\],]/g)) {
    const top = frames.at(-1);
    if (token === '{') open(frames, new Set());
    else if (token === '[') open(frames, undefined);
    else if (token === '}' || token === ']') frames.pop();
    else if (token === ',' && typeof top?.at === 'number') top.at += 1;
    else if (colon !== undefined) enterKey(frames, JSON.parse(string ?? '""'));
  }
}

function open(frames: Frame[], keys: Set<string> | undefined): void {
  frames.push({ keys, at: keys === undefined ? 0 : '' });
  if (frames.length > NESTING) throw new PolicyError(`The policy is nested deeper than ${NESTING} levels.`);
}

function enterKey(frames: readonly Frame[], key: string): void {
  const top = frames.at(-1);
  if (top?.keys === undefined) return;
  if (top.keys.has(key)) throw new PolicyError(`the key ${quote(key)} is given twice.`, statementAt(frames));
  top.keys.add(key);
  top.at = key;
}

/** Number of the statement that the scan is in, if it is in one. */
function statementAt([document, list, ...deeper]: readonly Frame[]): string | undefined {
  if (document?.at !== 'Statement' || list === undefined) return undefined;
  if (typeof list.at === 'number') return deeper.length > 0 ? String(list.at + 1) : undefined;
  return '1';
}
