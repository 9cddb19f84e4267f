/** Checks early whether a server can listen on an address, and explains why not. */
import { createServer } from 'node:net';
import { SettingError } from '../config/errors.ts';
import type { ListenAddress } from '../config/values.ts';

const WRONG_ADDRESS: Readonly<Record<string, string>> = {
  EACCES: 'this user may not use that port (often only root may use ports below 1024)',
  EADDRNOTAVAIL: 'this machine has no such address',
  ENOTFOUND: 'there is no host with this name',
  EINVAL: 'a server cannot listen on that address',
  EAFNOSUPPORT: 'this machine does not support that kind of address',
};

/**
 * Requires that the address is free, by listening for a moment. Another program may still take it before the server
 * does, so `listen` reports the same errors.
 * @throws the error from `listenError`.
 */
export function requireFreeAddress(address: ListenAddress): Promise<void> {
  const server = createServer();
  return new Promise((resolve, reject) => {
    server.once('error', (error) => reject(listenError(error, address)));
    server.listen(address, () => server.close(() => resolve()));
  });
}

/** Explains an error of `listen`. It is a SettingError if the address will not work later either. */
export function listenError(error: NodeJS.ErrnoException, address: ListenAddress): Error {
  const { code = '' } = error;
  const shown = formatAddress(address);
  if (code === 'EADDRINUSE') {
    return new Error(
      `${code}: another program already listens on ${shown}; stop it, or give --listen another address`,
    );
  }
  const why = WRONG_ADDRESS[code];
  return why === undefined ? error : new SettingError(`--listen ${shown} cannot be used: ${why} (${code})`);
}

/** `HOST:PORT`, with brackets around an IPv6 address. */
export function formatAddress({ host, port }: ListenAddress): string {
  return `${host.includes(':') ? `[${host}]` : host}:${port}`;
}
