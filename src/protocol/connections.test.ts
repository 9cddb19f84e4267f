import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import { BlockList, type Socket } from 'node:net';
import { describe, it } from 'node:test';
import { Connections, peerOf } from './connections.ts';

/** The parts of a socket that `Connections` uses. */
class FakeSocket extends EventEmitter {
  readonly remoteAddress: string;
  readonly remotePort: number;
  destroyed = false;

  constructor(remoteAddress: string, remotePort: number) {
    super();
    this.remoteAddress = remoteAddress;
    this.remotePort = remotePort;
  }

  destroy(): void {
    this.destroyed = true;
    this.emit('close');
  }
}

function setUp(all: number, perAddress: number, proxies: BlockList = new BlockList()) {
  const connections = new Connections({ all, perAddress, proxies });
  let port = 0;
  const connect = (address = '192.0.2.1') => {
    const socket = new FakeSocket(address, ++port);
    connections.take(socket as unknown as Socket);
    return socket;
  };
  const keep = (socket: FakeSocket) => connections.keep(socket as unknown as Socket);
  return { connections, connect, keep };
}

const cut = (sockets: readonly FakeSocket[]) => sockets.map(({ destroyed }) => destroyed);

describe('too many connections', () => {
  it('make the oldest without an authenticated request be cut', () => {
    const { connections, connect, keep } = setUp(3, 0);
    const sockets = [connect(), connect(), connect()];
    const release = keep(sockets[0] as FakeSocket);
    sockets.push(connect());
    assert.deepEqual(cut(sockets), [false, true, false, false]);
    release();
    sockets.push(connect());
    assert.deepEqual(cut(sockets), [true, true, false, false, false]);
    assert.equal(connections.count, 3);
  });

  it('are cut themselves while all others have authenticated requests', () => {
    const { connect, keep } = setUp(2, 0);
    for (const socket of [connect(), connect()]) keep(socket);
    assert.equal(connect().destroyed, true);
  });

  it('keep a connection as long as one of its requests is in progress', () => {
    const { connect, keep } = setUp(1, 0);
    const first = connect();
    const [one, other] = [keep(first), keep(first)];
    one();
    assert.equal(connect().destroyed, true);
    other();
    assert.equal(connect().destroyed, false);
    assert.equal(first.destroyed, true);
  });

  it('do not count after they are closed', () => {
    const { connections, connect } = setUp(2, 2);
    const first = connect();
    const second = connect();
    first.destroy();
    assert.equal(connections.count, 1);
    connect();
    assert.equal(second.destroyed, false);
  });
});

describe('connections of one address', () => {
  it('have a limit of their own, which does not affect other addresses', () => {
    const { connect } = setUp(100, 2);
    const sockets = [connect('192.0.2.2'), connect(), connect(), connect()];
    assert.deepEqual(cut(sockets), [false, true, false, false]);
  });

  it('count together within an IPv6 network, and for IPv4 mapped to IPv6', () => {
    const { connect } = setUp(100, 1);
    const pairs = [
      [connect('2001:db8::1'), connect('2001:db8::ffff:2')],
      [connect('192.0.2.9'), connect('::ffff:192.0.2.9')],
    ];
    for (const pair of pairs) assert.deepEqual(cut(pair), [true, false]);
    assert.equal(connect('2001:db8:0:1::1').destroyed, false);
  });

  it('are not limited on loopback, from proxies, or with a limit of 0', () => {
    const proxies = new BlockList();
    proxies.addSubnet('10.1.0.0', 16, 'ipv4');
    proxies.addAddress('2001:db8::7', 'ipv6');
    const { connect } = setUp(100, 1, proxies);
    for (const address of ['127.0.0.2', '::1', '::ffff:127.0.0.1', '10.1.2.3', '2001:db8::7']) {
      assert.deepEqual(cut([connect(address), connect(address)]), [false, false], address);
    }
    const unbounded = setUp(100, 0);
    assert.deepEqual(cut([unbounded.connect(), unbounded.connect()]), [false, false]);
  });
});

describe('the key under which an address counts', () => {
  for (const [address, peer] of [
    ['192.0.2.1', '192.0.2.1'],
    ['::ffff:192.0.2.1', '192.0.2.1'],
    ['2001:db8:0:0:1:2:3:4', '2001:db8:0:0::/64'],
    ['2001:db8::1', '2001:db8:0:0::/64'],
    ['2001:0DB8:a::', '2001:db8:a:0::/64'],
    ['::1', '0:0:0:0::/64'],
    ['fe80::1%eth0', 'fe80:0:0:0::/64'],
    ['1:2:3:4:5:6:7:8', '1:2:3:4::/64'],
    ['64:ff9b::192.0.2.1', '64:ff9b:0:0::/64'],
  ] as const) {
    it(`is ${peer} for ${address}`, () => assert.equal(peerOf(address), peer));
  }
});
