/** The kept inputs of a target: one line for each in test/fixtures/fuzz-corpus/NAME.txt. */
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const FOLDER = fileURLToPath(new URL('../../fixtures/fuzz-corpus/', import.meta.url));

/** Names of the targets that have a file. */
export function corpusNames(): string[] {
  return readdirSync(FOLDER).map((file) => file.replace(/\.txt$/, ''));
}

/** The inputs of a target; none without a file. @throws SyntaxError for a line in neither form. */
export function readCorpus(target: string): Buffer[] {
  const path = pathOf(target);
  if (!existsSync(path)) return [];
  return readFileSync(path, 'utf8').split('\n').filter(Boolean).map(decodeInput);
}

/** Replaces the inputs of a target. */
export function writeCorpus(target: string, inputs: readonly Buffer[]): void {
  if (inputs.length === 0) rmSync(pathOf(target), { force: true });
  else writeFileSync(pathOf(target), `${inputs.map(encodeInput).join('\n')}\n`);
}

function pathOf(target: string): string {
  return `${FOLDER}${target}.txt`;
}

/** Encodes an input as a JSON string with a character for each byte, or in base64 if that is shorter. */
export function encodeInput(input: Buffer): string {
  const json = JSON.stringify(input.toString('latin1')).replace(
    /[\x7f-\xff]/g,
    (char) => `\\u00${char.charCodeAt(0).toString(16)}`,
  );
  const base64 = `base64:${input.toString('base64')}`;
  return json.length <= base64.length * 1.5 ? json : base64;
}

/** Decodes either form. @throws SyntaxError for another text. */
export function decodeInput(line: string): Buffer {
  if (line.startsWith('base64:')) return Buffer.from(line.slice('base64:'.length), 'base64');
  return Buffer.from(JSON.parse(line) as string, 'latin1');
}
