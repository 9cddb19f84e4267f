/** Bounds the connections of a server. */
import { BlockList, isIP, type Socket } from 'node:net';

export interface ConnectionBounds {
  /** Most connections of all peers together, at least 1. */
  readonly all: number;
  /** Most connections of one peer, which is an IPv4 address or the /64 of an IPv6 address; 0: no limit. */
  readonly perAddress: number;
  /** Peers exempt from that limit, like loopback, because each of their connections may serve another client. */
  readonly proxies: BlockList;
}

interface Held {
  readonly socket: Socket;
  /** Undefined for a peer without limit. */
  readonly peer: string | undefined;
  /** Number of requests in progress from authenticated senders. */
  busy: number;
  /** Whether it ends with its next answer. */
  isEnding: boolean;
}

/**
 * The connections of a server. A connection beyond the limit replaces the oldest one without a request of an authenticated
 * sender. So a flood displaces its own connections, and a client that sends its request at once is answered.
 */
export class Connections {
  readonly #bounds: ConnectionBounds;
  /** By their ends, oldest first. Under TLS a connection has two sockets with the same ends. */
  readonly #held = new Map<string, Held>();
  readonly #byPeer = new Map<string, Set<string>>();

  constructor(bounds: ConnectionBounds) {
    this.#bounds = bounds;
  }

  get count(): number {
    return this.#held.size;
  }

  /** Adds a new connection, or cuts it if there is no room. @returns whether it was added. */
  take(socket: Socket): boolean {
    const ends = endsOf(socket);
    if (ends === undefined || !this.#admit(socket)) {
      socket.destroy();
      return false;
    }
    const peer = this.#boundedPeer(socket);
    this.#held.set(ends, { socket, peer, busy: 0, isEnding: false });
    if (peer !== undefined) this.#byPeer.set(peer, (this.#byPeer.get(peer) ?? new Set()).add(ends));
    socket.once('close', () => this.#forget(ends, socket));
    return true;
  }

  /** Keeps a connection, whose request has an authenticated sender, until the returned function is called. */
  keep(socket: Socket): () => void {
    const held = this.#held.get(endsOf(socket) ?? '');
    if (held === undefined) return () => {};
    held.busy++;
    return () => {
      held.busy--;
    };
  }

  /** Lets each present connection end with its next answer, so that its client connects anew. */
  endAll(): void {
    for (const held of this.#held.values()) held.isEnding = true;
  }

  /** Whether a connection ends with its next answer. */
  isEnding(socket: Socket): boolean {
    return this.#held.get(endsOf(socket) ?? '')?.isEnding === true;
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

  /** Cuts the oldest connection that is not busy. @returns false if there is none. */
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

/** Identifies a connection among all of its server; undefined once it is closed. */
function endsOf({ remoteAddress, remotePort }: Socket): string | undefined {
  return remoteAddress === undefined ? undefined : `${remoteAddress} ${remotePort}`;
}

/** The address without a zone; IPv4 in dotted form even on a dual-stack socket. */
function plainAddress(address: string): string {
  return address.replace(/^::ffff:(?=\d+\.)/i, '').replace(/%.*$/, '');
}

/**
 * The peer of an address: the IPv4 address itself, or the /64 of an IPv6 address, because one peer has a whole /64.
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
