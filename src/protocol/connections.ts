/** Which connections a server holds, and which it gives up when there are too many. */
import { BlockList, isIP, type Socket } from 'node:net';

export interface ConnectionBounds {
  /** Of all peers together, at least 1. */
  readonly all: number;
  /** Of one peer: an IPv4 address or the /64 of an IPv6 address; 0: not bounded. */
  readonly perAddress: number;
  /** Peers that are not bounded by address, beside loopback: each of their connections may come from another client. */
  readonly proxies: BlockList;
}

interface Held {
  readonly socket: Socket;
  /** Undefined where the peer is not bounded. */
  readonly peer: string | undefined;
  /** Requests of known senders that are under way. */
  busy: number;
}

/**
 * The connections of a server. Where one comes too many, the oldest without a request of a known sender gives way: so
 * a flood of connections pushes out itself, and a client that connects and asks at once is answered.
 */
export class Connections {
  readonly #bounds: ConnectionBounds;
  /** In the order in which they came. Under TLS a connection has two sockets with the same ends. */
  readonly #held = new Map<string, Held>();
  readonly #byPeer = new Map<string, Set<string>>();

  constructor(bounds: ConnectionBounds) {
    this.#bounds = bounds;
  }

  get count(): number {
    return this.#held.size;
  }

  /** Takes a new connection in. @returns false if there is no room for it: then it is cut. */
  take(socket: Socket): boolean {
    const ends = endsOf(socket);
    if (ends === undefined || !this.#admit(socket)) {
      socket.destroy();
      return false;
    }
    const peer = this.#boundedPeer(socket);
    this.#held.set(ends, { socket, peer, busy: 0 });
    if (peer !== undefined) this.#byPeer.set(peer, (this.#byPeer.get(peer) ?? new Set()).add(ends));
    socket.once('close', () => this.#forget(ends, socket));
    return true;
  }

  /** Keeps a connection until the function that it returns is called: a request of a known sender is under way. */
  keep(socket: Socket): () => void {
    const held = this.#held.get(endsOf(socket) ?? '');
    if (held === undefined) return () => {};
    held.busy++;
    return () => {
      held.busy--;
    };
  }

  /** Cuts all of them at once. */
  cut(): void {
    for (const { socket } of this.#held.values()) socket.destroy();
  }

  #admit(socket: Socket): boolean {
    const peer = this.#boundedPeer(socket);
    const its = peer === undefined ? undefined : this.#byPeer.get(peer);
    if (its !== undefined && its.size >= this.#bounds.perAddress && !this.#giveUpOne(its)) return false;
    return this.#held.size < this.#bounds.all || this.#giveUpOne(this.#held.keys());
  }

  /** Cuts the oldest that may go. @returns false if there is none. */
  #giveUpOne(candidates: Iterable<string>): boolean {
    for (const ends of candidates) {
      const held = this.#held.get(ends);
      if (held === undefined || held.busy > 0) continue;
      this.#forget(ends, held.socket);
      held.socket.destroy();
      return true;
    }
    return false;
  }

  #forget(ends: string, socket: Socket): void {
    const held = this.#held.get(ends);
    if (held?.socket !== socket) return;
    this.#held.delete(ends);
    if (held.peer === undefined) return;
    const its = this.#byPeer.get(held.peer);
    its?.delete(ends);
    if (its?.size === 0) this.#byPeer.delete(held.peer);
  }

  #boundedPeer({ remoteAddress = '' }: Socket): string | undefined {
    const { perAddress, proxies } = this.#bounds;
    if (perAddress === 0) return undefined;
    const address = plainAddress(remoteAddress);
    const family = isIP(address) === 6 ? 'ipv6' : 'ipv4';
    return LOOPBACK.check(address, family) || proxies.check(address, family) ? undefined : peerOf(address);
  }
}

const LOOPBACK = new BlockList();
LOOPBACK.addSubnet('127.0.0.0', 8, 'ipv4');
LOOPBACK.addAddress('::1', 'ipv6');

/** What tells a connection from all others of its server; undefined once it is closed. */
function endsOf({ remoteAddress, remotePort }: Socket): string | undefined {
  return remoteAddress === undefined ? undefined : `${remoteAddress} ${remotePort}`;
}

/** IPv4 in its own form also on a socket of both families; without a zone. */
function plainAddress(address: string): string {
  return address.replace(/^::ffff:(?=\d+\.)/i, '').replace(/%.*$/, '');
}

/**
 * The peer that an address belongs to: itself, or with IPv6 its first 64 bits, because one peer has all of those.
 * @param address in the form that the system gives.
 */
export function peerOf(address: string): string {
  const plain = plainAddress(address);
  if (isIP(plain) !== 6) return plain;
  const [head = '', tail] = plain.split('::');
  const groups = head === '' ? [] : head.split(':');
  const behind = tail === undefined || tail === '' ? [] : tail.split(':');
  // An IPv4 address at the end takes the place of two groups.
  const given = groups.length + behind.length + (plain.includes('.') ? 1 : 0);
  const zeros = tail === undefined ? [] : Array<string>(Math.max(0, 8 - given)).fill('0');
  const first = [...groups, ...zeros, ...behind].slice(0, 4);
  return `${first.map((group) => Number.parseInt(group, 16).toString(16)).join(':')}::/64`;
}
