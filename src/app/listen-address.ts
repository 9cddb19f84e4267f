/** Finds out early that an address cannot be listened on, and says why. */
import { createServer } from 'node:net';
import { SettingError } from '../config/errors.ts';
import type { ListenAddress } from '../config/values.ts';

const WRONG_ADDRESS: Readonly<Record<string, string>> = {
  EACCES: 'this user may not take that port (those below 1024 are often for root alone)',
  EADDRNOTAVAIL: 'this machine has no such address',
  ENOTFOUND: 'there is no host of this name',
  EINVAL: 'that is not an address to listen on',
  EAFNOSUPPORT: 'this machine has no addresses of that kind',
};

/**
 * Listens for a moment. Another program may still take the address before the server does, so `listen` reports the
 * same errors.
 * @throws what `listenError` makes of the system's error.
 */
export function requireFreeAddress(address: ListenAddress): Promise<void> {
  const server = createServer();
  return new Promise((resolve, reject) => {
    server.once('error', (error) => reject(listenError(error, address)));
    server.listen(address, () => server.close(() => resolve()));
  });
}

/** An error of `listen` in words: a SettingError for an address that will not do later either. */
export function listenError(error: NodeJS.ErrnoException, address: ListenAddress): Error {
  const { code = '' } = error;
  const shown = formatAddress(address);
  if (code === 'EADDRINUSE') {
    return new Error(
      `${code}: another program listens on ${shown} already; stop it, or give --listen another address`,
    );
  }
  const why = WRONG_ADDRESS[code];
  return why === undefined ? error : new SettingError(`--listen ${shown} cannot be used: ${why} (${code})`);
}

/** `HOST:PORT`, with brackets around an IPv6 address. */
export function formatAddress({ host, port }: ListenAddress): string {
  return `${host.includes(':') ? `[${host}]` : host}:${port}`;
}
