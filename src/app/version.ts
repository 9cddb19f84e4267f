import manifest from '../../package.json' with { type: 'json' };

/** Of the package that this program is part of, such as `0.1.0`. */
export function packageVersion(): string {
  return manifest.version;
}
