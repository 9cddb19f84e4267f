import { lookup } from 'node:dns';
import { BlockList, isIP, type LookupFunction } from 'node:net';

/** Addresses that webhooks must not reach: this host, its network, the cloud's metadata services. */
const LOCAL = new BlockList();
for (const [network, prefix] of [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['224.0.0.0', 4],
  ['240.0.0.0', 4],
] as const) {
  LOCAL.addSubnet(network, prefix, 'ipv4');
  // The same addresses mapped to IPv6.
  LOCAL.addSubnet(`::ffff:${network}`, 96 + prefix, 'ipv6');
  LOCAL.addSubnet(`64:ff9b::${network}`, 96 + prefix, 'ipv6');
}
for (const [network, prefix] of [
  ['::', 127],
  ['fc00::', 7],
  ['fe80::', 10],
  ['fec0::', 10],
  ['ff00::', 8],
] as const) {
  LOCAL.addSubnet(network, prefix, 'ipv6');
}

/** Whether an IP address is link-local, private, loopback or otherwise not on the public network. */
export function isLocalAddress(address: string): boolean {
  return LOCAL.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4');
}

/** A webhook was not sent, because its address is local. */
export class LocalAddress extends Error {
  constructor(host: string, address: string) {
    super(`the webhook host ${host} has the local address ${address}; --allow-local-webhooks permits it`);
    this.name = 'LocalAddress';
  }
}

/**
 * Looks up a host for a connection, and refuses local addresses. It checks the address that the connection then uses, so
 * a name that resolves differently the second time cannot bypass it.
 */
export const publicLookup: LookupFunction = (host, options, callback) => {
  lookup(host, { ...options, all: true }, (error, addresses) => {
    const local = error ? undefined : addresses.find(({ address }) => isLocalAddress(address));
    const failure = local ? new LocalAddress(host, local.address) : error;
    const first = addresses?.[0];
    if (failure || !first) callback(failure ?? new Error(`${host} has no address`), '', 0);
    else if (options.all) callback(null, addresses);
    else callback(null, first.address, first.family);
  });
};
