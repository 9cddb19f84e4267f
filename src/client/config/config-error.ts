/** Settings that are missing, contradict each other or cannot be used. The message says which, and what to do. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
}
