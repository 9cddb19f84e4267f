import { X509Certificate } from 'node:crypto';
import { readTlsPair } from '../../config/read.ts';
import type { DoctorDeps, Machine } from './deps.ts';
import { type Check, fault, ok, warning } from './finding.ts';

const DAY_MS = 86_400_000;
/** Renewal should have happened by then. */
const SOON_MS = 30 * DAY_MS;

type Deps = {
  /** Only the paths of the pair are used. */
  readonly config: Pick<DoctorDeps['config'], 'tls'>;
  readonly machine: Pick<Machine, 'clocks'>;
};

/** The certificate: whether it fits its key, and when it expires. */
export const tlsCheck: Check<Deps> = {
  name: 'certificate',
  async run({ config, machine }) {
    if (config.tls === undefined) return [ok('TLS is not configured')];
    const { cert: path, key } = config.tls.files;
    let certificate: X509Certificate;
    try {
      certificate = new X509Certificate(readTlsPair(path, key).cert);
    } catch (error) {
      return [
        fault('certificate-unusable', {
          found: (error as Error).message,
          means: 'a server does not start; a running one keeps the pair that it has',
          advice: `put a certificate chain into ${path} and its private key into ${key}, both readable for the server`,
        }),
      ];
    }
    const [fromMs, toMs] = [Date.parse(certificate.validFrom), Date.parse(certificate.validTo)];
    const { wallMs } = machine.clocks();
    const found = `the certificate ${path} is valid from ${iso(fromMs)} to ${iso(toMs)}`;
    const advice = 'renew it; a running server takes new files within a minute';
    if (toMs <= wallMs)
      return [fault('certificate-expired', { found, means: 'clients refuse to connect', advice })];
    if (fromMs > wallMs) {
      const wait = 'check the clock of this machine, or use a certificate that is valid now';
      return [
        fault('certificate-early', { found, means: 'clients refuse to connect until then', advice: wait }),
      ];
    }
    if (toMs - wallMs >= SOON_MS) return [ok(found)];
    const means = `it expires in ${Math.floor((toMs - wallMs) / DAY_MS)} days; then clients refuse to connect`;
    return [warning('certificate-expires', { found, means, advice })];
  },
};

function iso(ms: number): string {
  return new Date(ms).toISOString();
}
