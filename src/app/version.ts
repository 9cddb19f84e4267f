import manifest from '../../package.json' with { type: 'json' };

/** The version of this program's package, such as `0.1.0`. */
export function packageVersion(): string {
  return manifest.version;
}
