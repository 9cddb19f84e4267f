/** A block of IP addresses of a condition's value; a single address is a block too. */
interface AddressRange {
  readonly family: 4 | 6;
  /** The first address, as a number. */
  readonly bits: bigint;
  /** Number of leading bits that are compared: 32 or 128 for a single address. */
  readonly prefix: number;
}

const WIDTH = { 4: 32, 6: 128 } as const;
/** `::ffff:0:0/96`: IPv4 addresses as a socket that listens on both families reports them. */
const MAPPED = 0xffffn;

/**
 * Reads `203.0.113.0/24`, `2001:db8::/32` or a single address. IPv4-mapped IPv6 counts as IPv4, so that a client has only
 * one address. Bits after the prefix are ignored.
 * @returns undefined for anything else.
 */
export function parseRange(text: string): AddressRange | undefined {
  const [, host = '', digits] = /^([0-9a-fA-F:.]+)(?:\/(\d{1,3}))?$/.exec(text) ?? [];
  const address = parseBare(host);
  if (address === undefined) return undefined;
  const width = WIDTH[address.family];
  const prefix = digits === undefined ? width : Number(digits);
  return prefix > width ? undefined : unmap({ ...address, prefix });
}

/**
 * Reads the address of a client. A zone (`fe80::1%eth0`) is ignored: it names the server's interface, not the client.
 * @returns undefined for a text that is not an address.
 */
export function parseAddress(text: string): AddressRange | undefined {
  const [host = ''] = text.split('%');
  return host.includes('/') ? undefined : parseRange(host);
}

/** Whether the address is in the block. IPv4 and IPv6 are separate: `::/0` contains no IPv4 address. */
export function inRange(address: AddressRange, range: AddressRange): boolean {
  if (address.family !== range.family) return false;
  const rest = BigInt(WIDTH[range.family] - range.prefix);
  return address.bits >> rest === range.bits >> rest;
}

function unmap(range: AddressRange): AddressRange {
  if (range.family === 4 || range.prefix < 96 || range.bits >> 32n !== MAPPED) return range;
  return { family: 4, bits: range.bits & 0xffffffffn, prefix: range.prefix - 96 };
}

function parseBare(text: string): Omit<AddressRange, 'prefix'> | undefined {
  const bits = text.includes(':') ? parse6(text) : parse4(text);
  return bits === undefined ? undefined : { family: text.includes(':') ? 6 : 4, bits };
}

/** Four decimal numbers. Leading zeros are refused: some programs read them as octal. */
function parse4(text: string): bigint | undefined {
  const parts = text.split('.');
  if (parts.length !== 4 || !parts.every((part) => /^(?:0|[1-9]\d{0,2})$/.test(part) && Number(part) < 256)) {
    return undefined;
  }
  return parts.reduce((bits, part) => (bits << 8n) | BigInt(part), 0n);
}

function parse6(text: string): bigint | undefined {
  const halves = text.split('::');
  if (halves.length > 2) return undefined;
  const [head, tail] = halves.map((half, i) => groupsOf(half, i === halves.length - 1));
  if (head === undefined || (halves.length === 2 && tail === undefined)) return undefined;
  const missing = 8 - head.length - (tail?.length ?? 0);
  if (halves.length === 1 ? missing !== 0 : missing < 1) return undefined;
  const groups = [...head, ...new Array<bigint>(missing).fill(0n), ...(tail ?? [])];
  return groups.reduce((bits, group) => (bits << 16n) | group, 0n);
}

/** Groups of 16 bits. The last two of an address may be written as IPv4. */
function groupsOf(text: string, mayEndIn4: boolean): bigint[] | undefined {
  if (text === '') return [];
  const groups: bigint[] = [];
  const parts = text.split(':');
  for (const [i, part] of parts.entries()) {
    const four = mayEndIn4 && i === parts.length - 1 ? parse4(part) : undefined;
    if (four !== undefined) groups.push(four >> 16n, four & 0xffffn);
    else if (/^[0-9a-fA-F]{1,4}$/.test(part)) groups.push(BigInt(`0x${part}`));
    else return undefined;
  }
  return groups;
}
