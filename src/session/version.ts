/**
 * The version of this package; a test compares it with package.json. Sent in `User-Agent`, printed by
 * `version`.
 */
export const VERSION = '0.1.0';
