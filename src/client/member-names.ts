/** Names of JSON members: `VaultARN` on the wire is `vaultArn` here. */

/** Names that do not follow the rule of the first letter, by their names on the wire. */
const EXCEPTIONS: Readonly<Record<string, string>> = {
  VaultARN: 'vaultArn',
  SNSTopic: 'snsTopic',
  SHA256TreeHash: 'treeHash',
  ArchiveSHA256TreeHash: 'archiveTreeHash',
};
const REVERSED = Object.fromEntries(Object.entries(EXCEPTIONS).map(([wire, own]) => [own, wire]));

/** The name in this library of a member on the wire. */
export function toOwnName(wire: string): string {
  return EXCEPTIONS[wire] ?? wire.charAt(0).toLowerCase() + wire.slice(1);
}

/** The name on the wire of a member in this library. */
function toWireName(own: string): string {
  return REVERSED[own] ?? own.charAt(0).toUpperCase() + own.slice(1);
}

/** Renames the members of an answer, at every depth. The keys of tags are values, and stay. */
export function fromWire(value: unknown): unknown {
  return renamed(value, toOwnName, 'Tags');
}

/** Renames the members of a request, at every depth. */
export function toWire(value: unknown): unknown {
  return renamed(value, toWireName, 'tags');
}

function renamed(value: unknown, rename: (name: string) => string, tags: string): unknown {
  if (Array.isArray(value)) return value.map((one) => renamed(one, rename, tags));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, member]) => [
      rename(name),
      name === tags ? member : renamed(member, rename, tags),
    ]),
  );
}
