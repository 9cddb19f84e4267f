/** File names in the descriptions of archives, in the formats that people's tools write. */

/**
 * - `json`: an object with `Path` or `path`; - `mt1`, `mt2`: mt-aws-glacier; - `fastglacier`: FastGlacier and CrushFTP;
 * - `plain`: the description is the name.
 */
type NameFormat = 'json' | 'mt1' | 'mt2' | 'fastglacier' | 'plain';

/** A relative path, and what the description says of the file. */
export interface ArchiveName {
  readonly name: string;
  readonly format: NameFormat;
  /** When the file was last modified, ms since the epoch; null if the description does not say. */
  readonly modifiedMs: number | null;
}

/** What a format yields before the name is checked. */
type Found = Omit<ArchiveName, 'format'> | undefined;

/**
 * The name in a description; null if there is none. Never absolute, never with a segment `.` or `..`, a NUL or a lone
 * surrogate. Only names of the format `json` may have other control characters, since files have such names.
 */
export function archiveNameOf(description: string | null): ArchiveName | null {
  if (description === null) return null;
  const format = formatOf(description);
  const found = READERS[format](description);
  if (found === undefined || !isName(found.name, format)) return null;
  return { name: found.name, format, modifiedMs: found.modifiedMs };
}

function formatOf(text: string): NameFormat {
  if (text.startsWith('{')) return 'json';
  if (text.startsWith('mt1 ')) return 'mt1';
  if (text.startsWith('mt2 ')) return 'mt2';
  return text.startsWith('<') ? 'fastglacier' : 'plain';
}

const READERS: Readonly<Record<NameFormat, (text: string) => Found>> = {
  json: readJson,
  mt1: (text) => readMt(unfoldLatin1(bytesOf(text.slice('mt1 '.length)))),
  mt2: (text) => readMt(bytesOf(text.slice('mt2 '.length))),
  fastglacier: readXml,
  plain: (text) => (isPlainPath(text) ? { name: text, modifiedMs: null } : undefined),
};

function isName(name: string, format: NameFormat): boolean {
  if (name === '' || name.startsWith('/') || name.includes('\0') || !name.isWellFormed()) return false;
  if (name.split('/').some((segment) => segment === '.' || segment === '..')) return false;
  return format === 'json' || !/\p{Cc}/u.test(name);
}

function isPlainPath(text: string): boolean {
  return text === text.trim() && text.split('/').every((segment) => segment !== '');
}

function readJson(text: string): Found {
  const members = objectOf(text);
  const name = textOf(members, 'Path') ?? textOf(members, 'path');
  if (name === undefined) return undefined;
  return { name, modifiedMs: compactDateMs(textOf(members, 'UTCDateModified')) };
}

function readMt(json: Buffer | undefined): Found {
  const members = objectOf(json && utf8Of(json));
  const name = textOf(members, 'filename');
  if (name === undefined) return undefined;
  return { name, modifiedMs: compactDateMs(textOf(members, 'mtime')) };
}

const XML_FORMS = [
  { path: /^<ArchiveMetadata>(?:.*?)<Path>([^<]*)<\/Path>/s, date: /<LastModified>([^<]*)<\/LastModified>/ },
  { path: /^<m>\s*<v>[2-4]<\/v>\s*<p>([^<]*)<\/p>/, date: /<lm>([^<]*)<\/lm>/ },
];

/** Reads no other XML than what these programs write. */
function readXml(text: string): Found {
  for (const { path, date } of XML_FORMS) {
    const [, raw] = path.exec(text) ?? [];
    if (raw !== undefined) return { name: decodePath(raw), modifiedMs: compactDateMs(date.exec(text)?.[1]) };
  }
  return undefined;
}

/** Base64 of UTF-8, or else the text itself. */
function decodePath(raw: string): string {
  const isBase64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(raw);
  const decoded = isBase64 ? utf8Of(Buffer.from(raw, 'base64')) : undefined;
  return decoded ?? raw.replace(/&(amp|lt|gt|quot|apos);/g, (_, name: string) => ENTITIES[name] ?? '');
}

const ENTITIES: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };

/** The bytes of base64url; undefined for any other text. */
function bytesOf(text: string): Buffer | undefined {
  return /^[A-Za-z0-9_-]+={0,2}$/.test(text) ? Buffer.from(text, 'base64url') : undefined;
}

/** Undoes an encoding of bytes as if they were Latin-1 text: the format mt1 encodes twice. */
function unfoldLatin1(bytes: Buffer | undefined): Buffer | undefined {
  const text = bytes && utf8Of(bytes);
  return text === undefined || /[^\0-\xff]/.test(text) ? undefined : Buffer.from(text, 'latin1');
}

const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** The text of the bytes; undefined if they are not UTF-8. */
function utf8Of(bytes: Uint8Array): string | undefined {
  try {
    return UTF8.decode(bytes);
  } catch {
    return undefined;
  }
}

/** The members of a JSON object; undefined if the text is no such object. */
function objectOf(text: string | undefined): ReadonlyMap<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text ?? '');
    const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
    return isObject ? new Map(Object.entries(value)) : undefined;
  } catch {
    return undefined;
  }
}

function textOf(members: ReadonlyMap<string, unknown> | undefined, name: string): string | undefined {
  const value = members?.get(name);
  return typeof value === 'string' ? value : undefined;
}

/** The time of a date in the form `yyyyMMddTHHmmssZ`; null for any other text and for a date that does not exist. */
function compactDateMs(text: string | undefined): number | null {
  const date = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(text ?? '');
  if (date === null) return null;
  const [, year, month, day, hour, minute, second] = date;
  const iso = `${year}-${month}-${day}T${hour}:${minute}:${second}.000Z`;
  const ms = Date.parse(iso);
  return Number.isFinite(ms) && new Date(ms).toISOString() === iso ? ms : null;
}
